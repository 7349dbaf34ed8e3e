//! The book of a verifier alone: it knows no schedule, only what stamps say, and keeps the sequences of each lane it meets.
//!
//! A stamp carries four bits of its run's id and its lane. Where the run is known, the keyed check proves whose a record is.
//! Where it is not, a lane must show itself: by beginning near zero, or by three records that continue one another; ids of the
//! same form that other producers draw at random do neither. Two runs that share a tag are told apart by their due times;
//! where these overlap they cannot be, and that is said.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::book::{Book, Sight, Timed};
use super::order::{Late, Order, Place};
pub use super::sequences::Sighted;
use super::sequences::{Noted, Sequences, mark_of};
use crate::clock::{Anchor, Nanos, wall_unix_ns};
use crate::event::stamp::{DueTime, LANES, RunId, Stamp};

/// Runs that a tag can stand for.
const TAGS: usize = 16;
/// Lanes followed at once, at most, and places of all their orders together: a place takes 40 bytes.
const MOST_LANES: usize = 4_096;
const MOST_PLACES: usize = 1 << 20;
/// Blocks kept event by event over all lanes, at most: about 80 MB.
const MOST_BLOCKS: usize = 8_192;
/// A lane that begins below this is believed at once.
const NEAR_ZERO: u64 = 1 << 16;
/// How far a sequence may be from the known ones before it has to be confirmed.
const NEAR: u64 = 1 << 20;
/// Records that continue one another, which make a lane.
const CONFIRMED: u8 = 3;
/// The wall clock is read again this often: it may be set.
const ANCHOR_EVERY: Nanos = Nanos::from_secs(1);

/// Something that claims to be a lane and has not shown itself yet.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    sequence: u64,
    due: DueTime,
    waiting: [Option<(u64, DueTime, u16)>; CONFIRMED as usize - 1],
    count: u8,
}

/// One lane of one run, as far as it has been seen.
#[derive(Debug)]
struct Stream {
    tag: u8,
    lane: u8,
    sequences: Sequences,
    order: Order,
}

/// What a topic's stamps say.
#[derive(Debug)]
pub struct TopicBook {
    run: Option<RunId>,
    partitions: usize,
    /// By tag and lane: the streams of that name, one for each run.
    named: Vec<Vec<usize>>,
    streams: Vec<Stream>,
    candidates: HashMap<(u8, u8), Candidate>,
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
    pub tag: u8,
    /// The lane.
    pub lane: u8,
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
    /// When the first was due.
    pub first_due: DueTime,
    /// When the last was due.
    pub last_due: DueTime,
    /// Whether another run with the same tag overlaps with it, so that its gaps say nothing.
    pub mixed: bool,
}

