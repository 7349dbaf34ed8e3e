//! The transactions of a run, by how they ended.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::figures;

/// The transactions in which events were sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Transactions {
    /// Events of a full one.
    pub size: u64,
    /// The share that was to be aborted, 0 to 1.
    pub abort_rate: f64,
    /// How many there were, by how they ended.
    #[serde(flatten)]
    pub counts: TransactionCounts,
    /// Seconds that lanes waited at the ends of transactions, summed over lanes.
    pub waited_s: f64,
}

/// Transactions, by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TransactionCounts {
    /// Begun.
    pub begun: u64,
    /// Committed.
    pub committed: u64,
    /// Aborted by plan.
    pub aborted: u64,
    /// Aborted because events of them were not delivered.
    pub failed: u64,
    /// Events of these.
    pub failed_events: u64,
    /// Of which it is not known how they ended: their events have no answer.
    pub unknown: u64,
}

impl TransactionCounts {
    /// Adds those of others.
    pub const fn add(&mut self, other: Self) {
        self.begun += other.begun;
        self.committed += other.committed;
        self.aborted += other.aborted;
        self.failed += other.failed;
        self.failed_events += other.failed_events;
        self.unknown += other.unknown;
    }
}

impl Transactions {
    /// In words: what they were, and how they ended.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let mut told = vec![
            format!(
                "{} of {}",
                figures::counted(self.counts.begun, "transaction"),
                figures::counted(self.size, "event")
            ),
            format!("{} committed", figures::count(self.counts.committed)),
        ];
        if self.abort_rate > 0.0 {
            told.push(format!("{} aborted as planned", figures::count(self.counts.aborted)));
        }
        for (number, what) in [(self.counts.failed, "had to be aborted"), (self.counts.unknown, "with an unknown end")]
        {
            if number > 0 {
                told.push(format!("{} {what}", figures::count(number)));
            }
        }
        told.push(format!("lanes waited {} for their ends", figures::duration_s(self.waited_s)));
        told
    }

    /// Adds another process's.
    pub fn add(&mut self, other: &Self) {
        self.counts.add(other.counts);
        self.waited_s += other.waited_s;
    }
}
