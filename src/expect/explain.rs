//! Says which range of offsets, lost or taken twice, explains results that are wrong.
//!
//! It looks at the input once more, at the events of this run alone, and only where something is wrong. An expectation of one result for
//! each event says by itself which events those are. One that adds up is explained by a range where the range's events add up to all that
//! is wrong, in each window, and to nothing in those that are right; or by the ranges that another expectation of the same input was
//! explained by, where these do.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::decimal::Decimal;
use super::declare::{Added, Kind};
use super::oracle::Record;
use super::range::{FoundRange, Mark, Steps, What, Window};
use super::source::Event;
use super::source::{Contribution, Source};
use crate::kafka::murmur2;
use crate::report::{ExpectRange, ExpectReport};

/// Windows that are wrong or not known, and events in them, beyond which nothing is explained.
const MOST: usize = 2_000_000;

/// What is wrong with the windows of an expectation.
#[derive(Clone, Debug, Default)]
pub(super) struct Differences {
    /// By window, which task it is of and how much too much came.
    wrong: HashMap<Window, (usize, Mark)>,
    /// Windows of which nobody knows whether they are right.
    unknown: HashSet<Window>,
    /// No range explains what is wrong.
    is_beyond: bool,
}

impl Differences {
    pub(super) fn is_wrong(&mut self, task: usize, window: Window, got: Option<Decimal>, expected: Option<Decimal>) {
        let by = got.unwrap_or_default().minus(expected.unwrap_or_default());
        match by.filter(|_| expected.is_some() && self.has_room()) {
            Some(by) if by != Decimal::default() => drop(self.wrong.insert(window, (task, Mark::of(window, by)))),
            Some(_) => {}
            None => self.is_beyond = true,
        }
    }

    pub(super) fn is_unknown(&mut self, window: Window) {
        if self.has_room() {
            self.unknown.insert(window);
        } else {
            self.is_beyond = true;
        }
    }

    /// A result that nothing asks for.
    pub(super) const fn is_of_nothing(&mut self) {
        self.is_beyond = true;
    }

    fn has_room(&self) -> bool {
        self.wrong.len() + self.unknown.len() < MOST
    }
}

/// What is wrong with an expectation, to be traced to the input.
#[derive(Debug)]
pub(super) enum Trace {
    Each(EachTrace),
    Added(Box<AddedTrace>),
}

/// Events whose results are missing or came twice.
#[derive(Debug, Default)]
pub(super) struct EachTrace {
    bad: HashMap<(u32, i64), What>,
    /// By partition and what happened.
    rows: BTreeMap<(u32, bool), BadRow>,
    /// More were bad than are kept.
    is_beyond: bool,
}

/// From the first bad event to the last.
#[derive(Clone, Copy, Debug)]
struct BadRow {
    range: (i64, i64),
    written: (i64, i64),
    bad: u64,
    /// All events of the range, and those after it.
    all: u64,
    after: u64,
}

/// Windows that are wrong, and the events in them.
#[derive(Debug)]
pub(super) struct AddedTrace {
    added: Added,
    partitions: i32,
    /// By task and partition, the largest time that was taken before.
    most: Vec<Vec<i64>>,
    differences: Differences,
    /// By partition.
    rows: Vec<Steps>,
}

/// Traces what is wrong with all expectations to the input, which is told to it once more from where the run began.
#[derive(Debug)]
pub struct Explainer {
    sources: Vec<Source>,
    /// By expectation.
    traces: Vec<Option<Trace>>,
}

impl Explainer {
    pub(super) const fn new(sources: Vec<Source>, traces: Vec<Option<Trace>>) -> Self {
        Self { sources, traces }
    }

    /// Whether something is wrong with what comes from that source that a range of its offsets may explain.
    #[must_use]
    pub fn wants(&self, source: usize) -> bool {
        let is_traced = |taker: usize| self.traces.get(taker).is_some_and(Option::is_some);
        self.sources.get(source).is_some_and(|source| source.takers().any(is_traced))
    }

    /// Takes a record of that source.
    pub fn input(&mut self, source: usize, record: &Record<'_>) {
        let Self { sources, traces } = self;
        let Some(source) = sources.get_mut(source) else { return };
        if !source.is_own(record) {
            return;
        }
        for taker in source.takers() {
            if let Some(Some(Trace::Added(trace))) = traces.get_mut(taker) {
                trace.pass(record);
            }
        }
        source.events(record, |taken| match traces.get_mut(taken.expected) {
            Some(Some(Trace::Each(trace))) => trace.take(record),
            Some(Some(Trace::Added(trace))) => trace.take(record, &taken),
            _ => {}
        });
    }

