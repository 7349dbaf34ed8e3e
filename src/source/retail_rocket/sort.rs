//! Sorting in bounded memory: in place while the rows fit, else sorted runs on disk and one merge.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::io;
use std::marker::PhantomData;

use super::error::LoadError;
use super::row::{Order, ROW_BYTES, Row};
use super::spill::{Place, Run, RunReader, SpillFile};

/// A block smaller than this makes a merge seek more than it reads.
const SMALLEST_BLOCK: usize = 32 << 10;
const LARGEST_BLOCK: usize = 1 << 20;
const FIRST_ROWS: usize = 1 << 16;

/// Takes rows in any order, gives them back in the order `O`.
pub(super) struct Sorter<O> {
    memory: usize,
    place: Place,
    rows: Vec<Row>,
    spilled: Option<(SpillFile, Vec<Run>)>,
    order: PhantomData<O>,
}

/// What a sorter gives back.
pub(super) enum Sorted<O> {
    /// All rows, in order.
    Memory(Vec<Row>),
    /// More rows than fit.
    Spilled(Merge<O>),
}

impl<O: Order> Sorter<O> {
    /// A sorter that takes `memory` bytes before it spills.
    pub(super) fn new(memory: usize, place: Place) -> Self {
        Self { memory, place, rows: Vec::new(), spilled: None, order: PhantomData }
    }

    pub(super) fn push(&mut self, row: Row) -> Result<(), LoadError> {
        if self.rows.len() == self.rows.capacity() {
            let room = (self.memory / ROW_BYTES).max(1);
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

    fn spill(&mut self) -> Result<(), LoadError> {
        self.rows.sort_unstable_by(O::compare);
        let (file, runs) = match &mut self.spilled {
            Some(spilled) => spilled,
            none => none.insert((SpillFile::create(&self.place)?, Vec::new())),
        };
        runs.push(file.write_run(self.rows.drain(..).map(Ok))?);
        Ok(())
    }

    /// All rows pushed, in order.
    pub(super) fn finish(mut self) -> Result<Sorted<O>, LoadError> {
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
    runs: &[Run],
    widest: usize,
    memory: usize,
) -> Result<(SpillFile, Vec<Run>), LoadError> {
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
pub(super) struct Merge<O> {
    file: SpillFile,
    readers: Vec<RunReader>,
    heads: BinaryHeap<Head<O>>,
}

/// The next row of one run. The greatest head is the earliest row, since the heap gives the greatest first.
struct Head<O> {
    row: Row,
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
    fn new(file: SpillFile, runs: &[Run], memory: usize) -> Result<Self, LoadError> {
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

    fn advance(&mut self) -> io::Result<Option<Row>> {
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
    type Item = Result<Row, LoadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().map_err(|source| self.file.place().failed(0, source)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::{Action, ByTime, ByVisitor};
    use super::*;
    use proptest::prelude::*;

    fn sorted<O: Order>(rows: &[Row], memory: usize) -> Vec<Row> {
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
        let row = (0_u64..50, 0_u32..5, 0_u32..3);
        proptest::collection::vec(row, 0..400).prop_map(|rows| {
            let row = |(ordinal, (time, user, item)): (usize, (u64, u32, u32))| {
                Row::new(time, user, Action::View, item, None, u32::try_from(ordinal).unwrap())
            };
            rows.into_iter().enumerate().map(row).collect()
        })
    }

    proptest! {
        #[test]
        fn sorting_on_disk_gives_what_sorting_in_memory_gives(rows in some_rows(), room in 1_usize..40) {
            let mut by_time = rows.clone();
            by_time.sort_by_key(Row::time_ms);
            prop_assert_eq!(sorted::<ByTime>(&rows, room * ROW_BYTES), by_time.clone());
            prop_assert_eq!(sorted::<ByTime>(&rows, usize::MAX), by_time);
            prop_assert_eq!(sorted::<ByVisitor>(&rows, room * ROW_BYTES), sorted::<ByVisitor>(&rows, usize::MAX));
        }
    }

    #[test]
    fn a_folder_that_does_not_exist_is_named() {
        let place = Place { folder: "/no/such/folder".into(), file: "events.csv".to_owned() };
        let mut sorter = Sorter::<ByTime>::new(ROW_BYTES, place);
        let row = Row::new(1, 1, Action::View, 1, None, 0);
        sorter.push(row).unwrap();
        let error = sorter.push(row).unwrap_err();
        assert!(error.to_string().starts_with("/no/such/folder cannot be used for sorting"), "{error}");
        assert!(error.hint().unwrap().contains("--temp-dir"));
    }

    #[test]
    fn a_full_disk_is_told_from_other_failures() {
        let place = Place { folder: "/spill".into(), file: "events.csv".to_owned() };
        let error = place.failed(5 << 20, io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(
            error.to_string(),
            "no space left in /spill for sorting events.csv: it took 5 MiB before it was full"
        );
        assert!(error.hint().unwrap().contains("another disk"));
        assert!(matches!(place.failed(0, io::Error::from(io::ErrorKind::PermissionDenied)), LoadError::Spill { .. }));
    }
}
