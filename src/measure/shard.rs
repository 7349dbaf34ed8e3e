//! Counters and histograms of one thread: by phase, type and partition.

use super::AbortCause;
use super::LatencyHistogram;
use crate::clock::Nanos;
use crate::event::catalogue::TypeIndex;
use crate::report::TransactionCounts;
use crate::report::latency::Kind;

/// Counters and histograms of one thread, or of several added up.
#[derive(Clone, Debug, Default)]
pub struct Shard {
    /// Handed to the client.
    pub sent: u64,
    /// Bytes of their keys and bodies.
    pub bytes: u64,
    /// Confirmed.
    pub acked: u64,
    /// Proven not written.
    pub refused: u64,
    /// Given up by the client without proof.
    pub unanswered: u64,
    /// Of aborted transactions.
    pub aborted: u64,
    /// The transactions themselves.
    pub transactions: TransactionCounts,
    /// Why some of them had to be aborted against the plan.
    pub abort_causes: Vec<AbortCause>,
    /// How long lanes waited at their ends.
    pub waited: Nanos,
    /// First sightings.
    pub seen: u64,
    /// What the verifier found.
    pub found: FindingCounts,
    /// Partitions that were silent for long.
    pub stalls: Vec<Stall>,
    /// Errors that clients told by themselves.
    pub client_errors: u64,
    /// Partitions in which the verifier met another leader.
    pub leader_changes: Vec<i32>,
    /// Waited for room in the client's queue.
    pub blocked: Nanos,
    /// Held back for the embedded broker.
    pub held_back: Nanos,
    /// Time for which lanes were kept waiting by the ceiling, summed.
    pub capped: Nanos,
    /// How many phases at the start only warm up: their latencies are kept by phase alone.
    pub warm_ups: usize,
    /// By phase.
    pub phases: Vec<PhaseShard>,
    /// By type, indexed by its place in the catalogue.
    pub kinds: Vec<KindShard>,
    /// By partition.
    pub partitions: Vec<PartitionShard>,
}

/// What a stall is without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Acks, to a lane.
    Ack,
    /// Reads, by the verifier.
    Read,
    /// Acks, to a lane, while its client made a new connection in place of one that had been closed while it was idle.
    Connect,
}

/// A time in which a partition was silent although something waited for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// What it was without.
    pub side: Side,
    /// The partition.
    pub partition: usize,
    /// The last sign of life, or the first event that waited.
    pub from: Nanos,
    /// The next one.
    pub until: Nanos,
    /// Whether there was a next one; else what waited was given up.
    pub ended: bool,
}

/// Stalls kept of a thread between two samples, and of a run: at the default threshold a run of a day has fewer than that for
/// each of its partitions.
const MOST_STALLS: usize = 100_000;

/// What a verifier has found, by count: the running part of the report's findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FindingCounts {
    /// Events seen at a second offset.
    pub duplicates: u64,
    /// First sightings whose sequence goes back.
    pub reordered: u64,
    /// Records that break the schema.
    pub invalid: u64,
    /// Records whose content does not match their stamp: corrupt, unless a whole one of the event comes later.
    pub damaged: u64,
    /// Records of other producers.
    pub foreign: u64,
    /// Records that seemed to be seen before they were due.
    pub negative_latency: u64,
}

impl FindingCounts {
    /// What was found since `before`.
    #[must_use]
    pub const fn since(self, before: Self) -> Self {
        Self {
            duplicates: self.duplicates - before.duplicates,
            reordered: self.reordered - before.reordered,
            invalid: self.invalid - before.invalid,
            damaged: self.damaged - before.damaged,
            foreign: self.foreign - before.foreign,
            negative_latency: self.negative_latency - before.negative_latency,
        }
    }

    /// Adds what was found elsewhere, or later.
    pub const fn add(&mut self, other: Self) {
        self.duplicates += other.duplicates;
        self.reordered += other.reordered;
        self.invalid += other.invalid;
        self.damaged += other.damaged;
        self.foreign += other.foreign;
        self.negative_latency += other.negative_latency;
    }
}

