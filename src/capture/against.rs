//! A topic against the recording that was played into it: what of it is there, lost, there twice, or another.
//!
//! Records are matched by what they are, a hash of key, value and headers: within a topic (and a partition, where these were kept) the first
//! record of a hash is the first recorded one, and so on. Nothing is asked of whoever wrote the topic.

use std::cmp::Ordering;
use std::io;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use super::Captured;
use super::recorder::Keep;
use crate::sorting::{Fixed, Merge, Order, Place, Sorted, Sorter, SpillError};

/// How many examples of each finding are kept.
const EXAMPLES: usize = 5;

/// What came of the comparison. Recorded is matched, changed and lost; found is matched, doubled, changed and foreign.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// Records of the recording.
    pub recorded: u64,
    /// Records of the topics.
    pub found: u64,
    /// Recorded ones that were found.
    pub matched: u64,
    /// Recorded ones in whose place there is another value, or other headers, under the same key.
    pub changed: u64,
    /// Recorded ones that were not found.
    pub lost: u64,
    /// Found ones that are there once more than they were recorded.
    pub doubled: u64,
    /// Found ones of which the recording knows nothing.
    pub foreign: u64,
    /// Matched ones that come after one that was recorded later, of those from the same partition in the same partition.
    pub reordered: u64,
    /// Some of each.
    pub examples: Examples,
}

/// Where some of the findings lie: of `lost` ones in the recording, of the others in the topics.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is an example of the count of its name")]
pub struct Examples {
    pub changed: Vec<At>,
    pub lost: Vec<At>,
    pub doubled: Vec<At>,
    pub foreign: Vec<At>,
    pub reordered: Vec<At>,
}

/// Where a record lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct At {
    /// The topic that it lies in, or was played into.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
}

/// Which side a record is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The recording.
    Recorded,
    /// The topic.
    Found,
}

/// A comparison that takes records of both sides, in any order.
pub struct Against {
    topics: Vec<String>,
    /// Whether partitions were kept.
    by_partition: bool,
    /// A header that is none of a record's own.
    apart: &'static [u8],
    items: Sorter<ByContent>,
    place: Place,
    memory: usize,
}

impl std::fmt::Debug for Against {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Against({:?})", self.topics)
    }
}

/// A record, as it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Item {
    topic: u16,
    /// The partition where that was kept, and a hash of the key.
    group: u64,
    content: u128,
    side: Side,
    partition: i32,
    offset: i64,
}

impl Fixed for Item {
    const BYTES: usize = 39;

    fn push(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.topic.to_le_bytes());
        out.extend_from_slice(&self.group.to_le_bytes());
        out.extend_from_slice(&self.content.to_le_bytes());
        out.push(u8::from(self.side == Side::Found));
        out.extend_from_slice(&self.partition.to_le_bytes());
        out.extend_from_slice(&self.offset.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            topic: u16::from_le_bytes(*bytes.first_chunk()?),
            group: u64::from_le_bytes(*bytes.get(2..)?.first_chunk()?),
            content: u128::from_le_bytes(*bytes.get(10..)?.first_chunk()?),
            side: if *bytes.get(26)? == 0 { Side::Recorded } else { Side::Found },
            partition: i32::from_le_bytes(*bytes.get(27..)?.first_chunk()?),
            offset: i64::from_le_bytes(*bytes.get(31..)?.first_chunk()?),
        })
    }
}

/// What is the same lies together, the recorded ones first, each side in its order.
struct ByContent;

impl Order for ByContent {
    type Item = Item;
    fn compare(a: &Item, b: &Item) -> Ordering {
        let of = |item: &Item| (item.topic, item.group, item.content, item.side, item.partition, item.offset);
        of(a).cmp(&of(b))
    }
}

/// A recorded record that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pair {
    topic: u16,
    from: i32,
    to: i32,
    recorded: i64,
    found: i64,
}

impl Fixed for Pair {
    const BYTES: usize = 26;

