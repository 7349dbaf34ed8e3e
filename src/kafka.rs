//! The Kafka client: librdkafka behind a small safe surface, without an allocation per message.

pub mod admin;
mod code;
pub mod embedded;
pub mod errors;
pub mod headers;
pub mod murmur2;
pub mod native;
pub mod properties;
mod refusal;
pub mod settings;
pub mod slots;
pub mod trouble;

use std::collections::BTreeMap;
use std::time::Duration;

pub use code::Code;
use headers::Headers;
pub use refusal::Refusal;
use trouble::Trouble;

/// Whether the client has a property of that name.
#[must_use]
pub fn knows_property(name: &str) -> bool {
    native::knows_property(name)
}

/// How long an answer of the cluster is waited for.
#[derive(Clone, Copy)]
pub struct Wait<'a> {
    /// The longest wait.
    pub timeout: Duration,
    /// Asked meanwhile; true ends the wait at once.
    pub given_up: &'a dyn Fn() -> bool,
}

impl Wait<'_> {
    /// A wait that nothing ends but its time.
    #[must_use]
    pub const fn of(timeout: Duration) -> Self {
        Self { timeout, given_up: &|| false }
    }
}

/// Client settings by librdkafka's names.
pub type Settings = BTreeMap<String, String>;

/// Why something asked of a cluster was not done.
#[derive(Clone, Debug, thiserror::Error)]
pub enum KafkaError {
    /// A client setting does not exist or has no such value.
    #[error("client setting {key}: {reason}")]
    Setting {
        /// The setting.
        key: String,
        /// librdkafka's words.
        reason: String,
    },
    /// The settings do not go together.
    #[error("the client cannot be created: {0}")]
    Create(String),
    /// No broker answered, in time or in a way that gives hope.
    #[error("{}", unreachable(address, *waited, trouble.as_deref()))]
    Unreachable {
        /// The bootstrap addresses.
        address: String,
        /// How long it was tried.
        waited: Duration,
        /// What stands in the way, where the client said it.
        trouble: Option<Box<Trouble>>,
    },
    /// A partition's leader does not answer at the address that the cluster gives for it.
    #[error(
        "broker {id} leads partition {partition} of topic \"{topic}\" at {address}, and does not answer there ({}): {}",
        spent(*waited),
        trouble.as_ref().map_or_else(|| describe(*code), ToString::to_string)
    )]
    LeaderUnreachable {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The leader.
        id: i32,
        /// Where it is, by the cluster's word (advertised.listeners).
        address: String,
        /// The bootstrap addresses, which do answer.
        bootstrap: String,
        /// How long it was tried.
        waited: Duration,
        /// The last answer.
        code: Code,
        /// What stands in the way, where the client said it.
        trouble: Option<Box<Trouble>>,
    },
    /// The topic does not exist.
    #[error("topic \"{topic}\" does not exist on {address}")]
    TopicMissing {
        /// The topic.
        topic: String,
        /// The bootstrap addresses.
        address: String,
    },
    /// The cluster refused.
    #[error("{what}: {}", describe(*code))]
    Refused {
        /// What was asked.
        what: String,
        /// The answer.
        code: Code,
    },
    /// A partition has no leader, or the leader did not answer.
    #[error("partition {partition} of topic \"{topic}\" is not ready after {}: {}", spent(*waited), describe(*code))]
    PartitionUnavailable {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// How long it was tried.
        waited: Duration,
        /// The last answer.
        code: Code,
    },
    /// A consumer group did not give this process every partition in time.
    #[error(
        "the group \"{group}\" gave this process {} of topic {topics} within {waited:?}: {}",
        if *all { "no partition".to_owned() } else { format!("no reader for partitions {partitions}") },
        "other members have them, or the coordinator still waits for members that have gone"
    )]
    GroupIncomplete {
        /// The group.
        group: String,
        /// The topics.
        topics: String,
        /// The partitions that it did not get.
        partitions: String,
        /// Whether these are all there are.
        all: bool,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The name cannot be passed to the client.
    #[error("\"{0}\" contains a NUL byte")]
    Nul(String),
}

/// Why there was no answer: what stands in the way, or how long it was waited for.
fn unreachable(address: &str, waited: Duration, trouble: Option<&Trouble>) -> String {
    match trouble {
        Some(trouble) if trouble.obstacle.says_enough() => trouble.to_string(),
        Some(trouble) => format!("no answer from {address} within {}: {trouble}", spent(waited)),
        None => format!("no answer from {address} within {}", spent(waited)),
    }
}

/// A time that was waited, to the tenth of a second.
fn spent(waited: Duration) -> String {
    let tenths = (waited.as_millis() + 50) / 100;
    if tenths.is_multiple_of(10) { format!("{} s", tenths / 10) } else { format!("{}.{} s", tenths / 10, tenths % 10) }
}

/// Whether the cluster said that this client has no right to what it asked for.
#[must_use]
pub const fn lacks_right(code: Code) -> bool {
    matches!(
        code,
        Code::TopicAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed
    )
}

/// The name of a code, and librdkafka's words for it.
#[must_use]
pub fn describe(code: Code) -> String {
    code.to_string()
}

