//! What becomes of results that are expected downstream.

use super::definition::{Definition, Sort};

const fn result(name: &'static str, definition: &'static str) -> Definition {
    Definition::new(Sort::Result, name, definition)
}

pub(super) const DEFINITIONS: &[Definition] = &[
    result("expected", "Results that the input log asks for, by key and window or for each event: the sum of their classes.")
        .excludes("Results of windows in which no event of this run lies."),
    result("right", "Results as the input log has them."),
    result("wrong", "Results with another value than the input log asks for.")
        .rule("The gate expectations_met fails: exit code 3."),
    result("missing", "Results that were due and were not seen within --expect-deadline of the end of the input.")
        .rule("The gate expectations_met fails: exit code 3."),
    result("twice", "Results written more than once where each is to be written once.")
        .rule("The gate expectations_met fails: exit code 3."),
    result("late", "Results without events that may have come too late behind a repartition: as small as the log allows, not smaller.")
        .rule("Allowed, and noted; `apart` says how far partitions may lie apart."),
    result("accepted_late", "Results with events that had to be dropped: a task of Kafka Streams that is restarted forgets its stream time.")
        .rule("Allowed, and noted."),
    result("open", "Results that are not due: only a later event would close their window.").rule("Allowed, and told."),
    result("undecided", "Results of which nobody knows what they had to be: the input was not read to its end.")
        .rule("The gate expectations_met is unevaluated: exit code 4."),
    result("unexpected", "Records of an output that nothing in the input log asks for.")
        .rule("The gate expectations_met fails: exit code 3."),
    result("superseded", "Records of an output that a later one for the same result took the place of."),
    result("unreadable", "Records of an output in which key, window or value was not found."),
    result("latency", "From the end of a window, or the due time of an event, to the sight of its result; grace is part of it.")
        .excludes("Results that are updated, and event times that are not this run's. A result that is missing counts as the time it was waited for.")
        .clock("Wall."),
];
