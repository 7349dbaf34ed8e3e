//! Reports of runs that never were, made by a small model of a run: every event has a due time, is sent, acked and
//! seen, and all figures are counted from these, so that they agree with each other as those of a real run do.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the numbers of the model are small"
)]
#![allow(clippy::needless_update, reason = "a report may grow fields that the model has nothing to say about")]

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use loadgen::{
    gate::{GateConfig, Gates, Names},
    report::{
        DistributionPoint, Environment, Example, Fidelity, Findings, HotKey, Latencies, LatencySummary, LedgerCounts,
        LeftOut, Offered, PartitionReport, PhaseReport, Replay, Run, RunReport, SCHEMA_VERSION, TimelineRow, Tool,
        TopicReport, TypeLatencies, TypeReport,
    },
    verdict::{Conditions, judge},
};

const TYPES: [(&str, u64); 6] =
    [("view", 50), ("addtocart", 20), ("transaction", 10), ("search", 10), ("filter", 7), ("review", 3)];
/// Events of the model per second; each stands for `rate / SAMPLES` events.
const SAMPLES: u64 = 100;

/// A run to be modelled. Times in us.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) rate: u64,
    pub(crate) seconds: u64,
    pub(crate) partitions: u64,
    /// (from, until): the broker answers nothing.
    pub(crate) stall: Option<(u64, u64)>,
    /// (from, until, by): the generator is late.
    pub(crate) late: Option<(u64, u64, u64)>,
    /// (from, until, by): the broker takes longer.
    pub(crate) slow: Option<(u64, u64, u64)>,
    /// (from, until, by): the client's queue is full.
    pub(crate) blocked: Option<(u64, u64, u64)>,
    /// Times the mean that partition 0 gets.
    pub(crate) skew: f64,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            rate: 10_000,
            seconds: 60,
            partitions: 6,
            stall: None,
            late: None,
            slow: None,
            blocked: None,
            skew: 1.04,
        }
    }
}

#[derive(Default)]
struct Second {
    row: TimelineRow,
    response: Vec<u64>,
    service: Vec<u64>,
    end_to_end: Vec<u64>,
    slip: Vec<u64>,
    lateness: Vec<u64>,
}

struct Simulated {
    kinds: BTreeMap<&'static str, Histogram<u64>>,
    seconds: Vec<Second>,
    /// (sent, acked, seen) of each event of the model.
    times: Vec<(u64, u64, u64)>,
    weight: u64,
}

struct Noise(u64);

impl Noise {
    /// Between 0 and 1, the same in every run.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn within(span: Option<(u64, u64, u64)>, at: u64) -> u64 {
    span.filter(|(from, until, _)| (*from..*until).contains(&at)).map_or(0, |(_, _, by)| by)
}

