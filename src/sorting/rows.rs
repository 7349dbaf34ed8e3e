//! Sorted items, in memory or on disk, and a place in them.

use std::fmt;
use std::io;

use super::spill::{Place, Run, RunReader, SpillError, SpillFile};
use super::{Fixed, Order, Sorted};

const BLOCK_BYTES: usize = 96 << 10;

/// Sorted items.
pub struct Rows<T> {
    kept: Storage<T>,
    place: Place,
}

enum Storage<T> {
    Memory(Vec<T>),
    Disk(SpillFile, Run<T>),
}

impl<T: Fixed> fmt::Debug for Rows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.kept {
            Storage::Memory(_) => "in memory",
            Storage::Disk(..) => "on disk",
        };
        write!(f, "{} rows {place}", self.len())
    }
}

impl<T: Fixed> Rows<T> {
    /// The first `most` of what was sorted.
    ///
    /// # Errors
    /// Where the disk fails.
    pub fn of<O: Order<Item = T>>(sorted: Sorted<O>, most: Option<u64>, place: &Place) -> Result<Self, SpillError> {
        let most = most.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
        let kept = match sorted {
            Sorted::Memory(mut rows) => {
                rows.truncate(most);
                Storage::Memory(rows)
            }
            Sorted::Spilled(merge) => {
                let mut file = SpillFile::create(place)?;
                let run = file.write_run(merge.take(most))?;
                file.finish_writing();
                Storage::Disk(file, run)
            }
        };
        Ok(Self { kept, place: place.clone() })
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> u64 {
        match &self.kept {
            Storage::Memory(rows) => rows.len() as u64,
            Storage::Disk(_, run) => run.rows(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What it means that they cannot be read any more.
    #[must_use]
    pub fn failed(&self, source: io::Error) -> SpillError {
        self.place.failed(0, source)
    }

    /// A place before the first.
    #[must_use]
    pub fn reader(&self) -> Reader<T> {
        Reader(match &self.kept {
            Storage::Memory(_) => Spot::Memory(0),
            Storage::Disk(_, run) => Spot::Disk(RunReader::new(*run, BLOCK_BYTES)),
        })
    }
}

/// A place in [`Rows`].
#[derive(Debug)]
pub struct Reader<T>(Spot<T>);

#[derive(Debug)]
enum Spot<T> {
    Memory(usize),
    Disk(RunReader<T>),
}

impl<T: Fixed> Reader<T> {
    /// The next of `rows`, of which this is a reader.
    ///
    /// # Errors
    /// Where the disk fails.
    #[inline]
    pub fn next(&mut self, rows: &Rows<T>) -> io::Result<Option<T>> {
        match (&mut self.0, &rows.kept) {
            (Spot::Memory(at), Storage::Memory(rows)) => {
                let row = rows.get(*at).copied();
                *at += 1;
                Ok(row)
            }
            (Spot::Disk(reader), Storage::Disk(file, _)) => reader.next(file),
            _ => Err(io::Error::other("a reader of other rows")),
        }
    }
}
