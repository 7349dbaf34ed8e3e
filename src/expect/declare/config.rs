//! Expectations as they are written down.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::units;

/// One `[[expect]]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExpectConfig {
    /// Its name, for gates and reports.
    pub name: String,
    /// What it is, where it is none of counts, sums and pairs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Named>,
    /// The topic of the input; the run's, where it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The types of event that are taken; all, where none is named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// Fields that an event must have to be taken.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub present: Vec<String>,
    /// The field with the event time in ms since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// One result for each event: the field that both have.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub matched: Option<String>,
    /// The field by which events are added up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// `count`, `sum(FIELD)`, `sum(FIELD * FIELD)`, `min(FIELD)`, `max(FIELD)`, `last(FIELD)`, `distinct(FIELD)`, or the items with the
    /// greatest counts or sums: `top(10, FIELD)`, `top(10, FIELD, sum(FIELD))`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The types of event that add to the sum; the others are in the window and add nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub value_types: Vec<String>,
    /// From which score on an event is called fraudulent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// How many of the highest scores the precision at k looks at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k: Option<u64>,
    /// How long after its due time the score of an event is of use; always, where it is not said.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "to_text", deserialize_with = "from_text")]
    pub within: Option<Duration>,
    /// Where in a score's record stands what was looked at; then it is compared with what the log gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<String>,
    /// The folder of the run whose truth it is, where that is not this run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truth: Option<PathBuf>,
    /// The windows; none for a running total.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowConfig>,
    /// When results are written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emit: Option<Emit>,
    /// Whether events are sent to other partitions before they are added up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repartition: Option<bool>,
    /// How far the source's partitions may lie apart when their events come to where they are added up.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "to_text", deserialize_with = "from_text")]
    pub apart: Option<Duration>,
    /// Where the results are.
    pub output: OutputConfig,
}

/// Windows as they are written down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WindowConfig {
    /// How long each is.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "to_text", deserialize_with = "from_text")]
    pub size: Option<Duration>,
    /// The distance from one to the next; their size, where it is not said.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "to_text", deserialize_with = "from_text")]
    pub advance: Option<Duration>,
    /// Sessions in their place: how long after an event another one still belongs to the same.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "to_text", deserialize_with = "from_text")]
    pub gap: Option<Duration>,
    /// How long after its end one still takes events; no time, where it is not said.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "to_text", deserialize_with = "from_text")]
    pub grace: Option<Duration>,
}

/// Where results stand, as it is written down. Paths go from field to field: `totals.count`, `items.0.sold`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutputConfig {
    /// The topic.
    pub topic: String,
    /// Where the key is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Where the first ms of the window is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Where the first ms after the window is; of a session, the time of its last event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// Where the value is; of the greatest items, where their list is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// In an entry of that list, where the item is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// In an entry of that list, where the item's count or sum is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Only records that have these texts at these paths.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub only: BTreeMap<String, String>,
}

/// A kind of expectation that has a name of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Named {
    /// Each event has a score, which the truth about fraud judges.
    Scores,
}

/// When results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Emit {
    /// Once, when the window closes.
    #[default]
    Final,
    /// With changes; the last one counts.
    Updates,
}

#[expect(clippy::ref_option, reason = "the signature that serde asks for")]
fn to_text<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    duration.map(units::of_duration).serialize(serializer)
}

fn from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| units::duration(&text).map_err(D::Error::custom)).transpose()
}
