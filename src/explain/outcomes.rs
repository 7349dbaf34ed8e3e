//! How gates and runs end: results, built-in gates, exit codes.

use super::definition::{Definition, Sort};

const fn result(name: &'static str, definition: &'static str) -> Definition {
    Definition::new(Sort::GateResult, name, definition)
}

const fn built_in(name: &'static str, definition: &'static str) -> Definition {
    Definition::new(Sort::BuiltInGate, name, definition)
}

const fn code(name: &'static str, number: &'static [&'static str], definition: &'static str) -> Definition {
    Definition::new(Sort::ExitCode, name, definition).also(number)
}

pub(super) const DEFINITIONS: &[Definition] = &[
    result("pass", "The rule holds, and enough was measured to say so."),
    result("fail", "The rule is broken, by the value or by a lower bound of it."),
    result(
        "unevaluated",
        "Nothing can be said: no samples, too few for that quantile, a value that is only a lower bound, nothing read back, or \
         a run whose generator was the limit.",
    )
    .rule("Never a pass: exit code 4, <error> in JUnit."),
    built_in("ledger_sums", "The classes of the ledger sum to the events scheduled, in the whole run and in each phase.")
        .rule("If not, loadgen has a defect and no figure can be trusted: the run is invalid, exit code 5."),
    built_in("no_violation", "No event was lost, damaged, doubled or reordered where that must not happen, and none's fate is unknown.")
        .excludes("What the configuration allows, such as loss with acks=1: that is noted.")
        .rule("Fails with exit code 3, unevaluated (undecided classes) with 4. Left out of a run that read nothing back."),
    built_in("expectations_met", "What was expected downstream came out: no result is wrong, missing, written twice or unexpected.")
        .excludes("Results that are late, accepted late or open, which are allowed and told.")
        .rule("Fails with exit code 3, unevaluated (undecided results, none due) with 4. Left out of a run that expects nothing."),
    built_in("nothing_refused", "Neither broker nor client refused an event.").rule("Fails with exit code 99."),
    built_in("no_forced_aborts", "No transaction had to be aborted against the plan (--txn-abort-rate).")
        .rule("Fails with exit code 99 and the client's reason; transactions.failed_by tells all of them. Left out of a run without \
               transactions."),
    built_in(
        "generator_healthy",
        "All of generator_on_time, generator_kept_rate, generator_had_cpu, client_queue_had_room and histograms_in_range: the \
         generator was not the limit.",
    )
    .rule("If not, the run is invalid: exit code 5, and gates on the cluster's times are unevaluated."),
    built_in("generator_on_time", "Lateness p99 is at most 5 ms; in a short run the highest quantile that exists.")
        .rule("An idle core wakes a sleeping lane within 1.5 ms; at 5 ms the generator adds more than a healthy broker takes."),
    built_in("generator_kept_rate", "At least 99 % of the planned rate was offered.")
        .excludes("A shortfall of which half or more is time that lanes waited for room in the client's queue: that is the \
                   cluster's figure."),
    built_in(
        "generator_had_cpu",
        "In at most 10 % of the seconds did this process use 95 % or more of all its processors.",
    )
    .excludes("Runs at rate unlimited, which use all they get.")
    .rule("Without idle time every event waits for a processor first, acks and reads too, which lateness does not show."),
    built_in(
        "client_queue_had_room",
        "In at most 5 % of the seconds (or one) did events wait 5 ms or more for room in the client's queue although 99 % of \
         the acks in that second came within 50 ms.",
    )
    .rule("Acks that prompt would empty a queue of the default size: it is too small for this rate, or the client too slow."),
    built_in("histograms_in_range", "No sample lay above a histogram's range.")
        .rule("Else upper quantiles are too small."),
    code("pass", &["0"], "Nothing was wrong, and enough was measured to say so."),
    code("usage", &["2"], "The command line cannot be understood."),
    code(
        "correctness_violated",
        &["3"],
        "Events were lost, damaged, doubled or reordered where that must not happen, a result downstream is wrong, or a schema is incompatible.",
    )
    .rule("Classes lost, corrupt, undelivered, contradicted, aborted_seen; findings duplicates_resent and reordered; each \
           unless the configuration allows it."),
    code(
        "unevaluated",
        &["4"],
        "A gate could not be evaluated, or the fate of some events or the verdict on a schema is not known.",
    )
    .rule("Classes unknown_unseen, unread, unattributed and unwitnessed, and duplicates_undecided, count as not known; so does a schema on which \
           the registry and loadgen disagree."),
    code("run_invalid", &["5"], "The generator was the limit: the figures say nothing about the cluster.")
        .rule("See generator_healthy and ledger_sums."),
    code(
        "cluster",
        &["6"],
        "The cluster or the schema registry could not be used: no connection, a time-out, something missing there or a missing \
         right.",
    ),
    code("bad_input", &["7"], "The input data is bad."),
    code(
        "not_written",
        &["8"],
        "What came of it could not be written: a file of the results, an export, or stdout. The run went on and was judged; \
         with nothing else wrong, this is how it ends.",
    )
    .rule("Free space, then loadgen report --recover BUNDLE. Outranked by all that was wrong with the run itself."),
    code("gate_failed", &["99"], "A gate failed."),
    code("bad_configuration", &["104"], "The configuration is invalid: nothing was sent."),
    code("interrupted", &["130"], "Stopped by the user before the end; what was sent until then is judged and reported.")
        .rule("Where several codes apply: 2, 7, 104 before 3 before 6 before 5 before 130 before 99 before 8 before 4 before 0."),
];
