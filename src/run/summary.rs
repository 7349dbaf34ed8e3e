//! After the last thread has ended: every event gets its class, and the numbers become the report.

use std::collections::HashMap;
use std::time::Duration;

use super::prepare::Prepared;
use super::watch::Watched;
use super::{Config, Outcome, Tick};
use crate::clock::{Anchor, Clock, Monotonic, Nanos};
use crate::event::EventKind;
use crate::kafka::native::librdkafka_version;
use crate::kafka::properties::redact;
use crate::lane::{LaneEnd, LaneError};
use crate::ledger::class::{Class, LookUp};
use crate::ledger::judge::{Judged, judge_lane};
use crate::ledger::{Ledger, Outstanding};
use crate::measure::{KindShard, PhaseShard, Sampler, Shard};
use crate::report::{
    DistributionPoint, Environment, Example, Findings, Latencies, LedgerCounts, Offered, PartitionReport, PhaseReport,
    Run, RunReport, SCHEMA_VERSION, Tool, TopicReport, TypeLatencies, TypeReport,
};
use crate::schedule::{Schedule, Shape};
use crate::source::Source;
use crate::verify::look_up::{Wanted, look_up};
use crate::verify::{PartitionState, VerifierEnd, findings};

/// The longest time spent on looking at the offsets of unseen events.
const LOOK_UPS: Duration = Duration::from_secs(60);

