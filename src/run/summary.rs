//! After the last thread has ended: every event gets its class, and the numbers become the report.

use std::collections::BTreeMap;

use super::attribute::{Attributed, Unverified, attribute};
use super::availability::{availability, joined};
use super::group;
use super::prepare::Prepared;
use super::watch::Watched;
use super::wiring::Wiring;
use super::{Config, Outcome, Tick, fidelity, transactions};
use crate::clock::{Anchor, Monotonic, Nanos};
use crate::control::tempo::Tempo;
use crate::event::EventKind;
use crate::kafka::native::librdkafka_version;
use crate::kafka::properties::redact;
use crate::kafka::slots::Slots;
use crate::kafka::{ClusterMetadata, Settings};
use crate::lane::rhythm::Rhythm;
use crate::lane::{LaneEnd, LaneError};
use crate::ledger::{Class, Ledger};
use crate::measure::{ClientSums, KindShard, PhaseShard, Sampler, Shard};
use crate::report::drift::DriftVerdict;
use crate::report::{
    Client, DistributionPoint, Environment, Findings, Latencies, LatencyParts, LedgerCounts, Offered, PartitionReport,
    PhaseReport, Run, RunReport, SCHEMA_VERSION, Tool, TopicLedger, TopicReport, TypeLatencies, TypeReport,
};
use crate::schedule::{Schedule, Shape};
use crate::source::Source;
use crate::verify::{Inspected, PartitionState, VerifierEnd};

/// How the threads ended.
pub(super) struct Ends {
    pub(super) lanes: Vec<LaneEnd>,
    /// What the verifier found.
    pub(super) verifier: Option<Inspected>,
    /// The partitions as the verifier left them.
    pub(super) partitions: Vec<PartitionState>,
    unfinished: Vec<i32>,
    pub(super) clock: Monotonic,
    pub(super) anchor: Anchor,
}

impl Ends {
    pub(super) fn new<B>(
        lanes: Vec<LaneEnd>,
        verifier: Option<VerifierEnd<B>>,
        clock: Monotonic,
        anchor: Anchor,
    ) -> Self {
        let (verifier, partitions, unfinished) = match verifier {
            Some(end) => (Some(end.inspected), end.partitions, end.unfinished),
            None => (None, Vec::new(), Vec::new()),
        };
        Self { lanes, verifier, partitions, unfinished, clock, anchor }
    }
}

/// The highest acked offset of each partition over all lanes.
pub(super) fn highest_acked(lanes: &[LaneEnd]) -> Vec<Option<i64>> {
    let mut highest: Vec<Option<i64>> = Vec::new();
    for lane in lanes {
        if highest.len() < lane.highest_acked.len() {
            highest.resize(lane.highest_acked.len(), None);
        }
        for (mine, theirs) in highest.iter_mut().zip(&lane.highest_acked) {
            *mine = (*mine).max(*theirs);
        }
    }
    highest
}

