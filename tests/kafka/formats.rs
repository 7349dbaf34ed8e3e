//! Events as Avro, Protobuf and JSON Schema: on a real Kafka, with a real schema registry, judged by other clients.

use std::process::Command;

use apache_avro::Schema as Avro;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value as AvroValue;
use apache_avro::writer::datum::GenericDatumWriter;
use loadgen::event::stamp::{RunId, Stamp};
use loadgen::registry::{Access, Registry, Schema, SchemaType};
use serde_json::{Value, json};

use crate::cluster::{Cluster, Copied};
use crate::program::{Program, Run};
use crate::registry::Apicurio;

const JUDGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/judge-formats");
const RUN_ID: &str = "a1b2c3d4e5f60718";

/// A run of 3,000 events of the same seed.
fn produced(cluster: &Cluster, topic: &str, more: &[&str]) -> Run {
    let usual = ["synth", "--rate", "3000", "--num-records", "3000", "--run-id", RUN_ID];
    let run = Program::new(cluster, topic)
        .args(usual)
        .args(["--gate-off", "generator_healthy"])
        .args_of(more)
        .passing_on(["PATH"])
        .run();
    assert_eq!(run.code, 0, "{topic}: {} {}", run.stderr, run.stdout);
    assert_eq!(run.report()["ledger"]["verified"], 3_000, "{topic}");
    run
}

#[test]
fn what_is_written_in_each_format_says_to_confluents_client_what_json_says() {
    let (cluster, apicurio) = (Cluster::shared(), Apicurio::shared());
    let registry = ["--schema-registry", apicurio.address(), "--register"];
    for topic in ["as-json", "as-avro", "as-protobuf", "as-json-schema", "of-another-seed"] {
        cluster.create(topic, 3, &[]);
    }
    produced(cluster, "as-json", &["--seed", "5"]);
    produced(cluster, "of-another-seed", &["--seed", "6"]);
    let judge = |format: &str, json_topic: &str| {
        Command::new(JUDGE)
            .args(["--brokers", cluster.address(), "--registry", apicurio.address(), "--format", format])
            .args(["--topic", &format!("as-{format}"), "--json-topic", json_topic])
            .output()
            .unwrap()
    };
    for format in ["avro", "protobuf", "json-schema"] {
        let run =
            produced(cluster, &format!("as-{format}"), &[&registry[..], &["--format", format, "--seed", "5"]].concat());
        let schemas = run.report()["environment"]["schemas"].clone();
        assert_eq!(schemas.as_array().unwrap().len(), 7, "{schemas}");
        assert_eq!(schemas[0]["subject"], format!("as-{format}-shop.events.View"));
        let said = judge(format, "as-json");
        let words = String::from_utf8_lossy(&said.stdout);
        assert_eq!(
            words.trim(),
            "3000 records of 6 types have the same values",
            "{}",
            String::from_utf8_lossy(&said.stderr)
        );
        println!("{format}: {words}");
    }
    assert!(!judge("avro", "of-another-seed").status.success(), "a judge that finds nothing wrong is none");

    // A reader alone finds out by the ids what it reads, whatever the format.
    let alone = Program::new(cluster, "as-avro,as-protobuf,as-json-schema,as-json")
        .args(["verify", "--until-idle", "2s", "--run-id", RUN_ID, "--schema-registry", apicurio.address()])
        .run();
    let report = alone.report();
    assert_eq!(report["reading"]["records"], 12_000, "{}", alone.stdout);
    assert_eq!(report["findings"]["invalid"], 0, "{}", alone.stdout);
    assert_eq!(report["reading"]["damaged"], 0, "{}", alone.stdout);
}

/// What the registry has of an id.
fn schema_of(registry: &Registry, body: &[u8]) -> (u32, String) {
    let id = u32::from_be_bytes(*body[1..].first_chunk().unwrap());
    (id, registry.schema(id).unwrap().text.clone())
}

fn framed(id: u32, body: &[u8]) -> Vec<u8> {
    [&[0][..], &id.to_be_bytes(), body].concat()
}

/// Whether the check in its id says that this is what its producer wrote. It has 12 bits, so that of what is not it says so once in 4,096
/// times.
fn seems_untouched(key: &[u8], body: &[u8]) -> bool {
    let (id, content) = body.split_first_chunk().unwrap();
    let stamp = Stamp::from_bits(u128::from_be_bytes(*id)).unwrap();
    RUN_ID.parse::<RunId>().unwrap().check(stamp, key, content) == stamp.check
}

