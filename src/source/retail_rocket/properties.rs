//! `item_properties*.csv`: what an item's category, price and availability were, and since when.
//!
//! The files (20 million rows, 900 MB) are streamed; of each row that matters 16 bytes are kept, until sorted by item and time
//! only changes remain. Values are those of the last snapshot before an event; before an item's first snapshot, those of
//! the first.

use std::path::PathBuf;

use csv::{ByteRecord, ReaderBuilder};
use serde::{Deserialize, Serialize};

use super::config::BadRowPolicy;
use super::error::LoadError;
use super::input::{Input, read_failed};
use super::parse::{EARLIEST_MS, shown};
use super::row::{Action, LATEST_MS, Row};

/// The property that holds prices: names are hashed in the published files, this one is a number with the ranges of prices.
pub const PRICE_PROPERTY: &str = "790";

const COLUMNS: [&str; 4] = ["timestamp", "itemid", "property", "value"];

/// What is known of the items, as the files tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PropertyFacts {
    /// Rows read.
    pub rows: u64,
    /// Rows that cannot be used, left out with `--bad-rows skip`.
    pub bad_rows: u64,
    /// The first of these, with its file and line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_bad: Option<String>,
    /// Times at which an item's category is first told, or becomes another one.
    pub category_changes: u64,
    /// The same of prices.
    pub price_changes: u64,
    /// The same of availability.
    pub availability_changes: u64,
    /// Of the latter, the ones within the time that is played: so many inventory events a round.
    pub inventory_events: u64,
    /// Events of one round before the first snapshot of their item's category, whose values they take.
    pub events_before_first_snapshot: u64,
    /// Events of one round whose item has no category in the files: theirs is derived.
    pub events_without_category: u64,
}

/// The values of one property by item and time.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    /// Items that have one, ascending.
    items: Vec<u32>,
    /// Where each one's snapshots begin; one more at the end.
    starts: Vec<u32>,
    times: Vec<u64>,
    values: Vec<u32>,
}

/// A value that was looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Valid {
    pub(super) value: u32,
    /// Whether the item's first snapshot is later than the time asked for.
    pub(super) early: bool,
}

impl History {
    /// Keeps the changes of `snapshots`. Of two values at one time the later row counts.
    fn of(mut snapshots: Vec<Snapshot>) -> Self {
        snapshots.sort_by_key(|snapshot| (snapshot.item, snapshot.time_ms));
        let mut history = Self::default();
        for snapshot in snapshots {
            if history.items.last() != Some(&snapshot.item) {
                history.starts.push(index(history.times.len()));
                history.items.push(snapshot.item);
            } else if history.times.last() == Some(&snapshot.time_ms) {
                if let Some(value) = history.values.last_mut() {
                    *value = snapshot.value;
                }
                continue;
            } else if history.values.last() == Some(&snapshot.value) {
                continue;
            }
            history.times.push(snapshot.time_ms);
            history.values.push(snapshot.value);
        }
        history.starts.push(index(history.times.len()));
        history
    }

    /// What is valid for `item` at `time_ms`; `None` where nothing is known of the item.
    pub(super) fn at(&self, item: u32, time_ms: u64) -> Option<Valid> {
        let place = self.items.binary_search(&item).ok()?;
        let (from, to) = (*self.starts.get(place)? as usize, *self.starts.get(place + 1)? as usize);
        let until = self.times.get(from..to)?.partition_point(|at| *at <= time_ms);
        let value = *self.values.get(from + until.saturating_sub(1))?;
        Some(Valid { value, early: until == 0 })
    }

    /// Every change: item, time, value.
    fn changes(&self) -> impl Iterator<Item = (u32, u64, u32)> {
        self.items.iter().zip(self.starts.windows(2)).flat_map(|(item, bounds)| {
            let range = bounds[0] as usize..bounds[1] as usize;
            self.times[range.clone()].iter().zip(&self.values[range]).map(|(at, value)| (*item, *at, *value))
        })
    }

    /// The distinct values, ascending.
    pub(super) fn distinct(&self) -> Vec<u32> {
        let mut values = self.values.clone();
        values.sort_unstable();
        values.dedup();
        values
    }

    const fn len(&self) -> usize {
        self.times.len()
    }
}

/// No property file has four billion changes: 16 bytes each would not fit.
fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[derive(Clone, Copy, Debug)]
struct Snapshot {
    time_ms: u64,
    item: u32,
    value: u32,
}

/// What the files say.
#[derive(Clone, Debug, Default)]
pub(super) struct Properties {
    /// Category ids.
    pub(super) categories: History,
    /// Hundredths.
    pub(super) prices: History,
    available: History,
    pub(super) facts: PropertyFacts,
}

impl Properties {
    /// Reads the files, in any order.
    pub(super) fn read(files: &[PathBuf], policy: BadRowPolicy) -> Result<Self, LoadError> {
        let mut facts = PropertyFacts::default();
        let mut kept = Kept::default();
        for file in files {
            kept.read(Input::open(file)?, policy, &mut facts)?;
        }
        let [categories, prices, available] = [kept.categories, kept.prices, kept.available].map(History::of);
        facts.category_changes = categories.len() as u64;
        facts.price_changes = prices.len() as u64;
        facts.availability_changes = available.len() as u64;
        Ok(Self { categories, prices, available, facts })
    }

    /// The changes of availability within these times as rows of the recording; `first_ordinal` settles ties.
    pub(super) fn stock_rows(&self, from_ms: u64, to_ms: u64, first_ordinal: u32) -> impl Iterator<Item = Row> {
        let within = self.available.changes().filter(move |(_, at, _)| (from_ms..=to_ms).contains(at));
        within.zip(first_ordinal..).map(|((item, at, value), ordinal)| {
            Row::new(at, item, Action::Stock, item, Some(u32::from(value != 0)), ordinal)
        })
    }
}