#[expect(clippy::too_many_arguments, reason = "this is where everything comes together, once")]
pub(super) fn outcome<W: Wiring>(
    wiring: &W,
    config: &Config,
    source: &Source,
    schedule: &Schedule,
    prepared: &Prepared,
    ledger: &Ledger,
    mut sampler: Sampler,
    watch: Watched,
    mut ends: Ends,
) -> Outcome {
    let drift_ns = ends.anchor.drift_ns(&ends.clock);
    let (attributed, mut findings) =
        attribute(config, prepared, ledger, schedule, &mut ends, sampler.total_mut(), wiring);
    let Attributed { phases, mut unverified, by_kind, unfinished: not_read_again } = attributed;
    let slots = &prepared.slots;
    name_places(slots, &mut unverified, &mut findings);
    let Ends { lanes, partitions: states, unfinished, anchor, clock, .. } = ends;
    let (mut cluster_error, mut ended_by) = (watch.cluster_error, watch.ended_by);
    note_ends(&lanes, &mut cluster_error, &mut ended_by);
    let (peak_scheduled, peak_sent) = (watch.peak_scheduled, watch.peak_sent);
    let mut deadlines = Vec::new();
    let unanswered: u64 = lanes.iter().map(|lane| lane.unanswered).sum();
    if unanswered > 0 {
        deadlines.push(format!(
            "flush: {} without an answer after {:?}",
            crate::report::figures::counted(unanswered, "event"),
            config.flush_deadline
        ));
    }
    if !unfinished.is_empty() {
        deadlines.push(format!("drain: partitions {} were not read to their end", slots.told(&unfinished)));
    }
    deadlines.extend(not_read_again);
    let total = sampler.total();
    let whole = total.whole();
    let first_due = lanes.iter().filter_map(|lane| lane.first_due).min().unwrap_or_default();
    let last_sent = lanes.iter().map(|lane| lane.last_sent).max().unwrap_or_default();
    let counts = of_all(&phases);
    let last_due = lanes.iter().map(|lane| lane.last_due).max().unwrap_or_default();
    // What warms up is left out of the rates, and of nothing that is counted.
    let tempo = prepared.tempo();
    let warm_up_ends = tempo.at(schedule.warm_up_ends());
    let judged_first = first_due.max(warm_up_ends);
    let judged: u64 = phases.iter().skip(schedule.warm_ups()).map(|phase| phase.scheduled).sum();
    let due = schedule.has_due_times().then_some((judged_first, last_due));
    let offered = Offered {
        scheduled: counts.scheduled,
        bytes: total.bytes,
        due_span_ms: if schedule.has_due_times() { last_due.since(first_due).0 / 1_000_000 } else { 0 },
        client_blocked_s: total.blocked.as_secs_f64(),
        flow_control_s: total.held_back.as_secs_f64(),
        ..offered(judged, &whole, due, judged_first)
    };
    let stalls = joined(total.stalls.clone());
    let leader_changes = total.leader_changes.len() as u64;
    let begun = begun(config, source, schedule);
    let judged_latencies = latencies(&whole, schedule.has_due_times(), config.verify.is_some());
    let report = RunReport {
        schema_version: begun.schema_version,
        tool: begun.tool,
        run: Run {
            started_at: rfc3339(anchor),
            measured_s: last_sent.as_secs_f64(),
            warm_up_s: warm_up_ends.as_secs_f64(),
            interrupted: watch.interrupted,
            rate_changes: watch.rate_changes,
            wall_clock_drift_us: drift_ns / 1000,
            deadlines_reached: deadlines,
            ..begun.run
        },
        environment: environment(prepared, config),
        offered,
        ledger: counts,
        findings,
        client: client(&watch.client, &judged_latencies),
        transactions: config.transactions.map(|plan| transactions::told(plan, total)),
        latency_us: judged_latencies,
        distributions: distributions(&whole, schedule.has_due_times(), config.verify.is_some()),
        by_type: by_type(total),
        by_topic: if slots.is_one() { BTreeMap::new() } else { by_topic(slots, total, &by_kind) },
        phases: phase_reports(schedule, &tempo, total, &phases, config),
        partitions: partitions(slots, total, &states),
        group: group::report(config, prepared, &clock),
        timeline: watch.timeline.into_rows(),
        availability: Some(availability(&stalls, config.stall_threshold.into(), slots, leader_changes)),
        drift: watch.soak.map(|soak| soak.drift()).filter(|drift| drift.verdict != DriftVerdict::Unevaluated),
        ..RunReport::default()
    };
    let fidelity = rhythm(&lanes).map(|rhythm| {
        let known = fidelity::Known {
            slip: &whole.slip,
            scheduled: report.ledger.scheduled,
            reordered: config.verify.is_some().then_some(report.findings.reordered),
            peak_scheduled,
            peak_sent,
            changes: report.run.rate_changes.len(),
        };
        fidelity::judge(&rhythm, known)
    });
    Outcome {
        report,
        measured: total.clone(),
        stalls,
        unverified,
        cluster_error,
        interrupted: watch.interrupted,
        ended_by,
        fidelity,
    }
}

/// Tells slots as partitions of their topics.
pub(super) fn name_places(slots: &Slots, unverified: &mut [Unverified], findings: &mut Findings) {
    for one in unverified {
        one.name_place(slots);
    }
    for example in findings.examples.values_mut().flatten() {
        if let Some((topic, partition)) = example.partition.and_then(|slot| slots.place(slot)) {
            (example.topic, example.partition) = (Some(topic.to_owned()), Some(partition));
        }
    }
}

/// That of all lanes together.
fn rhythm(lanes: &[LaneEnd]) -> Option<Rhythm> {
    let mut sum: Option<Rhythm> = None;
    for rhythm in lanes.iter().filter_map(|lane| lane.rhythm.as_ref()) {
        sum.get_or_insert_default().add(rhythm);
    }
    sum
}

