//! The gates that every run has.

use super::*;

#[test]
fn a_healthy_run_passes_every_built_in_gate() {
    let transactional = RunReport { transactions: Some(Transactions::default()), ..healthy() };
    // In a transactional run nothing can be said of the room in the client's queue.
    assert!(built_in(&transactional, BuiltIn::ClientQueueHadRoom).is_none());
    let mut results = Gates::default().evaluate(&healthy());
    results.extend(built_in(&transactional, BuiltIn::NoForcedAborts));
    let met = ExpectReport { name: "by-type".into(), expected: 2, right: 2, ..ExpectReport::default() };
    let expecting = RunReport { expectations: vec![met], ..healthy() };
    results.extend(built_in(&expecting, BuiltIn::ExpectationsMet));
    assert_eq!(results.len(), BuiltIn::ALL.len());
    for result in results {
        assert_eq!(result.result, GateOutcome::Pass, "{}", result.rule);
        assert!(result.built_in);
        assert!(result.rule.contains('='), "{}", result.rule);
    }
}

#[test]
fn each_built_in_gate_fails_on_what_it_looks_for() {
    let broken = |change: fn(&mut RunReport)| {
        let mut report = healthy();
        change(&mut report);
        report
    };
    for (gate, report) in vec![
        (BuiltIn::LedgerSums, broken(|report| report.ledger.verified -= 1)),
        (BuiltIn::LedgerSums, broken(|report| report.phases[0].ledger.lost += 1)),
        (BuiltIn::NoViolation, with_class(healthy(), Class::Lost, 17)),
        (BuiltIn::NothingRefused, with_class(healthy(), Class::Refused, 1)),
        (
            BuiltIn::NoForcedAborts,
            broken(|report| {
                let counts = TransactionCounts { failed: 1, ..TransactionCounts::default() };
                report.transactions = Some(Transactions { counts, ..Transactions::default() });
            }),
        ),
        (BuiltIn::GeneratorOnTime, broken(|report| report.latency_us.lateness = Some(sample::summary(5_000)))),
        (BuiltIn::GeneratorKeptRate, broken(|report| report.offered.achieved_percent = Some(98.9))),
        (
            BuiltIn::GeneratorHadCpu,
            broken(|report| report.timeline.iter_mut().for_each(|row| row.cpu_ms = Some(1_990))),
        ),
        (
            BuiltIn::ClientQueueHadRoom,
            broken(|report| report.timeline.iter_mut().take(3).for_each(|row| row.slip_p99_us = Some(9_000))),
        ),
        (BuiltIn::HistogramsInRange, broken(|report| report.latency_us.service_time.saturated = 1)),
    ] {
        let result = built_in(&report, gate).unwrap();
        assert_eq!(result.result, GateOutcome::Fail, "{gate}");
        assert!(result.reason.is_some(), "{gate}");
    }
}

#[test]
fn a_rate_missed_because_the_cluster_kept_lanes_waiting_is_not_the_generators_fault() {
    let mut report = healthy();
    report.offered.achieved_percent = Some(80.0);
    report.offered.client_blocked_s = 3.0;
    assert_eq!(built_in(&report, BuiltIn::GeneratorKeptRate).unwrap().result, GateOutcome::Pass);
    report.offered.client_blocked_s = 1.0;
    assert_eq!(built_in(&report, BuiltIn::GeneratorKeptRate).unwrap().result, GateOutcome::Fail);
}

#[test]
fn a_queue_that_is_full_while_acks_are_slow_is_the_clusters_doing() {
    let mut report = healthy();
    for row in &mut report.timeline {
        row.slip_p99_us = Some(900_000);
        row.service_p99_us = Some(800_000);
    }
    assert_eq!(built_in(&report, BuiltIn::ClientQueueHadRoom).unwrap().result, GateOutcome::Pass);
}

#[test]
fn few_late_events_are_judged_by_the_highest_quantile_that_exists() {
    let mut report = healthy();
    let lateness = report.latency_us.lateness.as_mut().unwrap();
    (lateness.count, lateness.max) = (10, Some(4_000));
    assert_eq!(built_in(&report, BuiltIn::GeneratorOnTime).unwrap().result, GateOutcome::Pass, "all are on time");
    report.latency_us.lateness.as_mut().unwrap().max = Some(6_000);
    assert_eq!(built_in(&report, BuiltIn::GeneratorOnTime).unwrap().result, GateOutcome::Unevaluated);
    report.latency_us.lateness.as_mut().unwrap().count = 100;
    assert_eq!(
        built_in(&report, BuiltIn::GeneratorOnTime).unwrap().result,
        GateOutcome::Pass,
        "p90 is within the limit"
    );
}

