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

use std::collections::HashMap;

use super::class::Tally;
use super::declare::{Added, Emit, Gap, Kind};
use super::explain::Trace;
use super::fold::{Ending, Event, KEPT};
use super::outcome::Outcome;
use super::spill::{OutputRecord, Spill, SpilledEntry};
use super::stream_time::{Own, StreamTimes};
use super::total::Total;
use crate::kafka::murmur2;
use crate::report::ExpectReport;
use judge::Judge;
use piece::{Fate, Piece, Session};

/// All sessions of all keys.
#[derive(Debug)]
pub(super) struct Sessions {
    added: Added,
    gap: Gap,
    times: StreamTimes,
    partitions: i32,
    keys: HashMap<Box<[u8]>, Key>,
    tally: Tally,
    own: Own,
}

/// What is known of a key.
#[derive(Debug, Default)]
struct Key {
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

impl Sessions {
    pub(super) fn new(added: Added, gap: Gap, partitions: usize) -> Self {
        Self {
            added,
            gap,
            times: StreamTimes::new(partitions),
            partitions: i32::try_from(partitions).unwrap_or(i32::MAX),
            keys: HashMap::new(),
            tally: Tally::default(),
            own: Own::default(),
        }
    }

    pub(super) fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    pub(super) const fn emit(&self) -> Emit {
        self.added.emit
    }

    fn task(&self, name: &[u8], partition: usize) -> usize {
        match self.added.apart_ms {
            Some(_) => usize::try_from(murmur2::partition(name, self.partitions)).unwrap_or_default(),
            None => partition,
        }
    }

    fn key(&mut self, name: &[u8], partition: usize) -> Option<&mut Key> {
        if !self.keys.contains_key(name) {
            let task = self.task(name, partition);
            self.keys.insert(name.into(), Key { task, ..Key::default() });
        }
        self.keys.get_mut(name)
    }

    /// Takes an event of the input.
    pub(super) fn take(&mut self, event: Event<'_>) {
        let most = self.note(event);
        self.add(event, most);
    }

    /// An event came that is added later; returns the largest time that its partition has brought to its task.
    pub(super) fn note(&mut self, event: Event<'_>) -> i64 {
        self.own.note(event);
        let task = self.task(event.key, event.partition);
        self.times.note(task, event)
    }

    /// Adds an event, with the largest time that its partition had brought to its task.
    fn add(&mut self, event: Event<'_>, most: i64) {
        let rule = Rule { kind: self.added.value.kind(), gap: self.gap, is_exact: self.added.apart_ms.is_none() };
        if let Some(key) = self.key(event.key, event.partition) {
            key.add(rule, event, most);
        }
    }

    /// About how much is in memory.
    pub(super) fn weight(&self) -> usize {
        self.keys.values().map(Key::weight).sum()
    }

    /// The event time at which the last session of the run closes; `None` where none is written when it closes.
    pub(super) fn closes_at(&self) -> Option<i64> {
        self.own.last.filter(|_| self.added.emit == Emit::Final).map(|last| self.gap.closes(last))
    }

    /// Takes a record of the output: the value of a session, by its first and its last event.
    pub(super) fn see(&mut self, OutputRecord { key, span: (start, end), outcome, at }: OutputRecord<'_>) {
        let Some(key) = self.key(key, 0) else { return };
        match key.seen.iter_mut().find(|seen| (seen.start, seen.end) == (start, end)) {
            Some(seen) => (seen.times, seen.last) = (seen.times + 1, outcome),
            None => key.seen.push(Emission { start, end, times: 1, first_at: at, last: outcome }),
        }
    }

    /// Counts and forgets sessions of which all is long known, with the input read up to that event time.
    pub(super) fn tidy(&mut self, read_to: i64) {
        let before = read_to.saturating_sub(KEPT);
        let Self { keys, added, gap, times, tally, own, .. } = self;
        let judge = Judge { added, gap: *gap, times, own: *own };
        keys.retain(|name, key| {
            if let Some(over) = key.over(*gap, before) {
                if judge.lacks(&over) {
                    key.put_back(over);
                } else {
                    judge.count(tally, name, &over, Ending { at: 0, unknown: None, is_timed: true });
                }
            }
            !key.is_empty()
        });
        self.times.forget_before(before.saturating_sub(2 * (gap.gap + gap.grace)));
    }

    /// Whether nothing is waited for.
    pub(super) fn is_settled(&self) -> bool {
        let judge = Judge { added: &self.added, gap: self.gap, times: &self.times, own: self.own };
        self.keys.values().all(|key| !judge.waits(key))
    }

    /// What is known by now.
    pub(super) fn so_far(&self, at: i64, is_timed: bool) -> ExpectReport {
        let judge = Judge { added: &self.added, gap: self.gap, times: &self.times, own: self.own };
        let mut tally = self.tally.counts();
        self.keys.values().for_each(|key| judge.so_far(&mut tally, key, at, is_timed));
        tally.counts().into_report(None, is_timed && self.added.emit == Emit::Final)
    }

    /// Judges what is left.
    pub(super) fn end(mut self, ending: Ending<'_>, spill: Option<Spill>) -> (ExpectReport, Option<Trace>) {
        let mut failed = None;
        if let Some(mut spill) = spill {
            for (part, keys) in spill.parted(std::mem::take(&mut self.keys), Clone::clone).into_iter().enumerate() {
                self.keys = keys;
                spill.tell(part, |told| match told {
                    SpilledEntry::Event(event, most) => self.add(event, most),
                    SpilledEntry::OutputRecord(came) => self.see(came),
                });
                failed = spill.failed();
                self.judge(Ending { unknown: ending.unknown.or(failed.as_deref()), ..ending });
                self.keys.clear();
            }
        }
        self.judge(ending);
        let is_timed = ending.is_timed && self.added.emit == Emit::Final;
        (self.tally.into_report(ending.unknown.or(failed.as_deref()), is_timed), None)
    }

    fn judge(&mut self, ending: Ending<'_>) {
        let judge = Judge { added: &self.added, gap: self.gap, times: &self.times, own: self.own };
        let mut keys: Vec<(&Box<[u8]>, &Key)> = self.keys.iter().collect();
        keys.sort_unstable_by_key(|(name, _)| *name);
        for (name, key) in keys {
            judge.count(&mut self.tally, name, key, ending);
        }
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
