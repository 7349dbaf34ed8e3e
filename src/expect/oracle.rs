//! All expectations together: records of the input and of the output in, what became of each expected result out.

use std::collections::BTreeMap;

use super::body;
use super::class::Tally;
use super::decimal::Decimal;
use super::declare::{Added, Expectation, Value, What};
use super::each::Each;
use super::fold::{Ending, Event, Fold};
use super::scores::{Rules, Scores};
use crate::event::stamp::RunId;
use crate::report::ExpectReport;

/// Records of an output after which it is told that none of them can be read.
const ENOUGH: u64 = 100;
/// So much event time goes by, in ms, before what is long known is counted and forgotten.
const TIDY: i64 = 10_000;
/// Where a score says which model made it.
const MODEL: &str = "model";

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

/// What is read of the log of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// Where the run began in each partition: what lies before is folded too, and its results are not expected.
    pub starts: Vec<i64>,
    /// Whether it is read from its very first record on.
    pub is_whole: bool,
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
}

#[derive(Debug)]
struct Expected {
    expectation: Expectation,
    kept: Kept,
    /// Records of its output that it selected, and those that it could not read.
    records: (u64, u64),
}

#[derive(Debug)]
enum Kept {
    Each(Box<Each>),
    Added(Box<Fold>),
}

#[derive(Debug)]
struct Source {
    topic: String,
    log: Log,
    /// All fields that its expectations look at.
    wanted: Vec<Box<str>>,
    takers: Vec<Taker>,
    /// The largest event time of each partition, and whether it is read to its end.
    read_to: Vec<(i64, bool)>,
    tidied: i64,
}

/// What an expectation looks at in events, as places among the fields that are wanted.
#[derive(Debug)]
struct Taker {
    expected: usize,
    type_field: usize,
    types: Vec<Box<[u8]>>,
    present: Vec<usize>,
    time: usize,
    key: usize,
    value_types: Vec<Box<[u8]>>,
    value: Adds,
}

#[derive(Debug)]
enum Adds {
    One,
    Field(usize),
    Product(usize, usize),
}

/// The value that an event adds: a field that is not there adds nothing, and what is no number is unknown.
fn adds(taker: &Taker, found: &[Option<&[u8]>], is_of_type: impl Fn(&[Box<[u8]>]) -> bool) -> Option<Decimal> {
    if !is_of_type(&taker.value_types) {
        return Some(Decimal::default());
    }
    match taker.value {
        Adds::One => Some(Decimal::whole(1)),
        Adds::Field(field) => {
            found[field].map_or(Some(Decimal::default()), |value| Decimal::parse(body::number(value)))
        }
        Adds::Product(one, other) => match (found[one], found[other]) {
            (Some(one), Some(other)) => Decimal::product(body::number(one), body::number(other)),
            _ => Some(Decimal::default()),
        },
    }
}

impl Oracle {
    /// Stands ready for these expectations. `logs` are those of their sources, by topic; `is_timed`: whether event times are due times
    /// of this run, so that latencies count from them. `run` is the one whose events have the truth that scores are judged by.
    #[must_use]
    pub fn new(expectations: &[Expectation], logs: &BTreeMap<String, Log>, is_timed: bool, run: Option<RunId>) -> Self {
        let tag = run.map(RunId::tag);
        let mut oracle = Self { expected: Vec::new(), sources: Vec::new(), outputs: Vec::new(), is_timed, tag };
        for expectation in expectations {
            let log = logs.get(&expectation.source).cloned().unwrap_or_default();
            oracle.add(expectation.clone(), log);
        }
        oracle
    }

    fn add(&mut self, expectation: Expectation, log: Log) {
        let expected = self.expected.len();
        let partitions = log.starts.len();
        let at = self.sources.iter().position(|source| source.topic == expectation.source).unwrap_or_else(|| {
            self.sources.push(Source {
                topic: expectation.source.clone(),
                log,
                wanted: Vec::new(),
                takers: Vec::new(),
                read_to: vec![(i64::MIN, false); partitions],
                tidied: i64::MIN,
            });
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
                Kept::Each(Box::new(Each::new(self.is_timed, scores)))
            }
            What::Added(added) => Kept::Added(Box::new(Fold::new(added.clone(), partitions))),
        };
        self.expected.push(Expected { expectation, kept, records: (0, 0) });
    }

