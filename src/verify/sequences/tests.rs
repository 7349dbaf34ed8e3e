use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn due(sequence: u64) -> DueTime {
    DueTime::from_unix_ns(1_000_000_000_000 + sequence * 1_000_000)
}

/// Notes an event where it fits.
fn see(lane: &mut Sequences, sequence: u64, due: DueTime) -> Result<Novelty, Fit> {
    match lane.fit(sequence, due) {
        Fit::Open { .. } => Ok(lane.note(sequence, due, false)),
        fit => Err(fit),
    }
}

fn read(order: &[u64]) -> (Sequences, Vec<Result<Novelty, Fit>>) {
    let mut lane = Sequences::begin(order[0], due(order[0]));
    let noted = order[1..].iter().map(|sequence| see(&mut lane, *sequence, due(*sequence))).collect();
    (lane, noted)
}

fn gaps(lane: &Sequences, cutoff: DueTime, low: u64, bound: u64) -> (u64, u64, u64) {
    let Gaps { below, missing, open } = lane.gaps(cutoff, low, bound);
    (below, missing, open)
}

const EVER: DueTime = DueTime::LATEST;

proptest! {
    /// Whatever was read, in whatever order and however often: the same as a set of all of it says.
    #[test]
    fn gaps_and_second_sightings_are_those_of_a_set(
        start in 0_u64..20_000,
        mut order in proptest::collection::vec(0_u64..9_000, 1..600),
        runs in proptest::collection::vec((0_u64..9_000, 1_u64..5_000), 0..4),
        (low, bound) in (0_u64..10_000, 0_u64..10_000),
    ) {
        order.extend(runs.into_iter().flat_map(|(from, length)| from..from + length));
        let order: Vec<u64> = order.into_iter().map(|sequence| start + sequence).collect();
        let (lane, noted) = read(&order);
        let mut seen = BTreeSet::from([order[0]]);
        for (sequence, noted) in order[1..].iter().zip(noted) {
            let expected = if seen.insert(*sequence) { Ok(Novelty::First) } else { Err(Fit::Same) };
            prop_assert_eq!(noted, expected, "sequence {}", sequence);
        }
        let (first, last) = (*seen.first().unwrap(), *seen.last().unwrap());
        prop_assert_eq!((lane.first(), lane.last(), lane.seen()), (first, last, seen.len() as u64));
        let missing = (first..=last).filter(|sequence| !seen.contains(sequence)).count() as u64;
        prop_assert_eq!(gaps(&lane, EVER, 0, u64::MAX), (0, missing, 0));
        let (low, bound) = (start + low, start + bound);
        let unseen = |below: u64| (first..=last).filter(|at| *at < below && !seen.contains(at)).count() as u64;
        let (under, over) = (unseen(low), unseen(bound.max(low)));
        prop_assert_eq!(gaps(&lane, EVER, low, bound), (under, over - under, missing - over));
        for sequence in (first..=last).step_by(7) {
            let expected = if seen.contains(&sequence) { SequenceState::Whole } else { SequenceState::Unseen };
            prop_assert_eq!(lane.state_of(sequence), expected);
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
        let (lane, _) = read(&order);
        let shift = 3_600_000_000_000;
        for sequence in others {
            let at = due(sequence).unix_ns();
            let at = DueTime::from_unix_ns(if later { at + shift } else { at - shift / 4 });
            let inside = (lane.first()..=lane.last()).contains(&sequence);
            if inside {
                prop_assert_eq!(lane.fit(sequence, at), Fit::Apart);
            }
        }
    }

    /// Two runs that had been taken for one are cut apart to the event, whatever had been settled.
    #[test]
    fn a_cut_leaves_each_run_its_own(
        length in 1_u64..6_000,
        holes in proptest::collection::btree_set(0_u64..12_000, 0..50),
        longer in 1_u64..6_000,
    ) {
        let hour = 3_600_000_000_000;
        let at = |sequence: u64| {
            let later = if sequence < length { 0 } else { hour };
            DueTime::from_unix_ns(due(sequence).unix_ns() + later)
        };
        let seen: Vec<u64> = (0..length + longer).filter(|sequence| !holes.contains(sequence)).collect();
        prop_assume!(seen.len() > 1);
        let mut lane = Sequences::begin(seen[0], at(seen[0]));
        for sequence in &seen[1..] {
            prop_assert_eq!(see(&mut lane, *sequence, at(*sequence)), Ok(Novelty::First));
        }
        let (earlier, later): (Vec<u64>, Vec<u64>) = seen.iter().partition(|sequence| **sequence < length);
        prop_assume!(!earlier.is_empty() && !later.is_empty());
        let between = DueTime::from_unix_ns(due(length).unix_ns() + hour / 2);
        prop_assert_eq!(lane.pause_at(between), Pause::Border);
        let tail = lane.split_off(between).unwrap();
        for (part, own) in [(&lane, &earlier), (&tail, &later)] {
            prop_assert_eq!((part.first(), part.last(), part.seen()), (own[0], own[own.len() - 1], own.len() as u64));
            prop_assert_eq!(part.unseen(), own[own.len() - 1] - own[0] + 1 - own.len() as u64);
            prop_assert!(own.iter().all(|sequence| part.fit(*sequence, at(*sequence)) == Fit::Same));
        }
    }

    #[test]
    fn the_edge_is_where_the_young_begin(cut in 0_u64..9_000, holes in proptest::collection::btree_set(1_u64..9_000, 0..50)) {
        let order: Vec<u64> = (0..9_001).filter(|sequence| !holes.contains(sequence)).collect();
        let (lane, _) = read(&order);
        let gaps = lane.gaps(due(cut), 0, u64::MAX);
        prop_assert_eq!(gaps.missing + gaps.open, holes.len() as u64);
        // What follows is known to the event, but for the last blocks without a gap.
        let surely_old = holes.iter().filter(|hole| **hole + 2 * BLOCK < cut).count() as u64;
        let surely_young = holes.iter().filter(|hole| **hole > cut).count() as u64;
        prop_assert!(gaps.missing >= surely_old && gaps.open >= surely_young, "{gaps:?}");
    }
}

#[test]
fn memory_follows_what_is_missing() {
    let (lane, _) = read(&(0..200 * BLOCK).collect::<Vec<_>>());
    assert_eq!((lane.open_blocks(), lane.settled.iter().count()), (0, 1));
    let holes: Vec<u64> = (0..200 * BLOCK).filter(|sequence| sequence % (2 * BLOCK) != 5).collect();
    let (mut lane, _) = read(&holes);
    assert_eq!((lane.open_blocks(), lane.settled.iter().count()), (100, 100), "every other block lacks one event");
    while lane.close_lowest() {}
    assert_eq!(gaps(&lane, EVER, 0, u64::MAX), (0, 100, 0), "what was missing when it was closed still is");
    assert_eq!(lane.fit(5, due(5)), Fit::Forgotten);
    lane.forget();
    assert_eq!(lane.state_of(6), SequenceState::Forgotten);
    assert_eq!(gaps(&lane, EVER, 0, u64::MAX), (0, 99, 0));
}

#[test]
fn stretches_are_bounded_however_many_gaps_there_are() {
    let order: Vec<u64> = (0..6_000 * BLOCK).step_by(64).collect();
    let mut lane = Sequences::begin(0, due(0));
    for sequence in order.into_iter().skip(1) {
        lane.note(sequence, due(sequence), false);
        if lane.open_blocks() > 3 {
            lane.close_lowest();
        }
    }
    assert!(
        lane.settled.iter().count() <= stretch::STRETCHES && lane.open_blocks() <= 4,
        "{} stretches",
        lane.settled.iter().count()
    );
}

#[test]
fn a_damaged_record_that_claims_an_event_counts_until_the_event_is_seen_whole() {
    let (mut lane, _) = read(&[0, 1, 3, 4]);
    assert_eq!(lane.note(2, due(2), true), Novelty::First);
    assert_eq!(lane.state_of(2), SequenceState::Damaged);
    assert_eq!(lane.note(2, due(2), true), Novelty::Again);
    assert_eq!(see(&mut lane, 2, due(2)), Ok(Novelty::Mended));
    assert_eq!(lane.fit(2, due(2)), Fit::Same);
    assert!(lane.covers(3) && !lane.covers(77), "nothing says that there is an event 77");
}

#[test]
fn in_what_is_settled_an_event_is_known_by_the_line_of_its_due_times() {
    let (lane, _) = read(&(0..20 * BLOCK).collect::<Vec<_>>());
    assert_eq!(lane.open_blocks(), 0);
    assert_eq!(lane.fit(5_000, due(5_000)), Fit::Same);
    assert_eq!(lane.fit(5_000, due(5_100)), Fit::Apart, "another run's, within the time of this one");
}

#[test]
fn due_times_may_lie_any_distance_apart() {
    let far = |sequence: u64| DueTime::from_unix_ns(1_700_000_000_000_000_000 + sequence * 86_400_000_000_000);
    let mut lane = Sequences::begin(0, far(0));
    for sequence in [500, 3, 1_000, 7] {
        assert_eq!(see(&mut lane, sequence, far(sequence)), Ok(Novelty::First));
    }
    assert!([0, 500, 3, 1_000, 7].iter().all(|sequence| lane.fit(*sequence, far(*sequence)) == Fit::Same));
    assert_eq!(lane.fit(7, far(8)), Fit::Apart);
}
