//! Reads what comes out downstream, and what went in, beside the run, and lets the oracle judge it.
//!
//! The input comes from the run's verifier where that reads what a processor gets: by assignment, committed records alone. Else it
//! is read once more, by a consumer of its own: a group's verifier has only a part of it, one under `read_uncommitted` has
//! more than a processor gets, and a run without a verifier has none.

mod again;
mod closing;
mod intake;
mod known;
mod schemas;
mod so_far;
mod tap;

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
use crate::expect::{Log, Oracle};
use crate::kafka::native::Consumer;
use crate::kafka::slots::Slots;
use crate::kafka::{Code, KafkaError, Settings, Wait, Watermarks};
use crate::report::ExpectReport;
use again::Again;
use closing::Closer;
use intake::Intake;
use schemas::Schemas;
pub(super) use so_far::SoFar;
pub(super) use tap::Tap;
use tap::{Feed, Given, tap};

/// Records taken at once, at most.
const BATCH: usize = 1_000;
/// The longest wait without looking at the run's state, and at what the verifier has read.
const WAIT: Duration = Duration::from_millis(50);
const WAIT_FOR_VERIFIER: Duration = Duration::from_millis(10);
/// The time between two looks at whether all is there.
const LOOK: Nanos = Nanos::from_millis(250);
/// How long nothing must have come when all is there: a result that is written twice comes twice.
const QUIET: Nanos = Nanos::from_secs(1);
/// The longest wait for the ends of the logs.
const ASK: Duration = Duration::from_secs(5);

/// A reader of input and output that stands ready.
pub(super) struct Auditor {
    consumer: Consumer,
    slots: Arc<Slots>,
    intake: Intake,
    /// What the verifier reads of the input, where that is taken from it, and since when nothing has come.
    feed: Option<(Feed, Nanos)>,
    tap: Option<Tap>,
    /// Whether its own consumer reads no input that the verifier does.
    is_fed: bool,
    deadline: Duration,
    /// Who sends the events that close the last windows, where that is wanted.
    closer: Option<Closer>,
    has_complained: bool,
    so_far: SoFar,
}

/// What results are judged beside.
pub(super) struct Beside<'a> {
    /// The run's topics.
    pub(super) target: &'a Target,
    /// How its producers are set, where it has some.
    pub(super) producer: Option<&'a Settings>,
    /// Where its verifier begins, by slot, where one reads.
    pub(super) verifier: Option<Vec<i64>>,
    /// Whether event times are due times of the run.
    pub(super) is_timed: bool,
    /// The run whose events have the truth that scores are judged by.
    pub(super) run: Option<RunId>,
}

/// A topic as input, as output, or both, by its place among the oracle's.
#[derive(Clone, Copy)]
struct Topic {
    source: Option<usize>,
    output: Option<usize>,
}

