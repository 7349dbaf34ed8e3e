//! What is wrong with an event type that a user declares.

/// Why a declaration makes no event types: where, what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}{problem}", .keys.join("."), if .keys.is_empty() { "" } else { ": " })]
pub struct OwnError {
    /// The keys that lead to the place, as in the file.
    pub keys: Vec<String>,
    /// What is wrong there.
    pub problem: String,
    /// What to do.
    pub hint: Option<String>,
}

impl OwnError {
    /// The same with a hint.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A place in a declaration, by the keys that lead to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Keys(Vec<String>);

impl Keys {
    /// What lies below it.
    pub(super) fn at(&self, key: &str) -> Self {
        let mut keys = self.0.clone();
        keys.push(key.to_owned());
        Self(keys)
    }

    /// What is wrong there.
    pub(super) fn error(&self, problem: impl Into<String>) -> OwnError {
        OwnError { keys: self.0.clone(), problem: problem.into(), hint: None }
    }
}
