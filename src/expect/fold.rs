//! Values by key and window: what the input adds up to, what came out, and what became of each.

use std::collections::{HashMap, VecDeque};

use super::class::{Class, Mismatch, Tally};
use super::decimal::Decimal;
use super::declare::{Added, Emit, Kind};
use super::explain::{AddedTrace, Differences, Trace};
use super::outcome::Outcome;
use super::range::Window;
use super::spill::{OutputRecord, Spill, SpilledEntry};
use super::stream_time::{Own, StreamTimes};
use super::total::Total;
use crate::kafka::murmur2;
use crate::report::{ExpectExample, ExpectReport};

/// How long after the event that closed a window another one must have been written before the window must have come out: Kafka
/// Streams looks for closed windows with an event, and at most once a second.
pub(super) const HOLDS_BACK: i64 = 1_000;
/// How long a window is kept that was seen, for a second result that may come.
pub(super) const KEPT: i64 = 300_000;
/// Events of a window that were written within so many ms are one part of it.
const PART: i64 = 250;
/// Parts of a window, at most.
const PARTS: usize = 32;

/// An event as it is added.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event<'a> {
    pub(super) partition: usize,
    pub(super) offset: i64,
    /// When it was written, in ms.
    pub(super) at: i64,
    /// Its own time, in ms.
    pub(super) ts: i64,
    pub(super) key: &'a [u8],
    /// The item that it adds to, where there is a list of them.
    pub(super) item: Option<&'a [u8]>,
    /// What it adds; `None` where that cannot be added.
    pub(super) value: Option<Decimal>,
    /// Whether it was written since the run began.
    pub(super) is_own: bool,
}

/// All windows of all keys.
#[derive(Debug)]
pub(super) struct Fold {
    added: Added,
    times: StreamTimes,
    partitions: i32,
    keys: HashMap<Box<[u8]>, Key>,
    tally: Tally,
    differences: Differences,
    own: Own,
}

#[derive(Debug, Default)]
struct Key {
    task: usize,
    /// In the order of their starts; of a running total one.
    windows: VecDeque<Entry>,
}

/// A window of a key.
#[derive(Debug, Default)]
struct Entry {
    start: i64,
    /// Events that were not too late by the order of their own partition, by when they were written.
    parts: Vec<Part>,
    /// Those that were.
    late: Total,
    is_own: bool,
    seen: Option<Emission>,
}

#[derive(Clone, Debug)]
struct Part {
    from: i64,
    until: i64,
    total: Total,
}

/// What came out of a window.
#[derive(Clone, Debug)]
struct Emission {
    times: u64,
    first_at: i64,
    last: Outcome,
}

/// What a window must have counted, may have counted beside it, and had to drop.
#[derive(Clone, Debug, Default)]
struct Bounds {
    must: Total,
    may: Total,
    late: Total,
}

/// The end of all waiting, as far as classes depend on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending<'a> {
    /// When it is, in ms since the Unix epoch.
    pub(super) at: i64,
    /// Why nothing is decided, where the input is not known.
    pub(super) unknown: Option<&'a str>,
    /// Whether event times are this run's.
    pub(super) is_timed: bool,
}

impl Fold {
    pub(super) fn new(added: Added, partitions: usize) -> Self {
        Self {
            added,
            times: StreamTimes::new(partitions),
            partitions: i32::try_from(partitions).unwrap_or(i32::MAX),
            keys: HashMap::new(),
            tally: Tally::default(),
            differences: Differences::default(),
            own: Own::default(),
        }
    }

    pub(super) fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    fn task(&self, key: &[u8], partition: usize) -> usize {
        match self.added.apart_ms {
            Some(_) => usize::try_from(murmur2::partition(key, self.partitions)).unwrap_or_default(),
            None => partition,
        }
    }

    /// Takes an event of the input.
    pub(super) fn take(&mut self, event: Event<'_>) {
        self.own.note(event);
        let is_windowed = self.added.window.is_some();
        let Self { keys, times, added, .. } = self;
        if let Some(key) = keys.get_mut(event.key) {
            let most = if is_windowed { times.note(key.task, event) } else { event.ts };
            key.add(added, event, most);
            return;
        }
        let most = self.note(event);
        self.add(event, most);
    }

