//! What fraud was woven into the events of a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figures;

/// The fraud among the events that came due; which ones it is stands in the bundle.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FraudReport {
    /// The share of the events that was asked for.
    pub rate: f64,
    /// The topic that the truth was to be written to; absent where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Why the truth is not, or not whole, in that topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwritten: Option<String>,
    /// What there is of each pattern, as far as there is any.
    pub patterns: Vec<FraudPattern>,
}

/// What there is of one pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FraudPattern {
    /// Its name.
    pub name: String,
    /// Events that belong to its episodes.
    pub events: u64,
    /// Episodes that began.
    pub episodes: u64,
}

impl FraudReport {
    /// What there is, a part a pattern.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let sum = |of: fn(&FraudPattern) -> u64| self.patterns.iter().map(of).sum::<u64>();
        let whole = format!(
            "{} of {}",
            figures::counted(sum(|pattern| pattern.events), "event"),
            figures::counted(sum(|pattern| pattern.episodes), "episode")
        );
        let of =
            |pattern: &FraudPattern| format!("{} {}", pattern.name.replace('_', " "), figures::count(pattern.events));
        let unwritten = self
            .unwritten
            .as_ref()
            .map(|why| format!("the truth is not whole in {}: {why}", self.topic.as_deref().unwrap_or("its topic")));
        std::iter::once(whole).chain(self.patterns.iter().map(of)).chain(unwritten).collect()
    }
}
