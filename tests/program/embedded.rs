//! Whole runs against the embedded broker.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod ceiling;
pub(crate) mod plain;

use std::ops::ControlFlow;
use std::thread;
use std::time::Duration;

use loadgen::clock::Monotonic;
use loadgen::clock::Nanos;
use loadgen::kafka::native::Producer;
use loadgen::kafka::{Code, Notice, Report};
use loadgen::publish::null::Null;
use loadgen::publish::{Batch, Handed, Publisher};
use loadgen::run::wiring::{Nowhere, Wiring};
use loadgen::run::{Config, Interrupts, Outcome, RunError, Tick, run, run_through};
use loadgen::schedule::{Phase, Rate, Schedule, Shape};
use plain::{config, synthetic};
use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

/// A run against a mock cluster that answers the first produce request of the run's second second with `error`.
fn run_with_error(error: RDKafkaRespErr) -> Outcome {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("raw-events", 3, 1).unwrap();
    let mut config = config(1);
    config.kafka.bootstrap = Some(cluster.bootstrap_servers());
    let shape = Shape::Constant(Rate::per_second(500).unwrap());
    let schedule = Schedule::new(vec![Phase::new("main", shape, None)], Some(1_000_000)).unwrap();
    let mut injected = false;
    let outcome = run(&config, &synthetic(), schedule, &Interrupts::default(), &mut |_| {
        if !std::mem::replace(&mut injected, true) {
            cluster.request_errors(RDKafkaApiKey::Produce, &[error]);
        }
        ControlFlow::Continue(())
    });
    outcome.unwrap()
}

