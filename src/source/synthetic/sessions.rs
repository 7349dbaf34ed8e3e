//! The sessions model: users arrive, browse, search, buy, rate and leave, many at once.
//!
//! A lane simulates its part of the shop by events, on the shop's own clock: sessions arrive as a Poisson process, and each takes its
//! next step after an exponential think time. The lane's event n is the n-th step in the order of that clock, so it is a
//! function of (configuration, seed, lane, lanes, n), and the steps of a session are in order. When it is *sent* is the schedule's
//! business alone: the rate sets how fast the shop's clock runs against the real one.
//!
//! What happens inside the k-th session of a lane is a function of (seed, lane, k): it has random numbers of its own.
//!
//! The shop is open already when the run starts. Exponential times have no memory, so the sessions in progress are drawn as they
//! are found at a random moment: with their next step chosen by the time that is spent waiting for it. So the mix of types
//! is right from the first event on, and the first steps of those sessions are not seen.

mod config;
mod funnel;
mod visit;
mod written;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::sync::Arc;

use rand_distr::{Distribution as _, Exp1};

pub use self::config::{MOST_CONCURRENT, MOST_SESSION_USERS, SessionFigures, SessionsConfig, Think, ThinkTime};
pub use self::funnel::{Funnel, Next};
pub use self::written::{FunnelRow, NotARow, NotThinkTimes, ThinkTimes};

use self::funnel::NextPicker;
use self::visit::Visit;
use super::super::population::Population;
use super::super::stream::{Purpose, Stream, key};
use super::weights::KindPicker;
use super::{ConfigError, LaneId, Synthetic, Weights};
use crate::shop::{Event, Kind, Session};

/// Sessions of a single event last no time; then this stands for their length, so that their number is finite.
const SHORTEST_SESSION_S: f64 = 1e-3;

/// The sessions of one lane.
#[derive(Debug)]
pub(super) struct Sessions {
    synthetic: Arc<Synthetic>,
    users: Population,
    id: LaneId,
    rules: Rules,
    crowd: Crowd,
}

/// What holds for every session of the lane.
#[derive(Debug)]
struct Rules {
    start: NextPicker,
    after: [NextPicker; Kind::USERS_COUNT],
    /// The next step of a session found in progress.
    in_progress: Option<KindPicker>,
    think_us: [f64; Kind::USERS_COUNT],
    /// Mean time between arrivals.
    between_us: f64,
    /// Sessions in progress when the run starts: the mean number of them.
    opening: u64,
    /// The most sessions at once: eight standard deviations above the mean. Who finds the shop that full turns back.
    capacity: usize,
    /// How many users the lane has.
    members: u64,
    /// The key of the arrivals.
    arrivals: u64,
    /// The key of the sessions.
    sessions: u64,
}

/// Who is in the shop.
#[derive(Debug)]
struct Crowd {
    /// When each session takes its next step, in microseconds of the shop's time; equal times in the order of their places.
    turns: BinaryHeap<Reverse<(u64, u32)>>,
    visits: Vec<Visit>,
    /// Places in `visits` whose session has ended.
    free: Vec<u32>,
    /// How many sessions each user has had; the last place is for a hot user from beyond the population.
    ordinals: Vec<u32>,
    /// How many sessions have come.
    arrived: u64,
    /// When the next one comes, and its further random numbers.
    next_arrival_us: u64,
    next_arrival: Stream,
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
        let rules = Rules::new(config, members, id, seed)?;
        let crowd = Crowd::opening(&rules, &users, id);
        Ok(Self { synthetic, users, id, rules, crowd })
    }

    /// Goes back to the first event.
    pub(super) fn restart(&mut self) {
        self.crowd = Crowd::opening(&self.rules, &self.users, self.id);
    }

    /// The next event; `number` is its number in the whole run.
    pub(super) fn draw(&mut self, number: u64) -> Event {
        let Self { synthetic, users, id, rules, crowd } = self;
        loop {
            // With nobody there the next one is who arrives next.
            let Some(mut turn) = crowd.turns.peek_mut() else {
                crowd.arrive(rules, users, *id);
                continue;
            };
            let Reverse((now_us, place)) = *turn;
            if crowd.next_arrival_us <= now_us {
                drop(turn);
                crowd.arrive(rules, users, *id);
                continue;
            }
            let visit = &mut crowd.visits[place as usize];
            let event = visit.act(&synthetic.shop, &synthetic.aisles, number);
            if let Some(next) = rules.after[visit.next.index()].pick(visit.stream.word()) {
                visit.next = next;
                let think_us = exponential(rules.think_us[next.index()], &mut visit.stream);
                *turn = Reverse((now_us.saturating_add(think_us), place));
            } else {
                PeekMut::pop(turn);
                crowd.free.push(place);
            }
            return event;
        }
    }
}

