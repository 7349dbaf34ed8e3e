//! The consumer: records out in batches, with a wake-up on a pipe instead of a blocking call.

use std::collections::BTreeMap;
use std::io::{PipeReader, PipeWriter};
use std::os::fd::AsRawFd;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::Duration;

use rdkafka_sys::bindings as c;

use super::super::headers::Headers;
use super::super::slots::Slots;
use super::super::{
    ClusterMetadata, Code, Delivered, KafkaError, Notice, Record, Settings, Timestamp, TopicIdentity, TopicState, Wait,
    Watermarks,
};
use super::partitions::{self, PartitionList};
use super::{Client, HeadersOf, code, raw, slot_of};
use crate::clock::{Clock, Monotonic, Nanos};

/// A consumer that reads partitions it is told to read; it joins no group.
#[derive(Debug)]
pub struct Consumer {
    wake: Option<Wake>,
    queue: Queue,
    batch: Batch,
    /// The slots of several topics; `None` for one, where a slot is a partition.
    slots: Option<Arc<Slots>>,
    has_assigned: bool,
    /// Whether only committed records are read: then the last stable offset is asked for too.
    read_committed: bool,
    /// Since when the client may be stopping what it had before a new assignment.
    stopping_since: Option<Nanos>,
    clock: Monotonic,
    client: Client,
}

/// The longest wait for a client to stop what it had before it is assigned anew, or goes.
const STOPPING: Nanos = Nanos::from_secs(1);

/// librdkafka's default is to read committed records alone.
pub(super) fn is_read_committed(settings: &Settings) -> bool {
    settings.get("isolation.level").is_none_or(|level| level == "read_committed")
}

/// A consumer's queue of records.
#[derive(Debug)]
pub(super) struct Queue(pub(super) NonNull<c::rd_kafka_queue_t>);

impl Queue {
    pub(super) fn of(client: &Client) -> Result<Self, KafkaError> {
        // SAFETY: the handle is live; the reference returned is ours.
        let queue = unsafe { c::rd_kafka_queue_get_consumer(client.handle.as_ptr()) };
        NonNull::new(queue)
            .map(Self)
            .ok_or_else(|| KafkaError::Create("a consumer needs the setting group.id".to_owned()))
    }
}

// SAFETY: librdkafka's queues are thread-safe.
unsafe impl Send for Queue {}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: the reference is ours and not used afterwards.
        unsafe { c::rd_kafka_queue_destroy(self.0.as_ptr()) }
    }
}

/// Reused between calls; empty outside of one.
#[derive(Debug)]
struct Batch(Vec<*mut raw::Message>);

// SAFETY: holds no message outside of `Consumer::take`, which owns self.
unsafe impl Send for Batch {}

/// A message that is given back when this goes.
struct Owned(NonNull<raw::Message>);

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: consume_batch_queue gave us this message; nothing borrows from it any more.
        unsafe { c::rd_kafka_message_destroy(self.0.as_ptr().cast()) }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.let_stop();
    }
}

impl Consumer {
    /// A consumer with these settings. `group.id` must be among them, though no group is joined.
    ///
    /// # Errors
    /// Where a setting is wrong or the client cannot be created.
    pub fn new(settings: &Settings) -> Result<Self, KafkaError> {
        let events = c::RD_KAFKA_EVENT_ERROR | c::RD_KAFKA_EVENT_LOG | c::RD_KAFKA_EVENT_STATS;
        let client = Client::new(c::rd_kafka_type_t::RD_KAFKA_CONSUMER, settings, events)?;
        Ok(Self {
            wake: None,
            queue: Queue::of(&client)?,
            batch: Batch(Vec::new()),
            slots: None,
            has_assigned: false,
            read_committed: is_read_committed(settings),
            stopping_since: None,
            clock: Monotonic::start(),
            client,
        })
    }

    /// From now on partitions are told as slots of these topics, and the `topic` of a call names none of them alone.
    pub fn join(&mut self, slots: &Arc<Slots>) {
        self.slots = (!slots.is_one()).then(|| Arc::clone(slots));
    }

