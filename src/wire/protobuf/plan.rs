//! How a record is written and read as one message, compiled from it and a message of a schema.

use super::message::{Mark, Message};
use super::steps::{self, Step};
use super::{Schema, bind};
use crate::wire::key::KeyPlace;
use crate::wire::schema_error::SchemaError;
use crate::wire::shape::Record;

/// How one record is written and read as one message.
#[derive(Debug)]
pub struct Plan {
    pub(super) root: Message,
    pub(super) steps: Box<[Step]>,
    key: KeyPlace,
}

impl Plan {
    /// Binds `record` to the schema's message by the names of the fields. The record is [`Schema::record`], or another one whose
    /// fields the message has: a decimal or a UUID may be a string there, a time an integer. Fields that the record lacks are
    /// unknown fields. `id` and `key` are the indexes of those fields of the record.
    ///
    /// # Errors
    /// What in the record has no such field in the message, and where.
    pub fn new(schema: &Schema, record: &Record, id: Option<usize>, key: Option<usize>) -> Result<Self, SchemaError> {
        let mut root = bind::message(record, schema.message(), 0)?;
        for (at, field) in root.fields.iter_mut().enumerate() {
            field.mark = Mark { id: id == Some(at), key: key == Some(at) };
        }
        let steps = steps::flatten(&root);
        let key = key.and_then(|key| Some(root.fields.get(key)?.key_place(record.fields.get(key)?)));
        Ok(Self { root, steps, key: key.unwrap_or_default() })
    }

    /// How the value of the key lies in a body.
    #[must_use]
    pub const fn key_place(&self) -> &KeyPlace {
        &self.key
    }
}
