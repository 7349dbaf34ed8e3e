//! A latency as a histogram with fixed bounds, which grows by a second at a time.

use crate::measure::LatencyHistogram;

/// The upper bounds, in us: 100 us to a minute, three to a decade.
pub(super) const BOUNDS_US: [u64; 18] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000, 30_000_000, 60_000_000,
];

/// Samples between two bounds each, with what is beyond the last.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Buckets {
    counts: [u64; BOUNDS_US.len() + 1],
    sum_us: f64,
}

impl Buckets {
    /// Adds the samples of `latency`; exact to its three digits.
    #[expect(clippy::cast_precision_loss, reason = "a sum of latencies needs 15 digits, not 19")]
    pub(super) fn add(&mut self, latency: &LatencyHistogram) {
        let histogram = latency.histogram();
        for step in histogram.iter_recorded() {
            let value = histogram.lowest_equivalent(step.value_iterated_to());
            let count = step.count_since_last_iteration();
            self.counts[BOUNDS_US.partition_point(|bound| *bound < value)] += count;
            self.sum_us += histogram.median_equivalent(value) as f64 * count as f64;
        }
    }

    /// All samples.
    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Their sum, in seconds.
    pub(super) fn sum_s(&self) -> f64 {
        self.sum_us / 1e6
    }

    /// Each bound in seconds, the last one without end, with the samples from the bound before it on.
    #[expect(clippy::cast_precision_loss, reason = "the bounds are short")]
    pub(super) fn steps(&self) -> Vec<(f64, u64)> {
        let bounds = BOUNDS_US.iter().map(|us| *us as f64 / 1e6).chain([f64::INFINITY]);
        bounds.zip(self.counts).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Nanos;

    #[test]
    fn a_sample_on_a_bound_lies_below_it_and_seconds_add_up() {
        let mut buckets = Buckets::default();
        for us in [100, 101, 2_500, 2_600, 90_000_000] {
            let mut second = LatencyHistogram::default();
            second.record(Nanos(us * 1_000));
            buckets.add(&second);
        }
        let steps = buckets.steps();
        assert_eq!((steps[0], steps[1], steps[4], steps[5]), ((0.0001, 1), (0.00025, 1), (0.0025, 1), (0.005, 1)));
        assert_eq!((steps[18].1, buckets.count()), (1, 5));
        assert!((buckets.sum_s() - 90.005_3).abs() < 0.05, "{}", buckets.sum_s());
    }
}
