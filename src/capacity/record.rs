//! What a capacity search leaves behind: `capacity.json`, kept after every probe, so that it can be read or gone on with
//! at any time.

use serde::{Deserialize, Serialize};

use super::usl::{self, Usl};
use super::{Answer, CapacityReport};
use crate::figures::as_f64;

/// The version of [`Record`].
pub const SCHEMA_VERSION: u32 = 1;

/// One search, or one for each number of what was varied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// Topic and cluster.
    pub target: String,
    /// Whether there was no cluster, but the embedded broker or none at all: then the figures are those of this client only.
    pub embedded: bool,
    /// The processors that a quota allowed the generator; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_quota: Option<f64>,
    /// The rules that a rate had to keep, beside those built in.
    pub gates: Vec<String>,
    /// How long each rate was held before it was judged, in seconds.
    pub settle_s: f64,
    /// How long it was judged, in seconds.
    pub probe_s: f64,
    /// What was varied: `lanes` or `partitions`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub varied: Option<String>,
    /// The numbers of it that are searched, in this order; those without a search have not been begun.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<u16>,
    /// The searches, in the order in which they were made.
    pub searches: Vec<Searched>,
    /// How capacity scales with what was varied, by the rates that passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaling: Option<Usl>,
}

/// One search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Searched {
    /// Lanes or partitions, where these were varied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u16>,
    /// What was found; `interrupted` until it is done.
    #[serde(flatten)]
    pub found: CapacityReport,
}

impl Record {
    /// Takes in what a search came to: a new one, or one that has gone on.
    pub fn keep(&mut self, number: Option<u16>, found: CapacityReport) {
        match self.searches.iter_mut().find(|searched| searched.number == number) {
            Some(searched) => searched.found = found,
            None => self.searches.push(Searched { number, found }),
        }
        let points: Vec<(f64, f64)> = self
            .searches
            .iter()
            .filter_map(|searched| Some((f64::from(searched.number?), as_f64(searched.found.low.as_ref()?.rate))))
            .collect();
        self.scaling = usl::fit(&points);
    }

    /// The numbers that are to be searched and have not been begun.
    pub fn not_begun(&self) -> impl Iterator<Item = u16> {
        let begun = |number: u16| self.searches.iter().any(|searched| searched.number == Some(number));
        self.numbers.iter().copied().filter(move |number| !begun(*number))
    }

    /// What all searches together say: the least sure of them, and those that were not begun are surely not done.
    #[must_use]
    pub fn answer(&self) -> Answer {
        let least_sure = [
            Answer::Interrupted,
            Answer::OutOfTime,
            Answer::Unsteady,
            Answer::Unevaluated,
            Answer::GeneratorLimit,
            Answer::FailsAtLowest,
            Answer::AboveMax,
        ];
        if self.not_begun().next().is_some() {
            return Answer::Interrupted;
        }
        let answers = || self.searches.iter().map(|searched| searched.found.answer);
        match least_sure.into_iter().find(|answer| answers().any(|found| found == *answer)) {
            Some(answer) => answer,
            None if self.searches.is_empty() => Answer::Interrupted,
            None => Answer::SystemLimit,
        }
    }
}
