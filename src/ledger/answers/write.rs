//! Writing the answers down as they come.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Answers, End, Head, Line, NOWHERE, Placed};
use crate::ledger::class::Answer;
use crate::ledger::{BLOCK, Marks, OpenBook};

/// Events of a line.
pub(super) const CHUNK: u64 = 4_096;
/// The cheapest level: it runs beside the load.
const LEVEL: i32 = 1;

/// The file, shared by the lanes.
#[derive(Debug)]
pub struct Sink {
    file: Mutex<Result<File, io::Error>>,
    compacted: bool,
}

impl Sink {
    /// Begins the file.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn create(path: &Path, head: Head) -> io::Result<Self> {
        let sink = Self { file: Mutex::new(Ok(File::create(path)?)), compacted: head.compacted };
        sink.write(&Line::Head(head));
        Ok(sink)
    }

    fn write(&self, line: &Line) {
        let packed = serde_json::to_vec(line).map_err(io::Error::from).and_then(|mut text| {
            text.push(b'\n');
            zstd::bulk::compress(&text, LEVEL)
        });
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // The first error stays, and is told at the end.
        if let Ok(open) = &mut *file
            && let Err(error) = packed.and_then(|packed| open.write_all(&packed))
        {
            *file = Err(error);
        }
    }

    /// Whether all was written.
    ///
    /// # Errors
    /// The first error of writing.
    pub fn finish(&self) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *file {
            Ok(file) => file.flush(),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        }
    }
}

/// The answers of one lane as they come.
#[derive(Debug)]
pub struct LaneAnswers {
    lane: u16,
    sink: Arc<Sink>,
    /// The number of the first chunk in `open`.
    pub(super) base: u64,
    /// Chunks that lack an answer; `None` where one was written before those ahead of it.
    pub(super) open: VecDeque<Option<Chunk>>,
    /// Whether users are told.
    compacted: bool,
}

#[derive(Debug)]
pub(super) struct Chunk {
    places: Vec<(i32, i64)>,
    /// Empty where they are not told.
    users: Vec<u64>,
    settled: u64,
}

impl Chunk {
    fn new(compacted: bool) -> Self {
        let events = usize::try_from(CHUNK).unwrap_or(0);
        Self { places: vec![(NOWHERE, 0); events], users: vec![0; if compacted { events } else { 0 }], settled: 0 }
    }
}

impl LaneAnswers {
    /// Those of lane `lane`, written to `sink`.
    #[must_use]
    pub fn new(lane: u16, sink: Arc<Sink>) -> Self {
        let compacted = sink.compacted;
        Self { lane, sink, base: 0, open: VecDeque::new(), compacted }
    }

    /// Notes that nothing more will be said of an event, and where it was acked.
    pub fn settle(&mut self, sequence: u64, place: Option<Placed>, book: &OpenBook<'_>) {
        let number = sequence / CHUNK;
        let Some(index) = number.checked_sub(self.base).and_then(|index| usize::try_from(index).ok()) else { return };
        while self.open.len() <= index {
            self.open.push_back(Some(Chunk::new(self.compacted)));
        }
        let Some(chunk) = self.open[index].as_mut() else { return };
        if let (Some(placed), Ok(within)) = (place, usize::try_from(sequence % CHUNK)) {
            chunk.places[within] = (placed.partition, placed.offset);
            if let Some(user) = chunk.users.get_mut(within) {
                *user = placed.key.bits();
            }
        }
        chunk.settled += 1;
        if chunk.settled == CHUNK {
            self.write(number, CHUNK, book);
        }
    }

    /// Writes what is left of the `drawn` events of the lane.
    pub fn end(&mut self, drawn: u64, phase_starts: &[u64], book: &OpenBook<'_>) {
        let mut number = self.base;
        while number < drawn.div_ceil(CHUNK) {
            let first = number * CHUNK;
            let Some(index) = number.checked_sub(self.base).and_then(|index| usize::try_from(index).ok()) else {
                number += 1;
                continue;
            };
            let block = BLOCK as u64;
            if self.open.len() <= index && first + block <= drawn && book.is_left_out(first) {
                let events = u32::try_from(block).unwrap_or(u32::MAX);
                self.sink.write(&Line::Answers(Answers {
                    lane: self.lane,
                    first,
                    events,
                    left_out: true,
                    ..Answers::default()
                }));
                number += block / CHUNK;
                // Nothing is left to say of those before it that have not been written.
                if self.open.is_empty() {
                    self.base = number;
                } else {
                    self.open.extend((0..block / CHUNK).map(|_| None));
                }
                continue;
            }
            while self.open.len() <= index {
                self.open.push_back(Some(Chunk::new(self.compacted)));
            }
            if self.open[index].is_some() {
                self.write(number, (drawn - first).min(CHUNK), book);
            }
            number += 1;
        }
        self.sink.write(&Line::End(End { lane: self.lane, drawn, phase_starts: phase_starts.to_vec() }));
    }

    fn write(&mut self, number: u64, events: u64, book: &OpenBook<'_>) {
        let index = usize::try_from(number - self.base).unwrap_or(usize::MAX);
        let Some(chunk) = self.open.get_mut(index).and_then(Option::take) else { return };
        self.sink.write(&Line::Answers(Answers::of(self.lane, number * CHUNK, events, &chunk, book)));
        while self.open.front().is_some_and(Option::is_none) {
            self.open.pop_front();
            self.base += 1;
        }
    }
}

impl Answers {
    fn of(lane: u16, first: u64, events: u64, chunk: &Chunk, book: &OpenBook<'_>) -> Self {
        let mut told = Self { lane, first, events: u32::try_from(events).unwrap_or(u32::MAX), ..Self::default() };
        let mut last: HashMap<i32, i64> = HashMap::new();
        for within in 0..told.events {
            let marks = book.marks(first + u64::from(within));
            let place = chunk.places.get(within as usize).copied().unwrap_or((NOWHERE, 0));
            if marks.has(Marks::ABORTED) {
                told.aborted.push(within);
            }
            match (marks.answer(), place) {
                (Answer::Acked, (partition, offset)) if partition != NOWHERE => {
                    told.partition.push(partition);
                    told.offset.push(offset - last.insert(partition, offset).unwrap_or_default());
                    continue;
                }
                (Answer::Acked, _) => told.unplaced.push(within),
                (Answer::Refused, _) => told.refused.push(within),
                (Answer::Unanswered, _) => told.unanswered.push(within),
                (Answer::NotHanded, _) => told.not_handed.push(within),
            }
            told.partition.push(NOWHERE);
            told.offset.push(0);
        }
        told.user = chunk.users.iter().copied().take(told.partition.len()).collect();
        told
    }
}
