//! What can be wrong with a recording, each with what to do about it.

use super::problem::{FileKind, Outlook, RowProblem};
use super::row::Moment;
use crate::input::InputError;
use crate::input::table::Misshapen;
use crate::sorting::SpillError;

/// Why a recording cannot be replayed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "`file` is the name as given, `line` counts from 1, `source` is the system's answer")]
pub enum LoadError {
    /// One of its files cannot be read.
    #[error("{error}")]
    Input { error: InputError, kind: FileKind },
    /// A header and nothing below it.
    #[error("{file} has a header but no rows")]
    NoRows { file: String },
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
    /// More than 32 bits of rows.
    #[error("{file} has more than 4294967295 rows")]
    TooManyRows { file: String },
    /// The selection is empty.
    #[error("{file}: no row is left: it spans {first} to {last}, and {selection} selects none of its {rows} rows")]
    NothingSelected { file: String, rows: u64, first: Moment, last: Moment, selection: String },
    /// A setting that makes no sense.
    #[error("{setting}: {problem}")]
    Setting { setting: &'static str, problem: String },
    /// The disk for sorting fails.
    #[error(transparent)]
    Sorting(#[from] SpillError),
    /// Every category has another one below it.
    #[error("{file}: no category without sub-categories")]
    NoLeaves { file: String },
}

impl LoadError {
    /// What to do about it, in one sentence.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Input { error, kind } => return input_hint(error, *kind),
            Self::Header { delimiter: Some(other), .. } => {
                return Some(format!("columns are separated by commas, this file seems to use {other:?}"));
            }
            Self::Header { looks_like: Some(other), .. } => {
                return Some(format!("by its columns it is {}", other.given_as()));
            }
            Self::Header { kind: FileKind::Events, .. } => {
                return Some(format!(
                    "the first line names the columns: {} (any order, others allowed); --time-field names the times of a CSV of \
                     another shape",
                    FileKind::Events.columns().join(",")
                ));
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
            Self::NoRows { .. } => "fetch or copy the file again",
            Self::TooManyRows { .. } => "split the file by time and replay the parts one after the other",
            Self::NothingSelected { .. } => "widen --from/--until or --users-sample",
            Self::Sorting(error) => error.hint(),
            Self::NoLeaves { .. } => "every parentid must lead to a category without a parent in the end",
            Self::Setting { .. } => return None,
        };
        Some(hint.to_owned())
    }

    /// Whether the settings are at fault and not the data.
    #[must_use]
    pub const fn is_configuration(&self) -> bool {
        matches!(self, Self::Input { error: InputError::NoFile, .. } | Self::Setting { .. } | Self::Sorting(_))
    }
}

/// What to do about a file that cannot be read.
fn input_hint(error: &InputError, kind: FileKind) -> Option<String> {
    let hint = match (error, kind) {
        (InputError::Missing { .. }, FileKind::ItemProperties) => {
            "item_properties_part1.csv and item_properties_part2.csv come with Retail Rocket's events.csv (datasets/README.md); \
             without --item-properties categories and prices are derived"
        }
        (InputError::Missing { .. }, FileKind::CategoryTree) => {
            "category_tree.csv comes with Retail Rocket's events.csv (datasets/README.md); without --category-tree \
             categories are derived"
        }
        (InputError::NoFile | InputError::Missing { .. }, FileKind::Events) => {
            "datasets/README.md says where Retail Rocket's events.csv is got; `loadgen dataset generate --out FILE` \
             makes one like it"
        }
        (InputError::Folder { .. }, FileKind::Events) => "name the file in it, such as events.csv",
        (InputError::Folder { .. }, FileKind::ItemProperties) => {
            "name the file in it, such as item_properties_part1.csv"
        }
        (InputError::Folder { .. }, FileKind::CategoryTree) => "name the file in it, such as category_tree.csv",
        (error, _) => error.hint()?,
    };
    Some(hint.to_owned())
}

/// What to do about a bad row.
fn advice(problem: &RowProblem, kind: FileKind, outlook: &Outlook) -> String {
    match (problem, problem.remedy(), kind) {
        (
            RowProblem::HeaderAgain { same: true } | RowProblem::Shape(Misshapen::CutShort { .. }),
            Some(remedy),
            kind,
        ) if kind != FileKind::CategoryTree && outlook.is_mild() => {
            format!("{remedy}; --bad-rows skip plays the rest without it")
        }
        (_, Some(remedy), _) => remedy,
        (_, None, FileKind::CategoryTree) => "mend the file; without --category-tree categories are derived".to_owned(),
        (_, None, _) => outlook.advice(),
    }
}
