//! Files that well-known programs write, replayed as they are, as another client reads them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use loadgen::files::SNOWPLOW_COLUMNS;
use loadgen::kafka::murmur2;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::program::Program;

const PARTITIONS: i32 = 3;
const EVENTS: u32 = 120;

/// A line as it is in a file, what is its key, its type, and its times in ms by the clocks of its preset.
struct Line {
    text: String,
    key: String,
    kind: &'static str,
    received_ms: i64,
    created_ms: i64,
}

/// Events of seven devices that send in bursts: what was created first is not received first.
fn lines(of: impl Fn(&Line, u32) -> String) -> Vec<Line> {
    let line = |n: u32| {
        let received_ms = 1_790_000_000_000 + i64::from(n / 6) * 200;
        let created_ms = received_ms - i64::from(n * 7919 % 5_000);
        let kind = ["track", "page"][usize::from(n.is_multiple_of(3))];
        let line = Line { text: String::new(), key: format!("u{}", n % 7), kind, received_ms, created_ms };
        Line { text: of(&line, n), ..line }
    };
    (0..EVENTS).map(line).collect()
}

fn date(ms: i64, form: &str) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap().strftime(form).to_string()
}

const RFC3339: &str = "%Y-%m-%dT%H:%M:%S.%3fZ";

/// Replays what is in the file with its own timing, and holds what another client reads against it: each type in a topic, each key in
/// the partition that Java has it in and in the order of its times, each value to the letter.
fn replayed(name: &str, file: &Path, lines: &[Line], by: impl Fn(&Line) -> i64, options: &[&str]) -> Value {
    let cluster = Cluster::shared();
    let kinds: Vec<&str> =
        lines.iter().map(|line| line.kind).collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    let topic = |kind: &str| format!("{name}-{kind}");
    let map: Vec<String> = kinds.iter().map(|kind| format!("{kind}={}", topic(kind))).collect();
    for kind in &kinds {
        cluster.create(&topic(kind), PARTITIONS, &[]);
    }
    let run = Program::new(cluster, "")
        .args(["replay", file.to_str().unwrap(), "--topic-map", &map.join(","), "--lanes", "2"])
        .args(["--gate-off", "generator_healthy"])
        .args_of(options)
        .run();
    let report = run.report();
    assert_eq!(report["ledger"]["verified"], lines.len(), "{}", run.stderr);
    for finding in ["duplicates", "reordered", "invalid", "misplaced", "foreign"] {
        assert_eq!(report["findings"][finding], 0, "{finding}");
    }
    for kind in kinds {
        let mut expected = BTreeMap::<i32, Vec<(&str, &str)>>::new();
        let mut of_kind: Vec<&Line> = lines.iter().filter(|line| line.kind == kind).collect();
        of_kind.sort_by_key(|line| by(line));
        for line in of_kind {
            let partition = murmur2::partition(line.key.as_bytes(), PARTITIONS);
            expected.entry(partition).or_default().push((&line.key, &line.text));
        }
        let read = cluster.read_all(&topic(kind), PARTITIONS);
        for (partition, expected) in expected {
            let there = read.iter().filter(|record| record.partition == partition);
            let there = there.map(|record| (text(&record.key), text(&record.body)));
            for key in expected.iter().map(|(key, _)| *key).collect::<std::collections::BTreeSet<_>>() {
                let there: Vec<_> = there.clone().filter(|(of, _)| *of == key).collect();
                let expected: Vec<_> = expected.iter().copied().filter(|(of, _)| *of == key).collect();
                assert_eq!(there, expected, "{kind} {key}");
            }
            assert_eq!(there.count(), expected.len());
        }
    }
    report
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn written(folder: &Path, name: &str, lines: &[Line]) -> std::path::PathBuf {
    let file = folder.join(name);
    fs::write(&file, lines.iter().map(|line| line.text.clone() + "\n").collect::<String>()).unwrap();
    file
}

fn call(line: &Line, n: u32) -> String {
    json!({
        "type": line.kind, "userId": null, "anonymousId": line.key, "messageId": format!("m{n}"),
        "properties": {"price": f64::from(n) / 8.0, "title": "\u{e4}\"x\\"},
        "originalTimestamp": date(line.created_ms, RFC3339), "sentAt": date(line.received_ms - 20, RFC3339),
        "receivedAt": date(line.received_ms, RFC3339), "timestamp": date(line.created_ms + 20, RFC3339),
    })
    .to_string()
}

#[test]
fn calls_of_segment_are_replayed_to_the_letter_by_the_clock_that_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let lines = lines(call);
    let file = written(folder.path(), "calls.ndjson", &lines);
    let report = replayed("seg", &file, &lines, |line| line.received_ms, &["--preset", "segment"]);
    let replay = &report["replay"];
    assert_eq!(
        (&replay["span_recorded_ms"], &replay["fidelity"]["inversions"]),
        (&3_800.into(), &0.into()),
        "{replay}"
    );
    let created = ["--preset", "segment", "--clock", "created", "--fit", "2s"];
    let report = replayed("seg-created", &file, &lines, |line| line.created_ms, &created);
    let first = lines.iter().map(|line| line.created_ms).min().unwrap();
    assert_eq!(report["replay"]["first_recorded"], date(first, RFC3339));
}

#[test]
fn cloud_events_are_replayed_to_the_letter_by_the_key_of_their_binding() {
    let folder = tempfile::tempdir().unwrap();
    let lines = lines(|line, n| {
        json!({
            "specversion": "1.0", "id": n.to_string(), "source": "/shop", "type": line.kind, "partitionkey": line.key,
            "time": date(line.created_ms, RFC3339), "data": {"n": n}
        })
        .to_string()
    });
    let file = written(folder.path(), "events.ndjson", &lines);
    replayed("ce", &file, &lines, |line| line.created_ms, &["--preset", "cloudevents", "--fit", "2s"]);
}

