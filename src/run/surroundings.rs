//! With what, on what and against what a run goes.

use super::schemas::of_keys;
use super::target::Target;
use crate::event::catalogue::Catalogue;
use crate::kafka::Settings;
use crate::kafka::native::librdkafka_version;
use crate::kafka::properties::redact;
use crate::measure::cgroup::Quota;
use crate::report::{Environment, SchemaReport, Tool, TopicReport};

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

/// Notes the consumer's isolation level, which decides what the findings of a transactional run mean.
pub(super) fn note_isolation(environment: &mut Environment, read_committed: bool) {
    let isolation = if read_committed { "read_committed" } else { "read_uncommitted" };
    environment.client_config.insert("isolation.level".to_owned(), isolation.to_owned());
}

/// On what and against what a client with these settings ran.
pub(super) fn environment(
    target: &Target,
    catalogue: &Catalogue,
    schemas: &[SchemaReport],
    client: &Settings,
) -> Environment {
    let Target { slots, clusters, topic_settings, topics, .. } = target;
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
        event_types: catalogue.names().map(str::to_owned).collect(),
        schemas: schemas.to_vec(),
        key_schemas: of_keys(catalogue),
        client_config: client.iter().map(|(key, value)| (key.clone(), redact(key, value).into_owned())).collect(),
    }
}
