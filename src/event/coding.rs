//! How the events of a type stand in records: a frame that names their schema, and a body in one of the formats.

pub(super) mod version;

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use super::declared::{EventType, GivenSchema};
use super::invalid::Invalid;
use crate::wire::json::PlanError;
use crate::wire::key::KeyPlace;
use crate::wire::language::Language;
use crate::wire::protobuf::Pick;
use crate::wire::schema_error::SchemaError;
use crate::wire::shape::{self, Record, Shape};
use crate::wire::value::ValueSink;
use crate::wire::{Malformed, avro, framing, json, json_schema, protobuf};
use version::{Layout, Sources};

/// A type's schema in a format, from which its bodies are written and read.
#[derive(Debug)]
pub struct Coding {
    pub(super) frame: Box<[u8]>,
    /// Which message of its schema the frame names, for Protobuf.
    message: Vec<usize>,
    pub(super) body: Body,
    /// What its bodies hold.
    pub(super) record: Record,
    /// Which of these fields is the id, where one is.
    pub(super) id: Option<usize>,
    /// Where the values of a version of the type's schema come from; `None`: they are the type's own, in their order.
    pub(super) sources: Option<Sources>,
    /// The schema, for Avro.
    avro: Option<Arc<avro::Schema>>,
    /// Bytes of a body before its record: which branch of a union that is.
    lead: usize,
}

/// The format of bodies.
#[derive(Debug)]
pub(super) enum Body {
    Json(Box<json::Plan>),
    Avro(Box<avro::Plan>),
    Protobuf(Box<protobuf::Plan>),
}

impl Coding {
    /// JSON without a frame, as it is written where nothing else is asked for.
    ///
    /// # Errors
    /// What in the type has no form in JSON.
    pub fn json(declared: &EventType) -> Result<Self, PlanError> {
        Self::as_json(Layout::of(declared, true))
    }

    /// JSON that a schema describes: the type's own, or one that is made of it.
    ///
    /// # Errors
    /// What in the type has no form in JSON Schema, and where.
    pub fn json_schema(declared: &EventType, padded: bool) -> Result<(Self, json_schema::Schema), SchemaError> {
        let layout = Layout::of(declared, padded);
        let schema = match declared.given(Language::JsonSchema, padded)? {
            Some(given) => json_schema::Schema::parse(&given.text, &layout.record.name)?,
            None => json_schema::Schema::of(&layout.record)?,
        };
        Ok((Self { record: layout.record, ..Self::json(declared)? }, schema))
    }

    /// Avro, by the type's own schema or by one that is made of it.
    ///
    /// # Errors
    /// What in the type has no form in Avro, and where.
    pub fn avro(declared: &EventType, padded: bool) -> Result<(Self, Arc<avro::Schema>), SchemaError> {
        Self::avro_in_union(declared, padded, None)
    }

    /// The same where the record is that branch of a union.
    ///
    /// # Errors
    /// As [`Coding::avro`].
    pub fn avro_in_union(
        declared: &EventType,
        padded: bool,
        branch: Option<usize>,
    ) -> Result<(Self, Arc<avro::Schema>), SchemaError> {
        let layout = Layout::of(declared, padded);
        let schema = match declared.given(Language::Avro, padded)? {
            Some(given) => avro::Schema::parse(&given.text)?,
            None => avro::Schema::of(&layout.record)?,
        };
        Self::as_avro(layout, schema, branch)
    }

    /// Protobuf, by the type's own message or by one that is made of it.
    ///
    /// # Errors
    /// What in the type has no form in Protobuf, and where.
    pub fn protobuf(declared: &EventType, padded: bool) -> Result<(Self, protobuf::Schema), SchemaError> {
        let layout = Layout::of(declared, padded);
        let schema = match declared.given(Language::Protobuf, padded)? {
            Some(given) => message_of(given)?,
            None => protobuf::Schema::of(&layout.record)?,
        };
        Ok((Self::as_protobuf(layout, &schema)?, schema))
    }

