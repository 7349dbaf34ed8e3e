//! What the view shows, gathered from a run's ticks: plain data, so that drawing is a function of it.

use std::cell::Cell;
use std::collections::VecDeque;

use crate::figures::{self, as_f64};
use crate::measure::{LatencyHistogram, PartitionShard};
use crate::progress::glance::{dotted, results};
use crate::report::GateResult;
use crate::report::latency::Kind;
use crate::run::{Stage, Tick};

/// Seconds that the small charts reach back.
const HISTORY: usize = 240;
/// Lines kept for the list of what happened.
const HAPPENED: usize = 200;
/// What happens again within so many seconds is told in the line that is there.
const AGAIN_S: f64 = 10.0;

/// What does not change while the run goes on.
#[derive(Clone, Debug, Default)]
pub(super) struct Title {
    /// What runs against what.
    pub(super) text: String,
    /// Events that will come due, where known.
    pub(super) total: Option<u64>,
    /// When the schedule ends by its own time, in seconds, where known.
    pub(super) ends_s: Option<f64>,
    /// Whether events are read back.
    pub(super) verifying: bool,
    /// Whether nothing is sent, only read.
    pub(super) reading: bool,
    /// Whether the rate can be changed; else why not.
    pub(super) fixed: Option<&'static str>,
}

/// A run as it stands.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) title: Title,
    pub(super) now_s: f64,
    pub(super) draining: bool,
    /// Whether it was asked to end.
    pub(super) stopping: bool,
    /// The rate in percent of the plan, as it is and as it was asked for.
    pub(super) percent: u32,
    pub(super) wished: u32,
    /// The rate to which a hold goes back.
    pub(super) before_hold: u32,
    pub(super) seconds: VecDeque<Second>,
    pub(super) latencies: Vec<(&'static str, Latency)>,
    pub(super) ledger: Ledger,
    pub(super) read: Read,
    /// Acked, or read where nothing is sent, in the last second, by partition.
    pub(super) partitions: Vec<u64>,
    /// Of several topics, the partitions of each.
    pub(super) topics: Vec<(String, usize)>,
    pub(super) group_lag: Option<u64>,
    /// What came out downstream so far.
    pub(super) results: String,
    pub(super) gates: Vec<GateResult>,
    pub(super) happened: VecDeque<Happened>,
    /// Where the lists are scrolled to.
    pub(super) lists: Lists,
    pub(super) help: bool,
    /// How long the runs before took, in seconds.
    before_s: f64,
    failed_before: (u64, u64),
    findings_before: [u64; 5],
    /// Results that are wrong or came twice, by expectation.
    bad_before: Vec<(String, u64)>,
}

/// Lists of which there may be more than there is room for.
#[derive(Clone, Debug, Default)]
pub(super) struct Lists {
    /// Lines of what happened that lie below those shown.
    pub(super) below: usize,
    /// The first gate shown.
    pub(super) gate: usize,
    /// Rows of what happened and of gates, as last drawn.
    pub(super) room: Cell<(usize, usize)>,
}

/// Something that happened, once or again and again.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Happened {
    /// When it did first, and when last.
    pub(super) from_s: f64,
    pub(super) until_s: f64,
    what: String,
    /// How many times, or to how many events.
    count: u64,
    events: bool,
}

impl Happened {
    pub(super) fn text(&self) -> String {
        match (self.events, self.count) {
            (true, events) => format!("{} {}", figures::counted(events, "event"), self.what),
            (false, 1) => self.what.clone(),
            (false, times) => format!("{} ({} times)", self.what, figures::count(times)),
        }
    }
}

/// A second of the run, per second.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Second {
    pub(super) planned: u64,
    pub(super) offered: u64,
    pub(super) acked: u64,
    pub(super) seen: u64,
    /// Due and not confirmed; confirmed and not read, where that is known.
    pub(super) unacked: u64,
    pub(super) unread: Option<u64>,
    /// The highest quantile of response time that is known of it, in us.
    pub(super) response: Option<u64>,
}

