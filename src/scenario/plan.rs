//! The plan of a run: validated, plain data. The engine knows neither options nor scenario files.

mod downstream;
mod group;
mod presentation;
mod sharding;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Scenario;
use super::client::{NOWHERE, is_stand_in};
use super::error::{ConfigError, plan_error};
use super::faults::faults_of;
use super::formats::FormatPlan;
use super::pace::Pace;
use super::schemas;
use super::source::SourceConfig;
use super::topics::check_topic_name;
use super::transactions::transactions;
use crate::alert::Alert;
use crate::event::catalogue::{Catalogue, CatalogueError};
use crate::event::padding::Padding;
use crate::event::stamp::{LANES, RunId};
use crate::expect::RunFacts;
use crate::gate::{Gates, Names};
use crate::registry::Access;
use crate::run::{self, Detail, KafkaConfig, Lanes};
use crate::schedule::config::Kind;
use crate::settings::formats::Framing;
use crate::settings::run::PaddingOptions;
use crate::settings::values::{ConstantHeader, MOST_PAYLOAD, Property, TopicMap};
use crate::settings::verification::Verification;
use crate::shop;
use crate::source::own::{Own, OwnError};
use crate::source::recorded::{Placing, Stamping};
use crate::source::synthetic::fraud::Truth;
use crate::source::{mirrored, recorded, web};
pub(super) use group::group;
pub use presentation::{LiveView, Presentation, USUAL_RESULTS};
pub use sharding::{Fleet, Sharding};
use std::sync::Arc;

/// All that a run needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What the engine is told. Where the processes of a run do not share an id, each run draws one of its own.
    pub run: run::Config,
    /// Which part of the run this process carries.
    pub sharding: Sharding,
    /// How events are written.
    pub formats: FormatPlan,
    /// Where events come from.
    pub source: SourceConfig,
    /// When they are due.
    pub pace: Pace,
    /// The most events that are sent.
    pub limit: Option<u64>,
    /// The longest time during which they come due.
    pub duration: Option<Duration>,
    /// Where the brokers were named, for a hint.
    pub bootstrap_said_by: String,
    /// Whether there is no broker at all, and each event is confirmed at once.
    pub nowhere: bool,
    /// Rules to keep.
    pub gates: Gates,
    /// Who is told of gates that are broken.
    pub alerts: Vec<Alert>,
    /// How it is shown, and where its results go.
    pub presentation: Presentation,
}

