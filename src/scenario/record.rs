//! What `loadgen record` is to do.

use std::path::PathBuf;
use std::time::Duration;

use super::environment::Environment;
use super::error::{ConfigError, plan_error};
use super::topics::{ClusterPlan, check_topic_name, cluster};
use crate::capture::recorder::{RecordingPlan, Start, Until};
use crate::capture::rolling::Roll;
use crate::cli::record::{ReadingOptions, RecordArgs};
use crate::settings::anonymise::AnonymiseOptions;
use crate::settings::outcome::Output;
use crate::settings::verification::Isolation;

/// How long a file of a group is written to where nothing is said.
const ROLL: Duration = Duration::from_secs(3_600);

/// A recording to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordPlan {
    /// Where.
    pub cluster: ClusterPlan,
    /// What.
    pub wanted: RecordingPlan,
    /// Into which file, or with a group into which folder.
    pub out: PathBuf,
    /// The group that records for good.
    pub group: Option<GroupPlan>,
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

/// A group that records for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupPlan {
    /// Its name.
    pub name: String,
    /// When a file is ended.
    pub roll: Roll,
}

/// Resolves `loadgen record`.
///
/// # Errors
/// Settings that cannot be used.
pub fn record(args: RecordArgs, environment: &Environment) -> Result<RecordPlan, ConfigError> {
    let cluster_options = args.options.cluster.clone();
    let options = environment.complete(args.options)?;
    let reading = options.reading;
    let (raw, anonymise) = (reading.raw.unwrap_or(false), reading.anonymise.clone());
    let wanted = wanted(options.topic, options.num_records, &reading)?;
    let out = options.out.ok_or_else(|| plan_error("no file is named", "-o FILE.avro names the one to write"))?;
    let force = options.force.unwrap_or(false);
    let group = group(args.group, options.roll, wanted.until, force)?;
    Ok(RecordPlan {
        cluster: cluster(cluster_options, environment)?,
        wanted,
        out,
        group,
        force,
        raw,
        anonymise,
        output: options.output.unwrap_or(Output::Text),
        shown: !options.no_progress.unwrap_or(false),
    })
}

/// What is read of which topics, which have commas between them.
pub(super) fn wanted(
    topics: Option<String>,
    most: Option<u64>,
    reading: &ReadingOptions,
) -> Result<RecordingPlan, ConfigError> {
    let topics = topics.ok_or_else(|| plan_error("no topic is named", "-t TOPIC names one, -t A,B several"))?;
    let topics: Vec<String> = topics.split(',').map(|topic| topic.trim().to_owned()).collect();
    topics.iter().try_for_each(|topic| check_topic_name(topic))?;
    if let Some(twice) = topics.iter().enumerate().find_map(|(at, topic)| topics[..at].contains(topic).then_some(topic))
    {
        return Err(plan_error(&format!("topic \"{twice}\" is there twice"), "name each topic once"));
    }
    Ok(RecordingPlan {
        topics,
        from: reading.from.unwrap_or(Start::Earliest),
        until: reading.until.unwrap_or(Until::Interrupt),
        most,
        read_committed: reading.isolation == Some(Isolation::ReadCommitted),
    })
}

fn group(
    name: Option<String>,
    roll: Option<Roll>,
    until: Until,
    force: bool,
) -> Result<Option<GroupPlan>, ConfigError> {
    let refused = |what: &str, hint: &str| Err(plan_error(what, hint));
    match name {
        None if roll.is_some() => {
            refused("--roll is for the files of a group", "--group NAME records as a member of it")
        }
        None => Ok(None),
        Some(name) if name.is_empty() => refused("--group has no name", "--group storage, for one"),
        Some(_) if force => refused("--force has nothing to replace", "the files of a group are never written over"),
        Some(_) if matches!(until, Until::End | Until::At(_)) => refused(
            "a group does not end at an end of the logs or a time",
            "--until idle:30s ends when nothing came for so long",
        ),
        Some(name) => Ok(Some(GroupPlan { name, roll: roll.unwrap_or(Roll::After(ROLL)) })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_contradicts_a_group_is_refused() {
        let of = |name: Option<&str>, roll, until, force| group(name.map(ToOwned::to_owned), roll, until, force);
        let hour = Roll::After(ROLL);
        assert_eq!(of(None, None, Until::End, true).unwrap(), None);
        let plan = of(Some("g"), None, Until::Idle(Duration::from_secs(1)), false).unwrap();
        assert_eq!(plan, Some(GroupPlan { name: "g".to_owned(), roll: hour }));
        assert!(of(None, Some(hour), Until::Interrupt, false).is_err());
        assert!(of(Some(""), None, Until::Interrupt, false).is_err());
        assert!(of(Some("g"), None, Until::Interrupt, true).is_err());
        assert!(of(Some("g"), None, Until::End, false).is_err() && of(Some("g"), None, Until::At(0), false).is_err());
    }
}
