//! The cluster as a whole, and everything in it that happens at a time of its own.
//!
//! One queue of happenings in virtual time; whoever asks the cluster for something first lets all happen that was due.

use std::collections::BTreeMap;
use std::collections::btree_map::OccupiedEntry;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::SeedableRng;
use rand::rngs::SmallRng;

use super::brokers::{Awaiting, Broker, Consequence, Request};
use super::client::{self, Client};
use super::fates::{Fate, Given, Known};
use super::forge::Forgery;
use super::group::Group;
use super::log::{Entry, Identity, Partition};
use super::plan::Plan;
use super::transactions::{End, Transaction};
use crate::clock::virtual_time::{self, World};
use crate::kafka::{Code, Remedy};
use crate::run::Interrupts;

pub(super) const MS: u64 = 1_000_000;
/// The cluster, shared by everything that talks to it.
#[derive(Clone, Debug)]
pub(super) struct Shared(Arc<Mutex<Cluster>>);

impl Shared {
    pub(super) fn new(plan: &Plan) -> Self {
        Self(Arc::new(Mutex::new(Cluster::new(plan))))
    }

    /// The cluster as it is now.
    pub(super) fn open(&self) -> MutexGuard<'_, Cluster> {
        let mut cluster = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cluster.advance();
        cluster
    }

    /// Waits until `ready`, or until somebody stirs, at most until that instant.
    pub(super) fn wait_for(&self, until_ns: u64, ready: impl Fn(&Cluster) -> bool + Send + 'static) {
        let Some(seat) = virtual_time::seat() else { return };
        let mut cluster = self.open();
        if ready(&cluster) {
            return;
        }
        cluster.waiting.push(Waiting { seat, ready: Box::new(ready) });
        drop(cluster);
        virtual_time::wait_until(until_ns);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).waiting.retain(|waiting| waiting.seat != seat);
    }
}

impl World for Shared {
    fn next_ns(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next_happening()
    }

    fn step(&self) {
        let cluster = self.open();
        for waiting in cluster.waiting.iter().filter(|waiting| (waiting.ready)(&cluster)) {
            virtual_time::wake_up(waiting.seat);
        }
    }

    fn wakes_ns(&self, until_ns: u64) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).wakes_ns(until_ns)
    }
}

/// A thread that waits for something.
struct Waiting {
    seat: usize,
    ready: Box<dyn Fn(&Cluster) -> bool + Send>,
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.seat.fmt(f)
    }
}

#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) now: u64,
    pub(super) plan: Plan,
    pub(super) partitions: Vec<Partition>,
    /// How far readers are shown each partition: the high watermark as it was a fetch ago.
    pub(super) shown: Vec<usize>,
    pub(super) clients: Vec<Client>,
    pub(super) fates: BTreeMap<Identity, Fate>,
    /// What was given to the reader of the run, in order.
    pub(super) given: Vec<Given>,
    /// How far it was told that it has come, and when it was last told where the log ends.
    pub(super) read_to: Vec<usize>,
    pub(super) asked: Vec<Option<u64>>,
    /// Whether that was no end yet: not told, or before what was acked. Until when the reader read on, and could ask again.
    pub(super) is_short: Vec<bool>,
    pub(super) read_until: u64,
    /// When the log, its leader or what it shows last changed, and what they were then.
    pub(super) changed: Vec<u64>,
    pub(super) known: Vec<Known>,
    /// Since when its leader has answered without a break.
    pub(super) answering_since: Vec<u64>,
    /// Up to where each log had aged before the topic was deleted.
    pub(super) aged: Vec<usize>,
    /// When the topic was first deleted, and until when it is not there.
    pub(super) deleted_at: Option<u64>,
    pub(super) deleted_until: u64,
    /// Whether the reader of the run was refused, and when it was first told so when it read.
    pub(super) was_denied: bool,
    pub(super) told_at: Option<u64>,
    /// Until when nothing that a reader is told is the whole truth.
    pub(super) disturbed_until: u64,
    /// How many records a reader's client is to pass over, and which step it is to make back.
    pub(super) to_skip: Vec<usize>,
    pub(super) steps_back: Vec<usize>,
    /// How the next record is to be damaged on its way into a log.
    pub(super) to_damage: Vec<Option<Forgery>>,
    /// When the first lane began.
    pub(super) begun: Option<u64>,
    /// How often the topic was made anew.
    pub(super) made_anew: u32,
    /// When requests to end came, and whom they reach.
    pub(super) interrupted_at: Vec<u64>,
    pub(super) interrupts: Arc<Interrupts>,
    /// For how long this process was stopped in all, when, and until when it is.
    pub(super) paused: u64,
    pub(super) pauses: Vec<(u64, u64)>,
    paused_until: u64,
    /// The acts of the plan that had an effect.
    pub(super) acted: Vec<usize>,
    pub(super) brokers: Vec<Broker>,
    queue: BTreeMap<(u64, u64), Happening>,
    waiting: Vec<Waiting>,
    serial: u64,
    pub(super) rng: SmallRng,
    /// Whether a request's latency is that of its moment, the same in each world, whoever else sends there.
    pub(super) latencies_by_moment: bool,
    /// Until when answers of brokers are lost, are late, are held back, or refuse.
    pub(super) answers_lost_until: u64,
    pub(super) answers_late_until: u64,
    pub(super) throttled_until: u64,
    pub(super) refusing_until: u64,
    pub(super) lying_until: u64,
    pub(super) writing_denied_until: u64,
    pub(super) reading_denied_until: u64,
    /// Until when readers are given nothing.
    pub(super) reading_held_until: u64,
    producers: u64,
    pub(super) transactions: Vec<Transaction>,
    /// Until when the registry tells nothing of each schema that records name.
    pub(super) schemas: Vec<u64>,
    /// The group that reads.
    pub(super) group: Group,
    /// Whether others have taken the producers' transactional ids.
    pub(super) fenced: bool,
    /// What changes of partitions will have as consequences.
    pub(super) to_come: Vec<Consequence>,
    /// Requests in the sockets of stopped brokers.
    pub(super) stalled: Vec<(usize, Request, Vec<Entry>)>,
    /// Requests that wait for the copies in sync.
    pub(super) awaiting: Vec<Awaiting>,
}

