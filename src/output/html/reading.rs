//! What a verifier alone read, for the page.

use serde::Serialize;

use crate::figures::{self, count, counted, rate};
use crate::output::console::clocks;
use crate::report::RunReport;
use crate::report::reading::Reading;

/// Lanes in the table, at most.
const LANES: usize = 100;

#[derive(Serialize)]
pub(super) struct ReadingView {
    lead: String,
    facts: Vec<(&'static str, String)>,
    lanes: Vec<LaneView>,
    clocks: String,
}

#[derive(Serialize)]
struct LaneView {
    name: String,
    first: String,
    last: String,
    seen: String,
    missing: String,
    due: String,
}

pub(super) fn view(report: &RunReport, reading: &Reading) -> ReadingView {
    let known = |number: Option<u64>| number.map_or_else(|| figures::NONE.to_owned(), count);
    let lane = |lane: &crate::report::reading::LaneReading| LaneView {
        name: format!("tag {} lane {}", lane.tag, lane.lane),
        first: count(lane.first),
        last: count(lane.last),
        seen: count(lane.seen),
        missing: known(lane.missing),
        due: format!("{} … {}", lane.first_due, lane.last_due),
    };
    let mut facts = vec![
        ("records", count(reading.records)),
        ("rate", reading.records_per_s.map_or_else(|| figures::NONE.to_owned(), rate)),
        ("began at", reading.from.clone()),
        ("ended", reading.ended_by.clone()),
        ("lag at the end", known(reading.lag)),
        ("missing", known(reading.missing)),
        ("perhaps still on their way", count(reading.open)),
        ("corrupt", known(reading.damaged)),
        ("gone before they were read", count(reading.skipped)),
    ];
    facts.extend(reading.awaited.map(|awaited| ("still awaited", count(awaited))));
    facts.extend(reading.missing_unknown.iter().map(|why| ("why missing is not known", why.clone())));
    ReadingView {
        lead: format!(
            "Seen, each once: {} of {}.",
            counted(reading.events, "event"),
            counted(reading.lane_count, "lane")
        ),
        facts,
        lanes: reading.lanes.iter().take(LANES).map(lane).collect(),
        clocks: clocks(report, reading),
    }
}
