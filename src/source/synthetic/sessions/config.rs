//! What can be set about sessions, and what follows from it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::super::crowd::{SessionFigures, Walk};
use super::super::ConfigError;
use super::funnel::Funnel;
use crate::shop::Kind;
use crate::units;

/// The most sessions at once.
pub const MOST_CONCURRENT: u32 = 1_000_000;

/// The most users of the sessions model, which remembers for each how many sessions there were (4 bytes each).
pub const MOST_SESSION_USERS: u64 = 100_000_000;

/// The shortest mean think time.
pub const SHORTEST_THINK: Duration = Duration::from_millis(1);
/// The longest mean think time.
pub const LONGEST_THINK: Duration = Duration::from_secs(86_400);

/// How users go through the shop, for `model = "sessions"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionsConfig {
    /// How many sessions are going on at once, on average over the run and in all lanes together; at most a little more, since
    /// users arrive at random. 1,000 by default.
    pub concurrent: u32,
    /// What users do next.
    pub funnel: Funnel,
    /// How long they think before it.
    pub think: Think,
}

impl Default for SessionsConfig {
    fn default() -> Self {
        Self { concurrent: 1_000, funnel: Funnel::default(), think: Think::default() }
    }
}

/// Mean time before an event of each type, other than a session's first; exponentially distributed. Types that are not
/// named keep their default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Think {
    /// 20 s by default.
    pub view: ThinkTime,
    /// 15 s by default.
    pub addtocart: ThinkTime,
    /// 90 s by default: an address and a card number.
    pub transaction: ThinkTime,
    /// 12 s by default.
    pub search: ThinkTime,
    /// 8 s by default.
    pub filter: ThinkTime,
    /// 2 min by default.
    pub review: ThinkTime,
}

impl Default for Think {
    fn default() -> Self {
        let seconds = |seconds| ThinkTime(Duration::from_secs(seconds));
        Self {
            view: seconds(20),
            addtocart: seconds(15),
            transaction: seconds(90),
            search: seconds(12),
            filter: seconds(8),
            review: seconds(120),
        }
    }
}

impl Think {
    /// In the order of [`Kind::OF_USERS`].
    const fn times(&self) -> [Duration; Kind::USERS_COUNT] {
        [self.view.0, self.addtocart.0, self.transaction.0, self.search.0, self.filter.0, self.review.0]
    }

    /// That before events of one type; `None` for inventory, which no user causes.
    pub(crate) const fn of_mut(&mut self, kind: Kind) -> Option<&mut ThinkTime> {
        Some(match kind {
            Kind::View => &mut self.view,
            Kind::AddToCart => &mut self.addtocart,
            Kind::Transaction => &mut self.transaction,
            Kind::Search => &mut self.search,
            Kind::Filter => &mut self.filter,
            Kind::Review => &mut self.review,
            Kind::Inventory => return None,
        })
    }

    /// In microseconds, in the order of [`Kind::OF_USERS`].
    pub(crate) fn means_us(&self) -> [f64; Kind::USERS_COUNT] {
        self.times().map(|time| time.as_secs_f64() * 1e6)
    }
}

/// A mean think time, written with its unit: `"20s"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ThinkTime(pub Duration);

impl TryFrom<String> for ThinkTime {
    type Error = units::UnitError;
    fn try_from(text: String) -> Result<Self, units::UnitError> {
        units::duration(&text).map(Self)
    }
}

impl From<ThinkTime> for String {
    /// In whole seconds or milliseconds where that loses nothing.
    fn from(ThinkTime(time): ThinkTime) -> Self {
        let nanos = time.as_nanos();
        if nanos.is_multiple_of(1_000_000_000) {
            format!("{}s", time.as_secs())
        } else if nanos.is_multiple_of(1_000_000) {
            format!("{}ms", time.as_millis())
        } else {
            format!("{nanos}ns")
        }
    }
}

impl SessionsConfig {
    /// What the settings come to.
    ///
    /// # Errors
    /// A setting out of its range, or sessions that do not end.
    pub fn figures(&self) -> Result<SessionFigures, ConfigError> {
        if !(1..=MOST_CONCURRENT).contains(&self.concurrent) {
            return Err(ConfigError::Concurrent { sessions: self.concurrent });
        }
        for (kind, time) in Kind::OF_USERS.into_iter().zip(self.think.times()) {
            if !(SHORTEST_THINK..=LONGEST_THINK).contains(&time) {
                return Err(ConfigError::Think { kind, time });
            }
        }
        self.walk()?.figures().ok_or(ConfigError::ENDLESS)
    }

    /// What sessions do.
    ///
    /// # Errors
    /// As [`Funnel::checked`].
    pub(super) fn walk(&self) -> Result<Walk, ConfigError> {
        let (start, after) = self.funnel.checked()?;
        Ok(Walk { start, after, think_us: self.think.means_us().to_vec(), concurrent: self.concurrent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn think_times_have_units_and_survive_being_written() {
        let config: SessionsConfig = toml::from_str(
            "concurrent = 5\nthink = { view = \"1500ms\", review = \"2m\" }\nfunnel = { after_view = { view = 0.9 } }",
        )
        .unwrap();
        assert_eq!(config.think.view.0, Duration::from_millis(1500));
        assert_eq!(config.think.search, Think::default().search);
        assert!((config.funnel.after_view.addtocart).abs() < 1e-9);
        assert_eq!(config.funnel.after_search, Funnel::default().after_search);
        assert_eq!(toml::from_str::<SessionsConfig>(&toml::to_string(&config).unwrap()).unwrap(), config);
        let bare = toml::from_str::<SessionsConfig>("think = { view = \"20\" }").unwrap_err().to_string();
        assert!(bare.contains("\"20\" is no duration"), "{bare}");
    }

    #[test]
    fn figures_follow_from_the_settings() {
        let figures = SessionsConfig::default().figures().unwrap();
        assert!((9.5..10.5).contains(&figures.events_per_session), "{figures:?}");
        assert!((figures.shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let rate = 1_000.0 / figures.session_s * figures.events_per_session;
        assert!((figures.natural_rate_per_s - rate).abs() < 1e-6, "{figures:?}");
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let none = SessionsConfig { concurrent: 0, ..SessionsConfig::default() };
        assert_eq!(
            none.figures().unwrap_err().to_string(),
            "sessions.concurrent is 0: there must be 1 to 1000000 sessions at once"
        );
        let think = Think { filter: ThinkTime(Duration::ZERO), ..Think::default() };
        let hasty = SessionsConfig { think, ..SessionsConfig::default() };
        assert_eq!(
            hasty.figures().unwrap_err().to_string(),
            "sessions.think.filter is 0ns: a mean think time lies between 1ms and 1d"
        );
    }
}
