//! What was measured: latencies, the client's own figures, and what a part of the run has of both.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::counted::Offered;
use super::sources::is_zero;
use crate::ledger::LedgerCounts;

/// The four latencies, and the parts of slip.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Latencies {
    /// Sent - due. `None` where events have no due time (rate `unlimited`).
    pub slip: Option<LatencySummary>,
    /// The generator's own part of slip.
    pub lateness: Option<LatencySummary>,
    /// The part of slip spent waiting for room in the client's queue.
    pub blocked: Option<LatencySummary>,
    /// The part of slip spent waiting for the ceiling (`--max-rate`); absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capped: Option<LatencySummary>,
    /// Acked - sent.
    pub service_time: LatencySummary,
    /// Acked - due: free of coordinated omission. Equals `service_time` where events have no due time.
    pub response_time: LatencySummary,
    /// Seen - due. `None` without a verifier.
    pub end_to_end: Option<LatencySummary>,
    /// Committed - due, of each event in a transaction; absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_time: Option<LatencySummary>,
    /// From asking for a commit to its confirmation, of each transaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_call: Option<LatencySummary>,
}

/// One latency in us. A quantile with fewer than 10 samples beyond it is `None`, never a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LatencySummary {
    /// Samples, the censored ones included.
    pub count: u64,
    /// The smallest.
    pub min: Option<u64>,
    /// The mean; of what is known, where samples are censored.
    pub mean: Option<f64>,
    /// The median.
    pub p50: Option<u64>,
    /// 90 %.
    pub p90: Option<u64>,
    /// 95 %.
    pub p95: Option<u64>,
    /// 99 %.
    pub p99: Option<u64>,
    /// 99.9 %.
    pub p999: Option<u64>,
    /// 99.99 %.
    pub p9999: Option<u64>,
    /// The largest.
    pub max: Option<u64>,
    /// Samples above the histogram's range, recorded at its end.
    pub saturated: u64,
    /// Events without an answer, recorded as at least the time they were waited for.
    pub censored: u64,
    /// The smallest censored sample: a quantile at or above it means "at least".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub censored_from: Option<u64>,
    /// Each value lies between the clocks of two machines, and the true one is at most so far from it; absent where one clock timed both
    /// ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_bound_us: Option<u64>,
}

/// What the Kafka client (librdkafka) measured of itself, over all producers, warm-ups left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Client {
    /// The mean latency by whose part it is; absent where a part is not known, or events went without an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts_us: Option<LatencyParts>,
    /// From accepted to put into a request, by message: `linger.ms`, batching, and room in the request queue.
    pub queue_us: Windows,
    /// From put into a request to written to the socket, by request.
    pub socket_us: Windows,
    /// From written to the socket to answered, by request of any kind: network and broker.
    pub round_trip_us: Windows,
    /// How long brokers told the client to hold back (quotas), in ms, by answer.
    pub throttle_ms: Windows,
    /// Bytes of a batch, its header included.
    pub batch_bytes: Windows,
    /// Messages of a batch.
    pub batch_messages: Windows,
    /// The most messages that waited in the clients at once, looked at every tenth of a second.
    pub most_queued: u64,
    /// Requests sent again.
    pub retries: u64,
    /// Requests without an answer in time.
    pub timeouts: u64,
}

/// What librdkafka measured in rolling windows: these add up, their quantiles do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Windows {
    /// Samples.
    pub count: u64,
    /// Their mean.
    pub mean: Option<f64>,
    /// 99 % of the samples of the worst tenth of a second.
    pub worst_p99: Option<u64>,
    /// The largest.
    pub max: Option<u64>,
}

/// The mean latency in us, by whose part it is. The parts sum to the mean end-to-end time, or without a verifier to the mean
/// response time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LatencyParts {
    /// Due to sent: the generator's lateness, and room in the client's queue. Absent where events have no due time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slip: Option<f64>,
    /// Sent to put into a request, as the client measured it.
    pub client_queue: f64,
    /// The rest of the service time: the socket, the network, the broker, and the way of the answer.
    pub network_and_broker: f64,
    /// Acked to seen: can be negative, where records are read before their ack has come back. Absent without a verifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetch_and_deliver: Option<f64>,
}

