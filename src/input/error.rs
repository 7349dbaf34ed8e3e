//! Why a file cannot be read.

use std::io;

/// Why a file cannot be read, whatever is in it.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "`file` is the name as given, `line` counts from 1, `source` is the system's answer")]
pub enum InputError {
    /// No path was configured.
    #[error("no file to replay was given")]
    NoFile,
    /// Not there.
    #[error("{file} does not exist")]
    Missing { file: String },
    /// A folder.
    #[error("{file} is a folder, not a file")]
    Folder { file: String },
    /// The system refuses to read it.
    #[error("{file} cannot be read: {source}")]
    Unreadable { file: String, source: io::Error },
    /// No byte, or nothing but blank lines.
    #[error("{file} is empty")]
    Empty { file: String },
    /// A pointer in place of the data.
    #[error("{file} is a Git LFS pointer, not the data it points to")]
    GitLfs { file: String },
    /// Another format.
    #[error("{file} is {what}, not a file of events that can be read")]
    Foreign { file: String, what: &'static str, remedy: &'static str },
    /// A zip archive out of which no single file can be read.
    #[error("{file} is a zip archive{problem}")]
    Zip { file: String, problem: ZipProblem },
    /// A quote that swallows the file.
    #[error("{file} line {line}: a row of more than 1 MiB: a quote is opened here and not closed")]
    Endless { file: String, line: u64 },
    /// A quote that swallows the rest of the file.
    #[error("{file} line {line}: a quote is opened here and not closed before the end of the file")]
    Unclosed { file: String, line: u64 },
    /// Compressed data that end early.
    #[error("{file}: the {format} data end too early, after line {line}: the file is cut short")]
    CompressedCutShort { file: String, line: u64, format: &'static str },
    /// Compressed data that are damaged.
    #[error("{file}: the {format} data are damaged after line {line}: {source}")]
    CompressedDamaged { file: String, line: u64, format: &'static str, source: io::Error },
    /// Somebody wrote to it meanwhile.
    #[error("{file} changed while it was read ({before} bytes before, {after} after)")]
    Changed { file: String, before: u64, after: u64 },
}

/// Why no single file can be read out of a zip archive. Reads on after "is a zip archive".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are what the messages show")]
pub enum ZipProblem {
    /// From a pipe.
    #[error(" that comes through a pipe: its table of contents stands at its end")]
    Piped,
    /// Cut short, or something else behind the first bytes.
    #[error(" without a table of contents at its end: it is cut short or damaged")]
    NoContents,
    /// No file in it.
    #[error(" without a file in it")]
    NoFile,
    /// More than one.
    #[error(" of {count} files: {names}")]
    Many { count: u64, names: String },
    /// With a password.
    #[error(" that is encrypted")]
    Encrypted,
    /// In a way that is not read.
    #[error(" compressed by {method}")]
    Method { method: String },
}

impl InputError {
    /// What to do about it, in one sentence.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::GitLfs { .. } => "git lfs pull",
            Self::Foreign { remedy, .. } => remedy,
            Self::Zip { problem, .. } => match problem {
                ZipProblem::Piped => "name the file, or unpack it into the pipe: unzip -p FILE | ...",
                ZipProblem::NoContents => "fetch or copy the file again",
                ZipProblem::NoFile => "name another file",
                ZipProblem::Many { .. } => "unpack it and name the files to be read",
                ZipProblem::Encrypted => "unpack it with its password and name the file inside",
                ZipProblem::Method { .. } => "unpack it and name the file inside",
            },
            Self::Endless { .. } | Self::Unclosed { .. } => {
                "close the quote, or take the quotes out: no column needs them"
            }
            Self::Empty { .. } | Self::CompressedCutShort { .. } | Self::CompressedDamaged { .. } => {
                "fetch or copy the file again"
            }
            Self::Changed { .. } => "wait until it is written, or read a copy",
            Self::Folder { .. } => "name the files in it",
            Self::NoFile | Self::Missing { .. } | Self::Unreadable { .. } => return None,
        })
    }
}
