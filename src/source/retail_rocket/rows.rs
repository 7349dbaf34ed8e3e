//! The selected rows in the order of time, in memory or on disk, and a place in them.

use std::fmt;
use std::io;

use super::row::Row;
use super::spill::{Run, RunReader, SpillFile};

const BLOCK_BYTES: usize = 96 << 10;

/// The selected rows in the order of time.
pub(super) enum Rows {
    Memory(Vec<Row>),
    Disk(SpillFile, Run),
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self {
            Self::Memory(_) => "in memory",
            Self::Disk(..) => "on disk",
        };
        write!(f, "{} rows {place}", self.len())
    }
}

impl Rows {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Memory(rows) => rows.len() as u64,
            Self::Disk(_, run) => run.rows(),
        }
    }

    pub(super) fn reader(&self) -> RowReader {
        match self {
            Self::Memory(_) => RowReader::Memory(0),
            Self::Disk(_, run) => RowReader::Disk(RunReader::new(*run, BLOCK_BYTES)),
        }
    }
}

/// A place in [`Rows`]; each lane has its own.
#[derive(Debug)]
pub(super) enum RowReader {
    Memory(usize),
    Disk(RunReader),
}

impl RowReader {
    #[inline]
    pub(super) fn next(&mut self, rows: &Rows) -> io::Result<Option<Row>> {
        match (self, rows) {
            (Self::Memory(at), Rows::Memory(rows)) => {
                let row = rows.get(*at).copied();
                *at += 1;
                Ok(row)
            }
            (Self::Disk(reader), Rows::Disk(file, _)) => reader.next(file),
            _ => Err(io::Error::other("a reader of other rows")),
        }
    }
}
