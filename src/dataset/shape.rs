//! The shape of the Retail Rocket data set, as laws to draw from: visitors, items, days, types.
//!
//! The figures are those of the published `events.csv` (2,756,101 rows). The draws use a generator of their own, so
//! that a seed gives the same file with every version of this program and its libraries.

use crate::source::retail_rocket::hash::{mix, scaled};

/// `SplitMix64` (Steele, Lea and Flood 2014).
#[derive(Clone, Debug)]
pub(super) struct Random {
    state: u64,
}

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self { state: mix(seed) }
    }

    pub(super) const fn next(&mut self) -> u64 {
        let drawn = mix(self.state);
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        drawn
    }

    /// A whole number below `bound`; 0 for a bound of 0.
    pub(super) const fn below(&mut self, bound: u64) -> u64 {
        scaled(self.next(), bound)
    }

    /// A number above 0 and at most 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are kept")]
    pub(super) const fn unit(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    pub(super) const fn chance(&mut self, probability: f64) -> bool {
        self.unit() <= probability
    }
}

/// How many events a visitor has: a power law in two pieces.
///
/// P(events >= n) = n^-1.79 up to 14, from there on falling with n^-1.53. That gives the published p50 1, p90 3, p99 13,
/// the mean 1.96, and for 1.4 million visitors a busiest one of about 6,700 (published: 7,757).
#[derive(Clone, Copy, Debug)]
pub(super) struct EventsLaw {
    body: f64,
    tail: f64,
    most: u64,
}

/// From here on the tail begins: 1 % of the visitors, 19 % of the events.
pub(super) const TAIL_FROM: u64 = 14;
const BODY: f64 = 1.79;
const TAIL: f64 = 1.53;
/// The busiest visitor of the published file.
const MOST_EVENTS: u64 = 7_757;

impl EventsLaw {
    /// The published law, for a file of `rows` rows, no visitor having more than a tenth of them.
    pub(super) fn published(rows: u64) -> Self {
        Self { body: BODY, tail: TAIL, most: MOST_EVENTS.min(rows / 10).max(1) }
    }

    /// The law of the same form whose mean is `mean`, as near as it comes.
    pub(super) fn with_mean(rows: u64, mean: f64) -> Self {
        let published = Self::published(rows);
        let stretched = |by: f64| Self { body: BODY * by, tail: TAIL * by, ..published };
        let (mut heavy, mut light) = (1e-3, 1e3);
        for _ in 0..100 {
            let middle = f64::sqrt(heavy * light);
            if stretched(middle).mean() > mean { heavy = middle } else { light = middle }
        }
        stretched(light)
    }

