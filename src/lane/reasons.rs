//! Why events were not acked: by which code, and whose it was.

use crate::kafka::Code;
use crate::kafka::errors::About;

/// Stretches kept of one lane; what comes after them is told without a reason.
const MOST: usize = 20_000;

/// Reasons by sequence. Events that follow one another mostly fail alike, so they are kept as stretches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reasons(Vec<Stretch>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    first: u64,
    last: u64,
    code: Code,
    about: About,
}

impl Reasons {
    /// Notes why an event was not acked.
    pub(super) fn note(&mut self, sequence: u64, code: Code, about: About) {
        let goes_on = |last: &&mut Stretch| last.code == code && last.about == about && last.last + 1 == sequence;
        if let Some(last) = self.0.last_mut().filter(goes_on) {
            last.last = sequence;
        } else if self.0.len() < MOST {
            self.0.push(Stretch { first: sequence, last: sequence, code, about });
        }
    }

    /// Puts the stretches in order, for looking up.
    pub(super) fn settle(&mut self) {
        self.0.sort_by_key(|stretch| stretch.first);
    }

    /// Why that event was not acked, where it is known.
    #[must_use]
    pub fn of(&self, sequence: u64) -> Option<(Code, About)> {
        let after = self.0.partition_point(|stretch| stretch.first <= sequence);
        let stretch = self.0.get(after.checked_sub(1)?)?;
        (sequence <= stretch.last).then_some((stretch.code, stretch.about))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_the_reason_that_was_told_of_it_and_no_other_has_one() {
        let mut reasons = Reasons::default();
        let (large, late) = (Code::MessageSizeTooLarge, Code::MessageTimedOut);
        for sequence in [5, 6, 7, 20, 2] {
            reasons.note(sequence, large, About::RefusedByBroker);
        }
        reasons.note(8, late, About::NoAnswer);
        reasons.settle();
        assert_eq!(reasons.0.len(), 4, "{reasons:?}");
        for sequence in [2, 5, 6, 7, 20] {
            assert_eq!(reasons.of(sequence), Some((large, About::RefusedByBroker)), "{sequence}");
        }
        assert_eq!(reasons.of(8), Some((late, About::NoAnswer)));
        assert_eq!([0, 4, 9, 21].map(|sequence| reasons.of(sequence)), [None; 4]);
    }
}
