//! A member of a consumer group: records and what the group decides, from one queue.
//!
//! A rebalance comes as an event like all else (`RD_KAFKA_EVENT_REBALANCE`), so nothing calls back into Rust here either.

mod positions;

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use rdkafka_sys::bindings as c;

use super::super::slots::Slots;
use super::super::{Code, Delivered, KafkaError, Notice, Refusal, Settings, TopicIdentity, Wait, Watermarks};
use super::consumer::{self, Queue, Wake, is_read_committed, read};
use super::partitions::{self, PartitionList, code_of};
use super::{Client, Event, code, raw, text};
use crate::clock::{Clock, Monotonic};

/// How long the coordinator is waited for when a position must be known.
const COORDINATOR: Duration = Duration::from_secs(5);

/// A consumer that shares a topic's partitions with the rest of its group.
#[derive(Debug)]
pub struct Member {
    wake: Option<Wake>,
    queue: Queue,
    /// Where a slot is read from when the group has no committed offset in it.
    starts: BTreeMap<i32, i64>,
    begins: Begins,
    slots: Arc<Slots>,
    /// Whether nobody commits unless asked to.
    commits_when_asked: bool,
    read_committed: bool,
    changes: Vec<Change>,
    /// What the group has decided and this member has not followed yet.
    decided: Option<Event>,
    said: Vec<Notice>,
    refusal: Option<Refusal>,
    clock: Monotonic,
    client: Client,
}

/// Where a member begins in a slot of which the group has committed an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begins {
    /// There, but not before its own start.
    NotBeforeStarts,
    /// There.
    AtCommits,
    /// At the number that was committed with the offset, where that is before it.
    AtNotes,
}

/// What the group decided for a member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Given to it, or taken away.
    pub assigned: bool,
    /// Which slots: of one topic, its partitions.
    pub partitions: Vec<i32>,
    /// Where each of them is read from, where they are given.
    pub starts: Vec<i64>,
    /// Whether they were lost without a word, since the group had given the member up.
    pub lost: bool,
    /// Why it could not be followed, where it could not.
    pub error: Option<Code>,
    /// Of slots that were given to it: where the group stands, where it has committed something.
    pub committed: BTreeMap<i32, i64>,
}

impl Member {
    /// Joins the group named by the setting `group.id`, for the topics of these slots. Slots without a committed offset
    /// are read from `starts` on.
    ///
    /// # Errors
    /// Where a setting is wrong, or the client refuses.
    pub fn join(settings: &Settings, slots: &Arc<Slots>, starts: BTreeMap<i32, i64>) -> Result<Self, KafkaError> {
        let events =
            c::RD_KAFKA_EVENT_REBALANCE | c::RD_KAFKA_EVENT_ERROR | c::RD_KAFKA_EVENT_LOG | c::RD_KAFKA_EVENT_STATS;
        let commits_when_asked = settings.get("enable.auto.commit").is_some_and(|value| value == "false");
        let client = Client::new(c::rd_kafka_type_t::RD_KAFKA_CONSUMER, settings, events)?;
        let queue = Queue::of(&client)?;
        // -1 stands for all partitions (RD_KAFKA_PARTITION_UA).
        let list = PartitionList::new(slots.topics().map(|(topic, _)| (topic, -1, 0)))?;
        // SAFETY: handle and list are live; the call copies the list.
        match code(unsafe { raw::rd_kafka_subscribe(client.handle.as_ptr(), list.0.as_ptr()) }) {
            Code::NoError => Ok(Self {
                wake: None,
                queue,
                starts,
                begins: Begins::NotBeforeStarts,
                slots: Arc::clone(slots),
                commits_when_asked,
                read_committed: is_read_committed(settings),
                changes: Vec::new(),
                decided: None,
                said: Vec::new(),
                refusal: None,
                clock: Monotonic::start(),
                client,
            }),
            code => Err(KafkaError::Refused { what: "subscribing to the topics".to_owned(), code }),
        }
    }

    /// The same, but where a number was committed with the offset, reading begins there: what lies between the two is read again.
    #[must_use]
    pub const fn going_back(mut self) -> Self {
        self.begins = Begins::AtNotes;
        self
    }

    /// Whether the group has decided something that is not followed yet.
    #[must_use]
    pub const fn has_decided(&self) -> bool {
        self.decided.is_some()
    }

    /// Goes on where the group has committed, wherever that is: the starts are for slots without a commit.
    pub const fn follow_commits(&mut self) {
        self.begins = Begins::AtCommits;
    }

