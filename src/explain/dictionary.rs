//! All definitions together.

use super::definition::Definition;
use super::{figures, findings, latencies, ledger, outcomes, parts, results, sections};

/// Every definition, in the order of reports.
pub fn all() -> impl Iterator<Item = &'static Definition> {
    let ledger = ledger::DEFINITIONS.iter().chain(findings::DEFINITIONS);
    let numbers = latencies::DEFINITIONS
        .iter()
        .chain(figures::DEFINITIONS)
        .chain(sections::DEFINITIONS)
        .chain(results::DEFINITIONS);
    ledger.chain(numbers).chain(outcomes::DEFINITIONS).chain(parts::DEFINITIONS).chain(ledger::WORDS)
}
