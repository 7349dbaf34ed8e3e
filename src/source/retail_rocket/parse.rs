//! From the fields of a CSV record to a [`Row`], or the reason why not.

use csv::ByteRecord;

use super::error::RowProblem;
use super::row::{Action, LATEST_MS, Row};

/// The columns of `events.csv`, in its own order.
pub(crate) const COLUMNS: [&str; 5] = ["timestamp", "visitorid", "event", "itemid", "transactionid"];

/// Times below this (1973 in ms, the year 5138 in s) are taken for seconds.
pub(crate) const EARLIEST_MS: u64 = 100_000_000_000;
/// Times from this on (the year 5138 in ms) are taken for micro- or nanoseconds.
const SURELY_FINER: u64 = 100_000_000_000_000;

/// Where each column stands in the file at hand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns {
    at: [usize; 5],
    /// Columns that the header has, wanted or not.
    pub(super) width: usize,
}

/// Why a header cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HeaderProblem {
    Missing(Vec<&'static str>),
    Twice(&'static str),
}

impl Columns {
    /// Finds the columns by name, in any order, among any others. Case and spaces around a name do not matter.
    pub(super) fn find(header: &ByteRecord) -> Result<Self, HeaderProblem> {
        let mut at = [0; 5];
        let mut missing = Vec::new();
        for (place, name) in at.iter_mut().zip(COLUMNS) {
            let mut found =
                header.iter().enumerate().filter(|(_, field)| field.trim_ascii().eq_ignore_ascii_case(name.as_bytes()));
            match (found.next(), found.next()) {
                (Some((index, _)), None) => *place = index,
                (Some(_), Some(_)) => return Err(HeaderProblem::Twice(name)),
                (None, _) => missing.push(name),
            }
        }
        if missing.is_empty() { Ok(Self { at, width: header.len() }) } else { Err(HeaderProblem::Missing(missing)) }
    }

    /// Checks one record.
    pub(super) fn row(&self, record: &ByteRecord, ordinal: u32) -> Result<Row, RowProblem> {
        if record.len() != self.width {
            return Err(RowProblem::Width { found: record.len(), expected: self.width });
        }
        let field = |column: usize| record.get(self.at[column]).unwrap_or_default();
        let time_ms = time(field(0))?;
        let user = id(COLUMNS[1], field(1))?;
        let action = action(field(2))?;
        let item = id(COLUMNS[3], field(3))?;
        let transaction = match (action, field(4)) {
            (Action::Transaction, text) => match optional_id(COLUMNS[4], text)? {
                None => return Err(RowProblem::TransactionWithoutId),
                id => id,
            },
            (_, b"") => None,
            (_, text) if text.trim_ascii().is_empty() => None,
            (_, text) => return Err(RowProblem::IdWithoutTransaction { value: shown(text) }),
        };
        Ok(Row::new(time_ms, user, action, item, transaction, ordinal))
    }
}

fn time(text: &[u8]) -> Result<u64, RowProblem> {
    let time = number(COLUMNS[0], text)?;
    match time {
        EARLIEST_MS..=LATEST_MS => Ok(time),
        ..EARLIEST_MS => Err(RowProblem::Seconds { value: time }),
        SURELY_FINER.. => Err(RowProblem::FinerThanMilliseconds { value: time }),
        _ => Err(RowProblem::TooLate { value: time }),
    }
}

fn action(text: &[u8]) -> Result<Action, RowProblem> {
    match text {
        b"view" => Ok(Action::View),
        b"addtocart" => Ok(Action::AddToCart),
        b"transaction" => Ok(Action::Transaction),
        other => match other.trim_ascii() {
            trimmed if trimmed.len() < other.len() => action(trimmed),
            _ => Err(RowProblem::Event { value: shown(other) }),
        },
    }
}

fn id(column: &'static str, text: &[u8]) -> Result<u32, RowProblem> {
    let value = number(column, text)?;
    u32::try_from(value).map_err(|_| RowProblem::IdTooLarge { column, value })
}

fn optional_id(column: &'static str, text: &[u8]) -> Result<Option<u32>, RowProblem> {
    if text.trim_ascii().is_empty() { Ok(None) } else { id(column, text).map(Some) }
}

/// A whole number of at most 19 digits.
fn number(column: &'static str, text: &[u8]) -> Result<u64, RowProblem> {
    digits(text).map_or_else(|| unusual_number(column, text), Ok)
}

fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 19 {
        return None;
    }
    text.iter().try_fold(0, |value: u64, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| value * 10 + u64::from(digit))
    })
}