    /// Writes what explains it into the reports.
    pub fn explain(self, reports: &mut [ExpectReport]) {
        let Self { sources, traces } = self;
        for source in &sources {
            let mut known: Vec<ExpectRange> = Vec::new();
            let of = |taker: usize| traces.get(taker).and_then(Option::as_ref);
            let mut left = Vec::new();
            for taker in source.takers() {
                let Some(report) = reports.get_mut(taker) else { continue };
                report.explained = match of(taker) {
                    Some(Trace::Each(trace)) => trace.ranges(&source.topic),
                    Some(Trace::Added(trace)) => trace.ranges(&source.topic),
                    None => continue,
                };
                match of(taker) {
                    Some(Trace::Added(trace)) if report.explained.iter().all(|range| range.ranges > 1) => {
                        left.push((taker, trace));
                    }
                    _ => {}
                }
                for range in report.explained.iter().filter(|range| range.ranges == 1) {
                    // Of two for the same, the one that more events tell of.
                    match known.iter_mut().find(|known| known.meets(range)) {
                        Some(known) if known.events < range.events => known.clone_from(range),
                        Some(_) => {}
                        None => known.push(range.clone()),
                    }
                }
            }
            for (taker, trace) in left {
                if let Some(report) = reports.get_mut(taker)
                    && trace.is_explained_by(&known)
                {
                    report.explained.clone_from(&known);
                }
            }
        }
    }
}

impl EachTrace {
    pub(super) fn is_bad(&mut self, place: (u32, i64), what: What) {
        if self.bad.len() < MOST {
            self.bad.insert(place, what);
        } else {
            self.is_beyond = true;
        }
    }

    pub(super) fn is_worth_it(&self) -> bool {
        !self.bad.is_empty() && !self.is_beyond
    }

    fn take(&mut self, record: &Record<'_>) {
        let Record { offset, at_ms, .. } = *record;
        let partition = u32::try_from(record.partition).unwrap_or(u32::MAX);
        let what = self.bad.get(&(partition, offset)).copied();
        for is_lost in [false, true] {
            let row = self.rows.get_mut(&(partition, is_lost));
            let is_bad = what.is_some_and(|what| is_lost == (what == What::Lost));
            match (row, is_bad) {
                (Some(row), true) => {
                    (row.range.1, row.written.1) = (offset, at_ms);
                    (row.bad, row.all, row.after) = (row.bad + 1, row.all + row.after + 1, 0);
                }
                (Some(row), false) => row.after += 1,
                (None, true) => {
                    let row = BadRow { range: (offset, offset), written: (at_ms, at_ms), bad: 1, all: 1, after: 0 };
                    self.rows.insert((partition, is_lost), row);
                }
                (None, false) => {}
            }
        }
    }

    /// Ranges of which at least half of the events came out wrong. What was sent in several batches, some of which came to nothing
    /// when an instance was killed, leaves holes.
    fn ranges(&self, topic: &str) -> Vec<ExpectRange> {
        let dense = self.rows.iter().filter(|(_, row)| row.bad * 2 >= row.all);
        let range = |((partition, is_lost), row): (&(u32, bool), &BadRow)| ExpectRange {
            topic: topic.to_owned(),
            partition: i32::try_from(*partition).unwrap_or(i32::MAX),
            is_lost: *is_lost,
            is_behind: *is_lost && row.after == 0,
            from: row.range.0,
            to: row.range.1,
            may_begin_at: row.range.0,
            may_end_at: row.range.1,
            ranges: 1,
            events: row.all,
            affected: row.bad,
            written_from_ms: row.written.0,
            written_until_ms: row.written.1,
        };
        dense.map(range).collect()
    }
}

impl AddedTrace {
    pub(super) fn new(added: Added, most: Vec<Vec<i64>>, differences: Differences) -> Option<Self> {
        let partitions = i32::try_from(most.len()).unwrap_or(i32::MAX);
        let rows = vec![Steps::new(); most.len()];
        let is_worth_it = !differences.is_beyond && !differences.wrong.is_empty() && added.value.kind() == Kind::Sum;
        is_worth_it.then_some(Self { added, partitions, most, differences, rows })
    }

    fn pass(&mut self, record: &Record<'_>) {
        if let Some(row) = self.rows.get_mut(record.partition) {
            row.pass(record.offset);
        }
    }

