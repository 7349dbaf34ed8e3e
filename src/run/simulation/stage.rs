//! One run on the stage: real lanes, verifier, watch, look-up, judge and verdict over the simulated cluster.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use super::cluster::Shared;
use super::member::{Address, Member};
use super::plan::{GroupPlan, Plan, Reads};
use super::producer::{CATALOGUE, Producer};
use super::reader::Consumer;
use super::reading::{self, Produced};
use super::registry;
use crate::clock::{Clock, Monotonic, Nanos, virtual_time};
use crate::control::{Control, Traffic};
use crate::event::rollout::Rollout;
use crate::gate::Gates;
use crate::gate::path::Names;
use crate::kafka::slots::Slots;
use crate::kafka::{ClusterMetadata, KafkaError, Settings, TopicMetadata, Watermarks, native};
use crate::ledger::rules::Rules;
use crate::measure::Recorder;
use crate::run::clients::reader_settings;
use crate::run::prepare::{self, Prepared};
use crate::run::target::Target;
use crate::run::topic_watch;
use crate::run::wiring::Wiring;
use crate::run::{Config, Detail, Downstream, KafkaConfig, Lanes, Outcome, Ready, RunError, Tick, conduct};
use crate::schedule::{Phase, Rate, Schedule, Shape};
use crate::settings::membership::{Commit, Group, GroupProtocol, Membership};
use crate::settings::recording::EventTime;
use crate::settings::run::{Lateness, Pacing, Patience};
use crate::settings::transactions::Transactions;
use crate::settings::verification::{Isolation, ReadBack, Verification};
use crate::source::{Source, synthetic};
use crate::verdict::{self, Conditions};
use crate::verify::group::SharedLog;
use crate::verify::reader::Reader;
use crate::verify::topics::Topics;

