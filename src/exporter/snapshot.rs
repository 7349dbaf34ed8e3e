//! What is known of a run at the end of a second.

use serde::Serialize;

use super::buckets::Buckets;
use crate::measure::{ClientSums, FindingCounts, PartitionShard, Shard};
use crate::report::latency::Kind;
use crate::report::{ExpectReport, GateResult, LedgerCounts, RunReport, TimelineRow, Verdict};
use crate::run::{self, Tick};

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// No event was sent yet.
    #[default]
    Preparing,
    /// Events are being sent.
    Sending,
    /// Answers and last records are waited for.
    Draining,
    /// It has ended, and its verdict is known.
    Judged,
}

/// Counts of one event type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OfType {
    pub(super) sent: u64,
    pub(super) verified: u64,
    pub(super) invalid: u64,
}

/// A run at the end of a second: all counts since its start.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub(super) name: String,
    pub(super) topic: String,
    pub(super) stage: Stage,
    pub(super) at_s: f64,
    pub(super) scheduled: u64,
    pub(super) sent: u64,
    pub(super) sent_bytes: u64,
    pub(super) acked: u64,
    pub(super) refused: u64,
    pub(super) unanswered: u64,
    pub(super) seen: u64,
    pub(super) outstanding: u64,
    /// Where it is known.
    pub(super) unread: Option<u64>,
    /// Where a verifier reads alone.
    pub(super) gaps: Option<u64>,
    pub(super) found: FindingCounts,
    pub(super) blocked_s: f64,
    pub(super) held_back_s: f64,
    pub(super) capped_s: f64,
    /// With their names.
    pub(super) by_type: Vec<(String, OfType)>,
    /// With topic and number.
    /// Which shard of a run it is of, as `2/4`; `None` where it is the only one.
    pub(super) shard: Option<String>,
    pub(super) partitions: Vec<(String, i32, PartitionShard)>,
    pub(super) latencies: Vec<(Kind, Buckets)>,
    pub(super) client: ClientSums,
    pub(super) last_second: TimelineRow,
    pub(super) gates: Vec<GateResult>,
    /// What is expected downstream.
    pub(super) results: Vec<ExpectReport>,
    /// Known at the end.
    pub(super) ledger: Option<LedgerCounts>,
    /// Known at the end.
    pub(super) verdict: Option<Verdict>,
}

/// `/status`.
#[derive(Debug, Serialize)]
struct Status<'a> {
    name: &'a str,
    topic: &'a str,
    stage: Stage,
    at_s: f64,
    scheduled: u64,
    sent: u64,
    sent_bytes: u64,
    acked: u64,
    refused: u64,
    unanswered: u64,
    seen: u64,
    outstanding: u64,
    unread: Option<u64>,
    duplicates: u64,
    reordered: u64,
    invalid: u64,
    damaged: u64,
    foreign: u64,
    negative_latency: u64,
    last_second: &'a TimelineRow,
    gates: &'a [GateResult],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    expectations: &'a [ExpectReport],
    #[serde(skip_serializing_if = "Option::is_none")]
    ledger: Option<&'a LedgerCounts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'a Verdict>,
}

impl Snapshot {
    /// Of a run that has not sent anything.
    pub(super) fn new(name: &str, topic: &str, event_types: &[String], kinds: &[Kind]) -> Self {
        let latencies = kinds.iter().map(|kind| (*kind, Buckets::default())).collect();
        let by_type = event_types.iter().map(|name| (name.clone(), OfType::default())).collect();
        Self { name: name.to_owned(), topic: topic.to_owned(), by_type, latencies, ..Self::default() }
    }

    pub(super) fn add(&mut self, tick: &Tick<'_>, gates: Vec<GateResult>) {
        let Shard { sent, bytes, acked, refused, unanswered, seen, found, .. } = *tick.total;
        self.stage = match tick.stage {
            run::Stage::Sending => Stage::Sending,
            run::Stage::Draining => Stage::Draining,
        };
        self.at_s = tick.now.as_secs_f64();
        self.scheduled = tick.scheduled;
        (self.sent, self.sent_bytes, self.acked, self.refused) = (sent, bytes, acked, refused);
        (self.unanswered, self.seen, self.found) = (unanswered, seen, found);
        (self.outstanding, self.unread) = (tick.row.outstanding, tick.row.unread);
        self.gaps = tick.gaps;
        self.blocked_s = tick.total.blocked.as_secs_f64();
        self.held_back_s = tick.total.held_back.as_secs_f64();
        self.capped_s = tick.total.capped.as_secs_f64();
        for ((_, mine), kind) in self.by_type.iter_mut().zip(&tick.total.kinds) {
            *mine = OfType { sent: kind.sent, verified: kind.verified, invalid: kind.invalid };
        }
        let of = |(slot, shard): (i32, &PartitionShard)| {
            let (topic, partition) = tick.slots.place(slot)?;
            Some((topic.to_owned(), partition, *shard))
        };
        self.partitions = (0..).zip(&tick.total.partitions).filter_map(of).collect();
        for phase in &tick.interval.phases {
            for (kind, buckets) in &mut self.latencies {
                buckets.add(phase.latency(*kind));
            }
        }
        self.client.clone_from(tick.client);
        self.last_second = tick.row.clone();
        self.results = tick.results.to_vec();
        self.gates = gates;
    }

    /// Whether a verifier reads the events back.
    pub(super) fn is_read_back(&self) -> bool {
        self.latencies.iter().any(|(kind, _)| *kind == Kind::EndToEnd)
    }

    /// Whether nothing is sent: a verifier reads alone.
    pub(super) fn only_reads(&self) -> bool {
        matches!(self.latencies.as_slice(), [(Kind::EndToEnd, _)])
    }

    pub(super) fn end(&mut self, report: &RunReport) {
        self.stage = Stage::Judged;
        self.scheduled = report.ledger.scheduled;
        self.ledger = Some(report.ledger);
        self.verdict = Some(report.verdict.clone());
        self.gates.clone_from(&report.gates);
        self.results.clone_from(&report.expectations);
    }

    /// As JSON.
    ///
    /// # Errors
    /// None that is known: every field can be written.
    pub fn status(&self) -> serde_json::Result<Vec<u8>> {
        let FindingCounts { duplicates, reordered, invalid, damaged, foreign, negative_latency } = self.found;
        serde_json::to_vec_pretty(&Status {
            name: &self.name,
            topic: &self.topic,
            stage: self.stage,
            at_s: self.at_s,
            scheduled: self.scheduled,
            sent: self.sent,
            sent_bytes: self.sent_bytes,
            acked: self.acked,
            refused: self.refused,
            unanswered: self.unanswered,
            seen: self.seen,
            outstanding: self.outstanding,
            unread: self.unread,
            duplicates,
            reordered,
            invalid,
            damaged,
            foreign,
            negative_latency,
            last_second: &self.last_second,
            gates: &self.gates,
            expectations: &self.results,
            ledger: self.ledger.as_ref(),
            verdict: self.verdict.as_ref(),
        })
    }
}
