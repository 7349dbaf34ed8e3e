//! Why files of events cannot be read.

use super::problem::RowProblem;
use crate::capture::read::ReadError;
use crate::input::InputError;
use crate::sorting::SpillError;

/// Why files of events cannot be read.
#[derive(Debug, thiserror::Error)]
#[expect(
    missing_docs,
    reason = "`file` is the name as given, `line` counts from 1, the rest is what the messages show"
)]
pub enum FileError {
    /// A file cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The disk for sorting fails.
    #[error(transparent)]
    Sorting(#[from] SpillError),
    /// A recording cannot be read.
    #[error("{file}: {source}")]
    Unreadable { file: String, source: ReadError },
    /// A pattern of names.
    #[error("{pattern} {problem}")]
    Pattern { pattern: String, problem: String },
    /// A file that is named twice.
    #[error("{file} is named twice: each of its events would come twice")]
    Twice { file: String },
    /// Nobody said which field has the times.
    #[error("{file}: no --time-field says which of its fields has the times; it has {fields}")]
    NoTimeField { file: String, fields: String, candidates: Vec<String>, preset: Option<&'static str> },
    /// A field that the files cannot have.
    #[error("{file} has no field {field}, which {option} names; it has {fields}")]
    NoField { file: String, option: &'static str, field: String, fields: String },
    /// A clock that the preset has not.
    #[error("--clock {clock}: {known}")]
    Clock { clock: &'static str, known: String },
    /// Two settings that do not go together.
    #[error("{0}")]
    Setting(String),
    /// A row that cannot be used.
    #[error("{file} line {line}: {problem}")]
    Row { file: String, line: u64, problem: RowProblem },
    /// Skipping bad rows left nothing.
    #[error("{file} has no usable row: all {rows} are bad, the first one in line {line}: {problem}")]
    AllBad { file: String, rows: u64, line: u64, problem: RowProblem },
    /// A recording of topics where rows of events are asked for.
    #[error("{file} is a recording of topics, not a file of rows")]
    Recording { file: String },
    /// Nothing below the header, or nothing at all.
    #[error("{file} has no rows")]
    NoRows { file: String },
    /// A header that names a column twice.
    #[error("{file} line 1: column {column} is there twice")]
    HeaderTwice { file: String, column: String },
    /// A key that no row has.
    #[error("no row has {fields}, which --key-field names")]
    NoKey { fields: String },
}

impl FileError {
    /// What to do about it, in one sentence.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Input(error) => error.hint()?.to_owned(),
            Self::Sorting(error) => error.hint().to_owned(),
            Self::Row { problem, .. } | Self::AllBad { problem, .. } => problem.hint(),
            Self::NoTimeField { preset: Some(preset), .. } => format!("it looks like --preset {preset}"),
            Self::NoTimeField { candidates, .. } if !candidates.is_empty() => {
                format!("these hold what could be a time: --time-field {}", candidates.join(", --time-field "))
            }
            Self::NoTimeField { .. } => "--time-field names it; a path into an object has dots".to_owned(),
            Self::HeaderTwice { .. } => "leave one of the two, so that it is clear which is meant".to_owned(),
            Self::Twice { .. } => "name it once".to_owned(),
            Self::NoKey { .. } => "--key-field names a field that rows have; without it records have no key".to_owned(),
            Self::NoRows { .. } => "fetch or copy the file again".to_owned(),
            Self::Recording { .. } => "name it alone".to_owned(),
            Self::Unreadable { source: ReadError::Damaged { .. }, .. } => {
                "--bad-rows skip leaves out the blocks that are damaged".to_owned()
            }
            Self::Unreadable { .. }
            | Self::Pattern { .. }
            | Self::NoField { .. }
            | Self::Clock { .. }
            | Self::Setting(_) => return None,
        })
    }

    /// Whether the settings are at fault and not the data.
    #[must_use]
    pub const fn is_configuration(&self) -> bool {
        matches!(
            self,
            Self::Input(InputError::NoFile)
                | Self::Sorting(_)
                | Self::Pattern { .. }
                | Self::Twice { .. }
                | Self::NoTimeField { .. }
                | Self::NoField { .. }
                | Self::Clock { .. }
                | Self::Setting(_)
                | Self::NoKey { .. }
        )
    }
}
