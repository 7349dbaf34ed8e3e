//! `category_tree.csv`: which categories there are.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use csv::ByteRecord;

use super::error::LoadError;
use super::fields::{is_nothing, number};
use super::problem::{FileKind, RowProblem};
use super::table::{self, Table};
use crate::input::Input;

/// No shop has more; a larger file is something else.
const MOST_BYTES: u64 = 64 << 20;

/// The ids of the categories without sub-categories, ascending: items are in these.
pub(super) fn leaves(path: &Path) -> Result<Vec<u64>, LoadError> {
    let input = table::open(path, FileKind::CategoryTree)?;
    let input = Input { text: Box::new(input.text.take(MOST_BYTES)), ..input };
    let mut table = Table::open(input, FileKind::CategoryTree)?;
    let columns = [0, 1].map(|column| (FileKind::CategoryTree.columns()[column], table.place(column)));
    let mut is_parent = BTreeMap::new();
    let mut parents = Vec::new();
    let mut record = ByteRecord::new();
    while table.next(&mut record)? {
        let read = |record: &ByteRecord| {
            table.check(record)?;
            let field = |(_, place): (_, usize)| record.get(place).unwrap_or_default();
            let parent = match field(columns[1]) {
                text if is_nothing(text) => None,
                text => Some(number(columns[1].0, text)?),
            };
            Ok((number(columns[0].0, field(columns[0]))?, parent))
        };
        let added = read(&record).and_then(|(id, parent)| match is_parent.insert(id, false) {
            None => Ok(parent),
            Some(_) => Err(RowProblem::CategoryTwice { id }),
        });
        match added {
            Ok(parent) => parents.extend(parent.map(|parent| (table.line(), parent))),
            Err(problem) => return Err(refused(&table, table.line(), table.explain(&record, problem))),
        }
    }
    for (line, id) in parents {
        match is_parent.get_mut(&id) {
            Some(is_parent) => *is_parent = true,
            None => return Err(refused(&table, line, RowProblem::NoSuchParent { id })),
        }
    }
    table.end()?;
    let leaves: Vec<u64> = is_parent.iter().filter(|(_, is_parent)| !**is_parent).map(|(id, _)| *id).collect();
    match leaves.as_slice() {
        [] if is_parent.is_empty() => Err(LoadError::NoRows { file: table.into_name().0 }),
        [] => Err(LoadError::NoLeaves { file: table.into_name().0 }),
        _ => Ok(leaves),
    }
}

/// A tree with a hole in it is no tree: no row of it is left out.
fn refused(table: &Table, line: u64, problem: RowProblem) -> LoadError {
    LoadError::BadRow { file: table.name.clone(), kind: table.kind, line, problem, outlook: Box::default() }
}
