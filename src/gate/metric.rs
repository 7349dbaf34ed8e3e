//! What a gate may be about: a metric with its unit, where it is found and when it is known. All of them are in [`table`].

pub mod table;

use std::fmt;

pub use self::table::metrics;
use super::unit::Dimension;
use crate::{
    ledger::Class,
    report::{
        Findings, Latencies, LatencySummary, Offered, PartitionReport, Replay, TimelineRow, TypeLatencies, TypeReport,
    },
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
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 4] = [Self::Run, Self::Phase, Self::EventType, Self::Topic];

    /// The first word of its paths; empty for the whole run.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Run => "",
            Self::Phase => "phase",
            Self::EventType => "by_type",
            Self::Topic => "topic",
        }
    }

    /// How `loadgen explain gates` writes the start of its paths.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Run => "",
            Self::Phase => "phase.NAME.",
            Self::EventType => "by_type.TYPE.",
            Self::Topic => "topic.NAME.",
        }
    }
}

/// Which latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Sent - due.
    Slip,
    /// The generator's own part of slip.
    Lateness,
    /// The part of slip spent waiting for room in the client's queue.
    Blocked,
    /// Acked - sent.
    ServiceTime,
    /// Acked - due.
    ResponseTime,
    /// Seen - due.
    EndToEnd,
}

impl Kind {
    /// Every latency, in the order of reports.
    pub const ALL: [Self; 6] =
        [Self::Slip, Self::Lateness, Self::Blocked, Self::ServiceTime, Self::ResponseTime, Self::EndToEnd];

    /// The name in reports and gates.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Slip => "slip",
            Self::Lateness => "lateness",
            Self::Blocked => "blocked",
            Self::ServiceTime => "service_time",
            Self::ResponseTime => "response_time",
            Self::EndToEnd => "end_to_end",
        }
    }

    /// This latency of a run or a phase; `None` where it was not measured.
    #[must_use]
    pub const fn of(self, latencies: &Latencies) -> Option<&LatencySummary> {
        match self {
            Self::Slip => latencies.slip.as_ref(),
            Self::Lateness => latencies.lateness.as_ref(),
            Self::Blocked => latencies.blocked.as_ref(),
            Self::ServiceTime => Some(&latencies.service_time),
            Self::ResponseTime => Some(&latencies.response_time),
            Self::EndToEnd => latencies.end_to_end.as_ref(),
        }
    }

    /// This latency of an event type; `None` where it is not kept by type.
    #[must_use]
    pub const fn of_type(self, latencies: &TypeLatencies) -> Option<&LatencySummary> {
        match self {
            Self::ResponseTime => Some(&latencies.response_time),
            Self::EndToEnd => Some(&latencies.end_to_end),
            _ => None,
        }
    }

    /// Whether it says something about the generator itself, and so even in a run that is not valid.
    #[must_use]
    pub const fn is_the_generators(self) -> bool {
        matches!(self, Self::Slip | Self::Lateness)
    }

    const KEPT_BY_TYPE: [Self; 2] = [Self::ResponseTime, Self::EndToEnd];
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

/// The quantiles a report holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quantile {
    /// The median.
    P50,
    /// 90 %.
    P90,
    /// 95 %.
    P95,
    /// 99 %.
    P99,
    /// 99.9 %.
    P999,
    /// 99.99 %.
    P9999,
}

impl Quantile {
    /// Every quantile, the lowest first.
    pub const ALL: [Self; 6] = [Self::P50, Self::P90, Self::P95, Self::P99, Self::P999, Self::P9999];

    /// The name in reports and gates.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::P999 => "p999",
            Self::P9999 => "p9999",
        }
    }

    /// Samples below which fewer than 10 lie beyond it: then it does not exist.
    #[must_use]
    pub const fn samples_needed(self) -> u64 {
        match self {
            Self::P50 => 20,
            Self::P90 => 100,
            Self::P95 => 200,
            Self::P99 => 1_000,
            Self::P999 => 10_000,
            Self::P9999 => 100_000,
        }
    }

    /// Its value in a summary.
    #[must_use]
    pub const fn of(self, summary: &LatencySummary) -> Option<u64> {
        match self {
            Self::P50 => summary.p50,
            Self::P90 => summary.p90,
            Self::P95 => summary.p95,
            Self::P99 => summary.p99,
            Self::P999 => summary.p999,
            Self::P9999 => summary.p9999,
        }
    }
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
    /// Its value in a row, in the base unit of the dimension.
    pub read: fn(&TimelineRow) -> Option<u64>,
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
    /// A number of the replay.
    Replay(fn(&Replay) -> u64),
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
    /// The path as `loadgen explain gates` writes it, with `NAME` for a name.
    #[must_use]
    pub fn pattern(&self) -> String {
        format!("{}{}", self.part.prefix(), self.name)
    }

    /// Whether its value is known while the run goes on, so that a gate about it can end the run.
    #[must_use]
    pub fn is_known_during_the_run(&self) -> bool {
        match self.source {
            Source::Class(class) => class == Class::Refused,
            Source::Finding(_) => self.name != "seen_then_gone",
            Source::Skew | Source::Gap(_) | Source::Total(..) | Source::Replay(_) => false,
            _ => true,
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
            _ => false,
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pattern())
    }
}
