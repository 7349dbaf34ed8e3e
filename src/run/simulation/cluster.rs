//! Brokers, what happens to them, and requests on their way: everything that happens at a time of its own.
//!
//! One queue of happenings in virtual time; whoever asks the cluster for something first lets all happen that was due.

use std::collections::btree_map::OccupiedEntry;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::forge::Forgery;
use super::log::{Entry, Identity, Message, Nature, Partition};
use super::plan::Plan;
use super::producer::Client;
use super::transactions::{End, Transaction};
use crate::clock::virtual_time;
use crate::kafka::{Answer, Code, Remedy};
use crate::run::Interrupts;

pub(super) const MS: u64 = 1_000_000;
/// How long the controller waits for a broker (`broker.session.timeout.ms`; 9 s in Kafka, shorter here so that runs are short).
pub(super) const SESSION: u64 = 300 * MS;
/// How long a leader waits for a copy that lags (`replica.lag.time.max.ms`; 30 s in Kafka).
const LAG: u64 = 600 * MS;

/// Where and when something was given to a reader: partition, offset, virtual time.
pub(super) type Sighting = (usize, i64, u64);

/// A record that was given to the reader of the run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given {
    pub(super) partition: usize,
    pub(super) nature: Nature,
    pub(super) create_ms: i64,
    /// Whether its offset had been given before.
    pub(super) again: bool,
}

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

    /// Waits until something happens, at most until that instant.
    pub(super) fn wait(&self, until_ns: u64) {
        let next = self.open().next_happening();
        virtual_time::wait_until(until_ns.min(next));
    }
}

/// What became of an event, as only the world knows it.
#[derive(Clone, Debug, Default)]
pub(super) struct Fate {
    /// When the client took it, and where to.
    pub(super) taken_at: Option<u64>,
    pub(super) partition: Option<usize>,
    /// When it was due, as its stamp has it.
    pub(super) due: u64,
    /// What the client answered in the end, when.
    pub(super) answer: Option<(Answer, Option<i64>, u64)>,
    /// Where it was given to the reader of the run, when.
    pub(super) seen: Vec<Sighting>,
    /// Where a damaged record that claims to be it was first given to that reader.
    pub(super) damaged: Option<(usize, i64)>,
    /// Whether that reader's client passed over it.
    pub(super) skipped: bool,
    /// The transaction that it belongs to.
    pub(super) transaction: Option<usize>,
    /// As it was handed over.
    pub(super) message: Option<Arc<Message>>,
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
    /// How far it has come, and when it was last told where the log ends.
    pub(super) read_to: Vec<usize>,
    pub(super) asked: Vec<Option<u64>>,
    /// When the log, its leader or what it shows last changed, and what they were then.
    pub(super) changed: Vec<u64>,
    known: Vec<Known>,
    /// Since when its leader has answered without a break.
    pub(super) answering_since: Vec<u64>,
    /// Whether the reader of the run was refused.
    pub(super) was_denied: bool,
    /// Until when nothing that a reader is told is the whole truth.
    pub(super) disturbed_until: u64,
    /// How many records a reader's client is to pass over, and which step it is to make back.
    pub(super) to_skip: Vec<usize>,
    pub(super) steps_back: Vec<usize>,
    /// How the next record is to be damaged on its way into a log.
    to_damage: Vec<Option<Forgery>>,
    /// When the first lane began.
    pub(super) begun: Option<u64>,
    /// How often the topic was made anew.
    pub(super) made_anew: u32,
    /// When requests to end came, and whom they reach.
    pub(super) interrupted_at: Vec<u64>,
    pub(super) interrupts: Arc<Interrupts>,
    /// For how long this process was stopped in all, and until when it is.
    pub(super) paused: u64,
    paused_until: u64,
    /// The acts of the plan that had an effect.
    pub(super) acted: Vec<usize>,
    pub(super) brokers: Vec<Broker>,
    queue: BTreeMap<(u64, u64), Happening>,
    serial: u64,
    pub(super) rng: SmallRng,
    /// Until when answers of brokers are lost, are late, are held back, or refuse.
    pub(super) answers_lost_until: u64,
    pub(super) answers_late_until: u64,
    pub(super) throttled_until: u64,
    pub(super) refusing_until: u64,
    pub(super) lying_until: u64,
    pub(super) writing_denied_until: u64,
    pub(super) reading_denied_until: u64,
    producers: u64,
    pub(super) transactions: Vec<Transaction>,
    /// Whether others have taken the producers' transactional ids.
    pub(super) fenced: bool,
    /// Requests in the sockets of stopped brokers.
    stalled: Vec<(usize, Request, Vec<Entry>)>,
    /// Requests that wait for the copies in sync.
    awaiting: Vec<Awaiting>,
}

