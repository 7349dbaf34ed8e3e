//! What recordings of topics hold: one file, or several that are one, as those that a group stores.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::FileError;
use super::moment::{ByTime, Moment};
use super::spread::{Counted, Spread};
use super::survey::{HOTTEST, HotKey, Walk};
use super::tally::Tally;
use crate::capture::Captured;
use crate::capture::offsets::Offsets;
use crate::capture::read::{Cut, ReadError, Reader};
use crate::input::BadRowPolicy;
use crate::kafka::Timestamp;
use crate::sorting::{Place, Rows, Sorter};

/// Recordings to be looked at.
#[derive(Clone, Debug)]
pub struct Recordings {
    /// The files. They are read in the order of their names.
    pub files: Vec<PathBuf>,
    /// What to do about a block that is damaged.
    pub bad_blocks: BadRowPolicy,
    /// Memory for sorting, in bytes.
    pub sort_memory: u64,
    /// Where times are sorted that are more.
    pub temp_dir: Option<PathBuf>,
}

/// What recordings hold. A record that is in two of them counts once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Holdings {
    /// The files.
    pub files: Vec<Holding>,
    /// Distinct records.
    pub records: u64,
    /// Records that were there already, in a file before.
    pub again: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
    /// Records without a value.
    pub tombstones: u64,
    /// Records with headers.
    pub with_headers: u64,
    /// Each partition.
    pub partitions: Vec<PartitionHoldings>,
    /// Records whose time is their producer's.
    pub create_times: u64,
    /// Records whose time is their broker's.
    pub log_append_times: u64,
    /// Records without a time.
    pub without_time: u64,
    /// The first time, ms since the Unix epoch.
    pub first_ms: i64,
    /// The last one.
    pub last_ms: i64,
    /// Records a second from the first to the last; `None` where all have one time.
    pub mean_rate_per_s: Option<f64>,
    /// Records in the busiest second.
    pub busiest_second: u64,
    /// Records in the busiest minute.
    pub busiest_minute: u64,
    /// From a record to the next one in the order of time, µs.
    pub gap_us: Option<Spread>,
    /// Records with the time of the one before them, in the order of time.
    pub equal_times: u64,
    /// Records that are earlier than one before them in their partition: clocks of producers differ, or a producer was late.
    pub back: u64,
    /// By how much they are earlier, ms.
    pub back_ms: Option<Spread>,
    /// Distinct keys, as far as they were counted.
    pub keys: u64,
    /// Records of more keys than are counted.
    pub other_keys: u64,
    /// Records without a key.
    pub without_key: u64,
    /// The keys with the most records; what is no text is escaped.
    pub hottest_keys: Vec<HotKey>,
}

/// A recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// The file.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// Records in it.
    pub records: u64,
    /// Whether it was ended; else it is being written, or whoever wrote it was killed.
    pub ended: bool,
    /// Bytes behind its last whole block.
    pub cut_off_bytes: u64,
    /// Blocks that are damaged.
    pub bad_blocks: u64,
    /// Bytes that were left out with them.
    pub bad_bytes: u64,
}

/// What recordings hold of a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionHoldings {
    /// Its topic.
    pub topic: String,
    /// Its number.
    pub partition: i32,
    /// Distinct records.
    pub records: u64,
    /// The first offset.
    pub first: i64,
    /// The last one.
    pub last: i64,
    /// Offsets between them that no record has: markers of transactions, what compaction took away, or what was not recorded.
    pub absent: u64,
    /// Records that were there already, in a file before.
    pub again: u64,
}

/// A partition while it is read.
#[derive(Debug, Default)]
struct Partition {
    offsets: Offsets,
    latest_ms: Option<i64>,
}

impl Partition {
    fn told(&self, topic: &str, partition: i32) -> PartitionHoldings {
        let (first, last) = self.offsets.span().unwrap_or_default();
        PartitionHoldings {
            topic: topic.to_owned(),
            partition,
            records: self.offsets.distinct(),
            first,
            last,
            absent: (last.abs_diff(first) + 1).saturating_sub(self.offsets.distinct()),
            again: self.offsets.again(),
        }
    }
}

