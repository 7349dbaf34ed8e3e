//! The shards of a fleet in the whole: what each says of itself, what is known of those that are lost, and who is unlike the others.

use std::collections::{BTreeMap, BTreeSet};

use super::{MergeError, Part};
use crate::figures;
use crate::report::fleet::{ClockReport, FleetReport, ShardReport, ShardState};
use crate::report::{LatencySummary, RunReport};

/// A shard whose p99 is so many times that of the middle one is unlike the others.
const UNLIKE: u64 = 3;
/// Below this p99 of slip, in us, no shard is called late.
const LATE_US: u64 = 5_000;
/// A clock that goes so far within a run was set, in us.
const SET_US: u64 = 10_000;

/// Each shard by its own word, and by that of the others where it left nothing behind. `None` where the parts did not meet in a topic.
pub(super) fn whole(parts: &[Part], known: &[ShardReport]) -> Result<Option<FleetReport>, MergeError> {
    let fleets: Vec<&FleetReport> = parts.iter().filter_map(|part| part.report.fleet.as_ref()).collect();
    let Some(first) = fleets.first() else { return Ok(None) };
    let own: BTreeMap<u16, &Part> =
        parts.iter().filter_map(|part| Some((part.report.fleet.as_ref()?.shard?, part))).collect();
    let mut shards = Vec::new();
    for number in 1..=first.of {
        let views = fleets.iter().flat_map(|fleet| &fleet.shards).chain(known).filter(|shard| shard.number == number);
        if let Some(part) = own.get(&number) {
            shards.push(of_part(number, part, &own));
        } else if let Some(last) = views.filter(|view| is_lost(view)).max_by_key(|view| view.scheduled) {
            shards.push(last.clone());
        } else {
            return Err(MergeError::ShardMissing { number, of: first.of });
        }
    }
    Ok(Some(FleetReport { shard: None, shards, ..(*first).clone() }))
}

/// The last word that the shards of a run said of each of them: of N shards N, where each tells of all.
#[derive(Clone, Debug, Default)]
pub struct LastWords(BTreeMap<u16, ShardReport>);

impl LastWords {
    /// Takes what a shard says of the others out of its report.
    pub fn take(&mut self, report: &mut RunReport) {
        let Some(fleet) = &mut report.fleet else { return };
        // Who only looks on knows the clocks of all.
        let Some(own) = fleet.shard else { return };
        let (kept, others) = std::mem::take(&mut fleet.shards).into_iter().partition(|shard| shard.number == own);
        fleet.shards = kept;
        for word in others {
            let later = |word: &ShardReport| (is_lost(word), word.scheduled);
            let place = self.0.entry(word.number).or_insert_with(|| word.clone());
            if later(&word) > later(place) {
                *place = word;
            }
        }
    }

    /// Of those that left nothing behind.
    #[must_use]
    pub fn of_others(mut self, there: &BTreeSet<u16>) -> Vec<ShardReport> {
        self.0.retain(|number, _| !there.contains(number));
        self.0.into_values().collect()
    }
}

/// Whether nothing is to be had from that shard: it was lost, or it never began.
#[must_use]
pub fn is_lost(shard: &ShardReport) -> bool {
    match shard.state {
        ShardState::Lost | ShardState::Absent => true,
        ShardState::Ended => {
            shard.scheduled == 0
                && shard.planned.is_none_or(|planned| planned > 0)
                && shard.exit_code.is_some_and(|code| code != 0)
        }
        ShardState::Running => false,
    }
}

/// Events of lost shards were to be sent, and nobody can say what became of them.
pub(super) fn add_lost(report: &mut RunReport) {
    let lost = report.fleet.iter().flat_map(|fleet| &fleet.shards).filter(|shard| is_lost(shard));
    let events: u64 = lost.map(|shard| shard.planned.unwrap_or(shard.scheduled)).sum();
    report.ledger.scheduled += events;
    report.ledger.unwitnessed += events;
    report.offered.scheduled += events;
}

/// What a part says of itself at its end, which is later than what it told the others.
fn of_part(number: u16, part: &Part, all: &BTreeMap<u16, &Part>) -> ShardReport {
    let report = &part.report;
    let told = report.fleet.iter().flat_map(|fleet| &fleet.shards).find(|shard| shard.number == number);
    let others = || all.iter().filter(|(other, _)| **other != number).map(|(_, part)| &part.report);
    ShardReport {
        state: ShardState::Ended,
        scheduled: report.ledger.scheduled,
        exit_code: Some(report.verdict.code),
        deviations: deviations(report, told.and_then(|told| told.clock), &others().collect::<Vec<_>>()),
        ..told.cloned().unwrap_or_default()
    }
}

/// What makes a shard unlike the others: before the cluster is blamed, this is looked at.
fn deviations(report: &RunReport, clock: Option<ClockReport>, others: &[&RunReport]) -> Vec<String> {
    let mut told = Vec::new();
    let slip = |report: &RunReport| report.latency_us.slip.as_ref().and_then(p99);
    let response = |report: &RunReport| p99(&report.latency_us.response_time);
    if let (Some(own), Some(middle)) = (slip(report), median(others.iter().filter_map(|other| slip(other))))
        && own >= LATE_US
        && own > middle.saturating_mul(UNLIKE)
    {
        let (own, middle) = (figures::duration_us(own), figures::duration_us(middle));
        told.push(format!("it was late: its slip p99 is {own}, that of the others {middle}"));
    }
    if let (Some(own), Some(middle)) = (response(report), median(others.iter().filter_map(|other| response(other))))
        && own >= LATE_US
        && own > middle.saturating_mul(UNLIKE)
    {
        let (own, middle) = (figures::duration_us(own), figures::duration_us(middle));
        told.push(format!("its response time p99 is {own}, that of the others {middle}"));
    }
    let undone = report.ledger.not_attempted;
    if undone > 0 && others.iter().all(|other| other.ledger.not_attempted == 0) {
        told.push(format!("it alone did not send its share: {} never handed over", figures::counted(undone, "event")));
    }
    let Some(ClockReport { before, after, drift_us, .. }) = clock else { return told };
    let known = before.bound_us + after.map_or(0, |after| after.bound_us);
    if let Some(drift) = drift_us.map(i64::unsigned_abs).filter(|drift| *drift > known + SET_US) {
        told.push(format!("its clock went {} away from the broker's", figures::duration_us(drift)));
    }
    if before.bound_us > SET_US {
        let bound = figures::duration_us(before.bound_us);
        told.push(format!(
            "its start is known to \u{b1} {bound} only, since its records took so long to the broker and back"
        ));
    }
    told
}

fn p99(latency: &LatencySummary) -> Option<u64> {
    latency.p99
}

fn median(values: impl Iterator<Item = u64>) -> Option<u64> {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    values.get(values.len().checked_sub(1)? / 2).copied()
}
