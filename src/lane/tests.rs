use super::write::body_time;
use super::*;
use crate::clock::Manual;
use crate::control::{Control, Traffic};
use crate::event::encode::Encoder;
use crate::event::rollout::Rollout;
use crate::event::stamp::RunId;
use crate::kafka::slots::Slots;
use crate::kafka::{Answer, Remedy, TransactionError};
use crate::ledger::Ledger;
use crate::measure::{Kind, Recorder};
use crate::publish::Handed;
use crate::schedule::{Phase, Rate, Schedule, Shape};
use crate::settings::recording::EventTime;
use crate::settings::run::Patience;
use crate::shop::{Detail, Event, UserId};
use crate::source::Source;
use crate::source::synthetic::{Config, Synthetic};
use std::sync::Arc;

/// A broker that answers nothing until `answers_at`, and commits nothing until `commits_at`. The clock moves on by each wait, and
/// once jumps, as for a process that is stopped.
#[derive(Debug, Default)]
struct Slow {
    clock: Manual,
    answers_at: Nanos,
    commits_at: Nanos,
    stopped: Option<(Nanos, Nanos)>,
    waiting: Vec<Report>,
    ledger: Option<Arc<Ledger>>,
    /// Events that the lane had drawn when answers were last waited for.
    drawn: u64,
}

impl Slow {
    /// Waits. True where this process was stopped meanwhile.
    fn wait(&mut self, wait: Duration) -> bool {
        self.clock.advance(wait.into());
        let stopped = self.stopped.take_if(|(at, _)| self.clock.now() >= *at);
        stopped.map(|(_, length)| self.clock.advance(length)).is_some()
    }

    fn end(&mut self, wait: Duration) -> Result<(), TransactionError> {
        if !self.wait(wait) && self.clock.now() >= self.commits_at {
            return Ok(());
        }
        Err(TransactionError { code: Code::OperationTimedOut, text: "not yet".to_owned(), remedy: Remedy::Again })
    }
}

impl Publisher for Slow {
    fn send(&mut self, batch: &Batch, _refused: &mut Vec<(usize, Code)>) -> Handed {
        let report =
            |entry: &Entry| Report { ticket: entry.ticket, partition: 0, offset: Some(0), answer: Answer::Acked };
        self.waiting.extend(batch.rest().map(report));
        Handed { done: batch.rest().len(), full: false, halted: false }
    }
    fn serve(&mut self, wait: Duration, reports: &mut Vec<Report>, _notices: &mut Vec<Notice>) {
        if !self.waiting.is_empty() {
            self.drawn = self.ledger.as_ref().and_then(|ledger| ledger.lane(0)).unwrap().drawn();
        }
        if !self.wait(wait) && self.clock.now() >= self.answers_at {
            reports.append(&mut self.waiting);
        }
    }
    fn purge(&mut self) {}
    fn hasten(&mut self, wait: Duration) {
        self.wait(wait);
    }
    fn begin(&mut self) -> Result<(), TransactionError> {
        Ok(())
    }
    fn commit(&mut self, wait: Duration) -> Result<(), TransactionError> {
        self.end(wait)
    }
    fn abort(&mut self, wait: Duration) -> Result<(), TransactionError> {
        self.end(wait)
    }
}

/// What becomes of ten events of a lane that waits 5 s for answers, as `how` changes its setup.
fn send_ten(mut slow: Slow, how: impl FnOnce(&mut Setup)) -> (LaneEnd, Recorder, Slow) {
    let clock = Manual::new();
    let source = Source::Synthetic(Arc::new(Synthetic::new(&Config::default(), 7).unwrap()));
    let phase = Phase::new("constant", Shape::Constant(Rate::per_second(1_000).unwrap()), None);
    let recorder = Recorder::new(1, 7, 1);
    let mut setup = Setup {
        number: 0,
        room: u64::MAX,
        source: source.lane(0, 1).unwrap(),
        schedule: Arc::new(Schedule::new(vec![phase], Some(10)).unwrap()),
        teller: source.teller(),
        encoder: Encoder::new(RunId(5), 0, Arc::new(crate::shop::catalogue().unwrap())),
        headers: Arc::default(),
        rollout: Rollout::default(),
        recorder: recorder.clone(),
        control: Arc::new(Control::default()),
        traffic: Arc::new(Traffic::new(1, None)),
        slots: Arc::new(Slots::of_one("t", 1)),
        java_placed: true,
        pacing: Pacing::Sleep,
        event_time: EventTime::Now,
        late: crate::source::Late::default(),
        lateness: Lateness::default(),
        ceiling: None,
        patience: Patience { flush_deadline: Duration::from_secs(5), stall_threshold: Duration::MAX },
        transactions: None,
        queue: usize::MAX,
        remember: 0,
        answers: None,
        unstamped: None,
    };
    how(&mut setup);
    let ledger = Arc::new(Ledger::new(0, 1, false));
    (slow.clock, slow.ledger) = (clock.clone(), Some(ledger.clone()));
    let lane = Lane::new(setup, ledger.lane(0).unwrap(), slow, clock, Anchor::at_unix_ns(1_700_000_000_000_000_000));
    let (end, slow) = lane.run();
    (end, recorder, slow)
}

