//! From draws to intervals that hold together, and from intervals to verdicts.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use super::dependence::mean;
use super::resample::{Drawn, Pair};
use super::{Change, Options, Verdict};
use crate::figures::as_f64;

/// One quantity's change as a logarithm, and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    /// ln(NEW / BASE).
    pub(super) change: f64,
    /// Its standard error.
    pub(super) error: f64,
    /// The degrees of freedom behind that error.
    pub(super) freedom: f64,
}

/// The estimate from one quantity's draws. `missed` is what blocks miss of the variance, see `dependence::missed`.
pub(super) fn estimate(pair: &Pair, within: &[f64], blocks: f64, missed: f64) -> Estimate {
    let change = pair.new.value() - pair.base.value();
    let by_seconds = variance(within) * blocks / (blocks - 1.0) * missed;
    let seconds = Estimate { change, error: by_seconds.sqrt(), freedom: 1.5 * (blocks - 1.0) };
    match between_runs(&pair.base, &pair.new) {
        Some((by_runs, freedom)) if by_runs > by_seconds => Estimate { change, error: by_runs.sqrt(), freedom },
        _ => seconds,
    }
}

/// The variance of the change by how much the runs of a side differ, pooled over both sides, and its degrees of freedom.
fn between_runs(base: &Drawn, new: &Drawn) -> Option<(f64, f64)> {
    let squares = |side: &Drawn| side.whole.iter().map(|run| (run - side.value()).powi(2)).sum::<f64>();
    let (base_runs, new_runs) = (as_f64(base.whole.len() as u64), as_f64(new.whole.len() as u64));
    let freedom = base_runs + new_runs - 2.0;
    let pooled = (squares(base) + squares(new)) / freedom;
    (freedom >= 1.0).then_some((pooled * (1.0 / base_runs + 1.0 / new_runs), freedom))
}

fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (as_f64(values.len() as u64) - 1.0).max(1.0)
}

/// Of the errors allowed, the share that is spent. The rest is set aside for what the approximations miss: in
/// `calibration` the rate of false alarms lies up to a fifth above the nominal one where seconds depend on each other.
const SPENT: f64 = 0.8;

