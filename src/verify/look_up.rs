//! The second reading, after the run: what lies at the offsets of unseen events, where the first copies of duplicates are,
//! and whether everything that was seen is still there.
//!
//! Offsets are read in their order, never one by one: 100,000 lost events cost one pass over the part of the log they lie in.

mod partition;
mod presence;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::reader::Reader;
use super::resets::Resets;
use crate::clock::{Clock, Monotonic, Nanos};
use crate::event::KeyId;
use crate::event::catalogue::Catalogue;
use crate::event::decode::{Decoded, Wholeness};
use crate::event::opaque::Raw;
use crate::event::stamp::{Numbering, RunId, Stamp};
use crate::kafka::slots::Slots;
use crate::kafka::{Code, Delivered, Record, Timestamp, Wait};
use crate::ledger::class::LookUp;
use crate::ledger::rules::{Rule, Rules};
use partition::{PartitionSearch, parts};
pub use presence::Presence;

const BATCH: usize = 1_000;
/// The longest wait for an answer to a jump.
const ASK: Duration = Duration::from_secs(5);
/// The longest wait for the answers to reading above high watermarks. Where a log goes on there, none may come at all.
const ABOVE: Duration = Duration::from_secs(3);

/// An event of this process: lane and sequence.
pub type Identity = (u16, u64);

/// An event that should lie at an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AckedEvent {
    /// Its partition.
    pub partition: i32,
    /// Its acked offset.
    pub offset: i64,
    /// Its lane.
    pub lane: u16,
    /// Its sequence.
    pub sequence: u64,
    /// Its key; `None` where that is not known.
    pub key: Option<KeyId>,
    /// When it was due, ms since the Unix epoch: its `CreateTime` is no earlier. `None` where that is not known.
    pub due_ms: Option<i64>,
}

/// A part of a partition that is read from end to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The partition.
    pub partition: i32,
    /// Its first offset.
    pub from: i64,
    /// The offset after its last.
    pub end: i64,
}

/// What the second reading is to find out.
#[derive(Debug, Default)]
pub struct Search {
    /// Unseen events by their offsets.
    pub wanted: Vec<AckedEvent>,
    /// What is read from end to end, besides.
    pub stretches: Vec<Stretch>,
    /// Events whose copies are wanted, wherever in the stretches they lie.
    pub copies_of: BTreeSet<Identity>,
    /// Whether the topic is compacted: then an absent event may have been replaced by a later one of its key.
    pub compacted: bool,
}

/// Where a copy of an event lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copy {
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
    /// Its `CreateTime`, ms since the Unix epoch.
    pub create_ms: Option<i64>,
}

/// What the second reading found.
#[derive(Debug, Default)]
pub struct SearchResult {
    /// What lies at the offsets of the wanted events. What could not be read in time is left out: nothing is claimed of it.
    pub at: HashMap<Identity, LookUp>,
    /// The copies that were wanted, in the order in which they were read.
    pub copies: BTreeMap<Identity, Vec<Copy>>,
    /// Partitions that were not read to their end in time.
    pub unfinished: Vec<i32>,
    /// Partitions whose records went out of the log before they could be read again: what is absent there may have aged out.
    pub aged: BTreeSet<i32>,
}

/// How the events of one run are known among all records.
#[derive(Clone, Copy, Debug)]
pub struct Ours<'a> {
    /// The run.
    pub run: RunId,
    /// Its types of event.
    pub catalogue: &'a Catalogue,
    /// How its lanes are numbered.
    pub numbering: Numbering,
    /// Where keys live, where that is known.
    pub homes: Option<&'a Slots>,
    /// What is looked at.
    pub rules: Rules,
}

/// A whole event of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnEvent {
    /// Its stamp.
    pub stamp: Stamp,
    /// Whether it lies where its key lives, as far as that is known: elsewhere somebody else wrote it.
    pub is_at_home: bool,
}

