//! Records of which nothing can be said yet: the schema that they name is still being looked up.
//!
//! They and what follows them in their partitions are kept in their order, with the time at which they were read, and count as not
//! read until they are judged.

use std::collections::{BTreeMap, VecDeque};

use crate::clock::Nanos;
use crate::kafka::headers::Headers;
use crate::kafka::{Record, Timestamp};

/// As much is kept; beyond it nothing more is taken from the client.
const MOST_BYTES: usize = 64 << 20;
/// What a record takes beside its key and its value.
const OVERHEAD: usize = 128;

/// What was delivered of a partition and is not judged yet.
#[derive(Debug, Default)]
pub(crate) struct Unjudged {
    partitions: BTreeMap<i32, VecDeque<Item>>,
    bytes: usize,
    records: u64,
    /// Records that were forgotten and will not be delivered again: their log has aged.
    gone: u64,
}

/// One thing that was delivered.
#[derive(Debug)]
pub(crate) enum Item {
    Record(UnjudgedRecord),
    /// The end of the partition, at that offset.
    End(i64, Nanos),
}

/// A copy of a record, and when it was read.
#[derive(Debug)]
pub(crate) struct UnjudgedRecord {
    partition: i32,
    offset: i64,
    timestamp: Timestamp,
    key: Option<Box<[u8]>>,
    body: Option<Box<[u8]>>,
    headers: Box<[u8]>,
    leader_epoch: i32,
    pub(crate) at: Nanos,
}

impl UnjudgedRecord {
    /// A copy of a record that was read at `at`.
    pub(crate) fn of(record: &Record<'_>, at: Nanos) -> Self {
        let Record { partition, offset, timestamp, key, body, headers, leader_epoch } = *record;
        let (key, body, headers) = (key.map(Box::from), body.map(Box::from), headers.to_packed());
        Self { partition, offset, timestamp, key, body, headers, leader_epoch, at }
    }

    pub(crate) fn record(&self) -> Record<'_> {
        let Self { partition, offset, timestamp, key, body, headers, leader_epoch, .. } = self;
        Record {
            partition: *partition,
            offset: *offset,
            timestamp: *timestamp,
            key: key.as_deref(),
            body: body.as_deref(),
            headers: Headers::packed(headers),
            leader_epoch: *leader_epoch,
        }
    }

    /// Bytes that it takes.
    pub(crate) fn bytes(&self) -> usize {
        let length = |bytes: &Option<Box<[u8]>>| bytes.as_ref().map_or(0, |bytes| bytes.len());
        OVERHEAD + length(&self.key) + length(&self.body) + self.headers.len()
    }
}

impl Unjudged {
    /// Whether something of the partition is kept: then what follows it must be, too.
    pub(crate) fn has(&self, partition: i32) -> bool {
        !self.partitions.is_empty() && self.partitions.contains_key(&partition)
    }

    /// Whether nothing is kept.
    pub(crate) fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }

    /// Whether there is no room for more.
    pub(crate) const fn is_full(&self) -> bool {
        self.bytes >= MOST_BYTES
    }

    /// How many records were not judged.
    pub(super) const fn records(&self) -> u64 {
        self.records + self.gone
    }

    /// Keeps a record.
    pub(crate) fn keep(&mut self, record: &Record<'_>, at: Nanos) {
        let held = UnjudgedRecord::of(record, at);
        self.bytes += held.bytes();
        self.records += 1;
        self.partitions.entry(record.partition).or_default().push_back(Item::Record(held));
    }

    /// Keeps the end of a partition of which records are kept.
    pub(crate) fn keep_end(&mut self, partition: i32, offset: i64, at: Nanos) {
        self.partitions.entry(partition).or_default().push_back(Item::End(offset, at));
    }

    /// Forgets what is kept of a partition: from that offset on it will be delivered again. What lies before it will not.
    pub(super) fn forget(&mut self, partition: i32, again_from: i64) {
        for item in self.partitions.remove(&partition).into_iter().flatten() {
            self.count_off(&item);
            self.gone += u64::from(matches!(&item, Item::Record(held) if held.offset < again_from));
        }
    }

    /// Takes out what is kept of a partition as far as `is_open` says no more of its first record.
    pub(crate) fn ready(&mut self, is_open: impl Fn(&Record<'_>) -> bool) -> Vec<(i32, Item)> {
        let mut ready = Vec::new();
        for (partition, items) in &mut self.partitions {
            let is_open = |item: &Item| matches!(item, Item::Record(held) if is_open(&held.record()));
            let open = items.iter().position(is_open).unwrap_or(items.len());
            ready.extend(items.drain(..open).map(|item| (*partition, item)));
        }
        self.partitions.retain(|_, items| !items.is_empty());
        for (_, item) in &ready {
            self.count_off(item);
        }
        ready
    }

    /// The first record of each partition.
    pub(crate) fn firsts(&self) -> impl Iterator<Item = Record<'_>> {
        self.partitions.values().filter_map(|items| match items.front() {
            Some(Item::Record(held)) => Some(held.record()),
            _ => None,
        })
    }

    fn count_off(&mut self, item: &Item) {
        if let Item::Record(held) = item {
            self.bytes -= held.bytes();
            self.records -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(partition: i32, offset: i64, body: &[u8]) -> Record<'_> {
        let (timestamp, headers) = (Timestamp::Missing, Headers::default());
        Record { partition, offset, timestamp, key: Some(b"k"), body: Some(body), headers, leader_epoch: 0 }
    }

    /// Partition and offset of what is ready, with the end of a partition as such.
    fn taken(held: &mut Unjudged, is_open: impl Fn(&Record<'_>) -> bool) -> Vec<(i32, Result<i64, i64>)> {
        let of = |item: &Item| match item {
            Item::Record(held) => Ok(held.record().offset),
            Item::End(offset, _) => Err(*offset),
        };
        held.ready(is_open).iter().map(|(partition, item)| (*partition, of(item))).collect()
    }

    #[test]
    fn what_was_held_comes_out_in_its_order_as_far_as_it_can_be_judged() {
        let mut held = Unjudged::default();
        for (partition, offset, body) in [(0, 5, &b"a"[..]), (1, 9, b"b"), (0, 6, b"b"), (0, 7, b"a")] {
            held.keep(&record(partition, offset, body), Nanos::ZERO);
        }
        held.keep_end(0, 8, Nanos::ZERO);
        assert!(held.has(0) && held.has(1) && !held.has(2) && !held.is_full());
        assert_eq!(held.records(), 4);
        assert_eq!(taken(&mut held, |_| true), []);
        assert_eq!(taken(&mut held, |record| record.body == Some(b"b")), [(0, Ok(5))]);
        assert_eq!(taken(&mut held, |record| record.body == Some(b"a")), [(0, Ok(6)), (1, Ok(9))]);
        assert!(held.has(0) && !held.has(1), "a later record of the partition waits for those before it");
        assert_eq!(taken(&mut held, |_| false), [(0, Ok(7)), (0, Err(8))]);
        assert!(held.is_empty() && held.records() == 0 && held.bytes == 0);
    }

    #[test]
    fn what_is_held_is_bounded_and_can_be_given_up() {
        let mut held = Unjudged::default();
        let body = vec![0; 1 << 20];
        while !held.is_full() {
            held.keep(&record(0, 1, &body), Nanos::ZERO);
        }
        assert_eq!(held.records(), 64);
        held.forget(0, 0);
        assert!(held.is_empty() && held.bytes == 0 && held.records() == 0);
    }
}
