//! The JSON Schema of `report.json`, from the types of [`report`](crate::report): doc comments are its descriptions, and the
//! definitions of this module where a field has none.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::definition;
use crate::report::RunReport;

/// The schema, draft 2020-12. It allows more fields than it names: newer reports have them.
#[must_use]
pub fn report_schema() -> Value {
    // What is written, so that a field which is always there is required.
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<RunReport>().to_value();
    describe(&mut schema);
    schema
}

fn describe(schema: &mut Value) {
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        describe_properties(properties);
    }
    if let Some(types) = schema.get_mut("$defs").and_then(Value::as_object_mut) {
        types.values_mut().for_each(describe);
    }
}

fn describe_properties(properties: &mut Map<String, Value>) {
    for (name, property) in properties {
        let (Some(property), Some(definition)) = (property.as_object_mut(), definition(name)) else { continue };
        property.entry("description").or_insert_with(|| definition.definition.into());
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
