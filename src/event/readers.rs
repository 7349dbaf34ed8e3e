//! Schemas by which others read events: whether they can read what was written by another schema, and what they get.

use super::declared::{GivenSchema, TypeIndex};
use crate::wire::language::Language;
use crate::wire::protobuf::Pick;
use crate::wire::schema_error::SchemaError;
use crate::wire::shape::{Field, Value};
use crate::wire::{Malformed, avro, json_schema, protobuf};

/// A schema by which somebody reads the events of a type.
#[derive(Debug)]
pub struct Reader {
    /// What it is called.
    pub name: Box<str>,
    /// The type.
    pub kind: TypeIndex,
    /// The schema.
    pub schema: ReaderSchema,
}

/// The schema of a reader, in its language.
#[derive(Debug)]
pub enum ReaderSchema {
    /// What was written by another schema is resolved into it.
    Avro(Box<avro::Schema>),
    /// It finds fields by their numbers.
    Protobuf(Box<protobuf::Plan>),
    /// It holds what is there to what it asks.
    JsonSchema(Box<json_schema::Schema>),
}

impl ReaderSchema {
    /// Reads the text of a schema.
    ///
    /// # Errors
    /// What is wrong in it, or not supported, and where.
    pub fn parse(given: &GivenSchema) -> Result<Self, SchemaError> {
        Ok(match given.language {
            Language::Avro => Self::Avro(Box::new(avro::Schema::parse(&given.text)?)),
            Language::Protobuf => {
                let pick = given.message.as_deref().map_or(Pick::Only, Pick::Named);
                let schema = protobuf::Schema::parse(&given.text, &given.imports.pairs(), pick)?;
                Self::Protobuf(Box::new(protobuf::Plan::new(&schema, schema.record(), None, None)?))
            }
            Language::JsonSchema => Self::JsonSchema(Box::new(json_schema::Schema::parse(&given.text, "")?)),
        })
    }
}

/// How a reader reads what was written by one schema.
#[derive(Debug)]
pub struct Reading {
    /// For Avro: other languages have no more than the reader's schema.
    resolved: Option<Resolved>,
    /// What a record may have that the reader cannot read; empty where it reads all.
    pub incompatible: Vec<String>,
}

/// How what was written is resolved.
#[derive(Debug)]
struct Resolved {
    resolution: avro::Resolution,
    fields: Box<[Expected]>,
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
    /// How `reader` reads what was written in that language, by `writer` where that is Avro; `None` where it cannot at all.
    #[must_use]
    pub fn new(reader: &Reader, language: Language, writer: Option<&avro::Schema>) -> Option<Self> {
        match (&reader.schema, language, writer) {
            (ReaderSchema::Avro(schema), Language::Avro, Some(writer)) => Self::resolved(schema, writer).ok(),
            (ReaderSchema::Protobuf(_), Language::Protobuf, _)
            | (ReaderSchema::JsonSchema(_), Language::JsonSchema, _) => {
                Some(Self { resolved: None, incompatible: Vec::new() })
            }
            _ => None,
        }
    }

    fn resolved(reader: &avro::Schema, writer: &avro::Schema) -> Result<Self, SchemaError> {
        let resolution = avro::Resolution::new(writer, reader)?;
        let found = avro::compatible(reader, writer).err().unwrap_or_default();
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
        let fields = reader.record().fields.iter().map(expected).collect();
        Ok(Self { resolved: Some(Resolved { resolution, fields }), incompatible })
    }

    /// Reads a body as `reader` does. What comes out of Avro is compared with what the writer wrote and with the reader's defaults.
    ///
    /// # Errors
    /// Why the reader cannot read it, with the field where that is known.
    pub fn read(&self, reader: &Reader, body: &[u8]) -> Result<(), String> {
        match (&reader.schema, &self.resolved) {
            (ReaderSchema::Protobuf(plan), _) => {
                protobuf::read(plan, body, &mut ()).map(drop).map_err(|malformed| match malformed {
                    Malformed::BadTag => "a field has another type".to_owned(),
                    malformed => malformed.to_string(),
                })
            }
            (ReaderSchema::JsonSchema(schema), _) => schema.validate(body).map_err(|invalid| invalid.to_string()),
            (ReaderSchema::Avro(_), Some(resolved)) => resolved.read(body),
            (ReaderSchema::Avro(_), None) => Ok(()),
        }
    }
}

impl Resolved {
    fn read(&self, body: &[u8]) -> Result<(), String> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::protobuf::Imports;

    fn reader(language: Language, text: &str) -> Reader {
        let schema = ReaderSchema::parse(&GivenSchema {
            language,
            text: text.into(),
            message: None,
            imports: Imports::default(),
        })
        .unwrap();
        Reader { name: "reader".into(), kind: TypeIndex(0), schema }
    }

    /// What that reader says of a body.
    fn read(language: Language, text: &str, body: &[u8]) -> Result<(), String> {
        let reader = reader(language, text);
        Reading::new(&reader, language, None).unwrap().read(&reader, body)
    }

    #[test]
    fn a_reader_of_protobuf_finds_what_it_knows_by_number_and_type() {
        let message = |fields: &str| format!("syntax = \"proto3\"; message Order {{ {fields} }}");
        // 1: "ab", 2: 7.
        let body = b"\x0a\x02ab\x10\x07";
        let says = |fields: &str| read(Language::Protobuf, &message(fields), body);
        assert_eq!(says("string id = 1; int32 n = 2;"), Ok(()));
        assert_eq!(says("string another_name = 1;"), Ok(()), "what it does not know is passed over");
        assert_eq!(says("string id = 1; string later = 9;"), Ok(()), "what is missing has its default");
        assert_eq!(says("string id = 1; string n = 2;"), Err("a field has another type".to_owned()));
        assert!(says("enum E { A = 0; B = 1; } E n = 2;").unwrap_err().contains("symbol"));
        assert_eq!(says("enum E { A = 0; B = 7; } E n = 2;"), Ok(()));
    }

    #[test]
    fn a_reader_of_json_schema_holds_what_is_there_to_what_it_asks() {
        let schema = |n: &str, more: &str| {
            format!(
                r#"{{"title": "Order", "type": "object", "properties": {{"id": {{"type": "string"}}, "n": {n}, "total": {{"type": "number"}}}}{more}}}"#
            )
        };
        let says = |n: &str, more: &str| read(Language::JsonSchema, &schema(n, more), br#"{"id":"ab","n":7}"#);
        assert_eq!(says(r#"{"type": "integer"}"#, ""), Ok(()));
        assert!(says(r#"{"type": "string"}"#, "").unwrap_err().starts_with("/n: "));
        assert!(says(r#"{"type": "integer", "maximum": 6}"#, "").unwrap_err().starts_with("/n: "));
        assert!(says(r#"{"type": "integer"}"#, r#", "required": ["total"]"#).is_err());
    }

    #[test]
    fn a_reader_of_another_language_reads_nothing() {
        let json = reader(
            Language::JsonSchema,
            r#"{"title": "Order", "type": "object", "properties": {"n": {"type": "integer"}}}"#,
        );
        assert!(Reading::new(&json, Language::Avro, None).is_none());
        assert!(Reading::new(&json, Language::Protobuf, None).is_none());
    }
}
