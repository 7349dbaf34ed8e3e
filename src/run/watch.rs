//! Watching a run: a row a second, requests to end, and the conditions under which it cannot go on.

mod marks;

use std::ops::ControlFlow;
use std::time::Duration;

use super::group::Rebalances;
use super::lag::Lag;
use super::machine::{Processors, absent};
use super::prepare::Prepared;
use super::topic_watch::Problem;
use super::{Config, GLANCE, Interrupts, Lanes, Stage, Tick, faults};
use crate::clock::{Clock, Monotonic, Nanos};
use crate::control::tempo::AS_PLANNED;
use crate::control::{Control, Traffic};
use crate::figures;
use crate::kafka::slots::Slots;
use crate::ledger::Ledger;
use crate::measure::{ClientSums, Sampler, Shard, process};
use crate::report::by_hand::RateChange;
use crate::report::{Process, TimelineRow};
use crate::schedule::Schedule;
use crate::soak::{self, Soak};
use crate::source::Source;

const SECOND: Nanos = Nanos::from_secs(1);

/// What is kept between two looks.
pub(super) struct Watch<'a> {
    clock: Monotonic,
    schedule: &'a Schedule,
    ledger: &'a Ledger,
    control: &'a Control,
    interrupts: &'a Interrupts,
    lanes: Lanes,
    source: &'a Source,
    /// Whether aborted events are read back, too; `None` where nothing is.
    reads_aborted: Option<bool>,
    slots: &'a Slots,
    traffic: &'a Traffic,
    backlog: Mean,
    answered: u32,
    next_row: Nanos,
    /// When the last row ended.
    row_before: Nanos,
    cpu_before: Nanos,
    processors: Processors,
    /// How long this process did not get to run: no wait for anybody counts that.
    absent: Nanos,
    scheduled_before: u64,
    /// When the cluster last confirmed something, or nothing was waited for.
    last_answer: Nanos,
    /// The longest it may stay silent.
    silence: Duration,
    overrun: Duration,
    /// What becomes of the group that reads.
    rebalances: Rebalances,
    /// The rate that was last asked for, in percent of the plan, and what of it has not been told.
    percent: u32,
    by_hand: Vec<String>,
    phases: Vec<String>,
    /// The lag of the group that is looked at.
    lag: Option<Lag>,
    /// What happened to faults.
    faults: faults::Marks,
    /// Requests sent again, requests without an answer, and ms of throttling, as told so far.
    troubles: [u64; 3],
    watched: Watched,
}

/// What was seen of a run.
#[derive(Debug, Default)]
pub(super) struct Watched {
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
    pub(super) interrupted: bool,
}

impl<'a> Watch<'a> {
    #[expect(clippy::too_many_arguments, reason = "all that is looked at")]
    pub(super) fn new(
        config: &Config,
        source: &'a Source,
        schedule: &'a Schedule,
        ledger: &'a Ledger,
        control: &'a Control,
        interrupts: &'a Interrupts,
        clock: Monotonic,
        prepared: &'a Prepared,
    ) -> Self {
        let delivery_timeout = ["delivery.timeout.ms", "message.timeout.ms"]
            .iter()
            .find_map(|key| config.client.get(*key)?.parse().ok())
            .map_or(Duration::from_secs(300), Duration::from_millis);
        Self {
            clock,
            schedule,
            ledger,
            control,
            interrupts,
            lanes: config.lanes,
            source,
            reads_aborted: config.verify.as_ref().map(|verify| !verify.read_committed),
            slots: &prepared.slots,
            traffic: &prepared.traffic,
            backlog: Mean::default(),
            answered: 0,
            next_row: SECOND,
            row_before: Nanos::ZERO,
            cpu_before: process::cpu_time(),
            processors: Processors::watched_by(clock),
            absent: Nanos::ZERO,
            scheduled_before: 0,
            last_answer: Nanos::ZERO,
            silence: delivery_timeout + Duration::from_secs(5),
            overrun: config.flush_deadline,
            rebalances: Rebalances::of(prepared.group.clone()),
            percent: AS_PLANNED,
            by_hand: Vec::new(),
            phases: schedule.phases().map(|phase| phase.name.clone()).collect(),
            lag: None,
            faults: faults::Marks::default(),
            troubles: [0; 3],
            watched: Watched { timeline: soak::Timeline::new(config.detail), ..Watched::default() },
        }
    }