/// What ended lanes before their schedule did, where nothing else had.
fn note_ends(lanes: &[LaneEnd], cluster_error: &mut Option<String>, ended_by: &mut Option<String>) {
    for error in lanes.iter().filter_map(|lane| lane.error.as_ref()) {
        let by = match error {
            LaneError::TopicGone(_) | LaneError::NotAllowed(_) | LaneError::Fatal(..) | LaneError::Transaction(_) => {
                &mut *cluster_error
            }
            LaneError::TooLate(_) | LaneError::SequencesUsedUp => &mut *ended_by,
        };
        by.get_or_insert_with(|| error.to_string());
    }
}

/// The running figures, for gates that may end the run.
pub(super) fn interim(tick: &Tick<'_>) -> RunReport {
    let whole = tick.total.whole();
    let has_due_times = whole.slip.count() > 0;
    RunReport {
        run: Run { measured_s: tick.now.as_secs_f64(), ..Run::default() },
        offered: Offered { scheduled: tick.scheduled, bytes: whole.bytes, ..Offered::default() },
        ledger: LedgerCounts { scheduled: tick.scheduled, refused: tick.total.refused, ..LedgerCounts::default() },
        findings: Findings {
            duplicates: tick.total.found.duplicates,
            reordered: tick.total.found.reordered,
            invalid: tick.total.found.invalid,
            foreign: tick.total.found.foreign,
            negative_latency: tick.total.found.negative_latency,
            ..Findings::default()
        },
        latency_us: latencies(&whole, has_due_times, whole.end_to_end.count() > 0),
        by_type: by_type(tick.total),
        timeline: if tick.judged { vec![tick.row.clone()] } else { Vec::new() },
        ..RunReport::default()
    }
}

/// What a report says of a run before it is made.
#[must_use]
pub fn begun(config: &Config, source: &Source, schedule: &Schedule) -> RunReport {
    RunReport {
        schema_version: SCHEMA_VERSION,
        tool: tool(),
        run: Run {
            id: config.id.to_string(),
            name: config.name.clone(),
            warm_up_s: schedule.warm_up_ends().as_secs_f64(),
            seed: Some(config.seed),
            source: source.name().to_owned(),
            schedule: schedule.name().to_owned(),
            lanes: config.lanes.count,
            lane_numbers: config.lanes.named(),
            embedded: config.bootstrap.is_none(),
            ..Run::default()
        },
        ..RunReport::default()
    }
}

/// What makes the reports.
#[must_use]
pub fn tool() -> Tool {
    Tool {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        librdkafka: librdkafka_version(),
        git: option_env!("LOADGEN_GIT").map(str::to_owned),
    }
}

fn environment(prepared: &Prepared, config: &Config) -> Environment {
    let Prepared { slots, clusters, topic_settings, .. } = prepared;
    let mut environment = environment_of(slots, clusters, topic_settings, prepared.settings());
    if let (Some(verify), Some(_)) = (&config.verify, config.transactions) {
        note_isolation(&mut environment, verify.read_committed);
    }
    environment
}

/// Notes the consumer's isolation level, which decides what the findings of a transactional run mean.
pub(super) fn note_isolation(environment: &mut Environment, read_committed: bool) {
    let isolation = if read_committed { "read_committed" } else { "read_uncommitted" };
    environment.client_config.insert("isolation.level".to_owned(), isolation.to_owned());
}

/// On what and against what a client with these settings ran.
pub(super) fn environment_of(
    slots: &Slots,
    clusters: &[ClusterMetadata],
    topic_settings: &[Settings],
    client: &Settings,
) -> Environment {
    let topics = slots.topics().zip(clusters).enumerate().map(|(index, ((name, partitions), cluster))| TopicReport {
        name: name.to_owned(),
        partitions,
        replication_factor: Some(cluster.topic.replication_factor),
        settings: topic_settings.get(index).cloned().unwrap_or_default(),
    });
    Environment {
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        os: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        brokers: clusters.first().map(|cluster| cluster.brokers.clone()).unwrap_or_default(),
        topics: topics.collect(),
        client_config: client.iter().map(|(key, value)| (key.clone(), redact(key, value).into_owned())).collect(),
    }
}

