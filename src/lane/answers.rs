//! What the client says: delivery reports, errors, and the wait for the last of them.

use std::time::Duration;

use super::Lane;
use super::flight::{AckGaps, Flight, Silent};
use super::setup::{LaneEnd, LaneError};
use super::transaction::ReportedEvent;
use crate::clock::{Clock, Nanos};
use crate::kafka::errors::About;
use crate::kafka::{Answer, Code, Notice, lacks_right};
use crate::ledger::answers::Placed;
use crate::ledger::{Marks, OpenBook, Outstanding};
use crate::measure::{AnswerBatch, Presence, Shard, Side, Stall};
use crate::publish::Publisher;
use crate::source::web::Fate;

impl<P: Publisher, C: Clock> Lane<'_, P, C> {
    pub(super) fn serve(&mut self, wait: Duration) {
        self.reports.clear();
        self.notices.clear();
        self.publisher.serve(wait, &mut self.reports, &mut self.notices);
        let now = self.clock.now();
        self.presence.note(now);
        if !self.reports.is_empty() {
            self.note_reports(now);
        }
        for notice in self.notices.drain(..) {
            match notice {
                Notice::Error { code, text, fatal } => {
                    tracing::debug!(?code, fatal, "{text}");
                    // A client without a connection says this also where brokers have closed those on which nothing went.
                    let idle = code == Code::AllBrokersDown && self.flights.is_empty();
                    let about = if idle { About::Idle } else { About::Client };
                    if idle {
                        self.gaps.closed();
                    }
                    self.end.errors.note(code, about, self.clock.now(), None, &text);
                    self.setup.recorder.open().client_errors += u64::from(!idle);
                    if fatal {
                        self.end.error = Some(LaneError::Fatal(code, text));
                    }
                }
                Notice::Log { level, facility, text } => {
                    if let Some(transactions) = &mut self.transactions {
                        transactions.note_log(&text);
                    }
                    tracing::debug!(target: "librdkafka", level, facility, "{text}");
                }
                Notice::Statistics(json) => self.setup.recorder.keep_statistics(json),
            }
        }
    }

    fn note_reports(&mut self, now: Nanos) {
        let silence = Silence { presence: &self.presence, threshold: self.setup.patience.stall_threshold.into(), now };
        let open = self.book.open();
        let mut shard = self.setup.recorder.open();
        let (mut settled, mut batch) = (0, AnswerBatch::default());
        for report in &self.reports {
            let Some(flight) = self.flights.end(report.ticket) else { continue };
            let service = now - flight.sent;
            let response = if self.setup.schedule.has_due_times() { now - flight.due } else { service };
            let phase = usize::from(flight.phase);
            match report.answer {
                Answer::Acked => {
                    shard.record_answer(&mut batch, phase, flight.kind, service, response);
                    if let Ok(index) = usize::try_from(report.partition)
                        && let Some(silent) = self.gaps.answered(index, now)
                    {
                        silence.answered(index, silent, &mut shard);
                    }
                    if let Some(transactions) = &mut self.transactions {
                        // Acked is what is committed: that shows at the transaction's end.
                        if transactions.plan.reads_uncommitted {
                            self.setup.traffic.acked(report.partition, 1);
                        }
                        transactions.held.push(ReportedEvent::of(flight, report, true));
                    } else {
                        self.setup.traffic.acked(report.partition, 1);
                        confirm(&mut self.end, &open, &mut shard, &flight, report.partition, report.offset);
                    }
                }
                Answer::Refused(code) => {
                    // A broker that refuses is not silent.
                    if let Ok(index) = usize::try_from(report.partition)
                        && let Some(silent) = self.gaps.answered(index, now)
                    {
                        silence.answered(index, silent, &mut shard);
                    }
                    shard.refused += 1;
                    open.mark(flight.sequence, Marks(Marks::REFUSED));
                    self.setup
                        .traffic
                        .not_written(self.setup.java_placed.then_some(report.partition), u64::from(flight.bytes));
                    self.end.errors.note(code, About::RefusedByBroker, now, Some(report.partition), "");
                    self.end.reasons.note(flight.sequence, code, About::RefusedByBroker);
                    if let Some(transactions) = &mut self.transactions {
                        transactions.fail(code);
                    }
                    if lacks_right(code) {
                        self.end.error.get_or_insert(LaneError::NotAllowed(code));
                    }
                }
                Answer::Unanswered(code) => {
                    silence.give_up(&mut self.gaps, report.partition, &mut shard);
                    shard.record_no_answer(phase, flight.kind, service, response);
                    if let Some(transactions) = &mut self.transactions {
                        transactions.fail(code);
                        transactions.held.push(ReportedEvent::of(flight, report, false));
                    } else {
                        shard.unanswered += 1;
                        open.mark(flight.sequence, Marks(Marks::OVER));
                    }
                    // Whether it was written is not known; for flow control it counts as gone.
                    self.setup
                        .traffic
                        .not_written(self.setup.java_placed.then_some(report.partition), u64::from(flight.bytes));
                    self.end.errors.note(code, About::NoAnswer, now, Some(report.partition), "");
                    self.end.reasons.note(flight.sequence, code, About::NoAnswer);
                }
            }
            if let Some(unstamped) = &mut self.setup.unstamped {
                match report.answer {
                    Answer::Acked => unstamped.acked(flight.sequence, report.partition, report.offset),
                    Answer::Refused(_) => unstamped.refused(flight.sequence),
                    Answer::Unanswered(_) => unstamped.unanswered(flight.sequence),
                }
            }
            // In a transaction only what was refused has its last answer: of the others its end decides.
            let is_last = self.transactions.is_none() || matches!(report.answer, Answer::Refused(_));
            settled += u64::from(is_last);
            if is_last {
                self.setup.source.settle(flight.sequence, fate(report.answer));
            }
            if let Some(answers) = self.setup.answers.as_mut().filter(|_| is_last) {
                let acked = report.answer == Answer::Acked;
                let key = flight.key;
                let placed = |offset| Placed { partition: report.partition, offset, key };
                let place = report.offset.filter(|_| acked).map(placed);
                answers.settle(flight.sequence, place, &open);
            }
        }
        shard.count(&batch);
        self.setup.traffic.settle(settled);
    }

    /// Patience for the answers to what was sent, until the deadline.
    pub(super) fn flush(&mut self) {
        let began = self.clock.now();
        let patience = self.setup.longest_wait();
        while !self.flights.is_empty() && self.present_since(began) < patience && !self.setup.control.is_aborted() {
            self.serve(Duration::from_millis(10));
        }
        let now = self.clock.now();
        let mut shard = self.setup.recorder.open();
        let silence = Silence { presence: &self.presence, threshold: self.setup.patience.stall_threshold.into(), now };
        for (index, since) in self.gaps.silent() {
            silence.note(Side::Ack, index, since, false, &mut shard);
        }
        for flight in self.flights.drain() {
            self.end.unanswered += 1;
            shard.unanswered += 1;
            let service = now - flight.sent;
            let response = if self.setup.schedule.has_due_times() { now - flight.due } else { service };
            shard.record_no_answer(usize::from(flight.phase), flight.kind, service, response);
        }
    }

    /// Nothing more happens to the lane's events.
    pub(super) fn close_books(&mut self) {
        let open = self.book.open();
        self.end.waiting.prune(&open);
        if let Some(answers) = &mut self.setup.answers {
            answers.end(self.book.drawn(), &self.end.phase_starts, &open);
        }
    }
}

