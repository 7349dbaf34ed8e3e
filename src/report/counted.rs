//! What became of the events: the schedule's demand, the classes, and the findings beside them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the schedule asked for and what was sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Offered {
    /// Events due before the stop.
    pub scheduled: u64,
    /// The planned rate: `scheduled` over the planned time. `None` where there is no plan in time.
    pub rate_per_s: Option<f64>,
    /// Events handed to the client per second, from the first due time to the last send.
    pub achieved_rate_per_s: f64,
    /// `achieved_rate_per_s` in percent of `rate_per_s`.
    pub achieved_percent: Option<f64>,
    /// Bytes of keys and bodies handed to the client.
    pub bytes: u64,
    /// From the first to the last due time, in ms; 0 where events have none.
    #[serde(default)]
    pub due_span_ms: u64,
    /// Seconds in which a lane was kept waiting for room in the client's queue, summed over lanes.
    pub client_blocked_s: f64,
    /// Seconds in which lanes were kept waiting by the ceiling (`--max-rate`), summed over lanes.
    #[serde(default)]
    pub capped_s: f64,
    /// Seconds in which lanes held back for the embedded broker's small log, summed over lanes.
    pub flow_control_s: f64,
}

/// What was found beside the classes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Findings {
    /// Second sightings of an event at another offset.
    pub duplicates: u64,
    /// Of these, those with the first one's `CreateTime`: sent again by the client.
    pub duplicates_resent: u64,
    /// Of these, those with another `CreateTime`: written again by another producer.
    pub duplicates_rewritten: u64,
    /// Of these, those whose origin cannot be told: `LogAppendTime`, or the first sighting is no longer remembered.
    pub duplicates_undecided: u64,
    /// Records read again at an offset already read: not duplicates.
    pub duplicates_reread: u64,
    /// First sightings whose sequence goes back within a lane and partition.
    pub reordered: u64,
    /// Records that break the schema.
    pub invalid: u64,
    /// The same by reason.
    pub invalid_by_reason: BTreeMap<String, u64>,
    /// Records in another partition than their key's.
    pub misplaced: u64,
    /// Records of other producers: counted, not judged.
    pub foreign: u64,
    /// Records of sibling processes of the same run: counted, not judged.
    pub sibling: u64,
    /// Lost events that the verifier had read before they went.
    pub seen_then_gone: u64,
    /// Unread events at or above the high watermark: acked by the leader, not replicated yet.
    #[serde(default)]
    pub not_replicated: u64,
    /// Unread events that an open transaction hides from readers of committed records.
    #[serde(default)]
    pub behind_transaction: u64,
    /// Undelivered events whose commit was confirmed, and whose transaction the log holds as aborted: no reader of committed records
    /// is given them.
    #[serde(default)]
    pub held_aborted: u64,
    /// Verified events that are not byte for byte what was sent, and are value for value: somebody wrote them again.
    #[serde(default)]
    pub re_encoded: u64,
    /// Records that one of the schemas cannot read by which others read (`--reader-schema`).
    #[serde(default)]
    pub not_readable_by_reader: u64,
    /// Records that were read and could not be judged: the schema registry did not say what the schema is that they, or a record before
    /// them in their partition, name.
    #[serde(default)]
    pub awaits_schema: u64,
    /// Records that seemed to be seen before they were due.
    pub negative_latency: u64,
    /// Up to 20 examples of each finding, by its name; of duplicates up to 20 of each kind.
    pub examples: BTreeMap<String, Vec<Example>>,
}

impl Findings {
    /// The examples of a class or finding. Those of all duplicates are kept together, each with the kind that it is.
    pub fn examples_of(&self, name: &str) -> impl Iterator<Item = &Example> {
        let (list, kind) = match name.strip_prefix("duplicates_") {
            Some(kind) => ("duplicates", Some(kind.to_owned())),
            None => (name, None),
        };
        let of_kind = move |example: &&Example| kind.is_none() || example.kind == kind;
        self.examples.get(list).into_iter().flatten().filter(of_kind)
    }

    /// Keeps an example of a duplicate of that kind, as `duplicates_KIND` counts them, if there are fewer than `most` of it.
    pub fn keep_duplicate(&mut self, kind: &str, most: usize, example: Example) {
        let kept = self.examples.entry("duplicates".to_owned()).or_default();
        if kept.iter().filter(|example| example.kind.as_deref() == Some(kind)).count() < most {
            kept.push(Example { kind: Some(kind.to_owned()), ..example });
        }
    }
}

/// One instance of a finding. What is not known is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Example {
    /// The event's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// Its type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// Its user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Its lane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<u16>,
    /// Its sequence in the lane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// When it was due, us since the start of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_us: Option<u64>,
    /// The topic of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// The partition of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<i32>,
    /// The offset of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<i64>,
    /// The other offset, of a duplicate or a neighbour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_offset: Option<i64>,
    /// Which kind it is of those that its finding counts: of a duplicate `resent`, `rewritten` or `undecided`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What was found, in one line.
    pub what: String,
}

/// What became of the events of one topic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TopicLedger {
    /// The types of event that went into it.
    pub event_types: Vec<String>,
    /// Handed to the client.
    pub sent: u64,
    /// Confirmed.
    pub acked: u64,
    /// First sightings.
    pub seen: u64,
    /// First sightings whose content was right.
    pub verified: u64,
    /// Records of these types that break the schema.
    pub invalid: u64,
    /// Events that did not end verified, by their class, as far as their type is known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub not_verified: BTreeMap<String, u64>,
}
