//! The verdict in a word, and why in one sentence that a ticket can quote.

use crate::figures::{count, counted};
use crate::ledger::Standing;
use crate::report::RunReport;

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
    /// A gate could not be evaluated, or nothing was there to judge.
    Unevaluated,
    /// The fate of some events is not known, or the cluster could not be used.
    Unknown,
    /// Stopped before its end.
    Interrupted,
    /// Nothing was wrong with the run, and what came of it could not be written.
    NotWritten,
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
            4 if report.reading.as_ref().is_some_and(|reading| report.is_alone() && reading.missing > Some(0)) => {
                Self::Unknown
            }
            4 if report.ledger.total(Standing::Undecided) == 0 => Self::Unevaluated,
            4 | 6 => Self::Unknown,
            5 => Self::Invalid,
            8 => Self::NotWritten,
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
            Self::NotWritten => "NOT WRITTEN",
            Self::Error => "ERROR",
        }
    }
}

/// Why the verdict is what it is: the first of its reasons, or what makes a pass one.
#[must_use]
pub fn sentence(report: &RunReport) -> String {
    match report.verdict.reasons.first() {
        Some(reason) => reason.clone(),
        None if report.verdict.code == 0 && !report.run.rate_changes.is_empty() => {
            format!("{}; the rate was changed by hand", passed(report))
        }
        None if report.verdict.code == 0 => passed(report),
        None => format!("{} (exit code {})", report.verdict.name, report.verdict.code),
    }
}

fn passed(report: &RunReport) -> String {
    if let Some(reading) = report.reading.as_ref().filter(|_| report.is_alone()) {
        let (events, records) = (counted(reading.events, "event"), counted(reading.records, "record"));
        let open = reading.open;
        let in_between = match reading.missing {
            Some(_) if open > 0 => format!("{} in between perhaps still on their way", counted(open, "sequence")),
            Some(_) => "none missing in between".to_owned(),
            None => match &reading.missing_unknown {
                Some(why) => format!("whether any is missing is not known: {why}"),
                None => "whether any is missing is not known".to_owned(),
            },
        };
        return format!("{records} read, {events} of loadgen among them, {in_between}");
    }
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
    let parts: Vec<_> = ledger
        .classes()
        .into_iter()
        .filter(|(_, events)| *events > 0)
        .map(|(class, events)| format!("{} {}", count(events), class.as_str()))
        .collect();
    format!("{scheduled} scheduled: {}", parts.join(", "))
}