/// Something the client said by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// An error that concerns no single message. Most mend themselves; a fatal one ends the producer.
    Error {
        /// What kind.
        code: Code,
        /// The client's words.
        text: String,
        /// Whether the producer can go on.
        fatal: bool,
    },
    /// A log line with its syslog level (3 error .. 7 debug).
    Log {
        /// Syslog level.
        level: i32,
        /// The client's name for the place.
        facility: String,
        /// The client's words.
        text: String,
    },
    /// `statistics.interval.ms` has passed: the statistics as JSON.
    Statistics(String),
}

/// What the broker's answer says about one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The broker confirmed it with the acks asked for.
    Acked,
    /// Proven not written.
    Refused(Code),
    /// Nothing is proven.
    Unanswered(Code),
}

/// What can be done about a step of a transaction that did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// The same step can be taken again, and goes on where it was.
    Again,
    /// The transaction must be aborted; then the next one can begin.
    Abort,
    /// The producer cannot go on: it was fenced, or failed for good.
    Nothing,
}

/// Why a step of a transaction did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text} ({})", describe(*code))]
pub struct TransactionError {
    /// What kind.
    pub code: Code,
    /// The client's words.
    pub text: String,
    /// What can be done.
    pub remedy: Remedy,
}

/// A delivery report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// What the sender gave with the message.
    pub ticket: usize,
    /// Where it went.
    pub partition: i32,
    /// Its offset, where the broker told it.
    pub offset: Option<i64>,
    /// What is known.
    pub answer: Answer,
}

/// The partitions of a topic and who leads them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicMetadata {
    /// Number of partitions.
    pub partitions: i32,
    /// Copies of partition 0.
    pub replication_factor: i32,
    /// Partitions without a leader.
    pub leaderless: Vec<i32>,
    /// The broker that leads each partition; -1 where there is none.
    pub leaders: BTreeMap<i32, i32>,
    /// The topic's id, where it was asked for and the cluster gives one.
    pub id: Option<String>,
}

/// A cluster as one broker describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterMetadata {
    /// Its id, where it has told one.
    pub id: Option<String>,
    /// `host:port` of each broker.
    pub brokers: Vec<String>,
    /// The id of each broker, in the same order.
    pub ids: Vec<i32>,
    /// The topic asked for.
    pub topic: TopicMetadata,
}

/// A topic as the cluster describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicState {
    /// Its partitions, by number.
    pub partitions: Vec<PartitionState>,
}

/// A partition as the cluster describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionState {
    /// Its number.
    pub partition: i32,
    /// The broker that leads it; `None` where there is none.
    pub leader: Option<i32>,
    /// The brokers that have a copy.
    pub copies: Vec<i32>,
    /// Of these, the ones whose copy is complete.
    pub in_sync: Vec<i32>,
}

/// Which topic a name stands for: one that is deleted and made anew has another id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicIdentity {
    /// Its id (KIP-516), as Kafka writes it; `None` where the cluster gives topics none.
    pub id: Option<String>,
    /// Its partitions.
    pub partitions: i32,
}

/// Where a partition's log begins and ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watermarks {
    /// The log's start.
    pub low: i64,
    /// The high watermark: the end for every reader. The leader's own log may go on, with records that are not replicated yet.
    pub high: i64,
    /// The last stable offset, where the oldest open transaction begins: the end for readers of committed records. The high
    /// watermark where no transaction is open, or where it was not asked for.
    pub stable: i64,
}

/// How far a partition has been read, and what was read judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The partition, or its slot.
    pub partition: i32,
    /// The offset of what comes next.
    pub position: i64,
    /// The leader epoch of the last record; negative where it is not known.
    pub leader_epoch: i32,
}

/// Which clock gave a record its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timestamp {
    /// The producer's, ms since the Unix epoch.
    Create(i64),
    /// The broker's, ms since the Unix epoch: says nothing of the producer.
    LogAppend(i64),
    /// None.
    Missing,
}

impl Timestamp {
    /// Whoever's clock it is by, ms since the Unix epoch.
    #[must_use]
    pub const fn unix_ms(self) -> Option<i64> {
        match self {
            Self::Create(ms) | Self::LogAppend(ms) => Some(ms),
            Self::Missing => None,
        }
    }
}

/// A record as the reading side gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its time.
    pub timestamp: Timestamp,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value; `None` for a tombstone.
    pub body: Option<&'a [u8]>,
    /// Its headers.
    pub headers: Headers<'a>,
    /// The leader epoch it was read under; -1 where unknown.
    pub leader_epoch: i32,
}

/// What a read gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered<'a> {
    /// A record.
    Record(Record<'a>),
    /// The reader has reached the end of a partition; `offset` is the next one.
    EndOfPartition {
        /// The partition.
        partition: i32,
        /// The offset after the last record, control records counted.
        offset: i64,
    },
    /// The reader cannot go on in a partition (or, where it is -1, at all).
    Error {
        /// The partition.
        partition: i32,
        /// What kind.
        code: Code,
        /// The offset concerned, where there is one.
        offset: i64,
    },
}
