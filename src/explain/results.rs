//! What becomes of results that are expected downstream.

use super::definition::{Definition, Sort};

const fn result(name: &'static str, definition: &'static str) -> Definition {
    Definition::new(Sort::Result, name, definition)
}

const FEW: &str = "Unevaluated with fewer than 20 episodes of fraud.";

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
    result("too_late", "Events that came too late to their windows and had to be dropped, by the order of the input log; once for each window.")
        .excludes("Events behind a repartition of which nobody knows whether they did."),
    result("detected", "Fraudulent events with one score, which reached the threshold.").also(&["episodes_detected"]),
    result("missed", "Fraudulent events with one score, which did not reach the threshold."),
    result("false_alarm", "Honest events with one score, which reached the threshold."),
    result("quiet", "Honest events with one score, which did not reach the threshold."),
    result("not_written", "Events of the schedule that the input log does not hold, so that nobody could score them.")
        .rule("The ledger says what became of them."),
    result("fraudulent", "Fraudulent events that were judged, those without a score among them.").also(&["episodes"]),
    result("skewed", "Events of which a scorer looked at something else than the log gives (training and serving skew).")
        .excludes("Scores whose records do not say what was looked at."),
    result("precision", "The share of alarms that are right: fraudulent events among those whose score reached the threshold.")
        .rule(FEW),
    result("recall", "The share of fraudulent events whose score reached the threshold; one without a score did not.").rule(FEW),
    result("recall_within", "The share of fraudulent events that reached the threshold within the time that `within` says, from their due times on.")
        .rule(FEW),
    result("f1", "The harmonic mean of precision and recall.").rule(FEW),
    result("auc_pr", "The area under precision over recall, by steps: average precision, as scikit-learn has it.").rule(FEW),
    result("precision_at_k", "Of the k highest scores the share that belong to fraudulent events.").rule(FEW),
    result("recall_at_1_percent", "The largest recall at which at most 1 % of the honest events are called fraudulent.").rule(FEW),
    result("detection", "From the due time of an episode's first event to the sight of the first score of it that reached the threshold.")
        .excludes("Event times that are not this run's. An episode that is not found counts as the time it was waited for.")
        .clock("Wall."),
    result("latency", "From the end of a window, or the due time of an event, to the sight of its result; grace is part of it.")
        .excludes("Results that are updated, and event times that are not this run's. A result that is missing counts as the time it was waited for.")
        .clock("Wall."),
];
