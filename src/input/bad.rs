//! Rows that cannot be used: what to do with them, and what is kept of them.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How many skipped rows are kept as examples.
const EXAMPLES: usize = 20;
/// The type of a row that does not tell it.
pub const UNKNOWN_TYPE: &str = "unknown";

/// What to do with a row that cannot be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BadRowPolicy {
    /// Refuse the file.
    #[default]
    Fail,
    /// Leave the row out, count it, keep examples.
    Skip,
}

/// A policy of another name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no choice for bad rows: write fail or skip")]
pub struct UnknownPolicy(String);

impl FromStr for BadRowPolicy {
    type Err = UnknownPolicy;
    fn from_str(text: &str) -> Result<Self, UnknownPolicy> {
        match text.trim() {
            "fail" => Ok(Self::Fail),
            "skip" => Ok(Self::Skip),
            _ => Err(UnknownPolicy(text.to_owned())),
        }
    }
}

/// The rows left out with `--bad-rows skip`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRows {
    /// How many; a quoted field that goes on over lines takes all of them away.
    pub count: u64,
    /// The same by kind of problem.
    pub by_reason: BTreeMap<String, u64>,
    /// The same by type of event; `unknown` where the row does not tell it.
    #[serde(default)]
    pub by_type: BTreeMap<String, u64>,
    /// The first 20.
    pub examples: Vec<BadRow>,
}

/// One row left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRow {
    /// Its line in the file, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub problem: String,
}

impl BadRows {
    /// Counts a row, with its place, its kind of problem, its type, and what is wrong with it; it takes `lines` lines away.
    pub fn add(&mut self, line: u64, lines: u64, reason: &str, kind: &str, problem: &impl Display) {
        self.count += lines;
        for (counts, name) in [(&mut self.by_reason, reason), (&mut self.by_type, kind)] {
            *counts.entry(name.to_owned()).or_default() += lines;
        }
        if self.examples.len() < EXAMPLES {
            self.examples.push(BadRow { line, problem: problem.to_string() });
        }
    }
}
