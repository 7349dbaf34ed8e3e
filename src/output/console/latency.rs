//! The latencies: one row each, in one unit, their decimal points below each other.

use unicode_width::UnicodeWidthStr;

use super::page::{Ink, Page, WIDTH, left, right};
use crate::output::latencies::{Unit, linger, notes, quantiles, rows};
use crate::report::RunReport;

/// The part of a figure before the point, and the part from the point on.
type Cell = (String, String);

const HEADS: [&str; 6] = ["p50", "p90", "p99", "p99.9", "p99.99", "max"];

/// The table of the latencies and what must be known to read it.
pub(super) fn table(page: &mut Page, report: &RunReport) {
    let rows = rows(report, false);
    let unit = Unit::of(&rows);
    let cells: Vec<[Cell; 6]> =
        rows.iter().map(|row| quantiles(row.summary).map(|value| unit.cell(value, row.summary))).collect();
    let names: Vec<String> =
        rows.iter().map(|row| if row.part { format!(" {}", row.name) } else { row.name.to_owned() }).collect();
    let name_width = names.iter().map(String::len).max().unwrap_or(0) + 1;
    let span_width = rows.iter().map(|row| row.span.width()).max().unwrap_or(0);
    let columns: Vec<Column> = (0..HEADS.len()).map(|column| Column::of(&cells, column)).collect();
    let label = format!("latency ({})", unit.name);
    let mut head = " ".repeat((2 + name_width + span_width).saturating_sub(label.len()));
    head.extend(HEADS.iter().zip(&columns).map(|(text, column)| right(text, column.width())));
    page.head(&label, &head);
    for ((row, name), cells) in rows.iter().zip(&names).zip(&cells) {
        let figures: String = cells.iter().zip(&columns).map(|(cell, column)| column.show(cell)).collect();
        let line = format!("   {}{}{figures}", left(name, name_width), left(row.span, span_width));
        let remark = if row.key == "service_time" { linger(report) } else { String::new() };
        let line = line.trim_end();
        if line.width() + 3 + remark.width() <= WIDTH {
            page.line(&format!("{line}   {remark}"), Ink::Plain);
        } else {
            page.line(line, Ink::Plain);
            page.paragraph(3 + name_width, &remark, Ink::Plain);
        }
    }
    for note in notes(report, &rows) {
        page.paragraph(3, &note, Ink::Plain);
    }
}

/// Characters of a column: of the gap at its left, before the point, and from the point on.
struct Column {
    gap: usize,
    whole: usize,
    fraction: usize,
}

impl Column {
    fn of(cells: &[[Cell; 6]], column: usize) -> Self {
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
