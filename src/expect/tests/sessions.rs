use super::*;
use proptest::prelude::*;

/// An event: its partition, its key, its time and what it adds.
type Drawn = (usize, u8, i64, i64);

const GAP: i64 = 3_000;
const GRACE: i64 = 2_000;

fn text(repartition: &str) -> String {
    format!(
        r#"
        name = "visits"
        source = "in"
        key = "k"
        time = "t"
        value = "sum(n)"
        {repartition}
        window = {{ gap = "3s", grace = "2s" }}
        output = {{ topic = "out", key = "k", start = "from", end = "to", value = "v" }}
        "#
    )
}

fn session(oracle: &mut Oracle, at: i64, key: &str, (from, to): (i64, i64), sum: i64) {
    see(oracle, at, &format!(r#"{{"k":"{key}","from":{from},"to":{to},"v":{sum}}}"#));
}

fn event(oracle: &mut Oracle, (partition, at): (usize, i64), key: &str, time: i64, n: i64) {
    put(oracle, partition, at, at, &format!(r#"{{"k":"{key}","t":{time},"n":{n}}}"#));
}

/// What Kafka Streams' `KStreamSessionWindowAggregate` does, event by event: by key the sessions that are written when they close. `keeps`: what
/// has closed can still be joined; otherwise it is forgotten.
#[derive(Default)]
struct Task {
    keeps: bool,
    time: i64,
    open: Vec<(String, i64, i64, i64)>,
    closed: Vec<(String, i64, i64, i64)>,
    written: Vec<(String, i64, i64, i64)>,
}

impl Task {
    fn take(&mut self, key: &str, time: i64, n: i64) {
        self.time = self.time.max(time);
        let closes = self.time - GAP - GRACE;
        let over = self.open.extract_if(.., |session| session.2 < closes).collect::<Vec<_>>();
        self.written.extend(over.iter().cloned());
        self.closed.extend(over);
        let is_near =
            |session: &(String, i64, i64, i64)| session.0 == key && session.2 >= time - GAP && session.1 <= time + GAP;
        let mut joined = (key.to_owned(), time, time, n);
        let kept = self.closed.iter().filter(|session| self.keeps && is_near(session));
        for (_, from, to, sum) in self.open.iter().filter(|session| is_near(session)).chain(kept) {
            joined = (joined.0, joined.1.min(*from), joined.2.max(*to), joined.3 + sum);
        }
        if joined.2 < closes {
            return;
        }
        self.open.retain(|session| !is_near(session));
        self.closed.retain(|session| !is_near(session));
        self.open.push(joined);
    }
}

fn events() -> impl Strategy<Value = Vec<Drawn>> {
    let one = (0..2_usize, 0..3_u8, 0..1_500_i64, prop_oneof![5 => Just(0_i64), 1 => 0..9_000_i64], 1..100_i64);
    prop::collection::vec(one, 1..120).prop_map(|drawn| {
        let mut now = 0;
        let mut event = |(partition, key, step, late, n): (usize, u8, i64, i64, i64)| {
            now += step;
            (partition, key, (now - late).max(0), n)
        };
        drawn.into_iter().map(&mut event).collect()
    })
}

proptest! {
    /// 4 of 5 drawn lists have events that come later than the grace and find what they belong to closed.
    #[test]
    fn without_a_repartition_each_session_is_what_the_processor_has_however_long_it_keeps_them(events in events(), keeps: bool) {
        let mut oracle = oracle(&text("repartition = false"), 2);
        let mut tasks = [Task { keeps, ..Task::default() }, Task { keeps, ..Task::default() }];
        let mut now = 0;
        for (offset, (partition, key, time, n)) in (0..).zip(&events) {
            now = now.max(*time);
            let key = format!("{partition}-{key}");
            put(&mut oracle, *partition, offset, now, &format!(r#"{{"k":"{key}","t":{time},"n":{n}}}"#));
            tasks[*partition].take(&key, *time, *n);
        }
        for (partition, task) in tasks.iter_mut().enumerate() {
            task.take("end", 1_000_000, 0);
            put(&mut oracle, partition, 1_000, 1_000_000, r#"{"k":"end","t":1000000,"n":0}"#);
            put(&mut oracle, partition, 1_001, 1_002_000, r#"{"k":"end","t":1002000,"n":0}"#);
        }
        let written: Vec<_> = tasks.iter().flat_map(|task| &task.written).collect();
        for (key, from, to, sum) in &written {
            session(&mut oracle, 1_000_000, key, (*from, *to), *sum);
        }
        let report = end(oracle);
        prop_assert_eq!((report.wrong, report.missing, report.unexpected, report.accepted_late), (0, 0, 0, 0), "{:?} {:?}", &report, &written);
        prop_assert_eq!(report.right + report.late + report.open, report.expected);
        prop_assert_eq!(report.right + report.late, written.len() as u64, "{:?} {:?}", &report, &written);
    }

    #[test]
    fn where_no_event_is_later_than_the_grace_every_difference_shows(events in events(), off in 0..4_usize, which: prop::sample::Index) {
        let mut oracle = oracle(&text("repartition = false"), 2);
        let mut tasks = [Task::default(), Task::default()];
        for (offset, (partition, key, time, n)) in (0..).zip(&events) {
            // As late as it may be.
            let time = (*time).max(tasks[*partition].time - GRACE);
            let key = format!("{partition}-{key}");
            put(&mut oracle, *partition, offset, time, &format!(r#"{{"k":"{key}","t":{time},"n":{n}}}"#));
            tasks[*partition].take(&key, time, *n);
        }
        for (partition, task) in tasks.iter_mut().enumerate() {
            task.take("end", 1_000_000, 0);
            put(&mut oracle, partition, 1_000, 1_000_000, r#"{"k":"end","t":1000000,"n":0}"#);
            put(&mut oracle, partition, 1_001, 1_002_000, r#"{"k":"end","t":1002000,"n":0}"#);
        }
        let mut written: Vec<_> = tasks.into_iter().flat_map(|task| task.written).collect();
        let which = which.index(written.len());
        match off {
            0 => written[which].3 += 1,
            1 => written[which].1 -= 1,
            2 => written[which].2 += 1,
            _ => drop(written.remove(which)),
        }
        for (key, from, to, sum) in &written {
            session(&mut oracle, 1_000_000, key, (*from, *to), *sum);
        }
        let report = end(oracle);
        let expected = if off < 3 { (1, 0) } else { (0, 1) };
        prop_assert_eq!((report.wrong, report.missing), expected, "{:?} {:?}", &report, &written);
        prop_assert_eq!((report.late, report.unexpected, report.accepted_late), (0, 0, 0), "{:?}", &report);
        prop_assert_eq!(report.right + 1, report.expected - report.open, "{:?}", &report);
    }

    /// Whatever the order in which the events of two partitions come to a task, as far as it is allowed to differ.
    #[test]
    fn behind_a_repartition_no_session_is_wrong_that_partitions_apart_explain(events in events(), apart in 1..8_i64, still in 0..2_usize, keeps: bool) {
        let mut oracle = oracle(&text(&format!("apart = \"{}ms\"", apart * 500 + 1)), 2);
        for (offset, (partition, key, time, n)) in (0..).zip(&events) {
            put(&mut oracle, *partition, offset, offset * 500, &format!(r#"{{"k":"{key}","t":{time},"n":{n}}}"#));
        }
        let mut arriving: Vec<(i64, Drawn)> =
            (0..).zip(&events).map(|(offset, event)| (if event.0 == still { offset + apart } else { offset }, *event)).collect();
        arriving.sort_by_key(|(place, _)| *place);
        let mut tasks = [Task { keeps, ..Task::default() }, Task { keeps, ..Task::default() }];
        for (_, (_, key, time, n)) in arriving {
            let key = key.to_string();
            let task = usize::try_from(crate::kafka::murmur2::partition(key.as_bytes(), 2)).unwrap();
            tasks[task].take(&key, time, n);
        }
        for (task, last) in tasks.iter_mut().zip(["end-1", "end-2"]) {
            task.take(last, 1_000_000, 0);
        }
        for key in ["x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7"] {
            put(&mut oracle, 0, 10_000, 1_000_000, &format!(r#"{{"k":"{key}","t":1000000,"n":0}}"#));
            put(&mut oracle, 0, 10_001, 1_020_000, &format!(r#"{{"k":"{key}","t":1020000,"n":0}}"#));
        }
        let written: Vec<_> = tasks.iter().flat_map(|task| &task.written).collect();
        for (key, from, to, sum) in &written {
            session(&mut oracle, 1_000_000, key, (*from, *to), *sum);
        }
        let report = end(oracle);
        prop_assert_eq!((report.wrong, report.missing, report.unexpected), (0, 0, 0), "{:?} {:?}", &report, &written);
        prop_assert_eq!(report.classes().iter().map(|(_, count)| count).sum::<u64>(), report.expected);
    }

    #[test]
    fn the_order_in_which_partitions_are_read_changes_nothing(
        events in events(), repartition: bool, results in prop::collection::vec((0..3_u8, 0..40_i64, 0..9_i64, 0..300_i64), 0..20),
    ) {
        let judged = |order: &[usize]| {
            let how = if repartition { "apart = \"1s\"" } else { "repartition = false" };
            let mut oracle = oracle(&text(how), 2);
            for of in order {
                for (offset, (partition, key, time, n)) in (0..).zip(&events).filter(|(_, event)| event.0 == *of) {
                    let key = if repartition { key.to_string() } else { format!("{partition}-{key}") };
                    put(&mut oracle, *partition, offset, offset * 500, &format!(r#"{{"k":"{key}","t":{time},"n":{n}}}"#));
                }
            }
            for (key, from, length, sum) in &results {
                let key = if repartition { key.to_string() } else { format!("0-{key}") };
                session(&mut oracle, 0, &key, (from * 1_000, (from + length) * 1_000), *sum);
            }
            end(oracle)
        };
        let report = judged(&[0, 1]);
        prop_assert_eq!(&report, &judged(&[1, 0]));
        prop_assert_eq!(report.classes().iter().map(|(_, count)| count).sum::<u64>(), report.expected);
    }
}

#[test]
fn each_class_of_a_session_is_found_as_what_it_is() {
    let mut oracle = oracle(&text("repartition = false"), 1);
    for start in [0, 10, 20, 30, 40, 50] {
        for second in [start, start + 1, start + 3] {
            event(&mut oracle, (0, second * 1_000), "a", second * 1_000, 1);
        }
    }
    // It is dropped: its session ended at second 43, and closed at 48.
    event(&mut oracle, (0, 53_500), "a", 44_000, 1);
    event(&mut oracle, (0, 57_000), "b", 57_000, 1);
    for (at, from, to, sum) in
        [(5, 0, 3, 3), (15, 10, 13, 4), (25, 20, 23, 3), (26, 20, 23, 3), (45, 40, 44, 4), (50, 60, 61, 2)]
    {
        session(&mut oracle, at * 1_000 + 2_000, "a", (from * 1_000, to * 1_000), sum);
    }
    let report = end(oracle);
    let classes = [("right", 1), ("wrong", 1), ("missing", 1), ("twice", 1), ("late", 0), ("accepted_late", 1)];
    assert_eq!(report.classes()[..6], classes, "{report:?}");
    assert_eq!((report.open, report.unexpected, report.expected), (2, 1, 7));
    // The session of seconds 0 to 3 is over with second 6, and was seen at second 7.
    assert_eq!(report.latency_us.map(|latency| (latency.count, latency.censored)), Some((5, 1)));
}

#[test]
fn of_a_session_that_grows_the_last_update_counts() {
    let text = text("repartition = false").replace("window", "emit = \"updates\"\nwindow");
    for (last, classes) in [(3, (1, 0)), (2, (0, 1))] {
        let mut oracle = oracle(&text, 1);
        for second in 0..3 {
            event(&mut oracle, (0, second * 1_000), "a", second * 1_000, 1);
            session(&mut oracle, second * 1_000, "a", (0, second * 1_000), if second == 2 { last } else { second + 1 });
            oracle.output(0, &Record { partition: 0, offset: 0, at_ms: 0, body: None });
        }
        assert_eq!(oracle.is_settled(), last == 3);
        let report = end(oracle);
        assert_eq!(
            (report.right, report.wrong, report.superseded, report.unreadable),
            (classes.0, classes.1, 2, 0),
            "{report:?}"
        );
    }
}

#[test]
fn a_session_says_what_it_is_in_a_sentence() {
    let text = r#"
        name = "x"
        key = "user_id"
        value = "top(3, item_id, sum(price * quantity))"
        repartition = false
        window = { gap = "30s", grace = "5s" }
        output = { topic = "out", key = "user_id", start = "from", end = "to", value = "items", item = "id", number = "n" }
    "#;
    assert_eq!(
        declared(&[config(text)]).unwrap()[0].to_string(),
        "the 3 item_id with the greatest sum of price times quantity over events of raw-events by user_id in each session, whose events \
         are at most 30s apart, 5s grace: once in out when it has closed"
    );
}