/// Reads the log again, under whatever isolation `reader` has, for at most `timeout`. `each` is given every whole event of
/// the run that lies in one of the stretches.
pub fn read_again(
    reader: &mut dyn Reader,
    topic: &str,
    ours: Ours<'_>,
    search: &Search,
    timeout: Duration,
    mut each: impl FnMut(&Record<'_>, OwnEvent),
) -> SearchResult {
    let mut answers = SearchResult::default();
    let mut parts = parts(search);
    let starts: Vec<(i32, i64)> =
        parts.iter().filter_map(|(partition, part)| Some((*partition, part.first()?))).collect();
    if starts.is_empty() {
        return answers;
    }
    if let Err(error) = reader.assign(topic, &starts) {
        tracing::warn!("the log cannot be read again: {error}");
        answers.unfinished = parts.into_keys().collect();
        return answers;
    }
    let clock = Monotonic::start();
    let deadline = Nanos::from(timeout);
    let mut resets = Resets::default();
    while parts.values().any(|part| !part.is_done()) && clock.now() < deadline {
        let mut jumps = BTreeMap::new();
        let taken = reader.take(BATCH, &mut |delivered| match delivered {
            Delivered::Record(record) => {
                resets.heard(record.partition);
                let Some(part) = parts.get_mut(&record.partition).filter(|part| !part.is_done()) else { return };
                let event = ours.event(&record);
                part.settle(&record, ours, &mut answers.at);
                if let Some(event) = event.filter(|_| part.covers(record.offset)) {
                    let OwnEvent { stamp, .. } = event;
                    if search.copies_of.contains(&(stamp.lane, stamp.sequence)) {
                        let copies = answers.copies.entry((stamp.lane, stamp.sequence)).or_default();
                        copies.push(Copy {
                            partition: record.partition,
                            offset: record.offset,
                            create_ms: match record.timestamp {
                                Timestamp::Create(ms) => Some(ms),
                                Timestamp::LogAppend(_) | Timestamp::Missing => None,
                            },
                        });
                    }
                    each(&record, event);
                }
                part.next = record.offset + 1;
                if let Some(to) = part.jump() {
                    jumps.insert(record.partition, to);
                }
            }
            Delivered::EndOfPartition { partition, offset } => {
                resets.heard(partition);
                if let Some(part) = parts.get_mut(&partition) {
                    part.end(offset, ours.rules, &mut answers.at);
                }
            }
            Delivered::Error { partition, code: Code::AutoOffsetReset | Code::LogTruncation, offset } => {
                resets.note(partition, offset);
            }
            Delivered::Error { partition, code, .. } => tracing::debug!(partition, ?code, "while reading again"),
        });
        for (partition, to) in jumps {
            if let Err(error) = reader.seek(topic, partition, to, ASK) {
                tracing::debug!(partition, "{error}");
            }
        }
        let given_up = resets.due(clock.now());
        if !given_up.is_empty() {
            let given_up: Vec<i32> = given_up.into_keys().collect();
            let ends = reader.ends(topic, &given_up, Wait::of(ASK));
            for (partition, ends) in given_up.into_iter().zip(ends) {
                if let (Some(part), Ok(ends)) = (parts.get_mut(&partition), ends) {
                    if ends.low > part.next {
                        answers.aged.insert(partition);
                    }
                    part.start_at(ends.low, &mut answers.at);
                    if part.next > ends.high {
                        part.end(ends.high, ours.rules, &mut answers.at);
                    }
                }
            }
            // The client has given these partitions up: only a new assignment wakes them.
            let open =
                parts.iter().filter(|(_, part)| !part.is_done()).map(|(partition, part)| (*partition, part.next));
            let open: Vec<(i32, i64)> = open.collect();
            if open.is_empty() {
                break;
            }
            if let Err(error) = reader.assign(topic, &open) {
                tracing::warn!("the log cannot be read on: {error}");
                break;
            }
        }
        if taken < BATCH && reader.wait(Duration::from_millis(50)).is_err() {
            break;
        }
    }
    let is_open = |part: &PartitionSearch| !part.is_done() || part.in_stretch();
    answers.unfinished = parts.iter().filter(|(_, part)| is_open(part)).map(|(partition, _)| *partition).collect();
    answers
}

/// Of the events that lie at their offsets (those of `search` that `found` has as present), which are given to a reader of committed
/// records: `reader` is one. One that it goes past is of a transaction that the log holds as aborted; whether one that it does not
/// reach was withheld by the reader or by the log is not known. `each` is given every whole event of the run that lies in one of
/// `stretches`.
pub fn read_committed_again(
    reader: Option<&mut dyn Reader>,
    topic: &str,
    ours: Ours<'_>,
    search: Search,
    found: &mut SearchResult,
    timeout: Duration,
    each: impl FnMut(&Record<'_>, OwnEvent),
) {
    let mut wanted = search.wanted;
    let at = &mut found.at;
    wanted.retain(|event| match at.get_mut(&(event.lane, event.sequence)) {
        Some(found) if *found == LookUp::Present => {
            *found = LookUp::Nothing;
            true
        }
        _ => false,
    });
    let search = Search { wanted, copies_of: BTreeSet::new(), compacted: false, ..search };
    let Some(reader) = reader else { return };
    let answers = read_again(reader, topic, ours, &search, timeout, each);
    at.extend(answers.at.into_iter().map(|(event, found)| match found {
        LookUp::Present => (event, LookUp::Present),
        LookUp::Gone => (event, LookUp::HeldAborted),
        _ => (event, LookUp::Nothing),
    }));
}

/// What lies above a high watermark in the leader's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Above {
    /// The log goes on there.
    More,
    /// It ends there.
    Nothing,
    /// Records were there, and all below that offset have gone out of the log since.
    Aged(i64),
}

/// What lies above these high watermarks, one of each partition: no reader is given what is there, but a leader tells where its own log
/// ends by refusing to be read from past it. It refuses what lies before the log's start, too. Partitions of which that is not known are
/// left out.
pub fn look_above(reader: &mut dyn Reader, topic: &str, ends: &BTreeMap<i32, i64>) -> BTreeMap<i32, Above> {
    let mut found = BTreeMap::new();
    let starts: Vec<(i32, i64)> = ends.iter().map(|(partition, end)| (*partition, end + 1)).collect();
    if starts.is_empty() {
        return found;
    }
    if let Err(error) = reader.assign(topic, &starts) {
        tracing::warn!("whether the logs go on above their high watermarks cannot be found out: {error}");
        return found;
    }
    let clock = Monotonic::start();
    while found.len() < ends.len() && clock.now() < Nanos::from(ABOVE) {
        let taken = reader.take(BATCH, &mut |delivered| match delivered {
            // The high watermark has come further.
            Delivered::Record(record) => drop(found.insert(record.partition, Above::More)),
            Delivered::EndOfPartition { partition, .. } => {
                found.entry(partition).or_insert(Above::More);
            }
            Delivered::Error { partition, code: Code::AutoOffsetReset | Code::LogTruncation, .. } => {
                found.entry(partition).or_insert(Above::Nothing);
            }
            Delivered::Error { partition, code, .. } => {
                tracing::debug!(partition, ?code, "while reading above a high watermark");
            }
        });
        found.retain(|partition, _| ends.contains_key(partition));
        if taken == 0 && reader.wait(Duration::from_millis(50)).is_err() {
            break;
        }
    }
    let refused: Vec<i32> =
        found.iter().filter(|(_, above)| **above == Above::Nothing).map(|(partition, _)| *partition).collect();
    let told = if refused.is_empty() { Vec::new() } else { reader.ends(topic, &refused, Wait::of(ASK)) };
    for (partition, told) in refused.into_iter().zip(told) {
        match told {
            Ok(told) if Some(&told.low) > ends.get(&partition) => drop(found.insert(partition, Above::Aged(told.low))),
            Ok(_) => {}
            Err(_) => drop(found.remove(&partition)),
        }
    }
    found
}

impl Ours<'_> {
    /// The event of the run that a record is, where it is a whole one.
    fn event(&self, record: &Record<'_>) -> Option<OwnEvent> {
        let decoded = self.catalogue.decode_record(Raw::from(record)).ok()?;
        let is_ours = |stamp: &Stamp| stamp.tag == self.run.tag() && self.is_whole(record, &decoded, *stamp);
        let stamp = self.numbering.resolved(decoded.stamp.filter(is_ours)?);
        let home = |key| Some(self.homes?.home_of_found(decoded.kind.index(), key, record.partition));
        let is_at_home = record.key.and_then(home).is_none_or(|home| home == record.partition);
        Some(OwnEvent { stamp, is_at_home })
    }

    fn is_whole(&self, record: &Record<'_>, decoded: &Decoded<'_>, stamp: Stamp) -> bool {
        let key = record.key.unwrap_or_default();
        !self.rules.has(Rule::Check) || decoded.wholeness(self.run, stamp, key) != Wholeness::Damaged
    }
}

#[cfg(test)]
mod tests;
