//! What every number, class, verdict, gate and exit code means: one source for `loadgen explain`, for the tooltips of
//! report.html and for the descriptions of the JSON Schema.

mod figures;
mod findings;
mod index;
mod latencies;
mod ledger;
mod outcomes;
mod results;
mod schema;
mod sections;
mod table;

use std::fmt;

pub use self::{index::index, schema::report_schema, table::gates};

/// What a name is the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A class of the ledger.
    Class,
    /// A finding beside the classes.
    Finding,
    /// A latency.
    Latency,
    /// A number of a latency.
    Statistic,
    /// Another number of the report.
    Figure,
    /// A class of results downstream, or another number of them.
    Result,
    /// A part of the run that a gate may be about.
    Part,
    /// A gate that every run has.
    BuiltInGate,
    /// How a gate ended.
    GateResult,
    /// An exit code, and the verdict of that name.
    ExitCode,
    /// A word of this program.
    Word,
}

impl Sort {
    /// Every one, in the order of reports.
    pub const ALL: [Self; 11] = [
        Self::Class,
        Self::Finding,
        Self::Latency,
        Self::Statistic,
        Self::Figure,
        Self::Result,
        Self::Part,
        Self::BuiltInGate,
        Self::GateResult,
        Self::ExitCode,
        Self::Word,
    ];

    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Class => "class of the ledger",
            Self::Finding => "finding",
            Self::Latency => "latency",
            Self::Statistic => "number of a latency",
            Self::Figure => "figure",
            Self::Result => "number of results downstream",
            Self::Part => "part of a run",
            Self::BuiltInGate => "built-in gate",
            Self::GateResult => "result of a gate",
            Self::ExitCode => "exit code",
            Self::Word => "word",
        }
    }
}

/// One name and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The name in reports and gates.
    pub name: &'static str,
    /// Other names for the same.
    pub aliases: &'static [&'static str],
    /// What it is the name of.
    pub sort: Sort,
    /// What it means, in a sentence or two.
    pub definition: &'static str,
    /// Which clock it is told by, where it is a time.
    pub clock: Option<&'static str>,
    /// What it leaves out, where one might think otherwise.
    pub excludes: Option<&'static str>,
    /// What follows from it.
    pub rule: Option<&'static str>,
}

impl Definition {
    const fn new(sort: Sort, name: &'static str, definition: &'static str) -> Self {
        Self { name, aliases: &[], sort, definition, clock: None, excludes: None, rule: None }
    }

    const fn also(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    const fn clock(mut self, clock: &'static str) -> Self {
        self.clock = Some(clock);
        self
    }

    const fn excludes(mut self, excludes: &'static str) -> Self {
        self.excludes = Some(excludes);
        self
    }

    const fn rule(mut self, rule: &'static str) -> Self {
        self.rule = Some(rule);
        self
    }

    fn is_named(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}

/// As `loadgen explain` prints it.
impl fmt::Display for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.sort.as_str())?;
        if !self.aliases.is_empty() {
            write!(f, ", also {}", self.aliases.join(", "))?;
        }
        writeln!(f, "\n  {}", self.definition)?;
        for (what, text) in [("clock", self.clock), ("excludes", self.excludes), ("rule", self.rule)] {
            if let Some(text) = text {
                writeln!(f, "  {what}: {text}")?;
            }
        }
        Ok(())
    }
}

/// Every definition, in the order of reports.
pub fn all() -> impl Iterator<Item = &'static Definition> {
    let ledger = ledger::DEFINITIONS.iter().chain(findings::DEFINITIONS);
    let numbers = latencies::DEFINITIONS
        .iter()
        .chain(figures::DEFINITIONS)
        .chain(sections::DEFINITIONS)
        .chain(results::DEFINITIONS);
    ledger.chain(numbers).chain(outcomes::DEFINITIONS).chain(table::PARTS).chain(ledger::WORDS)
}

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
