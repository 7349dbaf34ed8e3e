//! The catalogue: which types of event there are, what each is made of, and how it is written.

use std::fmt;
use std::sync::Arc;

pub use super::declared::{EventType, GivenSchema, ID_HEADER, IdPlace, TypeIndex, Version};

use super::coding::Coding;
use super::invalid::Invalid;
use super::key::KeyCoding;
use super::learned::{Finder, SchemaLookup};
use super::readers::Reader;
use crate::wire::framing::SchemaId;
use crate::wire::json::PlanError;
use crate::wire::shape::{Field, Record};

/// The types of event of a run, in the order in which reports list them, each with how it is written.
#[derive(Clone, Debug)]
pub struct Catalogue {
    types: Vec<Planned>,
    /// The ids in the frames of its types, each with what is written under it.
    ids: Vec<(SchemaId, OfId)>,
    /// Schemas by which others read events.
    readers: Arc<[Reader]>,
    /// Knows of others.
    finder: Option<Arc<dyn Finder>>,
    /// Whether a record without a frame is no event.
    framed_alone: bool,
    /// Of records that nothing reads: whether they lie where their keys belong.
    opaque: Option<bool>,
    /// The member of such a record that has its stamp, where its value is an object.
    id_member: Option<Box<str>>,
}

/// What is written under an id.
type OfId = Vec<(TypeIndex, Arc<Coding>)>;

/// Catalogues of the same types, written alike.
impl PartialEq for Catalogue {
    fn eq(&self, other: &Self) -> bool {
        let shown = |planned: &Planned| (planned.declared.clone(), planned.coding.record.clone(), planned.key.clone());
        let kinds = |of_id: &[(TypeIndex, Arc<Coding>)]| of_id.iter().map(|(kind, _)| *kind).collect::<Vec<_>>();
        let ids = |catalogue: &Self| catalogue.ids.iter().map(|(id, of)| (*id, kinds(of))).collect::<Vec<_>>();
        ids(self) == ids(other) && self.types.iter().map(shown).eq(other.types.iter().map(shown))
    }
}

