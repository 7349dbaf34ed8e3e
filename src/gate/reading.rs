//! Reading a metric off a report: its value and whether that is exact, or why there is none.

mod partitions;
mod timeline;

use super::{
    bound::AtLeast,
    metric::{Column, Kind, Part, Source, Stat},
    path::Path,
};
use crate::figures::{self, as_f64, counted};
use crate::ledger::Class;
use crate::report::{
    Estimate, ExpectReport, LatencySummary, LedgerCounts, Offered, PartitionReport, PhaseReport, RunReport,
    ScoresReport, TypeReport,
};
use partitions::{gap, skew, total};
pub(super) use timeline::full_rows;
use timeline::timeline;

/// A metric's value, in the base unit of its dimension.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// The value.
    pub value: f64,
    /// `Some` where the true value may be larger: why.
    pub at_least: Option<AtLeast>,
    /// Samples behind it, where it comes from some.
    pub samples: Option<u64>,
}

/// Why a metric has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// In words.
    pub reason: String,
    /// Samples there were, where it comes from some.
    pub samples: Option<u64>,
}

impl Missing {
    fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), samples: None }
    }

    const fn of_samples(reason: String, samples: u64) -> Self {
        Self { reason, samples: Some(samples) }
    }
}

/// The finding that is one of readers alone.
const NOT_READABLE: &str = "not_readable_by_reader";

type Read = Result<Reading, Missing>;

impl Path {
    /// This metric's value in `report`.
    ///
    /// # Errors
    /// Why there is none, or none that means anything.
    pub fn read(&self, report: &RunReport) -> Read {
        let metric = self.metric;
        let reading = match metric.source {
            Source::Scheduled => exact(as_f64(self.ledger(report)?.scheduled)),
            Source::Class(class) => class_count(report, self.ledger(report)?, class),
            Source::Finding(_) if metric.name == NOT_READABLE && was_verified(report) && !has_readers(report) => {
                Err(Missing::new("no record was read by a reader's schema (--reader-schema)"))
            }
            Source::Finding(read) => by_verifier(report, as_f64(read(&report.findings)), report.ledger.scheduled),
            Source::Offered(read) => offered(self.offered(report)?, read),
            Source::Latency(kind, stat) => self.latency(report, kind)?.map_or_else(
                || Err(Missing::new(format!("{} was not measured", kind.as_str()))),
                |summary| statistic(summary, stat),
            ),
            Source::Timeline(column, fold) => timeline(report, column, fold),
            Source::EventType(read, needs_verifier) => {
                event_type(report, self.type_report(report)?, read, needs_verifier)
            }
            Source::Skew => skew(&self.partitions(report)),
            Source::Gap(read) => gap(&self.partitions(report), read),
            Source::Total(read, needs_verifier) => total(report, &self.partitions(report), read, needs_verifier),
            Source::Results(read) => results(self.expectation(report)?, read),
            Source::ResultLatency(stat) => self.expectation(report)?.latency_us.as_ref().map_or_else(
                || Err(Missing::new("event times are not this run's: from when on results are late is not known")),
                |summary| statistic(summary, stat),
            ),
            Source::ScoreCount(read) => {
                let of = self.expectation(report)?;
                let at_least = (of.undecided > 0).then_some(AtLeast::Undecided(of.undecided));
                Ok(Reading { value: as_f64(read(scores(of)?)), at_least, samples: None })
            }
            Source::Score(read) => score(self.expectation(report)?, read),
            Source::Detection(stat) => scores(self.expectation(report)?)?.detection_us.as_ref().map_or_else(
                || Err(Missing::new("event times are not this run's: from when on fraud is found late is not known")),
                |summary| statistic(summary, stat),
            ),
            Source::Figure(_) if report.ledger.scheduled == 0 && report.reading.is_none() => Err(nothing_scheduled()),
            Source::Figure(figure) => match (figure.read)(report) {
                Ok(value) => Ok(Reading { value, at_least: (figure.at_least)(report), samples: None }),
                Err(reason) => Err(Missing::new(reason)),
            },
        }?;
        if reading.value.is_finite() { Ok(reading) } else { Err(Missing::new("the report holds no number for it")) }
    }

    /// How far the true value of this metric may be from the one that is read, since it lies between the clocks of two machines.
    pub(super) fn clock_bound(&self, report: &RunReport) -> f64 {
        let summary = match self.metric.source {
            Source::Latency(_, Stat::Count | Stat::Saturated | Stat::Censored) => None,
            Source::Latency(kind, _) => self.latency(report, kind).ok().flatten(),
            Source::Timeline(Column { latency: Some(kind), .. }, _) => kind.of(&report.latency_us),
            _ => None,
        };
        summary.and_then(|summary| summary.clock_bound_us).map_or(0.0, as_f64)
    }

