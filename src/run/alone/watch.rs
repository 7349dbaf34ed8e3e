//! Watching a reading: a row a second, and requests to end.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::ends::Ends;
use super::prepare::Prepared;
use super::{Config, Interrupts};
use crate::clock::{Clock, Monotonic, Nanos};
use crate::control::Traffic;
use crate::kafka::slots::Slots;
use crate::measure::{ClientSums, Sampler, process};
use crate::report::latency::Kind;
use crate::report::{Process, TimelineRow};
use crate::run::group::Rebalances;
use crate::run::machine::Processors;
use crate::run::{GLANCE, Stage, Tick};
use crate::soak::{self, Soak};
use crate::verify::Until;

/// How often a producer that still goes on is asked whether it is over.
const ASK_EVERY: Nanos = Nanos::from_millis(200);
const SECOND: Nanos = Nanos::from_secs(1);

/// What is wished of the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    GoOn,
    /// To end in good order.
    End,
    /// To end now.
    Abort,
}

/// What is kept between two looks.
pub(super) struct Watch<'a> {
    clock: Monotonic,
    interrupts: &'a Interrupts,
    answered: u32,
    slots: &'a Slots,
    traffic: &'a Traffic,
    rebalances: Rebalances,
    ends: Option<Ends>,
    gaps: Arc<AtomicU64>,
    until: Until,
    joins: bool,
    next_row: Nanos,
    ask_at: Nanos,
    cpu_before: Nanos,
    processors: Processors,
    client: ClientSums,
    watched: Watched,
}

/// What was seen of a reading.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) timeline: soak::Timeline,
    pub(super) soak: Option<Soak>,
    /// Whether it was asked to end from outside, though it would have ended by itself.
    pub(super) interrupted: bool,
    /// Whether a request from outside is its only end.
    pub(super) asked: bool,
    /// What else ended it.
    pub(super) ended_by: Option<String>,
    /// What kept this process from running.
    pub(super) process: Option<Process>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(
        config: &Config,
        prepared: &'a Prepared,
        interrupts: &'a Interrupts,
        clock: Monotonic,
        gaps: Arc<AtomicU64>,
    ) -> Self {
        Self {
            clock,
            interrupts,
            answered: 0,
            slots: &prepared.slots,
            traffic: &prepared.traffic,
            rebalances: Rebalances::of(prepared.group.clone()),
            ends: None,
            gaps,
            until: config.until,
            joins: config.producer.is_some(),
            next_row: SECOND,
            ask_at: Nanos::ZERO,
            cpu_before: process::cpu_time(),
            processors: Processors::watched_by(clock),
            client: ClientSums::default(),
            watched: Watched {
                timeline: soak::Timeline::new(config.detail),
                soak: None,
                interrupted: false,
                asked: false,
                ended_by: None,
                process: None,
            },
        }
    }

    /// Whether the producer is to be asked again.
    pub(super) fn is_time_to_ask(&mut self) -> bool {
        let now = self.clock.now();
        let due = now >= self.ask_at;
        if due {
            self.ask_at = now + ASK_EVERY;
        }
        due
    }

    /// Notes what ends the reading, where nothing had.
    pub(super) fn end_for(&mut self, reason: String) {
        self.watched.ended_by.get_or_insert(reason);
    }

    pub(super) fn look_at(&mut self, ends: Option<Ends>) {
        self.ends = ends;
    }

    /// Whether it would end by itself.
    pub(super) fn is_bounded(&self) -> bool {
        self.joins || self.until.idle.is_some() || self.until.records.is_some()
    }

    /// Waits a moment, and says what is to be done then.
    pub(super) fn glance(
        &mut self,
        sampler: &mut Sampler,
        each_second: &mut dyn FnMut(&Tick<'_>) -> ControlFlow<String>,
    ) -> Wish {
        let wait = GLANCE.min(std::time::Duration::from(self.next_row.saturating_since(self.clock.now())));
        self.interrupts.wait(self.answered, wait);
        if self.answered < self.interrupts.count() {
            self.answered += 1;
            self.watched.asked = true;
            self.watched.interrupted |= self.is_bounded();
            return if self.answered == 1 { Wish::End } else { Wish::Abort };
        }
        let now = self.clock.now();
        if now < self.next_row {
            return Wish::GoOn;
        }
        self.next_row = Nanos((now.0 / SECOND.0 + 1) * SECOND.0);
        match self.row(sampler, now, Stage::Sending, each_second) {
            ControlFlow::Break(reason) if self.watched.ended_by.is_none() => {
                self.watched.ended_by = Some(reason);
                Wish::End
            }
            _ => Wish::GoOn,
        }
    }

    /// The row that is left when reading has ended.
    pub(super) fn last(
        &mut self,
        sampler: &mut Sampler,
        each_second: &mut dyn FnMut(&Tick<'_>) -> ControlFlow<String>,
    ) {
        let now = self.clock.now();
        if let ControlFlow::Break(reason) = self.row(sampler, now, Stage::Draining, each_second) {
            self.watched.ended_by.get_or_insert(reason);
        }
    }

    pub(super) fn into_watched(self) -> Watched {
        Watched { process: Some(self.processors.told()), ..self.watched }
    }

    fn row(
        &mut self,
        sampler: &mut Sampler,
        now: Nanos,
        stage: Stage,
        each_second: &mut dyn FnMut(&Tick<'_>) -> ControlFlow<String>,
    ) -> ControlFlow<String> {
        sampler.sample();
        let cpu = process::cpu_time();
        let marks = self.rebalances.ended();
        let (interval, total) = sampler.both();
        let behind = self.ends.as_ref().and_then(|ends| ends.behind(&self.traffic.positions()));
        let whole = interval.whole();
        let mut row = TimelineRow {
            at_s: now.as_secs_f64(),
            seen: interval.seen,
            unread: behind,
            end_to_end_p99_us: whole.latency(Kind::EndToEnd).quantile(0.99),
            cpu_ms: Some((cpu - self.cpu_before).0 / 1_000_000),
            rss_kib: process::resident_kib(),
            marks,
            ..TimelineRow::default()
        };
        self.processors.note(&mut row);
        self.cpu_before = cpu;
        let tick = Tick {
            stage,
            row: &row,
            interval,
            total,
            client: &self.client,
            slots: self.slots,
            scheduled: 0,
            now,
            judged: true,
            warm_up_ends: Nanos::ZERO,
            held: false,
            phases: &[],
            percent: 100,
            gaps: Some(self.gaps.load(Ordering::Acquire)),
            awaited: self.until.records.map(|asked| asked.saturating_sub(self.traffic.records_read())),
        };
        let told = each_second(&tick);
        if stage == Stage::Sending {
            self.watched.soak.get_or_insert_with(|| Soak::new(0.0)).push(&row);
        }
        self.watched.timeline.push(row);
        told
    }
}
