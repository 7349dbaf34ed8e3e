//! The self-test's third run: records without stamps, known by their places and by what they hold. Every two neighbours hold the same, so
//! that nothing but its place tells one from the other.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::table::{Row, total};
use crate::capture::Captured;
use crate::clock::Monotonic;
use crate::event::catalogue::{Catalogue, CatalogueError};
use crate::kafka::headers::Headers;
use crate::kafka::native::{Message, Producer};
use crate::kafka::{Answer, Code, Notice, Report, Timestamp};
use crate::ledger::Class;
use crate::ledger::rules::Rules;
use crate::publish::{Batch, Entry, Handed, Publisher};
use crate::run::Outcome;
use crate::run::wiring::Wiring;
use crate::source::Source;
use crate::source::mirrored::{self, Mirror};
use crate::source::recorded::Stamping;

/// Events of the run.
const EVENTS: u64 = 300;
/// One event in so many suffers something, and two of one partition that follow each other never do.
const STEP: u64 = 10;
/// Tickets of records that no lane knows of.
const NOT_THE_LANES: usize = usize::MAX;

/// What befalls an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    /// Acked at the offset of the next one, never written.
    Dropped,
    /// Never written, never answered.
    Unanswered,
    /// Written, never answered.
    AnswerLost,
    /// Another value under its key.
    Damaged,
    /// Written twice.
    Twice,
    /// Sent after the next one, which holds the same.
    Swapped,
    /// Beside it there is another writer's.
    Beside,
}

impl Fault {
    const ALL: [Self; 7] =
        [Self::Dropped, Self::Unanswered, Self::AnswerLost, Self::Damaged, Self::Twice, Self::Swapped, Self::Beside];

    /// What befalls event `n`.
    fn of(n: u64) -> Option<Self> {
        let all = Self::ALL.len() as u64;
        let fault = Self::ALL[usize::try_from((n / STEP) % all).unwrap_or(0)];
        // The first of two that hold the same; but no two equal ones can be told apart that are said to lie at one offset.
        let victim = u64::from(fault == Self::Dropped);
        // Not the last ones: what is dropped needs one that follows.
        (n % STEP == victim && n < EVENTS - 2 * STEP).then_some(fault)
    }

    const fn class(self) -> Class {
        match self {
            Self::Dropped => Class::Lost,
            Self::Unanswered => Class::UnknownUnseen,
            Self::AnswerLost => Class::UnknownSeen,
            Self::Damaged => Class::Corrupt,
            Self::Twice | Self::Swapped | Self::Beside => Class::Verified,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Dropped => "no stamp: dropped after the ack",
            Self::Unanswered => "no stamp: never written, no answer",
            Self::AnswerLost => "no stamp: the answer dropped",
            Self::Damaged => "no stamp: another value",
            Self::Twice => "no stamp: written twice",
            Self::Swapped => "no stamp: swapped with its equal",
            Self::Beside => "no stamp: another's beside it",
        }
    }
}

/// The records of the run, of `topic` with so many partitions.
pub(super) fn source(topic: &str, partitions: i32) -> Source {
    let topics = [(topic.to_owned(), partitions)].into();
    let config = mirrored::Config { topics, stamp: Stamping::None, ..mirrored::Config::default() };
    let mirror = Mirror::new(config, mirrored::ROOM);
    for (n, offset) in (0..EVENTS).zip(0..) {
        let (key, value) = (format!("key {}", n / 2), format!("value {}", n / 2));
        let partition = i32::try_from(n / 2).unwrap_or(0) % partitions;
        mirror.put(&Captured {
            topic,
            partition,
            offset,
            leader_epoch: None,
            timestamp: Timestamp::Create(offset),
            key: Some(key.as_bytes()),
            value: Some(value.as_bytes()),
            headers: Headers::default(),
        });
    }
    mirror.end();
    Source::Mirrored(Arc::new(mirror))
}

