//! The timeline: rates, latencies and backlogs by the second, drawn one below the other on the same time axis, and the
//! figures behind them for the script and for those who read tables.

mod lines;
mod span;

use serde::Serialize;

use self::lines::Line;
use self::span::{Span, seconds_each, spans, spans_of_marks};
use super::{
    chart::{Axis, Chart, ChartError, Series, Size, thinned},
    pack::packed,
    page::{FigureView, LegendView, TimelineData},
    ticks,
};
use crate::figures::{self, as_f64, count, duration_us};
use crate::output::stalls::stalls;
use crate::report::{RunReport, TimelineRow};

/// Points that the page holds at most; a longer run has rows of several seconds.
const POINTS: usize = 3_600;
/// Rows of the table behind the charts at most.
const TABLE_ROWS: usize = 60;
/// Marks that are listed at most.
const MARKS: usize = 200;
/// The part of the seconds with samples that must have a quantile for it to be drawn: else the line is in shreds.
const KNOWN: f64 = 0.9;

const WIDE: Size = Size { class: "wide", width: 1_000, height: 210, left: 62 };
const NARROW: Size = Size { class: "narrow", width: 350, height: 190, left: 52 };

/// What the page shows of the timeline.
#[derive(Serialize)]
pub(super) struct TimelineView {
    figures: Vec<FigureView>,
    /// How long one point is, where that is more than a second.
    seconds_each: Option<String>,
    marks: Vec<MarkView>,
    marks_left_out: usize,
    /// Of the columns, those that have a value.
    table_columns: Vec<&'static str>,
    table: Vec<Vec<String>>,
    table_seconds: String,
}

#[derive(Serialize)]
struct MarkView {
    at: String,
    what: String,
}

/// The charts of the timeline, and what the script needs to move them.
pub(super) fn timeline(report: &RunReport) -> Result<Option<(TimelineView, TimelineData)>, ChartError> {
    if report.timeline.is_empty() {
        return Ok(None);
    }
    let spans = spans(&report.timeline, POINTS);
    let stalls: Vec<(f64, f64)> = stalls(&report.timeline).iter().map(|stall| (stall.from_s, stall.until_s)).collect();
    let marked: Vec<&TimelineRow> = report.timeline.iter().filter(|row| !row.marks.is_empty()).collect();
    let warm_up = Some(report.run.warm_up_s).filter(|end_s| *end_s > 0.0);
    let marks: Vec<f64> = warm_up.into_iter().chain(spans_of_marks(&spans, &marked).map(Span::middle_s)).collect();
    let read_back = report.latency_us.end_to_end.is_some();
    let draw = |name, title, lines: &[Line], scale, note| {
        let lines = lines.iter().filter(|(key, _, _)| read_back || !["seen", "unread"].contains(key)).collect();
        figure(&Figure { name, title, note, lines, scale, spans: &spans, bands: &stalls, marks: &marks })
    };
    let (latencies, left_out) = latencies(&spans);
    let partial = spans.last().is_some_and(|span| span.partial);
    let rest = if partial { "without the part of a second at the end" } else { "" };
    let seconds_each = seconds_each(&spans);
    let title = if seconds_each.is_some() { "Latency" } else { "Latency by the second" };
    let figures = [
        draw("rates", "Events per second", &lines::RATES, Scale::Linear, rest)?,
        draw("latencies", title, &latencies, Scale::Latency, left_out)?,
        draw("backlogs", "Backlog and lag, events", &lines::BACKLOGS, Scale::Linear, "")?,
    ];
    let table_spans = span::spans(&report.timeline, TABLE_ROWS);
    let listed = spans_of_marks(&spans, &marked)
        .zip(&marked)
        .flat_map(|(span, row)| row.marks.iter().map(|what| (span.from_s, what)));
    let warmed = "the warm-up ends: from here on it is judged".to_owned();
    let listed = warm_up.map(|end_s| (end_s, &warmed)).into_iter().chain(listed);
    let all_marks = marked.iter().map(|row| row.marks.len()).sum::<usize>() + warm_up.iter().count();
    let rows: Vec<Vec<String>> = table_spans.iter().map(table_row).collect();
    let shown: Vec<usize> = (0..COLUMNS.len()).filter(|at| rows.iter().any(|row| row[*at] != figures::NONE)).collect();
    let view = TimelineView {
        figures: figures.into(),
        seconds_each,
        marks: listed.take(MARKS).map(|(at, what)| MarkView { at: figures::clock(at), what: what.clone() }).collect(),
        marks_left_out: all_marks.saturating_sub(MARKS),
        table_seconds: span::seconds_each(&table_spans).unwrap_or_else(|| figures::span_s(1.0)),
        table_columns: shown.iter().map(|at| COLUMNS[*at]).collect(),
        table: rows.iter().map(|row| shown.iter().map(|at| row[*at].clone()).collect()).collect(),
    };
    let data = data(&spans, &view.figures, stalls, marks);
    Ok(Some((view, data)))
}