impl Plan {
    /// Puts the defaults in the place of what a scenario leaves open, checks it and makes it a plan.
    ///
    /// # Errors
    /// Settings that cannot be run.
    pub fn new(
        scenario: &mut Scenario,
        sharding: Sharding,
        presentation: Presentation,
        registry: Option<Access>,
    ) -> Result<Self, ConfigError> {
        let pace = Pace::new(scenario)?;
        let settings = &mut scenario.settings;
        let setup = settings.limits.setup.basics.settle();
        check_name(&setup.name)?;
        let duration = settings.limits.length.duration;
        if duration.is_some_and(|duration| duration.is_zero()) {
            return Err(plan_error("a run of no time sends nothing", "give a duration above 0s"));
        }
        let (cluster, topic) = (settings.target.cluster.settle(), settings.target.topic.settle());
        let topic_map = TopicMap::table(&topic.topic_map);
        let catalogue = catalogue(&scenario.source)?;
        check_types(&topic_map, &catalogue)?;
        let topics: BTreeSet<&String> = topic_map.values().chain([&topic.topic]).collect();
        topics.iter().try_for_each(|topic| check_topic_name(topic))?;
        check_truth(&scenario.source, &topics)?;
        let padding = padding(&settings.limits.setup.padding, setup.seed)?;
        let topic_of = |name: &str| topic_map.get(name).unwrap_or(&topic.topic).clone();
        let formats = &mut settings.target.coding.formats;
        let padded = padding.is_some();
        let mut formats = FormatPlan::new(formats, registry, topic.register, padded, &catalogue, &topic_of)?;
        let phases = &settings.pace.phase;
        let rollout = schemas::versions(&scenario.schemas, phases, &catalogue, &mut formats, setup.seed)?;
        check_apart(&scenario.source, &catalogue, &formats)?;
        let verifier = &mut settings.verifier;
        let verify = Verification {
            group: group(verifier.group.as_ref(), &verifier.membership, verifier.chaos_rebalance)?,
            back: verifier.back.settle(),
        };
        let catalogue = schemas::read_in_run(catalogue, &verify.back.reader_schema, &formats)?;
        let is_verified = *verifier.enabled.get_or_insert(true);
        let (lateness, patience) = (settings.limits.lateness.settle(), settings.limits.setup.patience.settle());
        let event_time = settings.recording.body.settle().event_time;
        let truth = truth(&scenario.source, setup.seed, setup.lanes.saturating_mul(sharding.shard.of));
        let known = RunFacts { catalogue: &catalogue, topic_of: &topic_of, usual: &topic.topic, truth: truth.as_ref() };
        let is_read = presentation.dry_run || !cluster.bootstrap_server.as_deref().is_none_or(is_stand_in);
        let downstream = downstream::of(scenario, known, &formats, is_read, sharding.shard.of == 1)?;
        let gates = gates(scenario, &pace, &catalogue, topics.iter().copied().cloned().collect())?;
        let nowhere = cluster.bootstrap_server.as_deref() == Some(NOWHERE);
        let bootstrap = cluster.bootstrap_server.filter(|servers| !is_stand_in(servers));
        check_chaos(bootstrap.is_none(), &verify)?;
        let sharding = sharding.check(setup.lanes, bootstrap.is_none())?;
        let verify = is_verified.then_some(verify);
        let client = Property::table(&cluster.client);
        let reads = verify.as_ref().map(|verify| verify.back.isolation);
        let transactions = transactions(&scenario.settings.target.transactions, &client, reads, bootstrap.is_none())?;
        // Part i of n has the i-th block of lanes.
        let (count, shard) = (setup.lanes, sharding.shard);
        let lanes = Lanes { first: count * (shard.number - 1), count, all: count * shard.of };
        let source = source(scenario, setup.seed, lanes.all)?;
        let run = run::Config {
            name: setup.name,
            id: sharding.run_id.unwrap_or(RunId(0)),
            seed: setup.seed,
            lanes,
            start_at_unix_ns: sharding.start_at.map(|at| u64::try_from(at.as_nanosecond()).unwrap_or_default()),
            pacing: setup.pacing,
            event_time,
            late: setup.late.clone().unwrap_or_default().seeded(setup.seed),
            lateness,
            kafka: KafkaConfig {
                bootstrap,
                topic_map,
                topic: topic.topic,
                headers: headers(&topic.headers, &catalogue)?,
                create_topics: topic.create_topics,
                partitions: at_least_one("kafka.partitions", topic.partitions)?,
                replication_factor: at_least_one("kafka.replication_factor", topic.replication_factor)?,
                client,
                connect_timeout: cluster.connect_timeout,
                lag_group: topic.lag_group,
            },
            catalogue,
            schemas: Vec::new(),
            rollout,
            verify,
            transactions,
            padding,
            patience,
            answers: None,
            detail: Detail { fine_s: presentation.timeline_detail.as_secs_f64(), ..Detail::default() },
            faults: if shard.number == 1 {
                faults_of(&scenario.faults, presentation.allow_fault_commands || presentation.dry_run)?
            } else {
                // The first of several processes breaks what is to be broken, once.
                Vec::new()
            },
            downstream,
        };
        Ok(Self {
            run,
            sharding,
            formats,
            source,
            pace,
            limit: scenario.settings.limits.length.num_records,
            duration,
            bootstrap_said_by: String::new(),
            nowhere,
            gates,
            alerts: Vec::new(),
            presentation,
        })
    }
}

/// Whether the truth about fraud can be written where it is to be.
fn check_truth(source: &SourceConfig, topics: &BTreeSet<&String>) -> Result<(), ConfigError> {
    let SourceConfig::Synthetic(config) = source else { return Ok(()) };
    let Some(topic) = config.fraud.as_ref().and_then(|fraud| fraud.topic.as_ref()) else { return Ok(()) };
    check_topic_name(topic)?;
    if topics.contains(topic) {
        let reason = format!("fraud.topic is \"{topic}\", where the events go: the truth would be read as one of them");
        return Err(plan_error(&reason, "give the truth a topic of its own"));
    }
    Ok(())
}

/// Whether the types that have topics of their own are there.
fn check_types(topic_map: &BTreeMap<String, String>, catalogue: &Catalogue) -> Result<(), ConfigError> {
    let unknown = topic_map.keys().find_map(|event_type| catalogue.find(event_type).err());
    unknown.map_or(Ok(()), |error| Err(plan_error(&error.to_string(), "name types that there are in topic_map")))
}

/// The headers of all records: none may be where an id is to stand.
fn headers(asked: &[ConstantHeader], catalogue: &Catalogue) -> Result<BTreeMap<String, String>, ConfigError> {
    let headers = ConstantHeader::table(asked);
    let taken = catalogue.types().filter_map(|(_, declared)| declared.id.header()).find(|id| headers.contains_key(*id));
    match taken {
        None => Ok(headers),
        Some(id) => Err(plan_error(
            &format!("the header \"{id}\" holds the ids of events, so it cannot have one value in all of them"),
            "give the constant header another name, or the id: id = { header = \"...\" }",
        )),
    }
}

