//! The catalogue: which types of event there are, what each is made of, and how it is written.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::coding::{Body, Coding};
use super::invalid::Invalid;
use super::learned::{Finder, Found};
use super::padding;
use crate::wire::framing::SchemaId;
use crate::wire::json::{self, PlanError};
use crate::wire::language::Language;
use crate::wire::schema_error::SchemaError;
use crate::wire::shape::{Field, Record, Shape};

/// A type of event, by its place in the run's [`Catalogue`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeIndex(pub u16);

impl TypeIndex {
    /// The place, as an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A type of event as it is declared.
#[derive(Clone, Debug, PartialEq)]
pub struct EventType {
    /// Its name in reports, gates and metrics.
    pub name: Box<str>,
    /// Where the id stands.
    pub id: IdPlace,
    /// The field whose text is the record's key, by its index.
    pub key: usize,
    /// All its fields, in the order of the wire.
    pub record: Record,
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
        if padded {
            record.fields.push(padding());
        }
        record
    }
}

/// The types of event of a run, in the order in which reports list them, each with how it is written.
#[derive(Clone, Debug)]
pub struct Catalogue {
    types: Vec<Planned>,
    /// The ids in the frames of its types.
    ids: Vec<(SchemaId, TypeIndex)>,
    /// Knows of others.
    finder: Option<Arc<dyn Finder>>,
    /// Whether a record without a frame is no event.
    framed_alone: bool,
    /// Of records that nothing reads: whether they lie where their keys belong.
    opaque: Option<bool>,
}

/// Catalogues of the same types, written alike.
impl PartialEq for Catalogue {
    fn eq(&self, other: &Self) -> bool {
        let shown = |planned: &Planned| (planned.declared.clone(), planned.coding.record.clone());
        self.ids == other.ids && self.types.iter().map(shown).eq(other.types.iter().map(shown))
    }
}

/// A type and how it is written.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) declared: EventType,
    /// Of its JSON.
    pub(super) plan: json::Plan,
    pub(super) coding: Arc<Coding>,
}

/// Why types make no catalogue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// More than [`TypeIndex`] can tell apart.
    #[error("{0} types of event: there can be {MOST_TYPES}")]
    TooMany(usize),
    /// A type that cannot be written.
    #[error("event type \"{name}\": {source}")]
    Plan {
        /// The type.
        name: Box<str>,
        /// Why.
        source: PlanError,
    },
    /// A field that must be there in each event, and is not.
    #[error("event type \"{name}\": {what} must be a field that every event of the type has")]
    NoPlace {
        /// The type.
        name: Box<str>,
        /// What has no place: the id or the key.
        what: &'static str,
    },
}

/// As many types as a catalogue can have.
pub const MOST_TYPES: usize = 1_000;

impl Catalogue {
    /// These types, in their order.
    ///
    /// # Errors
    /// Types that cannot be written.
    pub fn new(types: Vec<EventType>) -> Result<Self, CatalogueError> {
        if types.len() > MOST_TYPES {
            return Err(CatalogueError::TooMany(types.len()));
        }
        let types = types.into_iter().map(Planned::new).collect::<Result<_, _>>()?;
        Ok(Self { types, ids: Vec::new(), finder: None, framed_alone: false, opaque: None })
    }

    /// Types of which nothing is known but their names: their records are bytes, see [`super::opaque`]. `by_key`: whether they lie
    /// where their keys belong.
    ///
    /// # Errors
    /// More types than there can be.
    pub fn opaque(names: impl IntoIterator<Item = String>, by_key: bool) -> Result<Self, CatalogueError> {
        let types: Vec<Planned> = names.into_iter().map(Planned::opaque).collect::<Result<_, _>>()?;
        if types.len() > MOST_TYPES {
            return Err(CatalogueError::TooMany(types.len()));
        }
        Ok(Self { types, ids: Vec::new(), finder: None, framed_alone: false, opaque: Some(by_key) })
    }

    /// Whether its records are bytes that nothing reads.
    #[must_use]
    pub const fn is_opaque(&self) -> bool {
        self.opaque.is_some()
    }

    /// Whether its records lie where their keys belong.
    #[must_use]
    pub fn is_placed_by_key(&self) -> bool {
        self.opaque != Some(false)
    }

    /// The same types, written like that: a coding for each, in their order.
    #[must_use]
    pub fn coded(mut self, codings: impl IntoIterator<Item = Coding>) -> Self {
        for (planned, coding) in self.types.iter_mut().zip(codings) {
            planned.coding = Arc::new(coding);
        }
        let ids = self.planned().filter_map(|(kind, planned)| Some((SchemaId::of(&planned.coding.frame)?, kind)));
        self.ids = ids.collect();
        self
    }

    /// The same types, whose schemas beside those of their codings that one finds out.
    #[must_use]
    pub fn learning(self, finder: Arc<dyn Finder>) -> Self {
        Self { finder: Some(finder), ..self }
    }

    /// The same types, whose records all begin with a frame.
    #[must_use]
    pub fn framed_alone(self, framed_alone: bool) -> Self {
        Self { framed_alone, ..self }
    }

    /// Whether nothing can be said of a record yet: it names a schema that is still being looked up.
    #[must_use]
    pub fn awaits_schema(&self, value: &[u8]) -> bool {
        let Some(finder) = &self.finder else { return false };
        SchemaId::of(value).is_some_and(|id| !self.has_id(id) && matches!(finder.find(id), Found::Pending))
    }

