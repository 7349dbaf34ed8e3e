//! The latencies and quantiles that a report holds, by name, and when a value of one is only a lower bound.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Latencies, LatencySummary, TypeLatencies};

/// Which latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Sent - due.
    Slip,
    /// The generator's own part of slip.
    Lateness,
    /// The part of slip spent waiting for room in the client's queue.
    Blocked,
    /// The part of slip spent waiting for the ceiling (`--max-rate`).
    Capped,
    /// Acked - sent.
    ServiceTime,
    /// Acked - due.
    ResponseTime,
    /// Seen - due.
    EndToEnd,
    /// Committed - due, of events in transactions.
    CommitTime,
    /// From asking for a commit to its confirmation, of transactions.
    CommitCall,
}

impl Kind {
    /// Every latency, in the order of reports.
    pub const ALL: [Self; 9] = [
        Self::Slip,
        Self::Lateness,
        Self::Blocked,
        Self::Capped,
        Self::ServiceTime,
        Self::ResponseTime,
        Self::EndToEnd,
        Self::CommitTime,
        Self::CommitCall,
    ];

    /// The name in reports and gates.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Slip => "slip",
            Self::Lateness => "lateness",
            Self::Blocked => "blocked",
            Self::Capped => "capped",
            Self::ServiceTime => "service_time",
            Self::ResponseTime => "response_time",
            Self::EndToEnd => "end_to_end",
            Self::CommitTime => "commit_time",
            Self::CommitCall => "commit_call",
        }
    }

    /// The latency of that name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// This latency of a run or a phase; `None` where it was not measured.
    #[must_use]
    pub const fn of(self, latencies: &Latencies) -> Option<&LatencySummary> {
        match self {
            Self::Slip => latencies.slip.as_ref(),
            Self::Lateness => latencies.lateness.as_ref(),
            Self::Blocked => latencies.blocked.as_ref(),
            Self::Capped => latencies.capped.as_ref(),
            Self::ServiceTime => Some(&latencies.service_time),
            Self::ResponseTime => Some(&latencies.response_time),
            Self::EndToEnd => latencies.end_to_end.as_ref(),
            Self::CommitTime => latencies.commit_time.as_ref(),
            Self::CommitCall => latencies.commit_call.as_ref(),
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

    /// Those that are kept by event type.
    pub const KEPT_BY_TYPE: [Self; 2] = [Self::ResponseTime, Self::EndToEnd];

    /// Whether it says something about the generator itself, and so even in a run that is not valid.
    #[must_use]
    pub const fn is_the_generators(self) -> bool {
        matches!(self, Self::Slip | Self::Lateness | Self::Capped)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
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

/// Why a value of a latency is only a lower bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// So many events were never answered or seen, and entered as the time they were waited for.
    Censored(u64),
    /// So many samples lay above the histogram's range, and were recorded at its end.
    Saturated(u64),
}

impl LatencySummary {
    /// Why `value`, a quantile or an extreme of this latency, is only a lower bound; `None` where it is exact.
    ///
    /// Below the smallest censored sample every rank is known; from there on the true value may be any larger one.
    #[must_use]
    pub fn bound_at(&self, value: u64) -> Option<Bound> {
        if self.censored > 0 && self.censored_from.is_none_or(|from| value >= from) {
            return Some(Bound::Censored(self.censored));
        }
        // The end of the range, where the samples above it were recorded, then is the largest value.
        let at_the_end = self.max.is_none_or(|max| value >= max);
        (self.saturated > 0 && at_the_end).then_some(Bound::Saturated(self.saturated))
    }

    /// The most that `value` can truly be, where the clocks that it lies between are known no better than that: then it is no number, but
    /// "at most".
    #[must_use]
    pub fn at_most(&self, value: u64) -> Option<u64> {
        let bound = self.clock_bound_us.filter(|bound| value <= *bound)?;
        Some(value.saturating_add(bound))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_from_the_smallest_censored_sample_on_are_lower_bounds() {
        let summary = LatencySummary { censored: 3, censored_from: Some(1_000), ..LatencySummary::default() };
        assert_eq!(summary.bound_at(999), None);
        assert_eq!(summary.bound_at(1_000), Some(Bound::Censored(3)));
    }

    #[test]
    fn a_value_within_what_is_known_of_two_clocks_is_at_most_that() {
        let summary = LatencySummary { clock_bound_us: Some(500), ..LatencySummary::default() };
        assert_eq!((summary.at_most(300), summary.at_most(500), summary.at_most(501)), (Some(800), Some(1_000), None));
        assert_eq!(LatencySummary::default().at_most(0), None);
    }

    #[test]
    fn the_end_of_an_exceeded_range_is_a_lower_bound() {
        let summary = LatencySummary { saturated: 2, max: Some(1_000), ..LatencySummary::default() };
        assert_eq!(summary.bound_at(999), None);
        assert_eq!(summary.bound_at(1_000), Some(Bound::Saturated(2)));
    }
}
