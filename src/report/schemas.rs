//! The schemas that a run wrote by: with them its records can be read again, without a registry. And what became of these records.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figures;

/// How the events of one type were written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SchemaReport {
    /// The type.
    pub event_type: String,
    /// The name of the version, where it is not the type's own schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
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
    /// The files that it imports, by their names, for Protobuf.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub imports: BTreeMap<String, String>,
}

impl SchemaReport {
    /// What its records call it: its id, or its fingerprint; `None` where they have no frame.
    #[must_use]
    pub fn called(&self) -> Option<String> {
        let fingerprint = || {
            let digits = self.frame.strip_prefix("c301")?;
            (0..digits.len()).step_by(2).rev().map(|at| digits.get(at..at + 2)).collect::<Option<String>>()
        };
        self.id.map(|id| id.to_string()).or_else(fingerprint)
    }
}

/// How the keys of one type were written, where they are no texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeySchemaReport {
    /// The type.
    pub event_type: String,
    /// `avro` or `protobuf`.
    pub format: String,
    /// The bytes before each key, in hexadecimal digits.
    pub frame: String,
    /// The subject in the schema registry; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The schema itself.
    pub schema: String,
}

/// What became of the records of one schema.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SchemaUse {
    /// Its id in the registry, or its fingerprint; absent where records have no frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The type of event; empty where the schema is none that can be read.
    pub event_type: String,
    /// The names of the versions that it is; empty where it is the type's own alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
    /// `avro`, `protobuf` or `json-schema`; absent where the run did not write by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Its subject in the registry; absent without one, and where the run did not write by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Events that were handed to the client; absent where another process sent them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<u64>,
    /// Records that were read and are what the schema says, those of other producers too; absent where nothing was read back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// Events with the right content among them, each once; absent where nothing was read back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<u64>,
    /// Records that break the schema, by reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub invalid: BTreeMap<String, u64>,
    /// What can be read by the schemas of others (`--reader-schema`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readers: Vec<ReaderUse>,
}

/// What one reader can read of the records of a schema.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReaderUse {
    /// The reader's schema: the file that it is from.
    pub reader: String,
    /// Records whose values come out right, with the reader's defaults for what the writer does not know.
    pub readable: u64,
    /// Records that it cannot read, by reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub not_readable: BTreeMap<String, u64>,
    /// What records of the schema may have that it cannot read, whether or not one had it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incompatible: Vec<String>,
}

impl SchemaUse {
    /// What is told of the schemas of a run, one sentence each: nothing, where each type has one and nobody else reads.
    #[must_use]
    pub fn sentences(uses: &[Self]) -> Vec<String> {
        let is_told = |of: &Self| !of.versions.is_empty() || !of.readers.is_empty() || of.sent.is_none();
        let had_records =
            |of: &&Self| of.sent.unwrap_or(0) + of.records.unwrap_or(0) + of.invalid.values().sum::<u64>() > 0;
        if uses.iter().any(is_told) {
            uses.iter().filter(had_records).map(Self::sentence).collect()
        } else {
            Vec::new()
        }
    }

    /// `view v2 (schema 8): 5,000 sent, 5,000 verified, all read by v1 and v2`.
    fn sentence(&self) -> String {
        let event_type = if self.event_type.is_empty() { "no type of event" } else { &self.event_type };
        let mut name = event_type.to_owned();
        for version in &self.versions {
            name = format!("{name} {version}");
        }
        if let Some(schema) = &self.schema {
            name = format!("{name} (schema {schema})");
        }
        let mut told: Vec<String> = self.sent.iter().map(|sent| format!("{} sent", figures::count(*sent))).collect();
        let records = self.records.filter(|_| self.records != self.verified);
        told.extend(records.map(|records| format!("{} read", figures::count(records))));
        told.extend(self.verified.map(|verified| format!("{} verified", figures::count(verified))));
        told.extend(self.invalid.iter().map(|(reason, count)| format!("{} {reason}", figures::count(*count))));
        let reads_all = |reader: &&ReaderUse| reader.not_readable.is_empty() && reader.readable > 0;
        let all: Vec<&str> = self.readers.iter().filter(reads_all).map(|reader| reader.reader.as_str()).collect();
        if !all.is_empty() {
            told.push(format!("all read by {}", all.join(" and ")));
        }
        let not_all = self.readers.iter().filter(|reader| !reader.not_readable.is_empty());
        told.extend(not_all.map(ReaderUse::sentence));
        format!("{name}: {}", told.join(", "))
    }
}

impl ReaderUse {
    fn sentence(&self) -> String {
        let Self { reader, readable, not_readable, .. } = self;
        let unread: u64 = not_readable.values().sum();
        let reasons: Vec<_> =
            not_readable.iter().map(|(why, count)| format!("{} because {why}", figures::count(*count))).collect();
        let (readable, unread) = (figures::count(*readable), figures::count(unread));
        format!("{readable} read by {reader} and {unread} not: {}", reasons.join("; "))
    }
}
