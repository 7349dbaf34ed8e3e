//! What it costs to compute what must come out downstream, for each event: the four windowed expectations of scenarios/pipeline.toml, and finding
//! the fields that they look at alone.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]
#![expect(clippy::expect_used, reason = "a benchmark that cannot start has nothing to measure")]

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use loadgen::expect::{Expectation, Log, Oracle, Record, RunFacts};
use loadgen::shop;

const EVENTS: i64 = 100_000;
const PARTITIONS: i64 = 3;
/// Events of each second.
const RATE: i64 = 10_000;

fn bodies() -> Vec<(i64, String)> {
    let event = |number: i64| {
        let time = 1_800_000_000_000 + number * 1_000 / RATE;
        let (kind, own) = match number % 10 {
            0 => ("transaction", r#","transaction_id":"t-1","quantity":2,"price":19.99"#),
            1..4 => ("addtocart", r#","quantity":1"#),
            _ => ("view", r#","device_type":"mobile""#),
        };
        let body = format!(
            r#"{{"event_id":"01a227a6-5f76-7801-b3c0-{number:012x}","event_type":"{kind}","timestamp":{time},"user_id":"{}","item_id":"{}","category":"media/books-{}","session_id":"s-{}"{own}}}"#,
            number * 7 % 10_000,
            number * 13 % 5_000,
            number % 40,
            number % 900
        );
        (time, body)
    };
    (0..EVENTS).map(event).collect()
}

/// The first so many windowed expectations of the scenario, behind a repartition.
fn oracle(expectations: usize) -> Oracle {
    let text = include_str!("../scenarios/pipeline.toml");
    let scenario: toml::Table = text.parse().expect("a scenario");
    let expects = scenario["expect"].as_array().expect("expectations").iter().take(expectations);
    let configs: Vec<_> = expects.map(|expect| expect.clone().try_into().expect("an expectation")).collect();
    let catalogue = shop::catalogue().expect("a catalogue");
    let known =
        RunFacts { catalogue: &catalogue, topic_of: &|_| "raw-events".to_owned(), usual: "raw-events", truth: None };
    let expectations = Expectation::all(&configs, known).expect("what can be computed");
    let log = Log { starts: vec![0; 3], is_whole: true };
    Oracle::new(&expectations, &BTreeMap::from([("raw-events".to_owned(), log)]), true, None)
}

fn folding(c: &mut Criterion) {
    let bodies = bodies();
    let mut group = c.benchmark_group("expect");
    group.throughput(Throughput::Elements(EVENTS.unsigned_abs()));
    for expectations in 1..=4 {
        group.bench_function(format!("{expectations}_expectations"), |b| {
            b.iter(|| {
                let mut oracle = oracle(expectations);
                for (offset, (at_ms, body)) in (0..).zip(&bodies) {
                    let partition = usize::try_from(offset % PARTITIONS).unwrap_or_default();
                    oracle.input(0, &Record { partition, offset, at_ms: *at_ms, body: Some(body.as_bytes()) });
                }
                black_box(oracle.is_settled())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, folding);
criterion_main!(benches);
