//! Record headers as librdkafka has them.

use std::ffi::CStr;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use rdkafka_sys::bindings as c;

use super::super::headers::{Header, Headers};
use super::consumer::bytes;
use super::raw;

/// The headers of a message that was read. librdkafka parses them when they are first asked for, in memory of the message that it
/// does not lock: this is bound to a thread.
#[derive(Clone, Copy, Debug)]
pub struct HeadersOf<'a> {
    message: *const raw::Message,
    lives: PhantomData<&'a raw::Message>,
}

impl<'a> HeadersOf<'a> {
    /// Those of a message.
    ///
    /// # Safety
    /// `message` must be one of librdkafka's, which lives for `'a`.
    pub(super) const unsafe fn new(message: &'a raw::Message) -> Self {
        Self { message: ptr::from_ref(message), lives: PhantomData }
    }

    /// The header at `index`.
    pub(in crate::kafka) fn get(self, index: usize) -> Option<Header<'a>> {
        let mut headers = ptr::null_mut();
        // SAFETY: the message lives, as `new` was promised; `headers` is ours, and what it points to afterwards is the message's.
        let error = unsafe { raw::rd_kafka_message_headers(self.message.cast(), &raw mut headers) };
        if error != 0 {
            return None;
        }
        let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
        // SAFETY: the list is live; the three places are ours. Beyond its end the call says so and fills nothing in.
        let error =
            unsafe { raw::rd_kafka_header_get_all(headers, index, &raw mut name, &raw mut value, &raw mut size) };
        if error != 0 {
            return None;
        }
        // SAFETY: a header's name is a C string, its value has the length told beside it, and both live as long as the message.
        Some(unsafe { Header { name: CStr::from_ptr(name).to_bytes(), value: bytes(value, size) } })
    }
}

/// A list of headers on its way to the client.
#[derive(Debug)]
pub(super) struct List(NonNull<c::rd_kafka_headers_t>);

impl List {
    /// A copy of these headers; `None` where there are none.
    pub(super) fn of(headers: Headers<'_>) -> Option<Self> {
        let mut headers = headers.iter().peekable();
        headers.peek()?;
        // SAFETY: takes a number and returns a list that is ours.
        let list = Self(NonNull::new(unsafe { c::rd_kafka_headers_new(4) })?);
        for Header { name, value } in headers {
            let size = |bytes: &[u8]| isize::try_from(bytes.len()).unwrap_or(isize::MAX);
            let (value, value_size) = value.map_or((ptr::null(), 0), |value| (value.as_ptr(), size(value)));
            // SAFETY: the list is live; name and value are valid for their sizes and copied by the call.
            unsafe {
                raw::rd_kafka_header_add(list.0.as_ptr(), name.as_ptr().cast(), size(name), value.cast(), value_size);
            }
        }
        Some(list)
    }

    /// The list itself, still ours.
    pub(super) const fn pointer(&self) -> *mut c::rd_kafka_headers_t {
        self.0.as_ptr()
    }
}

