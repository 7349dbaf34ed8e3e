//! Events of types that the user declares, through the real program.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fs;

use crate::shell::Shell;

const ORDERS: &str = r#"
namespace = "shop.orders"

[order]
weight = 7
key = "customer_id"
id = "order_id"

[order.fields]
order_id = "uuid"
type = { constant = "order" }
created_at = { timestamp = "ms" }
customer_id = { pool = 1_000, skew = 0.8, format = "cust-{:06}" }
total = { decimal = ["0.99", "4999.00"], median = 39.0, sigma = 0.9 }
lines = { array = [1, 4], of = { record = { sku = "sku", quantity = "quantity" } } }
note = { sentences = [1, 2], null = "80%" }

[payment]
weight = 3
key = "customer_id"

[payment.fields]
payment_id = "uuid"
type = { constant = "payment" }
customer_id = { pool = 1_000, skew = 0.8, format = "cust-{:06}" }
method = { choice = { card = 6, transfer = 3 } }
"#;

/// The shop's views, declared.
const VIEWS: &str = r#"
[view]
key = "user_id"
id = "event_id"

[view.fields]
event_id = "uuid"
event_type = { constant = "view" }
timestamp = { timestamp = "ms" }
user_id = { pool = 100_000, skew = 0.7, format = "{}" }
item_id = { pool = 50_000, skew = 0.8, format = "{}" }
category = { choice = ["audio", "phones"] }
session_id = { words = 1 }
device_type = "device"
"#;

const AVRO: &str = r#"{"type": "record", "name": "OrderPlaced", "namespace": "shop.orders", "fields": [
  {"name": "order_id", "type": {"type": "string", "logicalType": "uuid"}},
  {"name": "customer_id", "type": "string"},
  {"name": "placed_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
  {"name": "total", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}},
  {"name": "note", "type": ["null", "string"], "default": null}]}"#;

fn shell() -> Shell {
    let shell = Shell::new();
    for (name, text) in [("orders.toml", ORDERS), ("views.toml", VIEWS), ("order.avsc", AVRO)] {
        fs::write(shell.path().join(name), text).unwrap();
    }
    shell
}

fn report(shell: &Shell, more: &[&str]) -> serde_json::Value {
    let run = ["synth", "--rate", "400", "--duration", "1500ms", "-o", "json"];
    let busy = ["--gate-off", "generator_on_time", "--gate-off", "generator_kept_rate"];
    shell.run(&[&run[..], &busy, more].concat()).ends_with_code(0).json()
}

#[test]
fn declared_types_make_a_verified_run_that_goes_by_their_names() {
    let shell = shell();
    let more = ["--events", "orders.toml", "--lanes", "2", "--gate", "by_type.payment.response_time.max < 60s"];
    let topics = ["--topic-map", "payment=payments", "--weights", "order=1,payment=1"];
    let report = report(&shell, &[&more[..], &topics].concat());
    assert_eq!(report["ledger"]["scheduled"], 600);
    assert_eq!(report["ledger"]["verified"], 600);
    assert_eq!(report["run"]["source"], "own");
    let of_type = |name: &str| report["by_type"][name]["verified"].as_u64().unwrap();
    assert_eq!(of_type("order") + of_type("payment"), 600);
    assert!(of_type("payment") > 200, "{}", of_type("payment"));
    assert_eq!(report["by_type"]["payment"]["expected_share_percent"], 50.0);
    assert_eq!(report["by_type"].as_object().unwrap().len(), 2);
}

#[test]
fn the_shops_fields_declared_make_a_run_like_the_shops() {
    let report = report(&shell(), &["--events", "views.toml", "--transactional"]);
    assert_eq!((&report["ledger"]["verified"], &report["findings"]["invalid"]), (&600.into(), &0.into()));
}

#[test]
fn sessions_go_through_declared_types_in_their_order() {
    let shell = shell();
    let steps = ORDERS
        .replace("weight = 7", "start = 1.0\nnext = { payment = 0.5 }")
        .replace("weight = 3", "think = \"2s\"\nnext = { order = 0.2 }");
    fs::write(shell.path().join("steps.toml"), steps).unwrap();
    let report = report(&shell, &["--events", "steps.toml", "--model", "sessions", "--concurrent-sessions", "50"]);
    assert_eq!(report["ledger"]["verified"], 600);
    assert_eq!(report["synthetic"]["model"], "sessions");
    // 1 / (1 - 0.5 * 0.2) orders, and half as many payments.
    let events = report["synthetic"]["events_per_session"].as_f64().unwrap();
    assert!((events - 1.5 / 0.9).abs() < 1e-9, "{events}");
    let dry = shell.run(&["synth", "--dry-run", "--events", "steps.toml", "--model", "sessions"]).ends_with_code(0);
    dry.says("sessions model: order 66.67 %, payment 33.33 %").says("sessions: 1.7 events in");
    let with_weights = ["synth", "--events", "steps.toml", "--model", "sessions", "--weights", "order=1"];
    shell.run(&with_weights).ends_with_code(104).complains("weights are for the independent model");
}

