//! The plan of a run: validated, plain data. The engine knows neither options nor scenario files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::choice::choices;
use super::client::{NOWHERE, is_stand_in};
use super::error::ConfigError;
use super::faults::faults_of;
use super::pace::Pace;
use super::source::SourceConfig;
use super::topics::check_topic_name;
use super::transactions::{TransactionPlan, transaction_plan};
use super::{Scenario, VerifyConfig};
use crate::cli::outcome::OutcomeOptions;
use crate::cli::run::RunOptions;
use crate::cli::values::{Export, MOST_PAYLOAD};
use crate::event::EventKind;
use crate::event::padding::Padding;
use crate::event::stamp::RunId;
use crate::gate::{Gates, Names};
use crate::kafka::properties::redacted;
use crate::schedule::Rate;
use crate::schedule::config::Kind;

choices! {
    /// How a lane waits for the next due time.
    pub enum Pacing {
        Sleep = "sleep": "sleep until the next event is due; up to about 1 ms late, little CPU",
        Spin = "spin": "spin for the last 100 us; a few us late, a whole core per lane",
    }
}

choices! {
    /// What happens to late events.
    pub enum OnLag {
        Queue = "queue": "send late events at once; their lateness shows as slip",
        Drop = "drop": "leave out events later than --max-slip, and count them as not attempted",
        Abort = "abort": "end the run when an event is later than --max-slip",
    }
}

choices! {
    /// Which time a replayed event's body carries.
    pub enum EventTime {
        Recorded = "recorded": "the recorded time",
        Shifted = "shifted": "the run's start plus the recorded distance from the first event, divided by the speed",
        Now = "now": "the due time",
    }
}

choices! {
    /// Which records of transactions the verifier reads.
    pub enum Isolation {
        ReadUncommitted = "read_uncommitted": "all records",
        ReadCommitted = "read_committed": "only records outside of transactions and of committed ones",
    }
}

choices! {
    /// How a consumer group is coordinated.
    pub enum GroupProtocol {
        Classic = "classic": "the members agree, the first one divides the partitions",
        Consumer = "consumer": "the cluster divides the partitions (KIP-848, Kafka 4.0 and newer)",
    }
}

choices! {
    /// Who commits what a group has read.
    pub enum Commit {
        Auto = "auto": "the client, by itself",
        Manual = "manual": "loadgen, and once more before partitions are given up",
    }
}

choices! {
    /// The form of the result on stdout.
    pub enum Output {
        Text = "text": "for people",
        Json = "json": "the report as JSON",
    }
}

/// Which part of a run a process carries: part `number` of `of`, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Its number, from 1.
    pub number: u8,
    /// How many there are.
    pub of: u8,
}

/// What the processes of one run agree on, and which of them this one is. Not in the scenario, which all of them share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Together {
    /// The run's id; `None` for a random one.
    pub run_id: Option<RunId>,
    /// The part of this process.
    pub shard: Shard,
    /// When the schedule starts; `None`: as soon as all stands ready.
    pub start_at: Option<jiff::Timestamp>,
}

impl Together {
    /// A run of one process.
    pub const ALONE: Self = Self { run_id: None, shard: Shard { number: 1, of: 1 }, start_at: None };

    /// As options and variables say; else a run of one process.
    #[must_use]
    pub fn of(given: &RunOptions) -> Self {
        let limits = &given.limits;
        let shard = limits.shard.unwrap_or(Self::ALONE.shard);
        Self { run_id: limits.run_id, shard, start_at: limits.start_at }
    }

