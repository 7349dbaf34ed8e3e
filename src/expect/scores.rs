//! Scores judged by the truth: each event of a run is fraudulent or honest, and its score says so or does not.

mod ranking;
mod share;
mod skew;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use self::ranking::Ranking;
use self::share::{Cluster, Ratio, logit, wilson};
use self::skew::Skew;
use super::class::Ending;
use super::declare::JsonPath;
use crate::clock::Nanos;
use crate::event::stamp::{Numbering, Stamp};
use crate::measure::LatencyHistogram;
use crate::report::{PatternReport, ScoresReport};
use crate::source::synthetic::fraud::{Episode, Pattern, Truth};

/// Names of models that are told.
const MODELS: usize = 5;

/// What is declared of scores.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rules {
    /// Where the score is in a record.
    pub(super) at: JsonPath,
    /// From which score on an event is called fraudulent.
    pub(super) threshold: f64,
    /// How many of the highest scores are looked at.
    pub(super) k: u64,
    /// How long after its due time a score is of use, in ms.
    pub(super) within_ms: Option<i64>,
    /// Where a record says what was looked at.
    pub(super) features: Option<JsonPath>,
    pub(super) truth: Truth,
}

/// What is known of an event when nothing more comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scored {
    /// Its id.
    pub(super) id: u128,
    /// Its time, in ms.
    pub(super) due: i64,
    /// The first score and when it was seen; `None` where none was.
    pub(super) first: Option<(f64, i64)>,
    /// Whether it was scored just once.
    pub(super) is_single: bool,
}

/// What is known of an episode.
#[derive(Clone, Copy, Debug)]
struct EpisodeOutcome {
    pattern: Pattern,
    events: u64,
    detected: u64,
    in_time: u64,
    due: i64,
    detected_at: Option<i64>,
}

/// All scores of a run.
#[derive(Debug)]
pub(super) struct Scores {
    rules: Rules,
    numbering: Numbering,
    /// The tag of the run's ids; `None` where it is not known.
    tag: Option<u16>,
    report: ScoresReport,
    models: BTreeSet<String>,
    episodes: BTreeMap<Episode, EpisodeOutcome>,
    /// Honest events that reached the threshold, however often they were scored.
    alarms: u64,
    ranking: Ranking,
    skew: Option<Skew>,
}

impl Scores {
    pub(super) fn new(rules: Rules, tag: Option<u16>) -> Self {
        let numbering = Numbering::of(rules.truth.lanes());
        let skew = rules.features.as_deref().map(Skew::new);
        let report = ScoresReport { threshold: rules.threshold, k: rules.k, ..ScoresReport::default() };
        Self {
            rules,
            numbering,
            tag,
            report,
            models: BTreeSet::new(),
            episodes: BTreeMap::new(),
            alarms: 0,
            ranking: Ranking::default(),
            skew,
        }
    }

    /// Whether an event is one of the run, whose truth alone is known.
    pub(super) fn is_of_run(&self, id: u128) -> bool {
        Stamp::from_bits(id).is_some_and(|stamp| self.tag.is_none_or(|tag| tag == stamp.tag))
    }

    /// The next record of a partition of the input, for what is to be looked at there.
    pub(super) fn compute(&mut self, partition: usize, offset: i64, body: &[u8]) {
        if let Some(skew) = &mut self.skew {
            skew.compute(partition, offset, body);
        }
    }

    /// What a record says that was looked at.
    pub(super) fn tell(&mut self, id: &[u8], body: &[u8]) {
        if let (Some(skew), Ok(id)) = (&mut self.skew, uuid::Uuid::try_parse_ascii(id)) {
            skew.tell(id.as_u128(), body);
        }
    }

    /// A record names the model that made it.
    pub(super) fn note_model(&mut self, name: &[u8]) {
        let name = String::from_utf8_lossy(name);
        if self.models.len() < MODELS && !self.models.contains(name.as_ref()) {
            self.models.insert(name.into_owned());
        }
    }

