//! A line chart as SVG whose colours are left to the page: plotters places, the style sheet paints.
//!
//! Lines, areas, grids and labels are drawn in colours that only stand for a class name; [`Chart::dressed`] puts the names in
//! their place. So one drawing serves light, dark and print, and the page's script finds what it has to move.

use std::ops::Range;

use plotters::{
    backend::SVGBackend,
    chart::{ChartBuilder, ChartContext},
    coord::{
        Shift,
        cartesian::Cartesian2d,
        ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter},
    },
    drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea},
    element::{PathElement, Polygon, Rectangle},
    style::{Color, IntoFont, RGBColor, ShapeStyle, TextStyle},
};

use super::ticks::{self, Tick};

/// Units of the drawing per CSS pixel: plotters places on whole numbers.
const FINE: u32 = 4;
/// CSS pixels of a label's height.
const TEXT: u32 = 12;

type Svg<'a> = SVGBackend<'a>;
type Failure = DrawingAreaErrorKind<std::io::Error>;
type Plane = Cartesian2d<Axis, Axis>;

/// A drawing that failed.
#[derive(Debug, thiserror::Error)]
#[error("the chart \"{chart}\" cannot be drawn: {reason}")]
pub struct ChartError {
    chart: &'static str,
    reason: String,
}

/// One axis: its range in the coordinates of the chart, and its labels.
#[derive(Clone)]
pub(crate) struct Axis {
    pub(crate) from: f64,
    pub(crate) until: f64,
    pub(crate) ticks: Vec<Tick>,
}

impl Axis {
    /// An axis of latencies from the logarithm of the least to that of the most, in us: from the round number below the
    /// one to that above the other.
    pub(crate) fn of_latencies(least_log: f64, most_log: f64) -> Self {
        let from = ticks::round_below(least_log.max(0.0));
        let until = ticks::round_above(most_log.max(from + 0.3));
        Self { from, until, ticks: ticks::latency(from, until) }
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    #[expect(clippy::cast_possible_truncation, reason = "a place within the drawing")]
    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let share = (value - self.from) / (self.until - self.from);
        limit.0 + (share * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.iter().map(|(at, _)| *at).collect() }
    }

    fn range(&self) -> Range<f64> {
        self.from..self.until
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        let tick = self.ticks.iter().find(|(at, _)| (at - value).abs() < 1e-9);
        tick.map_or_else(String::new, |(_, label)| label.clone())
    }
}

/// One line, in pieces where values are missing.
pub(crate) struct Series {
    /// Its class in the style sheet, and its name in the page's data.
    pub(crate) key: &'static str,
    /// Whether the space below it is filled.
    pub(crate) filled: bool,
    pub(crate) pieces: Vec<Vec<(f64, f64)>>,
}

/// What is drawn.
pub(crate) struct Chart {
    /// Its name in error messages and in the page.
    pub(crate) name: &'static str,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) series: Vec<Series>,
    /// Stretches along x that are shaded.
    pub(crate) bands: Vec<(f64, f64)>,
    /// Places along x that are marked.
    pub(crate) marks: Vec<f64>,
}

/// How large it is drawn, in CSS pixels.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    /// Its class in the style sheet: a page shows the one that fits.
    pub(crate) class: &'static str,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Room for the labels at the left.
    pub(crate) left: u32,
}

/// What a colour stands for.
#[derive(Clone, Copy)]
enum Stands {
    Line(u8),
    Area(u8),
    Band,
    Mark,
    XGrid,
    YGrid,
    XLabel,
    YLabel,
}

impl Stands {
    const fn color(self) -> RGBColor {
        match self {
            Self::Line(series) => RGBColor(1, 0, series),
            Self::Area(series) => RGBColor(2, 0, series),
            Self::Band => RGBColor(3, 0, 0),
            Self::Mark => RGBColor(3, 0, 1),
            Self::XGrid => RGBColor(3, 0, 2),
            Self::YGrid => RGBColor(3, 0, 3),
            Self::XLabel => RGBColor(3, 0, 4),
            Self::YLabel => RGBColor(3, 0, 5),
        }
    }

    fn stroke(self) -> ShapeStyle {
        self.color().stroke_width(FINE)
    }

    fn text(self) -> TextStyle<'static> {
        ("sans-serif", f64::from(TEXT * FINE) * 1.24).into_font().color(&self.color())
    }
}

