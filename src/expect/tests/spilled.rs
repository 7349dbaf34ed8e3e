use super::*;
use proptest::prelude::*;

const EACH: &str = r#"
    name = "scores"
    source = "in"
    match = "id"
    time = "t"
    output = { topic = "out", key = "id" }
"#;

const TOTAL: &str = r#"
    name = "top"
    source = "in"
    key = "k"
    time = "t"
    value = "top(2, id, sum(n))"
    output = { topic = "out", key = "k", value = "v", item = "i", number = "n" }
"#;

const SESSIONS: &str = r#"
    name = "visits"
    source = "in"
    key = "k"
    time = "t"
    value = "sum(n)"
    window = { gap = "3s", grace = "2s" }
    output = { topic = "out", key = "k", start = "from", end = "to", value = "v" }
"#;

/// Events and results in turn, of few keys so that many meet: partition, key, ms since the last, how late, and a number.
type Drawn = (usize, u8, i64, i64, i64, bool);

fn told(text: &str, drawn: &[Drawn], most: usize) -> ExpectReport {
    let mut oracle = oracle(text, 2).within(most);
    let (mut now, mut offset) = (0, 0);
    for (partition, key, step, late, n, is_event) in drawn {
        now += step;
        let time = (now - late).max(0);
        if *is_event {
            let body = format!(r#"{{"k":"{key}","id":"{key}-{}","t":{time},"n":{n}}}"#, n % 9);
            put(&mut oracle, *partition, offset, now, &body);
            offset += 1;
            continue;
        }
        let (from, to) = (time / 10_000 * 10_000, time / 10_000 * 10_000 + n * 100);
        let body = match text {
            EACH => format!(r#"{{"id":"{key}-{}"}}"#, n % 9),
            TOTAL => format!(r#"{{"k":"{key}","v":[{{"i":"{key}-1","n":{n}}}]}}"#),
            _ => format!(r#"{{"k":"{key}","from":{from},"to":{to},"v":{n}}}"#),
        };
        see(&mut oracle, now, &body);
    }
    // Which ten of a class are told depends on the order of the keys.
    ExpectReport { examples: Vec::new(), ..end(oracle) }
}

proptest! {
    #[test]
    fn what_lies_on_the_disk_comes_to_the_same_as_what_is_in_memory(
        drawn in prop::collection::vec(
            (0..2_usize, 0..5_u8, 0..1_500_i64, prop_oneof![4 => Just(0_i64), 1 => 0..20_000_i64], 0..30_i64, prop::bool::weighted(0.7)), 1..150),
        text in prop::sample::select(vec![COUNT, EACH, TOTAL, SESSIONS]),
        most in 0..20_usize,
    ) {
        let all = told(text, &drawn, usize::MAX);
        prop_assert_eq!(&told(text, &drawn, most), &all);
        prop_assert_eq!(all.classes().iter().map(|(_, count)| count).sum::<u64>(), all.expected);
    }
}

#[test]
fn nothing_is_settled_while_some_of_it_lies_on_the_disk() {
    let mut oracle = oracle(COUNT, 1).within(0);
    put(&mut oracle, 0, 0, 0, r#"{"k":"a","t":0}"#);
    assert!(!oracle.is_settled());
}
