//! What is never shown.

use std::fmt;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::tls::BadFile;

/// The most bytes that a file with a secret has.
const MOST: u64 = 64 << 10;

/// What is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text from being shown.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The only word of a file; `what` it is, for messages.
    ///
    /// # Errors
    /// A file that cannot be read, or holds anything else.
    pub fn read(what: &'static str, path: &Path) -> Result<Self, BadFile> {
        let unusable = |why: String| BadFile { what, path: path.to_owned(), why };
        let length = fs::metadata(path).map_err(|error| unusable(error.to_string()))?.len();
        if length > MOST {
            return Err(unusable(format!("it has {length} bytes, a secret has at most {MOST}")));
        }
        let text = fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
        match text.trim() {
            "" => Err(unusable("it is empty".to_owned())),
            word if word.chars().all(|letter| letter.is_ascii_graphic()) => Ok(Self::new(word)),
            _ => Err(unusable("it holds more than a secret: spaces, or signs that none has".to_owned())),
        }
    }

    /// The text itself, for the one place that sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// This `user:password` as a request says it (RFC 7617).
    #[must_use]
    pub fn as_basic(&self) -> Self {
        Self::new(format!("Basic {}", STANDARD.encode(&self.0)))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
