//! What holds of every verdict.

use proptest::prelude::*;

use super::*;
use crate::{
    gate::{
        GateConfig, Names,
        sample::{any_run, healthy, summary, with_class},
    },
    ledger::Class,
    report::{AbortCause, Example, ExpectReport, LatencySummary, TransactionCounts},
};

fn gates(rules: &[&str], off: &[&str]) -> Gates {
    let configs: Vec<_> = rules.iter().map(|rule| GateConfig::of_rule(*rule)).collect();
    let off: Vec<String> = off.iter().map(|name| (*name).to_owned()).collect();
    Gates::new(&configs, &off, &Names::of(&healthy())).unwrap()
}

fn verdict(mut report: RunReport, gates: &Gates, conditions: &Conditions) -> Verdict {
    report.gates = gates.evaluate(&report);
    judge(&report, gates, conditions)
}

fn plain(report: RunReport) -> Verdict {
    verdict(report, &Gates::default(), &Conditions::default())
}

#[test]
fn a_healthy_run_passes_without_a_reason() {
    let passed = verdict(healthy(), &gates(&["response_time.p99 < 250ms"], &[]), &Conditions::default());
    assert_eq!(passed, Verdict { code: 0, name: "pass".into(), ..Verdict::default() });
}

#[test]
fn lost_events_are_a_violation_that_names_their_place() {
    let mut report = with_class(healthy(), Class::Lost, 17);
    let example = |offset| Example { partition: Some(2), offset: Some(offset), ..Example::default() };
    report.findings.examples.insert("lost".into(), (91_204..=91_220).map(example).collect());
    let violated = plain(report);
    assert_eq!((violated.code, violated.name.as_str()), (3, "correctness_violated"));
    assert_eq!(
        violated.reasons,
        [
            "17 events lost: acked, and gone from the log (partition 2, offsets 91,204 … 91,220). With acks=all this must \
             not happen."
        ]
    );
}

#[test]
fn results_downstream_are_judged_and_what_says_nothing_is_no_pass() {
    type Change = fn(&mut ExpectReport);
    let of = |change: Change| {
        let mut expectation =
            ExpectReport { name: "by-type".into(), topic: "metrics".into(), ..ExpectReport::default() };
        (expectation.expected, expectation.right) = (10, 9);
        change(&mut expectation);
        RunReport { expectations: vec![expectation], ..healthy() }
    };
    let cases: [(Change, u8, &str); 11] = [
        (|expectation| expectation.right = 10, 0, ""),
        (|expectation| expectation.open = 1, 0, ""),
        (|expectation| expectation.late = 1, 0, ""),
        (|expectation| expectation.accepted_late = 1, 0, ""),
        (|expectation| expectation.wrong = 1, 3, "by-type: of 10 results in metrics 1 wrong."),
        (|expectation| expectation.missing = 1, 3, "by-type: of 10 results in metrics 1 missing."),
        (
            |expectation| (expectation.right, expectation.missing) = (0, 10),
            3,
            "by-type: nothing of 10 results came to metrics until --expect-deadline had passed.",
        ),
        (|expectation| expectation.twice = 1, 3, "by-type: of 10 results in metrics 1 written more than once."),
        (|expectation| expectation.undecided = 1, 4, "by-type: 1 result undecided: what they had to be is not known."),
        (
            |expectation| (expectation.right, expectation.open) = (0, 10),
            4,
            "by-type: none of 10 results was due: no window has closed.",
        ),
        (|expectation| (expectation.right, expectation.expected) = (0, 0), 4, "by-type: the input asks for no result."),
    ];
    for (change, code, reason) in cases {
        let verdict = plain(of(change));
        assert_eq!((verdict.code, verdict.reasons.first().map_or("", String::as_str)), (code, reason));
    }
    let off = gates(&[], &["expectations_met"]);
    let verdict = verdict(of(|expectation| expectation.wrong = 1), &off, &Conditions::default());
    assert_eq!((verdict.code, verdict.notes.len()), (0, 1), "{:?}", verdict.notes);
}

