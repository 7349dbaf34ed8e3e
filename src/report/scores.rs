//! How good the scores of a fraud scorer were, judged by the truth.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LatencySummary;
use crate::figures;

/// Episodes below which nothing is said of how many are found: a share of less than that means nothing.
pub const ENOUGH_EPISODES: u64 = 20;

/// Figures are told side by side in lines of less than so many letters.
const WIDE: usize = 66;

/// What scores came to. The first four sum to the events that were scored once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScoresReport {
    /// Fraudulent events whose score reached the threshold.
    pub detected: u64,
    /// Fraudulent events whose score did not.
    pub missed: u64,
    /// Honest events whose score reached it.
    pub false_alarm: u64,
    /// Honest events whose score did not.
    pub quiet: u64,
    /// Events of the schedule that the input log does not hold, so that nobody could score them.
    pub not_written: u64,
    /// From which score on an event is called fraudulent.
    pub threshold: f64,
    /// How many of the highest scores `precision_at_k` looks at.
    pub k: u64,
    /// What the records call their models, the first few.
    pub models: Vec<String>,
    /// Fraudulent events that were judged, those without a score among them.
    pub fraudulent: u64,
    /// Episodes of which an event was judged.
    pub episodes: u64,
    /// Episodes of which one event at least reached the threshold.
    pub episodes_detected: u64,
    /// The share of alarms that are right.
    pub precision: Option<Estimate>,
    /// The share of fraudulent events that reached the threshold.
    pub recall: Option<Estimate>,
    /// How long after its due time a score was of use, in ms; absent where that was not said, or event times are not this run's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_ms: Option<u64>,
    /// The share of fraudulent events that reached the threshold within that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recall_within: Option<Estimate>,
    /// The harmonic mean of both.
    pub f1: Option<Estimate>,
    /// The area under the curve of precision over recall, by steps (average precision).
    pub auc_pr: Option<Estimate>,
    /// The share of the `k` highest scores that belong to fraudulent events.
    pub precision_at_k: Option<Estimate>,
    /// The recall at the lowest threshold that calls at most 1 % of the honest events fraudulent.
    pub recall_at_1_percent: Option<Estimate>,
    /// From the due time of an episode's first event to the sight of the first score that reached the threshold; in us. Absent where event
    /// times are not this run's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detection_us: Option<LatencySummary>,
    /// How many bits scores were told apart by; absent where all of them were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_apart_by_bits: Option<u32>,
    /// Whether what was scored is what there was; absent where that was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skew: Option<SkewReport>,
    /// The same of each pattern.
    pub patterns: Vec<PatternReport>,
}

/// What was found of one pattern.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PatternReport {
    /// Its name.
    pub name: String,
    /// Its events that were judged.
    pub fraudulent: u64,
    /// Those whose score reached the threshold.
    pub detected: u64,
    /// Its episodes.
    pub episodes: u64,
    /// Those of which one event at least reached the threshold.
    pub episodes_detected: u64,
    /// The share of its events that reached the threshold.
    pub recall: Option<Estimate>,
    /// As that of all episodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detection_us: Option<LatencySummary>,
}

/// What scores say that was looked at against what the input log gives (training and serving skew).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SkewReport {
    /// Events of which both were known.
    pub compared: u64,
    /// Those of which a feature differs.
    pub differing: u64,
    /// Records that do not say what was looked at.
    pub without: u64,
    /// The features that differ.
    pub features: Vec<FeatureSkew>,
}

/// A feature that differs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FeatureSkew {
    /// Its name.
    pub name: String,
    /// In how many events.
    pub differing: u64,
    /// By how much at most.
    pub largest: f64,
}

impl SkewReport {
    fn line(&self) -> String {
        let Self { compared, differing, without, features } = self;
        let which: Vec<String> = (features.iter())
            .map(|feature| {
                format!(
                    "{} of {} by at most {}",
                    feature.name,
                    figures::count(feature.differing),
                    figures::significant(feature.largest)
                )
            })
            .collect();
        let which = if which.is_empty() { String::new() } else { format!(" ({})", which.join(", ")) };
        let without = if *without == 0 {
            String::new()
        } else {
            format!("; {} say nothing of it", figures::counted(*without, "record"))
        };
        format!(
            "features of {} compared with those of the log: {} differ{which}{without}",
            figures::counted(*compared, "event"),
            figures::count(*differing)
        )
    }
}

