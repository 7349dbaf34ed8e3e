//! The sessions model: users arrive, browse, search, buy, rate and leave, many at once (see [`crate::source::crowd`]).
//!
//! What happens inside the k-th session of a lane is a function of (seed, lane, k): it has random numbers of its own.

mod config;
mod funnel;
mod visit;
mod written;

use std::sync::Arc;

pub use self::config::{
    LONGEST_THINK, MOST_CONCURRENT, MOST_SESSION_USERS, SHORTEST_THINK, SessionsConfig, Think, ThinkTime,
};
pub use self::funnel::{Funnel, Next};
pub use self::written::{FunnelRow, NotARow, NotThinkTimes, ThinkTimes};

use self::visit::Visit;
use super::super::crowd::{Arrival, Crowd, Rules};
use super::super::lane::LaneId;
use super::super::population::Population;
use super::{ConfigError, Synthetic};
use crate::shop::{Event, Kind, Session};

/// The sessions of one lane.
#[derive(Debug)]
pub(super) struct Sessions {
    synthetic: Arc<Synthetic>,
    guests: Guests,
    rules: Rules,
    crowd: Crowd<Visit>,
}

/// Whose sessions they are.
#[derive(Debug)]
struct Guests {
    users: Population,
    id: LaneId,
    /// How many users the lane has.
    members: u64,
    /// How many sessions each user has had; the last place is for a hot user from beyond the population.
    ordinals: Vec<u32>,
}

impl Guests {
    fn new(users: Population, members: u64, id: LaneId) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "at most 100 million users")]
        let ordinals = vec![0; members as usize + 1];
        Self { users, id, members, ordinals }
    }

    /// The last session that a user began.
    #[expect(clippy::cast_possible_truncation, reason = "at most 100 million users")]
    fn latest(&self, rank: u64) -> Session {
        Session(self.ordinals[rank.min(self.members) as usize].saturating_sub(1))
    }

    /// A new session of a user by activity.
    fn enter(&mut self, Arrival { stream, first, own }: Arrival<'_>) -> Visit {
        let rank = self.users.draw(stream).rank;
        #[expect(clippy::cast_possible_truncation, reason = "at most 100 million users")]
        let ordinal = &mut self.ordinals[rank.min(self.members) as usize];
        let session = Session(*ordinal);
        *ordinal = ordinal.wrapping_add(1);
        Visit::new(self.id.user(rank), session, Kind::OF_USERS.get(first).copied().unwrap_or(Kind::View), own)
    }
}

impl Sessions {
    pub(super) fn new(
        synthetic: Arc<Synthetic>,
        config: &SessionsConfig,
        users: Population,
        members: u64,
        id: LaneId,
        seed: u64,
    ) -> Result<Self, ConfigError> {
        let rules = Rules::new(&config.walk()?, (id.lane, id.lanes), seed).ok_or(ConfigError::ENDLESS)?;
        let mut guests = Guests::new(users, members, id);
        let crowd = Crowd::opening(&rules, &mut |arrival| guests.enter(arrival));
        Ok(Self { synthetic, guests, rules, crowd })
    }

    /// Goes back to the first event.
    pub(super) fn restart(&mut self) {
        let Self { guests, rules, crowd, .. } = self;
        guests.ordinals.fill(0);
        *crowd = Crowd::opening(rules, &mut |arrival| guests.enter(arrival));
    }

    /// The last session that the user of that rank began.
    pub(super) fn latest(&self, rank: u64) -> Session {
        self.guests.latest(rank)
    }

    /// The next event; `number` is its number in the whole run.
    pub(super) fn draw(&mut self, number: u64) -> Event {
        let Self { synthetic, guests, rules, crowd } = self;
        crowd.step(rules, &mut |arrival| guests.enter(arrival), |visit| {
            visit.act(&synthetic.shop, &synthetic.aisles, number)
        })
    }
}

#[cfg(test)]
mod tests;
