//! What the book of a lane keeps, and what it forgets.

use super::*;
use proptest::prelude::*;

pub(super) fn due(sequence: u64) -> DueTime {
    DueTime::from_unix_ns(1_000_000_000 + sequence * 1_000_000)
}

/// A ledger of one lane that has handed over so many events.
pub(super) fn drawn(events: u64) -> Ledger {
    let ledger = Ledger::new(0, 1, true);
    let book = ledger.lane(0).unwrap();
    book.reserve(events);
    let open = book.open();
    for sequence in 0..events {
        open.draw(sequence, due(sequence));
        open.mark(sequence, Marks(Marks::HANDED));
    }
    drop(open);
    ledger
}

#[test]
fn memory_follows_what_is_outstanding() {
    let events = 10 * BLOCK as u64;
    let ledger = drawn(events);
    let book = ledger.lane(0).unwrap();
    assert_eq!(book.open_blocks(), 10);
    for sequence in (0..events).filter(|sequence| *sequence != 3 * BLOCK as u64) {
        let open = book.open();
        open.mark(sequence, Marks(Marks::ACKED));
        assert_eq!(open.see(sequence, due(sequence), false), Sighting::First);
    }
    book.reserve(events);
    assert_eq!(book.open_blocks(), 1);
    let open = book.open();
    assert_eq!(open.see(5, due(5), false), Sighting::Again, "a freed block still knows its events");
    assert_eq!(open.see(5, due(5_000_000), false), Sighting::Stranger, "and when they were due");
}

