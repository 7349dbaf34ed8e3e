//! What `loadgen record` is to do.

use std::path::PathBuf;

use super::environment::Environment;
use super::error::{ConfigError, plan_error};
use super::topics::{ClusterPlan, check_topic_name, cluster};
use crate::capture::recorder::{Start, Until, Wanted};
use crate::cli::record::RecordArgs;
use crate::settings::anonymise::AnonymiseOptions;
use crate::settings::outcome::Output;
use crate::settings::verification::Isolation;

/// A recording to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordPlan {
    /// Where.
    pub cluster: ClusterPlan,
    /// What.
    pub wanted: Wanted,
    /// Into which file.
    pub out: PathBuf,
    /// Whether that is replaced where it is there.
    pub force: bool,
    /// Whether records are kept as they are.
    pub raw: bool,
    /// What is replaced in them.
    pub anonymise: AnonymiseOptions,
    /// The form of the result.
    pub output: Output,
    /// Whether it is shown how it goes.
    pub shown: bool,
}

/// Resolves `loadgen record`.
///
/// # Errors
/// Settings that cannot be used.
pub fn record(args: RecordArgs, environment: &Environment) -> Result<RecordPlan, ConfigError> {
    let cluster_options = args.options.cluster.clone();
    let options = environment.complete(args.options)?;
    let topics = options.topic.ok_or_else(|| plan_error("no topic is named", "-t TOPIC names one, -t A,B several"))?;
    let topics: Vec<String> = topics.split(',').map(|topic| topic.trim().to_owned()).collect();
    topics.iter().try_for_each(|topic| check_topic_name(topic))?;
    if let Some(twice) = topics.iter().enumerate().find_map(|(at, topic)| topics[..at].contains(topic).then_some(topic))
    {
        return Err(plan_error(&format!("topic \"{twice}\" is there twice"), "name each topic once"));
    }
    let out = options.out.ok_or_else(|| plan_error("no file is named", "-o FILE.avro names the one to write"))?;
    Ok(RecordPlan {
        cluster: cluster(cluster_options, environment)?,
        wanted: Wanted {
            topics,
            from: options.from.unwrap_or(Start::Earliest),
            until: options.until.unwrap_or(Until::Asked),
            most: options.num_records,
            read_committed: options.isolation == Some(Isolation::ReadCommitted),
        },
        out,
        force: options.force.unwrap_or(false),
        raw: options.raw.unwrap_or(false),
        anonymise: options.anonymise,
        output: options.output.unwrap_or(Output::Text),
        shown: !options.no_progress.unwrap_or(false),
    })
}
