//! A lane: one producer thread. It takes what is due, stamps, encodes, hands over, and serves the answers.
//!
//! Due times never move: they are the schedule's, through the tempo (see [`crate::control::tempo`]). What comes late goes at once, and how late it was is split into the lane's own part (lateness),
//! the time in which the client had no room (blocked), and the time in which the ceiling let nothing through (capped).

mod answers;
mod ceiling;
mod flight;
mod hand_over;
mod reasons;
pub mod rhythm;
mod setup;
mod transact;
mod transaction;
mod unsent;
mod waits;
mod write;

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use crate::clock::{Anchor, Clock, Nanos};
use crate::control::TempoCopy;
use crate::event::KeyId;
use crate::event::opaque::Sealed;
use crate::event::stamp::DueTime;
use crate::kafka::errors::ErrorLog;
use crate::kafka::{Code, Notice, Report};
use crate::ledger::unstamped::{ContentId, Known};
use crate::ledger::{LaneBook, Marks, Waiting};
use crate::measure::Presence;
use crate::publish::{Batch, Entry, Publisher};
use crate::schedule::{Cursor, Due};
use crate::settings::run::{Lateness, OnLag, Pacing};
use crate::source::web::Fate;
use crate::source::{Drawn, Event};
use ceiling::Admission;
pub use ceiling::Ceiling;
use flight::{AckGaps, Flight, Flights};
pub use reasons::Reasons;
use rhythm::Rhythm;
pub use setup::{LaneEnd, LaneError, Setup};
pub use transaction::TransactionPlan;
use transaction::Transactions;
use waits::Waits;

/// Events handed over at once, at most.
const BATCH: usize = 256;
/// Bytes of a batch from which on it is full: bodies of MiB are copied once more by the client.
const BATCH_BYTES: usize = 1 << 20;
/// The shortest sleep between two turns: bounds the wake-ups to 4,000 a second.
const SHORTEST_TURN: Nanos = Nanos(250_000);
/// The longest sleep: delivery reports must be served.
const LONGEST_TURN: Nanos = Nanos(1_000_000);
/// With `spin`, the rest of a wait that is spun.
const SPIN: Nanos = Nanos(100_000);

/// A lane at work.
#[derive(Debug)]
pub struct Lane<'a, P, C> {
    setup: Setup,
    book: &'a LaneBook,
    publisher: P,
    clock: C,
    /// Wall time of the clock's zero.
    anchor: Anchor,
    cursor: Cursor,
    tempo: TempoCopy,
    /// The next event, due in schedule time.
    next: Option<(Drawn<Event>, Due)>,
    sequence: u64,
    batch: Batch,
    flights: Flights,
    gaps: AckGaps,
    /// When this thread ran: what was not heard while it did not is no partition's silence.
    presence: Presence,
    blocked: Waits,
    capped: Waits,
    admission: Admission,
    transactions: Option<Transactions>,
    /// Whether nothing but sending has happened since the last wait for room.
    catching_up: bool,
    reports: Vec<Report>,
    notices: Vec<Notice>,
    refused: Vec<(usize, Code)>,
    end: LaneEnd,
}

impl<'a, P: Publisher, C: Clock> Lane<'a, P, C> {
    /// A lane that has not begun, though the run's zero has come: its wall time is that of `anchor`.
    #[must_use]
    pub fn new(setup: Setup, book: &'a LaneBook, publisher: P, clock: C, anchor: Anchor) -> Self {
        let phases = setup.schedule.phases().len();
        let end = LaneEnd {
            waiting: Waiting::new(setup.remember),
            phase_starts: vec![u64::MAX; phases],
            highest_acked: Vec::new(),
            first_due: None,
            last_due: Nanos::ZERO,
            last_sent: Nanos::ZERO,
            unanswered: 0,
            uncounted: false,
            error: None,
            errors: ErrorLog::default(),
            sent_as: BTreeMap::new(),
            reasons: Reasons::default(),
            rhythm: setup.schedule.is_recorded().then(Rhythm::default),
        };
        let transactions = setup.transactions.map(Transactions::new);
        Self {
            setup,
            book,
            publisher,
            clock,
            anchor,
            cursor: Cursor::default(),
            tempo: TempoCopy::default(),
            next: None,
            sequence: 0,
            batch: Batch::default(),
            flights: Flights::default(),
            gaps: AckGaps::default(),
            presence: Presence::default(),
            blocked: Waits::default(),
            capped: Waits::default(),
            admission: Admission::default(),
            transactions,
            catching_up: false,
            reports: Vec::new(),
            notices: Vec::new(),
            refused: Vec::new(),
            end,
        }
    }

