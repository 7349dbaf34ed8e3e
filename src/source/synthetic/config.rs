//! What can be set about synthetic events, and what is refused.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::crowd::LONGEST;
use super::fraud::{FraudConfig, MOST_FRAUD, MOST_SPACING, Pattern};
use super::sessions::{MOST_CONCURRENT, MOST_SESSION_USERS, SessionsConfig};
use super::weights::Weights;
use crate::shop::Kind;

/// The most users or items.
pub const MOST_MEMBERS: u64 = 1_000_000_000;

/// The steepest skew: at 5 the first of all has 96 % of the events.
pub const STEEPEST_SKEW: f64 = 5.0;

/// What synthetic events are like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Whether events tell stories.
    pub model: Model,
    /// How many users there are: ids 0 to `users` - 1. 100,000 by default.
    pub users: u64,
    /// How many items there are: ids 0 to `items` - 1. 50,000 by default.
    pub items: u64,
    /// Zipf exponent of the users' activity; 0 is uniform. 0.7 by default, where the most active of 100,000 has 1 % of all
    /// events; the most active of Retail Rocket's 1.4 million visitors has 0.3 %, which 0.68 gives.
    pub user_skew: f64,
    /// Zipf exponent of the items' popularity; 0 is uniform. 0.8 by default, where the most popular of 50,000 has 2.5 %.
    pub item_skew: f64,
    /// How often each type comes, in the independent model.
    pub weights: Weights,
    /// A user who gets more than the skew gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hot_user: Option<HotKey>,
    /// An item that gets more than the skew gives, as in a flash sale. Its share is that of the events that have an item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hot_item: Option<HotKey>,
    /// How users go through the shop, in the sessions model.
    #[serde(skip_serializing_if = "is_default")]
    pub sessions: SessionsConfig,
    /// Fraud that is woven in; a scenario says it in a table of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fraud: Option<FraudConfig>,
}

fn is_default(sessions: &SessionsConfig) -> bool {
    *sessions == SessionsConfig::default()
}

impl Default for Config {
    fn default() -> Self {
        Self {
            model: Model::default(),
            users: 100_000,
            items: 50_000,
            user_skew: 0.7,
            item_skew: 0.8,
            weights: Weights::default(),
            hot_user: None,
            hot_item: None,
            sessions: SessionsConfig::default(),
            fraud: None,
        }
    }
}

/// How events hang together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Model {
    /// Each event is drawn by itself, types by their weights.
    #[default]
    Independent,
    /// Users come, browse, buy and leave; types follow from the funnel.
    Sessions,
}

