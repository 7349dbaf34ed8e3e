//! Records topics as a member of a consumer group, for good: commits what is on the disk, and nothing else.
//!
//! At least once: whatever kills the process, the group stands at or before the end of what is in files, so the next member
//! goes on there. What it then reads again lies in two files, and never twice in one.

pub mod stored;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Captured;
use super::format::{Head, TopicHead};
use super::recorder::recorded::EndedBy;
use super::recorder::{BATCH, Keep, RecordError, Sight, Start, TELL, TURN, topics};
use crate::clock::{Clock, Monotonic, Nanos};
use crate::kafka::native::{Change, Consumer, Member, wait_any};
use crate::kafka::slots::Slots;
use crate::kafka::{Code, Delivered, Judged, KafkaError, Notice, Settings, Wait, lacks_right};
use stored::{PartitionStored, Stored};

/// How often it joins anew without a record in between before it gives up.
const FRUITLESS: u32 = 5;

/// What is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stock {
    /// The group.
    pub group: String,
    /// The topics.
    pub topics: Vec<String>,
    /// From where, in partitions in which the group has committed nothing.
    pub from: Start,
    /// It ends when nothing has come for so long.
    pub idle: Option<Duration>,
    /// After how many records it ends, at the latest.
    pub most: Option<u64>,
    /// Whether only records of committed transactions are taken.
    pub read_committed: bool,
}

/// A partition that the member has now.
#[derive(Debug)]
struct Place {
    /// The offset behind the last one that was passed.
    next: i64,
    leader_epoch: i32,
    /// Whether the group was told.
    is_told: bool,
    /// Its index in [`Stored::partitions`].
    at: usize,
}

impl Place {
    /// No record comes before `offset`.
    fn end(&mut self, offset: i64, told: &mut PartitionStored) {
        if offset > self.next {
            told.absent += offset.abs_diff(self.next);
            self.go_to(offset, told);
        }
    }

    /// The record at `offset` was taken.
    fn pass(&mut self, offset: i64, leader_epoch: i32, told: &mut PartitionStored) {
        self.end(offset, told);
        self.go_to(offset + 1, told);
        self.leader_epoch = leader_epoch;
        told.recorded += 1;
    }

    /// What was before `offset` is gone.
    fn expire(&mut self, offset: i64, told: &mut PartitionStored) {
        told.expired += offset.abs_diff(self.next);
        self.go_to(offset, told);
    }

    fn go_to(&mut self, offset: i64, told: &mut PartitionStored) {
        (self.next, self.is_told) = (offset, false);
        told.until = told.until.max(offset);
    }
}

/// A member of the group between two times that it joins.
#[derive(Debug)]
pub struct Storage {
    stock: Stock,
    bootstrap: String,
    client: Settings,
    timeout: Duration,
    clock: Monotonic,
    fruitless: u32,
    known: TopicState,
}

/// What is known of the topics.
#[derive(Debug)]
struct TopicState {
    topics: BTreeMap<String, TopicHead>,
    settings: Settings,
    slots: Arc<Slots>,
    starts: BTreeMap<i32, i64>,
}

impl TopicState {
    /// Partitions that were not there `before` are read from their first record on, wherever the others begin.
    fn of(
        stock: &Stock,
        bootstrap: &str,
        client: &Settings,
        timeout: Duration,
        before: Option<&Self>,
    ) -> Result<Self, KafkaError> {
        let mut topics = topics::describe(&stock.topics, bootstrap, client, timeout)?;
        let settings = topics::reading(stock.read_committed, &stock.group, bootstrap, client);
        let mut consumer = Consumer::new(&settings)?;
        let slots = Arc::new(Slots::unmapped(topics.iter().map(|(topic, head)| (topic.clone(), head.partitions))));
        consumer.join(&slots);
        topics::identify(&mut topics, &consumer, timeout);
        let named: Vec<(&str, i32)> = (0..slots.len()).filter_map(|slot| slots.place(slot)).collect();
        let ends = consumer.first_ends(&named, timeout)?;
        let mut starts = topics::starts(&consumer, &named, stock.from, &ends, timeout)?;
        for ((start, (topic, partition)), ends) in starts.iter_mut().zip(&named).zip(&ends) {
            if before.is_some_and(|before| before.slots.slot(topic.as_bytes(), *partition).is_none()) {
                *start = ends.low;
            }
        }
        let starts = (0..slots.len()).zip(starts).collect();
        Ok(Self { topics, settings, slots, starts })
    }
}

impl Storage {
    /// Finds out what there is to store.
    ///
    /// # Errors
    /// Where the cluster cannot be used, or a topic is not there.
    pub fn new(stock: Stock, bootstrap: &str, client: &Settings, timeout: Duration) -> Result<Self, KafkaError> {
        let known = TopicState::of(&stock, bootstrap, client, timeout, None)?;
        let (bootstrap, client) = (bootstrap.to_owned(), client.clone());
        Ok(Self { stock, bootstrap, client, timeout, clock: Monotonic::start(), fruitless: 0, known })
    }

