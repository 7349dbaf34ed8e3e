//! A record of a topic as one JSON object, with all that was recorded of it.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::capture::Captured;
use crate::kafka::Timestamp;
use crate::kafka::headers::Header;

/// The fields of the object.
pub(super) const NAMES: [&str; 9] =
    ["topic", "partition", "offset", "leader_epoch", "timestamp", "timestamp_type", "key", "value", "headers"];

/// Appends the object. Bytes that are text stand as text, others as `{"base64": ...}`.
pub(super) fn push(out: &mut Vec<u8>, record: &Captured<'_>) {
    let (timestamp, kind) = match record.timestamp {
        Timestamp::Missing => (None, "none"),
        Timestamp::Create(ms) => (Some(ms), "create"),
        Timestamp::LogAppend(ms) => (Some(ms), "log_append"),
    };
    let header = |header: Header<'_>| json!([String::from_utf8_lossy(header.name), bytes(header.value)]);
    let headers: Vec<Value> = record.headers.iter().map(header).collect();
    let object = json!({
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "leader_epoch": record.leader_epoch,
        "timestamp": timestamp,
        "timestamp_type": kind,
        "key": bytes(record.key),
        "value": bytes(record.value),
        "headers": headers,
    });
    out.extend_from_slice(object.to_string().as_bytes());
}

fn bytes(bytes: Option<&[u8]>) -> Value {
    match bytes.map(|bytes| (bytes, std::str::from_utf8(bytes))) {
        None => Value::Null,
        Some((_, Ok(text))) => Value::from(text),
        Some((bytes, Err(_))) => json!({ "base64": STANDARD.encode(bytes) }),
    }
}

/// A time for each record that never goes back within its partition.
#[derive(Debug, Default)]
pub(super) struct Order {
    latest_us: HashMap<String, Vec<i64>>,
}

impl Order {
    /// Microseconds since 1970.
    pub(super) fn place(&mut self, record: &Captured<'_>) -> i64 {
        if !self.latest_us.contains_key(record.topic) {
            self.latest_us.insert(record.topic.to_owned(), Vec::new());
        }
        let Some(partitions) = self.latest_us.get_mut(record.topic) else { return 0 };
        let partition = usize::try_from(record.partition).unwrap_or_default();
        if partition >= partitions.len() {
            partitions.resize(partition + 1, i64::MIN);
        }
        let at_us = record.timestamp.unix_ms().unwrap_or(i64::MIN).saturating_mul(1_000);
        partitions[partition] = partitions[partition].max(at_us);
        partitions[partition]
    }
}
