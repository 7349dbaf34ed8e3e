//! The book of a verifier alone: it knows no schedule, only what stamps say, and keeps the sequences of each lane it meets.
//!
//! A stamp carries ten bits of its run's id and its lane. Where the run is known, the keyed check proves whose a record is.
//! Where it is not, a lane must show itself: by beginning near zero, or by three records that continue one another; ids of the
//! same form that other producers draw at random do neither. Runs that share a tag are told apart by their due times: the same
//! lane and sequence at another due time is another run's event. An event goes to the run on whose line of due times it lies
//! best. Where one turns up that no line can hold, a line that pauses there is cut in two: what had been taken for a gap of one
//! run was the end of one and the beginning of another. Where all is read, the runs of a name are told apart once more, in the order
//! of due times. So the account does not depend on the order in which partitions are read.

mod apart;
mod older;

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::book::{Book, Sight, Timed};
use super::order::{Late, Order, Place};
pub use super::sequences::Sighted;
use super::sequences::{Fit, Noted, Pause, Sequences};
use crate::clock::{Anchor, Nanos, wall_unix_ns};
use crate::event::stamp::{DueTime, FirstStamp, RunId, Stamp};
pub(super) use apart::Segment;
use apart::told_apart;
use older::Older;

/// Lanes followed at once, at most, and places of all their orders together: a place takes 56 bytes.
const MOST_LANES: usize = 16_384;
const MOST_PLACES: usize = 1 << 20;
/// Blocks kept event by event over all lanes, at most: about 90 MB.
const MOST_BLOCKS: usize = 20_000;
/// Blocks that are closed at once where there are too many.
const CLOSED_AT_ONCE: usize = 64;
/// A lane that begins below this is believed at once.
const NEAR_ZERO: u64 = 1 << 16;
/// How far a sequence may be from the known ones before it has to be confirmed.
const NEAR: u64 = 1 << 20;
/// Records that continue one another, which make a lane.
const CONFIRMED: u8 = 3;
/// The wall clock is read again this often: it may be set.
const ANCHOR_EVERY: Nanos = Nanos::from_secs(1);

/// The tag of a run and the number of a lane of its, in one.
type Name = u32;

/// Names are few and evenly spread as they are.
#[derive(Debug, Default)]
struct Mixed(u64);

impl Hasher for Mixed {
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

type Named<T> = HashMap<Name, T, BuildHasherDefault<Mixed>>;

/// Something that claims to be a lane and has not shown itself yet.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    sequence: u64,
    due: DueTime,
    waiting: [Option<(u64, DueTime)>; CONFIRMED as usize - 1],
    count: u8,
}

/// One lane of one run, as far as it has been seen.
#[derive(Debug)]
struct Stream {
    tag: u16,
    lane: u16,
    sequences: Sequences,
    order: Order,
    /// Whether an event may have been taken for one of another run's that was there at the same time.
    is_doubtful: bool,
}

/// What a topic's stamps say.
#[derive(Debug)]
pub struct TopicBook {
    run: Option<RunId>,
    partitions: usize,
    /// The streams of a name, one for each run.
    named: Named<Vec<usize>>,
    streams: Vec<Stream>,
    candidates: Named<Candidate>,
    older: Older,
    /// The stream of the event seen last.
    current: Option<usize>,
    open_blocks: usize,
    anchor: Anchor,
    anchored_at: Nanos,
    ready_unix_ns: u64,
    counts: Counts,
    /// Where others read how much is missing or on its way.
    gauge: Option<Arc<AtomicU64>>,
}

/// What a topic's book counts beside the sequences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events that could be told from nothing before the next ones confirmed them.
    pub confirmed_late: u64,
    /// Records that looked like events of a lane and were never confirmed: another producer's.
    pub unconfirmed: u64,
    /// Events whose ids are of the first layout, as far as they were not taken for another producer's at once.
    pub older: u64,
    /// All events whose ids are of the first layout.
    pub all_older: u64,
    /// Events of lanes beyond those that are followed.
    pub untracked: u64,
    /// Events of which it is no longer known whether they had been seen before.
    pub forgotten: u64,
    /// Events that were due before the reader stood ready: their time is not that of the pipeline.
    pub untimed: u64,
}