/// Takes letters off an event's session until that shows; returns whether it has one.
fn spoil(event: &mut AvroValue, is_noticed: impl Fn(&AvroValue) -> bool) -> bool {
    loop {
        let AvroValue::Record(fields) = &mut *event else { panic!("{event:?}") };
        let session = fields.iter_mut().find(|(name, _)| name == "session_id");
        let text = session.and_then(|(_, value)| match value {
            AvroValue::String(text) => Some(text),
            AvroValue::Union(_, inner) => match &mut **inner {
                AvroValue::String(text) => Some(text),
                _ => None,
            },
            _ => None,
        });
        let Some(text) = text else { return false };
        assert!(text.pop().is_some(), "a letter that shows when it is gone");
        if is_noticed(event) {
            return true;
        }
    }
}

#[test]
fn what_a_processor_wrote_again_is_told_from_what_was_damaged_on_its_way() {
    let (cluster, apicurio) = (Cluster::shared(), Apicurio::shared());
    let registry = Registry::new(&Access::at(apicurio.address()).unwrap()).unwrap();
    for topic in ["raw-avro", "again"] {
        cluster.create(topic, 3, &[]);
    }
    produced(cluster, "raw-avro", &["--schema-registry", apicurio.address(), "--register", "--format", "avro"]);
    let records = cluster.read_all("raw-avro", 3);
    // The processor knows a version with one field more; of each tenth event it loses a letter. Both so that no check is right by chance.
    let (mut again, mut changed) = (Vec::new(), 0);
    for (at, Copied { partition, offset, key, body }) in records.into_iter().enumerate() {
        let (_, text) = schema_of(&registry, &body);
        let own = Avro::parse_str(&text).unwrap();
        let mut value = GenericDatumReader::builder(&own).build().unwrap().read_value(&mut &body[5..]).unwrap();
        let written_by = |schema: &Avro, value: &AvroValue| {
            GenericDatumWriter::builder(schema).build().unwrap().write_value_to_vec(value.clone()).unwrap()
        };
        assert_eq!(written_by(&own, &value), body[5..], "a writer of another kind writes the same");
        assert!(seems_untouched(&key, &body[5..]));
        if at % 10 == 0 {
            changed += u64::from(spoil(&mut value, |value| !seems_untouched(&key, &written_by(&own, value))));
        }
        let mut newer: Value = serde_json::from_str(&text).unwrap();
        newer["fields"].as_array_mut().unwrap().push(json!({ "name": "channel", "type": "string", "default": "web" }));
        let schema = Schema::new(SchemaType::Avro, newer.to_string());
        let name = newer["name"].as_str().unwrap();
        let id = registry.register(&format!("again-shop.events.{name}"), &schema, true).unwrap();
        let newer = Avro::parse_str(&newer.to_string()).unwrap();
        let AvroValue::Record(fields) = value else { panic!("{value:?}") };
        let in_channel = |channel: u32| {
            let channel = ("channel".to_owned(), AvroValue::String(format!("app{channel}")));
            written_by(&newer, &AvroValue::Record(fields.iter().cloned().chain([channel]).collect()))
        };
        let rewritten = (0..1_000).map(in_channel).find(|body| !seems_untouched(&key, body)).unwrap();
        again.push(Copied { partition, offset, key, body: framed(id, &rewritten) });
    }
    cluster.write_again("again", &again);

    let run = Program::new(cluster, "again")
        .args(["verify", "--until-idle", "2s", "--run-id", RUN_ID, "--schema-registry", apicurio.address()])
        .run();
    let report = run.report();
    assert!(changed > 200, "{changed}");
    assert_eq!(report["findings"]["invalid"], 0, "{}", run.stdout);
    assert_eq!(report["findings"]["re_encoded"], 3_000 - changed, "{}", run.stdout);
    // What is damaged so may be another's, too.
    let (damaged, foreign) = (&report["reading"]["damaged"], &report["findings"]["foreign"]);
    assert_eq!(damaged.as_u64().unwrap() + foreign.as_u64().unwrap(), changed, "{}", run.stdout);
}

