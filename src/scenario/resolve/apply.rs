//! Closes every setting that is still open.

use std::time::Duration;

use crate::cli::cluster::TargetOptions;
use crate::cli::replay::RecordingOptions;
use crate::cli::run::RunOptions;
use crate::cli::synth::SynthOptions;
use crate::cli::transactions::TransactionOptions;
use crate::cli::values;
use crate::cli::verification::VerifierOptions;
use crate::event::EventKind;
use crate::gate::GateConfig;
use crate::scenario::Scenario;
use crate::scenario::client::{ClientSettings, NOWHERE};
use crate::scenario::error::ConfigError;
use crate::scenario::kafka::ClientTable;
use crate::scenario::plan::{EventTime, Isolation, OnLag, Pacing};
use crate::scenario::source::SourceConfig;
use crate::source::synthetic::NamedHotKey;
use crate::source::{retail_rocket, synthetic};

/// The topic of inventory events, unless another one is named.
const INVENTORY_TOPIC: &str = "inventory";

/// With what was given, else the scenario's own, else the default.
pub(super) fn apply(scenario: &mut Scenario, given: RunOptions, client: &ClientSettings) -> Result<(), ConfigError> {
    let RunOptions { pace: _, limits, target, verifier, outcome, events, recording } = given;
    scenario.name = limits.setup.name.or(scenario.name.take());
    scenario.seed = limits.setup.seed.or(scenario.seed).or(Some(1));
    scenario.num_records = limits.num_records.or(scenario.num_records);
    scenario.lanes = limits.setup.lanes.or(scenario.lanes).or(Some(1));
    scenario.pacing = limits.setup.pacing.or(scenario.pacing).or(Some(Pacing::Sleep));
    scenario.max_rate = limits.max_rate.or(scenario.max_rate);
    scenario.on_lag = limits.on_lag.or(scenario.on_lag).or(Some(OnLag::Queue));
    scenario.max_slip = limits.max_slip.or(scenario.max_slip).or(Some(Duration::from_secs(1)));
    let stall_threshold = limits.setup.stall_threshold.or(scenario.stall_threshold);
    scenario.stall_threshold = stall_threshold.or(Some(Duration::from_secs(1)));
    scenario.event_time = recording.event_time.or(scenario.event_time).or(Some(EventTime::Recorded));
    apply_transactions(scenario, target.transactions);
    apply_topic(scenario, target, client);
    apply_verifier(scenario, verifier, client.bootstrap().is_none());
    let flush = delivery_timeout(client)? + Duration::from_secs(5);
    scenario.payload_bytes = limits.setup.payload_bytes.or(scenario.payload_bytes);
    scenario.compressibility = limits.setup.compressibility.or(scenario.compressibility);
    scenario.flush_deadline = limits.setup.flush_deadline.or(scenario.flush_deadline).or(Some(flush));
    scenario.gates.extend(outcome.gate.into_iter().map(GateConfig::of_rule));
    scenario.gates_off.extend(outcome.gate_off);
    match &mut scenario.source {
        SourceConfig::Synthetic(config) => apply_events(config, &events),
        SourceConfig::RetailRocket(config) => {
            apply_recording(config, recording);
            if config.inventory && !config.item_properties.is_empty() {
                scenario.kafka.topic_map.entry(EventKind::Inventory).or_insert_with(|| INVENTORY_TOPIC.to_owned());
            }
        }
    }
    Ok(())
}

fn apply_transactions(scenario: &mut Scenario, given: TransactionOptions) {
    let transactions = &mut scenario.transactions;
    transactions.enabled = given.transactional.or(transactions.enabled);
    transactions.size = given.txn_size.or(transactions.size);
    transactions.abort_rate = given.txn_abort_rate.or(transactions.abort_rate);
    if transactions.enabled == Some(true) {
        transactions.size.get_or_insert(100);
        transactions.abort_rate.get_or_insert(0.0);
    }
}

