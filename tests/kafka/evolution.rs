//! Schemas that change while events are sent: who can read which of them, by loadgen and by another implementation of Avro.

use std::fmt::Write as _;
use std::process::Command;

use serde_json::Value;

use crate::cluster::Cluster;
use crate::program::{Program, Run};
use crate::registry::Apicurio;

const JUDGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/judge-formats");
const SHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/avro");
const RUN_ID: &str = "b1b2c3d4e5f60718";

/// A roll from v1 to v2 and back, each phase of 500 events.
fn roll(cluster: &Cluster, apicurio: &Apicurio, topic: &str, format: &str, schemas: &str, readers: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let mut scenario = format!("[source]\nkind = \"synthetic\"\n\n[schemas]\n{schemas}\n");
    for (name, schema) in
        [("before", "\"v1\""), ("canary", "{ v1 = 70, v2 = 30 }"), ("after", "\"v2\""), ("back", "\"v1\"")]
    {
        writeln!(
            scenario,
            "[[phase]]\nname = \"{name}\"\nrate = \"1000/s\"\nduration = \"500ms\"\nschema = {schema}\n"
        )
        .unwrap();
    }
    let path = folder.path().join("roll.toml");
    std::fs::write(&path, scenario).unwrap();
    let readers: Vec<&str> = readers.iter().flat_map(|reader| ["--reader-schema", reader]).collect();
    cluster.create(topic, 3, &[]);
    Program::new(cluster, topic)
        .args([
            "run",
            path.to_str().unwrap(),
            "--format",
            format,
            "--run-id",
            RUN_ID,
            "--register",
            "--schema-registry",
        ])
        .args([apicurio.address(), "--gate-off", "generator_healthy"])
        .args_of(&readers)
        .run()
}

/// What a report says of a schema that records had.
#[derive(Debug)]
struct Told {
    schema: String,
    version: String,
    sent: u64,
    records: u64,
    verified: u64,
    /// Each reader, with what it could read and what not.
    readers: Vec<(String, u64, u64)>,
}

fn told(report: &Value) -> Vec<Told> {
    let rows = report["schemas"].as_array().unwrap().iter().filter(|row| row["records"] != 0);
    let row = |row: &Value| {
        let readers = row["readers"].as_array().into_iter().flatten().map(|reader| {
            let unread = reader["not_readable"].as_object().into_iter().flatten();
            let unread = unread.map(|(_, count)| count.as_u64().unwrap()).sum();
            (reader["reader"].as_str().unwrap().to_owned(), reader["readable"].as_u64().unwrap(), unread)
        });
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let [sent, records, verified] =
            ["sent", "records", "verified"].map(|count| row[count].as_u64().unwrap_or_default());
        let (schema, version) = (text(&row["schema"]), text(&row["versions"][0]));
        Told { schema, version, sent, records, verified, readers: readers.collect() }
    };
    rows.map(row).collect()
}

