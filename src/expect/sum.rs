//! What a number of events adds up to.

use super::decimal::Decimal;

/// Events, and the sums of what they add above and below zero. Apart, so that the sum of any part of them has bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) events: u64,
    above: Decimal,
    below: Decimal,
    /// It came beyond what is kept, or an event had no value that can be added.
    pub(super) is_unknown: bool,
}

impl Sum {
    pub(super) fn add(&mut self, value: Option<Decimal>) {
        self.events += 1;
        let Some(value) = value else {
            self.is_unknown = true;
            return;
        };
        let part = if value.is_negative() { &mut self.below } else { &mut self.above };
        match part.plus(value) {
            Some(sum) => *part = sum,
            None => self.is_unknown = true,
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        let (above, below) = (self.above.plus(other.above), self.below.plus(other.below));
        Self {
            events: self.events + other.events,
            above: above.unwrap_or_default(),
            below: below.unwrap_or_default(),
            is_unknown: self.is_unknown || other.is_unknown || above.is_none() || below.is_none(),
        }
    }

    /// What all of them add up to.
    pub(super) fn value(self) -> Option<Decimal> {
        self.above.plus(self.below).filter(|_| !self.is_unknown)
    }

    /// The least and the most that all of these and any part of `others` add up to.
    pub(super) fn bounds_with(self, others: Self) -> Option<(Decimal, Decimal)> {
        let value = self.value()?;
        let bounds = (value.plus(others.below)?, value.plus(others.above)?);
        (!others.is_unknown).then_some(bounds)
    }
}
