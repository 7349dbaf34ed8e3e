//! Why a run did not begin, or broke off.

use std::path::PathBuf;
use std::time::Duration;

use crate::event::stamp::{LANES, SEQUENCES};
use crate::kafka::KafkaError;
use crate::registry::BadAccess;
use crate::source::LaneError;

/// Why a run did not begin.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The cluster, or the client's settings.
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    /// A topic of what is expected downstream is not there, or cannot be read.
    #[error("what is expected downstream: {0}")]
    Downstream(KafkaError),
    /// The registry in which the schemas of results are cannot be asked.
    #[error(transparent)]
    Registry(#[from] BadAccess),
    /// The source cannot be divided among the lanes.
    #[error(transparent)]
    Source(#[from] LaneError),
    /// A partition that recorded records are to keep is not there.
    #[error("topic \"{topic}\" has {has} partitions, and the recording has records of partition {partition}")]
    NoPartition {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// How many it has.
        has: i32,
    },
    /// Records would go into the topic that they were recorded from, and nobody said that they may.
    #[error("topic \"{0}\" is the one that the recording was made of: it would have its records twice")]
    IntoItself(String),
    /// Records would go into a topic that is read for them.
    #[error("topic \"{0}\" is read and written to on one cluster: its records would go round for ever")]
    IntoTheRead(String),
    /// A lane would have to number more events than a stamp can hold.
    #[error("{events} events are more than {lanes} lanes can number: {}", would_do(*needed))]
    TooFewLanes {
        /// Events planned.
        events: u64,
        /// Lanes planned.
        lanes: u16,
        /// Lanes that would do, over all processes; `None` where no number would.
        needed: Option<u16>,
    },
    /// A thread did not start, or ended with a panic before anything was sent or read.
    #[error("thread {0}")]
    Thread(String),
    /// A thread did not start, or ended with a panic, when events had been sent or read. What was recorded until then stands.
    #[error("it broke off: {0}")]
    BrokenOff(String),
    /// The file of answers cannot be written.
    #[error("{path}: {source}", path = path.display())]
    Answers {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A topic is not what it was when its producer began.
    #[error("topic \"{topic}\" had {then} partitions when its producer began and has {now} now: keys have moved")]
    TopicChanged {
        /// The topic.
        topic: String,
        /// Its partitions then.
        then: i32,
        /// Its partitions now.
        now: i32,
    },
    /// The time to start had passed.
    #[error("the time to start had passed by {0:?} when all stood ready")]
    TooLateToStart(Duration),
    /// The processes that were to make it together did not meet.
    #[error(transparent)]
    NotMet(Box<dyn std::error::Error + Send + Sync>),
    /// It was interrupted before it began.
    #[error("interrupted before the first event was sent")]
    Interrupted,
}

fn would_do(lanes: Option<u16>) -> String {
    match lanes {
        Some(lanes) => format!("{lanes} lanes in all would do"),
        None => format!("a run can number at most {}", u64::from(LANES) * SEQUENCES),
    }
}
