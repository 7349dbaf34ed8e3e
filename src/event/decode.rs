//! Reading: bytes of a record to a checked event.
//!
//! A body as loadgen writes it is read in one pass. Of any other with the same values (JSON with its fields in another order,
//! Protobuf that somebody wrote again) the check of its stamp is taken over what loadgen would have written.

use std::borrow::Cow;
use std::ops::{Deref, Range};
use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::catalogue::{Catalogue, Planned, TypeIndex};
use super::coding::{Body, Coding};
use super::invalid::Invalid;
use super::learned::{Found, Learned};
use super::opaque::{Opaque, Raw};
use super::stamp::{self, BYTES_LENGTH, Content, FirstStamp, RunId, Stamp};
use crate::kafka::headers::Headers;
use crate::wire::framing::SchemaId;
use crate::wire::json::Scanned;
use crate::wire::shape::{self, Shape};
use crate::wire::value::{ValueSink, drive_record};
use crate::wire::{BodyWriter as _, Malformed, Written, avro, json, protobuf};

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
#[derive(Clone, Debug)]
enum CodingOf<'a> {
    Type(&'a Arc<Coding>),
    Schema(Arc<Learned>),
    /// In the language of that schema, and not by it.
    Own(Arc<Learned>),
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
    /// The text of its key's field, which must be the record's key.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        self.opaque.as_ref().map_or_else(|| &self.canonical[self.key.clone()], |opaque| opaque.key)
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

    /// The body in a record's value, of a format whose frame is the same before each.
    #[must_use]
    pub fn body_in<'v>(&self, value: &'v [u8]) -> &'v [u8] {
        value.get(self.coding.frame.len()..).unwrap_or_default()
    }

    /// Whether it is what the producer of that run wrote under this stamp, with that key.
    #[must_use]
    pub fn wholeness(&self, run: RunId, stamp: Stamp, key: &[u8]) -> Wholeness {
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
        let others = self.planned.codings().map(CodingOf::Type);
        let own = match &self.coding {
            CodingOf::Schema(learned) if learned.own.is_some() => Some(CodingOf::Own(Arc::clone(learned))),
            _ => None,
        };
        std::iter::once(self.coding.clone()).chain(own).chain(others).filter_map(|coding| self.written_by(coding))
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

    /// A record whose bytes are not read.
    pub(super) fn opaque(
        bits: Option<u128>,
        kind: TypeIndex,
        planned: &'a Planned,
        value: &'a [u8],
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
            after: 0,
            opaque: Some(opaque),
        }
    }
}

/// The UUID of a body whose parts lie there.
fn id_at(body: &[u8], at: &Written) -> Option<u128> {
    stamp::id_of(body.get(at.id.clone()?)?)
}

/// The id that a header holds.
fn id_of_header(name: &str, headers: Headers<'_>) -> Result<u128, Invalid> {
    let mut values = headers.named(name.as_bytes());
    let value = values.next().ok_or_else(|| Invalid::Missing(name.to_owned()))?;
    if values.next().is_some() {
        return Err(Invalid::Doubled(name.to_owned()));
    }
    let bytes = value.and_then(|value| <[u8; BYTES_LENGTH]>::try_from(value).ok());
    bytes.map(u128::from_be_bytes).ok_or_else(|| Invalid::WrongType(name.to_owned()))
}

impl Catalogue {
    /// Reads and checks one record: its value, and the header in which its type has its id.
    ///
    /// # Errors
    /// Why it is no valid event.
    pub fn decode_record<'a>(&'a self, raw: Raw<'a>) -> Result<Decoded<'a>, Invalid> {
        if self.is_opaque() {
            return self.opened(raw);
        }
        let decoded = self.decode(raw.value.ok_or(Invalid::NoValue)?)?;
        let Some(name) = decoded.planned.declared.id.header() else { return Ok(decoded) };
        let bits = id_of_header(name, raw.headers)?;
        Ok(Decoded { stamp: Stamp::from_bits(bits), bits: Some(bits), ..decoded })
    }

