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
mod tests;
