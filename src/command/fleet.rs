//! `fleet`: the files that start the shards of a run, how they are, and what they handed in.

mod render;
mod watch;

use std::path::PathBuf;
use std::time::Duration;

use super::{Done, Failure, cluster};
use crate::cli::fleet::{FleetAction, FleetArgs};
use crate::event::stamp::RunId;
use crate::fleet::FleetError;
use crate::fleet::channel::Topic;
use crate::fleet::gather::Listener;
use crate::fleet::roll::Roll;
use crate::report::fleet::ShardReport;
use crate::scenario::{Environment, topics};
use crate::settings::cluster::ClusterOptions;
use crate::settings::fleet::USUAL_TOPIC;
use crate::verdict::ExitCode;

pub(super) fn fleet(args: FleetArgs, environment: &Environment) -> Result<Done, Failure> {
    match args.action {
        FleetAction::Render(args) => render::render(*args, environment),
        FleetAction::Watch(args) => watch::watch(*args, environment),
    }
}

/// The fleet's topic, for somebody who is none of its shards.
pub(super) fn topic(
    name: Option<String>,
    options: ClusterOptions,
    environment: &Environment,
) -> Result<Topic, Failure> {
    let plan = topics::cluster(options, environment)?;
    for warning in &plan.warnings {
        tracing::warn!("{warning}");
    }
    Ok(Topic {
        name: name.unwrap_or_else(|| USUAL_TOPIC.to_owned()),
        bootstrap: plan.bootstrap,
        client: plan.client,
        timeout: plan.connect_timeout,
        create: None,
    })
}

/// The bundles of a run.
pub(super) struct Gathered {
    pub(super) folders: Vec<PathBuf>,
    /// Shards that left none.
    pub(super) without: Vec<ShardReport>,
    /// Why those did not begin that said so.
    pub(super) whys: Vec<String>,
    /// Where they lie, if not where somebody named them.
    _unpacked: Option<tempfile::TempDir>,
}

impl Gathered {
    /// Those that somebody named.
    pub(super) const fn of(folders: Vec<PathBuf>) -> Self {
        Self { folders, without: Vec::new(), whys: Vec::new(), _unpacked: None }
    }
}

/// Waits for the bundles of a run in its fleet's topic.
pub(super) fn gathered(topic: Topic, run: RunId, deadline: Duration) -> Result<Gathered, Failure> {
    gathered_until(topic, run, deadline, &|| false)
}

/// The same, for as long as it is not given up.
pub(super) fn gathered_until(
    topic: Topic,
    run: RunId,
    deadline: Duration,
    given_up: &dyn Fn() -> bool,
) -> Result<Gathered, Failure> {
    let name = topic.name.clone();
    let told = |error: FleetError| failed(&error, &name);
    let unpacked = tempfile::tempdir().map_err(|error| told(FleetError::Unpacked(error)))?;
    let mut listener = Listener::gathering(topic, &run.to_string(), unpacked.path()).map_err(told)?;
    let found = listener.gather(deadline, given_up).map_err(told)?;
    if let Some(number) = found.kept_it.first() {
        let reason = format!("shard {number} has ended, and its bundle is not in topic \"{name}\"");
        return Err(Failure::new(ExitCode::BadInput, reason)
            .hint("start the shards with --results topic, or merge the folders that they left behind"));
    }
    let roll = listener.roll().into_iter().flat_map(Roll::shards);
    let whys = roll.filter_map(|(number, shard)| {
        let end = shard.ended.filter(|end| !found.bundles.contains_key(&number) && !end.why.is_empty())?;
        Some(format!("shard {number}: {}", end.why))
    });
    let whys = whys.collect();
    let folders = found.bundles.into_values().collect();
    Ok(Gathered { folders, without: found.without, whys, _unpacked: Some(unpacked) })
}

/// Why a fleet's topic is of no use, and what to do.
pub(super) fn failed(error: &FleetError, topic: &str) -> Failure {
    let told = |code, hint: &str| Failure::new(code, error.to_string()).hint(hint);
    match error {
        FleetError::Kafka(kafka) => cluster::failed(
            kafka,
            cluster::Purpose { topics: topic, rights: "Describe, Write and Read", ..cluster::Purpose::default() },
        ),
        FleetError::Seat { error, .. } if crate::kafka::lacks_right(error.code) => told(
            ExitCode::Cluster,
            &format!(
                "a shard needs Write and Describe on transactional ids that begin with \"{topic}/\" (a prefixed ACL)"
            ),
        ),
        FleetError::Mute { why, .. } if why.contains("TOPIC_AUTHORIZATION_FAILED") => {
            told(ExitCode::Cluster, &format!("a shard needs the rights Describe, Write and Read on topic \"{topic}\""))
        }
        FleetError::Mute { why, .. } if why.contains("MESSAGE_TOO_LARGE") => told(
            ExitCode::Cluster,
            "bundles come in records of 512 KiB at most: kafka-configs --alter ... --add-config max.message.bytes=1048588",
        ),
        FleetError::Seat { .. } | FleetError::Mute { .. } | FleetError::Thread(_) => {
            Failure::new(ExitCode::Cluster, error.to_string())
        }
        FleetError::Unfit { topic, setting, .. } => told(
            ExitCode::Cluster,
            &format!(
                "kafka-configs --alter --entity-type topics --entity-name {topic} --add-config {setting}=..., or name another topic, \
                 which --create-topics makes"
            ),
        ),
        FleetError::Fenced { .. } => told(
            ExitCode::RunInvalid,
            "a shard is one process: was it started twice, or are there two runs with one --run-id?",
        ),
        FleetError::Recalled { .. } => {
            told(ExitCode::RunInvalid, "a search has one caller: was it started twice with one --run-id?")
        }
        FleetError::Begun { .. } => {
            told(ExitCode::RunInvalid, "give each run, and each attempt at one, a --run-id of its own")
        }
        FleetError::Unlike { .. } => told(
            ExitCode::BadConfiguration,
            "start all shards with one scenario and one version of loadgen, and give each run its own --run-id",
        ),
        FleetError::Missing { .. } => told(ExitCode::RunInvalid, "--fleet-deadline gives them more time"),
        FleetError::Unheard { .. } => {
            told(ExitCode::BadInput, "is that the run's id, and the topic that its shards were started with?")
        }
        FleetError::Bundle(_) | FleetError::Unpacked(_) => Failure::new(ExitCode::NotWritten, error.to_string()),
        FleetError::Clock { .. } => told(
            ExitCode::BadConfiguration,
            "set this machine's clock: within the hour is enough, the rest is measured",
        ),
        FleetError::Interrupted => Failure::new(ExitCode::Interrupted, error.to_string()),
    }
}
