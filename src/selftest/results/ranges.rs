//! A range of offsets that was left out, and one that was taken twice: whether just these are named.

use std::collections::BTreeMap;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};

use super::{EVENTS, GRACE, KEYS, PARTITIONS, Row, SIZE, STEP, expectation, row};
use crate::event::catalogue::Catalogue;
use crate::expect::{DeclareError, Log, Oracle, Record};

/// An event of the input: partition, offset, key, time, and what it adds.
type Line = (usize, i64, &'static str, i64, u64);

/// One row for each of the two, and one for what has no such cause.
pub(super) fn rows(catalogue: &Catalogue, seed: u64) -> Result<Vec<Row>, DeclareError> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut offsets = [0; PARTITIONS];
    let mut event = |number: i64| -> Line {
        let partition = random.random_range(0..PARTITIONS);
        offsets[partition] += 1;
        let key = KEYS[random.random_range(0..KEYS.len())];
        (partition, offsets[partition] - 1, key, number * STEP, random.random_range(1..1_000_000))
    };
    let input: Vec<Line> = (0..EVENTS).map(&mut event).collect();
    let partition = random.random_range(0..PARTITIONS);
    let from = random.random_range(0..EVENTS / 6);
    let range = from..=from + random.random_range(0..EVENTS / 12);
    let mut rows = Vec::new();
    for (name, found_as, times) in [("range left out", "left out", 0), ("range taken twice", "taken twice", 2)] {
        let processed = |line: &Line| if line.0 == partition && range.contains(&line.1) { times } else { 1 };
        let named = named(catalogue, &input, processed)?;
        let is_it = named == [(partition, *range.start(), *range.end(), times == 0)];
        rows.push(row(name, found_as, 1, u64::from(is_it)));
    }
    // Each so many-th event of all, which are no range.
    let named = named(catalogue, &input, |line| u64::from(line.1 % 10 != 0))?;
    rows.push(row("events here and there", "no range", 0, u64::try_from(named.len()).unwrap_or_default()));
    Ok(rows)
}

/// The ranges that explain what comes out where each event is processed so many times: partition, first and last, and whether it was left
/// out.
fn named(
    catalogue: &Catalogue,
    input: &[Line],
    times: impl Fn(&Line) -> u64,
) -> Result<Vec<(usize, i64, i64, bool)>, DeclareError> {
    let logs = BTreeMap::from([("input".to_owned(), Log { starts: vec![0; PARTITIONS], is_whole: true })]);
    let mut oracle = Oracle::new(&expectation(catalogue, "sum(amount)")?, &logs, false, None);
    let body = |line: &Line| format!(r#"{{"color":"{}","timestamp":{},"amount":{}}}"#, line.2, line.3, line.4);
    let mut sums: BTreeMap<(i64, &str), u64> = BTreeMap::new();
    let last = EVENTS * STEP;
    for line in input {
        let (partition, offset, key, time, amount) = *line;
        oracle.input(0, &Record { partition, offset, at_ms: time, body: Some(body(line).as_bytes()) });
        let times = times(line);
        if times > 0 && time / SIZE * SIZE + SIZE + GRACE + 2_000 < last {
            *sums.entry((time / SIZE * SIZE, key)).or_default() += times * amount;
        }
    }
    for (offset, ((from, key), sum)) in (0..).zip(sums) {
        let body = format!(r#"{{"color":"{key}","from":{from},"count":{sum}}}"#);
        oracle.output(0, &Record { partition: 0, offset, at_ms: last, body: Some(body.as_bytes()) });
    }
    let (mut reports, mut explainer) = oracle.end(last, &BTreeMap::new());
    for line in input {
        explainer
            .input(0, &Record { partition: line.0, offset: line.1, at_ms: line.3, body: Some(body(line).as_bytes()) });
    }
    explainer.explain(&mut reports);
    let found = reports.iter().flat_map(|report| &report.explained).filter(|range| range.ranges == 1);
    let range = |range: &crate::report::ExpectRange| {
        (usize::try_from(range.partition).unwrap_or(usize::MAX), range.from, range.to, range.is_lost)
    };
    Ok(found.map(range).collect())
}
