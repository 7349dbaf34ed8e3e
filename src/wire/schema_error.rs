//! What a schema has that is not supported.

use std::fmt::Display;

/// A part of a schema or of an event type that a format cannot do, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}{problem}", .path, if .path.is_empty() { "" } else { ": " })]
pub struct SchemaError {
    /// Field names, `lines[]` for the entries of an array, `rates{}` for those of a map; empty for the whole.
    pub path: String,
    /// What is wrong there.
    pub problem: String,
}

impl SchemaError {
    /// At the place itself; [`SchemaError::within`] says where that is.
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self { path: String::new(), problem: problem.into() }
    }

    /// Puts `part` in front of the path.
    #[must_use]
    pub(crate) fn within(mut self, part: impl Display) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with(['[', '{']) { "" } else { "." };
        self.path = format!("{part}{dot}{}", self.path);
        self
    }
}
