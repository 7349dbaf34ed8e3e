//! The knee of the latency curve: where it leaves its plateau.
//!
//! Kneedle (Satopaa, Albrecht, Irwin, Raghavan, Finding a "Kneedle" in a Haystack, ICDCSW 2011): with both axes scaled to
//! 0..1, the knee of a curve that bends upwards is where it lies farthest below the diagonal, provided that it comes
//! back from there by more than the mean distance of the points (sensitivity 1).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Probe, ProbeVerdict};
use crate::figures::as_f64;

/// The fewest rates in which a bend can be seen.
const FEWEST: usize = 5;
/// A curve that stays nearer to a straight line than this has no knee.
const SHALLOW: f64 = 0.1;

/// How much the latency of a rate may stand against a knee: a plateau is no slower than its end by more than this factor, and
/// nothing beyond is faster by more. Probes that scatter wider show no bend.
const SCATTER: f64 = 1.5;

/// Where the latency curve bends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Knee {
    /// The rate, in events per second.
    pub rate: f64,
    /// 99 % of response time there.
    pub p99_us: f64,
}

/// The knee of 99 % of response time over the rate offered. Probes in which the generator was the limit do not count.
pub(super) fn of_probes(probes: &[Probe]) -> Option<Knee> {
    let mut by_rate: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for probe in probes {
        let says_something = matches!(probe.outcome.verdict, ProbeVerdict::Passed | ProbeVerdict::Failed);
        if let Some(p99) = probe.outcome.p99_us.filter(|_| says_something) {
            by_rate.entry(probe.rate).or_default().push(p99);
        }
    }
    let middle = |mut values: Vec<u64>| {
        values.sort_unstable();
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    let curve: Vec<_> = by_rate.into_iter().map(|(rate, values)| (as_f64(rate), as_f64(middle(values)))).collect();
    find(&curve).map(|(rate, p99_us)| Knee { rate, p99_us })
}

/// The knee of a curve that bends upwards, given by points with rising `x`.
fn find(curve: &[(f64, f64)]) -> Option<(f64, f64)> {
    let (first, last) = (curve.first()?, curve.last()?);
    let lowest = curve.iter().map(|(_, y)| *y).fold(f64::INFINITY, f64::min);
    let highest = curve.iter().map(|(_, y)| *y).fold(f64::NEG_INFINITY, f64::max);
    if curve.len() < FEWEST || highest <= lowest || last.0 <= first.0 {
        return None;
    }
    let below: Vec<_> =
        curve.iter().map(|(x, y)| (x - first.0) / (last.0 - first.0) - (y - lowest) / (highest - lowest)).collect();
    let mean_step = 1.0 / as_f64(curve.len() as u64 - 1);
    let (knee, depth) = below.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
    let comes_back = below[knee..].iter().any(|after| *after < depth - mean_step);
    let at_knee = curve[knee].1;
    let is_plateau = curve[..knee].iter().all(|(_, y)| *y <= at_knee * SCATTER);
    let rises = curve[knee..].iter().all(|(_, y)| *y * SCATTER >= at_knee);
    (*depth >= SHALLOW && comes_back && is_plateau && rises).then(|| curve[knee])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_knee_is_where_latency_takes_off() {
        // A queue at its limit of 100: latency 1 / (1 - load), cut off at 1,000.
        let curve: Vec<_> = (1_u32..=11)
            .map(|tens| {
                (f64::from(tens) * 10.0, if tens < 10 { 1.0 / (1.0 - f64::from(tens) / 10.0) } else { 1_000.0 })
            })
            .collect();
        assert_eq!(find(&curve), Some((90.0, 1.0 / (1.0 - 0.9))));
    }

    #[test]
    fn a_straight_line_has_no_knee() {
        let line: Vec<_> = (0..10).map(|x| (f64::from(x), 2.0 * f64::from(x))).collect();
        assert_eq!(find(&line), None);
        let level: Vec<_> = (0..10).map(|x| (f64::from(x), 7.0)).collect();
        assert_eq!(find(&level), None);
    }

    #[test]
    fn scattered_probes_have_no_knee() {
        // p99 in ms over the rate, as a noisy machine gave it: what lies below the bend is slower than the bend.
        let scattered = [
            (1_000.0, 9.0),
            (1_189.0, 31.0),
            (1_399.0, 20.0),
            (1_445.0, 12.0),
            (1_641.0, 8.01),
            (1_800.0, 44.0),
            (2_000.0, 60.0),
        ];
        assert_eq!(find(&scattered), None);
        // The same bend with a plateau before it is one.
        let plateau = scattered.map(|(x, y)| if x < 1_641.0 { (x, 8.0 + y / 100.0) } else { (x, y) });
        assert_eq!(find(&plateau), Some((1_641.0, 8.01)));
    }

    #[test]
    fn four_points_have_no_knee() {
        assert_eq!(find(&[(1.0, 1.0), (2.0, 1.0), (3.0, 1.0), (4.0, 100.0)]), None);
        assert_eq!(find(&[]), None);
    }
}
