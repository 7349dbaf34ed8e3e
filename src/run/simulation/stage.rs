//! One run on the stage: real lanes, verifier, watch, look-up, judge and verdict over the simulated cluster.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::cluster::Shared;
use super::plan::Plan;
use super::producer::{CATALOGUE, Producer};
use super::reader::Consumer;
use crate::clock::{Clock, Monotonic, Nanos, virtual_time};
use crate::control::{Control, Traffic};
use crate::event::rollout::Rollout;
use crate::gate::Gates;
use crate::gate::path::Names;
use crate::kafka::slots::Slots;
use crate::kafka::{ClusterMetadata, KafkaError, Settings, TopicMetadata, Watermarks, native};
use crate::ledger::rules::Rules;
use crate::measure::Recorder;
use crate::run::prepare::Prepared;
use crate::run::target::Target;
use crate::run::topic_watch;
use crate::run::wiring::Wiring;
use crate::run::{Config, Detail, Downstream, KafkaConfig, Lanes, Outcome, Ready, RunError, Tick, conduct};
use crate::schedule::{Phase, Rate, Schedule, Shape};
use crate::settings::recording::EventTime;
use crate::settings::run::{Lateness, Pacing, Patience};
use crate::settings::transactions::Transactions;
use crate::settings::verification::{Isolation, ReadBack, Verification};
use crate::source::{Source, synthetic};
use crate::verdict::{self, Conditions};
use crate::verify::reader::Reader;
use crate::verify::topics::Topics;

const TOPIC: &str = "events";
/// The topic's id, for as long as it is not made anew.
pub(super) const FIRST_ID: &str = "first";

/// How a run ended, and the world as it was then.
pub(super) struct Ended {
    /// `None` where it was interrupted, or refused, before it began.
    pub(super) outcome: Option<Outcome>,
    pub(super) cluster: Shared,
    /// Virtual time at the end, since the world began.
    pub(super) at: u64,
}

struct Simulated {
    cluster: Shared,
    rules: Rules,
    behind: Nanos,
}

/// A clock that is behind.
#[derive(Clone, Copy, Debug)]
struct Behind {
    clock: Monotonic,
    by: Nanos,
}

impl Clock for Behind {
    fn now(&self) -> Nanos {
        self.clock.now().saturating_since(self.by)
    }

    fn sleep_until(&self, instant: Nanos) {
        self.clock.sleep_until(instant + self.by);
    }
}

impl Wiring for Simulated {
    type Publisher = Producer;
    type Clock = Behind;

    fn publisher(&self, lane: u16, _producer: native::Producer) -> Producer {
        Producer { cluster: self.cluster.clone(), client: usize::from(lane) }
    }

    fn reader_again(
        &self,
        isolation: &str,
        _open: impl FnOnce() -> Result<native::Consumer, KafkaError>,
    ) -> Result<Box<dyn Reader>, KafkaError> {
        Ok(Box::new(Consumer::new(self.cluster.clone(), false, isolation == "read_committed")))
    }

    fn clock(&self, clock: Monotonic) -> Behind {
        Behind { clock, by: self.behind }
    }

    fn expects_faults(&self) -> bool {
        true
    }

    fn rules(&self) -> Rules {
        self.rules
    }
}

/// The source of all runs: its tables take milliseconds to make.
fn source() -> Source {
    static MADE: OnceLock<Arc<synthetic::Synthetic>> = OnceLock::new();
    let config = synthetic::Config { users: 300, items: 100, ..synthetic::Config::default() };
    let make = || Arc::new(synthetic::Synthetic::new(&config, 1).unwrap());
    Source::Synthetic(Arc::clone(MADE.get_or_init(make)))
}

