//! Values by key and window: what the input adds up to, what came out, and what became of each.

mod judge;
mod window;

use super::by_key::{Adding, ByKey, KEPT};
use super::class::{Class, Ending, Tally};
use super::declare::{Added, Emit};
use super::explain::{AddedTrace, Differences, Trace};
use super::source::Event;
use super::spill::{OutputRecord, Spill};
use crate::report::{ExpectExample, ExpectReport};
use judge::Judge;
use window::{Emission, Entry, Key};

/// All windows of all keys.
#[derive(Debug)]
pub(super) struct Fold {
    of: ByKey<Key>,
    differences: Differences,
}

impl Fold {
    pub(super) fn new(added: Added, partitions: usize) -> Self {
        let has_times = added.window.is_some();
        Self { of: ByKey::new(added, has_times, partitions), differences: Differences::default() }
    }

    pub(super) fn tally(&mut self) -> &mut Tally {
        &mut self.of.tally
    }

    const fn is_final(&self) -> bool {
        matches!(self.of.added.emit, Emit::Final)
    }

    const fn judging(&self) -> Judge<'_> {
        Judge { added: &self.of.added, times: &self.of.times, own: self.of.own }
    }

    /// Takes an event of the input.
    pub(super) fn take(&mut self, event: Event<'_>) {
        self.of.take(event, |added, key, most| key.add(added, event, most));
    }

    /// An event came that is added later; returns the largest time that its partition has brought to its task.
    pub(super) fn note(&mut self, event: Event<'_>) -> i64 {
        self.of.note(event)
    }

    /// About how much is in memory.
    pub(super) fn weight(&self) -> usize {
        self.of.keys.values().flat_map(|key| &key.windows).map(Entry::weight).sum()
    }

    /// The event time at which the last window of the run closes; `None` where none is written when it closes.
    pub(super) fn closes_at(&self) -> Option<i64> {
        let window = self.of.added.window.filter(|_| self.is_final())?;
        self.of.own.last.map(|last| last + window.size + window.grace)
    }

    /// Counts and forgets windows of which all is long known, with the input read up to that event time.
    pub(super) fn tidy(&mut self, read_to: i64) {
        let Some(window) = self.of.added.window else { return };
        let before = read_to.saturating_sub(KEPT);
        let ByKey { keys, added, times, tally, own, .. } = &mut self.of;
        let mut books = (tally, &mut self.differences);
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
        self.of.times.forget_before(before.saturating_sub(window.size + window.grace));
    }

    /// Whether nothing is waited for: what is expected is there, and nothing that came is to be mended by a later record.
    pub(super) fn is_settled(&self) -> bool {
        let judge = self.judging();
        self.of.keys.values().all(|key| {
            (key.windows.iter().filter(|entry| entry.is_own)).all(|entry| match judge.class(key.task, entry).0 {
                Some(Class::Missing) => false,
                Some(Class::Wrong | Class::Late | Class::AcceptedLate) => self.is_final() && entry.seen.is_some(),
                _ => true,
            })
        })
    }

    /// What is known by now.
    pub(super) fn so_far(&self, at: i64, is_timed: bool) -> ExpectReport {
        let judge = self.judging();
        let mut tally = self.of.tally.counts();
        for key in self.of.keys.values() {
            for entry in key.windows.iter().filter(|entry| entry.is_own) {
                let Some(class) = judge.class(key.task, entry).0 else { continue };
                // An update may be followed by another one.
                let seen_at = entry.seen.as_ref().filter(|_| self.is_final()).map(|seen| seen.first_at);
                let class = class.so_far(seen_at, at);
                tally.count(class, ExpectExample::default);
                if class != Class::Open && is_timed {
                    judge.time(&mut tally, key.task, entry, class, at);
                }
            }
        }
        let is_timed = is_timed && self.of.added.window.is_some() && self.is_final();
        tally.counts().into_report(None, is_timed)
    }

    /// Judges what is left, and says what is to be traced to the input.
    pub(super) fn end(mut self, ending: Ending<'_>, spill: Option<Spill>) -> (ExpectReport, Option<Trace>) {
        let failed = self.judge_all(ending, spill);
        let unknown = ending.unknown.or(failed.as_deref());
        let is_timed = ending.is_timed && self.of.added.window.is_some() && self.is_final();
        let trace = AddedTrace::new(self.of.added, self.of.times.before(), self.differences);
        let trace = trace.filter(|_| unknown.is_none()).map(|trace| Trace::Added(Box::new(trace)));
        (self.of.tally.into_report(unknown, is_timed), trace)
    }
}

impl Adding for Fold {
    type Key = Key;

    fn by_key(&mut self) -> &mut ByKey<Key> {
        &mut self.of
    }

    fn add(&mut self, event: Event<'_>, most: i64) {
        if let Some((added, key)) = self.of.known(event.key, event.partition) {
            key.add(added, event, most);
        }
    }

    /// The value of a window, by its start.
    fn see(&mut self, OutputRecord { key, span: (start, _), outcome, at }: OutputRecord<'_>) {
        let Some((_, key)) = self.of.known(key, 0) else { return };
        match &mut key.entry(start).seen {
            Some(seen) => (seen.times, seen.last) = (seen.times + 1, outcome),
            none => *none = Some(Emission { times: 1, first_at: at, last: outcome }),
        }
    }

    fn judge(&mut self, ending: Ending<'_>) {
        let mut tally = std::mem::take(&mut self.of.tally);
        let judge = Judge { added: &self.of.added, times: &self.of.times, own: self.of.own };
        let mut books = (&mut tally, &mut self.differences);
        for (name, key) in self.of.sorted() {
            for entry in &key.windows {
                judge.count(&mut books, name, key.task, entry, ending);
            }
        }
        self.of.tally = tally;
    }
}
