//! What is said of the events of each class, and how this run's configuration rules them.

use super::unless;
use crate::figures::{self, counted};
use crate::gate::allowance::Allowances;
use crate::ledger::Class;
use crate::report::{DRAIN, Findings, RulingKind, RunReport, TopicLedger};

/// What is said of the events of a class.
pub(super) struct Judged {
    pub(super) what: &'static str,
    pub(super) ruling: RulingKind,
    pub(super) rule: String,
}

pub(super) fn of_class(class: Class, report: &RunReport, allowances: &Allowances) -> Judged {
    use RulingKind::{Expected, Undecided, Violation};
    let judged = |what, ruling, rule: &str| Judged { what, ruling, rule: rule.to_owned() };
    match class {
        Class::Lost => {
            let must_not = format!("with acks=all this must not happen{}", alone(report));
            let (ruling, rule) = match made_anew(report) {
                Some(topic) => (
                    Undecided,
                    format!(
                        "topic \"{topic}\" was deleted and made anew: its log is younger than the run, and what was in the old one went \
                         with it"
                    ),
                ),
                None => unless(allowances.loss, &must_not),
            };
            Judged { what: "lost: acked, and gone from the log", ruling, rule }
        }
        Class::Corrupt => {
            judged("corrupt: seen, but not as they were sent", Violation, "what was sent must be what is read")
        }
        Class::Undelivered => undelivered(report),
        Class::Contradicted => judged(
            "contradicted: not sent or refused, and yet in the log",
            Violation,
            "what was refused must not be written",
        ),
        Class::AbortedSeen => {
            let (ruling, rule) = unless(allowances.aborted_reads, "under read_committed this must not happen");
            Judged { what: "of aborted transactions seen", ruling, rule }
        }
        Class::UnknownUnseen => {
            judged("never answered and never seen", Undecided, "no one can say whether they were written")
        }
        Class::Unread => {
            Judged { what: "acked, and not read by the deadline", ruling: Undecided, rule: why_unread(report) }
        }
        Class::Unattributed => judged(
            "acked and unseen, and could not be looked up",
            Undecided,
            "the client was not told their offsets, they could not be read again, or what is there, or is absent from a compacted \
             topic, is not explained since their keys are not known",
        ),
        Class::Unwitnessed => judged(
            "of a shard that was lost",
            Undecided,
            "what was sent of them, and what became of it, only that shard knew",
        ),
        Class::NotAttempted => {
            judged("never handed to the client", Expected, "the run ended, or left them out as too late")
        }
        Class::Expired => Judged {
            what: "acked, and aged out of the log before they were read",
            ruling: Expected,
            rule: expiry(report),
        },
        Class::Compacted => judged(
            "acked, and compacted away before they were read",
            Expected,
            "cleanup.policy=compact: later records of their keys took their place",
        ),
        Class::UnknownSeen => judged("never answered, but seen", Expected, "a lost answer is no lost event"),
        Class::Aborted => {
            judged("in transactions aborted as planned, unseen", Expected, "that is what aborting is for")
        }
        Class::Unverified => {
            judged("acked, but not read back", Expected, "--no-verify: nothing is said of loss, order or damage")
        }
        Class::Refused => judged("refused", Expected, "the gate nothing_refused judges them"),
        Class::Verified => judged("verified", Expected, "acked, seen, content right"),
    }
}

/// Acked events that lie in the log: passed over by the reader, or withheld by the cluster.
fn undelivered(report: &RunReport) -> Judged {
    let held = report.findings.held_aborted;
    let reader = "a reader must get every record that it goes past".to_owned();
    let cluster = "the log holds their transactions as aborted, so no reader of committed records is given them: a confirmed commit \
                   must hold";
    let (what, rule) = match report.ledger.undelivered.saturating_sub(held) {
        0 => ("undelivered: in the log, and their commit was confirmed", cluster.to_owned()),
        _ if held > 0 => (
            "undelivered: in the log, but never given to the reader",
            format!("{reader}; of {} the commit was confirmed, and {cluster}", figures::count(held)),
        ),
        _ => ("undelivered: in the log, but never given to the reader", reader),
    };
    Judged { what, ruling: RulingKind::Violation, rule }
}

