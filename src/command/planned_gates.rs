//! Gates that a plan can never decide, told before it is run: they are held against the best report that it could come to.

use crate::figures::as_f64;
use crate::gate::metric::Quantile;
use crate::report::drift::{Drift, DriftVerdict};
use crate::report::{
    Availability, Client, Estimate, ExpectReport, FaultReport, Fidelity, GateOutcome, GroupReport, LagReport,
    Latencies, LatencyParts, LatencySummary, LedgerCounts, Offered, PartitionReport, Payload, PhaseReport, Replay, Run,
    RunReport, ScoresReport, TimelineRow, Transactions, TypeLatencies, TypeReport, Windows,
};
use crate::scenario::plan::Plan;
use crate::schedule::Schedule;
use crate::source::Source;

/// As many samples as anything needs, where it is not known how many there will be.
const ENOUGH: u64 = 1 << 40;
/// Below this a run says nothing of drift, in seconds.
const DRIFT_NEEDS_S: f64 = 600.0;

/// One sentence for each gate that this plan can never decide, with what it would need.
pub(super) fn undecidable(plan: &Plan, schedule: &Schedule, source: &Source) -> Vec<String> {
    let best = Best { plan, schedule, source };
    let results = plan.gates.evaluate(&best.report());
    let own = results.into_iter().take(plan.gates.gates.len());
    let open = own.filter(|gate| gate.result == GateOutcome::Unevaluated);
    open.map(|gate| {
        let reason = gate.reason.unwrap_or_default().replace("this run had", "this run will have");
        format!("gate {} cannot be evaluated by this run: {reason}", gate.rule)
    })
    .collect()
}

/// How many results there will be the input alone will tell.
fn as_expected(name: &str) -> ExpectReport {
    let latency_us = Some(summary(ENOUGH));
    let sure = Some(Estimate { value: 1.0, low: 1.0, high: 1.0 });
    let scores = Some(ScoresReport {
        episodes: ENOUGH,
        precision: sure,
        recall: sure,
        recall_within: sure,
        f1: sure,
        auc_pr: sure,
        precision_at_k: sure,
        recall_at_1_percent: sure,
        detection_us: latency_us,
        ..ScoresReport::default()
    });
    ExpectReport {
        name: name.to_owned(),
        expected: ENOUGH,
        right: ENOUGH,
        latency_us,
        scores,
        ..ExpectReport::default()
    }
}

/// The best that a plan can come to: everything planned is sent, acked and, where it is read, seen. Only how much there is of
/// everything means something; where that is not known, there is enough.
struct Best<'a> {
    plan: &'a Plan,
    schedule: &'a Schedule,
    source: &'a Source,
}