fn client(plan: &Plan) -> Settings {
    [
        ("bootstrap.servers", "simulated:9092".to_owned()),
        ("acks", plan.acks.to_string()),
        ("enable.idempotence", plan.idempotent.to_string()),
        ("max.in.flight", plan.in_flight.to_string()),
        ("queue.buffering.max.messages", plan.queue.to_string()),
        ("delivery.timeout.ms", plan.delivery_timeout_ms.to_string()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

fn config(plan: &Plan) -> Config {
    let isolation = if plan.committed { Isolation::ReadCommitted } else { Isolation::ReadUncommitted };
    Config {
        name: "simulated".to_owned(),
        id: plan.run(),
        seed: plan.seed,
        lanes: Lanes { first: 0, count: plan.lanes, all: plan.lanes + plan.others },
        start_at_unix_ns: None,
        pacing: Pacing::Sleep,
        event_time: EventTime::Now,
        late: crate::source::Late::default(),
        lateness: Lateness::default(),
        kafka: KafkaConfig {
            bootstrap: Some("simulated:9092".to_owned()),
            topic: TOPIC.to_owned(),
            topic_map: BTreeMap::new(),
            partitions: i32::try_from(plan.partitions).unwrap(),
            replication_factor: i32::try_from(plan.brokers).unwrap(),
            create_topics: false,
            client: client(plan),
            connect_timeout: Duration::from_secs(5),
            headers: BTreeMap::new(),
            lag_group: None,
        },
        catalogue: Arc::clone(&CATALOGUE),
        schemas: Vec::new(),
        rollout: Rollout::default(),
        verify: Some(Verification {
            group: None,
            back: ReadBack { drain_deadline: Duration::from_millis(plan.drain_ms), isolation, ..ReadBack::default() },
        }),
        transactions: plan
            .transaction
            .map(|(size, aborted)| Transactions { size, abort_rate: f64::from(aborted) / 100.0 }),
        padding: None,
        patience: Patience { flush_deadline: Duration::from_millis(plan.flush_ms), ..Patience::default() },
        answers: None,
        detail: Detail::default(),
        faults: Vec::new(),
        downstream: Downstream::default(),
    }
}

fn target(plan: &Plan) -> Target {
    let partitions = i32::try_from(plan.partitions).unwrap();
    let topic = TopicMetadata {
        partitions,
        replication_factor: i32::try_from(plan.brokers).unwrap(),
        id: Some(FIRST_ID.to_owned()),
        ..TopicMetadata::default()
    };
    let settings = [
        ("unclean.leader.election.enable", plan.unclean.to_string()),
        ("min.insync.replicas", plan.min_in_sync.to_string()),
    ];
    Target {
        reader: Settings::new(),
        clusters: vec![ClusterMetadata { topic, ..ClusterMetadata::default() }],
        topic_settings: vec![settings.map(|(key, value)| (key.to_owned(), value)).into()],
        slots: Arc::new(Slots::of_one(TOPIC, partitions)),
        topics: Arc::new(Topics::new(vec![(TOPIC.to_owned(), Some(FIRST_ID.to_owned()))])),
        ends: vec![Watermarks::default(); plan.partitions],
        java_placed: true,
        group: None,
        traffic: Arc::new(Traffic::new(plan.partitions, None)),
        drain: Arc::default(),
    }
}

/// Plays a plan, by a checker that follows these rules.
pub(super) fn play(plan: &Plan, rules: Rules) -> Ended {
    virtual_time::simulate(|| {
        let cluster = Shared::new(plan);
        let (config, source) = (config(plan), source());
        let rate = Rate::per_second(plan.rate).unwrap();
        let phases = vec![Phase::new("load", Shape::Constant(rate), None)];
        let schedule = Arc::new(Schedule::new(phases, Some(plan.events)).unwrap());
        let recorder = |_| Recorder::new(schedule.phases().len(), 7, plan.partitions);
        let prepared = Prepared {
            embedded: None,
            target: target(plan),
            settings: client(plan),
            answers: None,
            recorders: (0..=plan.lanes).map(recorder).collect(),
            schedule: Arc::clone(&schedule),
            control: Arc::new(Control::default()),
        };
        let wiring = Simulated { cluster: cluster.clone(), rules, behind: Nanos(plan.behind_us * 1_000) };
        let publisher = |lane| Producer { cluster: cluster.clone(), client: usize::from(lane) };
        let (slots, topics) = (Arc::clone(&prepared.target.slots), Arc::clone(&prepared.target.topics));
        let asked = cluster.clone();
        let watcher = topic_watch::Watcher::by(&slots, &topics, move || Some(vec![Ok(asked.open().identity())]));
        let ready = Ready {
            prepared,
            publishers: (0..plan.lanes).map(publisher).collect(),
            reader: Some(Box::new(Consumer::new(cluster.clone(), true, plan.committed))),
            watchers: (Some(watcher), None),
            auditor: None,
        };
        let interrupts = Arc::clone(&cluster.open().interrupts);
        let going_on = &mut |_: &Tick<'_>| ControlFlow::Continue(());
        let outcome = match conduct(&wiring, &config, &source, &schedule, ready, &interrupts, going_on) {
            Err(RunError::Interrupted | RunError::Kafka(KafkaError::Refused { .. })) => None,
            ended => Some(judged(ended.unwrap())),
        };
        drop(cluster.open());
        Ended { outcome, cluster, at: virtual_time::now_ns().unwrap() }
    })
}

/// The outcome with its gates and its verdict.
fn judged(mut outcome: Outcome) -> Outcome {
    let gates = Gates::new(&[], &["generator_had_cpu".to_owned()], &Names::default()).unwrap();
    outcome.report.gates = gates.evaluate(&outcome.report);
    let conditions = Conditions {
        interrupted: outcome.interrupted,
        cluster_error: outcome.cluster_error.clone(),
        ..Conditions::default()
    };
    outcome.report.verdict = verdict::judge(&outcome.report, &gates, &conditions);
    outcome
}
