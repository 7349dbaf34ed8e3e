//! The ceiling on what all lanes of a process send together: event by event, so that no window of time holds more than it
//! allows, and nothing is saved up.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::{LONGEST_TURN, Lane, SPIN};
use crate::clock::{Clock, Nanos};
use crate::publish::Publisher;
use crate::schedule::Rate;

/// Lets one event through, and the next one a period later at the earliest. A token bucket would let a burst through after any
/// time without events, however small the bucket is.
#[derive(Debug)]
pub struct Ceiling {
    /// When the next event may go, in ns since the run's zero.
    next_ns: AtomicU64,
    /// From an event to the next.
    period: Nanos,
}

impl Ceiling {
    /// The part of `lanes` lanes in a ceiling of `rate` over `all` of them.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    pub fn new(rate: Rate, lanes: u32, all: u32) -> Self {
        let part = f64::from(lanes.max(1)) / f64::from(all.max(1));
        // Rounded up: a ceiling that is a little too low is not exceeded.
        let period = Nanos((1e9 / (rate.as_f64() * part)).ceil() as u64);
        Self { next_ns: AtomicU64::new(0), period }
    }

    /// Lets an event through, or says how long none will be.
    fn admit(&self, now: Nanos) -> Result<(), Nanos> {
        let after = |next: u64| (now.0 >= next).then_some((now + self.period).0);
        let taken = self.next_ns.fetch_update(Ordering::AcqRel, Ordering::Acquire, after);
        taken.map(|_| ()).map_err(|next| Nanos(next) - now)
    }
}

/// How a lane stands to the ceiling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Admission {
    /// It has not asked.
    #[default]
    None,
    /// It is held back, by what was let through at this time.
    HeldBack(Nanos),
    /// Its next event may go.
    Given,
}

impl<P: Publisher, C: Clock> Lane<'_, P, C> {
    /// Whether an event may go now; else it has waited a moment. What was let through and not sent is asked for once.
    pub(super) fn is_admitted(&mut self) -> bool {
        let Some(ceiling) = &self.setup.ceiling else { return true };
        if self.admission == Admission::Given {
            return true;
        }
        let now = self.clock.now();
        let Err(wait) = ceiling.admit(now) else {
            if let Admission::HeldBack(since) = self.admission {
                self.note_held_back(since);
            }
            self.admission = Admission::Given;
            return true;
        };
        if !matches!(self.admission, Admission::HeldBack(_)) {
            // It is the event before this one that holds it back, also while the lane was still at work on that.
            self.admission = Admission::HeldBack((now + wait).saturating_since(ceiling.period).min(now));
        }
        if wait > SPIN {
            self.clock.sleep_until((now + wait - SPIN).min(now + LONGEST_TURN));
        } else {
            // A sleep is longer than that, and what it takes too long is not made up for.
            thread::yield_now();
        }
        false
    }

    /// The wait for the ceiling is over. What was a wait for room meanwhile, or before, stays that.
    fn note_held_back(&mut self, since: Nanos) {
        let until = self.clock.now();
        let from = since.max(self.capped.end()).max(self.blocked.end()).min(until);
        self.capped.add(from, until);
        self.catching_up = false;
        self.setup.recorder.open().capped += until - from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_part_of_the_lanes_has_that_part_of_the_ceiling() {
        let period = |rate, lanes, all| Ceiling::new(Rate::per_second(rate).unwrap(), lanes, all).period;
        assert_eq!([period(2_000, 1, 1), period(6_000, 2, 6)], [Nanos(500_000); 2]);
        assert_eq!(period(3, 1, 1), Nanos(333_333_334), "rounded so that no second has a fourth");
    }

    proptest! {
        /// Whenever it is asked, and however long nothing was sent before.
        #[test]
        fn no_window_of_time_has_more_than_the_ceiling(waits in proptest::collection::vec(0_u64..3_000_000, 1..300)) {
            let ceiling = Ceiling::new(Rate::per_second(1_000).unwrap(), 1, 1);
            let (mut now, mut let_through) = (Nanos::ZERO, Vec::new());
            for wait in waits {
                now += Nanos(wait);
                match ceiling.admit(now) {
                    Ok(()) => let_through.push(now),
                    Err(wait) => prop_assert_eq!(Some(now + wait), let_through.last().map(|last| *last + ceiling.period)),
                }
            }
            for pair in let_through.windows(2) {
                prop_assert!(pair[1] - pair[0] >= ceiling.period);
            }
        }
    }
}
