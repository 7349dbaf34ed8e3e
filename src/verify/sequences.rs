//! The sequences of one lane as a reader meets them: which it has seen, which are missing in between, and which came twice.
//!
//! A lane numbers its events without a gap, and their due times rise with their numbers; both together tell its events from
//! those of another run that has the same tag. A block whose events have all been seen keeps no more than a line through
//! their due times, so memory follows what is missing, not how much was read.

mod block;
mod stretch;

use std::collections::BTreeMap;

use crate::event::stamp::DueTime;
use block::{BLOCK, Block, Cell, Point, Span};
use stretch::{Stretch, Stretches, between, has_pause};

/// How many steps of a lane's pace an event may be off its line, for each sequence between it and the ones known.
const STEPS_OFF: u128 = 8;

/// What is known of a sequence that was due at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// That event has been seen.
    Same,
    /// Its block was closed for want of room: whether it had been seen is no longer known.
    Forgotten,
    /// It is another run's: another event has that number, or this lane's cannot have been due then.
    Apart,
    /// It can be this lane's.
    Open {
        /// How far its due time is from the line through its neighbours, in 1/1024 ms.
        error: u64,
        /// Whether that is no more than the lane's own pace explains; never of a lane of which one event is known.
        is_near: bool,
    },
}

/// What a record is to the lane that it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Novelty {
    /// The first sighting of that event.
    First,
    /// The first whole one, after a damaged record that claimed to be it.
    Mended,
    /// The event had been seen before, or so had a damaged record that claims to be it.
    Again,
}

/// What has been seen of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SequenceState {
    /// Nothing.
    Unseen,
    /// A damaged record that claims to be it.
    Damaged,
    /// It is no longer known.
    Forgotten,
    /// The event, whole.
    Whole,
}

/// What is missing between the first and the last sequence seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Gaps {
    /// Those that may lie below where reading began.
    pub(super) below: u64,
    /// Those that something seen later, and long enough ago, should have followed.
    pub(super) missing: u64,
    /// Those at the edge: they may still be on their way, or lie where was not read yet.
    pub(super) open: u64,
}

/// Events of one run that follow one another; one alone, or a stretch of which the single ones are no longer known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) first_due: DueTime,
    pub(super) last_due: DueTime,
    /// How many of them were seen.
    pub(super) seen: u64,
}

/// Where a lane pauses around some time: the points before and after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    /// It goes on at its pace: both sides are of one run.
    None,
    /// It may be one run, or two.
    Doubtful,
    /// So much longer than its pace that the sides are taken for two runs, where an event between them says that there are two.
    Border,
}

/// One lane of one run.
#[derive(Debug)]
pub(super) struct Sequences {
    first: u64,
    last: u64,
    span: Span,
    seen: u64,
    forgotten: u64,
    open: BTreeMap<u64, Block>,
    settled: Stretches,
}

impl Sequences {
    /// A lane whose first sighting is this one.
    pub(super) fn begin(sequence: u64, due: DueTime) -> Self {
        let mut block = Block::around(sequence, due);
        block.see(sequence, due);
        Self {
            first: sequence,
            last: sequence,
            span: Span::of(due),
            seen: 1,
            forgotten: 0,
            open: BTreeMap::from([(sequence / BLOCK, block)]),
            settled: Stretches::default(),
        }
    }

