//! `junit.xml`: one test case for each gate, one for each expectation and one for the verdict, as CI systems read it.
//!
//! A breached gate is a `<failure>`. What could not be evaluated, and a run that is not valid, is an `<error>`: never
//! `<skipped>`, which CI shows as green. The verdict has a case of its own, so that a run that was interrupted or had no
//! cluster is not green for want of a failing gate.

use std::io::{self, Write};

use quick_xml::{
    events::{BytesDecl, BytesText, Event},
    writer::{ElementWriter, Writer},
};

use crate::figures;
use crate::report::{ExpectReport, GateOutcome, GateResult, RunReport, ScoresReport, exit_code::ExitCode};

const GATE_CLASS: &str = "loadgen.gate";
const EXPECTATION_CLASS: &str = "loadgen.expect";
const VERDICT_CLASS: &str = "loadgen.run";
const VERDICT_NAME: &str = "verdict";

/// Writes the report as JUnit XML.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write(out: impl Write, report: &RunReport) -> io::Result<()> {
    let cases = cases(report);
    let number = |wanted: fn(&Outcome) -> bool| cases.iter().filter(|case| wanted(&case.outcome)).count().to_string();
    let totals = [
        ("name", "loadgen".to_owned()),
        ("tests", cases.len().to_string()),
        ("failures", number(|outcome| matches!(outcome, Outcome::Failure(_)))),
        ("errors", number(|outcome| matches!(outcome, Outcome::Error(_)))),
        ("time", format!("{:.3}", report.run.measured_s)),
    ];
    let mut suite = totals.clone().to_vec();
    suite[0].1 = format!("loadgen.{}", report.run.name);
    suite.extend([("skipped", "0".to_owned()), ("timestamp", report.run.started_at.clone())]);

    let mut xml = Writer::new_with_indent(out, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    element(&mut xml, "testsuites", &totals).write_inner_content(|xml| {
        element(xml, "testsuite", &suite).write_inner_content(|xml| {
            element(xml, "properties", &[]).write_inner_content(|xml| write_properties(xml, report))?;
            cases.iter().try_for_each(|case| write_case(xml, case))
        })?;
        Ok(())
    })?;
    writeln!(xml.get_mut())
}

/// How a case ended, with what CI shows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Pass,
    Failure(String),
    Error(String),
}

struct Case {
    class: &'static str,
    name: String,
    outcome: Outcome,
    details: String,
}

fn cases(report: &RunReport) -> Vec<Case> {
    let gates = report.gates.iter().map(gate_case);
    gates.chain(report.expectations.iter().map(expectation_case)).chain([verdict_case(report)]).collect()
}

fn gate_case(gate: &GateResult) -> Case {
    let measured = gate.measured().map(|value| format!("measured {value}"));
    let message = [measured, gate.reason.clone()].into_iter().flatten().collect::<Vec<_>>().join("; ");
    let outcome = match gate.result {
        GateOutcome::Pass => Outcome::Pass,
        GateOutcome::Fail => Outcome::Failure(message),
        GateOutcome::Unevaluated => Outcome::Error(message),
    };
    let samples = gate.samples.map(|samples| figures::counted(samples, "sample"));
    let details = [Some(gate.rule.clone()), samples].into_iter().flatten().collect::<Vec<_>>().join("\n");
    let name = gate.name.as_ref().map_or_else(|| gate.rule.clone(), |name| format!("{name}: {}", gate.rule));
    Case { class: GATE_CLASS, name, outcome, details }
}

fn expectation_case(report: &ExpectReport) -> Case {
    let outcome = match (report.violation(), report.unsaid()) {
        (Some(violation), _) => Outcome::Failure(violation),
        (None, Some(why)) => Outcome::Error(why),
        (None, None) => Outcome::Pass,
    };
    let scores = report.scores.iter().flat_map(ScoresReport::lines);
    let details = [report.sentence.clone(), report.line()].into_iter().chain(report.explanation()).chain(scores);
    let details = details.collect::<Vec<_>>().join("\n");
    Case { class: EXPECTATION_CLASS, name: report.name.clone(), outcome, details }
}

fn verdict_case(report: &RunReport) -> Case {
    let verdict = &report.verdict;
    let message = || verdict.reasons.first().cloned().unwrap_or_else(|| verdict.name.clone());
    let outcome = match ExitCode::from_code(verdict.code) {
        Some(ExitCode::Pass) => Outcome::Pass,
        Some(ExitCode::GateFailed | ExitCode::CorrectnessViolated) => Outcome::Failure(message()),
        _ => Outcome::Error(message()),
    };
    let details = verdict.reasons.join("\n");
    Case { class: VERDICT_CLASS, name: VERDICT_NAME.to_owned(), outcome, details }
}

