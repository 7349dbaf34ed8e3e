//! Reports for tests: a healthy run, and an arbitrary one.

use proptest::prelude::*;

use crate::{
    ledger::Class,
    report::{
        Client, Environment, Estimate, ExpectReport, FaultReport, Fidelity, GroupReport, LagReport, Latencies,
        LatencyParts, LatencySummary, LedgerCounts, Offered, PartitionReport, Payload, PhaseReport, Process, ReaderUse,
        Replay, Run, RunReport, SCHEMA_VERSION, SchemaUse, ScoresReport, TimelineRow, Tool, TopicReport,
        TransactionCounts, Transactions, TypeLatencies, TypeReport, Windows,
        drift::{Drift, DriftVerdict},
    },
};

/// Scores that are as good as that.
fn scores() -> ScoresReport {
    let sure = Some(Estimate { value: 0.9, low: 0.8, high: 0.95 });
    ScoresReport {
        episodes: 100,
        precision: sure,
        recall: sure,
        recall_within: sure,
        f1: sure,
        auc_pr: sure,
        precision_at_k: sure,
        recall_at_1_percent: sure,
        detection_us: Some(summary(1_000_000)),
        ..ScoresReport::default()
    }
}

/// 200,000 samples around `middle`.
pub(crate) fn summary(middle: u64) -> LatencySummary {
    LatencySummary {
        count: 200_000,
        min: Some(middle / 2),
        #[expect(clippy::cast_precision_loss, reason = "a test's small number")]
        mean: Some(middle as f64 * 1.1),
        p50: Some(middle),
        p90: Some(middle * 11 / 10),
        p95: Some(middle * 12 / 10),
        p99: Some(middle * 15 / 10),
        p999: Some(middle * 2),
        p9999: Some(middle * 3),
        max: Some(middle * 4),
        ..LatencySummary::default()
    }
}

pub(crate) fn latencies() -> Latencies {
    Latencies {
        slip: Some(summary(540)),
        lateness: Some(summary(500)),
        blocked: Some(summary(40)),
        capped: Some(summary(20)),
        service_time: summary(6_200),
        response_time: summary(6_740),
        end_to_end: Some(summary(7_100)),
        commit_time: Some(summary(9_100)),
        commit_call: Some(summary(2_000)),
    }
}

fn offered() -> Offered {
    Offered {
        due_span_ms: 0,
        scheduled: 200_000,
        rate_per_s: Some(10_000.0),
        achieved_rate_per_s: 9_999.9,
        achieved_percent: Some(99.999),
        bytes: 38_000_000,
        client_blocked_s: 0.01,
        capped_s: 0.0,
        flow_control_s: 0.0,
    }
}

fn event_types() -> Vec<String> {
    ["view", "addtocart", "transaction", "search", "filter", "review", "inventory"].map(str::to_owned).to_vec()
}

/// 20 s at 10,000/s on a real cluster with an idempotent producer: nothing wrong.
#[expect(clippy::too_many_lines, reason = "one value of a large type")]
pub(crate) fn healthy() -> RunReport {
    let ledger = LedgerCounts { scheduled: 200_000, verified: 200_000, ..LedgerCounts::default() };
    let row = |second: u32| TimelineRow {
        unread: Some(0),
        at_s: f64::from(second),
        scheduled: 10_000,
        sent: 10_000,
        acked: 10_000,
        backlog: Some(40),
        seen: 10_000,
        response_p50_us: Some(6_740),
        response_p90_us: Some(7_700),
        response_p99_us: Some(10_110),
        response_max_us: Some(20_000),
        service_p99_us: Some(9_300),
        end_to_end_p90_us: Some(8_210),
        end_to_end_p99_us: Some(10_650),
        slip_p90_us: Some(610),
        slip_p99_us: Some(810),
        lateness_p99_us: Some(750),
        capped_p99_us: Some(30),
        cpu_ms: Some(400),
        rss_kib: Some(61_440),
        ..TimelineRow::default()
    };
    let partition = |partition: i32, acked: u64| PartitionReport {
        topic: "raw-events".into(),
        partition,
        sent: acked,
        acked,
        seen: acked,
        longest_ack_gap_us: 41_000,
        longest_read_gap_us: 52_000,
        ..PartitionReport::default()
    };
    let types = [("view", 100_000), ("addtocart", 40_000), ("transaction", 60_000)];
    let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    RunReport {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: "loadgen".into(), version: "0.1.0".into(), librdkafka: "2.12.1".into(), git: None },
        run: Run {
            id: "00c0ffee00c0ffee".into(),
            name: "steady".into(),
            started_at: "2026-01-01T00:00:00Z".into(),
            measured_s: 20.0,
            seed: Some(1),
            source: "synthetic".into(),
            schedule: "constant".into(),
            lanes: 1,
            ..Run::default()
        },
        environment: Environment {
            event_types: event_types(),
            cpu_quota: None,
            cores: 2,
            os: "linux x86_64".into(),
            brokers: vec!["127.0.0.1:9092".into()],
            topics: vec![TopicReport {
                id: None,
                made_anew: false,
                name: "raw-events".into(),
                partitions: 2,
                replication_factor: Some(3),
                ..TopicReport::default()
            }],
            schemas: Vec::new(),
            key_schemas: Vec::new(),
            client_config: [setting("acks", "all"), setting("enable.idempotence", "true")].into(),
        },
        offered: offered(),
        ledger,
        availability: Some(crate::report::Availability::default()),
        latency_us: latencies(),
        by_type: types
            .map(|(name, sent)| {
                let latency_us = TypeLatencies { response_time: summary(6_740), end_to_end: summary(7_100) };
                (
                    name.to_owned(),
                    TypeReport { sent, verified: sent, share_percent: 1.0, latency_us, ..TypeReport::default() },
                )
            })
            .into(),
        phases: vec![PhaseReport {
            name: "peak".into(),
            warm_up: false,
            schedule: "constant".into(),
            offered: offered(),
            ledger,
            latency_us: latencies(),
        }],
        partitions: vec![partition(0, 110_000), partition(1, 90_000)],
        timeline: (1..=20).map(row).collect(),
        reading: Some(crate::report::reading::Reading {
            records: 600_000,
            events: 600_000,
            missing: Some(0),
            damaged: Some(0),
            lag: Some(0),
            joined: Some("a1b2c3d4e5f60718".to_owned()),
            ..crate::report::reading::Reading::default()
        }),
        replay: Some(Replay { rows: 200_000, ..Replay::default() }),
        ..RunReport::default()
    }
}

