//! What an expectation says, in a sentence.

use std::fmt::{self, Write as _};
use std::time::Duration;

use super::declare::{Added, Emit, Expectation, Gap, Kind, Value, What, Window};
use crate::units::of_duration;

fn span(ms: i64) -> String {
    of_duration(Duration::from_millis(u64::try_from(ms).unwrap_or_default()))
}

/// `transaction events with category`; `noun` is one of them or several.
fn events(noun: &str, types: &[String], present: &[String]) -> String {
    let mut text = if types.is_empty() { noun.to_owned() } else { format!("{} {noun}", types.join(" or ")) };
    if !present.is_empty() {
        // Writing into a String cannot fail.
        write!(text, " with {}", present.join(" and ")).unwrap_or_default();
    }
    text
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size, advance, grace } = *self;
        write!(f, "{} of its time", span(size))?;
        if advance != size {
            write!(f, ", a window every {}", span(advance))?;
        }
        write!(f, ", {} grace", if grace == 0 { "no".to_owned() } else { span(grace) })
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grace = if self.grace == 0 { "no".to_owned() } else { span(self.grace) };
        write!(f, "each session, whose events are at most {} apart, {grace} grace", span(self.gap))
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |noun| events(noun, &self.types, &self.present);
        let (added, gap) = match &self.what {
            What::Each { field, scores: Some(rules), .. } => {
                return write!(
                    f,
                    "each {} of {} has exactly one score with its {field} in {}, by which it is fraudulent from {} on, judged by \
                     the truth",
                    of("event"),
                    self.source,
                    self.topic,
                    rules.threshold
                );
            }
            What::Each { field, .. } => {
                return write!(
                    f,
                    "each {} of {} has exactly one record with its {field} in {}",
                    of("event"),
                    self.source,
                    self.topic
                );
            }
            What::Added(added) => (added, None),
            What::Sessions(added, gap) => (added, Some(gap)),
        };
        let Added { key, value, value_types, window, emit, apart_ms, .. } = added;
        match value {
            Value::Top(length, item, value) => {
                write!(f, "the {length} {item} with the greatest ")?;
                told(f, value, &of("events"), "sum", "number")?;
            }
            value => told(f, value, &of("events"), "the sum", "the number")?,
        }
        if !value_types.is_empty() {
            write!(f, " (to which only {} events add)", value_types.join(" and "))?;
        }
        write!(f, " of {} by {key}", self.source)?;
        match (window, gap) {
            (Some(window), _) => write!(f, " in {window}")?,
            (None, Some(gap)) => write!(f, " in {gap}")?,
            (None, None) => {}
        }
        let is_windowed = window.is_some() || gap.is_some();
        match (emit, is_windowed) {
            (Emit::Final, _) => {
                write!(f, ": once in {} when {} has closed", self.topic, gap.map_or("the window", |_| "it"))?;
            }
            (Emit::Updates, true) => {
                write!(f, ": the last one for each {} in {}", gap.map_or("window", |_| "session"), self.topic)?;
            }
            (Emit::Updates, false) => write!(f, ": the last one for each in {}", self.topic)?,
        }
        match apart_ms.filter(|_| is_windowed) {
            Some(ms) => write!(f, "; behind a repartition, with partitions at most {} apart", span(ms)),
            None => Ok(()),
        }
    }
}

/// What a value is of `events`.
fn told(f: &mut fmt::Formatter<'_>, value: &Value, events: &str, sum: &str, number: &str) -> fmt::Result {
    match value {
        Value::Count => write!(f, "{number} of {events}"),
        Value::Sum(field) => write!(f, "{sum} of {field} over {events}"),
        Value::Product(one, other) => write!(f, "{sum} of {one} times {other} over {events}"),
        Value::Of(kind, field) => {
            let what = match kind {
                Kind::Min => "the least",
                Kind::Max => "the greatest",
                Kind::Last => "the last",
                Kind::Distinct | Kind::Sum | Kind::Top(_) => "the number of different values of",
            };
            write!(f, "{what} {field} of {events}")
        }
        // A list of lists is refused.
        Value::Top(..) => Ok(()),
    }
}
