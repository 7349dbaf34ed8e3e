//! An input topic: what expectations look at in its records, and the events that they take.

use serde_json::Value as Json;

use super::body;
use super::decimal::Decimal;
use super::declare::{Added, Expectation, Kind, Value, What};
use super::oracle::Record;
use crate::kafka::murmur2;

/// So much event time goes by, in ms, before what is long known is counted and forgotten.
const TIDY: i64 = 10_000;

/// What is read of the log of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// Where the run began in each partition: what lies before is folded too, and its results are not expected.
    pub starts: Vec<i64>,
    /// Whether it is read from its very first record on.
    pub is_whole: bool,
}

/// A topic that expectations take events of.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) topic: String,
    pub(super) log: Log,
    /// Where the run ended in each partition: what lies behind is folded too, and its results are not expected.
    ends: Vec<i64>,
    /// Finds all fields that its expectations look at.
    finder: body::Finder,
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
    /// The field with the item that is added to, where there is a list of them.
    item: Option<usize>,
    value: Adds,
    /// Whether it has taken an event.
    has_taken: bool,
}

#[derive(Debug)]
enum Adds {
    One,
    Field(usize),
    Product(usize, usize),
    /// The text of a field, by its hash.
    Text(usize),
}

/// An event as it is added.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event<'a> {
    pub(super) partition: usize,
    pub(super) offset: i64,
    /// When it was written, in ms.
    pub(super) at: i64,
    /// Its own time, in ms.
    pub(super) ts: i64,
    pub(super) key: &'a [u8],
    /// The item that it adds to, where there is a list of them.
    pub(super) item: Option<&'a [u8]>,
    /// What it adds; `None` where that cannot be added.
    pub(super) value: Option<Decimal>,
    /// Whether it was written since the run began.
    pub(super) is_own: bool,
}

/// An event that closes windows.
#[derive(Clone, Debug, PartialEq)]
pub struct Closing {
    /// Where it goes.
    pub partition: i32,
    /// The values that make it what it is: its key and its time.
    pub sets: serde_json::Map<String, Json>,
    /// What it needs besides to be taken, with values that do where there are no others.
    pub needs: serde_json::Map<String, Json>,
}

impl Closing {
    /// As a body of JSON.
    #[must_use]
    pub fn json(&self) -> String {
        let mut all = self.needs.clone();
        all.extend(self.sets.clone());
        Json::Object(all).to_string()
    }
}

/// An event as an expectation takes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contribution<'a> {
    /// The expectation's place among all.
    pub(super) expected: usize,
    pub(super) event: Event<'a>,
}

impl Adds {
    fn of(value: &Value, place: &mut impl FnMut(&str) -> usize) -> Self {
        match value {
            Value::Count => Self::One,
            Value::Product(one, other) => Self::Product(place(one), place(other)),
            Value::Of(Kind::Distinct, field) => Self::Text(place(field)),
            Value::Sum(field) | Value::Of(_, field) => Self::Field(place(field)),
            // What a list is of is a count or a sum.
            Value::Top(_, _, of) => Self::of(of, place),
        }
    }
}

impl Taker {
    /// The value that an event adds: a field that is not there adds nothing, and what is no number is unknown.
    fn adds(&self, found: body::Found<'_, '_>, is_of_type: impl Fn(&[Box<[u8]>]) -> bool) -> Option<Decimal> {
        if !is_of_type(&self.value_types) {
            return Some(Decimal::default());
        }
        match self.value {
            Adds::Text(field) => found.get(field).and_then(body::text).map(|text| Decimal::of_text(&text)),
            Adds::One => Some(Decimal::whole(1)),
            Adds::Field(field) => {
                found.get(field).map_or(Some(Decimal::default()), |value| Decimal::parse(body::number(value)))
            }
            Adds::Product(one, other) => match (found.get(one), found.get(other)) {
                (Some(one), Some(other)) => Decimal::product(body::number(one), body::number(other)),
                _ => Some(Decimal::default()),
            },
        }
    }
}

impl Source {
    pub(super) fn new(topic: String, log: Log) -> Self {
        let read_to = vec![(i64::MIN, false); log.starts.len()];
        let ends = vec![i64::MAX; log.starts.len()];
        Self { topic, log, ends, finder: body::Finder::default(), takers: Vec::new(), read_to, tidied: i64::MIN }
    }

    pub(super) fn add_taker(&mut self, expected: usize, expectation: &Expectation) {
        let mut place = |field: &str| self.finder.want(field);
        let bytes = |types: &[String]| types.iter().map(|name| name.as_bytes().into()).collect();
        let (key, item, value, value_types) = match &expectation.what {
            What::Each { field, .. } => (place(field), None, Adds::One, Vec::new()),
            What::Added(added) | What::Sessions(added, _) => {
                let Added { key, value, value_types, .. } = added;
                let (item, value) = match value {
                    Value::Top(_, item, of) => (Some(place(item)), &**of),
                    value => (None, value),
                };
                (place(key), item, Adds::of(value, &mut place), bytes(value_types))
            }
        };
        let needed = expectation.needed_field();
        let present = expectation.present.iter().map(String::as_str).chain(needed).map(&mut place).collect();
        self.takers.push(Taker {
            expected,
            type_field: place(&expectation.type_field),
            types: bytes(&expectation.types),
            present,
            time: place(&expectation.time),
            key,
            value_types,
            item,
            value,
            has_taken: false,
        });
    }

