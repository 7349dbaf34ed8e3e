//! A command that breaks something at a time of the schedule, and how that is undone.

use std::time::Duration;

/// A command that breaks something, and how that is undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When, since the start of the schedule.
    pub at: Duration,
    /// What is run, by `sh -c`.
    pub run: String,
    /// What undoes it, where it has to be undone.
    pub undo: Option<String>,
    /// How long after its start it is undone; at the end of the run where that comes first, or nothing is said.
    pub after: Option<Duration>,
    /// The longest that either command may take.
    pub deadline: Duration,
    /// Variables of the environment that the commands get beside the usual ones.
    pub env: Vec<String>,
}
