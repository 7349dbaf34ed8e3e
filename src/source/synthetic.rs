//! Synthetic e-commerce events: weighted types, Zipf-distributed users and items, everything else plausible.
//!
//! Event n of a lane is a function of (configuration, seed, lane, lanes, n). Of L lanes, lane l has the users whose id is l
//! modulo L, so that all events of a user are in one lane, and the global numbers n * L + l.
//!
//! Fraud is woven in where it is asked for: see [`fraud`].
//!
//! Ids are ranks: user 0 is the most active one and item 0 the most popular one, so a report's hottest keys can be checked
//! by eye. (The partition is a hash of the id; nothing is sorted there.)

mod config;
pub mod fraud;
mod independent;
mod sessions;
mod shop;
mod weights;
mod wording;
mod words;

use std::sync::Arc;

pub use self::config::{Config, ConfigError, HotKey, MOST_MEMBERS, Model, NamedHotKey, NotAHotKey, STEEPEST_SKEW};
pub use self::sessions::{
    Funnel, FunnelRow, LONGEST_THINK, MOST_CONCURRENT, MOST_SESSION_USERS, Next, NotARow, NotThinkTimes,
    SHORTEST_THINK, SessionsConfig, Think, ThinkTime, ThinkTimes,
};
pub use self::weights::Weights;

use self::fraud::{FraudConfig, Truth, Weave};
use self::independent::Independent;
use self::sessions::Sessions;
use self::shop::{Aisles, Shop};
use super::crowd::SessionFigures;
use super::lane::{Drawn, LaneId};
use super::population::{Population, Shape};
use crate::clock::Nanos;
use crate::shop::{Event, Vocabulary};

/// The source: what all lanes share.
#[derive(Debug)]
pub struct Synthetic {
    config: Config,
    seed: u64,
    shop: Shop,
    /// Filled for the sessions model alone.
    aisles: Aisles,
    figures: Option<SessionFigures>,
}

impl Synthetic {
    /// Prepares the tables and texts; takes a few milliseconds.
    ///
    /// # Errors
    /// As [`Config::check`].
    pub fn new(config: &Config, seed: u64) -> Result<Self, ConfigError> {
        config.check()?;
        let shop = Shop::new(config, seed)?;
        let (aisles, figures) = match config.model {
            Model::Independent => (Aisles::default(), None),
            Model::Sessions => (shop.aisles(config), Some(config.sessions.figures()?)),
        };
        Ok(Self { config: config.clone(), seed, shop, aisles, figures })
    }

    /// Lane `lane` of `lanes`, at its first event.
    ///
    /// # Errors
    /// As [`Config::check_lanes`], or `lane` is not below `lanes`.
    pub fn lane(self: &Arc<Self>, lane: u16, lanes: u16) -> Result<Lane, ConfigError> {
        self.config.check_lanes(lanes)?;
        if lane >= lanes {
            return Err(ConfigError::NoSuchLane { lane, lanes });
        }
        let id = LaneId { lane, lanes };
        let shape = self.users(id);
        let users = Population::new(&shape).ok_or(ConfigError::UsersPerLane { users: self.config.users, lanes })?;
        let (config, source) = (&self.config, Arc::clone(self));
        let model = match config.model {
            Model::Independent => Drawing::Independent(Independent::new(source, &config.weights, users, id, self.seed)),
            Model::Sessions => {
                let sessions = Sessions::new(source, &config.sessions, users, shape.count, id, self.seed)?;
                Drawing::Sessions(Box::new(sessions))
            }
        };
        let fraud = config.fraud.as_ref().and_then(|fraud| {
            let users = Population::new(&shape)?;
            Some(Weave::new(fraud, users, id, self.seed))
        });
        Ok(Lane { source: Arc::clone(self), model, fraud, id, next: 0 })
    }

    /// The texts that the events point into.
    #[must_use]
    pub fn vocabulary(&self) -> Arc<Vocabulary> {
        Arc::clone(&self.shop.wording.vocabulary)
    }

