//! What can be wrong with a row of a recording's files.

use super::row::COLUMNS;
use crate::input::table::Misshapen;

/// Which of a recording's files one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// `events.csv`.
    Events,
    /// `item_properties_part1.csv` and its like.
    ItemProperties,
    /// `category_tree.csv`.
    CategoryTree,
}

impl FileKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Events, Self::ItemProperties, Self::CategoryTree];

    /// The columns that it must have, in the published order.
    #[must_use]
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Events => &COLUMNS,
            Self::ItemProperties => &["timestamp", "itemid", "property", "value"],
            Self::CategoryTree => &["categoryid", "parentid"],
        }
    }

    /// How it is called, and the way in which it is given.
    #[must_use]
    pub const fn given_as(self) -> &'static str {
        match self {
            Self::Events => "a recording of events: give it as FILE",
            Self::ItemProperties => "a file of item properties: give it with --item-properties",
            Self::CategoryTree => "a category tree: give it with --category-tree",
        }
    }
}

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
    /// Rounded by a spreadsheet; another column may hold the time as a date.
    #[error("{column} \"{value}\" was rounded by a spreadsheet, its last digits are gone")]
    Scientific { column: &'static str, value: String, dates_in: Option<String> },
    /// A date in a form that can be read in two ways, or lacks the time of day.
    #[error("{column} \"{value}\" is a date in a form that is not read")]
    Date { column: &'static str, value: String },
    /// More than 32 bits.
    #[error("{column} {value} is too large, ids go up to 4294967295")]
    IdTooLarge { column: &'static str, value: u64 },
    /// In seconds.
    #[error("timestamp {value} looks like seconds, not milliseconds")]
    Seconds { value: u64 },
    /// In micro- or nanoseconds.
    #[error("timestamp {value} looks like micro- or nanoseconds, not milliseconds")]
    FinerThanMilliseconds { value: u64 },
    /// A date before 1970.
    #[error("timestamp \"{value}\" is before the year 1970")]
    TooEarly { value: String },
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
    /// Neither 0 nor 1.
    #[error("available \"{value}\" is neither 0 nor 1")]
    Availability { value: String },
    /// Not as `n12.340`.
    #[error("\"{value}\" is no price")]
    Price { value: String },
    /// A category of the tree that was there before.
    #[error("category {id} is there twice")]
    CategoryTwice { id: u64 },
    /// A parent that is nowhere in the tree.
    #[error("parent {id} is no category of this file")]
    NoSuchParent { id: u64 },
    /// Too few or too many fields.
    #[error(transparent)]
    Shape(Misshapen),
    /// The names of the columns in the middle of the file.
    #[error("the header again: two files put together?")]
    HeaderAgain { same: bool },
    /// A quoted field goes on over lines.
    #[error("a quoted field goes on for {lines} lines: is a quote opened here and not closed?")]
    LineEnd { lines: u64 },
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
            Self::Date { .. } => "unclear_date",
            Self::IdTooLarge { .. } => "id_too_large",
            Self::Seconds { .. } => "seconds",
            Self::FinerThanMilliseconds { .. } => "finer_than_milliseconds",
            Self::TooEarly { .. } => "time_too_early",
            Self::TooLate { .. } => "time_too_late",
            Self::Event { .. } => "unknown_event",
            Self::TransactionWithoutId => "transaction_without_id",
            Self::IdWithoutTransaction { .. } => "id_without_transaction",
            Self::Availability { .. } => "not_an_availability",
            Self::Price { .. } => "not_a_price",
            Self::CategoryTwice { .. } => "category_twice",
            Self::NoSuchParent { .. } => "no_such_parent",
            Self::Shape(Misshapen::Width { .. }) => "wrong_number_of_fields",
            Self::Shape(Misshapen::CutShort { .. }) => "cut_short",
            Self::HeaderAgain { .. } => "header_again",
            Self::LineEnd { .. } => "line_end_in_a_field",
        }
    }

    /// How many lines of the file it takes away.
    pub(super) const fn lines(&self) -> u64 {
        match self {
            Self::LineEnd { lines } => *lines,
            _ => 1,
        }
    }

    /// What to do, where skipping the row would miss the point.
    pub(super) fn remedy(&self) -> Option<String> {
        let remedy = match self {
            Self::Seconds { .. } => "multiply the timestamp column by 1000",
            Self::FinerThanMilliseconds { .. } => "divide the timestamp column down to milliseconds",
            Self::Scientific { dates_in: Some(other), .. } => {
                return Some(format!(
                    "column {other} has the times as dates: name that one timestamp, and this one something else"
                ));
            }
            Self::Scientific { .. } => {
                "use the original file: a spreadsheet that saved it kept 6 of 13 digits, nothing can restore them"
            }
            Self::Date { .. } => {
                "dates are read as 2015-05-30T15:33:21.117Z or 2015-05-30 15:33:21.117 (UTC unless an offset is said); \
                 others can be read in two ways, or lack the time of day"
            }
            Self::Shape(Misshapen::CutShort { .. }) => "fetch or copy the file again",
            Self::HeaderAgain { same: true } => "take that line out",
            Self::HeaderAgain { same: false } => {
                "its columns are in another order than those of the first line: give each part on its own"
            }
            Self::LineEnd { .. } => "close the quote, or take the quotes out: no column needs them",
            _ => return None,
        };
        Some(remedy.to_owned())
    }
}

/// How many rows of a file are like a bad one, as far as was looked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// Rows looked at, from the first one on.
    pub rows: u64,
    /// Of these, the ones that cannot be used.
    pub bad: u64,
    /// Types of events of which no row can be used.
    pub lost: Vec<&'static str>,
}

impl Outlook {
    /// Whether leaving such rows out leaves nearly all of the file, and something of each type.
    pub(super) fn is_mild(&self) -> bool {
        self.lost.is_empty() && self.bad.saturating_mul(10) <= self.rows
    }

    /// What to do about them: leaving them out is good advice where they are few.
    pub(super) fn advice(&self) -> String {
        let Self { rows, bad, lost } = self;
        if self.is_mild() {
            let which = if *bad == 1 { "it is the only one".to_owned() } else { format!("they are {bad}") };
            return format!(
                "--bad-rows skip leaves such rows out and counts them ({which} in the {rows} rows looked at)"
            );
        }
        let among = match lost.as_slice() {
            [] => String::new(),
            lost => format!(", every {} among them", lost.join(" and every ")),
        };
        let be = if *bad == 1 { "cannot be used" } else { "cannot be used like this one" };
        format!("mend the file: {bad} of the {rows} rows looked at {be}{among}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_rows_out_is_advised_where_they_are_few_and_no_type_goes_with_them() {
        let advice = |rows, bad, lost: &[&'static str]| Outlook { rows, bad, lost: lost.to_vec() }.advice();
        assert!(advice(1_000, 1, &[]).starts_with("--bad-rows skip"));
        assert!(advice(1_000, 100, &[]).starts_with("--bad-rows skip"));
        assert_eq!(
            advice(1_000, 990, &[]),
            "mend the file: 990 of the 1000 rows looked at cannot be used like this one"
        );
        assert_eq!(
            advice(220, 20, &["transaction"]),
            "mend the file: 20 of the 220 rows looked at cannot be used like this one, every transaction among them"
        );
    }
}
