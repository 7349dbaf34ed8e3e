//! A lane: one producer thread. It takes what is due, stamps, encodes, hands over, and serves the answers.
//!
//! Due times never move. What comes late goes at once, and how late it was is split into the lane's own part (lateness)
//! and the time in which the client had no room (blocked).

mod blocked;
mod flight;
pub mod rhythm;

use std::sync::Arc;
use std::time::Duration;

use governor::DefaultDirectRateLimiter;

use crate::clock::{Anchor, Clock, Nanos};
use crate::control::{Control, Traffic};
use crate::event::encode::Encoder;
use crate::event::stamp::{DueTime, SEQUENCES};
use crate::kafka::slots::Slots;
use crate::kafka::{Answer, Code, Notice, Report, describe, lacks_right};
use crate::ledger::{LaneBook, Marks, Outstanding, Waiting};
use crate::measure::Recorder;
use crate::publish::{Batch, Entry, Publisher};
use crate::schedule::{Cursor, Due, Schedule};
use crate::source::{Drawn, LaneSource};
use blocked::Blocked;
use flight::{AckGaps, Flight, Flights};
use rhythm::Rhythm;

/// Events handed over at once, at most.
const BATCH: usize = 256;
/// The shortest sleep between two turns: bounds the wake-ups to 4,000 a second.
const SHORTEST_TURN: Nanos = Nanos(250_000);
/// The longest sleep: delivery reports must be served.
const LONGEST_TURN: Nanos = Nanos(1_000_000);
/// With `spin`, the rest of a wait that is spun.
const SPIN: Nanos = Nanos(100_000);

/// How a lane waits for the next due time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pacing {
    /// Sleep.
    Sleep,
    /// Sleep, and spin the last 100 us.
    Spin,
}

/// Which time the body of an event carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyTime {
    /// Its due time.
    Due,
    /// The time it was recorded.
    Recorded,
    /// The run's start plus the recorded distance from the first event, divided by the speed; that is its due time too,
    /// unless the schedule ignores recorded gaps.
    Shifted,
}

/// What happens to events that are later than they may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnLag {
    /// They go at once.
    Queue,
    /// They are left out and counted as not attempted.
    Drop(Nanos),
    /// The run ends.
    Abort(Nanos),
}

/// What a lane works with, beside its publisher and clock.
#[derive(Debug)]
pub struct Setup {
    /// Its number in the stamp.
    pub number: u8,
    /// Its events.
    pub source: LaneSource,
    /// When they are due.
    pub schedule: Arc<Schedule>,
    /// Writes them.
    pub encoder: Encoder,
    /// Wall time of the run's zero.
    pub anchor: Anchor,
    /// Its shard.
    pub recorder: Recorder,
    /// The run's end.
    pub control: Arc<Control>,
    /// What is on its way.
    pub traffic: Arc<Traffic>,
    /// The topics and their partitions.
    pub slots: Arc<Slots>,
    /// Whether loadgen chooses partitions, as Java does; else the client's partitioner chooses.
    pub java_placed: bool,
    /// How it waits.
    pub pacing: Pacing,
    /// Which time the bodies carry.
    pub body_time: BodyTime,
    /// What happens to late events.
    pub on_lag: OnLag,
    /// A ceiling shared by all lanes.
    pub ceiling: Option<Arc<DefaultDirectRateLimiter>>,
    /// Messages the client's queue holds.
    pub queue: usize,
    /// How many acked, unseen events are remembered.
    pub remember: usize,
    /// The longest wait for answers after the last event.
    pub flush_deadline: Duration,
}

/// How a lane ended.
#[derive(Debug)]
pub struct LaneEnd {
    /// Acked events that nobody had seen.
    pub waiting: Waiting,
    /// The lane's first sequence in each phase.
    pub phase_starts: Vec<u64>,
    /// The highest acked offset of each partition.
    pub highest_acked: Vec<Option<i64>>,
    /// Due time of the first event.
    pub first_due: Option<Nanos>,
    /// Due time of the last event drawn.
    pub last_due: Nanos,
    /// When the last event was handed over.
    pub last_sent: Nanos,
    /// Events without an answer when the lane gave up.
    pub unanswered: u64,
    /// What ended the lane before its schedule did.
    pub error: Option<LaneError>,
    /// Client errors by code, with the last words of each.
    pub errors: Vec<(Code, u64, String)>,
    /// How the recorded gaps were kept, where the schedule has them.
    pub rhythm: Option<Rhythm>,
}

