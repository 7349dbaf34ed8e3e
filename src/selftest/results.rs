//! The oracle's own test: an input, what a processor makes of it that does wrong four times, and whether just that is found.

mod ranges;
mod shapes;

use std::collections::{BTreeMap, BTreeSet};

use super::table::Row;
use crate::event::catalogue::Catalogue;
use crate::expect::{
    DeclareError, ExpectConfig, Expectation, Log, Oracle, OutputConfig, Record, RunFacts, WindowConfig,
};
use std::time::Duration;

const PARTITIONS: usize = 3;
const EVENTS: i64 = 3_000;
const KEYS: [&str; 4] = ["red", "green", "blue", "grey"];
const SIZE: i64 = 10_000;
const GRACE: i64 = 5_000;
/// Between two events.
const STEP: i64 = 50;
/// Each so many-th event comes too late.
const LATE_EACH: i64 = 97;

/// A result as it is written: key, window, value.
type Line = (&'static str, i64, u64);

fn expectation(catalogue: &Catalogue, value: &str) -> Result<Vec<Expectation>, DeclareError> {
    let path = |name: &str| Some(name.to_owned());
    let config = ExpectConfig {
        name: "counts".to_owned(),
        source: path("input"),
        key: path("color"),
        value: path(value),
        window: Some(WindowConfig {
            size: Some(Duration::from_secs(10)),
            grace: Some(Duration::from_secs(5)),
            ..WindowConfig::default()
        }),
        output: OutputConfig {
            topic: "output".to_owned(),
            key: path("color"),
            start: path("from"),
            value: path("count"),
            ..OutputConfig::default()
        },
        ..ExpectConfig::default()
    };
    Expectation::all(&[config], RunFacts { catalogue, topic_of: &|_| String::new(), usual: "", truth: None })
}

/// One row for each thing that was done wrong, and one for what was left right.
pub(super) fn rows(catalogue: &Catalogue, seed: u64) -> Result<Vec<Row>, DeclareError> {
    let logs = BTreeMap::from([("input".to_owned(), Log { starts: vec![0; PARTITIONS], is_whole: true })]);
    let mut oracle = Oracle::new(&expectation(catalogue, "count")?, &logs, false, None);
    let mut counted: BTreeMap<(i64, &'static str), u64> = BTreeMap::new();
    let mut too_late = BTreeSet::new();
    let place = |event: i64| usize::try_from(event).unwrap_or_default();
    for event in 0..EVENTS {
        // Which key is the seed's to say; each is there in every window.
        let turn = usize::try_from(seed % 4).unwrap_or_default();
        let color = KEYS[(place(event) + turn) % KEYS.len()];
        let at = event * STEP;
        let is_late = event % LATE_EACH == LATE_EACH - 1 && at > 3 * SIZE;
        let time = if is_late { at - 2 * SIZE - GRACE } else { at };
        let window = (time / SIZE * SIZE, color);
        if is_late {
            too_late.insert(window);
        } else {
            *counted.entry(window).or_default() += 1;
        }
        let body = format!(r#"{{"color":"{color}","timestamp":{time}}}"#);
        // A key lies in one partition, so that its order is known.
        let partition = KEYS.iter().position(|key| *key == color).unwrap_or_default() % PARTITIONS;
        oracle.input(0, &Record { partition, offset: event, at_ms: at, body: Some(body.as_bytes()) });
    }
    let last = EVENTS * STEP;
    let closed = counted.iter().filter(|((from, _), _)| from + SIZE + GRACE + 2 * 1_000 < last);
    let mut lines: Vec<Line> = closed.map(|((from, color), count)| (*color, *from, *count)).collect();
    let late_at = lines.iter().rposition(|(color, from, _)| too_late.contains(&(*from, *color)));
    let (missing, off, twice) = (lines.len() / 4, lines.len() / 3, lines.len() / 2);
    if let Some(line) = late_at {
        lines[line].2 += 1;
    }
    lines[off].2 -= 1;
    let (all, again) = (u64::try_from(counted.len()).unwrap_or_default(), lines[twice]);
    let due = u64::try_from(lines.len()).unwrap_or_default();
    lines.remove(missing);
    lines.push(again);
    for (offset, (color, from, count)) in (0..).zip(lines) {
        let body = format!(r#"{{"color":"{color}","from":{from},"count":{count}}}"#);
        oracle.output(0, &Record { partition: 0, offset, at_ms: last, body: Some(body.as_bytes()) });
    }
    let report = oracle.end(last, &BTreeMap::new()).0.into_iter().next().unwrap_or_default();
    let mut rows = vec![
        row("result never written", "missing", 1, report.missing),
        row("result off by one", "wrong", 1, report.wrong),
        row("result written twice", "twice", 1, report.twice),
        row("result with a late event", "accepted_late", 1, report.accepted_late),
        row("results left right", "right", due.saturating_sub(4), report.right),
        row("windows not closed", "open", all.saturating_sub(due), report.open),
        row("results of nothing", "unexpected", 0, report.unexpected + report.late + report.undecided),
    ];
    rows.extend(ranges::rows(catalogue, seed)?);
    rows.extend(shapes::rows(catalogue, seed)?);
    Ok(rows)
}

fn row(name: &str, found_as: &str, expected: u64, found: u64) -> Row {
    Row {
        name: name.to_owned(),
        found_as: found_as.to_owned(),
        expected,
        found,
        ok: expected == found,
        note: None,
        rule: None,
    }
}
