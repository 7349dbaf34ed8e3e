//! What people read of a run: the summary at the terminal and report.html, made of modelled runs.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod console;
pub(crate) mod fixture;
mod html;
mod why;

use loadgen::report::RunReport;

#[test]
fn the_modelled_reports_agree_with_themselves() {
    for (name, report) in fixture::all() {
        assert!(report.ledger.sums(), "{name}: the ledger sums to the schedule");
        assert_eq!(report.offered.scheduled, report.ledger.scheduled, "{name}");
        let column = |of: fn(&loadgen::report::TimelineRow) -> u64| report.timeline.iter().map(of).sum::<u64>();
        assert_eq!(column(|row| row.scheduled), report.ledger.scheduled, "{name}: the timeline sums to the schedule");
        let acked: u64 = report.partitions.iter().map(|partition| partition.acked).sum();
        assert_eq!(column(|row| row.acked), acked, "{name}: partitions and timeline agree");
        let seen: u64 = report.partitions.iter().map(|partition| partition.seen).sum();
        assert_eq!(column(|row| row.seen), seen, "{name}: partitions and timeline agree");
        let text = serde_json::to_string(&report).unwrap();
        assert!(serde_json::from_str::<RunReport>(&text).unwrap() == report, "{name} survives JSON");
    }
}
