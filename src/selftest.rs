//! The self-test: is the checker honest? A run like any other, with a layer before the broker and one behind it that do
//! wrong by a plan. The report must find exactly that.
//!
//! Lanes, verifier, ledger and judge are those of every run; only what is handed to the broker, and what comes back from
//! it, is tampered with ([`publisher`], [`reader`]).

mod collected;
pub mod fault;
mod forge;
mod plan;
mod publisher;
mod reader;
mod results;
mod schemas;
mod scores;
mod table;
mod tamper;
mod transactions;
mod unstamped;

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::clock::{Clock, Monotonic, Nanos};
use crate::event::catalogue::Catalogue;
use crate::event::key::KeyForm;
use crate::event::rollout::Rollout;
use crate::event::stamp::RunId;
use crate::kafka::Settings;
use crate::kafka::native::Producer;
pub use crate::ledger::rules::Rules;
use crate::run::wiring::{Reading, Wiring};
use crate::run::{self, Detail, Downstream, Interrupts, KafkaConfig, Lanes, Outcome, RunError};
use crate::schedule::{Phase, Rate, Schedule, Shape};
use crate::settings::formats::Format;
use crate::settings::recording::EventTime;
use crate::settings::run::{Lateness, Pacing, Patience};
use crate::settings::transactions::Transactions;
use crate::settings::verification::{ReadBack, Verification};
use crate::source::{LaneError, Source, synthetic};
use crate::verify::reader::Reader;
use crate::wire::schema_error::SchemaError;
use fault::Fault;
use forge::{Forge, IdPlace};
use plan::{ALL, EACH, Identity, LANES, Plan};
use publisher::FaultyPublisher;
use reader::FaultyReader;
pub use table::{Row, Table};
use tamper::HarmWiring;
use transactions::{TransactionBench, TransactionWiring};

/// Events a second.
const RATE: u64 = 3_000;
/// How late delayed events are sent.
const DELAY: Duration = Duration::from_secs(1);
/// The longest wait for answers: more than the delay.
const FLUSH: Duration = Duration::from_secs(20);

/// Against what the self-test runs.
#[derive(Clone, Debug)]
pub struct Config {
    /// The cluster; `None`: the embedded broker.
    pub bootstrap: Option<String>,
    /// The topic.
    pub topic: String,
    /// Its partitions, at least 2.
    pub partitions: i32,
    /// Copies of each partition, where the topic is made.
    pub replication_factor: i32,
    /// The types of event that there are: those of the shop.
    pub catalogue: Arc<Catalogue>,
    /// How they are sent.
    pub wire: Wire,
    /// Whether the topic is made.
    pub create_topic: bool,
    /// Settings of the clients.
    pub client: Settings,
    /// The longest wait for the cluster's first answers.
    pub connect_timeout: Duration,
    /// How long the verifier may take for the last events. Some are withheld, so it always takes that long.
    pub drain_deadline: Duration,
    /// Where the plan is drawn from.
    pub seed: u64,
    /// The rules that the checker follows: all of them, but where it is to be shown that a broken one is noticed.
    pub rules: Rules,
}

/// How events stand in records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire {
    /// Their format.
    pub format: Format,
    /// The form of their keys.
    pub keys: KeyForm,
    /// Whether a header has their id, and not the body.
    pub id_in_header: bool,
}

impl From<Format> for Wire {
    /// With texts as keys, and the id in the body.
    fn from(format: Format) -> Self {
        Self { format, keys: KeyForm::Text, id_in_header: false }
    }
}

