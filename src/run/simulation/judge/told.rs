//! What a report counts and times, held against what really happened.

use std::collections::{BTreeSet, HashMap};

use super::truth::{Truth, is_acked};
use crate::ledger::class::Class;
use crate::run::simulation::act::Act;
use crate::run::simulation::cluster::{Cluster, MS};
use crate::run::simulation::fates::{Fate, Sighting};
use crate::run::simulation::log::{Identity, Nature};
use crate::run::simulation::plan::{Planned, Reads};
use crate::run::{Outcome, Unverified};

/// What a checker must have counted.
#[derive(Debug, Default)]
struct Counts {
    invalid: u64,
    misplaced: u64,
    foreign: u64,
    sibling: u64,
    duplicates: u64,
    /// Those with the first copy's `CreateTime`, where all are of events that lie whole in their keys' partition.
    resent: Option<u64>,
    reordered: u64,
    reread: u64,
}

/// What was seen of an event so far.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    whole: bool,
    damaged: bool,
    create_ms: i64,
}

/// Goes through what the reader was given.
fn counted(cluster: &Cluster) -> Counts {
    // Of what was passed over the log's first copy is not the first that was seen.
    let resent = (!cluster.fates.values().any(|fate| fate.skipped)).then_some(0);
    let mut counts = Counts { resent, ..Counts::default() };
    let mut known: HashMap<Identity, Seen> = HashMap::new();
    let mut highest: HashMap<(usize, u16), u64> = HashMap::new();
    // Of each lane, between which sequences whole events have been seen.
    let mut shown: HashMap<u16, (u64, u64)> = HashMap::new();
    let knows_due_times = cluster.plan.reads == Reads::Itself;
    for given in &cluster.given {
        if given.again {
            counts.reread += 1;
            continue;
        }
        match given.nature {
            Nature::Invalid(_) => counts.invalid += 1,
            Nature::Marker(_) | Nature::Gone => {}
            Nature::Foreign => counts.foreign += 1,
            Nature::Sibling => counts.sibling += 1,
            Nature::Damaged(event) | Nature::Mislabelled(event) => {
                counts.invalid += u64::from(matches!(given.nature, Nature::Mislabelled(_)));
                let seen = known.entry(event).or_default();
                counts.resent = None;
                // Who knows no due times but from whole events around it takes it for another's.
                let is_shown = shown.get(&event.0).is_some_and(|(first, last)| (*first..=*last).contains(&event.1));
                if !(knows_due_times || is_shown) {
                    counts.foreign += 1;
                    continue;
                }
                // The event was seen whole: this is another's. Else it is the event, until a whole one comes.
                counts.foreign += u64::from(seen.whole);
                counts.duplicates += u64::from(!seen.whole && seen.damaged);
                seen.damaged = true;
            }
            Nature::Event(event) | Nature::Misplaced(event) => {
                let is_placed = matches!(given.nature, Nature::Event(_));
                counts.invalid += u64::from(!is_placed);
                counts.misplaced += u64::from(!is_placed);
                let of_lane = shown.entry(event.0).or_insert((event.1, event.1));
                *of_lane = (of_lane.0.min(event.1), of_lane.1.max(event.1));
                let seen = known.entry(event).or_default();
                counts.resent = counts.resent.filter(|_| is_placed);
                if seen.whole {
                    counts.duplicates += 1;
                    counts.resent = counts.resent.map(|resent| resent + u64::from(seen.create_ms == given.create_ms));
                    continue;
                }
                seen.create_ms = given.create_ms;
                counts.foreign += u64::from(seen.damaged);
                seen.whole = true;
                if is_placed {
                    let (lane, sequence) = event;
                    let highest = highest.entry((given.partition, lane)).or_default();
                    counts.reordered += u64::from(*highest > sequence);
                    *highest = (*highest).max(sequence);
                }
            }
        }
    }
    counts
}

