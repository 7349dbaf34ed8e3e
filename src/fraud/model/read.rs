//! Reads a model's text.

use std::collections::HashMap;
use std::str::FromStr;

use xxhash_rust::xxh3::xxh3_64;

use super::{Missing, Model, ModelError, NAMES, Node};

/// Trees and leaves of a model at most.
const MOST_TREES: usize = 10_000;
const MOST_LEAVES: usize = 1 << 22;

/// `kCategoricalMask` and `kDefaultLeftMask` of `LightGBM`'s decision types; above them stands what is missing.
const CATEGORICAL: i8 = 1;
const DEFAULT_LEFT: i8 = 2;

/// A part of the file: `name=value` lines up to an empty one.
struct Section<'a> {
    /// The number of its first line.
    line: usize,
    values: HashMap<&'a str, (usize, &'a str)>,
}

fn damaged(line: usize, what: impl Into<String>) -> ModelError {
    ModelError::Damaged { line, what: what.into() }
}

impl<'a> Section<'a> {
    fn get(&self, name: &str) -> Result<(usize, &'a str), ModelError> {
        let missing = || damaged(self.line, format!("there is no {name}="));
        self.values.get(name).copied().ok_or_else(missing)
    }

    fn one<T: FromStr>(&self, name: &str) -> Result<T, ModelError> {
        let (line, text) = self.get(name)?;
        text.trim().parse().map_err(|_| damaged(line, format!("{name}={text} is no number")))
    }

    /// A list of just so many numbers.
    fn list<T: FromStr>(&self, name: &str, count: usize) -> Result<Vec<T>, ModelError> {
        let (line, text) = self.get(name)?;
        let parsed = text.split_ascii_whitespace().map(str::parse).collect::<Result<Vec<T>, _>>();
        let list = parsed.map_err(|_| damaged(line, format!("{name}= holds something that is no number")))?;
        if list.len() != count {
            return Err(damaged(line, format!("{name}= has {} numbers and not {count}", list.len())));
        }
        Ok(list)
    }
}

/// The parts of the file up to the end of its trees.
fn sections(text: &str) -> Result<Vec<Section<'_>>, ModelError> {
    let mut sections = vec![Section { line: 1, values: HashMap::new() }];
    let mut is_open = true;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line == "end of trees" {
            return Ok(sections.into_iter().filter(|section| !section.values.is_empty()).collect());
        }
        if line.is_empty() {
            is_open = false;
            continue;
        }
        if !is_open {
            sections.push(Section { line: number, values: HashMap::new() });
            is_open = true;
        }
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        if let Some(section) = sections.last_mut() {
            section.values.insert(name, (number, value));
        }
    }
    Err(damaged(text.lines().count(), "it ends before \"end of trees\""))
}

pub(super) fn read(text: &str) -> Result<Model, ModelError> {
    if text.lines().next().map(str::trim) != Some("tree") {
        return Err(damaged(1, "it does not begin with \"tree\""));
    }
    let sections = sections(text)?;
    let Some((head, trees)) = sections.split_first() else { return Err(damaged(1, "it is empty")) };
    let sigmoid = objective(head)?;
    let features = features(head)?;
    if trees.is_empty() || trees.len() > MOST_TREES {
        return Err(damaged(head.line, format!("it has {} trees, and 1 to {MOST_TREES} are read", trees.len())));
    }
    let mut model = Model {
        name: format!("lightgbm-{:08x}", xxh3_64(text.as_bytes()) >> 32),
        sigmoid,
        roots: Vec::new(),
        nodes: Vec::new(),
        leaves: Vec::new(),
    };
    for (number, section) in trees.iter().enumerate() {
        let (line, said) = section.get("Tree")?;
        if said.parse() != Ok(number) {
            return Err(damaged(line, format!("Tree={said} stands where Tree={number} has to")));
        }
        tree(&mut model, section, &features)?;
    }
    Ok(model)
}

/// The slope of the logistic function.
fn objective(head: &Section<'_>) -> Result<f64, ModelError> {
    let other = |what: String| Err(ModelError::Other(what));
    if head.one::<u32>("num_class")? != 1 || head.one::<u32>("num_tree_per_iteration")? != 1 {
        return other("has several classes".to_owned());
    }
    if head.values.contains_key("average_output") {
        return other("is a random forest".to_owned());
    }
    let (line, said) = head.get("objective")?;
    let mut words = said.split_ascii_whitespace();
    if words.next() != Some("binary") {
        return other(format!("has the objective \"{said}\""));
    }
    let sigmoid = words.find_map(|word| word.strip_prefix("sigmoid:")).unwrap_or("1");
    let sigmoid = sigmoid.parse().ok().filter(|sigmoid: &f64| sigmoid.is_finite() && *sigmoid > 0.0);
    sigmoid.ok_or_else(|| damaged(line, format!("objective={said}: its sigmoid is none")))
}