#[test]
fn a_rate_without_a_plan_is_not_asked_for_what_it_has_not() {
    let mut report = healthy();
    (report.latency_us.slip, report.latency_us.lateness, report.latency_us.blocked) = (None, None, None);
    (report.offered.rate_per_s, report.offered.achieved_percent) = (None, None);
    assert_eq!(built_in(&report, BuiltIn::GeneratorOnTime), None);
    assert_eq!(built_in(&report, BuiltIn::GeneratorKeptRate), None);
    assert_eq!(outcome("offered.achieved >= 99%", &report), GateOutcome::Unevaluated);
    assert_eq!(reason("lateness.p99 < 5ms", &report), "lateness was not measured");
}

#[test]
fn a_process_that_was_kept_from_running_says_so_and_what_may_help() {
    let mut report = healthy();
    report.latency_us.lateness = Some(sample::summary(3_000_000));
    let reason = |report: &RunReport| built_in(report, BuiltIn::GeneratorOnTime).unwrap().reason.unwrap();
    assert!(!reason(&report).contains('('), "{}", reason(&report));
    report.environment.cpu_quota = Some(0.25);
    report.process = Some(Process {
        hiccups: 1,
        hiccups_total_s: 5.0,
        longest_hiccup_s: 5.0,
        hiccups_at: vec![Hiccup { from_s: 6.0, length_s: 5.0 }],
        throttled_periods: Some(15),
        throttled_s: Some(0.9),
    });
    let told = reason(&report);
    assert!(
        told.contains("(this process did not run for 5.00 s from 00:00:06: stopped, or without a processor; its"),
        "{told}"
    );
    assert!(told.ends_with("quota of 0.25 processors held it back for 900 ms in 15 periods)"), "{told}");
    let helps = health::way_on(&[BuiltIn::GeneratorOnTime], &report).unwrap();
    assert_eq!(
        helps,
        "what may help: a higher CPU quota; less other load on this machine; --pacing spin, where a core is free; --gate-off \
         generator_on_time judges the figures as they are"
    );
    assert_eq!(health::way_on(&[], &report), None);
}

#[test]
fn a_quota_is_all_that_a_process_may_use() {
    let mut report = healthy();
    report.timeline.iter_mut().for_each(|row| row.cpu_ms = Some(245));
    assert_eq!(built_in(&report, BuiltIn::GeneratorHadCpu).unwrap().result, GateOutcome::Pass);
    report.environment.cpu_quota = Some(0.25);
    let starved = built_in(&report, BuiltIn::GeneratorHadCpu).unwrap();
    assert_eq!(starved.result, GateOutcome::Fail);
    assert!(
        starved.reason.unwrap().starts_with("this process used all of the 0.25 processors that its quota allows in")
    );
}

#[test]
fn seconds_in_which_the_last_answers_are_waited_for_are_no_seconds_of_sending() {
    let mut report = complete();
    let last_s = report.timeline.last().unwrap().at_s;
    for second in [1.0, 2.0, 3.0] {
        let row = TimelineRow { at_s: last_s + second, acked: 40_000, unread: Some(9), ..TimelineRow::default() };
        report.timeline.push(row);
    }
    for rule in ["timeline.sent.min >= 10_000", "timeline.scheduled.mean >= 10_000", "timeline.acked.min >= 10_000"] {
        assert_eq!(outcome(rule, &report), GateOutcome::Pass, "{rule}");
    }
    assert_eq!(outcome("timeline.acked.max >= 40_000", &report), GateOutcome::Pass, "a burst is one at any time");
    assert_eq!(outcome("timeline.unread.max >= 9", &report), GateOutcome::Pass);
    // A second in which nothing could be sent is one of sending.
    report.timeline[10].sent = 0;
    assert_eq!(outcome("timeline.sent.min > 0", &report), GateOutcome::Fail);
}
