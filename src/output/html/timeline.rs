//! The timeline: rates, latencies and backlogs by the second, drawn one below the other on the same time axis, and the
//! figures behind them for the script and for those who read tables.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    chart::{Axis, Chart, ChartError, Series, Size, thinned},
    pack::packed,
    page::{FigureView, LegendView},
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
/// What ends the timeline counts as a part of a second below this length: a rate of so short a time says nothing.
const WHOLE_S: f64 = 0.95;
/// The part of the seconds with samples that must have a quantile for it to be drawn: else the line is in shreds.
const KNOWN: f64 = 0.9;

const WIDE: Size = Size { class: "wide", width: 1_000, height: 210, left: 62 };
const NARROW: Size = Size { class: "narrow", width: 350, height: 190, left: 52 };

/// One stretch of time: a second, or several added up.
#[derive(Clone, Debug, Default, PartialEq)]
struct Span {
    from_s: f64,
    until_s: f64,
    /// Whether it is the part of a second with which the run ended.
    partial: bool,
    scheduled: u64,
    sent: u64,
    acked: u64,
    seen: u64,
    failed: u64,
    outstanding: u64,
    unread: Option<u64>,
    response_p50: Option<u64>,
    response_p90: Option<u64>,
    response_p99: Option<u64>,
    response_max: Option<u64>,
    end_to_end_p90: Option<u64>,
    end_to_end_p99: Option<u64>,
    slip_p90: Option<u64>,
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
        self.response_p90 = self.response_p90.max(row.response_p90_us);
        self.response_p99 = self.response_p99.max(row.response_p99_us);
        self.response_max = self.response_max.max(row.response_max_us);
        self.end_to_end_p90 = self.end_to_end_p90.max(row.end_to_end_p90_us);
        self.end_to_end_p99 = self.end_to_end_p99.max(row.end_to_end_p99_us);
        self.slip_p90 = self.slip_p90.max(row.slip_p90_us);
        self.slip_p99 = self.slip_p99.max(row.slip_p99_us);
        self.lateness_p99 = self.lateness_p99.max(row.lateness_p99_us);
        self
    }

    /// Where it is drawn: what happened in it has no better place than its middle.
    const fn middle_s(&self) -> f64 {
        f64::midpoint(self.from_s, self.until_s)
    }

    /// `None` of a part of a second.
    fn rate(&self, number: u64) -> Option<f64> {
        (!self.partial).then(|| as_f64(number) / (self.until_s - self.from_s).max(1e-3))
    }
}

/// The timeline in about `most` stretches at most. They are equally long but for rows that are longer by themselves: those of a long
/// run's first hours.
fn spans(timeline: &[TimelineRow], most: usize) -> Vec<Span> {
    // A row is cut a moment after its second has ended.
    let at_s = |row: &TimelineRow| row.at_s - 0.05;
    let until_s = timeline.last().map_or(0.0, at_s);
    let step_s = if timeline.len() > most { (until_s / as_f64(most as u64)).ceil() } else { 0.0 };
    let step = |row: &TimelineRow| (at_s(row) / step_s).floor();
    let mut from_s = 0.0;
    let mut spans = Vec::new();
    for rows in timeline.chunk_by(|row, next| step_s > 0.0 && step(row).total_cmp(&step(next)).is_eq()) {
        let span = rows.iter().fold(Span { from_s, ..Span::default() }, Span::add);
        from_s = span.until_s;
        spans.push(span);
    }
    if let [.., _, last] = spans.as_mut_slice() {
        last.partial = last.until_s - last.from_s < WHOLE_S;
    }
    spans
}

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
        ("scheduled", "due", |span: &Span| span.rate(span.scheduled)),
        ("sent", "sent", |span| span.rate(span.sent)),
        ("acked", "acked", |span| span.rate(span.acked)),
        ("seen", "seen", |span| span.rate(span.seen)),
    ];
    pub(super) const LARGEST: Line = ("response_max", "response max", |span: &Span| log(span.response_max));
    pub(super) const MEDIAN: Line = ("response_p50", "response p50", |span: &Span| log(span.response_p50));
    pub(super) const P90: [Line; 3] = [
        ("response_p90", "response p90", |span: &Span| log(span.response_p90)),
        ("end_to_end_p90", "end-to-end p90", |span| log(span.end_to_end_p90)),
        ("slip_p90", "slip p90", |span| log(span.slip_p90)),
    ];
    pub(super) const P99: [Line; 3] = [
        ("response_p99", "response p99", |span: &Span| log(span.response_p99)),
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
    let table_spans = self::spans(&report.timeline, TABLE_ROWS);
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
        table_seconds: self::seconds_each(&table_spans).unwrap_or_else(|| figures::span_s(1.0)),
        table_columns: shown.iter().map(|at| COLUMNS[*at]).collect(),
        table: rows.iter().map(|row| shown.iter().map(|at| row[*at].clone()).collect()).collect(),
    };
    let data = data(&spans, &view.figures, stalls, marks);
    Ok(Some((view, data)))
}

