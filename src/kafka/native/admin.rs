//! Questions about many partitions or topics that are asked at once: where logs end, and which topic a name stands for.
//!
//! Each is one call of the admin API, answered by one event, so that a cluster that is silent costs one time-out however many
//! partitions there are, and the wait can be given up.

use std::ffi::{CString, c_char, c_void};
use std::ptr::NonNull;
use std::time::Duration;

use rdkafka_sys::bindings as c;

use super::super::{Code, KafkaError, TopicIdentity, Wait, Watermarks};
use super::partitions::PartitionList;
use super::{Client, Event, Reason, code, last_code, millis, raw, slice, text};
use crate::clock::{Clock, Monotonic, Nanos};

/// The longest wait without a look at whether the wait is given up.
const TURN: Duration = Duration::from_millis(20);
/// The client answers by itself when its own time-out has passed; this is for the case that it does not.
const GRACE: Nanos = Nanos::from_secs(1);

/// How something is asked. Destroyed with its owner.
pub(super) struct Options(pub(super) NonNull<c::rd_kafka_AdminOptions_t>);

impl Options {
    /// For that call, to be answered within `timeout`; `None` where librdkafka does not take that.
    pub(super) fn new(client: &Client, call: c::rd_kafka_admin_op_t, timeout: Duration) -> Option<Self> {
        // SAFETY: the client is live; what is returned is ours.
        let options = NonNull::new(unsafe { c::rd_kafka_AdminOptions_new(client.handle.as_ptr(), call) }).map(Self)?;
        let mut reason = Reason::new();
        // SAFETY: the options are live, the buffer is valid for its stated size.
        let set = unsafe {
            raw::rd_kafka_AdminOptions_set_request_timeout(
                options.0.as_ptr(),
                millis(timeout).max(1),
                reason.buffer(),
                Reason::SIZE,
            )
        };
        (code(set) == Code::NoError).then_some(options)
    }

    /// The same, by that isolation level, with a number that its answer carries.
    fn isolated(self, level: c::rd_kafka_IsolationLevel_t, number: usize) -> Option<Self> {
        // SAFETY: the options are live; an error object returned is ours and destroyed. The number is never followed as a pointer.
        unsafe {
            let error = c::rd_kafka_AdminOptions_set_isolation_level(self.0.as_ptr(), level);
            if !error.is_null() {
                c::rd_kafka_error_destroy(error);
                return None;
            }
            c::rd_kafka_AdminOptions_set_opaque(self.0.as_ptr(), std::ptr::without_provenance_mut::<c_void>(number));
        }
        Some(self)
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: they are ours, and nothing uses them afterwards: librdkafka copies what it is given.
        unsafe { c::rd_kafka_AdminOptions_destroy(self.0.as_ptr()) }
    }
}

/// A queue for the answers to one question, which nobody else serves.
struct Answers(NonNull<c::rd_kafka_queue_t>);

impl Answers {
    fn new(client: &Client) -> Option<Self> {
        // SAFETY: the handle is live; the queue returned is ours.
        NonNull::new(unsafe { c::rd_kafka_queue_new(client.handle.as_ptr()) }).map(Self)
    }

    /// Takes `count` answers of that kind, for as long as the wait is not given up and the time has not passed.
    fn take(&self, kind: i32, count: usize, wait: Wait<'_>, mut each: impl FnMut(&Event)) {
        let clock = Monotonic::start();
        let mut left = count;
        while left > 0 && clock.now() < Nanos::from(wait.timeout) + GRACE && !(wait.given_up)() {
            // SAFETY: the queue is live; the event returned is ours.
            let event = unsafe { c::rd_kafka_queue_poll(self.0.as_ptr(), millis(TURN)) };
            if let Some(event) = NonNull::new(event).map(Event).filter(|event| event.kind() == kind) {
                left -= 1;
                each(&event);
            }
        }
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        // SAFETY: the queue is ours and not used afterwards; answers that come later are dropped by librdkafka.
        unsafe { c::rd_kafka_queue_destroy(self.0.as_ptr()) }
    }
}

/// One number of each partition, as its leader tells it.
type LeaderAnswers = Vec<Result<i64, Code>>;