    fn push(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.topic.to_le_bytes());
        out.extend_from_slice(&self.from.to_le_bytes());
        out.extend_from_slice(&self.to.to_le_bytes());
        out.extend_from_slice(&self.recorded.to_le_bytes());
        out.extend_from_slice(&self.found.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            topic: u16::from_le_bytes(*bytes.first_chunk()?),
            from: i32::from_le_bytes(*bytes.get(2..)?.first_chunk()?),
            to: i32::from_le_bytes(*bytes.get(6..)?.first_chunk()?),
            recorded: i64::from_le_bytes(*bytes.get(10..)?.first_chunk()?),
            found: i64::from_le_bytes(*bytes.get(18..)?.first_chunk()?),
        })
    }
}

struct ByPlace;

impl Order for ByPlace {
    type Item = Pair;
    fn compare(a: &Pair, b: &Pair) -> Ordering {
        a.cmp(b)
    }
}

impl Against {
    /// A comparison of these topics, by their names in the cluster. `apart` names a header that is none of the records' own, `memory` is
    /// for sorting, in bytes, and more is sorted at `place`.
    #[must_use]
    pub fn new(topics: Vec<String>, by_partition: bool, apart: &'static [u8], memory: usize, place: Place) -> Self {
        Self { topics, by_partition, apart, items: Sorter::new(memory, place.clone()), place, memory }
    }

    /// Takes a record of one side, of the topic of that name in the cluster.
    ///
    /// # Errors
    /// Where the disk takes no more.
    pub fn add(&mut self, side: Side, topic: &str, record: &Captured<'_>) -> Result<(), SpillError> {
        let Some(topic) = self.topics.iter().position(|known| known == topic) else { return Ok(()) };
        let mut hash = Xxh3::new();
        hash.update(&[u8::from(record.key.is_some())]);
        hash.update(record.key.unwrap_or_default());
        if self.by_partition {
            hash.update(&record.partition.to_le_bytes());
        }
        let group = hash.digest();
        hash.update(&[u8::from(record.value.is_some())]);
        hash.update(&(record.value.map_or(0, <[u8]>::len) as u64).to_le_bytes());
        hash.update(record.value.unwrap_or_default());
        let mut packed = Vec::new();
        for header in record.headers.iter().filter(|header| header.name != self.apart) {
            packed.clear();
            header.pack(&mut packed);
            hash.update(&packed);
        }
        self.items.push(Item {
            topic: u16::try_from(topic).unwrap_or(u16::MAX),
            group,
            content: hash.digest128(),
            side,
            partition: record.partition,
            offset: record.offset,
        })
    }

    /// What came of it.
    ///
    /// # Errors
    /// Where the disk fails.
    pub fn compare(self) -> Result<Compared, SpillError> {
        let Self { topics, items, place, memory, .. } = self;
        let mut work = Work {
            told: Compared::default(),
            topics,
            pairs: Sorter::new(memory, place.clone()),
            recorded: Vec::new(),
            missing: Leftovers::default(),
            unknown: Leftovers::default(),
        };
        let (mut last, mut paired) = (None::<Item>, 0);
        each(items.finish()?, |item| {
            let same = |of: fn(&Item) -> (u16, u64, u128)| last.as_ref().map(of) == Some(of(&item));
            if !same(|item| (item.topic, item.group, item.content)) {
                work.end_content(paired);
                paired = 0;
            }
            if !same(|item| (item.topic, item.group, 0)) {
                work.end_group();
            }
            last = Some(item);
            match item.side {
                Side::Recorded => {
                    work.told.recorded += 1;
                    work.recorded.push(item);
                }
                Side::Found => {
                    work.told.found += 1;
                    paired += usize::from(work.pair(&item, paired)?);
                }
            }
            Ok(())
        })?;
        work.end_content(paired);
        work.end_group();
        let Work { mut told, topics, pairs, .. } = work;
        let mut before = None::<Pair>;
        each(pairs.finish()?, |pair| {
            match &mut before {
                Some(last) if (last.topic, last.from, last.to) == (pair.topic, pair.from, pair.to) => {
                    if pair.found < last.found {
                        told.reordered += 1;
                        keep(&mut told.examples.reordered, &topics, pair.topic, pair.to, pair.found);
                    } else {
                        *last = pair;
                    }
                }
                before => *before = Some(pair),
            }
            Ok(())
        })?;
        Ok(told)
    }
}

