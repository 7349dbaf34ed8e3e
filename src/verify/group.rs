//! Reading as a consumer group: some members share the partitions, and what is read twice when they change hands is told
//! apart from what was written twice.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use super::reader::Reader;
use super::topics::Topics;
use crate::clock::{Clock, Monotonic, Nanos, wall_unix_ns};
use crate::kafka::native::{Change, Member, Refusal, wait_any};
use crate::kafka::slots::Slots;
use crate::kafka::{Code, Delivered, KafkaError, Notice, Settings, TopicIdentity, Wait, Watermarks};

/// How long every partition must have had a reader before a group counts as formed in which some members read nothing.
const CALM: Nanos = Nanos::from_secs(5);
/// The longest wait for members to leave, all together.
const LEAVING: Duration = Duration::from_secs(5);
/// The longest wait for the ids of the topics before a commit.
const IDS: Duration = Duration::from_secs(1);
/// Rebalances kept with their times; of more only the number is.
const KEPT: usize = 1000;

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

/// A time in which not every partition had a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebalance {
    /// When the first partition changed hands.
    pub at: Nanos,
    /// When every partition had a reader again; `None` where that never came.
    pub until: Option<Nanos>,
    /// Why, as far as it is known.
    pub reason: &'static str,
    /// Partitions that were given up.
    pub given_up: usize,
    /// Members when it began.
    pub members: usize,
}

/// What became of the group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupLog {
    /// Rebalances after the first assignment.
    pub rebalances: Vec<Rebalance>,
    /// How many there were.
    pub count: u64,
    /// Commits that were asked for by the reader itself.
    pub commits: u64,
    /// Errors of following a rebalance or of committing, by name.
    pub errors: BTreeMap<String, u64>,
}

/// The log of a group and the clock of its times, shared with those who tell of it.
#[derive(Clone, Debug)]
pub struct SharedLog {
    log: Arc<Mutex<GroupLog>>,
    clock: Monotonic,
}

impl SharedLog {
    /// An empty log whose times count from now.
    #[must_use]
    pub fn start() -> Self {
        Self { log: Arc::default(), clock: Monotonic::start() }
    }

    /// Now, by the clock of its times.
    #[must_use]
    pub fn now(&self) -> Nanos {
        self.clock.now()
    }

    /// The log as it stands.
    pub fn open(&self) -> MutexGuard<'_, GroupLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a member stands in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// The group has not yet told what it reads.
    Joining,
    /// It reads what it was given, which may be nothing.
    Reading,
    /// It has given up what it had and waits for what comes.
    Waiting,
}

/// The members of a group as one reader.
#[derive(Debug)]
pub struct GroupReader {
    config: GroupConfig,
    log: SharedLog,
    slots: Arc<Slots>,
    /// The topics with their ids.
    topics: Arc<Topics>,
    starts: BTreeMap<i32, i64>,
    members: Vec<Member>,
    /// How each of them stands.
    standings: Vec<Standing>,
    /// Since when every partition has had a reader without a break.
    owned_since: Option<Nanos>,
    /// By partition, the member that has it.
    owners: BTreeMap<i32, usize>,
    /// Whether every partition has had a reader once.
    complete: bool,
    /// The member whose turn it is to be asked first, and whether there may be more to take.
    turn: usize,
    more: bool,
    commit_at: Nanos,
    disturb_at: Nanos,
    reason: &'static str,
    /// Members on their way out, and how they tell that they are.
    leaving: usize,
    left: (mpsc::Sender<()>, mpsc::Receiver<()>),
}

