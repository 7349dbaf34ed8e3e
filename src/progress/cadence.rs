//! When a line is due where there is no terminal: every 5 s.

use crate::clock::Nanos;

const EVERY: Nanos = Nanos::from_secs(5);
/// What is told once a second comes a little before or after its second: so much before a line's time is in time.
const EARLY: Nanos = Nanos::from_millis(500);

/// The times of lines: multiples of 5 s from zero, zero left out.
#[derive(Debug, Default)]
pub(super) struct Cadence {
    /// Of how many of them there was a line.
    told: u64,
}

impl Cadence {
    /// Whether a line is due at `now`; it counts as told then.
    pub(super) fn is_time(&mut self, now: Nanos) -> bool {
        let due = (now + EARLY).0 / EVERY.0;
        let is_time = due > self.told;
        self.told = self.told.max(due);
        is_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_five_seconds_have_one_line_however_early_or_late_a_second_is_told(
            off in proptest::collection::vec(-400_i64..400, 1..200),
        ) {
            let mut cadence = Cadence::default();
            let mut lines = 0;
            for (second, off) in (1_i64..).zip(off.iter().copied()) {
                let now = Nanos::from_millis(u64::try_from(second * 1_000 + off).unwrap());
                lines += usize::from(cadence.is_time(now));
            }
            prop_assert_eq!(lines, off.len() / 5);
        }
    }

    #[test]
    fn a_process_that_slept_over_several_lines_has_one() {
        let mut cadence = Cadence::default();
        assert!(cadence.is_time(Nanos::from_secs(31)));
        assert!(!cadence.is_time(Nanos::from_secs(32)));
        assert!(cadence.is_time(Nanos::from_secs(35)));
    }
}
