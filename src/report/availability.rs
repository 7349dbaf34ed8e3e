//! How long partitions did not answer, or were not read, while something was waiting for it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::figures;

/// Stalls that a report tells one by one, at most.
pub const TOLD: usize = 1_000;

/// The stalls of a run. None is counted while nothing was outstanding: silence with no events due is no stall.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Availability {
    /// From how long on a silence counts as a stall, in seconds.
    pub stall_threshold_s: f64,
    /// Times without an ack although events of that partition were waiting for one.
    pub ack: Stalls,
    /// Times without a read although acked events of that partition were unread.
    pub read: Stalls,
    /// How often the verifier met a record that was written under another leader than the one before it.
    pub leader_changes: u64,
    /// Each stall, the first thousand in order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stalls: Vec<StallReport>,
}

/// Stalls of one kind, over all partitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stalls {
    /// How many.
    pub stalls: u64,
    /// How long they took, summed over partitions, in seconds.
    pub stalled_s: f64,
    /// The longest, in seconds; 0 where there is none.
    pub longest_s: f64,
}

impl Stalls {
    /// Adds one that took so long.
    pub const fn add(&mut self, length_s: f64) {
        self.stalls += 1;
        self.stalled_s += length_s;
        self.longest_s = self.longest_s.max(length_s);
    }
}

/// One stall of a partition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StallReport {
    /// `ack` or `read`.
    pub what: String,
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// When it began, in seconds since the start.
    pub from_s: f64,
    /// How long it took, in seconds.
    pub length_s: f64,
    /// Whether it ended by an ack or a read; else its events were given up, or the run ended.
    pub ended: bool,
}

impl Availability {
    /// In words.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let threshold = figures::duration_s(self.stall_threshold_s);
        let mut told = Vec::new();
        for (what, stalls) in [("without an ack", self.ack), ("without a read", self.read)] {
            if stalls.stalls > 0 {
                told.push(format!(
                    "{} {what}, longest {}, {} in all partitions together",
                    figures::counted(stalls.stalls, "stall"),
                    figures::duration_s(stalls.longest_s),
                    figures::duration_s(stalls.stalled_s),
                ));
            }
        }
        if told.is_empty() {
            told.push(format!("no partition stalled for {threshold} or longer"));
        }
        if self.leader_changes > 0 {
            told.push(format!("leader changes met {}", figures::count(self.leader_changes)));
        }
        told
    }
}
