//! A name and what it means.

use std::fmt;

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
    pub(super) const fn new(sort: Sort, name: &'static str, definition: &'static str) -> Self {
        Self { name, aliases: &[], sort, definition, clock: None, excludes: None, rule: None }
    }

    pub(super) const fn also(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    pub(super) const fn clock(mut self, clock: &'static str) -> Self {
        self.clock = Some(clock);
        self
    }

    pub(super) const fn excludes(mut self, excludes: &'static str) -> Self {
        self.excludes = Some(excludes);
        self
    }

    pub(super) const fn rule(mut self, rule: &'static str) -> Self {
        self.rule = Some(rule);
        self
    }

    pub(super) fn is_named(&self, name: &str) -> bool {
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
