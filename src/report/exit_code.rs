//! The exit codes: what each means, and which of several is told.

use std::fmt;

/// How the program ended. The number is the process's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ExitCode {
    /// Nothing was wrong, and enough was measured to say so.
    Pass = 0,
    /// The command line cannot be understood.
    Usage = 2,
    /// Events were lost, damaged, doubled or reordered where that must not happen, a result downstream is wrong, or a schema is incompatible.
    CorrectnessViolated = 3,
    /// A gate could not be evaluated, or the fate of events or the verdict on a schema is not known.
    Unevaluated = 4,
    /// The generator was the limit.
    RunInvalid = 5,
    /// The cluster or the schema registry could not be used.
    Cluster = 6,
    /// The input data is bad.
    BadInput = 7,
    /// What came of it could not be written: a file of the results, an export, or stdout.
    NotWritten = 8,
    /// A gate failed.
    GateFailed = 99,
    /// The configuration is invalid.
    BadConfiguration = 104,
    /// Stopped by the user.
    Interrupted = 130,
}

impl ExitCode {
    /// Every code; where several apply, the first of them is told.
    pub const BY_PRECEDENCE: [Self; 11] = [
        Self::Usage,
        Self::BadInput,
        Self::BadConfiguration,
        Self::CorrectnessViolated,
        Self::Cluster,
        Self::RunInvalid,
        Self::Interrupted,
        Self::GateFailed,
        Self::NotWritten,
        Self::Unevaluated,
        Self::Pass,
    ];

    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The code with that number, if there is one.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::BY_PRECEDENCE.into_iter().find(|known| known.code() == code)
    }

    /// The name in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Usage => "usage",
            Self::CorrectnessViolated => "correctness_violated",
            Self::Unevaluated => "unevaluated",
            Self::RunInvalid => "run_invalid",
            Self::Cluster => "cluster",
            Self::BadInput => "bad_input",
            Self::NotWritten => "not_written",
            Self::GateFailed => "gate_failed",
            Self::BadConfiguration => "bad_configuration",
            Self::Interrupted => "interrupted",
        }
    }

    /// What it means, in one line.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Pass => "nothing was wrong, and enough was measured to say so",
            Self::Usage => "the command line cannot be understood",
            Self::CorrectnessViolated => {
                "events were lost, damaged, doubled or reordered where that must not happen, a result downstream is wrong, or a schema is incompatible"
            }
            Self::Unevaluated => {
                "a gate could not be evaluated, or the fate of some events or the verdict on a schema is not known"
            }
            Self::RunInvalid => "the load was not what was planned: the figures say nothing about the cluster",
            Self::Cluster => {
                "the cluster or the schema registry could not be used: no connection, a time-out, something missing there or \
                 a missing right"
            }
            Self::BadInput => "the input data is bad",
            Self::NotWritten => "the results, an export or stdout could not be written",
            Self::GateFailed => "a gate failed",
            Self::BadConfiguration => "the configuration is invalid",
            Self::Interrupted => "interrupted before the end; what was sent until then is reported",
        }
    }

    /// The one of the two that is told where both apply.
    #[must_use]
    pub fn outranking(self, other: Self) -> Self {
        if self.rank() <= other.rank() { self } else { other }
    }

    /// Place in [`ExitCode::BY_PRECEDENCE`]; 0 outranks all.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Usage => 0,
            Self::BadInput => 1,
            Self::BadConfiguration => 2,
            Self::CorrectnessViolated => 3,
            Self::Cluster => 4,
            Self::RunInvalid => 5,
            Self::Interrupted => 6,
            Self::GateFailed => 7,
            Self::NotWritten => 8,
            Self::Unevaluated => 9,
            Self::Pass => 10,
        }
    }
}

/// `exit 99 (gate_failed): a gate failed`: the last line on stderr.
impl fmt::Display for ExitCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {} ({}): {}", self.code(), self.as_str(), self.meaning())
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_follow_the_order_of_precedence() {
        for (place, code) in ExitCode::BY_PRECEDENCE.into_iter().enumerate() {
            assert_eq!(usize::from(code.rank()), place);
            assert_eq!(ExitCode::from_code(code.code()), Some(code));
        }
        assert_eq!(ExitCode::from_code(1), None);
    }

    #[test]
    fn correctness_outranks_the_cluster_and_the_cluster_outranks_the_gates() {
        assert_eq!(ExitCode::GateFailed.outranking(ExitCode::CorrectnessViolated), ExitCode::CorrectnessViolated);
        assert_eq!(ExitCode::Cluster.outranking(ExitCode::GateFailed), ExitCode::Cluster);
        assert_eq!(ExitCode::Unevaluated.outranking(ExitCode::Pass), ExitCode::Unevaluated);
    }

    #[test]
    fn what_could_not_be_written_hides_no_verdict_that_something_was_wrong() {
        use ExitCode::{
            Cluster, CorrectnessViolated, GateFailed, Interrupted, NotWritten, Pass, RunInvalid, Unevaluated,
        };
        for wrong in [CorrectnessViolated, Cluster, RunInvalid, Interrupted, GateFailed] {
            assert_eq!(NotWritten.outranking(wrong), wrong);
        }
        for open in [Unevaluated, Pass] {
            assert_eq!(NotWritten.outranking(open), NotWritten);
        }
    }

    #[test]
    fn the_last_line_names_number_name_and_meaning() {
        assert_eq!(ExitCode::GateFailed.to_string(), "exit 99 (gate_failed): a gate failed");
    }
}
