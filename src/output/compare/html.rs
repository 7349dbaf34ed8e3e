//! A comparison as one HTML file in the style of report.html: nothing is loaded; both sides' curves as SVG.

use std::collections::BTreeMap;

use serde::Serialize;

use super::text::{self, headline, method, remarks};
use crate::compare::figures::{change, label, short};
use crate::compare::gate::Outcome;
use crate::compare::{Comparison, Curve, CurvePoint, Point, Quantity, ResultRow, Row, SideReport, Verdict};
use crate::figures::{NONE, as_f64, significant};
use crate::output::html::HtmlError;
use crate::output::html::chart::ChartError;
use crate::output::html::curves::{self, Figure, Line};
use crate::output::html::page::{self, Curves, Data, FigureView, TileView};
use crate::recording::LatencyKind;
use crate::report::GateOutcome;

const TEMPLATE: &str = include_str!("html/compare.html.j2");

/// Where the pages of the runs are that were compared, for both sides in the order of their runs; `None` where there is none.
#[derive(Clone, Debug, Default)]
pub struct Folders {
    /// BASE.
    pub base: Vec<Option<String>>,
    /// NEW.
    pub new: Vec<Option<String>>,
}

#[derive(Serialize)]
struct View {
    title: String,
    verdict: String,
    sentence: String,
    tone: &'static str,
    sides: [SideView; 2],
    tiles_shown: Vec<TileView>,
    differs: Vec<String>,
    rules: Vec<RuleView>,
    sure: String,
    rows: Vec<RowView>,
    results: Vec<RowView>,
    notes: Vec<String>,
    figures: Vec<FigureView>,
}

#[derive(Serialize)]
struct SideView {
    name: &'static str,
    runs: Vec<RunView>,
}

#[derive(Serialize)]
struct RunView {
    name: String,
    seconds: usize,
    link: Option<String>,
}

#[derive(Serialize)]
struct RuleView {
    tone: &'static str,
    word: String,
    text: String,
}

#[derive(Serialize)]
struct RowView {
    name: String,
    base: String,
    new: String,
    change: String,
    interval: String,
    tone: &'static str,
    verdict: String,
}

/// The comparison and what its rules came to, as a page with links to the runs' own.
///
/// # Errors
/// Where a chart cannot be drawn or the template does not fit: a defect of this program.
pub fn html(comparison: &Comparison, outcomes: &[Outcome], folders: &Folders) -> Result<String, HtmlError> {
    let headline = headline(comparison);
    let (word, sentence) = headline.split_once("  ").unwrap_or((&headline, ""));
    let (mut figures, mut curves) = (Vec::new(), BTreeMap::new());
    for curve in &comparison.curves {
        let (view, lines) = figure(curve)?;
        curves.insert(view.name.clone(), lines);
        figures.push(view);
    }
    let notes = remarks(comparison).into_iter().chain(comparison.notes.iter().cloned()).chain(method(comparison));
    let view = View {
        title: format!("{word} · loadgen compare"),
        verdict: word.to_owned(),
        sentence: sentence.to_owned(),
        tone: match comparison.verdict {
            Verdict::NotJudged => "warn",
            judged => tone(judged),
        },
        sides: [side("base", &comparison.base, &folders.base), side("new", &comparison.new, &folders.new)],
        tiles_shown: tiles(comparison),
        differs: comparison.warnings.iter().map(ToString::to_string).collect(),
        rules: outcomes.iter().map(rule).collect(),
        sure: short(comparison.method.confidence * 100.0),
        rows: comparison.rows.iter().map(row).collect(),
        results: comparison.results.iter().map(result).collect(),
        notes: notes.collect(),
        figures,
    };
    page::render(TEMPLATE, &view, &Data::of_curves(curves))
}

fn result(row: &ResultRow) -> RowView {
    RowView {
        name: format!("{}: {}", row.expectation, row.figure),
        base: text::figure(row, row.base),
        new: text::figure(row, row.new),
        change: String::new(),
        interval: String::new(),
        tone: tone(row.verdict),
        verdict: row.verdict.to_string(),
    }
}

const fn tone(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Worse => "bad",
        Verdict::Better | Verdict::NoDifference => "good",
        Verdict::Inconclusive => "warn",
        Verdict::NotJudged => "soft",
    }
}

fn side(name: &'static str, report: &SideReport, folders: &[Option<String>]) -> SideView {
    let links = folders.iter().map(|folder| folder.as_deref().map(page::link)).chain(std::iter::repeat(None));
    let runs = report.runs.iter().zip(&report.seconds).zip(links);
    let runs = runs.map(|((name, seconds), link)| RunView { name: name.clone(), seconds: *seconds, link });
    SideView { name, runs: runs.collect() }
}

