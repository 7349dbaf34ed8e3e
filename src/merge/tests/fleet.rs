//! Parts that are shards of a fleet: those that left nothing behind, and those that are unlike the others.

use super::*;
use crate::report::fleet::{ClockOffset, ClockReport, FleetReport, ShardReport, ShardState};

/// Shards 1 and 2 of 3; the third is as `third` says, by the word of both.
fn of_three(third: &ShardReport) -> [Part; 2] {
    let mut parts = two();
    for (number, part) in (1..).zip(&mut parts) {
        let shard = |number| ShardReport { number, state: ShardState::Running, ..ShardReport::default() };
        let shards = vec![shard(1), shard(2), ShardReport { number: 3, ..third.clone() }];
        part.report.fleet = Some(FleetReport { shard: Some(number), of: 3, shards, ..FleetReport::default() });
    }
    parts
}

fn lost() -> ShardReport {
    ShardReport { state: ShardState::Lost, planned: Some(2_000), scheduled: 900, acked: 890, ..ShardReport::default() }
}

#[test]
fn events_of_a_lost_shard_are_unwitnessed_and_the_ledger_adds_up() {
    let report = merged(of_three(&lost()).to_vec()).report;
    let two_alone = merged(two().to_vec()).report;
    assert_eq!((report.ledger.unwitnessed, report.ledger.scheduled), (2_000, two_alone.ledger.scheduled + 2_000));
    assert_eq!((report.ledger.sum(), report.offered.scheduled), (report.ledger.scheduled, report.ledger.scheduled));
    let fleet = report.fleet.unwrap();
    assert_eq!(
        (fleet.shard, fleet.shards[0].state, fleet.shards[2].state),
        (None, ShardState::Ended, ShardState::Lost)
    );
    assert_eq!(fleet.shards[0].scheduled, 2_000);
    let unplanned = ShardReport { planned: None, ..lost() };
    assert_eq!(merged(of_three(&unplanned).to_vec()).report.ledger.unwitnessed, 900, "what it had told");
}

#[test]
fn a_shard_that_nobody_calls_lost_is_missing_unless_somebody_else_knows_better() {
    let running = ShardReport { state: ShardState::Running, scheduled: 950, ..lost() };
    let parts = of_three(&running).to_vec();
    let missing = MergeError::ShardMissing { number: 3, of: 3 };
    assert_eq!(merge(parts.clone(), judged).unwrap_err(), missing);
    let known = ShardReport { number: 3, ..lost() };
    let whole = merge_with(parts, &[known], &Readers::default(), judged).unwrap().report;
    assert_eq!(whole.ledger.unwitnessed, 2_000);
    let one = of_three(&lost())[..1].to_vec();
    assert_eq!(merge(one, judged).unwrap_err(), MergeError::ShardMissing { number: 2, of: 3 });
}

#[test]
fn of_what_shards_say_of_one_another_the_last_word_is_kept_and_comes_to_the_same() {
    let running = ShardReport { state: ShardState::Running, scheduled: 950, ..lost() };
    let [mut one, mut two] = of_three(&lost());
    if let Some(fleet) = &mut two.report.fleet {
        fleet.shards[2] = ShardReport { number: 3, ..running };
    }
    let whole = merge(vec![one.clone(), two.clone()], judged).unwrap().report;
    let mut words = LastWords::default();
    for part in [&mut two, &mut one] {
        words.take(&mut part.report);
    }
    assert_eq!([&one, &two].map(|part| part.report.fleet.as_ref().unwrap().shards.len()), [1, 1]);
    let known = words.of_others(&[1, 2].into());
    assert_eq!(known, [ShardReport { number: 3, ..lost() }], "a loss says more than a later word of before");
    let same = merge_with(vec![one, two], &known, &Readers::default(), judged).unwrap().report;
    assert_eq!((same.fleet, same.ledger), (whole.fleet, whole.ledger));
}

#[test]
fn the_shard_that_is_unlike_the_others_is_named() {
    let mut parts = of_three(&lost());
    let slip = |part: &mut Part, p99: u64| {
        part.report.latency_us.slip.get_or_insert_default().p99 = Some(p99);
    };
    slip(&mut parts[0], 900);
    slip(&mut parts[1], 48_000);
    let before = ClockOffset { offset_us: 5, bound_us: 300 };
    let clock = ClockReport { before, drift_us: Some(250_000), ..ClockReport::default() };
    if let Some(fleet) = &mut parts[1].report.fleet {
        fleet.shards[1].clock = Some(clock);
    }
    let fleet = merged(parts.to_vec()).report.fleet.unwrap();
    assert_eq!(fleet.shards[0].deviations, Vec::<String>::new());
    let told = fleet.shards[1].deviations.join("; ");
    assert_eq!(
        told,
        "it was late: its slip p99 is 48.0 ms, that of the others 0.90 ms; its clock went 250 ms away from the broker's"
    );
}
