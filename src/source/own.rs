//! Events of types that the user declares, in TOML or by a schema.
//!
//! Event n of a lane is a function of (configuration, seed, lane, lanes, n). What is drawn for an event is its type, its key and a
//! word; each of its values follows from these and from the value's place in the type, so nothing is kept for an event but that.
//! Where the keys of a type are members of a pool, lane l of L has those whose rank is l modulo L, so that all events of a key
//! are in one lane.

mod apart;
mod compile;
mod config;
mod declare;
mod error;
mod fit;
mod form;
mod generator;
mod lexicon;
mod node;
mod pattern;
mod plausible;
mod schema;
mod sessions;
mod size;
mod spread;
mod types;

use std::cell::RefCell;
use std::sync::Arc;

pub use self::config::{Config, LoadError, imports_of};
pub use self::error::OwnError;

use self::compile::KeyPool;
use self::node::{Node, Words};
use self::sessions::Sessions;
use super::crowd::{SessionFigures, Walk};
use super::lane::Drawn;
use super::population::{Population, Shape};
use super::stream::{Purpose, Stream, below, key, word_of};
use super::weights::Picker;
use crate::clock::Nanos;
use crate::event::catalogue::{EventType, TypeIndex};
use crate::wire::sink::{Sink, Values};

/// The source: what all lanes share.
#[derive(Debug)]
pub struct Own {
    types: Vec<Type>,
    /// Pools of keys, each once.
    pools: Vec<KeyPool>,
    pick: Picker,
    shares: Vec<f64>,
    /// What sessions do and come to, where events hang together.
    walk: Option<Walk>,
    figures: Option<SessionFigures>,
    seed: u64,
}

/// A type, and what its events are drawn from.
#[derive(Debug)]
struct Type {
    declared: EventType,
    node: Node,
    /// Which of the pools its keys are of.
    pool: Option<usize>,
}

/// One event as it is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    kind: TypeIndex,
    number: u64,
    /// What its values are drawn by.
    word: u64,
    session: u64,
    /// The rank of its key in the whole pool, where it has one.
    key: Option<u64>,
}

impl Event {
    /// Its type.
    #[must_use]
    pub const fn kind(&self) -> TypeIndex {
        self.kind
    }
}

impl Own {
    /// Prepares what is drawn.
    ///
    /// # Errors
    /// What is wrong with what is declared, and where.
    pub fn new(config: &Config, seed: u64) -> Result<Self, OwnError> {
        let types::All { types: made, weights, walk } = types::made(config)?;
        let (mut types, mut pools) = (Vec::new(), Vec::<KeyPool>::new());
        for types::DrawableType { declared, drawn } in made {
            let pool = drawn.pool.map(|pool| {
                pools.iter().position(|known| *known == pool).unwrap_or_else(|| {
                    pools.push(pool);
                    pools.len() - 1
                })
            });
            types.push(Type { declared, node: drawn.node, pool });
        }
        let figures = walk.as_ref().and_then(Walk::figures);
        let sum: f64 = weights.iter().sum();
        let by_weight = || weights.iter().map(|weight| weight / sum).collect();
        let shares = figures.as_ref().map_or_else(by_weight, |figures| figures.shares.clone());
        Ok(Self { types, pools, pick: Picker::new(&weights), shares, walk, figures, seed })
    }

    /// Its types, in the order of the declaration.
    #[must_use]
    pub fn event_types(&self) -> Vec<EventType> {
        self.types.iter().map(|declared| declared.declared.clone()).collect()
    }

    /// The n-th of some events of one type, for an example.
    #[must_use]
    pub fn example(&self, kind: TypeIndex, n: u64) -> Event {
        let pool = self.types.get(kind.index()).and_then(|of| of.pool).and_then(|pool| self.pools.get(pool));
        let word = word_of(key(self.seed, Purpose::Events, 0), n);
        Event { kind, number: n, word, session: word, key: pool.map(|pool| below(word, pool.count)) }
    }

    /// The share of all events that each type is expected to have, in the order of the declaration.
    #[must_use]
    pub fn expected_shares(&self) -> &[f64] {
        &self.shares
    }

    /// What sessions come to, where events hang together.
    #[must_use]
    pub const fn session_figures(&self) -> Option<&SessionFigures> {
        self.figures.as_ref()
    }

    /// Whether its keys can be divided among `lanes` lanes.
    ///
    /// # Errors
    /// A type with fewer keys than lanes.
    pub fn check_lanes(&self, lanes: u16) -> Result<(), OwnError> {
        let pool =
            |own: &&Type| own.pool.and_then(|pool| self.pools.get(pool)).is_some_and(|pool| pool.count < lanes.into());
        match self.types.iter().find(pool) {
            None => Ok(()),
            Some(few) => Err(OwnError {
                keys: vec![few.declared.name.to_string()],
                problem: format!(
                    "its keys cannot be divided among {lanes} lanes: each lane needs at least one of its own"
                ),
                hint: Some("use fewer --lanes, or a larger pool".to_owned()),
            }),
        }
    }

