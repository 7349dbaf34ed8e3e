//! What a reading that is joined with no run may say: how far it came, and which sequences it lacks.

use std::collections::BTreeMap;

use super::truth::Truth;
use crate::report::exit_code::ExitCode;
use crate::run::Outcome;
use crate::run::simulation::cluster::Cluster;
use crate::run::simulation::fates::Fate;
use crate::run::simulation::log::Nature;

/// Lag, and what is missing between the first and the last of each lane, are told as they are, or not at all.
pub(super) fn told(truth: &Truth<'_>, outcome: &Outcome) -> Result<(), String> {
    let cluster = truth.cluster;
    let Some(reading) = &outcome.report.reading else { return Err("nothing is told of the reading".to_owned()) };
    if truth.is_undecided() {
        return Ok(());
    }
    let behind: Vec<u64> = (cluster.partitions.iter().zip(&cluster.read_to))
        .map(|(partition, read_to)| partition.high.saturating_sub(*read_to) as u64)
        .collect();
    for (at, (told, behind)) in outcome.report.partitions.iter().zip(&behind).enumerate() {
        let ends = told.log_end.zip(told.position).filter(|_| truth.is_exact(at));
        if ends.is_some_and(|(end, position)| u64::try_from((end - position).max(0)) != Ok(*behind)) {
            return Err(format!(
                "partition {at} was read to {:?} of {:?}, {behind} before",
                told.position, told.log_end
            ));
        }
    }
    let is_exact = (0..behind.len()).all(|partition| truth.is_exact(partition));
    if is_exact && reading.lag.is_some_and(|told| !may_lag(cluster, &behind, told)) {
        return Err(format!("a lag of {:?} told, {behind:?} in truth", reading.lag));
    }
    // What another made up may begin or end a lane that the run has.
    let is_anothers = |nature: &Nature| matches!(nature, Nature::Foreign | Nature::Sibling);
    if cluster.given.iter().any(|given| is_anothers(&given.nature)) {
        return Ok(());
    }
    // What was damaged may be known as the event that it was, or not.
    let (least, most) = (
        gaps(cluster, |fate| !fate.seen.is_empty() || fate.damaged.is_some()),
        gaps(cluster, |fate| !fate.seen.is_empty()),
    );
    let (least, most) = (least.min(most), least.max(most));
    if let Some(missing) = reading.missing
        && (missing > most || missing + reading.open + reading.below_start < least)
    {
        let (open, below) = (reading.open, reading.below_start);
        return Err(format!(
            "{missing} missing, {open} open, {below} below the start told, {least} to {most} in truth"
        ));
    }
    let passed = ExitCode::from_code(outcome.report.verdict.code) == Some(ExitCode::Pass);
    if passed && (least > 0 || outcome.interrupted) {
        return Err(format!("it passed, and {least} events are missing"));
    }
    Ok(())
}

/// Whether a lag is that of the partitions that are the reader's: of a group's, one that is changing hands is nobody's for a while.
fn may_lag(cluster: &Cluster, behind: &[u64], told: u64) -> bool {
    let whole: u64 = behind.iter().sum();
    let parts = behind.iter().fold(vec![0], |sums, of| sums.iter().flat_map(|sum| [*sum, sum + of]).collect());
    told == whole || cluster.plan.group.is_some() && parts.contains(&told)
}

/// Sequences between the first and the last of each lane that were `seen`, and were not themselves.
fn gaps(cluster: &Cluster, seen: impl Fn(&Fate) -> bool) -> u64 {
    let mut lanes: BTreeMap<u16, (u64, u64, u64)> = BTreeMap::new();
    for ((lane, sequence), _) in cluster.fates.iter().filter(|(_, fate)| seen(fate)) {
        let (first, last, count) = lanes.entry(*lane).or_insert((*sequence, *sequence, 0));
        (*first, *last, *count) = ((*first).min(*sequence), (*last).max(*sequence), *count + 1);
    }
    lanes.values().map(|(first, last, count)| last - first + 1 - count).sum()
}