    /// Takes what is there without waiting, at most `most` records, up to what the group decides. Returns how many
    /// records it was.
    pub fn take(&mut self, most: usize, mut each: impl FnMut(Delivered<'_>)) -> usize {
        // What arrives while this goes on is left for the next call, which has a time of its own.
        // SAFETY: the queue is live.
        let there = unsafe { c::rd_kafka_queue_length(self.queue.0.as_ptr()) };
        let mut taken = 0;
        if self.decided.is_some() {
            return 0;
        }
        for _ in 0..there {
            if taken >= most {
                break;
            }
            // SAFETY: the queue is live; the event returned is ours.
            let event = unsafe { c::rd_kafka_queue_poll(self.queue.0.as_ptr(), 0) };
            let Some(event) = ptr::NonNull::new(event).map(Event) else { break };
            match event.kind() {
                c::RD_KAFKA_EVENT_FETCH => {
                    // SAFETY: the event is live and of type fetch; its message lives as long as it does.
                    let message =
                        unsafe { c::rd_kafka_event_message_next(event.0.as_ptr()).cast::<raw::Message>().as_ref() };
                    if let Some(message) = message {
                        taken += 1;
                        // SAFETY: the message is live as long as its event, and its client as long as self.
                        each(unsafe { read(message, Some(self.slots.as_ref()).filter(|slots| !slots.is_one())) });
                    }
                }
                c::RD_KAFKA_EVENT_REBALANCE => {
                    // To follow it takes answers of the coordinator, which whoever takes records does not wait for.
                    self.decided = Some(event);
                    break;
                }
                c::RD_KAFKA_EVENT_ERROR => match of_partition(&event, &self.slots) {
                    Some(delivered) => each(delivered),
                    None => self.hear(&event),
                },
                _ => {}
            }
        }
        taken
    }

    /// Whether the group has decided something that [`Member::changes`] will follow.
    #[must_use]
    pub const fn is_called_on(&self) -> bool {
        self.decided.is_some()
    }

    /// Follows what the group has decided since the last call, which waits for the coordinator, and tells it.
    pub fn changes(&mut self) -> Vec<Change> {
        if let Some(event) = self.decided.take() {
            self.follow(&event);
        }
        std::mem::take(&mut self.changes)
    }

    /// Why the group does not have this member, or has it no more; `None` where it may yet.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref().filter(|refusal| refusal.counts(self.clock.now()))
    }

    /// Notes what the group's coordinator, or the client for it, says against the member.
    fn hear(&mut self, event: &Event) {
        let Some(Notice::Error { mut code, mut text, mut fatal }) = event.notice() else { return };
        if let Some((reason, words)) = self.client.fatal().filter(|_| code == Code::Fatal) {
            (code, text, fatal) = (reason, words, true);
        }
        if let Some(refusal) = Refusal::heard(self.refusal.as_ref(), code, &text, fatal, self.clock.now()) {
            self.refusal = Some(refusal);
        }
        self.said.push(Notice::Error { code, text, fatal });
    }

    /// Does what the group decided: takes partitions over from where the group stands, or gives them up.
    fn follow(&mut self, event: &Event) {
        // SAFETY: event and handle are live; the list belongs to the event and lives as long as it does.
        let (assigned, named, lost, cooperative) = unsafe {
            let event = event.0.as_ptr();
            let handle = self.client.handle.as_ptr();
            let decided = code(raw::rd_kafka_event_error(event));
            let protocol = text(c::rd_kafka_rebalance_protocol(handle));
            (
                decided == Code::AssignPartitions,
                c::rd_kafka_event_topic_partition_list(event),
                c::rd_kafka_assignment_lost(handle) != 0,
                protocol == "COOPERATIVE",
            )
        };
        if !assigned && !lost && self.commits_when_asked {
            // What is not committed now, the next reader reads again. An error does just that, so it is left.
            // SAFETY: the handle is live; a null list means the offsets stored so far.
            unsafe { raw::rd_kafka_commit(self.client.handle.as_ptr(), ptr::null(), 0) };
        }
        let mut change = Change { assigned, lost: lost && !assigned, ..Change::default() };
        if let Some(mut partitions) = ptr::NonNull::new(named) {
            // SAFETY: the list is live and ours to write to while the event is.
            let partitions = unsafe { partitions.as_mut() };
            if assigned {
                change.error = partitions::committed(&self.client, partitions, COORDINATOR).err();
            }
            // SAFETY: the list's count says how many elements it has.
            let elements: &mut [raw::TopicPartition] = unsafe {
                match usize::try_from(partitions.cnt) {
                    Ok(count) if count > 0 => std::slice::from_raw_parts_mut(partitions.elems.cast(), count),
                    _ => &mut [],
                }
            };
            // SAFETY: each element of a live list has a name that ends with NUL.
            let slot = |element: &raw::TopicPartition| unsafe { slot_of(element, &self.slots) };
            if assigned {
                for element in &mut *elements {
                    let start = self.starts.get(&slot(element)).copied().unwrap_or(0);
                    // Without a commit of its own the group stands where the run began; an older commit is not gone back to.
                    let first = if self.begins == Begins::NotBeforeStarts { start } else { 0 };
                    element.offset = if element.offset >= first {
                        change.committed.insert(slot(element), element.offset);
                        // SAFETY: the element is one of a live list.
                        let back = unsafe { partitions::note(element) }.filter(|_| self.begins == Begins::AtNotes);
                        back.map_or(element.offset, |back| back.min(element.offset))
                    } else {
                        start
                    };
                }
                change.starts = elements.iter().map(|element| element.offset).collect();
            }
            change.partitions = elements.iter().map(slot).collect();
        }
        if assigned && self.refusal.as_ref().is_some_and(|refusal| !refusal.is_final()) {
            self.refusal = None;
        }
        // SAFETY: handle and list are live; the calls copy the list, and a null list means no partition at all.
        let refused = unsafe {
            let handle = self.client.handle.as_ptr();
            if cooperative {
                code_of(if assigned {
                    c::rd_kafka_incremental_assign(handle, named)
                } else {
                    c::rd_kafka_incremental_unassign(handle, named)
                })
            } else {
                code(raw::rd_kafka_assign(handle, if assigned { named } else { ptr::null_mut() }))
            }
        };
        if refused != Code::NoError {
            change.error = Some(refused);
        }
        self.changes.push(change);
    }

