//! How the events of a run are written and read: which format each type has, by its topic, and which schemas that makes.

pub mod keys;
mod text;
pub mod unions;

use std::collections::BTreeSet;

use keys::KeyPlan;
use unions::Branch;

pub use text::SchemaText;

use super::error::{ConfigError, plan_error};
use crate::event::catalogue::{Catalogue, EventType, GivenSchema, TypeIndex, Version};
use crate::event::coding::Coding;
use crate::registry::{Access, Part, SchemaType, Strategy};
use crate::settings::choice::Choice as _;
use crate::settings::formats::{Format, FormatOptions, Formats, Framing};
use crate::wire::language::Language;
use crate::wire::protobuf::Pick;
use crate::wire::schema_error::SchemaError;
use crate::wire::{framing, protobuf};

/// A version of the schemas of a run's types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionPlan {
    /// Its name.
    pub name: String,
    /// The schema of each type, in the order of the catalogue; `None`: the version has none, and the type's own counts.
    pub types: Vec<Option<GivenSchema>>,
}

/// How the types of a run are written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FormatPlan {
    /// Each type, in the order of the catalogue; empty where all are JSON without a schema.
    pub types: Vec<TypeFormat>,
    /// The keys of each type, in the order of the catalogue; empty where all are texts.
    pub keys: Vec<KeyPlan>,
    /// The registry, where one is named.
    pub registry: Option<Access>,
    /// Whether schemas that it does not have are registered.
    pub register: bool,
    /// Further versions of the types' schemas.
    pub versions: Vec<VersionPlan>,
    /// The versions that are written, in the order in which the phases have them: so they are registered.
    pub order: Vec<Version>,
    /// Whether a record without a frame is no event.
    pub framed_alone: bool,
}

/// How one type is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeFormat {
    /// The type.
    pub kind: TypeIndex,
    /// Its format.
    pub format: Format,
    /// What stands before each body.
    pub framing: Framing,
    /// Whether bodies have a field that brings them to a given size.
    pub padded: bool,
    /// The subject of its schema, where the framing names the schema's id.
    pub subject: Option<String>,
    /// Its place in a schema that it shares with other types.
    pub branch: Option<Branch>,
}

impl FormatPlan {
    /// The formats of these types, of which `topic_of` says where they go.
    ///
    /// # Errors
    /// Formats that do not go together, or with the types.
    pub fn new(
        formats: &mut FormatOptions,
        registry: Option<Access>,
        register: bool,
        padded: bool,
        catalogue: &Catalogue,
        topic_of: &dyn Fn(&str) -> String,
    ) -> Result<Self, ConfigError> {
        let formats = formats.settle();
        let topics: Vec<String> = catalogue.names().map(topic_of).collect();
        check_topics(&formats, &topics)?;
        let keys = keys::of_run(&formats, registry.is_some(), catalogue, &topics)?;
        let has_schemas = topics.iter().any(|topic| formats.of_topic(topic) != Format::Json);
        if !has_schemas {
            return match formats.framing {
                Some(Framing::Confluent | Framing::SingleObject) if keys.is_empty() => Err(framing_of_json()),
                _ => Ok(Self { keys, registry, register, ..Self::default() }),
            };
        }
        let types = catalogue.types().zip(&topics).map(|((kind, declared), topic)| {
            let beside = topics.iter().filter(|other| *other == topic).count();
            let one = type_format(kind, declared, &formats, (topic, beside), padded)?;
            coding_of(declared, &one).map_err(|error| refused(declared, one.format, &error))?;
            Ok(one)
        });
        let mut types: Vec<TypeFormat> = types.collect::<Result<_, ConfigError>>()?;
        unions::united(&mut types, &formats, catalogue, &topics)?;
        if registry.is_none() && types.iter().any(|one| one.framing == Framing::Confluent) {
            return Err(no_registry());
        }
        Ok(Self { types, keys, registry, register, ..Self::default() })
    }
}

