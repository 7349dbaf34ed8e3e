//! `topics`: what is there, and making what is missing. Nothing is ever deleted, shrunk or reconfigured.

mod apply;
mod describe;

use super::{Done, Failure, cluster};
use crate::cli::topics::{TopicsAction, TopicsArgs};
use crate::kafka::KafkaError;
use crate::kafka::admin::Cluster;
use crate::scenario::Environment;
use crate::scenario::topics::{self, ClusterPlan};

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
    Cluster::new(&plan.bootstrap, &plan.client, plan.connect_timeout).map_err(|error| failed(&error, plan))
}

fn failed(error: &KafkaError, plan: &ClusterPlan) -> Failure {
    cluster::failed(error, cluster::Purpose { said_by: &plan.bootstrap_said_by, ..cluster::Purpose::default() })
}

/// `1 partition`, `3 partitions`.
fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
