//! Several types of event in a topic under one subject: one schema for all of them, as `topic-name` asks for.

use std::sync::Arc;

use super::{ConfigError, SchemaText, TypeFormat, coding_of, plan_error, refused};
use crate::event::catalogue::{Catalogue, EventType};
use crate::registry::{SchemaType, Strategy};
use crate::settings::formats::{Formats, Framing};
use crate::wire::protobuf::Pick;
use crate::wire::schema_error::SchemaError;
use crate::wire::{avro, json_schema, protobuf};

/// A type's place in a schema that it shares with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// Which of them it is, from 0.
    pub index: usize,
    /// The whole schema: a union of Avro, a file of Protobuf with a message for each, a `oneOf` of JSON Schema.
    pub text: Arc<str>,
}

/// Gives the types of each topic one schema, where they are to have one subject.
pub(super) fn united(
    types: &mut [TypeFormat],
    formats: &Formats,
    catalogue: &Catalogue,
    topics: &[String],
) -> Result<(), ConfigError> {
    if formats.subject_strategy != Some(Strategy::TopicName) {
        return Ok(());
    }
    let declared: Vec<&EventType> = catalogue.types().map(|(_, declared)| declared).collect();
    for (first, topic) in topics.iter().enumerate() {
        let beside: Vec<usize> = (0..topics.len()).filter(|at| topics[*at] == *topic).collect();
        if beside.len() < 2 || beside[0] != first || types[first].framing != Framing::Confluent {
            continue;
        }
        let all: Vec<(&EventType, &TypeFormat)> = beside.iter().map(|at| (declared[*at], &types[*at])).collect();
        let text: Arc<str> = union_of(&all)?.map_err(|error| {
            let (many, format) = (beside.len(), types[first].format);
            plan_error(
                &format!("the {many} types of topic \"{topic}\" make no one schema of {format} for its one subject: {error}"),
                "--subject-strategy topic-record-name gives each type its own",
            )
        })?.into();
        for (index, at) in beside.iter().enumerate() {
            types[*at].branch = Some(Branch { index, text: Arc::clone(&text) });
        }
    }
    Ok(())
}

/// One schema for these types.
fn union_of(types: &[(&EventType, &TypeFormat)]) -> Result<Result<String, SchemaError>, ConfigError> {
    let mut texts = Vec::new();
    for (declared, one) in types {
        let made = coding_of(declared, one).map_err(|error| refused(declared, one.format, &error))?;
        texts.extend(made.1);
    }
    let silent = types.iter().map(|(declared, _)| *declared).find(|declared| !declared.tells_itself());
    Ok(joined(&texts, silent))
}

/// One schema of these. `silent`: a type of which no event says what it is.
fn joined(texts: &[SchemaText], silent: Option<&EventType>) -> Result<String, SchemaError> {
    match texts.first().map(|text| text.schema_type) {
        Some(SchemaType::Avro) => avro::joined(&texts.iter().map(|text| &*text.text).collect::<Vec<_>>()),
        Some(SchemaType::Protobuf) => {
            protobuf::joined(&texts.iter().map(|text| (&*text.text, &*text.name)).collect::<Vec<_>>())
        }
        _ => match silent {
            Some(declared) => Err(SchemaError::new(format!(
                "nothing in an event of \"{}\" says which of the types it is, as a field with a constant would",
                declared.name
            ))),
            None => json_schema::joined(&texts.iter().map(|text| &*text.text).collect::<Vec<_>>()),
        },
    }
}

/// The place of a type in such a schema of somebody else's, where it has the type as `own` has it alone.
#[must_use]
pub fn found(text: &str, own: &SchemaText) -> Option<Branch> {
    let index = match own.schema_type {
        SchemaType::Avro => {
            let branches = avro::parted(text).ok()??;
            let is_own = |branch: &String| {
                avro::Schema::parse(branch).is_ok_and(|branch| Some(branch.fingerprint()) == own.fingerprint)
            };
            branches.iter().position(is_own)?
        }
        SchemaType::Protobuf => {
            let imports = own.imports.pairs();
            let parsed = |text| protobuf::Schema::parse(text, &imports, Pick::Named(&own.name)).ok();
            let (there, alone) = (parsed(text)?, parsed(&own.text)?);
            (there.record() == alone.record()).then_some(0)?
        }
        SchemaType::Json => json_schema::place_in(text, &own.text)?,
    };
    Some(Branch { index, text: text.into() })
}
