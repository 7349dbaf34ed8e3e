//! What had come due before the stop and was never drawn: it is scheduled too, and counts as not attempted.

use std::ops::Range;

use super::{Lane, in_time};
use crate::clock::{Clock, Nanos};
use crate::event::stamp::DueTime;
use crate::ledger::BLOCK;
use crate::publish::Publisher;
use crate::schedule::{Cursor, Due};

impl<P: Publisher, C: Clock> Lane<'_, P, C> {
    /// Counts it, when all answers are in: nothing waits meanwhile. Where events must be drawn for it, an abort ends it after a
    /// block of them.
    pub(super) fn count_unsent(&mut self, stopped: Nanos) {
        if stopped == Nanos::MAX {
            return;
        }
        self.setup.control.follow(&mut self.tempo);
        if let Some(end) = self.unsent_by_number(stopped) {
            while self.sequence < end {
                self.leave_out_by_number(self.sequence..self.block_end().min(end));
            }
            return;
        }
        while self.leave_out_by_drawing(stopped) {
            if self.setup.control.is_aborted() {
                self.end.uncounted = true;
                return;
            }
        }
    }

    /// The first sequence of the next block.
    const fn block_end(&self) -> u64 {
        (self.sequence / BLOCK as u64 + 1) * BLOCK as u64
    }

    /// When the lane's event `n` is due, where that is known without drawing it.
    fn due_by_number(&self, cursor: &mut Cursor, n: u64) -> Option<(Nanos, usize)> {
        let number = self.setup.source.number(n)?;
        match in_time(self.setup.schedule.due(cursor, number, Nanos::ZERO), &self.tempo) {
            Due::At(due, phase) => Some((due, phase)),
            Due::Now(_) | Due::Never => None,
        }
    }

    /// The sequence of the first event that was not due before `stopped`; `None` where events must be drawn to know.
    fn unsent_by_number(&self, stopped: Nanos) -> Option<u64> {
        self.setup.source.number(0)?;
        let mut cursor = Cursor::default();
        let mut is_due = |n| self.due_by_number(&mut cursor, n).is_some_and(|(due, _)| due < stopped);
        let (mut known, mut step) = (self.sequence, 1);
        while known < self.setup.room && is_due(known) {
            known = known.saturating_add(step);
            step *= 2;
        }
        // The last that was asked for is not due; the one a step before it was, or is the first.
        Some(first(self.sequence.max(known.saturating_sub(step / 2))..known.min(self.setup.room), |n| !is_due(n)))
    }

    fn leave_out_by_number(&mut self, unsent: Range<u64>) {
        let mut cursor = Cursor::default();
        let mut due = |n| self.due_by_number(&mut cursor, n);
        let (Some((first_due, first_phase)), Some((last_due, last_phase))) = (due(unsent.start), due(unsent.end - 1))
        else {
            // It was due a moment ago; should it not be, nothing after it is.
            self.sequence = unsent.end;
            return;
        };
        let starts: Vec<(usize, u64)> = (first_phase..=last_phase)
            .map(|phase| (phase, first(unsent.clone(), |n| due(n).is_some_and(|(_, of)| of >= phase))))
            .collect();
        for (phase, sequence) in starts {
            if let Some(start) = self.end.phase_starts.get_mut(phase) {
                *start = (*start).min(sequence);
            }
        }
        self.note_unsent(unsent, first_due, last_due);
    }

    /// Draws what is left of a block, and leaves out what had come due. Whether that was all of it.
    fn leave_out_by_drawing(&mut self, stopped: Nanos) -> bool {
        let block = self.sequence..self.block_end().min(self.setup.room);
        let (mut end, mut dues) = (block.start, None);
        while end < block.end {
            let Some(Due::At(due, phase)) = self.peek() else { break };
            if due >= stopped {
                break;
            }
            if let Some(start) = self.end.phase_starts.get_mut(phase) {
                *start = (*start).min(end);
            }
            dues = dues.map_or(Some((due, due)), |(first, _)| Some((first, due)));
            self.next = None;
            end += 1;
        }
        if let Some((first_due, last_due)) = dues {
            self.note_unsent(block.start..end, first_due, last_due);
        }
        !block.is_empty() && end == block.end
    }

    fn note_unsent(&mut self, unsent: Range<u64>, first_due: Nanos, last_due: Nanos) {
        let stamped = |due| DueTime::from_unix_ns(self.anchor.unix_ns(due));
        self.book.leave_out(unsent.clone(), stamped(first_due), stamped(last_due));
        self.end.first_due.get_or_insert(first_due);
        self.end.last_due = last_due;
        self.sequence = unsent.end;
        self.next = None;
    }
}

/// The first of `range` for which `holds`, which then holds for all after it; its end where there is none.
fn first(range: Range<u64>, mut holds: impl FnMut(u64) -> bool) -> u64 {
    let (mut from, mut until) = (range.start, range.end.max(range.start));
    while from < until {
        let middle = from + (until - from) / 2;
        if holds(middle) { until = middle } else { from = middle + 1 }
    }
    from
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_of_a_range_is_found_where_there_is_one(from in 0_u64..50, length in 0_u64..50, at in 0_u64..120) {
            let range = from..from + length;
            prop_assert_eq!(first(range.clone(), |n| n >= at), at.clamp(range.start, range.end));
        }
    }
}
