//! What came out downstream, on both sides.
//!
//! Results are right or they are not: no draw is needed to say that one side has wrong ones and the other has none. Shares of scores are judged
//! by their own intervals, where these do not meet. Latencies are shown: their seconds are not recorded.

use serde::{Deserialize, Serialize};

use super::{Bundle, Verdict};
use crate::figures::as_f64;
use crate::report::{Estimate, ExpectReport};

/// One figure of one expectation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResultRow {
    /// The expectation.
    pub expectation: String,
    /// The figure.
    pub figure: String,
    /// What it is a number of.
    pub unit: ResultUnit,
    /// BASE; the mean over its runs, as far as they have it.
    pub base: Option<f64>,
    /// NEW.
    pub new: Option<f64>,
    /// What it means.
    pub verdict: Verdict,
}

/// What a figure is a number of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultUnit {
    /// Of 1.
    Share,
    /// Results.
    Results,
    /// Microseconds.
    Us,
}

/// A share of scores.
type Share = fn(&ExpectReport) -> Option<Estimate>;

/// The rows of all expectations that a run of either side has.
pub(super) fn rows(base: &[Bundle], new: &[Bundle]) -> Vec<ResultRow> {
    let mut names: Vec<&str> = Vec::new();
    for report in base.iter().chain(new).flat_map(|bundle| &bundle.report.expectations) {
        if !names.contains(&report.name.as_str()) {
            names.push(&report.name);
        }
    }
    names.into_iter().flat_map(|name| of(name, &reports(base, name), &reports(new, name))).collect()
}

fn reports<'a>(bundles: &'a [Bundle], name: &str) -> Vec<&'a ExpectReport> {
    let all = bundles.iter().flat_map(|bundle| &bundle.report.expectations);
    all.filter(|report| report.name == name).collect()
}

/// What must not have happened to a result.
const fn bad(report: &ExpectReport) -> u64 {
    report.wrong + report.missing + report.twice + report.unexpected
}

fn of(name: &str, base: &[&ExpectReport], new: &[&ExpectReport]) -> Vec<ResultRow> {
    let row = |figure: &str, unit, of: &dyn Fn(&ExpectReport) -> Option<f64>, verdict| ResultRow {
        expectation: name.to_owned(),
        figure: figure.to_owned(),
        unit,
        base: mean(base.iter().filter_map(|report| of(report))),
        new: mean(new.iter().filter_map(|report| of(report))),
        verdict,
    };
    let sum = |reports: &[&ExpectReport]| reports.iter().map(|report| bad(report)).sum::<u64>();
    let is_known =
        |reports: &[&ExpectReport]| !reports.is_empty() && reports.iter().all(|report| report.unsaid().is_none());
    let judged = match (sum(base), sum(new)) {
        _ if !is_known(base) || !is_known(new) => Verdict::NotJudged,
        (0, 0) => Verdict::NoDifference,
        (0, _) => Verdict::Worse,
        (_, 0) => Verdict::Better,
        _ => Verdict::Inconclusive,
    };
    let count = |count: fn(&ExpectReport) -> u64| move |report: &ExpectReport| Some(as_f64(count(report)));
    let latency = |report: &ExpectReport| report.latency_us;
    let us = |us: Option<u64>| us.map(as_f64);
    let mut rows = vec![
        row("expected", ResultUnit::Results, &count(|report| report.expected), Verdict::NotJudged),
        row("wrong, missing, twice or unexpected", ResultUnit::Results, &count(bad), judged),
        row("late", ResultUnit::Results, &count(|report| report.late + report.accepted_late), Verdict::NotJudged),
        row("latency p50", ResultUnit::Us, &|report| us(latency(report)?.p50), Verdict::NotJudged),
        row("latency p99", ResultUnit::Us, &|report| us(latency(report)?.p99), Verdict::NotJudged),
    ];
    let scores: [(&str, Share); 4] = [
        ("precision", |report| said(report)?.precision),
        ("recall", |report| said(report)?.recall),
        ("recall within", |report| said(report)?.recall_within),
        ("AUC-PR", |report| said(report)?.auc_pr),
    ];
    for (figure, of) in scores {
        let one = |reports: &[&ExpectReport]| match reports {
            [one] => of(one),
            _ => None,
        };
        let verdict = match one(base).zip(one(new)) {
            None => Verdict::NotJudged,
            Some((base, new)) if new.high < base.low => Verdict::Worse,
            Some((base, new)) if new.low > base.high => Verdict::Better,
            Some(_) => Verdict::Inconclusive,
        };
        rows.push(row(figure, ResultUnit::Share, &|report| of(report).map(|estimate| estimate.value), verdict));
    }
    // What neither side has is no row, nor is it one that nothing was late.
    rows.retain(|row| match row.figure.as_str() {
        "late" => [row.base, row.new].into_iter().flatten().any(|late| late > 0.0),
        _ => row.base.is_some() || row.new.is_some(),
    });
    rows
}

fn said(report: &ExpectReport) -> Option<&crate::report::ScoresReport> {
    report.scores.as_ref().filter(|scores| scores.unsaid().is_none())
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / as_f64(values.len() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(expected: u64, wrong: u64, recall: Option<(f64, f64, f64)>) -> Vec<Bundle> {
        let mut bundle = Bundle::default();
        let scores = recall.map(|(low, value, high)| crate::report::ScoresReport {
            episodes: 100,
            recall: Some(Estimate { value, low, high }),
            ..crate::report::ScoresReport::default()
        });
        let right = expected - wrong;
        let report = ExpectReport { name: "x".to_owned(), expected, right, wrong, scores, ..ExpectReport::default() };
        bundle.report.expectations.push(report);
        vec![bundle]
    }

    fn verdict(rows: &[ResultRow], figure: &str) -> Verdict {
        rows.iter().find(|row| row.figure.starts_with(figure)).unwrap().verdict
    }

    #[test]
    fn wrong_results_on_one_side_alone_are_worse_or_better_whatever_their_number() {
        for (base, new, expected) in [
            (0, 1, Verdict::Worse),
            (7, 0, Verdict::Better),
            (0, 0, Verdict::NoDifference),
            (7, 1, Verdict::Inconclusive),
        ] {
            let rows = rows(&side(100, base, None), &side(90, new, None));
            assert_eq!(verdict(&rows, "wrong"), expected);
            assert_eq!((rows[0].base, rows[0].new), (Some(100.0), Some(90.0)));
            assert!(rows.iter().all(|row| row.figure != "recall" && row.figure != "late"), "{rows:?}");
        }
        // Where one side expected nothing, nothing is said.
        assert_eq!(verdict(&rows(&side(0, 0, None), &side(9, 0, None)), "wrong"), Verdict::NotJudged);
        assert_eq!(verdict(&rows(&[Bundle::default()], &side(9, 0, None)), "wrong"), Verdict::NotJudged);
    }

    #[test]
    fn shares_of_scores_differ_where_their_intervals_do_not_meet() {
        let at = |value: f64| side(100, 0, Some((value - 0.05, value, value + 0.05)));
        for (base, new, expected) in
            [(0.9, 0.7, Verdict::Worse), (0.7, 0.9, Verdict::Better), (0.9, 0.85, Verdict::Inconclusive)]
        {
            assert_eq!(verdict(&rows(&at(base), &at(new)), "recall"), expected);
        }
    }
}
