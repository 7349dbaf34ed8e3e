//! Rates that run in straight lines: ramps, steps, spikes, bursts and curves from points, in whole numbers throughout.
//!
//! With rates written as `e / p` events per ns (one `p` for the whole curve), the events due by the time `t` into a
//! stretch of length `D` from `e0` to `e1` are `(2 e0 D t + (e1 - e0) t^2) / (2 p D)`. So event `n` is due at the
//! largest whole `t` for which `2 e0 D t + (e1 - e0) t^2 <= 2 p D n`. Floating point only guesses `t`; the inequality,
//! in integers of 192 bits, decides. The result is the exact due time rounded down to a ns: no error grows with `n`.

mod piece;

use super::float::float;
use super::rate::{Level, gcd};
use crate::clock::Nanos;
use piece::Piece;

/// A rate over time, made of straight lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    name: &'static str,
    /// The `p` of the module's formula.
    per_ns: u64,
    pieces: Vec<Piece>,
    cycle: Option<Cycle>,
}

/// A straight line of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// How long it lasts.
    pub length: Nanos,
    /// The rate at its start.
    pub from: Level,
    /// The rate at its end.
    pub to: Level,
}

/// What follows the last stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// The last rate goes on.
    Hold,
    /// The first stretch follows again.
    Repeat,
}

/// Why stretches make no curve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CurveError {
    /// Nothing is ever due.
    #[error("this rate is 0 all the time, so nothing would ever be due")]
    Zero,
    /// Too few points.
    #[error("a curve needs at least two points")]
    TooFewPoints,
    /// The first point is not at the start.
    #[error("the first point of a curve must be at 0s, this one is at {0}")]
    LateStart(Nanos),
    /// A point is earlier than the one before it.
    #[error("point {index} of the curve, at {at}, is earlier than the one before it")]
    Unsorted {
        /// Counted from 1.
        index: usize,
        /// Its time.
        at: Nanos,
    },
    /// The rates' common denominator, or the whole length, is too large a number.
    #[error(
        "this curve lasts too long, or its rates have too many decimals, to be computed exactly: \
         give the rates fewer decimals, or divide it into several phases"
    )]
    TooFine,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cycle {
    length: u64,
    /// Events in it, in units of 1 / (2 p).
    area: u128,
}

/// The largest common denominator, so that no sum below exceeds 128 bits.
const FINEST: u128 = 1 << 60;

impl Curve {
    /// A straight line from one rate to another, which then goes on.
    ///
    /// # Errors
    /// Where both are zero, or [`CurveError::TooFine`].
    pub fn ramp(from: Level, to: Level, over: Nanos) -> Result<Self, CurveError> {
        Self::new("ramp", &[Stretch { length: over, from, to }], After::Hold)
    }

    /// One rate after the other, each for the same time; the last one goes on.
    ///
    /// # Errors
    /// Where all are zero, or [`CurveError::TooFine`].
    pub fn steps(levels: &[Level], each: Nanos) -> Result<Self, CurveError> {
        let stretches: Vec<_> = levels.iter().map(|&level| Stretch { length: each, from: level, to: level }).collect();
        Self::new("steps", &stretches, After::Hold)
    }

    /// `base`, then up to `peak` within `rise`, there for `hold`, and down to `base` within `fall`, where it stays.
    ///
    /// # Errors
    /// Where both are zero, or [`CurveError::TooFine`].
    pub fn spike(base: Level, peak: Level, timing: SpikeTiming) -> Result<Self, CurveError> {
        let stretches = [
            Stretch { length: timing.at, from: base, to: base },
            Stretch { length: timing.rise, from: base, to: peak },
            Stretch { length: timing.hold, from: peak, to: peak },
            Stretch { length: timing.fall, from: peak, to: base },
        ];
        Self::new("spike", &stretches, After::Hold)
    }

    /// `rate` during `on`, `base` during `off`, and so on.
    ///
    /// # Errors
    /// Where both are zero, or [`CurveError::TooFine`].
    pub fn bursts(rate: Level, on: Nanos, base: Level, off: Nanos) -> Result<Self, CurveError> {
        let stretches = [Stretch { length: on, from: rate, to: rate }, Stretch { length: off, from: base, to: base }];
        Self::new("bursts", &stretches, After::Repeat)
    }

