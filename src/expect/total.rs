//! What a number of events come to: a sum, the least or the most, the last, how many different ones there are, or which are the greatest.

use std::collections::{BTreeMap, BTreeSet};

use super::decimal::Decimal;
use super::declare::Kind;
use super::list::{Items, Sum};
use super::outcome::Outcome;
use super::source::Event;

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
    Sum(Sum),
    /// The least and the most of them; which of the two is wanted.
    Extremes {
        least: Decimal,
        most: Decimal,
        is_most: bool,
    },
    /// By partition, the offset and value of the last.
    Last(BTreeMap<usize, (i64, Decimal)>),
    Distinct(BTreeSet<Decimal>),
    Items(Items),
}

impl Of {
    /// Takes an event in; `None` where it has no value, or it comes beyond what is kept.
    fn add(&mut self, kind: Kind, event: Event<'_>) -> Option<()> {
        let value = event.value?;
        let one = match (kind, &mut *self) {
            (Kind::Sum, Self::Sum(sum)) => {
                *sum = sum.plus(Sum::of(value))?;
                return Some(());
            }
            (Kind::Distinct, Self::Distinct(values)) => {
                values.insert(value);
                return Some(());
            }
            (Kind::Top(_), Self::Items(items)) => return items.add(event.item?, Sum::of(value)),
            (Kind::Sum, _) => Self::Sum(Sum::of(value)),
            (Kind::Min | Kind::Max, _) => Self::Extremes { least: value, most: value, is_most: kind == Kind::Max },
            (Kind::Last, _) => Self::Last(BTreeMap::from([(event.partition, (event.offset, value))])),
            (Kind::Distinct, _) => Self::Distinct(BTreeSet::from([value])),
            (Kind::Top(length), _) => {
                let mut items = Items::new(length);
                items.add(event.item?, Sum::of(value))?;
                Self::Items(items)
            }
        };
        self.join(one)
    }

    /// Takes another in; `None` where it comes beyond what is kept.
    fn join(&mut self, other: Self) -> Option<()> {
        match (self, other) {
            (_, Self::Nothing) => {}
            (this @ Self::Nothing, other) => *this = other,
            (Self::Sum(sum), Self::Sum(more)) => *sum = sum.plus(more)?,
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
            (Self::Items(items), Self::Items(others)) => items.join(&others)?,
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
        self.is_unknown |= self.of.add(kind, event).is_none();
    }

    pub(super) fn plus(mut self, other: &Self) -> Self {
        self.events += other.events;
        let joined = self.of.join(other.of.clone());
        self.is_unknown |= other.is_unknown || joined.is_none();
        self
    }

    /// The number that all of them come to; `None` where that is not one.
    pub(super) fn value(&self) -> Option<Decimal> {
        let (least, most) = self.bounds_with(&Self::default())?;
        (least == most && !matches!(self.of, Of::Last(_))).then_some(most)
    }

    /// Whether all of them come to that; `None` where nobody knows.
    pub(super) fn is(&self, outcome: &Outcome) -> Option<bool> {
        match (&self.of, outcome) {
            _ if self.is_unknown => None,
            // Which partition's event was the last of all no log tells.
            (Of::Last(last), Outcome::Number(value)) => Some(last.values().any(|(_, last)| last == value)),
            (Of::Items(items), Outcome::List(list)) => items.may_list(&Items::new(items.length()), list),
            (_, Outcome::Number(value)) => self.value().map(|all| all == *value),
            (_, Outcome::List(_) | Outcome::Score(_)) => Some(false),
        }
    }

    /// About how many values are kept of it.
    pub(super) fn weight(&self) -> usize {
        match &self.of {
            Of::Last(last) => last.len(),
            Of::Distinct(values) => values.len(),
            Of::Items(items) => items.len(),
            Of::Nothing | Of::Sum(_) | Of::Extremes { .. } => 0,
        }
    }

    /// Whether all of them and some part of `others` may come to it; `None` where nobody knows.
    pub(super) fn may_be_with(&self, others: &Self, outcome: &Outcome) -> Option<bool> {
        if others.events == 0 {
            return self.is(outcome);
        }
        if self.is_unknown || others.is_unknown {
            return None;
        }
        let value = match (&self.of, &others.of, outcome) {
            (Of::Items(items), Of::Items(others), Outcome::List(list)) => return items.may_list(others, list),
            (Of::Nothing, Of::Items(others), Outcome::List(list)) => {
                return Items::new(others.length()).may_list(others, list);
            }
            (_, _, Outcome::List(_) | Outcome::Score(_)) => return Some(false),
            (_, _, Outcome::Number(value)) => *value,
        };
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
            (Of::Sum(sum), Of::Nothing) => sum.bounds_with(Sum::default())?,
            (Of::Nothing, Of::Sum(sum)) => (sum.below, sum.above),
            (Of::Sum(sum), Of::Sum(more)) => sum.bounds_with(*more)?,
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
        let all = self.clone().plus(others);
        if let Of::Items(items) = &all.of {
            return items
                .list()
                .filter(|_| !all.is_unknown)
                .map_or_else(|| "unknown".to_owned(), |list| list.to_string());
        }
        match self.bounds_with(others) {
            None => "unknown".to_owned(),
            Some(_) if all.events == 0 => "none".to_owned(),
            Some((least, most)) if least == most => most.to_string(),
            Some((least, most)) => format!("{least} to {most}"),
        }
    }
}
