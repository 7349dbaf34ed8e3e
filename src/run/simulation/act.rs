//! What may happen in a simulated run beside what was planned for it.

use std::fmt;

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::IndexedRandom;

use super::forge::Forgery;
use super::plan::Plan;

/// What may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// A broker dies, and is back after that time.
    Kill { broker: usize, ms: u64 },
    /// A broker's process is stopped (SIGSTOP) for that time.
    Stop { broker: usize, ms: u64 },
    /// A broker copies nothing for that time.
    Lag { broker: usize, ms: u64 },
    /// Answers to producers are lost.
    LoseAnswers { ms: u64 },
    /// Answers to producers come after the client's patience.
    LateAnswers { ms: u64 },
    /// Answers to producers are held back, as by a quota.
    Throttle { ms: u64 },
    /// Brokers refuse what is sent as too large; `written`: although they write it.
    Refuse { written: bool, ms: u64 },
    /// The right to write is gone.
    DenyWriting { ms: u64 },
    /// The right to read is gone.
    DenyReading { ms: u64 },
    /// An administrator deletes all records up to the high watermark.
    DeleteRecords { partition: usize },
    /// The topic is deleted, and made anew after that time.
    Recreate { ms: u64 },
    /// Another producer writes records that are no events.
    Noise { partition: usize, records: usize },
    /// Somebody writes a record once more: one at an even offset with its `CreateTime`, else with another.
    Copy { partition: usize },
    /// Somebody writes a wrong record, made out of a right one.
    Forge { partition: usize, forgery: Forgery },
    /// The next record is damaged on its way into the log.
    Damage { partition: usize, forgery: Forgery },
    /// The reader's client passes over a record.
    Skip { partition: usize },
    /// The reader's client gives once more what it had given.
    StepBack { partition: usize, records: usize },
    /// The wall clock is set.
    StepWallClock { ms: i64 },
    /// Somebody presses Ctrl-C.
    Interrupt,
    /// The coordinator gives up all open transactions.
    Expire,
    /// Others take the transactional ids of the run's producers.
    Fence,
    /// Another producer's transaction hides what comes after it for that time.
    Hide { partition: usize, ms: u64 },
    /// This process is stopped (SIGSTOP) for that time.
    Pause { ms: u64 },
    /// The coordinator does not hear a member of the group for that time.
    Silence { member: usize, ms: u64 },
    /// Others take the places of the group's members; `rights`: the right to be in the group is gone.
    Expel { rights: bool },
    /// Retention takes the older half of what there is.
    Retain { partition: usize },
    /// Another producer's record names a schema that the registry tells nothing of for that time, and then does not know.
    Frame { partition: usize, ms: u64 },
    /// Compaction takes what has a later record of its key, where the topic is compacted.
    Compact { partition: usize },
    /// Brokers give readers nothing, as for a quota.
    ThrottleReading { ms: u64 },
}

impl Act {
    /// The kinds, by name.
    pub(super) const KINDS: [&'static str; 29] = [
        "kill",
        "stop",
        "lag",
        "lose answers",
        "late answers",
        "throttle",
        "refuse",
        "deny writing",
        "deny reading",
        "delete records",
        "recreate",
        "noise",
        "copy",
        "forge",
        "damage",
        "skip",
        "step back",
        "step clock",
        "interrupt",
        "expire",
        "fence",
        "hide",
        "pause",
        "silence",
        "expel",
        "retain",
        "frame",
        "compact",
        "throttle reading",
    ];

    pub(super) const fn kind(self) -> usize {
        match self {
            Self::Kill { .. } => 0,
            Self::Stop { .. } => 1,
            Self::Lag { .. } => 2,
            Self::LoseAnswers { .. } => 3,
            Self::LateAnswers { .. } => 4,
            Self::Throttle { .. } => 5,
            Self::Refuse { .. } => 6,
            Self::DenyWriting { .. } => 7,
            Self::DenyReading { .. } => 8,
            Self::DeleteRecords { .. } => 9,
            Self::Recreate { .. } => 10,
            Self::Noise { .. } => 11,
            Self::Copy { .. } => 12,
            Self::Forge { .. } => 13,
            Self::Damage { .. } => 14,
            Self::Skip { .. } => 15,
            Self::StepBack { .. } => 16,
            Self::StepWallClock { .. } => 17,
            Self::Interrupt => 18,
            Self::Expire => 19,
            Self::Fence => 20,
            Self::Hide { .. } => 21,
            Self::Pause { .. } => 22,
            Self::Silence { .. } => 23,
            Self::Expel { .. } => 24,
            Self::Retain { .. } => 25,
            Self::Frame { .. } => 26,
            Self::Compact { .. } => 27,
            Self::ThrottleReading { .. } => 28,
        }
    }

