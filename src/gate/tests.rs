//! What holds of every gate, whatever the report says.

mod built_in;
mod early;

use crate::report::{ExpectReport, GroupReport, LagReport, RebalanceReport, RunReport, TimelineRow};
use proptest::prelude::*;

use super::{
    metric::{Part, table::metrics},
    rule::Op,
    sample::{any_run, complete, healthy, with_class},
    *,
};
use crate::{
    ledger::Class,
    report::{Hiccup, Offered, PhaseReport, Process, TransactionCounts, Transactions},
    soak::Timeline,
};

fn rule(text: &str) -> Rule {
    Rule::parse(text, &Names::of(&complete())).unwrap()
}

fn evaluate(text: &str, report: &RunReport) -> GateResult {
    rule(text).evaluate(report, &Gates::default().validity(report))
}

fn outcome(text: &str, report: &RunReport) -> GateOutcome {
    evaluate(text, report).result
}

fn reason(text: &str, report: &RunReport) -> String {
    evaluate(text, report).reason.unwrap_or_default()
}

fn built_in(report: &RunReport, wanted: BuiltIn) -> Option<GateResult> {
    Gates::default().evaluate(report).into_iter().find(|result| result.name.as_deref() == Some(wanted.as_str()))
}

/// Every path there is, of the parts that [`healthy`] has.
fn all_paths() -> Vec<(String, unit::Dimension)> {
    let path = |metric: &metric::Metric| match metric.part {
        Part::Run => metric.name.clone(),
        Part::Phase => format!("phase.peak.{}", metric.name),
        Part::EventType => format!("by_type.view.{}", metric.name),
        Part::Topic => format!("topic.raw-events.{}", metric.name),
        Part::Expectation => format!("expect.by-type.{}", metric.name),
    };
    metrics().iter().map(|metric| (path(metric), metric.dimension)).collect()
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let paths = all_paths();
    let limit = prop_oneof![Just(0.0), 0.0..20_000.0_f64, 0.0..200.0_f64];
    (prop::sample::select(paths), prop::sample::select(Op::ALL.to_vec()), limit)
        .prop_map(|((path, dimension), op, limit)| rule(&format!("{path} {op} {limit}{}", dimension.base())))
}

#[test]
fn that_readers_can_read_all_is_not_said_where_there_was_none() {
    let without = evaluate("not_readable_by_reader == 0", &healthy());
    assert_eq!(without.result, GateOutcome::Unevaluated);
    assert!(without.reason.unwrap().contains("--reader-schema"));
    let mut report = complete();
    report.findings.not_readable_by_reader = 1;
    assert_eq!(evaluate("not_readable_by_reader == 0", &report).result, GateOutcome::Fail);
}

#[test]
fn every_path_reads_a_value_of_a_complete_report() {
    let report = complete();
    for (path, dimension) in all_paths() {
        let result = evaluate(&format!("{path} >= 0{}", dimension.base()), &report);
        assert_eq!(result.result, GateOutcome::Pass, "{path}: {:?}", result.reason);
    }
}