/// What is looked for first, as far as it was measured on both sides.
fn tiles(comparison: &Comparison) -> Vec<TileView> {
    let first = [
        Quantity::Latency(LatencyKind::ResponseTime, Point::P50),
        Quantity::Latency(LatencyKind::ResponseTime, Point::P99),
        Quantity::Latency(LatencyKind::EndToEnd, Point::P99),
        Quantity::AckedRate,
    ];
    let rows = first.into_iter().filter_map(|of| comparison.rows.iter().find(|row| row.quantity == of));
    rows.filter(|row| row.change_percent.is_some())
        .map(|row| {
            let view = self::row(row);
            TileView {
                label: view.name,
                value: view.change,
                note: format!("{} → {}, {}", view.base, view.new, view.verdict),
                tone: match view.tone {
                    "bad" => "bad",
                    _ => "",
                },
            }
        })
        .collect()
}

fn rule(outcome: &Outcome) -> RuleView {
    let tone = match outcome.result {
        GateOutcome::Pass => "good",
        GateOutcome::Fail => "bad",
        GateOutcome::Unevaluated => "warn",
    };
    let text = outcome.to_string();
    let (word, text) = text.split_once("  ").unwrap_or((&text, ""));
    RuleView { tone, word: word.to_owned(), text: text.to_owned() }
}

fn row(row: &Row) -> RowView {
    let (change, interval) = change(row);
    let value = |value: Option<f64>, at_least: bool| {
        let shown = value.map(|value| match row.quantity {
            Quantity::Latency(..) => significant(value / 1e3),
            _ => significant(value),
        });
        shown.map_or_else(|| NONE.to_owned(), |shown| if at_least { format!("≥ {shown}") } else { shown })
    };
    RowView {
        name: label(row.quantity),
        base: value(row.base, row.base_at_least),
        new: value(row.new, row.new_at_least),
        change,
        interval,
        tone: tone(row.verdict),
        verdict: row.verdict.to_string(),
    }
}

fn figure(curve: &Curve) -> Result<(FigureView, Curves), ChartError> {
    let name = curve.latency.as_str();
    let line = |key, points: &[CurvePoint]| Line {
        key,
        label: key,
        points: points.iter().map(|point| (curves::place(point.share), as_f64(point.us))).collect(),
    };
    curves::over_percentiles(Figure {
        name: name.to_owned(),
        title: name.to_owned(),
        note: String::new(),
        summary: format!("{name} of both sides by percentile"),
        lines: vec![line("base", &curve.base), line("new", &curve.new)],
        bands: Vec::new(),
        marks: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::fixture::bundle;
    use crate::compare::gate::{Rule, evaluate};
    use crate::compare::{Options, compare};

    fn shown(name: &str) -> String {
        let mut new = bundle("b", 60, 2);
        new.name = name.to_owned();
        let how = Options { draws: 200, ..Options::default() };
        let comparison = compare(&[bundle("a", 60, 1)], &[new], &how).unwrap();
        let folders = Folders { base: vec![Some("results/a".to_owned())], new: vec![None] };
        let page = html(&comparison, &evaluate(&comparison, &[Rule::NothingWorse]), &folders).unwrap();
        page.replace("&#x2f;", "/")
    }

    #[test]
    fn the_page_has_both_curves_of_every_latency_and_loads_nothing() {
        let page = shown("b");
        for side in ["base", "new"] {
            assert_eq!(page.matches(&format!("<polyline class=\"line {side}\"")).count(), 6, "three, wide and narrow");
        }
        for word in ["http://", "https://", "src=", "url(\"", "@import", "<link"] {
            assert!(!page.replace("http://www.w3.org/2000/svg", "").contains(word), "{word}");
        }
        assert!(page.len() < 90_000, "{}", page.len());
    }

    #[test]
    fn axes_have_units_and_the_runs_have_links_where_there_are_pages() {
        let page = shown("b");
        let labels: Vec<&str> =
            page.split("class=\"ylabel\"").skip(1).filter_map(|rest| rest.split('<').next()).collect();
        assert!(labels.len() >= 6 && labels.iter().all(|label| label.trim().ends_with('s')), "{labels:?}");
        assert!(page.contains("99 %"), "percentiles say that they are");
        assert!(page.contains("<a href=\"./results/a/report.html\">"));
        assert_eq!(page.matches("/report.html\">").count(), 1, "none where there is no page");
    }

    #[test]
    fn the_page_tells_what_each_rule_came_to() {
        let page = shown("b");
        let section = page.split("id=\"rules\"").nth(1).unwrap();
        assert!([">PASS<", ">FAIL<", ">UNEVALUATED<"].iter().any(|word| section.contains(word)), "{section}");
    }

    #[test]
    fn a_name_cannot_break_out_of_the_page() {
        let page = shown("<script>alert('x')</script>");
        assert!(page.contains("&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;"), "{page}");
        assert_eq!(page.matches("<script").count(), 2, "its own two");
    }
}
