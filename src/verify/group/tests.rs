//! A group whose coordinator is a script: when it is ready, how it ends, and how its members leave.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};

use super::*;
use crate::clock::{Clock, Manual};
use crate::control::Traffic;
use crate::event::catalogue::Catalogue;
use crate::event::invalid::Invalid;
use crate::event::learned::{Finder, SchemaLookup};
use crate::kafka::headers::Headers;
use crate::kafka::{Record, Refusal, Timestamp};
use crate::measure::Recorder;
use crate::settings::run::Patience;
use crate::verify::topic_book::TopicBook;
use crate::verify::{Drain, EndedBy, Inspector, Setup, Verifier};
use crate::wire::framing::{self, SchemaId};

/// What the coordinator does to its members, told by their numbers in the order in which they joined.
#[derive(Debug, Default)]
struct Coordinator {
    clock: Manual,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    joined: usize,
    decisions: Vec<(Nanos, usize, Change)>,
    refusals: Vec<(Nanos, usize, Refusal)>,
    /// Whether members that leave are kept waiting.
    keeps: bool,
    leaving: usize,
    gone: usize,
    uncommitted: usize,
    /// What lies in the log and has not been given out: partition, offset and value.
    log: VecDeque<(i32, i64, Vec<u8>)>,
    /// How far each partition may be committed.
    stored: BTreeMap<i32, i64>,
}

impl Coordinator {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Gives a member partitions at that second, or takes them away.
    fn decides(&self, at_s: u64, member: usize, assigned: bool, partitions: &[i32]) {
        let change = Change { assigned, partitions: partitions.to_vec(), ..Change::default() };
        self.state().decisions.push((Nanos::from_secs(at_s), member, change));
    }

    fn refuses(&self, at_s: u64, member: usize, code: Code, words: &str) {
        let at = Nanos::from_secs(at_s);
        let refusal = Refusal::heard(None, code, words, true, at).unwrap();
        self.state().refusals.push((at, member, refusal));
    }

    /// Until `is_so`, which a thread brings about.
    fn wait_until(&self, is_so: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        self.changed.wait_while(self.state(), |state| !is_so(state)).unwrap()
    }
}

thread_local! {
    /// The coordinator of the groups of this test, which has a thread of its own.
    static COORDINATOR: RefCell<Arc<Coordinator>> = RefCell::default();
}

fn coordinator() -> Arc<Coordinator> {
    COORDINATOR.with(|coordinator| Arc::clone(&coordinator.borrow()))
}

/// A member as its coordinator will have it. It reads the end of each partition that it is given.
#[derive(Debug)]
struct Scripted {
    number: usize,
    coordinator: Arc<Coordinator>,
    to_read: VecDeque<i32>,
}