/// Why a self-test says nothing.
#[derive(Debug, thiserror::Error)]
pub enum SelfTestError {
    /// The run did not begin.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The events cannot be drawn.
    #[error(transparent)]
    Source(#[from] synthetic::ConfigError),
    /// The events cannot be divided among the lanes.
    #[error(transparent)]
    Lanes(#[from] LaneError),
    /// The events have no such format.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// A record cannot be put into a wrong partition where there is only one.
    #[error("topic \"{topic}\" has {partitions} partition(s), and the self-test needs 2 or more")]
    TooFewPartitions {
        /// The topic.
        topic: String,
        /// Its partitions.
        partitions: i32,
    },
    /// The run was ended before its end.
    #[error("the self-test's run was ended before its end: {0}")]
    Ended(String),
}

/// Runs, does wrong, and compares what was found with what was done.
///
/// # Errors
/// Where the run says nothing about the checker.
pub fn selftest(config: &Config, interrupts: &Interrupts) -> Result<Table, SelfTestError> {
    if config.partitions < 2 {
        let Config { topic, partitions, .. } = config.clone();
        return Err(SelfTestError::TooFewPartitions { topic, partitions });
    }
    let source = Source::Synthetic(Arc::new(synthetic::Synthetic::new(&synthetic::Config::default(), config.seed)?));
    let config = &Config { catalogue: Arc::new(schemas::coded(&config.catalogue, config.wire)?), ..config.clone() };
    let plan = Plan::draw(&source, config)?;
    let run = RunId(rand::random());
    let forge = Forge::new(Arc::clone(&config.catalogue), run, config.wire);
    let bench = Arc::new(Bench::new(run, forge, plan));
    let wiring = FaultyWiring { bench: Arc::clone(&bench), rules: config.rules };
    let rate = Rate::per_second(RATE).ok_or_else(|| SelfTestError::Ended(format!("{RATE}/s is no rate")))?;
    let phases = vec![Phase::new("selftest", Shape::Constant(rate), None)];
    let schedule =
        Schedule::new(phases, Some(EACH * u64::from(ALL))).map_err(|error| SelfTestError::Ended(error.to_string()))?;
    let going_on = &mut |_: &run::Tick<'_>| ControlFlow::Continue(());
    let outcome = run::run_through(&wiring, &run_config(config, run), &source, schedule, interrupts, going_on)?;
    unended(&outcome)?;
    let mut table = Table::of(&bench, &outcome, config.wire);
    let (wiring, outcome) = in_transactions(config, &source, rate, interrupts)?;
    table.add_transactions(&wiring, &outcome);
    let (wiring, outcome) = without_stamps(config, interrupts)?;
    table.add_results(wiring.harmed.rows(&outcome, |_| true));
    table.add_results(collected::rows(config, interrupts)?);
    let results = results::rows(&config.catalogue, config.seed);
    table.add_results(results.map_err(|error| SelfTestError::Ended(error.to_string()))?);
    let scores = scores::rows(&config.catalogue, run, config.seed);
    table.add_results(scores.map_err(|error| SelfTestError::Ended(error.to_string()))?);
    Ok(table)
}

/// The second run.
fn in_transactions(
    config: &Config,
    source: &Source,
    rate: Rate,
    interrupts: &Interrupts,
) -> Result<(TransactionWiring, Outcome), SelfTestError> {
    let wiring = TransactionWiring {
        bench: TransactionBench::new(config.seed, IdPlace::of(config.wire)),
        rules: config.rules,
        injected: Arc::default(),
    };
    let phases = vec![Phase::new("selftest", Shape::Constant(rate), None)];
    let schedule =
        Schedule::new(phases, Some(transactions::EVENTS)).map_err(|error| SelfTestError::Ended(error.to_string()))?;
    let shape = Transactions { size: transactions::SIZE, abort_rate: transactions::ABORT_SHARE };
    let of_run = run_config(config, RunId(rand::random()));
    let of_run = run::Config { transactions: Some(shape), lanes: Lanes::only(1), ..of_run };
    let going_on = &mut |_: &run::Tick<'_>| ControlFlow::Continue(());
    let outcome = run::run_through(&wiring, &of_run, source, schedule, interrupts, going_on)?;
    unended(&outcome)?;
    Ok((wiring, outcome))
}

/// The third run.
fn without_stamps(config: &Config, interrupts: &Interrupts) -> Result<(HarmWiring, Outcome), SelfTestError> {
    let ended = |error: &dyn std::fmt::Display| SelfTestError::Ended(error.to_string());
    let catalogue = unstamped::catalogue(&config.topic).map_err(|error| ended(&error))?;
    let source = unstamped::source(&config.topic, config.partitions);
    let phases = vec![Phase::new("selftest", Shape::Arrivals, None)];
    let schedule = Schedule::new(phases, None).map_err(|error| ended(&error))?;
    let wiring = unstamped::wiring(config.rules);
    let of_run = run_config(config, RunId(rand::random()));
    let of_run = run::Config { catalogue, lanes: Lanes::only(1), ..of_run };
    let going_on = &mut |_: &run::Tick<'_>| ControlFlow::Continue(());
    let outcome = run::run_through(&wiring, &of_run, &source, schedule, interrupts, going_on)?;
    unended(&outcome)?;
    Ok((wiring, outcome))
}

/// Says nothing of a checker whose run was ended before its end.
fn unended(outcome: &Outcome) -> Result<(), SelfTestError> {
    let ended = outcome.cluster_error.clone().or(outcome.ended_by.clone());
    match ended.or(outcome.interrupted.then(|| "interrupted".to_owned())) {
        Some(why) => Err(SelfTestError::Ended(why)),
        None => Ok(()),
    }
}

fn run_config(config: &Config, id: RunId) -> run::Config {
    run::Config {
        schemas: Vec::new(),
        rollout: Rollout::default(),
        name: "selftest".to_owned(),
        id,
        seed: config.seed,
        lanes: Lanes { first: 0, count: LANES, all: ALL },
        start_at_unix_ns: None,
        pacing: Pacing::Sleep,
        event_time: EventTime::Now,
        late: crate::source::Late::default(),
        lateness: Lateness::default(),
        kafka: KafkaConfig {
            bootstrap: config.bootstrap.clone(),
            topic: config.topic.clone(),
            topic_map: BTreeMap::new(),
            partitions: config.partitions,
            replication_factor: config.replication_factor,
            create_topics: config.create_topic,
            client: config.client.clone(),
            connect_timeout: config.connect_timeout,
            headers: BTreeMap::new(),
            lag_group: None,
        },
        catalogue: Arc::clone(&config.catalogue),
        verify: Some(Verification {
            group: None,
            back: ReadBack { drain_deadline: config.drain_deadline, ..ReadBack::default() },
        }),
        transactions: None,
        padding: None,
        patience: Patience { flush_deadline: FLUSH, ..Patience::default() },
        answers: None,
        detail: Detail::default(),
        faults: Vec::new(),
        downstream: Downstream::default(),
    }
}

/// What both layers share.
#[derive(Debug)]
struct Bench {
    run: RunId,
    forge: Forge,
    plan: Plan,
    /// Whether the verifier's clock is set back.
    clock_back: AtomicBool,
    injected: Mutex<BTreeMap<Fault, u64>>,
    /// Events of the faults that are known only when they happen.
    suffered: Mutex<HashMap<Identity, Fault>>,
    /// The high watermark that the reader is told of the partition whose last records are withheld, from when it is known.
    end: OnceLock<i64>,
    /// Delayed events that were sent.
    delayed: AtomicU64,
}

impl Bench {
    fn new(run: RunId, forge: Forge, plan: Plan) -> Self {
        Self {
            run,
            forge,
            plan,
            clock_back: AtomicBool::new(false),
            injected: Mutex::default(),
            suffered: Mutex::default(),
            end: OnceLock::new(),
            delayed: AtomicU64::new(0),
        }
    }

    /// What the plan has in store for an event.
    fn fault(&self, event: Identity) -> Option<Fault> {
        self.plan.faults.get(&event).copied()
    }

    /// Notes that a fault was injected.
    fn injected(&self, fault: Fault) {
        *self.injected.lock().unwrap_or_else(PoisonError::into_inner).entry(fault).or_default() += 1;
    }

    /// Notes which event suffered a fault that the plan could not know by event.
    fn suffers(&self, event: Identity, fault: Fault) {
        self.suffered.lock().unwrap_or_else(PoisonError::into_inner).insert(event, fault);
        self.injected(fault);
    }
}

/// The layers around the broker.
struct FaultyWiring {
    bench: Arc<Bench>,
    rules: Rules,
}

impl Wiring for FaultyWiring {
    type Publisher = FaultyPublisher;
    type Clock = SetBack;

    fn publisher(&self, _lane: u16, producer: Producer) -> FaultyPublisher {
        FaultyPublisher::new(Arc::clone(&self.bench), producer)
    }

    fn reader(&self, reader: Box<dyn Reader>, reading: Reading) -> Box<dyn Reader> {
        Box::new(FaultyReader::new(Arc::clone(&self.bench), reading, reader))
    }

    fn clock(&self, clock: Monotonic) -> SetBack {
        SetBack { clock, bench: Arc::clone(&self.bench) }
    }

    fn expects_faults(&self) -> bool {
        true
    }

    fn rules(&self) -> Rules {
        self.rules
    }
}

/// A clock that stands at the run's start while it is set back.
#[derive(Clone, Debug)]
struct SetBack {
    clock: Monotonic,
    bench: Arc<Bench>,
}

impl Clock for SetBack {
    fn now(&self) -> Nanos {
        if self.bench.clock_back.load(Ordering::Acquire) { Nanos::ZERO } else { self.clock.now() }
    }

    fn sleep_until(&self, instant: Nanos) {
        self.clock.sleep_until(instant);
    }
}