pub(super) const TOPIC: &str = "events";
/// How long first answers are waited for.
pub(super) const CONNECTS: Duration = Duration::from_secs(5);
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
        _open: impl FnOnce() -> Result<Box<dyn Reader>, KafkaError>,
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
pub(super) fn source() -> Source {
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

/// The group that reads, as options say it.
pub(super) fn group(plan: GroupPlan) -> Group {
    let GroupPlan { members, cooperative, auto, commit_ms, disturb_ms } = plan;
    Group {
        name: "readers".to_owned(),
        membership: Membership {
            consumers: members,
            group_protocol: if cooperative { GroupProtocol::Consumer } else { GroupProtocol::Classic },
            assignor: None,
            commit: if auto { Commit::Auto } else { Commit::Manual },
            commit_interval: Duration::from_millis(commit_ms),
        },
        chaos_rebalance: disturb_ms.map(Duration::from_millis),
    }
}

pub(super) fn config(plan: &Plan) -> Config {
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
            connect_timeout: CONNECTS,
            headers: BTreeMap::new(),
            lag_group: None,
        },
        catalogue: Arc::clone(&CATALOGUE),
        schemas: Vec::new(),
        rollout: Rollout::default(),
        verify: Some(Verification {
            group: plan.group.map(group),
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

pub(super) fn target(plan: &Plan, address: &Address) -> Target {
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
        ("cleanup.policy", if plan.compacted { "compact" } else { "delete" }.to_owned()),
    ];
    Target {
        reader: reader_settings("loadgen-simulated", plan.committed, &addressed(address), false),
        clusters: vec![ClusterMetadata { topic, ..ClusterMetadata::default() }],
        topic_settings: vec![settings.map(|(key, value)| (key.to_owned(), value)).into()],
        slots: Arc::new(Slots::of_one(TOPIC, partitions)),
        topics: Arc::new(Topics::new(vec![(TOPIC.to_owned(), Some(FIRST_ID.to_owned()))])),
        ends: vec![Watermarks::default(); plan.partitions],
        java_placed: true,
        group: plan.group.map(|plan| (group(plan), SharedLog::start())),
        traffic: Arc::new(Traffic::new(plan.partitions, None)),
        drain: Arc::default(),
    }
}

fn addressed(address: &Address) -> Settings {
    [("bootstrap.servers".to_owned(), address.0.clone())].into()
}

/// Plays a plan, by a checker that follows these rules.
pub(super) fn play(plan: &Plan, rules: Rules) -> Ended {
    virtual_time::simulate(|| {
        let cluster = Shared::new(plan);
        virtual_time::inhabit(Arc::new(cluster.clone()));
        let address = Address::of(&cluster);
        let outcome = match plan.reads {
            Reads::Itself => run(plan, rules, &cluster, &address, None),
            Reads::Joined { meanwhile } => apart(plan, rules, &cluster, &address, meanwhile),
            Reads::Alone { .. } => apart(plan, rules, &cluster, &address, true),
        };
        let outcome = match outcome {
            Err(
                RunError::Interrupted
                | RunError::TopicChanged { .. }
                | RunError::Kafka(
                    KafkaError::Refused { .. }
                    | KafkaError::TopicMissing { .. }
                    | KafkaError::GroupIncomplete { .. }
                    | KafkaError::PartitionUnavailable { .. },
                ),
            ) => None,
            ended => Some(judged(ended.unwrap())),
        };
        drop(cluster.open());
        Ended { outcome, cluster, at: virtual_time::now_ns().unwrap() }
    })
}

/// A run that reads nothing back, and whose answers find no room.
pub(super) fn without_a_disk(plan: &Plan) -> Outcome {
    virtual_time::simulate(|| {
        let cluster = Shared::new(plan);
        virtual_time::inhabit(Arc::new(cluster.clone()));
        let address = Address::of(&cluster);
        run(plan, Rules::ALL, &cluster, &address, Some(Path::new("/dev/full"))).unwrap()
    })
}

/// Nothing but time ends it.
pub(super) const fn going_on(_: &Tick<'_>) -> ControlFlow<String> {
    ControlFlow::Continue(())
}

/// The run that sends, and that reads back where no other process does.
fn run(
    plan: &Plan,
    rules: Rules,
    cluster: &Shared,
    address: &Address,
    answers: Option<&Path>,
) -> Result<Outcome, RunError> {
    let reads_back = answers.is_none();
    let answers = answers.map(Path::to_owned);
    let config = Config { answers, catalogue: registry::catalogue(plan, cluster), ..config(plan) };
    let config = if reads_back { config } else { Config { verify: None, ..config } };
    conducted(plan, &config, rules, (cluster, address), &mut going_on)
}

/// A run of that configuration, which tells of each second.
pub(super) fn conducted(
    plan: &Plan,
    config: &Config,
    rules: Rules,
    (cluster, address): (&Shared, &Address),
    each_second: &mut dyn FnMut(&Tick<'_>) -> ControlFlow<String>,
) -> Result<Outcome, RunError> {
    let source = source();
    let rate = Rate::per_second(plan.rate).unwrap();
    let phases = vec![Phase::new("load", Shape::Constant(rate), None)];
    let schedule = Arc::new(Schedule::new(phases, Some(plan.events)).unwrap());
    let recorder = |_| Recorder::new(schedule.phases().len(), 7, plan.partitions);
    let target = target(plan, address);
    let prepared = Prepared {
        answers: prepare::answers(config, &target)?.map(Arc::new),
        embedded: None,
        target,
        settings: client(plan),
        recorders: (0..=plan.lanes).map(recorder).collect(),
        schedule: Arc::clone(&schedule),
        control: Arc::new(Control::default()),
        unstamped: None,
    };
    let wiring = Simulated { cluster: cluster.clone(), rules, behind: Nanos(plan.behind_us * 1_000) };
    let publisher = |lane| Producer { cluster: cluster.clone(), client: usize::from(lane) };
    let (slots, topics) = (Arc::clone(&prepared.target.slots), Arc::clone(&prepared.target.topics));
    let asked = cluster.clone();
    let watcher = topic_watch::Watcher::by(&slots, &topics, move || Some(vec![asked.open().identity()]));
    let reader = config.verify.is_some().then(|| {
        let assigned = || Box::new(Consumer::new(cluster.clone(), true, plan.committed)) as Box<dyn Reader>;
        prepared.target.members_of::<Member>(false).unwrap_or_else(assigned)
    });
    let ready = Ready {
        prepared,
        publishers: (0..plan.lanes).map(publisher).collect(),
        reader,
        watchers: (Some(watcher), None),
        auditor: None,
    };
    let interrupts = Arc::clone(&cluster.open().interrupts);
    conduct(&wiring, config, &source, &schedule, ready, &interrupts, each_second)
}

/// A run that reads nothing back, and a reading in a process of its own: beside it, or when it is over.
fn apart(plan: &Plan, rules: Rules, cluster: &Shared, address: &Address, meanwhile: bool) -> Result<Outcome, RunError> {
    let folder = tempfile::tempdir().unwrap();
    let answers = folder.path().join("answers.ndjson.zst");
    let produced = Produced::default();
    let ended = Mutex::new(None);
    let sends = || {
        let outcome = run(plan, rules, cluster, address, Some(&answers));
        produced.end(outcome.as_ref().map(|outcome| outcome.report.clone()).map_err(ToString::to_string));
        *ended.lock().unwrap() = Some(outcome);
    };
    let read = if meanwhile {
        std::thread::scope(|scope| {
            let (part, sends) = virtual_time::take_part(sends);
            scope.spawn(sends);
            // A reading is begun when the run has begun its file.
            let clock = Monotonic::start();
            while !answers.exists() && ended.lock().unwrap().is_none() {
                clock.sleep_until(clock.now() + Nanos::from_millis(1));
            }
            let read = reading::read(plan, cluster, address, &answers, &produced);
            part.unwrap().wait_for_end();
            read
        })
    } else {
        sends();
        reading::read(plan, cluster, address, &answers, &produced)
    };
    let (run, read) = (ended.into_inner().unwrap().unwrap()?, read?);
    if matches!(plan.reads, Reads::Alone { .. }) {
        return Ok(read);
    }
    Ok(Outcome {
        interrupted: run.interrupted || read.interrupted,
        cluster_error: read.cluster_error.or(run.cluster_error),
        ended_by: read.ended_by.or(run.ended_by),
        ..read
    })
}

/// The outcome with its gates and its verdict.
pub(super) fn judged(mut outcome: Outcome) -> Outcome {
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
