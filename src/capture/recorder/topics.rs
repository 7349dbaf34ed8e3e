//! What there is to record, from where, and with which settings it is read.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Start;
use crate::capture::format::TopicHead;
use crate::kafka::admin::Cluster;
use crate::kafka::native::Consumer;
use crate::kafka::{KafkaError, Settings, Wait, Watermarks, settings};

/// Memory for records that wait to be taken, in KiB: enough for a quarter of a second at 60 MB/s.
const QUEUED_KIB: &str = "16384";

/// What is known of these topics.
pub(in crate::capture) fn describe(
    names: &[String],
    bootstrap: &str,
    client: &Settings,
    timeout: Duration,
) -> Result<BTreeMap<String, TopicHead>, KafkaError> {
    let cluster = Cluster::new(bootstrap, client, timeout)?;
    let present = cluster.topics()?;
    let mut topics = BTreeMap::new();
    for topic in names {
        let missing = || KafkaError::TopicMissing { topic: topic.clone(), address: bootstrap.to_owned() };
        let partitions = present.get(topic).ok_or_else(missing)?.partitions.len();
        let settings = match cluster.settings(topic) {
            Ok(settings) => settings.into_iter().collect(),
            Err(error) => {
                tracing::warn!("{error}: why a record is missing in \"{topic}\" may stay unknown");
                BTreeMap::new()
            }
        };
        let partitions = i32::try_from(partitions).unwrap_or(0);
        topics.insert(topic.clone(), TopicHead { partitions, settings, ..TopicHead::default() });
    }
    Ok(topics)
}

/// Notes which topics these are.
pub(in crate::capture) fn identify(topics: &mut BTreeMap<String, TopicHead>, consumer: &Consumer, timeout: Duration) {
    let names: Vec<&str> = topics.keys().map(String::as_str).collect();
    let found = consumer.identities(&names, Wait::of(timeout)).unwrap_or_default();
    // Where nobody tells the ids of topics, the cluster's and the name tell a topic from others.
    let cluster = names.first().and_then(|name| consumer.metadata(name, timeout).ok()?.id);
    for head in topics.values_mut() {
        head.cluster.clone_from(&cluster);
    }
    for (head, found) in topics.values_mut().zip(found) {
        head.id = found.ok().and_then(|identity| identity.id);
    }
}

/// Where each partition is read from: a time that is behind its last record is its end.
pub(in crate::capture) fn starts(
    consumer: &Consumer,
    named: &[(&str, i32)],
    from: Start,
    ends: &[Watermarks],
    timeout: Duration,
) -> Result<Vec<i64>, KafkaError> {
    let found = match from {
        Start::Earliest => return Ok(ends.iter().map(|ends| ends.low).collect()),
        Start::Latest => return Ok(ends.iter().map(|ends| ends.high).collect()),
        Start::At(ms) => consumer.offsets_at(named, ms, timeout)?,
    };
    Ok(found.into_iter().zip(ends).map(|(offset, ends)| offset.unwrap_or(ends.high)).collect())
}

/// The settings of a reader for which nothing is committed unless it says so.
pub(in crate::capture) fn reading(read_committed: bool, group: &str, bootstrap: &str, client: &Settings) -> Settings {
    let mut all = settings::of_a_consumer(client);
    all.entry("queued.max.messages.kbytes".to_owned()).or_insert_with(|| QUEUED_KIB.to_owned());
    // The client's default of 1 s would be most of the time: a queue of that size is emptied in a fraction of it.
    all.entry("fetch.queue.backoff.ms".to_owned()).or_insert_with(|| "2".to_owned());
    let isolation = if read_committed { "read_committed" } else { "read_uncommitted" };
    for (key, value) in [
        ("bootstrap.servers", bootstrap),
        ("group.id", group),
        ("isolation.level", isolation),
        ("enable.partition.eof", "true"),
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("auto.offset.reset", "error"),
    ] {
        all.insert(key.to_owned(), value.to_owned());
    }
    all
}
