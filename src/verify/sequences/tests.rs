use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn due(sequence: u64) -> DueTime {
    DueTime::from_unix_ns(1_000_000_000_000 + sequence * 1_000_000)
}

/// The mark of that event of run `run`.
fn mark(run: u64, sequence: u64) -> u16 {
    mark_of(u128::from(sequence) << 16 | u128::from(run) << 64)
}

fn read(order: &[u64]) -> (Sequences, Vec<Noted>) {
    let mut lane = Sequences::begin(order[0], due(order[0]), mark(0, order[0]));
    let noted = order[1..].iter().map(|sequence| lane.note(*sequence, due(*sequence), mark(0, *sequence), false));
    let noted = noted.collect();
    (lane, noted)
}

const EVER: DueTime = DueTime::LATEST;

proptest! {
    /// Whatever was read, in whatever order and however often: the same as a set of all of it says.
    #[test]
    fn gaps_and_second_sightings_are_those_of_a_set(
        start in 0_u64..20_000,
        mut order in proptest::collection::vec(0_u64..9_000, 1..600),
        runs in proptest::collection::vec((0_u64..9_000, 1_u64..5_000), 0..4),
        bound in 0_u64..10_000,
    ) {
        order.extend(runs.into_iter().flat_map(|(from, length)| from..from + length));
        let order: Vec<u64> = order.into_iter().map(|sequence| start + sequence).collect();
        let (lane, noted) = read(&order);
        let mut seen = BTreeSet::from([order[0]]);
        for (sequence, noted) in order[1..].iter().zip(noted) {
            let expected = if seen.insert(*sequence) { Noted::First } else { Noted::Again };
            prop_assert_eq!(noted, expected, "sequence {}", sequence);
        }
        let (first, last) = (*seen.first().unwrap(), *seen.last().unwrap());
        prop_assert_eq!((lane.first(), lane.last(), lane.seen()), (first, last, seen.len() as u64));
        let missing = (first..=last).filter(|sequence| !seen.contains(sequence)).count() as u64;
        prop_assert_eq!(lane.gaps(EVER, u64::MAX), Gaps { missing, open: 0 });
        let bound = start + bound;
        let below = (first..=last).filter(|sequence| *sequence < bound && !seen.contains(sequence)).count() as u64;
        prop_assert_eq!(lane.gaps(EVER, bound), Gaps { missing: below, open: missing - below });
        for sequence in (first..=last).step_by(7) {
            let expected = if seen.contains(&sequence) { Sighted::Whole } else { Sighted::Unseen };
            prop_assert_eq!(lane.sighted(sequence), expected);
        }
    }

    /// A second run with the same tag and lane, at another time: not one of its events is taken for one of the first's.
    #[test]
    fn another_runs_events_are_never_this_lanes(
        mut order in proptest::collection::vec(0_u64..9_000, 2..400),
        others in proptest::collection::vec(0_u64..9_000, 1..100),
        later in any::<bool>(),
    ) {
        order.sort_unstable();
        let (mut lane, _) = read(&order);
        let before = (lane.seen(), lane.gaps(EVER, u64::MAX));
        let shift = 3_600_000_000_000;
        for sequence in others {
            let at = due(sequence).unix_ns();
            let at = DueTime::from_unix_ns(if later { at + shift } else { at - shift / 4 });
            let inside = (lane.first()..=lane.last()).contains(&sequence);
            if inside {
                prop_assert_eq!(lane.note(sequence, at, mark(1, sequence), false), Noted::Another);
            }
        }
        prop_assert_eq!((lane.seen(), lane.gaps(EVER, u64::MAX)), before);
    }

    #[test]
    fn the_edge_is_where_the_young_begin(cut in 0_u64..9_000, holes in proptest::collection::btree_set(1_u64..9_000, 0..50)) {
        let order: Vec<u64> = (0..9_001).filter(|sequence| !holes.contains(sequence)).collect();
        let (lane, _) = read(&order);
        let gaps = lane.gaps(due(cut), u64::MAX);
        prop_assert_eq!(gaps.missing + gaps.open, holes.len() as u64);
        // The edge is known to the 64 sequences whose due times are kept together, or to the end of a block without a gap.
        let surely_old = holes.iter().filter(|hole| **hole + 64 < cut).count() as u64;
        let surely_young = holes.iter().filter(|hole| **hole > cut + 2 * BLOCK).count() as u64;
        prop_assert!(gaps.missing >= surely_old && gaps.open >= surely_young, "{gaps:?}");
    }
}

#[test]
fn memory_follows_what_is_missing() {
    let (lane, _) = read(&(0..200 * BLOCK).collect::<Vec<_>>());
    assert_eq!((lane.open_blocks(), lane.settled.len()), (0, 1));
    let holes: Vec<u64> = (0..200 * BLOCK).filter(|sequence| sequence % (2 * BLOCK) != 5).collect();
    let (mut lane, _) = read(&holes);
    assert_eq!((lane.open_blocks(), lane.settled.len()), (100, 100), "every other block lacks one event");
    while lane.close_lowest() {}
    assert_eq!(
        lane.gaps(EVER, u64::MAX),
        Gaps { missing: 100, open: 0 },
        "what was missing when it was closed still is"
    );
    assert_eq!(lane.note(5, due(5), mark(0, 5), false), Noted::Forgotten);
    assert_eq!(lane.sighted(6), Sighted::Forgotten);
    assert_eq!(lane.gaps(EVER, u64::MAX), Gaps { missing: 99, open: 0 });
}

#[test]
fn stretches_are_bounded_however_many_gaps_there_are() {
    let order: Vec<u64> = (0..6_000 * BLOCK).step_by(64).collect();
    let mut lane = Sequences::begin(0, due(0), mark(0, 0));
    for sequence in order {
        lane.note(sequence, due(sequence), mark(0, sequence), false);
        if lane.open_blocks() > 3 {
            lane.close_lowest();
        }
    }
    assert!(lane.settled.len() <= STRETCHES && lane.open_blocks() <= 4, "{} stretches", lane.settled.len());
}

#[test]
fn a_damaged_record_that_claims_an_event_counts_until_the_event_is_seen_whole() {
    let (mut lane, _) = read(&[0, 1, 3, 4]);
    assert_eq!(lane.note(2, due(2), 9, true), Noted::First);
    assert_eq!(lane.sighted(2), Sighted::Damaged);
    assert_eq!(lane.note(2, due(2), 9, true), Noted::Again);
    assert_eq!(lane.note(2, due(2), mark(0, 2), false), Noted::Mended);
    assert_eq!(lane.note(2, due(2), 9, true), Noted::Another);
    assert_eq!(lane.note(77, due(77), 9, true), Noted::Another, "nothing says that there is such an event");
}