#[test]
fn who_can_read_which_version_in_a_roll_is_what_another_implementation_says() {
    let (cluster, apicurio) = (Cluster::shared(), Apicurio::shared());
    let folder = tempfile::tempdir().unwrap();
    let strict = folder.path().join("strict.avsc");
    let text = std::fs::read_to_string(format!("{SHOP}/v2/view.avsc")).unwrap();
    let mut schema: Value = serde_json::from_str(&text).unwrap();
    schema["fields"].as_array_mut().unwrap().last_mut().unwrap().as_object_mut().unwrap().remove("default");
    std::fs::write(&strict, schema.to_string()).unwrap();
    let (first, second) = (format!("{SHOP}/view.avsc"), format!("{SHOP}/v2/view.avsc"));
    let readers = [first.as_str(), second.as_str(), strict.to_str().unwrap()];
    let versions = format!("v1 = \"{SHOP}\"\nv2 = \"{SHOP}/v2\"");

    let lenient = roll(cluster, apicurio, "roll", "avro", &versions, &readers[..2]);
    assert_eq!(lenient.code, 0, "{} {}", lenient.stderr, lenient.stdout);
    let report = lenient.report();
    assert_eq!(
        (&report["ledger"]["verified"], &report["findings"]["not_readable_by_reader"]),
        (&2_000.into(), &0.into())
    );
    let rows = told(&report);
    let sent = |version: &str| rows.iter().filter(|row| row.version == version).map(|row| row.sent).sum::<u64>();
    assert_eq!(sent("v1") + sent("v2"), 2_000, "{rows:?}");
    // 500 events, and about 150 of the 500 of a phase with 30 %.
    assert!((600..700).contains(&sent("v2")), "{rows:?}");
    for Told { schema, sent, records, verified, .. } in &rows {
        assert_eq!((sent, records), (records, verified), "schema {schema}");
    }

    let judged = Command::new(JUDGE)
        .args(["readers", cluster.address(), apicurio.address(), "roll"])
        .args(readers)
        .output()
        .unwrap();
    let judged: Value = serde_json::from_slice(&judged.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&judged.stderr)));
    // The same records again, by another process that knows nothing of the run, and a reader that has no default.
    let alone = Program::new(cluster, "roll")
        .args(["verify", "--until-idle", "2s", "--run-id", RUN_ID, "--schema-registry", apicurio.address()])
        .args_of(&readers.iter().flat_map(|reader| ["--reader-schema", reader]).collect::<Vec<_>>())
        .run();
    assert_eq!(alone.code, 3, "{} {}", alone.stderr, alone.stdout);
    let again = alone.report();
    let mut compared = 0;
    for Told { schema, verified, readers, .. } in &told(&again) {
        for (reader, readable, unread) in readers {
            let theirs = &judged[schema][reader];
            assert_eq!(
                (&theirs["readable"], &theirs["not_readable"]),
                (&(*readable).into(), &(*unread).into()),
                "{reader}"
            );
            assert_eq!(readable + unread, *verified);
            compared += 1;
        }
    }
    assert_eq!(compared, 6, "{again}");
    let by_first = rows.iter().find(|row| row.version == "v1" && !row.readers.is_empty()).unwrap();
    assert_eq!(again["findings"]["not_readable_by_reader"], by_first.verified, "{}", alone.stdout);
    assert_eq!((&again["reading"]["damaged"], &again["findings"]["re_encoded"]), (&0.into(), &0.into()));
    let defaults = &judged[&by_first.schema][&second]["defaults"];
    assert_eq!(defaults["channel=web"], by_first.verified, "{judged}");
    let why = &again["findings"]["examples"]["not_readable_by_reader"][0]["what"];
    assert!(why.as_str().unwrap().contains("the writer does not have channel, which has no default"), "{why}");
}

#[test]
fn a_roll_goes_on_in_protobuf_and_json_schema_too() {
    let (cluster, apicurio) = (Cluster::shared(), Apicurio::shared());
    let folder = tempfile::tempdir().unwrap();
    for (format, file, field, further) in [
        ("protobuf", "view.proto", "string device_type = 8;\n", "  string channel = 9;\n"),
        (
            "json-schema",
            "view.schema.json",
            "\"properties\": {\n",
            "    \"channel\": { \"type\": \"string\", \"default\": \"web\" },\n",
        ),
    ] {
        let [v1, v2] = ["v1", "v2"].map(|version| folder.path().join(format).join(version));
        let show = ["schema", "show", "view", "--format", format, "--out"];
        for version in [&v1, &v2] {
            let shown = Command::new(env!("CARGO_BIN_EXE_loadgen")).args(show).arg(version).output().unwrap();
            assert!(shown.status.success(), "{shown:?}");
        }
        let text = std::fs::read_to_string(v2.join(file)).unwrap();
        assert!(text.contains(field), "{text}");
        std::fs::write(v2.join(file), text.replace(field, &format!("{field}{further}"))).unwrap();
        let versions = format!("v1 = \"{}\"\nv2 = \"{}\"", v1.display(), v2.display());
        let topic = format!("roll-{format}");
        let run = roll(cluster, apicurio, &topic, format, &versions, &[]);
        assert_eq!(run.code, 0, "{} {}", run.stderr, run.stdout);
        let report = run.report();
        assert_eq!(report["ledger"]["verified"], 2_000);
        let rows = told(&report);
        let second: u64 = rows.iter().filter(|row| row.version == "v2").map(|row| row.verified).sum();
        assert!((250..400).contains(&second), "half of the events are views: {rows:?}");
        let alone = Program::new(cluster, &topic)
            .args(["verify", "--until-idle", "2s", "--run-id", RUN_ID, "--schema-registry", apicurio.address()])
            .run();
        let again = alone.report();
        assert_eq!(
            (&again["reading"]["events"], &again["reading"]["damaged"]),
            (&2_000.into(), &0.into()),
            "{}",
            alone.stdout
        );
        assert_eq!((&again["findings"]["invalid"], &again["findings"]["re_encoded"]), (&0.into(), &0.into()));
    }
}