/// The types of its events.
pub(super) fn catalogue(topic: &str) -> Result<Arc<Catalogue>, CatalogueError> {
    Catalogue::opaque([topic.to_owned()], false).map(Arc::new)
}

/// The layer before the broker.
pub(super) struct UnstampedWiring {
    rules: Rules,
    injected: Arc<Mutex<BTreeMap<Fault, u64>>>,
}

impl UnstampedWiring {
    pub(super) fn new(rules: Rules) -> Self {
        Self { rules, injected: Arc::default() }
    }

    /// What was done against what was found.
    pub(super) fn rows(&self, outcome: &Outcome) -> Vec<Row> {
        let injected = self.injected.lock().unwrap_or_else(PoisonError::into_inner);
        let classes: HashMap<u64, Class> =
            outcome.unverified.iter().map(|event| (event.sequence, event.class)).collect();
        let class_of = |n: u64| classes.get(&n).copied().unwrap_or(Class::Verified);
        let (ledger, findings) = (&outcome.report.ledger, &outcome.report.findings);
        let of_fault = |fault: Fault| {
            let planned = (0..EVENTS).filter(|n| Fault::of(*n) == Some(fault));
            let expected = planned.clone().count() as u64;
            let done = injected.get(&fault).copied().unwrap_or(0);
            let (found_as, found) = match fault {
                Fault::Twice => ("duplicates", findings.duplicates),
                Fault::Swapped => ("reordered", findings.reordered),
                Fault::Beside => ("foreign", findings.foreign),
                _ => (fault.class().as_str(), planned.filter(|n| class_of(*n) == fault.class()).count() as u64),
            };
            let note = (done != expected || done == 0)
                .then(|| format!("it was injected {done} times of {expected}: the self-test itself failed"));
            let row = total(fault.as_str(), expected, found);
            Row { found_as: found_as.to_owned(), ok: row.ok && note.is_none(), note, ..row }
        };
        let broken = (0..EVENTS).filter(|n| Fault::of(*n).is_some_and(|fault| fault.class() != Class::Verified));
        let verified = EVENTS - broken.count() as u64;
        let wholes = [
            ("verified (no stamp)", verified, ledger.verified),
            ("scheduled (no stamp)", EVENTS, ledger.scheduled),
            ("invalid (no stamp)", 0, findings.invalid),
        ];
        let wholes = wholes.map(|(name, expected, found)| total(name, expected, found));
        Fault::ALL.into_iter().map(of_fault).chain(wholes).collect()
    }
}

impl Wiring for UnstampedWiring {
    type Publisher = Tamperer;
    type Clock = Monotonic;

    fn publisher(&self, _lane: u16, producer: Producer) -> Tamperer {
        Tamperer {
            injected: Arc::clone(&self.injected),
            producer,
            next: 0,
            swapped: None,
            dropped: HashMap::new(),
            displaced: HashMap::new(),
            silent: HashSet::new(),
            reports: Vec::new(),
        }
    }

    fn clock(&self, clock: Monotonic) -> Monotonic {
        clock
    }

    fn expects_faults(&self) -> bool {
        true
    }

    fn rules(&self) -> Rules {
        self.rules
    }
}

/// Hands events to a producer, but for what befalls them.
#[derive(Debug)]
pub(super) struct Tamperer {
    injected: Arc<Mutex<BTreeMap<Fault, u64>>>,
    producer: Producer,
    /// The event that comes next.
    next: u64,
    /// Sent after the next one.
    swapped: Option<Outgoing>,
    /// Acked at the offset of the next one of their partitions.
    dropped: HashMap<i32, usize>,
    /// The same, by the ticket of that one.
    displaced: HashMap<usize, usize>,
    /// Tickets of which no answer is passed on.
    silent: HashSet<usize>,
    reports: Vec<Report>,
}

#[derive(Debug)]
struct Outgoing {
    partition: i32,
    key: Vec<u8>,
    value: Vec<u8>,
    ticket: usize,
}

