//! The reading side: takes back every record, checks it, and tells the ledger what it saw.
//!
//! It reads by assignment from the ends of the partitions as they were before the run, so it sees each record that the run
//! writes and joins no group. It never jumps silently: what it could not read is booked and reported.

pub mod book;
pub mod by_schema;
mod ending;
mod ends;
pub mod findings;
pub mod group;
mod inspect;
pub mod look_up;
mod order;
mod partition;
pub mod reader;
mod resets;
mod sequences;
pub mod topic_book;
pub mod topics;
mod turn;
mod unjudged;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Anchor, Clock, Nanos};
use crate::control::{Control, Traffic};
use crate::kafka::errors::ErrorLog;
use crate::kafka::{Code, Delivered, KafkaError, Watermarks};
use crate::measure::{FindingCounts, Presence, ReadThrottle, Recorder};
use crate::settings::run::Patience;
use book::Book;
pub use ending::{Drain, EndedBy, Request, Until, VerifierEnd};
pub use findings::Findings;
pub use inspect::{Damaged, Duplicate, Inspected, Inspector};
pub use order::{Late, Overtaking, Place};
use partition::advance;
pub use partition::{PartitionState, Truncation};
use reader::Reader;
use resets::Resets;
use topics::Topics;
pub(crate) use unjudged::{Item, Unjudged, UnjudgedRecord};

/// Records taken at once, at most.
const BATCH: usize = 1000;
/// The longest wait without looking at the run's state.
const WAIT: Duration = Duration::from_millis(50);
/// The longest wait for the end of a partition whose log was cut off to come as far as what was acked there.
const GRACE: Duration = Duration::from_secs(5);
/// The longest wait of a reader of its own accord: a group asks for the topics' ids before it commits.
const OF_READER: Nanos = Nanos::from_secs(1);
/// The longest wait for an answer about a partition's offsets.
const ASK: Duration = Duration::from_secs(5);

/// The verifier of a run, reading on a thread of its own.
#[derive(Debug)]
pub struct Verifier<C, B> {
    topic: String,
    reader: Box<dyn Reader>,
    inspector: Inspector<B>,
    clock: C,
    recorder: Recorder,
    /// What the recorder knows of what was found.
    told: FindingCounts,
    control: Arc<Control>,
    traffic: Arc<Traffic>,
    drain: Arc<Drain>,
    topics: Arc<Topics>,
    patience: Patience,
    partitions: Vec<PartitionState>,
    held: Unjudged,
    errors: ErrorLog,
    throttle: ReadThrottle,
    until: Until,
    /// Records taken, and when the last one was.
    records: u64,
    last_record: Nanos,
    /// When this thread ran: what it did not read while it did not is no partition's silence.
    presence: Presence,
    /// How long what was asked of the cluster in this turn may have taken.
    asking: Nanos,
    denied: Option<Code>,
    resets: Resets,
    /// Partitions whose ends are not known, or lie before what was acked or read, each since when; and when they are asked for
    /// next.
    short: BTreeMap<i32, Nanos>,
    ask_short_at: Nanos,
}

/// What a verifier needs beside its consumer.
#[derive(Debug)]
pub struct Setup<C> {
    /// The topic.
    pub topic: String,
    /// The run's clock.
    pub clock: C,
    /// Its shard.
    pub recorder: Recorder,
    /// The run's end.
    pub control: Arc<Control>,
    /// What is on its way.
    pub traffic: Arc<Traffic>,
    /// How its end is asked for.
    pub drain: Arc<Drain>,
    /// From when on a partition that is not read stalls.
    pub patience: Patience,
    /// The topics with their ids.
    pub topics: Arc<Topics>,
}

impl<C: Clock, B: Book> Verifier<C, B> {
    /// Stands at the end of each partition, ready to read: returns when every partition has answered.
    ///
    /// # Errors
    /// Where a partition does not answer within `timeout`.
    pub fn position(
        setup: Setup<C>,
        reader: Box<dyn Reader>,
        inspector: Inspector<B>,
        starts: &[Watermarks],
        timeout: Duration,
        given_up: &dyn Fn() -> bool,
    ) -> Result<Self, KafkaError> {
        let ends: Vec<(i64, i64)> = starts.iter().map(|marks| (marks.high, marks.low)).collect();
        let mut verifier = Self::new(setup, reader, inspector, &ends, Until::default())?;
        verifier.wait_until_positioned(timeout, given_up)?;
        Ok(verifier)
    }

    /// Reads from these offsets on, given for each partition with the start of its log, and waits for nobody.
    ///
    /// # Errors
    /// Where the client refuses.
    pub fn new(
        setup: Setup<C>,
        mut reader: Box<dyn Reader>,
        inspector: Inspector<B>,
        starts: &[(i64, i64)],
        until: Until,
    ) -> Result<Self, KafkaError> {
        let assigned: Vec<(i32, i64)> = (0_i32..).zip(starts.iter().map(|(from, _)| *from)).collect();
        reader.assign(&setup.topic, &assigned)?;
        let state = |(from, low): &(i64, i64)| PartitionState {
            from: *from,
            position: *from,
            told: *from,
            log_start: *low,
            ..PartitionState::default()
        };
        let Setup { topic, clock, recorder, control, traffic, drain, topics, patience } = setup;
        Ok(Self {
            last_record: clock.now(),
            topic,
            reader,
            inspector,
            clock,
            recorder,
            told: FindingCounts::default(),
            control,
            traffic,
            drain,
            topics,
            patience,
            partitions: starts.iter().map(state).collect(),
            held: Unjudged::default(),
            errors: ErrorLog::default(),
            throttle: ReadThrottle::default(),
            until,
            records: 0,
            presence: Presence::default(),
            asking: OF_READER,
            denied: None,
            resets: Resets::default(),
            short: BTreeMap::new(),
            ask_short_at: Nanos::ZERO,
        })
    }

