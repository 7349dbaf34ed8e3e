//! A `.proto` that imports others: on a real Kafka, with a real schema registry, judged by other clients.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::cluster::Cluster;
use crate::program::Program;
use crate::registry::Apicurio;

const JUDGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/judge-formats");

const ORDER: &str = r#"syntax = "proto3";
package imports.orders;
import "google/protobuf/timestamp.proto";
import "imports/money.proto";
message Order {
  string order_id = 1;
  string customer_id = 2;
  google.protobuf.Timestamp placed_at = 3;
  imports.Money total = 4;
}
"#;
const MONEY: &str = r#"syntax = "proto3";
package imports;
import "imports/currency.proto";
message Money {
  Currency currency = 1;
  int64 cents = 2;
}
"#;
const CURRENCY: &str = r#"syntax = "proto3";
package imports;
enum Currency {
  CURRENCY_UNSPECIFIED = 0;
  CURRENCY_EUR = 1;
}
"#;

#[test]
fn imports_go_to_the_registry_as_references_and_every_reader_finds_them() {
    let (cluster, apicurio) = (Cluster::shared(), Apicurio::shared());
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("imports")).unwrap();
    for (name, text) in [("order.proto", ORDER), ("imports/money.proto", MONEY), ("imports/currency.proto", CURRENCY)] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let schema = folder.path().join("order.proto");
    cluster.create("imports", 3, &[]);
    let registry = ["--schema-registry", apicurio.address()];
    let run = Program::new(cluster, "imports")
        .args(["synth", "--rate", "1000", "--num-records", "1000", "--format", "protobuf", "--register"])
        .args(["--schema", schema.to_str().unwrap(), "--gate-off", "generator_healthy"])
        .args(registry)
        .run();
    assert_eq!((run.code, &run.report()["ledger"]["verified"]), (0, &1_000.into()), "{} {}", run.stderr, run.stdout);

    let said =
        Command::new(JUDGE).args(["messages", cluster.address(), apicurio.address(), "imports"]).output().unwrap();
    let lines = String::from_utf8(said.stdout).unwrap();
    let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 1_000, "{}", String::from_utf8_lossy(&said.stderr));
    assert!(events.iter().all(|event| event["customer_id"].is_string()), "{}", events[0]);
    // Messages are optional: some events have none.
    assert!(events.iter().any(|event| event["placed_at"].is_string()), "{}", events[0]);
    assert!(events.iter().any(|event| event["total"]["currency"] == "CURRENCY_EUR"), "{}", events[0]);

    let alone = Program::new(cluster, "imports")
        .args(["verify", "--until-idle", "2s", "--schema", schema.to_str().unwrap()])
        .args(registry)
        .run();
    let report = alone.report();
    assert_eq!((alone.code, &report["reading"]["events"]), (0, &1_000.into()), "{} {}", alone.stderr, alone.stdout);
    assert_eq!(report["findings"]["invalid"], 0);
}

#[test]
fn versions_and_readers_with_imports_are_read_again_from_the_bundle_alone() {
    let (cluster, apicurio) = (Cluster::shared(), Apicurio::shared());
    let folder = tempfile::tempdir().unwrap();
    // Version 1 lacks the time.
    let order = ORDER.replace("imports/", "rolled/");
    let money = MONEY.replace("imports/", "rolled/");
    let old_order = order.replace("  google.protobuf.Timestamp placed_at = 3;\n", "");
    for (name, text) in [
        ("v2/order.proto", order),
        ("v2/rolled/money.proto", money.clone()),
        ("v2/rolled/currency.proto", CURRENCY.to_owned()),
        ("v1/order.proto", old_order),
        ("v1/rolled/money.proto", money),
        ("v1/rolled/currency.proto", CURRENCY.to_owned()),
    ] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let phase = |version: &str| {
        format!("[[phase]]\nname = \"{version}\"\nrate = \"500/s\"\nduration = \"1s\"\nschema = \"{version}\"\n")
    };
    let head = "[source]\nschema = \"v2/order.proto\"\n[verify]\nreader_schema = \"v1\"\n[schemas]\nv1 = \"v1\"\nv2 = \"v2\"\n";
    let scenario = folder.path().join("roll.toml");
    fs::write(&scenario, [head, &phase("v1"), &phase("v2")].concat()).unwrap();
    cluster.create("imports-rolled", 3, &[]);
    let run = Program::new(cluster, "imports-rolled")
        .args(["run", scenario.to_str().unwrap(), "--format", "protobuf", "--register"])
        .args(["--schema-registry", apicurio.address(), "--gate-off", "generator_healthy"])
        .run();
    folder.close().unwrap();
    let report = run.report();
    assert_eq!((run.code, &report["ledger"]["verified"]), (0, &1_000.into()), "{} {}", run.stderr, run.stdout);
    let written = report["environment"]["schemas"].as_array().unwrap();
    let imports =
        |at: usize| written[at]["imports"].as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>();
    for at in [0, 1] {
        assert_eq!(imports(at), ["rolled/currency.proto", "rolled/money.proto"], "{written:?}");
    }

    // Run again without the files, and then read without a registry as well.
    let kept = run.bundle().unwrap().join("scenario.toml");
    let again = Program::new(cluster, "imports-rolled").args(["run", kept.to_str().unwrap(), "--no-verify"]).run();
    assert_eq!(again.code, 0, "{} {}", again.stderr, again.stdout);
    let bundle = again.bundle().unwrap();
    let joined = Program::new(cluster, "")
        .args(["verify", "--gate-off", "generator_healthy", "--producer-report", bundle.to_str().unwrap()])
        .run();
    let report = joined.report();
    assert_eq!((joined.code, &report["ledger"]["verified"]), (0, &1_000.into()), "{} {}", joined.stderr, joined.stdout);
    assert_eq!(report["findings"]["re_encoded"], 0);
}

#[test]
fn an_import_that_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let schema = folder.path().join("order.proto");
    fs::write(&schema, ORDER).unwrap();
    let refused = Program::new(Cluster::shared(), "imports-refused")
        .args(["synth", "--rate", "1", "--num-records", "1", "--schema", schema.to_str().unwrap()])
        .run();
    assert_eq!(refused.code, 104, "{}", refused.stderr);
    assert!(refused.stderr.contains("order.proto line 1"), "{}", refused.stderr);
    assert!(refused.stderr.contains("imports/money.proto cannot be read"), "{}", refused.stderr);
}
