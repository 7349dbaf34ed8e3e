//! Several records in one schema: a union of them, in which each type that has a name is declared once.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use crate::wire::schema_error::SchemaError;

const PRIMITIVES: [&str; 8] = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];

/// The union of the records that these texts describe, in their order.
///
/// # Errors
/// A name that stands for several types.
pub fn joined(texts: &[&str]) -> Result<String, SchemaError> {
    let mut names = Names::default();
    let branches = texts.iter().map(|text| names.declared(&parsed(text)?, "")).collect::<Result<Vec<_>, _>>()?;
    let mut records = BTreeSet::new();
    if let Some(twice) = branches.iter().find(|branch| !records.insert(name_of(branch))) {
        return Err(SchemaError::new(format!("{} would be two branches of one union", name_of(twice))));
    }
    Ok(format!("{:#}", Json::Array(branches)))
}

/// The texts of the branches of a union, each of which stands alone; `None` where the text is no union.
///
/// # Errors
/// It is no JSON, or a name stands for several types.
pub fn parted(text: &str) -> Result<Option<Vec<String>>, SchemaError> {
    match alone(text, &[])? {
        Alone::Branches(branches) => Ok(Some(branches)),
        Alone::One(_) => Ok(None),
    }
}

/// What stands alone: with it is declared all that it is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alone {
    /// The branches of a union.
    Branches(Vec<String>),
    /// Anything else.
    One(String),
}

/// A schema that refers to types which others declare, each of these after those that it refers to.
///
/// # Errors
/// One is no JSON, or a name stands for several types.
pub fn alone(text: &str, others: &[&str]) -> Result<Alone, SchemaError> {
    let mut names = Names::default();
    for other in others {
        names.declared(&parsed(other)?, "")?;
    }
    let schema = names.declared(&parsed(text)?, "")?;
    let alone = |schema: &Json| format!("{:#}", names.expanded(schema, &mut BTreeSet::new()));
    Ok(match &schema {
        Json::Array(branches) => Alone::Branches(branches.iter().map(alone).collect()),
        one => Alone::One(alone(one)),
    })
}

fn parsed(text: &str) -> Result<Json, SchemaError> {
    serde_json::from_str(text).map_err(|error| SchemaError::new(format!("it is no JSON: {error}")))
}

/// The name of what is declared, or named.
fn name_of(branch: &Json) -> String {
    let name = branch.get("name").unwrap_or(branch);
    name.as_str().unwrap_or_default().to_owned()
}

/// A name with the namespace that it gets from what stands around it.
fn full(name: &str, space: &str) -> String {
    if name.contains('.') || space.is_empty() { name.to_owned() } else { format!("{space}.{name}") }
}

/// The types that have names.
#[derive(Default)]
struct Names(BTreeMap<String, Json>);

impl Names {
    /// A schema with full names, in which a type that has been declared before stands by its name.
    fn declared(&mut self, schema: &Json, space: &str) -> Result<Json, SchemaError> {
        Ok(match schema {
            Json::String(name) if PRIMITIVES.contains(&&**name) => schema.clone(),
            Json::String(name) => full(name, space).into(),
            Json::Array(branches) => {
                branches.iter().map(|branch| self.declared(branch, space)).collect::<Result<Vec<_>, _>>()?.into()
            }
            Json::Object(own) => match own.get("name").and_then(Json::as_str).filter(|_| is_named(own)) {
                Some(name) => self.named(own, name, space)?,
                None => Json::Object(self.parts(own, space)?),
            },
            other => other.clone(),
        })
    }

    fn named(&mut self, own: &Map<String, Json>, name: &str, space: &str) -> Result<Json, SchemaError> {
        let own_space = own.get("namespace").and_then(Json::as_str).unwrap_or(space);
        let name = full(name, own_space);
        let inner = name.rsplit_once('.').map_or("", |(space, _)| space).to_owned();
        let mut declared = self.parts(own, &inner)?;
        declared.shift_remove("namespace");
        declared.insert("name".into(), name.clone().into());
        let declared = Json::Object(declared);
        let Some(known) = self.0.get(&name) else {
            self.0.insert(name, declared.clone());
            return Ok(declared);
        };
        let all_of = |schema| self.expanded(schema, &mut BTreeSet::new());
        if all_of(known) != all_of(&declared) {
            return Err(SchemaError::new(format!("{name} stands for two types that are not alike")));
        }
        // What was declared first has all that is declared in it.
        Ok(name.into())
    }

    /// The same with what it is made of.
    fn parts(&mut self, own: &Map<String, Json>, space: &str) -> Result<Map<String, Json>, SchemaError> {
        let mut parts = Map::new();
        for (key, value) in own {
            let part = match (&**key, value) {
                ("type", Json::String(word)) if is_word(word) => value.clone(),
                ("type" | "items" | "values", schema) => self.declared(schema, space)?,
                ("fields", Json::Array(fields)) => {
                    let field = |field: &Json| match field {
                        Json::Object(own) => self.parts(own, space).map(Json::Object),
                        other => Ok(other.clone()),
                    };
                    fields.iter().map(field).collect::<Result<Vec<_>, _>>()?.into()
                }
                _ => value.clone(),
            };
            parts.insert(key.clone(), part);
        }
        Ok(parts)
    }

