//! Synthetic e-commerce events: weighted types, Zipf-distributed users and items, everything else plausible.
//!
//! Event n of a lane is a function of (configuration, seed, lane, lanes, n). Of L lanes, lane l has the users whose id is l
//! modulo L, so that all events of a user are in one lane, and the global numbers n * L + l.
//!
//! Ids are ranks: user 0 is the most active one and item 0 the most popular one, so a report's hottest keys can be checked
//! by eye. (The partition is a hash of the id; nothing is sorted there.)

mod independent;
mod population;
mod shop;
mod stream;
mod weights;
mod wording;
mod words;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::weights::{Weights, WeightsError};

use self::independent::Independent;
use self::population::{Population, Shape};
use self::shop::Shop;
use super::Drawn;
use crate::clock::Nanos;
use crate::event::{EventKind, UserId, Vocabulary};

/// The most users or items.
pub const MOST_MEMBERS: u64 = 1_000_000_000;

/// The steepest skew: at 5 the first of all has 96 % of the events.
pub const STEEPEST_SKEW: f64 = 5.0;

/// What synthetic events are like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How many users there are: ids 0 to `users` - 1. 100,000 by default.
    pub users: u64,
    /// How many items there are: ids 0 to `items` - 1. 50,000 by default.
    pub items: u64,
    /// Zipf exponent of the users' activity; 0 is uniform. 0.7 by default, where the most active of 100,000 has 1 % of all
    /// events; the most active of Retail Rocket's 1.4 million visitors has 0.3 %, which 0.68 gives.
    pub user_skew: f64,
    /// Zipf exponent of the items' popularity; 0 is uniform. 0.8 by default, where the most popular of 50,000 has 2.5 %.
    pub item_skew: f64,
    /// How often each type comes.
    pub weights: Weights,
    /// A user who gets more than the skew gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hot_user: Option<HotKey>,
    /// An item that gets more than the skew gives, as in a flash sale. Its share is that of the events that have an item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hot_item: Option<HotKey>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            users: 100_000,
            items: 50_000,
            user_skew: 0.7,
            item_skew: 0.8,
            weights: Weights::default(),
            hot_user: None,
            hot_item: None,
        }
    }
}

/// One user or item that gets a fixed share of the events.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HotKey {
    /// Its share of the events, above 0 and below 1. It is the whole share: the skew adds nothing to it.
    pub share: f64,
    /// Its id; 0, the most popular one anyway, by default. It may be an id beyond the population.
    #[serde(default)]
    pub id: u64,
}

/// Why a configuration gives no source.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// Too few or too many users or items.
    #[error("{count} {what}: there must be 1 to {MOST_MEMBERS}")]
    Population {
        /// Which ones.
        what: &'static str,
        /// How many.
        count: u64,
    },
    /// A skew that is no exponent.
    #[error("{what} is {skew}: a skew is a number from 0 (uniform) to {STEEPEST_SKEW}")]
    Skew {
        /// Which one.
        what: &'static str,
        /// Its value.
        skew: f64,
    },
    /// A share that is none.
    #[error("{what}.share is {share}: a hot key's share lies above 0 and below 1")]
    HotShare {
        /// Which one.
        what: &'static str,
        /// Its value.
        share: f64,
    },
    /// An id too large to be drawn.
    #[error("{what}.id is {id}: ids end at {MOST_MEMBERS}")]
    HotId {
        /// Which one.
        what: &'static str,
        /// Its value.
        id: u64,
    },
    /// One lane cannot carry the hot user.
    #[error(
        "hot_user.share is {share}, but all events of a user go through one lane, and each of {lanes} lanes carries 1/{lanes} of \
         the events: use at most {most_lanes} lanes, or a share of at most {}", 1.0 / f64::from(*lanes)
    )]
    HotUserPerLane {
        /// The share asked for.
        share: f64,
        /// The lanes asked for.
        lanes: u8,
        /// As many as would do.
        most_lanes: u8,
    },
    /// A lane would have no user.
    #[error("{users} users cannot be divided among {lanes} lanes: each lane needs at least one of its own")]
    UsersPerLane {
        /// How many users.
        users: u64,
        /// How many lanes.
        lanes: u8,
    },
    /// There is no such lane.
    #[error("there is no lane {lane} of {lanes}: lanes count from 0")]
    NoSuchLane {
        /// The lane asked for.
        lane: u8,
        /// How many there are.
        lanes: u8,
    },
}

