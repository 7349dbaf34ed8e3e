//! What is to happen in a simulated run: its configuration, and acts at their times. Drawn from a seed, or written down.
//!
//! Swarm testing (Groce et al., ISSTA 2012): each run switches random subsets of the kinds of acts off, since what is always on hides
//! what only shows without it.

use std::fmt;

use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

/// The plan of a run. Times in ms are virtual ones since the world began; the load begins 20 ms later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Where the latencies of single requests are drawn from; and of which plan it was, where it was drawn.
    pub(super) seed: u64,
    pub(super) events: u64,
    pub(super) rate: u64,
    pub(super) lanes: u16,
    pub(super) partitions: usize,
    pub(super) brokers: usize,
    pub(super) acks: i32,
    pub(super) idempotent: bool,
    pub(super) min_in_sync: usize,
    pub(super) unclean: bool,
    pub(super) in_flight: usize,
    pub(super) queue: usize,
    pub(super) linger_ms: u64,
    pub(super) request_timeout_ms: u64,
    pub(super) delivery_timeout_ms: u64,
    /// From and to: of a request, and of its answer.
    pub(super) latency_us: (u64, u64),
    pub(super) fetch_us: u64,
    /// How long a report waits in the client.
    pub(super) report_us: u64,
    pub(super) drain_ms: u64,
    pub(super) flush_ms: u64,
    pub(super) acts: Vec<Planned>,
}

/// An act at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) at_ms: u64,
    pub(super) act: Act,
}

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
    /// Brokers refuse what is sent as too large.
    Refuse { ms: u64 },
    /// An administrator deletes all records up to the high watermark.
    DeleteRecords { partition: usize },
    /// Another producer writes records that are no events.
    Noise { partition: usize, records: usize },
    /// Somebody writes a record once more: one at an even offset with its `CreateTime`, else with another.
    Copy { partition: usize },
    /// The wall clock is set.
    StepWallClock { ms: i64 },
}

impl Act {
    /// The kinds, for coverage.
    pub(super) const KINDS: [&'static str; 10] = [
        "kill",
        "stop",
        "lag",
        "lose answers",
        "late answers",
        "refuse",
        "delete records",
        "noise",
        "copy",
        "step clock",
    ];

    pub(super) const fn kind(self) -> usize {
        match self {
            Self::Kill { .. } => 0,
            Self::Stop { .. } => 1,
            Self::Lag { .. } => 2,
            Self::LoseAnswers { .. } => 3,
            Self::LateAnswers { .. } => 4,
            Self::Refuse { .. } => 5,
            Self::DeleteRecords { .. } => 6,
            Self::Noise { .. } => 7,
            Self::Copy { .. } => 8,
            Self::StepWallClock { .. } => 9,
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
            Self::Refuse { ms } => write!(f, "brokers refuse everything as too large for {ms} ms"),
            Self::DeleteRecords { partition } => write!(f, "all records of partition {partition} are deleted"),
            Self::Noise { partition, records } => {
                write!(f, "another producer writes {records} records to partition {partition}")
            }
            Self::Copy { partition } => write!(f, "a record of partition {partition} is written once more"),
            Self::StepWallClock { ms } => write!(f, "the wall clock is set by {ms} ms"),
        }
    }
}

impl Plan {
    /// A run without anything that goes wrong.
    pub(super) const fn calm(seed: u64) -> Self {
        Self {
            seed,
            events: 60,
            rate: 200,
            lanes: 1,
            partitions: 2,
            brokers: 3,
            acks: -1,
            idempotent: true,
            min_in_sync: 2,
            unclean: false,
            in_flight: 5,
            queue: 1_000,
            linger_ms: 5,
            request_timeout_ms: 150,
            delivery_timeout_ms: 600,
            latency_us: (300, 2_000),
            fetch_us: 1_000,
            report_us: 0,
            drain_ms: 1_500,
            flush_ms: 2_000,
            acts: Vec::new(),
        }
    }

