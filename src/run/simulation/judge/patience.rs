//! How long a run waits for what it has not read: to the drain's deadline, unless something ended its reading.

use super::truth::Truth;
use crate::ledger::class::Class;
use crate::run::Outcome;
use crate::run::simulation::cluster::MS;
use crate::run::simulation::plan::{Plan, Reads};
use crate::run::simulation::stage::Ended;

/// A stop of the process may have begun, or have been over, so much earlier than who waits has noticed.
const NOTICED: u64 = 50 * MS;

/// What is told as unread was waited for until the time for it was over, not counting the time in which the process was stopped.
pub(super) fn waited(plan: &Plan, ended: &Ended, truth: &Truth<'_>, outcome: &Outcome) -> Result<(), String> {
    let cluster = truth.cluster;
    // Another leader's log may be shorter than what is waited for, which is waited for no longer.
    let may_end_early = truth.is_told_to_end()
        || truth.is_undecided()
        || cluster.was_denied
        || cluster.deleted_at.is_some()
        || cluster.partitions.iter().any(|partition| partition.epoch > 0);
    if plan.reads != Reads::Itself || may_end_early {
        return Ok(());
    }
    let Some(unread) = outcome.unverified.iter().find(|one| one.class == Class::Unread) else { return Ok(()) };
    let answered = cluster.fates.values().filter_map(|fate| Some(fate.answer?.2)).max().unwrap_or(0);
    let stopped = |(from, until): &(u64, u64)| until.saturating_sub((*from).max(answered)).saturating_sub(NOTICED);
    let stopped: u64 = cluster.pauses.iter().map(stopped).sum();
    let earliest = answered + plan.drain_ms * MS + stopped;
    if ended.at + NOTICED < earliest {
        let (at, earliest) = (ended.at / MS, earliest / MS);
        let (lane, sequence) = (unread.lane, unread.sequence);
        return Err(format!(
            "event {sequence} of lane {lane} is unread at {at} ms, to be waited for until {earliest} ms"
        ));
    }
    Ok(())
}
