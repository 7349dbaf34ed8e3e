//! What can be wrong with a row of a file of events.

use crate::input::table::Misshapen;

use super::unit::Unit;

/// Why a row cannot be used. Reads as the end of "FILE line N: ...".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are what the messages show")]
pub enum RowProblem {
    /// The field that drives is not there, or has no value.
    #[error("no {field}: without a time it has no place in the replay")]
    NoTime { field: String },
    /// Its value is none.
    #[error("{field} \"{value}\" is no time")]
    NotATime { field: String, value: String },
    /// A date that can be read in two ways, or lacks the time of day.
    #[error("{field} \"{value}\" is a date in a form that is not read by itself")]
    Date { field: String, value: String },
    /// Not of the pattern that was said.
    #[error("{field} \"{value}\" is not written as --time-format says: {problem}")]
    Pattern { field: String, value: String, problem: String },
    /// In another unit than those before it, or than was said.
    #[error("{field} {value} looks like {looks_like}, not {unit}")]
    OtherUnit { field: String, value: String, looks_like: Unit, unit: Unit },
    /// Before 1970.
    #[error("{field} \"{value}\" is before the year 1970")]
    TooEarly { field: String, value: String },
    /// No JSON object.
    #[error("no JSON object: {0}")]
    Json(String),
    /// Not as a row of the table.
    #[error(transparent)]
    Shape(Misshapen),
    /// Not as many columns as Snowplow writes.
    #[error("{found} columns instead of {expected}")]
    Columns { found: usize, expected: usize },
    /// No line of an access log.
    #[error("no line of an access log: it has no {0}")]
    AccessLog(&'static str),
    /// No event of the type that it is to be.
    #[error("{0}")]
    Unfit(String),
    /// Longer than any event.
    #[error("a line of more than 1 MiB")]
    TooLong,
    /// Other bytes than text.
    #[error("not UTF-8")]
    NotUtf8,
}

impl RowProblem {
    /// The kind of problem, the name under which it is counted.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NoTime { .. } => "no_time",
            Self::NotATime { .. } => "not_a_time",
            Self::Date { .. } => "unclear_date",
            Self::Pattern { .. } => "other_time_format",
            Self::OtherUnit { .. } => "other_unit",
            Self::TooEarly { .. } => "time_too_early",
            Self::Json(_) => "not_json",
            Self::Shape(Misshapen::Width { .. }) | Self::Columns { .. } => "wrong_number_of_fields",
            Self::Shape(Misshapen::CutShort { .. }) => "cut_short",
            Self::AccessLog(_) => "not_an_access_log",
            Self::Unfit(_) => "no_such_event",
            Self::TooLong => "too_long",
            Self::NotUtf8 => "not_utf8",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::OtherUnit { looks_like, .. } => {
                format!(
                    "--time-format {} reads them as {looks_like}; --bad-rows skip leaves such rows out",
                    looks_like.option()
                )
            }
            Self::Date { .. } => {
                "dates are read as RFC 3339 or 2015-05-30 15:33:21.117; others by their form, such as \
                 --time-format '%d/%m/%Y %H:%M:%S'"
                    .to_owned()
            }
            Self::NotATime { .. } => {
                "--time-format says how times are written: s, ms, us, ns, rfc3339, or a form such as '%d/%m/%Y \
                 %H:%M:%S'"
                    .to_owned()
            }
            Self::Shape(Misshapen::CutShort { .. }) => {
                "fetch or copy the file again; --bad-rows skip reads the rest without it".to_owned()
            }
            _ => "--bad-rows skip leaves such rows out and counts them".to_owned(),
        }
    }
}
