//! What came out downstream, for the page.

use serde::Serialize;

use crate::figures;
use crate::report::{ExpectExample, ExpectReport, ScoresReport};

/// One expectation.
#[derive(Serialize)]
pub(super) struct ResultsView {
    name: String,
    sentence: String,
    tone: &'static str,
    /// The classes, and what is counted beside them, as far as there are any.
    counts: String,
    p50: String,
    p99: String,
    max: String,
    /// How good scores are, line by line.
    scores: Vec<String>,
    examples: Vec<ExampleView>,
}

#[derive(Serialize)]
struct ExampleView {
    class: String,
    key: String,
    window: String,
    got: String,
    expected: String,
}

pub(super) fn view(report: &ExpectReport) -> ResultsView {
    let latency = report.latency_us.unwrap_or_default();
    let time = |us: Option<u64>| us.map_or_else(|| figures::NONE.to_owned(), figures::duration_us);
    ResultsView {
        name: report.name.clone(),
        sentence: report.sentence.clone(),
        tone: match (report.violation(), report.unsaid()) {
            (Some(_), _) => "bad",
            (None, Some(_)) => "warn",
            (None, None) => "good",
        },
        counts: report.line(),
        p50: time(latency.p50),
        p99: time(latency.p99),
        max: time(latency.max),
        scores: report.scores.iter().flat_map(ScoresReport::lines).collect(),
        examples: report.examples.iter().map(example).collect(),
    }
}

fn example(example: &ExpectExample) -> ExampleView {
    let ExpectExample { class, key, window_start, got, expected } = example.clone();
    let none = || figures::NONE.to_owned();
    ExampleView {
        class: class.replace('_', " "),
        key,
        window: window_start.unwrap_or_else(none),
        got: got.unwrap_or_else(none),
        expected,
    }
}
