//! The reading side: takes back every record, checks it, and tells the ledger what it saw.
//!
//! It reads by assignment from the ends of the partitions as they were before the run, so it sees each record that the run
//! writes and joins no group. It never jumps silently: what it could not read is booked and reported.

pub mod book;
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

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::{Anchor, Clock, Nanos};
use crate::control::{Control, Traffic};
use crate::kafka::{Code, Delivered, KafkaError, Notice, Watermarks, lacks_right};
use crate::measure::{Found, Recorder, Side, Stall};
use book::Book;
pub use findings::Findings;
pub use inspect::{Damaged, Duplicate, Inspected, Inspector};
pub use order::{Late, Place};
pub use partition::{PartitionState, Truncation};
use partition::{advance, state_of};
use reader::Reader;
use resets::Resets;

/// Records taken at once, at most.
const BATCH: usize = 1000;
/// The longest wait without looking at the run's state.
const WAIT: Duration = Duration::from_millis(50);
/// The longest wait for the end of a partition to come as far as what was acked there.
const GRACE: Duration = Duration::from_secs(5);
/// How much longer than it may be idle a verifier waits for a cluster that does not say whether there is more.
const SILENCE: Duration = Duration::from_secs(60);
/// The longest wait for an answer about a partition's offsets.
const ASK: Duration = Duration::from_secs(5);

/// How the end of reading is asked for.
#[derive(Debug, Default)]
pub struct Drain {
    requested: AtomicBool,
    request: Mutex<Option<Request>>,
}

/// What must have been read before the verifier may end.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The highest acked offset of each partition.
    pub highest_acked: Vec<Option<i64>>,
    /// When to give up.
    pub deadline: Nanos,
    /// Not before so long after the last record.
    pub patience: Duration,
}

impl Drain {
    /// Asks the verifier to read up to the end and stop.
    pub fn request(&self, request: Request) {
        *self.request.lock().unwrap_or_else(PoisonError::into_inner) = Some(request);
        self.requested.store(true, Ordering::Release);
    }

    fn asked(&self) -> Option<Request> {
        if !self.requested.load(Ordering::Acquire) {
            return None;
        }
        self.request.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// When a verifier ends by itself; without any of these, when it is asked to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Until {
    /// Nothing was left to read for so long.
    pub idle: Option<Duration>,
    /// So many records have been read.
    pub records: Option<u64>,
    /// It may not read, or a topic is gone.
    pub denied: bool,
}

/// Why a verifier ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// It was asked to, and has read what was asked for, or its time was up.
    Request,
    /// It was told to end every wait.
    Abort,
    /// Nothing was left to read for as long as was said.
    Idle,
    /// Nothing came for longer than that, though the ends of the partitions are not known.
    Silence,
    /// It has read as many records as were asked for.
    Records,
    /// It may not read, or what it read is gone.
    Denied(Code),
}

/// How the verifier ended.
#[derive(Debug)]
pub struct VerifierEnd<B> {
    /// Why.
    pub by: EndedBy,
    /// Records it was given, read again or not.
    pub records: u64,
    /// When it was given the last of them.
    pub last_record: Nanos,
    /// Whose events they were.
    pub book: B,
    /// The partitions.
    pub partitions: Vec<PartitionState>,
    /// What was found.
    pub inspected: Inspected,
    /// Partitions that were not read to their target in time.
    pub unfinished: Vec<i32>,
    /// Client errors by name, with how often and the last words.
    pub errors: BTreeMap<String, (u64, String)>,
}

