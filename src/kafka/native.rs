//! The only room with `unsafe` code: librdkafka's handles as owned, safe types.
//!
//! Every client here delivers its events through queues that its owner polls; librdkafka never calls back into Rust but for
//! one static function that cannot panic (see `certificate`), so no panic can cross the border and no closure outlives its owner.
#![expect(unsafe_code, reason = "librdkafka is a C library; each block says why it is sound")]

mod admin;
mod alter;
mod asking;
mod certificate;
mod consumer;
mod event;
mod headers;
mod member;
mod metadata;
mod partitions;
mod producer;
mod raw;

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr::{self, NonNull};
use std::time::Duration;

use rdkafka_sys::bindings as c;

use super::slots::Slots;
use super::{ClusterMetadata, Code, KafkaError, Settings, TopicState};
pub use alter::Alterer;
use asking::done;
use certificate::{say_why_not_verified, verifies_certificates};
pub use consumer::Consumer;
use event::Event;
pub use headers::HeadersOf;
pub use member::{Change, Member, wait_any};
use metadata::{describe_cluster, describe_topic, slice};
pub use producer::{Handed, Message, Producer};

/// The version of librdkafka that is linked in.
#[must_use]
pub fn librdkafka_version() -> String {
    // SAFETY: takes nothing and returns a NUL-terminated string of static storage.
    unsafe { CStr::from_ptr(c::rd_kafka_version_str()) }.to_string_lossy().into_owned()
}

/// A client handle with its event queue.
#[derive(Debug)]
struct Client {
    handle: NonNull<c::rd_kafka_t>,
    events: NonNull<c::rd_kafka_queue_t>,
    address: String,
    /// Whether a consumer goes without leaving its group in good order, which commits.
    leaves_at_once: bool,
}

// SAFETY: librdkafka's handles and queues are thread-safe (its INTRODUCTION.md, "Threads and callbacks"), and this
// type gives no access to memory that is bound to a thread.
unsafe impl Send for Client {}
// SAFETY: as above; every method goes through librdkafka's own locks.
unsafe impl Sync for Client {}

impl Client {
    fn new(kind: c::rd_kafka_type_t, settings: &Settings, events: i32) -> Result<Self, KafkaError> {
        // SAFETY: takes nothing; returns a configuration that we own until rd_kafka_new takes it.
        let conf = unsafe { c::rd_kafka_conf_new() };
        let configured = settings.iter().map(|(k, v)| (k.as_str(), v.as_str())).chain([("log.queue", "true")]);
        for (key, value) in configured {
            if let Err(error) = set(conf, key, value) {
                // SAFETY: conf is ours and not used afterwards.
                unsafe { c::rd_kafka_conf_destroy(conf) };
                return Err(error);
            }
        }
        // SAFETY: conf is a live configuration of ours.
        unsafe { c::rd_kafka_conf_set_events(conf, events) };
        if verifies_certificates(settings) {
            // SAFETY: as above; the function is static and keeps to its promise.
            unsafe { c::rd_kafka_conf_set_ssl_cert_verify_cb(conf, Some(say_why_not_verified)) };
        }
        let mut reason = Reason::new();
        // SAFETY: conf is live; on success librdkafka owns it; the buffer is valid for its stated size.
        let handle = unsafe { c::rd_kafka_new(kind, conf, reason.buffer(), Reason::SIZE) };
        let Some(handle) = NonNull::new(handle) else {
            // SAFETY: on failure the configuration stays ours and is not used afterwards.
            unsafe { c::rd_kafka_conf_destroy(conf) };
            return Err(KafkaError::Create(reason.text()));
        };
        // SAFETY: handle is live; a null queue means the client's main queue (rdkafka.h).
        unsafe { c::rd_kafka_set_log_queue(handle.as_ptr(), ptr::null_mut()) };
        // SAFETY: handle is live; the reference returned is ours and is given back in drop.
        let events = unsafe { c::rd_kafka_queue_get_main(handle.as_ptr()) };
        let address = settings.get("bootstrap.servers").cloned().unwrap_or_default();
        match NonNull::new(events) {
            Some(events) => Ok(Self { handle, events, address, leaves_at_once: false }),
            None => Err(KafkaError::Create("it has no event queue".to_owned())),
        }
    }

    /// The next thing the client has to say, waiting at most `wait`.
    fn event(&self, wait: Duration) -> Option<Event> {
        // SAFETY: the queue is live as long as self; the event returned is owned by the caller.
        let event = unsafe { c::rd_kafka_queue_poll(self.events.as_ptr(), millis(wait)) };
        NonNull::new(event).map(Event)
    }