    fn check(self, lanes: u8, is_embedded: bool) -> Result<Self, ConfigError> {
        let Shard { of, .. } = self.shard;
        if of > 1 && self.run_id.is_none() {
            return Err(plan_error("a part of a run needs the run's id", "give every part the same --run-id"));
        }
        if of > 1 && is_embedded {
            let hint = "name the cluster that all parts share with --bootstrap-server";
            return Err(plan_error("parts of a run have no embedded broker in common", hint));
        }
        if lanes.checked_mul(of).is_none() {
            let reason = format!("{of} parts of {lanes} lanes have more lanes than the 255 that a run can have");
            return Err(plan_error(&reason, &format!("use at most {} lanes in each part", u8::MAX / of.max(1))));
        }
        Ok(self)
    }
}

/// All that a run needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Its name, part of its folder's name.
    pub name: String,
    /// Where the drawing of events starts.
    pub seed: u64,
    /// Producer threads of this process, at least 1.
    pub lanes: u8,
    /// Which part of the run this process carries.
    pub together: Together,
    /// How they wait.
    pub pacing: Pacing,
    /// Where events come from.
    pub source: SourceConfig,
    /// When they are due.
    pub pace: Pace,
    /// The most events that are sent.
    pub limit: Option<u64>,
    /// The longest time during which they come due.
    pub duration: Option<Duration>,
    /// A ceiling on what is sent.
    pub max_rate: Option<Rate>,
    /// What happens to late events.
    pub on_lag: OnLag,
    /// What counts as too late for [`OnLag::Drop`] and [`OnLag::Abort`].
    pub max_slip: Duration,
    /// The body's time of replayed events; synthetic ones carry their due time.
    pub event_time: EventTime,
    /// The cluster.
    pub kafka: KafkaPlan,
    /// How events are sent in transactions; `None`: without.
    pub transactions: Option<TransactionPlan>,
    /// How events are read back; `None`: not at all.
    pub verify: Option<VerifyPlan>,
    /// The longest wait for outstanding answers at the end.
    pub flush_deadline: Duration,
    /// What is broken meanwhile.
    pub faults: Vec<crate::schedule::Fault>,
    /// From how long on a partition that does not answer, or is not read, stalls.
    pub stall_threshold: Duration,
    /// How bodies are padded.
    pub padding: Option<Padding>,
    /// Rules to keep.
    pub gates: Gates,
    /// How it is shown, and where its results go.
    pub presentation: Presentation,
}

/// What is seen of a run while it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveView {
    /// Nothing.
    Nothing,
    /// A bar, or a line now and then where there is no terminal.
    Line,
    /// The whole terminal, where there is one.
    Screen,
}

/// How a run is shown, and where its results go: not part of what is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presentation {
    /// Where the run's folder is made.
    pub results_dir: PathBuf,
    /// Further forms of the report, and the files for them.
    pub exports: Vec<Export>,
    /// The form of the result on stdout.
    pub output: Output,
    /// Whether progress and summary are left out.
    pub quiet: bool,
    /// What is seen of it while it goes on.
    pub view: LiveView,
    /// How much of the timeline the report keeps second by second.
    pub timeline_detail: Duration,
    /// Only tell what would be sent.
    pub dry_run: bool,
    /// Whether the scenario's fault commands may be run.
    pub allow_fault_commands: bool,
    /// Where metrics are served; `None`: nowhere.
    pub metrics_addr: Option<String>,
    /// Where a snapshot a second is published; `None`: nowhere.
    pub metrics_topic: Option<String>,
    /// How long the last metrics wait to be read after the end.
    pub metrics_linger: Duration,
}

impl Presentation {
    /// As options and variables say, else the defaults.
    #[must_use]
    pub fn of(given: &RunOptions) -> Self {
        let presentation = Self::of_outcome(&given.outcome);
        let view = match presentation.view {
            LiveView::Line if given.limits.tui == Some(true) => LiveView::Screen,
            other => other,
        };
        let allow_fault_commands = given.limits.allow_fault_commands.unwrap_or(false);
        Self { view, dry_run: given.limits.dry_run.unwrap_or(false), allow_fault_commands, ..presentation }
    }

