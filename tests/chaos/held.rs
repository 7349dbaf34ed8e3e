//! A run whose verifier stops after a number of records until something has been done to the log.

use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use loadgen::clock::{Clock, Monotonic, Nanos};
use loadgen::event::stamp::RunId;
use loadgen::kafka::native::Producer;
use loadgen::kafka::{Code, Delivered, KafkaError, Notice, Watermarks};
use loadgen::lane::{BodyTime, OnLag, Pacing};
use loadgen::run::wiring::{Reading, Wiring};
use loadgen::run::{Config, Group, Interrupts, Lanes, Outcome, Verify, run_through};
use loadgen::schedule::{Phase, Rate, Schedule, Shape};
use loadgen::soak::timeline::Detail;
use loadgen::source::{Source, synthetic};
use loadgen::verify::group::Live;
use loadgen::verify::reader::Reader;

use super::PATIENCE;
use super::cluster::Cluster;

/// Delivers `until` records, and the others when it is let go.
struct Held {
    consumer: Live,
    hold: Arc<Hold>,
    delivered: u64,
    released: bool,
}

struct Hold {
    topic: String,
    until: u64,
    reached: AtomicU64,
    let_go: AtomicBool,
}

impl Reader for Held {
    fn assign(&mut self, topic: &str, starts: &[(i32, i64)]) -> Result<(), KafkaError> {
        Reader::assign(&mut self.consumer, topic, starts)
    }

    fn seek(&mut self, topic: &str, partition: i32, offset: i64, timeout: Duration) -> Result<(), KafkaError> {
        Reader::seek(&mut self.consumer, topic, partition, offset, timeout)
    }

    fn take(&mut self, most: usize, each: &mut dyn FnMut(Delivered<'_>)) -> usize {
        let left = self.hold.until - self.delivered;
        if left == 0 && !self.released {
            if !self.hold.let_go.load(Ordering::Acquire) {
                return 0;
            }
            // What was fetched ahead is dropped: it must come from the log as it is now.
            let position = i64::try_from(self.hold.until).unwrap();
            Reader::seek(&mut self.consumer, &self.hold.topic, 0, position, PATIENCE).unwrap();
            self.released = true;
        }
        let most = if self.released { most } else { most.min(usize::try_from(left).unwrap()) };
        let mut records = 0;
        let taken = Reader::take(&mut self.consumer, most, &mut |delivered| {
            records += u64::from(matches!(delivered, Delivered::Record(_)));
            each(delivered);
        });
        if !self.released {
            self.delivered += records;
            self.hold.reached.store(self.delivered, Ordering::Release);
        }
        taken
    }

    fn wait(&mut self, timeout: Duration) -> io::Result<()> {
        Reader::wait(&mut self.consumer, timeout)
    }

    fn notices(&mut self, notice: &mut dyn FnMut(Notice)) {
        Reader::notices(&mut self.consumer, notice);
    }

    fn watermarks(&mut self, topic: &str, partition: i32, timeout: Duration) -> Result<Watermarks, Code> {
        Reader::watermarks(&mut self.consumer, topic, partition, timeout)
    }

    fn resume(&mut self, topic: &str, positions: &[(i32, i64)], given_up: &[i32]) -> Result<(), KafkaError> {
        Reader::resume(&mut self.consumer, topic, positions, given_up)
    }

    fn is_settled(&self) -> bool {
        Reader::is_settled(&self.consumer)
    }

    fn unsettled(&self, waited: Duration) -> Option<KafkaError> {
        Reader::unsettled(&self.consumer, waited)
    }

    fn drain(&mut self) {
        Reader::drain(&mut self.consumer);
    }
}

struct Holding(Arc<Hold>);

impl Wiring for Holding {
    type Publisher = Producer;
    type Reader = Held;
    type Clock = Monotonic;

    fn publisher(&self, _lane: u8, producer: Producer) -> Producer {
        producer
    }

    fn reader(&self, consumer: Live, reading: Reading) -> Held {
        Held { consumer, hold: Arc::clone(&self.0), delivered: 0, released: reading == Reading::Again }
    }

    fn clock(&self, clock: Monotonic) -> Monotonic {
        clock
    }
}

/// Sends `events` to a topic of one empty partition and reads `until` of them, as a group where one is given; when all are
/// acked, does `meanwhile` and reads on.
pub(crate) fn run(
    cluster: &Cluster,
    topic: &str,
    group: Option<Group>,
    events: u64,
    until: u64,
    meanwhile: impl FnOnce() + Send,
) -> Outcome {
    let hold =
        Arc::new(Hold { topic: topic.to_owned(), until, reached: AtomicU64::new(0), let_go: AtomicBool::new(false) });
    let wiring = Holding(Arc::clone(&hold));
    let acked = AtomicU64::new(0);
    let source = Source::Synthetic(Arc::new(synthetic::Synthetic::new(&synthetic::Config::default(), 7).unwrap()));
    let rate = Shape::Constant(Rate::per_second(3_000).unwrap());
    let schedule = Schedule::new(vec![Phase::new("held", rate, None)], Some(events)).unwrap();
    let config = config(cluster, topic, group);
    thread::scope(|scope| {
        scope.spawn(|| {
            let clock = Monotonic::start();
            while acked.load(Ordering::Acquire) < events || hold.reached.load(Ordering::Acquire) < until {
                assert!(clock.now() < Nanos::from(PATIENCE), "{acked:?} of {events} acked, {:?} read", hold.reached);
                clock.sleep_until(clock.now() + Nanos::from_millis(20));
            }
            meanwhile();
            hold.let_go.store(true, Ordering::Release);
        });
        run_through(&wiring, &config, &source, schedule, &Interrupts::default(), &mut |tick| {
            acked.store(tick.total.acked, Ordering::Release);
            ControlFlow::Continue(())
        })
        .unwrap()
    })
}

fn config(cluster: &Cluster, topic: &str, group: Option<Group>) -> Config {
    let client = [
        ("acks", "all"),
        ("enable.idempotence", "true"),
        ("linger.ms", "5"),
        ("partitioner", "murmur2_random"),
        ("queue.buffering.max.messages", "20000"),
        ("delivery.timeout.ms", "30000"),
    ];
    Config {
        name: "held".to_owned(),
        id: RunId(0x0123_4567_89ab_cdef),
        seed: 7,
        lanes: Lanes::only(1),
        start_at_unix_ns: None,
        pacing: Pacing::Sleep,
        body_time: BodyTime::Due,
        on_lag: OnLag::Queue,
        max_rate: None,
        padding: None,
        bootstrap: Some(cluster.address().to_owned()),
        topic: topic.to_owned(),
        topic_map: BTreeMap::new(),
        partitions: 1,
        replication_factor: 1,
        create_topic: false,
        client: client.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        connect_timeout: Duration::from_secs(20),
        lag_group: None,
        verify: Some(Verify { group, read_committed: false, drain_deadline: Duration::from_secs(60) }),
        flush_deadline: Duration::from_secs(35),
        detail: Detail::default(),
    }
}
