//! What was measured and counted, as the sections of a report.

use std::collections::BTreeMap;

use super::Config;
use crate::clock::Nanos;
use crate::control::tempo::Tempo;
use crate::event::catalogue::{Catalogue, TypeIndex};
use crate::figures::as_f64;
use crate::kafka::slots::Slots;
use crate::measure::{ClientSums, KindShard, PhaseShard, Shard};
use crate::report::latency::Kind;
use crate::report::{
    Client, DistributionPoint, Latencies, LatencyParts, LedgerCounts, Offered, PartitionReport, PhaseReport,
    TopicLedger, TypeLatencies, TypeReport,
};
use crate::schedule::{Schedule, Shape};
use crate::verify::PartitionState;

/// Rates over the gaps between events: n events have n - 1. The planned one is that of the due times.
pub(super) fn offered(scheduled: u64, measured: &PhaseShard, due: Option<(Nanos, Nanos)>, first: Nanos) -> Offered {
    let rate = |count: u64, first: Nanos, last: Nanos| {
        // The last may be before the first that is judged, where a run ends in its warm-up.
        let span = last.checked_since(first).filter(|span| count > 1 && *span > Nanos::ZERO)?;
        Some(as_f64(count - 1) / span.as_secs_f64())
    };
    // What the client turned away at once was offered like the rest.
    let achieved = rate(measured.sent + measured.turned_away, first, measured.last_sent).unwrap_or_default();
    let planned = due.and_then(|(first, last)| rate(scheduled, first, last));
    Offered {
        scheduled,
        rate_per_s: planned,
        achieved_rate_per_s: achieved,
        achieved_percent: planned.map(|planned| achieved / planned * 100.0),
        bytes: measured.bytes,
        due_span_ms: due.map_or(0, |(first, last)| last.saturating_since(first).0 / 1_000_000),
        ..Offered::default()
    }
}

pub(super) fn latencies(measured: &PhaseShard, has_due_times: bool, verifying: bool) -> Latencies {
    let of = |kind| measured.latency(kind).summary();
    let any = |kind| measured.latency(kind).count() > 0;
    Latencies {
        slip: has_due_times.then(|| of(Kind::Slip)),
        lateness: has_due_times.then(|| of(Kind::Lateness)),
        blocked: has_due_times.then(|| of(Kind::Blocked)),
        capped: (has_due_times && any(Kind::Capped)).then(|| of(Kind::Capped)),
        service_time: of(Kind::ServiceTime),
        response_time: of(Kind::ResponseTime),
        end_to_end: verifying.then(|| of(Kind::EndToEnd)),
        commit_time: any(Kind::CommitTime).then(|| of(Kind::CommitTime)),
        commit_call: any(Kind::CommitCall).then(|| of(Kind::CommitCall)),
    }
}

/// What the clients measured, with the parts of the latency that follow from it.
pub(super) fn client(sums: &ClientSums, latencies: &Latencies) -> Option<Client> {
    let told = sums.told()?;
    let parts_us = told.queue_us.mean.and_then(|queue| LatencyParts::of(latencies, queue));
    Some(Client { parts_us, ..told })
}

pub(super) fn distributions(
    measured: &PhaseShard,
    has_due_times: bool,
    verifying: bool,
) -> BTreeMap<String, Vec<DistributionPoint>> {
    let wanted = |kind: &Kind| match kind {
        Kind::Slip => has_due_times,
        Kind::EndToEnd => verifying,
        Kind::ServiceTime | Kind::ResponseTime | Kind::CommitTime => true,
        Kind::Lateness | Kind::Blocked | Kind::Capped | Kind::CommitCall => false,
    };
    let kinds = Kind::ALL.into_iter().filter(wanted).map(|kind| (kind, measured.latency(kind)));
    kinds
        .filter(|(_, latency)| latency.count() > 0)
        .map(|(kind, latency)| (kind.as_str().to_owned(), latency.distribution()))
        .collect()
}