impl GroupReader {
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
            standings: Vec::new(),
            owned_since: None,
            owners: BTreeMap::new(),
            complete: false,
            turn: 0,
            more: false,
            reason: "the group formed",
            leaving: 0,
            left: mpsc::channel(),
        }
    }

    fn join(&mut self) -> Result<(), KafkaError> {
        let mut settings = self.config.settings.clone();
        if self.config.consumers > 1 || self.config.disturb_every.is_some() {
            tell_apart(&mut settings, self.members.len());
        }
        self.members.push(Member::join(&settings, &self.slots, self.starts.clone())?);
        self.standings.push(Standing::Joining);
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
        if !self.has_all() {
            self.owned_since = None;
        } else if self.owned_since.is_none() {
            self.owned_since = Some(now);
        }
        // Where others read, too, this process's own members are all that is known.
        let is_over = if self.config.is_shared {
            self.standings.iter().all(|one| *one == Standing::Reading)
        } else {
            self.is_settled()
        };
        if !is_over {
            return;
        }
        let has_formed = !std::mem::replace(&mut self.complete, true);
        let mut log = self.log.open();
        let open = log.rebalances.last_mut().filter(|last| last.until.is_none());
        // What a disturbance is the reason of may not have begun yet: every partition has a reader until then.
        if has_formed || open.is_some() {
            self.reason = "another member or the coordinator";
        }
        if let Some(open) = open {
            open.until = Some(now);
            // The next disturbance waits until the group has had its time of peace.
            if let Some(every) = self.config.disturb_every {
                self.disturb_at = now + every.into();
            }
        }
    }

    fn note(&mut self, place: usize, change: &Change, now: Nanos) {
        if let Some(code) = change.error {
            *self.log.open().errors.entry(format!("{code:?}")).or_default() += 1;
        }
        if let Some(standing) = self.standings.get_mut(place) {
            *standing = if change.assigned { Standing::Reading } else { Standing::Waiting };
        }
        if change.assigned {
            self.owners.extend(change.partitions.iter().map(|partition| (*partition, place)));
            return;
        }
        let before = self.owners.len();
        self.owners.retain(|partition, owner| *owner != place || !change.partitions.contains(partition));
        let reason = if change.lost { "the group gave a member up" } else { self.reason };
        self.note_given_up(now, before - self.owners.len(), reason);
    }

    /// A rebalance begins when the first partition has no reader any more.
    fn note_given_up(&self, now: Nanos, given_up: usize, reason: &'static str) {
        if given_up == 0 || !self.complete {
            return;
        }
        let mut log = self.log.open();
        if let Some(open) = log.rebalances.last_mut().filter(|last| last.until.is_none()) {
            open.given_up += given_up;
            return;
        }
        log.count += 1;
        if log.rebalances.len() < KEPT {
            log.rebalances.push(Rebalance { at: now, until: None, reason, given_up, members: self.members.len() });
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
                    *log.errors.entry(format!("commit: {code:?}")).or_default() += 1;
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
            let place = self.members.len() - 1;
            let Some(member) = self.members.pop() else { return };
            self.standings.pop();
            let before = self.owners.len();
            self.owners.retain(|_, owner| *owner != place);
            let given_up = before - self.owners.len();
            self.note_given_up(self.log.now(), given_up, self.reason);
            // Leaving takes its time, and the others must go on reading meanwhile.
            self.leave(member);
        } else {
            self.reason = "a member joined (--chaos-rebalance)";
            if let Err(error) = self.join() {
                *self.log.open().errors.entry(error.to_string()).or_default() += 1;
            }
        }
    }

    /// Lets a member leave on a thread of its own.
    fn leave(&mut self, member: Member) {
        let left = self.left.0.clone();
        let leaving = move || {
            drop(member);
            // Nobody listens any more where it took too long.
            left.send(()).unwrap_or_default();
        };
        match thread::Builder::new().name("leaving-member".to_owned()).spawn(leaving) {
            Ok(_) => self.leaving += 1,
            Err(error) => tracing::warn!("a member could not be let go on a thread of its own: {error}"),
        }
    }

    /// Whether every partition has a reader.
    fn has_all(&self) -> bool {
        self.owners.len() == self.starts.len()
    }

    fn owner(&self, partition: i32) -> Option<&Member> {
        self.owners.get(&partition).and_then(|place| self.members.get(*place))
    }
}

impl Reader for GroupReader {
    /// The starts count where the group has committed nothing later.
    fn assign(&mut self, _topic: &str, starts: &[(i32, i64)]) -> Result<(), KafkaError> {
        self.starts = starts.iter().copied().collect();
        self.members.clear();
        self.standings.clear();
        self.owners.clear();
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
            let is_its_own = |partition: &i32| self.owners.get(partition) == Some(&place);
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
            taken = self.members[place].take(most, &mut *each);
            if taken > 0 {
                self.turn = place + 1;
                break;
            }
        }
        self.more = taken > 0;
        taken
    }

    fn wait(&mut self, timeout: Duration) -> io::Result<()> {
        if self.more { Ok(()) } else { wait_any(&mut self.members, timeout) }
    }

    fn notices(&mut self, notice: &mut dyn FnMut(Notice)) {
        self.follow();
        self.keep_time();
        for member in &mut self.members {
            member.notices(&mut *notice);
        }
    }

    fn refusal(&self) -> Option<Refusal> {
        self.members.iter().find_map(|member| member.refusal().cloned())
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

    /// Every partition has a reader. While the group forms, members without any are waited for, but not for ever: a coordinator may
    /// leave them without.
    fn is_settled(&self) -> bool {
        let busy = || self.owners.values().copied().collect::<BTreeSet<usize>>().len();
        let calm = || self.owned_since.is_some_and(|since| self.log.now() >= since + CALM);
        self.has_all() && (self.complete || busy() == self.members.len().min(self.starts.len()) || calm())
    }

    fn holds(&self, partition: i32) -> bool {
        self.owners.contains_key(&partition)
    }

    fn unsettled(&self, waited: Duration) -> Option<KafkaError> {
        if self.is_settled() {
            return None;
        }
        let without: Vec<i32> = self.starts.keys().copied().filter(|slot| !self.owners.contains_key(slot)).collect();
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

impl Drop for GroupReader {
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
        let deadline = self.log.now() + LEAVING.into();
        while self.leaving > 0 {
            let left = Duration::from(deadline.saturating_since(self.log.now()));
            if self.left.1.recv_timeout(left).is_err() {
                tracing::warn!(members = self.leaving, "members had not left the group within {LEAVING:?}");
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
