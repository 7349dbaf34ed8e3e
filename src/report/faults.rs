//! The faults that a run was to inject, and what became of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figures;

/// One fault.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FaultReport {
    /// When it was to be injected, in seconds since the start.
    pub at_s: f64,
    /// The command that it is.
    pub run: String,
    /// What became of that; absent where it was not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandReport>,
    /// What became of the command that undoes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<CommandReport>,
    /// Why it was not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_run: Option<String>,
    /// Partitions that had no ack for the stall threshold or longer when it was injected or soon after.
    #[serde(default)]
    pub stalled_partitions: u64,
    /// Seconds from its start to the first ack in the last of these; absent where there are none, or one was never acked again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_ack_after_s: Option<f64>,
}

/// A command that was run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CommandReport {
    /// The command.
    pub command: String,
    /// When it was started, in seconds since the start of the run.
    pub started_s: f64,
    /// How long it took, in seconds.
    pub took_s: f64,
    /// Its exit code; absent where it did not end by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Why it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The first 4 KiB of what it wrote on stdout and stderr.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub output: String,
}

impl CommandReport {
    /// How it failed, where it did.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        match (&self.error, self.exit_code) {
            (Some(error), _) => Some(error.clone()),
            (None, Some(0)) => None,
            (None, Some(code)) => Some(format!("exit code {code}")),
            (None, None) => Some("no exit code".to_owned()),
        }
    }
}

impl FaultReport {
    /// Why it, or undoing it, did not go as it was to, in one sentence.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        let at = figures::duration_s(self.at_s);
        if let Some(why) = &self.not_run {
            return Some(format!("the fault at {at} was not injected: {why}"));
        }
        let failed = |what: &str, command: &CommandReport| {
            let how = command.failure()?;
            let said = command.output.lines().next_back().map_or_else(String::new, |line| format!(" ({line})"));
            Some(format!("{what} at {at} failed: `{}`: {how}{said}", command.command))
        };
        let command = self.command.as_ref().and_then(|command| failed("the fault", command));
        command.or_else(|| self.undo.as_ref().and_then(|undo| failed("undoing the fault", undo)))
    }

    /// What it was and what came of it, in one line.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut told = vec![format!("at {}: {}", figures::duration_s(self.at_s), self.run)];
        told.extend(self.failure());
        if self.stalled_partitions > 0 {
            let partitions = figures::counted(self.stalled_partitions, "partition");
            told.push(match self.first_ack_after_s {
                Some(after) => {
                    format!("{partitions} stalled, first ack in the last of them after {}", figures::duration_s(after))
                }
                None => {
                    format!("{partitions} stalled, not all acked again")
                }
            });
        }
        told.join(" · ")
    }
}