impl GroupMember for Scripted {
    fn join(_settings: &Settings, _slots: &Arc<Slots>, _starts: BTreeMap<i32, i64>) -> Result<Self, KafkaError> {
        let coordinator = coordinator();
        let number = coordinator.state().joined;
        coordinator.state().joined += 1;
        Ok(Self { number, coordinator, to_read: VecDeque::new() })
    }
    fn changes(&mut self) -> Vec<Change> {
        let (now, mut state) = (self.coordinator.clock.now(), self.coordinator.state());
        let is_due = |(at, member, _): &mut (Nanos, usize, Change)| *member == self.number && now >= *at;
        let changes: Vec<Change> = state.decisions.extract_if(.., is_due).map(|(_, _, change)| change).collect();
        self.to_read.extend(changes.iter().filter(|change| change.assigned).flat_map(|change| &change.partitions));
        changes
    }
    fn refusal(&self) -> Option<Refusal> {
        let (now, state) = (self.coordinator.clock.now(), self.coordinator.state());
        let of_this = state.refusals.iter().find(|(at, member, _)| *member == self.number && now >= *at);
        of_this.map(|(_, _, refusal)| refusal.clone())
    }
    fn take(&mut self, _most: usize, each: &mut dyn FnMut(Delivered<'_>)) -> usize {
        self.to_read.drain(..).for_each(|partition| each(Delivered::EndOfPartition { partition, offset: 0 }));
        let log = std::mem::take(&mut self.coordinator.state().log);
        for (partition, offset, body) in &log {
            let (timestamp, key, body) = (Timestamp::Missing, None, Some(body.as_slice()));
            let (partition, offset, headers) = (*partition, *offset, Headers::default());
            each(Delivered::Record(Record { partition, offset, timestamp, key, body, headers, leader_epoch: 0 }));
        }
        log.len()
    }
    fn wait_any(members: &mut [Self], timeout: Duration) -> io::Result<()> {
        members[0].coordinator.clock.advance(timeout.into());
        Ok(())
    }
    fn notices(&mut self, _notice: &mut dyn FnMut(Notice)) {}
    fn store(&self, read: &[Judged]) {
        self.coordinator.state().stored.extend(read.iter().map(|read| (read.partition, read.position)));
    }
    fn commit(&self) -> Result<(), Code> {
        Ok(())
    }
    fn seek(&self, _topic: &str, _partition: i32, _offset: i64, _timeout: Duration) -> Result<(), KafkaError> {
        Ok(())
    }
    fn take_up(&self, _positions: &BTreeMap<i32, i64>, _given_up: &[i32]) -> Result<(), KafkaError> {
        Ok(())
    }
    fn ends(&self, _topic: &str, partitions: &[i32], _wait: Wait<'_>) -> Vec<Result<Watermarks, Code>> {
        vec![Ok(Watermarks::default()); partitions.len()]
    }
    fn identities(&self, topics: &[&str], _wait: Wait<'_>) -> Result<Vec<Result<TopicIdentity, Code>>, KafkaError> {
        Ok(vec![Ok(TopicIdentity { id: Some("second".to_owned()), partitions: 3 }); topics.len()])
    }
    fn leave_uncommitted(&mut self) {
        self.coordinator.state().uncommitted += 1;
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.coordinator.state().leaving += 1;
        self.coordinator.changed.notify_all();
        self.coordinator.wait_until(|state| !state.keeps).gone += 1;
        self.coordinator.changed.notify_all();
    }
}

/// A group of two that is to read three partitions of one topic.
fn group(topics: &Arc<Topics>) -> GroupReader<Scripted> {
    let config = GroupConfig {
        settings: Settings::from([("group.id".to_owned(), "g".to_owned())]),
        consumers: 2,
        commit_every: None,
        disturb_every: None,
        is_shared: false,
    };
    GroupReader::new(config, Arc::new(Slots::of_one("t", 3)), Arc::clone(topics), SharedLog::start())
}

/// A verifier that reads through it, once it stands ready, for which it has a minute.
fn position() -> Result<Verifier<Manual, TopicBook>, KafkaError> {
    position_of(crate::shop::catalogue().unwrap())
}

fn position_of(catalogue: Catalogue) -> Result<Verifier<Manual, TopicBook>, KafkaError> {
    let topics = Arc::new(Topics::default());
    let setup = Setup {
        topic: "t".to_owned(),
        clock: coordinator().clock.clone(),
        recorder: Recorder::new(1, 7, 3),
        control: Arc::default(),
        traffic: Arc::new(Traffic::new(3, None)),
        drain: Arc::new(Drain::default()),
        topics: Arc::clone(&topics),
        patience: Patience::default(),
    };
    let catalogue = Arc::new(catalogue);
    let inspector = Inspector::new(TopicBook::new(None, 3), catalogue, "t", Arc::new(Slots::of_one("t", 3)), false);
    let starts = [Watermarks::default(); 3];
    Verifier::position(setup, Box::new(group(&topics)), inspector, &starts, Duration::from_secs(60), &|| false)
}

#[test]
fn a_group_is_ready_when_every_partition_has_a_reader() {
    coordinator().decides(1, 0, true, &[0, 2]);
    coordinator().decides(7, 1, true, &[1]);
    position().unwrap();
    let ready = coordinator().clock.now();
    assert!((Nanos::from_secs(7)..Nanos::from_secs(8)).contains(&ready), "{ready}");
}

#[test]
fn a_partition_that_changes_hands_has_no_reader_meanwhile() {
    coordinator().decides(1, 0, true, &[0, 1, 2]);
    coordinator().decides(1, 0, false, &[1]);
    coordinator().decides(9, 1, true, &[1]);
    position().unwrap();
    assert!(coordinator().clock.now() >= Nanos::from_secs(9));
}

#[test]
fn a_group_that_does_not_get_every_partition_says_which_it_lacks() {
    let lacks = || match position().unwrap_err() {
        KafkaError::GroupIncomplete { group, partitions, all, waited, .. } => {
            assert_eq!((group.as_str(), waited), ("g", Duration::from_secs(60)));
            (partitions, all)
        }
        error => panic!("{error}"),
    };
    assert_eq!(lacks(), ("[0, 1, 2]".to_owned(), true));
    // The next two members.
    coordinator().decides(1, 2, true, &[0]);
    coordinator().decides(1, 3, true, &[2]);
    assert_eq!(lacks(), ("[1]".to_owned(), false));
}

#[test]
fn a_group_whose_member_is_refused_does_not_wait_for_it() {
    coordinator().decides(1, 0, true, &[0, 1]);
    coordinator().refuses(2, 1, Code::GroupMaxSizeReached, "the group is full");
    match position().unwrap_err() {
        KafkaError::Refused { what, code } => {
            assert_eq!((what.as_str(), code), ("joining the group (the group is full)", Code::GroupMaxSizeReached));
        }
        error => panic!("{error}"),
    }
    assert!(coordinator().clock.now() < Nanos::from_secs(3));
}

#[test]
fn a_group_whose_member_is_fenced_ends_with_the_coordinators_reason() {
    coordinator().decides(1, 0, true, &[0, 1]);
    coordinator().decides(1, 1, true, &[2]);
    let verifier = position().unwrap();
    let fenced = coordinator().clock.now() + Nanos::from_secs(5);
    coordinator().refuses(fenced.0 / 1_000_000_000, 1, Code::FencedInstanceId, "fenced by another member");
    let end = verifier.run();
    assert_eq!(end.by, EndedBy::Refused(Code::FencedInstanceId));
    assert_eq!(end.refusal.map(|refusal| refusal.text).as_deref(), Some("fenced by another member"));
}

/// Knows nothing of schema 7 until it is told.
#[derive(Debug, Default)]
struct Registry(AtomicBool);

impl Finder for Registry {
    fn find(&self, id: SchemaId) -> SchemaLookup<'_> {
        let is_open = id == SchemaId::Registry(7) && !self.0.load(Ordering::Acquire);
        if is_open { SchemaLookup::Pending } else { SchemaLookup::Refused(Invalid::UnknownSchemaId) }
    }
    fn silence(&self) -> Option<String> {
        None
    }
}

