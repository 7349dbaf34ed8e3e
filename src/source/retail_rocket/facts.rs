//! What is known of a recording once it is loaded: plain data for reports.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::properties::PropertyFacts;
use super::read::DatedRows;
use super::visits::HotKey;
use crate::input::{BadRows, Encoding};

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
    /// The same by type of event.
    #[serde(default)]
    pub rows_by_type: BTreeMap<String, u64>,
    /// Texts such as -1 or NaN in the place of an order on events that are no purchase, taken for none, and how often.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub order_fills: BTreeMap<String, u64>,
    /// Rows whose time is a date.
    #[serde(default)]
    pub dated_rows: DatedRows,
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
    /// Their sessions, after `users_sample`.
    pub sessions: u64,
    /// Events of a visitor, after `users_sample`.
    pub events_per_visitor: Quantiles,
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
    /// What the item properties say; absent without them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<PropertyFacts>,
    /// By how much a copy is later than its original at most, ms; 0 without `amplify`.
    pub longest_shift_ms: u64,
}

/// How a figure is spread, by exact counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantiles {
    /// Half of the samples are at most this.
    pub p50: u64,
    /// 90 % of the samples are at most this.
    pub p90: u64,
    /// 99 % of the samples are at most this.
    pub p99: u64,
    /// The largest sample.
    pub max: u64,
}

impl Quantiles {
    /// Of samples by value: how often each was counted. All zero where there is none.
    #[must_use]
    pub fn of(counts: &BTreeMap<u64, u64>) -> Self {
        let all: u64 = counts.values().sum();
        let at = |percent: u64| {
            // In u128, since a count times 100 may not fit.
            let rank = (u128::from(all) * u128::from(percent)).div_ceil(100);
            let mut seen = 0_u128;
            let found = counts.iter().find(|(_, count)| {
                seen += u128::from(**count);
                seen >= rank
            });
            found.map_or(0, |(value, _)| *value)
        };
        Self { p50: at(50), p90: at(90), p99: at(99), max: at(100) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_samples() {
        let counts = BTreeMap::from([(1, 90), (7, 9), (100, 1)]);
        assert_eq!(Quantiles::of(&counts), Quantiles { p50: 1, p90: 1, p99: 7, max: 100 });
        assert_eq!(Quantiles::of(&BTreeMap::new()), Quantiles::default());
    }
}
