//! In which form the keys of records are written, and which schemas that makes: one for each topic, as Confluent's clients have it.

use super::{ConfigError, SchemaText, no_registry, plan_error};
use crate::event::catalogue::{Catalogue, EventType};
use crate::event::key::{KeyCoding, KeyForm};
use crate::registry::{Part, SchemaType, Strategy};
use crate::settings::formats::{Formats, Framing, KeyFormat};

/// How the keys of one type are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPlan {
    /// How, but for the frame.
    pub coding: KeyCoding,
    /// The subjects that may have its schema, where the frame names that by its id.
    pub subjects: Vec<String>,
}

impl KeyPlan {
    /// The schema of the keys; `None` where they are texts.
    #[must_use]
    pub fn schema(&self) -> Option<SchemaText> {
        let schema_type = match self.coding.form() {
            KeyForm::Text => return None,
            KeyForm::Avro => SchemaType::Avro,
            KeyForm::Protobuf => SchemaType::Protobuf,
        };
        self.coding.schema().map(|schema| SchemaText::of_key(schema_type, &schema.text))
    }
}

/// The keys of each type of a run; none where all are texts. `topics`: those of the types.
pub(super) fn of_run(
    formats: &Formats,
    has_registry: bool,
    catalogue: &Catalogue,
    topics: &[String],
) -> Result<Vec<KeyPlan>, ConfigError> {
    let all = catalogue.types().zip(topics).map(|((_, declared), topic)| {
        let plan = key_plan(declared, formats, std::slice::from_ref(topic))?;
        Ok((declared, topic, plan))
    });
    let all: Vec<(&EventType, &String, KeyPlan)> = all.collect::<Result<_, ConfigError>>()?;
    for (at, (declared, topic, plan)) in all.iter().enumerate() {
        let other = all[..at].iter().find(|(_, other, _)| other == topic);
        if let Some((first, ..)) = other.filter(|(_, _, other)| other.schema() != plan.schema()) {
            return Err(plan_error(
                &format!(
                    "topic \"{topic}\" has one schema for its keys, and those of \"{}\" and \"{}\" are not alike",
                    first.name, declared.name
                ),
                "--topic-map gives each type a topic of its own; --key-format string writes keys as texts",
            ));
        }
    }
    checked(all.into_iter().map(|(_, _, plan)| plan).collect(), formats, has_registry)
}

/// The same for a reader of topics, which may all have all types.
pub(super) fn of_reading(
    formats: &Formats,
    has_registry: bool,
    catalogue: &Catalogue,
    topics: &[String],
) -> Result<Vec<KeyPlan>, ConfigError> {
    if topics.iter().any(|topic| formats.of_key(topic) != formats.of_key(&topics[0])) {
        return Err(plan_error(
            "nothing in a key says which form it has, and the keys of these topics have several",
            "read the topics of each form by themselves",
        ));
    }
    let plans = catalogue.types().map(|(_, declared)| key_plan(declared, formats, topics));
    checked(plans.collect::<Result<_, _>>()?, formats, has_registry)
}

/// No plans where all of them are of texts.
fn checked(plans: Vec<KeyPlan>, formats: &Formats, has_registry: bool) -> Result<Vec<KeyPlan>, ConfigError> {
    if plans.iter().all(|plan| plan.coding.form() == KeyForm::Text) {
        return Ok(Vec::new());
    }
    match formats.framing {
        Some(Framing::SingleObject) => Err(plan_error(
            "the single-object encoding is one of values, and keys are to be written by a schema",
            "--framing confluent or none, or --key-format string",
        )),
        Some(Framing::Confluent) | None if !has_registry => Err(no_registry()),
        _ => Ok(plans),
    }
}

/// What keys of that format are.
pub(in crate::scenario) const fn form_of(format: KeyFormat) -> KeyForm {
    match format {
        KeyFormat::String => KeyForm::Text,
        KeyFormat::Avro => KeyForm::Avro,
        KeyFormat::Protobuf => KeyForm::Protobuf,
    }
}

fn key_plan(declared: &EventType, formats: &Formats, topics: &[String]) -> Result<KeyPlan, ConfigError> {
    let form = form_of(topics.first().map_or(KeyFormat::String, |topic| formats.of_key(topic)));
    if form == KeyForm::Text {
        return Ok(KeyPlan::default());
    }
    let coding = KeyCoding::new(form, declared).map_err(|error| {
        plan_error(
            &format!("keys of event type \"{}\" cannot be written so: {error}", declared.name),
            "--key-format string writes them as texts",
        )
    })?;
    let is_framed = !matches!(formats.framing, Some(Framing::None));
    let subject = |topic: &String| Strategy::TopicName.subject(topic, "", Part::Key);
    Ok(KeyPlan { coding, subjects: topics.iter().filter(|_| is_framed).map(subject).collect() })
}
