//! One partition in the second reading: what is still wanted of it, and what a record settles.

use std::collections::{BTreeMap, HashMap};

use super::{AckedEvent, Identity, Ours, Search, Stretch};
use crate::event::KeyId;
use crate::event::invalid::Invalid;
use crate::event::opaque::Raw;
use crate::event::stamp::Stamp;
use crate::kafka::{Record, Timestamp};
use crate::ledger::class::LookUp;
use crate::ledger::rules::{Rule, Rules};

/// Records read past one wanted offset before the reader jumps to the next.
const JUMP: i64 = 5_000;
/// librdkafka's name for the end of a partition (`RD_KAFKA_OFFSET_END`).
pub(super) const END: i64 = -1;
/// How much a wall clock may have been set back between the start of a run and a record of it.
pub(super) const CLOCK_STEP_MS: i64 = 60_000;
/// How much a due time may differ from what its stamp tells of it.
const DUE_SLACK_MS: u64 = 1_000;

/// The partitions that are to be read, with what is wanted of each.
pub(super) fn parts(search: &Search) -> BTreeMap<i32, PartitionSearch> {
    let mut parts: BTreeMap<i32, PartitionSearch> = BTreeMap::new();
    for wanted in &search.wanted {
        parts.entry(wanted.partition).or_default().open.push(*wanted);
    }
    for stretch in search.stretches.iter().filter(|stretch| stretch.from < stretch.end) {
        parts.entry(stretch.partition).or_default().stretch = Some(*stretch);
    }
    for part in parts.values_mut() {
        part.open.sort_by_key(|wanted| std::cmp::Reverse(wanted.offset));
        part.compacted = search.compacted;
        part.next = part.first().unwrap_or(0);
    }
    parts
}

/// What is still to be read of one partition.
#[derive(Debug, Default)]
pub(super) struct PartitionSearch {
    /// The lowest offset last.
    open: Vec<AckedEvent>,
    stretch: Option<Stretch>,
    pub(super) next: i64,
    ended: bool,
    compacted: bool,
    /// Of a compacted topic: absent events by their keys.
    absent: HashMap<KeyId, Vec<Identity>>,
}

impl PartitionSearch {
    pub(super) fn first(&self) -> Option<i64> {
        let wanted = self.open.last().map(|wanted| wanted.offset);
        wanted.into_iter().chain(self.stretch.map(|stretch| stretch.from)).min()
    }

    pub(super) fn covers(&self, offset: i64) -> bool {
        self.stretch.is_some_and(|stretch| (stretch.from..stretch.end).contains(&offset))
    }

    pub(super) fn in_stretch(&self) -> bool {
        self.stretch.is_some_and(|stretch| self.next < stretch.end)
    }

    pub(super) fn is_done(&self) -> bool {
        self.ended || (self.open.is_empty() && self.absent.is_empty() && !self.in_stretch())
    }

    /// The log now starts there: what was wanted below it has aged out in the meantime.
    pub(super) fn start_at(&mut self, log_start: i64, found: &mut HashMap<Identity, LookUp>) {
        while let Some(wanted) = self.open.pop_if(|wanted| wanted.offset < log_start) {
            found.insert((wanted.lane, wanted.sequence), LookUp::BelowStart);
        }
        self.next = self.next.max(log_start);
    }

    /// Where to go on, where that is not right here.
    pub(super) fn jump(&self) -> Option<i64> {
        if self.is_done() {
            return Some(END);
        }
        if self.in_stretch() || !self.absent.is_empty() {
            return None;
        }
        self.open.last().map(|wanted| wanted.offset).filter(|offset| *offset > self.next + JUMP)
    }

