//! The end of a run: every drawn event gets its class, by lane and phase.

use std::collections::HashMap;

use super::class::{Answer, Class, Facts, LookUp, Sight};
use super::rules::{Rule, Rules};
use super::{BLOCK, LaneBook, LedgerCounts, Marks, Outstanding, Waiting};

/// One event that did not end as verified or unverified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Its sequence in the lane.
    pub sequence: u64,
    /// Its class.
    pub class: Class,
    /// What the verifier saw of it.
    pub sight: Sight,
    /// What a look at its offset found.
    pub look_up: LookUp,
    /// What was known of it when its answer came, if it was acked and remembered.
    pub outstanding: Option<Outstanding>,
}

/// What was found out after the run about the events of a lane.
pub trait Evidence {
    /// What lies at the offset of an acked event that nobody saw.
    fn look_up(&self, event: &Outstanding) -> LookUp;

    /// Whether what was seen of an event, and was damaged, lies elsewhere than where the event was acked: then it is another
    /// producer's.
    fn is_elsewhere(&self, event: &Outstanding) -> bool;

    /// Whether all that was seen was looked for again, so that [`Evidence::is_gone`] can be asked.
    fn has_searched(&self) -> bool;

    /// Whether an event that was seen is proven to be no longer in the log.
    fn is_gone(&self, sequence: u64) -> bool;
}

/// Judges all drawn events of a lane. `phase_starts[i]` is the lane's first sequence in phase i. `each` gets every event that
/// is neither verified nor unverified, and says whether it wants more; after a no, blocks of which all was left out are counted as
/// blocks: of a long overload there are millions.
pub fn judge_lane(
    book: &LaneBook,
    waiting: &Waiting,
    phase_starts: &[u64],
    verifying: bool,
    evidence: &impl Evidence,
    mut each: impl FnMut(Judged) -> bool,
) -> Vec<LedgerCounts> {
    let mut counts = vec![LedgerCounts::default(); phase_starts.len().max(1)];
    let outstanding: HashMap<u64, &Outstanding> =
        waiting.events().iter().map(|event| (event.sequence, event)).collect();
    let open = book.open();
    let settled_class = if verifying { Class::Verified } else { Class::Unverified };
    let searched = verifying && evidence.has_searched();
    let drawn = book.drawn();
    let (mut sequence, mut wants_more) = (0, true);
    while sequence < drawn {
        let block_end = (sequence / BLOCK as u64 + 1) * BLOCK as u64;
        if open.is_freed(sequence) && !searched {
            let end = block_end.min(drawn);
            add_range(&mut counts, phase_starts, sequence..end, settled_class);
            sequence = end;
            continue;
        }
        if !wants_more && block_end <= drawn && open.is_left_out(sequence) {
            add_range(&mut counts, phase_starts, sequence..block_end, follow(book.rules, Class::NotAttempted));
            sequence = block_end;
            continue;
        }
        for sequence in sequence..block_end.min(drawn) {
            let remembered = outstanding.get(&sequence).copied();
            let is_elsewhere = || remembered.is_some_and(|event| evidence.is_elsewhere(event));
            let known = known(open.marks(sequence), verifying, is_elsewhere, |sight| match sight {
                Sight::Unseen => remembered.map(|event| evidence.look_up(event)),
                Sight::Right => (searched && evidence.is_gone(sequence)).then_some(LookUp::Gone),
                Sight::Damaged => None,
            });
            let class = follow(book.rules, Class::of(known));
            if let Some(count) = counts.get_mut(phase_of(phase_starts, sequence)) {
                count.add(class, 1);
            }
            if !matches!(class, Class::Verified | Class::Unverified) {
                let Facts { sight, look_up, .. } = known;
                wants_more = each(Judged { sequence, class, sight, look_up, outstanding: remembered.copied() });
            }
        }
        sequence = block_end;
    }
    counts
}