    /// The plan of a seed.
    pub(super) fn draw(seed: u64) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let rng = &mut rng;
        let mut of = |choices: &[u64]| choices.choose(rng).copied().unwrap_or_default();
        let (events, rate) = (of(&[1, 2, 20, 60, 100, 200]), of(&[100, 200, 400]));
        let (lanes, partitions) = (of(&[1, 1, 1, 2, 3]), of(&[1, 1, 2, 3]));
        let (brokers, acks) = (of(&[1, 2, 3, 3]), of(&[0, 1, 1, 1, 2, 2, 2]));
        let (queue, in_flight, linger) = (of(&[2, 8, 1_000, 1_000]), of(&[1, 5]), of(&[0, 1, 5, 20]));
        let (request, delivery) = (of(&[50, 150, 400]), of(&[200, 600, 1_500]));
        let (slowest, fetch, report) =
            (of(&[400, 2_000, 15_000]), of(&[500, 1_000, 10_000]), of(&[0, 0, 1_000, 30_000]));
        let (drain, flush) = (of(&[100, 500, 1_500]), of(&[300, 2_000, 2_000]));
        let min_in_sync = of(&[1, 2]).min(brokers);
        let acks = i32::try_from(acks).map_or(-1, |acks| if acks == 2 { -1 } else { acks });
        let mut plan = Self {
            seed,
            events,
            rate,
            lanes: u16::try_from(lanes).unwrap_or(1),
            partitions: usize::try_from(partitions).unwrap_or(1),
            brokers: usize::try_from(brokers).unwrap_or(1),
            acks,
            idempotent: acks == -1 && rng.random_bool(0.6),
            min_in_sync: usize::try_from(min_in_sync).unwrap_or(1),
            unclean: rng.random_bool(0.3),
            in_flight: usize::try_from(in_flight).unwrap_or(1),
            queue: usize::try_from(queue).unwrap_or(1_000),
            linger_ms: linger,
            request_timeout_ms: request,
            delivery_timeout_ms: delivery,
            latency_us: (300, slowest),
            fetch_us: fetch,
            report_us: report,
            drain_ms: drain,
            flush_ms: flush,
            acts: Vec::new(),
        };
        let on: Vec<usize> = (0..Act::KINDS.len()).filter(|_| rng.random_bool(0.45)).collect();
        let length = 20 + events * 1_000 / rate;
        for _ in 0..rng.random_range(0..=7) {
            let Some(kind) = on.choose(rng) else { break };
            let at_ms = match rng.random_range(0..6) {
                0 => 20,
                1 => length,
                2 => length + rng.random_range(0..=drain),
                _ => rng.random_range(0..=length),
            };
            let ms = *[20, 100, 290, 300, 310, 600, 900, 2_000].choose(rng).unwrap_or(&100);
            let (broker, partition) = (rng.random_range(0..plan.brokers), rng.random_range(0..plan.partitions));
            let act = match kind {
                0 => Act::Kill { broker, ms },
                1 => Act::Stop { broker, ms },
                2 => Act::Lag { broker, ms },
                3 => Act::LoseAnswers { ms },
                4 => Act::LateAnswers { ms },
                5 => Act::Refuse { ms },
                6 => Act::DeleteRecords { partition },
                7 => Act::Noise { partition, records: rng.random_range(1..=5) },
                8 => Act::Copy { partition },
                _ => Act::StepWallClock { ms: *[-2_000, -5, 5, 2_000].choose(rng).unwrap_or(&5) },
            };
            plan.acts.push(Planned { at_ms, act });
        }
        plan.acts.sort_by_key(|planned| planned.at_ms);
        plan
    }

    /// Plans that are a little simpler, the simplest first.
    fn simpler(&self) -> Vec<Self> {
        let mut plans = Vec::new();
        for index in 0..self.acts.len() {
            let mut plan = self.clone();
            plan.acts.remove(index);
            plans.push(plan);
        }
        for events in [1, self.events / 2, self.events.saturating_sub(1)] {
            if (1..self.events).contains(&events) {
                plans.push(Self { events, ..self.clone() });
            }
        }
        let calm = Self::calm(self.seed);
        plans.extend([
            Self { lanes: 1, ..self.clone() },
            Self { partitions: 1, ..self.clone() },
            Self { in_flight: 1, ..self.clone() },
            Self { queue: calm.queue, ..self.clone() },
            Self { linger_ms: 0, ..self.clone() },
            Self { report_us: 0, ..self.clone() },
            Self { latency_us: calm.latency_us, fetch_us: calm.fetch_us, ..self.clone() },
            Self { drain_ms: calm.drain_ms, flush_ms: calm.flush_ms, ..self.clone() },
            Self {
                brokers: self.brokers.max(2) - 1,
                min_in_sync: self.min_in_sync.min(self.brokers.max(2) - 1),
                ..self.clone()
            },
            Self { unclean: false, ..self.clone() },
        ]);
        plans.retain(|plan| plan != self);
        plans
    }

    /// The simplest plan that still `fails`, as far as one change at a time leads there.
    pub(super) fn shrunk(self, fails: impl Fn(&Self) -> bool) -> Self {
        let mut plan = self;
        for _ in 0..60 {
            match plan.simpler().into_iter().find(|simpler| fails(simpler)) {
                Some(simpler) => plan = simpler,
                None => break,
            }
        }
        plan
    }

    /// What happens, as a short story.
    pub(super) fn story(&self) -> String {
        let acks = match self.acks {
            -1 => "all",
            0 => "0",
            _ => "1",
        };
        let begin = format!(
            "{} events at {}/s from {} lanes to {} partitions on {} brokers, acks={acks}{}{}:\n",
            self.events,
            self.rate,
            self.lanes,
            self.partitions,
            self.brokers,
            if self.idempotent { ", idempotent" } else { "" },
            if self.unclean { ", unclean elections" } else { "" },
        );
        let happenings = self.acts.iter().map(|Planned { at_ms, act }| format!("  at {at_ms} ms {act}\n"));
        [begin].into_iter().chain(happenings).collect::<Vec<_>>().concat()
    }
}