impl Client {
    /// Both ends of these partitions (topic and number, none of them twice), each asked of its leader, in their order. `committed`:
    /// whether the last stable offset is asked for too; else it is taken to be the high watermark.
    pub(super) fn ends(
        &self,
        places: &[(&str, i32)],
        committed: bool,
        wait: Wait<'_>,
    ) -> Vec<Result<Watermarks, Code>> {
        use c::rd_kafka_IsolationLevel_t::{
            RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED as COMMITTED, RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED as ALL,
        };
        use c::rd_kafka_OffsetSpec_t::{RD_KAFKA_OFFSET_SPEC_EARLIEST as FIRST, RD_KAFKA_OFFSET_SPEC_LATEST as LAST};
        let silent = || vec![Err(Code::OperationTimedOut); places.len()];
        if places.is_empty() {
            return Vec::new();
        }
        let Some(answers) = Answers::new(self) else { return silent() };
        // The last stable offset is asked for after the high watermark: what is settled only then is not called hidden.
        let questions = [(FIRST, ALL), (LAST, ALL), (LAST, COMMITTED)];
        let asked = if committed { 3 } else { 2 };
        for (number, (what, isolation)) in questions.into_iter().take(asked).enumerate() {
            let call = c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTOFFSETS;
            let options =
                Options::new(self, call, wait.timeout).and_then(|options| options.isolated(isolation, number));
            let list = PartitionList::new(places.iter().map(|(topic, partition)| (*topic, *partition, what as i64)));
            let (Some(options), Ok(list)) = (options, list) else { return silent() };
            // SAFETY: client, list, options and queue are live; the call copies what it is given.
            unsafe {
                c::rd_kafka_ListOffsets(self.handle.as_ptr(), list.0.as_ptr(), options.0.as_ptr(), answers.0.as_ptr());
            }
        }
        let mut told: [LeaderAnswers; 3] = std::array::from_fn(|_| vec![Err(Code::OperationTimedOut); places.len()]);
        answers.take(c::RD_KAFKA_EVENT_LISTOFFSETS_RESULT, asked, wait, |event| {
            // SAFETY: the event is live; its number is the one that was given with the question.
            let number = unsafe { c::rd_kafka_event_opaque(event.0.as_ptr()) }.addr();
            if let Some(told) = told.get_mut(number) {
                // SAFETY: the event is live and of that kind.
                unsafe { offsets(event, places, told) };
            }
        });
        let [first, last, stable] = &told;
        let ends = first.iter().zip(last).zip(stable).map(|((low, high), stable)| {
            let (low, high) = ((*low)?, (*high)?);
            let stable = if committed { (*stable)?.min(high) } else { high };
            Ok(Watermarks { low, high, stable })
        });
        ends.collect()
    }

    /// Which topics these names stand for now, in their order.
    pub(super) fn identities(
        &self,
        topics: &[&str],
        wait: Wait<'_>,
    ) -> Result<Vec<Result<TopicIdentity, Code>>, KafkaError> {
        let what = || format!("asking for the ids of topics {}", topics.join(", "));
        let refused = |code| KafkaError::Refused { what: what(), code };
        let names = topics.iter().map(|topic| CString::new(*topic).map_err(|_| KafkaError::Nul((*topic).to_owned())));
        let names = names.collect::<Result<Vec<CString>, _>>()?;
        let mut pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
        let call = c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
        let options = Options::new(self, call, wait.timeout).ok_or_else(|| refused(Code::InvalidArgument))?;
        let answers = Answers::new(self).ok_or_else(|| refused(last_code()))?;
        // SAFETY: the names live during the calls, which copy them; client, options and queue are live; the collection is ours
        // and destroyed after the call that copies it.
        unsafe {
            let collection = c::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len());
            c::rd_kafka_DescribeTopics(self.handle.as_ptr(), collection, options.0.as_ptr(), answers.0.as_ptr());
            c::rd_kafka_TopicCollection_destroy(collection);
        }
        let mut told = Err(Code::OperationTimedOut);
        answers.take(c::RD_KAFKA_EVENT_DESCRIBETOPICS_RESULT, 1, wait, |event| {
            // SAFETY: the event is live and of that kind.
            told = unsafe { described(event) };
        });
        told.map_err(refused)
    }
}

/// What an event says of the partitions that were asked for.
///
/// # Safety
/// The event must be live, and the answer to a question for offsets.
unsafe fn offsets(event: &Event, places: &[(&str, i32)], told: &mut LeaderAnswers) {
    // SAFETY: the caller's promise; what is borrowed lives as long as the event and is only read.
    unsafe {
        let failed = code(raw::rd_kafka_event_error(event.0.as_ptr()));
        match failed {
            Code::NoError => {}
            // None of them has a leader.
            Code::NoEnt => return told.fill(Err(Code::LeaderNotAvailable)),
            failed => return told.fill(Err(failed)),
        }
        let result = c::rd_kafka_event_ListOffsets_result(event.0.as_ptr());
        let mut count = 0;
        let first = c::rd_kafka_ListOffsets_result_infos(result, &raw mut count);
        let infos = slice(first, i32::try_from(count).unwrap_or(0));
        // They come in the order of the question; where one does not, nothing is taken from it.
        for ((info, place), told) in infos.iter().zip(places).zip(told) {
            let element = &*c::rd_kafka_ListOffsetsResultInfo_topic_partition(*info).cast::<raw::TopicPartition>();
            if element.partition != place.1 || text(element.topic) != place.0 {
                continue;
            }
            *told = match code(element.err) {
                Code::NoError if element.offset >= 0 => Ok(element.offset),
                // Its leader has not answered.
                Code::NoError => Err(Code::OperationTimedOut),
                code => Err(code),
            };
        }
    }
}

