//! What the acts of a plan do to the world.

use std::sync::Arc;

use rand::RngExt;

use super::act::Act;
use super::client::cut;
use super::cluster::{Cluster, Happening, MS};
use super::forge::Forgery;
use super::log::{Entry, Identity, Message, Nature, Partition};
use crate::clock::virtual_time;
use crate::kafka::{Answer, Code};
use crate::wire::framing;

impl Cluster {
    pub(super) fn act(&mut self, act: Act) {
        let until = self.now + act.ms() * MS;
        match act {
            Act::Kill { broker, .. } | Act::Stop { broker, .. } => {
                let broker = broker % self.plan.brokers;
                let state = &mut self.brokers[broker];
                let is_killed = matches!(act, Act::Kill { .. });
                (state.alive, state.stopped) = (state.alive && !is_killed, state.stopped || !is_killed);
                state.life += 1;
                let life = state.life;
                self.at(self.now + self.plan.session_ms * MS, Happening::Session(broker, life));
                self.at(until, Happening::Back(broker));
                for partition in 0..self.partitions.len() {
                    self.settle(partition);
                    if is_killed && self.partitions[partition].leader == Some(broker) {
                        (0..self.clients.len()).for_each(|client| cut(self, client, partition));
                    }
                }
            }
            Act::Lag { broker, .. } => {
                let broker = broker % self.plan.brokers;
                self.brokers[broker].copies = false;
                self.at(until, Happening::Back(broker));
            }
            Act::LoseAnswers { .. } => self.answers_lost_until = until,
            Act::LateAnswers { .. } => self.answers_late_until = until,
            Act::Throttle { .. } => self.throttled_until = until,
            Act::Refuse { written: false, .. } => self.refusing_until = until,
            Act::Refuse { written: true, .. } => self.lying_until = until,
            Act::DenyWriting { .. } => self.writing_denied_until = until,
            Act::DenyReading { .. } => {
                self.reading_denied_until = until;
                self.disturbed_until = self.disturbed_until.max(until);
                self.at(until, Happening::Look);
            }
            Act::DeleteRecords { partition } => {
                let partition = partition % self.plan.partitions;
                let log = &mut self.partitions[partition];
                log.start = log.high;
                self.settle(partition);
            }
            Act::Recreate { .. } => self.delete_topic(until),
            Act::Noise { partition, records } => {
                let message =
                    Message { key: b"x".to_vec(), body: b"{\"other\":1}".to_vec(), nature: Nature::Invalid(None) };
                let message = Arc::new(message);
                for _ in 0..records {
                    self.write(partition % self.plan.partitions, &message, self.create_ms());
                }
            }
            Act::Copy { partition } => self.copy(partition % self.plan.partitions),
            Act::Forge { partition, forgery } => self.forge(partition % self.plan.partitions, forgery),
            Act::Damage { partition, forgery } => self.damage_next(partition % self.plan.partitions, forgery),
            Act::Skip { partition } => self.to_skip[partition % self.plan.partitions] += 1,
            Act::StepBack { partition, records } => self.steps_back[partition % self.plan.partitions] = records,
            Act::StepWallClock { ms } => virtual_time::step_wall_clock(ms * 1_000_000),
            Act::Interrupt => {
                self.interrupted_at.push(self.now);
                self.interrupts.raise();
                virtual_time::stir();
            }
            Act::Expire => self.expire_transactions(),
            Act::Fence => {
                self.fenced = self.plan.transaction.is_some();
                self.expire_transactions();
            }
            Act::Hide { partition, .. } => self.hide(partition % self.plan.partitions, until),
            Act::Pause { ms } => self.pause(ms * MS),
            Act::Silence { member, .. } => self.silence(member, until),
            Act::Expel { .. } if self.plan.group.is_none() => {}
            Act::Expel { rights: false } => self.expel(Code::FencedInstanceId),
            Act::Expel { rights: true } => self.expel(Code::GroupAuthorizationFailed),
            Act::Frame { partition, .. } => {
                let id = u32::try_from(self.schemas.len()).unwrap_or(u32::MAX);
                self.schemas.push(until);
                let body = [framing::confluent(id, None), b"x".to_vec()].concat();
                let message = Arc::new(Message { key: b"x".to_vec(), body, nature: Nature::Invalid(None) });
                self.write(partition % self.plan.partitions, &message, self.create_ms());
            }
            Act::ThrottleReading { .. } => {
                self.reading_held_until = until;
                // What a reader is told meanwhile it cannot look up.
                self.disturbed_until = self.disturbed_until.max(until);
                self.at(until, Happening::Look);
            }
            Act::Compact { partition } if self.plan.compacted => {
                let partition = partition % self.plan.partitions;
                self.partitions[partition].compact();
                self.changed[partition] = self.now;
            }
            Act::Compact { .. } => {}
            Act::Retain { partition } => {
                let partition = partition % self.plan.partitions;
                let log = &mut self.partitions[partition];
                log.start = usize::midpoint(log.start, log.high);
                self.settle(partition);
            }
        }
    }

