//! What is known by key: which task has it, how far that had come, and how what lies on the disk is judged a part at a time.

use std::collections::HashMap;

use super::class::{Ending, Tally};
use super::declare::Added;
use super::source::Event;
use super::spill::{OutputRecord, Spill, SpilledEntry};
use super::stream_time::{Own, StreamTimes};
use crate::kafka::murmur2;

/// How long what was seen is kept, in ms of event time, for a second result that may come.
pub(super) const KEPT: i64 = 300_000;

/// What is known of a key, which one task has.
pub(super) trait OfTask {
    fn of(task: usize) -> Self;
    fn task(&self) -> usize;
}

/// All keys.
#[derive(Debug)]
pub(super) struct ByKey<K> {
    pub(super) added: Added,
    pub(super) times: StreamTimes,
    /// Whether anything hangs on the time of tasks.
    has_times: bool,
    partitions: i32,
    pub(super) keys: HashMap<Box<[u8]>, K>,
    pub(super) tally: Tally,
    pub(super) own: Own,
}

impl<K: OfTask> ByKey<K> {
    pub(super) fn new(added: Added, has_times: bool, partitions: usize) -> Self {
        Self {
            added,
            times: StreamTimes::new(partitions),
            has_times,
            partitions: i32::try_from(partitions).unwrap_or(i32::MAX),
            keys: HashMap::new(),
            tally: Tally::default(),
            own: Own::default(),
        }
    }

    fn task(&self, name: &[u8], partition: usize) -> usize {
        match self.added.apart_ms {
            Some(_) => usize::try_from(murmur2::partition(name, self.partitions)).unwrap_or_default(),
            None => partition,
        }
    }

    /// What is known of a key of which events come from that partition.
    pub(super) fn known(&mut self, name: &[u8], partition: usize) -> Option<(&Added, &mut K)> {
        if !self.keys.contains_key(name) {
            let task = self.task(name, partition);
            self.keys.insert(name.into(), K::of(task));
        }
        self.keys.get_mut(name).map(|key| (&self.added, key))
    }

    /// An event came that is added later; returns the largest time that its partition has brought to its task.
    pub(super) fn note(&mut self, event: Event<'_>) -> i64 {
        self.own.note(event);
        if !self.has_times {
            return event.ts;
        }
        let task = self.task(event.key, event.partition);
        self.times.note(task, event)
    }

    /// Takes an event: `add` adds it to its key, with the largest time that its partition has brought to its task.
    pub(super) fn take(&mut self, event: Event<'_>, add: impl FnOnce(&Added, &mut K, i64)) {
        let Self { keys, times, own, added, has_times, .. } = self;
        if let Some(key) = keys.get_mut(event.key) {
            own.note(event);
            // Without a repartition each partition is a task, whatever keys it has.
            let task = if added.apart_ms.is_some() { key.task() } else { event.partition };
            let most = if *has_times { times.note(task, event) } else { event.ts };
            return add(added, key, most);
        }
        let most = self.note(event);
        if let Some((added, key)) = self.known(event.key, event.partition) {
            add(added, key, most);
        }
    }

    /// All of them in the order of their names.
    pub(super) fn sorted(&self) -> Vec<(&[u8], &K)> {
        let mut keys: Vec<(&[u8], &K)> = self.keys.iter().map(|(name, key)| (&**name, key)).collect();
        keys.sort_unstable_by_key(|(name, _)| *name);
        keys
    }
}

/// What adds events up by key, and judges what came.
pub(super) trait Adding {
    type Key: OfTask;

    fn by_key(&mut self) -> &mut ByKey<Self::Key>;

    /// Adds an event, with the largest time that its partition had brought to its task.
    fn add(&mut self, event: Event<'_>, most: i64);

    /// Takes a record of the output.
    fn see(&mut self, came: OutputRecord<'_>);

    /// Judges all keys.
    fn judge(&mut self, ending: Ending<'_>);

    /// Judges what is in memory and what lies on the disk; returns why that could not be read.
    fn judge_all(&mut self, ending: Ending<'_>, spill: Option<Spill>) -> Option<String> {
        let mut failed = None;
        if let Some(mut spill) = spill {
            let keys = std::mem::take(&mut self.by_key().keys);
            for (part, keys) in spill.parted(keys, Clone::clone).into_iter().enumerate() {
                self.by_key().keys = keys;
                spill.tell(part, |told| match told {
                    SpilledEntry::Event(event, most) => self.add(event, most),
                    SpilledEntry::OutputRecord(came) => self.see(came),
                });
                failed = spill.failed();
                self.judge(Ending { unknown: ending.unknown.or(failed.as_deref()), ..ending });
                self.by_key().keys.clear();
            }
        }
        self.judge(ending);
        failed
    }
}
