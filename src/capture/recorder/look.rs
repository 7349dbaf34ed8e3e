//! The second look: what lies at the offsets at which no record came.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{BATCH, TURN};
use crate::clock::{Clock, Monotonic, Nanos};
use crate::kafka::native::Consumer;
use crate::kafka::slots::Slots;
use crate::kafka::{Delivered, Settings};

/// Records that are read past one stretch before the reader jumps to the next.
const JUMP: i64 = 5_000;

/// What lies there, of one partition. What is none of these is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Unrecorded {
    /// Records that readers of committed records do not get.
    pub(super) aborted: u64,
    /// Records that the recording should have got.
    pub(super) missed: u64,
    /// Offsets that could not be looked at.
    pub(super) unknown: u64,
}

impl Unrecorded {
    /// Of a partition in which there was nothing to look for.
    pub(super) const fn nothing() -> Self {
        Self { aborted: 0, missed: 0, unknown: 0 }
    }
}

/// By slot, stretches of offsets in their order, from and to.
type Gaps<'a> = BTreeMap<i32, &'a [(i64, i64)]>;

/// Reads these offsets again, for at most `time`.
pub(super) fn look(
    settings: &Settings,
    slots: &Arc<Slots>,
    gaps: &Gaps<'_>,
    read_committed: bool,
    time: Nanos,
    given_up: &dyn Fn() -> bool,
) -> BTreeMap<i32, Unrecorded> {
    if gaps.is_empty() {
        return BTreeMap::new();
    }
    let clock = Monotonic::start();
    let pass = |isolation: &str| {
        let mut settings = settings.clone();
        settings.insert("isolation.level".to_owned(), isolation.to_owned());
        present(&settings, slots, gaps, &clock, time, given_up)
    };
    let written = pass("read_uncommitted");
    let there = written.values().any(|seen| seen.present > 0);
    let committed = if read_committed && there { Some(pass("read_committed")) } else { None };
    let of = |(slot, seen): (&i32, &Pass)| {
        let readable = match &committed {
            None if read_committed => 0,
            None => seen.present,
            Some(committed) => committed.get(slot).map_or(0, |seen| seen.present).min(seen.present),
        };
        // Where the second pass came to no end, what it would have found is not known.
        let cut = committed.as_ref().and_then(|committed| committed.get(slot)).is_some_and(|seen| seen.unseen > 0);
        let hidden = seen.present - readable;
        let (aborted, unsure) = if cut { (0, hidden) } else { (hidden, 0) };
        (*slot, Unrecorded { aborted, missed: readable, unknown: seen.unseen + unsure })
    };
    written.iter().map(of).collect()
}

/// What a pass over stretches has seen of one partition.
#[derive(Debug)]
struct Pass<'a> {
    open: &'a [(i64, i64)],
    /// The offset after the last one passed.
    next: i64,
    present: u64,
    /// Offsets that were not reached.
    unseen: u64,
}

impl Pass<'_> {
    /// The reader is at `offset`, and where `is_record` a record is there. Says where to read on, where that is far ahead.
    fn pass(&mut self, offset: i64, is_record: bool) -> Option<i64> {
        self.next = offset + i64::from(is_record);
        while let Some(((from, to), rest)) = self.open.split_first() {
            if is_record && (*from..*to).contains(&offset) {
                self.present += 1;
            }
            if *to > self.next {
                return (*from > self.next + JUMP).then_some(*from);
            }
            self.open = rest;
        }
        None
    }
}

fn present<'a>(
    settings: &Settings,
    slots: &Arc<Slots>,
    gaps: &Gaps<'a>,
    clock: &Monotonic,
    time: Nanos,
    given_up: &dyn Fn() -> bool,
) -> BTreeMap<i32, Pass<'a>> {
    let begin =
        |gaps: &'a [(i64, i64)]| Pass { open: gaps, next: gaps.first().map_or(0, |gap| gap.0), present: 0, unseen: 0 };
    let mut seen: BTreeMap<i32, Pass<'a>> = gaps.iter().map(|(slot, gaps)| (*slot, begin(gaps))).collect();
    if let Err(error) = read(settings, slots, &mut seen, clock, time, given_up) {
        tracing::debug!("the second look: {error}");
    }
    for seen in seen.values_mut() {
        seen.unseen = seen.open.iter().map(|(from, to)| count((*from).max(seen.next), *to)).sum();
    }
    seen
}

fn read(
    settings: &Settings,
    slots: &Arc<Slots>,
    seen: &mut BTreeMap<i32, Pass<'_>>,
    clock: &Monotonic,
    time: Nanos,
    given_up: &dyn Fn() -> bool,
) -> Result<(), String> {
    let mut consumer = Consumer::new(settings).map_err(|error| error.to_string())?;
    consumer.join(slots);
    let topic = slots.place(0).map_or("", |(topic, _)| topic);
    consumer.assign(topic, seen.iter().map(|(slot, seen)| (*slot, seen.next))).map_err(|error| error.to_string())?;
    while seen.values().any(|seen| !seen.open.is_empty()) && clock.now() < time && !given_up() {
        let mut jumps = BTreeMap::new();
        let taken = consumer.take(BATCH, |delivered| {
            let (slot, offset, is_record) = match delivered {
                Delivered::Record(record) => (record.partition, record.offset, true),
                Delivered::EndOfPartition { partition, offset } => (partition, offset, false),
                // A log that begins behind a stretch now says nothing of what was in it.
                Delivered::Error { .. } => return,
            };
            if let Some(seen) = seen.get_mut(&slot).filter(|seen| offset >= seen.next)
                && let Some(jump) = seen.pass(offset, is_record)
            {
                jumps.insert(slot, jump);
            }
        });
        for (slot, offset) in jumps {
            consumer.seek(topic, slot, offset, Duration::from_secs(5)).map_err(|error| error.to_string())?;
        }
        if taken == 0 {
            consumer.wait(TURN).map_err(|error| error.to_string())?;
        }
        consumer.notices(|notice| tracing::debug!(target: "librdkafka", "{notice:?}"));
    }
    Ok(())
}

pub(super) fn count(from: i64, to: i64) -> u64 {
    u64::try_from(to - from).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_within_stretches_are_counted_and_the_reader_jumps_over_what_is_far() {
        let gaps = [(10, 12), (15, 16), (90_000, 90_001)];
        let mut seen = Pass { open: &gaps, next: 10, present: 0, unseen: 0 };
        assert_eq!(seen.pass(11, true), None);
        assert_eq!(seen.present, 1);
        assert_eq!(seen.pass(14, true), None);
        assert_eq!(seen.pass(16, true), Some(90_000), "nothing is at 15");
        assert_eq!(seen.present, 1);
        assert_eq!(seen.pass(90_001, false), None);
        assert!(seen.open.is_empty());
    }
}
