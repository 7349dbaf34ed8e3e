//! The timeline: rates, latencies and backlogs by the second, drawn one below the other on the same time axis, and the
//! figures behind them for the script and for those who read tables.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    chart::{Axis, Chart, ChartError, Series, Size, thinned},
    pack::packed,
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

pub(super) const WIDE: Size = Size { class: "wide", width: 1_000, height: 210, left: 62 };
pub(super) const NARROW: Size = Size { class: "narrow", width: 350, height: 190, left: 52 };

/// One stretch of time: a second, or several added up.
#[derive(Clone, Debug, Default, PartialEq)]
struct Span {
    from_s: f64,
    until_s: f64,
    scheduled: u64,
    sent: u64,
    acked: u64,
    seen: u64,
    failed: u64,
    outstanding: u64,
    unread: Option<u64>,
    response_p50: Option<u64>,
    response_p99: Option<u64>,
    response_max: Option<u64>,
    service_p99: Option<u64>,
    end_to_end_p99: Option<u64>,
    slip_p99: Option<u64>,
    lateness_p99: Option<u64>,
}

impl Span {
    /// Counts are added, backlogs are those at the end, quantiles the worst of a second.
    fn add(mut self, row: &TimelineRow) -> Self {
        self.until_s = row.at_s;
        self.scheduled += row.scheduled;
        self.sent += row.sent;
        self.acked += row.acked;
        self.seen += row.seen;
        self.failed += row.failed;
        (self.outstanding, self.unread) = (row.outstanding, row.unread);
        self.response_p50 = self.response_p50.max(row.response_p50_us);
        self.response_p99 = self.response_p99.max(row.response_p99_us);
        self.response_max = self.response_max.max(row.response_max_us);
        self.service_p99 = self.service_p99.max(row.service_p99_us);
        self.end_to_end_p99 = self.end_to_end_p99.max(row.end_to_end_p99_us);
        self.slip_p99 = self.slip_p99.max(row.slip_p99_us);
        self.lateness_p99 = self.lateness_p99.max(row.lateness_p99_us);
        self
    }

    /// Where it is drawn: what happened in it has no better place than its middle.
    const fn middle_s(&self) -> f64 {
        f64::midpoint(self.from_s, self.until_s)
    }

    fn rate(&self, number: u64) -> f64 {
        as_f64(number) / (self.until_s - self.from_s).max(1e-3)
    }
}

/// The timeline in at most `most` stretches of as many rows each.
fn spans(timeline: &[TimelineRow], most: usize) -> Vec<Span> {
    let rows_each = timeline.len().div_ceil(most).max(1);
    let mut from_s = 0.0;
    let mut spans = Vec::new();
    for rows in timeline.chunks(rows_each) {
        let span = rows.iter().fold(Span { from_s, ..Span::default() }, Span::add);
        from_s = span.until_s;
        spans.push(span);
    }
    spans
}

/// What the page shows of the timeline.
#[derive(Serialize)]
pub(super) struct TimelineView {
    figures: Vec<FigureView>,
    /// Seconds of one point, where it is more than one row.
    seconds_each: Option<String>,
    marks: Vec<MarkView>,
    marks_left_out: usize,
    table: Vec<Vec<String>>,
    table_seconds: String,
}

/// One chart of the page.
#[derive(Serialize)]
pub(super) struct FigureView {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) note: String,
    pub(super) legend: Vec<LegendView>,
    pub(super) wide: String,
    pub(super) narrow: String,
    /// What a screen reader says of it.
    pub(super) summary: String,
}

/// One line's name.
#[derive(Serialize)]
pub(super) struct LegendView {
    pub(super) key: &'static str,
    pub(super) label: &'static str,
}

#[derive(Serialize)]
struct MarkView {
    at: String,
    what: String,
}

/// What the script gets of the timeline.
#[derive(Serialize)]
pub(super) struct TimelineData {
    /// Ends of the stretches, ms.
    at: String,
    columns: BTreeMap<&'static str, String>,
    bands: Vec<(f64, f64)>,
    marks: Vec<f64>,
}

/// A line of a chart: its key, its label, and its values.
type Line = (&'static str, &'static str, fn(&Span) -> Option<f64>);

mod lines {
    use super::{Line, Span, as_f64};

    fn log(us: Option<u64>) -> Option<f64> {
        us.map(|us| as_f64(us.max(1)).log10())
    }

