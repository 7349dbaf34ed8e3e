//! 65,536 events of a lane: a byte of marks each, set from two threads without a lock.

use std::ops::Range;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

use super::class::Answer;
use crate::event::stamp::DueTime;

/// Events in a block.
pub const BLOCK: usize = 1 << 16;
/// Marks that are made at once: one by one they take an unoptimised build a tenth of a short run.
const CHUNK: usize = 256;

/// What has been noted of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks(pub u8);

impl Marks {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// The client accepted it.
    pub const HANDED: u8 = 1;
    /// The broker confirmed it.
    pub const ACKED: u8 = 2;
    /// Proven not written.
    pub const REFUSED: u8 = 4;
    /// The verifier read it, whole.
    pub const SEEN: u8 = 8;
    /// The verifier read a damaged record that claimed to be it. Counts for nothing once it is seen whole.
    pub const DAMAGED: u8 = 16;
    /// Its transaction was aborted.
    pub const ABORTED: u8 = 32;
    /// No answer comes any more, and none proves anything; or it was left out.
    pub const OVER: u8 = 64;

    /// Whether all of `marks` are set.
    #[must_use]
    pub const fn has(self, marks: u8) -> bool {
        self.0 & marks == marks
    }

    /// What the client said of it, all in all.
    #[must_use]
    pub const fn answer(self) -> Answer {
        if self.has(Self::ACKED) {
            Answer::Acked
        } else if self.has(Self::REFUSED) {
            Answer::Refused
        } else if self.has(Self::HANDED) {
            Answer::Unanswered
        } else {
            Answer::NotHanded
        }
    }

    /// Whether nothing more is expected of it.
    const fn rests(self, settling: u8) -> bool {
        self.has(Self::HANDED | settling) || self.0 & (Self::REFUSED | Self::ABORTED | Self::OVER) != 0
    }

    pub(super) const fn settled(settling: u8) -> Self {
        Self(Self::HANDED | settling)
    }
}

/// First and last due time of a block's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    first: DueTime,
    last: DueTime,
}

impl Span {
    pub(super) const fn of(first: DueTime, last: DueTime) -> Self {
        Self { first, last }
    }

    pub(super) fn holds(self, due: DueTime) -> bool {
        self.first <= due && due <= self.last
    }
}

#[derive(Debug)]
pub(super) struct Block {
    marks: Vec<[AtomicU8; CHUNK]>,
    /// Events that are as nearly all are: acked, and seen where they are read.
    settled: AtomicU32,
    /// Those and the others of which nothing more is expected.
    resting: AtomicU32,
    first_due_ns: AtomicU64,
    last_due_ns: AtomicU64,
}

impl Block {
    pub(super) fn new() -> Self {
        let mut marks = Vec::new();
        marks.resize_with(BLOCK / CHUNK, || [const { AtomicU8::new(0) }; CHUNK]);
        Self {
            marks,
            settled: AtomicU32::new(0),
            resting: AtomicU32::new(0),
            first_due_ns: AtomicU64::new(u64::MAX),
            last_due_ns: AtomicU64::new(0),
        }
    }

    /// One with these marks and due times.
    pub(super) fn with(marks: impl Iterator<Item = Marks>, span: Span, settling: u8) -> Self {
        let block = Self::new();
        for (sequence, marks) in (0_u64..).zip(marks) {
            block.mark(sequence, marks, settling);
        }
        block.extend_span(span.first);
        block.extend_span(span.last);
        block
    }

    /// Sets marks and returns those before. An event settles with the mark that completes `settling`, if no other mark
    /// makes it special; that it had been damaged does not, once it is seen.
    pub(super) fn mark(&self, sequence: u64, marks: Marks, settling: u8) -> Marks {
        let Some(cell) = self.cell(sequence) else { return Marks::NONE };
        let before = cell.fetch_or(marks.0, Ordering::AcqRel);
        let after = before | marks.0;
        let ordinary = Marks::HANDED | Marks::ACKED | Marks::SEEN | Marks::DAMAGED;
        let wanted = Marks::HANDED | settling;
        if after & wanted == wanted && before & wanted != wanted && after & !ordinary == 0 {
            self.settled.fetch_add(1, Ordering::AcqRel);
        } else if after & !ordinary != 0 && before & !ordinary == 0 && before & wanted == wanted {
            // It had settled and has now become special, such as by an aborted transaction: the block must stay.
            self.settled.fetch_sub(1, Ordering::AcqRel);
        }
        if Marks(after).rests(settling) && !Marks(before).rests(settling) {
            self.resting.fetch_add(1, Ordering::AcqRel);
        }
        Marks(before)
    }

    /// Marks events as over that have no mark yet, all of this block, which come due from `first` to `last`.
    pub(super) fn leave_out(&self, sequences: Range<u64>, first: DueTime, last: DueTime) {
        self.extend_span(first);
        self.extend_span(last);
        let mut left_out = 0;
        for cell in sequences.filter_map(|sequence| self.cell(sequence)) {
            cell.store(Marks::OVER, Ordering::Relaxed);
            left_out += 1;
        }
        self.resting.fetch_add(left_out, Ordering::AcqRel);
    }

    pub(super) fn marks(&self, sequence: u64) -> Marks {
        self.cell(sequence).map_or(Marks::NONE, |cell| Marks(cell.load(Ordering::Acquire)))
    }

    pub(super) fn is_settled(&self) -> bool {
        self.settled.load(Ordering::Acquire) as usize == BLOCK
    }

    /// Whether nothing more is expected of any event.
    pub(super) fn is_resting(&self) -> bool {
        self.resting.load(Ordering::Acquire) as usize == BLOCK
    }

    /// Due times rise with the sequence, so only the first and the last are kept. Called by one thread alone, the lane: others
    /// read.
    pub(super) fn extend_span(&self, due: DueTime) {
        let ns = due.unix_ns();
        if ns < self.first_due_ns.load(Ordering::Relaxed) {
            self.first_due_ns.store(ns, Ordering::Release);
        }
        if ns > self.last_due_ns.load(Ordering::Relaxed) {
            self.last_due_ns.store(ns, Ordering::Release);
        }
    }

    pub(super) fn span(&self) -> Span {
        Span {
            first: DueTime::from_unix_ns(self.first_due_ns.load(Ordering::Acquire)),
            last: DueTime::from_unix_ns(self.last_due_ns.load(Ordering::Acquire)),
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the remainder is below 65,536")]
    fn cell(&self, sequence: u64) -> Option<&AtomicU8> {
        self.marks.as_flattened().get(sequence as usize % BLOCK)
    }
}
