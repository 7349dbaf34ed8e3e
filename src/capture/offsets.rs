//! Offsets that were seen, in stretches.

use std::collections::BTreeMap;

use super::Captured;

/// The offsets of all partitions that were seen.
#[derive(Debug, Default)]
pub struct SeenOffsets {
    partitions: Vec<(String, i32, Offsets)>,
    /// The index of the partition of the last record.
    at: usize,
}

impl SeenOffsets {
    /// Takes the place of a record; false where it was seen before.
    pub fn add(&mut self, record: &Captured<'_>) -> bool {
        let is_of =
            |(topic, partition, _): &(String, i32, Offsets)| *partition == record.partition && topic == record.topic;
        // A block is of one partition.
        if !self.partitions.get(self.at).is_some_and(is_of) {
            self.at = self.partitions.iter().position(is_of).unwrap_or(self.partitions.len());
        }
        if self.at == self.partitions.len() {
            self.partitions.push((record.topic.to_owned(), record.partition, Offsets::default()));
        }
        self.partitions[self.at].2.add(record.offset)
    }
}

/// Offsets that were seen. Memory grows with the stretches, not with the offsets.
#[derive(Debug, Default)]
pub struct Offsets {
    /// From and to.
    stretches: BTreeMap<i64, i64>,
    distinct: u64,
    again: u64,
}

impl Offsets {
    /// Takes one; false where it was seen before.
    pub fn add(&mut self, offset: i64) -> bool {
        // A recording goes on where it was, nearly always.
        if let Some(mut last) = self.stretches.last_entry().filter(|last| *last.get() == offset) {
            *last.get_mut() += 1;
            self.distinct += 1;
            return true;
        }
        let before = self.stretches.range(..=offset).next_back().map(|(from, to)| (*from, *to));
        if before.is_some_and(|(_, to)| to > offset) {
            self.again += 1;
            return false;
        }
        let to = self.stretches.remove(&(offset + 1)).unwrap_or(offset + 1);
        let from = before.filter(|(_, to)| *to == offset).map_or(offset, |(from, _)| from);
        self.stretches.insert(from, to);
        self.distinct += 1;
        true
    }

    /// How many different ones.
    #[must_use]
    pub const fn distinct(&self) -> u64 {
        self.distinct
    }

    /// How often one came that was seen before.
    #[must_use]
    pub const fn again(&self) -> u64 {
        self.again
    }

    /// The first and the last one.
    #[must_use]
    pub fn span(&self) -> Option<(i64, i64)> {
        let first = self.stretches.first_key_value()?.0;
        let last = self.stretches.last_key_value()?.1;
        Some((*first, last - 1))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn offsets_in_any_order_are_counted_once_each(all in proptest::collection::vec(0..40_i64, 1..80)) {
            let (mut offsets, mut known) = (Offsets::default(), BTreeSet::new());
            for offset in &all {
                prop_assert_eq!(offsets.add(*offset), known.insert(*offset));
            }
            prop_assert_eq!(offsets.distinct(), known.len() as u64);
            prop_assert_eq!(offsets.again(), (all.len() - known.len()) as u64);
            prop_assert_eq!(offsets.span(), known.first().copied().zip(known.last().copied()));
            let stretches: Vec<_> = offsets.stretches.iter().collect();
            prop_assert!(stretches.windows(2).all(|pair| pair[0].1 < pair[1].0), "{:?}", stretches);
        }
    }
}
