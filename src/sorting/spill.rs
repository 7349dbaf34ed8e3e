//! Rows on disk: sorted runs in one unnamed temporary file, read back in blocks.

use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::Fixed;

const WRITE_BYTES: usize = 1 << 20;

/// Why the disk does not take what is sorted.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "`file` is the recording's name, `source` is the system's answer")]
pub enum SpillError {
    /// It is full.
    #[error("no space left in {folder} for sorting {file}: it took {written_mib} MiB before it was full")]
    NoSpace { file: String, folder: String, written_mib: u64, source: io::Error },
    /// The folder cannot be used.
    #[error("{folder} cannot be used for sorting: {source}")]
    Folder { folder: String, source: io::Error },
}

impl SpillError {
    /// What to do about it, in one sentence.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NoSpace { .. } => {
                "--temp-dir names a folder on another disk (about 48 bytes a row are needed), a larger --sort-memory needs less"
            }
            Self::Folder { .. } => "--temp-dir names a folder that exists and can be written to",
        }
    }
}

/// Where to spill, and for which recording.
#[derive(Clone, Debug)]
pub struct Place {
    /// The folder.
    pub folder: PathBuf,
    /// The recording's name, for messages.
    pub file: String,
}

impl Place {
    /// What it means that the disk failed after `written` bytes.
    #[must_use]
    pub fn failed(&self, written: u64, source: io::Error) -> SpillError {
        let folder = self.folder.display().to_string();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                SpillError::NoSpace { file: self.file.clone(), folder, written_mib: written >> 20, source }
            }
            _ => SpillError::Folder { folder, source },
        }
    }
}

/// Consecutive rows of a [`SpillFile`], `start` and `end` in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run<T> {
    start: u64,
    end: u64,
    of: PhantomData<T>,
}

impl<T: Fixed> Run<T> {
    pub(super) const fn rows(self) -> u64 {
        (self.end - self.start) / T::BYTES as u64
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
    pub(super) fn create(place: &Place) -> Result<Self, SpillError> {
        let file = tempfile::tempfile_in(&place.folder).map_err(|source| place.failed(0, source))?;
        Ok(Self { place: place.clone(), file, buffer: Vec::with_capacity(WRITE_BYTES), written: 0 })
    }

    /// Appends rows that are in order.
    pub(super) fn write_run<T: Fixed>(
        &mut self,
        rows: impl IntoIterator<Item = Result<T, SpillError>>,
    ) -> Result<Run<T>, SpillError> {
        let start = self.written;
        for row in rows {
            row?.push(&mut self.buffer);
            if self.buffer.len() >= WRITE_BYTES {
                self.flush()?;
            }
        }
        self.flush()?;
        Ok(Run { start, end: self.written, of: PhantomData })
    }

    fn flush(&mut self) -> Result<(), SpillError> {
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
pub(super) struct RunReader<T> {
    at: u64,
    end: u64,
    block: Vec<u8>,
    used: usize,
    of: PhantomData<T>,
}

impl<T: Fixed> RunReader<T> {
    /// A reader that holds `block_bytes` at a time, at least one row.
    pub(super) fn new(run: Run<T>, block_bytes: usize) -> Self {
        let rows = (block_bytes / T::BYTES).max(1);
        Self { at: run.start, end: run.end, block: Vec::with_capacity(rows * T::BYTES), used: 0, of: PhantomData }
    }

    pub(super) fn next(&mut self, from: &SpillFile) -> io::Result<Option<T>> {
        if self.used == self.block.len() && !self.refill(from)? {
            return Ok(None);
        }
        let row = T::read(&self.block[self.used..]);
        self.used += T::BYTES;
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