#[derive(Debug, Default)]
struct Kept {
    categories: Vec<Snapshot>,
    prices: Vec<Snapshot>,
    available: Vec<Snapshot>,
}

impl Kept {
    fn read(&mut self, input: Input, policy: BadRowPolicy, facts: &mut PropertyFacts) -> Result<(), LoadError> {
        let Input { name, encoding, text, guard } = input;
        let mut csv = ReaderBuilder::new().flexible(true).buffer_capacity(256 << 10).from_reader(text);
        let failed = |line: u64, error: csv::Error| match error.into_kind() {
            csv::ErrorKind::Io(source) => read_failed(&name, encoding.compression, line.saturating_sub(1), source),
            other => LoadError::Unreadable { file: name.clone(), source: std::io::Error::other(format!("{other:?}")) },
        };
        let header = csv.byte_headers().map_err(|error| failed(1, error))?;
        let refused = |line: u64, problem: String| LoadError::Properties { file: name.clone(), line, problem };
        let mut at = [0; 4];
        for (place, column) in at.iter_mut().zip(COLUMNS) {
            let found = header.iter().position(|field| field.trim_ascii().eq_ignore_ascii_case(column.as_bytes()));
            *place = found.ok_or_else(|| refused(1, format!("no column {column}")))?;
        }
        let mut record = ByteRecord::new();
        loop {
            let line = csv.position().line();
            if !csv.read_byte_record(&mut record).map_err(|error| failed(line, error))? {
                break;
            }
            facts.rows += 1;
            match self.keep(&record, at) {
                Ok(()) => {}
                Err(problem) if policy == BadRowPolicy::Skip => {
                    facts.bad_rows += 1;
                    facts.first_bad.get_or_insert_with(|| format!("{name} line {line}: {problem}"));
                }
                Err(problem) => return Err(refused(line, problem)),
            }
        }
        match guard {
            Some(guard) => guard.check(&name),
            None => Ok(()),
        }
    }

    fn keep(&mut self, record: &ByteRecord, at: [usize; 4]) -> Result<(), String> {
        let field = |column: usize| record.get(at[column]).unwrap_or_default().trim_ascii();
        let property = field(2);
        let list = match property {
            b"categoryid" => &mut self.categories,
            b"available" => &mut self.available,
            _ if property == PRICE_PROPERTY.as_bytes() => &mut self.prices,
            b"" => return Err("property is blank".to_owned()),
            _ => return Ok(()),
        };
        let number = |column: usize| {
            let text = std::str::from_utf8(field(column)).unwrap_or_default();
            text.parse::<u64>().map_err(|_| format!("{} \"{}\" is not a number", COLUMNS[column], shown(field(column))))
        };
        let time_ms = number(0)?;
        if !(EARLIEST_MS..=LATEST_MS).contains(&time_ms) {
            return Err(format!("timestamp {time_ms} is not in milliseconds"));
        }
        let item = u32::try_from(number(1)?).map_err(|_| "itemid is too large".to_owned())?;
        let value = match property {
            b"available" => match field(3) {
                b"0" => 0,
                b"1" => 1,
                other => return Err(format!("available \"{}\" is neither 0 nor 1", shown(other))),
            },
            b"categoryid" => u32::try_from(number(3)?).map_err(|_| "categoryid is too large".to_owned())?,
            _ => cents(field(3)).ok_or_else(|| format!("\"{}\" is no price", shown(field(3))))?,
        };
        list.push(Snapshot { time_ms, item, value });
        Ok(())
    }
}

/// The first number of a value such as `n552.000 639502`, in hundredths.
fn cents(value: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(value).ok()?;
    let number = text.split_ascii_whitespace().next()?.strip_prefix('n')?;
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let hundredths = decimals.get(..2).map_or_else(|| format!("{decimals:0<2}"), str::to_owned);
    let cents = whole.parse::<u64>().ok()?.checked_mul(100)?.checked_add(hundredths.parse().ok()?)?;
    u32::try_from(cents).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(snapshots: &[(u32, u64, u32)]) -> History {
        History::of(snapshots.iter().map(|&(item, time_ms, value)| Snapshot { time_ms, item, value }).collect())
    }

    #[test]
    fn the_last_snapshot_before_an_event_is_valid() {
        let history = history(&[(7, 300, 3), (7, 100, 1), (9, 50, 5), (7, 200, 1), (7, 300, 4)]);
        let valid = |value, early| Some(Valid { value, early });
        assert_eq!(history.at(7, 99), valid(1, true), "before the first snapshot its values serve");
        assert_eq!([100, 299].map(|at| history.at(7, at)), [valid(1, false); 2]);
        assert_eq!(history.at(7, 300), valid(4, false), "of two values at one time the later row counts");
        assert_eq!((history.at(9, 60), history.at(8, 60)), (valid(5, false), None));
        assert_eq!(history.changes().collect::<Vec<_>>(), [(7, 100, 1), (7, 300, 4), (9, 50, 5)]);
    }

    #[test]
    fn prices_are_read_in_hundredths() {
        let read = |text: &str| cents(text.as_bytes());
        assert_eq!(
            ["n552.000 639502", "n5.5", "n7", "n0.999"].map(read),
            [Some(55_200), Some(550), Some(700), Some(99)]
        );
        assert_eq!(["552", "n", "nx", "n99999999999", ""].map(read), [None; 5]);
    }
}
