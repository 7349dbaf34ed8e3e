//! The schemas that a run wrote by: with them its records can be read again, without a registry.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the events of one type were written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SchemaReport {
    /// The type.
    pub event_type: String,
    /// `json`, `avro`, `protobuf` or `json-schema`.
    pub format: String,
    /// `confluent`, `none` or `single-object`.
    pub framing: String,
    /// The bytes before each body, in hexadecimal digits.
    pub frame: String,
    /// The subject in the schema registry; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The schema's id in the registry; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u32>,
    /// Whether bodies have a field that brings them to a given size.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub padded: bool,
    /// The schema itself.
    pub schema: String,
}
