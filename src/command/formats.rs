//! The formats of a run: what the registry says of its schemas, asked before anything is sent or read.

mod finder;
pub(super) mod imports;
mod keys;

use std::sync::Arc;

use finder::InRegistry;

use super::Failure;
use crate::event::catalogue::{Catalogue, EventType, GivenSchema, TypeIndex, Version};
use crate::event::coding::Coding;
use crate::registry::{Access, Registry, RegistryError, Trouble};
use crate::report::{Environment, SchemaReport};
use crate::run::schemas::in_digits;
use crate::scenario::formats::unions;
use crate::scenario::formats::{FormatPlan, SchemaText, TypeFormat, coding_of, language_of, version_of};
use crate::scenario::plan::Plan;
use crate::settings::choice::Choice as _;
use crate::settings::formats::{Format, Framing};
use crate::verdict::ExitCode;

/// A catalogue whose types have all that their records need, and what a report says of it.
pub(super) struct Coded {
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) schemas: Vec<SchemaReport>,
}

/// Makes a plan ready to be run: its schemas have their ids.
pub(super) fn ready(plan: &mut Plan) -> Result<(), Failure> {
    let formats = &plan.formats;
    let asked = formats.types.iter().any(|one| one.subject.is_some());
    let of_keys = formats.keys.iter().any(|one| !one.subjects.is_empty());
    let registry = formats.registry.as_ref().filter(|_| asked || of_keys).map(registry).transpose()?;
    let Coded { catalogue, schemas } = coded(formats, &plan.run.catalogue, registry.as_ref())?;
    let catalogue = keys::keyed(catalogue, &formats.keys, registry.as_ref(), formats.register)?;
    let registry = registry.filter(|_| asked);
    plan.run.schemas = schemas;
    let subjects = plan.formats.types.iter().filter_map(|one| one.subject.clone()).collect();
    plan.run.catalogue = learning(catalogue, registry, subjects)?;
    Ok(())
}

/// A catalogue by which a topic is read that others wrote: `written` is what is known of that run from its report.
pub(super) fn reading(
    formats: &FormatPlan,
    catalogue: &Arc<Catalogue>,
    subjects: Vec<String>,
    written: &Environment,
) -> Result<Coded, Failure> {
    let Coded { catalogue, schemas } = if written.schemas.is_empty() {
        coded(formats, catalogue, None)?
    } else {
        of_report(&written.schemas, catalogue)?
    };
    let registry = formats.registry.as_ref().map(registry).transpose()?;
    let catalogue = keys::of_report(catalogue, &written.key_schemas)?;
    let catalogue = keys::keyed(catalogue, &formats.keys, registry.as_ref(), false)?;
    let catalogue = Arc::new(Catalogue::clone(&catalogue).framed_alone(formats.framed_alone));
    Ok(Coded { catalogue: learning(catalogue, registry, subjects)?, schemas })
}

/// The same catalogue, which finds other schemas out where there is a registry.
fn learning(
    catalogue: Arc<Catalogue>,
    registry: Option<Registry>,
    subjects: Vec<String>,
) -> Result<Arc<Catalogue>, Failure> {
    let Some(registry) = registry else { return Ok(catalogue) };
    let finder = InRegistry::new(registry, Arc::clone(&catalogue), subjects)?;
    Ok(Arc::new(Catalogue::clone(&catalogue).learning(finder)))
}

/// The same for a plan that is only looked at: bodies are as large as they will be, and no registry is asked.
pub(super) fn unasked(plan: &mut Plan) -> Result<(), Failure> {
    let catalogue = coded(&plan.formats, &plan.run.catalogue, None)?.catalogue;
    plan.run.catalogue = keys::keyed(catalogue, &plan.formats.keys, None, false)?;
    Ok(())
}

