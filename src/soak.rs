//! Runs of hours and days: whether latency or memory drifts, and a timeline that does not grow without end.
//!
//! A drift is a rise that is more than chance (see [`trend`]) and enough to matter, over the run as a whole.

pub mod timeline;
pub mod trend;

use crate::figures::{as_f64, whole};
use crate::report::TimelineRow;
pub use crate::report::drift::{Drift, DriftVerdict, SeriesDrift, Trend};
pub use timeline::Timeline;

/// Seconds in one point of a trend, at first.
const MINUTE: f64 = 60.0;
/// When there are this many points, neighbours are joined: trends compare every point with every other.
const MOST_POINTS: usize = 1_024;
/// With fewer points nothing is said.
const FEWEST_POINTS: usize = 10;

/// What is watched, by its name in the timeline, and what counts as drift: an increase over the whole run by at least
/// this part and at least this much.
const SERIES: [Series; 4] = [
    Series { name: "response_p50_us", part: 0.2, amount: 1_000.0, of: |row| row.response_p50_us },
    Series { name: "response_p99_us", part: 0.2, amount: 1_000.0, of: |row| row.response_p99_us },
    Series { name: "end_to_end_p99_us", part: 0.2, amount: 1_000.0, of: |row| row.end_to_end_p99_us },
    Series { name: "rss_kib", part: 0.05, amount: 10_240.0, of: |row| row.rss_kib },
];

struct Series {
    name: &'static str,
    part: f64,
    amount: f64,
    of: fn(&TimelineRow) -> Option<u64>,
}

/// Collects a run's seconds into minutes and judges them. Memory is bounded.
#[derive(Clone, Debug)]
pub struct Soak {
    from_s: f64,
    step_s: f64,
    /// The minute under way: its number, and the values of its seconds.
    minute: u64,
    open: [Vec<u64>; SERIES.len()],
    /// Minutes passed: time and value.
    points: [Vec<(f64, f64)>; SERIES.len()],
}

impl Soak {
    /// Judges from `from_s` seconds after the start: the warm-up is left out.
    #[must_use]
    pub fn new(from_s: f64) -> Self {
        Self { from_s, step_s: MINUTE, minute: 0, open: Default::default(), points: Default::default() }
    }

    /// Takes a second of the run.
    pub fn push(&mut self, row: &TimelineRow) {
        let since = row.at_s - self.from_s;
        // A row ends at its time, so the one at 60.0 is the last of the first minute.
        if since <= 0.0 {
            return;
        }
        let minute = |step_s: f64| whole(((since - 1e-6) / step_s).floor());
        if minute(self.step_s) != self.minute {
            self.close();
            // Closing may have made the minutes longer.
            self.minute = minute(self.step_s);
        }
        for (values, watched) in self.open.iter_mut().zip(&SERIES) {
            values.extend((watched.of)(row));
        }
    }

    /// What is known by now. The minute under way does not count.
    #[must_use]
    pub fn drift(&self) -> Drift {
        let judged = SERIES.iter().zip(&self.points).filter(|(_, points)| !points.is_empty());
        let series: Vec<_> = judged.map(|(watched, points)| watched.judge(points)).collect();
        let any = |verdict| series.iter().any(|series| series.verdict == verdict);
        let verdict = if any(DriftVerdict::Drifting) {
            DriftVerdict::Drifting
        } else if series.is_empty() || any(DriftVerdict::Unevaluated) {
            DriftVerdict::Unevaluated
        } else {
            DriftVerdict::Steady
        };
        Drift { verdict, series }
    }

    /// Ends the minute under way: its value is the median of its seconds, so that one bad second is no trend.
    fn close(&mut self) {
        let middle_s = self.from_s + (as_f64(self.minute) + 0.5) * self.step_s;
        for (values, points) in self.open.iter_mut().zip(&mut self.points) {
            values.sort_unstable();
            points.extend(values.get(values.len() / 2).map(|middle| (middle_s, as_f64(*middle))));
            values.clear();
        }
        if self.points.iter().any(|points| points.len() >= MOST_POINTS) {
            for points in &mut self.points {
                let joined = points.chunks(2).map(|pair| {
                    let count = as_f64(pair.len() as u64);
                    let sums = pair.iter().fold((0.0, 0.0), |sums, point| (sums.0 + point.0, sums.1 + point.1));
                    (sums.0 / count, sums.1 / count)
                });
                *points = joined.collect();
            }
            self.step_s *= 2.0;
        }
    }
}