    /// An event came that is added later; returns the largest time that its partition has brought to its task.
    pub(super) fn note(&mut self, event: Event<'_>) -> i64 {
        self.own.note(event);
        let task = self.task(event.key, event.partition);
        if self.added.window.is_some() { self.times.note(task, event) } else { event.ts }
    }

    /// Adds an event, with the largest time that its partition had brought to its task.
    fn add(&mut self, event: Event<'_>, most: i64) {
        if !self.keys.contains_key(event.key) {
            let task = self.task(event.key, event.partition);
            self.keys.insert(event.key.into(), Key { task, ..Key::default() });
        }
        if let Some(key) = self.keys.get_mut(event.key) {
            key.add(&self.added, event, most);
        }
    }

    /// About how much is in memory.
    pub(super) fn weight(&self) -> usize {
        self.keys.values().flat_map(|key| &key.windows).map(Entry::weight).sum()
    }

    /// The event time at which the last window of the run closes; `None` where none is written when it closes.
    pub(super) fn closes_at(&self) -> Option<i64> {
        let window = self.added.window.filter(|_| self.added.emit == Emit::Final)?;
        self.own.last.map(|last| last + window.size + window.grace)
    }

    /// Takes a record of the output: the value of a window, by its start.
    pub(super) fn see(&mut self, OutputRecord { key, span: (start, _), outcome, at }: OutputRecord<'_>) {
        if !self.keys.contains_key(key) {
            let task = self.task(key, 0);
            self.keys.insert(key.into(), Key { task, ..Key::default() });
        }
        let Some(key) = self.keys.get_mut(key) else { return };
        match &mut key.entry(start).seen {
            Some(seen) => (seen.times, seen.last) = (seen.times + 1, outcome),
            none => *none = Some(Emission { times: 1, first_at: at, last: outcome }),
        }
    }

    /// Counts and forgets windows of which all is long known, with the input read up to that event time.
    pub(super) fn tidy(&mut self, read_to: i64) {
        let Some(window) = self.added.window else { return };
        let before = read_to.saturating_sub(KEPT);
        let Self { keys, added, times, tally, differences, own, .. } = self;
        let mut books = (tally, differences);
        let judge = Judge { added, times, own: *own };
        let ending = Ending { at: 0, unknown: None, is_timed: true };
        keys.retain(|name, key| {
            let task = key.task;
            key.windows.retain(|entry| {
                let is_over = entry.start + window.size + window.grace < before;
                let is_done = is_over && (entry.seen.is_some() || !entry.is_own);
                if is_done {
                    judge.count(&mut books, name, task, entry, ending);
                }
                !is_done
            });
            !key.windows.is_empty()
        });
        self.times.forget_before(before.saturating_sub(window.size + window.grace));
    }

    /// Whether nothing is waited for: what is expected is there, and nothing that came is to be mended by a later record.
    pub(super) fn is_settled(&self) -> bool {
        let judge = Judge { added: &self.added, times: &self.times, own: self.own };
        self.keys.values().all(|key| {
            (key.windows.iter().filter(|entry| entry.is_own)).all(|entry| match judge.class(key.task, entry).0 {
                Some(Class::Missing) => false,
                Some(Class::Wrong | Class::Late | Class::AcceptedLate) => {
                    self.added.emit == Emit::Final && entry.seen.is_some()
                }
                _ => true,
            })
        })
    }

    /// What is known by now.
    pub(super) fn so_far(&self, at: i64, is_timed: bool) -> ExpectReport {
        let judge = Judge { added: &self.added, times: &self.times, own: self.own };
        let mut tally = self.tally.counts();
        for key in self.keys.values() {
            for entry in key.windows.iter().filter(|entry| entry.is_own) {
                let Some(class) = judge.class(key.task, entry).0 else { continue };
                // An update may be followed by another one.
                let seen_at = entry.seen.as_ref().filter(|_| self.added.emit == Emit::Final).map(|seen| seen.first_at);
                let class = class.so_far(seen_at, at);
                tally.count(class, ExpectExample::default);
                if class != Class::Open && is_timed {
                    judge.time(&mut tally, key.task, entry, class, at);
                }
            }
        }
        let is_timed = is_timed && self.added.window.is_some() && self.added.emit == Emit::Final;
        tally.counts().into_report(None, is_timed)
    }