impl FormatPlan {
    /// How a reader takes what others wrote into these topics, and the subjects that the schemas of records may have: any, where no
    /// strategy is named. Records with ids in their frames say by themselves what they are, where there is a registry to ask.
    ///
    /// # Errors
    /// Formats that do not go together.
    pub fn of_reading(
        formats: &mut FormatOptions,
        registry: Option<Access>,
        topics: &[String],
        catalogue: &Catalogue,
    ) -> Result<(Self, Vec<String>), ConfigError> {
        let formats = formats.settle();
        let each: BTreeSet<&str> = topics.iter().map(|topic| formats.of_topic(topic).as_str()).collect();
        let format = topics.first().map_or(Format::Json, |topic| formats.of_topic(topic));
        let keys = keys::of_reading(&formats, registry.is_some(), catalogue, topics)?;
        let strategy = formats.subject_strategy;
        let subjects = topics.iter().flat_map(|topic| {
            let of_types = catalogue.types().map(move |(_, declared)| &declared.record.name);
            of_types.filter_map(move |name| Some(strategy?.subject(topic, name, Part::Value)))
        });
        let subjects = subjects.collect();
        let framing = match formats.framing {
            // It is that of the keys where values have none.
            Some(Framing::Confluent) if format == Format::Json && !keys.is_empty() => Framing::None,
            Some(Framing::Confluent) => Framing::Confluent,
            Some(Framing::SingleObject) if format != Format::Avro => {
                return Err(plan_error("the single-object encoding is one of Avro", "add --format avro"));
            }
            Some(framing) => framing,
            None if format == Format::Json => Framing::None,
            None => Framing::Confluent,
        };
        if framing == Framing::Confluent {
            return match registry {
                None => Err(no_registry()),
                Some(_) => Ok((Self { keys, registry, framed_alone: true, ..Self::default() }, subjects)),
            };
        }
        if each.len() > 1 {
            let all = each.into_iter().collect::<Vec<_>>().join(" and ");
            return Err(plan_error(
                &format!("records without an id do not say which format they have, and these topics have {all}"),
                "read the topics of each format by themselves",
            ));
        }
        let types = catalogue.types().map(|(kind, declared)| {
            let one = TypeFormat { kind, format, framing, padded: false, subject: None, branch: None };
            coding_of(declared, &one).map_err(|error| refused(declared, format, &error))?;
            Ok(one)
        });
        let types = if format == Format::Json { Vec::new() } else { types.collect::<Result<_, ConfigError>>()? };
        Ok((Self { types, keys, registry, ..Self::default() }, subjects))
    }
}

/// Refuses formats of topics that no event goes into.
pub(super) fn check_topics(formats: &Formats, topics: &[String]) -> Result<(), ConfigError> {
    match formats.named().find(|topic| !topics.contains(topic)) {
        None => Ok(()),
        Some(unknown) => Err(plan_error(
            &format!("no type of event goes into topic \"{unknown}\", which has a format"),
            "--topic and --topic-map say which topics there are",
        )),
    }
}

fn no_registry() -> ConfigError {
    plan_error(
        "the framing of Confluent names each schema by its id in a registry, and no registry is named",
        "--schema-registry URL or SCHEMA_REGISTRY_URL names one; --framing none does without",
    )
}

fn type_format(
    kind: TypeIndex,
    declared: &EventType,
    formats: &Formats,
    (topic, beside): (&str, usize),
    padded: bool,
) -> Result<TypeFormat, ConfigError> {
    let format = formats.of_topic(topic);
    let usual = if format == Format::Json { Framing::None } else { Framing::Confluent };
    let framing = match formats.framing {
        // A topic of plain JSON may stand beside others.
        Some(_) if format == Format::Json => Framing::None,
        Some(Framing::SingleObject) if format != Format::Avro => {
            return Err(plan_error(
                &format!("topic \"{topic}\" is {format}, and the single-object encoding is one of Avro"),
                "--framing confluent or none",
            ));
        }
        framing => framing.unwrap_or(usual),
    };
    if framing == Framing::None && beside > 1 && format != Format::Json && !declared.tells_itself() {
        return Err(plan_error(
            &format!(
                "topic \"{topic}\" has {beside} types of event, and without a frame nothing would tell type \"{}\" from others",
                declared.name
            ),
            "--framing confluent names the schema in each record; --topic-map gives each type a topic of its own",
        ));
    }
    let strategy = formats.subject_strategy.unwrap_or_else(|| Strategy::for_types(beside));
    let subject = (framing == Framing::Confluent).then(|| strategy.subject(topic, &declared.record.name, Part::Value));
    Ok(TypeFormat { kind, format, framing, padded, subject, branch: None })
}

