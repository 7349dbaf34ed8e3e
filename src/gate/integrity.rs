//! Judging the ledger and the findings: what must not have happened, what is allowed, and what nobody knows.

use super::{allowance::Allowances, wording::count};
use crate::{
    ledger::Class,
    report::{Example, LedgerCounts, RunReport, accounts, figures},
};

/// Something that befell a number of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// The class or finding.
    pub name: &'static str,
    /// How many events.
    pub events: u64,
    /// One sentence that a ticket can quote.
    pub sentence: String,
}

/// Ledger and findings, judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Integrity {
    /// What must not have happened, the worst first.
    pub violations: Vec<Anomaly>,
    /// What is not known, and so is not good.
    pub undecided: Vec<Anomaly>,
    /// What happened and is allowed, with the reason.
    pub allowed: Vec<Anomaly>,
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
    Class::NotAttempted,
    Class::Expired,
    Class::Compacted,
    Class::UnknownSeen,
    Class::Aborted,
    Class::Unverified,
    Class::Refused,
    Class::Verified,
];

impl Integrity {
    /// Judges a report by what its run's configuration allows.
    #[must_use]
    pub fn of(report: &RunReport, allowances: &Allowances) -> Self {
        let mut judged = Self { sums: sums(report), ..Self::default() };
        judged.add_ledger(report, allowances);
        judged.add_findings(report, allowances);
        judged
    }

    fn add_ledger(&mut self, report: &RunReport, allowances: &Allowances) {
        use Class::{
            Aborted, AbortedSeen, Compacted, Contradicted, Corrupt, Expired, Lost, NotAttempted, Refused, Unattributed,
            Undelivered, UnknownSeen, UnknownUnseen, Unread, Unverified, Verified,
        };
        for class in WORST_FIRST {
            let events = accounts::count(&report.ledger, class);
            if events == 0 {
                continue;
            }
            let place = place(report, class.as_str(), events);
            let some = count(events, "event");
            let (list, sentence) = match class {
                Verified | Refused => continue,
                Lost => {
                    let what = format!("{some} lost: acked, and gone from the log{place}");
                    self.unless(allowances.loss, &what, "With acks=all this must not happen")
                }
                Corrupt => (&mut self.violations, format!("{some} corrupt: seen, but not as they were sent{place}.")),
                Undelivered => (
                    &mut self.violations,
                    format!("{some} undelivered: in the log, but never given to the reader{place}."),
                ),
                Contradicted => (
                    &mut self.violations,
                    format!("{some} contradicted: not sent or refused, and yet in the log{place}."),
                ),
                AbortedSeen => {
                    let what = format!("{some} of aborted transactions seen{place}");
                    self.unless(allowances.aborted_reads, &what, "Under read_committed this must not happen")
                }
                UnknownUnseen => (
                    &mut self.undecided,
                    format!("{some} never answered and never seen{place}: no one can say whether they were written."),
                ),
                Unread => {
                    (&mut self.undecided, format!("{some} acked, but past the point that was read in time{place}."))
                }
                Unattributed => {
                    (&mut self.undecided, format!("{some} acked and unseen, and could not be looked up{place}."))
                }
                NotAttempted => (&mut self.allowed, format!("{some} never handed to the client.")),
                Expired => {
                    (&mut self.allowed, format!("{some} acked, and aged out of the log before they were read{place}."))
                }
                Compacted => {
                    (&mut self.allowed, format!("{some} acked, and compacted away before they were read{place}."))
                }
                UnknownSeen => (&mut self.allowed, format!("{some} never answered, but seen.")),
                Aborted => (&mut self.allowed, format!("{some} in aborted transactions, unseen.")),
                Unverified => (
                    &mut self.allowed,
                    format!("{some} acked, but not read back: nothing is said of loss, order or damage."),
                ),
            };
            list.push(Anomaly { name: class.as_str(), events, sentence });
        }
    }

