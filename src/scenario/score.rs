//! What `loadgen score` is to do.

use std::path::PathBuf;
use std::time::Duration;

use super::environment::Environment;
use super::error::{ConfigError, plan_error};
use super::topics::{ClusterPlan, check_topic_name, cluster};
use crate::cli::score::ScoreArgs;

/// Events to be scored.
#[derive(Clone, Debug, PartialEq)]
pub struct ScorePlan {
    /// Where.
    pub cluster: ClusterPlan,
    /// The topic of the events.
    pub topic: String,
    /// The topic of the scores.
    pub scores: String,
    /// The group that reads.
    pub group: String,
    /// The name of the producer; `None`: one that no other has.
    pub transactional_id: Option<String>,
    /// The model; `None`: the one that ships with the program.
    pub model: Option<PathBuf>,
    /// Whether scores have their features with them.
    pub with_features: bool,
    /// When it ends for want of events.
    pub until_idle: Option<Duration>,
    /// Where its metrics are served.
    pub metrics: Option<String>,
}

/// Resolves `loadgen score`.
///
/// # Errors
/// Settings that cannot be used.
pub fn score(args: ScoreArgs, environment: &Environment) -> Result<ScorePlan, ConfigError> {
    let cluster_options = args.options.cluster.clone();
    let options = environment.complete(args.options)?;
    let topic = options.topic.unwrap_or_else(|| "raw-events".to_owned());
    let scores = options.to.unwrap_or_else(|| "fraud-scores".to_owned());
    [&topic, &scores].into_iter().try_for_each(|topic| check_topic_name(topic))?;
    if topic == scores {
        let reason = format!("\"{topic}\" is the topic of both events and scores");
        return Err(plan_error(&reason, "--to TOPIC names another one for the scores"));
    }
    let group = options.group.filter(|group| !group.is_empty()).unwrap_or_else(|| "fraud-scorer".to_owned());
    let plan = cluster(cluster_options, environment)?;
    Ok(ScorePlan {
        cluster: plan,
        topic,
        scores,
        group,
        transactional_id: options.transactional_id,
        model: options.model,
        with_features: options.features.unwrap_or(false),
        until_idle: options.until_idle,
        metrics: options.metrics_addr,
    })
}
