//! Figures for services that follow them from commit to commit: github-action-benchmark and Bencher.
//!
//! A run whose generator was the limit has no figures of the pipeline, and nothing is exported of it. A quantile that is only a
//! lower bound (events without an answer) is left out of Bencher's format, which has no word for it.

use serde_json::{Map, Value, json};

use super::FormError;
use crate::figures::as_f64;
use crate::report::{
    LatencySummary, RunReport,
    exit_code::ExitCode,
    latency::{Kind, Quantile},
};

const EXPORTED: [Kind; 3] = [Kind::ServiceTime, Kind::ResponseTime, Kind::EndToEnd];

/// Latencies for github-action-benchmark with `tool: customSmallerIsBetter`, in ms.
///
/// # Errors
/// Where the run has no figures that mean anything.
pub fn github_smaller_is_better(report: &RunReport) -> Result<Value, FormError> {
    check(report)?;
    let entries: Vec<Value> = figures(report)
        .map(|figure| {
            let bound = if figure.is_bound { "; at least this: some events had no answer" } else { "" };
            json!({
                "name": format!("{} {} {}", report.run.name, figure.latency.as_str(), figure.quantile.as_str()),
                "unit": "ms",
                "value": figure.us / 1e3,
                "extra": format!("{} samples{bound}; run {}", figure.samples, report.run.id),
            })
        })
        .collect();
    if entries.is_empty() { Err(FormError::Nothing) } else { Ok(Value::Array(entries)) }
}

/// The rate that was reached, for github-action-benchmark with `tool: customBiggerIsBetter`.
///
/// # Errors
/// Where the run has no figures that mean anything.
pub fn github_bigger_is_better(report: &RunReport) -> Result<Value, FormError> {
    check(report)?;
    Ok(json!([{
        "name": format!("{} achieved rate", report.run.name),
        "unit": "events/s",
        "value": report.offered.achieved_rate_per_s,
        "extra": format!("{} scheduled; run {}", report.ledger.scheduled, report.run.id),
    }]))
}

/// Bencher Metric Format: `latency` in ns and `throughput` in operations per second, Bencher's own units.
///
/// # Errors
/// Where the run has no figures that mean anything.
pub fn bencher(report: &RunReport) -> Result<Value, FormError> {
    check(report)?;
    let mut benchmarks = Map::new();
    for figure in figures(report).filter(|figure| !figure.is_bound) {
        let name = format!("{} {} {}", report.run.name, figure.latency.as_str(), figure.quantile.as_str());
        benchmarks.insert(name, json!({ "latency": { "value": figure.us * 1e3 } }));
    }
    let throughput = json!({ "throughput": { "value": report.offered.achieved_rate_per_s } });
    benchmarks.insert(format!("{} achieved rate", report.run.name), throughput);
    Ok(Value::Object(benchmarks))
}

struct Figure {
    latency: Kind,
    quantile: Quantile,
    us: f64,
    is_bound: bool,
    samples: u64,
}

fn figures(report: &RunReport) -> impl Iterator<Item = Figure> {
    let measured = |latency: Kind| latency.of(&report.latency_us).map(|summary| (latency, summary));
    EXPORTED.into_iter().filter_map(measured).flat_map(|(latency, summary)| of_latency(latency, summary))
}

fn of_latency(latency: Kind, summary: &LatencySummary) -> impl Iterator<Item = Figure> {
    Quantile::ALL.into_iter().filter_map(move |quantile| {
        let us = quantile.of(summary)?;
        let is_bound = summary.bound_at(us).is_some() || summary.at_most(us).is_some();
        Some(Figure { latency, quantile, us: as_f64(us), is_bound, samples: summary.count })
    })
}

fn check(report: &RunReport) -> Result<(), FormError> {
    let verdict = &report.verdict;
    let invalid = ExitCode::RunInvalid;
    if verdict.code == invalid.code() || verdict.also.iter().any(|name| name == invalid.as_str()) {
        return Err(FormError::Invalid(verdict.reasons.first().cloned().unwrap_or_default()));
    }
    if report.ledger.scheduled == 0 { Err(FormError::Nothing) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        gate::{
            Gates,
            sample::{healthy, summary, with_class},
        },
        ledger::Class,
        verdict::{Conditions, judge},
    };

    #[test]
    fn github_gets_every_quantile_in_ms() {
        let entries = github_smaller_is_better(&healthy()).unwrap();
        let entries = entries.as_array().unwrap();
        assert_eq!(entries.len(), 3 * Quantile::ALL.len());
        assert_eq!(
            entries[9],
            json!({ "name": "steady response_time p99", "unit": "ms", "value": 10.11,
                    "extra": "200000 samples; run 00c0ffee00c0ffee" })
        );
        assert_eq!(github_bigger_is_better(&healthy()).unwrap()[0]["value"], json!(9_999.9));
    }

    #[test]
    fn bencher_gets_ns_and_operations_per_second() {
        let metrics = bencher(&healthy()).unwrap();
        assert_eq!(metrics["steady response_time p99"], json!({ "latency": { "value": 10_110_000.0 } }));
        assert_eq!(metrics["steady achieved rate"], json!({ "throughput": { "value": 9_999.9 } }));
    }

    #[test]
    fn a_lower_bound_is_marked_or_left_out() {
        let mut report = healthy();
        report.latency_us.response_time.censored = 300;
        report.latency_us.response_time.censored_from = Some(10_000);
        let extra = github_smaller_is_better(&report).unwrap()[9]["extra"].as_str().unwrap().to_owned();
        assert!(extra.contains("at least this"), "{extra}");
        let metrics = bencher(&report).unwrap();
        assert!(metrics.get("steady response_time p99").is_none());
        assert!(metrics.get("steady response_time p50").is_some());
    }

    #[test]
    fn an_invalid_or_empty_run_has_no_figures() {
        let mut report = with_class(healthy(), Class::Lost, 1);
        report.latency_us.lateness = Some(summary(40_000));
        report.verdict = judge(&report, &Gates::default(), &Conditions::default());
        assert_eq!(report.verdict.code, 3, "the violation outranks it");
        assert!(matches!(bencher(&report), Err(FormError::Invalid(_))));
        assert!(github_smaller_is_better(&report).is_err() && github_bigger_is_better(&report).is_err());
        assert!(matches!(bencher(&RunReport::default()), Err(FormError::Nothing)));
    }
}
