//! Reading as a consumer group: some members share the partitions, and what is read twice when they change hands is told
//! apart from what was written twice.

mod assignment;
mod log;
mod member;

#[cfg(test)]
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use super::reader::Reader;
use super::topics::Topics;
#[cfg(test)]
use crate::clock::virtual_time;
use crate::clock::{Nanos, wall_unix_ns};
use crate::kafka::native::Change;
use crate::kafka::slots::Slots;
use crate::kafka::{Code, Delivered, Judged, KafkaError, Notice, Refusal, Settings, TopicIdentity, Wait, Watermarks};
use assignment::Assignment;
pub use log::{GroupLog, Rebalance, SharedLog};
pub use member::GroupMember;

/// The longest wait for members to leave, all together.
const LEAVING: Duration = Duration::from_secs(5);
/// The longest wait for the ids of the topics before a commit.
const IDS: Duration = Duration::from_secs(1);

/// How a group reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupConfig {
    /// Settings of each member, `group.id` among them.
    pub settings: Settings,
    /// Members.
    pub consumers: u8,
    /// How often what was read is committed, where the client does not do it by itself.
    pub commit_every: Option<Duration>,
    /// How often a member is added or taken away, in turns.
    pub disturb_every: Option<Duration>,
    /// Whether members of other processes may read, too.
    pub is_shared: bool,
}

/// The members of a group as one reader.
#[derive(Debug)]
pub struct GroupReader<M: GroupMember> {
    config: GroupConfig,
    log: SharedLog,
    slots: Arc<Slots>,
    /// The topics with their ids.
    topics: Arc<Topics>,
    starts: BTreeMap<i32, i64>,
    members: Vec<M>,
    assignment: Assignment,
    /// The member whose turn it is to be asked first, and whether there may be more to take.
    /// Up to where each partition has been judged.
    judged: BTreeMap<i32, Judged>,
    turn: usize,
    more: bool,
    commit_at: Nanos,
    disturb_at: Nanos,
    reason: &'static str,
    /// Members on their way out, and how they tell that they are.
    leaving: usize,
    /// The longest wait for them.
    leaving_within: Duration,
    left: (mpsc::Sender<()>, mpsc::Receiver<()>),
}

impl<M: GroupMember> GroupReader<M> {
    /// A group that has not joined yet; `log` is kept up to date.
    #[must_use]
    pub fn new(config: GroupConfig, slots: Arc<Slots>, topics: Arc<Topics>, log: SharedLog) -> Self {
        let now = log.now();
        Self {
            commit_at: config.commit_every.map_or(Nanos::MAX, |every| now + every.into()),
            disturb_at: config.disturb_every.map_or(Nanos::MAX, |every| now + every.into()),
            config,
            log,
            slots,
            topics,
            starts: BTreeMap::new(),
            members: Vec::new(),
            assignment: Assignment::default(),
            judged: BTreeMap::new(),
            turn: 0,
            more: false,
            reason: "the group formed",
            leaving: 0,
            leaving_within: LEAVING,
            left: mpsc::channel(),
        }
    }

    fn join(&mut self) -> Result<(), KafkaError> {
        let mut settings = self.config.settings.clone();
        if self.config.consumers > 1 || self.config.disturb_every.is_some() {
            tell_apart(&mut settings, self.members.len());
        }
        self.members.push(M::join(&settings, &self.slots, self.starts.clone())?);
        self.assignment.join();
        Ok(())
    }

    /// Keeps the books on who has which partition.
    fn follow(&mut self) {
        for place in 0..self.members.len() {
            for change in self.members[place].changes() {
                let now = self.log.now();
                self.note(place, &change, now);
            }
        }
        let now = self.log.now();
        self.assignment.keep_time(now);
        // Where others read, too, this process's own members are all that is known.
        let is_over =
            if self.config.is_shared { self.assignment.are_all_reading() } else { self.assignment.is_settled(now) };
        if !is_over {
            return;
        }
        let has_formed = self.assignment.note_complete();
        let has_rebalanced = self.log.open().note_complete(now);
        // What a disturbance is the reason of may not have begun yet: every partition has a reader until then.
        if has_formed || has_rebalanced {
            self.reason = "another member or the coordinator";
        }
        // The next disturbance waits until the group has had its time of peace.
        if let Some(every) = self.config.disturb_every.filter(|_| has_rebalanced) {
            self.disturb_at = now + every.into();
        }
    }

    fn note(&mut self, place: usize, change: &Change, now: Nanos) {
        if let Some(code) = change.error {
            self.log.open().note_error(format!("{code:?}"));
        }
        let given_up = self.assignment.note(place, change);
        if change.assigned {
            self.store_again(place, change);
        }
        self.note_given_up(now, given_up, if change.lost { "the group gave a member up" } else { self.reason });
    }

