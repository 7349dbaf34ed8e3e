//! The verdict in a word, and why in one sentence that a ticket can quote.

use crate::{
    ledger::Class,
    report::{
        Example, GateOutcome, GateResult, RunReport,
        accounts::{Account, Standing, accounts, total},
        figures::{count, duration_us, events, gate_value, rate, span_s},
    },
};

/// The verdict in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Nothing was wrong, and enough was measured to say so.
    Pass,
    /// Events were lost, damaged, doubled or reordered where that must not happen.
    Violation,
    /// The generator was the limit: the figures say nothing about the cluster.
    Invalid,
    /// A gate failed.
    Fail,
    /// A gate could not be evaluated.
    Unevaluated,
    /// The fate of some events is not known.
    Unknown,
    /// Stopped before its end.
    Interrupted,
    /// Input or configuration was bad: nothing was measured.
    Error,
}

impl Word {
    /// The word of a report.
    #[must_use]
    pub fn of(report: &RunReport) -> Self {
        match report.verdict.code {
            0 => Self::Pass,
            3 => Self::Violation,
            4 if gate_with(report, GateOutcome::Unevaluated).is_some() => Self::Unevaluated,
            4 | 6 => Self::Unknown,
            5 => Self::Invalid,
            99 => Self::Fail,
            130 => Self::Interrupted,
            _ => Self::Error,
        }
    }

    /// As it is printed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Violation => "VIOLATION",
            Self::Invalid => "INVALID",
            Self::Fail => "FAIL",
            Self::Unevaluated => "UNEVALUATED",
            Self::Unknown => "UNKNOWN",
            Self::Interrupted => "INTERRUPTED",
            Self::Error => "ERROR",
        }
    }
}

/// Why the verdict is what it is: the first of its reasons, else what the figures say.
#[must_use]
pub fn sentence(report: &RunReport) -> String {
    if let Some(reason) = report.verdict.reasons.first() {
        return reason.clone();
    }
    match Word::of(report) {
        Word::Pass => passed(report),
        Word::Violation => violated(report),
        Word::Invalid => invalid(report),
        Word::Fail => failed(report),
        Word::Unevaluated => gate_with(report, GateOutcome::Unevaluated).map_or_else(String::new, outcome_of),
        Word::Unknown => unknown(report),
        Word::Interrupted => interrupted(report),
        Word::Error => code_of(report),
    }
}

fn passed(report: &RunReport) -> String {
    let ledger = &report.ledger;
    if ledger.scheduled == 0 {
        return "nothing was scheduled".to_owned();
    }
    let scheduled = count(ledger.scheduled);
    if ledger.verified == ledger.scheduled {
        return format!("{scheduled} scheduled, every one verified");
    }
    if ledger.unverified == ledger.scheduled {
        return format!("{scheduled} scheduled, every one acked; nothing was read back to verify it");
    }
    format!("{scheduled} scheduled: {}", classes(report, |_| true))
}

fn violated(report: &RunReport) -> String {
    let broken = accounts(&report.ledger).into_iter().filter(|account| account.standing == Standing::Violation);
    let Some(worst) = broken.filter(|account| account.count > 0).max_by_key(|account| account.count) else {
        let findings = &report.findings;
        return format!("{} duplicates, {} reordered", count(findings.duplicates), count(findings.reordered));
    };
    let examples = report.findings.examples.get(worst.class.as_str()).map_or(&[][..], Vec::as_slice);
    let place = place_of(examples).map_or_else(String::new, |place| format!(" ({place})"));
    let never =
        if worst.class == Class::Lost && acks_all(report) { " With acks=all this must not happen." } else { "" };
    format!("{} {}: {}{place}.{never}", events(worst.count), worst.class.as_str(), worst.meaning)
}

/// The partition and the offsets that the examples span, where they are in one partition.
fn place_of(examples: &[Example]) -> Option<String> {
    let partition = examples.first()?.partition?;
    if examples.iter().any(|example| example.partition != Some(partition)) {
        return None;
    }
    let offsets: Option<Vec<u64>> =
        examples.iter().map(|example| example.offset.and_then(|offset| u64::try_from(offset).ok())).collect();
    let offsets = offsets?;
    let (first, last) = (offsets.iter().min()?, offsets.iter().max()?);
    Some(if first == last {
        format!("partition {partition}, offset {}", count(*first))
    } else {
        format!("partition {partition}, offsets {} … {}", count(*first), count(*last))
    })
}

fn acks_all(report: &RunReport) -> bool {
    let acks = report.environment.client_config.get("acks").map(String::as_str);
    matches!(acks, Some("all" | "-1"))
}

fn invalid(report: &RunReport) -> String {
    let offered = report
        .offered
        .rate_per_s
        .map(|planned| format!("it offered {} of {}", rate(report.offered.achieved_rate_per_s), rate(planned)));
    let late = report.latency_us.lateness.and_then(|lateness| lateness.p99);
    let late = late.map(|late| format!("lateness p99 {}", duration_us(late)));
    let evidence: Vec<_> = offered.into_iter().chain(late).collect();
    let evidence = if evidence.is_empty() { String::new() } else { format!(": {}", evidence.join(", ")) };
    format!("the generator was the limit{evidence}. These figures say nothing about Kafka.")
}

fn failed(report: &RunReport) -> String {
    let failing = report.gates.iter().filter(|gate| gate.result == GateOutcome::Fail).count();
    let Some(gate) = gate_with(report, GateOutcome::Fail) else { return code_of(report) };
    format!("{failing} of {} gates: {}", report.gates.len(), outcome_of(gate))
}

fn outcome_of(gate: &GateResult) -> String {
    let value = gate.value.map_or_else(String::new, |value| format!(", measured {}", gate_value(&gate.rule, value)));
    let reason = gate.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
    format!("{}{value}{reason}", gate.rule)
}

fn unknown(report: &RunReport) -> String {
    let undecided = total(&report.ledger, Standing::Undecided);
    if undecided == 0 {
        return code_of(report);
    }
    let what = classes(report, |account| account.standing == Standing::Undecided);
    format!("{} neither good nor lost: {what}", events(undecided))
}

fn interrupted(report: &RunReport) -> String {
    let after = span_s(report.run.measured_s);
    format!(
        "stopped after {after}, before its end: {} scheduled, {}",
        count(report.ledger.scheduled),
        classes(report, |_| true)
    )
}

fn code_of(report: &RunReport) -> String {
    format!("{} (exit code {})", report.verdict.name, report.verdict.code)
}

fn classes(report: &RunReport, wanted: impl Fn(&Account) -> bool) -> String {
    let parts: Vec<_> = accounts(&report.ledger)
        .iter()
        .filter(|account| account.count > 0 && wanted(account))
        .map(|account| format!("{} {}", count(account.count), account.class.as_str()))
        .collect();
    parts.join(", ")
}

fn gate_with(report: &RunReport, outcome: GateOutcome) -> Option<&GateResult> {
    report.gates.iter().find(|gate| gate.result == outcome)
}
