//! Reads what comes out downstream, and what went in, beside the run, and lets the oracle judge it.
//!
//! It reads the input once more, by a consumer of its own: a group's verifier has only a part of it, one under
//! `read_uncommitted` has more than a processor gets, and a run without a verifier has none.

mod again;
mod closing;
mod schemas;
mod so_far;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::RunError;
use super::config::Downstream;
use super::target::Target;
use crate::clock::{Clock, Monotonic, Nanos, wall_unix_ns};
use crate::control::Control;
use crate::event::stamp::RunId;
use crate::expect::{Log, Oracle, Record};
use crate::kafka::native::Consumer;
use crate::kafka::slots::Slots;
use crate::kafka::{Code, Delivered, KafkaError, Settings, Wait, Watermarks};
use crate::report::ExpectReport;
use again::Again;
use closing::Closer;
use schemas::Schemas;
pub(super) use so_far::SoFar;

/// Records taken at once, at most.
const BATCH: usize = 1_000;
/// The longest wait without looking at the run's state.
const WAIT: Duration = Duration::from_millis(50);
/// The time between two looks at whether all is there.
const LOOK: Nanos = Nanos::from_millis(250);
/// How long nothing must have come when all is there: a result that is written twice comes twice.
const QUIET: Nanos = Nanos::from_secs(1);
/// The longest wait for the ends of the logs.
const ASK: Duration = Duration::from_secs(5);

/// A reader of input and output that stands ready.
pub(super) struct Auditor {
    oracle: Oracle,
    consumer: Consumer,
    slots: Arc<Slots>,
    topics: Vec<Topic>,
    /// By slot.
    partitions: Vec<Partition>,
    deadline: Duration,
    /// Who sends the events that close the last windows, where that is wanted.
    closer: Option<Closer>,
    schemas: Schemas,
    /// By topic, why nobody knows what a record of it is.
    unknown: BTreeMap<String, String>,
    has_complained: bool,
    so_far: SoFar,
}

/// A topic as input, as output, or both, by its place among the oracle's.
#[derive(Clone, Copy)]
struct Topic {
    source: Option<usize>,
    output: Option<usize>,
}

#[derive(Clone, Default)]
struct Partition {
    /// Where what is judged begins.
    start: i64,
    position: i64,
    target: Option<i64>,
    /// Why it cannot be read any more.
    broken: Option<Code>,
}

impl Auditor {
    /// Stands where each output is to be read from, and where each input begins. `from` says of a partition where what is to be judged
    /// begins in it.
    ///
    /// # Errors
    /// Where a topic is not there, or a partition does not answer within `timeout`.
    pub(super) fn new(
        wanted: &Downstream,
        (target, producer): (&Target, Option<&Settings>),
        timeout: Duration,
        is_timed: bool,
        run: Option<RunId>,
        from: &dyn Fn(&str, i32, &Watermarks) -> i64,
    ) -> Result<Option<Self>, RunError> {
        if wanted.is_left_to_others {
            return Ok(None);
        }
        let schemas = Schemas::new(wanted.registry.as_ref())?;
        let ready = Self::stand_ready(wanted, schemas, (target, producer), timeout, is_timed, run, from);
        ready.map_err(RunError::Downstream)
    }

