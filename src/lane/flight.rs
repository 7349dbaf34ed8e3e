//! Events between hand-over and answer: a slab whose slots are the tickets of the delivery reports.

use slab::Slab;

use crate::clock::Nanos;
use crate::event::{EventKind, UserId};

/// One event on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    pub(super) sequence: u64,
    pub(super) due: Nanos,
    /// How long the lane had been kept waiting in all when the event came due: by a full queue, and by the ceiling.
    pub(super) blocked_before: Nanos,
    pub(super) capped_before: Nanos,
    pub(super) sent: Nanos,
    pub(super) bytes: u32,
    pub(super) phase: u16,
    pub(super) kind: EventKind,
    pub(super) user: UserId,
    pub(super) check: u16,
}

/// All events of a lane that have no answer yet; as many as the client's queue holds, at most.
#[derive(Debug, Default)]
pub(super) struct Flights(Slab<Flight>);

impl Flights {
    pub(super) fn start(&mut self, flight: Flight) -> usize {
        self.0.insert(flight)
    }

    pub(super) fn get_mut(&mut self, ticket: usize) -> Option<&mut Flight> {
        self.0.get_mut(ticket)
    }

    pub(super) fn end(&mut self, ticket: usize) -> Option<Flight> {
        self.0.try_remove(ticket)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = Flight> + '_ {
        self.0.drain()
    }
}

/// The time between the acks of each partition, while something is outstanding in it.
#[derive(Debug, Default)]
pub(super) struct AckGaps(Vec<Gap>);

#[derive(Clone, Copy, Debug, Default)]
struct Gap {
    outstanding: u64,
    /// The last answer, or the first send after a time with nothing outstanding.
    since: Nanos,
}

impl AckGaps {
    pub(super) fn sent(&mut self, partition: usize, now: Nanos) {
        if self.0.len() <= partition {
            self.0.resize(partition + 1, Gap::default());
        }
        let gap = &mut self.0[partition];
        if gap.outstanding == 0 {
            gap.since = now;
        }
        gap.outstanding += 1;
    }

    /// Notes that an event was given up. Where nothing is outstanding any more, since when there was silence.
    pub(super) fn gave_up(&mut self, partition: usize) -> Option<Nanos> {
        let gap = self.0.get_mut(partition).filter(|gap| gap.outstanding > 0)?;
        gap.outstanding -= 1;
        (gap.outstanding == 0).then_some(gap.since)
    }

    /// Partitions with something outstanding, each with the time since when it is silent.
    pub(super) fn silent(&self) -> impl Iterator<Item = (usize, Nanos)> + '_ {
        let outstanding = |(_, gap): &(usize, &Gap)| gap.outstanding > 0;
        self.0.iter().enumerate().filter(outstanding).map(|(partition, gap)| (partition, gap.since))
    }

    /// Notes an answer and returns since when that partition had been silent.
    pub(super) fn answered(&mut self, partition: usize, now: Nanos) -> Option<Nanos> {
        let gap = self.0.get_mut(partition).filter(|gap| gap.outstanding > 0)?;
        gap.outstanding -= 1;
        Some(std::mem::replace(&mut gap.since, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_time_is_no_gap_between_acks() {
        let mut gaps = AckGaps::default();
        gaps.sent(1, Nanos(10));
        gaps.sent(1, Nanos(20));
        assert_eq!(gaps.answered(1, Nanos(50)), Some(Nanos(10)));
        assert_eq!(gaps.answered(1, Nanos(60)), Some(Nanos(50)));
        gaps.sent(1, Nanos(1000));
        assert_eq!(gaps.answered(1, Nanos(1005)), Some(Nanos(1000)));
        assert_eq!(gaps.answered(7, Nanos(1)), None);
    }

    #[test]
    fn what_was_given_up_is_waited_for_no_more() {
        let mut gaps = AckGaps::default();
        gaps.sent(0, Nanos(10));
        gaps.sent(0, Nanos(20));
        assert_eq!(gaps.gave_up(0), None, "one is still outstanding");
        assert_eq!(gaps.silent().collect::<Vec<_>>(), [(0, Nanos(10))]);
        assert_eq!(gaps.gave_up(0), Some(Nanos(10)));
        assert_eq!((gaps.gave_up(0), gaps.silent().count()), (None, 0));
        gaps.sent(0, Nanos(1_000));
        assert_eq!(gaps.answered(0, Nanos(1_005)), Some(Nanos(1_000)), "the time between was idle");
    }
}
