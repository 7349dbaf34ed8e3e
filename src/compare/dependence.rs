//! How seconds depend on their neighbours: how long blocks must be, and what blocks of that length still miss.
//!
//! - Block length for the variance of a mean: Politis and White, "Automatic block-length selection for the dependent
//!   bootstrap", Econometric Reviews 23 (2004), as corrected by Patton, Politis and White, ibid. 28 (2009). It minimises
//!   the mean square error of the variance, which lets the variance be too small by about the size of its noise; for an
//!   interval too narrow is worse than unsteady, so blocks are twice as long here, and never shorter than the
//!   1.3 sqrt(n) of Lazarus, Lewis, Stock and Watson, JBES 36 (2018), whose advice is for intervals.
//! - What remains is the bias -G/b of the variance (Lahiri, Annals of Statistics 27, 1999). G is estimated twice, by the
//!   flat-top lag window of the first source and by an autoregression of order 1 with Kendall's (1954) correction, which
//!   sees persistence in series too short for the window. The larger of the two is added.

use crate::figures::as_f64;

/// What is known of one series' dependence.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Dependence {
    /// The block length of Politis and White, in seconds.
    pub(super) block: f64,
    /// Sum over all lags of |lag| * autocovariance.
    weighted: f64,
}

/// Block lengths from Politis and White (2004) for the circular block bootstrap. A constant series has blocks of 1.
pub(super) fn dependence(series: &[f64]) -> Dependence {
    let n = series.len();
    if n < 4 {
        return Dependence { block: 1.0, weighted: 0.0 };
    }
    let length = as_f64(n as u64);
    let insignificant = ceil(length.log10().sqrt()).max(5);
    let most_lags = (ceil(length.sqrt()) + insignificant).min(n - 1);
    let longest = (3.0 * length.sqrt()).min(length / 3.0).ceil();
    let autocovariances = autocovariances(series, most_lags);
    let variance = autocovariances[0];
    if variance <= 0.0 {
        return Dependence { block: 1.0, weighted: 0.0 };
    }
    let threshold = 2.0 * (length.log10() / length).sqrt();
    let significant = |lag: usize| (autocovariances[lag] / variance).abs() >= threshold;
    let quiet = (0..most_lags.saturating_sub(insignificant))
        .find(|lag| (lag + 1..=lag + insignificant).all(|lag| !significant(lag)));
    let last_lag = quiet.or_else(|| (1..=most_lags).rev().find(|lag| significant(*lag))).unwrap_or(1).max(1);
    let window = (2 * last_lag).min(most_lags);

    let (mut weighted, mut spectrum) = (0.0, variance);
    for (lag, autocovariance) in autocovariances.iter().enumerate().take(window + 1).skip(1) {
        let (lag, at) = (as_f64(lag as u64), as_f64(lag as u64) / as_f64(window as u64));
        let flat_top = if at <= 0.5 { 1.0 } else { 2.0 * (1.0 - at) };
        weighted += 2.0 * flat_top * lag * autocovariance;
        spectrum += 2.0 * flat_top * autocovariance;
    }
    let block = if spectrum <= 0.0 {
        as_f64(window as u64)
    } else {
        (2.0 * weighted.powi(2) / (4.0 / 3.0 * spectrum.powi(2))).cbrt() * length.cbrt()
    };
    Dependence { block: block.clamp(1.0, longest.max(1.0)), weighted }
}

/// The length of blocks for series of `n` seconds, given what is known of each: long enough for the most persistent of
/// them, and at most a quarter of `n`.
pub(super) fn block_length(all: impl IntoIterator<Item = Dependence>, n: usize) -> usize {
    let floor = 1.3 * as_f64(n as u64).sqrt();
    let wanted = all.into_iter().map(|dependence| 2.0 * dependence.block).fold(floor, f64::max);
    ceil(wanted).min(n / 4).max(1)
}

