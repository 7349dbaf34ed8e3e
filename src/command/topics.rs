//! `topics`: what is there, and making what is missing. Nothing is ever deleted, shrunk or reconfigured.

mod apply;
mod describe;

use super::{Done, Failure};
use crate::cli::topics::{TopicsAction, TopicsArgs};
use crate::kafka::KafkaError;
use crate::kafka::admin::Cluster;
use crate::scenario::Environment;
use crate::scenario::topics::{self, ClusterPlan};
use crate::verdict::ExitCode;

pub(super) fn topics(args: TopicsArgs, environment: &Environment) -> Result<Done, Failure> {
    match args.action {
        TopicsAction::Apply(args) => match topics::apply(args, environment)? {
            plan if plan.cluster.dump.is_some() => Ok(Done::told(plan.cluster.dump.unwrap_or_default())),
            plan => apply::apply(&plan),
        },
        TopicsAction::Describe(args) => match topics::describe(args, environment)? {
            plan if plan.cluster.dump.is_some() => Ok(Done::told(plan.cluster.dump.unwrap_or_default())),
            plan => describe::describe(&plan),
        },
    }
}

fn connect(plan: &ClusterPlan) -> Result<Cluster, Failure> {
    for warning in &plan.warnings {
        tracing::warn!("{warning}");
    }
    Cluster::new(&plan.bootstrap, &plan.client, plan.connect_timeout).map_err(|error| failed(&error))
}

pub(super) fn failed(error: &KafkaError) -> Failure {
    match error {
        KafkaError::Setting { .. } | KafkaError::Create(_) | KafkaError::Nul(_) => {
            Failure::new(ExitCode::BadConfiguration, error.to_string())
        }
        KafkaError::Unreachable { .. } => Failure::new(ExitCode::Cluster, error.to_string())
            .hint("is the broker running, and is --bootstrap-server its address?"),
        KafkaError::TopicMissing { .. }
        | KafkaError::Refused { .. }
        | KafkaError::PartitionUnavailable { .. }
        | KafkaError::GroupIncomplete { .. } => Failure::new(ExitCode::Cluster, error.to_string()),
    }
}

/// `1 partition`, `3 partitions`.
fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
