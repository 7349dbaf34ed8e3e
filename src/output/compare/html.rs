//! A comparison as one small HTML file: nothing is loaded, nothing runs; both sides' curves as SVG.

use std::fmt::Write as _;

use super::text::{headline, method, remarks};
use crate::compare::figures::{change, label, short, value};
use crate::compare::gate::Outcome;
use crate::compare::{Comparison, Row, Verdict};
use crate::compare::{Curve, CurvePoint};
use crate::figures::as_f64;
use crate::report::GateOutcome;

const STYLE: &str = include_str!("html/compare.css");

/// The comparison and what its rules came to, as a page.
#[must_use]
pub fn html(comparison: &Comparison, outcomes: &[Outcome]) -> String {
    let mut out = String::new();
    page(comparison, outcomes, &mut out).unwrap_or_default();
    out
}

fn page(comparison: &Comparison, outcomes: &[Outcome], out: &mut String) -> std::fmt::Result {
    let (verdict, rest) = headline(comparison)
        .split_once("  ")
        .map_or_else(Default::default, |(verdict, rest)| (verdict.to_owned(), rest.to_owned()));
    writeln!(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(out, "<title>{} · loadgen compare</title>\n<style>\n{STYLE}</style>\n</head>\n<body>", escaped(&verdict))?;
    let class = class(comparison.verdict);
    writeln!(out, "<h1><span class=\"{class}\">{}</span> {}</h1>", escaped(&verdict), escaped(&rest))?;
    writeln!(out, "<dl>")?;
    for (side, report) in [("base", &comparison.base), ("new", &comparison.new)] {
        let runs: Vec<String> = report
            .runs
            .iter()
            .zip(&report.seconds)
            .map(|(name, seconds)| format!("{} ({seconds} s)", escaped(name)))
            .collect();
        writeln!(out, "<dt class=\"{side}\">{side}</dt><dd>{}</dd>", runs.join(", "))?;
    }
    for warning in &comparison.warnings {
        writeln!(out, "<dt>differs</dt><dd>{}</dd>", escaped(&warning.to_string()))?;
    }
    writeln!(out, "</dl>")?;
    table(comparison, out)?;
    if !outcomes.is_empty() {
        writeln!(out, "<ul class=\"rules\">")?;
        for outcome in outcomes {
            let class = match outcome.result {
                GateOutcome::Pass => "better",
                GateOutcome::Fail => "worse",
                GateOutcome::Unevaluated => "inconclusive",
            };
            writeln!(out, "<li class=\"{class}\">{}</li>", escaped(&outcome.to_string()))?;
        }
        writeln!(out, "</ul>")?;
    }
    for curve in &comparison.curves {
        figure(curve, out)?;
    }
    writeln!(out, "<ul>")?;
    for remark in remarks(comparison).into_iter().chain(comparison.notes.iter().cloned()).chain(method(comparison)) {
        writeln!(out, "<li>{}</li>", escaped(&remark))?;
    }
    writeln!(out, "</ul>\n</body>\n</html>")
}

const fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Worse => "worse",
        Verdict::Better => "better",
        Verdict::Inconclusive => "inconclusive",
        Verdict::NoDifference => "same",
        Verdict::NotJudged => "unjudged",
    }
}

fn table(comparison: &Comparison, out: &mut String) -> std::fmt::Result {
    let sure = short(comparison.method.confidence * 100.0);
    writeln!(out, "<div class=\"wide\"><table>\n<thead><tr><th></th><th>base</th><th>new</th><th>change</th>")?;
    writeln!(out, "<th>{sure} % interval</th><th>verdict</th></tr></thead>\n<tbody>")?;
    comparison.rows.iter().try_for_each(|row| writeln!(out, "{}", line(row)))?;
    writeln!(out, "</tbody>\n</table></div>")
}

fn line(row: &Row) -> String {
    let (changed, interval) = change(row);
    let base = value(row.quantity, row.base, row.base_at_least);
    let new = value(row.quantity, row.new, row.new_at_least);
    format!(
        "<tr><th scope=\"row\">{}</th><td>{base}</td><td>{new}</td><td>{changed}</td><td>{interval}</td>\
         <td class=\"{}\">{}</td></tr>",
        escaped(&label(row.quantity)),
        class(row.verdict),
        row.verdict,
    )
}

/// Where a chart lies within its picture.
struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    /// Decades of the share beyond, from 1 down.
    nines: f64,
    /// The logarithms of the smallest and largest latency.
    from: f64,
    to: f64,
}

