//! The judge who knows the truth: what a report may say of a run, given what really became of each event.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::cluster::{Cluster, Fate, Identity, MS, Sighting};
use super::plan::{Act, Plan, Planned};
use super::stage::Ended;
use crate::kafka::Answer;
use crate::ledger::class::Class;
use crate::verdict::ExitCode;

/// Where an event is in the end, as the world knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// Below the high watermark of its log.
    Readable,
    /// At or above it.
    Above,
    /// The log began after it, when it was deleted.
    Expired,
    /// In no log of a leader.
    Nowhere,
}

/// What was covered by a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Covered {
    pub(super) classes: BTreeMap<Class, u64>,
    pub(super) acts: BTreeSet<usize>,
    pub(super) exit: BTreeMap<&'static str, u64>,
}

impl Covered {
    pub(super) fn add(&mut self, other: &Self) {
        for (class, count) in &other.classes {
            *self.classes.entry(*class).or_default() += count;
        }
        for (exit, count) in &other.exit {
            *self.exit.entry(exit).or_default() += count;
        }
    }
}

/// What a judge may know only roughly, so that it must allow more.
struct Knowledge {
    /// Something still happened to brokers or logs when the load had ended.
    late: bool,
}

/// Judges a run. What it covered, or what is wrong with what was told.
pub(super) fn judge(plan: &Plan, ended: &Ended) -> Result<Covered, String> {
    let cluster = ended.cluster.open();
    let report = &ended.outcome.report;
    let ledger = &report.ledger;
    if !ledger.sums() {
        return Err(format!("the classes do not sum to the schedule: {ledger:?}"));
    }
    let is_whole = ended.outcome.cluster_error.is_none();
    if is_whole && ledger.scheduled != plan.events {
        return Err(format!("{} of {} events were scheduled", ledger.scheduled, plan.events));
    }
    let told: HashMap<(u16, u64), Class> =
        ended.outcome.unverified.iter().map(|one| ((one.lane, one.sequence), one.class)).collect();
    // It begins when all stand ready, which takes its time where a broker does not answer.
    let begun = cluster.fates.values().filter_map(|fate| fate.taken_at).min().unwrap_or(20 * MS);
    let length = begun + plan.events * 1_000 / plan.rate * MS;
    let is_late = |planned: &Planned| {
        let ms = match planned.act {
            Act::Kill { ms, .. } | Act::Stop { ms, .. } | Act::Lag { ms, .. } => ms + 1_000,
            Act::LoseAnswers { ms } | Act::LateAnswers { ms } | Act::Refuse { ms } => ms,
            _ => 0,
        };
        (planned.at_ms + ms) * MS >= length
    };
    let knowledge = Knowledge { late: plan.acts.iter().any(is_late) };
    let mut covered = Covered::default();
    for lane in 0..plan.lanes {
        for sequence in 0..events_of(plan, lane) {
            let class = told.get(&(lane, sequence)).copied().unwrap_or(Class::Verified);
            *covered.classes.entry(class).or_default() += 1;
            let fate = cluster.fates.get(&(lane, sequence)).cloned().unwrap_or_default();
            let place = place(&cluster, (lane, sequence), &fate);
            let allowed = allowed(&fate, place, &knowledge);
            if !allowed.contains(&class) && is_whole {
                return Err(format!(
                    "event {sequence} of lane {lane} is {class:?}, not one of {allowed:?}: {place:?}, {fate:?}"
                ));
            }
            if place == Place::Nowhere && is_acked(&fate) && plan.acks == -1 && !plan.unclean {
                return Err(format!(
                    "the world is wrong: acks=all and clean elections lost event {sequence}: {fate:?}"
                ));
            }
        }
    }
    counts(&cluster, ended)?;
    latencies(&cluster, ended)?;
    verdict(plan, ended, &covered)?;
    let longest = length + (plan.flush_ms + plan.drain_ms + plan.delivery_timeout_ms) * MS + 75_000 * MS;
    if ended.at > longest {
        return Err(format!("it ended at {} ms, later than all deadlines together", ended.at / MS));
    }
    covered.acts = cluster.acted.iter().map(|index| plan.acts[*index].act.kind()).collect();
    *covered.exit.entry(exit(ended).map_or("none", ExitCode::as_str)).or_default() += 1;
    Ok(covered)
}