/// What is known of a lane at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneSeen {
    /// The run's tag.
    pub tag: u16,
    /// The lane.
    pub lane: u16,
    /// The first sequence seen.
    pub first: u64,
    /// The last sequence seen.
    pub last: u64,
    /// Events seen, each once.
    pub seen: u64,
    /// Sequences in between that were not seen and should have been.
    pub missing: u64,
    /// Sequences in between that may still be on their way, or lie where was not read.
    pub open: u64,
    /// Sequences in between that may lie below where reading began.
    pub below: u64,
    /// When the first was due.
    pub first_due: DueTime,
    /// When the last was due.
    pub last_due: DueTime,
    /// Whether another run with the same tag was there at the same time and some events may be of either, so that its gaps say
    /// nothing.
    pub mixed: bool,
}

/// What was read of a topic, as far as it bears on what can be missing.
#[derive(Clone, Copy, Debug)]
pub struct Extent<'a> {
    /// Partitions that were not read to their end.
    pub unread: &'a [usize],
    /// Partitions that have, or had, records below where reading began.
    pub begun_late: &'a [usize],
    /// What was due later may still be on its way.
    pub cutoff: DueTime,
    /// Lanes whose first event was due later than that have nothing below where reading began.
    pub ready: DueTime,
}

impl TopicBook {
    /// A book of records from so many partitions; `run`: whose events are judged, where that is known.
    #[must_use]
    pub fn new(run: Option<RunId>, partitions: usize) -> Self {
        Self {
            run,
            partitions,
            named: Named::default(),
            streams: Vec::new(),
            candidates: Named::default(),
            older: Older::default(),
            current: None,
            open_blocks: 0,
            anchor: Anchor::at_unix_ns(0),
            anchored_at: Nanos::ZERO,
            ready_unix_ns: u64::MAX,
            counts: Counts::default(),
            gauge: None,
        }
    }

    /// The same book, which tells once a second how many sequences it has not seen between the first and the last of each lane.
    #[must_use]
    pub fn telling(self, gauge: Arc<AtomicU64>) -> Self {
        Self { gauge: Some(gauge), ..self }
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let forgotten = self.streams.iter().map(|stream| stream.sequences.forgotten()).sum();
        let waiting = |candidate: &Candidate| u64::from(candidate.count);
        let unconfirmed = self.counts.unconfirmed + self.candidates.values().map(waiting).sum::<u64>();
        let mistaken = self.streams.iter().filter(|stream| self.is_older(stream));
        let older = mistaken.map(|stream| stream.sequences.seen()).sum();
        let all_older = older + self.older.counted();
        Counts { unconfirmed, older, all_older, forgotten, ..self.counts }
    }