/// Which of ours each of its features is.
fn features(head: &Section<'_>) -> Result<Vec<u16>, ModelError> {
    let (line, names) = head.get("feature_names")?;
    let ours = |name: &str| {
        let at = NAMES.iter().position(|known| *known == name).and_then(|at| u16::try_from(at).ok());
        at.ok_or_else(|| ModelError::NoFeature(name.to_owned()))
    };
    let features = names.split_ascii_whitespace().map(ours).collect::<Result<Vec<u16>, _>>()?;
    let last: usize = head.one("max_feature_idx")?;
    if features.len() != last + 1 {
        return Err(damaged(line, format!("feature_names= has {} names, and max_feature_idx={last}", features.len())));
    }
    Ok(features)
}

fn tree(model: &mut Model, section: &Section<'_>, features: &[u16]) -> Result<(), ModelError> {
    let (line, _) = section.get("num_leaves")?;
    let leaves: usize = section.one("num_leaves")?;
    if leaves == 0 || leaves + model.leaves.len() > MOST_LEAVES {
        return Err(damaged(line, format!("num_leaves={leaves}, and a model has 1 to {MOST_LEAVES}")));
    }
    if section.one::<u32>("num_cat")? != 0 {
        return Err(ModelError::Other("splits by categories".to_owned()));
    }
    if section.values.get("is_linear").is_some_and(|(_, said)| *said != "0") {
        return Err(ModelError::Other("has linear leaves".to_owned()));
    }
    let values: Vec<f64> = section.list("leaf_value", leaves)?;
    let (line, _) = section.get("leaf_value")?;
    if values.iter().any(|value| !value.is_finite()) {
        return Err(damaged(line, "a leaf's value is no number"));
    }
    let (first_node, first_leaf) = (place(model.nodes.len()), place(model.leaves.len()));
    model.leaves.extend(values);
    if leaves == 1 {
        model.roots.push(!first_leaf);
        return Ok(());
    }
    model.roots.push(first_node);
    let splits = leaves - 1;
    let split: Vec<usize> = section.list("split_feature", splits)?;
    let thresholds: Vec<f64> = section.list("threshold", splits)?;
    let decisions: Vec<i8> = section.list("decision_type", splits)?;
    let left: Vec<i32> = section.list("left_child", splits)?;
    let right: Vec<i32> = section.list("right_child", splits)?;
    for at in 0..splits {
        let no_feature =
            || damaged(section.line, format!("node {at} splits by feature {} of {}", split[at], features.len()));
        let feature = *features.get(split[at]).ok_or_else(no_feature)?;
        if thresholds[at].is_nan() {
            return Err(damaged(section.line, format!("the threshold of node {at} is no number")));
        }
        if decisions[at] & CATEGORICAL != 0 {
            return Err(ModelError::Other("splits by categories".to_owned()));
        }
        let missing = match decisions[at] >> 2 {
            0 => Missing::None,
            1 => Missing::Zero,
            2 => Missing::NotANumber,
            _ => return Err(damaged(section.line, format!("decision_type of node {at} is {}", decisions[at]))),
        };
        let child = |said: i32| -> Result<i32, ModelError> {
            // A child comes after its parent, so that a walk ends.
            let is_there = match usize::try_from(said) {
                Ok(node) => node > at && node < splits,
                Err(_) => usize::try_from(!said).is_ok_and(|leaf| leaf < leaves),
            };
            match is_there {
                true if said >= 0 => Ok(said + first_node),
                true => Ok(!(!said + first_leaf)),
                false => Err(damaged(section.line, format!("node {at} has the child {said}, which cannot be"))),
            }
        };
        model.nodes.push(Node {
            threshold: thresholds[at],
            feature,
            missing,
            default_left: decisions[at] & DEFAULT_LEFT != 0,
            left: child(left[at])?,
            right: child(right[at])?,
        });
    }
    Ok(())
}

/// Nodes and leaves are fewer than 2^23.
fn place(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}
