//! The judge who knows the truth: what a report may say of a run, given what really became of each event.

mod alone;
mod patience;
mod told;
mod truth;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::act::Act;
use super::cluster::MS;
use super::plan::{Plan, Reads};
use super::stage::Ended;
use crate::ledger::class::Class;
use crate::run::Outcome;
use crate::verdict::ExitCode;
use truth::{Place, Truth, is_acked};

/// What was covered by a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Covered {
    pub(super) classes: BTreeMap<Class, u64>,
    pub(super) acts: BTreeSet<usize>,
    pub(super) exit: BTreeMap<&'static str, u64>,
    /// Events of whose place everything could be known, and all that were looked at.
    pub(super) exact: (u64, u64),
}

impl Covered {
    pub(super) fn add(&mut self, other: &Self) {
        for (class, count) in &other.classes {
            *self.classes.entry(*class).or_default() += count;
        }
        for (exit, count) in &other.exit {
            *self.exit.entry(exit).or_default() += count;
        }
        self.exact = (self.exact.0 + other.exact.0, self.exact.1 + other.exact.1);
    }

    fn count(&self, class: Class) -> u64 {
        self.classes.get(&class).copied().unwrap_or(0)
    }
}

/// A request to end is heard within so long, besides what the process was stopped for.
const HEARD: u64 = 25 * MS;
/// What others did to the topic or to the group is looked at so often.
const LOOKED_AT: u64 = 65 * MS;

/// Judges a run. What it covered, or what is wrong with what was told.
pub(super) fn judge(plan: &Plan, ended: &Ended) -> Result<Covered, String> {
    let cluster = ended.cluster.open();
    let acts = cluster.acted.iter().map(|index| plan.acts[*index].act.kind()).collect();
    let mut covered = Covered { acts, ..Covered::default() };
    let Some(outcome) = &ended.outcome else {
        *covered.exit.entry("none").or_default() += 1;
        if plan.reads == Reads::Itself && cluster.begun.is_some() {
            return Err("its load began, and it told nothing".to_owned());
        }
        // Records that go while it takes up its place at them keep a run, too; a reading by itself waits for no place.
        let has_aged = plan.reads == Reads::Itself && cluster.partitions.iter().any(|partition| partition.start > 0);
        let has_reason =
            !cluster.interrupted_at.is_empty() || cluster.was_denied || cluster.deleted_at.is_some() || has_aged;
        return if has_reason { Ok(covered) } else { Err("it did not begin, and nothing kept it".to_owned()) };
    };
    let truth = Truth::of(&cluster);
    // A reading that ends before the run that it was to be joined with is one alone.
    if plan.reads != Reads::Itself && outcome.report.is_alone() {
        alone::told(&truth, outcome)?;
        *covered.exit.entry("alone").or_default() += 1;
        return Ok(covered);
    }
    classes(plan, outcome, &truth, &mut covered)?;
    patience::waited(plan, ended, &truth, outcome)?;
    told::ends(&cluster, outcome)?;
    told::counts(&truth, outcome)?;
    // What was forgotten before it could be judged, and was not given again, was seen by nobody who tells its time.
    if !(truth.is_undecided() || truth.may_have_forgotten()) {
        told::latencies(&cluster, outcome)?;
    }
    verdict(plan, outcome, &truth, &covered)?;
    let longest = plan.events * 1_000 / plan.rate + plan.flush_ms + plan.drain_ms + plan.delivery_timeout_ms + 75_000;
    let longest = if plan.reads == Reads::Itself { longest } else { 2 * longest };
    if ended.at > truth.begun + longest * MS + cluster.paused {
        return Err(format!("it ended at {} ms, later than all deadlines together", ended.at / MS));
    }
    *covered.exit.entry(exit(outcome).map_or("none", ExitCode::as_str)).or_default() += 1;
    Ok(covered)
}

fn exit(outcome: &Outcome) -> Option<ExitCode> {
    ExitCode::from_code(outcome.report.verdict.code)
}

/// Each event has a class that is allowed, and all that came due have one.
fn classes(plan: &Plan, outcome: &Outcome, truth: &Truth<'_>, covered: &mut Covered) -> Result<(), String> {
    let ledger = &outcome.report.ledger;
    if !ledger.sums() {
        return Err(format!("the classes do not sum to the schedule: {ledger:?}"));
    }
    let told: HashMap<(u16, u64), Class> =
        outcome.unverified.iter().map(|one| ((one.lane, one.sequence), one.class)).collect();
    let stopped = outcome.interrupted || outcome.cluster_error.is_some() || outcome.ended_by.is_some();
    let mut scheduled = 0;
    for lane in 0..plan.lanes {
        for sequence in 0..plan.events_of(lane) {
            let event = (lane, sequence);
            let fate = truth.fate(event);
            let class = match told.get(&event) {
                Some(class) => *class,
                None if stopped && fate.taken_at.is_none() => {
                    // What came due before the end was asked for has come due.
                    let due = truth.due(plan, event);
                    if truth.stopped_at.is_none_or(|at| due + 3 * MS < at) && outcome.cluster_error.is_none() {
                        return Err(format!("event {sequence} of lane {lane} was due at {due} and is not scheduled"));
                    }
                    continue;
                }
                None => Class::Verified,
            };
            scheduled += 1;
            let is_past = |at: u64| truth.due(plan, event) > at + HEARD + 2 * truth.cluster.paused;
            if outcome.cluster_error.is_none() && truth.stopped_at.is_some_and(is_past) {
                return Err(format!("event {sequence} of lane {lane} was due after the end was asked for"));
            }
            if plan.reads == Reads::Itself && truth.cluster.told_at.is_some_and(is_past) {
                return Err(format!("event {sequence} of lane {lane} was due after its reader had been refused"));
            }
            *covered.classes.entry(class).or_default() += 1;
            let place = truth.place(event, &fate);
            let allowed = truth.allowed(event, &fate, place);
            covered.exact.1 += 1;
            covered.exact.0 += u64::from(fate.partition.is_some_and(|partition| truth.is_exact(partition)));
            if !allowed.contains(&class) {
                return Err(format!(
                    "event {sequence} of lane {lane} is {class:?}, not one of {allowed:?}: {place:?}, {}",
                    truth.told(&fate)
                ));
            }
            let is_safe = plan.acks == -1 && !plan.unclean && !plan.compacted && truth.cluster.made_anew == 0;
            if place == Place::Nowhere && is_acked(&fate) && is_safe && !truth.is_damaged(event, &fate) {
                return Err(format!(
                    "the world is wrong: acks=all and clean elections lost event {sequence}: {}",
                    truth.told(&fate)
                ));
            }
        }
    }
    if ledger.scheduled == scheduled {
        Ok(())
    } else {
        Err(format!("{} events are scheduled, {scheduled} in truth", ledger.scheduled))
    }
}