    /// Whether event `sequence`, due at `due`, has been seen here, and whether it can be this lane's: due times rise with the number.
    pub(super) fn fit(&self, sequence: u64, due: DueTime) -> Fit {
        let number = sequence / BLOCK;
        match self.open.get(&number).map(|block| block.cell(sequence)) {
            Some(Cell::Seen(at)) => return if at == due { Fit::Same } else { Fit::Apart },
            Some(Cell::Unseen | Cell::Damaged) => {}
            None => match self.settled.at(number) {
                Some(stretch) if stretch.missing > 0 => {
                    return if self.around(stretch).holds(due) { Fit::Forgotten } else { Fit::Apart };
                }
                Some(stretch) if !stretch.span.holds(due) => return Fit::Apart,
                Some(stretch) if stretch.line(sequence).abs_diff(due.ticks()) > stretch.error => return Fit::Apart,
                Some(_) => return Fit::Same,
                None => {}
            },
        }
        let ends = ((self.first, self.span.first), (self.last, self.span.last));
        if sequence > self.last {
            let expected = || between(ends.0, ends.1, sequence);
            return if due < self.span.last { Fit::Apart } else { self.open(expected(), due, sequence - self.last) };
        }
        if sequence < self.first {
            if due > self.span.first {
                return Fit::Apart;
            }
            // As far before the first as the line would be after it.
            let after = between(ends.0, ends.1, self.first + (self.first - sequence));
            let expected = (2 * self.span.first.ticks()).saturating_sub(after);
            return self.open(expected, due, self.first - sequence);
        }
        let (Some(before), Some(after)) = (self.before(sequence), self.after(sequence)) else { return Fit::Apart };
        if due < before.1 || due > after.1 {
            return Fit::Apart;
        }
        self.open(between(before, after, sequence), due, after.0 - before.0)
    }

    /// What fits at so many steps from what is known.
    fn open(&self, expected: u64, due: DueTime, steps: u64) -> Fit {
        let error = expected.abs_diff(due.ticks());
        let (known, took) = (self.last - self.first, self.span.last.ticks() - self.span.first.ticks());
        let explained = STEPS_OFF * u128::from(steps) * u128::from(took);
        Fit::Open { error, is_near: known > 0 && u128::from(error) * u128::from(known) <= explained }
    }

    /// Notes a record of event `sequence`, due at `due`, which fits.
    pub(super) fn note(&mut self, sequence: u64, due: DueTime, damaged: bool) -> Novelty {
        let number = sequence / BLOCK;
        let block = self.open.entry(number).or_insert_with(|| Block::around(sequence, due));
        let noted = match (block.cell(sequence), damaged) {
            (Cell::Seen(_), _) | (Cell::Damaged, true) => return Novelty::Again,
            (Cell::Damaged, false) => Novelty::Mended,
            (Cell::Unseen, _) => Novelty::First,
        };
        if damaged {
            block.damage(sequence);
            return noted;
        }
        block.see(sequence, due);
        let is_whole = block.is_full() && !has_pause(block);
        self.seen += 1;
        (self.first, self.last) = (self.first.min(sequence), self.last.max(sequence));
        self.span = self.span.join(Span::of(due));
        if is_whole {
            self.settle(number);
        }
        noted
    }

    /// Notes that an event came of which it is no longer known whether it had been seen.
    pub(super) const fn forget(&mut self) {
        self.forgotten += 1;
    }

    /// Whether a damaged record can claim to be event `sequence`: nothing says that there are events beyond those seen.
    pub(super) fn covers(&self, sequence: u64) -> bool {
        (self.first..=self.last).contains(&sequence)
    }

    /// When events of a stretch with gaps can have been due: between its neighbours.
    fn around(&self, stretch: &Stretch) -> Span {
        let before = self.before(stretch.from * BLOCK).map_or(stretch.span.first, |(_, due)| due);
        let after = self.after(stretch.end * BLOCK - 1).map_or(stretch.span.last, |(_, due)| due);
        Span { first: before.min(stretch.span.first), last: after.max(stretch.span.last) }
    }

    /// The last point before a sequence.
    fn before(&self, sequence: u64) -> Option<Point> {
        let number = sequence / BLOCK;
        if let Some(point) = self.open.get(&number).and_then(|block| block.before(sequence)) {
            return Some(point);
        }
        let open = self.open.range(..number).rev().find_map(|(_, block)| block.last());
        let settled = self.settled.before(number);
        open.into_iter().chain(settled).max_by_key(|(at, _)| *at)
    }

    /// The first point after a sequence.
    fn after(&self, sequence: u64) -> Option<Point> {
        let number = sequence / BLOCK;
        if let Some(point) = self.open.get(&number).and_then(|block| block.after(sequence)) {
            return Some(point);
        }
        let open = self.open.range(number + 1..).find_map(|(_, block)| block.first());
        let settled = self.settled.after(number);
        open.into_iter().chain(settled).min_by_key(|(at, _)| *at)
    }

