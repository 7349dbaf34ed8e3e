//! A type of event as it is declared, and its place among others.

use super::padding;
use crate::wire::language::Language;
use crate::wire::protobuf::Imports;
use crate::wire::schema_error::SchemaError;
use crate::wire::shape::{Field, Record, Shape};

/// A type of event, by its place in the run's [`super::catalogue::Catalogue`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeIndex(pub u16);

impl TypeIndex {
    /// The place, as an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A version of the types' schemas, by its place in the catalogue; 0 is the types' own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u16);

/// A type of event as it is declared.
#[derive(Clone, Debug, PartialEq)]
pub struct EventType {
    /// Its name in reports, gates and metrics.
    pub name: Box<str>,
    /// Where the id stands.
    pub id: IdPlace,
    /// The field that is the record's key, by its index.
    pub key: usize,
    /// All its fields, in the order of the wire.
    pub record: Record,
    /// Whether other members of any name may follow, which stay as they are. Such a type is written as JSON alone.
    pub open: bool,
    /// The schema that it was taken from, where somebody has it written down: in that language no other is made of it.
    pub schema: Option<GivenSchema>,
}

/// The header that holds the id where nothing else is said, and the body has no place for one.
pub const ID_HEADER: &str = "loadgen-id";

/// Where events of a type have their id, which is where the stamp is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdPlace {
    /// In a field of the body, by its index; its shape is [`Shape::Uuid`] or [`Shape::Text`], or bytes that can be 16.
    Field(usize),
    /// In a header of the record with that name, as 16 bytes.
    Header(Box<str>),
}

impl IdPlace {
    /// The field, where it is one.
    #[must_use]
    pub const fn field(&self) -> Option<usize> {
        match self {
            Self::Field(index) => Some(*index),
            Self::Header(_) => None,
        }
    }

    /// The header's name, where it is one.
    #[must_use]
    pub fn header(&self) -> Option<&str> {
        match self {
            Self::Field(_) => None,
            Self::Header(name) => Some(name),
        }
    }
}

/// A schema that somebody has written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenSchema {
    /// What it is written in.
    pub language: Language,
    /// The text.
    pub text: Box<str>,
    /// Which message of it, for Protobuf, where it has several.
    pub message: Option<Box<str>>,
    /// What it imports, for Protobuf.
    pub imports: Imports,
}

impl EventType {
    /// Whether an event says by itself of which type it is: a field is the same in all of them.
    #[must_use]
    pub fn tells_itself(&self) -> bool {
        self.record.fields.iter().any(|field| matches!(field.shape, Shape::Constant(_)))
    }

    /// The schema in that language that it was taken from.
    ///
    /// # Errors
    /// Bodies are to have a field for padding, which it does not have.
    pub(super) fn given(&self, language: Language, padded: bool) -> Result<Option<&GivenSchema>, SchemaError> {
        let given = self.schema.as_ref().filter(|schema| schema.language == language);
        if given.is_some() && padded {
            return Err(SchemaError::new(
                "its own schema has no field that brings bodies to a size: leave the padding out",
            ));
        }
        Ok(given)
    }

    /// What its bodies hold: its fields, and the one that brings a body to a given size.
    pub(super) fn written(&self, padded: bool) -> Record {
        let mut record = self.record.clone();
        if padded && !self.open {
            record.fields.push(padding());
        }
        record
    }
}

/// The field that brings a body to a given size.
fn padding() -> Field {
    Field { name: padding::FIELD.into(), shape: Shape::Optional(Box::new(Shape::Text)), default: None }
}