    /// The same where nothing is sent.
    #[must_use]
    pub fn of_outcome(outcome: &OutcomeOptions) -> Self {
        Self {
            results_dir: outcome.results_dir.clone().unwrap_or_else(|| PathBuf::from("results")),
            exports: outcome.export.clone(),
            output: outcome.output.unwrap_or(Output::Text),
            quiet: outcome.quiet.unwrap_or(false),
            view: if outcome.no_progress == Some(true) { LiveView::Nothing } else { LiveView::Line },
            timeline_detail: outcome.timeline_detail.unwrap_or(Duration::from_secs(3_600)),
            dry_run: false,
            allow_fault_commands: false,
            metrics_addr: outcome.watching.metrics_addr.clone(),
            metrics_topic: outcome.watching.metrics_topic.clone(),
            metrics_linger: outcome.watching.metrics_linger.unwrap_or_default(),
        }
    }
}

impl Plan {
    /// Checks a scenario without open settings and makes it a plan.
    ///
    /// # Errors
    /// Settings that cannot be run.
    pub fn new(scenario: &Scenario, together: Together, presentation: Presentation) -> Result<Self, ConfigError> {
        let name = scenario.name.clone().ok_or_else(|| open("name"))?;
        check_name(&name)?;
        let duration = scenario.duration.filter(|duration| !duration.is_zero());
        if scenario.duration != duration {
            return Err(plan_error("a run of no time sends nothing", "give a duration above 0s"));
        }
        let kafka = &scenario.kafka;
        let topic = kafka.topic.clone().ok_or_else(|| open("kafka.topic"))?;
        check_topic_name(&topic)?;
        for topic in kafka.topic_map.values() {
            check_topic_name(topic)?;
        }
        let pace = Pace::new(scenario)?;
        let verify = &scenario.verify;
        let verify = VerifyPlan {
            group: group_plan(verify)?,
            isolation: verify.isolation.ok_or_else(|| open("verify.isolation"))?,
            drain_deadline: verify.drain_deadline.ok_or_else(|| open("verify.drain_deadline"))?,
        };
        let topics: BTreeSet<&String> = kafka.topic_map.values().chain([&topic]).collect();
        let gates = gates(scenario, &pace, topics.into_iter().cloned().collect())?;
        let seed = scenario.seed.ok_or_else(|| open("seed"))?;
        let lanes = scenario.lanes.ok_or_else(|| open("lanes"))?;
        let nowhere = kafka.bootstrap_server.as_deref() == Some(NOWHERE);
        let bootstrap = kafka.bootstrap_server.clone().filter(|servers| !is_stand_in(servers));
        let together = together.check(lanes, bootstrap.is_none())?;
        let transactions = transaction_plan(scenario, bootstrap.is_none())?;
        let source = source(scenario, seed, lanes * together.shard.of)?;
        Ok(Self {
            name,
            pace,
            gates,
            seed,
            lanes,
            together,
            pacing: scenario.pacing.ok_or_else(|| open("pacing"))?,
            source,
            limit: scenario.num_records,
            duration,
            max_rate: scenario.max_rate,
            on_lag: scenario.on_lag.ok_or_else(|| open("on_lag"))?,
            max_slip: scenario.max_slip.ok_or_else(|| open("max_slip"))?,
            event_time: scenario.event_time.ok_or_else(|| open("event_time"))?,
            kafka: KafkaPlan {
                bootstrap,
                nowhere,
                topic,
                topic_map: kafka.topic_map.clone(),
                create_topics: kafka.create_topics.ok_or_else(|| open("kafka.create_topics"))?,
                partitions: at_least_one("kafka.partitions", kafka.partitions)?,
                replication_factor: at_least_one("kafka.replication_factor", kafka.replication_factor)?,
                client: kafka.client.0.clone(),
                connect_timeout: kafka.connect_timeout.ok_or_else(|| open("kafka.connect_timeout"))?,
                lag_group: kafka.lag_group.clone(),
            },
            verify: scenario.verify.enabled.ok_or_else(|| open("verify.enabled"))?.then_some(verify),
            transactions,
            faults: if together.shard.number == 1 {
                faults_of(&scenario.faults, presentation.allow_fault_commands || presentation.dry_run)?
            } else {
                // The first of several processes breaks what is to be broken, once.
                Vec::new()
            },
            stall_threshold: scenario.stall_threshold.ok_or_else(|| open("stall_threshold"))?,
            padding: padding(scenario, seed)?,
            flush_deadline: scenario.flush_deadline.ok_or_else(|| open("flush_deadline"))?,
            presentation,
        })
    }
}

