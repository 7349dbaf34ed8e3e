//! The form of a recording: an Avro object container (Avro 1.12, "Object Container Files") with zstd blocks, so that whatever
//! reads Avro reads it.
//!
//! What is more than Avro asks for: a block holds records of one partition alone, in the order of its log, and its first record is a
//! compressed piece of its own. So a replay learns from a few bytes of each block where it belongs, and holds one block of
//! each partition. The metadata say what was recorded, and at the end what came of it, in a place that was kept free for it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What an Avro object container begins with.
pub(super) const MAGIC: [u8; 4] = *b"Obj\x01";
/// The version of the form.
pub const VERSION: &str = "1";
/// The codec of blocks.
pub(super) const CODEC: &str = "zstandard";
/// Bytes of the marker behind the head and behind each block.
pub(super) const MARKER: usize = 16;
/// Bytes kept free in the head for the [`Ending`].
pub(super) const ENDING: usize = 256;

/// The names of what stands in the head.
pub(super) mod metadata {
    pub(in crate::capture) const SCHEMA: &str = "avro.schema";
    pub(in crate::capture) const CODEC: &str = "avro.codec";
    pub(in crate::capture) const VERSION: &str = "loadgen.version";
    pub(in crate::capture) const HEAD: &str = "loadgen.recording";
    pub(in crate::capture) const ENDING: &str = "loadgen.ending";
}

/// The schema of a record. Times are plain numbers: a producer may write any, and readers refuse dates after the year 9999.
pub const SCHEMA: &str = r#"{"type":"record","name":"Record","namespace":"loadgen","doc":"A Kafka record as its topic had it.","fields":[{"name":"topic","type":"string"},{"name":"partition","type":"int"},{"name":"offset","type":"long"},{"name":"leader_epoch","type":["null","int"]},{"name":"timestamp_ms","type":["null","long"],"doc":"Since the Unix epoch."},{"name":"timestamp_type","type":{"type":"enum","name":"TimestampType","symbols":["none","create","log_append"]}},{"name":"key","type":["null","bytes"]},{"name":"value","type":["null","bytes"],"doc":"Null: a tombstone."},{"name":"headers","type":{"type":"array","items":{"type":"record","name":"Header","fields":[{"name":"name","type":"string"},{"name":"value","type":["null","bytes"]}]}}}]}"#;

/// What is known of a recording when it begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The program that wrote it.
    pub tool: String,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// Whether only records of committed transactions were read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_committed: bool,
    /// The topics, by name.
    #[serde(default)]
    pub topics: BTreeMap<String, TopicHead>,
}

/// What is known of a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicHead {
    /// How many partitions it had.
    pub partitions: i32,
    /// Its id (KIP-516), where the cluster gives topics one: no other topic has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The id of its cluster, where that has told one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Its settings, by Kafka's names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
}

/// What came of a recording. A file that was not ended has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// Its records.
    pub records: u64,
    /// The earliest time of a record, ms since the Unix epoch.
    pub first_ms: Option<i64>,
    /// The latest one.
    pub last_ms: Option<i64>,
    /// Records that are earlier than one before them in their partition.
    pub back: u64,
}

impl Ending {
    /// Takes a record of this time into account, which is the `latest` one of its partition so far or goes back behind it.
    pub(super) fn count(&mut self, at_ms: Option<i64>, latest: &mut i64) {
        self.records += 1;
        let Some(at_ms) = at_ms else { return };
        self.first_ms = Some(self.first_ms.map_or(at_ms, |first| first.min(at_ms)));
        self.last_ms = Some(self.last_ms.map_or(at_ms, |last| last.max(at_ms)));
        if at_ms < *latest {
            self.back += 1;
        } else {
            *latest = at_ms;
        }
    }
}
