//! One report of several processes that ran at the same time with disjoint lanes of the same run.
//!
//! Counts are added, histograms are added, and every quantile is computed again from the sum: percentiles are never
//! averaged. What every process sees of the others' work (foreign records, siblings) is not counted several times.

mod availability;
mod counts;
mod expectations;
mod findings;
mod fleet;
mod identity;
mod latency;
mod offered;
mod readers;
mod schemas;
mod timeline;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use crate::recording::{LatencyKind, Recording};
pub use fleet::{LastWords, is_lost};
pub use readers::Readers;

use crate::report::fleet::ShardReport;
use crate::report::{GateResult, RunReport, SCHEMA_VERSION, TimelineRow, Verdict};

/// What one process left behind.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// What to call it, such as the name of its bundle.
    pub name: String,
    /// Its report.
    pub report: RunReport,
    /// Its histograms.
    pub recording: PartHistograms,
    /// Its seconds.
    pub rows: PartRows,
}

/// A part's seconds, which are many where it ran for long: of many parts those of one at a time are held.
#[derive(Clone, Default)]
pub enum PartRows {
    /// All of them are in its report.
    #[default]
    InReport,
    /// They are read when they are added up.
    There(Arc<dyn Fn() -> Result<Vec<TimelineRow>, String> + Send + Sync>),
}

impl fmt::Debug for PartRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InReport => "InReport",
            Self::There(_) => "There",
        })
    }
}

/// A part's histograms, which may be larger than all the rest: of many parts those of one at a time are held.
#[derive(Clone)]
pub enum PartHistograms {
    /// They are here.
    Here(Recording),
    /// They are read when they are added up.
    There(Arc<dyn Fn() -> Result<Recording, String> + Send + Sync>),
}

impl Default for PartHistograms {
    fn default() -> Self {
        Self::Here(Recording::default())
    }
}

impl fmt::Debug for PartHistograms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Here(_) => "Here",
            Self::There(_) => "There",
        })
    }
}

/// The whole.
#[derive(Clone, Debug, Default)]
pub struct Merged {
    /// As one process would have written it.
    pub report: RunReport,
    /// As one process would have recorded it.
    pub recording: Recording,
    /// Latencies by type or phase without quantiles, because a part kept no histogram of them: `by_type.view`.
    pub without_quantiles: Vec<String>,
}

/// What is decided anew over the whole.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// The gates and how they ended.
    pub gates: Vec<GateResult>,
    /// How the run ended, and why.
    pub verdict: Verdict,
}

/// Why parts are not one run.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MergeError {
    /// Nothing to add up.
    #[error("{0} given: merge needs the bundles of at least two processes")]
    TooFew(usize),
    /// Not the same run, or not the same kind of run.
    #[error(
        "{first} and {other} are not parts of one run: {what} is {first_value} in one and {other_value} in the other"
    )]
    Differs {
        /// What differs.
        what: &'static str,
        /// The first part.
        first: String,
        /// Its value.
        first_value: String,
        /// The other part.
        other: String,
        /// Its value.
        other_value: String,
    },
    /// The same lane twice: its events would count twice.
    #[error("lane {lane} is in {first} and in {other}: parts must have lanes of their own")]
    LanesOverlap {
        /// The lane.
        lane: u16,
        /// One part that has it.
        first: String,
        /// The other.
        other: String,
    },
    /// Lane numbers that do not fit the number of lanes.
    #[error("{part} says it had {lanes} lanes but names {named}")]
    LanesUnclear {
        /// The part.
        part: String,
        /// How many lanes it had.
        lanes: u16,
        /// How many it names.
        named: usize,
    },
    /// A shard without a bundle, of which nobody says that it was lost.
    #[error("the bundle of shard {number} of {of} is missing, and no other shard says that it was lost")]
    ShardMissing {
        /// The shard.
        number: u16,
        /// How many there are.
        of: u16,
    },
    /// Two processes judged what came out downstream, and do not agree.
    #[error(
        "expectation \"{expectation}\" was judged by {first} and by {other}, and they do not agree: name one of them"
    )]
    JudgedApart {
        /// The expectation.
        expectation: String,
        /// One that judged it.
        first: String,
        /// The other.
        other: String,
    },
    /// Not at the same time.
    #[error("{first} ended before {other} started: parts must have run at the same time")]
    NotTogether {
        /// The earlier part.
        first: String,
        /// The later.
        other: String,
    },
    /// A start that is no time.
    #[error("{part} started at \"{text}\", which is no RFC 3339 time")]
    Time {
        /// The part.
        part: String,
        /// What it says.
        text: String,
    },
    /// A ledger that does not add up.
    #[error("the ledger of {part} has {classes} events in its classes and {scheduled} scheduled")]
    Ledger {
        /// The part.
        part: String,
        /// The sum of its classes.
        classes: u64,
        /// What was scheduled.
        scheduled: u64,
    },
    /// Histograms that are not those of the report.
    #[error("{part} has {recorded} samples of {kind} in its histograms and {reported} in its report")]
    Samples {
        /// The part.
        part: String,
        /// The latency.
        kind: LatencyKind,
        /// In the histograms.
        recorded: u64,
        /// In the report.
        reported: u64,
    },
    /// Histograms or seconds that cannot be read.
    #[error("what {part} recorded cannot be read: {why}")]
    Unreadable {
        /// The part.
        part: String,
        /// Why.
        why: String,
    },
    /// Histograms that cannot be added.
    #[error("the histograms of {kind} in {part} cannot be added: {why}")]
    Histogram {
        /// The part.
        part: String,
        /// The latency.
        kind: LatencyKind,
        /// Why.
        why: String,
    },
}

