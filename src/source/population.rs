//! Who is drawn how often: Zipf over any number of users, items or queries, in constant time and bounded memory.
//!
//! The member of rank g (from 1) has a weight of g^-skew. The ranks are cut into *steps*: up to e = 1,024 each rank is
//! a step of its own; beyond, a step spans rank / e neighbours, which share its weight evenly. That differs from Zipf
//! by at most skew / 2e of a member's own weight (0.05 % at skew 1), and leaves e * (1 + ln(n / e)) steps:
//! 5,700 for 100,000 members, 15,000 for a billion. A draw is one alias look-up (Walker 1977, Vose 1991) in a table
//! that fits the core's own cache, and one multiplication within the step. (An exact table of a million entries misses
//! the cache; `rand_distr::Zipf` needs powers and logarithms for each draw.)
//!
//! One member may be *hot*: it gets a step of its own with exactly the share that was asked for.

use rand_distr::Distribution as _;
use rand_distr::weighted::WeightedAliasIndex;

use super::stream::{Stream, below};

/// Ranks up to this one are steps of their own.
const EXACT: u64 = 1024;

/// The same where there are many small populations, which together have to fit the cache: 0.8 % off at skew 1.
const EXACT_AMONG_MANY: u64 = 64;

/// What integer weights sum to, 2^44. Rounding to integers makes the table the same wherever the floating-point library
/// differs in the last bit, and so the events.
const TOTAL: f64 = 17_592_186_044_416.0;

/// Members drawn by rank.
#[derive(Debug)]
pub(super) struct Population {
    steps: Box<[Step]>,
    pick: WeightedAliasIndex<u64>,
}

/// Neighbouring ranks of one weight.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// Rank of its first member, from 0.
    first: u64,
    /// How many members it has.
    width: u64,
    /// The probability of each of its members, in 2^-64.
    share: u64,
}

/// One drawn member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// Its rank within the population, from 0; for a hot member of another rank, that one.
    pub(super) rank: u64,
    /// The probability of drawing this member, in 2^-64.
    pub(super) share: u64,
}

/// Which members there are, and how often they come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shape {
    /// How many members, at least 1.
    pub(super) count: u64,
    /// Member r weighs as much as the whole population's rank `r * stride + offset`, so that parts of a population
    /// (a lane's users, a category's items) keep the weights they have in the whole.
    pub(super) offset: u64,
    /// See `offset`.
    pub(super) stride: u64,
    /// The exponent; 0 is uniform.
    pub(super) skew: f64,
    /// Ranks up to this one are steps of their own.
    exact: u64,
    /// The rank and the share of the hot member. The rank may lie outside of `0..count`.
    pub(super) hot: Option<(u64, f64)>,
}

impl Shape {
    /// A whole population.
    pub(super) const fn whole(count: u64, skew: f64, hot: Option<(u64, f64)>) -> Self {
        Self { count, offset: 0, stride: 1, skew, exact: EXACT, hot }
    }

    /// The part of a population of `total` that has the ranks `offset`, `offset + stride`, ...
    pub(super) const fn part(total: u64, offset: u64, stride: u64, skew: f64, hot: Option<(u64, f64)>) -> Self {
        let count = if offset < total { (total - offset).div_ceil(stride) } else { 0 };
        Self { count, offset, stride, skew, exact: EXACT, hot }
    }

    /// The same with a coarser table, for one population of many.
    pub(super) const fn among_many(self) -> Self {
        Self { exact: EXACT_AMONG_MANY, ..self }
    }

    /// First rank, width and weight of each step, the hot one left out.
    #[expect(clippy::cast_precision_loss, reason = "ranks are below 2^40, and a weight needs no more than 53 bits")]
    fn steps(&self) -> Vec<(u64, u64, f64)> {
        let hot = self.hot.map(|(rank, _)| rank);
        let mut steps = Vec::new();
        let mut first = 0;
        while first < self.count {
            if hot == Some(first) {
                first += 1;
                continue;
            }
            let end = match hot {
                Some(hot) if hot > first => self.count.min(hot),
                _ => self.count,
            };
            let width = if self.skew == 0.0 { end - first } else { (first / self.exact).clamp(1, end - first) };
            let centre = first as f64 + (width - 1) as f64 / 2.0;
            let rank = centre * self.stride as f64 + self.offset as f64 + 1.0;
            steps.push((first, width, width as f64 * rank.powf(-self.skew)));
            first += width;
        }
        steps
    }
}

impl Population {
    /// The table for `shape`, or `None` where it has nobody to draw.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "weights are positive and at most 2^44; shares are fractions of 2^64"
    )]
    pub(super) fn new(shape: &Shape) -> Option<Self> {
        let hot_share = shape.hot.map_or(0.0, |(_, share)| share);
        let parts = shape.steps();
        let sum: f64 = parts.iter().map(|&(_, _, weight)| weight).sum();
        // Nobody is rounded down to "never", unless the hot member takes everything.
        let least = u64::from(hot_share < 1.0);
        let mut weights: Vec<u64> = parts
            .iter()
            .map(|&(_, _, weight)| ((weight / sum * (1.0 - hot_share) * TOTAL).round() as u64).max(least))
            .collect();
        let mut steps: Vec<Step> = parts.iter().map(|&(first, width, _)| Step { first, width, share: 0 }).collect();
        if let Some((rank, share)) = shape.hot {
            steps.push(Step { first: rank, width: 1, share: 0 });
            weights.push((share * TOTAL).round() as u64);
        }
        let total: u64 = weights.iter().sum();
        for (step, &weight) in steps.iter_mut().zip(&weights) {
            step.share = (weight as f64 / total as f64 / step.width as f64 * 2_f64.powi(64)) as u64;
        }
        let pick = WeightedAliasIndex::new(weights).ok()?;
        Some(Self { steps: steps.into_boxed_slice(), pick })
    }

    /// One member, from the next numbers of `stream`.
    pub(super) fn draw(&self, stream: &mut Stream) -> Member {
        let step = self.steps[self.pick.sample(stream)];
        Member { rank: step.first + below(stream.word(), step.width), share: step.share }
    }
}