    fn take(&mut self, record: &Record<'_>, taken: &Contribution<'_>) {
        let Event { partition, ts, key, value, .. } = taken.event;
        let Some(value) = value else { return };
        if self.differences.is_beyond || value == Decimal::default() {
            self.note(partition, ts, key);
            return;
        }
        let most = self.note(partition, ts, key);
        let (mut mark, mut is_in_a_right_one) = (Mark::default(), false);
        let mut add = |window: Window| {
            if self.differences.wrong.contains_key(&window) {
                mark = mark.plus(Mark::of(window, value));
            } else if !self.differences.unknown.contains(&window) {
                is_in_a_right_one = true;
            }
        };
        match self.added.window {
            None => add(Window::of(key, 0)),
            Some(window) => {
                for start in window.of(ts).filter(|start| window.takes(*start, most)) {
                    add(Window::of(key, start));
                }
            }
        }
        let steps: usize = self.rows.iter().map(Steps::len).sum();
        let Some(row) = self.rows.get_mut(partition) else { return };
        if is_in_a_right_one {
            row.bar(record.offset);
        } else if mark != Mark::default() {
            row.add(record.offset, record.at_ms, mark);
            self.differences.is_beyond = steps >= MOST;
        }
    }

    /// The largest time that the partition has brought to the task of the key.
    fn note(&mut self, partition: usize, ts: i64, key: &[u8]) -> i64 {
        let task = match self.added.apart_ms {
            Some(_) => usize::try_from(murmur2::partition(key, self.partitions)).unwrap_or_default(),
            None => partition,
        };
        let Some(most) = self.most.get_mut(task).and_then(|task| task.get_mut(partition)) else { return ts };
        *most = ts.max(*most);
        *most
    }

    fn total(&self, of: impl Fn(usize) -> bool) -> Mark {
        let wrong = self.differences.wrong.values().filter(|(task, _)| of(*task));
        wrong.fold(Mark::default(), |sum, (_, mark)| sum.plus(*mark))
    }

    fn ranges(&self, topic: &str) -> Vec<ExpectRange> {
        if self.differences.is_beyond {
            return Vec::new();
        }
        // Behind a repartition any partition may have brought all of it; without one each partition is a task of its own.
        let is_mixed = self.added.apart_ms.is_some();
        let wrong = |partition: usize| self.total(|task| is_mixed || task == partition);
        let rows = self.rows.iter().enumerate().map(|(partition, row)| (partition, row, wrong(partition)));
        let wrong_ones = rows.filter(|(_, _, wrong)| *wrong != Mark::default());
        let found: Vec<(usize, Vec<FoundRange>)> =
            wrong_ones.map(|(partition, row, wrong)| (partition, row.explaining(wrong))).collect();
        let ranges = |found: &FoundRange| found.ranges;
        let all: u64 = found.iter().flat_map(|(_, found)| found.iter().map(ranges)).sum();
        let told = found.iter().flat_map(|(partition, found)| {
            let ranges = if is_mixed { all } else { found.iter().map(ranges).sum() };
            found.iter().filter_map(move |found| self.range(topic, *partition, FoundRange { ranges, ..*found }))
        });
        told.collect()
    }

    fn range(&self, topic: &str, partition: usize, found: FoundRange) -> Option<ExpectRange> {
        let row = self.rows.get(partition)?;
        let (first, last) = (row.step(found.first)?, row.step(found.last)?);
        let events = u64::try_from(found.last - found.first + 1).unwrap_or(u64::MAX);
        Some(ExpectRange {
            topic: topic.to_owned(),
            partition: i32::try_from(partition).ok()?,
            is_lost: found.what == What::Lost,
            is_behind: false,
            from: first.offset,
            to: last.offset,
            may_begin_at: first.since,
            may_end_at: last.until,
            ranges: found.ranges,
            events,
            affected: events,
            written_from_ms: first.at,
            written_until_ms: last.at,
        })
    }

    /// Whether these ranges together add up to all that is wrong.
    fn is_explained_by(&self, ranges: &[ExpectRange]) -> bool {
        let mut sum = Mark::default();
        for range in ranges {
            let row = usize::try_from(range.partition).ok().and_then(|partition| self.rows.get(partition));
            let Some(row) = row else { return false };
            let Some(mark) = row.between(range.from, range.to) else { return false };
            sum = if range.is_lost { sum.minus(mark) } else { sum.plus(mark) };
        }
        !ranges.is_empty() && sum == self.total(|_| true)
    }
}
