//! Where the events came from: a recording and how faithfully it was played, or a model and how it drew.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figures;

/// What was replayed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Replay {
    /// Name of the file, without its folder.
    pub file: String,
    /// Rows read.
    pub rows: u64,
    /// Rows left out with `--bad-rows skip`.
    pub bad_rows: u64,
    /// Rows by type of event: read, and left out.
    #[serde(default, flatten)]
    pub left_out: LeftOut,
    /// Rows of item properties that were left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bad_property_rows: u64,
    /// Times faster than recorded; `None` with `--rate`.
    pub speed: Option<f64>,
    /// From the first to the last recorded time, ms.
    pub span_recorded_ms: u64,
    /// From the first to the last due time, ms.
    pub span_replayed_ms: u64,
    /// First recorded time, RFC 3339.
    pub first_recorded: String,
    /// Last recorded time, RFC 3339.
    pub last_recorded: String,
    /// Idle gaps played shorter than recorded.
    pub gaps_capped: u64,
    /// Neighbouring rows of the file that were not in time order.
    pub descents: u64,
    /// Exact duplicates of another row.
    pub duplicate_rows: u64,
    /// Whether records were sent as they were recorded, without a stamp.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stampless: bool,
    /// Fields that the file lacks and that were derived.
    pub derived_fields: Vec<String>,
    /// How near it came to the recording's own timeline; absent with `--rate`, which has no use for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fidelity: Option<Fidelity>,
}

/// What of a recording was read, and what was left out because it cannot be used, by type of event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    /// Rows that were read.
    #[serde(default, rename = "rows_by_type", skip_serializing_if = "BTreeMap::is_empty")]
    pub rows: BTreeMap<String, u64>,
    /// Rows that were left out; `unknown` where a row does not tell its type.
    #[serde(default, rename = "bad_rows_by_type", skip_serializing_if = "BTreeMap::is_empty")]
    pub bad_rows: BTreeMap<String, u64>,
}

impl LeftOut {
    /// `20 bad rows left out (transaction 20)`; `None` where there are none.
    #[must_use]
    pub fn told(&self) -> Option<String> {
        let bad: u64 = self.bad_rows.values().sum();
        let by_type: Vec<String> =
            self.bad_rows.iter().map(|(kind, rows)| format!("{kind} {}", figures::count(*rows))).collect();
        (bad > 0).then(|| format!("{} left out ({})", figures::counted(bad, "bad row"), by_type.join(", ")))
    }

    /// Types of which no row is left: `transaction and every view`.
    #[must_use]
    pub fn lost(&self) -> Option<String> {
        let is_lost = |kind: &&String| self.rows.get(*kind).is_some_and(|rows| *rows == 0);
        let lost: Vec<&str> = self.bad_rows.keys().filter(is_lost).map(String::as_str).collect();
        (!lost.is_empty()).then(|| lost.join(" and every "))
    }

    /// What must not go unnoticed: a type of which no row is left, or a hundredth of all rows.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let told = self.told()?;
        let (good, bad): (u64, u64) = (self.rows.values().sum(), self.bad_rows.values().sum());
        let lost = self.lost();
        if lost.is_none() && bad.saturating_mul(100) < good.saturating_add(bad) {
            return None;
        }
        let among = lost.map_or_else(String::new, |lost| format!(", every {lost} among them"));
        let share = figures::share(bad, good.saturating_add(bad));
        Some(format!("{told}: {share} % of the rows{among}"))
    }
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
pub(super) const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// How faithful a replay was. The ideal timeline is the recorded one divided by the speed, long gaps shortened where asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fidelity {
    /// Whether there was enough to judge: what was not measured is neither faithful nor unfaithful.
    #[serde(default = "yes")]
    pub judged: bool,
    /// Whether it was judged, and kept every part of the bound.
    pub faithful: bool,
    /// Why not, or why it was not judged, one sentence each.
    pub reasons: Vec<String>,
    /// The bound, in words.
    pub bound: String,
    /// Events sent.
    pub events: u64,
    /// Sent - ideal: the median, in us.
    pub off_p50_us: Option<u64>,
    /// Sent - ideal: 99 % are at most this far off, in us.
    pub off_p99_us: Option<u64>,
    /// Sent - ideal: the farthest event, in us.
    pub off_max_us: Option<u64>,
    /// Kolmogorov-Smirnov distance between the gaps as recorded (compressed) and as sent, between neighbouring events of a
    /// lane: 0 (the same distribution) to 1. Gaps that are a millisecond apart or less are the same: the resolution of
    /// recordings and of Kafka's timestamps.
    pub ks_distance: Option<f64>,
    /// The same, where every microsecond counts: small only with `--pacing spin` on an idle core.
    pub ks_distance_1us: Option<f64>,
    /// The gaps as recorded, compressed.
    pub recorded_gaps: InterArrival,
    /// The gaps as sent.
    pub replayed_gaps: InterArrival,
    /// Events sent in another second of the run than their ideal one, in percent: what separates the recorded rate per
    /// second from the replayed one at most. The timeline has both for every second (`scheduled`, `sent`).
    pub moved_percent: f64,
    /// The busiest second of the ideal timeline.
    pub peak_recorded_per_s: Option<u64>,
    /// The busiest second as sent.
    pub peak_replayed_per_s: Option<u64>,
    /// Events seen out of the order in which their lane had to send them; at least those out of their user's order are among
    /// these. Absent where nothing was read back.
    pub inversions: Option<u64>,
}

