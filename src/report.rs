//! The report of one run: plain data, computed once. Console, JSON, HTML, JUnit and gates all read this struct.
//!
//! Times are in us unless a name says otherwise. Files rely on these names; more may be added, none is taken away.

pub mod alerts;
pub mod availability;
pub mod by_hand;
pub mod client_errors;
mod collected;
mod counted;
pub mod drift;
pub mod exit_code;
mod expect;
mod faults;
pub mod fleet;
mod fraud;
mod judgement;
pub mod latency;
mod measured;
mod mirrored;
mod process;
mod readers;
pub mod reading;
mod schemas;
mod scores;
mod seconds;
mod sources;
pub mod timeline;
mod transactions;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::ledger::LedgerCounts;
pub use availability::{Availability, PartAvailability, StallReport, Stalls};
pub use by_hand::RateChange;
pub use client_errors::{ClientError, ReadThrottling};
pub use collected::{Collected, CollectedEvents};
pub use counted::{Example, Findings, Offered, TopicLedger};
pub use expect::{ExpectExample, ExpectRange, ExpectReport};
pub use faults::{CommandReport, FaultReport};
pub use fraud::{FraudPattern, FraudReport};
pub use judgement::{GateOutcome, GateResult, Ruling, RulingKind, Verdict};
pub use measured::{
    Client, DistributionPoint, HotKey, Latencies, LatencyParts, LatencySummary, PartitionReport, PhaseReport,
    TimelineRow, TypeLatencies, TypeReport, Windows,
};
pub use mirrored::{MirrorFailure, Mirrored, Pseudonyms};
pub use process::{Hiccup, Process, processors};
pub use readers::{GroupReport, LagReport, RebalanceReport};
pub use schemas::{KeySchemaReport, ReaderUse, SchemaReport, SchemaUse};
pub use scores::{ENOUGH_EPISODES, Estimate, FeatureSkew, PatternReport, ScoresReport, SkewReport};
pub use seconds::JoinedSeconds;
pub use sources::{Fidelity, InterArrival, LeftOut, Likeness, Payload, Replay, Synthetic};
pub use transactions::{AbortCause, TransactionCounts, Transactions};

/// The version of the names below. It rises when a name changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// How a drain that reached its deadline begins in [`Run::deadlines_reached`].
pub const DRAIN: &str = "drain";

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
    /// What the schedule asked for and what was sent; null where nothing was scheduled.
    #[serde(serialize_with = "reading::null_if_nothing", deserialize_with = "reading::nothing_if_null")]
    #[schemars(with = "Option<Offered>")]
    pub offered: Offered,
    /// The class of every scheduled event; null where nothing was scheduled.
    #[serde(serialize_with = "reading::null_if_nothing", deserialize_with = "reading::nothing_if_null")]
    #[schemars(with = "Option<LedgerCounts>")]
    pub ledger: LedgerCounts,
    /// What a verifier alone found; absent in a run that reads its own events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<reading::Reading>,
    /// What was found beside the classes.
    pub findings: Findings,
    /// The latencies of all events.
    pub latency_us: Latencies,
    /// What the Kafka client measured of itself, and which part of the latency is whose; absent where it said nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Client>,
    /// What kept this process from running; absent where it was not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    /// What the Kafka clients said that went wrong, by kind; empty where nothing was said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub client_errors: Vec<ClientError>,
    /// How long brokers made the reading side hold back; absent where they did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_throttling: Option<ReadThrottling>,
    /// What came in over HTTP; absent where nothing was collected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collected: Option<Collected>,
    /// What was read from topics while it was sent; absent but for a mirror.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirrored: Option<Mirrored>,
    /// The fleet whose shards made this run; absent where they did not meet in a topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fleet: Option<fleet::FleetReport>,
    /// How long partitions did not answer, or were not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability: Option<Availability>,
    /// The faults that were to be injected; empty where none was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultReport>,
    /// The fraud that was woven into the events; absent where none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fraud: Option<FraudReport>,
    /// What was expected downstream and what became of it; empty where nothing was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expectations: Vec<ExpectReport>,
    /// The transactions in which events were sent; absent where there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transactions: Option<Transactions>,
    /// How each latency is distributed, by its name, from the smallest sample to the largest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub distributions: BTreeMap<String, Vec<DistributionPoint>>,
    /// The same by event type.
    pub by_type: BTreeMap<String, TypeReport>,
    /// The ledger by topic, where events went into several.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_topic: BTreeMap<String, TopicLedger>,
    /// What became of the records of each schema; empty where all are JSON without one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schemas: Vec<SchemaUse>,
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
    /// What its longer rows say of the seconds in them; absent where each row is a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined_seconds: Option<Box<JoinedSeconds>>,
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
    /// The alerts that gates raised, and whether somebody was told; empty where nobody was to be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<alerts::AlertReport>,
    /// The gates and how they ended.
    pub gates: Vec<GateResult>,
    /// How the run ended, and why.
    pub verdict: Verdict,
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
    /// What the drawing of events started from, as text beyond 2^53 - 1, which other programs would round; null where none were
    /// drawn.
    #[serde(default, with = "crate::units::exact::option")]
    #[schemars(with = "Option<crate::units::exact::NumberOrText>")]
    pub seed: Option<u64>,
    /// `synthetic`, `retail_rocket`, or `topic` where a verifier alone read one.
    pub source: String,
    /// `constant`, `replay`, `unlimited` or `phases`; empty where a verifier alone read a topic.
    pub schedule: String,
    /// Producer threads.
    pub lanes: u16,
    /// Their numbers within the run, where it is one of several processes; empty where they are `0..lanes`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lane_numbers: Vec<u16>,
    /// Whether the in-process broker was used: then the figures are this client's only.
    pub embedded: bool,
    /// Whether it was stopped before its end.
    pub interrupted: bool,
    /// Whether it was killed, and this was put together from what it had recorded until then: it was never judged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// Where a person changed the rate while it went on: rates and due times are those after the changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rate_changes: Vec<RateChange>,
    /// How far the wall clock moved against the monotonic one during the run, in us.
    pub wall_clock_drift_us: i64,
    /// `delivery.timeout`, `drain_deadline` and other deadlines that were reached, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deadlines_reached: Vec<String>,
}

/// On what and against what it ran.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// Processors this process may use, in whole ones; `cpu_quota` may allow less of their time.
    pub cores: usize,
    /// The processors that its control group's quota amounts to, such as 0.25; absent where there is none, or none is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_quota: Option<f64>,
    /// Operating system and architecture.
    pub os: String,
    /// `host:port` of each broker.
    pub brokers: Vec<String>,
    /// Each topic written to.
    pub topics: Vec<TopicReport>,
    /// The names of the types of event that there are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub event_types: Vec<String>,
    /// The schemas that events were written by; empty where all are JSON without one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schemas: Vec<SchemaReport>,
    /// The schemas that their keys were written by; empty where all are texts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_schemas: Vec<KeySchemaReport>,
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
    /// Its id; absent where the cluster did not tell one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whether it was deleted and made anew after the run had begun: it has another id now, or its log is younger than the run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub made_anew: bool,
    /// Copies of each partition; `None` where the broker did not say.
    pub replication_factor: Option<i32>,
    /// Its settings that decide what may happen to its records, as far as the cluster told them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
}
