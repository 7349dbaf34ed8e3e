//! The text of TOML files, read with errors that name the line.

use std::path::Path;

use serde::de::DeserializeOwned;

use super::error::ConfigError;
use crate::spelling::nearest;

/// What was found wrong, and where in the text.
pub(super) struct Fault {
    pub(super) offset: usize,
    pub(super) reason: String,
    pub(super) hint: Option<String>,
}

impl Fault {
    pub(super) fn at_line_of(self, text: &str, path: &Path) -> ConfigError {
        ConfigError::Line {
            path: path.to_owned(),
            line: 1 + text.get(..self.offset).unwrap_or_default().matches('\n').count(),
            reason: self.reason,
            hint: self.hint,
        }
    }
}

/// Reads a TOML file; `what` it is, for messages.
///
/// # Errors
/// A file that cannot be read, or whose text is not of that form.
pub(crate) fn read_toml<T: DeserializeOwned>(path: &Path, what: &'static str) -> Result<T, ConfigError> {
    let text = read_text(path, what)?;
    toml::from_str(&text).map_err(|error| fault(&error, &text).at_line_of(&text, path))
}

pub(super) fn read_text(path: &Path, what: &'static str) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { what, path: path.to_owned(), source })
}

pub(super) fn unknown_key(name: &str, offset: usize, known: &[&str]) -> Fault {
    Fault {
        offset,
        reason: format!("unknown key \"{name}\""),
        hint: Some(match nearest(name, known.iter().copied()) {
            Some(nearest) => format!("did you mean {nearest}?"),
            None => format!("known here: {}", known.join(", ")),
        }),
    }
}

/// The deserializer's complaint as one sentence, and the nearest known name.
pub(super) fn fault(error: &toml::de::Error, text: &str) -> Fault {
    let message = error.message().trim();
    let offset = error.span().map_or(0, |span| span.start);
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match quoted.split_first() {
        Some((name, known)) if message.starts_with("unknown field") => {
            unknown_key(name, if offset > 0 { offset } else { text.find(name).unwrap_or(0) }, known)
        }
        _ => Fault { offset, reason: in_words(message), hint: None },
    }
}

/// The deserializer's words without the names of Rust's types.
fn in_words(message: &str) -> String {
    const TYPES: [(&str, &str); 6] = [
        ("expected u16", "expected a number from 0 to 65535"),
        ("expected u32", "expected a whole number from 0 to 4294967295"),
        ("expected i32", "expected a whole number from -2147483648 to 2147483647"),
        ("expected u64", "expected a whole number from 0"),
        ("expected f64", "expected a number"),
        ("expected a boolean", "expected true or false"),
    ];
    let known = TYPES.iter().find_map(|(rust, words)| Some(format!("{}{words}", message.strip_suffix(rust)?)));
    known.unwrap_or_else(|| message.to_owned()).replace('\n', "; ")
}
