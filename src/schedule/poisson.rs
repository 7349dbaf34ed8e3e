//! Independent arrivals at a mean rate: the gaps between events are exponentially distributed.
//!
//! Event n is due after n + 1 gaps, so its time is a sum of n + 1 random numbers; to be a function of (seed, n) alone,
//! without n additions, the sum is drawn from the top down. The events are divided into blocks of 1,024. The
//! time taken by 2^k blocks together is drawn first, from a gamma distribution with as many events as its shape; then
//! it is divided between its two halves, whose share has a beta distribution and is independent of the sum; and so on
//! down to one block, in which the gaps are exponential numbers scaled to the block's time (Devroye, Non-Uniform Random
//! Variate Generation, 1986, V.2.2 and IX.4.1; the "gamma bridge" of Ribeiro and Webber, Valuing path-dependent
//! options in the variance-gamma model by Monte Carlo with a gamma bridge, 2004). Each draw starts a generator of its
//! own from the seed and its place in the tree. So any event is reached from any other in a number of steps that grows
//! with the logarithm of n, lanes agree on every event however the numbers are divided among them, and memory is one
//! block per lane. The bounds of a block are the same two floating-point numbers for all its neighbours, so times
//! never go back. A time carries a relative rounding of a few times 2^-53: after 2^40 events, 1/1000 of a mean gap.

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::{Beta, BetaError, Distribution, Exp1, Gamma, GammaError};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::float::{float, floor};
use super::rate::Rate;
use crate::clock::Nanos;

/// Events in one block, as a power of two.
const BLOCK_BITS: u32 = 10;
const BLOCK: u64 = 1 << BLOCK_BITS;
/// Trees of 2^0, 2^1, ... blocks, one after the other, hold all events that a `u64` can number.
const TREES: u32 = 1 + u64::BITS - BLOCK_BITS;

/// Arrivals at random.
#[derive(Clone, Debug, PartialEq)]
pub struct Poisson {
    rate: Rate,
    seed: Option<u64>,
    /// Time taken by 2^h blocks, in mean gaps.
    sums: Vec<Gamma<f64>>,
    /// The first half's share of the time of 2^(h+1) blocks.
    shares: Vec<Beta<f64>>,
}

/// The due times of one block of events: what a lane keeps between calls.
#[derive(Clone, Debug)]
pub(super) struct Block {
    number: u64,
    due: Vec<Nanos>,
}