    /// A record settles what was wanted at its offset, and what was wanted before it: a higher offset means absence.
    pub(super) fn settle(&mut self, record: &Record<'_>, ours: Ours<'_>, found: &mut HashMap<Identity, LookUp>) {
        while let Some(wanted) = self.open.pop_if(|wanted| wanted.offset <= record.offset) {
            let identity = (wanted.lane, wanted.sequence);
            if wanted.offset == record.offset {
                found.insert(identity, compare(&wanted, record, ours));
                continue;
            }
            match wanted.key {
                _ if !self.compacted => drop(found.insert(identity, LookUp::Gone)),
                Some(key) => self.absent.entry(key).or_default().push(identity),
                // Whether a later record of its key has taken its place cannot be told without the key.
                None => drop(found.insert(identity, LookUp::Nothing)),
            }
        }
        if let Some(replaced) = record.key.and_then(|key| self.absent.remove(&KeyId::of_text(key))) {
            found.extend(replaced.into_iter().map(|identity| (identity, LookUp::Superseded)));
        }
    }

    /// The high watermark: nothing more comes. What is still wanted below it is not there; at or above it nothing is known.
    pub(super) fn end(&mut self, high: i64, rules: Rules, found: &mut HashMap<Identity, LookUp>) {
        let absent = self.absent.drain().flat_map(|(_, absent)| absent);
        found.extend(absent.map(|identity| (identity, LookUp::Gone)));
        let above = if rules.has(Rule::NotReplicated) { LookUp::NotReplicated } else { LookUp::Nothing };
        let open = self.open.drain(..);
        found.extend(
            open.map(|wanted| {
                ((wanted.lane, wanted.sequence), if wanted.offset < high { LookUp::Gone } else { above })
            }),
        );
        self.next = self.next.max(high);
        self.ended = true;
    }
}

/// What a record at the offset of a wanted event makes of it. It is the event where it says so, damaged where it is not whole; another one
/// where it says that, or where key or `CreateTime` are not the event's; else the event, damaged.
fn compare(wanted: &AckedEvent, record: &Record<'_>, ours: Ours<'_>) -> LookUp {
    let Ours { run, catalogue, numbering, rules, .. } = ours;
    let when = |rule, found| if rules.has(rule) { found } else { LookUp::Nothing };
    let another = when(Rule::AnotherRecord, LookUp::Gone);
    let decoded = catalogue.decode_record(Raw::from(record));
    match decoded {
        Err(Invalid::AwaitsSchema) => return LookUp::Nothing,
        // No event is a tombstone.
        Err(Invalid::NoValue) => return another,
        _ => {}
    }
    if let Ok(decoded) = decoded {
        let (lane, sequence) = numbering.written(wanted.lane, wanted.sequence);
        let is_wanted = |stamp: &Stamp| (stamp.tag, stamp.lane, stamp.sequence) == (run.tag(), lane, sequence);
        match decoded.stamp.filter(is_wanted) {
            Some(stamp) if ours.is_whole(record, &decoded, stamp) => {
                return when(Rule::Undelivered, LookUp::Present);
            }
            Some(stamp) if is_due_then(wanted, stamp) => return when(Rule::Unparsable, LookUp::Unparsable),
            Some(_) | None => return another,
        }
    }
    match may_be(wanted, record) {
        Some(true) => when(Rule::Unparsable, LookUp::Unparsable),
        Some(false) => another,
        None => LookUp::Nothing,
    }
}

/// Whether a stamp with the wanted event's lane and sequence is its own; one of another run that has this one's tag tells another due time.
fn is_due_then(wanted: &AckedEvent, stamp: Stamp) -> bool {
    let due_ms = i64::try_from(stamp.due.unix_ns() / 1_000_000).ok();
    wanted.due_ms.zip(due_ms).is_none_or(|(wanted, found)| wanted.abs_diff(found) <= DUE_SLACK_MS)
}

/// Whether a record that cannot be read as any event may be the wanted one, damaged; `None` where nothing tells.
fn may_be(wanted: &AckedEvent, record: &Record<'_>) -> Option<bool> {
    let is_older = match (wanted.due_ms, record.timestamp) {
        (Some(due), Timestamp::Create(at)) => at < due - CLOCK_STEP_MS,
        _ => false,
    };
    if is_older {
        return Some(false);
    }
    Some(record.key.map(KeyId::of_text) == Some(wanted.key?))
}