/// How many standard errors intervals must reach for all of them to hold together, as if errors were known exactly: the
/// quantile of the largest standardised deviation over the quantities, draw by draw. Never less than for one quantity.
pub(super) fn common_reach(all: &[Vec<f64>], confidence: f64) -> f64 {
    let confidence = 1.0 - SPENT * (1.0 - confidence);
    let alone = normal_quantile(f64::midpoint(1.0, confidence));
    let draws = all.first().map_or(0, Vec::len);
    let scaled: Vec<(f64, f64, &Vec<f64>)> = all
        .iter()
        .map(|draws| (mean(draws), variance(draws).sqrt(), draws))
        .filter(|(_, deviation, _)| *deviation > 0.0)
        .collect();
    let largest = |draw: usize| {
        scaled.iter().map(|(mean, deviation, draws)| ((draws[draw] - mean) / deviation).abs()).fold(0.0, f64::max)
    };
    let mut largest: Vec<f64> = (0..draws).map(largest).collect();
    largest.sort_by(f64::total_cmp);
    let index = position(confidence, draws);
    largest.get(index).copied().unwrap_or(alone).max(alone)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index into a list of draws")]
fn position(share: f64, count: usize) -> usize {
    ((share * as_f64(count as u64)).ceil() as usize).min(count).saturating_sub(1)
}

/// The quantile of the normal distribution.
fn normal_quantile(share: f64) -> f64 {
    Normal::standard().inverse_cdf(share)
}

/// The same reach where the error is only known with so many degrees of freedom: Student's t at the same share, by
/// bisection over its distribution function (the inverse in `statrs` iterates without bound at many degrees of freedom).
fn reach(normal: f64, freedom: f64) -> f64 {
    let freedom = freedom.max(1.0);
    // Beyond 10^5 degrees of freedom the two differ by less than one part in 10^4.
    let (true, Ok(student)) = (freedom < 1e5, StudentsT::new(0.0, 1.0, freedom)) else { return normal };
    let share = Normal::standard().cdf(normal);
    let (mut low, mut high) = (normal, normal.max(1.0));
    for _ in 0..64 {
        if student.cdf(high) >= share {
            break;
        }
        high *= 2.0;
    }
    for _ in 0..64 {
        let middle = f64::midpoint(low, high);
        if student.cdf(middle) >= share {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

/// The largest change that is told, as a logarithm: 485 million times. Keeps every figure finite.
const MOST: f64 = 20.0;

/// The interval, the verdict without regard to direction, and what could have been seen.
pub(super) fn judge(estimate: Estimate, common_reach: f64, options: &Options) -> (Change, Moved) {
    let margin = options.margin.ln_1p();
    let half = reach(common_reach, estimate.freedom) * estimate.error;
    let (low, high) = (estimate.change - half, estimate.change + half);
    let moved = if low >= -margin && high <= margin {
        Moved::No
    } else if low > 0.0 {
        Moved::Up
    } else if high < 0.0 {
        Moved::Down
    } else {
        Moved::Unknown
    };
    // Four times in five: a true change of this size leaves zero out of the interval and the margin in it.
    let power = reach(normal_quantile(0.8), estimate.freedom) * estimate.error;
    let detectable = (half + power).max(margin - half + power);
    // The same for two equal runs: their interval lies within the margin four times in five.
    let power = reach(normal_quantile(0.9), estimate.freedom) * estimate.error;
    let more_data = (moved == Moved::Unknown).then(|| ((half + power) / margin).powi(2));
    let percent = |logarithm: f64| logarithm.clamp(-MOST, MOST).exp_m1() * 100.0;
    let change = Change {
        low_percent: percent(low),
        high_percent: percent(high),
        detectable_percent: percent(detectable),
        more_data,
    };
    (change, moved)
}

/// Which way a quantity went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    Up,
    Down,
    No,
    Unknown,
}

impl Moved {
    /// What that means, where more is better or worse.
    pub(super) const fn verdict(self, more_is_better: bool) -> Verdict {
        match (self, more_is_better) {
            (Self::Up, true) | (Self::Down, false) => Verdict::Better,
            (Self::Up, false) | (Self::Down, true) => Verdict::Worse,
            (Self::No, _) => Verdict::NoDifference,
            (Self::Unknown, _) => Verdict::Inconclusive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: f64, error: f64) -> (Change, Moved) {
        judge(Estimate { change, error, freedom: 1e6 }, 1.96, &Options::default())
    }

    #[test]
    fn an_interval_within_the_margin_is_no_difference_even_without_zero() {
        assert_eq!(with(0.02, 0.005).1, Moved::No);
        assert_eq!(with(0.0, 0.0).1, Moved::No);
    }

    #[test]
    fn an_interval_without_zero_that_leaves_the_margin_has_a_direction() {
        assert_eq!(with(0.10, 0.02).1, Moved::Up);
        assert_eq!(with(-0.10, 0.02).1, Moved::Down);
    }

    #[test]
    fn an_interval_with_zero_that_leaves_the_margin_is_unknown_and_says_how_much_more_would_do() {
        let (change, moved) = with(0.01, 0.05);
        assert_eq!(moved, Moved::Unknown);
        // ((1.96 + 1.28) * 0.05 / ln 1.05)^2
        assert!((change.more_data.unwrap() - 11.03).abs() < 0.05, "{change:?}");
    }

    #[test]
    fn fewer_degrees_of_freedom_reach_further() {
        assert!((reach(1.96, 1e9) - 1.96).abs() < 1e-3);
        assert!((reach(1.959_964, 10.0) - 2.228).abs() < 1e-3);
    }

    #[test]
    fn quantities_that_move_together_reach_no_further_than_one() {
        let draws: Vec<f64> = (0..1000).map(|draw| normal_quantile((f64::from(draw) + 0.5) / 1000.0)).collect();
        let mirrored: Vec<f64> = draws.iter().map(|draw| 3.0 * draw).collect();
        let together = common_reach(&[draws.clone(), mirrored, vec![0.0; 1000]], 0.95);
        // The normal quantile of 98 %: 4 % of errors, SPENT of 5 %, on two sides.
        assert!((together - 2.054).abs() < 0.02, "{together}");
        let shuffled: Vec<f64> = (0..1000).map(|draw| draws[(draw * 367 + 11) % 1000]).collect();
        let apart = common_reach(&[draws, shuffled], 0.95);
        assert!((2.2..2.45).contains(&apart), "{apart}");
    }
}