/// Nothing passes behind which something is unknown or wrong, and what is wrong is told first.
fn verdict(plan: &Plan, outcome: &Outcome, truth: &Truth<'_>, covered: &Covered) -> Result<(), String> {
    let exit = exit(outcome);
    let findings = &outcome.report.findings;
    let good =
        [Class::Verified, Class::UnknownSeen, Class::Expired, Class::Compacted, Class::Aborted, Class::AbortedSeen]
            .map(|class| covered.count(class));
    let open = [Class::UnknownUnseen, Class::Unread, Class::Unattributed].map(|class| covered.count(class));
    let (good, open): (u64, u64) = (good.iter().sum(), open.iter().sum());
    let loss_allowed = plan.unclean || (plan.acks >= 0 && !plan.idempotent) || truth.cluster.made_anew > 0;
    let good = good + if loss_allowed { covered.count(Class::Lost) } else { 0 };
    let wrong = [Class::Corrupt, Class::Undelivered, Class::Contradicted].map(|class| covered.count(class));
    let wrong = wrong.iter().sum::<u64>()
        + if loss_allowed { 0 } else { covered.count(Class::Lost) }
        + if plan.committed { covered.count(Class::AbortedSeen) } else { 0 };
    if exit == Some(ExitCode::Pass) && (open > 0 || wrong > 0 || good == 0 || outcome.interrupted) {
        return Err(format!("it passed with {open} events of which nothing is known and {wrong} violations"));
    }
    if exit == Some(ExitCode::Pass)
        && let Some(why) = spoilt(truth)
    {
        return Err(format!("it passed, and {why}"));
    }
    let is_calm = truth.cluster.acted.is_empty()
        && truth.forced_aborts() == 0
        && findings.duplicates + findings.reordered == 0
        && covered.count(Class::Verified) == outcome.report.ledger.scheduled;
    // A queue that is too small for its rate is the generator's limit.
    if is_calm && !matches!(exit, Some(ExitCode::Pass | ExitCode::RunInvalid)) {
        return Err(format!("nothing happened, and it did not pass: {:?}", outcome.report.verdict.reasons));
    }
    let timed_out = covered.count(Class::UnknownSeen) + covered.count(Class::UnknownUnseen) > 0;
    let may_send_again = !plan.idempotent || plan.transaction.is_none() && timed_out;
    let is_twice = findings.duplicates_resent > 0 && !may_send_again;
    let is_out_of_order = findings.reordered > 0 && (plan.idempotent || plan.in_flight == 1);
    if (wrong > 0 || is_twice || is_out_of_order) && exit != Some(ExitCode::CorrectnessViolated) {
        let order = findings.reordered;
        return Err(format!(
            "{wrong} violations, sent twice: {is_twice}, {order} out of order, and it ended with {exit:?}"
        ));
    }
    let duplicates = findings.duplicates > 0 || findings.reordered > 0;
    let copies = |act: &Act| matches!(act, Act::Copy { .. } | Act::Forge { .. });
    let may_blame = wrong > 0
        || (duplicates && plan.idempotent)
        || plan.acts.iter().any(|planned| copies(&planned.act))
        || (plan.in_flight == 1 && duplicates);
    if exit == Some(ExitCode::CorrectnessViolated) && !may_blame {
        return Err(format!("a violation where none is: {:?}", outcome.report.verdict.reasons));
    }
    Ok(())
}

/// What a run must not pass over in silence although each event may be accounted for.
fn spoilt(truth: &Truth<'_>) -> Option<&'static str> {
    let cluster = truth.cluster;
    let last_asked = cluster.asked.iter().flatten().max().copied().unwrap_or(0);
    if truth.forced_aborts() > 0 {
        Some("transactions were aborted that were not to be")
    } else if cluster.told_at.is_some() {
        Some("its reader had been refused")
    } else if cluster.group.expelled_at.is_some_and(|at| at + LOOKED_AT < last_asked) {
        Some("the group had driven its reader out")
    } else if cluster.deleted_at.is_some_and(|at| at + LOOKED_AT < last_asked) {
        Some("the topic had been deleted")
    } else {
        None
    }
}