/// The latencies of a second that can be drawn, and why others cannot: a quantile needs 10 samples beyond it, so a second
/// of few events has no p99, and one of fewer no p90.
fn latencies(spans: &[Span]) -> (Vec<Line>, &'static str) {
    let count = |has: &dyn Fn(&Span) -> bool| as_f64(spans.iter().filter(|span| has(span)).count() as u64);
    // Whether each of the lines that there are at all is known wherever there were samples.
    let known = |lines: &[Line]| {
        let sampled = |key: &str, span: &Span| match key {
            key if key.starts_with("response") => span.response_max.is_some(),
            key if key.starts_with("end_to_end") => span.seen > 0,
            _ => span.sent > 0,
        };
        let counts = lines.iter().map(|(key, _, of)| {
            (count(&|span| !span.partial && of(span).is_some()), count(&|span| !span.partial && sampled(key, span)))
        });
        let counts: Vec<_> = counts.filter(|(known, _)| *known > 0.0).collect();
        !counts.is_empty() && counts.iter().all(|(known, sampled)| *known >= KNOWN * sampled)
    };
    let (beyond, note): (&[Line], _) = if known(&lines::P99) {
        (&lines::P99, "")
    } else if known(&lines::P90) {
        (&lines::P90, "p99 of a second needs 1,000 events, so p90 is drawn")
    } else if known(&[lines::MEDIAN]) {
        (&[], "p90 of a second needs 100 events, so the median and the largest are drawn")
    } else {
        (&[], "a median of a second needs 20 events, so the largest is drawn")
    };
    let median = Some(lines::MEDIAN).filter(|median| known(&[*median]));
    let lines: Vec<Line> = [lines::LARGEST]
        .into_iter()
        .chain(beyond.first().copied())
        .chain(median)
        .chain(beyond.iter().skip(1).copied())
        .collect();
    let any = lines.iter().any(|(_, _, of)| spans.iter().any(|span| of(span).is_some()));
    (lines, if any { note } else { "" })
}

/// The columns of the table behind the charts.
const COLUMNS: [&str; 15] = [
    "until",
    "due",
    "sent",
    "acked",
    "seen",
    "failed",
    "outstanding",
    "lag",
    "response p50",
    "p90",
    "p99",
    "max",
    "end-to-end p90",
    "p99",
    "lateness p99",
];