#[test]
fn sections_that_a_report_lacks_leave_their_gates_unevaluated_with_the_reason() {
    let bare = RunReport { ledger: healthy().ledger, latency_us: healthy().latency_us, ..RunReport::default() };
    let without_distance = {
        let mut report = complete();
        report.replay.iter_mut().for_each(|replay| replay.fidelity = None);
        report
    };
    let never_acked = {
        let mut report = complete();
        report.faults[0].first_ack_after_s = None;
        report
    };
    for (text, report, why) in [
        ("replay.fidelity.off_p99 < 5ms", &bare, "the run replayed nothing"),
        ("replay.fidelity.off_p99 < 5ms", &without_distance, "the run did not keep the recorded times"),
        ("client.retries == 0", &bare, "the Kafka client told nothing of itself"),
        ("transactions.failed == 0", &bare, "the run was not transactional"),
        ("faults.first_ack_after < 5s", &bare, "the run had no fault to inject"),
        ("faults.first_ack_after < 5s", &never_acked, "a partition that stalled by a fault was never acked again"),
        ("group.rebalances == 0", &bare, "no group read"),
        ("lag.at_end == 0", &bare, "no group's lag was watched (--lag-group)"),
        ("drift.drifting == 0", &bare, "fewer than ten minutes are known"),
        ("client.retries == 0", &RunReport::default(), "nothing was scheduled"),
    ] {
        assert_eq!((outcome(text, report), reason(text, report).as_str()), (GateOutcome::Unevaluated, why), "{text}");
    }
    for text in ["replay.fidelity.off_p99 < 1ms", "replay.fidelity.ks_distance < 0.01", "faults.first_ack_after < 3s"] {
        assert_eq!(outcome(text, &complete()), GateOutcome::Pass, "{text}");
    }
    assert_eq!(outcome("replay.fidelity.off_p99 < 0.8ms", &complete()), GateOutcome::Fail);
    let mut unread = complete();
    (unread.ledger.verified, unread.ledger.unread) = (199_000, 1_000);
    assert_eq!(outcome("replay.fidelity.inversions == 0", &unread), GateOutcome::Unevaluated, "1,000 were not seen");
}

#[test]
fn rules_compare_with_the_limit_in_the_right_unit() {
    let report = healthy();
    for (text, expected) in [
        ("response_time.p99 < 250ms", GateOutcome::Pass),
        ("response_time.p99 < 10ms", GateOutcome::Fail),
        ("response_time.p99 <= 10110us", GateOutcome::Pass),
        ("response_time.p99 < 10110us", GateOutcome::Fail),
        ("lost == 0", GateOutcome::Pass),
        ("verified >= 200_000", GateOutcome::Pass),
        ("offered.achieved >= 99.9%", GateOutcome::Pass),
        ("offered.achieved_rate < 9000/s", GateOutcome::Fail),
        ("partitions.skew <= 1.1", GateOutcome::Pass),
        ("partitions.skew < 1.1", GateOutcome::Fail),
        ("timeline.response_p99.max < 1s", GateOutcome::Pass),
        ("timeline.rss.max <= 60MiB", GateOutcome::Pass),
        ("phase.peak.response_time.p99 < 400ms", GateOutcome::Pass),
        ("by_type.view.response_time.p99 < 10ms", GateOutcome::Fail),
    ] {
        assert_eq!(outcome(text, &report), expected, "{text}");
    }
}

#[test]
fn a_quantile_with_too_few_samples_is_unevaluated() {
    let mut report = healthy();
    report.latency_us.response_time.count = 20_000;
    let p9999 = evaluate("response_time.p9999 < 1s", &report);
    assert_eq!(p9999.result, GateOutcome::Unevaluated);
    assert_eq!(p9999.reason.as_deref(), Some("needs 100,000 samples, this run had 20,000"));
    assert_eq!(p9999.samples, Some(20_000));
    assert_eq!(outcome("response_time.p999 < 1s", &report), GateOutcome::Pass);
    report.latency_us.response_time.count = 999;
    assert_eq!(outcome("response_time.p99 < 1s", &report), GateOutcome::Unevaluated);
    assert_eq!(outcome("response_time.max < 1s", &report), GateOutcome::Pass);
    report.latency_us.response_time.count = 0;
    assert_eq!(outcome("response_time.max < 1s", &report), GateOutcome::Unevaluated);
}

#[test]
fn a_censored_value_fails_where_the_bound_breaks_the_rule_and_is_else_unevaluated() {
    let mut report = healthy();
    report.latency_us.response_time.censored = 300;
    report.latency_us.response_time.censored_from = Some(10_000);
    assert_eq!(outcome("response_time.p50 < 250ms", &report), GateOutcome::Pass, "below the censored share");
    assert_eq!(outcome("response_time.p99 < 250ms", &report), GateOutcome::Unevaluated);
    assert_eq!(outcome("response_time.p99 < 10ms", &report), GateOutcome::Fail);
    assert_eq!(outcome("response_time.p99 > 10ms", &report), GateOutcome::Pass, "the bound proves it");
    assert_eq!(outcome("response_time.p99 > 20ms", &report), GateOutcome::Unevaluated);
    assert_eq!(outcome("response_time.mean < 9ms", &report), GateOutcome::Unevaluated);
    assert_eq!(reason("response_time.p99 < 10ms", &report), "at least this: 300 events without an answer");
    assert_eq!(
        outcome("timeline.response_p99.max < 1s", &report),
        GateOutcome::Unevaluated,
        "an event that was never answered is in no row"
    );
}

