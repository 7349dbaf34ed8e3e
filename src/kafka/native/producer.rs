//! The producer: batches in, delivery reports out.

mod transactions;

use std::ffi::{c_int, c_void};
use std::sync::Arc;
use std::time::Duration;
use std::{mem, ptr};

use rdkafka_sys::bindings as c;

use super::super::headers::Headers;
use super::super::slots::Slots;
use super::super::{Answer, ClusterMetadata, Code, KafkaError, Notice, Report, Settings, Wait, Watermarks};
use super::headers::List;
use super::{Client, Topic, code, raw, slice, slot_of};
use transactions::Unfinished;

/// `RD_KAFKA_PARTITION_UA` of rdkafka.h: let the partitioner choose.
const PARTITION_UNASSIGNED: i32 = -1;

/// One message of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Its topic, by its index among the run's.
    pub topic: usize,
    /// Its partition, as a slot; `None` lets the configured partitioner choose.
    pub partition: Option<i32>,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value; `None` for a tombstone.
    pub body: Option<&'a [u8]>,
    /// Its headers. A message that has some is handed over by itself, which costs more than to be one of a batch.
    pub headers: Headers<'a>,
    /// Its CreateTime, in ms since the Unix epoch; `None` where it is the time of handing over, as is 0. A message that has one is
    /// handed over by itself.
    pub create_ms: Option<i64>,
    /// Comes back in its delivery report.
    pub ticket: usize,
}

/// How much of a batch the client took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handed {
    /// Messages dealt with, counted from the front: accepted, or refused and reported as such.
    pub done: usize,
    /// Whether the rest was left because the client's queue is full.
    pub queue_full: bool,
    /// Whether the rest was left because the transaction has failed and must be aborted first.
    pub halted: bool,
}

impl Message<'_> {
    /// Whether it can be one of a batch.
    fn goes_with_others(&self) -> bool {
        self.create_ms.is_none() && self.headers.is_empty()
    }
}

/// A producer for a run's topics. Dropping it forgets what is still queued: serve until all reports are in, first.
#[derive(Debug)]
pub struct Producer {
    scratch: Scratch,
    topics: Vec<Topic>,
    /// The slots of several topics; `None` for one, where a slot is a partition.
    slots: Option<Arc<Slots>>,
    unfinished: Unfinished,
    client: Client,
}

/// Reused between calls; holds no pointer that is read outside of one call.
#[derive(Debug, Default)]
struct Scratch(Vec<raw::Message>);

// SAFETY: the pointers inside are overwritten before each use and never followed after the call that set them.
unsafe impl Send for Scratch {}

impl Producer {
    /// A producer with these settings for `topic`.
    ///
    /// # Errors
    /// Where a setting is wrong or the client cannot be created.
    pub fn new(settings: &Settings, topic: &str) -> Result<Self, KafkaError> {
        let events = c::RD_KAFKA_EVENT_DR | c::RD_KAFKA_EVENT_ERROR | c::RD_KAFKA_EVENT_LOG | c::RD_KAFKA_EVENT_STATS;
        let client = Client::new(c::rd_kafka_type_t::RD_KAFKA_PRODUCER, settings, events)?;
        Ok(Self {
            scratch: Scratch::default(),
            topics: vec![client.topic(topic)?],
            slots: None,
            unfinished: Unfinished::default(),
            client,
        })
    }

    /// A producer with these settings for all these topics, whose partitions are told as slots.
    ///
    /// # Errors
    /// Where a setting is wrong or the client cannot be created.
    pub fn of(settings: &Settings, slots: &Arc<Slots>) -> Result<Self, KafkaError> {
        let mut names = slots.topics().map(|(name, _)| name);
        let mut producer = Self::new(settings, names.next().unwrap_or_default())?;
        for name in names {
            producer.topics.push(producer.client.topic(name)?);
        }
        producer.slots = (!slots.is_one()).then(|| Arc::clone(slots));
        Ok(producer)
    }