impl Model {
    pub(crate) fn build(&self) -> RunReport {
        let Simulated { kinds, seconds, times, weight } = self.simulate();
        let total = self.rate * self.seconds;
        let measured = times.iter().map(|(sent, _, _)| *sent).max().unwrap();
        let achieved = total as f64 / (measured as f64 / 1e6).max(self.seconds as f64);
        let summary = |kind: &str| summarize(&kinds[kind]);
        let report = RunReport {
            schema_version: SCHEMA_VERSION,
            tool: Tool {
                name: "loadgen".to_owned(),
                version: "0.1.0".to_owned(),
                librdkafka: "2.12.1".to_owned(),
                git: Some("abc1234".to_owned()),
            },
            run: Run {
                id: "9f86d081884c7d65".to_owned(),
                name: "steady".to_owned(),
                started_at: "2026-01-01T00:00:00Z".to_owned(),
                measured_s: self.seconds as f64,
                warm_up_s: 2.0,
                seed: Some(1),
                source: "synthetic".to_owned(),
                schedule: "constant".to_owned(),
                lanes: 1,
                wall_clock_drift_us: -12,
                ..Run::default()
            },
            environment: environment(self.partitions),
            offered: Offered {
                due_span_ms: 0,
                scheduled: total,
                rate_per_s: Some(self.rate as f64),
                achieved_rate_per_s: achieved,
                achieved_percent: Some(achieved / self.rate as f64 * 100.0),
                bytes: total * 204,
                capped_s: 0.0,
                client_blocked_s: self.blocked.map_or(0.0, |(from, until, _)| (until - from) as f64 / 1e6),
                flow_control_s: 0.0,
            },
            ledger: LedgerCounts { scheduled: total, verified: total, ..LedgerCounts::default() },
            findings: Findings { foreign: 12, ..Findings::default() },
            latency_us: Latencies {
                slip: Some(summary("slip")),
                lateness: Some(summary("lateness")),
                blocked: Some(summary("blocked")),
                capped: None,
                service_time: summary("service_time"),
                response_time: summary("response_time"),
                end_to_end: Some(summary("end_to_end")),
                commit_time: None,
                commit_call: None,
            },
            distributions: kinds.iter().map(|(kind, of)| ((*kind).to_owned(), distribution(of))).collect(),
            by_type: by_type(total, &summary("response_time"), &summary("end_to_end")),
            phases: Vec::new(),
            partitions: self.partitions(total),
            timeline: timeline(seconds, &times, weight, self.stall),
            hot_keys: hot_keys(total),
            replay: None,
            ..RunReport::default()
        };
        judged(report, &RULES)
    }

    fn simulate(&self) -> Simulated {
        let weight = self.rate / SAMPLES;
        assert_eq!(weight * SAMPLES, self.rate, "the rate is a multiple of {SAMPLES}");
        let mut noise = Noise(1);
        let mut kinds: BTreeMap<&'static str, Histogram<u64>> =
            ["slip", "lateness", "blocked", "service_time", "response_time", "end_to_end"].map(|k| (k, hist())).into();
        let mut seconds: Vec<Second> = Vec::new();
        let mut times = Vec::new();
        let mut ack_frontier = 0;
        for n in 0..self.seconds * SAMPLES {
            let due = n * 1_000_000 / SAMPLES + 7;
            let lateness = 40 + (noise.next() * 1_060.0) as u64 + within(self.late, due);
            let blocked = within(self.blocked, due);
            let sent = due + lateness + blocked;
            let tail = if noise.next() > 0.998 { 11_000.0 + 26_000.0 * noise.next() } else { 0.0 };
            let service = (3_900.0 + 2_400.0 * noise.next() + 2_200.0 * noise.next().powi(4) + tail) as u64;
            let mut acked = sent + service + (within(self.slow, due) as f64 * (0.6 + 0.4 * noise.next())) as u64;
            if let Some((from, until)) = self.stall
                && (from..until).contains(&acked)
            {
                acked = until + 7_000 + (acked - from) / 60;
            }
            ack_frontier = ack_frontier.max(acked);
            let seen = acked + 250 + (noise.next() * 1_200.0) as u64;
            for (kind, value) in [
                ("slip", lateness + blocked),
                ("lateness", lateness),
                ("blocked", blocked),
                ("service_time", acked - sent),
                ("response_time", acked - due),
                ("end_to_end", seen - due),
            ] {
                kinds.get_mut(kind).unwrap().record_n(value, weight).unwrap();
            }
            second(&mut seconds, due).row.scheduled += weight;
            let at = second(&mut seconds, sent);
            at.row.sent += weight;
            at.slip.push(lateness + blocked);
            at.lateness.push(lateness);
            let at = second(&mut seconds, acked);
            at.row.acked += weight;
            at.response.push(acked - due);
            at.service.push(acked - sent);
            let at = second(&mut seconds, seen);
            at.row.seen += weight;
            at.end_to_end.push(seen - due);
            times.push((sent, acked, seen));
        }
        Simulated { kinds, seconds, times, weight }
    }

