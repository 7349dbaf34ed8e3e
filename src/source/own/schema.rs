//! Schema files: what a type's fields are, where the user has it written down already.

use super::declare::SchemaText;
use crate::wire::avro;
use crate::wire::json_schema::{self, Limit};
use crate::wire::language::Language;
use crate::wire::protobuf::{self, Pick};
use crate::wire::shape::Record;

/// What a schema says of a record, and what it asks of its values beyond their shapes.
///
/// # Errors
/// What is wrong with it.
pub(super) fn record(schema: &SchemaText, name: &str) -> Result<(Record, Vec<Limit>), String> {
    let SchemaText { name: file, text, message } = schema;
    let language = Language::of_name(file)?;
    if message.is_some() && language != Language::Protobuf {
        return Err(format!("{file} has no messages to choose from: only a .proto has"));
    }
    let told = match language {
        Language::Avro => avro::Schema::parse(text)
            .map(|schema| (schema.record().clone(), Vec::new()))
            .map_err(|error| error.to_string()),
        Language::Protobuf => {
            let pick = message.as_deref().map_or(Pick::Only, Pick::Named);
            protobuf::Schema::parse(text, &[], pick)
                .map(|schema| (schema.record().clone(), Vec::new()))
                .map_err(|error| error.to_string())
        }
        Language::JsonSchema => json_schema::Schema::parse(text, name)
            .map(|schema| (schema.record().clone(), schema.limits().to_vec()))
            .map_err(|error| error.to_string()),
    };
    told.map_err(|problem| language.explained(file, text, problem))
}
