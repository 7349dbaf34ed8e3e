//! The consumer groups of a run: the one that read, and the one whose lag was looked at.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A consumer group that read what was written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupReport {
    /// Its name.
    pub name: String,
    /// `classic` or `consumer` (KIP-848).
    pub protocol: String,
    /// Who divided the partitions; absent for the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignor: Option<String>,
    /// Its members.
    pub consumers: u8,
    /// Who committed: `auto` or `manual`.
    pub commit: String,
    /// Rebalances after the group had formed: times in which not every partition had a reader.
    pub rebalance_count: u64,
    /// How long those took together that had ended when the group did, in seconds.
    pub rebalance_total_s: f64,
    /// The longest of these, in seconds.
    pub rebalance_longest_s: f64,
    /// Each of them, the first thousand.
    pub rebalances: Vec<RebalanceReport>,
    /// Errors of following the group or of committing, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub group_errors: BTreeMap<String, u64>,
}

impl GroupReport {
    /// Rebalances that had not ended when the group did: how long they took is not known.
    #[must_use]
    pub fn lasting_rebalances(&self) -> u64 {
        self.rebalances.iter().filter(|rebalance| rebalance.length_s.is_none()).count() as u64
    }
}

/// How far a consumer group that somebody else runs was behind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LagReport {
    /// Its name.
    pub group: String,
    /// Records behind at the end of the run, over all partitions; `None` where that of a partition was not known.
    pub at_end: Option<u64>,
    /// The most it was behind when that was known.
    pub highest: Option<u64>,
    /// By partition at the end; `None` where it had committed nothing and there were records.
    pub partitions: Vec<Option<u64>>,
    /// Why nothing is known, where the coordinator did not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A time in which not every partition had a reader.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RebalanceReport {
    /// When it began, in seconds since the start; below zero where it was before.
    pub at_s: f64,
    /// How long it took, in seconds; `None` where it did not end.
    pub length_s: Option<f64>,
    /// Why, as far as it is known.
    pub reason: String,
    /// Partitions that were given up.
    pub given_up: usize,
    /// Members when it began.
    pub members: usize,
}