    /// The topics of the input.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().map(|source| source.topic.as_str())
    }

    /// The topics of the output.
    pub fn outputs(&self) -> impl Iterator<Item = &str> {
        self.outputs.iter().map(|(topic, _)| topic.as_str())
    }

    /// Takes a record of that source.
    pub fn input(&mut self, source: usize, record: &Record<'_>) {
        let Self { sources, expected, .. } = self;
        let Some(source) = sources.get_mut(source) else { return };
        let Some(body) = record.body else { return };
        let mut found = Vec::new();
        // A processor leaves out what is no event, and so does this.
        if body::fields(body, &source.wanted, &mut found).is_none() {
            return;
        }
        for taker in &source.takers {
            if let Kept::Each(each) = &mut expected[taker.expected].kept
                && let Some(scores) = each.scores()
            {
                scores.compute(record.partition, record.offset, body);
            }
        }
        let is_own = source.log.starts.get(record.partition).is_none_or(|start| record.offset >= *start);
        let mut latest = None;
        for taker in &source.takers {
            let event_type = found[taker.type_field].and_then(body::text);
            let is_of_type = |types: &[Box<[u8]>]| {
                types.is_empty() || types.iter().any(|known| event_type.as_deref() == Some(&**known))
            };
            if !is_of_type(&taker.types) || taker.present.iter().any(|field| found[*field].is_none()) {
                continue;
            }
            let Some(ts) = found[taker.time].and_then(body::whole).filter(|ts| *ts >= 0) else { continue };
            let Some(key) = found[taker.key].and_then(body::text) else { continue };
            latest = latest.max(Some(ts));
            match &mut expected[taker.expected].kept {
                Kept::Each(each) => each.take(&key, ts, is_own),
                Kept::Added(fold) => fold.take(Event {
                    partition: record.partition,
                    at: record.at_ms,
                    ts,
                    key: &key,
                    value: adds(taker, &found, is_of_type),
                    is_own,
                }),
            }
        }
        if let (Some(ts), Some((read_to, is_at_end))) = (latest, source.read_to.get_mut(record.partition)) {
            (*read_to, *is_at_end) = (ts.max(*read_to), false);
            if ts.saturating_sub(source.tidied) >= TIDY {
                source.tidy(expected);
            }
        }
    }

    /// A partition of that source is read to its end, for now.
    pub fn at_end(&mut self, source: usize, partition: usize) {
        if let Some((_, is_at_end)) = self.sources.get_mut(source).and_then(|source| source.read_to.get_mut(partition))
        {
            *is_at_end = true;
        }
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
            Kept::Each(each) => each.is_settled(),
            Kept::Added(fold) => fold.is_settled(),
        })
    }

    /// Judges all of it. `unknown` says why the input of a topic is not known to its end.
    #[must_use]
    pub fn end(self, at_ms: i64, unknown: &BTreeMap<String, String>) -> Vec<ExpectReport> {
        let Self { expected, sources, is_timed, .. } = self;
        let of = |topic: &str| sources.iter().find(|source| source.topic == topic);
        let judged = expected.into_iter().map(|Expected { expectation, kept, .. }| {
            let cut = of(&expectation.source).is_some_and(|source| !source.log.is_whole);
            let cut = (cut && expectation.is_a_running_total())
                .then(|| format!("{} does not reach back to its first record", expectation.source));
            let unknown = unknown.get(&expectation.source).cloned().or(cut);
            let ending = Ending { at: at_ms, unknown: unknown.as_deref(), is_timed };
            let report = match kept {
                Kept::Each(each) => each.end(ending),
                Kept::Added(fold) => fold.end(ending),
            };
            let sentence = expectation.to_string();
            ExpectReport { name: expectation.name, topic: expectation.topic, sentence, ..report }
        });
        judged.collect()
    }
}

