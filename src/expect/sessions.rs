//! Sessions of each key: what they add up to, what came out, and what became of each.
//!
//! A session is what events of a key are that lie no further than a gap from one another, and it has closed when stream time lies beyond its
//! last event by more than gap and grace. As Kafka Streams has it, an event is dropped where the session that it would be in has closed
//! with it, and an event that comes later than the grace may find a session closed that it would have been a part of: whether the two are
//! one then depends on how long the processor keeps what has closed, so both are taken for right.
//!
//! An event that is not later than the grace is in one session with each such event within the gap, in whatever order they come.
//! Behind a repartition nobody knows of the others whether they are in it: a session may be one of several then.

mod judge;
mod piece;

use super::by_key::{Adding, ByKey, KEPT, OfTask};
use super::class::{Ending, Tally};
use super::declare::{Added, Emit, Gap, Kind};
use super::explain::Trace;
use super::outcome::Outcome;
use super::source::Event;
use super::spill::{OutputRecord, Spill};
use super::total::Total;
use crate::report::ExpectReport;
use judge::Judge;
use piece::{Fate, Piece, Session};

/// All sessions of all keys.
#[derive(Debug)]
pub(super) struct Sessions {
    of: ByKey<Key>,
    gap: Gap,
}

/// What is known of a key.
#[derive(Debug, Default)]
pub(in crate::expect) struct Key {
    task: usize,
    /// In the order of their ends.
    sessions: Vec<Session>,
    /// Events that came too late, by the order of their own partition.
    late: Vec<Piece>,
    seen: Vec<Emission>,
}

/// How events are added.
#[derive(Clone, Copy)]
struct Rule {
    kind: Kind,
    gap: Gap,
    /// Without a repartition a partition's order is the task's; with one, nobody knows yet what has closed.
    is_exact: bool,
}

/// A session that came out.
#[derive(Clone, Debug)]
struct Emission {
    start: i64,
    end: i64,
    times: u64,
    first_at: i64,
    last: Outcome,
}

impl OfTask for Key {
    fn of(task: usize) -> Self {
        Self { task, ..Self::default() }
    }

    fn task(&self) -> usize {
        self.task
    }
}

impl Sessions {
    pub(super) fn new(added: Added, gap: Gap, partitions: usize) -> Self {
        Self { of: ByKey::new(added, true, partitions), gap }
    }

    pub(super) fn tally(&mut self) -> &mut Tally {
        &mut self.of.tally
    }

    pub(super) const fn emit(&self) -> Emit {
        self.of.added.emit
    }

    const fn is_final(&self) -> bool {
        matches!(self.of.added.emit, Emit::Final)
    }

    const fn judging(&self) -> Judge<'_> {
        Judge { added: &self.of.added, gap: self.gap, times: &self.of.times, own: self.of.own }
    }

    /// Takes an event of the input.
    pub(super) fn take(&mut self, event: Event<'_>) {
        let gap = self.gap;
        self.of.take(event, |added, key, most| key.add(Rule::of(added, gap), event, most));
    }

    /// An event came that is added later; returns the largest time that its partition has brought to its task.
    pub(super) fn note(&mut self, event: Event<'_>) -> i64 {
        self.of.note(event)
    }

    /// About how much is in memory.
    pub(super) fn weight(&self) -> usize {
        self.of.keys.values().map(Key::weight).sum()
    }

    /// The event time at which the last session of the run closes; `None` where none is written when it closes.
    pub(super) fn closes_at(&self) -> Option<i64> {
        self.of.own.last.filter(|_| self.is_final()).map(|last| self.gap.closes(last))
    }

    /// Counts and forgets sessions of which all is long known, with the input read up to that event time.
    pub(super) fn tidy(&mut self, read_to: i64) {
        let before = read_to.saturating_sub(KEPT);
        let gap = self.gap;
        let ByKey { keys, added, times, tally, own, .. } = &mut self.of;
        let judge = Judge { added, gap, times, own: *own };
        keys.retain(|name, key| {
            if let Some(over) = key.over(gap, before) {
                if judge.lacks(&over) {
                    key.put_back(over);
                } else {
                    judge.count(tally, name, &over, Ending { at: 0, unknown: None, is_timed: true });
                }
            }
            !key.is_empty()
        });
        self.of.times.forget_before(before.saturating_sub(2 * (gap.gap + gap.grace)));
    }

    /// Whether nothing is waited for.
    pub(super) fn is_settled(&self) -> bool {
        let judge = self.judging();
        self.of.keys.values().all(|key| !judge.waits(key))
    }

    /// What is known by now.
    pub(super) fn so_far(&self, at: i64, is_timed: bool) -> ExpectReport {
        let judge = self.judging();
        let mut tally = self.of.tally.counts();
        self.of.keys.values().for_each(|key| judge.so_far(&mut tally, key, at, is_timed));
        tally.counts().into_report(None, is_timed && self.is_final())
    }

    /// Judges what is left.
    pub(super) fn end(mut self, ending: Ending<'_>, spill: Option<Spill>) -> (ExpectReport, Option<Trace>) {
        let failed = self.judge_all(ending, spill);
        let is_timed = ending.is_timed && self.is_final();
        (self.of.tally.into_report(ending.unknown.or(failed.as_deref()), is_timed), None)
    }
}

