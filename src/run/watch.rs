//! Watching a run or a reading: a row a second, and requests to end.

mod load;
mod marks;

use std::ops::ControlFlow;
use std::time::Duration;

use super::downstream::SoFar;
use super::group::Rebalances;
use super::machine::{Processors, absent};
use super::target::Target;
use super::{Detail, GLANCE, Interrupts, Stage, Tick};
use crate::clock::{Clock, Monotonic, Nanos};
use crate::control::Control;
use crate::event::catalogue::Catalogue;
use crate::kafka::slots::Slots;
use crate::measure::{ClientSums, Sampler, process};
use crate::report::by_hand::RateChange;
use crate::report::{Process, TimelineRow};
use crate::soak::timeline::Part;
use crate::soak::{self, Soak};
pub(super) use load::Load;

const SECOND: Nanos = Nanos::from_secs(1);

/// What is watched: a load that is sent, or a topic that others write to.
pub(super) trait Subject {
    /// Whether it would end by itself: then a request to end cuts it short.
    fn is_bounded(&self) -> bool;

    /// Does what is to be done between two rows.
    fn look(&mut self, _look: Look<'_>) {}

    /// The row that ends at `now`, with `rebalances` among its marks; what it says of this process comes later.
    fn row(&mut self, sampler: &Sampler, now: Nanos, rebalances: Vec<String>, watched: &mut WatchRecord)
    -> TimelineRow;

    /// Adds to `tick` what is known beside the last row.
    fn tell<'t>(&'t self, tick: Tick<'t>) -> Tick<'t>;
}

/// A look between two rows.
pub(super) struct Look<'a> {
    pub(super) clock: &'a Monotonic,
    pub(super) stage: Stage,
    pub(super) now: Nanos,
    /// How long this process did not get to run since the last look: no wait for anybody counts that.
    pub(super) absent: Nanos,
    /// The rate that is asked for, in percent of the plan.
    pub(super) percent: u32,
    pub(super) watched: &'a mut WatchRecord,
}

/// What is kept between two looks.
pub(super) struct Watch<'a, S> {
    clock: Monotonic,
    control: &'a Control,
    interrupts: &'a Interrupts,
    slots: &'a Slots,
    catalogue: &'a Catalogue,
    pub(super) subject: S,
    /// Requests to end that have been answered.
    answered: u32,
    next_row: Nanos,
    cpu_before: Nanos,
    processors: Processors,
    /// What becomes of the group that reads.
    rebalances: Rebalances,
    /// What comes out downstream, where it is looked at.
    results: SoFar,
    watched: WatchRecord,
}

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct WatchRecord {
    /// One row a second, older ones joined.
    pub(super) timeline: soak::Timeline,
    /// The busiest second by due times.
    pub(super) peak_scheduled: Option<u64>,
    /// The busiest second as sent.
    pub(super) peak_sent: Option<u64>,
    /// Its trends; `None` before the first row that is judged.
    pub(super) soak: Option<Soak>,
    /// What a person did to the rate.
    pub(super) rate_changes: Vec<RateChange>,
    /// What kept this process from running.
    pub(super) process: Option<Process>,
    /// What the clients measured of themselves.
    pub(super) client: ClientSums,
    /// What the cluster did that ended or spoiled the run.
    pub(super) cluster_error: Option<String>,
    /// What else ended it before its end.
    pub(super) ended_by: Option<String>,
    /// Whether it was asked to end.
    pub(super) asked: bool,
    /// Whether that cut it short.
    pub(super) interrupted: bool,
}

impl<'a, S: Subject> Watch<'a, S> {
    pub(super) fn new(
        clock: Monotonic,
        control: &'a Control,
        interrupts: &'a Interrupts,
        target: &'a Target,
        catalogue: &'a Catalogue,
        detail: Detail,
        subject: S,
    ) -> Self {
        Self {
            clock,
            control,
            interrupts,
            slots: &target.slots,
            catalogue,
            subject,
            answered: 0,
            next_row: SECOND,
            cpu_before: process::cpu_time(),
            processors: Processors::watched_by(clock),
            rebalances: Rebalances::of(target),
            results: SoFar::default(),
            watched: WatchRecord { timeline: soak::Timeline::new(detail), ..WatchRecord::default() },
        }
    }

