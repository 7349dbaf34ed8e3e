//! What a verifier alone found in a topic, in another process than the one that wrote it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A reading by `loadgen verify`. It knows no schedule: what it says of sequences holds between the first and the last that it saw.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reading {
    /// Where it began: `earliest`, `latest`, `committed` (by its group) or `run` (where the run began that it was joined with).
    pub from: String,
    /// Why it ended, in words.
    pub ended_by: String,
    /// All records that it was given.
    pub records: u64,
    /// Events with a stamp, each once.
    pub events: u64,
    /// Records a second, from the first look to the last.
    pub records_per_s: Option<f64>,
    /// How content was judged: `keyed` (by the run's id) or `schema` (no more than the fields and their types).
    pub content: String,
    /// Events of the run whose content does not match their stamp; `None` where there is no key to judge that by.
    pub damaged: Option<u64>,
    /// Sequences between the first and the last of each lane that were not seen: missing, which is not lost until the
    /// producer's own account says so. `None` where nothing can be said.
    pub missing: Option<u64>,
    /// Why nothing can be said of missing sequences, where that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_unknown: Option<String>,
    /// Sequences in between that may still be on their way, or lie where was not read yet: neither seen nor missing.
    pub open: u64,
    /// Sequences in between that may lie below where reading began in some partition: they were not read, and nothing is said of them.
    #[serde(default)]
    pub below_start: u64,
    /// Records between the reader's position and the high watermarks of its partitions at the end; `None` where one is not
    /// known, or the reader has no partition.
    pub lag: Option<u64>,
    /// Offsets that an open transaction hides from it, since it reads committed records: they lie between the last stable offset and
    /// the high watermark, and nothing is known of them.
    #[serde(default)]
    pub hidden: u64,
    /// Records that were asked for (`--num-records`) and did not come; absent where all came or no number was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaited: Option<u64>,
    /// Events whose ids are of the layout of an earlier loadgen: their lanes and sequences are not judged, and they count as foreign.
    #[serde(default)]
    pub other_layout: u64,
    /// Offsets that went out of the log before they were read.
    pub skipped: u64,
    /// Offsets that it had read and that were cut off the log: what was written there anew it has not read.
    #[serde(default)]
    pub cut_off: u64,
    /// Events that were due before the reader stood ready: seen, and not in the end-to-end time.
    pub untimed: u64,
    /// Events of lanes beyond those that can be followed.
    pub untracked: u64,
    /// Events of which it is no longer known whether they had been seen before.
    pub forgotten: u64,
    /// Each lane, the first thousand by due time.
    pub lanes: Vec<LaneReading>,
    /// How many lanes there were.
    pub lane_count: u64,
    /// The id of the run whose producer's account was joined with this reading; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<String>,
}

/// What was seen of one lane.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LaneReading {
    /// The tag of its run: the first ten bits of the run's id, as three digits, so that the last one is 0, 4, 8 or c.
    pub tag: String,
    /// Its number.
    pub lane: u16,
    /// The first sequence seen.
    pub first: u64,
    /// The last sequence seen.
    pub last: u64,
    /// Events seen, each once.
    pub seen: u64,
    /// Sequences in between that are missing; `None` where nothing can be said.
    pub missing: Option<u64>,
    /// Sequences in between of which nothing can be said yet.
    pub open: u64,
    /// When the first of them was due, RFC 3339.
    pub first_due: String,
    /// When the last of them was due, RFC 3339.
    pub last_due: String,
}

impl Reading {
    /// Why it is no pass, where nothing was wrong in what was read: that was nothing, not what it should have been, or not judged. `run`:
    /// the id of the run whose events were looked for, or nothing.
    #[must_use]
    pub fn unsaid(&self, run: &str) -> Option<String> {
        use crate::figures::{count, counted};
        let asked = self.awaited.map(|awaited| self.records + awaited);
        if self.records == 0 {
            let of = asked.map_or_else(String::new, |asked| format!(" of {}", counted(asked, "record")));
            return Some(format!("nothing was read{of}, so nothing can be said"));
        }
        if self.events == 0 {
            let whose = if run.is_empty() { "of loadgen".to_owned() } else { format!("of run {run}") };
            let records = counted(self.records, "record");
            return Some(format!("no event {whose} was among the {records} that were read: is it the right topic?"));
        }
        if let Some(asked) = asked {
            return Some(format!("{} of {} records came", count(self.records), count(asked)));
        }
        match (self.missing, &self.missing_unknown) {
            (None, Some(why)) => Some(format!("whether any are missing is not known: {why}")),
            (None, None) => Some("whether any are missing is not known".to_owned()),
            (Some(_), _) if self.lag.is_none() => {
                Some("where the logs end is not known, and so not whether all was read".to_owned())
            }
            (Some(_), _) => None,
        }
    }
}

impl super::RunReport {
    /// Whether this is the report of a reading alone, without the account of who wrote the events.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.reading.as_ref().is_some_and(|reading| reading.joined.is_none())
    }
}

/// Serializes what nothing is known of as null: a ledger without events is no ledger of zeros.
pub(super) fn null_if_nothing<T: Default + PartialEq + Serialize, S: serde::Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    (*value != T::default()).then_some(value).serialize(serializer)
}

/// Reads null as nothing.
pub(super) fn nothing_if_null<'de, T: Default + Deserialize<'de>, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_judged_is_said_and_is_no_pass() {
        let read = Reading { records: 60, events: 60, missing: Some(0), lag: Some(0), ..Reading::default() };
        assert_eq!(read.unsaid(""), None);
        let endless = Reading { lag: None, ..read.clone() };
        assert_eq!(endless.unsaid("").unwrap(), "where the logs end is not known, and so not whether all was read");
        let unsaid = |reading: Reading, run: &str| reading.unsaid(run).unwrap_or_default();
        assert_eq!(unsaid(Reading::default(), ""), "nothing was read, so nothing can be said");
        assert_eq!(
            unsaid(Reading { records: 6, events: 0, ..read.clone() }, ""),
            "no event of loadgen was among the 6 records that were read: is it the right topic?"
        );
        assert!(unsaid(Reading { events: 0, ..read.clone() }, "00ab").starts_with("no event of run 00ab was among"));
        assert_eq!(unsaid(Reading { awaited: Some(40), ..read.clone() }, ""), "60 of 100 records came");
        let why = Some("other members have read some".to_owned());
        let shared = Reading { missing: None, missing_unknown: why, ..read };
        assert_eq!(unsaid(shared, ""), "whether any are missing is not known: other members have read some");
    }
}