#[cfg(test)]
mod tests {
    use super::super::stream::{Purpose, key};
    use super::*;
    use proptest::prelude::*;

    fn counts(shape: &Shape, draws: u64) -> Vec<u64> {
        let population = Population::new(shape).unwrap();
        let key = key(7, Purpose::Events, 0);
        let mut counts = vec![0; usize::try_from(shape.count).unwrap()];
        for n in 0..draws {
            counts[usize::try_from(population.draw(&mut Stream::of_event(key, n)).rank).unwrap()] += 1;
        }
        counts
    }

    /// Whether `seen` of `draws` fits a probability, within five standard deviations.
    fn fits(seen: u64, draws: u64, probability: f64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "small counts")]
        let (seen, draws) = (seen as f64, draws as f64);
        let sigma = (draws * probability * (1.0 - probability)).sqrt();
        (seen - draws * probability).abs() <= 5.0 * sigma + 1e-9
    }

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    fn ranks_come_as_often_as_zipf_says() {
        for skew in [0.0, 0.7, 1.0, 1.5] {
            let (count, draws) = (20_000_u64, 400_000);
            let seen = counts(&Shape::whole(count, skew, None), draws);
            let harmonic: f64 = (1..=count).map(|g| (g as f64).powf(-skew)).sum();
            for rank in [0, 1, 2, 9, 99, 999] {
                let expected = ((rank + 1) as f64).powf(-skew) / harmonic;
                assert!(fits(seen[rank], draws, expected), "skew {skew} rank {rank}: {} of {draws}", seen[rank]);
            }
            for range in [1_000..2_000_usize, 5_000..10_000, 19_000..20_000] {
                let expected: f64 = range.clone().map(|r| ((r + 1) as f64).powf(-skew)).sum::<f64>() / harmonic;
                let got: u64 = seen[range.clone()].iter().sum();
                assert!(fits(got, draws, expected), "skew {skew} ranks {range:?}: {got} of {draws}");
            }
        }
    }

    #[test]
    fn a_hot_member_gets_exactly_its_share() {
        for (rank, skew) in [(0, 0.9), (4_321, 0.9), (17, 0.0)] {
            let draws = 100_000;
            let seen = counts(&Shape::whole(5_000, skew, Some((rank, 0.3))), draws);
            assert!(fits(seen[usize::try_from(rank).unwrap()], draws, 0.3));
            assert_eq!(seen.iter().sum::<u64>(), draws);
        }
    }

    #[test]
    fn a_hot_member_may_come_from_outside_or_take_all() {
        let outside = Population::new(&Shape::whole(10, 1.0, Some((99, 1.0)))).unwrap();
        let alone = Population::new(&Shape::whole(1, 1.0, Some((0, 0.5)))).unwrap();
        for n in 0..1000 {
            assert_eq!(outside.draw(&mut Stream::of_event(1, n)).rank, 99);
            assert_eq!(alone.draw(&mut Stream::of_event(1, n)).rank, 0);
        }
        assert!(Population::new(&Shape::whole(0, 1.0, None)).is_none());
    }

    #[test]
    fn a_billion_members_need_few_steps() {
        let population = Population::new(&Shape::whole(1_000_000_000, 1.0, None)).unwrap();
        assert!(population.steps.len() < 16_000, "{}", population.steps.len());
    }

    proptest! {
        #[test]
        fn steps_cover_every_member_once(count in 1_u64..200_000, stride in 1_u64..9, skew in 0.0..2.0_f64, hot in 0_u64..300_000) {
            let offset = stride - 1;
            for (hot, exact) in [(None, EXACT), (Some((hot, 0.1)), EXACT), (Some((hot, 0.0)), EXACT_AMONG_MANY)] {
                let shape = Shape { count, offset, stride, skew, exact, hot };
                prop_assume!(hot != Some((0, 0.0)) || count > 1);
                let population = Population::new(&shape).unwrap();
                let mut firsts: Vec<_> = population.steps.iter().map(|step| (step.first, step.width)).collect();
                firsts.sort_unstable();
                let mut next = 0;
                for (first, width) in firsts {
                    if first >= count {
                        prop_assert_eq!(Some((first, width)), hot.map(|(rank, _)| (rank, 1)));
                        continue;
                    }
                    prop_assert_eq!(first, next);
                    next += width;
                }
                prop_assert_eq!(next, count);
            }
        }

        #[test]
        #[expect(clippy::cast_precision_loss, reason = "shares are compared within 1e-6")]
        fn shares_sum_to_one(count in 1_u64..50_000, skew in 0.0..2.0_f64) {
            let population = Population::new(&Shape::whole(count, skew, None)).unwrap();
            let sum: f64 = population.steps.iter().map(|step| step.width as f64 * step.share as f64 / 2_f64.powi(64)).sum();
            prop_assert!((sum - 1.0).abs() < 1e-6, "{sum}");
        }

        #[test]
        fn parts_make_up_the_whole(total in 1_u64..10_000, stride in 1_u64..200) {
            let counted: u64 = (0..stride).map(|offset| Shape::part(total, offset, stride, 1.0, None).count).sum();
            prop_assert_eq!(counted, total);
        }
    }
}