/// Duplicates, order, and what is not the run's, counted exactly.
pub(super) fn counts(truth: &Truth<'_>, outcome: &Outcome) -> Result<(), String> {
    if truth.is_undecided() || truth.may_have_forgotten() {
        return Ok(());
    }
    let (cluster, is_all_known, forced) = (truth.cluster, truth.is_all_known(), truth.forced_aborts());
    let failed = outcome.report.transactions.as_ref().map_or(0, |told| told.counts.failed);
    let findings = &outcome.report.findings;
    let is_gone = |one: &&Unverified| {
        let fate = cluster.fates.get(&(one.lane, one.sequence));
        one.class == Class::Lost && fate.is_some_and(|fate| !fate.seen.is_empty())
    };
    let gone = outcome.unverified.iter().filter(is_gone).count() as u64;
    // Who has only the answers of a run knows neither when its events were due nor which lanes its processes had.
    let knows_others = cluster.plan.reads == Reads::Itself;
    let truth = counted(cluster);
    // What was cut off and written again is held once by the log, so it is no duplicate; where no copy was cut off both are one.
    let again = |copies: usize| (copies as u64).saturating_sub(1);
    // It may have been written anew where it had been.
    let held = |(event, fate): (&Identity, &Fate)| {
        let there = fate.seen.iter().filter(|seen| is_there(cluster, seen, *event));
        there.map(|(partition, offset, _)| (partition, offset)).collect::<BTreeSet<_>>().len()
    };
    let cut_off: u64 = cluster.fates.iter().map(|fate| again(fate.1.seen.len()) - again(held(fate))).sum();
    let (least, most) = (truth.duplicates - cut_off.min(truth.duplicates), truth.duplicates);
    if !(least..=most).contains(&findings.duplicates) {
        return Err(format!("{} duplicates told, {least} to {most} in truth", findings.duplicates));
    }
    let kinds = findings.duplicates_resent + findings.duplicates_rewritten + findings.duplicates_undecided;
    let resent = truth.resent.filter(|_| is_all_known && cut_off == 0).unwrap_or(findings.duplicates_resent);
    let reread = truth.reread + truth.duplicates - findings.duplicates;
    for (name, told, truth) in [
        ("kinds of duplicates", kinds, findings.duplicates),
        ("sent again", findings.duplicates_resent, resent),
        ("reordered", findings.reordered, truth.reordered),
        ("invalid", findings.invalid, truth.invalid),
        ("misplaced", findings.misplaced, truth.misplaced),
        ("foreign", findings.foreign, if knows_others { truth.foreign } else { findings.foreign }),
        ("sibling", findings.sibling, if knows_others { truth.sibling } else { findings.sibling }),
        ("transactions aborted against the plan", failed, forced),
        ("written again", findings.re_encoded, 0),
        ("awaiting a schema", findings.awaits_schema, 0),
        ("seen, and then gone", findings.seen_then_gone, gone),
        ("committed, and held as aborted", findings.held_aborted, 0),
        ("read again", findings.duplicates_reread, reread),
    ] {
        if told != truth {
            return Err(format!("{name}: {told} told, {truth} in truth"));
        }
    }
    Ok(())
}

/// What is told of the logs' ends: nobody reads past one, unless another leader's log has taken the place of what was read.
pub(super) fn ends(cluster: &Cluster, outcome: &Outcome) -> Result<(), String> {
    for (partition, told) in cluster.partitions.iter().zip(&outcome.report.partitions) {
        let is_first = partition.epoch == 0 && cluster.made_anew == 0;
        if is_first && told.log_end.is_some_and(|end| told.position > Some(end)) {
            let (position, end) = (told.position, told.log_end);
            return Err(format!("a log that ends at {end:?} was read up to {position:?}"));
        }
    }
    Ok(())
}

/// Whether what was seen at a place is still there, or has only aged out.
fn is_there(cluster: &Cluster, (partition, offset, _): &Sighting, event: Identity) -> bool {
    let partition = &cluster.partitions[*partition];
    let offset = usize::try_from(*offset).unwrap_or(usize::MAX);
    offset < partition.start
        || partition.log().get(offset).is_some_and(|entry| entry.message.nature.event() == Some(event))
}

/// The end-to-end times are the true ones by the reader's clock, to the histogram's precision, where every event was seen.
pub(super) fn latencies(cluster: &Cluster, outcome: &Outcome) -> Result<(), String> {
    let begun = cluster.fates.values().filter_map(|fate| fate.taken_at).min().unwrap_or(0);
    // Due times are those of stamps: they tell virtual time where the wall clock was not set before zero.
    let is_set = |planned: &Planned| matches!(planned.act, Act::StepWallClock { .. }) && planned.at_ms * MS <= begun;
    // A process that only reads knows no time of what was due before it stood ready.
    if cluster.plan.reads != Reads::Itself || cluster.plan.acts.iter().any(is_set) {
        return Ok(());
    }
    let report = &outcome.report;
    let behind = cluster.plan.behind_us * 1_000;
    let zero = cluster.fates.get(&(0, 0)).map_or(u64::MAX, |fate| fate.due);
    // By the reader's clock, which does not go back before zero.
    let took = |fate: &Fate| {
        let (_, _, at) = *fate.seen.first()?;
        Some(i128::from((at.saturating_sub(behind)).max(zero)) - i128::from(fate.due))
    };
    let took: Vec<i128> = cluster.fates.values().filter_map(took).collect();
    let early = |slack: i128| took.iter().filter(|took| **took < slack).count() as u64;
    let told = report.findings.negative_latency;
    if !(early(-2_000)..=early(2_000)).contains(&told) {
        return Err(format!("{told} events seen too early told, {} in truth", early(0)));
    }
    let Some(told) = report.latency_us.end_to_end else { return Ok(()) };
    let unseen = cluster.fates.values().any(|fate| is_acked(fate) && fate.seen.is_empty());
    let seen: Vec<u64> = took.iter().map(|took| u64::try_from(took / 1_000).unwrap_or(0)).collect();
    let (Some(least), Some(most), false) = (seen.iter().min(), seen.iter().max(), unseen) else { return Ok(()) };
    let is_near = |told: Option<u64>, truth: u64| told.is_some_and(|told| told.abs_diff(truth) <= truth / 50 + 2);
    // What is seen when everything is read again is timed then, and is seen by nobody before.
    if told.count == seen.len() as u64 && !(is_near(told.max, *most) && is_near(told.min, *least)) {
        return Err(format!("end to end {:?} to {:?} us told, {least} to {most} in truth", told.min, told.max));
    }
    if told.count < seen.len() as u64 {
        return Err(format!("{} end-to-end times told of {} events that were seen", told.count, seen.len()));
    }
    Ok(())
}
