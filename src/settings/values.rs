//! Values with units or of two parts, as clap reads them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use toml::Value;

use super::choice::choices;
use super::layer::Entry;
use super::pace::PlannedRate;
use super::run::Shard;
use super::text;
use crate::event::stamp::RunId;
use crate::kafka::properties::{redact, redacted};
use crate::schedule::{Rate, Speed};
use crate::source::synthetic::STEEPEST_SKEW;
use crate::units::{self, UnitError};

/// The largest payload.
pub(crate) const MOST_PAYLOAD: u64 = 16 << 20;

/// `250ms`, `5s`, `1m30s`, `2h`, `7d`.
pub(crate) fn duration(text: &str) -> Result<Duration, UnitError> {
    units::duration(text)
}

/// A duration above zero.
pub(crate) fn positive_duration(text: &str) -> Result<Duration, String> {
    match units::duration(text) {
        Ok(duration) if duration.is_zero() => Err("it must be above 0".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(error.to_string()),
    }
}

/// `512`, `64KiB`, `16MiB`.
pub(crate) fn size(text: &str) -> Result<u64, UnitError> {
    units::size(text)
}

/// A body's size: up to 16 MiB, beyond what brokers take.
pub(crate) fn payload(text: &str) -> Result<u64, String> {
    match units::size(text) {
        Ok(bytes) if (1..=MOST_PAYLOAD).contains(&bytes) => Ok(bytes),
        Ok(_) => Err("a payload has 1 byte to 16MiB".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// A number from 0 to 1.
pub(crate) fn fraction(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if (0.0..=1.0).contains(&number) => Ok(number),
        _ => Err("it is a number from 0 to 1".to_owned()),
    }
}

/// `10000`, `10000/s`, `50/1s` or `unlimited`.
pub(crate) fn rate(text: &str) -> Result<PlannedRate, <PlannedRate as std::str::FromStr>::Err> {
    text.parse()
}

/// A rate that cannot be `unlimited`.
pub(crate) fn bounded_rate(text: &str) -> Result<Rate, <Rate as std::str::FromStr>::Err> {
    text.parse()
}

/// An exponent that the distribution takes.
pub(crate) fn skew(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(skew) if (0.0..=STEEPEST_SKEW).contains(&skew) => Ok(skew),
        _ => Err(format!("a skew is a number from 0 (evenly) to {STEEPEST_SKEW}")),
    }
}

/// `1/3`; or `env/3`, which takes the number from where a Kubernetes Indexed Job says it.
pub(crate) fn shard(text: &str) -> Result<Shard, String> {
    if let Some(of) = text.strip_prefix("env/") {
        let index = std::env::var(JOB_INDEX)
            .map_err(|_| format!("{JOB_INDEX} is not set, and \"env\" takes the shard from it"))?;
        let number = index.trim().parse::<u16>().ok().and_then(|index| index.checked_add(1));
        let number = number.ok_or_else(|| format!("{JOB_INDEX} is \"{index}\", and it should be a number from 0"))?;
        return shard(&format!("{number}/{of}"))
            .map_err(|_| format!("{JOB_INDEX} is {index}, which is no shard of {of}"));
    }
    let parsed = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
    match parsed {
        Some((number, of)) if (1..=of).contains(&number) => Ok(Shard { number, of }),
        _ => Err("write it as I/N, such as 1/3, I from 1 to N, or as env/N".to_owned()),
    }
}

/// Where a Kubernetes Indexed Job says which of its pods one is, from 0.
const JOB_INDEX: &str = "JOB_COMPLETION_INDEX";

/// `00c0ffee`, `17234567890`; of a UUID, as Kubernetes gives its Jobs, the last 16 digits, which are drawn at random.
pub(crate) fn run_id(text: &str) -> Result<RunId, String> {
    let is_uuid = text.len() == 36 && uuid::Uuid::try_parse(text).is_ok();
    let text = if is_uuid { text.replace('-', "")[16..].to_owned() } else { text.to_owned() };
    let digits = !text.is_empty() && text.len() <= 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = if digits { u64::from_str_radix(&text, 16).ok() } else { None };
    id.map(RunId).ok_or_else(|| "an id is 1 to 16 hexadecimal digits".to_owned())
}

/// `2026-01-01T12:00:00Z`.
pub(crate) fn instant(text: &str) -> Result<jiff::Timestamp, String> {
    text.parse().map_err(|_| "write it as RFC 3339 has it, such as 2026-01-01T12:00:00Z".to_owned())
}

/// `100`, `100x`, `0.5`.
pub(crate) fn speed(text: &str) -> Result<Speed, <Speed as std::str::FromStr>::Err> {
    text.parse()
}

/// One `-X`.
#[derive(Clone, PartialEq, Eq)]
pub enum Property {
    /// `key=value`.
    Set(String, String),
    /// `dump`: print what would be used.
    Dump,
    /// Neither: it may hold a secret, so it is refused without being shown.
    Unreadable,
}

/// Without secrets.
impl fmt::Debug for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(key, value) => write!(f, "{key}={}", redact(key, value)),
            Self::Dump => f.write_str("dump"),
            Self::Unreadable => f.write_str("unreadable"),
        }
    }
}

