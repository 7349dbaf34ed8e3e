//! The summary at the terminal, against golden files and against text that wants to do harm.

use std::path::Path;

use loadgen::output::console::{EMBEDDED_NOTICE, Style, render};
use loadgen::report::RunReport;
use unicode_width::UnicodeWidthStr;

use crate::reports::fixture;

fn plain(report: &RunReport) -> String {
    render(report, Style { bundle: Some(Path::new("results/20260101T000000Z-steady")), ..Style::default() })
}

#[test]
fn each_kind_of_verdict_reads_as_reviewed() {
    for (name, report) in fixture::all() {
        insta::assert_snapshot!(format!("console_{name}"), plain(&report));
    }
}

#[test]
fn eighty_columns_hold_all_that_they_can() {
    for name in ["pass", "hour", "violation", "unevaluated"] {
        let (_, report) = fixture::all().into_iter().find(|(known, _)| *known == name).unwrap();
        insta::assert_snapshot!(
            format!("console_80_{name}"),
            render(&report, Style { columns: 80, ..Style::default() })
        );
    }
}

#[test]
fn no_line_is_wider_than_the_columns_there_are() {
    for (name, mut report) in fixture::all() {
        report.run.name = "a rather long name of a run, as people give them".to_owned();
        report.verdict.reasons = vec!["a reason with many words in it ".repeat(12), "and one more ".repeat(20)];
        for columns in 60..=100 {
            for line in render(&report, Style { columns, ..Style::default() }).lines() {
                assert!(line.width() <= columns, "{name}: {line:?} has {} columns of {columns}", line.width());
            }
        }
    }
}

#[test]
fn censored_minutes_still_fit_the_line() {
    let mut report = fixture::unknown();
    for summary in [&mut report.latency_us.response_time, &mut report.latency_us.service_time] {
        (summary.censored_from, summary.max) = (Some(4_000), Some(599_999_999));
        (summary.p50, summary.p90, summary.p99) = (Some(412_345_678), Some(512_345_678), Some(599_999_999));
        (summary.p999, summary.p9999) = (Some(599_999_999), Some(599_999_999));
    }
    for columns in 60..=100 {
        for line in render(&report, Style { columns, ..Style::default() }).lines() {
            assert!(line.width() <= columns, "{line:?} has {} columns of {columns}", line.width());
        }
    }
}

#[test]
fn the_reasons_of_the_verdict_come_before_anything_that_the_summary_would_say_itself() {
    let mut report = fixture::violation();
    report.verdict.reasons = vec!["17 events lost after a leader change".to_owned(), "4 reordered".to_owned()];
    let text = plain(&report);
    assert!(text.starts_with("VIOLATION  17 events lost after a leader change\n"), "{text}");
    assert!(text.contains(" also       4 reordered\n"), "{text}");
}

#[test]
fn color_is_the_only_difference_that_color_makes() {
    for (name, report) in fixture::all() {
        let colored = render(&report, Style { color: true, ..Style::default() });
        assert!(colored.contains('\u{1b}'), "{name}");
        assert_eq!(without_color(&colored), render(&report, Style::default()), "{name}");
    }
}

fn without_color(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain + rest
}

#[test]
fn text_from_outside_cannot_steer_the_terminal() {
    const HOSTILE: &str = "\u{1b}]0;owned\u{7}\r\n\u{9b}31m\u{202e}";
    let mut report = fixture::violation();
    report.run.name = HOSTILE.to_owned();
    report.environment.topics[0].name = HOSTILE.to_owned();
    report.environment.client_config.insert("linger.ms".to_owned(), HOSTILE.to_owned());
    report.verdict.reasons = vec![HOSTILE.to_owned(), HOSTILE.to_owned()];
    report.gates[0].rule = HOSTILE.to_owned();
    report.run.deadlines_reached = vec![HOSTILE.to_owned()];
    for example in report.findings.examples.get_mut("lost").unwrap() {
        (example.user_id, example.what) = (Some(HOSTILE.to_owned()), HOSTILE.to_owned());
    }
    let of = report.by_type.remove("view").unwrap();
    report.by_type.insert(HOSTILE.to_owned(), of);
    report.findings.invalid_by_reason.insert(HOSTILE.to_owned(), 50);
    let text = render(&report, Style::default());
    let steering: Vec<_> = text.chars().filter(|c| c.is_control() && *c != '\n' || *c == '\u{202e}').collect();
    assert!(steering.is_empty(), "{steering:?} in {text}");
}

#[test]
fn the_embedded_broker_is_named_right_below_the_verdict() {
    let text = plain(&fixture::embedded());
    assert!(text.lines().nth(1).unwrap().contains(EMBEDDED_NOTICE), "{text}");
    assert!(!plain(&fixture::pass()).contains("embedded"));
}

#[test]
fn a_ledger_that_does_not_sum_is_called_wrong() {
    let mut report = fixture::pass();
    report.ledger.verified -= 1;
    assert!(plain(&report).contains("not the 600,000 scheduled: this report is wrong"));
}
