//! The gates: those that did not pass one by one with their reasons, the others on one line.

use super::page::{Ink, Page, unbroken};
use crate::figures;
use crate::report::{GateOutcome, GateResult, RunReport};

/// The section of the gates.
pub(super) fn section(page: &mut Page, report: &RunReport) {
    if report.gates.is_empty() {
        page.row("gates", "none");
        return;
    }
    let of = |outcome: GateOutcome| report.gates.iter().filter(move |gate| gate.result == outcome);
    let summary = [counts(report, false), counts(report, true).map(|counts| format!("built in {counts}"))];
    let summary = summary.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let own = own_rules(report);
    page.row("gates", &if own.is_empty() { summary } else { format!("{summary}      {}", unbroken(&own)) });
    for gate in of(GateOutcome::Fail) {
        page.paragraph(3, &line_of("FAIL       ", gate, report), Ink::Bad);
    }
    for gate in of(GateOutcome::Unevaluated) {
        page.paragraph(3, &line_of("UNEVALUATED", gate, report), Ink::Warning);
    }
}

/// `2 of 3 passed`; `None` where there are no such gates.
fn counts(report: &RunReport, built_in: bool) -> Option<String> {
    let gates: Vec<_> = report.gates.iter().filter(|gate| gate.built_in == built_in).collect();
    let passed = gates.iter().filter(|gate| gate.result == GateOutcome::Pass).count();
    (!gates.is_empty()).then(|| format!("{passed} of {} passed", gates.len()))
}

/// The rules that were asked for and hold; the built-in ones are only counted.
fn own_rules(report: &RunReport) -> Vec<String> {
    let own = report.gates.iter().filter(|gate| gate.result == GateOutcome::Pass && !gate.built_in);
    own.map(|gate| match gate.measured() {
        Some(value) => format!("{} ({value})", title(gate)),
        None => title(gate),
    })
    .collect()
}

fn title(gate: &GateResult) -> String {
    gate.name.as_ref().map_or_else(|| gate.rule.clone(), |name| format!("{name}: {}", gate.rule))
}

/// A gate with its value, and with its reason where the verdict has not said it.
fn line_of(word: &str, gate: &GateResult, report: &RunReport) -> String {
    let value = gate.measured().map(|value| format!("measured {value}"));
    let samples = gate.samples.map(|samples| format!("over {}", figures::counted(samples, "sample")));
    let said = |reason: &String| report.verdict.reasons.iter().any(|said| said.contains(reason));
    let reason = gate.reason.clone().filter(|reason| !said(reason));
    let parts: Vec<_> = value.into_iter().chain(samples).chain(reason).collect();
    format!("{word}  {}   {}", title(gate), parts.join(", "))
}
