//! What is declared of an expectation, and what is wrong with a declaration.

mod config;
mod fields;

use std::collections::BTreeSet;
use std::time::Duration;

use super::scores;
use crate::event::catalogue::Catalogue;
use crate::source::synthetic::fraud::Truth;
use crate::units;
pub use config::{Emit, ExpectConfig, Named, OutputConfig, WindowConfig};
use fields::Fields;

/// How far the partitions of the source may lie apart where a repartition follows and nobody says.
const APART: Duration = Duration::from_secs(1);
/// The field with the event time.
const TIME: &str = "timestamp";

/// A path in the body of a result.
pub(super) type JsonPath = Vec<Box<str>>;

/// One expectation, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// Its name.
    pub name: String,
    /// The topic of the input.
    pub source: String,
    /// The topic of the results.
    pub topic: String,
    pub(super) type_field: Box<str>,
    pub(super) types: Vec<String>,
    pub(super) present: Vec<String>,
    pub(super) time: Box<str>,
    pub(super) what: What,
    pub(super) only: Vec<(JsonPath, String)>,
}

/// What comes out.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    /// One record for each event, which has the text of that field at that path.
    Each { field: Box<str>, at: JsonPath, scores: Option<Box<scores::Rules>> },
    /// A value by key, and by window where there are windows.
    Added(Added),
}

/// What is added up, how, and where it is found in results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Added {
    pub(super) key: Box<str>,
    pub(super) value: Value,
    pub(super) value_types: Vec<String>,
    pub(super) window: Option<Window>,
    pub(super) emit: Emit,
    /// Behind a repartition: how far partitions may lie apart, in ms. `None`: the source's partitions are the tasks.
    pub(super) apart_ms: Option<i64>,
    pub(super) at: JsonPath,
    pub(super) start: Option<JsonPath>,
    pub(super) end: Option<JsonPath>,
    pub(super) of: JsonPath,
}

/// What each event adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Count,
    Sum(Box<str>),
    Product(Box<str>, Box<str>),
    /// Of a field, which an event must have to be taken.
    Of(Kind, Box<str>),
}

/// What values come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Sum,
    Min,
    Max,
    Last,
    Distinct,
}

impl Kind {
    const OF_A_FIELD: [(Self, &str); 4] =
        [(Self::Min, "min"), (Self::Max, "max"), (Self::Last, "last"), (Self::Distinct, "distinct")];
}

impl Value {
    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Count | Self::Sum(_) | Self::Product(..) => Kind::Sum,
            Self::Of(kind, _) => *kind,
        }
    }
}

/// Windows, in ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) size: i64,
    pub(super) advance: i64,
    pub(super) grace: i64,
}

impl Window {
    /// The starts of the windows in which an event of that time is.
    pub(super) fn of(self, ts: i64) -> impl Iterator<Item = i64> {
        let first = (ts - self.size + self.advance).max(0) / self.advance * self.advance;
        std::iter::successors(Some(first), move |start| Some(start + self.advance))
            .take_while(move |start| *start <= ts)
    }

    /// Whether the window that begins there takes events when stream time has come to `time`.
    pub(super) const fn takes(self, start: i64, time: i64) -> bool {
        start + self.size + self.grace > time
    }
}

/// What is known of the events of a run: their types, and the topic of each.
#[derive(Clone, Copy)]
pub struct RunFacts<'a> {
    /// The types of event.
    pub catalogue: &'a Catalogue,
    /// The topic of a type.
    pub topic_of: &'a dyn Fn(&str) -> String,
    /// The topic of the input where none is named.
    pub usual: &'a str,
    /// The truth about the fraud in them; `None` where none was woven in, or that is not known.
    pub truth: Option<&'a Truth>,
}

/// What is wrong with an expectation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expectation {name}: {reason}")]
pub struct DeclareError {
    /// Its name, or its number where it has none.
    pub name: String,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub hint: String,
}

type Wrong = (String, String);

fn wrong<T>(reason: impl Into<String>, hint: impl Into<String>) -> Result<T, Wrong> {
    Err((reason.into(), hint.into()))
}

impl Expectation {
    /// Checks declarations.
    ///
    /// # Errors
    /// What is wrong with the first wrong one.
    pub fn all(configs: &[ExpectConfig], known: RunFacts<'_>) -> Result<Vec<Self>, DeclareError> {
        let mut names = BTreeSet::new();
        let mut all = Vec::new();
        for (number, config) in (1..).zip(configs) {
            let name = if config.name.is_empty() { format!("number {number}") } else { format!("\"{}\"", config.name) };
            let checked = check_name(&config.name, &mut names).and_then(|()| Self::new(config, known));
            all.push(checked.map_err(|(reason, hint)| DeclareError { name, reason, hint })?);
        }
        Ok(all)
    }