impl Adding for Sessions {
    type Key = Key;

    fn by_key(&mut self) -> &mut ByKey<Key> {
        &mut self.of
    }

    fn add(&mut self, event: Event<'_>, most: i64) {
        let gap = self.gap;
        if let Some((added, key)) = self.of.known(event.key, event.partition) {
            key.add(Rule::of(added, gap), event, most);
        }
    }

    /// The value of a session, by its first and its last event.
    fn see(&mut self, OutputRecord { key, span: (start, end), outcome, at }: OutputRecord<'_>) {
        let Some((_, key)) = self.of.known(key, 0) else { return };
        match key.seen.iter_mut().find(|seen| (seen.start, seen.end) == (start, end)) {
            Some(seen) => (seen.times, seen.last) = (seen.times + 1, outcome),
            None => key.seen.push(Emission { start, end, times: 1, first_at: at, last: outcome }),
        }
    }

    fn judge(&mut self, ending: Ending<'_>) {
        let mut tally = std::mem::take(&mut self.of.tally);
        let judge = self.judging();
        for (name, key) in self.of.sorted() {
            judge.count(&mut tally, name, key, ending);
        }
        self.of.tally = tally;
    }
}

impl Rule {
    const fn of(added: &Added, gap: Gap) -> Self {
        Self { kind: added.value.kind(), gap, is_exact: added.apart_ms.is_none() }
    }
}

impl Key {
    /// Adds an event, `most` being the largest time that its partition has brought to the task.
    fn add(&mut self, Rule { kind, gap, is_exact }: Rule, event: Event<'_>, most: i64) {
        let Event { ts, at, .. } = event;
        let mut total = Total::default();
        total.add(kind, event);
        let has_closed = |end: i64| is_exact && gap.closes(end) <= most;
        let is_near = |session: &Session| session.end() >= ts - gap.gap && session.start() <= ts + gap.gap;
        let is_joined = |session: &Session| is_near(session) && !has_closed(session.end());
        let end = self.sessions.iter().filter(|session| is_joined(session)).map(Session::end).fold(ts, i64::max);
        // What only hangs on a session that had closed is in it where the processor still had that.
        let surely = self.sessions.iter().filter(|session| is_joined(session));
        let surely = surely.filter_map(|session| session.surely_reaches(ts, gap.gap)).fold(ts, i64::max);
        let fate = match (is_exact, has_closed(surely)) {
            (true, true) => Fate::Loose,
            (true, false) => Fate::Sure,
            (false, _) => Fate::By(at, at),
        };
        let piece = Piece { from: ts, until: ts, total, fate, is_own: event.is_own };
        if has_closed(end) {
            self.late.push(piece);
            return;
        }
        let mut joined = Session::of(piece);
        let is_free = |session: &&mut Session| is_near(session) && !is_joined(session) && !session.is_held;
        for closed in self.sessions.iter_mut().filter(is_free) {
            joined.may_hold(closed, gap.gap);
            closed.is_held = true;
        }
        for session in self.sessions.extract_if(.., |session| is_joined(session)) {
            joined.join(session, gap.gap);
        }
        let place = self.sessions.partition_point(|session| session.end() <= joined.end());
        self.sessions.insert(place, joined);
    }

    /// Takes out what has been over since that event time.
    fn over(&mut self, gap: Gap, before: i64) -> Option<Self> {
        let is_over = |end: i64| gap.closes(end) < before;
        let count = self.sessions.iter().take_while(|session| is_over(session.end())).count();
        // What came too late to a session, and what came out of it, lies within it or no further than the gap from it.
        let next = self.sessions.get(count).map_or(i64::MAX, |next| next.start() - gap.gap);
        let until = next.min(before - gap.gap - gap.grace - 1);
        let over = Self {
            task: self.task,
            sessions: self.sessions.drain(..count).collect(),
            late: self.late.extract_if(.., |piece| piece.until < until).collect(),
            seen: self.seen.extract_if(.., |seen| seen.end < until).collect(),
        };
        (!over.is_empty()).then_some(over)
    }

    fn put_back(&mut self, over: Self) {
        let Self { sessions, late, seen, .. } = over;
        self.sessions.splice(..0, sessions);
        self.late.splice(..0, late);
        self.seen.splice(..0, seen);
    }

    fn weight(&self) -> usize {
        let sessions: usize = self.sessions.iter().map(|session| 1 + session.pieces().len()).sum();
        1 + sessions + self.late.len() + self.seen.len()
    }

    const fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.late.is_empty() && self.seen.is_empty()
    }
}
