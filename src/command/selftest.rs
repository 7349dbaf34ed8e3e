//! `selftest`: a topic of its own, the self-test, its table.

use super::cluster;
use super::interrupt;
use super::{Done, Failure};
use crate::cli::selftest::SelfTestArgs;
use crate::kafka::KafkaError;
use crate::kafka::admin::Cluster;
use crate::run::RunError;
use crate::scenario::selftest::SelfTestPlan;
use crate::scenario::{self, Environment};
use crate::selftest::{Config, Rules, SelfTestError, Table, Wire, selftest as run};
use crate::settings::outcome::Output;
use crate::verdict::ExitCode;
use std::sync::Arc;

/// Partitions of a topic of its own.
const PARTITIONS: i32 = 3;
/// The cluster's own replication factor (KIP-464).
const AS_THE_CLUSTER_HAS_IT: i32 = -1;

pub(super) fn selftest(args: SelfTestArgs, environment: &Environment) -> Result<Done, Failure> {
    let plan = scenario::selftest::selftest(args, environment)?;
    if let Some(dump) = plan.dump {
        return Ok(Done::told(dump));
    }
    for warning in &plan.warnings {
        tracing::warn!("{warning}");
    }
    let table = match &plan.bootstrap {
        None => tested(&plan, plan.topic.as_deref().unwrap_or("selftest"), PARTITIONS, false)?,
        Some(bootstrap) => {
            let cluster =
                Cluster::new(bootstrap, &plan.client, plan.connect_timeout).map_err(|error| failed(&error))?;
            match &plan.topic {
                Some(topic) => tested(&plan, topic, partitions(&cluster, bootstrap, topic)?, false)?,
                None => in_its_own_topic(&plan, &cluster)?,
            }
        }
    };
    let code = if table.ok { ExitCode::Pass } else { ExitCode::CorrectnessViolated };
    let output = match plan.output {
        Output::Text => table.text(),
        Output::Json => serde_json::to_string_pretty(&table)
            .map(|text| text + "\n")
            .map_err(|error| Failure::new(code, format!("the table cannot be written as JSON: {error}")))?,
    };
    Ok(Done::judged(output, code))
}

/// Removes the topic however the self-test ended.
fn in_its_own_topic(plan: &SelfTestPlan, cluster: &Cluster) -> Result<Table, Failure> {
    let topic = format!("loadgen-selftest-{:016x}", rand::random::<u64>());
    let table = tested(plan, &topic, PARTITIONS, true);
    match cluster.remove(&topic) {
        // Where it is missing, it never came to be.
        Ok(()) | Err(KafkaError::TopicMissing { .. }) => {}
        Err(error) => tracing::warn!("topic \"{topic}\" is left behind: {error}"),
    }
    table
}

fn partitions(cluster: &Cluster, bootstrap: &str, topic: &str) -> Result<i32, Failure> {
    let topics = cluster.topics().map_err(|error| failed(&error))?;
    let Some(state) = topics.get(topic) else {
        let missing = KafkaError::TopicMissing { topic: topic.to_owned(), address: bootstrap.to_owned() };
        return Err(failed(&missing).hint("without --topic the self-test makes one of its own, and removes it"));
    };
    let settings = cluster.settings(topic).unwrap_or_default();
    if settings.get("message.timestamp.type").is_some_and(|by| by == "LogAppendTime") {
        let why =
            format!("topic \"{topic}\" stamps records with its own time, so kinds of duplicates cannot be told apart");
        return Err(
            Failure::new(ExitCode::BadConfiguration, why).hint("use a topic with message.timestamp.type=CreateTime")
        );
    }
    Ok(i32::try_from(state.partitions.len()).unwrap_or(i32::MAX))
}

fn tested(plan: &SelfTestPlan, topic: &str, partitions: i32, create_topic: bool) -> Result<Table, Failure> {
    let config = Config {
        bootstrap: plan.bootstrap.clone(),
        topic: topic.to_owned(),
        partitions,
        replication_factor: AS_THE_CLUSTER_HAS_IT,
        catalogue: Arc::clone(&plan.catalogue),
        wire: Wire { format: plan.format, keys: plan.keys, id_in_header: plan.id_in_header },
        create_topic,
        client: plan.client.clone(),
        connect_timeout: plan.connect_timeout,
        drain_deadline: plan.drain_deadline,
        seed: plan.seed.unwrap_or_else(rand::random),
        rules: Rules::ALL,
    };
    let interrupts = interrupt::listen()?;
    run(&config, &interrupts).map_err(|error| match &error {
        SelfTestError::Run(RunError::Kafka(kafka)) => failed(kafka),
        SelfTestError::Run(RunError::Interrupted) => Failure::new(ExitCode::Interrupted, error.to_string()),
        SelfTestError::Ended(_) if interrupts.count() > 0 => Failure::new(ExitCode::Interrupted, error.to_string()),
        SelfTestError::Ended(_) => Failure::new(ExitCode::Cluster, error.to_string()),
        SelfTestError::Run(_)
        | SelfTestError::Source(_)
        | SelfTestError::Schema(_)
        | SelfTestError::Lanes(_)
        | SelfTestError::TooFewPartitions { .. } => Failure::new(ExitCode::BadConfiguration, error.to_string()),
    })
}

fn failed(error: &KafkaError) -> Failure {
    cluster::failed(error, cluster::Purpose::default())
}
