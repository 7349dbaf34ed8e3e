//! The report of one run: plain data, computed once. Console, JSON, HTML, JUnit and gates all read this struct.
//!
//! Times are in us unless a name says otherwise. Files rely on these names; more may be added, none is taken away.

pub mod accounts;
pub mod benchmark;
pub mod console;
pub mod drift;
pub mod exit_code;
pub mod figures;
pub mod github;
pub mod headline;
pub mod hgrm;
pub mod hlog;
pub mod html;
pub mod junit;
mod latencies;
pub mod latency;
pub mod markdown;
mod stalls;
pub mod timeline;
pub mod why;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of the names below. It rises when a name changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// Why gates and verdict of a partial report are open, see [`Run::partial`].
pub const NEVER_JUDGED: &str = "partial, never judged: the run was killed";

/// All that a run found out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What made the report.
    pub tool: Tool,
    /// What was run.
    pub run: Run,
    /// On what and against what it ran.
    pub environment: Environment,
    /// What the schedule asked for and what was sent.
    pub offered: Offered,
    /// The class of every scheduled event.
    pub ledger: LedgerCounts,
    /// What was found beside the classes.
    pub findings: Findings,
    /// The latencies of all events.
    pub latency_us: Latencies,
    /// What the Kafka client measured of itself, and which part of the latency is whose; absent where it said nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Client>,
    /// How each latency is distributed, by its name, from the smallest sample to the largest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub distributions: BTreeMap<String, Vec<DistributionPoint>>,
    /// The same by event type.
    pub by_type: BTreeMap<String, TypeReport>,
    /// The ledger by topic, where events went into several.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_topic: BTreeMap<String, TopicLedger>,
    /// The same by phase.
    pub phases: Vec<PhaseReport>,
    /// Counts and gaps of each partition.
    pub partitions: Vec<PartitionReport>,
    /// The keys with most events, the hottest first; empty where they were not counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hot_keys: Vec<HotKey>,
    /// The consumer group that read; absent where partitions were assigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupReport>,
    /// The consumer group whose lag was looked at; absent where none was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag: Option<LagReport>,
    /// One row a second; in runs of more than an hour, one a minute for what is older. A row reaches from the end of the one
    /// before it to its own end.
    pub timeline: Vec<TimelineRow>,
    /// How large and how compressible the bodies were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Payload>,
    /// Whether latency or memory drifted; absent in runs of less than ten minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<drift::Drift>,
    /// How events were drawn; absent for replays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synthetic: Option<Synthetic>,
    /// What was replayed; absent for synthetic runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<Replay>,
    /// The gates and how they ended.
    pub gates: Vec<GateResult>,
    /// How the run ended, and why.
    pub verdict: Verdict,
}

/// A consumer group that read what was written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupReport {
    /// Its name.
    pub name: String,
    /// `classic` or `consumer` (KIP-848).
    pub protocol: String,
    /// Who divided the partitions; absent for the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignor: Option<String>,
    /// Its members.
    pub consumers: u8,
    /// Who committed: `auto` or `manual`.
    pub commit: String,
    /// Rebalances after the group had formed: times in which not every partition had a reader.
    pub rebalance_count: u64,
    /// How long they took together, in seconds.
    pub rebalance_total_s: f64,
    /// The longest of them, in seconds.
    pub rebalance_longest_s: f64,
    /// Each of them, the first thousand.
    pub rebalances: Vec<RebalanceReport>,
    /// Errors of following the group or of committing, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub group_errors: BTreeMap<String, u64>,
}

/// How far a consumer group that somebody else runs was behind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LagReport {
    /// Its name.
    pub group: String,
    /// Records behind at the end of the run, over all partitions; `None` where the group had committed nothing.
    pub at_end: Option<u64>,
    /// The most it was behind.
    pub highest: Option<u64>,
    /// By partition at the end; `None` where it had committed nothing.
    pub partitions: Vec<Option<u64>>,
    /// Why nothing is known, where the coordinator did not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A time in which not every partition had a reader.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RebalanceReport {
    /// When it began, in seconds since the start.
    pub at_s: f64,
    /// How long it took, in seconds; `None` where it did not end.
    pub length_s: Option<f64>,
    /// Why, as far as it is known.
    pub reason: String,
    /// Partitions that were given up.
    pub given_up: usize,
    /// Members when it began.
    pub members: usize,
}

/// What made the report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `loadgen`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The version of the Kafka client inside.
    pub librdkafka: String,
    /// The commit it was built from, where known.
    pub git: Option<String>,
}

