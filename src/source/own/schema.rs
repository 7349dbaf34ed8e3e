//! Schema files: what a type's fields are, where the user has it written down already.

use super::declare::SchemaText;
use crate::wire::avro;
use crate::wire::json_schema::{self, Limit};
use crate::wire::protobuf::{self, Pick};
use crate::wire::shape::Record;

/// The kinds of schema, by the endings of their files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Avro,
    Protobuf,
    JsonSchema,
}

impl Kind {
    fn of_name(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
            "avsc" => Some(Self::Avro),
            "proto" => Some(Self::Protobuf),
            "json" => Some(Self::JsonSchema),
            _ => None,
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

    const fn called(self) -> &'static str {
        match self {
            Self::Avro => "an Avro schema (.avsc)",
            Self::Protobuf => "a Protobuf file (.proto)",
            Self::JsonSchema => "a JSON Schema (.json)",
        }
    }
}

/// What a schema says of a record, and what it asks of its values beyond their shapes.
///
/// # Errors
/// What is wrong with it.
pub(super) fn record(schema: &SchemaText, name: &str) -> Result<(Record, Vec<Limit>), String> {
    let SchemaText { name: file, text, message } = schema;
    let Some(kind) = Kind::of_name(file) else {
        return Err(format!("{file} is no schema by its name: .avsc, .proto and .json are known"));
    };
    if message.is_some() && kind != Kind::Protobuf {
        return Err(format!("{file} has no messages to choose from: only a .proto has"));
    }
    let told = match kind {
        Kind::Avro => avro::Schema::parse(text)
            .map(|schema| (schema.record().clone(), Vec::new()))
            .map_err(|error| error.to_string()),
        Kind::Protobuf => {
            let pick = message.as_deref().map_or(Pick::Only, Pick::Named);
            protobuf::Schema::parse(text, &[], pick)
                .map(|schema| (schema.record().clone(), Vec::new()))
                .map_err(|error| error.to_string())
        }
        Kind::JsonSchema => json_schema::Schema::parse(text, name)
            .map(|schema| (schema.record().clone(), schema.limits().to_vec()))
            .map_err(|error| error.to_string()),
    };
    told.map_err(|problem| match Kind::of_text(text) {
        Some(looks) if looks != kind => {
            format!("{file} looks like {}, and its name is one of {}", looks.called(), kind.called())
        }
        _ => format!("{file}: {problem}"),
    })
}
