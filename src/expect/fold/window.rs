//! The windows of a key, and what is known of each.

use std::collections::VecDeque;

use crate::expect::by_key::OfTask;
use crate::expect::declare::{Added, Kind};
use crate::expect::outcome::Outcome;
use crate::expect::source::Event;
use crate::expect::total::Total;

/// Events of a window that were written within so many ms are one part of it.
const PART: i64 = 250;
/// Parts of a window, at most.
const PARTS: usize = 32;
/// How long before a window's end the parts begin that are told apart, in ms, at least.
pub(super) const TOLD_APART: i64 = 8_000;

#[derive(Debug, Default)]
pub(in crate::expect) struct Key {
    pub(super) task: usize,
    /// In the order of their starts; of a running total one.
    pub(super) windows: VecDeque<Entry>,
}

/// A window of a key.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) start: i64,
    /// Events that were not too late by the order of their own partition, by when they were written.
    pub(super) parts: Vec<Part>,
    /// Those that were.
    pub(super) late: Total,
    pub(super) is_own: bool,
    pub(super) seen: Option<Emission>,
}

#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) from: i64,
    pub(super) until: i64,
    pub(super) total: Total,
}

/// What came out of a window.
#[derive(Clone, Debug)]
pub(super) struct Emission {
    pub(super) times: u64,
    pub(super) first_at: i64,
    pub(super) last: Outcome,
}

impl OfTask for Key {
    fn of(task: usize) -> Self {
        Self { task, ..Self::default() }
    }

    fn task(&self) -> usize {
        self.task
    }
}

impl Key {
    /// Adds an event to its windows, `most` being the largest time that its partition has brought to the task.
    pub(super) fn add(&mut self, added: &Added, event: Event<'_>, most: i64) {
        let kind = added.value.kind();
        let Some(window) = added.window else {
            self.entry(0).add(kind, event, 0, i64::MAX);
            return;
        };
        for start in window.of(event.ts) {
            let entry = self.entry(start);
            if window.takes(start, most) {
                let early = added.apart_ms.map_or(i64::MAX, |apart| start + window.size - apart.max(TOLD_APART));
                entry.add(kind, event, event.at, early);
            } else {
                entry.late.add(kind, event);
                entry.is_own |= event.is_own;
            }
        }
    }

    /// The window that begins there; most are among the last.
    pub(super) fn entry(&mut self, start: i64) -> &mut Entry {
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
    pub(super) fn weight(&self) -> usize {
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
