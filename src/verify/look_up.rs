//! The second reading, after the run: what lies at the offsets of unseen events, where the first copies of duplicates are,
//! and whether everything that was seen is still there.
//!
//! Offsets are read in their order, never one by one: 100,000 lost events cost one pass over the part of the log they lie in.

mod presence;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::reader::Reader;
use super::resets::Resets;
use crate::clock::{Clock, Monotonic, Nanos};
use crate::event::UserId;
use crate::event::decode::decode;
use crate::event::stamp::{RunId, Stamp};
use crate::kafka::{Code, Delivered, Record, Timestamp};
use crate::ledger::class::LookUp;
use crate::ledger::rules::{Rule, Rules};
pub use presence::Presence;

/// Records read past one wanted offset before the reader jumps to the next.
const JUMP: i64 = 5_000;
const BATCH: usize = 1_000;
/// The longest wait for an answer to a jump.
const ASK: Duration = Duration::from_secs(5);
/// librdkafka's name for the end of a partition (`RD_KAFKA_OFFSET_END`).
const END: i64 = -1;

/// An event of this process: lane and sequence.
pub type Identity = (u8, u64);

/// An event that should lie at an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its partition.
    pub partition: i32,
    /// Its acked offset.
    pub offset: i64,
    /// Its lane.
    pub lane: u8,
    /// Its sequence.
    pub sequence: u64,
    /// Its user, who is its key; `None` where that is not known.
    pub user: Option<UserId>,
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
pub struct Questions {
    /// Unseen events by their offsets.
    pub wanted: Vec<Wanted>,
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
pub struct Answers {
    /// What lies at the offsets of the wanted events. What could not be read in time is left out: nothing is claimed of it.
    pub at: HashMap<Identity, LookUp>,
    /// The copies that were wanted, in the order in which they were read.
    pub copies: BTreeMap<Identity, Vec<Copy>>,
    /// Partitions that were not read to their end in time.
    pub unfinished: Vec<i32>,
}

/// Reads the log again, under whatever isolation `reader` has, for at most `timeout`. `each` is given every whole event of
/// the run that lies in one of the stretches.
pub fn read_again<R: Reader>(
    reader: &mut R,
    topic: &str,
    run: RunId,
    rules: Rules,
    questions: &Questions,
    timeout: Duration,
    mut each: impl FnMut(&Record<'_>, Stamp),
) -> Answers {
    let mut answers = Answers::default();
    let mut pages = pages(questions);
    let starts: Vec<(i32, i64)> =
        pages.iter().filter_map(|(partition, page)| Some((*partition, page.first()?))).collect();
    if starts.is_empty() {
        return answers;
    }
    if let Err(error) = reader.assign(topic, &starts) {
        tracing::warn!("the log cannot be read again: {error}");
        answers.unfinished = pages.into_keys().collect();
        return answers;
    }
    let clock = Monotonic::start();
    let deadline = Nanos::from(timeout);
    let mut resets = Resets::default();
    while pages.values().any(|page| !page.is_done()) && clock.now() < deadline {
        let mut jumps = BTreeMap::new();
        let taken = reader.take(BATCH, &mut |delivered| match delivered {
            Delivered::Record(record) => {
                resets.heard(record.partition);
                let Some(page) = pages.get_mut(&record.partition).filter(|page| !page.is_done()) else { return };
                let stamp = whole_stamp(run, rules, &record);
                page.settle(&record, run, rules, &mut answers.at);
                if let Some(stamp) = stamp.filter(|_| page.covers(record.offset)) {
                    if questions.copies_of.contains(&(stamp.lane, stamp.sequence)) {
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
                    each(&record, stamp);
                }
                page.next = record.offset + 1;
                if let Some(to) = page.jump() {
                    jumps.insert(record.partition, to);
                }
            }
            Delivered::EndOfPartition { partition, .. } => {
                resets.heard(partition);
                if let Some(page) = pages.get_mut(&partition) {
                    page.end(&mut answers.at);
                }
            }
            Delivered::Error { partition, code: Code::AutoOffsetReset | Code::LogTruncation, .. } => {
                resets.note(partition);
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
            for partition in given_up {
                let marks = reader.watermarks(topic, partition, ASK);
                if let (Some(page), Ok(marks)) = (pages.get_mut(&partition), marks) {
                    page.start_at(marks.low, &mut answers.at);
                }
            }
            // The client has given these partitions up: only a new assignment wakes them.
            let open =
                pages.iter().filter(|(_, page)| !page.is_done()).map(|(partition, page)| (*partition, page.next));
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
    answers.unfinished = pages.iter().filter(|(_, page)| !page.is_done()).map(|(partition, _)| *partition).collect();
    answers
}

/// The stamp of a whole event of the run.
fn whole_stamp(run: RunId, rules: Rules, record: &Record<'_>) -> Option<Stamp> {
    let decoded = decode(record.body?).ok()?;
    let stamp = decoded.stamp.filter(|stamp| stamp.tag == run.tag())?;
    let key = record.key.unwrap_or_default();
    let checks = run.check(stamp, key, &decoded.content) == stamp.check;
    (checks || !rules.has(Rule::Check)).then_some(stamp)
}

fn pages(questions: &Questions) -> BTreeMap<i32, Page> {
    let mut pages: BTreeMap<i32, Page> = BTreeMap::new();
    for wanted in &questions.wanted {
        pages.entry(wanted.partition).or_default().open.push(*wanted);
    }
    for stretch in questions.stretches.iter().filter(|stretch| stretch.from < stretch.end) {
        pages.entry(stretch.partition).or_default().stretch = Some(*stretch);
    }
    for page in pages.values_mut() {
        page.open.sort_by_key(|wanted| std::cmp::Reverse(wanted.offset));
        page.compacted = questions.compacted;
        page.next = page.first().unwrap_or(0);
    }
    pages
}

/// What is still to be read of one partition.
#[derive(Debug, Default)]
struct Page {
    /// The lowest offset last.
    open: Vec<Wanted>,
    stretch: Option<Stretch>,
    next: i64,
    ended: bool,
    compacted: bool,
    /// Of a compacted topic: absent events by their keys.
    absent: HashMap<Vec<u8>, Vec<Identity>>,
}

impl Page {
    fn first(&self) -> Option<i64> {
        let wanted = self.open.last().map(|wanted| wanted.offset);
        wanted.into_iter().chain(self.stretch.map(|stretch| stretch.from)).min()
    }

    fn covers(&self, offset: i64) -> bool {
        self.stretch.is_some_and(|stretch| (stretch.from..stretch.end).contains(&offset))
    }

    fn in_stretch(&self) -> bool {
        self.stretch.is_some_and(|stretch| self.next < stretch.end)
    }

    fn is_done(&self) -> bool {
        self.ended || (self.open.is_empty() && self.absent.is_empty() && !self.in_stretch())
    }

    /// The log now starts there: what was wanted below it has aged out in the meantime.
    fn start_at(&mut self, log_start: i64, found: &mut HashMap<Identity, LookUp>) {
        while let Some(wanted) = self.open.pop_if(|wanted| wanted.offset < log_start) {
            found.insert((wanted.lane, wanted.sequence), LookUp::BelowStart);
        }
        self.next = self.next.max(log_start);
    }

    /// Where to go on, where that is not right here.
    fn jump(&self) -> Option<i64> {
        if self.is_done() {
            return Some(END);
        }
        if self.in_stretch() || !self.absent.is_empty() {
            return None;
        }
        self.open.last().map(|wanted| wanted.offset).filter(|offset| *offset > self.next + JUMP)
    }

    /// A record settles what was wanted at its offset, and what was wanted before it: a higher offset means absence.
    fn settle(&mut self, record: &Record<'_>, run: RunId, rules: Rules, found: &mut HashMap<Identity, LookUp>) {
        while let Some(wanted) = self.open.pop_if(|wanted| wanted.offset <= record.offset) {
            let identity = (wanted.lane, wanted.sequence);
            if wanted.offset == record.offset {
                found.insert(identity, compare(&wanted, record, run, rules));
                continue;
            }
            match wanted.user {
                _ if !self.compacted => drop(found.insert(identity, LookUp::Gone)),
                Some(user) => self.absent.entry(user.0.to_string().into_bytes()).or_default().push(identity),
                // Whether a later record of its key has taken its place cannot be told without the key.
                None => drop(found.insert(identity, LookUp::Nothing)),
            }
        }
        if let Some(replaced) = record.key.and_then(|key| self.absent.remove(key)) {
            found.extend(replaced.into_iter().map(|identity| (identity, LookUp::Superseded)));
        }
    }

    /// Nothing more comes: what is still wanted is not there. The end may grow while it is read, but what was acked lay
    /// below it.
    fn end(&mut self, found: &mut HashMap<Identity, LookUp>) {
        let open = self.open.drain(..).map(|wanted| (wanted.lane, wanted.sequence));
        let absent = self.absent.drain().flat_map(|(_, absent)| absent);
        found.extend(open.chain(absent).map(|identity| (identity, LookUp::Gone)));
        self.ended = true;
    }
}

fn compare(wanted: &Wanted, record: &Record<'_>, run: RunId, rules: Rules) -> LookUp {
    let stamp = match record.body.map(decode) {
        Some(Ok(decoded)) => decoded.stamp,
        Some(Err(_)) if rules.has(Rule::Unparsable) => return LookUp::Unparsable,
        Some(Err(_)) => return LookUp::Nothing,
        None => None,
    };
    match stamp {
        Some(stamp) if stamp.tag == run.tag() && stamp.lane == wanted.lane && stamp.sequence == wanted.sequence => {
            if rules.has(Rule::Undelivered) {
                LookUp::Present
            } else {
                LookUp::Nothing
            }
        }
        _ if rules.has(Rule::AnotherRecord) => LookUp::Gone,
        _ => LookUp::Nothing,
    }
}

#[cfg(test)]
mod tests;
