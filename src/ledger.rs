//! The ledger: every scheduled event ends in exactly one class, and the classes sum to the schedule.
//!
//! One byte of state per event, in blocks of 65,536 events of a lane. A block whose events have all settled (acked and
//! seen; only acked, where nobody reads) is freed but for its first and last due time; one in which the others are known to have ended
//! otherwise (refused, aborted, left out, given up) is packed. So memory follows what is outstanding and how often
//! the ends of events changed, not the length of the run.

pub mod answers;
mod block;
pub mod class;
mod counts;
pub mod judge;
mod packed;
pub mod rules;
pub mod sightings;
pub mod unstamped;
mod waiting;

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use crate::event::stamp::DueTime;
pub use block::{BLOCK, Marks};
use block::{Block, Span};
pub use class::{Class, LedgerCounts, Standing};
use packed::Packed;
use rules::{Rule, Rules};
pub use waiting::{Outstanding, Waiting};

/// What the ledger knows of a sighting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// The first one of that event.
    First,
    /// The first whole one; a damaged record had claimed to be that event before.
    Mended,
    /// The event had been seen before.
    Again,
    /// No event of this ledger has that sequence and due time.
    Stranger,
}

/// The states of all events of a run, shared between its lanes and its verifier.
#[derive(Debug)]
pub struct Ledger {
    lanes: Vec<LaneBook>,
    first_lane: u16,
}

impl Ledger {
    /// A ledger for the lanes `first_lane .. first_lane + lanes`. `verifying`: whether events must be seen to settle.
    #[must_use]
    pub fn new(first_lane: u16, lanes: u16, verifying: bool) -> Self {
        Self { lanes: (0..lanes).map(|_| LaneBook::new(verifying)).collect(), first_lane }
    }

    /// The same ledger, kept by these rules.
    #[must_use]
    pub fn by(mut self, rules: Rules) -> Self {
        for lane in &mut self.lanes {
            lane.rules = rules;
        }
        self
    }

    /// The book of a lane of this process; `None` for a sibling's.
    #[must_use]
    pub fn lane(&self, lane: u16) -> Option<&LaneBook> {
        self.lanes.get(self.place_of(lane)?)
    }

    /// The place of a lane among those of this process, or beyond them; `None` before the first.
    #[must_use]
    pub fn place_of(&self, lane: u16) -> Option<usize> {
        lane.checked_sub(self.first_lane).map(usize::from)
    }

    /// All lanes of this process with their numbers.
    pub fn lanes(&self) -> impl Iterator<Item = (u16, &LaneBook)> {
        (self.first_lane..=u16::MAX).zip(&self.lanes)
    }
}

/// One lane's part of the ledger.
#[derive(Debug)]
pub struct LaneBook {
    blocks: RwLock<Blocks>,
    rules: Rules,
    settling: u8,
    some_rest: AtomicBool,
    /// Sequences below this are drawn: due, and either handed over or not.
    drawn: AtomicU64,
}

#[derive(Debug, Default)]
struct Blocks {
    /// Number of the first block in `open`; those before it have settled entirely and their spans (16 bytes for 65,536 events) lie
    /// in `settled`.
    base: u64,
    settled: Vec<Span>,
    open: VecDeque<Slot>,
}

#[derive(Debug)]
enum Slot {
    Open(Box<Block>),
    Packed(Box<Packed>),
    Settled(Span),
}

impl LaneBook {
    fn new(verifying: bool) -> Self {
        let settling = if verifying { Marks::ACKED | Marks::SEEN } else { Marks::ACKED };
        Self {
            blocks: RwLock::default(),
            rules: Rules::ALL,
            settling,
            some_rest: AtomicBool::new(false),
            drawn: AtomicU64::new(0),
        }
    }

    /// Makes room for the sequences up to `end` (exclusive) and frees or packs what rests. Called by the lane, once a batch,
    /// before it opens the book.
    pub fn reserve(&self, end: u64) {
        let wanted = end.div_ceil(BLOCK as u64);
        let have = {
            let blocks = self.read();
            blocks.base + blocks.open.len() as u64
        };
        if have >= wanted && !self.some_rest.load(Ordering::Relaxed) {
            return;
        }
        let mut blocks = self.blocks.write().unwrap_or_else(PoisonError::into_inner);
        for _ in have..wanted {
            blocks.open.push_back(Slot::Open(Box::new(Block::new())));
        }
        if self.some_rest.swap(false, Ordering::AcqRel) {
            blocks.tidy();
        }
    }

    /// Notes that the events `sequences` came due from `first` to `last` and are left out. None of them was drawn before, and
    /// all are of one block. Called by the lane.
    pub fn leave_out(&self, sequences: Range<u64>, first: DueTime, last: DueTime) {
        let end = sequences.end;
        if sequences.start.is_multiple_of(BLOCK as u64) && end - sequences.start == BLOCK as u64 {
            let mut blocks = self.blocks.write().unwrap_or_else(PoisonError::into_inner);
            if (blocks.base + blocks.open.len() as u64) * BLOCK as u64 == sequences.start {
                blocks.open.push_back(Slot::Packed(Box::new(Packed::left_out(Span::of(first, last)))));
                self.drawn.store(end, Ordering::Release);
                return;
            }
        }
        self.reserve(end);
        if let Place::Open(block) = self.open().place(sequences.start) {
            block.leave_out(sequences, first, last);
            if block.is_resting() {
                self.some_rest.store(true, Ordering::Release);
            }
        }
        self.drawn.store(end, Ordering::Release);
    }