    /// One of that kind.
    pub(super) fn draw(kind: usize, plan: &Plan, rng: &mut Xoshiro256PlusPlus) -> Self {
        let ms = *[20, 100, 290, 300, 310, 600, 900, 2_000].choose(rng).unwrap_or(&100);
        let (broker, partition) = (rng.random_range(0..plan.brokers), rng.random_range(0..plan.partitions));
        let records = rng.random_range(1..=5);
        let forged = if rng.random_bool(0.4) { &Forgery::ALL[6..9] } else { &Forgery::ALL[..] };
        let forged = *forged.choose(rng).unwrap_or(&Forgery::NotJson);
        let damage = *Forgery::DAMAGES.choose(rng).unwrap_or(&Forgery::NotJson);
        match kind {
            0 => Self::Kill { broker, ms },
            1 => Self::Stop { broker, ms },
            2 => Self::Lag { broker, ms },
            3 => Self::LoseAnswers { ms },
            4 => Self::LateAnswers { ms },
            5 => Self::Throttle { ms },
            6 => Self::Refuse { written: rng.random_bool(0.2), ms },
            7 => Self::DenyWriting { ms },
            8 => Self::DenyReading { ms },
            9 => Self::DeleteRecords { partition },
            10 => Self::Recreate { ms: *[0, 0, 100, 1_000, 60_000].choose(rng).unwrap_or(&0) },
            11 => Self::Noise { partition, records },
            12 => Self::Copy { partition },
            13 => Self::Forge { partition, forgery: forged },
            14 => Self::Damage { partition, forgery: damage },
            15 => Self::Skip { partition },
            16 => Self::StepBack { partition, records },
            17 => Self::StepWallClock { ms: *[-2_000, -5, 5, 2_000].choose(rng).unwrap_or(&5) },
            18 => Self::Interrupt,
            19 => Self::Expire,
            20 => Self::Fence,
            21 => Self::Hide { partition, ms },
            22 => Self::Pause { ms },
            23 => Self::Silence { member: rng.random_range(0..3), ms },
            24 => Self::Expel { rights: rng.random_bool(0.5) },
            25 => Self::Retain { partition },
            26 => Self::Frame { partition, ms: *[0, 100, 600, 100_000].choose(rng).unwrap_or(&100) },
            27 => Self::Compact { partition },
            _ => Self::ThrottleReading { ms },
        }
    }

    /// Whether it would end the run before it has begun.
    pub(super) const fn waits_for_begin(self) -> bool {
        matches!(self, Self::Interrupt | Self::DenyReading { .. } | Self::Recreate { .. } | Self::Expel { .. })
    }

    /// How long it goes on.
    pub(super) const fn ms(self) -> u64 {
        match self {
            Self::Kill { ms, .. }
            | Self::Stop { ms, .. }
            | Self::Lag { ms, .. }
            | Self::LoseAnswers { ms }
            | Self::LateAnswers { ms }
            | Self::Throttle { ms }
            | Self::ThrottleReading { ms }
            | Self::Refuse { ms, .. }
            | Self::DenyWriting { ms }
            | Self::DenyReading { ms }
            | Self::Hide { ms, .. }
            | Self::Pause { ms }
            | Self::Silence { ms, .. }
            | Self::Recreate { ms }
            | Self::Frame { ms, .. } => ms,
            _ => 0,
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill { broker, ms } => write!(f, "broker {broker} dies, and is back after {ms} ms"),
            Self::Stop { broker, ms } => write!(f, "broker {broker} is stopped for {ms} ms"),
            Self::Lag { broker, ms } => write!(f, "broker {broker} copies nothing for {ms} ms"),
            Self::LoseAnswers { ms } => write!(f, "answers to producers are lost for {ms} ms"),
            Self::LateAnswers { ms } => write!(f, "answers to producers come too late for {ms} ms"),
            Self::Throttle { ms } => write!(f, "answers to producers are held back for {ms} ms"),
            Self::Refuse { written: false, ms } => write!(f, "brokers refuse everything as too large for {ms} ms"),
            Self::Refuse { written: true, ms } => write!(f, "brokers say that they refuse what they write for {ms} ms"),
            Self::DenyWriting { ms } => write!(f, "nobody may write for {ms} ms"),
            Self::DenyReading { ms } => write!(f, "nobody may read for {ms} ms"),
            Self::DeleteRecords { partition } => write!(f, "all records of partition {partition} are deleted"),
            Self::Recreate { ms } => write!(f, "the topic is deleted, and made anew after {ms} ms"),
            Self::Noise { partition, records } => {
                write!(f, "another producer writes {records} records to partition {partition}")
            }
            Self::Copy { partition } => write!(f, "a record of partition {partition} is written once more"),
            Self::Forge { partition, forgery } => {
                write!(f, "somebody writes a wrong record to partition {partition} ({forgery:?})")
            }
            Self::Damage { partition, forgery } => {
                write!(f, "the next record of partition {partition} is damaged ({forgery:?})")
            }
            Self::Skip { partition } => write!(f, "the reader passes over a record of partition {partition}"),
            Self::StepBack { partition, records } => {
                write!(f, "the reader gives {records} records of partition {partition} once more")
            }
            Self::StepWallClock { ms } => write!(f, "the wall clock is set by {ms} ms"),
            Self::Interrupt => write!(f, "somebody presses Ctrl-C"),
            Self::Expire => write!(f, "the coordinator gives up all open transactions"),
            Self::Fence => write!(f, "others take the producers' transactional ids"),
            Self::Hide { partition, ms } => {
                write!(f, "a transaction hides what comes to partition {partition} for {ms} ms")
            }
            Self::Pause { ms } => write!(f, "this process is stopped for {ms} ms"),
            Self::Silence { member, ms } => write!(f, "member {member} of the group is not heard for {ms} ms"),
            Self::Expel { rights: false } => write!(f, "others take the places of the group's members"),
            Self::Expel { rights: true } => write!(f, "the right to be in the group is gone"),
            Self::Frame { partition, ms } => {
                write!(
                    f,
                    "a record of partition {partition} names a schema of which the registry tells nothing for {ms} ms"
                )
            }
            Self::Compact { partition } => write!(f, "partition {partition} is compacted"),
            Self::ThrottleReading { ms } => write!(f, "readers are given nothing for {ms} ms"),
            Self::Retain { partition } => write!(f, "the older half of partition {partition} ages out"),
        }
    }
}
