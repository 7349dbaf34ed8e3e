//! Schema files: what a type's fields are, where the user has it written down already.

use super::declare::SchemaText;
use crate::event::catalogue::GivenSchema;
use crate::wire::avro;
use crate::wire::json_schema::{self, Limit};
use crate::wire::language::Language;
use crate::wire::protobuf::{self, Pick};
use crate::wire::shape::Record;

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
    let SchemaText { name: file, text, message, imports } = schema;
    let language = Language::of_name(file)?;
    if message.is_some() && language != Language::Protobuf {
        return Err(format!("{file} has no messages to choose from: only a .proto has"));
    }
    let told = match language {
        Language::Avro => avro::Schema::parse(text).map(|schema| (schema.record().clone(), Vec::new())),
        Language::Protobuf => {
            let pick = message.as_deref().map_or(Pick::Only, Pick::Named);
            protobuf::Schema::parse(text, &imports.pairs(), pick).map(|schema| (schema.record().clone(), Vec::new()))
        }
        Language::JsonSchema => {
            json_schema::Schema::parse(text, name).map(|schema| (schema.record().clone(), schema.limits().to_vec()))
        }
    };
    let (record, limits) = told.map_err(|error| language.explained(file, text, error))?;
    let (text, message) = (text.as_str().into(), message.as_deref().map(Into::into));
    let given = GivenSchema { language, text, message, imports: imports.clone() };
    Ok(Described { record, limits, given })
}
