//! One latency: an `HdrHistogram` in us with three significant digits, that counts what it could not measure.

use std::sync::LazyLock;

use hdrhistogram::Histogram;

use crate::clock::Nanos;
use crate::report::{DistributionPoint, LatencySummary};

/// Longer latencies are recorded as this and counted as saturated: 24 h.
const LONGEST_US: u64 = 24 * 3600 * 1_000_000;
/// Points of a distribution to each halving of the distance to 100 %.
const STEPS_PER_HALF: u32 = 5;
/// A quantile exists when at least so many samples lie beyond it.
pub const SAMPLES_BEYOND: u64 = 10;

/// A latency's distribution. Samples that were given up count as *at least* the time they were waited for.
#[derive(Clone, Debug, Default)]
pub struct LatencyHistogram {
    /// `None` before the first sample: most threads have none of most latencies, and each would take 16 KiB.
    counts: Option<Histogram<u64>>,
    saturated: u64,
    censored: u64,
    censored_from: Option<u64>,
}

static EMPTY: LazyLock<Histogram<u64>> = LazyLock::new(empty);

/// Significant digits.
const DIGITS: u8 = 3;

#[expect(clippy::expect_used, reason = "three digits are within what the library documents as valid")]
fn empty() -> Histogram<u64> {
    // Of a simulated run's time a third would go into histograms, unoptimised as they are then.
    #[cfg(test)]
    if crate::clock::virtual_time::rules() {
        return Histogram::new(DIGITS - 1).expect("2 significant digits are valid");
    }
    Histogram::new(DIGITS).expect("3 significant digits are valid")
}

impl LatencyHistogram {
    /// What another process, or a file, recorded: counts in us, and what they do not show. `summary` gives the latter.
    #[must_use]
    pub fn of(mut histogram: Histogram<u64>, summary: &LatencySummary) -> Self {
        let LatencySummary { saturated, censored, censored_from, .. } = *summary;
        histogram.auto(true);
        Self { counts: Some(histogram), saturated, censored, censored_from }
    }

    /// Records one latency.
    pub fn record(&mut self, latency: Nanos) {
        self.record_us(latency.as_micros(), 1);
    }

    /// Records `count` events of that latency.
    pub fn record_many(&mut self, latency: Nanos, count: u64) {
        self.record_us(latency.as_micros(), count);
    }

    /// Records an event without an answer: it waited at least `waited`.
    pub fn record_censored(&mut self, waited: Nanos) {
        let us = waited.as_micros().min(LONGEST_US);
        self.censored += 1;
        self.censored_from = Some(self.censored_from.map_or(us, |from| from.min(us)));
        self.record_us(us, 1);
    }