    fn partitions(&self, total: u64) -> Vec<PartitionReport> {
        let mut left = total;
        (0..self.partitions)
            .map(|partition| {
                let mean = total as f64 / self.partitions as f64;
                let rest = (total as f64 - mean * self.skew) / (self.partitions - 1) as f64;
                let wobble = 1.0 + 0.01 * ((partition * 7 % 5) as f64 - 2.0);
                let share = if partition == 0 { mean * self.skew } else { rest * wobble };
                let count = if partition + 1 == self.partitions { left } else { (share as u64).min(left) };
                left -= count;
                let stall = self.stall.map_or(0, |(from, until)| until - from - 80_000 + 900 * partition);
                PartitionReport {
                    topic: "raw-events".to_owned(),
                    partition: i32::try_from(partition).unwrap(),
                    sent: count,
                    acked: count,
                    seen: count,
                    longest_ack_gap_us: (14_000 + 900 * partition).max(stall),
                    longest_read_gap_us: 12_000 + 700 * partition,
                    from_offset: Some(91_000),
                    position: Some(91_000 + i64::try_from(count).unwrap()),
                    log_end: Some(91_000 + i64::try_from(count).unwrap()),
                    last_stable_offset: None,
                }
            })
            .collect()
    }
}

fn second(seconds: &mut Vec<Second>, at: u64) -> &mut Second {
    let index = usize::try_from(at / 1_000_000).unwrap();
    while seconds.len() <= index {
        let at_s = (seconds.len() + 1) as f64;
        seconds.push(Second { row: TimelineRow { at_s, ..TimelineRow::default() }, ..Second::default() });
    }
    &mut seconds[index]
}

fn quantile(values: &mut [u64], quantile: f64) -> Option<u64> {
    values.sort_unstable();
    values.get(((values.len() as f64 * quantile).ceil() as usize).saturating_sub(1)).copied()
}

fn timeline(
    seconds: Vec<Second>,
    times: &[(u64, u64, u64)],
    weight: u64,
    stall: Option<(u64, u64)>,
) -> Vec<TimelineRow> {
    let (mut sent, mut acked, mut seen) = (0, 0, 0);
    assert_eq!(times.len() as u64 * weight, seconds.iter().map(|second| second.row.scheduled).sum::<u64>());
    seconds
        .into_iter()
        .map(|mut second| {
            sent += second.row.sent;
            acked += second.row.acked;
            seen += second.row.seen;
            let mut marks = Vec::new();
            if let Some((from, _)) = stall
                && second.row.at_s as u64 == from / 1_000_000 + 2
            {
                marks.push("broker 1: request timed out after 3000 ms (\"ProduceRequest\")".to_owned());
            }
            TimelineRow {
                outstanding: sent - acked,
                unread: Some(acked - seen),
                response_p50_us: quantile(&mut second.response, 0.5),
                response_p99_us: quantile(&mut second.response, 0.99),
                response_max_us: quantile(&mut second.response, 1.0),
                service_p99_us: quantile(&mut second.service, 0.99),
                end_to_end_p99_us: quantile(&mut second.end_to_end, 0.99),
                slip_p99_us: quantile(&mut second.slip, 0.99),
                lateness_p99_us: quantile(&mut second.lateness, 0.99),
                cpu_ms: Some(120),
                rss_kib: Some(48_000),
                marks,
                ..second.row
            }
        })
        .collect()
}

fn hist() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 3_600_000_000, 3).unwrap()
}

fn summarize(histogram: &Histogram<u64>) -> LatencySummary {
    let count = histogram.len();
    let at = |quantile: f64| ((1.0 - quantile) * count as f64 >= 10.0).then(|| histogram.value_at_quantile(quantile));
    LatencySummary {
        count,
        min: Some(histogram.min()),
        mean: Some(histogram.mean()),
        p50: at(0.5),
        p90: at(0.9),
        p95: at(0.95),
        p99: at(0.99),
        p999: at(0.999),
        p9999: at(0.9999),
        max: Some(histogram.max()),
        ..LatencySummary::default()
    }
}

fn distribution(histogram: &Histogram<u64>) -> Vec<DistributionPoint> {
    let mut count = 0;
    histogram
        .iter_quantiles(5)
        .map(|step| {
            count += step.count_since_last_iteration();
            DistributionPoint {
                value_us: step.value_iterated_to(),
                percentile: step.quantile_iterated_to() * 100.0,
                count,
            }
        })
        .collect()
}

