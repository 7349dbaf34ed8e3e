//! The JSON Schema of `report.json`, from the types of [`report`](crate::report). What has a definition here is described by
//! it, everything else by its doc comment.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::definition::{Definition, Sort};
use super::dictionary::all;
use crate::report::RunReport;

/// The schema, draft 2020-12. It allows more fields than it names: newer reports have them.
#[must_use]
pub fn report_schema() -> Value {
    // What is written, so that a field which is always there is required.
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<RunReport>().to_value();
    describe(&mut schema, "RunReport");
    if let Some(types) = schema.get_mut("$defs").and_then(Value::as_object_mut) {
        types.iter_mut().for_each(|(name, of)| describe(of, name));
    }
    schema
}

fn describe(schema: &mut Value, of: &str) {
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        describe_properties(properties, of);
    }
}

fn describe_properties(properties: &mut Map<String, Value>, of: &str) {
    for (field, property) in properties {
        let (Some(property), Some(definition)) = (property.as_object_mut(), of_field(of, field)) else { continue };
        let text = [
            Some(definition.definition),
            definition.excludes.map(|_| "Excludes:"),
            definition.excludes,
            definition.rule,
        ];
        let text: Vec<&str> = text.into_iter().flatten().collect();
        property.insert("description".to_owned(), text.join(" ").into());
    }
}

/// The definition of a field of one of the report's types. The same word may mean one thing in the ledger and another in a
/// row of the timeline, so the type says where to look.
fn of_field(of: &str, field: &str) -> Option<&'static Definition> {
    let sorted = |sort: Sort| all().find(|definition| definition.sort == sort && definition.is_named(field));
    let figure = |section: &str| {
        let unit = ["_us", "_ms", "_kib", "_s"].into_iter().find_map(|unit| field.strip_suffix(unit));
        let name = format!("{section}.{}", unit.unwrap_or(field));
        let long = format!("{section}.{field}");
        all().find(|definition| {
            definition.sort == Sort::Figure && (definition.is_named(&name) || definition.is_named(&long))
        })
    };
    match of {
        "LedgerCounts" => sorted(Sort::Class).or_else(|| sorted(Sort::Figure)),
        "Findings" => sorted(Sort::Finding),
        "Latencies" | "TypeLatencies" => sorted(Sort::Latency),
        "LatencySummary" => sorted(Sort::Statistic).filter(|definition| definition.name == field),
        "TimelineRow" => figure("timeline"),
        "Offered" => figure("offered")
            .or_else(|| sorted(Sort::Figure).filter(|definition| definition.name.starts_with("offered."))),
        "Replay" => figure("replay"),
        "Run" => sorted(Sort::Figure),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn file() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schemas/report.schema.json")
    }

    #[test]
    fn the_schema_in_the_repository_is_that_of_the_types() {
        let text = format!("{}\n", serde_json::to_string_pretty(&report_schema()).unwrap());
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(file(), &text).unwrap();
        }
        let stored = std::fs::read_to_string(file()).unwrap_or_default();
        assert!(
            stored == text,
            "schemas/report.schema.json is not that of the types; write it anew with: UPDATE_SCHEMAS=1 cargo test explain::schema"
        );
    }

    #[test]
    fn what_is_explained_is_described_by_its_definition() {
        let schema = report_schema();
        let described = |of: &str, field: &str| {
            schema["$defs"][of]["properties"][field]["description"].as_str().unwrap().to_owned()
        };
        for (of, field, name) in [
            ("LedgerCounts", "lost", "lost"),
            ("LedgerCounts", "scheduled", "scheduled"),
            ("Findings", "reordered", "reordered"),
            ("Latencies", "response_time", "response_time"),
            ("TypeLatencies", "end_to_end", "end_to_end"),
            ("LatencySummary", "censored", "censored"),
            ("TimelineRow", "scheduled", "timeline.scheduled"),
            ("TimelineRow", "slip_p99_us", "timeline.slip_p99"),
            ("TimelineRow", "cpu_ms", "timeline.cpu"),
            ("Offered", "achieved_percent", "offered.achieved"),
            ("Replay", "gaps_capped", "replay.gaps_capped"),
        ] {
            let text = described(of, field);
            let definition = super::super::definition(name).unwrap().definition;
            assert!(text.starts_with(definition), "{of}.{field}: {text}");
        }
        for class in crate::ledger::Class::ALL {
            let definition = all().find(|one| one.sort == Sort::Class && one.name == class.as_str()).unwrap();
            assert!(described("LedgerCounts", class.as_str()).starts_with(definition.definition), "{class:?}");
        }
    }

    #[test]
    fn every_field_is_described() {
        let schema = report_schema();
        let types = schema["$defs"].as_object().unwrap().iter();
        for (name, of) in types.map(|(name, of)| (name.as_str(), of)).chain([("RunReport", &schema)]) {
            for (field, property) in of["properties"].as_object().into_iter().flatten() {
                assert!(property.get("description").is_some(), "{name}.{field}");
            }
        }
    }
}