/// How the threads ended.
pub(super) struct Ends {
    pub(super) lanes: Vec<LaneEnd>,
    pub(super) verifier: Option<VerifierEnd>,
    pub(super) clock: Monotonic,
    pub(super) anchor: Anchor,
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
pub(super) fn outcome(
    config: &Config,
    source: &Source,
    schedule: &Schedule,
    prepared: &Prepared,
    ledger: &Ledger,
    mut sampler: Sampler,
    watch: Watched,
    ends: Ends,
) -> Outcome {
    let Ends { lanes, verifier, clock, anchor } = ends;
    let drift_ns = anchor.drift_ns(&clock);
    let gave_up = clock.now();
    let mut cluster_error = watch.cluster_error;
    let mut ended_by = watch.ended_by;
    let mut deadlines = Vec::new();
    for error in lanes.iter().filter_map(|lane| lane.error.as_ref()) {
        match error {
            LaneError::TopicGone(_) | LaneError::Fatal(..) => {
                cluster_error.get_or_insert_with(|| error.to_string());
            }
            LaneError::TooLate(_) | LaneError::SequencesUsedUp => {
                ended_by.get_or_insert_with(|| error.to_string());
            }
        }
    }
    let unanswered: u64 = lanes.iter().map(|lane| lane.unanswered).sum();
    if unanswered > 0 {
        deadlines.push(format!("flush: {unanswered} events without an answer after {:?}", config.flush_deadline));
    }
    let mut findings = verifier.as_ref().map(|end| end.findings.0.clone()).unwrap_or_default();
    let states: Vec<PartitionState> = verifier.as_ref().map(|end| end.partitions.clone()).unwrap_or_default();
    if let Some(end) = verifier.as_ref().filter(|end| !end.unfinished.is_empty()) {
        deadlines.push(format!("drain: partitions {:?} were not read to their end", end.unfinished));
    }
    drop(verifier);

    let found = look_ups(config, prepared, &lanes, &states);
    let phases = judge(&lanes, ledger, config, &found, gave_up, sampler.total_mut(), &mut findings);
    let total = sampler.total();
    let whole = total.whole();
    let first_due = lanes.iter().filter_map(|lane| lane.first_due).min().unwrap_or_default();
    let last_sent = lanes.iter().map(|lane| lane.last_sent).max().unwrap_or_default();
    let mut counts = LedgerCounts::default();
    for phase in &phases {
        for class in Class::ALL {
            counts.add(class, phase.of(class));
        }
    }
    let last_due = lanes.iter().map(|lane| lane.last_due).max().unwrap_or_default();
    let due = schedule.has_due_times().then_some((first_due, last_due));
    let offered = Offered {
        client_blocked_s: total.blocked.as_secs_f64(),
        flow_control_s: total.held_back.as_secs_f64(),
        ..offered(counts.scheduled, &whole, due, first_due)
    };
    let report = RunReport {
        schema_version: SCHEMA_VERSION,
        tool: tool(),
        run: Run {
            id: config.id.to_string(),
            name: config.name.clone(),
            started_at: rfc3339(anchor),
            measured_s: last_sent.as_secs_f64(),
            warm_up_s: 0.0,
            seed: config.seed,
            source: source.name().to_owned(),
            schedule: schedule.name().to_owned(),
            lanes: config.lanes,
            lane_numbers: Vec::new(),
            embedded: config.bootstrap.is_none(),
            interrupted: watch.interrupted,
            wall_clock_drift_us: drift_ns / 1000,
            deadlines_reached: deadlines,
        },
        environment: environment(config, prepared),
        offered,
        ledger: counts,
        findings,
        latency_us: latencies(&whole, schedule.has_due_times(), config.verify.is_some()),
        distributions: distributions(&whole, schedule.has_due_times(), config.verify.is_some()),
        by_type: by_type(total),
        phases: phase_reports(schedule, total, &phases, config),
        partitions: partitions(config, total, &states),
        timeline: watch.timeline,
        ..RunReport::default()
    };
    Outcome { report, measured: total.clone(), cluster_error, interrupted: watch.interrupted, ended_by }
}

/// The running figures, for gates that may end the run.
pub(super) fn interim(tick: &Tick<'_>) -> RunReport {
    let whole = tick.total.whole();
    let has_due_times = whole.slip.count() > 0;
    RunReport {
        run: Run { measured_s: tick.now.as_secs_f64(), ..Run::default() },
        offered: Offered { scheduled: tick.scheduled, bytes: whole.bytes, ..Offered::default() },
        ledger: LedgerCounts { scheduled: tick.scheduled, refused: tick.total.refused, ..LedgerCounts::default() },
        latency_us: latencies(&whole, has_due_times, whole.end_to_end.count() > 0),
        by_type: by_type(tick.total),
        timeline: vec![tick.row.clone()],
        ..RunReport::default()
    }
}

/// Looks at the offsets of acked events that nobody saw. What the partitions' ends tell is not read again.
fn look_ups(
    config: &Config,
    prepared: &Prepared,
    lanes: &[LaneEnd],
    states: &[PartitionState],
) -> HashMap<(i32, i64), LookUp> {
    let mut found = HashMap::new();
    let mut wanted = Vec::new();
    if config.verify.is_none() {
        return found;
    }
    for (lane, end) in (0_u8..).zip(lanes) {
        for Outstanding { sequence, partition, offset, .. } in end.waiting.events() {
            let (Some(offset), Some(state)) =
                (*offset, usize::try_from(*partition).ok().and_then(|index| states.get(index)))
            else {
                continue;
            };
            let at_once = match state.log_end {
                _ if offset < state.log_start => Some(LookUp::BelowStart),
                Some(end) if offset >= end => Some(LookUp::Gone),
                Some(_) if offset >= state.position => Some(LookUp::Ahead),
                None => Some(LookUp::Nothing),
                Some(_) => None,
            };
            match at_once {
                Some(answer) => {
                    found.insert((*partition, offset), answer);
                }
                None => wanted.push(Wanted { partition: *partition, offset, lane, sequence: *sequence }),
            }
        }
    }
    if !wanted.is_empty() {
        match prepared.look_up_consumer(config) {
            Ok(consumer) => found.extend(look_up(consumer, &config.topic, config.id, &wanted, LOOK_UPS)),
            Err(error) => tracing::warn!("unseen events cannot be looked up: {error}"),
        }
    }
    found
}

/// Gives each event its class, by phase. Unseen acked events enter the end-to-end time as censored.
fn judge(
    lanes: &[LaneEnd],
    ledger: &Ledger,
    config: &Config,
    found: &HashMap<(i32, i64), LookUp>,
    gave_up: Nanos,
    total: &mut Shard,
    findings: &mut Findings,
) -> Vec<LedgerCounts> {
    let mut phases: Vec<LedgerCounts> = vec![LedgerCounts::default(); total.phases.len()];
    for ((number, book), lane) in ledger.lanes().zip(lanes) {
        let answer = |partition, offset| found.get(&(partition, offset)).copied().unwrap_or(LookUp::Nothing);
        let each = |judged: Judged| {
            let Judged { sequence, class, outstanding } = judged;
            if let Some(event) = outstanding.filter(|_| config.verify.is_some()) {
                let waited = gave_up - event.due;
                if let Some(phase) = total.phases.get_mut(usize::from(event.phase)) {
                    phase.end_to_end.record_censored(waited);
                }
                total.kinds[event.kind.index()].end_to_end.record_censored(waited);
            }
            findings::keep(&mut findings.examples, class.as_str(), || Example {
                event_type: outstanding.map(|event| event.kind.to_string()),
                lane: Some(number),
                sequence: Some(sequence),
                due_us: outstanding.map(|event| event.due.as_micros()),
                topic: Some(config.topic.clone()),
                partition: outstanding.map(|event| event.partition),
                offset: outstanding.and_then(|event| event.offset),
                what: happened(class).to_owned(),
                ..Example::default()
            });
        };
        let starts = &lane.phase_starts;
        let counts = judge_lane(book, &lane.waiting, starts, config.verify.is_some(), answer, each);
        for (sum, count) in phases.iter_mut().zip(counts) {
            for class in Class::ALL {
                sum.add(class, count.of(class));
            }
        }
    }
    phases
}

/// What probably happened to an event of that class, in one line.
const fn happened(class: Class) -> &'static str {
    match class {
        Class::Verified | Class::Unverified => "",
        Class::NotAttempted => "it was due, and the run ended (or left it out as too late) before it was sent",
        Class::Refused => "the client or the broker refused it: it was not written",
        Class::UnknownSeen => "no answer came in time, but it was written",
        Class::UnknownUnseen => "no answer came in time, and nobody saw it: written or not, nothing proves either",
        Class::Contradicted => "it was refused or never sent, and yet it was read",
        Class::Corrupt => "what was read, or lies at its offset, is not what was sent",
        Class::Lost => "acked, and another record, or none, lies at its offset",
        Class::Expired => "acked, and the log now starts after its offset: retention or DeleteRecords removed it",
        Class::Compacted => "acked, and compaction replaced it by a later record of its key",
        Class::Undelivered => "acked and in the log, but the reader went past it without getting it",
        Class::Unread => "acked, and the reader had not come that far by its deadline",
        Class::Unattributed => "acked and unseen, and its offset could not be looked up",
        Class::Aborted => "its transaction was aborted",
        Class::AbortedSeen => "its transaction was aborted, and yet it was read",
    }
}