    /// Lane `lane` of `lanes`, at its first event.
    ///
    /// # Errors
    /// As [`Own::check_lanes`].
    pub fn lane(self: &Arc<Self>, lane: u16, lanes: u16) -> Result<Lane, OwnError> {
        self.check_lanes(lanes)?;
        let (offset, stride) = (u64::from(lane), u64::from(lanes));
        let part = |pool: &KeyPool| Population::new(&Shape::part(pool.count, offset, stride, pool.skew, None));
        let mut pools: Vec<_> = self.pools.iter().map(part).collect::<Option<_>>().unwrap_or_default();
        let sessions = match &self.walk {
            None => None,
            Some(walk) => {
                let sessions = pools.pop().and_then(|keys| Sessions::new(walk, keys, (lane, lanes), self.seed));
                let ended = OwnError { keys: Vec::new(), problem: "no session can be drawn".to_owned(), hint: None };
                Some(Box::new(sessions.ok_or(ended)?))
            }
        };
        let key = key(self.seed, Purpose::Events, offset);
        Ok(Lane { own: Arc::clone(self), pools, sessions, key, offset, stride, next: 0 })
    }
}

/// The events of one lane, in order.
#[derive(Debug)]
pub struct Lane {
    own: Arc<Own>,
    /// Its part of each pool.
    pools: Vec<Population>,
    sessions: Option<Box<Sessions>>,
    key: u64,
    offset: u64,
    stride: u64,
    next: u64,
}

impl Lane {
    /// The number in the whole run of its event `n`, counted from 0.
    pub(super) const fn number(&self, n: u64) -> u64 {
        n * self.stride + self.offset
    }

    /// The next event.
    pub fn draw(&mut self) -> Drawn<Event> {
        let n = self.next;
        self.next += 1;
        let number = self.number(n);
        let event = match &mut self.sessions {
            None => self.event(n),
            Some(sessions) => sessions.draw(number),
        };
        Drawn { number, recorded_offset: Nanos::ZERO, event }
    }

    /// Makes the lane's event `n`, counted from 0, the next one: at once where each is drawn by itself; by drawing all before it in
    /// sessions, where an event depends on those before.
    pub fn skip_to(&mut self, n: u64) {
        let (offset, stride) = (self.offset, self.stride);
        if let Some(sessions) = &mut self.sessions {
            if n < self.next {
                sessions.restart();
                self.next = 0;
            }
            for before in self.next..n {
                sessions.draw(before * stride + offset);
            }
        }
        self.next = n;
    }

    fn event(&self, n: u64) -> Event {
        let mut stream = Stream::of_event(self.key, n);
        let kind = self.own.pick.pick(stream.word());
        let word = stream.word();
        let pool = self.own.types.get(kind).and_then(|of| of.pool).and_then(|pool| self.pools.get(pool));
        let key = pool.map(|pool| pool.draw(&mut stream).rank * self.stride + self.offset);
        Event { kind: index(kind), number: self.number(n), word, session: word, key }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a catalogue has at most a thousand types")]
const fn index(kind: usize) -> TypeIndex {
    TypeIndex(kind as u16)
}

/// Where a lane's events get their values from.
#[derive(Debug)]
pub struct Teller {
    own: Arc<Own>,
    keys: u64,
    /// Where texts and bytes are put together.
    room: RefCell<(String, Vec<u8>)>,
}

impl Teller {
    /// For events of that source.
    #[must_use]
    pub fn new(own: &Arc<Own>) -> Self {
        Self { own: Arc::clone(own), keys: key(own.seed, Purpose::Keys, 0), room: RefCell::default() }
    }
}

/// An event with what it needs to be told.
#[derive(Clone, Copy, Debug)]
pub struct Telling<'a> {
    /// The event.
    pub event: &'a Event,
    /// Where its values come from.
    pub teller: &'a Teller,
    /// When it is due, in ns since the Unix epoch.
    pub due_unix_ns: u64,
}

impl Values for Telling<'_> {
    fn give(&self, sink: &mut impl Sink) {
        let Self { event, teller, due_unix_ns } = *self;
        let Some(of) = teller.own.types.get(event.kind.index()) else { return };
        let of_key = event.key.map_or(event.word, |key| word_of(teller.keys, key));
        let words = Words { event: event.word, key: of_key, session: event.session };
        let mut room = teller.room.borrow_mut();
        let (text, bytes) = &mut *room;
        let mut telling = node::Telling {
            words,
            number: event.number,
            key: event.key.unwrap_or(0),
            due_ns: i64::try_from(due_unix_ns).unwrap_or(i64::MAX),
            text,
            bytes,
        };
        of.node.give(&mut telling, &words, sink);
    }
}

#[cfg(test)]
mod tests;
