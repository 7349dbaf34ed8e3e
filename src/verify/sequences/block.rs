//! 4,096 sequences of a lane: two bytes each, which tell an event seen again from another one with the same number.

#![expect(
    clippy::cast_possible_truncation,
    reason = "places within a block are below 4,096, and a hash is cut on purpose"
)]

use crate::event::stamp::DueTime;

/// Sequences in a block.
pub(super) const BLOCK: u64 = 1 << 12;
/// Sequences whose due times are kept together.
const GROUP: u64 = 64;
const GROUPS: usize = (BLOCK / GROUP) as usize;

/// What was seen of a sequence; else the mark of the event that was seen.
const UNSEEN: u16 = 0;
const DAMAGED: u16 = 1;

/// First and last due time of some events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: DueTime,
    pub(super) last: DueTime,
}

impl Span {
    pub(super) const fn of(due: DueTime) -> Self {
        Self { first: due, last: due }
    }

    pub(super) fn holds(self, due: DueTime) -> bool {
        self.first <= due && due <= self.last
    }

    pub(super) fn join(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }
}

/// The mark of an event: 16 bits of a hash of its id, never one that stands for something else.
pub(in crate::verify) fn mark_of(id: u128) -> u16 {
    let folded = (id >> 64) as u64 ^ (id as u64).rotate_left(29);
    let hash = (folded.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48) as u16;
    hash.max(DAMAGED + 1)
}

/// What a block says of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Unseen,
    Damaged,
    /// Seen, and whether it was the same event.
    Seen {
        same: bool,
    },
}

#[derive(Debug)]
pub(super) struct Block {
    marks: Vec<u16>,
    spans: Vec<Option<Span>>,
    seen: u64,
}

impl Block {
    pub(super) fn new() -> Self {
        Self { marks: vec![UNSEEN; BLOCK as usize], spans: vec![None; GROUPS], seen: 0 }
    }

    pub(super) fn cell(&self, within: u64, mark: u16) -> Cell {
        match self.marks[within as usize] {
            UNSEEN => Cell::Unseen,
            DAMAGED => Cell::Damaged,
            seen => Cell::Seen { same: seen == mark },
        }
    }

    pub(super) fn damage(&mut self, within: u64) {
        self.marks[within as usize] = DAMAGED;
    }

    pub(super) fn see(&mut self, within: u64, mark: u16, due: DueTime) {
        self.marks[within as usize] = mark;
        self.seen += 1;
        let span = &mut self.spans[(within / GROUP) as usize];
        *span = Some(span.map_or(Span::of(due), |span| span.join(Span::of(due))));
    }

    pub(super) const fn seen(&self) -> u64 {
        self.seen
    }

    pub(super) const fn is_full(&self) -> bool {
        self.seen == BLOCK
    }

    /// How many of the sequences before `within` were seen.
    pub(super) fn seen_before(&self, within: u64) -> u64 {
        if within >= BLOCK {
            return self.seen;
        }
        self.marks[..within as usize].iter().filter(|mark| **mark > DAMAGED).count() as u64
    }

    /// Whether a sequence was seen, or seen damaged.
    pub(super) fn sight(&self, within: u64) -> Cell {
        self.cell(within, UNSEEN)
    }

    pub(super) fn span(&self) -> Option<Span> {
        self.spans.iter().flatten().copied().reduce(Span::join)
    }

    /// Whether a sequence due then can be one of this lane's, as far as its neighbours here tell; `None` where there is none
    /// on one side or both: the due times that must hold there.
    pub(super) fn neighbours(&self, within: u64) -> (Option<DueTime>, Option<DueTime>, Option<Span>) {
        let group = (within / GROUP) as usize;
        let before = self.spans[..group].iter().rev().flatten().next().map(|span| span.last);
        let after = self.spans[group + 1..].iter().flatten().next().map(|span| span.first);
        (before, after, self.spans[group])
    }

    /// The first sequence here of which all later ones here were due after `cutoff`; [`BLOCK`] where the last was not.
    pub(super) fn edge(&self, cutoff: DueTime) -> u64 {
        let old = self.spans.iter().rposition(|span| span.is_some_and(|span| span.first <= cutoff));
        old.map_or(0, |group| (group as u64 + 1) * GROUP)
    }
}
