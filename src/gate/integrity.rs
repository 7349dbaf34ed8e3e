//! Judging the ledger and the findings: what must not have happened, what is allowed, and what nobody knows.

mod class;

use super::allowance::Allowances;
use crate::figures::{self, counted};
use crate::ledger::Class;
use crate::report::{Example, Findings, LedgerCounts, Ruling, RulingKind, RunReport};
use class::{Judged, last_stable, of_class, planned_aborts};

/// Something that befell a number of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// The class or finding.
    pub name: &'static str,
    /// How many events.
    pub events: u64,
    /// One sentence that a ticket can quote.
    pub sentence: String,
    /// How it is judged.
    pub ruling: RulingKind,
    /// The rule that says so.
    pub rule: String,
}

impl Anomaly {
    /// As the report has it.
    #[must_use]
    pub fn ruling(&self) -> Ruling {
        Ruling { finding: self.name.to_owned(), events: self.events, ruling: self.ruling, rule: self.rule.clone() }
    }
}

/// Ledger and findings, judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Integrity {
    /// What must not have happened, the worst first.
    pub violations: Vec<Anomaly>,
    /// What is not known, and so is not good.
    pub undecided: Vec<Anomaly>,
    /// What happened to events of the run and is allowed or expected, with the reason.
    pub allowed: Vec<Anomaly>,
    /// What is in the topics in the course of things and concerns no event of the run.
    pub expected: Vec<Anomaly>,
    /// What did not add up: a defect of loadgen itself.
    pub sums: Vec<String>,
}

/// Every class, in the order in which they are told.
const WORST_FIRST: [Class; Class::ALL.len()] = [
    Class::Lost,
    Class::Corrupt,
    Class::Undelivered,
    Class::Contradicted,
    Class::AbortedSeen,
    Class::UnknownUnseen,
    Class::Unread,
    Class::Unattributed,
    Class::Unwitnessed,
    Class::NotAttempted,
    Class::Expired,
    Class::Compacted,
    Class::UnknownSeen,
    Class::Aborted,
    Class::Unverified,
    Class::Refused,
    Class::Verified,
];

