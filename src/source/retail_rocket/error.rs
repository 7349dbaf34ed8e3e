//! What can be wrong with a recording, each with what to do about it.

use std::io;

use super::problem::{FileKind, Outlook, RowProblem};
use super::row::Moment;

/// Why a recording cannot be replayed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "`file` is the name as given, `line` counts from 1, `source` is the system's answer")]
pub enum LoadError {
    /// No path was configured.
    #[error("no file to replay was given")]
    NoFile,
    /// Not there.
    #[error("{file} does not exist")]
    Missing { file: String, kind: FileKind },
    /// A folder.
    #[error("{file} is a folder, not a file")]
    Folder { file: String, kind: FileKind },
    /// The system refuses to read it.
    #[error("{file} cannot be read: {source}")]
    Unreadable { file: String, source: io::Error },
    /// No byte, or nothing but blank lines.
    #[error("{file} is empty")]
    Empty { file: String },
    /// A header and nothing below it.
    #[error("{file} has a header but no rows")]
    NoRows { file: String },
    /// A pointer in place of the data.
    #[error("{file} is a Git LFS pointer, not the data it points to")]
    GitLfs { file: String },
    /// Another format.
    #[error("{file} is {what}, not a CSV")]
    Foreign { file: String, what: &'static str, remedy: &'static str },
    /// Columns are missing.
    #[error("{file} line 1: no column {}; found: {found}", .missing.join(", "))]
    Header {
        file: String,
        kind: FileKind,
        missing: Vec<&'static str>,
        found: String,
        delimiter: Option<char>,
        looks_like: Option<FileKind>,
    },
    /// A column is there twice.
    #[error("{file} line 1: column {column} is there twice")]
    HeaderTwice { file: String, column: &'static str },
    /// A row that cannot be used.
    #[error("{file} line {line}: {problem}")]
    BadRow { file: String, kind: FileKind, line: u64, problem: RowProblem, outlook: Box<Outlook> },
    /// Skipping bad rows left nothing.
    #[error("{file} has no usable row: all {rows} are bad, the first one in line {line}: {problem}")]
    AllBad { file: String, kind: FileKind, rows: u64, line: u64, problem: RowProblem },
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
    /// More than 32 bits of rows.
    #[error("{file} has more than 4294967295 rows")]
    TooManyRows { file: String },
    /// The selection is empty.
    #[error("{file}: no row is left: it spans {first} to {last}, and {selection} selects none of its {rows} rows")]
    NothingSelected { file: String, rows: u64, first: Moment, last: Moment, selection: String },
    /// A setting that makes no sense.
    #[error("{setting}: {problem}")]
    Setting { setting: &'static str, problem: String },
    /// The disk for sorting is full.
    #[error("no space left in {folder} for sorting {file}: it took {written_mib} MiB before it was full")]
    NoSpace { file: String, folder: String, written_mib: u64, source: io::Error },
    /// The folder for sorting cannot be used.
    #[error("{folder} cannot be used for sorting: {source}")]
    Spill { folder: String, source: io::Error },
    /// Every category has another one below it.
    #[error("{file}: no category without sub-categories")]
    NoLeaves { file: String },
}

impl LoadError {
    /// What to do about it, in one sentence.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Missing { kind: FileKind::ItemProperties, .. } => {
                "item_properties_part1.csv and item_properties_part2.csv come with Retail Rocket's events.csv (datasets/README.md); \
                 without --item-properties categories and prices are derived"
            }
            Self::Missing { kind: FileKind::CategoryTree, .. } => {
                "category_tree.csv comes with Retail Rocket's events.csv (datasets/README.md); without --category-tree \
                 categories are derived"
            }
            Self::NoFile | Self::Missing { .. } => {
                "datasets/README.md says where Retail Rocket's events.csv is got; `loadgen dataset generate --out FILE` \
                 makes one like it"
            }
            Self::Folder { kind, .. } => {
                return Some(format!(
                    "name the file in it, such as {}",
                    match kind {
                        FileKind::Events => "events.csv",
                        FileKind::ItemProperties => "item_properties_part1.csv",
                        FileKind::CategoryTree => "category_tree.csv",
                    }
                ));
            }
            Self::GitLfs { .. } => "git lfs pull",
            Self::Foreign { remedy, .. } => remedy,
            Self::Header { delimiter: Some(other), .. } => {
                return Some(format!("columns are separated by commas, this file seems to use {other:?}"));
            }
            Self::Header { looks_like: Some(other), .. } => {
                return Some(format!("by its columns it is {}", other.given_as()));
            }
            Self::Header { kind, .. } => {
                return Some(format!(
                    "the first line names the columns: {} (any order, others allowed)",
                    kind.columns().join(",")
                ));
            }
            Self::HeaderTwice { .. } => "leave one of the two, so that it is clear which is meant",
            Self::BadRow { problem, kind, outlook, .. } => return Some(advice(problem, *kind, outlook)),
            Self::AllBad { problem, .. } => return problem.remedy(),
            Self::Endless { .. } | Self::Unclosed { .. } => {
                "close the quote, or take the quotes out: no column needs them"
            }
            Self::Empty { .. }
            | Self::NoRows { .. }
            | Self::CompressedCutShort { .. }
            | Self::CompressedDamaged { .. } => "fetch or copy the file again",
            Self::Changed { .. } => "wait until it is written, or replay a copy",
            Self::TooManyRows { .. } => "split the file by time and replay the parts one after the other",
            Self::NothingSelected { .. } => "widen --from/--until or --users-sample",
            Self::NoSpace { .. } => {
                "--temp-dir names a folder on another disk (about 48 bytes a row are needed), a larger --sort-memory needs less"
            }
            Self::Spill { .. } => "--temp-dir names a folder that exists and can be written to",
            Self::NoLeaves { .. } => "every parentid must lead to a category without a parent in the end",
            Self::Unreadable { .. } | Self::Setting { .. } => return None,
        };
        Some(hint.to_owned())
    }

    /// Whether the settings are at fault and not the data.
    #[must_use]
    pub const fn is_configuration(&self) -> bool {
        matches!(self, Self::NoFile | Self::Setting { .. } | Self::NoSpace { .. } | Self::Spill { .. })
    }
}

/// What to do about a bad row.
fn advice(problem: &RowProblem, kind: FileKind, outlook: &Outlook) -> String {
    match (problem, problem.remedy(), kind) {
        (RowProblem::HeaderAgain { same: true } | RowProblem::CutShort { .. }, Some(remedy), kind)
            if kind != FileKind::CategoryTree && outlook.is_mild() =>
        {
            format!("{remedy}; --bad-rows skip plays the rest without it")
        }
        (_, Some(remedy), _) => remedy,
        (_, None, FileKind::CategoryTree) => "mend the file; without --category-tree categories are derived".to_owned(),
        (_, None, _) => outlook.advice(),
    }
}
