//! A verifier alone: it reads what another process writes, wrote, or will write, and says what can be said of it.
//!
//! It reads by assignment, or as a group that others may be members of too. Without an end it goes on for ever.

mod ends;
mod join;
mod judge;
mod prepare;
pub mod readers;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use super::attribute::Opened;
use super::downstream::Auditor;
use super::target::Target;
use super::threads::{self, Release, unless_broken};
use super::watch::Watch;
use super::{Downstream, Interrupts, Outcome, RunError, Stage, Tick, topic_watch};
use crate::clock::reference::Reference;
use crate::clock::{Clock, Monotonic, Nanos, Zero, wall_unix_ns};
use crate::control::Control;
use crate::event::catalogue::Catalogue;
use crate::event::stamp::RunId;
use crate::kafka::Settings;
use crate::ledger::sightings::Sightings;
use crate::measure::Sampler;
use crate::report::SchemaReport;
use crate::settings::run::Patience;
use crate::settings::verification::Verification;
use crate::soak::timeline::Detail;
use crate::verify::reader::Reader;
use crate::verify::topic_book::TopicBook;
use crate::verify::{Inspector, Request, Until, Verifier};
use ends::Reading;
pub use join::{Finished, ProducerRun};
pub(super) use prepare::Prepared;

/// How long reading may take to come to what was there when it was asked to end.
const LAST: Duration = Duration::from_secs(5);
/// How often a producer that still goes on is asked whether it is over.
const ASK_EVERY: Nanos = Nanos::from_millis(200);

/// What a verifier alone needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// The reading's name.
    pub name: String,
    /// Brokers to start from.
    pub bootstrap: String,
    /// The topics.
    pub topics: Vec<String>,
    /// The types of event that there are.
    pub catalogue: Arc<Catalogue>,
    /// The schemas that they were written by; empty where all are JSON without one.
    pub schemas: Vec<SchemaReport>,
    /// Settings of the consumer, by librdkafka's names.
    pub client: Settings,
    /// The longest wait for the cluster's first answers.
    pub connect_timeout: Duration,
    /// Where it begins, in partitions in which its group has committed nothing.
    pub offset: Offset,
    /// The run whose events are judged; `None`: whatever carries a stamp.
    pub run: Option<RunId>,
    /// How it reads; where it is joined with the producer's run, the drain's deadline is the longest wait for the next record.
    pub verify: Verification,
    /// When it ends by itself.
    pub until: Until,
    /// The producer's run, where the reading is joined with it: it ends when all of that is read.
    pub producer: Option<ProducerRun>,
    /// How much of its timeline its report keeps.
    pub detail: Detail,
    /// What must have come out downstream.
    pub downstream: Downstream,
    /// Where each record is put down that claims to be an event of that run, for whoever joins several readings.
    pub sightings: Option<PathBuf>,
    /// The clock that writers and this reader have measured theirs against; `None`: this machine's counts.
    pub reference: Option<Arc<Reference>>,
}

impl Config {
    /// The time that counts, in ns since the Unix epoch.
    fn now_unix_ns(&self) -> u64 {
        self.reference.as_ref().map_or_else(wall_unix_ns, |reference| reference.unix_ns())
    }
}

/// Where reading begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offset {
    /// At the start of the log.
    Earliest,
    /// At its end.
    Latest,
}

/// Reads. `each_second` is told how it goes and may end it with a reason.
///
/// # Errors
/// Where it cannot begin. Once it reads, whatever happens ends in a report.
pub fn verify(
    config: &Config,
    interrupts: &Interrupts,
    each_second: &mut dyn FnMut(&Tick<'_>) -> ControlFlow<String>,
) -> Result<Outcome, RunError> {
    let prepared = interrupts.unless_raised("preparing", {
        let config = config.clone();
        move || Prepared::new(&config)
    })??;
    let mut auditor = prepared.auditor(config)?;
    let ready = Ready {
        reader: prepared.reader(auditor.as_mut().and_then(Auditor::take_tap))?,
        asker: Box::new(prepared.target.consumer(&[])?),
        topic_watcher: prepared.target.topic_watcher()?,
        auditor,
        open: &|target, isolation| Ok(Box::new(target.second_reader(isolation)?)),
        prepared,
    };
    read(config, ready, interrupts, each_second)
}

/// What a reading is done with, once everything it needs has been found.
pub(super) struct Ready<'a> {
    pub(super) prepared: Prepared,
    pub(super) reader: Box<dyn Reader>,
    /// Who is asked where the logs end.
    pub(super) asker: Box<dyn Reader>,
    pub(super) topic_watcher: topic_watch::Watcher,
    pub(super) auditor: Option<Auditor>,
    /// Makes a reader under that isolation, for what must be read again.
    pub(super) open: &'a (dyn Fn(&Target, &str) -> Opened + 'a),
}