impl TopicBook {
    /// A book of records from so many partitions; `run`: whose events are judged, where that is known.
    #[must_use]
    pub fn new(run: Option<RunId>, partitions: usize) -> Self {
        Self {
            run,
            partitions,
            named: vec![Vec::new(); TAGS * LANES],
            streams: Vec::new(),
            candidates: HashMap::new(),
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
        Counts { unconfirmed, forgotten, ..self.counts }
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

    /// Each lane's account. `unread`: partitions that were not read to their end; `cutoff`: what was due later may still be on
    /// its way.
    #[must_use]
    pub fn account(&self, unread: &[usize], cutoff: DueTime) -> Vec<LaneSeen> {
        let of = |stream: &Stream| {
            let sequences = &stream.sequences;
            // What is missing beyond the highest sequence read in a partition may lie in the part that was not.
            let highest = |partition: &usize| stream.order.highest(0, *partition).unwrap_or(0);
            let bound = unread.iter().map(highest).min().unwrap_or(u64::MAX);
            let gaps = sequences.gaps(cutoff, bound);
            let (first_due, last_due) = sequences.due();
            LaneSeen {
                tag: stream.tag,
                lane: stream.lane,
                first: sequences.first(),
                last: sequences.last(),
                seen: sequences.seen(),
                missing: gaps.missing,
                open: gaps.open,
                first_due,
                last_due,
                mixed: self.overlaps(stream),
            }
        };
        let mut lanes: Vec<LaneSeen> = self.streams.iter().map(of).collect();
        lanes.sort_by_key(|lane| (lane.first_due, lane.tag, lane.lane));
        lanes
    }

    /// Whether another run with the same tag was there at the same time: then an event of one may have been taken for one of
    /// the other.
    fn overlaps(&self, stream: &Stream) -> bool {
        let (first, last) = stream.sequences.due();
        let named = self.named[index_of(stream.tag, stream.lane)].iter().map(|at| &self.streams[*at]);
        let mut others = named.filter(|other| !std::ptr::eq(*other, stream));
        others.any(|other| {
            let (other_first, other_last) = other.sequences.due();
            first <= other_last && other_first <= last
        })
    }

    /// What was seen of an event of the run that is judged.
    #[must_use]
    pub fn sighted(&self, lane: u8, sequence: u64) -> Sighted {
        let Some(run) = self.run else { return Sighted::Unseen };
        let named = &self.named[index_of(run.tag(), lane)];
        let sighted = named.iter().map(|at| self.streams[*at].sequences.sighted(sequence));
        sighted.max().unwrap_or(Sighted::Unseen)
    }

    fn note(&mut self, stamp: Stamp, whole: bool) -> Sight {
        let mark = mark_of(stamp.bits());
        let name = index_of(stamp.tag, stamp.lane);
        self.current = None;
        for at in 0..self.named[name].len() {
            let at = self.named[name][at];
            let sequences = &mut self.streams[at].sequences;
            let is_near = stamp.sequence >= sequences.first().saturating_sub(NEAR)
                && stamp.sequence <= sequences.last().saturating_add(NEAR);
            if self.run.is_none() && !is_near {
                continue;
            }
            let before = sequences.open_blocks();
            let noted = sequences.note(stamp.sequence, stamp.due, mark, !whole);
            let after = sequences.open_blocks();
            self.open_blocks = self.open_blocks + after - before;
            self.current = Some(at);
            match noted {
                Noted::First => {
                    self.make_room();
                    return Sight::First;
                }
                Noted::Mended => return Sight::Mended,
                Noted::Again => return Sight::Again,
                Noted::Forgotten => return Sight::Unsettled,
                Noted::Another => self.current = None,
            }
        }
        if !whole {
            return Sight::Stranger;
        }
        if self.run.is_some() || stamp.sequence < NEAR_ZERO {
            return self.begin(stamp, mark);
        }
        self.consider(stamp, mark)
    }

    /// A lane that shows itself by this record.
    fn begin(&mut self, stamp: Stamp, mark: u16) -> Sight {
        let most = MOST_LANES.min(MOST_PLACES / self.partitions.max(1)).max(1);
        if self.streams.len() >= most {
            self.counts.untracked += 1;
            return Sight::Unsettled;
        }
        let name = index_of(stamp.tag, stamp.lane);
        let sequences = Sequences::begin(stamp.sequence, stamp.due, mark);
        let order = Order::new(1, self.partitions);
        self.open_blocks += sequences.open_blocks();
        let at = self.streams.len();
        self.streams.push(Stream { tag: stamp.tag, lane: stamp.lane, sequences, order });
        self.named[name].push(at);
        self.current = Some(at);
        self.make_room();
        Sight::First
    }

    /// A record that may be another producer's: a lane is believed when some continue one another.
    fn consider(&mut self, stamp: Stamp, mark: u16) -> Sight {
        let name = (stamp.tag, stamp.lane);
        let Stamp { sequence, due, .. } = stamp;
        let fresh = Candidate { sequence, due, waiting: [Some((sequence, due, mark)), None], count: 1 };
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
            candidate.waiting[usize::from(candidate.count) - 1] = Some((sequence, due, mark));
            return Sight::Unsettled;
        }
        let confirmed = *candidate;
        self.candidates.remove(&name);
        let sight = match self.far_on(stamp, mark) {
            Some(at) => {
                self.current = Some(at);
                Sight::First
            }
            None => self.begin(stamp, mark),
        };
        if let Some(stream) = self.current.map(|at| &mut self.streams[at]) {
            for (sequence, due, mark) in confirmed.waiting.into_iter().flatten() {
                if stream.sequences.note(sequence, due, mark, false) == Noted::First {
                    self.counts.confirmed_late += 1;
                }
            }
            let blocks = self.streams.iter().map(|stream| stream.sequences.open_blocks());
            self.open_blocks = blocks.sum();
        }
        sight
    }

    /// The lane that goes on with this record after a gap, if there is one.
    fn far_on(&mut self, stamp: Stamp, mark: u16) -> Option<usize> {
        let name = index_of(stamp.tag, stamp.lane);
        let streams = &mut self.streams;
        let mut named = self.named[name].iter().copied();
        named.find(|at| streams[*at].sequences.note(stamp.sequence, stamp.due, mark, false) == Noted::First)
    }

    /// Closes blocks where there are too many, first of the lane that has most.
    fn make_room(&mut self) {
        while self.open_blocks > MOST_BLOCKS {
            let most = self.streams.iter_mut().max_by_key(|stream| stream.sequences.open_blocks());
            if !most.is_some_and(|stream| stream.sequences.close_lowest()) {
                return;
            }
            self.open_blocks -= 1;
        }
    }
}

const fn index_of(tag: u8, lane: u8) -> usize {
    tag as usize % TAGS * LANES + lane as usize
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
