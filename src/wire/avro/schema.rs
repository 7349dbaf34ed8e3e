//! The text of an Avro schema, and the record that it describes.

use apache_avro::Schema as Avro;
use apache_avro::schema::{
    DecimalSchema, EnumSchema, FixedSchema, InnerDecimalSchema, Name, RecordField, RecordSchema, UuidSchema,
};

use super::plain::{Names, Plain};
use super::{canonical, default, text};
use crate::wire::schema_error::SchemaError;
use crate::wire::shape::{Field, Integer, Record, Shape, Unit, UuidForm};

/// How many fields a record may have, those within its fields among them.
const MAX_VALUES: usize = 10_000;
/// How deep types may stand within types.
pub(super) const MAX_DEPTH: usize = 64;
/// How many bytes a fixed may have: more than any record on a topic.
const MAX_SIZE: usize = 1 << 30;
/// The most digits that 128 bits hold.
const MAX_PRECISION: usize = 38;

/// The schema of one record.
#[derive(Clone, Debug)]
pub struct Schema {
    text: Box<str>,
    parsed: Avro,
    record: Record,
    canonical: Box<str>,
}

impl Schema {
    /// Reads the text of a schema, which must be that of a record.
    ///
    /// # Errors
    /// What is wrong in the text, or not supported, and where.
    pub fn parse(text: &str) -> Result<Self, SchemaError> {
        let parsed = Avro::parse_str(text).map_err(|error| SchemaError::new(error.to_string()))?;
        let names = names(&parsed)?;
        let mut around = Around { names: &names, records: Vec::new(), depth: 0, values: 0 };
        let record = match around.shape(&parsed)? {
            Shape::Record(record) => record,
            shape => {
                return Err(SchemaError::new(format!("it describes a {}, and an event is a record", shape.kind())));
            }
        };
        let canonical = canonical::form(&parsed).into();
        Ok(Self { text: text.into(), parsed, record, canonical })
    }

    /// The schema of a record. Names of types that have no namespace get that of the record around them.
    ///
    /// # Errors
    /// What in the record Avro cannot express, and where.
    pub fn of(record: &Record) -> Result<Self, SchemaError> {
        Self::parse(&format!("{:#}", text::of(record)?))
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The record's full name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.record.name
    }

    /// What the text says of the record.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The parsing canonical form: the text without all that does not matter to a reader of bytes.
    /// <https://avro.apache.org/docs/1.12.0/specification/#parsing-canonical-form-for-schemas>
    #[must_use]
    pub fn canonical_form(&self) -> &str {
        &self.canonical
    }

    /// The CRC-64-AVRO fingerprint of the canonical form, which tells readers of single objects the schema.
    /// <https://avro.apache.org/docs/1.12.0/specification/#schema-fingerprints>
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        canonical::fingerprint(self.canonical.as_bytes())
    }

    pub(super) fn parsed(&self) -> &Avro {
        &self.parsed
    }
}

/// All named types of a schema that [`Schema::parse`] has taken.
pub(super) fn names(schema: &Avro) -> Result<Names<'_>, SchemaError> {
    let mut names = Names::new();
    collect(schema, &mut names)?;
    Ok(names)
}

fn collect<'a>(schema: &'a Avro, names: &mut Names<'a>) -> Result<(), SchemaError> {
    if !matches!(schema, Avro::Ref { .. })
        && let Some(name) = schema.name()
        && names.insert(name.as_ref(), schema).is_some()
    {
        return Err(SchemaError::new(format!("the type {name} is declared twice")));
    }
    match schema {
        Avro::Array(array) => collect(&array.items, names),
        Avro::Map(map) => collect(&map.types, names),
        Avro::Union(union) => union.variants().iter().try_for_each(|branch| collect(branch, names)),
        Avro::Record(record) => record.fields.iter().try_for_each(|field| collect(&field.schema, names)),
        _ => Ok(()),
    }
}

/// The type itself, where `schema` may only name it.
pub(super) fn resolved<'a>(schema: &'a Avro, names: &Names<'a>) -> Result<&'a Avro, SchemaError> {
    match schema {
        Avro::Ref { name } => {
            names.get(name.as_ref()).copied().ok_or_else(|| SchemaError::new(format!("there is no type {name}")))
        }
        schema => Ok(schema),
    }
}

/// Where a walk through types is.
struct Around<'a> {
    names: &'a Names<'a>,
    /// The records that it is inside of.
    records: Vec<&'a str>,
    depth: usize,
    /// How many values it has seen. A type that stands in several places counts in each, and such types may multiply.
    values: usize,
}

