//! The faulty layer between lanes and broker.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::fault::Fault;
use super::forge::Forged;
use super::plan::DELETED_IN;
use super::{Bench, DELAY};
use crate::clock::{Clock, Monotonic, Nanos, wall_unix_ns};
use crate::kafka::headers::Headers;
use crate::kafka::native::{Message, Producer};
use crate::kafka::{Answer, Code, Notice, Report};
use crate::publish::{Batch, Handed, Publisher};

/// Tickets of records that no lane knows of; far above those of lanes, which count from 0.
const NOT_THE_LANES: usize = usize::MAX;
/// An offset that no self-test's log reaches.
const PAST_THE_END: i64 = 1 << 40;
/// How much later the second copy of a rewritten event says it was made.
const REWRITTEN_AFTER_MS: i64 = 5_000;

/// A record on its way.
#[derive(Debug)]
struct Outgoing {
    ticket: usize,
    partition: i32,
    whole: Forged,
    create_ms: i64,
}

/// Hands events to a producer, but for what the plan has in store for them.
#[derive(Debug)]
pub(super) struct FaultyPublisher {
    bench: Arc<Bench>,
    producer: Producer,
    clock: Monotonic,
    outgoing: VecDeque<Outgoing>,
    /// Sent at these times.
    delayed: Vec<(Nanos, Outgoing)>,
    /// Sent after all others.
    last: Vec<Outgoing>,
    /// When these are sent.
    last_at: Option<Nanos>,
    /// Sent after the next one of their partitions.
    swapped: HashMap<i32, Vec<Outgoing>>,
    /// Acked with the offset of the next record of their partitions.
    dropped: HashMap<i32, Vec<usize>>,
    /// The same, by the ticket of that record.
    displaced: HashMap<usize, Vec<usize>>,
    /// What is answered instead.
    answers: HashMap<usize, Answer>,
    reports: Vec<Report>,
}

impl FaultyPublisher {
    pub(super) fn new(bench: Arc<Bench>, producer: Producer) -> Self {
        Self {
            bench,
            producer,
            clock: Monotonic::start(),
            outgoing: VecDeque::new(),
            delayed: Vec::new(),
            last: Vec::new(),
            last_at: None,
            swapped: HashMap::new(),
            dropped: HashMap::new(),
            displaced: HashMap::new(),
            answers: HashMap::new(),
            reports: Vec::new(),
        }
    }

    fn treat(&mut self, mut event: Outgoing) {
        let stamp = self.bench.forge.place.stamp_of(&event.whole.value, Headers::packed(&event.whole.headers));
        let fault = stamp.and_then(|stamp| self.bench.fault((stamp.lane, stamp.sequence)));
        let Some(fault) = fault else {
            let partition = event.partition;
            if let Some(dropped) = self.dropped.remove(&partition) {
                self.displaced.insert(event.ticket, dropped);
            }
            self.outgoing.push_back(event);
            self.outgoing.extend(self.swapped.remove(&partition).unwrap_or_default());
            return;
        };
        let Outgoing { ticket, partition, .. } = event;
        let acked = |offset| Report { ticket, partition, offset, answer: Answer::Acked };
        let unanswered = Answer::Unanswered(Code::MessageTimedOut);
        let refused = Answer::Refused(Code::MessageSizeTooLarge);
        let forged = self.bench.forge.forge(fault, &event.whole);
        let create_ms = event.create_ms;
        let beside = |whole: Forged| Outgoing { ticket: NOT_THE_LANES, whole, partition, create_ms };
        match fault {
            Fault::DroppedAfterAck => self.dropped.entry(partition).or_default().push(ticket),
            Fault::DroppedPastEnd => {
                // Not where the log's end is withheld: there nobody can tell.
                let partition = if partition == self.bench.plan.withheld_in() { DELETED_IN } else { partition };
                self.reports.push(Report { partition, ..acked(Some(PAST_THE_END)) });
            }
            Fault::DroppedWithoutOffset => self.reports.push(acked(None)),
            Fault::DroppedBefore => self.reports.push(Report { answer: unanswered, ..acked(None) }),
            Fault::Refused => self.reports.push(Report { answer: refused, ..acked(None) }),
            Fault::AnotherRun | Fault::AnotherTime => {
                self.outgoing.extend(forged.map(beside));
                self.reports.push(Report { answer: unanswered, ..acked(None) });
            }
            Fault::AnswerLost | Fault::RefusedButWritten => {
                let answer = if fault == Fault::AnswerLost { unanswered } else { refused };
                self.answers.insert(ticket, answer);
                self.outgoing.push_back(event);
            }
            Fault::Resent | Fault::Rewritten => {
                let mut copy = beside(event.whole.clone());
                copy.create_ms += if fault == Fault::Rewritten { REWRITTEN_AFTER_MS } else { 0 };
                self.outgoing.extend([event, copy]);
            }
            Fault::Swapped => self.swapped.entry(partition).or_default().push(event),
            Fault::WrongPartition => {
                event.partition = (partition + 1) % self.bench.plan.partitions;
                self.outgoing.push_back(event);
            }
            Fault::Sibling => {
                let sibling = forged.map(beside);
                self.outgoing.push_back(event);
                self.outgoing.extend(sibling);
            }
            Fault::Delayed => self.delayed.push((self.clock.now() + Nanos::from(DELAY), event)),
            Fault::ValueBit
            | Fault::KeyBit
            | Fault::Truncated
            | Fault::NotUtf8
            | Fault::NotJson
            | Fault::MissingField
            | Fault::WrongType
            | Fault::EndMissing
            | Fault::TrailingByte
            | Fault::NoMagic
            | Fault::UnknownSchemaId
            | Fault::WrongSubject
            | Fault::NotReadable
            | Fault::BadUnion
            | Fault::BadEnum
            | Fault::WrongConstant
            | Fault::BadTag
            | Fault::ReEncoded
            | Fault::SchemaLate
            | Fault::IdMissing
            | Fault::IdDoubled
            | Fault::IdCut => {
                let Some(whole) = forged else { return self.outgoing.push_back(event) };
                self.outgoing.push_back(Outgoing { whole, ..event });
            }
            Fault::SchemaSilent => {
                let Some(whole) = forged else { return self.outgoing.push_back(event) };
                self.last.push(Outgoing { whole, ..event });
            }
            // Those of the reading side, and of the second run.
            Fault::ReadTwice
            | Fault::Skipped
            | Fault::ClockBack
            | Fault::Deleted
            | Fault::Withheld
            | Fault::NotReplicated
            | Fault::CutOff
            | Fault::Aborted
            | Fault::AbortedSeen => {
                return self.outgoing.push_back(event);
            }
        }
        self.bench.injected(fault);
    }

