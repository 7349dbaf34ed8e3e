//! The shape of one phase: which event is due when, counted from the phase's start.

use super::Cursor;
use super::curve::Curve;
use super::exponential::Exponential;
use super::float::floor;
use super::poisson::Poisson;
use super::rate::{Rate, Speed};
use super::sine::Sine;
use crate::clock::Nanos;

/// How the rate of a phase runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Evenly spaced events.
    Constant(Rate),
    /// Straight lines: a linear ramp, steps, a spike, bursts or a curve from points.
    Curve(Curve),
    /// A ramp by equal factors in equal times.
    Exponential(Exponential),
    /// A swing around a mean.
    Sine(Sine),
    /// Independent arrivals at a mean rate.
    Poisson(Poisson),
    /// As recorded, divided by the speed.
    Replay(Speed),
    /// As they come in from outside.
    Arrivals,
    /// As fast as the client takes them. Without due times: slip is not defined, response time is service time.
    Unlimited,
}

impl Shape {
    /// Its name in scenarios and reports.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Constant(_) => "constant",
            Self::Curve(curve) => curve.name(),
            Self::Exponential(_) => "ramp",
            Self::Sine(_) => "sine",
            Self::Poisson(_) => "poisson",
            Self::Replay(_) => "replay",
            Self::Arrivals => "arrivals",
            Self::Unlimited => "unlimited",
        }
    }

    /// When event `n` of the phase is due; `None` where events have no due times.
    pub(super) fn due(&self, cursor: &mut Cursor, n: u64, recorded_offset: Nanos) -> Option<Nanos> {
        Some(match self {
            Self::Constant(rate) => rate.due(n),
            Self::Curve(curve) => curve.due(n),
            Self::Exponential(ramp) => ramp.due(n),
            Self::Sine(sine) => sine.due(n),
            Self::Poisson(poisson) => poisson.due(&mut cursor.block, n),
            Self::Replay(speed) => speed.compress(recorded_offset),
            Self::Arrivals => recorded_offset,
            Self::Unlimited => return None,
        })
    }

    /// How many events are due in [0, `span`), where that is a function of time alone.
    pub(super) fn due_before(&self, span: Nanos) -> Option<u64> {
        Some(match self {
            Self::Constant(rate) => rate.due_before(span),
            Self::Curve(curve) => curve.due_before(span),
            Self::Exponential(ramp) => count(span, ramp.expected(span), |n| ramp.due(n)),
            Self::Sine(sine) => count(span, sine.expected(span), |n| sine.due(n)),
            Self::Poisson(poisson) => poisson.due_before(span),
            Self::Replay(_) | Self::Arrivals | Self::Unlimited => return None,
        })
    }

    /// The integral of the rate over [0, `span`), where that is a function of time alone.
    pub(super) fn expected(&self, span: Nanos) -> Option<f64> {
        Some(match self {
            Self::Constant(rate) => rate.as_f64() * span.as_secs_f64(),
            Self::Curve(curve) => curve.expected(span),
            Self::Exponential(ramp) => ramp.expected(span),
            Self::Sine(sine) => sine.expected(span),
            Self::Poisson(poisson) => poisson.expected(span),
            Self::Replay(_) | Self::Arrivals | Self::Unlimited => return None,
        })
    }

    /// The highest planned rate in events per second, where there is a plan.
    #[must_use]
    pub fn peak(&self) -> Option<f64> {
        Some(match self {
            Self::Constant(rate) => rate.as_f64(),
            Self::Curve(curve) => curve.peak(),
            Self::Exponential(ramp) => ramp.peak(),
            Self::Sine(sine) => sine.peak(),
            Self::Poisson(poisson) => poisson.rate().as_f64(),
            Self::Replay(_) | Self::Arrivals | Self::Unlimited => return None,
        })
    }
}

/// The events due in [0, `span`) of a shape computed in floating point: `expected` is right to an event or so, and the
/// due times themselves decide.
fn count(span: Nanos, expected: f64, due: impl Fn(u64) -> Nanos) -> u64 {
    let mut n = floor(expected);
    while n > 0 && due(n - 1) >= span {
        n -= 1;
    }
    while due(n) < span {
        n += 1;
    }
    n
}
