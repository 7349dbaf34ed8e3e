//! What the client answered for each event of a run that reads nothing back: `answers.ndjson.zst` in its bundle.
//!
//! A reader in another process joins it with what is in the topic. It grows while the run goes on, a line for each 4,096 events
//! of a lane when all of them are answered, so neither memory nor file is more than follows from what is outstanding. Each
//! line is a zstd frame of its own, and all of them together are one zstd file: `zstdcat answers.ndjson.zst` shows it.
//!
//! ```text
//! {"head":{"version":1,"run":"a1b2c3d4e5f60718","topics":[["raw-events",3]],"starts":[0,0,0]}}
//! {"answers":{"lane":0,"first":0,"events":3,"partition":[2,0,2],"offset":[17,4,1]}}
//! {"end":{"lane":0,"drawn":3,"phase_starts":[0]}}
//! ```
//! `starts` are the ends of the partitions before the run, topic after topic; `partition` counts them in that order. An `offset` is the
//! difference to the one before it in its partition and line. Events that were not acked at a known offset have partition -1 and
//! are listed by their place in the line, under `refused`, `unanswered`, `not_handed`, `unplaced` (acked, offset unknown) and
//! `aborted`.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::class::Answer;
use super::{Marks, OpenBook};

/// The version of the format.
const VERSION: u32 = 1;
/// Events of a line.
const CHUNK: u64 = 4_096;
/// The cheapest level: it runs beside the load.
const LEVEL: i32 = 1;
/// No place.
const NOWHERE: i32 = -1;

/// What stands first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The version of the format.
    pub version: u32,
    /// The run's id.
    pub run: String,
    /// Its topics with their partitions.
    pub topics: Vec<(String, i32)>,
    /// Where each partition ended before the run.
    pub starts: Vec<i64>,
}

/// The answers for some events of a lane that follow each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    /// The lane.
    pub lane: u8,
    /// The sequence of the first.
    pub first: u64,
    /// How many.
    pub events: u32,
    partition: Vec<i32>,
    offset: Vec<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    refused: Vec<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unanswered: Vec<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    not_handed: Vec<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unplaced: Vec<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    aborted: Vec<u32>,
}

/// How a lane ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The lane.
    pub lane: u8,
    /// How many of its events came due.
    pub drawn: u64,
    /// Its first sequence in each phase.
    pub phase_starts: Vec<u64>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// The first.
    Head(Head),
    /// Answers.
    Answers(Answers),
    /// The last of a lane.
    End(End),
}

/// What was answered for one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Its sequence.
    pub sequence: u64,
    /// The answer.
    pub answer: Answer,
    /// Whether its transaction was aborted.
    pub aborted: bool,
    /// Where it was acked, if that is known.
    pub place: Option<(i32, i64)>,
}

impl Answers {
    /// The events one by one. `None` where the line contradicts itself.
    #[must_use]
    pub fn each(&self) -> Option<Vec<Answered>> {
        let count = usize::try_from(self.events).ok()?;
        if self.partition.len() != count || self.offset.len() != count {
            return None;
        }
        let mut last: HashMap<i32, i64> = HashMap::new();
        let placed =
            (self.first..).zip(self.partition.iter().zip(&self.offset)).map(|(sequence, (partition, step))| {
                let place = (*partition != NOWHERE).then(|| {
                    let offset = last.entry(*partition).or_default();
                    *offset += step;
                    (*partition, *offset)
                });
                Answered { sequence, answer: Answer::Acked, aborted: false, place }
            });
        let mut events: Vec<Answered> = placed.collect();
        let lists = [
            (&self.refused, Answer::Refused),
            (&self.unanswered, Answer::Unanswered),
            (&self.not_handed, Answer::NotHanded),
        ];
        for (places, answer) in lists {
            for place in places {
                events.get_mut(usize::try_from(*place).ok()?)?.answer = answer;
            }
        }
        for place in &self.aborted {
            events.get_mut(usize::try_from(*place).ok()?)?.aborted = true;
        }
        Some(events)
    }

    fn of(lane: u8, first: u64, events: u64, places: &[(i32, i64)], book: &OpenBook<'_>) -> Self {
        let mut told = Self { lane, first, events: u32::try_from(events).unwrap_or(u32::MAX), ..Self::default() };
        let mut last: HashMap<i32, i64> = HashMap::new();
        for within in 0..told.events {
            let marks = book.marks(first + u64::from(within));
            let place = places.get(within as usize).copied().unwrap_or((NOWHERE, 0));
            if marks.has(Marks::ABORTED) {
                told.aborted.push(within);
            }
            let acked = marks.has(Marks::ACKED);
            match place {
                (partition, offset) if acked && partition != NOWHERE => {
                    told.partition.push(partition);
                    told.offset.push(offset - last.insert(partition, offset).unwrap_or_default());
                    continue;
                }
                _ if acked => told.unplaced.push(within),
                _ if marks.has(Marks::REFUSED) => told.refused.push(within),
                _ if marks.has(Marks::HANDED) => told.unanswered.push(within),
                _ => told.not_handed.push(within),
            }
            told.partition.push(NOWHERE);
            told.offset.push(0);
        }
        told
    }
}

