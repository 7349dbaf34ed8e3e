//! The levels that settings come from.

use std::fmt;

/// Where a setting comes from, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// An option.
    Option,
    /// An environment variable.
    Environment,
    /// A line of the `.env` file.
    EnvFile,
    /// The scenario.
    Scenario,
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Option => "the command line",
            Self::Environment => "the environment",
            Self::EnvFile => "the .env file",
            Self::Scenario => "the scenario",
            Self::Default => "the defaults",
        })
    }
}
