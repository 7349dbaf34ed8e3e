//! What a gate may be about: a metric with its unit, where it is found and when it is known. All of them are in [`table`].

pub mod sections;
pub mod table;

use std::fmt;

use self::sections::Figure;
use super::unit::Dimension;
use crate::figures::as_f64;
pub use crate::report::latency::{Kind, Quantile};
use crate::{
    ledger::Class,
    report::{Estimate, ExpectReport, Findings, Offered, PartitionReport, ScoresReport, TimelineRow, TypeReport},
};

/// The part of a run that a metric is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The whole run: no prefix.
    Run,
    /// One phase: `phase.NAME.`.
    Phase,
    /// The events of one type: `by_type.TYPE.`.
    EventType,
    /// One topic: `topic.NAME.`.
    Topic,
    /// What is expected downstream under one name: `expect.NAME.`.
    Expectation,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 5] = [Self::Run, Self::Phase, Self::EventType, Self::Topic, Self::Expectation];

    /// The first word of its paths; empty for the whole run.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Run => "",
            Self::Phase => "phase",
            Self::EventType => "by_type",
            Self::Topic => "topic",
            Self::Expectation => "expect",
        }
    }

    /// The start of its paths, with `NAME` for a name.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Run => "",
            Self::Phase => "phase.NAME.",
            Self::EventType => "by_type.TYPE.",
            Self::Topic => "topic.NAME.",
            Self::Expectation => "expect.NAME.",
        }
    }
}

/// Which number of a latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stat {
    /// How many samples, the censored ones included.
    Count,
    /// The smallest.
    Min,
    /// The mean.
    Mean,
    /// A quantile.
    Quantile(Quantile),
    /// The largest.
    Max,
    /// Samples above the histogram's range.
    Saturated,
    /// Events without an answer.
    Censored,
}

impl Stat {
    /// Every number, in the order of reports.
    pub const ALL: [Self; 12] = [
        Self::Count,
        Self::Min,
        Self::Mean,
        Self::Quantile(Quantile::P50),
        Self::Quantile(Quantile::P90),
        Self::Quantile(Quantile::P95),
        Self::Quantile(Quantile::P99),
        Self::Quantile(Quantile::P999),
        Self::Quantile(Quantile::P9999),
        Self::Max,
        Self::Saturated,
        Self::Censored,
    ];

    /// The name in reports and gates.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Min => "min",
            Self::Mean => "mean",
            Self::Quantile(quantile) => quantile.as_str(),
            Self::Max => "max",
            Self::Saturated => "saturated",
            Self::Censored => "censored",
        }
    }

    const fn dimension(self) -> Dimension {
        match self {
            Self::Count | Self::Saturated | Self::Censored => Dimension::Count,
            _ => Dimension::Time,
        }
    }
}

/// How a value can move while a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// It never falls: a count, a maximum.
    Grows,
    /// It never rises: a minimum.
    Shrinks,
    /// It rises and falls: a share, a mean, a quantile.
    Either,
}

/// How the values of a timeline's rows become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// The largest.
    Max,
    /// The mean.
    Mean,
    /// The smallest.
    Min,
}

impl Fold {
    const ALL: [Self; 3] = [Self::Max, Self::Mean, Self::Min];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Max => "max",
            Self::Mean => "mean",
            Self::Min => "min",
        }
    }
}

/// A number of each row of the timeline.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name in gates.
    pub name: &'static str,
    /// What it counts in.
    pub dimension: Dimension,
    /// The latency it comes from, where it comes from one.
    pub latency: Option<Kind>,
    /// How much of the base unit of the dimension its number in a row counts.
    pub unit: u64,
    /// Its number in a row.
    pub read: fn(&TimelineRow) -> Option<u64>,
}

impl Column {
    /// Its value in a row, in the base unit of the dimension.
    pub(super) fn value(&self, row: &TimelineRow) -> Option<f64> {
        (self.read)(row).map(|number| as_f64(number) * as_f64(self.unit))
    }

    /// Whether it counts what happens because events are sent: once that is over, there is nothing to count.
    pub(super) fn is_of_sending(&self) -> bool {
        ["scheduled", "sent", "acked", "seen"].contains(&self.name)
    }
}

