//! The items with the greatest sums: which lists of them the events allow.
//!
//! Of items whose numbers are equal each may stand before the other, and each may be the one that the list has no more room for: no two
//! processors need agree there.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::decimal::Decimal;
use super::outcome::{Item, Outcome};

/// The sums of what lies above and below zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) above: Decimal,
    pub(super) below: Decimal,
}

impl Sum {
    pub(super) fn of(value: Decimal) -> Self {
        let none = Decimal::default();
        if value.is_negative() { Self { above: none, below: value } } else { Self { above: value, below: none } }
    }

    pub(super) fn plus(self, other: Self) -> Option<Self> {
        Some(Self { above: self.above.plus(other.above)?, below: self.below.plus(other.below)? })
    }

    /// The least and the most that all of it and any part of `others` come to.
    pub(super) fn bounds_with(self, others: Self) -> Option<(Decimal, Decimal)> {
        let sum = self.above.plus(self.below)?;
        Some((sum.plus(others.below)?, sum.plus(others.above)?))
    }
}

/// The sums of items, of which a list has so many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Items {
    length: usize,
    sums: BTreeMap<Box<[u8]>, Sum>,
}

impl Items {
    pub(super) const fn new(length: usize) -> Self {
        Self { length, sums: BTreeMap::new() }
    }

    pub(super) const fn length(&self) -> usize {
        self.length
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.sums.len()
    }

    /// Adds to an item; `None` where it comes beyond what is kept.
    pub(super) fn add(&mut self, name: &[u8], more: Sum) -> Option<()> {
        match self.sums.get_mut(name) {
            Some(sum) => *sum = sum.plus(more)?,
            None => drop(self.sums.insert(name.into(), more)),
        }
        Some(())
    }

    pub(super) fn join(&mut self, other: &Self) -> Option<()> {
        other.sums.iter().try_for_each(|(name, sum)| self.add(name, *sum))
    }

    /// The list of all of these; of equals the one whose name sorts first stands first.
    pub(super) fn list(&self) -> Option<Outcome> {
        let mut list = Vec::new();
        for (name, sum) in &self.sums {
            list.push(Item { name: name.clone(), number: sum.above.plus(sum.below)? });
        }
        list.sort_by_key(|item| Reverse(item.number));
        list.truncate(self.length);
        Some(Outcome::List(list))
    }

    /// Whether a list may come of all of these and any part of `others`; `None` where nobody knows.
    pub(super) fn may_list(&self, others: &Self, list: &[Item]) -> Option<bool> {
        let bounds = |name: &[u8]| {
            let of = |items: &Self| items.sums.get(name).copied();
            let (sum, more) = (of(self), of(others));
            Some(sum.unwrap_or_default().bounds_with(more.unwrap_or_default()).map(|bounds| (bounds, sum.is_some())))
                .filter(|_| sum.is_some() || more.is_some())
        };
        let mut named = BTreeSet::new();
        for item in list {
            let Some(known) = bounds(&item.name) else { return Some(false) };
            let ((least, most), _) = known?;
            if !named.insert(&*item.name) || item.number < least || item.number > most {
                return Some(false);
            }
        }
        let falls = list.windows(2).all(|pair| pair[0].number >= pair[1].number);
        if !falls || list.len() > self.length {
            return Some(false);
        }
        let smallest = list.last().filter(|_| list.len() == self.length).map(|item| item.number);
        for (name, sum) in self.sums.iter().filter(|(name, _)| !named.contains(&***name)) {
            let more = others.sums.get(name).copied().unwrap_or_default();
            // One that is not in the list, and must be somewhere, is no greater than the last of a full one.
            if smallest.is_none_or(|smallest| sum.bounds_with(more).is_none_or(|bounds| bounds.0 > smallest)) {
                return Some(false);
            }
        }
        Some(true)
    }
}