    /// Why nothing is known yet of schemas that are being looked up.
    #[must_use]
    pub fn silence(&self) -> Option<String> {
        self.finder.as_ref()?.silence()
    }

    /// How many types there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.types.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.types.is_empty()
    }

    /// The types with their places, in their order.
    pub fn types(&self) -> impl Iterator<Item = (TypeIndex, &EventType)> {
        (0..).map(TypeIndex).zip(self.types.iter().map(|planned| &planned.declared))
    }

    /// The names of the types, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.types.iter().map(|planned| &*planned.declared.name)
    }

    /// The name of a type; empty for one that is not of this catalogue.
    #[must_use]
    pub fn name(&self, index: TypeIndex) -> &str {
        self.get(index).map_or("", |planned| &planned.declared.name)
    }

    /// The type of that name.
    ///
    /// # Errors
    /// There is none.
    pub fn find(&self, name: &str) -> Result<TypeIndex, UnknownType> {
        let found = self.types().find(|(_, declared)| *declared.name == *name).map(|(index, _)| index);
        found.ok_or_else(|| UnknownType { name: name.to_owned(), known: self.names().map(str::to_owned).collect() })
    }

    /// The types whose records begin with that id.
    pub(super) fn of_id(&self, id: SchemaId) -> impl Iterator<Item = (TypeIndex, &Planned)> {
        let kinds = self.ids.iter().filter(move |(known, _)| *known == id).map(|(_, kind)| *kind);
        kinds.filter_map(|kind| Some((kind, self.get(kind)?)))
    }

    /// Whether a type's records begin with that id.
    fn has_id(&self, id: SchemaId) -> bool {
        self.ids.iter().any(|(known, _)| *known == id)
    }

    /// What is known of an id that is none of its types'.
    pub(super) fn learned(&self, id: SchemaId) -> Found {
        self.finder.as_ref().map_or(Found::Refused(Invalid::UnknownSchemaId), |finder| finder.find(id))
    }

    /// Whether records may begin with an id.
    pub(super) const fn has_frames(&self) -> bool {
        !self.ids.is_empty() || self.finder.is_some()
    }

    /// The types whose records have no frame.
    pub(super) fn without_frame(&self) -> impl Iterator<Item = (TypeIndex, &Planned)> {
        self.planned().filter(|(_, planned)| !self.framed_alone && planned.coding.frame().is_empty())
    }

    pub(super) fn get(&self, index: TypeIndex) -> Option<&Planned> {
        self.types.get(index.index())
    }

    pub(super) fn planned(&self) -> impl Iterator<Item = (TypeIndex, &Planned)> {
        (0..).map(TypeIndex).zip(&self.types)
    }
}

impl Planned {
    /// Whether its bodies have a field that brings them to a given size.
    pub(super) fn is_padded(&self) -> bool {
        self.coding.record.fields.len() > self.declared.record.fields.len()
    }

    /// What the check of a stamp covers of a body that starts at `start` and whose id lies at `id`: what stands before the id, as far as
    /// that can differ, and where what stands after it begins. The whole of a body without an id.
    pub(super) fn covered(&self, coding: &Coding, start: usize, id: Option<&Range<usize>>) -> (Range<usize>, usize) {
        match coding.body {
            Body::Json => self.plan.covered(start, id),
            Body::Avro(_) | Body::Protobuf(_) => id.map_or((start..start, start), |id| (start..id.start, id.end)),
        }
    }

    /// The field that holds the id; `None` where a header does.
    pub(super) fn id_field(&self) -> Option<&Field> {
        self.declared.record.fields.get(self.declared.id.field()?)
    }

    fn opaque(name: String) -> Result<Self, CatalogueError> {
        let record = Record { name: name.clone().into(), fields: Vec::new() };
        let id = IdPlace::Header(ID_HEADER.into());
        let declared = EventType { name: name.into(), id, key: usize::MAX, record, schema: None };
        let plan = json::Plan::new(&declared.written(true), None, None)
            .map_err(|source| CatalogueError::Plan { name: declared.name.clone(), source })?;
        let coding = Arc::new(Coding::json(&declared));
        Ok(Self { declared, plan, coding })
    }

    fn new(declared: EventType) -> Result<Self, CatalogueError> {
        let name = || declared.name.clone();
        let plan = json::Plan::new(&declared.written(true), declared.id.field(), Some(declared.key))
            .map_err(|source| CatalogueError::Plan { name: name(), source })?;
        let has_id = plan.has_id() || declared.id.header().is_some();
        for (what, has) in [("the id", has_id), ("the key", plan.has_key())] {
            if !has {
                return Err(CatalogueError::NoPlace { name: name(), what });
            }
        }
        let coding = Arc::new(Coding::json(&declared));
        Ok(Self { declared, plan, coding })
    }
}

/// The field that brings a body to a given size.
fn padding() -> Field {
    Field { name: padding::FIELD.into(), shape: Shape::Optional(Box::new(Shape::Text)), default: None }
}

/// A name that is no event type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownType {
    name: String,
    known: Vec<String>,
}

impl fmt::Display for UnknownType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" is no event type ({})", self.name, self.known.join(", "))
    }
}

impl std::error::Error for UnknownType {}
