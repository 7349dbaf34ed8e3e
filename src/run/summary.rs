//! After the last thread has ended: every event gets its class, and the numbers become the report.

use std::collections::BTreeMap;

use super::attribute::{Attributed, Unverified, attribute};
use super::availability::{availability, joined};
use super::ends::{Ends, note_ends, rhythm};
use super::prepare::Prepared;
use super::sections::{by_topic, by_type, client, distributions, latencies, offered, partitions, phase_reports};
use super::surroundings::{environment, note_isolation, tool};
use super::watch::WatchRecord;
use super::wiring::Wiring;
use super::{Config, Outcome, Stage, Tick, client_errors, fidelity, group, schemas, transactions};
use crate::clock::{Anchor, Nanos};
use crate::figures::counted;
use crate::kafka::slots::Slots;
use crate::lane::LaneEnd;
use crate::ledger::Ledger;
use crate::measure::{PhaseShard, Sampler};
use crate::report::drift::DriftVerdict;
use crate::report::latency::Kind;
use crate::report::{DRAIN, Findings, LedgerCounts, Offered, PhaseReport, Run, RunReport, SCHEMA_VERSION};
use crate::schedule::Schedule;
use crate::source::Source;

#[expect(clippy::too_many_arguments, clippy::too_many_lines, reason = "this is where everything comes together, once")]
pub(super) fn outcome<W: Wiring>(
    wiring: &W,
    config: &Config,
    source: &Source,
    schedule: &Schedule,
    prepared: &Prepared,
    ledger: &Ledger,
    mut sampler: Sampler,
    watch: WatchRecord,
    mut ends: Ends,
) -> Outcome {
    let read = ends.verifier.as_mut().map(|verifier| std::mem::take(&mut verifier.schemas));
    let drift_ns = ends.anchor.drift_ns(&ends.clock);
    let (attributed, mut findings) =
        attribute(config, prepared, ledger, schedule, &mut ends, sampler.total_mut(), wiring);
    let Attributed { phases, mut unverified, by_kind, unfinished: not_read_again } = attributed;
    let target = &prepared.target;
    let slots = &target.slots;
    name_places(slots, &mut unverified, &mut findings);
    let Ends { lanes, partitions: states, unfinished, anchor, clock, errors, throttle, reader_ended, .. } = ends;
    name_reasons(config, &lanes, &mut unverified, &mut findings);
    let (mut cluster_error, mut ended_by) = (watch.cluster_error, watch.ended_by);
    note_ends(&lanes, &mut cluster_error, &mut ended_by);
    let anew = target.topics.made_anew().map(str::to_owned);
    cluster_error = anew.or(cluster_error).or(reader_ended);
    let (peak_scheduled, peak_sent) = (watch.peak_scheduled, watch.peak_sent);
    let mut deadlines = cut_short(&lanes, config);
    if !unfinished.is_empty() {
        deadlines.push(format!("{DRAIN}: partitions {} were not read to their end", slots.told(&unfinished)));
    }
    deadlines.extend(not_read_again);
    let total = sampler.total();
    let whole = total.whole();
    let first_due = lanes.iter().filter_map(|lane| lane.first_due).min().unwrap_or_default();
    let last_sent = lanes.iter().map(|lane| lane.last_sent).max().unwrap_or_default();
    let counts: LedgerCounts = phases.iter().copied().sum();
    let last_due = lanes.iter().map(|lane| lane.last_due).max().unwrap_or_default();
    // What warms up is left out of the rates, and of nothing that is counted.
    let tempo = prepared.control.tempo();
    let warm_up_ends = tempo.at(schedule.warm_up_ends());
    let judged_first = first_due.max(warm_up_ends);
    let judged: u64 = phases.iter().skip(schedule.warm_ups()).map(|phase| phase.scheduled).sum();
    let due = schedule.has_due_times().then_some((judged_first, last_due));
    let offered = Offered {
        scheduled: counts.scheduled,
        bytes: total.bytes,
        due_span_ms: if schedule.has_due_times() { last_due.saturating_since(first_due).0 / 1_000_000 } else { 0 },
        client_blocked_s: total.blocked.as_secs_f64(),
        capped_s: total.capped.as_secs_f64(),
        flow_control_s: total.held_back.as_secs_f64(),
        ..offered(judged, &whole, due, judged_first)
    };
    let stalls = joined(total.stalls.clone());
    let leader_changes = total.leader_changes.len() as u64;
    let begun = begun(config, source, schedule);
    let judged_latencies = latencies(&whole, schedule.has_due_times(), config.verify.is_some());
    let mut environment = environment(target, &config.catalogue, &config.schemas, &prepared.settings);
    if let (Some(verify), Some(_)) = (&config.verify, config.transactions) {
        note_isolation(&mut environment, verify.reads_committed());
    }
    let is_group = config.verify.as_ref().is_some_and(|verify| verify.group.is_some());
    let (timeline, joined_seconds) = watch.timeline.into_rows();
    let report = RunReport {
        client_errors: client_errors::told(
            config.lanes.numbers().zip(lanes.iter().map(|lane| &lane.errors)),
            errors.as_ref().map(|log| (log, is_group)),
            slots,
            &environment,
        ),
        read_throttling: client_errors::throttling(&throttle),
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
        environment,
        offered,
        ledger: counts,
        findings,
        client: client(&watch.client, &judged_latencies),
        transactions: config.transactions.map(|plan| transactions::told(plan, total)),
        latency_us: judged_latencies,
        distributions: distributions(&whole, schedule.has_due_times(), config.verify.is_some()),
        by_type: by_type(&config.catalogue, total),
        by_topic: if slots.is_one() { BTreeMap::new() } else { by_topic(&config.catalogue, slots, total, &by_kind) },
        schemas: schemas::uses(&config.catalogue, &config.schemas, Some((total, &sent_as(&lanes))), read.as_deref()),
        phases: phase_reports(schedule, &tempo, total, &phases, config),
        partitions: partitions(slots, total, &states),
        group: group::report(target, &clock),
        timeline,
        joined_seconds,
        process: watch.process,
        availability: Some(availability(&stalls, config.patience.stall_threshold.into(), slots, leader_changes)),
        drift: watch.soak.map(|soak| soak.drift()).filter(|drift| drift.verdict != DriftVerdict::Unevaluated),
        ..RunReport::default()
    };
    let fidelity = rhythm(&lanes).map(|rhythm| {
        let of_run = fidelity::RunFigures {
            slip: whole.latency(Kind::Slip),
            scheduled: report.ledger.scheduled,
            reordered: config.verify.is_some().then_some(report.findings.reordered),
            peak_scheduled,
            peak_sent,
            changes: report.run.rate_changes.len(),
        };
        fidelity::judge(&rhythm, of_run)
    });
    Outcome {
        report,
        measured: total.clone(),
        stalls,
        unverified,
        cluster_error,
        interrupted: watch.interrupted,
        ended_by,
        unwritten: None,
        fidelity,
        fraud: None,
    }
}

