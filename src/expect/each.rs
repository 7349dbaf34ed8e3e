//! One result for each event: which of them came, how often, and how long after.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};

use super::class::{Class, Ending, Mismatch, Tally};
use super::explain::{EachTrace, Trace};
use super::outcome::Outcome;
use super::range::What;
use super::scores::{Scored, Scores};
use super::source::Event;
use super::spill::{OutputRecord, Spill, SpilledEntry};
use crate::event::stamp::Stamp;
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
    /// When the event was due, in ms; `None` where only a result is known.
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
    /// How many of them are kept where they are not waited for.
    most: usize,
    hashers: [RandomState; 2],
    tally: Tally,
    trace: EachTrace,
    is_timed: bool,
    /// The tag of the run's ids.
    tag: Option<u16>,
    /// Events of the run, those of them without a result, and those with more than one.
    own: u64,
    unseen: u64,
    doubled: u64,
    /// What they are worth, where they are scores.
    scores: Option<Box<Scores>>,
}

impl Each {
    pub(super) fn new(is_timed: bool, tag: Option<u16>, scores: Option<Scores>) -> Self {
        Self { most: KEPT, is_timed, tag, scores: scores.map(Box::new), ..Self::default() }
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

    fn pair(&mut self, id: Id) -> &mut Pair {
        if !self.pairs.contains_key(&id) {
            self.order.push_back(id);
            self.forget();
        }
        self.pairs.entry(id).or_default()
    }

    /// Takes an event of the input.
    pub(super) fn take(&mut self, event: Event<'_>) {
        let code = self.id(event.key);
        self.add(code, event);
    }

    /// Keeps an event on the disk.
    pub(super) fn spill_event(&self, spill: &mut Spill, event: Event<'_>) {
        spill.event(Event { key: &self.id(event.key).to_be_bytes(), ..event }, 0);
    }

    /// Keeps a result on the disk.
    pub(super) fn spill_came(&self, spill: &mut Spill, came: OutputRecord<'_>) {
        spill.came(&OutputRecord { key: &self.id(came.key).to_be_bytes(), ..came });
    }

    /// About how much is in memory.
    pub(super) fn weight(&self) -> usize {
        self.pairs.len()
    }

    fn add(&mut self, code: Id, Event { partition, offset, ts, is_own, .. }: Event<'_>) {
        // Events that are late on purpose have a time that lies behind: the id that a run gives has the due time.
        let of_run = Stamp::from_bits(code).filter(|stamp| is_own && self.tag.is_some_and(|tag| tag == stamp.tag));
        let ts = of_run.and_then(|stamp| i64::try_from(stamp.due.unix_ns() / 1_000_000).ok()).unwrap_or(ts);
        let is_own = is_own && self.scores.as_ref().is_none_or(|scores| scores.is_of_run(code));
        let pair = self.pair(code);
        // A copy of an event has the same id: what it asks for is asked for already.
        let is_new = pair.due.replace(ts).is_none();
        if is_new {
            pair.place = (u32::try_from(partition).unwrap_or(u32::MAX), offset);
        }
        pair.is_own |= is_own;
        if is_new && is_own {
            let Pair { times, first_at, .. } = *pair;
            self.own += 1;
            self.unseen += u64::from(times == 0);
            self.doubled += u64::from(times > 1);
            if times > 0 {
                self.time(first_at - ts);
            }
        }
    }

    fn time(&mut self, ms: i64) {
        if self.is_timed {
            self.tally.seen_after(ms);
        }
    }

    /// Takes a record of the output.
    pub(super) fn see(&mut self, OutputRecord { key, outcome, at, .. }: OutputRecord<'_>) {
        self.saw(self.id(key), &outcome, at);
    }

    fn saw(&mut self, id: Id, outcome: &Outcome, at: i64) {
        let score = if let Outcome::Score(score) = outcome { *score } else { 0.0 };
        let pair = self.pair(id);
        if pair.times == 0 {
            (pair.first_at, pair.score) = (at, score);
        }
        pair.times += 1;
        let Pair { times, due, is_own, .. } = *pair;
        if let Some(due) = due.filter(|_| is_own) {
            self.unseen -= u64::from(times == 1);
            self.doubled += u64::from(times == 2);
            if times == 1 {
                self.time(at - due);
            }
        }
    }

    /// What is known by now. How good scores are is told at the end.
    pub(super) fn so_far(&self) -> ExpectReport {
        let Self { own, unseen, doubled, is_timed, .. } = *self;
        let counted = self.tally.counts().into_report(None, is_timed);
        let right = own - unseen - doubled;
        ExpectReport { expected: own, right, twice: doubled, open: unseen, missing: 0, unexpected: 0, ..counted }
    }

    /// Counts and forgets what is long known, where there is more of it than is kept.
    fn forget(&mut self) {
        // Two at a time, so that what is still waited for, and goes to the back, keeps nothing else from being forgotten.
        for _ in 0..2 {
            if self.order.len() <= self.most {
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
    pub(super) fn end(mut self, ending: Ending<'_>, spill: Option<Spill>) -> (ExpectReport, Option<Trace>) {
        let mut failed = None;
        if let Some(mut spill) = spill {
            let bytes = |id: &Id| -> Box<[u8]> { Box::from(id.to_be_bytes()) };
            // All of a part is judged before it is let go of.
            self.most = usize::MAX;
            for (part, pairs) in spill.parted(std::mem::take(&mut self.pairs), bytes).into_iter().enumerate() {
                self.order = pairs.keys().copied().collect();
                self.pairs = pairs;
                let id = |key: &[u8]| key.try_into().map(Id::from_be_bytes).unwrap_or_default();
                spill.tell(part, |told| match told {
                    SpilledEntry::Event(event, _) => self.add(id(event.key), event),
                    SpilledEntry::OutputRecord(came) => self.saw(id(came.key), &came.outcome, came.at),
                });
                failed = spill.failed();
                self.order.make_contiguous().sort_unstable();
                self.judge(Ending { unknown: ending.unknown.or(failed.as_deref()), ..ending });
            }
        }
        self.judge(ending);
        let unknown = ending.unknown.or(failed.as_deref());
        let scores = self.scores.map(|scores| scores.end(ending));
        let trace = Some(self.trace).filter(|trace| trace.is_worth_it() && unknown.is_none());
        let report = ExpectReport { scores, ..self.tally.into_report(unknown, self.is_timed) };
        (report, trace.map(Trace::Each))
    }

    fn judge(&mut self, ending: Ending<'_>) {
        let pairs = std::mem::take(&mut self.pairs);
        for id in std::mem::take(&mut self.order) {
            if let Some(pair) = pairs.get(&id) {
                self.count(id, *pair, ending);
            }
        }
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
            // What came was timed when it did.
            if pair.times == 0 {
                self.tally.waited(ending.at - due);
            }
        }
        self.tally.count(class, || told("once"));
    }
}