/// The latencies of one phase.
#[derive(Clone, Debug, Default)]
pub struct PhaseShard {
    /// Handed to the client.
    pub sent: u64,
    /// Handed to the client, which refused them by itself.
    pub turned_away: u64,
    /// Bytes of the keys and bodies of what was sent.
    pub bytes: u64,
    /// When its last event was handed over.
    pub last_sent: Nanos,
    latencies: [LatencyHistogram; Kind::ALL.len()],
}

impl PhaseShard {
    /// Adds another phase, or the same of another thread.
    pub fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.turned_away += other.turned_away;
        self.bytes += other.bytes;
        self.last_sent = self.last_sent.max(other.last_sent);
        self.latencies.iter_mut().zip(&other.latencies).for_each(|(mine, theirs)| mine.add(theirs));
    }

    /// Its samples of a latency.
    #[must_use]
    pub const fn latency(&self, kind: Kind) -> &LatencyHistogram {
        &self.latencies[kind as usize]
    }

    /// Its samples of a latency, to record another one.
    pub const fn latency_mut(&mut self, kind: Kind) -> &mut LatencyHistogram {
        &mut self.latencies[kind as usize]
    }

    fn clear(&mut self) {
        (self.sent, self.turned_away, self.bytes, self.last_sent) = (0, 0, 0, Nanos::ZERO);
        self.latencies.iter_mut().for_each(LatencyHistogram::clear);
    }
}

/// One event type.
#[derive(Clone, Debug, Default)]
pub struct KindShard {
    /// Handed to the client.
    pub sent: u64,
    /// First sightings with the right content.
    pub verified: u64,
    /// Records of this type that break the schema.
    pub invalid: u64,
    /// Acked - due.
    pub response_time: LatencyHistogram,
    /// Seen - due.
    pub end_to_end: LatencyHistogram,
}

impl KindShard {
    /// Its samples of a latency; `None` for those that are not kept by type.
    #[must_use]
    pub const fn latency(&self, kind: Kind) -> Option<&LatencyHistogram> {
        match kind {
            Kind::ResponseTime => Some(&self.response_time),
            Kind::EndToEnd => Some(&self.end_to_end),
            _ => None,
        }
    }
}

/// One partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PartitionShard {
    /// Handed to the client for it.
    pub sent: u64,
    /// Confirmed in it.
    pub acked: u64,
    /// First sightings in it.
    pub seen: u64,
    /// The longest time a lane waited between two acks with events outstanding.
    pub longest_ack_gap: Nanos,
    /// The longest time between two reads with acked events unread.
    pub longest_read_gap: Nanos,
}

impl Shard {
    /// An empty shard for so many phases, types of event and partitions.
    #[must_use]
    pub fn new(phases: usize, types: usize, partitions: usize) -> Self {
        Self {
            kinds: vec![KindShard::default(); types],
            phases: vec![PhaseShard::default(); phases],
            partitions: vec![PartitionShard::default(); partitions],
            ..Self::default()
        }
    }

    /// An event of that phase and type was given up without an answer.
    pub fn record_no_answer(&mut self, phase: usize, kind: TypeIndex, service: Nanos, response: Nanos) {
        if let Some(of_phase) = self.phases.get_mut(phase) {
            of_phase.latency_mut(Kind::ServiceTime).record_censored(service);
            of_phase.latency_mut(Kind::ResponseTime).record_censored(response);
        }
        if phase >= self.warm_ups
            && let Some(of_type) = self.kinds.get_mut(kind.index())
        {
            of_type.response_time.record_censored(response);
        }
    }

    /// An event of that phase and type was read for the first time.
    pub fn record_sight(&mut self, phase: usize, kind: TypeIndex, end_to_end: Nanos) {
        if let Some(of_phase) = self.phases.get_mut(phase) {
            of_phase.latency_mut(Kind::EndToEnd).record(end_to_end);
        }
        if phase >= self.warm_ups
            && let Some(of_type) = self.kinds.get_mut(kind.index())
        {
            of_type.end_to_end.record(end_to_end);
        }
    }