/// What of a partition a reader can tell apart: leader, epoch, start, high watermark, end, and whether it is answered.
type Known = (Option<usize>, i32, usize, usize, usize, bool);

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

#[derive(Debug)]
struct Awaiting {
    request: Request,
    epoch: i32,
    base: usize,
    end: usize,
}

#[derive(Debug)]
pub(super) enum Happening {
    Act(usize),
    /// What an act did to a broker ends.
    Back(usize),
    Session(usize, u64),
    Lag(usize, usize),
    Copy(usize, usize),
    Shown(usize, usize),
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
    /// Somebody who waits has to look: a client has a report to give.
    Look,
}

impl Happening {
    /// Whether this process does it, which it does not while it is stopped.
    const fn is_own(&self) -> bool {
        matches!(self, Self::Send(..) | Self::Answer(..) | Self::NoAnswer(..) | Self::Expire(..) | Self::Ended(..))
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
            changed: vec![0; plan.partitions],
            known: vec![(None, 0, 0, 0, 0, false); plan.partitions],
            answering_since: vec![0; plan.partitions],
            was_denied: false,
            disturbed_until: 0,
            to_skip: vec![0; plan.partitions],
            steps_back: vec![0; plan.partitions],
            to_damage: vec![None; plan.partitions],
            begun: None,
            made_anew: 0,
            interrupted_at: Vec::new(),
            interrupts: Arc::default(),
            paused: 0,
            paused_until: 0,
            acted: Vec::new(),
            brokers: vec![broker; plan.brokers],
            queue: BTreeMap::new(),
            serial: 0,
            rng: SmallRng::seed_from_u64(plan.seed ^ 0x5eed),
            answers_lost_until: 0,
            answers_late_until: 0,
            throttled_until: 0,
            refusing_until: 0,
            lying_until: 0,
            writing_denied_until: 0,
            reading_denied_until: 0,
            producers: 0,
            transactions: Vec::new(),
            fenced: false,
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

    /// Somebody who waits may have to wake earlier for this.
    pub(super) fn stir(&self) {
        virtual_time::stir(self.next_happening());
    }

    pub(super) fn send_at(&mut self, at: u64, client: usize, partition: usize) {
        self.at(at, Happening::Send(client, partition));
    }

    pub(super) fn arrive(&mut self, request: Request) {
        let Some(batch) = self.clients[request.client].batch(request) else { return };
        let on_its_way = self.latency();
        self.at(self.now + on_its_way, Happening::Arrive(request, batch));
        let patience = self.plan.request_timeout_ms * MS;
        self.at(self.now + patience, Happening::NoAnswer(request));
    }

    pub(super) fn expire_at(&mut self, at: u64, client: usize, partition: usize) {
        self.at(at, Happening::Expire(client, partition));
    }

    pub(super) fn report_at(&mut self, at: u64) {
        self.at(at, Happening::Look);
    }

    fn latency(&mut self) -> u64 {
        let (from, to) = self.plan.latency_us;
        self.rng.random_range(from..=to) * 1_000
    }

    /// Whether the partition's leader answers.
    pub(super) fn answers(&self, partition: usize) -> bool {
        let leader = self.partitions[partition].leader;
        leader.is_some_and(|leader| self.brokers[leader].alive && !self.brokers[leader].stopped)
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
            Happening::Lag(partition, follower) => {
                let lags = self.partitions[partition].copies[follower].len() < self.partitions[partition].log().len();
                if lags
                    && self.partitions[partition].in_sync[follower]
                    && !self.follows(follower)
                    && self.answers(partition)
                {
                    self.partitions[partition].shrink(follower);
                    self.settle(partition);
                }
            }
            Happening::Copy(partition, follower) => {
                if self.follows(follower) && self.answers(partition) {
                    self.partitions[partition].replicate(follower);
                    self.settle(partition);
                }
            }
            Happening::Shown(partition, high) => {
                let high = high.min(self.partitions[partition].high);
                self.shown[partition] = self.shown[partition].max(high);
            }
            Happening::Send(client, partition) => super::producer::send(self, client, partition),
            Happening::Arrive(request, batch) => self.produce(request, batch),
            Happening::Answer(request, answer) => super::producer::answered(self, request, answer),
            Happening::NoAnswer(request) => super::producer::unanswered(self, request),
            Happening::Expire(client, partition) => super::producer::expire(self, client, partition),
            Happening::EndTransaction(transaction, end) => self.end_transaction(transaction, end),
            Happening::Ended(transaction, answer) => self.ended(transaction, answer),
            Happening::Marker(transaction, partition) => self.mark(transaction, partition),
            Happening::Unhide(transaction) => self.decide(transaction, End::Aborted),
            Happening::Look => {}
        }
    }

