//! The highest rate that a system sustains: a search over probes, each one a short run at one rate.
//!
//! Nothing here knows how a probe is made; it is a function from a rate to an outcome. The search doubles the rate until
//! a probe breaks the rules, halves the ratio between good and bad down to half the precision asked for, and then makes
//! sure of both ends: the answer is an interval between a rate that passed twice and a rate that failed twice, neither
//! with an outcome that says otherwise. Whether the system or the generator gave out at the upper end are different
//! answers.

pub mod backlog;
pub mod knee;
pub mod record;
mod search;
#[cfg(test)]
mod simulation;
pub mod usl;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use backlog::Slope;
use knee::Knee;

use crate::figures::as_f64;
pub use search::{Search, Step};

/// What is searched, and how closely. Rates are whole events per second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchConfig {
    /// The first and lowest rate.
    pub start: u64,
    /// No higher rate is tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
    /// The width of the interval aimed at, as a part of the rate.
    pub precision: f64,
    /// No probe is begun that would probably end later than this, in seconds of probes.
    pub max_time_s: f64,
}

/// Why there is nothing to search.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum SearchError {
    /// No rate to start from.
    #[error("the lowest rate must be at least 1/s")]
    NoStart,
    /// The range is upside down.
    #[error("the lowest rate, {start}/s, is not below the highest one, {max}/s")]
    UpsideDown {
        /// The lowest rate.
        start: u64,
        /// The highest one.
        max: u64,
    },
    /// A precision that means nothing.
    #[error("the precision must lie between 0.5 % and 50 %, {:.3} % does not", .0 * 100.0)]
    Precision(f64),
    /// No time.
    #[error("the search needs a time limit above 0 s, {0} is none")]
    NoTime(f64),
    /// A recorded probe is not the one that this search would have made.
    #[error(
        "probe {number} was made at {found}/s, but this search asks for {wanted}: it was recorded with other settings"
    )]
    Foreign {
        /// Its place, counted from 1.
        number: usize,
        /// Its rate.
        found: u64,
        /// What the search asks for at this place.
        wanted: AskedRate,
    },
}

/// What a search asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AskedRate(Option<u64>);

impl std::fmt::Display for AskedRate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(rate) => write!(f, "{rate}/s"),
            None => f.write_str("no more"),
        }
    }
}

/// How a probe ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeVerdict {
    /// Every rule held.
    Passed,
    /// The system broke a rule.
    Failed,
    /// The generator could not offer the rate, so nothing is said about the system.
    GeneratorLimit,
    /// Too little is known, such as too few samples.
    Unevaluated,
}

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeOutcome {
    /// How it ended.
    pub verdict: ProbeVerdict,
    /// Why, most important first, in words that do not depend on the rate; empty for a pass.
    pub reasons: Vec<String>,
    /// Events per second handed to the client.
    pub achieved_per_s: f64,
    /// Median response time.
    pub p50_us: Option<u64>,
    /// 99 % of response time.
    pub p99_us: Option<u64>,
    /// The other quantiles that a gate names, in us, by their paths.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gated_us: BTreeMap<String, u64>,
    /// How fast the events without an answer became more: sent - acked.
    pub outstanding: Option<Slope>,
    /// How fast the unread events became more: acked - seen.
    pub unread: Option<Slope>,
    /// How long it took, from its preparation until everything was drained.
    pub took_s: f64,
}

/// A probe that was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// The rate offered, in events per second.
    pub rate: u64,
    /// What it found.
    #[serde(flatten)]
    pub outcome: ProbeOutcome,
}

/// What the search says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The system's limit lies in the interval.
    SystemLimit,
    /// The system sustains the lower end; at the upper one the generator gave out, so the system's limit is not known.
    GeneratorLimit,
    /// The highest rate allowed passed twice.
    AboveMax,
    /// No rate passed reliably, down to the lowest one.
    FailsAtLowest,
    /// Probes could not be judged.
    Unevaluated,
    /// The generator gave out at rates below others that had passed: this machine's noise is larger than the precision asked
    /// for.
    Unsteady,
    /// The time was up before the ends were sure.
    OutOfTime,
    /// It was stopped before the ends were sure.
    Interrupted,
}

/// What is probably left of a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Left {
    /// Probes.
    pub probes: usize,
    /// Seconds of them.
    pub takes_s: f64,
    /// Whether it is not known how many more there may be.
    pub at_least: bool,
}

/// One end of the interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// The rate, in events per second.
    pub rate: u64,
    /// How many probes at it say so. Below 2 it is not sure.
    pub probes: u32,
    /// Of these, for an upper end, those in which the generator was the limit: they say nothing about the system.
    #[serde(default, skip_serializing_if = "is_none")]
    pub generator: u32,
    /// What was first to break, for an upper end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CapacityReport {
    /// What was searched.
    pub config: SearchConfig,
    /// What it says.
    pub answer: Answer,
    /// The highest rate known to be sustained.
    pub low: Option<End>,
    /// The lowest rate known not to be.
    pub high: Option<End>,
    /// Probes within reach of the interval that say otherwise: the limit is not sharp, or something disturbed them.
    pub contradictions: Vec<String>,
    /// Where latency leaves its plateau.
    pub knee: Option<Knee>,
    /// Seconds spent in probes.
    pub took_s: f64,
    /// Every probe, in the order in which they were made.
    pub probes: Vec<Probe>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
const fn is_none(probes: &u32) -> bool {
    *probes == 0
}

impl CapacityReport {
    /// How much the upper end lies above the lower one, in percent of the latter.
    #[must_use]
    pub fn width_percent(&self) -> Option<f64> {
        let (low, high) = (self.low.as_ref()?, self.high.as_ref()?);
        Some((as_f64(high.rate) / as_f64(low.rate) - 1.0) * 100.0)
    }
}

/// Searches with `probe`, going on from the probes already made. A probe that breaks off ends the search with what is
/// known by then; `made` is called with the search after each probe, so that it can be kept.
///
/// # Errors
/// Where the settings make no search, or `known` belongs to another one.
pub fn search(
    config: SearchConfig,
    known: Vec<Probe>,
    mut probe: impl FnMut(u64) -> ControlFlow<(), ProbeOutcome>,
    mut made: impl FnMut(&Search),
) -> Result<CapacityReport, SearchError> {
    let mut search = Search::resume(config, known)?;
    while let Step::Probe(rate) = search.step() {
        match probe(rate) {
            ControlFlow::Continue(outcome) => search.record(outcome),
            ControlFlow::Break(()) => {
                search.interrupt();
                break;
            }
        }
        made(&search);
    }
    Ok(search.report())
}
