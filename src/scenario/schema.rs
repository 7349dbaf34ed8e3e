//! What `loadgen schema` is to do.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::environment::Environment;
use super::error::{ConfigError, plan_error};
use super::formats::{FormatPlan, SchemaText, TypeFormat, check_topics, coding_of, refused};
use super::level::Level as Place;
use super::plan::catalogue;
use super::registry::access;
use super::topics::check_topic_name;
use super::verify::declared;
use crate::cli::schema::{Against, SchemaCheck, SchemaRegister, SchemaShow, WrittenOptions};
use crate::event::catalogue::{Catalogue, EventType, TypeIndex};
use crate::registry::{Access, Level, Part, Strategy};
use crate::settings::cluster::TopicOptions;
use crate::settings::formats::{Format, Framing, RegistryOptions};
use crate::settings::layer::Layer as _;
use crate::settings::outcome::Output;
use crate::settings::values::TopicMap;
use crate::spelling::nearest;

/// The schema of a type of event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeSchema {
    /// The type.
    pub event_type: String,
    /// The subject that a run looks for it under.
    pub subject: String,
    /// What it is.
    pub schema: SchemaText,
}

/// What `loadgen schema show` is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShowPlan {
    /// The schemas.
    pub schemas: Vec<TypeSchema>,
    /// The folder that gets files of them.
    pub out: Option<PathBuf>,
    /// Whether other files there are replaced.
    pub force: bool,
    /// The form of the result.
    pub output: Output,
}

/// How the subject of a file is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Naming {
    /// It is this one.
    Subject(String),
    /// It follows from this topic and the record's name.
    Strategy(Strategy, String),
}

/// What is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registering {
    /// The schemas of types of event.
    Types(Vec<TypeSchema>),
    /// Files.
    Files(Vec<PathBuf>, Naming),
}

/// What `loadgen schema register` is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterPlan {
    /// Where.
    pub registry: Access,
    /// What.
    pub registering: Registering,
    /// The form of the result.
    pub output: Output,
}

/// Where the schemas are that went before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    /// At a revision of the file's repository.
    Git(String),
    /// In a registry.
    Registry(Box<Access>, Naming),
    /// In a file, or in one of the same name in a folder.
    Path(PathBuf),
}

/// What `loadgen schema check` is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckPlan {
    /// The schemas to judge.
    pub files: Vec<PathBuf>,
    /// What they are held against.
    pub before: Before,
    /// By which level, where one is named.
    pub level: Option<Level>,
    /// The form of the result.
    pub output: Output,
}

impl Naming {
    /// The subject of a schema of that record; `None` where it would follow from a name that the record does not have.
    #[must_use]
    pub fn subject(&self, record: &str) -> Option<String> {
        match self {
            Self::Subject(subject) => Some(subject.clone()),
            Self::Strategy(Strategy::RecordName | Strategy::TopicRecordName, _) if record.is_empty() => None,
            Self::Strategy(strategy, topic) => Some(strategy.subject(topic, record, Part::Value)),
        }
    }

    fn new(subject: Option<String>, strategy: Option<Strategy>, topic: Option<String>) -> Result<Self, ConfigError> {
        match (subject, strategy) {
            (Some(subject), _) => Ok(Self::Subject(subject)),
            (None, Some(strategy)) => {
                let topic = topic.unwrap_or_else(usual_topic);
                check_topic_name(&topic)?;
                Ok(Self::Strategy(strategy, topic))
            }
            (None, None) => Err(plan_error(
                "under which subject is a file's schema?",
                "--subject names it; --subject-strategy makes it of --topic and the record's name",
            )),
        }
    }
}

