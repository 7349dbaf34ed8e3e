//! One partition of a recording: how far it was read, and what was passed by on the way.

use super::look::{Unrecorded, count};
use super::recorded::{Missing, PartitionRecorded};
use crate::kafka::Watermarks;

/// The most stretches without a record that are remembered, of one partition: 16 MiB. What is beyond is of unknown cause.
const MOST_GAPS: usize = 1 << 20;

/// A partition that is being recorded.
#[derive(Debug)]
pub(super) struct Place {
    start: i64,
    /// The offset after the last one that was passed.
    pub(super) next: i64,
    /// Where the recording of it ends, where that is known.
    pub(super) aim: Option<i64>,
    recorded: u64,
    expired: u64,
    /// Offsets that were passed by, from and to.
    gaps: Vec<(i64, i64)>,
    untold: u64,
}

impl From<i64> for Place {
    fn from(start: i64) -> Self {
        Self { start, next: start, aim: None, recorded: 0, expired: 0, gaps: Vec::new(), untold: 0 }
    }
}

impl Place {
    /// Whether the record at `offset` is one to record: not one that was, nor one behind the end.
    pub(super) fn takes(&mut self, offset: i64) -> bool {
        if self.aim.is_some_and(|aim| offset >= aim) {
            self.end(self.aim.unwrap_or(offset));
            return false;
        }
        offset >= self.next
    }

    /// The record at `offset` is recorded.
    pub(super) fn pass(&mut self, offset: i64) {
        self.skip(offset);
        self.next = offset + 1;
        self.recorded += 1;
    }

    /// No record comes before `offset`.
    pub(super) fn end(&mut self, offset: i64) {
        let offset = self.aim.map_or(offset, |aim| aim.min(offset));
        self.skip(offset);
        self.next = self.next.max(offset);
    }

    /// Passes what is before `to`, where no record is.
    fn skip(&mut self, to: i64) {
        if to <= self.next {
            return;
        }
        if let Some(last) = self.gaps.last_mut().filter(|last| last.1 == self.next) {
            last.1 = to;
        } else if self.gaps.len() < MOST_GAPS {
            self.gaps.push((self.next, to));
        } else {
            self.untold += count(self.next, to);
        }
    }

    /// The log begins at `low` now.
    pub(super) fn expire(&mut self, low: i64) {
        let to = self.aim.map_or(low, |aim| aim.min(low));
        self.expired += count(self.next, to);
        self.next = self.next.max(to);
    }

    pub(super) fn has_reached(&self) -> bool {
        self.aim.is_some_and(|aim| self.next >= aim)
    }

    /// Offsets that are behind, of all.
    pub(super) fn progress(&self) -> Option<(i64, i64)> {
        self.aim.map(|aim| (self.next.min(aim) - self.start, (aim - self.start).max(0)))
    }

    pub(super) fn gaps(&self) -> &[(i64, i64)] {
        &self.gaps
    }

    /// What became of every offset, by what a second look has `found`, the log's `ends` now, and the topic's cleanup policy.
    pub(super) fn account(
        &self,
        topic: &str,
        partition: i32,
        found: Unrecorded,
        ends: Option<Watermarks>,
        policy: Option<&str>,
    ) -> PartitionRecorded {
        let passed = self.gaps.iter().map(|(from, to)| count(*from, *to)).sum::<u64>();
        let absent = passed - found.aborted - found.missed - found.unknown;
        let mut missing = Missing {
            expired: self.expired,
            aborted: found.aborted,
            missed: found.missed,
            unknown: found.unknown + self.untold,
            ..Missing::default()
        };
        // A control record and one that compaction took away look the same.
        match policy {
            Some(policy) if policy.contains("compact") => missing.compacted = absent,
            Some(_) => missing.control = absent,
            None => missing.unknown += absent,
        }
        let until = self.aim.or(ends.map(|ends| ends.high)).unwrap_or(self.next).max(self.next);
        let stable = ends.map_or(until, |ends| ends.stable).clamp(self.next, until);
        missing.unread = count(self.next, stable);
        missing.open = count(stable, until);
        PartitionRecorded {
            topic: topic.to_owned(),
            partition,
            from: self.start,
            until,
            there: count(self.start, until),
            recorded: self.recorded,
            missing,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_classes_sum_to_what_was_there(
            start in 0..50_i64,
            steps in proptest::collection::vec((0..4_u8, 0..6_i64), 0..40),
            aim in proptest::option::of(0..150_i64),
            high in 0..200_i64,
            stable in 0..200_i64,
            policy in prop_oneof![Just(None), Just(Some("delete")), Just(Some("compact,delete"))],
        ) {
            let mut place = Place::from(start);
            place.aim = aim.map(|aim| aim.max(start));
            for (what, ahead) in steps {
                let offset = place.next + ahead;
                match what {
                    0 | 1 => if place.takes(offset) { place.pass(offset) },
                    2 => place.end(offset),
                    _ => place.expire(offset),
                }
            }
            let ends = Watermarks { low: 0, high, stable: stable.min(high) };
            let gap: u64 = place.gaps().iter().map(|(from, to)| count(*from, *to)).sum();
            let found = Unrecorded { aborted: gap / 2, missed: 0, unknown: gap / 3 };
            let told = place.account("t", 0, found, Some(ends), policy);
            prop_assert_eq!(told.recorded + told.missing.sum(), told.there);
            prop_assert_eq!(told.there, count(told.from, told.until));
        }
    }

    #[test]
    fn a_record_that_was_recorded_is_not_taken_again() {
        let mut place = Place::from(3);
        place.pass(5);
        assert!(!place.takes(5) && !place.takes(4) && place.takes(6));
        assert_eq!(place.gaps(), [(3, 5)]);
    }
}