    /// The topic and partition that a slot stands for.
    fn place<'a>(&'a self, topic: &'a str, slot: i32) -> (&'a str, i32) {
        self.slots.as_deref().and_then(|slots| slots.place(slot)).unwrap_or((topic, slot))
    }

    /// Reads these partitions of `topic` from these offsets on; what was read before is dropped.
    ///
    /// # Errors
    /// Where the client refuses.
    pub fn assign(&mut self, topic: &str, starts: impl Iterator<Item = (i32, i64)>) -> Result<(), KafkaError> {
        self.let_stop();
        let places = starts.map(|(slot, offset)| {
            let (topic, partition) = self.place(topic, slot);
            (topic, partition, offset)
        });
        let list = PartitionList::new(places)?;
        // SAFETY: handle and list are live; the call copies the list.
        let error = unsafe { raw::rd_kafka_assign(self.client.handle.as_ptr(), list.0.as_ptr()) };
        match code(error) {
            Code::NoError => {
                self.stopping_since = std::mem::replace(&mut self.has_assigned, true).then(|| self.clock.now());
                Ok(())
            }
            code => Err(KafkaError::Refused { what: format!("reading topic \"{topic}\""), code }),
        }
    }

    /// librdkafka (2.12, its issue 5573) ends the process where it is told to give partitions up, by another assignment or by closing,
    /// while it still stops what an assignment before had given up. It reads on only when that has stopped: the first
    /// record, or end of a partition, is the proof.
    fn let_stop(&mut self) {
        let Some(since) = self.stopping_since else { return };
        while self.stopping_since.is_some() && self.clock.now() < since + STOPPING {
            if self.take(1, |_| {}) == 0 && self.wait(Duration::from_millis(10)).is_err() {
                self.clock.sleep_until(self.clock.now() + Nanos::from_millis(10));
            }
        }
        self.stopping_since = None;
    }

    /// Goes on reading a partition at another offset.
    ///
    /// # Errors
    /// Where the client refuses, or does not answer within `timeout`.
    pub fn seek(&self, topic: &str, partition: i32, offset: i64, timeout: Duration) -> Result<(), KafkaError> {
        let (topic, partition) = self.place(topic, partition);
        partitions::seek(&self.client, topic, partition, offset, timeout)
    }

    /// Takes what is there without waiting, at most `most` records, and returns how many it was.
    pub fn take(&mut self, most: usize, mut each: impl FnMut(Delivered<'_>)) -> usize {
        let batch = &mut self.batch.0;
        batch.clear();
        batch.resize(most, ptr::null_mut());
        // SAFETY: the queue is live; the array is valid for its stated size.
        let count =
            unsafe { c::rd_kafka_consume_batch_queue(self.queue.0.as_ptr(), 0, batch.as_mut_ptr().cast(), most) };
        let count = usize::try_from(count).unwrap_or(0).min(most);
        batch.truncate(count);
        for message in batch.drain(..) {
            if let Some(message) = NonNull::new(message) {
                let owned = Owned(message);
                // SAFETY: the message is live as long as `owned`, and its client as long as self.
                let delivered = unsafe { read(owned.0.as_ref(), self.slots.as_deref()) };
                if !matches!(delivered, Delivered::Error { .. }) {
                    self.stopping_since = None;
                }
                each(delivered);
            }
        }
        count
    }

    /// Returns when there is something to take, or after `timeout`.
    ///
    /// # Errors
    /// Where the operating system gives no pipe, or refuses to wait on it.
    pub fn wait(&mut self, timeout: Duration) -> std::io::Result<()> {
        if let Some(wake) = &mut self.wake {
            return wait_any([wake], timeout);
        }
        self.wake = Some(Wake::new([self.queue.0, self.client.events])?);
        // What arrived before the wake-up was switched on makes no sound: look once more first.
        Ok(())
    }

    /// Takes what the client has to say.
    pub fn notices(&self, mut notice: impl FnMut(Notice)) {
        while let Some(event) = self.client.event(Duration::ZERO) {
            if let Some(said) = event.notice() {
                notice(said);
            }
        }
    }

    /// Describes the cluster and `topic`; never creates it.
    ///
    /// # Errors
    /// Where no broker answers in time, or the topic does not exist.
    pub fn metadata(&self, topic: &str, timeout: Duration) -> Result<ClusterMetadata, KafkaError> {
        self.client.metadata(topic, timeout)
    }

    /// Every topic that this client may see, by name. Creates none.
    ///
    /// # Errors
    /// Where no broker answers within `timeout`, or the cluster refuses.
    pub fn topics(&self, timeout: Duration) -> Result<BTreeMap<String, TopicState>, KafkaError> {
        self.client.topics(timeout)
    }

    /// What the group named by `group.id` has committed in each of these slots; `None` where it has committed nothing. The
    /// group is not joined.
    ///
    /// # Errors
    /// Where the coordinator refuses, or does not answer within `timeout`.
    pub fn committed(&self, slots: &Slots, timeout: Duration) -> Result<Vec<Option<i64>>, Code> {
        let named =
            (0..slots.len()).filter_map(|slot| slots.place(slot)).map(|(topic, partition)| (topic, partition, 0));
        let mut list = PartitionList::new(named).map_err(|_| Code::InvalidTopic)?;
        partitions::committed(&self.client, list.as_mut(), timeout)?;
        Ok(list.elements().iter().map(|element| Some(element.offset).filter(|offset| *offset >= 0)).collect())
    }

    /// The first offset of each of these partitions whose record is not older than `ms` since the Unix epoch; `None` where there is
    /// none.
    ///
    /// # Errors
    /// Where a leader does not tell within `timeout`, or refuses.
    pub fn offsets_at(
        &self,
        places: &[(&str, i32)],
        ms: i64,
        timeout: Duration,
    ) -> Result<Vec<Option<i64>>, KafkaError> {
        partitions::offsets_at(&self.client, places, ms, timeout)
    }

    /// Both ends of the logs of these partitions (topic and number), in their order, as soon as all leaders tell them: one that has
    /// just been elected may say no at first.
    ///
    /// # Errors
    /// Where one does not within `timeout`, or cannot be reached, or refuses.
    pub fn first_ends(&self, places: &[(&str, i32)], timeout: Duration) -> Result<Vec<Watermarks>, KafkaError> {
        self.client.first_ends(places, timeout)
    }

    /// Both ends of these partitions, all asked at once, in their order; where a leader does not tell within `timeout`, or before
    /// the wait is given up, that it was not told. A consumer under `read_committed` is told the last stable offset too.
    #[must_use]
    pub fn ends(&self, topic: &str, partitions: &[i32], wait: Wait<'_>) -> Vec<Result<Watermarks, Code>> {
        let places: Vec<(&str, i32)> = partitions.iter().map(|partition| self.place(topic, *partition)).collect();
        self.client.ends(&places, self.read_committed, wait)
    }

    /// The end of a slot's log as the last fetch from it told: asks nobody. `None` before there was one.
    #[must_use]
    pub fn known_end(&self, topic: &str, slot: i32) -> Option<i64> {
        let (topic, partition) = self.place(topic, slot);
        self.client.known_end(topic, partition)
    }

    /// Which topics these names stand for now, in their order.
    ///
    /// # Errors
    /// Where no broker answers within `timeout`.
    pub fn identities(&self, topics: &[&str], wait: Wait<'_>) -> Result<Vec<Result<TopicIdentity, Code>>, KafkaError> {
        self.client.identities(topics, wait)
    }
}

