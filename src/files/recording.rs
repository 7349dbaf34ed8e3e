//! Rows as records of topics: each type's in a topic, each key's in one of its partitions.

use std::collections::HashMap;
use std::fs::File;
use std::io;

use xxhash_rust::xxh3::xxh3_64;

use super::error::FileError;
use super::spool::Spool;
use crate::capture::Captured;
use crate::capture::format::{Ending, Head, TopicHead};
use crate::capture::write::Writer;
use crate::kafka::Timestamp;
use crate::kafka::headers::Headers;

/// Partitions of each topic: a replay divides them among its lanes.
const PARTITIONS: u16 = 8;
/// The topic of rows without a type.
const EVENTS: &str = "events";
/// The longest name of a topic that Kafka takes.
const LONGEST_NAME: usize = 249;

/// The topic of a type: its name, with what no topic's name may have replaced.
#[must_use]
pub fn topic_of(kind: Option<&str>) -> String {
    let is_fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let fit = |kind: &str| kind.chars().take(LONGEST_NAME).map(|c| if is_fit(c) { c } else { '_' }).collect::<String>();
    kind.map(fit).filter(|topic| !topic.bytes().all(|byte| byte == b'.')).unwrap_or_else(|| EVENTS.to_owned())
}

/// Writes the rows into `file`, in the order of time.
///
/// # Errors
/// Where they cannot be read any more, or not be written.
pub fn write(spool: &Spool, tool: String, started_at: String, file: File) -> Result<(Ending, File), WriteError> {
    let topic = |name: &String| (name.clone(), TopicHead { partitions: i32::from(PARTITIONS), ..TopicHead::default() });
    let head = Head { tool, started_at, topics: spool.topics().iter().map(topic).collect(), ..Head::default() };
    let marker = xxhash_rust::xxh3::xxh3_128(head.started_at.as_bytes()).to_le_bytes();
    let mut writer = Writer::begin(file, &head, marker).map_err(WriteError::Written)?;
    let mut offsets: HashMap<(String, u16), i64> = HashMap::new();
    let mut keyless = 0_u64;
    spool.each(|at_us, row| {
        let place = row.key.map_or(keyless, xxh3_64) % u64::from(PARTITIONS);
        let partition = u16::try_from(place).unwrap_or_default();
        keyless += u64::from(row.key.is_none());
        let offset = offsets.entry((row.topic.to_owned(), partition)).or_default();
        let record = Captured {
            topic: row.topic,
            partition: partition.into(),
            offset: *offset,
            leader_epoch: None,
            timestamp: Timestamp::Create(at_us.div_euclid(1_000)),
            key: row.key,
            value: Some(row.body),
            headers: Headers::default(),
        };
        *offset += 1;
        writer.push(&record).map_err(WriteError::Written)
    })?;
    writer.finish().map_err(WriteError::Written)
}

/// Why rows are no recording.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// They cannot be read any more.
    #[error(transparent)]
    Read(#[from] FileError),
    /// The recording cannot be written.
    #[error("{0}")]
    Written(io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_names_a_topic_that_kafka_takes() {
        assert_eq!(topic_of(None), "events");
        assert_eq!(topic_of(Some("com.github.pull_request.opened")), "com.github.pull_request.opened");
        assert_eq!(topic_of(Some("Order Completed/\u{e9}")), "Order_Completed__");
        assert_eq!(topic_of(Some("..")), "events");
        assert_eq!(topic_of(Some(&"x".repeat(500))).len(), 249);
    }
}
