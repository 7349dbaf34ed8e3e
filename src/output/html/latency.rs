//! The latencies: the table, and the percentile curve as the plots of `HdrHistogram` have it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    chart::{Axis, Chart, ChartError, Series, Size, thinned},
    ticks,
    timeline::{FigureView, LegendView, decades},
};
use crate::figures::{as_f64, count, duration_us};
use crate::output::decomposition;
use crate::output::latencies::{LatencyRow, Unit, linger, notes, rows};
use crate::report::{Client, DistributionPoint, LatencySummary, RunReport};

const WIDE: Size = Size { class: "wide", width: 1_000, height: 320, left: 62 };
const NARROW: Size = Size { class: "narrow", width: 350, height: 260, left: 52 };

/// What the page shows of the latencies.
#[derive(Serialize)]
pub(super) struct LatencyView {
    unit: &'static str,
    /// Whether events had a due time.
    timed: bool,
    rows: Vec<RowView>,
    notes: Vec<String>,
    /// Whose part of the mean is whose, and what the client says of itself.
    client: Vec<(&'static str, String)>,
    figure: Option<FigureView>,
}

#[derive(Serialize)]
struct RowView {
    key: &'static str,
    name: &'static str,
    span: &'static str,
    part: bool,
    remark: String,
    samples: String,
    cells: Vec<CellView>,
}

/// A figure, and what is invisible behind it so that points are below each other.
#[derive(Serialize)]
struct CellView {
    text: String,
    pad: String,
}

/// What the script gets of one distribution: places on the axis, and latencies in us.
#[derive(Serialize)]
pub(super) struct CurveData {
    x: Vec<f64>,
    us: Vec<u64>,
}

/// The table and the curve.
pub(super) fn latency(report: &RunReport) -> Result<(LatencyView, BTreeMap<&'static str, CurveData>), ChartError> {
    let rows = rows(report, true);
    let unit = Unit::of(&rows);
    let curves: Vec<(&LatencyRow, Vec<(f64, f64)>)> = rows
        .iter()
        .filter(|row| !row.part)
        .map(|row| (row, curve(report, row)))
        .filter(|(_, points)| !points.is_empty())
        .collect();
    let figure = if curves.is_empty() { None } else { Some(figure(&curves, report.distributions.is_empty())?) };
    let data = curves.iter().map(|(row, points)| (row.key, curve_data(points))).collect();
    let view = LatencyView {
        unit: unit.name,
        timed: report.latency_us.slip.is_some(),
        notes: notes(report, &rows),
        client: report.client.as_ref().map(|told| client(report, told)).unwrap_or_default(),
        rows: rows.iter().map(|row| row_view(report, row, &unit)).collect(),
        figure,
    };
    Ok((view, data))
}

fn client(report: &RunReport, client: &Client) -> Vec<(&'static str, String)> {
    let parts = decomposition::parts(report).map(|parts| ("mean, by whose part it is (ms)", parts));
    parts.into_iter().chain([("the Kafka client", decomposition::items(client).join(" · "))]).collect()
}

fn row_view(report: &RunReport, row: &LatencyRow, unit: &Unit) -> RowView {
    let LatencySummary { min, mean, p50, p90, p95, p99, p999, p9999, max, .. } = *row.summary;
    let mut cells = vec![unit.cell(min, row.summary), unit.mean(mean)];
    cells.extend([p50, p90, p95, p99, p999, p9999, max].map(|value| unit.cell(value, row.summary)));
    RowView {
        key: row.key,
        name: row.name,
        span: row.span,
        part: row.part,
        remark: if row.key == "service_time" { linger(report) } else { String::new() },
        samples: count(row.summary.count),
        cells: cells.into_iter().map(|(whole, fraction)| cell_view(&whole, &fraction, unit)).collect(),
    }
}

fn cell_view(whole: &str, fraction: &str, unit: &Unit) -> CellView {
    let pad: String = ".000".chars().skip(fraction.len()).take(unit.fraction_width() - fraction.len()).collect();
    CellView { text: format!("{whole}{fraction}"), pad }
}

/// (log10(1 / (1 - quantile)), us) of the distribution, or of the summary where a report has no distribution.
fn curve(report: &RunReport, row: &LatencyRow) -> Vec<(f64, f64)> {
    let samples = row.summary.count;
    if samples == 0 {
        return Vec::new();
    }
    let end = as_f64(samples).log10();
    let place = |percentile: f64| if percentile >= 100.0 { end } else { -(1.0 - percentile / 100.0).log10() };
    let from_summary = || {
        let summary = row.summary;
        [
            (50.0, summary.p50),
            (90.0, summary.p90),
            (95.0, summary.p95),
            (99.0, summary.p99),
            (99.9, summary.p999),
            (99.99, summary.p9999),
            (100.0, summary.max),
        ]
        .into_iter()
        .filter_map(|(percentile, us)| us.map(|us| (place(percentile), as_f64(us))))
        .collect()
    };
    let from_points = |points: &Vec<DistributionPoint>| {
        points.iter().map(|point| (place(point.percentile).min(end), as_f64(point.value_us))).collect()
    };
    report.distributions.get(row.key).filter(|points| !points.is_empty()).map_or_else(from_summary, from_points)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
fn curve_data(points: &[(f64, f64)]) -> CurveData {
    CurveData {
        x: points.iter().map(|(x, _)| (x * 1e3).round() / 1e3).collect(),
        us: points.iter().map(|(_, us)| *us as u64).collect(),
    }
}

fn figure(curves: &[(&LatencyRow, Vec<(f64, f64)>)], summary_only: bool) -> Result<FigureView, ChartError> {
    let logs: Vec<(&'static str, Vec<(f64, f64)>)> = curves
        .iter()
        .map(|(row, points)| (row.key, points.iter().map(|(x, us)| (*x, us.max(1.0).log10())).collect()))
        .collect();
    let all = || logs.iter().flat_map(|(_, points)| points);
    let until = all().map(|(x, _)| *x).fold(1.0, f64::max);
    let most = all().map(|(_, y)| *y).fold(0.0, f64::max);
    let least = all().map(|(_, y)| *y).fold(most, f64::min);
    let draw = |size: Size| {
        let series = logs
            .iter()
            .map(|(key, points)| Series {
                key,
                filled: false,
                pieces: vec![thinned(points, 0.0, until, size.width / 2)],
            })
            .collect();
        let x = Axis { from: 0.0, until, ticks: ticks::percentiles(until, size.width / 64) };
        Chart { name: "percentiles", x, y: decades(least, most), series, bands: Vec::new(), marks: Vec::new() }
            .svg(size)
    };
    let said: Vec<String> = curves
        .iter()
        .map(|(row, _)| {
            let at = |us: Option<u64>| us.map_or_else(|| "unknown".to_owned(), duration_us);
            format!(
                "{} median {}, 99 % {}, largest {}",
                row.name,
                at(row.summary.p50),
                at(row.summary.p99),
                at(row.summary.max)
            )
        })
        .collect();
    let known = if summary_only { "only the quantiles of the table; " } else { "" };
    Ok(FigureView {
        name: "percentiles",
        title: "Latency by percentile",
        note: format!("{known}both axes logarithmic: each nine is as wide as the one before"),
        legend: curves.iter().map(|(row, _)| LegendView { key: row.key, label: row.name }).collect(),
        wide: draw(WIDE)?,
        narrow: draw(NARROW)?,
        summary: said.join("; "),
    })
}
