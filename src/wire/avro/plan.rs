//! A record as a flat list of steps, compiled from the record and its schema.

use apache_avro::Schema as Avro;

use super::bind::Binder;
use super::{Schema, schema};
use crate::wire::key::KeyPlace;
use crate::wire::schema_error::SchemaError;
use crate::wire::shape::{Record, Shape};

/// Arrays and maps stand at most so deep within one another.
pub(super) const DEEPEST: usize = 16;

/// How one record is written and read.
#[derive(Debug)]
pub struct Plan {
    pub(super) steps: Box<[Step]>,
    /// The steps of the id's and of the key's value.
    pub(super) id: Option<usize>,
    pub(super) key: Option<usize>,
    key_place: KeyPlace,
}

impl Plan {
    /// Binds `record` to the schema. The record is [`Schema::record`], or another one with the same fields in the same order:
    /// a constant may stand for a string or for an enum with that symbol, a UUID for a string or for 16 bytes, a time for a
    /// whole number, narrower bounds for wider ones, and any value for a union of which it is a branch. `id` and `key` are the
    /// indexes of those fields of the record.
    ///
    /// # Errors
    /// What in the record the schema does not have, and where.
    pub fn new(schema: &Schema, record: &Record, id: Option<usize>, key: Option<usize>) -> Result<Self, SchemaError> {
        Self::in_union(None, schema, record, id, key)
    }

    /// The same where the record is that branch of a union: the branch's index stands before it.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub fn in_union(
        branch: Option<usize>,
        schema: &Schema,
        record: &Record,
        id: Option<usize>,
        key: Option<usize>,
    ) -> Result<Self, SchemaError> {
        let names = schema::names(schema.parsed())?;
        let Avro::Record(own) = schema.parsed() else { return Err(SchemaError::new("it is no record")) };
        let mut binder = Binder::new(&names);
        binder.steps.extend(branch.map(|index| Step::Branch { index }));
        let (_, values) = binder.record(record, own)?;
        let place = |field: Option<usize>| field.and_then(|field| values.get(field).copied().flatten());
        let key_step = place(key);
        let own = key.and_then(|key| record.fields.get(key)).map(|field| &field.shape);
        let key_place = match (key_step.and_then(|at| binder.steps.get(at)), own) {
            (Some(Step::Value(leaf)), Some(shape)) => leaf.key_place(shape),
            _ => KeyPlace::Text,
        };
        Ok(Self { id: place(id), key: key_step, key_place, steps: binder.steps.into() })
    }

    /// How the value of the key lies in a body.
    #[must_use]
    pub const fn key_place(&self) -> &KeyPlace {
        &self.key_place
    }
}

/// What comes next. Those without a value of their own are done on the way to the next one.
#[derive(Debug)]
pub(super) enum Step {
    /// These bytes: a text that is always the same.
    Constant { text: Box<str> },
    /// A union of which this branch alone is meant.
    Branch { index: usize },
    /// An enum of which this symbol alone is meant.
    Symbol { index: usize },
    /// Goes on there.
    Jump(usize),
    /// The end of an entry: the next one goes on behind `begin`.
    Next { is_map: bool, begin: usize },
    /// Null, which has no bytes.
    Null,
    /// A value.
    Value(Leaf),
    /// Null or not: the branch of null, and where it goes on; the branch of the value, unless a [`Step::Union`] follows.
    Optional { null: usize, some: Option<usize>, absent: usize },
    /// One of several values: the branch of each and where its steps begin.
    Union(Box<[(usize, usize)]>),
    /// An array or a map: where its [`Step::Next`] is, and how few bytes an entry has.
    Begin { is_map: bool, next: usize, least: usize },
}

/// One value.
#[derive(Debug)]
pub(super) enum Leaf {
    Boolean,
    /// All whole numbers are written alike, in at most so many bytes.
    Integer {
        longest: usize,
        min: i64,
        max: i64,
    },
    Float,
    Double,
    Text,
    Bytes,
    Fixed(usize),
    UuidText,
    UuidFixed,
    UuidBytes,
    /// `limit` is what it stays below, without its sign; `size` that of a fixed.
    Decimal {
        limit: u128,
        min: i128,
        size: Option<usize>,
    },
    /// The index in the schema of each symbol of the record.
    Enum(Box<[usize]>),
}

impl Leaf {
    /// How the value lies in a body, where it is the key and has that shape in the record.
    fn key_place(&self, shape: &Shape) -> KeyPlace {
        match (self, shape) {
            (Self::Integer { .. }, _) => KeyPlace::Zigzag,
            (Self::UuidFixed | Self::UuidBytes, _) => KeyPlace::Uuid,
            (Self::Enum(indexes), Shape::Enum { symbols, .. }) => {
                let indexes = indexes.iter().map(|index| i32::try_from(*index).unwrap_or(i32::MAX));
                KeyPlace::ZigzagSymbol(indexes.zip(symbols.iter().cloned()).collect())
            }
            _ => KeyPlace::Text,
        }
    }
}
