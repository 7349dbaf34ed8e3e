//! Schemas as a registry keeps them, and the levels of compatibility.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use crate::http::shown;

/// The language of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SchemaType {
    /// Avro, as JSON text.
    Avro,
    /// Protocol Buffers, as the text of a `.proto` file.
    Protobuf,
    /// JSON Schema.
    Json,
}

impl SchemaType {
    /// Its name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Avro => "AVRO",
            Self::Protobuf => "PROTOBUF",
            Self::Json => "JSON",
        }
    }
}

impl fmt::Display for SchemaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A schema that another one imports.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The name it is imported by: a file of Protobuf, a full name of Avro, an address of JSON Schema.
    pub name: String,
    /// The subject that has it.
    pub subject: String,
    /// The version there.
    pub version: u32,
}

/// A schema.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "WrittenSchema")]
pub struct Schema {
    /// Its language.
    pub schema_type: SchemaType,
    /// Its text.
    pub text: String,
    /// What it imports.
    pub references: Vec<Reference>,
}

impl Schema {
    /// One that imports nothing.
    #[must_use]
    pub fn new(schema_type: SchemaType, text: impl Into<String>) -> Self {
        Self { schema_type, text: text.into(), references: Vec::new() }
    }
}

/// A schema under a subject.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "WrittenVersion")]
pub struct Registered {
    /// The subject.
    pub subject: String,
    /// Its version there, from 1.
    pub version: u32,
    /// Its id in the registry.
    pub id: u32,
    /// What it is.
    pub schema: Schema,
}

/// A schema in an answer.
#[derive(Deserialize)]
struct WrittenSchema {
    schema: String,
    #[serde(rename = "schemaType")]
    schema_type: Option<String>,
    references: Option<Vec<WrittenReference>>,
}

#[derive(Deserialize)]
struct WrittenReference {
    name: String,
    subject: String,
    version: u32,
}

impl TryFrom<WrittenSchema> for Schema {
    type Error = String;

    fn try_from(written: WrittenSchema) -> Result<Self, String> {
        let schema_type = match written.schema_type.as_deref() {
            None | Some("AVRO") => SchemaType::Avro,
            Some("PROTOBUF") => SchemaType::Protobuf,
            Some("JSON") => SchemaType::Json,
            Some(other) => return Err(format!("a schema of type {}, which is not known here", shown(other))),
        };
        let references = written.references.unwrap_or_default().into_iter();
        let references =
            references.map(|WrittenReference { name, subject, version }| Reference { name, subject, version });
        Ok(Self { schema_type, text: written.schema, references: references.collect() })
    }
}

/// A version of a subject in an answer.
#[derive(Deserialize)]
struct WrittenVersion {
    subject: String,
    version: u32,
    id: u32,
    #[serde(flatten)]
    schema: WrittenSchema,
}

impl TryFrom<WrittenVersion> for Registered {
    type Error = String;

    fn try_from(written: WrittenVersion) -> Result<Self, String> {
        let WrittenVersion { subject, version, id, schema } = written;
        Ok(Self { subject, version, id, schema: schema.try_into()? })
    }
}

/// What the next schema of a subject must be able to do with data of those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Whatever it likes.
    None,
    /// Read what the newest one wrote.
    Backward,
    /// Read what any of them wrote.
    BackwardTransitive,
    /// Write what the newest one reads.
    Forward,
    /// Write what all of them read.
    ForwardTransitive,
    /// Both, with the newest one.
    Full,
    /// Both, with all of them.
    FullTransitive,
}

impl Level {
    /// Every level.
    pub const ALL: [Self; 7] = [
        Self::Backward,
        Self::BackwardTransitive,
        Self::Forward,
        Self::ForwardTransitive,
        Self::Full,
        Self::FullTransitive,
        Self::None,
    ];

    /// Its name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Backward => "BACKWARD",
            Self::BackwardTransitive => "BACKWARD_TRANSITIVE",
            Self::Forward => "FORWARD",
            Self::ForwardTransitive => "FORWARD_TRANSITIVE",
            Self::Full => "FULL",
            Self::FullTransitive => "FULL_TRANSITIVE",
        }
    }

    /// Whether all earlier schemas count, not only the newest one.
    #[must_use]
    pub const fn is_transitive(self) -> bool {
        matches!(self, Self::BackwardTransitive | Self::ForwardTransitive | Self::FullTransitive)
    }

    /// Whether the new schema must read what earlier ones wrote.
    #[must_use]
    pub const fn looks_backward(self) -> bool {
        matches!(self, Self::Backward | Self::BackwardTransitive | Self::Full | Self::FullTransitive)
    }

    /// Whether earlier schemas must read what the new one writes.
    #[must_use]
    pub const fn looks_forward(self) -> bool {
        matches!(self, Self::Forward | Self::ForwardTransitive | Self::Full | Self::FullTransitive)
    }
}

/// A text that is no level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no compatibility level; they are BACKWARD, FORWARD, FULL, each also with _TRANSITIVE, and NONE")]
pub struct UnknownLevel(String);

impl FromStr for Level {
    type Err = UnknownLevel;

    /// Also in small letters, and with `-` for `_`.
    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        let name = text.to_ascii_uppercase().replace('-', "_");
        Self::ALL.into_iter().find(|level| level.as_str() == name).ok_or_else(|| UnknownLevel(text.to_owned()))
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
