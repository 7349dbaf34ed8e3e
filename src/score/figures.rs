//! What a scorer counts.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::wall_unix_ns;

/// From which score on an event is counted as an alarm.
const ALARM: f64 = 0.5;

/// What a scorer has done, for whoever asks while it goes on.
#[derive(Debug, Default)]
pub struct Figures {
    scored: AtomicU64,
    alarms: AtomicU64,
    left_out: AtomicU64,
    warm_up: AtomicU64,
    transactions: AtomicU64,
    undone: AtomicU64,
    rebalances: AtomicU64,
    partitions: AtomicU64,
    users: AtomicU64,
    /// When the last transaction was committed, ms since the Unix epoch.
    committed_at_ms: AtomicU64,
}

/// What became of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scored {
    /// It was given a score.
    Event {
        /// Whether that is one of an alarm.
        alarm: bool,
    },
    /// It was no event.
    LeftOut,
    /// It had its score, and was read to know what is to be looked at.
    WarmUp,
}

impl Scored {
    pub(super) fn event(score: f64) -> Self {
        Self::Event { alarm: score >= ALARM }
    }
}

impl Figures {
    pub(super) fn add(&self, what: Scored) {
        let count = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
        match what {
            Scored::Event { alarm } => {
                count(&self.scored);
                if alarm {
                    count(&self.alarms);
                }
            }
            Scored::LeftOut => drop(count(&self.left_out)),
            Scored::WarmUp => drop(count(&self.warm_up)),
        }
    }

    pub(super) fn committed(&self) {
        self.transactions.fetch_add(1, Ordering::Relaxed);
        self.committed_at_ms.store(wall_unix_ns() / 1_000_000, Ordering::Relaxed);
    }

    pub(super) fn undone(&self) {
        self.undone.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn rebalanced(&self) {
        self.rebalances.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn remember(&self, partitions: usize, users: usize) {
        self.partitions.store(partitions as u64, Ordering::Relaxed);
        self.users.store(users as u64, Ordering::Relaxed);
    }

    /// Name, help and value of each; those whose name ends with `_total` never fall.
    #[must_use]
    pub fn values(&self) -> [(&'static str, &'static str, u64); 10] {
        let of = |value: &AtomicU64| value.load(Ordering::Relaxed);
        [
            (
                "events_scored_total",
                "Events that were given a score, those of undone transactions among them.",
                of(&self.scored),
            ),
            ("alarms_total", "Of these the ones with a score of 0.5 or more.", of(&self.alarms)),
            ("records_left_out_total", "Records that are no events of a user.", of(&self.left_out)),
            (
                "records_warmed_up_total",
                "Records that had their score and were read for what is looked at.",
                of(&self.warm_up),
            ),
            ("transactions_total", "Transactions that were committed.", of(&self.transactions)),
            (
                "transactions_undone_total",
                "Transactions that were aborted, whose events were read again.",
                of(&self.undone),
            ),
            ("rebalances_total", "Changes of the group's assignment.", of(&self.rebalances)),
            ("partitions", "Partitions that it has.", of(&self.partitions)),
            ("users", "Users who are looked at.", of(&self.users)),
            (
                "last_commit_timestamp_ms",
                "When the last transaction was committed, ms since the Unix epoch.",
                of(&self.committed_at_ms),
            ),
        ]
    }
}