impl Chart {
    /// The drawing as an `<svg>` element.
    pub(crate) fn svg(&self, size: Size) -> Result<String, ChartError> {
        let mut text = String::new();
        let plot = self
            .draw(&mut text, size)
            .map_err(|failure| ChartError { chart: self.name, reason: failure.to_string() })?;
        Ok(self.dressed(&text, size, plot))
    }

    /// Draws, and returns the corners of the plane in units of the drawing.
    fn draw(&self, text: &mut String, size: Size) -> Result<[i32; 4], Failure> {
        let root = SVGBackend::with_string(text, (size.width * FINE, size.height * FINE)).into_drawing_area();
        let mut chart = self.plane(&root, size)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .axis_style(Stands::YGrid.color().mix(0.0))
            .max_light_lines(1)
            .x_labels(self.x.ticks.len().max(1))
            .y_labels(self.y.ticks.len().max(1))
            .set_all_tick_mark_size(5 * FINE)
            .bold_line_style(Stands::YGrid.stroke())
            .light_line_style(Stands::YGrid.color().mix(0.0))
            .x_label_style(Stands::XLabel.text())
            .y_label_style(Stands::YLabel.text())
            .draw()?;
        let vertical =
            |at: f64, stands: Stands| PathElement::new(vec![(at, self.y.from), (at, self.y.until)], stands.stroke());
        chart.draw_series(self.x.ticks.iter().map(|(at, _)| vertical(*at, Stands::XGrid)))?;
        chart.draw_series(self.bands.iter().map(|(from, until)| {
            Rectangle::new([(*from, self.y.from), (*until, self.y.until)], Stands::Band.color().filled())
        }))?;
        chart.draw_series(self.marks.iter().map(|at| vertical(*at, Stands::Mark)))?;
        for (number, series) in (0_u8..).zip(&self.series) {
            if series.filled {
                chart.draw_series(series.pieces.iter().map(|piece| self.area(piece, number)))?;
            }
            let pieces =
                series.pieces.iter().map(|piece| PathElement::new(piece.clone(), Stands::Line(number).stroke()));
            chart.draw_series(pieces)?;
        }
        let (x, y) = chart.plotting_area().get_pixel_range();
        drop(chart);
        root.present()?;
        Ok([x.start, y.start, x.end, y.end])
    }

    fn plane<'a, 'b>(
        &self,
        root: &DrawingArea<Svg<'a>, Shift>,
        size: Size,
    ) -> Result<ChartContext<'b, Svg<'a>, Plane>, Failure> {
        ChartBuilder::on(root)
            .margin_top(TEXT / 2 * FINE)
            .margin_right(22 * FINE)
            .x_label_area_size((TEXT + 12) * FINE)
            .y_label_area_size(size.left * FINE)
            .build_cartesian_2d(self.x.clone(), self.y.clone())
    }

    fn area(&self, piece: &[(f64, f64)], number: u8) -> Polygon<(f64, f64)> {
        let end = |point: Option<&(f64, f64)>| point.map(|(x, _)| (*x, self.y.from));
        let points: Vec<_> =
            end(piece.first()).into_iter().chain(piece.iter().copied()).chain(end(piece.last())).collect();
        Polygon::new(points, Stands::Area(number).color().filled())
    }

    /// The drawing with class names for colours, its geometry for the script, and without what says nothing.
    fn dressed(&self, drawing: &str, size: Size, plot: [i32; 4]) -> String {
        let body = drawing.split_once('>').map_or(drawing, |(_, body)| body);
        let mut body = body.replace(" opacity=\"1\"", "").replace(&format!(" stroke-width=\"{FINE}\""), "");
        for (number, series) in (0_u8..).zip(&self.series) {
            body = renamed(&body, Stands::Line(number), &format!("line {}", series.key));
            body = renamed(&body, Stands::Area(number), &format!("area {}", series.key));
        }
        for (stands, class) in [
            (Stands::Band, "band"),
            (Stands::Mark, "mark"),
            (Stands::XGrid, "xgrid"),
            (Stands::YGrid, "ygrid"),
            (Stands::XLabel, "xlabel"),
            (Stands::YLabel, "ylabel"),
        ] {
            body = renamed(&body, stands, class);
        }
        let body = body
            .replace(" fill=\"none\"", "")
            .replace(" stroke=\"none\"", "")
            .replace(" font-family=\"sans-serif\"", "");
        format!(
            "<svg class=\"chart {}\" viewBox=\"0 0 {} {}\" data-plot=\"{} {} {} {}\" data-x=\"{} {}\" data-y=\"{} {}\" \
             aria-hidden=\"true\" focusable=\"false\">{body}",
            size.class,
            size.width * FINE,
            size.height * FINE,
            plot[0],
            plot[1],
            plot[2],
            plot[3],
            self.x.from,
            self.x.until,
            self.y.from,
            self.y.until,
        )
    }
}

