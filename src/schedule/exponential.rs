//! A rate that grows or shrinks by the same factor in equal times, from one rate to another, and then stays.
//!
//! With `L = ln(to / from)` over the time `D`, the events due by `t` are `N(t) = from D (e^(L t/D) - 1) / L`, so event
//! `n` is due at `t = D ln(1 + n L / (from D)) / L`. Both are computed with `ln_1p` and `exp_m1`, which keep their
//! digits where the two rates are close. The error is a few times 2^-53 of the largest count, so below 1/1000 of an
//! event for 2^40 events, plus the rounding to a ns.

use super::float::{float, floor};
use super::rate::Rate;
use crate::clock::Nanos;

/// An exponential ramp.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exponential {
    from: Rate,
    to: Rate,
    over: Nanos,
    /// `L`.
    growth: f64,
    /// `from D`: what would be due over the ramp if the rate did not change.
    level: f64,
    /// Events due within the ramp.
    within: f64,
}

impl Exponential {
    /// From one rate to another within `over`; `None` where that is no time.
    #[must_use]
    pub fn new(from: Rate, to: Rate, over: Nanos) -> Option<Self> {
        let growth = (to.as_f64() / from.as_f64()).ln();
        let level = from.as_f64() * over.as_secs_f64();
        let mut ramp = Self { from, to, over, growth, level, within: 0.0 };
        ramp.within = ramp.expected(over);
        (over > Nanos::ZERO).then_some(ramp)
    }

    /// When event `n` is due.
    #[must_use]
    pub fn due(&self, n: u64) -> Nanos {
        let number = float(n.into());
        if number >= self.within {
            let beyond = (number - self.within) / self.to.as_f64() * 1e9;
            return self.over + Nanos(floor(beyond));
        }
        let part = if self.growth == 0.0 {
            number / self.level
        } else {
            (number * self.growth / self.level).ln_1p() / self.growth
        };
        Nanos(floor(part * float(self.over.0.into()))).min(self.over)
    }

    /// The integral of the rate over [0, `span`).
    #[must_use]
    pub fn expected(&self, span: Nanos) -> f64 {
        if span > self.over {
            return self.within + (span - self.over).as_secs_f64() * self.to.as_f64();
        }
        let part = float(span.0.into()) / float(self.over.0.into());
        if self.growth == 0.0 { self.level * part } else { self.level * (self.growth * part).exp_m1() / self.growth }
    }

    /// The highest rate, in events per second.
    #[must_use]
    pub fn peak(&self) -> f64 {
        self.from.as_f64().max(self.to.as_f64())
    }

    /// How long the ramp takes.
    #[must_use]
    pub fn length(&self) -> Nanos {
        self.over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From, to, seconds, and events with their due times.
    type Case = (&'static str, &'static str, u64, &'static [(u64, u64)]);

    fn ramp(from: &str, to: &str, seconds: u64) -> Exponential {
        Exponential::new(from.parse().unwrap(), to.parse().unwrap(), Nanos::from_secs(seconds)).unwrap()
    }

    /// Computed with 60 digits from the module's formula. The allowance is the module's bound: a ns, and the time that
    /// 1/1000 of an event takes at that point.
    #[test]
    fn ramps_are_due_where_60_digits_put_them() {
        let cases: [Case; 3] = [
            ("100", "10000", 60, &[(1, 9_996_164), (1_000, 7_420_991_755), (50_000, 47_857_086_270)]),
            (
                "1000000",
                "10",
                86_400,
                &[
                    (1, 1_000),
                    (1_000_000_000, 1_073_206_839_451),
                    (1 << 32, 6_374_100_260_467),
                    (7_504_000_000, 70_691_829_547_470),
                ],
            ),
            (
                "1",
                "1000000",
                1_000_000,
                &[
                    (1, 999_993_092),
                    (1_000_000, 195_119_437_052_548),
                    (1 << 35, 946_069_617_034_771),
                    (1 << 36, 996_241_206_738_293),
                ],
            ),
        ];
        for (from, to, seconds, expected) in cases {
            let ramp = ramp(from, to, seconds);
            for &(n, due) in expected {
                let rate = ramp.from.as_f64() * (ramp.growth * float(due.into()) / float(ramp.over.0.into())).exp();
                let allowed = 1 + floor(1e-3 / rate * 1e9);
                assert!(ramp.due(n).0.abs_diff(due) <= allowed, "{from}..{to}, event {n}: {:?}", ramp.due(n));
            }
        }
    }

    #[test]
    fn the_last_rate_goes_on() {
        let ramp = ramp("100", "10000", 60);
        let over = ramp.expected(Nanos::from_secs(60));
        assert!((over - 9_900.0 * 60.0 / 100.0_f64.ln()).abs() < 1e-6);
        let next = floor(over) + 1;
        assert!(ramp.due(next) >= Nanos::from_secs(60));
        assert_eq!(ramp.due(next + 10_000) - ramp.due(next), Nanos::from_secs(1));
    }

    #[test]
    fn without_growth_it_is_constant() {
        let ramp = ramp("100", "100", 60);
        assert_eq!(ramp.due(100), Nanos::from_secs(1));
        assert_eq!(ramp.due(10_000), Nanos::from_secs(100));
    }
}
