//! The classes of the ledger, and the words that they are told with.

use super::definition::{Definition, Sort};
use crate::ledger::Class;

const fn class(class: Class) -> Definition {
    Definition::new(Sort::Class, class.as_str(), class.definition())
}

const fn word(name: &'static str, definition: &'static str) -> Definition {
    Definition::new(Sort::Word, name, definition)
}

pub(super) const DEFINITIONS: &[Definition] = &[
    Definition::new(
        Sort::Figure,
        "scheduled",
        "Events that the schedule wanted sent before the run stopped. Each ends in exactly one class.",
    )
    .rule("The classes sum to it, always; the gate ledger_sums holds that."),
    class(Class::Verified),
    class(Class::Unverified),
    class(Class::NotAttempted)
        .rule("No violation: the cluster was not asked."),
    class(Class::Refused)
    .excludes("Time-outs and the client's own guess that an event was not persisted: these are unknown.")
    .rule("The gate nothing_refused fails above 0."),
    class(Class::UnknownSeen)
        .rule("No violation: it is there."),
    class(Class::UnknownUnseen)
        .rule("Undecided: exit code 4."),
    class(Class::Contradicted).rule("Violation: exit code 3."),
    class(Class::Corrupt)
        .rule("Violation: exit code 3."),
    class(Class::Lost)
    .excludes(
        "What retention or compaction took (expired, compacted), what is not replicated yet (unread), and what could not be looked up \
         (unattributed).",
    )
    .rule("Violation: exit code 3, unless acks=0 or acks=1 allows it; then it is noted."),
    class(Class::Expired)
        .rule("Allowed, and named with the topic's settings."),
    class(Class::Compacted).rule("Allowed."),
    class(Class::Undelivered)
    .rule("Violation of the reading side, or of the cluster where it is held as aborted: exit code 3."),
    class(Class::Unread)
    .rule("Undecided: exit code 4. unverified.ndjson says why of each, not_replicated and behind_transaction how many."),
    class(Class::Unattributed)
    .rule("Undecided: exit code 4."),
    class(Class::Unwitnessed)
    .rule("Undecided: exit code 4; a run that lost a shard did not have the load that was planned: exit code 5."),
    class(Class::Aborted)
        .rule("Expected where the plan aborts (--txn-abort-rate); where it had to be aborted against the plan, the gate no_forced_aborts \
               fails."),
    class(Class::AbortedSeen)
        .rule("Violation under isolation.level=read_committed: exit code 3; under read_uncommitted it is noted."),
];

pub(super) const WORDS: &[Definition] = &[
    word("due", "The instant at which the schedule wants an event sent: a pure function of the event's number.")
        .clock("Monotonic, in ns since the start of the run."),
    word("sent", "Handed to the Kafka client and accepted by it."),
    word("acked", "Confirmed by the broker, with the acks that were asked for; in a transaction, committed with it.")
        .rule("An event whose transaction was aborted is aborted; one whose transaction's end is not known has no answer."),
    word(
        "transaction",
        "Events of a lane that are committed or aborted as one (--transactional). Which are aborted is drawn from the seed.",
    )
    .excludes("The event type of that name."),
    word("seen", "Read by the verifier."),
    word(
        "fault",
        "A command of the scenario that breaks something at a given time ([[fault]]), and how that is undone; run only with \
         --allow-fault-commands.",
    )
    .rule("One that fails, or is not run, makes the run unevaluated: exit code 4."),
    word("warm-up", "Phases at the start with warm_up = true: reported, not judged.")
        .also(&["warm_up"])
        .excludes("Loss, damage and order: these are judged from the first event on."),
    word("shard", "One process's part of a run: lanes and users of its own, the same run id, plan and seed."),
    word("re-read", "A record read again at an offset already read, after a rebalance or a restart; no duplicate.")
        .also(&["reread"]),
    word("lane", "One producer thread with its own connection, share of the schedule, sequence and histograms."),
    word(
        "bundle",
        "The folder that a run leaves behind: report, timeline, histograms and all that is needed to repeat it.",
    ),
    word(
        "stamp",
        "The event_id, a UUID version 7 (RFC 9562) that holds the due time, the run's tag, the lane, the sequence and a check \
         over the content.",
    ),
    word(
        "lower bound",
        "A value of which only this is known: it is not smaller. Shown as >=. A gate with < fails where even the bound breaks \
         it, and is else unevaluated.",
    ),
];