fn table_row(span: &Span) -> Vec<String> {
    let latency = |us: Option<u64>| us.map_or_else(|| figures::NONE.to_owned(), duration_us);
    vec![
        figures::clock(span.until_s),
        count(span.scheduled),
        count(span.sent),
        count(span.acked),
        count(span.seen),
        count(span.failed),
        count(span.outstanding),
        span.unread.map_or_else(|| figures::NONE.to_owned(), count),
        latency(span.response_p50),
        latency(span.response_p90),
        latency(span.response_p99),
        latency(span.response_max),
        latency(span.end_to_end_p90),
        latency(span.end_to_end_p99),
        latency(span.lateness_p99),
    ]
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
fn data(spans: &[Span], figures: &[FigureView], bands: Vec<(f64, f64)>, marks: Vec<f64>) -> TimelineData {
    let whole = |value: f64| value.round() as u64;
    let drawn = |key: &str| figures.iter().any(|figure| figure.legend.iter().any(|line| line.key == key));
    let column = |of: &dyn Fn(&Span) -> Option<u64>| packed(spans.iter().map(of));
    let columns = [
        ("scheduled", column(&|span| span.rate(span.scheduled).map(whole))),
        ("sent", column(&|span| span.rate(span.sent).map(whole))),
        ("acked", column(&|span| span.rate(span.acked).map(whole))),
        ("seen", column(&|span| span.rate(span.seen).map(whole))),
        ("outstanding", column(&|span| Some(span.outstanding))),
        ("unread", column(&|span| span.unread)),
        ("response_p50", column(&|span| span.response_p50)),
        ("response_p90", column(&|span| span.response_p90)),
        ("response_p99", column(&|span| span.response_p99)),
        ("response_max", column(&|span| span.response_max)),
        ("end_to_end_p90", column(&|span| span.end_to_end_p90)),
        ("end_to_end_p99", column(&|span| span.end_to_end_p99)),
        ("slip_p90", column(&|span| span.slip_p90)),
        ("slip_p99", column(&|span| span.slip_p99)),
    ];
    TimelineData {
        at: packed(spans.iter().map(|span| Some(whole(span.until_s * 1e3)))),
        columns: columns.into_iter().filter(|(key, _)| drawn(key)).collect(),
        bands,
        marks,
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Scale {
    Linear,
    Latency,
}

struct Figure<'a> {
    name: &'static str,
    title: &'static str,
    note: &'static str,
    lines: Vec<&'a Line>,
    scale: Scale,
    spans: &'a [Span],
    bands: &'a [(f64, f64)],
    marks: &'a [f64],
}

fn figure(figure: &Figure) -> Result<FigureView, ChartError> {
    let values = |of: fn(&Span) -> Option<f64>| figure.spans.iter().filter_map(of);
    let present: Vec<&Line> = figure.lines.iter().copied().filter(|(_, _, of)| values(*of).next().is_some()).collect();
    let all: Vec<f64> = present.iter().flat_map(|(_, _, of)| values(*of)).collect();
    let most = all.iter().copied().fold(0.0, f64::max);
    let least = all.iter().copied().fold(most, f64::min);
    let draw = |size: Size| drawing(figure, &present, (least, most), size).svg(size);
    let peak = match figure.scale {
        Scale::Latency => figure_peak_us(most),
        Scale::Linear => figures::number(most, 0),
    };
    let legend: Vec<_> = present.iter().map(|(key, label, _)| LegendView { key, label }).collect();
    let labels: Vec<_> = legend.iter().map(|line| line.label).collect();
    Ok(FigureView {
        name: figure.name.to_owned(),
        title: figure.title.to_owned(),
        note: match (figure.scale, figure.note) {
            (Scale::Linear, note) => note.to_owned(),
            (Scale::Latency, "") => "logarithmic".to_owned(),
            (Scale::Latency, note) => format!("logarithmic; {note}"),
        },
        wide: draw(WIDE)?,
        narrow: draw(NARROW)?,
        summary: format!("{}: {}; the highest is {peak}", figure.title, labels.join(", ")),
        legend,
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
fn figure_peak_us(log_us: f64) -> String {
    duration_us(10_f64.powf(log_us).round() as u64)
}

fn drawing(figure: &Figure, lines: &[&Line], (least, most): (f64, f64), size: Size) -> Chart {
    let until = figure.spans.last().map_or(1.0, |span| span.until_s);
    let wide = size.width > 500;
    let y = match figure.scale {
        Scale::Linear => {
            let (top, ticks) = ticks::linear(most * 1.04, 4);
            Axis { from: 0.0, until: top, ticks }
        }
        Scale::Latency => Axis::of_latencies(least, most),
    };
    let series = lines
        .iter()
        .map(|(key, _, of)| Series {
            key,
            filled: *key == "scheduled" || *key == "outstanding",
            pieces: pieces(figure.spans, *of).iter().map(|piece| thinned(piece, 0.0, until, size.width / 2)).collect(),
        })
        .collect();
    Chart {
        name: figure.name,
        x: Axis { from: 0.0, until, ticks: ticks::time(0.0, until, if wide { 10 } else { 4 }) },
        y,
        series,
        bands: figure.bands.to_vec(),
        marks: figure.marks.to_vec(),
    }
}

/// The points of a line, apart where values are missing.
fn pieces(spans: &[Span], of: fn(&Span) -> Option<f64>) -> Vec<Vec<(f64, f64)>> {
    let points: Vec<Option<(f64, f64)>> =
        spans.iter().map(|span| of(span).map(|value| (span.middle_s(), value))).collect();
    points
        .split(Option::is_none)
        .filter(|piece| !piece.is_empty())
        .map(|piece| piece.iter().flatten().copied().collect())
        .collect()
}

#[cfg(test)]
mod tests;