    /// Works until the schedule, the data or the run ends, waits for the answers, and says how it ended. The publisher is
    /// given back so that the caller decides when it goes.
    pub fn run(mut self) -> (LaneEnd, P) {
        while self.end.error.is_none() && self.turn() {}
        if let Some(LaneError::Fatal(..)) = self.end.error {
            // A client that failed for good answers no more; giving up its queue brings the reports.
            self.publisher.purge();
        }
        let stopped = match self.end.error {
            Some(_) => self.clock.now().min(self.setup.control.stopped_at()),
            None => self.setup.control.stopped_at(),
        };
        self.setup.control.stop_at(if self.end.error.is_some() { stopped } else { Nanos::MAX });
        self.setup.source.close();
        self.end_transaction();
        self.flush();
        // What has no answer by now will have none.
        self.setup.unstamped = None;
        self.count_unsent(stopped);
        if self.next.is_some() {
            // It came after the stop.
            self.setup.source.settle(self.sequence, Fate::NotSent);
        }
        self.close_books();
        self.end.reasons.settle();
        (self.end, self.publisher)
    }

    /// One turn: answers, due events, a wait. False when there is nothing more to send.
    fn turn(&mut self) -> bool {
        self.serve(Duration::ZERO);
        let now = self.clock.now();
        // In this order: see Control::barrier().
        let barrier = self.setup.control.barrier();
        self.setup.control.follow(&mut self.tempo);
        if self.setup.control.is_aborted() {
            return false;
        }
        if self.end_what_is_over(now) {
            return true;
        }
        let stop = self.setup.control.stopped_at();
        let room = self.setup.queue.saturating_sub(self.flights.len()).min(BATCH);
        let room = self.transactions.as_ref().map_or(room, |transactions| room.min(transactions.room()));
        let Some(due) = self.peek() else {
            let more_may_come = self.setup.source.is_open() && self.end.error.is_none() && now < stop;
            if more_may_come {
                self.catching_up = false;
                // An answer ends the one wait, an event the other.
                if self.flights.is_empty() {
                    self.setup.source.wait(LONGEST_TURN.into());
                } else {
                    self.serve(SHORTEST_TURN.into());
                }
            }
            return more_may_come;
        };
        match due {
            Due::At(due, _) if due >= stop => return false,
            Due::Now(_) if now >= stop => return false,
            Due::At(due, _) if due > now || due >= barrier => {
                self.catching_up = false;
                self.wait(now, due);
                return true;
            }
            _ => {}
        }
        if room == 0 && now >= stop {
            // What came due before the stop is still sent, but not waited for.
            return false;
        }
        if room == 0 {
            self.wait_for_room(now);
            return true;
        }
        // One by one below a ceiling: what goes at once is a burst.
        let room = if self.setup.ceiling.is_some() { 1 } else { room };
        if !self.is_admitted() {
            return now < stop;
        }
        self.fill(now, barrier, room);
        self.hand_over();
        true
    }

    /// The next event's due time; `None` at the end of data or schedule.
    fn peek(&mut self) -> Option<Due> {
        if self.next.is_none() {
            if self.sequence >= self.setup.room {
                self.end.error = Some(LaneError::SequencesUsedUp(self.setup.room));
                return None;
            }
            let drawn = self.setup.source.draw()?;
            let due = self.setup.schedule.due(&mut self.cursor, drawn.number, drawn.recorded_offset);
            if due == Due::Never {
                return None;
            }
            self.next = Some((drawn, due));
        }
        self.next.map(|(_, due)| in_time(due, &self.tempo))
    }

    fn wait(&self, now: Nanos, due: Nanos) {
        match self.setup.pacing {
            Pacing::Sleep => {
                self.clock.sleep_until(due.max(now + SHORTEST_TURN).min(now + LONGEST_TURN));
            }
            Pacing::Spin => {
                if due > now + SPIN {
                    self.clock.sleep_until((due - SPIN).min(now + LONGEST_TURN));
                } else {
                    std::hint::spin_loop();
                }
            }
        }
    }

