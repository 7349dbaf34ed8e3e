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
