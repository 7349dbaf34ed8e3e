//! What stands on the wire: types without their logical types.

use std::collections::HashMap;

use apache_avro::Schema as Avro;
use apache_avro::schema::{
    ArraySchema, EnumSchema, FixedSchema, InnerDecimalSchema, MapSchema, Name, RecordSchema, UnionSchema, UuidSchema,
};

/// The named types of a schema, by their full names.
pub(super) type Names<'a> = HashMap<&'a str, &'a Avro>;

/// A type without its logical type.
#[derive(Clone, Copy)]
pub(super) enum Plain<'a> {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Fixed(&'a FixedSchema),
    Enum(&'a EnumSchema),
    Array(&'a ArraySchema),
    Map(&'a MapSchema),
    Record(&'a RecordSchema),
    Union(&'a UnionSchema),
    /// A type that is declared elsewhere.
    Named(&'a Name),
}

impl<'a> Plain<'a> {
    pub(super) const fn of(own: &'a Avro) -> Self {
        match own {
            Avro::Null => Self::Null,
            Avro::Boolean => Self::Boolean,
            Avro::Int | Avro::Date | Avro::TimeMillis => Self::Int,
            Avro::Long
            | Avro::TimeMicros
            | Avro::TimestampMillis
            | Avro::TimestampMicros
            | Avro::TimestampNanos
            | Avro::LocalTimestampMillis
            | Avro::LocalTimestampMicros
            | Avro::LocalTimestampNanos => Self::Long,
            Avro::Float => Self::Float,
            Avro::Double => Self::Double,
            Avro::Bytes | Avro::BigDecimal | Avro::Uuid(UuidSchema::Bytes) => Self::Bytes,
            Avro::String | Avro::Uuid(UuidSchema::String) => Self::String,
            Avro::Fixed(own) | Avro::Duration(own) | Avro::Uuid(UuidSchema::Fixed(own)) => Self::Fixed(own),
            Avro::Decimal(own) => match &own.inner {
                InnerDecimalSchema::Bytes => Self::Bytes,
                InnerDecimalSchema::Fixed(own) => Self::Fixed(own),
            },
            Avro::Enum(own) => Self::Enum(own),
            Avro::Array(own) => Self::Array(own),
            Avro::Map(own) => Self::Map(own),
            Avro::Record(own) => Self::Record(own),
            Avro::Union(own) => Self::Union(own),
            Avro::Ref { name } => Self::Named(name),
        }
    }

    /// The type itself, where `own` may only name it.
    pub(super) fn resolved(own: &'a Avro, names: &Names<'a>) -> Self {
        match Self::of(own) {
            Self::Named(name) => names.get(name.as_ref()).map_or(Self::Named(name), |own| Self::of(own)),
            plain => plain,
        }
    }

    /// Its name in a schema.
    pub(super) fn word(self) -> &'a str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Long => "long",
            Self::Float => "float",
            Self::Double => "double",
            Self::Bytes => "bytes",
            Self::String => "string",
            Self::Fixed(_) => "fixed",
            Self::Enum(_) => "enum",
            Self::Array(_) => "array",
            Self::Map(_) => "map",
            Self::Record(_) => "record",
            Self::Union(_) => "union",
            Self::Named(name) => name.as_ref(),
        }
    }

    /// Whether a reader's value of this type may be a writer's of another one.
    /// <https://avro.apache.org/docs/1.12.0/specification/#schema-resolution>
    pub(super) const fn takes(self, writer: Self) -> bool {
        matches!(
            (self, writer),
            (Self::Long | Self::Float | Self::Double, Self::Int)
                | (Self::Float | Self::Double, Self::Long)
                | (Self::Double, Self::Float)
                | (Self::Bytes, Self::String)
                | (Self::String, Self::Bytes)
        )
    }

    /// Whether both are of one kind, whatever they are made of.
    pub(super) fn is_like(self, other: Self) -> bool {
        self.word() == other.word()
    }

    /// The name of a record, an enum or a fixed, and the names that it had before.
    pub(super) fn names(self) -> Option<(&'a Name, Vec<String>)> {
        let (name, aliases) = match self {
            Self::Fixed(own) => (&own.name, &own.aliases),
            Self::Enum(own) => (&own.name, &own.aliases),
            Self::Record(own) => (&own.name, &own.aliases),
            _ => return None,
        };
        Some((name, aliases.iter().flatten().map(|alias| alias.fullname(None)).collect()))
    }
}