impl Fidelity {
    /// `faithful`, `not faithful` or `not judged`.
    #[must_use]
    pub const fn verdict(&self) -> &'static str {
        match (self.judged, self.faithful) {
            (false, _) => "not judged",
            (true, true) => "faithful",
            (true, false) => "not faithful",
        }
    }
}

/// Gaps between neighbouring events, in us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InterArrival {
    /// The median.
    pub p50_us: Option<u64>,
    /// 99 % are at most this.
    pub p99_us: Option<u64>,
    /// The longest.
    pub max_us: Option<u64>,
}

/// How large and how compressible the bodies were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// Key and body of an event, on average, in bytes.
    pub mean_bytes: f64,
    /// The size that bodies were padded to; absent where they were not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub padded_to_bytes: Option<u64>,
    /// The compressibility of the padding that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compressibility: Option<f64>,
    /// Compressed size divided by size: measured over the first 1,000 events (16 MiB of them at most) in batches of 100 (1 MiB), zstd level 1. What the
    /// client's own codec makes of its own batches differs.
    pub compressed_ratio: Option<f64>,
}

/// How like a recording synthetic events are (`--like`): distances between the recording and as many drawn events, 0 (the same
/// distribution) to 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Likeness {
    /// The recording.
    pub file: String,
    /// Its rows that were taken.
    pub rows: u64,
    /// Its rows that were left out with `--bad-rows skip`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bad_rows: u64,
    /// Event types: half of the sum of the differences between their shares.
    pub types: f64,
    /// Events of a session: Kolmogorov-Smirnov distance, as in the following.
    pub ks_events_per_session: Option<f64>,
    /// Sessions of a user who has one.
    pub ks_sessions_per_user: Option<f64>,
    /// Events of an item that has one.
    pub ks_events_per_item: Option<f64>,
    /// Think times, as the model draws them.
    pub ks_think_time: Option<f64>,
}

/// How synthetic events were drawn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Synthetic {
    /// `independent` or `sessions`.
    pub model: String,
    /// How like a recording they are, where they were fitted to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub like: Option<Likeness>,
    /// Events of a session, on average, by the funnel; absent in the independent model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events_per_session: Option<f64>,
    /// How long a session lasts on average, in seconds of the shop's own time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_s: Option<f64>,
    /// The rate at which the shop's own time is real time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub natural_rate_per_s: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left_out(rows: &[(&str, u64)], bad_rows: &[(&str, u64)]) -> LeftOut {
        let of = |counts: &[(&str, u64)]| counts.iter().map(|(kind, rows)| ((*kind).to_owned(), *rows)).collect();
        LeftOut { rows: of(rows), bad_rows: of(bad_rows) }
    }

    #[test]
    fn a_type_that_vanishes_and_a_percent_that_goes_are_warned_of() {
        let vanished = left_out(&[("transaction", 0), ("view", 5_000)], &[("transaction", 20)]);
        assert_eq!(
            vanished.warning().unwrap(),
            "20 bad rows left out (transaction 20): 0.40 % of the rows, every transaction among them"
        );
        let percent = left_out(&[("transaction", 10), ("view", 980)], &[("unknown", 4), ("view", 6)]);
        assert_eq!(percent.warning().unwrap(), "10 bad rows left out (unknown 4, view 6): 1.00 % of the rows");
        let few = left_out(&[("transaction", 0), ("view", 991)], &[("view", 9)]);
        assert_eq!((few.warning(), few.told().unwrap().as_str()), (None, "9 bad rows left out (view 9)"));
        assert_eq!(left_out(&[("view", 5)], &[]).told(), None);
    }
}
