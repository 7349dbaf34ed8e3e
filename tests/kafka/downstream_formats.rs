//! Results downstream that name their schema in a registry, of events that are JSON or name one, too.

use std::collections::BTreeMap;
use std::fs;

use apache_avro::Schema as Avro;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value as Theirs;
use apache_avro::writer::datum::GenericDatumWriter;
use loadgen::registry::{Access, Registry, Schema, SchemaType};
use serde_json::Value;

use crate::cluster::{Cluster, Copied};
use crate::program::{Program, Run, Started};
use crate::registry::Apicurio;

const EVENTS: u64 = 2_000;
const WINDOW_MS: i64 = 1_000;
/// The time is in microseconds, and two levels down.
const TOTAL: &str = r#"{"type": "record", "name": "Total", "namespace": "shop", "fields": [
    {"name": "name", "type": "string"},
    {"name": "window", "type": {"type": "record", "name": "Window", "fields": [
        {"name": "start", "type": {"type": "long", "logicalType": "timestamp-micros"}}]}},
    {"name": "count", "type": ["null", "long"]}]}"#;

fn produced(cluster: &Cluster, topic: &str, more: &[&str]) -> Run {
    cluster.create(topic, 3, &[]);
    let run = Program::new(cluster, topic)
        .args_of(&["synth", "--rate", "400", "--num-records", &EVENTS.to_string(), "--gate-off", "generator_healthy"])
        .args_of(more)
        .run();
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    run
}

/// A reader that judges what came out of a topic.
fn judging(cluster: &Cluster, topic: &str, expect: &str, more: &[&str]) -> Started {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("expect.toml");
    fs::write(&file, expect).unwrap();
    let reader = Program::new(cluster, topic)
        .args(["verify", "--until-idle", "2s", "--expect", file.to_str().unwrap()])
        .args_of(more)
        .start();
    // It has read the file when it has a folder of its own, or has ended.
    reader.wait_for("a folder", || reader.bundle().is_some() || reader.has_ended());
    reader
}

/// What a reader says of what came out of a topic.
fn judged(cluster: &Cluster, topic: &str, expect: &str, more: &[&str]) -> Run {
    judging(cluster, topic, expect, &[&["--expect-deadline", "5s"], more].concat()).finish()
}

/// The count of each type and window as a stream processor may write it.
fn totals(cluster: &Cluster, topic: &str, schema: u32) -> Vec<Copied> {
    let mut totals: BTreeMap<(String, i64), i64> = BTreeMap::new();
    for (_, body) in cluster.read(topic, EVENTS) {
        let event: Value = serde_json::from_str(&body).unwrap();
        let start = event["timestamp"].as_i64().unwrap().div_euclid(WINDOW_MS) * WINDOW_MS;
        *totals.entry((event["event_type"].as_str().unwrap().to_owned(), start)).or_default() += 1;
    }
    let avro = Avro::parse_str(TOTAL).unwrap();
    let writer = GenericDatumWriter::builder(&avro).build().unwrap();
    let record = |((name, start), count): ((String, i64), i64)| {
        let window = Theirs::Record(vec![("start".to_owned(), Theirs::TimestampMicros(start * 1_000))]);
        let count = Theirs::Union(1, Box::new(Theirs::Long(count)));
        let fields = [("name", Theirs::String(name)), ("window", window), ("count", count)];
        let total = Theirs::Record(fields.map(|(name, value)| (name.to_owned(), value)).into());
        let mut body = [&[0][..], &schema.to_be_bytes()].concat();
        body.extend(writer.write_value_to_vec(total).unwrap());
        Copied { partition: 0, offset: 0, key: Vec::new(), body }
    };
    totals.into_iter().map(record).collect()
}

fn counts(out: &str) -> String {
    format!(
        r#"
        [[expect]]
        name = "counts"
        key = "event_type"
        window = {{ size = "1s" }}
        output = {{ topic = "{out}", key = "name", start = "window.start", value = "count" }}
        "#
    )
}

