use super::*;

fn event(oracle: &mut Oracle, partition: usize, at: i64, key: &str, time: i64) {
    put(oracle, partition, at, at, &format!(r#"{{"k":"{key}","t":{time}}}"#));
}

fn result(oracle: &mut Oracle, key: &str, from: i64, value: u64) {
    see(oracle, from + 16_000, &format!(r#"{{"k":"{key}","from":{from},"v":{value}}}"#));
}

/// Events of one key, one a second from 0 to 59: windows up to 40..50 are due, and 50..60 is not closed.
fn a_minute(text: &str) -> Oracle {
    let mut oracle = oracle(text, 1);
    (0..60).for_each(|second| event(&mut oracle, 0, second * 1_000, "a", second * 1_000));
    oracle
}

#[test]
fn each_class_is_found_as_what_it_is() {
    let mut oracle = a_minute(COUNT);
    event(&mut oracle, 0, 60_000, "a", 21_000);
    for (from, value) in [(0, 10), (0, 10), (10_000, 9), (20_000, 11), (70_000, 1)] {
        result(&mut oracle, "a", from, value);
    }
    let report = end(oracle);
    let classes = [("right", 0), ("wrong", 1), ("missing", 2), ("twice", 1), ("late", 0), ("accepted_late", 1)];
    assert_eq!(report.classes()[..6], classes, "{report:?}");
    assert_eq!((report.open, report.undecided, report.expected, report.unexpected), (1, 0, 6, 1));
    assert_eq!(report.classes().iter().map(|(_, count)| count).sum::<u64>(), report.expected);
    let told = "count: of 6 results in out 1 wrong, 2 missing, 1 written more than once, 1 that nothing in the input asks for; \
                the first: a in the window from 1970-01-01T00:00:10Z: 9 instead of 10";
    assert_eq!(report.violation().unwrap(), told);
}

#[test]
fn events_behind_the_end_close_windows_and_ask_for_nothing_themselves() {
    for text in [COUNT.to_owned(), COUNT.replace("window", "repartition = false\n    window")] {
        let mut oracle = oracle(&text, 3);
        for second in 0..60 {
            for (partition, key) in ["a", "b", "c"].into_iter().enumerate() {
                put(
                    &mut oracle,
                    partition,
                    second,
                    second * 1_000,
                    &format!(r#"{{"k":"{key}","t":{}}}"#, second * 1_000),
                );
            }
        }
        (0..3).for_each(|partition| oracle.ends_at(0, partition, 60));
        assert_eq!(oracle.closes_at(), Some(59_000 + 15_000));
        for round in 0..2 {
            let at = 74_000 + round * 1_500;
            let events = oracle.closing(0, at);
            assert_eq!(events.iter().map(|event| event.partition).collect::<Vec<_>>(), [0, 1, 2]);
            for event in events {
                put(&mut oracle, usize::try_from(event.partition).unwrap(), 60 + round, at, &event.json());
            }
        }
        assert!(!oracle.is_settled(), "all windows are due");
        for key in ["a", "b", "c"] {
            (0..6).for_each(|window| result(&mut oracle, key, window * 10_000, 10));
        }
        let report = end(oracle);
        assert_eq!((report.expected, report.right, report.unexpected), (18, 18, 0), "{report:?}");
    }
}

#[test]
fn a_result_takes_as_long_as_it_is_seen_after_the_end_of_its_window() {
    let mut oracle = a_minute(COUNT);
    for from in [0, 10_000, 20_000, 30_000, 40_000] {
        result(&mut oracle, "a", from, 10);
    }
    let report = end(oracle);
    let latency = report.latency_us.unwrap();
    assert_eq!((report.right, latency.count, latency.censored), (5, 5, 0));
    assert!(latency.max.is_some_and(|max| (5_990_000..6_010_000).contains(&max)), "{latency:?}");
    let report = end(a_minute(COUNT));
    assert_eq!(report.latency_us.map(|latency| (latency.count, latency.censored)), Some((5, 5)));
}

#[test]
fn behind_a_repartition_an_event_may_be_too_late_that_comes_when_the_window_closes() {
    let wide = COUNT.replace("window", "apart = \"8s\"\n    window");
    for (text, value, class) in [
        (COUNT.to_owned(), 19, "wrong"),
        (COUNT.to_owned(), 20, "right"),
        (wide.clone(), 20, "right"),
        (wide.clone(), 19, "late"),
        // The events of up to second 6 came more than 8 s before the window closed: they must be there.
        (wide.clone(), 14, "late"),
        (wide, 13, "wrong"),
    ] {
        let mut oracle = oracle(&text, 2);
        for second in 0..30 {
            for partition in 0..2 {
                event(&mut oracle, partition, second * 1_000, "a", second * 1_000);
            }
        }
        result(&mut oracle, "a", 0, value);
        let report = end(oracle);
        let found = report.classes().into_iter().find(|(name, _)| *name == class).unwrap();
        assert_eq!(found.1, 1, "{value}: {report:?}");
    }
}

#[test]
fn a_result_without_its_last_events_tells_how_far_apart_partitions_had_to_be_for_them_to_be_late() {
    for (value, needs) in [(19, Some(6_000)), (16, Some(7_000)), (13, Some(9_000)), (3, None), (21, None)] {
        let mut oracle = oracle(COUNT, 2);
        for second in 0..30 {
            (0..2).for_each(|partition| event(&mut oracle, partition, second * 1_000, "a", second * 1_000));
        }
        result(&mut oracle, "a", 0, value);
        result(&mut oracle, "a", 10_000, 20);
        let report = end(oracle);
        assert_eq!((report.right, report.wrong, report.needs_apart_ms), (1, 1, needs), "{value}: {report:?}");
        assert_eq!(report.explanation().is_some(), needs.is_some());
    }
}

#[test]
fn windows_whose_results_came_are_kept_for_minutes_and_not_for_hours() {
    let mut oracle = oracle(COUNT, 1);
    let mut weights = Vec::new();
    for second in 0..3 * 3_600 {
        event(&mut oracle, 0, second * 1_000, "a", second * 1_000);
        // Of the window that has closed 4 s ago.
        if second % 10 == 9 && second >= 19 {
            result(&mut oracle, "a", (second - 19) * 1_000, 10);
        }
        if second % 1_800 == 1_799 {
            weights.push(oracle.weight());
        }
    }
    assert_eq!(weights, [weights[0]; 6]);
    let report = end(oracle);
    assert_eq!((report.right, report.open, report.missing), (1_079, 1, 0), "{report:?}");
}

#[test]
fn an_event_that_is_surely_too_late_is_not_expected_and_one_within_grace_is() {
    for (late_at, counted) in [(14_000, 11), (16_000, 10)] {
        let mut oracle = oracle(&COUNT.replace("window", "repartition = false\n    window"), 1);
        for second in 0..30 {
            if second * 1_000 == late_at {
                event(&mut oracle, 0, late_at, "a", 9_500);
            }
            event(&mut oracle, 0, second * 1_000, "a", second * 1_000);
        }
        result(&mut oracle, "a", 0, counted);
        let report = end(oracle);
        assert_eq!((report.right, report.wrong, report.accepted_late), (1, 0, 0), "{late_at}: {report:?}");
    }
}

#[test]
fn an_update_is_superseded_by_the_next_and_the_last_one_counts() {
    let updates = COUNT.replace("window", "emit = \"updates\"\n    window");
    let mut oracle = a_minute(&updates);
    (1..=10).for_each(|value| result(&mut oracle, "a", 0, value));
    (1..=9).for_each(|value| result(&mut oracle, "a", 50_000, value));
    assert!(!oracle.is_settled());
    let report = end(oracle);
    assert_eq!((report.right, report.wrong, report.missing, report.superseded), (1, 1, 4, 17));
}

#[test]
fn a_running_total_is_the_sum_of_all_that_was_ever_written_and_a_result_of_this_run_alone() {
    let text = r#"
        name = "sold"
        source = "in"
        key = "k"
        time = "t"
        value = "sum(n)"
        types = ["sale"]
        output = { topic = "out", key = "k", value = "v.sold" }
    "#;
    let expectations = declared(&[config(text)]).unwrap();
    for (is_whole, classes) in [(true, (1, 1, 0)), (false, (0, 0, 2))] {
        let log = Log { starts: vec![3], is_whole };
        let mut oracle = Oracle::new(&expectations, &BTreeMap::from([("in".to_owned(), log)]), true, None);
        for (offset, (key, kind, n)) in (0..).zip([
            ("a", "sale", "2"),
            ("c", "sale", "9"),
            ("a", "view", "5"),
            ("a", "sale", "0.5"),
            ("b", "sale", "1"),
        ]) {
            put(&mut oracle, 0, offset, 0, &format!(r#"{{"event_type":"{kind}","k":"{key}","t":1,"n":{n}}}"#));
        }
        see(&mut oracle, 1, r#"{"k":"a","v":{"sold":2}}"#);
        see(&mut oracle, 2, r#"{"k":"a","v":{"sold":2.50}}"#);
        see(&mut oracle, 3, r#"{"k":"b","v":{"sold":2}}"#);
        let report = end(oracle);
        assert_eq!((report.right, report.wrong, report.undecided), classes, "{report:?}");
    }
}

#[test]
fn each_event_has_one_result() {
    let text = r#"
        name = "scores"
        source = "in"
        match = "id"
        time = "t"
        output = { topic = "out" }
    "#;
    let mut oracle = oracle(text, 1);
    for (offset, id) in (0..).zip(["a", "b", "c", "00000000-0000-4000-8000-000000000001"]) {
        put(&mut oracle, 0, offset, 0, &format!(r#"{{"id":"{id}","t":1000}}"#));
    }
    for (at, id) in
        [(1_100, "a"), (1_200, "b"), (1_300, "b"), (1_400, "x"), (1_500, "00000000-0000-4000-8000-000000000001")]
    {
        see(&mut oracle, at, &format!(r#"{{"id":"{id}"}}"#));
    }
    assert!(!oracle.is_settled());
    let report = end(oracle);
    assert_eq!((report.expected, report.right, report.twice, report.missing, report.unexpected), (4, 2, 1, 1, 1));
    assert_eq!(report.latency_us.map(|latency| (latency.count, latency.censored)), Some((4, 1)));
}

#[test]
fn what_cannot_be_added_and_what_was_not_read_is_undecided() {
    let sums = COUNT.replace("window", "value = \"sum(n)\"\n    window");
    let mut oracle = oracle(&sums, 1);
    for second in 0..30 {
        let n = if second == 3 { "\"many\"" } else { "1" };
        put(&mut oracle, 0, second, second * 1_000, &format!(r#"{{"k":"a","t":{},"n":{n}}}"#, second * 1_000));
    }
    for from in [0, 10_000] {
        result(&mut oracle, "a", from, 10);
    }
    let report = end(oracle);
    assert_eq!((report.undecided, report.right, report.violation()), (1, 1, None));
    let mut oracle = a_minute(COUNT);
    result(&mut oracle, "a", 0, 10);
    let unread = BTreeMap::from([("in".to_owned(), "partition 0 was not read".to_owned())]);
    let report = oracle.end(1_000_000, &unread).0.remove(0);
    assert_eq!((report.undecided, report.open, report.violation()), (5, 1, None));
    assert!(report.unsaid().unwrap().contains("partition 0 was not read"));
}

#[test]
fn what_was_not_read_may_ask_for_more_than_is_known() {
    let unread = BTreeMap::from([("in".to_owned(), "partition 0 was not read".to_owned())]);
    let says = |oracle: Oracle| {
        let report = oracle.end(1_000_000, &unread).0.remove(0);
        assert_eq!((report.undecided, report.violation()), (0, None), "{report:?}");
        report.unsaid().unwrap()
    };
    let nothing = says(oracle(COUNT, 1));
    assert!(nothing.ends_with("not known: partition 0 was not read"), "{nothing}");
    let text = "name = \"scores\"\nsource = \"in\"\nmatch = \"id\"\ntime = \"t\"\noutput = { topic = \"out\" }";
    let mut all_right = oracle(text, 1);
    put(&mut all_right, 0, 0, 0, r#"{"id":"a","t":1000}"#);
    see(&mut all_right, 1_100, r#"{"id":"a"}"#);
    let some = says(all_right);
    assert!(some.ends_with("not known: partition 0 was not read"), "{some}");
}

#[test]
fn the_input_need_not_be_events() {
    let mut oracle = a_minute(COUNT);
    for body in ["", "no JSON", "[]", "{}", r#"{"k":"a"}"#, r#"{"t":1,"k":null}"#, r#"{"k":"a","t":"soon"}"#] {
        put(&mut oracle, 0, 99, 0, body);
    }
    oracle.input(0, &Record { partition: 0, offset: 99, at_ms: 0, body: None });
    oracle.output(0, &Record { partition: 0, offset: 99, at_ms: 0, body: None });
    let report = end(oracle);
    assert_eq!((report.expected, report.unreadable), (6, 1));
}

#[test]
fn an_expectation_says_what_it_is_in_a_sentence() {
    let text = r#"
        name = "x"
        key = "category"
        value = "sum(price * quantity)"
        present = ["category"]
        value_types = ["transaction"]
        window = { size = "1m", advance = "10s", grace = "5s" }
        output = { topic = "metrics", key = "name", start = "window_start", value = "revenue" }
    "#;
    assert_eq!(
        declared(&[config(text)]).unwrap()[0].to_string(),
        "the sum of price times quantity over events with category (to which only transaction events add) of raw-events by category in \
         1m of its time, a window every 10s, 5s grace: once in metrics when the window has closed; behind a repartition, with \
         partitions at most 1s apart"
    );
}