#[test]
fn a_latency_gate_of_an_invalid_run_is_unevaluated_but_not_one_about_the_generator() {
    let mut report = healthy();
    report.latency_us.lateness = Some(sample::summary(40_000));
    assert_eq!(outcome("response_time.p99 < 250ms", &report), GateOutcome::Unevaluated);
    assert!(reason("response_time.p99 < 250ms", &report).starts_with("the run is not valid: events were sent late"));
    assert_eq!(outcome("lateness.p99 < 5ms", &report), GateOutcome::Fail);
    assert_eq!(outcome("lost == 0", &report), GateOutcome::Pass);

    let gates = Gates::new(&[], &["generator_healthy".into()], &Names::default()).unwrap();
    assert_eq!(gates.validity(&report), Validity::Valid);
    assert!(gates.evaluate(&report).iter().all(|result| result.result == GateOutcome::Pass));
}

#[test]
fn what_only_a_verifier_can_tell_is_unevaluated_without_one() {
    let mut report = with_class(healthy(), Class::Unverified, 200_000);
    report.latency_us.end_to_end = None;
    for text in ["lost == 0", "duplicates == 0", "corrupt == 0", "end_to_end.p99 < 1s", "by_type.view.invalid == 0"] {
        assert_eq!(outcome(text, &report), GateOutcome::Unevaluated, "{text}");
    }
    assert_eq!(outcome("refused == 0", &report), GateOutcome::Pass);
    assert_eq!(built_in(&report, BuiltIn::NoViolation), None, "neither passed nor failed");
}

#[test]
fn counts_of_the_reading_side_are_lower_bounds_while_events_are_unread() {
    let report = with_class(healthy(), Class::Unread, 5);
    assert_eq!(outcome("lost == 0", &report), GateOutcome::Unevaluated);
    assert_eq!(outcome("duplicates < 10", &report), GateOutcome::Unevaluated);
    assert_eq!(outcome("verified >= 199_995", &report), GateOutcome::Pass);
    assert_eq!(outcome("lost == 0", &with_class(report, Class::Lost, 1)), GateOutcome::Fail);
}

#[test]
fn a_phase_that_did_not_run_is_unevaluated() {
    let mut report = healthy();
    report.phases = vec![PhaseReport { name: "other".into(), ..PhaseReport::default() }];
    assert_eq!(reason("phase.peak.lost == 0", &report), "phase \"peak\" did not run");
}

#[test]
fn skew_of_few_events_is_unevaluated() {
    let mut report = healthy();
    for partition in &mut report.partitions {
        partition.acked = 9;
    }
    assert_eq!(reason("partitions.skew < 2", &report), "needs 20 acked events, this run had 18");
}

#[test]
fn skew_is_that_of_the_most_skewed_topic() {
    let mut report = healthy();
    let mut other = report.partitions.clone();
    other[0].acked = 170_000;
    other[1].acked = 30_000;
    for partition in &mut other {
        partition.topic = "other".into();
    }
    report.partitions.extend(other);
    assert_eq!(evaluate("partitions.skew < 1.5", &report).value, Some(1.7));
    assert_eq!(evaluate("topic.raw-events.partitions.skew < 1.5", &report).value, Some(1.1));
}

#[test]
fn gates_that_cannot_work_are_refused_before_the_run() {
    let error = |config: GateConfig| Gates::new(&[config], &[], &Names::default()).unwrap_err().to_string();
    assert_eq!(
        error(GateConfig { abort: true, ..GateConfig::of_rule("lost == 0") }),
        "gate \"lost == 0\": abort = true needs a figure that is known while the run goes on; this one is known at its end"
    );
    assert_eq!(
        error(GateConfig { after: Some(Duration::from_secs(1)), ..GateConfig::of_rule("refused == 0") }),
        "gate \"refused == 0\": after = … has a meaning only with abort = true"
    );
    assert!(error(GateConfig::of_rule("lots == 0")).contains("the nearest name is \"lost\""));
    assert!(Gates::new(&[], &["no_violations".into()], &Names::default()).is_err());
}

