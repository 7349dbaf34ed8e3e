//! The parts of a run that gates can be about.

use super::definition::{Definition, Sort};

pub(super) const DEFINITIONS: &[Definition] = &[
    Definition::new(
        Sort::Part,
        "phase",
        "One phase of the plan, by its name: phase.peak.response_time.p99. Each phase has its own ledger and histograms.",
    ),
    Definition::new(Sort::Part, "by_type", "The events of one type: by_type.view.response_time.p99.")
        .excludes("Slip and service time, which are not kept by type."),
    Definition::new(Sort::Part, "topic", "The partitions of one topic: topic.raw-events.partitions.skew."),
    Definition::new(Sort::Part, "expect", "What must come out downstream, by its name: expect.by-type.wrong == 0.")
        .rule("The classes of its results sum to expect.NAME.expected; unexpected, superseded and unreadable are records beside them, too_late are events."),
    Definition::new(Sort::Part, "partitions", "All partitions written to: partitions.skew."),
    Definition::new(Sort::Part, "offered", "What the schedule asked for and what was sent: offered.achieved."),
    Definition::new(Sort::Part, "availability", "The stalls of partitions: availability.longest_ack_stall < 5s."),
    Definition::new(
        Sort::Part,
        "replay",
        "What was replayed: replay.bad_rows. Unevaluated in a run that replays nothing.",
    ),
];
