//! The same plans in the simulated cluster and on three real brokers: both come to the same classes and counts, or the difference has an
//! explanation in docs/simulation.md. For `scripts/simulate --compare`.
//!
//! A broker of a plan is known by its part: 0 leads the only partition, the others copy it.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};

use super::act::Act;
use super::plan::{GroupPlan, Plan, Planned};
use super::stage::{config, going_on, judged, play, source};
use crate::clock::{Clock, Monotonic, Nanos, wall_unix_ns};
use crate::event::stamp::RunId;
use crate::kafka::Settings;
use crate::kafka::admin::{self, NewTopic};
use crate::ledger::class::Class;
use crate::ledger::rules::Rules;
use crate::run::{Config, Interrupts, KafkaConfig, Outcome, RunError};
use crate::schedule::{Phase, Rate, Schedule, Shape};
use crate::verdict::ExitCode;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/kafka");
/// Between the decision to run and the run's zero.
const AHEAD: Duration = Duration::from_secs(4);
/// How long real brokers are waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// As the cluster is set: how long a silent broker, and a copy that lags, are waited for.
const SESSION_MS: u64 = 3_000;
const LAG_MS: u64 = 4_000;

fn script(folder: &Path, words: &[&str]) -> String {
    let output = Command::new(SCRIPT).args(words).args(["--dir".as_ref(), folder.as_os_str()]).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A real topic, and who has a copy of it, its leader first.
#[derive(Clone)]
struct Real {
    folder: std::path::PathBuf,
    address: String,
    topic: String,
    parts: Vec<i32>,
    interrupts: Arc<Interrupts>,
}

impl Real {
    fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &self.address).set("group.id", "another").set("enable.partition.eof", "true");
        client
    }

    fn broker(&self, words: &str, part: usize) {
        script(&self.folder, &[words, &self.parts[part % self.parts.len()].to_string()]);
    }

    fn cluster(&self) -> admin::Cluster {
        admin::Cluster::new(&self.address, &Settings::new(), PATIENCE).unwrap()
    }

    fn make(&self, plan: &Plan) {
        let set = [
            ("min.insync.replicas", plan.min_in_sync.to_string()),
            ("unclean.leader.election.enable", plan.unclean.to_string()),
        ];
        let copies = i32::try_from(plan.brokers).unwrap();
        let config = set.map(|(key, value)| (key.to_owned(), value)).into();
        let topic = NewTopic { name: self.topic.clone(), partitions: 1, replication_factor: copies, config };
        self.cluster().create(&topic).unwrap();
    }

    /// Waits until every copy is in sync; they, the leader first.
    fn parts(&self, plan: &Plan) -> Vec<i32> {
        let (clock, cluster) = (Monotonic::start(), self.cluster());
        loop {
            let topics = cluster.topics().unwrap();
            let found = topics.get(&self.topic).and_then(|topic| topic.partitions.first());
            if let Some((found, leader)) = found.and_then(|found| Some((found, found.leader?)))
                && found.in_sync.len() == plan.brokers
            {
                return [leader]
                    .into_iter()
                    .chain(found.copies.iter().copied().filter(|copy| *copy != leader))
                    .collect();
            }
            assert!(clock.now() < Nanos::from(PATIENCE), "{found:?}");
            clock.sleep_until(clock.now() + Nanos::from_millis(100));
        }
    }

    fn write(&self, key: &[u8], body: &[u8], create_ms: Option<i64>) {
        let producer: BaseProducer = self.client().create().unwrap();
        let mut record = BaseRecord::to(&self.topic).partition(0).key(key).payload(body);
        record.timestamp = create_ms;
        producer.send(record).unwrap();
        producer.flush(PATIENCE).unwrap();
    }

    /// Does what the plan says, for as long as it says.
    fn act(&self, act: Act, plan: &Plan) {
        let lasts = || thread::sleep(Duration::from_millis(act.ms()));
        match act {
            Act::Kill { broker, .. } => {
                self.broker("kill", broker);
                lasts();
                self.broker("start", broker);
            }
            Act::Stop { broker, .. } => {
                self.broker("pause", broker);
                lasts();
                self.broker("resume", broker);
            }
            Act::Refuse { .. } => {
                let limit = |bytes: &str| [("max.message.bytes".to_owned(), bytes.to_owned())].into();
                // Less than an event takes, and more than the 78 bytes of a transaction's marker: of one that is too large its coordinator
                // gives up the transaction, which then has no end.
                self.cluster().alter(&self.topic, &limit("100")).unwrap();
                lasts();
                self.cluster().alter(&self.topic, &limit("1048588")).unwrap();
            }
            Act::DeleteRecords { .. } => {
                let admin: AdminClient<DefaultClientContext> = self.client().create().unwrap();
                let mut list = TopicPartitionList::new();
                list.add_partition_offset(&self.topic, 0, Offset::End).unwrap();
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(admin.delete_records(&list, &AdminOptions::new())).unwrap();
            }
            Act::Recreate { .. } => {
                self.cluster().remove(&self.topic).unwrap();
                lasts();
                self.make(plan);
            }
            Act::Noise { records, .. } => (0..records).for_each(|_| self.write(b"x", b"{\"other\":1}", None)),
            Act::Copy { .. } => {
                let consumer: BaseConsumer = self.client().create().unwrap();
                let mut list = TopicPartitionList::new();
                let (_, end) = consumer.fetch_watermarks(&self.topic, 0, PATIENCE).unwrap();
                list.add_partition_offset(&self.topic, 0, Offset::Offset(end / 2)).unwrap();
                consumer.assign(&list).unwrap();
                let one = consumer.poll(PATIENCE).unwrap().unwrap();
                let (key, body) = (one.key().unwrap().to_vec(), one.payload().unwrap().to_vec());
                // As `Act::Copy` is: of another time where the offset is odd. Which that is differs from cluster to cluster.
                let later = one.offset() % 2 * 5;
                self.write(&key, &body, one.timestamp().to_millis().map(|at| at + later));
            }
            Act::Hide { .. } => {
                let producer: BaseProducer = self.client().set("transactional.id", "hides").create().unwrap();
                producer.init_transactions(PATIENCE).unwrap();
                producer.begin_transaction().unwrap();
                producer.send(BaseRecord::to(&self.topic).partition(0).key("x").payload("{}")).unwrap();
                producer.flush(PATIENCE).unwrap();
                lasts();
                producer.abort_transaction(PATIENCE).unwrap();
            }
            Act::Fence => {
                let id = format!("loadgen-{}-0", plan.run());
                let producer: BaseProducer = self.client().set("transactional.id", id).create().unwrap();
                producer.init_transactions(PATIENCE).unwrap();
            }
            Act::Interrupt => self.interrupts.raise(),
            other => panic!("{other:?} cannot be done to a real cluster"),
        }
    }

    /// Runs the plan.
    fn run(&self, plan: &Plan) -> Result<Outcome, RunError> {
        let own = config(plan);
        let mut client = own.kafka.client.clone();
        for (key, value) in [
            ("request.timeout.ms", plan.request_timeout_ms),
            ("linger.ms", plan.linger_ms),
            ("socket.timeout.ms", plan.request_timeout_ms),
            ("reconnect.backoff.max.ms", 200),
        ] {
            client.insert(key.to_owned(), value.to_string());
        }
        client.remove("max.in.flight");
        client.insert("max.in.flight.requests.per.connection".to_owned(), plan.in_flight.to_string());
        client.insert("message.timeout.ms".to_owned(), plan.delivery_timeout_ms.to_string());
        client.remove("delivery.timeout.ms");
        client.remove("bootstrap.servers");
        client.insert("partitioner".to_owned(), "murmur2_random".to_owned());
        let zero = wall_unix_ns() + Nanos::from(AHEAD).0;
        let config = Config {
            start_at_unix_ns: Some(zero),
            kafka: KafkaConfig {
                bootstrap: Some(self.address.clone()),
                topic: self.topic.clone(),
                client,
                connect_timeout: PATIENCE,
                ..own.kafka.clone()
            },
            ..own
        };
        let rate = Rate::per_second(plan.rate).unwrap();
        let phases = vec![Phase::new("load", Shape::Constant(rate), None)];
        let schedule = Schedule::new(phases, Some(plan.events)).unwrap();
        thread::scope(|scope| {
            for Planned { at_ms, act } in plan.acts.iter().copied() {
                scope.spawn(move || {
                    let at = zero + Nanos::from_millis(at_ms.saturating_sub(20)).0;
                    thread::sleep(Duration::from_nanos(at.saturating_sub(wall_unix_ns())));
                    self.act(act, plan);
                });
            }
            crate::run::run(&config, &source(), schedule, &self.interrupts, &mut going_on)
        })
    }
}