/// The file, shared by the lanes.
#[derive(Debug)]
pub struct Sink {
    file: Mutex<Result<File, io::Error>>,
}

impl Sink {
    /// Begins the file.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn create(path: &Path, run: String, topics: Vec<(String, i32)>, starts: Vec<i64>) -> io::Result<Self> {
        let sink = Self { file: Mutex::new(Ok(File::create(path)?)) };
        sink.write(&Line::Head(Head { version: VERSION, run, topics, starts }));
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
    lane: u8,
    sink: Arc<Sink>,
    /// The number of the first chunk in `open`.
    base: u64,
    /// Chunks that lack an answer; `None` where one was written before those ahead of it.
    open: VecDeque<Option<Chunk>>,
}

#[derive(Debug)]
struct Chunk {
    places: Vec<(i32, i64)>,
    settled: u64,
}

impl Chunk {
    fn new() -> Self {
        Self { places: vec![(NOWHERE, 0); usize::try_from(CHUNK).unwrap_or(0)], settled: 0 }
    }
}

impl LaneAnswers {
    /// Those of lane `lane`, written to `sink`.
    #[must_use]
    pub const fn new(lane: u8, sink: Arc<Sink>) -> Self {
        Self { lane, sink, base: 0, open: VecDeque::new() }
    }

    /// Notes that nothing more will be said of an event, and where it was acked.
    pub fn settle(&mut self, sequence: u64, place: Option<(i32, i64)>, book: &OpenBook<'_>) {
        let number = sequence / CHUNK;
        let Some(index) = number.checked_sub(self.base).and_then(|index| usize::try_from(index).ok()) else { return };
        while self.open.len() <= index {
            self.open.push_back(Some(Chunk::new()));
        }
        let Some(chunk) = self.open[index].as_mut() else { return };
        if let (Some(place), Ok(within)) = (place, usize::try_from(sequence % CHUNK)) {
            chunk.places[within] = place;
        }
        chunk.settled += 1;
        if chunk.settled == CHUNK {
            self.write(number, CHUNK, book);
        }
    }

    /// Writes what is left of the `drawn` events of the lane.
    pub fn end(&mut self, drawn: u64, phase_starts: &[u64], book: &OpenBook<'_>) {
        for number in self.base..drawn.div_ceil(CHUNK) {
            let Some(index) = number.checked_sub(self.base).and_then(|index| usize::try_from(index).ok()) else {
                continue;
            };
            while self.open.len() <= index {
                self.open.push_back(Some(Chunk::new()));
            }
            if self.open[index].is_some() {
                self.write(number, (drawn - number * CHUNK).min(CHUNK), book);
            }
        }
        self.sink.write(&Line::End(End { lane: self.lane, drawn, phase_starts: phase_starts.to_vec() }));
    }

    fn write(&mut self, number: u64, events: u64, book: &OpenBook<'_>) {
        let index = usize::try_from(number - self.base).unwrap_or(usize::MAX);
        let Some(chunk) = self.open.get_mut(index).and_then(Option::take) else { return };
        self.sink.write(&Line::Answers(Answers::of(self.lane, number * CHUNK, events, &chunk.places, book)));
        while self.open.front().is_some_and(Option::is_none) {
            self.open.pop_front();
            self.base += 1;
        }
    }
}

/// What stands first in the file at `path`.
///
/// # Errors
/// Where it cannot be read, or is no such file.
pub fn head(path: &Path) -> io::Result<Head> {
    let mut found = None;
    let read = read_lines(path, &mut |line| {
        if let Line::Head(head) = line {
            found = Some(head);
        }
        Ok(false)
    });
    match (found, read) {
        (Some(head), _) if head.version == VERSION => Ok(head),
        (Some(head), _) => {
            Err(damaged(&format!("its format is version {}, this loadgen knows {VERSION}", head.version)))
        }
        (None, Err(error)) => Err(error),
        (None, Ok(())) => Err(damaged("its first line is no head")),
    }
}

/// Reads the file at `path` line by line.
///
/// # Errors
/// Where it cannot be read, or a line is none; the error of `each`.
pub fn read(path: &Path, each: &mut dyn FnMut(Line) -> io::Result<()>) -> io::Result<()> {
    read_lines(path, &mut |line| each(line).map(|()| true))
}

fn read_lines(path: &Path, each: &mut dyn FnMut(Line) -> io::Result<bool>) -> io::Result<()> {
    let mut lines = BufReader::new(zstd::Decoder::new(File::open(path)?)?);
    let mut text = String::new();
    for number in 1.. {
        text.clear();
        if lines.read_line(&mut text)? == 0 {
            return Ok(());
        }
        let line = serde_json::from_str(&text).map_err(|error| damaged(&format!("line {number}: {error}")))?;
        if !each(line)? {
            return Ok(());
        }
    }
    Ok(())
}

