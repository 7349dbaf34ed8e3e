//! The plan of a run: validated, plain data. The engine knows neither options nor scenario files.

mod choices;
mod kafka;
mod presentation;
mod together;
mod verify;

use std::collections::BTreeSet;
use std::time::Duration;

use super::Scenario;
use super::client::{NOWHERE, is_stand_in};
use super::error::ConfigError;
use super::faults::faults_of;
use super::pace::Pace;
use super::source::SourceConfig;
use super::topics::check_topic_name;
use super::transactions::{TransactionPlan, transaction_plan};
use crate::cli::values::MOST_PAYLOAD;
use crate::event::padding::Padding;
use crate::event::stamp::LANES;
use crate::gate::{Gates, Names};
use crate::schedule::Rate;
use crate::schedule::config::Kind;
pub use choices::{Commit, EventTime, GroupProtocol, Isolation, OnLag, Output, Pacing};
pub use kafka::KafkaPlan;
pub use presentation::{LiveView, Presentation};
pub use together::{Shard, Together};
pub(super) use verify::group_plan;
pub use verify::{GroupPlan, VerifyPlan};

/// All that a run needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Its name, part of its folder's name.
    pub name: String,
    /// Where the drawing of events starts.
    pub seed: u64,
    /// Producer threads of this process, at least 1.
    pub lanes: u16,
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
        if bootstrap.is_none() && verify.group.as_ref().is_some_and(|group| group.chaos_rebalance.is_some()) {
            return Err(ConfigError::Plan {
                reason: "--chaos-rebalance does not apply: the embedded broker's groups never come out of a rebalance"
                    .to_owned(),
                hint: Some("name a cluster with --bootstrap-server".to_owned()),
            });
        }
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
                bootstrap_said_by: String::new(),
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
fn source(scenario: &Scenario, seed: u64, lanes: u16) -> Result<SourceConfig, ConfigError> {
    if lanes == 0 {
        return Err(plan_error("0 lanes send nothing", &format!("lanes are 1 to {LANES}")));
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