/// How a transaction, or a stretch of events outside of one, ends.
fn ends() -> impl Strategy<Value = (u8, u64)> {
    let kinds = [Marks::ACKED, Marks::ACKED, Marks::ABORTED, Marks::REFUSED, Marks::OVER];
    (proptest::sample::select(kinds.to_vec()), 1_u64..20_000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Memory does not grow with the events, whatever their transactions became: only with how often that changed.
    #[test]
    fn memory_follows_how_often_the_ends_of_events_change(
        ends in prop::collection::vec(ends(), 1..60),
        aborted_are_seen: bool,
        lag in 0_u64..100_000,
    ) {
        let total: u64 = ends.iter().map(|(_, length)| length).sum();
        let ledger = Ledger::new(0, 1, true);
        let book = ledger.lane(0).unwrap();
        let expected: Vec<u8> = ends.iter().flat_map(|(mark, length)| {
            let seen = *mark == Marks::ACKED || aborted_are_seen && *mark == Marks::ABORTED;
            let handed = if *mark == Marks::OVER { 0 } else { Marks::HANDED };
            let marks = handed | mark | if seen { Marks::SEEN } else { 0 };
            std::iter::repeat_n(marks, usize::try_from(*length).unwrap())
        }).collect();
        // Sightings come later than the ends, some of them when their block is packed already.
        for sequence in 0..total + lag {
            book.reserve((sequence + 1).min(total));
            let open = book.open();
            if let Some(marks) = expected.get(usize::try_from(sequence).unwrap()) {
                open.draw(sequence, due(sequence));
                open.mark(sequence, Marks(*marks & !Marks::SEEN));
            }
            let seen = sequence.checked_sub(lag);
            if let Some(seen) = seen.filter(|seen| Marks(expected[usize::try_from(*seen).unwrap()]).has(Marks::SEEN)) {
                prop_assert_eq!(open.see(seen, due(seen), false), Sighting::First);
            }
        }
        book.reserve(total + 1);
        let open = book.open();
        for (sequence, marks) in (0_u64..).zip(&expected) {
            prop_assert_eq!(open.marks(sequence), Marks(*marks), "{}", sequence);
        }
        drop(open);
        // The last block is not full. Nothing comes any more by which the ones opened again would be packed again.
        book.blocks.write().unwrap().tidy();
        prop_assert!(book.open_blocks() <= 1, "{} of {} blocks are open", book.open_blocks(), total / BLOCK as u64 + 1);
        prop_assert!(book.packed_bytes() <= 8 * ends.len() + 8 * usize::try_from(total).unwrap() / BLOCK);
    }
}

#[test]
fn a_whole_block_that_rests_is_packed_by_the_next_turn_and_keeps_its_due_times() {
    let events = 3 * BLOCK as u64;
    let ledger = drawn(events);
    let book = ledger.lane(0).unwrap();
    let open = book.open();
    for sequence in 0..events {
        open.mark(sequence, Marks(if sequence % 1_000 < 300 { Marks::ABORTED } else { Marks::ACKED | Marks::SEEN }));
    }
    drop(open);
    book.reserve(events);
    assert_eq!(book.open_blocks(), 0);
    assert!(book.packed_bytes() <= 8 * usize::try_from(events).unwrap() / 1_000 + 24, "{}", book.packed_bytes());
    let open = book.open();
    assert_eq!(open.see(5, due(5), false), Sighting::First, "an aborted event that is seen is not overlooked");
    assert_eq!(open.see(5, due(5_000_000), false), Sighting::Stranger);
    assert_eq!((open.see(500, due(500), false), open.see(5, due(5), false)), (Sighting::Again, Sighting::Again));
}

#[test]
fn an_event_is_ours_only_within_its_blocks_due_times() {
    let ledger = drawn(100);
    let open = ledger.lane(0).unwrap().open();
    assert_eq!(open.see(50, DueTime::from_unix_ns(0), false), Sighting::Stranger);
    assert_eq!(open.see(100, due(99), false), Sighting::Stranger);
    assert_eq!(open.see(50, due(50), false), Sighting::First);
    assert_eq!(open.see(50, due(50), false), Sighting::Again);
}

#[test]
fn a_damaged_record_that_claims_an_event_counts_until_the_event_is_seen_whole() {
    let ledger = drawn(100);
    let open = ledger.lane(0).unwrap().open();
    assert_eq!(open.see(1, due(1), true), Sighting::First);
    assert_eq!(open.see(1, due(1), false), Sighting::Mended, "the damaged one was another producer's");
    assert_eq!(open.see(1, due(1), true), Sighting::Stranger);
    assert_eq!(open.see(2, due(2), true), Sighting::First);
    assert_eq!(open.see(2, due(2), true), Sighting::Again);
    assert!(!open.marks(2).has(Marks::SEEN));
}

#[test]
fn lanes_of_siblings_have_no_book() {
    let ledger = Ledger::new(4, 2, true);
    assert!(ledger.lane(3).is_none() && ledger.lane(4).is_some() && ledger.lane(5).is_some());
    assert!(ledger.lane(6).is_none());
}

proptest! {
    #[test]
    fn acks_and_sightings_settle_in_any_order(order in Just((0..2000_u64).collect::<Vec<_>>()).prop_shuffle()) {
        let ledger = drawn(1000);
        let open = ledger.lane(0).unwrap().open();
        for step in order {
            let sequence = step / 2;
            if step % 2 == 0 {
                prop_assert!(!open.mark(sequence, Marks(Marks::ACKED)).has(Marks::ACKED));
            } else {
                prop_assert_eq!(open.see(sequence, due(sequence), false), Sighting::First);
            }
        }
        for sequence in 0..1000 {
            prop_assert!(open.marks(sequence).has(Marks::HANDED | Marks::ACKED | Marks::SEEN));
        }
    }
}

/// Blocks of them take a few bytes, and those at the edges are marked one by one.
#[test]
fn events_that_were_left_out_together_rest_like_those_left_out_one_by_one() {
    let block = BLOCK as u64;
    let (together, one_by_one) = (LaneBook::new(true), LaneBook::new(true));
    let end = 3 * block + 7;
    for book in [&together, &one_by_one] {
        book.reserve(10);
        (0..10).for_each(|sequence| book.open().draw(sequence, due(sequence)));
    }
    for (from, until) in [(10, block), (block, 2 * block), (2 * block, 3 * block), (3 * block, end)] {
        together.leave_out(from..until, due(from), due(until - 1));
        for sequence in from..until {
            one_by_one.reserve(sequence + 1);
            one_by_one.open().draw(sequence, due(sequence));
            one_by_one.open().mark(sequence, Marks(Marks::OVER));
        }
    }
    assert_eq!((together.drawn(), one_by_one.drawn()), (end, end));
    for sequence in [0, 9, 10, block - 1, block, 2 * block + 5, 3 * block - 1, 3 * block, end - 1, end] {
        let of = |book: &LaneBook| book.open().marks(sequence);
        assert_eq!(of(&together), of(&one_by_one), "{sequence}");
        let seen = |book: &LaneBook| book.open().see(sequence, due(sequence), false);
        assert_eq!(seen(&together), seen(&one_by_one), "{sequence}");
    }
    assert!(together.open_blocks() <= one_by_one.open_blocks(), "{}", together.open_blocks());
}
