//! What `loadgen verify` is to do.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Scenario;
use super::alerts::alerts_of;
use super::environment::Environment;
use super::error::{ConfigError, plan_error};
use super::file::read_expectations;
use super::formats::FormatPlan;
use super::plan::{self, catalogue};
use super::plan::{Presentation, check_name, group};
use super::registry::access;
use super::schemas;
use super::source::SourceConfig;
use super::topics::{self, check_topic_name};
use crate::alert::Alert;
use crate::bundle::SCENARIO;
use crate::cli::verify::{Offset, VerifyArgs};
use crate::event::catalogue::Catalogue;
use crate::event::stamp::RunId;
use crate::expect::{ExpectConfig, Expectation, RunFacts};
use crate::gate::{GateConfig, Gates, Names};
use crate::run::Downstream;
use crate::settings::events::DeclaredOptions;
use crate::settings::membership::Group;
use crate::settings::verification::{Expect, Isolation};
use crate::source::synthetic::fraud::Truth;
use std::sync::Arc;

/// The topic that is read where none is named.
const USUAL_TOPIC: &str = "raw-events";

/// A reading to be made.
#[derive(Clone, PartialEq)]
pub struct VerifyPlan {
    /// Its name.
    pub name: String,
    /// Brokers to start from.
    pub bootstrap: String,
    /// Where they were named, for a hint.
    pub bootstrap_said_by: String,
    /// The client's properties, without `bootstrap.servers`.
    pub client: BTreeMap<String, String>,
    /// The longest wait for the first answer.
    pub connect_timeout: Duration,
    /// The topics that are read; with a producer's report, those that it names where none is named here.
    pub topics: Vec<String>,
    /// Whether they were named.
    pub topics_named: bool,
    /// Where it begins; `None`: at the start of the log, or with a producer's report where the run began.
    pub offset: Option<Offset>,
    /// The run whose events are judged.
    pub run_id: Option<RunId>,
    /// Where the shards of that run meet, and its clocks are measured.
    pub fleet_topic: Option<String>,
    /// The group that reads.
    pub group: Option<Group>,
    /// Which records of transactions are read; `None`: committed ones where it is joined with a transactional run, else all.
    pub isolation: Option<Isolation>,
    /// When it ends for want of records.
    pub until_idle: Option<Duration>,
    /// After how many records it ends.
    pub num_records: Option<u64>,
    /// The folder of the run that it is joined with.
    pub producer_report: Option<PathBuf>,
    /// Rules to keep.
    pub gates: Gates,
    /// Who is told of gates that are broken.
    pub alerts: Vec<Alert>,
    /// The rules as they were written.
    pub rules: Vec<String>,
    /// How it is shown, and where its results go.
    pub presentation: Presentation,
    /// What a person should know.
    pub warnings: Vec<String>,
    /// The properties with their origins, where only that is asked for (`-X dump`).
    pub dump: Option<String>,
    /// The types of event that there are.
    pub catalogue: Arc<Catalogue>,
    /// How their records are read that do not say so themselves, and the registry.
    pub formats: FormatPlan,
    /// The subjects that schemas may have; any, where there are none.
    pub subjects: Vec<String>,
    /// The truth about the fraud in the events, where their run is named.
    pub truth: Option<Truth>,
    /// What must have come out downstream, as it is declared.
    pub expectations: Vec<ExpectConfig>,
    /// The longest wait for it when the input has ended.
    pub expect_deadline: Duration,
}

impl VerifyPlan {
    /// What must have come out downstream of the topics that are read.
    ///
    /// # Errors
    /// What is wrong with the first wrong expectation.
    pub fn downstream(&self) -> Result<Downstream, ConfigError> {
        let usual = self.topics.first().map_or(USUAL_TOPIC, String::as_str);
        let truth = self.truth.as_ref();
        let known = RunFacts { catalogue: &self.catalogue, topic_of: &|_| usual.to_owned(), usual, truth };
        Ok(Downstream {
            expectations: Expectation::all(&self.expectations, known)?,
            deadline: self.expect_deadline,
            closes_windows: false,
            registry: self.formats.registry.clone(),
            is_left_to_others: false,
        })
    }
}

/// The source of the events that are read, as far as their types go: what is declared, here or by the producer's run, else the
/// shop.
pub(super) fn declared(options: DeclaredOptions, producer: Option<&Path>) -> Result<SourceConfig, ConfigError> {
    if let Some(mut config) = options.config() {
        config.load()?;
        return Ok(SourceConfig::Own(Box::new(config)));
    }
    // A run that still goes on, or one that is not there, is told of when it is joined.
    let scenario = producer.map(|run| run.join(SCENARIO)).filter(|scenario| scenario.is_file());
    Ok(scenario
        .map(|scenario| Scenario::load(&scenario))
        .transpose()?
        .map_or_else(SourceConfig::default, |run| run.source))
}

/// The truth about the fraud in a run: the producer's, or the one that an expectation names.
fn truth(producer: Option<&Path>, expectations: &[ExpectConfig]) -> Result<Option<Truth>, ConfigError> {
    let named: BTreeSet<&Path> =
        expectations.iter().filter_map(|config| config.truth.as_deref()).chain(producer).collect();
    let mut named = named.into_iter();
    let Some(run) = named.next() else { return Ok(None) };
    if named.next().is_some() {
        return Err(plan_error("expectations name the truth of several runs", "read the runs one by one"));
    }
    let path = run.join(SCENARIO);
    // A producer's run that is not there is told of when it is joined.
    if producer == Some(run) && !path.is_file() {
        return Ok(None);
    }
    let scenario = Scenario::load(&path)?;
    let setup = scenario.settings.limits.setup.basics.clone().settle();
    Ok(plan::truth(&scenario.source, setup.seed, setup.lanes))
}