/// Says why events were not acked, where a client or broker has said it.
fn name_reasons(config: &Config, lanes: &[LaneEnd], unverified: &mut [Unverified], findings: &mut Findings) {
    let of = |lane: u16, sequence: u64| {
        let index = lane.checked_sub(config.lanes.first)?;
        let (code, about) = lanes.get(usize::from(index))?.reasons.of(sequence)?;
        Some(client_errors::reason(code, about))
    };
    for one in unverified.iter_mut() {
        one.reason = of(one.lane, one.sequence).or_else(|| one.reason.take());
    }
    for example in findings.examples.values_mut().flatten() {
        if let Some(reason) = example.lane.zip(example.sequence).and_then(|(lane, sequence)| of(lane, sequence)) {
            example.what = format!("{} ({reason})", example.what);
        }
    }
}

/// How many events all lanes handed over in other versions than their types' own.
fn sent_as(lanes: &[LaneEnd]) -> schemas::SentAs {
    let mut all = schemas::SentAs::new();
    for (of, sent) in lanes.iter().flat_map(|lane| &lane.sent_as) {
        *all.entry(*of).or_default() += sent;
    }
    all
}

/// What the lanes' ends did not wait for.
fn cut_short(lanes: &[LaneEnd], config: &Config) -> Vec<String> {
    let mut deadlines = Vec::new();
    let unanswered: u64 = lanes.iter().map(|lane| lane.unanswered).sum();
    if unanswered > 0 {
        let unanswered = counted(unanswered, "event");
        deadlines.push(format!("flush: {unanswered} without an answer after {:?}", config.patience.flush_deadline));
    }
    if lanes.iter().any(|lane| lane.uncounted) {
        deadlines.push("stop: more was due before it than was counted, as counting was ended too".to_owned());
    }
    deadlines
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

/// The running figures, for gates that may end the run.
pub(super) fn interim(tick: &Tick<'_>) -> RunReport {
    let whole = tick.total.whole();
    let has_due_times = whole.latency(Kind::Slip).count() > 0;
    let verifying = whole.latency(Kind::EndToEnd).count() > 0;
    let so_far = offered(tick.scheduled, &whole, None, tick.warm_up_ends);
    // No number where there is none yet: two events make a rate.
    let has_rate = whole.sent + whole.turned_away > 1 || (tick.judged && whole.sent == 0);
    RunReport {
        run: Run { measured_s: tick.now.as_secs_f64(), ..Run::default() },
        offered: Offered {
            achieved_rate_per_s: if has_rate { so_far.achieved_rate_per_s } else { f64::NAN },
            client_blocked_s: tick.total.blocked.as_secs_f64(),
            capped_s: tick.total.capped.as_secs_f64(),
            flow_control_s: tick.total.held_back.as_secs_f64(),
            ..so_far
        },
        ledger: LedgerCounts { scheduled: tick.scheduled, refused: tick.total.refused, ..LedgerCounts::default() },
        findings: Findings {
            duplicates: tick.total.found.duplicates,
            reordered: tick.total.found.reordered,
            invalid: tick.total.found.invalid,
            foreign: tick.total.found.foreign,
            negative_latency: tick.total.found.negative_latency,
            ..Findings::default()
        },
        latency_us: latencies(&whole, has_due_times, verifying),
        by_type: by_type(tick.catalogue, tick.total),
        expectations: tick.results.to_vec(),
        phases: tick.phases.iter().zip(&tick.total.phases).map(|(name, of)| phase_so_far(name, of)).collect(),
        // A second that a person held, and those of the drain, say nothing of the load that was planned.
        timeline: if tick.judged && !tick.held && tick.stage == Stage::Sending {
            vec![tick.row.clone()]
        } else {
            Vec::new()
        },
        ..RunReport::default()
    }
}

/// A phase as far as it has come: its latencies.
fn phase_so_far(name: &str, measured: &PhaseShard) -> PhaseReport {
    PhaseReport {
        name: name.to_owned(),
        latency_us: latencies(
            measured,
            measured.latency(Kind::Slip).count() > 0,
            measured.latency(Kind::EndToEnd).count() > 0,
        ),
        ..PhaseReport::default()
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
            embedded: config.kafka.bootstrap.is_none(),
            ..Run::default()
        },
        ..RunReport::default()
    }
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