/// A second's latency, in us.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Latency {
    pub(super) p50: Option<u64>,
    pub(super) p90: Option<u64>,
    pub(super) p99: Option<u64>,
    pub(super) max: Option<u64>,
}

/// Every event that came due, by what is known of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ledger {
    pub(super) scheduled: u64,
    pub(super) seen: u64,
    pub(super) acked: u64,
    pub(super) waiting: u64,
    pub(super) unsent: u64,
    pub(super) refused: u64,
    pub(super) unanswered: u64,
}

/// Every event that was read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Read {
    pub(super) seen: u64,
    /// Numbers between the first and the last of each lane that were not read.
    pub(super) gaps: u64,
    /// Of each of [`FINDINGS`].
    pub(super) found: [u64; 5],
}

/// What a reader finds.
pub(super) const FINDINGS: [&str; 5] = ["seen twice", "out of order", "damaged", "invalid", "of other producers"];

impl State {
    pub(super) fn new(title: Title) -> Self {
        Self { title, percent: 100, wished: 100, before_hold: 100, ..Self::default() }
    }

    /// Goes on with another run: what happened stays, by a clock that goes on.
    pub(super) fn begin(&mut self, title: Title) {
        let before_s = self.before_s + self.now_s;
        let (happened, lists) = (std::mem::take(&mut self.happened), self.lists.clone());
        *self = Self { happened, lists, before_s, stopping: self.stopping, help: self.help, ..Self::new(title) };
    }

    /// Scrolls what happened by so many lines towards the past, or back.
    pub(super) fn scroll(&mut self, back: isize) {
        let most = self.happened.len().saturating_sub(self.lists.room.get().0);
        self.lists.below = self.lists.below.min(most).saturating_add_signed(back).min(most);
    }

    /// Shows the gates behind those shown, the first ones behind the last.
    pub(super) fn next_gates(&mut self) {
        let next = self.lists.gate + self.lists.room.get().1.max(1);
        self.lists.gate = if next < self.gates.len() { next } else { 0 };
    }

    /// Takes in a second of the run.
    pub(super) fn tick(&mut self, tick: &Tick<'_>, gates: Vec<GateResult>) {
        let (row, total) = (tick.row, tick.total);
        let seconds = tick.now.as_secs_f64() - self.now_s;
        let per_s = |count: u64| if seconds > 0.0 { rounded(as_f64(count) / seconds) } else { count };
        self.now_s = tick.now.as_secs_f64();
        self.draining = tick.stage == Stage::Draining;
        self.percent = tick.percent;
        let failed = total.refused + total.unanswered;
        let whole = tick.interval.with_warm_up();
        self.push(Second {
            planned: per_s(row.scheduled),
            offered: per_s(row.sent),
            acked: per_s(row.acked),
            seen: per_s(row.seen),
            unacked: tick.scheduled.saturating_sub(total.acked + failed),
            unread: row.unread,
            response: {
                let kind = if self.title.reading { Kind::EndToEnd } else { Kind::ResponseTime };
                let response = whole.latency(kind).summary();
                response.p99.or(response.p90).or(response.p50).or(response.max)
            },
        });
        let of = |histogram: &LatencyHistogram| {
            let summary = histogram.summary();
            Latency { p50: summary.p50, p90: summary.p90, p99: summary.p99, max: summary.max }
        };
        let sends = !self.title.reading;
        let all = [
            ("slip", whole.latency(Kind::Slip), sends && self.title.fixed != Some(NO_DUE_TIMES)),
            ("service", whole.latency(Kind::ServiceTime), sends),
            ("response", whole.latency(Kind::ResponseTime), sends),
            ("end-to-end", whole.latency(Kind::EndToEnd), self.title.verifying),
        ];
        self.latencies =
            all.into_iter().filter(|(_, _, known)| *known).map(|(name, latency, _)| (name, of(latency))).collect();
        self.ledger = Ledger {
            scheduled: tick.scheduled,
            seen: total.seen.min(total.acked),
            acked: total.acked.saturating_sub(total.seen),
            waiting: total.sent.saturating_sub(total.acked + failed),
            unsent: tick.scheduled.saturating_sub(total.sent),
            refused: total.refused,
            unanswered: total.unanswered,
        };
        let found = &total.found;
        self.read = Read {
            seen: total.seen,
            gaps: tick.gaps.unwrap_or(0),
            found: [found.duplicates, found.reordered, found.damaged, found.invalid, found.foreign],
        };
        let count = |partition: &PartitionShard| if sends { partition.acked } else { partition.seen };
        self.partitions = tick.interval.partitions.iter().map(count).collect();
        let topics = || tick.slots.topics();
        self.topics = topics()
            .filter(|_| topics().count() > 1)
            .map(|(name, partitions)| (name.to_owned(), usize::try_from(partitions).unwrap_or(0)))
            .collect();
        self.group_lag = row.group_lag;
        self.results = dotted(results(tick.results));
        self.gates = gates;
        for mark in &row.marks {
            self.note(mark.clone());
        }
        self.note_failures(tick);
    }

