//! Lists of partitions with offsets, and the calls that take one.

use std::ffi::CString;
use std::ptr::NonNull;
use std::time::Duration;

use rdkafka_sys::bindings as c;

use super::super::{Code, KafkaError};
use super::{Client, code, millis, raw, slice};
use crate::clock::{Clock, Monotonic, Nanos};

/// Between two questions to a coordinator that is not there yet.
const ASK_AGAIN: Nanos = Nanos::from_millis(100);

/// One question to a coordinator: short, since librdkafka can miss that it has come up and then sleeps to the end of it.
const ONE_QUESTION: Duration = Duration::from_secs(1);

/// Partitions with offsets, as librdkafka takes them.
pub(super) struct PartitionList(pub(super) NonNull<c::rd_kafka_topic_partition_list_t>);

impl PartitionList {
    pub(super) fn new<'a>(starts: impl Iterator<Item = (&'a str, i32, i64)>) -> Result<Self, KafkaError> {
        // SAFETY: takes a size hint; the list returned is ours.
        let list = unsafe { c::rd_kafka_topic_partition_list_new(16) };
        let list = Self(NonNull::new(list).ok_or_else(|| KafkaError::Create("out of memory".to_owned()))?);
        for (topic, partition, offset) in starts {
            let name = CString::new(topic).map_err(|_| KafkaError::Nul(topic.to_owned()))?;
            // SAFETY: list and name are live, the name is copied; the element returned lives in the list until the
            // next one is added and is written to before that.
            unsafe {
                let added = c::rd_kafka_topic_partition_list_add(list.0.as_ptr(), name.as_ptr(), partition);
                (*added).offset = offset;
            }
        }
        Ok(list)
    }

    /// Says under which leader each offset was met; a negative epoch where that is not known.
    pub(super) fn set_epochs(&self, epochs: impl Iterator<Item = i32>) {
        for (at, epoch) in (0..self.elements().len()).zip(epochs) {
            // SAFETY: the list is live and ours, and has an element of that index.
            unsafe {
                let element = self.0.as_ref().elems.add(at);
                c::rd_kafka_topic_partition_set_leader_epoch(element, epoch);
            }
        }
    }

    /// Gives each offset a number that is committed with it, as decimal digits.
    pub(super) fn set_notes(&self, notes: impl Iterator<Item = i64>) {
        for (at, note) in (0..self.elements().len()).zip(notes) {
            let note = note.to_string();
            // SAFETY: the list is live and ours, and has an element of that index, whose note it frees with itself; the memory is of the
            // size that is copied.
            unsafe {
                let element = self.0.as_ref().elems.add(at);
                let memory = c::rd_kafka_mem_malloc(std::ptr::null_mut(), note.len());
                if !memory.is_null() {
                    std::ptr::copy_nonoverlapping(note.as_ptr(), memory.cast::<u8>(), note.len());
                    ((*element).metadata, (*element).metadata_size) = (memory, note.len());
                }
            }
        }
    }

    fn first_error(&self) -> Code {
        first_error(self.elements())
    }

    pub(super) fn elements(&self) -> &[raw::TopicPartition] {
        // SAFETY: the list is live as long as self; its count says how many elements it has.
        unsafe {
            let list = self.0.as_ref();
            slice(list.elems.cast(), list.cnt)
        }
    }

    pub(super) const fn as_mut(&mut self) -> &mut c::rd_kafka_topic_partition_list_t {
        // SAFETY: the list is live and ours alone.
        unsafe { self.0.as_mut() }
    }
}

impl Drop for PartitionList {
    fn drop(&mut self) {
        // SAFETY: the list is ours and not used afterwards.
        unsafe { c::rd_kafka_topic_partition_list_destroy(self.0.as_ptr()) }
    }
}

fn first_error(elements: &[raw::TopicPartition]) -> Code {
    let mut codes = elements.iter().map(|element| code(element.err));
    codes.find(|code| *code != Code::NoError).unwrap_or(Code::NoError)
}

/// The number that was committed with an offset.
///
/// # Safety
/// The element must be one of a live list.
pub(super) unsafe fn note(element: &raw::TopicPartition) -> Option<i64> {
    // SAFETY: the caller's promise: so many bytes are there, or none.
    let bytes = unsafe { slice(element.metadata.cast::<u8>(), i32::try_from(element.metadata_size).ok()?) };
    std::str::from_utf8(bytes).ok()?.parse().ok().filter(|note| *note >= 0)
}

