//! The statistics of a run over drawn seconds: exact quantiles of the merged histograms, and ratios of sums.
//!
//! A draw is a list of blocks, so a sum over a draw is a difference of running sums for each block. For quantiles there
//! is one column of running sums per bucket, made when the search first looks at that bucket: the draws of a run look at
//! the few buckets around each quantile again and again.

use std::collections::BTreeMap;

use super::dependence::mean;
use super::quantity::{Point, Quantity};
use super::series::{Samples, Series, Sparse, running_sums};
use crate::figures::as_f64;
use crate::recording::LatencyKind;

/// Seconds drawn from a series of `n`: blocks that start anywhere and run over its end to its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draw {
    /// First second of each block.
    pub(super) starts: Vec<usize>,
    /// Seconds in each block but the last.
    pub(super) length: usize,
    /// Seconds in the last block.
    pub(super) last: usize,
}

impl Draw {
    /// Every second once.
    pub(super) fn whole(n: usize) -> Self {
        Self { starts: vec![0], length: n, last: n }
    }

    fn sum(&self, sums: &[f64]) -> f64 {
        let Some((last, others)) = self.starts.split_last() else { return 0.0 };
        let others: f64 = others.iter().map(|start| sums[start + self.length] - sums[*start]).sum();
        others + sums[last + self.last] - sums[*last]
    }

    fn count(&self, sums: &[u64]) -> u64 {
        let Some((last, others)) = self.starts.split_last() else { return 0 };
        let others: u64 = others.iter().map(|start| sums[start + self.length] - sums[*start]).sum();
        others + sums[last + self.last] - sums[*last]
    }
}

/// The smallest latency told apart, in us: below it all values count as equal.
const RESOLUTION_US: f64 = 1.0;

/// One latency of one run, ready to be drawn from.
struct Columns {
    samples: Samples,
    /// Each bucket's samples by second, the buckets one after the other.
    by_bucket: Vec<(usize, u64)>,
    /// Where each bucket begins there; one more for the end.
    begins: Vec<usize>,
    /// Running counts of all samples.
    totals: Box<[u64]>,
    /// Running counts of the samples up to each bucket; `None` where no search looked yet.
    upto: Vec<Option<Box<[u64]>>>,
}

impl Columns {
    fn new(samples: Samples) -> Self {
        let totals = running_counts(&samples.seconds.iter().map(Sparse::total).collect::<Vec<_>>());
        let upto = vec![None; samples.buckets.len()];
        let (by_bucket, begins) = samples.by_bucket();
        Self { samples, by_bucket, begins, totals, upto }
    }

    /// Drawn samples in buckets up to `rank`.
    fn upto(&mut self, rank: usize, draw: &Draw) -> u64 {
        if self.upto[rank].is_none() {
            self.upto[rank] = Some(self.column(rank));
        }
        self.upto[rank].as_deref().map_or(0, |column| draw.count(column))
    }

    /// The running counts up to `rank`: those of the nearest column below, and what lies between.
    fn column(&self, rank: usize) -> Box<[u64]> {
        let below = self.upto[..rank].iter().rposition(Option::is_some);
        let first = below.map_or(0, |below| below + 1);
        let mut counts = vec![0; self.samples.seconds.len()];
        for (second, count) in &self.by_bucket[self.begins[first]..self.begins[rank + 1]] {
            counts[*second] += count;
        }
        let mut column = running_counts(&counts);
        if let Some(below) = below.and_then(|below| self.upto[below].as_deref()) {
            column.iter_mut().zip(below).for_each(|(sum, below)| *sum += below);
        }
        column
    }

    /// The value that a share `level` of the drawn samples does not exceed, the samples of a bucket spread evenly over
    /// it. `near` is the rank of the bucket where the last search ended. `None` without samples.
    fn quantile(&mut self, level: f64, draw: &Draw, near: &mut usize) -> Option<f64> {
        let total = draw.count(&self.totals);
        if total == 0 {
            return None;
        }
        let target = level * as_f64(total);
        let rank = self.search(target, draw, *near);
        *near = rank;
        let below = if rank == 0 { 0 } else { self.upto(rank - 1, draw) };
        let inside = self.upto(rank, draw) - below;
        let bucket = self.samples.buckets[rank];
        let share = if inside == 0 { 0.0 } else { (target - as_f64(below)) / as_f64(inside) };
        Some((as_f64(bucket.low) + as_f64(bucket.width) * share).max(RESOLUTION_US))
    }