    fn stand_ready(
        wanted: &Downstream,
        schemas: Schemas,
        (target, producer): (&Target, Option<&Settings>),
        timeout: Duration,
        is_timed: bool,
        run: Option<RunId>,
        from: &dyn Fn(&str, i32, &Watermarks) -> i64,
    ) -> Result<Option<Self>, KafkaError> {
        let expectations = &wanted.expectations;
        let mut names: Vec<&str> = Vec::new();
        for topic in expectations.iter().flat_map(|expectation| [expectation.source.as_str(), &expectation.topic]) {
            if !names.contains(&topic) {
                names.push(topic);
            }
        }
        if names.is_empty() {
            return Ok(None);
        }
        let mut consumer = target.second_reader("read_committed")?;
        let counts = names.iter().map(|topic| Ok((*topic, consumer.metadata(topic, timeout)?.topic.partitions)));
        let counts = counts.collect::<Result<Vec<_>, KafkaError>>()?;
        let slots = Arc::new(Slots::unmapped(counts.iter().map(|(topic, count)| ((*topic).to_owned(), *count))));
        consumer.join(&slots);
        let places: Vec<(&str, i32)> = (0..slots.len()).filter_map(|slot| slots.place(slot)).collect();
        let ends = consumer.first_ends(&places, timeout)?;
        let mut logs: BTreeMap<String, Log> = BTreeMap::new();
        let begun: Vec<i64> =
            places.iter().zip(&ends).map(|((topic, partition), ends)| from(topic, *partition, ends)).collect();
        for (((topic, _), ends), begun) in places.iter().zip(&ends).zip(&begun) {
            let log = logs.entry((*topic).to_owned()).or_insert(Log { starts: Vec::new(), is_whole: true });
            log.starts.push(*begun);
            log.is_whole &= ends.low == 0;
        }
        let oracle = Oracle::new(expectations, &logs, is_timed, run);
        let place = |among: Vec<&str>, name: &str| among.iter().position(|topic| *topic == name);
        let topic_of = |name: &&str| Topic {
            source: place(oracle.sources().collect(), name),
            output: place(oracle.outputs().collect(), name),
        };
        let topics: Vec<Topic> = names.iter().map(topic_of).collect();
        let is_source = |slot: i32| slots.topic_at(slot).is_some_and(|topic| topics[topic].source.is_some());
        let first =
            |((slot, ends), begun): ((i32, &Watermarks), &i64)| (slot, if is_source(slot) { ends.low } else { *begun });
        let starts: Vec<(i32, i64)> = (0_i32..).zip(&ends).zip(&begun).map(first).collect();
        consumer.assign("", starts.iter().copied())?;
        let partition = |((_, position), begun): (&(i32, i64), &i64)| Partition {
            start: *begun,
            position: *position,
            ..Partition::default()
        };
        let partitions = starts.iter().zip(&begun).map(partition).collect();
        let deadline = wanted.deadline;
        let closer =
            producer.filter(|_| wanted.closes_windows).map(|settings| Closer::new(settings, &oracle)).transpose()?;
        Ok(Some(Self {
            oracle,
            consumer,
            slots,
            topics,
            partitions,
            deadline,
            closer,
            schemas,
            unknown: BTreeMap::new(),
            has_complained: false,
            so_far: SoFar::default(),
        }))
    }

    /// What is known while it reads.
    pub(super) fn so_far(&self) -> SoFar {
        self.so_far.clone()
    }

    /// Reads until the input has ended, which `ended` says, and its results are there or the time is up.
    pub(super) fn run(mut self, control: &Control, ended: &AtomicBool) -> Vec<ExpectReport> {
        let clock = Monotonic::start();
        let (mut deadline, mut look_at, mut last_output, mut tell_at) = (None, Nanos::ZERO, Nanos::ZERO, Nanos::ZERO);
        let mut is_cut_short = false;
        loop {
            let (taken, has_output) = self.take();
            let now = clock.now();
            if has_output {
                last_output = now;
            }
            self.complain();
            if now >= tell_at {
                tell_at = self.so_far.look(&self.oracle, &clock, unix_ms());
            }
            if control.is_aborted() {
                is_cut_short = true;
                break;
            }
            if deadline.is_none() && ended.load(Ordering::Acquire) {
                deadline = Some(now + Nanos::from(self.deadline));
                last_output = now;
                self.set_targets(control);
                self.end_run();
            }
            if deadline.is_some() && self.close_windows(control) {
                (deadline, last_output) = (Some(now + Nanos::from(self.deadline)), now);
            }
            if deadline.is_some_and(|deadline| now >= deadline) {
                break;
            }
            if deadline.is_some() && now >= look_at.max(last_output + QUIET) {
                look_at = now + LOOK;
                if self.unread().is_empty() && self.oracle.is_settled() {
                    break;
                }
            }
            if taken < BATCH && self.consumer.wait(WAIT).is_err() {
                clock.sleep_until(clock.now() + Nanos::from_millis(1));
            }
        }
        let mut unknown = self.unread();
        unknown.extend(std::mem::take(&mut self.unknown));
        if is_cut_short {
            for topic in self.oracle.sources() {
                unknown
                    .insert(topic.to_owned(), "the run was broken off before its results were waited for".to_owned());
            }
        }
        let Self { oracle, mut consumer, slots, topics, partitions, mut schemas, .. } = self;
        let (mut reports, explainer) = oracle.end(unix_ms(), &unknown);
        let (consumer, schemas) = (&mut consumer, &mut schemas);
        let mut again = Again { consumer, schemas, slots: &slots, topics: &topics, partitions };
        if let Some(explainer) = again.read(explainer, control) {
            explainer.explain(&mut reports);
        }
        reports
    }

    /// What lies behind the targets is no part of the run.
    fn end_run(&mut self) {
        for (slot, state) in (0_i32..).zip(&self.partitions) {
            let source = self.slots.topic_at(slot).and_then(|topic| self.topics[topic].source);
            let partition = self.slots.place(slot).and_then(|(_, partition)| usize::try_from(partition).ok());
            if let (Some(source), Some(partition), Some(end)) = (source, partition, state.target) {
                self.oracle.ends_at(source, partition, end);
            }
        }
    }

