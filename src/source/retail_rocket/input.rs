//! Opening a recording: what the file is, decompressed as it is read, and unchanged from the first byte to the last.

use std::fs::{File, Metadata};
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;
use std::time::SystemTime;

use flate2::bufread::MultiGzDecoder;
use serde::{Deserialize, Serialize};

use super::error::LoadError;
use super::problem::FileKind;

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
}

impl Compression {
    /// The name in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// A recording that can be read, decompressed.
pub(super) struct Input {
    /// As the user wrote it; what messages call it.
    pub(super) name: String,
    pub(super) encoding: Encoding,
    pub(super) text: Box<dyn Read>,
    pub(super) guard: Option<Guard>,
}

/// Notices that a file is written to while it is read.
pub(super) struct Guard {
    file: File,
    before: Version,
}

#[derive(Clone, Copy, PartialEq, Eq)]
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
    pub(super) const fn bytes(&self) -> u64 {
        self.before.bytes
    }

    /// Whether the file is what it was when it was opened.
    pub(super) fn check(&self, name: &str) -> Result<(), LoadError> {
        let metadata = self.file.metadata().map_err(|source| unreadable(name, source))?;
        let after = Version::of(&metadata);
        if after == self.before {
            Ok(())
        } else {
            Err(LoadError::Changed { file: name.to_owned(), before: self.before.bytes, after: after.bytes })
        }
    }
}

/// Enough to see a header line with dozens of columns.
const HEAD_BYTES: u64 = 8 << 10;
const READ_BYTES: usize = 256 << 10;

impl Input {
    /// Opens `path`, a file of that kind; `-` is standard input.
    pub(super) fn open(path: &Path, kind: FileKind) -> Result<Self, LoadError> {
        if path.as_os_str().is_empty() {
            return Err(LoadError::NoFile);
        }
        if path.as_os_str() == "-" {
            return Self::from_reader("standard input".to_owned(), Box::new(io::stdin().lock()), None);
        }
        let name = path.display().to_string();
        let file = File::open(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => LoadError::Missing { file: name.clone(), kind },
            _ => unreadable(&name, source),
        })?;
        let metadata = file.metadata().map_err(|source| unreadable(&name, source))?;
        if metadata.is_dir() {
            return Err(LoadError::Folder { file: name, kind });
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
    pub(super) fn from_reader(name: String, raw: Box<dyn Read>, guard: Option<Guard>) -> Result<Self, LoadError> {
        let (head, raw) = peek(raw).map_err(|source| unreadable(&name, source))?;
        let compression = match head.as_slice() {
            [0x1f, 0x8b, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
            _ => Compression::None,
        };
        let raw = BufReader::with_capacity(READ_BYTES, raw);
        let text: Box<dyn Read> = match compression {
            Compression::None => Box::new(raw),
            Compression::Gzip => Box::new(MultiGzDecoder::new(raw)),
            Compression::Zstd => Box::new(zstd::Decoder::with_buffer(raw).map_err(|source| unreadable(&name, source))?),
        };
        let (head, text) = peek(text).map_err(|source| read_failed(&name, compression, 0, source))?;
        recognise(&name, &head)?;
        let bom = head.starts_with(b"\xef\xbb\xbf");
        let crlf = head.iter().position(|byte| *byte == b'\n').is_some_and(|at| at > 0 && head[at - 1] == b'\r');
        Ok(Self { name, encoding: Encoding { compression, bom, crlf, final_line_end: false }, text, guard })
    }
}

/// The first bytes, and a reader that still gives them.
fn peek(mut reader: Box<dyn Read>) -> io::Result<(Vec<u8>, Box<dyn Read>)> {
    let mut head = Vec::new();
    reader.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
    let whole = Cursor::new(head.clone()).chain(reader);
    Ok((head, Box::new(whole)))
}

/// Refuses what is no CSV, by name where it is something that people end up with.
fn recognise(name: &str, head: &[u8]) -> Result<(), LoadError> {
    const UNPACK: &str = "unpack it and replay the CSV inside; gzip and zstd are read as they are";
    const CONVERT: &str = "save it as UTF-8 CSV";
    const FOREIGN: [(&[u8], &str, &str); 10] = [
        (b"PK\x03\x04", "a zip archive", UNPACK),
        (b"\xfd7zXZ\0", "an xz file", UNPACK),
        (b"BZh", "a bzip2 file", UNPACK),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
        (b"PAR1", "a Parquet file", "convert it to CSV"),
        (b"\xff\xfe", "UTF-16 text", CONVERT),
        (b"\xfe\xff", "UTF-16 text", CONVERT),
        (b"<!doctype", "a web page", "the download went to a log-in page: fetch the file again, logged in"),
        (b"<html", "a web page", "the download went to a log-in page: fetch the file again, logged in"),
        (b"{", "JSON", "convert it to CSV"),
    ];
    let file = || name.to_owned();
    if head.is_empty() {
        return Err(LoadError::Empty { file: file() });
    }
    if head.starts_with(b"version https://git-lfs") {
        return Err(LoadError::GitLfs { file: file() });
    }
    for (start, what, remedy) in FOREIGN {
        if head.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start)) {
            return Err(LoadError::Foreign { file: file(), what, remedy });
        }
    }
    if head.contains(&0) {
        return Err(LoadError::Foreign {
            file: file(),
            what: "binary data",
            remedy: "name a CSV, plain, gzip or zstd",
        });
    }
    Ok(())
}

fn unreadable(name: &str, source: io::Error) -> LoadError {
    LoadError::Unreadable { file: name.to_owned(), source }
}

/// Why reading stopped after `line`.
pub(super) fn read_failed(name: &str, compression: Compression, line: u64, source: io::Error) -> LoadError {
    let file = name.to_owned();
    let format = compression.as_str();
    match (compression, source.kind()) {
        (Compression::None, _) => LoadError::Unreadable { file, source },
        (_, io::ErrorKind::UnexpectedEof) => LoadError::CompressedCutShort { file, line, format },
        _ => LoadError::CompressedDamaged { file, line, format, source },
    }
}
