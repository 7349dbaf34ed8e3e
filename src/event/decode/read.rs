//! Which type a record is of, and where the parts of its body lie.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{CodingOf, Decoded, id_at, object};
use crate::event::catalogue::{Catalogue, Planned, TypeIndex};
use crate::event::coding::{Body, Coding};
use crate::event::invalid::Invalid;
use crate::event::learned::{Learned, SchemaLookup};
use crate::event::opaque::Raw;
use crate::event::opaque::member::{self, Member};
use crate::event::stamp::{self, BYTES_LENGTH, Stamp};
use crate::kafka::headers::Headers;
use crate::wire::framing::SchemaId;
use crate::wire::json::Scanned;
use crate::wire::shape::{self, Shape};
use crate::wire::value::drive_record;
use crate::wire::{BodyWriter as _, Malformed, Written, avro, json, protobuf};

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
        let mut read = self.decode(raw.value.ok_or(Invalid::NoValue)?);
        // In its place: it is large.
        if let Ok(decoded) = &mut read
            && let Some(name) = decoded.planned.declared.id.header()
        {
            let bits = id_of_header(name, raw.headers)?;
            (decoded.stamp, decoded.bits) = (Stamp::from_bits(bits), Some(bits));
        }
        read
    }

    /// Reads the stamp of a record whose bytes are not read. One without such a header, or such a member of its value, is another producer's.
    fn opened<'a>(&'a self, raw: Raw<'a>) -> Result<Decoded<'a>, Invalid> {
        let member = self.id_member().zip(raw.value).and_then(|(name, value)| member::find(value, name));
        let (bits, kind, after) = if let Some(Member { bits, kind, rest }) = member {
            let kind = kind.map_or(Some(TypeIndex::default()), |kind| self.find(str::from_utf8(kind).ok()?).ok());
            (bits, kind.ok_or(Invalid::UnknownType)?, rest)
        } else {
            let (bits, kind) = raw.id_of_header()?;
            (bits, kind, 0)
        };
        let planned = self.get(kind).ok_or(Invalid::UnknownType)?;
        Ok(Decoded::opaque(bits, kind, planned, (raw.value.unwrap_or_default(), after), raw.beside(kind)))
    }

    /// Reads and checks the value of one record. One whose id is in a header has no stamp then.
    ///
    /// # Errors
    /// Why it is no valid event.
    pub fn decode<'a>(&'a self, value: &'a [u8]) -> Result<Decoded<'a>, Invalid> {
        if self.has_frames() {
            match SchemaId::of(value) {
                Some(id) => {
                    if let Some(of_id) = self.of_id(id) {
                        return self.by_own(of_id, value);
                    }
                    match self.learned(id) {
                        SchemaLookup::Schemas(learned) => {
                            return first_of(learned.iter().map(|one| self.by_learned(one, value)));
                        }
                        SchemaLookup::Pending => return Err(Invalid::AwaitsSchema),
                        // It may be no frame at all.
                        SchemaLookup::Refused(_) if self.has_binary_without_frame() => {}
                        SchemaLookup::Refused(why) => return Err(why),
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

    /// A record whose id is one of those that its types are written by: of one type, or of several that share a schema.
    fn by_own<'a>(&'a self, of_id: &'a [(TypeIndex, Arc<Coding>)], value: &'a [u8]) -> Result<Decoded<'a>, Invalid> {
        if let [(kind, coding)] = of_id {
            let planned = self.get(*kind).ok_or(Invalid::UnknownType)?;
            let body = coding.body_of(value).ok_or(Malformed::BadTag)?;
            return planned.read(*kind, CodingOf::Type(coding), body);
        }
        let framed = || {
            let one = |(kind, coding): &'a (TypeIndex, Arc<Coding>)| {
                Some((*kind, self.get(*kind)?, coding, coding.body_of(value)?))
            };
            of_id.iter().filter_map(one)
        };
        if framed().nth(1).is_some() {
            // The one that it is tells itself at once; what is left is broken, or written again.
            for (kind, planned, coding, body) in framed() {
                if let Some((id, at)) = planned.canonical(coding, body) {
                    return Ok(Decoded::with_id(id, kind, planned, CodingOf::Type(coding), body.into(), &at));
                }
            }
        }
        first_of(framed().map(|(kind, planned, coding, body)| planned.read(kind, CodingOf::Type(coding), body)))
    }

    /// A record of a schema that was looked up.
    fn by_learned<'a>(&'a self, learned: &'a Learned, value: &'a [u8]) -> Result<Decoded<'a>, Invalid> {
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
            if let Some((id, at)) = planned.canonical(&planned.coding, body) {
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
            let of_id = self.of_id(id)?.iter();
            let mut kinds = of_id.filter(|(_, coding)| coding.body_of(value).is_some()).map(|(kind, _)| *kind);
            let first = kinds.next()?;
            return kinds.all(|kind| kind == first).then_some(first);
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
                return self.any_layout(kind, coding, plan, body, &object);
            }
            Body::Avro(plan) => avro::read(plan, body, &mut ())?,
            Body::Protobuf(plan) => protobuf::read(plan, body, &mut ())?,
        };
        Ok(Decoded::new(kind, self, coding, body.into(), &at))
    }

    /// The id of a body as loadgen writes it, which is a stamp, and where the parts of the body lie. (An id of another producer
    /// may be written in many ways.)
    fn canonical(&self, coding: &Coding, body: &[u8]) -> Option<(Option<u128>, Written)> {
        let at = match &coding.body {
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
    pub(super) fn written(coding: &Coding, values: &shape::Value) -> Option<(Vec<u8>, Written)> {
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

/// What the first schema says that can read it. Where none can, what that one says whose type it is: of another branch of a union, or of another
/// type, nothing else can be said. A frame that leads to no message of its schema has a wrong tag.
fn first_of<'a>(read: impl Iterator<Item = Result<Decoded<'a>, Invalid>>) -> Result<Decoded<'a>, Invalid> {
    let is_vague = |why: &Invalid| {
        matches!(why, Invalid::UnknownType | Invalid::Malformed(Malformed::BadUnion | Malformed::BadTag))
    };
    let mut refused = None;
    for read in read {
        match read {
            Ok(decoded) => return Ok(decoded),
            Err(why) if refused.as_ref().is_none_or(is_vague) => refused = Some(why),
            Err(_) => {}
        }
    }
    Err(refused.unwrap_or(Malformed::BadTag.into()))
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
