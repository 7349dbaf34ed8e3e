//! report.html: one file that opens offline, in light and dark, on paper and on a phone, with a keyboard and with a
//! screen reader. The verdict first, then what it rests on.
//!
//! Rust lays out every table and draws every chart; the script in the page adds values under the pointer and zoom. Text
//! from outside passes through the template's escaping, and the page forbids itself the network. The pages of `compare` and
//! `capacity` are made of the same style sheet, script and macros.

pub(crate) mod chart;
mod cluster;
pub(crate) mod curves;
mod latency;
mod outcome;
mod pack;
pub(crate) mod page;
mod reading;
mod results;
mod setup;
pub(crate) mod ticks;
mod timeline;

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

pub use self::chart::ChartError;
use self::page::Data;
pub use self::page::{FILE, HtmlError};
use crate::explain;
use crate::gate::BuiltIn;
use crate::ledger::Class;
use crate::report::RunReport;

const TEMPLATE: &str = include_str!("html/report.html.j2");

/// Names whose definitions the page asks for, beside those of classes and built-in gates: what it has tables of.
const WORDS: [&str; 25] = [
    "slip",
    "lateness",
    "blocked",
    "capped",
    "service_time",
    "response_time",
    "end_to_end",
    "duplicates",
    "reordered",
    "invalid",
    "misplaced",
    "foreign",
    "sibling",
    "seen_then_gone",
    "not_replicated",
    "behind_transaction",
    "held_aborted",
    "re_encoded",
    "not_readable_by_reader",
    "awaits_schema",
    "negative_latency",
    "censored",
    "offered.achieved",
    "partitions.skew",
    "warm-up",
];

fn words() -> impl Iterator<Item = &'static str> {
    let tables = Class::ALL.map(Class::as_str).into_iter().chain(BuiltIn::ALL.map(BuiltIn::as_str));
    tables.chain(WORDS)
}

#[derive(Serialize)]
struct View {
    head: outcome::HeadView,
    ledger: Option<outcome::LedgerView>,
    reading: Option<reading::ReadingView>,
    latency: latency::LatencyView,
    timeline: Option<timeline::TimelineView>,
    gates: Vec<outcome::GateView>,
    results: Vec<results::ResultsView>,
    findings: outcome::FindingsView,
    phases: Vec<setup::PhaseView>,
    types: Vec<cluster::TypeView>,
    partitions: Option<cluster::PartitionsView>,
    hot_keys: Vec<cluster::KeyView>,
    replay: Option<setup::ReplayView>,
    collected: Option<setup::CollectedView>,
    mirrored: Option<Vec<setup::Fact>>,
    setup: setup::SetupView,
    words: BTreeMap<&'static str, String>,
}

/// Writes the page of a run. The definition of a name in the report becomes a tooltip and an entry of the page's glossary.
///
/// # Errors
/// Where `out` cannot be written, a chart cannot be drawn or the template does not fit: the latter two are defects of this
/// program, not of the report.
pub fn write(mut out: impl Write, report: &RunReport) -> io::Result<()> {
    out.write_all(render(report).map_err(io::Error::other)?.as_bytes())
}

fn render(report: &RunReport) -> Result<String, HtmlError> {
    let (latency, curves) = latency::latency(report)?;
    let (timeline, timeline_data) = timeline::timeline(report)?.unzip();
    let view = View {
        head: outcome::head(report),
        ledger: (!report.is_alone()).then(|| outcome::ledger(report)),
        reading: report.reading.as_ref().map(|reading| reading::view(report, reading)),
        latency,
        timeline,
        gates: outcome::gates(report),
        results: report.expectations.iter().map(results::view).collect(),
        findings: outcome::findings(report),
        phases: setup::phases(report),
        types: cluster::types(report),
        partitions: cluster::partitions(report),
        hot_keys: cluster::hot_keys(report),
        replay: setup::replay(report),
        collected: report.collected.as_ref().map(setup::collected),
        mirrored: report.mirrored.as_ref().map(setup::mirrored),
        setup: setup::setup(report),
        words: words().filter_map(|word| explain::sentence(word).map(|text| (word, text.to_owned()))).collect(),
    };
    page::render(TEMPLATE, &view, &Data { timeline: timeline_data, curves })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_page_is_defined() {
        let undefined: Vec<_> = words().filter(|word| explain::sentence(word).is_none()).collect();
        assert!(undefined.is_empty(), "{undefined:?}");
        let page = render(&RunReport::default()).unwrap();
        assert!(page.contains(&format!("title=\"{}\"", explain::sentence("lost").unwrap())));
    }
}
