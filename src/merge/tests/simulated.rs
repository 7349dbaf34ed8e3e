//! A run of several lanes that was never made, and what processes with some of its lanes would leave behind.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use proptest::prelude::*;

use crate::clock::Nanos;
use crate::measure::LatencyHistogram;
use crate::merge::{Part, PartHistograms, PartRows};
use crate::recording::{Interval, LatencyKind, Recording};
use crate::report::{
    Example, Findings, HotKey, Latencies, LedgerCounts, Offered, PartitionReport, PhaseReport, Run, RunReport,
    SCHEMA_VERSION, TimelineRow, TypeLatencies, TypeReport,
};

/// Seconds of the simulated run.
pub(super) const SECONDS: u64 = 4;
pub(super) const KINDS: [&str; 2] = ["search", "view"];

/// One event of the simulated run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) lane: u16,
    pub(super) second: u64,
    pub(super) due_ms: u64,
    pub(super) kind: usize,
    pub(super) partition: i32,
    pub(super) user: u16,
    pub(super) latency_us: u64,
    pub(super) fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fate {
    Verified,
    Duplicated,
    Lost,
    Unanswered,
}

pub(super) fn event(lanes: u16) -> impl Strategy<Value = Event> {
    let fate = prop_oneof![
        20 => Just(Fate::Verified),
        1 => Just(Fate::Duplicated),
        1 => Just(Fate::Lost),
        1 => Just(Fate::Unanswered),
    ];
    (0..lanes, 0..SECONDS * 1000, 0..KINDS.len(), 0..3_i32, 0..10_u16, 1_u64..5_000_000, fate).prop_map(
        |(lane, due_ms, kind, partition, user, latency_us, fate)| {
            let second = due_ms / 1000;
            // A user's events are all in one lane.
            let user = user * 8 + lane;
            Event { lane, second, due_ms, kind, partition, user, latency_us, fate }
        },
    )
}

/// What a process with these lanes would leave behind, started `starts_s` after the others. It reads everybody's records.
#[expect(clippy::too_many_lines, reason = "one report, field by field")]
pub(super) fn process(all: &[Event], lanes: &[u16], starts_s: u64) -> Part {
    let own: Vec<Event> = all.iter().copied().filter(|event| lanes.contains(&event.lane)).collect();
    let of = |keep: &dyn Fn(&Event) -> bool| own.iter().filter(|event| keep(event)).count() as u64;
    let others = all.iter().filter(|event| !lanes.contains(&event.lane));
    let ledger = |keep: &dyn Fn(&Event) -> bool| LedgerCounts {
        scheduled: of(&keep),
        verified: of(&|event| keep(event) && matches!(event.fate, Fate::Verified | Fate::Duplicated)),
        lost: of(&|event| keep(event) && event.fate == Fate::Lost),
        unknown_unseen: of(&|event| keep(event) && event.fate == Fate::Unanswered),
        ..LedgerCounts::default()
    };
    let whole = latencies(own.iter());
    let scheduled = own.len() as u64;
    let dues = || own.iter().map(|event| event.due_ms);
    let (first_ms, last_ms) = (dues().min().unwrap_or(0), dues().max().unwrap_or(0));
    let span_ms = last_ms - first_ms;
    let rate = (scheduled > 1 && span_ms > 0).then(|| (scheduled - 1) as f64 * 1000.0 / span_ms as f64);
    // Each event is sent when it is due.
    let offered = Offered {
        scheduled,
        rate_per_s: rate,
        achieved_rate_per_s: rate.unwrap_or_default(),
        achieved_percent: rate.map(|_| 100.0),
        bytes: scheduled * 100,
        due_span_ms: span_ms,
        ..Offered::default()
    };
    // One process knows when its phase began, several only how long each was in it.
    let phase_rate = (scheduled > 1).then(|| (scheduled - 1) as f64 / SECONDS as f64);
    let phase_offered = Offered {
        rate_per_s: phase_rate,
        achieved_rate_per_s: phase_rate.unwrap_or_default(),
        achieved_percent: phase_rate.map(|_| 100.0),
        due_span_ms: if scheduled > 1 { SECONDS * 1000 } else { 0 },
        ..offered.clone()
    };
    let by_type = |kind: usize| {
        let of_kind = latencies(own.iter().filter(|event| event.kind == kind));
        let report = TypeReport {
            sent: of(&|event| event.kind == kind),
            verified: of(&|event| event.kind == kind && matches!(event.fate, Fate::Verified | Fate::Duplicated)),
            invalid: 2,
            expected_share_percent: None,
            share_percent: of(&|event| event.kind == kind) as f64 * 100.0 / scheduled.max(1) as f64,
            latency_us: TypeLatencies { response_time: of_kind.summary(), end_to_end: of_kind.summary() },
        };
        (KINDS[kind].to_owned(), report, of_kind.histogram().clone())
    };
    let types: Vec<_> = (0..KINDS.len()).map(by_type).collect();
    let both = |histogram: &Histogram<u64>| {
        BTreeMap::from([(LatencyKind::ResponseTime, histogram.clone()), (LatencyKind::EndToEnd, histogram.clone())])
    };
    let seconds = |second: u64| latencies(own.iter().filter(|event| event.second == second));
    let intervals: Vec<Interval> = (0..SECONDS)
        .map(|second| Interval { ends_s: (second + 1) as f64, histogram: seconds(second).histogram().clone() })
        .collect();
    let phase_latencies = Latencies {
        slip: Some(whole.summary()),
        service_time: whole.summary(),
        response_time: whole.summary(),
        ..Latencies::default()
    };
    let phase_recording = [LatencyKind::Slip, LatencyKind::ServiceTime, LatencyKind::ResponseTime]
        .map(|kind| (kind, whole.histogram().clone()));
    let report = RunReport {
        schema_version: SCHEMA_VERSION,
        run: Run {
            id: "00c0ffee00c0ffee".to_owned(),
            started_at: format!("2026-01-01T00:00:{starts_s:02}Z"),
            measured_s: last_ms as f64 / 1000.0,
            lanes: u16::try_from(lanes.len()).unwrap(),
            lane_numbers: lanes.to_vec(),
            ..Run::default()
        },
        offered,
        ledger: ledger(&|_| true),
        findings: Findings {
            duplicates: of(&|event| event.fate == Fate::Duplicated),
            invalid: 4,
            invalid_by_reason: [("not_json".to_owned(), 4)].into(),
            foreign: 7,
            sibling: others.clone().map(|event| records(*event)).sum(),
            examples: examples(&own),
            ..Findings::default()
        },
        latency_us: Latencies { end_to_end: Some(whole.summary()), ..phase_latencies.clone() },
        distributions: [("response_time".to_owned(), whole.distribution())].into(),
        by_type: types.iter().map(|(name, report, _)| (name.clone(), report.clone())).collect(),
        phases: vec![PhaseReport {
            name: "steady".to_owned(),
            warm_up: false,
            schedule: "constant".to_owned(),
            offered: phase_offered,
            ledger: ledger(&|_| true),
            latency_us: phase_latencies,
        }],
        partitions: (0..3).map(|partition| partition_report(&own, partition)).collect(),
        hot_keys: hot_keys(&own),
        timeline: (0..SECONDS).map(|second| row(&own, lanes.len(), second)).collect(),
        ..RunReport::default()
    };
    let recording = Recording {
        intervals: [LatencyKind::Slip, LatencyKind::ServiceTime, LatencyKind::ResponseTime, LatencyKind::EndToEnd]
            .map(|kind| (kind, intervals.clone()))
            .into(),
        by_type: types.iter().map(|(name, _, histogram)| (name.clone(), both(histogram))).collect(),
        phases: vec![phase_recording.into()],
    };
    Part {
        name: format!("lanes-{lanes:?}"),
        report,
        recording: PartHistograms::Here(recording),
        rows: PartRows::InReport,
    }
}

