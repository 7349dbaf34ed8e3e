//! The verdict: how a run ended, as one exit code with its reasons, the most important first.

pub use crate::report::exit_code::ExitCode;

use crate::figures;
use crate::gate::{Allowances, BuiltIn, Gates, Integrity, integrity::Anomaly};
use crate::report::client_errors;
use crate::report::{
    ExpectReport, FaultReport, GateOutcome, GateResult, MirrorFailure, Ruling, RunReport, Transactions, Verdict,
    by_hand,
};

const STAMPLESS: &str = "records had no stamp (--stamp none): acks are counted, and nothing was read back. loadgen verify --recording FILE tells what is lost, \
    doubled, changed or reordered; which of several writers wrote a record, and how long it took, nothing tells.";

const KNOWN_BY_PLACE: &str = "records had no stamp (--stamp none): each was known by the place at which it was acked, and by a hash of key, value and headers. So no end-to-end \
    time is shorter than the ack; a record of another writer with the bytes of an event that had no answer counts as that event, and a further copy of an event counts \
    as another writer's where 262,144 others lie between.";

/// What befell the run beside what its report counts. Each text is one sentence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conditions {
    /// The user stopped it.
    pub interrupted: bool,
    /// The cluster could not be used: no connection, a time-out, a missing topic, a missing right.
    pub cluster_error: Option<String>,
    /// The input data is bad.
    pub bad_input: Option<String>,
    /// The configuration turned out to be invalid.
    pub bad_configuration: Option<String>,
    /// A gate ended the run, with its result of that moment: it has failed, whatever the figures became until the end.
    pub aborted_by: Option<GateResult>,
}

/// The verdict on a run. `report.gates` holds the results of `gates`, see [`Gates::evaluate`]; a result that is missing
/// there counts as unevaluated.
#[must_use]
pub fn judge(report: &RunReport, gates: &Gates, conditions: &Conditions) -> Verdict {
    let mut findings = Findings::default();
    findings.add_conditions(report, conditions);
    findings.add_integrity(report, gates);
    findings.add_built_ins(report, gates);
    findings.add_gates(report, gates, conditions);
    findings.into_verdict()
}

/// Reasons with the code that each stands for.
#[derive(Debug, Default)]
struct Findings {
    reasons: Vec<(ExitCode, String)>,
    notes: Vec<String>,
    rulings: Vec<Ruling>,
}

impl Findings {
    fn add(&mut self, code: ExitCode, reason: impl Into<String>) {
        self.reasons.push((code, reason.into()));
    }

    fn add_conditions(&mut self, report: &RunReport, conditions: &Conditions) {
        for (code, reason) in [
            (ExitCode::BadInput, &conditions.bad_input),
            (ExitCode::BadConfiguration, &conditions.bad_configuration),
            (ExitCode::Cluster, &conditions.cluster_error),
        ] {
            if let Some(reason) = reason {
                self.add(code, reason.clone());
            }
        }
        self.notes.extend(report.replay.iter().filter_map(|replay| replay.left_out.warning()));
        let is_stampless = report.replay.as_ref().is_some_and(|replay| replay.stampless)
            || report.mirrored.as_ref().is_some_and(|mirrored| mirrored.stampless);
        if is_stampless {
            self.notes.push(if report.ledger.unverified > 0 { STAMPLESS } else { KNOWN_BY_PLACE }.to_owned());
        }
        self.add_mirrored(report);
        if let Some(broken) = report.collected.as_ref().and_then(|collected| collected.broken(&report.ledger)) {
            self.add(ExitCode::RunInvalid, format!("what was collected does not sum: {broken}"));
        }
        self.notes.extend(by_hand::sentence(&report.run.rate_changes, report.run.measured_s));
        for failure in report.faults.iter().filter_map(FaultReport::failure) {
            self.add(ExitCode::Unevaluated, format!("{failure}: what it was to show was not tested"));
        }
        if conditions.interrupted || report.run.interrupted {
            self.add(ExitCode::Interrupted, "interrupted before its end; what was sent until then is judged");
        }
    }

