//! The coordinator of the group that reads: who has which partition, and how far it was told that each has been read.
//!
//! Sources: KIP-62 and KIP-345 (a member is given up when its session has run out, and is told so when it is heard again), the classic
//! protocol (all give up what they have, and share anew when all have), KIP-848 (only what changes hands is given up, and taken over when
//! its old reader has said so); librdkafka commits what it stored before it gives partitions up, and not where they are lost
//! (INTRODUCTION.md); commits of members that the group does not have are refused.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::cluster::{Cluster, Happening, MS};
use super::plan::GroupPlan;
use crate::clock::Nanos;
use crate::kafka::{Code, Refusal};

/// How long a member may be silent (`session.timeout.ms`; 45 s by default, shorter here so that runs are short).
pub(super) const SESSION: u64 = 400 * MS;
/// How long the coordinator waits for others when a member has come or gone.
const GATHERS: u64 = 5 * MS;
/// How long a decision is on its way.
const ON_ITS_WAY: u64 = 2 * MS;
/// How often a coordinator that does not answer is asked again.
const AGAIN: u64 = 20 * MS;

/// What the group decided for a member, which it learns at a time.
#[derive(Clone, Debug)]
pub(super) struct Decision {
    at: u64,
    pub(super) assigned: bool,
    /// It was given up: whatever it has is another's.
    pub(super) lost: bool,
    pub(super) partitions: Vec<usize>,
}

/// A member.
#[derive(Clone, Debug, Default)]
struct Seat {
    /// Whether the coordinator has it as a member.
    is_known: bool,
    has_left: bool,
    /// The last generation for which it has given up what it had.
    generation: u64,
    /// What the coordinator has as its.
    owns: BTreeSet<usize>,
    is_giving_up: bool,
    told: VecDeque<Decision>,
    /// What it may commit.
    stored: BTreeMap<usize, usize>,
    silent: Option<(u64, u64)>,
}

/// The group.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    seats: Vec<Seat>,
    /// Counts the changes of its members.
    generation: u64,
    /// The last one for which the partitions were shared.
    shared: u64,
    pub(super) committed: BTreeMap<usize, usize>,
    pub(super) refusal: Option<Refusal>,
    /// When its members were driven out.
    pub(super) expelled_at: Option<u64>,
}

impl Seat {
    fn tell(&mut self, at: u64, assigned: bool, lost: bool, partitions: Vec<usize>) {
        let heard = self.silent.map_or(at, |(_, until)| at.max(until));
        self.told.push_back(Decision { at: heard, assigned, lost, partitions });
    }
}

impl Group {
    fn members(&self) -> Vec<usize> {
        (0..self.seats.len()).filter(|member| self.seats[*member].is_known).collect()
    }

    /// Who is to have a partition: each a range of them.
    fn target(&self, member: usize, partitions: usize) -> BTreeSet<usize> {
        let members = self.members();
        (0..partitions)
            .filter(|partition| members.get(partition * members.len() / partitions) == Some(&member))
            .collect()
    }

    /// When a member has something to learn.
    pub(super) fn is_told(&self, member: usize, now: u64) -> bool {
        self.seats[member].told.front().is_some_and(|decision| decision.at <= now)
    }

    /// What it learns next.
    pub(super) fn told(&mut self, member: usize, now: u64) -> Option<Decision> {
        self.seats[member].told.pop_front_if(|decision| decision.at <= now)
    }

    pub(super) fn store(&mut self, member: usize, partition: usize, position: usize) {
        self.seats[member].stored.insert(partition, position);
    }

    pub(super) fn forget_stored(&mut self, member: usize, partition: usize) {
        self.seats[member].stored.remove(&partition);
    }
}

impl Cluster {
    fn shape(&self) -> GroupPlan {
        self.plan.group.unwrap_or_default()
    }

    /// Whether the coordinator, which lives on the first broker, answers a member.
    pub(super) fn coordinator_answers(&self, member: usize) -> bool {
        let is_silent = self.group.seats[member].silent.is_some_and(|(_, until)| until > self.now);
        self.brokers[0].alive && !self.brokers[0].stopped && !is_silent
    }

    /// A member asks to be let in; its number.
    pub(super) fn join_group(&mut self) -> usize {
        self.group.seats.push(Seat::default());
        let member = self.group.seats.len() - 1;
        self.at(self.now + ON_ITS_WAY, Happening::Heard(member));
        if self.shape().auto {
            self.at(self.now + self.shape().commit_ms * MS, Happening::Commit(member));
        }
        member
    }

    /// A member leaves; `says`: with a word.
    pub(super) fn leave_group(&mut self, member: usize, says: bool) {
        self.group.seats[member].has_left = true;
        if says && self.coordinator_answers(member) {
            self.give_up(member);
        } else {
            self.at(self.now + SESSION, Happening::Missed(member));
        }
    }

    fn give_up(&mut self, member: usize) {
        let seat = &mut self.group.seats[member];
        if std::mem::take(&mut seat.is_known) {
            seat.owns.clear();
            seat.told.clear();
            self.group.generation += 1;
            self.at(self.now + GATHERS, Happening::Share);
        }
    }