/// What a run came to, as far as a real cluster and the simulated one are to agree.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Came {
    classes: Vec<(&'static str, u64)>,
    found: Vec<(&'static str, u64)>,
    exit: Option<ExitCode>,
}

impl Came {
    fn to(outcome: Option<Outcome>) -> Self {
        let Some(Outcome { report, .. }) = outcome else { return Self { classes: vec![], found: vec![], exit: None } };
        let counts = Class::ALL.into_iter().map(|class| (class.as_str(), report.ledger.of(class)));
        let findings = &report.findings;
        let found = [
            ("duplicates", findings.duplicates),
            ("invalid", findings.invalid),
            ("foreign", findings.foreign),
            ("reordered", findings.reordered),
        ];
        Self {
            classes: counts.filter(|(_, count)| *count > 0).collect(),
            found: found.into_iter().filter(|(_, count)| *count > 0).collect(),
            // A machine that is too busy to send in time is no matter of the cluster.
            exit: ExitCode::from_code(report.verdict.code).map(|exit| match exit {
                ExitCode::RunInvalid => ExitCode::Pass,
                other => other,
            }),
        }
    }

    /// The classes without their counts.
    fn names(&self) -> Vec<&'static str> {
        self.classes.iter().map(|(name, _)| *name).collect()
    }
}