    fn follows(&self, broker: usize) -> bool {
        let Broker { alive, stopped, copies, .. } = self.brokers[broker];
        alive && !stopped && copies
    }

    /// Stops this process: whoever waits in it goes on later, and brokers go on meanwhile.
    pub(super) fn pause(&mut self, length: u64) {
        let until = (self.now + length).max(self.paused_until);
        virtual_time::jump_to(until);
        self.paused += until - self.now.max(self.paused_until);
        self.paused_until = until;
    }

    /// Has the next record of a partition damaged on its way into the log.
    pub(super) fn damage_next(&mut self, partition: usize, forgery: Forgery) {
        self.to_damage[partition] = Some(forgery);
    }

    fn note_change(&mut self, partition: usize) {
        let Partition { leader, epoch, start, high, .. } = self.partitions[partition];
        let known = (leader, epoch, start, high, self.partitions[partition].log().len(), self.answers(partition));
        let before = std::mem::replace(&mut self.known[partition], known);
        if before != known {
            self.changed[partition] = self.now;
        }
        if !before.5 {
            self.answering_since[partition] = self.now;
        }
    }

    /// After a change of a partition: its followers copy, who waits for them is answered, readers are shown more.
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
                self.at(self.now + self.plan.copy_ms * MS, Happening::Copy(partition, follower));
            } else {
                self.at(self.now + LAG, Happening::Lag(partition, follower));
            }
        }
        let Partition { high, epoch, .. } = self.partitions[partition];
        self.shown[partition] = self.shown[partition].min(high);
        let fetch = self.plan.fetch_us * 1_000;
        self.at(self.now + fetch, Happening::Shown(partition, high));
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

    /// A produce request reaches the leader.
    fn produce(&mut self, request: Request, mut batch: Vec<Entry>) {
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
            let numbers = self.partitions[partition].log().iter().enumerate();
            let known: HashMap<u64, usize> = numbers
                .filter_map(|(offset, entry)| {
                    entry.producer.filter(|(id, _)| *id == first.0).map(|(_, number)| (number, offset))
                })
                .collect();
            if let Some(offset) = known.get(&first.1) {
                // Sent again: answered with the first copy's offset, once that is where it was to be.
                return self.accept(request, *offset, batch.len());
            }
            let last = known.keys().max();
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
        self.at(self.now + on_its_way, Happening::Answer(request, answer));
    }

    fn elect_all(&mut self) {
        let alive: Vec<bool> = self.brokers.iter().map(|broker| broker.alive && !broker.stopped).collect();
        for partition in 0..self.partitions.len() {
            self.partitions[partition].elect(&alive, self.plan.unclean);
            self.settle(partition);
        }
    }

    fn back(&mut self, broker: usize) {
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