    pub(super) fn take(&mut self, scored: Scored) {
        let Some(stamp) = Stamp::from_bits(scored.id).map(|stamp| self.numbering.resolved(stamp)) else { return };
        let label = self.rules.truth.label(stamp.lane, stamp.sequence);
        let is_alarm = scored.first.is_some_and(|(score, _)| score >= self.rules.threshold);
        let class = match (label.is_some(), is_alarm) {
            (true, true) => &mut self.report.detected,
            (true, false) => &mut self.report.missed,
            (false, true) => &mut self.report.false_alarm,
            (false, false) => &mut self.report.quiet,
        };
        *class += u64::from(scored.is_single);
        let score = scored.first.map_or(f64::NEG_INFINITY, |(score, _)| score);
        self.ranking.add(score, label.is_some());
        let Some(label) = label else {
            self.alarms += u64::from(is_alarm);
            return;
        };
        let found = self.episodes.entry(label.episode).or_insert(EpisodeOutcome {
            pattern: label.pattern,
            events: 0,
            detected: 0,
            in_time: 0,
            due: scored.due,
            detected_at: None,
        });
        found.events += 1;
        found.due = found.due.min(scored.due);
        if let Some((_, at)) = scored.first.filter(|_| is_alarm) {
            found.detected += 1;
            found.in_time += u64::from(self.rules.within_ms.is_none_or(|within| at - scored.due <= within));
            found.detected_at = Some(found.detected_at.map_or(at, |earlier| earlier.min(at)));
        }
    }

    pub(super) fn end(self, ending: Ending<'_>) -> ScoresReport {
        let Self { rules, report, models, episodes, alarms, ranking, skew, .. } = self;
        let within_ms = rules.within_ms.filter(|_| ending.is_timed).and_then(|within| u64::try_from(within).ok());
        let found: Vec<EpisodeOutcome> = episodes.into_values().collect();
        let of = |pattern: Pattern| {
            let found: Vec<EpisodeOutcome> = found.iter().copied().filter(|found| found.pattern == pattern).collect();
            told(&found, ending).map(|told| PatternReport { name: pattern.to_string(), ..told })
        };
        let patterns = Pattern::ALL.into_iter().filter_map(of).collect();
        let whole = told(&found, ending).unwrap_or_default();
        let clusters = |of: fn(&EpisodeOutcome) -> Cluster| found.iter().map(of).collect::<Vec<Cluster>>();
        let precision = clusters(|found| Cluster { part: found.detected, whole: found.detected });
        let f1 = clusters(|found| Cluster { part: 2 * found.detected, whole: found.events + found.detected });
        let in_time = clusters(|found| Cluster { part: found.in_time, whole: found.events });
        let ranked = ranking.ranked();
        let by_episode = |value: f64| wilson(value, whole.episodes);
        ScoresReport {
            models: models.into_iter().collect(),
            fraudulent: whole.fraudulent,
            episodes: whole.episodes,
            episodes_detected: whole.episodes_detected,
            precision: Ratio::of(&precision, alarms).estimate(),
            recall: whole.recall,
            within_ms,
            recall_within: within_ms.and_then(|_| Ratio::of(&in_time, 0).estimate()),
            f1: Ratio::of(&f1, alarms).estimate(),
            auc_pr: ranked.average_precision().map(|value| logit(value, whole.episodes)),
            precision_at_k: ranked.precision_at(report.k).map(|value| wilson(value, report.k)),
            recall_at_1_percent: ranked.recall_at_false_alarms(0.01).map(by_episode),
            detection_us: whole.detection_us,
            told_apart_by_bits: ranking.bits(),
            skew: skew.map(Skew::end),
            patterns,
            ..report
        }
    }
}

/// What was found of these episodes; `None` where there are none.
fn told(found: &[EpisodeOutcome], ending: Ending<'_>) -> Option<PatternReport> {
    if found.is_empty() {
        return None;
    }
    let mut latency = LatencyHistogram::default();
    for found in found {
        match found.detected_at {
            Some(at) => latency.record(nanos(at - found.due)),
            None => latency.record_censored(nanos(ending.at - found.due)),
        }
    }
    let recall: Vec<Cluster> =
        found.iter().map(|found| Cluster { part: found.detected, whole: found.events }).collect();
    let count = |of: fn(&EpisodeOutcome) -> u64| found.iter().map(of).sum();
    Some(PatternReport {
        name: String::new(),
        fraudulent: count(|found| found.events),
        detected: count(|found| found.detected),
        episodes: count(|_| 1),
        episodes_detected: count(|found| u64::from(found.detected > 0)),
        recall: Ratio::of(&recall, 0).estimate(),
        detection_us: ending.is_timed.then(|| latency.summary()),
    })
}

fn nanos(ms: i64) -> Nanos {
    Nanos::from_millis(u64::try_from(ms).unwrap_or_default())
}
