//! A CSV file row by row, in bounded memory: its header, each row with its line, and what breaks its shape.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder};

use super::{Encoding, Guard, Input, InputError, LONGEST_ROW, read_failed};

const BUFFER_BYTES: usize = 64 << 10;

/// A CSV file.
pub struct Table {
    /// As the user wrote it.
    pub name: String,
    /// The names of its columns.
    pub header: ByteRecord,
    encoding: Encoding,
    guard: Option<Guard>,
    csv: Reader<Leash>,
    progress: Rc<Progress>,
    line: u64,
}

/// What breaks the shape of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are what the messages show")]
pub enum Misshapen {
    /// Too few or too many fields.
    #[error("{found} fields instead of {expected}")]
    Width { found: usize, expected: usize },
    /// The last line is not whole.
    #[error("the last line ends after {found} of {expected} fields, without a line end: the file is cut short")]
    CutShort { found: usize, expected: usize },
}

impl Table {
    /// Reads the header of `input`, whose columns `delimiter` separates.
    ///
    /// # Errors
    /// Where it cannot be read, or has no header.
    pub fn open(input: Input, delimiter: u8) -> Result<Self, InputError> {
        let Input { name, encoding, text, guard, .. } = input;
        let progress = Rc::new(Progress::default());
        let leash = Leash { text, progress: Rc::clone(&progress) };
        let csv =
            ReaderBuilder::new().flexible(true).delimiter(delimiter).buffer_capacity(BUFFER_BYTES).from_reader(leash);
        let mut table = Self { name, header: ByteRecord::new(), encoding, guard, csv, progress, line: 1 };
        table.header = match table.csv.byte_headers() {
            Ok(header) => header.clone(),
            Err(error) => return Err(table.failed(1, error)),
        };
        if table.header.is_empty() {
            return Err(InputError::Empty { file: table.name });
        }
        if table.header.as_slice().contains(&b'\n') {
            return Err(InputError::Unclosed { file: table.name, line: 1 });
        }
        Ok(table)
    }

    /// The next row that is not blank; `false` at the end of the file.
    ///
    /// # Errors
    /// Where the file cannot be read any more, or a quote swallows it.
    pub fn next(&mut self, record: &mut ByteRecord) -> Result<bool, InputError> {
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
                return Err(InputError::Unclosed { file: self.name.clone(), line: self.line });
            }
            return Ok(true);
        }
    }

    /// The line of the row that was read last, from 1.
    #[must_use]
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// On how many lines `record`, read last, stands, where a quoted field goes on over lines.
    #[must_use]
    pub fn lines(&self, record: &ByteRecord) -> Option<u64> {
        // A row on one line moves the reader on by one, or by none where lines end with a carriage return alone.
        let goes_on = self.csv.position().line().wrapping_sub(self.line) != 1 && has_line_end(record);
        goes_on.then(|| record.as_slice().split(|byte| *byte == b'\n').count() as u64)
    }

    /// Whether `record` has as many fields as the header.
    ///
    /// # Errors
    /// Where it has not.
    pub fn check(&self, record: &ByteRecord) -> Result<(), Misshapen> {
        match (record.len(), self.header.len()) {
            (found, expected) if found == expected => Ok(()),
            (found, expected) if found < expected && self.progress.ended_within_a_line() => {
                Err(Misshapen::CutShort { found, expected })
            }
            (found, expected) => Err(Misshapen::Width { found, expected }),
        }
    }

    /// Whether looking on in it takes no longer than reading does: whoever writes to a pipe may take his time.
    #[must_use]
    pub const fn is_file(&self) -> bool {
        self.guard.is_some()
    }

    /// Its size where it has one.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        self.guard.as_ref().map(Guard::bytes)
    }

    /// After the last row: that nobody wrote to it meanwhile, and how its bytes are wrapped.
    ///
    /// # Errors
    /// Where somebody did.
    pub fn end(&self) -> Result<Encoding, InputError> {
        if let Some(guard) = &self.guard {
            guard.check(&self.name)?;
        }
        Ok(Encoding { final_line_end: !self.progress.ended_within_a_line(), ..self.encoding })
    }

    fn failed(&self, line: u64, error: csv::Error) -> InputError {
        let file = self.name.clone();
        match error.into_kind() {
            ErrorKind::Io(source) if is_too_long(&source) => InputError::Endless { file, line },
            ErrorKind::Io(source) => read_failed(&self.name, self.encoding.compression, line.saturating_sub(1), source),
            other => InputError::Unreadable { file, source: io::Error::other(format!("{other:?}")) },
        }
    }
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
