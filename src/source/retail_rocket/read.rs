//! Reading a recording row by row: checked, counted, in the order of the file.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::rc::Rc;

use csv::{ByteRecord, ErrorKind, ReaderBuilder};
use serde::{Deserialize, Serialize};

use super::config::BadRowPolicy;
use super::error::{LoadError, RowProblem};
use super::input::{Encoding, Input, read_failed};
use super::parse::{Columns, HeaderProblem, shown};
use super::row::Row;

/// How many skipped rows are kept as examples.
const EXAMPLES: usize = 20;
/// No row needs more; a quote that is never closed would take the whole file.
const LONGEST_ROW: u64 = 1 << 20;
const BUFFER_BYTES: usize = 64 << 10;

/// The rows left out with `--bad-rows skip`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRows {
    /// How many.
    pub count: u64,
    /// The same by kind of problem.
    pub by_reason: BTreeMap<String, u64>,
    /// The first 20.
    pub examples: Vec<BadRow>,
}

/// One row left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRow {
    /// Its line in the file, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub problem: String,
}

/// What reading found out.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// Good rows.
    pub(super) rows: u64,
    pub(super) bad: BadRows,
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
    let Input { name, encoding, text, guard } = input;
    let progress = Rc::new(Progress::default());
    let leash = Leash { text, progress: Rc::clone(&progress) };
    let mut csv = ReaderBuilder::new().flexible(true).buffer_capacity(BUFFER_BYTES).from_reader(leash);
    let failed = |line: u64, error: csv::Error| match error.into_kind() {
        ErrorKind::Io(source) if is_too_long(&source) => LoadError::Endless { file: name.clone(), line },
        ErrorKind::Io(source) => read_failed(&name, encoding.compression, line.saturating_sub(1), source),
        other => LoadError::Unreadable { file: name.clone(), source: io::Error::other(format!("{other:?}")) },
    };
    let header = csv.byte_headers().map_err(|error| failed(1, error))?;
    let columns = columns_of(&name, header)?;

    let mut reading = Reading { encoding, bytes: guard.as_ref().map(super::input::Guard::bytes), ..Reading::default() };
    let mut first_bad = None;
    let mut previous_ms = 0;
    let mut record = ByteRecord::new();
    loop {
        progress.taken.set(csv.position().byte());
        let line = csv.position().line();
        if !csv.read_byte_record(&mut record).map_err(|error| failed(line, error))? {
            break;
        }
        let Ok(ordinal) = u32::try_from(reading.rows) else {
            return Err(LoadError::TooManyRows { file: name.clone() });
        };
        match columns.row(&record, ordinal) {
            Ok(row) => {
                reading.rows += 1;
                reading.descents += u64::from(row.time_ms() < previous_ms);
                previous_ms = row.time_ms();
                take(row)?;
            }
            Err(_) if record.len() == 1 && record[0].trim_ascii().is_empty() => {}
            Err(problem) => {
                let line = record.position().map_or(line, csv::Position::line);
                let problem = match problem {
                    RowProblem::Width { found, expected } if found < expected && progress.ended_within_a_line() => {
                        RowProblem::CutShort { found, expected }
                    }
                    problem => problem,
                };
                if policy == BadRowPolicy::Fail {
                    return Err(LoadError::BadRow { file: name.clone(), line, problem });
                }
                reading.bad.add(line, &problem);
                first_bad.get_or_insert((line, problem));
            }
        }
    }
    if let Some(guard) = guard {
        guard.check(&name)?;
    }
    reading.encoding.final_line_end = !progress.ended_within_a_line();
    match first_bad {
        _ if reading.rows > 0 => Ok(reading),
        Some((line, problem)) => Err(LoadError::AllBad { file: name.clone(), rows: reading.bad.count, line, problem }),
        None => Err(LoadError::NoRows { file: name.clone() }),
    }
}

fn columns_of(name: &str, header: &ByteRecord) -> Result<Columns, LoadError> {
    let file = name.to_owned();
    if header.is_empty() {
        return Err(LoadError::Empty { file });
    }
    Columns::find(header).map_err(|problem| match problem {
        HeaderProblem::Twice(column) => LoadError::HeaderTwice { file, column },
        HeaderProblem::Missing(missing) => {
            let names: Vec<String> = header.iter().take(20).map(shown).collect();
            let delimiter =
                [';', '\t', '|'].into_iter().find(|other| header.len() == 1 && header[0].contains(&(*other as u8)));
            LoadError::Header { file, missing, found: names.join(", "), delimiter }
        }
    })
}

impl BadRows {
    fn add(&mut self, line: u64, problem: &RowProblem) {
        self.count += 1;
        *self.by_reason.entry(problem.reason().to_owned()).or_default() += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(BadRow { line, problem: problem.to_string() });
        }
    }
}

/// What the parser has been given, and what it has made rows of.
#[derive(Default)]
struct Progress {
    given: Cell<u64>,
    taken: Cell<u64>,
    last_byte: Cell<u8>,
    ended: Cell<bool>,
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
        if progress.given.get().saturating_sub(progress.taken.get()) > LONGEST_ROW + BUFFER_BYTES as u64 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, TooLong));
        }
        let count = self.text.read(buffer)?;
        match buffer[..count].last() {
            Some(last) => self.progress.last_byte.set(*last),
            None => self.progress.ended.set(!buffer.is_empty()),
        }
        self.progress.given.set(self.progress.given.get() + count as u64);
        Ok(count)
    }
}
