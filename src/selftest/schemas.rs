//! The schemas of the self-test's events, under ids of its own: it asks no registry, and stands for one that keeps silent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::Wire;
use crate::event::catalogue::{Catalogue, EventType, GivenSchema, ID_HEADER, IdPlace, TypeIndex};
use crate::event::coding::Coding;
use crate::event::invalid::Invalid;
use crate::event::key::{KeyCoding, KeyForm};
use crate::event::learned::{Finder, Found, Learned, SchemaLookup};
use crate::settings::formats::Format;
use crate::wire::framing::{self, SchemaId};
use crate::wire::language::Language;
use crate::wire::protobuf::Imports;
use crate::wire::schema_error::SchemaError;
use crate::wire::shape::{Field, Record, Shape, Value};
use crate::wire::{avro, protobuf};

/// How often a schema that is known late is asked for in vain.
const IN_VAIN: u32 = 20;

/// The id of the schema of keys.
const KEYS: u32 = u32::MAX;

/// Ids of a series: more than there are types.
const SERIES: u32 = 1_000;

/// What an id stands for. Each type has an id of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Series {
    /// The schema by which the type is written.
    Own,
    /// A version of it with one field more, in front of the others.
    Newer,
    /// A version of it with an enum behind the other fields.
    Listed,
    /// A version of it that cannot be read as the type.
    Unreadable,
    /// The schema by which the type is written, known only after a while.
    Late,
    /// One of which nothing is ever known.
    Silent,
    /// The schema of something else.
    Stranger,
    /// None.
    Unknown,
}

impl Series {
    /// Its id of a type.
    fn id(self, kind: TypeIndex) -> u32 {
        self.beside(kind.0.into())
    }

    const fn has(self, id: u32) -> bool {
        id / SERIES == self as u32
    }

    /// Its id of the type that an own id stands for.
    pub(super) const fn beside(self, own: u32) -> u32 {
        self as u32 * SERIES + own
    }
}

/// These types as they are to be sent.
///
/// # Errors
/// What in a type has no such form.
pub(super) fn coded(catalogue: &Catalogue, wire: Wire) -> Result<Catalogue, SchemaError> {
    let Wire { format, keys: form, id_in_header } = wire;
    let types = catalogue.types().map(|(_, declared)| {
        let id = if id_in_header { IdPlace::Header(ID_HEADER.into()) } else { declared.id.clone() };
        EventType { id, ..declared.clone() }
    });
    let keys = catalogue.types().map(|(_, declared)| keys(declared, form)).collect::<Result<Vec<_>, _>>()?;
    let catalogue = Catalogue::new(types.collect()).map_err(|error| SchemaError::new(error.to_string()))?;
    let catalogue = &catalogue.keyed(keys);
    if format == Format::Json {
        return Ok(catalogue.clone());
    }
    let own = |(kind, declared)| coding(declared, format, Series::Own.id(kind));
    let codings: Vec<Coding> = catalogue.types().map(own).collect::<Result<_, _>>()?;
    let finder = Schemas::new(catalogue, format)?;
    Ok(catalogue.clone().coded(codings).learning(Arc::new(finder)))
}

/// How the keys of a type are written.
fn keys(declared: &EventType, form: KeyForm) -> Result<KeyCoding, SchemaError> {
    let message = (form == KeyForm::Protobuf).then_some(&[0][..]);
    let frames = if form == KeyForm::Text { Vec::new() } else { vec![framing::confluent(KEYS, message).into()] };
    Ok(KeyCoding::new(form, declared)?.framed(None, frames))
}

/// How a type is written, under that id.
fn coding(declared: &EventType, format: Format, id: u32) -> Result<Coding, SchemaError> {
    let (coding, message) = match format {
        Format::Json => (Coding::json(declared)?, None),
        Format::JsonSchema => (Coding::json_schema(declared, false)?.0, None),
        Format::Avro => (Coding::avro(declared, false)?.0, None),
        Format::Protobuf => {
            let (coding, schema) = Coding::protobuf(declared, false)?;
            (coding, Some(schema.message_path()))
        }
    };
    Ok(coding.framed(framing::confluent(id, message.as_deref())))
}

