//! A reading client: it is shown a partition up to its high watermark, and told once where it cannot go on.
//!
//! Sources: librdkafka with `auto.offset.reset=error` and `enable.partition.eof=true`, measured: one `_AUTO_OFFSET_RESET` or
//! `_LOG_TRUNCATION`, then the partition is silent until it is assigned anew; a position above the high watermark and within the
//! leader's log is answered with nothing, one past the leader's log is out of range.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::cluster::{Cluster, Shared};
use super::fates::{Fate, Given as Gave};
use super::log::{Entry, Message, Nature};
use super::stage::FIRST_ID;
use crate::clock::virtual_time;
use crate::kafka::headers::Headers;
use crate::kafka::{
    Answer, Code, Delivered, Judged, KafkaError, Notice, Record, Timestamp, TopicIdentity, Wait, Watermarks,
};
use crate::verify::reader::Reader;

/// The wait between two questions that got no answer.
const AGAIN: u64 = 20_000_000;

/// Where a partition is read.
#[derive(Clone, Debug)]
pub(super) struct Position {
    pub(super) partition: usize,
    next: usize,
    /// From where on it was assigned.
    first: usize,
    denied: bool,
    /// The epoch of the record before.
    epoch: Option<i32>,
    silent: bool,
    end_told: Option<usize>,
}

impl Position {
    /// One that is read from there on.
    pub(super) const fn at(partition: usize, next: usize) -> Self {
        Self { partition, next, first: next, denied: false, epoch: None, silent: false, end_told: None }
    }

    /// Goes past a record.
    const fn pass(&mut self, epoch: i32) {
        (self.next, self.epoch) = (self.next + 1, Some(epoch));
    }

    /// Notes that the run's own reader was told of its coming so far: what its client went past before tells it nothing.
    fn tell(&self, cluster: &mut Cluster, live: bool) {
        if live {
            let read_to = &mut cluster.read_to[self.partition];
            *read_to = self.next.max(*read_to);
        }
    }
}

/// A reader by assignment.
#[derive(Debug)]
pub(super) struct Consumer {
    pub(super) cluster: Shared,
    /// Whether what it is given is what the run saw while it went on.
    pub(super) live: bool,
    /// Whether it is given committed records alone.
    committed: bool,
    pub(super) positions: Vec<Position>,
}

enum Given {
    Record(usize, usize, i64, Arc<Message>, i32),
    End(usize, usize),
    Error(usize, Code, usize),
}

impl Consumer {
    pub(super) const fn new(cluster: Shared, live: bool, committed: bool) -> Self {
        Self { cluster, live, committed, positions: Vec::new() }
    }

    fn fetch(&mut self, most: usize) -> Vec<Given> {
        let mut cluster = self.cluster.open();
        if self.live {
            cluster.read_until = cluster.now;
        }
        let mut given = Vec::new();
        for position in &mut self.positions {
            fetch(&mut cluster, position, (self.live, self.committed), most, &mut given);
        }
        given
    }

    /// Takes up anew what had been given up.
    pub(super) fn take_up(&mut self, partition: i32, to: i64) {
        let live = self.live;
        for position in self.positions.iter_mut().filter(|position| number(position.partition) == partition) {
            *position = Position::at(position.partition, usize::try_from(to).unwrap_or(0));
            if live {
                self.cluster.open().read_to[position.partition] = position.next;
            }
        }
    }

    /// What says of the cluster whether there is something to take.
    pub(super) fn has_something(&self) -> impl Fn(&Cluster) -> bool + Send + use<> {
        let (positions, committed) = (self.positions.clone(), self.committed);
        move |cluster: &Cluster| positions.iter().any(|position| position.has_something(cluster, committed))
    }
}

impl Position {
    fn has_something(&self, cluster: &Cluster, committed: bool) -> bool {
        let position = self;
        if cluster.now < cluster.reading_held_until {
            return false;
        }
        if cluster.now < cluster.reading_denied_until {
            return !position.denied && !position.silent && cluster.answers(position.partition);
        }
        let shown = shown(cluster, position.partition, committed);
        let is_new = position.next < shown || position.end_told != Some(position.next);
        let readable = position.next <= shown && is_new || is_lost(cluster, position).is_some();
        !position.silent && cluster.answers(position.partition) && readable
    }
}

/// How far a reader is shown a partition.
fn shown(cluster: &Cluster, partition: usize, committed: bool) -> usize {
    let shown = cluster.shown[partition];
    if committed { shown.min(cluster.partitions[partition].stable) } else { shown }
}

