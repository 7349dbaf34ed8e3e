//! A layer before the broker that does wrong to every tenth event in turn, and what must be found of it: for runs whose
//! events are not those of the shop.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::table::{Row, total};
use crate::clock::Monotonic;
use crate::kafka::headers::Headers;
use crate::kafka::native::{Message, Producer};
use crate::kafka::{Answer, Code, Notice, Report};
use crate::ledger::Class;
use crate::ledger::rules::Rules;
use crate::publish::{Batch, Entry, Handed, Publisher};
use crate::run::Outcome;
use crate::run::wiring::Wiring;

/// One event in so many suffers something, and two of one partition that follow each other never do.
pub(super) const STEP: u64 = 10;
/// Tickets of records that no lane knows of.
const NOT_THE_LANES: usize = usize::MAX;

/// What befalls an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Harm {
    /// Acked at the offset of the next one of its partition, never written.
    Dropped,
    /// Never written, never answered.
    Unanswered,
    /// Written, never answered.
    AnswerLost,
    /// Refused, not written.
    Refused,
    /// Refused, and yet written.
    RefusedButWritten,
    /// Another value under its key.
    Damaged,
    /// The same value under another key.
    OtherKey,
    /// Written twice.
    Twice,
    /// Sent after the next one.
    Swapped,
    /// Beside it there is another writer's.
    Beside,
    /// Written, and answered when nobody waits for it any more.
    Held,
}

impl Harm {
    pub(super) const fn class(self) -> Class {
        match self {
            Self::Dropped => Class::Lost,
            Self::Unanswered => Class::UnknownUnseen,
            Self::AnswerLost => Class::UnknownSeen,
            Self::Refused => Class::Refused,
            Self::RefusedButWritten => Class::Contradicted,
            Self::Damaged | Self::OtherKey => Class::Corrupt,
            Self::Twice | Self::Swapped | Self::Beside | Self::Held => Class::Verified,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Dropped => "dropped after the ack",
            Self::Unanswered => "no answer, not written",
            Self::AnswerLost => "the answer dropped",
            Self::Refused => "refused",
            Self::RefusedButWritten => "refused, and yet written",
            Self::Damaged => "another value",
            Self::OtherKey => "another key",
            Self::Twice => "written twice",
            Self::Swapped => "swapped with the next",
            Self::Beside => "another's beside it",
            Self::Held => "acked when nobody waits",
        }
    }
}

/// Which events of a run suffer what.
#[derive(Clone, Copy, Debug)]
pub(super) struct HarmPlan {
    /// What the rows of its table begin with.
    pub(super) run: &'static str,
    /// Events of the run.
    pub(super) events: u64,
    /// What befalls them, in turn.
    pub(super) harms: &'static [Harm],
    /// Whether every two neighbours hold the same.
    pub(super) are_twins: bool,
}

impl HarmPlan {
    /// What befalls event `n`.
    pub(super) fn of(&self, n: u64) -> Option<Harm> {
        let turn = (n / STEP) % self.harms.len() as u64;
        let harm = *self.harms.get(usize::try_from(turn).ok()?)?;
        // The first of two that hold the same; but no two equal ones can be told apart that are said to lie at one
        // offset.
        let victim = u64::from(self.are_twins && harm == Harm::Dropped);
        // Not the last ones: what is dropped needs one that follows.
        (n % STEP == victim && n < self.events - 2 * STEP).then_some(harm)
    }

    /// The events that it befalls.
    pub(super) fn victims(&self, harm: Harm) -> impl Iterator<Item = u64> + Clone {
        (0..self.events).filter(move |n| self.of(*n) == Some(harm))
    }

    /// Events that must end in that class.
    pub(super) fn count(&self, class: Class) -> u64 {
        let class_of = |n: &u64| self.of(*n).map_or(Class::Verified, Harm::class);
        (0..self.events).filter(|n| class_of(n) == class).count() as u64
    }
}

/// What was done to events so far.
#[derive(Debug)]
pub(super) struct Harmed {
    pub(super) plan: HarmPlan,
    done: Mutex<BTreeMap<Harm, u64>>,
    /// How many of the answers that are held may be given.
    released: AtomicU64,
}

