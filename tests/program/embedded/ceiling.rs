//! `--max-rate`: one event a period, answers served in between, and a wait that is nobody's fault.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use loadgen::clock::{Monotonic, Nanos};
use loadgen::kafka::native::Producer;
use loadgen::kafka::{Code, Notice, Report};
use loadgen::publish::null::Null;
use loadgen::publish::{Batch, Handed, Publisher};
use loadgen::run::wiring::Wiring;
use loadgen::run::{Config, Interrupts, Outcome, Tick, run_through};
use loadgen::schedule::{Phase, Rate, Schedule, Shape};

use super::plain::{config, synthetic};

/// What lanes do, in the order in which they do it.
#[derive(Clone, Default)]
struct Seen {
    /// The most events that were handed over at once, or without a look at the answers in between.
    unserved: Arc<AtomicU64>,
}

/// Confirms everything at once, and counts what is handed over between two looks at the answers.
struct Watched {
    null: Null,
    since_served: u64,
    seen: Seen,
}

impl Publisher for Watched {
    fn send(&mut self, batch: &Batch, refused: &mut Vec<(usize, Code)>) -> Handed {
        let handed = self.null.send(batch, refused);
        self.since_served += handed.done as u64;
        self.seen.unserved.fetch_max(self.since_served, Ordering::Relaxed);
        handed
    }

    fn serve(&mut self, wait: Duration, reports: &mut Vec<Report>, notices: &mut Vec<Notice>) {
        self.since_served = 0;
        self.null.serve(wait, reports, notices);
    }

    fn purge(&mut self) {}
}

impl Wiring for Seen {
    type Publisher = Watched;
    type Clock = Monotonic;

    fn publisher(&self, _lane: u16, _producer: Producer) -> Watched {
        Watched { null: Null::default(), since_served: 0, seen: self.clone() }
    }

    fn clock(&self, clock: Monotonic) -> Monotonic {
        clock
    }
}

fn of_rate(rate: u64) -> Shape {
    Shape::Constant(Rate::per_second(rate).unwrap())
}

/// A run under a ceiling of so many events a second, that is interrupted at its first row where that is wanted.
fn capped(ceiling: u64, lanes: u16, phases: Vec<Phase>, limit: Option<u64>, interrupted: bool) -> (Outcome, Seen) {
    let (interrupts, seen) = (Interrupts::default(), Seen::default());
    let mut config = Config { verify: None, ..config(lanes) };
    config.lateness.max_rate = Rate::per_second(ceiling);
    let schedule = Schedule::new(phases, limit).unwrap();
    let outcome = run_through(&seen, &config, &synthetic(), schedule, &interrupts, &mut |_: &Tick<'_>| {
        if interrupted && interrupts.count() == 0 {
            interrupts.raise();
        }
        ControlFlow::Continue(())
    });
    (outcome.unwrap(), seen)
}

#[test]
fn events_below_a_ceiling_go_one_by_one_and_slip_says_what_held_them_back() {
    let (outcome, seen) = capped(500, 2, vec![Phase::new("main", of_rate(4_000), None)], Some(400), false);
    assert_eq!(seen.unserved.load(Ordering::Relaxed), 1, "answers are looked at between any two events");
    let report = outcome.report;
    assert_eq!((report.ledger.unverified, outcome.cluster_error), (400, None), "{:?}", report.ledger);
    // No two within a period: 399 periods at least, whatever the machine does.
    assert!(report.run.measured_s >= 399.0 / 500.0, "{} s", report.run.measured_s);
    let latency = &report.latency_us;
    let mean = |summary: Option<loadgen::report::LatencySummary>| summary.unwrap().mean.unwrap();
    let parts = mean(latency.lateness) + mean(latency.blocked) + mean(latency.capped);
    // Each is rounded down to a microsecond, and kept to three digits.
    assert!((mean(latency.slip) - parts).abs() <= 3.0 + mean(latency.slip) / 500.0, "{latency:?}");
    assert_eq!(latency.capped.unwrap().count, 400);
    assert!(report.offered.capped_s > 0.0, "{:?}", report.offered);
}

#[test]
fn an_interrupt_is_heard_below_a_ceiling_and_what_came_due_is_counted_by_phase() {
    let shapes = [of_rate(200_000), of_rate(50_000), of_rate(1_000_000)];
    let lasts = [Some(300), Some(200), None].map(|ms| ms.map(Nanos::from_millis));
    let phases: Vec<Phase> = ["a", "b", "c"]
        .into_iter()
        .zip(shapes)
        .zip(lasts)
        .map(|((name, of), lasts)| Phase::new(name, of, lasts))
        .collect();
    let (outcome, _) = capped(2, 3, phases, None, true);
    let report = outcome.report;
    assert!(outcome.interrupted && report.ledger.sums(), "{:?}", report.ledger);
    let sent = report.ledger.unverified;
    // Two a second, and one at the beginning.
    let at_most = 2.0 * (report.run.measured_s + 1.0);
    assert!(u32::try_from(sent).is_ok_and(|sent| f64::from(sent) <= at_most), "{sent} in {} s", report.run.measured_s);
    assert_eq!(report.ledger.scheduled, sent + report.ledger.not_attempted);
    let by_phase: Vec<u64> = report.phases.iter().map(|phase| phase.ledger.scheduled).collect();
    assert_eq!(by_phase[..2], [60_000, 10_000], "{by_phase:?}");
    assert_eq!(by_phase.iter().sum::<u64>(), report.ledger.scheduled);
    let told: u64 = report.timeline.iter().map(|row| row.scheduled).sum();
    assert_eq!(told, report.ledger.scheduled, "the lanes count what the schedule says was due before the stop");
}
