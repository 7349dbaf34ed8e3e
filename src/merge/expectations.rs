//! What came out downstream: one process judges all of it, so nothing is added up.

use super::{Aligned, MergeError, Part};
use crate::report::ExpectReport;

/// Of each expectation what whoever judged it says: the parts, which leave it to others, readers, and `judges`, which judged that alone.
pub(super) fn expectations(parts: &[Aligned], judges: &[Part]) -> Result<Vec<ExpectReport>, MergeError> {
    let run = parts.first().map(|part| (part.name.as_str(), part.report.run.id.as_str()));
    for judge in judges {
        if let Some((first, id)) = run.filter(|(_, id)| judge.report.run.id != **id) {
            return Err(MergeError::Differs {
                what: "the run's id",
                first: first.to_owned(),
                first_value: id.to_owned(),
                other: judge.name.clone(),
                other_value: judge.report.run.id.clone(),
            });
        }
    }
    let of_parts = parts.iter().map(|part| (&part.name, &part.report));
    let of_judges = judges.iter().map(|judge| (&judge.name, &judge.report));
    let mut all: Vec<(&String, &ExpectReport)> = Vec::new();
    for (name, told) in
        of_parts.chain(of_judges).flat_map(|(name, of)| of.expectations.iter().map(move |of| (name, of)))
    {
        match all.iter_mut().find(|(_, known)| known.name == told.name) {
            None => all.push((name, told)),
            Some(known) if known.1.is_unjudged() => *known = (name, told),
            Some((first, known)) => {
                let is_same = (known.classes(), known.beside()) == (told.classes(), told.beside());
                if !told.is_unjudged() && !is_same {
                    let (expectation, first, other) = (told.name.clone(), (*first).clone(), name.clone());
                    return Err(MergeError::JudgedApart { expectation, first, other });
                }
            }
        }
    }
    Ok(all.into_iter().map(|(_, told)| told.clone()).collect())
}