/// What ends a lane before its schedule does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LaneError {
    /// The topic or the partition is no longer there.
    #[error("the topic or one of its partitions is gone: {}", describe(*.0))]
    TopicGone(Code),
    /// The client has no right to write to the topic.
    #[error("writing to the topic is not allowed: {}", describe(*.0))]
    NotAllowed(Code),
    /// The producer cannot go on.
    #[error("the producer failed for good: {text} ({code})", text = .1, code = describe(*.0))]
    Fatal(Code, String),
    /// An event was later than `--on-lag abort` allows.
    #[error("an event was {0} late, more than --max-slip allows")]
    TooLate(Nanos),
    /// The sequence numbers have run out.
    #[error("the lane has numbered {SEQUENCES} events, which is all it can: use more lanes")]
    SequencesUsedUp,
}

/// A lane at work.
#[derive(Debug)]
pub struct Lane<'a, P, C> {
    setup: Setup,
    book: &'a LaneBook,
    publisher: P,
    clock: C,
    cursor: Cursor,
    next: Option<(Drawn, Due)>,
    sequence: u64,
    batch: Batch,
    flights: Flights,
    gaps: AckGaps,
    blocked: Blocked,
    /// Whether nothing but sending has happened since the last wait for room.
    catching_up: bool,
    reports: Vec<Report>,
    notices: Vec<Notice>,
    refused: Vec<(usize, Code)>,
    end: LaneEnd,
}

