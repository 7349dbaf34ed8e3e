//! Reading: bytes of a record to a checked event.
//!
//! A body as loadgen writes it is read in one pass. Of any other with the same values (JSON with its fields in another order,
//! Protobuf that somebody wrote again) the check of its stamp is taken over what loadgen would have written.

mod read;

use std::borrow::Cow;
use std::ops::{Deref, Range};

use serde_json::{Map, Value};

use super::catalogue::{Planned, TypeIndex};
use super::coding::{Body, Coding};
use super::invalid::Invalid;
use super::learned::Learned;
use super::opaque::Opaque;
use super::stamp::{self, Content, FirstStamp, RunId, Stamp};
use crate::wire::framing::SchemaId;
use crate::wire::key::KeyText;
use crate::wire::language::Language;
use crate::wire::shape;
use crate::wire::value::ValueSink;
use crate::wire::{Written, avro, protobuf};

/// A record whose body is a valid event.
#[derive(Clone, Debug)]
pub struct Decoded<'a> {
    /// What its id says; `None` where it is no UUID version 7 of the layout of today.
    pub stamp: Option<Stamp>,
    /// Its type.
    pub kind: TypeIndex,
    /// Its id, where that is a UUID.
    bits: Option<u128>,
    planned: &'a Planned,
    coding: CodingOf<'a>,
    /// The body without its frame; in its canonical layout where that was made of another one.
    canonical: Cow<'a, [u8]>,
    key: Range<usize>,
    before: Range<usize>,
    after: usize,
    opaque: Option<Opaque<'a>>,
}

/// How an event is written.
#[derive(Clone, Copy, Debug)]
enum CodingOf<'a> {
    Type(&'a Coding),
    Schema(&'a Learned),
    /// In the language of that schema, and not by it.
    Own(&'a Learned),
}

impl Deref for CodingOf<'_> {
    type Target = Coding;

    fn deref(&self) -> &Coding {
        match self {
            Self::Type(coding) => coding,
            Self::Schema(learned) => &learned.coding,
            Self::Own(learned) => learned.own.as_ref().unwrap_or(&learned.coding),
        }
    }
}

/// Whether an event is what its producer wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wholeness {
    /// Byte for byte.
    AsWritten,
    /// Value for value: somebody wrote it again.
    ReEncoded,
    /// It is not.
    Damaged,
}

