//! Schema files: what a type's fields are, where the user has it written down already.

use super::declare::SchemaText;
use crate::event::catalogue::{GivenSchema, Language};
use crate::wire::avro;
use crate::wire::json_schema::{self, Limit};
use crate::wire::protobuf::{self, Pick};
use crate::wire::shape::Record;

/// The language of a file of that name.
fn of_name(name: &str) -> Option<Language> {
    match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
        "avsc" => Some(Language::Avro),
        "proto" => Some(Language::Protobuf),
        "json" => Some(Language::JsonSchema),
        _ => None,
    }
}

/// What a text looks like.
fn of_text(text: &str) -> Option<Language> {
    let text = text.trim_start();
    let has = |part: &str| text.contains(part);
    match text.chars().next()? {
        '{' | '[' if has("\"fields\"") && has("\"record\"") => Some(Language::Avro),
        '{' if has("\"properties\"") || has("\"$schema\"") => Some(Language::JsonSchema),
        _ if has("message ") && has("= 1") => Some(Language::Protobuf),
        _ => None,
    }
}

const fn called(language: Language) -> &'static str {
    match language {
        Language::Avro => "an Avro schema (.avsc)",
        Language::Protobuf => "a Protobuf file (.proto)",
        Language::JsonSchema => "a JSON Schema (.json)",
    }
}

/// What a schema describes.
pub(super) struct Described {
    pub(super) record: Record,
    /// What it asks of values beyond their shapes.
    pub(super) limits: Vec<Limit>,
    pub(super) given: GivenSchema,
}

/// What a schema says of a record.
///
/// # Errors
/// What is wrong with it.
pub(super) fn described(schema: &SchemaText, name: &str) -> Result<Described, String> {
    let SchemaText { name: file, text, message } = schema;
    let Some(language) = of_name(file) else {
        return Err(format!("{file} is no schema by its name: .avsc, .proto and .json are known"));
    };
    if message.is_some() && language != Language::Protobuf {
        return Err(format!("{file} has no messages to choose from: only a .proto has"));
    }
    let told = match language {
        Language::Avro => avro::Schema::parse(text).map(|schema| (schema.record().clone(), Vec::new())),
        Language::Protobuf => {
            let pick = message.as_deref().map_or(Pick::Only, Pick::Named);
            protobuf::Schema::parse(text, &[], pick).map(|schema| (schema.record().clone(), Vec::new()))
        }
        Language::JsonSchema => {
            json_schema::Schema::parse(text, name).map(|schema| (schema.record().clone(), schema.limits().to_vec()))
        }
    };
    let (record, limits) = told.map_err(|error| match of_text(text) {
        Some(looks) if looks != language => {
            format!("{file} looks like {}, and its name is one of {}", called(looks), called(language))
        }
        _ => format!("{file}: {error}"),
    })?;
    let given = GivenSchema { language, text: text.as_str().into(), message: message.as_deref().map(Into::into) };
    Ok(Described { record, limits, given })
}
