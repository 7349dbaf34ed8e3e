//! One run on the stage: real lanes, verifier, watch, look-up, judge and verdict over the simulated cluster.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::cluster::Shared;
use super::plan::Plan;
use super::producer::Producer;
use super::reader::Consumer;
use crate::clock::{Monotonic, virtual_time};
use crate::control::{Control, Traffic};
use crate::event::stamp::RunId;
use crate::gate::Gates;
use crate::gate::path::Names;
use crate::kafka::slots::Slots;
use crate::kafka::{ClusterMetadata, KafkaError, Settings, TopicMetadata, Watermarks, native};
use crate::ledger::rules::Rules;
use crate::measure::Recorder;
use crate::run::prepare::Prepared;
use crate::run::target::Target;
use crate::run::wiring::Wiring;
use crate::run::{Config, Detail, Interrupts, KafkaConfig, Lanes, Outcome, Ready, Tick, conduct};
use crate::schedule::{Phase, Rate, Schedule, Shape};
use crate::settings::recording::EventTime;
use crate::settings::run::{Lateness, Pacing, Patience};
use crate::settings::verification::{ReadBack, Verification};
use crate::source::{Source, synthetic};
use crate::verdict::{self, Conditions};
use crate::verify::reader::Reader;
use crate::verify::topics::Topics;

const TOPIC: &str = "events";

/// How a run ended, and the world as it was then.
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) cluster: Shared,
    /// Virtual time at the end, since the world began.
    pub(super) at: u64,
}

struct Simulated {
    cluster: Shared,
    rules: Rules,
}

impl Wiring for Simulated {
    type Publisher = Producer;
    type Clock = Monotonic;

    fn publisher(&self, lane: u16, _producer: native::Producer) -> Producer {
        Producer { cluster: self.cluster.clone(), client: usize::from(lane) }
    }

    fn reader_again(
        &self,
        _isolation: &str,
        _open: impl FnOnce() -> Result<native::Consumer, KafkaError>,
    ) -> Result<Box<dyn Reader>, KafkaError> {
        Ok(Box::new(Consumer::new(self.cluster.clone(), false)))
    }

    fn clock(&self, clock: Monotonic) -> Monotonic {
        clock
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
    let make = || Arc::new(synthetic::Synthetic::new(&synthetic::Config::default(), 1).unwrap());
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
    Config {
        name: "simulated".to_owned(),
        id: RunId(plan.seed | 1),
        seed: plan.seed,
        lanes: Lanes::only(plan.lanes),
        start_at_unix_ns: None,
        pacing: Pacing::Sleep,
        event_time: EventTime::Now,
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
            lag_group: None,
        },
        catalogue: Arc::new(crate::shop::catalogue().unwrap()),
        verify: Some(Verification {
            group: None,
            back: ReadBack { drain_deadline: Duration::from_millis(plan.drain_ms), ..ReadBack::default() },
        }),
        transactions: None,
        padding: None,
        patience: Patience { flush_deadline: Duration::from_millis(plan.flush_ms), ..Patience::default() },
        answers: None,
        detail: Detail::default(),
        faults: Vec::new(),
    }
}

fn target(plan: &Plan) -> Target {
    let partitions = i32::try_from(plan.partitions).unwrap();
    let topic = TopicMetadata {
        partitions,
        replication_factor: i32::try_from(plan.brokers).unwrap(),
        id: Some("simulated".to_owned()),
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
        topics: Arc::new(Topics::new(vec![(TOPIC.to_owned(), Some("simulated".to_owned()))])),
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
        let wiring = Simulated { cluster: cluster.clone(), rules };
        let publisher = |lane| Producer { cluster: cluster.clone(), client: usize::from(lane) };
        let ready = Ready {
            prepared,
            publishers: (0..plan.lanes).map(publisher).collect(),
            reader: Some(Box::new(Consumer::new(cluster.clone(), true))),
            watchers: (None, None),
        };
        let interrupts = Interrupts::default();
        let going_on = &mut |_: &Tick<'_>| ControlFlow::Continue(());
        let mut outcome = conduct(&wiring, &config, &source, &schedule, ready, &interrupts, going_on).unwrap();
        let gates = Gates::new(&[], &["generator_had_cpu".to_owned()], &Names::default()).unwrap();
        outcome.report.gates = gates.evaluate(&outcome.report);
        let conditions = Conditions {
            interrupted: outcome.interrupted,
            cluster_error: outcome.cluster_error.clone(),
            ..Conditions::default()
        };
        outcome.report.verdict = verdict::judge(&outcome.report, &gates, &conditions);
        drop(cluster.open());
        Ended { outcome, cluster, at: virtual_time::now_ns().unwrap() }
    })
}
