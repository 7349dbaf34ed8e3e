//! The latencies: one row each, in one unit, their decimal points below each other.

use unicode_width::UnicodeWidthStr;

use super::page::{Ink, Page, left, right};
use crate::figures;
use crate::output::latencies::{Unit, linger, notes, quantiles, rows};
use crate::report::RunReport;
use crate::width::FULL;

/// The part of a figure before the point, and the part from the point on.
type Cell = (String, String);

/// Those of a latency.
type Cells = [Cell; 7];

const HEADS: [&str; 7] = ["p50", "p90", P95, "p99", "p99.9", "p99.99", "max"];

/// Only shown where a gate names it.
const P95: &str = "p95";

/// What goes first where columns are few: p99.99, p99.9, p90.
const EXPENDABLE: [usize; 3] = [5, 4, 1];

/// The table of the latencies and what must be known to read it.
pub(super) fn table(page: &mut Page, report: &RunReport) {
    let rows = rows(report, false);
    let unit = Unit::of(&rows);
    let cells: Vec<Cells> =
        rows.iter().map(|row| quantiles(row.summary).map(|value| unit.cell(value, row.summary))).collect();
    let names: Vec<String> =
        rows.iter().map(|row| if row.part { format!(" {}", row.name) } else { row.name.to_owned() }).collect();
    let name_width = names.iter().map(String::len).max().unwrap_or(0) + 1;
    let span_width = rows.iter().map(|row| row.span.width()).max().unwrap_or(0);
    let columns: Vec<Column> = (0..HEADS.len()).map(|column| Column::of(&cells, column)).collect();
    let gated = report.gates.iter().any(|gate| gate.rule.contains(".p95 "));
    let known: Vec<usize> = (0..HEADS.len()).filter(|column| gated || HEADS[*column] != P95).collect();
    let shown = shown(&known, &cells, &columns, page.columns, 3 + name_width + span_width);
    let label = format!("latency ({})", unit.name);
    let mut head = " ".repeat((2 + name_width + span_width).saturating_sub(label.len()));
    head.extend(shown.iter().map(|column| right(HEADS[*column], columns[*column].width())));
    page.head(&label, &head);
    for ((row, name), cells) in rows.iter().zip(&names).zip(&cells) {
        let figures: String = shown.iter().map(|column| columns[*column].show(&cells[*column])).collect();
        let line = format!("   {}{}{figures}", left(name, name_width), left(row.span, span_width));
        let remark = if row.key == "service_time" { linger(report) } else { String::new() };
        let line = line.trim_end();
        if line.width() + 3 + remark.width() <= page.columns {
            page.line(&format!("{line}   {remark}"), Ink::Plain);
        } else {
            page.line(line, Ink::Plain);
            if !remark.is_empty() {
                page.paragraph(3 + name_width, &remark, Ink::Plain);
            }
        }
    }
    let is_empty = |column: &usize| cells.iter().all(|row| row[*column].0 == figures::NONE);
    let hidden: Vec<&str> = known
        .into_iter()
        .filter(|column| !shown.contains(column) && is_empty(column))
        .map(|column| HEADS[column])
        .collect();
    if !hidden.is_empty() {
        page.paragraph(3, &format!("no {}: fewer than 10 samples beyond", hidden.join(", ")), Ink::Plain);
    }
    let has_gap = cells.iter().any(|row| shown.iter().any(|column| row[*column].0 == figures::NONE));
    for note in notes(report, &rows).iter().filter(|note| has_gap || !note.starts_with(figures::NONE)) {
        page.paragraph(3, note, Ink::Plain);
    }
}

/// The columns that there is room for behind so many others: where there are fewer than 100 altogether, none that is empty,
/// and then as many of the outer quantiles as fit.
fn shown(known: &[usize], cells: &[Cells], columns: &[Column], room: usize, before: usize) -> Vec<usize> {
    let mut shown = known.to_vec();
    if room < FULL {
        shown.retain(|column| cells.iter().any(|row| row[*column].0 != figures::NONE));
    }
    for gone in EXPENDABLE {
        if before + shown.iter().map(|column| columns[*column].width()).sum::<usize>() > room {
            shown.retain(|column| *column != gone);
        }
    }
    shown
}

/// Characters of a column: of the gap at its left, before the point, and from the point on.
struct Column {
    gap: usize,
    whole: usize,
    fraction: usize,
}

impl Column {
    fn of(cells: &[Cells], column: usize) -> Self {
        let fraction = cells.iter().map(|row| row[column].1.len()).max().unwrap_or(0);
        let whole = cells.iter().map(|row| row[column].0.len()).max().unwrap_or(0);
        let whole = whole.max(HEADS[column].len().saturating_sub(fraction));
        Self { gap: 9_usize.saturating_sub(whole + fraction).max(1), whole, fraction }
    }

    const fn width(&self) -> usize {
        self.gap + self.whole + self.fraction
    }

    fn show(&self, (whole, fraction): &Cell) -> String {
        right(whole, self.gap + self.whole) + &left(fraction, self.fraction)
    }
}