    /// How the lane goes on past `due`, where it has points on both sides of it.
    pub(super) fn pause_at(&self, due: DueTime) -> Pause {
        let (mut before, mut after): (Option<Point>, Option<Point>) = (None, None);
        for block in self.open.values() {
            before = before.max(block.due_by(due));
            let later = block.points().find(|(_, at)| *at > due);
            after = after.into_iter().chain(later).min_by_key(|(at, _)| *at);
        }
        for stretch in self.settled.iter() {
            let (first, last) = (stretch.first(), stretch.last());
            if last.1 <= due {
                before = before.max(Some(last));
            } else if first.1 > due {
                after = after.into_iter().chain([first]).min_by_key(|(at, _)| *at);
            } else {
                // No pause was within it when it was closed.
                return if stretch.missing > 0 { Pause::Doubtful } else { Pause::None };
            }
        }
        let (Some(before), Some(after)) = (before, after) else { return Pause::None };
        let (steps, ticks) = (after.0 - before.0, after.1.ticks() - before.1.ticks());
        let others = (self.last - self.first).saturating_sub(steps);
        let rest = (self.span.last.ticks() - self.span.first.ticks()).saturating_sub(ticks);
        if others == 0 {
            return Pause::Border;
        }
        let longer_than =
            |times: u128| u128::from(ticks) * u128::from(others) > times * u128::from(steps) * u128::from(rest);
        match (longer_than(STEPS_OFF), longer_than(2)) {
            (true, _) => Pause::Border,
            (false, true) => Pause::Doubtful,
            (false, false) => Pause::None,
        }
    }

    /// Takes out what was due after `due`. `None` where all is on one side of it.
    pub(super) fn split_off(&mut self, due: DueTime) -> Option<Self> {
        if !(self.span.first <= due && due < self.span.last) {
            return None;
        }
        let mut taken = BTreeMap::new();
        for (number, block) in &mut self.open {
            if let Some(later) = block.split_off(due) {
                taken.insert(*number, later);
            }
        }
        self.open.retain(|_, block| block.seen() > 0);
        let later = self.settled.split_off(due);
        let forgotten = self.forgotten;
        let bounds = (self.first, self.last);
        let head = Self::of(std::mem::take(&mut self.open), std::mem::take(&mut self.settled), bounds);
        let tail = Self::of(taken, later, bounds);
        let (head, tail) = (head?, tail?);
        *self = Self { forgotten, ..head };
        Some(tail)
    }

    /// A lane of these blocks and stretches, which lie between these sequences.
    fn of(open: BTreeMap<u64, Block>, settled: Stretches, bounds: (u64, u64)) -> Option<Self> {
        let ends = |stretch: &Stretch| stretch.within(bounds);
        let first = open
            .values()
            .filter_map(|block| Some(block.first()?.0))
            .chain(settled.iter().map(|of| ends(of).0))
            .min()?;
        let last =
            open.values().filter_map(|block| Some(block.last()?.0)).chain(settled.iter().map(|of| ends(of).1)).max()?;
        let spans = open.values().filter_map(Block::span).chain(settled.iter().map(|stretch| stretch.span));
        let span = spans.reduce(Span::join)?;
        let within = |stretch: &Stretch| {
            let (first, last) = ends(stretch);
            (last + 1).saturating_sub(first + stretch.missing)
        };
        let seen = open.values().map(Block::seen).sum::<u64>() + settled.iter().map(within).sum::<u64>();
        Some(Self { first, last, span, seen, forgotten: 0, open, settled })
    }

    /// Stops keeping a block event by event.
    fn settle(&mut self, number: u64) {
        let Some(block) = self.open.remove(&number) else { return };
        if let Some(stretch) = Stretch::of(number, &block, (self.first, self.last)) {
            self.settled.insert(stretch);
        }
    }