/// Rates over the gaps between events: n events have n - 1. The planned one is that of the due times.
#[expect(clippy::cast_precision_loss, reason = "a reported rate needs 15 digits, not 19")]
fn offered(scheduled: u64, measured: &PhaseShard, due: Option<(Nanos, Nanos)>, first: Nanos) -> Offered {
    let rate =
        |count: u64, span: Nanos| (count > 1 && span > Nanos::ZERO).then(|| (count - 1) as f64 / span.as_secs_f64());
    // What the client turned away at once was offered like the rest.
    let achieved = rate(measured.sent + measured.turned_away, measured.last_sent.since(first)).unwrap_or_default();
    let planned = due.and_then(|(first, last)| rate(scheduled, last.since(first)));
    Offered {
        scheduled,
        rate_per_s: planned,
        achieved_rate_per_s: achieved,
        achieved_percent: planned.map(|planned| achieved / planned * 100.0),
        bytes: measured.bytes,
        due_span_ms: due.map_or(0, |(first, last)| last.since(first).0 / 1_000_000),
        ..Offered::default()
    }
}

fn latencies(measured: &PhaseShard, has_due_times: bool, verifying: bool) -> Latencies {
    Latencies {
        slip: has_due_times.then(|| measured.slip.summary()),
        lateness: has_due_times.then(|| measured.lateness.summary()),
        blocked: has_due_times.then(|| measured.blocked.summary()),
        service_time: measured.service_time.summary(),
        response_time: measured.response_time.summary(),
        end_to_end: verifying.then(|| measured.end_to_end.summary()),
        commit_time: (measured.commit_time.count() > 0).then(|| measured.commit_time.summary()),
        commit_call: (measured.commit_call.count() > 0).then(|| measured.commit_call.summary()),
    }
}

/// The ledger of all phases.
fn of_all(phases: &[LedgerCounts]) -> LedgerCounts {
    let mut counts = LedgerCounts::default();
    for phase in phases {
        for class in Class::ALL {
            counts.add(class, phase.of(class));
        }
    }
    counts
}

/// What the clients measured, with the parts of the latency that follow from it.
fn client(sums: &ClientSums, latencies: &Latencies) -> Option<Client> {
    let told = sums.told()?;
    let parts_us = told.queue_us.mean.and_then(|queue| LatencyParts::of(latencies, queue));
    Some(Client { parts_us, ..told })
}

pub(super) fn distributions(
    measured: &PhaseShard,
    has_due_times: bool,
    verifying: bool,
) -> std::collections::BTreeMap<String, Vec<DistributionPoint>> {
    let kinds = [
        ("slip", &measured.slip, has_due_times),
        ("service_time", &measured.service_time, true),
        ("response_time", &measured.response_time, true),
        ("end_to_end", &measured.end_to_end, verifying),
        ("commit_time", &measured.commit_time, true),
    ];
    kinds
        .into_iter()
        .filter(|(_, latency, wanted)| *wanted && latency.count() > 0)
        .map(|(name, latency, _)| (name.to_owned(), latency.distribution()))
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "a share needs 15 digits, not 19")]
pub(super) fn by_type(total: &Shard) -> BTreeMap<String, TypeReport> {
    EventKind::ALL
        .into_iter()
        .map(|kind| (kind, &total.kinds[kind.index()]))
        .filter(|(_, measured)| measured.sent > 0 || measured.verified > 0 || measured.invalid > 0)
        .map(|(kind, measured): (EventKind, &KindShard)| {
            let report = TypeReport {
                sent: measured.sent,
                verified: measured.verified,
                invalid: measured.invalid,
                share_percent: if total.sent == 0 { 0.0 } else { measured.sent as f64 / total.sent as f64 * 100.0 },
                expected_share_percent: None,
                latency_us: TypeLatencies {
                    response_time: measured.response_time.summary(),
                    end_to_end: measured.end_to_end.summary(),
                },
            };
            (kind.as_str().to_owned(), report)
        })
        .collect()
}

fn by_topic(
    slots: &Slots,
    total: &Shard,
    unverified: &BTreeMap<(EventKind, &'static str), u64>,
) -> BTreeMap<String, TopicLedger> {
    let of_topic = |(index, (name, _)): (usize, (&str, i32))| {
        let mut ledger = TopicLedger::default();
        for kind in EventKind::ALL.into_iter().filter(|kind| slots.topic_of(kind.index()) == index) {
            let measured = &total.kinds[kind.index()];
            if measured.sent > 0 {
                ledger.event_types.push(kind.to_string());
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

fn phase_reports(
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
            }
        })
        .collect()
}

pub(super) fn rfc3339(anchor: Anchor) -> String {
    instant(anchor.unix_ns(Nanos::ZERO))
}

/// A wall time in ns since the Unix epoch, to the millisecond, as RFC 3339 has it.
pub(super) fn instant(unix_ns: u64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(unix_ns))
        .ok()
        .and_then(|at| at.round(jiff::Unit::Millisecond).ok())
        .map_or_else(String::new, |at| at.to_string())
}
