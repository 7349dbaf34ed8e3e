//! A run as a series of seconds: counts, and the histograms of each latency as sparse buckets.

use std::collections::BTreeMap;

use super::Bundle;
use super::figures::float;
use super::quantity::Quantity;
use crate::recording::{Interval, LatencyKind};
use crate::report::{LatencySummary, TimelineRow};

/// A run, second by second, without its warm-up.
#[derive(Clone, Debug, Default)]
pub(super) struct Series {
    /// What happened in each second.
    pub(super) seconds: Vec<Second>,
    /// The samples of each second, by kind.
    pub(super) latencies: BTreeMap<LatencyKind, Samples>,
}

/// The counts of one second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Second {
    /// How long it was.
    pub(super) length_s: f64,
    /// Handed to the client.
    pub(super) sent: u64,
    /// Acked.
    pub(super) acked: u64,
    /// Processor time; `None` where it was not read.
    pub(super) cpu_ms: Option<u64>,
}

/// The samples of one latency, second by second.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples {
    /// Every bucket that any second uses, ascending.
    pub(super) buckets: Vec<Bucket>,
    /// The seconds.
    pub(super) seconds: Vec<Sparse>,
    /// From here on a value means "at least": the smallest censored sample, or the end of the histogram's range.
    pub(super) at_least_from: Option<u64>,
}

/// A range of values that a histogram does not tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bucket {
    /// The smallest of them.
    pub(super) low: u64,
    /// How many there are.
    pub(super) width: u64,
}

/// One second's samples: for each used bucket how many samples lie in it or below.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sparse {
    /// Indices into the run's buckets, ascending.
    ranks: Vec<u32>,
    /// Samples at or below each.
    upto: Vec<u64>,
}

impl Sparse {
    /// Samples in the second.
    pub(super) fn total(&self) -> u64 {
        self.upto.last().copied().unwrap_or(0)
    }

    /// Each used rank and its samples.
    pub(super) fn counts(&self) -> impl Iterator<Item = (usize, u64)> {
        let below = std::iter::once(&0).chain(&self.upto);
        self.ranks.iter().zip(self.upto.iter().zip(below)).map(|(rank, (upto, below))| (*rank as usize, upto - below))
    }

    /// The rank of the largest sample.
    pub(super) fn largest(&self) -> Option<usize> {
        self.ranks.last().map(|rank| *rank as usize)
    }

    /// Samples in buckets up to `rank`.
    pub(super) fn upto(&self, rank: usize) -> u64 {
        let used = self.ranks.partition_point(|used| *used as usize <= rank);
        if used == 0 { 0 } else { self.upto[used - 1] }
    }
}

impl Samples {
    /// From each second's buckets and counts, in any order.
    pub(super) fn new(seconds: Vec<Vec<(Bucket, u64)>>, at_least_from: Option<u64>) -> Self {
        let mut buckets: Vec<Bucket> = seconds.iter().flatten().map(|(bucket, _)| *bucket).collect();
        buckets.sort_unstable();
        buckets.dedup_by_key(|bucket| bucket.low);
        let seconds = seconds.into_iter().map(|second| sparse(second, &buckets)).collect();
        Self { buckets, seconds, at_least_from }
    }

    /// Its first `n` seconds.
    fn truncate(&mut self, n: usize) {
        self.seconds.truncate(n);
    }

    /// Second and count of each bucket's samples, the buckets one after the other, and where each begins; the last of
    /// these is the end.
    pub(super) fn by_bucket(&self) -> (Vec<(usize, u64)>, Vec<usize>) {
        let mut begins = vec![0; self.buckets.len() + 1];
        for rank in self.seconds.iter().flat_map(|second| &second.ranks) {
            begins[*rank as usize + 1] += 1;
        }
        for rank in 0..self.buckets.len() {
            begins[rank + 1] += begins[rank];
        }
        let mut next = begins.clone();
        let mut samples = vec![(0, 0); begins.last().copied().unwrap_or(0)];
        for (second, used) in self.seconds.iter().enumerate() {
            for (rank, count) in used.counts() {
                samples[next[rank]] = (second, count);
                next[rank] += 1;
            }
        }
        (samples, begins)
    }

    /// Samples in all seconds.
    pub(super) fn total(&self) -> u64 {
        self.seconds.iter().map(Sparse::total).sum()
    }

