//! Events of types that the user declares, against a real broker and a real registry.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use crate::cluster::Cluster;
use crate::program::{Program, Run};
use crate::registry::Apicurio;

/// A type with records, an array, nulls, a map and a decimal, and another one.
const ORDERS: &str = r#"
namespace = "shop.orders"

[order]
key = "customer_id"
start = 1.0
next = { payment = 0.5 }

[order.fields]
order_id = "uuid"
type = { constant = "order" }
customer_id = { pool = 1_000, skew = 0.8, format = "cust-{:06}" }
total = { decimal = ["0.99", "4999.00"], median = 39.0, sigma = 0.9 }
address = { record = { street = "street", city = "city" } }
lines = { array = [1, 4], of = { record = { sku = "sku", price = "price", gift = { boolean = 0.1, null = 0.5 } } } }
labels = { map = [0, 2], keys = ["gift", "express"], of = { words = 1 } }
note = { sentences = 1, null = "80%" }

[payment]
key = "customer_id"

[payment.fields]
payment_id = "uuid"
type = { constant = "payment" }
customer_id = { pool = 1_000, skew = 0.8, format = "cust-{:06}" }
"#;

/// Sends 1,000 events of these types.
fn sent(topic: &str, events: &std::path::Path, more: &[&str]) -> Run {
    let mut program = Program::new(Cluster::shared(), topic)
        .args(["synth", "--events", events.to_str().unwrap(), "--create-topics", "--partitions", "3"])
        .args(["--rate", "1000", "--num-records", "1000", "--lanes", "2", "--gate-off", "generator_healthy"]);
    for option in more {
        program = program.args([option]);
    }
    program.run()
}

/// A type whose body has no place for an id.
const READING: &str = r#"{"type": "record", "name": "Reading", "namespace": "plant", "fields": [
    {"name": "sensor_id", "type": "string"}, {"name": "value", "type": "double"}, {"name": "valid", "type": "boolean"}]}"#;

#[test]
fn the_id_may_stand_in_a_header_in_each_format_and_constant_headers_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let schema = folder.path().join("reading.avsc");
    std::fs::write(&schema, READING).unwrap();
    let (cluster, registry) = (Cluster::shared(), Apicurio::shared().address());
    for format in ["json", "avro", "protobuf", "json-schema"] {
        let topic = format!("in-header-{format}");
        let (mut registered, mut asked) = (vec!["--register"], vec!["--format", format]);
        for options in [&mut registered, &mut asked] {
            options.extend(["--schema-registry", registry]);
            if format == "json" {
                options.clear();
            }
        }
        let run = Program::new(cluster, &topic)
            .args(["synth", "--schema", schema.to_str().unwrap(), "--create-topics", "--partitions", "3"])
            .args(["--rate", "1000", "--num-records", "1000", "--gate-off", "generator_healthy", "--format", format])
            .args(["--run-id", "a1b2c3d4e5f60718", "--header", "origin=loadgen", "--header", "empty="])
            .args_of(&registered)
            .run();
        let report = run.report();
        let (verified, invalid) = (&report["ledger"]["verified"], &report["findings"]["invalid"]);
        assert_eq!((run.code, verified, invalid), (0, &1_000.into(), &0.into()), "{}{}", run.stderr, run.stdout);
        for (partition, ids) in headers_of(&topic).into_iter().enumerate() {
            assert!(!ids.is_empty(), "partition {partition}");
            for headers in ids {
                let [(empty, nothing), (origin, loadgen), (name, id)] = &headers[..] else { panic!("{headers:?}") };
                assert_eq!((empty.as_str(), nothing.as_str()), ("empty", ""));
                assert_eq!((origin.as_str(), loadgen.as_str()), ("origin", "6c6f616467656e"));
                assert_eq!((name.as_str(), id.len(), &id[12..13]), ("loadgen-id", 32, "7"), "a UUID of version 7");
            }
        }
        let reading = Program::new(cluster, &topic)
            .args([
                "verify",
                "--schema",
                schema.to_str().unwrap(),
                "--until-idle",
                "2s",
                "--run-id",
                "a1b2c3d4e5f60718",
            ])
            .args_of(&asked)
            .run();
        let report = reading.report();
        assert_eq!(report["reading"]["records"], 1_000, "{}", reading.stdout);
        assert_eq!(report["reading"]["damaged"], 0, "{}", reading.stdout);
        assert_eq!(report["findings"]["invalid"], 0, "{}", reading.stdout);
    }
}

/// The headers of each record of each partition, as Confluent's client for Python has them, values in hexadecimal digits.
fn headers_of(topic: &str) -> Vec<Vec<Vec<(String, String)>>> {
    let judge = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/judge-formats");
    let read = |partition: u8| {
        let place = format!("{topic}:{partition}");
        let output = std::process::Command::new(judge).args(["headers", Cluster::shared().address(), &place]).output();
        let output = output.unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    (0..3).map(read).collect()
}

#[test]
fn a_declared_type_goes_through_all_formats_and_another_process_takes_its_types_from_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let events = folder.path().join("orders.toml");
    std::fs::write(&events, ORDERS).unwrap();
    let registry = Apicurio::shared().address();
    for format in ["json", "avro", "protobuf", "json-schema"] {
        let mut more = vec!["--format", format];
        if format != "json" {
            more.extend(["--register", "--schema-registry", registry]);
        }
        let run = sent(&format!("own-{format}"), &events, &more);
        let report = run.report();
        assert_eq!(
            (run.code, &report["ledger"]["verified"]),
            (0, &1_000.into()),
            "{format}: {} {}",
            run.stderr,
            run.stdout
        );
        assert_eq!(report["findings"]["invalid"], 0, "{format}: {}", report["findings"]);
    }
    let producer = sent("own-apart", &events, &["--no-verify", "--model", "sessions", "--concurrent-sessions", "50"]);
    assert_eq!(producer.code, 0, "{}", producer.stderr);
    let bundle = producer.bundle().unwrap();
    let joined =
        Program::new(Cluster::shared(), "").args(["verify", "--producer-report", bundle.to_str().unwrap()]).run();
    let report = joined.report();
    assert_eq!((joined.code, &report["ledger"]["verified"]), (0, &1_000.into()), "{} {}", joined.stderr, joined.stdout);
    assert!(report["by_type"]["payment"].is_object(), "{}", report["by_type"]);
}