    /// Reads and checks the value of one record. One whose id is in a header has no stamp then.
    ///
    /// # Errors
    /// Why it is no valid event.
    pub fn decode<'a>(&'a self, value: &'a [u8]) -> Result<Decoded<'a>, Invalid> {
        if self.has_frames() {
            match SchemaId::of(value) {
                Some(id) => {
                    let mut named = self.of_id(id).peekable();
                    if named.peek().is_some() {
                        let framed = named
                            .find_map(|(kind, planned, coding)| Some((kind, planned, coding, coding.body_of(value)?)));
                        // The id is one of ours, and not what follows it in the frame: which message of the schema it is.
                        let (kind, planned, coding, body) = framed.ok_or(Malformed::BadTag)?;
                        return planned.read(kind, CodingOf::Type(coding), body);
                    }
                    match self.learned(id) {
                        Found::Schema(learned) => return self.by_learned(learned, value),
                        Found::Pending => return Err(Invalid::AwaitsSchema),
                        // It may be no frame at all.
                        Found::Refused(_) if self.has_binary_without_frame() => {}
                        Found::Refused(why) => return Err(why),
                    }
                }
                None if self.without_frame().next().is_none() => {
                    let is_cut = value.len() < 5 && value.first().is_none_or(|first| *first == 0);
                    return Err(if is_cut { Malformed::Truncated } else { Malformed::NoMagic }.into());
                }
                None => {}
            }
        }
        self.by_content(value)
    }

    /// A record of a schema that was looked up.
    fn by_learned<'a>(&'a self, learned: Arc<Learned>, value: &'a [u8]) -> Result<Decoded<'a>, Invalid> {
        let (kind, planned) = (learned.kind, self.get(learned.kind).ok_or(Invalid::UnknownType)?);
        let body = learned.coding.body_of(value).ok_or(Malformed::BadTag)?;
        let Some(writer) = &learned.writer else {
            return planned.read(kind, CodingOf::Schema(learned), body);
        };
        let values = writer.read(body)?;
        let (canonical, at) =
            Planned::written(&learned.coding, &values).ok_or(Malformed::BadValue("it fits no field of the type"))?;
        Ok(Decoded::new(kind, planned, CodingOf::Schema(learned), canonical_or(body, canonical), &at))
    }

    fn has_binary_without_frame(&self) -> bool {
        self.without_frame().any(|(_, planned)| !matches!(planned.coding.body, Body::Json(_)))
    }

    /// A body whose type nothing names but its own content.
    fn by_content<'a>(&'a self, body: &'a [u8]) -> Result<Decoded<'a>, Invalid> {
        for (kind, planned) in self.without_frame() {
            if let Some((id, at)) = planned.canonical(body) {
                return Ok(Decoded::with_id(id, kind, planned, CodingOf::Type(&planned.coding), body.into(), &at));
            }
        }
        if self.without_frame().any(|(_, planned)| matches!(planned.coding.body, Body::Json(_))) {
            let object = object(body)?;
            let kind = self.type_of(&object)?;
            let planned = self.get(kind).ok_or(Invalid::UnknownType)?;
            if let Body::Json(plan) = &planned.coding.body {
                return planned.any_layout(kind, CodingOf::Type(&planned.coding), plan, body, &object);
            }
        }
        let mut read =
            self.without_frame().map(|(kind, planned)| planned.read(kind, CodingOf::Type(&planned.coding), body));
        match (read.next(), read.find(Result::is_ok)) {
            (Some(Ok(decoded)), _) | (_, Some(Ok(decoded))) => Ok(decoded),
            (Some(refused), _) if self.without_frame().count() == 1 => refused,
            _ => Err(Invalid::UnknownType),
        }
    }

    /// The type that a record claims, however broken the rest is: for counting invalid records by type.
    #[must_use]
    pub fn claimed_kind(&self, value: &[u8]) -> Option<TypeIndex> {
        if let Some(id) = SchemaId::of(value) {
            return self.of_id(id).next().map(|(kind, ..)| kind);
        }
        let value: Value = serde_json::from_slice(value).ok()?;
        self.type_of(value.as_object()?).ok()
    }

    /// The type whose constants an object has.
    ///
    /// # Errors
    /// There is none.
    pub fn type_of(&self, object: &Map<String, Value>) -> Result<TypeIndex, Invalid> {
        let mut missing = None;
        for (kind, planned) in self.without_frame() {
            match planned.constants(object) {
                Ok(()) => return Ok(kind),
                Err(Invalid::UnknownType) => {}
                Err(other) => missing = missing.or(Some(other)),
            }
        }
        Err(missing.unwrap_or(Invalid::UnknownType))
    }
}