    fn name(&self) -> &str {
        self.of.as_deref().unwrap_or("")
    }

    fn phase<'a>(&self, report: &'a RunReport) -> Result<Option<&'a PhaseReport>, Missing> {
        let Some(name) = &self.of else { return Ok(None) };
        let phase = report.phases.iter().find(|phase| phase.name == *name);
        phase.map(Some).ok_or_else(|| Missing::new(format!("phase \"{name}\" did not run")))
    }

    fn ledger<'a>(&self, report: &'a RunReport) -> Result<&'a LedgerCounts, Missing> {
        let ledger = self.phase(report)?.map_or(&report.ledger, |phase| &phase.ledger);
        match ledger.scheduled {
            0 if report.is_alone() => Err(Missing::new("a reading alone has no ledger: --producer-report joins one")),
            0 => Err(nothing_scheduled()),
            _ => Ok(ledger),
        }
    }

    fn offered<'a>(&self, report: &'a RunReport) -> Result<&'a Offered, Missing> {
        let offered = self.phase(report)?.map_or(&report.offered, |phase| &phase.offered);
        if offered.scheduled == 0 { Err(nothing_scheduled()) } else { Ok(offered) }
    }

    fn type_report<'a>(&self, report: &'a RunReport) -> Result<&'a TypeReport, Missing> {
        let known = |found: &&TypeReport| found.sent > 0 || report.is_alone();
        let found = report.by_type.get(self.name()).filter(known);
        found.ok_or_else(|| Missing::new(format!("no event of type {} was sent", self.name())))
    }

    fn expectation<'a>(&self, report: &'a RunReport) -> Result<&'a ExpectReport, Missing> {
        let found = report.expectations.iter().find(|expectation| expectation.name == self.name());
        found.ok_or_else(|| Missing::new("results were not waited for"))
    }

    fn latency<'a>(&self, report: &'a RunReport, kind: Kind) -> Result<Option<&'a LatencySummary>, Missing> {
        if self.metric.part == Part::EventType {
            return Ok(kind.of_type(&self.type_report(report)?.latency_us));
        }
        Ok(kind.of(self.phase(report)?.map_or(&report.latency_us, |phase| &phase.latency_us)))
    }

    fn partitions<'a>(&self, report: &'a RunReport) -> Vec<&'a PartitionReport> {
        let wanted = |partition: &&PartitionReport| self.of.as_ref().is_none_or(|topic| partition.topic == *topic);
        report.partitions.iter().filter(wanted).collect()
    }
}

/// Whether anything was read back: without a verifier there is no end-to-end latency.
#[must_use]
pub const fn was_verified(report: &RunReport) -> bool {
    report.latency_us.end_to_end.is_some()
}

/// Whether a record was read by a reader's schema.
fn has_readers(report: &RunReport) -> bool {
    let mut readers = report.schemas.iter().flat_map(|of| &of.readers);
    readers.any(|reader| reader.readable > 0 || !reader.not_readable.is_empty())
}

#[expect(clippy::unnecessary_wraps, reason = "one of several ways in which a reading ends")]
const fn exact(value: f64) -> Read {
    Ok(Reading { value, at_least: None, samples: None })
}

fn scores(report: &ExpectReport) -> Result<&ScoresReport, Missing> {
    report.scores.as_ref().ok_or_else(|| Missing::new("it is no expectation of scores (kind = \"scores\")"))
}

/// With too few episodes, or with events of which nobody knows what became, nothing is said of how good scores are.
fn score(report: &ExpectReport, read: fn(&ScoresReport) -> Option<Estimate>) -> Read {
    let scores = scores(report)?;
    if let Some(why) = scores.unsaid() {
        return Err(Missing::of_samples(why, scores.episodes));
    }
    if report.undecided > 0 {
        let undecided = counted(report.undecided, "event");
        return Err(Missing::of_samples(format!("{undecided} undecided"), scores.episodes));
    }
    let estimate =
        read(scores).ok_or_else(|| Missing::of_samples("nothing to divide by".to_owned(), scores.episodes))?;
    Ok(Reading { value: estimate.value, at_least: None, samples: Some(scores.episodes) })
}

