//! What a lane is made of, and how it ends.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ceiling::Ceiling;
use super::reasons::Reasons;
use super::rhythm::Rhythm;
use super::transaction::TransactionPlan;
use crate::clock::Nanos;
use crate::control::{Control, Traffic};
use crate::event::catalogue::{TypeIndex, Version};
use crate::event::encode::Encoder;
use crate::event::rollout::Rollout;
use crate::kafka::errors::ErrorLog;
use crate::kafka::slots::Slots;
use crate::kafka::{Code, describe};
use crate::ledger::Waiting;
use crate::ledger::answers::LaneAnswers;
use crate::ledger::unstamped::LaneUnstamped;
use crate::measure::Recorder;
use crate::schedule::Schedule;
use crate::settings::recording::EventTime;
use crate::settings::run::{Lateness, Pacing, Patience};
use crate::source::{LaneSource, Late, Teller};

/// What a lane works with, beside its publisher and clock.
#[derive(Debug)]
pub struct Setup {
    /// Its number.
    pub number: u16,
    /// How many events it can number.
    pub room: u64,
    /// Its events.
    pub source: LaneSource,
    /// When they are due.
    pub schedule: Arc<Schedule>,
    /// Where they get their values from.
    pub teller: Teller,
    /// Writes them.
    pub encoder: Encoder,
    /// Headers that each of its records has, packed.
    pub headers: Arc<[u8]>,
    /// In which versions of their schemas.
    pub rollout: Rollout,
    /// Its shard.
    pub recorder: Recorder,
    /// The run's end.
    pub control: Arc<Control>,
    /// What is on its way.
    pub traffic: Arc<Traffic>,
    /// The topics and their partitions.
    pub slots: Arc<Slots>,
    /// Whether loadgen chooses partitions, as Java does; else the client's partitioner chooses.
    pub java_placed: bool,
    /// How it waits.
    pub pacing: Pacing,
    /// Which time the bodies carry.
    pub event_time: EventTime,
    /// Which events have a time of their own that lies behind.
    pub late: Late,
    /// What happens to late events.
    pub lateness: Lateness,
    /// A ceiling shared by all lanes.
    pub ceiling: Option<Arc<Ceiling>>,
    /// How long is waited for answers.
    pub patience: Patience,
    /// How its events are cut into transactions; `None`: there are none.
    pub transactions: Option<TransactionPlan>,
    /// Messages the client's queue holds.
    pub queue: usize,
    /// How many acked, unseen events are remembered.
    pub remember: usize,
    /// Who knows events whose records carry no stamp, where they are to be known.
    pub unstamped: Option<LaneUnstamped>,
    /// Where the answers are written down, where nothing is read back.
    pub answers: Option<LaneAnswers>,
}

impl Setup {
    /// The longest wait for answers after the last event, and for the end of a transaction.
    pub(super) fn longest_wait(&self) -> Nanos {
        self.patience.flush_deadline.into()
    }
}

/// How a lane ended.
#[derive(Debug)]
pub struct LaneEnd {
    /// Acked events that nobody had seen.
    pub waiting: Waiting,
    /// The lane's first sequence in each phase.
    pub phase_starts: Vec<u64>,
    /// The highest acked offset of each partition.
    pub highest_acked: Vec<Option<i64>>,
    /// Due time of the first event.
    pub first_due: Option<Nanos>,
    /// Due time of the last event drawn.
    pub last_due: Nanos,
    /// When the last event was handed over.
    pub last_sent: Nanos,
    /// Events without an answer when the lane gave up.
    pub unanswered: u64,
    /// Whether counting what had come due before the stop was itself cut short.
    pub uncounted: bool,
    /// What ended the lane before its schedule did.
    pub error: Option<LaneError>,
    /// What its client said that went wrong.
    pub errors: ErrorLog,
    /// How many events were handed over in other versions than their types' own.
    pub sent_as: BTreeMap<(TypeIndex, Version), u64>,
    /// Why events were not acked, as stretches of sequences.
    pub reasons: Reasons,
    /// How the recorded gaps were kept, where the schedule has them.
    pub rhythm: Option<Rhythm>,
}

/// What ends a lane before its schedule does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LaneError {
    /// The topic or the partition is no longer there.
    #[error("the topic or one of its partitions is gone: {}", describe(*.0))]
    TopicGone(Code),
    /// The client has no right to write to the topic.
    #[error("writing to the topic is not allowed: {}", describe(*.0))]
    NotAllowed(Code),
    /// The producer cannot go on.
    #[error("the producer failed for good: {text} ({code})", text = .1, code = describe(*.0))]
    Fatal(Code, String),
    /// A transaction could be neither begun nor ended.
    #[error("the transactional producer cannot go on: {0}")]
    Transaction(String),
    /// An event was later than `--on-lag abort` allows.
    #[error("an event was {0} late, more than --max-slip allows")]
    TooLate(Nanos),
    /// The sequence numbers have run out.
    #[error("a lane has numbered {0} events, which is all it can: a new run goes on from there")]
    SequencesUsedUp(u64),
}