fn exit(ended: &Ended) -> Option<ExitCode> {
    ExitCode::from_code(ended.outcome.report.verdict.code)
}

/// Events of a lane: event n is lane (n mod all)'s.
fn events_of(plan: &Plan, lane: u16) -> u64 {
    let lanes = u64::from(plan.lanes);
    (plan.events + lanes - 1 - u64::from(lane)) / lanes
}

fn is_acked(fate: &Fate) -> bool {
    matches!(fate.answer, Some((Answer::Acked, ..)))
}

fn place(cluster: &Cluster, event: Identity, fate: &Fate) -> Place {
    let Some(partition) = fate.partition else { return Place::Nowhere };
    let partition = &cluster.partitions[partition];
    let log = match partition.leader {
        Some(_) => partition.log(),
        // Without a leader the copy that would lead is what there is.
        None => partition.copies.iter().max_by_key(|copy| copy.len()).map_or(&[][..], Vec::as_slice),
    };
    let places = (0..).zip(log).filter(|(_, entry)| entry.message.event == Some(event)).map(|(offset, _)| {
        if offset < partition.start {
            Place::Expired
        } else if offset < partition.high {
            Place::Readable
        } else {
            Place::Above
        }
    });
    places.min().unwrap_or(Place::Nowhere)
}

/// The table: which classes truth and what could be known allow.
fn allowed(fate: &Fate, place: Place, knowledge: &Knowledge) -> Vec<Class> {
    let mut classes = match (fate.taken_at, fate.answer) {
        (None, _) => return vec![Class::NotAttempted],
        (_, Some((Answer::Refused(_), ..))) => return vec![Class::Refused],
        (_, None | Some((Answer::Unanswered(_), ..))) => match place {
            _ if !fate.seen.is_empty() => return vec![Class::UnknownSeen],
            // The second reading may come upon it.
            Place::Readable => return vec![Class::UnknownSeen, Class::UnknownUnseen],
            _ if knowledge.late => return vec![Class::UnknownSeen, Class::UnknownUnseen],
            _ => return vec![Class::UnknownUnseen],
        },
        (_, Some((Answer::Acked, ..))) => match (fate.seen.is_empty(), place) {
            (false, Place::Nowhere) if knowledge.late => vec![Class::Lost, Class::Verified],
            (false, Place::Nowhere) => return vec![Class::Lost],
            (false, _) => return vec![Class::Verified],
            (true, Place::Readable) => vec![Class::Verified, Class::Unread],
            (true, Place::Above) => vec![Class::Unread],
            (true, Place::Expired) => vec![Class::Expired],
            (true, Place::Nowhere) => vec![Class::Lost],
        },
    };
    let has_offset = matches!(fate.answer, Some((Answer::Acked, Some(_), _)));
    if fate.seen.is_empty() && (!has_offset || knowledge.late) {
        classes.push(Class::Unattributed);
    }
    if fate.seen.is_empty() && knowledge.late {
        classes.push(Class::Unread);
    }
    classes
}

/// Duplicates, order, and what is not the run's, counted exactly.
fn counts(cluster: &Cluster, ended: &Ended) -> Result<(), String> {
    let findings = &ended.outcome.report.findings;
    let copies = |is_counted: &dyn Fn(&Sighting, Identity) -> bool| -> u64 {
        let of = |(event, fate): (&Identity, &Fate)| fate.seen.iter().filter(|seen| is_counted(seen, *event)).count();
        cluster.fates.iter().map(|fate| (of(fate) as u64).saturating_sub(1)).sum()
    };
    // What was cut off and written again is held once by the log, so it is no duplicate; where no copy was cut off both are one.
    let (least, most) = (copies(&|seen, event| is_there(cluster, seen, event)), copies(&|_, _| true));
    let mut highest: HashMap<(usize, u16), u64> = HashMap::new();
    let mut reordered = 0;
    for (partition, (lane, sequence)) in &cluster.sighted {
        let highest = highest.entry((*partition, *lane)).or_default();
        reordered += u64::from(*highest > *sequence);
        *highest = (*highest).max(*sequence);
    }
    if !(least..=most).contains(&findings.duplicates) {
        return Err(format!("{} duplicates told, {least} to {most} in truth", findings.duplicates));
    }
    let kinds = findings.duplicates_resent + findings.duplicates_rewritten + findings.duplicates_undecided;
    for (name, told, truth) in [
        ("kinds of duplicates", kinds, findings.duplicates),
        ("reordered", findings.reordered, reordered),
        ("invalid and foreign", findings.invalid + findings.foreign, cluster.foreign_seen),
    ] {
        if told != truth {
            return Err(format!("{name}: {told} told, {truth} in truth"));
        }
    }
    Ok(())
}

