//! What is to happen in a simulated run: its configuration, and acts at their times. Drawn from a seed, or written down.
//!
//! Swarm testing (Groce et al., ISSTA 2012): each run switches random subsets of the kinds of acts off, since what is always on hides
//! what only shows without it.

use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::act::Act;
use super::forge::Forgery;
use crate::event::stamp::RunId;

/// The plan of a run. Times in ms are virtual ones since the world began; the load begins 20 ms later.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting by itself, of a client, a topic or a reader")]
pub(super) struct Plan {
    /// Where the latencies of single requests are drawn from; and of which plan it was, where it was drawn.
    pub(super) seed: u64,
    pub(super) events: u64,
    pub(super) rate: u64,
    pub(super) lanes: u16,
    /// Lanes of other processes of the same run, which write nothing here.
    pub(super) others: u16,
    pub(super) partitions: usize,
    pub(super) brokers: usize,
    pub(super) acks: i32,
    pub(super) idempotent: bool,
    /// Events of a transaction, and how many percent of them are aborted; `None`: there are none.
    pub(super) transaction: Option<(usize, u8)>,
    /// Whether the reader is given committed records alone.
    pub(super) committed: bool,
    /// The group that reads; `None`: partitions are assigned.
    pub(super) group: Option<GroupPlan>,
    pub(super) reads: Reads,
    pub(super) min_in_sync: usize,
    pub(super) unclean: bool,
    /// Whether brokers tell no client where its log parts from theirs (`OffsetForLeaderEpoch`, KIP-320): it reads on at its offset.
    pub(super) old_brokers: bool,
    /// Whether of a key only the last record is kept.
    pub(super) compacted: bool,
    pub(super) in_flight: usize,
    pub(super) queue: usize,
    pub(super) linger_ms: u64,
    pub(super) request_timeout_ms: u64,
    pub(super) delivery_timeout_ms: u64,
    /// From and to: of a request, and of its answer.
    pub(super) latency_us: (u64, u64),
    pub(super) fetch_us: u64,
    /// How long a follower takes to copy what is new.
    pub(super) copy_ms: u64,
    /// How far the reader's clock is behind.
    pub(super) behind_us: u64,
    /// How long a report waits in the client.
    pub(super) report_us: u64,
    pub(super) drain_ms: u64,
    pub(super) flush_ms: u64,
    /// How long the controller waits for a broker (`broker.session.timeout.ms`), and a leader for a copy that lags
    /// (`replica.lag.time.max.ms`): shorter than Kafka's 9 s and 30 s, so that runs are short.
    pub(super) session_ms: u64,
    pub(super) lag_ms: u64,
    pub(super) acts: Vec<Planned>,
}

/// How a group reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct GroupPlan {
    pub(super) members: u8,
    /// Only what changes hands is given up (KIP-848), not everything (the classic protocol).
    pub(super) cooperative: bool,
    /// Whether clients commit by themselves, and how often somebody does.
    pub(super) auto: bool,
    pub(super) commit_ms: u64,
    /// How often a member comes or goes (`--chaos-rebalance`).
    pub(super) disturb_ms: Option<u64>,
}

/// Who reads back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Reads {
    /// The run itself.
    #[default]
    Itself,
    /// Another process, whose reading is joined with the run: from its begin on, or when it is over.
    Joined { meanwhile: bool },
    /// Another process by itself, from the run's begin on, until nothing comes for so long.
    Alone { idle_ms: u64 },
}

/// When the load begins: a group takes a while to form.
const fn begins(group: Option<GroupPlan>) -> u64 {
    if group.is_some() { 60 } else { 20 }
}

/// An act at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) at_ms: u64,
    pub(super) act: Act,
}

impl Plan {
    /// A run without anything that goes wrong.
    pub(super) const fn calm(seed: u64) -> Self {
        Self {
            seed,
            events: 60,
            rate: 200,
            lanes: 1,
            others: 0,
            partitions: 2,
            brokers: 3,
            acks: -1,
            idempotent: true,
            transaction: None,
            committed: false,
            group: None,
            reads: Reads::Itself,
            min_in_sync: 2,
            unclean: false,
            old_brokers: false,
            compacted: false,
            in_flight: 5,
            queue: 1_000,
            linger_ms: 5,
            request_timeout_ms: 150,
            delivery_timeout_ms: 600,
            latency_us: (300, 2_000),
            fetch_us: 1_000,
            copy_ms: 2,
            behind_us: 0,
            report_us: 0,
            drain_ms: 1_500,
            flush_ms: 2_000,
            session_ms: 300,
            lag_ms: 600,
            acts: Vec::new(),
        }
    }

    /// The run that it is about.
    pub(super) const fn run(&self) -> RunId {
        RunId(self.seed | 1)
    }

    /// The time between two events of the schedule.
    pub(super) const fn period(&self) -> u64 {
        1_000_000_000 / self.rate
    }

