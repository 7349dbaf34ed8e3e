//! What is marked on the timeline: stalls that ended, leaders that changed, and what clients had to struggle with.

use std::collections::BTreeMap;

use crate::figures;
use crate::kafka::slots::Slots;
use crate::measure::{Shard, Side};

/// What lanes and verifier noted in a second.
pub(super) fn of_interval(interval: &Shard, slots: &Slots) -> Vec<String> {
    let mut marks = Vec::new();
    for (side, what) in [(Side::Ack, "no ack"), (Side::Read, "no read"), (Side::Connect, "a new connection")] {
        // One mark a side: a broker that goes takes many partitions with it.
        let mut longest: BTreeMap<i32, f64> = BTreeMap::new();
        for stall in interval.stalls.iter().filter(|stall| stall.side == side) {
            let length = longest.entry(i32::try_from(stall.partition).unwrap_or(i32::MAX)).or_default();
            *length = length.max((stall.until - stall.from).as_secs_f64());
        }
        if let Some(most) = longest.values().copied().max_by(f64::total_cmp) {
            let partitions: Vec<i32> = longest.into_keys().collect();
            let length = figures::duration_s(most);
            marks.push(format!("{what} for up to {length} in partitions {}", slots.told(&partitions)));
        }
    }
    if !interval.leader_changes.is_empty() {
        let mut partitions = interval.leader_changes.clone();
        partitions.sort_unstable();
        partitions.dedup();
        marks.push(format!("another leader in partitions {}", slots.told(&partitions)));
    }
    if interval.client_errors > 0 {
        marks.push(format!("client errors {}", figures::count(interval.client_errors)));
    }
    marks
}

/// What clients told in a second: requests sent again, requests without an answer, ms of throttling; `before` and `now` are
/// the sums so far.
pub(super) fn of_client(before: [u64; 3], now: [u64; 3]) -> Vec<String> {
    let names = ["requests sent again", "requests without an answer", "ms throttled by a quota"];
    let more = names.into_iter().zip(before.into_iter().zip(now));
    let told = more.filter(|(_, (before, now))| now > before);
    told.map(|(name, (before, now))| format!("{} {name}", figures::count(now - before))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Nanos;
    use crate::measure::Stall;

    #[test]
    fn a_second_is_marked_with_what_happened_in_it_and_no_more() {
        let stall = |partition, until_ms| Stall {
            side: Side::Ack,
            partition,
            from: Nanos::from_millis(1_000),
            until: Nanos::from_millis(until_ms),
            ended: true,
        };
        let shard = Shard {
            stalls: vec![stall(2, 3_000), stall(0, 4_500), stall(2, 2_500)],
            leader_changes: vec![1, 0, 1],
            client_errors: 3,
            ..Shard::default()
        };
        let marks = of_interval(&shard, &Slots::of_one("t", 3));
        let expected =
            ["no ack for up to 3.50 s in partitions [0, 2]", "another leader in partitions [0, 1]", "client errors 3"];
        assert_eq!(marks, expected);
        assert_eq!(of_interval(&Shard::default(), &Slots::of_one("t", 3)), Vec::<String>::new());
        assert_eq!(of_client([5, 0, 7], [9, 0, 7]), ["4 requests sent again"]);
    }
}
