//! What came out downstream: a line for each expectation.

use super::page::{Ink, Page};
use crate::figures;
use crate::report::{ExpectReport, ScoresReport};

/// One expectation; the first has the label.
pub(super) fn row(page: &mut Page, is_first: bool, report: &ExpectReport) {
    let latency = report.latency_us.as_ref().filter(|latency| latency.count > 0);
    let latency = latency.map(|latency| {
        let time = |us: Option<u64>| us.map_or_else(|| figures::NONE.to_owned(), figures::duration_us);
        format!("; seen after p50 {}, p99 {}, max {}", time(latency.p50), time(latency.p99), time(latency.max))
    });
    let ink = match (report.violation(), report.unsaid()) {
        (Some(_), _) => Ink::Bad,
        (None, Some(_)) => Ink::Warning,
        (None, None) => Ink::Plain,
    };
    let line = format!("{}: {}{}", report.name, report.line(), latency.unwrap_or_default());
    page.row_inked(if is_first { "results" } else { "" }, &line, ink);
    for line in report.scores.iter().flat_map(ScoresReport::lines) {
        page.row("", &line);
    }
}
