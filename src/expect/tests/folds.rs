use std::collections::VecDeque;

use super::*;
use proptest::prelude::*;

/// An event: its partition, its key, its time and what it adds, in cents.
type Drawn = (usize, u8, i64, i64);

fn events() -> impl Strategy<Value = Vec<Drawn>> {
    // Time goes on by up to a second an event, and some come up to 20 s late.
    let one = (0..3_usize, 0..4_u8, 0..1_000_i64, prop_oneof![4 => Just(0_i64), 1 => 0..20_000_i64], -500..500_i64);
    prop::collection::vec(one, 1..250).prop_map(|drawn| {
        let mut now = 0;
        let mut event = |(partition, key, step, late, cents): (usize, u8, i64, i64, i64)| {
            now += step;
            (partition, key, (now - late).max(0), cents)
        };
        drawn.into_iter().map(&mut event).collect()
    })
}

/// One partition of the source is one task: what Kafka Streams does, event by event. By key and start: what is counted, and what all
/// that came would be.
fn folded(events: &[Drawn], size: i64, advance: i64, grace: i64) -> BTreeMap<(usize, u8, i64), (i64, i64)> {
    let mut times = [i64::MIN; 3];
    let mut windows = BTreeMap::new();
    for (partition, key, time, cents) in events {
        times[*partition] = times[*partition].max(*time);
        let first = (time - size + advance).max(0) / advance * advance;
        for start in (first..=*time).step_by(usize::try_from(advance).unwrap()) {
            let (counted, all) = windows.entry((*partition, *key, start)).or_insert((None, 0));
            *all += cents;
            if start + size > times[*partition] - grace {
                *counted = Some(counted.unwrap_or(0) + cents);
            }
        }
    }
    windows.into_iter().filter_map(|(window, (counted, all))| Some((window, (counted?, all)))).collect()
}

fn text(repartition: bool, size: i64, advance: i64, grace: i64) -> String {
    format!(
        r#"
        name = "sum"
        source = "in"
        key = "k"
        time = "t"
        value = "sum(n)"
        repartition = {repartition}
        window = {{ size = "{size}ms", advance = "{advance}ms", grace = "{grace}ms" }}
        output = {{ topic = "out", key = "k", start = "from", value = "v" }}
        "#
    )
}

/// The events in the order of their partitions, mixed as `order` says.
fn mixed(events: &[Drawn], order: &[usize]) -> Vec<(i64, Drawn)> {
    let mut queues: Vec<VecDeque<(i64, Drawn)>> = vec![VecDeque::new(); 3];
    for (offset, event) in (0..).zip(events) {
        queues[event.0].push_back((offset, *event));
    }
    let mut mixed = Vec::new();
    let mut turns = order.iter().copied().cycle();
    while queues.iter().any(|queue| !queue.is_empty()) {
        let turn = turns.next().unwrap_or(0) % 3;
        let taken = queues[turn].pop_front().or_else(|| queues.iter_mut().find_map(VecDeque::pop_front));
        mixed.extend(taken);
    }
    mixed
}

fn give(oracle: &mut Oracle, events: &[(i64, Drawn)]) {
    for (offset, (partition, key, time, cents)) in events {
        let number = format!("{cents}e-2");
        // A key for each partition, where keys are tasks' own.
        put(
            oracle,
            *partition,
            *offset,
            *offset * 500,
            &format!(r#"{{"k":"{partition}-{key}","t":{time},"n":{number}}}"#),
        );
    }
}

proptest! {
    #[test]
    fn without_a_repartition_each_window_is_what_the_fold_has(
        events in events(), order in prop::collection::vec(0..3_usize, 1..20), advance in prop::sample::select(vec![2_500_i64, 10_000]),
        grace in prop::sample::select(vec![0_i64, 5_000]),
    ) {
        let mut oracle = oracle(&text(false, 10_000, advance, grace), 3);
        give(&mut oracle, &mixed(&events, &order));
        let expected = folded(&events, 10_000, advance, grace);
        for ((partition, key, start), (cents, _)) in &expected {
            see(&mut oracle, 0, &format!(r#"{{"k":"{partition}-{key}","from":{start},"v":{cents}e-2}}"#));
        }
        let report = end(oracle);
        prop_assert_eq!(report.expected, expected.len() as u64);
        prop_assert_eq!(report.right, report.expected, "{:?}", report);
        prop_assert_eq!(report.unexpected, 0);
    }

    #[test]
    fn the_order_in_which_partitions_are_read_changes_nothing(
        events in events(), one in prop::collection::vec(0..3_usize, 1..20), other in prop::collection::vec(0..3_usize, 1..20),
        results in prop::collection::vec((0..3_usize, 0..4_u8, 0..12_i64, -900..900_i64), 0..40), repartition: bool,
    ) {
        let judged = |order: &[usize]| {
            let mut oracle = oracle(&text(repartition, 10_000, 10_000, 5_000), 3);
            give(&mut oracle, &mixed(&events, order));
            for (partition, key, window, cents) in &results {
                see(&mut oracle, 0, &format!(r#"{{"k":"{partition}-{key}","from":{},"v":{cents}e-2}}"#, window * 10_000));
            }
            end(oracle)
        };
        let report = judged(&one);
        prop_assert_eq!(&report, &judged(&other));
        prop_assert_eq!(report.classes().iter().map(|(_, count)| count).sum::<u64>(), report.expected);
    }

    /// Whatever of a partition's events come too late because it stands still for a time within what is allowed, no value is called
    /// wrong, and where none does, each is right.
    #[test]
    fn behind_a_repartition_no_value_is_wrong_that_partitions_apart_explain(
        events in events(), apart in 1..8_i64, still in 0..3_usize,
    ) {
        let text = text(true, 10_000, 10_000, 5_000).replace("repartition = true", &format!("apart = \"{}ms\"", apart * 500 + 1));
        let mut oracle = oracle(&text, 3);
        let in_order: Vec<(i64, Drawn)> = (0..).zip(events.iter().copied()).collect();
        give(&mut oracle, &in_order);
        // One partition's events come to the tasks so many places later.
        let mut arriving: Vec<(i64, Drawn)> = in_order
            .iter()
            .map(|(offset, event)| (if event.0 == still { offset + apart } else { *offset }, *event))
            .collect();
        arriving.sort_by_key(|(place, _)| *place);
        let mut times = BTreeMap::new();
        let mut windows: BTreeMap<(String, i64), i64> = BTreeMap::new();
        for (_, (partition, key, time, cents)) in arriving {
            let name = format!("{partition}-{key}");
            let task = crate::kafka::murmur2::partition(name.as_bytes(), 3);
            let now = times.entry(task).or_insert(i64::MIN);
            *now = time.max(*now);
            let start = time / 10_000 * 10_000;
            if start + 10_000 > *now - 5_000 {
                *windows.entry((name, start)).or_default() += cents;
            }
        }
        for ((name, start), cents) in &windows {
            see(&mut oracle, 0, &format!(r#"{{"k":"{name}","from":{start},"v":{cents}e-2}}"#));
        }
        let report = end(oracle);
        prop_assert_eq!((report.wrong, report.missing, report.unexpected, report.accepted_late), (0, 0, 0, 0), "{:?}", report);
    }
}
