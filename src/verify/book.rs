//! Whose event a record is: the one question that a run answers from its ledger, and a verifier alone from what it has seen.

use std::sync::Arc;

use super::order::{Late, Order, Place};
use crate::clock::{Anchor, Nanos};
use crate::control::{Control, TempoCopy};
use crate::event::stamp::{FirstStamp, RunId, Stamp};
use crate::ledger::rules::{Rule, Rules};
use crate::ledger::{Ledger, Sighting};
use crate::schedule::Schedule;

/// What a record is to a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recognition {
    /// The first sighting of an event.
    First,
    /// The first whole one; a damaged record had claimed to be that event before.
    Mended,
    /// The event had been seen before.
    Again,
    /// An event of another process of the same run.
    Sibling,
    /// No event of this book.
    Stranger,
    /// It cannot be told, or not yet; the book counts it.
    Unsettled,
}

/// How long an event took until it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timed {
    /// Its phase.
    pub phase: usize,
    /// Seen - due.
    pub end_to_end: Nanos,
    /// Whether it seemed to be seen before it was due.
    pub early: bool,
}

/// Who knows which events there are.
pub trait Book {
    /// Tells the wall time of zero.
    fn start(&mut self, anchor: Anchor);

    /// A batch of records begins, read at `at`.
    fn begin_batch(&mut self, _at: Nanos) {}

    /// The run whose events are judged; `None` where all are that carry a stamp.
    fn run(&self) -> Option<RunId>;

    /// Notes a record with that stamp; `whole`: whether its content matches it, as far as that can be told.
    fn see(&mut self, stamp: Stamp, whole: bool) -> Recognition;

    /// Notes a record whose id is none of today's layout, as one of the first.
    fn see_older(&mut self, _stamp: FirstStamp) {}

    /// How long the event seen took; `None` where nothing can be said.
    fn time(&mut self, stamp: Stamp, at: Nanos) -> Option<Timed>;

    /// Notes the place of the event seen last; tells where one with a higher sequence came before it.
    fn place(&mut self, stamp: Stamp, partition: usize, place: Place) -> Option<Late>;

    /// When an event was due, since the run's zero, where that is known.
    fn due(&self, stamp: Stamp) -> Option<Nanos>;
}

/// The book of a run: its ledger.
#[derive(Debug)]
pub struct RunBook<'a> {
    run: RunId,
    ledger: &'a Ledger,
    schedule: Arc<Schedule>,
    /// Where the tempo is told, and as it was last seen.
    control: Arc<Control>,
    tempo: TempoCopy,
    rules: Rules,
    anchor: Anchor,
    order: Order,
}

impl<'a> RunBook<'a> {
    /// The book of the run whose ledger and schedule these are, read from so many partitions.
    #[must_use]
    pub fn new(run: RunId, ledger: &'a Ledger, schedule: Arc<Schedule>, partitions: usize, rules: Rules) -> Self {
        let order = Order::new(ledger.lanes().count(), partitions);
        let (control, tempo) = (Arc::default(), TempoCopy::default());
        Self { run, ledger, schedule, control, tempo, rules, anchor: Anchor::at_unix_ns(0), order }
    }

    /// The same book of a run whose tempo may change.
    #[must_use]
    pub fn in_tempo_of(self, control: Arc<Control>) -> Self {
        Self { control, ..self }
    }
}

impl Book for RunBook<'_> {
    /// Before, no record can be one of the run.
    fn start(&mut self, anchor: Anchor) {
        self.anchor = anchor;
    }

    fn run(&self) -> Option<RunId> {
        Some(self.run)
    }

    fn see(&mut self, stamp: Stamp, whole: bool) -> Recognition {
        let Some(book) = self.ledger.lane(stamp.lane) else {
            return if whole { Recognition::Sibling } else { Recognition::Stranger };
        };
        match book.open().see(stamp.sequence, stamp.due, !whole) {
            Sighting::First => Recognition::First,
            Sighting::Mended => Recognition::Mended,
            Sighting::Again => Recognition::Again,
            Sighting::Stranger => Recognition::Stranger,
        }
    }

    fn time(&mut self, stamp: Stamp, at: Nanos) -> Option<Timed> {
        // Its due time is of this run, and rounded down: before zero by less than what the stamp leaves out.
        let due = self.anchor.instant(stamp.due.unix_ns()).unwrap_or_default();
        let took = at.checked_since(due);
        let end_to_end = took.filter(|_| self.rules.has(Rule::EndToEnd)).unwrap_or_default();
        // The stamp rounds down, and the first event of a phase is due at its very start.
        let within = self.anchor.instant(stamp.due.last_unix_ns()).unwrap_or_default();
        self.control.follow(&mut self.tempo);
        let phase = self.schedule.phase_at(self.tempo.schedule_at(within));
        Some(Timed { phase, end_to_end, early: took.is_none() })
    }

    fn place(&mut self, stamp: Stamp, partition: usize, place: Place) -> Option<Late> {
        self.order.see(self.ledger.place_of(stamp.lane)?, partition, place)
    }

    fn due(&self, stamp: Stamp) -> Option<Nanos> {
        self.anchor.instant(stamp.due.unix_ns())
    }
}