    /// Straight lines between points in time order, the first at 0; two points at one time make a jump. `after` says what
    /// follows the last one: with [`After::Repeat`] a jump back to the first.
    ///
    /// # Errors
    /// Where the points are not in order, fewer than two, all zero, or [`CurveError::TooFine`].
    pub fn points(points: &[(Nanos, Level)], after: After) -> Result<Self, CurveError> {
        if points.len() < 2 {
            return Err(CurveError::TooFewPoints);
        }
        if let Some(&(first, _)) = points.first().filter(|(at, _)| *at > Nanos::ZERO) {
            return Err(CurveError::LateStart(first));
        }
        let mut stretches = Vec::with_capacity(points.len());
        for (index, pair) in points.windows(2).enumerate() {
            if let [(start, from), (end, to)] = *pair {
                if end < start {
                    return Err(CurveError::Unsorted { index: index + 2, at: end });
                }
                stretches.push(Stretch { length: end - start, from, to });
            }
        }
        Self::new("curve", &stretches, after)
    }

    /// Any stretches, one after the other.
    ///
    /// # Errors
    /// Where all are zero, or [`CurveError::TooFine`].
    pub fn new(name: &'static str, stretches: &[Stretch], after: After) -> Result<Self, CurveError> {
        let mut per_ns = 1_u128;
        for level in stretches.iter().flat_map(|stretch| [stretch.from, stretch.to]) {
            let denominator = u128::from(level.ratio().1);
            per_ns = denominator / gcd(per_ns, denominator) * per_ns;
            if per_ns > FINEST {
                return Err(CurveError::TooFine);
            }
        }
        let per_ns = u64::try_from(per_ns).map_err(|_| CurveError::TooFine)?;
        let numerator = |level: Level| {
            let (events, denominator) = level.ratio();
            events * (per_ns / denominator)
        };
        let mut curve = Self { name, per_ns, pieces: Vec::with_capacity(stretches.len() + 1), cycle: None };
        let mut end = Piece { starts: 0, before: 0, length: 0, from: 0, to: 0 };
        for stretch in stretches {
            end = Piece { from: numerator(stretch.from), to: numerator(stretch.to), length: stretch.length.0, ..end };
            if end.length > 0 {
                curve.pieces.push(end);
                end = end.next().ok_or(CurveError::TooFine)?;
            }
        }
        match after {
            After::Repeat if end.before > 0 => curve.cycle = Some(Cycle { length: end.starts, area: end.before }),
            After::Hold if end.before > 0 || end.to > 0 => {
                curve.pieces.push(Piece { from: end.to, length: u64::MAX - end.starts, ..end });
            }
            _ => return Err(CurveError::Zero),
        }
        Ok(curve)
    }

    /// `ramp`, `steps`, `spike`, `bursts` or `curve`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// When event `n` is due: exactly, rounded down to a ns.
    #[must_use]
    pub fn due(&self, n: u64) -> Nanos {
        let mut area = 2 * u128::from(self.per_ns) * u128::from(n);
        let mut start = 0;
        if let Some(cycle) = self.cycle {
            let (cycles, rest) = (area / cycle.area, area % cycle.area);
            let elapsed = cycles.saturating_mul(u128::from(cycle.length));
            start = u64::try_from(elapsed).unwrap_or(u64::MAX);
            area = rest;
        }
        // The last piece that starts with no more than `area` behind it: an event that falls into a pause is due at
        // the pause's end.
        let after = self.pieces.partition_point(|piece| piece.before <= area);
        let within = self.pieces[..after]
            .last()
            .map_or(0, |piece| piece.starts.saturating_add(piece.reach(area - piece.before)));
        Nanos(start.saturating_add(within))
    }

    /// How many events are due in [0, `span`): the inverse of [`Curve::due`], exactly.
    #[must_use]
    pub fn due_before(&self, span: Nanos) -> u64 {
        let area = self.area(span).div_ceil(2 * u128::from(self.per_ns));
        u64::try_from(area).unwrap_or(u64::MAX)
    }

    /// The integral of the rate over [0, `span`).
    #[must_use]
    pub fn expected(&self, span: Nanos) -> f64 {
        float(self.area(span)) / (2.0 * float(self.per_ns.into()))
    }

    /// The highest rate, in events per second.
    #[must_use]
    pub fn peak(&self) -> f64 {
        let highest = self.pieces.iter().map(|piece| piece.from.max(piece.to)).max().unwrap_or(0);
        float(highest.into()) / float(self.per_ns.into()) * 1e9
    }

    /// How long it takes until its last stretch is over; `None` where it repeats.
    #[must_use]
    pub fn length(&self) -> Option<Nanos> {
        if self.cycle.is_some() { None } else { self.pieces.last().map(|piece| Nanos(piece.starts)) }
    }