#[test]
fn results_in_avro_are_found_by_the_names_of_their_fields() {
    let (cluster, apicurio) = (Cluster::shared(), Apicurio::shared());
    let registry = Registry::new(&Access::at(apicurio.address()).unwrap()).unwrap();
    let id = registry.register("counted-out-value", &Schema::new(SchemaType::Avro, TOTAL), false).unwrap();
    produced(cluster, "counted", &[]);
    let mut records = totals(cluster, "counted", id);
    cluster.create("counted-out", 1, &[]);
    cluster.write_again("counted-out", &records);
    let at = ["--schema-registry", apicurio.address()];
    let run = judged(cluster, "counted", &counts("counted-out"), &at);
    let of = run.report()["expectations"][0].clone();
    assert_eq!((run.code, &of["right"]), (0, &of["expected"]), "{of}{}", run.stderr);
    assert_eq!(of["right"], records.len());

    // Without a registry nobody knows what they are, and one that is another shows.
    let run = judged(cluster, "counted", &counts("counted-out"), &[]);
    assert_eq!(run.code, 4, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("--schema-registry names none"), "{}", run.stdout);
    let last = records.len() / 2;
    // One more, or 128 more where it is of two bytes: more than any order could make it.
    *records[last].body.last_mut().unwrap() += 2;
    cluster.create("miscounted-out", 1, &[]);
    cluster.write_again("miscounted-out", &records);
    let run = judged(cluster, "counted", &counts("miscounted-out"), &at);
    let of = run.report()["expectations"][0].clone();
    assert_eq!((run.code, &of["wrong"], &of["unreadable"]), (3, &1.into(), &0.into()), "{of}");
}

#[test]
fn results_wait_for_a_registry_that_is_silent_at_first_and_are_undecided_where_it_stays_so() {
    let (cluster, apicurio) = (Cluster::shared(), Apicurio::start(&[]));
    let registry = Registry::new(&Access::at(apicurio.address()).unwrap()).unwrap();
    let id = registry.register("silent-out-value", &Schema::new(SchemaType::Avro, TOTAL), false).unwrap();
    produced(cluster, "silent", &[]);
    let records = totals(cluster, "silent", id);
    cluster.create("silent-out", 1, &[]);
    cluster.write_again("silent-out", &records);
    let expect = counts("silent-out");
    let at = ["--schema-registry", apicurio.address(), "--schema-registry-timeout", "1s", "--expect-deadline"];

    // Stopped before the first result is read, and started again when all has been read.
    apicurio.command(&["down"]);
    let reader = judging(cluster, "silent", &expect, &[&at[..], &["120s"]].concat());
    reader.wait_for_rows(4);
    apicurio.command(&["up", "--owner", &std::process::id().to_string()]);
    let run = reader.finish();
    let of = run.report()["expectations"][0].clone();
    assert_eq!((run.code, &of["right"]), (0, &of["expected"]), "{of}{}", run.stderr);
    assert_eq!(of["right"], records.len());
    assert!(run.stderr.contains("cannot be judged yet"), "{}", run.stderr);

    apicurio.command(&["down"]);
    let run = judging(cluster, "silent", &expect, &[&at[..], &["4s"]].concat()).finish();
    let of = run.report()["expectations"][0].clone();
    let [expected, undecided, open] = ["expected", "undecided", "open"].map(|class| of[class].as_u64().unwrap());
    assert_eq!((run.code, undecided + open), (4, expected), "{of}{}", run.stderr);
    assert!(undecided > 0, "{of}");
    let why = of["why_undecided"].as_str().unwrap();
    assert!(why.contains(&format!("its schema id {id} is not known")), "{why}");
}