fn padding(scenario: &Scenario, seed: u64) -> Result<Option<Padding>, ConfigError> {
    let compressibility = scenario.compressibility.unwrap_or(0.5);
    match (scenario.payload_bytes, scenario.compressibility) {
        (None, Some(_)) => {
            Err(plan_error("compressibility is that of padding, and there is none", "set payload_bytes too"))
        }
        (None, None) => Ok(None),
        (Some(bytes), _) => match u32::try_from(bytes) {
            Ok(size) if (1..=MOST_PAYLOAD).contains(&bytes) && (0.0..=1.0).contains(&compressibility) => {
                Ok(Some(Padding { bytes: size, compressibility, seed }))
            }
            _ => Err(plan_error("payload_bytes or compressibility is out of range", "1 byte to 16 MiB, and 0 to 1")),
        },
    }
}

/// The source with what it takes from the run.
fn source(scenario: &Scenario, seed: u64, lanes: u8) -> Result<SourceConfig, ConfigError> {
    if lanes == 0 {
        return Err(plan_error("0 lanes send nothing", "lanes are 1 to 255"));
    }
    let mut source = scenario.source.clone();
    match &mut source {
        SourceConfig::Synthetic(config) => config
            .check()
            .and_then(|()| config.check_lanes(lanes))
            .map_err(|error| ConfigError::Plan { reason: error.to_string(), hint: None })?,
        SourceConfig::RetailRocket(config) => config.seed = seed,
    }
    Ok(source)
}

/// The gates with their paths resolved, so that none is found wrong after the run.
fn gates(scenario: &Scenario, pace: &Pace, topics: Vec<String>) -> Result<Gates, ConfigError> {
    let phases = match pace {
        Pace::Phases(phases) => phases.iter().map(|phase| phase.name.clone()).collect(),
        Pace::Fit(_) | Pace::Speed(_) | Pace::Rate(_) | Pace::Unlimited => vec![Kind::Replay.to_string()],
    };
    let names = Names { phases, topics };
    Gates::new(&scenario.gates, &scenario.gates_off, &names)
        .map_err(|error| ConfigError::Plan { reason: error.to_string(), hint: None })
}

/// A setting that resolving should have closed.
pub(super) fn open(setting: &str) -> ConfigError {
    plan_error(&format!("{setting} is open"), "resolve the scenario first")
}

fn at_least_one(setting: &str, value: Option<i32>) -> Result<i32, ConfigError> {
    let value = value.ok_or_else(|| open(setting))?;
    if value < 1 { Err(plan_error(&format!("{setting} = {value} is too small"), "at least 1")) } else { Ok(value) }
}

/// A name becomes part of a folder's name.
pub(super) fn check_name(name: &str) -> Result<(), ConfigError> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !name.is_empty() && name.len() <= 100 && name.chars().all(fits) && !name.starts_with('.') {
        return Ok(());
    }
    Err(plan_error(
        &format!("\"{name}\" cannot be part of a folder's name"),
        "name a run with at most 100 letters, digits, - and _",
    ))
}

pub(super) fn plan_error(reason: &str, hint: &str) -> ConfigError {
    ConfigError::Plan { reason: reason.to_owned(), hint: Some(hint.to_owned()) }
}