    /// Takes what the client has to say.
    pub fn notices(&mut self, mut notice: impl FnMut(Notice)) {
        self.said.drain(..).for_each(&mut notice);
        while let Some(event) = self.client.event(Duration::ZERO) {
            if let Some(said) = event.notice() {
                notice(said);
            }
        }
    }

    /// Both ends of these slots, as [`super::Consumer::ends`] tells them.
    #[must_use]
    pub fn ends(&self, topic: &str, slots: &[i32], wait: Wait<'_>) -> Vec<Result<Watermarks, Code>> {
        let place = |slot: &i32| self.slots.place(*slot).unwrap_or((topic, *slot));
        let places: Vec<(&str, i32)> = slots.iter().map(place).collect();
        self.client.ends(&places, self.read_committed, wait)
    }

    /// Which topics these names stand for now, as [`super::Consumer::identities`] tells them.
    ///
    /// # Errors
    /// Where no broker answers within `timeout`.
    pub fn identities(&self, topics: &[&str], wait: Wait<'_>) -> Result<Vec<Result<TopicIdentity, Code>>, KafkaError> {
        self.client.identities(topics, wait)
    }

    /// Switches the wake-up on where it is not yet; true where it was.
    fn arm(&mut self) -> std::io::Result<bool> {
        if self.wake.is_some() {
            return Ok(true);
        }
        self.wake = Some(Wake::new([self.queue.0, self.client.events])?);
        Ok(false)
    }
}

/// Returns when one of the members has something to take, or after `timeout`.
///
/// # Errors
/// Where the operating system gives no pipe, or refuses to wait on it.
pub fn wait_any(members: &mut [Member], timeout: Duration) -> std::io::Result<()> {
    let mut all_armed = true;
    for member in &mut *members {
        all_armed &= member.arm()?;
    }
    // What arrived before a wake-up was switched on makes no sound: look once more first.
    if all_armed {
        consumer::wait_any(members.iter_mut().filter_map(|member| member.wake.as_mut()), timeout)
    } else {
        Ok(())
    }
}

/// What an error event says of a partition; `None` for errors of the whole member.
fn of_partition(event: &Event, slots: &Slots) -> Option<Delivered<'static>> {
    // SAFETY: the event is live; the element returned is ours and destroyed below.
    unsafe {
        let element =
            ptr::NonNull::new(c::rd_kafka_event_topic_partition(event.0.as_ptr()).cast::<raw::TopicPartition>())?;
        let (partition, offset) = (slot_of(element.as_ref(), slots), element.as_ref().offset);
        c::rd_kafka_topic_partition_destroy(element.as_ptr().cast());
        Some(match code(raw::rd_kafka_event_error(event.0.as_ptr())) {
            Code::PartitionEOF => Delivered::EndOfPartition { partition, offset },
            code => Delivered::Error { partition, code, offset },
        })
    }
}

/// The slot of a topic's partition, -1 for what is none of the run's.
///
/// # Safety
/// The element's name must be a live text that ends with NUL.
unsafe fn slot_of(element: &raw::TopicPartition, slots: &Slots) -> i32 {
    // SAFETY: the caller's promise.
    let name = unsafe { CStr::from_ptr(element.topic) };
    slots.slot(name.to_bytes(), element.partition).unwrap_or(-1)
}
