//! This machine's wall clock against the broker's, as records bracket it (F. Cristian, Probabilistic clock synchronization, 1989).
//!
//! A record is sent at `a` and acked at `b` by this machine's clock, and the broker has stamped it in between with `s`, in whole
//! milliseconds: at that moment the broker's clock stood at `s` to `s + 1 ms`. So the broker's clock less this one's lies between `s - b`
//! and `s + 1 ms - a`. Several records narrow it down to what all of them allow, below a millisecond, too.

use crate::clock::Nanos;

/// A clock that nobody sets goes no more than so many parts of a million wrong: quartzes are within 50 of the truth, two of them within 100 of
/// each other.
const WANDER: u64 = 100;
/// A clock that is known so well is known well enough.
pub const GOOD_BOUND_NS: i64 = 1_000_000;

/// What one record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bracket {
    /// When it was sent by this machine's clock: the wall clock in ns since the Unix epoch, or the monotonic one.
    pub sent_ns: u64,
    /// When it was acked.
    pub acked_ns: u64,
    /// The broker's stamp, in ms since the Unix epoch.
    pub stamp_ms: i64,
}

/// The broker's clock less this machine's: it lies between the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offset {
    /// At least, in ns.
    pub low_ns: i64,
    /// At most, in ns.
    pub high_ns: i64,
}

const STAMP_NS: i64 = 1_000_000;

impl Offset {
    /// What one record says.
    #[must_use]
    pub fn of(bracket: Bracket) -> Self {
        let local = |ns: u64| i64::try_from(ns).unwrap_or(i64::MAX);
        let stamp = bracket.stamp_ms.saturating_mul(STAMP_NS);
        let (low_ns, high_ns) =
            (stamp.saturating_sub(local(bracket.acked_ns)), (stamp + STAMP_NS).saturating_sub(local(bracket.sent_ns)));
        Self { low_ns, high_ns }
    }

    /// What all of them allow. Where they contradict one another, since a clock was set meanwhile, what the narrowest says.
    #[must_use]
    pub fn of_all(brackets: &[Bracket]) -> Option<Self> {
        let all: Vec<Self> = brackets.iter().copied().map(Self::of).collect();
        let narrowest = all.iter().copied().min_by_key(|offset| offset.width())?;
        let (low_ns, high_ns) = (all.iter().map(|one| one.low_ns).max()?, all.iter().map(|one| one.high_ns).min()?);
        Some(if low_ns <= high_ns { Self { low_ns, high_ns } } else { narrowest })
    }

    /// What both of them allow.
    fn and(self, other: Self) -> Option<Self> {
        let (low_ns, high_ns) = (self.low_ns.max(other.low_ns), self.high_ns.min(other.high_ns));
        (low_ns <= high_ns).then_some(Self { low_ns, high_ns })
    }

    /// What is left of it after so long.
    const fn aged(self, age: Nanos) -> Self {
        let wander_ns = (age.0 / 1_000_000 * WANDER + WANDER).cast_signed();
        Self { low_ns: self.low_ns.saturating_sub(wander_ns), high_ns: self.high_ns.saturating_add(wander_ns) }
    }

    const fn width(self) -> i64 {
        self.high_ns.saturating_sub(self.low_ns)
    }

    /// The best guess, in ns.
    #[must_use]
    pub const fn middle_ns(self) -> i64 {
        self.low_ns.saturating_add(self.width() / 2)
    }

    /// How far from the guess the truth can be, in ns.
    #[must_use]
    pub const fn bound_ns(self) -> i64 {
        self.width() / 2 + 1
    }

    /// The moment at which this machine's clock shows what the broker's does at `reference_ms`, in ns since the Unix epoch.
    #[must_use]
    pub fn local_ns(self, reference_ms: i64) -> u64 {
        u64::try_from(reference_ms.saturating_mul(STAMP_NS).saturating_sub(self.middle_ns())).unwrap_or_default()
    }
}

/// The broker's clock less this process's monotonic one, which nobody sets, as it goes on: what is known counts less the older it is (RFC 5905
/// calls that dispersion), and each record narrows it down again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Track {
    /// What all records allow, and when the last of them was sent.
    known: Option<(Nanos, Offset)>,
}

impl Track {
    /// Notes a record whose times are those of the monotonic clock, later than those before. Where it contradicts them, since the broker's clock was set or
    /// the partition has another leader, it alone counts.
    pub fn note(&mut self, bracket: Bracket) {
        let sent = Nanos(bracket.sent_ns);
        let new = Offset::of(bracket);
        let both = self.at(sent).and_then(|known| known.and(new));
        self.known = Some((sent, both.unwrap_or(new)));
    }