fn renamed(body: &str, stands: Stands, class: &str) -> String {
    let RGBColor(red, green, blue) = stands.color();
    let color = format!("\"#{red:02X}{green:02X}{blue:02X}\"");
    let class = format!("class=\"{class}\"");
    body.replace(&format!("stroke={color}"), &class).replace(&format!("fill={color}"), &class)
}

/// At most two points for each of `columns` parts of the range: the lowest and the highest in it, in their order. So no
/// peak is lost, however long the run.
pub(crate) fn thinned(points: &[(f64, f64)], from: f64, until: f64, columns: u32) -> Vec<(f64, f64)> {
    let column_of = |x: f64| ((x - from) / (until - from) * f64::from(columns)).floor();
    let mut thinned: Vec<(f64, f64)> = Vec::new();
    for group in points.chunk_by(|(a, _), (b, _)| column_of(*a).total_cmp(&column_of(*b)).is_eq()) {
        let by_y = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1).then(a.0.total_cmp(&b.0));
        let (Some(low), Some(high)) = (group.iter().min_by(by_y), group.iter().max_by(by_y)) else { continue };
        let (first, second) = if low.0 <= high.0 { (low, high) } else { (high, low) };
        thinned.push(*first);
        if first.0 < second.0 {
            thinned.push(*second);
        }
    }
    without_level_runs(&thinned)
}

/// Without the points in the middle of a level stretch.
fn without_level_runs(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let level = |a: (f64, f64), b: (f64, f64)| a.1.total_cmp(&b.1).is_eq();
    points
        .iter()
        .enumerate()
        .filter(|(place, point)| {
            let before = place.checked_sub(1).and_then(|before| points.get(before));
            let after = points.get(place + 1);
            !matches!((before, after), (Some(before), Some(after)) if level(*before, **point) && level(**point, *after))
        })
        .map(|(_, point)| *point)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(series: Vec<Series>) -> Chart {
        Chart {
            name: "rates",
            x: Axis { from: 0.0, until: 10.0, ticks: vec![(0.0, "00:00".to_owned()), (5.0, "<5>".to_owned())] },
            y: Axis { from: 0.0, until: 4.0, ticks: vec![(0.0, "0".to_owned()), (2.0, "2".to_owned())] },
            series,
            bands: vec![(2.0, 3.0)],
            marks: vec![2.5],
        }
    }

    const SIZE: Size = Size { class: "wide", width: 400, height: 200, left: 50 };

    #[test]
    fn colors_are_left_to_the_style_sheet() {
        let line = Series { key: "acked", filled: true, pieces: vec![vec![(0.0, 1.0), (10.0, 3.0)]] };
        let svg = chart(vec![line]).svg(SIZE).unwrap();
        for class in ["line acked", "area acked", "band", "mark", "xgrid", "ygrid", "xlabel", "ylabel"] {
            assert!(svg.contains(&format!("class=\"{class}\"")), "{class}: {svg}");
        }
        assert!(!svg.contains('#'), "no colour is left: {svg}");
        assert!(svg.contains("&lt;5&gt;"), "labels are escaped: {svg}");
        assert!(svg.trim_end().ends_with("</svg>"));
    }

    #[test]
    fn an_empty_chart_can_be_drawn() {
        assert!(chart(Vec::new()).svg(SIZE).is_ok());
    }

    #[test]
    fn thinning_keeps_every_peak_and_every_trough() {
        let points: Vec<(f64, f64)> = (0..10_000)
            .map(|n| {
                (
                    f64::from(n),
                    if n == 7_777 {
                        99.0
                    } else if n == 3_333 {
                        -9.0
                    } else {
                        f64::from(n % 7)
                    },
                )
            })
            .collect();
        let thinned = thinned(&points, 0.0, 10_000.0, 100);
        assert!(thinned.len() <= 200, "{}", thinned.len());
        assert!(thinned.contains(&(7_777.0, 99.0)) && thinned.contains(&(3_333.0, -9.0)));
        assert!(thinned.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn a_level_line_needs_two_points() {
        let points: Vec<(f64, f64)> = (0..1_000).map(|n| (f64::from(n), 5.0)).collect();
        assert_eq!(thinned(&points, 0.0, 1_000.0, 100), [(0.0, 5.0), (999.0, 5.0)]);
    }
}