    /// Another version of the type's schema in the language of `given`: it may have further fields, which have their defaults, lack
    /// some, and have them in another order.
    ///
    /// # Errors
    /// What in it has no value in the type, and where.
    pub fn version(declared: &EventType, given: &GivenSchema) -> Result<Self, SchemaError> {
        match given.language {
            Language::Avro => {
                let schema = avro::Schema::parse(&given.text)?;
                let layout = Layout::of_version(declared, schema.record())?;
                Ok(Self::as_avro(layout, schema, None)?.0)
            }
            Language::Protobuf => {
                let schema = message_of(given)?;
                Self::as_protobuf(Layout::of_version(declared, schema.record())?, &schema)
            }
            Language::JsonSchema => {
                let schema = json_schema::Schema::parse(&given.text, &declared.record.name)?;
                let layout = Layout::of_version(declared, schema.record())?;
                Ok(Self::as_json(layout)?)
            }
        }
    }

    fn as_json(layout: Layout) -> Result<Self, PlanError> {
        let plan = if layout.is_open { json::Plan::open } else { json::Plan::new };
        let plan = plan(&layout.record, layout.id, Some(layout.key))?;
        Ok(Self::laid_out(layout, Body::Json(Box::new(plan))))
    }

    fn as_avro(
        layout: Layout,
        schema: avro::Schema,
        branch: Option<usize>,
    ) -> Result<(Self, Arc<avro::Schema>), SchemaError> {
        let plan = avro::Plan::in_union(branch, &schema, &layout.record, layout.id, Some(layout.key))?;
        let schema = Arc::new(schema);
        let coding = Self::laid_out(layout, Body::Avro(Box::new(plan)));
        let lead = branch.map_or(0, avro::index_length);
        Ok((Self { avro: Some(Arc::clone(&schema)), lead, ..coding }, schema))
    }

    fn as_protobuf(layout: Layout, schema: &protobuf::Schema) -> Result<Self, SchemaError> {
        let plan = protobuf::Plan::new(schema, &layout.record, layout.id, Some(layout.key))?;
        let coding = Self::laid_out(layout, Body::Protobuf(Box::new(plan)));
        Ok(Self { message: schema.message_path(), ..coding })
    }

    fn laid_out(layout: Layout, body: Body) -> Self {
        let Layout { record, id, key: _, is_open: _, sources } = layout;
        Self { frame: Box::default(), message: Vec::new(), body, record, id, sources, avro: None, lead: 0 }
    }

    /// Whether it has each field that every event of the type has.
    pub(super) fn has_all_of(&self, declared: &EventType) -> bool {
        self.sources.as_ref().is_none_or(|sources| sources.has_all_of(&declared.record))
    }

    /// The schema that bodies are written by, for Avro.
    #[must_use]
    pub fn avro_schema(&self) -> Option<&avro::Schema> {
        self.avro.as_deref()
    }

    /// What reads bodies of another schema into this one's values; `None` where they are read without it.
    ///
    /// # Errors
    /// What keeps them from being read.
    pub fn reader_of(&self, given: &GivenSchema) -> Result<Option<Box<dyn ReadOther>>, SchemaError> {
        match &self.body {
            Body::Json(_) => Ok(None),
            Body::Avro(_) => {
                let reader = avro::Schema::of(&self.record)?;
                let writer = avro::Schema::parse(&given.text)?;
                let resolution = avro::Resolution::new(&writer, &reader)?;
                Ok(Some(Box::new(OtherRecord { writer, resolution, record: self.record.clone() })))
            }
            Body::Protobuf(_) => {
                let schema = message_of(given)?;
                let plan = protobuf::Plan::new(&schema, &self.record, None, None)?;
                Ok(Some(Box::new(OtherMessage { plan, record: self.record.clone() })))
            }
        }
    }

    /// What the check of a stamp covers of a body that starts at `start` and whose id lies at `id`: what stands before the id, as far as
    /// that can differ, and where what stands after it begins. The whole of a body without an id.
    pub(super) fn covered(&self, start: usize, id: Option<&Range<usize>>) -> (Range<usize>, usize) {
        match &self.body {
            Body::Json(plan) => plan.covered(start, id),
            Body::Avro(_) | Body::Protobuf(_) => id.map_or((start..start, start), |id| (start..id.start, id.end)),
        }
    }

