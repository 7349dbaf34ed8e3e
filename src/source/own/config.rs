//! What can be set about declared events, and the files that it is read from.

use std::io;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::declare::SchemaText;
use super::error::OwnError;
use super::generator::capitalised;
use super::schema;
use super::types;
use crate::source::synthetic::Model;
use crate::source::weights::Mix;
use crate::wire::language::Language;
use crate::wire::protobuf::Imports;

/// What declared events are like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The file in which they are declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<PathBuf>,
    /// The schema of the only type, where nothing else is declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<PathBuf>,
    /// Which message of it, of a .proto that has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How often each type comes, in the place of what the types say themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<Mix>,
    /// Whether events hang together in sessions, as the types say what comes next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<Model>,
    /// Sessions at once, on average; 1,000 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrent: Option<u32>,
    /// The types, as in a file; what a file says is put here once it was read, the texts of schemas with it.
    #[serde(skip_serializing_if = "Table::is_empty")]
    pub types: Table,
}

/// Why declared events cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file that cannot be read.
    #[error("{what} {path} cannot be read: {source}", path = path.display())]
    Unreadable {
        /// What the file is.
        what: &'static str,
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that is not what it is to be.
    #[error("{path} line {line}: {problem}", path = path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        problem: String,
        /// What to do.
        hint: Option<String>,
    },
    /// Types that are wrong, of which no file is known.
    #[error(transparent)]
    Types(#[from] OwnError),
    /// Nothing is declared, or twice.
    #[error("{0}")]
    Sources(&'static str),
}

/// The largest file that is read.
const MOST_BYTES: u64 = 4 << 20;

impl Config {
    /// The names of the types.
    pub fn type_names(&self) -> impl Iterator<Item = &str> {
        self.types.iter().filter(|(_, declared)| declared.is_table()).map(|(name, _)| name.as_str())
    }

    /// Reads the files, and checks what they declare. What they say stands in [`Config::types`] then, so that no file is needed
    /// any more.
    ///
    /// # Errors
    /// A file that cannot be read, or what is wrong in it.
    pub fn load(&mut self) -> Result<(), LoadError> {
        if self.message.is_some() && self.schema.is_none() {
            return Err(LoadError::Sources(
                "message chooses one of a .proto that schema names; a type of an events file says it itself, with message = \"Order\"",
            ));
        }
        match (self.events.take(), self.schema.take(), self.types.is_empty()) {
            (Some(events), None, true) => self.load_events(&events),
            (None, Some(schema), true) => self.load_schema(&schema),
            (None, None, false) => types::made(self).map(drop).map_err(LoadError::from),
            (None, None, true) => Err(LoadError::Sources("no event types: name a file with events or with schema")),
            _ => Err(LoadError::Sources(
                "events and schema exclude each other: a type of the events file names its schema itself, with schema = \"order.avsc\"",
            )),
        }
    }

    fn load_events(&mut self, path: &Path) -> Result<(), LoadError> {
        let text = read(path, "file of event types")?;
        let wrong = |offset: usize, problem: String, hint| LoadError::Wrong {
            path: path.to_owned(),
            line: 1 + text.get(..offset).unwrap_or_default().matches('\n').count(),
            problem,
            hint,
        };
        let table: Table = toml::from_str(&text).map_err(|error| {
            wrong(error.span().map_or(0, |span| span.start), error.message().trim().to_owned(), None)
        })?;
        self.types = table;
        let folder = path.parent().unwrap_or(Path::new(""));
        for (_, declared) in &mut self.types {
            if let Value::Table(declared) = declared
                && let Some(Value::String(file)) = declared.get("schema")
            {
                let file = folder.join(file);
                let text = read(&file, "schema")?;
                let inlined = inlined(&file, &text, &imports(&file, &text)?);
                declared.insert("schema".to_owned(), inlined);
            }
        }
        in_tables(&mut self.types);
        types::made(self).map(drop).map_err(|error| {
            let OwnError { keys, hint, .. } = &error;
            wrong(offset_of(&text, keys), error.to_string(), hint.clone())
        })
    }

    fn load_schema(&mut self, path: &Path) -> Result<(), LoadError> {
        let text = read(path, "schema")?;
        let wrong = |problem, hint| LoadError::Wrong { path: path.to_owned(), line: 1, problem, hint };
        let name = file_name(path);
        let stem = name.split('.').next().unwrap_or_default();
        let message = self.message.take();
        let imports = imports(path, &text)?;
        let (own, imported) = (text.clone(), imports.clone());
        let schema = SchemaText { name: name.clone(), text: own, message: message.clone(), imports: imported };
        let described = schema::described(&schema, &capitalised(stem)).map_err(|problem| wrong(problem, None))?;
        let short = described.record.name.rsplit('.').next().unwrap_or_default();
        let mut declared = Table::from_iter([("schema".to_owned(), inlined(path, &text, &imports))]);
        declared.extend(message.map(|message| ("message".to_owned(), Value::String(message))));
        let type_name = snake(short);
        self.types = Table::from_iter([(type_name.clone(), Value::Table(declared))]);
        types::made(self).map(drop).map_err(|error| {
            let more =
                format!("a file for --events with [{type_name}], schema = \"{name}\" and what is missing says more");
            wrong(error.to_string(), error.hint.or(Some(more)))
        })
    }
}

/// Puts each field into a table of its own: a file has all of a table's other values before its tables, whatever their order
/// was.
fn in_tables(types: &mut Table) {
    for declared in types.iter_mut().filter_map(|(_, declared)| declared.as_table_mut()) {
        if let Some(Value::Table(fields)) = declared.get_mut("fields") {
            fields.iter_mut().for_each(|(_, field)| in_table(field));
        }
    }
}

fn in_table(field: &mut Value) {
    match field {
        Value::String(name) => {
            *field = Value::Table(Table::from_iter([("like".to_owned(), Value::String(std::mem::take(name)))]));
        }
        Value::Table(table) => {
            if let Some(of) = table.get_mut("of") {
                in_table(of);
            }
            if let Some(Value::Table(fields)) = table.get_mut("record") {
                fields.iter_mut().for_each(|(_, field)| in_table(field));
            }
        }
        _ => {}
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn inlined(path: &Path, text: &str, imports: &Imports) -> Value {
    let mut table = Table::from_iter([
        ("name".to_owned(), Value::String(file_name(path))),
        ("text".to_owned(), Value::String(text.to_owned())),
    ]);
    if !imports.is_empty() {
        let files = imports.iter().map(|(name, text)| (name.to_owned(), Value::String(text.to_owned())));
        table.insert("imports".to_owned(), Value::Table(files.collect()));
    }
    Value::Table(table)
}

/// What a Protobuf file imports: files that lie beside it, under the names that it has for them. Other files import nothing.
///
/// # Errors
/// A file that is not there, or leads elsewhere.
pub fn imports_of(path: &Path, text: &str) -> Result<Imports, String> {
    if Language::of_name(&file_name(path)) != Ok(Language::Protobuf) {
        return Ok(Imports::default());
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    Imports::of(text, &mut |name| imported_file(folder, name))
}

fn imports(path: &Path, text: &str) -> Result<Imports, LoadError> {
    imports_of(path, text).map_err(|problem| LoadError::Wrong {
        path: path.to_owned(),
        line: 1,
        problem,
        hint: Some(
            "what a .proto imports lies in its folder, or in folders there, but for google/protobuf/".to_owned(),
        ),
    })
}

fn imported_file(folder: &Path, name: &str) -> Result<String, String> {
    let is_beside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if !is_beside {
        return Err(format!("it imports {name}, which leads out of its folder"));
    }
    read(&folder.join(name), "imported file").map_err(|error| error.to_string())
}

fn read(path: &Path, what: &'static str) -> Result<String, LoadError> {
    let unreadable = |source| LoadError::Unreadable { what, path: path.to_owned(), source };
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > MOST_BYTES {
        return Err(unreadable(io::Error::other(format!("it has {size} bytes, and {MOST_BYTES} is the most"))));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

/// Where in a text the value of these keys stands, as far as they are there.
fn offset_of(text: &str, keys: &[String]) -> usize {
    let Ok(root) = DeTable::parse(text) else { return 0 };
    let mut offset = 0;
    let mut table = root.into_inner();
    for key in keys {
        let Some((name, value)) = table.into_iter().find(|(name, _)| name.get_ref() == key.as_str()) else { break };
        offset = name.span().start;
        match Spanned::into_inner(value) {
            DeValue::Table(inner) => table = inner,
            _ => break,
        }
    }
    offset
}

/// `OrderPlaced` as `order_placed`: the name of a type.
fn snake(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
        out.push(if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' });
    }
    out
}
