//! A CSV file row by row, in bounded memory: its columns by name, each row with its line, and what breaks its shape.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder};

use super::error::LoadError;
use super::fields::{TIME, date, shown};
use super::input::{Encoding, Guard, Input, read_failed};
use super::problem::{FileKind, RowProblem};

/// No row needs more; a quote that is never closed would take the whole file.
const LONGEST_ROW: u64 = 1 << 20;
const BUFFER_BYTES: usize = 64 << 10;

/// One of the recording's files.
pub(super) struct Table {
    /// As the user wrote it.
    pub(super) name: String,
    pub(super) kind: FileKind,
    encoding: Encoding,
    guard: Option<Guard>,
    csv: Reader<Leash>,
    progress: Rc<Progress>,
    header: ByteRecord,
    /// Where each wanted column stands, in the order of [`FileKind::columns`].
    places: Vec<usize>,
    line: u64,
}

impl Table {
    /// Reads the header of `input` and finds the columns of `kind` in it: in any order, among any others. Case and spaces
    /// around a name do not matter.
    pub(super) fn open(input: Input, kind: FileKind) -> Result<Self, LoadError> {
        let Input { name, encoding, text, guard } = input;
        let progress = Rc::new(Progress::default());
        let leash = Leash { text, progress: Rc::clone(&progress) };
        let csv = ReaderBuilder::new().flexible(true).buffer_capacity(BUFFER_BYTES).from_reader(leash);
        let header = ByteRecord::new();
        let mut table = Self { name, kind, encoding, guard, csv, progress, header, places: Vec::new(), line: 1 };
        table.header = match table.csv.byte_headers() {
            Ok(header) => header.clone(),
            Err(error) => return Err(table.failed(1, error)),
        };
        if table.header.is_empty() {
            return Err(LoadError::Empty { file: table.name });
        }
        if table.header.as_slice().contains(&b'\n') {
            return Err(LoadError::Unclosed { file: table.name, line: 1 });
        }
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
        loop {
            self.progress.taken.set(self.csv.position().byte());
            let line = self.csv.position().line();
            match self.csv.read_byte_record(record) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(error) => return Err(self.failed(line, error)),
            }
            if record.len() == 1 && record[0].trim_ascii().is_empty() && !has_line_end(record) {
                continue;
            }
            self.line = record.position().map_or(line, csv::Position::line);
            if self.progress.exhausted.get() && has_line_end(record) {
                return Err(LoadError::Unclosed { file: self.name.clone(), line: self.line });
            }
            return Ok(true);
        }
    }

    /// The line of the row that was read last, from 1.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    /// Whether `record` has as many fields as the header, each on one line.
    pub(super) fn check(&self, record: &ByteRecord) -> Result<(), RowProblem> {
        let (found, expected) = (record.len(), self.header.len());
        // A row on one line moves the reader on by one, or by none where lines end with a carriage return alone.
        if self.csv.position().line().wrapping_sub(self.line) != 1 && has_line_end(record) {
            let lines = record.as_slice().split(|byte| *byte == b'\n').count() as u64;
            return Err(RowProblem::LineEnd { lines });
        }
        match () {
            () if found == expected => Ok(()),
            () if found < expected && self.progress.ended_within_a_line() => {
                Err(RowProblem::CutShort { found, expected })
            }
            () => Err(RowProblem::Width { found, expected }),
        }
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

    /// Whether looking on in it takes no longer than reading does: whoever writes to a pipe may take his time.
    pub(super) const fn is_file(&self) -> bool {
        self.guard.is_some()
    }

    /// Its size where it has one.
    pub(super) fn bytes(&self) -> Option<u64> {
        self.guard.as_ref().map(Guard::bytes)
    }

    /// After the last row: that nobody wrote to it meanwhile, and how its bytes are wrapped.
    pub(super) fn end(&self) -> Result<Encoding, LoadError> {
        if let Some(guard) = &self.guard {
            guard.check(&self.name)?;
        }
        Ok(Encoding { final_line_end: !self.progress.ended_within_a_line(), ..self.encoding })
    }

    fn failed(&self, line: u64, error: csv::Error) -> LoadError {
        let file = self.name.clone();
        match error.into_kind() {
            ErrorKind::Io(source) if is_too_long(&source) => LoadError::Endless { file, line },
            ErrorKind::Io(source) => read_failed(&self.name, self.encoding.compression, line.saturating_sub(1), source),
            other => LoadError::Unreadable { file, source: io::Error::other(format!("{other:?}")) },
        }
    }
}

fn is_named(field: &[u8], column: &str) -> bool {
    field.trim_ascii().eq_ignore_ascii_case(column.as_bytes())
}

/// Whether the fields are a header of such a file.
fn names_all(record: &ByteRecord, kind: FileKind) -> bool {
    kind.columns().iter().all(|column| record.iter().any(|field| is_named(field, column)))
}

fn has_line_end(record: &ByteRecord) -> bool {
    record.as_slice().iter().any(|byte| matches!(byte, b'\n' | b'\r'))
}

/// What the parser has been given, and what it has made rows of.
#[derive(Default)]
struct Progress {
    given: Cell<u64>,
    taken: Cell<u64>,
    last_byte: Cell<u8>,
    /// All of the file has been read.
    ended: Cell<bool>,
    /// The parser was told so.
    exhausted: Cell<bool>,
}

impl Progress {
    /// Whether all has been read, and the last byte was no line end.
    fn ended_within_a_line(&self) -> bool {
        self.ended.get() && !matches!(self.last_byte.get(), b'\n' | b'\r')
    }
}

/// Keeps the parser from taking a whole file for one row.
struct Leash {
    text: Box<dyn Read>,
    progress: Rc<Progress>,
}

#[derive(Debug, thiserror::Error)]
#[error("a row of more than {LONGEST_ROW} bytes")]
struct TooLong;

fn is_too_long(error: &io::Error) -> bool {
    matches!(error.get_ref(), Some(inner) if inner.is::<TooLong>())
}

impl Read for Leash {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let progress = &self.progress;
        let given = progress.given.get();
        if given.saturating_sub(progress.taken.get()) > LONGEST_ROW + BUFFER_BYTES as u64 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, TooLong));
        }
        if buffer.is_empty() {
            return Ok(0);
        }
        let mut count = if progress.ended.get() { 0 } else { self.text.read(buffer)? };
        match buffer[..count].last() {
            Some(last) => progress.last_byte.set(*last),
            // A last line without its end gets one: a row whose quote is still open has it within a field then.
            None if !progress.ended.replace(true) && progress.ended_within_a_line() => {
                buffer[0] = b'\n';
                count = 1;
            }
            None => progress.exhausted.set(true),
        }
        progress.given.set(given + count as u64);
        Ok(count)
    }
}