pub(super) fn by_type(catalogue: &Catalogue, total: &Shard) -> BTreeMap<String, TypeReport> {
    catalogue
        .names()
        .zip(&total.kinds)
        .filter(|(_, measured)| measured.sent > 0 || measured.verified > 0 || measured.invalid > 0)
        .map(|(name, measured): (&str, &KindShard)| {
            let report = TypeReport {
                sent: measured.sent,
                verified: measured.verified,
                invalid: measured.invalid,
                share_percent: if total.sent == 0 { 0.0 } else { as_f64(measured.sent) / as_f64(total.sent) * 100.0 },
                expected_share_percent: None,
                latency_us: TypeLatencies {
                    response_time: measured.response_time.summary(),
                    end_to_end: measured.end_to_end.summary(),
                },
            };
            (name.to_owned(), report)
        })
        .collect()
}

pub(super) fn by_topic(
    catalogue: &Catalogue,
    slots: &Slots,
    total: &Shard,
    unverified: &BTreeMap<(TypeIndex, &'static str), u64>,
) -> BTreeMap<String, TopicLedger> {
    let of_topic = |(index, (name, _)): (usize, (&str, i32))| {
        let mut ledger = TopicLedger::default();
        for ((kind, declared), measured) in catalogue.types().zip(&total.kinds) {
            if slots.topic_of(kind.index()) != index {
                continue;
            }
            if measured.sent > 0 {
                ledger.event_types.push(declared.name.to_string());
            }
            ledger.sent += measured.sent;
            ledger.verified += measured.verified;
            ledger.invalid += measured.invalid;
            for ((_, class), count) in unverified.range((kind, "")..).take_while(|((of, _), _)| *of == kind) {
                *ledger.not_verified.entry((*class).to_owned()).or_default() += count;
            }
        }
        for (slot, measured) in (0_i32..).zip(&total.partitions) {
            if slots.topic_at(slot) == Some(index) {
                ledger.acked += measured.acked;
                ledger.seen += measured.seen;
            }
        }
        (name.to_owned(), ledger)
    };
    slots.topics().enumerate().map(of_topic).collect()
}

pub(super) fn phase_reports(
    schedule: &Schedule,
    tempo: &Tempo,
    total: &Shard,
    counts: &[LedgerCounts],
    config: &Config,
) -> Vec<PhaseReport> {
    let starts: Vec<Nanos> = schedule.starts().collect();
    schedule
        .phases()
        .zip(&total.phases)
        .zip(counts)
        .enumerate()
        .map(|(index, ((phase, measured), counts))| {
            let start = starts.get(index).copied().unwrap_or_default();
            let has_due_times = phase.shape != Shape::Unlimited;
            // Held or stopped before the phase's end, it has no length that a rate could be computed from.
            let ended = phase.duration.map(|duration| tempo.at(start + duration)).filter(|end| *end < Tempo::HELD);
            let start = tempo.at(start);
            let due = ended.filter(|_| has_due_times).map(|end| (start, end));
            PhaseReport {
                name: phase.name.clone(),
                warm_up: phase.warm_up,
                schedule: phase.shape.name().to_owned(),
                offered: offered(counts.scheduled, measured, due, start),
                ledger: *counts,
                latency_us: latencies(measured, has_due_times, config.verify.is_some()),
            }
        })
        .collect()
}

pub(super) fn partitions(slots: &Slots, total: &Shard, states: &[PartitionState]) -> Vec<PartitionReport> {
    (0_i32..)
        .zip(&total.partitions)
        .map(|(slot, measured)| {
            let state = usize::try_from(slot).ok().and_then(|index| states.get(index));
            let (topic, partition) = slots.place(slot).unwrap_or(("", slot));
            PartitionReport {
                topic: topic.to_owned(),
                partition,
                sent: measured.sent,
                acked: measured.acked,
                seen: measured.seen,
                longest_ack_gap_us: measured.longest_ack_gap.as_micros(),
                longest_read_gap_us: measured.longest_read_gap.as_micros(),
                from_offset: state.map(|state| state.from),
                position: state.map(|state| state.position),
                log_end: state.and_then(|state| state.log_end),
                last_stable_offset: state.and_then(|state| state.hidden_from),
            }
        })
        .collect()
}
