//! capacity.html: the interval, the latency curve over the rate, and every probe, as one file that loads nothing.

use std::collections::BTreeMap;

use minijinja::{AutoEscape, Environment, UndefinedBehavior, value::Serde};
use serde::Serialize;

use crate::capacity::record::{Record, Searched};
use crate::capacity::{Probe, ProbeVerdict};
use crate::figures::{self, as_f64};
use crate::output::capacity::text;
use crate::output::html::chart::{Axis, Chart, Series, Size};
use crate::output::html::{HtmlError, ticks};

const TEMPLATE: &str = include_str!("page/capacity.html.j2");
const STYLE: &str = include_str!("page/capacity.css");
const SIZE: Size = Size { class: "wide", width: 720, height: 300, left: 64 };

#[derive(Serialize)]
struct Page<'a> {
    style: &'static str,
    record: &'a Record,
    probes: String,
    searches: Vec<SearchView>,
}

#[derive(Serialize)]
struct SearchView {
    title: Option<String>,
    headline: String,
    chart: Option<String>,
    knee: Option<String>,
    contradictions: Vec<String>,
    rows: Vec<RowView>,
}

#[derive(Serialize)]
struct RowView {
    number: usize,
    rate: String,
    achieved: String,
    p50: String,
    p99: String,
    outstanding: String,
    unread: String,
    class: &'static str,
    result: String,
}

/// The page.
///
/// # Errors
/// Where the chart cannot be drawn or the template does not fit: a defect of this program.
pub fn render(record: &Record) -> Result<String, HtmlError> {
    let searches = record.searches.iter().map(|searched| view(record, searched)).collect::<Result<_, _>>()?;
    let page = Page { style: STYLE, record, probes: text::probes(record), searches };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("capacity.html", TEMPLATE)?;
    Ok(environment.get_template("capacity.html")?.render(Serde(&page))?)
}

fn view(record: &Record, searched: &Searched) -> Result<SearchView, HtmlError> {
    let found = &searched.found;
    let title = match (&record.varied, searched.number) {
        (Some(varied), Some(number)) => Some(format!("{varied} {number}")),
        _ => None,
    };
    let knee = found.knee.map(|knee| {
        let p99 = figures::duration_s(knee.p99_us / 1e6);
        format!("latency leaves its plateau near {}, where p99 is {p99}", figures::rate(knee.rate))
    });
    let headline = text::headline(record, searched);
    Ok(SearchView {
        title,
        headline: headline.strip_prefix("CAPACITY  ").map(str::to_owned).unwrap_or(headline),
        chart: chart(&found.probes).map(|chart| chart.svg(SIZE)).transpose()?,
        knee,
        contradictions: found.contradictions.clone(),
        rows: found.probes.iter().enumerate().map(|(place, probe)| row(place + 1, probe)).collect(),
    })
}

fn row(number: usize, probe: &Probe) -> RowView {
    let outcome = &probe.outcome;
    let time = |us: Option<u64>| us.map_or_else(|| "–".to_owned(), figures::duration_us);
    let slope = |slope: Option<crate::capacity::backlog::Slope>| {
        slope.map_or_else(|| "–".to_owned(), |slope| format!("{:+.0} ± {:.0}", slope.per_s, slope.error_per_s))
    };
    let class = match outcome.verdict {
        ProbeVerdict::Passed => "passed",
        ProbeVerdict::Failed => "failed",
        ProbeVerdict::GeneratorLimit | ProbeVerdict::Unevaluated => "open",
    };
    let reasons = if outcome.reasons.is_empty() { String::new() } else { format!(": {}", outcome.reasons.join("; ")) };
    RowView {
        number,
        rate: figures::count(probe.rate),
        achieved: figures::number(outcome.achieved_per_s, 1),
        p50: time(outcome.p50_us),
        p99: time(outcome.p99_us),
        outstanding: slope(outcome.outstanding),
        unread: slope(outcome.unread),
        class,
        result: format!("{}{reasons}", text::word(outcome.verdict)),
    }
}

/// Response time over the rate, both as logarithms, with a line at each failed rate. `None` for fewer than two rates.
fn chart(probes: &[Probe]) -> Option<Chart> {
    let mut by_rate: BTreeMap<u64, Vec<&Probe>> = BTreeMap::new();
    for probe in probes {
        by_rate.entry(probe.rate).or_default().push(probe);
    }
    // Of several probes at a rate the middle one.
    let curve = |latency: fn(&Probe) -> Option<u64>| -> Vec<(f64, f64)> {
        let point = |(rate, probes): (&u64, &Vec<&Probe>)| {
            let mut found: Vec<u64> = probes.iter().filter_map(|probe| latency(probe)).collect();
            found.sort_unstable();
            let middle = *found.get(found.len() / 2)?;
            Some((as_f64(*rate).log10(), as_f64(middle.max(1)).log10()))
        };
        by_rate.iter().filter_map(point).collect()
    };
    let (p50, p99) = (curve(|probe| probe.outcome.p50_us), curve(|probe| probe.outcome.p99_us));
    // A short probe has a median, but too few samples for its p99.
    let points = || p50.iter().chain(&p99);
    let first = points().map(|(x, _)| *x).fold(f64::INFINITY, f64::min);
    let last = points().map(|(x, _)| *x).fold(f64::NEG_INFINITY, f64::max);
    if last <= first {
        return None;
    }
    let latencies = || points().map(|(_, y)| *y);
    let lowest = latencies().fold(f64::INFINITY, f64::min).floor();
    let highest = latencies().fold(f64::NEG_INFINITY, f64::max).ceil().max(lowest + 1.0);
    let failed = |probes: &Vec<&Probe>| probes.iter().all(|probe| probe.outcome.verdict != ProbeVerdict::Passed);
    let marks = by_rate.iter().filter(|(_, probes)| failed(probes)).map(|(rate, _)| as_f64(*rate).log10()).collect();
    Some(Chart {
        name: "capacity",
        x: Axis { from: first, until: last, ticks: rates(first, last) },
        y: Axis { from: lowest, until: highest, ticks: ticks::latency(lowest, highest) },
        series: vec![
            Series { key: "p50", filled: false, pieces: vec![p50] },
            Series { key: "p99", filled: false, pieces: vec![p99] },
        ],
        bands: Vec::new(),
        marks,
    })
}

/// Round rates between two decimal logarithms, more of them where these are close.
fn rates(from: f64, until: f64) -> Vec<ticks::Tick> {
    let factors: &[f64] = match until - from {
        span if span < 0.35 => &[1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
        span if span < 0.8 => &[1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0],
        _ => &[1.0, 2.0, 5.0],
    };
    let mut ticks = Vec::new();
    let mut decade = 10_f64.powf(from.floor());
    while decade.log10() <= until {
        for factor in factors {
            let at = (factor * decade).log10();
            if (from..=until).contains(&at) {
                ticks.push((at, figures::rate(factor * decade)));
            }
        }
        decade *= 10.0;
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::super::text::tests::record;
    use super::*;

    #[test]
    fn the_page_shows_every_probe_and_loads_nothing() {
        for varied in [false, true] {
            let page = render(&record(varied)).unwrap();
            assert!(page.contains("<svg class=\"chart wide\""), "{page}");
            assert!(page.contains("class=\"failed\">FAILED: response_time.p99 &lt; 250ms"), "{page}");
            assert!(page.contains("raw-events @ &lt;broker&gt;:9092"), "{page}");
            assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"), "{page}");
        }
    }
}
