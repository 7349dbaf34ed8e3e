//! Scores by their size: how many events have each, fraudulent and honest.

use std::collections::HashMap;

use crate::figures::as_f64;

/// Different scores that are kept apart, unless another number is asked for.
const MOST: usize = 1 << 20;
/// Bits that are let go of at once where there are more.
const STEP: u32 = 4;

/// How many events have each score.
#[derive(Debug)]
pub(super) struct Ranking {
    counts: HashMap<u64, Counts>,
    /// Different scores that are kept apart.
    most: usize,
    /// Lowest bits of scores that are not told apart.
    dropped: u32,
}

/// Events of one score.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    fraudulent: u64,
    honest: u64,
}

/// Bits whose order as whole numbers is that of the scores (IEEE 754-2008, 5.10).
const fn ordered(score: f64) -> u64 {
    let bits = if score == 0.0 { 0 } else { score.to_bits() };
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

impl Default for Ranking {
    fn default() -> Self {
        Self::of_at_most(MOST)
    }
}

impl Ranking {
    pub(super) fn of_at_most(most: usize) -> Self {
        Self { counts: HashMap::new(), most, dropped: 0 }
    }

    pub(super) fn add(&mut self, score: f64, is_fraudulent: bool) {
        let counts = self.counts.entry(ordered(score) >> self.dropped).or_default();
        counts.fraudulent += u64::from(is_fraudulent);
        counts.honest += u64::from(!is_fraudulent);
        while self.counts.len() > self.most {
            self.dropped += STEP;
            for (score, counts) in std::mem::take(&mut self.counts) {
                let coarse = self.counts.entry(score >> STEP).or_default();
                coarse.fraudulent += counts.fraudulent;
                coarse.honest += counts.honest;
            }
        }
    }

    /// By how many bits scores were told apart, where not by all.
    pub(super) fn bits(&self) -> Option<u32> {
        (self.dropped > 0).then(|| u64::BITS - self.dropped)
    }

    pub(super) fn ranked(&self) -> Ranked {
        let mut scores: Vec<(u64, Counts)> = self.counts.iter().map(|(score, counts)| (*score, *counts)).collect();
        scores.sort_unstable_by_key(|(score, _)| std::cmp::Reverse(*score));
        let steps: Vec<Counts> = scores.into_iter().map(|(_, counts)| counts).collect();
        let fraudulent = steps.iter().map(|counts| counts.fraudulent).sum();
        let honest = steps.iter().map(|counts| counts.honest).sum();
        Ranked { steps, fraudulent, honest }
    }
}

/// The events of each score, the highest first.
#[derive(Debug)]
pub(super) struct Ranked {
    steps: Vec<Counts>,
    fraudulent: u64,
    honest: u64,
}

impl Ranked {
    /// Precision, weighted by the recall that each threshold adds; `None` without a fraudulent event.
    pub(super) fn average_precision(&self) -> Option<f64> {
        let (mut found, mut alarms, mut sum) = (0, 0, 0.0);
        for Counts { fraudulent, honest } in &self.steps {
            found += fraudulent;
            alarms += fraudulent + honest;
            sum += as_f64(*fraudulent) * as_f64(found) / as_f64(alarms);
        }
        (self.fraudulent > 0).then(|| sum / as_f64(self.fraudulent))
    }

    /// Of the `k` highest scores the share that are of fraudulent events; where several events share the last score, what is to be expected
    /// of a choice among them. `None` where there are fewer than `k`.
    pub(super) fn precision_at(&self, k: u64) -> Option<f64> {
        let (mut left, mut found) = (k, 0.0);
        for Counts { fraudulent, honest } in &self.steps {
            let all = fraudulent + honest;
            let taken = all.min(left);
            found += as_f64(*fraudulent) * as_f64(taken) / as_f64(all);
            left -= taken;
            if left == 0 {
                return (k > 0).then(|| found / as_f64(k));
            }
        }
        None
    }

    /// The largest recall at which at most that share of the honest events are called fraudulent.
    pub(super) fn recall_at_false_alarms(&self, share: f64) -> Option<f64> {
        if self.fraudulent == 0 || self.honest == 0 {
            return None;
        }
        let (mut found, mut alarms, mut best) = (0, 0, 0);
        for Counts { fraudulent, honest } in &self.steps {
            found += fraudulent;
            alarms += honest;
            if as_f64(alarms) / as_f64(self.honest) > share {
                break;
            }
            best = found;
        }
        Some(as_f64(best) / as_f64(self.fraudulent))
    }
}
