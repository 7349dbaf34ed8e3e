//! The cluster of a run, its topics and its client.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::event::EventKind;
use crate::kafka::properties::redacted;

/// The cluster of a run.
#[derive(Clone, PartialEq, Eq)]
pub struct KafkaPlan {
    /// Brokers to start from; `None`: the embedded broker.
    pub bootstrap: Option<String>,
    /// Where they were named, for a hint.
    pub bootstrap_said_by: String,
    /// Whether there is no broker at all, and each event is confirmed at once.
    pub nowhere: bool,
    /// Topic of the events.
    pub topic: String,
    /// Types of events that go into other topics.
    pub topic_map: BTreeMap<EventKind, String>,
    /// Whether a missing topic is created.
    pub create_topics: bool,
    /// Partitions of a created topic.
    pub partitions: i32,
    /// Copies of each partition of a created topic.
    pub replication_factor: i32,
    /// Properties of the producer and of the consumer, in librdkafka's names, without `bootstrap.servers`.
    pub client: BTreeMap<String, String>,
    /// The longest wait for the first answer.
    pub connect_timeout: Duration,
    /// A consumer group whose lag is shown; never joined.
    pub lag_group: Option<String>,
}

impl KafkaPlan {
    /// The client's properties for reports and dumps: without secrets.
    #[must_use]
    pub fn redacted_client(&self) -> BTreeMap<String, String> {
        redacted(&self.client)
    }
}

/// Without secrets.
impl fmt::Debug for KafkaPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            bootstrap,
            bootstrap_said_by,
            nowhere,
            topic,
            topic_map,
            create_topics,
            partitions,
            replication_factor,
            client,
            connect_timeout,
            lag_group,
        } = self;
        f.debug_struct("KafkaPlan")
            .field("bootstrap", bootstrap)
            .field("bootstrap_said_by", bootstrap_said_by)
            .field("nowhere", nowhere)
            .field("topic", topic)
            .field("topic_map", topic_map)
            .field("create_topics", create_topics)
            .field("partitions", partitions)
            .field("replication_factor", replication_factor)
            .field("client", &redacted(client))
            .field("connect_timeout", connect_timeout)
            .field("lag_group", lag_group)
            .finish()
    }
}
