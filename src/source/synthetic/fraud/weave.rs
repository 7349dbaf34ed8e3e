//! A lane's fraud: which of its events are steps of episodes, and what they are.

use super::super::super::lane::LaneId;
use super::super::super::population::{Member, Population};
use super::super::super::stream::{Purpose, Stream, key};
use super::super::shop::Shop;
use super::block::{BLOCK, Rules, Step};
use super::config::FraudConfig;
use super::script::{self, Place};
use crate::shop::{Event, Session};

/// Steps of an episode that have numbers of their own.
const STEPS: u64 = 64;

/// The fraud of one lane.
#[derive(Debug)]
pub(in super::super) struct Weave {
    rules: Rules,
    users: Population,
    id: LaneId,
    key: u64,
    /// The block that is at hand, and how many of its steps lie behind.
    block: u64,
    steps: Vec<Step>,
    next: usize,
}

/// A step that is due, and whose it is.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Due {
    step: Step,
    pub(in super::super) member: Member,
}

impl Weave {
    pub(in super::super) fn new(config: &FraudConfig, users: Population, id: LaneId, seed: u64) -> Self {
        let rules = Rules::new(config, seed, id.lanes);
        let steps = rules.block(id.lane, 0);
        let key = key(seed, Purpose::FraudSteps, id.lane.into());
        Self { rules, users, id, key, block: 0, steps, next: 0 }
    }

    /// The step that stands in the place of the lane's event `n`; `None` where an honest one does.
    pub(in super::super) fn due(&mut self, n: u64) -> Option<Due> {
        let (block, at) = (n / BLOCK, n % BLOCK);
        if block != self.block {
            (self.block, self.steps, self.next) = (block, self.rules.block(self.id.lane, block), 0);
        }
        let is_next = |next: usize| self.steps.get(next).is_none_or(|step| u64::from(step.at) >= at);
        if !(is_next(self.next) && self.next.checked_sub(1).is_none_or(|before| u64::from(self.steps[before].at) < at))
        {
            self.next = self.steps.partition_point(|step| u64::from(step.at) < at);
        }
        let step = *self.steps.get(self.next).filter(|step| u64::from(step.at) == at)?;
        let member = self.users.draw(&mut Stream::scattered(self.key, step.episode * STEPS));
        Some(Due { step, member })
    }

    /// The event of that step.
    pub(in super::super) fn event(&self, shop: &Shop, due: Due, session: Session, number: u64) -> Event {
        let Due { step, member } = due;
        let of = |number| Stream::scattered(self.key, step.episode * STEPS + number);
        let place = Place { user: self.id.user(member.rank), session, number };
        script::event(shop, step, &place, of(1), of(2 + u64::from(step.turn)))
    }
}