    fn add_findings(&mut self, report: &RunReport, allowances: &Allowances) {
        let findings = &report.findings;
        let resent = findings.duplicates_resent;
        if resent > 0 {
            let what = format!(
                "{} sent again by the client{}",
                count(resent, "duplicate"),
                place(report, "duplicates", resent)
            );
            let (list, sentence) = self.unless(allowances.resent, &what, "With idempotence this must not happen");
            list.push(Anomaly { name: "duplicates_resent", events: resent, sentence });
        }
        if findings.reordered > 0 {
            let what = format!(
                "{} out of order{}",
                count(findings.reordered, "event"),
                place(report, "reordered", findings.reordered)
            );
            let must_not = "With idempotence, or one request in flight, this must not happen";
            let (list, sentence) = self.unless(allowances.reordering, &what, must_not);
            list.push(Anomaly { name: "reordered", events: findings.reordered, sentence });
        }
        let open = findings.duplicates_undecided;
        if open > 0 {
            let sentence = format!(
                "{} of unknown origin: sent again by this client, or written by another.",
                count(open, "duplicate")
            );
            let list = if allowances.resent.is_some() { &mut self.allowed } else { &mut self.undecided };
            list.push(Anomaly { name: "duplicates_undecided", events: open, sentence });
        }
        for (name, events, what) in [
            ("duplicates_rewritten", findings.duplicates_rewritten, "written again by another producer"),
            ("invalid", findings.invalid, "break the schema"),
            ("misplaced", findings.misplaced, "in another partition than their key's"),
            (
                "negative_latency",
                findings.negative_latency,
                "seemed to be seen before they were due: the clock was set back",
            ),
        ] {
            if events > 0 {
                let sentence = format!("{} {what}{}.", count(events, "record"), place(report, name, events));
                self.allowed.push(Anomaly { name, events, sentence });
            }
        }
    }

    /// Where an anomaly belongs that a configuration may allow, and its sentence.
    fn unless(&mut self, allowed: Option<&str>, what: &str, must_not: &str) -> (&mut Vec<Anomaly>, String) {
        match allowed {
            Some(why) => (&mut self.allowed, format!("{what} (allowed: {why}).")),
            None => (&mut self.violations, format!("{what}. {must_not}.")),
        }
    }
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
    let sum = accounts::sum(ledger);
    let defect = "this is a defect of loadgen, no figure of this run can be trusted";
    if sum != ledger.scheduled {
        let (sum, scheduled) = (figures::count(sum), count(ledger.scheduled, "event"));
        return Some(format!("the ledger{of} does not add up: {scheduled} scheduled, {sum} in its classes: {defect}"));
    }
    (offered != ledger.scheduled).then(|| {
        let (offered, scheduled) = (figures::count(offered), count(ledger.scheduled, "event"));
        format!("the ledger{of} holds {scheduled} of {offered} scheduled: {defect}")
    })
}

/// ` (partition 2, offsets 91,204 … 91,220)`, as far as the examples tell.
fn place(report: &RunReport, finding: &str, events: u64) -> String {
    let Some(examples) = report.findings.examples.get(finding).filter(|examples| !examples.is_empty()) else {
        return String::new();
    };
    let all = u64::try_from(examples.len()).is_ok_and(|shown| shown >= events);
    match (span(examples), first_place(&examples[0])) {
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
fn span(examples: &[Example]) -> Option<String> {
    let partition = examples.first()?.partition?;
    let offset =
        |example: &Example| u64::try_from(example.offset?).ok().filter(|_| example.partition == Some(partition));
    let offsets: Option<Vec<u64>> = examples.iter().map(offset).collect();
    let offsets = offsets?;
    let (first, last) = (figures::count(*offsets.iter().min()?), figures::count(*offsets.iter().max()?));
    Some(if first == last {
        format!("partition {partition}, offset {first}")
    } else {
        format!("partition {partition}, offsets {first} … {last}")
    })
}
