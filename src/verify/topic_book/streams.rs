//! The streams of a topic, one for each lane of each run that was seen, and which of them an event belongs to.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::event::stamp::{DueTime, Stamp};
use crate::verify::book::Recognition;
use crate::verify::order::Order;
use crate::verify::sequences::{Fit, Novelty, Pause, SequenceState, Sequences};

/// Lanes followed at once, at most, and places of all their orders together: a place takes 56 bytes.
const MOST_LANES: usize = 16_384;
pub(super) const MOST_PLACES: usize = 1 << 20;
/// Blocks kept event by event over all lanes, at most: about 90 MB.
pub(super) const MOST_BLOCKS: usize = 20_000;
/// Blocks that are closed at once where there are too many.
const CLOSED_AT_ONCE: usize = 64;
/// How far a sequence may be from the known ones before it has to be confirmed.
pub(super) const NEAR: u64 = 1 << 20;

/// The tag of a run and the number of a lane of its, in one.
pub(super) type Name = u32;

pub(super) fn name_of(tag: u16, lane: u16) -> Name {
    u32::from(tag) << 16 | u32::from(lane)
}

/// Names are few and evenly spread as they are.
#[derive(Debug, Default)]
pub(super) struct NameHasher(u64);

impl Hasher for NameHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, word: u32) {
        self.0 = (self.0.rotate_left(7) ^ u64::from(word)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

pub(super) type ByName<T> = HashMap<Name, T, BuildHasherDefault<NameHasher>>;

/// One lane of one run, as far as it has been seen.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) tag: u16,
    pub(super) lane: u16,
    pub(super) sequences: Sequences,
    pub(super) order: Order,
    /// Whether an event may have been taken for one of another run's that was there at the same time.
    pub(super) is_doubtful: bool,
}

/// The streams of a topic.
#[derive(Debug)]
pub(super) struct Streams {
    /// Whether all events are of one run: then a stream is believed however far its sequences jump.
    pub(super) of_one_run: bool,
    partitions: usize,
    all: Vec<Stream>,
    /// The streams of a name, one for each run.
    by_name: ByName<Vec<usize>>,
    pub(super) open_blocks: usize,
}

/// What is known of an event before it is noted.
pub(super) enum Placement {
    /// It has been seen, in that stream.
    Seen(usize),
    /// Whether it has been seen is no longer known.
    Forgotten(usize),
    /// It is that stream's.
    Fits(Match),
    /// It is no stream's.
    Nowhere,
}

/// A stream that an event fits, the better one first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Match {
    pub(super) is_far: bool,
    error: u64,
    pub(super) at: usize,
}