impl Frame {
    fn of(curve: &Curve) -> Self {
        let points = || curve.base.iter().chain(&curve.new);
        let nines = points().map(|point| nines(point.share)).fold(1.0, f64::max);
        let logarithm = |point: &CurvePoint| as_f64(point.us.max(1)).log10();
        let from = points().map(logarithm).fold(f64::INFINITY, f64::min);
        let to = points().map(logarithm).fold(f64::NEG_INFINITY, f64::max);
        // At least a tenth of a decade, so that equal values are a line across the middle.
        let middle = f64::midpoint(from, to);
        let half = ((to - from) / 2.0).max(0.05) * 1.05;
        Self { left: 64.0, right: 704.0, top: 12.0, bottom: 252.0, nines, from: middle - half, to: middle + half }
    }

    fn x(&self, share: f64) -> f64 {
        self.left + (self.right - self.left) * nines(share) / self.nines
    }

    fn y(&self, us: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * (us.log10() - self.from) / (self.to - self.from)
    }

    /// Round latencies within the frame: 1, 2 and 5 of each decade, or finer where there are few of them.
    fn latencies(&self) -> Vec<f64> {
        let mut ticks = Vec::new();
        for steps in [&[1.0, 2.0, 5.0][..], &[1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0][..]] {
            ticks = (0..=10)
                .flat_map(|decade| steps.iter().map(move |step| step * 10_f64.powi(decade)))
                .filter(|us| us.log10() >= self.from && us.log10() <= self.to)
                .collect();
            if ticks.len() >= 3 {
                break;
            }
        }
        ticks
    }
}

/// How many nines a share has: 0.9 one, 0.99 two. What `HdrHistogram`'s plots have as their axis.
fn nines(share: f64) -> f64 {
    -(1.0 - share).log10()
}

fn figure(curve: &Curve, out: &mut String) -> std::fmt::Result {
    let frame = Frame::of(curve);
    let name = curve.latency.as_str();
    writeln!(
        out,
        "<figure>\n<figcaption>{name} (ms) by percentile: <span class=\"base\">base</span> and <span class=\"new\">new</span></figcaption>"
    )?;
    writeln!(out, "<svg viewBox=\"0 0 720 280\" role=\"img\" aria-label=\"{name} of both sides by percentile\">")?;
    for us in frame.latencies() {
        let y = frame.y(us);
        writeln!(
            out,
            "<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>",
            frame.left, frame.right
        )?;
        let tick = short(us / 1000.0);
        writeln!(out, "<text class=\"left\" x=\"{}\" y=\"{:.1}\">{tick}</text>", frame.left - 6.0, y + 4.0)?;
    }
    for (share, text) in
        [(0.0, "0"), (0.5, "50"), (0.9, "90"), (0.99, "99"), (0.999, "99.9"), (0.9999, "99.99"), (0.99999, "99.999")]
    {
        if nines(share) <= frame.nines {
            let x = frame.x(share);
            writeln!(
                out,
                "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{}\" y2=\"{}\"/>",
                frame.top, frame.bottom
            )?;
            writeln!(out, "<text class=\"under\" x=\"{x:.1}\" y=\"{}\">{text}</text>", frame.bottom + 18.0)?;
        }
    }
    for (side, points) in [("base", &curve.base), ("new", &curve.new)] {
        let points: Vec<String> = points
            .iter()
            .map(|point| format!("{:.1},{:.1}", frame.x(point.share), frame.y(as_f64(point.us.max(1)))))
            .collect();
        writeln!(out, "<polyline class=\"{side}\" points=\"{}\"/>", points.join(" "))?;
    }
    writeln!(out, "</svg>\n</figure>")
}

/// Text that HTML leaves alone: names of bundles and settings come from outside.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
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
        html(&comparison, &evaluate(&comparison, &[Rule::NothingWorse]))
    }

    #[test]
    fn the_page_has_both_curves_of_every_latency_and_loads_nothing() {
        let page = shown("b");
        for side in ["base", "new"] {
            assert_eq!(page.matches(&format!("<polyline class=\"{side}\"")).count(), 3);
        }
        for word in ["http", "src=", "url(", "@import", "<script", "NaN", "inf"] {
            assert!(!page.contains(word), "{word}");
        }
        assert!(page.len() < 60_000, "{}", page.len());
    }

    #[test]
    fn the_page_tells_what_each_rule_came_to() {
        let page = shown("b");
        assert!(page.contains("<ul class=\"rules\">"), "{page}");
        assert!(page.contains("UNEVALUATED  ") || page.contains("PASS  ") || page.contains("FAIL  "));
    }

    #[test]
    fn a_name_cannot_break_out_of_the_page() {
        let page = shown("<script>alert('x')</script>");
        assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;") && !page.contains("<script"));
    }
}
