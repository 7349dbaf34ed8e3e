//! Whether a backlog grows: the slope of a series by least squares, with its error.
//!
//! A backlog at one moment is much like that a second before, so its samples hold less than their number suggests. The
//! error is computed from the effective number of samples `n (1 - r) / (1 + r)`, where `r` is the correlation of
//! neighbouring residuals (Santer et al., Statistical significance of trends and trend differences in layer-average
//! atmospheric temperature time series, JGR 105, 2000).

use serde::{Deserialize, Serialize};

/// The fewest samples from which a slope is computed.
const FEWEST: usize = 5;
/// Errors on both sides within which the true slope lies in about 95 of 100 cases.
const ERRORS: f64 = 2.0;

/// How fast a series rises.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slope {
    /// Events more in each second.
    pub per_s: f64,
    /// Its standard error.
    pub error_per_s: f64,
}

/// What a slope says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Growth {
    /// It does not grow by more than is tolerated.
    Steady,
    /// It grows by more than that.
    Growing,
    /// Its error is too large to say: a longer probe would tell.
    Unclear,
}

impl Slope {
    /// The slope of a backlog, sampled at even intervals: (seconds, events). `None` for fewer than five samples, or all
    /// at one time.
    #[must_use]
    pub fn of(samples: &[(f64, f64)]) -> Option<Self> {
        if samples.len() < FEWEST {
            return None;
        }
        let count = count(samples.len());
        let (mean_t, mean_y) = (mean(samples.iter().map(|(t, _)| *t)), mean(samples.iter().map(|(_, y)| *y)));
        let spread: f64 = samples.iter().map(|(t, _)| (t - mean_t).powi(2)).sum();
        let common: f64 = samples.iter().map(|(t, y)| (t - mean_t) * (y - mean_y)).sum();
        if spread <= 0.0 {
            return None;
        }
        let per_s = common / spread;
        let residuals: Vec<_> = samples.iter().map(|(t, y)| y - mean_y - per_s * (t - mean_t)).collect();
        let squares: f64 = residuals.iter().map(|residual| residual * residual).sum();
        let neighbours: f64 = residuals.windows(2).map(|pair| pair[0] * pair[1]).sum();
        // A negative correlation would promise more than the samples hold; one near 1 leaves nothing at all.
        let correlation = if squares > 0.0 { (neighbours / squares).clamp(0.0, 0.95) } else { 0.0 };
        let effective = count * (1.0 - correlation) / (1.0 + correlation);
        let error_per_s = (squares / (effective - 2.0).max(0.5) / spread).sqrt();
        Some(Self { per_s, error_per_s })
    }

    /// Whether the backlog grows by more than `tolerance` of `rate`, which is in events per second.
    #[must_use]
    pub fn growth(self, rate: f64, tolerance: f64) -> Growth {
        let (allowed, error) = (rate * tolerance, ERRORS * self.error_per_s);
        if self.per_s - error > allowed {
            Growth::Growing
        } else if self.per_s + error <= allowed {
            Growth::Steady
        } else {
            Growth::Unclear
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of samples is far below 2^53")]
fn count(samples: usize) -> f64 {
    samples as f64
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let samples = count(values.len());
    values.sum::<f64>() / samples
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    /// A backlog that remembers: each sample is 0.7 of the one before plus noise, plus what grows.
    fn backlog(seed: u64, noise: f64, per_s: f64) -> Vec<(f64, f64)> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut level = 0.0;
        let mut sample = |second: u32| {
            level = 0.7 * level + noise * (random.random::<f64>() + random.random::<f64>() - 1.0);
            let t = f64::from(second);
            (t, 1_000.0 + level + per_s * t)
        };
        (0..60).map(&mut sample).collect()
    }

    fn share(noise: f64, per_s: f64, growth: Growth) -> usize {
        let of = |seed| Slope::of(&backlog(seed, noise, per_s)).unwrap().growth(10_000.0, 0.005);
        (0..1_000).filter(|seed| of(*seed) == growth).count()
    }

    #[test]
    fn a_line_has_its_slope_and_no_error() {
        let line: Vec<_> = (0..10).map(|t| (f64::from(t), 3.0 * f64::from(t) + 5.0)).collect();
        let slope = Slope::of(&line).unwrap();
        assert!((slope.per_s - 3.0).abs() < 1e-12 && slope.error_per_s < 1e-9);
    }

    #[test]
    fn too_little_has_no_slope() {
        assert_eq!(Slope::of(&[(0.0, 1.0), (1.0, 2.0), (2.0, 3.0), (3.0, 4.0)]), None);
        assert_eq!(Slope::of(&[(1.0, 1.0); 6]), None);
    }

    #[test]
    fn a_noisy_backlog_that_stays_is_hardly_ever_called_growing() {
        assert_eq!(share(500.0, 0.0, Growth::Growing), 0);
        let steady = share(500.0, 0.0, Growth::Steady);
        assert!(steady > 950, "{steady}");
    }

    #[test]
    fn two_percent_too_much_is_found_under_noise() {
        let growing = share(500.0, 200.0, Growth::Growing);
        assert!(growing > 950, "{growing}");
    }

    #[test]
    fn the_error_covers_the_truth() {
        let covered = (0..1_000).filter(|seed| {
            let slope = Slope::of(&backlog(*seed, 500.0, 77.0)).unwrap();
            (slope.per_s - 77.0).abs() <= ERRORS * slope.error_per_s
        });
        let covered = covered.count();
        assert!(covered > 900, "{covered}");
    }

    #[test]
    fn noise_that_hides_the_slope_leaves_it_unclear() {
        let unclear = share(20_000.0, 50.0, Growth::Unclear);
        assert!(unclear > 900, "{unclear}");
    }
}