/// Fills in what the client's group has committed in each partition of `list`; a negative offset where it has committed
/// nothing. Waits while the coordinator is being found, elected or loaded: a group's first member on a new cluster comes
/// before the topic of the commits is there.
pub(super) fn committed(
    client: &Client,
    list: &mut c::rd_kafka_topic_partition_list_t,
    timeout: Duration,
) -> Result<(), Code> {
    let clock = Monotonic::start();
    loop {
        let left = Duration::from(Nanos::from(timeout).saturating_since(clock.now()));
        let asked = millis(left.min(ONE_QUESTION));
        // SAFETY: handle and list are live; the call fills in the offsets of the list.
        let answer = unsafe { raw::rd_kafka_committed(client.handle.as_ptr(), &raw mut *list, asked) };
        let answer = match code(answer) {
            // SAFETY: the list is live; its count says how many elements it has.
            Code::NoError => first_error(unsafe { slice(list.elems.cast(), list.cnt) }),
            refused => refused,
        };
        match answer {
            Code::NoError => return Ok(()),
            code if comes_up(code) && clock.now() + ASK_AGAIN < Nanos::from(timeout) => {
                clock.sleep_until(clock.now() + ASK_AGAIN);
            }
            code => return Err(code),
        }
    }
}

/// Whether the answer is that of a coordinator that may yet come up: those that the protocol calls retriable, and the
/// client's own for no answer.
const fn comes_up(code: Code) -> bool {
    matches!(
        code,
        Code::CoordinatorNotAvailable
            | Code::CoordinatorLoadInProgress
            | Code::NotCoordinator
            | Code::UnstableOffsetCommit
            | Code::WaitingForCoordinator
            | Code::BrokerTransportFailure
            | Code::OperationTimedOut
    )
}

/// Lets a client go on reading a partition at another offset.
pub(super) fn seek(
    client: &Client,
    topic: &str,
    partition: i32,
    offset: i64,
    timeout: Duration,
) -> Result<(), KafkaError> {
    let list = PartitionList::new(std::iter::once((topic, partition, offset)))?;
    // SAFETY: handle and list are live during the call; an error object returned is ours and destroyed below.
    let whole =
        unsafe { code_of(c::rd_kafka_seek_partitions(client.handle.as_ptr(), list.0.as_ptr(), millis(timeout))) };
    let answer = if whole == Code::NoError { list.first_error() } else { whole };
    match answer {
        Code::NoError => Ok(()),
        code => Err(KafkaError::Refused {
            what: format!("going to offset {offset} of partition {partition} of topic \"{topic}\""),
            code,
        }),
    }
}

/// The code of an error object, which is destroyed; none means that all went well.
///
/// # Safety
/// `error` must be null, or an error object that is the caller's to give away.
pub(super) unsafe fn code_of(error: *mut c::rd_kafka_error_t) -> Code {
    if error.is_null() {
        return Code::NoError;
    }
    // SAFETY: the caller's promise; the object is live until destroyed.
    unsafe {
        let found = code(raw::rd_kafka_error_code(error));
        c::rd_kafka_error_destroy(error);
        found
    }
}

/// The first offset of each of these partitions whose record is not older than `ms`; `None` where there is none.
pub(super) fn offsets_at(
    client: &Client,
    places: &[(&str, i32)],
    ms: i64,
    timeout: Duration,
) -> Result<Vec<Option<i64>>, KafkaError> {
    let list = PartitionList::new(places.iter().map(|(topic, partition)| (*topic, *partition, ms)))?;
    // SAFETY: handle and list are live; the call fills in the offsets of the list.
    let answer = unsafe { raw::rd_kafka_offsets_for_times(client.handle.as_ptr(), list.0.as_ptr(), millis(timeout)) };
    let answer = if code(answer) == Code::NoError { list.first_error() } else { code(answer) };
    match answer {
        Code::NoError => Ok(list.elements().iter().map(|of| Some(of.offset).filter(|offset| *offset >= 0)).collect()),
        code => Err(KafkaError::Refused { what: "asking for the offsets of a time".to_owned(), code }),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rdkafka::mocking::MockCluster;
    use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

    use super::super::Consumer;
    use super::*;
    use crate::kafka::Settings;
    use crate::kafka::slots::Slots;

    fn asked(errors: &[RDKafkaRespErr], timeout: Duration) -> Result<Vec<Option<i64>>, Code> {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("asked", 2, 1).unwrap();
        cluster.request_errors(RDKafkaApiKey::OffsetFetch, errors);
        let servers = ("bootstrap.servers".to_owned(), cluster.bootstrap_servers());
        let settings: Settings = [servers, ("group.id".to_owned(), "new".to_owned())].into_iter().collect();
        let consumer = Consumer::new(&settings).unwrap();
        consumer.committed(&Arc::new(Slots::of_one("asked", 2)), timeout)
    }

    #[test]
    fn a_coordinator_that_is_coming_up_is_asked_again() {
        let coming_up = [
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
        ];
        assert_eq!(asked(&coming_up, Duration::from_secs(60)), Ok(vec![None, None]));
    }

    #[test]
    fn what_asking_again_cannot_change_is_told_at_once() {
        let refused = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED];
        assert_eq!(asked(&refused, Duration::from_secs(3_600)), Err(Code::GroupAuthorizationFailed));
    }

    #[test]
    fn a_coordinator_that_does_not_come_up_is_given_up_at_the_deadline() {
        let never = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_COORDINATOR; 100];
        assert!(asked(&never, Duration::from_millis(300)).is_err());
    }
}
