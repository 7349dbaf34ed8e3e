//! A member of the group as a client: it reads what it was given, and follows what the group decides.
//!
//! Sources: kafka/native/member.rs, which this stands in for (records and decisions come from one queue; a partition is read from what the
//! group has committed on, and not before the run's start), and what librdkafka does behind it (group.rs).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::cluster::{Cluster, MS, Shared};
use super::group::Decision;
use super::reader::{Consumer, Position};
use crate::clock::virtual_time;
use crate::kafka::native::Change;
use crate::kafka::slots::Slots;
use crate::kafka::{Code, Delivered, Judged, KafkaError, Notice, Refusal, Settings, TopicIdentity, Wait, Watermarks};
use crate::verify::group::GroupMember;
use crate::verify::reader::Reader;

/// How long the coordinator is waited for.
const COORDINATOR: u64 = 5_000 * MS;
/// How long it takes to leave.
const LEAVING: Duration = Duration::from_millis(15);

/// The clusters that can be reached, by the address of a broker.
static CLUSTERS: Mutex<BTreeMap<String, Shared>> = Mutex::new(BTreeMap::new());

/// Makes a cluster one that can be reached, for as long as this is there.
pub(super) struct Address(pub(super) String);

impl Address {
    pub(super) fn of(cluster: &Shared) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("simulated-{}:9092", NEXT.fetch_add(1, Ordering::Relaxed));
        CLUSTERS.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), cluster.clone());
        Self(name)
    }
}

impl Drop for Address {
    fn drop(&mut self) {
        CLUSTERS.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}

/// A member.
#[derive(Debug)]
pub(super) struct Member {
    number: usize,
    consumer: RefCell<Consumer>,
    starts: BTreeMap<i32, i64>,
    decided: Option<Decision>,
    changes: Vec<Change>,
    leaves_without_a_word: bool,
}

impl Member {
    fn cluster(&self) -> Shared {
        self.consumer.borrow().cluster.clone()
    }

    /// Waits until the coordinator answers.
    fn asks(&self) -> bool {
        let cluster = self.cluster();
        let until = cluster.open().now + COORDINATOR;
        loop {
            let now = {
                let cluster = cluster.open();
                if cluster.coordinator_answers(self.number) {
                    return true;
                }
                cluster.now
            };
            if now >= until {
                return false;
            }
            virtual_time::wait_until(until.min(now + 20 * MS));
        }
    }

    fn follow(&mut self, decision: &Decision) {
        let mut error = None;
        if !decision.lost && !self.asks() {
            error = Some(Code::OperationTimedOut);
        }
        let shared = self.cluster();
        let mut cluster = shared.open();
        let mut consumer = self.consumer.borrow_mut();
        let mut starts = Vec::new();
        let partitions = if decision.assigned {
            for partition in decision.partitions.iter().copied() {
                let start = i32::try_from(partition).ok().and_then(|slot| self.starts.get(&slot));
                let start = start.and_then(|start| usize::try_from(*start).ok()).unwrap_or(0);
                let committed = cluster.group.committed.get(&partition).copied().filter(|_| error.is_none());
                let first = committed.unwrap_or(start).max(start);
                consumer.positions.push(Position::at(partition, first));
                starts.push(i64::try_from(first).unwrap_or(i64::MAX));
            }
            decision.partitions.clone()
        } else {
            if !decision.lost {
                cluster.commit(self.number);
            }
            let is_given_up =
                |position: &mut Position| decision.lost || decision.partitions.contains(&position.partition);
            let given_up: Vec<usize> =
                consumer.positions.extract_if(.., is_given_up).map(|position| position.partition).collect();
            for partition in &given_up {
                cluster.group.forget_stored(self.number, *partition);
            }
            cluster.gave_up(self.number, decision);
            given_up
        };
        let partitions = partitions.into_iter().filter_map(|partition| i32::try_from(partition).ok()).collect();
        self.changes.push(Change {
            assigned: decision.assigned,
            partitions,
            starts,
            lost: decision.lost,
            error,
            ..Change::default()
        });
    }