fn hot_keys(total: u64) -> Vec<HotKey> {
    (1..=10)
        .map(|rank| HotKey {
            key: (40_000 + rank * 17).to_string(),
            events: total / (50 * rank),
            share_percent: 2.0 / rank as f64,
        })
        .collect()
}

fn by_type(total: u64, response: &LatencySummary, end_to_end: &LatencySummary) -> BTreeMap<String, TypeReport> {
    TYPES
        .iter()
        .map(|(name, share)| {
            let sent = total * share / 100;
            let part = |of: &LatencySummary| LatencySummary { count: sent, p9999: None, ..*of };
            let report = TypeReport {
                sent,
                verified: sent,
                invalid: 0,
                share_percent: *share as f64,
                expected_share_percent: None,
                latency_us: TypeLatencies { response_time: part(response), end_to_end: part(end_to_end) },
            };
            ((*name).to_owned(), report)
        })
        .collect()
}

fn environment(partitions: u64) -> Environment {
    let client_config = [
        ("acks", "all"),
        ("bootstrap.servers", "127.0.0.1:9092"),
        ("compression.type", "snappy"),
        ("delivery.timeout.ms", "30000"),
        ("enable.idempotence", "true"),
        ("linger.ms", "5"),
        ("partitioner", "murmur2_random"),
        ("queue.buffering.max.messages", "20000"),
        ("sasl.password", "[redacted]"),
    ];
    Environment {
        cores: 2,
        os: "linux x86_64".to_owned(),
        brokers: (0..3).map(|n| format!("127.0.0.1:{}", 9092 + n)).collect(),
        topics: vec![TopicReport {
            id: None,
            made_anew: false,
            name: "raw-events".to_owned(),
            partitions: i32::try_from(partitions).unwrap(),
            replication_factor: Some(3),
            ..TopicReport::default()
        }],
        client_config: client_config.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        ..Environment::default()
    }
}

/// The gates of every modelled run.
const RULES: [&str; 3] = ["response_time.p99 < 250ms", "lost == 0", "lateness.p99 < 5ms"];

/// With the results of these gates and of the built-in ones, and the verdict on it: as a real run gets them.
fn judged(report: RunReport, rules: &[&str]) -> RunReport {
    let configs: Vec<GateConfig> = rules.iter().map(|rule| GateConfig::of_rule(*rule)).collect();
    let gates = Gates::new(&configs, &[], &Names::of(&report)).unwrap();
    let results = gates.evaluate(&report);
    let report = RunReport { gates: results, ..report };
    let verdict = judge(&report, &gates, &Conditions::default());
    RunReport { verdict, ..report }
}

/// Everything as it should be.
pub(crate) fn pass() -> RunReport {
    Model::default().build()
}

/// A recorded file, replayed at 100 times its pace.
pub(crate) fn replayed() -> RunReport {
    let mut report = Model { rate: 100, seconds: 200, ..Model::default() }.build();
    report.run.name = String::from("retailrocket");
    report.run.source = String::from("retail_rocket");
    report.run.schedule = String::from("replay");
    report.replay = Some(Replay {
        file: "events.csv".to_owned(),
        stampless: false,
        rows: report.ledger.scheduled,
        bad_rows: 2,
        left_out: LeftOut {
            rows: [("view".to_owned(), report.ledger.scheduled)].into(),
            bad_rows: [("view".to_owned(), 2)].into(),
        },
        bad_property_rows: 0,
        speed: Some(100.0),
        span_recorded_ms: 20_000_000,
        span_replayed_ms: 200_000,
        first_recorded: "2015-05-03T03:00:04Z".to_owned(),
        last_recorded: "2015-05-03T08:33:24Z".to_owned(),
        gaps_capped: 3,
        descents: 4_614,
        duplicate_rows: 7,
        derived_fields: ["session_id", "device_type", "category", "price"].map(str::to_owned).into(),
        fidelity: Some(Fidelity {
            judged: true,
            faithful: true,
            bound: "p99 off the ideal timeline <= 5 ms".to_owned(),
            events: report.ledger.scheduled,
            off_p50_us: Some(540),
            off_p99_us: Some(1_090),
            off_max_us: Some(3_120),
            ks_distance: Some(0.0021),
            ks_distance_1us: Some(0.0713),
            moved_percent: 0.02,
            peak_recorded_per_s: Some(131),
            peak_replayed_per_s: Some(130),
            inversions: Some(0),
            ..Fidelity::default()
        }),
    });
    judged(report, &RULES)
}