/// Stopped for ten minutes, after 2 s.
const STOPPED: Option<(Nanos, Nanos)> = Some((Nanos::from_secs(2), Nanos::from_secs(600)));

#[test]
fn answers_are_waited_for_as_long_as_this_process_runs() {
    let unanswered = |answers_at, stopped| {
        let slow = Slow { answers_at: Nanos::from_secs(answers_at), stopped, ..Slow::default() };
        send_ten(slow, |_| {}).0.unanswered
    };
    assert_eq!(unanswered(4, None), 0);
    assert_eq!(unanswered(9, None), 10, "the cluster has had its 5 s");
    assert_eq!(unanswered(603, STOPPED), 0, "of which it was not asked for ten minutes");
    assert_eq!(unanswered(609, STOPPED), 10);
}

#[test]
fn the_end_of_a_transaction_is_waited_for_as_long_as_this_process_runs() {
    let of = |answers_at, commits_at, abort_share, stopped| {
        let at = Nanos::from_secs;
        let slow = Slow { answers_at: at(answers_at), commits_at: at(commits_at), stopped, ..Slow::default() };
        let (open_at_most, reads_uncommitted) = (Nanos::from_secs(3_600), false);
        let plan = TransactionPlan { size: 10, abort_share, seed: 1, open_at_most, reads_uncommitted };
        let (_, recorder, _) = send_ten(slow, |setup| setup.transactions = Some(plan));
        let shard = recorder.open();
        assert!(shard.waited < Nanos::from_secs(10), "the cluster kept nobody waiting for {}", shard.waited);
        let counts = &shard.transactions;
        (counts.committed, counts.aborted, counts.failed, counts.unknown)
    };
    assert_eq!(of(0, 4, 0.0, None), (1, 0, 0, 0));
    assert_eq!(of(0, 9, 0.0, None), (0, 0, 0, 1), "the cluster has had its 5 s");
    for (answers_at, commits_at) in [(0, 604), (603, 603), (603, 604)] {
        assert_eq!(of(answers_at, commits_at, 0.0, STOPPED), (1, 0, 0, 0), "{answers_at} and {commits_at}");
        assert_eq!(of(answers_at, commits_at, 1.0, STOPPED), (0, 1, 0, 0), "{answers_at} and {commits_at}");
    }
    assert_eq!(of(0, 609, 0.0, STOPPED), (0, 0, 0, 1));
    assert_eq!(of(609, 0, 0.0, STOPPED), (0, 0, 1, 0), "no delivery report in 5 s: it is aborted");
}

#[test]
fn what_is_never_sent_is_counted_when_all_answers_are_in() {
    let slow = Slow { answers_at: Nanos::from_secs(4), ..Slow::default() };
    let (end, recorder, slow) = send_ten(slow, |setup| {
        setup.queue = 3;
        setup.control.stop_at(Nanos::from_secs(1));
    });
    assert_eq!((end.unanswered, recorder.open().acked, slow.drawn), (0, 3, 3));
    assert_eq!(slow.ledger.unwrap().lane(0).unwrap().drawn(), 10);
}

#[test]
fn a_stop_of_this_process_is_no_wait_for_room() {
    let (_, recorder, _) =
        send_ten(Slow { answers_at: Nanos::from_secs(603), stopped: STOPPED, ..Slow::default() }, |setup| {
            setup.queue = 5;
        });
    let shard = recorder.open();
    assert!(shard.blocked > Nanos::from_secs(2) && shard.blocked < Nanos::from_secs(4), "{}", shard.blocked);
    let longest = |kind| shard.phases[0].latency(kind).summary().max.unwrap();
    assert!(longest(Kind::Blocked) < 5_000_000 && longest(Kind::Lateness) >= 595_000_000, "it is this process's own");
}

#[test]
fn a_shifted_time_is_the_due_time_where_the_recording_sets_the_pace() {
    let detail = Detail::Inventory { available: true };
    let event = crate::source::Event::Shop(Event { user: UserId(1), recorded_ms: Some(1_433_221_332_117), detail });
    let drawn = Drawn { number: 7, recorded_offset: Nanos::from_secs(1_000), event };
    let anchor = Anchor::at_unix_ns(5_000_000_000);
    // At 100 times the recorded speed it is due 10 s after the start.
    let of = |time, follows| body_time(time, anchor, &drawn, 15_000_000_000, follows);
    assert_eq!([of(EventTime::Shifted, true), of(EventTime::Shifted, false)], [15_000, 1_005_000]);
    assert_eq!([of(EventTime::Recorded, true), of(EventTime::Now, true)], [1_433_221_332_117, 15_000]);
}