/// A type and how it is written.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) declared: EventType,
    pub(super) coding: Arc<Coding>,
    /// How its keys are written.
    pub(super) key: KeyCoding,
    /// Further versions of its schema; `None`: there is none of that version.
    versions: Vec<Option<Arc<Coding>>>,
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
        Ok(Self::of(types, None))
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
        Ok(Self::of(types, Some(by_key)))
    }

    fn of(types: Vec<Planned>, opaque: Option<bool>) -> Self {
        let (ids, readers) = (Vec::new(), Arc::default());
        Self { types, ids, readers, finder: None, framed_alone: false, opaque, id_member: None }
    }

    /// The same records that nothing reads, of which those that are JSON objects have their stamps in a member of that name.
    #[must_use]
    pub fn identified_by(self, member: Option<Box<str>>) -> Self {
        Self { id_member: member, ..self }
    }

    /// The member that has the stamp of a record that nothing reads, where its value is an object.
    #[must_use]
    pub fn id_member(&self) -> Option<&str> {
        self.id_member.as_deref()
    }

    /// The name of a type, where such a record has to tell it.
    pub(super) fn told_kind(&self, kind: TypeIndex) -> Option<&str> {
        (self.len() > 1).then(|| self.name(kind))
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
    pub fn coded<C: Into<Arc<Coding>>>(mut self, codings: impl IntoIterator<Item = C>) -> Self {
        for (planned, coding) in self.types.iter_mut().zip(codings) {
            planned.coding = coding.into();
        }
        self.identified()
    }

    /// The same types, whose keys are written like that: a coding for each, in their order.
    #[must_use]
    pub fn keyed(mut self, keys: impl IntoIterator<Item = KeyCoding>) -> Self {
        for (planned, key) in self.types.iter_mut().zip(keys) {
            planned.key = key;
        }
        self
    }

    /// How the keys of each type are written, in their order.
    pub fn keys(&self) -> impl Iterator<Item = &KeyCoding> {
        self.types.iter().map(|planned| &planned.key)
    }

    /// The same types, with further versions of their schemas: for each type, in their order, a coding of every version that there is
    /// of it.
    #[must_use]
    pub fn versioned(mut self, of_types: impl IntoIterator<Item = Vec<Option<Arc<Coding>>>>) -> Self {
        for (planned, versions) in self.types.iter_mut().zip(of_types) {
            planned.versions = versions;
        }
        self.identified()
    }

    /// The same, knowing the ids in the frames of all that it has.
    fn identified(mut self) -> Self {
        let mut ids: Vec<(SchemaId, OfId)> = Vec::new();
        for (kind, planned) in self.planned() {
            for coding in planned.codings() {
                let Some(id) = SchemaId::of(&coding.frame) else { continue };
                let one = (kind, Arc::clone(coding));
                match ids.iter_mut().find(|(known, _)| *known == id) {
                    Some((_, of_id)) => of_id.push(one),
                    None => ids.push((id, vec![one])),
                }
            }
        }
        self.ids = ids;
        self
    }

    /// The id of the schema that a type is written by in a version; `None` where its records have no frame.
    #[must_use]
    pub fn schema_id(&self, kind: TypeIndex, version: Version) -> Option<SchemaId> {
        SchemaId::of(&self.get(kind)?.coding_in(version).frame)
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

    /// The same types, which others read by these schemas.
    #[must_use]
    pub fn read_by(self, readers: Vec<Reader>) -> Self {
        Self { readers: readers.into(), ..self }
    }

    /// The schemas by which others read events.
    #[must_use]
    pub fn readers(&self) -> &[Reader] {
        &self.readers
    }

    /// Whether nothing can be said of a record yet: it names a schema that is still being looked up.
    #[must_use]
    pub fn awaits_schema(&self, value: &[u8]) -> bool {
        let Some(finder) = &self.finder else { return false };
        SchemaId::of(value)
            .is_some_and(|id| self.of_id(id).is_none() && matches!(finder.find(id), SchemaLookup::Pending))
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

    /// A type as it is declared; `None` for one that is not of this catalogue.
    #[must_use]
    pub fn declared(&self, index: TypeIndex) -> Option<&EventType> {
        self.get(index).map(|planned| &planned.declared)
    }

    /// The type of that name.
    ///
    /// # Errors
    /// There is none.
    pub fn find(&self, name: &str) -> Result<TypeIndex, UnknownType> {
        let found = self.types().find(|(_, declared)| *declared.name == *name).map(|(index, _)| index);
        found.ok_or_else(|| UnknownType { name: name.to_owned(), known: self.names().map(str::to_owned).collect() })
    }

    /// The types whose records begin with that id, each with how they are written then; `None` where there is none.
    pub(super) fn of_id(&self, id: SchemaId) -> Option<&[(TypeIndex, Arc<Coding>)]> {
        self.ids.iter().find(|(known, _)| *known == id).map(|(_, of_id)| &**of_id)
    }

    /// What is known of an id that is none of its types'.
    pub(super) fn learned(&self, id: SchemaId) -> SchemaLookup<'_> {
        self.finder.as_ref().map_or(SchemaLookup::Refused(Invalid::UnknownSchemaId), |finder| finder.find(id))
    }

    /// Whether records may begin with an id.
    #[must_use]
    pub const fn has_frames(&self) -> bool {
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
    /// How it is written in a version: by its own schema, where there is none of that version.
    pub(super) fn coding_in(&self, version: Version) -> &Arc<Coding> {
        let further = usize::from(version.0).checked_sub(1).and_then(|version| self.versions.get(version)?.as_ref());
        further.unwrap_or(&self.coding)
    }

    /// All that it is written by.
    pub(super) fn codings(&self) -> impl Iterator<Item = &Arc<Coding>> {
        std::iter::once(&self.coding).chain(self.versions.iter().flatten())
    }

    /// Whether its bodies have a field that brings them to a given size.
    pub(super) fn is_padded(&self, coding: &Coding) -> bool {
        coding.sources.is_none() && coding.record.fields.len() > self.declared.record.fields.len()
    }

    /// The field that holds the id; `None` where a header does.
    pub(super) fn id_field(&self) -> Option<&Field> {
        self.declared.record.fields.get(self.declared.id.field()?)
    }

    fn opaque(name: String) -> Result<Self, CatalogueError> {
        let record = Record { name: name.clone().into(), fields: Vec::new() };
        let id = IdPlace::Header(ID_HEADER.into());
        let declared = EventType { name: name.into(), id, key: usize::MAX, record, open: false, schema: None };
        let coding =
            Coding::json(&declared).map_err(|source| CatalogueError::Plan { name: declared.name.clone(), source })?;
        Ok(Self { declared, coding: Arc::new(coding), key: KeyCoding::default(), versions: Vec::new() })
    }

    fn new(declared: EventType) -> Result<Self, CatalogueError> {
        let name = || declared.name.clone();
        let coding = Coding::json(&declared).map_err(|source| CatalogueError::Plan { name: name(), source })?;
        let has_id = coding.has_id() || declared.id.header().is_some();
        for (what, has) in [("the id", has_id), ("the key", coding.has_key())] {
            if !has {
                return Err(CatalogueError::NoPlace { name: name(), what });
            }
        }
        Ok(Self { declared, coding: Arc::new(coding), key: KeyCoding::default(), versions: Vec::new() })
    }
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
