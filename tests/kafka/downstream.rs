//! Results downstream, judged: the Kafka Streams application of `scripts/pipeline` as it is, and with faults built in.

use serde_json::Value;

use crate::cluster::Cluster;
use crate::pipeline::Pipeline;
use crate::program::{Program, Run};

/// Events to each task that are processed wrongly, in each of three tasks.
const WRONGLY: u64 = 3 * 200;
const EVENTS: u64 = 9_000;

/// A run of half a minute with this expected of what a pipeline of that name makes of it.
fn judged(name: &str, more: &[&str]) -> Run {
    let cluster = Cluster::shared();
    for topic in ["events", "metrics", "inventory", "fraud-scores"] {
        cluster.create(&format!("{name}-{topic}"), 3, &[]);
    }
    let _pipeline = Pipeline::start(cluster, name, &[&["--parts", "types,stock,fraud"], more].concat());
    let folder = tempfile::tempdir().unwrap();
    let expectations = folder.path().join("expect.toml");
    let text = format!(
        r#"
        [[expect]]
        name = "count"
        key = "event_type"
        window = {{ size = "10s", grace = "5s" }}
        output = {{ topic = "{name}-metrics", key = "name", start = "window_start", end = "window_end", value = "count" }}

        [[expect]]
        name = "revenue"
        key = "event_type"
        value = "sum(price * quantity)"
        value_types = ["transaction"]
        window = {{ size = "10s", grace = "5s" }}
        output = {{ topic = "{name}-metrics", only = {{ metric = "by-type" }}, key = "name", start = "window_start", value = "revenue" }}

        [[expect]]
        name = "stock"
        key = "item_id"
        types = ["transaction"]
        value = "sum(quantity)"
        output = {{ topic = "{name}-inventory", key = "item_id", value = "sold" }}

        [[expect]]
        name = "scores"
        match = "event_id"
        output = {{ topic = "{name}-fraud-scores" }}
        "#
    );
    std::fs::write(&expectations, text).unwrap();
    let events = EVENTS.to_string();
    let file = expectations.to_str().unwrap();
    let deadline = if more.is_empty() { "120s" } else { "5s" };
    // Windows are closed where all of them are to be right.
    let closing: &[&str] = if more.is_empty() { &["--close-windows"] } else { &[] };
    Program::new(cluster, &format!("{name}-events"))
        .args_of(&["synth", "--rate", "300", "--num-records", &events, "--expect", file, "--expect-deadline", deadline])
        .args(["--gate-off", "generator_healthy"])
        .args_of(closing)
        .run()
}

fn of<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["expectations"].as_array().unwrap().iter().find(|of| of["name"] == name).unwrap()
}

fn sums(report: &Value) {
    for of in report["expectations"].as_array().unwrap() {
        let classes = ["right", "wrong", "missing", "twice", "late", "accepted_late", "open", "undecided"];
        let sum: u64 = classes.iter().map(|class| of[class].as_u64().unwrap()).sum();
        assert_eq!(of["expected"], sum, "{of}");
    }
}

/// The ranges that the application's own log names are those that explain what is wrong with each expectation.
fn are_explained(report: &Value, is_lost: bool) {
    for name in ["count", "revenue", "stock", "scores"] {
        let of = of(report, name);
        let range = |range: &Value| [&range["partition"], &range["from"], &range["to"]].map(|n| n.as_i64().unwrap());
        let mut ranges: Vec<_> = of["explained"].as_array().unwrap_or(&Vec::new()).iter().map(range).collect();
        ranges.sort_unstable();
        assert_eq!(ranges, [[0, 1_000, 1_199], [1, 1_000, 1_199], [2, 1_000, 1_199]], "{name}: {of}");
        assert!(of["explained"].as_array().unwrap().iter().all(|range| range["is_lost"] == is_lost), "{of}");
    }
}

fn is_told(report: &Value, words: &str) {
    let notes = report["verdict"]["notes"].as_array().unwrap();
    assert!(notes.iter().any(|note| note.as_str().unwrap().contains(words)), "{notes:?}");
}