#[test]
fn what_a_group_could_not_judge_is_given_again_to_whoever_reads_on() {
    let (cluster, apicurio) = (Cluster::shared(), Apicurio::shared());
    cluster.create("unjudged", 3, &[]);
    let run = Program::new(cluster, "unjudged")
        .args(["synth", "--rate", "1000", "--num-records", "500", "--run-id", RUN_ID, "--format", "avro", "--register"])
        .args(["--schema-registry", apicurio.address(), "--gate-off", "generator_healthy"])
        .run();
    assert_eq!(run.code, 0, "{} {}", run.stderr, run.stdout);
    let judged_again = |commit: &str| {
        let read = |registry: &str| {
            Program::new(cluster, "unjudged")
                .args(["verify", "--until-idle", "3s", "--group", commit, "--commit", commit, "--run-id", RUN_ID])
                .args(["--commit-interval", "200ms", "--schema-registry", registry])
                .run()
        };
        // Nobody answers there.
        let silent = read("http://127.0.0.1:1");
        assert_eq!(silent.code, 4, "{commit}: {} {}", silent.stderr, silent.stdout);
        assert_eq!(silent.report()["findings"]["awaits_schema"], 500, "{}", silent.stdout);
        let again = read(apicurio.address());
        let (report, all) = (again.report(), 500.into());
        assert_eq!((&report["reading"]["records"], &report["reading"]["events"]), (&all, &all), "{}", again.stdout);
    };
    // A registry that is silent is waited for, by both at once.
    std::thread::scope(|scope| {
        for commit in ["auto", "manual"] {
            scope.spawn(move || judged_again(commit));
        }
    });
}

#[test]
fn readers_of_protobuf_and_json_schema_are_asked_in_their_languages() {
    let (cluster, apicurio) = (Cluster::shared(), Apicurio::shared());
    let folder = tempfile::tempdir().unwrap();
    for (format, ending, strict) in [
        ("protobuf", "proto", ("string item_id", "int64 item_id")),
        ("json-schema", "schema.json", ("\"item_id\"", "\"item\"")),
    ] {
        let topic = format!("readers-{format}");
        cluster.create(&topic, 3, &[]);
        let shown = Program::new(cluster, "").args(["schema", "show", "view", "--format", format]).run();
        assert_eq!(shown.code, 0, "{}", shown.stderr);
        assert!(shown.stdout.contains(strict.0), "{}", shown.stdout);
        let (own, other) = (folder.path().join(format!("own.{ending}")), folder.path().join(format!("other.{ending}")));
        std::fs::write(&own, &shown.stdout).unwrap();
        std::fs::write(&other, shown.stdout.replace(strict.0, strict.1)).unwrap();
        let (own, other) = (own.to_str().unwrap(), other.to_str().unwrap());
        let run = Program::new(cluster, &topic)
            .args(["synth", "--rate", "1000", "--num-records", "1000", "--format", format, "--register"])
            .args(["--schema-registry", apicurio.address(), "--gate-off", "generator_healthy"])
            .args(["--reader-schema", own, "--reader-schema", other])
            .run();
        let report = run.report();
        assert_eq!(report["ledger"]["verified"], 1_000, "{}", run.stdout);
        let views = report["schemas"].as_array().unwrap().iter().find(|of| of["event_type"] == "view").unwrap();
        let verified = &views["verified"];
        assert_eq!(run.code, 3, "a reader that cannot read is a violation: {}", run.stdout);
        assert_eq!(report["findings"]["not_readable_by_reader"], *verified);
        let told =
            |name: &str| views["readers"].as_array().unwrap().iter().find(|told| told["reader"] == *name).unwrap();
        assert_eq!((&told(own)["readable"], &told(other)["readable"]), (verified, &0.into()), "{views}");
    }
}