    /// What is wrong with what was read to be sent.
    fn add_mirrored(&mut self, report: &RunReport) {
        let Some(mirrored) = &report.mirrored else { return };
        match &mirrored.failure {
            Some(MirrorFailure::Cluster(why)) => self.add(ExitCode::Cluster, format!("reading ended: {why}")),
            Some(MirrorFailure::Data(why)) => self.add(ExitCode::BadInput, format!("reading ended: {why}")),
            None => {}
        }
        let missing = |class: &str| mirrored.missing.get(class).copied().unwrap_or(0);
        if missing("missed") > 0 {
            let missed = figures::counted(missing("missed"), "record");
            self.add(ExitCode::CorrectnessViolated, format!("{missed} of the topics were there, and not read"));
        }
        if missing("unknown") > 0 {
            let unknown = figures::counted(missing("unknown"), "offset");
            self.add(ExitCode::Unevaluated, format!("{unknown} of the topics were not read, for an unknown reason"));
        }
        if let Some(broken) = mirrored.broken() {
            self.add(ExitCode::RunInvalid, format!("the mirror's ledger does not sum: {broken}"));
        }
    }

    /// Straight from ledger and findings, so that no missing gate result hides a violation.
    fn add_integrity(&mut self, report: &RunReport, gates: &Gates) {
        let integrity = Integrity::of(report, &Allowances::of(report));
        self.rulings = integrity.rulings().collect();
        let judged = gates.is_on(BuiltIn::NoViolation);
        for (code, anomalies) in
            [(ExitCode::CorrectnessViolated, &integrity.violations), (ExitCode::Unevaluated, &integrity.undecided)]
        {
            for Anomaly { sentence, .. } in anomalies {
                if judged {
                    self.add(code, sentence.clone());
                } else {
                    self.notes.push(format!("not judged (no_violation is off): {sentence}"));
                }
            }
        }
        self.notes.extend(integrity.allowed.into_iter().map(|anomaly| anomaly.sentence));
        self.add_expectations(report, gates);
        if gates.is_on(BuiltIn::LedgerSums) {
            for broken in integrity.sums {
                self.add(ExitCode::RunInvalid, broken);
            }
        }
        match &report.reading {
            Some(reading) if report.is_alone() => {
                if let Some(why) = reading.unsaid(&report.run.id) {
                    self.add(ExitCode::Unevaluated, why);
                }
            }
            _ if report.ledger.scheduled == 0 && !report.is_alone() => {
                self.add(ExitCode::Unevaluated, "nothing was scheduled, so nothing can be said");
            }
            _ => {}
        }
    }

    fn add_expectations(&mut self, report: &RunReport, gates: &Gates) {
        for expectation in &report.expectations {
            let found = [
                (ExitCode::CorrectnessViolated, expectation.violation()),
                (ExitCode::Unevaluated, expectation.unsaid()),
            ];
            for (code, sentence) in found {
                match sentence {
                    Some(sentence) if gates.is_on(BuiltIn::ExpectationsMet) => self.add(code, format!("{sentence}.")),
                    Some(sentence) => self.notes.push(format!("not judged (expectations_met is off): {sentence}.")),
                    None => {}
                }
            }
            self.notes.extend(expectation.allowed().map(|sentence| format!("{sentence}.")));
        }
        self.add_explanations(&report.expectations);
    }

    /// What explains what is wrong, once for all expectations that it explains.
    fn add_explanations(&mut self, expectations: &[ExpectReport]) {
        let mut explained: Vec<(String, Vec<&str>)> = Vec::new();
        for (name, why) in expectations.iter().filter_map(|of| Some((of.name.as_str(), of.explanation()?))) {
            match explained.iter_mut().find(|(known, _)| *known == why) {
                Some((_, names)) => names.push(name),
                None => explained.push((why, vec![name])),
            }
        }
        let told = |(why, names): (String, Vec<&str>)| format!("what explains all of {}: {why}.", names.join(", "));
        self.notes.extend(explained.into_iter().map(told));
    }