/// Reads the recordings.
///
/// # Errors
/// Where one of them cannot be read, or is damaged and that is not to be passed over.
pub fn holdings(of: &Recordings) -> Result<Holdings, FileError> {
    let folder = of.temp_dir.clone().unwrap_or_else(std::env::temp_dir);
    let file = of.files.first().map(|file| file.display().to_string()).unwrap_or_default();
    let place = Place { folder, file };
    let memory = usize::try_from(of.sort_memory).unwrap_or(usize::MAX);
    let mut seen = HoldingsTally {
        told: Holdings::default(),
        partitions: Vec::new(),
        at: 0,
        moments: Sorter::new(memory, place.clone()),
        keys: Tally::default(),
        back_ms: Counted::default(),
    };
    let mut files = of.files.clone();
    files.sort();
    for file in &files {
        let held = seen.read(file, of.bad_blocks)?;
        seen.told.files.push(held);
    }
    let HoldingsTally { mut told, mut partitions, moments, keys, back_ms, .. } = seen;
    partitions.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    let moments = Rows::of(moments.finish()?, None, &place)?;
    let walk = Walk::over(&moments).map_err(|source| moments.failed(source))?;
    for (topic, partition, of) in &partitions {
        told.partitions.push(of.told(topic, *partition));
        told.again += of.offsets.again();
    }
    let span_us = walk.last_us.abs_diff(walk.first_us);
    (told.first_ms, told.last_ms) = (walk.first_us.div_euclid(1_000), walk.last_us.div_euclid(1_000));
    #[expect(clippy::cast_precision_loss, reason = "a rate needs 15 digits, not 19")]
    let mean = (span_us > 0).then(|| told.records as f64 * 1e6 / span_us as f64);
    told.mean_rate_per_s = mean;
    (told.busiest_second, told.busiest_minute) = (walk.busiest_second.most, walk.busiest_minute.most);
    (told.gap_us, told.equal_times, told.back_ms) = (walk.gap_us.spread(), walk.equal_times, back_ms.spread());
    (told.keys, told.other_keys) = (keys.len(), keys.beyond());
    let hottest = keys.hottest(HOTTEST).into_iter();
    told.hottest_keys = hottest.map(|(key, rows)| HotKey { key: key.to_owned(), rows }).collect();
    Ok(told)
}

struct HoldingsTally {
    told: Holdings,
    partitions: Vec<(String, i32, Partition)>,
    /// The index of the partition of the last record.
    at: usize,
    moments: Sorter<ByTime>,
    keys: Tally,
    back_ms: Counted,
}

impl HoldingsTally {
    fn read(&mut self, path: &Path, bad_blocks: BadRowPolicy) -> Result<Holding, FileError> {
        let name = path.display().to_string();
        let failed = |source: ReadError| FileError::Unreadable { file: name.clone(), source };
        let file = File::open(path).map_err(|error| failed(error.into()))?;
        let bytes = file.metadata().map_err(|error| failed(error.into()))?.len();
        let mut reader = Reader::open(file).map_err(failed)?;
        let ended = reader.opened().ending.is_some();
        let (mut records, mut bad, mut bad_bytes, mut cut_off_bytes) = (0, 0, 0, 0);
        loop {
            match reader.next() {
                Ok(Some(record)) => {
                    records += 1;
                    self.add(&record)?;
                }
                Ok(None) => {
                    let Some(Cut { at, bytes }) = reader.cut() else { break };
                    // A block whose length is damaged may reach beyond the end; behind one that was cut off nothing follows.
                    let Some(left_out) = reader.leave_out().map_err(|error| failed(error.into()))? else {
                        cut_off_bytes = bytes;
                        break;
                    };
                    if bad_blocks == BadRowPolicy::Fail {
                        return Err(failed(ReadError::Damaged { at, what: "a block of an impossible length" }));
                    }
                    (bad, bad_bytes) = (bad + 1, bad_bytes + left_out);
                }
                Err(ReadError::Damaged { .. }) if bad_blocks == BadRowPolicy::Skip => {
                    let left_out = reader.leave_out().map_err(|error| failed(error.into()))?;
                    bad += 1;
                    bad_bytes += left_out.or(reader.cut().map(|cut| cut.bytes)).unwrap_or(0);
                    if left_out.is_none() {
                        break;
                    }
                }
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(Holding { file: name, bytes, records, ended, cut_off_bytes, bad_blocks: bad, bad_bytes })
    }

    fn add(&mut self, record: &Captured<'_>) -> Result<(), FileError> {
        let Self { told, partitions, at, moments, keys, back_ms } = self;
        let is_of =
            |(topic, partition, _): &(String, i32, Partition)| *partition == record.partition && topic == record.topic;
        // A block is of one partition.
        if !partitions.get(*at).is_some_and(is_of) {
            *at = partitions.iter().position(is_of).unwrap_or(partitions.len());
        }
        if *at == partitions.len() {
            partitions.push((record.topic.to_owned(), record.partition, Partition::default()));
        }
        let partition = &mut partitions[*at].2;
        if !partition.offsets.add(record.offset) {
            return Ok(());
        }
        let counter = match record.timestamp {
            Timestamp::Create(_) => &mut told.create_times,
            Timestamp::LogAppend(_) => &mut told.log_append_times,
            Timestamp::Missing => &mut told.without_time,
        };
        *counter += 1;
        if let Some(at_ms) = record.timestamp.unix_ms() {
            moments.push(Moment { at_us: at_ms.saturating_mul(1_000), ordinal: told.records })?;
            match partition.latest_ms {
                Some(latest) if at_ms < latest => {
                    told.back += 1;
                    back_ms.add(latest.saturating_sub(at_ms));
                }
                _ => partition.latest_ms = Some(at_ms),
            }
        }
        told.records += 1;
        told.bytes += (record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len)) as u64;
        told.tombstones += u64::from(record.value.is_none());
        told.with_headers += u64::from(!record.headers.is_empty());
        match record.key.map(|key| std::str::from_utf8(key).map_err(|_| key.escape_ascii().to_string())) {
            None => told.without_key += 1,
            Some(Ok(key)) => keys.add(key),
            Some(Err(key)) => keys.add(&key),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
