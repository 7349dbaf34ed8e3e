//! The findings beside the classes.

use super::definition::{Definition, Sort};

const fn finding(name: &'static str, definition: &'static str) -> Definition {
    Definition::new(Sort::Finding, name, definition)
}

pub(super) const DEFINITIONS: &[Definition] = &[
    finding("duplicates", "Second and further sightings of the same event_id at another offset.")
        .excludes("The same offset read again (duplicates_reread).")
        .rule("Judged by origin: see duplicates_resent, duplicates_rewritten and duplicates_undecided."),
    finding("duplicates_resent", "Duplicates with the first one's CreateTime: the client sent the event again.").rule(
        "Violation with idempotence on a real Kafka (exit code 3), unless deliveries timed out (there are unknown_seen or \
         unknown_unseen events) outside of transactions: then librdkafka begins a new epoch and sends again what was in flight \
         (librdkafka#4953). Allowed without idempotence, and on the embedded broker, which does not recognise what is sent again.",
    ),
    finding("duplicates_rewritten", "Duplicates with another CreateTime: another producer wrote the event again.")
        .rule("Reported, no violation of this client or broker."),
    finding(
        "duplicates_undecided",
        "Duplicates whose origin cannot be told: the topic has LogAppendTime, or the first sighting is no longer remembered.",
    )
    .rule("Undecided (exit code 4) where a resent one would be a violation."),
    finding("duplicates_reread", "Records read again at an offset already read, after a rebalance or a restart.")
        .rule("No duplicates in the log; reported."),
    finding("reordered", "First sightings, in offset order, whose sequence goes back within a lane and partition.")
        .excludes("Duplicates and re-reads. All events of a user are in one lane, so the order of each key is covered.")
        .rule(
            "Violation (exit code 3), unless neither idempotence nor a single request in flight keeps the order, or the broker is \
             the embedded one.",
        ),
    finding("invalid", "Records that break the schema: not UTF-8, not JSON, an unknown type, a missing or wrong field, a key that is not the user_id.")
        .also(&["invalid_by_reason"])
        .rule("Reported with reasons and examples. A record of this run that is damaged is also corrupt."),
    finding("misplaced", "Records in another partition than that of their key (murmur2, as the Java client computes it).")
        .rule("Reported."),
    finding("foreign", "Records of other producers: no stamp of this run, and none that is damaged.")
        .rule("Counted, not judged."),
    finding("sibling", "Records of other processes of the same run.").rule("Counted here, judged by the process that sent them."),
    finding("seen_then_gone", "Lost events that the verifier had read before the log was cut back below them.")
        .rule("Part of lost."),
    finding(
        "not_replicated",
        "Unread events that were acked at or above the high watermark, where the log ends for every reader: the leader has confirmed them, \
         and a copy that counts as in sync has not got them yet.",
    )
    .rule("Part of unread."),
    finding(
        "behind_transaction",
        "Unread events that lie at or above the last stable offset: an open transaction hides them from readers of committed \
         records.",
    )
    .rule("Part of unread."),
    finding(
        "held_aborted",
        "Undelivered events whose commit the cluster confirmed, and whose transaction its log holds as aborted: no reader of committed \
         records is given them, now or later.",
    )
    .rule("Part of undelivered."),
    finding(
        "re_encoded",
        "Verified events that are not byte for byte what was sent, and are value for value: a processor wrote them again, its fields in \
         another order, or in another form that the format allows.",
    )
    .rule("Part of verified; reported."),
    finding(
        "not_readable_by_reader",
        "Records that somebody cannot read who reads by one of the schemas of --reader-schema: a field without a default that the writer did \
         not have, a type or a symbol that the reader does not know.",
    )
    .rule("A violation: exit code 3. Which schema, which reader and which field stands in the report's schemas."),
    finding(
        "awaits_schema",
        "Records that were read and could not be judged: the schema registry did not say what the schema is that they, or a record before \
         them in their partition, name.",
    )
    .rule("Undecided: exit code 4. They count as not read. While a run goes on they are judged as soon as the registry answers."),
    finding("negative_latency", "Records that seemed to be seen before they were due: a clock was set back.")
        .rule("Counted as 0 in end_to_end, never dropped."),
];