    /// An event of that phase and type was confirmed and never read.
    pub fn record_no_sight(&mut self, phase: usize, kind: TypeIndex, waited: Nanos) {
        if let Some(of_phase) = self.phases.get_mut(phase) {
            of_phase.latency_mut(Kind::EndToEnd).record_censored(waited);
        }
        if phase >= self.warm_ups
            && let Some(of_type) = self.kinds.get_mut(kind.index())
        {
            of_type.end_to_end.record_censored(waited);
        }
    }

    /// A partition was silent.
    pub fn record_stall(&mut self, stall: Stall) {
        if self.stalls.len() < MOST_STALLS {
            self.stalls.push(stall);
        }
    }

    /// Adds another shard to this one.
    pub fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.bytes += other.bytes;
        self.acked += other.acked;
        self.refused += other.refused;
        self.unanswered += other.unanswered;
        self.aborted += other.aborted;
        self.transactions.add(other.transactions);
        other.abort_causes.iter().for_each(|cause| AbortCause::add(&mut self.abort_causes, cause.clone()));
        self.waited += other.waited;
        self.seen += other.seen;
        self.found.add(other.found);
        let room = MOST_STALLS.saturating_sub(self.stalls.len());
        self.stalls.extend(other.stalls.iter().take(room));
        self.client_errors += other.client_errors;
        let room = MOST_STALLS.saturating_sub(self.leader_changes.len());
        self.leader_changes.extend(other.leader_changes.iter().take(room));
        self.blocked += other.blocked;
        self.held_back += other.held_back;
        self.capped += other.capped;
        grow(&mut self.phases, other.phases.len());
        for (mine, theirs) in self.phases.iter_mut().zip(&other.phases) {
            mine.add(theirs);
        }
        grow(&mut self.kinds, other.kinds.len());
        for (mine, theirs) in self.kinds.iter_mut().zip(&other.kinds) {
            mine.sent += theirs.sent;
            mine.verified += theirs.verified;
            mine.invalid += theirs.invalid;
            mine.response_time.add(&theirs.response_time);
            mine.end_to_end.add(&theirs.end_to_end);
        }
        grow(&mut self.partitions, other.partitions.len());
        for (mine, theirs) in self.partitions.iter_mut().zip(&other.partitions) {
            mine.sent += theirs.sent;
            mine.acked += theirs.acked;
            mine.seen += theirs.seen;
            mine.longest_ack_gap = mine.longest_ack_gap.max(theirs.longest_ack_gap);
            mine.longest_read_gap = mine.longest_read_gap.max(theirs.longest_read_gap);
        }
    }

    /// Sets everything to zero and keeps the memory.
    pub fn clear(&mut self) {
        self.phases.iter_mut().for_each(PhaseShard::clear);
        for kind in &mut self.kinds {
            (kind.sent, kind.verified, kind.invalid) = (0, 0, 0);
            kind.response_time.clear();
            kind.end_to_end.clear();
        }
        self.partitions.fill(PartitionShard::default());
        (self.sent, self.bytes, self.acked, self.refused, self.unanswered, self.seen) = (0, 0, 0, 0, 0, 0);
        (self.blocked, self.held_back, self.capped, self.aborted) = (Nanos::ZERO, Nanos::ZERO, Nanos::ZERO, 0);
        (self.transactions, self.waited) = (TransactionCounts::default(), Nanos::ZERO);
        self.abort_causes.clear();
        self.found = FindingCounts::default();
        self.stalls.clear();
        self.leader_changes.clear();
        self.client_errors = 0;
    }

    /// All phases that are judged as one.
    #[must_use]
    pub fn whole(&self) -> PhaseShard {
        sum(self.phases.iter().skip(self.warm_ups))
    }

    /// All phases as one, warm-ups included.
    #[must_use]
    pub fn with_warm_up(&self) -> PhaseShard {
        sum(&self.phases)
    }
}

fn sum<'a>(phases: impl IntoIterator<Item = &'a PhaseShard>) -> PhaseShard {
    let mut sum = PhaseShard::default();
    phases.into_iter().for_each(|phase| sum.add(phase));
    sum
}

fn grow<T: Clone + Default>(list: &mut Vec<T>, length: usize) {
    if list.len() < length {
        list.resize(length, T::default());
    }
}