#[test]
fn events_that_the_cluster_committed_and_holds_as_aborted_are_not_the_readers_fault() {
    let mut report = with_class(healthy(), Class::Undelivered, 100);
    let reader = plain(report.clone());
    assert_eq!(reader.code, 3);
    assert!(reader.reasons[0].contains("A reader must get every record"), "{:?}", reader.reasons);
    report.findings.held_aborted = 100;
    let cluster = plain(report.clone());
    assert_eq!(
        (cluster.code, cluster.reasons),
        (
            3,
            vec![
                "100 events undelivered: in the log, and their commit was confirmed. The log holds their transactions as aborted, so \
                 no reader of committed records is given them: a confirmed commit must hold."
                    .to_owned()
            ]
        )
    );
    report.findings.held_aborted = 40;
    let both = plain(report).reasons;
    assert!(both[0].contains("A reader must") && both[0].contains("of 40 the commit was confirmed"), "{both:?}");
}

#[test]
fn a_longer_drain_is_advised_only_where_the_drain_ended_reading() {
    let mut report = RunReport { reading: None, ..with_class(healthy(), Class::Unread, 26) };
    let ended = plain(report.clone()).reasons;
    assert!(
        ended[0].contains("had not come that far when it ended") && !ended[0].contains("drain-deadline"),
        "{ended:?}"
    );
    report.run.deadlines_reached = vec!["drain: partitions 2 were not read to their end".to_owned()];
    let drained = plain(report).reasons;
    assert!(drained[0].contains("a longer --drain-deadline may tell"), "{drained:?}");
}

#[test]
fn examples_that_are_not_all_do_not_read_as_all() {
    let mut report = with_class(healthy(), Class::Corrupt, 3);
    let example = |partition| Example { partition: Some(partition), offset: Some(7), ..Example::default() };
    report.findings.examples.insert("corrupt".into(), vec![example(2)]);
    assert_eq!(
        plain(report.clone()).reasons,
        [
            "3 events corrupt: seen, but not as they were sent (among them partition 2, offset 7). What was sent must be what is \
             read."
        ]
    );
    report.findings.examples.insert("corrupt".into(), vec![example(2), example(0), example(1)]);
    assert_eq!(
        plain(report).reasons,
        [
            "3 events corrupt: seen, but not as they were sent (such as partition 2, offset 7). What was sent must be what is \
             read."
        ]
    );
}

#[test]
fn loss_that_the_configuration_allows_is_noted_and_no_violation() {
    let mut report = with_class(healthy(), Class::Lost, 17);
    report.environment.client_config = [("acks".to_owned(), "1".to_owned())].into();
    let passed = plain(report);
    assert_eq!(passed.code, 0);
    assert_eq!(
        passed.notes,
        [
            "17 events lost: acked, and gone from the log (allowed: acks=1: the leader alone confirms, and may fail before \
             the others have it)."
        ]
    );
}

#[test]
fn an_invalid_run_says_what_its_limit_was() {
    let mut report = healthy();
    report.offered.achieved_percent = Some(82.4);
    (report.offered.rate_per_s, report.offered.achieved_rate_per_s) = (Some(500_000.0), 412_000.0);
    report.latency_us.lateness = Some(LatencySummary { p99: Some(3_100_000), ..summary(2_000) });
    let invalid = verdict(report, &gates(&["response_time.p99 < 250ms"], &[]), &Conditions::default());
    assert_eq!((invalid.code, invalid.name.as_str()), (5, "run_invalid"));
    assert_eq!(
        invalid.reasons[0],
        "the generator was the limit: events were sent late: lateness p99 3.10 s, at most 5.00 ms is healthy; it offered \
         412,000/s of 500,000/s. These figures say nothing about Kafka."
    );
    assert!(invalid.reasons[1].starts_with("response_time.p99 < 250ms: the run is not valid: "));
}

#[test]
fn failed_and_unevaluated_gates_are_told_with_their_figures() {
    let mut report = healthy();
    report.latency_us.response_time.count = 20_000;
    let rules = gates(&["response_time.p99 < 10ms", "response_time.p9999 < 1s", "lost == 0"], &[]);
    let failed = verdict(report.clone(), &rules, &Conditions::default());
    assert_eq!((failed.code, failed.name.as_str()), (99, "gate_failed"));
    assert_eq!(failed.also, ["unevaluated"]);
    assert_eq!(
        failed.reasons,
        [
            "1 of 3 gates: response_time.p99 < 10ms, measured 10.1 ms",
            "response_time.p9999 < 1s: needs 100,000 samples, this run had 20,000",
        ]
    );
    let open = verdict(report, &gates(&["response_time.p9999 < 1s"], &[]), &Conditions::default());
    assert_eq!((open.code, open.name.as_str()), (4, "unevaluated"));
}

