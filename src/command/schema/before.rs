//! The schemas that went before one: where they are kept, they are read from there.

use std::path::Path;

use super::super::Failure;
use super::super::formats::refused;
use super::file::SchemaFile;
use super::git::History;
use crate::registry::{Registry, RegistryError, SchemaType, Version};
use crate::wire::language::Language;

/// A schema that went before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Earlier {
    /// What it is called: `version 3`.
    pub(super) called: String,
    pub(super) language: Language,
    pub(super) text: String,
}

/// What a file was at a revision, and where all count before it, the oldest first.
pub(super) fn of_git(file: &SchemaFile, revision: &str, all: bool) -> Result<Vec<Earlier>, Failure> {
    let history = History::of(&file.path, revision)?;
    let revisions = if all { history.all()? } else { history.last()?.into_iter().collect() };
    let language = file.schema.language();
    let earlier = revisions.into_iter().map(|one| Earlier {
        called: if all { one.commit.clone() } else { format!("{revision} ({})", one.commit) },
        language,
        text: language.trimmed(&one.text).to_owned(),
    });
    Ok(earlier.collect())
}

/// A file, or the one of the same name in a folder.
pub(super) fn of_path(file: &SchemaFile, path: &Path) -> Result<Vec<Earlier>, Failure> {
    let path = match file.path.file_name() {
        Some(name) if path.is_dir() => path.join(name),
        _ => path.to_owned(),
    };
    let earlier = SchemaFile::read(&path)?;
    Ok(vec![Earlier { called: earlier.name(), language: earlier.schema.language(), text: earlier.schema.text }])
}

/// The newest version of a subject, and where all count those before it, the oldest first.
pub(super) fn of_registry(registry: &Registry, subject: &str, all: bool) -> Result<Vec<Earlier>, RegistryError> {
    let versions = registry.versions(subject)?;
    let counted = if all { &versions[..] } else { versions.last().map_or(&[][..], std::slice::from_ref) };
    let earlier = counted.iter().map(|version| {
        let schema = registry.version(subject, Version::Number(*version))?.schema;
        let language = match schema.schema_type {
            SchemaType::Avro => Language::Avro,
            SchemaType::Protobuf => Language::Protobuf,
            SchemaType::Json => Language::JsonSchema,
        };
        Ok(Earlier { called: format!("version {version}"), language, text: schema.text })
    });
    earlier.collect()
}

/// A registry that does not say what was asked about a file; the hint then names that.
pub(super) fn refused_of(error: &RegistryError, file: Option<&Path>) -> Failure {
    let failure = refused(error);
    match file {
        None => failure,
        Some(file) => {
            let hint = failure.hint.map(|hint| hint.replace("FILE", &file.display().to_string()));
            Failure { hint, ..failure }
        }
    }
}
