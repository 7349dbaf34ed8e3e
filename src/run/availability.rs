//! What the stalls of lanes and verifier come to, by partition, and what faults had to do with them.

use crate::clock::Nanos;
use crate::kafka::slots::Slots;
use crate::measure::{Side, Stall};
use crate::report::availability::TOLD;
use crate::report::{Availability, FaultReport, StallReport};

/// A stall that begins so long after a fault, or sooner, is put down to it.
const SOON: f64 = 5.0;

/// Stalls of one partition and side that overlap are one: each lane has its own view of a partition.
pub(super) fn joined(mut stalls: Vec<Stall>) -> Vec<Stall> {
    stalls.sort_by_key(|stall| (stall.side, stall.partition, stall.from));
    let mut joined: Vec<Stall> = Vec::new();
    for stall in stalls {
        match joined.last_mut() {
            Some(last) if (last.side, last.partition) == (stall.side, stall.partition) && stall.from <= last.until => {
                last.ended = if stall.until > last.until { stall.ended } else { last.ended };
                last.until = last.until.max(stall.until);
            }
            _ => joined.push(stall),
        }
    }
    joined.sort_by_key(|stall| (stall.from, stall.partition, stall.side));
    joined
}

/// As the report has it.
pub(super) fn availability(stalls: &[Stall], threshold: Nanos, slots: &Slots, leader_changes: u64) -> Availability {
    let mut told =
        Availability { stall_threshold_s: threshold.as_secs_f64(), leader_changes, ..Availability::default() };
    for stall in stalls {
        let length_s = (stall.until - stall.from).as_secs_f64();
        let (sum, what) = match stall.side {
            Side::Ack => (&mut told.ack, "ack"),
            Side::Read => (&mut told.read, "read"),
            Side::Connect => (&mut told.connect, "connect"),
        };
        sum.add(length_s);
        if told.stalls.len() < TOLD {
            let slot = i32::try_from(stall.partition).unwrap_or(i32::MAX);
            let (topic, partition) = slots.place(slot).unwrap_or(("", slot));
            told.stalls.push(StallReport {
                what: what.to_owned(),
                topic: topic.to_owned(),
                partition,
                from_s: stall.from.as_secs_f64(),
                length_s,
                ended: stall.ended,
            });
        }
    }
    told
}

/// Tells each fault which partitions stalled by it, and when the last of them was acked again.
pub(super) fn put_down(faults: &mut [FaultReport], stalls: &[Stall]) {
    for fault in faults {
        let Some(started_s) = fault.command.as_ref().map(|command| command.started_s) else { continue };
        let of_fault = |stall: &&Stall| {
            let (from, until) = (stall.from.as_secs_f64(), stall.until.as_secs_f64());
            stall.side == Side::Ack && from <= started_s + SOON && until > started_s
        };
        let by_it: Vec<&Stall> = stalls.iter().filter(of_fault).collect();
        let mut partitions: Vec<usize> = by_it.iter().map(|stall| stall.partition).collect();
        partitions.dedup();
        partitions.sort_unstable();
        partitions.dedup();
        fault.stalled_partitions = partitions.len() as u64;
        let all_ended = by_it.iter().all(|stall| stall.ended);
        let last = by_it.iter().map(|stall| stall.until).max().filter(|_| all_ended);
        fault.first_ack_after_s = last.map(|until| until.as_secs_f64() - started_s);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::CommandReport;

    fn stall(side: Side, partition: usize, from_ms: u64, until_ms: u64, ended: bool) -> Stall {
        Stall { side, partition, from: Nanos::from_millis(from_ms), until: Nanos::from_millis(until_ms), ended }
    }

    #[test]
    fn lanes_that_wait_for_the_same_partition_see_one_stall() {
        let seen = vec![
            stall(Side::Ack, 1, 2_000, 5_000, true),
            stall(Side::Ack, 1, 1_000, 4_000, true),
            stall(Side::Ack, 2, 1_000, 3_000, true),
            stall(Side::Read, 1, 1_000, 3_000, true),
            stall(Side::Ack, 1, 9_000, 11_000, false),
        ];
        let stalls = joined(seen);
        let ack = |partition, from, until, ended| stall(Side::Ack, partition, from, until, ended);
        let expected = [
            ack(1, 1_000, 5_000, true),
            stall(Side::Read, 1, 1_000, 3_000, true),
            ack(2, 1_000, 3_000, true),
            ack(1, 9_000, 11_000, false),
        ];
        assert_eq!(stalls, expected);
        let told = availability(&stalls, Nanos::from_secs(1), &Slots::of_one("t", 3), 2);
        assert_eq!((told.ack.stalls, told.read.stalls, told.leader_changes), (3, 1, 2));
        assert!((told.ack.stalled_s - 8.0).abs() < 1e-9 && (told.ack.longest_s - 4.0).abs() < 1e-9, "{told:?}");
    }

    #[test]
    fn a_fault_is_told_when_the_last_partition_that_it_stalled_was_acked_again() {
        let command = CommandReport { started_s: 10.0, ..CommandReport::default() };
        let fault = FaultReport { command: Some(command), ..FaultReport::default() };
        let mut faults = vec![fault];
        let before = stall(Side::Ack, 0, 2_000, 4_000, true);
        let by_it = [stall(Side::Ack, 1, 10_100, 12_000, true), stall(Side::Ack, 2, 9_900, 13_500, true)];
        let later = stall(Side::Ack, 3, 40_000, 50_000, true);
        put_down(&mut faults, &[before, by_it[0], by_it[1], later]);
        assert_eq!((faults[0].stalled_partitions, faults[0].first_ack_after_s), (2, Some(3.5)));
        put_down(&mut faults, &[by_it[0], stall(Side::Ack, 2, 10_000, 20_000, false)]);
        assert_eq!((faults[0].stalled_partitions, faults[0].first_ack_after_s), (2, None), "one was never acked again");
    }
}
