//! The book of a verifier alone: it knows no schedule, only what stamps say, and keeps the sequences of each lane it meets.
//!
//! A stamp carries ten bits of its run's id and its lane. Where the run is known, the keyed check proves whose a record is.
//! Where it is not, a lane must show itself: by beginning near zero, or by three records that continue one another; ids of the
//! same form that other producers draw at random do neither. Runs that share a tag are told apart by their due times: the same
//! lane and sequence at another due time is another run's event. An event goes to the run on whose line of due times it lies
//! best. Where one turns up that no line can hold, a line that pauses there is cut in two: what had been taken for a gap of one
//! run was the end of one and the beginning of another. Where all is read, the runs of a name are told apart once more, in the order
//! of due times. So the account does not depend on the order in which partitions are read.

mod account;
mod apart;
mod candidates;
mod older;
mod streams;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::book::{Book, Recognition, Timed};
use super::order::{Late, Place};
pub use super::sequences::SequenceState;
use crate::clock::reference::{Reference, ReferenceState};
use crate::clock::{Anchor, Nanos, wall_unix_ns};
use crate::event::stamp::{DueTime, FirstStamp, RunId, Stamp};
pub use account::{Extent, LaneSeen};
use candidates::Candidates;
use older::Older;
use streams::{Placement, Stream, Streams};

/// A lane that begins below this is believed at once.
const NEAR_ZERO: u64 = 1 << 16;
/// The wall clock is read again this often: it may be set.
const ANCHOR_EVERY: Nanos = Nanos::from_secs(1);

/// What a topic's stamps say.
#[derive(Debug)]
pub struct TopicBook {
    run: Option<RunId>,
    streams: Streams,
    candidates: Candidates,
    older: Older,
    /// The stream of the event seen last.
    current: Option<usize>,
    anchor: Anchor,
    anchored_at: Nanos,
    ready_unix_ns: u64,
    counts: Counts,
    /// Where others read how much is missing or on its way.
    gauge: Option<Arc<AtomicU64>>,
    /// The clock that writers and reader have measured theirs against, and what was known of it when it was last asked.
    reference: Option<(Arc<Reference>, ReferenceState)>,
    /// The most that times may be off for what is not known of clocks.
    bound: Nanos,
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

impl TopicBook {
    /// A book of records from so many partitions; `run`: whose events are judged, where that is known.
    #[must_use]
    pub fn new(run: Option<RunId>, partitions: usize) -> Self {
        Self {
            run,
            streams: Streams::new(run.is_some(), partitions),
            candidates: Candidates::default(),
            older: Older::default(),
            current: None,
            anchor: Anchor::at_unix_ns(0),
            anchored_at: Nanos::ZERO,
            ready_unix_ns: u64::MAX,
            counts: Counts::default(),
            gauge: None,
            reference: None,
            bound: Nanos::ZERO,
        }
    }

    /// The same book, whose times are those of a clock that writers and reader have measured theirs against.
    #[must_use]
    pub fn by(self, reference: Option<Arc<Reference>>) -> Self {
        Self { reference: reference.map(|reference| (reference, ReferenceState::default())), ..self }
    }

    /// How far each time may be from the true one, where it lies between the clocks of two machines that were measured.
    #[must_use]
    pub fn clock_bound(&self) -> Option<Nanos> {
        self.reference.as_ref().map(|_| self.bound)
    }

    /// The same book, which tells once a second how many sequences it has not seen between the first and the last of each lane.
    #[must_use]
    pub fn telling(self, gauge: Arc<AtomicU64>) -> Self {
        Self { gauge: Some(gauge), ..self }
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mistaken = self.streams.iter().filter(|stream| self.is_older(stream));
        let older = mistaken.map(|stream| stream.sequences.seen()).sum();
        Counts {
            unconfirmed: self.candidates.unconfirmed(),
            older,
            all_older: older + self.older.counted(),
            forgotten: self.streams.iter().map(|stream| stream.sequences.forgotten()).sum(),
            ..self.counts
        }
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
        extent.account(&self.streams, |stream| !self.is_older(stream))
    }

