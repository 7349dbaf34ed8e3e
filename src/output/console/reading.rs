//! What a verifier alone read: how much, from whom, and what is missing in between.

use super::ledger::{examples, findings};
use super::page::{Ink, Page, unbroken};
use crate::figures;
use crate::report::RunReport;
use crate::report::reading::{LaneReading, Reading};

/// Lanes told one by one, at most; the report holds more.
const LANES: usize = 8;

/// What was read, as facts beside a label.
pub(super) fn read(reading: &Reading) -> Vec<String> {
    let mut parts = vec![
        format!("{} from {}", figures::counted(reading.records, "record"), reading.from),
        reading.records_per_s.map_or_else(|| "no rate".to_owned(), figures::rate),
        format!("ended: {}", reading.ended_by),
        reading.lag.map_or_else(|| "lag not known".to_owned(), |lag| format!("lag {}", figures::count(lag))),
    ];
    if let Some(awaited) = reading.awaited {
        let all_read = if reading.lag == Some(0) { "all is read, " } else { "" };
        parts.push(format!("{all_read}{} more awaited", figures::counted(awaited, "record")));
    }
    if reading.hidden > 0 {
        parts.push(format!("{} hidden by an open transaction", figures::counted(reading.hidden, "offset")));
    }
    if reading.skipped > 0 {
        parts.push(format!("{} gone before they were read", figures::counted(reading.skipped, "offset")));
    }
    parts
}

/// The accounts of the lanes and what was found in them.
pub(super) fn account(page: &mut Page, report: &RunReport, reading: &Reading) {
    let judged = if reading.content == "keyed" {
        "content checked by the run's id"
    } else {
        "content judged by the schema only: --run-id checks the stamps"
    };
    let missing = match (reading.missing, &reading.missing_unknown) {
        (Some(missing), _) => format!("missing {}", figures::count(missing)),
        (None, Some(why)) => format!("missing not known ({why})"),
        (None, None) => "missing not known".to_owned(),
    };
    let events = figures::counted(reading.events, "event");
    let lanes = figures::counted(reading.lane_count, "lane");
    let mut parts = vec![format!("{events} of {lanes}"), missing, judged.to_owned()];
    if reading.open > 0 {
        parts.insert(2, format!("{} perhaps still on their way", figures::count(reading.open)));
    }
    if reading.below_start > 0 {
        parts.push(format!("{} below where reading began, not judged", figures::count(reading.below_start)));
    }
    if reading.other_layout > 0 {
        let events = figures::counted(reading.other_layout, "event");
        parts.push(format!("{events} with ids of an earlier loadgen's layout, not judged"));
    }
    if let Some(damaged) = reading.damaged {
        parts.push(format!("corrupt {}", figures::count(damaged)));
    }
    let bounds =
        [(reading.untracked, "of lanes too many to follow"), (reading.forgotten, "too old to be told from copies")];
    parts.extend(
        bounds
            .into_iter()
            .filter(|(events, _)| *events > 0)
            .map(|(events, why)| format!("{} {why}", figures::count(events))),
    );
    page.list("sequences", &parts);
    for lane in reading.lanes.iter().take(LANES) {
        page.paragraph(3, &unbroken(&line_of(lane)), Ink::Plain);
    }
    if reading.lane_count > LANES as u64 {
        let more = figures::count(reading.lane_count - LANES as u64);
        page.line(&format!("   … {more} more lanes in the report"), Ink::Plain);
    }
    page.list("found", &findings(&report.findings));
    examples(page, &report.findings);
}

fn line_of(lane: &LaneReading) -> Vec<String> {
    let missing = lane
        .missing
        .map_or_else(|| "missing not known".to_owned(), |missing| format!("missing {}", figures::count(missing)));
    vec![
        format!("tag {} lane {}", lane.tag, lane.lane),
        format!("sequences {} … {}", figures::count(lane.first), figures::count(lane.last)),
        format!("seen {}", figures::count(lane.seen)),
        missing,
        format!("due {} … {}", lane.first_due, lane.last_due),
    ]
}

/// What the end-to-end time of a reading alone is, and is not.
pub(in crate::output) fn clocks(report: &RunReport, reading: &Reading) -> String {
    let untimed = if reading.untimed > 0 {
        format!(
            "; {} were due before the reader stood ready and are not in it",
            figures::counted(reading.untimed, "event")
        )
    } else {
        String::new()
    };
    let is_measured = report.latency_us.end_to_end.is_some_and(|seen| seen.clock_bound_us.is_some());
    if is_measured {
        return format!("end-to-end is by the broker's clock, against which both machines' were measured{untimed}");
    }
    format!("end-to-end is by the wall clocks of two processes: between hosts it is as good as these agree{untimed}")
}
