//! What is added up, over which windows, and where results have it.

use std::time::Duration;

use super::config::{Emit, ExpectConfig, WindowConfig};
use super::fields::Fields;
use super::{JsonPath, What, Wrong, needed, path, wrong};
use crate::units;

/// How far the partitions of the source may lie apart where a repartition follows and nobody says.
const APART: Duration = Duration::from_secs(1);
/// The longest list of the greatest.
const LONGEST: usize = 1_000;

/// What is added up, how, and where it is found in results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::expect) struct Added {
    pub(in crate::expect) key: Box<str>,
    pub(in crate::expect) value: Value,
    pub(in crate::expect) value_types: Vec<String>,
    pub(in crate::expect) window: Option<Window>,
    pub(in crate::expect) emit: Emit,
    /// Behind a repartition: how far partitions may lie apart, in ms. `None`: the source's partitions are the tasks.
    pub(in crate::expect) apart_ms: Option<i64>,
    pub(in crate::expect) at: JsonPath,
    pub(in crate::expect) start: Option<JsonPath>,
    pub(in crate::expect) end: Option<JsonPath>,
    pub(in crate::expect) of: JsonPath,
    /// Where an entry of a list has its item, and its number.
    pub(in crate::expect) entry: Option<(JsonPath, JsonPath)>,
}

/// What each event adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::expect) enum Value {
    Count,
    Sum(Box<str>),
    Product(Box<str>, Box<str>),
    /// Of a field, which an event must have to be taken.
    Of(Kind, Box<str>),
    /// So many items of a field, which an event must have to be taken, with the greatest of what events add to each.
    Top(usize, Box<str>, Box<Value>),
}

/// What values come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::expect) enum Kind {
    Sum,
    Min,
    Max,
    Last,
    Distinct,
    /// A list of so many items.
    Top(usize),
}

impl Kind {
    const OF_A_FIELD: [(Self, &str); 4] =
        [(Self::Min, "min"), (Self::Max, "max"), (Self::Last, "last"), (Self::Distinct, "distinct")];
}

impl Value {
    pub(in crate::expect) const fn kind(&self) -> Kind {
        match self {
            Self::Count | Self::Sum(_) | Self::Product(..) => Kind::Sum,
            Self::Of(kind, _) => *kind,
            Self::Top(length, ..) => Kind::Top(*length),
        }
    }

    /// The field without which an event has nothing to add.
    pub(in crate::expect) fn needed_field(&self) -> Option<&str> {
        match self {
            Self::Of(_, field) | Self::Top(_, field, _) => Some(field),
            _ => None,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let inside = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')').map(str::trim);
        if text == "count" {
            return Some(Self::Count);
        }
        for (kind, name) in Kind::OF_A_FIELD {
            if let Some(field) = inside(name).filter(|field| is_field(field)) {
                return Some(Self::Of(kind, field.into()));
            }
        }
        if let Some(list) = inside("top") {
            let mut parts = list.splitn(3, ',').map(str::trim);
            let length = parts.next()?.parse().ok().filter(|length| (1..=LONGEST).contains(length))?;
            let item = parts.next().filter(|item| is_field(item))?;
            let of = parts.next().map_or(Some(Self::Count), Self::parse)?;
            return (of.kind() == Kind::Sum).then(|| Self::Top(length, item.into(), Box::new(of)));
        }
        let factors: Vec<&str> = inside("sum")?.split('*').map(str::trim).collect();
        match factors[..] {
            [field] if is_field(field) => Some(Self::Sum(field.into())),
            [one, other] if is_field(one) && is_field(other) => Some(Self::Product(one.into(), other.into())),
            _ => None,
        }
    }

    /// Whether the events that are taken have what it looks at.
    fn check(&self, fields: &Fields<'_>) -> Result<(), Wrong> {
        match self {
            Self::Count => Ok(()),
            Self::Of(Kind::Distinct, field) => fields.find(field, "its value").map(drop),
            Self::Of(_, field) => fields.number(field, "its value"),
            Self::Sum(field) => fields.number(field, "its sum"),
            Self::Product(one, other) => {
                fields.number(one, "its sum")?;
                fields.number(other, "its sum")
            }
            Self::Top(_, item, of) => {
                fields.find(item, "its items")?;
                of.check(fields)
            }
        }
    }
}

fn is_field(field: &str) -> bool {
    !field.is_empty() && !field.contains(['*', '(', ','])
}

/// Windows, in ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::expect) struct Window {
    pub(in crate::expect) size: i64,
    pub(in crate::expect) advance: i64,
    pub(in crate::expect) grace: i64,
}

impl Window {
    /// The starts of the windows in which an event of that time is.
    pub(in crate::expect) fn of(self, ts: i64) -> impl Iterator<Item = i64> {
        let first = (ts - self.size + self.advance).max(0) / self.advance * self.advance;
        std::iter::successors(Some(first), move |start| Some(start + self.advance))
            .take_while(move |start| *start <= ts)
    }

    /// Whether the window that begins there takes events when stream time has come to `time`.
    pub(in crate::expect) const fn takes(self, start: i64, time: i64) -> bool {
        start + self.size + self.grace > time
    }
}

/// Sessions, in ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::expect) struct Gap {
    /// The longest distance from an event of a session to the next.
    pub(in crate::expect) gap: i64,
    pub(in crate::expect) grace: i64,
}

