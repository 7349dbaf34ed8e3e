//! A summary in Markdown, for `$GITHUB_STEP_SUMMARY` and pull requests. Bounded: GitHub takes 1 MiB a step, a reader far less.

use std::io::{self, Write};

use crate::figures::{self, count, counted, duration_s, duration_us, rate};
use crate::ledger::Class;
use crate::report::{
    GateOutcome, GateResult, RunReport,
    exit_code::ExitCode,
    latency::{Kind, Quantile},
    reading::Reading,
};

/// Rows shown of each list; what is left out is counted.
const SHOWN: usize = 30;
/// Characters shown of one text.
const TEXT: usize = 500;

/// Writes the summary of a run.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write(mut out: impl Write, report: &RunReport) -> io::Result<()> {
    let out = &mut out;
    let verdict = &report.verdict;
    let code = ExitCode::from_code(verdict.code);
    let mark = if code == Some(ExitCode::Pass) { "✅" } else { "❌" };
    writeln!(out, "### {mark} loadgen `{}`: {}\n", code_span(&report.run.name), text(&verdict.name))?;
    match super::console::stand_in_notice(report) {
        Some(super::console::NOWHERE_NOTICE) => {
            writeln!(out, "> Nowhere: no broker at all, figures are this generator's only.\n")?;
        }
        Some(_) => writeln!(out, "> Embedded broker: not Kafka, figures are this client's only.\n")?,
        None => {}
    }
    write_list(out, "", &verdict.reasons)?;
    write_list(out, "Note: ", &verdict.notes)?;
    if let Some(reading) = report.reading.as_ref().filter(|_| report.is_alone()) {
        write_reading(out, report, reading)?;
    } else {
        write_offered(out, report)?;
        write_ledger(out, report)?;
    }
    write_latencies(out, report)?;
    write_gates(out, &report.gates)?;
    let seed = report.run.seed.map_or_else(String::new, |seed| format!(" seed {seed},"));
    writeln!(out, "Run `{}`,{seed} loadgen {}.", code_span(&report.run.id), text(&report.tool.version))
}

fn write_list(out: &mut impl Write, lead: &str, items: &[String]) -> io::Result<()> {
    for item in items.iter().take(SHOWN) {
        writeln!(out, "- {lead}{}", text(item))?;
    }
    write_rest(out, items.len())?;
    if items.is_empty() { Ok(()) } else { writeln!(out) }
}

fn write_rest(out: &mut impl Write, all: usize) -> io::Result<()> {
    if all > SHOWN { writeln!(out, "\n… and {} more", all - SHOWN) } else { Ok(()) }
}

fn write_offered(out: &mut impl Write, report: &RunReport) -> io::Result<()> {
    let offered = &report.offered;
    write!(out, "{} scheduled in {}", counted(offered.scheduled, "event"), duration_s(report.run.measured_s))?;
    if let (Some(planned), Some(percent)) = (offered.rate_per_s, offered.achieved_percent) {
        write!(out, ", {} planned, {} % achieved", rate(planned), figures::percent(percent))?;
    } else {
        write!(out, ", {}", rate(offered.achieved_rate_per_s))?;
    }
    writeln!(out, ".\n")
}

fn write_reading(out: &mut impl Write, report: &RunReport, reading: &Reading) -> io::Result<()> {
    let findings = &report.findings;
    let known = |number: Option<u64>| number.map_or_else(|| "not known".to_owned(), count);
    writeln!(
        out,
        "{} read in {}, {} of {} among them, missing {}, lag {}.\n",
        counted(reading.records, "record"),
        duration_s(report.run.measured_s),
        counted(reading.events, "event"),
        counted(reading.lane_count, "lane"),
        known(reading.missing),
        known(reading.lag),
    )?;
    writeln!(
        out,
        "Duplicates {}, reordered {}, invalid {}, foreign {}.\n",
        count(findings.duplicates),
        count(findings.reordered),
        count(findings.invalid),
        count(findings.foreign),
    )
}

fn write_ledger(out: &mut impl Write, report: &RunReport) -> io::Result<()> {
    let findings = &report.findings;
    writeln!(out, "| class | events |\n|---|---:|")?;
    for (class, events) in report.ledger.classes() {
        if events > 0 || class == Class::Lost {
            writeln!(out, "| {} | {} |", class.as_str(), count(events))?;
        }
    }
    writeln!(out, "| **sum** of {} scheduled | **{}** |", count(report.ledger.scheduled), count(report.ledger.sum()))?;
    writeln!(
        out,
        "\nDuplicates {}, reordered {}, invalid {}, foreign {}.\n",
        count(findings.duplicates),
        count(findings.reordered),
        count(findings.invalid),
        count(findings.foreign),
    )
}

