//! What is in a recording: its rows and its shape, before anything of it is played.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::screen::{how_written, keys, line, rates, span_ms, types};
use crate::clock::Nanos;
use crate::figures::{self, counted};
use crate::input::{Compression, InputError};
use crate::shop::Detail;
use crate::source::retail_rocket::{Config, Facts, FileKind, Forecast, LoadError, Moment, Pace, Quantiles, Recording};

/// How many of the hottest users and items the screen shows.
const SHOWN: usize = 3;
/// How many of the hottest items are kept.
const HOTTEST: usize = 10;

/// A recording as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Info {
    /// The file, its rows and visitors.
    pub facts: Facts,
    /// What playing it at recorded speed means.
    pub at_recorded_speed: Forecast,
    /// From a row to the next one in the order of time, ms.
    pub gap_ms: Quantiles,
    /// Distinct items.
    pub items: u64,
    /// The items with the most rows.
    pub hottest_items: Vec<HotItem>,
    /// Orders: distinct transaction ids.
    pub orders: u64,
}

/// An item and how many rows it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HotItem {
    /// The item.
    #[serde(with = "crate::units::exact")]
    pub item_id: u64,
    /// Its rows.
    pub events: u64,
}

/// Reads the recording that `config` names.
///
/// # Errors
/// A file or a setting that cannot be used.
pub fn info(config: &Config) -> Result<Info, LoadError> {
    let recording = Arc::new(Recording::load(config)?);
    let due = |_: u64, offset: Nanos| Some(offset);
    let at_recorded_speed = recording.forecast(&Pace { due: Some(&due), partitions: None })?;
    let walk = Walk::over(&recording)?;
    Ok(Info {
        facts: recording.facts().clone(),
        at_recorded_speed,
        gap_ms: Quantiles::of(&walk.gaps_ms.iter().map(|(gap_ms, count)| (*gap_ms, *count)).collect()),
        items: walk.items.len() as u64,
        hottest_items: walk.hottest_items(),
        orders: walk.orders.len() as u64,
    })
}

/// What one walk over the rows in the order of time counts. Distinct gaps are at most the square root of twice the span
/// in ms, distinct items and orders as many as the shop has.
#[derive(Default)]
struct Walk {
    previous_ms: Option<i64>,
    gaps_ms: HashMap<u64, u64>,
    items: HashMap<u64, u64>,
    orders: HashSet<u64>,
}

impl Walk {
    /// Walks over the first round of `recording`.
    fn over(recording: &Arc<Recording>) -> Result<Self, LoadError> {
        let mut walk = Self::default();
        let mut lane = recording.lane(0, 1);
        for _ in 0..recording.round_len() {
            let Some(drawn) = lane.draw() else { break };
            walk.add(drawn.event.recorded_ms, &drawn.event.detail);
        }
        match recording.fault() {
            None => Ok(walk),
            Some(fault) => Err(LoadError::Input {
                error: InputError::Unreadable {
                    file: recording.facts().file.clone(),
                    source: std::io::Error::other(fault.to_owned()),
                },
                kind: FileKind::Events,
            }),
        }
    }

    fn add(&mut self, time_ms: Option<i64>, detail: &Detail) {
        if let (Some(time_ms), Some(previous_ms)) = (time_ms, self.previous_ms) {
            *self.gaps_ms.entry(time_ms.abs_diff(previous_ms)).or_default() += 1;
        }
        self.previous_ms = time_ms;
        if let Detail::Transaction { transaction, .. } = detail {
            self.orders.extend(transaction);
        }
        if let Detail::View { item, .. } | Detail::AddToCart { item, .. } | Detail::Transaction { item, .. } = detail {
            *self.items.entry(item.0).or_default() += 1;
        }
    }

    fn hottest_items(&self) -> Vec<HotItem> {
        let item = |(item_id, events): (&u64, &u64)| HotItem { item_id: *item_id, events: *events };
        let mut items: Vec<_> = self.items.iter().map(item).collect();
        items.sort_unstable_by_key(|item| (std::cmp::Reverse(item.events), item.item_id));
        items.truncate(HOTTEST);
        items
    }
}

impl fmt::Display for Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (facts, played) = (&self.facts, &self.at_recorded_speed);
        let count = figures::count;
        line(f, "file", &format!("{}, {}", facts.file, self.wrapping()))?;
        line(f, "rows", &format!("{}: {}", count(facts.rows), types(played.by_type.iter(), played.round_events)))?;
        let (first, last) = (Moment(facts.first_ms), Moment(facts.last_ms));
        line(f, "span", &format!("{} from {first} to {last}", span_ms(facts.span_recorded_ms)))?;
        if let Some(rates) = rates(played) {
            line(f, "rate", &rates)?;
        }
        let Quantiles { p50, p90, p99, max } = self.gap_ms;
        let [p50, p90, p99, max] = [p50, p90, p99, max].map(span_ms);
        line(f, "gaps", &format!("p50 {p50}, p90 {p90}, p99 {p99}, longest {max}"))?;
        line(
            f,
            "users",
            &format!("{} in {} sessions, which 30 idle minutes end", count(facts.visitors), count(facts.sessions)),
        )?;
        let Quantiles { p50, p90, p99, max } = facts.events_per_visitor;
        let [p50, p90, p99, max] = [p50, p90, p99, max].map(count);
        line(f, "events a user", &format!("p50 {p50}, p90 {p90}, p99 {p99}, most {max}"))?;
        let hottest = facts.hottest_visitors.iter().take(SHOWN).map(|key| (key.user_id, key.events));
        line(f, "hottest users", &keys(hottest, facts.rows))?;
        let hottest = self.hottest_items.iter().take(SHOWN).map(|item| (item.item_id, item.events));
        line(f, "items", &format!("{}, hottest {}", count(self.items), keys(hottest, facts.rows)))?;
        line(f, "orders", &count(self.orders))?;
        line(f, "order", &self.order())?;
        line(f, "equal times", &format!("{} with the time of the row before", counted(facts.equal_times, "row")))?;
        line(
            f,
            "duplicates",
            &format!("{} repeating another one in every column", counted(facts.duplicate_rows, "row")),
        )?;
        how_written(f, facts)
    }
}

impl Info {
    /// For a person, on one screen of 100 columns, ending in a line feed.
    #[must_use]
    pub fn text(&self) -> String {
        self.to_string()
    }

    fn wrapping(&self) -> String {
        let encoding = &self.facts.encoding;
        let mut words: Vec<String> = self.facts.bytes.map(figures::bytes).into_iter().collect();
        if encoding.compression != Compression::None {
            words.push(encoding.compression.as_str().to_owned());
        }
        words.push(if encoding.crlf { "CR LF" } else { "LF" }.to_owned());
        if encoding.bom {
            words.push("byte order mark".to_owned());
        }
        if !encoding.final_line_end {
            words.push("no line end after the last row".to_owned());
        }
        words.join(", ")
    }

    fn order(&self) -> String {
        match self.facts.descents {
            0 => "by time".to_owned(),
            back => format!("{} earlier than the row before; a replay sorts by time", counted(back, "row")),
        }
    }
}