    /// What stands at the head of its files from now on, but for the time.
    #[must_use]
    pub fn head(&self, tool: String) -> Head {
        let (started_at, topics) = (String::new(), self.known.topics.clone());
        Head { tool, started_at, read_committed: self.stock.read_committed, topics }
    }

    /// Joins the group and records what it is given, until there is nothing more to do; false where it has to join anew, since a log
    /// was cut off at its start or a topic has other partitions. `asked` tells how often it was asked to end.
    ///
    /// # Errors
    /// Where nothing can be written, or waited for, or the cluster cannot be asked. What the group does to it is told in `stored`.
    pub fn record(
        &mut self,
        keep: &mut dyn Keep,
        stored: &mut Stored,
        asked: &dyn Fn() -> u32,
        show: &mut dyn FnMut(Sight),
    ) -> Result<bool, RecordError> {
        let before = stored.records;
        let ended = Session::join(self, stored)?.run(keep, asked, show)?;
        self.fruitless = if stored.records > before { 0 } else { self.fruitless + 1 };
        stored.seconds = self.clock.now().as_secs_f64();
        if ended.is_none() && self.fruitless < FRUITLESS {
            let Self { stock, bootstrap, client, timeout, .. } = &*self;
            self.known = TopicState::of(stock, bootstrap, client, *timeout, Some(&self.known))?;
            return Ok(false);
        }
        if ended.is_none() {
            stored.failure = Some(format!("the group was joined {FRUITLESS} times without a record"));
        }
        stored.ended_by = ended.or(Some(EndedBy::Failure));
        Ok(true)
    }
}

/// The time between joining the group and leaving it.
struct Session<'a> {
    of: &'a Storage,
    stored: &'a mut Stored,
    member: Member,
    /// The partitions that it has now, by slot.
    places: BTreeMap<i32, Place>,
    /// When something last came; nothing counts as quiet before the group has decided.
    last: Option<Nanos>,
    /// Whether it has to join anew.
    anew: bool,
}

impl<'a> Session<'a> {
    fn join(of: &'a Storage, stored: &'a mut Stored) -> Result<Self, KafkaError> {
        let mut member = Member::join(&of.known.settings, &of.known.slots, of.known.starts.clone())?;
        member.follow_commits();
        Ok(Self { of, stored, member, places: BTreeMap::new(), last: None, anew: false })
    }

    /// Why there is nothing more to do; nothing where it has to join anew.
    fn run(
        mut self,
        keep: &mut dyn Keep,
        asked: &dyn Fn() -> u32,
        show: &mut dyn FnMut(Sight),
    ) -> Result<Option<EndedBy>, RecordError> {
        let clock = self.of.clock;
        let (mut settled, mut told) = (clock.now(), clock.now());
        let ended = loop {
            let taken = self.turn(keep)?;
            let now = clock.now();
            if taken > 0 {
                self.last = Some(now);
            }
            // Another member may have what is given up as soon as that is followed.
            if now >= settled + keep.every() || self.member.is_called_on() {
                settled = now;
                self.settle(keep)?;
            }
            let changes = self.member.changes();
            if !changes.is_empty() {
                keep.divide().map_err(RecordError::Write)?;
            }
            for change in changes {
                self.last = Some(now);
                self.follow(&change);
                // Where a partition without a commit begins is committed at once: the next member must not begin elsewhere.
                settled = Nanos::ZERO;
            }
            if now >= told + TELL {
                told = now;
                show(Sight { now, records: self.stored.records, bytes: self.stored.bytes, share: None, waits: false });
            }
            if let Some(ended) = self.ended(asked, now) {
                break Some(ended);
            }
            if self.anew {
                break None;
            }
            if taken == 0 {
                wait_any(std::slice::from_mut(&mut self.member), TURN).map_err(RecordError::Wait)?;
            }
        };
        self.settle(keep)?;
        if let Err(code) = self.member.commit_and_wait() {
            tracing::warn!(
                "the last commit was refused ({code}): the next member records again what came since the one before"
            );
        }
        Ok(ended)
    }

