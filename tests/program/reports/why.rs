//! The why lines on modelled runs: each rule where it holds, and silence where nothing is certain.

use loadgen::output::why::{findings, lines};
use loadgen::report::{Hiccup, Process, RunReport};

use crate::reports::fixture::{self, Model};

fn says(report: &RunReport, rule: &str) -> Option<String> {
    findings(report).into_iter().find(|(name, _)| *name == rule).map(|(_, text)| text)
}

fn without_linger(report: &RunReport) -> Vec<(&'static str, String)> {
    findings(report).into_iter().filter(|(name, _)| *name != "linger").collect()
}

#[test]
fn nothing_is_said_of_a_run_in_which_nothing_happened() {
    assert_eq!(without_linger(&fixture::pass()), []);
    assert_eq!(without_linger(&fixture::replayed()), []);
    assert_eq!(findings(&RunReport::default()), []);
}

#[test]
fn a_stall_is_named_with_its_time_and_the_quantiles_it_carries() {
    let text = says(&fixture::gate_fail(), "stall").unwrap();
    assert_eq!(
        text,
        "no ack from 00:00:20 to 00:00:23, while 30,000 events waited; p99 and beyond come from it; \
         lateness stayed at 1.09 ms, so the broker side is the cause (broker 1: request timed out after 3000 ms \
         (\"ProduceRequest\"))"
    );
}

#[test]
fn a_stall_with_a_late_generator_blames_nobody() {
    let model = Model {
        stall: Some((20_000_000, 23_000_000)),
        late: Some((19_000_000, 24_000_000, 40_000)),
        ..Model::default()
    };
    let text = says(&model.build(), "stall").unwrap();
    assert!(!text.contains("cause"), "{text}");
}

#[test]
fn a_silence_in_which_this_process_did_not_run_is_its_own() {
    let mut report = fixture::gate_fail();
    let hiccup = Hiccup { from_s: 20.0, length_s: 3.0 };
    report.process = Some(Process {
        hiccups: 1,
        hiccups_total_s: 3.0,
        longest_hiccup_s: 3.0,
        hiccups_at: vec![hiccup],
        ..Process::default()
    });
    let (rule, text) = findings(&report).remove(0);
    assert_eq!(rule, "not_running");
    assert!(text.starts_with("this process did not run for 3.00 s from 00:00:20"), "{text}");
    assert_eq!(says(&report, "stall"), None, "nobody was there to hear an ack");
    report.process = Some(Process { hiccups_at: vec![Hiccup { length_s: 0.5, ..hiccup }], ..Process::default() });
    let text = says(&report, "stall").unwrap();
    assert!(
        text.contains("the broker side is the cause, or this machine: this process did not run for 500 ms of it"),
        "{text}"
    );
}

#[test]
fn a_machine_that_was_short_of_processors_is_named_beside_the_broker() {
    for (name, change) in [
        ("its processors were 97 % busy", (None, Some(97))),
        ("its control group's quota held it back for", (Some(300), Some(20))),
    ] {
        let mut stalled = fixture::gate_fail();
        let mut slow = Model { slow: Some((30_000_000, 34_000_000, 80_000)), ..Model::default() }.build();
        for row in stalled.timeline.iter_mut().chain(&mut slow.timeline) {
            (row.throttled_ms, row.machine_busy_percent) = change;
        }
        for text in [says(&stalled, "stall").unwrap(), says(&slow, "latency_rose").unwrap()] {
            assert!(text.contains(&format!("so the broker side is the cause, or this machine: {name}")), "{text}");
        }
    }
}

#[test]
fn a_partition_is_not_blamed_for_a_gap_as_long_as_this_process_was_late_or_away() {
    let silent = || {
        let mut report = fixture::pass();
        report.partitions[1].longest_ack_gap_us = 5_010_000;
        report
    };
    assert!(says(&silent(), "partition_silent").unwrap().contains("look at its leader"));
    let mut late = silent();
    late.latency_us.lateness.as_mut().unwrap().max = Some(4_900_000);
    assert_eq!(says(&late, "partition_silent"), None);
    let mut away = silent();
    away.process = Some(Process { hiccups: 1, longest_hiccup_s: 4.9, ..Process::default() });
    assert_eq!(says(&away, "partition_silent"), None);
}

#[test]
fn a_stall_in_the_warm_up_is_not_judged() {
    let mut report = Model { stall: Some((500_000, 1_900_000)), ..Model::default() }.build();
    report.run.warm_up_s = 5.0;
    assert_eq!(says(&report, "stall"), None);
}

#[test]
fn a_rise_with_service_time_is_the_broker_sides() {
    let report = Model { slow: Some((30_000_000, 34_000_000, 80_000)), ..Model::default() }.build();
    let text = says(&report, "latency_rose").unwrap();
    assert!(text.starts_with("response p99 rose from 8."), "{text}");
    assert!(text.contains("from 00:00:30 to 00:00:35"), "{text}");
    assert!(text.ends_with("slip stayed at 1.09 ms, so the broker side is the cause"), "{text}");
}

#[test]
fn a_rise_with_lateness_is_this_machines() {
    let report = Model { late: Some((30_000_000, 32_000_000, 90_000)), ..Model::default() }.build();
    let text = says(&report, "latency_rose").unwrap();
    assert!(text.contains("so this machine is the cause"), "{text}");
    assert_eq!(says(&report, "generator_late"), None, "two seconds of sixty are not the run");
}

