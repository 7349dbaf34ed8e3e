//! Schemas that a catalogue does not have itself: they are found out by the ids in the frames of records.

use std::fmt::Debug;

use super::coding::{Coding, ReadOther};
use super::declared::{EventType, GivenSchema, TypeIndex};
use super::invalid::Invalid;
use crate::wire::framing::SchemaId;
use crate::wire::schema_error::SchemaError;

/// Finds schemas out, on a thread that may wait.
pub trait Finder: Debug + Send + Sync {
    /// What is known of an id. Where nothing is yet, it is looked up, and known later.
    fn find(&self, id: SchemaId) -> SchemaLookup<'_>;

    /// Why nothing is known of some ids yet; `None` where nobody says.
    fn silence(&self) -> Option<String>;
}

/// What is known of an id: asked for each record, so it is lent.
#[derive(Clone, Debug)]
pub enum SchemaLookup<'a> {
    /// It is the schema of a type, or of several that share it.
    Schemas(&'a [Learned]),
    /// It is none that a valid event can have.
    Refused(Invalid),
    /// Nothing yet.
    Pending,
}

/// What was found out of an id: the schemas, or why it is none that a valid event can have.
pub type Found = Result<Box<[Learned]>, Invalid>;

impl<'a> From<&'a Found> for SchemaLookup<'a> {
    fn from(found: &'a Found) -> Self {
        match found {
            Ok(learned) => Self::Schemas(learned),
            Err(why) => Self::Refused(why.clone()),
        }
    }
}

/// A schema of a type.
#[derive(Debug)]
pub struct Learned {
    /// The type.
    pub kind: TypeIndex,
    /// How loadgen writes events of the type by this schema, or in its language where it cannot by this schema.
    pub coding: Coding,
    /// How it writes them in that language else, where that is another way: whoever wrote this may have had them so.
    pub own: Option<Coding>,
    /// Reads bodies of the schema, where it is another than the coding's own.
    pub writer: Option<Box<dyn ReadOther>>,
}

impl Learned {
    /// A schema that is another version of a type's: `own` is how the type is written in that language, with this schema's frame.
    ///
    /// # Errors
    /// What keeps its bodies from being read.
    pub fn version(
        kind: TypeIndex,
        declared: &EventType,
        own: Coding,
        given: &GivenSchema,
    ) -> Result<Self, SchemaError> {
        // What has all that the type needs is read as it stands, for its producer's check is of what it wrote.
        if let Ok(version) = Coding::version(declared, given)
            && version.has_all_of(declared)
        {
            return Ok(Self { kind, coding: version.framed(own.frame.clone()), own: Some(own), writer: None });
        }
        let writer = own.reader_of(given)?;
        Ok(Self { kind, coding: own, own: None, writer })
    }
}
