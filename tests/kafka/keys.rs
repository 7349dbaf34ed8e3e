//! Keys of records in every format: on a real Kafka, with a real schema registry, judged by other clients.

use std::collections::BTreeSet;
use std::process::Command;

use crate::cluster::{Cluster, Copied};
use crate::program::{Program, Run};
use crate::registry::Apicurio;

const JUDGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/judge-formats");
const RUN_ID: &str = "0f1e2d3c4b5a6978";

/// A run of 2,000 events of the same seed.
fn produced(cluster: &Cluster, topic: &str, more: &[&str]) -> Run {
    let run = Program::new(cluster, topic)
        .args(["synth", "--rate", "2000", "--num-records", "2000", "--run-id", RUN_ID, "--seed", "8"])
        .args(["--gate-off", "generator_healthy"])
        .args_of(more)
        .passing_on(["PATH"])
        .run();
    assert_eq!(run.code, 0, "{topic}: {} {}", run.stderr, run.stdout);
    assert_eq!(run.report()["ledger"]["verified"], 2_000, "{topic}");
    run
}

#[test]
fn keys_by_a_schema_are_what_confluents_client_reads() {
    let (cluster, apicurio) = (Cluster::shared(), Apicurio::shared());
    let registry = ["--schema-registry", apicurio.address(), "--register"];
    cluster.create("keys-text", 3, &[]);
    produced(cluster, "keys-text", &[]);
    for (format, key_format) in [("avro", "avro"), ("protobuf", "protobuf"), ("json-schema", "avro")] {
        let topic = format!("keys-{format}-{key_format}");
        cluster.create(&topic, 3, &[]);
        let formats = ["--format", format, "--key-format", key_format];
        let run = produced(cluster, &topic, &[&registry[..], &formats].concat());
        let told = run.report()["environment"]["key_schemas"].clone();
        assert_eq!((&told[0]["format"], &told[0]["subject"]), (&key_format.into(), &format!("{topic}-key").into()));
        let said = Command::new(JUDGE)
            .args(["--brokers", cluster.address(), "--registry", apicurio.address(), "--format", format])
            .args(["--topic", &topic, "--json-topic", "keys-text", "--key-format", key_format])
            .output()
            .unwrap();
        let words = String::from_utf8_lossy(&said.stdout);
        assert_eq!(
            words.trim(),
            "2000 records of 6 types have the same values",
            "{topic}: {}",
            String::from_utf8_lossy(&said.stderr)
        );
        // A reader alone is told the form, and finds keys that are not those of their events.
        let alone = |topic: &str| {
            Program::new(cluster, topic)
                .args(["verify", "--until-idle", "2s", "--run-id", RUN_ID, "--schema-registry", apicurio.address()])
                .args(["--key-format", key_format])
                .run()
        };
        let read = alone(&topic);
        assert_eq!((read.code, &read.report()["findings"]["invalid"]), (0, &0.into()), "{}", read.stdout);
        let mut wrong: Vec<Copied> = cluster.read_all(&topic, 3).into_iter().take(30).collect();
        for (at, copied) in wrong.iter_mut().enumerate() {
            // One digit, or the id in the frame.
            let place = if at % 2 == 0 { copied.key.len() - 1 } else { 4 };
            copied.key[place] ^= 1;
        }
        cluster.write_again(&topic, &wrong);
        let read = alone(&topic).report();
        assert_eq!(read["findings"]["invalid_by_reason"]["key_mismatch"], 30, "{}", read["findings"]);
    }
}

#[test]
fn a_key_lies_in_the_same_partition_in_each_format_of_the_events() {
    let (cluster, apicurio) = (Cluster::shared(), Apicurio::shared());
    let folder = tempfile::tempdir().unwrap();
    let events = folder.path().join("orders.toml");
    let fields = "order_id = \"uuid\"\ncustomer_id = { integer = [-500, 1_000_000] }\nnote = { words = 2 }\n";
    std::fs::write(&events, format!("[order]\nkey = \"customer_id\"\n[order.fields]\n{fields}")).unwrap();
    let mut found = BTreeSet::new();
    for format in ["json", "avro", "protobuf", "json-schema"] {
        let topic = format!("numbers-{format}");
        cluster.create(&topic, 3, &[]);
        let more = ["--events", events.to_str().unwrap(), "--format", format];
        produced(cluster, &topic, &[&more[..], &["--schema-registry", apicurio.address(), "--register"]].concat());
        let places =
            cluster.read_all(&topic, 3).into_iter().map(|copied| (copied.partition, copied.offset, copied.key));
        let mut places: Vec<_> = places.collect();
        places.sort();
        assert!(places.iter().all(|(.., key)| str::from_utf8(key).is_ok_and(|key| key.parse::<i64>().is_ok())));
        found.insert(places);
    }
    assert_eq!(found.len(), 1, "the same keys in the same places");
}

#[test]
fn a_reader_alone_has_keys_from_the_report_of_their_run() {
    let (cluster, apicurio) = (Cluster::shared(), Apicurio::shared());
    cluster.create("keys-joined", 3, &[]);
    let registry = ["--schema-registry", apicurio.address(), "--register"];
    let run = Program::new(cluster, "keys-joined")
        .args(["synth", "--rate", "2000", "--num-records", "2000", "--no-verify", "--key-format", "protobuf"])
        .args(["--gate-off", "generator_healthy"])
        .args(registry)
        .run();
    assert_eq!(run.code, 0, "{} {}", run.stderr, run.stdout);
    let bundle = run.bundle().unwrap();
    let joined = Program::new(cluster, "")
        .args(["verify", "--gate-off", "generator_healthy", "--producer-report", bundle.to_str().unwrap()])
        .run();
    assert_eq!(joined.code, 0, "{} {}", joined.stderr, joined.stdout);
    assert_eq!(joined.report()["ledger"]["verified"], 2_000, "{}", joined.stdout);
}