impl Model {
    /// The name in scenarios and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Independent => "independent",
            Self::Sessions => "sessions",
        }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Model {
    type Err = ConfigError;
    fn from_str(name: &str) -> Result<Self, ConfigError> {
        [Self::Independent, Self::Sessions]
            .into_iter()
            .find(|model| model.as_str() == name)
            .ok_or_else(|| ConfigError::Model(name.to_owned()))
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

/// A hot key as an option writes it: `user=20%`, `item:17=0.05`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NamedHotKey {
    /// Of a user.
    User(HotKey),
    /// Of an item.
    Item(HotKey),
}

impl FromStr for NamedHotKey {
    type Err = NotAHotKey;
    fn from_str(text: &str) -> Result<Self, NotAHotKey> {
        let no = || NotAHotKey(text.to_owned());
        let (who, share) = text.split_once('=').ok_or_else(no)?;
        let (kind, id) = match who.split_once(':') {
            Some((kind, id)) => (kind, id.trim().parse().map_err(|_| no())?),
            None => (who, 0),
        };
        let (number, scale) = share.trim().strip_suffix('%').map_or((share, 1.0), |percent| (percent, 100.0));
        let share = number.trim().parse::<f64>().map_err(|_| no())? / scale;
        if !(share > 0.0 && share < 1.0) {
            return Err(no());
        }
        match kind.trim() {
            "user" => Ok(Self::User(HotKey { share, id })),
            "item" => Ok(Self::Item(HotKey { share, id })),
            _ => Err(no()),
        }
    }
}

/// A text that is no [`NamedHotKey`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no hot key: write user=20% or item:17=0.05, with a share above 0 and below 1")]
pub struct NotAHotKey(String);

/// Why a configuration gives no source.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// No model.
    #[error("\"{0}\" is no model: independent or sessions")]
    Model(String),
    /// Weights that nothing would follow.
    #[error(
        "weights are for the independent model: in the sessions model the funnel decides how often each type comes, so leave weights out and set sessions.funnel"
    )]
    WeightsOfSessions,
    /// A funnel that nothing would follow.
    #[error("sessions.* is set, but the model is independent: set model = \"sessions\", or leave it out")]
    SessionsUnused,
    /// A probability that is none.
    #[error("sessions.funnel.{row}: the probability of {kind} is {probability}, it must lie in 0..=1")]
    Probability {
        /// Where it stands.
        row: &'static str,
        /// Of what.
        kind: Kind,
        /// Its value.
        probability: f64,
    },
    /// Probabilities that do not fit together.
    #[error("sessions.funnel.{row} sums to {sum}: at most 1 (the rest leave), and start exactly 1")]
    FunnelRow {
        /// Where they stand.
        row: &'static str,
        /// What they sum to.
        sum: f64,
    },
    /// Users never leave.
    #[error(
        "sessions.funnel: sessions do not end: after {events} events users are still there; let some leave (rows that sum to less than 1)"
    )]
    EndlessSessions {
        /// As far as was looked.
        events: u32,
    },
    /// A think time that cannot be one.
    #[error("sessions.think.{kind} is {time:?}: a mean think time lies between 1ms and 1d")]
    Think {
        /// Before what.
        kind: Kind,
        /// Its value.
        time: Duration,
    },
    /// Too few or too many sessions.
    #[error("sessions.concurrent is {sessions}: there must be 1 to {MOST_CONCURRENT} sessions at once")]
    Concurrent {
        /// How many.
        sessions: u32,
    },
    /// Too many users to count the sessions of each.
    #[error("{users} users: the sessions model has at most {MOST_SESSION_USERS}, since it counts the sessions of each")]
    SessionUsers {
        /// How many.
        users: u64,
    },
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
    /// No fraud, or next to no honest events.
    #[error(
        "fraud.rate is {}%: it lies above 0% and at {}% at most, so that honest events are left to tell fraud from",
        rate * 100.0,
        MOST_FRAUD * 100.0
    )]
    FraudRate {
        /// The share asked for.
        rate: f64,
    },
    /// A share of a pattern that is none.
    #[error("fraud.patterns.{pattern} is {share}: a share is a number from 0")]
    FraudShare {
        /// Of which.
        pattern: Pattern,
        /// Its value.
        share: f64,
    },
    /// No pattern to follow.
    #[error("fraud.patterns gives no pattern a share: name at least one, for example patterns = {{ velocity = 1 }}")]
    NoFraudPattern,
    /// Steps too near or too far apart.
    #[error("fraud.spacing is {spacing}: 1 to {MOST_SPACING} events of the run lie between two steps of an episode")]
    FraudSpacing {
        /// Its value.
        spacing: u32,
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
        lanes: u16,
        /// As many as would do.
        most_lanes: u16,
    },
    /// A lane would have no user.
    #[error("{users} users cannot be divided among {lanes} lanes: each lane needs at least one of its own")]
    UsersPerLane {
        /// How many users.
        users: u64,
        /// How many lanes.
        lanes: u16,
    },
    /// There is no such lane.
    #[error("there is no lane {lane} of {lanes}: lanes count from 0")]
    NoSuchLane {
        /// The lane asked for.
        lane: u16,
        /// How many there are.
        lanes: u16,
    },
}

impl ConfigError {
    /// Sessions that do not end.
    pub(super) const ENDLESS: Self = Self::EndlessSessions { events: LONGEST };
}

impl Config {
    /// Whether it can be drawn from.
    ///
    /// # Errors
    /// A population, skew, share, id or session setting out of its range, or settings of the model that is not used.
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
        self.fraud.as_ref().map_or(Ok(()), FraudConfig::check)?;
        self.check_model()
    }

    fn check_model(&self) -> Result<(), ConfigError> {
        match self.model {
            Model::Independent if !is_default(&self.sessions) => Err(ConfigError::SessionsUnused),
            Model::Independent => Ok(()),
            Model::Sessions if self.weights != Weights::default() => Err(ConfigError::WeightsOfSessions),
            Model::Sessions if self.users > MOST_SESSION_USERS => Err(ConfigError::SessionUsers { users: self.users }),
            Model::Sessions => self.sessions.figures().map(|_| ()),
        }
    }

    /// Whether its users can be divided among `lanes` lanes.
    ///
    /// # Errors
    /// More lanes than users, none at all, or a hot user who is too much for one of that many lanes.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "less than the number of lanes")]
    pub fn check_lanes(&self, lanes: u16) -> Result<(), ConfigError> {
        if lanes == 0 || self.users < u64::from(lanes) {
            return Err(ConfigError::UsersPerLane { users: self.users, lanes });
        }
        match self.hot_user {
            Some(HotKey { share, .. }) if share * f64::from(lanes) > 1.0 => {
                Err(ConfigError::HotUserPerLane { share, lanes, most_lanes: (1.0 / share) as u16 })
            }
            _ => Ok(()),
        }
    }
}
