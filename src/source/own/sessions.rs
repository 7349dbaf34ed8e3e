//! Declared types in sessions (see [`crate::source::crowd`]): who comes has a key, and all events of a session are of it.

use super::super::crowd::{self, Arrival, Crowd, Rules, Walk};
use super::super::population::Population;
use super::super::stream::Stream;
use super::super::synthetic::{LONGEST_THINK, MOST_CONCURRENT, SHORTEST_THINK};
use super::Event;
use super::declare::Type;
use super::error::{Keys, OwnError};
use super::index;

/// Sessions at once where nothing is said.
const USUAL_CONCURRENT: u32 = 1_000;
/// By how much a sum of probabilities may miss 1.
const ROUNDING: f64 = 1e-9;

/// What sessions of these types do.
///
/// # Errors
/// Probabilities or times that cannot be, and where.
pub(super) fn walk(types: &[Type], concurrent: Option<u32>) -> Result<Walk, OwnError> {
    let concurrent = concurrent.unwrap_or(USUAL_CONCURRENT);
    if !(1..=MOST_CONCURRENT).contains(&concurrent) {
        let problem = format!("{concurrent} sessions: there must be 1 to {MOST_CONCURRENT} at once");
        return Err(Keys::default().at("concurrent").error(problem));
    }
    let start: Vec<f64> = types.iter().map(|of| of.step.start).collect();
    let sum: f64 = start.iter().sum();
    if (sum - 1.0).abs() > ROUNDING {
        let problem = format!("sessions start with a type of all with a probability of {sum}, and not of 1");
        return Err(Keys::default().error(problem).hint("start = 1.0 in the type that comes first"));
    }
    let after = types.iter().map(|of| after(of, types)).collect::<Result<_, _>>()?;
    let think_us = types.iter().map(think_us).collect::<Result<_, _>>()?;
    let walk = Walk { start, after, think_us, concurrent };
    match walk.visits() {
        Some(_) => Ok(walk),
        None => Err(Keys::default().error("sessions do not end: let some leave, by a `next` that sums to less than 1")),
    }
}

fn after(of: &Type, types: &[Type]) -> Result<Vec<f64>, OwnError> {
    let keys = of.keys.at("next");
    if let Some((name, _)) = of.step.next.iter().find(|(name, _)| types.iter().all(|known| known.name != *name)) {
        return Err(keys.at(name).error(format!("\"{name}\" is no event type")));
    }
    let sum: f64 = of.step.next.iter().map(|(_, probability)| probability).sum();
    if sum > 1.0 + ROUNDING {
        return Err(keys.error(format!("what comes next sums to {sum}: at most 1, the rest leave")));
    }
    let next =
        |to: &Type| of.step.next.iter().find(|(name, _)| *name == to.name).map_or(0.0, |(_, probability)| *probability);
    Ok(types.iter().map(next).collect())
}

fn think_us(of: &Type) -> Result<f64, OwnError> {
    let think = of.step.think;
    if (SHORTEST_THINK..=LONGEST_THINK).contains(&think) {
        return Ok(think.as_secs_f64() * 1e6);
    }
    Err(of.keys.at("think").error(format!("{think:?} is no mean think time: it lies between 1ms and 1d")))
}

/// The sessions of one lane.
#[derive(Debug)]
pub(super) struct Sessions {
    guests: Guests,
    rules: Rules,
    crowd: Crowd<Visit>,
}

/// Whose sessions they are: a lane's part of a pool of keys.
#[derive(Debug)]
struct Guests {
    keys: Population,
    offset: u64,
    stride: u64,
}

/// A session that is going on.
#[derive(Debug)]
struct Visit {
    key: u64,
    word: u64,
    next: usize,
    stream: Stream,
}

impl crowd::Visit for Visit {
    fn next(&self) -> usize {
        self.next
    }

    fn go_on(&mut self, next: usize) {
        self.next = next;
    }

    fn stream(&mut self) -> &mut Stream {
        &mut self.stream
    }
}

impl Guests {
    fn enter(&self, Arrival { stream, first, mut own }: Arrival<'_>) -> Visit {
        let key = self.keys.draw(stream).rank * self.stride + self.offset;
        Visit { key, word: own.word(), next: first, stream: own }
    }
}

impl Sessions {
    /// Those of lane `lane` of `lanes`; `None` for sessions that do not end.
    pub(super) fn new(walk: &Walk, keys: Population, (lane, lanes): (u16, u16), seed: u64) -> Option<Self> {
        let rules = Rules::new(walk, (lane, lanes), seed)?;
        let guests = Guests { keys, offset: lane.into(), stride: lanes.into() };
        let crowd = Crowd::opening(&rules, &mut |arrival| guests.enter(arrival));
        Some(Self { guests, rules, crowd })
    }

    /// Goes back to the first event.
    pub(super) fn restart(&mut self) {
        let Self { guests, rules, crowd } = self;
        *crowd = Crowd::opening(rules, &mut |arrival| guests.enter(arrival));
    }

    /// The next event; `number` is its number in the whole run.
    pub(super) fn draw(&mut self, number: u64) -> Event {
        let Self { guests, rules, crowd } = self;
        crowd.step(rules, &mut |arrival| guests.enter(arrival), |visit| {
            let word = visit.stream.word();
            Event { kind: index(visit.next), number, word, session: visit.word, key: Some(visit.key) }
        })
    }
}