    /// P(events >= `n`).
    #[expect(clippy::cast_precision_loss, reason = "at most a few thousand events")]
    pub(super) fn at_least(&self, n: u64) -> f64 {
        match n {
            _ if n > self.most => 0.0,
            ..TAIL_FROM => (n as f64).powf(-self.body),
            _ => self.tail_share() * (n as f64 / TAIL_FROM as f64).powf(-self.tail),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a small constant")]
    fn tail_share(&self) -> f64 {
        (TAIL_FROM as f64).powf(-self.body)
    }

    /// The mean number of events.
    pub(super) fn mean(&self) -> f64 {
        (1..=self.most).map(|n| self.at_least(n)).sum()
    }

    /// The share of visitors in the tail.
    pub(super) fn heavy_share(&self) -> f64 {
        self.at_least(TAIL_FROM)
    }

    /// Events of a visitor that is not in the tail.
    pub(super) fn light(&self, random: &mut Random) -> u64 {
        let tail = self.heavy_share();
        let survival = tail + (1.0 - tail) * random.unit();
        whole(survival.powf(-1.0 / self.body)).clamp(1, (TAIL_FROM - 1).min(self.most))
    }

    /// Events of a visitor in the tail.
    #[expect(clippy::cast_precision_loss, reason = "a small constant")]
    pub(super) fn heavy(&self, random: &mut Random) -> u64 {
        whole(TAIL_FROM as f64 * random.unit().powf(-1.0 / self.tail)).clamp(1, self.most)
    }
}

/// Which item: rank r with a probability that falls with r^-0.55, so that the hottest of 235,061 takes 0.1 %.
#[derive(Clone, Copy, Debug)]
pub(super) struct ItemsLaw {
    items: u64,
}

/// The exponent is chosen, not measured.
const ITEM_SKEW: f64 = 0.55;

impl ItemsLaw {
    pub(super) const fn new(items: u64) -> Self {
        Self { items }
    }

    /// A rank, from 0: the inverse of the continuous law's distribution function.
    #[expect(clippy::cast_precision_loss, reason = "a rank needs 15 digits, not 19")]
    pub(super) fn rank(self, random: &mut Random) -> u64 {
        whole(self.items as f64 * random.unit().powf(1.0 / (1.0 - ITEM_SKEW))).min(self.items - 1)
    }
}

/// Ids in an order without order: a bijection of 0..`size`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scatter {
    size: u64,
    step: u64,
}

impl Scatter {
    pub(super) fn new(size: u64) -> Self {
        let coprime = |step: &u64| {
            let (mut a, mut b) = (*step, size);
            while b > 0 {
                (a, b) = (b, a % b);
            }
            a == 1
        };
        // Near the golden section of the range, neighbours land far apart.
        let start = (u128::from(size) * 618 / 1000).try_into().unwrap_or(1).max(1);
        Self { size, step: (start..=size).find(coprime).unwrap_or(1) }
    }

    pub(super) fn id(&self, index: u64) -> u64 {
        let id = u128::from(index) * u128::from(self.step) % u128::from(self.size.max(1));
        u64::try_from(id).unwrap_or(0)
    }
}

/// `number` rounded down; 0 where it is negative, the highest where it is out of range.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, which is what is said"
)]
pub(super) const fn whole(number: f64) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visitors_have_the_published_quantiles() {
        let law = EventsLaw::published(2_756_101);
        let share_of_at_most = |n: u64| 1.0 - law.at_least(n + 1);
        assert!(share_of_at_most(1) >= 0.5);
        assert!(share_of_at_most(3) >= 0.9 && share_of_at_most(2) < 0.9);
        assert!(share_of_at_most(13) >= 0.99 && share_of_at_most(12) < 0.99);
        assert!((law.mean() - 2_756_101.0 / 1_407_580.0).abs() < 0.02, "{}", law.mean());
    }

    #[test]
    fn a_law_can_be_given_another_mean() {
        for mean in [1.01, 1.5, 4.0, 40.0] {
            let law = EventsLaw::with_mean(1_000_000, mean);
            assert!((law.mean() - mean).abs() < 0.01 * mean, "{mean}: {}", law.mean());
        }
    }

    #[test]
    fn draws_follow_the_law() {
        let law = EventsLaw::published(10_000_000);
        let mut random = Random::new(1);
        let draws = 200_000;
        let ones: u32 = (0..draws).map(|_| u32::from(law.light(&mut random) == 1)).sum();
        let expected = (1.0 - law.at_least(2)) / (1.0 - law.heavy_share()) * f64::from(draws);
        assert!((f64::from(ones) - expected).abs() < 4.0 * expected.sqrt(), "{ones} against {expected}");
        assert!((0..draws).all(|_| (TAIL_FROM..=MOST_EVENTS).contains(&law.heavy(&mut random))));
    }

    #[test]
    fn scattered_ids_are_all_different() {
        for size in [1, 2, 10, 1_000, 4_096] {
            let scatter = Scatter::new(size);
            let mut ids: Vec<u64> = (0..size).map(|index| scatter.id(index)).collect();
            ids.sort_unstable();
            assert_eq!(ids, (0..size).collect::<Vec<_>>());
        }
    }
}