fn known(
    marks: Marks,
    verifying: bool,
    is_elsewhere: impl FnOnce() -> bool,
    look_up: impl FnOnce(Sight) -> Option<LookUp>,
) -> Facts {
    let answer = marks.answer();
    let must_look = verifying && answer == Answer::Acked;
    let sight = if marks.has(Marks::SEEN) {
        Sight::Right
    } else if marks.has(Marks::DAMAGED) && !(must_look && is_elsewhere()) {
        Sight::Damaged
    } else {
        Sight::Unseen
    };
    let look_up = if must_look { look_up(sight) } else { None }.unwrap_or(LookUp::Nothing);
    Facts { answer, sight, look_up, aborted: marks.has(Marks::ABORTED), verifying }
}

/// The class that a checker gives which follows these rules: with one missing, what the rule is about passes as good.
const fn follow(rules: Rules, class: Class) -> Class {
    let rule = match class {
        Class::Refused => Rule::Refused,
        Class::Contradicted => Rule::Contradicted,
        Class::UnknownUnseen => Rule::UnknownUnseen,
        Class::UnknownSeen => Rule::UnknownSeen,
        Class::Unattributed => Rule::NoOffset,
        Class::Aborted => Rule::Aborted,
        Class::AbortedSeen => Rule::AbortedSeen,
        _ => return class,
    };
    if rules.has(rule) { class } else { Class::Verified }
}

fn phase_of(starts: &[u64], sequence: u64) -> usize {
    starts.partition_point(|start| *start <= sequence).saturating_sub(1)
}