/// A run of an idempotent producer with one duplicate of its own, and one of somebody else whose example comes first.
fn with_duplicates() -> RunReport {
    let mut report = healthy();
    report.environment.client_config = [("enable.idempotence".to_owned(), "true".to_owned())].into();
    (report.findings.duplicates, report.findings.duplicates_rewritten, report.findings.duplicates_resent) = (2, 1, 1);
    let example = |offset| Example { partition: Some(1), offset: Some(offset), ..Example::default() };
    report.findings.keep_duplicate("rewritten", 20, example(100));
    report.findings.keep_duplicate("resent", 20, example(7_000));
    report
}

#[test]
fn a_duplicate_of_the_client_is_a_violation_at_its_own_place_unless_deliveries_timed_out() {
    let violated = plain(with_duplicates());
    assert_eq!(violated.code, 3);
    assert_eq!(
        violated.reasons,
        [
            "1 duplicate sent again by the client (partition 1, offset 7,000). With idempotence, and without a delivery time-out, \
             this must not happen."
        ]
    );
    assert!(violated.notes[0].contains("written again by another producer (partition 1, offset 100)"));
    let timed_out = plain(with_class(with_duplicates(), Class::UnknownSeen, 3));
    assert_eq!(timed_out.code, 0, "{:?}", timed_out.reasons);
    assert!(
        timed_out.notes.iter().any(|note| note.starts_with(
            "1 duplicate sent again by the client (partition 1, offset 7,000) (allowed: deliveries timed out, after which the \
             idempotent client begins a new epoch"
        )),
        "{:?}",
        timed_out.notes
    );
    let mut transactional = with_class(with_duplicates(), Class::UnknownSeen, 3);
    transactional.transactions = Some(Transactions::default());
    let violated = plain(transactional);
    assert_eq!(violated.code, 3);
    assert!(violated.reasons[0].ends_with("In transactions this must not happen."), "{:?}", violated.reasons);
}

/// A transactional run with so many events in transactions that had to be aborted, and so many aborted by plan.
fn with_aborts(forced: u64, planned: u64) -> RunReport {
    let mut report = with_class(healthy(), Class::Aborted, forced + planned);
    let cause = AbortCause {
        error: "INVALID_PRODUCER_ID_MAPPING".to_owned(),
        transactions: forced,
        words: "Failed to add partition".to_owned(),
    };
    report.transactions = Some(Transactions {
        counts: TransactionCounts {
            failed: forced,
            failed_events: forced,
            aborted: planned,
            ..TransactionCounts::default()
        },
        failed_by: if forced > 0 { vec![cause] } else { Vec::new() },
        ..Transactions::default()
    });
    report
}

#[test]
fn a_transaction_that_had_to_be_aborted_is_no_pass_and_says_by_which_error() {
    for planned in [0, 4] {
        let failed = plain(with_aborts(6, planned));
        assert_eq!((failed.code, failed.name.as_str()), (99, "gate_failed"));
        assert_eq!(
            failed.reasons,
            [
                "6 transactions with 6 events had to be aborted against the plan: by INVALID_PRODUCER_ID_MAPPING (Failed to add \
                 partition) (no_forced_aborts)"
            ]
        );
        assert!(!failed.notes.iter().any(|note| note.starts_with("6 events") || note.starts_with("10 events")));
    }
    let planned = plain(with_aborts(0, 4));
    assert_eq!(planned.code, 0);
    assert_eq!(
        planned.notes,
        ["4 events in transactions aborted as planned, unseen (expected: that is what aborting is for)."]
    );
    let off = verdict(with_aborts(6, 4), &gates(&[], &["no_forced_aborts"]), &Conditions::default());
    assert_eq!(off.code, 0);
    assert!(off.notes.iter().any(|note| note.starts_with("not judged (no_forced_aborts is off): 6 transactions")));
}

