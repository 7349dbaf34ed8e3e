//! Writing: an event and its stamp, in the format of its type, into a reused arena.

use std::ops::Range;
use std::sync::Arc;

use super::catalogue::{Catalogue, TypeIndex};
use super::padding::Padding;
use super::stamp::{Content, DueTime, Numbering, RunId, Stamp};
use crate::wire::sink::Sink;
use crate::wire::{Written, json};

/// Length of a UUID as text.
pub(super) const ID_LENGTH: usize = 36;

/// What can hand the values of one event over, in the order of its type's fields.
pub trait Values {
    /// Hands them over. The id is any UUID: the stamp takes its place.
    fn give(&self, sink: &mut impl Sink);
}

/// Where an encoded event lies in the arena.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The whole body.
    pub body: Range<usize>,
    /// The key: the text of its field inside the body.
    pub key: Range<usize>,
    /// The check in its stamp.
    pub check: u16,
}

/// Stamps and writes the events of one lane.
#[derive(Clone, Debug)]
pub struct Encoder {
    run: RunId,
    lane: u16,
    numbering: Numbering,
    catalogue: Arc<Catalogue>,
    padding: Option<Padding>,
}

impl Encoder {
    /// An encoder for one lane of a run, of events of these types.
    #[must_use]
    pub const fn new(run: RunId, lane: u16, catalogue: Arc<Catalogue>) -> Self {
        Self { run, lane, numbering: Numbering::each_for_itself(), catalogue, padding: None }
    }

    /// The same encoder in a run whose lanes are numbered like that.
    #[must_use]
    pub const fn numbered(mut self, numbering: Numbering) -> Self {
        self.numbering = numbering;
        self
    }

    /// The same encoder, padding bodies.
    #[must_use]
    pub const fn padded(mut self, padding: Option<Padding>) -> Self {
        self.padding = padding;
        self
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
        let start = arena.len();
        let Some(planned) = self.catalogue.get(kind) else {
            return Encoded { body: start..start, key: start..start, check: 0 };
        };
        let mut writer = json::Writer::new(&planned.plan, arena);
        values.give(&mut writer);
        match &self.padding {
            None => writer.null(),
            Some(padding) => match writer.room_for_last_text(start + padding.bytes as usize) {
                None => writer.null(),
                Some(length) => {
                    writer.some();
                    writer.filled(length, |arena| padding.fill(arena, length, self.lane, sequence));
                }
            },
        }
        let Written { id, key } = writer.finish();
        let (id, key) = (id.unwrap_or(start..start), key.unwrap_or(start..start));

        let (lane, sequence) = self.numbering.written(self.lane, sequence);
        let due = DueTime::from_unix_ns(due_unix_ns);
        let mut stamp = Stamp { due, tag: self.run.tag(), lane, sequence, check: 0 };
        let (before, after) = planned.plan.covered(start, Some(&id));
        let content = Content { before: &arena[before], after: &arena[after..] };
        stamp.check = self.run.check(stamp, &arena[key.clone()], content);
        let mut text = [0; ID_LENGTH];
        stamp.write(&mut text);
        if id.len() == ID_LENGTH {
            arena[id].copy_from_slice(&text);
        }
        Encoded { body: start..arena.len(), key, check: stamp.check }
    }
}
