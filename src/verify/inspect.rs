//! One record: is it valid, is it ours, is it whole, is it the first, is it in order, how long did it take.

use std::sync::Arc;

use super::findings::{Findings, shown};
use super::order::Order;
use crate::clock::{Anchor, Nanos};
use crate::event::decode::{Decoded, claimed_kind, decode};
use crate::event::schema::Invalid;
use crate::event::stamp::{RunId, Stamp};
use crate::kafka::{Record, Timestamp, murmur2};
use crate::ledger::{Ledger, Sighting};
use crate::measure::Shard;
use crate::report::Example;
use crate::schedule::Schedule;

/// Checks records against a run's ledger.
#[derive(Debug)]
pub struct Inspector<'a> {
    run: RunId,
    topic: String,
    anchor: Anchor,
    ledger: &'a Ledger,
    schedule: Arc<Schedule>,
    /// Partitions of the topic, where keys are placed as Java places them; `None` where the placing is not known.
    partitions: Option<i32>,
    order: Order,
    findings: Findings,
}

impl<'a> Inspector<'a> {
    /// An inspector of `topic`, which has `partition_count` partitions. `java_placed`: whether keys must lie where Java's
    /// default partitioner puts them.
    #[must_use]
    pub fn new(
        run: RunId,
        topic: &str,
        ledger: &'a Ledger,
        schedule: Arc<Schedule>,
        partition_count: i32,
        java_placed: bool,
    ) -> Self {
        let lanes = usize::from(u8::MAX) + 1;
        let count = usize::try_from(partition_count).unwrap_or(0);
        Self {
            run,
            topic: topic.to_owned(),
            anchor: Anchor::at_unix_ns(0),
            ledger,
            schedule,
            partitions: java_placed.then_some(partition_count),
            order: Order::new(lanes, count),
            findings: Findings::default(),
        }
    }

    /// Tells the wall time of the run's zero. Before, no record can be one of the run.
    pub const fn start(&mut self, anchor: Anchor) {
        self.anchor = anchor;
    }

    /// What was found.
    #[must_use]
    pub fn into_findings(self) -> Findings {
        self.findings
    }

    /// Checks a record read at `at`. `reread`: its offset had been read before. Returns whether it is the first sighting
    /// of an event of this run.
    pub fn inspect(&mut self, record: &Record<'_>, reread: bool, at: Nanos, shard: &mut Shard) -> bool {
        if reread {
            self.findings.0.duplicates_reread += 1;
            return false;
        }
        let Some(body) = record.body else {
            self.invalid(record, &Invalid::NoValue, shard);
            return false;
        };
        let decoded = match decode(body) {
            Ok(decoded) => decoded,
            Err(reason) => {
                self.invalid(record, &reason, shard);
                return false;
            }
        };
        let key = record.key.unwrap_or_default();
        if *decoded.user != *key {
            self.invalid(record, &Invalid::KeyMismatch, shard);
        } else if self.partitions.is_some_and(|count| murmur2::partition(key, count) != record.partition) {
            self.findings.0.misplaced += 1;
            self.invalid(record, &Invalid::Misplaced, shard);
        }
        match decoded.stamp.filter(|stamp| stamp.tag == self.run.tag()) {
            Some(stamp) => self.stamped(record, key, &decoded, stamp, at, shard),
            None => self.foreign(record),
        }
    }

    fn stamped(
        &mut self,
        record: &Record<'_>,
        key: &[u8],
        decoded: &Decoded<'_>,
        stamp: Stamp,
        at: Nanos,
        shard: &mut Shard,
    ) -> bool {
        let whole = self.run.check(stamp, key, &decoded.content) == stamp.check;
        let Some(book) = self.ledger.lane(stamp.lane) else {
            if whole {
                self.findings.0.sibling += 1;
                return false;
            }
            return self.foreign(record);
        };
        match book.open().see(stamp.sequence, stamp.due, !whole) {
            Sighting::Stranger => self.foreign(record),
            Sighting::Again => {
                self.duplicate(record, decoded, stamp);
                false
            }
            Sighting::First if !whole => {
                self.findings.example("corrupt", || {
                    example(
                        &self.topic,
                        self.anchor,
                        record,
                        Some((stamp, decoded)),
                        "its content does not match its stamp",
                    )
                });
                true
            }
            Sighting::First => {
                self.first(record, decoded, stamp, at, shard);
                true
            }
        }
    }