impl Best<'_> {
    fn report(&self) -> RunReport {
        let (plan, schedule) = (self.plan, self.schedule);
        let judged = self.judged();
        let windows = Windows { count: 1, mean: Some(1.0), worst_p99: Some(1), max: Some(1) };
        RunReport {
            run: Run { lanes: plan.run.lanes.count, ..Run::default() },
            offered: self.offered(judged),
            ledger: self.ledger(judged),
            latency_us: self.latencies(judged),
            client: Some(Client {
                queue_us: windows,
                socket_us: windows,
                round_trip_us: windows,
                throttle_ms: windows,
                batch_bytes: windows,
                batch_messages: windows,
                parts_us: Some(LatencyParts {
                    slip: schedule.has_due_times().then_some(1.0),
                    fetch_and_deliver: plan.run.verify.as_ref().map(|_| 1.0),
                    ..LatencyParts::default()
                }),
                ..Client::default()
            }),
            availability: Some(Availability::default()),
            faults: plan.run.faults.iter().map(|_| FaultReport::default()).collect(),
            transactions: plan.run.transactions.map(|_| Transactions::default()),
            by_type: self.plan.run.catalogue.names().map(|name| self.by_type(name)).collect(),
            phases: self.phases(),
            partitions: self.partitions(judged),
            group: plan.run.verify.as_ref().and_then(|verify| verify.group.as_ref()).map(|_| GroupReport::default()),
            lag: plan.run.kafka.lag_group.as_ref().map(|_| LagReport {
                at_end: Some(0),
                highest: Some(0),
                ..LagReport::default()
            }),
            expectations: plan.run.downstream.expectations.iter().map(|expected| as_expected(&expected.name)).collect(),
            timeline: vec![self.second()],
            payload: Some(Payload { compressed_ratio: Some(1.0), ..Payload::default() }),
            drift: schedule
                .ends_at()
                .is_none_or(|end| end.as_secs_f64() >= DRIFT_NEEDS_S)
                .then(|| Drift { verdict: DriftVerdict::Steady, series: Vec::new() }),
            replay: self.replay(judged),
            ..RunReport::default()
        }
    }

    /// Events of this process that are judged.
    fn judged(&self) -> u64 {
        let warm_up = self.schedule.due_before(self.schedule.warm_up_ends()).unwrap_or(0);
        let all = self.schedule.count().into_iter().chain(self.source.len()).min();
        all.map_or(ENOUGH, |all| self.plan.run.lanes.share(all.saturating_sub(warm_up))).min(ENOUGH)
    }

    fn offered(&self, events: u64) -> Offered {
        let has_rate = self.schedule.has_due_times() && events > 1;
        Offered {
            scheduled: events,
            rate_per_s: has_rate.then_some(1.0),
            achieved_rate_per_s: if events > 1 { 1.0 } else { 0.0 },
            achieved_percent: has_rate.then_some(100.0),
            ..Offered::default()
        }
    }

    fn ledger(&self, events: u64) -> LedgerCounts {
        let (verified, unverified) = if self.plan.run.verify.is_some() { (events, 0) } else { (0, events) };
        LedgerCounts { scheduled: events, verified, unverified, ..LedgerCounts::default() }
    }

    fn latencies(&self, events: u64) -> Latencies {
        let (due, read) = (self.schedule.has_due_times(), self.plan.run.verify.is_some());
        let commits = self.plan.run.transactions.map(|plan| {
            summary(events / u64::try_from(plan.size.max(1)).unwrap_or(u64::MAX) + u64::from(self.plan.run.lanes.count))
        });
        Latencies {
            slip: due.then(|| summary(events)),
            lateness: due.then(|| summary(events)),
            blocked: due.then(|| summary(events)),
            capped: (due && self.plan.run.lateness.max_rate.is_some()).then(|| summary(events)),
            service_time: summary(events),
            response_time: summary(events),
            end_to_end: read.then(|| summary(events)),
            commit_time: commits,
            commit_call: commits,
        }
    }

    fn by_type(&self, name: &str) -> (String, TypeReport) {
        let events = match self.source.expected_shares() {
            Some(shares) => {
                let share = self.plan.run.catalogue.names().zip(shares).find(|(of, _)| *of == name);
                by_luck(share.map_or(0.0, |(_, share)| share) * as_f64(self.judged()))
            }
            None => self.judged(),
        };
        let read = if self.plan.run.verify.is_some() { events } else { 0 };
        let latency_us = TypeLatencies { response_time: summary(events), end_to_end: summary(read) };
        (name.to_owned(), TypeReport { sent: events, verified: read, latency_us, ..TypeReport::default() })
    }

    fn phases(&self) -> Vec<PhaseReport> {
        let starts: Vec<_> = self.schedule.starts().collect();
        let count = |place: usize| {
            let before = self.schedule.due_before(*starts.get(place)?)?;
            let behind = match starts.get(place + 1) {
                Some(next) => self.schedule.due_before(*next)?,
                None => self.schedule.count()?,
            };
            Some(self.plan.run.lanes.share(behind.saturating_sub(before)))
        };
        let phase = |(place, phase): (usize, &crate::schedule::Phase)| {
            let events = count(place).unwrap_or(ENOUGH).min(ENOUGH);
            PhaseReport {
                name: phase.name.clone(),
                offered: self.offered(events),
                ledger: self.ledger(events),
                latency_us: self.latencies(events),
                ..PhaseReport::default()
            }
        };
        self.schedule.phases().enumerate().map(phase).collect()
    }

    /// Only the embedded broker has the partitions that are planned for certain.
    fn partitions(&self, events: u64) -> Vec<PartitionReport> {
        let kafka = &self.plan.run.kafka;
        let known = kafka.bootstrap.is_none() && kafka.topic_map.is_empty();
        let partitions = if known { kafka.partitions.max(1) } else { 1 };
        let each = if known { events.div_ceil(u64::from(partitions.unsigned_abs())) } else { ENOUGH };
        let topics = kafka.topic_map.values().chain([&kafka.topic]);
        let of = |topic: &String| {
            let topic = topic.clone();
            (0..partitions).map(move |partition| PartitionReport {
                topic: topic.clone(),
                partition,
                sent: each,
                acked: each,
                seen: each,
                ..PartitionReport::default()
            })
        };
        topics.flat_map(of).collect()
    }

    /// The busiest second.
    fn second(&self) -> TimelineRow {
        let events = self.schedule.peak().map_or(ENOUGH, by_luck).min(self.judged());
        let of = |quantile: Quantile| (events >= quantile.samples_needed()).then_some(1);
        let (due, read) = (self.schedule.has_due_times(), self.plan.run.verify.is_some());
        TimelineRow {
            at_s: 1.0,
            backlog: due.then_some(0),
            unread: read.then_some(0),
            group_lag: self.plan.run.kafka.lag_group.as_ref().map(|_| 0),
            response_p50_us: of(Quantile::P50),
            response_p90_us: of(Quantile::P90),
            response_p99_us: of(Quantile::P99),
            response_max_us: Some(1),
            service_p99_us: of(Quantile::P99),
            end_to_end_p90_us: of(Quantile::P90).filter(|_| read),
            end_to_end_p99_us: of(Quantile::P99).filter(|_| read),
            slip_p90_us: of(Quantile::P90).filter(|_| due),
            slip_p99_us: of(Quantile::P99).filter(|_| due),
            lateness_p99_us: of(Quantile::P99).filter(|_| due),
            capped_p99_us: of(Quantile::P99).filter(|_| due && self.plan.run.lateness.max_rate.is_some()),
            cpu_ms: Some(0),
            rss_kib: Some(1),
            ..TimelineRow::default()
        }
    }

    fn replay(&self, events: u64) -> Option<Replay> {
        let (Source::RetailRocket(_) | Source::Recorded(_)) = self.source else { return None };
        let of = |quantile: Quantile| (events >= quantile.samples_needed()).then_some(1);
        let fidelity = Fidelity {
            events,
            off_p50_us: of(Quantile::P50),
            off_p99_us: of(Quantile::P99),
            off_max_us: Some(1),
            ks_distance: Some(0.0),
            ks_distance_1us: Some(0.0),
            peak_recorded_per_s: Some(1),
            peak_replayed_per_s: Some(1),
            inversions: self.plan.run.verify.as_ref().map(|_| 0),
            ..Fidelity::default()
        };
        let fidelity = self.schedule.is_recorded().then_some(fidelity);
        Some(Replay { rows: events.max(1), fidelity, ..Replay::default() })
    }
}

/// So many samples of anything.
fn summary(count: u64) -> LatencySummary {
    let of = |quantile: Quantile| (count >= quantile.samples_needed()).then_some(1);
    let any = (count > 0).then_some(1);
    LatencySummary {
        count,
        min: any,
        mean: any.map(|_| 1.0),
        p50: of(Quantile::P50),
        p90: of(Quantile::P90),
        p95: of(Quantile::P95),
        p99: of(Quantile::P99),
        p999: of(Quantile::P999),
        p9999: of(Quantile::P9999),
        max: any,
        ..LatencySummary::default()
    }
}

/// As many as a draw of so many can come to by luck: six standard deviations of a Poisson process above its mean.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, and counts are positive")]
fn by_luck(expected: f64) -> u64 {
    (expected + 6.0 * expected.sqrt()).ceil() as u64
}
