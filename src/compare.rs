//! Statistics over two sides of runs: is NEW better or worse than BASE, the same, or can nothing be said?
//!
//! # The method
//! The statistic of a run is the whole run's: each quantile of the merged histogram, each rate, the processor time per
//! event. Its noise is learned by drawing the run's seconds again in blocks (circular block bootstrap: Politis and
//! Romano, "A circular block-resampling procedure for stationary data", 1992) and merging the histograms of the drawn
//! seconds, so that seconds which resemble their neighbours count for less than independent ones would.
//! - *Pairs.* A draw takes the same seconds from both sides: what the schedule (a ramp, a recorded peak, a start) does
//!   to second n happens on both sides and cancels out.
//! - *Block length.* See `dependence`: from the data, and never below what Lazarus, Lewis, Stock and Watson ("HAR
//!   Inference: Recommendations for Practice", JBES 36, 2018) advise. What blocks of that length still miss is added.
//! - *Few blocks.* n / b blocks are few, so intervals use Student's t with the 1.5 (n / b - 1) degrees of freedom of
//!   overlapping batch means (Meketon and Schmeiser, "Overlapping batch means", WSC 1984).
//! - *Several runs a side.* A draw first draws runs, then their seconds. A side's value is the geometric mean over its
//!   runs. The variance is the larger of what the seconds say and of what the runs of a side differ by; the latter is
//!   pooled over both sides, so a single new run borrows what is known of the base.
//! - *Many quantities.* All intervals hold together with the confidence asked for (95 %), by the largest of all
//!   standardised deviations in each draw (Westfall and Young 1993; Romano and Wolf, Econometrica 73, 2005). So on two
//!   runs of the same thing a whole comparison, not each of its rows, raises a false alarm 5 times in 100.
//! - *No difference* is a statement of its own: the whole interval lies within the margin (equivalence: Schuirmann
//!   1987). An interval that leaves out zero and leaves the margin is better or worse; any other is inconclusive.
//! - *The maximum* of a run has no interval that draws could give (Bickel and Freedman 1981): it is shown, not judged.
//!   The geometric mean over the seconds of each second's maximum is judged in its place.
//!
//! `calibration` prints how often all this errs on simulated runs.

mod comparable;
mod curves;
mod dependence;
pub(crate) mod figures;
pub mod gate;
mod inference;
mod quantity;
mod resample;
mod results;
mod rows;
mod sample;
mod series;

#[cfg(test)]
mod calibration;
#[cfg(test)]
pub(crate) mod fixture;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use comparable::{Aspect, Difference, Where, differences};
pub use curves::{Curve, CurvePoint};
pub use quantity::{Better, Point, Quantity, UnknownQuantity};
pub use results::{ResultRow, ResultUnit};

use crate::recording::Recording;
use crate::report::RunReport;
use series::Series;

/// Shorter runs are shown, not judged, in seconds.
pub const MIN_SECONDS: usize = 30;

/// One run: its report and what it recorded.
#[derive(Clone, Debug, Default)]
pub struct Bundle {
    /// What to call it, such as the name of its folder.
    pub name: String,
    /// Its report.
    pub report: RunReport,
    /// Its histograms by second. A latency without any is not compared.
    pub recording: Recording,
}

/// How to compare.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// With which all intervals hold together; above 0.5 and below 1.
    pub confidence: f64,
    /// A change within it counts as none: 0.05 is from / 1.05 to * 1.05. Above 0, at most 1.
    pub margin: f64,
    /// How often to draw; at least 200.
    pub draws: usize,
    /// What drawing starts from: the same bundles and seed give the same figures.
    pub seed: u64,
    /// The quantities to compare; empty for all. Fewer give narrower intervals, if chosen before looking.
    pub only: Vec<Quantity>,
    /// Differences that would refuse the comparison, but shall only be named.
    pub allow: BTreeSet<Aspect>,
}

impl Default for Options {
    fn default() -> Self {
        Self { confidence: 0.95, margin: 0.05, draws: 2000, seed: 1, only: Vec::new(), allow: BTreeSet::new() }
    }
}

impl Options {
    fn check(&self) -> Result<(), CompareError> {
        let refuse = |option, range, value: String| Err(CompareError::Option { option, range, value });
        if !(self.confidence > 0.5 && self.confidence < 1.0) {
            return refuse("confidence", "above 50 % and below 100 %", self.confidence.to_string());
        }
        if !(self.margin > 0.0 && self.margin <= 1.0) {
            return refuse("margin", "above 0 % and at most 100 %", self.margin.to_string());
        }
        if self.draws < 200 {
            return refuse("draws", "at least 200", self.draws.to_string());
        }
        Ok(())
    }
}

/// Why nothing was compared.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CompareError {
    /// A side without a run.
    #[error("{0} has no run")]
    NoRun(Side),
    /// The two are not comparable.
    #[error("not comparable: {}", listed(.0))]
    NotComparable(Vec<Difference>),
    /// A run without a whole second of load.
    #[error("{0} has no second of load after its warm-up, so there is nothing to compare")]
    Empty(String),
    /// An option out of its range.
    #[error("{option} must be {range}, not {value}")]
    Option {
        /// Its name.
        option: &'static str,
        /// What it may be.
        range: &'static str,
        /// What it was.
        value: String,
    },
}

fn listed(differences: &[Difference]) -> String {
    differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// What is compared with.
    Base,
    /// What is compared.
    New,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Base => "BASE",
            Self::New => "NEW",
        })
    }
}

