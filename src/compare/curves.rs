//! Both sides' distributions, to be drawn one over the other.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::NamedSeries;
use super::quantity::Quantity;
use super::series::Sparse;
use crate::figures::as_f64;
use crate::recording::LatencyKind;

/// One latency's distribution on both sides, the runs of a side taken together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The latency.
    pub latency: LatencyKind,
    /// BASE, from the fastest up.
    pub base: Vec<CurvePoint>,
    /// NEW.
    pub new: Vec<CurvePoint>,
}

/// One point of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// The share of samples at or below `us`.
    pub share: f64,
    /// The latency in us.
    pub us: u64,
}

/// Points per halving of the share beyond.
const STEPS: u32 = 4;

/// A curve for each latency that both sides have.
pub(super) fn curves(base: &[NamedSeries], new: &[NamedSeries]) -> Vec<Curve> {
    Quantity::KINDS
        .into_iter()
        .map(|latency| Curve { latency, base: points(base, latency), new: points(new, latency) })
        .filter(|curve| !curve.base.is_empty() && !curve.new.is_empty())
        .collect()
}

/// Quantiles at shares that halve the rest step by step, as long as 10 samples are beyond them.
fn points(runs: &[NamedSeries], latency: LatencyKind) -> Vec<CurvePoint> {
    let mut counts = BTreeMap::<u64, u64>::new();
    for samples in runs.iter().filter_map(|run| run.series.latencies.get(&latency)) {
        let mut by_rank = vec![0; samples.buckets.len()];
        samples.seconds.iter().flat_map(Sparse::counts).for_each(|(rank, count)| by_rank[rank] += count);
        for (bucket, count) in samples.buckets.iter().zip(by_rank) {
            *counts.entry(bucket.low + bucket.width - 1).or_default() += count;
        }
    }
    let total = as_f64(counts.values().sum());
    let mut points: Vec<CurvePoint> = Vec::new();
    let mut counts = counts.into_iter();
    let mut reached = (0, 0.0);
    for step in 0_u32.. {
        let beyond = 0.5_f64.powf(f64::from(step) / f64::from(STEPS));
        if total * beyond < 10.0 {
            break;
        }
        while reached.1 < total * (1.0 - beyond) || reached.1 == 0.0 {
            let Some((us, count)) = counts.next() else { return points };
            reached = (us, reached.1 + as_f64(count));
        }
        points.push(CurvePoint { share: 1.0 - beyond, us: reached.0 });
    }
    points
}
