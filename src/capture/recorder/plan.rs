//! What is to be recorded: of which topics, from where to where.

use std::time::Duration;

/// Where a recording begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the start of each log.
    Earliest,
    /// At its end: only what is written from now on.
    Latest,
    /// At the first record that is not older, ms since the Unix epoch.
    At(i64),
}

/// Where it ends, if not before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// When it is asked to.
    Interrupt,
    /// Where the logs end when it begins.
    End,
    /// When nothing has come for this time.
    Idle(Duration),
    /// Before the first record that is as old or younger, ms since the Unix epoch; waits until then.
    At(i64),
}

/// What is to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingPlan {
    /// The topics.
    pub topics: Vec<String>,
    /// From where.
    pub from: Start,
    /// To where.
    pub until: Until,
    /// After how many records it ends, at the latest.
    pub most: Option<u64>,
    /// Whether only records of committed transactions are taken.
    pub read_committed: bool,
}
