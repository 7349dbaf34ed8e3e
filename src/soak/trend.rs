//! The trend of a series, by ranks: neither outliers nor the shape of the noise matter.
//!
//! Whether there is one is told by the test of Mann (Nonparametric tests against trend, Econometrica 13, 1945) and
//! Kendall; as neighbouring minutes are alike, its variance is corrected for that (Hamed and Rao, A modified
//! Mann-Kendall trend test for autocorrelated data, Journal of Hydrology 204, 1998). How steep it is, by the median of
//! the slopes between all pairs of points, with its bounds (Sen, Estimates of the regression coefficient based on
//! Kendall's tau, JASA 63, 1968).

use crate::figures::as_f64;
use crate::report::drift::Trend;

/// Standard deviations above which 1 of 1,000 series without a trend lies by chance. As the correction for alike
/// neighbours is itself estimated, it is up to 3 of 100 where each value keeps 0.6 of the one before (see the tests).
const ONE_IN_1000: f64 = 3.090;
/// Standard deviations within which 95 of 100 lie.
const NINETY_FIVE: f64 = 1.960;

impl Trend {
    /// The trend of points with rising time. `None` for fewer than four points. The work grows with the square of their
    /// number.
    #[must_use]
    pub fn of(points: &[(f64, f64)]) -> Option<Self> {
        let (first, last) = (points.first()?, points.last()?);
        if points.len() < 4 || last.0 <= first.0 {
            return None;
        }
        let mut slopes = Vec::with_capacity(points.len() * (points.len() - 1) / 2);
        let (mut ups, mut downs) = (0_u64, 0_u64);
        for (index, early) in points.iter().enumerate() {
            for late in &points[index + 1..] {
                ups += u64::from(late.1 > early.1);
                downs += u64::from(late.1 < early.1);
                if late.0 > early.0 {
                    slopes.push((late.1 - early.1) / (late.0 - early.0));
                }
            }
        }
        slopes.sort_unstable_by(f64::total_cmp);
        let per_s = middle(&slopes);
        let residuals: Vec<_> = points.iter().map(|(t, y)| y - per_s * (t - first.0)).collect();
        let spread = (variance(points) * repetition(&residuals)).sqrt();
        // One off from the sum is the correction for its being a whole number.
        let sum = as_f64(ups) - as_f64(downs);
        let score = if spread > 0.0 { (sum - sum.clamp(-1.0, 1.0)) / spread } else { 0.0 };
        // Sen's bounds: as many slopes away from the middle as the test's sum may differ from 0 by chance, halved.
        let aside = NINETY_FIVE * spread / 2.0;
        let half = as_f64(slopes.len() as u64) / 2.0;
        let mut sorted = residuals;
        sorted.sort_unstable_by(f64::total_cmp);
        let start = middle(&sorted);
        Some(Self {
            per_s,
            low_per_s: slopes[place(half - aside, slopes.len())],
            high_per_s: slopes[place(half + aside, slopes.len())],
            start,
            end: start + per_s * (last.0 - first.0),
            score,
            points: points.len(),
        })
    }

    /// Whether it rises by more than chance: 1 of 1,000 series of independent points without a trend looks like this.
    #[must_use]
    pub fn rises(&self) -> bool {
        self.score > ONE_IN_1000
    }
}

/// The variance of the test's sum without a trend, ties taken into account.
fn variance(points: &[(f64, f64)]) -> f64 {
    let term = |count: usize| {
        let count = as_f64(count as u64);
        count * (count - 1.0) * (2.0 * count + 5.0)
    };
    let mut values: Vec<_> = points.iter().map(|(_, y)| *y).collect();
    values.sort_unstable_by(f64::total_cmp);
    let ties: f64 = values.chunk_by(|a, b| a.total_cmp(b).is_eq()).map(|tied| term(tied.len())).sum();
    (term(values.len()) - ties) / 18.0
}

/// By what factor the variance is larger because points repeat what their neighbours say (Hamed and Rao, equation 9):
/// from the correlations of the residuals' ranks at all lags at which they are more than chance. Never below 1.
fn repetition(residuals: &[f64]) -> f64 {
    let ranks = ranks(residuals);
    let count = as_f64(ranks.len() as u64);
    let mean = f64::midpoint(count, 1.0);
    let squares: f64 = ranks.iter().map(|rank| (rank - mean).powi(2)).sum();
    if squares <= 0.0 {
        return 1.0;
    }
    let part = |lag: usize| {
        let products: f64 = ranks.iter().zip(&ranks[lag..]).map(|(a, b)| (a - mean) * (b - mean)).sum();
        let correlation = products / squares;
        let left = count - as_f64(lag as u64);
        if correlation.abs() > NINETY_FIVE / count.sqrt() {
            left * (left - 1.0) * (left - 2.0) * correlation
        } else {
            0.0
        }
    };
    let sum: f64 = (1..ranks.len()).map(part).sum();
    (1.0 + 2.0 * sum / (count * (count - 1.0) * (count - 2.0))).max(1.0)
}