    /// Hands over messages in order, until the client's queue is full. Body, key and headers are copied.
    ///
    /// A message that the client itself refuses (too large, unknown partition) goes to `refused` with its index. After an
    /// unknown partition or topic the caller must stop: librdkafka never frees such a message.
    pub fn produce<'a>(
        &mut self,
        messages: impl Iterator<Item = Message<'a>>,
        mut refused: impl FnMut(usize, Code),
    ) -> Handed {
        let Self { scratch: Scratch(batch), topics, slots, client, .. } = self;
        let slots = slots.as_deref();
        let mut messages = messages.peekable();
        let mut done = 0;
        while let Some(next) = messages.peek() {
            let number = next.topic;
            let Some(topic) = topics.get(number) else { break };
            batch.clear();
            while let Some(next) = messages.next_if(|next| next.topic == number && next.goes_with_others()) {
                batch.push(Self::raw(&next, slots));
            }
            if batch.is_empty() {
                let Some(message) = messages.next() else { break };
                let answer = produce_alone(client, topic, &message, slots);
                batch.push(raw::Message { err: answer.err().map_or(0, |code| code.0), ..Self::raw(&message, slots) });
            } else {
                // SAFETY: topic and client are live; the array holds as many messages as stated; their bodies and keys are
                // borrowed for `'a`, longer than the call, only read by it (F_COPY) and copied before it returns.
                unsafe {
                    c::rd_kafka_produce_batch(
                        topic.0.as_ptr(),
                        PARTITION_UNASSIGNED,
                        c::RD_KAFKA_MSG_F_COPY | c::RD_KAFKA_MSG_F_PARTITION,
                        batch.as_mut_ptr().cast(),
                        c_int::try_from(batch.len()).unwrap_or(c_int::MAX),
                    );
                }
            }
            for message in batch.iter() {
                match code(message.err) {
                    Code::NoError => {}
                    // Once full, the call fails for every later message too: what was taken is a prefix.
                    Code::QueueFull => return Handed { done, queue_full: true, halted: false },
                    // Said by a transactional producer alone, of all that follows: its transaction has failed.
                    Code::State => return Handed { done, queue_full: false, halted: true },
                    code => refused(done, code),
                }
                done += 1;
            }
        }
        Handed { done, queue_full: false, halted: false }
    }

    fn raw(message: &Message<'_>, slots: Option<&Slots>) -> raw::Message {
        raw::Message {
            err: Code::NoError.0,
            rkt: ptr::null_mut(),
            partition: partition_of(message, slots),
            payload: first(message.body),
            len: message.body.map_or(0, <[u8]>::len),
            key: first(message.key),
            key_len: message.key.map_or(0, <[u8]>::len),
            offset: 0,
            private: ptr::without_provenance_mut(message.ticket),
        }
    }

    /// Hands over one message by itself. Body, key and headers are copied.
    ///
    /// # Errors
    /// Where the client does not take it; `QueueFull` passes, and the message may be handed over again.
    pub fn produce_one(&self, message: &Message<'_>) -> Result<(), Code> {
        let topic = self.topics.get(message.topic).ok_or(Code::UnknownTopic)?;
        produce_alone(&self.client, topic, message, self.slots.as_deref())
    }

    /// Takes the delivery reports and notices that are there, waiting at most `wait` for the first.
    pub fn serve(&self, wait: Duration, mut report: impl FnMut(Report), mut notice: impl FnMut(Notice)) {
        let mut wait = wait;
        while let Some(event) = self.client.event(wait) {
            wait = Duration::ZERO;
            if event.kind() == c::RD_KAFKA_EVENT_DR {
                let mut messages = [ptr::null::<raw::Message>(); 256];
                loop {
                    // SAFETY: the event is live and of type delivery report; the array is valid for its size; each
                    // call continues where the last one ended (rdkafka.h).
                    let count = unsafe {
                        c::rd_kafka_event_message_array(event.0.as_ptr(), messages.as_mut_ptr().cast(), messages.len())
                    };
                    for message in &messages[..count.min(messages.len())] {
                        // SAFETY: librdkafka has filled in this pointer; the message lives as long as the event.
                        report(unsafe { read_report(*message, self.slots.as_deref()) });
                    }
                    if count < messages.len() {
                        break;
                    }
                }
            } else if let Some(said) = event.notice() {
                notice(said);
            }
        }
    }

    /// Describes the cluster and `topic`, blocking; right after creation this also hastens the producer id.
    ///
    /// # Errors
    /// Where no broker answers in time, or the topic does not exist.
    pub fn metadata(&self, topic: &str, timeout: Duration) -> Result<ClusterMetadata, KafkaError> {
        self.client.metadata(topic, timeout)
    }

    /// Both ends of the logs of these partitions (topic and number), in their order, as soon as all leaders tell them: one that has
    /// just been elected may say no at first. This also opens the connections to them.
    ///
    /// # Errors
    /// Where one does not within `timeout`, or cannot be reached, or refuses.
    pub fn first_ends(&self, places: &[(&str, i32)], timeout: Duration) -> Result<Vec<Watermarks>, KafkaError> {
        self.client.first_ends(places, timeout)
    }

    /// Both ends of the logs of these partitions (topic and number), all asked at once and in their order; an error where a leader
    /// does not tell within `timeout`.
    #[must_use]
    pub fn ends(&self, places: &[(&str, i32)], timeout: Duration) -> Vec<Result<Watermarks, Code>> {
        self.client.ends(places, false, Wait::of(timeout))
    }

    /// The error that has ended this producer for good, if one has.
    #[must_use]
    pub fn fatal(&self) -> Option<(Code, String)> {
        self.client.fatal()
    }

    /// Gives up everything that is queued or in flight: each gets a delivery report.
    pub fn purge(&self) {
        const QUEUED_AND_IN_FLIGHT: c_int = 0x1 | 0x2;
        // SAFETY: the handle is live; the flags are RD_KAFKA_PURGE_F_QUEUE and RD_KAFKA_PURGE_F_INFLIGHT.
        unsafe { raw::rd_kafka_purge(self.client.handle.as_ptr(), QUEUED_AND_IN_FLIGHT) };
    }
}