    /// Takes what is there.
    fn turn(&mut self, keep: &mut dyn Keep) -> Result<usize, RecordError> {
        let Self { of, stored, member, places, .. } = self;
        let most = of.stock.most.unwrap_or(u64::MAX);
        let (mut written, mut moved, mut failed) = (Ok(()), Vec::new(), None);
        let taken = member.take(BATCH, |delivered| match delivered {
            Delivered::Record(record) => {
                let Some(place) = places.get_mut(&record.partition) else { return };
                let Some((topic, partition)) = of.known.slots.place(record.partition) else { return };
                if written.is_err() || stored.records >= most || record.offset < place.next {
                    return;
                }
                let captured = Captured::of(topic, partition, record);
                written = keep.take(&captured);
                place.pass(record.offset, record.leader_epoch, &mut stored.partitions[place.at]);
                stored.records += 1;
                stored.bytes += captured.size();
            }
            Delivered::EndOfPartition { partition, offset } => {
                // Behind the last record that was wanted, others were passed that are in no file.
                if let Some(place) = places.get_mut(&partition).filter(|_| written.is_ok() && stored.records < most) {
                    place.end(offset, &mut stored.partitions[place.at]);
                }
            }
            Delivered::Error {
                partition,
                code: Code::OffsetOutOfRange | Code::AutoOffsetReset | Code::LogTruncation,
                ..
            } => moved.push(partition),
            Delivered::Error { code, .. } if lacks_right(code) => {
                failed = Some(KafkaError::Refused { what: "reading".to_owned(), code }.to_string());
            }
            Delivered::Error { partition, code, offset } => {
                tracing::debug!(partition, %code, offset, "reading");
            }
        });
        written.map_err(RecordError::Write)?;
        self.member.notices(|notice| {
            if let Notice::Error { code, text, fatal: true } = &notice {
                failed = Some(format!("{text} ({code})"));
            }
            tracing::debug!(target: "librdkafka", "{notice:?}");
        });
        if let Some(refusal) = self.member.refusal() {
            failed = Some(format!("the group does not take a member: {} ({})", refusal.text, refusal.code));
        }
        self.stored.failure = failed.or_else(|| self.stored.failure.take());
        for slot in moved {
            self.find_again(slot);
        }
        Ok(taken)
    }

    /// Finds the place to go on in a log that has no record at the position. The member joins anew to go there.
    fn find_again(&mut self, slot: i32) {
        let Some(place) = self.places.get_mut(&slot) else { return };
        self.anew = true;
        let (topic, partition) = self.of.known.slots.place(slot).unwrap_or_default();
        let Some(Ok(ends)) = self.member.ends(topic, &[slot], Wait::of(self.of.timeout)).pop() else { return };
        if ends.high < place.next {
            self.stored.failure = Some(format!(
                "partition {partition} of topic \"{topic}\" ends at offset {}, and the group stands at {}: the log was cut off, or the topic \
                 made anew; another group begins anew",
                ends.high, place.next
            ));
        } else if ends.low > place.next {
            let expired = ends.low.abs_diff(place.next);
            tracing::warn!(
                "partition {partition} of topic \"{topic}\" begins at offset {}: {expired} offsets were gone before they were read",
                ends.low
            );
            place.expire(ends.low, &mut self.stored.partitions[place.at]);
        }
    }

    /// Puts on the disk what was taken, then tells the group of it.
    fn settle(&mut self, keep: &mut dyn Keep) -> Result<(), RecordError> {
        keep.settle().map_err(RecordError::Write)?;
        let untold = self.places.iter_mut().filter(|(_, place)| !place.is_told);
        let read: Vec<Judged> = untold
            .map(|(slot, place)| {
                place.is_told = true;
                Judged { partition: *slot, position: place.next, leader_epoch: place.leader_epoch }
            })
            .collect();
        if !read.is_empty() {
            self.member.store(&read);
            if let Err(code) = self.member.commit() {
                tracing::debug!(%code, "a commit was refused");
            }
        }
        Ok(())
    }

    /// Follows what the group has decided.
    fn follow(&mut self, change: &Change) {
        match change.error {
            Some(code) if lacks_right(code) => {
                let what = "following the group".to_owned();
                self.stored.failure = Some(KafkaError::Refused { what, code }.to_string());
            }
            Some(_) => self.anew = true,
            None => {}
        }
        let told = self.of.known.slots.told(&change.partitions);
        if !change.assigned {
            tracing::info!("the group takes {told}{}", if change.lost { ", which are lost" } else { "" });
            let counter = if change.lost { &mut self.stored.lost } else { &mut self.stored.taken };
            *counter += u64::from(!change.partitions.is_empty());
            self.places.retain(|slot, _| !change.partitions.contains(slot));
            return;
        }
        tracing::info!("the group gives {told}");
        self.stored.given += u64::from(!change.partitions.is_empty());
        for (slot, start) in change.partitions.iter().zip(&change.starts) {
            let Some((topic, partition)) = self.of.known.slots.place(*slot) else {
                // A partition that came after this member has asked which there are.
                self.anew = true;
                continue;
            };
            let at = self.stored.index(topic, partition, *start);
            self.places.insert(*slot, Place { next: *start, leader_epoch: -1, is_told: false, at });
        }
    }

    fn ended(&self, asked: &dyn Fn() -> u32, now: Nanos) -> Option<EndedBy> {
        let Stock { most, idle, .. } = self.of.stock;
        let is_quiet = |idle| self.last.is_some_and(|last| now.saturating_since(last) >= Nanos::from(idle));
        if self.stored.failure.is_some() {
            Some(EndedBy::Failure)
        } else if asked() > 0 {
            Some(EndedBy::Interrupt)
        } else if most.is_some_and(|most| self.stored.records >= most) {
            Some(EndedBy::NumRecords)
        } else {
            idle.is_some_and(is_quiet).then_some(EndedBy::Idle)
        }
    }
}
