//! Reading a recording row by row: checked, counted, in the order of the file.

use std::collections::BTreeMap;

use csv::ByteRecord;
use serde::{Deserialize, Serialize};

use super::error::LoadError;
use super::fields::TimeForm;
use super::parse::{Columns, Parsed};
use super::problem::{FileKind, Outlook, RowProblem};
use super::row::{Action, Row};
use super::table::Table;
use crate::input::{BadRowPolicy, BadRows, Encoding, Input, UNKNOWN_TYPE};

/// How many rows after a bad one are looked at before the file is refused: whether to advise leaving such rows out.
const LOOKED_AT: u64 = 100_000;

/// Rows whose time is a date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatedRows {
    /// How many.
    pub count: u64,
    /// Of these, the ones without an offset, taken as UTC.
    pub without_offset: u64,
}

/// What reading found out.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// Good rows.
    pub(super) rows: u64,
    /// The same by type of event.
    pub(super) by_type: [u64; 3],
    pub(super) bad: BadRows,
    /// Texts that stand for no order, on events that are no purchase, and how often.
    pub(super) order_fills: BTreeMap<String, u64>,
    pub(super) dated: DatedRows,
    /// Neighbouring rows that go back in time.
    pub(super) descents: u64,
    pub(super) encoding: Encoding,
    /// The file's length, where it has one.
    pub(super) bytes: Option<u64>,
}

/// Gives each good row of `input` to `take`, in file order.
pub(super) fn read(
    input: Input,
    policy: BadRowPolicy,
    mut take: impl FnMut(Row) -> Result<(), LoadError>,
) -> Result<Reading, LoadError> {
    let mut table = Table::open(input, FileKind::Events)?;
    let columns = Columns::of(&table);
    let mut reading = Reading { bytes: table.bytes(), ..Reading::default() };
    let mut first_bad = None;
    let mut previous_ms = 0;
    let mut record = ByteRecord::new();
    while table.next(&mut record)? {
        let Ok(ordinal) = u32::try_from(reading.rows) else {
            return Err(LoadError::TooManyRows { file: table.into_name().0 });
        };
        match table.check(&record).and_then(|()| columns.row(&record, ordinal)) {
            Ok(parsed) => {
                let row = parsed.row;
                reading.note(&parsed, &columns, &record);
                reading.descents += u64::from(row.time_ms() < previous_ms);
                previous_ms = row.time_ms();
                take(row)?;
            }
            Err(problem) => {
                let (line, problem) = (table.line(), table.explain(&record, problem));
                reading.note_bad(line, &problem, columns.action(&record));
                if policy == BadRowPolicy::Fail || problem == (RowProblem::HeaderAgain { same: false }) {
                    let outlook = Box::new(reading.look_on(&mut table, &columns));
                    let (file, kind) = table.into_name();
                    return Err(LoadError::BadRow { file, kind, line, problem, outlook });
                }
                first_bad.get_or_insert((line, problem));
            }
        }
    }
    reading.encoding = table.end()?;
    let (file, kind) = table.into_name();
    match first_bad {
        _ if reading.rows > 0 => Ok(reading),
        Some((line, problem)) => Err(LoadError::AllBad { file, kind, rows: reading.bad.count, line, problem }),
        None => Err(LoadError::NoRows { file }),
    }
}

impl Reading {
    #[inline]
    fn note(&mut self, parsed: &Parsed, columns: &Columns, record: &ByteRecord) {
        self.rows += 1;
        self.by_type[parsed.row.action() as usize] += 1;
        if parsed.is_filled {
            self.note_fill(columns.order(record));
        }
        if parsed.time_form != TimeForm::Number {
            self.dated.count += 1;
            self.dated.without_offset += u64::from(parsed.time_form == TimeForm::DateWithoutOffset);
        }
    }

    fn note_bad(&mut self, line: u64, problem: &RowProblem, action: Option<Action>) {
        let kind = action.map_or(UNKNOWN_TYPE, Action::as_str);
        self.bad.add(line, problem.lines(), problem.reason(), kind, problem);
    }

    /// Counts a fill. There are few of them, in few ways of writing.
    fn note_fill(&mut self, fill: &str) {
        match self.order_fills.get_mut(fill) {
            Some(count) => *count += 1,
            None => _ = self.order_fills.insert(fill.to_owned(), 1),
        }
    }

    /// Counts on behind a bad row, to say how many are like it. What cannot be read there is another day's trouble.
    fn look_on(mut self, table: &mut Table, columns: &Columns) -> Outlook {
        let mut record = ByteRecord::new();
        let most = if table.is_file() { LOOKED_AT } else { 0 };
        for _ in 0..most {
            if !matches!(table.next(&mut record), Ok(true)) {
                break;
            }
            match table.check(&record).and_then(|()| columns.row(&record, 0)) {
                Ok(parsed) => self.note(&parsed, columns, &record),
                Err(problem) => self.note_bad(table.line(), &problem, columns.action(&record)),
            }
        }
        Outlook { rows: self.rows + self.bad.count, bad: self.bad.count, lost: self.lost_types() }
    }

    /// Types of events of which there are rows, and none that can be used.
    fn lost_types(&self) -> Vec<&'static str> {
        let is_lost = |(action, good): &(Action, u64)| *good == 0 && self.bad.by_type.contains_key(action.as_str());
        Action::OF_VISITORS.into_iter().zip(self.by_type).filter(is_lost).map(|(action, _)| action.as_str()).collect()
    }

    /// Good rows by the names of their types.
    pub(super) fn rows_by_type(&self) -> BTreeMap<String, u64> {
        let named = Action::OF_VISITORS.into_iter().zip(self.by_type);
        named.map(|(action, rows)| (action.as_str().to_owned(), rows)).collect()
    }
}