impl LatencyParts {
    /// The parts of these mean latencies, where `client_queue` is the client's own mean. `None` where one is not known, or
    /// censored samples make a mean a guess.
    #[must_use]
    pub fn of(latencies: &Latencies, client_queue: f64) -> Option<Self> {
        let mean = |of: &LatencySummary| of.mean.filter(|_| of.censored == 0 && of.saturated == 0);
        let service = mean(&latencies.service_time)?;
        let response = mean(&latencies.response_time)?;
        let slip = latencies.slip.as_ref().map(|_| response - service);
        let fetch_and_deliver = match &latencies.end_to_end {
            Some(seen) => Some(mean(seen)? - response),
            None => None,
        };
        let network_and_broker = service - client_queue;
        (network_and_broker >= 0.0).then_some(Self { slip, client_queue, network_and_broker, fetch_and_deliver })
    }

    /// What the parts sum to.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.slip.unwrap_or(0.0) + self.client_queue + self.network_and_broker + self.fetch_and_deliver.unwrap_or(0.0)
    }
}

/// One point of a latency's distribution, as `HdrHistogram` iterates over its quantiles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DistributionPoint {
    /// The latency in us.
    pub value_us: u64,
    /// The percentile iterated to, 0 to 100.
    pub percentile: f64,
    /// Samples at or below the value.
    pub count: u64,
}

/// One key's share of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HotKey {
    /// The key: a user's id.
    pub key: String,
    /// Its events handed to the client; where keys were sampled, an estimate.
    pub events: u64,
    /// Its share of all events handed to the client, in percent.
    pub share_percent: f64,
}

/// One event type's share of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TypeReport {
    /// Handed to the client.
    pub sent: u64,
    /// First sightings whose content was right.
    pub verified: u64,
    /// Records of this type that break the schema.
    pub invalid: u64,
    /// Its share of all events sent, in percent; of all events seen where a verifier read alone.
    pub share_percent: f64,
    /// The share that the weights or the funnel of a synthetic source give it, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_share_percent: Option<f64>,
    /// Its latencies.
    pub latency_us: TypeLatencies,
}

/// The latencies kept by event type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TypeLatencies {
    /// Acked - due.
    pub response_time: LatencySummary,
    /// Seen - due.
    pub end_to_end: LatencySummary,
}

/// One phase's share of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseReport {
    /// Its name.
    pub name: String,
    /// Whether it only warmed the system up: its events are in the ledger of the run, its latencies and rates are not in
    /// those of the run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub warm_up: bool,
    /// Its schedule.
    pub schedule: String,
    /// What it asked for and what was sent.
    pub offered: Offered,
    /// The class of each of its events.
    pub ledger: LedgerCounts,
    /// Its latencies.
    pub latency_us: Latencies,
}

/// One partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PartitionReport {
    /// Its topic.
    pub topic: String,
    /// Its number.
    pub partition: i32,
    /// Handed to the client for it.
    pub sent: u64,
    /// Acked in it.
    pub acked: u64,
    /// First sightings in it.
    pub seen: u64,
    /// The longest time between two acks while events were outstanding.
    pub longest_ack_gap_us: u64,
    /// The longest time between two reads while acked events were unread.
    pub longest_read_gap_us: u64,
    /// Offset at which reading started.
    pub from_offset: Option<i64>,
    /// The verifier's position at the end.
    pub position: Option<i64>,
    /// End of the log at the end of the run: the high watermark.
    pub log_end: Option<i64>,
    /// Where an open transaction hides records below that end from a reader of committed records: the last stable offset. Absent where
    /// none is hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_stable_offset: Option<i64>,
}

