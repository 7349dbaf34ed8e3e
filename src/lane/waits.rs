//! The time for which a lane was kept from sending, as a function of time: kept(a, b) = until(b) - until(a). One for each
//! reason: no room in the client's queue (blocked), the ceiling (capped).

use std::collections::VecDeque;

use crate::clock::Nanos;

/// Intervals in which the lane was kept waiting, merged where they touch.
#[derive(Debug, Default)]
pub(super) struct Waits {
    intervals: VecDeque<Interval>,
    /// Of all intervals, those no longer kept included.
    total: Nanos,
}

#[derive(Clone, Copy, Debug)]
struct Interval {
    from: Nanos,
    to: Nanos,
    /// How long its catch-up may count as part of it.
    credit: Nanos,
}

/// The share of a wait that catching up may take and still count as blocked: a generator that can do five times the rate
/// needs no more. A slower one is late by its own fault, and that shows.
const CATCH_UP: u64 = 4;

/// Intervals kept: questions reach back to the oldest event that is due and not sent, which a stall bounds to what one
/// stall holds; two that lie closer than [`TOUCHING`] are one.
const KEPT: usize = 4096;
const TOUCHING: Nanos = Nanos(20_000);

impl Waits {
    /// Notes that the lane was kept waiting from `from` to `to`; later than all before.
    pub(super) fn add(&mut self, from: Nanos, to: Nanos) {
        match self.intervals.back_mut() {
            Some(last) if from <= last.to + TOUCHING => {
                self.total += to - last.to;
                last.credit += Nanos((to - from).0 / CATCH_UP);
                last.to = to;
            }
            _ => {
                self.total += to - from;
                self.intervals.push_back(Interval { from, to, credit: Nanos((to - from).0 / CATCH_UP) });
            }
        }
        if self.intervals.len() > KEPT {
            self.intervals.pop_front();
        }
    }

    /// Notes that at `now` the lane still works off what came due during the last wait: a consequence of the wait, up to a
    /// quarter of its length.
    pub(super) fn catch_up(&mut self, now: Nanos) {
        if let Some(last) = self.intervals.back_mut() {
            let more = (now - last.to).min(last.credit);
            last.to += more;
            last.credit = last.credit - more;
            self.total += more;
        }
    }

    /// When the last wait ended; zero before the first.
    pub(super) fn end(&self) -> Nanos {
        self.intervals.back().map_or(Nanos::ZERO, |last| last.to)
    }

    /// How long the lane had been kept waiting before `instant`, since the start.
    pub(super) fn until(&self, instant: Nanos) -> Nanos {
        let mut sum = self.total;
        // Most lanes are never kept waiting, and most questions are about now: asked four times an event.
        if self.end() <= instant {
            return sum;
        }
        for interval in self.intervals.iter().rev() {
            if interval.to <= instant {
                break;
            }
            sum = sum - (interval.to - interval.from.max(instant));
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_event_due_inside_a_stall_was_blocked_for_the_rest_of_it() {
        let mut blocked = Waits::default();
        blocked.add(Nanos::from_secs(10), Nanos::from_secs(13));
        let of = |due: Nanos, sent: Nanos| blocked.until(sent) - blocked.until(due);
        assert_eq!(of(Nanos::from_secs(11), Nanos::from_secs(14)), Nanos::from_secs(2));
        assert_eq!(of(Nanos::from_secs(5), Nanos::from_secs(14)), Nanos::from_secs(3));
        assert_eq!(of(Nanos::from_secs(13), Nanos::from_secs(14)), Nanos::ZERO);
    }

    #[test]
    fn catching_up_counts_as_blocked_up_to_a_quarter_of_the_wait() {
        let mut blocked = Waits::default();
        blocked.add(Nanos::from_secs(10), Nanos::from_secs(14));
        blocked.catch_up(Nanos::from_millis(14_500));
        assert_eq!(blocked.until(Nanos::from_secs(20)), Nanos::from_millis(4_500));
        blocked.catch_up(Nanos::from_secs(18));
        assert_eq!(blocked.until(Nanos::from_secs(20)), Nanos::from_secs(5));
    }

    proptest! {
        #[test]
        fn blocked_time_is_the_sum_of_the_overlaps(
            steps in proptest::collection::vec((30_000_u64..1_000_000, 1_u64..1_000_000), 0..50),
            a in 0_u64..60_000_000, b in 0_u64..60_000_000,
        ) {
            let (mut blocked, mut now, mut plain) = (Waits::default(), 0, Vec::new());
            for (gap, wait) in steps {
                now += gap;
                blocked.add(Nanos(now), Nanos(now + wait));
                plain.push((now, now + wait));
                now += wait;
            }
            let (a, b) = (a.min(b), a.max(b));
            let expected: u64 = plain.iter().map(|(from, to)| (*to).min(b).saturating_sub((*from).max(a))).sum();
            prop_assert_eq!(blocked.until(Nanos(b)) - blocked.until(Nanos(a)), Nanos(expected));
        }
    }
}
