//! One of the recording's CSVs: its columns by name, and what the whole file says of a row that cannot be used.

use std::ops::{Deref, DerefMut};
use std::path::Path;

use csv::ByteRecord;

use super::error::LoadError;
use super::fields::TIME;
use super::problem::{FileKind, RowProblem};
use crate::input::table::Table as Rows;
use crate::input::{Encoding, Input, InputError, date, shown};

/// One of the recording's files.
pub(super) struct Table {
    rows: Rows,
    pub(super) kind: FileKind,
    /// Where each wanted column stands, in the order of [`FileKind::columns`].
    places: Vec<usize>,
}

impl Deref for Table {
    type Target = Rows;
    fn deref(&self) -> &Rows {
        &self.rows
    }
}

impl DerefMut for Table {
    fn deref_mut(&mut self) -> &mut Rows {
        &mut self.rows
    }
}

/// Opens `path`, a file of that kind.
pub(super) fn open(path: &Path, kind: FileKind) -> Result<Input, LoadError> {
    Input::open(path).map_err(|error| LoadError::Input { error, kind })
}

impl Table {
    /// Reads the header of `input` and finds the columns of `kind` in it: in any order, among any others. Case and spaces
    /// around a name do not matter.
    pub(super) fn open(input: Input, kind: FileKind) -> Result<Self, LoadError> {
        let foreign = |what, remedy| {
            Err(LoadError::Input { error: InputError::Foreign { file: input.name.clone(), what, remedy }, kind })
        };
        if input.is_json() {
            return foreign("JSON", "convert it to CSV");
        }
        if input.is_avro() {
            return foreign("an Avro file", "loadgen replay FILE --dry-run tells what is in a recording");
        }
        let rows = Rows::open(input, b',').map_err(|error| LoadError::Input { error, kind })?;
        let mut table = Self { rows, kind, places: Vec::new() };
        table.places = table.found()?;
        Ok(table)
    }

    fn found(&self) -> Result<Vec<usize>, LoadError> {
        let file = || self.name.clone();
        let (mut places, mut missing) = (Vec::new(), Vec::new());
        for column in self.kind.columns() {
            let mut found = (0..).zip(&self.header).filter(|(_, field)| is_named(field, column));
            match (found.next(), found.next()) {
                (Some((place, _)), None) => places.push(place),
                (Some(_), Some(_)) => return Err(LoadError::HeaderTwice { file: file(), column }),
                (None, _) => missing.push(*column),
            }
        }
        if missing.is_empty() {
            return Ok(places);
        }
        let names: Vec<String> = self.header.iter().take(20).map(shown).collect();
        let only = self.header.get(0).filter(|_| self.header.len() == 1).unwrap_or_default();
        Err(LoadError::Header {
            file: file(),
            kind: self.kind,
            missing,
            found: names.join(", "),
            delimiter: [';', '\t', '|'].into_iter().find(|other| only.contains(&(*other as u8))),
            looks_like: FileKind::ALL.into_iter().find(|kind| names_all(&self.header, *kind)),
        })
    }

    /// Where a wanted column stands, by its place in [`FileKind::columns`].
    pub(super) fn place(&self, column: usize) -> usize {
        self.places.get(column).copied().unwrap_or(usize::MAX)
    }

    /// The next row that is not blank; `false` at the end of the file.
    pub(super) fn next(&mut self, record: &mut ByteRecord) -> Result<bool, LoadError> {
        self.rows.next(record).map_err(|error| LoadError::Input { error, kind: self.kind })
    }

    /// Whether `record` has as many fields as the header, each on one line.
    pub(super) fn check(&self, record: &ByteRecord) -> Result<(), RowProblem> {
        if let Some(lines) = self.rows.lines(record) {
            return Err(RowProblem::LineEnd { lines });
        }
        self.rows.check(record).map_err(RowProblem::Shape)
    }

    /// What is wrong with `record` in view of the whole file: a header in its middle, times that another column holds.
    #[cold]
    pub(super) fn explain(&self, record: &ByteRecord, problem: RowProblem) -> RowProblem {
        if names_all(record, self.kind) {
            let same = record.len() == self.header.len()
                && record
                    .iter()
                    .zip(&self.header)
                    .all(|(again, first)| again.trim_ascii().eq_ignore_ascii_case(first.trim_ascii()));
            return RowProblem::HeaderAgain { same };
        }
        match problem {
            RowProblem::Scientific { column, value, .. } if column == TIME => {
                let dates_in = record
                    .iter()
                    .zip(&self.header)
                    .find(|(field, _)| date(field).is_some())
                    .map(|(_, name)| shown(name));
                RowProblem::Scientific { column, value, dates_in }
            }
            problem => problem,
        }
    }

    /// After the last row: that nobody wrote to it meanwhile, and how its bytes are wrapped.
    pub(super) fn end(&self) -> Result<Encoding, LoadError> {
        self.rows.end().map_err(|error| LoadError::Input { error, kind: self.kind })
    }

    /// Its name and what it is.
    pub(super) fn into_name(self) -> (String, FileKind) {
        (self.rows.name, self.kind)
    }
}

fn is_named(field: &[u8], column: &str) -> bool {
    field.trim_ascii().eq_ignore_ascii_case(column.as_bytes())
}

/// Whether the fields are a header of such a file.
fn names_all(record: &ByteRecord, kind: FileKind) -> bool {
    kind.columns().iter().all(|column| record.iter().any(|field| is_named(field, column)))
}
