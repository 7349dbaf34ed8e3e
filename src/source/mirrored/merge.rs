//! The order in which records go out: partitions are merged by time, each in the order of its log.
//!
//! A partition of which more is there but not read yet is waited for, so that a reader that is ahead in one does not
//! carry its records before earlier ones of another. Where there is no room left to wait, what is there goes, and is
//! counted.
//!
//! What was written since the run began is live. Where such a record waits, the mirror is behind, and the gap before it
//! is played a little shorter: without that a mirror at the speed of 1 would stay behind for as long as it was held up
//! once.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use super::{Config, Told};
use crate::capture::{Captured, Owned};
use crate::clock::Nanos;
use crate::event::catalogue::TypeIndex;

/// Bytes that a record takes beside those of its key, value and headers.
const BESIDE: usize = size_of::<Waiting>() + 64;

/// By what share a gap before what is live is shorter where the mirror is behind: 1 / this.
const CATCH_UP: u64 = 20;

/// A record in its turn.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) record: Owned,
    /// The type of its topic's records.
    pub(super) kind: TypeIndex,
    /// When it is due, in the time of the run.
    pub(super) due: Nanos,
    /// How long after its arrival that is.
    pub(super) wait: Nanos,
}

/// All partitions.
#[derive(Debug)]
pub(super) struct Merge {
    partitions: Vec<Partition>,
    /// The place of each topic's first partition, and the type of its records.
    topics: BTreeMap<String, (usize, TypeIndex)>,
    /// The first record of each partition that has one, the earliest at the top; of one time the partition's place
    /// decides.
    heads: BinaryHeap<Reverse<(i64, usize)>>,
    /// Partitions of which more is there, and none waits.
    awaited: usize,
    room: usize,
    bytes: usize,
    /// The time of the record that went last, or of a later one before it, and when that was due.
    before: Option<(i64, Nanos)>,
    /// Since when no partition is waited for: whose turn it is was not known before.
    decided: Nanos,
    /// From which time on records are live, once the run has begun.
    live_from_ms: i64,
}

#[derive(Debug, Default)]
struct Partition {
    waiting: VecDeque<Waiting>,
    /// The latest time of its records so far.
    latest_ms: Option<i64>,
    /// Whether all that its log has has come in.
    is_at_end: bool,
}

#[derive(Debug)]
struct Waiting {
    arrival: Nanos,
    time_ms: i64,
    record: Owned,
}

impl Merge {
    pub(super) fn new(config: &Config, room: usize) -> Self {
        let (mut topics, mut first) = (BTreeMap::new(), 0);
        for (kind, (topic, partitions)) in (0..).zip(&config.topics) {
            topics.insert(topic.clone(), (first, TypeIndex(kind)));
            first += usize::try_from(*partitions).unwrap_or(0);
        }
        let partitions: Vec<Partition> = std::iter::repeat_with(Partition::default).take(first).collect();
        let heads = BinaryHeap::with_capacity(first);
        Self {
            awaited: first,
            partitions,
            topics,
            heads,
            room,
            bytes: 0,
            before: None,
            decided: Nanos::ZERO,
            live_from_ms: i64::MAX,
        }
    }

    /// The run begins at that wall time.
    pub(super) const fn begin(&mut self, wall_ms: i64) {
        self.live_from_ms = wall_ms;
    }

    pub(super) const fn is_full(&self) -> bool {
        self.bytes >= self.room
    }

