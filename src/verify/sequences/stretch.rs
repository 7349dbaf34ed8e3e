//! Neighbouring blocks of a lane that are no longer kept event by event: a line through their due times is left of each stretch.

use super::block::{BLOCK, Block, Point, Span};
use crate::event::stamp::DueTime;

/// Stretches of settled blocks kept apart, at most: more are joined.
pub(super) const STRETCHES: usize = 1024;
/// A pause so long, in 1/1024 ms, that is also 32 times the mean step, may be the border between two runs: what lies on both
/// sides of it is kept apart.
const PAUSE: u64 = 256 * 1024;
const PAUSE_STEPS: u64 = 32;

/// Neighbouring blocks that are no longer kept event by event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) from: u64,
    pub(super) end: u64,
    /// Sequences in it that had not been seen when it was closed.
    pub(super) missing: u64,
    pub(super) span: Span,
    /// No event in it was due farther than that from the line between its ends.
    pub(super) error: u64,
}

impl Stretch {
    /// What is left of a block whose events, as far as they were seen, lie between these sequences of the lane.
    pub(super) fn of(number: u64, block: &Block, (first, last): (u64, u64)) -> Option<Self> {
        let (start, end) = ((number * BLOCK).max(first), ((number + 1) * BLOCK).min(last + 1));
        let missing = end.saturating_sub(start) - block.seen();
        let mut stretch = Self { from: number, end: number + 1, missing, span: block.span()?, error: 0 };
        stretch.error =
            block.points().map(|(at, due)| stretch.line(at).abs_diff(due.ticks())).max().unwrap_or_default();
        Some(stretch)
    }

    /// Its first point.
    pub(super) const fn first(&self) -> Point {
        (self.from * BLOCK, self.span.first)
    }

    /// Its last point.
    pub(super) const fn last(&self) -> Point {
        (self.end * BLOCK - 1, self.span.last)
    }

    /// Its first and last sequence, as far as they lie between these.
    pub(super) fn within(&self, (lowest, highest): (u64, u64)) -> (u64, u64) {
        ((self.from * BLOCK).max(lowest), (self.end * BLOCK - 1).min(highest))
    }

    /// When a sequence of it was due, if it lies on the line between its ends.
    pub(super) fn line(&self, sequence: u64) -> u64 {
        between(self.first(), self.last(), sequence)
    }
}

/// The due time on the line through two points, in 1/1024 ms.
pub(super) fn between(one: Point, other: Point, sequence: u64) -> u64 {
    let (steps, ticks) = (other.0 - one.0, other.1.ticks() - one.1.ticks());
    let along = u128::from(sequence.saturating_sub(one.0)) * u128::from(ticks) / u128::from(steps.max(1));
    one.1.ticks().saturating_add(u64::try_from(along).unwrap_or(u64::MAX))
}

/// The stretches of a lane, in their order.
#[derive(Debug, Default)]
pub(super) struct Stretches(Vec<Stretch>);

impl Stretches {
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Stretch> {
        self.0.iter()
    }

    /// The one that has block `number`.
    pub(super) fn at(&self, number: u64) -> Option<&Stretch> {
        let place = self.0.partition_point(|stretch| stretch.end <= number);
        self.0.get(place).filter(|stretch| stretch.from <= number)
    }

    /// The last point before block `number`.
    pub(super) fn before(&self, number: u64) -> Option<Point> {
        let place = self.0.partition_point(|stretch| stretch.end <= number);
        place.checked_sub(1).map(|at| self.0[at].last())
    }

    /// The first point after block `number`.
    pub(super) fn after(&self, number: u64) -> Option<Point> {
        let place = self.0.partition_point(|stretch| stretch.from <= number);
        self.0.get(place).map(Stretch::first)
    }

    /// Takes one in, and joins it with its neighbours where nothing is lost by it.
    pub(super) fn insert(&mut self, stretch: Stretch) {
        let place = self.0.partition_point(|other| other.end <= stretch.from);
        self.0.insert(place, stretch);
        self.join(place);
        self.join(place.saturating_sub(1));
        if self.0.len() > STRETCHES {
            self.join_any();
        }
    }

    /// Takes out those that begin after `due`.
    pub(super) fn split_off(&mut self, due: DueTime) -> Self {
        let (earlier, later) = self.0.iter().partition(|stretch| stretch.span.first <= due);
        self.0 = earlier;
        Self(later)
    }

    /// Joins a stretch with the next one where they touch, are of a kind and have no pause between them.
    fn join(&mut self, place: usize) {
        let (Some(one), Some(next)) = (self.0.get(place).copied(), self.0.get(place + 1).copied()) else {
            return;
        };
        let span = one.span.join(next.span);
        let pauses = is_pause(next.span.first.ticks().saturating_sub(one.span.last.ticks()), span, next.end - one.from);
        if one.end == next.from && (one.missing > 0) == (next.missing > 0) && !pauses {
            self.merge(place, one, next);
        }
    }

    /// Joins the first two stretches that touch: what lies there is known less exactly from now on.
    fn join_any(&mut self) {
        let touching = self.0.windows(2).position(|pair| pair[0].end == pair[1].from);
        if let Some(place) = touching {
            let (one, next) = (self.0[place], self.0[place + 1]);
            self.merge(place, one, next);
        }
    }

    fn merge(&mut self, place: usize, one: Stretch, next: Stretch) {
        let (missing, span) = (one.missing + next.missing, one.span.join(next.span));
        let mut merged = Stretch { from: one.from, end: next.end, missing, span, error: 0 };
        // Between two points a line is nowhere farther from another than at one of them.
        let bend = |at: u64, due: DueTime| merged.line(at).abs_diff(due.ticks());
        let bend = bend(one.end * BLOCK - 1, one.span.last).max(bend(next.from * BLOCK, next.span.first));
        merged.error = one.error.max(next.error) + bend;
        self.0[place] = merged;
        self.0.remove(place + 1);
    }
}

/// Whether a step of so many 1/1024 ms is a pause among events of so many blocks.
fn is_pause(step: u64, span: Span, blocks: u64) -> bool {
    let mean = (span.last.ticks() - span.first.ticks()) / (blocks * BLOCK);
    step >= PAUSE && step > mean.saturating_mul(PAUSE_STEPS)
}

pub(super) fn has_pause(block: &Block) -> bool {
    let Some(span) = block.span() else { return false };
    let dues = || block.points().map(|(_, due)| due.ticks());
    let longest = dues().zip(dues().skip(1)).map(|(one, next)| next.saturating_sub(one)).max();
    longest.is_some_and(|longest| is_pause(longest, span, 1))
}