/// What a comparison found: plain data, for text, Markdown, HTML, JSON and gates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The version of these names.
    pub schema_version: u32,
    /// What is compared with.
    pub base: SideReport,
    /// What is compared.
    pub new: SideReport,
    /// How it was compared.
    pub method: Method,
    /// One row per quantity.
    pub rows: Vec<Row>,
    /// What came out downstream, where results were expected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<ResultRow>,
    /// The verdict over all rows: worse before better before inconclusive before no difference.
    pub verdict: Verdict,
    /// What differs between the runs beside their results.
    pub warnings: Vec<Difference>,
    /// What a reader has to know.
    pub notes: Vec<String>,
    /// Both sides' distribution of each latency.
    pub curves: Vec<Curve>,
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SideReport {
    /// The names of its bundles.
    pub runs: Vec<String>,
    /// The seconds of load of each after its warm-up.
    pub seconds: Vec<usize>,
}

/// How two sides were compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Method {
    /// With which all intervals hold together.
    pub confidence: f64,
    /// A change within it counts as none.
    pub margin: f64,
    /// How often seconds were drawn.
    pub draws: usize,
    /// What drawing started from.
    #[serde(with = "crate::units::exact")]
    pub seed: u64,
    /// Seconds compared of each run.
    pub seconds: usize,
    /// Length of a block, in seconds.
    pub block_s: usize,
    /// Standard errors that an interval reaches to each side before the allowance for few blocks.
    pub reach: f64,
}

/// One quantity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its name.
    pub quantity: Quantity,
    /// The unit of both values.
    pub unit: String,
    /// Which way is good.
    pub better: Better,
    /// BASE; the geometric mean over its runs.
    pub base: Option<f64>,
    /// NEW; the geometric mean over its runs.
    pub new: Option<f64>,
    /// Whether BASE is a lower bound, because events without an answer are among the samples.
    pub base_at_least: bool,
    /// Whether NEW is.
    pub new_at_least: bool,
    /// From BASE to NEW, in percent of BASE.
    pub change_percent: Option<f64>,
    /// How sure that is; `None` where it is not judged.
    #[serde(flatten)]
    pub change: Option<Change>,
    /// What it means.
    pub verdict: Verdict,
    /// Why it is not judged, or why its verdict is held back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How sure a change is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Lower end of the interval, in percent of BASE.
    pub low_percent: f64,
    /// Upper end.
    pub high_percent: f64,
    /// The smallest true change that would have been called better or worse 4 times in 5 at this noise, in percent.
    pub detectable_percent: f64,
    /// Where nothing can be said: how many times as much data would do, 4 times in 5, were there no difference.
    pub more_data: Option<f64>,
}

/// What a change means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// NEW is worse.
    Worse,
    /// NEW is better.
    Better,
    /// The noise is too large to say anything.
    Inconclusive,
    /// The change, if any, lies within the margin.
    NoDifference,
    /// Shown, not judged.
    NotJudged,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Worse => "worse",
            Self::Better => "better",
            Self::Inconclusive => "inconclusive",
            Self::NoDifference => "no difference",
            Self::NotJudged => "not judged",
        })
    }
}

impl Comparison {
    /// The same with what came out downstream.
    fn with(self, results: Vec<ResultRow>) -> Self {
        let any = |verdict| results.iter().any(|row| row.verdict == verdict);
        let verdict = if any(Verdict::Worse) {
            Verdict::Worse
        } else if any(Verdict::Better) && self.verdict != Verdict::Worse {
            Verdict::Better
        } else {
            self.verdict
        };
        Self { results, verdict, ..self }
    }

    /// Whether the runs are too short for anything to be judged.
    #[must_use]
    pub const fn is_too_short(&self) -> bool {
        self.method.seconds < MIN_SECONDS
    }
}

/// Compares NEW with BASE, each of one or several runs.
///
/// # Errors
/// Where a side is empty, the two are not comparable and that is not allowed, a run holds no load, or an option is out
/// of its range.
pub fn compare(base: &[Bundle], new: &[Bundle], options: &Options) -> Result<Comparison, CompareError> {
    options.check()?;
    for (side, bundles) in [(Side::Base, base), (Side::New, new)] {
        if bundles.is_empty() {
            return Err(CompareError::NoRun(side));
        }
    }
    let (refused, warnings): (Vec<_>, Vec<_>) = differences(base, new)
        .into_iter()
        .partition(|difference| difference.aspect.refuses() && !options.allow.contains(&difference.aspect));
    if !refused.is_empty() {
        return Err(CompareError::NotComparable(refused));
    }
    let (base_runs, new_runs) = (runs(base)?, runs(new)?);
    // Fewer quantities, if chosen, are all that is asked for.
    let results = if options.only.is_empty() { results::rows(base, new) } else { Vec::new() };
    Ok(rows::comparison(base_runs, new_runs, warnings, options).with(results))
}

/// A run to compare: its name and its seconds.
#[derive(Clone, Debug)]
struct NamedSeries {
    name: String,
    series: Series,
}

fn runs(bundles: &[Bundle]) -> Result<Vec<NamedSeries>, CompareError> {
    let run = |bundle: &Bundle| {
        let series = Series::of(bundle);
        if series.seconds.is_empty() {
            return Err(CompareError::Empty(bundle.name.clone()));
        }
        Ok(NamedSeries { name: bundle.name.clone(), series })
    };
    bundles.iter().map(run).collect()
}
