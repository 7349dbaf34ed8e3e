//! Of what kind each duplicate is: sent again by the client, or written again by another producer.

use std::collections::BTreeSet;

use crate::ledger::rules::{Rule, Rules};
use crate::report::{Example, Findings};
use crate::verify::look_up::{Copy, SearchResult};
use crate::verify::{Duplicate, PartitionState, findings};

/// Tells what kind each duplicate is, by the first copy's `CreateTime`; `states` are the partitions as they were read.
pub(in crate::run) fn settle_duplicates(
    duplicates: Vec<Duplicate>,
    answers: &SearchResult,
    states: &[PartitionState],
    rules: Rules,
    findings: &mut Findings,
) {
    let places: BTreeSet<_> = duplicates.iter().map(|d| (d.lane, d.sequence, d.partition, d.offset)).collect();
    for twice in duplicates {
        let Duplicate { lane, sequence, partition, offset, create_ms, ref example, .. } = twice;
        let copies = answers.copies.get(&(lane, sequence)).map_or(&[][..], Vec::as_slice);
        let is_another = |copy: &&Copy| !places.contains(&(lane, sequence, copy.partition, copy.offset));
        let own = |copy: &&Copy| (copy.partition, copy.offset) == (partition, offset);
        let first = copies.iter().find(is_another).or(copies.first());
        let holds_it_once = first.as_ref().is_some_and(own);
        let first = first.filter(|first| !own(first));
        if holds_it_once && can_only_be_cut_off(states, &twice) {
            // The log holds it once: it was read again, after a step back or after the first copy had been cut off.
            findings.duplicates -= 1;
            findings.duplicates_reread += 1;
            continue;
        }
        let (kind, what) = match first.and_then(|first| first.create_ms) {
            Some(first_ms) if first_ms == create_ms => {
                findings.duplicates_resent += u64::from(rules.has(Rule::Resent));
                ("resent", format!("re-sent by the client: both copies have CreateTime {create_ms}"))
            }
            Some(first_ms) => {
                findings.duplicates_rewritten += u64::from(rules.has(Rule::Rewritten));
                let what = format!(
                    "written again by another producer: CreateTime {create_ms}, the first copy's is {first_ms} (both in ms)"
                );
                ("rewritten", what)
            }
            None => {
                findings.duplicates_undecided += 1;
                let what = format!(
                    "seen again, CreateTime {create_ms}; the first copy is no longer found, so its origin cannot be told"
                );
                ("undecided", what)
            }
        };
        let elsewhere = first.filter(|first| first.partition != partition);
        let elsewhere =
            elsewhere.map_or_else(String::new, |first| format!("; the first is in partition {}", first.partition));
        // What is told of the first duplicates may be of another kind than this one.
        let known = Example {
            lane: Some(lane),
            sequence: Some(sequence),
            partition: Some(partition),
            ..example.clone().unwrap_or_default()
        };
        let other_offset = first.map(|first| first.offset);
        let example = Example { offset: Some(offset), other_offset, what: format!("{what}{elsewhere}"), ..known };
        findings.keep_duplicate(kind, findings::EXAMPLES, example);
    }
}

/// Whether the first copy can only have been cut off a log. One that has aged out was another record all the same, and where both
/// may be it is not known.
fn can_only_be_cut_off(states: &[PartitionState], twice: &Duplicate) -> bool {
    let may_hold = |(partition, _): &(i32, &PartitionState)| match twice.home {
        Some(home) => [home, twice.partition].contains(partition),
        None => true,
    };
    let mut cut_off = false;
    for (_, state) in (0_i32..).zip(states).filter(may_hold) {
        cut_off |= state.truncation.is_some();
        if state.log_start > state.from {
            return false;
        }
    }
    cut_off
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::Truncation;

    #[test]
    fn each_kind_of_duplicate_has_examples_of_its_own_however_many_others_came_first() {
        // 30 records that somebody else wrote again, and one after them that the client sent twice.
        let twice = |sequence: u64| Duplicate {
            lane: 0,
            sequence,
            home: Some(0),
            partition: 0,
            offset: 1_000 + i64::try_from(sequence).unwrap(),
            create_ms: 5_000,
            example: (sequence < 20).then(Example::default),
        };
        let first = |sequence: u64| Copy {
            partition: 0,
            offset: i64::try_from(sequence).unwrap(),
            create_ms: Some(if sequence == 30 { 5_000 } else { 4_000 }),
        };
        let mut answers = SearchResult::default();
        for sequence in 0..31 {
            answers.copies.insert((0, sequence), vec![first(sequence)]);
        }
        let mut findings = Findings { duplicates: 31, ..Findings::default() };
        settle_duplicates((0..31).map(twice).collect(), &answers, &[], Rules::ALL, &mut findings);
        assert_eq!((findings.duplicates_rewritten, findings.duplicates_resent), (30, 1));
        assert_eq!(findings.examples_of("duplicates_rewritten").count(), 20);
        let resent: Vec<_> = findings.examples_of("duplicates_resent").collect();
        assert_eq!(resent.len(), 1);
        assert_eq!((resent[0].sequence, resent[0].offset, resent[0].other_offset), (Some(30), Some(1_030), Some(30)));
        assert!(resent[0].what.starts_with("re-sent by the client"), "{}", resent[0].what);
    }

    #[test]
    fn a_duplicate_whose_first_copy_has_aged_out_is_one_and_only_a_log_that_was_cut_off_holds_it_once() {
        let twice = Duplicate {
            lane: 0,
            sequence: 4,
            home: Some(0),
            partition: 0,
            offset: 90,
            create_ms: 5_000,
            example: None,
        };
        let mut answers = SearchResult::default();
        answers.copies.insert((0, 4), vec![Copy { partition: 0, offset: 90, create_ms: Some(5_000) }]);
        let settled = |truncation, log_start| {
            let mut findings = Findings { duplicates: 1, ..Findings::default() };
            let states = [PartitionState { log_start, truncation, ..PartitionState::default() }];
            settle_duplicates(vec![twice.clone()], &answers, &states, Rules::ALL, &mut findings);
            (findings.duplicates, findings.duplicates_undecided, findings.duplicates_reread)
        };
        assert_eq!((settled(None, 0), settled(None, 70)), ((1, 1, 0), (1, 1, 0)));
        assert_eq!(settled(Some(Truncation::NewLeader), 0), (0, 0, 1));
        assert_eq!(settled(Some(Truncation::NewLeader), 70), (1, 1, 0), "it may have aged out as well");
    }
}