    /// The share of all events that each type is expected to have, in the order of [`crate::shop::Kind::OF_USERS`]: by the weights, or by
    /// the funnel, and by the fraud that is woven in.
    #[must_use]
    pub fn expected_shares(&self) -> Vec<f64> {
        let honest = self
            .figures
            .as_ref()
            .map_or_else(|| self.config.weights.shares().to_vec(), |figures| figures.shares.clone());
        match &self.config.fraud {
            Some(fraud) => {
                let woven = fraud::mix(fraud);
                honest.iter().zip(woven).map(|(honest, woven)| honest + fraud.rate * (woven - honest)).collect()
            }
            None => honest,
        }
    }

    /// What it was made from.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// The fraud that is woven in, and the truth about it in a run of so many lanes.
    #[must_use]
    pub fn fraud(&self, lanes: u16) -> Option<(&FraudConfig, Truth)> {
        let fraud = self.config.fraud.as_ref()?;
        Some((fraud, Truth::new(fraud, self.seed, lanes)))
    }

    /// What sessions come to, in the sessions model.
    #[must_use]
    pub const fn session_figures(&self) -> Option<&SessionFigures> {
        self.figures.as_ref()
    }

    /// A lane's part of the users. The hot one is drawn by its own lane alone, so there its share is `lanes` times as large.
    fn users(&self, LaneId { lane, lanes }: LaneId) -> Shape {
        let (lane, stride) = (u64::from(lane), u64::from(lanes));
        let hot = self
            .config
            .hot_user
            .filter(|hot| hot.id % stride == lane)
            .map(|hot| (hot.id / stride, (hot.share * f64::from(lanes)).min(1.0)));
        Shape::part(self.config.users, lane, stride, self.config.user_skew, hot)
    }
}

/// The events of one lane, in order.
#[derive(Debug)]
pub struct Lane {
    source: Arc<Synthetic>,
    model: Drawing,
    fraud: Option<Weave>,
    id: LaneId,
    next: u64,
}

#[derive(Debug)]
enum Drawing {
    Independent(Independent),
    Sessions(Box<Sessions>),
}

impl Lane {
    /// The global number of its event `n`, counted from 0.
    pub(super) fn number(&self, n: u64) -> u64 {
        self.id.number(n)
    }

    /// The next event.
    pub fn draw(&mut self) -> Drawn<Event> {
        let n = self.next;
        self.next += 1;
        let number = self.id.number(n);
        let event = match (self.woven(n, number), &mut self.model) {
            (Some(woven), _) => woven,
            (None, Drawing::Independent(model)) => model.event(n),
            (None, Drawing::Sessions(model)) => model.draw(number),
        };
        Drawn { number, recorded_offset: Nanos::ZERO, event }
    }

    /// The event of the step of fraud that stands in the place of event `n`; the sessions go on behind it as if it were not there.
    fn woven(&mut self, n: u64, number: u64) -> Option<Event> {
        let fraud = self.fraud.as_mut()?;
        let due = fraud.due(n)?;
        let session = match &self.model {
            Drawing::Independent(model) => model.session(due.member, n),
            Drawing::Sessions(model) => model.latest(due.member.rank),
        };
        Some(fraud.event(&self.source.shop, due, session, number))
    }

    /// Makes the lane's event `n`, counted from 0, the next one: at once in the independent model; by drawing all before it in the
    /// sessions model, where an event depends on those before.
    pub fn skip_to(&mut self, n: u64) {
        if let Drawing::Sessions(model) = &mut self.model {
            if n < self.next {
                model.restart();
                self.next = 0;
            }
            while self.next < n {
                if self.fraud.as_mut().is_none_or(|fraud| fraud.due(self.next).is_none()) {
                    model.draw(self.id.number(self.next));
                }
                self.next += 1;
            }
        }
        self.next = n;
    }
}

#[cfg(test)]
mod tests;
