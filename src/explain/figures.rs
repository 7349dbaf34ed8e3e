//! The other numbers of a report.

use super::definition::{Definition, Sort};

const fn figure(name: &'static str, definition: &'static str) -> Definition {
    Definition::new(Sort::Figure, name, definition)
}

const INTERVAL: &str = "Monotonic; a row covers about one second of the run.";

pub(super) const DEFINITIONS: &[Definition] = &[
    figure("offered.achieved", "The rate at which events were handed to the client, in percent of the planned rate.")
        .also(&["achieved_percent"])
        .clock("Monotonic, from the first due time to the last send.")
        .rule("Below 99 % the gate generator_kept_rate fails, unless lanes waited for the cluster."),
    figure("offered.rate", "The planned rate: events scheduled over the planned time.").also(&["rate_per_s"])
        .excludes("Runs without a plan in time (rate unlimited)."),
    figure("offered.achieved_rate", "Events handed to the client per second, from the first due time to the last send.")
        .also(&["achieved_rate_per_s"]),
    figure("offered.bytes", "Bytes of keys and bodies handed to the client.").excludes("Kafka's framing; before compression."),
    figure("offered.client_blocked", "Time in which a lane was kept waiting for room in the client's queue, summed over lanes.")
        .also(&["client_blocked_s"]),
    figure("offered.capped", "Time in which lanes were kept waiting by the ceiling (--max-rate), summed over lanes.")
        .also(&["capped_s"]),
    figure(
        "offered.flow_control",
        "Time in which lanes held back because the verifier lagged and the embedded broker keeps little, summed over lanes.",
    )
    .also(&["flow_control_s"]),
    figure("partitions.skew", "Events acked in the fullest partition over the mean of all partitions of its topic: 1 is even.")
        .rule("Needs 10 acked events per partition, else it is chance and a gate on it is unevaluated."),
    figure("partitions.longest_ack_gap", "The longest time between two acks of a partition while events were outstanding in it.")
        .also(&["longest_ack_gap_us"])
        .clock("Monotonic."),
    figure("partitions.longest_read_gap", "The longest time between two reads of a partition while acked events were unread in it.")
        .also(&["longest_read_gap_us"])
        .clock("Monotonic."),
    figure(
        "availability.ack_stalls",
        "Times in which a partition gave no ack for --stall-threshold (1 s) or longer although events were waiting for one.",
    )
    .also(&["ack_stalls", "stall"])
    .clock("Monotonic.")
    .excludes("Silence with nothing outstanding: with no events due there is no stall.")
    .rule(
        "Of lanes that wait for the same partition at the same time one stall is counted; of processes that were merged, the times in \
         which all that use the partition waited in vain.",
    ),
    figure("availability.longest_ack_stall", "The longest of these; 0 where there is none.").clock("Monotonic."),
    figure(
        "availability.read_stalls",
        "Times in which a partition was not read for --stall-threshold (1 s) or longer although acked events were unread in it.",
    )
    .also(&["read_stalls"])
    .clock("Monotonic."),
    figure("availability.longest_read_stall", "The longest of these; 0 where there is none.").clock("Monotonic."),
    figure("partitions.sent", "Events handed to the client, summed over partitions."),
    figure("partitions.acked", "Events acked, summed over partitions."),
    figure("partitions.seen", "First sightings, summed over partitions."),
    figure("timeline", "One row a second: rates, backlog and latencies of the events acked or seen in it.")
        .clock(INTERVAL)
        .rule("Gates take the largest, the mean or the smallest of its seconds, also where a long run has rows of a minute: timeline.response_p99.max < 1s."),
    figure("timeline.scheduled", "Events that came due in a second.").clock(INTERVAL),
    figure("timeline.sent", "Events handed to the client in a second.").clock(INTERVAL),
    figure("timeline.acked", "Events acked in a second.").clock(INTERVAL),
    figure("timeline.seen", "First sightings in a second.").clock(INTERVAL),
    figure("timeline.failed", "Events refused, or given up without an answer, in a second.").clock(INTERVAL),
    figure("timeline.refused", "Of these, events that were refused: that is an answer, too.").clock(INTERVAL),
    figure("timeline.outstanding", "Events sent and without an answer at the end of a second.").clock(INTERVAL),
    figure("timeline.backlog", "Events due and without a final answer, sent or not: the mean over a second.")
        .clock(INTERVAL)
        .excludes("Runs without due times: with an unlimited rate nothing is ever due."),
    figure("timeline.unread", "Events acked and not yet seen at the end of a second: the verifier's lag. Null where nothing reads, or where it is not known.").clock(INTERVAL),
    figure("timeline.group_lag", "Records that the watched group (--lag-group) was behind at the end of a second. Null where it has committed nothing in a partition with records, or nobody answered.")
        .clock(INTERVAL),
    figure("timeline.response_p50", "Median response time of the events acked in a second.").clock(INTERVAL),
    figure("timeline.response_p90", "90 % quantile of the response time of the events acked in a second.").clock(INTERVAL),
    figure("timeline.response_p99", "99 % quantile of the response time of the events acked in a second.")
        .clock(INTERVAL)
        .excludes("Events that were never answered are in no row: with any of them the value is a lower bound."),
    figure("timeline.response_max", "Largest response time of the events acked in a second.").clock(INTERVAL),
    figure("timeline.service_p99", "99 % quantile of the service time of the events acked in a second.").clock(INTERVAL),
    figure("timeline.end_to_end_p90", "90 % quantile of the end-to-end time of the events seen in a second.").clock(INTERVAL),
    figure("timeline.end_to_end_p99", "99 % quantile of the end-to-end time of the events seen in a second.").clock(INTERVAL),
    figure("timeline.slip_p90", "90 % quantile of the slip of the events sent in a second.").clock(INTERVAL),
    figure("timeline.slip_p99", "99 % quantile of the slip of the events sent in a second.").clock(INTERVAL),
    figure("timeline.lateness_p99", "99 % quantile of the lateness of the events sent in a second.").clock(INTERVAL),
    figure("timeline.capped_p99", "99 % quantile of the part of slip that the ceiling took, of the events sent in a second.")
        .clock(INTERVAL),
    figure("timeline.cpu", "Processor time of this process in a second, all threads.").clock("Processor time."),
    figure("timeline.rss", "Resident memory of this process at the end of a second."),
    figure("share", "An event type's share of all events sent, in percent.").also(&["share_percent"]),
    figure("replay.rows", "Rows read from the recorded file."),
    figure("replay.bad_rows", "Rows that are no events and were left out with --bad-rows skip."),
    figure("replay.bad_property_rows", "Rows of item properties that cannot be used and were left out with --bad-rows skip."),
    figure("replay.gaps_capped", "Idle gaps that were played shorter than recorded (--max-gap)."),
    figure("replay.descents", "Neighbouring rows of the file that were not in time order."),
    figure("replay.duplicate_rows", "Rows that exactly repeat another row; they are replayed as they are."),
    figure("reading.records", "All records that loadgen verify was given, read again or not."),
    figure("reading.events", "Events with a stamp that loadgen verify saw, each once."),
    figure("reading.rate", "Records that loadgen verify was given per second.").also(&["records_per_s"]),
    figure("reading.lane_count", "Lanes whose events loadgen verify saw.").also(&["lane_count"]),
    figure("reading.missing", "Sequences between the first and the last seen of each lane that were not seen by loadgen verify.")
        .also(&["missing"])
        .excludes(
            "What was due less than 10 s before the end, and what may lie in a part of a partition that was not read: open.",
        )
        .rule("Missing is not lost: undecided (exit code 4), until --producer-report tells what was acked."),
    figure("reading.damaged", "Events of the run whose content does not match their stamp; known only with the run's id.")
        .rule("Violation (exit code 3)."),
    figure("reading.below_start", "Sequences in between that may lie below where reading began in a partition: not read, and not judged."),
    figure("reading.awaited", "Records of those asked for with --num-records that did not come; 0 where all came or none were asked for."),
    figure(
        "reading.other_layout",
        "Events whose ids have the layout of an earlier loadgen. Their lanes and sequences are not judged; they count as foreign.",
    ),
    figure("reading.open", "Sequences in between of which nothing can be said yet: perhaps on their way, or where was not read.")
        .also(&["open"]),
    figure("reading.untimed", "Events that were due before loadgen verify stood ready: seen, and not in end_to_end.")
        .also(&["untimed"]),
    figure("reading.forgotten", "Events of which it is no longer known whether they had been seen before: so much is missing.")
        .also(&["forgotten"])
        .rule("Undecided (exit code 4)."),
    figure("reading.untracked", "Events of lanes beyond the 16,384 that loadgen verify follows.").also(&["untracked"]),
    figure("reading.lag", "Records between the reader's positions and the high watermarks of its partitions at the end; not known where it has none."),
    figure(
        "reading.hidden",
        "Offsets between the last stable offset and the high watermark: an open transaction hides them from a reader of committed records.",
    )
    .also(&["hidden"])
    .rule("Undecided (exit code 4)."),
    figure("reading.cut_off", "Offsets that were cut off a log after they had been read: what was written there anew was not read.")
        .also(&["cut_off"])
        .rule("Undecided (exit code 4)."),
    figure("reading.skipped", "Offsets that went out of the log before loadgen verify had read them."),
    figure("measured_s", "From the schedule's start to the last event sent, in seconds.").clock("Monotonic."),
    figure("warm_up_s", "The time of the phases with warm_up = true, in seconds.")
        .rule(
            "Their events are in the ledger and in the findings, but not in the latencies and rates of the run, and no gate \
             looks at their seconds. Each phase reports its own.",
        ),
    figure("run.wall_clock_drift", "How far the wall clock moved against the monotonic clock during the run, either way.")
        .also(&["wall_clock_drift_us"]),
];
