//! What became of each window.

use super::window::{Entry, TOLD_APART};
use crate::expect::class::{Class, Ending, Mismatch, Tally};
use crate::expect::declare::{Added, Emit};
use crate::expect::explain::Differences;
use crate::expect::range::Window;
use crate::expect::stream_time::{HOLDS_BACK, Own, StreamTimes};
use crate::expect::total::Total;

/// What a window must have counted, may have counted beside it, and had to drop.
#[derive(Clone, Debug, Default)]
pub(super) struct Bounds {
    pub(super) must: Total,
    pub(super) may: Total,
    pub(super) late: Total,
}

/// What decides about a window.
pub(super) struct Judge<'a> {
    pub(super) added: &'a Added,
    pub(super) times: &'a StreamTimes,
    pub(super) own: Own,
}

impl Judge<'_> {
    fn bounds(&self, task: usize, entry: &Entry, apart: Option<i64>) -> Bounds {
        let mut bounds = Bounds { late: entry.late.clone(), ..Bounds::default() };
        let closing = self
            .added
            .window
            .zip(apart)
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
    pub(super) fn class(&self, task: usize, entry: &Entry) -> (Option<Class>, Bounds) {
        self.class_within(task, entry, self.added.apart_ms)
    }

    /// Its class where partitions are at most so far apart behind the repartition.
    fn class_within(&self, task: usize, entry: &Entry, apart: Option<i64>) -> (Option<Class>, Bounds) {
        let bounds = self.bounds(task, entry, apart);
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

    /// How far apart partitions had to be behind the repartition for a result that is wrong or missing to be late instead, in ms; `None`
    /// where nothing is known by which that explains it.
    fn needed_apart(&self, task: usize, entry: &Entry) -> Option<i64> {
        let window = self.added.window?;
        self.added.apart_ms?;
        let end = entry.start + window.size;
        let (closed, _) = self.times.came_to(task, end + window.grace);
        let told_apart = entry.parts.iter().filter(|part| part.until >= end - TOLD_APART);
        let mut apart: Vec<i64> = told_apart.map(|part| closed.saturating_sub(part.until)).collect();
        apart.sort_unstable();
        apart.into_iter().find(|apart| self.class_within(task, entry, Some(*apart)).0 == Some(Class::Late))
    }

    /// How long a result took, or was waited for until `now`, where that tells anything.
    pub(super) fn time(&self, tally: &mut Tally, task: usize, entry: &Entry, class: Class, now: i64) {
        let Some(window) = self.added.window.filter(|_| self.added.emit == Emit::Final) else { return };
        let end = entry.start + window.size;
        match &entry.seen {
            _ if !self.own.times(end, self.times.came_to(task, end + window.grace)) => {}
            Some(seen) => tally.seen_after(seen.first_at - end),
            None if class == Class::Missing => tally.waited(now - end),
            None => {}
        }
    }

    pub(super) fn count(
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
                tally.needs_apart(self.needed_apart(task, entry));
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
