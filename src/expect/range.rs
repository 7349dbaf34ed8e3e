//! Which range of a partition's events, lost or taken twice, adds up to what is wrong.
//!
//! What is wrong with each window is a number, and so is what each event adds to each. Every window has a factor drawn from its key and
//! start, and numbers are added modulo 2^128 times their window's factor: a range adds up to all that is wrong, window by window, when its
//! sum does. Sums of ranges are differences of running sums, so that one look at each event finds them.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::decimal::Decimal;

/// What is taken to be a number for each window: values times the windows' factors, summed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Mark(u128);

impl Mark {
    /// So much in that window.
    pub(super) const fn of(window: Window, value: Decimal) -> Self {
        Self(value.bits().wrapping_mul(window.0))
    }

    pub(super) const fn plus(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }

    pub(super) const fn minus(self, other: Self) -> Self {
        Self(self.0.wrapping_sub(other.0))
    }
}

/// A window of a key, by its factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Window(u128);

impl Window {
    pub(super) fn of(key: &[u8], start: i64) -> Self {
        let half = |which: u8| {
            let mut hasher = DefaultHasher::new();
            (which, start, key).hash(&mut hasher);
            u128::from(hasher.finish())
        };
        // Odd, so that no value but zero becomes zero.
        Self(half(0) << 64 | half(1) | 1)
    }
}

/// What happened to a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Lost,
    Twice,
}

/// An event of a partition that adds to windows that are wrong, and to no others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) offset: i64,
    /// When it was written, in ms.
    pub(super) at: i64,
    /// The running sum of the partition, this event included.
    sum: Mark,
    /// The first offset behind the last event that adds anything, and the last one before the next that does: between them nobody can tell.
    pub(super) since: i64,
    pub(super) until: i64,
    /// How many steps in a row end with this one.
    row: usize,
    /// The last event before it, and the first after it, that is in windows that came out right.
    bars: (i64, i64),
}

/// The steps of one partition.
#[derive(Clone, Debug)]
pub(super) struct Steps {
    list: Vec<Step>,
    sum: Mark,
    /// The first offset after the last event that adds anything.
    loose: Option<i64>,
    row: usize,
    /// The last event that is in windows that came out right.
    bar: i64,
}

/// Where ranges begin and end, as places among steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FoundRange {
    pub(super) what: What,
    /// The first step, and the last: of all ranges, where there are several.
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) ranges: u64,
}

impl Steps {
    pub(super) const fn new() -> Self {
        Self { list: Vec::new(), sum: Mark(0), loose: None, row: 0, bar: i64::MIN }
    }

    pub(super) const fn len(&self) -> usize {
        self.list.len()
    }

    /// A record that adds nothing of which is known whether it came out.
    pub(super) fn pass(&mut self, offset: i64) {
        self.loose.get_or_insert(offset);
        if let Some(step) = self.list.last_mut().filter(|_| self.row > 0) {
            step.until = offset;
        }
    }

    /// An event that is in windows that came out right: no range that explains anything has it.
    pub(super) fn bar(&mut self, offset: i64) {
        if let Some(step) = self.list.last_mut().filter(|_| self.row > 0) {
            step.bars.1 = offset;
        }
        (self.loose, self.row, self.bar) = (None, 0, offset);
    }

    /// An event that adds this to windows that are wrong.
    pub(super) fn add(&mut self, offset: i64, at: i64, mark: Mark) {
        self.sum = self.sum.plus(mark);
        self.row += 1;
        let since = self.loose.take().unwrap_or(offset);
        self.list.push(Step {
            offset,
            at,
            sum: self.sum,
            since,
            until: offset,
            row: self.row,
            bars: (self.bar, i64::MAX),
        });
    }

    pub(super) fn step(&self, place: usize) -> Option<&Step> {
        self.list.get(place)
    }

    /// The running sum before a step.
    fn before(&self, place: usize) -> Mark {
        place.checked_sub(1).and_then(|before| self.list.get(before)).map_or(Mark(0), |step| step.sum)
    }

    /// What the events from one offset to another add up to; `None` where one of them is, or may be, in windows that came out right.
    pub(super) fn between(&self, from: i64, to: i64) -> Option<Mark> {
        let first = self.list.partition_point(|step| step.offset < from);
        let end = self.list.partition_point(|step| step.offset <= to);
        let count = end - first;
        let bar = self.list.get(end).map_or(self.bar, |next| next.bars.0);
        let is_a_row = match self.list.get(first..end) {
            Some([first, .., last]) => first.bars.0 < from && last.bars.1 > to && last.row + 1 == first.row + count,
            Some([one]) => one.bars.0 < from && one.bars.1 > to,
            _ => false,
        };
        (bar < from || is_a_row).then(|| self.before(end).minus(self.before(first)))
    }

    /// The ranges that add up to `wrong` where they were taken twice, or to its opposite where they were lost.
    pub(super) fn explaining(&self, wrong: Mark) -> Vec<FoundRange> {
        let found = [(What::Twice, wrong), (What::Lost, Mark(0).minus(wrong))];
        found.into_iter().filter_map(|(what, sum)| self.ranges(what, sum)).collect()
    }

    fn ranges(&self, what: What, sum: Mark) -> Option<FoundRange> {
        // By the running sum before it, how many of a row's steps there are, and the first of them.
        let mut begins: HashMap<Mark, (u64, usize)> = HashMap::new();
        let mut found: Option<FoundRange> = None;
        for (last, step) in self.list.iter().enumerate() {
            if step.row == 1 {
                begins.clear();
            }
            begins.entry(self.before(last)).or_insert((0, last)).0 += 1;
            let Some((ranges, first)) = begins.get(&step.sum.minus(sum)).copied() else { continue };
            let all = found.get_or_insert(FoundRange { what, first, last, ranges: 0 });
            (all.first, all.last, all.ranges) = (all.first.min(first), last, all.ranges + ranges);
        }
        found
    }
}
