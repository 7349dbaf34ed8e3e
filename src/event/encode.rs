//! Writing: an event and its stamp, in the format of its type, into a reused arena.

use std::ops::Range;
use std::sync::Arc;

use super::catalogue::{Catalogue, TypeIndex, Version};
use super::coding::{Body, Coding};
use super::key::KeyForm;
use super::padding::Padding;
use super::stamp::{Content, DueTime, Numbering, RunId, Stamp};
use crate::wire::shape::Record;
use crate::wire::sink::{Sink, Values};
use crate::wire::{BodyWriter, Written, avro, json, protobuf};

/// Where an encoded event lies in the arena.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The whole value of the record, its frame included.
    pub body: Range<usize>,
    /// The key: the text of its field inside the body, or what was made of that behind it; its frame included.
    pub key: Range<usize>,
    /// Its stamp, which stands in its id: that of the body, or the one that a header is to have.
    pub stamp: Stamp,
}

/// The values of an event as a coding has them.
struct CodedValues<'a, V> {
    values: &'a V,
    /// The record of its type.
    own: &'a Record,
    coding: &'a Coding,
}

impl<V: Values> Values for CodedValues<'_, V> {
    fn give(&self, sink: &mut impl Sink) {
        match &self.coding.sources {
            None => self.values.give(sink),
            Some(sources) => sources.give(self.values, self.own, &self.coding.record, sink),
        }
    }
}

/// Stamps and writes the events of one lane.
#[derive(Clone, Debug)]
pub struct Encoder {
    run: RunId,
    lane: u16,
    numbering: Numbering,
    catalogue: Arc<Catalogue>,
    padding: Option<Padding>,
    /// Whether records that are sent byte for byte get a stamp.
    stamps: bool,
    has_text_keys: bool,
}

impl Encoder {
    /// An encoder for one lane of a run, of events of these types.
    #[must_use]
    pub fn new(run: RunId, lane: u16, catalogue: Arc<Catalogue>) -> Self {
        let has_text_keys = catalogue.keys().all(|key| key.form() == KeyForm::Text);
        let numbering = Numbering::each_for_itself();
        Self { run, lane, numbering, catalogue, padding: None, stamps: true, has_text_keys }
    }

    /// The same encoder in a run whose lanes are numbered like that.
    #[must_use]
    pub const fn numbered(mut self, numbering: Numbering) -> Self {
        self.numbering = numbering;
        self
    }

    /// The same encoder, of which records that are sent byte for byte get no stamp.
    #[must_use]
    pub const fn stampless(mut self, is_stampless: bool) -> Self {
        self.stamps = !is_stampless;
        self
    }

    /// Whether such records get one.
    pub(super) const fn stamps(&self) -> bool {
        self.stamps
    }

    /// The same encoder, padding bodies.
    #[must_use]
    pub const fn padded(mut self, padding: Option<Padding>) -> Self {
        self.padding = padding;
        self
    }

    /// The header that holds the id of events of that type, where one does.
    #[must_use]
    pub fn id_header(&self, kind: TypeIndex) -> Option<&str> {
        self.catalogue.get(kind)?.declared.id.header()
    }

    /// Whether every key is a text.
    #[must_use]
    pub const fn has_text_keys(&self) -> bool {
        self.has_text_keys
    }

    /// The types of event.
    pub(super) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The run.
    pub(super) const fn run(&self) -> RunId {
        self.run
    }

    /// The stamp of an event, but for its check.
    pub(super) fn unchecked(&self, sequence: u64, due: DueTime) -> Stamp {
        let (lane, sequence) = self.numbering.written(self.lane, sequence);
        Stamp { due, tag: self.run.tag(), lane, sequence, check: 0 }
    }

    /// Appends an event of type `kind` to `arena`, with `due_unix_ns` in its stamp. Of a type that the catalogue does not have,
    /// nothing is written.
    pub fn encode(
        &self,
        arena: &mut Vec<u8>,
        kind: TypeIndex,
        values: &impl Values,
        sequence: u64,
        due_unix_ns: u64,
    ) -> Encoded {
        self.encode_as(Version::default(), arena, kind, values, sequence, due_unix_ns)
    }

    /// The same in a version of the type's schema.
    pub fn encode_as(
        &self,
        version: Version,
        arena: &mut Vec<u8>,
        kind: TypeIndex,
        values: &impl Values,
        sequence: u64,
        due_unix_ns: u64,
    ) -> Encoded {
        let record = arena.len();
        let mut stamp = self.unchecked(sequence, DueTime::from_unix_ns(due_unix_ns));
        let Some(planned) = self.catalogue.get(kind) else {
            return Encoded { body: record..record, key: record..record, stamp };
        };
        let coding = planned.coding_in(version);
        if !coding.frame.is_empty() {
            arena.extend_from_slice(&coding.frame);
        }
        let start = arena.len();
        let told = CodedValues { values, own: &planned.declared.record, coding };
        let Written { id, key, .. } = match &coding.body {
            Body::Json(plan) => {
                let padded = coding.sources.is_none();
                self.write(&mut json::Writer::new(plan, arena), &told, record, sequence, padded)
            }
            Body::Avro(plan) => {
                let padded = planned.is_padded(coding);
                self.write(&mut avro::Writer::new(plan, arena), &told, record, sequence, padded)
            }
            Body::Protobuf(plan) => {
                let padded = planned.is_padded(coding);
                self.write(&mut protobuf::Writer::new(plan, arena), &told, record, sequence, padded)
            }
        };
        let key = key.unwrap_or(start..start);
        let end = arena.len();
        let (key, key_content) = planned.key.write(arena, coding.key_place(), key);
        let (before, after) = coding.covered(start, id.as_ref());
        let content = Content { before: &arena[before], after: &arena[after..end] };
        stamp.check = self.run.check(stamp, &arena[key_content..key.end], content);
        if let Some(id) = id {
            stamp.write(&mut arena[id]);
        }
        Encoded { body: record..end, key, stamp }
    }

    /// Writes the values, and the padding after them where the body has a field for it.
    fn write(
        &self,
        writer: &mut impl BodyWriter,
        values: &impl Values,
        record: usize,
        sequence: u64,
        has_padding: bool,
    ) -> Written {
        values.give(writer);
        let padding = self.padding.filter(|_| has_padding);
        match padding.and_then(|padding| Some((padding, writer.room_for_last_text(record + padding.bytes as usize)?))) {
            Some((padding, length)) => {
                writer.some();
                writer.filled(length, |arena| padding.fill(arena, length, self.lane, sequence));
            }
            None if has_padding => writer.null(),
            None => {}
        }
        writer.finish()
    }
}
