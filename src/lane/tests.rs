use super::*;
use crate::clock::Manual;
use crate::control::{Control, Traffic};
use crate::event::encode::Encoder;
use crate::event::stamp::RunId;
use crate::event::{Detail, Event, UserId};
use crate::kafka::slots::Slots;
use crate::kafka::{Answer, TransactionError};
use crate::ledger::Ledger;
use crate::measure::Recorder;
use crate::publish::Handed;
use crate::schedule::{Phase, Rate, Schedule, Shape};
use crate::settings::run::Patience;
use crate::source::Source;
use crate::source::synthetic::{Config, Synthetic};
use std::sync::Arc;

/// A broker that answers nothing until `answers_at`. The clock moves on by each wait, and once jumps, as for a process that is stopped.
#[derive(Debug)]
struct Slow {
    clock: Manual,
    answers_at: Nanos,
    stopped: Option<(Nanos, Nanos)>,
    waiting: Vec<Report>,
}

impl Publisher for Slow {
    fn send(&mut self, batch: &Batch, _refused: &mut Vec<(usize, Code)>) -> Handed {
        let rest = batch.rest();
        let report =
            |entry: &Entry| Report { ticket: entry.ticket, partition: 0, offset: Some(0), answer: Answer::Acked };
        self.waiting.extend(rest.iter().map(report));
        Handed { done: rest.len(), full: false, halted: false }
    }
    fn serve(&mut self, wait: Duration, reports: &mut Vec<Report>, _notices: &mut Vec<Notice>) {
        self.clock.advance(wait.into());
        if let Some((_, length)) = self.stopped.take_if(|(at, _)| self.clock.now() >= *at) {
            self.clock.advance(length);
        } else if self.clock.now() >= self.answers_at {
            reports.append(&mut self.waiting);
        }
    }
    fn purge(&mut self) {}
    fn begin(&mut self) -> Result<(), TransactionError> {
        Ok(())
    }
    fn commit(&mut self, _wait: Duration) -> Result<(), TransactionError> {
        Ok(())
    }
    fn abort(&mut self, _wait: Duration) -> Result<(), TransactionError> {
        Ok(())
    }
}

/// How many of ten events are left without an answer by a lane whose flush deadline is 5 s.
fn unanswered(answers_at: Nanos, stopped: Option<(Nanos, Nanos)>) -> u64 {
    let clock = Manual::new();
    let source = Source::Synthetic(Arc::new(Synthetic::new(&Config::default(), 7).unwrap()));
    let phase = Phase::new("constant", Shape::Constant(Rate::per_second(1_000).unwrap()), None);
    let setup = Setup {
        number: 0,
        room: u64::MAX,
        source: source.lane(0, 1).unwrap(),
        schedule: Arc::new(Schedule::new(vec![phase], Some(10)).unwrap()),
        encoder: Encoder::new(RunId(5), 0, source.vocabulary()),
        recorder: Recorder::new(1, 1),
        control: Arc::new(Control::default()),
        traffic: Arc::new(Traffic::new(1, None)),
        slots: Arc::new(Slots::of_one("t", 1)),
        java_placed: true,
        pacing: Pacing::Sleep,
        event_time: EventTime::Now,
        lateness: Lateness::default(),
        ceiling: None,
        patience: Patience { flush_deadline: Duration::from_secs(5), stall_threshold: Duration::MAX },
        transactions: None,
        queue: usize::MAX,
        remember: 0,
        answers: None,
    };
    let ledger = Ledger::new(0, 1, false);
    let slow = Slow { clock: clock.clone(), answers_at, stopped, waiting: Vec::new() };
    let lane = Lane::new(setup, ledger.lane(0).unwrap(), slow, clock, Anchor::at_unix_ns(1_700_000_000_000_000_000));
    lane.run().0.unanswered
}

#[test]
fn answers_are_waited_for_as_long_as_this_process_runs() {
    assert_eq!(unanswered(Nanos::from_secs(4), None), 0);
    assert_eq!(unanswered(Nanos::from_secs(9), None), 10, "the cluster has had its 5 s");
    let stopped = Some((Nanos::from_secs(2), Nanos::from_secs(600)));
    assert_eq!(unanswered(Nanos::from_secs(603), stopped), 0, "of which it was not asked for ten minutes");
    assert_eq!(unanswered(Nanos::from_secs(609), stopped), 10);
}

#[test]
fn a_shifted_time_is_the_due_time_where_the_recording_sets_the_pace() {
    let detail = Detail::Inventory { available: true };
    let event = Event { user: UserId(1), recorded_ms: Some(1_433_221_332_117), detail };
    let drawn = Drawn { number: 7, recorded_offset: Nanos::from_secs(1_000), event };
    let anchor = Anchor::at_unix_ns(5_000_000_000);
    // At 100 times the recorded speed it is due 10 s after the start.
    let of = |time, follows| body_time(time, anchor, &drawn, 15_000_000_000, follows);
    assert_eq!([of(EventTime::Shifted, true), of(EventTime::Shifted, false)], [15_000, 1_005_000]);
    assert_eq!([of(EventTime::Recorded, true), of(EventTime::Now, true)], [1_433_221_332_117, 15_000]);
}