impl Tamperer {
    fn treat(&mut self, batch: &Batch, entry: &Entry) -> Result<(), Code> {
        let fault = Fault::of(self.next);
        self.next += 1;
        let partition = entry.partition.unwrap_or(0);
        let (key, value) = (batch.key(entry).unwrap_or_default(), batch.body(entry).unwrap_or_default());
        let event = Outgoing { partition, key: key.to_vec(), value: value.to_vec(), ticket: entry.ticket };
        if let Some(fault) = fault {
            *self.injected.lock().unwrap_or_else(PoisonError::into_inner).entry(fault).or_default() += 1;
        }
        let unanswered = |ticket| {
            let answer = Answer::Unanswered(Code::MessageTimedOut);
            Report { ticket, partition, offset: None, answer }
        };
        match fault {
            None => {
                if let Some(dropped) = self.dropped.remove(&partition) {
                    self.displaced.insert(event.ticket, dropped);
                }
                self.send(&event)?;
                if let Some(swapped) = self.swapped.take() {
                    self.send(&swapped)?;
                }
                Ok(())
            }
            Some(Fault::Dropped) => {
                self.dropped.insert(partition, event.ticket);
                Ok(())
            }
            Some(Fault::Unanswered) => {
                self.reports.push(unanswered(event.ticket));
                Ok(())
            }
            Some(Fault::AnswerLost) => {
                self.silent.insert(event.ticket);
                self.send(&event)
            }
            Some(Fault::Damaged) => self.send(&Outgoing { value: b"another value".to_vec(), ..event }),
            Some(Fault::Twice) => {
                self.send(&event)?;
                self.send(&Outgoing { ticket: NOT_THE_LANES, ..event })
            }
            Some(Fault::Swapped) => {
                self.swapped = Some(event);
                Ok(())
            }
            Some(Fault::Beside) => {
                self.send(&event)?;
                self.send(&Outgoing { value: b"another writer's".to_vec(), ticket: NOT_THE_LANES, ..event })
            }
        }
    }

    fn send(&mut self, event: &Outgoing) -> Result<(), Code> {
        self.producer.produce_one(&Message {
            topic: 0,
            partition: Some(event.partition),
            key: Some(&event.key),
            body: Some(&event.value),
            headers: Headers::default(),
            create_ms: None,
            ticket: event.ticket,
        })
    }
}

impl Publisher for Tamperer {
    fn send(&mut self, batch: &Batch, refused: &mut Vec<(usize, Code)>) -> Handed {
        // In the order in which they were encoded: a batch is grouped by partition.
        let mut entries: Vec<(usize, &Entry)> = batch.rest().enumerate().collect();
        entries.sort_by_key(|(_, entry)| entry.headers.start);
        for (index, entry) in entries {
            if let Err(code) = self.treat(batch, entry) {
                refused.push((index, code));
            }
        }
        refused.sort_by_key(|(index, _)| *index);
        Handed { done: batch.rest().len(), full: false, halted: false }
    }

    fn serve(&mut self, wait: Duration, reports: &mut Vec<Report>, notices: &mut Vec<Notice>) {
        let mut served = Vec::new();
        Publisher::serve(&mut self.producer, wait, &mut served, notices);
        for report in served.into_iter().filter(|report| report.ticket != NOT_THE_LANES) {
            if let Some(ticket) = self.displaced.remove(&report.ticket) {
                self.reports.push(Report { ticket, ..report });
            }
            // Another event has that ticket next.
            let is_silent = self.silent.remove(&report.ticket);
            let answer = if is_silent { Answer::Unanswered(Code::MessageTimedOut) } else { report.answer };
            let offset = report.offset.filter(|_| !is_silent);
            self.reports.push(Report { offset, answer, ..report });
        }
        reports.append(&mut self.reports);
    }

    fn purge(&mut self) {
        Publisher::purge(&mut self.producer);
    }
}
