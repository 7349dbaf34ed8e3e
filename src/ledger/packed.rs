//! A block of which nothing more is expected, though not all of it settled: stretches of events that ended alike.
//!
//! Events of a transaction follow each other, and so do those that an outage takes: a few bytes for each stretch. Where ends
//! alternate, the kinds of end are few, and a bit or two for each event tell which.

use std::sync::OnceLock;

use super::block::{BLOCK, Block, Marks, Span};

/// The marks of a block in little room, and when its events were due.
#[derive(Debug)]
pub(super) struct Packed {
    span: Span,
    compact: Compact,
    /// The block again, where something was noted of it after all.
    again: OnceLock<Box<Block>>,
}

#[derive(Debug)]
enum Compact {
    /// Where each stretch begins, and its marks.
    Stretches(Vec<(u16, Marks)>),
    /// The kinds of marks, and for each event the place of its own among these.
    Indexed { kinds: Vec<Marks>, bits: usize, words: Vec<u64> },
}

impl Packed {
    pub(super) fn of(block: &Block) -> Self {
        Self { span: block.span(), compact: Compact::of(block), again: OnceLock::new() }
    }

    /// A block whose events were all left out.
    pub(super) fn left_out(span: Span) -> Self {
        Self { span, compact: Compact::Stretches(vec![(0, Marks(Marks::OVER))]), again: OnceLock::new() }
    }

    /// Whether all of its events were left out, and nothing was noted of them since.
    pub(super) fn is_left_out(&self) -> bool {
        let is_over = |stretches: &[(u16, Marks)]| stretches == [(0, Marks(Marks::OVER))];
        self.again().is_none() && matches!(&self.compact, Compact::Stretches(stretches) if is_over(stretches))
    }

    pub(super) const fn span(&self) -> Span {
        self.span
    }

    /// The block, where it was opened again.
    pub(super) fn again(&self) -> Option<&Block> {
        self.again.get().map(Box::as_ref)
    }

    pub(super) fn marks(&self, sequence: u64) -> Marks {
        self.again().map_or_else(|| self.compact.at(within(sequence)), |block| block.marks(sequence))
    }

    /// Sets marks and returns those before.
    pub(super) fn mark(&self, sequence: u64, marks: Marks, settling: u8) -> Marks {
        let before = self.marks(sequence);
        if before.has(marks.0) {
            return before;
        }
        let inflated = || Box::new(Block::with((0..BLOCK).map(|at| self.compact.at(at)), self.span, settling));
        self.again.get_or_init(inflated).mark(sequence, marks, settling)
    }

    /// What it takes in memory beside itself.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let again = self.again().map_or(0, |_| BLOCK);
        again
            + match &self.compact {
                Compact::Stretches(stretches) => size_of_val(stretches.as_slice()),
                Compact::Indexed { kinds, words, .. } => kinds.len() + size_of_val(words.as_slice()),
            }
    }
}

impl Compact {
    fn of(block: &Block) -> Self {
        let mut stretches: Vec<(u16, Marks)> = Vec::new();
        let mut kinds: Vec<Marks> = Vec::new();
        for (at, marks) in (0..=u16::MAX).zip((0..BLOCK as u64).map(|at| block.marks(at))) {
            if stretches.last().is_none_or(|(_, last)| *last != marks) {
                stretches.push((at, marks));
                if !kinds.contains(&marks) {
                    kinds.push(marks);
                }
            }
        }
        // A power of two, so that no event's bits lie in two words.
        let bits = (usize::BITS - (kinds.len() - 1).leading_zeros()).max(1).next_power_of_two() as usize;
        if size_of_val(stretches.as_slice()) <= BLOCK * bits / 8 {
            stretches.shrink_to_fit();
            return Self::Stretches(stretches);
        }
        let mut words = vec![0_u64; BLOCK * bits / 64];
        for at in 0..BLOCK {
            let marks = block.marks(at as u64);
            let kind = kinds.iter().position(|kind| *kind == marks).unwrap_or(0);
            words[at * bits / 64] |= (kind as u64) << (at * bits % 64);
        }
        Self::Indexed { kinds, bits, words }
    }