    /// The largest bucket in use.
    pub(super) fn largest(&self) -> Option<Bucket> {
        let rank = self.seconds.iter().filter_map(Sparse::largest).max()?;
        self.buckets.get(rank).copied()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a histogram has far fewer than 2^32 buckets")]
fn sparse(mut second: Vec<(Bucket, u64)>, buckets: &[Bucket]) -> Sparse {
    second.sort_unstable();
    let mut built = Sparse::default();
    let mut total = 0;
    for (bucket, count) in second.into_iter().filter(|(_, count)| *count > 0) {
        let rank = buckets.partition_point(|known| known.low < bucket.low) as u32;
        total += count;
        if built.ranks.last() == Some(&rank) {
            built.upto.pop();
        } else {
            built.ranks.push(rank);
        }
        built.upto.push(total);
    }
    built
}

impl Series {
    /// The seconds of a run after its warm-up and up to the end of its schedule. What came later, while the run drained,
    /// counts to the last of them, except for the acked rate, which is about the time of the schedule.
    pub(super) fn of(bundle: &Bundle) -> Self {
        let run = &bundle.report.run;
        let grid = Grid::new(&bundle.report.timeline, run.warm_up_s, run.measured_s);
        let mut latencies = BTreeMap::new();
        for kind in Quantity::KINDS {
            let Some(intervals) = bundle.recording.intervals.get(&kind) else { continue };
            let at_least_from = kind.of(&bundle.report.latency_us).and_then(at_least_from);
            latencies.insert(kind, Samples::new(grid.bins(intervals), at_least_from));
        }
        latencies.retain(|_, samples| samples.total() > 0);
        Self { seconds: grid.seconds, latencies }
    }

    /// Its first `n` seconds.
    pub(super) fn truncate(&mut self, n: usize) {
        self.seconds.truncate(n);
        self.latencies.values_mut().for_each(|samples| samples.truncate(n));
    }
}

/// Where the values of a latency begin to be lower bounds.
fn at_least_from(summary: &LatencySummary) -> Option<u64> {
    let saturated = if summary.saturated > 0 { summary.max } else { None };
    [summary.censored_from.filter(|_| summary.censored > 0), saturated].into_iter().flatten().min()
}

/// The rows of a timeline as seconds, and which second an instant belongs to.
struct Grid {
    seconds: Vec<Second>,
    /// The end of each row of the timeline, and the second it went into; `None` for the warm-up.
    rows: Vec<(f64, Option<usize>)>,
}

impl Grid {
    fn new(timeline: &[TimelineRow], warm_up_s: f64, measured_s: f64) -> Self {
        let mut grid = Self { seconds: Vec::new(), rows: Vec::new() };
        let mut start = 0.0;
        for row in timeline {
            let length_s = (row.at_s - start).max(0.0);
            let second = Second { length_s, sent: row.sent, acked: row.acked, cpu_ms: row.cpu_ms };
            let middle = start + length_s / 2.0;
            let place = if middle < warm_up_s {
                None
            } else if middle > measured_s {
                grid.drain(second)
            } else {
                Some(grid.push(second))
            };
            grid.rows.push((row.at_s, place));
            start = start.max(row.at_s);
        }
        grid
    }

    /// Adds a second of the schedule; the rest of one, less than half, to the one before.
    fn push(&mut self, second: Second) -> usize {
        match self.seconds.last_mut() {
            Some(last) if second.length_s < 0.5 => {
                last.length_s += second.length_s;
                last.sent += second.sent;
                last.acked += second.acked;
                last.cpu_ms = last.cpu_ms.zip(second.cpu_ms).map(|(a, b)| a + b);
            }
            _ => self.seconds.push(second),
        }
        self.seconds.len() - 1
    }

    /// What came after the schedule: its work belongs to the events, its time does not.
    fn drain(&mut self, second: Second) -> Option<usize> {
        let last = self.seconds.last_mut()?;
        last.cpu_ms = last.cpu_ms.zip(second.cpu_ms).map(|(a, b)| a + b);
        Some(self.seconds.len() - 1)
    }

    /// The samples of each second.
    fn bins(&self, intervals: &[Interval]) -> Vec<Vec<(Bucket, u64)>> {
        let mut bins = vec![Vec::new(); self.seconds.len()];
        for interval in intervals {
            let Some(second) = self.place(interval.ends_s) else { continue };
            let histogram = &interval.histogram;
            bins[second].extend(histogram.iter_recorded().map(|step| {
                let low = histogram.lowest_equivalent(step.value_iterated_to());
                let width = histogram.next_non_equivalent(low) - low;
                (Bucket { low, width }, step.count_since_last_iteration())
            }));
        }
        bins
    }

    /// The second of the row whose end is nearest.
    fn place(&self, ends_s: f64) -> Option<usize> {
        let after = self.rows.partition_point(|(end, _)| *end < ends_s);
        let before = after.checked_sub(1).and_then(|index| self.rows.get(index));
        let nearest = match (before, self.rows.get(after)) {
            (Some(before), Some(after)) if ends_s - before.0 < after.0 - ends_s => Some(before),
            (before, after) => after.or(before),
        };
        nearest.and_then(|(_, second)| *second)
    }
}

/// Sums up to each second, over the series twice, so that a block may run over the end: `sums[s + n] - sums[s]`.
pub(super) fn running_sums(values: impl Iterator<Item = f64> + Clone) -> Box<[f64]> {
    let mut total = 0.0;
    let mut sums = vec![0.0];
    for value in values.clone().chain(values) {
        total += value;
        sums.push(total);
    }
    sums.into()
}

impl Series {
    /// Running sums of each second's length.
    pub(super) fn lengths(&self) -> Box<[f64]> {
        running_sums(self.seconds.iter().map(|second| second.length_s))
    }

    /// Running sums of the events sent.
    pub(super) fn sent(&self) -> Box<[f64]> {
        running_sums(self.seconds.iter().map(|second| float(second.sent)))
    }

    /// Running sums of the events acked.
    pub(super) fn acked(&self) -> Box<[f64]> {
        running_sums(self.seconds.iter().map(|second| float(second.acked)))
    }

    /// Running sums of the processor time; `None` where a second lacks it.
    pub(super) fn cpu_ms(&self) -> Option<Box<[f64]>> {
        let all: Option<Vec<u64>> = self.seconds.iter().map(|second| second.cpu_ms).collect();
        all.map(|all| running_sums(all.into_iter().map(float)))
    }
}