/// The verifier of a run, reading on a thread of its own.
#[derive(Debug)]
pub struct Verifier<C, R, B> {
    topic: String,
    reader: R,
    inspector: Inspector<B>,
    clock: C,
    recorder: Recorder,
    /// What the recorder knows of what was found.
    told: Found,
    control: Arc<Control>,
    traffic: Arc<Traffic>,
    drain: Arc<Drain>,
    read_committed: bool,
    stall_threshold: Nanos,
    partitions: Vec<PartitionState>,
    errors: BTreeMap<String, (u64, String)>,
    until: Until,
    /// Records taken, and when the last one was.
    records: u64,
    last_record: Nanos,
    denied: Option<Code>,
    resets: Resets,
    /// Partitions whose logs may be too short, each with the time when it is taken for that, and when their ends are asked
    /// for next.
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
    /// From how long on a partition that is not read stalls.
    pub stall_threshold: Nanos,
    /// Whether only committed records are read: then a partition's end is that of what is settled, and what was acked may
    /// lie past it for a while.
    pub read_committed: bool,
}

impl<C: Clock, R: Reader, B: Book> Verifier<C, R, B> {
    /// Stands at the end of each partition, ready to read: returns when every partition has answered.
    ///
    /// # Errors
    /// Where a partition does not answer within `timeout`.
    pub fn position(
        setup: Setup<C>,
        reader: R,
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
        mut reader: R,
        inspector: Inspector<B>,
        starts: &[(i64, i64)],
        until: Until,
    ) -> Result<Self, KafkaError> {
        let assigned: Vec<(i32, i64)> = (0_i32..).zip(starts.iter().map(|(from, _)| *from)).collect();
        reader.assign(&setup.topic, &assigned)?;
        let state = |(from, low): &(i64, i64)| PartitionState {
            from: *from,
            position: *from,
            log_start: *low,
            ..PartitionState::default()
        };
        let Setup { topic, clock, recorder, control, traffic, drain, read_committed, stall_threshold } = setup;
        Ok(Self {
            last_record: clock.now(),
            topic,
            reader,
            inspector,
            clock,
            recorder,
            told: Found::default(),
            control,
            traffic,
            drain,
            read_committed,
            stall_threshold,
            partitions: starts.iter().map(state).collect(),
            errors: BTreeMap::new(),
            until,
            records: 0,
            denied: None,
            resets: Resets::default(),
            short: BTreeMap::new(),
            ask_short_at: Nanos::ZERO,
        })
    }

