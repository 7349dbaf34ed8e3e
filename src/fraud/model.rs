//! A model that `LightGBM` trained, in its text format: trees whose leaves add up to the log-odds of fraud.
//!
//! The format is that of `GBDT::SaveModelToString` and `Tree::ToString` (version 4), the walk that of `Tree::NumericalDecision`. A model is
//! checked in full when it is read, so that a walk cannot fail.

mod read;

use std::path::PathBuf;

use super::features::{Features, NAMES};

/// A larger file is no model of ours.
const LARGEST: u64 = 64 << 20;

/// The model that ships with the program.
const SHIPPED: &str = include_str!("../../pipeline/model/fraud.txt");

/// Why a file is no model to score with.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// It cannot be read.
    #[error("the model {path} cannot be read: {source}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is too large.
    #[error("the model has {bytes} bytes, and at most {LARGEST} are read")]
    TooLarge {
        /// How large it is.
        bytes: u64,
    },
    /// It is damaged, or no model of `LightGBM`.
    #[error("the model is damaged or none of LightGBM's: line {line}: {what}")]
    Damaged {
        /// The line.
        line: usize,
        /// What is wrong there.
        what: String,
    },
    /// It is one that is not walked here.
    #[error("the model {0}, and only binary ones over numbers are scored with here")]
    Other(String),
    /// It looks at something that is not there.
    #[error("the model wants the feature \"{0}\", which nobody computes; there are {features}", features = NAMES.join(", "))]
    NoFeature(String),
}

/// A node of a tree.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Node {
    threshold: f64,
    feature: u16,
    /// What the node does with what is missing.
    missing: Missing,
    /// Whether what is missing goes left.
    default_left: bool,
    /// A node of the same model, or a leaf where it is negative: `!place`.
    left: i32,
    right: i32,
}

/// Which values count as missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    None,
    Zero,
    NotANumber,
}

/// A model, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    name: String,
    sigmoid: f64,
    /// Where each tree begins: a node, or a leaf as in a node.
    roots: Vec<i32>,
    nodes: Vec<Node>,
    leaves: Vec<f64>,
}

/// `kZeroThreshold` of `LightGBM`, a 32-bit number there.
#[expect(clippy::cast_possible_truncation, reason = "it is cut to 32 bits on purpose")]
const ZERO: f64 = 1e-35_f64 as f32 as f64;

impl Model {
    /// The one that ships with the program.
    ///
    /// # Errors
    /// None that its test lets through.
    pub fn shipped() -> Result<Self, ModelError> {
        Self::parse(SHIPPED)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// A file that cannot be read, or is no model to score with.
    pub fn load(path: &std::path::Path) -> Result<Self, ModelError> {
        let unreadable = |source| ModelError::Unreadable { path: path.to_owned(), source };
        let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
        if bytes > LARGEST {
            return Err(ModelError::TooLarge { bytes });
        }
        Self::parse(&std::fs::read_to_string(path).map_err(unreadable)?)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// A text that is no model to score with.
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        read::read(text)
    }

    /// What it calls itself: `lightgbm-` and a hash of its text.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many trees it has.
    #[must_use]
    pub const fn trees(&self) -> usize {
        self.roots.len()
    }

    /// How likely an event is fraudulent, 0 to 1.
    #[must_use]
    pub fn score(&self, features: &Features) -> f64 {
        let sum: f64 = self.roots.iter().map(|root| self.walk(*root, features)).sum();
        1.0 / (1.0 + (-self.sigmoid * sum).exp())
    }

    fn walk(&self, root: i32, features: &Features) -> f64 {
        let mut place = root;
        while let Ok(node) = usize::try_from(place) {
            let node = &self.nodes[node];
            place = if node.goes_left(features[usize::from(node.feature)]) { node.left } else { node.right };
        }
        self.leaves[usize::try_from(!place).unwrap_or_default()]
    }
}

impl Node {
    fn goes_left(&self, value: f64) -> bool {
        let value = if value.is_nan() && self.missing != Missing::NotANumber { 0.0 } else { value };
        let is_missing = match self.missing {
            Missing::None => false,
            Missing::Zero => value.abs() <= ZERO,
            Missing::NotANumber => value.is_nan(),
        };
        if is_missing { self.default_left } else { value <= self.threshold }
    }
}

#[cfg(test)]
mod tests;
