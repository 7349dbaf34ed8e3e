//! From the fields of a record of `events.csv` to a [`Row`], or the reason why not.

use csv::ByteRecord;

use super::fields::{TimeForm, id, is_nothing, is_zero, time};
use super::problem::RowProblem;
use super::row::{Action, COLUMNS, Row};
use super::table::Table;
use crate::input::shown;

/// Where each column stands in the file at hand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns {
    at: [usize; 5],
}

/// A row, and how it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parsed {
    pub(super) row: Row,
    pub(super) time_form: TimeForm,
    /// Whether a text that stands for none is in the place of an order.
    pub(super) is_filled: bool,
}

impl Columns {
    /// Those of a file of events.
    pub(super) fn of(table: &Table) -> Self {
        Self { at: [0, 1, 2, 3, 4].map(|column| table.place(column)) }
    }

    fn field<'a>(&self, record: &'a ByteRecord, column: usize) -> &'a [u8] {
        record.get(self.at[column]).unwrap_or_default()
    }

    /// Checks one record, which has as many fields as the header.
    pub(super) fn row(&self, record: &ByteRecord, ordinal: u32) -> Result<Parsed, RowProblem> {
        let field = |column: usize| self.field(record, column);
        let (time_ms, time_form) = time(field(0))?;
        let user = id(COLUMNS[1], field(1))?;
        let action = action(field(2)).ok_or_else(|| RowProblem::Event { value: shown(field(2)) })?;
        let item = id(COLUMNS[3], field(3))?;
        let (transaction, is_filled) = match (action, field(4)) {
            (Action::Transaction, text) if text.trim_ascii().is_empty() => {
                return Err(RowProblem::TransactionWithoutId);
            }
            (Action::Transaction, text) => (Some(id(COLUMNS[4], text)?), false),
            (_, b"") => (None, false),
            (_, text) if is_nothing(text) || is_zero(text) => (None, !text.trim_ascii().is_empty()),
            (_, text) => return Err(RowProblem::IdWithoutTransaction { value: shown(text) }),
        };
        Ok(Parsed { row: Row::new(time_ms, user, action, item, transaction, ordinal), time_form, is_filled })
    }

    /// What sort of event a record tells of, whatever else is wrong with it.
    pub(super) fn action(&self, record: &ByteRecord) -> Option<Action> {
        action(self.field(record, 2))
    }

    /// What stands in the place of an order, without spaces around it.
    pub(super) fn order<'a>(&self, record: &'a ByteRecord) -> &'a str {
        std::str::from_utf8(self.field(record, 4)).unwrap_or_default().trim()
    }
}

fn action(text: &[u8]) -> Option<Action> {
    match text {
        b"view" => Some(Action::View),
        b"addtocart" => Some(Action::AddToCart),
        b"transaction" => Some(Action::Transaction),
        other => match other.trim_ascii() {
            trimmed if trimmed.len() < other.len() => action(trimmed),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fields: [&str; 5]) -> Result<Parsed, RowProblem> {
        Columns { at: [0, 1, 2, 3, 4] }.row(&ByteRecord::from(fields.to_vec()), 0)
    }

    #[test]
    fn ids_of_zero_are_ids() {
        let row = row(["1433000000117", "0", "transaction", "0", "0"]).unwrap().row;
        assert_eq!((row.user, row.item, row.transaction()), (0, 0, Some(0)));
    }

    #[test]
    fn pandas_floats_are_whole_numbers_only_with_exactly_one_zero() {
        assert_eq!(row(["1433000000117.0", "8693.0", "view", "5", ""]).unwrap().row.user, 8693);
        for value in ["8693.5", "8693.00", "8693."] {
            let problem = row(["1433000000117", value, "view", "5", ""]).unwrap_err();
            assert!(matches!(problem, RowProblem::Fraction { column: "visitorid", .. }), "{problem}");
        }
    }

    #[test]
    fn a_fill_in_the_place_of_an_order_is_none_but_for_a_purchase() {
        for fill in ["-1", "0", "0.0", "NaN", "null", "None", "\\N", "NULL", "nan"] {
            let parsed = row(["1433000000117", "1", "view", "5", fill]).unwrap();
            assert_eq!((parsed.row.transaction(), parsed.is_filled), (None, true), "{fill}");
        }
        assert!(
            !row(["1433000000117", "1", "addtocart", "5", " "]).unwrap().is_filled,
            "blank is what the original has"
        );
        for fill in ["-1", "NaN", "null", ""] {
            assert!(row(["1433000000117", "1", "transaction", "5", fill]).is_err(), "{fill}");
        }
        let stray = row(["1433000000117", "1", "view", "5", "9"]).unwrap_err();
        assert_eq!(stray, RowProblem::IdWithoutTransaction { value: "9".to_owned() });
    }
}