/// The rank of each value, counted from 1; equal values share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for equal in order.chunk_by(|a, b| values[*a].total_cmp(&values[*b]).is_eq()) {
        let rank = as_f64(before) + f64::midpoint(as_f64(equal.len() as u64), 1.0);
        for index in equal {
            ranks[*index] = rank;
        }
        before += equal.len() as u64;
    }
    ranks
}

/// The median of sorted values; 0 for none.
fn middle(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    match sorted.get(half) {
        Some(upper) if sorted.len().is_multiple_of(2) => f64::midpoint(sorted[half - 1], *upper),
        Some(middle) => *middle,
        None => 0.0,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an index: the cast saturates, and is bounded"
)]
fn place(value: f64, len: usize) -> usize {
    (value as usize).min(len.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    /// Points a minute apart, of noise of which each value keeps a part of the one before, and a slope.
    fn series(seed: u64, count: u32, memory: f64, per_s: f64) -> Vec<(f64, f64)> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut level = 0.0;
        let mut point = |minute: u32| {
            level = memory * level + random.random::<f64>() - 0.5;
            let t = 60.0 * f64::from(minute);
            (t, 100.0 + level + per_s * t)
        };
        (0..count).map(&mut point).collect()
    }

    #[test]
    fn a_line_is_its_own_trend() {
        let line: Vec<_> = (0..20).map(|t| (f64::from(t), 5.0 + 2.0 * f64::from(t))).collect();
        let trend = Trend::of(&line).unwrap();
        assert!(
            (trend.per_s - 2.0).abs() < 1e-12 && (trend.start - 5.0).abs() < 1e-9 && (trend.end - 43.0).abs() < 1e-9
        );
        assert!(trend.rises());
    }

    /// Worked by hand: of 10 pairs 8 rise and 2 fall, so the sum is 6, with a variance of 5 * 4 * 15 / 18.
    #[test]
    fn the_test_is_that_of_mann_and_kendall() {
        let points = [(1.0, 5.0), (2.0, 6.0), (3.0, 11.0), (4.0, 8.0), (5.0, 10.0)];
        let trend = Trend::of(&points).unwrap();
        assert!((trend.score - 5.0 / (300.0_f64 / 18.0).sqrt()).abs() < 1e-9, "{trend:?}");
        assert!((trend.per_s - 1.125).abs() < 1e-12, "{trend:?}");
    }

    #[test]
    fn ties_take_from_the_variance() {
        let values = [1.0, 1.0, 2.0, 2.0, 2.0, 3.0];
        let points: Vec<_> = (0_u32..).map(f64::from).zip(values).collect();
        let expected = (6.0 * 5.0 * 17.0 - 2.0 * 9.0 - 3.0 * 2.0 * 11.0) / 18.0;
        assert!((variance(&points) - expected).abs() < 1e-12);
    }

    #[test]
    fn one_outlier_is_no_trend() {
        let mut level: Vec<_> = (0..30).map(|t| (f64::from(t), 10.0)).collect();
        level[29].1 = 1e6;
        let trend = Trend::of(&level).unwrap();
        assert!(trend.per_s.abs() < 1e-12 && !trend.rises());
    }

    #[test]
    fn noise_without_a_trend_seldom_rises() {
        for (memory, most) in [(0.0, 5), (0.3, 15), (0.6, 30)] {
            let rising = (0..1_000).filter(|seed| Trend::of(&series(*seed, 60, memory, 0.0)).unwrap().rises()).count();
            println!("memory {memory}: {rising} of 1000 rise");
            assert!(rising <= most, "memory {memory}: {rising} of 1000");
        }
    }

    #[test]
    fn the_bounds_hold_the_slope() {
        for memory in [0.0, 0.3] {
            let holds = |seed: &u64| {
                let trend = Trend::of(&series(*seed, 40, memory, 0.001)).unwrap();
                (trend.low_per_s..=trend.high_per_s).contains(&0.001)
            };
            let held = (0..500).filter(holds).count();
            assert!(held > 430, "memory {memory}: {held} of 500");
        }
    }

    #[test]
    fn too_little_has_no_trend() {
        assert_eq!(Trend::of(&[(0.0, 1.0), (1.0, 2.0), (2.0, 3.0)]), None);
        assert_eq!(Trend::of(&[(1.0, 1.0); 5]), None);
    }
}
