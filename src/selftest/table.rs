//! What was done against what was found.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use serde::Serialize;

use super::fault::{Fault, Symptom};
use super::plan::Identity;
use super::transactions::{self, TransactionWiring};
use super::{Bench, DELAY, EACH, LANES, Wire};
use crate::gate::{Allowances, Integrity};
use crate::ledger::Class;
use crate::ledger::rules::Rule;
use crate::report::latency::Kind;
use crate::report::{LedgerCounts, Ruling, RulingKind, RunReport, Transactions};
use crate::run::Outcome;
use crate::settings::choice::Choice as _;

/// One fault, or one number of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The fault, or the number's name.
    pub name: String,
    /// What the report calls it.
    pub found_as: String,
    /// How often it must have been found.
    pub expected: u64,
    /// How often it was.
    pub found: u64,
    /// Whether that is right.
    pub ok: bool,
    /// Why it is wrong for another reason than the checker's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The rule that alone explains the row; none for a number of the report.
    #[serde(skip)]
    pub rule: Option<Rule>,
}

/// The self-test's result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Table {
    /// Whether everything was found, and nothing else.
    pub ok: bool,
    /// The format of the events.
    pub format: &'static str,
    /// Events of the run.
    pub events: u64,
    /// Where the plan was drawn from.
    #[serde(with = "crate::units::exact")]
    pub seed: u64,
    /// One row for each fault.
    pub faults: Vec<Row>,
    /// One row for each number of the report that the faults change, and for what must stay zero.
    pub totals: Vec<Row>,
}

impl Table {
    pub(super) fn of(bench: &Bench, outcome: &Outcome, wire: Wire) -> Self {
        let report = &outcome.report;
        let mut suffered = bench.plan.faults.clone();
        suffered.extend(bench.suffered.lock().unwrap_or_else(PoisonError::into_inner).iter());
        let classes: HashMap<Identity, Class> =
            outcome.unverified.iter().map(|event| ((event.lane, event.sequence), event.class)).collect();
        let injected = bench.injected.lock().unwrap_or_else(PoisonError::into_inner);
        let expected = |fault: Fault| match fault {
            // How many are withheld shows only when they are.
            Fault::Withheld | Fault::NotReplicated => injected.get(&fault).copied().unwrap_or(0),
            _ => bench.plan.count(fault),
        };
        let class_of = |event: &Identity| classes.get(event).copied().unwrap_or(Class::Verified);
        let victims = |fault: Fault| suffered.iter().filter(move |(_, known)| **known == fault).map(|(event, _)| event);
        let row = |fault: Fault| {
            let found = match fault.found() {
                Symptom::Class(class) => count(victims(fault).filter(|event| class_of(event) == class)),
                Symptom::NotClass(class) => count(victims(fault).filter(|event| class_of(event) != class)),
                Symptom::Finding(name) => finding(report, name),
                Symptom::Invalid(prefix) => invalid(report, prefix),
                Symptom::EndToEnd => delayed(outcome),
            };
            let both = |one, two| expected(one) + expected(two);
            // Those cut short have the same reason.
            let has_both = matches!(fault, Fault::NotJson | Fault::EndMissing);
            let wanted = if has_both { both(fault, Fault::Truncated) } else { expected(fault) };
            let done = injected.get(&fault).copied().unwrap_or(0);
            let note = (done != expected(fault) || done == 0)
                .then(|| format!("it was injected {done} times of {}: the self-test itself failed", expected(fault)));
            // A machine that stalls for a second delays others, too.
            let right = if fault == Fault::Delayed { found >= wanted } else { found == wanted };
            Row {
                name: fault.as_str().to_owned(),
                found_as: found_as(fault),
                expected: wanted,
                found,
                ok: right && note.is_none(),
                note,
                rule: Some(fault.rule()),
            }
        };
        let faults: Vec<Row> = Fault::of(wire).filter(|fault| !fault.is_of_transactions()).map(row).collect();
        let mut totals = totals(report, expected);
        totals.extend(rulings(report, expected(Fault::Resent)));
        let ok = faults.iter().chain(&totals).all(|row| row.ok);
        let format = wire.format.as_str();
        Self { ok, format, events: u64::from(LANES) * EACH, seed: report.run.seed.unwrap_or_default(), faults, totals }
    }