impl Series {
    fn judge(&self, points: &[(f64, f64)]) -> SeriesDrift {
        let name = self.name.to_owned();
        let Some(trend) = (points.len() >= FEWEST_POINTS).then(|| Trend::of(points)).flatten() else {
            return SeriesDrift {
                name,
                verdict: DriftVerdict::Unevaluated,
                trend: None,
                change: None,
                change_percent: None,
            };
        };
        let change = trend.end - trend.start;
        let matters = change >= self.amount && change >= self.part * trend.start;
        let verdict = if trend.rises() && matters { DriftVerdict::Drifting } else { DriftVerdict::Steady };
        let change_percent = (trend.start > 0.0).then(|| change / trend.start * 100.0);
        SeriesDrift { name, verdict, trend: Some(trend), change: Some(change), change_percent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    /// A run of so many minutes: 10 ms of latency with noise that remembers, 80 MiB of memory, and what is added to both
    /// in each minute.
    fn run(seed: u64, minutes: u32, latency_per_minute: f64, memory_per_minute: f64) -> Soak {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut soak = Soak::new(0.0);
        let mut slow = 0.0;
        for second in 0..=minutes * 60 {
            let minute = f64::from(second) / 60.0;
            slow = 0.98 * slow + 300.0 * (random.random::<f64>() - 0.5);
            let stall = if random.random::<f64>() < 0.005 { 500_000.0 } else { 0.0 };
            let latency = 10_000.0 + slow + 2_000.0 * random.random::<f64>() + stall + latency_per_minute * minute;
            let memory = 80_000.0 + 500.0 * random.random::<f64>() + memory_per_minute * minute;
            soak.push(&TimelineRow {
                at_s: f64::from(second + 1),
                response_p99_us: Some(whole(latency.floor())),
                rss_kib: Some(whole(memory.floor())),
                ..TimelineRow::default()
            });
        }
        soak
    }

    fn drifting(runs: u64, minutes: u32, latency: f64, memory: f64) -> u64 {
        (0..runs)
            .map(|seed| u64::from(run(seed, minutes, latency, memory).drift().verdict == DriftVerdict::Drifting))
            .sum()
    }

    #[test]
    fn a_millisecond_a_minute_is_drift() {
        let drift = run(1, 30, 1_000.0, 0.0).drift();
        assert_eq!(drift.verdict, DriftVerdict::Drifting);
        let [latency, memory] = &drift.series[..] else { panic!("{drift:?}") };
        assert_eq!((latency.name.as_str(), latency.verdict), ("response_p99_us", DriftVerdict::Drifting));
        assert_eq!((memory.name.as_str(), memory.verdict), ("rss_kib", DriftVerdict::Steady));
        assert!((latency.trend.unwrap().per_s * 60.0 - 1_000.0).abs() < 100.0, "{latency:?}");
        assert!((latency.change.unwrap() - 29_000.0).abs() < 3_000.0, "{latency:?}");
        assert_eq!(drifting(100, 30, 1_000.0, 0.0), 100);
    }

    #[test]
    fn a_leak_of_a_mebibyte_a_minute_is_drift() {
        assert_eq!(drifting(100, 30, 0.0, 1_024.0), 100);
    }

    #[test]
    fn a_steady_run_is_hardly_ever_called_drifting() {
        for (minutes, runs) in [(12, 300), (30, 300), (240, 50)] {
            let found = drifting(runs, minutes, 0.0, 0.0);
            assert!(found * 100 <= runs, "{found} of {runs} runs of {minutes} minutes");
        }
    }

    #[test]
    fn a_rise_that_does_not_matter_is_no_drift() {
        let drift = run(1, 60, 0.0, 20.0).drift();
        let memory = &drift.series[1];
        assert!(memory.trend.unwrap().rises(), "it does rise");
        assert_eq!(memory.verdict, DriftVerdict::Steady, "but by 1.5 %");
    }

    #[test]
    fn falling_is_no_drift() {
        assert_eq!(run(1, 30, -200.0, -1_000.0).drift().verdict, DriftVerdict::Steady);
    }

    #[test]
    fn a_short_run_is_not_judged() {
        assert_eq!(run(1, 9, 1_000.0, 0.0).drift().verdict, DriftVerdict::Unevaluated);
        assert_eq!(Soak::new(0.0).drift(), Drift { verdict: DriftVerdict::Unevaluated, series: Vec::new() });
    }

    #[test]
    fn the_warm_up_is_left_out() {
        let mut soak = Soak::new(120.0);
        for second in 1_u32..=1_200 {
            let latency = if second <= 120 { 1 } else { 50_000 };
            soak.push(&TimelineRow { at_s: second.into(), response_p50_us: Some(latency), ..TimelineRow::default() });
        }
        let drift = soak.drift();
        assert_eq!(drift.verdict, DriftVerdict::Steady);
        assert_eq!(drift.series[0].trend.unwrap().points, 17);
    }

    #[test]
    fn days_are_kept_in_bounded_memory() {
        let mut soak = Soak::new(0.0);
        // Ten days, one row every 10 s; memory grows by a MiB an hour.
        for row in 1_u32..=86_400 {
            let at_s = f64::from(row) * 10.0;
            let rss_kib = Some(80_000 + whole((at_s / 3_600.0 * 1_024.0).floor()));
            soak.push(&TimelineRow { at_s, rss_kib, ..TimelineRow::default() });
        }
        let drift = soak.drift();
        assert_eq!(drift.verdict, DriftVerdict::Drifting);
        let trend = drift.series[0].trend.unwrap();
        assert!(trend.points < MOST_POINTS);
        assert!(soak.points[3].windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!((trend.per_s * 3_600.0 - 1_024.0).abs() < 1.0, "{trend:?}");
    }
}