/// The plans: what may befall a cluster, under each kind of promise.
fn plans() -> Vec<(String, Plan)> {
    let base = Plan {
        events: 600,
        rate: 200,
        partitions: 1,
        in_flight: 5,
        linger_ms: 5,
        request_timeout_ms: 2_000,
        delivery_timeout_ms: 20_000,
        drain_ms: 15_000,
        flush_ms: 25_000,
        session_ms: SESSION_MS,
        lag_ms: LAG_MS,
        queue: 100_000,
        ..Plan::calm(0)
    };
    let promises = [
        ("acks=0", Plan { acks: 0, idempotent: false, ..base.clone() }),
        ("acks=1", Plan { acks: 1, idempotent: false, ..base.clone() }),
        ("acks=all", base.clone()),
        ("transactions", Plan { transaction: Some((50, 20)), committed: true, ..base.clone() }),
    ];
    let (leader, follower) = (0, 1);
    let befalls: [(&str, Vec<(u64, Act)>); 10] = [
        ("nothing", vec![]),
        ("the leader dies", vec![(1_000, Act::Kill { broker: leader, ms: 5_000 })]),
        ("the leader stops", vec![(1_000, Act::Stop { broker: leader, ms: 5_000 })]),
        ("a follower dies", vec![(1_000, Act::Kill { broker: follower, ms: 5_000 })]),
        (
            "both followers stop",
            vec![(1_000, Act::Stop { broker: 1, ms: 6_000 }), (1_000, Act::Stop { broker: 2, ms: 6_000 })],
        ),
        ("noise", vec![(1_000, Act::Noise { partition: 0, records: 5 })]),
        ("a copy", vec![(2_000, Act::Copy { partition: 0 })]),
        ("Ctrl-C", vec![(1_500, Act::Interrupt)]),
        ("records are too large", vec![(1_000, Act::Refuse { written: false, ms: 1_000 })]),
        ("another's open transaction", vec![(1_000, Act::Hide { partition: 0, ms: 3_000 })]),
    ];
    let mut plans = Vec::new();
    for (promise, plan) in &promises {
        for (what, acts) in &befalls {
            let acts = acts.iter().map(|(at_ms, act)| Planned { at_ms: *at_ms, act: *act }).collect();
            plans.push((format!("{promise}, {what}"), Plan { acts, ..plan.clone() }));
        }
    }
    let acts = |list: &[(u64, Act)]| list.iter().map(|(at_ms, act)| Planned { at_ms: *at_ms, act: *act }).collect();
    let group = GroupPlan { members: 1, cooperative: false, auto: false, commit_ms: 500, disturb_ms: None };
    plans.push(("read by a group".to_owned(), Plan { group: Some(group), ..base.clone() }));
    plans.push((
        "the topic is made anew".to_owned(),
        Plan { acts: acts(&[(1_500, Act::Recreate { ms: 0 })]), ..base.clone() },
    ));
    plans.push(("fenced".to_owned(), Plan { acts: acts(&[(1_500, Act::Fence)]), ..promises[3].1.clone() }));
    plans.push((
        "deleted after it was read".to_owned(),
        Plan { acts: acts(&[(2_000, Act::DeleteRecords { partition: 0 })]), ..base },
    ));
    for (number, (_, plan)) in plans.iter_mut().enumerate() {
        plan.seed = u64::try_from(number).unwrap() * 2 + 0x00c0_ffee_0000_0001;
    }
    plans
}

