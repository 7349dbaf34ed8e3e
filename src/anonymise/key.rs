//! The key of pseudonyms: a file that only its owner reads.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};

/// Bytes of a key that is made: as many as the hash has (RFC 2104, section 3).
const BYTES: usize = 32;
/// A shorter key could be tried out.
const LEAST: usize = 16;

/// A key.
pub struct Key(hmac::Key);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "`file` is the name as given, `source` is the system's answer")]
pub enum KeyError {
    /// The file is not there.
    #[error("{file} does not exist")]
    Missing { file: String },
    /// It cannot be read or written.
    #[error("{file}: {source}")]
    Io { file: String, source: io::Error },
    /// It is too short.
    #[error("{file} has fewer than {LEAST} bytes: a key as short as that can be tried out")]
    Short { file: String },
    /// Others may read it.
    #[error("{file} can be read by others than its owner (mode {mode:03o})")]
    Open { file: String, mode: u32 },
    /// The system has no random numbers.
    #[error("the system gives no random numbers for a key")]
    NoRandom,
}

impl KeyError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Missing { .. } => "--create-key makes one there; keep it apart from what it anonymises".to_owned(),
            Self::Short { .. } => "--create-key makes a new one in a file that is not there yet".to_owned(),
            Self::Open { file, .. } => format!("chmod 600 {file}"),
            Self::Io { .. } | Self::NoRandom => return None,
        })
    }
}

impl Key {
    /// Reads the key in `path`.
    ///
    /// # Errors
    /// Where there is none, others may read it, or it is too short.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let file = path.display().to_string();
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => KeyError::Missing { file: file.clone() },
            _ => KeyError::Io { file: file.clone(), source },
        };
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Open { file, mode });
        }
        let bytes = fs::read(path).map_err(failed)?;
        match bytes.trim_ascii() {
            key if key.len() < LEAST => Err(KeyError::Short { file }),
            key => Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, key))),
        }
    }

    /// Makes a key in `path`, where there is no file yet, that only its owner reads.
    ///
    /// # Errors
    /// Where there is one, or it cannot be written.
    pub fn create(path: &Path) -> Result<(), KeyError> {
        let mut random = [0; BYTES];
        SystemRandom::new().fill(&mut random).map_err(|_| KeyError::NoRandom)?;
        let (high, low) = random.split_at(BYTES / 2);
        let number = |half: &[u8]| half.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
        let text = format!("{:032x}{:032x}", number(high), number(low));
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let written = made.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
        written.map_err(|source| KeyError::Io { file: path.display().to_string(), source })
    }

    /// The key of these bytes, for tests.
    #[cfg(test)]
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    pub(super) fn sign(&self, text: &[u8]) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(hmac::sign(&self.0, text).as_ref());
        bytes
    }
}
