//! A run whose verifier stops after a number of records until something has been done to the log, and may skip some.

use std::collections::BTreeMap;
use std::io;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use loadgen::clock::{Clock, Monotonic, Nanos};
use loadgen::event::rollout::Rollout;
use loadgen::event::stamp::RunId;
use loadgen::kafka::native::Producer;
use loadgen::kafka::{Code, Delivered, Judged, KafkaError, Notice, TopicIdentity, Wait, Watermarks};
use loadgen::run::wiring::{Reading, Wiring};
use loadgen::run::{Config, Downstream, Interrupts, KafkaConfig, Lanes, Outcome, run_through};
use loadgen::schedule::{Phase, Rate, Schedule, Shape};
use loadgen::settings::membership::Group;
use loadgen::settings::recording::EventTime;
use loadgen::settings::run::{Lateness, Pacing, Patience};
use loadgen::settings::verification::{ReadBack, Verification};
use loadgen::soak::timeline::Detail;
use loadgen::source::{Source, synthetic};
use loadgen::verify::reader::Reader;

use crate::PATIENCE;
use crate::cluster::Cluster;

/// Such a run, of a topic of one empty partition.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) topic: &'static str,
    /// The group that reads; by assignment without.
    pub(crate) group: Option<Group>,
    pub(crate) acks: &'static str,
    /// Events sent, this many a second.
    pub(crate) events: u64,
    pub(crate) rate: u64,
    /// Records read before the verifier stops.
    pub(crate) read: u64,
    /// Whether it goes on when the log has been changed.
    pub(crate) lets_go: bool,
    /// Offsets that it never delivers.
    pub(crate) skips: Range<i64>,
    pub(crate) drain_deadline: Duration,
}

/// What most of them have in common.
pub(crate) const HELD: Held = Held {
    topic: "held",
    group: None,
    acks: "all",
    events: 6_000,
    rate: 3_000,
    read: 1_000,
    lets_go: true,
    skips: 0..0,
    drain_deadline: Duration::from_secs(60),
};

/// Delivers `until` records, and the others when it is let go.
#[derive(Debug)]
struct Gated {
    consumer: Box<dyn Reader>,
    hold: Arc<Hold>,
    delivered: u64,
    released: bool,
    looks_again: bool,
}

#[derive(Debug)]
struct Hold {
    topic: String,
    until: u64,
    skips: Range<i64>,
    reached: AtomicU64,
    let_go: AtomicBool,
}

impl Reader for Gated {
    fn assign(&mut self, topic: &str, starts: &[(i32, i64)]) -> Result<(), KafkaError> {
        self.consumer.assign(topic, starts)
    }

    fn seek(&mut self, topic: &str, partition: i32, offset: i64, timeout: Duration) -> Result<(), KafkaError> {
        self.consumer.seek(topic, partition, offset, timeout)
    }

    fn take(&mut self, most: usize, each: &mut dyn FnMut(Delivered<'_>)) -> usize {
        let left = self.hold.until - self.delivered;
        if left == 0 && !self.released {
            if !self.hold.let_go.load(Ordering::Acquire) {
                return 0;
            }
            // What was fetched ahead is dropped: it must come from the log as it is now.
            let position = i64::try_from(self.hold.until).unwrap();
            match self.consumer.seek(&self.hold.topic, 0, position, PATIENCE) {
                Ok(()) => {}
                // The client knows no leader of the partition: asked again with the next turn.
                Err(KafkaError::Refused { code: Code::State, .. }) => return 0,
                Err(error) => panic!("{error}"),
            }
            self.released = true;
        }
        let most = if self.released { most } else { most.min(usize::try_from(left).unwrap()) };
        let mut records = 0;
        let taken = self.consumer.take(most, &mut |delivered| {
            let Delivered::Record(record) = &delivered else { return each(delivered) };
            records += 1;
            if self.looks_again || !self.hold.skips.contains(&record.offset) {
                each(delivered);
            }
        });
        if !self.released {
            self.delivered += records;
            self.hold.reached.store(self.delivered, Ordering::Release);
        }
        taken
    }

    fn judged(&mut self, read: &[Judged]) {
        self.consumer.judged(read);
    }

    fn wait(&mut self, timeout: Duration) -> io::Result<()> {
        self.consumer.wait(timeout)
    }

    fn notices(&mut self, notice: &mut dyn FnMut(Notice)) {
        self.consumer.notices(notice);
    }

    fn ends(&mut self, topic: &str, partitions: &[i32], wait: Wait<'_>) -> Vec<Result<Watermarks, Code>> {
        self.consumer.ends(topic, partitions, wait)
    }

    fn identities(&mut self, topics: &[&str], wait: Wait<'_>) -> Result<Vec<Result<TopicIdentity, Code>>, KafkaError> {
        self.consumer.identities(topics, wait)
    }

    fn resume(&mut self, topic: &str, positions: &[(i32, i64)], given_up: &[i32]) -> Result<(), KafkaError> {
        self.consumer.resume(topic, positions, given_up)
    }

    fn is_settled(&self) -> bool {
        self.consumer.is_settled()
    }

    fn unsettled(&self, waited: Duration) -> Option<KafkaError> {
        self.consumer.unsettled(waited)
    }

    fn drain(&mut self) {
        self.consumer.drain();
    }
}

struct Holding(Arc<Hold>);

impl Wiring for Holding {
    type Publisher = Producer;
    type Clock = Monotonic;