/// What is undecided may be of any class: a count is a lower bound then.
#[expect(clippy::unnecessary_wraps, reason = "one of several ways in which a reading ends")]
fn results(report: &ExpectReport, read: fn(&ExpectReport) -> u64) -> Read {
    let at_least = (report.undecided > 0).then_some(AtLeast::Undecided(report.undecided));
    Ok(Reading { value: as_f64(read(report)), at_least, samples: None })
}

fn nothing_scheduled() -> Missing {
    Missing::of_samples("nothing was scheduled".to_owned(), 0)
}

fn not_verified() -> Missing {
    Missing::new("nothing was read back (no verifier)")
}

fn class_count(report: &RunReport, ledger: &LedgerCounts, class: Class) -> Read {
    let value = as_f64(ledger.of(class));
    match class {
        Class::Unwitnessed => exact(value),
        _ if ledger.unwitnessed > 0 => {
            Ok(Reading { value, at_least: Some(AtLeast::Unread(ledger.unwitnessed)), samples: None })
        }
        Class::Unverified | Class::NotAttempted | Class::Refused | Class::UnknownUnseen | Class::Aborted => {
            exact(value)
        }
        Class::Unread | Class::Unattributed if was_verified(report) => exact(value),
        _ => bounded_by_unread(was_verified(report), value, ledger),
    }
}

fn by_verifier(report: &RunReport, value: f64, scheduled: u64) -> Read {
    if let Some(reading) = report.reading.as_ref().filter(|_| report.is_alone()) {
        return if reading.records == 0 { Err(Missing::new("nothing was read")) } else { exact(value) };
    }
    if scheduled == 0 {
        Err(nothing_scheduled())
    } else {
        bounded_by_unread(was_verified(report), value, &report.ledger)
    }
}

fn bounded_by_unread(verified: bool, value: f64, ledger: &LedgerCounts) -> Read {
    if !verified {
        return Err(not_verified());
    }
    let open = ledger.unread + ledger.unattributed + ledger.unwitnessed;
    Ok(Reading { value, at_least: (open > 0).then_some(AtLeast::Unread(open)), samples: None })
}

fn offered(offered: &Offered, read: fn(&Offered) -> Option<f64>) -> Read {
    read(offered).map_or_else(|| Err(Missing::new("the run had no such rate")), exact)
}

fn event_type(report: &RunReport, found: &TypeReport, read: fn(&TypeReport) -> f64, needs_verifier: bool) -> Read {
    match needs_verifier {
        true => by_verifier(report, read(found), report.ledger.scheduled),
        false if report.is_alone() => Err(nothing_scheduled()),
        false => exact(read(found)),
    }
}

fn statistic(summary: &LatencySummary, stat: Stat) -> Read {
    let samples = Some(summary.count);
    let tally = |value: u64| Ok(Reading { value: as_f64(value), at_least: None, samples });
    let measured = |value: Option<u64>| match value {
        Some(value) => {
            Ok(Reading { value: as_f64(value), at_least: summary.bound_at(value).map(AtLeast::from), samples })
        }
        None => Err(Missing::of_samples("the report holds no number for it".to_owned(), summary.count)),
    };
    if summary.count == 0 {
        return Err(Missing::of_samples("no samples".to_owned(), 0));
    }
    match stat {
        Stat::Count => tally(summary.count),
        Stat::Saturated => tally(summary.saturated),
        Stat::Censored => tally(summary.censored),
        Stat::Min => measured(summary.min),
        Stat::Max => measured(summary.max),
        Stat::Mean => mean(summary),
        Stat::Quantile(quantile) if summary.count < quantile.samples_needed() => {
            let needed = counted(quantile.samples_needed(), "sample");
            let reason = format!("needs {needed}, this run had {}", figures::count(summary.count));
            Err(Missing::of_samples(reason, summary.count))
        }
        Stat::Quantile(quantile) => measured(quantile.of(summary)),
    }
}

/// With events that were never answered the mean may be that of the known samples alone: it is a lower bound only where every
/// censored sample lies above it.
fn mean(summary: &LatencySummary) -> Read {
    let missing = |reason: &str| Err(Missing::of_samples(reason.to_owned(), summary.count));
    let Some(value) = summary.mean else { return missing("the report holds no number for it") };
    let at_least = match (summary.censored, summary.saturated) {
        (0, 0) => None,
        (0, saturated) => Some(AtLeast::Saturated(saturated)),
        (censored, _) if summary.censored_from.is_some_and(|from| as_f64(from) >= value) => {
            Some(AtLeast::Censored(censored))
        }
        _ => return missing("events without an answer leave no mean"),
    };
    Ok(Reading { value, at_least, samples: Some(summary.count) })
}
