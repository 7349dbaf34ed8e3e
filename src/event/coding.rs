//! How the events of a type stand in records: a frame that names their schema, and a body in one of the formats.

use super::catalogue::EventType;
use super::invalid::Invalid;
use super::learned::ReadOther;
use crate::wire::language::Language;
use crate::wire::protobuf::Pick;
use crate::wire::schema_error::SchemaError;
use crate::wire::shape::{self, Record, Shape};
use crate::wire::value::ValueSink;
use crate::wire::{Malformed, avro, framing, json_schema, protobuf};

/// A type's schema in a format, from which its bodies are written and read.
#[derive(Debug)]
pub struct Coding {
    pub(super) frame: Box<[u8]>,
    /// Which message of its schema the frame names, for Protobuf.
    message: Vec<usize>,
    pub(super) body: Body,
    /// What its bodies hold.
    pub(super) record: Record,
}

/// The format of bodies.
#[derive(Debug)]
pub(super) enum Body {
    /// By the plan that each type has.
    Json,
    Avro(Box<avro::Plan>),
    Protobuf(Box<protobuf::Plan>),
}

impl Coding {
    /// JSON without a frame, as it is written where nothing else is asked for.
    #[must_use]
    pub fn json(declared: &EventType) -> Self {
        Self { frame: Box::default(), message: Vec::new(), body: Body::Json, record: declared.written(true) }
    }

    /// JSON that a schema describes: the type's own, or one that is made of it.
    ///
    /// # Errors
    /// What in the type has no form in JSON Schema, and where.
    pub fn json_schema(declared: &EventType, padded: bool) -> Result<(Self, json_schema::Schema), SchemaError> {
        let record = declared.written(padded);
        let schema = match declared.given(Language::JsonSchema, padded)? {
            Some(given) => json_schema::Schema::parse(&given.text, &record.name)?,
            None => json_schema::Schema::of(&record)?,
        };
        Ok((Self { frame: Box::default(), message: Vec::new(), body: Body::Json, record }, schema))
    }

    /// Avro, by the type's own schema or by one that is made of it.
    ///
    /// # Errors
    /// What in the type has no form in Avro, and where.
    pub fn avro(declared: &EventType, padded: bool) -> Result<(Self, avro::Schema), SchemaError> {
        let record = declared.written(padded);
        let schema = match declared.given(Language::Avro, padded)? {
            Some(given) => avro::Schema::parse(&given.text)?,
            None => avro::Schema::of(&record)?,
        };
        let plan = avro::Plan::new(&schema, &record, declared.id.field(), Some(declared.key))?;
        Ok((Self { frame: Box::default(), message: Vec::new(), body: Body::Avro(Box::new(plan)), record }, schema))
    }

    /// Protobuf, by the type's own message or by one that is made of it.
    ///
    /// # Errors
    /// What in the type has no form in Protobuf, and where.
    pub fn protobuf(declared: &EventType, padded: bool) -> Result<(Self, protobuf::Schema), SchemaError> {
        let record = declared.written(padded);
        let schema = match declared.given(Language::Protobuf, padded)? {
            Some(given) => {
                let pick = given.message.as_deref().map_or(Pick::Only, Pick::Named);
                protobuf::Schema::parse(&given.text, &[], pick)?
            }
            None => protobuf::Schema::of(&record)?,
        };
        let plan = protobuf::Plan::new(&schema, &record, declared.id.field(), Some(declared.key))?;
        let (frame, message) = (Box::default(), schema.message_path());
        Ok((Self { frame, message, body: Body::Protobuf(Box::new(plan)), record }, schema))
    }

    /// What reads bodies of another schema into this one's values; `None` where they are read without it.
    ///
    /// # Errors
    /// What keeps them from being read.
    pub fn reader_of(&self, writer: &str) -> Result<Option<Box<dyn ReadOther>>, SchemaError> {
        match &self.body {
            Body::Json => Ok(None),
            Body::Avro(_) => {
                let reader = avro::Schema::of(&self.record)?;
                let resolution = avro::Resolution::new(&avro::Schema::parse(writer)?, &reader)?;
                Ok(Some(Box::new(OtherRecord { resolution, record: self.record.clone() })))
            }
            Body::Protobuf(_) => {
                let schema = protobuf::Schema::parse(writer, &[], Pick::Only)?;
                let plan = protobuf::Plan::new(&schema, &self.record, None, None)?;
                Ok(Some(Box::new(OtherMessage { plan, record: self.record.clone() })))
            }
        }
    }

    /// The body of a record that names this schema; `None` where it is one of another message of it.
    pub(super) fn body_of<'a>(&self, value: &'a [u8]) -> Option<&'a [u8]> {
        let after_message = || framing::after_message(value.get(framing::CONFLUENT_LENGTH..)?, &self.message);
        value.strip_prefix(&*self.frame).or_else(after_message)
    }

    /// The bytes before each body.
    #[must_use]
    pub fn frame(&self) -> &[u8] {
        &self.frame
    }

    /// The same, with these bytes before each body.
    #[must_use]
    pub fn framed(self, frame: impl Into<Box<[u8]>>) -> Self {
        Self { frame: frame.into(), ..self }
    }
}

/// A record of another schema of Avro.
#[derive(Debug)]
struct OtherRecord {
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