/// A pipe on which queues make a sound when something arrives in them. It must go before its queues: fields of a struct
/// are declared wake-up first, queues after it.
#[derive(Debug)]
pub(super) struct Wake {
    reader: PipeReader,
    // Kept open for the queues that write to it.
    _writer: PipeWriter,
    queues: [NonNull<c::rd_kafka_queue_t>; 2],
}

// SAFETY: librdkafka's queues are thread-safe.
unsafe impl Send for Wake {}

impl Wake {
    pub(super) fn new(queues: [NonNull<c::rd_kafka_queue_t>; 2]) -> std::io::Result<Self> {
        let (reader, writer) = std::io::pipe()?;
        rustix::io::ioctl_fionbio(&reader, true)?;
        rustix::io::ioctl_fionbio(&writer, true)?;
        let payload = [1_u8];
        for queue in queues {
            // SAFETY: the queue is live, the descriptor stays open until the wake-up is switched off in drop, and
            // the payload is copied by the call.
            unsafe {
                c::rd_kafka_queue_io_event_enable(
                    queue.as_ptr(),
                    writer.as_raw_fd(),
                    payload.as_ptr().cast(),
                    payload.len(),
                );
            }
        }
        Ok(Self { reader, _writer: writer, queues })
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        for queue in self.queues {
            // SAFETY: the queue is live; -1 switches the wake-up off before the pipe is closed (rdkafka.h).
            unsafe { c::rd_kafka_queue_io_event_enable(queue.as_ptr(), -1, ptr::null(), 0) };
        }
    }
}

