//! Whole runs against the embedded broker.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use loadgen::event::stamp::RunId;
use loadgen::kafka::Settings;
use loadgen::lane::{BodyTime, OnLag, Pacing};
use loadgen::run::{Config, Interrupts, Lanes, Outcome, Verify, run};
use loadgen::schedule::{Phase, Rate, Schedule, Shape};
use loadgen::source::{Source, synthetic};

fn config(lanes: u8) -> Config {
    let client = [
        ("acks", "all"),
        ("enable.idempotence", "true"),
        ("compression.type", "snappy"),
        ("linger.ms", "5"),
        ("partitioner", "murmur2_random"),
        ("queue.buffering.max.messages", "20000"),
        ("delivery.timeout.ms", "30000"),
    ];
    Config {
        name: "test".to_owned(),
        id: RunId(0x0123_4567_89ab_cdef),
        seed: 1,
        lanes: Lanes::only(lanes),
        start_at_unix_ns: None,
        pacing: Pacing::Sleep,
        body_time: BodyTime::Due,
        on_lag: OnLag::Queue,
        max_rate: None,
        bootstrap: None,
        topic: "raw-events".to_owned(),
        partitions: 3,
        replication_factor: 1,
        create_topic: false,
        client: client.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect::<Settings>(),
        connect_timeout: Duration::from_secs(20),
        verify: Some(Verify { read_committed: false, drain_deadline: Duration::from_secs(30) }),
        flush_deadline: Duration::from_secs(35),
    }
}

fn synthetic_run(config: &Config, shape: Shape, limit: u64) -> Outcome {
    let source = Source::Synthetic(Arc::new(synthetic::Synthetic::new(&synthetic::Config::default(), 7).unwrap()));
    let schedule = Schedule::new(vec![Phase::new("main", shape, None)], Some(limit)).unwrap();
    run(config, &source, schedule, &Interrupts::default(), &mut |_| ControlFlow::Continue(())).unwrap()
}

#[test]
fn every_event_of_a_paced_run_is_verified() {
    let outcome = synthetic_run(&config(2), Shape::Constant(Rate::per_second(5_000).unwrap()), 10_000);
    let report = outcome.report;
    assert_eq!((report.ledger.scheduled, report.ledger.verified), (10_000, 10_000), "{report:#?}");
    assert!(report.ledger.sums());
    let findings = &report.findings;
    assert_eq!((findings.duplicates, findings.reordered, findings.invalid, findings.foreign), (0, 0, 0, 0));
    assert_eq!(report.latency_us.response_time.count, 10_000);
    assert_eq!(report.latency_us.end_to_end.unwrap().count, 10_000);
    assert_eq!(report.timeline.iter().map(|row| row.sent).sum::<u64>(), 10_000);
}

#[test]
fn the_embedded_brokers_small_log_never_loses_an_event() {
    let outcome = synthetic_run(&config(1), Shape::Unlimited, 300_000);
    let ledger = outcome.report.ledger;
    assert_eq!((ledger.scheduled, ledger.verified), (300_000, 300_000), "{ledger:?}");
    assert_eq!(outcome.report.latency_us.slip, None, "unlimited events have no due time");
}
