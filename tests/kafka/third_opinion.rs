//! The oracle against Kafka's own `TopologyTestDriver`: what each makes of the same 100,000 events, of which some come late.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

use loadgen::expect::{Expectation, Log, Oracle, Record, RunFacts};
use loadgen::shop;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/pipeline");
const EVENTS: i64 = 100_000;
const TYPES: [&str; 4] = ["view", "addtocart", "transaction", "search"];

/// Bodies of events, one each 10 ms of their time; of a hundred three come up to 5 s late, and one up to two minutes.
fn events() -> Vec<(i64, String)> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(4);
    let mut event = |number: i64| {
        let late = match random.random_range(0..100) {
            0..3 => random.random_range(0..5_000),
            3 => random.random_range(5_000..120_000),
            _ => 0,
        };
        let time = (1_800_000_000_000 + number * 10 - late).max(0);
        let kind = TYPES[random.random_range(0..TYPES.len())];
        let mut body = format!(
            r#"{{"event_id":"e{number}","event_type":"{kind}","timestamp":{time},"user_id":"u{}","#,
            random.random_range(0..3_000)
        );
        let (category, item) = (random.random_range(0..12), random.random_range(0..500));
        write!(body, r#""category":"c{category}","item_id":"{item}""#).unwrap();
        if kind == "transaction" {
            let (cents, quantity) = (random.random_range(1..100_000), random.random_range(1..5));
            write!(body, r#","price":{}.{:02},"quantity":{quantity}"#, cents / 100, cents % 100).unwrap();
        }
        body.push('}');
        (time, body)
    };
    (0..EVENTS).map(&mut event).collect()
}

/// Those of scenarios/pipeline.toml, for one partition, in which the order of events is known.
fn expectations() -> Vec<Expectation> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/pipeline.toml")).unwrap();
    let scenario: toml::Table = text.parse().unwrap();
    let mut expects = scenario["expect"].as_array().unwrap().clone();
    for expect in &mut expects {
        if let Some(table) = expect.as_table_mut().filter(|table| table.contains_key("window")) {
            table.insert("repartition".to_owned(), false.into());
        }
    }
    let configs: Vec<_> = expects.into_iter().map(|expect| expect.try_into().unwrap()).collect();
    let catalogue = shop::catalogue().unwrap();
    let known =
        RunFacts { catalogue: &catalogue, topic_of: &|_| "raw-events".to_owned(), usual: "raw-events", truth: None };
    Expectation::all(&configs, known).unwrap()
}

#[test]
fn kafkas_own_test_driver_makes_the_same_of_a_hundred_thousand_events() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("events"), folder.path().join("results"));
    let events = events();
    let bodies: Vec<&str> = events.iter().map(|(_, body)| body.as_str()).collect();
    std::fs::write(&input, bodies.join("\n")).unwrap();
    let driven = Command::new(SCRIPT).arg("drive").args([&input, &output]).output().unwrap();
    assert!(driven.status.success(), "{}", String::from_utf8_lossy(&driven.stderr));

    let log = Log { starts: vec![0], is_whole: true };
    let mut oracle = Oracle::new(&expectations(), &BTreeMap::from([("raw-events".to_owned(), log)]), false, None);
    for (offset, (_, body)) in (0..).zip(&events) {
        // Written when it was due, however late it is.
        let at_ms = 1_800_000_000_000 + offset * 10;
        oracle.input(0, &Record { partition: 0, offset, at_ms, body: Some(body.as_bytes()) });
    }
    let outputs: Vec<String> = oracle.outputs().map(ToOwned::to_owned).collect();
    let results = std::fs::read_to_string(&output).unwrap();
    for (offset, line) in (0..).zip(results.lines()) {
        let (topic, body) = line.split_once('\t').unwrap();
        if let Some(place) = outputs.iter().position(|known| known == topic) {
            oracle.output(place, &Record { partition: 0, offset, at_ms: i64::MAX / 2, body: Some(body.as_bytes()) });
        }
    }
    let (reports, _) = oracle.end(i64::MAX / 2, &BTreeMap::new());
    assert_eq!(reports.len(), 8);
    for report in reports {
        assert!(report.right > 0 && report.right + report.open == report.expected, "{report:?}");
        assert_eq!((report.unexpected, report.unreadable), (0, 0), "{report:?}");
    }
}