    /// Sends as much as the client takes.
    fn send_outgoing(&mut self) {
        let now = self.clock.now();
        let (due, waiting) = std::mem::take(&mut self.delayed).into_iter().partition(|(at, _)| *at <= now);
        self.delayed = waiting;
        let due: Vec<(Nanos, Outgoing)> = due;
        self.bench.delayed.fetch_add(due.len() as u64, Ordering::AcqRel);
        self.outgoing.extend(due.into_iter().map(|(_, event)| event));
        if !self.last.is_empty() && self.bench.delayed.load(Ordering::Acquire) == self.bench.plan.count(Fault::Delayed)
        {
            // The other lane may have handed its own over just now.
            if *self.last_at.get_or_insert(now + Nanos::from(DELAY)) <= now {
                self.outgoing.extend(self.last.drain(..));
            }
        }
        while let Some(event) = self.outgoing.pop_front() {
            let Outgoing { ticket, partition, whole: Forged { key, value, headers }, create_ms } = &event;
            let message = Message {
                topic: 0,
                partition: Some(*partition),
                key: Some(key),
                body: Some(value),
                headers: Headers::packed(headers),
                create_ms: Some(*create_ms),
                ticket: *ticket,
            };
            match self.producer.produce_one(&message) {
                Ok(()) => {}
                Err(Code::QueueFull) => return self.outgoing.push_front(event),
                Err(code) => self.reports.push(Report {
                    ticket: *ticket,
                    partition: *partition,
                    offset: None,
                    answer: Answer::Refused(code),
                }),
            }
        }
    }

    /// Gives the lane a report of the client, or what the plan makes of it.
    fn pass_on(&mut self, report: Report) {
        if report.ticket == NOT_THE_LANES {
            return;
        }
        let displaced = self.displaced.remove(&report.ticket).unwrap_or_default();
        self.reports.extend(displaced.into_iter().map(|ticket| Report { ticket, ..report }));
        let answer = self.answers.remove(&report.ticket).unwrap_or(report.answer);
        self.reports.push(Report { answer, ..report });
    }
}

impl Publisher for FaultyPublisher {
    fn send(&mut self, batch: &Batch, _refused: &mut Vec<(usize, Code)>) -> Handed {
        // In the order in which they were encoded: a batch is grouped by partition, and some change theirs here.
        let mut entries: Vec<_> = batch.rest().collect();
        entries.sort_by_key(|entry| entry.body.as_ref().map(|body| body.start));
        let create_ms = i64::try_from(wall_unix_ns() / 1_000_000).unwrap_or(i64::MAX);
        for entry in entries {
            self.treat(Outgoing {
                ticket: entry.ticket,
                partition: entry.partition.unwrap_or(0),
                whole: Forged {
                    key: batch.key(entry).unwrap_or_default().to_vec(),
                    value: batch.body(entry).unwrap_or_default().to_vec(),
                    headers: batch.headers(entry).to_packed(),
                },
                create_ms,
            });
        }
        self.send_outgoing();
        Handed { done: batch.rest().len(), full: false, halted: false }
    }

    fn serve(&mut self, wait: Duration, reports: &mut Vec<Report>, notices: &mut Vec<Notice>) {
        self.send_outgoing();
        let mut served = Vec::new();
        Publisher::serve(&mut self.producer, wait, &mut served, notices);
        for report in served {
            self.pass_on(report);
        }
        reports.append(&mut self.reports);
    }

    fn purge(&mut self) {
        Publisher::purge(&mut self.producer);
    }
}