    /// Judges what is left, and says what is to be traced to the input.
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
        let unknown = ending.unknown.or(failed.as_deref());
        let is_timed = ending.is_timed && self.added.window.is_some() && self.added.emit == Emit::Final;
        let trace = AddedTrace::new(self.added, self.times.before(), self.differences);
        let trace = trace.filter(|_| unknown.is_none()).map(|trace| Trace::Added(Box::new(trace)));
        (self.tally.into_report(unknown, is_timed), trace)
    }

    fn judge(&mut self, ending: Ending<'_>) {
        let judge = Judge { added: &self.added, times: &self.times, own: self.own };
        let mut keys: Vec<(&Box<[u8]>, &Key)> = self.keys.iter().collect();
        keys.sort_unstable_by_key(|(name, _)| *name);
        let mut books = (&mut self.tally, &mut self.differences);
        for (name, key) in keys {
            for entry in &key.windows {
                judge.count(&mut books, name, key.task, entry, ending);
            }
        }
    }
}

impl Key {
    /// Adds an event to its windows, `most` being the largest time that its partition has brought to the task.
    fn add(&mut self, added: &Added, event: Event<'_>, most: i64) {
        let kind = added.value.kind();
        let Some(window) = added.window else {
            self.entry(0).add(kind, event, 0, i64::MAX);
            return;
        };
        for start in window.of(event.ts) {
            let entry = self.entry(start);
            if window.takes(start, most) {
                let early = added.apart_ms.map_or(i64::MAX, |apart| start + window.size - apart);
                entry.add(kind, event, event.at, early);
            } else {
                entry.late.add(kind, event);
                entry.is_own |= event.is_own;
            }
        }
    }

    /// The window that begins there; most are among the last.
    fn entry(&mut self, start: i64) -> &mut Entry {
        let behind = self.windows.iter().rev().take_while(|entry| entry.start > start).count();
        let place = self.windows.len() - behind;
        match place.checked_sub(1) {
            Some(before) if self.windows[before].start == start => &mut self.windows[before],
            _ => {
                self.windows.insert(place, Entry { start, ..Entry::default() });
                &mut self.windows[place]
            }
        }
    }
}

impl Entry {
    fn weight(&self) -> usize {
        let parts: usize = self.parts.iter().map(|part| part.total.weight()).sum();
        1 + self.parts.len() + parts + self.late.weight()
    }

    /// Adds an event that was written at `at`; all before `early` are one part.
    fn add(&mut self, kind: Kind, event: Event<'_>, at: i64, early: i64) {
        self.is_own |= event.is_own;
        let fits = |part: &&mut Part| (at < early && part.until < early) || (part.from <= at && at < part.from + PART);
        if let Some(part) = self.parts.iter_mut().rev().find(fits) {
            (part.from, part.until) = (part.from.min(at), part.until.max(at));
            part.total.add(kind, event);
            return;
        }
        let mut total = Total::default();
        total.add(kind, event);
        self.parts.push(Part { from: at, until: at, total });
        if self.parts.len() > PARTS {
            self.parts.sort_unstable_by_key(|part| part.from);
            let second = self.parts.remove(1);
            let first = &mut self.parts[0];
            first.until = first.until.max(second.until);
            first.total = std::mem::take(&mut first.total).plus(&second.total);
        }
    }
}

/// What decides about a window.
struct Judge<'a> {
    added: &'a Added,
    times: &'a StreamTimes,
    own: Own,
}

