//! What was found beside the classes, in all parts.

use std::collections::BTreeMap;

use super::Aligned;
use crate::report::{Example, Findings};

/// Examples kept of each finding.
const EXAMPLES: usize = 20;

/// What each part found of its own events is added. What belongs to no lane (foreign records, records too broken to say
/// whose they are) every part's verifier found for itself in the same topic, so the most that one of them found is taken.
/// Siblings that are parts themselves are no siblings any more.
pub(super) fn findings(parts: &[Aligned]) -> Findings {
    let sum = |of: fn(&Findings) -> u64| parts.iter().map(|part| of(&part.report.findings)).sum();
    let most = |of: fn(&Findings) -> u64| parts.iter().map(|part| of(&part.report.findings)).max().unwrap_or(0);
    let invalid_by_reason = invalid_by_reason(parts);
    Findings {
        duplicates: sum(|findings| findings.duplicates),
        duplicates_resent: sum(|findings| findings.duplicates_resent),
        duplicates_rewritten: sum(|findings| findings.duplicates_rewritten),
        duplicates_undecided: sum(|findings| findings.duplicates_undecided),
        duplicates_reread: sum(|findings| findings.duplicates_reread),
        reordered: sum(|findings| findings.reordered),
        invalid: invalid_by_reason.values().sum::<u64>()
            + most(|findings| findings.invalid.saturating_sub(findings.invalid_by_reason.values().sum())),
        invalid_by_reason,
        misplaced: sum(|findings| findings.misplaced),
        foreign: most(|findings| findings.foreign),
        sibling: siblings(parts),
        seen_then_gone: sum(|findings| findings.seen_then_gone),
        not_replicated: sum(|findings| findings.not_replicated),
        behind_transaction: sum(|findings| findings.behind_transaction),
        held_aborted: sum(|findings| findings.held_aborted),
        re_encoded: sum(|findings| findings.re_encoded),
        not_readable_by_reader: most(|findings| findings.not_readable_by_reader),
        awaits_schema: most(|findings| findings.awaits_schema),
        negative_latency: sum(|findings| findings.negative_latency),
        examples: examples(parts),
    }
}

/// Reasons that are found only once a record is known to be the run's own.
const OWN: [&str; 2] = ["key_mismatch", "misplaced"];

fn invalid_by_reason(parts: &[Aligned]) -> BTreeMap<String, u64> {
    let mut merged = BTreeMap::<String, u64>::new();
    for (reason, count) in parts.iter().flat_map(|part| &part.report.findings.invalid_by_reason) {
        let sum = merged.entry(reason.clone()).or_default();
        *sum = if OWN.contains(&reason.as_str()) { *sum + count } else { (*sum).max(*count) };
    }
    merged
}

/// Records of lanes that are in no part.
fn siblings(parts: &[Aligned]) -> u64 {
    let records = |part: &Aligned| {
        let seen: u64 = part.report.partitions.iter().map(|partition| partition.seen).sum();
        seen + part.report.findings.duplicates
    };
    let all: u64 = parts.iter().map(records).sum();
    let outside = |part: &Aligned| part.report.findings.sibling.saturating_sub(all - records(part));
    parts.iter().map(outside).min().unwrap_or(0)
}

/// The earliest of every finding.
pub(super) fn examples(parts: &[Aligned]) -> BTreeMap<String, Vec<Example>> {
    let mut merged = BTreeMap::<String, Vec<Example>>::new();
    for (name, examples) in parts.iter().flat_map(|part| &part.report.findings.examples) {
        merged.entry(name.clone()).or_default().extend(examples.iter().cloned());
    }
    for examples in merged.values_mut() {
        examples.sort_by(|a, b| key(a).cmp(&key(b)));
        examples.dedup();
        let mut kept = BTreeMap::<Option<String>, usize>::new();
        examples.retain(|example| {
            let of_kind = kept.entry(example.kind.clone()).or_default();
            *of_kind += 1;
            *of_kind <= EXAMPLES
        });
    }
    merged
}

fn key(example: &Example) -> impl Ord {
    let known = |due: Option<u64>| due.unwrap_or(u64::MAX);
    (
        known(example.due_us),
        example.lane,
        example.sequence,
        (example.topic.clone(), example.partition, example.offset, example.other_offset),
        (example.event_id.clone(), example.event_type.clone(), example.user_id.clone(), example.what.clone()),
    )
}
