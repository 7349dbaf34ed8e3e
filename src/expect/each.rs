//! One result for each event: which of them came, how often, and how long after.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};

use super::class::{Class, Mismatch, Tally};
use super::explain::{EachTrace, Trace};
use super::fold::{Ending, Event};
use super::range::What;
use super::scores::{Scored, Scores};
use crate::report::ExpectReport;

/// Events whose result was seen that are kept, for a second one that may come.
const KEPT: usize = 1_000_000;
/// Letters of ids that are told.
const TOLD: usize = 36;

/// Ids that are kept as 128 bits: UUIDs as they are, others hashed.
type Id = u128;

/// What is known of one id.
#[derive(Clone, Copy, Debug, Default)]
struct Pair {
    /// Event time of the event, in ms; `None` where only a result is known.
    due: Option<i64>,
    /// The partition and offset of the event.
    place: (u32, i64),
    is_own: bool,
    times: u32,
    first_at: i64,
    /// What was seen first; 0 where results are no scores.
    score: f64,
}

/// All events that are to have a result.
#[derive(Debug, Default)]
pub(super) struct Each {
    pairs: HashMap<Id, Pair>,
    /// Their ids in the order in which they came.
    order: VecDeque<Id>,
    hashers: [RandomState; 2],
    tally: Tally,
    trace: EachTrace,
    is_timed: bool,
    unseen: u64,
    /// What they are worth, where they are scores.
    scores: Option<Box<Scores>>,
}

impl Each {
    pub(super) fn new(is_timed: bool, scores: Option<Scores>) -> Self {
        Self { is_timed, scores: scores.map(Box::new), ..Self::default() }
    }

    /// The scores, where they are some.
    pub(super) fn scores(&mut self) -> Option<&mut Scores> {
        self.scores.as_deref_mut()
    }

    pub(super) fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    fn id(&self, text: &[u8]) -> Id {
        if let Ok(id) = uuid::Uuid::try_parse_ascii(text) {
            return id.as_u128();
        }
        let [high, low] = &self.hashers;
        u128::from(high.hash_one(text)) << 64 | u128::from(low.hash_one(text))
    }

    fn pair(&mut self, text: &[u8]) -> &mut Pair {
        let id = self.id(text);
        if !self.pairs.contains_key(&id) {
            self.order.push_back(id);
            self.forget();
        }
        self.pairs.entry(id).or_default()
    }

    /// Takes an event of the input.
    pub(super) fn take(&mut self, Event { partition, offset, ts, key, is_own, .. }: Event<'_>) {
        let code = self.id(key);
        let is_own = is_own && self.scores.as_ref().is_none_or(|scores| scores.is_of_run(code));
        let pair = self.pair(key);
        // A copy of an event has the same id: what it asks for is asked for already.
        let is_new = pair.due.replace(ts).is_none();
        if is_new {
            pair.place = (u32::try_from(partition).unwrap_or(u32::MAX), offset);
        }
        pair.is_own |= is_own;
        let is_awaited = is_new && is_own && pair.times == 0;
        self.unseen += u64::from(is_awaited);
    }

    /// Takes a record of the output.
    pub(super) fn see(&mut self, id: &[u8], score: f64, at: i64) {
        let pair = self.pair(id);
        if pair.times == 0 {
            (pair.first_at, pair.score) = (at, score);
        }
        pair.times += 1;
        let was_awaited = pair.times == 1 && pair.is_own;
        self.unseen -= u64::from(was_awaited);
    }

    /// Counts and forgets what is long known, where there is more of it than is kept.
    fn forget(&mut self) {
        // Two at a time, so that what is still waited for, and goes to the back, keeps nothing else from being forgotten.
        for _ in 0..2 {
            if self.order.len() <= KEPT {
                return;
            }
            let Some(id) = self.order.pop_front() else { return };
            match self.pairs.get(&id) {
                Some(pair) if pair.due.is_none() || (pair.is_own && pair.times == 0) => self.order.push_back(id),
                Some(pair) => {
                    let pair = *pair;
                    self.pairs.remove(&id);
                    self.count(id, pair, Ending { at: 0, unknown: None, is_timed: self.is_timed });
                }
                None => {}
            }
        }
    }

    pub(super) const fn is_settled(&self) -> bool {
        self.unseen == 0
    }

    /// Judges what is left, and says what is to be traced to the input.
    pub(super) fn end(mut self, ending: Ending<'_>) -> (ExpectReport, Option<Trace>) {
        let pairs = std::mem::take(&mut self.pairs);
        for id in std::mem::take(&mut self.order) {
            if let Some(pair) = pairs.get(&id) {
                self.count(id, *pair, ending);
            }
        }
        let scores = self.scores.map(|scores| scores.end(ending));
        let trace = Some(self.trace).filter(|trace| trace.is_worth_it() && ending.unknown.is_none());
        let report = ExpectReport { scores, ..self.tally.into_report(ending.unknown, self.is_timed) };
        (report, trace.map(Trace::Each))
    }

    fn count(&mut self, id: Id, pair: Pair, ending: Ending<'_>) {
        let key = uuid::Uuid::from_u128(id).to_string();
        let got = (pair.times > 0).then(|| format!("{} times", pair.times));
        let told = |expected: &str| {
            Mismatch { key: &key.as_bytes()[..TOLD], start_ms: None, got, expected: expected.to_owned() }.into()
        };
        let Some(due) = pair.due else {
            if ending.unknown.is_none() {
                self.tally.count_unexpected(|| told("none"));
            }
            return;
        };
        if !pair.is_own {
            return;
        }
        let class = match pair.times {
            0 if ending.unknown.is_some() => Class::Undecided,
            0 => Class::Missing,
            1 => Class::Right,
            _ => Class::Twice,
        };
        if let Some(scores) = self.scores.as_mut().filter(|_| class != Class::Undecided) {
            let first = (pair.times > 0).then_some((pair.score, pair.first_at));
            scores.take(Scored { id, due, first, is_single: class == Class::Right });
        }
        match class {
            Class::Missing => self.trace.is_bad(pair.place, What::Lost),
            Class::Twice => self.trace.is_bad(pair.place, What::Twice),
            _ => {}
        }
        if ending.is_timed {
            match class {
                Class::Missing | Class::Undecided => self.tally.waited(ending.at - due),
                _ => self.tally.seen_after(pair.first_at - due),
            }
        }
        self.tally.count(class, || told("once"));
    }
}