    /// What says of the cluster whether there is something to take, or to learn.
    fn has_something(&self) -> impl Fn(&Cluster) -> bool + Send + use<> {
        let (number, is_decided, records) =
            (self.number, self.decided.is_some(), self.consumer.borrow().has_something());
        move |cluster: &Cluster| {
            is_decided
                || cluster.group.is_told(number, cluster.now)
                || cluster.group.refusal.is_some()
                || records(cluster)
        }
    }
}

impl GroupMember for Member {
    fn join(settings: &Settings, _slots: &Arc<Slots>, starts: BTreeMap<i32, i64>) -> Result<Self, KafkaError> {
        let clusters = CLUSTERS.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |key: &str| settings.get(key).cloned().unwrap_or_default();
        let cluster = clusters.get(&of("bootstrap.servers")).cloned();
        let cluster = cluster.ok_or_else(|| KafkaError::Create("there is no such cluster".to_owned()))?;
        drop(clusters);
        let number = cluster.open().join_group();
        let committed = of("isolation.level") == "read_committed";
        let consumer = RefCell::new(Consumer::new(cluster, true, committed));
        Ok(Self { number, consumer, starts, decided: None, changes: Vec::new(), leaves_without_a_word: false })
    }

    fn changes(&mut self) -> Vec<Change> {
        if let Some(decision) = self.decided.take() {
            self.follow(&decision);
        }
        std::mem::take(&mut self.changes)
    }

    fn refusal(&self) -> Option<Refusal> {
        let cluster = self.cluster();
        let mut cluster = cluster.open();
        let refusal = cluster.group.refusal.clone();
        cluster.was_denied |= refusal.is_some();
        refusal
    }

    fn take(&mut self, most: usize, each: &mut dyn FnMut(Delivered<'_>)) -> usize {
        if self.decided.is_none() {
            let cluster = self.cluster();
            let mut cluster = cluster.open();
            let now = cluster.now;
            self.decided = cluster.group.told(self.number, now);
        }
        if self.decided.is_some() { 0 } else { self.consumer.get_mut().take(most, each) }
    }

    fn wait_any(members: &mut [Self], timeout: Duration) -> io::Result<()> {
        let Some(cluster) = members.first().map(Self::cluster) else { return Ok(()) };
        let begun = virtual_time::now_ns().unwrap_or(0);
        let until = begun.saturating_add(u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX));
        let each: Vec<_> = members.iter().map(Self::has_something).collect();
        cluster.wait_for(until, move |cluster| each.iter().any(|has_something| has_something(cluster)));
        Ok(())
    }

    fn notices(&mut self, _notice: &mut dyn FnMut(Notice)) {}

    fn store(&self, read: &[Judged]) {
        let cluster = self.cluster();
        let mut cluster = cluster.open();
        for read in read {
            let (partition, position) = (usize::try_from(read.partition), usize::try_from(read.position));
            let (Ok(partition), Ok(position)) = (partition, position) else { continue };
            if self.consumer.borrow().positions.iter().any(|own| own.partition == partition) {
                cluster.group.store(self.number, partition, position);
            }
        }
    }

    fn commit(&self) -> Result<(), Code> {
        self.cluster().open().commit(self.number);
        Ok(())
    }

    fn seek(&self, topic: &str, partition: i32, offset: i64, timeout: Duration) -> Result<(), KafkaError> {
        self.consumer.borrow_mut().seek(topic, partition, offset, timeout)
    }

    fn take_up(&self, positions: &BTreeMap<i32, i64>, given_up: &[i32]) -> Result<(), KafkaError> {
        for partition in given_up {
            if let Some(to) = positions.get(partition) {
                self.consumer.borrow_mut().take_up(*partition, *to);
            }
        }
        Ok(())
    }

    fn ends(&self, topic: &str, partitions: &[i32], wait: Wait<'_>) -> Vec<Result<Watermarks, Code>> {
        self.consumer.borrow_mut().ends(topic, partitions, wait)
    }

    fn identities(&self, topics: &[&str], wait: Wait<'_>) -> Result<Vec<Result<TopicIdentity, Code>>, KafkaError> {
        self.consumer.borrow_mut().identities(topics, wait)
    }

    fn leave_uncommitted(&mut self) {
        self.leaves_without_a_word = true;
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            crate::clock::Clock::sleep_until(&crate::clock::Monotonic::start(), LEAVING.into());
        }
        let shared = self.cluster();
        let mut cluster: std::sync::MutexGuard<'_, Cluster> = shared.open();
        if !self.leaves_without_a_word {
            cluster.commit(self.number);
        }
        cluster.leave_group(self.number, !self.leaves_without_a_word);
    }
}
