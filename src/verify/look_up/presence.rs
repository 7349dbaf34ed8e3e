//! Which events a re-scan has found: a bit for each.

use std::collections::BTreeMap;

/// Events whose bits lie together.
const BLOCK: u64 = 1024;

/// The events of one lane that are in the log. Where a stamp that is not ours passes the check by chance, its sequence may be any: it
/// costs one block, however far away it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presence(BTreeMap<u64, [u64; (BLOCK / 64) as usize]>);

impl Presence {
    /// Notes that the event is there.
    pub fn note(&mut self, sequence: u64) {
        let (word, bit) = place(sequence);
        self.0.entry(sequence / BLOCK).or_default()[word] |= bit;
    }

    /// Whether the event is there.
    #[must_use]
    pub fn has(&self, sequence: u64) -> bool {
        let (word, bit) = place(sequence);
        self.0.get(&(sequence / BLOCK)).is_some_and(|block| block[word] & bit != 0)
    }
}

/// The word of its block in which an event's bit is, and the bit.
const fn place(sequence: u64) -> (usize, u64) {
    ((sequence % BLOCK / 64) as usize, 1 << (sequence % 64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_noted_is_there_and_nothing_else(noted in proptest::collection::btree_set(0_u64..2_000, 0..200)) {
            let mut presence = Presence::default();
            for sequence in &noted {
                presence.note(*sequence);
            }
            for sequence in 0..2_100 {
                prop_assert_eq!(presence.has(sequence), noted.contains(&sequence));
            }
        }
    }

    #[test]
    fn a_sequence_far_beyond_all_others_costs_one_block() {
        let mut presence = Presence::default();
        for sequence in [0, 1, (1 << 40) - 1] {
            presence.note(sequence);
        }
        assert_eq!(presence.0.len(), 2);
        assert!(presence.has((1 << 40) - 1) && !presence.has(1 << 39));
    }
}
