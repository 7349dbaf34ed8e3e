//! What an alert's receiver is to hear.

use std::collections::BTreeMap;

use super::watch::{Change, called};
use crate::clock::{self, Nanos};
use crate::report::{GateOutcome, GateResult};

/// What one notice says.
#[derive(Clone, Debug)]
pub(super) struct Notice {
    /// Of which of the alerts that were raised.
    pub(super) number: usize,
    pub(super) change: Change,
    pub(super) gate: String,
    pub(super) annotations: BTreeMap<String, String>,
    /// When the alert was raised and when this was told, in ns since the Unix epoch.
    pub(super) began_ns: u64,
    pub(super) told_ns: u64,
    pub(super) queued: Nanos,
}

impl Notice {
    pub(super) fn new(change: Change, gate: &GateResult, number: usize, began_ns: u64, queued: Nanos) -> Self {
        let measured = gate.measured();
        let standing = match gate.result {
            GateOutcome::Pass => "is met",
            GateOutcome::Fail => "is broken",
            GateOutcome::Unevaluated => "is unevaluated",
        };
        let value = measured.as_ref().map_or_else(String::new, |value| format!(": measured {value}"));
        let mut annotations = BTreeMap::from([
            ("summary".to_owned(), format!("{} {standing}{value}", gate.rule)),
            ("rule".to_owned(), gate.rule.clone()),
        ]);
        annotations.extend(measured.map(|value| ("value".to_owned(), value)));
        annotations.extend(gate.reason.clone().map(|reason| ("reason".to_owned(), reason)));
        let (gate, told_ns) = (called(gate).to_owned(), clock::wall_unix_ns());
        Self { number, change, gate, annotations, began_ns, told_ns, queued }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.change, Change::Resolved(_))
    }

    /// When it was over: never before it began, however the wall clock was set meanwhile.
    pub(super) fn over_ns(&self) -> u64 {
        self.told_ns.max(self.began_ns)
    }
}
