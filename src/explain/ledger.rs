//! The classes of the ledger, and the words that they are told with.

use super::{Definition, Sort};

const fn class(name: &'static str, definition: &'static str) -> Definition {
    Definition::new(Sort::Class, name, definition)
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
    class("verified", "Acked by the broker, read back, and the content is what was sent."),
    class("unverified", "Acked in a run with --no-verify: nothing was read back, so nothing is said of loss or damage."),
    class("not_attempted", "Never handed to the client, because the run stopped or the event was dropped as too late, and not seen.")
        .rule("No violation: the cluster was not asked."),
    class(
        "refused",
        "Proven not written: refused by the client itself, or by a definitive answer of the broker (too large, not \
         authorized, invalid record), and not seen.",
    )
    .excludes("Time-outs and the client's own guess that an event was not persisted: these are unknown.")
    .rule("The gate nothing_refused fails above 0."),
    class("unknown_seen", "No answer proves anything (a time-out, a lost connection), but the event was read back.")
        .rule("No violation: it is there."),
    class("unknown_unseen", "No answer proves anything, and the event was not seen: neither good nor lost.")
        .rule("Undecided: exit code 4."),
    class("contradicted", "Never handed to the client, or refused, and yet in the topic.").rule("Violation: exit code 3."),
    class("corrupt", "Seen, but damaged; or the record at its acked partition and offset has its key and time and is not whole.")
        .rule("Violation: exit code 3."),
    class(
        "lost",
        "Acked, and proven to be gone: another record (by id, key or CreateTime) stands at its partition and offset, or none though the high \
         watermark has passed it, or the log of its leader ends before it.",
    )
    .excludes(
        "What retention or compaction took (expired, compacted), what is not replicated yet (unread), and what could not be looked up \
         (unattributed).",
    )
    .rule("Violation: exit code 3, unless acks=0 or acks=1 allows it; then it is noted."),
    class("expired", "Acked, unseen, and its offset is below the start of the log: retention or DeleteRecords took it.")
        .rule("Allowed, and named with the topic's settings."),
    class("compacted", "Acked, unseen, absent, and a later record of its key is in a compacted topic.").rule("Allowed."),
    class(
        "undelivered",
        "Acked, never given to the verifier although it reached beyond it, and present when its offset is read again. The log may hold \
         its transaction as aborted though its commit was confirmed (held_aborted).",
    )
    .rule("Violation of the reading side, or of the cluster where it is held as aborted: exit code 3."),
    class(
        "unread",
        "Acked, past the point that the verifier reached in time: not reached, not replicated yet (at or above the high watermark, \
         where the log ends for every reader), or behind an open transaction.",
    )
    .rule("Undecided: exit code 4. unverified.ndjson says why of each, not_replicated and behind_transaction how many."),
    class(
        "unattributed",
        "Acked, unseen, and not to be looked up: its offset is unknown, its partition cannot be reached, there were too many \
         to look up, or it is absent from a compacted topic and its key is not known.",
    )
    .rule("Undecided: exit code 4."),
    class("aborted", "Part of a transaction that was aborted, and unseen.")
        .rule("Expected where the plan aborts (--txn-abort-rate); where it had to be aborted against the plan, the gate no_forced_aborts \
               fails."),
    class("aborted_seen", "Part of a transaction that was aborted, and yet seen.")
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