fn tool() -> Tool {
    Tool {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        librdkafka: librdkafka_version(),
        git: option_env!("LOADGEN_GIT").map(str::to_owned),
    }
}

fn environment(config: &Config, prepared: &Prepared) -> Environment {
    let cluster = &prepared.cluster;
    Environment {
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        os: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        brokers: cluster.brokers.clone(),
        topics: vec![TopicReport {
            name: config.topic.clone(),
            partitions: cluster.topic.partitions,
            replication_factor: Some(cluster.topic.replication_factor),
        }],
        client_config: prepared
            .settings()
            .iter()
            .map(|(key, value)| (key.clone(), redact(key, value).into_owned()))
            .collect(),
    }
}

/// Rates over the gaps between events: n events have n - 1. The planned one is that of the due times.
#[expect(clippy::cast_precision_loss, reason = "a reported rate needs 15 digits, not 19")]
fn offered(scheduled: u64, measured: &PhaseShard, due: Option<(Nanos, Nanos)>, first: Nanos) -> Offered {
    let rate =
        |count: u64, span: Nanos| (count > 1 && span > Nanos::ZERO).then(|| (count - 1) as f64 / span.as_secs_f64());
    let achieved = rate(measured.sent, measured.last_sent.since(first)).unwrap_or_default();
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
    }
}

fn distributions(
    measured: &PhaseShard,
    has_due_times: bool,
    verifying: bool,
) -> std::collections::BTreeMap<String, Vec<DistributionPoint>> {
    let kinds = [
        ("slip", &measured.slip, has_due_times),
        ("service_time", &measured.service_time, true),
        ("response_time", &measured.response_time, true),
        ("end_to_end", &measured.end_to_end, verifying),
    ];
    kinds
        .into_iter()
        .filter(|(_, latency, wanted)| *wanted && latency.count() > 0)
        .map(|(name, latency, _)| (name.to_owned(), latency.distribution()))
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "a share needs 15 digits, not 19")]
fn by_type(total: &Shard) -> std::collections::BTreeMap<String, TypeReport> {
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

fn phase_reports(schedule: &Schedule, total: &Shard, counts: &[LedgerCounts], config: &Config) -> Vec<PhaseReport> {
    let starts: Vec<Nanos> = schedule.starts().collect();
    schedule
        .phases()
        .zip(&total.phases)
        .zip(counts)
        .enumerate()
        .map(|(index, ((phase, measured), counts))| {
            let start = starts.get(index).copied().unwrap_or_default();
            let has_due_times = phase.shape != Shape::Unlimited;
            let due = phase.duration.filter(|_| has_due_times).map(|duration| (start, start + duration));
            PhaseReport {
                name: phase.name.clone(),
                schedule: phase.shape.name().to_owned(),
                offered: offered(counts.scheduled, measured, due, start),
                ledger: *counts,
                latency_us: latencies(measured, has_due_times, config.verify.is_some()),
            }
        })
        .collect()
}

fn partitions(config: &Config, total: &Shard, states: &[PartitionState]) -> Vec<PartitionReport> {
    (0_i32..)
        .zip(&total.partitions)
        .map(|(partition, measured)| {
            let state = usize::try_from(partition).ok().and_then(|index| states.get(index));
            PartitionReport {
                topic: config.topic.clone(),
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

fn rfc3339(anchor: Anchor) -> String {
    let unix_ns = i128::from(anchor.unix_ns(Nanos::ZERO));
    jiff::Timestamp::from_nanosecond(unix_ns)
        .ok()
        .and_then(|at| at.round(jiff::Unit::Millisecond).ok())
        .map_or_else(String::new, |at| at.to_string())
}