/// What was run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// The run's 64-bit id in hexadecimal: what another process needs to check the events' stamps.
    pub id: String,
    /// The run's name.
    pub name: String,
    /// When the schedule started, RFC 3339.
    pub started_at: String,
    /// From the schedule's start to the last event sent, in seconds.
    pub measured_s: f64,
    /// Excluded from judgement at the start, in seconds.
    pub warm_up_s: f64,
    /// What the drawing of events started from.
    pub seed: u64,
    /// `synthetic` or `retail_rocket`.
    pub source: String,
    /// `constant`, `replay`, `unlimited` or `phases`.
    pub schedule: String,
    /// Producer threads.
    pub lanes: u8,
    /// Their numbers within the run, where it is one of several processes; empty where they are `0..lanes`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lane_numbers: Vec<u8>,
    /// Whether the in-process broker was used: then the figures are this client's only.
    pub embedded: bool,
    /// Whether it was stopped before its end.
    pub interrupted: bool,
    /// Whether it was killed, and this was put together from what it had recorded until then: it was never judged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// How far the wall clock moved against the monotonic one during the run, in us.
    pub wall_clock_drift_us: i64,
    /// `delivery.timeout`, `drain_deadline` and other deadlines that were reached, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deadlines_reached: Vec<String>,
}

/// On what and against what it ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// Processors this process may use.
    pub cores: usize,
    /// Operating system and architecture.
    pub os: String,
    /// `host:port` of each broker.
    pub brokers: Vec<String>,
    /// Each topic written to.
    pub topics: Vec<TopicReport>,
    /// The client's settings, secrets redacted.
    pub client_config: BTreeMap<String, String>,
}

/// A topic as it stood at the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TopicReport {
    /// Its name.
    pub name: String,
    /// Its partitions.
    pub partitions: i32,
    /// Copies of each partition; `None` where the broker did not say.
    pub replication_factor: Option<i32>,
    /// Its settings that decide what may happen to its records, as far as the cluster told them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
}

/// What the schedule asked for and what was sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Offered {
    /// Events due before the stop.
    pub scheduled: u64,
    /// The planned rate: `scheduled` over the planned time. `None` where there is no plan in time.
    pub rate_per_s: Option<f64>,
    /// Events handed to the client per second, from the first due time to the last send.
    pub achieved_rate_per_s: f64,
    /// `achieved_rate_per_s` in percent of `rate_per_s`.
    pub achieved_percent: Option<f64>,
    /// Bytes of keys and bodies handed to the client.
    pub bytes: u64,
    /// From the first to the last due time, in ms; 0 where events have none.
    #[serde(default)]
    pub due_span_ms: u64,
    /// Seconds in which a lane was kept waiting for room in the client's queue, summed over lanes.
    pub client_blocked_s: f64,
    /// Seconds in which lanes held back for the embedded broker's small log, summed over lanes.
    pub flow_control_s: f64,
}

/// How many events ended in each class. The sum of all but `scheduled` equals `scheduled`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "each field is the ledger class of that name, see ledger::Class")]
pub struct LedgerCounts {
    /// Events due before the stop.
    pub scheduled: u64,
    pub verified: u64,
    pub unverified: u64,
    pub not_attempted: u64,
    pub refused: u64,
    pub unknown_seen: u64,
    pub unknown_unseen: u64,
    pub contradicted: u64,
    pub corrupt: u64,
    pub lost: u64,
    pub expired: u64,
    pub compacted: u64,
    pub undelivered: u64,
    pub unread: u64,
    pub unattributed: u64,
    pub aborted: u64,
    pub aborted_seen: u64,
}

/// What was found beside the classes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Findings {
    /// Second sightings of an event at another offset.
    pub duplicates: u64,
    /// Of these, those with the first one's `CreateTime`: sent again by the client.
    pub duplicates_resent: u64,
    /// Of these, those with another `CreateTime`: written again by another producer.
    pub duplicates_rewritten: u64,
    /// Of these, those whose origin cannot be told: `LogAppendTime`, or the first sighting is no longer remembered.
    pub duplicates_undecided: u64,
    /// Records read again at an offset already read: not duplicates.
    pub duplicates_reread: u64,
    /// First sightings whose sequence goes back within a lane and partition.
    pub reordered: u64,
    /// Records that break the schema.
    pub invalid: u64,
    /// The same by reason.
    pub invalid_by_reason: BTreeMap<String, u64>,
    /// Records in another partition than their key's.
    pub misplaced: u64,
    /// Records of other producers: counted, not judged.
    pub foreign: u64,
    /// Records of sibling processes of the same run: counted, not judged.
    pub sibling: u64,
    /// Lost events that the verifier had read before they went.
    pub seen_then_gone: u64,
    /// Records that seemed to be seen before they were due.
    pub negative_latency: u64,
    /// Up to 20 examples of each finding, by its name.
    pub examples: BTreeMap<String, Vec<Example>>,
}

