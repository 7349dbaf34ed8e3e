//! What is wrong with a configuration: what happened, where, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use super::level::Level;
use crate::source::recorded;
use crate::verdict::ExitCode;

/// Why a configuration makes no plan.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Two settings of the same level exclude each other.
    #[error("{first} and {second} exclude each other, and {level} has both")]
    Conflict {
        /// Where both are.
        level: Level,
        /// One of them, as it is written there.
        first: String,
        /// The other.
        second: String,
    },
    /// An option does not fit what is run.
    #[error("{option} does not apply: {reason}")]
    Misplaced {
        /// The option.
        option: String,
        /// Why not.
        reason: String,
    },
    /// A value that cannot be.
    #[error("{what} ({level}): {reason}")]
    Value {
        /// Where it comes from.
        level: Level,
        /// The setting, as it is written there.
        what: String,
        /// What is wrong with its value.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// A variable whose value cannot be used.
    #[error("{variable} ({level}): {reason}")]
    Variable {
        /// Its name.
        variable: String,
        /// Where it is set.
        level: Level,
        /// What is wrong with its value.
        reason: String,
    },
    /// A file that cannot be read.
    #[error("{what} {path} cannot be read: {source}", path = path.display())]
    Unreadable {
        /// What the file is.
        what: &'static str,
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A place in a file that means nothing.
    #[error("{path} line {line}: {reason}", path = path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
        /// What to do.
        hint: Option<String>,
    },
    /// The settings of a scenario, or of all levels together, make no plan.
    #[error("{reason}")]
    Plan {
        /// What is wrong.
        reason: String,
        /// What to do.
        hint: Option<String>,
    },
    /// A client property that cannot be used.
    #[error("client property {key} ({origin}): {reason}")]
    Property {
        /// The property.
        key: String,
        /// Where it comes from.
        origin: String,
        /// Why not.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// A client property that the Kafka client itself refuses.
    #[error("client property {key}{} is refused by the Kafka client: {reason}", value.as_deref().map(|value| format!(" = {value}")).unwrap_or_default())]
    RefusedByClient {
        /// The property.
        key: String,
        /// Its value, where it is no secret, and the name is not one that might be a secret's, misspelt.
        value: Option<String>,
        /// The client's words.
        reason: String,
    },
    /// A recording that cannot be played.
    #[error(transparent)]
    Recording(recorded::LoadError),
    /// The results folder cannot be written.
    #[error("results folder {path} cannot be written: {source}", path = path.display())]
    Results {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A scenario of that name is there, with its ending or in the usual folder.
fn alike(path: &Path) -> Option<String> {
    let name = path.with_extension("toml");
    let there =
        [name.clone(), Path::new("scenarios").join(name)].into_iter().find(|file| file.is_file() && file != path)?;
    Some(format!("did you mean {}?", there.display()))
}

impl ConfigError {
    /// What to do about it, where there is something to say.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Conflict { .. } => Some(
                "keep one of them; an option beats a variable, a variable the .env file, and that the scenario"
                    .to_owned(),
            ),
            Self::Value { hint, .. } | Self::Property { hint, .. } => Some(hint.clone()),
            Self::Line { hint, .. } | Self::Plan { hint, .. } => hint.clone(),
            Self::RefusedByClient { .. } => Some("-X dump prints every property with where it comes from".to_owned()),
            Self::Results { .. } => Some("--results-dir DIR names another folder".to_owned()),
            Self::Unreadable { path, .. } => alike(path),
            Self::Recording(error) => error.hint(),
            Self::Misplaced { .. } | Self::Variable { .. } => None,
        }
    }

    /// What the program ends with: [`ExitCode::Usage`] where the command line or a variable is at fault.
    #[must_use]
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Conflict { level, .. } | Self::Value { level, .. } => match level {
                Level::Option | Level::Environment | Level::EnvFile => ExitCode::Usage,
                Level::Scenario | Level::Default => ExitCode::BadConfiguration,
            },
            Self::Misplaced { .. } | Self::Variable { .. } => ExitCode::Usage,
            Self::Recording(error) if !error.is_configuration() => ExitCode::BadInput,
            _ => ExitCode::BadConfiguration,
        }
    }
}

/// Settings that make no plan, and what to do.
pub(super) fn plan_error(reason: &str, hint: &str) -> ConfigError {
    ConfigError::Plan { reason: reason.to_owned(), hint: Some(hint.to_owned()) }
}
