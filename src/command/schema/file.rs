//! Files of schemas.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::super::Failure;
use crate::scenario::formats::SchemaText;
use crate::source::own::imports_of;
use crate::verdict::ExitCode;
use crate::wire::language::Language;

/// The largest file that is read.
pub(super) const MOST_BYTES: u64 = 4 << 20;

/// A file with the schema of a record.
pub(super) struct SchemaFile {
    pub(super) path: PathBuf,
    pub(super) schema: SchemaText,
}

impl SchemaFile {
    /// Reads one; its name says in which language it is.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let language = Language::of_name(&name).map_err(bad)?;
        let text = read(path).map_err(|error| bad(format!("schema {name} cannot be read: {error}")))?;
        let imports = imports_of(path, &text).map_err(|problem| bad(format!("{name}: {problem}")))?;
        let schema = SchemaText::parse_with(language, &text, imports)
            .map_err(|error| bad(language.explained(&name, &text, error)))?;
        Ok(Self { path: path.to_owned(), schema })
    }

    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// What is wrong with a file or with where it comes from.
pub(super) fn bad(problem: impl Into<String>) -> Failure {
    Failure::new(ExitCode::BadInput, problem)
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MOST_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(io::Error::other(format!("it has more than {MOST_BYTES} bytes")));
    }
    Ok(text)
}

/// A schema as it stands in a file.
pub(super) fn in_file(schema: &SchemaText) -> String {
    let line_end = if schema.text.ends_with('\n') { "" } else { "\n" };
    format!("{}{line_end}", schema.text)
}
