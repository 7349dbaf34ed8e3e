//! What can be wrong with a recording, each with what to do about it.

use std::io;

use super::config::Moment;
use super::parse::COLUMNS;

/// Why a row cannot be used. Reads as the end of "FILE line N: ...".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are the column's name and its text, as the messages show")]
pub enum RowProblem {
    /// No digits.
    #[error("{column} \"{value}\" is not a number")]
    NotANumber { column: &'static str, value: String },
    /// Nothing where a number must be.
    #[error("{column} is blank")]
    Blank { column: &'static str },
    /// Below zero.
    #[error("{column} \"{value}\" is negative")]
    Negative { column: &'static str, value: String },
    /// Not whole.
    #[error("{column} \"{value}\" is not a whole number")]
    Fraction { column: &'static str, value: String },
    /// Rounded by a spreadsheet.
    #[error("{column} \"{value}\" was rounded by a spreadsheet, its last digits are gone")]
    Scientific { column: &'static str, value: String },
    /// More than 32 bits.
    #[error("{column} {value} is too large, ids go up to 4294967295")]
    IdTooLarge { column: &'static str, value: u64 },
    /// In seconds.
    #[error("timestamp {value} looks like seconds, not milliseconds")]
    Seconds { value: u64 },
    /// In micro- or nanoseconds.
    #[error("timestamp {value} looks like micro- or nanoseconds, not milliseconds")]
    FinerThanMilliseconds { value: u64 },
    /// After May 2109.
    #[error("timestamp {value} is after the year 2109")]
    TooLate { value: u64 },
    /// Not one of the three.
    #[error("event \"{value}\" is none of view, addtocart, transaction")]
    Event { value: String },
    /// A purchase without its order.
    #[error("transactionid is blank, but the event is a transaction")]
    TransactionWithoutId,
    /// An order without a purchase.
    #[error("transactionid \"{value}\" on an event that is no transaction")]
    IdWithoutTransaction { value: String },
    /// Too few or too many fields.
    #[error("{found} fields instead of {expected}")]
    Width { found: usize, expected: usize },
    /// The last line is not whole.
    #[error("the last line ends after {found} of {expected} fields, without a line end: the file is cut short")]
    CutShort { found: usize, expected: usize },
}

impl RowProblem {
    /// The kind of problem, the name under which it is counted.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotANumber { .. } => "not_a_number",
            Self::Blank { .. } => "blank",
            Self::Negative { .. } => "negative",
            Self::Fraction { .. } => "not_whole",
            Self::Scientific { .. } => "rounded_by_spreadsheet",
            Self::IdTooLarge { .. } => "id_too_large",
            Self::Seconds { .. } => "seconds",
            Self::FinerThanMilliseconds { .. } => "finer_than_milliseconds",
            Self::TooLate { .. } => "time_too_late",
            Self::Event { .. } => "unknown_event",
            Self::TransactionWithoutId => "transaction_without_id",
            Self::IdWithoutTransaction { .. } => "id_without_transaction",
            Self::Width { .. } => "wrong_number_of_fields",
            Self::CutShort { .. } => "cut_short",
        }
    }

    /// What to do, where skipping the row would miss the point.
    const fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Seconds { .. } => Some("multiply the timestamp column by 1000"),
            Self::FinerThanMilliseconds { .. } => Some("divide the timestamp column down to milliseconds"),
            Self::Scientific { .. } => {
                Some("use the original file: a spreadsheet that saved it kept 6 of 13 digits, nothing can restore them")
            }
            Self::CutShort { .. } => Some("fetch or copy the file again; --bad-rows skip plays it without this line"),
            _ => None,
        }
    }
}

/// Why a recording cannot be replayed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "`file` is the name as given, `line` counts from 1, `source` is the system's answer")]
pub enum LoadError {
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
    Header { file: String, missing: Vec<&'static str>, found: String, delimiter: Option<char> },
    /// A column is there twice.
    #[error("{file} line 1: column {column} is there twice")]
    HeaderTwice { file: String, column: &'static str },
    /// A row that cannot be used.
    #[error("{file} line {line}: {problem}")]
    BadRow { file: String, line: u64, problem: RowProblem },
    /// Skipping bad rows left nothing.
    #[error("{file} has no usable row: all {rows} are bad, the first one in line {line}: {problem}")]
    AllBad { file: String, rows: u64, line: u64, problem: RowProblem },
    /// A quote that swallows the file.
    #[error("{file} line {line}: a row of more than 1 MiB: a quote is opened here and not closed")]
    Endless { file: String, line: u64 },
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
    /// A file of item properties that is none, or a row of it.
    #[error("{file} line {line}: {problem}")]
    Properties { file: String, line: u64, problem: String },
    /// A category tree that is none.
    #[error("{file}{}: {problem}", .line.map_or_else(String::new, |line| format!(" line {line}")))]
    CategoryTree { file: String, line: Option<u64>, problem: String },
}

impl LoadError {
    /// What to do about it, in one sentence.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoFile | Self::Missing { .. } => {
                "datasets/README.md says where Retail Rocket's events.csv is got; `loadgen dataset generate --out FILE` \
                 makes one like it"
            }
            Self::Folder { .. } => "name the file in it, such as events.csv",
            Self::GitLfs { .. } => "git lfs pull",
            Self::Foreign { remedy, .. } => remedy,
            Self::Header { delimiter: Some(other), .. } => {
                return Some(format!("columns are separated by commas, this file seems to use {other:?}"));
            }
            Self::Header { .. } => {
                return Some(format!(
                    "the first line names the columns: {} (any order, others allowed)",
                    COLUMNS.join(",")
                ));
            }
            Self::HeaderTwice { .. } => "leave one of the two, so that it is clear which is meant",
            Self::BadRow { problem, .. } | Self::AllBad { problem, .. } => match (problem.remedy(), self) {
                (Some(remedy), _) => remedy,
                (None, Self::BadRow { .. }) => "--bad-rows skip leaves such rows out and counts them",
                (None, _) => return None,
            },
            Self::Endless { .. } => "close the quote, or take the quotes out: no column needs them",
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
            Self::Properties { line: 1, .. } => "the file must have the columns timestamp,itemid,property,value",
            Self::Properties { .. } => "--bad-rows skip leaves such rows out and counts them",
            Self::CategoryTree { .. } => "the file must have the columns categoryid,parentid",
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
