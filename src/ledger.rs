//! The ledger: every scheduled event ends in exactly one class, and the classes sum to the schedule.
//!
//! One byte of state per event, in blocks of 65,536 events of a lane. A block whose events have all settled (acked and
//! seen; only acked, where nobody reads) is freed, so that memory follows what is outstanding, not the length of the run.

pub mod answers;
mod block;
pub mod class;
pub mod judge;
pub mod rules;
mod waiting;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use crate::event::stamp::DueTime;
pub use block::{BLOCK, Marks};
use block::{Block, Span};
pub use class::Class;
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
    first_lane: u8,
}

impl Ledger {
    /// A ledger for the lanes `first_lane .. first_lane + lanes`. `verifying`: whether events must be seen to settle.
    #[must_use]
    pub fn new(first_lane: u8, lanes: u8, verifying: bool) -> Self {
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
    pub fn lane(&self, lane: u8) -> Option<&LaneBook> {
        self.lanes.get(usize::from(lane.checked_sub(self.first_lane)?))
    }

    /// All lanes of this process with their numbers.
    pub fn lanes(&self) -> impl Iterator<Item = (u8, &LaneBook)> {
        (self.first_lane..=u8::MAX).zip(&self.lanes)
    }
}

/// One lane's part of the ledger.
#[derive(Debug)]
pub struct LaneBook {
    blocks: RwLock<Blocks>,
    rules: Rules,
    settling: u8,
    some_settled: AtomicBool,
    /// Sequences below this are drawn: due, and either handed over or not.
    drawn: AtomicU64,
}

#[derive(Debug, Default)]
struct Blocks {
    /// Number of the first block in `open`; those before it have settled entirely and their spans lie in `settled`.
    base: u64,
    settled: Vec<Span>,
    open: VecDeque<Slot>,
}

#[derive(Debug)]
enum Slot {
    Open(Box<Block>),
    Settled(Span),
}

impl LaneBook {
    fn new(verifying: bool) -> Self {
        let settling = if verifying { Marks::ACKED | Marks::SEEN } else { Marks::ACKED };
        Self {
            blocks: RwLock::default(),
            rules: Rules::ALL,
            settling,
            some_settled: AtomicBool::new(false),
            drawn: AtomicU64::new(0),
        }
    }