/// The same with every section that a report may have.
pub(crate) fn complete() -> RunReport {
    let windows = Windows { count: 900, mean: Some(410.0), worst_p99: Some(900), max: Some(1_200) };
    let mut report = healthy();
    let reader = ReaderUse { reader: "order.avsc".into(), readable: 200_000, ..ReaderUse::default() };
    report.schemas = vec![SchemaUse { event_type: "view".into(), readers: vec![reader], ..SchemaUse::default() }];
    for row in &mut report.timeline {
        row.group_lag = Some(12);
    }
    let fidelity = Fidelity {
        events: 200_000,
        off_p50_us: Some(540),
        off_p99_us: Some(810),
        off_max_us: Some(2_160),
        ks_distance: Some(0.002),
        ks_distance_1us: Some(0.3),
        peak_recorded_per_s: Some(569),
        peak_replayed_per_s: Some(569),
        inversions: Some(0),
        ..Fidelity::default()
    };
    report.replay = report.replay.map(|replay| Replay { fidelity: Some(fidelity), ..replay });
    report.client = Some(Client {
        parts_us: Some(LatencyParts {
            slip: Some(540.0),
            client_queue: 400.0,
            network_and_broker: 5_800.0,
            fetch_and_deliver: Some(360.0),
        }),
        queue_us: windows,
        socket_us: windows,
        round_trip_us: windows,
        throttle_ms: windows,
        batch_bytes: windows,
        batch_messages: windows,
        ..Client::default()
    });
    report.expectations = vec![ExpectReport {
        name: "by-type".into(),
        latency_us: Some(summary(6_740)),
        scores: Some(scores()),
        ..ExpectReport::default()
    }];
    report.faults = vec![FaultReport { stalled_partitions: 1, first_ack_after_s: Some(2.9), ..FaultReport::default() }];
    report.transactions = Some(Transactions {
        size: 100,
        counts: TransactionCounts { begun: 2_000, committed: 2_000, ..TransactionCounts::default() },
        ..Transactions::default()
    });
    report.process = Some(Process { throttled_periods: Some(0), throttled_s: Some(0.0), ..Process::default() });
    report.group = Some(GroupReport { consumers: 2, rebalance_count: 1, ..GroupReport::default() });
    report.lag = Some(LagReport { at_end: Some(0), highest: Some(12), ..LagReport::default() });
    report.payload = Some(Payload { mean_bytes: 190.0, compressed_ratio: Some(0.6), ..Payload::default() });
    report.drift = Some(Drift { verdict: DriftVerdict::Steady, series: Vec::new() });
    report.reading.iter_mut().for_each(|reading| reading.records_per_s = Some(30_000.0));
    report
}

/// Puts `events` of `healthy`'s verified ones into `class`.
pub(crate) fn with_class(mut report: RunReport, class: Class, events: u64) -> RunReport {
    report.ledger.verified -= events;
    *report.ledger.of_mut(class) += events;
    report
}

/// A run in which anything may have happened; its ledger adds up.
pub(crate) fn any_run() -> impl Strategy<Value = RunReport> {
    let some = || prop_oneof![3 => Just(0_u64), 1 => 1..50_u64];
    let config = prop_oneof![Just(("acks", "1")), Just(("enable.idempotence", "true")), Just(("acks", "all"))];
    let anomalies = (prop::collection::vec(some(), Class::ALL.len()), some(), some(), some(), some());
    let figures = (1..40_000_u64, 90.0..101.0_f64, some(), 0..300_u64, any::<bool>(), any::<bool>());
    (anomalies, figures, config).prop_map(
        |((classes, resent, undecided, reordered, forced), figures, (name, value))| {
            let (lateness, achieved, saturated, late_s, embedded, verified) = figures;
            let mut report = healthy();
            for (class, events) in Class::ALL.into_iter().zip(classes) {
                if class != Class::Verified {
                    report = with_class(report, class, events);
                }
            }
            report.findings.duplicates = resent + undecided;
            report.findings.duplicates_resent = resent;
            report.findings.duplicates_undecided = undecided;
            report.findings.reordered = reordered;
            let counts = TransactionCounts { failed: forced, failed_events: forced, ..TransactionCounts::default() };
            report.transactions = (forced > 0).then(|| Transactions { counts, ..Transactions::default() });
            report.latency_us.lateness = Some(summary(lateness));
            report.latency_us.response_time.saturated = saturated;
            report.latency_us.response_time.censored = late_s;
            report.latency_us.response_time.censored_from = (late_s > 0).then_some(late_s * 1_000);
            report.offered.achieved_percent = Some(achieved);
            report.run.embedded = embedded;
            report.environment.client_config = [(name.to_owned(), value.to_owned())].into();
            if !verified {
                report.latency_us.end_to_end = None;
            }
            report
        },
    )
}
