//! Looking at single offsets after the run: is the event there, is another record there, or nothing?

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::clock::{Clock, Monotonic, Nanos};
use crate::event::decode::decode;
use crate::event::stamp::RunId;
use crate::kafka::native::Consumer;
use crate::kafka::{Delivered, Record};
use crate::ledger::class::LookUp;

/// Records read past one wanted offset before the reader jumps to the next.
const JUMP: i64 = 5_000;
const BATCH: usize = 1_000;

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
}

/// Reads the wanted offsets, under whatever isolation `consumer` has, and returns what lies there. What cannot be
/// read within `timeout` is left out: nothing is claimed of it.
pub fn look_up(
    mut consumer: Consumer,
    topic: &str,
    run: RunId,
    wanted: &[Wanted],
    timeout: Duration,
) -> HashMap<(i32, i64), LookUp> {
    let mut found = HashMap::new();
    let mut partitions = by_partition(wanted);
    let starts: Vec<(i32, i64)> =
        partitions.iter().filter_map(|(partition, open)| Some((*partition, open.last()?.offset))).collect();
    if let Err(error) = consumer.assign(topic, starts.into_iter()) {
        tracing::warn!("unseen events cannot be looked up: {error}");
        return found;
    }
    let clock = Monotonic::start();
    let deadline = Nanos::from(timeout);
    while partitions.values().any(|open| !open.is_empty()) && clock.now() < deadline {
        let mut jumps = Vec::new();
        let taken = consumer.take(BATCH, |delivered| match delivered {
            Delivered::Record(record) => {
                let Some(open) = partitions.get_mut(&record.partition) else { return };
                settle(open, &record, run, &mut found);
                if let Some(next) = open.last().filter(|next| next.offset > record.offset + JUMP) {
                    jumps.push((record.partition, next.offset));
                }
            }
            Delivered::EndOfPartition { partition, offset } => {
                let Some(open) = partitions.get_mut(&partition) else { return };
                while let Some(wanted) = open.pop_if(|wanted| wanted.offset < offset) {
                    found.insert((partition, wanted.offset), LookUp::Gone);
                }
                // The end may grow while it is read: what lies beyond is past the end of the log as it is now.
                for wanted in open.drain(..) {
                    found.insert((partition, wanted.offset), LookUp::Gone);
                }
            }
            Delivered::Error { partition, code, .. } => tracing::debug!(partition, ?code, "while looking up"),
        });
        jumps.dedup_by_key(|(partition, _)| *partition);
        for (partition, offset) in jumps {
            if let Err(error) = consumer.seek(topic, partition, offset, Duration::from_secs(5)) {
                tracing::debug!(partition, "{error}");
            }
        }
        if taken < BATCH && consumer.wait(Duration::from_millis(50)).is_err() {
            break;
        }
    }
    found
}

/// The wanted offsets of each partition, the lowest last.
fn by_partition(wanted: &[Wanted]) -> BTreeMap<i32, Vec<Wanted>> {
    let mut partitions: BTreeMap<i32, Vec<Wanted>> = BTreeMap::new();
    for one in wanted {
        partitions.entry(one.partition).or_default().push(*one);
    }
    for open in partitions.values_mut() {
        open.sort_by_key(|wanted| std::cmp::Reverse(wanted.offset));
    }
    partitions
}

/// A record settles what was wanted at its offset, and what was wanted before it: a higher offset means absence.
fn settle(open: &mut Vec<Wanted>, record: &Record<'_>, run: RunId, found: &mut HashMap<(i32, i64), LookUp>) {
    while let Some(wanted) = open.pop_if(|wanted| wanted.offset <= record.offset) {
        let answer = if wanted.offset < record.offset { LookUp::Gone } else { compare(&wanted, record, run) };
        found.insert((record.partition, wanted.offset), answer);
    }
}

fn compare(wanted: &Wanted, record: &Record<'_>, run: RunId) -> LookUp {
    match record.body.map(decode) {
        Some(Ok(decoded)) => match decoded.stamp {
            Some(stamp) if stamp.tag == run.tag() && stamp.lane == wanted.lane && stamp.sequence == wanted.sequence => {
                LookUp::Present
            }
            _ => LookUp::Gone,
        },
        Some(Err(_)) => LookUp::Unparsable,
        None => LookUp::Gone,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::Timestamp;

    fn record(offset: i64, body: &[u8]) -> Record<'_> {
        Record { partition: 0, offset, timestamp: Timestamp::Missing, key: None, body: Some(body), leader_epoch: -1 }
    }

    #[test]
    fn a_higher_offset_means_absence_and_rubbish_means_damage() {
        let wanted =
            [5, 3, 9].map(|offset| Wanted { partition: 0, offset, lane: 0, sequence: u64::try_from(offset).unwrap() });
        let mut open = by_partition(&wanted).remove(&0).unwrap();
        let mut found = HashMap::new();
        settle(&mut open, &record(5, b"rubbish"), RunId(1), &mut found);
        assert_eq!(found, HashMap::from([((0, 3), LookUp::Gone), ((0, 5), LookUp::Unparsable)]));
        assert_eq!(open.len(), 1);
    }
}