/// Reads and judges.
pub(super) fn read(
    config: &Config,
    ready: Ready<'_>,
    interrupts: &Interrupts,
    each_second: &mut dyn FnMut(&Tick<'_>) -> ControlFlow<String>,
) -> Result<Outcome, RunError> {
    let Ready { prepared, reader, asker, topic_watcher, auditor, open } = ready;
    let zero = Zero::ahead(Duration::ZERO);
    let clock = zero.wait();
    let anchor = config.reference.as_ref().map_or_else(|| zero.anchor(), |reference| reference.anchor(clock));
    let (control, gaps) = (Arc::new(Control::default()), Arc::new(AtomicU64::new(0)));
    let target = &prepared.target;
    // What it reads is not its own load: it knows of no event that waits, and so of no stall.
    let never = Patience { stall_threshold: Duration::MAX, ..Patience::default() };
    let setup = target.verifier(&config.topics.join(","), clock, &prepared.recorder, &control, never);
    let book = TopicBook::new(config.run, target.ends.len()).telling(Arc::clone(&gaps)).by(config.reference.clone());
    let mut inspector = Inspector::new(
        book,
        Arc::clone(&config.catalogue),
        &config.topics[0],
        Arc::clone(&target.slots),
        target.java_placed,
    );
    if let Some(produced) = &config.producer {
        inspector = inspector.numbered(produced.numbering);
    }
    let topics: Vec<(String, i32)> = target.slots.topics().map(|(topic, of)| (topic.to_owned(), of)).collect();
    let sightings = config.sightings.as_deref().zip(config.run).map(|(path, run)| {
        Sightings::create(path, run.to_string(), topics)
            .map_err(|source| RunError::Answers { path: path.to_owned(), source })
    });
    inspector = inspector.putting_down(sightings.transpose()?);
    inspector.start(anchor);
    let until = Until { denied: true, ..config.until };
    let verifier = Verifier::new(setup, reader, inspector, &prepared.starts, until)?;
    let mut sampler = Sampler::new(vec![prepared.recorder.clone()], 1, config.catalogue.len(), prepared.starts.len());
    let (going, ended) = (AtomicBool::new(true), AtomicBool::new(false));

    unless_broken(|| {
        thread::scope(|scope| {
            // However this ends, the threads are told to.
            let release = Release::new(&control, [&going, &going]);
            let ends = ends::ask(scope, asker, config.topics[0].clone(), &target.ends, &going)?;
            let topics = topic_watch::watch(scope, topic_watcher, &going)?;
            let reader = threads::start_vital(scope, "verifier", &control, move || verifier.run())?;
            let results = auditor.as_ref().map(Auditor::so_far);
            let auditor = auditor
                .map(|auditor| threads::start_vital(scope, "downstream", &control, || auditor.run(&control, &ended)))
                .transpose()?;
            let is_bounded = config.producer.is_some() || until.idle.is_some() || until.records.is_some();
            let reading = Reading { is_bounded, records: until.records, ends, traffic: &target.traffic, gaps: &gaps };
            let mut watch = Watch::new(clock, &control, interrupts, target, &config.catalogue, config.detail, reading)
                .telling(results);
            let (mut finished, mut ask_at, mut is_stopped, mut read_at) = (None, Nanos::ZERO, false, None);
            while !reader.is_finished() || auditor.as_ref().is_some_and(|auditor| !auditor.is_finished()) {
                if reader.is_finished() {
                    read_at.get_or_insert_with(|| clock.now());
                    ended.store(true, Ordering::Release);
                }
                if let Some(produced) = config.producer.as_ref().filter(|_| finished.is_none() && clock.now() >= ask_at)
                {
                    ask_at = clock.now() + ASK_EVERY;
                    match (produced.finished)() {
                        Ok(None) => {}
                        Ok(Some(report)) => {
                            target.drain.request(all_acked(config, produced, &prepared, clock)?);
                            finished = Some(report);
                        }
                        Err(reason) => {
                            watch.end_for(reason);
                            target.drain.request(Request { deadline: clock.now(), ..Request::default() });
                        }
                    }
                }
                watch.glance(&mut sampler, Stage::Sending, each_second);
                if !is_stopped && control.stopped_at() < Nanos::MAX {
                    is_stopped = true;
                    let deadline = clock.now() + if is_bounded { LAST.into() } else { Nanos::ZERO };
                    target.drain.request(Request { deadline, ..Request::default() });
                }
            }
            going.store(false, Ordering::Release);
            let problem = topics.end()?;
            release.at_peace();
            let verifier = threads::join(reader, "the verifier");
            watch.last(&mut sampler, each_second);
            let expectations = auditor.map(|auditor| threads::join(auditor, "the reader of results")).transpose()?;
            // What came out downstream may have been waited for since.
            let took = read_at.unwrap_or_else(|| clock.now());
            let ended = judge::ReadingEnd { verifier: verifier?, run: finished, problem, anchor, clock, took, open };
            let mut outcome = judge::outcome(config, &prepared, sampler, watch.into_watched(), ended)?;
            outcome.report.expectations = expectations.unwrap_or_default();
            Ok(outcome)
        })
    })
}

/// What is to be read of a run that is over: all that was acked, where that is still the same log.
fn all_acked(
    config: &Config,
    produced: &ProducerRun,
    prepared: &Prepared,
    clock: Monotonic,
) -> Result<Request, RunError> {
    let failed = |source| RunError::Answers { path: produced.answers.clone(), source };
    let mut highest_acked = produced.highest_acked().map_err(failed)?;
    if !prepared.anew.is_empty() {
        // What was acked in a log that is gone will never be there.
        highest_acked.clear();
    }
    let patience = config.verify.back.drain_deadline;
    Ok(Request { highest_acked, deadline: clock.now() + patience.into(), patience })
}
