//! What is sent to a registry and what comes back, as the API writes it.

use serde::Deserialize;
use serde_json::{Value, json};

use super::schema::{Level, Reference, Schema, SchemaType};
use crate::http::shown;

/// The body that asks for a schema, to find, judge or register it. Avro goes without its type, as registries from before other
/// types want it.
pub(super) fn body(schema: &Schema) -> Value {
    let mut body = json!({ "schema": schema.text });
    if schema.schema_type != SchemaType::Avro {
        body["schemaType"] = schema.schema_type.as_str().into();
    }
    if !schema.references.is_empty() {
        let references = schema.references.iter().map(
            |Reference { name, subject, version }| json!({ "name": name, "subject": subject, "version": version }),
        );
        body["references"] = references.collect();
    }
    body
}

/// The answer to a schema that was registered.
#[derive(Deserialize)]
pub(super) struct Id {
    pub(super) id: u32,
}

/// A subject that has a schema.
#[derive(Deserialize)]
pub(super) struct InSubject {
    pub(super) subject: String,
    pub(super) version: u32,
}

/// What was said of a schema.
#[derive(Deserialize)]
pub(super) struct Verdict {
    pub(super) is_compatible: bool,
    pub(super) messages: Option<Vec<String>>,
}

/// A level in an answer.
#[derive(Deserialize)]
#[serde(try_from = "WrittenConfig")]
pub(super) struct Config {
    pub(super) level: Level,
}

#[derive(Deserialize)]
struct WrittenConfig {
    #[serde(rename = "compatibilityLevel", alias = "compatibility")]
    level: String,
}

impl TryFrom<WrittenConfig> for Config {
    type Error = String;

    fn try_from(written: WrittenConfig) -> Result<Self, String> {
        written.level.parse().map(|level| Self { level }).map_err(|_| format!("a level of {}", shown(&written.level)))
    }
}

/// A refusal. Whatever stands before the registry may answer in other words.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    pub(super) error_code: Option<u32>,
    pub(super) message: Option<String>,
}

impl Refusal {
    pub(super) fn read(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// `40401: Subject 'x' not found.`
    pub(super) fn words(&self) -> String {
        let message = self.message.as_deref().map(shown).filter(|message| !message.is_empty());
        match (self.error_code, message) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code.to_string(),
            (None, Some(message)) => message,
            (None, None) => String::new(),
        }
    }
}