#[test]
fn a_gate_in_toml_reads_back_as_it_is_written() {
    let config: GateConfig =
        toml::from_str("rule = \"refused == 0\"\nname = \"nothing refused\"\nabort = true\nafter = \"10s\"").unwrap();
    assert_eq!(config.after, Some(Duration::from_secs(10)));
    assert_eq!(toml::from_str::<GateConfig>(&toml::to_string(&config).unwrap()).unwrap(), config);
    assert!(toml::from_str::<GateConfig>("rule = \"lost == 0\"\nabrot = true").is_err());
}

proptest! {
    #[test]
    fn no_gate_passes_over_an_empty_report(rule in any_rule()) {
        let report = RunReport::default();
        prop_assert_eq!(rule.evaluate(&report, &Validity::Valid).result, GateOutcome::Unevaluated);
        for result in Gates::default().evaluate(&report) {
            prop_assert_eq!(result.result, GateOutcome::Unevaluated, "{}", result.rule);
        }
    }

    #[test]
    fn a_rule_and_its_negation_never_both_pass_and_every_result_is_the_same_twice(
        rule in any_rule(), report in any_run(),
    ) {
        let negated = match rule.op() {
            Op::Less => Op::GreaterOrEqual,
            Op::LessOrEqual => Op::Greater,
            Op::Greater => Op::LessOrEqual,
            Op::GreaterOrEqual => Op::Less,
            Op::Equal => Op::NotEqual,
            Op::NotEqual => Op::Equal,
        };
        let text = rule.to_string();
        let opposite = text.replacen(&format!(" {} ", rule.op()), &format!(" {negated} "), 1);
        let (one, other) = (evaluate(&text, &report), evaluate(&opposite, &report));
        let passes = |result: &GateResult| result.result == GateOutcome::Pass;
        prop_assert!(!(passes(&one) && passes(&other)), "{} and {}", text, opposite);
        prop_assert_eq!(
            one.result == GateOutcome::Unevaluated, other.result == GateOutcome::Unevaluated,
            "{} and {}", text, opposite
        );
        prop_assert_eq!(&evaluate(&text, &report), &one);
        prop_assert!(one.result == GateOutcome::Pass || one.result == GateOutcome::Fail || one.reason.is_some());
    }

    #[test]
    fn what_is_no_number_never_passes(rule in any_rule()) {
        let mut report = healthy();
        let nan = Some(f64::NAN);
        (report.offered.achieved_percent, report.offered.rate_per_s) = (nan, nan);
        report.offered.achieved_rate_per_s = f64::NAN;
        report.latency_us.response_time.mean = nan;
        let result = rule.evaluate(&report, &Validity::Valid);
        prop_assert!(result.value.is_none_or(f64::is_finite));
        if result.value.is_none() {
            prop_assert_eq!(result.result, GateOutcome::Unevaluated);
        }
    }
}

#[test]
fn a_rebalance_that_had_not_ended_has_no_length_that_a_gate_could_pass() {
    let rebalance = |length_s| RebalanceReport { length_s, ..RebalanceReport::default() };
    let group = |rebalances: Vec<RebalanceReport>| {
        let rebalance_count = rebalances.len() as u64;
        let group = GroupReport { rebalances, rebalance_count, rebalance_longest_s: 0.5, ..GroupReport::default() };
        RunReport { group: Some(group), ..complete() }
    };
    let ended = group(vec![rebalance(Some(0.5))]);
    assert_eq!(outcome("group.rebalance_longest < 1s", &ended), GateOutcome::Pass);
    let lasting = group(vec![rebalance(Some(0.5)), rebalance(None)]);
    for rule in ["group.rebalance_longest < 1s", "group.rebalance_total < 1s"] {
        assert_eq!(outcome(rule, &lasting), GateOutcome::Unevaluated, "{rule}");
    }
}

