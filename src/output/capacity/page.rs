//! capacity.html: the interval, the latency curve over the rate, and every probe, as one file that loads nothing, in the
//! style of report.html.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::capacity::backlog::Slope;
use crate::capacity::record::{Record, Searched};
use crate::capacity::{Answer, CapacityReport, Probe, ProbeVerdict};
use crate::figures::{self, as_f64};
use crate::output::capacity::text;
use crate::output::html::chart::{Axis, ChartError};
use crate::output::html::curves::{self, Figure, Line};
use crate::output::html::page::{self, Curves, Data, FigureView, Moment, TileView};
use crate::output::html::{HtmlError, ticks};

const TEMPLATE: &str = include_str!("page/capacity.html.j2");

#[derive(Serialize)]
struct View {
    tone: &'static str,
    embedded: bool,
    not_begun: Option<String>,
    started_at: Moment,
    target: String,
    probes: String,
    tiles_shown: Vec<TileView>,
    kept: Vec<(&'static str, String)>,
    searches: Vec<SearchView>,
}

#[derive(Serialize)]
struct SearchView {
    title: Option<String>,
    headline: String,
    /// Whether both ends of the interval are known.
    enclosed: bool,
    figure: Option<FigureView>,
    knee: Option<String>,
    contradictions: Vec<String>,
    /// The quantile that a gate names, where one names another than those that are always shown.
    gated: Option<String>,
    rows: Vec<RowView>,
}

#[derive(Serialize)]
struct RowView {
    number: usize,
    link: Option<String>,
    rate: String,
    achieved: String,
    p50: String,
    p99: String,
    gated: Option<String>,
    outstanding: String,
    unread: String,
    tone: &'static str,
    word: &'static str,
    reasons: String,
}

/// The page. `folder` tells where the bundle of a search's probe is, as seen from the page: by the number of what was
/// varied, the probe's place from 1 on, and its rate.
///
/// # Errors
/// Where the chart cannot be drawn or the template does not fit: a defect of this program.
pub fn render(
    record: &Record,
    folder: &dyn Fn(Option<u16>, usize, u64) -> Option<String>,
) -> Result<String, HtmlError> {
    let (mut searches, mut curves) = (Vec::new(), BTreeMap::new());
    for searched in &record.searches {
        let drawn = figure(searched)?;
        let figure = drawn.map(|(view, lines)| {
            curves.insert(view.name.clone(), lines);
            view
        });
        searches.push(view(record, searched, figure, folder));
    }
    let left: Vec<String> = record.not_begun().map(|number| number.to_string()).collect();
    let varied = record.varied.as_deref().unwrap_or_default();
    let view = View {
        tone: match record.answer() {
            Answer::SystemLimit | Answer::AboveMax => "good",
            Answer::FailsAtLowest => "bad",
            _ => "warn",
        },
        embedded: record.embedded,
        not_begun: (!left.is_empty()).then(|| format!("{varied} {}: not begun", left.join(", "))),
        started_at: Moment::of(&record.started_at),
        target: record.target.clone(),
        probes: text::probes(record),
        tiles_shown: tiles(record),
        kept: kept(record),
        searches,
    };
    page::render(TEMPLATE, &view, &Data::of_curves(curves))
}

/// The ends of the interval; of several searches, each one's.
fn tiles(record: &Record) -> Vec<TileView> {
    let rate = |end: &Option<crate::capacity::End>| {
        end.as_ref().map_or_else(|| figures::NONE.to_owned(), |end| figures::rate(as_f64(end.rate)))
    };
    let tile = |label: String, value, note, tone| TileView { label, value, note, tone };
    if let Some(varied) = &record.varied {
        let of_search = |searched: &Searched| {
            let number = searched.number.map_or_else(String::new, |number| number.to_string());
            let (low, high) = (rate(&searched.found.low), rate(&searched.found.high));
            tile(format!("{varied} {number}"), low, format!("passed; {high} did not"), "")
        };
        return record.searches.iter().map(of_search).collect();
    }
    let Some(searched) = record.searches.first() else { return Vec::new() };
    let found = &searched.found;
    let probes = |end: &Option<crate::capacity::End>| {
        end.as_ref().map_or_else(String::new, |end| figures::counted(end.probes.into(), "probe"))
    };
    let width = found
        .width_percent()
        .map_or_else(|| figures::NONE.to_owned(), |width| format!("{} %", figures::significant(width)));
    let made = figures::counted(found.probes.len() as u64, "probe");
    let wanted = format!("{} % asked for", figures::trimmed(found.config.precision * 100.0, 2));
    vec![
        tile("highest that passed".to_owned(), rate(&found.low), probes(&found.low), ""),
        tile("lowest that did not".to_owned(), rate(&found.high), probes(&found.high), ""),
        tile("width of the interval".to_owned(), width, wanted, ""),
        tile("time in probes".to_owned(), figures::span_s(found.took_s.round()), made, ""),
    ]
}

/// The rules, and what held for all probes.
fn kept(record: &Record) -> Vec<(&'static str, String)> {
    let mut rows = vec![("built in", "nothing lost, backlog not growing, generator healthy".to_owned())];
    let gates = if record.gates.is_empty() {
        "none was given, so latency set no limit".to_owned()
    } else {
        record.gates.join(", ")
    };
    rows.push(("gates", gates));
    rows.extend(
        record
            .cpu_quota
            .map(|quota| ("generator", format!("{}, by its control group's quota", crate::report::processors(quota)))),
    );
    if let (Some(scaling), Some(varied)) = (&record.scaling, &record.varied) {
        let percent = |share: f64| format!("{} %", figures::significant(share * 100.0));
        let told = format!(
            "Universal Scalability Law over {varied}: one alone {}, contention {}, coherency {}",
            figures::rate(scaling.single.value),
            percent(scaling.contention.value),
            percent(scaling.coherency.value)
        );
        rows.push(("scaling", told));
    }
    rows
}

fn view(
    record: &Record,
    searched: &Searched,
    figure: Option<FigureView>,
    folder: &dyn Fn(Option<u16>, usize, u64) -> Option<String>,
) -> SearchView {
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
    let gated = text::gated(found);
    let rows = found.probes.iter().zip(1..).map(|(probe, number)| {
        let folder = folder(searched.number, number, probe.rate);
        row(number, probe, gated, folder.as_deref().map(page::link))
    });
    SearchView {
        title,
        headline: headline.strip_prefix("CAPACITY  ").map(str::to_owned).unwrap_or(headline),
        enclosed: interval(found).is_some(),
        figure,
        knee,
        gated: gated.map(|path| {
            path.replace("response_time.", "")
                .replace("end_to_end.", "end-to-end ")
                .replace("service_time.", "service ")
        }),
        contradictions: found.contradictions.clone(),
        rows: rows.collect(),
    }
}

fn row(number: usize, probe: &Probe, gated: Option<&str>, link: Option<String>) -> RowView {
    let outcome = &probe.outcome;
    let time = |us: Option<u64>| us.map_or_else(|| figures::NONE.to_owned(), figures::duration_us);
    let slope = |slope: Option<Slope>| {
        slope.map_or_else(
            || figures::NONE.to_owned(),
            |slope| {
                let shown = figures::number(slope.per_s, 0);
                let sign = if slope.per_s > 0.0 && shown != "0" { "+" } else { "" };
                format!("{sign}{shown} ± {}", figures::number(slope.error_per_s, 0))
            },
        )
    };
    RowView {
        number,
        link,
        rate: figures::count(probe.rate),
        achieved: figures::significant(outcome.achieved_per_s),
        p50: time(outcome.p50_us),
        p99: time(outcome.p99_us),
        gated: gated.map(|path| time(outcome.gated_us.get(path).copied())),
        outstanding: slope(outcome.outstanding),
        unread: slope(outcome.unread),
        tone: match outcome.verdict {
            ProbeVerdict::Passed => "good",
            ProbeVerdict::Failed => "bad",
            ProbeVerdict::GeneratorLimit | ProbeVerdict::Unevaluated => "warn",
        },
        word: text::word(outcome.verdict),
        reasons: outcome.reasons.join("; "),
    }
}

/// The ends of the interval as they lie on the chart.
fn interval(found: &CapacityReport) -> Option<(f64, f64)> {
    let (low, high) = (found.low.as_ref()?, found.high.as_ref()?);
    Some((as_f64(low.rate).log10(), as_f64(high.rate).log10())).filter(|(from, until)| from < until)
}

/// Response time over the rate, both as logarithms, with a line at each failed rate and the interval shaded. `None` for
/// fewer than two rates.
fn figure(searched: &Searched) -> Result<Option<(FigureView, Curves)>, ChartError> {
    let found = &searched.found;
    let mut by_rate: BTreeMap<u64, Vec<&Probe>> = BTreeMap::new();
    for probe in &found.probes {
        by_rate.entry(probe.rate).or_default().push(probe);
    }
    // Of several probes at a rate the middle one.
    let curve = |latency: fn(&Probe) -> Option<u64>| -> Vec<(f64, f64)> {
        let point = |(rate, probes): (&u64, &Vec<&Probe>)| {
            let mut found: Vec<u64> = probes.iter().filter_map(|probe| latency(probe)).collect();
            found.sort_unstable();
            let middle = *found.get(found.len() / 2)?;
            Some((as_f64(*rate).log10(), as_f64(middle)))
        };
        by_rate.iter().filter_map(point).collect()
    };
    // A short probe has a median, but too few samples for its p99.
    let lines = [
        Line { key: "response_p50", label: "response p50", points: curve(|probe| probe.outcome.p50_us) },
        Line { key: "response_p99", label: "response p99", points: curve(|probe| probe.outcome.p99_us) },
    ];
    let lines: Vec<Line> = lines.into_iter().filter(|line| !line.points.is_empty()).collect();
    let places = || by_rate.keys().map(|rate| as_f64(*rate).log10());
    let first = places().fold(f64::INFINITY, f64::min);
    let last = places().fold(f64::NEG_INFINITY, f64::max);
    if last <= first || lines.is_empty() {
        return Ok(None);
    }
    let margin = (last - first) * 0.03;
    let (from, until) = (first - margin, last + margin);
    let failed = |probes: &Vec<&Probe>| probes.iter().all(|probe| probe.outcome.verdict != ProbeVerdict::Passed);
    let marks = by_rate.iter().filter(|(_, probes)| failed(probes)).map(|(rate, _)| as_f64(*rate).log10());
    let number = searched.number.map_or_else(String::new, |number| format!("-{number}"));
    let figure = Figure {
        name: format!("capacity{number}"),
        title: "Response time over the rate offered".to_owned(),
        note: "both axes logarithmic; of several probes at a rate the middle one is drawn".to_owned(),
        summary: "response time of each rate that was probed".to_owned(),
        lines,
        bands: interval(found).into_iter().collect(),
        marks: marks.collect(),
    };
    let x = |width: u32| Axis { from, until, ticks: rates(from, until, if width > 500 { 10 } else { 4 }) };
    curves::over(&figure, &|size| x(size.width)).map(Some)
}

/// Round rates between two decimal logarithms: as fine as `most` labels allow.
fn rates(from: f64, until: f64, most: usize) -> Vec<ticks::Tick> {
    const STEPS: [&[f64]; 6] = [
        &[1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
        &[1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0],
        &[1.0, 2.0, 5.0],
        &[1.0, 3.0],
        &[1.0],
        &[],
    ];
    let of = |factors: &&[f64]| -> Vec<ticks::Tick> {
        let decades = std::iter::successors(Some(10_f64.powf(from.floor())), |decade| Some(decade * 10.0));
        let decades = decades.take_while(|decade| decade.log10() <= until);
        let all = decades.flat_map(|decade| factors.iter().map(move |factor| factor * decade));
        let shown = all.filter(|rate| (from..=until).contains(&rate.log10()));
        shown.map(|rate| (rate.log10(), figures::rate(rate))).collect()
    };
    let tried: Vec<_> = STEPS.iter().map(of).collect();
    let fits = tried.iter().find(|ticks| !ticks.is_empty() && ticks.len() <= most);
    // Between two round numbers there may be none: then the finest.
    fits.or(tried.first()).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::text::tests::record;
    use super::*;

    #[test]
    fn the_page_shows_every_probe_and_loads_nothing() {
        for varied in [false, true] {
            let page =
                render(&record(varied), &|_, place, rate| (place == 1).then(|| format!("probes/01-{rate}"))).unwrap();
            let page = page.replace("&#x2f;", "/");
            assert!(page.contains("<svg class=\"chart wide\""), "{page}");
            assert!(page.contains("<span class=\"pill bad\">FAILED</span>"), "{page}");
            assert!(page.contains("<td>response_time.p99 &lt; 250ms</td>"), "{page}");
            assert!(page.contains("<a href=\"./probes/01-1000/report.html\">1</a>"), "{page}");
            assert!(page.contains("class=\"band\""), "the interval is drawn: {page}");
            assert!(page.contains("raw-events @ &lt;broker&gt;:9092"), "{page}");
            let own = page.replace("http://www.w3.org/2000/svg", "");
            assert!(!own.contains("http://") && !own.contains("https://") && !own.contains("src="), "{page}");
        }
    }

    #[test]
    fn rates_are_labelled_as_finely_as_there_is_room() {
        let labels = |from: f64, until: f64, most| -> Vec<String> {
            rates(from.log10(), until.log10(), most).into_iter().map(|(_, label)| label).collect()
        };
        assert_eq!(labels(900.0, 11_000.0, 4), ["1,000/s", "2,000/s", "5,000/s", "10,000/s"]);
        assert_eq!(labels(900.0, 90_000_000.0, 5), ["1,000/s", "10,000/s", "100,000/s", "1,000,000/s", "10,000,000/s"]);
        assert!(!labels(1_000.0, 1_300.0, 10).is_empty());
    }
}