#[test]
fn a_rise_with_a_full_queue_is_a_wait_for_room() {
    let report = Model { blocked: Some((30_000_000, 32_000_000, 90_000)), ..Model::default() }.build();
    assert!(says(&report, "latency_rose").unwrap().contains("room in the client's queue"));
    let text = says(&report, "queue_full").unwrap();
    assert!(text.starts_with("the client's queue of 20000 messages was full for 2 s in all"), "{text}");
}

#[test]
fn a_rise_that_no_part_explains_is_not_explained() {
    let mut report = Model { slow: Some((30_000_000, 34_000_000, 80_000)), ..Model::default() }.build();
    for row in &mut report.timeline {
        row.service_p99_us = Some(8_000);
    }
    assert_eq!(says(&report, "latency_rose"), None);
}

#[test]
fn a_few_seconds_are_too_few_to_say_what_is_usual() {
    let report = Model { seconds: 8, slow: Some((4_000_000, 6_000_000, 80_000)), ..Model::default() }.build();
    assert_eq!(says(&report, "latency_rose"), None);
}

#[test]
fn a_few_slow_events_are_no_rise() {
    let mut report = fixture::pass();
    report.timeline[30].response_p99_us = Some(300_000);
    report.timeline[30].service_p99_us = Some(299_000);
    assert!(says(&report, "latency_rose").is_some());
    report.timeline[30].acked = 999;
    assert_eq!(says(&report, "latency_rose"), None);
}

#[test]
fn a_generator_that_is_late_comes_before_everything_else() {
    let (rule, text) = findings(&fixture::invalid()).remove(0);
    assert_eq!(rule, "generator_late");
    assert!(text.contains("lateness p90 is 3.10 s of a response p90 of 3.11 s"), "{text}");
}

#[test]
fn a_partition_that_alone_was_silent_is_named() {
    let mut report = fixture::pass();
    report.partitions[4].longest_ack_gap_us = 2_900_000;
    let text = says(&report, "partition_silent").unwrap();
    assert!(text.starts_with("partition 4 was not acked for 2.90 s while the others went on"), "{text}");
    report.partitions[5].longest_ack_gap_us = 2_500_000;
    assert_eq!(says(&report, "partition_silent"), None, "two are not one");
}

#[test]
fn a_reader_that_falls_behind_is_the_cause_only_while_acks_come_as_usual() {
    let mut report = fixture::pass();
    for row in &mut report.timeline[30..34] {
        row.end_to_end_p99_us = Some(900_000);
        row.unread = Some(9_000);
    }
    let text = says(&report, "reading_behind").unwrap();
    assert!(text.contains("to 900 ms from 00:00:30 to 00:00:34 with a lag of 9,000 events"), "{text}");
    for row in &mut report.timeline[30..34] {
        row.response_p99_us = Some(880_000);
    }
    assert_eq!(says(&report, "reading_behind"), None);
}

#[test]
fn a_quantile_that_is_only_a_bound_is_called_one() {
    let text = says(&fixture::unknown(), "censored_tail").unwrap();
    assert!(text.starts_with("response p99.9 is at least 30.0 s: 1,235 events without an answer"), "{text}");
    let mut report = fixture::unknown();
    report.latency_us.response_time.censored_from = Some(40_000_000);
    assert_eq!(says(&report, "censored_tail"), None, "the quantiles lie below the censored share");
}

#[test]
fn a_hot_partition_is_named_with_the_key_that_makes_it_hot() {
    let mut report = Model { skew: 2.4, ..Model::default() }.build();
    let text = says(&report, "partition_skew").unwrap();
    assert!(text.starts_with("partition 0 got 2.40 times the mean (40.00 % of all acks)"), "{text}");
    assert!(!text.contains("one key"), "{text}");
    report.hot_keys[0].share_percent = 31.0;
    assert!(says(&report, "partition_skew").unwrap().ends_with("one key alone makes 31.00 %"));
    assert_eq!(says(&Model { skew: 1.4, ..Model::default() }.build(), "partition_skew"), None);
}

#[test]
fn flow_control_is_said_where_it_took_time() {
    let mut report = fixture::embedded();
    assert_eq!(says(&report, "flow_control"), None, "a third of a second in a minute is nothing");
    report.offered.flow_control_s = 12.0;
    assert!(says(&report, "flow_control").unwrap().contains("held back for 12 s"));
}

#[test]
fn linger_is_said_where_it_makes_most_of_the_service_time() {
    let mut report = fixture::pass();
    let text = says(&report, "linger").unwrap();
    assert_eq!(text, "service p50 of 5.53 ms is mostly the client's linger.ms=5");
    report.offered.achieved_rate_per_s = 200_000.0;
    assert_eq!(says(&report, "linger"), None, "batches are full before the time is over");
    report.environment.client_config.insert("linger.ms".to_owned(), "0".to_owned());
    assert_eq!(says(&report, "linger"), None);
}

#[test]
fn no_more_than_three_lines_are_shown() {
    let mut report = Model { skew: 2.4, stall: Some((20_000_000, 23_000_000)), ..Model::default() }.build();
    report.latency_us.response_time.censored = 5;
    report.latency_us.response_time.censored_from = report.latency_us.response_time.p999;
    report.offered.flow_control_s = 12.0;
    assert!(findings(&report).len() > 3);
    assert_eq!(lines(&report).len(), 3);
}