#[test]
fn a_second_in_which_a_level_was_not_known_leaves_its_maximum_open() {
    let mut report = complete();
    report.timeline.iter_mut().for_each(|row| (row.unread, row.group_lag) = (Some(9), Some(9)));
    report.lag = Some(LagReport { at_end: Some(9), highest: Some(9), ..LagReport::default() });
    let mut unknown = report.clone();
    let row = &mut unknown.timeline[7];
    (row.unread, row.group_lag, row.rss_kib, row.backlog, row.cpu_ms) = (None, None, None, None, None);
    for (path, dimension) in all_paths() {
        if ["unread", "group_lag", "rss", "backlog", "cpu"]
            .iter()
            .any(|of| path.starts_with(&format!("timeline.{of}.")))
        {
            let rule = format!("{path} < 10_000_000_000{}", dimension.base());
            let found = [&report, &unknown].map(|report| outcome(&rule, report));
            assert_eq!(found, [GateOutcome::Pass, GateOutcome::Unevaluated], "{rule}");
        }
    }
    assert_eq!(outcome("lag.highest < 10", &report), GateOutcome::Pass);
    report.timeline[7].group_lag = None;
    for (rule, expected) in [
        ("timeline.group_lag.max < 9", GateOutcome::Fail),
        ("timeline.group_lag.max >= 9", GateOutcome::Pass),
        ("lag.highest < 10", GateOutcome::Unevaluated),
        ("lag.highest < 9", GateOutcome::Fail),
        ("lag.at_end < 10", GateOutcome::Pass),
        ("timeline.unread.max < 10", GateOutcome::Pass),
    ] {
        assert_eq!(outcome(rule, &report), expected, "{rule}");
    }
    // A second in which nothing was answered hides no latency: what was answered later stands in its own.
    report.timeline[7].response_p99_us = None;
    assert_eq!(outcome("timeline.response_p99.max < 1s", &report), GateOutcome::Pass);
}

#[test]
fn a_gate_on_seconds_says_of_a_long_run_what_its_seconds_say() {
    let number = |at: u32, of: u32| Some(u64::from(at * of % 97 + at / 60));
    let second = |at: u32| TimelineRow {
        at_s: f64::from(at),
        scheduled: u64::from(at * 7 % 31),
        sent: u64::from(at * 11 % 31 + 1),
        outstanding: u64::from(at % 50),
        backlog: number(at, 3),
        unread: number(at, 5),
        group_lag: number(at, 13).filter(|_| !at.is_multiple_of(700)),
        response_p50_us: number(at, 17),
        response_p99_us: number(at, 19),
        cpu_ms: number(at, 23),
        rss_kib: number(at, 29),
        ..TimelineRow::default()
    };
    let mut seconds = complete();
    (seconds.run.warm_up_s, seconds.run.measured_s) = (130.0, 9_000.0);
    seconds.timeline = (1..=9_000).map(second).collect();
    let mut joined = seconds.clone();
    (joined.timeline, joined.joined_seconds) = Timeline::of(seconds.timeline.clone(), 130.0).into_rows();
    assert_eq!(joined.timeline.len(), 90 + 3_600);
    for (path, dimension) in all_paths().into_iter().filter(|(path, _)| path.starts_with("timeline.")) {
        let rule = rule(&format!("{path} < 50{}", dimension.base()));
        let [of_seconds, of_joined] = [&seconds, &joined].map(|report| rule.evaluate(report, &Validity::Valid));
        let (value, same) = (of_seconds.value.unwrap_or(-1.0), of_joined.value.unwrap_or(-1.0));
        assert!((value - same).abs() <= value.abs() * 1e-12, "{path}: {value} and {same}");
        assert_eq!(GateResult { value: None, ..of_seconds }, GateResult { value: None, ..of_joined }, "{path}");
    }
    // What an earlier loadgen left has the minutes alone.
    joined.joined_seconds = None;
    assert_eq!(outcome("timeline.sent.max < 1_000_000", &joined), GateOutcome::Unevaluated);
}
