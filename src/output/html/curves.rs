//! Latency over something else, as a figure: over percentiles as the plots of `HdrHistogram` have it, or over the rate.

use super::{
    chart::{Axis, Chart, ChartError, Series, Size, thinned},
    page::{CurveData, Curves, FigureView, LegendView},
    ticks,
};

const WIDE: Size = Size { class: "wide", width: 1_000, height: 320, left: 62 };
const NARROW: Size = Size { class: "narrow", width: 350, height: 260, left: 52 };

/// One line: its key in the style sheet and in the page's data, its label, and latencies in us over places on the axis.
pub(crate) struct Line {
    pub(crate) key: &'static str,
    pub(crate) label: &'static str,
    pub(crate) points: Vec<(f64, f64)>,
}

/// What is drawn, without its axes.
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) note: String,
    /// What a screen reader says of it.
    pub(crate) summary: String,
    pub(crate) lines: Vec<Line>,
    /// Stretches along x that are shaded.
    pub(crate) bands: Vec<(f64, f64)>,
    /// Places along x that are marked.
    pub(crate) marks: Vec<f64>,
}

/// Where a share of the samples lies on an axis on which each nine is as wide as the one before.
pub(crate) fn place(share: f64) -> f64 {
    -(1.0 - share).log10()
}

/// The figure over percentiles. What is faster than 1 % of the samples is left out: single samples would take half the
/// height.
pub(crate) fn over_percentiles(mut figure: Figure) -> Result<(FigureView, Curves), ChartError> {
    let first = place(0.01);
    for line in &mut figure.lines {
        if line.points.iter().any(|(x, _)| *x >= first) {
            line.points.retain(|(x, _)| *x >= first);
        }
    }
    let until = figure.lines.iter().flat_map(|line| &line.points).map(|(x, _)| *x).fold(1.0, f64::max);
    over(&figure, &|size| Axis { from: 0.0, until, ticks: ticks::percentiles(until, size.width / 64) })
}

/// The figure over an axis that suits its size.
pub(crate) fn over(figure: &Figure, x: &dyn Fn(Size) -> Axis) -> Result<(FigureView, Curves), ChartError> {
    let logs = || figure.lines.iter().flat_map(|line| &line.points).map(|(_, us)| us.max(1.0).log10());
    let most = logs().fold(0.0, f64::max);
    let y = Axis::of_latencies(logs().fold(most, f64::min), most);
    let draw = |size: Size| {
        let x = x(size);
        let series = figure.lines.iter().map(|line| {
            let points: Vec<_> = line.points.iter().map(|(x, us)| (*x, us.max(1.0).log10())).collect();
            Series { key: line.key, filled: false, pieces: vec![thinned(&points, x.from, x.until, size.width / 2)] }
        });
        let series = series.collect();
        let (bands, marks) = (figure.bands.clone(), figure.marks.clone());
        Chart { name: "latency", series, x, y: y.clone(), bands, marks }.svg(size)
    };
    let view = FigureView {
        name: figure.name.clone(),
        title: figure.title.clone(),
        note: figure.note.clone(),
        legend: figure.lines.iter().map(|line| LegendView { key: line.key, label: line.label }).collect(),
        wide: draw(WIDE)?,
        narrow: draw(NARROW)?,
        summary: figure.summary.clone(),
    };
    Ok((view, figure.lines.iter().map(|line| (line.key, data(&line.points))).collect()))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
fn data(points: &[(f64, f64)]) -> CurveData {
    CurveData {
        x: points.iter().map(|(x, _)| (x * 1e3).round() / 1e3).collect(),
        us: points.iter().map(|(_, us)| *us as u64).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_begins_at_the_lowest_first_percent_and_not_at_a_single_sample() {
        let points = vec![(0.0, 3.0), (place(0.02), 2_300.0), (1.0, 4_000.0), (3.0, 9_000.0)];
        let lines = vec![Line { key: "response_time", label: "response", points }];
        let text = String::new;
        let figure = Figure {
            lines,
            name: text(),
            title: text(),
            note: text(),
            summary: text(),
            bands: Vec::new(),
            marks: Vec::new(),
        };
        let (view, data) = over_percentiles(figure).unwrap();
        assert_eq!(data["response_time"].us, [2_300, 4_000, 9_000]);
        assert!(view.wide.contains("2 ms") && !view.wide.contains(" us"), "{}", view.wide);
    }
}