#[test]
fn a_schema_alone_makes_a_verified_run() {
    for more in [
        &["--payload-bytes", "400"][..],
        &["--format", "avro", "--framing", "single-object"],
        &["--format", "protobuf", "--framing", "none"],
    ] {
        let report = report(&shell(), &[&["--schema", "order.avsc"][..], more].concat());
        assert_eq!(report["ledger"]["verified"], 600);
        assert_eq!(report["by_type"]["order_placed"]["verified"], 600);
        assert_eq!(report["payload"]["mean_bytes"].as_f64().unwrap() >= 400.0, more[0] == "--payload-bytes");
    }
}

#[test]
fn a_check_shows_an_event_of_each_type_with_its_sizes_and_its_schema() {
    let shell = shell();
    let told = shell.run(&["check", "--events", "orders.toml", "--rate", "10", "-d", "1s"]).ends_with_code(0);
    told.says("event type  order: id order_id, key customer_id; ")
        .says("event type  payment: id payment_id, key customer_id; ");
    let own = ["check", "--schema", "order.avsc", "--format", "avro", "--framing", "none", "-o", "json"];
    let json = shell.run(&own).ends_with_code(0).json();
    let example = &json["examples"][0];
    assert_eq!((&example["event_type"], &example["format"]), (&"order_placed".into(), &"avro".into()));
    assert_eq!(example["schema"], AVRO, "the user's own, to the letter");
    let event: serde_json::Value = serde_json::from_str(example["event"].as_str().unwrap()).unwrap();
    assert!(event["customer_id"].as_str().unwrap().starts_with("customer-"), "{event}");
    assert!(example["bytes"]["avro"].as_u64() < example["bytes"]["json"].as_u64());
}

#[test]
fn a_run_is_repeated_from_its_own_scenario_without_the_files() {
    let shell = shell();
    let scenario = "name = \"orders\"\nrate = \"300/s\"\nduration = \"1s\"\ngates_off = [\"generator_on_time\", \"generator_kept_rate\"]\n[source]\nevents = \"orders.toml\"\n";
    fs::create_dir(shell.path().join("scenarios")).unwrap();
    fs::write(shell.path().join("scenarios/orders.toml"), ORDERS).unwrap();
    fs::write(shell.path().join("scenarios/run.toml"), scenario).unwrap();
    let first = shell.run(&["run", "scenarios/run.toml", "--results-dir", "r", "-o", "json"]).ends_with_code(0).json();
    fs::remove_dir_all(shell.path().join("scenarios")).unwrap();
    let folder =
        fs::read_dir(shell.path().join("r")).unwrap().map(|entry| entry.unwrap()).find(|entry| entry.path().is_dir());
    let kept = folder.unwrap().path().join("scenario.toml");
    let again = shell.run(&["run", kept.to_str().unwrap(), "-o", "json"]).ends_with_code(0).json();
    assert_eq!(first["offered"]["bytes"], again["offered"]["bytes"]);
    assert_eq!(first["ledger"]["verified"], again["ledger"]["verified"]);
}

#[test]
fn what_does_not_fit_declared_types_is_refused_with_its_exit_code() {
    let shell = shell();
    let dry = |more: &[&str]| shell.run(&[&["synth", "--dry-run"], more].concat());
    dry(&["--events", "orders.toml"]).ends_with_code(0).says("order 70.00 %, payment 30.00 %");
    dry(&["--events", "orders.toml", "--users", "3"]).ends_with_code(2).complains("--users does not apply");
    dry(&["--events", "orders.toml", "--schema", "order.avsc"])
        .ends_with_code(2)
        .complains("--events and --schema exclude each other");
    dry(&["--events", "orders.toml", "--weights", "ordr=1"])
        .ends_with_code(2)
        .complains("\"ordr\" is no event type (order, payment)");
    dry(&["--events", "orders.toml", "--topic-map", "view=a"])
        .ends_with_code(104)
        .complains("\"view\" is no event type (order, payment)");
    dry(&["--events", "gone.toml"]).ends_with_code(104).complains("file of event types gone.toml cannot be read");
    dry(&["--schema", "orders.toml"]).ends_with_code(104).complains("orders.toml is no schema by its name");
    dry(&["--events", "orders.toml", "--lanes", "1001"])
        .ends_with_code(104)
        .complains("cannot be divided among 1001 lanes");
    fs::write(shell.path().join("bad.toml"), ORDERS.replace("pool = 1_000", "poll = 1_000")).unwrap();
    dry(&["--events", "bad.toml"])
        .ends_with_code(104)
        .complains("bad.toml line 13: order.fields.customer_id.poll: unknown generator \"poll\"")
        .complains("did you mean pool?");
    dry(&["--weights", "view=1,cart=2"])
        .ends_with_code(2)
        .complains("--weights (the command line): weight \"cart\": \"cart\" is no event type (view, addtocart,");
}
