//! The sequences of one lane as a reader meets them: which it has seen, which are missing in between, and which came twice.
//!
//! A lane numbers its events without a gap, and their due times rise with their numbers; both together tell its events from
//! those of another run that has the same tag. A block whose events have all been seen keeps nothing but its due times, so
//! memory follows what is missing, not how much was read.

mod block;

use std::collections::BTreeMap;

use crate::event::stamp::DueTime;
pub(super) use block::mark_of;
use block::{BLOCK, Block, Cell, Span};

/// Stretches of settled blocks kept apart, at most: more are joined.
const STRETCHES: usize = 1024;

/// What a record is to the lane it claims to be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noted {
    /// The first sighting of that event.
    First,
    /// The first whole one, after a damaged record that claimed to be it.
    Mended,
    /// The event had been seen before.
    Again,
    /// Another event has that number, or it cannot have been due then: it is not this lane's.
    Another,
    /// Its block was closed for want of room: whether it had been seen before is no longer known.
    Forgotten,
}

/// What has been seen of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sighted {
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
    /// Those that something seen later, and long enough ago, should have followed.
    pub(super) missing: u64,
    /// Those at the edge: they may still be on their way, or lie where was not read yet.
    pub(super) open: u64,
}

/// Neighbouring blocks that are no longer kept event by event.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    from: u64,
    end: u64,
    /// Sequences in it that had not been seen when it was closed.
    missing: u64,
    span: Span,
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
    settled: Vec<Stretch>,
}

impl Sequences {
    /// A lane whose first sighting is this one.
    pub(super) fn begin(sequence: u64, due: DueTime, mark: u16) -> Self {
        let mut block = Block::new();
        block.see(sequence % BLOCK, mark, due);
        Self {
            first: sequence,
            last: sequence,
            span: Span::of(due),
            seen: 1,
            forgotten: 0,
            open: BTreeMap::from([(sequence / BLOCK, block)]),
            settled: Vec::new(),
        }
    }

    /// Notes a record that claims to be event `sequence`, due at `due`, with that mark.
    pub(super) fn note(&mut self, sequence: u64, due: DueTime, mark: u16, damaged: bool) -> Noted {
        if damaged && !(self.first..=self.last).contains(&sequence) {
            return Noted::Another;
        }
        let (number, within) = (sequence / BLOCK, sequence % BLOCK);
        let cell = match self.open.get(&number) {
            Some(block) => block.cell(within, mark),
            None => match self.stretch(number) {
                Some(stretch) if !stretch.span.holds(due) => return Noted::Another,
                Some(stretch) if stretch.missing > 0 => {
                    self.forgotten += u64::from(!damaged);
                    return Noted::Forgotten;
                }
                Some(_) => return if damaged { Noted::Another } else { Noted::Again },
                None => Cell::Unseen,
            },
        };
        let noted = match (cell, damaged) {
            (Cell::Seen { same: true }, false) | (Cell::Damaged, true) => return Noted::Again,
            (Cell::Seen { .. }, _) => return Noted::Another,
            (Cell::Damaged, false) => Noted::Mended,
            (Cell::Unseen, _) => Noted::First,
        };
        if !self.fits(sequence, due) {
            return Noted::Another;
        }
        let block = self.open.entry(number).or_insert_with(Block::new);
        if damaged {
            block.damage(within);
            return noted;
        }
        block.see(within, mark, due);
        let full = block.is_full();
        self.seen += 1;
        (self.first, self.last) = (self.first.min(sequence), self.last.max(sequence));
        self.span = self.span.join(Span::of(due));
        if full {
            self.settle(number);
        }
        noted
    }

    /// Whether event `sequence` of this lane can have been due then: due times rise with the number.
    fn fits(&self, sequence: u64, due: DueTime) -> bool {
        if sequence > self.last {
            return due >= self.span.last;
        }
        if sequence < self.first {
            return due <= self.span.first;
        }
        if !self.span.holds(due) {
            return false;
        }
        let number = sequence / BLOCK;
        let (mut before, mut after) = (None, None);
        if let Some(block) = self.open.get(&number) {
            let (earlier, later, own) = block.neighbours(sequence % BLOCK);
            if own.is_some_and(|span| span.holds(due)) {
                return true;
            }
            (before, after) = (earlier, later);
        }
        let before = before.or_else(|| self.last_due_before(number));
        let after = after.or_else(|| self.first_due_after(number));
        before.is_none_or(|before| before <= due) && after.is_none_or(|after| due <= after)
    }

    fn last_due_before(&self, number: u64) -> Option<DueTime> {
        let open = self.open.range(..number).rev().find_map(|(at, block)| Some((*at, block.span()?.last)));
        let place = self.settled.partition_point(|stretch| stretch.end <= number);
        let settled = place.checked_sub(1).map(|at| (self.settled[at].from, self.settled[at].span.last));
        open.into_iter().chain(settled).max_by_key(|(at, _)| *at).map(|(_, due)| due)
    }

