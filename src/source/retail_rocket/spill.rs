//! Rows on disk: sorted runs in one unnamed temporary file, read back in blocks.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::error::LoadError;
use super::row::{ROW_BYTES, Row};

const WRITE_BYTES: usize = (1 << 20) / ROW_BYTES * ROW_BYTES;

/// Where to spill, and for which recording.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The folder.
    pub(super) folder: PathBuf,
    /// The recording's name, for messages.
    pub(super) file: String,
}

impl Place {
    pub(super) fn failed(&self, written: u64, source: io::Error) -> LoadError {
        let folder = self.folder.display().to_string();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                LoadError::NoSpace { file: self.file.clone(), folder, written_mib: written >> 20, source }
            }
            _ => LoadError::Spill { folder, source },
        }
    }
}

/// Consecutive rows of a [`SpillFile`], `start` and `end` in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    start: u64,
    end: u64,
}

impl Run {
    pub(super) const fn rows(self) -> u64 {
        (self.end - self.start) / ROW_BYTES as u64
    }
}

/// A temporary file without a name: the system frees it with the last handle, also after a crash.
#[derive(Debug)]
pub(super) struct SpillFile {
    place: Place,
    file: File,
    buffer: Vec<u8>,
    written: u64,
}

impl SpillFile {
    pub(super) fn create(place: &Place) -> Result<Self, LoadError> {
        let file = tempfile::tempfile_in(&place.folder).map_err(|source| place.failed(0, source))?;
        Ok(Self { place: place.clone(), file, buffer: Vec::with_capacity(WRITE_BYTES), written: 0 })
    }

    /// Appends rows that are in order.
    pub(super) fn write_run(
        &mut self,
        rows: impl IntoIterator<Item = Result<Row, LoadError>>,
    ) -> Result<Run, LoadError> {
        let start = self.written;
        for row in rows {
            self.buffer.extend_from_slice(&row?.to_bytes());
            if self.buffer.len() >= WRITE_BYTES {
                self.flush()?;
            }
        }
        self.flush()?;
        Ok(Run { start, end: self.written })
    }

    fn flush(&mut self) -> Result<(), LoadError> {
        self.file.write_all_at(&self.buffer, self.written).map_err(|source| self.place.failed(self.written, source))?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Gives the write buffer back once all is written.
    pub(super) fn finish_writing(&mut self) {
        self.buffer = Vec::new();
    }

    pub(super) const fn place(&self) -> &Place {
        &self.place
    }
}

/// Reads one run, block by block.
#[derive(Debug)]
pub(super) struct RunReader {
    at: u64,
    end: u64,
    block: Vec<u8>,
    used: usize,
}

impl RunReader {
    /// A reader that holds `block_bytes` at a time, at least one row.
    pub(super) fn new(run: Run, block_bytes: usize) -> Self {
        let rows = (block_bytes / ROW_BYTES).max(1);
        Self { at: run.start, end: run.end, block: Vec::with_capacity(rows * ROW_BYTES), used: 0 }
    }

    pub(super) fn next(&mut self, from: &SpillFile) -> io::Result<Option<Row>> {
        if self.used == self.block.len() && !self.refill(from)? {
            return Ok(None);
        }
        let row = self.block[self.used..].first_chunk().map(Row::from_bytes);
        self.used += ROW_BYTES;
        Ok(row)
    }

    #[expect(clippy::cast_possible_truncation, reason = "at most the capacity of a block")]
    fn refill(&mut self, from: &SpillFile) -> io::Result<bool> {
        let bytes = (self.end - self.at).min(self.block.capacity() as u64);
        self.block.resize(bytes as usize, 0);
        from.file.read_exact_at(&mut self.block, self.at)?;
        self.at += bytes;
        self.used = 0;
        Ok(bytes > 0)
    }
}