/// A finding: its name, how many, of what, what they are, how that is ruled and by which rule.
type Row = (&'static str, u64, &'static str, &'static str, RulingKind, String);

impl Integrity {
    /// Judges a report by what its run's configuration allows.
    #[must_use]
    pub fn of(report: &RunReport, allowances: &Allowances) -> Self {
        let mut judged = Self { sums: sums(report), ..Self::default() };
        judged.add_ledger(report, allowances);
        judged.add_findings(report, allowances);
        judged.add_reading(report);
        judged
    }

    /// What a reading alone adds: it knows no schedule, so what is missing may never have been sent.
    fn add_reading(&mut self, report: &RunReport) {
        use RulingKind::{Allowed, Expected, Undecided, Violation};
        let Some(reading) = report.reading.as_ref().filter(|_| report.is_alone()) else { return };
        let hidden_what = format!("behind an open transaction{}", last_stable(report));
        let rows: [(&'static str, u64, &str, &str, RulingKind, &str); 7] = [
            (
                "corrupt",
                reading.damaged.unwrap_or(0),
                "event",
                "corrupt: seen, but not as they were sent",
                Violation,
                "what was sent must be what is read",
            ),
            (
                "missing",
                reading.missing.unwrap_or(0),
                "sequence",
                "missing between the first and the last event seen",
                Undecided,
                "whether they were acked and lost, or never written, only the producer knows: --producer-report joins its account",
            ),
            (
                "hidden",
                reading.hidden,
                "offset",
                &hidden_what,
                Undecided,
                "readers of committed records get nothing from there on until it ends, so nothing is known of what lies there",
            ),
            (
                "cut_off",
                reading.cut_off,
                "offset",
                "cut off the log after they were read",
                Undecided,
                "another leader took over, and what was written there anew was not read",
            ),
            (
                "forgotten",
                reading.forgotten,
                "event",
                "that may be copies of others",
                Undecided,
                "so much is missing that the oldest sequences are no longer kept",
            ),
            (
                "untracked",
                reading.untracked,
                "event",
                "of lanes too many to follow",
                Allowed,
                "--run-id follows those of one run",
            ),
            (
                "skipped",
                reading.skipped,
                "offset",
                "gone from the log before they were read",
                Expected,
                "retention or DeleteRecords; what is missing there is counted as missing",
            ),
        ];
        for (name, events, noun, what, ruling, rule) in rows {
            if events > 0 {
                let what = format!("{} {what}{}", counted(events, noun), place(report, name, events));
                self.add(name, events, &what, ruling, rule.to_owned());
            }
        }
    }

    fn add_ledger(&mut self, report: &RunReport, allowances: &Allowances) {
        for class in WORST_FIRST {
            let events = match class {
                Class::Aborted => planned_aborts(report),
                class => report.ledger.of(class),
            };
            if events == 0 || matches!(class, Class::Verified | Class::Refused) {
                continue;
            }
            let place = place(report, class.as_str(), events);
            let Judged { what, ruling, rule } = of_class(class, report, allowances);
            let what = format!("{} {what}{place}", counted(events, "event"));
            self.add(class.as_str(), events, &what, ruling, rule);
        }
    }

    fn add_findings(&mut self, report: &RunReport, allowances: &Allowances) {
        use RulingKind::{Allowed, Undecided, Violation};
        let findings = &report.findings;
        let (resent, resent_rule) = unless(allowances.resent, must_not_resend(report));
        let (reordered, order_rule) =
            unless(allowances.reordering, "with idempotence, or one request in flight, this must not happen");
        let unknown = "the producer's settings are not known here: --producer-report tells them";
        let (resent, resent_rule, reordered, order_rule) = if report.is_alone() {
            (Undecided, unknown.to_owned(), Undecided, unknown.to_owned())
        } else {
            (resent, resent_rule, reordered, order_rule)
        };
        let undecided = if report.is_alone() {
            Undecided
        } else if allowances.resent.is_some() {
            Allowed
        } else {
            Undecided
        };
        let rows: [Row; 8] = [
            (
                "duplicates_resent",
                findings.duplicates_resent,
                "duplicate",
                "sent again by the client",
                resent,
                resent_rule,
            ),
            ("reordered", findings.reordered, "event", "out of order", reordered, order_rule),
            (
                "duplicates_undecided",
                findings.duplicates_undecided,
                "duplicate",
                "of unknown origin",
                undecided,
                format!("sent again by {}, or written by another", whose(report)),
            ),
            (
                "duplicates_rewritten",
                findings.duplicates_rewritten,
                "record",
                "written again by another producer",
                Allowed,
                "another CreateTime than the first copy's: this client did not send it".to_owned(),
            ),
            (
                "invalid",
                findings.invalid,
                "record",
                "that break the schema",
                Allowed,
                "whose they are cannot be told; an event of this run among them is also corrupt".to_owned(),
            ),
            (
                "not_readable_by_reader",
                findings.not_readable_by_reader,
                "record",
                "that a reader's schema cannot read",
                Violation,
                "who reads by that schema (--reader-schema) gets an error in place of the event".to_owned(),
            ),
            (
                "misplaced",
                findings.misplaced,
                "record",
                "in another partition than their key's",
                Allowed,
                "another producer, or another partitioner; the order of these keys does not hold".to_owned(),
            ),
            (
                "negative_latency",
                findings.negative_latency,
                "record",
                "that seemed to be seen before they were due",
                Allowed,
                "a clock was set back".to_owned(),
            ),
        ];
        for (name, events, noun, what, ruling, rule) in rows.into_iter().chain(beside(findings)) {
            if events > 0 {
                let what = format!("{} {what}{}", counted(events, noun), place(report, name, events));
                self.add(name, events, &what, ruling, rule);
            }
        }
    }

    fn add(&mut self, name: &'static str, events: u64, what: &str, ruling: RulingKind, rule: String) {
        let (list, sentence) = match ruling {
            RulingKind::Violation => (&mut self.violations, format!("{what}. {}.", capitalized(&rule))),
            RulingKind::Undecided => (&mut self.undecided, format!("{what}: {rule}.")),
            RulingKind::Allowed => (&mut self.allowed, format!("{what} (allowed: {rule}).")),
            RulingKind::Expected => {
                let beside = matches!(name, "re_encoded" | "duplicates_reread" | "foreign" | "sibling");
                let list = if beside { &mut self.expected } else { &mut self.allowed };
                (list, format!("{what} (expected: {rule})."))
            }
        };
        list.push(Anomaly { name, events, sentence, ruling, rule });
    }

    /// Every ruling, the worst first.
    pub fn rulings(&self) -> impl Iterator<Item = Ruling> {
        self.violations.iter().chain(&self.undecided).chain(&self.allowed).chain(&self.expected).map(Anomaly::ruling)
    }
}

/// What stands beside the events of the run, and how it is ruled.
fn beside(findings: &Findings) -> [Row; 5] {
    use RulingKind::{Expected, Undecided};
    [
        (
            "awaits_schema",
            findings.awaits_schema,
            "record",
            "that could not be judged",
            Undecided,
            "the schema registry did not say what schema they name",
        ),
        (
            "re_encoded",
            findings.re_encoded,
            "event",
            "that somebody wrote again",
            Expected,
            "value for value what was sent, though not byte for byte",
        ),
        (
            "duplicates_reread",
            findings.duplicates_reread,
            "record",
            "read again at an offset read before",
            Expected,
            "after a step back, a rebalance or a restart; the log holds them once",
        ),
        (
            "foreign",
            findings.foreign,
            "record",
            "of other producers",
            Expected,
            "the topic is shared; they are counted and not judged",
        ),
        (
            "sibling",
            findings.sibling,
            "record",
            "of other processes of this run",
            Expected,
            "judged by the process that sent them",
        ),
    ]
    .map(|(name, events, noun, what, ruling, rule)| (name, events, noun, what, ruling, rule.to_owned()))
}

/// Who may have sent events again: a reading alone sends nothing.
fn whose(report: &RunReport) -> &'static str {
    if report.is_alone() { "their producer" } else { "this client" }
}

/// How an anomaly is judged that a configuration may allow.
fn unless(allowed: Option<&str>, must_not: &str) -> (RulingKind, String) {
    match allowed {
        Some(why) => (RulingKind::Allowed, why.to_owned()),
        None => (RulingKind::Violation, must_not.to_owned()),
    }
}

/// Why a copy that the client itself sent is a violation.
const fn must_not_resend(report: &RunReport) -> &'static str {
    if report.transactions.is_some() {
        "in transactions this must not happen"
    } else {
        "with idempotence, and without a delivery time-out, this must not happen"
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Ledgers whose classes do not sum to what was scheduled, in words.
fn sums(report: &RunReport) -> Vec<String> {
    let whole = (String::new(), &report.ledger, report.offered.scheduled);
    let phases = report
        .phases
        .iter()
        .map(|phase| (format!(" of phase \"{}\"", phase.name), &phase.ledger, phase.offered.scheduled));
    std::iter::once(whole).chain(phases).filter_map(|(of, ledger, offered)| broken_sum(&of, ledger, offered)).collect()
}

fn broken_sum(of: &str, ledger: &LedgerCounts, offered: u64) -> Option<String> {
    let sum = ledger.sum();
    let defect = "this is a defect of loadgen, no figure of this run can be trusted";
    if sum != ledger.scheduled {
        let (sum, scheduled) = (figures::count(sum), counted(ledger.scheduled, "event"));
        return Some(format!("the ledger{of} does not add up: {scheduled} scheduled, {sum} in its classes: {defect}"));
    }
    (offered != ledger.scheduled).then(|| {
        let (offered, scheduled) = (figures::count(offered), counted(ledger.scheduled, "event"));
        format!("the ledger{of} holds {scheduled} of {offered} scheduled: {defect}")
    })
}

/// ` (partition 2, offsets 91,204 … 91,220)`, as far as the examples tell.
fn place(report: &RunReport, finding: &str, events: u64) -> String {
    let examples: Vec<&Example> = report.findings.examples_of(finding).collect();
    if examples.is_empty() {
        return String::new();
    }
    let all = u64::try_from(examples.len()).is_ok_and(|shown| shown >= events);
    match (span(&examples), first_place(examples[0])) {
        (Some(span), _) if all => format!(" ({span})"),
        (Some(span), _) => format!(" (among them {span})"),
        (None, Some(first)) => format!(" (such as {first})"),
        (None, None) => String::new(),
    }
}

fn first_place(example: &Example) -> Option<String> {
    let offset = u64::try_from(example.offset?).ok()?;
    Some(format!("partition {}, offset {}", example.partition?, figures::count(offset)))
}

/// The offsets that all examples span, where they are of one partition.
fn span(examples: &[&Example]) -> Option<String> {
    let partition = examples.first()?.partition?;
    let offset =
        |example: &Example| u64::try_from(example.offset?).ok().filter(|_| example.partition == Some(partition));
    let offsets: Option<Vec<u64>> = examples.iter().map(|example| offset(example)).collect();
    let offsets = offsets?;
    let (first, last) = (figures::count(*offsets.iter().min()?), figures::count(*offsets.iter().max()?));
    Some(if first == last {
        format!("partition {partition}, offset {first}")
    } else {
        format!("partition {partition}, offsets {first} … {last}")
    })
}
