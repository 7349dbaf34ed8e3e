//! A load as it is watched: what came due, what waits for an answer, and the conditions under which it cannot go on.

use std::time::Duration;

use super::{Look, SECOND, Subject, WatchRecord, marks};
use crate::clock::Nanos;
use crate::control::tempo::AS_PLANNED;
use crate::control::{Control, Traffic};
use crate::figures;
use crate::kafka::slots::Slots;
use crate::ledger::Ledger;
use crate::measure::{Sampler, Shard};
use crate::report::TimelineRow;
use crate::report::by_hand::RateChange;
use crate::report::latency::Kind;
use crate::run::lag::Lag;
use crate::run::target::Target;
use crate::run::topic_watch::Problem;
use crate::run::{Config, Lanes, Stage, Tick, faults};
use crate::schedule::Schedule;
use crate::source::Source;

/// A load that is sent, between two looks.
pub(in crate::run) struct Load<'a> {
    schedule: &'a Schedule,
    ledger: &'a Ledger,
    control: &'a Control,
    lanes: Lanes,
    source: &'a Source,
    /// Whether aborted events are read back, too; `None` where nothing is.
    reads_aborted: Option<bool>,
    slots: &'a Slots,
    traffic: &'a Traffic,
    backlog: Mean,
    /// When the last row ended, and what was known of it.
    row_before: Nanos,
    scheduled: u64,
    judged: bool,
    held: bool,
    /// How long this process did not get to run: no wait for anybody counts that.
    absent: Nanos,
    /// When the cluster last confirmed something, or nothing was waited for.
    last_answer: Nanos,
    /// The longest it may stay silent.
    silence: Duration,
    overrun: Duration,
    /// The rate that was last asked for, in percent of the plan, and what of it has not been told.
    percent: u32,
    by_hand: Vec<String>,
    phases: Vec<String>,
    /// The lag of the group that is looked at.
    lag: Option<Lag>,
    /// What is found wrong with a topic.
    topic: Option<Problem>,
    /// What happened to faults.
    faults: faults::Marks,
    /// Requests sent again, requests without an answer, and ms of throttling, as told so far.
    troubles: [u64; 3],
}

impl<'a> Load<'a> {
    pub(in crate::run) fn new(
        config: &Config,
        source: &'a Source,
        schedule: &'a Schedule,
        ledger: &'a Ledger,
        control: &'a Control,
        target: &'a Target,
    ) -> Self {
        let delivery_timeout = ["delivery.timeout.ms", "message.timeout.ms"]
            .iter()
            .find_map(|key| config.kafka.client.get(*key)?.parse().ok())
            .map_or(Duration::from_secs(300), Duration::from_millis);
        Self {
            schedule,
            ledger,
            control,
            lanes: config.lanes,
            source,
            reads_aborted: config.verify.as_ref().map(|verify| !verify.reads_committed()),
            slots: &target.slots,
            traffic: &target.traffic,
            backlog: Mean::default(),
            row_before: Nanos::ZERO,
            scheduled: 0,
            judged: false,
            held: false,
            absent: Nanos::ZERO,
            last_answer: Nanos::ZERO,
            // What takes in what others send goes on without the cluster, and says so to each of them.
            silence: match source {
                Source::Web(_) => Duration::MAX,
                _ => delivery_timeout + Duration::from_secs(5),
            },
            overrun: config.patience.flush_deadline,
            percent: AS_PLANNED,
            by_hand: Vec::new(),
            phases: schedule.phases().map(|phase| phase.name.clone()).collect(),
            lag: None,
            topic: None,
            faults: faults::Marks::default(),
            troubles: [0; 3],
        }
    }

    /// Tells a group's lag too, and ends the run where something is wrong with a topic.
    pub(in crate::run) fn beside(self, lag: Option<Lag>, topic: Option<Problem>) -> Self {
        Self { lag, topic, ..self }
    }

    /// Where faults tell what happens to them.
    pub(in crate::run) fn faults(&self) -> faults::Marks {
        self.faults.clone()
    }

    /// Takes over the rate that a person asks for.
    fn change_rate(&mut self, look: &mut Look<'_>) {
        let from = self.control.change_tempo(look.clock, look.percent);
        self.by_hand.push(match (self.percent, look.percent) {
            (_, 0) => "held by hand".to_owned(),
            (0, percent) => format!("let go on by hand at {percent} % of the plan"),
            (_, percent) => format!("rate set by hand to {percent} % of the plan"),
        });
        look.watched.rate_changes.push(RateChange { at_s: from.as_secs_f64(), percent: look.percent });
        self.percent = look.percent;
    }

    /// Ends the run where the cluster has been silent for too long, with so many events that wait for an answer.
    fn note_silence(&mut self, interval: &Shard, outstanding: u64, now: Nanos, cluster_error: &mut Option<String>) {
        if interval.acked + interval.aborted > 0 || outstanding == 0 {
            self.last_answer = now;
        } else if now - self.last_answer > Nanos::from(self.silence) && cluster_error.is_none() {
            *cluster_error = Some(format!(
                "the cluster has confirmed nothing for {} s, with {} waiting",
                (now - self.last_answer).0 / SECOND.0,
                figures::counted(outstanding, "event")
            ));
            self.control.stop_at(now);
        }
    }

