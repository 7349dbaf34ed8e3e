use std::collections::BTreeSet;

use super::*;
use proptest::prelude::*;

fn text(value: &str) -> String {
    format!(
        r#"
        name = "kind"
        source = "in"
        key = "k"
        time = "t"
        value = "{value}"
        repartition = false
        window = {{ size = "10s", grace = "5s" }}
        output = {{ topic = "out", key = "k", start = "from", value = "v" }}
        "#
    )
}

/// What values come to, where there are any.
fn computed(kind: &str, values: &[i64]) -> i64 {
    match kind {
        "min(n)" => *values.iter().min().unwrap(),
        "max(n)" => *values.iter().max().unwrap(),
        "last(n)" => *values.last().unwrap(),
        _ => i64::try_from(values.iter().collect::<BTreeSet<_>>().len()).unwrap(),
    }
}

proptest! {
    #[test]
    fn the_least_the_greatest_the_last_and_the_number_of_different_ones_are_those_of_a_list(
        events in prop::collection::vec((0..2_usize, 0..900_i64, prop_oneof![3 => Just(0_i64), 1 => 0..20_000_i64],
            prop::option::of(-20..20_i64)), 1..200),
        kind in prop::sample::select(vec!["min(n)", "max(n)", "last(n)", "distinct(n)"]),
        off in prop::sample::select(vec![0_i64, 0, 41]),
    ) {
        let mut oracle = oracle(&text(kind), 2);
        let (mut now, mut times) = (0, [i64::MIN; 2]);
        let mut windows: BTreeMap<(usize, i64), Vec<i64>> = BTreeMap::new();
        for (offset, (partition, step, late, value)) in (0..).zip(&events) {
            now += step;
            let time = (now - late).max(0);
            let field = value.map_or_else(String::new, |value| format!(r#","n":{value}"#));
            put(&mut oracle, *partition, offset, now, &format!(r#"{{"k":"{partition}","t":{time}{field}}}"#));
            // An event without the field is not taken.
            let Some(value) = value else { continue };
            times[*partition] = times[*partition].max(time);
            let start = time / 10_000 * 10_000;
            if start + 15_000 > times[*partition] {
                windows.entry((*partition, start)).or_default().push(*value);
            }
        }
        for ((partition, start), values) in &windows {
            let value = computed(kind, values) + off;
            see(&mut oracle, now, &format!(r#"{{"k":"{partition}","from":{start},"v":{value}}}"#));
        }
        let report = end(oracle);
        prop_assert_eq!(report.expected, windows.len() as u64);
        // Which events that came too late were the last nobody knows, if any was.
        let found = if off == 0 { report.right } else { report.wrong + report.accepted_late + report.undecided };
        prop_assert_eq!(found, report.expected, "{:?}", report);
    }
}

#[test]
fn what_may_have_come_too_late_gives_each_kind_its_bounds() {
    // Of partition 0 an event that must have counted, of partition 1 one that may have.
    for (value, right, late, wrong) in [
        ("min(n)", "3", "5", "2"),
        ("max(n)", "7", "5", "8"),
        ("distinct(n)", "2", "1", "3"),
        ("sum(n)", "8", "5", "9"),
    ] {
        let other = if value == "min(n)" || value == "sum(n)" { 3 } else { 7 };
        for (seen, class) in [(right, "right"), (late, "late"), (wrong, "wrong")] {
            let text = text(value).replace("repartition = false", "apart = \"8s\"");
            let mut oracle = oracle(&text, 2);
            put(&mut oracle, 0, 0, 1_000, r#"{"k":"a","t":1000,"n":5}"#);
            put(&mut oracle, 1, 0, 9_000, &format!(r#"{{"k":"a","t":9000,"n":{other}}}"#));
            put(&mut oracle, 0, 1, 15_000, r#"{"k":"a","t":15000,"n":5}"#);
            see(&mut oracle, 17_000, &format!(r#"{{"k":"a","from":0,"v":{seen}}}"#));
            let report = end(oracle);
            let found = report.classes().into_iter().find(|(name, _)| *name == class).unwrap();
            assert_eq!(found.1, 1, "{value} {class}: {report:?}");
        }
    }
}