#[derive(Debug)]
pub(super) enum Happening {
    Act(usize),
    /// What an act did to a broker ends.
    Back(usize),
    Session(usize, u64),
    Consequence(Consequence),
    /// A client's queue for a partition may be sent.
    Send(usize, usize),
    Arrive(Request, Vec<Entry>),
    Answer(Request, Result<Option<i64>, Code>),
    NoAnswer(Request),
    Expire(usize, usize),
    EndTransaction(usize, End),
    Ended(usize, Result<(), (Code, Remedy)>),
    Marker(usize, usize),
    /// Another producer's transaction ends.
    Unhide(usize),
    /// The topic is there again.
    Made,
    /// A group's member is heard by its coordinator, or its session may have run out.
    Heard(usize),
    Missed(usize),
    /// The coordinator shares the partitions among the members.
    Share,
    /// A member's client commits by itself.
    Commit(usize),
    /// Somebody who waits has to look: a client has a report to give.
    Look,
}

impl Happening {
    /// Whether this process does it, which it does not while it is stopped.
    const fn is_own(&self) -> bool {
        matches!(
            self,
            Self::Send(..)
                | Self::Answer(..)
                | Self::NoAnswer(..)
                | Self::Expire(..)
                | Self::Ended(..)
                | Self::Commit(..)
        )
    }
}

impl Cluster {
    fn new(plan: &Plan) -> Self {
        let partition = |index| Partition::new(plan.brokers, index);
        let broker = Broker { alive: true, stopped: false, copies: true, life: 0 };
        let mut cluster = Self {
            now: 0,
            plan: plan.clone(),
            partitions: (0..plan.partitions).map(partition).collect(),
            shown: vec![0; plan.partitions],
            clients: Vec::new(),
            fates: BTreeMap::new(),
            given: Vec::new(),
            read_to: vec![0; plan.partitions],
            asked: vec![None; plan.partitions],
            is_short: vec![false; plan.partitions],
            read_until: 0,
            changed: vec![0; plan.partitions],
            known: vec![(None, 0, 0, 0, 0, false); plan.partitions],
            answering_since: vec![0; plan.partitions],
            aged: vec![0; plan.partitions],
            deleted_at: None,
            deleted_until: 0,
            was_denied: false,
            told_at: None,
            disturbed_until: 0,
            to_skip: vec![0; plan.partitions],
            steps_back: vec![0; plan.partitions],
            to_damage: vec![None; plan.partitions],
            begun: None,
            made_anew: 0,
            interrupted_at: Vec::new(),
            interrupts: Arc::default(),
            paused: 0,
            pauses: Vec::new(),
            paused_until: 0,
            acted: Vec::new(),
            brokers: vec![broker; plan.brokers],
            queue: BTreeMap::new(),
            waiting: Vec::new(),
            serial: 0,
            rng: SmallRng::seed_from_u64(plan.seed ^ 0x5eed),
            latencies_by_moment: false,
            answers_lost_until: 0,
            answers_late_until: 0,
            throttled_until: 0,
            refusing_until: 0,
            lying_until: 0,
            writing_denied_until: 0,
            reading_denied_until: 0,
            reading_held_until: 0,
            producers: 0,
            transactions: Vec::new(),
            schemas: Vec::new(),
            group: Group::default(),
            fenced: false,
            to_come: Vec::new(),
            stalled: Vec::new(),
            awaiting: Vec::new(),
        };
        for (index, act) in plan.acts.iter().enumerate() {
            cluster.at(act.at_ms * MS, Happening::Act(index));
        }
        for _ in 0..plan.lanes {
            cluster.producers += 1;
            cluster.clients.push(Client::new(plan, cluster.producers));
        }
        cluster
    }