impl Rules {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most a million sessions, and a little more"
    )]
    fn new(config: &SessionsConfig, members: u64, id: LaneId, seed: u64) -> Result<Self, ConfigError> {
        let thinking_us = config.thinking_us()?;
        let mean = f64::from(config.concurrent) / f64::from(id.lanes);
        let session_us = thinking_us.iter().sum::<f64>().max(SHORTEST_SESSION_S * 1e6);
        let lane = u64::from(id.lane);
        // Sessions that only ever start have nobody waiting for a next step.
        let in_progress = Weights::new(thinking_us).ok().map(|weights| KindPicker::new(&weights));
        Ok(Self {
            start: NextPicker::new(&config.funnel.start),
            after: config.funnel.after(),
            opening: if in_progress.is_some() { mean.round() as u64 } else { 0 },
            in_progress,
            think_us: config.think.means_us(),
            between_us: session_us / mean,
            capacity: (mean + 8.0 * mean.sqrt()).ceil() as usize + 16,
            members,
            arrivals: key(seed, Purpose::Arrivals, lane),
            sessions: key(seed, Purpose::Sessions, lane),
        })
    }
}

impl Crowd {
    /// The shop as it is found at a random moment.
    fn opening(rules: &Rules, users: &Population, id: LaneId) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "at most 100 million users")]
        let ordinals = vec![0; rules.members as usize + 1];
        let mut crowd = Self {
            turns: BinaryHeap::with_capacity(rules.capacity),
            visits: Vec::with_capacity(rules.capacity),
            free: Vec::with_capacity(rules.capacity),
            ordinals,
            arrived: 0,
            next_arrival_us: 0,
            next_arrival: Stream::of_event(rules.arrivals, 0),
        };
        if let Some(in_progress) = &rules.in_progress {
            for _ in 0..rules.opening {
                let mut arrival = Stream::of_event(rules.arrivals, crowd.arrived);
                let next = in_progress.pick(arrival.word());
                let left_us = exponential(rules.think_us[next.index()], &mut arrival);
                crowd.enter(rules, users, id, &mut arrival, next, left_us);
            }
        }
        crowd.await_arrival(rules);
        crowd
    }

    /// Draws when the next user comes.
    fn await_arrival(&mut self, rules: &Rules) {
        let mut arrival = Stream::of_event(rules.arrivals, self.arrived);
        let wait_us = exponential(rules.between_us, &mut arrival);
        self.next_arrival_us = self.next_arrival_us.saturating_add(wait_us);
        self.next_arrival = arrival;
    }

    /// Lets the next user in, who takes the first step at once.
    fn arrive(&mut self, rules: &Rules, users: &Population, id: LaneId) {
        let mut arrival = self.next_arrival.clone();
        // A start sums to 1, so that there is a first step for every word.
        let first = rules.start.pick(arrival.word()).unwrap_or(Kind::View);
        self.enter(rules, users, id, &mut arrival, first, self.next_arrival_us);
        self.await_arrival(rules);
    }

    /// A new session of a user by activity, whose first step comes at `at_us`.
    fn enter(&mut self, rules: &Rules, users: &Population, id: LaneId, arrival: &mut Stream, first: Kind, at_us: u64) {
        let arrived = self.arrived;
        self.arrived += 1;
        if self.turns.len() >= rules.capacity {
            return;
        }
        let rank = users.draw(arrival).rank;
        #[expect(clippy::cast_possible_truncation, reason = "at most 100 million users")]
        let ordinal = &mut self.ordinals[rank.min(rules.members) as usize];
        let session = Session(*ordinal);
        *ordinal = ordinal.wrapping_add(1);
        let visit = Visit::new(id.user(rank), session, first, Stream::scattered(rules.sessions, arrived));
        let place = if let Some(place) = self.free.pop() {
            self.visits[place as usize] = visit;
            place
        } else {
            self.visits.push(visit);
            #[expect(clippy::cast_possible_truncation, reason = "at most a little more than a million sessions")]
            let last = (self.visits.len() - 1) as u32;
            last
        };
        self.turns.push(Reverse((at_us, place)));
    }
}

/// An exponentially distributed time of that mean, in whole microseconds: what a last bit of a logarithm may differ by
/// between machines is rounded away.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a non-negative time, saturating")]
fn exponential(mean_us: f64, stream: &mut Stream) -> u64 {
    let scale: f64 = Exp1.sample(stream);
    (scale * mean_us).round() as u64
}

#[cfg(test)]
mod tests;