    /// How many records are written together by who goes on telling the time once a second. The first one of a transaction is on its
    /// way for longer than to the partition's leader and back, since the partition becomes part of the transaction before.
    #[must_use]
    pub fn records_of_a_beat(&self, now: Nanos) -> usize {
        if self.at(now).is_some_and(|known| known.bound_ns() <= GOOD_BOUND_NS) { 1 } else { 2 }
    }

    /// What is known at that time.
    #[must_use]
    pub fn at(&self, now: Nanos) -> Option<Offset> {
        self.known.map(|(at, offset)| offset.aged(now.saturating_since(at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_true_offset_lies_within_the_bound(
            truth in -10_000_000_000_i64..10_000_000_000,
            trips in proptest::collection::vec((0_u64..50_000_000, 0_u64..5_000_000, 0_u64..5_000_000), 1..20),
        ) {
            let mut at = 1_700_000_000_000_000_000_u64;
            let mut brackets = Vec::new();
            for (pause, there, back) in trips {
                at += pause;
                let stamped = i64::try_from(at + there).unwrap() + truth;
                brackets.push(Bracket { sent_ns: at, acked_ns: at + there + back, stamp_ms: stamped.div_euclid(STAMP_NS) });
                at += there + back;
            }
            let found = Offset::of_all(&brackets).unwrap();
            prop_assert!((found.middle_ns() - truth).abs() <= found.bound_ns(), "{found:?} and {truth}");
            let narrowest = brackets.iter().map(|one| Offset::of(*one).bound_ns()).min().unwrap();
            prop_assert!(found.bound_ns() <= narrowest);
        }
    }

    proptest! {
        #[test]
        fn a_clock_that_wanders_is_followed_within_the_bound(
            truth in 0_i64..10_000_000_000,
            ppm in -100_i64..=100,
            trips in proptest::collection::vec((0_u64..3_000_000_000, 0_u64..5_000_000, 0_u64..5_000_000), 1..100),
            later in 0_u64..60_000_000_000,
        ) {
            let offset_at = |at: u64| truth + i64::try_from(at).unwrap() / 1_000_000 * ppm;
            let (mut at, mut track) = (0_u64, Track::default());
            for (pause, there, back) in trips {
                at += pause;
                let stamped = i64::try_from(at + there).unwrap() + offset_at(at + there);
                track.note(Bracket { sent_ns: at, acked_ns: at + there + back, stamp_ms: stamped.div_euclid(STAMP_NS) });
                at += there + back;
            }
            let found = track.at(Nanos(at + later)).unwrap();
            prop_assert!((found.middle_ns() - offset_at(at + later)).abs() <= found.bound_ns(), "{found:?}");
        }
    }

    #[test]
    fn a_track_goes_on_from_a_reference_that_was_set() {
        let mut track = Track::default();
        let bracket = |second: u64, stamp_ms: i64| Bracket {
            sent_ns: second * 1_000_000_000,
            acked_ns: second * 1_000_000_000 + 2_000_000,
            stamp_ms,
        };
        for second in 1..10 {
            track.note(bracket(second, i64::try_from(second).unwrap() * 1_000 + 1));
        }
        track.note(bracket(10, 10_251));
        let now = Nanos::from_secs(10) + Nanos::from_millis(2);
        assert!((track.at(now).unwrap().middle_ns() - 250_000_000).abs() < 2_000_000);
        assert_eq!(Track::default().at(now), None);
    }

    #[test]
    fn a_beat_is_two_records_until_the_clock_is_known_well_and_again_when_that_is_too_old() {
        let mut track = Track::default();
        assert_eq!(track.records_of_a_beat(Nanos::ZERO), 2);
        track.note(Bracket { sent_ns: 0, acked_ns: 200_000, stamp_ms: 5 });
        let records_after = |seconds: u64| track.records_of_a_beat(Nanos::from_secs(seconds));
        assert_eq!([0, 1, 3, 5, 60].map(records_after), [1, 1, 1, 2, 2]);
    }

    #[test]
    fn a_clock_that_is_set_between_two_records_leaves_the_narrower_one() {
        let wide = Bracket { sent_ns: 0, acked_ns: 20_000_000, stamp_ms: 5 };
        let narrow = Bracket { sent_ns: 30_000_000, acked_ns: 31_000_000, stamp_ms: 1_030 };
        assert_eq!(Offset::of_all(&[wide, narrow]), Some(Offset::of(narrow)));
        assert_eq!(Offset::of_all(&[]), None);
    }
}