    /// A producer id that nobody had.
    pub(super) fn new_producer(&mut self) -> u64 {
        self.producers += 1;
        self.producers
    }

    pub(super) fn at(&mut self, at: u64, happening: Happening) {
        self.serial += 1;
        self.queue.insert((at, self.serial), happening);
    }

    fn next_happening(&self) -> u64 {
        self.queue.first_key_value().map_or(u64::MAX, |((at, _), _)| *at)
    }

    pub(super) fn send_at(&mut self, at: u64, client: usize, partition: usize) {
        if self.clients[client].is_to_look(partition, at) {
            self.at(at, Happening::Send(client, partition));
        }
    }

    pub(super) fn expire_at(&mut self, at: u64, client: usize, partition: usize) {
        self.at(at, Happening::Expire(client, partition));
    }

    pub(super) fn report_at(&mut self, at: u64) {
        self.at(at, Happening::Look);
    }

    fn advance(&mut self) {
        let Some(mut now) = virtual_time::now_ns() else { return };
        while let Some(((at, _), happening)) =
            self.queue.first_entry().filter(|next| next.key().0 <= now).map(OccupiedEntry::remove_entry)
        {
            self.now = at;
            if at < self.paused_until && happening.is_own() {
                self.at(self.paused_until, happening);
            } else {
                self.happen(happening);
            }
            // This process may have been stopped for a while.
            now = now.max(self.paused_until);
        }
        self.now = now;
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Act(index) => {
                self.acted.push(index);
                self.act(self.plan.acts[index].act);
            }
            Happening::Back(broker) => self.back(broker),
            Happening::Session(broker, life) => {
                let Broker { alive, stopped, life: now, .. } = self.brokers[broker];
                if life == now && (!alive || stopped) {
                    self.elect_all();
                }
            }
            Happening::Consequence(consequence) => self.follows_up(consequence),
            Happening::Send(of, partition) => {
                self.clients[of].looks(partition, self.now);
                client::send(self, of, partition);
            }
            Happening::Arrive(request, batch) => self.produce(request, batch),
            Happening::Answer(request, answer) => client::answered(self, request, answer),
            Happening::NoAnswer(request) => client::unanswered(self, request),
            Happening::Expire(of, partition) => client::expire(self, of, partition),
            Happening::EndTransaction(transaction, end) => self.end_transaction(transaction, end),
            Happening::Ended(transaction, answer) => self.ended(transaction, answer),
            Happening::Marker(transaction, partition) => self.mark(transaction, partition),
            Happening::Unhide(transaction) => self.decide(transaction, End::Aborted),
            Happening::Made => self.made(),
            Happening::Heard(member) => self.heard(member),
            Happening::Missed(member) => self.missed(member),
            Happening::Share => self.share(),
            Happening::Commit(member) => self.commit_again(member),
            Happening::Look => {}
        }
    }

    /// Stops this process: whoever waits in it goes on later, and brokers go on meanwhile.
    pub(super) fn pause(&mut self, length: u64) {
        let until = (self.now + length).max(self.paused_until);
        virtual_time::jump_to(until);
        self.paused += until - self.now.max(self.paused_until);
        self.pauses.push((self.now.max(self.paused_until), until));
        self.paused_until = until;
        self.silence_all(until);
    }

    /// Has the next record of a partition damaged on its way into the log.
    pub(super) fn damage_next(&mut self, partition: usize, forgery: Forgery) {
        self.to_damage[partition] = Some(forgery);
    }
}
