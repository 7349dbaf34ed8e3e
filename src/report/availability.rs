//! How long partitions did not answer, or were not read, while something was waiting for it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figures;

/// Stalls that a report tells one by one, at most.
pub const TOLD: usize = 1_000;

/// The stalls of a run. None is counted while nothing was outstanding: silence with no events due is no stall. Of several
/// processes added up, those times in which all that use a partition waited in vain: there may have been more.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Availability {
    /// From how long on a silence counts as a stall, in seconds.
    pub stall_threshold_s: f64,
    /// Times without an ack although events of that partition were waiting for one.
    pub ack: Stalls,
    /// Times without a read although acked events of that partition were unread.
    pub read: Stalls,
    /// Times without an ack after brokers had closed connections on which nothing went: a new one was made. No stalls.
    #[serde(default, skip_serializing_if = "Stalls::is_nothing")]
    pub connect: Stalls,
    /// How often the verifier met a record that was written under another leader than the one before it.
    pub leader_changes: u64,
    /// Each stall, the first thousand in order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stalls: Vec<StallReport>,
    /// What each process tells by itself, where several were added up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartAvailability>,
}

/// The stalls of one of several processes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PartAvailability {
    /// The name of its bundle.
    pub name: String,
    /// From how long on a silence counts as a stall there, in seconds.
    pub stall_threshold_s: f64,
    /// Its times without an ack.
    pub ack: Stalls,
    /// Its times without a read.
    pub read: Stalls,
    /// How often its verifier met a record that was written under another leader than the one before it.
    pub leader_changes: u64,
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
    fn is_nothing(&self) -> bool {
        self.stalls == 0
    }

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
    /// `ack` or `read`; `connect` is the wait for a new connection in place of one that was idle, and no stall.
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
    /// How many of the processes that were added up stalled for longer, or more often, than all of them together did: the whole
    /// may have, too.
    #[must_use]
    pub fn parts_beyond(&self, of: fn(&PartAvailability) -> Stalls, whole: Stalls) -> u64 {
        let beyond = |own: &Stalls| {
            own.longest_s > whole.longest_s || own.stalls > whole.stalls || own.stalled_s > whole.stalled_s
        };
        self.parts.iter().map(of).filter(beyond).count() as u64
    }

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
            let whom = if self.parts.is_empty() { "" } else { " for all processes at once" };
            told.push(format!("no partition stalled for {threshold} or longer{whom}"));
        }
        if self.connect.stalls > 0 {
            told.push(format!(
                "{} for a new connection in place of one that was idle, longest {} (no stall)",
                figures::counted(self.connect.stalls, "wait"),
                figures::duration_s(self.connect.longest_s)
            ));
        }
        if self.leader_changes > 0 {
            told.push(format!("leader changes met {}", figures::count(self.leader_changes)));
        }
        for part in self.parts.iter().filter(|part| part.ack.stalls + part.read.stalls > 0) {
            let longest = part.ack.longest_s.max(part.read.longest_s);
            told.push(format!(
                "{} by itself: {} without an ack, {} without a read, longest {}",
                part.name,
                figures::count(part.ack.stalls),
                figures::count(part.read.stalls),
                figures::duration_s(longest),
            ));
        }
        told
    }
}