fn damaged(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::super::Ledger;
    use super::*;
    use crate::event::stamp::DueTime;
    use proptest::prelude::*;

    fn written(marks: &[u8], order: &[usize]) -> (Vec<Answered>, End, Vec<Line>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answers");
        let sink = Sink::create(&path, "7".to_owned(), vec![("t".to_owned(), 5)], vec![9; 5]).unwrap();
        let sink = Arc::new(sink);
        let ledger = Ledger::new(0, 1, false);
        let book = ledger.lane(0).unwrap();
        book.reserve(marks.len() as u64);
        let mut lane = LaneAnswers::new(0, Arc::clone(&sink));
        let open = book.open();
        for sequence in 0..marks.len() as u64 {
            open.draw(sequence, DueTime::from_unix_ns(sequence));
        }
        let mut offsets = [100_i64; 5];
        for at in order {
            let (sequence, mark) = (*at as u64, Marks(marks[*at]));
            open.mark(sequence, mark);
            let place = (mark.has(Marks::ACKED) && at % 7 != 0).then(|| {
                let partition = at % 5;
                offsets[partition] += 1 + i64::try_from(at % 3).unwrap();
                (i32::try_from(partition).unwrap(), offsets[partition])
            });
            if mark.has(Marks::ACKED) || mark.has(Marks::REFUSED) {
                lane.settle(sequence, place, &open);
            }
        }
        lane.end(marks.len() as u64, &[0], &open);
        sink.finish().unwrap();
        assert_eq!(head(&path).unwrap().starts, vec![9; 5]);
        let mut lines = Vec::new();
        read(&path, &mut |line| {
            lines.push(line);
            Ok(())
        })
        .unwrap();
        let mut all: Vec<Answered> = Vec::new();
        let mut end = None;
        for line in &lines {
            match line {
                Line::Answers(answers) => all.extend(answers.each().unwrap()),
                Line::End(found) => end = Some(found.clone()),
                Line::Head(_) => {}
            }
        }
        all.sort_by_key(|event| event.sequence);
        (all, end.unwrap(), lines)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn what_was_answered_is_read_back_whatever_the_order_of_the_answers(
            (marks, order) in proptest::collection::vec(
                prop_oneof![8 => Just(3_u8), 1 => Just(0_u8), 1 => Just(1), 1 => Just(4), 1 => Just(5), 1 => Just(35)],
                0..9_000,
            ).prop_flat_map(|marks| {
                let order: Vec<usize> = (0..marks.len()).collect();
                (Just(marks), Just(order).prop_shuffle())
            }),
        ) {
            let (all, end, _) = written(&marks, &order);
            prop_assert_eq!(end.drawn, marks.len() as u64);
            prop_assert_eq!(all.len(), marks.len());
            for (at, event) in all.iter().enumerate() {
                let marks = Marks(marks[at]);
                let expected = if marks.has(Marks::ACKED) {
                    Answer::Acked
                } else if marks.has(Marks::REFUSED) {
                    Answer::Refused
                } else if marks.has(Marks::HANDED) {
                    Answer::Unanswered
                } else {
                    Answer::NotHanded
                };
                prop_assert_eq!((event.sequence, event.answer), (at as u64, expected));
                prop_assert_eq!(event.aborted, marks.has(Marks::ABORTED));
                prop_assert_eq!(event.place.is_some(), marks.has(Marks::ACKED) && at % 7 != 0);
                let is_right = |(partition, offset)| usize::try_from(partition) == Ok(at % 5) && offset > 100;
                prop_assert!(event.place.is_none_or(is_right));
            }
        }
    }

    #[test]
    fn a_lane_whose_events_are_all_answered_keeps_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let sink = Sink::create(&folder.path().join("a"), String::new(), Vec::new(), Vec::new()).unwrap();
        let ledger = Ledger::new(0, 1, false);
        let book = ledger.lane(0).unwrap();
        let mut lane = LaneAnswers::new(0, Arc::new(sink));
        for sequence in 0..10 * CHUNK {
            book.reserve(sequence + 1);
            let open = book.open();
            open.draw(sequence, DueTime::from_unix_ns(sequence));
            open.mark(sequence, Marks(Marks::HANDED | Marks::ACKED));
            lane.settle(sequence, Some((0, 1)), &open);
        }
        assert!(lane.open.is_empty() && lane.base == 10);
    }

    #[test]
    fn what_is_no_such_file_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "plain").unwrap();
        assert!(head(&path).is_err());
        std::fs::write(
            &path,
            zstd::bulk::compress(b"{\"end\":{\"lane\":0,\"drawn\":1,\"phase_starts\":[]}}\n", 1).unwrap(),
        )
        .unwrap();
        assert_eq!(head(&path).unwrap_err().to_string(), "its first line is no head");
        let line = "{\"head\":{\"version\":9,\"run\":\"\",\"topics\":[],\"starts\":[]}}\n";
        std::fs::write(&path, zstd::bulk::compress(line.as_bytes(), 1).unwrap()).unwrap();
        assert_eq!(head(&path).unwrap_err().to_string(), "its format is version 9, this loadgen knows 1");
    }
}