#[test]
fn a_reason_that_comes_later_takes_its_place_by_precedence() {
    let passed = verdict(healthy(), &Gates::default(), &Conditions::default());
    let after = |before: &[(ExitCode, &str)]| {
        let mut verdict = passed.clone();
        for (code, reason) in before {
            add(&mut verdict, *code, (*reason).to_owned());
        }
        (verdict.code, verdict.name, verdict.also, verdict.reasons)
    };
    let (not_written, unevaluated) = ((ExitCode::NotWritten, "disk full"), (ExitCode::Unevaluated, "too few samples"));
    let failed = (ExitCode::GateFailed, "lost == 0, measured 1");
    let (code, name, also, reasons) = after(&[not_written]);
    assert_eq!((code, name.as_str(), also.len(), reasons.len()), (8, "not_written", 0, 1));
    let (code, _, also, reasons) = after(&[unevaluated, failed, not_written]);
    assert_eq!((code, reasons[0].as_str()), (99, failed.1), "a full disk hides no gate that failed");
    assert_eq!(also, ["not_written", "unevaluated"]);
}

#[test]
fn a_gate_that_was_never_evaluated_is_not_a_pass() {
    let gates = gates(&["lost == 0"], &[]);
    let open = judge(&healthy(), &gates, &Conditions::default());
    assert_eq!(open.code, 4);
    assert_eq!(open.reasons, ["lost == 0: it was never evaluated"]);
}

#[test]
fn a_run_that_a_gate_ended_has_failed_even_if_its_end_looks_good() {
    let aborted_by = Some(GateResult {
        rule: "timeline.response_p99.max < 1s".into(),
        value: Some(1_810_000.0),
        result: GateOutcome::Fail,
        ..GateResult::default()
    });
    let ended = verdict(healthy(), &Gates::default(), &Conditions { aborted_by, ..Conditions::default() });
    assert_eq!(ended.code, 99);
    assert_eq!(ended.reasons, ["ended early by the gate timeline.response_p99.max < 1s, measured 1.81 s"]);
}

#[test]
fn each_condition_has_its_code_and_the_first_by_precedence_is_told() {
    let some = |text: &str| Some(text.to_owned());
    let mut conditions = Conditions { interrupted: true, ..Conditions::default() };
    assert_eq!(verdict(healthy(), &Gates::default(), &conditions).code, 130);
    conditions.cluster_error = some("no broker answered within 10 s");
    assert_eq!(verdict(healthy(), &Gates::default(), &conditions).code, 6);
    let lost = with_class(healthy(), Class::Lost, 1);
    let worst = verdict(lost.clone(), &Gates::default(), &conditions);
    assert_eq!(worst.code, 3);
    assert_eq!(worst.reasons.len(), 3, "{:?}", worst.reasons);
    conditions.bad_configuration = some("acks=2 is no setting");
    assert_eq!(verdict(lost.clone(), &Gates::default(), &conditions).code, 104);
    conditions.bad_input = some("line 3 is no row");
    assert_eq!(verdict(lost, &Gates::default(), &conditions).code, 7);
}

#[test]
fn turning_no_violation_off_is_told_in_the_notes() {
    let passed = verdict(with_class(healthy(), Class::Lost, 1), &gates(&[], &["no_violation"]), &Conditions::default());
    assert_eq!(passed.code, 0);
    assert!(passed.notes[0].starts_with("not judged (no_violation is off): 1 event lost"), "{:?}", passed.notes);
}

#[test]
fn nothing_scheduled_is_no_pass() {
    assert_eq!(plain(RunReport::default()).code, 4);
}

#[test]
fn a_ledger_that_does_not_add_up_makes_the_run_invalid() {
    let mut report = healthy();
    report.ledger.verified -= 1;
    let invalid = plain(report);
    assert_eq!(invalid.code, 5);
    assert!(invalid.reasons[0].contains("200,000 events scheduled, 199,999 in its classes"), "{:?}", invalid.reasons);
}