    /// Whether who waits for room is to be told: not of every record that goes, unless others wait for one that is to
    /// come.
    pub(super) const fn wants_more(&self) -> bool {
        !self.is_full() && (self.awaited > 0 || self.bytes < self.room - self.room / 4)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// Takes a record in; false where it is of no partition that there is.
    pub(super) fn put(&mut self, record: &Captured<'_>, arrival: Nanos, told: &mut Told) -> bool {
        let Some(place) = self.place(record.topic, record.partition) else { return false };
        let was_decided = self.is_decided();
        let partition = &mut self.partitions[place];
        let time_ms = match (record.timestamp.unix_ms(), partition.latest_ms) {
            (Some(at), Some(before)) if at < before => {
                told.back += 1;
                before
            }
            (Some(at), _) => at,
            (None, before) => {
                told.back += 1;
                before.or_else(|| self.before.map(|(ms, _)| ms)).unwrap_or(0)
            }
        };
        partition.latest_ms = Some(time_ms);
        if partition.waiting.is_empty() {
            self.awaited -= usize::from(!partition.is_at_end);
            self.heads.push(Reverse((time_ms, place)));
        }
        partition.is_at_end = false;
        let record = Owned::from(*record);
        self.bytes += size(&record);
        partition.waiting.push_back(Waiting { arrival, time_ms, record });
        self.decide(was_decided, arrival);
        true
    }

    /// Whether it is known whose turn it is: nobody is waited for, or there is no room to.
    const fn is_decided(&self) -> bool {
        self.awaited == 0 || self.is_full()
    }

    fn decide(&mut self, was_decided: bool, now: Nanos) {
        if !was_decided && self.is_decided() {
            self.decided = now;
        }
    }

    /// All that its log has of a partition has come in.
    pub(super) fn end_of(&mut self, topic: &str, partition: i32, now: Nanos) {
        let Some(place) = self.place(topic, partition) else { return };
        let was_decided = self.is_decided();
        let partition = &mut self.partitions[place];
        if !std::mem::replace(&mut partition.is_at_end, true) && partition.waiting.is_empty() {
            self.awaited -= 1;
        }
        self.decide(was_decided, now);
    }

    /// The next record; `None` while none is there, or a partition is waited for. `is_last`: nothing more comes in.
    pub(super) fn take(&mut self, config: &Config, is_last: bool, told: &mut Told) -> Option<Turn> {
        let is_awaited = self.awaited > 0 && !is_last;
        if is_awaited && !self.is_full() {
            return None;
        }
        let Reverse((_, place)) = self.heads.pop()?;
        told.out_of_turn += u64::from(is_awaited);
        let partition = &mut self.partitions[place];
        let Waiting { arrival, time_ms, record } = partition.waiting.pop_front()?;
        match partition.waiting.front() {
            Some(next) => self.heads.push(Reverse((next.time_ms, place))),
            None => self.awaited += usize::from(!partition.is_at_end),
        }
        self.bytes -= size(&record);
        // Before that nobody knew that it was the next one.
        let there = arrival.max(self.decided);
        let due = match self.before {
            None => there,
            Some((before_ms, due)) => {
                let gap = Nanos::from_millis(u64::try_from(time_ms.saturating_sub(before_ms)).unwrap_or(0));
                let max = config.max_gap.map_or(Nanos::MAX, Nanos::from);
                told.gaps_capped += u64::from(gap > max);
                let gap = config.speed.compress(gap.min(max));
                let is_behind = time_ms >= self.live_from_ms && due + gap > there;
                let shorter = if is_behind && config.catches_up() { gap.0 / CATCH_UP } else { 0 };
                there.max(due + Nanos(gap.0 - shorter))
            }
        };
        let latest_ms = self.before.map_or(time_ms, |(before_ms, _)| before_ms.max(time_ms));
        self.before = Some((latest_ms, due));
        let kind = self.topics.get(&record.topic).map_or_else(TypeIndex::default, |(_, kind)| *kind);
        Some(Turn { record, kind, due, wait: due.saturating_since(arrival) })
    }

    /// Lets go what waits, and says how many records that were.
    pub(super) fn clear(&mut self) -> u64 {
        self.heads.clear();
        self.bytes = 0;
        self.partitions.iter_mut().map(|partition| std::mem::take(&mut partition.waiting).len() as u64).sum()
    }

    fn place(&self, topic: &str, partition: i32) -> Option<usize> {
        let (first, _) = self.topics.get(topic)?;
        let place = first + usize::try_from(partition).ok()?;
        (place < self.partitions.len()).then_some(place)
    }
}

fn size(record: &Owned) -> usize {
    let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
    BESIDE + record.topic.len() + length(&record.key) + length(&record.value) + record.headers.len()
}
