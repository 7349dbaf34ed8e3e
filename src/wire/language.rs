//! The languages that schemas are written in, and how files of them are called and look.

use std::fmt;

/// A language of schemas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Avro, as JSON text.
    Avro,
    /// Protocol Buffers, as the text of a `.proto` file.
    Protobuf,
    /// JSON Schema.
    JsonSchema,
}

impl Language {
    /// The language of a file of that name.
    ///
    /// # Errors
    /// An ending that no schema has.
    pub fn of_name(name: &str) -> Result<Self, String> {
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        match ending.as_deref() {
            Some("avsc") => Ok(Self::Avro),
            Some("proto") => Ok(Self::Protobuf),
            Some("json") => Ok(Self::JsonSchema),
            _ => Err(format!("{name} is no schema by its name: .avsc, .proto and .json are known")),
        }
    }

    /// What a text looks like.
    fn of_text(text: &str) -> Option<Self> {
        let text = text.trim_start();
        let has = |part: &str| text.contains(part);
        match text.chars().next()? {
            '{' | '[' if has("\"fields\"") && has("\"record\"") => Some(Self::Avro),
            '{' if has("\"properties\"") || has("\"$schema\"") => Some(Self::JsonSchema),
            _ if has("message ") && has("= 1") => Some(Self::Protobuf),
            _ => None,
        }
    }

    /// What is wrong with the file of that name, whose text gives this problem when it is read as this language.
    #[must_use]
    pub fn explained(self, name: &str, text: &str, problem: impl fmt::Display) -> String {
        match Self::of_text(text) {
            Some(looks) if looks != self => {
                format!("{name} looks like {}, and its name is one of {}", looks.called(), self.called())
            }
            _ => format!("{name}: {problem}"),
        }
    }

    const fn called(self) -> &'static str {
        match self {
            Self::Avro => "an Avro schema (.avsc)",
            Self::Protobuf => "a Protobuf file (.proto)",
            Self::JsonSchema => "a JSON Schema (.json)",
        }
    }

    /// The schema that stands in a file: the line end behind JSON is the file's.
    #[must_use]
    pub fn trimmed(self, text: &str) -> &str {
        match self {
            Self::Avro | Self::JsonSchema => text.trim_end(),
            Self::Protobuf => text,
        }
    }

    /// What files of it end in.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Avro => ".avsc",
            Self::Protobuf => ".proto",
            Self::JsonSchema => ".schema.json",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Avro => "Avro",
            Self::Protobuf => "Protobuf",
            Self::JsonSchema => "JSON Schema",
        })
    }
}
