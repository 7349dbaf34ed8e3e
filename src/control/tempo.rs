//! How schedule time runs: as fast as the clock, until a person makes a run faster, slower, or holds it.
//!
//! A tempo map is what a score has: a list of instants from which on time runs at another speed. Due times stay pure: event
//! n is due at `at(due(n))`, and the map before any instant that has passed never changes, since segments are only appended,
//! and begin later than anything a lane has looked at (see [`Control::change_tempo`](super::Control::change_tempo)).

use crate::clock::Nanos;

/// The speed of the plan, in percent of which others are given.
pub const AS_PLANNED: u32 = 100;

/// Schedule time as a function of the run's time, and back. Straight until the first change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tempo {
    segments: Vec<Segment>,
}

/// From `from` on, schedule time runs from `schedule` on at `percent` of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// When it begins.
    pub from: Nanos,
    /// Schedule time at that instant.
    pub schedule: Nanos,
    /// How fast it runs; 0 holds it.
    pub percent: u32,
}

impl Default for Tempo {
    fn default() -> Self {
        Self { segments: vec![Segment { from: Nanos::ZERO, schedule: Nanos::ZERO, percent: AS_PLANNED }] }
    }
}

impl Tempo {
    /// No answer of [`Tempo::at`] is later: held, nothing is due before somebody lets it go on.
    pub const HELD: Nanos = Nanos(u64::MAX - 1);

    /// The instant at which schedule time reaches `schedule`; [`Tempo::HELD`] where that is not known while it is held.
    #[must_use]
    pub fn at(&self, schedule: Nanos) -> Nanos {
        if self.is_straight() {
            return schedule;
        }
        let index = self.segments.iter().rposition(|segment| segment.schedule <= schedule).unwrap_or(0);
        let segment = self.segments[index];
        let ahead = u128::from((schedule - segment.schedule).0) * u128::from(AS_PLANNED);
        match (segment.percent, index + 1 < self.segments.len()) {
            // The next segment begins at the same schedule time, and rposition() would have found it.
            (0, true) => segment.from,
            (0, false) => Self::HELD,
            (percent, _) => later(segment.from, ahead.div_ceil(u128::from(percent))),
        }
    }

    /// What the clock means to the schedule: of events with due times below this, and of no others, `at(due) < instant`.
    #[must_use]
    pub fn before(&self, instant: Nanos) -> Nanos {
        if self.is_straight() {
            return instant;
        }
        let index = self.segments.iter().rposition(|segment| segment.from < instant).unwrap_or(0);
        let Segment { from, schedule, percent } = self.segments[index];
        match ((instant - from).0, percent) {
            (0, _) | (_, 0) => schedule,
            (passed, percent) => {
                let covered = u128::from(passed - 1) * u128::from(percent) / u128::from(AS_PLANNED) + 1;
                later(schedule, covered)
            }
        }
    }

    /// Schedule time at `instant`: the latest due time with `at(due) <= instant`.
    #[must_use]
    pub fn schedule_at(&self, instant: Nanos) -> Nanos {
        if self.is_straight() { instant } else { self.before(instant + Nanos(1)).saturating_since(Nanos(1)) }
    }

    /// The same map, running at `percent` from `from` on; `from` must be later than every change before.
    #[must_use]
    pub fn changed(&self, from: Nanos, percent: u32) -> Self {
        let mut segments = self.segments.clone();
        segments.push(Segment { from, schedule: self.before(from), percent });
        Self { segments }
    }

    /// Whether nothing was ever changed.
    #[must_use]
    pub fn is_straight(&self) -> bool {
        self.segments.len() == 1
    }

    /// How fast it runs at the end, in percent of the plan.
    #[must_use]
    pub fn percent(&self) -> u32 {
        self.segments.last().map_or(AS_PLANNED, |segment| segment.percent)
    }

    /// The changes, in order.
    pub fn changes(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().skip(1)
    }
}

fn later(from: Nanos, by: u128) -> Nanos {
    Nanos(u64::try_from(u128::from(from.0) + by).unwrap_or(Tempo::HELD.0).min(Tempo::HELD.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;

    fn tempo(changes: &[(u64, u32)]) -> Tempo {
        changes.iter().fold(Tempo::default(), |tempo, (from, percent)| tempo.changed(Nanos(*from), *percent))
    }

    #[test]
    fn a_map_that_nobody_changed_is_the_identity() {
        let tempo = Tempo::default();
        assert!(tempo.is_straight());
        for ns in [0, 1, 12_345, u64::MAX] {
            assert_eq!((tempo.at(Nanos(ns)), tempo.before(Nanos(ns))), (Nanos(ns), Nanos(ns)));
        }
    }

    #[test]
    fn at_half_the_speed_everything_is_due_twice_as_late_from_then_on() {
        let tempo = tempo(&[(10 * SECOND, 50)]);
        let at = |s| tempo.at(Nanos::from_secs(s));
        assert_eq!([at(9), at(10), at(11), at(20)], [9, 10, 12, 30].map(Nanos::from_secs));
        assert_eq!(tempo.before(Nanos::from_secs(30)), Nanos::from_secs(20));
    }

    #[test]
    fn what_is_held_is_due_when_it_is_let_go() {
        let held = tempo(&[(10 * SECOND, 0)]);
        assert_eq!(held.at(Nanos(10 * SECOND - 1)), Nanos(10 * SECOND - 1));
        assert_eq!(held.at(Nanos::from_secs(10)), Tempo::HELD);
        assert_eq!(held.before(Nanos::from_secs(99)), Nanos::from_secs(10));
        let gone_on = held.changed(Nanos::from_secs(15), 100);
        assert_eq!(gone_on.at(Nanos::from_secs(10)), Nanos::from_secs(15));
        assert_eq!(gone_on.at(Nanos::from_secs(12)), Nanos::from_secs(17));
        assert_eq!((gone_on.percent(), gone_on.changes().count()), (100, 2));
    }

    proptest! {
        /// Whoever asks by events and whoever asks by instants must count the same, at every instant.
        #[test]
        fn both_directions_count_the_same_events(
            changes in proptest::collection::vec((1_u64..5_000, prop_oneof![Just(0), 10_u32..300]), 0..8),
            mut events in proptest::collection::vec(0_u64..20_000, 1..60),
            instant in 0_u64..30_000,
        ) {
            let mut from = 0;
            let changes: Vec<_> = changes.into_iter().map(|(gap, percent)| { from += gap; (from, percent) }).collect();
            let tempo = tempo(&changes);
            events.sort_unstable();
            let below = tempo.before(Nanos(instant));
            for pair in events.windows(2) {
                prop_assert!(tempo.at(Nanos(pair[0])) <= tempo.at(Nanos(pair[1])));
            }
            for event in events {
                prop_assert_eq!(tempo.at(Nanos(event)) < Nanos(instant), Nanos(event) < below, "event {}", event);
            }
        }

        /// What was due before a change is due at the same instant after it: lanes may have sent it.
        #[test]
        fn a_change_leaves_the_past_alone(
            first in 1_u64..5_000, slow in 10_u32..300, gap in 1_u64..5_000, then in 0_u32..300, event in 0_u64..20_000,
        ) {
            let before = tempo(&[(first, slow)]);
            let change = Nanos(first + gap);
            let after = before.changed(change, then);
            if before.at(Nanos(event)) < change {
                prop_assert_eq!(after.at(Nanos(event)), before.at(Nanos(event)));
            } else {
                prop_assert!(after.at(Nanos(event)) >= change);
            }
        }
    }
}