/// Why acked events were not read.
fn why_unread(report: &RunReport) -> String {
    let Findings { not_replicated, behind_transaction, .. } = report.findings;
    let rest = report.ledger.unread.saturating_sub(not_replicated + behind_transaction);
    let further = if made_anew(report).is_some() {
        "reading ended when the topic was made anew"
    } else if report.reading.is_some() || !report.run.deadlines_reached.iter().any(|told| told.starts_with(DRAIN)) {
        "the reader had not come that far when it ended"
    } else {
        "the reader had not come that far; a longer --drain-deadline may tell"
    };
    let reasons = [
        (
            not_replicated,
            "not replicated yet: at or above the high watermark, which stands still while a copy that counts as in sync lags".to_owned(),
        ),
        (behind_transaction, format!("behind an open transaction{}", last_stable(report))),
        (rest, further.to_owned()),
    ];
    let told: Vec<(u64, String)> = reasons.into_iter().filter(|(events, _)| *events > 0).collect();
    match told.as_slice() {
        [(_, only)] => only.clone(),
        several => {
            let several: Vec<String> =
                several.iter().map(|(events, why)| format!("{} {why}", figures::count(*events))).collect();
            several.join("; ")
        }
    }
}

/// Where an open transaction begins to hide what is in the log, and how far.
pub(super) fn last_stable(report: &RunReport) -> String {
    let hidden: Vec<String> = report
        .partitions
        .iter()
        .filter_map(|of| {
            let (stable, end) = of.last_stable_offset.zip(of.log_end)?;
            Some(format!(
                "last stable offset {} of high watermark {} in partition {} of topic \"{}\"",
                figures::count(stable.unsigned_abs()),
                figures::count(end.unsigned_abs()),
                of.partition,
                of.topic
            ))
        })
        .collect();
    match hidden.as_slice() {
        [] => String::new(),
        [only] => format!(" ({only})"),
        [first, rest @ ..] => format!(" ({first}, and in {} more)", counted(rest.len() as u64, "partition")),
    }
}

/// Unseen events of transactions that the plan aborted. Of the others nobody asked to be aborted: the gate `no_forced_aborts`
/// judges them.
pub(super) fn planned_aborts(report: &RunReport) -> u64 {
    let forced = report.transactions.as_ref().map_or(0, |told| told.counts.failed_events);
    report.ledger.aborted.saturating_sub(forced)
}

/// The topic that was deleted and made anew, where all that was lost may have been in such ones.
fn made_anew(report: &RunReport) -> Option<&str> {
    let topics = &report.environment.topics;
    let is_anew = |name: &str| topics.iter().any(|topic| topic.made_anew && topic.name == name);
    let lost = |ledger: &TopicLedger| ledger.not_verified.get(Class::Lost.as_str()).is_some_and(|lost| *lost > 0);
    if report.by_topic.iter().any(|(name, ledger)| !is_anew(name) && lost(ledger)) {
        return None;
    }
    topics.iter().find(|topic| topic.made_anew).map(|topic| topic.name.as_str())
}

/// Where one broker alone may have confirmed events: what `acks=all` is worth is what the topic asks for.
fn alone(report: &RunReport) -> String {
    let alone = report.environment.topics.iter().find_map(|topic| {
        let named = |what: &str| format!("; {what} of topic \"{}\" lets one broker alone confirm", topic.name);
        match (topic.replication_factor, topic.settings.get("min.insync.replicas").map(String::as_str)) {
            (Some(1), _) => Some(named("replication factor 1")),
            (_, Some("1")) => Some(named("min.insync.replicas=1")),
            _ => None,
        }
    });
    alone.map_or_else(String::new, |alone| format!("{alone}, and its machine or disk may have failed"))
}

/// What removes records from the topics, as far as their settings are known.
fn expiry(report: &RunReport) -> String {
    let limits: Vec<String> = report
        .environment
        .topics
        .iter()
        .flat_map(|topic| ["retention.ms", "retention.bytes"].map(|name| (topic, name)))
        .filter_map(|(topic, name)| {
            let value = topic.settings.get(name).filter(|value| *value != "-1")?;
            Some(format!("{name}={value} of topic \"{}\"", topic.name))
        })
        .collect();
    if limits.is_empty() {
        "retention or DeleteRecords".to_owned()
    } else {
        format!("{}, or DeleteRecords", limits.join(", "))
    }
}
