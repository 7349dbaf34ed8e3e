//! One run: prepare, send, watch, flush, drain, judge. What comes out is a [`RunReport`] without gates and verdict.

pub mod alone;
mod attribute;
mod availability;
mod client_errors;
mod clients;
mod config;
mod downstream;
mod ends;
mod error;
pub mod faults;
mod fidelity;
mod fraud;
mod group;
mod interrupts;
mod lag;
mod machine;
mod prepare;
mod restamped;
pub mod schemas;
mod sections;
#[cfg(test)]
mod simulation;
mod summary;
mod surroundings;
mod target;
mod threads;
mod tick;
mod topic_watch;
mod transactions;
mod watch;
pub mod wiring;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Scope};
use std::time::Duration;

use crate::clock::{self, Clock, Monotonic, Nanos, Zero};
use crate::control::Control;
use crate::lane::{self, Lane, LaneEnd};
use crate::ledger::Ledger;
use crate::measure::{Sampler, Shard, Stall};
use crate::publish::Publisher;
use crate::report::{Fidelity, RunReport};
pub use crate::schedule::Fault;
use crate::schedule::Schedule;
use crate::settings::recording::EventTime;
pub use crate::soak::timeline::Detail;
use crate::source::Source;
use crate::verify::book::RunBook;
use crate::verify::reader::Reader;
use crate::verify::{self, VerifierEnd};
pub use attribute::Unverified;
pub use config::{Config, Downstream, KafkaConfig, Lanes};
use downstream::{Auditor, Beside};
use ends::Ends;
pub use error::RunError;
pub use fraud::{Fraudulent, Woven};
pub use interrupts::Interrupts;
use prepare::{Prepared, RunVerifier};
pub use summary::begun;
pub use surroundings::tool;
use threads::{Release, Running, unless_broken};
pub use tick::{Stage, Tick};
use watch::{Load, Watch};
use wiring::{Direct, Wiring};

/// The time between "all threads stand ready" and the first due time.
const LEAD: Duration = Duration::from_millis(20);
/// How often the run looks at its state between two samples.
const GLANCE: Duration = Duration::from_millis(20);

/// Acked, unseen events remembered over all lanes; what goes beyond is unattributed.
const REMEMBERED: usize = 1_000_000;

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// All but gates and verdict.
    pub report: RunReport,
    /// Counters and histograms of the whole run.
    pub measured: Shard,
    /// Times in which partitions were silent, by partition.
    pub stalls: Vec<Stall>,
    /// The events that did not end verified, one by one; at most 100,000.
    pub unverified: Vec<Unverified>,
    /// What the cluster did that ended or spoiled the run.
    pub cluster_error: Option<String>,
    /// Whether it was ended by a request from outside.
    pub interrupted: bool,
    /// What else ended it before its end, in one sentence.
    pub ended_by: Option<String>,
    /// The file that it could not write to its end, and why.
    pub unwritten: Option<(PathBuf, std::io::Error)>,
    /// How faithful a replay with the recorded gaps was.
    pub fidelity: Option<Fidelity>,
    /// The fraud that was woven in.
    pub fraud: Option<Woven>,
}

/// The run's zero. Waits until it is near, so that an interruption is heard meanwhile.
fn zero(start_at_unix_ns: Option<u64>, interrupts: &Interrupts) -> Result<Zero, RunError> {
    let Some(start_at) = start_at_unix_ns else { return Ok(Zero::ahead(LEAD)) };
    if let Some(passed) = clock::wall_unix_ns().checked_sub(start_at) {
        return Err(RunError::TooLateToStart(Duration::from_nanos(passed)));
    }
    // Who wakes late from here on was ready in time, and is late by its own fault: that is in the figures.
    while let Some(ahead) = start_at.checked_sub(clock::wall_unix_ns()).map(Duration::from_nanos)
        && let Some(wait) = ahead.checked_sub(LEAD).filter(|wait| !wait.is_zero())
    {
        interrupts.wait(0, wait.min(Duration::from_secs(1)));
        if interrupts.count() > 0 || interrupts.ending().is_some() {
            return Err(RunError::Interrupted);
        }
    }
    Ok(Zero::at_unix_ns(start_at))
}