/// Why a reader cannot go on at its position.
fn is_lost(cluster: &Cluster, position: &Position) -> Option<Code> {
    let partition = &cluster.partitions[position.partition];
    let log = partition.log();
    if position.next < partition.start || position.next > log.len() {
        return Some(Code::AutoOffsetReset);
    }
    let before = position.next.checked_sub(1).and_then(|before| log.get(before));
    let parted = before.zip(position.epoch).is_some_and(|(before, epoch)| before.epoch != epoch);
    (parted && !cluster.plan.old_brokers).then_some(Code::LogTruncation)
}

fn fetch(
    cluster: &mut Cluster,
    position: &mut Position,
    (live, committed): (bool, bool),
    most: usize,
    given: &mut Vec<Given>,
) {
    let at = position.partition;
    if position.silent || !cluster.answers(at) || cluster.now < cluster.reading_held_until {
        return;
    }
    let is_denied = cluster.now < cluster.reading_denied_until;
    if is_denied && !position.denied {
        given.push(Given::Error(at, Code::TopicAuthorizationFailed, position.next));
        cluster.was_denied |= live;
        cluster.told_at = cluster.told_at.or(live.then_some(cluster.now));
    }
    position.denied = is_denied;
    if is_denied {
        return;
    }
    if let Some(code) = is_lost(cluster, position) {
        position.silent = true;
        given.push(Given::Error(at, code, position.next));
        return;
    }
    if live {
        let back = std::mem::take(&mut cluster.steps_back[at]);
        let first = cluster.partitions[at].start.max(position.first);
        if back > 0 {
            position.next = position.next.saturating_sub(back).max(first);
            position.epoch = None;
        }
    }
    let shown = shown(cluster, at, committed);
    while position.next < shown && given.len() < most {
        let Entry { epoch, create_ms, message, transaction, .. } = cluster.partitions[at].log()[position.next].clone();
        let is_control = matches!(message.nature, Nature::Marker(_) | Nature::Gone);
        let is_held = transaction.is_some_and(|it| committed && cluster.partitions[at].aborted.contains(&it));
        if is_control || is_held {
            position.pass(epoch);
            continue;
        }
        if live && !cluster.gives(position, create_ms, &message) {
            position.pass(epoch);
            continue;
        }
        given.push(Given::Record(at, position.next, create_ms, message, epoch));
        position.pass(epoch);
        position.tell(cluster, live);
    }
    if position.next == shown && position.end_told != Some(position.next) && given.len() < most {
        position.end_told = Some(position.next);
        position.tell(cluster, live);
        given.push(Given::End(at, position.next));
    }
}

impl Cluster {
    /// Which topic its name stands for now.
    pub(super) fn identity(&self) -> Result<TopicIdentity, Code> {
        if self.now < self.reading_denied_until {
            return Err(Code::TopicAuthorizationFailed);
        }
        if self.now < self.deleted_until {
            return Err(Code::UnknownTopicOrPartition);
        }
        let id = if self.made_anew == 0 { FIRST_ID.to_owned() } else { format!("anew-{}", self.made_anew) };
        Ok(TopicIdentity { id: Some(id), partitions: number(self.partitions.len()) })
    }

    /// Notes what the reader of the run was told of the ends of a partition.
    fn note_told(&mut self, partition: usize, ends: Option<&Watermarks>) {
        let of_partition = |fate: &&Fate| fate.partition == Some(partition);
        let acked = self.fates.values().filter(of_partition).filter_map(|fate| match fate.answer {
            Some((Answer::Acked, offset, _)) => offset,
            _ => None,
        });
        self.is_short[partition] = ends.is_none_or(|ends| acked.max() >= Some(ends.high));
        if ends.is_some() {
            self.asked[partition] = Some(self.now);
        }
    }

    /// Notes that the reader of the run is given a record at a position. False where its client passes over it.
    fn gives(&mut self, position: &Position, create_ms: i64, message: &Message) -> bool {
        let (at, now) = (position.partition, self.now);
        let again = position.next < self.read_to[at];
        let offset = offset(position.next);
        let event = message.nature.event();
        if let Some(event) = event.filter(|_| !again && self.to_skip[at] > 0) {
            self.to_skip[at] -= 1;
            self.fates.entry(event).or_default().skipped = true;
            return false;
        }
        self.given.push(Gave { partition: at, nature: message.nature, create_ms, again });
        if again {
            return true;
        }
        if let Some(event) = event {
            self.fates.entry(event).or_default().seen.push((at, offset, now));
        } else if let Nature::Damaged(event) | Nature::Mislabelled(event) = message.nature {
            self.fates.entry(event).or_default().damaged.get_or_insert((at, offset));
        }
        true
    }
}