    /// Describes the cluster and `topic`. Never creates the topic when this is a consumer.
    fn metadata(&self, topic: &str, timeout: Duration) -> Result<ClusterMetadata, KafkaError> {
        let handle = self.topic(topic)?;
        let mut answer = ptr::null();
        let asked = self.patiently(timeout, self.any_broker(), |wait| {
            // SAFETY: both handles are live; on success `answer` is a tree that we own and destroy below.
            done(code(unsafe {
                raw::rd_kafka_metadata(self.handle.as_ptr(), 0, handle.0.as_ptr(), &raw mut answer, millis(wait))
            }))
        });
        asked.map_err(|failed| self.no_answer(failed, || format!("describing topic \"{topic}\"")))?;
        // SAFETY: rd_kafka_metadata has filled it in, its counts say how long its arrays are, and it lives until the
        // destroy below; nothing borrowed from it leaves this block.
        let described = unsafe {
            let described = describe_cluster(&*answer);
            c::rd_kafka_metadata_destroy(answer);
            described
        };
        let (described, topic_error) = described;
        match topic_error {
            Code::NoError | Code::LeaderNotAvailable => Ok(ClusterMetadata { id: self.cluster_id(), ..described }),
            Code::UnknownTopicOrPartition | Code::UnknownTopic => {
                Err(KafkaError::TopicMissing { topic: topic.to_owned(), address: self.address.clone() })
            }
            code => Err(KafkaError::Refused { what: format!("describing topic \"{topic}\""), code }),
        }
    }

    /// Every topic that this client may see. Asked for all at once, since asking for one by name can create it.
    fn topics(&self, timeout: Duration) -> Result<BTreeMap<String, TopicState>, KafkaError> {
        let mut answer = ptr::null();
        let asked = self.patiently(timeout, self.any_broker(), |wait| {
            // SAFETY: the handle is live; on success `answer` is a tree that we own and destroy below.
            done(code(unsafe {
                raw::rd_kafka_metadata(self.handle.as_ptr(), 1, ptr::null_mut(), &raw mut answer, millis(wait))
            }))
        });
        asked.map_err(|failed| self.no_answer(failed, || "listing the topics".to_owned()))?;
        // SAFETY: as in `metadata`.
        unsafe {
            let topics = slice((*answer).topics.cast::<raw::MetadataTopic>(), (*answer).topic_cnt)
                .iter()
                .map(|topic| describe_topic(topic))
                .collect();
            c::rd_kafka_metadata_destroy(answer);
            Ok(topics)
        }
    }

    /// The id of the cluster, where an answer has told it.
    fn cluster_id(&self) -> Option<String> {
        // SAFETY: the handle is live; the text returned is ours and given back below, when it has been copied.
        unsafe {
            let id = NonNull::new(c::rd_kafka_clusterid(self.handle.as_ptr(), 0))?;
            let copied = text(id.as_ptr());
            c::rd_kafka_mem_free(self.handle.as_ptr(), id.as_ptr().cast());
            Some(copied)
        }
    }

    /// The end of a partition's log as the last fetch from it told.
    fn known_end(&self, topic: &str, partition: i32) -> Option<i64> {
        let topic = CString::new(topic).ok()?;
        let (mut low, mut high) = (-1, -1);
        // SAFETY: handle, name and both places are live; the call looks up what is known and asks nobody.
        let answer = unsafe {
            raw::rd_kafka_get_watermark_offsets(
                self.handle.as_ptr(),
                topic.as_ptr(),
                partition,
                &raw mut low,
                &raw mut high,
            )
        };
        (code(answer) == Code::NoError && high >= 0).then_some(high)
    }

    fn topic(&self, topic: &str) -> Result<Topic, KafkaError> {
        let name = CString::new(topic).map_err(|_| KafkaError::Nul(topic.to_owned()))?;
        // SAFETY: the handle and the name are live; a null configuration means the client's defaults.
        let handle = unsafe { c::rd_kafka_topic_new(self.handle.as_ptr(), name.as_ptr(), ptr::null_mut()) };
        NonNull::new(handle)
            .map(Topic)
            .ok_or_else(|| KafkaError::Refused { what: format!("opening topic \"{topic}\""), code: last_code() })
    }