/// A broker that stops for 3 s, and a gate that this breaks.
pub(crate) fn gate_fail() -> RunReport {
    Model { stall: Some((20_000_000, 23_000_000)), ..Model::default() }.build()
}

/// Acked events that are gone, and what else can be wrong.
pub(crate) fn violation() -> RunReport {
    let mut report = pass();
    report.ledger.lost = 17;
    report.ledger.corrupt = 1;
    report.ledger.verified -= 18;
    report.partitions[2].seen -= 17;
    report.timeline[30].seen -= 17;
    report.findings.duplicates = 3;
    report.findings.duplicates_resent = 2;
    report.findings.duplicates_rewritten = 1;
    report.findings.reordered = 4;
    report.findings.seen_then_gone = 5;
    report.findings.invalid = 9;
    report.findings.invalid_by_reason =
        [("missing_field", 6), ("not_json", 2), ("wrong_type", 1)].map(|(reason, n)| (reason.to_owned(), n)).into();
    let lost = (0..17).map(|n| Example {
        event_id: Some(format!("0194fdc2-fa2f-7cc0-81d3-ff12045b73{n:02x}")),
        event_type: Some("view".to_owned()),
        user_id: Some(format!("{}", 1_000 + n)),
        lane: Some(0),
        sequence: Some(300_000 + n),
        due_us: Some(30_000_000 + 100 * n),
        topic: Some("raw-events".to_owned()),
        partition: Some(2),
        offset: Some(91_204 + i64::try_from(n).unwrap()),
        other_offset: None,
        kind: None,
        what: "acked, and another record is at its offset".to_owned(),
    });
    report.findings.examples.insert("lost".to_owned(), lost.collect());
    let censored = |summary: &LatencySummary| LatencySummary {
        censored: 17,
        censored_from: Some(30_000_000),
        max: Some(30_031_871),
        ..*summary
    };
    report.latency_us.end_to_end = report.latency_us.end_to_end.as_ref().map(censored);
    judged(report, &RULES)
}

/// The generator was the limit.
pub(crate) fn invalid() -> RunReport {
    let mut report =
        Model { late: Some((10_000_000, 60_000_000, 3_100_000)), rate: 500_000, ..Model::default() }.build();
    report.offered.achieved_rate_per_s = 412_000.0;
    report.offered.achieved_percent = Some(82.4);
    judged(report, &RULES)
}

/// A gate on a quantile that does not exist.
pub(crate) fn unevaluated() -> RunReport {
    let report = Model { rate: 1_000, seconds: 20, ..Model::default() }.build();
    judged(report, &["response_time.p99 < 250ms", "response_time.p9999 < 1s"])
}

/// The broker went away and did not come back: what was sent last has no answer.
pub(crate) fn unknown() -> RunReport {
    let mut report = pass();
    report.ledger.unknown_unseen = 1_204;
    report.ledger.unknown_seen = 31;
    report.ledger.verified -= 1_235;
    let censored = |summary: &LatencySummary| LatencySummary {
        p999: Some(30_015_487),
        p9999: Some(30_015_487),
        max: Some(30_015_487),
        censored: 1_235,
        censored_from: Some(29_900_000),
        ..*summary
    };
    report.latency_us.response_time = censored(&report.latency_us.response_time);
    report.latency_us.service_time = censored(&report.latency_us.service_time);
    report.run.deadlines_reached = vec!["delivery.timeout".to_owned(), "drain_deadline".to_owned()];
    judged(report, &RULES)
}

