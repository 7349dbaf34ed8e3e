//! How transactions can end, against the embedded broker: what each end proves of the events in it.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::ops::ControlFlow;
use std::time::Duration;

use crate::embedded::plain::{self, synthetic};
use loadgen::clock::Monotonic;
use loadgen::event::stamp::RunId;
use loadgen::gate::Gates;
use loadgen::kafka::native::Producer;
use loadgen::kafka::{Answer, Code, Notice, Remedy, Report, TransactionError};
use loadgen::lane::TransactionPlan;
use loadgen::ledger::answers::{Answered, Line, head, read};
use loadgen::ledger::class as ledger;
use loadgen::publish::{Batch, Handed, Publisher};
use loadgen::report::AbortCause;
use loadgen::run::wiring::Wiring;
use loadgen::run::{Config, Interrupts, Outcome, run, run_through};
use loadgen::schedule::{Phase, Rate, Schedule, Shape};
use loadgen::settings::transactions::Transactions;
use loadgen::verdict::{Conditions, judge};
use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

const EVENTS: u64 = 1_000;
const SIZE: usize = 50;

fn config(abort_share: f64) -> Config {
    let mut config = plain::config(1);
    config.id = RunId(rand::random());
    config.kafka.client.insert("delivery.timeout.ms".to_owned(), "10000".to_owned());
    config.transactions = Some(Transactions { size: SIZE, abort_rate: abort_share });
    config.patience.flush_deadline = Duration::from_secs(3);
    config
}

fn schedule() -> Schedule {
    let shape = Shape::Constant(Rate::per_second(1_000).unwrap());
    Schedule::new(vec![Phase::new("main", shape, None)], Some(EVENTS)).unwrap()
}

/// A run on a mock cluster that answers the next requests of that kind with these errors.
fn on_mock(abort_share: f64, kind: RDKafkaApiKey, errors: &[RDKafkaRespErr]) -> Outcome {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("raw-events", 3, 1).unwrap();
    cluster.request_errors(kind, errors);
    let bootstrap = Some(cluster.bootstrap_servers());
    // The mock cluster does not tell a topic's settings, which is waited for that long.
    let mut config = config(abort_share);
    (config.kafka.bootstrap, config.kafka.connect_timeout) = (bootstrap, Duration::from_secs(3));
    run(&config, &synthetic(), schedule(), &Interrupts::default(), &mut |_| ControlFlow::Continue(())).unwrap()
}

/// What a publisher does instead of what it is asked.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    None,
    CommitSilent,
    CommitDemandsAbort,
    AbortSilent,
    /// The delivery of one event of the third transaction is not known.
    NotDelivered,
}

struct Troubled(Trouble);

impl Wiring for Troubled {
    type Publisher = TroubledPublisher;
    type Clock = Monotonic;

    fn publisher(&self, _lane: u16, producer: Producer) -> TroubledPublisher {
        TroubledPublisher { trouble: self.0, producer, begun: 0 }
    }

    fn clock(&self, clock: Monotonic) -> Monotonic {
        clock
    }
}

struct TroubledPublisher {
    trouble: Trouble,
    producer: Producer,
    begun: u32,
}

fn error(remedy: Remedy) -> Result<(), TransactionError> {
    Err(TransactionError { code: Code::OperationTimedOut, text: "as the test wants it".to_owned(), remedy })
}

impl Publisher for TroubledPublisher {
    fn send(&mut self, batch: &Batch, refused: &mut Vec<(usize, Code)>) -> Handed {
        self.producer.send(batch, refused)
    }

    fn serve(&mut self, wait: Duration, reports: &mut Vec<Report>, notices: &mut Vec<Notice>) {
        let before = reports.len();
        Publisher::serve(&mut self.producer, wait, reports, notices);
        if matches!(self.trouble, Trouble::NotDelivered)
            && self.begun == 3
            && let Some(report) = reports.get_mut(before)
        {
            report.answer = Answer::Unanswered(Code::MessageTimedOut);
            self.trouble = Trouble::None;
        }
    }

    fn purge(&mut self) {
        Publisher::purge(&mut self.producer);
    }

    fn begin(&mut self) -> Result<(), TransactionError> {
        self.begun += 1;
        Publisher::begin(&mut self.producer)
    }

    fn hasten(&mut self, wait: Duration) {
        Publisher::hasten(&mut self.producer, wait);
    }

    fn commit(&mut self, wait: Duration) -> Result<(), TransactionError> {
        match self.trouble {
            Trouble::CommitSilent => error(Remedy::Again),
            Trouble::CommitDemandsAbort => error(Remedy::Abort),
            _ => Publisher::commit(&mut self.producer, wait),
        }
    }

    fn abort(&mut self, wait: Duration) -> Result<(), TransactionError> {
        match self.trouble {
            Trouble::AbortSilent => error(Remedy::Again),
            _ => Publisher::abort(&mut self.producer, wait),
        }
    }
}