    /// Events of a lane: event n is lane (n mod all)'s.
    pub(super) fn events_of(&self, lane: u16) -> u64 {
        let all = u64::from(self.lanes + self.others);
        (self.events + all - 1 - u64::from(lane)) / all
    }

    /// The plan of a seed.
    pub(super) fn draw(seed: u64) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let rng = &mut rng;
        let mut of = |choices: &[u64]| choices.choose(rng).copied().unwrap_or_default();
        let (events, rate) = (of(&[1, 2, 5, 20, 40, 60, 100]), of(&[100, 200, 400]));
        let (lanes, partitions) = (of(&[1, 1, 1, 2, 3]), of(&[1, 1, 2, 3]));
        let (brokers, acks) = (of(&[1, 2, 3, 3]), of(&[0, 1, 1, 1, 2, 2, 2]));
        let (queue, in_flight, linger) = (of(&[2, 8, 1_000, 1_000]), of(&[1, 5]), of(&[0, 1, 5, 20]));
        let (request, delivery) = (of(&[50, 150, 400]), of(&[200, 600, 1_500]));
        let (slowest, fetch, report) =
            (of(&[400, 2_000, 15_000]), of(&[500, 1_000, 10_000]), of(&[0, 0, 1_000, 30_000]));
        let (drain, flush) = (of(&[100, 500, 1_500]), of(&[300, 2_000, 2_000]));
        let min_in_sync = of(&[1, 2]).min(brokers);
        let (others, copy_ms, behind_us) =
            (of(&[0, 0, 0, 1, 2]), of(&[2, 2, 20, 100]), of(&[0, 0, 0, 0, 0, 2_000, 40_000]));
        let acks = i32::try_from(acks).map_or(-1, |acks| if acks == 2 { -1 } else { acks });
        let mut plan = Self {
            seed,
            events,
            rate,
            lanes: u16::try_from(lanes).unwrap_or(1),
            others: u16::try_from(others).unwrap_or(0),
            partitions: usize::try_from(partitions).unwrap_or(1),
            brokers: usize::try_from(brokers).unwrap_or(1),
            acks,
            idempotent: acks == -1 && rng.random_bool(0.6),
            transaction: None,
            committed: false,
            group: None,
            reads: Reads::Itself,
            min_in_sync: usize::try_from(min_in_sync).unwrap_or(1),
            unclean: rng.random_bool(0.3),
            old_brokers: rng.random_bool(0.15),
            compacted: rng.random_bool(0.1),
            in_flight: usize::try_from(in_flight).unwrap_or(1),
            queue: usize::try_from(queue).unwrap_or(1_000),
            linger_ms: linger,
            request_timeout_ms: request,
            delivery_timeout_ms: delivery,
            latency_us: (300, slowest),
            fetch_us: fetch,
            copy_ms,
            behind_us,
            report_us: report,
            drain_ms: drain,
            flush_ms: flush,
            session_ms: 300,
            lag_ms: 600,
            acts: Vec::new(),
        };
        if plan.idempotent && rng.random_bool(0.5) {
            let (size, aborted) = ([1, 3, 20, 1_000].choose(rng), [0, 20, 50].choose(rng));
            plan.transaction = size.copied().zip(aborted.copied());
        }
        plan.committed = rng.random_bool(if plan.transaction.is_some() { 0.7 } else { 0.1 });
        if rng.random_bool(0.3) {
            let members = rng.random_range(1..=plan.partitions);
            plan.group = Some(GroupPlan {
                members: u8::try_from(members).unwrap_or(1),
                cooperative: rng.random_bool(0.5),
                auto: rng.random_bool(0.5),
                commit_ms: [20, 100, 500].choose(rng).copied().unwrap_or(100),
                disturb_ms: [50, 200, 700].choose(rng).copied().filter(|_| rng.random_bool(0.3)),
            });
        }
        if rng.random_bool(0.2) {
            // The reader's clock is its own.
            plan.behind_us = 0;
            plan.reads = match rng.random_range(0..3) {
                0 => Reads::Alone { idle_ms: [200, 1_000, 2_500].choose(rng).copied().unwrap_or(1_000) },
                kind => Reads::Joined { meanwhile: kind == 1 },
            };
        }
        let begin = begins(plan.group);
        let on: Vec<usize> = (0..Act::KINDS.len()).filter(|_| rng.random_bool(0.35)).collect();
        let length = begin + events * 1_000 / rate;
        for _ in 0..rng.random_range(0..=8) {
            let Some(kind) = on.choose(rng) else { break };
            let at_ms = match rng.random_range(0..7) {
                0 => begin,
                1 => length,
                2 => length + rng.random_range(0..=drain),
                // While it is read again, where all had been read at once.
                3 => length + rng.random_range(0..=100),
                _ => rng.random_range(0..=length),
            };
            let act = Act::draw(*kind, &plan, rng);
            // What is asked for before the first event can be sent ends it before it began.
            plan.acts.push(Planned { at_ms: if act.waits_for_begin() { at_ms.max(begin + 10) } else { at_ms }, act });
        }
        for _ in 0..if plan.compacted { rng.random_range(1..=3) } else { 0 } {
            let at_ms = rng.random_range(begin..=length + drain);
            plan.acts.push(Planned { at_ms, act: Act::Compact { partition: rng.random_range(0..plan.partitions) } });
        }
        if brokers > 1 && rng.random_bool(0.2) {
            plan.lose(rng, length);
        }
        plan.acts.sort_by_key(|planned| planned.at_ms);
        plan
    }

    /// What costs acked events: the other copies of a partition lag, and then its leader dies.
    fn lose(&mut self, rng: &mut Xoshiro256PlusPlus, length: u64) {
        let partition = rng.random_range(0..self.partitions);
        let at_ms = rng.random_range(0..=length);
        // What lies above the high watermark goes with its leader; what lies below it, where a copy may lead that was not waited for, and
        // what has been read by then, where that copy was given up while the run goes on.
        let lags = if self.unclean && rng.random_bool(0.5) {
            self.lag_ms = 60;
            [100, 150, 200, 300]
        } else if self.unclean {
            [50, 700, 700, 1_500]
        } else {
            [20, 50, 50, 700]
        };
        let lags = *lags.choose(rng).unwrap_or(&50);
        let leader = partition % self.brokers;
        for broker in (0..self.brokers).filter(|broker| *broker != leader) {
            self.acts.push(Planned { at_ms, act: Act::Lag { broker, ms: lags + 400 } });
        }
        let ms = *[310, 600, 2_000].choose(rng).unwrap_or(&600);
        self.acts.push(Planned { at_ms: at_ms + lags, act: Act::Kill { broker: leader, ms } });
        if rng.random_bool(0.7) {
            // What others write as soon as another leads takes the places of what is gone.
            let at_ms = at_ms + lags + self.session_ms + rng.random_range(1..=20);
            let records = rng.random_range(1..=20);
            let forgery = *Forgery::ALL.choose(rng).unwrap_or(&Forgery::NotJson);
            let noise = Act::Noise { partition, records };
            let written = [noise, noise, Act::Copy { partition }, Act::Forge { partition, forgery }];
            let act = *written.choose(rng).unwrap_or(&written[0]);
            self.acts.push(Planned { at_ms, act });
        }
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
            Self { others: 0, ..self.clone() },
            Self { behind_us: 0, ..self.clone() },
            Self { copy_ms: calm.copy_ms, ..self.clone() },
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
            Self { old_brokers: false, ..self.clone() },
            Self { compacted: false, ..self.clone() },
            Self { transaction: None, ..self.clone() },
            Self { committed: false, ..self.clone() },
            Self { group: None, ..self.clone() },
            Self { reads: Reads::Itself, ..self.clone() },
        ]);
        if let Some(group) = self.group {
            for group in [
                GroupPlan { members: 1, ..group },
                GroupPlan { cooperative: false, ..group },
                GroupPlan { auto: false, ..group },
                GroupPlan { disturb_ms: None, ..group },
            ] {
                plans.push(Self { group: Some(group), ..self.clone() });
            }
        }
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
            "{} events at {}/s from {} of {} lanes to {} partitions on {} brokers, acks={acks}{}{}{}{}{}{}{}{}:\n",
            self.events,
            self.rate,
            self.lanes,
            self.lanes + self.others,
            self.partitions,
            self.brokers,
            if self.idempotent { ", idempotent" } else { "" },
            if self.unclean { ", unclean elections" } else { "" },
            if self.old_brokers { ", of an old version" } else { "" },
            if self.compacted { ", compacted" } else { "" },
            self.transaction.map_or_else(String::new, |(size, aborted)| {
                format!(", transactions of {size}, {aborted} % aborted")
            }),
            if self.committed { ", read_committed" } else { "" },
            match self.reads {
                Reads::Itself => String::new(),
                Reads::Joined { meanwhile: true } => ", joined with a reading meanwhile".to_owned(),
                Reads::Joined { meanwhile: false } => ", joined with a reading afterwards".to_owned(),
                Reads::Alone { idle_ms } => format!(", read alone until {idle_ms} ms of silence"),
            },
            self.group.map_or_else(String::new, |group| {
                let protocol = if group.cooperative { "cooperative" } else { "classic" };
                let commits = if group.auto { "by itself" } else { "when told" };
                let often = group.disturb_ms.map_or_else(String::new, |ms| format!(", one comes or goes each {ms} ms"));
                format!(
                    ", read by a {protocol} group of {} that commits {commits} each {} ms{often}",
                    group.members, group.commit_ms
                )
            }),
        );
        let happenings = self.acts.iter().map(|Planned { at_ms, act }| format!("  at {at_ms} ms {act}\n"));
        [begin].into_iter().chain(happenings).collect::<Vec<_>>().concat()
    }
}
