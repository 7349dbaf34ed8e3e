//! What a number of events come to: a sum, the least or the most, the last, or how many different ones there are.

use std::collections::{BTreeMap, BTreeSet};

use super::decimal::Decimal;
use super::declare::Kind;
use super::fold::Event;

/// What some events come to, so that what any part of them comes to has bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Total {
    pub(super) events: u64,
    of: Of,
    /// It came beyond what is kept, or an event had no value that can be taken.
    pub(super) is_unknown: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Of {
    #[default]
    Nothing,
    /// The sums of what lies above and below zero.
    Sum {
        above: Decimal,
        below: Decimal,
    },
    /// The least and the most of them; which of the two is wanted.
    Extremes {
        least: Decimal,
        most: Decimal,
        is_most: bool,
    },
    /// By partition, the offset and value of the last.
    Last(BTreeMap<usize, (i64, Decimal)>),
    Distinct(BTreeSet<Decimal>),
}

impl Of {
    fn one(kind: Kind, value: Decimal, partition: usize, offset: i64) -> Self {
        let none = Decimal::default();
        match kind {
            Kind::Sum if value.is_negative() => Self::Sum { above: none, below: value },
            Kind::Sum => Self::Sum { above: value, below: none },
            Kind::Min | Kind::Max => Self::Extremes { least: value, most: value, is_most: kind == Kind::Max },
            Kind::Last => Self::Last(BTreeMap::from([(partition, (offset, value))])),
            Kind::Distinct => Self::Distinct(BTreeSet::from([value])),
        }
    }

    /// Takes another in; `None` where it comes beyond what is kept.
    fn join(&mut self, other: Self) -> Option<()> {
        match (self, other) {
            (_, Self::Nothing) => {}
            (this @ Self::Nothing, other) => *this = other,
            (Self::Sum { above, below }, Self::Sum { above: more, below: less }) => {
                (*above, *below) = (above.plus(more)?, below.plus(less)?);
            }
            (Self::Extremes { least, most, .. }, Self::Extremes { least: others, most: other, .. }) => {
                (*least, *most) = (others.min(*least), other.max(*most));
            }
            (Self::Last(last), Self::Last(others)) => {
                for (partition, of) in others {
                    let last = last.entry(partition).or_insert(of);
                    *last = of.max(*last);
                }
            }
            (Self::Distinct(values), Self::Distinct(others)) => values.extend(others),
            // All events of an expectation are of one kind.
            _ => {}
        }
        Some(())
    }

    fn count(values: usize) -> Decimal {
        Decimal::whole(u64::try_from(values).unwrap_or(u64::MAX))
    }
}

impl Total {
    pub(super) fn add(&mut self, kind: Kind, event: Event<'_>) {
        self.events += 1;
        let value = event.value.map(|value| Of::one(kind, value, event.partition, event.offset));
        let joined = value.and_then(|value| self.of.join(value));
        self.is_unknown |= joined.is_none();
    }

    pub(super) fn plus(mut self, other: &Self) -> Self {
        self.events += other.events;
        let joined = self.of.join(other.of.clone());
        self.is_unknown |= other.is_unknown || joined.is_none();
        self
    }

    /// What all of them come to; `None` where that is not one value.
    pub(super) fn value(&self) -> Option<Decimal> {
        let (least, most) = self.bounds_with(&Self::default())?;
        (least == most && !matches!(self.of, Of::Last(_))).then_some(most)
    }

    /// Whether all of them come to that value; `None` where nobody knows.
    pub(super) fn is(&self, value: Decimal) -> Option<bool> {
        match &self.of {
            _ if self.is_unknown => None,
            // Which partition's event was the last of all no log tells.
            Of::Last(last) => Some(last.values().any(|(_, last)| *last == value)),
            _ => self.value().map(|all| all == value),
        }
    }

    /// Whether all of them and some part of `others` may come to it; `None` where nobody knows.
    pub(super) fn may_be_with(&self, others: &Self, value: Decimal) -> Option<bool> {
        if others.events == 0 {
            return self.is(value);
        }
        let is_last = matches!((&self.of, &others.of), (Of::Last(_), _) | (_, Of::Last(_)));
        let (least, most) = self.bounds_with(others).filter(|_| !is_last)?;
        Some((least..=most).contains(&value))
    }

    /// The least and the most that all of these and any part of `others` come to.
    fn bounds_with(&self, others: &Self) -> Option<(Decimal, Decimal)> {
        if self.is_unknown || others.is_unknown {
            return None;
        }
        let bounds = match (&self.of, &others.of) {
            (Of::Nothing, Of::Nothing) => (Decimal::default(), Decimal::default()),
            (Of::Sum { above, below }, Of::Nothing) => {
                let sum = above.plus(*below)?;
                (sum, sum)
            }
            (Of::Nothing, Of::Sum { above, below }) => (*below, *above),
            (Of::Sum { above, below }, Of::Sum { above: more, below: less }) => {
                let sum = above.plus(*below)?;
                (sum.plus(*less)?, sum.plus(*more)?)
            }
            (Of::Extremes { least, most, is_most }, Of::Nothing) => {
                let value = if *is_most { *most } else { *least };
                (value, value)
            }
            (Of::Nothing, Of::Extremes { least, most, .. }) => (*least, *most),
            (Of::Extremes { most, is_most: true, .. }, Of::Extremes { most: other, .. }) => (*most, *most.max(other)),
            (Of::Extremes { least, .. }, Of::Extremes { least: other, .. }) => (*least.min(other), *least),
            (Of::Distinct(values), Of::Nothing) => (Of::count(values.len()), Of::count(values.len())),
            (Of::Nothing, Of::Distinct(values)) => (Decimal::whole(1), Of::count(values.len())),
            (Of::Distinct(values), Of::Distinct(others)) => {
                (Of::count(values.len()), Of::count(values.union(others).count()))
            }
            (Of::Last(last), other) | (other, Of::Last(last)) => {
                let mut all = Of::Last(last.clone());
                all.join(other.clone())?;
                let Of::Last(last) = all else { return None };
                let values = || last.values().map(|(_, value)| *value);
                (values().min()?, values().max()?)
            }
            _ => return None,
        };
        Some(bounds)
    }

    /// What all of these and any part of `others` come to, for a message.
    pub(super) fn told_with(&self, others: &Self) -> String {
        match self.bounds_with(others) {
            None => "unknown".to_owned(),
            Some(_) if self.events + others.events == 0 => "none".to_owned(),
            Some((least, most)) if least == most => most.to_string(),
            Some((least, most)) => format!("{least} to {most}"),
        }
    }
}
