//! Partitions in which the client could not go on at its position, and when a new assignment may wake them.

use std::collections::BTreeMap;

use crate::clock::Nanos;

/// The time between two assignments. The client tells the same reset twice at times, and would be assigned anew while it still stops
/// what it had (see `Consumer::assign`).
const BETWEEN: Nanos = Nanos::from_secs(1);

/// The partitions that wait for a new assignment, each with the offset at which its client could not go on; negative where that was not
/// told.
#[derive(Debug, Default)]
pub(super) struct Resets {
    waiting: BTreeMap<i32, i64>,
    next: Nanos,
}

impl Resets {
    /// The client gave a partition up at that offset.
    pub(super) fn note(&mut self, partition: i32, at: i64) {
        self.waiting.insert(partition, at);
    }

    /// Something came from a partition: it is read on, whatever was told before.
    pub(super) fn heard(&mut self, partition: i32) {
        if !self.waiting.is_empty() {
            self.waiting.remove(&partition);
        }
    }

    /// The partitions that a new assignment should wake now.
    pub(super) fn due(&mut self, now: Nanos) -> BTreeMap<i32, i64> {
        if self.waiting.is_empty() || now < self.next {
            return BTreeMap::new();
        }
        self.next = now + BETWEEN;
        std::mem::take(&mut self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_told_twice_is_followed_by_one_assignment() {
        let mut resets = Resets::default();
        resets.note(3, 70);
        assert_eq!(resets.due(Nanos::from_millis(5)), [(3, 70)].into());
        resets.note(3, 70);
        assert_eq!(resets.due(Nanos::from_millis(6)), [].into(), "the client still stops what it had");
        resets.heard(3);
        assert_eq!(resets.due(Nanos::from_secs(9)), [].into(), "it is read on");
    }

    #[test]
    fn a_second_reset_is_not_forgotten() {
        let mut resets = Resets::default();
        resets.note(0, 5);
        assert_eq!(resets.due(Nanos::ZERO), [(0, 5)].into());
        resets.note(0, 6);
        resets.note(1, 7);
        resets.heard(1);
        assert_eq!(resets.due(Nanos::from_secs(1)), [(0, 6)].into());
    }
}