/// `key=value`, the key not empty; or `dump`. Never an error, since clap would print the text with it, and it may be a password.
#[expect(clippy::unnecessary_wraps, reason = "what clap calls gives a result")]
pub(crate) fn property(text: &str) -> Result<Property, String> {
    Ok(match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Property::Set(key.trim().to_owned(), value.to_owned()),
        None if text == "dump" => Property::Dump,
        _ => Property::Unreadable,
    })
}

/// In a scenario they are a table. It is written without secrets.
impl Entry for Property {
    fn read_all<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<Self>, D::Error> {
        Ok(text::table::deserialize(value)?.into_iter().map(|(key, value)| Self::Set(key, value)).collect())
    }

    fn write_all(entries: &[Self]) -> Result<Value, toml::ser::Error> {
        Value::try_from(redacted(&Self::table(entries)))
    }
}

impl Property {
    /// The properties that are set.
    #[must_use]
    pub fn table(entries: &[Self]) -> BTreeMap<String, String> {
        let set = entries.iter().filter_map(|property| match property {
            Self::Set(key, value) => Some((key.clone(), value.clone())),
            Self::Dump | Self::Unreadable => None,
        });
        set.collect()
    }
}

/// One `--header`: every record has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConstantHeader {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// `NAME=VALUE`, the name not empty.
pub(crate) fn header(text: &str) -> Result<ConstantHeader, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() && !name.contains('\0') => {
            Ok(ConstantHeader { name: name.trim().to_owned(), value: value.to_owned() })
        }
        _ => Err("write it as NAME=VALUE, for example origin=loadgen".to_owned()),
    }
}

/// In a scenario they are a table.
impl Entry for ConstantHeader {
    fn read_all<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<Self>, D::Error> {
        let table = text::table::deserialize(value)?;
        if table.keys().any(|name| name.is_empty() || name.contains('\0')) {
            return Err(serde::de::Error::custom("a header has a name, without NUL in it"));
        }
        Ok(table.into_iter().map(|(name, value)| Self { name, value }).collect())
    }

    fn write_all(entries: &[Self]) -> Result<Value, toml::ser::Error> {
        Value::try_from(Self::table(entries))
    }
}

impl ConstantHeader {
    /// All of them by name; of two of one name, the last counts.
    #[must_use]
    pub fn table(entries: &[Self]) -> BTreeMap<String, String> {
        entries.iter().map(|Self { name, value }| (name.clone(), value.clone())).collect()
    }
}

/// One `--topic-map`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicMap(pub Vec<(String, String)>);

/// In a scenario they are a table.
impl Entry for TopicMap {
    fn read_all<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<Self>, D::Error> {
        Ok(Self::of(BTreeMap::deserialize(value)?))
    }

