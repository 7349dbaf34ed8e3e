//! The self-test's second run: transactions, some aborted, and some events written although theirs was.
//!
//! The layer before the broker keeps back what belongs to a transaction that is to be aborted, but for the events that suffer
//! [`Fault::AbortedSeen`], and commits in any case. So the log holds just what it must on any broker, also on the embedded
//! one, which cannot hide what was aborted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::fault::Fault;
use super::forge::IdPlace;
use crate::clock::{Monotonic, Nanos, wall_unix_ns};
use crate::kafka::native::{Message, Producer};
use crate::kafka::{Answer, Code, Notice, Report, TransactionError};
use crate::lane::TransactionPlan;
use crate::ledger::rules::Rules;
use crate::publish::{Batch, Handed, Publisher};
use crate::run::wiring::Wiring;

/// Events of the run.
pub(super) const EVENTS: u64 = 1_500;
/// Events of a transaction: few, so that many are aborted.
pub(super) const SIZE: usize = 20;
/// The share that is aborted.
pub(super) const ABORT_SHARE: f64 = 0.4;
/// Of the events in aborted transactions every so many-th is written.
const WRITTEN: u64 = 9;

/// Which events must end as what.
#[derive(Clone, Copy, Debug)]
pub(super) struct TransactionBench {
    plan: TransactionPlan,
    id_place: IdPlace,
}

impl TransactionBench {
    pub(super) const fn new(seed: u64, id_place: IdPlace) -> Self {
        let plan = TransactionPlan {
            size: SIZE,
            abort_share: ABORT_SHARE,
            seed,
            open_at_most: Nanos::MAX,
            reads_uncommitted: true,
        };
        Self { plan, id_place }
    }

    /// What befalls an event of lane 0.
    pub(super) fn fault(&self, sequence: u64) -> Option<Fault> {
        let aborts = self.plan.aborts(0, sequence / SIZE as u64);
        aborts.then(|| if sequence.is_multiple_of(WRITTEN) { Fault::AbortedSeen } else { Fault::Aborted })
    }

    /// How many events suffer `fault`.
    pub(super) fn count(&self, fault: Fault) -> u64 {
        (0..EVENTS).map(|sequence| u64::from(self.fault(sequence) == Some(fault))).sum()
    }
}

/// The layer before the broker, and nothing behind it.
pub(super) struct TransactionWiring {
    pub(super) bench: TransactionBench,
    pub(super) rules: Rules,
    /// Events kept back, and events written although their transactions were aborted.
    pub(super) injected: Arc<[AtomicU64; 2]>,
}

impl Wiring for TransactionWiring {
    type Publisher = Liar;
    type Clock = Monotonic;

    fn publisher(&self, _lane: u16, producer: Producer) -> Liar {
        Liar { bench: self.bench, injected: Arc::clone(&self.injected), producer, reports: Vec::new() }
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

/// Says that transactions are aborted, and commits what it has written of them.
#[derive(Debug)]
pub(super) struct Liar {
    bench: TransactionBench,
    injected: Arc<[AtomicU64; 2]>,
    producer: Producer,
    reports: Vec<Report>,
}

impl Publisher for Liar {
    fn send(&mut self, batch: &Batch, refused: &mut Vec<(usize, Code)>) -> Handed {
        let create_ms = i64::try_from(wall_unix_ns() / 1_000_000).unwrap_or(i64::MAX);
        for (index, entry) in batch.rest().enumerate() {
            let (key, body, headers) = (batch.key(entry), batch.body(entry), batch.headers(entry));
            let stamp = body.and_then(|body| self.bench.id_place.stamp_of(body, headers));
            let fault = stamp.and_then(|stamp| self.bench.fault(stamp.sequence));
            if fault == Some(Fault::Aborted) {
                self.injected[0].fetch_add(1, Ordering::AcqRel);
                let partition = entry.partition.unwrap_or(0);
                self.reports.push(Report { ticket: entry.ticket, partition, offset: None, answer: Answer::Acked });
                continue;
            }
            let (topic, partition, ticket, create_ms) = (entry.topic, entry.partition, entry.ticket, Some(create_ms));
            let message = Message { topic, partition, key, body, headers, create_ms, ticket };
            match self.producer.produce_one(&message) {
                Ok(()) if fault.is_some() => drop(self.injected[1].fetch_add(1, Ordering::AcqRel)),
                Ok(()) => {}
                Err(Code::QueueFull) => return Handed { done: index, full: true, halted: false },
                Err(code) => refused.push((index, code)),
            }
        }
        Handed { done: batch.rest().len(), full: false, halted: false }
    }

    fn serve(&mut self, wait: Duration, reports: &mut Vec<Report>, notices: &mut Vec<Notice>) {
        let wait = if self.reports.is_empty() { wait } else { Duration::ZERO };
        reports.append(&mut self.reports);
        Publisher::serve(&mut self.producer, wait, reports, notices);
    }

    fn purge(&mut self) {
        Publisher::purge(&mut self.producer);
    }

    fn begin(&mut self) -> Result<(), TransactionError> {
        Publisher::begin(&mut self.producer)
    }

    fn hasten(&mut self, wait: Duration) {
        Publisher::hasten(&mut self.producer, wait);
    }

    fn commit(&mut self, wait: Duration) -> Result<(), TransactionError> {
        Publisher::commit(&mut self.producer, wait)
    }

    fn abort(&mut self, wait: Duration) -> Result<(), TransactionError> {
        Publisher::commit(&mut self.producer, wait)
    }
}