/// Resolves `loadgen schema show`.
///
/// # Errors
/// Types that there are not, or that have no schema.
pub fn show(args: SchemaShow, environment: &Environment) -> Result<ShowPlan, ConfigError> {
    let options = environment.complete(args.options)?;
    let written = Written::new(options.written)?;
    for name in &args.types {
        written.catalogue.find(name).map_err(|error| ConfigError::Value {
            level: Place::Option,
            what: "TYPE".to_owned(),
            reason: error.to_string(),
            hint: match nearest(name, written.catalogue.names()) {
                Some(near) => format!("did you mean {near}?"),
                None => "--events or --schema names other types than the shop's".to_owned(),
            },
        })?;
    }
    let mut schemas = written.described()?;
    schemas.retain(|one| args.types.is_empty() || args.types.contains(&one.event_type));
    Ok(ShowPlan {
        schemas,
        out: options.out,
        force: options.force.unwrap_or(false),
        output: options.output.unwrap_or(Output::Text),
    })
}

/// Resolves `loadgen schema register`.
///
/// # Errors
/// No registry, no subjects, or types that have no schema.
pub fn register(args: SchemaRegister, environment: &Environment) -> Result<RegisterPlan, ConfigError> {
    let given = args.options.clone();
    let mut options = environment.complete(args.options)?;
    let registry = named(&mut options.registry, environment)?;
    let registering = if args.files.is_empty() {
        if given.subject.is_some() {
            return Err(misplaced("subject", "it is that of a file; types of event have each its own"));
        }
        Registering::Types(Written::new(options.written)?.registered(registry.clone())?)
    } else {
        if let Some(field) = of_types_alone(&given.written) {
            return Err(misplaced(field, "files are registered, not the schemas of types of event"));
        }
        let WrittenOptions { formats, topic, .. } = options.written;
        Registering::Files(args.files, Naming::new(options.subject, formats.subject_strategy, topic)?)
    };
    Ok(RegisterPlan { registry, registering, output: options.output.unwrap_or(Output::Text) })
}

/// Resolves `loadgen schema check`.
///
/// # Errors
/// No registry or no subject where one is needed.
pub fn check(args: SchemaCheck, environment: &Environment) -> Result<CheckPlan, ConfigError> {
    let given = args.options.clone();
    let mut options = environment.complete(args.options)?;
    let usual = match options.registry.schema_registry {
        Some(_) => Against::Registry,
        None => Against::Git("HEAD".to_owned()),
    };
    let against = options.against.unwrap_or(usual);
    let of_subjects = [
        ("subject", given.subject.is_some()),
        ("subject-strategy", given.subject_strategy.is_some()),
        ("topic", given.topic.is_some()),
        ("schema-registry", given.registry.schema_registry.is_some()),
    ];
    if let (Some((option, _)), false) =
        (of_subjects.iter().find(|(_, is_given)| *is_given), against == Against::Registry)
    {
        return Err(misplaced(option, "the schemas are held against no registry; --against registry does that"));
    }
    let before = match against {
        Against::Git(revision) => Before::Git(revision),
        Against::Path(path) => Before::Path(path),
        Against::Registry => {
            let naming = Naming::new(options.subject, options.subject_strategy, options.topic)?;
            Before::Registry(Box::new(named(&mut options.registry, environment)?), naming)
        }
    };
    let output = options.output.unwrap_or(Output::Text);
    Ok(CheckPlan { files: args.files, before, level: options.level, output })
}

fn misplaced(option: &str, reason: &str) -> ConfigError {
    ConfigError::Misplaced { option: format!("--{}", option.replace('_', "-")), reason: reason.to_owned() }
}

/// The first option that says something of types of event, and nothing of files.
fn of_types_alone(written: &WrittenOptions) -> Option<&'static str> {
    let mut others = written.clone();
    (others.topic, others.formats.subject_strategy) = (None, None);
    others.first_set()
}

fn usual_topic() -> String {
    TopicOptions::default().settle().topic
}

fn named(options: &mut RegistryOptions, environment: &Environment) -> Result<Access, ConfigError> {
    access(options, environment)?.ok_or_else(|| {
        plan_error("no schema registry is named", "--schema-registry URL or SCHEMA_REGISTRY_URL names one")
    })
}