    /// What had been judged before its partition changed hands, and was not committed then, is told to who has it now: what is read again is
    /// not judged again, and without that it would be read again by each who takes the partition.
    fn store_again(&self, place: usize, change: &Change) {
        let Some(member) = self.members.get(place) else { return };
        let taken = change.partitions.iter().zip(&change.starts);
        let is_ahead = |(partition, start): (&i32, &i64)| {
            self.judged.get(partition).filter(|judged| judged.position > *start).copied()
        };
        let again: Vec<Judged> = taken.filter_map(is_ahead).collect();
        if !again.is_empty() {
            member.store(&again);
        }
    }

    /// A rebalance begins when the first partition has no reader any more.
    fn note_given_up(&self, now: Nanos, given_up: usize, reason: &'static str) {
        if given_up > 0 && self.assignment.was_complete() {
            self.log.open().note_given_up(now, given_up, self.members.len(), reason);
        }
    }

    /// Commits, and adds a member or takes one away, where it is time to.
    fn keep_time(&mut self) {
        let now = self.log.now();
        if now >= self.commit_at {
            self.commit_at = now + self.config.commit_every.unwrap_or(Duration::MAX).into();
            if !self.may_commit() {
                return;
            }
            let mut log = self.log.open();
            for member in &self.members {
                log.commits += 1;
                if let Err(code) = member.commit() {
                    log.note_error(format!("commit: {code:?}"));
                }
            }
        }
        if now >= self.disturb_at && self.is_settled() {
            self.disturb_at = now + self.config.disturb_every.unwrap_or(Duration::MAX).into();
            self.disturb();
        }
    }

    /// Whether the positions are still those of the logs that are there: of a topic that was made anew nothing has been read up to
    /// them. Where the cluster does not tell, nothing is committed now.
    fn may_commit(&self) -> bool {
        let names = self.topics.names();
        if names.is_empty() {
            return true;
        }
        let Some(member) = self.members.first() else { return false };
        match member.identities(&names, Wait::of(IDS)) {
            Ok(told) => !self.topics.compare(&told, wall_unix_ns()) && told.iter().all(Result::is_ok),
            Err(_) => false,
        }
    }

    fn disturb(&mut self) {
        if self.members.len() > usize::from(self.config.consumers) {
            self.reason = "a member left (--chaos-rebalance)";
            let Some(member) = self.members.pop() else { return };
            let given_up = self.assignment.leave();
            self.note_given_up(self.log.now(), given_up, self.reason);
            // Leaving takes its time, and the others must go on reading meanwhile.
            self.leave(member);
        } else {
            self.reason = "a member joined (--chaos-rebalance)";
            if let Err(error) = self.join() {
                self.log.open().note_error(error.to_string());
            }
        }
    }

    /// Lets a member leave on a thread of its own.
    fn leave(&mut self, member: M) {
        let left = self.left.0.clone();
        let leaving = move || {
            drop(member);
            // Nobody listens any more where it took too long.
            left.send(()).unwrap_or_default();
        };
        #[cfg(test)]
        let (_, leaving) = virtual_time::take_part(leaving);
        match thread::Builder::new().name("leaving-member".to_owned()).spawn(leaving) {
            Ok(_) => self.leaving += 1,
            Err(error) => tracing::warn!("a member could not be let go on a thread of its own: {error}"),
        }
    }

    /// Waits for a member to have left; false where none has within that time.
    fn has_left(&self, within: Duration) -> bool {
        #[cfg(test)]
        if virtual_time::rules() {
            let left = Cell::new(false);
            virtual_time::wait(within, || {
                left.set(left.get() || self.left.1.try_recv().is_ok());
                left.get()
            });
            return left.get();
        }
        self.left.1.recv_timeout(within).is_ok()
    }

    fn owner(&self, partition: i32) -> Option<&M> {
        self.members.get(self.assignment.owner(partition)?)
    }
}

impl<M: GroupMember> Reader for GroupReader<M> {
    /// The starts count where the group has committed nothing later.
    fn assign(&mut self, _topic: &str, starts: &[(i32, i64)]) -> Result<(), KafkaError> {
        self.starts = starts.iter().copied().collect();
        self.members.clear();
        self.assignment = Assignment::of(starts.len());
        (0..self.config.consumers.max(1)).try_for_each(|_| self.join())
    }

    fn seek(&mut self, topic: &str, partition: i32, offset: i64, timeout: Duration) -> Result<(), KafkaError> {
        match self.owner(partition) {
            Some(member) => member.seek(topic, partition, offset, timeout),
            None => Err(KafkaError::Refused {
                what: format!("going to offset {offset} of partition {partition} of topic \"{topic}\""),
                code: Code::UnknownPartition,
            }),
        }
    }