    fn add_built_ins(&mut self, report: &RunReport, gates: &Gates) {
        let (mut limits, mut failed) = (Vec::new(), Vec::new());
        for finding in crate::gate::health::checks(report, &gates.limits) {
            if !gates.is_on(finding.check) || report.ledger.scheduled == 0 {
                continue;
            }
            match (finding.outcome, finding.reason) {
                (GateOutcome::Pass, _) => {}
                (GateOutcome::Fail, reason) => {
                    failed.push(finding.check);
                    limits.push(reason.unwrap_or_else(|| finding.check.to_string()));
                }
                (GateOutcome::Unevaluated, reason) => {
                    let reason = reason.unwrap_or_default();
                    self.add(ExitCode::Unevaluated, format!("{}: {reason}", finding.check));
                }
            }
        }
        if !limits.is_empty() {
            let how = limits.join("; ");
            self.add(
                ExitCode::RunInvalid,
                format!("the generator was the limit: {how}. These figures say nothing about Kafka."),
            );
            self.notes.extend(crate::gate::health::way_on(&failed, report));
        }
        if gates.is_on(BuiltIn::NothingRefused) && report.ledger.refused > 0 {
            let refused = figures::counted(report.ledger.refused, "event");
            let why = client_errors::why_refused(report).map_or_else(String::new, |why| format!(": {why}"));
            self.add(ExitCode::GateFailed, format!("{refused} refused, proven not written (nothing_refused){why}"));
        }
        match report.transactions.as_ref().and_then(Transactions::forced) {
            Some(forced) if gates.is_on(BuiltIn::NoForcedAborts) => {
                self.add(ExitCode::GateFailed, format!("{forced} (no_forced_aborts)"));
            }
            Some(forced) => self.notes.push(format!("not judged (no_forced_aborts is off): {forced}.")),
            None => {}
        }
    }

    fn add_gates(&mut self, report: &RunReport, gates: &Gates, conditions: &Conditions) {
        if let Some(aborting) = &conditions.aborted_by {
            self.add(ExitCode::GateFailed, format!("ended early by the gate {}", outcome(aborting)));
        }
        let own: Vec<&GateResult> = report.gates.iter().filter(|result| !result.built_in).collect();
        let failed: Vec<&GateResult> =
            own.iter().copied().filter(|result| result.result == GateOutcome::Fail).collect();
        for (place, result) in failed.iter().enumerate() {
            let of = if place == 0 {
                format!("{} of {}: ", figures::count(wide(failed.len())), figures::counted(wide(own.len()), "gate"))
            } else {
                String::new()
            };
            self.add(ExitCode::GateFailed, format!("{of}{}", outcome(result)));
        }
        for result in own.iter().filter(|result| result.result == GateOutcome::Unevaluated) {
            self.add(ExitCode::Unevaluated, outcome(result));
        }
        for gate in &gates.gates {
            let rule = gate.rule.to_string();
            if !own.iter().any(|result| result.rule == rule) {
                self.add(ExitCode::Unevaluated, format!("{rule}: it was never evaluated"));
            }
        }
    }

    fn into_verdict(mut self) -> Verdict {
        // Stable: reasons of one code stay in the order in which they were found.
        self.reasons.sort_by_key(|(code, _)| code.rank());
        let mut codes: Vec<ExitCode> = self.reasons.iter().map(|(code, _)| *code).collect();
        codes.dedup();
        let code = codes.first().copied().unwrap_or(ExitCode::Pass);
        Verdict {
            code: code.code(),
            name: code.as_str().to_owned(),
            reasons: self.reasons.into_iter().map(|(_, reason)| reason).collect(),
            also: codes.iter().skip(1).map(|code| code.as_str().to_owned()).collect(),
            notes: self.notes,
            rulings: self.rulings,
        }
    }
}

/// Adds a reason to a verdict that was given, before those of codes that it outranks.
pub fn add(verdict: &mut Verdict, code: ExitCode, reason: String) {
    let before = ExitCode::from_code(verdict.code).unwrap_or(ExitCode::Pass);
    if before == code {
        verdict.reasons.push(reason);
    } else if code.outranking(before) == code {
        verdict.reasons.insert(0, reason);
        if before != ExitCode::Pass {
            verdict.also.insert(0, before.as_str().to_owned());
        }
        (verdict.code, verdict.name) = (code.code(), code.as_str().to_owned());
    } else {
        verdict.reasons.push(reason);
        if !verdict.also.iter().any(|name| name == code.as_str()) {
            verdict.also.push(code.as_str().to_owned());
        }
    }
    let rank = |name: &String| ExitCode::BY_PRECEDENCE.iter().position(|known| known.as_str() == name);
    verdict.also.sort_by_key(rank);
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// `response_time.p99 < 250ms, measured 1.81 s`, or why it has no value.
fn outcome(result: &GateResult) -> String {
    let measured = result.value.filter(|_| result.result == GateOutcome::Fail);
    let measured =
        measured.map_or_else(String::new, |value| format!(", measured {}", figures::gate_value(&result.rule, value)));
    match &result.reason {
        Some(reason) if result.result == GateOutcome::Unevaluated => format!("{}: {reason}", result.rule),
        Some(reason) => format!("{}{measured} ({reason})", result.rule),
        None => format!("{}{measured}", result.rule),
    }
}

#[cfg(test)]
mod tests;