/// By how much the variance that blocks of `block` seconds see has to be multiplied to be that of the series; at least 1.
pub(super) fn missed(series: &[f64], dependence: Dependence, block: usize) -> f64 {
    let n = as_f64(series.len() as u64);
    let b = as_f64(block as u64);
    let few_blocks = n / (n - b);
    let seen = block_variance(series, block) * few_blocks;
    if seen <= 0.0 {
        return 1.0;
    }
    let by_window = 1.0 + dependence.weighted.max(0.0) / (b * seen);
    let rho = autoregression(series);
    let mean_variance =
        |m: f64| (1.0 + rho) / (1.0 - rho) - 2.0 * rho * (1.0 - rho.powf(m)) / (m * (1.0 - rho).powi(2));
    let by_autoregression = mean_variance(n) / ((mean_variance(b) - b / n * mean_variance(n)) * few_blocks);
    by_window.max(by_autoregression).max(1.0)
}

/// The long-run variance of a series as circular blocks see it: Var(sum of a block) / block.
fn block_variance(series: &[f64], block: usize) -> f64 {
    let n = series.len();
    let mean = mean(series);
    let deviation = |index: usize| series[index % n] - mean;
    let mut sum: f64 = (0..block).map(deviation).sum();
    let mut squares = 0.0;
    for start in 0..n {
        squares += sum * sum;
        sum += deviation(start + block) - deviation(start);
    }
    squares / (as_f64(n as u64) * as_f64(block as u64))
}

/// The coefficient of an autoregression of order 1, its small-sample bias taken out, between 0 and 0.97.
fn autoregression(series: &[f64]) -> f64 {
    let autocovariances = autocovariances(series, 1);
    if autocovariances[0] <= 0.0 {
        return 0.0;
    }
    let raw = autocovariances[1] / autocovariances[0];
    (raw + (1.0 + 3.0 * raw) / as_f64(series.len() as u64)).clamp(0.0, 0.97)
}

/// Autocovariances at lags 0 to `most`.
fn autocovariances(series: &[f64], most: usize) -> Vec<f64> {
    let mean = mean(series);
    let n = series.len();
    let at = |lag: usize| (lag..n).map(|t| (series[t] - mean) * (series[t - lag] - mean)).sum::<f64>();
    (0..=most).map(|lag| at(lag) / as_f64(n as u64)).collect()
}

pub(super) fn mean(series: &[f64]) -> f64 {
    series.iter().sum::<f64>() / as_f64(series.len().max(1) as u64)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number of seconds")]
fn ceil(value: f64) -> usize {
    value.ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::super::fixture::autoregressive;
    use super::*;

    #[test]
    fn independent_seconds_need_short_blocks_and_persistent_ones_long_blocks() {
        let lengths = [0.0, 0.5, 0.9].map(|rho| dependence(&autoregressive(2000, rho, 7)).block);
        assert!(lengths[0] < 5.0 && lengths[0] < lengths[1] && lengths[1] < lengths[2], "{lengths:?}");
        // The optimum for these two, from the formula with the true autocovariances, is 17.5 and 64.6.
        assert!((9.0..25.0).contains(&lengths[1]), "{lengths:?}");
        assert!((35.0..85.0).contains(&lengths[2]), "{lengths:?}");
    }

    #[test]
    fn a_constant_series_has_blocks_of_one_and_misses_nothing() {
        let series = vec![3.0; 100];
        assert_eq!(dependence(&series), Dependence { block: 1.0, weighted: 0.0 });
        assert!((missed(&series, dependence(&series), 13) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn blocks_are_never_shorter_than_advised_nor_longer_than_a_quarter() {
        let short = Dependence { block: 1.0, weighted: 0.0 };
        let endless = Dependence { block: 1e6, weighted: 0.0 };
        assert_eq!(block_length([short], 300), 23);
        assert_eq!(block_length([endless, short], 300), 75);
        assert_eq!(block_length([], 3), 1);
    }

    #[test]
    fn what_short_blocks_miss_of_a_persistent_series_is_made_up_for() {
        // Long-run variance of an autoregression with coefficient 0.8 and innovations of variance 1: 1 / 0.2^2.
        let mut ratios: Vec<f64> = (0..40)
            .map(|seed| {
                let series = autoregressive(600, 0.8, seed);
                block_variance(&series, 32) * missed(&series, dependence(&series), 32) / 25.0
            })
            .collect();
        ratios.sort_by(f64::total_cmp);
        assert!((0.8..1.2).contains(&ratios[20]), "{ratios:?}");
    }
}