/// Hands over one message with its headers and its time, which a batch cannot have.
fn produce_alone(client: &Client, topic: &Topic, message: &Message<'_>, slots: Option<&Slots>) -> Result<(), Code> {
    use c::rd_kafka_vtype_t as Kind;
    type Value = c::rd_kafka_vu_s__bindgen_ty_1;
    let bytes = |bytes: Option<&[u8]>| Value {
        mem: c::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 { ptr: first(bytes), size: bytes.map_or(0, <[u8]>::len) },
    };
    let headers = List::of(message.headers);
    let values = [
        (Kind::RD_KAFKA_VTYPE_RKT, Value { rkt: topic.0.as_ptr() }),
        (Kind::RD_KAFKA_VTYPE_PARTITION, Value { i32_: partition_of(message, slots) }),
        (Kind::RD_KAFKA_VTYPE_KEY, bytes(message.key)),
        (Kind::RD_KAFKA_VTYPE_VALUE, bytes(message.body)),
        (Kind::RD_KAFKA_VTYPE_TIMESTAMP, Value { i64_: message.create_ms.unwrap_or(0) }),
        (Kind::RD_KAFKA_VTYPE_MSGFLAGS, Value { i: c::RD_KAFKA_MSG_F_COPY }),
        (Kind::RD_KAFKA_VTYPE_OPAQUE, Value { ptr: ptr::without_provenance_mut(message.ticket) }),
        (Kind::RD_KAFKA_VTYPE_HEADERS, Value { headers: headers.as_ref().map_or(ptr::null_mut(), List::pointer) }),
    ]
    .map(|(vtype, u)| c::rd_kafka_vu_s { vtype, u });
    // SAFETY: client and topic are live; each value is set by the member of the union that its type names; body and key are valid
    // for their lengths during the call, only read by it and copied before it returns (F_COPY). The list of headers is ours, or null,
    // which is none.
    let error = unsafe { c::rd_kafka_produceva(client.handle.as_ptr(), values.as_ptr(), values.len()) };
    if error.is_null() {
        // What was taken owns the list.
        mem::forget(headers);
        return Ok(());
    }
    // SAFETY: the error object is ours and live until destroyed.
    unsafe {
        let found = code(raw::rd_kafka_error_code(error));
        c::rd_kafka_error_destroy(error);
        Err(found)
    }
}