#[test]
fn events_that_name_their_schemas_are_the_input_as_plain_ones_are() {
    let (cluster, apicurio) = (Cluster::shared(), Apicurio::shared());
    for format in ["avro", "protobuf", "json-schema"] {
        let (topic, out) = (format!("framed-{format}"), format!("framed-{format}-out"));
        let at = ["--schema-registry", apicurio.address()];
        produced(cluster, &topic, &[&at[..], &["--register", "--format", format, "--framing", "confluent"]].concat());
        let mut records = cluster.read_all(&topic, 3);
        let lost = records.pop().unwrap();
        cluster.create(&out, 3, &[]);
        cluster.write_again(&out, &records);
        let expect = format!("[[expect]]\nname = \"all\"\nmatch = \"event_id\"\noutput = {{ topic = \"{out}\" }}\n");
        let run = judged(cluster, &topic, &expect, &at);
        let of = run.report()["expectations"][0].clone();
        assert_eq!((&of["right"], &of["missing"]), (&(EVENTS - 1).into(), &1.into()), "{format}: {of}{}", run.stderr);
        assert_eq!((of["unexpected"].as_u64(), of["unreadable"].as_u64(), run.code), (Some(0), Some(0), 3), "{of}");
        let (range, offset) = (&of["explained"][0], lost.offset);
        assert_eq!((&range["is_lost"], &range["from"], &range["to"]), (&true.into(), &offset.into(), &offset.into()));
        assert_eq!(range["partition"], lost.partition);
    }
}

#[test]
fn events_that_close_windows_are_written_by_the_schemas_of_the_events() {
    let (cluster, apicurio) = (Cluster::shared(), Apicurio::shared());
    let registry = Registry::new(&Access::at(apicurio.address()).unwrap()).unwrap();
    cluster.create("closing-out", 1, &[]);
    for format in ["avro", "protobuf", "json-schema"] {
        let topic = format!("closing-{format}");
        cluster.create(&topic, 2, &[]);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("expect.toml");
        fs::write(&file, counts("closing-out").replace("event_type", "item_id")).unwrap();
        let run = Program::new(cluster, &topic)
            .args(["synth", "--num-records", "200", "--rate", "200", "--register", "--framing", "confluent"])
            .args([
                "--close-windows",
                "--expect-deadline",
                "2s",
                "--format",
                format,
                "--expect",
                file.to_str().unwrap(),
            ])
            .args(["--schema-registry", apicurio.address(), "--gate-off", "generator_healthy"])
            .run();
        // Nobody has counted, and all windows are closed.
        let of = run.report()["expectations"][0].clone();
        assert_eq!((run.code, &of["open"], &of["undecided"]), (3, &0.into(), &0.into()), "{of}{}", run.stderr);
        assert!(of["missing"].as_u64().unwrap() > 0, "{of}");

        let (closing, events): (Vec<_>, Vec<_>) =
            cluster.read_all(&topic, 2).into_iter().partition(|record| record.key == b"loadgen-closing");
        assert_eq!(events.len(), 200);
        assert!(closing.len() >= 4 && closing.iter().any(|record| record.partition == 1), "{}", closing.len());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        for record in &closing {
            assert_eq!(record.body[0], 0);
            assert!(text(&record.body).contains("closing-"), "{format}: {}", text(&record.body));
            let id = u32::from_be_bytes(record.body[1..5].try_into().unwrap());
            assert!(events.iter().any(|event| event.body[..5] == record.body[..5]), "schema {id}");
            if format == "avro" {
                let avro = Avro::parse_str(&registry.schema(id).unwrap().text).unwrap();
                let reader = GenericDatumReader::builder(&avro).build().unwrap();
                let Theirs::Record(fields) = reader.read_value(&mut &record.body[5..]).unwrap() else { panic!() };
                let fields: BTreeMap<String, Theirs> = fields.into_iter().collect();
                assert!(
                    matches!(&fields["item_id"], Theirs::String(item) if item.starts_with("closing-")),
                    "{fields:?}"
                );
            }
        }
    }
}
