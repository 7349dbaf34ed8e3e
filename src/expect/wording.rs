//! What an expectation says, in a sentence.

use std::fmt::{self, Write as _};
use std::time::Duration;

use super::declare::{Added, Emit, Expectation, Kind, Value, What, Window};
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

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |noun| events(noun, &self.types, &self.present);
        let Added { key, value, value_types, window, emit, apart_ms, .. } = match &self.what {
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
            What::Added(added) => added,
        };
        match value {
            Value::Count => write!(f, "the number of {}", of("events"))?,
            Value::Sum(field) => write!(f, "the sum of {field} over {}", of("events"))?,
            Value::Of(kind, field) => {
                let what = match kind {
                    Kind::Min => "the least",
                    Kind::Max => "the greatest",
                    Kind::Last => "the last",
                    Kind::Distinct | Kind::Sum => "the number of different values of",
                };
                write!(f, "{what} {field} of {}", of("events"))?;
            }
            Value::Product(one, other) => write!(f, "the sum of {one} times {other} over {}", of("events"))?,
        }
        if !value_types.is_empty() {
            write!(f, " (to which only {} events add)", value_types.join(" and "))?;
        }
        write!(f, " of {} by {key}", self.source)?;
        if let Some(window) = window {
            write!(f, " in {window}")?;
        }
        match (emit, window) {
            (Emit::Final, _) => write!(f, ": once in {} when the window has closed", self.topic)?,
            (Emit::Updates, Some(_)) => write!(f, ": the last one for each window in {}", self.topic)?,
            (Emit::Updates, None) => write!(f, ": the last one for each in {}", self.topic)?,
        }
        match apart_ms.filter(|_| window.is_some()) {
            Some(ms) => write!(f, "; behind a repartition, with partitions at most {} apart", span(ms)),
            None => Ok(()),
        }
    }
}
