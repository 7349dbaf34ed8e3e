//! The time of a clock that is not this machine's, and how far from it those are who write by their own: what a reader needs to tell how
//! old is what others wrote.

use std::sync::{Mutex, PoisonError};

use super::{Anchor, Clock, Monotonic, wall_unix_ns};

/// How far a clock is from the reference, and how well that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeasuredOffset {
    /// The reference less the clock, in ns.
    pub offset_ns: i64,
    /// The true offset is at most so far from that.
    pub bound_ns: u64,
}

/// What is known of the reference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReferenceState {
    /// The reference less this process's monotonic clock.
    pub own: MeasuredOffset,
    /// The reference less the clock by which each writer's events are due; none, where a writer has told nothing.
    pub writers: Vec<Option<MeasuredOffset>>,
    /// Lanes of each writer: those of the first come first.
    pub lanes: u16,
}

impl ReferenceState {
    /// How far the clock of whoever has that lane is, by its number in stamps: a lane that goes on as another one has those beyond all lanes.
    #[must_use]
    pub fn of_lane(&self, lane: u16) -> Option<MeasuredOffset> {
        let writer = usize::from(lane.checked_div(self.lanes)?).checked_rem(self.writers.len())?;
        *self.writers.get(writer)?
    }
}

/// A clock that several machines have measured theirs against. Whoever measures tells it, and readers ask.
#[derive(Debug)]
pub struct Reference {
    clock: Monotonic,
    known: Mutex<ReferenceState>,
}

impl Reference {
    /// What is known of it by the time of that clock.
    #[must_use]
    pub const fn new(clock: Monotonic, known: ReferenceState) -> Self {
        Self { clock, known: Mutex::new(known) }
    }

    /// Notes what is known by now.
    pub fn tell(&self, known: ReferenceState) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// What is known by now.
    #[must_use]
    pub fn known(&self) -> ReferenceState {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it shows now, in ns since the Unix epoch.
    #[must_use]
    pub fn unix_ns(&self) -> u64 {
        let offset_ns = self.known.lock().unwrap_or_else(PoisonError::into_inner).own.offset_ns;
        self.clock.now().0.saturating_add_signed(offset_ns)
    }

    /// What it shows at the zero of that clock.
    #[must_use]
    pub fn anchor(&self, clock: Monotonic) -> Anchor {
        let (now, wall) = (self.unix_ns(), wall_unix_ns());
        let ahead_ns = i64::try_from(i128::from(now) - i128::from(wall)).unwrap_or(i64::MAX);
        Anchor::ahead(now.saturating_sub(clock.now().0), ahead_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_that_of_the_writer_who_has_it_and_nothing_is_known_of_others() {
        let apart = |offset_ns| Some(MeasuredOffset { offset_ns, bound_ns: 5 });
        let known =
            ReferenceState { own: MeasuredOffset::default(), writers: vec![apart(1), None, apart(3)], lanes: 2 };
        let of = [0, 1, 2, 3, 4, 5, 6].map(|lane| known.of_lane(lane));
        assert_eq!(of, [apart(1), apart(1), None, None, apart(3), apart(3), apart(1)]);
        assert_eq!(ReferenceState::default().of_lane(0), None);
    }

    #[test]
    fn it_goes_on_with_the_monotonic_clock_from_where_it_was_told_to_stand() {
        let clock = Monotonic::start();
        let own = MeasuredOffset { offset_ns: 7_000_000_000, bound_ns: 0 };
        let reference = Reference::new(clock, ReferenceState { own, ..ReferenceState::default() });
        let (before, told, after) = (clock.now().0, reference.unix_ns(), clock.now().0);
        assert!((before + 7_000_000_000..=after + 7_000_000_000).contains(&told));
        let anchor = reference.anchor(clock);
        let moved = anchor.unix_ns(crate::clock::Nanos::ZERO).abs_diff(7_000_000_000);
        assert!(moved < 1_000_000_000, "{moved}");
        assert!(anchor.drift_ns(&clock).unsigned_abs() < 1_000_000_000);
    }
}