impl Source {
    fn add_taker(&mut self, expected: usize, expectation: &Expectation) {
        let mut place = |field: &str| {
            self.wanted.iter().position(|wanted| &**wanted == field).unwrap_or_else(|| {
                self.wanted.push(field.into());
                self.wanted.len() - 1
            })
        };
        let bytes = |types: &[String]| types.iter().map(|name| name.as_bytes().into()).collect();
        let (key, value, value_types) = match &expectation.what {
            What::Each { field, .. } => (place(field), Adds::One, Vec::new()),
            What::Added(Added { key, value, value_types, .. }) => {
                let value = match value {
                    Value::Count => Adds::One,
                    Value::Sum(field) => Adds::Field(place(field)),
                    Value::Product(one, other) => Adds::Product(place(one), place(other)),
                };
                (place(key), value, bytes(value_types))
            }
        };
        self.takers.push(Taker {
            expected,
            type_field: place(&expectation.type_field),
            types: bytes(&expectation.types),
            present: expectation.present.iter().map(|field| place(field)).collect(),
            time: place(&expectation.time),
            key,
            value_types,
            value,
        });
    }

    /// Lets go of what is long known, as far as the slowest partition is read.
    fn tidy(&mut self, expected: &mut [Expected]) {
        let behind = self.read_to.iter().filter(|(_, is_at_end)| !is_at_end).map(|(ts, _)| *ts).min();
        let Some(behind) = behind.filter(|ts| *ts > i64::MIN) else { return };
        self.tidied = behind;
        for taker in &self.takers {
            if let Kept::Added(fold) = &mut expected[taker.expected].kept {
                fold.tidy(behind);
            }
        }
    }
}

impl Expected {
    fn tally(&mut self) -> &mut Tally {
        match &mut self.kept {
            Kept::Each(each) => each.tally(),
            Kept::Added(fold) => fold.tally(),
        }
    }

    fn see(&mut self, record: &Record<'_>) {
        // A tombstone takes a result back that nobody asked to be taken back; it has no key that could be read.
        let body = record.body.unwrap_or_default();
        let has = |(path, text): &(Vec<Box<str>>, String)| {
            body::at(body, path).and_then(body::text).as_deref() == Some(text.as_bytes())
        };
        if !self.expectation.only.iter().all(has) {
            return;
        }
        self.records.0 += 1;
        if self.read(record, body).is_none() {
            self.records.1 += 1;
            self.tally().count_unreadable();
        }
    }

    fn read(&mut self, record: &Record<'_>, body: &[u8]) -> Option<()> {
        match (&mut self.kept, &self.expectation.what) {
            (Kept::Each(each), What::Each { at, scores: None, .. }) => {
                each.see(&body::text(body::at(body, at)?)?, 0.0, record.at_ms);
            }
            (Kept::Each(each), What::Each { at, scores: Some(rules), .. }) => {
                let id = body::text(body::at(body, at)?)?;
                let score = std::str::from_utf8(body::number(body::at(body, &rules.at)?)).ok()?;
                let score = score.parse().ok().filter(|score: &f64| !score.is_nan())?;
                each.see(&id, score, record.at_ms);
                if let Some(scores) = each.scores() {
                    scores.tell(&id, body);
                    if let Some(model) = body::at(body, &[MODEL.into()]).and_then(body::text) {
                        scores.note_model(&model);
                    }
                }
            }
            (Kept::Added(fold), What::Added(added)) => {
                let key = body::text(body::at(body, &added.at)?)?;
                let value = Decimal::parse(body::number(body::at(body, &added.of)?))?;
                let whole = |path| body::whole(body::at(body, path)?);
                let start = match (added.window, &added.start, &added.end) {
                    (None, ..) => 0,
                    (Some(window), Some(start), Some(end)) => {
                        let (start, end) = (whole(start)?, whole(end)?);
                        (end.checked_sub(start)? == window.size).then_some(start)?
                    }
                    (Some(_), Some(start), None) => whole(start)?,
                    (Some(window), None, Some(end)) => whole(end)?.checked_sub(window.size)?,
                    (Some(_), None, None) => return None,
                };
                fold.see(&key, start, value, record.at_ms);
            }
            _ => {}
        }
        Some(())
    }
}
