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
    /// Entries before this have been dealt with.
    done: usize,
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

impl Batch {
    /// Empties the batch and keeps its memory.
    pub fn clear(&mut self) {
        self.arena.clear();
        self.entries.clear();
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
    pub fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Puts the events of a partition together, each partition's in their order: cheaper for the client.
    pub fn group_by_partition(&mut self) {
        // Where the client chooses partitions, their topics are together at least. Stable: an allocation a batch costs less than
        // comparing a third number.
        self.entries.sort_by_key(|entry| (entry.topic, entry.partition));
    }

    /// The events not yet dealt with.
    #[must_use]
    pub fn rest(&self) -> &[Entry] {
        &self.entries[self.done..]
    }

    /// Notes that the next `count` have been dealt with and returns them.
    pub fn advance(&mut self, count: usize) -> &[Entry] {
        let from = self.done;
        self.done = (from + count).min(self.entries.len());
        &self.entries[from..self.done]
    }

    /// Whether all have been dealt with.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.done == self.entries.len()
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
