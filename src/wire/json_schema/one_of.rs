//! Several schemas in one: `oneOf` them.

use serde_json::{Map, Value as Json, json};

use crate::wire::schema_error::SchemaError;

/// Where the schemas stand, by their titles.
const DEFINITIONS: &str = "definitions";
const DRAFT: &str = "$schema";

/// The schema of what is described by one of these texts.
///
/// # Errors
/// A text that means something else within another one, or a title twice.
pub fn joined(texts: &[&str]) -> Result<String, SchemaError> {
    let (mut definitions, mut references, mut draft) = (Map::new(), Vec::new(), Json::Null);
    for (index, text) in texts.iter().enumerate() {
        let mut own = parsed(text).ok_or_else(|| SchemaError::new("it is no JSON object"))?;
        let own_draft = own.shift_remove(DRAFT).unwrap_or_default();
        if index > 0 && own_draft != draft {
            return Err(SchemaError::new("the schemas are of several drafts"));
        }
        draft = own_draft;
        if let Some(keyword) = refers(&Json::Object(own.clone())) {
            return Err(SchemaError::new(format!("the keyword {keyword} leads elsewhere within another schema")));
        }
        let title = own.get("title").and_then(Json::as_str).filter(|title| is_plain(title));
        let name = title.map_or_else(|| format!("type{index}"), str::to_owned);
        references.push(json!({"$ref": format!("#/{DEFINITIONS}/{name}")}));
        if definitions.insert(name.clone(), own.into()).is_some() {
            return Err(SchemaError::new(format!("two of the schemas have the title {name}")));
        }
    }
    let mut root = Map::new();
    if !draft.is_null() {
        root.insert(DRAFT.into(), draft);
    }
    root.insert("oneOf".into(), references.into());
    root.insert(DEFINITIONS.into(), definitions.into());
    Ok(format!("{:#}", Json::Object(root)))
}

/// Which of the schemas in a text that one is.
#[must_use]
pub fn place_in(text: &str, own: &str) -> Option<usize> {
    let (whole, mut own) = (parsed(text)?, parsed(own)?);
    if own.shift_remove(DRAFT).as_ref() != whole.get(DRAFT) {
        return None;
    }
    let own = Json::Object(own);
    let definitions = whole.get(DEFINITIONS)?.as_object()?;
    whole.get("oneOf")?.as_array()?.iter().position(|reference| {
        let name = reference.get("$ref").and_then(Json::as_str).and_then(|path| path.strip_prefix("#/definitions/"));
        name.and_then(|name| definitions.get(name)) == Some(&own)
    })
}

fn parsed(text: &str) -> Option<Map<String, Json>> {
    serde_json::from_str(text).ok()
}

/// Whether it stands in a pointer as it is.
fn is_plain(title: &str) -> bool {
    title.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// A keyword that depends on where the schema stands.
fn refers(schema: &Json) -> Option<&str> {
    match schema {
        Json::Object(own) => own.iter().find_map(|(key, value)| match &**key {
            "$ref" | "$id" | "$defs" | "definitions" | "$anchor" => Some(&**key),
            _ => refers(value),
        }),
        Json::Array(parts) => parts.iter().find_map(refers),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIEW: &str = r#"{"$schema": "http://json-schema.org/draft-07/schema#", "title": "shop.View", "type": "object",
        "properties": {"type": {"const": "view"}, "n": {"type": "integer"}}, "required": ["type"]}"#;

    #[test]
    fn what_one_of_the_schemas_takes_the_whole_takes_and_nothing_else() {
        let order = VIEW.replace("view", "order").replace("shop.View", "an order");
        let text = joined(&[VIEW, &order]).unwrap();
        let validator = jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap();
        assert!(validator.is_valid(&json!({"type": "view", "n": 1})) && validator.is_valid(&json!({"type": "order"})));
        assert!(
            !validator.is_valid(&json!({"type": "payment"})) && !validator.is_valid(&json!({"type": "view", "n": "1"}))
        );
        assert_eq!((place_in(&text, VIEW), place_in(&text, &order)), (Some(0), Some(1)));
        assert_eq!(place_in(&text, &order.replace("integer", "string")), None);
        assert_eq!(place_in(VIEW, VIEW), None);
    }

    #[test]
    fn schemas_that_mean_something_else_within_another_one_are_refused() {
        let refused = |text: &str| joined(&[VIEW, text]).unwrap_err().to_string();
        assert!(refused(VIEW).contains("title shop.View"));
        assert!(refused(&VIEW.replace("{\"type\": \"integer\"}", "{\"$ref\": \"#/n\"}")).contains("$ref"));
        assert!(refused(&VIEW.replace("draft-07", "draft-06")).contains("drafts"));
    }
}
