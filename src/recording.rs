//! What a run recorded of its latencies: one histogram a second and kind, as `latency.hlog` holds them.

use std::collections::BTreeMap;
use std::fmt;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::report::{Latencies, LatencySummary};

/// A latency by its name in reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LatencyKind {
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

impl LatencyKind {
    /// Every kind, in the order of reports.
    pub const ALL: [Self; 6] =
        [Self::Slip, Self::Lateness, Self::Blocked, Self::ServiceTime, Self::ResponseTime, Self::EndToEnd];

    /// Its name in `report.json`, in gates and as a tag in `latency.hlog`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Slip => "slip",
            Self::Lateness => "lateness",
            Self::Blocked => "blocked",
            Self::ServiceTime => "service_time",
            Self::ResponseTime => "response_time",
            Self::EndToEnd => "end_to_end",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its summary in a report; `None` where the run could not have it.
    #[must_use]
    pub const fn summary(self, latencies: &Latencies) -> Option<&LatencySummary> {
        match self {
            Self::Slip => latencies.slip.as_ref(),
            Self::Lateness => latencies.lateness.as_ref(),
            Self::Blocked => latencies.blocked.as_ref(),
            Self::ServiceTime => Some(&latencies.service_time),
            Self::ResponseTime => Some(&latencies.response_time),
            Self::EndToEnd => latencies.end_to_end.as_ref(),
        }
    }
}

impl fmt::Display for LatencyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The samples of one kind in one second, in us.
#[derive(Clone, Debug)]
pub struct Interval {
    /// Its end, in seconds since the start of the schedule.
    pub ends_s: f64,
    /// The samples taken in it.
    pub histogram: Histogram<u64>,
}

/// All that a run recorded of its latencies, in us. The intervals of a kind sum to that kind's figures in the report.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// One interval a second, in the order of time, by kind.
    pub intervals: BTreeMap<LatencyKind, Vec<Interval>>,
    /// The whole run by event type and kind; empty where it was not kept.
    pub by_type: BTreeMap<String, BTreeMap<LatencyKind, Histogram<u64>>>,
    /// Each phase by kind, in the order of the report's phases; empty where it was not kept.
    pub phases: Vec<BTreeMap<LatencyKind, Histogram<u64>>>,
}
