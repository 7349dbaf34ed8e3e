//! What became of the records of each schema, over all parts.

use std::collections::BTreeMap;

use super::Aligned;
use crate::report::{ReaderUse, SchemaUse};

/// Each schema. Every process's verifier reads all records: what it read is not added, what it sent and verified is.
pub(super) fn schemas(parts: &[Aligned]) -> Vec<SchemaUse> {
    let mut merged: Vec<SchemaUse> = Vec::new();
    for of in parts.iter().flat_map(|part| &part.report.schemas) {
        let known = merged.iter_mut().find(|sum| sum.event_type == of.event_type && sum.schema == of.schema);
        let Some(sum) = known else {
            merged.push(of.clone());
            continue;
        };
        sum.sent = added(sum.sent, of.sent);
        sum.verified = added(sum.verified, of.verified);
        sum.records = sum.records.max(of.records);
        most(&mut sum.invalid, &of.invalid);
        for reader in &of.readers {
            match sum.readers.iter_mut().find(|known| known.reader == reader.reader) {
                Some(known) => both(known, reader),
                None => sum.readers.push(reader.clone()),
            }
        }
    }
    merged
}

/// What is not known of a part is not known of the whole.
fn added(sum: Option<u64>, of: Option<u64>) -> Option<u64> {
    sum.zip(of).map(|(sum, of)| sum + of)
}

fn both(sum: &mut ReaderUse, of: &ReaderUse) {
    sum.readable = sum.readable.max(of.readable);
    most(&mut sum.not_readable, &of.not_readable);
}

fn most(sum: &mut BTreeMap<String, u64>, of: &BTreeMap<String, u64>) {
    for (reason, count) in of {
        let known = sum.entry(reason.clone()).or_default();
        *known = (*known).max(*count);
    }
}