/// What became of an event, for those who wait for it outside.
const fn fate(answer: Answer) -> Fate {
    match answer {
        Answer::Acked => Fate::Acked,
        Answer::Refused(_) => Fate::Refused,
        Answer::Unanswered(_) => Fate::Unanswered,
    }
}

/// What a lane says of a partition's silence that ends now: only of the time in which its own thread was there to hear.
struct Silence<'a> {
    presence: &'a Presence,
    /// From how long on it is a stall.
    threshold: Nanos,
    now: Nanos,
}

impl Silence<'_> {
    /// It ends by an answer.
    fn answered(&self, partition: usize, silent: Silent, shard: &mut Shard) {
        let side = if silent.connected { Side::Connect } else { Side::Ack };
        self.note(side, partition, silent.since, true, shard);
    }

    fn note(&self, side: Side, partition: usize, since: Nanos, ended: bool, shard: &mut Shard) {
        let longest = shard.partitions.get(partition).map_or(Nanos::ZERO, |counts| counts.longest_ack_gap);
        let whole = self.now.saturating_since(since);
        if whole <= longest && whole < self.threshold {
            // Nor is any stretch of it of note: this is asked for each event.
            return;
        }
        for (from, until) in self.presence.within(since, self.now) {
            let gap = until - from;
            if let Some(partition) = shard.partitions.get_mut(partition).filter(|_| side == Side::Ack) {
                partition.longest_ack_gap = partition.longest_ack_gap.max(gap);
            }
            if gap >= self.threshold {
                shard.record_stall(Stall { side, partition, from, until, ended });
            }
        }
    }

    /// An event was given up: what waited for it in its partition waits no more.
    fn give_up(&self, gaps: &mut AckGaps, partition: i32, shard: &mut Shard) {
        let Ok(index) = usize::try_from(partition) else { return };
        if let Some(since) = gaps.gave_up(index) {
            self.note(Side::Ack, index, since, false, shard);
        }
    }
}

/// Notes that the broker has confirmed an event for good.
pub(super) fn confirm(
    end: &mut LaneEnd,
    open: &OpenBook<'_>,
    shard: &mut Shard,
    flight: &Flight,
    partition: i32,
    offset: Option<i64>,
) {
    shard.acked += 1;
    if let Ok(index) = usize::try_from(partition) {
        if let Some(counts) = shard.partitions.get_mut(index) {
            counts.acked += 1;
        }
        let highest = &mut end.highest_acked;
        if highest.len() <= index {
            highest.resize(index + 1, None);
        }
        highest[index] = highest[index].max(offset);
    }
    let Flight { sequence, due, phase, kind, key, check, .. } = *flight;
    if !open.mark(sequence, Marks(Marks::ACKED)).has(Marks::SEEN) {
        end.waiting.push(Outstanding { sequence, due, phase, kind, key, check, partition, offset }, open);
    }
}