/// A share and the interval of 95 % around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// The share, 0 to 1.
    pub value: f64,
    /// Its least.
    pub low: f64,
    /// Its most.
    pub high: f64,
}

impl Estimate {
    fn told(self) -> String {
        let Self { value, low, high } = self;
        format!("{} ({} to {})", figures::number(value, 3), figures::number(low, 3), figures::number(high, 3))
    }
}

impl ScoresReport {
    /// Why nothing is said of how good scores are; `None` where something is.
    #[must_use]
    pub fn unsaid(&self) -> Option<String> {
        (self.episodes < ENOUGH_EPISODES).then(|| {
            format!(
                "needs {}, this run had {}",
                figures::counted(ENOUGH_EPISODES, "episode"),
                figures::count(self.episodes)
            )
        })
    }

    /// The classes with their names.
    #[must_use]
    pub const fn classes(&self) -> [(&'static str, u64); 4] {
        [("detected", self.detected), ("missed", self.missed), ("false alarm", self.false_alarm), ("quiet", self.quiet)]
    }

    /// The figures with their names.
    #[must_use]
    pub fn figures(&self) -> Vec<(String, Option<Estimate>)> {
        vec![
            ("precision".to_owned(), self.precision),
            ("recall".to_owned(), self.recall),
            ("F1".to_owned(), self.f1),
            ("AUC-PR".to_owned(), self.auc_pr),
            (format!("precision at {}", figures::count(self.k)), self.precision_at_k),
            ("recall at 1% false alarms".to_owned(), self.recall_at_1_percent),
            (
                format!("recall within {}", figures::duration_us(self.within_ms.unwrap_or_default() * 1_000)),
                self.recall_within,
            ),
        ]
    }

    /// The classes, in a line.
    #[must_use]
    pub fn heading(&self) -> String {
        let classes = self.classes().map(|(name, count)| format!("{} {name}", figures::count(count))).join(", ");
        let by = if self.models.is_empty() { String::new() } else { format!(" by {}", self.models.join(", ")) };
        let not_written = match self.not_written {
            0 => String::new(),
            number => format!("; {} of the schedule are not in the log", figures::count(number)),
        };
        format!("at {}{by}: {classes}{not_written}", figures::trimmed(self.threshold, 6))
    }

    /// What is to be said beside the figures.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let skew = self.skew.iter().map(SkewReport::line);
        let bits = self.told_apart_by_bits;
        let bits =
            bits.map(|bits| format!("more than a million different scores: they were told apart by {bits} bits"));
        skew.chain(bits).collect()
    }

    /// What it comes to, line by line.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.heading()];
        if let Some(why) = self.unsaid() {
            lines.push(format!("how good they are is not said: {why}"));
        } else {
            let told = |(name, estimate): (String, Option<Estimate>)| Some(format!("{name} {}", estimate?.told()));
            let mut row = String::new();
            for figure in self.figures().into_iter().filter_map(told) {
                if row.is_empty() || row.len() + figure.len() < WIDE {
                    row = if row.is_empty() { figure } else { format!("{row}, {figure}") };
                } else {
                    lines.push(std::mem::replace(&mut row, figure));
                }
            }
            lines.push(row);
        }
        lines.extend(self.patterns.iter().map(PatternReport::line));
        lines.extend(self.remarks());
        lines
    }
}

impl PatternReport {
    /// What was found of it.
    #[must_use]
    pub fn line(&self) -> String {
        let recall = self.recall.map_or_else(|| figures::NONE.to_owned(), |recall| figures::number(recall.value, 3));
        let after = self.detection_us.as_ref().and_then(|latency| latency.p50);
        let after = after.map_or_else(String::new, |us| format!(", after p50 {}", figures::duration_us(us)));
        format!(
            "{}: recall {recall}, {} of {}{after}",
            self.name.replace('_', " "),
            figures::count(self.episodes_detected),
            figures::counted(self.episodes, "episode")
        )
    }
}
