//! The formats of a run: what the registry says of its schemas, asked before anything is sent or read.

mod finder;

use std::sync::Arc;

use finder::InRegistry;

use super::Failure;
use crate::event::catalogue::Catalogue;
use crate::event::coding::Coding;
use crate::registry::{Access, Registry, RegistryError, Trouble};
use crate::report::SchemaReport;
use crate::scenario::formats::{FormatPlan, SchemaText, TypeFormat, coding_of};
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
    let asked = plan.formats.types.iter().any(|one| one.subject.is_some());
    let registry = plan.formats.registry.as_ref().filter(|_| asked).map(registry).transpose()?;
    let Coded { catalogue, schemas } = coded(&plan.formats, &plan.run.catalogue, registry.as_ref())?;
    plan.run.schemas = schemas;
    let subjects = plan.formats.types.iter().filter_map(|one| one.subject.clone()).collect();
    plan.run.catalogue = learning(catalogue, registry, subjects)?;
    Ok(())
}

/// A catalogue by which a topic is read that others wrote: `written` is what is known of how, from the report of their run.
pub(super) fn reading(
    formats: &FormatPlan,
    catalogue: &Arc<Catalogue>,
    subjects: Vec<String>,
    written: &[SchemaReport],
) -> Result<Coded, Failure> {
    let Coded { catalogue, schemas } =
        if written.is_empty() { coded(formats, catalogue, None)? } else { of_report(written, catalogue)? };
    let registry = formats.registry.as_ref().map(registry).transpose()?;
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
    plan.run.catalogue = coded(&plan.formats, &plan.run.catalogue, None)?.catalogue;
    Ok(())
}

/// Types with their ids; with zeros in their place where there is no registry to ask.
fn coded(formats: &FormatPlan, catalogue: &Arc<Catalogue>, registry: Option<&Registry>) -> Result<Coded, Failure> {
    if formats.types.is_empty() {
        return Ok(Coded { catalogue: Arc::clone(catalogue), schemas: Vec::new() });
    }
    let made = formats.types.iter().zip(catalogue.types()).map(|(one, (_, declared))| {
        let (coding, text) =
            coding_of(declared, one).map_err(|error| Failure::new(ExitCode::BadConfiguration, error.to_string()))?;
        let id = match (&one.subject, &text) {
            (Some(subject), Some(text)) => Some(match registry {
                Some(registry) => id_of(registry, subject, text, formats.register)?,
                None => 0,
            }),
            _ => None,
        };
        let coding = match (id, &text) {
            (Some(id), Some(text)) => coding.framed(text.frame(id)),
            _ => coding,
        };
        let schema = text.map(|text| told(&declared.name, one, &coding, id, text));
        Ok((coding, schema))
    });
    let (codings, schemas): (Vec<_>, Vec<_>) = made.collect::<Result<Vec<_>, Failure>>()?.into_iter().unzip();
    let catalogue = Arc::new(Catalogue::clone(catalogue).coded(codings));
    Ok(Coded { catalogue, schemas: schemas.into_iter().flatten().collect() })
}

fn told(event_type: &str, one: &TypeFormat, coding: &Coding, id: Option<u32>, text: SchemaText) -> SchemaReport {
    SchemaReport {
        event_type: event_type.to_owned(),
        format: one.format.to_string(),
        framing: one.framing.to_string(),
        frame: in_digits(coding.frame()),
        subject: one.subject.clone(),
        id,
        padded: one.padded,
        schema: text.text,
    }
}

/// A client of the registry.
pub(super) fn registry(access: &Access) -> Result<Registry, Failure> {
    Registry::new(access).map_err(|error| Failure::new(ExitCode::BadConfiguration, error.to_string()))
}

/// The id of a schema, which is registered where that is asked for.
fn id_of(registry: &Registry, subject: &str, text: &SchemaText, register: bool) -> Result<u32, Failure> {
    let schema = text.for_registry();
    match registry.lookup(subject, &schema, true) {
        Ok(found) => Ok(found.id),
        Err(error) if !is_missing(&error) => Err(refused(&error)),
        Err(_) if register => registry.register(subject, &schema, true).map_err(|error| refused(&error)),
        Err(error) => {
            Err(refused(&error).hint("--register registers what is missing; loadgen schema register does nothing else"))
        }
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
    let formats = catalogue.types().map(|(kind, declared)| {
        let Some(told) = schemas.iter().find(|told| *told.event_type == *declared.name) else {
            return Ok(Coding::json(declared));
        };
        let bad = |why: String| {
            Failure::new(ExitCode::BadInput, format!("the schema of \"{}\" in the run's report: {why}", declared.name))
        };
        let format = Format::from_word(&told.format).map_err(|error| bad(error.to_string()))?;
        let framing = Framing::from_word(&told.framing).map_err(|error| bad(error.to_string()))?;
        let one = TypeFormat { kind, format, framing, padded: told.padded, subject: told.subject.clone() };
        let (coding, text) = coding_of(declared, &one).map_err(|error| bad(error.to_string()))?;
        if text.is_none_or(|text| text.text != told.schema) {
            return Err(bad("it is not the one that this loadgen makes of the type".to_owned()));
        }
        let frame = bytes_of(&told.frame).ok_or_else(|| bad("its frame is not in hexadecimal digits".to_owned()))?;
        Ok(coding.framed(frame))
    });
    let codings: Vec<Coding> = formats.collect::<Result<_, Failure>>()?;
    Ok(Coded { catalogue: Arc::new(Catalogue::clone(catalogue).coded(codings)), schemas: schemas.to_vec() })
}

fn in_digits(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"))
}

fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    (0..digits.len()).step_by(2).map(byte).collect()
}