/// What is written down of a run that reads nothing back.
fn written_down(trouble: Trouble, abort_share: f64) -> Vec<Answered> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answers");
    let config = Config { verify: None, answers: Some(path.clone()), ..config(abort_share) };
    run_with(&config, trouble);
    assert!(head(&path).unwrap().transactional);
    let mut all = Vec::new();
    read(&path, &mut |line| {
        if let Line::Answers(answers) = line {
            all.extend(answers.each().unwrap());
        }
        Ok(())
    })
    .unwrap();
    all
}

fn troubled(trouble: Trouble, abort_share: f64) -> Outcome {
    run_with(&config(abort_share), trouble)
}

fn run_with(config: &Config, trouble: Trouble) -> Outcome {
    let going_on = &mut |_: &loadgen::run::Tick<'_>| ControlFlow::Continue(());
    let wiring = Troubled(trouble);
    let outcome = run_through(&wiring, config, &synthetic(), schedule(), &Interrupts::default(), going_on).unwrap();
    assert!(outcome.report.ledger.sums(), "{:?}", outcome.report.ledger);
    outcome
}

/// Why transactions had to be aborted.
fn failed_by(outcome: &Outcome) -> Vec<AbortCause> {
    outcome.report.transactions.clone().unwrap().failed_by
}

/// The events of the transactions that the plan aborts.
fn planned_to_abort(share: f64) -> u64 {
    let plan = TransactionPlan {
        size: SIZE,
        abort_share: share,
        seed: 1,
        open_at_most: loadgen::clock::Nanos::MAX,
        reads_uncommitted: true,
    };
    (0..EVENTS / SIZE as u64).filter(|number| plan.aborts(0, *number)).count() as u64 * SIZE as u64
}

#[test]
fn committed_events_are_verified_and_aborted_ones_are_those_of_the_plan() {
    let outcome = troubled(Trouble::None, 0.3);
    let (ledger, aborted) = (outcome.report.ledger, planned_to_abort(0.3));
    assert!(aborted > 0 && aborted < EVENTS);
    // The embedded broker hides nothing.
    assert_eq!((ledger.verified, ledger.aborted_seen, ledger.aborted), (EVENTS - aborted, aborted, 0), "{ledger:?}");
    let transactions = outcome.report.transactions.unwrap().counts;
    let by_end = (transactions.begun, transactions.committed, transactions.aborted, transactions.failed);
    let size = SIZE as u64;
    assert_eq!(by_end, (EVENTS / size, (EVENTS - aborted) / size, aborted / size, 0), "{transactions:?}");
    let latencies = outcome.report.latency_us;
    assert_eq!(latencies.commit_time.unwrap().count, EVENTS - aborted);
    assert_eq!(latencies.commit_call.unwrap().count, transactions.committed);
    assert_eq!(latencies.response_time.count, EVENTS, "each was delivered");
}

#[test]
fn a_commit_without_an_answer_leaves_its_events_unanswered_and_ends_the_run() {
    let outcome = troubled(Trouble::CommitSilent, 0.0);
    let ledger = outcome.report.ledger;
    let first = SIZE as u64;
    assert_eq!((ledger.unknown_seen, ledger.verified, ledger.aborted_seen), (first, 0, 0), "{ledger:?}");
    assert_eq!(ledger.not_attempted, ledger.scheduled - first, "nothing is sent after it: {ledger:?}");
    let reason = outcome.cluster_error.unwrap();
    assert!(reason.starts_with("the transactional producer cannot go on: "), "{reason}");
    assert_eq!(outcome.report.transactions.unwrap().counts.unknown, 1);
    assert_eq!(outcome.report.latency_us.commit_time.unwrap().censored, first);
}

#[test]
fn an_abort_after_a_commit_was_asked_for_proves_nothing() {
    let outcome = troubled(Trouble::CommitDemandsAbort, 0.0);
    let ledger = outcome.report.ledger;
    assert_eq!((ledger.unknown_seen, ledger.aborted, ledger.aborted_seen), (EVENTS, 0, 0), "{ledger:?}");
    assert_eq!(outcome.cluster_error, None, "the next transaction can begin");
    assert_eq!(outcome.report.transactions.unwrap().counts.unknown, EVENTS / SIZE as u64);
}

#[test]
fn an_abort_without_an_answer_is_no_abort() {
    let outcome = troubled(Trouble::AbortSilent, 1.0);
    let ledger = outcome.report.ledger;
    assert_eq!((ledger.unknown_seen, ledger.aborted_seen), (SIZE as u64, 0), "{ledger:?}");
    assert!(outcome.cluster_error.is_some());
}

#[test]
fn a_transaction_of_which_an_event_was_not_delivered_is_aborted_and_the_run_goes_on() {
    let outcome = troubled(Trouble::NotDelivered, 0.0);
    let ledger = outcome.report.ledger;
    let transactions = outcome.report.transactions.clone().unwrap().counts;
    assert_eq!((transactions.failed, transactions.unknown, transactions.aborted), (1, 0, 0), "{transactions:?}");
    let causes = failed_by(&outcome);
    assert_eq!(
        (causes.len(), causes[0].error.as_str(), causes[0].transactions),
        (1, "_MSG_TIMED_OUT", 1),
        "{causes:?}"
    );
    assert_eq!(ledger.aborted_seen + ledger.aborted, transactions.failed_events, "{ledger:?}");
    assert_eq!(ledger.verified, EVENTS - transactions.failed_events, "{ledger:?}");
}

