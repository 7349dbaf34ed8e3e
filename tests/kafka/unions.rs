//! Several types of event in one topic under one subject: on a real Kafka, with a real schema registry, judged by other clients.

use std::collections::BTreeSet;
use std::process::Command;

use crate::cluster::Cluster;
use crate::program::{Program, Run};
use crate::registry::Apicurio;

const JUDGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/judge-formats");
const RUN_ID: &str = "1a2b3c4d5e6f7081";

/// A run of 2,000 events of the same seed.
fn produced(cluster: &Cluster, topic: &str, more: &[&str]) -> Run {
    let run = Program::new(cluster, topic)
        .args(["synth", "--rate", "2000", "--num-records", "2000", "--run-id", RUN_ID, "--seed", "4"])
        .args(["--gate-off", "generator_healthy"])
        .args_of(more)
        .run();
    assert_eq!(run.code, 0, "{topic}: {} {}", run.stderr, run.stdout);
    run
}

#[test]
fn types_that_share_a_subject_are_told_apart_by_every_reader() {
    let (cluster, apicurio) = (Cluster::shared(), Apicurio::shared());
    let registry = ["--schema-registry", apicurio.address()];
    cluster.create("unions-json", 3, &[]);
    produced(cluster, "unions-json", &[]);
    for format in ["avro", "protobuf", "json-schema"] {
        let topic = format!("unions-{format}");
        cluster.create(&topic, 3, &[]);
        let more = ["--format", format, "--subject-strategy", "topic-name", "--register"];
        let run = produced(cluster, &topic, &[&registry[..], &more].concat());
        let report = run.report();
        assert_eq!((&report["ledger"]["verified"], &report["findings"]["invalid"]), (&2_000.into(), &0.into()));
        let schemas = report["environment"]["schemas"].as_array().unwrap();
        let (ids, subjects): (BTreeSet<_>, BTreeSet<_>) =
            schemas.iter().map(|told| (told["id"].as_u64(), told["subject"].as_str())).unzip();
        assert_eq!((ids.len(), subjects), (1, [Some(&*format!("{topic}-value"))].into()));
        let uses = report["schemas"].as_array().unwrap().iter();
        let verified = uses.clone().map(|of| of["verified"].as_u64().unwrap());
        assert!(uses.clone().all(|of| of["sent"] == of["verified"]), "{}", report["schemas"]);
        assert_eq!(verified.sum::<u64>(), 2_000);

        let said = Command::new(JUDGE)
            .args(["--brokers", cluster.address(), "--registry", apicurio.address(), "--format", format])
            .args(["--topic", &topic, "--json-topic", "unions-json"])
            .output()
            .unwrap();
        let words = String::from_utf8_lossy(&said.stdout);
        let trouble = String::from_utf8_lossy(&said.stderr);
        assert_eq!(words.trim(), "2000 records of 6 types have the same values", "{topic}: {trouble}");

        let alone = Program::new(cluster, &topic)
            .args(["verify", "--until-idle", "2s", "--run-id", RUN_ID])
            .args(registry)
            .run();
        let read = alone.report();
        assert_eq!((alone.code, &read["reading"]["events"]), (0, &2_000.into()), "{} {}", alone.stderr, alone.stdout);
        assert_eq!((&read["findings"]["invalid"], &read["reading"]["damaged"]), (&0.into(), &0.into()));
        for (kind, of_type) in report["by_type"].as_object().unwrap() {
            assert_eq!(of_type["verified"], read["by_type"][kind]["verified"], "{kind}");
        }
    }
}

#[test]
fn a_report_has_the_schema_that_types_share_and_types_that_cannot_share_one_are_refused() {
    let (cluster, apicurio) = (Cluster::shared(), Apicurio::shared());
    cluster.create("unions-joined", 3, &[]);
    let registry = ["--schema-registry", apicurio.address(), "--register"];
    let more = ["--format", "avro", "--subject-strategy", "topic-name", "--no-verify"];
    let run = produced(cluster, "unions-joined", &[&registry[..], &more].concat());
    let bundle = run.bundle().unwrap();
    let joined = Program::new(cluster, "")
        .args(["verify", "--gate-off", "generator_healthy", "--producer-report", bundle.to_str().unwrap()])
        .run();
    assert_eq!(joined.code, 0, "{} {}", joined.stderr, joined.stdout);
    assert_eq!(joined.report()["ledger"]["verified"], 2_000, "{}", joined.stdout);

    let folder = tempfile::tempdir().unwrap();
    let events = folder.path().join("apart.toml");
    let of = |name: &str, id: &str| {
        format!("[{name}]\nkey = \"{id}\"\n[{name}.fields]\nevent_id = \"uuid\"\n{id} = {{ pool = 9 }}\n")
    };
    std::fs::write(&events, of("order", "customer") + &of("visit", "page")).unwrap();
    let refused = Program::new(cluster, "unions-refused")
        .args(["synth", "--rate", "10", "--num-records", "10", "--format", "json-schema"])
        .args(["--subject-strategy", "topic-name", "--events", events.to_str().unwrap()])
        .args(registry)
        .run();
    assert_eq!(refused.code, 104, "{}", refused.stderr);
    assert!(refused.stderr.contains("topic-record-name") && refused.stderr.contains("constant"), "{}", refused.stderr);
}