    /// What went wrong in this second, as something that happened.
    fn note_failures(&mut self, tick: &Tick<'_>) {
        let total = tick.total;
        let failed = (total.refused, total.unanswered);
        for (now, before, what) in
            [(failed.0, self.failed_before.0, "refused"), (failed.1, self.failed_before.1, "left without an answer")]
        {
            if now > before {
                self.note_events(now - before, what);
            }
        }
        self.failed_before = failed;
        let findings = self.read.found;
        for ((now, before), what) in findings.into_iter().zip(self.findings_before).zip(FINDINGS) {
            if now > before {
                self.note_events(now - before, what);
            }
        }
        self.findings_before = findings;
        let bad: Vec<_> = tick.results.iter().map(|of| (of.name.clone(), of.wrong + of.twice)).collect();
        for (name, now) in &bad {
            let before = self.bad_before.iter().find(|(known, _)| known == name).map_or(0, |(_, count)| *count);
            if *now > before {
                self.note(format!("{} of {name} wrong, or there twice", figures::counted(now - before, "result")));
            }
        }
        self.bad_before = bad;
    }

    /// Notes something that happened now.
    pub(super) fn note(&mut self, what: String) {
        self.happens(what, 1, false);
    }

    /// Notes what happened to so many events.
    pub(super) fn note_events(&mut self, count: u64, what: &str) {
        self.happens(what.to_owned(), count, true);
    }

    fn happens(&mut self, what: String, count: u64, events: bool) {
        let now_s = self.before_s + self.now_s;
        let again =
            |known: &&mut Happened| known.what == what && known.events == events && now_s - known.until_s <= AGAIN_S;
        if let Some(known) = self.happened.iter_mut().rev().find(again) {
            (known.until_s, known.count) = (now_s, known.count + count);
            return;
        }
        if self.happened.len() == HAPPENED {
            self.happened.pop_front();
        }
        if self.lists.below > 0 {
            // Who looks at the past goes on looking at it.
            self.lists.below += 1;
        }
        self.happened.push_back(Happened { from_s: now_s, until_s: now_s, what, count, events });
    }

    fn push(&mut self, second: Second) {
        if self.seconds.len() == HISTORY {
            self.seconds.pop_front();
        }
        self.seconds.push_back(second);
    }

    /// How much of the run is done, 0 to 1: by events, else by time.
    pub(super) fn done(&self) -> Option<f64> {
        let done = if self.title.reading { self.read.seen } else { self.ledger.scheduled };
        let by_count = self.title.total.and_then(|total| figures::ratio(done, total));
        let by_time = || self.title.ends_s.filter(|end| *end > 0.0).map(|end| self.now_s / end);
        by_count.or_else(by_time).map(|share| share.clamp(0.0, 1.0))
    }
}

/// Why the rate of a run without due times cannot be changed.
pub const NO_DUE_TIMES: &str = "rate unlimited: there is no plan to be faster or slower than";

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, and rates are positive")]
fn rounded(rate: f64) -> u64 {
    rate.round() as u64
}