    /// Adds the second run, which sent in transactions.
    pub(super) fn add_transactions(&mut self, wiring: &TransactionWiring, outcome: &Outcome) {
        let ledger = outcome.report.ledger;
        let classes: HashMap<u64, Class> =
            outcome.unverified.iter().map(|event| (event.sequence, event.class)).collect();
        let class_of = |sequence: u64| classes.get(&sequence).copied().unwrap_or(Class::Verified);
        let mut left = transactions::EVENTS;
        for (fault, injected) in [Fault::Aborted, Fault::AbortedSeen].into_iter().zip(wiring.injected.iter()) {
            let expected = wiring.bench.count(fault);
            let victims = (0..transactions::EVENTS).filter(|sequence| wiring.bench.fault(*sequence) == Some(fault));
            let found = count(victims.filter(|sequence| class_of(*sequence) == fault.class()));
            let injected = injected.load(Ordering::Acquire);
            let note = (injected != expected || injected == 0)
                .then(|| format!("it was injected {injected} times of {expected}: the self-test itself failed"));
            self.faults.push(Row {
                name: fault.as_str().to_owned(),
                found_as: found_as(fault),
                expected,
                found,
                ok: found == expected && note.is_none(),
                note,
                rule: Some(fault.rule()),
            });
            self.totals.push(total(
                &format!("{} (transactions)", fault.class().as_str()),
                expected,
                ledger.of(fault.class()),
            ));
            left -= expected;
        }
        self.totals.push(total("verified (transactions)", left, ledger.verified));
        self.totals.push(total("scheduled (transactions)", transactions::EVENTS, ledger.scheduled));
        self.events += transactions::EVENTS;
        self.ok = self.faults.iter().chain(&self.totals).all(|row| row.ok);
    }

