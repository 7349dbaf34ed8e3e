//! Shares and how sure they are. The events of an episode hang together, so that episodes and not events are what is counted in.

use crate::figures::as_f64;
use crate::report::Estimate;

/// The quantile of the normal distribution for 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// A part of a whole, in an episode.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cluster {
    pub(super) part: u64,
    pub(super) whole: u64,
}

/// A ratio of two sums over clusters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ratio {
    value: f64,
    /// Its variance, by linearization (Cochran, "Sampling Techniques", 3rd ed., 6.5 and 9.7).
    variance: f64,
    clusters: u64,
}

impl Ratio {
    /// That of these clusters and so many more, of which each adds one to the whole and nothing to the part.
    pub(super) fn of(clusters: &[Cluster], beside: u64) -> Self {
        let sum = |of: fn(&Cluster) -> u64| clusters.iter().map(of).sum::<u64>();
        let (part, whole) = (as_f64(sum(|cluster| cluster.part)), as_f64(sum(|cluster| cluster.whole) + beside));
        let value = part / whole;
        let off = |cluster: &Cluster| (as_f64(cluster.part) - value * as_f64(cluster.whole)).powi(2);
        let squares = clusters.iter().map(off).sum::<f64>() + as_f64(beside) * value * value;
        let count = clusters.iter().map(|cluster| u64::from(cluster.whole > 0)).sum::<u64>() + beside;
        let correction = if count > 1 { as_f64(count) / as_f64(count - 1) } else { 1.0 };
        Self { value, variance: squares / (whole * whole) * correction, clusters: count }
    }

    /// With Wilson's interval for as many independent draws as have that variance; `None` of nothing.
    pub(super) fn estimate(self) -> Option<Estimate> {
        let Self { value, variance, clusters } = self;
        if !value.is_finite() {
            return None;
        }
        let draws = if variance > 0.0 { value * (1.0 - value) / variance } else { as_f64(clusters) };
        Some(interval(value, draws))
    }
}

/// Wilson's interval (JASA 22, 1927) of a share of so many draws.
pub(super) fn wilson(value: f64, draws: u64) -> Estimate {
    interval(value, as_f64(draws))
}

fn interval(value: f64, draws: f64) -> Estimate {
    if draws <= 0.0 {
        return Estimate { value, low: 0.0, high: 1.0 };
    }
    let squared = Z * Z;
    let centre = (value + squared / (2.0 * draws)) / (1.0 + squared / draws);
    let half = Z / (1.0 + squared / draws) * (value * (1.0 - value) / draws + squared / (4.0 * draws * draws)).sqrt();
    Estimate { value, low: (centre - half).clamp(0.0, value), high: (centre + half).clamp(value, 1.0) }
}

/// The logit interval of an area under the curve of precision over recall (Boyd, Eng, Page: "Area under the precision-recall curve:
/// point estimates and confidence intervals", ECML PKDD 2013, section 3.2).
pub(super) fn logit(value: f64, positives: u64) -> Estimate {
    if value <= 0.0 || value >= 1.0 || positives == 0 {
        return wilson(value, positives);
    }
    let (centre, half) = ((value / (1.0 - value)).ln(), Z / (as_f64(positives) * value * (1.0 - value)).sqrt());
    let back = |logit: f64| 1.0 / (1.0 + (-logit).exp());
    Estimate { value, low: back(centre - half), high: back(centre + half) }
}