    fn publisher(&self, _lane: u16, producer: Producer) -> Producer {
        producer
    }

    fn reader(&self, consumer: Box<dyn Reader>, reading: Reading) -> Box<dyn Reader> {
        let looks_again = reading == Reading::Again;
        let delivered = 0;
        Box::new(Gated { consumer, hold: Arc::clone(&self.0), delivered, released: looks_again, looks_again })
    }

    fn clock(&self, clock: Monotonic) -> Monotonic {
        clock
    }
}

impl Held {
    /// Sends, reads, stops; when all are acked, does `meanwhile` and reads on.
    pub(crate) fn run(&self, cluster: &Cluster, meanwhile: impl FnOnce() + Send) -> Outcome {
        self.run_with(cluster, |acked| acked >= self.events, meanwhile)
    }

    /// The same; `meanwhile` is done when so many are acked as it wants, and what was to be read first has been.
    pub(crate) fn run_with(
        &self,
        cluster: &Cluster,
        is_time: impl Fn(u64) -> bool + Send + Sync,
        meanwhile: impl FnOnce() + Send,
    ) -> Outcome {
        let hold = Arc::new(Hold {
            topic: self.topic.to_owned(),
            until: self.read,
            skips: self.skips.clone(),
            reached: AtomicU64::new(0),
            let_go: AtomicBool::new(false),
        });
        let wiring = Holding(Arc::clone(&hold));
        let acked = AtomicU64::new(0);
        let source = Source::Synthetic(Arc::new(synthetic::Synthetic::new(&synthetic::Config::default(), 7).unwrap()));
        let rate = Shape::Constant(Rate::per_second(self.rate).unwrap());
        let schedule = Schedule::new(vec![Phase::new("held", rate, None)], Some(self.events)).unwrap();
        let config = self.config(cluster);
        thread::scope(|scope| {
            scope.spawn(|| {
                let (events, until) = (self.events, self.read);
                let clock = Monotonic::start();
                while !is_time(acked.load(Ordering::Acquire)) || hold.reached.load(Ordering::Acquire) < until {
                    assert!(
                        clock.now() < Nanos::from(PATIENCE),
                        "{acked:?} of {events} acked, {:?} read",
                        hold.reached
                    );
                    clock.sleep_until(clock.now() + Nanos::from_millis(20));
                }
                meanwhile();
                hold.let_go.store(self.lets_go, Ordering::Release);
            });
            run_through(&wiring, &config, &source, schedule, &Interrupts::default(), &mut |tick| {
                acked.store(tick.total.acked, Ordering::Release);
                ControlFlow::Continue(())
            })
            .unwrap()
        })
    }

    fn config(&self, cluster: &Cluster) -> Config {
        let client = [
            ("acks", self.acks),
            ("enable.idempotence", if self.acks == "all" { "true" } else { "false" }),
            ("linger.ms", "5"),
            ("partitioner", "murmur2_random"),
            ("queue.buffering.max.messages", "20000"),
            ("delivery.timeout.ms", "30000"),
        ];
        Config {
            schemas: Vec::new(),
            rollout: Rollout::default(),
            name: "held".to_owned(),
            id: RunId(0x0123_4567_89ab_cdef),
            seed: 7,
            lanes: Lanes::only(1),
            start_at_unix_ns: None,
            pacing: Pacing::Sleep,
            event_time: EventTime::Now,
            late: loadgen::source::Late::default(),
            lateness: Lateness::default(),
            transactions: None,
            padding: None,
            kafka: KafkaConfig {
                bootstrap: Some(cluster.address().to_owned()),
                topic: self.topic.to_owned(),
                topic_map: BTreeMap::new(),
                partitions: 1,
                replication_factor: 1,
                create_topics: false,
                client: client.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
                connect_timeout: Duration::from_secs(20),
                headers: BTreeMap::new(),
                lag_group: None,
            },
            catalogue: std::sync::Arc::new(loadgen::shop::catalogue().unwrap()),
            verify: Some(Verification {
                group: self.group.clone(),
                back: ReadBack { drain_deadline: self.drain_deadline, ..ReadBack::default() },
            }),
            patience: Patience::default(),
            answers: None,
            detail: Detail::default(),
            faults: Vec::new(),
            downstream: Downstream::default(),
        }
    }
}
