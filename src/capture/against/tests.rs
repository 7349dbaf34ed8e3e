use proptest::prelude::*;

use super::*;
use crate::kafka::Timestamp;
use crate::kafka::headers::{Header, Headers};

/// Partition, offset, key, value.
type Told = (i32, i64, u8, u8);

fn place() -> Place {
    Place { folder: std::env::temp_dir(), file: "test".to_owned() }
}

fn add(against: &mut Against, side: Side, (partition, offset, key, value): Told, headers: &[u8]) {
    let (key, value) = ([key], [value]);
    let record = Captured {
        topic: "t",
        partition,
        offset,
        leader_epoch: None,
        timestamp: Timestamp::Missing,
        key: Some(&key),
        value: Some(&value),
        headers: Headers::packed(headers),
    };
    against.add(side, "t", &record).unwrap();
}

fn compared(by_partition: bool, recorded: &[Told], found: &[Told]) -> Compared {
    let mut against = Against::new(vec!["t".to_owned()], by_partition, b"stamp", 1 << 20, place());
    for (side, records) in [(Side::Recorded, recorded), (Side::Found, found)] {
        for record in records {
            add(&mut against, side, *record, &[]);
        }
    }
    against.compare().unwrap()
}

fn at(partition: i32, offset: i64) -> At {
    At { topic: "t".to_owned(), partition, offset }
}

#[test]
fn each_finding_is_counted_where_it_lies() {
    let recorded = [(0, 10, 1, 1), (0, 11, 1, 2), (0, 12, 2, 3), (0, 13, 2, 4), (0, 14, 3, 5)];
    // The second and the first one in the wrong order, the third one twice, another value for the fourth, the fifth is gone.
    let found = [(0, 0, 1, 2), (0, 1, 1, 1), (0, 2, 2, 3), (0, 3, 2, 3), (0, 4, 2, 9), (0, 5, 4, 0)];
    let told = compared(true, &recorded, &found);
    let examples = Examples {
        changed: vec![at(0, 4)],
        lost: vec![at(0, 14)],
        doubled: vec![at(0, 3)],
        foreign: vec![at(0, 5)],
        reordered: vec![at(0, 0)],
    };
    let expected = Compared {
        recorded: 5,
        found: 6,
        matched: 3,
        changed: 1,
        lost: 1,
        doubled: 1,
        foreign: 1,
        reordered: 1,
        examples,
    };
    assert_eq!(told, expected);
}

#[test]
fn the_partition_counts_where_it_was_kept() {
    let (recorded, found) = ([(0, 0, 1, 1)], [(1, 0, 1, 1)]);
    assert_eq!(compared(false, &recorded, &found).matched, 1);
    let told = compared(true, &recorded, &found);
    assert_eq!((told.matched, told.lost, told.foreign), (0, 1, 1));
}

#[test]
fn a_header_of_ones_own_counts_and_that_of_the_stamp_does_not() {
    let packed = |name: &str| {
        let mut packed = Vec::new();
        Header { name: name.as_bytes(), value: Some(b"x") }.pack(&mut packed);
        packed
    };
    for (header, changed) in [("stamp", 0), ("trace", 1)] {
        let mut against = Against::new(vec!["t".to_owned()], true, b"stamp", 1 << 20, place());
        add(&mut against, Side::Recorded, (0, 0, 1, 1), &[]);
        add(&mut against, Side::Found, (0, 7, 1, 1), &packed(header));
        let told = against.compare().unwrap();
        assert_eq!((told.changed, told.matched), (changed, 1 - changed), "{header}");
    }
}

fn records() -> impl Strategy<Value = Vec<Told>> {
    let one = (0..2_i32, 0..3_u8, 0..3_u8);
    proptest::collection::vec(one, 0..40).prop_map(|all| {
        let numbered = all.into_iter().zip(0..);
        numbered.map(|((partition, key, value), offset)| (partition, offset, key, value)).collect()
    })
}

/// The same by counting.
fn by_counting(recorded: &[Told], found: &[Told]) -> (u64, u64, u64, u64, u64) {
    let (mut matched, mut changed, mut lost, mut doubled, mut foreign) = (0, 0, 0, 0, 0);
    for (partition, key) in (0..2).flat_map(|partition| (0..3).map(move |key| (partition, key))) {
        let (mut missing, mut unknown) = (0, 0);
        for value in 0..3 {
            let count =
                |of: &[Told]| of.iter().filter(|one| (one.0, one.2, one.3) == (partition, key, value)).count() as u64;
            let (there, seen) = (count(recorded), count(found));
            matched += there.min(seen);
            missing += there.saturating_sub(seen);
            let more = seen.saturating_sub(there);
            if there == 0 { unknown += more } else { doubled += more }
        }
        changed += missing.min(unknown);
        lost += missing.saturating_sub(unknown);
        foreign += unknown.saturating_sub(missing);
    }
    (matched, changed, lost, doubled, foreign)
}

proptest! {
    #[test]
    fn counts_are_those_of_another_way_of_counting_and_sum(recorded in records(), found in records()) {
        let told = compared(true, &recorded, &found);
        let counts = (told.matched, told.changed, told.lost, told.doubled, told.foreign);
        prop_assert_eq!(counts, by_counting(&recorded, &found));
        prop_assert_eq!(told.recorded, told.matched + told.changed + told.lost);
        prop_assert_eq!(told.found, told.matched + told.doubled + told.changed + told.foreign);
    }

    #[test]
    fn a_copy_is_matched_whole_and_in_order(recorded in records(), first in 0..1_000_i64) {
        let copy: Vec<Told> = recorded.iter().map(|(partition, offset, key, value)| (*partition, offset + first, *key, *value)).collect();
        let told = compared(true, &recorded, &copy);
        prop_assert_eq!((told.matched, told.reordered), (recorded.len() as u64, 0));
        prop_assert_eq!(told.examples, Examples::default());
    }

    #[test]
    fn partitions_that_were_put_together_in_any_order_between_them_are_in_order(
        recorded in records(), picks in proptest::collection::vec(any::<bool>(), 40),
    ) {
        let of = |partition: i32| recorded.iter().filter(move |one| one.0 == partition);
        let (mut one, mut other, mut copy) = (of(0), of(1), Vec::new());
        for (offset, from_one) in (0_i64..).zip(picks.iter().cycle()) {
            let next = if *from_one { one.next().or_else(|| other.next()) } else { other.next().or_else(|| one.next()) };
            let Some((_, _, key, value)) = next else { break };
            copy.push((5, offset, *key, *value));
        }
        let told = compared(false, &recorded, &copy);
        prop_assert_eq!((told.matched, told.reordered), (recorded.len() as u64, 0));
    }

    #[test]
    fn what_is_written_to_disk_is_read_as_the_same(
        topic in any::<u16>(), group in any::<u64>(), content in any::<u128>(), found in any::<bool>(),
        partition in any::<i32>(), offset in any::<i64>(),
    ) {
        let side = if found { Side::Found } else { Side::Recorded };
        let item = Item { topic, group, content, side, partition, offset };
        let mut bytes = Vec::new();
        item.push(&mut bytes);
        prop_assert_eq!((bytes.len(), Item::read(&bytes)), (Item::BYTES, Some(item)));
        let pair = Pair { topic, from: partition, to: !partition, recorded: offset, found: !offset };
        bytes.clear();
        pair.push(&mut bytes);
        prop_assert_eq!((bytes.len(), Pair::read(&bytes)), (Pair::BYTES, Some(pair)));
    }
}