/// Ctrl-C after 12 s.
pub(crate) fn interrupted() -> RunReport {
    let mut report = Model { seconds: 12, ..Model::default() }.build();
    report.run.interrupted = true;
    report.ledger.not_attempted = 40;
    report.ledger.scheduled += 40;
    report.offered.scheduled += 40;
    report.timeline[11].scheduled += 40;
    judged(report, &RULES)
}

/// The in-process broker.
pub(crate) fn embedded() -> RunReport {
    let mut report = pass();
    report.run.embedded = true;
    report.environment.brokers.truncate(1);
    report.environment.topics[0].replication_factor = Some(1);
    report.offered.flow_control_s = 0.35;
    judged(report, &RULES)
}

/// No due times.
pub(crate) fn unlimited() -> RunReport {
    let mut report = pass();
    report.run.schedule = String::from("unlimited");
    report.offered.rate_per_s = None;
    report.offered.achieved_percent = None;
    report.offered.achieved_rate_per_s = 812_345.0;
    report.latency_us.slip = None;
    report.latency_us.lateness = None;
    report.latency_us.blocked = None;
    report.latency_us.response_time = report.latency_us.service_time;
    report.distributions.remove("slip");
    report.distributions.insert("response_time".to_owned(), report.distributions["service_time"].clone());
    report.by_type = by_type(
        report.ledger.scheduled,
        &report.latency_us.response_time,
        report.latency_us.end_to_end.as_ref().unwrap(),
    );
    for row in &mut report.timeline {
        (row.slip_p99_us, row.lateness_p99_us) = (None, None);
    }
    judged(report, &RULES[..2])
}

/// Nothing was read back.
pub(crate) fn no_verify() -> RunReport {
    let mut report = pass();
    report.ledger.unverified = std::mem::take(&mut report.ledger.verified);
    report.findings = Findings::default();
    report.latency_us.end_to_end = None;
    for of in report.by_type.values_mut() {
        of.verified = 0;
        of.latency_us.end_to_end = LatencySummary::default();
    }
    for partition in &mut report.partitions {
        (partition.seen, partition.longest_read_gap_us) = (0, 0);
        (partition.from_offset, partition.position, partition.log_end) = (None, None, None);
    }
    for row in &mut report.timeline {
        (row.seen, row.unread, row.end_to_end_p99_us) = (0, None, None);
    }
    judged(report, &["response_time.p99 < 250ms", "lateness.p99 < 5ms"])
}

/// An hour with two stalls, a slow stretch and three phases: the largest page.
pub(crate) fn hour() -> RunReport {
    let mut report = Model {
        rate: 50_000,
        seconds: 3_600,
        partitions: 16,
        stall: Some((1_200_000_000, 1_206_000_000)),
        slow: Some((2_400_000_000, 2_520_000_000, 60_000)),
        ..Model::default()
    }
    .build();
    report.run.name = String::from("hour");
    report.phases = ["ramp", "peak", "rest"]
        .map(|name| PhaseReport {
            name: name.to_owned(),
            warm_up: false,
            schedule: "constant".to_owned(),
            offered: Offered { scheduled: report.offered.scheduled / 3, ..report.offered.clone() },
            ledger: LedgerCounts {
                scheduled: report.ledger.scheduled / 3,
                verified: report.ledger.scheduled / 3,
                ..LedgerCounts::default()
            },
            latency_us: report.latency_us.clone(),
        })
        .into();
    judged(report, &RULES)
}

/// Every report above, by name.
pub(crate) fn all() -> Vec<(&'static str, RunReport)> {
    vec![
        ("pass", pass()),
        ("replayed", replayed()),
        ("gate_fail", gate_fail()),
        ("violation", violation()),
        ("invalid", invalid()),
        ("unevaluated", unevaluated()),
        ("unknown", unknown()),
        ("interrupted", interrupted()),
        ("embedded", embedded()),
        ("unlimited", unlimited()),
        ("no_verify", no_verify()),
        ("hour", hour()),
    ]
}
