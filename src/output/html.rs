//! report.html: one file that opens offline, in light and dark, on paper and on a phone, with a keyboard and with a
//! screen reader. The verdict first, then what it rests on.
//!
//! Rust lays out every table and draws every chart; the script in the page adds values under the pointer and zoom. Text
//! from outside passes through the template's escaping, and the page forbids itself the network.

pub(crate) mod chart;
mod cluster;
mod latency;
mod outcome;
mod pack;
mod reading;
mod setup;
pub(crate) mod ticks;
mod timeline;

use std::collections::BTreeMap;
use std::io::{self, Write};

use minijinja::{AutoEscape, Environment, UndefinedBehavior, syntax::SyntaxConfig, value::Serde};
use serde::Serialize;

pub use self::chart::ChartError;
use crate::explain;
use crate::gate::BuiltIn;
use crate::ledger::Class;
use crate::report::RunReport;

const TEMPLATE: &str = include_str!("html/report.html.j2");
const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

/// Names whose definitions the page asks for, beside those of classes and built-in gates: what it has tables of.
const WORDS: [&str; 22] = [
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

/// A page that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum HtmlError {
    /// A drawing failed.
    #[error(transparent)]
    Chart(#[from] ChartError),
    /// The template does not fit the report.
    #[error("report.html cannot be laid out: {0:#}")]
    Template(#[from] minijinja::Error),
    /// The figures for the script cannot be written.
    #[error("the figures for report.html cannot be written: {0}")]
    Data(#[from] serde_json::Error),
}

#[derive(Serialize)]
struct Page {
    style: &'static str,
    script: &'static str,
    head: outcome::HeadView,
    ledger: Option<outcome::LedgerView>,
    reading: Option<reading::ReadingView>,
    latency: latency::LatencyView,
    timeline: Option<timeline::TimelineView>,
    gates: Vec<outcome::GateView>,
    findings: outcome::FindingsView,
    phases: Vec<setup::PhaseView>,
    types: Vec<cluster::TypeView>,
    partitions: Option<cluster::PartitionsView>,
    hot_keys: Vec<cluster::KeyView>,
    replay: Option<setup::ReplayView>,
    setup: setup::SetupView,
    words: BTreeMap<&'static str, String>,
    data: String,
}

/// What the script gets.
#[derive(Serialize)]
struct Data {
    timeline: Option<timeline::TimelineData>,
    curves: BTreeMap<&'static str, latency::CurveData>,
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
    let page = Page {
        style: STYLE,
        script: SCRIPT,
        head: outcome::head(report),
        ledger: (!report.is_alone()).then(|| outcome::ledger(report)),
        reading: report.reading.as_ref().map(reading::view),
        latency,
        timeline,
        gates: outcome::gates(report),
        findings: outcome::findings(report),
        phases: setup::phases(report),
        types: cluster::types(report),
        partitions: cluster::partitions(report),
        hot_keys: cluster::hot_keys(report),
        replay: setup::replay(report),
        setup: setup::setup(report),
        words: words().filter_map(|word| explain::sentence(word).map(|text| (word, text.to_owned()))).collect(),
        data: harmless(&serde_json::to_string(&Data { timeline: timeline_data, curves })?),
    };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.add_template("report.html", TEMPLATE)?;
    Ok(environment.get_template("report.html")?.render(Serde(&page))?)
}

/// JSON that cannot end the element it stands in, <https://html.spec.whatwg.org/multipage/scripting.html>, 4.12.1.3.
fn harmless(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
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

    #[test]
    fn data_cannot_end_the_script_it_stands_in() {
        let text = harmless(r#"{"a":"</script><!--<script>&"}"#);
        assert!(!text.contains(['<', '>', '&']), "{text}");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["a"], "</script><!--<script>&");
    }
}
