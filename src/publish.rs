//! Handing events to a broker: a batch in, delivery reports out.

pub mod kafka;
pub mod null;

use std::ops::Range;
use std::time::Duration;

use crate::kafka::headers::Headers;
use crate::kafka::{Code, Notice, Remedy, Report, TransactionError};

/// Encoded events on their way to the client. Reused: no allocation per event.
#[derive(Debug, Default)]
pub struct Batch {
    arena: Vec<u8>,
    entries: Vec<Entry>,
    /// The entries in the order in which they are handed over.
    order: Vec<Turn>,
    /// Those of the order before this have been dealt with.
    done: usize,
}

/// When an entry's turn is: after all of a lower group, and of its own after those that came before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    group: u32,
    entry: u32,
}

/// One event of a batch.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its body in the arena; `None` for a tombstone.
    pub body: Option<Range<usize>>,
    /// Its key in the arena.
    pub key: Option<Range<usize>>,
    /// Its headers in the arena, as [`Header::pack`](crate::kafka::headers::Header::pack) writes them; empty for none.
    pub headers: Range<usize>,
    /// Its CreateTime in ms since the Unix epoch; `None` lets the client take the time of handing over.
    pub create_ms: Option<i64>,
    /// Its topic, by its index among the run's.
    pub topic: usize,
    /// Its partition, as a slot; `None` lets the client choose.
    pub partition: Option<i32>,
    /// What its delivery report brings back.
    pub ticket: usize,
}

impl Entry {
    /// What goes together: the slot, or the topic where the client chooses partitions.
    #[expect(clippy::cast_possible_truncation, reason = "a topic's index is far below 2^31")]
    const fn group(&self) -> u32 {
        match self.partition {
            Some(slot) => slot.cast_unsigned(),
            None => self.topic as u32 | 1 << 31,
        }
    }
}

impl Batch {
    /// Empties the batch and keeps its memory.
    pub fn clear(&mut self) {
        self.arena.clear();
        self.entries.clear();
        self.order.clear();
        self.done = 0;
    }

    /// The arena to encode into.
    pub const fn arena(&mut self) -> &mut Vec<u8> {
        &mut self.arena
    }

    /// Bytes of the arena.
    #[must_use]
    pub fn bytes(&self, range: &Range<usize>) -> &[u8] {
        &self.arena[range.clone()]
    }

    /// The key of one of its events.
    #[must_use]
    pub fn key(&self, entry: &Entry) -> Option<&[u8]> {
        entry.key.as_ref().map(|key| self.bytes(key))
    }

    /// The body of one of its events.
    #[must_use]
    pub fn body(&self, entry: &Entry) -> Option<&[u8]> {
        entry.body.as_ref().map(|body| self.bytes(body))
    }

    /// The headers of one of its events.
    #[must_use]
    pub fn headers(&self, entry: &Entry) -> Headers<'_> {
        Headers::packed(self.bytes(&entry.headers))
    }

    /// Adds an encoded event.
    #[expect(clippy::cast_possible_truncation, reason = "a batch is far smaller than 2^32 events")]
    pub fn push(&mut self, entry: Entry) {
        self.order.push(Turn { group: entry.group(), entry: self.entries.len() as u32 });
        self.entries.push(entry);
    }

    /// Puts the events of a partition together, each partition's in their order: cheaper for the client.
    pub fn group_by_partition(&mut self) {
        self.order.sort_unstable();
    }

    /// The events not yet dealt with.
    #[must_use]
    pub fn rest(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.between(self.done, self.order.len())
    }

    /// Notes that the next `count` have been dealt with and returns them.
    pub fn advance(&mut self, count: usize) -> impl ExactSizeIterator<Item = &Entry> {
        let from = self.done;
        self.done = (from + count).min(self.order.len());
        self.between(from, self.done)
    }

    fn between(&self, from: usize, to: usize) -> impl ExactSizeIterator<Item = &Entry> {
        self.order[from..to].iter().map(|turn| &self.entries[turn.entry as usize])
    }

    /// Whether all have been dealt with.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.done == self.order.len()
    }
}

/// What a publisher did with the rest of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handed {
    /// Events dealt with, from the front: accepted, or refused and reported as such.
    pub done: usize,
    /// Whether there was no room for more.
    pub full: bool,
    /// Whether no more is taken until the transaction has been aborted.
    pub halted: bool,
}

/// A way to a broker. One that knows of transactions says so itself: where nothing is said they can be neither begun nor ended.
pub trait Publisher {
    /// Hands over what is left of `batch`, in order, as far as there is room; the caller advances the batch. Refused
    /// events are reported by their index among the rest.
    fn send(&mut self, batch: &Batch, refused: &mut Vec<(usize, Code)>) -> Handed;

    /// Takes the delivery reports and notices that are there, waiting at most `wait` for the first.
    fn serve(&mut self, wait: Duration, reports: &mut Vec<Report>, notices: &mut Vec<Notice>);

    /// Gives up everything queued or in flight; each event gets its report.
    fn purge(&mut self);

    /// Begins a transaction, to which everything belongs that is sent until it ends.
    ///
    /// # Errors
    /// Where the client cannot begin one.
    fn begin(&mut self) -> Result<(), TransactionError> {
        Err(no_transactions())
    }

    /// Sends what is queued without waiting for more to go with it, for at most `wait`.
    fn hasten(&mut self, _wait: Duration) {}

    /// Commits the transaction, trying for at most `wait`. All reports must have been served.
    ///
    /// # Errors
    /// Where it is not known to be committed, with what can be done.
    fn commit(&mut self, _wait: Duration) -> Result<(), TransactionError> {
        Err(no_transactions())
    }

    /// Aborts the transaction, trying for at most `wait`. What was still queued gets its reports.
    ///
    /// # Errors
    /// Where it is not known to be aborted, with what can be done.
    fn abort(&mut self, _wait: Duration) -> Result<(), TransactionError> {
        Err(no_transactions())
    }
}

fn no_transactions() -> TransactionError {
    let text = "this way to a broker knows no transactions".to_owned();
    TransactionError { code: Code::NotConfigured, text, remedy: Remedy::Nothing }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(ticket: usize, topic: usize, partition: Option<i32>) -> Entry {
        Entry { body: None, key: None, headers: 0..0, create_ms: None, topic, partition, ticket }
    }

    proptest! {
        #[test]
        fn a_partition_s_events_lie_together_in_their_order(
            places in prop::collection::vec((0_usize..3, prop::option::of(0_i32..4)), 0..300), first in 0_usize..300,
        ) {
            let mut batch = Batch::default();
            for (ticket, (topic, partition)) in places.iter().enumerate() {
                batch.push(entry(ticket, *topic, *partition));
            }
            prop_assert!(batch.rest().map(|entry| entry.ticket).eq(0..places.len()));
            batch.group_by_partition();
            let mut given: Vec<Entry> = batch.advance(first).cloned().collect();
            prop_assert_eq!(batch.rest().len(), places.len().saturating_sub(first));
            given.extend(batch.rest().cloned());
            let group = |entry: &Entry| entry.partition.map_or((true, entry.topic), |slot| (false, slot.unsigned_abs() as usize));
            for pair in given.windows(2) {
                prop_assert!(group(&pair[0]) < group(&pair[1]) || group(&pair[0]) == group(&pair[1]) && pair[0].ticket < pair[1].ticket);
            }
            let mut tickets: Vec<usize> = given.iter().map(|entry| entry.ticket).collect();
            tickets.sort_unstable();
            prop_assert!(tickets.into_iter().eq(0..places.len()));
        }
    }
}
