//! What every number, class, verdict, gate and exit code means: one source for `loadgen explain`, for the tooltips of
//! report.html and for the descriptions of the JSON Schema.

mod definition;
mod dictionary;
mod figures;
mod findings;
mod index;
mod latencies;
mod ledger;
mod outcomes;
mod parts;
mod results;
mod schema;
mod sections;
mod table;

pub use self::{
    definition::{Definition, Sort},
    dictionary::all,
    index::index,
    schema::report_schema,
    table::gates,
};

/// The definition of a name; of its first meaning where it has several (`pass` is a gate's result and an exit code).
#[must_use]
pub fn definition(name: &str) -> Option<&'static Definition> {
    all().find(|definition| definition.is_named(name))
}

/// Everything that helps to understand a name: each of its meanings, or, of a path such as `phase.peak.response_time.p99`,
/// the meanings of its parts. Empty for an unknown name.
#[must_use]
pub fn lookup(name: &str) -> Vec<&'static Definition> {
    let exact: Vec<_> = all().filter(|definition| definition.is_named(name)).collect();
    if exact.is_empty() { table::of_path(name) } else { exact }
}

/// What a name means, in a sentence or two: what the page shows where the name stands.
#[must_use]
pub fn sentence(name: &str) -> Option<&'static str> {
    definition(name).map(|definition| definition.definition)
}

/// The known name that is nearest to `name`, where one is near.
#[must_use]
pub fn nearest(name: &str) -> Option<&'static str> {
    let names = all().flat_map(|definition| definition.aliases.iter().copied().chain([definition.name]));
    let distance = |known: &str| strsim::damerau_levenshtein(known, name);
    names
        .map(|known| (distance(known), known))
        .filter(|(distance, known)| *distance <= known.len().max(3) / 3 && *distance < known.len())
        .min()
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests;
