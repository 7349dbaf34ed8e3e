//! A rate that swings around a mean: `mean + amplitude sin(2 pi t / period)`.
//!
//! Whole periods are counted in integers, as each holds `mean * period` events. Within a period, with the angle
//! `a = 2 pi t / period`, event `n` is due where `mean a + amplitude (1 - cos a) = 2 pi n / period`: found by Halley's
//! method from a table, inside a bracket that only shrinks. The error is a few times 2^-53 of the events of one
//! period, so below 1/1000 of an event for 2^40 of them, plus the rounding to a ns.

use std::f64::consts::TAU;

use super::float::{float, floor};
use super::rate::Rate;
use crate::clock::Nanos;

/// Steps of the table: with 1,024 of them the first guess is good to about 1 / 1024^2 of a period.
const STEPS: usize = 1_024;
/// Where the rate is at least this part of its mean, an error e is at most 128 e^3 after one step of Halley's method.
const STEEP: f64 = 1.0 / 16.0;
/// Enough for bisection alone to reach the last bit of an angle.
const MOST_ROUNDS: usize = 64;

/// A sine around a mean rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Sine {
    mean: Rate,
    amplitude: Rate,
    period: Nanos,
    /// `amplitude / mean`: 0 < swing <= 1.
    swing: f64,
    /// The angle of 1/16 ns.
    resolution: f64,
    /// A step of which the cube makes no difference any more.
    last_step: f64,
    /// Angles at which 0, 1/1024, 2/1024, ... 1 of a period's events are due.
    angles: Vec<f64>,
}

impl Sine {
    /// `None` where the period is no time, or the amplitude above the mean: a rate is never negative.
    #[must_use]
    pub fn new(mean: Rate, amplitude: Rate, period: Nanos) -> Option<Self> {
        let (mean_events, mean_ns) = mean.ratio();
        let (events, ns) = amplitude.ratio();
        let fits = u128::from(events) * u128::from(mean_ns) <= u128::from(mean_events) * u128::from(ns);
        if !fits || period == Nanos::ZERO {
            return None;
        }
        let swing = amplitude.as_f64() / mean.as_f64();
        let resolution = TAU / 16.0 / float(period.0.into());
        let last_step = (resolution / 128.0).cbrt();
        let mut sine = Self { mean, amplitude, period, swing, resolution, last_step, angles: vec![0.0, TAU] };
        let angle_at = |step: usize| match step {
            0 => 0.0,
            STEPS => TAU,
            _ => sine.angle(float(step as u128) / float(STEPS as u128)),
        };
        let angles: Vec<_> = (0..=STEPS).map(angle_at).collect();
        sine.angles = angles;
        Some(sine)
    }

    /// When event `n` is due.
    #[must_use]
    pub fn due(&self, n: u64) -> Nanos {
        let (events, per_ns) = self.mean.ratio();
        let (target, whole) = (u128::from(n) * u128::from(per_ns), u128::from(events) * u128::from(self.period.0));
        let (periods, rest) = (target / whole, target % whole);
        let start = u64::try_from(periods.saturating_mul(self.period.0.into())).unwrap_or(u64::MAX);
        let angle = self.angle(float(rest) / float(whole));
        Nanos(start) + Nanos(floor(angle / TAU * float(self.period.0.into()))).min(self.period)
    }

    /// The integral of the rate over [0, `span`).
    #[must_use]
    pub fn expected(&self, span: Nanos) -> f64 {
        let (events, per_ns) = self.mean.ratio();
        let even = float(u128::from(span.0) * u128::from(events)) / float(per_ns.into());
        let angle = float((span.0 % self.period.0).into()) / float(self.period.0.into()) * TAU;
        let half = (angle / 2.0).sin();
        even + self.amplitude.as_f64() * self.period.as_secs_f64() / TAU * 2.0 * half * half
    }

    /// The highest rate, in events per second.
    #[must_use]
    pub fn peak(&self) -> f64 {
        self.mean.as_f64() + self.amplitude.as_f64()
    }

