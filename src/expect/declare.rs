//! What is declared of an expectation, and what is wrong with a declaration.

mod added;
mod config;
mod fields;

use std::collections::BTreeSet;

use super::scores;
use crate::event::catalogue::Catalogue;
use crate::source::synthetic::fraud::Truth;
pub(super) use added::{Added, Gap, Kind, Value, Window};
use added::{added, millis};
pub use config::{Emit, ExpectConfig, Named, OutputConfig, WindowConfig};
use fields::Fields;

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
    /// A value by key and session: what is added up has no window of its own.
    Sessions(Added, Gap),
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
            (None, Some(key)) => added(config, key, &fields)?,
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
            What::Added(added) | What::Sessions(added, _) => added.value.needed_field(),
            What::Each { .. } => None,
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
        ("a list", output.item.is_some() || output.number.is_some()),
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
