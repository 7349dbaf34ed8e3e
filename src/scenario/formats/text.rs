//! The text of a schema, and what a registry and a frame need of it.

use crate::registry::{Schema, SchemaType};
use crate::wire::language::Language;
use crate::wire::protobuf::{Imports, Pick};
use crate::wire::schema_error::SchemaError;
use crate::wire::{avro, framing, json_schema, protobuf};

/// A type's schema as a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaText {
    /// Its language.
    pub schema_type: SchemaType,
    /// The text.
    pub text: String,
    /// The full name of what it describes.
    pub name: String,
    /// Which message of the text it is, for Protobuf.
    pub message: Vec<usize>,
    /// The fingerprint of its parsing canonical form, for Avro.
    pub fingerprint: Option<u64>,
    /// What it imports, for Protobuf.
    pub imports: Imports,
}

impl SchemaText {
    pub(super) fn new(schema_type: SchemaType, text: &str, name: &str) -> Self {
        let text = language_of_type(schema_type).trimmed(text);
        Self {
            schema_type,
            text: text.to_owned(),
            name: name.to_owned(),
            message: Vec::new(),
            fingerprint: None,
            imports: Imports::default(),
        }
    }

    /// That of keys: it describes what has no name, or the first message of its text.
    #[must_use]
    pub fn of_key(schema_type: SchemaType, text: &str) -> Self {
        let message = if schema_type == SchemaType::Protobuf { vec![0] } else { Vec::new() };
        Self { message, ..Self::new(schema_type, text, "") }
    }

    /// A text of somebody else's.
    ///
    /// # Errors
    /// What is wrong in it, or not supported, and where.
    pub fn parse(language: Language, text: &str) -> Result<Self, SchemaError> {
        Self::parse_with(language, text, Imports::default())
    }

    /// The same of a text that imports others.
    ///
    /// # Errors
    /// As [`SchemaText::parse`].
    pub fn parse_with(language: Language, text: &str, imports: Imports) -> Result<Self, SchemaError> {
        Ok(match language {
            Language::Avro => {
                let parsed = avro::Schema::parse(text)?;
                let fingerprint = Some(parsed.fingerprint());
                Self { fingerprint, ..Self::new(SchemaType::Avro, text, parsed.name()) }
            }
            Language::Protobuf => {
                let parsed = protobuf::Schema::parse(text, &imports.pairs(), Pick::Only)?;
                let message = parsed.message_path();
                Self { message, imports, ..Self::new(SchemaType::Protobuf, text, parsed.name()) }
            }
            Language::JsonSchema => Self::new(SchemaType::Json, text, json_schema::Schema::parse(text, "")?.name()),
        })
    }

    /// What a schema of a registry describes, and which message of its text that is; `None` where it is not supported.
    #[must_use]
    pub fn of_registry(schema: &Schema, imports: Imports) -> Option<Self> {
        Self::parse_with(language_of_type(schema.schema_type), &schema.text, imports).ok()
    }

    /// Its language.
    #[must_use]
    pub const fn language(&self) -> Language {
        language_of_type(self.schema_type)
    }

    /// Whether bodies of both are read alike.
    #[must_use]
    pub fn is_read_as(&self, other: &Self) -> bool {
        match self.fingerprint {
            Some(_) => self.fingerprint == other.fingerprint,
            None => self.text == other.text && self.imports.are(&other.imports),
        }
    }

    /// As a registry takes it.
    #[must_use]
    pub fn for_registry(&self) -> Schema {
        Schema::new(self.schema_type, self.text.clone())
    }

    /// What stands before bodies of this schema, under that id.
    #[must_use]
    pub fn frame(&self, id: u32) -> Vec<u8> {
        let messages = (self.schema_type == SchemaType::Protobuf).then_some(&*self.message);
        framing::confluent(id, messages)
    }
}

const fn language_of_type(schema_type: SchemaType) -> Language {
    match schema_type {
        SchemaType::Avro => Language::Avro,
        SchemaType::Protobuf => Language::Protobuf,
        SchemaType::Json => Language::JsonSchema,
    }
}