    /// Events due by `now`: by the schedule where it is a function of time alone, else those that lanes have drawn.
    fn scheduled(&self, now: Nanos) -> u64 {
        let drawn: u64 = self.ledger.lanes().map(|(_, book)| book.drawn()).sum();
        let planned = self.schedule.due_before(self.control.tempo().before(now.min(self.control.stopped_at())));
        let planned = match self.source {
            Source::Synthetic(_) | Source::Own(_) => planned.map(|events| self.lanes.share(events)),
            // Nobody knows what will come in.
            Source::Web(_) | Source::Mirrored(_) => None,
            // A recording ends, and which of its events are a part's own is known when they are drawn.
            Source::RetailRocket(_) | Source::Recorded(_) => {
                let there = |events: u64| self.source.len().map_or(events, |rows| events.min(rows));
                planned.map(there).filter(|_| self.lanes.count == self.lanes.all)
            }
        };
        planned.unwrap_or(drawn).max(drawn).max(self.scheduled)
    }

    /// Events due without a final answer; `None` where none has a due time.
    fn backlog_now(&self, now: Nanos) -> Option<u64> {
        self.schedule.has_due_times().then(|| self.scheduled(now).saturating_sub(self.traffic.settled()))
    }
}

impl Subject for Load<'_> {
    fn is_bounded(&self) -> bool {
        let goes_on = match self.source {
            Source::Web(_) => true,
            Source::Mirrored(mirror) => !mirror.config().is_bounded,
            _ => false,
        };
        !goes_on || self.schedule.ends_at().is_some() || self.schedule.count().is_some()
    }

    fn look(&mut self, mut look: Look<'_>) {
        let goes_on = look.stage == Stage::Sending && self.control.stopped_at() == Nanos::MAX;
        self.absent += look.absent;
        self.last_answer += look.absent;
        if look.percent != self.percent && goes_on && self.schedule.has_due_times() {
            self.change_rate(&mut look);
        }
        let Look { stage, now, watched, .. } = look;
        if let Some(problem) = self.topic.as_ref().and_then(Problem::take) {
            watched.cluster_error = Some(problem);
            self.control.stop_at(now);
        }
        if let Some(end) = self.schedule.ends_at()
            && stage == Stage::Sending
            && now > self.control.tempo().at(end) + Nanos::from(self.overrun) + self.absent
            && self.control.stopped_at() == Nanos::MAX
        {
            watched.ended_by =
                Some(format!("events were still waiting to be sent {:?} after the schedule's end", self.overrun));
            self.control.stop_at(self.control.tempo().at(end));
        }
        if let Some(backlog) = self.backlog_now(now) {
            self.backlog.note(backlog);
        }
    }

    fn row(
        &mut self,
        sampler: &Sampler,
        now: Nanos,
        rebalances: Vec<String>,
        watched: &mut WatchRecord,
    ) -> TimelineRow {
        let scheduled = self.scheduled(now);
        let tempo = self.control.tempo();
        self.judged = self.row_before >= tempo.at(self.schedule.warm_up_ends());
        for (lane, said) in sampler.statistics() {
            watched.client.note(lane, &said, self.judged);
        }
        let (interval, total) = sampler.both();
        self.held = tempo.percent() == 0 || !self.by_hand.is_empty();
        let outstanding = total.sent.saturating_sub(total.acked + total.refused + total.unanswered + total.aborted);
        self.note_silence(interval, outstanding, now, &mut watched.cluster_error);
        let client = &watched.client;
        let troubles = [client.retries(), client.timeouts(), client.throttle_ms.sum];
        let mut marks = std::mem::take(&mut self.by_hand);
        marks.extend(self.faults.take());
        marks.extend(rebalances);
        marks.extend(marks::of_interval(interval, self.slots));
        marks.extend(marks::of_client(std::mem::replace(&mut self.troubles, troubles), troubles));
        let row = TimelineRow {
            scheduled: scheduled - self.scheduled,
            outstanding,
            // The last row may end before anybody has looked.
            backlog: self.backlog.take().or_else(|| self.backlog_now(now)),
            unread: self.reads_aborted.map(|aborted_too| {
                (total.acked + if aborted_too { total.aborted } else { 0 }).saturating_sub(total.seen)
            }),
            marks,
            group_lag: self.lag.as_ref().and_then(Lag::latest),
            ..row_of(interval, now, self.schedule.has_due_times())
        };
        (self.scheduled, self.row_before) = (scheduled, now);
        watched.peak_scheduled = watched.peak_scheduled.max(Some(row.scheduled));
        watched.peak_sent = watched.peak_sent.max(Some(row.sent));
        row
    }

    fn tell<'t>(&'t self, tick: Tick<'t>) -> Tick<'t> {
        let tempo = self.control.tempo();
        Tick {
            scheduled: self.scheduled,
            judged: self.judged,
            warm_up_ends: tempo.at(self.schedule.warm_up_ends()),
            held: self.held,
            phases: &self.phases,
            percent: tempo.percent(),
            ..tick
        }
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
    let response = whole.latency(Kind::ResponseTime).summary();
    TimelineRow {
        at_s: now.as_secs_f64(),
        sent: interval.sent,
        acked: interval.acked,
        seen: interval.seen,
        failed: interval.refused + interval.unanswered,
        refused: interval.refused,
        response_p50_us: response.p50,
        response_p90_us: response.p90,
        response_p99_us: response.p99,
        response_max_us: response.max,
        service_p99_us: whole.latency(Kind::ServiceTime).quantile(0.99),
        end_to_end_p90_us: whole.latency(Kind::EndToEnd).quantile(0.9),
        end_to_end_p99_us: whole.latency(Kind::EndToEnd).quantile(0.99),
        slip_p90_us: whole.latency(Kind::Slip).quantile(0.9).filter(|_| has_due_times),
        slip_p99_us: whole.latency(Kind::Slip).quantile(0.99).filter(|_| has_due_times),
        lateness_p99_us: whole.latency(Kind::Lateness).quantile(0.99).filter(|_| has_due_times),
        capped_p99_us: whole.latency(Kind::Capped).quantile(0.99).filter(|_| has_due_times),
        ..TimelineRow::default()
    }
}
