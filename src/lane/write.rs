//! Writing an event: its body, its key, its headers, and the partition it goes to.

use std::ops::Range;

use super::{Lane, Setup};
use crate::clock::Anchor;
use crate::event::catalogue::{TypeIndex, Version};
use crate::event::opaque::{Raw, Sealed};
use crate::event::stamp::Stamp;
use crate::kafka::headers::{Header, Headers};
use crate::settings::recording::EventTime;
use crate::source::recorded::{self, Bytes};
use crate::source::{Drawn, Event, Telling};

impl<P, C> Lane<'_, P, C> {
    /// Writes an event: its body, its key and its headers.
    pub(super) fn write(&mut self, drawn: &Drawn<Event>, version: Version, sequence: u64, unix_ns: u64) -> Sealed {
        let event = &drawn.event;
        let kind = event.kind();
        if let Some(Bytes { key, value, headers }) = self.setup.source.bytes() {
            let raw = Raw { key, value, headers: Headers::packed(headers) };
            return self.setup.encoder.seal(self.batch.arena(), kind, raw, sequence, unix_ns);
        }
        let follows_recording = self.end.rhythm.is_some();
        let timestamp_ms = body_time(self.setup.event_time, self.anchor, drawn, unix_ns, follows_recording);
        let timestamp_ms = timestamp_ms - self.setup.late.behind_ms(self.setup.number, sequence);
        let values = Telling {
            event,
            teller: &self.setup.teller,
            row: self.setup.source.telling(),
            timestamp_ms,
            due_unix_ns: unix_ns,
        };
        let arena = self.batch.arena();
        let encoded = self.setup.encoder.encode_as(version, arena, kind, &values, sequence, unix_ns);
        let headers = self.pack_headers(kind, encoded.stamp);
        Sealed { body: Some(encoded.body), key: Some(encoded.key), headers, stamp: encoded.stamp, content: None }
    }

    /// The slot that an event goes to; `None` lets the client choose.
    pub(super) fn partition(&self, event: &Event, key: Option<&[u8]>) -> Option<i32> {
        let Setup { slots, java_placed, .. } = &self.setup;
        match event {
            Event::Recorded(recorded::Event { kind, partition: Some(partition), .. }) => {
                slots.slot_in(slots.topic_of(kind.index()), *partition)
            }
            // Where a record without a key goes is nobody's to say.
            _ => key.filter(|_| *java_placed).map(|key| slots.home(event.kind().index(), key)),
        }
    }

    /// Writes the headers of an event: those that all have, and its id where that is one.
    fn pack_headers(&mut self, kind: TypeIndex, stamp: Stamp) -> Range<usize> {
        let Self { setup, batch, .. } = self;
        let arena = batch.arena();
        let start = arena.len();
        arena.extend_from_slice(&setup.headers);
        if let Some(name) = setup.encoder.id_header(kind) {
            let id = stamp.bits().to_be_bytes();
            Header { name: name.as_bytes(), value: Some(&id) }.pack(arena);
        }
        start..arena.len()
    }
}

#[expect(clippy::cast_possible_wrap, reason = "a wall time in ms is far below 2^63")]
pub(super) fn body_time(
    event_time: EventTime,
    anchor: Anchor,
    drawn: &Drawn<Event>,
    due_unix_ns: u64,
    follows_recording: bool,
) -> i64 {
    match (event_time, drawn.event.recorded_ms()) {
        (EventTime::Recorded, Some(recorded)) => recorded,
        // Where the schedule is the recording's at some speed, the due time is that distance divided by the speed.
        (EventTime::Shifted, Some(_)) if !follows_recording => {
            (anchor.unix_ns(drawn.recorded_offset) / 1_000_000) as i64
        }
        _ => (due_unix_ns / 1_000_000) as i64,
    }
}