    /// Whether what was taken for a lane are ids of the first layout.
    fn is_older(&self, stream: &Stream) -> bool {
        self.run.is_none() && self.older.explains(stream.tag, stream.lane, &stream.sequences)
    }

    /// What was seen of an event of the run that is judged.
    #[must_use]
    pub fn state_of(&self, lane: u16, sequence: u64) -> SequenceState {
        self.run.map_or(SequenceState::Unseen, |run| self.streams.state_of(run.tag(), lane, sequence))
    }

    /// Notes an event of a stream.
    fn put(&mut self, at: usize, stamp: Stamp, whole: bool) -> Recognition {
        self.current = Some(at);
        self.streams.note(at, stamp, whole)
    }

    /// Notes an event that lies on no line.
    fn settle(&mut self, stamp: Stamp) -> Recognition {
        let Some((at, sight)) = self.streams.settle(stamp) else {
            self.counts.untracked += 1;
            return Recognition::Unsettled;
        };
        self.current = Some(at);
        sight
    }

    /// Notes an event that may be another producer's: a lane is believed when some continue one another.
    fn consider(&mut self, stamp: Stamp) -> Recognition {
        let Some(confirmed) = self.candidates.note(stamp) else { return Recognition::Unsettled };
        let sight = match self.streams.far_on(stamp) {
            Some(at) => self.put(at, stamp, true),
            None => self.settle(stamp),
        };
        if let Some(at) = self.current {
            for (sequence, due) in confirmed.into_iter().flatten() {
                let waited = Stamp { due, sequence, ..stamp };
                if self.streams.can_be_of(at, sequence, due) && self.put(at, waited, true) == Recognition::First {
                    self.counts.confirmed_late += 1;
                }
            }
        }
        sight
    }
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
            let now = match &mut self.reference {
                Some((reference, known)) => {
                    *known = reference.known();
                    reference.unix_ns()
                }
                None => wall_unix_ns(),
            };
            self.anchor = Anchor::at_unix_ns(now.saturating_sub(at.0));
            if let Some(gauge) = &self.gauge {
                gauge.store(self.unseen(), Ordering::Release);
            }
        }
    }

    fn run(&self) -> Option<RunId> {
        self.run
    }

    fn see(&mut self, stamp: Stamp, whole: bool) -> Recognition {
        self.current = None;
        match self.streams.place_of(stamp, whole) {
            Placement::Seen(at) => {
                self.current = Some(at);
                if whole { Recognition::Again } else { Recognition::Stranger }
            }
            Placement::Forgotten(at) => {
                if whole {
                    self.streams.forget(at);
                }
                Recognition::Unsettled
            }
            Placement::Fits(best) if !best.is_far || !whole => self.put(best.at, stamp, whole),
            Placement::Nowhere if !whole => Recognition::Stranger,
            Placement::Nowhere if self.run.is_none() && stamp.sequence >= NEAR_ZERO => self.consider(stamp),
            Placement::Fits(_) | Placement::Nowhere => self.settle(stamp),
        }
    }

    fn see_older(&mut self, stamp: FirstStamp) {
        self.older.note(stamp);
    }

    fn time(&mut self, stamp: Stamp, at: Nanos) -> Option<Timed> {
        let mut due = stamp.due.unix_ns();
        let mut bound = Nanos::ZERO;
        // A clock of which nothing is known tells no time.
        let mut known = true;
        if let Some((_, told)) = &self.reference {
            let writer = told.of_lane(stamp.lane);
            known = writer.is_some();
            due = due.saturating_add_signed(writer.unwrap_or_default().offset_ns);
            bound = Nanos(told.own.bound_ns) + Nanos(writer.unwrap_or_default().bound_ns);
        }
        if !known || due < self.ready_unix_ns {
            self.counts.untimed += 1;
            return None;
        }
        self.bound = self.bound.max(bound);
        let seen = self.anchor.unix_ns(at);
        let took = seen.checked_sub(due).map(Nanos);
        let early = took.is_none() && Nanos(due - seen) > bound;
        Some(Timed { phase: 0, end_to_end: took.unwrap_or_default(), early })
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