/// Where bytes begin; null where there are none, as librdkafka tells no bytes from an empty text.
fn first(bytes: Option<&[u8]>) -> *mut c_void {
    bytes.map_or(ptr::null_mut(), |bytes| bytes.as_ptr().cast_mut().cast())
}

/// The partition that librdkafka is told.
fn partition_of(message: &Message<'_>, slots: Option<&Slots>) -> i32 {
    match (message.partition, slots) {
        (None, _) => PARTITION_UNASSIGNED,
        (Some(partition), None) => partition,
        (Some(slot), Some(slots)) => slots.place(slot).map_or(PARTITION_UNASSIGNED, |(_, partition)| partition),
    }
}

/// # Safety
/// `message` must be null or a live message of a delivery report.
unsafe fn read_report(message: *const raw::Message, slots: Option<&Slots>) -> Report {
    // SAFETY: the caller's promise: a slice of one message, or none.
    let Some(found) = unsafe { slice(message, 1) }.first() else {
        return Report { ticket: usize::MAX, partition: -1, offset: None, answer: Answer::Unanswered(Code::Unknown) };
    };
    // SAFETY: the message is live.
    let status = unsafe { c::rd_kafka_message_status(message.cast()) };
    // SAFETY: as above.
    let partition = unsafe { slot_of(found, slots) };
    Report {
        ticket: found.private.addr(),
        partition,
        offset: (found.offset >= 0).then_some(found.offset),
        answer: answer(code(found.err), status),
    }
}

/// What an error code together with the client's own knowledge proves (design: the ledger).
fn answer(code: Code, status: c::rd_kafka_msg_status_t) -> Answer {
    if code == Code::NoError {
        Answer::Acked
    } else if status == c::rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_NOT_PERSISTED && is_definitive(code) {
        Answer::Refused(code)
    } else {
        Answer::Unanswered(code)
    }
}

/// Answers by which a broker says that it did not write. Everything else may hide a write: a time-out, a guess of the
/// client, a leader that was demoted after it appended.
const fn is_definitive(code: Code) -> bool {
    matches!(
        code,
        Code::MessageSizeTooLarge
            | Code::MessageBatchTooLarge
            | Code::InvalidRecord
            | Code::InvalidTimestamp
            | Code::InvalidRequiredAcks
            | Code::InvalidTopic
            | Code::TopicAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed
            | Code::PolicyViolation
            | Code::UnsupportedCompressionType
            | Code::UnsupportedForMessageFormat
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use c::rd_kafka_msg_status_t::{RD_KAFKA_MSG_STATUS_NOT_PERSISTED, RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED};

    #[test]
    fn only_a_definitive_answer_proves_that_nothing_was_written() {
        let too_large = Code::MessageSizeTooLarge;
        assert_eq!(answer(too_large, RD_KAFKA_MSG_STATUS_NOT_PERSISTED), Answer::Refused(too_large));
        assert_eq!(answer(too_large, RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED), Answer::Unanswered(too_large));
        for guess in
            [Code::MessageTimedOut, Code::NotLeaderForPartition, Code::NotEnoughReplicasAfterAppend, Code::PurgeQueue]
        {
            assert_eq!(answer(guess, RD_KAFKA_MSG_STATUS_NOT_PERSISTED), Answer::Unanswered(guess));
        }
    }

    #[test]
    fn an_unknown_setting_is_named() {
        let settings = Settings::from([("no.such.setting".to_owned(), "1".to_owned())]);
        let error = Producer::new(&settings, "t").unwrap_err();
        assert!(error.to_string().contains("no.such.setting"), "{error}");
    }
}