impl Planned {
    /// A body of this type.
    fn read<'a>(&'a self, kind: TypeIndex, coding: CodingOf<'a>, body: &'a [u8]) -> Result<Decoded<'a>, Invalid> {
        let at = match &coding.body {
            Body::Json(plan) => {
                if let Some(Scanned { id, at }) = plan.scan(body)
                    && self.may_be_ours(id)
                {
                    return Ok(Decoded::with_id(id, kind, self, coding, body.into(), &at));
                }
                let object = object(body)?;
                self.constants(&object)?;
                return self.any_layout(kind, coding.clone(), plan, body, &object);
            }
            Body::Avro(plan) => avro::read(plan, body, &mut ())?,
            Body::Protobuf(plan) => protobuf::read(plan, body, &mut ())?,
        };
        Ok(Decoded::new(kind, self, coding, body.into(), &at))
    }

    /// The id of a body as loadgen writes it, which is a stamp, and where the parts of the body lie. (An id of another producer
    /// may be written in many ways.)
    fn canonical(&self, body: &[u8]) -> Option<(Option<u128>, Written)> {
        let at = match &self.coding.body {
            Body::Json(plan) => {
                let Scanned { id, at } = plan.scan(body)?;
                return self.may_be_ours(id).then_some((id, at));
            }
            Body::Avro(plan) => avro::read(plan, body, &mut ()).ok()?,
            Body::Protobuf(plan) => protobuf::read(plan, body, &mut ()).ok()?,
        };
        let id = id_at(body, &at);
        self.may_be_ours(id).then_some((id, at))
    }

    /// Whether a body with that id can be one that loadgen wrote: an id of another producer may be written in many ways.
    fn may_be_ours(&self, id: Option<u128>) -> bool {
        id.and_then(Stamp::from_bits).is_some() || self.declared.id.field().is_none()
    }

    /// Whether an object has the constants of this type.
    fn constants(&self, object: &Map<String, Value>) -> Result<(), Invalid> {
        for field in &self.declared.record.fields {
            let Shape::Constant(text) = &field.shape else { continue };
            match object.get(&*field.name) {
                None => return Err(Invalid::Missing(field.name.to_string())),
                Some(Value::String(value)) if **value == **text => {}
                Some(Value::String(_)) => return Err(Invalid::UnknownType),
                Some(_) => return Err(Invalid::WrongType(field.name.to_string())),
            }
        }
        Ok(())
    }

    fn any_layout<'a>(
        &'a self,
        kind: TypeIndex,
        coding: CodingOf<'a>,
        plan: &json::Plan,
        body: &'a [u8],
        object: &Map<String, Value>,
    ) -> Result<Decoded<'a>, Invalid> {
        let id = match self.id_field().map(|field| (&field.name, object.get(&*field.name))) {
            None => None,
            Some((_, Some(Value::String(text)))) => stamp::id_of(text.as_bytes()).or_else(|| in_any_form(text)),
            Some((name, Some(_))) => return Err(Invalid::WrongType(name.to_string())),
            Some((name, None)) => return Err(Invalid::Missing(name.to_string())),
        };
        let mut canonical = Vec::new();
        let at = plan.rewrite(object, &mut canonical)?;
        put_id(&mut canonical, &at, id);
        let canonical = canonical_or(body, canonical);
        Ok(Decoded::with_id(id, kind, self, coding, canonical, &at))
    }

    /// Values as loadgen writes them.
    fn written(coding: &Coding, values: &shape::Value) -> Option<(Vec<u8>, Written)> {
        let (mut body, record) = (Vec::new(), &coding.record);
        let at = match &coding.body {
            Body::Json(_) => return None,
            Body::Avro(plan) => {
                let mut writer = avro::Writer::new(plan, &mut body);
                drive_record(values, record, &mut writer).ok()?;
                writer.finish()
            }
            Body::Protobuf(plan) => {
                let mut writer = protobuf::Writer::new(plan, &mut body);
                drive_record(values, record, &mut writer).ok()?;
                writer.finish()
            }
        };
        let shape::Value::Record(fields) = values else { return None };
        let id = match coding.id.and_then(|id| fields.get(id)) {
            Some(shape::Value::Uuid(id)) => Some(*id),
            Some(shape::Value::Text(text)) => stamp::id_of(text.as_bytes()),
            Some(shape::Value::Bytes(bytes)) => stamp::id_of(bytes),
            _ => None,
        };
        put_id(&mut body, &at, id);
        Some((body, at))
    }
}

/// Puts an id into the place that was left for it.
fn put_id(body: &mut [u8], at: &Written, id: Option<u128>) {
    if let Some((place, id)) = at.id.clone().and_then(|place| body.get_mut(place)).zip(id) {
        stamp::put(id, place);
    }
}

/// A UUID as others may write it.
fn in_any_form(text: &str) -> Option<u128> {
    Uuid::try_parse(text).ok().map(|uuid| uuid.as_u128())
}

/// What loadgen would have written, or the body itself where it is that.
fn canonical_or(body: &[u8], canonical: Vec<u8>) -> Cow<'_, [u8]> {
    if canonical == body { body.into() } else { canonical.into() }
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
