//! The topics of a run before it starts: that they are there, where their logs end, and what is set for them.

use std::time::Duration;

use super::Config;
use crate::clock::{Clock, Monotonic, Nanos};
use crate::kafka::native::Consumer;
use crate::kafka::slots::Slots;
use crate::kafka::{ClusterMetadata, KafkaError, Settings, Wait, Watermarks, admin};
use crate::verify::topics::Topics;

/// Settings of a topic that decide what may happen to its records.
const TELLING: [&str; 8] = [
    "cleanup.policy",
    "max.message.bytes",
    "message.timestamp.after.max.ms",
    "message.timestamp.type",
    "min.insync.replicas",
    "retention.bytes",
    "retention.ms",
    "unclean.leader.election.enable",
];

/// Who may not describe the topic can still run; then nothing is known of its settings.
pub(super) fn topic_settings<'a>(
    client: &Settings,
    timeout: Duration,
    bootstrap: &str,
    topics: impl Iterator<Item = &'a str>,
) -> Vec<Settings> {
    let cluster = match admin::Cluster::new(bootstrap, client, timeout) {
        Ok(cluster) => cluster,
        Err(error) => {
            tracing::debug!("the topics' settings are not known: {error}");
            return Vec::new();
        }
    };
    let told = topics.map(|topic| match cluster.settings(topic) {
        Ok(mut settings) => {
            settings.retain(|key, _| TELLING.contains(&key.as_str()));
            settings
        }
        Err(error) => {
            tracing::debug!("the settings of topic \"{topic}\" are not known: {error}");
            Settings::new()
        }
    });
    told.collect()
}

/// Whether a later record of a key may take the place of an earlier one in one of the topics with these settings.
pub(super) fn is_compacted(topics: &[Settings]) -> bool {
    topics.iter().any(|topic| topic.get("cleanup.policy").is_some_and(|policy| policy.contains("compact")))
}

/// Finds the topic, or makes it where that was asked for.
pub(super) fn describe(
    config: &Config,
    topic: &str,
    consumer: &Consumer,
    settings: &Settings,
) -> Result<ClusterMetadata, KafkaError> {
    match consumer.metadata(topic, config.connect_timeout) {
        Err(KafkaError::TopicMissing { .. }) if config.create_topic => {
            let spec = admin::NewTopic {
                name: topic.to_owned(),
                partitions: config.partitions,
                replication_factor: config.replication_factor,
                config: Settings::new(),
            };
            admin::create_topic(settings, &spec, config.connect_timeout)?;
            let clock = Monotonic::start();
            loop {
                match consumer.metadata(topic, config.connect_timeout) {
                    Ok(found) if found.topic.leaderless.is_empty() && found.topic.partitions > 0 => return Ok(found),
                    answer if clock.now() >= Nanos::from(config.connect_timeout) => return answer,
                    Ok(_) | Err(KafkaError::TopicMissing { .. }) => {
                        clock.sleep_until(clock.now() + Nanos::from_millis(20));
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        answer => answer,
    }
}

/// Both ends of every partition, by slot.
pub(super) fn ends(consumer: &Consumer, slots: &Slots, timeout: Duration) -> Result<Vec<Watermarks>, KafkaError> {
    let places: Vec<(&str, i32)> = (0..slots.len()).filter_map(|slot| slots.place(slot)).collect();
    consumer.first_ends(&places, timeout)
}

/// The longest wait for the ids of topics: where there is no controller to ask, they are not known.
const IDS: Duration = Duration::from_secs(3);

/// Notes the ids of the topics, as far as the cluster tells them, and gives them to those who look whether they change.
pub(super) fn identify(
    consumer: &Consumer,
    clusters: &mut [ClusterMetadata],
    slots: &Slots,
    timeout: Duration,
) -> Topics {
    let names: Vec<&str> = slots.topics().map(|(name, _)| name).collect();
    match consumer.identities(&names, Wait::of(timeout.min(IDS))) {
        Ok(told) => {
            for (cluster, told) in clusters.iter_mut().zip(told) {
                cluster.topic.id = told.ok().and_then(|identity| identity.id);
            }
        }
        Err(error) => tracing::debug!("the topics' ids are not known: {error}"),
    }
    let ids = clusters.iter().map(|cluster| cluster.topic.id.clone());
    Topics::new(names.into_iter().map(str::to_owned).zip(ids).collect())
}