    /// The places of its expectations among all.
    pub(super) fn takers(&self) -> impl Iterator<Item = usize> {
        self.takers.iter().map(|taker| taker.expected)
    }

    /// Whether a record was written between the run's begin and its end.
    pub(super) fn is_own(&self, record: &Record<'_>) -> bool {
        let start = self.log.starts.get(record.partition).copied().unwrap_or_default();
        let end = self.ends.get(record.partition).copied().unwrap_or(i64::MAX);
        (start..end).contains(&record.offset)
    }

    /// What lies from that offset on is no part of the run.
    pub(super) fn ends_at(&mut self, partition: usize, offset: i64) {
        if let Some(end) = self.ends.get_mut(partition) {
            *end = offset;
        }
    }

    /// An event of that time for each partition, and each task behind a repartition, which an expectation takes.
    pub(super) fn closing(&self, expected: usize, expectation: &Expectation, at_ms: i64) -> Vec<Closing> {
        let Some(taker) = self.takers.iter().find(|taker| taker.expected == expected) else { return Vec::new() };
        let partitions = i32::try_from(self.log.starts.len()).unwrap_or(i32::MAX);
        let field = |place: usize| self.finder.name(place).to_owned();
        let event = |partition: i32| {
            let named = (0..).map(|number: u32| format!("closing-{number}"));
            let key = named.into_iter().find(|name| murmur2::partition(name.as_bytes(), partitions) == partition);
            let mut needs = serde_json::Map::new();
            for place in &taker.present {
                needs.insert(field(*place), "closing".into());
            }
            // The least, the greatest and the last are of numbers.
            needs.extend(expectation.needed_field().map(|needed| (needed.to_owned(), 0.into())));
            let mut sets = serde_json::Map::new();
            sets.insert(field(taker.key), key.unwrap_or_default().into());
            if taker.key != taker.type_field || !expectation.types.is_empty() {
                let of_type = expectation.types.first().map_or("closing", String::as_str);
                needs.insert(field(taker.type_field), of_type.into());
            }
            sets.insert(field(taker.time), at_ms.into());
            Closing { partition, sets, needs }
        };
        (0..partitions).map(event).collect()
    }

    /// The event of a record, for each expectation that takes it; returns the event's time, and whether it is the first that one of them
    /// takes.
    pub(super) fn events(
        &mut self,
        record: &Record<'_>,
        mut each: impl FnMut(Contribution<'_>),
    ) -> Option<(i64, bool)> {
        let is_own = self.is_own(record);
        let Self { finder, takers, .. } = self;
        // A processor leaves out what is no event, and so does this.
        let found = finder.find(record.body?)?;
        let (mut latest, mut known_time, mut is_first) = (None, None, false);
        for taker in takers {
            let event_type = found.get(taker.type_field).and_then(body::text);
            let is_of_type = |types: &[Box<[u8]>]| {
                types.is_empty() || types.iter().any(|known| event_type.as_deref() == Some(&**known))
            };
            if !is_of_type(&taker.types) || taker.present.iter().any(|field| found.get(*field).is_none()) {
                continue;
            }
            // Most often all look at the same one.
            let ts = match known_time {
                Some((field, ts)) if field == taker.time => ts,
                _ => found.get(taker.time).and_then(body::whole).filter(|ts| *ts >= 0),
            };
            known_time = Some((taker.time, ts));
            let Some(ts) = ts else { continue };
            let Some(key) = found.get(taker.key).and_then(body::text) else { continue };
            latest = latest.max(Some(ts));
            is_first |= !std::mem::replace(&mut taker.has_taken, true);
            let Record { partition, offset, at_ms: at, .. } = *record;
            let value = taker.adds(found, is_of_type);
            let item = taker.item.and_then(|item| found.get(item)).and_then(body::text);
            let event = Event { partition, offset, at, ts, key: &key, item: item.as_deref(), value, is_own };
            each(Contribution { expected: taker.expected, event });
        }
        latest.map(|latest| (latest, is_first))
    }

    /// A partition is read to that event time. Returns how far the slowest is read, where that is far enough to let go of what is long
    /// known.
    pub(super) fn read_to(&mut self, partition: usize, ts: i64) -> Option<i64> {
        let (read_to, is_at_end) = self.read_to.get_mut(partition)?;
        (*read_to, *is_at_end) = (ts.max(*read_to), false);
        if ts.saturating_sub(self.tidied) < TIDY {
            return None;
        }
        let behind = self.read_to.iter().filter(|(_, is_at_end)| !is_at_end).map(|(ts, _)| *ts).min();
        self.tidied = behind.filter(|ts| *ts > i64::MIN)?;
        Some(self.tidied)
    }

    /// A partition is read to its end, for now.
    pub(super) fn at_end(&mut self, partition: usize) {
        if let Some((_, is_at_end)) = self.read_to.get_mut(partition) {
            *is_at_end = true;
        }
    }
}
