//! What a run needs to know beside its source and schedule.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{Detail, Fault};
use crate::event::catalogue::Catalogue;
use crate::event::padding::Padding;
use crate::event::rollout::Rollout;
use crate::event::stamp::{Numbering, RunId};
use crate::expect::Expectation;
use crate::kafka::Settings;
use crate::kafka::properties::redacted;
use crate::registry::Access;
use crate::report::{ExpectReport, SchemaReport};
use crate::settings::recording::EventTime;
use crate::settings::run::{Lateness, Pacing, Patience};
use crate::settings::transactions::Transactions;
use crate::settings::verification::Verification;
use crate::source::Late;

/// What a run needs to know beside its source and schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: RunId,
    /// Where the drawing of events started; only told in the report.
    pub seed: u64,
    /// Producer threads.
    pub lanes: Lanes,
    /// The wall time at which the schedule starts, in ns since the Unix epoch; `None`: as soon as all stands ready.
    pub start_at_unix_ns: Option<u64>,
    /// How they wait.
    pub pacing: Pacing,
    /// Which time the bodies carry.
    pub event_time: EventTime,
    /// Which events have a time of their own that lies behind.
    pub late: Late,
    /// How late events may be, and the ceiling on what is sent.
    pub lateness: Lateness,
    /// The cluster, its topics and its clients.
    pub kafka: KafkaConfig,
    /// The types of event that there are.
    pub catalogue: Arc<Catalogue>,
    /// The schemas that they are written by; empty where all are JSON without one.
    pub schemas: Vec<SchemaReport>,
    /// Which versions of them each phase is written in.
    pub rollout: Rollout,
    /// How events are read back; `None`: not at all.
    pub verify: Option<Verification>,
    /// How events are cut into transactions; `None`: there are none.
    pub transactions: Option<Transactions>,
    /// How bodies are padded.
    pub padding: Option<Padding>,
    /// How long is waited for the cluster.
    pub patience: Patience,
    /// How much of the timeline is kept second by second.
    pub detail: Detail,
    /// The file in which the answers are written down for a reader in another process.
    pub answers: Option<PathBuf>,
    /// What is broken meanwhile.
    pub faults: Vec<Fault>,
    /// What must come out downstream.
    pub downstream: Downstream,
}

const LEFT_TO_OTHERS: &str =
    "this is a part of the run: loadgen verify --expect judges the whole, and loadgen merge takes what it says";

/// What must come out downstream, and how long it is waited for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Downstream {
    /// What is expected.
    pub expectations: Vec<Expectation>,
    /// The longest wait for results when the input has ended.
    pub deadline: Duration,
    /// Whether events are sent that close the last windows.
    pub closes_windows: bool,
    /// The registry that has the schemas of records which name one.
    pub registry: Option<Access>,
    /// Whether others judge it: a part of a run knows only a part of the input.
    pub is_left_to_others: bool,
}

impl Downstream {
    /// What a part of a run says of results that others judge.
    pub(super) fn left_to_others(&self) -> Vec<ExpectReport> {
        let left = |expectation: &Expectation| ExpectReport {
            name: expectation.name.clone(),
            sentence: expectation.to_string(),
            topic: expectation.topic.clone(),
            why_undecided: Some(LEFT_TO_OTHERS.to_owned()),
            ..ExpectReport::default()
        };
        if self.is_left_to_others { self.expectations.iter().map(left).collect() } else { Vec::new() }
    }
}

/// The cluster of a run, its topics and its clients.
#[derive(Clone, PartialEq, Eq)]
pub struct KafkaConfig {
    /// Brokers to start from; `None` starts the embedded broker.
    pub bootstrap: Option<String>,
    /// The topic.
    pub topic: String,
    /// Types of events that go into another topic than that.
    pub topic_map: BTreeMap<String, String>,
    /// Headers that every record has, by name.
    pub headers: BTreeMap<String, String>,
    /// Whether a missing topic is made.
    pub create_topics: bool,
    /// Partitions of a topic that must be made: by the embedded broker always, on a cluster where it is missing and `create_topics`
    /// is set.
    pub partitions: i32,
    /// Copies of each partition of a topic that is made.
    pub replication_factor: i32,
    /// Settings of both clients, by librdkafka's names, without `bootstrap.servers`.
    pub client: Settings,
    /// The longest wait for the cluster's first answers.
    pub connect_timeout: Duration,
    /// A consumer group whose lag is looked at; it is never joined.
    pub lag_group: Option<String>,
}

impl KafkaConfig {
    /// The clients' settings for reports and dumps: without secrets.
    #[must_use]
    pub fn redacted_client(&self) -> Settings {
        redacted(&self.client)
    }
}

/// Without secrets.
impl fmt::Debug for KafkaConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bootstrap, topic, .. } = self;
        let client = self.redacted_client();
        let mut shown = f.debug_struct("KafkaConfig");
        shown.field("bootstrap", bootstrap).field("topic", topic).field("client", &client).finish_non_exhaustive()
    }
}

/// The lanes of this process among those of the whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lanes {
    /// The first one's number.
    pub first: u16,
    /// How many it has.
    pub count: u16,
    /// How many the whole run has, over all its processes.
    pub all: u16,
}

impl Lanes {
    /// All lanes of a run of one process.
    #[must_use]
    pub const fn only(count: u16) -> Self {
        Self { first: 0, count, all: count }
    }

    /// Their numbers.
    pub fn numbers(self) -> impl Iterator<Item = u16> {
        (self.first..=u16::MAX).take(usize::from(self.count))
    }

    /// How they name their events in stamps.
    #[must_use]
    pub const fn numbering(self) -> Numbering {
        Numbering::of(self.all)
    }

    /// The same for a report: none where they are all of the run's.
    #[must_use]
    pub fn named(self) -> Vec<u16> {
        if self.count == self.all { Vec::new() } else { self.numbers().collect() }
    }

    /// How many of the run's first `events` events are theirs: event n is lane (n mod all)'s.
    #[must_use]
    pub fn share(self, events: u64) -> u64 {
        let (first, count, all) = (u64::from(self.first), u64::from(self.count), u64::from(self.all.max(1)));
        events / all * count + (events % all).saturating_sub(first).min(count)
    }
}

impl Config {
    /// The topics, the main one first, and the index of each type's.
    pub(super) fn topics(&self) -> (Vec<&str>, Vec<usize>) {
        let mut topics = vec![self.kafka.topic.as_str()];
        let of_type = self.catalogue.names().map(|event_type| {
            let name = self.kafka.topic_map.get(event_type).map_or(self.kafka.topic.as_str(), String::as_str);
            topics.iter().position(|topic| *topic == name).unwrap_or_else(|| {
                topics.push(name);
                topics.len() - 1
            })
        });
        let of_type = of_type.collect();
        (topics, of_type)
    }
}