impl Judge<'_> {
    fn bounds(&self, task: usize, entry: &Entry) -> Bounds {
        let mut bounds = Bounds { late: entry.late.clone(), ..Bounds::default() };
        let closing = self
            .added
            .window
            .zip(self.added.apart_ms)
            .map(|(window, apart)| (self.times.came_to(task, entry.start + window.size + window.grace), apart));
        for part in &entry.parts {
            let place = match closing {
                Some(((from, _), apart)) if part.until.saturating_add(apart) < from => &mut bounds.must,
                None => &mut bounds.must,
                Some(((_, until), apart)) if part.from.saturating_sub(apart) > until => &mut bounds.late,
                Some(_) => &mut bounds.may,
            };
            *place = std::mem::take(place).plus(&part.total);
        }
        bounds
    }

    /// Whether a record has come with which the window must have been written.
    fn is_due(&self, task: usize, entry: &Entry) -> bool {
        let Some(window) = self.added.window else { return true };
        let closed = || self.times.came_to(task, entry.start + window.size + window.grace).1;
        self.added.emit == Emit::Updates || self.times.last_at(task) >= closed().saturating_add(HOLDS_BACK)
    }

    /// The class of a window; `None` where none is expected.
    fn class(&self, task: usize, entry: &Entry) -> (Option<Class>, Bounds) {
        let bounds = self.bounds(task, entry);
        let Bounds { must, may, late } = &bounds;
        let Some(seen) = &entry.seen else {
            let class = match () {
                () if must.events + may.events == 0 => None,
                () if !self.is_due(task, entry) => Some(Class::Open),
                () if must.events == 0 => Some(Class::Late),
                () => Some(Class::Missing),
            };
            return (class, bounds);
        };
        if must.events + may.events + late.events == 0 {
            return (None, bounds);
        }
        if self.added.emit == Emit::Final && seen.times > 1 {
            return (Some(Class::Twice), bounds);
        }
        let (all, others) = (must.clone().plus(may), may.clone().plus(late));
        let class = match (all.is(&seen.last), must.may_be_with(may, &seen.last), must.may_be_with(&others, &seen.last))
        {
            _ if all.is_unknown || late.is_unknown => Class::Undecided,
            (Some(true), ..) if all.events > 0 => Class::Right,
            (_, Some(true), _) if all.events > 0 => Class::Late,
            (.., Some(true)) if late.events > 0 => Class::AcceptedLate,
            (None, ..) | (_, None, _) | (.., None) => Class::Undecided,
            _ => Class::Wrong,
        };
        (Some(class), bounds)
    }

    /// How long a result took, or was waited for until `now`, where that tells anything.
    fn time(&self, tally: &mut Tally, task: usize, entry: &Entry, class: Class, now: i64) {
        let Some(window) = self.added.window.filter(|_| self.added.emit == Emit::Final) else { return };
        let end = entry.start + window.size;
        match &entry.seen {
            _ if !self.own.times(end, self.times.came_to(task, end + window.grace)) => {}
            Some(seen) => tally.seen_after(seen.first_at - end),
            None if class == Class::Missing => tally.waited(now - end),
            None => {}
        }
    }

    fn count(
        &self,
        (tally, differences): &mut (&mut Tally, &mut Differences),
        key: &[u8],
        task: usize,
        entry: &Entry,
        ending: Ending<'_>,
    ) {
        let (class, bounds) = self.class(task, entry);
        let start_ms = self.added.window.map(|_| entry.start);
        let seen = entry.seen.as_ref();
        let told = || {
            let got = seen.map(|seen| seen.last.to_string());
            Mismatch { key, start_ms, got, expected: bounds.must.told_with(&bounds.may) }.into()
        };
        if let Some(seen) = seen.filter(|_| self.added.emit == Emit::Updates) {
            tally.count_superseded(seen.times - 1);
        }
        let is_empty = entry.parts.is_empty() && entry.late.events == 0;
        if is_empty && ending.unknown.is_none() && (self.added.window.is_none() || entry.start >= self.own.first) {
            tally.count_unexpected(told);
            differences.is_of_nothing();
        }
        if entry.is_own && class != Some(Class::AcceptedLate) {
            tally.count_too_late(bounds.late.events);
        }
        let Some(class) = class.filter(|_| entry.is_own) else { return };
        let window = || Window::of(key, entry.start);
        match class {
            Class::Right => {}
            Class::Wrong | Class::Missing | Class::Twice => {
                differences.is_wrong(
                    task,
                    window(),
                    seen.and_then(|seen| seen.last.number()),
                    bounds.must.clone().plus(&bounds.may).value(),
                );
            }
            Class::Late | Class::AcceptedLate | Class::Open | Class::Undecided => differences.is_unknown(window()),
        }
        let class = if ending.unknown.is_some() && class != Class::Open { Class::Undecided } else { class };
        if ending.is_timed {
            self.time(tally, task, entry, class, ending.at);
        }
        tally.count(class, told);
    }
}