#[test]
fn a_pipeline_that_does_right_is_found_to() {
    let run = judged("rightly", &[]);
    let report = run.report();
    sums(&report);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    for name in ["count", "revenue", "stock", "scores"] {
        let of = of(&report, name);
        for bad in ["wrong", "missing", "twice", "late", "accepted_late", "undecided", "unexpected", "unreadable"] {
            assert_eq!(of[bad], 0, "{bad}: {of}");
        }
        assert!(of["right"].as_u64().unwrap() > 0, "{of}");
    }
    assert_eq!(of(&report, "scores")["right"], EVENTS);
    for name in ["count", "revenue", "stock"] {
        assert_eq!(
            (&of(&report, name)["open"], &of(&report, name)["right"]),
            (&0.into(), &of(&report, name)["expected"])
        );
    }
}

#[test]
fn a_pipeline_that_loses_events_is_found_by_each_expectation_and_explained() {
    let run = judged("losing", &["--defect", "lose"]);
    let report = run.report();
    sums(&report);
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    assert_eq!(
        (&of(&report, "scores")["missing"], &of(&report, "scores")["right"]),
        (&WRONGLY.into(), &(EVENTS - WRONGLY).into())
    );
    for name in ["count", "revenue", "stock"] {
        assert!(of(&report, name)["wrong"].as_u64().unwrap() > 0, "{}", of(&report, name));
    }
    are_explained(&report, true);
    is_told(&report, "left out offsets 1,000 to 1,199");
}

#[test]
fn a_pipeline_that_takes_events_twice_is_found_by_each_expectation_and_explained() {
    let run = judged("doubling", &["--defect", "double"]);
    let report = run.report();
    sums(&report);
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    assert_eq!((&of(&report, "scores")["twice"], &of(&report, "scores")["missing"]), (&WRONGLY.into(), &0.into()));
    for name in ["count", "revenue", "stock"] {
        assert!(of(&report, name)["wrong"].as_u64().unwrap() > 0, "{}", of(&report, name));
    }
    are_explained(&report, false);
    is_told(&report, "took offsets 1,000 to 1,199 twice");
}

#[test]
fn what_comes_out_twice_after_a_kill_begins_where_the_application_had_committed_last() {
    const EVENTS: u64 = 12_000;
    let cluster = Cluster::shared();
    for topic in ["again-events", "again-fraud-scores"] {
        cluster.create(topic, 3, &[]);
    }
    let more = ["--parts", "fraud", "--guarantee", "at_least_once", "-c", "commit.interval.ms=15000"];
    let pipeline = Pipeline::start(cluster, "again", &more);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("expect.toml");
    let text = "[[expect]]\nname = \"scores\"\nmatch = \"event_id\"\noutput = { topic = \"again-fraud-scores\" }\n";
    std::fs::write(&file, text).unwrap();
    let events = EVENTS.to_string();
    let started = Program::new(cluster, "again-events")
        .args_of(&["synth", "--rate", "300", "--num-records", &events, "--expect", file.to_str().unwrap()])
        .args(["--expect-deadline", "120s", "--gate-off", "generator_healthy"])
        .start();
    started.wait_for("a commit of all tasks", || pipeline.committed("server.log", "again-events").len() == 3);
    started.wait_for_seen(started.seen() + 600);
    let before = now_ms();
    pipeline.command(&["kill", "1"]);
    let after = now_ms();
    pipeline.command(&["start", "1"]);
    let run = started.finish();
    let report = run.report();
    let scores = of(&report, "scores");
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    assert_eq!((&scores["missing"], &scores["unexpected"]), (&0.into(), &0.into()), "{scores}");
    let committed = pipeline.committed("server.log.1", "again-events");
    let ranges = scores["explained"].as_array().unwrap();
    assert_eq!(ranges.len(), 3, "{scores}");
    for range in ranges {
        let number = |name: &str| range[name].as_i64().unwrap();
        assert_eq!(
            (&range["is_lost"], number("from")),
            (&false.into(), committed[&number("partition")]),
            "{committed:?} {range}"
        );
        let last = number("written_until_ms");
        assert!(last <= after && before - last < 60_000, "{before} {after} {range}");
    }
}

fn now_ms() -> i64 {
    i64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap()
}
