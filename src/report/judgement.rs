//! How the run is judged: gates, the verdict, and the ruling on each finding.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figures;

/// One gate and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GateResult {
    /// The rule.
    pub rule: String,
    /// What its author calls it; of a built-in gate the name by which it is turned off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The value compared: times in us, sizes in bytes, shares in percent.
    pub value: Option<f64>,
    /// How it ended.
    pub result: GateOutcome,
    /// Samples behind the value, where it is a latency.
    pub samples: Option<u64>,
    /// Why, where it did not pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether loadgen added it by itself.
    #[serde(default)]
    pub built_in: bool,
}

impl GateResult {
    /// What the reason of a gate begins with whose value breaks the limit while it cannot be judged yet.
    pub const BEYOND: &str = "beyond its limit so far";

    /// Whether its value breaks the limit, be it judged or not.
    #[must_use]
    pub fn is_beyond(&self) -> bool {
        let told = |reason: &String| reason.starts_with(Self::BEYOND);
        self.result == GateOutcome::Fail || self.reason.as_ref().is_some_and(told)
    }

    /// The value that the gate compared, in the unit of its rule.
    #[must_use]
    pub fn measured(&self) -> Option<String> {
        self.value.map(|value| figures::gate_value(&self.rule, value))
    }
}

/// How a gate ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateOutcome {
    /// The rule holds.
    Pass,
    /// The rule is broken.
    Fail,
    /// Nothing can be said: no samples, too few, or the run is not valid.
    #[default]
    Unevaluated,
}

/// How the run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The exit code.
    pub code: u8,
    /// Its name.
    pub name: String,
    /// Why, most important first; empty for a pass.
    pub reasons: Vec<String>,
    /// Names of the other exit codes that applied as well, most important first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// What happened and was allowed, or was not judged, and why: also of a pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How each class and finding that is not zero is judged, and by which rule of this configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rulings: Vec<Ruling>,
}

/// How one class or finding is judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ruling {
    /// The class or finding.
    pub finding: String,
    /// How many events or records.
    pub events: u64,
    /// How it is judged.
    pub ruling: RulingKind,
    /// The rule that says so.
    pub rule: String,
}

/// What a finding is under a run's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RulingKind {
    /// It must not happen.
    Violation,
    /// Nobody can say whether it is good.
    Undecided,
    /// It should not happen, and this configuration does not keep it from happening.
    Allowed,
    /// It happens in the course of things.
    Expected,
}