/// A zero that was agreed on. Waits until it is near.
fn agreed(zero: Zero, interrupts: &Interrupts) -> Result<Zero, RunError> {
    loop {
        let left = zero.left().map_err(RunError::TooLateToStart)?;
        let Some(wait) = left.checked_sub(LEAD).filter(|wait| !wait.is_zero()) else { return Ok(zero) };
        interrupts.wait(0, wait.min(Duration::from_secs(1)));
        if interrupts.count() > 0 || interrupts.ending().is_some() {
            return Err(RunError::Interrupted);
        }
    }
}

/// Runs. `each_second` is told how it goes and may end it with a reason.
///
/// # Errors
/// Where it cannot begin. Once events are sent, whatever happens ends in a report.
pub fn run(
    config: &Config,
    source: &Source,
    schedule: Schedule,
    interrupts: &Interrupts,
    each_second: &mut dyn FnMut(&Tick<'_>) -> ControlFlow<String>,
) -> Result<Outcome, RunError> {
    run_through(&Direct, config, source, schedule, interrupts, each_second)
}

/// Runs with something between the lanes and the broker, or between the broker and the verifier.
///
/// # Errors
/// As [`run`].
pub fn run_through<W: Wiring>(
    wiring: &W,
    config: &Config,
    source: &Source,
    schedule: Schedule,
    interrupts: &Interrupts,
    each_second: &mut dyn FnMut(&Tick<'_>) -> ControlFlow<String>,
) -> Result<Outcome, RunError> {
    let (control, schedule) = (Arc::new(Control::default()), Arc::new(schedule));
    prepare::check_sequences(config, source, &schedule)?;
    let (mut prepared, clients) = interrupts.unless_raised("preparing", {
        let (config, schedule, control) = (config.clone(), Arc::clone(&schedule), Arc::clone(&control));
        move || Prepared::new(&config, &schedule, &control)
    })??;
    prepared.unstamped = (source.is_stampless() && config.verify.is_some()).then(Arc::default);
    let publishers = config.lanes.numbers().zip(clients.producers);
    let publishers = publishers.map(|(lane, producer)| wiring.publisher(lane, producer)).collect();
    let watchers = (prepared.topic_watcher()?, prepared.lag_watcher(config)?);
    let has_due_times_alone = !matches!(source, Source::RetailRocket(_) | Source::Recorded(_) | Source::Mirrored(_));
    let is_timed = has_due_times_alone || config.event_time == EventTime::Now;
    let read_from = || prepared.target.ends.iter().map(|ends| ends.high).collect();
    let beside = Beside {
        target: &prepared.target,
        producer: Some(&prepared.settings),
        verifier: config.verify.is_some().then(read_from),
        is_timed,
        run: Some(config.id),
    };
    let (wanted, timeout) = (&config.downstream, config.kafka.connect_timeout);
    let mut auditor = Auditor::new(wanted, beside, timeout, &|_, _, ends| ends.high)?;
    let tap = auditor.as_mut().and_then(Auditor::take_tap);
    let reader = prepared.reader(config, clients.consumer, tap, wiring);
    let ready = Ready { prepared, publishers, reader, watchers, auditor };
    conduct(wiring, config, source, &schedule, ready, interrupts, each_second)
}

/// What a run is conducted with, once everything it needs has been found.
struct Ready<P> {
    prepared: Prepared,
    /// One for each lane.
    publishers: Vec<P>,
    /// Where events are read back.
    reader: Option<Box<dyn Reader>>,
    /// Who looks at the topics meanwhile, and at the group that is to be looked at.
    watchers: (Option<topic_watch::Watcher>, Option<lag::Watcher>),
    /// Who looks at what comes out downstream.
    auditor: Option<Auditor>,
}

/// Sends, watches, flushes, drains and judges.
fn conduct<W: Wiring>(
    wiring: &W,
    config: &Config,
    source: &Source,
    schedule: &Schedule,
    ready: Ready<W::Publisher>,
    interrupts: &Interrupts,
    each_second: &mut dyn FnMut(&Tick<'_>) -> ControlFlow<String>,
) -> Result<Outcome, RunError> {
    let Ready { prepared, publishers, reader, watchers: (topic_watcher, lag_watcher), auditor } = ready;
    let control = Arc::clone(&prepared.control);
    let ledger = Ledger::new(config.lanes.first, config.lanes.count, config.verify.is_some()).by(wiring.rules());
    let verifier = prepared.position_verifier(config, reader, &ledger, wiring, interrupts)?;
    if interrupts.count() > 0 {
        return Err(RunError::Interrupted);
    }
    let partitions = prepared.target.ends.len();
    let mut sampler =
        Sampler::new(prepared.recorders.clone(), schedule.phases().len(), config.catalogue.len(), partitions);
    let lanes = prepared.lanes(config, source, publishers)?;
    if let Some(end) = schedule.ends_at().filter(|_| !schedule.has_due_times() || schedule.is_arrivals()) {
        // Nothing comes due after the end where nothing has a due time, or nothing comes: the clock alone says when it is over.
        control.stop_at(end);
    }
    let (sending, going, ended) = (AtomicBool::new(true), AtomicBool::new(true), AtomicBool::new(false));
    // All that takes its time is done: from here to zero it is threads that are started, and they wait for it.
    let zero = match wiring.zero()? {
        Some(agreed_on) => agreed(agreed_on, interrupts)?,
        None => zero(config.start_at_unix_ns, interrupts)?,
    };

    unless_broken(|| {
        thread::scope(|scope| {
            let release = Release::new(&control, [&sending, &going]);
            let lanes = start_lanes(scope, &ledger, &control, lanes, zero)?;
            let reader =
                verifier.map(|verifier| start_verifier(scope, wiring, &control, verifier, zero)).transpose()?;
            let topics = topic_watcher.map(|watcher| topic_watch::watch(scope, watcher, &going)).transpose()?;
            let lag = lag_watcher.map(|watcher| watcher.watch(scope, &going)).transpose()?;
            let results = auditor.as_ref().map(Auditor::so_far);
            let auditor = auditor
                .map(|auditor| threads::start_vital(scope, "downstream", &control, || auditor.run(&control, &ended)))
                .transpose()?;
            let clock = zero.wait();
            let load = Load::new(config, source, schedule, &ledger, &control, &prepared.target)
                .beside(lag.as_ref().map(lag::LagWatch::lag), topics.as_ref().map(topic_watch::TopicWatch::problem));
            let mut watch =
                Watch::new(clock, &control, interrupts, &prepared.target, &config.catalogue, config.detail, load)
                    .telling(results);
            let faults = faults::inject(
                scope,
                &config.faults,
                clock,
                &control,
                &sending,
                schedule.ends_at(),
                watch.subject.faults(),
            )?;

            while lanes.iter().any(|lane| !lane.is_finished()) {
                watch.glance(&mut sampler, Stage::Sending, each_second);
            }
            sending.store(false, Ordering::Release);
            let lanes = match lanes.into_iter().map(|lane| threads::join(lane, "a lane")).collect::<Result<Vec<_>, _>>()
            {
                Ok(lanes) => lanes,
                Err(panicked) => {
                    drop(release);
                    watch.last(&mut sampler, each_second);
                    return Err(panicked);
                }
            };
            prepared.target.drain.request(up_to(&lanes, config, clock));
            ended.store(true, Ordering::Release);
            while reader.as_ref().is_some_and(|reader| !reader.is_finished())
                || auditor.as_ref().is_some_and(|auditor| !auditor.is_finished())
                || !faults.is_finished()
            {
                watch.glance(&mut sampler, Stage::Draining, each_second);
            }
            let verifier = reader.map(|reader| threads::join(reader, "the verifier")).transpose()?;
            let expectations = auditor.map(|auditor| threads::join(auditor, "the reader of results")).transpose()?;
            let faults = threads::join(faults, "the thread of the faults")?;
            going.store(false, Ordering::Release);
            let lag = lag.map(lag::LagWatch::end).transpose()?;
            if let Some(problem) = topics.map(topic_watch::TopicWatch::end).transpose()?.flatten() {
                watch.note_problem(problem);
            }
            release.at_peace();
            watch.last(&mut sampler, each_second);
            let ends = Ends::new(lanes, verifier, clock, zero.anchor());
            let watched = watch.into_watched();
            let unwritten = prepared.answers.as_ref().and_then(|answers| answers.finish().err());
            let mut outcome =
                summary::outcome(wiring, config, source, schedule, &prepared, &ledger, sampler, watched, ends);
            outcome.unwritten = config.answers.clone().zip(unwritten);
            outcome.report.faults = faults;
            let drawn = ledger.lanes().map(|(lane, book)| (lane, book.drawn())).collect();
            outcome.fraud = Woven::of(source, config.lanes.all, drawn);
            outcome.report.fraud = outcome.fraud.as_ref().map(Woven::report);
            outcome.report.expectations = expectations.unwrap_or_else(|| config.downstream.left_to_others());
            fraud::beside_the_log(&mut outcome.report);
            availability::put_down(&mut outcome.report.faults, &outcome.stalls);
            outcome.report.lag = lag.zip(config.kafka.lag_group.as_deref()).map(|(lag, group)| lag.report(group));
            Ok(outcome)
        })
    })
}

/// A thread for each lane, which waits for zero.
fn start_lanes<'scope, P: Publisher + Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    ledger: &'scope Ledger,
    control: &'scope Control,
    lanes: Vec<(lane::Setup, P)>,
    zero: Zero,
) -> Result<Vec<Running<'scope, LaneEnd>>, RunError> {
    let start = |(setup, publisher): (lane::Setup, P)| {
        let number = setup.number;
        let book = ledger.lane(number).ok_or_else(|| RunError::Thread(format!("lane {number} has no book")))?;
        threads::start_vital(scope, &format!("lane-{number}"), control, move || {
            let clock = zero.wait();
            setup.source.begin(clock);
            let (end, publisher) = Lane::new(setup, book, publisher, clock, zero.anchor()).run();
            // Dropped here: a producer that still holds messages takes its time, and this thread has it.
            drop(publisher);
            end
        })
    };
    lanes.into_iter().map(start).collect()
}

/// The verifier's thread, which waits for zero.
fn start_verifier<'scope, W: Wiring>(
    scope: &'scope Scope<'scope, '_>,
    wiring: &'scope W,
    control: &'scope Control,
    mut verifier: RunVerifier<'scope, W>,
    zero: Zero,
) -> Result<Running<'scope, VerifierEnd<RunBook<'scope>>>, RunError> {
    threads::start_vital(scope, "verifier", control, move || {
        verifier.start(wiring.clock(zero.wait()), zero.anchor());
        verifier.run()
    })
}