    /// Tells a group's lag too.
    pub(super) fn look_at(&mut self, lag: Option<Lag>) {
        self.lag = lag;
    }

    /// Notes what is wrong with a topic. It explains what else the cluster did.
    pub(super) fn note_problem(&mut self, problem: String) {
        self.watched.cluster_error = Some(problem);
    }

    /// Where faults tell what happens to them.
    pub(super) fn faults(&self) -> faults::Marks {
        self.faults.clone()
    }

    /// What happened since the last row.
    fn marks(&mut self, interval: &Shard) -> Vec<String> {
        let mut marks = std::mem::take(&mut self.by_hand);
        marks.extend(self.faults.take());
        marks.extend(self.rebalances.ended());
        marks.extend(marks::of_interval(interval, self.slots));
        let client = &self.watched.client;
        let troubles = [client.retries(), client.timeouts(), client.throttle_ms.sum];
        marks.extend(marks::of_client(self.troubles, troubles));
        self.troubles = troubles;
        marks
    }

    /// Waits a moment, and does what is to be done then.
    pub(super) fn glance(
        &mut self,
        sampler: &mut Sampler,
        stage: Stage,
        topic: Option<&Problem>,
        each_second: &mut dyn FnMut(&Tick<'_>) -> ControlFlow<String>,
    ) {
        let wait = GLANCE.min(Duration::from(self.next_row.saturating_since(self.clock.now())));
        let (interrupts, answered) = (self.interrupts, self.answered);
        let absent = absent(&self.clock, wait, || interrupts.wait(answered, wait));
        self.absent += absent;
        self.last_answer += absent;
        self.obey(stage);
        let now = self.clock.now();
        if let Some(problem) = topic.and_then(Problem::take) {
            self.note_problem(problem);
            self.control.stop_at(now);
        }
        if let Some(end) = self.schedule.ends_at()
            && stage == Stage::Sending
            && now > self.control.tempo().at(end) + Nanos::from(self.overrun) + self.absent
            && self.control.stopped_at() == Nanos::MAX
        {
            self.watched.ended_by =
                Some(format!("events were still waiting to be sent {:?} after the schedule's end", self.overrun));
            self.control.stop_at(self.control.tempo().at(end));
        }
        if self.schedule.has_due_times() {
            self.backlog.note(self.scheduled(now).saturating_sub(self.traffic.settled()));
        }
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

    /// What was seen.
    pub(super) fn into_watched(self) -> Watched {
        Watched { process: Some(self.processors.told()), ..self.watched }
    }

    fn obey(&mut self, stage: Stage) {
        while self.answered < self.interrupts.count() {
            self.answered += 1;
            self.watched.interrupted = true;
            if self.answered == 1 {
                self.control.stop_at(self.clock.now());
            } else {
                self.control.abort();
            }
        }
        let percent = self.interrupts.percent();
        let goes_on = stage == Stage::Sending && self.control.stopped_at() == Nanos::MAX;
        if percent != self.percent && goes_on && self.schedule.has_due_times() {
            let from = self.control.change_tempo(&self.clock, percent);
            self.by_hand.push(match (self.percent, percent) {
                (_, 0) => "held by hand".to_owned(),
                (0, percent) => format!("let go on by hand at {percent} % of the plan"),
                (_, percent) => format!("rate set by hand to {percent} % of the plan"),
            });
            self.watched.rate_changes.push(RateChange { at_s: from.as_secs_f64(), percent });
            self.percent = percent;
        }
    }

    fn row(
        &mut self,
        sampler: &mut Sampler,
        stage: Stage,
        now: Nanos,
        each_second: &mut dyn FnMut(&Tick<'_>) -> ControlFlow<String>,
    ) {
        let scheduled = self.scheduled(now);
        sampler.sample();
        let tempo = self.control.tempo();
        let warm_up_ends = tempo.at(self.schedule.warm_up_ends());
        let judged = self.row_before >= warm_up_ends;
        for (lane, said) in sampler.statistics() {
            self.watched.client.note(lane, &said, judged);
        }
        let (interval, total) = sampler.both();
        let held = tempo.percent() == 0 || !self.by_hand.is_empty();
        let marks = self.marks(interval);
        let outstanding = total.sent.saturating_sub(total.acked + total.refused + total.unanswered + total.aborted);
        if interval.acked + interval.aborted > 0 || outstanding == 0 {
            self.last_answer = now;
        } else if now - self.last_answer > Nanos::from(self.silence) && self.watched.cluster_error.is_none() {
            self.watched.cluster_error = Some(format!(
                "the cluster has confirmed nothing for {} s, with {} waiting",
                (now - self.last_answer).0 / SECOND.0,
                figures::counted(outstanding, "event")
            ));
            self.control.stop_at(now);
        }
        let cpu = process::cpu_time();
        let mut row = TimelineRow {
            scheduled: scheduled - self.scheduled_before,
            outstanding,
            backlog: self.backlog.take(),
            unread: self.reads_aborted.map(|aborted_too| {
                (total.acked + if aborted_too { total.aborted } else { 0 }).saturating_sub(total.seen)
            }),
            cpu_ms: Some((cpu - self.cpu_before).0 / 1_000_000),
            rss_kib: process::resident_kib(),
            marks,
            group_lag: self.lag.as_ref().and_then(Lag::latest),
            ..row_of(interval, now, self.schedule.has_due_times())
        };
        self.processors.note(&mut row);
        (self.cpu_before, self.scheduled_before) = (cpu, scheduled);
        self.row_before = now;
        let (client, slots, phases) = (&self.watched.client, self.slots, &self.phases[..]);
        let percent = tempo.percent();
        let tick = Tick {
            stage,
            row: &row,
            interval,
            total,
            client,
            slots,
            scheduled,
            now,
            judged,
            warm_up_ends,
            held,
            phases,
            percent,
            gaps: None,
            awaited: None,
        };
        if let ControlFlow::Break(reason) = each_second(&tick) {
            self.watched.ended_by.get_or_insert(reason);
            self.control.stop_at(now);
        }
        self.watched.peak_scheduled = self.watched.peak_scheduled.max(Some(row.scheduled));
        self.watched.peak_sent = self.watched.peak_sent.max(Some(row.sent));
        // The rows of the drain are no steady state: their latencies are those of what came late.
        if judged && stage == Stage::Sending {
            let from_s = warm_up_ends.as_secs_f64();
            self.watched.soak.get_or_insert_with(|| Soak::new(from_s)).push(&row);
        }
        self.watched.timeline.push(row);
    }

    /// Events due by `now`: by the schedule where it is a function of time alone, else those that lanes have drawn.
    fn scheduled(&self, now: Nanos) -> u64 {
        let drawn: u64 = self.ledger.lanes().map(|(_, book)| book.drawn()).sum();
        let planned = self.schedule.due_before(self.control.tempo().before(now.min(self.control.stopped_at())));
        let planned = match self.source {
            Source::Synthetic(_) => planned.map(|events| self.lanes.share(events)),
            // A recording ends, and which of its events are a part's own is known when they are drawn.
            Source::RetailRocket(_) => {
                let there = |events: u64| self.source.len().map_or(events, |rows| events.min(rows));
                planned.map(there).filter(|_| self.lanes.count == self.lanes.all)
            }
        };
        planned.unwrap_or(drawn).max(drawn).max(self.scheduled_before)
    }
}

/// A mean over samples at even intervals, to the nearest whole.
#[derive(Debug, Default)]
struct Mean {
    sum: u64,
    samples: u32,
}

impl Mean {
    const fn note(&mut self, sample: u64) {
        self.sum += sample;
        self.samples += 1;
    }

    /// The mean since the last call; `None` where there was no sample.
    fn take(&mut self) -> Option<u64> {
        let Self { sum, samples } = std::mem::take(self);
        (samples > 0).then(|| (sum + u64::from(samples / 2)) / u64::from(samples))
    }
}

fn row_of(interval: &Shard, now: Nanos, has_due_times: bool) -> TimelineRow {
    let whole = interval.with_warm_up();
    let response = whole.response_time.summary();
    TimelineRow {
        at_s: now.as_secs_f64(),
        sent: interval.sent,
        acked: interval.acked,
        seen: interval.seen,
        failed: interval.refused + interval.unanswered,
        refused: interval.refused,
        response_p50_us: response.p50,
        response_p99_us: response.p99,
        response_max_us: response.max,
        service_p99_us: whole.service_time.quantile(0.99),
        end_to_end_p99_us: whole.end_to_end.quantile(0.99),
        slip_p99_us: whole.slip.quantile(0.99).filter(|_| has_due_times),
        lateness_p99_us: whole.lateness.quantile(0.99).filter(|_| has_due_times),
        capped_p99_us: whole.capped.quantile(0.99).filter(|_| has_due_times),
        ..TimelineRow::default()
    }
}