/// That clocks are followed of a run that is named.
fn check_fleet_topic(topic: Option<&str>, names_run: bool) -> Result<(), ConfigError> {
    let Some(topic) = topic else { return Ok(()) };
    check_topic_name(topic)?;
    if names_run {
        return Ok(());
    }
    Err(plan_error("which run's clocks are to be followed is not said", "name it with --run-id"))
}

/// Resolves the arguments of `loadgen verify`.
///
/// # Errors
/// Settings that cannot be used.
pub fn verify(args: VerifyArgs, environment: &Environment) -> Result<VerifyPlan, ConfigError> {
    let options = environment.complete(args.options.clone())?;
    let named = topics::client(args.options.cluster, environment)?;
    let name = options.name.unwrap_or_else(|| "verify".to_owned());
    check_name(&name)?;
    let reading = options.reading;
    let topics_named = reading.topic.is_some();
    let topics = reading.topic.unwrap_or_else(|| USUAL_TOPIC.to_owned());
    let topics: Vec<String> = topics.split(',').map(|topic| topic.trim().to_owned()).collect();
    topics.iter().try_for_each(|topic| check_topic_name(topic))?;
    if let Some(twice) = topics.iter().enumerate().find_map(|(at, topic)| topics[..at].contains(topic).then_some(topic))
    {
        return Err(plan_error(&format!("topic \"{twice}\" is there twice"), "name each topic once"));
    }
    let member = options.group.membership;
    let by_habit = environment.get("CONSUMER_GROUP_ID").map(ToOwned::to_owned);
    let group = options.group.group.or(by_habit).filter(|group| !group.is_empty());
    if group.is_none() && (member.commit.is_some() || member.commit_interval.is_some()) {
        return Err(plan_error("what a group has read is committed, and no group is named", "--group NAME names one"));
    }
    if args.producer_report.is_some() {
        if group.is_some() {
            let hint = "leave --group out; --group= does without the group that CONSUMER_GROUP_ID names";
            return Err(plan_error(
                "a producer's report is joined with all that was written, and a group may have less",
                hint,
            ));
        }
        if reading.offset.is_some() || reading.run_id.is_some() {
            let hint = "leave --offset and --run-id out";
            return Err(plan_error("the producer's report says which run it was, and where it began", hint));
        }
        if reading.until_idle.is_some() || reading.num_records.is_some() {
            let hint = "leave --until-idle and --num-records out: it ends when it has read what the producer wrote";
            return Err(plan_error("a reading that is joined with a producer's report has its own end", hint));
        }
    }
    let names_run = reading.run_id.is_some() || args.producer_report.is_some();
    check_fleet_topic(reading.fleet_topic.as_deref(), names_run)?;
    let group = self::group(group.as_ref(), &member, None)?;
    let Some(bootstrap) = named.bootstrap else {
        let reason = "no cluster is named, and the embedded broker of another process cannot be read";
        return Err(plan_error(reason, "--bootstrap-server HOST:PORT or KAFKA_BROKERS names one"));
    };
    let configs: Vec<GateConfig> = options.outcome.gate.iter().map(GateConfig::of_rule).collect();
    let catalogue = catalogue(&declared(options.declared, args.producer_report.as_deref())?)?;
    let mut coding = options.coding;
    let registry = access(&mut coding.registry, environment)?;
    let (formats, subjects) = if args.producer_report.is_some() {
        // The run's own report says how it wrote.
        (FormatPlan { registry, ..FormatPlan::default() }, Vec::new())
    } else {
        FormatPlan::of_reading(&mut coding.formats, registry, &topics, &catalogue)?
    };
    let mut sets = reading.reader_schema;
    schemas::load(&mut sets)?;
    let catalogue = schemas::read_by(catalogue, &sets, &formats)?;
    let mut expect = options.downstream;
    let Expect { expect_deadline, close_windows, .. } = expect.settle();
    if close_windows {
        return Err(plan_error("a reading sends no events, and --close-windows is to send some", "leave it out"));
    }
    let expectations = expect.expect.map_or_else(|| Ok(Vec::new()), |file| read_expectations(&file))?;
    let known = Names {
        phases: Vec::new(),
        topics: topics.clone(),
        types: catalogue.names().map(str::to_owned).collect(),
        expectations: expectations.iter().map(|expectation| expectation.name.clone()).collect(),
    };
    let gates = Gates::new(&configs, &options.outcome.gate_off, &known)
        .map_err(|error| ConfigError::Plan { reason: error.to_string(), hint: None })?;
    // A reading has no scenario: `--alert` is all that it has.
    let (alerts, _) = alerts_of(&mut [], options.outcome.alert.as_deref(), &gates, environment)?;
    Ok(VerifyPlan {
        name,
        bootstrap,
        bootstrap_said_by: named.said_by,
        client: named.client,
        connect_timeout: named.connect_timeout,
        topics,
        topics_named,
        catalogue,
        formats,
        subjects,
        truth: truth(args.producer_report.as_deref(), &expectations)?,
        expectations,
        expect_deadline,
        offset: reading.offset,
        run_id: reading.run_id,
        fleet_topic: reading.fleet_topic,
        group,
        isolation: reading.isolation,
        until_idle: reading.until_idle,
        num_records: reading.num_records,
        producer_report: args.producer_report,
        gates,
        alerts,
        rules: options.outcome.gate.clone(),
        presentation: Presentation::of_outcome(&options.outcome),
        warnings: named.warnings,
        dump: named.dump,
    })
}