/// Adds parts up. Their order does not matter. `judge` decides gates and verdict over the whole, which has none yet.
///
/// # Errors
/// Where the parts are not disjoint lanes of one run that ran at the same time, or one of them does not add up in itself.
pub fn merge(parts: Vec<Part>, judge: impl FnOnce(&RunReport) -> Judgement) -> Result<Merged, MergeError> {
    merge_with(parts, &[], &Readers::default(), judge)
}

/// The same where more is known of shards without a part than the parts say, whose events have no witness, and with what readers saw of all of
/// them, whose ledgers are then those of the join.
///
/// # Errors
/// As [`merge`].
pub fn merge_with(
    parts: Vec<Part>,
    known: &[ShardReport],
    readers: &Readers,
    judge: impl FnOnce(&RunReport) -> Judgement,
) -> Result<Merged, MergeError> {
    let whole = fleet::whole(&parts, known)?;
    let lost = whole.as_ref().map_or(0, |whole| whole.shards.iter().filter(|shard| fleet::is_lost(shard)).count());
    let others = readers.parts.len() + readers.judges.len();
    if parts.len() + lost + others < 2 || parts.is_empty() {
        return Err(MergeError::TooFew(parts.len()));
    }
    let (mut all, first) = identity::aligned(parts)?;
    let producers = all.len();
    all.extend(readers::aligned(readers, first)?);
    let (parts, read) = all.split_at(producers);
    let measured_s = parts.iter().map(|part| part.starts_s + part.report.run.measured_s).fold(0.0, f64::max);
    let latency::HistogramSums { seconds, by_type, phases } = latency::sums(&all)?;
    let mut without_quantiles = Vec::new();
    let latencies = latency::latencies(&all, &seconds);
    let mut report = RunReport {
        reading: None,
        collected: None,
        mirrored: None,
        fleet: whole,
        group: None,
        lag: None,
        schema_version: SCHEMA_VERSION,
        tool: parts[0].report.tool.clone(),
        run: identity::run(parts, measured_s),
        environment: identity::environment(parts),
        offered: offered::whole(parts),
        ledger: counts::ledger(parts),
        findings: findings::findings(parts),
        client: counts::client(parts, &latencies),
        // Each kind by the process that told it: the times are those since that one's start, which are the same to a moment.
        client_errors: all.iter().flat_map(|part| part.report.client_errors.iter().cloned()).collect(),
        read_throttling: {
            let told = all.iter().filter_map(|part| part.report.read_throttling.clone());
            told.max_by_key(|told| told.longest_ms)
        },
        transactions: counts::transactions(parts),
        process: counts::process(parts),
        availability: availability::availability(parts),
        faults: availability::faults(parts),
        fraud: counts::fraud(parts),
        expectations: expectations::expectations(&all, &readers.judges)?,
        latency_us: latencies,
        distributions: latency::distributions(&all, &seconds),
        by_type: counts::by_type(&all, &by_type, &mut without_quantiles),
        by_topic: counts::by_topic(parts),
        schemas: schemas::schemas(&all),
        phases: counts::phases(parts, &phases, &mut without_quantiles),
        partitions: counts::partitions(&all),
        hot_keys: counts::hot_keys(parts),
        timeline: timeline::timeline(&all, &seconds)?,
        joined_seconds: None,
        payload: parts[0].report.payload,
        // A trend is that of one process: each part's report has its own.
        drift: None,
        synthetic: parts[0].report.synthetic.clone(),
        replay: identity::replay(parts),
        // Each process tells of its own gates.
        alerts: parts.iter().flat_map(|part| part.report.alerts.iter().cloned()).collect(),
        gates: Vec::new(),
        verdict: Verdict::default(),
    };
    fleet::add_lost(&mut report);
    if !read.is_empty() {
        readers::add(&mut report, read, readers.copies);
        report.findings.examples = findings::examples(&all);
    }
    let Judgement { gates, verdict } = judge(&report);
    (report.gates, report.verdict) = (gates, verdict);
    let recording = Recording { intervals: latency::intervals(seconds), by_type, phases };
    Ok(Merged { report, recording, without_quantiles })
}

/// A part, and when it started.
#[derive(Clone, Debug)]
struct Aligned {
    name: String,
    report: RunReport,
    recording: PartHistograms,
    rows: PartRows,
    /// Seconds after the first part.
    starts_s: f64,
}

impl Aligned {
    /// The second of the whole that ends where the one of this part that ends at `at_s` does. Starts that are not whole
    /// seconds apart shift a part by up to half a second; no second is split.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a run's seconds are few and positive")]
    fn second(&self, at_s: f64) -> u64 {
        (at_s.round() + self.starts_s.round()).max(0.0) as u64
    }
}