#[derive(Clone, Default)]
struct Partition {
    /// Its topic's place among all, and its number.
    topic: usize,
    number: usize,
    /// Where what is judged begins.
    start: i64,
    /// What lies below it was taken from a reader, and what lies below the other was judged.
    taken_to: i64,
    position: i64,
    /// Where the verifier begins, where what it reads is taken from it.
    fed_from: Option<i64>,
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
        beside: Beside<'_>,
        timeout: Duration,
        from: &dyn Fn(&str, i32, &Watermarks) -> i64,
    ) -> Result<Option<Self>, RunError> {
        if wanted.is_left_to_others {
            return Ok(None);
        }
        let schemas = Schemas::new(wanted.registry.as_ref())?;
        Self::stand_ready(wanted, schemas, beside, timeout, from).map_err(RunError::Downstream)
    }

    fn stand_ready(
        wanted: &Downstream,
        schemas: Schemas,
        beside: Beside<'_>,
        timeout: Duration,
        from: &dyn Fn(&str, i32, &Watermarks) -> i64,
    ) -> Result<Option<Self>, KafkaError> {
        let Beside { target, producer, verifier, is_timed, run } = beside;
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
        let verifier = verifier.filter(|_| target.reads_as_processors_do());
        let fed_from = |topic: Topic, name: &str, partition: i32| {
            topic.source.filter(|_| topic.output.is_none())?;
            let slot = usize::try_from(target.slots.slot(name.as_bytes(), partition)?).ok()?;
            verifier.as_ref()?.get(slot).copied()
        };
        let partition = |(name, number): &(&str, i32), ends: &Watermarks, begun: i64| {
            let topic = names.iter().position(|topic| topic == name).unwrap_or_default();
            let position = if topics[topic].source.is_some() { ends.low } else { begun };
            Partition {
                topic,
                number: usize::try_from(*number).unwrap_or_default(),
                start: begun,
                taken_to: position,
                position,
                fed_from: fed_from(topics[topic], name, *number),
                ..Partition::default()
            }
        };
        let of = places.iter().zip(&ends).zip(&begun);
        let partitions: Vec<Partition> = of.map(|((place, ends), begun)| partition(place, ends, *begun)).collect();
        let (tap, feed) = partitions
            .iter()
            .any(|state| state.fed_from.is_some())
            .then(|| tap(shared_slots(&target.slots, &slots, &partitions)))
            .unzip();
        let closer =
            producer.filter(|_| wanted.closes_windows).map(|settings| Closer::new(settings, &oracle)).transpose()?;
        let mut auditor = Self {
            consumer,
            intake: Intake::new(oracle, &slots, topics, partitions, schemas),
            slots,
            feed: feed.map(|feed| (feed, Nanos::ZERO)),
            tap,
            is_fed: false,
            deadline: wanted.deadline,
            closer,
            has_complained: false,
            so_far: SoFar::default(),
        };
        auditor.is_fed = auditor.feed.is_some() && auditor.has_caught_up();
        auditor.assign()?;
        Ok(Some(auditor))
    }

    /// What hands on to it what the verifier reads, where that is all it needs.
    pub(super) const fn take_tap(&mut self) -> Option<Tap> {
        self.tap.take()
    }

    /// Whether it has read by itself all of the input that lies before the verifier's start.
    fn has_caught_up(&self) -> bool {
        self.intake.partitions.iter().all(|state| state.fed_from.is_none_or(|from| state.taken_to >= from))
    }

    /// Lets its own consumer read on what does not come from the verifier.
    fn assign(&mut self) -> Result<(), KafkaError> {
        let is_own = |state: &Partition| !(self.is_fed && state.fed_from.is_some());
        let all = (0_i32..).zip(&self.intake.partitions);
        let own: Vec<(i32, i64)> =
            all.filter(|(_, state)| is_own(state)).map(|(slot, state)| (slot, state.taken_to)).collect();
        self.consumer.assign("", own.into_iter())
    }

    /// Takes what the verifier has read; whether there may be more.
    fn take_fed(&mut self, now: Nanos, is_ended: bool) -> bool {
        let Some((feed, quiet_since)) = &mut self.feed else { return false };
        if !self.is_fed {
            if feed.is_cut() {
                // More came meanwhile than is kept: it is read by its own consumer, as what lies before it is.
                self.feed = None;
            } else if self.has_caught_up() {
                self.is_fed = true;
                self.go_on();
            }
            return self.is_fed;
        }
        if self.intake.is_full() {
            return false;
        }
        let (intake, at) = (&mut self.intake, Nanos(wall_unix_ns()));
        let Given { count, has_more, is_over } = feed.take(|delivered| {
            intake.deliver(delivered, at);
        });
        if count > 0 {
            *quiet_since = now;
        }
        // What comes after the verifier's end, or does not come from it, is read as without one.
        let is_left = is_ended && now >= *quiet_since + QUIET && !intake.unread().is_empty();
        if is_over || is_left {
            (self.feed, self.is_fed) = (None, false);
            self.go_on();
        }
        has_more
    }

    fn go_on(&mut self) {
        if let Err(error) = self.assign() {
            tracing::warn!("input and output cannot be read on: {error}");
        }
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
            let has_more = self.take_fed(clock.now(), deadline.is_some());
            let (taken, has_output) = self.take();
            let now = clock.now();
            if has_output {
                last_output = now;
            }
            self.complain();
            if now >= tell_at {
                tell_at = self.so_far.look(&self.intake.oracle, &clock, unix_ms());
            }
            if control.is_aborted() {
                is_cut_short = true;
                break;
            }
            if deadline.is_none() && ended.load(Ordering::Acquire) {
                deadline = Some(now + Nanos::from(self.deadline));
                last_output = now;
                self.set_targets(control);
                self.intake.end_run();
            }
            if deadline.is_some() && self.close_windows(control) {
                (deadline, last_output) = (Some(now + Nanos::from(self.deadline)), now);
            }
            if deadline.is_some_and(|deadline| now >= deadline) {
                break;
            }
            if deadline.is_some() && now >= look_at.max(last_output + QUIET) {
                look_at = now + LOOK;
                if self.intake.unread().is_empty() && self.intake.is_settled() {
                    break;
                }
            }
            let wait = if self.is_fed { WAIT_FOR_VERIFIER } else { WAIT };
            if self.intake.is_full() {
                clock.sleep_until(clock.now() + Nanos::from(wait));
            } else if taken < BATCH && !has_more && self.consumer.wait(wait).is_err() {
                clock.sleep_until(clock.now() + Nanos::from_millis(1));
            }
        }
        let mut unknown = self.intake.unknown();
        if is_cut_short {
            for topic in self.intake.oracle.sources() {
                unknown
                    .insert(topic.to_owned(), "the run was broken off before its results were waited for".to_owned());
            }
        }
        let Self { intake, mut consumer, slots, .. } = self;
        let (oracle, mut schemas, topics, partitions) = intake.into_parts();
        let (mut reports, explainer) = oracle.end(unix_ms(), &unknown);
        let (consumer, schemas) = (&mut consumer, &mut schemas);
        let mut again = Again { consumer, schemas, slots: &slots, topics: &topics, partitions };
        if let Some(explainer) = again.read(explainer, control) {
            explainer.explain(&mut reports);
        }
        reports
    }

    /// Sends the events that close the last windows, where they are wanted and their time has come; whether results are to be waited for
    /// from now on only: what closes them has not been sent.
    fn close_windows(&mut self, control: &Control) -> bool {
        let Some(closer) = self.closer.as_mut().filter(|_| self.intake.unread().is_empty()) else { return false };
        let was_done = closer.is_done();
        if was_done && (!closer.is_due() || self.intake.is_settled()) {
            return false;
        }
        match closer.go_on(&mut self.intake) {
            Ok(true) => self.set_targets(control),
            Ok(false) => {}
            Err(code) => {
                tracing::warn!(
                    "the events that close the last windows could not be sent ({code}): the windows stay open"
                );
                self.closer = None;
            }
        }
        !was_done
    }

    /// How many records were taken, and whether one was judged that is of an output.
    fn take(&mut self) -> (usize, bool) {
        let Self { consumer, intake, .. } = self;
        let mut has_output = intake.take_up_held();
        let (mut at, most) = (None, if intake.is_full() { 0 } else { BATCH });
        let taken = consumer.take(most, |delivered| {
            let at = *at.get_or_insert_with(|| Nanos(wall_unix_ns()));
            has_output |= intake.deliver(delivered, at);
        });
        consumer.notices(|_| {});
        (taken, has_output)
    }

    /// The input that has been written by now is what results are expected of.
    fn set_targets(&mut self, control: &Control) {
        let slots: Vec<i32> = (0..self.slots.len()).collect();
        let wait = Wait { timeout: ASK, given_up: &|| control.is_aborted() };
        for (state, ends) in self.intake.partitions.iter_mut().zip(self.consumer.ends("", &slots, wait)) {
            state.target = ends.ok().map(|ends| ends.high);
        }
    }

    fn complain(&mut self) {
        if !self.has_complained
            && let Some(complaint) = self.intake.oracle.complaint()
        {
            self.has_complained = true;
            tracing::warn!("{complaint}");
        }
    }
}

/// By the verifier's slot, the one that stands for the same partition here, where what it reads is taken from it.
fn shared_slots(verifier: &Slots, own: &Slots, partitions: &[Partition]) -> Vec<Option<i32>> {
    let shared = |slot: i32| {
        let (name, partition) = verifier.place(slot)?;
        let slot = own.slot(name.as_bytes(), partition)?;
        partitions.get(usize::try_from(slot).ok()?)?.fed_from.map(|_| slot)
    };
    (0..verifier.len()).map(shared).collect()
}

fn unix_ms() -> i64 {
    i64::try_from(wall_unix_ns() / 1_000_000).unwrap_or(i64::MAX)
}