/// One second of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineRow {
    /// Its end, in seconds since the start.
    pub at_s: f64,
    /// Events that came due in it.
    pub scheduled: u64,
    /// Events handed to the client in it.
    pub sent: u64,
    /// Events acked in it.
    pub acked: u64,
    /// First sightings in it.
    pub seen: u64,
    /// Events refused in it, or given up without an answer.
    pub failed: u64,
    /// Of these, those that were refused: that is an answer, too.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refused: u64,
    /// At its end: sent, without an answer.
    pub outstanding: u64,
    /// Events due without a final answer, sent or not: the mean over the second, looked at every 20 ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backlog: Option<u64>,
    /// At its end: acked, not yet seen; of a reading alone, records between its positions and the ends of the log. Null where nothing
    /// reads, or where that is not known.
    #[serde(default)]
    pub unread: Option<u64>,
    /// At its end: records between the offsets of the group that is looked at and the ends of the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_lag: Option<u64>,
    /// Median response time of the events acked in it.
    pub response_p50_us: Option<u64>,
    /// 90 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_p90_us: Option<u64>,
    /// 99 %.
    pub response_p99_us: Option<u64>,
    /// The largest.
    pub response_max_us: Option<u64>,
    /// 99 % of service time.
    pub service_p99_us: Option<u64>,
    /// 90 % of end-to-end time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_to_end_p90_us: Option<u64>,
    /// 99 % of end-to-end time.
    pub end_to_end_p99_us: Option<u64>,
    /// 90 % of slip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slip_p90_us: Option<u64>,
    /// 99 % of slip.
    pub slip_p99_us: Option<u64>,
    /// 99 % of the generator's own part of slip.
    pub lateness_p99_us: Option<u64>,
    /// 99 % of the part of slip spent waiting for the ceiling; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capped_p99_us: Option<u64>,
    /// This process's processor time in it, ms.
    pub cpu_ms: Option<u64>,
    /// How long its control group's quota held this process back in it, ms, summed over processors; absent without a quota.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled_ms: Option<u64>,
    /// How busy all processors of this machine were in it, by whomever, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_busy_percent: Option<u64>,
    /// This process's resident memory at its end, KiB.
    pub rss_kib: Option<u64>,
    /// What happened in it: client errors, stalls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<String>,
}

impl TimelineRow {
    /// A row of what `with` makes of each number of this one and of the other, which ends later.
    #[must_use]
    pub fn combined(&self, later: &Self, with: impl Fn(Option<u64>, Option<u64>) -> Option<u64>) -> Self {
        Self {
            at_s: later.at_s,
            scheduled: with(Some(self.scheduled), Some(later.scheduled)).unwrap_or_default(),
            sent: with(Some(self.sent), Some(later.sent)).unwrap_or_default(),
            acked: with(Some(self.acked), Some(later.acked)).unwrap_or_default(),
            seen: with(Some(self.seen), Some(later.seen)).unwrap_or_default(),
            failed: with(Some(self.failed), Some(later.failed)).unwrap_or_default(),
            refused: with(Some(self.refused), Some(later.refused)).unwrap_or_default(),
            outstanding: with(Some(self.outstanding), Some(later.outstanding)).unwrap_or_default(),
            backlog: with(self.backlog, later.backlog),
            unread: with(self.unread, later.unread),
            group_lag: with(self.group_lag, later.group_lag),
            response_p50_us: with(self.response_p50_us, later.response_p50_us),
            response_p90_us: with(self.response_p90_us, later.response_p90_us),
            response_p99_us: with(self.response_p99_us, later.response_p99_us),
            response_max_us: with(self.response_max_us, later.response_max_us),
            service_p99_us: with(self.service_p99_us, later.service_p99_us),
            end_to_end_p90_us: with(self.end_to_end_p90_us, later.end_to_end_p90_us),
            end_to_end_p99_us: with(self.end_to_end_p99_us, later.end_to_end_p99_us),
            slip_p90_us: with(self.slip_p90_us, later.slip_p90_us),
            slip_p99_us: with(self.slip_p99_us, later.slip_p99_us),
            lateness_p99_us: with(self.lateness_p99_us, later.lateness_p99_us),
            capped_p99_us: with(self.capped_p99_us, later.capped_p99_us),
            cpu_ms: with(self.cpu_ms, later.cpu_ms),
            throttled_ms: with(self.throttled_ms, later.throttled_ms),
            machine_busy_percent: with(self.machine_busy_percent, later.machine_busy_percent),
            rss_kib: with(self.rss_kib, later.rss_kib),
            marks: Vec::new(),
        }
    }
}
