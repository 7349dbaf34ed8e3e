//! The numbers of sections that not every report has: fidelity of a replay, faults, transactions, client, groups, payload, drift.

use super::definition::{Definition, Sort};

const fn figure(name: &'static str, definition: &'static str) -> Definition {
    Definition::new(Sort::Figure, name, definition)
}

const WINDOWED: &str =
    "Told by the client's own statistics, every tenth of a second; mean, worst_p99 and max are of all producers.";

pub(super) const DEFINITIONS: &[Definition] = &[
    figure("replay.fidelity.events", "Events that a replay at recorded times sent."),
    figure("replay.fidelity.off_p50", "Median of how far events were handed over after their ideal time.")
        .also(&["off_p50_us"])
        .clock("Monotonic."),
    figure("replay.fidelity.off_p99", "99 % quantile of how far events were handed over after their ideal time.")
        .also(&["off_p99_us"])
        .clock("Monotonic.")
        .rule("A faithful replay has at most 5 ms."),
    figure("replay.fidelity.off_max", "How far the farthest event was handed over after its ideal time.")
        .also(&["off_max_us"])
        .clock("Monotonic."),
    figure(
        "replay.fidelity.ks_distance",
        "Kolmogorov-Smirnov distance between the gaps as recorded, compressed, and as sent, 0 being the same: gaps that are a millisecond apart or less count as equal.",
    )
    .also(&["ks_distance"])
    .rule("A faithful replay has at most 0.01."),
    figure("replay.fidelity.ks_distance_1us", "The same with no gap counted as equal to another: small only with --pacing spin on an idle core.")
        .also(&["ks_distance_1us"]),
    figure("replay.fidelity.moved", "Events sent in another second of the run than their ideal one, in percent.")
        .also(&["moved_percent"]),
    figure("replay.fidelity.peak_recorded", "Events due in the busiest second of the ideal timeline.")
        .also(&["peak_recorded_per_s"]),
    figure("replay.fidelity.peak_replayed", "Events sent in the busiest second.").also(&["peak_replayed_per_s"]),
    figure("replay.fidelity.inversions", "Events seen out of the order in which their lane had to send them.")
        .also(&["inversions"])
        .rule("A faithful replay has none."),
    figure("availability.ack_stalled", "The lengths of all stalls without an ack, summed over partitions.").clock("Monotonic."),
    figure("availability.read_stalled", "The lengths of all stalls without a read, summed over partitions.").clock("Monotonic."),
    figure(
        "availability.leader_changes",
        "How often the verifier met a record that was written under another leader than the one before.",
    )
    .also(&["leader_changes"]),
    figure("faults.stalled_partitions", "The most partitions that stalled by one fault.").also(&["stalled_partitions"]),
    figure(
        "process.hiccups",
        "Times in which this process did not run for 250 ms or longer: stopped (SIGSTOP, a paused container or machine), or without a \
         processor.",
    )
    .also(&["hiccups"])
    .clock("Monotonic, as a thread sees it that does nothing but wait (the method of jHiccup).")
    .rule("No partition is blamed for such a time: stalls and gaps between acks and reads leave it out."),
    figure("process.hiccups_total", "How long all hiccups took.").also(&["hiccups_total_s"]).clock("Monotonic."),
    figure("process.longest_hiccup", "How long the longest hiccup took.").also(&["longest_hiccup_s"]).clock("Monotonic."),
    figure(
        "process.throttled",
        "How long the quota of this process's control group (cpu.max, or cpu.cfs_quota_us) held it back, summed over processors.",
    )
    .also(&["throttled_s"])
    .clock("The kernel's (cpu.stat).")
    .rule("environment.cpu_quota tells the quota; without one a gate is unevaluated."),
    figure("process.throttled_periods", "Periods in which the quota held this process back.").also(&["throttled_periods"]),
    figure(
        "faults.first_ack_after",
        "From the start of a fault to the first ack in the last of the partitions that stalled then, or within 5 s of it; as a \
         gate, of the fault that took longest.",
    )
    .also(&["first_ack_after_s"])
    .clock("Monotonic.")
    .excludes("Faults by which no partition stalled for --stall-threshold: 0, and absent in the report.")
    .rule("Where a partition was never acked again, a gate is unevaluated."),
    figure("transactions.begun", "Transactions begun."),
    figure("transactions.committed", "Transactions committed: their events are acked."),
    figure("transactions.aborted", "Transactions aborted as planned (--txn-abort-rate)."),
    figure("transactions.failed", "Transactions that had to be aborted against the plan, since events of them were not delivered.")
        .rule("The gate no_forced_aborts fails above 0; transactions.failed_by says by which errors."),
    figure("transactions.failed_events", "Events that were aborted with transactions that had to be.").also(&["failed_events"]),
    figure("transactions.unknown", "Transactions of which it is not known how they ended: their events have no answer."),
    figure("transactions.waited", "Time in which lanes waited at the ends of transactions, summed over lanes.")
        .also(&["waited_s"]),
    figure("client.retries", "Requests that the Kafka client sent again.").also(&["retries"]),
    figure("client.timeouts", "Requests that the Kafka client had no answer to in time.").also(&["timeouts"]),
    figure("client.most_queued", "The most messages that waited in the clients at once, looked at every tenth of a second.")
        .also(&["most_queued"]),
    figure("client.parts.slip", "The part of the mean latency from due to sent."),
    figure("client.parts.client_queue", "The part of the mean latency from sent to put into a request."),
    figure("client.parts.network_and_broker", "The rest of the mean service time: socket, network, broker, and the way back."),
    figure(
        "client.parts.fetch_and_deliver",
        "The part of the mean latency from acked to seen; negative where records are read before their ack has come back.",
    ),
    figure("client.queue", "From accepted by the client to put into a request, by message: linger.ms, batching and room.")
        .clock(WINDOWED),
    figure("client.socket", "From put into a request to written to the socket, by request.").clock(WINDOWED),
    figure("client.round_trip", "From written to the socket to answered, by request of any kind: network and broker.")
        .clock(WINDOWED),
    figure("client.throttle", "How long brokers told the client to hold back (quotas), by answer.").clock(WINDOWED),
    figure("client.batch_bytes", "Bytes of a batch, its header included.").clock(WINDOWED),
    figure("client.batch_messages", "Messages of a batch.").clock(WINDOWED),
    figure("worst_p99", "The 99 % quantile of the worst tenth of a second: those of several windows do not add up."),
    figure("group.rebalances", "How often the reading group was rebalanced.").also(&["rebalance_count"]),
    figure("group.rebalance_longest", "The longest rebalance.").also(&["rebalance_longest_s"]).clock("Monotonic."),
    figure("group.rebalance_total", "The lengths of all rebalances.").also(&["rebalance_total_s"]).clock("Monotonic."),
    figure("lag.at_end", "Records that the watched group (--lag-group) was behind at the end."),
    figure("lag.highest", "The most records that the watched group (--lag-group) was behind."),
    figure("alerts.raised", "How often a gate that was broken raised the alert; sent, failed and dropped sum to it."),
    figure("alerts.sent", "Raised alerts that were told and taken, at once or when they were told again."),
    figure("alerts.failed", "Raised alerts that were tried and never taken: refused, or not answered within their deadline."),
    figure("alerts.dropped", "Raised alerts that were never tried: too many waited before them, or time was up."),
    figure("alerts.repeated", "How often an alert that lasted was told again (resend), and once at the end."),
    figure("alerts.resolved", "Raised alerts that were over before the run was, since their gate was met again.")
        .excludes("Gates that became unevaluated: what is not known is not good."),
    figure("alerts.resolved_sent", "Resolved alerts whose end was told and taken."),
    figure("payload.mean", "Key and body of an event, on average.").also(&["mean_bytes"]),
    figure("payload.compressed_ratio", "Compressed size of the first 1,000 events, 16 MiB at most, divided by their size, zstd level 1.")
        .also(&["compressed_ratio"]),
    figure("drift.drifting", "How many of the watched values rose over the run, by more than chance and by enough to matter.")
        .excludes("Runs of which fewer than ten minutes are known."),
];