/// Why there is no such distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoissonError {
    /// Refused by the gamma distribution.
    #[error("the gamma distribution: {0}")]
    Gamma(#[from] GammaError),
    /// Refused by the beta distribution.
    #[error("the beta distribution: {0}")]
    Beta(#[from] BetaError),
}

/// What is drawn at a place of a tree: kept apart, as the place alone would give both the same numbers.
#[derive(Clone, Copy)]
enum Draw {
    Sum,
    Share,
    Gaps,
}

impl Poisson {
    /// Arrivals at `rate` on average. Without a seed the schedule gives one, see [`super::Schedule::seeded`].
    ///
    /// # Errors
    /// Where the random distributions refuse their parameters.
    pub fn new(rate: Rate, seed: Option<u64>) -> Result<Self, PoissonError> {
        let shape = |height: u32| float(u128::from(BLOCK) << height);
        let sums = (0..TREES).map(|height| Gamma::new(shape(height), 1.0)).collect::<Result<_, _>>()?;
        let shares = (0..TREES).map(|height| Beta::new(shape(height), shape(height))).collect::<Result<_, _>>()?;
        Ok(Self { rate, seed, sums, shares })
    }

    /// Takes `seed`, unless it has one of its own.
    pub(super) fn seed_with(&mut self, seed: u64) {
        self.seed.get_or_insert(seed);
    }

    /// The mean rate.
    #[must_use]
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// When event `n` is due. `cached` is the caller's block of due times, renewed where `n` lies in another one.
    pub(super) fn due(&self, cached: &mut Option<Block>, n: u64) -> Nanos {
        let number = n / BLOCK;
        let block = match cached {
            Some(block) if block.number == number => block,
            Some(block) => {
                self.fill(block, number);
                block
            }
            None => {
                let mut block = Block { number, due: Vec::new() };
                self.fill(&mut block, number);
                cached.insert(block)
            }
        };
        let within = usize::try_from(n % BLOCK).unwrap_or(usize::MAX);
        block.due.get(within).copied().unwrap_or(Nanos::MAX)
    }

    /// How many events are due in [0, `span`): found by halving, as due times only rise.
    pub(super) fn due_before(&self, span: Nanos) -> u64 {
        let mut cached = None;
        let mean = self.expected(span);
        // Ten standard deviations below and above the mean; the loops widen that where it should ever not do.
        let spread = 10.0 * mean.sqrt() + 32.0;
        let (mut low, mut high) = (floor(mean - spread), floor(mean + spread));
        while low > 0 && self.due(&mut cached, low - 1) >= span {
            low /= 2;
        }
        while self.due(&mut cached, high) < span {
            (low, high) = (high, high.saturating_mul(2));
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if self.due(&mut cached, middle) < span {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The mean number of events due in [0, `span`).
    #[must_use]
    pub fn expected(&self, span: Nanos) -> f64 {
        self.rate.as_f64() * span.as_secs_f64()
    }

    fn fill(&self, block: &mut Block, number: u64) {
        block.number = number;
        block.due.clear();
        let (start, end) = self.bounds(number);
        let (events, per_ns) = self.rate.ratio();
        let gap_ns = float(per_ns.into()) / float(events.into());
        let mut generator = self.generator(Draw::Gaps, 0, number);
        let mut sums = [0.0; 1 << BLOCK_BITS];
        let mut sum = 0.0;
        for place in &mut sums {
            let gap: f64 = Exp1.sample(&mut generator);
            sum += gap;
            *place = sum;
        }
        let scale = (end - start) / sum;
        block.due.extend(sums.iter().map(|sum| Nanos(floor((start + sum * scale).min(end) * gap_ns))));
    }

    /// Where block `number` starts and ends, in mean gaps.
    fn bounds(&self, number: u64) -> (f64, f64) {
        // The trees hold block 0, block 1, blocks 2 to 3, 4 to 7 and so on; tree t >= 1 has the height t - 1.
        let tree = u64::BITS - number.leading_zeros();
        let (mut start, mut end) = (0.0, self.sum(0));
        for tree in 1..=tree {
            (start, end) = (end, end + self.sum(tree));
        }
        let mut height = tree.saturating_sub(1);
        while height > 0 {
            height -= 1;
            let half = number >> height;
            let share = self.shares[height as usize].sample(&mut self.generator(Draw::Share, height, half >> 1));
            let middle = start + (end - start) * share;
            (start, end) = if half & 1 == 0 { (start, middle) } else { (middle, end) };
        }
        (start, end)
    }

    /// The time taken by all blocks of a tree, in mean gaps.
    fn sum(&self, tree: u32) -> f64 {
        self.sums[tree.saturating_sub(1) as usize].sample(&mut self.generator(Draw::Sum, tree, 0))
    }

    fn generator(&self, draw: Draw, height: u32, place: u64) -> Xoshiro256PlusPlus {
        let mut name = [0; 13];
        name[0] = draw as u8;
        name[1..5].copy_from_slice(&height.to_le_bytes());
        name[5..].copy_from_slice(&place.to_le_bytes());
        Xoshiro256PlusPlus::seed_from_u64(xxh3_64_with_seed(&name, self.seed.unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poisson(rate: &str, seed: u64) -> Poisson {
        Poisson::new(rate.parse().unwrap(), Some(seed)).unwrap()
    }

    /// Due times in mean gaps.
    fn arrivals(poisson: &Poisson, numbers: impl Iterator<Item = u64>) -> Vec<f64> {
        let (mut cached, per_ns) = (None, poisson.rate.as_f64() / 1e9);
        numbers.map(|n| float(poisson.due(&mut cached, n).0.into()) * per_ns).collect()
    }

    fn gaps(arrivals: &[f64]) -> Vec<f64> {
        arrivals.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    /// The Kolmogorov-Smirnov distance between samples and a distribution, times sqrt(count): above 1.95 once in 1,000.
    fn distance(mut samples: Vec<f64>, distribution: impl Fn(f64) -> f64) -> f64 {
        samples.sort_by(f64::total_cmp);
        let count = float(samples.len() as u128);
        let mut largest = 0.0_f64;
        for (index, sample) in samples.iter().enumerate() {
            let (index, share) = (float(index as u128), distribution(*sample));
            largest = largest.max(share - index / count).max((index + 1.0) / count - share);
        }
        largest * count.sqrt()
    }

    fn exponential(x: f64) -> f64 {
        -(-x).exp_m1()
    }

    fn normal(x: f64) -> f64 {
        0.5 * complementary_error(-x / std::f64::consts::SQRT_2)
    }

    /// Abramowitz and Stegun 7.1.26, error below 1.5e-7.
    fn complementary_error(x: f64) -> f64 {
        let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
        let coefficients = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
        let upper = coefficients.iter().fold(0.0, |sum, coefficient| sum * t + coefficient) * t * (-x * x).exp();
        if x < 0.0 { 2.0 - upper } else { upper }
    }

    /// A change of these numbers breaks the promise that a seed repeats a run: it belongs into the change log.
    #[test]
    fn a_seed_always_gives_the_same_arrivals() {
        let arrivals = poisson("1000000", 1);
        let expected = [
            (0, 352),
            (1, 1_617),
            (1_023, 970_313),
            (1_024, 972_384),
            (1_000_000, 1_000_759_761),
            (1 << 34, 17_179_756_644_478),
            (1 << 40, 1_099_513_036_022_284_u64),
        ];
        for (n, due) in expected {
            let found = arrivals.due(&mut None, n).0;
            // Logarithms may differ in their last bit from one platform to another.
            assert!(found.abs_diff(due) <= 1 + due / 1_000_000_000_000_000, "event {n}: {found}");
        }
    }

    #[test]
    fn gaps_are_exponential() {
        for (seed, first) in [(1, 0), (2, 0), (3, 1 << 20), (4, (1 << 34) - 5_000), (5, 1 << 39)] {
            let gaps = gaps(&arrivals(&poisson("1000", seed), first..first + 100_000));
            let found = distance(gaps, exponential);
            assert!(found < 1.95, "seed {seed}: {found}");
        }
    }

    #[test]
    fn gaps_between_blocks_are_exponential_too() {
        let poisson = poisson("1000", 6);
        let between: Vec<_> = (1..2_000)
            .map(|block| {
                let pair = arrivals(&poisson, [block * BLOCK - 1, block * BLOCK].into_iter());
                pair[1] - pair[0]
            })
            .collect();
        assert!(distance(between, exponential) < 1.95);
    }

    #[test]
    fn neighbouring_gaps_know_nothing_of_each_other() {
        let gaps = gaps(&arrivals(&poisson("1000", 7), 0..200_000));
        let count = float(gaps.len() as u128);
        for lag in [1, 2, 1_023, 1_024] {
            let products = gaps.iter().zip(&gaps[lag..]).map(|(a, b)| (a - 1.0) * (b - 1.0)).sum::<f64>();
            assert!((products / count.sqrt()).abs() < 4.0, "lag {lag}: {products}");
        }
    }

    #[test]
    fn windows_hold_as_many_events_as_a_poisson_distribution_has() {
        let poisson = poisson("1000", 8);
        let second = |s: u64| float(poisson.due_before(Nanos::from_secs(s)).into());
        let counts: Vec<_> = (0..1_000).map(|s| second(s + 1) - second(s)).collect();
        // Variance over mean is 1 within sqrt(2 / 1000), four times.
        let mean = counts.iter().sum::<f64>() / 1_000.0;
        let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / 999.0;
        assert!((mean - 1_000.0).abs() < 4.0, "{mean}");
        assert!((variance / mean - 1.0).abs() < 0.18, "{}", variance / mean);
    }

    #[test]
    fn sums_of_many_gaps_are_gamma_distributed() {
        for number in [5_000_u64, 1_u64 << 20, (1 << 30) + 12_345] {
            let count = float(u128::from(number) + 1);
            let scores: Vec<_> = (0..1_000)
                .map(|seed| (arrivals(&poisson("10", seed), std::iter::once(number))[0] - count) / count.sqrt())
                .collect();
            let found = distance(scores, normal);
            assert!(found < 1.95, "event {number}: {found}");
        }
    }

    #[test]
    fn seeds_give_unlike_arrivals() {
        let first = arrivals(&poisson("1000", 1), 0..100);
        let second = arrivals(&poisson("1000", 2), 0..100);
        assert!(first.iter().zip(&second).all(|(a, b)| (a - b).abs() > 1e-9));
    }

    #[test]
    fn an_own_seed_is_kept() {
        let mut own = poisson("10", 1);
        own.seed_with(2);
        assert_eq!(own, poisson("10", 1));
    }
}