    /// Goes over to the run's own clock.
    pub fn start(&mut self, clock: C, anchor: Anchor) {
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
            for partition in heard {
                silent.remove(&partition);
            }
        }
        Ok(())
    }

    /// Reads until it is asked to end and has read all there is, or its deadline has passed.
    pub fn run(mut self) -> VerifierEnd<B> {
        let mut request = None;
        let by = loop {
            let taken = self.take();
            self.serve();
            if self.control.is_aborted() {
                break EndedBy::Abort;
            }
            if let Some(by) = self.has_ended(taken) {
                break by;
            }
            if let Some(asked) = self.drain.asked() {
                self.reader.drain();
                self.set_targets(&asked);
                request = Some(asked);
            }
            self.ask_short_again();
            if let Some(request) = &request
                && (self.unfinished().is_empty()
                    || self.clock.now() >= request.deadline.max(self.last_record + Nanos::from(request.patience)))
            {
                break EndedBy::Request;
            }
            if taken < BATCH
                && let Err(error) = self.reader.wait(WAIT)
            {
                self.note_error("wait".to_owned(), error.to_string());
                self.clock.sleep_until(self.clock.now() + Nanos::from_millis(1));
            }
        };
        if request.is_none() {
            let patience = if by == EndedBy::Abort { Nanos::ZERO } else { Nanos::from(ASK) };
            self.set_targets(&Request { deadline: self.clock.now() + patience, ..Request::default() });
        }
        self.short.keys().for_each(|partition| {
            if let Some(state) = state_of(&mut self.partitions, *partition) {
                state.give_short_up();
            }
        });
        self.note_silence();
        let unfinished = self.unfinished();
        for (partition, state) in (0_i32..).zip(&mut self.partitions) {
            state.is_held = self.reader.holds(partition);
        }
        let (inspected, book) = self.inspector.end();
        let Self { partitions, errors, records, last_record, .. } = self;
        VerifierEnd { by, records, last_record, book, partitions, inspected, unfinished, errors }
    }

    /// Partitions in which acked events were still unread at the end.
    fn note_silence(&mut self) {
        let now = self.clock.now();
        let mut shard = self.recorder.open();
        for (index, (partition, state)) in (0_i32..).zip(&self.partitions).enumerate() {
            let gap = now - state.last_read;
            if !self.traffic.has_unread(partition, state.seen) {
                continue;
            }
            if let Some(counts) = shard.partitions.get_mut(index) {
                counts.longest_read_gap = counts.longest_read_gap.max(gap);
            }
            if gap >= self.stall_threshold {
                let (from, until) = (state.last_read, now);
                shard.record_stall(Stall { side: Side::Read, partition: index, from, until, ended: false });
            }
        }
    }

    /// Whether it is time to end by itself.
    fn has_ended(&self, taken: usize) -> Option<EndedBy> {
        if let Some(code) = self.denied.filter(|_| self.until.denied) {
            return Some(EndedBy::Denied(code));
        }
        if self.until.records.is_some_and(|most| self.records >= most) {
            return Some(EndedBy::Records);
        }
        let idle = self.until.idle.filter(|_| taken == 0)?;
        let silent_for = Duration::from(self.clock.now() - self.last_record);
        let at_end = |(partition, state): (i32, &PartitionState)| state.at_end || !self.reader.holds(partition);
        if silent_for >= idle && (0_i32..).zip(&self.partitions).all(at_end) {
            return Some(EndedBy::Idle);
        }
        (silent_for >= idle + SILENCE).then_some(EndedBy::Silence)
    }

    fn take(&mut self) -> usize {
        let left = self.until.records.map_or(BATCH as u64, |most| most - self.records);
        let most = usize::try_from(left).unwrap_or(BATCH).min(BATCH);
        let Self {
            reader,
            inspector,
            clock,
            recorder,
            told,
            traffic,
            partitions,
            errors,
            resets,
            short,
            read_committed,
            stall_threshold,
            records,
            last_record,
            denied,
            ..
        } = self;
        let mut shard = recorder.open();
        let (mut first, before) = (None, *records);
        let taken = reader.take(most, &mut |delivered| {
            // One clock read a batch, before anything is parsed: parsing must not count as latency.
            let at = *first.get_or_insert_with(|| {
                let now = clock.now();
                inspector.begin_batch(now);
                now
            });
            match delivered {
                Delivered::Record(record) => {
                    *records += 1;
                    resets.heard(record.partition);
                    if let Some(state) = state_of(partitions, record.partition) {
                        state.jumped += u64::try_from(record.offset - state.position).unwrap_or(0);
                    }
                    let reread = !advance(partitions, record.partition, record.offset + 1);
                    let bytes = record.body.map_or(0, <[u8]>::len) + record.key.map_or(0, <[u8]>::len);
                    traffic.read(record.partition, 1, bytes as u64);
                    if let Some(state) = state_of(partitions, record.partition) {
                        state.at_end = false;
                        if state.note_epoch(record.leader_epoch, record.offset) {
                            shard.leader_changes.push(record.partition);
                        }
                        if inspector.inspect(&record, reread, at, &mut shard) {
                            state.seen += 1;
                        }
                        let gap = at - std::mem::replace(&mut state.last_read, at);
                        if let Some(counts) = shard.partitions.get_mut(usize::try_from(record.partition).unwrap_or(0)) {
                            counts.longest_read_gap = counts.longest_read_gap.max(gap);
                        }
                        if gap >= *stall_threshold
                            && let Ok(partition) = usize::try_from(record.partition)
                        {
                            shard.record_stall(Stall {
                                side: Side::Read,
                                partition,
                                from: at - gap,
                                until: at,
                                ended: true,
                            });
                        }
                    }
                }
                Delivered::EndOfPartition { partition, offset } => {
                    resets.heard(partition);
                    advance(partitions, partition, offset);
                    if let Some(state) = state_of(partitions, partition) {
                        state.at_end = true;
                        // It may have been cut off since its end was asked for.
                        if !*read_committed && state.target.is_some_and(|target| offset < target) {
                            short.entry(partition).or_insert(at + Nanos::from(GRACE));
                        }
                    }
                }
                Delivered::Error { partition, code: Code::AutoOffsetReset | Code::LogTruncation, .. } => {
                    resets.note(partition);
                }
                Delivered::Error { partition, code, .. } => {
                    if lacks_right(code) || matches!(code, Code::UnknownTopicOrPartition | Code::UnknownTopic) {
                        *denied = Some(code);
                    }
                    let (count, last) = errors.entry(format!("{code:?}")).or_default();
                    *count += 1;
                    *last = format!("partition {partition}");
                }
            }
        });
        let found = inspector.found();
        shard.found.add(found.since(std::mem::replace(told, found)));
        // A partition in which nothing waits to be read is idle, not stalled.
        let now = first.unwrap_or_else(|| clock.now());
        if *records > before {
            *last_record = now;
        }
        for (partition, state) in (0_i32..).zip(partitions.iter_mut()) {
            // What others read is no debt of this reader's.
            traffic.stands_at(partition, if reader.holds(partition) { state.position } else { i64::MAX });
            if !traffic.has_unread(partition, state.seen) {
                state.last_read = now;
            }
        }
        taken
    }

    fn serve(&mut self) {
        let errors = &mut self.errors;
        self.reader.notices(&mut |notice| match notice {
            Notice::Error { code, text, .. } => {
                let (count, last) = errors.entry(format!("{code:?}")).or_default();
                *count += 1;
                *last = text;
            }
            Notice::Log { level, facility, text } => {
                tracing::debug!(target: "librdkafka", level, facility, "{text}");
            }
            Notice::Statistics(_) => {}
        });
        let resets = self.resets.due(self.clock.now());
        if resets.is_empty() {
            return;
        }
        for partition in &resets {
            self.skip_to_log_start(*partition);
        }
        let resets: Vec<i32> = resets.into_iter().collect();
        let positions: Vec<(i32, i64)> = (0_i32..).zip(self.partitions.iter().map(|state| state.position)).collect();
        if let Err(error) = self.reader.resume(&self.topic, &positions, &resets) {
            self.note_error("resume".to_owned(), error.to_string());
        }
    }

    /// The position is no longer in the log: what lies below its start is gone, and reading goes on there.
    fn skip_to_log_start(&mut self, partition: i32) {
        match self.reader.watermarks(&self.topic, partition, ASK) {
            Ok(marks) => {
                let Some(state) = state_of(&mut self.partitions, partition) else { return };
                if state.position >= marks.low {
                    // Not retention: the log no longer holds what was read, or what came after it.
                    state.truncation.get_or_insert(Truncation::Position);
                }
                state.log_start = marks.low;
                let next = if state.position > marks.high { marks.high } else { state.position.max(marks.low) };
                state.skipped += u64::try_from(next - state.position).unwrap_or(0);
                state.position = next;
                if state.target.is_some_and(|target| marks.high < target) {
                    self.short.entry(partition).or_insert(self.clock.now() + Nanos::from(GRACE));
                }
                tracing::warn!(
                    partition,
                    from = next,
                    "the log no longer has the verifier's position; it goes on from here"
                );
            }
            Err(code) => {
                // Asked again on the next turn.
                self.resets.note(partition);
                self.note_error(format!("{code:?}"), format!("watermarks of partition {partition}"));
            }
        }
    }

    fn note_error(&mut self, name: String, text: String) {
        let (count, last) = self.errors.entry(name).or_default();
        *count += 1;
        *last = text;
    }
}
