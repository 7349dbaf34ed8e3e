//! Runs that do not begin, and results that cannot be written: what to say of them, and what to leave behind.

use crate::bundle::{self, Bundle};
use crate::command::Failure;
use crate::kafka::{self, KafkaError};
use crate::report::figures;
use crate::run::RunError;
use crate::scenario::ConfigError;
use crate::scenario::plan::Plan;
use crate::verdict::ExitCode;

/// Why a run did not begin, and what to do.
pub(super) fn begin_failed(error: RunError, plan: &Plan) -> Failure {
    let topic = &plan.kafka.topic;
    match error {
        RunError::Kafka(error) => match &error {
            KafkaError::Setting { key, reason } => {
                let value = plan.kafka.redacted_client().remove(key).unwrap_or_default();
                ConfigError::RefusedByClient { key: key.clone(), value, reason: reason.clone() }.into()
            }
            KafkaError::Create(_) | KafkaError::Nul(_) => Failure::new(ExitCode::BadConfiguration, error.to_string()),
            KafkaError::TopicMissing { .. } => Failure::new(ExitCode::Cluster, error.to_string()).hint(format!(
                "--create-topics makes it with {}, or: loadgen topics apply topics.toml --yes",
                figures::counted(plan.kafka.partitions.unsigned_abs().into(), "partition")
            )),
            KafkaError::Unreachable { .. } => Failure::new(ExitCode::Cluster, error.to_string())
                .hint("is the broker running, and is --bootstrap-server its address?"),
            KafkaError::Refused { code, .. } if kafka::lacks_right(*code) => {
                Failure::new(ExitCode::Cluster, error.to_string()).hint(rights(topic))
            }
            KafkaError::GroupIncomplete { group, .. } => {
                Failure::new(ExitCode::Cluster, error.to_string()).hint(format!(
                    "stop the other readers of \"{group}\", or give --group a name of its own; kafka-consumer-groups --describe \
                     --group {group} --members tells who has what"
                ))
            }
            KafkaError::Refused { .. } | KafkaError::PartitionUnavailable { .. } => {
                Failure::new(ExitCode::Cluster, error.to_string())
                    .hint(format!("loadgen topics describe shows the state of \"{topic}\""))
            }
        },
        RunError::TooLateToStart(_) => Failure::new(ExitCode::BadConfiguration, error.to_string())
            .hint("give --start-at some seconds more: connecting takes its time"),
        RunError::Source(_) | RunError::TooFewLanes { .. } => {
            Failure::new(ExitCode::BadConfiguration, error.to_string())
        }
        RunError::Interrupted => Failure::new(ExitCode::Interrupted, error.to_string()),
        RunError::Answers { .. } | RunError::TopicChanged { .. } => Failure::new(ExitCode::BadConfiguration, error.to_string()),
        RunError::Thread(_) | RunError::BrokenOff(_) => Failure::new(ExitCode::RunInvalid, error.to_string()),
    }
}

fn rights(topic: &str) -> String {
    format!("the client's principal needs the rights Describe, Write and Read on topic \"{topic}\" (kafka-acls --add)")
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