/// The cluster of a run.
#[derive(Clone, PartialEq, Eq)]
pub struct KafkaPlan {
    /// Brokers to start from; `None`: the embedded broker.
    pub bootstrap: Option<String>,
    /// Whether there is no broker at all, and each event is confirmed at once.
    pub nowhere: bool,
    /// Topic of the events.
    pub topic: String,
    /// Types of events that go into other topics.
    pub topic_map: BTreeMap<EventKind, String>,
    /// Whether a missing topic is created.
    pub create_topics: bool,
    /// Partitions of a created topic.
    pub partitions: i32,
    /// Copies of each partition of a created topic.
    pub replication_factor: i32,
    /// Properties of the producer and of the consumer, in librdkafka's names, without `bootstrap.servers`.
    pub client: BTreeMap<String, String>,
    /// The longest wait for the first answer.
    pub connect_timeout: Duration,
    /// A consumer group whose lag is shown; never joined.
    pub lag_group: Option<String>,
}

impl KafkaPlan {
    /// The client's properties for reports and dumps: without secrets.
    #[must_use]
    pub fn redacted_client(&self) -> BTreeMap<String, String> {
        redacted(&self.client)
    }
}

/// Without secrets.
impl fmt::Debug for KafkaPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            bootstrap,
            nowhere,
            topic,
            topic_map,
            create_topics,
            partitions,
            replication_factor,
            client,
            connect_timeout,
            lag_group,
        } = self;
        f.debug_struct("KafkaPlan")
            .field("bootstrap", bootstrap)
            .field("nowhere", nowhere)
            .field("topic", topic)
            .field("topic_map", topic_map)
            .field("create_topics", create_topics)
            .field("partitions", partitions)
            .field("replication_factor", replication_factor)
            .field("client", &redacted(client))
            .field("connect_timeout", connect_timeout)
            .field("lag_group", lag_group)
            .finish()
    }
}

/// How events are read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyPlan {
    /// The consumer group to join; `None`: read by assignment.
    pub group: Option<GroupPlan>,
    /// Which records are read.
    pub isolation: Isolation,
    /// The longest wait for the last events.
    pub drain_deadline: Duration,
}

/// A consumer group that reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupPlan {
    /// Its name.
    pub name: String,
    /// Members.
    pub consumers: u8,
    /// How it is coordinated.
    pub protocol: GroupProtocol,
    /// Who divides the partitions; `None` for the client's or the cluster's default.
    pub assignor: Option<String>,
    /// Who commits.
    pub commit: Commit,
    /// How often.
    pub commit_interval: Duration,
    /// How often a member joins or leaves, in turns.
    pub chaos_rebalance: Option<Duration>,
}

/// The group of a scenario without open settings.
pub(super) fn group_plan(verify: &VerifyConfig) -> Result<Option<GroupPlan>, ConfigError> {
    let Some(name) = verify.group.clone() else {
        let given = [
            ("consumers", verify.consumers.is_some()),
            ("assignor", verify.assignor.is_some()),
            ("chaos_rebalance", verify.chaos_rebalance.is_some()),
        ];
        return match given.into_iter().find(|(_, given)| *given) {
            Some((what, _)) => Err(ConfigError::Plan {
                reason: format!("{what} is for a group that reads, and none is named"),
                hint: Some("--group NAME reads as a group; without it partitions are assigned".to_owned()),
            }),
            None => Ok(None),
        };
    };
    if name.is_empty() {
        return Err(plan_error("a consumer group needs a name", "for example --group my-test"));
    }
    Ok(Some(GroupPlan {
        name,
        consumers: verify.consumers.unwrap_or(1),
        protocol: verify.group_protocol.unwrap_or(GroupProtocol::Classic),
        assignor: verify.assignor.clone(),
        commit: verify.commit.unwrap_or(Commit::Auto),
        commit_interval: verify.commit_interval.unwrap_or(Duration::from_secs(5)),
        chaos_rebalance: verify.chaos_rebalance,
    }))
}