    /// The coordinator does not hear a member until then.
    pub(super) fn silence(&mut self, member: usize, until: u64) {
        let now = self.now;
        let Some(seat) = self.group.seats.get_mut(member) else { return };
        let (since, until) = seat
            .silent
            .filter(|(_, until)| *until > now)
            .map_or((now, until), |(since, before)| (since, before.max(until)));
        seat.silent = Some((since, until));
        for decision in &mut seat.told {
            decision.at = decision.at.max(until);
        }
        self.at(since + SESSION, Happening::Missed(member));
        self.at(until, Happening::Heard(member));
    }

    /// All members are as silent as this process.
    pub(super) fn silence_all(&mut self, until: u64) {
        (0..self.group.seats.len()).for_each(|member| self.silence(member, until));
    }

    /// A member's session may have run out.
    pub(super) fn missed(&mut self, member: usize) {
        let Seat { has_left, silent, .. } = self.group.seats[member];
        if has_left || silent.is_some_and(|(since, until)| until > self.now && since + SESSION <= self.now) {
            self.give_up(member);
        }
    }

    /// A member is heard: one that is none, or no more, is let in anew.
    pub(super) fn heard(&mut self, member: usize) {
        let now = self.now;
        let Seat { has_left, is_known, silent, .. } = self.group.seats[member];
        if has_left || is_known || silent.is_some_and(|(_, until)| until > now) {
            return;
        }
        if !self.coordinator_answers(member) {
            return self.at(now + AGAIN, Happening::Heard(member));
        }
        let seat = &mut self.group.seats[member];
        if silent.is_some() {
            seat.tell(now, false, true, Vec::new());
        }
        (seat.is_known, seat.is_giving_up, seat.generation) = (true, false, 0);
        self.group.generation += 1;
        self.at(now + GATHERS, Happening::Share);
    }

    /// Who has what is brought nearer to what is to be.
    pub(super) fn share(&mut self) {
        let (now, partitions) = (self.now + ON_ITS_WAY, self.plan.partitions);
        if !self.brokers[0].alive || self.brokers[0].stopped {
            return self.at(self.now + AGAIN, Happening::Share);
        }
        let is_eager = !self.shape().cooperative;
        let group = &mut self.group;
        let (members, generation) = (group.members(), group.generation);
        for member in members.iter().copied() {
            let target = group.target(member, partitions);
            let seat = &mut group.seats[member];
            let surplus: Vec<usize> = if is_eager && seat.generation < generation {
                seat.owns.iter().copied().collect()
            } else if is_eager {
                Vec::new()
            } else {
                seat.owns.difference(&target).copied().collect()
            };
            if surplus.is_empty() {
                seat.generation = generation;
            } else if !std::mem::replace(&mut seat.is_giving_up, true) {
                seat.tell(now, false, false, surplus);
            }
        }
        let is_ready = members.iter().all(|member| group.seats[*member].generation == generation);
        if is_eager && !(is_ready && group.shared < generation) {
            return;
        }
        group.shared = generation;
        for member in members {
            let taken: BTreeSet<usize> = group.seats.iter().flat_map(|seat| seat.owns.iter().copied()).collect();
            let free: Vec<usize> = group.target(member, partitions).difference(&taken).copied().collect();
            let seat = &mut group.seats[member];
            if is_eager || !free.is_empty() {
                seat.owns.extend(free.iter().copied());
                seat.tell(now, true, false, free);
            }
        }
        self.at(now, Happening::Look);
    }

    /// A member has given partitions up.
    pub(super) fn gave_up(&mut self, member: usize, decision: &Decision) {
        let generation = self.group.generation;
        let seat = &mut self.group.seats[member];
        if decision.lost || !seat.is_known {
            return;
        }
        seat.owns.retain(|partition| !decision.partitions.contains(partition));
        (seat.is_giving_up, seat.generation) = (false, generation);
        self.at(self.now + ON_ITS_WAY, Happening::Share);
    }

    /// What a member has stored is committed, where the group has it and the coordinator answers.
    pub(super) fn commit(&mut self, member: usize) -> bool {
        let is_heard = self.coordinator_answers(member) && self.group.seats[member].is_known;
        if is_heard {
            let Seat { stored, owns, .. } = &self.group.seats[member];
            let own: Vec<(usize, usize)> =
                stored.iter().filter(|(partition, _)| owns.contains(partition)).map(|(at, to)| (*at, *to)).collect();
            self.group.committed.extend(own);
        }
        is_heard
    }

    /// The client commits by itself, now and then.
    pub(super) fn commit_again(&mut self, member: usize) {
        if !self.group.seats[member].has_left {
            self.commit(member);
            self.at(self.now + self.shape().commit_ms * MS, Happening::Commit(member));
        }
    }

    /// Others take the members' places, or the right to be there is gone.
    pub(super) fn expel(&mut self, code: Code) {
        self.group.refusal =
            Refusal::heard(None, code, "the group has no place for this member", true, Nanos(self.now));
        self.at(self.now, Happening::Look);
    }
}