    /// Each member takes up anew what its client has given up. A partition that changed hands meanwhile is its new reader's.
    fn resume(&mut self, _topic: &str, positions: &[(i32, i64)], given_up: &[i32]) -> Result<(), KafkaError> {
        for (place, member) in self.members.iter().enumerate() {
            let is_its_own = |partition: &i32| self.assignment.owner(*partition) == Some(place);
            let lost: Vec<i32> = given_up.iter().copied().filter(is_its_own).collect();
            if !lost.is_empty() {
                let own = positions.iter().copied().filter(|(partition, _)| is_its_own(partition)).collect();
                member.take_up(&own, &lost)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, most: usize, each: &mut dyn FnMut(Delivered<'_>)) -> usize {
        // One member at a time: whoever takes looks at the clock once, and what comes from another member later would be
        // given too early a time.
        let count = self.members.len();
        let mut taken = 0;
        for step in 0..count {
            let place = (self.turn + step) % count;
            taken = self.members[place].take(most, each);
            if taken > 0 {
                self.turn = place + 1;
                break;
            }
        }
        self.more = taken > 0;
        taken
    }

    fn wait(&mut self, timeout: Duration) -> io::Result<()> {
        if self.more { Ok(()) } else { M::wait_any(&mut self.members, timeout) }
    }

    fn judged(&mut self, read: &[Judged]) {
        self.judged.extend(read.iter().map(|read| (read.partition, *read)));
        for (place, member) in self.members.iter().enumerate() {
            let is_its_own = |read: &&Judged| self.assignment.owner(read.partition) == Some(place);
            let own: Vec<Judged> = read.iter().filter(is_its_own).copied().collect();
            if !own.is_empty() {
                member.store(&own);
            }
        }
    }

    fn notices(&mut self, notice: &mut dyn FnMut(Notice)) {
        self.follow();
        self.keep_time();
        for member in &mut self.members {
            member.notices(notice);
        }
    }

    fn refusal(&self) -> Option<Refusal> {
        self.members.iter().find_map(GroupMember::refusal)
    }

    fn ends(&mut self, topic: &str, partitions: &[i32], wait: Wait<'_>) -> Vec<Result<Watermarks, Code>> {
        // Any member may ask any leader.
        let asked = self.members.first().map(|member| member.ends(topic, partitions, wait));
        asked.unwrap_or_else(|| vec![Err(Code::UnknownPartition); partitions.len()])
    }

    fn identities(&mut self, topics: &[&str], wait: Wait<'_>) -> Result<Vec<Result<TopicIdentity, Code>>, KafkaError> {
        match self.members.first() {
            Some(member) => member.identities(topics, wait),
            None => Ok(vec![Err(Code::UnknownTopic); topics.len()]),
        }
    }

    fn is_settled(&self) -> bool {
        self.assignment.is_settled(self.log.now())
    }

    fn holds(&self, partition: i32) -> bool {
        self.assignment.owner(partition).is_some()
    }

    fn unsettled(&self, waited: Duration) -> Option<KafkaError> {
        if self.is_settled() {
            return None;
        }
        let without: Vec<i32> = self.starts.keys().copied().filter(|slot| !self.holds(*slot)).collect();
        let group = self.config.settings.get("group.id").cloned().unwrap_or_default();
        let topics: Vec<&str> = self.slots.topics().map(|(topic, _)| topic).collect();
        let (topics, partitions) = (topics.join(", "), self.slots.told(&without));
        Some(KafkaError::GroupIncomplete { group, topics, partitions, all: without.len() == self.starts.len(), waited })
    }

    fn drain(&mut self) {
        self.disturb_at = Nanos::MAX;
        self.config.disturb_every = None;
    }
}

impl<M: GroupMember> Drop for GroupReader<M> {
    /// All members leave at once: in the middle of a rebalance each may wait for the coordinator.
    fn drop(&mut self) {
        if self.topics.made_anew().is_some() || (self.commit_at != Nanos::MAX && !self.may_commit()) {
            for member in &mut self.members {
                member.leave_uncommitted();
            }
        }
        for member in std::mem::take(&mut self.members) {
            self.leave(member);
        }
        let deadline = self.log.now() + self.leaving_within.into();
        while self.leaving > 0 {
            let left = Duration::from(deadline.saturating_since(self.log.now()));
            if !self.has_left(left) {
                tracing::warn!(
                    members = self.leaving,
                    "members had not left the group within {:?}",
                    self.leaving_within
                );
                return;
            }
            self.leaving -= 1;
        }
    }
}

/// Members with one `group.instance.id` would fence each other: each gets the given one with its number.
fn tell_apart(settings: &mut Settings, number: usize) {
    if let Some(id) = settings.get_mut("group.instance.id") {
        *id = format!("{id}-{number}");
    }
}

#[cfg(test)]
mod tests;
