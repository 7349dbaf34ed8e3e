//! How many events ended in each class: adding them up.

use std::iter::Sum;
use std::ops::AddAssign;

use super::{Class, LedgerCounts, Standing};

impl LedgerCounts {
    /// Adds `count` events of a class.
    pub const fn add(&mut self, class: Class, count: u64) {
        self.scheduled += count;
        *self.of_mut(class) += count;
    }

    /// Each class with its events, in the order of reports.
    #[must_use]
    pub fn classes(&self) -> [(Class, u64); Class::ALL.len()] {
        Class::ALL.map(|class| (class, self.of(class)))
    }

    /// The sum of all classes.
    #[must_use]
    pub fn sum(&self) -> u64 {
        Class::ALL.into_iter().map(|class| self.of(class)).sum()
    }

    /// Whether the classes sum to the schedule, as in every report that holds what it promises.
    #[must_use]
    pub fn sums(&self) -> bool {
        self.sum() == self.scheduled
    }

    /// Events of classes with this standing.
    #[must_use]
    pub fn total(&self, standing: Standing) -> u64 {
        Class::ALL.into_iter().filter(|class| class.standing() == standing).map(|class| self.of(class)).sum()
    }
}

impl AddAssign for LedgerCounts {
    fn add_assign(&mut self, other: Self) {
        self.scheduled += other.scheduled;
        for class in Class::ALL {
            *self.of_mut(class) += other.of(class);
        }
    }
}

impl Sum for LedgerCounts {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, one| {
            sum += one;
            sum
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_counts_every_class_once_and_not_the_schedule() {
        let ledger = LedgerCounts {
            scheduled: 1_000,
            verified: 1,
            unverified: 2,
            not_attempted: 4,
            refused: 8,
            unknown_seen: 16,
            unknown_unseen: 32,
            contradicted: 64,
            corrupt: 128,
            lost: 256,
            expired: 512,
            compacted: 1 << 10,
            undelivered: 1 << 11,
            unread: 1 << 12,
            unattributed: 1 << 13,
            aborted: 1 << 14,
            aborted_seen: 1 << 15,
            unwitnessed: 1 << 16,
        };
        assert_eq!(ledger.sum(), (1 << 17) - 1);
        let standings = [Standing::Good, Standing::Allowed, Standing::Undecided, Standing::Violation];
        assert_eq!(standings.iter().map(|standing| ledger.total(*standing)).sum::<u64>(), ledger.sum());
    }
}
