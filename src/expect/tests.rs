//! What holds of every oracle: against a fold that does it all at once, and in whatever order partitions are read.

mod bad;
mod folds;
mod judged;
mod kinds;
mod lists;
mod ranges;
mod sessions;
mod spilled;

use std::collections::BTreeMap;

use super::*;
use crate::report::ExpectReport;
use crate::shop;

/// The declaration of one expectation, as a scenario has it.
fn config(text: &str) -> ExpectConfig {
    toml::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn declared(configs: &[ExpectConfig]) -> Result<Vec<Expectation>, DeclareError> {
    let catalogue = shop::catalogue().unwrap();
    let known =
        RunFacts { catalogue: &catalogue, topic_of: &|_| "raw-events".to_owned(), usual: "raw-events", truth: None };
    Expectation::all(configs, known)
}

const COUNT: &str = r#"
    name = "count"
    source = "in"
    key = "k"
    time = "t"
    window = { size = "10s", grace = "5s" }
    output = { topic = "out", key = "k", start = "from", value = "v" }
"#;

fn oracle(text: &str, partitions: usize) -> Oracle {
    let expectations = declared(&[config(text)]).unwrap();
    let log = Log { starts: vec![0; partitions], is_whole: true };
    Oracle::new(&expectations, &BTreeMap::from([("in".to_owned(), log)]), true, None)
}

fn put(oracle: &mut Oracle, partition: usize, offset: i64, at_ms: i64, body: &str) {
    oracle.input(0, &Record { partition, offset, at_ms, body: Some(body.as_bytes()) });
}

fn see(oracle: &mut Oracle, at_ms: i64, body: &str) {
    oracle.output(0, &Record { partition: 0, offset: 0, at_ms, body: Some(body.as_bytes()) });
}

fn end(oracle: Oracle) -> ExpectReport {
    oracle.end(1_000_000, &BTreeMap::new()).0.remove(0)
}
