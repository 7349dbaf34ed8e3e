//! Runs that do not begin, and results that cannot be written: what to say of them, and what to leave behind.

use super::fleet;
use crate::bundle::{self, Bundle};
use crate::command::{Failure, cluster};
use crate::figures;
use crate::fleet::FleetError;
use crate::kafka::KafkaError;
use crate::kafka::properties::REDACTED;
use crate::run::RunError;
use crate::scenario::ConfigError;
use crate::scenario::plan::Plan;
use crate::verdict::ExitCode;

/// Why a run did not begin, and what to do.
pub(super) fn begin_failed(error: RunError, plan: &Plan) -> Failure {
    match error {
        RunError::Kafka(error) => match &error {
            KafkaError::Setting { key, reason } => {
                let value = plan.run.kafka.redacted_client().remove(key).filter(|value| value != REDACTED);
                ConfigError::RefusedByClient { key: key.clone(), value, reason: reason.clone() }.into()
            }
            KafkaError::TopicMissing { .. } => {
                let partitions = figures::counted(plan.run.kafka.partitions.unsigned_abs().into(), "partition");
                Failure::new(ExitCode::Cluster, error.to_string()).hint(format!(
                    "--create-topics makes it with {partitions}; loadgen topics apply FILE.toml -b BROKERS --yes makes those of a file"
                ))
            }
            _ => cluster::failed(&error, wanted(plan)),
        },
        RunError::Downstream(error) => cluster::no_output(&error),
        RunError::TooLateToStart(_) => Failure::new(ExitCode::BadConfiguration, error.to_string())
            .hint("give --start-at some seconds more: connecting takes its time"),
        RunError::NoPartition { .. } => Failure::new(ExitCode::Cluster, error.to_string())
            .hint("--partition key spreads the records by their keys; else the topic needs as many partitions"),
        RunError::IntoItself(ref topic) => Failure::new(ExitCode::BadConfiguration, error.to_string()).hint(format!(
            "--topic-map {topic}=COPY plays them into another one; --topic-map {topic}={topic} says that they are wanted there"
        )),
        RunError::IntoTheRead(ref topic) => Failure::new(ExitCode::BadConfiguration, error.to_string())
            .hint(format!("--topic-map {topic}=COPY sends them into another one, --to HOST:PORT to another cluster")),
        RunError::Registry(_)
        | RunError::Source(_)
        | RunError::TooFewLanes { .. }
        | RunError::Answers { .. }
        | RunError::TopicChanged { .. } => Failure::new(ExitCode::BadConfiguration, error.to_string()),
        RunError::NotMet(why) => match why.downcast::<FleetError>() {
            Ok(error) => fleet::failed(&error, plan),
            Err(why) => Failure::new(ExitCode::RunInvalid, why.to_string()),
        },
        RunError::Interrupted => Failure::new(ExitCode::Interrupted, error.to_string()),
        RunError::Thread(_) | RunError::BrokenOff(_) => Failure::new(ExitCode::RunInvalid, error.to_string()),
    }
}

/// What a run wants of its cluster.
pub(super) fn wanted(plan: &Plan) -> cluster::Purpose<'_> {
    let verify = plan.run.verify.as_ref();
    cluster::Purpose {
        topics: &plan.run.kafka.topic,
        said_by: &plan.bootstrap_said_by,
        rights: if verify.is_some() { "Describe, Write and Read" } else { "Describe and Write" },
        group: verify.and_then(|verify| verify.group.as_ref()).map(|group| group.name.as_str()).or(plan
            .run
            .kafka
            .lag_group
            .as_deref()),
    }
}

pub(in crate::command) fn write_failed(error: &bundle::BundleError) -> Failure {
    Failure::new(ExitCode::BadConfiguration, error.to_string()).hint("--results-dir DIR names another folder")
}

/// A run that did not begin leaves no folder.
pub(in crate::command) fn discard(bundle: Bundle) {
    let folder = bundle.folder().to_owned();
    drop(bundle);
    if let Err(error) = std::fs::remove_dir_all(&folder) {
        tracing::warn!("{} cannot be removed: {error}", folder.display());
    }
}
