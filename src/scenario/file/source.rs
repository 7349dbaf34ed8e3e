//! The `[source]` table of a scenario file.

use serde::Deserialize;
use serde::de::IntoDeserializer;
use toml::Spanned;
use toml::de::{DeString, DeValue};

use super::FRAUD;
use crate::scenario::source::SourceConfig;
use crate::scenario::text::{Fault, fault};
use crate::source::{mirrored, own, recorded, retail_rocket, synthetic, web};

/// Reads it: `kind` says which of the sources reads the rest.
///
/// Fraud has a table of its own, since it says what happens and not what the shop is like; it goes with the source.
pub(super) fn read<'i>(
    source: Spanned<DeValue<'i>>,
    fraud: Option<(Spanned<DeString<'i>>, Spanned<DeValue<'i>>)>,
    text: &str,
) -> Result<SourceConfig, Fault> {
    let span = source.span();
    let at_source = |reason: &str| Fault { offset: span.start, reason: reason.to_owned(), hint: None };
    let DeValue::Table(mut table) = source.into_inner() else {
        return Err(at_source("source is not a table"));
    };
    let is_own = ["events", "schema", "types"].iter().any(|key| table.contains_key(*key));
    let (kind, kind_offset) = match table.remove("kind") {
        Some(kind) => (kind.get_ref().as_str().unwrap_or_default().to_owned(), kind.span().start),
        None if is_own => ("own".to_owned(), span.start),
        None => {
            return Err(at_source(
                "[source] has no kind: write kind = \"synthetic\" or kind = \"retail_rocket\", or events = \"orders.toml\"",
            ));
        }
    };
    if let Some((key, _)) = table.get_key_value(FRAUD) {
        let reason = "fraud stands in a table of its own".to_owned();
        return Err(Fault { offset: key.span().start, reason, hint: Some("write [fraud] beside [source]".to_owned()) });
    }
    if let Some((key, fraud)) = fraud {
        if kind != "synthetic" {
            let reason = format!("fraud is woven into synthetic events, and the source's kind is \"{kind}\"");
            let hint = "leave [fraud] out, or write kind = \"synthetic\"".to_owned();
            return Err(Fault { offset: key.span().start, reason, hint: Some(hint) });
        }
        table.insert(key, fraud);
    }
    let rest = Spanned::new(span.clone(), DeValue::Table(table)).into_deserializer();
    let fault = |error| fault(&error, text);
    match kind.as_str() {
        "own" => own::Config::deserialize(rest).map(|config| SourceConfig::Own(Box::new(config))).map_err(fault),
        "synthetic" => {
            synthetic::Config::deserialize(rest).map(|config| SourceConfig::Synthetic(Box::new(config))).map_err(fault)
        }
        "retail_rocket" => match retail_rocket::Config::deserialize(rest).map_err(fault)? {
            config if config.path.as_os_str().is_empty() => {
                Err(at_source("[source] has no path: write path = \"events.csv\""))
            }
            config => Ok(SourceConfig::RetailRocket(config)),
        },
        "recorded" => {
            let config = recorded::Config::deserialize(rest).map_err(fault)?;
            let has_rows = config.rows.as_ref().is_some_and(|rows| !rows.files.is_empty());
            if has_rows == config.path.as_os_str().is_empty() {
                return Ok(SourceConfig::Recorded(config));
            }
            Err(at_source(
                "[source] has one of the two: file = \"topics.avro\", or [source.rows] with files = [\"events.ndjson\"]",
            ))
        }
        "mirrored" => mirrored::Config::deserialize(rest).map(SourceConfig::Mirrored).map_err(fault),
        "web" => web::Config::deserialize(rest).map(SourceConfig::Web).map_err(fault),
        other => Err(Fault {
            offset: kind_offset,
            reason: format!("\"{other}\" is no kind of source"),
            hint: Some("the kinds are synthetic, own, retail_rocket and recorded".to_owned()),
        }),
    }
}