fn apply_verifier(scenario: &mut Scenario, given: VerifierOptions, is_embedded: bool) {
    // Who writes transactions wants to know whether they keep what they promise; the embedded broker promises nothing.
    let transactional = scenario.transactions.enabled == Some(true) && !is_embedded;
    let isolation = if transactional { Isolation::ReadCommitted } else { Isolation::ReadUncommitted };
    let verify = &mut scenario.verify;
    // Where events go nowhere there is nothing to read.
    let nowhere = scenario.kafka.bootstrap_server.as_deref() == Some(NOWHERE);
    verify.enabled = given.no_verify.map(|off| !off).or(verify.enabled).or(Some(true)).map(|on| on && !nowhere);
    verify.group = given.group.or(verify.group.take());
    verify.consumers = given.membership.consumers.or(verify.consumers);
    verify.group_protocol = given.membership.group_protocol.or(verify.group_protocol);
    verify.assignor = given.membership.assignor.or(verify.assignor.take());
    verify.commit = given.membership.commit.or(verify.commit);
    verify.commit_interval = given.membership.commit_interval.or(verify.commit_interval);
    verify.chaos_rebalance = given.chaos_rebalance.or(verify.chaos_rebalance);
    verify.isolation = given.isolation.or(verify.isolation).or(Some(isolation));
    verify.drain_deadline = given.drain_deadline.or(verify.drain_deadline).or(Some(Duration::from_secs(30)));
}

fn apply_topic(scenario: &mut Scenario, target: TargetOptions, client: &ClientSettings) {
    let TargetOptions { cluster, topic, transactions: _ } = target;
    let kafka = &mut scenario.kafka;
    kafka.bootstrap_server = Some(client.bootstrap_or_stand_in().to_owned());
    kafka.client = ClientTable(client.properties());
    kafka.client.0.remove("bootstrap.servers");
    (kafka.command_config, kafka.acks, kafka.idempotence, kafka.compression, kafka.linger) = Default::default();
    kafka.topic = topic.topic.or(kafka.topic.take()).or_else(|| Some("raw-events".to_owned()));
    kafka.topic_map.extend(topic.topic_map.into_iter().flat_map(|values::TopicMap(map)| map));
    kafka.create_topics = topic.create_topics.or(kafka.create_topics).or(Some(false));
    kafka.partitions = topic.partitions.or(kafka.partitions).or(Some(3));
    kafka.replication_factor = topic.replication_factor.or(kafka.replication_factor).or(Some(1));
    kafka.lag_group = topic.lag_group.or(kafka.lag_group.take());
    kafka.connect_timeout = cluster.connect_timeout.or(kafka.connect_timeout).or(Some(Duration::from_secs(10)));
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

fn apply_events(config: &mut synthetic::Config, given: &SynthOptions) {
    let SynthOptions {
        // Fitted before: what it gave stands in the other options.
        like: _,
        model,
        weights,
        users,
        items,
        user_skew,
        item_skew,
        hot_key,
        concurrent_sessions,
        funnel,
        think_time,
    } = given;
    config.model = model.unwrap_or(config.model);
    config.weights = weights.unwrap_or(config.weights);
    config.users = users.unwrap_or(config.users);
    config.items = items.unwrap_or(config.items);
    config.user_skew = user_skew.unwrap_or(config.user_skew);
    config.item_skew = item_skew.unwrap_or(config.item_skew);
    for hot in hot_key {
        match *hot {
            NamedHotKey::User(key) => config.hot_user = Some(key),
            NamedHotKey::Item(key) => config.hot_item = Some(key),
        }
    }
    let sessions = &mut config.sessions;
    sessions.concurrent = concurrent_sessions.unwrap_or(sessions.concurrent);
    for row in funnel {
        row.set(&mut sessions.funnel);
    }
    for times in think_time {
        times.set(&mut sessions.think);
    }
}

fn apply_recording(config: &mut retail_rocket::Config, given: RecordingOptions) {
    config.max_gap = given.max_gap.or(config.max_gap);
    config.from = given.from.or(config.from);
    config.until = given.until.or(config.until);
    config.limit = given.limit.or(config.limit);
    config.rounds = given.rounds.unwrap_or(config.rounds);
    config.dedup = given.dedup.unwrap_or(config.dedup);
    config.users_sample = given.users_sample.or(config.users_sample);
    config.amplify = given.amplify.unwrap_or(config.amplify);
    config.bad_rows = given.bad_rows.unwrap_or(config.bad_rows);
    config.category_tree = given.category_tree.or(config.category_tree.take());
    config.item_properties.extend(given.item_properties);
    config.inventory = given.inventory.unwrap_or(config.inventory);
    config.sort_memory = given.sort_memory.unwrap_or(config.sort_memory);
    config.temp_dir = given.temp_dir.or(config.temp_dir.take());
}
