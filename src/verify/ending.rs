//! How reading ends: who asks for it, what must have been read before, and what is told then.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Verifier;
use super::book::Book;
use super::inspect::Inspected;
use super::partition::PartitionState;
use crate::clock::{Clock, Nanos};
use crate::kafka::errors::ErrorLog;
use crate::kafka::{Code, Refusal};
use crate::measure::{ReadThrottle, Shard, Side, Stall};
use crate::settings::run::Patience;

/// How much longer than it may be idle a verifier waits for a cluster that does not say whether there is more.
const SILENCE: Duration = Duration::from_secs(60);

/// How long a thread that was stopped reads before it may say that nothing was left.
const LOOK: Duration = Duration::from_secs(1);

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

    pub(super) fn asked(&self) -> Option<Request> {
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
    /// What it was given could not be judged for longer than that: a schema is not known.
    Unjudged,
    /// It had no partition for longer than that: others of its group have them, or the coordinator waits for some that are gone.
    Unassigned,
    /// It has read as many records as were asked for.
    Records,
    /// It may not read, or what it read is gone.
    Denied(Code),
    /// The group does not take it, or has given its place to another.
    Refused(Code),
    /// A topic was deleted and made anew: what it had read is not what is there.
    Anew,
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
    /// What its client said that went wrong.
    pub errors: ErrorLog,
    /// How long brokers told its client to hold back.
    pub throttle: ReadThrottle,
    /// Why the group does not have it any more, where that ended it.
    pub refusal: Option<Refusal>,
}

/// Notes the stretches in which a partition was not read although the thread was there to read it.
pub(super) fn note_silence(
    shard: &mut Shard,
    stretches: impl Iterator<Item = (Nanos, Nanos)>,
    partition: usize,
    patience: &Patience,
    ended: bool,
) {
    for (from, until) in stretches {
        let gap = until - from;
        if let Some(counts) = shard.partitions.get_mut(partition) {
            counts.longest_read_gap = counts.longest_read_gap.max(gap);
        }
        if gap >= patience.stall_threshold.into() {
            shard.record_stall(Stall { side: Side::Read, partition, from, until, ended });
        }
    }
}

impl<C: Clock, B: Book> Verifier<C, B> {
    /// Partitions in which acked events were still unread at the end.
    pub(super) fn note_silence(&mut self) {
        let now = self.clock.now();
        let mut shard = self.recorder.open();
        for (index, (partition, state)) in (0_i32..).zip(&self.partitions).enumerate() {
            if self.traffic.has_unread(partition, state.seen) {
                let there = self.presence.within(state.last_read, now);
                note_silence(&mut shard, there, index, &self.patience, false);
            }
        }
    }

    /// Whether it is time to end by itself.
    pub(super) fn has_ended(&self, taken: usize) -> Option<EndedBy> {
        if let Some(code) = self.denied.filter(|code| self.until.denied || *code == Code::TopicAuthorizationFailed) {
            return Some(EndedBy::Denied(code));
        }
        if let Some(refusal) = self.reader.refusal() {
            return Some(EndedBy::Refused(refusal.code));
        }
        if self.until.records.is_some_and(|most| self.records >= most) {
            let since = self.presence.time(self.last_record, self.clock.now());
            return (self.held.is_empty() || Duration::from(since) >= SILENCE).then_some(EndedBy::Records);
        }
        let idle = self.until.idle.filter(|_| taken == 0)?;
        // A time in which nobody was there to read is no silence, and what came in it is given only afterwards.
        let now = self.clock.now();
        let silent_for = Duration::from(self.presence.time(self.last_record, now));
        let has_looked = Duration::from(self.presence.unbroken(now)) >= idle.min(LOOK) || silent_for >= idle + SILENCE;
        // Partitions of others say nothing of what is left to read; without any of its own this reader does not know.
        let mut own = (0_i32..).zip(&self.partitions).filter(|(partition, _)| self.reader.holds(*partition)).peekable();
        let has_some = own.peek().is_some();
        if silent_for >= idle && has_looked && has_some && own.all(|(_, state)| state.at_end) {
            return Some(EndedBy::Idle);
        }
        let by = if !self.held.is_empty() {
            EndedBy::Unjudged
        } else if has_some {
            EndedBy::Silence
        } else {
            EndedBy::Unassigned
        };
        (silent_for >= idle + SILENCE).then_some(by)
    }

    /// A deadline that was set at `since`, put off by as long as this thread has not run since then.
    pub(super) fn put_off(&self, deadline: Nanos, since: Nanos) -> Nanos {
        let now = self.clock.now();
        deadline + now.saturating_since(since).saturating_since(self.presence.time(since, now))
    }

    /// Whether the time for what was asked for at `since` is up, of the time in which this thread ran.
    pub(super) fn is_over(&self, request: &Request, since: Nanos) -> bool {
        let now = self.clock.now();
        now >= self.put_off(request.deadline, since)
            && self.presence.time(self.last_record, now) >= Nanos::from(request.patience)
    }
}
