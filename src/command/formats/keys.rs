//! The keys of a run's records, each with what stands before it.

use std::sync::Arc;

use super::{Failure, bad, bytes_of, id_of, is_missing, refused};
use crate::event::catalogue::Catalogue;
use crate::event::key::{KeyCoding, KeyForm};
use crate::registry::Registry;
use crate::report::KeySchemaReport;
use crate::scenario::formats::keys::KeyPlan;

/// The catalogue with its keys; their ids are zeros where there is no registry to ask.
pub(super) fn keyed(
    catalogue: Arc<Catalogue>,
    keys: &[KeyPlan],
    registry: Option<&Registry>,
    register: bool,
) -> Result<Arc<Catalogue>, Failure> {
    if keys.is_empty() {
        return Ok(catalogue);
    }
    let keys = keys.iter().map(|plan| framed(plan, registry, register)).collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(Catalogue::clone(&catalogue).keyed(keys)))
}

/// Keys with the frames that they may have. Of several subjects, one is enough that has the schema.
fn framed(plan: &KeyPlan, registry: Option<&Registry>, register: bool) -> Result<KeyCoding, Failure> {
    let KeyPlan { coding, subjects } = plan;
    let Some((schema, first)) = plan.schema().zip(subjects.first()) else { return Ok(coding.clone()) };
    let Some(registry) = registry else {
        return Ok(coding.clone().framed(Some(first), vec![schema.frame(0).into()]));
    };
    let (mut frames, mut missing) = (Vec::new(), None);
    for subject in subjects {
        if subjects.len() == 1 {
            frames.push(schema.frame(id_of(registry, subject, &schema, register)?).into());
            continue;
        }
        match registry.lookup(subject, &schema.for_registry(), true) {
            Ok(found) => frames.push(schema.frame(found.id).into()),
            Err(error) if is_missing(&error) => missing = missing.or(Some(error)),
            Err(error) => return Err(refused(&error)),
        }
    }
    match missing {
        Some(error) if frames.is_empty() => Err(refused(&error)),
        _ => Ok(coding.clone().framed(Some(first), frames)),
    }
}

/// The catalogue whose keys are as a run's report has them.
pub(super) fn of_report(catalogue: Arc<Catalogue>, told: &[KeySchemaReport]) -> Result<Arc<Catalogue>, Failure> {
    if told.is_empty() {
        return Ok(catalogue);
    }
    let keys = catalogue.types().map(|(_, declared)| {
        let Some(told) = told.iter().find(|told| *told.event_type == *declared.name) else {
            return Ok(KeyCoding::default());
        };
        let form = if told.format == "protobuf" { KeyForm::Protobuf } else { KeyForm::Avro };
        let coding = KeyCoding::new(form, declared).map_err(|error| bad(&declared.name, &error.to_string()))?;
        if coding.schema().is_none_or(|schema| *schema.text != *told.schema) {
            return Err(bad(&declared.name, "that of its keys is not the one that this loadgen makes"));
        }
        let frame = bytes_of(&told.frame);
        let frame = frame.ok_or_else(|| bad(&declared.name, "the frame of its keys is not in hexadecimal digits"))?;
        let frames = if frame.is_empty() { Vec::new() } else { vec![frame.into()] };
        Ok(coding.framed(told.subject.as_deref(), frames))
    });
    let keys = keys.collect::<Result<Vec<_>, Failure>>()?;
    Ok(Arc::new(Catalogue::clone(&catalogue).keyed(keys)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::schemas::of_keys;

    #[test]
    fn keys_are_read_again_as_the_report_of_their_run_has_them() {
        let catalogue = Arc::new(crate::shop::catalogue().unwrap());
        for form in [KeyForm::Avro, KeyForm::Protobuf] {
            for frames in [Vec::new(), vec![Box::from(&b"\0\0\0\0\x07"[..])]] {
                let key = |(_, declared)| KeyCoding::new(form, declared).unwrap().framed(Some("a-key"), frames.clone());
                let keyed = Catalogue::clone(&catalogue).keyed(catalogue.types().map(key).collect::<Vec<_>>());
                let again = of_report(Arc::clone(&catalogue), &of_keys(&keyed)).unwrap();
                assert_eq!(*again, keyed);
            }
        }
        let mut told = of_keys(&of_report(Arc::clone(&catalogue), &[]).unwrap());
        assert_eq!(told, []);
        told.push(KeySchemaReport {
            event_type: "view".to_owned(),
            schema: "\"long\"".to_owned(),
            ..KeySchemaReport::default()
        });
        assert!(of_report(catalogue, &told).unwrap_err().message.contains("keys"));
    }
}