    fn at(&self, within: usize) -> Marks {
        match self {
            Self::Stretches(stretches) => {
                let next = stretches.partition_point(|(first, _)| usize::from(*first) <= within);
                next.checked_sub(1).and_then(|at| stretches.get(at)).map_or(Marks::NONE, |(_, marks)| *marks)
            }
            Self::Indexed { kinds, bits, words } => {
                let word = words.get(within * bits / 64).copied().unwrap_or(0);
                let kind = word >> (within * bits % 64) & ((1 << bits) - 1);
                usize::try_from(kind).ok().and_then(|kind| kinds.get(kind)).copied().unwrap_or(Marks::NONE)
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the remainder is below 65,536")]
const fn within(sequence: u64) -> usize {
    sequence as usize % BLOCK
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::stamp::DueTime;
    use proptest::prelude::*;

    const SETTLING: u8 = Marks::ACKED | Marks::SEEN;
    const SETTLED: u8 = Marks::HANDED | SETTLING;

    /// A block with these marks, repeated to its end.
    fn block(marks: &[(u8, usize)]) -> (Block, Vec<Marks>) {
        let repeated = marks.iter().cycle().flat_map(|(marks, length)| std::iter::repeat_n(Marks(*marks), *length));
        let all: Vec<Marks> = repeated.take(BLOCK).collect();
        let due = DueTime::from_unix_ns(1);
        (Block::with(all.iter().copied(), Span::of(due, due), SETTLING), all)
    }

    fn ends() -> impl Strategy<Value = u8> {
        let aborted = Marks::HANDED | Marks::ABORTED;
        let kinds = [SETTLED, aborted, aborted | Marks::SEEN, Marks::REFUSED, Marks::OVER, Marks::HANDED | Marks::OVER];
        proptest::sample::select(kinds.to_vec())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn packing_changes_no_mark_and_what_is_noted_later_is_kept(
            stretches in prop::collection::vec((ends(), prop_oneof![1..3_usize, 50..5_000_usize]), 1..40),
            later in prop::collection::vec((0..BLOCK as u64, 0_u8..128), 0..50),
        ) {
            let (block, mut all) = block(&stretches);
            prop_assert!(block.is_resting());
            let packed = Packed::of(&block);
            let kinds: std::collections::BTreeSet<u8> = all.iter().map(|marks| marks.0).collect();
            let bits = if kinds.len() > 4 { 4 } else if kinds.len() > 2 { 2 } else { 1 };
            prop_assert!(packed.bytes() <= BLOCK * bits / 8 + kinds.len(), "{} for {}", packed.bytes(), kinds.len());
            for (sequence, expected) in (0_u64..).zip(&all) {
                prop_assert_eq!(packed.marks(sequence), *expected);
            }
            for (sequence, marks) in later {
                let at = usize::try_from(sequence).unwrap();
                prop_assert_eq!(packed.mark(sequence, Marks(marks), SETTLING), all[at]);
                all[at].0 |= marks;
            }
            let again = Packed::of(packed.again().unwrap_or(&block));
            for (sequence, expected) in (0_u64..).zip(&all) {
                prop_assert_eq!(again.marks(sequence), *expected);
            }
        }
    }

    #[test]
    fn a_transaction_takes_some_bytes_however_many_events_it_has() {
        let aborted = Marks::HANDED | Marks::ABORTED;
        let (block, _) = block(&[(SETTLED, 700), (aborted, 300)]);
        assert!(Packed::of(&block).bytes() <= 4 * 2 * BLOCK.div_ceil(1_000));
        let (block, _) = self::block(&[(SETTLED, 1), (aborted, 1)]);
        assert_eq!(Packed::of(&block).bytes(), BLOCK / 8 + 2, "a bit an event at the most");
    }

    #[test]
    fn what_is_known_already_opens_nothing() {
        let (block, _) = block(&[(SETTLED, 10), (Marks::REFUSED, 1)]);
        let packed = Packed::of(&block);
        assert_eq!(packed.mark(3, Marks(Marks::SEEN), SETTLING), Marks(SETTLED));
        assert!(packed.again().is_none());
        packed.mark(10, Marks(Marks::SEEN), SETTLING);
        assert!(packed.again().is_some_and(Block::is_resting));
    }
}