    /// Goes over to the run's own clock, whose zero has come.
    pub fn start(&mut self, clock: C, anchor: Anchor) {
        self.last_record = clock.now();
        self.clock = clock;
        self.inspector.start(anchor);
    }

    /// A partition answers with its end, or with what another producer wrote in the meantime.
    fn wait_until_positioned(&mut self, timeout: Duration, given_up: &dyn Fn() -> bool) -> Result<(), KafkaError> {
        let deadline = std::time::Duration::from(self.clock.now()) + timeout;
        let mut silent: std::collections::BTreeSet<i32> = (0_i32..).take(self.partitions.len()).collect();
        let mut last = Code::OperationTimedOut;
        while !silent.is_empty() || !self.reader.is_settled() {
            let partition = silent.first().copied().unwrap_or_default();
            if Duration::from(self.clock.now()) >= deadline || given_up() {
                if let Some(error) = self.reader.unsettled(timeout) {
                    return Err(error);
                }
                let topic = self.topic.clone();
                return Err(KafkaError::PartitionUnavailable { topic, partition, waited: timeout, code: last });
            }
            let mut heard = Vec::new();
            self.reader
                .wait(WAIT)
                .map_err(|error| KafkaError::Create(format!("waiting for the first records: {error}")))?;
            let mut shard = self.recorder.open();
            let at = self.clock.now();
            self.reader.take(BATCH, &mut |delivered| match delivered {
                Delivered::EndOfPartition { partition, offset } => {
                    heard.push(partition);
                    advance(&mut self.partitions, partition, offset);
                }
                Delivered::Record(record) => {
                    heard.push(record.partition);
                    let reread = !advance(&mut self.partitions, record.partition, record.offset + 1);
                    self.inspector.inspect(&record, reread, at, &mut shard);
                }
                Delivered::Error { code, .. } => last = code,
            });
            if last == Code::TopicAuthorizationFailed {
                return Err(KafkaError::Refused { what: format!("reading topic \"{}\"", self.topic), code: last });
            }
            drop(shard);
            for partition in heard {
                silent.remove(&partition);
            }
            self.hear();
            if let Some(refusal) = self.reader.refusal() {
                return Err(KafkaError::Refused {
                    what: format!("joining the group ({})", refusal.text),
                    code: refusal.code,
                });
            }
        }
        Ok(())
    }

    /// Reads until it is asked to end and has read all there is, or its deadline has passed.
    pub fn run(mut self) -> VerifierEnd<B> {
        let mut request = None;
        let mut turn_began = self.clock.now();
        let by = loop {
            let turn_before = std::mem::replace(&mut turn_began, self.clock.now());
            let taken = self.take();
            self.serve();
            if self.control.is_aborted() {
                break EndedBy::Abort;
            }
            if self.topics.made_anew().is_some() {
                break EndedBy::Anew;
            }
            if let Some(by) = self.has_ended(taken) {
                if matches!(by, EndedBy::Denied(_) | EndedBy::Refused(_)) {
                    // What is sent from here on nobody reads.
                    self.control.stop_at(self.clock.now());
                }
                break by;
            }
            if let Some(asked) = self.drain.asked() {
                self.reader.drain();
                self.set_targets(&asked);
                // It was asked for since the turn before.
                request = Some((asked, turn_before));
            }
            if let Some((request, since)) = &request {
                self.ask_short_again(self.put_off(request.deadline, *since));
            }
            // Whatever was asked of the cluster just now, this thread waited for it.
            self.presence.here(self.clock.now(), std::mem::replace(&mut self.asking, OF_READER));
            if let Some((request, since)) = &request
                && (self.unfinished().is_empty() || self.is_over(request, *since))
            {
                break EndedBy::Request;
            }
            if self.held.is_full() {
                // The client has more, and there is no room for it.
                self.clock.sleep_until(self.clock.now() + Nanos::from(WAIT));
            } else if taken < BATCH
                && let Err(error) = self.reader.wait(WAIT)
            {
                self.note_error(Code::Fail, &error.to_string());
                self.clock.sleep_until(self.clock.now() + Nanos::from_millis(1));
            }
        };
        if request.is_some() {
            self.ask_once_more();
        } else {
            self.set_targets(&Request { deadline: self.clock.now() + Nanos::from(ASK), ..Request::default() });
        }
        self.end_short(by);
        self.note_silence();
        let unfinished = self.unfinished();
        for (partition, state) in (0_i32..).zip(&mut self.partitions) {
            state.is_held = self.reader.holds(partition);
        }
        self.inspector.end_without(&self.held);
        let (inspected, book) = self.inspector.end();
        let refusal = self.reader.refusal();
        let Self { partitions, errors, throttle, records, last_record, .. } = self;
        VerifierEnd { by, records, last_record, book, partitions, inspected, unfinished, errors, throttle, refusal }
    }
}

#[cfg(test)]
mod tests;
