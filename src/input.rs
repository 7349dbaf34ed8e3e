//! Opening a file of events: what it is, decompressed as it is read, and unchanged from the first byte to the last.
//!
//! [`table`] walks a CSV, [`lines`] anything that has a record on each line; [`date`] reads dates.

mod bad;
mod date;
mod error;
pub mod lines;
pub mod table;
mod zip;

use std::fs::{File, Metadata};
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;
use std::time::SystemTime;

use flate2::bufread::MultiGzDecoder;
use serde::{Deserialize, Serialize};

pub use bad::{BadRow, BadRowPolicy, BadRows, UNKNOWN_TYPE};
pub use date::{Date, date, looks_like_a_date};
pub use error::{InputError, ZipProblem};

/// No row needs more; a quote that is never closed would take the whole file.
pub const LONGEST_ROW: u64 = 1 << 20;
/// How an object container of Avro begins (Avro 1.12 specification, "Object Container Files").
pub const AVRO_MAGIC: &[u8] = b"Obj\x01";

/// How the bytes of the file are wrapped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encoding {
    /// How it is compressed.
    pub compression: Compression,
    /// Whether the text starts with a UTF-8 byte order mark.
    pub bom: bool,
    /// Whether its first line ends with CR LF.
    pub crlf: bool,
    /// Whether the last line ends with a line end.
    pub final_line_end: bool,
}

/// How a file is compressed, by its first bytes, whatever its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// RFC 1952, one or more members.
    Gzip,
    /// RFC 8878, one or more frames.
    Zstd,
    /// A zip archive with one file in it.
    Zip,
}

impl Compression {
    /// The name in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Zip => "zip",
        }
    }
}

/// A file that can be read, decompressed.
pub struct Input {
    /// As the user wrote it; what messages call it.
    pub name: String,
    /// How its bytes are wrapped.
    pub encoding: Encoding,
    /// Its first bytes, decompressed: enough to tell what it is.
    pub head: Vec<u8>,
    /// All of it, decompressed.
    pub text: Box<dyn Read>,
    /// Whether it stays as it is, where it is a file.
    pub guard: Option<Guard>,
}

/// Notices that a file is written to while it is read.
#[derive(Debug)]
pub struct Guard {
    file: File,
    before: Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Version {
    fn of(metadata: &Metadata) -> Self {
        // A file system without modification times still tells the length.
        Self { bytes: metadata.len(), modified: metadata.modified().ok() }
    }
}

impl Guard {
    /// The length of the file.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.before.bytes
    }

    /// Whether the file is what it was when it was opened.
    ///
    /// # Errors
    /// Where it is not, or cannot be looked at any more.
    pub fn check(&self, name: &str) -> Result<(), InputError> {
        let metadata = self.file.metadata().map_err(|source| unreadable(name, source))?;
        let after = Version::of(&metadata);
        if after == self.before {
            Ok(())
        } else {
            Err(InputError::Changed { file: name.to_owned(), before: self.before.bytes, after: after.bytes })
        }
    }
}

/// Enough to see a header line with dozens of columns.
const HEAD_BYTES: u64 = 8 << 10;
const READ_BYTES: usize = 256 << 10;

