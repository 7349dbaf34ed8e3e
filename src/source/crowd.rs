//! Sessions, many at once: who is there, whose turn it is, and how often each type of event comes of it.
//!
//! A lane simulates its part of the sessions by events, on their own clock: sessions arrive as a Poisson process, and each takes its
//! next step after an exponential think time. The lane's event n is the n-th step in the order of that clock, so it is a
//! function of (configuration, seed, lane, lanes, n), and the steps of a session are in order. When it is *sent* is the schedule's
//! business alone: the rate sets how fast that clock runs against the real one.
//!
//! Sessions are going on already when the run starts. Exponential times have no memory, so the sessions in progress are drawn as they
//! are found at a random moment: with their next step chosen by the time that is spent waiting for it. So the mix of types
//! is right from the first event on, and the first steps of those sessions are not seen.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use rand_distr::{Distribution as _, Exp1};

use super::stream::{Purpose, Stream, below, key};
use super::weights::Picker;

/// Sessions of a single event last no time; then this stands for their length, so that their number is finite.
const SHORTEST_SESSION_S: f64 = 1e-3;

/// A session that has not surely ended after that many events never will, for a person's purposes.
pub(super) const LONGEST: u32 = 100_000;

/// What is left of a session's probability when it counts as surely ended.
const NEGLIGIBLE: f64 = 1e-12;

/// What a session does, as probabilities, and how many there are.
///
/// This is the customer behaviour model graph of Menascé, Almeida, Fonseca and Mendes ("A methodology for workload
/// characterization of e-commerce sites", ACM EC 1999), which TPC-W's transition tables are an instance of: a Markov chain over the types of
/// event, with a start and an end. How often each type comes is its expected number of visits.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Walk {
    /// How likely it starts with each type; sums to 1.
    pub(super) start: Vec<f64>,
    /// By type: how likely each type comes next. What is missing to 1 leaves.
    pub(super) after: Vec<Vec<f64>>,
    /// By type: the mean time before it, in microseconds.
    pub(super) think_us: Vec<f64>,
    /// Sessions at once, on average.
    pub(super) concurrent: u32,
}

/// What sessions come to.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionFigures {
    /// Mean number of events in a session.
    pub events_per_session: f64,
    /// Mean time from a session's first event to its last, in seconds of the sessions' own time.
    pub session_s: f64,
    /// How many events come in a second of the sessions' own time. A run at that rate plays it in real time; one at ten times
    /// that rate plays it ten times as fast.
    pub natural_rate_per_s: f64,
    /// The share of all events that each type has.
    pub shares: Vec<f64>,
}

impl Walk {
    /// Expected number of events of each type in a session; `None` for sessions that do not end.
    pub(super) fn visits(&self) -> Option<Vec<f64>> {
        let mut now = self.start.clone();
        let mut visits = vec![0.0; now.len()];
        for _ in 0..LONGEST {
            let mut next = vec![0.0; now.len()];
            for ((visits, &probability), after) in visits.iter_mut().zip(&now).zip(&self.after) {
                *visits += probability;
                for (to, step) in next.iter_mut().zip(after) {
                    *to += probability * step;
                }
            }
            if next.iter().sum::<f64>() < NEGLIGIBLE {
                return Some(visits);
            }
            now = next;
        }
        None
    }

    /// What it comes to; `None` for sessions that do not end.
    pub(super) fn figures(&self) -> Option<SessionFigures> {
        let visits = self.visits()?;
        let events: f64 = visits.iter().sum();
        let session_s = self.thinking_us(&visits).iter().sum::<f64>() / 1e6;
        Some(SessionFigures {
            events_per_session: events,
            session_s,
            natural_rate_per_s: f64::from(self.concurrent) / session_s.max(SHORTEST_SESSION_S) * events,
            shares: visits.iter().map(|visits| visits / events).collect(),
        })
    }

    /// How long a session thinks before events of each type, in microseconds, on average: its first event comes at once.
    fn thinking_us(&self, visits: &[f64]) -> Vec<f64> {
        let further = visits.iter().zip(&self.start).map(|(visits, first)| (visits - first).max(0.0));
        further.zip(&self.think_us).map(|(further, mean)| further * mean).collect()
    }
}