/// Whether what was seen at a place is still there, or has only aged out.
fn is_there(cluster: &Cluster, (partition, offset, _): &Sighting, event: Identity) -> bool {
    let partition = &cluster.partitions[*partition];
    let offset = usize::try_from(*offset).unwrap_or(usize::MAX);
    offset < partition.start || partition.log().get(offset).is_some_and(|entry| entry.message.event == Some(event))
}

/// The end-to-end times are the true ones, to the histogram's precision, where every event was seen.
fn latencies(cluster: &Cluster, ended: &Ended) -> Result<(), String> {
    let begun = cluster.fates.values().filter_map(|fate| fate.taken_at).min().unwrap_or(0);
    // Due times are those of stamps: they tell virtual time where the wall clock was not set before zero.
    let is_set = |planned: &Planned| matches!(planned.act, Act::StepWallClock { .. }) && planned.at_ms * MS <= begun;
    if cluster.plan.acts.iter().any(is_set) {
        return Ok(());
    }
    let report = &ended.outcome.report;
    let Some(told) = report.latency_us.end_to_end else { return Ok(()) };
    let unseen = cluster.fates.values().any(|fate| is_acked(fate) && fate.seen.is_empty());
    let seen: Vec<u64> =
        cluster.fates.values().filter_map(|fate| Some(fate.seen.first()?.2.saturating_sub(fate.due) / 1_000)).collect();
    let (Some(least), Some(most), false) = (seen.iter().min(), seen.iter().max(), unseen) else { return Ok(()) };
    let is_near = |told: Option<u64>, truth: u64| told.is_some_and(|told| told.abs_diff(truth) <= truth / 500 + 2);
    // What is seen when everything is read again is timed then, and is seen by nobody before.
    if told.count == seen.len() as u64 && !(is_near(told.max, *most) && is_near(told.min, *least)) {
        return Err(format!("end to end {:?} to {:?} us told, {least} to {most} in truth", told.min, told.max));
    }
    if told.count < seen.len() as u64 {
        return Err(format!("{} end-to-end times told of {} events that were seen", told.count, seen.len()));
    }
    Ok(())
}

/// Nothing passes behind which something is unknown or wrong, and what is wrong is told first.
fn verdict(plan: &Plan, ended: &Ended, covered: &Covered) -> Result<(), String> {
    let exit = exit(ended);
    let count = |class| covered.classes.get(&class).copied().unwrap_or(0);
    let good = count(Class::Verified) + count(Class::UnknownSeen) + count(Class::Expired);
    let open: u64 = [Class::UnknownUnseen, Class::Unread, Class::Unattributed].map(count).iter().sum();
    let loss_allowed = plan.unclean || (plan.acks >= 0 && !plan.idempotent);
    let wrong = count(Class::Corrupt)
        + count(Class::Undelivered)
        + count(Class::Contradicted)
        + if loss_allowed { 0 } else { count(Class::Lost) };
    if exit == Some(ExitCode::Pass) && (open > 0 || wrong > 0 || good == 0) {
        return Err(format!("it passed with {open} events of which nothing is known and {wrong} violations"));
    }
    if wrong > 0 && exit != Some(ExitCode::CorrectnessViolated) {
        return Err(format!("{wrong} violations, and it ended with {exit:?}"));
    }
    let duplicates = ended.outcome.report.findings.duplicates > 0 || ended.outcome.report.findings.reordered > 0;
    let may_blame = wrong > 0
        || (duplicates && plan.idempotent)
        || plan.acts.iter().any(|planned| matches!(planned.act, Act::Copy { .. }))
        || (plan.in_flight == 1 && duplicates);
    if exit == Some(ExitCode::CorrectnessViolated) && !may_blame {
        let reasons = &ended.outcome.report.verdict.reasons;
        return Err(format!("a violation where none is: {reasons:?}"));
    }
    Ok(())
}
