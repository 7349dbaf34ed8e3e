//! What a client says through its queue.

use std::ptr::{self, NonNull};

use rdkafka_sys::bindings as c;

use super::{code, raw, text};
use crate::kafka::Notice;

/// An event taken from a queue.
#[derive(Debug)]
pub(super) struct Event(pub(super) NonNull<c::rd_kafka_event_t>);

// SAFETY: an event belongs to whoever has taken it from its queue, and is bound to no thread.
unsafe impl Send for Event {}

impl Event {
    pub(super) fn kind(&self) -> i32 {
        // SAFETY: the event is live.
        unsafe { c::rd_kafka_event_type(self.0.as_ptr()) }
    }

    /// The event as a notice; `None` for those that carry messages.
    pub(super) fn notice(&self) -> Option<Notice> {
        let event = self.0.as_ptr();
        match self.kind() {
            c::RD_KAFKA_EVENT_ERROR => {
                // SAFETY: the event is live and of type error; the text is copied before the event goes.
                let (error, text, fatal) = unsafe {
                    (
                        raw::rd_kafka_event_error(event),
                        text(c::rd_kafka_event_error_string(event)),
                        c::rd_kafka_event_error_is_fatal(event) != 0,
                    )
                };
                Some(Notice::Error { code: code(error), text, fatal })
            }
            c::RD_KAFKA_EVENT_LOG => {
                let (mut facility, mut line, mut level) = (ptr::null(), ptr::null(), 0);
                // SAFETY: the event is live and of type log; both texts live as long as the event and are copied.
                let (facility, line) = unsafe {
                    c::rd_kafka_event_log(event, &raw mut facility, &raw mut line, &raw mut level);
                    (text(facility), text(line))
                };
                Some(Notice::Log { level, facility, text: line })
            }
            c::RD_KAFKA_EVENT_STATS => {
                // SAFETY: the event is live and of type statistics; the text is copied before the event goes.
                Some(Notice::Statistics(unsafe { text(c::rd_kafka_event_stats(event)) }))
            }
            _ => None,
        }
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: the event is ours and not used afterwards.
        unsafe { c::rd_kafka_event_destroy(self.0.as_ptr()) }
    }
}
