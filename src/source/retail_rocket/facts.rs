//! What is known of a recording once it is loaded: plain data for reports.

use serde::{Deserialize, Serialize};

use super::input::Encoding;
use super::read::BadRows;
use super::visits::HotKey;

/// A loaded recording, and what of it will be played.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The file as named; `standard input` for `-`.
    pub file: String,
    /// Its size in bytes, where it is a file.
    pub bytes: Option<u64>,
    /// How its bytes are wrapped.
    pub encoding: Encoding,
    /// Good rows read.
    pub rows: u64,
    /// Rows left out because they cannot be used.
    pub bad_rows: BadRows,
    /// Neighbouring rows of the file that go back in time.
    pub descents: u64,
    /// Rows that repeat another one in every column (the first one not counted), among the sampled visitors.
    pub duplicate_rows: u64,
    /// Of these, the ones left out with `dedup`.
    pub duplicates_dropped: u64,
    /// Visitors, after `users_sample`.
    pub visitors: u64,
    /// Visitors by their number of events, after `users_sample`.
    pub events_per_visitor: EventsPerVisitor,
    /// The visitors with the most events, after `users_sample`.
    pub hottest_visitors: Vec<HotKey>,
    /// Rows of the recording that are played: after `from`, `until`, `users_sample`, `dedup` and `limit`.
    pub selected_rows: u64,
    /// Selected rows with the time of the row before them.
    pub equal_times: u64,
    /// First recorded time played, ms since the epoch.
    pub first_ms: i64,
    /// Last recorded time played in the first round, ms since the epoch.
    pub last_ms: i64,
    /// From the first to the last of these.
    pub span_recorded_ms: u64,
    /// Idle gaps of one round that are played shorter than recorded.
    pub gaps_capped: u64,
    /// Fields of the events that the file lacks and that are derived.
    pub derived_fields: Vec<String>,
    /// By how much a copy is later than its original at most, ms; 0 without `amplify`.
    pub longest_shift_ms: u64,
}

/// How the events spread over the visitors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventsPerVisitor {
    /// Median.
    pub p50: u64,
    /// 90 % of the visitors have at most that many.
    pub p90: u64,
    /// 99 % of the visitors have at most that many.
    pub p99: u64,
    /// The busiest visitor's.
    pub max: u64,
}

impl EventsPerVisitor {
    pub(super) fn of(visitors_by_events: &std::collections::BTreeMap<u64, u64>) -> Self {
        let visitors: u64 = visitors_by_events.values().sum();
        let quantile = |percent: u64| {
            let rank = (visitors * percent).div_ceil(100);
            let mut seen = 0;
            let at = visitors_by_events.iter().find(|(_, count)| {
                seen += **count;
                seen >= rank
            });
            at.map_or(0, |(events, _)| *events)
        };
        Self { p50: quantile(50), p90: quantile(90), p99: quantile(99), max: quantile(100) }
    }
}
