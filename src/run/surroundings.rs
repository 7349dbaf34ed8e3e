//! With what, on what and against what a run goes.

use super::Config;
use super::prepare::Prepared;
use crate::kafka::native::librdkafka_version;
use crate::kafka::properties::redact;
use crate::kafka::slots::Slots;
use crate::kafka::{ClusterMetadata, Settings};
use crate::measure::cgroup::Quota;
use crate::report::{Environment, Tool, TopicReport};
use crate::verify::topics::Topics;

/// What makes the reports.
#[must_use]
pub fn tool() -> Tool {
    Tool {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        librdkafka: librdkafka_version(),
        git: option_env!("LOADGEN_GIT").map(str::to_owned),
    }
}

/// Those of a run.
pub(super) fn environment(prepared: &Prepared, config: &Config) -> Environment {
    let Prepared { slots, clusters, topic_settings, .. } = prepared;
    let mut environment = environment_of(slots, clusters, topic_settings, &prepared.topics, prepared.settings());
    if let (Some(verify), Some(_)) = (&config.verify, config.transactions) {
        note_isolation(&mut environment, verify.read_committed);
    }
    environment
}

/// Notes the consumer's isolation level, which decides what the findings of a transactional run mean.
pub(super) fn note_isolation(environment: &mut Environment, read_committed: bool) {
    let isolation = if read_committed { "read_committed" } else { "read_uncommitted" };
    environment.client_config.insert("isolation.level".to_owned(), isolation.to_owned());
}

/// On what and against what a client with these settings ran.
pub(super) fn environment_of(
    slots: &Slots,
    clusters: &[ClusterMetadata],
    topic_settings: &[Settings],
    topics: &Topics,
    client: &Settings,
) -> Environment {
    let anew = topics.all_made_anew();
    let topics = slots.topics().zip(clusters).enumerate().map(|(index, ((name, partitions), cluster))| TopicReport {
        name: name.to_owned(),
        partitions,
        id: cluster.topic.id.clone(),
        made_anew: anew.contains(&name),
        replication_factor: Some(cluster.topic.replication_factor),
        settings: topic_settings.get(index).cloned().unwrap_or_default(),
    });
    Environment {
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        cpu_quota: Quota::of_this_process().map(|quota| quota.processors),
        os: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        brokers: clusters.first().map(|cluster| cluster.brokers.clone()).unwrap_or_default(),
        topics: topics.collect(),
        client_config: client.iter().map(|(key, value)| (key.clone(), redact(key, value).into_owned())).collect(),
    }
}