/// What a run writes.
struct Written {
    catalogue: Arc<Catalogue>,
    options: WrittenOptions,
    /// Of each type.
    topics: Vec<String>,
}

impl Written {
    fn new(mut options: WrittenOptions) -> Result<Self, ConfigError> {
        let catalogue = catalogue(&declared(std::mem::take(&mut options.declared), None)?)?;
        let map = TopicMap::table(&options.topic_map);
        for event_type in map.keys() {
            let hint = "name types that there are in --topic-map";
            catalogue.find(event_type).map_err(|error| plan_error(&error.to_string(), hint))?;
        }
        let usual = options.topic.clone().unwrap_or_else(usual_topic);
        let topics: Vec<String> = catalogue.names().map(|name| map.get(name).unwrap_or(&usual).clone()).collect();
        topics.iter().try_for_each(|topic| check_topic_name(topic))?;
        Ok(Self { catalogue, options, topics })
    }

    fn is_padded(&self) -> bool {
        self.options.padding.payload_bytes.is_some()
    }

    /// What describes each type, whether a registry has to know it or not.
    fn described(mut self) -> Result<Vec<TypeSchema>, ConfigError> {
        let formats = self.options.formats.settle();
        check_topics(&formats, &self.topics)?;
        let padded = self.is_padded();
        let described = |((kind, event_type), topic): ((TypeIndex, &EventType), &String)| {
            let format = match formats.of_topic(topic) {
                Format::Json => Format::JsonSchema,
                format => format,
            };
            let beside = self.topics.iter().filter(|other| *other == topic).count();
            let strategy = formats.subject_strategy.unwrap_or_else(|| Strategy::for_types(beside));
            let subject = Some(strategy.subject(topic, &event_type.record.name, Part::Value));
            schema_of(event_type, &TypeFormat { kind, format, framing: Framing::None, padded, subject, branch: None })
        };
        self.catalogue.types().zip(&self.topics).filter_map(|one| described(one).transpose()).collect()
    }

    /// Those that a run asks the registry for.
    fn registered(mut self, registry: Access) -> Result<Vec<TypeSchema>, ConfigError> {
        let topic_of = |name: &str| {
            let place = self.catalogue.names().position(|known| known == name);
            place.and_then(|place| self.topics.get(place)).cloned().unwrap_or_default()
        };
        let (padded, formats) = (self.is_padded(), &mut self.options.formats);
        let plan = FormatPlan::new(formats, Some(registry), true, padded, &self.catalogue, &topic_of)?;
        let types = plan.types.iter().zip(self.catalogue.types());
        let schemas = types.filter_map(|(one, (_, event_type))| schema_of(event_type, one).transpose());
        let mut schemas: Vec<TypeSchema> = schemas.collect::<Result<_, _>>()?;
        // Types may share one.
        let mut known = BTreeSet::new();
        schemas.retain(|one| known.insert((one.subject.clone(), one.schema.text.clone())));
        for (plan, event_type) in plan.keys.iter().zip(self.catalogue.names()) {
            for (subject, schema) in plan.subjects.iter().cloned().zip(plan.schema()) {
                if schemas.iter().all(|one| one.subject != subject) {
                    schemas.push(TypeSchema { event_type: event_type.to_owned(), subject, schema });
                }
            }
        }
        if schemas.is_empty() {
            return Err(plan_error(
                "a run with these options looks for no schema in a registry",
                "--format avro, protobuf or json-schema makes one of each type; files are named behind register",
            ));
        }
        Ok(schemas)
    }
}

/// The schema of a type that is written so, where that has one.
fn schema_of(event_type: &EventType, one: &TypeFormat) -> Result<Option<TypeSchema>, ConfigError> {
    let (_, schema) = coding_of(event_type, one).map_err(|error| refused(event_type, one.format, &error))?;
    Ok(schema.zip(one.subject.clone()).map(|(schema, subject)| TypeSchema {
        event_type: event_type.name.to_string(),
        subject,
        schema,
    }))
}

#[cfg(test)]
mod tests;
