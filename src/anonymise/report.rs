//! What became of the values, and how small a group they still tell.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{Anonymiser, MOST, Method, Rule};

/// What became of the records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Records.
    pub records: u64,
    /// The fields that rules name.
    pub fields: Vec<FieldReport>,
    /// The smallest group that the fields that are left tell apart; `None` where none is left.
    pub smallest_group: Option<Group>,
}

/// What became of a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldReport {
    /// Its name.
    pub field: String,
    /// What was done.
    pub method: String,
    /// Values that it had.
    pub values: u64,
    /// Of these, the ones that the method does not fit, which were dropped.
    pub unfit: u64,
    /// Distinct values before.
    pub distinct_before: u64,
    /// Distinct values after.
    pub distinct_after: u64,
    /// Whether there may be more of them than were counted.
    pub or_more: bool,
}

/// A group that cannot be told apart any further.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The fields that are left to tell it by.
    pub by: Vec<String>,
    /// How many such groups there are.
    pub groups: u64,
    /// How many are in the smallest one.
    pub smallest: u64,
    /// Whether these are people, by their pseudonyms, and not records.
    pub people: bool,
    /// Records that there was no room to count.
    pub uncounted: u64,
}

/// The groups that records fall into.
#[derive(Debug, Default)]
pub(super) struct Groups {
    sizes: HashMap<u64, u64>,
    members: HashSet<(u64, u64)>,
    uncounted: u64,
}

impl Groups {
    pub(super) fn add(&mut self, group: u64, person: Option<u64>) {
        let has_room = self.sizes.len() < MOST && self.members.len() < MOST;
        if let Some(person) = person {
            if !has_room && !self.members.contains(&(group, person)) {
                self.uncounted += 1;
                return;
            }
            if !self.members.insert((group, person)) {
                return;
            }
        } else if !has_room && !self.sizes.contains_key(&group) {
            self.uncounted += 1;
            return;
        }
        *self.sizes.entry(group).or_default() += 1;
    }
}

pub(super) fn of(anonymiser: &Anonymiser) -> Report {
    let field = |(rule, counted): (&Rule, &super::Counted)| FieldReport {
        field: rule.field.clone(),
        method: rule.method.to_string(),
        values: counted.values,
        unfit: counted.unfit,
        distinct_before: counted.before.len() as u64,
        distinct_after: counted.after.len() as u64,
        or_more: counted.before.len().max(counted.after.len()) >= MOST,
    };
    let is_left = |rule: &&Rule| matches!(rule.method, Method::Prefix(_) | Method::Noise(_));
    let by: Vec<String> = anonymiser.rules.iter().filter(is_left).map(|rule| rule.field.clone()).collect();
    let by = [by, anonymiser.identifying.clone()].concat();
    let groups = &anonymiser.groups;
    let smallest_group = groups.sizes.values().min().filter(|_| !by.is_empty()).map(|smallest| Group {
        by,
        groups: groups.sizes.len() as u64,
        smallest: *smallest,
        people: !groups.members.is_empty(),
        uncounted: groups.uncounted,
    });
    let fields = anonymiser.rules.iter().zip(&anonymiser.counted).map(field).collect();
    Report { records: anonymiser.records, fields, smallest_group }
}
