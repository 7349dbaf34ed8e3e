//! Texts counted, in bounded memory.

use std::cmp::Reverse;
use std::collections::HashMap;

/// Distinct texts that are counted, at most: some 100 MB.
const MOST: usize = 1 << 20;

/// How often each text came.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    counts: HashMap<Box<str>, u64>,
    /// How often one came that there was no room for.
    beyond: u64,
}

impl Tally {
    pub(super) fn add(&mut self, text: &str) {
        self.add_up_to(MOST, text);
    }

    /// Counts it where it is one of the first `most` texts.
    pub(super) fn add_up_to(&mut self, most: usize, text: &str) {
        let has_room = self.counts.len() < most;
        match self.counts.get_mut(text) {
            Some(count) => *count += 1,
            None if has_room => _ = self.counts.insert(text.into(), 1),
            None => self.beyond += 1,
        }
    }

    /// Distinct texts that were counted.
    pub(super) fn len(&self) -> u64 {
        self.counts.len() as u64
    }

    pub(super) const fn beyond(&self) -> u64 {
        self.beyond
    }

    pub(super) fn counts(&self) -> impl Iterator<Item = (&str, u64)> {
        self.counts.iter().map(|(text, count)| (&**text, *count))
    }

    /// The most frequent ones.
    pub(super) fn hottest(&self, most: usize) -> Vec<(&str, u64)> {
        let mut counts: Vec<_> = self.counts().collect();
        counts.sort_unstable_by_key(|(text, count)| (Reverse(*count), *text));
        counts.truncate(most);
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_no_room_for_is_counted_together() {
        let mut tally = Tally::default();
        for text in ["a", "b", "c", "b", "d", "b", "a"] {
            tally.add_up_to(2, text);
        }
        assert_eq!((tally.len(), tally.beyond()), (2, 2));
        assert_eq!(tally.hottest(9), [("b", 3), ("a", 2)]);
        assert_eq!(tally.hottest(1), [("b", 3)]);
    }
}