impl Config {
    /// Whether it can be drawn from.
    ///
    /// # Errors
    /// A population, skew, share or id out of its range.
    pub fn check(&self) -> Result<(), ConfigError> {
        for (what, count) in [("users", self.users), ("items", self.items)] {
            if !(1..=MOST_MEMBERS).contains(&count) {
                return Err(ConfigError::Population { what, count });
            }
        }
        for (what, skew) in [("user_skew", self.user_skew), ("item_skew", self.item_skew)] {
            if !(0.0..=STEEPEST_SKEW).contains(&skew) {
                return Err(ConfigError::Skew { what, skew });
            }
        }
        for (what, hot) in [("hot_user", self.hot_user), ("hot_item", self.hot_item)] {
            let Some(HotKey { share, id }) = hot else { continue };
            if !(share > 0.0 && share < 1.0) {
                return Err(ConfigError::HotShare { what, share });
            }
            if id > MOST_MEMBERS {
                return Err(ConfigError::HotId { what, id });
            }
        }
        Ok(())
    }

    /// Whether its users can be divided among `lanes` lanes.
    ///
    /// # Errors
    /// More lanes than users, none at all, or a hot user who is too much for one of that many lanes.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "less than the number of lanes")]
    pub fn check_lanes(&self, lanes: u8) -> Result<(), ConfigError> {
        if lanes == 0 || self.users < u64::from(lanes) {
            return Err(ConfigError::UsersPerLane { users: self.users, lanes });
        }
        match self.hot_user {
            Some(HotKey { share, .. }) if share * f64::from(lanes) > 1.0 => {
                Err(ConfigError::HotUserPerLane { share, lanes, most_lanes: (1.0 / share) as u8 })
            }
            _ => Ok(()),
        }
    }
}

/// The source: what all lanes share.
#[derive(Debug)]
pub struct Synthetic {
    config: Config,
    seed: u64,
    shop: Shop,
}

impl Synthetic {
    /// Prepares the tables and texts; takes a few milliseconds.
    ///
    /// # Errors
    /// As [`Config::check`].
    pub fn new(config: &Config, seed: u64) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self { shop: Shop::new(config, seed)?, config: config.clone(), seed })
    }

    /// Lane `lane` of `lanes`, at its first event.
    ///
    /// # Errors
    /// As [`Config::check_lanes`], or `lane` is not below `lanes`.
    pub fn lane(self: &Arc<Self>, lane: u8, lanes: u8) -> Result<Lane, ConfigError> {
        self.config.check_lanes(lanes)?;
        if lane >= lanes {
            return Err(ConfigError::NoSuchLane { lane, lanes });
        }
        let id = LaneId { lane, lanes };
        let users = self.users(id).ok_or(ConfigError::UsersPerLane { users: self.config.users, lanes })?;
        let model = Independent::new(Arc::clone(self), &self.config.weights, users, id, self.seed);
        Ok(Lane { model, id, next: 0 })
    }

    /// The texts that the events point into.
    #[must_use]
    pub fn vocabulary(&self) -> Arc<Vocabulary> {
        Arc::clone(&self.shop.wording.vocabulary)
    }

    /// The share of all events that each type is expected to have, in the order of [`EventKind::ALL`].
    #[must_use]
    pub fn expected_shares(&self) -> [f64; EventKind::COUNT] {
        self.config.weights.shares()
    }

    /// A lane's part of the users. The hot one is drawn by its own lane alone, so there its share is `lanes` times as large.
    fn users(&self, LaneId { lane, lanes }: LaneId) -> Option<Population> {
        let (lane, stride) = (u64::from(lane), u64::from(lanes));
        let hot = self
            .config
            .hot_user
            .filter(|hot| hot.id % stride == lane)
            .map(|hot| (hot.id / stride, (hot.share * f64::from(lanes)).min(1.0)));
        Population::new(&Shape::part(self.config.users, lane, stride, self.config.user_skew, hot))
    }
}

/// Which lane of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LaneId {
    lane: u8,
    lanes: u8,
}

impl LaneId {
    /// The user of rank `rank` within the lane.
    fn user(self, rank: u64) -> UserId {
        UserId(rank * u64::from(self.lanes) + u64::from(self.lane))
    }

    /// The global number of the lane's event `n`.
    fn number(self, n: u64) -> u64 {
        n * u64::from(self.lanes) + u64::from(self.lane)
    }
}

/// The events of one lane, in order.
#[derive(Debug)]
pub struct Lane {
    model: Independent,
    id: LaneId,
    next: u64,
}

impl Lane {
    /// The next event.
    pub fn draw(&mut self) -> Drawn {
        let n = self.next;
        self.next += 1;
        Drawn { number: self.id.number(n), recorded_offset: Nanos::ZERO, event: self.model.event(n) }
    }

    /// Makes the lane's event `n`, counted from 0, the next one.
    pub fn skip_to(&mut self, n: u64) {
        self.next = n;
    }
}

#[cfg(test)]
mod tests;
