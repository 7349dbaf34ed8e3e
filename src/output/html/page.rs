//! What the pages of a run, a comparison and a capacity search have in common: one style sheet, one script, one set of
//! macros, and the views that these know.

use std::collections::BTreeMap;

use minijinja::{AutoEscape, Environment, UndefinedBehavior, syntax::SyntaxConfig, value::Serde};
use serde::Serialize;

use super::chart::ChartError;

/// The page of a run in its bundle.
pub const FILE: &str = "report.html";

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
const MACROS: &str = include_str!("macros.html.j2");

/// A page that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum HtmlError {
    /// A drawing failed.
    #[error(transparent)]
    Chart(#[from] ChartError),
    /// The template does not fit the report.
    #[error("the page cannot be laid out: {0:#}")]
    Template(#[from] minijinja::Error),
    /// The figures for the script cannot be written.
    #[error("the figures for the page cannot be written: {0}")]
    Data(#[from] serde_json::Error),
}

/// What a template gets beside its own view.
#[derive(Serialize)]
struct Page<'a, View> {
    style: &'static str,
    script: &'static str,
    data: String,
    #[serde(flatten)]
    view: &'a View,
}

/// What the script gets.
#[derive(Serialize)]
pub(crate) struct Data {
    pub(super) timeline: Option<TimelineData>,
    /// By the name of the figure.
    pub(super) curves: BTreeMap<String, Curves>,
}

impl Data {
    /// Of a page without a timeline.
    pub(crate) fn of_curves(curves: BTreeMap<String, Curves>) -> Self {
        Self { timeline: None, curves }
    }
}

/// What the script gets of a timeline.
#[derive(Serialize)]
pub(crate) struct TimelineData {
    /// Ends of the stretches, ms.
    pub(super) at: String,
    pub(super) columns: BTreeMap<&'static str, String>,
    pub(super) bands: Vec<(f64, f64)>,
    pub(super) marks: Vec<f64>,
}

/// The lines of a figure by their keys.
pub(crate) type Curves = BTreeMap<&'static str, CurveData>;

/// What the script gets of one line: places on the axis, and latencies in us.
#[derive(Serialize)]
pub(crate) struct CurveData {
    pub(super) x: Vec<f64>,
    pub(super) us: Vec<u64>,
}

/// One chart of a page.
#[derive(Serialize)]
pub(crate) struct FigureView {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) note: String,
    pub(crate) legend: Vec<LegendView>,
    pub(crate) wide: String,
    pub(crate) narrow: String,
    /// What a screen reader says of it.
    pub(crate) summary: String,
}

/// One line's name.
#[derive(Serialize)]
pub(crate) struct LegendView {
    pub(crate) key: &'static str,
    pub(crate) label: &'static str,
}

/// One of the large figures at the top.
#[derive(Serialize)]
pub(crate) struct TileView {
    pub(crate) label: String,
    pub(crate) value: String,
    pub(crate) note: String,
    pub(crate) tone: &'static str,
}

/// An instant: as it was recorded, and to the second for people. The script adds it in local time.
#[derive(Serialize)]
pub(crate) struct Moment {
    exact: String,
    shown: String,
}

impl Moment {
    /// Of a time as RFC 3339 has it; any other text stays as it is.
    pub(crate) fn of(text: &str) -> Self {
        let shown = match (text.get(..10), text.get(10..11), text.get(11..19)) {
            (Some(day), Some("T"), Some(time)) if text.ends_with('Z') => format!("{day} {time} UTC"),
            _ => text.to_owned(),
        };
        Self { exact: text.to_owned(), shown }
    }
}

/// The page that `template` makes of `view`; text from outside passes through its escaping.
pub(crate) fn render(template: &str, view: &impl Serialize, data: &Data) -> Result<String, HtmlError> {
    let page = Page { style: STYLE, script: SCRIPT, data: harmless(&serde_json::to_string(data)?), view };
    let template = format!("{MACROS}{template}");
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.add_template("page.html", &template)?;
    Ok(environment.get_template("page.html")?.render(Serde(&page))?)
}

/// A link to the page in a bundle. Whatever could be read as a scheme, a query or a fragment is encoded, RFC 3986, 2.1.
pub(crate) fn link(folder: &str) -> String {
    let encoded = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    let path: String = folder.trim_end_matches('/').bytes().map(encoded).collect();
    let here = if path.starts_with('/') { "" } else { "./" };
    format!("{here}{path}/{FILE}")
}

/// JSON that cannot end the element it stands in, <https://html.spec.whatwg.org/multipage/scripting.html>, 4.12.1.3.
fn harmless(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_cannot_end_the_script_it_stands_in() {
        let text = harmless(r#"{"a":"</script><!--<script>&"}"#);
        assert!(!text.contains(['<', '>', '&']), "{text}");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["a"], "</script><!--<script>&");
    }

    #[test]
    fn a_link_is_a_path_whatever_the_folder_is_called() {
        assert_eq!(link("results/base/"), "./results/base/report.html");
        assert_eq!(link("javascript:alert(1)#?"), "./javascript%3Aalert%281%29%23%3F/report.html");
        assert_eq!(link("/tmp/a b"), "/tmp/a%20b/report.html");
    }

    #[test]
    fn an_instant_is_shown_to_the_second() {
        assert_eq!(Moment::of("2026-01-02T17:05:59.334499155Z").shown, "2026-01-02 17:05:59 UTC");
        assert_eq!(Moment::of("some day").shown, "some day");
    }
}
