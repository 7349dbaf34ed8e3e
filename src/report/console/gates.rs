//! The gates: those that did not pass one by one with their reasons, the others on one line.

use super::page::{Ink, Page, unbroken};
use crate::report::{
    GateOutcome, GateResult, RunReport,
    figures::{self, gate_value},
};

/// The section of the gates.
pub(super) fn section(page: &mut Page, report: &RunReport) {
    if report.gates.is_empty() {
        page.row("gates", "none");
        return;
    }
    let of = |outcome: GateOutcome| report.gates.iter().filter(move |gate| gate.result == outcome);
    let (passed, failed, unevaluated) =
        (of(GateOutcome::Pass).count(), of(GateOutcome::Fail).count(), of(GateOutcome::Unevaluated).count());
    let mut counts = vec![format!("{passed} of {} passed", report.gates.len())];
    if failed > 0 {
        counts.push(format!("{failed} failed"));
    }
    if unevaluated > 0 {
        counts.push(format!("{unevaluated} unevaluated"));
    }
    let summary = counts.join(", ");
    let own = own_rules(report);
    page.row("gates", &if own.is_empty() { summary } else { format!("{summary}      {}", unbroken(&own)) });
    for gate in of(GateOutcome::Fail) {
        page.paragraph(3, &line_of("FAIL       ", gate), Ink::Bad);
    }
    for gate in of(GateOutcome::Unevaluated) {
        page.paragraph(3, &line_of("UNEVALUATED", gate), Ink::Warning);
    }
}

/// The rules that were asked for and hold; the built-in ones are only counted.
fn own_rules(report: &RunReport) -> Vec<String> {
    let own = report.gates.iter().filter(|gate| gate.result == GateOutcome::Pass && !gate.built_in);
    own.map(|gate| match gate.value {
        Some(value) => format!("{} ({})", gate.rule, gate_value(&gate.rule, value)),
        None => gate.rule.clone(),
    })
    .collect()
}

fn line_of(word: &str, gate: &GateResult) -> String {
    let value = gate.value.map(|value| format!("measured {}", gate_value(&gate.rule, value)));
    let samples = gate.samples.map(|samples| format!("over {} samples", figures::count(samples)));
    let measured: Vec<_> = value.into_iter().chain(samples).collect();
    let reason = gate.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{word}  {}   {}{reason}", gate.rule, measured.join(" "))
}