    /// Opens the book for a batch.
    #[must_use]
    pub fn open(&self) -> OpenBook<'_> {
        OpenBook { blocks: self.read(), book: self }
    }

    /// Events that came due and were drawn from the source.
    #[must_use]
    pub fn drawn(&self) -> u64 {
        self.drawn.load(Ordering::Acquire)
    }

    /// Blocks in memory with a byte for each event.
    #[must_use]
    pub fn open_blocks(&self) -> usize {
        let is_open = |slot: &&Slot| match slot {
            Slot::Open(_) => true,
            Slot::Packed(packed) => packed.again().is_some(),
            Slot::Settled(_) => false,
        };
        self.read().open.iter().filter(is_open).count()
    }

    /// What the marks of packed blocks take.
    #[cfg(test)]
    fn packed_bytes(&self) -> usize {
        let bytes = |slot: &Slot| if let Slot::Packed(packed) = slot { packed.bytes() } else { 0 };
        self.read().open.iter().map(bytes).sum()
    }

    fn read(&self) -> RwLockReadGuard<'_, Blocks> {
        self.blocks.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Blocks {
    fn tidy(&mut self) {
        for slot in &mut self.open {
            match slot {
                Slot::Open(block) if block.is_settled() => *slot = Slot::Settled(block.span()),
                Slot::Open(block) if block.is_resting() => *slot = Slot::Packed(Box::new(Packed::of(block))),
                Slot::Packed(packed) => {
                    if let Some(block) = packed.again() {
                        **packed = Packed::of(block);
                    }
                }
                Slot::Open(_) | Slot::Settled(_) => {}
            }
        }
        while let Some(Slot::Settled(span)) = self.open.front() {
            self.settled.push(*span);
            self.open.pop_front();
            self.base += 1;
        }
    }
}

/// A lane's book, open for reading and marking. No block is freed while it is open.
#[derive(Debug)]
pub struct OpenBook<'a> {
    blocks: RwLockReadGuard<'a, Blocks>,
    book: &'a LaneBook,
}

impl OpenBook<'_> {
    /// Notes that event `sequence` came due at `due`; before it is handed over, so that a fast reader finds it.
    pub fn draw(&self, sequence: u64, due: DueTime) {
        if let Place::Open(block) = self.place(sequence) {
            block.extend_span(due);
        }
        self.book.drawn.store(sequence + 1, Ordering::Release);
    }

    /// Marks an event; returns the marks it had before.
    #[expect(clippy::must_use_candidate, reason = "marking is the point")]
    pub fn mark(&self, sequence: u64, marks: Marks) -> Marks {
        match self.place(sequence) {
            Place::Open(block) => {
                let before = block.mark(sequence, marks, self.book.settling);
                if block.is_resting() {
                    self.book.some_rest.store(true, Ordering::Release);
                }
                before
            }
            Place::Packed(packed) => packed.mark(sequence, marks, self.book.settling),
            Place::Freed(_) => Marks::settled(self.book.settling),
            Place::Nowhere => Marks::NONE,
        }
    }

    /// The marks of an event.
    #[must_use]
    pub fn marks(&self, sequence: u64) -> Marks {
        match self.place(sequence) {
            Place::Open(block) => block.marks(sequence),
            Place::Packed(packed) => packed.marks(sequence),
            Place::Freed(_) => Marks::settled(self.book.settling),
            Place::Nowhere => Marks::NONE,
        }
    }

    /// Notes a sighting of `sequence`, which claims to have been due at `due`. Called by one thread alone.
    #[must_use]
    pub fn see(&self, sequence: u64, due: DueTime, damaged: bool) -> Sighting {
        let span = match self.place(sequence) {
            Place::Open(block) => block.span(),
            Place::Packed(packed) => packed.span(),
            Place::Freed(span) => span,
            Place::Nowhere => return Sighting::Stranger,
        };
        let was_due = span.holds(due) || !self.book.rules.has(Rule::DueTime);
        if sequence >= self.book.drawn() || !was_due {
            return Sighting::Stranger;
        }
        let before = self.marks(sequence);
        match (before.has(Marks::SEEN), damaged) {
            // The event has been seen whole: a damaged record that claims to be it is another producer's, or a copy.
            (true, true) => Sighting::Stranger,
            (true, false) => Sighting::Again,
            (false, true) => {
                self.mark(sequence, Marks(Marks::DAMAGED));
                if before.has(Marks::DAMAGED) { Sighting::Again } else { Sighting::First }
            }
            (false, false) => {
                self.mark(sequence, Marks(Marks::SEEN));
                if before.has(Marks::DAMAGED) { Sighting::Mended } else { Sighting::First }
            }
        }
    }

    /// Whether all events of the block that begins at `sequence` were left out.
    pub(crate) fn is_left_out(&self, sequence: u64) -> bool {
        sequence.is_multiple_of(BLOCK as u64)
            && matches!(self.place(sequence), Place::Packed(packed) if packed.is_left_out())
    }

    fn is_freed(&self, sequence: u64) -> bool {
        matches!(self.place(sequence), Place::Freed(_))
    }

    fn place(&self, sequence: u64) -> Place<'_> {
        let number = sequence / BLOCK as u64;
        let found = match number.checked_sub(self.blocks.base) {
            Some(index) => {
                usize::try_from(index).ok().and_then(|index| self.blocks.open.get(index)).map(|slot| match slot {
                    Slot::Open(block) => Place::Open(block),
                    Slot::Packed(packed) => Place::Packed(packed),
                    Slot::Settled(span) => Place::Freed(*span),
                })
            }
            None => {
                usize::try_from(number).ok().and_then(|index| self.blocks.settled.get(index)).copied().map(Place::Freed)
            }
        };
        found.unwrap_or(Place::Nowhere)
    }
}

/// Where the marks of an event are.
enum Place<'a> {
    Open(&'a Block),
    Packed(&'a Packed),
    Freed(Span),
    Nowhere,
}

#[cfg(test)]
mod tests;