fn write_properties<W: Write>(xml: &mut Writer<W>, report: &RunReport) -> io::Result<()> {
    let run = &report.run;
    for (name, value) in [
        ("loadgen.version", report.tool.version.clone()),
        ("librdkafka.version", report.tool.librdkafka.clone()),
        ("run.id", run.id.clone()),
        ("run.source", run.source.clone()),
        ("run.schedule", run.schedule.clone()),
        ("run.seed", run.seed.map_or_else(String::new, |seed| seed.to_string())),
        ("run.embedded_broker", run.embedded.to_string()),
        ("scheduled", report.ledger.scheduled.to_string()),
        ("verdict.code", report.verdict.code.to_string()),
        ("verdict.name", report.verdict.name.clone()),
    ] {
        element(xml, "property", &[("name", name.to_owned()), ("value", value)]).write_empty()?;
    }
    Ok(())
}

fn write_case<W: Write>(xml: &mut Writer<W>, case: &Case) -> io::Result<()> {
    let attributes = [("classname", case.class.to_owned()), ("name", case.name.clone()), ("time", "0".to_owned())];
    let testcase = element(xml, "testcase", &attributes);
    let (tag, message) = match &case.outcome {
        Outcome::Pass => return testcase.write_empty().map(drop),
        Outcome::Failure(message) => ("failure", message),
        Outcome::Error(message) => ("error", message),
    };
    let inside = [("message", message.clone()), ("type", case.class.to_owned())];
    let details = printable(&case.details);
    testcase
        .write_inner_content(|xml| element(xml, tag, &inside).write_text_content(BytesText::new(&details)).map(drop))
        .map(drop)
}

/// An element, without what XML cannot hold in its attributes.
fn element<'a, W: Write>(xml: &'a mut Writer<W>, tag: &'a str, attributes: &[(&str, String)]) -> ElementWriter<'a, W> {
    let add = |element: ElementWriter<'a, W>, (name, value): &(&str, String)| {
        element.with_attribute((*name, printable(value).as_str()))
    };
    attributes.iter().fold(xml.create_element(tag), add)
}

/// Without the characters that XML 1.0 cannot hold, not even escaped (section 2.2).
fn printable(text: &str) -> String {
    let held = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
    text.chars().map(|c| if held(c) { c } else { '\u{FFFD}' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        gate::{
            GateConfig, Gates, Names,
            sample::{healthy, summary, with_class},
        },
        ledger::Class,
        verdict::{Conditions, judge},
    };

    fn text(report: &RunReport) -> String {
        let mut out = Vec::new();
        write(&mut out, report).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn judged(mut report: RunReport, rules: &[&str], conditions: &Conditions) -> RunReport {
        let configs: Vec<_> = rules.iter().map(|rule| GateConfig::of_rule(*rule)).collect();
        let gates = Gates::new(&configs, &[], &Names::of(&report)).unwrap();
        report.gates = gates.evaluate(&report);
        report.verdict = judge(&report, &gates, conditions);
        report
    }

    #[test]
    fn each_gate_is_a_case_and_so_is_the_verdict() {
        let mut report = with_class(healthy(), Class::Lost, 17);
        report.latency_us.response_time.count = 20_000;
        let rules = ["response_time.p99 < 10ms", "response_time.p9999 < 1s", "offered.achieved >= 99%"];
        insta::assert_snapshot!(text(&judged(report, &rules, &Conditions::default())));
    }

    #[test]
    fn nothing_is_ever_skipped_and_an_interrupted_run_is_not_green() {
        let mut invalid = healthy();
        invalid.latency_us.lateness = Some(summary(40_000));
        let is_an_error = |report: RunReport, conditions: &Conditions| {
            let text = text(&judged(report, &["response_time.p99 < 250ms"], conditions));
            assert!(!text.contains("<skipped"), "{text}");
            assert!(text.contains("<error"), "{text}");
        };
        is_an_error(invalid, &Conditions::default());
        is_an_error(healthy(), &Conditions { interrupted: true, ..Conditions::default() });
        is_an_error(RunReport::default(), &Conditions::default());
        assert!(!text(&judged(healthy(), &[], &Conditions::default())).contains("<error"));
    }

    #[test]
    fn an_expectation_is_a_case_of_its_own() {
        let cases = [
            (ExpectReport { expected: 2, right: 1, wrong: 1, ..ExpectReport::default() }, "<failure"),
            (ExpectReport { expected: 2, right: 1, undecided: 1, ..ExpectReport::default() }, "<error"),
        ];
        for (expectation, element) in cases {
            let expectations = vec![ExpectReport { name: "by-type".into(), ..expectation }];
            let text = text(&judged(RunReport { expectations, ..healthy() }, &[], &Conditions::default()));
            let (_, case) = text.split_once("loadgen.expect").unwrap();
            assert!(case.split_once("</testcase>").unwrap().0.contains(element), "{text}");
        }
    }

    #[test]
    fn what_xml_cannot_hold_is_replaced_and_the_rest_escaped() {
        let mut report = judged(healthy(), &[], &Conditions::default());
        report.run.name = "a<b>&\"c\"\u{1}\u{FFFF}".into();
        let text = text(&report);
        assert!(text.contains("loadgen.a&lt;b&gt;&amp;&quot;c&quot;\u{FFFD}\u{FFFD}"), "{text}");
    }
}
