//! Events between hand-over and answer: a slab whose slots are the tickets of the delivery reports.

use slab::Slab;

use crate::clock::Nanos;
use crate::event::KeyId;
use crate::event::catalogue::{TypeIndex, Version};

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
    pub(super) kind: TypeIndex,
    pub(super) version: Version,
    pub(super) key: KeyId,
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
pub(super) struct AckGaps {
    gaps: Vec<Gap>,
    /// How often brokers closed connections on which nothing went.
    closings: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Gap {
    outstanding: u64,
    /// The last answer, or the first send after a time with nothing outstanding.
    since: Nanos,
    /// The closings that had been when it last had an answer.
    closings: u32,
}

/// A silence that an answer has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Silent {
    pub(super) since: Nanos,
    /// Whether it took a new connection in place of one that had been closed while it was idle.
    pub(super) connected: bool,
}

impl AckGaps {
    /// Notes that brokers have closed the connections, on which nothing went.
    pub(super) fn closed(&mut self) {
        self.closings += 1;
    }

    pub(super) fn sent(&mut self, partition: usize, now: Nanos) {
        if self.gaps.len() <= partition {
            self.gaps.resize(partition + 1, Gap::default());
        }
        let gap = &mut self.gaps[partition];
        if gap.outstanding == 0 {
            gap.since = now;
        }
        gap.outstanding += 1;
    }

    /// Notes that an event was given up. Where nothing is outstanding any more, since when there was silence.
    pub(super) fn gave_up(&mut self, partition: usize) -> Option<Nanos> {
        let gap = self.gaps.get_mut(partition).filter(|gap| gap.outstanding > 0)?;
        gap.outstanding -= 1;
        (gap.outstanding == 0).then_some(gap.since)
    }

    /// Partitions with something outstanding, each with the time since when it is silent.
    pub(super) fn silent(&self) -> impl Iterator<Item = (usize, Nanos)> + '_ {
        let outstanding = |(_, gap): &(usize, &Gap)| gap.outstanding > 0;
        self.gaps.iter().enumerate().filter(outstanding).map(|(partition, gap)| (partition, gap.since))
    }

    /// Notes an answer and returns since when that partition had been silent.
    pub(super) fn answered(&mut self, partition: usize, now: Nanos) -> Option<Silent> {
        let gap = self.gaps.get_mut(partition).filter(|gap| gap.outstanding > 0)?;
        gap.outstanding -= 1;
        let connected = std::mem::replace(&mut gap.closings, self.closings) != self.closings;
        Some(Silent { since: std::mem::replace(&mut gap.since, now), connected })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "as it is given back")]
    const fn silent(since: u64) -> Option<Silent> {
        Some(Silent { since: Nanos(since), connected: false })
    }

    #[test]
    fn idle_time_is_no_gap_between_acks() {
        let mut gaps = AckGaps::default();
        gaps.sent(1, Nanos(10));
        gaps.sent(1, Nanos(20));
        assert_eq!(gaps.answered(1, Nanos(50)), silent(10));
        assert_eq!(gaps.answered(1, Nanos(60)), silent(50));
        gaps.sent(1, Nanos(1000));
        assert_eq!(gaps.answered(1, Nanos(1005)), silent(1000));
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
        assert_eq!(gaps.answered(0, Nanos(1_005)), silent(1_000), "the time between was idle");
    }

    #[test]
    fn the_first_answer_after_idle_connections_were_closed_took_a_new_one() {
        let mut gaps = AckGaps::default();
        for partition in [0, 1] {
            gaps.sent(partition, Nanos(10));
            assert_eq!(gaps.answered(partition, Nanos(20)), silent(10));
        }
        gaps.closed();
        for partition in [0, 1, 2] {
            gaps.sent(partition, Nanos(1_000));
            gaps.sent(partition, Nanos(1_001));
            let first = Some(Silent { since: Nanos(1_000), connected: true });
            assert_eq!(gaps.answered(partition, Nanos(5_000)), first, "in partition {partition}");
            assert_eq!(gaps.answered(partition, Nanos(9_000)), silent(5_000), "a silence of its own");
        }
    }
}