    /// Adds what the oracle of results downstream found.
    pub(super) fn add_results(&mut self, rows: Vec<Row>) {
        self.totals.extend(rows);
        self.ok = self.faults.iter().chain(&self.totals).all(|row| row.ok);
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let wrong = self.faults.iter().chain(&self.totals).filter(|row| !row.ok).count();
        let verdict = if self.ok { "HONEST" } else { "WRONG" };
        let outcome = if self.ok {
            "every fault was found, each as what it is, and nothing else".to_owned()
        } else {
            format!(
                "{wrong} {} hold: this checker cannot be trusted",
                if wrong == 1 { "row does not" } else { "rows do not" }
            )
        };
        let injected: u64 = self.faults.iter().map(|row| row.expected).sum();
        let mut line = |line: String| {
            // Writing to a string does not fail.
            writeln!(text, "{}", line.trim_end()).unwrap_or_default();
        };
        line(format!("{verdict}  {outcome}"));
        line(format!("        {injected} faults among {} events, drawn from seed {}", self.events, self.seed));
        for (head, rows) in [("fault", &self.faults), ("in all", &self.totals)] {
            line(String::new());
            line(format!(" {head:<34} {:<28} {:>8} {:>8}  verdict", "found as", "expected", "found"));
            for Row { name, found_as, expected, found, ok, note, .. } in rows {
                let verdict = if *ok { "ok" } else { "WRONG" };
                let note = note.as_ref().map_or_else(String::new, |note| format!(": {note}"));
                line(format!("   {name:<32} {found_as:<28} {expected:>8} {found:>8}  {verdict}{note}"));
            }
        }
        text
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> u64 {
    u64::try_from(items.count()).unwrap_or(u64::MAX)
}

fn found_as(fault: Fault) -> String {
    match fault.found() {
        Symptom::Class(class) => class.as_str().to_owned(),
        Symptom::NotClass(class) => format!("foreign, not {}", class.as_str()),
        Symptom::Finding(name) => name.to_owned(),
        Symptom::Invalid(prefix) => format!("invalid {prefix}").trim_end_matches(':').to_owned(),
        Symptom::EndToEnd => "end_to_end of 1 s or more".to_owned(),
    }
}

fn finding(report: &RunReport, name: &str) -> u64 {
    let findings = &report.findings;
    match name {
        "duplicates" => findings.duplicates,
        "duplicates_resent" => findings.duplicates_resent,
        "duplicates_rewritten" => findings.duplicates_rewritten,
        "duplicates_undecided" => findings.duplicates_undecided,
        "duplicates_reread" => findings.duplicates_reread,
        "reordered" => findings.reordered,
        "invalid" => findings.invalid,
        "misplaced" => findings.misplaced,
        "foreign" => findings.foreign,
        "sibling" => findings.sibling,
        "seen_then_gone" => findings.seen_then_gone,
        "not_replicated" => findings.not_replicated,
        "re_encoded" => findings.re_encoded,
        "awaits_schema" => findings.awaits_schema,
        "negative_latency" => findings.negative_latency,
        _ => u64::MAX,
    }
}

fn invalid(report: &RunReport, prefix: &str) -> u64 {
    report.findings.invalid_by_reason.iter().filter(|(name, _)| name.starts_with(prefix)).map(|(_, count)| count).sum()
}

/// End-to-end times of at least the delay, of events that were seen: the others are censored at the end, which is later.
fn delayed(outcome: &Outcome) -> u64 {
    let whole = outcome.measured.whole();
    let from = u64::try_from(DELAY.as_micros()).unwrap_or(u64::MAX);
    let all = whole.latency(Kind::EndToEnd).histogram().count_between(from, u64::MAX);
    all.saturating_sub(whole.latency(Kind::EndToEnd).summary().censored)
}

pub(super) fn total(name: &str, expected: u64, found: u64) -> Row {
    let ok = expected == found;
    Row { name: name.to_owned(), found_as: String::new(), expected, found, ok, note: None, rule: None }
}

/// What is said of the events written twice by the client, had it been an idempotent one on a real cluster: allowed where
/// deliveries timed out (here some have no answer), and a violation where none did, or where it sent in transactions.
fn rulings(report: &RunReport, written_twice: u64) -> [Row; 3] {
    let settings = [("enable.idempotence", "true"), ("acks", "all")];
    let mut judged = report.clone();
    judged.run.embedded = false;
    judged.environment.client_config = settings.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let mut answered = judged.clone();
    (answered.ledger.unknown_seen, answered.ledger.unknown_unseen) = (0, 0);
    let transactional = RunReport { transactions: Some(Transactions::default()), ..judged.clone() };
    [
        ("written twice, after time-outs", &judged, RulingKind::Allowed),
        ("written twice, all answered", &answered, RulingKind::Violation),
        ("written twice, in transactions", &transactional, RulingKind::Violation),
    ]
    .map(|(name, judged, wanted)| {
        let integrity = Integrity::of(judged, &Allowances::of(judged));
        let is_it = |ruling: &Ruling| ruling.finding == "duplicates_resent" && ruling.ruling == wanted;
        let found = integrity.rulings().filter(is_it).map(|ruling| ruling.events).sum();
        let found_as = if wanted == RulingKind::Allowed { "allowed" } else { "violation" };
        Row { found_as: found_as.to_owned(), ..total(name, written_twice, found) }
    })
}

/// Each class and finding, with what the faults make of it.
fn totals(report: &RunReport, expected: impl Fn(Fault) -> u64) -> Vec<Row> {
    let row = total;
    let of_class =
        |class: Class| -> u64 { Fault::ALL.into_iter().filter(|fault| fault.class() == class).map(&expected).sum() };
    let all = u64::from(LANES) * EACH;
    let broken: u64 = Fault::ALL.into_iter().filter(|fault| fault.class() != Class::Verified).map(&expected).sum();
    let ledger: LedgerCounts = report.ledger;
    let classes = Class::ALL.into_iter().map(|class| {
        let expected = if class == Class::Verified { all.saturating_sub(broken) } else { of_class(class) };
        row(class.as_str(), expected, ledger.of(class))
    });
    let sum = |faults: &[Fault]| faults.iter().map(|fault| expected(*fault)).sum::<u64>();
    let is_invalid = |fault: &Fault| {
        matches!(fault.found(), Symptom::Invalid(_)) || matches!(fault, Fault::Truncated | Fault::WrongPartition)
    };
    let findings = [
        ("duplicates", sum(&[Fault::Resent, Fault::Rewritten])),
        ("duplicates_undecided", 0),
        ("invalid", Fault::ALL.into_iter().filter(is_invalid).map(&expected).sum()),
        ("foreign", sum(&[Fault::AnotherRun, Fault::AnotherTime])),
    ];
    let findings = findings.map(|(name, expected)| row(name, expected, finding(report, name)));
    let scheduled = row("scheduled", all, ledger.scheduled);
    std::iter::once(scheduled).chain(classes).chain(findings).collect()
}
