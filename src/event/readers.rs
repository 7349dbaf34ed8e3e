//! Schemas by which others read events: whether they can read what was written by another schema, and what they get.

use super::catalogue::TypeIndex;
use crate::wire::avro;
use crate::wire::schema_error::SchemaError;
use crate::wire::shape::{Field, Value};

/// A schema by which somebody reads the events of a type.
#[derive(Debug)]
pub struct Reader {
    /// What it is called.
    pub name: Box<str>,
    /// The type.
    pub kind: TypeIndex,
    /// The schema.
    pub schema: avro::Schema,
}

/// How a reader reads what was written by one schema.
#[derive(Debug)]
pub struct Reading {
    resolution: avro::Resolution,
    fields: Box<[Expected]>,
    /// What a record may have that the reader cannot read; empty where it reads all.
    pub incompatible: Vec<String>,
}

/// What a field of the reader must come to.
#[derive(Debug)]
struct Expected {
    name: Box<str>,
    value: Source,
}

/// Where its value is from.
#[derive(Debug)]
enum Source {
    /// It is that of the writer's field of this index.
    Same(usize),
    /// The writer does not know it.
    Default(Value),
    /// It is that of another type, or of a field of another name.
    Other,
}

impl Reading {
    /// How `reader` reads what `writer` has written.
    ///
    /// # Errors
    /// None for schemas that have been parsed.
    pub fn new(reader: &Reader, writer: &avro::Schema) -> Result<Self, SchemaError> {
        let resolution = avro::Resolution::new(writer, &reader.schema)?;
        let found = avro::compatible(&reader.schema, writer).err().unwrap_or_default();
        let incompatible = found.iter().map(ToString::to_string).collect();
        let own = &writer.record().fields;
        let source = |field: &Field| match own.iter().position(|own| own.name == field.name) {
            Some(at) if own.get(at).is_some_and(|own| own.shape == field.shape) => Source::Same(at),
            Some(_) => Source::Other,
            // A field of another name may have been it.
            None => match resolution.default_of(&field.name) {
                Some(_) => Source::Default(field.default.clone().unwrap_or(Value::Null)),
                None => Source::Other,
            },
        };
        let expected = |field: &Field| Expected { name: field.name.clone(), value: source(field) };
        let fields = reader.schema.record().fields.iter().map(expected).collect();
        Ok(Self { resolution, fields, incompatible })
    }

    /// Reads a body, and compares what comes out with what the writer wrote and with the reader's defaults.
    ///
    /// # Errors
    /// Why the reader cannot read it, with the field.
    pub fn read(&self, body: &[u8]) -> Result<(), String> {
        let (written, read) = self.resolution.read_both(body).map_err(|error| error.to_string())?;
        let (Value::Record(written), Value::Record(read)) = (written, read) else { return Ok(()) };
        for (Expected { name, value }, read) in self.fields.iter().zip(&read) {
            let is_right = match value {
                Source::Same(at) => written.get(*at).is_some_and(|written| same(written, read)),
                Source::Default(default) => same(default, read),
                Source::Other => true,
            };
            if !is_right {
                return Err(format!("{name}: another value comes out than was written"));
            }
        }
        Ok(())
    }
}

/// Equal, a number that is none too.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Double(one), Value::Double(other)) => one.to_bits() == other.to_bits(),
        (Value::Array(one), Value::Array(other)) | (Value::Record(one), Value::Record(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Map(one), Value::Map(other)) => {
            let mut entries = one.iter().zip(other);
            one.len() == other.len() && entries.all(|((key, one), (name, other))| key == name && same(one, other))
        }
        (Value::Branch(at, one), Value::Branch(place, other)) => at == place && same(one, other),
        (one, other) => one == other,
    }
}