    fn first_due_after(&self, number: u64) -> Option<DueTime> {
        let open = self.open.range(number + 1..).find_map(|(at, block)| Some((*at, block.span()?.first)));
        let place = self.settled.partition_point(|stretch| stretch.from <= number);
        let settled = self.settled.get(place).map(|stretch| (stretch.from, stretch.span.first));
        open.into_iter().chain(settled).min_by_key(|(at, _)| *at).map(|(_, due)| due)
    }

    fn stretch(&self, number: u64) -> Option<&Stretch> {
        let place = self.settled.partition_point(|stretch| stretch.end <= number);
        self.settled.get(place).filter(|stretch| stretch.from <= number)
    }

    /// Stops keeping a block event by event.
    fn settle(&mut self, number: u64) {
        let Some(block) = self.open.remove(&number) else { return };
        let Some(span) = block.span() else { return };
        let start = (number * BLOCK).max(self.first);
        let end = ((number + 1) * BLOCK).min(self.last + 1);
        let missing = end.saturating_sub(start) - block.seen();
        let place = self.settled.partition_point(|stretch| stretch.end <= number);
        self.settled.insert(place, Stretch { from: number, end: number + 1, missing, span });
        self.join(place);
        self.join(place.saturating_sub(1));
        if self.settled.len() > STRETCHES {
            self.join_any();
        }
    }

    /// Joins a stretch with the next one where they touch and are of a kind.
    fn join(&mut self, place: usize) {
        let (Some(one), Some(next)) = (self.settled.get(place).copied(), self.settled.get(place + 1).copied()) else {
            return;
        };
        if one.end == next.from && (one.missing > 0) == (next.missing > 0) {
            self.merge(place, one, next);
        }
    }

    /// Joins the first two stretches that touch: what lies there is known less exactly from now on.
    fn join_any(&mut self) {
        let touching = self.settled.windows(2).position(|pair| pair[0].end == pair[1].from);
        if let Some(place) = touching {
            let (one, next) = (self.settled[place], self.settled[place + 1]);
            self.merge(place, one, next);
        }
    }

    fn merge(&mut self, place: usize, one: Stretch, next: Stretch) {
        let (missing, span) = (one.missing + next.missing, one.span.join(next.span));
        self.settled[place] = Stretch { from: one.from, end: next.end, missing, span };
        self.settled.remove(place + 1);
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

    /// What is missing. Of sequences from `bound` on nothing is claimed, nor of those that something due after `cutoff` was the
    /// first to follow.
    pub(super) fn gaps(&self, cutoff: DueTime, bound: u64) -> Gaps {
        let edge = self.edge(cutoff).min(bound).clamp(self.first, self.last + 1);
        let missing = (edge - self.first).saturating_sub(self.seen_before(edge)).min(self.unseen());
        Gaps { missing, open: self.unseen() - missing }
    }

    fn seen_before(&self, edge: u64) -> u64 {
        let open = self.open.range(..=edge / BLOCK);
        let open: u64 = open.map(|(number, block)| block.seen_before(edge.saturating_sub(number * BLOCK))).sum();
        let settled = self.settled.iter().map(|stretch| {
            let (from, end) = ((stretch.from * BLOCK).max(self.first), (stretch.end * BLOCK).min(edge));
            end.saturating_sub(from).saturating_sub(stretch.missing)
        });
        open + settled.sum::<u64>() + self.forgotten
    }

    /// The first sequence of which all later ones were due after `cutoff`.
    fn edge(&self, cutoff: DueTime) -> u64 {
        if self.span.last <= cutoff {
            return self.last + 1;
        }
        let mut edge = self.last + 1;
        for (number, block) in self.open.iter().rev() {
            let within = block.edge(cutoff);
            edge = number * BLOCK + within;
            if within > 0 {
                break;
            }
        }
        // A settled stretch above that point, not all of it later than the cutoff, moves the edge up to its end.
        let settled = self.settled.iter().rev().find(|stretch| stretch.span.first <= cutoff);
        settled.map_or(edge, |stretch| edge.max(stretch.end * BLOCK))
    }

    /// What has been seen of a sequence.
    pub(super) fn sighted(&self, sequence: u64) -> Sighted {
        let number = sequence / BLOCK;
        if let Some(block) = self.open.get(&number) {
            return match block.sight(sequence % BLOCK) {
                Cell::Unseen => Sighted::Unseen,
                Cell::Damaged => Sighted::Damaged,
                Cell::Seen { .. } => Sighted::Whole,
            };
        }
        match self.stretch(number) {
            None => Sighted::Unseen,
            Some(stretch) if stretch.missing > 0 => Sighted::Forgotten,
            Some(_) => Sighted::Whole,
        }
    }
}

#[cfg(test)]
mod tests;