#[test]
fn every_class_is_judged() {
    let idle = [Class::Verified, Class::Refused];
    for class in Class::ALL.into_iter().filter(|class| !idle.contains(class)) {
        let judged = Integrity::of(&with_class(healthy(), class, 1), &Allowances::default());
        let found = [&judged.violations, &judged.undecided, &judged.allowed];
        let names: Vec<_> = found.into_iter().flatten().map(|anomaly| anomaly.name).collect();
        assert_eq!(names, [class.as_str()]);
    }
}

proptest! {
    #[test]
    fn nothing_wrong_or_unknown_ever_ends_in_a_pass(
        report in any_run(),
        rule in prop::sample::select(vec!["response_time.p99 < 11ms", "lost == 0", "lateness.p50 < 20ms", "offered.achieved >= 99%"]),
        interrupted in prop::bool::weighted(0.1),
    ) {
        let gates = gates(&[rule], &[]);
        let mut report = report;
        report.gates = gates.evaluate(&report);
        let conditions = Conditions { interrupted, ..Conditions::default() };
        let verdict = judge(&report, &gates, &conditions);

        let judged = Integrity::of(&report, &Allowances::of(&report));
        let bad = report.gates.iter().any(|result| result.result != GateOutcome::Pass)
            || !judged.violations.is_empty() || !judged.undecided.is_empty() || interrupted
            || !report.ledger.sums();
        prop_assert_eq!(verdict.code == 0, !bad, "{:?}", verdict);
        prop_assert_eq!(verdict.reasons.is_empty(), !bad);
        if !judged.violations.is_empty() {
            prop_assert_eq!(verdict.code, 3);
        }
        prop_assert_eq!(ExitCode::from_code(verdict.code).map(ExitCode::as_str), Some(verdict.name.as_str()));
        prop_assert_eq!(judge(&report, &gates, &conditions), verdict);
    }
}

#[test]
fn every_finding_has_a_ruling_with_the_rule_of_this_configuration() {
    use crate::report::{RulingKind, TopicReport};
    let mut report = with_class(healthy(), Class::Lost, 2);
    let ruling = |report: &RunReport, finding: &str| {
        let rulings = plain(report.clone()).rulings;
        rulings.into_iter().find(|ruling| ruling.finding == finding).unwrap()
    };
    let strict = ruling(&report, "lost");
    assert_eq!((strict.ruling, strict.events), (RulingKind::Violation, 2));
    assert!(strict.rule.contains("acks=all"), "{}", strict.rule);
    report.environment.topics = vec![TopicReport {
        id: None,
        made_anew: false,
        name: "events".to_owned(),
        settings: [("unclean.leader.election.enable", "true"), ("retention.ms", "60000")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        ..TopicReport::default()
    }];
    let allowed = ruling(&report, "lost");
    assert_eq!(allowed.ruling, RulingKind::Allowed);
    assert!(allowed.rule.starts_with("unclean.leader.election.enable=true"), "{}", allowed.rule);
    let mut report = with_class(report, Class::Expired, 1);
    report.findings.foreign = 5;
    let expired = ruling(&report, "expired");
    assert_eq!(expired.ruling, RulingKind::Expected);
    assert!(expired.rule.contains("retention.ms=60000 of topic \"events\""), "{}", expired.rule);
    assert_eq!(ruling(&report, "foreign").ruling, RulingKind::Expected);
}

#[test]
fn a_loss_names_the_topic_that_lets_one_broker_confirm_alone() {
    use crate::report::{RulingKind, TopicReport};
    let rule = |replication_factor, in_sync: &str| {
        let mut report = with_class(healthy(), Class::Lost, 2);
        report.environment.topics = vec![TopicReport {
            id: None,
            made_anew: false,
            name: "events".to_owned(),
            replication_factor: Some(replication_factor),
            settings: [("min.insync.replicas".to_owned(), in_sync.to_owned())].into(),
            ..TopicReport::default()
        }];
        let lost = plain(report).rulings.into_iter().find(|ruling| ruling.finding == "lost").unwrap();
        assert_eq!(lost.ruling, RulingKind::Violation, "it explains, and excuses nothing");
        lost.rule
    };
    assert!(rule(3, "1").contains("min.insync.replicas=1 of topic \"events\""));
    assert!(rule(1, "1").contains("replication factor 1 of topic \"events\""));
    assert_eq!(rule(3, "2"), "with acks=all this must not happen");
}