impl Harmed {
    pub(super) fn new(plan: HarmPlan) -> Arc<Self> {
        Arc::new(Self { plan, done: Mutex::default(), released: AtomicU64::new(0) })
    }

    /// Of the answers that are held, one more may be given.
    pub(super) fn release(&self) {
        self.released.fetch_add(1, Ordering::AcqRel);
    }

    fn note(&self, harm: Harm) {
        *self.done.lock().unwrap_or_else(PoisonError::into_inner).entry(harm).or_default() += 1;
    }

    /// What was done against what was found. `is_told` says whether who waits for an event was told what must be said
    /// of it.
    pub(super) fn rows(&self, outcome: &Outcome, is_told: impl Fn(u64) -> bool) -> Vec<Row> {
        let Self { plan, done, .. } = self;
        let done = done.lock().unwrap_or_else(PoisonError::into_inner);
        let classes: HashMap<u64, Class> =
            outcome.unverified.iter().map(|event| (event.sequence, event.class)).collect();
        let class_of = |n: u64| classes.get(&n).copied().unwrap_or(Class::Verified);
        let (ledger, findings) = (&outcome.report.ledger, &outcome.report.findings);
        let of_harm = |harm: &Harm| {
            let victims = plan.victims(*harm);
            let expected = victims.clone().count() as u64;
            let right = victims.filter(|n| class_of(*n) == harm.class() && is_told(*n)).count() as u64;
            let (found_as, found) = match harm {
                Harm::Twice => ("duplicates", findings.duplicates.min(right)),
                Harm::Swapped => ("reordered", findings.reordered.min(right)),
                Harm::Beside => ("foreign", findings.foreign.min(right)),
                _ => (harm.class().as_str(), right),
            };
            let times = done.get(harm).copied().unwrap_or(0);
            let note = (times != expected || times == 0)
                .then(|| format!("it was injected {times} times of {expected}: the self-test itself failed"));
            let row = total(&format!("{}: {}", plan.run, harm.as_str()), expected, found);
            Row { found_as: found_as.to_owned(), ok: row.ok && note.is_none(), note, ..row }
        };
        let named = |name: &str| format!("{name} ({})", plan.run);
        let has = |harm: Harm| plan.victims(harm).count() as u64;
        let findings = [
            ("duplicates", has(Harm::Twice), findings.duplicates),
            ("reordered", has(Harm::Swapped), findings.reordered),
            ("foreign", has(Harm::Beside), findings.foreign),
            ("invalid", has(Harm::OtherKey), findings.invalid),
            ("scheduled", plan.events, ledger.scheduled),
        ];
        let findings = findings.map(|(name, expected, found)| total(&named(name), expected, found));
        let classes = Class::ALL.into_iter().filter(|class| plan.count(*class) + ledger.of(*class) > 0);
        let classes = classes.map(|class| total(&named(class.as_str()), plan.count(class), ledger.of(class)));
        plan.harms.iter().map(of_harm).chain(findings).chain(classes).collect()
    }
}

/// Puts what is damaged in the place of what was sent.
type Damage = dyn Fn(Harm, &Outgoing) -> Outgoing + Send + Sync;

/// The layer before the broker.
#[derive(Clone)]
pub(super) struct HarmWiring {
    pub(super) rules: Rules,
    pub(super) harmed: Arc<Harmed>,
    pub(super) damage: Arc<Damage>,
}

impl Wiring for HarmWiring {
    type Publisher = Tamperer;
    type Clock = Monotonic;

    fn publisher(&self, _lane: u16, producer: Producer) -> Tamperer {
        Tamperer {
            wiring: self.clone(),
            producer,
            next: 0,
            swapped: None,
            dropped: HashMap::new(),
            displaced: HashMap::new(),
            answers: HashMap::new(),
            to_hold: HashSet::new(),
            held: Vec::new(),
            released: 0,
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
pub(super) struct Tamperer {
    wiring: HarmWiring,
    producer: Producer,
    /// The event that comes next.
    next: u64,
    /// Sent after the next one.
    swapped: Option<Outgoing>,
    /// Acked at the offset of the next one of their partitions.
    dropped: HashMap<i32, usize>,
    /// The same, by the ticket of that one.
    displaced: HashMap<usize, usize>,
    /// Tickets of which another answer is passed on.
    answers: HashMap<usize, Answer>,
    /// Tickets of which the answer is held.
    to_hold: HashSet<usize>,
    held: Vec<Report>,
    released: u64,
    reports: Vec<Report>,
}

impl fmt::Debug for Tamperer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tamperer").field("next", &self.next).finish_non_exhaustive()
    }
}

/// A record as it is sent.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) partition: i32,
    pub(super) key: Vec<u8>,
    pub(super) value: Vec<u8>,
    pub(super) ticket: usize,
}

