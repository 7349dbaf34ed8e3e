//! Schemas as a registry keeps them, and the levels of compatibility.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

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
#[serde(try_from = "super::wording::WrittenSchema")]
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
#[serde(try_from = "super::wording::WrittenVersion")]
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
