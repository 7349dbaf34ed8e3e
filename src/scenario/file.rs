//! Scenario files: reading them with errors that name the line, and writing a resolved one.

use std::path::Path;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::ConfigError;
use super::source::{RetailRocket, SourceConfig, Synthetic};
use super::{Scenario, nearest};

/// What was found wrong, and where in the text.
struct Fault {
    offset: usize,
    reason: String,
    hint: Option<String>,
}

impl Scenario {
    /// Reads a scenario file. Relative paths of data in it are relative to its folder.
    ///
    /// # Errors
    /// A file that cannot be read, or that is no scenario: with the line, and the nearest name where one is unknown.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |source| ConfigError::Unreadable { what: "scenario", path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let mut scenario = Self::parse(&text, path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        scenario.source.move_paths(folder);
        if let Some(properties) = &mut scenario.kafka.command_config {
            *properties = folder.join(&*properties);
        }
        if scenario.name.is_none() {
            scenario.name = path.file_stem().and_then(|stem| stem.to_str()).map(ToOwned::to_owned);
        }
        Ok(scenario)
    }

    /// Reads the text of a scenario; `path` is for messages.
    ///
    /// # Errors
    /// A text that is no scenario.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        read(text).map_err(|fault| ConfigError::Line {
            path: path.to_owned(),
            line: 1 + text.get(..fault.offset).unwrap_or_default().matches('\n').count(),
            reason: fault.reason,
            hint: fault.hint,
        })
    }

    /// The scenario as a file, secrets redacted.
    ///
    /// # Errors
    /// Values that TOML cannot hold; a resolved scenario has none.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        let mut shown = self.clone();
        for (key, value) in &mut shown.kafka.client {
            *value = crate::kafka::properties::redact(key, value).into_owned();
        }
        toml::to_string(&shown)
    }
}

fn read(text: &str) -> Result<Scenario, Fault> {
    let root = DeTable::parse(text).map_err(|error| fault(&error, text))?;
    let (span, mut table) = (root.span(), root.into_inner());
    let source = match table.remove("source") {
        Some(source) => read_source(source, text)?,
        None => {
            return Err(Fault {
                offset: 0,
                reason: "there is no [source]".to_owned(),
                hint: Some(
                    "[source] with kind = \"synthetic\" or \"retail_rocket\" says where events come from".to_owned(),
                ),
            });
        }
    };
    let rest = Spanned::new(span, table).into_deserializer();
    let scenario = Scenario::deserialize(rest).map_err(|error| fault(&error, text))?;
    Ok(Scenario { source, ..scenario })
}

/// The `[source]` table: `kind` says which of the sources reads the rest.
fn read_source(source: Spanned<DeValue<'_>>, text: &str) -> Result<SourceConfig, Fault> {
    let span = source.span();
    let at_source = |reason: &str| Fault { offset: span.start, reason: reason.to_owned(), hint: None };
    let DeValue::Table(mut table) = source.into_inner() else {
        return Err(at_source("source is not a table"));
    };
    let Some(kind) = table.remove("kind") else {
        return Err(at_source("[source] has no kind: write kind = \"synthetic\" or kind = \"retail_rocket\""));
    };
    let kind_offset = kind.span().start;
    let rest = Spanned::new(span.clone(), DeValue::Table(table)).into_deserializer();
    let fault = |error| fault(&error, text);
    match kind.get_ref().as_str() {
        Some("synthetic") => Synthetic::deserialize(rest).map(SourceConfig::Synthetic).map_err(fault),
        Some("retail_rocket") => RetailRocket::deserialize(rest).map(SourceConfig::RetailRocket).map_err(fault),
        other => Err(Fault {
            offset: kind_offset,
            reason: format!("\"{}\" is no kind of source", other.unwrap_or_default()),
            hint: Some("the kinds are synthetic and retail_rocket".to_owned()),
        }),
    }
}

/// The deserializer's complaint as one sentence, and the nearest known name.
fn fault(error: &toml::de::Error, text: &str) -> Fault {
    let message = error.message().trim();
    let offset = error.span().map_or(0, |span| span.start);
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match quoted.split_first() {
        Some((name, known)) if message.starts_with("unknown field") => Fault {
            offset: if offset > 0 { offset } else { text.find(name).unwrap_or(0) },
            reason: format!("unknown key \"{name}\""),
            hint: Some(match nearest(name, known.iter().copied()) {
                Some(nearest) => format!("did you mean {nearest}?"),
                None => format!("known here: {}", known.join(", ")),
            }),
        },
        _ => Fault { offset, reason: message.replace('\n', "; "), hint: None },
    }
}
