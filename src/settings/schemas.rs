//! Sets of schemas that are named: versions of the events' schemas, and those by which others read them.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};
use toml::{Table, Value};

use super::layer::Entry;

/// Schemas under one name.
#[derive(Clone, Debug, PartialEq)]
pub struct SchemaSet {
    /// The name.
    pub name: String,
    /// Where they are.
    pub schemas: Schemas,
}

/// Where schemas are.
#[derive(Clone, Debug, PartialEq)]
pub enum Schemas {
    /// In a file, or in the files of a folder.
    At(PathBuf),
    /// Here: the names of files with their texts; of one that imports others with a table of its `text` and of its `imports`.
    Here(Table),
}

/// Whether that is what [`Schemas::Here`] has of a file.
fn is_of_a_file(value: &Value) -> bool {
    let Value::Table(file) = value else { return value.is_str() };
    file.iter().all(|(key, value)| match (key.as_str(), value) {
        ("text", text) => text.is_str(),
        ("imports", Value::Table(imports)) => imports.values().all(Value::is_str),
        _ => false,
    }) && file.contains_key("text")
}

/// `--reader-schema order-v2.avsc`: it is called as its path.
#[expect(clippy::unnecessary_wraps, reason = "as options are read")]
pub(crate) fn of_path(path: &str) -> Result<SchemaSet, std::convert::Infallible> {
    Ok(SchemaSet::of_path(path))
}

impl SchemaSet {
    fn of_path(path: &str) -> Self {
        Self { name: path.to_owned(), schemas: Schemas::At(path.into()) }
    }

    /// Takes a relative path for one within that folder.
    pub fn move_path(&mut self, folder: &Path) {
        if let Schemas::At(path) = &mut self.schemas {
            *path = folder.join(&*path);
        }
    }
}

/// `v1 = "schemas/v1"`, a list of paths, or what was read of them.
impl Entry for SchemaSet {
    fn read_all<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<Self>, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a path, a list of paths, or a table of names and paths")]
        enum Written {
            Only(String),
            List(Vec<String>),
            Named(Table),
        }
        let named = match Written::deserialize(value)? {
            Written::Only(path) => return Ok(vec![Self::of_path(&path)]),
            Written::List(paths) => return Ok(paths.iter().map(|path| Self::of_path(path)).collect()),
            Written::Named(named) => named,
        };
        let set = |(name, value)| match value {
            Value::String(path) => Ok(Self { name, schemas: Schemas::At(path.into()) }),
            Value::Table(texts) if texts.values().all(is_of_a_file) => Ok(Self { name, schemas: Schemas::Here(texts) }),
            _ => {
                Err(serde::de::Error::custom(format!("{name} is neither a path nor a table of files' names and texts")))
            }
        };
        named.into_iter().map(set).collect()
    }

    fn write_all(entries: &[Self]) -> Result<Value, toml::ser::Error> {
        let written = entries.iter().map(|Self { name, schemas }| {
            let value = match schemas {
                Schemas::At(path) => Value::String(path.display().to_string()),
                Schemas::Here(texts) => Value::Table(texts.clone()),
            };
            (name.clone(), value)
        });
        Ok(Value::Table(written.collect()))
    }
}