/// One instance of a finding. What is not known is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Example {
    /// The event's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// Its type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// Its user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Its lane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<u8>,
    /// Its sequence in the lane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// When it was due, us since the start of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_us: Option<u64>,
    /// The topic of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// The partition of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<i32>,
    /// The offset of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<i64>,
    /// The other offset, of a duplicate or a neighbour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_offset: Option<i64>,
    /// What was found, in one line.
    pub what: String,
}

/// The four latencies, and the two parts of slip.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Latencies {
    /// Sent - due. `None` where events have no due time (rate `unlimited`).
    pub slip: Option<LatencySummary>,
    /// The generator's own part of slip.
    pub lateness: Option<LatencySummary>,
    /// The part of slip spent waiting for room in the client's queue.
    pub blocked: Option<LatencySummary>,
    /// Acked - sent.
    pub service_time: LatencySummary,
    /// Acked - due: free of coordinated omission. Equals `service_time` where events have no due time.
    pub response_time: LatencySummary,
    /// Seen - due. `None` without a verifier.
    pub end_to_end: Option<LatencySummary>,
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
    /// Its share of all events sent, in percent.
    pub share_percent: f64,
    /// The share that the weights or the funnel of a synthetic source give it, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_share_percent: Option<f64>,
    /// Its latencies.
    pub latency_us: TypeLatencies,
}

/// What became of the events of one topic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TopicLedger {
    /// The types of event that went into it.
    pub event_types: Vec<String>,
    /// Handed to the client.
    pub sent: u64,
    /// Confirmed.
    pub acked: u64,
    /// First sightings.
    pub seen: u64,
    /// First sightings whose content was right.
    pub verified: u64,
    /// Records of these types that break the schema.
    pub invalid: u64,
    /// Events that did not end verified, by their class, as far as their type is known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub not_verified: BTreeMap<String, u64>,
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
    /// End of the log at the end of the run.
    pub log_end: Option<i64>,
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
    /// At its end: sent, without an answer.
    pub outstanding: u64,
    /// At its end: acked, not yet seen.
    pub unread: u64,
    /// At its end: records between the offsets of the group that is looked at and the ends of the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_lag: Option<u64>,
    /// Median response time of the events acked in it.
    pub response_p50_us: Option<u64>,
    /// 99 %.
    pub response_p99_us: Option<u64>,
    /// The largest.
    pub response_max_us: Option<u64>,
    /// 99 % of service time.
    pub service_p99_us: Option<u64>,
    /// 99 % of end-to-end time.
    pub end_to_end_p99_us: Option<u64>,
    /// 99 % of slip.
    pub slip_p99_us: Option<u64>,
    /// 99 % of the generator's own part of slip.
    pub lateness_p99_us: Option<u64>,
    /// This process's processor time in it, ms.
    pub cpu_ms: Option<u64>,
    /// This process's resident memory at its end, KiB.
    pub rss_kib: Option<u64>,
    /// What happened in it: client errors, stalls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<String>,
}

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

/// One gate and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GateResult {
    /// The rule.
    pub rule: String,
    /// What its author calls it; of a built-in gate the name by which it is turned off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The value compared: times in us, sizes in bytes, shares in percent.
    pub value: Option<f64>,
    /// How it ended.
    pub result: GateOutcome,
    /// Samples behind the value, where it is a latency.
    pub samples: Option<u64>,
    /// Why, where it did not pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether loadgen added it by itself.
    #[serde(default)]
    pub built_in: bool,
}

/// How a gate ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateOutcome {
    /// The rule holds.
    Pass,
    /// The rule is broken.
    Fail,
    /// Nothing can be said: no samples, too few, or the run is not valid.
    #[default]
    Unevaluated,
}

/// How the run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The exit code.
    pub code: u8,
    /// Its name.
    pub name: String,
    /// Why, most important first; empty for a pass.
    pub reasons: Vec<String>,
    /// Names of the other exit codes that applied as well, most important first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// What happened and was allowed, or was not judged, and why: also of a pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How each class and finding that is not zero is judged, and by which rule of this configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rulings: Vec<Ruling>,
}

/// How one class or finding is judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ruling {
    /// The class or finding.
    pub finding: String,
    /// How many events or records.
    pub events: u64,
    /// How it is judged.
    pub ruling: RulingKind,
    /// The rule that says so.
    pub rule: String,
}

/// What a finding is under a run's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RulingKind {
    /// It must not happen.
    Violation,
    /// Nobody can say whether it is good.
    Undecided,
    /// It should not happen, and this configuration does not keep it from happening.
    Allowed,
    /// It happens in the course of things.
    Expected,
}