    /// A schema in which each type is declared where it stands first.
    fn expanded(&self, schema: &Json, done: &mut BTreeSet<String>) -> Json {
        match schema {
            Json::String(name) => match self.0.get(name).filter(|_| !done.contains(name)) {
                Some(known) => self.expanded(known, done),
                None => schema.clone(),
            },
            Json::Array(branches) => {
                branches.iter().map(|branch| self.expanded(branch, done)).collect::<Vec<_>>().into()
            }
            Json::Object(own) => {
                if is_named(own) && !done.insert(name_of(schema)) {
                    return name_of(schema).into();
                }
                let mut parts = Map::new();
                for (key, value) in own {
                    let part = match (&**key, value) {
                        ("type", Json::String(word)) if is_word(word) => value.clone(),
                        ("type" | "items" | "values", schema) => self.expanded(schema, done),
                        ("fields", Json::Array(fields)) => {
                            let field = |field: &Json| match field.get("type") {
                                Some(of) => {
                                    let (mut field, of) = (field.clone(), self.expanded(of, done));
                                    field["type"] = of;
                                    field
                                }
                                None => field.clone(),
                            };
                            fields.iter().map(field).collect::<Vec<_>>().into()
                        }
                        _ => value.clone(),
                    };
                    parts.insert(key.clone(), part);
                }
                parts.into()
            }
            other => other.clone(),
        }
    }
}

/// Whether an object declares a type with a name; a field has one, too, and its type is never one of these words.
fn is_named(own: &Map<String, Json>) -> bool {
    own.get("type").and_then(Json::as_str).is_some_and(|word| ["record", "error", "enum", "fixed"].contains(&word))
}

/// Whether a text says which kind of type an object is, and not the name of another one.
fn is_word(word: &str) -> bool {
    PRIMITIVES.contains(&word) || ["record", "error", "enum", "fixed", "array", "map"].contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::avro::Schema;

    const VIEW: &str = r#"{"type": "record", "name": "View", "namespace": "shop", "fields": [
        {"name": "id", "type": {"type": "fixed", "name": "Id", "size": 16}},
        {"name": "again", "type": ["null", "Id"], "default": null},
        {"name": "parts", "type": {"type": "array", "items": {"type": "record", "name": "Part", "fields": [
            {"name": "id", "type": "shop.Id"}, {"name": "n", "type": "int"}]}}}]}"#;
    const ORDER: &str = r#"{"type": "record", "name": "shop.Order", "fields": [
        {"name": "first", "type": {"type": "record", "name": "Part", "fields": [
            {"name": "id", "type": {"type": "fixed", "name": "Id", "size": 16}}, {"name": "n", "type": "int"}]}},
        {"name": "id", "type": "Id"}]}"#;

    #[test]
    fn a_union_declares_each_type_once_and_its_branches_are_the_schemas_that_it_was_made_of() {
        let text = joined(&[VIEW, ORDER]).unwrap();
        apache_avro::Schema::parse_str(&text).unwrap();
        assert_eq!(text.matches("\"fixed\"").count(), 1, "{text}");
        let branches = parted(&text).unwrap().unwrap();
        assert_eq!(branches.len(), 2);
        for (branch, own) in branches.iter().zip([VIEW, ORDER]) {
            let (branch, own) = (Schema::parse(branch).unwrap(), Schema::parse(own).unwrap());
            assert_eq!((branch.record(), branch.canonical_form()), (own.record(), own.canonical_form()));
        }
        assert_eq!(parted(VIEW).unwrap(), None);
    }

    #[test]
    fn types_that_others_declare_are_put_where_they_stand_first() {
        let part = r#"{"type": "record", "name": "shop.Part", "fields": [{"name": "id", "type": "Id"}, {"name": "n", "type": "int"}]}"#;
        let id = r#"{"type": "fixed", "name": "Id", "namespace": "shop", "size": 16}"#;
        let order = r#"{"type": "record", "name": "shop.Order", "fields": [
            {"name": "first", "type": "shop.Part"}, {"name": "id", "type": "Id"}]}"#;
        let Alone::One(text) = alone(order, &[id, part]).unwrap() else { panic!("no union") };
        assert_eq!(Schema::parse(&text).unwrap().record(), Schema::parse(ORDER).unwrap().record());
        let Alone::Branches(branches) = alone(r#"["shop.Part", "shop.Id"]"#, &[id, part]).unwrap() else {
            panic!("a union")
        };
        assert_eq!(Schema::parse(&branches[0]).unwrap().name(), "shop.Part");
        assert!(branches[1].contains("fixed"), "{branches:?}");
        // What nobody declares stays a name, of which no schema can be made.
        let Alone::One(text) = alone(order, &[]).unwrap() else { panic!("no union") };
        assert!(Schema::parse(&text).is_err());
    }

    #[test]
    fn names_that_stand_for_several_types_are_refused() {
        let other = ORDER.replace(r#""size": 16"#, r#""size": 8"#);
        let refused = joined(&[VIEW, &other]).unwrap_err().to_string();
        assert!(refused.contains("shop.Id") && refused.contains("not alike"), "{refused}");
        let refused = joined(&[VIEW, VIEW]).unwrap_err().to_string();
        assert!(refused.contains("shop.View would be two branches"), "{refused}");
    }
}