/// What holds for every session of a lane.
#[derive(Debug)]
pub(super) struct Rules {
    start: NextPicker,
    after: Box<[NextPicker]>,
    /// The next step of a session found in progress.
    in_progress: Option<Picker>,
    think_us: Vec<f64>,
    /// Mean time between arrivals.
    pub(super) between_us: f64,
    /// Sessions in progress when the run starts: the mean number of them.
    opening: u64,
    /// The most sessions at once: eight standard deviations above the mean. Who finds it that full turns back.
    pub(super) capacity: usize,
    /// The key of the arrivals.
    arrivals: u64,
    /// The key of the sessions.
    sessions: u64,
}

impl Rules {
    /// Those of lane `lane` of `lanes`; `None` for sessions that do not end.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most a million sessions, and a little more"
    )]
    pub(super) fn new(walk: &Walk, (lane, lanes): (u16, u16), seed: u64) -> Option<Self> {
        let thinking_us = walk.thinking_us(&walk.visits()?);
        let mean = f64::from(walk.concurrent) / f64::from(lanes);
        let session_us = thinking_us.iter().sum::<f64>().max(SHORTEST_SESSION_S * 1e6);
        // Sessions that only ever start have nobody waiting for a next step.
        let in_progress = thinking_us.iter().any(|time| *time > 0.0).then(|| Picker::new(&thinking_us));
        Some(Self {
            start: NextPicker::new(&walk.start),
            after: walk.after.iter().map(|next| NextPicker::new(next)).collect(),
            opening: if in_progress.is_some() { mean.round() as u64 } else { 0 },
            in_progress,
            think_us: walk.think_us.clone(),
            between_us: session_us / mean,
            capacity: (mean + 8.0 * mean.sqrt()).ceil() as usize + 16,
            arrivals: key(seed, Purpose::Arrivals, lane.into()),
            sessions: key(seed, Purpose::Sessions, lane.into()),
        })
    }
}

/// A session that is going on.
pub(super) trait Visit {
    /// The type that comes next.
    fn next(&self) -> usize;
    /// Goes on to another one.
    fn go_on(&mut self, next: usize);
    /// The session's own random numbers, so that what happens in it does not depend on who else is there.
    fn stream(&mut self) -> &mut Stream;
}

/// A session that begins.
pub(super) struct Arrival<'a> {
    /// Random numbers for whose it is.
    pub(super) stream: &'a mut Stream,
    /// The type of its first event.
    pub(super) first: usize,
    /// Its own random numbers.
    pub(super) own: Stream,
}

/// Who is there.
#[derive(Debug)]
pub(super) struct Crowd<V> {
    /// When each session takes its next step, in microseconds of their own time; equal times in the order of their places.
    pub(super) turns: BinaryHeap<Reverse<(u64, u32)>>,
    pub(super) visits: Vec<V>,
    /// Places in `visits` whose session has ended.
    free: Vec<u32>,
    /// How many sessions have come.
    pub(super) arrived: u64,
    /// When the next one comes, and its further random numbers.
    pub(super) next_arrival_us: u64,
    next_arrival: Stream,
}

