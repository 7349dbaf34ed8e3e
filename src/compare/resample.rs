//! Draws: the same blocks of seconds from every run, and runs from every side.

use rand::RngExt;
use rand::rngs::StdRng;

use super::dependence::mean;
use super::quantity::Quantity;
use super::sample::{Draw, Sampler};
use crate::figures::as_f64;

/// The logarithm of each run's value: over all seconds, and in each draw.
pub(super) struct Drawn {
    /// Of each run, over all seconds.
    pub(super) whole: Vec<f64>,
    /// Of each run, in each draw of seconds: `[run][draw]`.
    pub(super) by_run: Vec<Vec<f64>>,
}

impl Drawn {
    /// The mean over the runs, over all seconds.
    pub(super) fn value(&self) -> f64 {
        mean(&self.whole)
    }

    /// The mean over the runs in one draw, each run once.
    fn seconds_drawn(&self, draw: usize) -> f64 {
        self.by_run.iter().map(|run| run[draw]).sum::<f64>() / as_f64(self.by_run.len() as u64)
    }

    /// The mean over the drawn runs in one draw.
    fn runs_drawn(&self, draw: usize, runs: &[usize]) -> f64 {
        runs.iter().map(|run| self.by_run[*run][draw]).sum::<f64>() / as_f64(runs.len() as u64)
    }
}

/// Both sides' draws of one quantity.
pub(super) struct Pair {
    pub(super) base: Drawn,
    pub(super) new: Drawn,
}

impl Pair {
    /// The logarithm of NEW / BASE in each draw of seconds, with every run of both sides.
    pub(super) fn within(&self) -> Vec<f64> {
        let draws = self.base.by_run.first().map_or(0, Vec::len);
        (0..draws).map(|draw| self.new.seconds_drawn(draw) - self.base.seconds_drawn(draw)).collect()
    }

    /// The same with runs drawn as well: `runs[draw]` are those of BASE and of NEW.
    pub(super) fn hierarchical(&self, runs: &[(Vec<usize>, Vec<usize>)]) -> Vec<f64> {
        let one = |(draw, (base, new)): (usize, &(Vec<usize>, Vec<usize>))| {
            self.new.runs_drawn(draw, new) - self.base.runs_drawn(draw, base)
        };
        runs.iter().enumerate().map(one).collect()
    }
}

/// `count` draws of `n` seconds in blocks of `block`.
pub(super) fn draws(n: usize, block: usize, count: usize, rng: &mut StdRng) -> Vec<Draw> {
    let blocks = n.div_ceil(block);
    let last = n - (blocks - 1) * block;
    let starts = |rng: &mut StdRng| (0..blocks).map(|_| rng.random_range(0..n)).collect();
    (0..count).map(|_| Draw { starts: starts(rng), length: block, last }).collect()
}

/// As many runs as there are, drawn with return, from each side.
pub(super) fn draw_runs(base: usize, new: usize, count: usize, rng: &mut StdRng) -> Vec<(Vec<usize>, Vec<usize>)> {
    let of = |runs: usize, rng: &mut StdRng| (0..runs).map(|_| rng.random_range(0..runs)).collect();
    (0..count).map(|_| (of(base, rng), of(new, rng))).collect()
}

/// One side's values. `None` where a run has nothing to compute them of, in all seconds or in some draw.
pub(super) fn drawn(runs: &mut [Sampler], quantity: Quantity, n: usize, draws: &[Draw]) -> Option<Drawn> {
    let whole = Draw::whole(n);
    let mut all = Drawn { whole: Vec::new(), by_run: Vec::new() };
    for run in runs {
        all.whole.push(run.value(quantity, &whole)?.ln());
        let values: Option<Vec<f64>> = draws.iter().map(|draw| run.value(quantity, draw).map(f64::ln)).collect();
        all.by_run.push(values?);
    }
    Some(all)
}
