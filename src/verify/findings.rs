//! What the verifier found: counters, with up to 20 examples each.

use std::collections::BTreeMap;

use crate::report::{self, Example};

/// Examples kept of each finding.
pub const EXAMPLES: usize = 20;

/// Counters and examples, as the report has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings(pub report::Findings);

impl Findings {
    /// Keeps an example of `name`, if there are not enough yet; `example` is only made then.
    pub fn example(&mut self, name: &str, example: impl FnOnce() -> Example) {
        keep(&mut self.0.examples, name, example);
    }

    /// How many examples of `name` are kept.
    pub(super) fn count_of(&self, name: &str) -> usize {
        self.0.examples.get(name).map_or(0, Vec::len)
    }

    /// Adds words to an example.
    pub(super) fn add_to(&mut self, name: &str, example: usize, words: impl FnOnce() -> String) {
        if let Some(example) = self.0.examples.get_mut(name).and_then(|kept| kept.get_mut(example)) {
            example.what.push_str(&words());
        }
    }

    /// Counts an invalid record.
    pub fn invalid(&mut self, reason: &str) {
        self.0.invalid += 1;
        match self.0.invalid_by_reason.get_mut(reason) {
            Some(count) => *count += 1,
            None => {
                self.0.invalid_by_reason.insert(reason.to_owned(), 1);
            }
        }
    }
}

/// Keeps an example of `name` in `examples`, if there are not enough yet.
pub fn keep(examples: &mut BTreeMap<String, Vec<Example>>, name: &str, example: impl FnOnce() -> Example) {
    if let Some(kept) = examples.get_mut(name) {
        if kept.len() < EXAMPLES {
            kept.push(example());
        }
    } else {
        examples.insert(name.to_owned(), vec![example()]);
    }
}

/// The first bytes of a record, safe to show: printable ASCII, everything else as `\xNN`.
#[must_use]
pub fn shown(bytes: &[u8]) -> String {
    const SHOWN: usize = 60;
    let text = bytes[..bytes.len().min(SHOWN)].escape_ascii().to_string();
    if bytes.len() > SHOWN { format!("{text}… ({} bytes)", bytes.len()) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_bounded_and_counts_are_not() {
        let mut findings = Findings::default();
        for _ in 0..100 {
            findings.invalid("not_json");
            findings.example("invalid", Example::default);
        }
        assert_eq!(findings.0.invalid_by_reason["not_json"], 100);
        assert_eq!(findings.0.examples["invalid"].len(), EXAMPLES);
    }

    #[test]
    fn bytes_are_shown_without_control_characters() {
        assert_eq!(shown(b"a\x1b[31m\xff\n"), "a\\x1b[31m\\xff\\n");
        assert!(shown(&[b'x'; 100]).ends_with("(100 bytes)"));
    }
}
