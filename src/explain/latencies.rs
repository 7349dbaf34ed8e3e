//! The latencies and their numbers.

use super::definition::{Definition, Sort};

const fn latency(name: &'static str, definition: &'static str) -> Definition {
    Definition::new(Sort::Latency, name, definition)
}

const fn statistic(name: &'static str, definition: &'static str) -> Definition {
    Definition::new(Sort::Statistic, name, definition)
}

const MONOTONIC: &str = "Monotonic, within this process, in us; HdrHistogram with three significant digits.";

pub(super) const DEFINITIONS: &[Definition] = &[
    latency("slip", "From due to sent: how late an event was handed to the client. Slip = lateness + blocked + capped.")
        .clock(MONOTONIC)
        .excludes("Runs at rate unlimited: their events have no due time."),
    latency("lateness", "The generator's own part of slip: it woke late, was still encoding, or its lane was busy.")
        .clock(MONOTONIC)
        .excludes("Waiting for room in the client's queue (blocked) and for the ceiling (capped).")
        .rule("The generator's health is judged by this alone: the gate generator_on_time."),
    latency("blocked", "The part of slip spent waiting for room in the client's queue, or for a transaction to end.")
        .clock(MONOTONIC)
        .rule("The cluster's back-pressure while acks come slowly; the generator's limit only if they came promptly."),
    latency("capped", "The part of slip for which the ceiling (--max-rate) let nothing through. Absent without a ceiling.")
        .clock(MONOTONIC)
        .rule("Nobody's fault: neither the generator's nor the cluster's. More was due than the ceiling allows."),
    latency("service_time", "From sent to acked: what the client and the broker took, the client's queue and linger included.")
        .clock(MONOTONIC)
        .excludes("The wait of events that could not be sent on time: a stall looks shorter than it was. See response_time."),
    latency(
        "response_time",
        "From due to acked: what a caller that never waits would feel. Free of coordinated omission: an event that had to wait \
         for a stall counts its wait.",
    )
    .clock(MONOTONIC)
    .excludes("Nothing: an event without an answer is in it as at least the time it was waited for (censored). At rate \
               unlimited it equals service_time."),
    latency("end_to_end", "From due to seen: until the verifier had read the event.")
        .clock("Monotonic within one process; wall clock anchored to it where the verifier is another process.")
        .excludes("Nothing: an acked event that was not seen is in it as censored. Not measured without a verifier."),
    latency(
        "commit_time",
        "From due to committed, of each event in a transaction: from when on a reader of committed records could have it.",
    )
    .clock(MONOTONIC)
    .excludes("Events of aborted transactions. Those whose transaction's end is not known are in it as censored."),
    latency("commit_call", "From asking for the commit of a transaction to its confirmation, one sample a transaction.")
        .clock(MONOTONIC)
        .excludes("The wait for the delivery of its events, which comes before; commits that were not confirmed."),
    statistic("count", "Samples, the censored ones included.").also(&["samples"]),
    statistic("min", "The smallest sample."),
    statistic("mean", "The mean of the samples; with events that were never answered at best a lower bound."),
    statistic("quantile", "The value that the given share of the samples does not exceed: p99 is 99 %, p999 is 99.9 %.")
        .also(&["p50", "p90", "p95", "p99", "p999", "p9999", "p99.9", "p99.99"])
        .rule("It exists only with at least 10 samples beyond it: p50 needs 20, p99 1,000, p999 10,000, p9999 100,000. A gate \
               on one that does not exist is unevaluated."),
    statistic("max", "The largest sample.").excludes("Nothing, outliers are not cut."),
    statistic("saturated", "Samples above the histogram's range, recorded at its end.")
        .rule("Above 0 the gate histograms_in_range fails: the run is invalid, its upper quantiles are too small."),
    statistic("censored", "Events that were never answered or never seen, recorded as at least the time they were waited for.")
        .rule("A quantile among them is a lower bound: a gate with < fails where even the bound breaks it, and is else \
               unevaluated."),
    statistic("censored_from", "The smallest censored sample: quantiles from it on are lower bounds."),
    statistic(
        "clock_bound_us",
        "How far each value may be from the true one, where it lies between the clocks of two machines (--fleet-topic).",
    ),
];
