//! The self-test finds what it injects, and notices a checker that does not.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use loadgen::event::key::KeyForm;
use loadgen::ledger::rules::{Rule, Rules};
use loadgen::run::Interrupts;
use loadgen::selftest::fault::Fault;
use loadgen::selftest::{Config, Row, Table, Wire, selftest};
use loadgen::settings::choice::Choice as _;
use loadgen::settings::formats::Format;

/// Self-tests at a time. They mostly wait.
const AT_A_TIME: usize = 6;

fn config(wire: Wire, seed: u64, rules: Rules) -> Config {
    let client = [
        ("acks", "all"),
        ("enable.idempotence", "true"),
        ("linger.ms", "5"),
        ("partitioner", "murmur2_random"),
        ("queue.buffering.max.messages", "20000"),
        ("delivery.timeout.ms", "30000"),
    ];
    Config {
        bootstrap: None,
        topic: "selftest".to_owned(),
        partitions: 3,
        replication_factor: 1,
        catalogue: std::sync::Arc::new(loadgen::shop::catalogue().unwrap()),
        wire,
        create_topic: false,
        client: client.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        connect_timeout: Duration::from_secs(20),
        drain_deadline: Duration::from_secs(3),
        seed,
        rules,
    }
}

fn tested(wire: Wire, seed: u64, rules: Rules) -> Table {
    selftest(&config(wire, seed, rules), &Interrupts::default()).unwrap()
}

fn program(arguments: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_loadgen"))
        .args(arguments)
        .current_dir(folder.path())
        .env_clear()
        .env("LOADGEN_TOPIC", "another-commands-topic")
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_command_prints_one_table_and_ends_well() {
    let (code, out, err) = program(&["selftest", "--seed", "7"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.starts_with("HONEST  every fault was found"), "{out}");
    assert!(out.contains("drawn from seed 7"), "{out}");
    assert!(out.lines().filter(|line| line.ends_with("  ok")).count() > 40, "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
}

#[test]
fn the_table_is_there_for_programs_too() {
    let (code, out, err) = program(&["selftest", "--output", "json"]);
    assert_eq!(code, 0, "{out}{err}");
    let table: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(table["ok"], true);
    assert_eq!(table["format"], "json");
    assert_eq!(table["faults"].as_array().unwrap().len(), Fault::of(Format::Json.into()).count());
    assert!(table["faults"].as_array().unwrap().iter().all(|row| row["ok"] == true), "{out}");
}

fn wrong(rows: &[Row]) -> Vec<&Row> {
    rows.iter().filter(|row| !row.ok).collect()
}

/// Each format with the id in the body and texts as keys, and some in other ways.
fn wires() -> Vec<Wire> {
    let usual = Format::ALL.iter().map(|format| Wire::from(*format));
    let others = [
        Wire { id_in_header: true, ..Format::Json.into() },
        Wire { keys: KeyForm::Avro, id_in_header: true, ..Format::Avro.into() },
        Wire { keys: KeyForm::Protobuf, ..Format::Protobuf.into() },
    ];
    usual.chain(others).collect()
}

#[test]
fn an_honest_checker_finds_exactly_what_was_injected() {
    for (wire, seed) in wires().into_iter().flat_map(|wire| [(wire, 1), (wire, 2)]) {
        let table = tested(wire, seed, Rules::ALL);
        assert!(table.ok, "{wire:?} {}", table.text());
        assert!(table.faults.iter().all(|row| row.expected > 0), "{}", table.text());
        assert_eq!(table.faults.len(), Fault::of(wire).count());
    }
}

/// The rules that self-tests of events that are sent so are made without: all in JSON, elsewhere those that are about the difference.
fn rules_of(wire: Wire) -> Vec<Rule> {
    let json = Wire::from(Format::Json);
    let explains = |rule: Rule, wire| Fault::of(wire).any(|fault| fault.rule() == rule);
    let is_about = |rule| match rule {
        Rule::Utf8 | Rule::ReEncoded => wire.format != Format::Json,
        Rule::RequiredField | Rule::FieldType => wire.id_in_header,
        Rule::KeyIsUser => wire.keys != KeyForm::Text,
        _ => !explains(rule, json),
    };
    Rule::ALL.into_iter().filter(|rule| explains(*rule, wire) && (wire == json || is_about(*rule))).collect()
}

/// Every rule in turn is taken away: the rows that it alone explains fail, and no other fault's.
#[test]
fn a_checker_with_any_one_rule_broken_is_found_out_in_the_rows_of_that_rule() {
    let tries = wires().into_iter().flat_map(|wire| rules_of(wire).into_iter().map(move |rule| (wire, rule)));
    let tries: Vec<(Wire, Rule)> = tries.collect();
    let left = Mutex::new(tries.clone());
    let found = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let Some((wire, rule)) = left.lock().unwrap().pop() else { return };
                    let table = tested(wire, 3, Rules::ALL.without(rule));
                    found.lock().unwrap().push((rule, table));
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    assert_eq!(found.len(), tries.len());
    for (rule, table) in &found {
        let of_the_rule: Vec<&Row> = table.faults.iter().filter(|row| row.rule == Some(*rule)).collect();
        assert!(!of_the_rule.is_empty());
        assert_eq!(wrong(&table.faults), of_the_rule, "without {rule:?}:\n{}", table.text());
        assert!(!table.ok);
    }
}

#[test]
fn a_checker_with_a_rule_broken_is_found_out_in_what_came_over_http_too() {
    for (rule, name) in [
        (Rule::AnotherRecord, "HTTP: dropped after the ack"),
        (Rule::Contradicted, "HTTP: refused, and yet written"),
        // That the value is another event's then is found by its check all the same.
        (Rule::KeyIsUser, "invalid (HTTP)"),
        (Rule::Order, "HTTP: swapped with the next"),
    ] {
        let table = tested(Format::Json.into(), 4, Rules::ALL.without(rule));
        let told = wrong(&table.totals);
        assert!(told.iter().any(|row| row.name == name), "without {rule:?}:\n{}", table.text());
        assert!(
            table.totals.iter().filter(|row| row.name.starts_with("HTTP: told")).all(|row| row.ok),
            "{}",
            table.text()
        );
    }
}