    /// Sends the events that close the last windows, where they are wanted and their time has come; whether it is still at it.
    fn close_windows(&mut self, control: &Control) -> bool {
        if self.closer.as_ref().is_none_or(Closer::is_done) || !self.unread().is_empty() {
            return false;
        }
        let Some(closer) = &mut self.closer else { return false };
        match closer.go_on(&self.oracle) {
            Ok(true) => self.set_targets(control),
            Ok(false) => {}
            Err(code) => {
                tracing::warn!(
                    "the events that close the last windows could not be sent ({code}): the windows stay open"
                );
                self.closer = None;
            }
        }
        true
    }

    /// How many records were taken, and whether one of them was of an output.
    fn take(&mut self) -> (usize, bool) {
        let Self { consumer, oracle, slots, topics, partitions, schemas, unknown, .. } = self;
        let (mut seen_at, mut has_output) = (None, false);
        let taken = consumer.take(BATCH, |delivered| {
            let slot = match &delivered {
                Delivered::Record(record) => record.partition,
                Delivered::EndOfPartition { partition, .. } | Delivered::Error { partition, .. } => *partition,
            };
            let known = usize::try_from(slot).ok().and_then(|index| partitions.get_mut(index));
            let (Some(state), Some(topic)) = (known, slots.topic_at(slot)) else { return };
            let Some((name, partition)) = slots.place(slot) else { return };
            let partition = usize::try_from(partition).unwrap_or(0);
            let Topic { source, output } = topics[topic];
            match delivered {
                Delivered::Record(record) => {
                    state.position = record.offset + 1;
                    let seen_at = *seen_at.get_or_insert_with(unix_ms);
                    let body = record.body.map(|body| {
                        schemas.json(body).unwrap_or_else(|why| {
                            if !unknown.contains_key(name) {
                                tracing::warn!("results that need {name} are not judged: {why}");
                                unknown.insert(name.to_owned(), why.to_owned());
                            }
                            body
                        })
                    });
                    let of = |at_ms| Record { partition, offset: record.offset, at_ms, body };
                    if let Some(source) = source {
                        oracle.input(source, &of(record.timestamp.unix_ms().unwrap_or(seen_at)));
                    }
                    if let Some(output) = output.filter(|_| record.offset >= state.start) {
                        has_output = true;
                        oracle.output(output, &of(seen_at));
                    }
                }
                Delivered::EndOfPartition { offset, .. } => {
                    state.position = offset;
                    if let Some(source) = source {
                        oracle.at_end(source, partition);
                    }
                }
                Delivered::Error { code: code @ (Code::AutoOffsetReset | Code::LogTruncation), .. } => {
                    state.broken = Some(code);
                }
                Delivered::Error { .. } => {}
            }
        });
        consumer.notices(|_| {});
        (taken, has_output)
    }

    /// The input that has been written by now is what results are expected of.
    fn set_targets(&mut self, control: &Control) {
        let slots: Vec<i32> = (0..self.slots.len()).collect();
        let wait = Wait { timeout: ASK, given_up: &|| control.is_aborted() };
        for (state, ends) in self.partitions.iter_mut().zip(self.consumer.ends("", &slots, wait)) {
            state.target = ends.ok().map(|ends| ends.high);
        }
    }

    /// Why the input of a topic is not known to its end, by topic.
    fn unread(&self) -> BTreeMap<String, String> {
        let mut why = BTreeMap::new();
        for (slot, state) in (0_i32..).zip(&self.partitions) {
            let is_source = |topic: usize| self.topics[topic].source.is_some();
            let Some((topic, partition)) = self.slots.place(slot) else { continue };
            if !self.slots.topic_at(slot).is_some_and(is_source) {
                continue;
            }
            let reason = match (state.broken, state.target) {
                (Some(code), _) => format!("partition {partition} of {topic} could not be read on ({code})"),
                (None, None) => format!("where partition {partition} of {topic} ends is not known"),
                (None, Some(target)) if state.position < target => {
                    format!("partition {partition} of {topic} was read to {}, and ends at {target}", state.position)
                }
                (None, Some(_)) => continue,
            };
            why.entry(topic.to_owned()).or_insert(reason);
        }
        why
    }

    fn complain(&mut self) {
        if !self.has_complained
            && let Some(complaint) = self.oracle.complaint()
        {
            self.has_complained = true;
            tracing::warn!("{complaint}");
        }
    }
}

fn unix_ms() -> i64 {
    i64::try_from(wall_unix_ns() / 1_000_000).unwrap_or(i64::MAX)
}