/// Types with their ids; with zeros in their place where there is no registry to ask.
fn coded(formats: &FormatPlan, catalogue: &Arc<Catalogue>, registry: Option<&Registry>) -> Result<Coded, Failure> {
    if formats.types.is_empty() {
        return Ok(Coded { catalogue: Arc::clone(catalogue), schemas: Vec::new() });
    }
    let mut schemas: Vec<SchemaReport> = Vec::new();
    let mut made: Vec<Vec<(Version, Coding)>> = formats.types.iter().map(|_| Vec::new()).collect();
    // In the order in which they are written: each may follow the one before in the registry.
    let order = if formats.order.is_empty() { &[Version(0)][..] } else { &formats.order };
    for version in order {
        for ((one, (_, declared)), made) in formats.types.iter().zip(catalogue.types()).zip(&mut made) {
            let named = formats.version(*version, one.kind);
            let version = named.map_or(Version(0), |_| *version);
            if made.iter().all(|(known, _)| *known != version) {
                let (coding, text) = made_of(declared, one, named.map(|(_, given)| given))?;
                let (coding, id) = framed(coding, one, text.as_ref(), registry, formats.register)?;
                let name = named.map(|(name, _)| name.to_owned());
                schemas.extend(text.map(|text| told(&declared.name, name, one, &coding, id, text)));
                made.push((version, coding));
            }
        }
    }
    let catalogue = Arc::new(with_versions(catalogue, made, formats.versions.len()));
    Ok(Coded { catalogue, schemas })
}

/// How a type is written, by its own schema or by the one that is given.
fn made_of(
    declared: &EventType,
    one: &TypeFormat,
    given: Option<&GivenSchema>,
) -> Result<(Coding, Option<SchemaText>), Failure> {
    let made = match given {
        None => coding_of(declared, one),
        Some(given) => version_of(declared, one, given).map(|(coding, text)| (coding, Some(text))),
    };
    made.map_err(|error| Failure::new(ExitCode::BadConfiguration, error.to_string()))
}

/// The same with its frame, and the id in it.
fn framed(
    coding: Coding,
    one: &TypeFormat,
    text: Option<&SchemaText>,
    registry: Option<&Registry>,
    register: bool,
) -> Result<(Coding, Option<u32>), Failure> {
    let Some((subject, text)) = one.subject.as_ref().zip(text) else { return Ok((coding, None)) };
    let id = match registry {
        Some(registry) => id_of(registry, subject, text, register)?,
        None => 0,
    };
    Ok((coding.framed(text.frame(id)), Some(id)))
}

/// The catalogue with what its types are written by. A type of which no phase has its own schema is called by its first one.
fn with_versions(catalogue: &Arc<Catalogue>, made: Vec<Vec<(Version, Coding)>>, versions: usize) -> Catalogue {
    let (mut own, mut further) = (Vec::new(), Vec::new());
    for of_type in made {
        let mut places: Vec<Option<Arc<Coding>>> = vec![None; versions + 1];
        for (version, coding) in of_type {
            if let Some(place) = places.get_mut(usize::from(version.0)) {
                *place = Some(Arc::new(coding));
            }
        }
        let rest = places.split_off(1);
        own.extend(places.pop().flatten().or_else(|| rest.iter().flatten().next().cloned()));
        further.push(rest);
    }
    Catalogue::clone(catalogue).coded(own).versioned(further)
}

fn told(
    event_type: &str,
    version: Option<String>,
    one: &TypeFormat,
    coding: &Coding,
    id: Option<u32>,
    text: SchemaText,
) -> SchemaReport {
    SchemaReport {
        event_type: event_type.to_owned(),
        version,
        format: one.format.to_string(),
        framing: one.framing.to_string(),
        frame: in_digits(coding.frame()),
        subject: one.subject.clone(),
        id,
        padded: one.padded,
        imports: text.imports.iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect(),
        schema: text.text,
    }
}

/// A client of the registry.
pub(super) fn registry(access: &Access) -> Result<Registry, Failure> {
    Registry::new(access).map_err(|error| Failure::new(ExitCode::BadConfiguration, error.to_string()))
}