impl Drop for List {
    fn drop(&mut self) {
        // SAFETY: the list is ours and not used afterwards.
        unsafe { c::rd_kafka_headers_destroy(self.0.as_ptr()) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rdkafka::mocking::MockCluster;

    use super::*;
    use crate::clock::{Clock, Monotonic, Nanos};
    use crate::kafka::native::{Consumer, Message, Producer};
    use crate::kafka::{Delivered, Settings, Timestamp};

    type Kept = (Option<Vec<u8>>, Option<Vec<u8>>, Vec<(Vec<u8>, Option<Vec<u8>>)>, Timestamp);

    #[test]
    fn a_record_is_read_with_the_headers_the_key_the_value_and_the_time_that_it_was_given() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("given", 1, 1).unwrap();
        let setting = |name: &str, value: String| (name.to_owned(), value);
        let settings = Settings::from([
            setting("bootstrap.servers", cluster.bootstrap_servers()),
            setting("group.id", "g".to_owned()),
        ]);
        let headers: [(&[u8], Option<&[u8]>); 5] =
            [(b"b", Some(b"\0\xff")), (b"a", None), (b"b", Some(b"")), ("ü".as_bytes(), Some(b"2")), (b"", Some(b"3"))];
        let mut packed = Vec::new();
        for (name, value) in headers {
            Header { name, value }.pack(&mut packed);
        }
        // Batches with single messages between them, in one order.
        let plain = Message {
            topic: 0,
            partition: Some(0),
            key: Some(b"k"),
            body: Some(b"v"),
            headers: Headers::default(),
            create_ms: None,
            ticket: 0,
        };
        let with_headers = Message { headers: Headers::packed(&packed), ..plain };
        let messages = [
            plain,
            Message { key: None, body: None, ..plain },
            Message { key: Some(b""), body: Some(b""), ..plain },
            with_headers,
            Message { create_ms: Some(1_234), ..plain },
            Message { create_ms: Some(i64::MAX >> 20), key: None, body: None, ..with_headers },
            plain,
        ];
        let mut producer = Producer::new(&settings, "given").unwrap();
        let handed = producer.produce(messages.iter().copied(), |at, code| panic!("{at}: {code}"));
        assert_eq!(handed.done, messages.len());
        let mut acked = 0;
        while acked < messages.len() {
            producer.serve(Duration::from_millis(20), |_| acked += 1, |_| {});
        }

        let mut consumer = Consumer::new(&settings).unwrap();
        consumer.assign("given", [(0, 0)].into_iter()).unwrap();
        let (mut read, clock): (Vec<Kept>, _) = (Vec::new(), Monotonic::start());
        while read.len() < messages.len() {
            assert!(clock.now() < Nanos::from_secs(60), "{read:?}");
            consumer.take(100, |delivered| {
                let Delivered::Record(record) = delivered else { return };
                let headers = record.headers.iter().map(|Header { name, value }| (name.to_vec(), value.map(Vec::from)));
                let headers: Vec<_> = headers.collect();
                assert_eq!(record.headers, Headers::packed(&record.headers.to_packed()), "read twice, and copied");
                read.push((record.key.map(Vec::from), record.body.map(Vec::from), headers, record.timestamp));
            });
            consumer.wait(Duration::from_millis(20)).unwrap();
        }
        for (message, (key, body, headers, timestamp)) in messages.iter().zip(&read) {
            assert_eq!((message.key, message.body), (key.as_deref(), body.as_deref()));
            let given: Vec<_> = message.headers.iter().map(|h| (h.name.to_vec(), h.value.map(Vec::from))).collect();
            assert_eq!(&given, headers);
            assert!(message.create_ms.is_none_or(|ms| *timestamp == Timestamp::Create(ms)), "{timestamp:?}");
        }
    }

    #[test]
    fn a_message_that_is_refused_keeps_its_place_and_a_full_queue_leaves_the_rest() {
        let small = [("queue.buffering.max.messages", "3"), ("linger.ms", "60000"), ("message.max.bytes", "1000")];
        let settings: Settings = small.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut packed = Vec::new();
        Header { name: b"n", value: Some(b"v") }.pack(&mut packed);
        let large = [0; 2_000];
        let message = |with_headers: bool, body| Message {
            topic: 0,
            partition: None,
            key: Some(b"k"),
            body: Some(body),
            headers: if with_headers { Headers::packed(&packed) } else { Headers::default() },
            create_ms: None,
            ticket: 0,
        };
        for kinds in [[true; 6], [false; 6], [true, false, true, false, true, false]] {
            let mut producer = Producer::new(&settings, "full").unwrap();
            let bodies: [&[u8]; 6] = [b"1", &large, b"2", b"3", b"4", b"5"];
            let mut refused = Vec::new();
            let messages = kinds.iter().zip(bodies).map(|(with_headers, body)| message(*with_headers, body));
            let handed = producer.produce(messages, |at, code| refused.push((at, code)));
            assert!(handed.queue_full && handed.done == 4, "{kinds:?}: {handed:?}");
            assert_eq!(refused, [(1, crate::kafka::Code::MessageSizeTooLarge)], "{kinds:?}");
            producer.purge();
        }
    }
}