fn write_latencies(out: &mut impl Write, report: &RunReport) -> io::Result<()> {
    write!(out, "| latency |")?;
    for quantile in Quantile::ALL {
        write!(out, " {} |", quantile.as_str())?;
    }
    writeln!(out, " max | samples |\n|---|{}---:|---:|", "---:|".repeat(Quantile::ALL.len()))?;
    for latency in Kind::ALL {
        let Some(summary) = latency.of(&report.latency_us) else { continue };
        write!(out, "| {} |", latency.as_str())?;
        for us in Quantile::ALL.into_iter().map(|quantile| quantile.of(summary)).chain([summary.max]) {
            let bounded = |us: u64| match summary.at_most(us) {
                Some(most) => ("≤ ", most),
                None => (if summary.bound_at(us).is_some() { "≥ " } else { "" }, us),
            };
            let shown = us.map(bounded).map(|(bound, us)| format!("{bound}{}", duration_us(us)));
            let shown = shown.unwrap_or_else(|| "–".to_owned());
            write!(out, " {shown} |")?;
        }
        writeln!(out, " {} |", count(summary.count))?;
    }
    writeln!(out)
}

fn write_gates(out: &mut impl Write, gates: &[GateResult]) -> io::Result<()> {
    let own: Vec<&GateResult> = gates.iter().filter(|gate| !gate.built_in).collect();
    let wrong = gates.iter().filter(|gate| gate.built_in && gate.result != GateOutcome::Pass);
    let shown: Vec<&GateResult> = own.into_iter().chain(wrong).collect();
    if shown.is_empty() {
        return Ok(());
    }
    writeln!(out, "| gate | result | measured | |\n|---|---|---:|---|")?;
    for gate in shown.iter().take(SHOWN) {
        let result = match gate.result {
            GateOutcome::Pass => "✅ pass",
            GateOutcome::Fail => "❌ **fail**",
            GateOutcome::Unevaluated => "❔ **unevaluated**",
        };
        let name = gate.name.as_ref().map_or_else(String::new, |name| format!("{}: ", text(name)));
        let measured = gate.measured().unwrap_or_default();
        let reason = gate.reason.as_deref().map(text).unwrap_or_default();
        writeln!(out, "| {name}`{}` | {result} | {measured} | {reason} |", code_span(&gate.rule))?;
    }
    write_rest(out, shown.len())?;
    writeln!(out)
}

/// Text that is shown as it is, in one line, also within a table.
fn text(raw: &str) -> String {
    let mut shown = String::new();
    for c in shortened(raw).chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~' | '&' | '@' => {
                shown.push('\\');
                shown.push(c);
            }
            c if c.is_control() => shown.push(' '),
            c => shown.push(c),
        }
    }
    shown
}

/// Text within back-ticks: no character needs an escape there but the back-tick and, in a table, the bar.
fn code_span(raw: &str) -> String {
    let plain = |c: char| if c.is_control() || c == '`' { ' ' } else { c };
    shortened(raw).chars().map(plain).collect::<String>().replace('|', "\\|")
}

fn shortened(raw: &str) -> String {
    if raw.chars().count() <= TEXT { raw.to_owned() } else { raw.chars().take(TEXT).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        gate::{
            GateConfig, Gates, Names,
            sample::{healthy, with_class},
        },
        report::Verdict,
        verdict::{Conditions, judge},
    };

    fn summary(report: &RunReport) -> String {
        let mut out = Vec::new();
        write(&mut out, report).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn judged(mut report: RunReport, rules: &[&str]) -> RunReport {
        let configs: Vec<_> = rules.iter().map(|rule| GateConfig::of_rule(*rule)).collect();
        let gates = Gates::new(&configs, &[], &Names::of(&report)).unwrap();
        report.gates = gates.evaluate(&report);
        report.verdict = judge(&report, &gates, &Conditions::default());
        report
    }

    #[test]
    fn a_summary_tells_verdict_ledger_latencies_and_gates() {
        let mut report = with_class(healthy(), Class::Lost, 17);
        report.latency_us.response_time.censored = 300;
        report.latency_us.response_time.censored_from = Some(13_000);
        report.latency_us.end_to_end.as_mut().unwrap().p9999 = None;
        insta::assert_snapshot!(summary(&judged(report, &["response_time.p99 < 10ms", "lost == 0"])));
    }

    #[test]
    fn text_of_others_cannot_break_out_of_its_place() {
        let verdict = Verdict { reasons: vec!["a | b\n# c <img> `d` @e".into()], ..Verdict::default() };
        let mut report = RunReport { verdict, ..RunReport::default() };
        report.run.name = "x`y|z".into();
        let summary = summary(&report);
        assert!(summary.contains("- a \\| b \\# c \\<img\\> \\`d\\` \\@e\n"), "{summary}");
        assert!(summary.contains("`x y\\|z`"), "{summary}");
    }

    #[test]
    fn a_summary_stays_small_whatever_happened() {
        let verdict = Verdict { reasons: vec!["x".repeat(100_000); 1_000], ..Verdict::default() };
        let gate = GateResult { rule: "y".repeat(100_000), reason: Some("z".repeat(100_000)), ..GateResult::default() };
        let report = RunReport { verdict, gates: vec![gate; 1_000], ..RunReport::default() };
        let summary = summary(&report);
        assert!(summary.len() < 100_000, "{}", summary.len());
        assert!(summary.contains("… and 970 more"));
    }
}
