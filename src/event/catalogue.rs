//! The catalogue: which types of event there are, what each is made of, and how it is written.

use std::fmt;

use super::padding;
use crate::wire::json::{self, PlanError};
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
    /// The field that holds the id, by its index; its shape is [`Shape::Uuid`] or [`Shape::Text`].
    pub id: usize,
    /// The field whose text is the record's key, by its index.
    pub key: usize,
    /// All its fields, in the order of the wire.
    pub record: Record,
}

/// The types of event of a run, in the order in which reports list them, each with its plans.
#[derive(Clone, Debug, PartialEq)]
pub struct Catalogue {
    types: Vec<Planned>,
}

/// A type and how it is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Planned {
    pub(super) declared: EventType,
    pub(super) plan: json::Plan,
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
        Ok(Self { types })
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

    pub(super) fn get(&self, index: TypeIndex) -> Option<&Planned> {
        self.types.get(index.index())
    }

    pub(super) fn planned(&self) -> impl Iterator<Item = (TypeIndex, &Planned)> {
        (0..).map(TypeIndex).zip(&self.types)
    }
}

impl Planned {
    /// The name of the field that holds the id.
    pub(super) fn id_name(&self) -> &str {
        self.declared.record.fields.get(self.declared.id).map_or("", |field| &field.name)
    }

    fn new(declared: EventType) -> Result<Self, CatalogueError> {
        let name = || declared.name.clone();
        let mut record = declared.record.clone();
        record.fields.push(padding());
        let plan = json::Plan::new(&record, Some(declared.id), Some(declared.key))
            .map_err(|source| CatalogueError::Plan { name: name(), source })?;
        for (what, has) in [("the id", plan.has_id()), ("the key", plan.has_key())] {
            if !has {
                return Err(CatalogueError::NoPlace { name: name(), what });
            }
        }
        Ok(Self { declared, plan })
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
