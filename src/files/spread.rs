//! How values are spread, in bounded memory: counted at three significant digits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Values, counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Counted {
    counts: BTreeMap<i64, u64>,
    all: u64,
    largest: Option<i64>,
}

/// How values are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// One in a hundred is at most this.
    pub p1: i64,
    /// Half of them are at most this.
    pub p50: i64,
    /// Nine in ten.
    pub p90: i64,
    /// 99 in a hundred.
    pub p99: i64,
    /// The largest, exactly.
    pub max: i64,
}

impl Counted {
    pub(super) fn add(&mut self, value: i64) {
        *self.counts.entry(rounded(value)).or_default() += 1;
        self.all += 1;
        self.largest = Some(self.largest.map_or(value, |largest| largest.max(value)));
    }

    /// `None` where there is no value.
    pub(super) fn spread(&self) -> Option<Spread> {
        let max = self.largest?;
        let at = |percent: u64| {
            let wanted = (self.all * percent).div_ceil(100).max(1);
            let mut before = 0;
            let found = self.counts.iter().find(|(_, count)| {
                before += **count;
                before >= wanted
            });
            found.map_or(max, |(value, _)| (*value).min(max))
        };
        Some(Spread { p1: at(1), p50: at(50), p90: at(90), p99: at(99), max })
    }
}

/// To three significant digits, towards zero.
fn rounded(value: i64) -> i64 {
    let digits = value.unsigned_abs().checked_ilog10().unwrap_or(0);
    let step = 10_i64.pow(digits.saturating_sub(2));
    value / step * step
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_has_no_spread() {
        assert_eq!(Counted::default().spread(), None);
    }

    proptest! {
        #[test]
        fn a_spread_is_within_a_hundredth_of_the_sorted_values(mut values in proptest::collection::vec(-1_000_000_i64..1_000_000, 1..300)) {
            let mut counted = Counted::default();
            for value in &values {
                counted.add(*value);
            }
            values.sort_unstable();
            let spread = counted.spread().unwrap();
            for (percent, told) in [(1, spread.p1), (50, spread.p50), (90, spread.p90), (99, spread.p99)] {
                let exact = values[(values.len() * percent).div_ceil(100).max(1) - 1];
                prop_assert!((told - exact).abs() * 100 <= exact.abs(), "{} instead of {}", told, exact);
            }
            prop_assert_eq!(Some(&spread.max), values.last());
        }

        #[test]
        fn a_rounded_value_is_near(value: i64) {
            prop_assert!(value.abs_diff(rounded(value)) <= value.unsigned_abs() / 100);
        }
    }
}
