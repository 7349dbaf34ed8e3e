//! From TOML to declared types.

mod field;
mod read;

use std::time::Duration;

use toml::{Table, Value};

use super::error::{Keys, OwnError};
use super::generator::Fields;
use crate::wire::protobuf::Imports;
use read::{number, refuse_unknown, share, text};

/// A type as it is declared.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Type {
    pub(super) name: String,
    pub(super) keys: Keys,
    pub(super) weight: f64,
    pub(super) key: Option<String>,
    pub(super) id: Option<IdSaid>,
    /// The full name of its record.
    pub(super) record: Option<String>,
    pub(super) schema: Option<SchemaText>,
    /// Its fields; with a schema, those that are drawn otherwise than their names and types suggest.
    pub(super) fields: Fields,
    pub(super) step: Step,
}

/// Where a type's id is said to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum IdSaid {
    /// In a field.
    Field(String),
    /// In a record header.
    Header(String),
}

/// A schema and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SchemaText {
    /// The file's name, whose ending says what it is.
    pub(super) name: String,
    pub(super) text: String,
    /// The message of a Protobuf file.
    pub(super) message: Option<String>,
    /// What a Protobuf file imports.
    pub(super) imports: Imports,
}

/// A type's place in sessions.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    /// How likely a session starts with it.
    pub(super) start: f64,
    /// What comes next, and how likely.
    pub(super) next: Vec<(String, f64)>,
    /// The mean time before it.
    pub(super) think: Duration,
}

/// What is declared in all.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Declaration {
    /// The namespace of records without one.
    pub(super) namespace: String,
    pub(super) types: Vec<Type>,
}

const KEYS: [&str; 10] = ["weight", "key", "id", "record", "schema", "message", "fields", "start", "next", "think"];
const MOST_WEIGHT: f64 = 1e12;
const LONGEST_NAME: usize = 100;
const USUAL_THINK: Duration = Duration::from_secs(10);

/// Reads event types: a table for each, and `namespace`.
///
/// # Errors
/// What is wrong, and where.
pub(super) fn declaration(table: &Table) -> Result<Declaration, OwnError> {
    let root = Keys::default();
    let mut declared = Declaration { namespace: String::new(), types: Vec::new() };
    for (name, value) in table {
        let keys = root.at(name);
        match value {
            Value::Table(table) => declared.types.push(event_type(name, table, keys)?),
            Value::String(namespace) if name == "namespace" => declared.namespace.clone_from(namespace),
            _ => {
                return Err(keys
                    .error("it is no event type")
                    .hint("a type is a table: [order], and its fields [order.fields]"));
            }
        }
    }
    if declared.types.is_empty() {
        return Err(root
            .error("no event type is declared")
            .hint("a type is a table: [order], and its fields [order.fields]"));
    }
    Ok(declared)
}

fn event_type(name: &str, table: &Table, keys: Keys) -> Result<Type, OwnError> {
    refuse_unknown(table, &keys, &KEYS)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(fits) {
        let problem =
            format!("a type's name stands in gates and metrics: at most {LONGEST_NAME} letters, digits, _ and -");
        return Err(keys.error(problem));
    }
    let own_text = |key: &str| table.get(key).map(|value| text(value, &keys.at(key))).transpose();
    let weight = match table.get("weight") {
        None => 1.0,
        Some(value) => number(value).filter(|weight| (0.0..=MOST_WEIGHT).contains(weight)).ok_or_else(|| {
            keys.at("weight").error(format!("{value} is no weight: a weight is a number from 0 up to 1e12"))
        })?,
    };
    let fields = match table.get("fields") {
        None => Vec::new(),
        Some(Value::Table(fields)) => field::fields(fields, &keys.at("fields"), 0)?,
        Some(_) => return Err(keys.at("fields").error("fields are a table: a name and what is drawn for it")),
    };
    let schema = schema(table, &keys, own_text("message")?)?;
    if schema.is_none() && fields.is_empty() {
        return Err(keys.error("the type has neither fields nor a schema").hint(
            "[order.fields] names each field and what is drawn for it; schema = \"order.avsc\" takes them from a file",
        ));
    }
    Ok(Type {
        name: name.to_owned(),
        weight,
        key: own_text("key")?,
        id: table.get("id").map(|value| id(value, &keys.at("id"))).transpose()?,
        record: own_text("record")?,
        schema,
        fields,
        step: step(table, &keys)?,
        keys,
    })
}

/// `"order_id"`, or `{ header = "loadgen-id" }`.
fn id(value: &Value, keys: &Keys) -> Result<IdSaid, OwnError> {
    let Value::Table(table) = value else { return text(value, keys).map(IdSaid::Field) };
    refuse_unknown(table, keys, &["header"])?;
    match table.get("header").map(|name| text(name, &keys.at("header"))).transpose()? {
        Some(name) if !name.is_empty() && !name.contains('\0') => Ok(IdSaid::Header(name)),
        _ => Err(keys.error("a header has a name: id = { header = \"loadgen-id\" }")),
    }
}

fn schema(table: &Table, keys: &Keys, message: Option<String>) -> Result<Option<SchemaText>, OwnError> {
    let at = keys.at("schema");
    match table.get("schema") {
        None if message.is_some() => Err(keys.at("message").error("a message is one of a schema, and none is named")),
        None => Ok(None),
        Some(Value::Table(schema)) => {
            refuse_unknown(schema, &at, &["name", "text", "imports"])?;
            let part = |key| {
                schema
                    .get(key)
                    .ok_or_else(|| at.error(format!("it has no {key}")))
                    .and_then(|value| text(value, &at.at(key)))
            };
            let imports = match schema.get("imports") {
                None => Imports::default(),
                Some(Value::Table(files)) => {
                    let file = |(name, value): (&String, &Value)| Ok((name.clone(), text(value, &at.at("imports"))?));
                    files.iter().map(file).collect::<Result<_, OwnError>>()?
                }
                Some(_) => return Err(at.at("imports").error("imports are a table of files and their texts")),
            };
            Ok(Some(SchemaText { name: part("name")?, text: part("text")?, message, imports }))
        }
        Some(value) => Err(at.error(format!("{value} is no file's name"))),
    }
}

fn step(table: &Table, keys: &Keys) -> Result<Step, OwnError> {
    let start = table.get("start").map_or(Ok(0.0), |value| share(value, &keys.at("start")))?;
    let at = keys.at("next");
    let next = match table.get("next") {
        None => Vec::new(),
        Some(Value::Table(next)) => {
            let one = |(name, value): (&String, &Value)| Ok((name.clone(), share(value, &at.at(name))?));
            next.iter().map(one).collect::<Result<_, _>>()?
        }
        Some(_) => return Err(at.error("what comes next are types and how likely each is: next = { payment = 0.8 }")),
    };
    let think = match table.get("think") {
        None => USUAL_THINK,
        Some(value) => {
            let at = keys.at("think");
            crate::units::duration(&text(value, &at)?).map_err(|error| at.error(error.to_string()))?
        }
    };
    Ok(Step { start, next, think })
}