    fn new(config: &ExpectConfig, known: RunFacts<'_>) -> Result<Self, Wrong> {
        let source = config.source.clone().unwrap_or_else(|| known.usual.to_owned());
        let output = &config.output;
        if output.topic.is_empty() {
            return wrong("it does not say where results come to", "for example output = { topic = \"metrics\", … }");
        }
        if output.topic == source {
            return wrong(format!("\"{source}\" is both its input and its output"), "name two topics");
        }
        let fields = Fields::new(config, &source, known)?;
        let time = config.time.clone().unwrap_or_else(|| TIME.to_owned());
        fields.number(&time, "its time")?;
        config.present.iter().try_for_each(|field| fields.find(field, "it wants present").map(drop))?;
        let what = match (&config.matched, &config.key) {
            _ if config.kind == Some(Named::Scores) => scores(config, &fields, known.truth)?,
            _ if [
                config.threshold.is_some(),
                config.k.is_some(),
                config.within.is_some(),
                config.features.is_some(),
                config.truth.is_some(),
            ]
            .contains(&true) =>
            {
                return wrong(
                    "threshold, k, within, features and truth are for scores",
                    "kind = \"scores\", or leave them out",
                );
            }
            (Some(_), Some(_)) => {
                return wrong("match and key exclude each other", "match = FIELD is for one result to each event");
            }
            (Some(field), None) => each(config, field, &fields)?,
            (None, Some(key)) => What::Added(added(config, key, &fields)?),
            (None, None) => {
                let hint = "key = \"event_type\" adds events up by it, match = \"event_id\" wants one result for each";
                return wrong("it has neither key nor match", hint);
            }
        };
        let only = output.only.iter().map(|(at, text)| Ok((path(at)?, text.clone()))).collect::<Result<_, Wrong>>()?;
        Ok(Self {
            name: config.name.clone(),
            source,
            topic: output.topic.clone(),
            type_field: fields.type_field().into(),
            types: config.types.clone(),
            present: config.present.clone(),
            time: time.into(),
            what,
            only,
        })
    }

    /// The field without which an event has nothing to add.
    pub(super) fn needed_field(&self) -> Option<&str> {
        match &self.what {
            What::Added(Added { value: Value::Of(_, field), .. }) => Some(field),
            _ => None,
        }
    }

    /// Whether its results stand on all that was ever written, and not on the events of some time.
    #[must_use]
    pub const fn is_a_running_total(&self) -> bool {
        matches!(self.what, What::Added(Added { window: None, .. }))
    }
}

fn check_name(name: &str, names: &mut BTreeSet<String>) -> Result<(), Wrong> {
    let is_word = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if name.is_empty() || !is_word(name) {
        return wrong("it needs a name of letters, digits, - and _", "for example name = \"by-type\"");
    }
    if !names.insert(name.to_owned()) {
        return wrong("there are two of that name", "give each a name of its own");
    }
    Ok(())
}

fn path(text: &str) -> Result<JsonPath, Wrong> {
    let parts: JsonPath = text.split('.').map(Into::into).collect();
    if parts.iter().any(|part| part.is_empty()) {
        return wrong(format!("\"{text}\" is no path"), "fields with points between them, as in totals.count");
    }
    Ok(parts)
}

fn needed(text: Option<&String>, what: &str) -> Result<JsonPath, Wrong> {
    let missing = format!("its output does not say where the {what} is");
    text.map_or_else(|| wrong(missing, format!("for example output = {{ {what} = \"{what}\", … }}")), |text| path(text))
}

fn each(config: &ExpectConfig, field: &str, fields: &Fields<'_>) -> Result<What, Wrong> {
    let output = &config.output;
    let further = [
        ("value", config.value.is_some() || output.value.is_some()),
        ("value_types", !config.value_types.is_empty()),
        ("window", config.window.is_some() || output.start.is_some() || output.end.is_some()),
        ("emit", config.emit.is_some()),
        ("repartition", config.repartition.is_some()),
        ("apart", config.apart.is_some()),
    ];
    if let Some((name, _)) = further.iter().find(|(_, said)| *said) {
        return wrong(format!("{name} has no meaning where each event has one result"), format!("leave {name} out"));
    }
    fields.find(field, "it matches")?;
    let at = path(output.key.as_deref().unwrap_or(field))?;
    Ok(What::Each { field: field.into(), at, scores: None })
}