impl Input {
    /// Opens `path`; `-` is standard input.
    ///
    /// # Errors
    /// Where it cannot be read, or is by its first bytes no file of events.
    pub fn open(path: &Path) -> Result<Self, InputError> {
        if path.as_os_str().is_empty() {
            return Err(InputError::NoFile);
        }
        if path.as_os_str() == "-" {
            return Self::from_reader("standard input".to_owned(), Box::new(io::stdin().lock()), None);
        }
        let name = path.display().to_string();
        let file = File::open(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => InputError::Missing { file: name.clone() },
            _ => unreadable(&name, source),
        })?;
        let metadata = file.metadata().map_err(|source| unreadable(&name, source))?;
        if metadata.is_dir() {
            return Err(InputError::Folder { file: name });
        }
        let guard = if metadata.is_file() {
            let file = file.try_clone().map_err(|source| unreadable(&name, source))?;
            Some(Guard { file, before: Version::of(&metadata) })
        } else {
            None
        };
        Self::from_reader(name, Box::new(file), guard)
    }

    /// Looks at the first bytes of `raw` and says what it is.
    ///
    /// # Errors
    /// As [`Input::open`].
    pub fn from_reader(name: String, raw: Box<dyn Read>, guard: Option<Guard>) -> Result<Self, InputError> {
        let (head, raw) = peek(raw).map_err(|source| unreadable(&name, source))?;
        let compression = match head.as_slice() {
            [0x1f, 0x8b, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
            [b'P', b'K', 3 | 5, 4 | 6, ..] => Compression::Zip,
            _ => Compression::None,
        };
        let raw = BufReader::with_capacity(READ_BYTES, raw);
        let text: Box<dyn Read> = match compression {
            Compression::None => Box::new(raw),
            Compression::Gzip => Box::new(MultiGzDecoder::new(raw)),
            Compression::Zstd => Box::new(zstd::Decoder::with_buffer(raw).map_err(|source| unreadable(&name, source))?),
            Compression::Zip => zip::open(&name, guard.as_ref())?,
        };
        let (head, text) = peek(text).map_err(|source| read_failed(&name, compression, 0, source))?;
        recognise(&name, &head)?;
        let bom = head.starts_with(b"\xef\xbb\xbf");
        let crlf = head.iter().position(|byte| *byte == b'\n').is_some_and(|at| at > 0 && head[at - 1] == b'\r');
        Ok(Self { name, encoding: Encoding { compression, bom, crlf, final_line_end: false }, head, text, guard })
    }

    /// Whether it is one JSON object after another.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.head).trim_ascii_start().starts_with(b"{")
    }

    /// Whether it is an object container of Avro.
    #[must_use]
    pub fn is_avro(&self) -> bool {
        self.head.starts_with(AVRO_MAGIC)
    }
}

/// The first bytes, and a reader that still gives them.
fn peek(mut reader: Box<dyn Read>) -> io::Result<(Vec<u8>, Box<dyn Read>)> {
    let mut head = Vec::new();
    reader.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
    let whole = Cursor::new(head.clone()).chain(reader);
    Ok((head, Box::new(whole)))
}

/// Refuses what holds no events, by name where it is something that people end up with.
fn recognise(name: &str, head: &[u8]) -> Result<(), InputError> {
    const UNPACK: &str = "unpack it and name the file inside; gzip, zstd and zip are read as they are";
    const CONVERT: &str = "save it as UTF-8";
    const FOREIGN: [(&[u8], &str, &str); 8] = [
        (b"\xfd7zXZ\0", "an xz file", UNPACK),
        (b"BZh", "a bzip2 file", UNPACK),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
        (b"PAR1", "a Parquet file", "convert it to CSV"),
        (b"\xff\xfe", "UTF-16 text", CONVERT),
        (b"\xfe\xff", "UTF-16 text", CONVERT),
        (b"<!doctype", "a web page", "the download went to a log-in page: fetch the file again, logged in"),
        (b"<html", "a web page", "the download went to a log-in page: fetch the file again, logged in"),
    ];
    let file = || name.to_owned();
    if head.is_empty() {
        return Err(InputError::Empty { file: file() });
    }
    if head.starts_with(b"version https://git-lfs") {
        return Err(InputError::GitLfs { file: file() });
    }
    for (start, what, remedy) in FOREIGN {
        if head.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start)) {
            return Err(InputError::Foreign { file: file(), what, remedy });
        }
    }
    if head.contains(&0) && !head.starts_with(AVRO_MAGIC) {
        let remedy = "name a file of text, plain, gzip, zstd or zip";
        return Err(InputError::Foreign { file: file(), what: "binary data", remedy });
    }
    Ok(())
}

fn unreadable(name: &str, source: io::Error) -> InputError {
    InputError::Unreadable { file: name.to_owned(), source }
}

/// Why reading stopped after `line`.
fn read_failed(name: &str, compression: Compression, line: u64, source: io::Error) -> InputError {
    let file = name.to_owned();
    let format = compression.as_str();
    match (compression, source.kind()) {
        (Compression::None, _) => InputError::Unreadable { file, source },
        (_, io::ErrorKind::UnexpectedEof) => InputError::CompressedCutShort { file, line, format },
        _ => InputError::CompressedDamaged { file, line, format, source },
    }
}

/// A field as messages show it: on one line, at most 40 characters.
#[must_use]
pub fn shown(field: &[u8]) -> String {
    let text = String::from_utf8_lossy(&field[..field.len().min(200)]);
    let mut shown: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if text.chars().nth(40).is_some() {
        shown.push('…');
    }
    shown
}