fn framing_of_json() -> ConfigError {
    plan_error(
        "JSON without a schema has no frame, for there is nothing to name in it",
        "--format json-schema describes it by a schema in the registry",
    )
}

pub(super) fn refused(declared: &EventType, format: Format, error: &SchemaError) -> ConfigError {
    plan_error(
        &format!("event type \"{}\" cannot be written as {format}: {error}", declared.name),
        "give its topic another format: --format TOPIC=FORMAT",
    )
}

/// How a type is written, and the schema that says so. Where the framing names an id, its frame is still to be added.
///
/// # Errors
/// What in the type has no such form.
pub fn coding_of(declared: &EventType, one: &TypeFormat) -> Result<(Coding, Option<SchemaText>), SchemaError> {
    let (coding, text) = match one.format {
        Format::Json => return Ok((Coding::json(declared)?, None)),
        Format::JsonSchema => {
            let (coding, schema) = Coding::json_schema(declared, one.padded)?;
            (coding, SchemaText::new(SchemaType::Json, schema.text(), schema.name()))
        }
        Format::Avro => {
            let branch = one.branch.as_ref().map(|branch| branch.index);
            let (coding, schema) = Coding::avro_in_union(declared, one.padded, branch)?;
            let text = SchemaText::new(SchemaType::Avro, schema.text(), schema.name());
            (coding, SchemaText { fingerprint: Some(schema.fingerprint()), ..text })
        }
        Format::Protobuf => {
            let (coding, schema) = Coding::protobuf(declared, one.padded)?;
            let text = SchemaText::new(SchemaType::Protobuf, schema.text(), schema.name());
            let given = declared.schema.as_ref().filter(|given| given.language == Language::Protobuf);
            let imports = given.map(|given| given.imports.clone()).unwrap_or_default();
            (coding, SchemaText { message: schema.message_path(), imports, ..text })
        }
    };
    let (coding, text) = match &one.branch {
        None => (coding, text),
        Some(branch) if one.format == Format::Protobuf => {
            let imports = text.imports.pairs();
            let shared = protobuf::Schema::parse(&branch.text, &imports, Pick::Named(&text.name))?;
            let message = shared.message_path();
            (coding.of_message(&message), SchemaText { message, text: branch.text.to_string(), ..text })
        }
        Some(branch) => (coding, SchemaText { text: branch.text.to_string(), fingerprint: None, ..text }),
    };
    Ok((framed(coding, one, &text), Some(text)))
}

/// How a type is written in another version of its schema, as [`coding_of`].
///
/// # Errors
/// What in the version has no value in the type.
pub fn version_of(
    declared: &EventType,
    one: &TypeFormat,
    given: &GivenSchema,
) -> Result<(Coding, SchemaText), SchemaError> {
    let text = SchemaText::parse_with(given.language, &given.text, given.imports.clone())?;
    Ok((framed(Coding::version(declared, given)?, one, &text), text))
}

/// With the frame that the schema's own text is enough for.
fn framed(coding: Coding, one: &TypeFormat, text: &SchemaText) -> Coding {
    match (one.framing, text.fingerprint) {
        (Framing::SingleObject, Some(fingerprint)) => coding.framed(framing::single_object(fingerprint)),
        _ => coding,
    }
}

impl FormatPlan {
    /// A version's name and its schema of a type; `None` where it has none, and for the types' own.
    #[must_use]
    pub fn version(&self, version: Version, kind: TypeIndex) -> Option<(&str, &GivenSchema)> {
        let version = self.versions.get(usize::from(version.0).checked_sub(1)?)?;
        Some((&version.name, version.types.get(kind.index())?.as_ref()?))
    }
}

/// The language of a format's schemas; `None` for JSON without one.
#[must_use]
pub const fn language_of(format: Format) -> Option<Language> {
    match format {
        Format::Json => None,
        Format::Avro => Some(Language::Avro),
        Format::Protobuf => Some(Language::Protobuf),
        Format::JsonSchema => Some(Language::JsonSchema),
    }
}