    fn copy(&mut self, partition: usize) {
        let log = self.partitions[partition].log();
        let offset = log.len() / 2;
        let Some(Entry { create_ms, message, .. }) = log.get(offset).cloned() else { return };
        // In the event's place damage is the event's; elsewhere it is nobody's.
        if !matches!(message.nature, Nature::Invalid(Some(_)) | Nature::Marker(_) | Nature::Gone) {
            self.write(partition, &message, create_ms + i64::from(offset % 2 == 1) * 5);
        }
    }

    fn delete_topic(&mut self, until: u64) {
        self.made_anew += 1;
        self.deleted_at.get_or_insert(self.now);
        self.disturbed_until = u64::MAX;
        self.deleted_until = self.deleted_until.max(until);
        for partition in 0..self.partitions.len() {
            self.partitions[partition] = Partition::new(self.plan.brokers, partition);
            self.partitions[partition].leader = None;
            self.shown[partition] = 0;
        }
        self.made();
    }

    /// A topic that was deleted is there again, when its time has come.
    pub(super) fn made(&mut self) {
        if self.now < self.deleted_until {
            return self.at(self.deleted_until, Happening::Made);
        }
        for partition in 0..self.partitions.len() {
            if self.partitions[partition].leader.is_none() && self.partitions[partition].epoch == 0 {
                self.partitions[partition].leader = Some(partition % self.plan.brokers);
            }
            self.settle(partition);
        }
    }

    pub(super) fn create_ms(&self) -> i64 {
        i64::try_from(virtual_time::WALL_START_NS / MS + self.now / MS).unwrap_or(i64::MAX)
    }

    /// Another producer writes a record.
    fn write(&mut self, partition: usize, message: &Arc<Message>, create_ms: i64) {
        if self.answers(partition) {
            let message = Arc::clone(message);
            self.partitions[partition].append([Entry {
                epoch: 0,
                create_ms,
                producer: None,
                transaction: None,
                message,
            }]);
            self.settle(partition);
        }
    }

    /// Another producer writes a record in a transaction, and leaves that open for a while.
    fn hide(&mut self, partition: usize, until: u64) {
        if !self.answers(partition) {
            return;
        }
        let message = Arc::new(Message { key: b"x".to_vec(), body: b"{}".to_vec(), nature: Nature::Invalid(None) });
        let transaction = self.begin();
        self.takes_part(transaction, partition);
        let entry =
            Entry { epoch: 0, create_ms: self.create_ms(), producer: None, transaction: Some(transaction), message };
        self.partitions[partition].append([entry]);
        self.settle(partition);
        self.at(until, Happening::Unhide(transaction));
    }

    fn forge(&mut self, partition: usize, forgery: Forgery) {
        let Some((event, home, from)) = self.forged_from(partition, forgery) else { return };
        if forgery == Forgery::OtherProcess && self.plan.others == 0 {
            return;
        }
        let count = self.plan.partitions;
        if forgery == Forgery::OtherPartition && count == 1 {
            return;
        }
        let at = if forgery == Forgery::OtherPartition { (home + 1) % count } else { home };
        if let Some(message) = forgery.forge(self.plan.run(), event, &from, false, self.plan.lanes) {
            self.write(at, &Arc::new(message), self.create_ms());
        }
    }

    /// The event of which a wrong record is made, its partition, and what it was.
    fn forged_from(&mut self, partition: usize, forgery: Forgery) -> Option<(Identity, usize, Arc<Message>)> {
        if forgery.is_anothers() || self.rng.random_bool(0.3) {
            let handed = self
                .fates
                .iter()
                .filter_map(|(event, fate)| Some((*event, fate.partition?, Arc::clone(fate.message.as_ref()?))));
            let mut handed: Vec<_> = handed.collect();
            // What another writes shows most where the run's own was not written.
            let is_open = |event: &Identity| !matches!(self.fates[event].answer, Some((Answer::Acked, ..)));
            if handed.iter().any(|(event, ..)| is_open(event)) {
                handed.retain(|(event, ..)| is_open(event));
            }
            let index = self.rng.random_range(0..handed.len().max(1));
            return handed.into_iter().nth(index);
        }
        let log = self.partitions[partition].log();
        let message = &log.get(log.len() / 2)?.message;
        match message.nature {
            Nature::Event(event) => Some((event, partition, Arc::clone(message))),
            _ => None,
        }
    }
}