fn padding(asked: &PaddingOptions, seed: u64) -> Result<Option<Padding>, ConfigError> {
    let compressibility = asked.compressibility.unwrap_or(0.5);
    match (asked.payload_bytes, asked.compressibility) {
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

/// The embedded broker's groups never come out of a rebalance.
fn check_chaos(is_embedded: bool, verify: &Verification) -> Result<(), ConfigError> {
    if is_embedded && verify.group.as_ref().is_some_and(|group| group.chaos_rebalance.is_some()) {
        return Err(plan_error(
            "--chaos-rebalance does not apply: the embedded broker's groups never come out of a rebalance",
            "name a cluster with --bootstrap-server",
        ));
    }
    Ok(())
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
        SourceConfig::Own(config) => {
            Own::new(config, seed).and_then(|own| own.check_lanes(lanes)).map_err(own_error)?;
        }
        SourceConfig::RetailRocket(config) => config.seed = seed,
        SourceConfig::Recorded(_) | SourceConfig::Mirrored(_) | SourceConfig::Web(_) => {}
    }
    Ok(source)
}

/// The truth about the fraud in a run of so many lanes.
pub(super) fn truth(source: &SourceConfig, seed: u64, lanes: u16) -> Option<Truth> {
    match source {
        SourceConfig::Synthetic(config) => config.fraud.as_ref().map(|fraud| Truth::new(fraud, seed, lanes)),
        SourceConfig::Own(_)
        | SourceConfig::RetailRocket(_)
        | SourceConfig::Recorded(_)
        | SourceConfig::Mirrored(_)
        | SourceConfig::Web(_) => None,
    }
}

/// The types of event that there are.
pub(super) fn catalogue(source: &SourceConfig) -> Result<Arc<Catalogue>, ConfigError> {
    let error = |error: CatalogueError| ConfigError::Plan { reason: error.to_string(), hint: None };
    if let Some(config) = source.declared() {
        let own = Own::new(config, 0).map_err(own_error)?;
        return Catalogue::new(own.event_types()).map(Arc::new).map_err(error);
    }
    match source {
        SourceConfig::Recorded(recorded::Config { topics, partition, stamp, .. })
        | SourceConfig::Mirrored(mirrored::Config { topics, partition, stamp, .. }) => {
            let by_key = *partition == Placing::Key;
            let member = match stamp {
                Stamping::Field(name) => Some(name.clone()),
                Stamping::Header | Stamping::None => None,
            };
            let opaque = Catalogue::opaque(topics.keys().cloned(), by_key).map_err(error)?;
            Ok(Arc::new(opaque.identified_by(member)))
        }
        SourceConfig::Web(config) => config.catalogue().map(Arc::new).map_err(|error| match error {
            web::ConfigError::Own(error) => own_error(error),
            error => ConfigError::Plan { reason: error.to_string(), hint: None },
        }),
        SourceConfig::Synthetic(_) | SourceConfig::Own(_) | SourceConfig::RetailRocket(_) => {
            shop::catalogue().map(Arc::new).map_err(error)
        }
    }
}

/// Whether a reader can tell types apart that say nothing of a schema.
fn check_apart(source: &SourceConfig, catalogue: &Arc<Catalogue>, formats: &FormatPlan) -> Result<(), ConfigError> {
    let Some(config) = source.declared() else { return Ok(()) };
    let has_frame = |kind| formats.types.iter().any(|one| one.kind == kind && one.framing != Framing::None);
    let own = Arc::new(Own::new(config, 0).map_err(own_error)?);
    own.check_apart(catalogue, |kind| !has_frame(kind)).map_err(own_error)
}

fn own_error(error: OwnError) -> ConfigError {
    ConfigError::Plan { reason: error.to_string(), hint: error.hint }
}

/// The gates with their paths resolved, so that none is found wrong after the run.
fn gates(scenario: &Scenario, pace: &Pace, catalogue: &Catalogue, topics: Vec<String>) -> Result<Gates, ConfigError> {
    let phases = match pace {
        Pace::Phases(phases) => phases.iter().map(|phase| phase.name.clone()).collect(),
        Pace::Fit(_) | Pace::Speed(_) | Pace::Rate(_) | Pace::Unlimited => vec![Kind::Replay.to_string()],
    };
    let expectations = scenario.expectations.iter().map(|expectation| expectation.name.clone()).collect();
    let names = Names { phases, topics, types: catalogue.names().map(str::to_owned).collect(), expectations };
    Gates::new(&scenario.gates, &scenario.settings.outcome.gate_off, &names)
        .map_err(|error| ConfigError::Plan { reason: error.to_string(), hint: None })
}

fn at_least_one(setting: &str, value: i32) -> Result<i32, ConfigError> {
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