#[test]
fn a_producer_id_that_the_coordinator_no_longer_knows_is_named_and_fails_the_run() {
    let unknown = RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING;
    let outcome = on_mock(0.0, RDKafkaApiKey::AddPartitionsToTxn, &[unknown]);
    let causes = failed_by(&outcome);
    assert_eq!(causes[0].error, "INVALID_PRODUCER_ID_MAPPING", "{causes:?}");
    assert!(causes[0].words.contains("producer id"), "{causes:?}");
    let mut report = outcome.report;
    let gates = Gates::default();
    report.gates = gates.evaluate(&report);
    let verdict = judge(&report, &gates, &Conditions::default());
    let failed = verdict.reasons.iter().find(|reason| reason.contains("(no_forced_aborts)")).unwrap();
    assert!(failed.contains("had to be aborted against the plan: by INVALID_PRODUCER_ID_MAPPING"), "{failed}");
    assert_ne!(verdict.code, 0);
}

#[test]
fn a_commit_that_its_coordinator_cannot_take_yet_is_asked_for_again() {
    let errors = [
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS,
    ];
    let outcome = on_mock(0.0, RDKafkaApiKey::EndTxn, &errors);
    let ledger = outcome.report.ledger;
    assert_eq!((ledger.verified, ledger.scheduled), (EVENTS, EVENTS), "{ledger:?}");
}

#[test]
fn a_fenced_producer_leaves_its_events_unanswered_and_ends_the_run() {
    let outcome = on_mock(0.0, RDKafkaApiKey::EndTxn, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_PRODUCER_FENCED]);
    let ledger = outcome.report.ledger;
    assert!(ledger.sums());
    assert_eq!((ledger.unknown_seen, ledger.verified, ledger.aborted_seen), (SIZE as u64, 0, 0), "{ledger:?}");
    let reason = outcome.cluster_error.unwrap();
    assert!(reason.contains("fenced") || reason.contains("Fenced"), "{reason}");
}

#[test]
fn an_event_that_the_broker_refuses_takes_its_transaction_with_it() {
    let outcome = on_mock(0.0, RDKafkaApiKey::Produce, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE]);
    let ledger = outcome.report.ledger;
    assert!(ledger.sums() && ledger.refused > 0, "{ledger:?}");
    let transactions = outcome.report.transactions.clone().unwrap().counts;
    // The client gives itself another epoch afterwards, which may cost it a second one.
    assert!(transactions.failed >= 1 && transactions.unknown == 0, "{transactions:?}");
    let aborted = ledger.aborted + ledger.aborted_seen;
    assert_eq!(aborted, transactions.failed_events, "{ledger:?}");
    assert_eq!(ledger.verified, EVENTS - aborted - ledger.refused, "{ledger:?}");
    assert_eq!(failed_by(&outcome)[0].error, "MESSAGE_TOO_LARGE");
}

#[test]
fn what_became_of_each_transaction_is_written_down_for_a_reader_elsewhere() {
    let kinds = |events: &[Answered]| {
        let count = |answer, aborted, placed| {
            let is_one =
                |event: &&Answered| (event.answer, event.aborted, event.place.is_some()) == (answer, aborted, placed);
            events.iter().filter(is_one).count() as u64
        };
        let (committed, aborted, unknown) = (
            count(ledger::Answer::Acked, false, true),
            count(ledger::Answer::Unanswered, true, false),
            count(ledger::Answer::Unanswered, false, false),
        );
        (committed, aborted, unknown, count(ledger::Answer::NotHanded, false, false))
    };
    let planned = planned_to_abort(0.3);
    let events = written_down(Trouble::None, 0.3);
    assert_eq!(kinds(&events), (EVENTS - planned, planned, 0, 0));
    let first = SIZE as u64;
    for trouble in [Trouble::CommitSilent, Trouble::CommitDemandsAbort] {
        let events = written_down(trouble, 0.0);
        let unknown = if matches!(trouble, Trouble::CommitSilent) { first } else { EVENTS };
        assert_eq!(kinds(&events), (0, 0, unknown, events.len() as u64 - unknown), "{trouble:?}");
    }
    let events = written_down(Trouble::AbortSilent, 1.0);
    assert_eq!(kinds(&events), (0, 0, first, events.len() as u64 - first), "an abort without an answer");
    let (committed, aborted, unknown, rest) = kinds(&written_down(Trouble::NotDelivered, 0.0));
    assert!(aborted > 0 && aborted <= first, "{aborted}");
    assert_eq!((committed, unknown, rest), (EVENTS - aborted, 0, 0));
}
