//! Brokers: what reaches them, what they answer, how they copy, and who leads when one is gone.

use std::sync::Arc;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::cluster::{Cluster, Happening, MS};
use super::log::{Entry, Partition};
use crate::kafka::Code;

/// A broker.
#[derive(Clone, Debug)]
pub(super) struct Broker {
    pub(super) alive: bool,
    pub(super) stopped: bool,
    /// Whether it copies from leaders.
    pub(super) copies: bool,
    /// Counts its ends, so that an old session time-out is known.
    pub(super) life: u64,
}

/// A request on its way: whose, where to, which try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) client: usize,
    pub(super) partition: usize,
    pub(super) id: u64,
    pub(super) attempt: u32,
}

/// A request that waits for the copies in sync.
#[derive(Debug)]
pub(super) struct Awaiting {
    request: Request,
    epoch: i32,
    base: usize,
    end: usize,
}

/// What comes of a change of a partition: a follower copies it, is not waited for any more, readers are shown more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consequence {
    Copy(usize, usize),
    Lag(usize, usize),
    Shown(usize, usize),
}

impl Cluster {
    pub(super) fn arrive(&mut self, request: Request) {
        let Some(batch) = self.clients[request.client].batch(request) else { return };
        let on_its_way = self.latency();
        let there = self.clients[request.client].there_at(request.partition, self.now + on_its_way);
        self.at(there, Happening::Arrive(request, batch));
        let patience = self.plan.request_timeout_ms * MS;
        self.at(self.now + patience, Happening::NoAnswer(request));
    }

    pub(super) fn latency(&mut self) -> u64 {
        let (from, to) = self.plan.latency_us;
        if self.latencies_by_moment {
            SmallRng::seed_from_u64(self.plan.seed ^ self.now).random_range(from..=to) * 1_000
        } else {
            self.rng.random_range(from..=to) * 1_000
        }
    }

    /// Whether the partition's leader answers.
    pub(super) fn answers(&self, partition: usize) -> bool {
        let leader = self.partitions[partition].leader;
        leader.is_some_and(|leader| self.brokers[leader].alive && !self.brokers[leader].stopped)
    }

    pub(super) fn follows(&self, broker: usize) -> bool {
        let Broker { alive, stopped, copies, .. } = self.brokers[broker];
        alive && !stopped && copies
    }

    pub(super) fn settle(&mut self, partition: usize) {
        self.note_change(partition);
        let end = self.partitions[partition].log().len();
        for follower in 0..self.brokers.len() {
            let state = &self.partitions[partition];
            let is_behind = state.copies[follower].len() != end || !state.in_sync[follower];
            if state.leader.is_none_or(|leader| leader == follower) || !is_behind {
                continue;
            }
            if self.follows(follower) {
                self.follow_up(self.plan.copy_ms * MS, Consequence::Copy(partition, follower));
            } else {
                self.follow_up(self.plan.lag_ms * MS, Consequence::Lag(partition, follower));
            }
        }
        let Partition { high, epoch, .. } = self.partitions[partition];
        self.shown[partition] = self.shown[partition].min(high);
        if self.shown[partition] < high {
            self.follow_up(self.plan.fetch_us * 1_000, Consequence::Shown(partition, high));
        }
        let (here, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.awaiting).into_iter().partition(|waits| waits.request.partition == partition);
        self.awaiting = others;
        for waits in here {
            if waits.epoch != epoch {
                // The request was purged with the leadership: the client is told nothing it could rely on.
                self.answer(waits.request, Err(Code::NotLeaderForPartition));
            } else if waits.end <= high {
                self.answer(waits.request, Ok(i64::try_from(waits.base).ok()));
            } else {
                self.awaiting.push(waits);
            }
        }
    }

    /// Lets a consequence come after that wait, unless it is to come before.
    fn follow_up(&mut self, wait: u64, consequence: Consequence) {
        if !self.to_come.contains(&consequence) {
            self.to_come.push(consequence);
            self.at(self.now + wait, Happening::Consequence(consequence));
        }
    }

    /// What a change of a partition has as its consequence comes.
    pub(super) fn follows_up(&mut self, consequence: Consequence) {
        self.to_come.retain(|to_come| *to_come != consequence);
        match consequence {
            Consequence::Lag(partition, follower) => {
                let state = &self.partitions[partition];
                let lags = state.copies[follower].len() < state.log().len();
                if lags && state.in_sync[follower] && !self.follows(follower) && self.answers(partition) {
                    self.partitions[partition].shrink(follower);
                    self.settle(partition);
                }
            }
            Consequence::Copy(partition, follower) => {
                if self.follows(follower) && self.answers(partition) {
                    self.partitions[partition].replicate(follower);
                    self.settle(partition);
                }
            }
            Consequence::Shown(partition, high) => {
                let high = high.min(self.partitions[partition].high);
                self.shown[partition] = self.shown[partition].max(high);
            }
        }
    }