const NO_ANSWER: Answer = Answer::Unanswered(Code::MessageTimedOut);
const REFUSAL: Answer = Answer::Refused(Code::MessageSizeTooLarge);

impl Tamperer {
    fn treat(&mut self, batch: &Batch, entry: &Entry) -> Result<(), Code> {
        let harm = self.wiring.harmed.plan.of(self.next);
        self.next += 1;
        let partition = entry.partition.unwrap_or(0);
        let (key, value) = (batch.key(entry).unwrap_or_default(), batch.body(entry).unwrap_or_default());
        let event = Outgoing { partition, key: key.to_vec(), value: value.to_vec(), ticket: entry.ticket };
        if let Some(harm) = harm {
            self.wiring.harmed.note(harm);
        }
        let told = |answer| Report { ticket: event.ticket, partition, offset: None, answer };
        let beside = |value: Vec<u8>| Outgoing { value, ticket: NOT_THE_LANES, ..event.clone() };
        match harm {
            None => {
                if let Some(dropped) = self.dropped.remove(&partition) {
                    self.displaced.insert(event.ticket, dropped);
                }
                self.send(&event)?;
                self.swapped.take().map_or(Ok(()), |swapped| self.send(&swapped))
            }
            Some(Harm::Dropped) => {
                self.dropped.insert(partition, event.ticket);
                Ok(())
            }
            Some(Harm::Swapped) => {
                self.swapped = Some(event);
                Ok(())
            }
            Some(Harm::Unanswered) => {
                self.reports.push(told(NO_ANSWER));
                Ok(())
            }
            Some(Harm::Refused) => {
                self.reports.push(told(REFUSAL));
                Ok(())
            }
            Some(Harm::AnswerLost) => {
                self.answers.insert(event.ticket, NO_ANSWER);
                self.send(&event)
            }
            Some(Harm::RefusedButWritten) => {
                self.answers.insert(event.ticket, REFUSAL);
                self.send(&event)
            }
            Some(Harm::Held) => {
                self.to_hold.insert(event.ticket);
                self.send(&event)
            }
            Some(harm @ (Harm::Damaged | Harm::OtherKey)) => {
                let damaged = (self.wiring.damage)(harm, &event);
                self.send(&damaged)
            }
            Some(Harm::Twice) => {
                self.send(&event)?;
                self.send(&beside(event.value.clone()))
            }
            Some(Harm::Beside) => {
                self.send(&event)?;
                self.send(&beside(b"another writer's".to_vec()))
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

    fn pass_on(&mut self, report: Report) {
        if let Some(ticket) = self.displaced.remove(&report.ticket) {
            self.reports.push(Report { ticket, ..report });
        }
        // Another event has that ticket next.
        if self.to_hold.remove(&report.ticket) {
            return self.held.push(report);
        }
        self.reports.push(match self.answers.remove(&report.ticket) {
            Some(answer) => Report { offset: None, answer, ..report },
            None => report,
        });
    }
}

impl Publisher for Tamperer {
    fn send(&mut self, batch: &Batch, refused: &mut Vec<(usize, Code)>) -> Handed {
        // In the order in which they were encoded: a batch is grouped by partition.
        let mut entries: Vec<(usize, &Entry)> = batch.rest().enumerate().collect();
        entries.sort_by_key(|(_, entry)| entry.body.as_ref().map(|body| body.start));
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
            self.pass_on(report);
        }
        let may = self.wiring.harmed.released.load(Ordering::Acquire) - self.released;
        let free = usize::try_from(may).unwrap_or(usize::MAX).min(self.held.len());
        self.released += free as u64;
        self.reports.extend(self.held.drain(..free));
        reports.append(&mut self.reports);
    }

    fn purge(&mut self) {
        Publisher::purge(&mut self.producer);
    }
}