    /// Lanes followed.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.streams.len()
    }

    /// Sequences that were not seen between the first and the last of each lane: missing, or on their way.
    #[must_use]
    pub fn unseen(&self) -> u64 {
        self.streams.iter().map(|stream| stream.sequences.unseen()).sum()
    }

    /// When the latest event was due.
    #[must_use]
    pub fn latest_due(&self) -> Option<DueTime> {
        self.streams.iter().map(|stream| stream.sequences.due().1).max()
    }

    /// Each lane's account, as far as `extent` lets it be told.
    #[must_use]
    pub fn account(&self, extent: &Extent<'_>) -> Vec<LaneSeen> {
        let of = |stream: &Stream| {
            let sequences = &stream.sequences;
            let (first_due, last_due) = sequences.due();
            // What is missing beyond the highest sequence read in a partition may lie in the part that was not.
            let highest = |partition: &usize| stream.order.highest(0, *partition).unwrap_or(0);
            let bound = extent.unread.iter().map(highest).min().unwrap_or(u64::MAX);
            // And what is missing before the lowest may lie below where reading began.
            let lowest = |partition: &usize| stream.order.lowest(0, *partition).unwrap_or(u64::MAX);
            let low = extent.begun_late.iter().map(lowest).max().filter(|_| first_due < extent.ready).unwrap_or(0);
            let gaps = sequences.gaps(extent.cutoff, low, bound);
            LaneSeen {
                tag: stream.tag,
                lane: stream.lane,
                first: sequences.first(),
                last: sequences.last(),
                seen: sequences.seen(),
                missing: gaps.missing,
                open: gaps.open,
                below: gaps.below,
                first_due,
                last_due,
                mixed: stream.is_doubtful && self.overlaps(stream),
            }
        };
        let mut lanes = Vec::new();
        for (name, places) in &self.named {
            let streams = || places.iter().map(|at| &self.streams[*at]).filter(|stream| !self.is_older(stream));
            if self.can_be_told_apart(extent, streams().map(|stream| &stream.sequences)) {
                let segments = streams().flat_map(|stream| stream.sequences.segments()).collect();
                let (tag, lane) = parts_of(*name);
                lanes.extend(told_apart(tag, lane, segments, extent));
            } else {
                lanes.extend(streams().map(of));
            }
        }
        lanes.sort_by_key(|lane| (lane.first_due, lane.tag, lane.lane));
        rejoined(lanes, extent)
    }

    /// Whether the runs of a name are told apart once more, now that all is read: where there may be several, all of the topic was
    /// read, and nothing was forgotten.
    fn can_be_told_apart<'a>(&self, extent: &Extent<'_>, mut streams: impl Iterator<Item = &'a Sequences>) -> bool {
        let is_whole = extent.unread.is_empty() && extent.begun_late.is_empty();
        let mut count = 0;
        self.run.is_none()
            && is_whole
            && streams.all(|one| {
                count += 1;
                one.forgotten() == 0
            })
            && count > 1
    }

    /// Whether another run with the same tag was there at the same time.
    fn overlaps(&self, stream: &Stream) -> bool {
        let (first, last) = stream.sequences.due();
        let named = self.of_name(name_of(stream.tag, stream.lane)).iter().map(|at| &self.streams[*at]);
        let mut others = named.filter(|other| !std::ptr::eq(*other, stream));
        others.any(|other| {
            let (other_first, other_last) = other.sequences.due();
            first <= other_last && other_first <= last
        })
    }

    /// Whether what was taken for a lane are ids of the first layout.
    fn is_older(&self, stream: &Stream) -> bool {
        self.run.is_none() && self.older.explains(stream.tag, stream.lane, &stream.sequences)
    }

    fn of_name(&self, name: Name) -> &[usize] {
        self.named.get(&name).map_or(&[], Vec::as_slice)
    }

    /// What was seen of an event of the run that is judged.
    #[must_use]
    pub fn sighted(&self, lane: u16, sequence: u64) -> Sighted {
        let Some(run) = self.run else { return Sighted::Unseen };
        let named = self.of_name(name_of(run.tag(), lane)).iter();
        let sighted = named.map(|at| self.streams[*at].sequences.sighted(sequence));
        sighted.max().unwrap_or(Sighted::Unseen)
    }

    fn note(&mut self, stamp: Stamp, whole: bool) -> Sight {
        self.current = None;
        match self.seek(stamp, whole) {
            Found::Same => return if whole { Sight::Again } else { Sight::Stranger },
            Found::Forgotten(at) => {
                if whole {
                    self.streams[at].sequences.forget();
                }
                return Sight::Unsettled;
            }
            Found::Fits(best) if !best.is_far || !whole => return self.put(best.at, stamp, whole),
            Found::Fits(_) => return self.settle(stamp),
            Found::Nowhere => {}
        }
        if !whole {
            return Sight::Stranger;
        }
        if self.run.is_some() || stamp.sequence < NEAR_ZERO {
            return self.settle(stamp);
        }
        self.consider(stamp)
    }

    /// Where an event belongs.
    fn seek(&mut self, stamp: Stamp, whole: bool) -> Found {
        let Stamp { sequence, due, .. } = stamp;
        let (mut best, mut second): (Option<Candidacy>, Option<Candidacy>) = (None, None);
        let mut forgotten = None;
        let named = self.named.get(&name_of(stamp.tag, stamp.lane)).map_or(&[][..], Vec::as_slice);
        for at in named.iter().copied() {
            let sequences = &self.streams[at].sequences;
            let is_near =
                sequence >= sequences.first().saturating_sub(NEAR) && sequence <= sequences.last().saturating_add(NEAR);
            if self.run.is_none() && !is_near || !whole && !sequences.covers(sequence) {
                continue;
            }
            match sequences.fit(sequence, due) {
                Fit::Same => {
                    self.current = Some(at);
                    return Found::Same;
                }
                Fit::Forgotten => forgotten = Some(at),
                Fit::Apart => {}
                Fit::Open { error, is_near } => {
                    let other = Candidacy { is_far: !is_near, error, at };
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
            self.streams[best.at].is_doubtful = true;
            self.streams[second.at].is_doubtful = true;
        }
        match (best, forgotten) {
            (Some(best), _) => Found::Fits(best),
            (None, Some(at)) => Found::Forgotten(at),
            (None, None) => Found::Nowhere,
        }
    }

    /// Whether the whole of stream `near` was due between `due` and stream `far`: runs follow each other, and an event belongs to
    /// the nearer one.
    fn is_beyond(&self, far: usize, near: usize, due: DueTime) -> bool {
        let ((far_first, far_last), (first, last)) =
            (self.streams[far].sequences.due(), self.streams[near].sequences.due());
        far_last < first && first <= due || due <= last && last < far_first
    }

    fn put(&mut self, at: usize, stamp: Stamp, whole: bool) -> Sight {
        self.current = Some(at);
        let sequences = &mut self.streams[at].sequences;
        let before = sequences.open_blocks();
        let noted = sequences.note(stamp.sequence, stamp.due, !whole);
        self.open_blocks = self.open_blocks + sequences.open_blocks() - before;
        match noted {
            Noted::First => {
                self.make_room();
                Sight::First
            }
            Noted::Mended => Sight::Mended,
            Noted::Again => Sight::Again,
        }
    }

    /// An event that lies on no line: those that cannot hold it are cut where they pause around it, and if it still has no place, a
    /// lane begins.
    fn settle(&mut self, stamp: Stamp) -> Sight {
        let name = name_of(stamp.tag, stamp.lane);
        let mut is_doubtful = false;
        for at in self.of_name(name).to_vec() {
            let (first, last) = self.streams[at].sequences.due();
            let is_around = first <= stamp.due && stamp.due < last;
            if !is_around || self.streams[at].sequences.fit(stamp.sequence, stamp.due) != Fit::Apart {
                continue;
            }
            match self.streams[at].sequences.pause_at(stamp.due) {
                Pause::Border => self.cut(at, stamp.due),
                Pause::Doubtful => {
                    self.streams[at].is_doubtful = true;
                    is_doubtful = true;
                }
                Pause::None => {}
            }
        }
        match self.seek(stamp, true) {
            Found::Fits(best) => self.put(best.at, stamp, true),
            _ => self.begin(stamp, is_doubtful),
        }
    }

    /// Cuts a stream in two after `due`.
    fn cut(&mut self, at: usize, due: DueTime) {
        if self.streams.len() >= self.most_lanes() {
            return;
        }
        let stream = &mut self.streams[at];
        let before = stream.sequences.open_blocks();
        let Some(later) = stream.sequences.split_off(due) else { return };
        let order = stream.order.split_off(later.first());
        self.open_blocks = self.open_blocks + stream.sequences.open_blocks() + later.open_blocks() - before;
        let (tag, lane, is_doubtful) = (stream.tag, stream.lane, stream.is_doubtful);
        self.add(Stream { tag, lane, sequences: later, order, is_doubtful });
    }

    fn add(&mut self, stream: Stream) -> usize {
        let at = self.streams.len();
        self.named.entry(name_of(stream.tag, stream.lane)).or_default().push(at);
        self.streams.push(stream);
        at
    }

    fn most_lanes(&self) -> usize {
        MOST_LANES.min(MOST_PLACES / self.partitions.max(1)).max(1)
    }

    /// A lane that shows itself by this record.
    fn begin(&mut self, stamp: Stamp, is_doubtful: bool) -> Sight {
        if self.streams.len() >= self.most_lanes() {
            self.counts.untracked += 1;
            return Sight::Unsettled;
        }
        let sequences = Sequences::begin(stamp.sequence, stamp.due);
        let order = Order::new(1, self.partitions);
        self.open_blocks += sequences.open_blocks();
        let at = self.add(Stream { tag: stamp.tag, lane: stamp.lane, sequences, order, is_doubtful });
        self.current = Some(at);
        self.make_room();
        Sight::First
    }

    /// A record that may be another producer's: a lane is believed when some continue one another.
    fn consider(&mut self, stamp: Stamp) -> Sight {
        let name = name_of(stamp.tag, stamp.lane);
        let Stamp { sequence, due, .. } = stamp;
        let fresh = Candidate { sequence, due, waiting: [Some((sequence, due)), None], count: 1 };
        let Some(candidate) = self.candidates.get_mut(&name) else {
            self.candidates.insert(name, fresh);
            return Sight::Unsettled;
        };
        let is_next = sequence != candidate.sequence
            && sequence.abs_diff(candidate.sequence) <= NEAR
            && (sequence > candidate.sequence) == (due >= candidate.due);
        if !is_next {
            self.counts.unconfirmed += u64::from(candidate.count);
            *candidate = fresh;
            return Sight::Unsettled;
        }
        (candidate.sequence, candidate.due) = (sequence, due);
        candidate.count += 1;
        if candidate.count < CONFIRMED {
            candidate.waiting[usize::from(candidate.count) - 1] = Some((sequence, due));
            return Sight::Unsettled;
        }
        let confirmed = *candidate;
        self.candidates.remove(&name);
        let sight = match self.far_on(stamp) {
            Some(at) => self.put(at, stamp, true),
            None => self.settle(stamp),
        };
        if let Some(at) = self.current {
            for (sequence, due) in confirmed.waiting.into_iter().flatten() {
                let waited = Stamp { due, sequence, ..stamp };
                let fits = matches!(self.streams[at].sequences.fit(sequence, due), Fit::Open { .. });
                if fits && self.put(at, waited, true) == Sight::First {
                    self.counts.confirmed_late += 1;
                }
            }
        }
        sight
    }

    /// The lane that goes on with this record after a gap, if there is one.
    fn far_on(&self, stamp: Stamp) -> Option<usize> {
        let fits = |at: &usize| matches!(self.streams[*at].sequences.fit(stamp.sequence, stamp.due), Fit::Open { .. });
        self.of_name(name_of(stamp.tag, stamp.lane)).iter().copied().rfind(fits)
    }

    /// Closes blocks where there are too many, first of the lane that has most.
    fn make_room(&mut self) {
        while self.open_blocks > MOST_BLOCKS {
            let most = self.streams.iter_mut().max_by_key(|stream| stream.sequences.open_blocks());
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

/// A stream that an event fits, the better one first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidacy {
    is_far: bool,
    error: u64,
    at: usize,
}

/// What is found of an event among the streams of its name.
enum Found {
    Same,
    Forgotten(usize),
    Fits(Candidacy),
    Nowhere,
}

/// The tag and the lane of a name.
#[expect(clippy::cast_possible_truncation, reason = "its halves")]
const fn parts_of(name: Name) -> (u16, u16) {
    ((name >> 16) as u16, name as u16)
}

fn name_of(tag: u16, lane: u16) -> Name {
    u32::from(tag) << 16 | u32::from(lane)
}

/// Joins what was cut apart and still goes on as one run: a part follows the nearest earlier one that it can follow.
fn rejoined(lanes: Vec<LaneSeen>, extent: &Extent<'_>) -> Vec<LaneSeen> {
    let mut whole: Vec<LaneSeen> = Vec::with_capacity(lanes.len());
    let mut named: Named<Vec<usize>> = Named::default();
    for part in lanes {
        let places = named.entry(name_of(part.tag, part.lane)).or_default();
        let can_follow = |at: &&usize| whole[**at].last < part.first && whole[**at].last_due <= part.first_due;
        let before = places.iter().filter(can_follow).max_by_key(|at| whole[**at].last).copied();
        let Some(before) = before.map(|at| &mut whole[at]) else {
            places.push(whole.len());
            whole.push(part);
            continue;
        };
        let between = part.first - before.last - 1;
        if extent.unread.is_empty() && part.first_due <= extent.cutoff {
            before.missing += between;
        } else {
            before.open += between;
        }
        (before.last, before.last_due) = (part.last, part.last_due);
        before.seen += part.seen;
        before.missing += part.missing;
        before.open += part.open;
        before.below += part.below;
        before.mixed |= part.mixed;
    }
    whole
}

impl Book for TopicBook {
    fn start(&mut self, anchor: Anchor) {
        self.anchor = anchor;
        self.ready_unix_ns = anchor.unix_ns(Nanos::ZERO);
    }

    /// Events come by the wall clocks of others, so this one's is followed where it is set.
    fn begin_batch(&mut self, at: Nanos) {
        if at >= self.anchored_at + ANCHOR_EVERY {
            self.anchored_at = at;
            self.anchor = Anchor::at_unix_ns(wall_unix_ns().saturating_sub(at.0));
            if let Some(gauge) = &self.gauge {
                gauge.store(self.unseen(), Ordering::Release);
            }
        }
    }

    fn run(&self) -> Option<RunId> {
        self.run
    }

    fn see(&mut self, stamp: Stamp, whole: bool) -> Sight {
        self.note(stamp, whole)
    }

    fn see_older(&mut self, stamp: FirstStamp) {
        self.older.note(stamp);
    }

    fn time(&mut self, stamp: Stamp, at: Nanos) -> Option<Timed> {
        let (due, seen) = (stamp.due.unix_ns(), self.anchor.unix_ns(at));
        if due < self.ready_unix_ns {
            self.counts.untimed += 1;
            return None;
        }
        let took = seen.checked_sub(due).map(Nanos);
        Some(Timed { phase: 0, end_to_end: took.unwrap_or_default(), early: took.is_none() })
    }

    fn place(&mut self, _stamp: Stamp, partition: usize, place: Place) -> Option<Late> {
        self.streams.get_mut(self.current?)?.order.see(0, partition, place)
    }

    /// The run's zero is not known.
    fn due(&self, _stamp: Stamp) -> Option<Nanos> {
        None
    }
}

#[cfg(test)]
mod tests;
