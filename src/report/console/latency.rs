//! The latencies: one row each, in one unit, their decimal points below each other.

use unicode_width::UnicodeWidthStr;

use super::page::{Ink, Page, WIDTH, left, right};
use crate::report::{LatencySummary, RunReport, figures};

/// From here on the table counts in seconds, so that it fits the page.
const SECONDS_FROM_US: u64 = 100_000_000;

struct Row<'a> {
    name: &'a str,
    span: &'a str,
    summary: &'a LatencySummary,
    remark: String,
}

struct Unit {
    name: &'static str,
    us: f64,
    decimals: usize,
}

const MILLISECONDS: Unit = Unit { name: "ms", us: 1e3, decimals: 2 };
const SECONDS: Unit = Unit { name: "s", us: 1e6, decimals: 3 };

/// The part of a figure before the point, and the part from the point on.
type Cell = (String, String);

/// The table of the latencies and what must be known to read it.
pub(super) fn table(page: &mut Page, report: &RunReport) {
    let rows = rows(report);
    let largest = rows.iter().filter_map(|row| row.summary.max).max().unwrap_or(0);
    let unit = if largest >= SECONDS_FROM_US { SECONDS } else { MILLISECONDS };
    let cells: Vec<[Cell; 6]> =
        rows.iter().map(|row| quantiles(row.summary).map(|value| cell(value, row.summary, &unit))).collect();
    let heads = ["p50", "p90", "p99", "p99.9", "p99.99", "max"];
    let name_width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0) + 1;
    let span_width = rows.iter().map(|row| row.span.chars().count()).max().unwrap_or(0);
    let columns: Vec<(usize, usize, usize)> =
        (0..heads.len()).map(|column| widths(&cells, column, heads[column])).collect();
    let label = format!("latency ({})", unit.name);
    let mut head = " ".repeat((2 + name_width + span_width).saturating_sub(label.len()));
    for (text, (whole, fraction, gap)) in heads.iter().zip(&columns) {
        head.push_str(&right(text, gap + whole + fraction));
    }
    page.head(&label, &head);
    for (row, cells) in rows.iter().zip(&cells) {
        let figures: String = cells
            .iter()
            .zip(&columns)
            .map(|((before, after), (whole, fraction, gap))| right(before, gap + whole) + &left(after, *fraction))
            .collect();
        let line = format!("   {}{}{figures}", left(row.name, name_width), left(row.span, span_width));
        let line = line.trim_end();
        if line.width() + 3 + row.remark.width() <= WIDTH {
            page.line(&format!("{line}   {}", row.remark), Ink::Plain);
        } else {
            page.line(line, Ink::Plain);
            page.paragraph(3 + name_width, &row.remark, Ink::Plain);
        }
    }
    for note in notes(report, &rows) {
        page.paragraph(3, &note, Ink::Plain);
    }
}

fn rows(report: &RunReport) -> Vec<Row<'_>> {
    let latency = &report.latency_us;
    let timed = latency.slip.is_some();
    let blocked = latency.blocked.as_ref().filter(|blocked| blocked.max.is_some_and(|max| max > 0));
    let mut rows = Vec::new();
    if let Some(slip) = &latency.slip {
        rows.push(Row { name: "slip", span: "due→sent", summary: slip, remark: String::new() });
    }
    if let (Some(blocked), Some(lateness)) = (blocked, &latency.lateness) {
        rows.push(Row { name: " lateness", span: "generator", summary: lateness, remark: String::new() });
        rows.push(Row { name: " blocked", span: "queue full", summary: blocked, remark: String::new() });
    }
    rows.push(Row { name: "service", span: "sent→acked", summary: &latency.service_time, remark: linger(report) });
    rows.push(Row {
        name: "response",
        span: if timed { "due→acked" } else { "sent→acked" },
        summary: &latency.response_time,
        remark: String::new(),
    });
    if let Some(end_to_end) = &latency.end_to_end {
        rows.push(Row {
            name: "end-to-end",
            span: if timed { "due→seen" } else { "sent→seen" },
            summary: end_to_end,
            remark: String::new(),
        });
    }
    rows
}

fn linger(report: &RunReport) -> String {
    let linger = report.environment.client_config.get("linger.ms");
    linger.map_or_else(String::new, |linger| format!("linger {linger} ms"))
}

const fn quantiles(summary: &LatencySummary) -> [Option<u64>; 6] {
    [summary.p50, summary.p90, summary.p99, summary.p999, summary.p9999, summary.max]
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn cell(value: Option<u64>, summary: &LatencySummary, unit: &Unit) -> Cell {
    let Some(us) = value else { return (figures::NONE.to_owned(), String::new()) };
    let value = us as f64 / unit.us;
    let least = 0.1_f64.powi(i32::try_from(unit.decimals).unwrap_or(0));
    let (bound, shown) = match summary.censored_from {
        Some(from) if us >= from => (">=", value),
        _ if us > 0 && value < least => ("<", least),
        _ => ("", value),
    };
    let text = figures::number(shown, figures::decimals_of(shown).min(unit.decimals));
    let (whole, fraction) = text
        .split_once('.')
        .map_or_else(|| (text.clone(), String::new()), |(whole, fraction)| (whole.to_owned(), format!(".{fraction}")));
    (format!("{bound}{whole}"), fraction)
}

/// Columns before the point, from the point on, and of the gap at the left.
fn widths(cells: &[[Cell; 6]], column: usize, head: &str) -> (usize, usize, usize) {
    let fraction = cells.iter().map(|row| row[column].1.len()).max().unwrap_or(0);
    let whole = cells.iter().map(|row| row[column].0.len()).max().unwrap_or(0);
    let whole = whole.max(head.len().saturating_sub(fraction));
    let gap = 9_usize.saturating_sub(whole + fraction).max(1);
    (whole, fraction, gap)
}

fn notes(report: &RunReport, rows: &[Row]) -> Vec<String> {
    let mut notes = Vec::new();
    if report.latency_us.slip.is_none() {
        notes.push("rate unlimited: events have no due time, so response time is service time".to_owned());
    }
    if report.latency_us.end_to_end.is_none() {
        notes.push("not verified (--no-verify): end-to-end was not measured, loss would not be seen".to_owned());
    }
    if rows.iter().any(|row| quantiles(row.summary).contains(&None)) {
        notes.push(format!("{}  fewer than 10 samples beyond that quantile", figures::NONE));
    }
    let censored: Vec<_> = rows.iter().filter(|row| row.summary.censored > 0).collect();
    if !censored.is_empty() {
        let counts: Vec<_> = censored
            .iter()
            .map(|row| format!("{} of {}", figures::count(row.summary.censored), row.name.trim()))
            .collect();
        notes.push(format!(">= at least: without an answer, counted as the time waited for it: {}", counts.join(", ")));
    }
    let saturated: u64 = rows.iter().map(|row| row.summary.saturated).sum();
    if saturated > 0 {
        notes.push(format!("{} samples above the histogram's range, counted at its end", figures::count(saturated)));
    }
    notes
}
