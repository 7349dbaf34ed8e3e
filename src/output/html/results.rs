//! What came out downstream, for the page.

use serde::Serialize;

use crate::figures;
use crate::report::{Estimate, ExpectExample, ExpectReport, PatternReport, ScoresReport};

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
    /// How good scores are.
    scores: Option<ScoresView>,
    examples: Vec<ExampleView>,
}

#[derive(Serialize)]
struct ScoresView {
    heading: String,
    /// Why nothing is said of how good they are.
    unsaid: Option<String>,
    figures: Vec<FigureView>,
    patterns: Vec<PatternView>,
    remarks: Vec<String>,
}

#[derive(Serialize)]
struct FigureView {
    name: String,
    value: String,
    interval: String,
}

#[derive(Serialize)]
struct PatternView {
    name: String,
    recall: String,
    found: String,
    episodes: String,
    after: String,
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
        scores: report.scores.as_ref().map(scores),
        examples: report.examples.iter().map(example).collect(),
    }
}

fn scores(report: &ScoresReport) -> ScoresView {
    let unsaid = report.unsaid();
    let figure = |(name, estimate): (String, Option<Estimate>)| {
        let Estimate { value, low, high } = estimate?;
        let number = |number| figures::number(number, 3);
        Some(FigureView { name, value: number(value), interval: format!("{} to {}", number(low), number(high)) })
    };
    let pattern = |report: &PatternReport| {
        let after = report.detection_us.as_ref().and_then(|latency| latency.p50);
        PatternView {
            name: report.name.replace('_', " "),
            recall: report.recall.map_or_else(|| figures::NONE.to_owned(), |recall| figures::number(recall.value, 3)),
            found: figures::count(report.episodes_detected),
            episodes: figures::count(report.episodes),
            after: after.map_or_else(|| figures::NONE.to_owned(), figures::duration_us),
        }
    };
    ScoresView {
        heading: report.heading(),
        figures: report.figures().into_iter().filter(|_| unsaid.is_none()).filter_map(figure).collect(),
        unsaid,
        patterns: report.patterns.iter().map(pattern).collect(),
        remarks: report.remarks(),
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
