//! How numbers are spread between two bounds.

use rand_distr::{Distribution as _, StandardNormal};

use super::super::population::{Population, Shape};
use super::super::stream::{Stream, below};
use super::super::synthetic::MOST_MEMBERS;

/// A number beyond the bounds is drawn again so often; then it is the bound.
const TRIES: usize = 16;

/// How they are spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Spread {
    /// Each as likely as the next.
    Even,
    /// The first one most often: the k-th has a weight of k^-skew.
    Zipf(f64),
    /// Around a mean.
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        deviation: f64,
    },
    /// Around a median, with a long tail above.
    LogNormal {
        /// The median.
        median: f64,
        /// The standard deviation of the logarithm.
        sigma: f64,
    },
}

/// Whole numbers between two bounds, both within.
#[derive(Debug)]
pub(super) struct Whole {
    min: i64,
    max: i64,
    spread: Spread,
    /// By rank above `min`, where they follow Zipf.
    ranks: Option<Population>,
}

impl Whole {
    /// Numbers from `min` to `max`; `None` where there is none.
    pub(super) fn new(min: i64, max: i64, spread: Spread) -> Option<Self> {
        let ranks = match spread {
            Spread::Zipf(_) if !(1..=MOST_MEMBERS).contains(&width(min, max)) => return None,
            Spread::Zipf(skew) => Some(Population::new(&Shape::whole(width(min, max), skew, None))?),
            _ => None,
        };
        (min <= max).then_some(Self { min, max, spread, ranks })
    }

    /// The least one, how many there are and by which skew, where each has a rank.
    pub(super) fn members(&self) -> Option<(i64, u64, f64)> {
        let skew = match self.spread {
            Spread::Even => 0.0,
            Spread::Zipf(skew) => skew,
            Spread::Normal { .. } | Spread::LogNormal { .. } => return None,
        };
        Some((self.min, width(self.min, self.max), skew)).filter(|(_, count, _)| (1..=MOST_MEMBERS).contains(count))
    }

    /// The largest number of digits of one of them, with a sign.
    pub(super) fn digits(&self) -> u64 {
        [self.min, self.max]
            .map(|bound| u64::from(bound.unsigned_abs().max(1).ilog10()) + 2)
            .into_iter()
            .max()
            .unwrap_or(0)
    }

    pub(super) fn draw(&self, stream: &mut Stream) -> i64 {
        if let Some(ranks) = &self.ranks {
            return self.min.wrapping_add_unsigned(ranks.draw(stream).rank);
        }
        match self.spread {
            Spread::Normal { .. } | Spread::LogNormal { .. } => {
                #[expect(clippy::cast_precision_loss, reason = "bounds of something that is spread by a real number")]
                let bounds = (self.min as f64, self.max as f64);
                #[expect(clippy::cast_possible_truncation, reason = "a number between the bounds, saturating")]
                let number = real(self.spread, bounds, f64::round, stream) as i64;
                number.clamp(self.min, self.max)
            }
            Spread::Even | Spread::Zipf(_) => match width(self.min, self.max) {
                0 => stream.word().cast_signed(),
                width => self.min.wrapping_add_unsigned(below(stream.word(), width)),
            },
        }
    }
}

/// How many numbers there are; 0 for 2^64 of them.
fn width(min: i64, max: i64) -> u64 {
    max.wrapping_sub(min).cast_unsigned().wrapping_add(1)
}

/// Numbers with a fraction between two bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Real {
    pub(super) min: f64,
    pub(super) max: f64,
    pub(super) spread: Spread,
}

impl Real {
    pub(super) fn draw(&self, stream: &mut Stream) -> f64 {
        real(self.spread, (self.min, self.max), |number| number, stream)
    }
}

fn real(spread: Spread, (min, max): (f64, f64), rounded: fn(f64) -> f64, stream: &mut Stream) -> f64 {
    let mut number = min;
    for _ in 0..TRIES {
        number = rounded(match spread {
            Spread::Even | Spread::Zipf(_) => {
                #[expect(clippy::cast_precision_loss, reason = "53 bits")]
                let part = (stream.word() >> 11) as f64 / (1_u64 << 53) as f64;
                // In this order: the difference of two bounds may be infinite.
                min * (1.0 - part) + max * part
            }
            Spread::Normal { mean, deviation } => {
                let step: f64 = StandardNormal.sample(stream);
                mean + deviation * step
            }
            Spread::LogNormal { median, sigma } => {
                let step: f64 = StandardNormal.sample(stream);
                median * (sigma * step).exp()
            }
        });
        if (min..=max).contains(&number) {
            return number;
        }
    }
    number.clamp(min, max)
}