/// A score for each event, by its id, which says where the truth about it stands.
fn scores(config: &ExpectConfig, fields: &Fields<'_>, truth: Option<&Truth>) -> Result<What, Wrong> {
    if config.key.is_some() {
        return wrong("key has no meaning for scores: each event has one", "leave key out");
    }
    let Some(truth) = truth else {
        return wrong(
            "its scores cannot be judged without the truth, and no fraud is woven into these events",
            "[fraud] beside [source] weaves it in; for loadgen verify, truth = \"results/RUN\" names the run's folder",
        );
    };
    let threshold = config.threshold.unwrap_or(0.5);
    if !threshold.is_finite() {
        return wrong(format!("its threshold is {threshold}"), "a number, for example threshold = 0.5");
    }
    let k = config.k.unwrap_or(100);
    if k == 0 {
        return wrong("its k is 0", "how many of the highest scores are looked at, for example k = 100");
    }
    let at = path(config.output.value.as_deref().unwrap_or("score"))?;
    let plain = ExpectConfig { output: OutputConfig { value: None, ..config.output.clone() }, ..config.clone() };
    let field = config.matched.as_deref().unwrap_or("event_id");
    let What::Each { field, at: id, .. } = each(&plain, field, fields)? else {
        return wrong("it is nothing that each event has", "kind = \"scores\"");
    };
    let rules = scores::Rules {
        at,
        threshold,
        k,
        within_ms: config.within.map(millis),
        features: config.features.as_deref().map(path).transpose()?,
        truth: truth.clone(),
    };
    Ok(What::Each { field, at: id, scores: Some(Box::new(rules)) })
}

fn added(config: &ExpectConfig, key: &str, fields: &Fields<'_>) -> Result<Added, Wrong> {
    fields.find(key, "its key")?;
    let value = value(config.value.as_deref().unwrap_or("count"))?;
    match &value {
        Value::Count if !config.value_types.is_empty() => {
            return wrong("value_types has no meaning for a count", "types says which events are counted");
        }
        Value::Of(..) if !config.value_types.is_empty() => {
            return wrong("value_types has a meaning for sums alone", "types says which events are taken");
        }
        Value::Count => {}
        Value::Of(Kind::Distinct, field) => fields.find(field, "its value").map(drop)?,
        Value::Of(_, field) => fields.number(field, "its value")?,
        Value::Sum(field) => fields.number(field, "its sum")?,
        Value::Product(one, other) => {
            fields.number(one, "its sum")?;
            fields.number(other, "its sum")?;
        }
    }
    fields.known_types(&config.value_types)?;
    let window = config.window.as_ref().map(window).transpose()?;
    let emit = match (config.emit, window) {
        (Some(Emit::Final), None) => {
            let hint = "a running total has only updates: leave emit out, or give a window";
            return wrong("without a window nothing is ever final", hint);
        }
        (emit, None) => emit.unwrap_or(Emit::Updates),
        (emit, Some(_)) => emit.unwrap_or_default(),
    };
    let output = &config.output;
    if window.is_none() && (output.start.is_some() || output.end.is_some()) {
        return wrong(
            "its output has a window, and it has none",
            "for example window = { size = \"10s\", grace = \"5s\" }",
        );
    }
    if window.is_some() && output.start.is_none() && output.end.is_none() {
        return wrong(
            "its output does not say where the window is",
            "for example output = { start = \"window_start\", … }",
        );
    }
    if config.repartition == Some(false) && config.apart.is_some() {
        return wrong("apart has no meaning without a repartition", "leave apart out");
    }
    let apart = config.apart.unwrap_or(APART);
    Ok(Added {
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
    })
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

fn window(config: &WindowConfig) -> Result<Window, Wrong> {
    let Some(size) = config.size else {
        return wrong("its window has no size", "for example window = { size = \"10s\", grace = \"5s\" }");
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

fn value(text: &str) -> Result<Value, Wrong> {
    let text = text.trim();
    let inside = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')').map(str::trim);
    let is_field = |field: &&str| !field.is_empty() && !field.contains(['*', '(']);
    if text == "count" {
        return Ok(Value::Count);
    }
    for (kind, name) in Kind::OF_A_FIELD {
        if let Some(field) = inside(name).filter(is_field) {
            return Ok(Value::Of(kind, field.into()));
        }
    }
    let factors: Vec<&str> = inside("sum").unwrap_or_default().split('*').map(str::trim).collect();
    match factors[..] {
        [field] if is_field(&field) => Ok(Value::Sum(field.into())),
        [one, other] if is_field(&one) && is_field(&other) => Ok(Value::Product(one.into(), other.into())),
        _ => wrong(
            format!("\"{text}\" is nothing that can be computed"),
            "count, sum(quantity), sum(price * quantity), min(price), max(price), last(price) or distinct(user_id)",
        ),
    }
}
