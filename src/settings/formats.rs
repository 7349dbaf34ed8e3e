//! In which format events are written and read, and the schema registry that knows their schemas.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use toml::Value;

use super::choice::{self, Choice, choices};
use super::layer::{Entry, InScenario, layer, settings};
use super::{text, values};
use crate::registry::{Access, Strategy};

choices! {
    /// The format of events.
    pub enum Format {
        Json = "json": "JSON without a schema",
        Avro = "avro": "Avro",
        Protobuf = "protobuf": "Protobuf (proto3)",
        JsonSchema = "json-schema": "JSON that a schema describes",
    }
}

choices! {
    /// What stands before the body of an event.
    pub enum Framing {
        Confluent = "confluent": "a zero byte and the schema's id in the registry, as Confluent's clients write it",
        None = "none": "nothing",
        SingleObject = "single-object": "the fingerprint of the Avro schema, as Avro's single-object encoding has it",
    }
}

choices! {
    /// The format of keys.
    pub enum KeyFormat {
        String = "string": "the text of the key's field",
        Avro = "avro": "the key's field in Avro",
        Protobuf = "protobuf": "a message of Protobuf with the key's field",
    }
}

/// One `--format` or `--key-format`: of all topics, or of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfTopic<F> {
    /// The topic; `None`: each that has no format of its own.
    pub topic: Option<String>,
    /// Its format.
    pub format: F,
}

/// `avro`, `clicks=json`.
fn topic_format<F: Choice>(text: &str) -> Result<OfTopic<F>, choice::UnknownWord> {
    let (topic, format) = match text.split_once('=') {
        Some((topic, format)) => (Some(topic.trim().to_owned()), format.trim()),
        None => (None, text),
    };
    Ok(OfTopic { topic: topic.filter(|topic| topic != EACH), format: F::from_word(format)? })
}

/// Stands for each topic in a table of formats.
const EACH: &str = "*";

/// `format = "avro"`, or a table of topics and formats.
impl<F: Choice + Serialize + DeserializeOwned> Entry for OfTopic<F> {
    fn read_all<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<Self>, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a format, or a table of topics and formats")]
        enum Written<F> {
            Each(F),
            Of(BTreeMap<String, F>),
        }
        Ok(match Written::deserialize(value)? {
            Written::Each(format) => vec![Self { topic: None, format }],
            Written::Of(table) => {
                let named =
                    table.into_iter().map(|(topic, format)| (Some(topic).filter(|topic| topic != EACH), format));
                named.map(|(topic, format)| Self { topic, format }).collect()
            }
        })
    }

    fn write_all(entries: &[Self]) -> Result<Value, toml::ser::Error> {
        if let [Self { topic: None, format }] = entries {
            return Value::try_from(format);
        }
        let named = entries.iter().map(|entry| (entry.topic.as_deref().unwrap_or(EACH), entry.format));
        Value::try_from(named.collect::<BTreeMap<_, _>>())
    }
}

impl InScenario for Strategy {
    fn read<'de, D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        text::read(value)
    }

    fn write(&self) -> Result<Value, toml::ser::Error> {
        Ok(Value::String(self.to_string()))
    }
}

pub(crate) fn strategy(text: &str) -> Result<Strategy, <Strategy as std::str::FromStr>::Err> {
    text.parse()
}

settings! {
    /// How events are written.
    #[command(next_help_heading = "Formats and schemas")]
    pub struct FormatOptions as Formats {
        /// Format of the events: json, avro, protobuf or json-schema; TOPIC=FORMAT for one topic; several with commas between [default: json]
        ///
        /// Schemas are made from the types of event: `loadgen schema show` prints them. As a variable: one per line.
        #[arg(long, value_name = "FORMAT", value_parser = topic_format::<Format>, value_delimiter = ',')]
        format: Vec<OfTopic<Format>>,
        /// Format of their keys: string, avro or protobuf; TOPIC=FORMAT for one topic; several with commas between [default: string]
        ///
        /// As a text, an event's key is the same in each format of the events, and so is its partition. Else it is the key's field by a schema, which the
        /// registry has as TOPIC-key. As a variable: one per line.
        #[arg(long, value_name = "FORMAT", value_parser = topic_format::<KeyFormat>, value_delimiter = ',')]
        key_format: Vec<OfTopic<KeyFormat>>,
        /// What stands before each body: confluent, none, or for Avro single-object
        ///
        /// [default: confluent for avro, protobuf and json-schema; json has none]
        #[arg(long, value_name = "FRAMING", value_parser = choice::of::<Framing>())]
        framing: Option<Framing>,
        /// How the registry's subjects are named: topic-name, record-name or topic-record-name
        ///
        /// [default: topic-name where a topic has one type of event, else topic-record-name]
        #[arg(long, value_name = "NAME", value_parser = strategy)]
        subject_strategy: Option<Strategy>,
    }
}

settings! {
    /// The schema registry.
    #[command(next_help_heading = "Formats and schemas")]
    pub struct RegistryOptions as RegistrySettings {
        /// The schema registry, or several addresses of one with commas between them
        ///
        /// A login stands in SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO (user:password), never on a command line.
        #[arg(long, value_name = "URL")]
        schema_registry: Option<String>,
        /// File with a bearer token for the schema registry; it is read again where the token is refused
        #[arg(long, value_name = "FILE")]
        schema_registry_token_file: Option<PathBuf>,
        /// Certificates of the authorities that the schema registry is trusted by, PEM [default: the system's]
        #[arg(long, value_name = "FILE")]
        schema_registry_ca: Option<PathBuf>,
        /// Certificate to show to the schema registry, PEM
        #[arg(long, value_name = "FILE")]
        schema_registry_cert: Option<PathBuf>,
        /// Its key, PEM [default: in the certificate's file]
        #[arg(long, value_name = "FILE")]
        schema_registry_key: Option<PathBuf>,
        /// Longest wait for an answer of the schema registry, all tries included [default: 10s]
        #[arg(long, value_name = "DURATION", value_parser = values::positive_duration)]
        schema_registry_timeout: Duration = Access::PATIENCE,
    }
}

layer! {
    /// How events are written and read, and who knows their schemas.
    pub struct CodingOptions {
        /// The formats.
        #[command(flatten)]
        pub formats: FormatOptions,
        /// The registry.
        #[command(flatten)]
        pub registry: RegistryOptions,
    }
}

impl Formats {
    /// The format of a topic.
    #[must_use]
    pub fn of_topic(&self, topic: &str) -> Format {
        of_topic(&self.format, topic).unwrap_or(Format::Json)
    }

    /// The format of its keys.
    #[must_use]
    pub fn of_key(&self, topic: &str) -> KeyFormat {
        of_topic(&self.key_format, topic).unwrap_or(KeyFormat::String)
    }

    /// The topics that have a format of their own.
    pub fn named(&self) -> impl Iterator<Item = &String> {
        let topics = self.format.iter().map(|entry| &entry.topic);
        topics.chain(self.key_format.iter().map(|entry| &entry.topic)).flatten()
    }
}

fn of_topic<F: Choice>(entries: &[OfTopic<F>], topic: &str) -> Option<F> {
    let of = |topic: Option<&str>| entries.iter().rfind(|entry| entry.topic.as_deref() == topic);
    of(Some(topic)).or_else(|| of(None)).map(|entry| entry.format)
}