    /// Whether the id has a place of its own.
    pub(super) fn has_id(&self) -> bool {
        matches!(&self.body, Body::Json(plan) if plan.has_id())
    }

    /// Whether the key has one.
    pub(super) fn has_key(&self) -> bool {
        matches!(&self.body, Body::Json(plan) if plan.has_key())
    }

    /// How the value of the key lies in a body.
    pub(super) const fn key_place(&self) -> &KeyPlace {
        match &self.body {
            Body::Json(_) => &KeyPlace::Text,
            Body::Avro(plan) => plan.key_place(),
            Body::Protobuf(plan) => plan.key_place(),
        }
    }

    /// The body of a record that names this schema; `None` where it is one of another message of it.
    pub(super) fn body_of<'a>(&self, value: &'a [u8]) -> Option<&'a [u8]> {
        let after_message = || framing::after_message(value.get(framing::CONFLUENT_LENGTH..)?, &self.message);
        value.strip_prefix(&*self.frame).or_else(after_message)
    }

    /// How many bytes of a body stand before what its own schema describes.
    pub(super) const fn lead(&self) -> usize {
        self.lead
    }

    /// The bytes before each body.
    #[must_use]
    pub fn frame(&self) -> &[u8] {
        &self.frame
    }

    /// The same, of that message of its schema.
    #[must_use]
    pub fn of_message(self, message: &[usize]) -> Self {
        Self { message: message.into(), ..self }
    }

    /// The same, with these bytes before each body.
    #[must_use]
    pub fn framed(self, frame: impl Into<Box<[u8]>>) -> Self {
        Self { frame: frame.into(), ..self }
    }
}

fn message_of(given: &GivenSchema) -> Result<protobuf::Schema, SchemaError> {
    let pick = given.message.as_deref().map_or(Pick::Only, Pick::Named);
    protobuf::Schema::parse(&given.text, &given.imports.pairs(), pick)
}

/// Reads bodies of a schema into the values that a coding writes.
pub trait ReadOther: Debug + Send + Sync {
    /// The values of a body.
    ///
    /// # Errors
    /// Why it is none of the schema, or that it has no values of the type.
    fn read(&self, body: &[u8]) -> Result<shape::Value, Invalid>;

    /// The schema, for Avro.
    fn avro_schema(&self) -> Option<&avro::Schema> {
        None
    }
}

/// A record of another schema of Avro.
#[derive(Debug)]
struct OtherRecord {
    writer: avro::Schema,
    resolution: avro::Resolution,
    record: Record,
}

impl ReadOther for OtherRecord {
    fn read(&self, body: &[u8]) -> Result<shape::Value, Invalid> {
        let values = self.resolution.read(body).map_err(|unreadable| match unreadable {
            avro::Unreadable::Malformed(malformed) => malformed.into(),
            avro::Unreadable::Misfit(_) => Invalid::NotReadable,
        })?;
        let shape::Value::Record(mut fields) = values else { return Err(Malformed::MissingField.into()) };
        // A constant is a text like others in the schema.
        for (field, value) in self.record.fields.iter().zip(&mut fields) {
            if let Shape::Constant(text) = &field.shape {
                if *value != shape::Value::Text(text.clone()) {
                    return Err(Malformed::WrongConstant.into());
                }
                *value = shape::Value::Null;
            }
        }
        Ok(shape::Value::Record(fields))
    }

    fn avro_schema(&self) -> Option<&avro::Schema> {
        Some(&self.writer)
    }
}

/// A message of another schema.
#[derive(Debug)]
struct OtherMessage {
    plan: protobuf::Plan,
    record: Record,
}

impl ReadOther for OtherMessage {
    fn read(&self, body: &[u8]) -> Result<shape::Value, Invalid> {
        let mut sink = ValueSink::new(&self.record);
        protobuf::read(&self.plan, body, &mut sink)?;
        sink.finish().ok_or(Malformed::MissingField.into())
    }
}