    /// Takes, stamps and encodes what is due, up to `room` events; nothing that is due from `barrier` on.
    fn fill(&mut self, now: Nanos, barrier: Nanos, room: usize) {
        self.batch.clear();
        self.book.reserve(self.sequence + room as u64);
        let open = self.book.open();
        let mut filled = 0;
        while filled < room && self.batch.arena().len() < BATCH_BYTES {
            let Some((drawn, due)) = self.next else { break };
            let (due, phase) = match in_time(due, &self.tempo) {
                Due::At(due, phase) if due <= now && due < barrier && due < self.setup.control.stopped_at() => {
                    (due, phase)
                }
                Due::Now(phase) => (now, phase),
                Due::At(..) | Due::Never => break,
            };
            let sequence = self.sequence;
            let unix_ns = self.anchor.unix_ns(due);
            open.draw(sequence, DueTime::from_unix_ns(unix_ns));
            self.sequence += 1;
            self.next = None;
            if let Some(start) = self.end.phase_starts.get_mut(phase) {
                *start = (*start).min(sequence);
            }
            self.end.first_due.get_or_insert(due);
            self.end.last_due = due;
            let late = now - due;
            let Lateness { on_lag, max_slip, .. } = self.setup.lateness;
            let dropped = on_lag != OnLag::Queue && late > max_slip.into();
            if dropped && on_lag == OnLag::Abort {
                self.end.error = Some(LaneError::TooLate(late));
            }
            if let Some(rhythm) = &mut self.end.rhythm {
                rhythm.note_drawn(due);
            }
            if dropped {
                open.mark(sequence, Marks(Marks::OVER));
                if let Some(answers) = &mut self.setup.answers {
                    answers.settle(sequence, None, &open);
                }
            }
            if !dropped {
                let kind = drawn.event.kind();
                let version = self.setup.rollout.version(phase, self.setup.number, sequence);
                let written = self.write(&drawn, version, sequence, unix_ns);
                let key = written.key.as_ref().map(|key| self.batch.bytes(key));
                let partition = self.partition(&drawn.event, key);
                let topic = self.setup.slots.topic_of(kind.index());
                if let (Some(unstamped), Some(content)) = (&mut self.setup.unstamped, written.content) {
                    let key = key.map(KeyId::of_text).unwrap_or_default();
                    let known = Known { stamp: written.stamp, kind, key, content: ContentId(content) };
                    unstamped.expect(sequence, partition, known);
                }
                let length = |range: &Option<Range<usize>>| range.as_ref().map_or(0, ExactSizeIterator::len);
                let ticket = self.flights.start(Flight {
                    sequence,
                    due,
                    blocked_before: self.blocked.until(due),
                    capped_before: self.capped.until(due),
                    sent: Nanos::ZERO,
                    bytes: u32::try_from(length(&written.body) + length(&written.key)).unwrap_or(u32::MAX),
                    phase: u16::try_from(phase).unwrap_or(u16::MAX),
                    kind,
                    version,
                    key: if self.setup.encoder.has_text_keys() {
                        drawn.event.key(key.unwrap_or_default())
                    } else {
                        KeyId::of_text(key.unwrap_or_default())
                    },
                    check: written.stamp.check,
                });
                let Sealed { body, key, headers, .. } = written;
                self.batch.push(Entry {
                    body,
                    key,
                    headers,
                    create_ms: drawn.event.create_ms(),
                    topic,
                    partition,
                    ticket,
                });
                filled += 1;
            }
            if self.end.error.is_some() {
                break;
            }
            // Looked up here so that the batch ends with the data, not with a wasted turn.
            if self.sequence < self.setup.room
                && let Some(drawn) = self.setup.source.draw()
            {
                let due = self.setup.schedule.due(&mut self.cursor, drawn.number, drawn.recorded_offset);
                self.next = Some((drawn, due)).filter(|(_, due)| *due != Due::Never);
            }
        }
        drop(open);
        if self.setup.java_placed || !self.setup.slots.is_one() {
            self.batch.group_by_partition();
        }
    }
}

/// The schedule's due time as an instant of the run.
fn in_time(due: Due, tempo: &TempoCopy) -> Due {
    match due {
        Due::At(due, phase) => Due::At(tempo.at(due), phase),
        due => due,
    }
}

#[cfg(test)]
mod tests;