impl Gap {
    /// The stream time at which a session has closed whose last event is of that time.
    pub(in crate::expect) const fn closes(self, end: i64) -> i64 {
        end + self.gap + self.grace + 1
    }
}

pub(super) fn added(config: &ExpectConfig, key: &str, fields: &Fields<'_>) -> Result<What, Wrong> {
    fields.find(key, "its key")?;
    let text = config.value.as_deref().unwrap_or("count");
    let Some(value) = Value::parse(text) else {
        return wrong(
            format!("\"{text}\" is nothing that can be computed"),
            "count, sum(quantity), sum(price * quantity), min(price), max(price), last(price), distinct(user_id) or \
             top(10, item_id, sum(quantity))",
        );
    };
    match &value {
        Value::Count if !config.value_types.is_empty() => {
            return wrong("value_types has no meaning for a count", "types says which events are counted");
        }
        Value::Of(..) | Value::Top(..) if !config.value_types.is_empty() => {
            return wrong("value_types has a meaning for sums alone", "types says which events are taken");
        }
        _ => value.check(fields)?,
    }
    fields.known_types(&config.value_types)?;
    let (window, gap) = match &config.window {
        Some(config) if config.gap.is_some() => (None, Some(gap(config)?)),
        Some(config) => (Some(window(config)?), None),
        None => (None, None),
    };
    let is_windowed = window.is_some() || gap.is_some();
    let emit = match config.emit {
        Some(Emit::Final) if !is_windowed => {
            let hint = "a running total has only updates: leave emit out, or give a window";
            return wrong("without a window nothing is ever final", hint);
        }
        emit if is_windowed => emit.unwrap_or_default(),
        emit => emit.unwrap_or(Emit::Updates),
    };
    check_output(config, is_windowed, gap.is_some())?;
    if config.repartition == Some(false) && config.apart.is_some() {
        return wrong("apart has no meaning without a repartition", "leave apart out");
    }
    let apart = config.apart.unwrap_or(APART);
    let output = &config.output;
    let entry = match (&value, &output.item, &output.number) {
        (Value::Top(..), item, number) => Some((needed(item.as_ref(), "item")?, needed(number.as_ref(), "number")?)),
        (_, None, None) => None,
        _ => {
            return wrong(
                "item and number have a meaning for lists alone",
                "value = \"top(10, FIELD)\", or leave them out",
            );
        }
    };
    let added = Added {
        key: key.into(),
        value,
        value_types: config.value_types.clone(),
        window,
        emit,
        apart_ms: config.repartition.unwrap_or(true).then(|| millis(apart)),
        at: needed(output.key.as_ref(), "key")?,
        start: output.start.as_deref().map(path).transpose()?,
        end: output.end.as_deref().map(path).transpose()?,
        of: needed(output.value.as_ref(), "value")?,
        entry,
    };
    Ok(match gap {
        Some(gap) => What::Sessions(added, gap),
        None => What::Added(added),
    })
}

/// Whether the output says where the window is, as far as there is one.
fn check_output(config: &ExpectConfig, is_windowed: bool, is_session: bool) -> Result<(), Wrong> {
    let output = &config.output;
    let said = (output.start.is_some(), output.end.is_some());
    if !is_windowed && said != (false, false) {
        return wrong(
            "its output has a window, and it has none",
            "for example window = { size = \"10s\", grace = \"5s\" }",
        );
    }
    if is_windowed && said == (false, false) {
        return wrong(
            "its output does not say where the window is",
            "for example output = { start = \"window_start\", … }",
        );
    }
    if is_session && said != (true, true) {
        return wrong(
            "its output does not say from when to when a session is",
            "for example output = { start = \"window_start\", end = \"window_end\", … }",
        );
    }
    Ok(())
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

fn gap(config: &WindowConfig) -> Result<Gap, Wrong> {
    if config.size.is_some() || config.advance.is_some() {
        return wrong(
            "its window has a gap and a size: a session is as long as its events are near each other",
            "give gap alone, or size and advance",
        );
    }
    let gap = config.gap.unwrap_or_default();
    if gap.as_millis() == 0 {
        return wrong("its sessions have no gap", "give a gap of at least 1ms");
    }
    Ok(Gap { gap: millis(gap), grace: millis(config.grace.unwrap_or_default()) })
}

fn window(config: &WindowConfig) -> Result<Window, Wrong> {
    let Some(size) = config.size else {
        return wrong("its window has neither size nor gap", "for example window = { size = \"10s\", grace = \"5s\" }");
    };
    let (advance, grace) = (config.advance.unwrap_or(size), config.grace.unwrap_or_default());
    if [size, advance].iter().any(|part| part.as_millis() == 0) {
        return wrong("its window has no length", "give size and advance of at least 1ms");
    }
    if advance > size {
        return wrong(
            format!(
                "its windows are {} long and {} apart: events between them would be in none",
                units::of_duration(size),
                units::of_duration(advance)
            ),
            "give an advance of at most the size",
        );
    }
    if size.as_millis() / advance.as_millis() > 1_000 {
        return wrong("each event would be in more than 1000 windows", "give an advance nearer to the size");
    }
    Ok(Window { size: millis(size), advance: millis(advance), grace: millis(grace) })
}
