//! What is fraudulent in a block of a lane's events.

use super::super::super::stream::{Purpose, Stream, below, key};
use super::config::{FraudConfig, Pattern};
use super::script;

/// Events of a lane that are planned at once.
pub(super) const BLOCK: u64 = 1 << 16;

/// Episodes of a block have numbers below this.
const EPISODES: u64 = 1 << 16;

/// One step of an episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Its place in the block.
    pub(super) at: u32,
    pub(super) pattern: Pattern,
    /// Which step of its episode it is, from 0.
    pub(super) turn: u8,
    /// The number of its episode in the lane.
    pub(super) episode: u64,
}

/// How blocks are planned.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rules {
    /// By pattern, up to which point of 2^64 it is taken.
    thresholds: [u64; Pattern::ALL.len()],
    /// Episodes of a block on average.
    episodes: f64,
    /// Events of the lane from one step to the next, on average.
    spacing: u32,
    seed: u64,
}

impl Rules {
    pub(super) fn new(config: &FraudConfig, seed: u64, lanes: u16) -> Self {
        let shares = config.shares();
        // A pattern's share is one of the events, so that the longer its episodes are, the fewer there are.
        let weights: Vec<f64> =
            Pattern::ALL.iter().zip(shares).map(|(pattern, share)| share / script::mean_length(*pattern)).collect();
        let sum: f64 = weights.iter().sum();
        #[expect(clippy::cast_precision_loss, reason = "2^16")]
        let events = config.rate * BLOCK as f64;
        Self {
            thresholds: thresholds(&weights, sum),
            episodes: events * sum,
            spacing: config.spacing.div_ceil(u32::from(lanes.max(1))),
            seed,
        }
    }

    fn pick(&self, word: u64) -> Pattern {
        let at = self.thresholds.iter().position(|threshold| word <= *threshold).unwrap_or(0);
        Pattern::ALL[at]
    }

    /// The steps of a block, in order.
    pub(super) fn block(&self, lane: u16, block: u64) -> Vec<Step> {
        let key = key(self.seed, Purpose::Fraud, lane.into());
        let mut steps = Vec::new();
        let mut taken = Occupancy::default();
        for episode in block * EPISODES..block * EPISODES + self.count(key, block) {
            let mut stream = Stream::scattered(key, episode);
            let pattern = self.pick(stream.word());
            let length = script::length(pattern, stream.word());
            let longest = u64::from(length) * u64::from(2 * self.spacing);
            let mut wanted = below(stream.word(), BLOCK - longest.min(BLOCK - 1));
            for turn in 0..length {
                let Some(at) = taken.first_free(wanted) else { break };
                steps.push(Step { at, pattern, turn, episode });
                wanted = u64::from(at) + self.gap(pattern, &mut stream);
            }
        }
        steps.sort_unstable_by_key(|step| step.at);
        steps
    }

    /// How many episodes a block has: the whole part of the mean, and one more as often as the rest of it says.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "less than a block's events; 53 bits of a word"
    )]
    fn count(&self, key: u64, block: u64) -> u64 {
        let whole = self.episodes.floor();
        let chance = (Stream::of_event(!key, block).word() >> 11) as f64 / (1_u64 << 53) as f64;
        whole as u64 + u64::from(chance < self.episodes - whole)
    }

    /// From one step to the next: a program keeps an even pace.
    fn gap(&self, pattern: Pattern, stream: &mut Stream) -> u64 {
        let mean = u64::from(self.spacing);
        if pattern == Pattern::BotBrowsing { mean } else { 1 + below(stream.word(), 2 * mean - 1) }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "shares of 2^64, saturating"
)]
fn thresholds(weights: &[f64], sum: f64) -> [u64; Pattern::ALL.len()] {
    let mut cumulated = 0.0;
    let mut thresholds = [0; Pattern::ALL.len()];
    let last = weights.iter().rposition(|weight| *weight > 0.0).unwrap_or(0);
    for (at, (threshold, weight)) in thresholds.iter_mut().zip(weights).enumerate() {
        cumulated += weight / sum;
        *threshold = if at >= last { u64::MAX } else { (cumulated * u64::MAX as f64) as u64 };
    }
    thresholds
}

/// The places of a block that are taken.
struct Occupancy(Box<[u64]>);

impl Default for Occupancy {
    fn default() -> Self {
        Self(vec![0; 1 << 10].into_boxed_slice())
    }
}

impl Occupancy {
    /// Takes the first free place from `wanted` on; `None` where there is none.
    #[expect(clippy::cast_possible_truncation, reason = "places lie below 2^16")]
    fn first_free(&mut self, wanted: u64) -> Option<u32> {
        let (first, below) = ((wanted / 64) as usize, wanted % 64);
        let mut free = !self.0.get(first)? & (u64::MAX << below);
        let mut word = first;
        while free == 0 {
            word += 1;
            free = !*self.0.get(word)?;
        }
        let bit = free.trailing_zeros();
        self.0[word] |= 1 << bit;
        Some(word as u32 * 64 + bit)
    }
}