    /// Tells of results too.
    pub(super) fn telling(self, results: Option<SoFar>) -> Self {
        Self { results: results.unwrap_or_default(), ..self }
    }

    /// Waits a moment, and does what is to be done then. A request to end stops the schedule, a second one every wait.
    pub(super) fn glance(
        &mut self,
        sampler: &mut Sampler,
        stage: Stage,
        each_second: &mut dyn FnMut(&Tick<'_>) -> ControlFlow<String>,
    ) {
        let glance = GLANCE;
        // In a simulated run each glance is a turn of threads, and most see nothing.
        #[cfg(test)]
        let glance = if crate::clock::virtual_time::rules() { 3 * glance } else { glance };
        let wait = glance.min(Duration::from(self.next_row.saturating_since(self.clock.now())));
        let (interrupts, answered) = (self.interrupts, self.answered);
        let absent = absent(&self.clock, wait, || interrupts.wait(answered, wait));
        while self.answered < interrupts.count() {
            self.answered += 1;
            self.watched.asked = true;
            self.watched.interrupted |= self.subject.is_bounded();
            if self.answered == 1 {
                self.control.stop_at(self.clock.now());
            } else {
                self.control.abort();
            }
        }
        if self.watched.ended_by.is_none()
            && let Some(reason) = interrupts.ending()
        {
            self.control.stop_at(self.clock.now());
            self.end_for(reason);
        }
        let (now, percent) = (self.clock.now(), interrupts.percent());
        let (clock, watched) = (&self.clock, &mut self.watched);
        self.subject.look(Look { clock, stage, now, absent, percent, watched });
        if now >= self.next_row {
            self.row(sampler, stage, now, each_second);
            self.next_row = Nanos((now.0 / SECOND.0 + 1) * SECOND.0);
        }
    }

    /// The row that is left when everything has ended.
    pub(super) fn last(
        &mut self,
        sampler: &mut Sampler,
        each_second: &mut dyn FnMut(&Tick<'_>) -> ControlFlow<String>,
    ) {
        let now = self.clock.now();
        self.row(sampler, Stage::Draining, now, each_second);
    }

    /// Notes what is wrong with a topic. It explains what else the cluster did.
    pub(super) fn note_problem(&mut self, problem: String) {
        self.watched.cluster_error = Some(problem);
    }

    /// Notes what ends it, where nothing had.
    pub(super) fn end_for(&mut self, reason: String) {
        self.watched.ended_by.get_or_insert(reason);
    }

    /// What was seen.
    pub(super) fn into_watched(self) -> WatchRecord {
        WatchRecord { process: Some(self.processors.told()), ..self.watched }
    }

    fn row(
        &mut self,
        sampler: &mut Sampler,
        stage: Stage,
        now: Nanos,
        each_second: &mut dyn FnMut(&Tick<'_>) -> ControlFlow<String>,
    ) {
        sampler.sample();
        let mut row = self.subject.row(sampler, now, self.rebalances.ended(), &mut self.watched);
        let cpu = process::cpu_time();
        row.cpu_ms = Some((cpu - std::mem::replace(&mut self.cpu_before, cpu)).0 / 1_000_000);
        row.rss_kib = process::resident_kib();
        self.processors.note(&mut row);
        let (interval, total) = sampler.both();
        let results = self.results.latest();
        let tick = self.subject.tell(Tick {
            stage,
            row: &row,
            interval,
            total,
            client: &self.watched.client,
            slots: self.slots,
            catalogue: self.catalogue,
            scheduled: 0,
            now,
            judged: true,
            warm_up_ends: Nanos::ZERO,
            held: false,
            phases: &[],
            percent: 100,
            gaps: None,
            awaited: None,
            results: &results,
        });
        let (judged, from_s) = (tick.judged, tick.warm_up_ends.as_secs_f64());
        if let ControlFlow::Break(reason) = each_second(&tick) {
            self.watched.ended_by.get_or_insert(reason);
            self.control.stop_at(now);
        }
        // The rows of the drain are no steady state: their latencies are those of what came late.
        if judged && stage == Stage::Sending {
            self.watched.soak.get_or_insert_with(|| Soak::new(from_s)).push(&row);
        }
        let part = match stage {
            _ if !judged => Part::WarmUp,
            Stage::Sending => Part::Sending,
            Stage::Draining => Part::Draining,
        };
        self.watched.timeline.push(row, part);
    }
}