fn add_range(counts: &mut [LedgerCounts], starts: &[u64], range: std::ops::Range<u64>, class: Class) {
    for (phase, count) in counts.iter_mut().enumerate() {
        let first = if phase == 0 { 0 } else { starts.get(phase).copied().unwrap_or(u64::MAX) };
        let end = starts.get(phase + 1).copied().unwrap_or(u64::MAX);
        let overlap = range.end.min(end).saturating_sub(range.start.max(first));
        count.add(class, overlap);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Ledger;
    use super::*;
    use crate::clock::Nanos;
    use crate::event::KeyId;
    use crate::event::catalogue::TypeIndex;
    use crate::event::stamp::DueTime;
    use proptest::prelude::*;

    /// The same answer for every event.
    struct Always {
        look_up: LookUp,
        gone: Option<bool>,
    }

    impl Evidence for Always {
        fn look_up(&self, _event: &Outstanding) -> LookUp {
            self.look_up
        }
        fn is_elsewhere(&self, _event: &Outstanding) -> bool {
            false
        }
        fn has_searched(&self) -> bool {
            self.gone.is_some()
        }
        fn is_gone(&self, _sequence: u64) -> bool {
            self.gone == Some(true)
        }
    }

    const NOTHING: Always = Always { look_up: LookUp::Nothing, gone: None };

    /// Applies random marks and judges.
    fn judged(marks: &[u8], starts: &[u64], evidence: &Always) -> (Vec<LedgerCounts>, Vec<Judged>) {
        let ledger = Ledger::new(0, 1, true);
        let book = ledger.lane(0).unwrap();
        book.reserve(marks.len() as u64);
        let mut waiting = Waiting::new(1_000_000);
        let open = book.open();
        for (sequence, mark) in (0_u64..).zip(marks) {
            open.draw(sequence, DueTime::from_unix_ns(sequence));
            open.mark(sequence, Marks(*mark));
            if Marks(*mark).has(Marks::ACKED) {
                let event = Outstanding {
                    sequence,
                    due: Nanos(sequence),
                    phase: 0,
                    kind: TypeIndex(0),
                    key: KeyId::of_number(0),
                    check: 0,
                    partition: 0,
                    offset: Some(1),
                };
                waiting.push(event, &open);
            }
        }
        drop(open);
        let mut special = Vec::new();
        let counts = judge_lane(book, &waiting, starts, true, evidence, |event| {
            special.push(event);
            true
        });
        (counts, special)
    }

    fn look_ups() -> impl Strategy<Value = LookUp> {
        proptest::sample::select(LookUp::ALL.as_slice())
    }

    /// Every state of an event: all marks, each result of a look-up, the offset known or not, gone or not, searched or not.
    #[test]
    fn the_class_of_marks_is_the_class_of_what_they_say_in_the_whole_cross_product() {
        let searches = [None, Some(false), Some(true)];
        for (look_up, gone) in LookUp::ALL.into_iter().flat_map(|look| searches.map(|gone| (look, gone))) {
            let marks: Vec<u8> = (0..128).collect();
            let (counts, special) = judged(&marks, &[0], &Always { look_up, gone });
            assert!(counts[0].sums() && counts[0].scheduled == 128);
            let class = |mark: u8| {
                special
                    .iter()
                    .find(|event| event.sequence == u64::from(mark))
                    .map_or(Class::Verified, |event| event.class)
            };
            for mark in marks {
                let has = |bit| Marks(mark).has(bit);
                let (acked, aborted) = (has(Marks::ACKED), has(Marks::ABORTED));
                let seen = has(Marks::SEEN);
                let damaged = has(Marks::DAMAGED) && !seen;
                let refused = !acked && (has(Marks::REFUSED) || !has(Marks::HANDED));
                let expected = match class(mark) {
                    Class::Verified => acked && seen && !aborted && gone != Some(true),
                    Class::NotAttempted => refused && !has(Marks::REFUSED) && !seen && !damaged,
                    Class::Refused => refused && has(Marks::REFUSED) && !seen && !damaged,
                    Class::Contradicted => refused && (seen || damaged),
                    Class::Aborted => !refused && aborted && !seen && !damaged,
                    Class::AbortedSeen => !refused && aborted && (seen || damaged),
                    Class::UnknownSeen => !refused && !acked && seen && !aborted,
                    Class::UnknownUnseen => !refused && !acked && !seen && !damaged && !aborted,
                    Class::Corrupt => {
                        !refused && !aborted && (damaged || acked && !seen && look_up == LookUp::Unparsable)
                    }
                    Class::Lost => {
                        let unseen = !seen && !damaged && look_up == LookUp::Gone;
                        acked && !aborted && (unseen || seen && gone == Some(true))
                    }
                    Class::Expired => acked && !seen && !damaged && !aborted && look_up == LookUp::BelowStart,
                    Class::Compacted => acked && !seen && !damaged && !aborted && look_up == LookUp::Superseded,
                    Class::Undelivered => {
                        let there = [LookUp::Present, LookUp::HeldAborted];
                        acked && !seen && !damaged && !aborted && there.contains(&look_up)
                    }
                    Class::Unread => {
                        let ahead = [LookUp::Ahead, LookUp::Hidden, LookUp::NotReplicated];
                        acked && !seen && !damaged && !aborted && ahead.contains(&look_up)
                    }
                    Class::Unattributed => acked && !seen && !damaged && !aborted && look_up == LookUp::Nothing,
                    Class::Unverified | Class::Unwitnessed => false,
                };
                assert!(expected, "{mark:07b} {look_up:?} {gone:?} became {:?}", class(mark));
            }
        }
    }

    proptest! {
        #[test]
        fn the_classes_always_sum_to_the_schedule(
            marks in proptest::collection::vec(0_u8..128, 0..500),
            cut in 0_u64..600,
            look_up in look_ups(),
            gone in proptest::option::of(any::<bool>()),
        ) {
            let (counts, special) = judged(&marks, &[0, cut], &Always { look_up, gone });
            prop_assert!(counts.iter().all(LedgerCounts::sums));
            prop_assert_eq!(counts.iter().map(|count| count.scheduled).sum::<u64>(), marks.len() as u64);
            prop_assert_eq!(counts[0].scheduled, cut.min(marks.len() as u64));
            let good: u64 = counts.iter().map(|count| count.verified + count.unverified).sum();
            prop_assert_eq!(special.len() as u64 + good, marks.len() as u64);
        }
    }

    #[test]
    fn freed_blocks_count_as_settled_in_their_phases() {
        let settled = Marks::HANDED | Marks::ACKED | Marks::SEEN;
        let marks = vec![settled; 3 * BLOCK];
        let ledger = Ledger::new(0, 1, true);
        let book = ledger.lane(0).unwrap();
        book.reserve(marks.len() as u64);
        {
            let open = book.open();
            for (sequence, mark) in (0_u64..).zip(&marks) {
                open.draw(sequence, DueTime::from_unix_ns(sequence));
                open.mark(sequence, Marks(*mark));
            }
        }
        book.reserve(marks.len() as u64);
        assert_eq!(book.open_blocks(), 0);
        let counts =
            judge_lane(book, &Waiting::new(1), &[0, 70_000], true, &NOTHING, |event| -> bool { panic!("{event:?}") });
        assert_eq!((counts[0].verified, counts[1].verified), (70_000, 3 * BLOCK as u64 - 70_000));
        let gone = Always { gone: Some(true), ..NOTHING };
        let mut special = 0;
        let counts = judge_lane(book, &Waiting::new(1), &[0], true, &gone, |event| {
            assert_eq!((event.class, event.sight), (Class::Lost, Sight::Right));
            special += 1;
            true
        });
        assert_eq!((counts[0].lost, special), (3 * BLOCK as u64, 3 * BLOCK as u64), "freed blocks are opened again");
    }

    #[test]
    fn what_an_overload_left_out_is_counted_by_blocks_once_no_more_of_it_is_wanted() {
        let ledger = Ledger::new(0, 1, true);
        let book = ledger.lane(0).unwrap();
        let (block, due) = (BLOCK as u64, DueTime::from_unix_ns(7));
        // Ten were handed over, and a thousand blocks and three events were left out.
        book.reserve(10);
        for sequence in 0..10 {
            let open = book.open();
            open.draw(sequence, due);
            open.mark(sequence, Marks(Marks::HANDED | Marks::OVER));
        }
        book.leave_out(10..block, due, due);
        for number in 1..=1_000 {
            book.leave_out(number * block..(number + 1) * block, due, due);
        }
        let end = 1_001 * block;
        book.leave_out(end..end + 3, due, due);
        let starts = [0, 5 * block + 9];
        let (mut told, mut wanted) = (0_u64, 100_000_u64);
        let counts = judge_lane(book, &Waiting::new(1), &starts, true, &NOTHING, |event| {
            told += 1;
            wanted = wanted.saturating_sub(1);
            assert_eq!(event.class, if event.sequence < 10 { Class::UnknownUnseen } else { Class::NotAttempted });
            wanted > 0
        });
        assert_eq!((counts[0].unknown_unseen, counts[0].not_attempted), (10, 5 * block + 9 - 10));
        assert_eq!(counts[1].not_attempted, end + 3 - (5 * block + 9));
        assert!(counts.iter().all(LedgerCounts::sums));
        // Those in whose block there was room, and the last ones, which are no whole block.
        assert_eq!(told, 2 * block + 3);
    }

    #[test]
    fn an_acked_event_without_an_offset_is_unattributed() {
        let ledger = Ledger::new(0, 1, true);
        let book = ledger.lane(0).unwrap();
        book.reserve(1);
        let open = book.open();
        open.draw(0, DueTime::from_unix_ns(0));
        open.mark(0, Marks(Marks::HANDED | Marks::ACKED));
        drop(open);
        let counts =
            judge_lane(book, &Waiting::new(1), &[0], true, &Always { look_up: LookUp::Gone, gone: None }, |_| true);
        assert_eq!(counts[0].unattributed, 1);
    }
}