impl<'a, P: Publisher, C: Clock> Lane<'a, P, C> {
    /// A lane that has not begun.
    #[must_use]
    pub fn new(setup: Setup, book: &'a LaneBook, publisher: P, clock: C) -> Self {
        let phases = setup.schedule.phases().len();
        let end = LaneEnd {
            waiting: Waiting::new(setup.remember),
            phase_starts: vec![u64::MAX; phases],
            highest_acked: Vec::new(),
            first_due: None,
            last_due: Nanos::ZERO,
            last_sent: Nanos::ZERO,
            unanswered: 0,
            error: None,
            errors: Vec::new(),
            rhythm: setup.schedule.is_recorded().then(Rhythm::default),
        };
        Self {
            setup,
            book,
            publisher,
            clock,
            cursor: Cursor::default(),
            next: None,
            sequence: 0,
            batch: Batch::default(),
            flights: Flights::default(),
            gaps: AckGaps::default(),
            blocked: Blocked::default(),
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
        self.count_unsent(stopped);
        self.flush();
        (self.end, self.publisher)
    }

    /// One turn: answers, due events, a wait. False when there is nothing more to send.
    fn turn(&mut self) -> bool {
        self.serve(Duration::ZERO);
        let now = self.clock.now();
        if self.setup.control.is_aborted() {
            return false;
        }
        let stop = self.setup.control.stopped_at();
        let room = self.setup.queue.saturating_sub(self.flights.len()).min(BATCH);
        let Some(due) = self.peek() else { return false };
        match due {
            Due::At(due, _) if due >= stop => return false,
            Due::Now(_) if now >= stop => return false,
            Due::At(due, _) if due > now => {
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
        self.fill(now, room);
        self.hand_over();
        true
    }

    /// The next event's due time; `None` at the end of data or schedule.
    fn peek(&mut self) -> Option<Due> {
        if self.next.is_none() {
            if self.sequence >= SEQUENCES {
                self.end.error = Some(LaneError::SequencesUsedUp);
                return None;
            }
            let drawn = self.setup.source.draw()?;
            let due = self.setup.schedule.due(&mut self.cursor, drawn.number, drawn.recorded_offset);
            if due == Due::Never {
                return None;
            }
            self.next = Some((drawn, due));
        }
        self.next.map(|(_, due)| due)
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

    fn wait_for_room(&mut self, since: Nanos) {
        self.serve(Duration::from_millis(1));
        let until = self.clock.now();
        self.blocked.add(since, until);
        self.catching_up = true;
        self.setup.recorder.open().blocked += until - since;
    }

    /// Takes, stamps and encodes what is due, up to `room` events.
    fn fill(&mut self, now: Nanos, room: usize) {
        self.batch.clear();
        self.book.reserve(self.sequence + room as u64);
        let open = self.book.open();
        let mut filled = 0;
        while filled < room {
            let Some((drawn, due)) = self.next else { break };
            let (due, phase) = match due {
                Due::At(due, phase) if due <= now && due < self.setup.control.stopped_at() => (due, phase),
                Due::Now(phase) => (now, phase),
                Due::At(..) | Due::Never => break,
            };
            let sequence = self.sequence;
            let unix_ns = self.setup.anchor.unix_ns(due);
            open.draw(sequence, DueTime::from_unix_ns(unix_ns));
            self.sequence += 1;
            self.next = None;
            if let Some(start) = self.end.phase_starts.get_mut(phase) {
                *start = (*start).min(sequence);
            }
            self.end.first_due.get_or_insert(due);
            self.end.last_due = due;
            let late = now - due;
            let dropped = match self.setup.on_lag {
                OnLag::Queue => false,
                OnLag::Drop(most) => late > most,
                OnLag::Abort(most) => {
                    if late > most {
                        self.end.error = Some(LaneError::TooLate(late));
                    }
                    late > most
                }
            };
            if let Some(rhythm) = &mut self.end.rhythm {
                rhythm.note_drawn(due);
            }
            if !dropped {
                let timestamp_ms = body_time(self.setup.body_time, self.setup.anchor, &drawn, unix_ns);
                let encoded =
                    self.setup.encoder.encode(self.batch.arena(), &drawn.event, sequence, unix_ns, timestamp_ms);
                let kind = drawn.event.kind().index();
                let key = self.batch.bytes(&encoded.key);
                let partition = self.setup.java_placed.then(|| self.setup.slots.home(kind, key));
                let topic = self.setup.slots.topic_of(kind);
                let ticket = self.flights.start(Flight {
                    sequence,
                    due,
                    blocked_before: self.blocked.until(due),
                    sent: Nanos::ZERO,
                    bytes: u32::try_from(encoded.body.len() + encoded.key.len()).unwrap_or(u32::MAX),
                    phase: u16::try_from(phase).unwrap_or(u16::MAX),
                    kind: drawn.event.kind(),
                    user: drawn.event.user,
                    check: encoded.check,
                });
                self.batch.push(Entry { body: encoded.body, key: encoded.key, topic, partition, ticket });
                filled += 1;
            }
            if self.end.error.is_some() {
                break;
            }
            // Looked up here so that the batch ends with the data, not with a wasted turn.
            if self.sequence < SEQUENCES
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

    /// Hands the batch over, in order, however long it takes to find room.
    fn hand_over(&mut self) {
        while !self.batch.is_done() {
            if self.setup.control.is_aborted() {
                self.forget_rest();
                return;
            }
            if !self.may_send() {
                continue;
            }
            self.refused.clear();
            let handed = self.publisher.send(&self.batch, &mut self.refused);
            let now = self.clock.now();
            self.note_handed(handed.done, now);
            if self.end.error.is_some() {
                self.forget_rest();
                return;
            }
            if handed.full {
                self.wait_for_room(now);
            }
        }
    }

    /// Waits a moment where the embedded broker's log is full, or the ceiling reached; false then.
    fn may_send(&mut self) -> bool {
        let waits = self.batch.rest().iter().any(|entry| !self.setup.traffic.has_room(entry.partition));
        if waits {
            let since = self.clock.now();
            self.serve(Duration::from_millis(1));
            let until = self.clock.now();
            self.blocked.add(since, until);
            self.catching_up = true;
            self.setup.recorder.open().held_back += until - since;
            return false;
        }
        if let Some(ceiling) = &self.setup.ceiling {
            for _ in self.batch.rest() {
                while ceiling.check().is_err() {
                    if self.setup.control.is_aborted() {
                        return false;
                    }
                    self.clock.sleep_until(self.clock.now() + Nanos(100_000));
                }
            }
        }
        true
    }

    fn note_handed(&mut self, done: usize, now: Nanos) {
        if self.catching_up {
            self.blocked.catch_up(now);
        }
        let open = self.book.open();
        let mut shard = self.setup.recorder.open();
        let mut refused = self.refused.iter().peekable();
        for (index, entry) in self.batch.advance(done).iter().enumerate() {
            if let Some((_, code)) = refused.next_if(|(at, _)| *at == index) {
                let flight = self.flights.end(entry.ticket);
                if let Some(flight) = &flight {
                    open.mark(flight.sequence, Marks(Marks::REFUSED));
                }
                shard.refused += 1;
                if let Some(phase) = flight.and_then(|flight| shard.phases.get_mut(usize::from(flight.phase))) {
                    phase.turned_away += 1;
                    phase.last_sent = now;
                }
                note_error(&mut self.end.errors, *code, "refused by the client itself");
                if matches!(code, Code::UnknownPartition | Code::UnknownTopic | Code::UnknownTopicOrPartition) {
                    self.end.error = Some(LaneError::TopicGone(*code));
                } else if lacks_right(*code) {
                    self.end.error = Some(LaneError::NotAllowed(*code));
                }
                continue;
            }
            let Some(flight) = self.flights.get_mut(entry.ticket) else { continue };
            flight.sent = now;
            if let Some(rhythm) = &mut self.end.rhythm {
                rhythm.note_sent(flight.due, now);
            }
            open.mark(flight.sequence, Marks(Marks::HANDED));
            let bytes = u64::from(flight.bytes);
            self.setup.traffic.handed(entry.partition, bytes);
            shard.sent += 1;
            shard.bytes += bytes;
            shard.kinds[flight.kind.index()].sent += 1;
            if let Some(partition) = entry.partition.and_then(|partition| usize::try_from(partition).ok())
                && let Some(counts) = shard.partitions.get_mut(partition)
            {
                counts.sent += 1;
                self.gaps.sent(partition, now);
            }
            if let Some(phase) = shard.phases.get_mut(usize::from(flight.phase)) {
                phase.sent += 1;
                phase.bytes += bytes;
                phase.last_sent = now;
                let slip = now - flight.due;
                let blocked = self.blocked.until(now) - flight.blocked_before;
                let blocked = blocked.min(slip);
                phase.slip.record(slip);
                phase.blocked.record(blocked);
                phase.lateness.record(slip - blocked);
            }
        }
        if done > 0 {
            self.end.last_sent = now;
        }
    }

    /// Drops the events of a batch that will not be handed over any more: they stay not attempted.
    fn forget_rest(&mut self) {
        for entry in self.batch.rest() {
            self.flights.end(entry.ticket);
        }
        let left = self.batch.rest().len();
        self.batch.advance(left);
    }

    fn serve(&mut self, wait: Duration) {
        self.reports.clear();
        self.notices.clear();
        self.publisher.serve(wait, &mut self.reports, &mut self.notices);
        if !self.reports.is_empty() {
            self.note_reports();
        }
        for notice in self.notices.drain(..) {
            match notice {
                Notice::Error { code, text, fatal } => {
                    tracing::debug!(?code, fatal, "{text}");
                    note_error(&mut self.end.errors, code, &text);
                    if fatal {
                        self.end.error = Some(LaneError::Fatal(code, text));
                    }
                }
                Notice::Log { level, facility, text } => {
                    tracing::debug!(target: "librdkafka", level, facility, "{text}");
                }
                Notice::Statistics(json) => self.setup.recorder.keep_statistics(json),
            }
        }
    }

    fn note_reports(&mut self) {
        let now = self.clock.now();
        let open = self.book.open();
        let mut shard = self.setup.recorder.open();
        for report in &self.reports {
            let Some(flight) = self.flights.end(report.ticket) else { continue };
            let service = now - flight.sent;
            let response = if self.setup.schedule.has_due_times() { now - flight.due } else { service };
            let phase = usize::from(flight.phase);
            match report.answer {
                Answer::Acked => {
                    shard.acked += 1;
                    shard.record_answer(phase, flight.kind, service, response);
                    self.setup.traffic.acked(report.partition, 1);
                    if let Ok(index) = usize::try_from(report.partition) {
                        let gap = self.gaps.answered(index, now);
                        if let Some(partition) = shard.partitions.get_mut(index) {
                            partition.acked += 1;
                            partition.longest_ack_gap = partition.longest_ack_gap.max(gap);
                        }
                        let highest = &mut self.end.highest_acked;
                        if highest.len() <= index {
                            highest.resize(index + 1, None);
                        }
                        highest[index] = highest[index].max(report.offset);
                    }
                    if !open.mark(flight.sequence, Marks(Marks::ACKED)).has(Marks::SEEN) {
                        let event = Outstanding {
                            sequence: flight.sequence,
                            due: flight.due,
                            phase: flight.phase,
                            kind: flight.kind,
                            user: flight.user,
                            check: flight.check,
                            partition: report.partition,
                            offset: report.offset,
                        };
                        self.end.waiting.push(event, &open);
                    }
                }
                Answer::Refused(code) => {
                    shard.refused += 1;
                    open.mark(flight.sequence, Marks(Marks::REFUSED));
                    self.setup
                        .traffic
                        .not_written(self.setup.java_placed.then_some(report.partition), u64::from(flight.bytes));
                    note_error(&mut self.end.errors, code, "refused by the broker");
                    if lacks_right(code) {
                        self.end.error.get_or_insert(LaneError::NotAllowed(code));
                    }
                }
                Answer::Unanswered(code) => {
                    shard.unanswered += 1;
                    shard.record_no_answer(phase, flight.kind, service, response);
                    // Whether it was written is not known; for flow control it counts as gone.
                    self.setup
                        .traffic
                        .not_written(self.setup.java_placed.then_some(report.partition), u64::from(flight.bytes));
                    note_error(&mut self.end.errors, code, "no answer that proves anything");
                }
            }
        }
    }

    /// Events that came due before the stop and were not drawn yet are scheduled too: they count as not attempted.
    fn count_unsent(&mut self, stopped: Nanos) {
        if stopped == Nanos::MAX {
            return;
        }
        while self.end.error != Some(LaneError::SequencesUsedUp) && self.sequence < SEQUENCES {
            let Some(Due::At(due, phase)) = self.peek() else { return };
            if due >= stopped {
                return;
            }
            self.book.reserve(self.sequence + 1);
            self.book.open().draw(self.sequence, DueTime::from_unix_ns(self.setup.anchor.unix_ns(due)));
            if let Some(start) = self.end.phase_starts.get_mut(phase) {
                *start = (*start).min(self.sequence);
            }
            self.end.last_due = due;
            self.sequence += 1;
            self.next = None;
        }
    }

    /// Waits for the answers to what was sent, until the deadline.
    fn flush(&mut self) {
        let deadline = self.clock.now() + Nanos::from(self.setup.flush_deadline);
        while !self.flights.is_empty() && self.clock.now() < deadline && !self.setup.control.is_aborted() {
            self.serve(Duration::from_millis(10));
        }
        let now = self.clock.now();
        let mut shard = self.setup.recorder.open();
        for flight in self.flights.drain() {
            self.end.unanswered += 1;
            shard.unanswered += 1;
            let service = now - flight.sent;
            let response = if self.setup.schedule.has_due_times() { now - flight.due } else { service };
            shard.record_no_answer(usize::from(flight.phase), flight.kind, service, response);
        }
        self.end.waiting.prune(&self.book.open());
    }
}

#[expect(clippy::cast_possible_wrap, reason = "a wall time in ms is far below 2^63")]
fn body_time(body_time: BodyTime, anchor: Anchor, drawn: &Drawn, due_unix_ns: u64) -> i64 {
    match (body_time, drawn.event.recorded_ms) {
        (BodyTime::Recorded, Some(recorded)) => recorded,
        (BodyTime::Shifted, Some(_)) => (anchor.unix_ns(drawn.recorded_offset) / 1_000_000) as i64,
        _ => (due_unix_ns / 1_000_000) as i64,
    }
}

fn note_error(errors: &mut Vec<(Code, u64, String)>, code: Code, text: &str) {
    match errors.iter_mut().find(|(known, ..)| *known == code) {
        Some((_, count, last)) => {
            *count += 1;
            text.clone_into(last);
        }
        None => errors.push((code, 1, text.to_owned())),
    }
}
