//! What the rules look at: the judged part of the timeline, what is usual in it, and where it departs from that.

use crate::figures;
use crate::output::stalls::{Stall, stalls};
use crate::report::{RunReport, StallReport, TimelineRow};

/// Rows that a baseline needs.
const ROWS_NEEDED: usize = 10;
/// Times the usual p99 from which a second stands out.
const TIMES_USUAL: u64 = 3;
/// Events that make a p99 one: 10 beyond it.
const EVENTS_NEEDED: u64 = 1_000;
/// How far above the usual p99 a second stands out, us: less than this is noise of a busy machine.
const ABOVE_USUAL_US: u64 = 10_000;

/// The shortest stall that rows can show, with the tolerance of their ends.
const A_SECOND: f64 = 0.9;
/// How busy all processors of a machine are, in percent, when whatever runs on it has to wait.
const BUSY_PERCENT: u64 = 90;

/// A run as the rules see it.
pub(super) struct Evidence<'a> {
    pub(super) report: &'a RunReport,
    /// The timeline without the warm-up.
    pub(super) rows: Vec<&'a TimelineRow>,
    pub(super) stalls: Vec<Stall>,
}

/// Seconds in a row that stand out.
pub(super) struct Episode<'a> {
    pub(super) from_s: f64,
    pub(super) until_s: f64,
    pub(super) rows: Vec<&'a TimelineRow>,
}

impl<'a> Evidence<'a> {
    pub(super) fn of(report: &'a RunReport) -> Self {
        let rows = report.timeline.iter().filter(|row| row.at_s > report.run.warm_up_s).collect();
        let mut stalls = stalls(&report.timeline);
        stalls.retain(|stall| stall.until_s > report.run.warm_up_s);
        // Nothing was heard while nobody was there to hear: that is no silence of the cluster. Nor is the wait for a new connection.
        let explained_s = |stall: &Stall| {
            let absent_s = report.process.as_ref().map_or(0.0, |process| process.absent_s(stall.from_s, stall.until_s));
            absent_s + connecting_s(report, stall)
        };
        stalls.retain(|stall| stall.seconds() - explained_s(stall) >= A_SECOND);
        Self { report, rows, stalls }
    }

    pub(super) fn longest_stall(&self) -> Option<Stall> {
        self.stalls.iter().copied().max_by(|a, b| a.seconds().total_cmp(&b.seconds()))
    }

    /// The median of a value over the seconds that have it; `None` where there are too few of them.
    pub(super) fn usual(&self, of: impl Fn(&TimelineRow) -> Option<u64>) -> Option<u64> {
        let mut values: Vec<u64> = self.rows.iter().filter_map(|row| of(row)).collect();
        values.sort_unstable();
        (values.len() >= ROWS_NEEDED).then(|| values[values.len() / 2])
    }

    /// The episode with the highest value among those in which it stands out from what is usual, with this value and the
    /// usual one. A few slow events are no episode. Seconds in a stall, and
    /// the two after it in which the backlog goes, belong to the stall.
    pub(super) fn rise(&self, of: impl Fn(&TimelineRow) -> Option<u64>) -> Option<(Episode<'a>, u64, u64)> {
        let usual = self.usual(&of)?;
        let stands_out = |row: &TimelineRow| {
            of(row).is_some_and(|value| value >= usual * TIMES_USUAL && value >= usual + ABOVE_USUAL_US)
        };
        let apart = |row: &TimelineRow| {
            !self.stalls.iter().any(|stall| row.at_s > stall.from_s && row.at_s <= stall.until_s + 2.0)
        };
        let mut best: Option<(Episode<'a>, u64)> = None;
        let mut before_s = 0.0;
        let mut rows: Vec<(&'a TimelineRow, f64)> = Vec::new();
        for row in &self.rows {
            rows.push((row, before_s));
            before_s = row.at_s;
        }
        for episode in rows.chunk_by(|(a, _), (b, _)| (stands_out(a) && apart(a)) == (stands_out(b) && apart(b))) {
            let Some(((first, from_s), (last, _))) = episode.first().zip(episode.last()) else { continue };
            if !(stands_out(first) && apart(first)) {
                continue;
            }
            if episode.iter().map(|(row, _)| row.acked).sum::<u64>() < EVENTS_NEEDED {
                continue;
            }
            let peak = episode.iter().filter_map(|(row, _)| of(row)).max().unwrap_or(0);
            if best.as_ref().is_none_or(|(_, highest)| peak > *highest) {
                let rows = episode.iter().map(|(row, _)| *row).collect();
                best = Some((Episode { from_s: *from_s, until_s: last.at_s, rows }, peak));
            }
        }
        best.map(|(episode, peak)| (episode, peak, usual))
    }

    /// What this process was short of between two times, in words.
    pub(super) fn shortage(&self, from_s: f64, until_s: f64) -> Option<String> {
        let process = self.report.process.as_ref();
        let absent_s = process.map_or(0.0, |process| process.absent_s(from_s, until_s));
        if absent_s > 0.0 {
            return Some(format!("this process did not run for {} of it", figures::duration_s(absent_s)));
        }
        let within = || self.rows.iter().filter(|row| row.at_s > from_s && row.at_s <= until_s);
        let throttled_ms: u64 = within().filter_map(|row| row.throttled_ms).sum();
        if throttled_ms > 0 {
            let throttled = figures::duration_us(throttled_ms * 1_000);
            return Some(format!("its control group's quota held it back for {throttled}"));
        }
        let busiest = within().filter_map(|row| row.machine_busy_percent).max()?;
        (busiest >= BUSY_PERCENT).then(|| format!("its processors were {busiest} % busy"))
    }

    /// The first thing that was noted from two seconds before until the end of a stretch.
    pub(super) fn mark(&self, from_s: f64, until_s: f64) -> Option<&'a str> {
        let within = |row: &&&TimelineRow| row.at_s > from_s - 2.0 && row.at_s <= until_s;
        self.rows.iter().filter(within).find_map(|row| row.marks.first()).map(String::as_str)
    }
}

/// How much of a silence went into a new connection in place of one that was idle.
fn connecting_s(report: &RunReport, stall: &Stall) -> f64 {
    let waits = report.availability.iter().flat_map(|of| &of.stalls).filter(|wait| wait.what == "connect");
    let overlap = |wait: &StallReport| (wait.from_s + wait.length_s).min(stall.until_s) - wait.from_s.max(stall.from_s);
    waits.map(overlap).fold(0.0, f64::max)
}

impl Episode<'_> {
    /// The largest of a value in it.
    pub(super) fn most(&self, of: impl Fn(&TimelineRow) -> Option<u64>) -> u64 {
        self.rows.iter().filter_map(|row| of(row)).max().unwrap_or(0)
    }
}
