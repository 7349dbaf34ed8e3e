//! What is to be run: a scenario file, and what options and variables put over it, resolved into one [`Plan`].
//!
//! The way of a setting: [`layer`] holds what each level says, [`resolve`](resolve()) lays them over the scenario so that no
//! setting is left open, [`Plan::new`](plan::Plan::new) checks the result and makes it plain data for the engine. The
//! resolved scenario is kept with the results: a run can be repeated from it.

pub mod choice;
pub mod client;
pub mod environment;
pub mod error;
pub mod faults;
pub mod file;
pub mod kafka;
pub mod layer;
pub mod pace;
pub mod plan;
pub mod resolve;
pub mod results;
pub mod selftest;
pub mod source;
pub mod text;
pub mod topics;
pub mod transactions;
pub mod verify;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use environment::Environment;
pub use error::ConfigError;
pub use layer::Level;
pub use plan::Plan;
pub use resolve::{Resolved, Wanted, resolve};

use crate::gate::GateConfig;
use crate::schedule::config::PhaseConfig;
use crate::schedule::{Rate, Speed};
use faults::FaultConfig;
use kafka::KafkaConfig;
use pace::PlannedRate;
use plan::{Commit, EventTime, GroupProtocol, Isolation, OnLag, Pacing};
use source::SourceConfig;
use transactions::TransactionConfig;

/// A scenario: what is run, without where its results go and how they are shown. What it leaves open has a default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// Its name, part of the name of the run's folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where the drawing of events starts.
    #[serde(with = "crate::units::exact::option", skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Producer threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lanes: Option<u16>,
    /// How they wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pacing: Option<Pacing>,
    /// Events per second: for a synthetic scenario instead of phases, for a recorded one instead of its own times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<PlannedRate>,
    /// Multiplies the rates of synthetic phases; how much faster than recorded a recording is replayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<Speed>,
    /// How long a recording is to take.
    #[serde(with = "text::duration", skip_serializing_if = "Option::is_none")]
    pub fit: Option<Duration>,
    /// When the run ends.
    #[serde(with = "text::duration", skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
    /// The most events that are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_records: Option<u64>,
    /// A ceiling on what is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_rate: Option<Rate>,
    /// What happens to late events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_lag: Option<OnLag>,
    /// What counts as too late.
    #[serde(with = "text::duration", skip_serializing_if = "Option::is_none")]
    pub max_slip: Option<Duration>,
    /// Bytes that the value of each event is brought to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload_bytes: Option<u64>,
    /// How compressible the text is that does so, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compressibility: Option<f64>,
    /// The longest wait for outstanding answers at the end.
    #[serde(with = "text::duration", skip_serializing_if = "Option::is_none")]
    pub flush_deadline: Option<Duration>,
    /// From how long on a partition that does not answer, or is not read, stalls.
    #[serde(with = "text::duration", skip_serializing_if = "Option::is_none")]
    pub stall_threshold: Option<Duration>,
    /// The body's time of replayed events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_time: Option<EventTime>,
    /// Built-in gates that are turned off, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gates_off: Vec<String>,
    /// Where events come from; read by [`mod@file`], since its kind decides its form.
    #[serde(skip_deserializing)]
    pub source: SourceConfig,
    /// The phases of a synthetic run.
    #[serde(rename = "phase", skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<PhaseConfig>,
    /// The cluster.
    pub kafka: KafkaConfig,
    /// Sending in transactions.
    #[serde(skip_serializing_if = "TransactionConfig::is_silent")]
    pub transactions: TransactionConfig,
    /// How events are read back.
    pub verify: VerifyConfig,
    /// What is broken meanwhile.
    #[serde(rename = "fault", skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultConfig>,
    /// Rules to keep.
    #[serde(rename = "gate", skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<GateConfig>,
}

/// The `[verify]` table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VerifyConfig {
    /// Whether events are read back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// The consumer group to join.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Members of the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumers: Option<u8>,
    /// How the group is coordinated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_protocol: Option<GroupProtocol>,
    /// Who divides the partitions among the members.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignor: Option<String>,
    /// Who commits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// How often.
    #[serde(with = "text::duration", skip_serializing_if = "Option::is_none")]
    pub commit_interval: Option<Duration>,
    /// How often a member joins or leaves, in turns.
    #[serde(with = "text::duration", skip_serializing_if = "Option::is_none")]
    pub chaos_rebalance: Option<Duration>,
    /// Which records of transactions are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isolation: Option<Isolation>,
    /// The longest wait for the last events.
    #[serde(with = "text::duration", skip_serializing_if = "Option::is_none")]
    pub drain_deadline: Option<Duration>,
}

/// The known name that is most like `name`, where one is alike enough to be meant.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let alike = known.into_iter().map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate));
    let likeness = |candidate: &str| strsim::jaro_winkler(name, candidate);
    let nearer = |(a_far, a): &(usize, &str), (b_far, b): &(usize, &str)| {
        a_far.cmp(b_far).then_with(|| likeness(b).total_cmp(&likeness(a)))
    };
    let (distance, candidate) = alike.min_by(nearer)?;
    (distance <= name.chars().count().div_ceil(3).max(1)).then_some(candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_the_one_that_was_meant() {
        let known = ["LOADGEN_SEED", "LOADGEN_SPEED", "LOADGEN_TOPIC"];
        assert_eq!(nearest("LOADGEN_SPED", known), Some("LOADGEN_SPEED"));
        assert_eq!(nearest("tpoic", ["topic", "acks"]), Some("topic"));
        assert_eq!(nearest("xyzzy", ["topic", "acks"]), None);
        assert_eq!(nearest("x", []), None);
    }
}