impl<'a> Around<'a> {
    fn shape(&mut self, schema: &'a Avro) -> Result<Shape, SchemaError> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(SchemaError::new(format!(
                "more than {MAX_VALUES} fields, those of records within records among them"
            )));
        }
        if self.depth >= MAX_DEPTH {
            return Err(SchemaError::new(format!("more than {MAX_DEPTH} types stand within each other")));
        }
        self.depth += 1;
        let shape = self.of(resolved(schema, self.names)?);
        self.depth -= 1;
        shape
    }

    fn of(&mut self, schema: &'a Avro) -> Result<Shape, SchemaError> {
        if let Plain::Fixed(FixedSchema { name, size, .. }) = Plain::of(schema)
            && *size > MAX_SIZE
        {
            return Err(SchemaError::new(format!("{name} has {size} bytes, and at most {MAX_SIZE} are supported")));
        }
        Ok(match schema {
            Avro::Null => Shape::Null,
            Avro::Boolean => Shape::Boolean,
            Avro::Int => Shape::Integer(Integer::I32),
            Avro::Long => Shape::Integer(Integer::I64),
            Avro::Float => Shape::Float,
            Avro::Double => Shape::Double,
            Avro::Bytes => Shape::Bytes,
            Avro::String => Shape::Text,
            Avro::Fixed(fixed) | Avro::Duration(fixed) => {
                Shape::Fixed { name: full_name(&fixed.name), size: fixed.size }
            }
            Avro::Uuid(UuidSchema::String) => Shape::Uuid(UuidForm::Text),
            Avro::Uuid(UuidSchema::Fixed(_) | UuidSchema::Bytes) => Shape::Uuid(UuidForm::Fixed),
            Avro::Decimal(own) => decimal(own)?,
            Avro::BigDecimal => return Err(SchemaError::new("the logical type big-decimal is not supported")),
            Avro::Date => Shape::Date,
            Avro::TimeMillis => Shape::TimeOfDay(Unit::Millis),
            Avro::TimeMicros => Shape::TimeOfDay(Unit::Micros),
            Avro::TimestampMillis => Shape::Timestamp { unit: Unit::Millis, local: false },
            Avro::TimestampMicros => Shape::Timestamp { unit: Unit::Micros, local: false },
            Avro::TimestampNanos => Shape::Timestamp { unit: Unit::Nanos, local: false },
            Avro::LocalTimestampMillis => Shape::Timestamp { unit: Unit::Millis, local: true },
            Avro::LocalTimestampMicros => Shape::Timestamp { unit: Unit::Micros, local: true },
            Avro::LocalTimestampNanos => Shape::Timestamp { unit: Unit::Nanos, local: true },
            Avro::Enum(own) => enumeration(own)?,
            Avro::Array(array) => {
                let entry = self.shape(&array.items).map_err(|error| error.within("[]"))?;
                if entry.only_value().is_some() {
                    return Err(SchemaError::new("a record without fields is not supported here").within("[]"));
                }
                Shape::Array(Box::new(entry))
            }
            Avro::Map(map) => Shape::Map(Box::new(self.shape(&map.types).map_err(|error| error.within("{}"))?)),
            Avro::Record(record) => Shape::Record(self.record(record)?),
            Avro::Union(union) => self.union(union.variants())?,
            Avro::Ref { name } => return Err(SchemaError::new(format!("there is no type {name}"))),
        })
    }

    fn record(&mut self, own: &'a RecordSchema) -> Result<Record, SchemaError> {
        let name = own.name.as_ref();
        if self.records.contains(&name) {
            return Err(SchemaError::new(format!("the record {name} contains itself, which is not supported")));
        }
        self.records.push(name);
        let fields = own.fields.iter().map(|field| self.field(field).map_err(|error| error.within(&field.name)));
        let fields = fields.collect::<Result<_, _>>()?;
        self.records.pop();
        Ok(Record { name: name.into(), fields })
    }

    fn field(&mut self, own: &'a RecordField) -> Result<Field, SchemaError> {
        let shape = self.shape(&own.schema)?;
        // That an optional field has null goes without saying.
        let default = own.default.as_ref().filter(|json| !(json.is_null() && matches!(shape, Shape::Optional(_))));
        let default = default.map(|json| {
            let wrong = || SchemaError::new(format!("its default {json} is no {}", shape.kind()));
            default::value(json, &shape).ok_or_else(wrong)
        });
        Ok(Field { name: own.name.as_str().into(), default: default.transpose()?, shape })
    }

    fn union(&mut self, variants: &'a [Avro]) -> Result<Shape, SchemaError> {
        let is_null = |branch: &&Avro| matches!(branch, Avro::Null);
        let is_optional = variants.iter().any(|branch| is_null(&branch)) && variants.len() > 1;
        let branches = variants.iter().filter(|branch| !(is_optional && is_null(branch)));
        let mut shapes = branches.map(|branch| self.shape(branch)).collect::<Result<Vec<_>, _>>()?;
        if shapes.is_empty() {
            return Err(SchemaError::new("a union without branches"));
        }
        if !is_optional {
            return Ok(Shape::Union(shapes));
        }
        let only = if shapes.len() == 1 { shapes.pop() } else { None };
        Ok(Shape::Optional(Box::new(only.unwrap_or(Shape::Union(shapes)))))
    }
}

fn full_name(name: &Name) -> Box<str> {
    name.as_ref().into()
}

fn enumeration(own: &EnumSchema) -> Result<Shape, SchemaError> {
    if own.symbols.is_empty() {
        return Err(SchemaError::new(format!("the enum {} has no symbols", own.name)));
    }
    let symbols = own.symbols.iter().map(|symbol| symbol.as_str().into()).collect();
    Ok(Shape::Enum { name: full_name(&own.name), symbols })
}

fn decimal(own: &DecimalSchema) -> Result<Shape, SchemaError> {
    let (precision, scale) = (own.precision, own.scale);
    if precision > MAX_PRECISION {
        return Err(SchemaError::new(format!(
            "a decimal of {precision} digits is not supported: at most {MAX_PRECISION}"
        )));
    }
    if let InnerDecimalSchema::Fixed(FixedSchema { size, .. }) = own.inner
        && size < least_size(precision)
    {
        return Err(SchemaError::new(format!("a decimal of {precision} digits does not fit into {size} bytes")));
    }
    let digits = |digits: usize| u32::try_from(digits).unwrap_or(u32::MAX);
    Ok(Shape::Decimal { precision: digits(precision), scale: digits(scale), min: None })
}

/// How many bytes the largest number of so many digits has, with its sign.
pub(super) fn least_size(precision: usize) -> usize {
    let largest = 10_i128.pow(u32::try_from(precision.min(MAX_PRECISION)).unwrap_or(0)) - 1;
    (128 - largest.leading_zeros() as usize) / 8 + 1
}
