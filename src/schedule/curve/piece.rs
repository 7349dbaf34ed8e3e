//! One straight line of a curve, solved in whole numbers: see the formula in [`super`].

use crate::schedule::float::{float, floor};

/// A straight line, and what lies before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// When it starts, in ns since the start of the curve.
    pub(super) starts: u64,
    /// Events before it, in units of 1 / (2 p).
    pub(super) before: u128,
    pub(super) length: u64,
    /// The `e0` of the module's formula.
    pub(super) from: u64,
    /// The `e1`.
    pub(super) to: u64,
}

impl Piece {
    /// An empty piece where this one ends, at its last rate.
    pub(super) fn next(&self) -> Option<Self> {
        let area = (u128::from(self.from) + u128::from(self.to)) * u128::from(self.length);
        let starts = self.starts.checked_add(self.length)?;
        Some(Self { starts, before: self.before + area, length: 0, from: self.to, to: self.to })
    }

    /// Events from its start to `t`, in units of 1 / (2 p), rounded up.
    pub(super) fn area(&self, t: u64) -> u128 {
        if self.from == self.to {
            return 2 * u128::from(self.from) * u128::from(t);
        }
        self.scaled_area(t).div_ceil(self.length)
    }

    /// `2 e0 D t + (e1 - e0) t^2`: never negative, as `t <= D`.
    fn scaled_area(&self, t: u64) -> Wide {
        let level = 2 * u128::from(self.from) * u128::from(self.length);
        let slope = if self.to >= self.from {
            level + u128::from(self.to - self.from) * u128::from(t)
        } else {
            level - u128::from(self.from - self.to) * u128::from(t)
        };
        Wide::product(slope, t)
    }

    /// The largest `t` by which no more than `area` is due.
    pub(super) fn reach(&self, area: u128) -> u64 {
        if self.from == self.to {
            let twice = 2 * u128::from(self.from);
            return area.checked_div(twice).map_or(self.length, |t| u64::try_from(t).unwrap_or(u64::MAX));
        }
        let target = Wide::product(area, self.length);
        let mut t = self.guess(area).min(self.length);
        while self.scaled_area(t) > target {
            t -= 1;
        }
        while t < self.length && self.scaled_area(t + 1) <= target {
            t += 1;
        }
        t
    }

    /// The solution in floating point, by the form of the quadratic formula that subtracts nothing: from the start of
    /// a rising piece, from the end of a falling one. Its error is a few times 2^-53 of the piece's length, below a ns.
    fn guess(&self, area: u128) -> u64 {
        let length = float(self.length.into());
        let solve = |area: u128, low: u64, high: u64| {
            let (area, low, rise) = (float(area), float(low.into()), float((high - low).into()) / length);
            let denominator = low + (low * low + rise * area).sqrt();
            if denominator > 0.0 { area / denominator } else { 0.0 }
        };
        if self.to > self.from {
            floor(solve(area, self.from, self.to))
        } else {
            let whole = (u128::from(self.from) + u128::from(self.to)) * u128::from(self.length);
            self.length - floor(solve(whole.saturating_sub(area), self.to, self.from)).min(self.length)
        }
    }
}

/// A whole number of 192 bits: `high * 2^64 + low`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Wide {
    high: u128,
    low: u64,
}

impl Wide {
    #[expect(clippy::cast_possible_truncation, reason = "the halves of a number, each by itself")]
    const fn product(a: u128, b: u64) -> Self {
        let b = b as u128;
        let low = (a as u64) as u128 * b;
        Self { high: (a >> 64) * b + (low >> 64), low: low as u64 }
    }

    /// For quotients that fit into 128 bits.
    fn div_ceil(self, divisor: u64) -> u128 {
        let divisor = u128::from(divisor);
        let rest = ((self.high % divisor) << 64) | u128::from(self.low);
        ((self.high / divisor) << 64) + rest.div_ceil(divisor)
    }
}
