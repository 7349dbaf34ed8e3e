//! What `loadgen verify --recording` is to do.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::environment::Environment;
use super::error::{ConfigError, plan_error};
use super::topics::{ClusterPlan, check_topic_name, cluster};
use crate::cli::verify::{ReadingOptions, VerifyArgs, VerifyOptions};
use crate::settings::cluster::ClusterOptions;
use crate::settings::layer::Layer as _;
use crate::settings::outcome::{OutcomeOptions, Output};
use crate::settings::recording::Placing;
use crate::settings::values::TopicMap;
use crate::settings::verification::Isolation;

/// Topics to be compared with recordings.
#[derive(Clone, Debug, PartialEq)]
pub struct AgainstPlan {
    /// Where.
    pub cluster: ClusterPlan,
    /// The recordings: files and patterns.
    pub recordings: Vec<PathBuf>,
    /// Into which topic all were played.
    topic: Option<String>,
    /// Into which topic another one was played.
    topic_map: BTreeMap<String, String>,
    /// Whether records went into the partition that they were recorded from.
    pub keeps_partitions: bool,
    /// Whether only records of committed transactions are read.
    pub read_committed: bool,
    /// The form of the result.
    pub output: Output,
    /// Whether it is shown how it goes.
    pub shown: bool,
}

impl AgainstPlan {
    /// The topic that a recorded one was played into.
    #[must_use]
    pub fn topic_of<'a>(&'a self, recorded: &'a str) -> &'a str {
        let mapped = self.topic_map.get(recorded).or(self.topic.as_ref());
        mapped.map_or(recorded, String::as_str)
    }
}

/// Resolves `loadgen verify --recording`.
///
/// # Errors
/// Settings that cannot be used, and options that say nothing of such a comparison.
pub fn against(args: VerifyArgs, environment: &Environment) -> Result<AgainstPlan, ConfigError> {
    let VerifyArgs { producer_report, recording, topic_map, partition, options } = args;
    let mut others = options.clone();
    let VerifyOptions { reading, cluster: _, outcome, .. } = &mut others;
    (reading.topic, reading.isolation) = (None, None);
    (outcome.output, outcome.quiet, outcome.no_progress) = (None, None, None);
    others.cluster = ClusterOptions::default();
    let other = producer_report.map(|_| "producer_report").or_else(|| others.first_set());
    if let Some(other) = other {
        let reason = format!("--{} says nothing of a comparison with a recording", other.replace('_', "-"));
        return Err(plan_error(&reason, "leave it out"));
    }
    let cluster_options = options.cluster.clone();
    let VerifyOptions { reading, outcome, .. } = environment.complete(options)?;
    let ReadingOptions { topic, isolation, .. } = reading;
    let topic_map = TopicMap::table(&topic_map);
    topic.iter().chain(topic_map.values()).try_for_each(|topic| check_topic_name(topic))?;
    let OutcomeOptions { output, quiet, no_progress, .. } = outcome;
    Ok(AgainstPlan {
        cluster: cluster(cluster_options, environment)?,
        recordings: recording,
        topic,
        topic_map,
        keeps_partitions: partition != Some(Placing::Key),
        read_committed: isolation == Some(Isolation::ReadCommitted),
        output: output.unwrap_or(Output::Text),
        shown: !quiet.unwrap_or(false) && !no_progress.unwrap_or(false),
    })
}