/// What other programs make of a number: spaces around it, pandas' `8693.0`, a spreadsheet's `1.43322E+12`.
#[cold]
fn unusual_number(column: &'static str, text: &[u8]) -> Result<u64, RowProblem> {
    let trimmed = text.trim_ascii();
    if trimmed.is_empty() {
        return Err(RowProblem::Blank { column });
    }
    if let Some(value) = digits(trimmed.strip_suffix(b".0").unwrap_or(trimmed)) {
        return Ok(value);
    }
    let value = shown(text);
    let numeric = |part: &[u8]| !part.is_empty() && part.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    let unsigned = trimmed.strip_prefix(b"-").unwrap_or(trimmed);
    if let Some(e) = unsigned.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        let exponent = unsigned[e + 1..].strip_prefix(b"+").or_else(|| unsigned[e + 1..].strip_prefix(b"-"));
        if numeric(&unsigned[..e]) && numeric(exponent.unwrap_or(&unsigned[e + 1..])) {
            return Err(RowProblem::Scientific { column, value });
        }
    }
    match numeric(unsigned) {
        true if unsigned.len() < trimmed.len() => Err(RowProblem::Negative { column, value }),
        true if unsigned.contains(&b'.') => Err(RowProblem::Fraction { column, value }),
        _ => Err(RowProblem::NotANumber { column, value }),
    }
}

/// A field as messages show it: on one line, at most 40 characters.
pub(super) fn shown(field: &[u8]) -> String {
    let text = String::from_utf8_lossy(&field[..field.len().min(200)]);
    let mut shown: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if text.chars().nth(40).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Columns {
        Columns::find(&ByteRecord::from(COLUMNS.to_vec())).unwrap()
    }

    fn row(fields: [&str; 5]) -> Result<Row, RowProblem> {
        columns().row(&ByteRecord::from(fields.to_vec()), 0)
    }

    #[test]
    fn ids_of_zero_are_ids() {
        let row = row(["1433000000117", "0", "transaction", "0", "0"]).unwrap();
        assert_eq!((row.user, row.item, row.transaction()), (0, 0, Some(0)));
    }

    #[test]
    fn pandas_floats_are_whole_numbers_only_with_exactly_one_zero() {
        assert_eq!(row(["1433000000117.0", "8693.0", "view", "5", ""]).unwrap().user, 8693);
        for value in ["8693.5", "8693.00", "8693."] {
            let problem = row(["1433000000117", value, "view", "5", ""]).unwrap_err();
            assert!(matches!(problem, RowProblem::Fraction { column: "visitorid", .. }), "{problem}");
        }
    }

    #[test]
    fn columns_are_found_by_name_among_others() {
        let header = ByteRecord::from(vec!["x", " ItemId ", "transactionid", "event", "timestamp", "visitorid"]);
        let columns = Columns::find(&header).unwrap();
        let record = ByteRecord::from(vec!["?", "4", "", "view", "1433000000117", "3"]);
        let row = columns.row(&record, 9).unwrap();
        assert_eq!((row.user, row.item, row.time_ms(), row.ordinal), (3, 4, 1_433_000_000_117, 9));
    }

    #[test]
    fn a_header_that_lacks_or_repeats_a_column_is_no_header() {
        let find = |names: &[&str]| Columns::find(&ByteRecord::from(names.to_vec())).unwrap_err();
        assert_eq!(find(&["timestamp", "event"]), HeaderProblem::Missing(vec!["visitorid", "itemid", "transactionid"]));
        let twice = ["timestamp", "visitorid", "event", "itemid", "transactionid", "event"];
        assert_eq!(find(&twice), HeaderProblem::Twice("event"));
    }

    #[test]
    fn long_and_foreign_fields_are_shown_in_one_short_line() {
        assert_eq!(shown(b"a\nb"), "a\\nb");
        assert_eq!(shown(&[b'x'; 500]).chars().count(), 41);
        assert_eq!(shown(&[0xff]), "\u{fffd}");
    }
}
