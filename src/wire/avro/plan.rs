//! How a record is written and read, compiled from it and its schema.

use apache_avro::Schema as Avro;

use super::bind::Binder;
use super::steps::Step;
use super::{Schema, schema};
use crate::wire::key::KeyPlace;
use crate::wire::schema_error::SchemaError;
use crate::wire::shape::Record;

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
