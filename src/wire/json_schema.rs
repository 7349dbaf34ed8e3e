//! JSON Schema: texts to records and back, and the judgement of bodies that others wrote.
//!
//! A text that this module writes is draft-07: all registries know it, and the keywords it has mean the same in later drafts. A text
//! that it reads may be of any draft. Dates are texts, other times whole numbers in their unit, bytes are base64, unions have no
//! tag, and an optional field may be missing or null.

mod one_of;
mod parse;
mod text;
mod validate;

pub use one_of::{joined, place_in};
pub use validate::Invalid;

use super::schema_error::SchemaError;
use super::shape::Record;

/// A schema of a record.
#[derive(Debug)]
pub struct Schema {
    text: Box<str>,
    record: Record,
    limits: Vec<Limit>,
    validator: jsonschema::Validator,
}

/// What a schema asks of the values of a field beyond its shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// The field: names, `lines[]` for the entries of an array, `rates{}` for those of a map.
    pub path: String,
    /// What is asked.
    pub limit: Limited,
}

/// A limit.
#[derive(Clone, Debug, PartialEq)]
pub enum Limited {
    /// Of a text: a format such as `date-time` or `email`.
    Format(Box<str>),
    /// Of a double or a decimal: its bounds, both within.
    Range {
        /// The least value.
        min: Option<f64>,
        /// The largest value.
        max: Option<f64>,
    },
    /// How many characters a text has, or entries an array.
    Length {
        /// The fewest.
        min: u64,
        /// The most.
        max: Option<u64>,
    },
}

impl Schema {
    /// Reads a schema of an object. `name` is the record's where the text has no title that could be it.
    ///
    /// # Errors
    /// What is wrong in the text, or not supported, and where.
    pub fn parse(text: &str, name: &str) -> Result<Self, SchemaError> {
        let root = serde_json::from_str(text).map_err(|error| SchemaError::new(format!("it is no JSON: {error}")))?;
        let (record, limits) = parse::record(&root, name)?;
        Ok(Self { text: text.into(), record, limits, validator: validate::compiled(&root)? })
    }

    /// The schema of a record.
    ///
    /// # Errors
    /// What in the record has no form in JSON, and where.
    pub fn of(record: &Record) -> Result<Self, SchemaError> {
        let root = text::of(record)?;
        let (own, limits) = parse::record(&root, &record.name)?;
        Ok(Self { text: format!("{root:#}").into(), record: own, limits, validator: validate::compiled(&root)? })
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

    /// What the text says of the record. A decimal of a record that the text was made for is a double here: JSON Schema has no
    /// word for its scale that validators agree on.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// What it asks beyond the shapes.
    #[must_use]
    pub fn limits(&self) -> &[Limit] {
        &self.limits
    }

    /// Whether a body is JSON that the schema takes. It builds a tree: for bodies that others wrote.
    ///
    /// # Errors
    /// What is wrong in the body, and where.
    pub fn validate(&self, body: &[u8]) -> Result<(), Invalid> {
        validate::validate(&self.validator, body)
    }
}

#[cfg(test)]
mod tests;
