//! All expectations together: records of the input and of the output in, what became of each expected result out.

use std::collections::BTreeMap;

use super::class::Ending;
use super::declare::{Expectation, What};
use super::each::Each;
use super::expected::{Expected, Judge};
use super::explain::Explainer;
use super::fold::Fold;
use super::scores::{Rules, Scores};
use super::sessions::Sessions;
use super::source::{Closing, Log, Source};
use crate::event::stamp::RunId;
use crate::report::ExpectReport;

/// Records of an output after which it is told that none of them can be read.
const ENOUGH: u64 = 100;

/// A record of the input or the output.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Its partition.
    pub partition: usize,
    /// Its offset.
    pub offset: i64,
    /// Of the input, when it was written; of the output, when it was seen: ms since the Unix epoch.
    pub at_ms: i64,
    /// Its body; `None` for a tombstone.
    pub body: Option<&'a [u8]>,
}

/// Computes what must come out, and judges what did.
#[derive(Debug)]
pub struct Oracle {
    expected: Vec<Expected>,
    sources: Vec<Source>,
    /// By topic, the expectations whose results it holds.
    outputs: Vec<(String, Vec<usize>)>,
    is_timed: bool,
    /// The tag of the run's ids.
    tag: Option<u16>,
    room: Room,
    /// Records of the input.
    taken: u64,
}

/// How much of an expectation is kept in memory, about, and after how many records that is looked at.
#[derive(Clone, Copy, Debug)]
struct Room {
    most: usize,
    look: u64,
}

const ROOM: Room = Room { most: 2_000_000, look: 1 << 16 };

impl Oracle {
    /// Stands ready for these expectations. `logs` are those of their sources, by topic; `is_timed`: whether event times are due times
    /// of this run, so that latencies count from them. `run` is the one whose events have the truth that scores are judged by.
    #[must_use]
    pub fn new(expectations: &[Expectation], logs: &BTreeMap<String, Log>, is_timed: bool, run: Option<RunId>) -> Self {
        let tag = run.map(RunId::tag);
        let (expected, sources, outputs) = (Vec::new(), Vec::new(), Vec::new());
        let mut oracle = Self { expected, sources, outputs, is_timed, tag, room: ROOM, taken: 0 };
        for expectation in expectations {
            let log = logs.get(&expectation.source).cloned().unwrap_or_default();
            oracle.add(expectation.clone(), log);
        }
        oracle
    }

    /// With room for so much alone.
    #[cfg(test)]
    pub(super) fn within(self, most: usize) -> Self {
        Self { room: Room { most, look: 1 }, ..self }
    }

    /// About how much is in memory.
    #[cfg(test)]
    pub(super) fn weight(&self) -> usize {
        self.expected.iter().map(|expected| expected.kept.weight()).sum()
    }

    fn add(&mut self, expectation: Expectation, log: Log) {
        let expected = self.expected.len();
        let partitions = log.starts.len();
        let at = self.sources.iter().position(|source| source.topic == expectation.source).unwrap_or_else(|| {
            self.sources.push(Source::new(expectation.source.clone(), log));
            self.sources.len() - 1
        });
        self.sources[at].add_taker(expected, &expectation);
        match self.outputs.iter_mut().find(|(topic, _)| *topic == expectation.topic) {
            Some((_, of)) => of.push(expected),
            None => self.outputs.push((expectation.topic.clone(), vec![expected])),
        }
        let kept = match &expectation.what {
            What::Each { scores, .. } => {
                let scores = scores.as_ref().map(|rules| Scores::new(Rules::clone(rules), self.tag));
                Judge::Each(Box::new(Each::new(self.is_timed, self.tag, scores)))
            }
            What::Added(added) => Judge::Added(Box::new(Fold::new(added.clone(), partitions))),
            What::Sessions(added, gap) => Judge::Sessions(Box::new(Sessions::new(added.clone(), *gap, partitions))),
        };
        self.expected.push(Expected { expectation, kept, spill: None, records: (0, 0) });
    }

