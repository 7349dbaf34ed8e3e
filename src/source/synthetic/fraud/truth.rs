//! Which events are fraudulent, told without drawing one.

use std::collections::HashMap;
use std::fmt;

use super::block::{BLOCK, Rules, Step};
use super::config::{FraudConfig, Pattern};

/// What is known of a fraudulent event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// The kind of fraud.
    pub pattern: Pattern,
    /// Its episode.
    pub episode: Episode,
    /// Which step of it the event is, from 0.
    pub step: u8,
}

/// Names an episode within a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Episode {
    /// Its lane.
    pub lane: u16,
    /// Its number in the lane; not every number is there.
    pub number: u64,
}

/// The truth about the events of a run.
#[derive(Clone, Debug)]
pub struct Truth {
    rules: Rules,
    lanes: u16,
    /// Blocks that were looked at lately.
    blocks: HashMap<(u16, u64), Vec<Step>>,
}

impl fmt::Display for Episode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.lane, self.number)
    }
}

impl PartialEq for Truth {
    fn eq(&self, other: &Self) -> bool {
        (&self.rules, self.lanes) == (&other.rules, other.lanes)
    }
}

impl Truth {
    /// That of a run with so many lanes, over all its processes.
    #[must_use]
    pub fn new(config: &FraudConfig, seed: u64, lanes: u16) -> Self {
        Self { rules: Rules::new(config, seed, lanes), lanes, blocks: HashMap::new() }
    }

    /// How many lanes the run has.
    #[must_use]
    pub const fn lanes(&self) -> u16 {
        self.lanes
    }

    /// What event `sequence` of a lane is; `None` for an honest one.
    pub fn label(&mut self, lane: u16, sequence: u64) -> Option<Label> {
        let block = sequence / BLOCK;
        let key = (lane, block);
        if !self.blocks.contains_key(&key) && self.blocks.len() >= 64.max(2 * usize::from(self.lanes)) {
            self.blocks.clear();
        }
        let rules = &self.rules;
        let steps = self.blocks.entry(key).or_insert_with(|| rules.block(lane, block));
        let at = u32::try_from(sequence % BLOCK).ok()?;
        let found = steps.binary_search_by_key(&at, |step| step.at).ok()?;
        steps.get(found).map(|step| step.label(lane))
    }

    /// The fraudulent ones among the first `events` of a lane, in order, with their sequences.
    pub fn of_lane(&self, lane: u16, events: u64) -> impl Iterator<Item = (u64, Label)> + '_ {
        let blocks = (0..events.div_ceil(BLOCK))
            .flat_map(move |block| self.rules.block(lane, block).into_iter().map(move |step| (block, step)));
        let all = blocks.map(move |(block, step)| (block * BLOCK + u64::from(step.at), step.label(lane)));
        all.take_while(move |(sequence, _)| *sequence < events)
    }
}

impl Step {
    const fn label(&self, lane: u16) -> Label {
        Label { pattern: self.pattern, episode: Episode { lane, number: self.episode }, step: self.turn }
    }
}
