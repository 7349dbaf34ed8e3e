//! What others can watch a run or a reading by: metrics that are served or published, until they have been read.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::command::Failure;
use crate::exporter::{Exporter, ExporterError, TopicConfig};
use crate::kafka::KafkaError;
use crate::run::Interrupts;
use crate::scenario::plan::{Plan, Presentation};
use crate::verdict::ExitCode;

/// What may be watched by others, and what its topics are.
pub(in crate::command) struct Watchable<'a> {
    pub(in crate::command) presentation: &'a Presentation,
    pub(in crate::command) bootstrap: Option<&'a str>,
    pub(in crate::command) client: &'a BTreeMap<String, String>,
    pub(in crate::command) timeout: Duration,
    /// The topics of the events.
    pub(in crate::command) topics: Vec<&'a str>,
    /// Which shard of a run it is, as `2/4`; `None` where it is the only one.
    pub(in crate::command) shard: Option<String>,
}

impl<'a> Watchable<'a> {
    pub(in crate::command) fn of(plan: &'a Plan) -> Self {
        let kafka = &plan.run.kafka;
        Self {
            presentation: &plan.presentation,
            bootstrap: kafka.bootstrap.as_deref(),
            client: &kafka.client,
            timeout: kafka.connect_timeout,
            topics: kafka.topic_map.values().chain([&kafka.topic]).map(String::as_str).collect(),
            shard: plan.sharding.shard.told(),
        }
    }
}

/// Serves and publishes metrics where that is asked for. An address or a topic that cannot be had ends the command before
/// anything is sent or read.
pub(in crate::command) fn exporter(watchable: &Watchable<'_>) -> Result<Option<Exporter>, Failure> {
    let shown = watchable.presentation;
    let topic = shown.metrics_topic.as_ref().map(|topic| metrics_topic(watchable, topic)).transpose()?;
    if shown.metrics_addr.is_none() && topic.is_none() {
        return Ok(None);
    }
    let exporter = Exporter::start(shown.metrics_addr.as_deref(), topic.as_ref()).map_err(|error| match &error {
        ExporterError::Address { .. } | ExporterError::Listen { .. } => {
            Failure::new(ExitCode::BadConfiguration, error.to_string())
                .hint("--metrics-addr 127.0.0.1:0 takes a port that is free")
        }
        ExporterError::Topic(KafkaError::TopicMissing { .. }) => Failure::new(ExitCode::Cluster, error.to_string())
            .hint("loadgen topics apply topics.toml --yes makes the topics of a file"),
        ExporterError::Topic(_) => Failure::new(ExitCode::Cluster, error.to_string()),
    })?;
    let exporter = exporter.of_shard(watchable.shard.clone());
    if let Some(address) = exporter.address() {
        tracing::info!("metrics at http://{address}/metrics");
    }
    Ok(Some(exporter))
}

fn metrics_topic(watchable: &Watchable<'_>, topic: &str) -> Result<TopicConfig, Failure> {
    let bad = |reason: String| Failure::new(ExitCode::BadConfiguration, reason);
    let Some(bootstrap) = watchable.bootstrap else {
        let reason = "--metrics-topic needs a cluster: the embedded broker goes when the run ends".to_owned();
        return Err(bad(reason).hint("--metrics-addr serves the same figures without a broker"));
    };
    if watchable.topics.contains(&topic) {
        let reason = format!("--metrics-topic {topic} is a topic of the events: its records would be foreign there");
        return Err(bad(reason).hint("for example --metrics-topic metrics"));
    }
    Ok(TopicConfig {
        topic: topic.to_owned(),
        bootstrap: bootstrap.to_owned(),
        client: watchable.client.clone(),
        timeout: watchable.timeout,
    })
}

/// Gives the last metrics the time to be read that was asked for.
pub(in crate::command) fn linger(presentation: &Presentation, exporter: Option<&Exporter>, interrupts: &Interrupts) {
    let longest = presentation.metrics_linger;
    if let Some(exporter) = exporter.filter(|_| !longest.is_zero()) {
        tracing::info!("waiting up to {longest:?} for the last metrics to be read");
        exporter.linger(longest, interrupts);
    }
}