/// Returns when one of the queues has made a sound, or after `timeout`.
pub(super) fn wait_any<'a>(wakes: impl IntoIterator<Item = &'a mut Wake>, timeout: Duration) -> std::io::Result<()> {
    let mut wakes: Vec<&mut Wake> = wakes.into_iter().collect();
    let limit = rustix::event::Timespec {
        tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    };
    let mut watched: Vec<_> =
        wakes.iter().map(|wake| rustix::event::PollFd::new(&wake.reader, rustix::event::PollFlags::IN)).collect();
    match rustix::event::poll(&mut watched, Some(&limit)) {
        Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(()),
        Ok(_) => {}
        Err(error) => return Err(error.into()),
    }
    drop(watched);
    wakes.iter_mut().try_for_each(|wake| drain(&mut wake.reader))
}

fn drain(reader: &mut PipeReader) -> std::io::Result<()> {
    use std::io::Read;
    let mut sink = [0; 64];
    match reader.read(&mut sink) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error),
    }
}

/// What a message says; it borrows the message.
///
/// # Safety
/// `message` must be live, and so must the client it came from.
pub(super) unsafe fn read<'a>(message: &'a raw::Message, slots: Option<&Slots>) -> Delivered<'a> {
    // SAFETY: the caller's promise.
    let partition = unsafe { slot_of(message, slots) };
    let offset = message.offset;
    match code(message.err) {
        Code::NoError => {}
        Code::PartitionEOF => return Delivered::EndOfPartition { partition, offset },
        code => return Delivered::Error { partition, code, offset },
    }
    let of_client = ptr::from_ref(message).cast::<c::rd_kafka_message_t>();
    let mut kind = c::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
    // SAFETY: the message is live; `kind` is ours.
    let (at, leader_epoch) = unsafe {
        (c::rd_kafka_message_timestamp(of_client, &raw mut kind), c::rd_kafka_message_leader_epoch(of_client))
    };
    let timestamp = match kind {
        c::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_CREATE_TIME => Timestamp::Create(at),
        c::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME => Timestamp::LogAppend(at),
        c::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE => Timestamp::Missing,
    };
    // SAFETY: a non-null pointer comes with its length, and both live as long as the message.
    let (key, body) = unsafe { (bytes(message.key, message.key_len), bytes(message.payload, message.len)) };
    // SAFETY: the caller's promise: the message is live for `'a`.
    let headers = Headers::of(unsafe { HeadersOf::new(message) });
    Delivered::Record(Record { partition, offset, timestamp, key, body, headers, leader_epoch })
}

/// # Safety
/// `first` must be null or point to `length` bytes that live for `'a`.
pub(super) unsafe fn bytes<'a>(first: *const std::ffi::c_void, length: usize) -> Option<&'a [u8]> {
    if first.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    Some(unsafe { std::slice::from_raw_parts(first.cast(), length) })
}