/// The id of a schema, which is registered where that is asked for.
fn id_of(registry: &Registry, subject: &str, text: &SchemaText, register: bool) -> Result<u32, Failure> {
    let hint = "--register registers what is missing; loadgen schema register does nothing else";
    let schema = match imports::with_references(registry, text, register) {
        Err(error) if is_missing(&error) => return Err(refused(&error).hint(hint)),
        schema => schema.map_err(|error| refused(&error))?,
    };
    match registry.lookup(subject, &schema, true) {
        Ok(found) => Ok(found.id),
        Err(error) if !is_missing(&error) => Err(refused(&error)),
        Err(_) if register => registry.register(subject, &schema, true).map_err(|error| refused(&error)),
        Err(error) => Err(refused(&error).hint(hint)),
    }
}

pub(super) const fn is_missing(error: &RegistryError) -> bool {
    matches!(error.trouble, Trouble::SubjectMissing(_) | Trouble::SchemaMissing(_))
}

/// A command that ended because of the registry.
pub(super) fn refused(error: &RegistryError) -> Failure {
    Failure::new(ExitCode::Cluster, error.to_string()).hint(error.hint())
}

/// The catalogue by which another run wrote, as its report has it: no registry is asked.
fn of_report(schemas: &[SchemaReport], catalogue: &Arc<Catalogue>) -> Result<Coded, Failure> {
    let mut versions: Vec<&str> = Vec::new();
    for name in schemas.iter().filter_map(|told| told.version.as_deref()) {
        if !versions.contains(&name) {
            versions.push(name);
        }
    }
    let place = |told: &SchemaReport| {
        let at = told.version.as_deref().and_then(|name| versions.iter().position(|known| *known == name));
        Version(at.and_then(|at| u16::try_from(at + 1).ok()).unwrap_or(0))
    };
    let of_type = |(kind, declared): (TypeIndex, &EventType)| {
        let told: Vec<&SchemaReport> = schemas.iter().filter(|told| *told.event_type == *declared.name).collect();
        if told.is_empty() {
            let coding = Coding::json(declared).map_err(|error| bad(&declared.name, &error.to_string()))?;
            return Ok(vec![(Version(0), coding)]);
        }
        told.into_iter().map(|told| Ok((place(told), as_told(kind, declared, told)?))).collect()
    };
    let made = catalogue.types().map(of_type).collect::<Result<Vec<_>, Failure>>()?;
    Ok(Coded { catalogue: Arc::new(with_versions(catalogue, made, versions.len())), schemas: schemas.to_vec() })
}

/// How a report says that events of a type were written.
fn as_told(kind: TypeIndex, declared: &EventType, told: &SchemaReport) -> Result<Coding, Failure> {
    let bad = |why: &str| bad(&declared.name, why);
    let format = Format::from_word(&told.format).map_err(|error| bad(&error.to_string()))?;
    let framing = Framing::from_word(&told.framing).map_err(|error| bad(&error.to_string()))?;
    let (padded, subject) = (told.padded, told.subject.clone());
    let one = TypeFormat { kind, format, framing, padded, subject, branch: None };
    let coding = if let (Some(_), Some(language)) = (&told.version, language_of(format)) {
        let imports = told.imports.clone().into_iter().collect();
        let given = GivenSchema { language, text: told.schema.as_str().into(), message: None, imports };
        Coding::version(declared, &given).map_err(|error| bad(&error.to_string()))?
    } else {
        let (coding, text) = coding_of(declared, &one).map_err(|error| bad(&error.to_string()))?;
        match text {
            Some(text) if text.text == told.schema => coding,
            text => {
                let branch = text.and_then(|text| unions::found(&told.schema, &text));
                let branch = branch.ok_or_else(|| bad("it is not the one that this loadgen makes of the type"))?;
                let one = TypeFormat { branch: Some(branch), ..one };
                coding_of(declared, &one).map_err(|error| bad(&error.to_string()))?.0
            }
        }
    };
    let frame = bytes_of(&told.frame).ok_or_else(|| bad("its frame is not in hexadecimal digits"))?;
    Ok(coding.framed(frame))
}

/// What a report says of a type cannot be used.
fn bad(event_type: &str, why: &str) -> Failure {
    Failure::new(ExitCode::BadInput, format!("the schema of \"{event_type}\" in the run's report: {why}"))
}

fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    (0..digits.len()).step_by(2).map(byte).collect()
}
