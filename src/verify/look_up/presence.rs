//! Which events a re-scan has found: a bit for each.

/// The events of one lane that are in the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presence(Vec<u64>);

impl Presence {
    /// Notes that the event is there.
    pub fn note(&mut self, sequence: u64) {
        let Ok(word) = usize::try_from(sequence / 64) else { return };
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (sequence % 64);
    }

    /// Whether the event is there.
    #[must_use]
    pub fn has(&self, sequence: u64) -> bool {
        let word = usize::try_from(sequence / 64).ok().and_then(|word| self.0.get(word));
        word.is_some_and(|word| word & (1 << (sequence % 64)) != 0)
    }
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
}