    /// Makes room for the sequences up to `end` (exclusive) and frees what has settled. Called by the lane, once a batch,
    /// before it opens the book.
    pub fn reserve(&self, end: u64) {
        let wanted = end.div_ceil(BLOCK as u64);
        let have = {
            let blocks = self.read();
            blocks.base + blocks.open.len() as u64
        };
        if have >= wanted && !self.some_settled.load(Ordering::Relaxed) {
            return;
        }
        let mut blocks = self.blocks.write().unwrap_or_else(PoisonError::into_inner);
        for _ in have..wanted {
            blocks.open.push_back(Slot::Open(Box::new(Block::new())));
        }
        if self.some_settled.swap(false, Ordering::AcqRel) {
            blocks.free_settled();
        }
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

    /// Blocks in memory.
    #[must_use]
    pub fn open_blocks(&self) -> usize {
        self.read().open.iter().filter(|slot| matches!(slot, Slot::Open(_))).count()
    }

    fn read(&self) -> RwLockReadGuard<'_, Blocks> {
        self.blocks.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Blocks {
    fn free_settled(&mut self) {
        for slot in &mut self.open {
            if let Slot::Open(block) = slot
                && block.is_settled()
            {
                *slot = Slot::Settled(block.span());
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
                if block.is_settled() {
                    self.book.some_settled.store(true, Ordering::Release);
                }
                before
            }
            Place::Freed(_) => Marks::settled(self.book.settling),
            Place::Nowhere => Marks::NONE,
        }
    }

    /// The marks of an event.
    #[must_use]
    pub fn marks(&self, sequence: u64) -> Marks {
        match self.place(sequence) {
            Place::Open(block) => block.marks(sequence),
            Place::Freed(_) => Marks::settled(self.book.settling),
            Place::Nowhere => Marks::NONE,
        }
    }

    /// Notes a sighting of `sequence`, which claims to have been due at `due`. Called by one thread alone.
    #[must_use]
    pub fn see(&self, sequence: u64, due: DueTime, damaged: bool) -> Sighting {
        let span = match self.place(sequence) {
            Place::Open(block) => block.span(),
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

    fn is_freed(&self, sequence: u64) -> bool {
        matches!(self.place(sequence), Place::Freed(_))
    }

    fn place(&self, sequence: u64) -> Place<'_> {
        let number = sequence / BLOCK as u64;
        let found = match number.checked_sub(self.blocks.base) {
            Some(index) => {
                usize::try_from(index).ok().and_then(|index| self.blocks.open.get(index)).map(|slot| match slot {
                    Slot::Open(block) => Place::Open(block),
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
    Freed(Span),
    Nowhere,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(super) fn due(sequence: u64) -> DueTime {
        DueTime::from_unix_ns(1_000_000_000 + sequence * 1_000_000)
    }

    /// A ledger of one lane that has handed over so many events.
    pub(super) fn drawn(events: u64) -> Ledger {
        let ledger = Ledger::new(0, 1, true);
        let book = ledger.lane(0).unwrap();
        book.reserve(events);
        let open = book.open();
        for sequence in 0..events {
            open.draw(sequence, due(sequence));
            open.mark(sequence, Marks(Marks::HANDED));
        }
        drop(open);
        ledger
    }

    #[test]
    fn memory_follows_what_is_outstanding() {
        let events = 10 * BLOCK as u64;
        let ledger = drawn(events);
        let book = ledger.lane(0).unwrap();
        assert_eq!(book.open_blocks(), 10);
        for sequence in (0..events).filter(|sequence| *sequence != 3 * BLOCK as u64) {
            let open = book.open();
            open.mark(sequence, Marks(Marks::ACKED));
            assert_eq!(open.see(sequence, due(sequence), false), Sighting::First);
        }
        book.reserve(events);
        assert_eq!(book.open_blocks(), 1);
        let open = book.open();
        assert_eq!(open.see(5, due(5), false), Sighting::Again, "a freed block still knows its events");
        assert_eq!(open.see(5, due(5_000_000), false), Sighting::Stranger, "and when they were due");
    }

    #[test]
    fn an_event_is_ours_only_within_its_blocks_due_times() {
        let ledger = drawn(100);
        let open = ledger.lane(0).unwrap().open();
        assert_eq!(open.see(50, DueTime::from_unix_ns(0), false), Sighting::Stranger);
        assert_eq!(open.see(100, due(99), false), Sighting::Stranger);
        assert_eq!(open.see(50, due(50), false), Sighting::First);
        assert_eq!(open.see(50, due(50), false), Sighting::Again);
    }

    #[test]
    fn a_damaged_record_that_claims_an_event_counts_until_the_event_is_seen_whole() {
        let ledger = drawn(100);
        let open = ledger.lane(0).unwrap().open();
        assert_eq!(open.see(1, due(1), true), Sighting::First);
        assert_eq!(open.see(1, due(1), false), Sighting::Mended, "the damaged one was another producer's");
        assert_eq!(open.see(1, due(1), true), Sighting::Stranger);
        assert_eq!(open.see(2, due(2), true), Sighting::First);
        assert_eq!(open.see(2, due(2), true), Sighting::Again);
        assert!(!open.marks(2).has(Marks::SEEN));
    }

    #[test]
    fn lanes_of_siblings_have_no_book() {
        let ledger = Ledger::new(4, 2, true);
        assert!(ledger.lane(3).is_none() && ledger.lane(4).is_some() && ledger.lane(5).is_some());
        assert!(ledger.lane(6).is_none());
    }

    proptest! {
        #[test]
        fn acks_and_sightings_settle_in_any_order(order in Just((0..2000_u64).collect::<Vec<_>>()).prop_shuffle()) {
            let ledger = drawn(1000);
            let open = ledger.lane(0).unwrap().open();
            for step in order {
                let sequence = step / 2;
                if step % 2 == 0 {
                    prop_assert!(!open.mark(sequence, Marks(Marks::ACKED)).has(Marks::ACKED));
                } else {
                    prop_assert_eq!(open.see(sequence, due(sequence), false), Sighting::First);
                }
            }
            for sequence in 0..1000 {
                prop_assert!(open.marks(sequence).has(Marks::HANDED | Marks::ACKED | Marks::SEEN));
            }
        }
    }
}
