//! Sorting in bounded memory: in place while the items fit, else sorted runs on disk and one merge.

mod rows;
mod spill;

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::io;
use std::marker::PhantomData;

pub use rows::{Reader, Rows};
pub use spill::{Place, SpillError};
use spill::{Run, RunReader, SpillFile};

/// What is sorted: it takes the same number of bytes on disk, whatever it says.
pub trait Fixed: Copy {
    /// How many.
    const BYTES: usize;

    /// Appends these.
    fn push(&self, out: &mut Vec<u8>);

    /// What was pushed; `None` where there are fewer bytes.
    fn read(bytes: &[u8]) -> Option<Self>;
}

/// An order that leaves no tie, so that sorting needs no stability and runs merge in one way only.
pub trait Order {
    /// What has this order.
    type Item: Fixed;

    /// Which of the two comes first.
    fn compare(a: &Self::Item, b: &Self::Item) -> Ordering;
}

/// A block smaller than this makes a merge seek more than it reads.
const SMALLEST_BLOCK: usize = 32 << 10;
const LARGEST_BLOCK: usize = 1 << 20;
const FIRST_ROWS: usize = 1 << 16;

/// Sorted runs in a file.
type Spilled<T> = (SpillFile, Vec<Run<T>>);

/// Takes rows in any order, gives them back in the order `O`.
pub struct Sorter<O: Order> {
    memory: usize,
    place: Place,
    rows: Vec<O::Item>,
    spilled: Option<Spilled<O::Item>>,
    order: PhantomData<O>,
}

/// What a sorter gives back.
pub enum Sorted<O: Order> {
    /// All rows, in order.
    Memory(Vec<O::Item>),
    /// More rows than fit.
    Spilled(Merge<O>),
}

impl<O: Order> Sorter<O> {
    /// A sorter that takes `memory` bytes before it spills.
    #[must_use]
    pub fn new(memory: usize, place: Place) -> Self {
        Self { memory, place, rows: Vec::new(), spilled: None, order: PhantomData }
    }

    /// Takes one more.
    ///
    /// # Errors
    /// Where it does not fit into memory and the disk takes no more.
    pub fn push(&mut self, row: O::Item) -> Result<(), SpillError> {
        if self.rows.len() == self.rows.capacity() {
            let room = (self.memory / O::Item::BYTES).max(1);
            if self.rows.len() >= room {
                self.spill()?;
            } else {
                // Doubling beyond the bound would take address space that is never used.
                let more = self.rows.len().max(FIRST_ROWS).min(room - self.rows.len());
                self.rows.reserve_exact(more);
            }
        }
        self.rows.push(row);
        Ok(())
    }

    fn spill(&mut self) -> Result<(), SpillError> {
        self.rows.sort_unstable_by(O::compare);
        let (file, runs) = match &mut self.spilled {
            Some(spilled) => spilled,
            none => none.insert((SpillFile::create(&self.place)?, Vec::new())),
        };
        runs.push(file.write_run(self.rows.drain(..).map(Ok))?);
        Ok(())
    }

    /// All rows pushed, in order.
    ///
    /// # Errors
    /// Where the disk fails.
    pub fn finish(mut self) -> Result<Sorted<O>, SpillError> {
        if self.spilled.is_some() && !self.rows.is_empty() {
            self.spill()?;
        }
        match self.spilled.take() {
            None => {
                self.rows.sort_unstable_by(O::compare);
                Ok(Sorted::Memory(self.rows))
            }
            Some((mut file, mut runs)) => {
                drop(self.rows);
                let widest = (self.memory / SMALLEST_BLOCK).max(2);
                while runs.len() > widest {
                    (file, runs) = narrow::<O>(file, &runs, widest, self.memory)?;
                }
                file.finish_writing();
                Merge::new(file, &runs, self.memory).map(Sorted::Spilled)
            }
        }
    }
}

/// Merges every `widest` runs into one.
fn narrow<O: Order>(
    file: SpillFile,
    runs: &[Run<O::Item>],
    widest: usize,
    memory: usize,
) -> Result<Spilled<O::Item>, SpillError> {
    let mut narrowed = SpillFile::create(file.place())?;
    let mut fewer = Vec::new();
    let mut source = Some(file);
    for group in runs.chunks(widest) {
        let Some(file) = source.take() else { break };
        let mut merge = Merge::<O>::new(file, group, memory)?;
        fewer.push(narrowed.write_run(&mut merge)?);
        source = Some(merge.file);
    }
    Ok((narrowed, fewer))
}

/// The rows of several sorted runs as one sorted sequence.
pub struct Merge<O: Order> {
    file: SpillFile,
    readers: Vec<RunReader<O::Item>>,
    heads: BinaryHeap<Head<O>>,
}