    fn record_us(&mut self, us: u64, count: u64) {
        let within = us.min(LONGEST_US);
        if us > LONGEST_US {
            self.saturated += count;
        }
        // Cannot fail: the histogram grows by itself, far beyond LONGEST_US.
        self.counts.get_or_insert_with(empty).record_n(within, count).unwrap_or_default();
    }

    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        let Some(counts) = other.counts.as_ref().filter(|counts| !counts.is_empty()) else { return };
        // Cannot fail: both grow by themselves.
        self.counts.get_or_insert_with(empty).add(counts).unwrap_or_default();
        self.saturated += other.saturated;
        self.censored += other.censored;
        self.censored_from = match (self.censored_from, other.censored_from) {
            (Some(mine), Some(theirs)) => Some(mine.min(theirs)),
            (mine, theirs) => mine.or(theirs),
        };
    }

    /// Forgets all samples and keeps the memory.
    pub fn clear(&mut self) {
        if let Some(counts) = self.counts.as_mut().filter(|counts| !counts.is_empty()) {
            counts.reset();
        }
        (self.saturated, self.censored, self.censored_from) = (0, 0, None);
    }

    /// How many samples it holds.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram().len()
    }

    /// The counts behind it, in us.
    #[must_use]
    pub fn histogram(&self) -> &Histogram<u64> {
        self.counts.as_ref().unwrap_or(&EMPTY)
    }

    /// The value that `quantile` (0 to 1) of the samples do not exceed, in us, to the bucket; `None` with fewer than
    /// [`SAMPLES_BEYOND`] samples beyond it.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of samples, far below 2^52"
    )]
    pub fn quantile(&self, quantile: f64) -> Option<u64> {
        let count = self.histogram().len();
        // 1 - 0.99 is 0.010000000000000009: round, or 1,000 samples would be one too few for their p99.
        let beyond = ((1.0 - quantile) * count as f64 + 1e-6).floor() as u64;
        (beyond >= SAMPLES_BEYOND).then(|| self.histogram().value_at_quantile(quantile))
    }

    /// How it is distributed: five points to each halving of the rest, as `HdrHistogram`'s own percentile files have them.
    #[must_use]
    pub fn distribution(&self) -> Vec<DistributionPoint> {
        let mut count = 0;
        let point = |step: hdrhistogram::iterators::IterationValue<u64>| {
            count += step.count_since_last_iteration();
            let percentile = step.quantile_iterated_to() * 100.0;
            DistributionPoint { value_us: step.value_iterated_to(), percentile, count }
        };
        self.histogram().iter_quantiles(STEPS_PER_HALF).map(point).collect()
    }

    /// What the report says of it.
    #[must_use]
    pub fn summary(&self) -> LatencySummary {
        let Some(counts) = self.counts.as_ref().filter(|counts| !counts.is_empty()) else {
            return LatencySummary::default();
        };
        LatencySummary {
            count: counts.len(),
            min: Some(counts.min()),
            mean: Some(counts.mean()),
            p50: self.quantile(0.5),
            p90: self.quantile(0.9),
            p95: self.quantile(0.95),
            p99: self.quantile(0.99),
            p999: self.quantile(0.999),
            p9999: self.quantile(0.9999),
            max: Some(counts.max()),
            saturated: self.saturated,
            censored: self.censored,
            censored_from: self.censored_from,
            clock_bound_us: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: impl IntoIterator<Item = u64>) -> LatencyHistogram {
        let mut latency = LatencyHistogram::default();
        for us in values {
            latency.record(Nanos(us * 1_000));
        }
        latency
    }

    #[test]
    fn a_quantile_needs_ten_samples_beyond_it() {
        assert_eq!(of(0..999).summary().p99, None);
        assert!(of(0..1_000).summary().p99.is_some());
        assert_eq!(of(0..19).summary().p50, None);
        assert!(of(0..20).summary().p50.is_some());
        assert_eq!(of([]).summary(), LatencySummary::default());
    }

    #[test]
    fn the_distribution_ends_with_every_sample_at_or_below_the_largest() {
        let latency = of(0..1_000);
        let points = latency.distribution();
        let last = points[points.len() - 1];
        assert_eq!((Some(last.value_us), last.count), (latency.summary().max, 1_000));
        assert!(points.windows(2).all(|pair| pair[0].count <= pair[1].count));
        assert_eq!(of([]).distribution(), []);
    }

    #[test]
    fn what_another_process_recorded_keeps_what_the_counts_do_not_show() {
        let mut latency = of(0..100);
        latency.record_censored(Nanos::from_secs(30));
        let back = LatencyHistogram::of(latency.histogram().clone(), &latency.summary());
        assert_eq!(back.summary(), latency.summary());
    }

    #[test]
    fn too_long_a_latency_is_counted_as_saturated() {
        let latency = of([LONGEST_US * 2]);
        assert_eq!(latency.summary().saturated, 1);
        assert!(latency.summary().max >= Some(LONGEST_US));
    }

    #[test]
    fn an_event_without_an_answer_stays_in_the_distribution() {
        let mut latency = of(0..100);
        latency.record_censored(Nanos::from_secs(30));
        latency.record_censored(Nanos::from_secs(20));
        let summary = latency.summary();
        assert_eq!((summary.count, summary.censored, summary.censored_from), (102, 2, Some(20_000_000)));
        assert!(summary.max >= Some(30_000_000));
    }

    proptest! {
        #[test]
        fn quantiles_are_within_a_thousandth(mut values in proptest::collection::vec(0_u64..100_000_000, 100..400)) {
            let latency = of(values.iter().copied());
            values.sort_unstable();
            let exact = values[values.len().div_ceil(2) - 1];
            let found = latency.summary().p50.unwrap();
            prop_assert!(found >= exact && found <= exact + exact / 1000 + 1, "{found} {exact}");
        }

        #[test]
        fn adding_is_recording_both(a in proptest::collection::vec(0_u64..1 << 40, 0..50), b in proptest::collection::vec(0_u64..1 << 40, 0..50)) {
            let mut sum = of(a.clone());
            sum.add(&of(b.clone()));
            prop_assert_eq!(sum.summary(), of(a.into_iter().chain(b)).summary());
        }
    }
}