    fn first(&mut self, record: &Record<'_>, decoded: &Decoded<'_>, stamp: Stamp, at: Nanos, shard: &mut Shard) {
        shard.seen += 1;
        let due = self.anchor.instant(stamp.due.unix_ns()).unwrap_or_default();
        if at < due {
            self.findings.0.negative_latency += 1;
            self.findings.example("negative_latency", || {
                example(&self.topic, self.anchor, record, Some((stamp, decoded)), "seen before it was due")
            });
        }
        let end_to_end = at - due;
        if let Some(phase) = shard.phases.get_mut(self.schedule.phase_at(due)) {
            phase.end_to_end.record(end_to_end);
        }
        let kind = &mut shard.kinds[decoded.kind.index()];
        kind.verified += 1;
        kind.end_to_end.record(end_to_end);
        let Ok(partition) = usize::try_from(record.partition) else { return };
        if let Some(counts) = shard.partitions.get_mut(partition) {
            counts.seen += 1;
        }
        if let Some(before) = self.order.see(usize::from(stamp.lane), partition, stamp.sequence) {
            self.findings.0.reordered += 1;
            self.findings.example("reordered", || {
                let what = format!("sequence {} came after sequence {before}", stamp.sequence);
                example(&self.topic, self.anchor, record, Some((stamp, decoded)), &what)
            });
        }
    }

    fn duplicate(&mut self, record: &Record<'_>, decoded: &Decoded<'_>, stamp: Stamp) {
        self.findings.0.duplicates += 1;
        self.findings.0.duplicates_undecided += 1;
        self.findings.example("duplicates", || {
            let what = match record.timestamp {
                Timestamp::Create(ms) => format!("seen again, CreateTime {ms}"),
                Timestamp::LogAppend(ms) => {
                    format!("seen again, LogAppendTime {ms}: who wrote it twice cannot be told")
                }
                Timestamp::Missing => "seen again, without a time".to_owned(),
            };
            example(&self.topic, self.anchor, record, Some((stamp, decoded)), &what)
        });
    }

    fn foreign(&mut self, record: &Record<'_>) -> bool {
        self.findings.0.foreign += 1;
        self.findings
            .example("foreign", || example(&self.topic, self.anchor, record, None, "an event of another producer"));
        false
    }

    fn invalid(&mut self, record: &Record<'_>, reason: &Invalid, shard: &mut Shard) {
        let name = reason.name();
        self.findings.invalid(&name);
        if let Some(kind) = record.body.and_then(claimed_kind) {
            shard.kinds[kind.index()].invalid += 1;
        }
        self.findings.example("invalid", || {
            let body = record.body.map(shown).unwrap_or_default();
            tracing::warn!(
                partition = record.partition,
                offset = record.offset,
                reason = &*name,
                body,
                "invalid record"
            );
            example(&self.topic, self.anchor, record, None, &format!("{name}: {body}"))
        });
    }
}

/// What is known of a record, for a finding.
fn example(
    topic: &str,
    anchor: Anchor,
    record: &Record<'_>,
    known: Option<(Stamp, &Decoded<'_>)>,
    what: &str,
) -> Example {
    let stamp = known.map(|(stamp, _)| stamp);
    Example {
        event_id: stamp.map(|stamp| stamp.to_string()),
        event_type: known.map(|(_, decoded)| decoded.kind.to_string()),
        user_id: known.map(|(_, decoded)| String::from_utf8_lossy(&decoded.user).into_owned()),
        lane: stamp.map(|stamp| stamp.lane),
        sequence: stamp.map(|stamp| stamp.sequence),
        due_us: stamp.and_then(|stamp| anchor.instant(stamp.due.unix_ns())).map(Nanos::as_micros),
        topic: Some(topic.to_owned()),
        partition: Some(record.partition),
        offset: Some(record.offset),
        other_offset: None,
        what: what.to_owned(),
    }
}
