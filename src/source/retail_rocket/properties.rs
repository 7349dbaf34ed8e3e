//! `item_properties*.csv`: what an item's category, price and availability were, and since when.
//!
//! The files (20 million rows, 900 MB) are streamed; of each row that matters 16 bytes are kept, until sorted by item and time
//! only changes remain. Values are those of the last snapshot before an event; before an item's first snapshot, those of
//! the first.

use std::collections::BTreeMap;
use std::path::PathBuf;

use csv::ByteRecord;
use serde::{Deserialize, Serialize};

use super::error::LoadError;
use super::fields::{id, time};
use super::problem::{FileKind, Outlook, RowProblem};
use super::row::{Action, Row};
use super::table::{self, Table};
use crate::input::{BadRowPolicy, Input, shown};

/// The property that holds prices: names are hashed in the published files, this one is a number with the ranges of prices.
pub const PRICE_PROPERTY: &str = "790";

const CATEGORY: &str = "categoryid";
const AVAILABILITY: &str = "available";
/// How many rows after a bad one are looked at before the file is refused.
const LOOKED_AT: u64 = 100_000;

/// What is known of the items, as the files tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PropertyFacts {
    /// Rows read.
    pub rows: u64,
    /// Rows that cannot be used, left out with `--bad-rows skip`.
    pub bad_rows: u64,
    /// The same by property; a row that names none of the three that matter is of `other`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub bad_by_property: BTreeMap<String, u64>,
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

impl PropertyFacts {
    /// What must not go unnoticed: a property of which nothing is left, or a hundredth of all rows.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let changes = [
            (CATEGORY, self.category_changes),
            (PRICE_PROPERTY, self.price_changes),
            (AVAILABILITY, self.availability_changes),
        ];
        let is_lost = |(property, changes): &(&str, u64)| *changes == 0 && self.bad_by_property.contains_key(*property);
        let lost: Vec<&str> = changes.iter().filter(|change| is_lost(change)).map(|(property, _)| *property).collect();
        if lost.is_empty() && (self.bad_rows == 0 || self.bad_rows.saturating_mul(100) < self.rows) {
            return None;
        }
        let among =
            if lost.is_empty() { String::new() } else { format!(", every {} among them", lost.join(" and every ")) };
        Some(format!("{} of {} rows of item properties were left out{among}", self.bad_rows, self.rows))
    }
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
        let mut kept = Snapshots::default();
        for file in files {
            kept.read(table::open(file, FileKind::ItemProperties)?, policy, &mut facts)?;
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
struct Snapshots {
    categories: Vec<Snapshot>,
    prices: Vec<Snapshot>,
    available: Vec<Snapshot>,
}

impl Snapshots {
    fn read(&mut self, input: Input, policy: BadRowPolicy, facts: &mut PropertyFacts) -> Result<(), LoadError> {
        let mut table = Table::open(input, FileKind::ItemProperties)?;
        let at = [0, 1, 2, 3].map(|column| table.place(column));
        let (mut rows, mut bad, mut first_bad) = (0, 0, None);
        let mut record = ByteRecord::new();
        while table.next(&mut record)? {
            let Err(problem) = table.check(&record).and_then(|()| self.keep(&record, at)) else {
                rows += 1;
                continue;
            };
            let (line, problem) = (table.line(), table.explain(&record, problem));
            bad += problem.lines();
            rows += problem.lines();
            if policy == BadRowPolicy::Fail || problem == (RowProblem::HeaderAgain { same: false }) {
                let outlook = Box::new(self.look_on(&mut table, at, Outlook { rows, bad, lost: Vec::new() }));
                let (file, kind) = table.into_name();
                return Err(LoadError::BadRow { file, kind, line, problem, outlook });
            }
            *facts.bad_by_property.entry(property_of(&record, at).to_owned()).or_default() += problem.lines();
            facts.first_bad.get_or_insert_with(|| format!("{} line {line}: {problem}", table.name));
            first_bad.get_or_insert((line, problem));
        }
        table.end()?;
        facts.rows += rows;
        facts.bad_rows += bad;
        let (file, kind) = table.into_name();
        match first_bad {
            Some((line, problem)) if rows == bad => Err(LoadError::AllBad { file, kind, rows, line, problem }),
            None if rows == 0 => Err(LoadError::NoRows { file }),
            _ => Ok(()),
        }
    }

    /// Counts on behind a bad row, to say how many are like it.
    fn look_on(&mut self, table: &mut Table, at: [usize; 4], mut found: Outlook) -> Outlook {
        let mut record = ByteRecord::new();
        let most = if table.is_file() { LOOKED_AT } else { 0 };
        for _ in 0..most {
            if !matches!(table.next(&mut record), Ok(true)) {
                break;
            }
            match table.check(&record).and_then(|()| self.keep(&record, at)) {
                Ok(()) => found.rows += 1,
                Err(problem) => {
                    found.rows += problem.lines();
                    found.bad += problem.lines();
                }
            }
        }
        found
    }

    fn keep(&mut self, record: &ByteRecord, at: [usize; 4]) -> Result<(), RowProblem> {
        let field = |column: usize| record.get(at[column]).unwrap_or_default().trim_ascii();
        let property = property_of(record, at);
        let list = match property {
            CATEGORY => &mut self.categories,
            AVAILABILITY => &mut self.available,
            PRICE_PROPERTY => &mut self.prices,
            _ if field(2).is_empty() => return Err(RowProblem::Blank { column: "property" }),
            _ if field(2).eq_ignore_ascii_case(b"property") => return Err(RowProblem::HeaderAgain { same: true }),
            _ => return Ok(()),
        };
        let (time_ms, _) = time(field(0))?;
        let item = id("itemid", field(1))?;
        let value = match property {
            AVAILABILITY => match field(3) {
                b"0" | b"0.0" => 0,
                b"1" | b"1.0" => 1,
                other => return Err(RowProblem::Availability { value: shown(other) }),
            },
            CATEGORY => id("value", field(3))?,
            _ => cents(field(3)).ok_or_else(|| RowProblem::Price { value: shown(field(3)) })?,
        };
        list.push(Snapshot { time_ms, item, value });
        Ok(())
    }
}

/// Which of the properties that matter a row tells of.
fn property_of(record: &ByteRecord, at: [usize; 4]) -> &'static str {
    let property = record.get(at[2]).unwrap_or_default().trim_ascii();
    match property.strip_suffix(b".0").unwrap_or(property) {
        b"categoryid" => CATEGORY,
        b"available" => AVAILABILITY,
        price if price == PRICE_PROPERTY.as_bytes() => PRICE_PROPERTY,
        _ => "other",
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