    /// The angle at which `part` of a period's events are due, 0 <= `part` < 1.
    fn angle(&self, part: f64) -> f64 {
        let target = part * TAU;
        let slots = self.angles.len() - 1;
        let position = part * float(slots as u128);
        let slot = usize::try_from(floor(position)).unwrap_or(slots).min(slots - 1);
        let (mut low, mut high) = (self.angles[slot], self.angles[slot + 1]);
        let mut angle = low + (high - low) * (position - float(slot as u128));
        for _ in 0..MOST_ROUNDS {
            let (sin, cos) = angle.sin_cos();
            let excess = angle + self.swing * (1.0 - cos) - target;
            if excess > 0.0 {
                high = angle;
            } else {
                low = angle;
            }
            let (slope, bend) = (1.0 + self.swing * sin, self.swing * cos);
            let step = 2.0 * excess * slope / (2.0 * slope * slope - excess * bend);
            let trusted = angle - step > low && angle - step < high;
            let next = if trusted { angle - step } else { f64::midpoint(low, high) };
            let moved = (next - angle).abs();
            let converged = trusted && slope > STEEP && moved <= self.last_step;
            if converged || moved <= self.resolution.max(2.0 * f64::EPSILON * angle) {
                return next;
            }
            angle = next;
        }
        angle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean, amplitude, period in seconds, and events with their due times.
    type Case = (&'static str, &'static str, u64, &'static [(u64, u64)]);

    fn sine(mean: &str, amplitude: &str, seconds: u64) -> Sine {
        Sine::new(mean.parse().unwrap(), amplitude.parse().unwrap(), Nanos::from_secs(seconds)).unwrap()
    }

    /// Computed with 60 digits by bisection of the module's formula. The allowance is the module's bound: a ns, and the
    /// time that 1/1000 of an event takes at that point; at the bottom of a sine that touches 0 an event has no width,
    /// so there the neighbours are used.
    #[test]
    fn sines_are_due_where_60_digits_put_them() {
        let cases: [Case; 3] = [
            (
                "5000",
                "2000",
                60,
                &[
                    (1, 199_999),
                    (7, 1_399_958),
                    (1_000, 199_169_217),
                    (150_000, 23_270_441_032),
                    (299_999, 59_999_799_999),
                    (300_000, 60_000_000_000),
                    (1_000_000_007, 199_995_844_372_364),
                ],
            ),
            (
                "1000000",
                "900000",
                86_400,
                &[
                    (1, 999),
                    (1 << 33, 7_014_414_702_786),
                    (43_200_000_000, 26_503_715_292_257),
                    (1 << 36, 43_988_015_573_856),
                    (1 << 40, 1_075_435_442_960_125),
                ],
            ),
            (
                "1000",
                "1000",
                10,
                &[
                    (1, 999_686),
                    (5_000, 2_957_359_716),
                    (7_499, 4_420_309_567),
                    (7_500, 4_421_047_022),
                    (9_999, 9_998_999_685),
                    (1_000_000_007_500, 1_000_000_004_421_047_022),
                ],
            ),
        ];
        for (mean, amplitude, seconds, expected) in cases {
            let sine = sine(mean, amplitude, seconds);
            for &(n, due) in expected {
                let angle = float((due % sine.period.0).into()) / float(sine.period.0.into()) * TAU;
                let rate = sine.mean.as_f64() + sine.amplitude.as_f64() * angle.sin();
                let allowed = 1 + floor(1e-3 / rate * 1e9);
                assert!(sine.due(n).0.abs_diff(due) <= allowed, "{mean}, event {n}: {:?}", sine.due(n));
            }
        }
    }

    #[test]
    fn whole_periods_hold_the_mean() {
        let sine = sine("5000", "2000", 60);
        for periods in [1, 2, 60 * 24 * 365] {
            assert_eq!(sine.due(300_000 * periods), Nanos::from_secs(60 * periods));
        }
    }

    #[test]
    fn a_sine_that_touches_zero_is_solved_at_its_bottom() {
        let sine = sine("1000000", "1000000", 3_600);
        let bottom = floor(sine.expected(Nanos::from_secs(2_700)));
        let around: Vec<_> = (bottom - 50..bottom + 50).map(|n| sine.due(n)).collect();
        assert!(around.is_sorted());
        for (n, due) in (bottom - 50..).zip(around) {
            assert!((sine.expected(due) - float(n.into())).abs() < 1e-3, "event {n}");
        }
    }

    #[test]
    fn a_negative_rate_is_refused() {
        let sine = |mean: &str, amplitude: &str| {
            Sine::new(mean.parse().unwrap(), amplitude.parse().unwrap(), Nanos::from_secs(1))
        };
        assert!(sine("10", "10").is_some());
        assert!(sine("10", "10.001").is_none());
        assert_eq!(Sine::new("1".parse().unwrap(), "1".parse().unwrap(), Nanos::ZERO), None);
    }
}