/// # Safety
/// The event must be live, and the answer to a question for topics.
unsafe fn described(event: &Event) -> Result<Vec<Result<TopicIdentity, Code>>, Code> {
    // SAFETY: the caller's promise; what is borrowed lives as long as the event and is only read.
    unsafe {
        let failed = code(raw::rd_kafka_event_error(event.0.as_ptr()));
        if failed != Code::NoError {
            return Err(failed);
        }
        let result = c::rd_kafka_event_DescribeTopics_result(event.0.as_ptr());
        let mut count = 0;
        let first = c::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        let topics = slice(first, i32::try_from(count).unwrap_or(0)).iter().map(|topic| {
            let error = c::rd_kafka_TopicDescription_error(*topic);
            let failed = if error.is_null() { Code::NoError } else { code(raw::rd_kafka_error_code(error)) };
            if failed != Code::NoError {
                return Err(failed);
            }
            let mut partitions = 0;
            c::rd_kafka_TopicDescription_partitions(*topic, &raw mut partitions);
            let id = c::rd_kafka_TopicDescription_topic_id(*topic);
            let is_told = !id.is_null()
                && (c::rd_kafka_Uuid_most_significant_bits(id), c::rd_kafka_Uuid_least_significant_bits(id)) != (0, 0);
            // Kafka writes ids in the alphabet for URLs.
            let id = is_told.then(|| text(c::rd_kafka_Uuid_base64str(id)).replace('+', "-").replace('/', "_"));
            Ok(TopicIdentity { id, partitions: i32::try_from(partitions).unwrap_or(i32::MAX) })
        });
        Ok(topics.collect())
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::mocking::MockCluster;

    use super::super::{Consumer, Producer};
    use super::*;
    use crate::kafka::Settings;
    use crate::kafka::headers::Headers;
    use crate::kafka::native::Message;

    fn settings(cluster: &MockCluster<'_, impl rdkafka::client::ClientContext>) -> Settings {
        [("bootstrap.servers".to_owned(), cluster.bootstrap_servers()), ("group.id".to_owned(), "t".to_owned())].into()
    }

    const PATIENCE: Duration = Duration::from_secs(60);

    #[test]
    fn the_ends_of_many_partitions_are_told_by_one_question() {
        let cluster = MockCluster::new(3).unwrap();
        cluster.create_topic("many", 60, 1).unwrap();
        let settings = settings(&cluster);
        let producer = Producer::new(&settings, "many").unwrap();
        for ticket in 0..7 {
            let (key, body, headers) = (Some(&b"k"[..]), Some(&b"b"[..]), Headers::default());
            let message = Message { topic: 0, partition: Some(41), key, body, headers, create_ms: None, ticket };
            producer.produce_one(&message).unwrap();
        }
        let mut acked = 0;
        while acked < 7 {
            producer.serve(Duration::from_millis(20), |_| acked += 1, |_| {});
        }
        let partitions: Vec<i32> = (0..60).rev().collect();
        let consumer = Consumer::new(&settings).unwrap();
        let ends = consumer.ends("many", &partitions, Wait::of(PATIENCE));
        for (partition, ends) in partitions.iter().zip(&ends) {
            let high = if *partition == 41 { 7 } else { 0 };
            assert_eq!(*ends, Ok(Watermarks { low: 0, high, stable: high }), "{partition}");
        }
        let absent = consumer.ends("many", &[59, 60], Wait::of(PATIENCE));
        assert!(absent[0].is_ok() && absent[1].is_err(), "{absent:?}");
    }

    #[test]
    fn a_cluster_that_is_down_costs_one_time_out_for_all_partitions() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("silent", 60, 1).unwrap();
        let settings = settings(&cluster);
        let consumer = Consumer::new(&settings).unwrap();
        let partitions: Vec<i32> = (0..60).collect();
        assert!(consumer.ends("silent", &partitions, Wait::of(PATIENCE)).iter().all(Result::is_ok));
        cluster.broker_down(1).unwrap();
        let (clock, timeout) = (Monotonic::start(), Duration::from_secs(2));
        let ends = consumer.ends("silent", &partitions, Wait::of(timeout));
        assert!(ends.len() == 60 && ends.iter().all(Result::is_err), "{ends:?}");
        // One after the other they would have taken 120 s.
        assert!(clock.now() < Nanos::from_secs(60));
        let given_up = Wait { timeout: Duration::from_secs(3_000), given_up: &|| true };
        let given_up = consumer.ends("silent", &partitions, given_up);
        assert!(given_up.iter().all(Result::is_err), "a wait that is given up ends");
    }

    #[test]
    fn topics_of_a_cluster_that_does_not_answer_are_not_told_within_the_time() {
        let settings = [("bootstrap.servers", "127.0.0.1:1"), ("group.id", "t")];
        let settings: Settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let consumer = Consumer::new(&settings).unwrap();
        let error = consumer.identities(&["one"], Wait::of(Duration::from_millis(100))).unwrap_err().to_string();
        assert!(error.starts_with("asking for the ids of topics one: "), "{error}");
        let given_up = Wait { timeout: Duration::from_secs(3_000), given_up: &|| true };
        assert!(consumer.identities(&["one"], given_up).is_err(), "given up");
    }
}