/// Where a metric's value is found.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// Events due before the stop.
    Scheduled,
    /// A class of the ledger.
    Class(Class),
    /// A finding.
    Finding(fn(&Findings) -> u64),
    /// What was offered.
    Offered(fn(&Offered) -> Option<f64>),
    /// A number of a latency.
    Latency(Kind, Stat),
    /// A column of the timeline.
    Timeline(&'static Column, Fold),
    /// A number of an event type; the flag tells whether the verifier finds it.
    EventType(fn(&TypeReport) -> f64, bool),
    /// Largest over mean of acked.
    Skew,
    /// The longest of a gap over the partitions.
    Gap(fn(&PartitionReport) -> u64),
    /// A count added up over the partitions; the flag tells whether the verifier finds it.
    Total(fn(&PartitionReport) -> u64, bool),
    /// A number of results that were expected.
    Results(fn(&ExpectReport) -> u64),
    /// A number of the time that they took.
    ResultLatency(Stat),
    /// A number of scores of fraud.
    ScoreCount(fn(&ScoresReport) -> u64),
    /// How good these are.
    Score(fn(&ScoresReport) -> Option<Estimate>),
    /// A number of the time until episodes of fraud are found.
    Detection(Stat),
    /// A figure of a section that not every report has.
    Figure(&'static Figure),
}

/// One metric of one kind of part.
#[derive(Clone, Debug)]
pub struct Metric {
    /// The part it is about.
    pub part: Part,
    /// Its path after the part's prefix.
    pub name: String,
    /// What it counts in.
    pub dimension: Dimension,
    /// Where its value is found.
    pub source: Source,
}

impl Metric {
    /// The path with `NAME` for a name.
    #[must_use]
    pub fn pattern(&self) -> String {
        format!("{}{}", self.part.prefix(), self.name)
    }

    /// Whether its value is known while the run goes on, so that a gate about it can end the run. Of a phase these are its
    /// latencies.
    #[must_use]
    pub fn is_known_during_the_run(&self) -> bool {
        match self.source {
            Source::Latency(..) => true,
            _ if self.part == Part::Phase => false,
            Source::Class(class) => class == Class::Refused,
            // Planned is what came due until the end, and a mean over seconds needs all of them.
            Source::Offered(_) => !["offered.rate", "offered.achieved"].contains(&self.name.as_str()),
            Source::Finding(_) => {
                ["duplicates", "reordered", "invalid", "foreign", "negative_latency"].contains(&self.name.as_str())
            }
            Source::Timeline(_, Fold::Mean)
            | Source::Skew
            | Source::Gap(_)
            | Source::Total(..)
            | Source::Results(_)
            | Source::ResultLatency(_)
            | Source::ScoreCount(_)
            | Source::Score(_)
            | Source::Detection(_)
            | Source::Figure(_) => false,
            _ => true,
        }
    }

    /// How its value can move from here on while the run goes on.
    #[must_use]
    pub fn course(&self) -> Course {
        match self.source {
            Source::Offered(_) | Source::EventType(..)
                if ["offered.achieved_rate", "share"].contains(&self.name.as_str()) =>
            {
                Course::Either
            }
            Source::Scheduled
            | Source::Class(_)
            | Source::Finding(_)
            | Source::Offered(_)
            | Source::EventType(..)
            | Source::Latency(_, Stat::Count | Stat::Saturated | Stat::Censored | Stat::Max)
            | Source::Timeline(_, Fold::Max)
            | Source::Gap(_)
            | Source::Total(..) => Course::Grows,
            Source::Latency(_, Stat::Min) | Source::Timeline(_, Fold::Min) => Course::Shrinks,
            Source::Latency(..)
            | Source::Timeline(..)
            | Source::Skew
            | Source::Results(_)
            | Source::ResultLatency(_)
            | Source::ScoreCount(_)
            | Source::Score(_)
            | Source::Detection(_)
            | Source::Figure(_) => Course::Either,
        }
    }

    /// Whether it is meaningless in a run whose generator was the limit.
    #[must_use]
    pub const fn needs_a_valid_run(&self) -> bool {
        match self.source {
            Source::Latency(kind, stat) => {
                !kind.is_the_generators() && !matches!(stat, Stat::Count | Stat::Saturated | Stat::Censored)
            }
            Source::Timeline(Column { latency: Some(kind), .. }, _) => !kind.is_the_generators(),
            Source::Gap(_) => true,
            Source::ResultLatency(stat) | Source::Detection(stat) => {
                !matches!(stat, Stat::Count | Stat::Saturated | Stat::Censored)
            }
            _ => false,
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pattern())
    }
}
