//! This machine's wall clock against the broker's, as records bracket it (F. Cristian, Probabilistic clock synchronization, 1989).
//!
//! A record is sent at `a` and acked at `b` by this machine's clock, and the broker has stamped it in between with `s`, in whole
//! milliseconds: at that moment the broker's clock stood at `s` to `s + 1 ms`. So the broker's clock less this one's lies between `s - b`
//! and `s + 1 ms - a`. Several records narrow it down to what all of them allow, below a millisecond, too.

/// What one record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bracket {
    /// When it was sent, in ns since the Unix epoch by this machine's clock.
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

    #[test]
    fn a_clock_that_is_set_between_two_records_leaves_the_narrower_one() {
        let wide = Bracket { sent_ns: 0, acked_ns: 20_000_000, stamp_ms: 5 };
        let narrow = Bracket { sent_ns: 30_000_000, acked_ns: 31_000_000, stamp_ms: 1_030 };
        assert_eq!(Offset::of_all(&[wide, narrow]), Some(Offset::of(narrow)));
        assert_eq!(Offset::of_all(&[]), None);
    }
}
