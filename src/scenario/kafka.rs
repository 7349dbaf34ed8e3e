//! The cluster as it stands in a scenario, and the client's properties merged from every level.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::choice::choices;
use super::text;
use crate::event::EventKind;
use crate::kafka::properties::redacted;

choices! {
    /// Brokers that must confirm an event.
    pub enum Acks {
        All = "all": "every in-sync copy",
        Leader = "1": "the partition's leader: what it loses before copying is lost",
        None = "0": "nobody: an event counts as acked when it was sent",
    }
}

choices! {
    /// Compression of batches.
    pub enum Compression {
        None = "none": "no compression",
        Gzip = "gzip": "gzip: about five times the CPU time of the others",
        Snappy = "snappy": "snappy",
        Lz4 = "lz4": "lz4",
        Zstd = "zstd": "zstd",
    }
}

/// The `[kafka]` table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KafkaConfig {
    /// Brokers to start from; none, or `embedded`: the embedded broker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bootstrap_server: Option<String>,
    /// A .properties file, relative to the scenario.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command_config: Option<PathBuf>,
    /// Topic of the events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Types of events that go into other topics.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub topic_map: BTreeMap<EventKind, String>,
    /// Whether a missing topic is created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_topics: Option<bool>,
    /// Partitions of a created topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partitions: Option<i32>,
    /// Copies of each partition of a created topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replication_factor: Option<i32>,
    /// Brokers that must confirm an event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acks: Option<Acks>,
    /// Whether a retried event is written once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotence: Option<bool>,
    /// Compression of batches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<Compression>,
    /// Longest wait for more events before a batch is sent.
    #[serde(with = "text::duration", skip_serializing_if = "Option::is_none")]
    pub linger: Option<Duration>,
    /// Longest wait for the first answer.
    #[serde(with = "text::duration", skip_serializing_if = "Option::is_none")]
    pub connect_timeout: Option<Duration>,
    /// A consumer group whose lag is shown; never joined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag_group: Option<String>,
    /// More properties of the client.
    #[serde(skip_serializing_if = "ClientTable::is_empty")]
    pub client: ClientTable,
}

/// The `[kafka.client]` table. Written and shown without secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ClientTable(pub BTreeMap<String, String>);

impl ClientTable {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for ClientTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        redacted(&self.0).fmt(f)
    }
}

impl Serialize for ClientTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        redacted(&self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ClientTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::table::deserialize(deserializer).map(Self)
    }
}