    /// The first rank with at least `target` drawn samples up to it: strides away from `near` until it lies between,
    /// then halves.
    fn search(&mut self, target: f64, draw: &Draw, near: usize) -> usize {
        let last = self.upto.len() - 1;
        let near = near.min(last);
        let mut stride = 1;
        // Invariant: everything below `low` is too few, `high` is enough (the last bucket always is).
        let (mut low, mut high) = (0, last);
        if as_f64(self.upto(near, draw)) >= target {
            high = near;
            while high > low {
                let probe = high.saturating_sub(stride);
                if as_f64(self.upto(probe, draw)) >= target {
                    high = probe;
                    stride *= 2;
                } else {
                    low = probe + 1;
                    break;
                }
            }
        } else {
            low = (near + 1).min(last);
            while low < high {
                let probe = (low + stride).min(last);
                if as_f64(self.upto(probe, draw)) >= target {
                    high = probe;
                    break;
                }
                low = (probe + 1).min(last);
                stride *= 2;
            }
        }
        while low < high {
            let middle = usize::midpoint(low, high);
            if as_f64(self.upto(middle, draw)) >= target {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        high
    }
}

/// Each second's largest sample of one latency.
struct Maxima {
    /// Running sums of their logarithms.
    logarithms: Box<[f64]>,
    /// Running counts of the seconds that have any.
    seconds: Box<[f64]>,
}

impl Maxima {
    fn new(samples: &Samples) -> Self {
        let largest = |second: &Sparse| second.largest().map(|rank| samples.buckets[rank]);
        let logarithm = |second: &Sparse| {
            largest(second).map_or(0.0, |bucket| (as_f64(bucket.low) + as_f64(bucket.width) / 2.0).ln())
        };
        let counted = |second: &Sparse| if second.total() > 0 { 1.0 } else { 0.0 };
        Self {
            logarithms: running_sums(samples.seconds.iter().map(logarithm)),
            seconds: running_sums(samples.seconds.iter().map(counted)),
        }
    }
}

/// Counts up to each second, over the series twice: see [`running_sums`].
fn running_counts(values: &[u64]) -> Box<[u64]> {
    let mut sums = Vec::with_capacity(2 * values.len() + 1);
    let mut total = 0;
    sums.push(total);
    for value in values.iter().chain(values) {
        total += value;
        sums.push(total);
    }
    sums.into()
}

/// One run, ready to be drawn from.
pub(super) struct Sampler {
    seconds: usize,
    latencies: BTreeMap<LatencyKind, Columns>,
    maxima: BTreeMap<LatencyKind, Maxima>,
    lengths: Box<[f64]>,
    sent: Box<[f64]>,
    acked: Box<[f64]>,
    cpu_ms: Option<Box<[f64]>>,
    /// Where the search for each quantity last ended.
    near: BTreeMap<Quantity, usize>,
}

impl Sampler {
    pub(super) fn new(series: &Series) -> Self {
        let columns = |samples: &Samples| Columns::new(samples.clone());
        Self {
            seconds: series.seconds.len(),
            latencies: series.latencies.iter().map(|(kind, samples)| (*kind, columns(samples))).collect(),
            maxima: series.latencies.iter().map(|(kind, samples)| (*kind, Maxima::new(samples))).collect(),
            lengths: series.lengths(),
            sent: series.sent(),
            acked: series.acked(),
            cpu_ms: series.cpu_ms(),
            near: BTreeMap::new(),
        }
    }

    /// The quantity over the drawn seconds; `None` where they hold nothing to compute it of. The maximum is always that
    /// of all seconds.
    pub(super) fn value(&mut self, quantity: Quantity, draw: &Draw) -> Option<f64> {
        match quantity {
            Quantity::Latency(kind, Point::Max) => {
                let bucket = self.latencies.get(&kind)?.samples.largest()?;
                Some(as_f64(bucket.low + bucket.width - 1).max(RESOLUTION_US))
            }
            Quantity::Latency(kind, Point::MaxPerSecond) => {
                let maxima = self.maxima.get(&kind)?;
                let seconds = draw.sum(&maxima.seconds);
                (seconds > 0.0).then(|| (draw.sum(&maxima.logarithms) / seconds).exp().max(RESOLUTION_US))
            }
            Quantity::Latency(kind, point) => self.quantile(quantity, kind, point.level(), draw),
            _ => {
                let (over, under) = self.ratio(quantity)?;
                let (over, under) = (draw.sum(over), draw.sum(under));
                (over > 0.0 && under > 0.0).then(|| over / under * scale(quantity))
            }
        }
    }

    fn quantile(&mut self, quantity: Quantity, kind: LatencyKind, level: f64, draw: &Draw) -> Option<f64> {
        self.latencies.get_mut(&kind)?.quantile(level, draw, self.near.entry(quantity).or_default())
    }

    fn ratio(&self, quantity: Quantity) -> Option<(&[f64], &[f64])> {
        match quantity {
            Quantity::Latency(..) => None,
            Quantity::AchievedRate => Some((&self.sent, &self.lengths)),
            Quantity::AckedRate => Some((&self.acked, &self.lengths)),
            Quantity::CpuPerThousand => Some((self.cpu_ms.as_deref()?, &self.sent)),
        }
    }

    /// What each second adds to the logarithm of the quantity, to first order, as deviations whose mean is zero: the
    /// series whose autocorrelation is that of the quantity's noise.
    pub(super) fn influence(&mut self, quantity: Quantity) -> Option<Vec<f64>> {
        let whole = Draw::whole(self.seconds);
        let n = as_f64(self.seconds as u64);
        let part = |sums: &[f64], s: usize| sums[s + 1] - sums[s];
        match quantity {
            Quantity::Latency(kind, Point::MaxPerSecond) => {
                let maxima = self.maxima.get(&kind)?;
                let seconds = whole.sum(&maxima.seconds);
                let mean = whole.sum(&maxima.logarithms) / seconds;
                let of = |s| n / seconds * (part(&maxima.logarithms, s) - mean * part(&maxima.seconds, s));
                (seconds > 0.0).then(|| (0..self.seconds).map(of).collect())
            }
            Quantity::Latency(kind, point) => self.influence_on_quantile(quantity, kind, point.level()),
            _ => {
                let (over, under) = self.ratio(quantity)?;
                let (all_over, all_under) = (whole.sum(over), whole.sum(under));
                let of = |s| n * (part(over, s) / all_over - part(under, s) / all_under);
                (all_over > 0.0 && all_under > 0.0).then(|| (0..self.seconds).map(of).collect())
            }
        }
    }

    /// Bahadur's representation of a quantile: each second's shortage of samples up to it, times the slope of the
    /// quantile function around it.
    fn influence_on_quantile(&mut self, quantity: Quantity, kind: LatencyKind, level: f64) -> Option<Vec<f64>> {
        let whole = Draw::whole(self.seconds);
        let reach = (1.0 - level) / 2.0;
        let above = self.quantile(quantity, kind, level + reach, &whole)?;
        let below = self.quantile(quantity, kind, level - reach, &whole)?;
        let slope = (above / below).ln() / (2.0 * reach);
        self.quantile(quantity, kind, level, &whole)?;
        let rank = *self.near.get(&quantity)?;
        let samples = &self.latencies.get(&kind)?.samples;
        let per_second = as_f64(samples.total()) / as_f64(self.seconds as u64);
        let shortage = |second: &Sparse| (level * as_f64(second.total()) - as_f64(second.upto(rank))) / per_second;
        let raw: Vec<f64> = samples.seconds.iter().map(shortage).collect();
        let mean = mean(&raw);
        Some(raw.into_iter().map(|value| slope * (value - mean)).collect())
    }
}

/// From the ratio of the sums to the unit of the quantity.
const fn scale(quantity: Quantity) -> f64 {
    match quantity {
        Quantity::CpuPerThousand => 1000.0,
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::series::Bucket;
    use super::*;

    /// The quantile of the drawn seconds, from a sorted list of all their samples' buckets.
    fn slow_quantile(seconds: &[Vec<(u64, u64)>], level: f64, draw: &Draw) -> Option<f64> {
        let n = seconds.len();
        let blocks = draw.starts.len();
        let mut counts = BTreeMap::<u64, u64>::new();
        for (index, start) in draw.starts.iter().enumerate() {
            let length = if index + 1 == blocks { draw.last } else { draw.length };
            for s in *start..start + length {
                for (low, count) in &seconds[s % n] {
                    *counts.entry(*low).or_default() += count;
                }
            }
        }
        let total: u64 = counts.values().sum();
        let target = level * as_f64(total);
        let mut below = 0;
        for (low, count) in counts {
            if count > 0 && as_f64(below + count) >= target {
                return Some((as_f64(low) + 10.0 * (target - as_f64(below)) / as_f64(count)).max(1.0));
            }
            below += count;
        }
        None
    }

    fn seconds() -> impl Strategy<Value = Vec<Vec<(u64, u64)>>> {
        let sample = (0_u64..60, 0_u64..9).prop_map(|(low, count)| (low * 10, count));
        prop::collection::vec(prop::collection::vec(sample, 0..8), 1..12)
    }

    proptest! {
        #[test]
        fn a_drawn_quantile_is_that_of_the_merged_histograms(
            seconds in seconds(),
            picks in prop::collection::vec(0_usize..12, 1..6),
            length in 1_usize..5,
            level in 0.01_f64..1.0,
            near in 0_usize..80,
        ) {
            let n = seconds.len();
            let length = length.min(n);
            let draw = Draw { starts: picks.iter().map(|pick| pick % n).collect(), length, last: 1 };
            let sparse = seconds
                .iter()
                .map(|second| second.iter().map(|(low, count)| (Bucket { low: *low, width: 10 }, *count)).collect())
                .collect();
            let mut columns = Columns::new(Samples::new(sparse, None));
            let fast = columns.quantile(level, &draw, &mut near.clone());
            let slow = slow_quantile(&seconds, level, &draw);
            match (fast, slow) {
                (Some(fast), Some(slow)) => prop_assert!((fast - slow).abs() < 1e-6, "{fast} {slow}"),
                (fast, slow) => prop_assert_eq!(fast, slow),
            }
        }
    }
}
