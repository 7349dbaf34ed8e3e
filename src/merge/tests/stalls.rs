//! Times in which all processes waited in vain.

use proptest::prelude::*;

use super::{merged, two};
use crate::gate::{GateConfig, Gates, Names};
use crate::merge::Part;
use crate::report::{Availability, CommandReport, FaultReport, GateOutcome, RunReport, StallReport};

fn stall(partition: i32, from_s: f64, length_s: f64) -> StallReport {
    let (what, topic) = ("ack".to_owned(), "raw-events".to_owned());
    StallReport { what, topic, partition, from_s, length_s, ended: true }
}

/// A process's account of its stalls.
fn told(part: &mut Part, threshold_s: f64, stalls: &[StallReport]) {
    let mut told = Availability { stall_threshold_s: threshold_s, stalls: stalls.to_vec(), ..Availability::default() };
    for stall in stalls {
        told.ack.add(stall.length_s);
    }
    part.report.availability = Some(told);
}

fn gated(report: &RunReport, rule: &str) -> GateOutcome {
    let gates = Gates::new(&[GateConfig::of_rule(rule)], &[], &Names::default()).unwrap();
    gates.evaluate(report).into_iter().find(|gate| !gate.built_in).unwrap().result
}

#[test]
fn a_partition_stalls_where_all_that_write_to_it_wait_in_vain() {
    let mut parts = two();
    told(&mut parts[0], 1.0, &[stall(0, 1.0, 4.0), stall(1, 1.0, 4.0), stall(2, 2.0, 9.0)]);
    // It starts two seconds later.
    parts[1].report.run.started_at = "2026-01-01T00:00:02Z".to_owned();
    let gave_up = StallReport { ended: false, ..stall(0, 0.0, 1.5) };
    told(&mut parts[1], 1.0, &[gave_up, stall(1, 2.5, 1.0)]);
    parts[1].report.partitions.retain(|partition| partition.partition != 2);
    let report = merged(parts.to_vec()).report;
    let whole = report.availability.clone().unwrap();
    let places: Vec<(i32, f64, f64, bool)> =
        whole.stalls.iter().map(|stall| (stall.partition, stall.from_s, stall.length_s, stall.ended)).collect();
    // Partition 1 was silent for both for half a second alone; only one of them writes to partition 2.
    assert_eq!(places, [(0, 2.0, 1.5, false), (2, 2.0, 9.0, true)]);
    assert_eq!((whole.ack.stalls, whole.parts.len()), (2, 2));
    assert_eq!((whole.parts[0].ack.stalls, whole.parts[1].ack.stalls), (3, 2));
    assert_eq!(gated(&report, "availability.longest_ack_stall < 5s"), GateOutcome::Fail);
    assert_eq!(gated(&report, "availability.ack_stalls == 0"), GateOutcome::Fail);
}

#[test]
fn what_one_process_alone_saw_leaves_a_gate_unevaluated() {
    let mut parts = two();
    told(&mut parts[0], 1.0, &[stall(0, 1.0, 4.0)]);
    told(&mut parts[1], 1.0, &[]);
    let report = merged(parts.to_vec()).report;
    let whole = report.availability.clone().unwrap();
    assert_eq!(whole.ack.stalls, 0, "the other was acked then, or waited for nothing");
    assert!(whole.sentences().join(" ").contains("by itself: 1 without an ack"), "{:?}", whole.sentences());
    assert_eq!(gated(&report, "availability.longest_ack_stall < 5s"), GateOutcome::Unevaluated);
    told(&mut parts[0], 1.0, &[]);
    let report = merged(parts.to_vec()).report;
    assert_eq!(gated(&report, "availability.longest_ack_stall < 5s"), GateOutcome::Pass);
    parts[0].report.availability = None;
    let report = merged(parts.to_vec()).report;
    assert!(report.availability.is_none(), "one tells nothing");
    assert_eq!(gated(&report, "availability.longest_ack_stall < 5s"), GateOutcome::Unevaluated);
}

#[test]
fn faults_of_a_process_that_started_later_move_with_it() {
    let mut parts = two();
    parts[1].report.run.started_at = "2026-01-01T00:00:02Z".to_owned();
    let command = Some(CommandReport { started_s: 1.5, ..CommandReport::default() });
    parts[1].report.faults = vec![FaultReport { at_s: 1.0, command, ..FaultReport::default() }];
    let faults = merged(parts.to_vec()).report.faults;
    assert_eq!((faults[0].at_s, faults[0].command.as_ref().unwrap().started_s), (3.0, 3.5));
}

proptest! {
    /// Whole seconds: an instant between two of them is in a stall of the whole where it is in one of each.
    #[test]
    fn an_instant_is_in_a_stall_of_the_whole_where_it_is_in_one_of_each(
        lengths in prop::array::uniform2(prop::collection::vec((1_u32..4, 1_u32..4), 0..8)),
    ) {
        let mut parts = two();
        for (part, lengths) in parts.iter_mut().zip(&lengths) {
            let mut at = 0;
            let stalls = lengths.iter().map(|(quiet, length)| {
                at += quiet + length;
                stall(0, f64::from(at - length), f64::from(*length))
            });
            told(part, 0.5, &stalls.collect::<Vec<_>>());
        }
        let holds = |told: &Availability, at: f64| {
            told.stalls.iter().any(|stall| stall.from_s < at && at < stall.from_s + stall.length_s)
        };
        let own = parts.clone().map(|part| part.report.availability.unwrap());
        let whole = merged(parts.to_vec()).report.availability.unwrap();
        for second in 0..60 {
            let at = f64::from(second) + 0.5;
            prop_assert_eq!(holds(&whole, at), own.iter().all(|own| holds(own, at)), "{}", at);
        }
        prop_assert!(whole.ack.longest_s <= own.iter().map(|own| own.ack.longest_s).fold(0.0, f64::max));
    }
}