pub(super) fn latencies<'a>(events: impl Iterator<Item = &'a Event>) -> LatencyHistogram {
    let mut latency = LatencyHistogram::default();
    for event in events {
        match event.fate {
            Fate::Unanswered => latency.record_censored(Nanos(event.latency_us * 1_000)),
            _ => latency.record(Nanos(event.latency_us * 1_000)),
        }
    }
    latency
}

pub(super) fn row(own: &[Event], lanes: usize, second: u64) -> TimelineRow {
    let latency = latencies(own.iter().filter(|event| event.second == second));
    let of = |keep: &dyn Fn(&Event) -> bool| own.iter().filter(|event| keep(event)).count() as u64;
    let count = of(&|event| event.second == second);
    TimelineRow {
        at_s: (second + 1) as f64,
        scheduled: count,
        sent: count,
        acked: of(&|event| event.second == second && event.fate != Fate::Unanswered),
        outstanding: of(&|event| event.second <= second && event.fate == Fate::Unanswered),
        response_p50_us: latency.quantile(0.5),
        response_p90_us: latency.quantile(0.9),
        response_p99_us: latency.quantile(0.99),
        response_max_us: latency.summary().max,
        service_p99_us: latency.quantile(0.99),
        end_to_end_p90_us: latency.quantile(0.9),
        end_to_end_p99_us: latency.quantile(0.99),
        slip_p90_us: latency.quantile(0.9),
        slip_p99_us: latency.quantile(0.99),
        cpu_ms: Some(10 * lanes as u64),
        ..TimelineRow::default()
    }
}

pub(super) fn records(event: Event) -> u64 {
    match event.fate {
        Fate::Verified => 1,
        Fate::Duplicated => 2,
        Fate::Lost | Fate::Unanswered => 0,
    }
}

pub(super) fn partition_report(own: &[Event], partition: i32) -> PartitionReport {
    let of = |keep: fn(&Event) -> bool| {
        own.iter().filter(|event| event.partition == partition && keep(event)).count() as u64
    };
    PartitionReport {
        topic: "raw-events".to_owned(),
        partition,
        sent: of(|_| true),
        acked: of(|event| event.fate != Fate::Unanswered),
        seen: of(|event| records(*event) > 0),
        from_offset: Some(5),
        position: Some(100),
        log_end: Some(100),
        ..PartitionReport::default()
    }
}

pub(super) fn hot_keys(own: &[Event]) -> Vec<HotKey> {
    let mut events = BTreeMap::<u16, u64>::new();
    for event in own {
        *events.entry(event.user).or_default() += 1;
    }
    let all = own.len().max(1) as f64;
    let hot = |(user, events): (u16, u64)| HotKey {
        key: user.to_string(),
        events,
        share_percent: events as f64 * 100.0 / all,
    };
    let mut keys: Vec<HotKey> = events.into_iter().map(hot).collect();
    keys.sort_by(|a, b| b.events.cmp(&a.events).then_with(|| a.key.cmp(&b.key)));
    keys
}

pub(super) fn examples(own: &[Event]) -> BTreeMap<String, Vec<Example>> {
    let lost = own.iter().filter(|event| event.fate == Fate::Lost).map(|event| Example {
        due_us: Some(event.due_ms * 1000),
        lane: Some(event.lane),
        what: "lost".to_owned(),
        ..Example::default()
    });
    let mut lost: Vec<Example> = lost.collect();
    lost.sort_by_key(|example| (example.due_us, example.lane));
    lost.dedup();
    lost.truncate(20);
    if lost.is_empty() { BTreeMap::new() } else { [("lost".to_owned(), lost)].into() }
}
