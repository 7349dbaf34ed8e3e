//! Sets of schemas that a scenario or an option names: read once, and told which type of event each is of.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::{Table, Value};

use super::error::{ConfigError, plan_error};
use super::formats::{FormatPlan, SchemaText, TypeFormat, VersionPlan, language_of, version_of};
use crate::event::catalogue::{Catalogue, EventType, GivenSchema, TypeIndex, Version};
use crate::event::readers::{Reader, ReaderSchema};
use crate::event::rollout::Rollout;
use crate::schedule::PhaseConfig;
use crate::schedule::config::SchemaMix;
use crate::settings::formats::{Format, Framing};
use crate::settings::schemas::{SchemaSet, Schemas};
use crate::source::own::imports_of;
use crate::wire::language::Language;
use crate::wire::protobuf::Imports;

/// The largest file that is read.
const MOST_BYTES: u64 = 4 << 20;
/// The most versions that there can be.
const MOST_VERSIONS: usize = 100;

/// A schema of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedSchema {
    /// Its file.
    pub file: String,
    /// The full name of what it describes.
    pub name: String,
    /// The schema.
    pub given: GivenSchema,
}

/// Puts what the files say in the place of their paths.
///
/// # Errors
/// A file that cannot be read, or a folder without schemas.
pub(super) fn load(sets: &mut [SchemaSet]) -> Result<(), ConfigError> {
    for set in sets {
        if let Schemas::At(path) = &set.schemas {
            set.schemas = Schemas::Here(read(path)?);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Table, ConfigError> {
    let unreadable = |path: &Path, source| ConfigError::Unreadable { what: "schema", path: path.to_owned(), source };
    let files: Vec<PathBuf> = if path.is_dir() {
        let entries = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let files = entries.map_err(|error| unreadable(path, error))?.into_iter().map(|entry| entry.path());
        let mut files: Vec<_> =
            files.filter(|file| file.is_file() && Language::of_name(&name_of(file)).is_ok()).collect();
        files.sort();
        files
    } else {
        vec![path.to_owned()]
    };
    if files.is_empty() {
        let reason = format!("folder {} has no schemas: files ending in .avsc, .proto or .json", path.display());
        return Err(plan_error(&reason, "loadgen schema show --out FOLDER writes those of the types"));
    }
    let file = |path: &PathBuf| {
        let size = fs::metadata(path).map_err(|error| unreadable(path, error))?.len();
        if size > MOST_BYTES {
            return Err(unreadable(
                path,
                io::Error::other(format!("it has {size} bytes, and {MOST_BYTES} is the most")),
            ));
        }
        let text = fs::read_to_string(path).map_err(|error| unreadable(path, error))?;
        let imports = imports_of(path, &text).map_err(|problem| {
            let hint = "what a .proto imports lies in its folder, or in folders there, but for google/protobuf/";
            plan_error(&format!("schema {}: {problem}", path.display()), hint)
        })?;
        Ok((name_of(path), text, imports))
    };
    let files = files.iter().map(file).collect::<Result<Vec<_>, ConfigError>>()?;
    // What another one imports is a part of that one's schema. Those that import each other are both left to be refused.
    let imports = |by: &Imports, name: &str| by.iter().any(|(imported, _)| imported == name);
    let is_whole = |(name, _, own): &&(String, String, Imports)| {
        files.iter().all(|(other, _, by)| other == name || !imports(by, name) || imports(own, other))
    };
    Ok(files.iter().filter(is_whole).map(|(name, text, imports)| (name.clone(), written(text, imports))).collect())
}

/// What [`Schemas::Here`] has of a file.
fn written(text: &str, imports: &Imports) -> Value {
    let text = Value::String(text.to_owned());
    if imports.is_empty() {
        return text;
    }
    let imports = imports.iter().map(|(name, text)| (name.to_owned(), Value::String(text.to_owned()))).collect();
    let file = [("text".to_owned(), text), ("imports".to_owned(), Value::Table(imports))];
    Value::Table(file.into_iter().collect())
}

/// A file's text and its imports, as [`written`] has put them.
fn read_back(file: &Value) -> (&str, Imports) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let imports = file.get("imports").and_then(Value::as_table).into_iter().flatten();
    let imports = imports.map(|(name, value)| (name.clone(), text(value))).collect();
    (file.get("text").unwrap_or(file).as_str().unwrap_or_default(), imports)
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// The schemas of a set that was read.
///
/// # Errors
/// A text that is no schema, or has what is not supported.
pub(super) fn parsed(set: &SchemaSet) -> Result<Vec<NamedSchema>, ConfigError> {
    let Schemas::Here(texts) = &set.schemas else { return Ok(Vec::new()) };
    let bad =
        |problem: String| ConfigError::Plan { reason: format!("schemas \"{}\": {problem}", set.name), hint: None };
    let schema = |(file, value): (&String, &Value)| {
        let (text, imports) = read_back(value);
        let language = Language::of_name(file).map_err(bad)?;
        let read = SchemaText::parse_with(language, text, imports)
            .map_err(|error| bad(language.explained(file, text, error)))?;
        let given = GivenSchema { language, text: read.text.into(), message: None, imports: read.imports };
        Ok(NamedSchema { file: file.clone(), name: read.name, given })
    };
    texts.iter().map(schema).collect()
}

/// As [`read_by`], of types that this run writes.
///
/// # Errors
/// As there; types without a schema.
pub(super) fn read_in_run(
    catalogue: Arc<Catalogue>,
    sets: &[SchemaSet],
    formats: &FormatPlan,
) -> Result<Arc<Catalogue>, ConfigError> {
    if formats.types.is_empty() && !sets.is_empty() {
        return Err(plan_error(
            "events are JSON without a schema, and readers have one",
            "add --format avro, protobuf or json-schema",
        ));
    }
    read_by(catalogue, sets, formats)
}

/// The catalogue, whose types others read by these schemas.
///
/// # Errors
/// Schemas by which none of the types can be read.
pub(super) fn read_by(
    catalogue: Arc<Catalogue>,
    sets: &[SchemaSet],
    formats: &FormatPlan,
) -> Result<Arc<Catalogue>, ConfigError> {
    let readers = readers(sets, &catalogue, formats)?;
    Ok(if readers.is_empty() { catalogue } else { Arc::new(Catalogue::clone(&catalogue).read_by(readers)) })
}

fn readers(sets: &[SchemaSet], catalogue: &Catalogue, formats: &FormatPlan) -> Result<Vec<Reader>, ConfigError> {
    let mut readers = Vec::new();
    for set in sets {
        let schemas = parsed(set)?;
        let (before, mut other) = (readers.len(), None);
        for schema in &schemas {
            // A consumer may have the record in a package of its own.
            let short = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
            let named = catalogue.types().find(|(_, declared)| *declared.record.name == *schema.name);
            let alike = || catalogue.types().find(|(_, declared)| short(&declared.record.name) == short(&schema.name));
            let Some((kind, declared)) = named.or_else(alike) else { continue };
            let own = schema.given.language;
            let is_other = |one: &&TypeFormat| one.kind == kind && language_of(one.format) != Some(own);
            if let Some(one) = formats.types.iter().find(is_other) {
                let (name, format) = (&declared.name, one.format);
                let reason =
                    format!("reader schema {}: events of type \"{name}\" are {format}, and it is {own}", set.name);
                other = Some(plan_error(&reason, "a reader's schema is in the language of what it reads"));
                continue;
            }
            let parsed = ReaderSchema::parse(&schema.given).map_err(|error| plan_error(&error.to_string(), ""))?;
            readers.push(Reader { name: set.name.as_str().into(), kind, schema: parsed });
        }
        if readers.len() == before {
            return Err(other.unwrap_or_else(|| of_no_type(&set.name, &schemas, catalogue)));
        }
    }
    Ok(readers)
}

/// Tells that none of some schemas is of a type that there is.
pub(super) fn of_no_type(set: &str, schemas: &[NamedSchema], catalogue: &Catalogue) -> ConfigError {
    let described = schemas.iter().map(|schema| schema.name.as_str()).collect::<Vec<_>>().join(", ");
    let known = catalogue.types().map(|(_, declared)| &*declared.record.name).collect::<Vec<_>>().join(", ");
    plan_error(
        &format!("schemas \"{set}\" describe {described}, and no type of event here is called so"),
        &format!("the types are {known}"),
    )
}

/// The versions of a scenario and the phases that they are written in; `formats` has how the types are written.
///
/// # Errors
/// Versions that the types cannot be written in, or phases that name others.
pub(super) fn versions(
    sets: &[SchemaSet],
    phases: &[PhaseConfig],
    catalogue: &Catalogue,
    formats: &mut FormatPlan,
    seed: u64,
) -> Result<Rollout, ConfigError> {
    if sets.len() > MOST_VERSIONS {
        return Err(plan_error(
            &format!("{} versions of schemas: there can be {MOST_VERSIONS}", sets.len()),
            "name fewer",
        ));
    }
    let mixes = phases.iter().filter_map(|phase| phase.schema.as_ref());
    let named: Vec<&str> = mixes.flat_map(SchemaMix::versions).map(|(name, _)| name).collect();
    if let Some(unknown) = named.iter().find(|name| sets.iter().all(|set| set.name != **name)) {
        let known = sets.iter().map(|set| set.name.as_str()).collect::<Vec<_>>();
        let hint = if known.is_empty() {
            format!("[schemas] names them: {unknown} = \"a file or folder\"")
        } else {
            format!("[schemas] has {}", known.join(", "))
        };
        return Err(plan_error(&format!("a phase is written in schema \"{unknown}\", which there is not"), &hint));
    }
    if !named.is_empty() && formats.types.iter().any(|one| one.branch.is_some()) {
        return Err(plan_error(
            "versions are those of a type's own schema, and the types of a topic share one under topic-name",
            "--subject-strategy topic-record-name gives each type its own",
        ));
    }
    // What no phase names is not looked at.
    let used = sets.iter().filter(|set| named.contains(&set.name.as_str()));
    formats.versions = used.map(|set| version(set, catalogue, &formats.types)).collect::<Result<_, _>>()?;
    let index = |name: &str| formats.versions.iter().position(|version| version.name == name);
    let place = |name: &str| Version(index(name).and_then(|at| u16::try_from(at + 1).ok()).unwrap_or(0));
    let mix = |phase: &PhaseConfig| {
        let mix = phase.schema.iter().flat_map(SchemaMix::versions);
        mix.map(|(name, weight)| (place(name), weight)).collect::<Vec<_>>()
    };
    let mixes: Vec<Vec<(Version, f64)>> = phases.iter().map(mix).collect();
    for mix in &mixes {
        let versions =
            if mix.is_empty() { vec![Version(0)] } else { mix.iter().map(|(version, _)| *version).collect() };
        for version in versions {
            if !formats.order.contains(&version) {
                formats.order.push(version);
            }
        }
    }
    Ok(Rollout::new(seed, &mixes))
}

fn version(set: &SchemaSet, catalogue: &Catalogue, formats: &[TypeFormat]) -> Result<VersionPlan, ConfigError> {
    let schemas = parsed(set)?;
    let of_type = |(kind, declared): (TypeIndex, &EventType)| {
        let one = formats.iter().find(|one| one.kind == kind);
        let language = one.and_then(|one| language_of(one.format));
        let is_its_own =
            |schema: &&NamedSchema| schema.name == *declared.record.name && Some(schema.given.language) == language;
        let Some((found, one)) = schemas.iter().find(is_its_own).zip(one) else { return Ok(None) };
        let refused = |problem: &str, hint: &str| {
            let reason = format!(
                "event type \"{}\" cannot be written in schema \"{}\" ({}): {problem}",
                declared.name, set.name, found.file
            );
            plan_error(&reason, hint)
        };
        if one.framing == Framing::None {
            return Err(refused(
                "without a frame nothing would tell versions apart",
                "--framing confluent names the schema in each record",
            ));
        }
        if one.padded {
            return Err(refused("it has no field that brings bodies to a size", "leave the padding out"));
        }
        version_of(declared, one, &found.given).map_err(|error| {
            refused(&error.to_string(), "a version may add fields that have a default, drop fields and move them")
        })?;
        Ok(Some(found.given.clone()))
    };
    let types: Vec<Option<GivenSchema>> = catalogue.types().map(of_type).collect::<Result<_, _>>()?;
    if types.iter().all(Option::is_none) {
        let is_of_a_type =
            |schema: &NamedSchema| catalogue.types().any(|(_, declared)| *declared.record.name == *schema.name);
        if !schemas.iter().any(is_of_a_type) {
            return Err(of_no_type(&set.name, &schemas, catalogue));
        }
        let format = formats.first().map_or(Format::Json, |one| one.format);
        let reason =
            format!("the schemas \"{}\" are not of the format that the events are written in, {format}", set.name);
        return Err(plan_error(
            &reason,
            "--format avro, protobuf or json-schema; the ending of a schema's file says which it is of",
        ));
    }
    Ok(VersionPlan { name: set.name.clone(), types })
}
