//! Partitions in which the client could not go on at its position, and when a new assignment may wake them.

use std::collections::BTreeSet;

use crate::clock::Nanos;

/// The time between two assignments. The client tells the same reset twice at times, and would be assigned anew while it still stops
/// what it had (see `Consumer::assign`).
const BETWEEN: Nanos = Nanos::from_secs(1);

/// The partitions that wait for a new assignment.
#[derive(Debug, Default)]
pub(super) struct Resets {
    waiting: BTreeSet<i32>,
    next: Nanos,
}

impl Resets {
    /// The client gave a partition up.
    pub(super) fn note(&mut self, partition: i32) {
        self.waiting.insert(partition);
    }

    /// Something came from a partition: it is read on, whatever was told before.
    pub(super) fn heard(&mut self, partition: i32) {
        if !self.waiting.is_empty() {
            self.waiting.remove(&partition);
        }
    }

    /// The partitions that a new assignment should wake now.
    pub(super) fn due(&mut self, now: Nanos) -> BTreeSet<i32> {
        if self.waiting.is_empty() || now < self.next {
            return BTreeSet::new();
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
        resets.note(3);
        assert_eq!(resets.due(Nanos::from_millis(5)), [3].into());
        resets.note(3);
        assert_eq!(resets.due(Nanos::from_millis(6)), [].into(), "the client still stops what it had");
        resets.heard(3);
        assert_eq!(resets.due(Nanos::from_secs(9)), [].into(), "it is read on");
    }

    #[test]
    fn a_second_reset_is_not_forgotten() {
        let mut resets = Resets::default();
        resets.note(0);
        assert_eq!(resets.due(Nanos::ZERO), [0].into());
        resets.note(0);
        resets.note(1);
        resets.heard(1);
        assert_eq!(resets.due(Nanos::from_secs(1)), [0].into());
    }
}