#[test]
fn rows_of_snowplow_are_replayed_to_the_letter() {
    let folder = tempfile::tempdir().unwrap();
    let lines = lines(|line, n| {
        let time = |ms| date(ms, "%Y-%m-%d %H:%M:%S.%3f");
        let value = |column: &str| match column {
            "collector_tstamp" => time(line.received_ms),
            "dvce_created_tstamp" => time(line.created_ms),
            "event_name" => line.kind.to_owned(),
            "domain_userid" => line.key.clone(),
            "event_id" => format!("e{n}"),
            _ => String::new(),
        };
        SNOWPLOW_COLUMNS.map(value).join("\t")
    });
    let file = written(folder.path(), "enriched.tsv", &lines);
    replayed("snow", &file, &lines, |line| line.received_ms, &["--preset", "snowplow"]);
}

#[test]
fn a_log_of_requests_is_replayed_to_the_letter() {
    let folder = tempfile::tempdir().unwrap();
    let of = |line: &Line, n: u32| {
        let time = date(line.received_ms, "%d/%b/%Y:%H:%M:%S +0000");
        format!(
            "{} - - [{time}] \"{} /item/{n}?q=%22 HTTP/1.1\" 200 {n} \"-\" \"curl/8 \\\"x\\\"\"",
            line.key, line.kind
        )
    };
    let lines = lines(of);
    let file = written(folder.path(), "access.log", &lines);
    // A log has whole seconds.
    replayed("log", &file, &lines, |line| line.received_ms / 1_000, &["--preset", "access-log", "--fit", "2s"]);
}

const VIEWS: &str = "[view]\nkey = \"user_id\"\nid = \"view_id\"\n[view.fields]\nview_id = \"uuid\"\nuser_id = { integer = [1, 1_000_000] }\n\
    at = { timestamp = \"ms\" }\nitem = \"sku\"\nprice = { decimal = [\"0.01\", \"9999.00\"] }\n";

#[test]
fn rows_of_a_csv_become_events_of_a_declared_type_that_another_client_reads_field_by_field() {
    let (cluster, folder) = (Cluster::shared(), tempfile::tempdir().unwrap());
    let row = |n: u32| format!("{},{},SKU-{n},{}.5\n", 1_790_000_000_000_u64 + u64::from(n) * 20, 1 + n % 7, n + 1);
    let rows: String = (0..EVENTS).map(row).collect();
    let (file, types) = (folder.path().join("views.csv"), folder.path().join("views.toml"));
    fs::write(&file, format!("when,visitor,item,cost\n{rows}")).unwrap();
    fs::write(&types, VIEWS).unwrap();
    let map = "user_id=visitor,at=@time,price=cost";
    let run = Program::new(cluster, "mapped")
        .args(["replay", file.to_str().unwrap(), "--time-field", "when", "--create-topics", "--lanes", "2"])
        .args(["--events", types.to_str().unwrap(), "--map", map, "--gate-off", "generator_healthy"])
        .run();
    let report = run.report();
    assert_eq!(report["ledger"]["verified"], EVENTS, "{}", run.stderr);
    assert_eq!(report["replay"]["fidelity"]["inversions"], 0);
    let mut read: Vec<(u64, String, Value)> = cluster
        .read("mapped", EVENTS.into())
        .into_iter()
        .map(|(key, body)| (key, serde_json::from_str::<Value>(&body).unwrap()))
        .map(|(key, body)| (body["at"].as_u64().unwrap(), key, body))
        .collect();
    read.sort_by_key(|(at, ..)| *at);
    for (n, (at, key, body)) in (0..EVENTS).zip(&read) {
        assert_eq!((*at, key), (1_790_000_000_000 + u64::from(n) * 20, &(1 + n % 7).to_string()));
        let told = (&body["user_id"], &body["item"], &body["price"]);
        assert_eq!(told, (&json!(1 + n % 7), &json!(format!("SKU-{n}")), &json!(f64::from(n) + 1.5)));
        assert_eq!(body["view_id"].as_str().unwrap().len(), 36);
    }
}

#[test]
fn rows_that_are_stamped_in_a_field_have_that_field_more_and_are_else_what_they_were() {
    let cluster = Cluster::shared();
    let folder = tempfile::tempdir().unwrap();
    let line = |line: &Line, n: u32| json!({ "at": line.received_ms, "key": line.key, "n": n }).to_string();
    let lines = lines(line);
    let file = written(folder.path(), "rows.ndjson", &lines);
    cluster.create("stamped-rows", PARTITIONS, &[]);
    let run = Program::new(cluster, "stamped-rows")
        .args(["replay", file.to_str().unwrap(), "--time-field", "at", "--key-field", "key", "--rate", "unlimited"])
        .args(["--stamp", "field:event id", "--gate-off", "generator_healthy"])
        .run();
    assert_eq!(run.report()["ledger"]["verified"], lines.len(), "{}", run.stderr);
    let original = |record: &crate::cluster::Copied| {
        let (id, rest) = text(&record.body).strip_prefix("{\"event id\":\"").unwrap().split_at(36);
        assert!(uuid::Uuid::parse_str(id).is_ok_and(|id| id.get_version_num() == 7), "{id}");
        format!("{{{}", rest.strip_prefix("\",").unwrap())
    };
    let mut there: Vec<String> = cluster.read_all("stamped-rows", PARTITIONS).iter().map(original).collect();
    let mut expected: Vec<String> = lines.into_iter().map(|line| line.text).collect();
    there.sort_unstable();
    expected.sort_unstable();
    assert_eq!(there, expected);
}
