//! The latencies: the table, and the percentile curve as the plots of `HdrHistogram` have it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    chart::ChartError,
    curves::{self, Figure, Line},
    page::{Curves, FigureView},
};
use crate::figures::{as_f64, count, duration_us};
use crate::output::decomposition;
use crate::output::latencies::{LatencyRow, Unit, linger, notes, rows};
use crate::report::{Client, DistributionPoint, LatencySummary, RunReport};

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
    cells: Vec<String>,
}

/// The table and the curve.
pub(super) fn latency(report: &RunReport) -> Result<(LatencyView, BTreeMap<String, Curves>), ChartError> {
    let rows = rows(report, true);
    let unit = Unit::of(&rows);
    let curves: Vec<(&LatencyRow, Vec<(f64, f64)>)> = rows
        .iter()
        .filter(|row| !row.part)
        .map(|row| (row, curve(report, row)))
        .filter(|(_, points)| !points.is_empty())
        .collect();
    let summary_only = report.distributions.is_empty();
    let figure = if curves.is_empty() { None } else { Some(figure(curves, summary_only)?) };
    let (figure, data) = figure.unzip();
    let view = LatencyView {
        unit: unit.name,
        timed: report.latency_us.slip.is_some(),
        notes: notes(report, &rows),
        client: report.client.as_ref().map(|told| client(report, told)).unwrap_or_default(),
        rows: rows.iter().map(|row| row_view(report, row, &unit)).collect(),
        figure,
    };
    Ok((view, data.map(|data| ("percentiles".to_owned(), data)).into_iter().collect()))
}

fn client(report: &RunReport, client: &Client) -> Vec<(&'static str, String)> {
    let parts = decomposition::parts(report).map(|parts| ("mean, by whose part it is (ms)", parts));
    parts.into_iter().chain([("the Kafka client", decomposition::items(client).join(" · "))]).collect()
}

fn row_view(report: &RunReport, row: &LatencyRow, unit: &Unit) -> RowView {
    let LatencySummary { min, mean, p50, p90, p95, p99, p999, p9999, max, .. } = *row.summary;
    let mut cells = vec![unit.three_digits(min, row.summary), unit.mean_of_three_digits(mean)];
    cells.extend([p50, p90, p95, p99, p999, p9999, max].map(|value| unit.three_digits(value, row.summary)));
    RowView {
        key: row.key,
        name: row.name,
        span: row.span,
        part: row.part,
        remark: if row.key == "service_time" { linger(report) } else { String::new() },
        samples: count(row.summary.count),
        cells,
    }
}

/// (log10(1 / (1 - quantile)), us) of the distribution, or of the summary where a report has no distribution.
fn curve(report: &RunReport, row: &LatencyRow) -> Vec<(f64, f64)> {
    let samples = row.summary.count;
    if samples == 0 {
        return Vec::new();
    }
    let end = as_f64(samples).log10();
    let place = |percentile: f64| if percentile >= 100.0 { end } else { curves::place(percentile / 100.0) };
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

fn figure(curves: Vec<(&LatencyRow, Vec<(f64, f64)>)>, summary_only: bool) -> Result<(FigureView, Curves), ChartError> {
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
    curves::over_percentiles(Figure {
        name: "percentiles".to_owned(),
        title: "Latency by percentile".to_owned(),
        note: format!("{known}both axes logarithmic: each nine is as wide as the one before"),
        summary: said.join("; "),
        lines: curves.into_iter().map(|(row, points)| Line { key: row.key, label: row.name, points }).collect(),
        bands: Vec::new(),
        marks: Vec::new(),
    })
}
