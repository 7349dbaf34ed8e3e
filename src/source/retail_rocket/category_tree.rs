//! `category_tree.csv`: which categories there are.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use super::error::LoadError;
use super::input::Input;
use super::parse::shown;

/// No shop has more; a larger file is something else.
const MOST_BYTES: u64 = 64 << 20;

/// The ids of the categories without sub-categories, ascending: items are in these.
pub(super) fn leaves(path: &Path) -> Result<Vec<u64>, LoadError> {
    let Input { name, text, .. } = Input::open(path)?;
    let failed = |line: Option<u64>, problem: String| LoadError::CategoryTree { file: name.clone(), line, problem };
    let mut csv = csv::ReaderBuilder::new().flexible(true).from_reader(text.take(MOST_BYTES));
    let header = csv.byte_headers().map_err(|error| failed(None, error.to_string()))?;
    let column = |wanted: &str| {
        header
            .iter()
            .position(|field| field.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes()))
            .ok_or_else(|| failed(Some(1), format!("no column {wanted}")))
    };
    let (id_at, parent_at) = (column("categoryid")?, column("parentid")?);
    let mut is_parent = BTreeMap::new();
    let mut parents = Vec::new();
    for record in csv.byte_records() {
        let record = record.map_err(|error| failed(error.position().map(csv::Position::line), error.to_string()))?;
        let line = record.position().map(csv::Position::line);
        let id = |at: usize| {
            let field = record.get(at).unwrap_or_default().trim_ascii();
            match (field, std::str::from_utf8(field).unwrap_or_default().parse::<u64>()) {
                (b"", _) => Ok(None),
                (_, Ok(id)) => Ok(Some(id)),
                (_, Err(_)) => Err(failed(line, format!("\"{}\" is no category id", shown(field)))),
            }
        };
        let Some(category) = id(id_at)? else { return Err(failed(line, "categoryid is blank".to_owned())) };
        if is_parent.insert(category, false).is_some() {
            return Err(failed(line, format!("category {category} is there twice")));
        }
        parents.extend(id(parent_at)?.map(|parent| (line, parent)));
    }
    for (line, parent) in parents {
        match is_parent.get_mut(&parent) {
            Some(is_parent) => *is_parent = true,
            None => return Err(failed(line, format!("parent {parent} is no category of this file"))),
        }
    }
    let leaves: Vec<u64> = is_parent.iter().filter(|(_, is_parent)| !**is_parent).map(|(id, _)| *id).collect();
    if leaves.is_empty() { Err(failed(None, "no category without sub-categories".to_owned())) } else { Ok(leaves) }
}
