//! The fraud that a run's lanes wove in, event by event.

use serde::Serialize;

use crate::report::{FraudPattern, FraudReport, RunReport};
use crate::source::Source;
use crate::source::synthetic::fraud::{FraudConfig, Pattern, Truth};

/// The fraud of the events that came due in this process.
#[derive(Clone, Debug)]
pub struct Woven {
    config: FraudConfig,
    truth: Truth,
    /// How many events of each lane came due.
    drawn: Vec<(u16, u64)>,
}

/// One fraudulent event. Its `event_id` says lane and sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fraudulent {
    lane: u16,
    sequence: u64,
    pattern: Pattern,
    /// The episode's own name in the run.
    episode: String,
    /// Which step of it the event is, from 0.
    step: u8,
}

impl Fraudulent {
    /// A key by which its records spread over partitions.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.episode
    }
}

impl Woven {
    pub(super) fn of(source: &Source, lanes: u16, drawn: Vec<(u16, u64)>) -> Option<Self> {
        let (config, truth) = source.fraud(lanes)?;
        Some(Self { config: config.clone(), truth, drawn })
    }

    /// The fraudulent events, lane by lane.
    pub fn rows(&self) -> impl Iterator<Item = Fraudulent> + '_ {
        let of_lane = |(lane, drawn): &(u16, u64)| {
            let lane = *lane;
            self.truth.of_lane(lane, *drawn).map(move |(sequence, label)| Fraudulent {
                lane,
                sequence,
                pattern: label.pattern,
                episode: label.episode.to_string(),
                step: label.step,
            })
        };
        self.drawn.iter().flat_map(of_lane)
    }

    /// Where the truth is to be written to when the run has ended.
    #[must_use]
    pub fn topic(&self) -> Option<&str> {
        self.config.topic.as_deref()
    }

    pub(super) fn report(&self) -> FraudReport {
        let of = |pattern: Pattern| FraudPattern { name: pattern.to_string(), ..FraudPattern::default() };
        let mut patterns: Vec<FraudPattern> = Pattern::ALL.into_iter().map(of).collect();
        for row in self.rows() {
            let told = &mut patterns[row.pattern.index()];
            told.events += 1;
            told.episodes += u64::from(row.step == 0);
        }
        patterns.retain(|pattern| pattern.events > 0);
        FraudReport { rate: self.config.rate, topic: self.config.topic.clone(), patterns, unwritten: None }
    }
}

/// Says of scores how many events of the schedule nobody could score, since the input log does not hold them.
pub(super) fn beside_the_log(report: &mut RunReport) {
    let scheduled = report.ledger.scheduled;
    for expectation in &mut report.expectations {
        let expected = expectation.expected;
        if let Some(scores) = &mut expectation.scores {
            scores.not_written = scheduled.saturating_sub(expected);
        }
    }
}