    /// The error that has ended this client for good, if one has.
    fn fatal(&self) -> Option<(Code, String)> {
        let mut reason = Reason::new();
        // SAFETY: the handle is live and the buffer valid for its stated size.
        let error = unsafe { raw::rd_kafka_fatal_error(self.handle.as_ptr(), reason.buffer(), Reason::SIZE) };
        match code(error) {
            Code::NoError => None,
            code => Some((code, reason.text())),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // SAFETY: both are live and ours; nothing uses them after this. The queue's reference goes first (rdkafka.h).
        unsafe {
            c::rd_kafka_queue_destroy(self.events.as_ptr());
            let flags = if self.leaves_at_once { c::RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE } else { 0 };
            c::rd_kafka_destroy_flags(self.handle.as_ptr(), flags);
        }
    }
}

/// A reference to a topic of a client. Must not outlive it: fields of a struct are declared topic first, client last.
#[derive(Debug)]
struct Topic(NonNull<c::rd_kafka_topic_t>);

// SAFETY: a topic handle is reference-counted and thread-safe like its client.
unsafe impl Send for Topic {}

impl Drop for Topic {
    fn drop(&mut self) {
        // SAFETY: the reference is ours and not used afterwards.
        unsafe { c::rd_kafka_topic_destroy(self.0.as_ptr()) }
    }
}

/// The slot that a message is in: of several topics, by its topic's name; of one, its partition. What is none of the run's
/// partitions has slot -1.
///
/// # Safety
/// `message` must be live, and so must the client it came from.
unsafe fn slot_of(message: &raw::Message, slots: Option<&Slots>) -> i32 {
    let Some(slots) = slots else { return message.partition };
    if message.rkt.is_null() {
        return -1;
    }
    // SAFETY: the topic lives as long as the message; its name is a C string that lives as long as the topic.
    let name = unsafe { CStr::from_ptr(c::rd_kafka_topic_name(message.rkt)) };
    slots.slot(name.to_bytes(), message.partition).unwrap_or(-1)
}

/// A buffer for librdkafka's words.
struct Reason([c_char; Self::SIZE]);

impl Reason {
    const SIZE: usize = 512;

    const fn new() -> Self {
        Self([0; Self::SIZE])
    }

    const fn buffer(&mut self) -> *mut c_char {
        self.0.as_mut_ptr()
    }

    fn text(&self) -> String {
        // SAFETY: librdkafka ends what it writes with NUL within the size, and the buffer starts as all NUL.
        unsafe { text(self.0.as_ptr()) }
    }
}

/// Whether the client has a property of that name.
pub(super) fn knows_property(name: &str) -> bool {
    let Ok(name) = CString::new(name) else { return false };
    let mut reason = Reason::new();
    // To ask for a value finds only what is set.
    // SAFETY: the configuration is ours and destroyed here; both texts live during the call, and the buffer is valid for its
    // stated size.
    unsafe {
        let conf = c::rd_kafka_conf_new();
        let tried = c::rd_kafka_conf_set(conf, name.as_ptr(), c"".as_ptr(), reason.buffer(), Reason::SIZE);
        c::rd_kafka_conf_destroy(conf);
        tried != c::rd_kafka_conf_res_t::RD_KAFKA_CONF_UNKNOWN
    }
}

fn set(conf: *mut c::rd_kafka_conf_t, key: &str, value: &str) -> Result<(), KafkaError> {
    let c_key = CString::new(key).map_err(|_| KafkaError::Nul(key.to_owned()))?;
    let c_value = CString::new(value).map_err(|_| KafkaError::Nul(key.to_owned()))?;
    let mut reason = Reason::new();
    // SAFETY: conf is live, the texts live during the call, the buffer is valid for its stated size.
    let result = unsafe { c::rd_kafka_conf_set(conf, c_key.as_ptr(), c_value.as_ptr(), reason.buffer(), Reason::SIZE) };
    if result == c::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK {
        Ok(())
    } else {
        Err(KafkaError::Setting { key: key.to_owned(), reason: reason.text() })
    }
}

/// # Safety
/// `text` must be null or point to a NUL-terminated string.
unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

const fn code(error: c_int) -> Code {
    Code(error)
}

/// librdkafka's name for a code; `None` where it has none.
pub(super) fn error_name(code: i32) -> Option<String> {
    // SAFETY: takes a number, and returns a text of static storage, or of this thread's until its next call; it is copied.
    let name = unsafe { text(raw::rd_kafka_err2name(code)) };
    (!name.starts_with("ERR_")).then_some(name)
}

/// librdkafka's words for a code; `None` where it has none.
pub(super) fn error_words(code: i32) -> Option<String> {
    error_name(code)?;
    // SAFETY: as above.
    Some(unsafe { text(raw::rd_kafka_err2str(code)) })
}

fn last_code() -> Code {
    // SAFETY: reads librdkafka's thread-local last error.
    code(unsafe { raw::rd_kafka_last_error() })
}

fn millis(duration: Duration) -> c_int {
    // Rounded up, so that a wait of less than a millisecond is not a busy loop.
    c_int::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(c_int::MAX)
}