    fn write_all(entries: &[Self]) -> Result<Value, toml::ser::Error> {
        Value::try_from(Self::table(entries))
    }
}

impl TopicMap {
    /// A table of them as one.
    #[must_use]
    pub fn of(table: BTreeMap<String, String>) -> Vec<Self> {
        if table.is_empty() { Vec::new() } else { vec![Self(table.into_iter().collect())] }
    }

    /// All of them in one table; of two for one type, the last counts.
    #[must_use]
    pub fn table(entries: &[Self]) -> BTreeMap<String, String> {
        entries.iter().flat_map(|Self(map)| map.iter().cloned()).collect()
    }
}

/// `view=clicks,transaction=orders`.
pub(crate) fn topic_map(text: &str) -> Result<TopicMap, String> {
    let pair = |part: &str| match part.split_once('=') {
        Some((kind, topic)) if !topic.trim().is_empty() => Ok((kind.trim().to_owned(), topic.trim().to_owned())),
        _ => Err("write it as TYPE=TOPIC, for example view=clicks,transaction=orders".to_owned()),
    };
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(pair).collect::<Result<_, _>>().map(TopicMap)
}

/// One `--map`: fields of an event, and where they come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldMap(pub Vec<(String, String)>);

/// `user_id=visitorid,city=address.town`.
pub(crate) fn field_map(text: &str) -> Result<FieldMap, String> {
    let pair = |part: &str| match part.split_once('=') {
        Some((field, from)) if !field.trim().is_empty() && !from.trim().is_empty() => {
            Ok((field.trim().to_owned(), from.trim().to_owned()))
        }
        _ => Err("write it as FIELD=FROM, for example user_id=visitorid,city=address.town".to_owned()),
    };
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(pair).collect::<Result<_, _>>().map(FieldMap)
}

/// Folders of runs that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundles(pub Vec<PathBuf>);

/// `DIR,DIR`.
pub(crate) fn bundles(text: &str) -> Result<Bundles, String> {
    let folders: Vec<PathBuf> = text.split(',').filter(|folder| !folder.is_empty()).map(PathBuf::from).collect();
    if folders.is_empty() { Err("name at least one folder".to_owned()) } else { Ok(Bundles(folders)) }
}

/// One `--export`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// The format.
    pub kind: String,
    /// The file.
    pub file: PathBuf,
}

/// `KIND=FILE`.
pub(crate) fn export(text: &str) -> Result<Export, String> {
    match text.split_once('=') {
        Some((kind, file)) if !kind.is_empty() && !file.is_empty() => {
            Ok(Export { kind: kind.to_owned(), file: file.into() })
        }
        _ => Err("write it as KIND=FILE, for example markdown=summary.md".to_owned()),
    }
}

/// One `--max-regression`.
#[derive(Clone, Debug, PartialEq)]
pub struct Regression {
    /// The metric.
    pub metric: String,
    /// The largest change accepted, in percent.
    pub percent: f64,
}

/// `METRIC=PERCENT`.
pub(crate) fn regression(text: &str) -> Result<Regression, String> {
    let refused = || "write it as METRIC=PERCENT, for example p99=10%".to_owned();
    let (metric, percent) = text.split_once('=').ok_or_else(refused)?;
    let percent: f64 = percent.trim().trim_end_matches('%').parse().map_err(|_| refused())?;
    if metric.is_empty() || !percent.is_finite() || percent < 0.0 {
        return Err(refused());
    }
    Ok(Regression { metric: metric.trim().to_owned(), percent })
}

choices! {
    /// Which verdict of a comparison fails.
    pub enum FailOn {
        Worse = "worse": "a metric is worse",
        Inconclusive = "inconclusive": "a metric is worse, or nothing can be said",
    }
}

choices! {
    /// The form of a comparison.
    pub enum CompareOutput {
        Text = "text": "for people",
        Markdown = "markdown": "for pull requests",
        Html = "html": "a page with both curves, in one file",
        Json = "json": "for programs",
    }
}