impl Streams {
    pub(super) fn new(of_one_run: bool, partitions: usize) -> Self {
        Self { of_one_run, partitions, all: Vec::new(), by_name: ByName::default(), open_blocks: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Stream> {
        self.all.iter()
    }

    /// Those of each lane, of whatever runs.
    pub(super) fn by_name(&self) -> impl Iterator<Item = impl Iterator<Item = &Stream>> {
        self.by_name.values().map(|named| named.iter().map(|at| &self.all[*at]))
    }

    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut Stream> {
        self.all.get_mut(at)
    }

    /// Those of a lane, whatever runs have its tag.
    fn of_name(&self, name: Name) -> &[usize] {
        self.by_name.get(&name).map_or(&[], Vec::as_slice)
    }

    /// What was seen of an event.
    pub(super) fn state_of(&self, tag: u16, lane: u16, sequence: u64) -> SequenceState {
        let named = self.of_name(name_of(tag, lane)).iter();
        named.map(|at| self.all[*at].sequences.state_of(sequence)).max().unwrap_or(SequenceState::Unseen)
    }

    /// Whether another run with the same tag was there at the same time.
    pub(super) fn overlaps(&self, stream: &Stream) -> bool {
        let (first, last) = stream.sequences.due();
        let named = self.of_name(name_of(stream.tag, stream.lane)).iter().map(|at| &self.all[*at]);
        let mut others = named.filter(|other| !std::ptr::eq(*other, stream));
        others.any(|other| {
            let (other_first, other_last) = other.sequences.due();
            first <= other_last && other_first <= last
        })
    }

    /// Where an event belongs.
    pub(super) fn place_of(&mut self, stamp: Stamp, whole: bool) -> Placement {
        let Stamp { sequence, due, .. } = stamp;
        let (mut best, mut second): (Option<Match>, Option<Match>) = (None, None);
        let mut forgotten = None;
        let named = self.by_name.get(&name_of(stamp.tag, stamp.lane)).map_or(&[][..], Vec::as_slice);
        for at in named.iter().copied() {
            let sequences = &self.all[at].sequences;
            let is_near =
                sequence >= sequences.first().saturating_sub(NEAR) && sequence <= sequences.last().saturating_add(NEAR);
            if !self.of_one_run && !is_near || !whole && !sequences.covers(sequence) {
                continue;
            }
            match sequences.fit(sequence, due) {
                Fit::Same => return Placement::Seen(at),
                Fit::Forgotten => forgotten = Some(at),
                Fit::Apart => {}
                Fit::Open { error, is_near } => {
                    let other = Match { is_far: !is_near, error, at };
                    let Some(found) = best else {
                        best = Some(other);
                        continue;
                    };
                    let are_far = found.is_far && other.is_far;
                    if are_far && self.is_beyond(other.at, found.at, due) {
                        continue;
                    }
                    if are_far && self.is_beyond(found.at, other.at, due) {
                        best = Some(other);
                        continue;
                    }
                    best = Some(found.min(other));
                    second = second.into_iter().chain([found.max(other)]).min();
                }
            }
        }
        if let (Some(best), Some(second)) = (best, second)
            && best.is_far == second.is_far
            && best.error >= second.error / 4
        {
            self.all[best.at].is_doubtful = true;
            self.all[second.at].is_doubtful = true;
        }
        match (best, forgotten) {
            (Some(best), _) => Placement::Fits(best),
            (None, Some(at)) => Placement::Forgotten(at),
            (None, None) => Placement::Nowhere,
        }
    }

    /// Whether the whole of stream `near` was due between `due` and stream `far`: runs follow each other, and an event belongs to
    /// the nearer one.
    fn is_beyond(&self, far: usize, near: usize, due: DueTime) -> bool {
        let ((far_first, far_last), (first, last)) = (self.all[far].sequences.due(), self.all[near].sequences.due());
        far_last < first && first <= due || due <= last && last < far_first
    }

    /// Whether an event can be that stream's.
    pub(super) fn can_be_of(&self, at: usize, sequence: u64, due: DueTime) -> bool {
        matches!(self.all[at].sequences.fit(sequence, due), Fit::Open { .. })
    }

    /// Notes an event of a stream.
    pub(super) fn note(&mut self, at: usize, stamp: Stamp, whole: bool) -> Recognition {
        let sequences = &mut self.all[at].sequences;
        let before = sequences.open_blocks();
        let noted = sequences.note(stamp.sequence, stamp.due, !whole);
        self.open_blocks = self.open_blocks + sequences.open_blocks() - before;
        match noted {
            Novelty::First => {
                self.make_room();
                Recognition::First
            }
            Novelty::Mended => Recognition::Mended,
            Novelty::Again => Recognition::Again,
        }
    }

    /// Notes that an event came of which it is no longer known whether it had been seen.
    pub(super) fn forget(&mut self, at: usize) {
        self.all[at].sequences.forget();
    }

    /// Notes a whole event that lies on no line: those that cannot hold it are cut where they pause around it, and if it still has no
    /// place, a stream begins. Returns the stream, too; `None` where there are too many.
    pub(super) fn settle(&mut self, stamp: Stamp) -> Option<(usize, Recognition)> {
        let mut is_doubtful = false;
        for at in self.of_name(name_of(stamp.tag, stamp.lane)).to_vec() {
            let (first, last) = self.all[at].sequences.due();
            let is_around = first <= stamp.due && stamp.due < last;
            if !is_around || self.all[at].sequences.fit(stamp.sequence, stamp.due) != Fit::Apart {
                continue;
            }
            match self.all[at].sequences.pause_at(stamp.due) {
                Pause::Border => self.cut(at, stamp.due),
                Pause::Doubtful => {
                    self.all[at].is_doubtful = true;
                    is_doubtful = true;
                }
                Pause::None => {}
            }
        }
        match self.place_of(stamp, true) {
            Placement::Fits(best) => Some((best.at, self.note(best.at, stamp, true))),
            _ => Some((self.begin(stamp, is_doubtful)?, Recognition::First)),
        }
    }

    /// Cuts a stream in two after `due`.
    fn cut(&mut self, at: usize, due: DueTime) {
        if self.is_full() {
            return;
        }
        let stream = &mut self.all[at];
        let before = stream.sequences.open_blocks();
        let Some(later) = stream.sequences.split_off(due) else { return };
        let order = stream.order.split_off(later.first());
        self.open_blocks = self.open_blocks + stream.sequences.open_blocks() + later.open_blocks() - before;
        let (tag, lane, is_doubtful) = (stream.tag, stream.lane, stream.is_doubtful);
        self.add(Stream { tag, lane, sequences: later, order, is_doubtful });
    }

    /// A stream that shows itself by this event; `None` where there are too many.
    fn begin(&mut self, stamp: Stamp, is_doubtful: bool) -> Option<usize> {
        if self.is_full() {
            return None;
        }
        let sequences = Sequences::begin(stamp.sequence, stamp.due);
        let order = Order::new(1, self.partitions);
        self.open_blocks += sequences.open_blocks();
        let at = self.add(Stream { tag: stamp.tag, lane: stamp.lane, sequences, order, is_doubtful });
        self.make_room();
        Some(at)
    }

    fn add(&mut self, stream: Stream) -> usize {
        let at = self.all.len();
        self.by_name.entry(name_of(stream.tag, stream.lane)).or_default().push(at);
        self.all.push(stream);
        at
    }

    fn is_full(&self) -> bool {
        self.all.len() >= MOST_LANES.min(MOST_PLACES / self.partitions.max(1)).max(1)
    }

    /// The stream that goes on with this event after a gap, if there is one.
    pub(super) fn far_on(&self, stamp: Stamp) -> Option<usize> {
        let mut named = self.of_name(name_of(stamp.tag, stamp.lane)).iter().copied();
        named.rfind(|at| self.can_be_of(*at, stamp.sequence, stamp.due))
    }

    /// Closes blocks where there are too many, first of the stream that has most.
    fn make_room(&mut self) {
        while self.open_blocks > MOST_BLOCKS {
            let most = self.all.iter_mut().max_by_key(|stream| stream.sequences.open_blocks());
            let Some(most) = most else { return };
            for _ in 0..CLOSED_AT_ONCE.min(most.sequences.open_blocks() / 2 + 1) {
                if !most.sequences.close_lowest() {
                    return;
                }
                self.open_blocks -= 1;
            }
        }
    }
}