    /// Events in [0, `span`) in units of 1 / (2 p), rounded up.
    fn area(&self, span: Nanos) -> u128 {
        let (mut before, mut within) = (0, span.0);
        if let Some(cycle) = self.cycle {
            before = u128::from(span.0 / cycle.length) * cycle.area;
            within = span.0 % cycle.length;
        }
        let started = self.pieces.partition_point(|piece| piece.starts <= within);
        self.pieces[..started].last().map_or(0, |piece| before + piece.before + piece.area(within - piece.starts))
    }
}

/// When a spike comes and goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpikeTiming {
    /// Until it starts to rise.
    pub at: Nanos,
    /// From the base to the peak.
    pub rise: Nanos,
    /// At the peak.
    pub hold: Nanos,
    /// From the peak to the base.
    pub fall: Nanos,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::float::floor;
    use proptest::prelude::*;

    /// From, to, seconds, and events with their due times.
    type Case = (&'static str, &'static str, u64, &'static [(u64, u64)]);

    fn level(text: &str) -> Level {
        text.parse().unwrap()
    }

    fn secs(s: u64) -> Nanos {
        Nanos::from_secs(s)
    }

    /// Computed with 60 digits from `t = 2 n / (r0 + sqrt(r0^2 + 2 (r1 - r0) n / D))`.
    #[test]
    fn ramps_are_due_where_60_digits_put_them() {
        let cases: [Case; 4] = [
            (
                "100",
                "10000",
                60,
                &[
                    (0, 0),
                    (1, 9_918_833),
                    (2, 19_680_460),
                    (1_000, 2_927_849_633),
                    (151_500, 42_251_038_523),
                    (302_999, 59_999_899_999),
                ],
            ),
            (
                "0",
                "1000000",
                86_400,
                &[
                    (1, 415_692_193),
                    (1_000_000, 415_692_193_816),
                    (1 << 34, 54_485_607_227_920),
                    (43_199_999_999, 86_399_999_998_999),
                ],
            ),
            (
                "1000000",
                "0",
                86_400,
                &[
                    (1, 1_000),
                    (1 << 34, 19_345_704_052_575),
                    (43_199_999_998, 86_399_412_122_461),
                    (43_199_999_999, 86_399_584_307_806),
                ],
            ),
            (
                "333.333",
                "999999.999",
                250_000,
                &[
                    (1, 2_999_949),
                    (12_345, 31_197_335_350),
                    (1 << 36, 185_311_359_505_693),
                    (124_997_000_000, 249_955_329_510_380),
                ],
            ),
        ];
        for (from, to, seconds, expected) in cases {
            let curve = Curve::ramp(level(from), level(to), secs(seconds)).unwrap();
            for &(n, due) in expected {
                assert_eq!(curve.due(n), Nanos(due), "{from}..{to}, event {n}");
            }
        }
    }

    #[test]
    fn a_ramp_holds_exactly_the_area_below_it() {
        let curve = Curve::ramp(level("100"), level("10000"), secs(60)).unwrap();
        assert_eq!(curve.due_before(secs(60)), 303_000);
        assert_eq!(curve.due(303_000), secs(60));
        assert_eq!(curve.due(313_000), secs(61), "the last rate goes on");
    }

    #[test]
    fn equal_steps_are_a_constant_rate() {
        let steps = Curve::steps(&[level("3/7s"), level("3/7s"), level("3/7s")], secs(10)).unwrap();
        let level: crate::schedule::Rate = "3/7s".parse().unwrap();
        for n in 0..10_000 {
            assert_eq!(steps.due(n), level.due(n));
        }
    }

    #[test]
    fn bursts_pause_and_come_again() {
        let bursts = Curve::bursts(level("100"), secs(1), Level::Zero, secs(9)).unwrap();
        assert_eq!(bursts.due(99), Nanos::from_millis(990));
        assert_eq!(bursts.due(100), secs(10), "not at the end of the burst, where the rate is already 0");
        assert_eq!(bursts.due(100 * 360 * 24), secs(86_400));
        assert_eq!(bursts.due_before(secs(86_400)), 100 * 360 * 24);
        assert_eq!(bursts.due_before(Nanos::from_millis(10_005)), 101);
    }

    #[test]
    fn a_spike_returns_to_its_base() {
        let timing = SpikeTiming { at: secs(10), rise: Nanos::ZERO, hold: secs(5), fall: Nanos::ZERO };
        let spike = Curve::spike(level("10"), level("1000"), timing).unwrap();
        assert_eq!(spike.due_before(secs(10)), 100);
        assert_eq!(spike.due_before(secs(15)), 5_100);
        assert_eq!(spike.due_before(secs(25)), 5_200);
        assert!((spike.peak() - 1_000.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_is_due_after_a_rate_of_zero_for_good() {
        let curve =
            Curve::points(&[(secs(0), level("10")), (secs(1), level("10")), (secs(1), level("0"))], After::Hold)
                .unwrap();
        assert_eq!(curve.due(9), Nanos::from_millis(900));
        assert_eq!(curve.due(10), Nanos::MAX);
        assert_eq!(curve.due_before(Nanos::MAX), 10);
    }

    #[test]
    fn a_day_repeats() {
        let day = [(secs(0), level("1")), (secs(10), level("3")), (secs(20), level("1"))];
        let curve = Curve::points(&day, After::Repeat).unwrap();
        assert_eq!(curve.due_before(secs(20)), 40);
        assert_eq!(curve.due_before(secs(200)), 400);
        assert_eq!(curve.due(40 + 15), secs(20) + curve.due(15));
        assert_eq!(curve.length(), None);
    }

    #[test]
    fn points_out_of_order_are_refused() {
        let at = |s, rate: &str| (secs(s), level(rate));
        assert_eq!(Curve::points(&[at(0, "1")], After::Hold), Err(CurveError::TooFewPoints));
        assert_eq!(Curve::points(&[at(1, "1"), at(2, "1")], After::Hold), Err(CurveError::LateStart(secs(1))));
        let unsorted = Curve::points(&[at(0, "1"), at(5, "1"), at(4, "1")], After::Hold);
        assert_eq!(unsorted, Err(CurveError::Unsorted { index: 3, at: secs(4) }));
        assert_eq!(Curve::points(&[at(0, "0"), at(5, "0")], After::Hold), Err(CurveError::Zero));
        assert_eq!(Curve::steps(&[], secs(1)), Err(CurveError::Zero));
    }

    #[test]
    fn what_cannot_be_computed_exactly_is_refused() {
        let endless = Curve::steps(&[level("1"), level("2"), level("3")], secs(86_400 * 365 * 300));
        assert_eq!(endless, Err(CurveError::TooFine));
        let fine = Curve::steps(&[level("1/999999937ns"), level("1/999999929ns"), level("1/999999893ns")], secs(1));
        assert_eq!(fine, Err(CurveError::TooFine));
    }

    fn levels() -> impl Strategy<Value = Level> {
        prop_oneof![
            1 => Just(Level::Zero),
            3 => (1_u64..=1_000_000).prop_map(|rate| level(&rate.to_string())),
            3 => (1_u64..=9_999_999).prop_map(|rate| level(&format!("{}.{:03}", rate / 1_000, rate % 1_000))),
        ]
        .prop_filter("0.000 is Zero", |level| *level == Level::Zero || level.ratio().0 > 0)
    }

    proptest! {
        /// The definition itself, with the integral from a sum of trapezoids in other units: an independent count.
        #[test]
        fn each_event_is_due_where_the_integral_reaches_it(
            points in proptest::collection::vec((0_u64..100_000_000_000, levels()), 1..6), part in 0.0..1.0_f64
        ) {
            let mut at = Nanos::ZERO;
            let mut corners = vec![(Nanos::ZERO, Level::At("1".parse().unwrap()))];
            for (length, level) in points {
                at += Nanos(length);
                corners.push((at, level));
            }
            let curve = Curve::points(&corners, After::Hold).unwrap();
            let integral = |until: Nanos| {
                let mut sum = 0.0;
                for pair in corners.windows(2) {
                    let (start, end) = (pair[0].0, pair[1].0.min(until));
                    if end <= start { continue; }
                    let rate = |level: Level| { let (e, p) = level.ratio(); float(e.into()) / float(p.into()) };
                    let whole = float((pair[1].0 - start).0.into());
                    let t = float((end - start).0.into());
                    let (from, to) = (rate(pair[0].1), rate(pair[1].1));
                    sum += t * (from + (from + (to - from) * t / whole)) / 2.0;
                }
                sum
            };
            let n = floor(part * integral(at));
            let due = curve.due(n);
            if n + 1 < curve.due_before(at) {
                prop_assert!(integral(due) <= float(n.into()) + 1e-6);
                prop_assert!(integral(due + Nanos(1)) >= float(n.into()) - 1e-6);
            }
            prop_assert!((float(curve.due_before(at).into()) - integral(at)).abs() <= 1.0);
        }
    }
}