fn synthetic_run(config: &Config, shape: Shape, limit: u64) -> Outcome {
    let schedule = Schedule::new(vec![Phase::new("main", shape, None)], Some(limit)).unwrap();
    run(config, &synthetic(), schedule, &Interrupts::default(), &mut |_| ControlFlow::Continue(())).unwrap()
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

/// All of a run happens after its zero: no event is there in no time at all.
#[test]
fn the_first_event_is_neither_sent_nor_seen_before_it_is_due() {
    let outcome = synthetic_run(&config(2), Shape::Constant(Rate::per_second(200).unwrap()), 40);
    let latency = &outcome.report.latency_us;
    assert!(latency.end_to_end.unwrap().min > Some(0), "{latency:?}");
    assert!(latency.response_time.min > Some(0), "{latency:?}");
    assert_eq!(outcome.report.findings.negative_latency, 0);
}

#[test]
fn a_short_run_without_due_times_has_a_rate_that_can_be_true() {
    let schedule = Schedule::new(vec![Phase::new("main", Shape::Unlimited, None)], Some(5_000)).unwrap();
    let config = Config { verify: None, ..config(1) };
    let going_on = &mut |_: &Tick<'_>| ControlFlow::Continue(());
    let outcome = run_through(&Nowhere, &config, &synthetic(), schedule, &Interrupts::default(), going_on).unwrap();
    let (rate, measured_s) = (outcome.report.offered.achieved_rate_per_s, outcome.report.run.measured_s);
    assert_eq!(outcome.report.ledger.scheduled, 5_000);
    // No machine draws and encodes an event in 20 ns, and 5,000 of them take some time.
    assert!(rate > 0.0 && rate < 50e6 && measured_s > 0.0, "{rate}/s in {measured_s} s");
    assert!(rate * measured_s >= 4_999.0, "the last was sent {measured_s} s after zero, at {rate}/s");
}

#[test]
fn a_run_that_is_held_and_hurried_by_hand_sends_every_event_when_it_is_due_then() {
    let phase =
        |name: &str| Phase::new(name, Shape::Constant(Rate::per_second(1_000).unwrap()), Some(Nanos::from_secs(2)));
    let schedule = Schedule::new(vec![phase("first"), phase("second")], None).unwrap();
    let interrupts = Interrupts::default();
    let mut rows = 0;
    let outcome = run(&config(2), &synthetic(), schedule, &interrupts, &mut |tick| {
        rows += 1;
        match rows {
            1 => interrupts.set_percent(0),
            2 => interrupts.set_percent(200),
            _ => {}
        }
        assert!(tick.scheduled <= 4_000);
        ControlFlow::Continue(())
    });
    let report = outcome.unwrap().report;
    assert_eq!((report.ledger.scheduled, report.ledger.verified), (4_000, 4_000), "{:?}", report.ledger);
    assert!(report.ledger.sums() && report.findings.reordered == 0);
    for phase in &report.phases {
        // Lanes and verifier agree on the phase of every event, though it is not where the plan had it.
        let read = phase.latency_us.end_to_end.unwrap().count;
        assert_eq!((phase.ledger.scheduled, phase.latency_us.response_time.count, read), (2_000, 2_000, 2_000));
    }
    let changes = &report.run.rate_changes;
    assert_eq!(changes.iter().map(|change| change.percent).collect::<Vec<_>>(), [0, 200]);
    // The last event is due 3.999 s after the first by the plan: what was left of that at the hold took half as long.
    let last_due_s = changes[1].at_s + (3.999 - changes[0].at_s) / 2.0;
    assert!((as_f64(report.offered.due_span_ms) / 1e3 - last_due_s).abs() < 0.002, "{last_due_s} {:?}", report.offered);
    let planned = report.offered.rate_per_s.unwrap();
    assert!((planned - 3_999.0 / last_due_s).abs() < 1.0, "judged against what was planned then: {planned}");
    let marks: Vec<_> = report.timeline.iter().flat_map(|row| &row.marks).map(String::as_str).collect();
    assert_eq!(marks, ["held by hand", "let go on by hand at 200 % of the plan"]);
}

#[expect(clippy::cast_precision_loss, reason = "some thousand ms")]
fn as_f64(whole: u64) -> f64 {
    whole as f64
}

#[test]
fn the_embedded_brokers_small_log_never_loses_an_event() {
    let outcome = synthetic_run(&config(1), Shape::Unlimited, 300_000);
    let ledger = outcome.report.ledger;
    assert_eq!((ledger.scheduled, ledger.verified), (300_000, 300_000), "{ledger:?}");
    assert_eq!(outcome.report.latency_us.slip, None, "unlimited events have no due time");
}

#[test]
fn a_producer_that_fails_for_good_ends_the_run_with_the_reason() {
    // The head of the line out of sequence: client and broker disagree about what was written.
    let outcome = run_with_error(RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
    let error = outcome.cluster_error.unwrap();
    assert!(error.starts_with("the producer failed for good: "), "{error}");
    let ledger = outcome.report.ledger;
    assert!(ledger.sums(), "{ledger:?}");
    assert_eq!(ledger.lost, 0, "nothing proves a loss: {ledger:?}");
    assert!(ledger.verified > 0 && ledger.unknown_seen + ledger.unknown_unseen > 0, "{ledger:?}");
}

#[test]
fn a_right_to_write_that_is_withdrawn_ends_the_run_with_the_reason() {
    let outcome = run_with_error(RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    let error = outcome.cluster_error.unwrap();
    assert!(error.starts_with("writing to the topic is not allowed: "), "{error}");
    let ledger = outcome.report.ledger;
    assert!(ledger.sums() && ledger.refused > 0 && ledger.contradicted == 0, "{ledger:?}");
}

#[test]
fn a_run_without_due_times_ends_when_its_duration_is_over() {
    let source = synthetic();
    let phase = Phase::new("main", Shape::Unlimited, Some(loadgen::clock::Nanos::from_millis(300)));
    let schedule = Schedule::new(vec![phase], None).unwrap();
    let config = Config { verify: None, ..config(1) };
    let outcome = run(&config, &source, schedule, &Interrupts::default(), &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(outcome.report.offered.scheduled > 0);
    assert_eq!((outcome.ended_by, outcome.report.run.deadlines_reached), (None, Vec::new()));
}

#[test]
fn a_run_that_is_aborted_calls_no_event_lost_that_was_acked_after_the_verifier_ended() {
    for _ in 0..4 {
        let interrupts = Interrupts::default();
        let phase = Phase::new("x", Shape::Constant(Rate::per_second(200).unwrap()), None);
        let schedule = Schedule::new(vec![phase], Some(20_000)).unwrap();
        let outcome = thread::scope(|scope| {
            run(&config(1), &synthetic(), schedule, &interrupts, &mut |_| {
                interrupts.raise();
                // The second one comes while the lane waits for its last answers.
                scope.spawn(|| interrupts.raise());
                ControlFlow::Continue(())
            })
        });
        let report = outcome.unwrap().report;
        assert!(report.run.interrupted && report.ledger.verified > 0, "{:?}", report.ledger);
        assert_eq!((report.ledger.lost, report.findings.seen_then_gone), (0, 0), "{:?}", report.ledger);
    }
}

/// Sends nowhere, and panics in one of the lanes.
struct Breaking;

struct Breaks(Null, bool);

impl Publisher for Breaks {
    fn send(&mut self, batch: &Batch, refused: &mut Vec<(usize, Code)>) -> Handed {
        if std::mem::take(&mut self.1) {
            std::panic::resume_unwind(Box::new("broken"));
        }
        self.0.send(batch, refused)
    }

    fn serve(&mut self, wait: Duration, reports: &mut Vec<Report>, notices: &mut Vec<Notice>) {
        self.0.serve(wait, reports, notices);
    }

    fn purge(&mut self) {}
}

impl Wiring for Breaking {
    type Publisher = Breaks;
    type Clock = Monotonic;

    fn publisher(&self, lane: u16, _producer: Producer) -> Breaks {
        Breaks(Null::default(), lane == 1)
    }

    fn clock(&self, clock: Monotonic) -> Monotonic {
        clock
    }
}

#[test]
fn a_thread_that_panics_ends_the_run_at_once_and_leaves_what_was_recorded() {
    let config = Config { verify: None, ..config(3) };
    let shape = Shape::Constant(Rate::per_second(100).unwrap());
    // Without an end: the lanes that are left would go on for ever.
    let schedule = Schedule::new(vec![Phase::new("main", shape, None)], None).unwrap();
    let mut rows = 0;
    let ended = run_through(&Breaking, &config, &synthetic(), schedule, &Interrupts::default(), &mut |_| {
        rows += 1;
        ControlFlow::Continue(())
    });
    assert!(matches!(&ended, Err(RunError::BrokenOff(why)) if why.contains("lane")), "{ended:?}");
    assert!(rows > 0, "what was sent until then is told as a row");
}