#[test]
#[ignore = "three real brokers and a quarter of an hour: scripts/simulate --compare"]
fn real_brokers_come_to_what_the_simulated_ones_do() {
    let folder = tempfile::tempdir().unwrap();
    let set = [
        format!("broker.session.timeout.ms={SESSION_MS}"),
        "broker.heartbeat.interval.ms=500".to_owned(),
        format!("replica.lag.time.max.ms={LAG_MS}"),
        "group.initial.rebalance.delay.ms=0".to_owned(),
        "auto.leader.rebalance.enable=false".to_owned(),
    ];
    let owner = std::process::id().to_string();
    let mut words = vec!["up", "--brokers", "3", "--owner", &owner];
    words.extend(set.iter().flat_map(|set| ["-c", set]));
    let address = script(folder.path(), &words);
    let only = std::env::var("SIMULATED_PLAN").ok();
    let (mut same, mut close, mut other) = (0, 0, Vec::new());
    for (number, (name, plan)) in plans().into_iter().enumerate() {
        if only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        let mut real = Real {
            folder: folder.path().to_owned(),
            address: address.clone(),
            topic: format!("plan-{number}-{}", RunId(plan.seed)),
            parts: Vec::new(),
            interrupts: Arc::default(),
        };
        real.make(&plan);
        real.parts = real.parts(&plan);
        let came = match real.run(&plan) {
            Err(RunError::Interrupted) => Came::to(None),
            ended => Came::to(Some(judged(ended.unwrap()))),
        };
        let simulated = Came::to(play(&plan, Rules::ALL).outcome);
        let word = if came == simulated {
            same += 1;
            "same"
        } else if (came.names(), came.exit) == (simulated.names(), simulated.exit) {
            close += 1;
            "same classes"
        } else {
            other.push(name.clone());
            "OTHER"
        };
        println!("{word}: {name}\n    real      {came:?}\n    simulated {simulated:?}");
    }
    println!("{same} the same, {close} with the same classes and verdict, {} others: {other:?}", other.len());
    script(folder.path(), &["down", "--wipe"]);
}