    /// The topics of the input.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().map(|source| source.topic.as_str())
    }

    /// The topics of the output.
    pub fn outputs(&self) -> impl Iterator<Item = &str> {
        self.outputs.iter().map(|(topic, _)| topic.as_str())
    }

    /// Takes a record of that source; whether it is the first that one of the expectations takes.
    pub fn input(&mut self, source: usize, record: &Record<'_>) -> bool {
        let Self { sources, expected, .. } = self;
        let Some(source) = sources.get_mut(source) else { return false };
        if let Some(body) = record.body {
            for taker in source.takers() {
                if let Judge::Each(each) = &mut expected[taker].kept
                    && let Some(scores) = each.scores()
                {
                    scores.compute(record.partition, record.offset, body);
                }
            }
        }
        let taken = source.events(record, |taken| expected[taken.expected].take(taken.event));
        self.taken += 1;
        if self.taken.is_multiple_of(self.room.look) {
            let most = self.room.most;
            expected
                .iter_mut()
                .filter(|of| of.spill.is_none() && of.kept.weight() > most)
                .for_each(Expected::begin_to_spill);
        }
        let Some((ts, is_first)) = taken else { return false };
        if let Some(known_to) = source.read_to(record.partition, ts) {
            for taker in source.takers() {
                expected[taker].tidy(known_to);
            }
        }
        is_first
    }

    /// A partition of that source is read to its end, for now.
    pub fn at_end(&mut self, source: usize, partition: usize) {
        if let Some(source) = self.sources.get_mut(source) {
            source.at_end(partition);
        }
    }

    /// What lies in that partition of a source from that offset on is no part of the run.
    pub fn ends_at(&mut self, source: usize, partition: usize, offset: i64) {
        if let Some(source) = self.sources.get_mut(source) {
            source.ends_at(partition, offset);
        }
    }

    /// The event time at which all windows of the run are closed that are written when they close; `None` where there are none.
    #[must_use]
    pub fn closes_at(&self) -> Option<i64> {
        self.expected.iter().filter_map(|expected| expected.kept.closes_at()).max()
    }

    /// Events of that time that close the windows of a source: none of them is of any key of the run.
    #[must_use]
    pub fn closing(&self, source: usize, at_ms: i64) -> Vec<Closing> {
        let Some(source) = self.sources.get(source) else { return Vec::new() };
        let closes = |taker: &usize| self.expected[*taker].kept.closes_at().is_some();
        let takers = source.takers().filter(closes);
        let mut events: Vec<Closing> = Vec::new();
        for event in takers.flat_map(|taker| source.closing(taker, &self.expected[taker].expectation, at_ms)) {
            if !events.contains(&event) {
                events.push(event);
            }
        }
        events
    }

    /// Takes a record of that output.
    pub fn output(&mut self, output: usize, record: &Record<'_>) {
        let Self { outputs, expected, .. } = self;
        let Some((_, of)) = outputs.get(output) else { return };
        for of in of {
            if let Some(expected) = expected.get_mut(*of) {
                expected.see(record);
            }
        }
    }

    /// What is wrong with an output whose records cannot be read, once there are enough of them.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        let unread = self
            .expected
            .iter()
            .find(|expected| expected.records.0 >= ENOUGH && expected.records.0 == expected.records.1)?;
        let Expectation { name, topic, .. } = &unread.expectation;
        Some(format!(
            "expectation \"{name}\": none of the first {ENOUGH} records of {topic} has what its output says at the paths that it says"
        ))
    }

    /// Whether nothing is waited for, with the input that was taken.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.expected.iter().all(|expected| match &expected.kept {
            // What lies on the disk is looked at in the end.
            _ if expected.spill.is_some() => false,
            Judge::Each(each) => each.is_settled(),
            Judge::Added(fold) => fold.is_settled(),
            Judge::Sessions(sessions) => sessions.is_settled(),
        })
    }

    /// What is known by now. What may still come, or be mended, is open: no figure of it takes back what it says.
    #[must_use]
    pub fn so_far(&self, at_ms: i64) -> Vec<ExpectReport> {
        let of = |Expected { expectation, kept, spill, .. }: &Expected| {
            let report = match kept {
                // What lies on the disk may change all that is in memory.
                _ if spill.is_some() => ExpectReport::default(),
                Judge::Each(each) => each.so_far(),
                Judge::Added(fold) => fold.so_far(at_ms, self.is_timed),
                Judge::Sessions(sessions) => sessions.so_far(at_ms, self.is_timed),
            };
            ExpectReport { name: expectation.name.clone(), topic: expectation.topic.clone(), ..report }
        };
        self.expected.iter().map(of).collect()
    }

    /// Judges all of it, and says what is to be looked at once more where something is wrong. `unknown` says why what a topic
    /// holds is not all known.
    #[must_use]
    pub fn end(self, at_ms: i64, unknown: &BTreeMap<String, String>) -> (Vec<ExpectReport>, Explainer) {
        let Self { expected, sources, is_timed, .. } = self;
        let of = |topic: &str| sources.iter().find(|source| source.topic == topic);
        let judged = expected.into_iter().map(|Expected { expectation, kept, spill, .. }| {
            let cut = of(&expectation.source).is_some_and(|source| !source.log.is_whole);
            let cut = (cut && expectation.is_a_running_total())
                .then(|| format!("{} does not reach back to its first record", expectation.source));
            let told = unknown.get(&expectation.source).or_else(|| unknown.get(&expectation.topic));
            let unknown = told.cloned().or(cut);
            let ending = Ending { at: at_ms, unknown: unknown.as_deref(), is_timed };
            let (report, trace) = match kept {
                Judge::Each(each) => each.end(ending, spill),
                Judge::Added(fold) => fold.end(ending, spill),
                Judge::Sessions(sessions) => sessions.end(ending, spill),
            };
            let sentence = expectation.to_string();
            (ExpectReport { name: expectation.name, topic: expectation.topic, sentence, ..report }, trace)
        });
        let (reports, traces) = judged.unzip();
        (reports, Explainer::new(sources, traces))
    }
}
