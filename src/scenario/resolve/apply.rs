//! Lays what was given over the scenario, and settles what depends on other settings.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::gate::{BuiltIn, GateConfig};
use crate::scenario::Scenario;
use crate::scenario::client::{ClientSettings, NOWHERE};
use crate::scenario::error::{ConfigError, plan_error};
use crate::scenario::source::SourceConfig;
use crate::settings::cluster::TopicOptions;
use crate::settings::layer::Layer;
use crate::settings::run::{RunLimits, RunOptions};
use crate::settings::values::{Property, TopicMap};
use crate::settings::verification::Isolation;
use crate::shop::Kind;
use crate::source::recorded::Stamping;

/// The topic of inventory events, unless another one is named.
const INVENTORY_TOPIC: &str = "inventory";

/// The gates that ask whether a plan was kept.
const OF_A_PLAN: [BuiltIn; 4] =
    [BuiltIn::GeneratorOnTime, BuiltIn::GeneratorKeptRate, BuiltIn::GeneratorHadCpu, BuiltIn::ClientQueueHadRoom];

/// What was given, else the scenario's own; the pace and the duration are settled already. What has one default for all runs
/// stays open here.
pub(super) fn apply(scenario: &mut Scenario, given: RunOptions, client: &ClientSettings) -> Result<(), ConfigError> {
    let RunOptions { pace: _, limits, target, verifier, outcome, events, recording } = given;
    let RunLimits { setup, length, lateness, .. } = limits;
    let settings = &mut scenario.settings;
    lay(setup, &mut settings.limits.setup);
    lay(length.num_records, &mut settings.limits.length.num_records);
    lay(lateness, &mut settings.limits.lateness);
    lay(target, &mut settings.target);
    lay(verifier, &mut settings.verifier);
    lay(recording.body.clone(), &mut settings.recording.body);
    lay(outcome.gate_off, &mut settings.outcome.gate_off);
    scenario.gates.extend(outcome.gate.into_iter().map(GateConfig::of_rule));
    let flush = delivery_timeout(client)? + Duration::from_secs(5);
    settings.limits.setup.patience.flush_deadline.get_or_insert(flush);
    settle_transactions(settings, client.bootstrap().is_none());
    put_client(settings, client);
    let mut topic_map = TopicMap::table(&settings.target.topic.topic_map);
    match &mut scenario.source {
        SourceConfig::Synthetic(config) => {
            events.apply_to(config).map_err(|error| ConfigError::Plan { reason: error.to_string(), hint: None })?;
        }
        SourceConfig::Own(config) => {
            config.weights = events.weights.or(config.weights.take());
            config.model = events.model.or(config.model);
            config.concurrent = events.concurrent_sessions.or(config.concurrent);
        }
        SourceConfig::Recorded(config) => {
            recording.apply_to_recorded(config);
            if config.stamp == Stamping::None && settings.verifier.group.is_some() {
                return Err(plan_error(
                    "records without a stamp are known by where they were acked, so no group reads them back",
                    "leave --stamp none or --group out",
                ));
            }
            config.load()?;
            let topic = &mut settings.target.topic;
            let said = topic.topic.is_some();
            config.origins.retain(|name, _| !said && !topic_map.contains_key(name));
            if topic.topic.is_none() && config.declared.is_none() {
                to_names_of_their_own(&config.topics, topic, &mut topic_map);
            }
            // Rows were in no partition: what they are spooled in is not told.
            if config.rows.is_none() {
                topic.partitions = topic.partitions.or(config.topics.values().max().copied());
            }
        }
        SourceConfig::Mirrored(config) => {
            let topic = &mut settings.target.topic;
            to_names_of_their_own(&config.topics, topic, &mut topic_map);
            topic.partitions = topic.partitions.or(config.topics.values().max().copied());
            // How fast it goes is for those to say who write what is read.
            settings.outcome.gate_off.push(BuiltIn::GeneratorKeptRate.as_str().to_owned());
        }
        // Nothing was planned that this process could fail to send.
        SourceConfig::Web(_) => settings.outcome.gate_off.extend(OF_A_PLAN.map(|gate| gate.as_str().to_owned())),
        SourceConfig::RetailRocket(config) => {
            recording.apply_to(config);
            if config.inventory && !config.item_properties.is_empty() {
                topic_map.entry(Kind::Inventory.to_string()).or_insert_with(|| INVENTORY_TOPIC.to_owned());
            }
        }
    }
    settings.target.topic.topic_map = TopicMap::of(topic_map);
    Ok(())
}

/// Each topic goes into one of its own name, unless it is said into which.
fn to_names_of_their_own(
    topics: &BTreeMap<String, i32>,
    topic: &mut TopicOptions,
    topic_map: &mut BTreeMap<String, String>,
) {
    for name in topics.keys() {
        topic_map.entry(name.clone()).or_insert_with(|| name.clone());
    }
    topic.topic = topic_map.values().next().cloned();
}

fn lay<L: Layer + Default>(higher: L, lower: &mut L) {
    *lower = higher.over(std::mem::take(lower));
}

/// Who writes transactions wants to know whether they keep what they promise; the embedded broker promises nothing.
fn settle_transactions(settings: &mut RunOptions, is_embedded: bool) {
    let transactions = &mut settings.target.transactions;
    if transactions.enabled == Some(true) {
        transactions.size.get_or_insert(100);
        transactions.abort_rate.get_or_insert(0.0);
        if !is_embedded {
            settings.verifier.back.isolation.get_or_insert(Isolation::ReadCommitted);
        }
    }
}

/// Puts the client's properties, merged from all levels, in the place of what each level said of them.
fn put_client(settings: &mut RunOptions, client: &ClientSettings) {
    let (cluster, topic) = (&mut settings.target.cluster, &mut settings.target.topic);
    let mut properties = client.properties();
    properties.remove("bootstrap.servers");
    cluster.client = properties.into_iter().map(|(key, value)| Property::Set(key, value)).collect();
    cluster.bootstrap_server = Some(client.bootstrap_or_stand_in().to_owned());
    (cluster.command_config, topic.acks, topic.idempotence, topic.compression, topic.linger) = Default::default();
    // Where events go nowhere there is nothing to read.
    if cluster.bootstrap_server.as_deref() == Some(NOWHERE) {
        settings.verifier.enabled = Some(false);
    }
}

/// How long the client tries to deliver an event.
fn delivery_timeout(client: &ClientSettings) -> Result<Duration, ConfigError> {
    let Some(setting) = client.get("delivery.timeout.ms") else { return Ok(Duration::ZERO) };
    setting.value.parse().map(Duration::from_millis).map_err(|_| ConfigError::Property {
        key: "delivery.timeout.ms".to_owned(),
        origin: setting.origin.clone(),
        reason: format!("\"{}\" is not a number of milliseconds", setting.value),
        hint: "for example delivery.timeout.ms=30000".to_owned(),
    })
}
