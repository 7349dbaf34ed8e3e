//! The judge of scores by its own test: a scorer that is right about everything but what is put wrong, and whether just that is found.

use std::collections::BTreeMap;

use super::table::Row;
use crate::event::catalogue::Catalogue;
use crate::event::stamp::{DueTime, RunId, Stamp};
use crate::expect::{DeclareError, ExpectConfig, Expectation, Log, Named, Oracle, OutputConfig, Record, RunFacts};
use crate::source::synthetic::fraud::{FraudConfig, Truth};

const EVENTS: u64 = 20_000;
const RATE: f64 = 0.02;
/// Fraudulent events that the scorer takes for honest ones.
const MISSED: u64 = 7;
/// Honest events that it takes for fraudulent ones.
const ALARMS: u64 = 11;
/// Events that it scores twice, and those that it does not score.
const TWICE: u64 = 5;
const NEVER: u64 = 3;

fn expectation(catalogue: &Catalogue, truth: &Truth) -> Result<Vec<Expectation>, DeclareError> {
    let config = ExpectConfig {
        name: "scores".to_owned(),
        kind: Some(Named::Scores),
        source: Some("input".to_owned()),
        output: OutputConfig { topic: "scores".to_owned(), ..OutputConfig::default() },
        ..ExpectConfig::default()
    };
    let known = RunFacts { catalogue, topic_of: &|_| String::new(), usual: "", truth: Some(truth) };
    Expectation::all(&[config], known)
}

/// One row for each thing that was done wrong, and one for what was left right.
pub(super) fn rows(catalogue: &Catalogue, run: RunId, seed: u64) -> Result<Vec<Row>, DeclareError> {
    let mut truth = Truth::new(&FraudConfig { spacing: 5, ..FraudConfig::of(RATE) }, seed, 1);
    let logs = BTreeMap::from([("input".to_owned(), Log { starts: vec![0], is_whole: true })]);
    let mut oracle = Oracle::new(&expectation(catalogue, &truth)?, &logs, false, Some(run));
    let (mut frauds, mut honest) = (0, 0);
    for sequence in 0..EVENTS {
        let due = DueTime::from_unix_ns(sequence * 1_000_000);
        let stamp = Stamp { due, tag: run.tag(), lane: 0, sequence, check: 0 };
        let id = uuid::Uuid::from_u128(stamp.bits());
        let at_ms = i64::try_from(sequence).unwrap_or_default();
        let record = |body: &str, times: usize, take: &mut dyn FnMut(&Record<'_>)| {
            let record = Record { partition: 0, offset: at_ms, at_ms, body: Some(body.as_bytes()) };
            (0..times).for_each(|_| take(&record));
        };
        let body = format!(r#"{{"event_id":"{id}","timestamp":{sequence}}}"#);
        record(&body, 1, &mut |record| {
            oracle.input(0, record);
        });
        let is_fraud = truth.label(0, sequence).is_some();
        let so_far = if is_fraud { &mut frauds } else { &mut honest };
        *so_far += 1;
        let (is_alarm, times) = match (is_fraud, *so_far) {
            (true, number) => (number > MISSED, 1),
            (false, number) if number <= ALARMS => (true, 1),
            (false, number) if number <= ALARMS + TWICE => (false, 2),
            (false, number) if number <= ALARMS + TWICE + NEVER => (false, 0),
            (false, _) => (false, 1),
        };
        let body = format!(r#"{{"event_id":"{id}","score":{}}}"#, if is_alarm { 0.9 } else { 0.1 });
        record(&body, times, &mut |record| oracle.output(0, record));
    }
    let last = i64::try_from(EVENTS).unwrap_or_default();
    let report = oracle.end(last, &BTreeMap::new()).0.into_iter().next().unwrap_or_default();
    let scores = report.scores.clone().unwrap_or_default();
    let row = |name: &str, found_as: &str, expected: u64, found: u64| Row {
        name: name.to_owned(),
        found_as: found_as.to_owned(),
        expected,
        found,
        ok: expected == found,
        note: None,
        rule: None,
    };
    Ok(vec![
        row("fraud not seen", "missed", MISSED, scores.missed),
        row("honest event called fraud", "false_alarm", ALARMS, scores.false_alarm),
        row("event scored twice", "twice", TWICE, report.twice),
        row("event never scored", "missing", NEVER, report.missing),
        row("fraud seen", "detected", frauds.saturating_sub(MISSED), scores.detected),
        row("honest event left alone", "quiet", honest.saturating_sub(ALARMS + TWICE + NEVER), scores.quiet),
    ])
}