/// What is to be read before the verifier may end: all that was acked, within the drain's deadline.
fn up_to(lanes: &[LaneEnd], config: &Config, clock: Monotonic) -> verify::Request {
    let drain_deadline = config.verify.as_ref().map_or(Duration::ZERO, |verify| verify.back.drain_deadline);
    let deadline = clock.now() + Nanos::from(drain_deadline);
    verify::Request { highest_acked: ends::highest_acked(lanes), deadline, ..verify::Request::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_all_processes_are_all_events() {
        for (of, count) in [(1, 1), (3, 1), (3, 2), (5, 51)] {
            let shards = || (0..of).map(|shard| Lanes { first: shard * count, count, all: of * count });
            for events in [0, 1, 2, 3, 5, 6, 7, 100, 254, 255, 256, 1_000_003] {
                assert_eq!(shards().map(|lanes| lanes.share(events)).sum::<u64>(), events);
            }
            let numbers: Vec<u16> = shards().flat_map(Lanes::numbers).collect();
            assert_eq!(numbers, (0..of * count).collect::<Vec<_>>());
        }
        assert_eq!(Lanes { first: 2, count: 2, all: 6 }.share(9), 3, "events 2, 3 and 8");
    }

    #[test]
    fn a_start_that_has_passed_is_refused() {
        let interrupts = Interrupts::default();
        assert!(matches!(zero(Some(1), &interrupts), Err(RunError::TooLateToStart(_))));
        let soon = clock::wall_unix_ns() + 1_000_000_000;
        assert_eq!(zero(Some(soon), &interrupts).unwrap().anchor(), clock::Anchor::at_unix_ns(soon));
        interrupts.raise();
        assert!(matches!(zero(Some(u64::MAX), &interrupts), Err(RunError::Interrupted)));
    }
}
