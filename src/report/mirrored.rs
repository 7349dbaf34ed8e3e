//! What a mirror read while it was sent, and what became of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figures;
use crate::ledger::{Class, LedgerCounts};

/// Records that were read and sent at once: `events` = `mirrored` + `refused` + `unknown` + `wrong` + `not_sent`, of which all but the last
/// are the ledger's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Mirrored {
    /// The topics that were read.
    pub topics: Vec<String>,
    /// How many times as fast as they were written records were to be sent, where there is a backlog.
    pub speed: f64,
    /// How often each was to be sent.
    pub copies: u32,
    /// Whether records were sent as they were read, without a stamp.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stampless: bool,
    /// Why reading ended: `end`, `idle`, `num_records`, `run` (the run ended, and reading with it) or `failure`.
    pub ended_by: String,
    /// What went wrong with reading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<MirrorFailure>,
    /// Offsets between where reading began and where it was to end: `recorded` + `missing`; 0 where reading failed.
    pub offsets: u64,
    /// Offsets whose records were read, as the reader counts.
    pub recorded: u64,
    /// Offsets whose records were not, by class, as `loadgen record` has them.
    pub missing: BTreeMap<String, u64>,
    /// Records that came from the reader, as the sending side counts.
    pub read: u64,
    /// Events that they are: `read` x `copies`.
    pub events: u64,
    /// Events that are in the target, as far as the run has looked: acked, or seen.
    pub mirrored: u64,
    /// Events that are proven not to be there.
    pub refused: u64,
    /// Events of which nobody knows.
    pub unknown: u64,
    /// Events that were acked and are lost, damaged or not delivered, or are there and should not be.
    pub wrong: u64,
    /// Events that were let go when the run ended.
    pub not_sent: u64,
    /// Records earlier than one before them in their partition, or without a time: played at once after that one.
    pub back: u64,
    /// Records that went before earlier ones of other partitions may have come, since there was no room to wait for these.
    pub out_of_turn: u64,
    /// Idle gaps that were played shorter.
    pub gaps_capped: u64,
    /// The longest that a record waited from when it was read until it was due: for its turn, its speed, or room.
    #[serde(default)]
    pub longest_wait_us: u64,
    /// How long the one that went last did: how far behind the mirror was at its end.
    #[serde(default)]
    pub last_wait_us: u64,
    /// What was replaced on the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anonymised: Vec<Pseudonyms>,
    /// The smallest group that the fields that are left tell apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smallest_group: Option<u64>,
}

/// Why reading did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MirrorFailure {
    /// The cluster that is read.
    Cluster(String),
    /// What was read.
    Data(String),
}

/// What became of a field whose values were replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pseudonyms {
    /// The field.
    pub field: String,
    /// What was done.
    pub method: String,
    /// Values that it had.
    pub values: u64,
    /// Of these, the ones that the method does not fit, which were dropped.
    pub unfit: u64,
    /// Distinct values before.
    pub distinct_before: u64,
    /// Distinct values after.
    pub distinct_after: u64,
    /// Whether there may be more of them than were counted.
    pub or_more: bool,
}

impl Mirrored {
    /// Takes over what the run's ledger says of the events that were sent.
    pub fn settle(&mut self, ledger: &LedgerCounts) {
        for class in Class::ALL {
            let count = match class {
                Class::Verified | Class::Unverified | Class::UnknownSeen | Class::Expired | Class::Compacted => {
                    &mut self.mirrored
                }
                Class::NotAttempted | Class::Refused | Class::Aborted => &mut self.refused,
                Class::UnknownUnseen | Class::Unread | Class::Unattributed | Class::Unwitnessed => &mut self.unknown,
                Class::Contradicted | Class::Corrupt | Class::Lost | Class::Undelivered | Class::AbortedSeen => {
                    &mut self.wrong
                }
            };
            *count += ledger.of(class);
        }
    }

    /// What does not sum, where something does not.
    #[must_use]
    pub fn broken(&self) -> Option<String> {
        let told = self.mirrored + self.refused + self.unknown + self.wrong + self.not_sent;
        if told != self.events {
            return Some(format!("{} events were read, and {told} are accounted for", self.events));
        }
        if matches!(self.failure, Some(MirrorFailure::Data(_))) {
            // The reader ended in the middle of a record.
            return None;
        }
        let offsets = self.recorded + self.missing.values().sum::<u64>();
        (self.recorded != self.read || offsets != self.offsets).then(|| {
            format!("{} offsets, {} of them recorded, and {} records came", self.offsets, self.recorded, self.read)
        })
    }

    /// What it says, for people.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let counted = |count: u64, what: &str| (count > 0).then(|| format!("{} {what}", figures::count(count)));
        let copies = if self.copies == 1 { String::new() } else { format!(", each {} times", self.copies) };
        let missing = self.missing.iter().map(|(class, count)| format!("{} {class}", figures::count(*count)));
        let rest = [
            counted(self.refused, "refused"),
            counted(self.unknown, "unknown"),
            counted(self.wrong, "wrong"),
            counted(self.not_sent, "let go unsent at the end"),
            counted(self.back, "earlier than one before in the partition"),
            counted(self.out_of_turn, "not in the order of time between partitions, for want of room"),
            counted(self.gaps_capped, "gaps played shorter"),
        ];
        let [longest, last] = [self.longest_wait_us, self.last_wait_us].map(figures::duration_us);
        let waits = (self.longest_wait_us > 0).then(|| format!("behind by {longest} at most, {last} at the end"));
        let replaced = self.anonymised.iter().map(|of| {
            let more = if of.or_more { " or more" } else { "" };
            let (before, after) = (figures::count(of.distinct_before), figures::count(of.distinct_after));
            format!("{}={}: {before}{more} distinct before, {after}{more} after", of.field, of.method)
        });
        let group = self.smallest_group.map(|smallest| format!("smallest group {}", figures::count(smallest)));
        [format!("{} of {}{copies}", figures::counted(self.read, "record"), self.topics.join(", "))]
            .into_iter()
            .chain(missing)
            .chain([format!("{} mirrored", figures::count(self.mirrored))])
            .chain(rest.into_iter().flatten())
            .chain(waits)
            .chain(replaced)
            .chain(group)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_of_the_ledger_is_one_of_a_mirrored_event() {
        let mut ledger = LedgerCounts::default();
        for class in Class::ALL {
            *ledger.of_mut(class) = 1;
        }
        let events = Class::ALL.len() as u64;
        let mut mirrored = Mirrored { read: events, recorded: events, offsets: events, events, ..Mirrored::default() };
        mirrored.settle(&ledger);
        assert_eq!(mirrored.broken(), None);
        let one_more = Mirrored { events: events + 1, ..mirrored.clone() };
        assert!(one_more.broken().is_some_and(|why| why.contains("accounted for")));
        let one_less = Mirrored { recorded: events - 1, ..mirrored };
        assert!(one_less.broken().is_some_and(|why| why.contains("records came")));
    }
}
