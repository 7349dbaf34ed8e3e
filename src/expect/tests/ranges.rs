use super::*;
use proptest::prelude::*;

/// An event: partition, key, time and what it adds.
type Drawn = (usize, u8, i64, i64);

fn events() -> impl Strategy<Value = Vec<Drawn>> {
    let one = (0..3_usize, 0..4_u8, 0..400_i64, 1..1_000_000_000_i64);
    prop::collection::vec(one, 200..400).prop_map(|drawn| {
        let mut now = 0;
        let mut event = |(partition, key, step, adds): (usize, u8, i64, i64)| {
            now += step;
            (partition, key, now, adds)
        };
        drawn.into_iter().map(&mut event).collect()
    })
}

fn text(repartition: bool, value: &str) -> String {
    format!(
        r#"
        name = "sum"
        source = "in"
        key = "k"
        time = "t"
        value = "{value}"
        repartition = {repartition}
        window = {{ size = "10s", advance = "5s", grace = "5s" }}
        output = {{ topic = "out", key = "k", start = "from", value = "v" }}
        "#
    )
}

/// The number of times that an event is processed, and what explains what comes out then.
fn explained(text: &str, events: &[Drawn], times: impl Fn(usize, i64) -> i64) -> ExpectReport {
    let mut oracle = oracle(text, 3);
    let mut offsets = [0_i64; 3];
    let mut input = Vec::new();
    let mut sums: BTreeMap<(String, i64), i64> = BTreeMap::new();
    let last = events.last().map_or(0, |event| event.2);
    for (partition, key, time, adds) in events {
        let offset = offsets[*partition];
        offsets[*partition] += 1;
        // Without a repartition a key lies in one partition.
        let key = if text.contains("repartition = false") { format!("{partition}-{key}") } else { key.to_string() };
        let value = if text.contains("count") { 1 } else { *adds };
        let times = times(*partition, offset);
        for start in [time / 5_000 * 5_000 - 5_000, time / 5_000 * 5_000] {
            if start >= 0 && start + 15_000 < last && times > 0 {
                *sums.entry((key.clone(), start)).or_default() += times * value;
            }
        }
        input.push((*partition, offset, *time, format!(r#"{{"k":"{key}","t":{time},"n":{adds}}}"#)));
    }
    for (partition, offset, at, body) in &input {
        put(&mut oracle, *partition, *offset, *at, body);
    }
    for ((key, start), sum) in &sums {
        see(&mut oracle, last, &format!(r#"{{"k":"{key}","from":{start},"v":{sum}}}"#));
    }
    let (mut reports, mut explainer) = oracle.end(1_000_000, &BTreeMap::new());
    for (partition, offset, at_ms, body) in &input {
        let record = Record { partition: *partition, offset: *offset, at_ms: *at_ms, body: Some(body.as_bytes()) };
        explainer.input(0, &record);
    }
    explainer.explain(&mut reports);
    reports.remove(0)
}

proptest! {
    #[test]
    fn the_range_that_was_lost_or_taken_twice_is_named_and_no_other(
        events in events(), partition in 0..3_usize, from in 0.0..0.4, length in 1..30_i64, twice: bool, repartition: bool,
    ) {
        let all: Vec<&Drawn> = events.iter().filter(|event| event.0 == partition).collect();
        prop_assume!(!all.is_empty());
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a place among few")]
        let from = (all.len() as f64 * from) as i64;
        let to = (from + length - 1).min(i64::try_from(all.len()).unwrap() - 1);
        // Of windows that did not close nothing is known.
        let last = events.last().unwrap().2;
        prop_assume!(all[usize::try_from(to).unwrap()].2 + 30_000 < last);
        let report = explained(&text(repartition, "sum(n)"), &events, |of, offset| {
            if of == partition && (from..=to).contains(&offset) { if twice { 2 } else { 0 } } else { 1 }
        });
        let ranges: Vec<_> = report.explained.iter().map(|range| (range.from, range.to, range.is_lost, range.ranges)).collect();
        prop_assert_eq!(ranges, [(from, to, !twice, 1)], "{:?}", report);
        prop_assert_eq!(report.explained[0].partition, i32::try_from(partition).unwrap());
        prop_assert!(report.explanation().unwrap().starts_with("the task of in-"));
    }

    /// Counts alone may be explained by several ranges: the right one is among them.
    #[test]
    fn where_several_ranges_explain_it_the_bounds_hold_the_right_one(
        events in events(), from in 0..15_i64, length in 1..30_i64,
    ) {
        let all: Vec<&Drawn> = events.iter().filter(|event| event.0 == 1).collect();
        let to = from + length - 1;
        let last = events.last().unwrap().2;
        prop_assume!(all.get(usize::try_from(to).unwrap()).is_some_and(|event| event.2 + 30_000 < last));
        let report = explained(&text(true, "count"), &events, |of, offset| {
            i64::from(of != 1 || !(from..=to).contains(&offset))
        });
        let holds = |range: &crate::report::ExpectRange| range.partition == 1 && range.is_lost && range.from <= from && range.to >= to;
        prop_assert!(report.explained.iter().any(holds), "{:?}", report);
    }

    #[test]
    fn what_no_single_range_explains_is_left_unexplained(events in events(), every in 2..9_i64) {
        let report = explained(&text(true, "sum(n)"), &events, |_, offset| i64::from(offset % every != 0));
        prop_assert_eq!(report.explained.len(), 0, "{:?}", report);
    }
}

#[test]
fn events_without_a_result_of_their_own_tell_the_range_and_explain_what_adds_up() {
    let each = r#"
        name = "scores"
        source = "in"
        match = "id"
        time = "t"
        output = { topic = "scores", key = "id" }
    "#;
    let total = r#"
        name = "total"
        source = "in"
        key = "k"
        time = "t"
        output = { topic = "totals", key = "k", value = "v" }
    "#;
    let expectations = declared(&[config(total), config(each)]).unwrap();
    let log = Log { starts: vec![0; 2], is_whole: true };
    let mut oracle = Oracle::new(&expectations, &BTreeMap::from([("in".to_owned(), log)]), true, None);
    let is_lost = |partition: usize, offset: i64| (10 + i64::try_from(partition).unwrap()..20).contains(&offset);
    let (mut input, mut counted) = (Vec::new(), 0);
    for offset in 0..40 {
        for partition in 0..2 {
            let body = format!(r#"{{"id":"{partition}-{offset}","k":"a","t":{offset}}}"#);
            put(&mut oracle, partition, offset, offset, &body);
            if !is_lost(partition, offset) {
                counted += 1;
                oracle.output(1, &Record { partition: 0, offset: 0, at_ms: 99, body: Some(body.as_bytes()) });
            }
            input.push((partition, offset, body));
        }
    }
    let body = format!(r#"{{"k":"a","v":{counted}}}"#);
    oracle.output(0, &Record { partition: 0, offset: 0, at_ms: 99, body: Some(body.as_bytes()) });
    let (mut reports, mut explainer) = oracle.end(1_000_000, &BTreeMap::new());
    assert!(explainer.wants(0));
    for (partition, offset, body) in &input {
        let (partition, offset) = (*partition, *offset);
        explainer.input(0, &Record { partition, offset, at_ms: offset, body: Some(body.as_bytes()) });
    }
    explainer.explain(&mut reports);
    for report in &reports {
        let mut ranges: Vec<_> = report.explained.iter().map(|range| (range.partition, range.from, range.to)).collect();
        ranges.sort_unstable();
        assert_eq!(ranges, [(0, 10, 19), (1, 11, 19)], "{report:?}");
    }
    assert_eq!((reports[1].missing, reports[0].wrong), (19, 1));
}

#[test]
fn what_a_processor_has_not_come_to_is_not_called_left_out() {
    let text = "name = \"scores\"\nsource = \"in\"\nmatch = \"id\"\ntime = \"t\"\noutput = { topic = \"out\" }";
    for (lost, told) in [(20..40, "had not come to offsets 20 to 39"), (20..39, "left out offsets 20 to 38")] {
        let mut oracle = oracle(text, 1);
        let body = |offset: i64| format!(r#"{{"id":"{offset}","t":{offset}}}"#);
        for offset in 0..40 {
            put(&mut oracle, 0, offset, offset, &body(offset));
            if !lost.contains(&offset) {
                see(&mut oracle, 99, &body(offset));
            }
        }
        let (mut reports, mut explainer) = oracle.end(1_000_000, &BTreeMap::new());
        for offset in 0..40 {
            explainer.input(0, &Record { partition: 0, offset, at_ms: 0, body: Some(body(offset).as_bytes()) });
        }
        explainer.explain(&mut reports);
        assert!(reports[0].explanation().unwrap().contains(told), "{:?}", reports[0].explanation());
    }
}