fn number(index: usize) -> i32 {
    i32::try_from(index).unwrap_or(i32::MAX)
}

fn offset(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

impl Reader for Consumer {
    fn assign(&mut self, _topic: &str, starts: &[(i32, i64)]) -> Result<(), KafkaError> {
        let index = |partition: i32| usize::try_from(partition).unwrap_or(0);
        let place =
            |(partition, next): &(i32, i64)| Position::at(index(*partition), usize::try_from(*next).unwrap_or(0));
        self.positions = starts.iter().map(place).collect();
        if self.live {
            let mut cluster = self.cluster.open();
            for position in &self.positions {
                cluster.read_to[position.partition] = position.next;
            }
        }
        Ok(())
    }

    fn seek(&mut self, _topic: &str, partition: i32, to: i64, _timeout: Duration) -> Result<(), KafkaError> {
        let cluster = self.cluster.open();
        for position in self.positions.iter_mut().filter(|position| number(position.partition) == partition) {
            position.next = usize::try_from(to).unwrap_or(cluster.shown[position.partition]);
            (position.first, position.epoch, position.end_told) = (position.next, None, None);
        }
        Ok(())
    }

    fn judged(&mut self, _read: &[Judged]) {}

    fn take(&mut self, most: usize, each: &mut dyn FnMut(Delivered<'_>)) -> usize {
        let given = self.fetch(most);
        for one in &given {
            each(match one {
                Given::Record(partition, at, create_ms, message, epoch) => Delivered::Record(Record {
                    partition: number(*partition),
                    offset: offset(*at),
                    timestamp: Timestamp::Create(*create_ms),
                    key: Some(&message.key),
                    body: Some(&message.body),
                    headers: Headers::default(),
                    leader_epoch: *epoch,
                }),
                Given::End(partition, at) => {
                    Delivered::EndOfPartition { partition: number(*partition), offset: offset(*at) }
                }
                Given::Error(partition, code, at) => {
                    Delivered::Error { partition: number(*partition), code: *code, offset: offset(*at) }
                }
            });
        }
        given.len()
    }

    fn wait(&mut self, timeout: Duration) -> io::Result<()> {
        let begun = virtual_time::now_ns().unwrap_or(0);
        let until = begun.saturating_add(u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX));
        self.cluster.wait_for(until, self.has_something());
        Ok(())
    }

    fn notices(&mut self, _notice: &mut dyn FnMut(Notice)) {}

    fn ends(&mut self, _topic: &str, partitions: &[i32], wait: Wait<'_>) -> Vec<Result<Watermarks, Code>> {
        let begun = virtual_time::now_ns().unwrap_or(0);
        let until = begun.saturating_add(u64::try_from(wait.timeout.as_nanos()).unwrap_or(u64::MAX));
        loop {
            let mut cluster = self.cluster.open();
            let now = cluster.now;
            let is_denied = now < cluster.reading_denied_until;
            let told: Vec<Result<Watermarks, Code>> = partitions
                .iter()
                .map(|partition| {
                    let partition = usize::try_from(*partition).unwrap_or(0);
                    let found = &cluster.partitions[partition];
                    let stable = if self.committed { found.stable } else { found.high };
                    let marks =
                        Watermarks { low: offset(found.start), high: offset(found.high), stable: offset(stable) };
                    match cluster.answers(partition) {
                        _ if now < cluster.deleted_until => Err(Code::UnknownTopicOrPartition),
                        _ if is_denied => Err(Code::TopicAuthorizationFailed),
                        true => Ok(marks),
                        false => Err(Code::OperationTimedOut),
                    }
                })
                .collect();
            for (partition, told) in partitions.iter().zip(&told).filter(|_| self.live) {
                let partition = usize::try_from(*partition).unwrap_or(0);
                cluster.note_told(partition, told.as_ref().ok());
            }
            drop(cluster);
            if told.iter().all(Result::is_ok) || now >= until || (wait.given_up)() {
                return told;
            }
            virtual_time::wait_until(until.min(now + AGAIN));
        }
    }

    fn identities(&mut self, topics: &[&str], _wait: Wait<'_>) -> Result<Vec<Result<TopicIdentity, Code>>, KafkaError> {
        let identity = self.cluster.open().identity();
        Ok(topics.iter().map(|_| identity.clone()).collect())
    }
}
