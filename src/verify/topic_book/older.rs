//! Ids of the first layout, which did not say its version: three in four show themselves by the bits that are the layout now, and
//! tell whose the fourth is.

use crate::event::stamp::{DueTime, FirstStamp};
use crate::verify::sequences::Sequences;

/// Tags and lanes of that layout.
const NAMES: usize = 1 << 12;
/// How far two records of a lane may be apart that follow each other in what is read.
const NEAR: u64 = 1 << 20;
const CONFIRMED: u64 = 3;

/// What was met under one tag and lane of the first layout.
#[derive(Clone, Copy, Debug)]
struct OldLane {
    count: u64,
    continued: u64,
    last: (u64, DueTime),
    first_due: DueTime,
    last_due: DueTime,
}

impl OldLane {
    /// Ids that others draw at random do not go on from one another.
    const fn is_lane(&self) -> bool {
        self.count >= CONFIRMED && self.continued * 2 >= self.count
    }
}

/// Ids that are of no layout of today, by the tag and lane of the first.
#[derive(Debug, Default)]
pub(super) struct Older(Vec<Option<OldLane>>);

impl Older {
    pub(super) fn note(&mut self, stamp: FirstStamp) {
        if self.0.is_empty() {
            self.0 = vec![None; NAMES];
        }
        let (sequence, due) = (stamp.sequence(), stamp.due());
        let Some(place) = self.0.get_mut(usize::from(stamp.lane())) else { return };
        let lane =
            place.get_or_insert(OldLane { count: 0, continued: 0, last: (0, due), first_due: due, last_due: due });
        let (last, last_due) = lane.last;
        let follows = sequence.abs_diff(last) <= NEAR && (sequence > last) == (due >= last_due);
        lane.continued += u64::from(lane.count > 0 && follows);
        lane.count += 1;
        lane.last = (sequence, due);
        lane.first_due = lane.first_due.min(due);
        lane.last_due = lane.last_due.max(due);
    }

    /// Ids that are of the first layout for certain.
    pub(super) fn counted(&self) -> u64 {
        self.0.iter().flatten().filter(|lane| lane.is_lane()).map(|lane| lane.count).sum()
    }

    /// Whether a lane as it is read today is the fourth part of one of the first layout.
    pub(super) fn explains(&self, tag: u16, lane: u16, sequences: &Sequences) -> bool {
        // Its tag and lane are the first twelve of the 22 bits that are tag and lane today.
        let Some(Some(lane)) = self.0.get(usize::from(tag << 2 | lane >> 10)) else { return false };
        let (first_due, last_due) = sequences.due();
        lane.is_lane() && lane.count >= sequences.seen() && first_due <= lane.last_due && lane.first_due <= last_due
    }
}