/// The stretch that each of the rows is part of.
fn spans_of_marks<'a>(spans: &'a [Span], marked: &[&TimelineRow]) -> impl Iterator<Item = &'a Span> {
    marked.iter().filter_map(|row| spans.get(spans.partition_point(|span| span.until_s < row.at_s)))
}

/// How long a stretch is; `None` where each is a second.
fn seconds_each(spans: &[Span]) -> Option<String> {
    let seconds = |span: &Span| (span.until_s - span.from_s).round().max(1.0);
    let first = spans.first().map(seconds)?;
    // The last is what is left.
    let whole = &spans[..spans.len() - 1];
    match whole.iter().zip(whole.iter().skip(1)).find(|(span, next)| seconds(span) > 1.5 * seconds(next)) {
        Some((span, next)) => {
            let (long, short) = (figures::span_s(seconds(span)), figures::span_s(seconds(next)));
            Some(format!("{long} until {} and {short} from then on", figures::clock(span.until_s)))
        }
        None => (first > 1.5).then(|| figures::span_s(first)),
    }
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
        assert!(
            (spans[0].rate(spans[0].sent).unwrap() - 100.0).abs() < 1e-9,
            "a rate is per second, however long the stretch"
        );
    }

    #[test]
    fn a_page_says_how_long_its_points_are() {
        let rows = |minutes: u32, seconds: u32| -> Vec<_> {
            let ends = (1..=minutes).map(|n| n * 60).chain((1..=seconds).map(|n| minutes * 60 + n));
            ends.map(|at_s| row(f64::from(at_s) + 0.01, 1, None)).collect()
        };
        let each = |timeline: &[TimelineRow], most| seconds_each(&spans(timeline, most));
        assert_eq!(each(&rows(0, 100), 100), None);
        assert_eq!(each(&rows(0, 100), 50).as_deref(), Some("2 s"));
        assert_eq!(each(&rows(20, 600), 3_600).as_deref(), Some("60 s until 00:20:00 and 1 s from then on"));
        assert_eq!(each(&rows(120, 3_600), 3_600).as_deref(), Some("60 s until 02:00:00 and 3 s from then on"));
        assert_eq!(each(&rows(120, 3_600), 60).as_deref(), Some("3 m"));
        assert!(spans(&rows(1_380, 3_600), 3_600).len() <= 3_600);
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

    #[test]
    fn a_rate_of_the_part_of_a_second_at_the_end_is_not_drawn() {
        let spans = spans(&[row(1.0, 100, None), row(2.0, 100, None), row(2.1, 1, None)], 10);
        let rates: Vec<_> = spans.iter().map(|span| span.rate(span.sent).is_some()).collect();
        assert_eq!(rates, [true, true, false]);
        assert!(super::spans(&[row(0.4, 40, None)], 10)[0].rate(40).is_some(), "there is nothing else");
    }

    #[test]
    fn a_quantile_that_most_seconds_lack_gives_way_to_a_lower_one_and_the_page_says_so() {
        let drawn = |p50: Option<u64>, p90: Option<u64>, p99: &dyn Fn(u32) -> Option<u64>| {
            let row = |n: u32| TimelineRow {
                response_p50_us: p50,
                response_p90_us: p90,
                response_max_us: Some(900),
                ..row(f64::from(n), 1_000, p99(n))
            };
            let (lines, note) = latencies(&spans(&(1..=20).map(row).collect::<Vec<_>>(), 100));
            (lines.iter().map(|(key, ..)| *key).filter(|key| key.starts_with("response")).collect::<Vec<_>>(), note)
        };
        let every = |_| Some(800);
        let half = |n: u32| Some(800).filter(|_| n.is_multiple_of(2));
        assert_eq!(drawn(Some(1), Some(2), &every), (vec!["response_max", "response_p99", "response_p50"], ""));
        let (lines, note) = drawn(Some(1), Some(2), &half);
        assert_eq!(lines, ["response_max", "response_p90", "response_p50"]);
        assert!(note.starts_with("p99 of a second needs 1,000 events"), "{note}");
        assert_eq!(drawn(Some(1), None, &half).0, ["response_max", "response_p50"]);
        assert_eq!(drawn(None, None, &|_| None).0, ["response_max"]);
    }
}