#[test]
fn records_that_no_event_can_be_are_counted_by_their_reason() {
    let (cluster, apicurio) = (Cluster::shared(), Apicurio::shared());
    let registry = Registry::new(&Access::at(apicurio.address()).unwrap()).unwrap();
    cluster.create("spoilt", 3, &[]);
    produced(cluster, "spoilt", &["--schema-registry", apicurio.address(), "--register", "--format", "avro"]);
    let whole = cluster.read_all("spoilt", 3);
    let (id, _) = schema_of(&registry, &whole[0].body);
    let other = r#"{"type":"record","name":"Invoice","namespace":"books","fields":[{"name":"total","type":"long"}]}"#;
    let other = registry.register("books-value", &Schema::new(SchemaType::Avro, other), true).unwrap();
    let body = &whole[0].body;
    let bad = [
        ("unknown_schema_id", framed(4_000_000_000, &body[5..])),
        ("wrong_subject", framed(other, &[2])),
        ("truncated", body[..body.len() - 1].to_vec()),
        ("trailing_bytes", [&**body, &[0]].concat()),
        ("no_magic", b"plain text".to_vec()),
    ];
    let copy = |body: &[u8]| Copied { partition: 0, offset: 0, key: whole[0].key.clone(), body: body.to_vec() };
    cluster.write_again("spoilt", &bad.iter().map(|(_, body)| copy(body)).collect::<Vec<_>>());
    assert_ne!(id, other);
    let run = Program::new(cluster, "spoilt")
        .args(["verify", "--until-idle", "2s", "--run-id", RUN_ID, "--schema-registry", apicurio.address()])
        .args(["--framing", "confluent"])
        .run();
    let findings = &run.report()["findings"];
    for (reason, _) in &bad {
        assert_eq!(findings["invalid_by_reason"][reason], 1, "{reason}: {findings}");
    }
    assert_eq!(findings["invalid"], bad.len(), "{findings}");
    assert_eq!(run.report()["reading"]["events"], 3_000, "{}", run.stdout);
}

#[test]
fn a_run_goes_on_without_the_registry_and_a_reader_waits_for_it() {
    let cluster = Cluster::shared();
    let apicurio = Apicurio::start(&[]);
    cluster.create("alone", 3, &[]);
    let registry = ["--schema-registry", apicurio.address(), "--schema-registry-timeout", "1s"];
    let run = Program::new(cluster, "alone")
        .args(["synth", "--rate", "500", "--duration", "10s", "--run-id", RUN_ID, "--format", "avro", "--register"])
        .args(registry)
        .args(["--gate-off", "generator_healthy"])
        .start();
    run.wait_for_rows(2);
    apicurio.command(&["pause"]);
    let (reader, ended) = (
        Program::new(cluster, "alone").args(["verify", "--run-id", RUN_ID]).args(registry).start(),
        Program::new(cluster, "alone")
            .args(["verify", "--num-records", "700", "--run-id", RUN_ID])
            .args(registry)
            .start(),
    );
    reader.wait_for_rows(3);
    ended.wait_for_rows(3);
    ended.interrupt();
    let ended = ended.finish();
    let report = ended.report();
    assert_eq!(report["reading"]["events"], 0, "nothing is valid that was not judged: {}", ended.stdout);
    assert!(report["findings"]["awaits_schema"].as_u64() >= Some(500), "{}", ended.stdout);
    let said = report["findings"]["examples"]["awaits_schema"].to_string();
    assert!(said.contains("does not answer"), "{said}");
    assert_ne!(ended.code, 0, "{}", ended.stderr);
    let run = run.finish();
    assert_eq!((run.code, &run.report()["ledger"]["verified"]), (0, &5_000.into()), "{} {}", run.stderr, run.stdout);
    assert_eq!(reader.seen(), 0, "the registry still says nothing");
    apicurio.command(&["resume"]);
    reader.wait_for_seen(5_000);
    reader.interrupt();
    let reader = reader.finish();
    let report = reader.report();
    assert_eq!(reader.code, 0, "{} {}", reader.stderr, reader.stdout);
    assert_eq!((&report["reading"]["events"], &report["findings"]["awaits_schema"]), (&5_000.into(), &0.into()));
}

#[test]
fn a_registry_that_cannot_be_used_is_named_with_what_to_do() {
    let (cluster, apicurio) = (Cluster::shared(), Apicurio::shared());
    cluster.create("refused", 1, &[]);
    let run = |more: &[&str]| {
        let usual = ["synth", "--rate", "100", "--num-records", "10", "--format", "avro"];
        Program::new(cluster, "refused").args(usual).args_of(more).run()
    };
    let missing = run(&["--schema-registry", apicurio.address()]);
    assert_eq!(missing.code, 6, "{}", missing.stderr);
    assert!(
        missing.stderr.contains("there is no such subject") && missing.stderr.contains("--register"),
        "{}",
        missing.stderr
    );
    let nobody = run(&["--schema-registry", "http://127.0.0.1:1", "--schema-registry-timeout", "300ms"]);
    assert_eq!(nobody.code, 6, "{}", nobody.stderr);
    assert!(nobody.stderr.contains("does not answer"), "{}", nobody.stderr);
    let unnamed = run(&[]);
    assert_eq!(unnamed.code, 104, "{}", unnamed.stderr);
    assert!(unnamed.stderr.contains("SCHEMA_REGISTRY_URL"), "{}", unnamed.stderr);
}