#[test]
fn what_awaits_its_schema_is_not_committed_before_it_is_judged() {
    coordinator().decides(1, 0, true, &[0, 1]);
    coordinator().decides(1, 1, true, &[2]);
    let registry = Arc::new(Registry::default());
    let finder: Arc<dyn Finder> = Arc::<Registry>::clone(&registry);
    let mut verifier = position_of(crate::shop::catalogue().unwrap().learning(finder)).unwrap();
    let log = [(0, 0, 1), (0, 1, 7), (0, 2, 1), (1, 0, 1)];
    coordinator().state().log = log.map(|(at, offset, id)| (at, offset, framing::confluent(id, None))).into();
    verifier.take();
    assert_eq!(coordinator().state().stored, BTreeMap::from([(0, 1), (1, 1)]), "up to the one that is held");
    verifier.take();
    assert_eq!(coordinator().state().stored[&0], 1);
    registry.0.store(true, Ordering::Release);
    verifier.take();
    assert_eq!(coordinator().state().stored, BTreeMap::from([(0, 3), (1, 1)]));
}

#[test]
fn members_leave_at_once_and_are_not_waited_for_without_end() {
    let mut reader = group(&Arc::default());
    reader.leaving_within = Duration::from_millis(50);
    reader.assign("t", &[(0, 0), (1, 0), (2, 0)]).unwrap();
    let coordinator = coordinator();
    coordinator.state().keeps = true;
    // It returns although none of them can go, each of which has begun to.
    drop(reader);
    let mut state = coordinator.wait_until(|state| state.leaving == 2);
    assert_eq!((state.gone, state.uncommitted), (0, 0));
    state.keeps = false;
    drop(state);
    coordinator.changed.notify_all();
    drop(coordinator.wait_until(|state| state.gone == 2));
}

#[test]
fn a_group_leaves_without_a_commit_where_its_topic_was_made_anew() {
    for (known, uncommitted) in [("second", 0), ("first", 2)] {
        let topics = Arc::new(Topics::new(vec![("t".to_owned(), Some(known.to_owned()))]));
        let mut reader = group(&topics);
        reader.commit_at = Nanos::ZERO;
        reader.assign("t", &[(0, 0), (1, 0), (2, 0)]).unwrap();
        drop(reader);
        assert_eq!(coordinator().state().uncommitted, uncommitted, "the topic was {known}, and is the second");
    }
}
