//! Where the events came from: a recording and how faithfully it was played, or a model and how it drew.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was replayed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Replay {
    /// Name of the file, without its folder.
    pub file: String,
    /// Rows read.
    pub rows: u64,
    /// Rows left out with `--bad-rows skip`.
    pub bad_rows: u64,
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
    /// Fields that the file lacks and that were derived.
    pub derived_fields: Vec<String>,
    /// How near it came to the recording's own timeline; absent with `--rate`, which has no use for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fidelity: Option<Fidelity>,
}

/// How faithful a replay was. The ideal timeline is the recorded one divided by the speed, long gaps shortened where asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fidelity {
    /// Whether it kept every part of the bound.
    pub faithful: bool,
    /// Why not, one sentence each.
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
    /// lane: 0 (the same distribution) to 1. Compared by the millisecond, the resolution of recordings and of Kafka's timestamps.
    pub ks_distance: Option<f64>,
    /// The same, compared by the microsecond: small only with `--pacing spin` on an idle core.
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
    /// Compressed size divided by size: measured over the first 1,000 events in batches of 100, zstd level 1. What the
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