impl<V: Visit> Crowd<V> {
    /// Who is found at a random moment; `enter` makes the session of an arrival.
    pub(super) fn opening(rules: &Rules, enter: &mut impl FnMut(Arrival<'_>) -> V) -> Self {
        let mut crowd = Self {
            turns: BinaryHeap::with_capacity(rules.capacity),
            visits: Vec::with_capacity(rules.capacity),
            free: Vec::with_capacity(rules.capacity),
            arrived: 0,
            next_arrival_us: 0,
            next_arrival: Stream::of_event(rules.arrivals, 0),
        };
        if let Some(in_progress) = &rules.in_progress {
            for _ in 0..rules.opening {
                let mut arrival = Stream::of_event(rules.arrivals, crowd.arrived);
                let next = in_progress.pick(arrival.word());
                let left_us = exponential(rules.think_us.get(next), &mut arrival);
                crowd.enter(rules, enter, &mut arrival, next, left_us);
            }
        }
        crowd.await_arrival(rules);
        crowd
    }

    /// The next step of all: what `act` makes of the session whose turn it is.
    pub(super) fn step<E>(
        &mut self,
        rules: &Rules,
        enter: &mut impl FnMut(Arrival<'_>) -> V,
        act: impl FnOnce(&mut V) -> E,
    ) -> E {
        loop {
            // With nobody there the next one is who arrives next.
            let Some(mut turn) = self.turns.peek_mut() else {
                self.arrive(rules, enter);
                continue;
            };
            let Reverse((now_us, place)) = *turn;
            if self.next_arrival_us <= now_us {
                drop(turn);
                self.arrive(rules, enter);
                continue;
            }
            let visit = &mut self.visits[place as usize];
            let event = act(visit);
            let after = rules.after.get(visit.next());
            if let Some(next) = after.and_then(|after| after.pick(visit.stream().word())) {
                visit.go_on(next);
                let think_us = exponential(rules.think_us.get(next), visit.stream());
                *turn = Reverse((now_us.saturating_add(think_us), place));
            } else {
                PeekMut::pop(turn);
                self.free.push(place);
            }
            return event;
        }
    }

    /// Draws when the next one comes.
    fn await_arrival(&mut self, rules: &Rules) {
        let mut arrival = Stream::of_event(rules.arrivals, self.arrived);
        let wait_us = exponential(Some(&rules.between_us), &mut arrival);
        self.next_arrival_us = self.next_arrival_us.saturating_add(wait_us);
        self.next_arrival = arrival;
    }

    /// Lets the next one in, who takes the first step at once.
    fn arrive(&mut self, rules: &Rules, enter: &mut impl FnMut(Arrival<'_>) -> V) {
        let mut arrival = self.next_arrival.clone();
        // A start sums to 1, so that there is a first step for every word.
        let first = rules.start.pick(arrival.word()).unwrap_or(0);
        self.enter(rules, enter, &mut arrival, first, self.next_arrival_us);
        self.await_arrival(rules);
    }

    /// A new session, whose first step comes at `at_us`.
    fn enter(
        &mut self,
        rules: &Rules,
        enter: &mut impl FnMut(Arrival<'_>) -> V,
        stream: &mut Stream,
        first: usize,
        at_us: u64,
    ) {
        let arrived = self.arrived;
        self.arrived += 1;
        if self.turns.len() >= rules.capacity {
            return;
        }
        let visit = enter(Arrival { stream, first, own: Stream::scattered(rules.sessions, arrived) });
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
fn exponential(mean_us: Option<&f64>, stream: &mut Stream) -> u64 {
    let scale: f64 = Exp1.sample(stream);
    (scale * mean_us.copied().unwrap_or(0.0)).round() as u64
}

/// Draws what comes next.
#[derive(Clone, Debug)]
pub(super) struct NextPicker {
    /// Cumulated probabilities in 2^-53.
    thresholds: Box<[u64]>,
}

impl NextPicker {
    const ONE: u64 = 1 << 53;

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "probabilities lie in 0..=1 and are scaled to 2^53"
    )]
    pub(super) fn new(probabilities: &[f64]) -> Self {
        let mut cumulated = 0.0;
        let threshold = |probability: &f64| {
            cumulated += probability;
            // A row may miss 1 by rounding; nobody leaves for that.
            if cumulated > 1.0 - 1e-9 { Self::ONE } else { (cumulated * Self::ONE as f64) as u64 }
        };
        Self { thresholds: probabilities.iter().map(threshold).collect() }
    }

    /// The type that comes next, or `None` for leaving.
    pub(super) fn pick(&self, word: u64) -> Option<usize> {
        let point = below(word, Self::ONE);
        let index: usize = self.thresholds.iter().map(|&threshold| usize::from(point >= threshold)).sum();
        (index < self.thresholds.len()).then_some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visits_are_those_of_the_geometric_distribution() {
        let walk = Walk {
            start: vec![1.0, 0.0],
            after: vec![vec![0.75, 0.0], vec![0.0; 2]],
            think_us: vec![1e6; 2],
            concurrent: 8,
        };
        let visits = walk.visits().unwrap();
        assert!((visits[0] - 4.0).abs() < 1e-9 && visits[1] < 1e-9, "{visits:?}");
        let figures = walk.figures().unwrap();
        assert!((figures.session_s - 3.0).abs() < 1e-9 && (figures.natural_rate_per_s - 8.0 / 3.0 * 4.0).abs() < 1e-9);
        let endless = Walk { after: vec![vec![1.0, 0.0], vec![0.0; 2]], ..walk };
        assert_eq!((endless.visits(), endless.figures()), (None, None));
    }

    #[test]
    fn leaving_gets_what_is_missing() {
        let picker = NextPicker::new(&[0.5, 0.0, 0.25]);
        assert_eq!(picker.pick(0), Some(0));
        assert_eq!(picker.pick(u64::MAX / 2 + 1), Some(2));
        assert_eq!(picker.pick(u64::MAX / 4 * 3 + 3), None);
        assert_eq!(picker.pick(u64::MAX), None);
        assert_eq!(NextPicker::new(&[0.1, 0.2, 0.3, 0.1, 0.2, 0.1]).pick(u64::MAX), Some(5));
    }
}