/// The next row of one run. The greatest head is the earliest row, since the heap gives the greatest first.
struct Head<O: Order> {
    row: O::Item,
    run: usize,
    order: PhantomData<O>,
}

impl<O: Order> Ord for Head<O> {
    fn cmp(&self, other: &Self) -> Ordering {
        O::compare(&other.row, &self.row)
    }
}

impl<O: Order> PartialOrd for Head<O> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<O: Order> PartialEq for Head<O> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<O: Order> Eq for Head<O> {}

impl<O: Order> Merge<O> {
    fn new(file: SpillFile, runs: &[Run<O::Item>], memory: usize) -> Result<Self, SpillError> {
        let block = (memory / runs.len().max(1)).clamp(SMALLEST_BLOCK, LARGEST_BLOCK);
        let mut readers: Vec<_> = runs.iter().map(|run| RunReader::new(*run, block)).collect();
        let mut heads = BinaryHeap::with_capacity(runs.len());
        for (run, reader) in readers.iter_mut().enumerate() {
            if let Some(row) = reader.next(&file).map_err(|source| file.place().failed(0, source))? {
                heads.push(Head { row, run, order: PhantomData });
            }
        }
        Ok(Self { file, readers, heads })
    }

    fn advance(&mut self) -> io::Result<Option<O::Item>> {
        let Some(mut head) = self.heads.peek_mut() else { return Ok(None) };
        let row = head.row;
        match self.readers[head.run].next(&self.file)? {
            Some(next) => head.row = next,
            None => drop(PeekMut::pop(head)),
        }
        Ok(Some(row))
    }
}

impl<O: Order> Iterator for Merge<O> {
    type Item = Result<O::Item, SpillError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().map_err(|source| self.file.place().failed(0, source)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Row = (u64, u32);
    const ROW_BYTES: usize = 12;

    impl Fixed for Row {
        const BYTES: usize = ROW_BYTES;

        fn push(&self, out: &mut Vec<u8>) {
            out.extend_from_slice(&self.0.to_le_bytes());
            out.extend_from_slice(&self.1.to_le_bytes());
        }

        fn read(bytes: &[u8]) -> Option<Self> {
            let ordinal = u32::from_le_bytes(*bytes.get(8..)?.first_chunk()?);
            Some((u64::from_le_bytes(*bytes.first_chunk()?), ordinal))
        }
    }

    struct ByTime;

    impl Order for ByTime {
        type Item = Row;
        fn compare(a: &Row, b: &Row) -> Ordering {
            a.cmp(b)
        }
    }

    fn sorted<O: Order<Item = Row>>(rows: &[Row], memory: usize) -> Vec<Row> {
        let place = Place { folder: std::env::temp_dir(), file: "test".to_owned() };
        let mut sorter = Sorter::<O>::new(memory, place);
        for row in rows {
            sorter.push(*row).unwrap();
        }
        match sorter.finish().unwrap() {
            Sorted::Memory(rows) => rows,
            Sorted::Spilled(merge) => merge.map(Result::unwrap).collect(),
        }
    }

    fn some_rows() -> impl Strategy<Value = Vec<Row>> {
        proptest::collection::vec(0_u64..50, 0..400).prop_map(|times| times.into_iter().zip(0..).collect())
    }

    proptest! {
        #[test]
        fn sorting_on_disk_gives_what_sorting_in_memory_gives(rows in some_rows(), room in 1_usize..40) {
            let mut by_time = rows.clone();
            by_time.sort_by_key(|row| row.0);
            prop_assert_eq!(sorted::<ByTime>(&rows, room * ROW_BYTES), by_time.clone());
            prop_assert_eq!(sorted::<ByTime>(&rows, usize::MAX), by_time);
        }
    }

    #[test]
    fn a_folder_that_does_not_exist_is_named() {
        let place = Place { folder: "/no/such/folder".into(), file: "events.csv".to_owned() };
        let mut sorter = Sorter::<ByTime>::new(ROW_BYTES, place);
        let row = (1, 0);
        sorter.push(row).unwrap();
        let error = sorter.push(row).unwrap_err();
        assert!(error.to_string().starts_with("/no/such/folder cannot be used for sorting"), "{error}");
        assert!(error.hint().contains("--temp-dir"));
    }

    #[test]
    fn a_full_disk_is_told_from_other_failures() {
        let place = Place { folder: "/spill".into(), file: "events.csv".to_owned() };
        let error = place.failed(5 << 20, io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(
            error.to_string(),
            "no space left in /spill for sorting events.csv: it took 5 MiB before it was full"
        );
        assert!(error.hint().contains("another disk"));
        assert!(matches!(place.failed(0, io::Error::from(io::ErrorKind::PermissionDenied)), SpillError::Folder { .. }));
    }
}
