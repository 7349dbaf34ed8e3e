//! What is acked and waits to be seen: remembered, within a bound, so that it can be looked up where it never is.

use super::{Marks, OpenBook};
use crate::clock::Nanos;
use crate::event::KeyId;
use crate::event::catalogue::TypeIndex;

/// An acked event that had not been seen when its answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outstanding {
    /// Its sequence in the lane.
    pub sequence: u64,
    /// When it was due.
    pub due: Nanos,
    /// Its phase.
    pub phase: u16,
    /// Its type.
    pub kind: TypeIndex,
    /// Its key.
    pub key: KeyId,
    /// The check in its stamp.
    pub check: u16,
    /// Where the broker put it.
    pub partition: i32,
    /// Its offset; `None` where the broker did not tell it.
    pub offset: Option<i64>,
}

/// The fewest events between two prunings.
const PRUNE_AFTER: usize = 4096;

/// The acked, unseen events of one lane, in order of their answers. Bounded: what does not fit is counted.
#[derive(Debug)]
pub struct Waiting {
    events: Vec<Outstanding>,
    limit: usize,
    /// Events that came since the last pruning, and how many may come before the next: at least a share of those that
    /// stayed, so that pruning costs a bounded number of steps an event even where nothing is ever seen.
    since_pruned: usize,
    prune_after: usize,
    overflowed: u64,
}

impl Waiting {
    /// At most `limit` events.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { events: Vec::new(), limit, since_pruned: 0, prune_after: PRUNE_AFTER, overflowed: 0 }
    }

    /// Remembers an event until it is seen.
    pub fn push(&mut self, event: Outstanding, book: &OpenBook<'_>) {
        self.since_pruned += 1;
        if self.since_pruned > self.prune_after {
            self.prune(book);
            self.prune_after = (self.events.len() / 4).max(PRUNE_AFTER);
        }
        if self.events.len() < self.limit {
            self.events.push(event);
        } else {
            self.overflowed += 1;
        }
    }

    /// Forgets the events that have been seen since.
    pub fn prune(&mut self, book: &OpenBook<'_>) {
        self.since_pruned = 0;
        self.events.retain(|event| !book.marks(event.sequence).has(Marks::SEEN));
    }

    /// The events still waited for.
    #[must_use]
    pub fn events(&self) -> &[Outstanding] {
        &self.events
    }

    /// How many were not remembered because the bound was reached.
    #[must_use]
    pub const fn overflowed(&self) -> u64 {
        self.overflowed
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{drawn, due};
    use super::*;
    use crate::ledger::Sighting;

    fn acked(sequence: u64) -> Outstanding {
        Outstanding {
            sequence,
            due: Nanos::ZERO,
            phase: 0,
            kind: TypeIndex(0),
            key: KeyId::of_number(0),
            check: 0,
            partition: 0,
            offset: None,
        }
    }

    #[test]
    fn what_waits_beyond_the_bound_is_counted() {
        let ledger = drawn(10_000);
        let open = ledger.lane(0).unwrap().open();
        let mut waiting = Waiting::new(5_000);
        for sequence in 0..10_000 {
            waiting.push(acked(sequence), &open);
        }
        assert_eq!((waiting.events().len(), waiting.overflowed()), (5_000, 5_000));
        for sequence in 0..10_000 {
            assert_eq!(open.see(sequence, due(sequence), false), Sighting::First);
        }
        waiting.prune(&open);
        assert_eq!(waiting.events(), []);
    }

    #[test]
    fn a_full_memory_is_not_searched_for_every_event() {
        let ledger = drawn(60_000);
        let open = ledger.lane(0).unwrap().open();
        let mut waiting = Waiting::new(40_000);
        let mut prunings = 0;
        for sequence in 0..60_000 {
            waiting.push(acked(sequence), &open);
            prunings += u32::from(waiting.since_pruned == 0);
        }
        assert!(prunings < 15, "{prunings} prunings");
    }
}