    /// A produce request reaches the leader.
    pub(super) fn produce(&mut self, request: Request, mut batch: Vec<Entry>) {
        let partition = request.partition;
        if !self.answers(partition) {
            // A dead broker is not there; a stopped one handles what lies in its socket when it goes on.
            if let Some(leader) = self.partitions[partition].leader.filter(|leader| self.brokers[*leader].alive) {
                self.stalled.push((leader, request, batch));
            }
            return;
        }
        if self.now < self.writing_denied_until {
            return self.answer(request, Err(Code::TopicAuthorizationFailed));
        }
        if self.now < self.refusing_until {
            return self.answer(request, Err(Code::MessageSizeTooLarge));
        }
        if let Some(transaction) = batch.first().and_then(|entry| entry.transaction)
            && !self.takes_part(transaction, partition)
        {
            return self.answer(request, Err(Code::InvalidProducerIdMapping));
        }
        let acks = self.plan.acks;
        if acks < 0 && self.partitions[partition].count_in_sync() < self.plan.min_in_sync {
            return self.answer(request, Err(Code::NotEnoughReplicas));
        }
        if let Some(first) = batch.first().and_then(|entry| entry.producer) {
            let log = self.partitions[partition].log();
            let own = log.iter().enumerate().rev();
            let mut own =
                own.filter_map(|(offset, entry)| Some((offset, entry.producer?))).filter(|(_, at)| at.0 == first.0);
            // The numbers of a producer rise in a log.
            let last = own.clone().next().map(|(_, (_, number))| number);
            if let Some((offset, _)) = own.find(|(_, (_, number))| *number <= first.1).filter(|(_, at)| at.1 == first.1)
            {
                // Sent again: answered with the first copy's offset, once that is where it was to be.
                return self.accept(request, offset, batch.len());
            }
            if last.map_or(first.1 != 0, |last| first.1 != last + 1) {
                return self.answer(request, Err(Code::OUT_OF_ORDER));
            }
        }
        let count = batch.len();
        if let (Some(forgery), Some(first)) = (self.to_damage[partition], batch.first_mut())
            && let Some(event) = first.message.nature.event()
            && let Some(damaged) = forgery.forge(self.plan.run(), event, &first.message, true, 0)
        {
            first.message = Arc::new(damaged);
            self.to_damage[partition] = None;
        }
        let Some(base) = self.partitions[partition].append(batch) else { return };
        if self.now < self.lying_until {
            self.answer(request, Err(Code::MessageSizeTooLarge));
        } else {
            self.accept(request, base, count);
        }
        self.settle(partition);
    }

    /// What lies in the leader's log is confirmed: at once, or when the high watermark has passed it.
    fn accept(&mut self, request: Request, base: usize, count: usize) {
        let Partition { epoch, high, .. } = self.partitions[request.partition];
        if self.plan.acks < 0 && base + count > high {
            self.awaiting.push(Awaiting { request, epoch, base, end: base + count });
        } else {
            self.answer(request, Ok(i64::try_from(base).ok()));
        }
    }

    fn answer(&mut self, request: Request, answer: Result<Option<i64>, Code>) {
        if self.now < self.answers_lost_until {
            return;
        }
        let late = if self.now < self.answers_late_until {
            self.plan.request_timeout_ms * MS * 3 / 2
        } else if self.now < self.throttled_until {
            self.plan.request_timeout_ms * MS / 2
        } else {
            0
        };
        let on_its_way = self.latency() + late;
        let back = self.clients[request.client].back_at(request.partition, self.now + on_its_way);
        self.at(back, Happening::Answer(request, answer));
    }

    pub(super) fn elect_all(&mut self) {
        if self.now < self.deleted_until {
            return;
        }
        let alive: Vec<bool> = self.brokers.iter().map(|broker| broker.alive && !broker.stopped).collect();
        for partition in 0..self.partitions.len() {
            self.partitions[partition].elect(&alive, self.plan.unclean);
            self.settle(partition);
        }
    }

    pub(super) fn back(&mut self, broker: usize) {
        self.brokers[broker] =
            Broker { alive: true, stopped: false, copies: true, life: self.brokers[broker].life + 1 };
        self.elect_all();
        for (stopped, request, batch) in std::mem::take(&mut self.stalled) {
            if stopped != broker {
                self.stalled.push((stopped, request, batch));
            } else if self.partitions[request.partition].leader == Some(broker) {
                self.at(self.now + MS, Happening::Arrive(request, batch));
            }
        }
    }
}
