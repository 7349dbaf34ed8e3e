//! librdkafka's calls and structs that hold an error code, declared with the code as the number that it is in C.
//!
//! rdkafka-sys declares it as a Rust enum with gaps. A broker's code that librdkafka's header lacks is handed on as it is, and
//! would be a value that the enum does not have: undefined behaviour, also behind a reference. The library is rdkafka-sys's; an
//! enum with `repr(i32)` is passed and laid out like an `int`.

use std::ffi::{c_char, c_int, c_void};
use std::mem::offset_of;

use rdkafka_sys::bindings as c;

unsafe extern "C" {
    pub(super) fn rd_kafka_err2name(code: c_int) -> *const c_char;
    pub(super) fn rd_kafka_err2str(code: c_int) -> *const c_char;
    pub(super) fn rd_kafka_last_error() -> c_int;
    pub(super) fn rd_kafka_error_code(error: *const c::rd_kafka_error_t) -> c_int;
    pub(super) fn rd_kafka_event_error(event: *mut c::rd_kafka_event_t) -> c_int;
    pub(super) fn rd_kafka_fatal_error(client: *mut c::rd_kafka_t, text: *mut c_char, size: usize) -> c_int;
    pub(super) fn rd_kafka_metadata(
        client: *mut c::rd_kafka_t,
        all_topics: c_int,
        topic: *mut c::rd_kafka_topic_t,
        metadata: *mut *const c::rd_kafka_metadata,
        timeout_ms: c_int,
    ) -> c_int;
    pub(super) fn rd_kafka_subscribe(
        client: *mut c::rd_kafka_t,
        topics: *const c::rd_kafka_topic_partition_list_t,
    ) -> c_int;
    pub(super) fn rd_kafka_assign(
        client: *mut c::rd_kafka_t,
        partitions: *const c::rd_kafka_topic_partition_list_t,
    ) -> c_int;
    pub(super) fn rd_kafka_commit(
        client: *mut c::rd_kafka_t,
        offsets: *const c::rd_kafka_topic_partition_list_t,
        asynchronous: c_int,
    ) -> c_int;
    pub(super) fn rd_kafka_offsets_store(
        client: *mut c::rd_kafka_t,
        offsets: *mut c::rd_kafka_topic_partition_list_t,
    ) -> c_int;
    pub(super) fn rd_kafka_committed(
        client: *mut c::rd_kafka_t,
        partitions: *mut c::rd_kafka_topic_partition_list_t,
        timeout_ms: c_int,
    ) -> c_int;
    pub(super) fn rd_kafka_message_headers(
        message: *const c::rd_kafka_message_t,
        headers: *mut *mut c::rd_kafka_headers_t,
    ) -> c_int;
    pub(super) fn rd_kafka_header_get_all(
        headers: *const c::rd_kafka_headers_t,
        index: usize,
        name: *mut *const c_char,
        value: *mut *const c_void,
        size: *mut usize,
    ) -> c_int;
    pub(super) fn rd_kafka_header_add(
        headers: *mut c::rd_kafka_headers_t,
        name: *const c_char,
        name_size: isize,
        value: *const c_void,
        value_size: isize,
    ) -> c_int;
    pub(super) fn rd_kafka_offsets_for_times(
        client: *mut c::rd_kafka_t,
        times: *mut c::rd_kafka_topic_partition_list_t,
        timeout_ms: c_int,
    ) -> c_int;
    pub(super) fn rd_kafka_get_watermark_offsets(
        client: *mut c::rd_kafka_t,
        topic: *const c_char,
        partition: i32,
        low: *mut i64,
        high: *mut i64,
    ) -> c_int;
    pub(super) fn rd_kafka_flush(client: *mut c::rd_kafka_t, timeout_ms: c_int) -> c_int;
    pub(super) fn rd_kafka_purge(client: *mut c::rd_kafka_t, flags: c_int) -> c_int;
    pub(super) fn rd_kafka_ConfigResource_error(resource: *const c::rd_kafka_ConfigResource_t) -> c_int;
    pub(super) fn rd_kafka_AdminOptions_set_request_timeout(
        options: *mut c::rd_kafka_AdminOptions_t,
        timeout_ms: c_int,
        text: *mut c_char,
        size: usize,
    ) -> c_int;
}

/// A message (`rd_kafka_message_t`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    pub(super) err: c_int,
    pub(super) rkt: *mut c::rd_kafka_topic_t,
    pub(super) partition: i32,
    pub(super) payload: *mut c_void,
    pub(super) len: usize,
    pub(super) key: *mut c_void,
    pub(super) key_len: usize,
    pub(super) offset: i64,
    pub(super) private: *mut c_void,
}

/// A partition in a list (`rd_kafka_topic_partition_t`).
#[repr(C)]
#[derive(Debug)]
pub(super) struct TopicPartition {
    pub(super) topic: *mut c_char,
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) metadata: *mut c_void,
    pub(super) metadata_size: usize,
    opaque: *mut c_void,
    pub(super) err: c_int,
    private: *mut c_void,
}

/// A topic as metadata have it (`rd_kafka_metadata_topic`).
#[repr(C)]
#[derive(Debug)]
pub(super) struct MetadataTopic {
    pub(super) topic: *mut c_char,
    pub(super) partition_cnt: c_int,
    pub(super) partitions: *mut MetadataPartition,
    pub(super) err: c_int,
}

/// A partition as metadata have it (`rd_kafka_metadata_partition`).
#[repr(C)]
#[derive(Debug)]
pub(super) struct MetadataPartition {
    pub(super) id: i32,
    err: c_int,
    pub(super) leader: i32,
    pub(super) replica_cnt: c_int,
    pub(super) replicas: *mut i32,
    pub(super) isr_cnt: c_int,
    pub(super) isrs: *mut i32,
}

/// Each of them is laid out as rdkafka-sys has it.
const _: () = {
    macro_rules! same {
        ($own:ty, $theirs:ty, $last:ident, $their_last:ident) => {
            assert!(size_of::<$own>() == size_of::<$theirs>() && align_of::<$own>() == align_of::<$theirs>());
            assert!(offset_of!($own, err) == offset_of!($theirs, err));
            assert!(offset_of!($own, $last) == offset_of!($theirs, $their_last));
        };
    }
    same!(Message, c::rd_kafka_message_t, private, _private);
    same!(TopicPartition, c::rd_kafka_topic_partition_t, private, _private);
    same!(MetadataTopic, c::rd_kafka_metadata_topic, partitions, partitions);
    same!(MetadataPartition, c::rd_kafka_metadata_partition, isrs, isrs);
};