/// What is known of which id.
#[derive(Debug)]
struct Schemas {
    known: HashMap<u32, Found>,
    /// How often ids were asked for that are known late.
    asked: Mutex<HashMap<u32, u32>>,
}

impl Schemas {
    fn new(catalogue: &Catalogue, format: Format) -> Result<Self, SchemaError> {
        let mut known = HashMap::new();
        for (kind, declared) in catalogue.types() {
            let id = Series::Late.id(kind);
            let late = Learned { kind, coding: coding(declared, format, id)?, own: None, writer: None };
            known.insert(id, Ok([late].into()));
            for (series, record) in [
                (Series::Newer, newer(&declared.record)),
                (Series::Listed, listed(&declared.record)),
                (Series::Unreadable, with_another_name_for_its_time(&declared.record)),
            ] {
                let id = series.id(kind);
                let coding = coding(declared, format, id)?;
                let Some(given) = schema_of(&record, format)? else { continue };
                let version = Learned::version(kind, declared, coding, &given);
                known.insert(id, version.map(|version| [version].into()).map_err(|_| Invalid::NotReadable));
            }
            known.insert(Series::Stranger.id(kind), Err(Invalid::WrongSubject));
        }
        Ok(Self { known, asked: Mutex::default() })
    }

    fn is_kept_back(&self, id: u32) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = asked.entry(id).or_default();
        *asked = asked.saturating_add(1);
        *asked <= IN_VAIN
    }
}

impl Finder for Schemas {
    fn find(&self, id: SchemaId) -> SchemaLookup<'_> {
        let SchemaId::Registry(id) = id else { return SchemaLookup::Refused(Invalid::UnknownSchemaId) };
        if Series::Silent.has(id) || Series::Late.has(id) && self.is_kept_back(id) {
            return SchemaLookup::Pending;
        }
        self.known.get(&id).map_or(SchemaLookup::Refused(Invalid::UnknownSchemaId), SchemaLookup::from)
    }

    fn silence(&self) -> Option<String> {
        Some("the self-test stands for a registry that does not answer".to_owned())
    }
}

/// A record's schema, where a format reads other versions of it by that.
fn schema_of(record: &Record, format: Format) -> Result<Option<GivenSchema>, SchemaError> {
    let (language, text) = match format {
        Format::Avro => (Language::Avro, avro::Schema::of(record)?.text().into()),
        Format::Protobuf => (Language::Protobuf, protobuf::Schema::of(record)?.text().into()),
        Format::Json | Format::JsonSchema => return Ok(None),
    };
    Ok(Some(GivenSchema { language, text, message: None, imports: Imports::default() }))
}

/// The record with one field more, in front of the others.
pub(super) fn newer(record: &Record) -> Record {
    let mut record = record.clone();
    let shape = Shape::Optional(Box::new(Shape::Text));
    record.fields.insert(0, Field { name: "channel".into(), shape, default: None });
    record
}

/// The record with an enum behind the other fields. Its symbols are [`SYMBOLS`].
fn listed(record: &Record) -> Record {
    let mut record = record.clone();
    let shape = Shape::Enum { name: "shop.events.Channel".into(), symbols: SYMBOLS.map(Into::into).into() };
    record.fields.push(Field { name: "channel".into(), shape, default: Some(Value::Symbol(0)) });
    record
}

/// What an event of [`Series::Listed`] may have come through.
const SYMBOLS: [&str; 2] = ["WEB", "APP"];

/// The record whose time has another name: whoever knows the old one lacks a field.
fn with_another_name_for_its_time(record: &Record) -> Record {
    let mut record = record.clone();
    for field in record.fields.iter_mut().filter(|field| matches!(field.shape, Shape::Timestamp { .. })) {
        field.name = "sent_at".into();
    }
    record
}
