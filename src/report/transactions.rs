//! The transactions of a run, by how they ended.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figures;

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
    /// Why transactions had to be aborted: the first error of each, the most frequent first. Empty where none had to be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_by: Vec<AbortCause>,
    /// Seconds that lanes waited at the ends of transactions, summed over lanes.
    pub waited_s: f64,
}

/// What made transactions fail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AbortCause {
    /// The error, as Kafka or librdkafka names it, such as `INVALID_PRODUCER_ID_MAPPING`.
    pub error: String,
    /// How many transactions failed by it.
    pub transactions: u64,
    /// What the client said of the first of them.
    pub words: String,
}

impl AbortCause {
    /// Adds `one` to what is known, under its error's name.
    pub fn add(known: &mut Vec<Self>, one: Self) {
        match known.iter_mut().find(|cause| cause.error == one.error) {
            Some(cause) => cause.transactions += one.transactions,
            None => known.push(one),
        }
    }
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
    /// Aborted against the plan, because events of them were not delivered.
    pub failed: u64,
    /// Events that were aborted with these; what was refused counts as refused.
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
        if self.counts.failed > 0 {
            told.push(format!("{} had to be aborted{}", figures::count(self.counts.failed), self.why_failed()));
        }
        if self.counts.unknown > 0 {
            told.push(format!("{} with an unknown end", figures::count(self.counts.unknown)));
        }
        told.push(format!("lanes waited {} for their ends", figures::duration_s(self.waited_s)));
        told
    }

    /// `: 5 by INVALID_PRODUCER_ID_MAPPING (the client's words), 1 by _MSG_TIMED_OUT (…)`; nothing where no reason is known.
    fn why_failed(&self) -> String {
        let one = |cause: &AbortCause| {
            let AbortCause { error, transactions, words } = cause;
            let count =
                if self.failed_by.len() > 1 { format!("{} ", figures::count(*transactions)) } else { String::new() };
            format!("{count}by {error} ({words})")
        };
        let causes: Vec<String> = self.failed_by.iter().map(one).collect();
        if causes.is_empty() { String::new() } else { format!(": {}", causes.join(", ")) }
    }

    /// In one sentence, what had to be aborted against the plan and why; `None` where nothing had to be.
    #[must_use]
    pub fn forced(&self) -> Option<String> {
        let TransactionCounts { failed, failed_events, .. } = self.counts;
        (failed > 0).then(|| {
            format!(
                "{} with {} had to be aborted against the plan{}",
                figures::counted(failed, "transaction"),
                figures::counted(failed_events, "event"),
                self.why_failed()
            )
        })
    }

    /// Adds another process's.
    pub fn add(&mut self, other: &Self) {
        self.counts.add(other.counts);
        other.failed_by.iter().for_each(|cause| AbortCause::add(&mut self.failed_by, cause.clone()));
        self.failed_by.sort_by_key(|cause| std::cmp::Reverse(cause.transactions));
        self.waited_s += other.waited_s;
    }
}