impl<'a> Decoded<'a> {
    /// The text of its key's field.
    #[must_use]
    pub fn key(&self) -> KeyText<'_> {
        match &self.opaque {
            Some(opaque) => KeyText::There(opaque.key),
            None => self.coding.key_place().text(&self.canonical[self.key.clone()]),
        }
    }

    /// The key of a record with this event.
    #[must_use]
    pub fn record_key(&self) -> Vec<u8> {
        self.planned.key.key_of(&self.key())
    }

    /// Whether a record with that key is one of this event.
    #[must_use]
    pub fn has_key(&self, key: &[u8]) -> bool {
        self.planned.key.is_key_of(&self.key(), key)
    }

    /// Its id as a stamp of the first layout; `None` where it is no UUID version 7.
    #[must_use]
    pub fn first(&self) -> Option<FirstStamp> {
        self.bits.and_then(FirstStamp::from_bits)
    }

    /// What the stamp's check covers.
    #[must_use]
    pub fn content(&self) -> Content<'_> {
        let before = self.opaque.as_ref().map_or_else(|| &self.canonical[self.before.clone()], |opaque| &opaque.before);
        Content { before, after: &self.canonical[self.after..] }
    }

    /// Whether its schema says what it is: it is no JSON without one.
    #[must_use]
    pub fn has_schema(&self) -> bool {
        !self.coding.frame.is_empty() || !matches!(self.coding.body, Body::Json(_))
    }

    /// The id of the schema; `None` where the record has no frame.
    #[must_use]
    pub fn schema_id(&self) -> Option<SchemaId> {
        SchemaId::of(&self.coding.frame)
    }

    /// In which language its schema is written, or would be.
    #[must_use]
    pub fn language(&self) -> Language {
        match self.coding.body {
            Body::Json(_) => Language::JsonSchema,
            Body::Avro(_) => Language::Avro,
            Body::Protobuf(_) => Language::Protobuf,
        }
    }

    /// The schema that it was written by, for Avro.
    #[must_use]
    pub fn avro_schema(&self) -> Option<&avro::Schema> {
        match &self.coding {
            CodingOf::Schema(learned) => match &learned.writer {
                Some(writer) => writer.avro_schema(),
                None => learned.coding.avro_schema(),
            },
            CodingOf::Type(_) | CodingOf::Own(_) => self.coding.avro_schema(),
        }
    }

    /// The body in its record's value, as its schema alone describes it.
    #[must_use]
    pub fn body_in<'v>(&self, value: &'v [u8]) -> &'v [u8] {
        let body = self.coding.body_of(value).unwrap_or_default();
        body.get(self.coding.lead()..).unwrap_or_default()
    }

    /// The check of that stamp for it, in a record with that key.
    #[must_use]
    pub fn check(&self, run: RunId, stamp: Stamp, key: &[u8]) -> u16 {
        run.check(stamp, self.planned.key.content(key), self.content())
    }

    /// Whether it is what the producer of that run wrote under this stamp, in a record with that key.
    #[must_use]
    pub fn wholeness(&self, run: RunId, stamp: Stamp, key: &[u8]) -> Wholeness {
        let key = self.planned.key.content(key);
        let fits = |content: Content<'_>| run.check(stamp, key, content) == stamp.check;
        match &self.canonical {
            Cow::Borrowed(_) if fits(self.content()) => Wholeness::AsWritten,
            Cow::Owned(_) if fits(self.content()) => Wholeness::ReEncoded,
            _ if self.rewritten().any(|own| fits(own.content())) => Wholeness::ReEncoded,
            _ => Wholeness::Damaged,
        }
    }

    /// The same values as loadgen writes them: by this schema, where its format has several ways to write them, and by the others of
    /// the type, where somebody has written it again by this one.
    fn rewritten(&self) -> impl Iterator<Item = Self> {
        let others = self.planned.codings().map(|coding| CodingOf::Type(coding));
        let own = match &self.coding {
            CodingOf::Schema(learned) if learned.own.is_some() => Some(CodingOf::Own(learned)),
            _ => None,
        };
        std::iter::once(self.coding).chain(own).chain(others).filter_map(|coding| self.written_by(coding))
    }

    fn written_by(&self, coding: CodingOf<'a>) -> Option<Self> {
        let (canonical, at) = match (&self.coding.body, &coding.body) {
            (Body::Json(own), Body::Json(plan)) if own != plan => {
                let mut canonical = Vec::new();
                let at = plan.rewrite(&object(&self.canonical).ok()?, &mut canonical).ok()?;
                (canonical, at)
            }
            (Body::Json(_), _) | (_, Body::Json(_)) => return None,
            _ => Planned::written(&coding, &shape::Value::Record(self.values_in(&coding)?))?,
        };
        Some(Self::new(self.kind, self.planned, coding, canonical.into(), &at))
    }

    /// The values that a coding has in its record.
    fn values_in(&self, coding: &Coding) -> Option<Vec<shape::Value>> {
        let mut sink = ValueSink::new(&self.coding.record);
        match &self.coding.body {
            Body::Json(_) => return None,
            Body::Avro(plan) => avro::read(plan, &self.canonical, &mut sink).ok()?,
            Body::Protobuf(plan) => protobuf::read(plan, &self.canonical, &mut sink).ok()?,
        };
        let shape::Value::Record(values) = sink.finish()? else { return None };
        let read_by: &Coding = &self.coding;
        if std::ptr::eq(coding, read_by) {
            return Some(values);
        }
        let own = match &self.coding.sources {
            None => values,
            Some(sources) => sources.given_back(&values, &self.planned.declared.record)?,
        };
        match &coding.sources {
            None => Some(own),
            Some(sources) => sources.taken_from(&own),
        }
    }

    /// An event whose id and key lie there.
    fn new(
        kind: TypeIndex,
        planned: &'a Planned,
        coding: CodingOf<'a>,
        canonical: Cow<'a, [u8]>,
        at: &Written,
    ) -> Self {
        Self::with_id(id_at(&canonical, at), kind, planned, coding, canonical, at)
    }

    fn with_id(
        bits: Option<u128>,
        kind: TypeIndex,
        planned: &'a Planned,
        coding: CodingOf<'a>,
        canonical: Cow<'a, [u8]>,
        at: &Written,
    ) -> Self {
        let (before, after) = coding.covered(0, at.id.as_ref());
        Self {
            stamp: bits.and_then(Stamp::from_bits),
            kind,
            bits,
            planned,
            coding,
            canonical,
            key: at.key.clone().unwrap_or_default(),
            before,
            after,
            opaque: None,
        }
    }

    /// A record whose bytes are not read, those of its value which the check covers from there on.
    pub(super) fn opaque(
        bits: Option<u128>,
        kind: TypeIndex,
        planned: &'a Planned,
        (value, after): (&'a [u8], usize),
        opaque: Opaque<'a>,
    ) -> Self {
        Self {
            stamp: bits.and_then(Stamp::from_bits),
            bits,
            kind,
            planned,
            coding: CodingOf::Type(&planned.coding),
            canonical: value.into(),
            key: 0..0,
            before: 0..0,
            after,
            opaque: Some(opaque),
        }
    }
}

/// The UUID of a body whose parts lie there.
fn id_at(body: &[u8], at: &Written) -> Option<u128> {
    at.uuid.or_else(|| stamp::id_of(body.get(at.id.clone()?)?))
}

/// A text that is a JSON object.
fn object(text: &[u8]) -> Result<Map<String, Value>, Invalid> {
    let text = std::str::from_utf8(text).map_err(|_| Invalid::NotUtf8)?;
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Invalid::NotAnObject),
        Err(_) => Err(Invalid::NotJson),
    }
}

#[cfg(test)]
mod tests;
