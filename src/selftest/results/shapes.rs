//! Sessions and lists of the greatest of which some come out wrong: whether just these are found.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};

use super::{KEYS, PARTITIONS, Row, row};
use crate::event::catalogue::Catalogue;
use crate::expect::{
    DeclareError, ExpectConfig, Expectation, Log, Oracle, OutputConfig, Record, RunFacts, WindowConfig,
};
use crate::report::ExpectReport;

const GAP: i64 = 10_000;
/// Sessions of each key that are followed by another one.
const SESSIONS: i64 = 6;
const ITEMS: u64 = 12;

/// An event: its key, its time, the item that it adds to, and how much.
type Line = (&'static str, i64, u64, u64);

/// One row for each thing that was done wrong, and one for what was left right.
pub(super) fn rows(catalogue: &Catalogue, seed: u64) -> Result<Vec<Row>, DeclareError> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut input: Vec<Line> = Vec::new();
    // By key, from when to when, and how many events.
    let mut sessions: Vec<(&'static str, i64, i64, u64)> = Vec::new();
    for session in 0..=SESSIONS {
        for key in KEYS {
            // The last ones are as long as each other: none of them is closed by another key of its partition.
            let is_last = session == SESSIONS;
            let (from, events) = (session * 10 * GAP, if is_last { 2 } else { random.random_range(2..9_u64) });
            let mut time = from;
            for event in 0..events {
                time += match event {
                    0 => 0,
                    _ if is_last => GAP / 2,
                    _ => random.random_range(1..=GAP),
                };
                input.push((key, time, random.random_range(0..ITEMS), random.random_range(1..1_000_000)));
            }
            sessions.push((key, from, time, events));
        }
    }
    input.sort_by_key(|line| line.1);
    let mut rows = of_sessions(catalogue, &input, sessions)?;
    rows.extend(of_lists(catalogue, &input)?);
    Ok(rows)
}

fn of_sessions(
    catalogue: &Catalogue,
    input: &[Line],
    mut sessions: Vec<(&'static str, i64, i64, u64)>,
) -> Result<Vec<Row>, DeclareError> {
    let open = KEYS.len();
    // The last of each key has not closed.
    sessions.truncate(sessions.len() - open);
    let right = sessions.len();
    let (missing, cut, twice) = (right / 4, right / 3, right / 2);
    sessions[cut].2 -= 1;
    sessions.push(sessions[twice]);
    sessions.remove(missing);
    let window = WindowConfig {
        gap: Some(Duration::from_secs(10)),
        grace: Some(Duration::from_secs(5)),
        ..WindowConfig::default()
    };
    let config = ExpectConfig {
        window: Some(window),
        repartition: Some(false),
        output: OutputConfig {
            start: Some("from".to_owned()),
            end: Some("to".to_owned()),
            value: Some("count".to_owned()),
            ..output()
        },
        ..config("sessions")
    };
    let line = |(key, from, to, count): &(&str, i64, i64, u64)| {
        format!(r#"{{"color":"{key}","from":{from},"to":{to},"count":{count}}}"#)
    };
    let report = judged(catalogue, config, input, &sessions.iter().map(line).collect::<Vec<_>>())?;
    let beside = report.unexpected + report.late + report.accepted_late + report.undecided;
    Ok(vec![
        row("session cut short", "wrong", 1, report.wrong),
        row("session never written", "missing", 1, report.missing),
        row("session written twice", "twice", 1, report.twice),
        row("sessions left right", "right", right as u64 - 3, report.right),
        row("sessions not over", "open", open as u64, report.open + beside),
    ])
}

fn of_lists(catalogue: &Catalogue, input: &[Line]) -> Result<Vec<Row>, DeclareError> {
    let config = ExpectConfig {
        value: Some("top(3, item, sum(amount))".to_owned()),
        output: OutputConfig {
            value: Some("items".to_owned()),
            item: Some("item".to_owned()),
            number: Some("sum".to_owned()),
            ..output()
        },
        ..config("lists")
    };
    let mut lines = Vec::new();
    for (place, key) in KEYS.into_iter().enumerate() {
        let mut sums: BTreeMap<u64, u64> = BTreeMap::new();
        input
            .iter()
            .filter(|line| line.0 == key)
            .for_each(|(_, _, item, amount)| *sums.entry(*item).or_default() += amount);
        let mut list: Vec<(u64, u64)> = sums.into_iter().collect();
        list.sort_by_key(|(_, sum)| std::cmp::Reverse(*sum));
        match place {
            // The fourth in the place of the third, a number that is off, and an order that is.
            0 if list.len() > 2 => drop(list.remove(2)),
            1 => list[1].1 -= 1,
            2 => list.swap(0, 1),
            _ => {}
        }
        let item = |(item, sum): &(u64, u64)| format!(r#"{{"item":"{item}","sum":{sum}}}"#);
        let items: Vec<String> = list.iter().take(3).map(item).collect();
        lines.push(format!(r#"{{"color":"{key}","items":[{}]}}"#, items.join(",")));
    }
    let report = judged(catalogue, config, input, &lines)?;
    Ok(vec![
        row("lists without an item, or off", "wrong", 3, report.wrong),
        row("list left right", "right", 1, report.right),
    ])
}

fn config(name: &str) -> ExpectConfig {
    ExpectConfig {
        name: name.to_owned(),
        source: Some("input".to_owned()),
        key: Some("color".to_owned()),
        ..ExpectConfig::default()
    }
}

fn output() -> OutputConfig {
    OutputConfig { topic: "output".to_owned(), key: Some("color".to_owned()), ..OutputConfig::default() }
}

/// What becomes of these results of that input; each key lies in one partition.
fn judged(
    catalogue: &Catalogue,
    config: ExpectConfig,
    input: &[Line],
    lines: &[String],
) -> Result<ExpectReport, DeclareError> {
    let known = RunFacts { catalogue, topic_of: &|_| String::new(), usual: "", truth: None };
    let expectations = Expectation::all(&[config], known)?;
    let logs = BTreeMap::from([("input".to_owned(), Log { starts: vec![0; PARTITIONS], is_whole: true })]);
    let mut oracle = Oracle::new(&expectations, &logs, false, None);
    for (offset, (key, time, item, amount)) in (0..).zip(input) {
        let body = format!(r#"{{"color":"{key}","timestamp":{time},"item":"{item}","amount":{amount}}}"#);
        let partition = KEYS.iter().position(|known| known == key).unwrap_or_default() % PARTITIONS;
        oracle.input(0, &Record { partition, offset, at_ms: *time, body: Some(body.as_bytes()) });
    }
    for (offset, line) in (0..).zip(lines) {
        oracle.output(0, &Record { partition: 0, offset, at_ms: 0, body: Some(line.as_bytes()) });
    }
    Ok(oracle.end(0, &BTreeMap::new()).0.into_iter().next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn just_what_was_done_wrong_is_found_whatever_the_seed() {
        let catalogue = crate::shop::catalogue().unwrap();
        for seed in 0..200 {
            let wrong: Vec<String> = rows(&catalogue, seed)
                .unwrap()
                .into_iter()
                .filter(|row| !row.ok)
                .map(|row| format!("{}: {} found, {} expected", row.name, row.found, row.expected))
                .collect();
            assert!(wrong.is_empty(), "seed {seed}: {wrong:?}");
        }
    }
}