    /// Gives the lowest block up, to make room. What is missing in it stays missing.
    pub(super) fn close_lowest(&mut self) -> bool {
        let lowest = self.open.keys().next().copied();
        lowest.inspect(|number| self.settle(*number)).is_some()
    }

    /// Blocks kept event by event.
    pub(super) fn open_blocks(&self) -> usize {
        self.open.len()
    }

    pub(super) const fn first(&self) -> u64 {
        self.first
    }

    pub(super) const fn last(&self) -> u64 {
        self.last
    }

    pub(super) const fn seen(&self) -> u64 {
        self.seen
    }

    pub(super) const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    pub(super) const fn due(&self) -> (DueTime, DueTime) {
        (self.span.first, self.span.last)
    }

    /// Sequences between the first and the last that were not seen.
    pub(super) const fn unseen(&self) -> u64 {
        (self.last - self.first + 1).saturating_sub(self.seen + self.forgotten)
    }

    /// What is missing. Of sequences below `low` and from `bound` on nothing is claimed, nor of those that something due after
    /// `cutoff` was the first to follow.
    pub(super) fn gaps(&self, cutoff: DueTime, low: u64, bound: u64) -> Gaps {
        let low = low.clamp(self.first, self.last + 1);
        let edge = self.edge(cutoff).min(bound).clamp(low, self.last + 1);
        let unseen = |edge: u64| (edge - self.first).saturating_sub(self.seen_before(edge)).min(self.unseen());
        let below = unseen(low);
        let missing = unseen(edge).saturating_sub(below);
        Gaps { below, missing, open: self.unseen() - below - missing }
    }

    fn seen_before(&self, edge: u64) -> u64 {
        let open: u64 = self.open.range(..=edge / BLOCK).map(|(_, block)| block.seen_before(edge)).sum();
        let settled = self.settled.iter().map(|stretch| {
            let (from, end) = ((stretch.from * BLOCK).max(self.first), (stretch.end * BLOCK).min(edge));
            end.saturating_sub(from).saturating_sub(stretch.missing)
        });
        open + settled.sum::<u64>() + if edge > self.first { self.forgotten } else { 0 }
    }

    /// The sequence after the last one that was due by `cutoff`.
    fn edge(&self, cutoff: DueTime) -> u64 {
        if self.span.last <= cutoff {
            return self.last + 1;
        }
        let open = self.open.values().rev().find_map(|block| block.due_by(cutoff)).map_or(0, |(at, _)| at + 1);
        let settled = self.settled.iter().rev().find(|stretch| stretch.span.first <= cutoff);
        let end = |stretch: &Stretch| if stretch.span.last <= cutoff { stretch.end } else { stretch.from };
        let settled = settled.map_or(0, |stretch| end(stretch) * BLOCK);
        open.max(settled)
    }

    /// All that was seen, single events where they are still known.
    pub(super) fn segments(&self) -> impl Iterator<Item = Segment> + '_ {
        let single =
            |(sequence, due)| Segment { first: sequence, last: sequence, first_due: due, last_due: due, seen: 1 };
        let stretch = |of: &Stretch| {
            let (first, last) = of.within((self.first, self.last));
            let seen = (last + 1 - first).saturating_sub(of.missing);
            Segment { first, last, first_due: of.span.first, last_due: of.span.last, seen }
        };
        self.settled.iter().map(stretch).chain(self.open.values().flat_map(Block::points).map(single))
    }

    /// What has been seen of a sequence.
    pub(super) fn state_of(&self, sequence: u64) -> SequenceState {
        let number = sequence / BLOCK;
        if let Some(block) = self.open.get(&number) {
            return match block.cell(sequence) {
                Cell::Unseen => SequenceState::Unseen,
                Cell::Damaged => SequenceState::Damaged,
                Cell::Seen(_) => SequenceState::Whole,
            };
        }
        match self.settled.at(number) {
            None => SequenceState::Unseen,
            Some(stretch) if stretch.missing > 0 => SequenceState::Forgotten,
            Some(_) => SequenceState::Whole,
        }
    }
}

#[cfg(test)]
mod tests;