/// What is left of one side under a key.
#[derive(Default)]
struct Leftovers {
    count: u64,
    some: Vec<Item>,
}

impl Leftovers {
    fn add(&mut self, item: &Item) {
        self.count += 1;
        if self.some.len() < EXAMPLES {
            self.some.push(*item);
        }
    }
}

struct Work {
    told: Compared,
    topics: Vec<String>,
    pairs: Sorter<ByPlace>,
    /// The recorded ones of the content that is looked at.
    recorded: Vec<Item>,
    missing: Leftovers,
    unknown: Leftovers,
}

impl Work {
    /// Whether a found record is a recorded one, of which `paired` were found already.
    fn pair(&mut self, found: &Item, paired: usize) -> Result<bool, SpillError> {
        if let Some(recorded) = self.recorded.get(paired) {
            self.told.matched += 1;
            let (from, to) = (recorded.partition, found.partition);
            // Where several partitions had the same, nobody can tell whose it is, and so not what it should lie behind.
            let is_of_one =
                |items: &[Item]| items.first().map(|item| item.partition) == items.last().map(|item| item.partition);
            if is_of_one(&self.recorded) {
                let pair = Pair { topic: found.topic, from, to, recorded: recorded.offset, found: found.offset };
                self.pairs.push(pair)?;
            }
            return Ok(true);
        }
        if self.recorded.is_empty() {
            self.unknown.add(found);
        } else {
            self.told.doubled += 1;
            keep(&mut self.told.examples.doubled, &self.topics, found.topic, found.partition, found.offset);
        }
        Ok(false)
    }

    /// All of one content has been seen.
    fn end_content(&mut self, paired: usize) {
        for item in self.recorded.drain(..).skip(paired) {
            self.missing.add(&item);
        }
    }

    /// All of one key has been seen.
    fn end_group(&mut self) {
        let (missing, unknown) = (std::mem::take(&mut self.missing), std::mem::take(&mut self.unknown));
        let changed = missing.count.min(unknown.count);
        self.told.changed += changed;
        self.told.lost += missing.count - changed;
        self.told.foreign += unknown.count - changed;
        let Self { told: Compared { examples, .. }, topics, .. } = self;
        let at = usize::try_from(changed).unwrap_or(usize::MAX);
        let some = |into: &mut Vec<At>, items: &[Item]| {
            for item in items {
                keep(into, topics, item.topic, item.partition, item.offset);
            }
        };
        some(&mut examples.changed, unknown.some.get(..at).unwrap_or(&unknown.some));
        some(&mut examples.foreign, unknown.some.get(at..).unwrap_or_default());
        some(&mut examples.lost, missing.some.get(at..).unwrap_or_default());
    }
}

fn keep(examples: &mut Vec<At>, topics: &[String], topic: u16, partition: i32, offset: i64) {
    if examples.len() < EXAMPLES {
        let topic = topics.get(usize::from(topic)).cloned().unwrap_or_default();
        examples.push(At { topic, partition, offset });
    }
}

/// Each item in its order.
fn each<O: Order>(
    sorted: Sorted<O>,
    mut take: impl FnMut(O::Item) -> Result<(), SpillError>,
) -> Result<(), SpillError> {
    match sorted {
        Sorted::Memory(items) => items.into_iter().try_for_each(take),
        Sorted::Spilled(merge) => {
            let mut merge: Merge<O> = merge;
            merge.try_for_each(|item| take(item?))
        }
    }
}

/// The topic's side, as a recorder gives it.
#[derive(Debug)]
pub struct Reading<'a>(pub &'a mut Against);

impl Keep for Reading<'_> {
    fn take(&mut self, record: &Captured<'_>) -> io::Result<()> {
        self.0.add(Side::Found, record.topic, record).map_err(io::Error::other)
    }

    fn settle(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