    pub(super) const RATES: [Line; 4] = [
        ("scheduled", "due", |span: &Span| Some(span.rate(span.scheduled))),
        ("sent", "sent", |span| Some(span.rate(span.sent))),
        ("acked", "acked", |span| Some(span.rate(span.acked))),
        ("seen", "seen", |span| Some(span.rate(span.seen))),
    ];
    pub(super) const LATENCIES: [Line; 5] = [
        ("response_max", "response max", |span: &Span| log(span.response_max)),
        ("response_p99", "response p99", |span| log(span.response_p99)),
        ("response_p50", "response p50", |span| log(span.response_p50)),
        ("end_to_end_p99", "end-to-end p99", |span| log(span.end_to_end_p99)),
        ("slip_p99", "slip p99", |span| log(span.slip_p99)),
    ];
    pub(super) const BACKLOGS: [Line; 2] = [
        ("outstanding", "outstanding (sent, no answer)", |span: &Span| Some(as_f64(span.outstanding))),
        ("unread", "lag (acked, not yet seen)", |span| span.unread.map(as_f64)),
    ];
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
    let draw = |name, title, lines: &[Line], scale| {
        let lines = lines.iter().filter(|(key, _, _)| read_back || !["seen", "unread"].contains(key)).collect();
        figure(&Figure { name, title, lines, scale, spans: &spans, bands: &stalls, marks: &marks })
    };
    let figures = [
        draw("rates", "Events per second", &lines::RATES, Scale::Linear)?,
        draw("latencies", "Latency by the second", &lines::LATENCIES, Scale::Latency)?,
        draw("backlogs", "Backlog and lag, events", &lines::BACKLOGS, Scale::Linear)?,
    ];
    let table_spans = self::spans(&report.timeline, TABLE_ROWS);
    let listed = spans_of_marks(&spans, &marked)
        .zip(&marked)
        .flat_map(|(span, row)| row.marks.iter().map(|what| (span.from_s, what)));
    let warmed = "the warm-up ends: from here on it is judged".to_owned();
    let listed = warm_up.map(|end_s| (end_s, &warmed)).into_iter().chain(listed);
    let all_marks = marked.iter().map(|row| row.marks.len()).sum::<usize>() + warm_up.iter().count();
    let view = TimelineView {
        figures: figures.into(),
        seconds_each: (spans.len() < report.timeline.len()).then(|| seconds_each(&spans)),
        marks: listed.take(MARKS).map(|(at, what)| MarkView { at: figures::clock(at), what: what.clone() }).collect(),
        marks_left_out: all_marks.saturating_sub(MARKS),
        table_seconds: seconds_each(&table_spans),
        table: table_spans.iter().map(table_row).collect(),
    };
    Ok(Some((view, data(&spans, stalls, marks))))
}

/// The stretch that each of the rows is part of.
fn spans_of_marks<'a>(spans: &'a [Span], marked: &[&TimelineRow]) -> impl Iterator<Item = &'a Span> {
    marked.iter().filter_map(|row| spans.get(spans.partition_point(|span| span.until_s < row.at_s)))
}

fn seconds_each(spans: &[Span]) -> String {
    spans.first().map_or_else(String::new, |span| figures::span_s(span.until_s - span.from_s))
}

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
        latency(span.response_p99),
        latency(span.response_max),
        latency(span.end_to_end_p99),
        latency(span.lateness_p99),
    ]
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
fn data(spans: &[Span], bands: Vec<(f64, f64)>, marks: Vec<f64>) -> TimelineData {
    let whole = |value: f64| Some(value.round() as u64);
    let column = |of: &dyn Fn(&Span) -> Option<u64>| packed(spans.iter().map(of));
    let columns = [
        ("scheduled", column(&|span| whole(span.rate(span.scheduled)))),
        ("sent", column(&|span| whole(span.rate(span.sent)))),
        ("acked", column(&|span| whole(span.rate(span.acked)))),
        ("seen", column(&|span| whole(span.rate(span.seen)))),
        ("outstanding", column(&|span| Some(span.outstanding))),
        ("unread", column(&|span| span.unread)),
        ("response_p50", column(&|span| span.response_p50)),
        ("response_p99", column(&|span| span.response_p99)),
        ("response_max", column(&|span| span.response_max)),
        ("end_to_end_p99", column(&|span| span.end_to_end_p99)),
        ("slip_p99", column(&|span| span.slip_p99)),
    ];
    TimelineData {
        at: packed(spans.iter().map(|span| whole(span.until_s * 1e3))),
        columns: columns.into(),
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
        name: figure.name,
        title: figure.title,
        note: match figure.scale {
            Scale::Latency => "logarithmic".to_owned(),
            Scale::Linear => String::new(),
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
        Scale::Latency => decades(least, most),
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

/// An axis of whole decades of us.
pub(super) fn decades(least_log: f64, most_log: f64) -> Axis {
    let from = least_log.max(0.0).floor();
    let until = most_log.ceil().max(from + 1.0);
    Axis { from, until, ticks: ticks::latency(from, until) }
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
mod tests {
    use super::*;

    fn row(at_s: f64, sent: u64, p99: Option<u64>) -> TimelineRow {
        TimelineRow { at_s, sent, outstanding: sent / 2, response_p99_us: p99, ..TimelineRow::default() }
    }

    #[test]
    fn a_long_run_is_drawn_in_stretches_that_add_up_and_keep_the_worst() {
        let timeline: Vec<_> = (1..=10).map(|n| row(f64::from(n), 100, Some(u64::from(n == 4) * 900 + 7))).collect();
        let spans = spans(&timeline, 4);
        assert_eq!(spans.len(), 4);
        assert_eq!(spans.iter().map(|span| span.sent).sum::<u64>(), 1_000);
        assert_eq!(spans.iter().map(|span| span.response_p99).max(), Some(Some(907)));
        assert!((spans[0].rate(spans[0].sent) - 100.0).abs() < 1e-9, "a rate is per second, however long the stretch");
    }

    #[test]
    fn a_line_is_apart_where_values_are_missing() {
        let timeline = [row(1.0, 1, Some(5)), row(2.0, 1, None), row(3.0, 1, Some(6)), row(4.0, 1, Some(7))];
        let pieces = pieces(&spans(&timeline, 10), |span| {
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            span.response_p99.map(|us| us as f64)
        });
        assert_eq!(pieces, [vec![(0.5, 5.0)], vec![(2.5, 6.0), (3.5, 7.0)]]);
    }
}
