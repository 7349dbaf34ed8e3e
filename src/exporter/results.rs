//! What comes out downstream, as metrics.

use std::fmt;

use prometheus_client::encoding::EncodeMetric as _;
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use super::metrics::Page;
use crate::report::ExpectReport;

/// Absent where nothing is expected. Figures of scores are known at the end.
pub(super) fn tell(page: &mut Page<'_>, results: &[ExpectReport]) -> fmt::Result {
    if results.is_empty() {
        return Ok(());
    }
    let help = "Expected results by what became of them; what may still come or change is open";
    counts(page, "loadgen_expect_results", help, "class", results, |of| of.classes().to_vec())?;
    let help = "Records of outputs beside the expected results, and events that came too late to their windows";
    counts(page, "loadgen_expect_beside", help, "what", results, |of| of.beside().to_vec())?;
    let help = "From the end of a window, or the due time of an event, to the sight of its result";
    let mut metric = page.open("loadgen_expect_latency", help, Some(&Unit::Seconds), MetricType::Gauge)?;
    for of in results {
        let latency = of.latency_us.unwrap_or_default();
        let known = [("p50", latency.p50), ("p90", latency.p90), ("p99", latency.p99), ("max", latency.max)];
        for (point, us) in known.into_iter().filter_map(|(point, us)| Some((point, us?))) {
            let labels = [("expectation", of.name.as_str()), ("point", point)];
            #[expect(clippy::cast_precision_loss, reason = "microseconds of a run")]
            ConstGauge::new(us as f64 / 1e6).encode(metric.encode_family(&labels)?)?;
        }
    }
    scores(page, results)
}

fn scores(page: &mut Page<'_>, results: &[ExpectReport]) -> fmt::Result {
    let scored = || results.iter().filter_map(|of| Some((of, of.scores.as_ref()?)));
    if scored().next().is_none() {
        return Ok(());
    }
    let help = "Events that were scored once, by what the truth says of their scores";
    let mut metric = page.open("loadgen_expect_scores", help, None, MetricType::Gauge)?;
    for (of, scores) in scored() {
        for (class, events) in scores.classes() {
            let labels = [("expectation", of.name.clone()), ("class", class.replace(' ', "_"))];
            ConstGauge::new(events).encode(metric.encode_family(&labels)?)?;
        }
    }
    let help = "How good scores are; absent where too few episodes say anything";
    let mut metric = page.open("loadgen_expect_score_ratio", help, None, MetricType::Gauge)?;
    for (of, scores) in scored().filter(|(_, scores)| scores.unsaid().is_none()) {
        let figures = [
            ("precision", scores.precision),
            ("recall", scores.recall),
            ("recall_within", scores.recall_within),
            ("f1", scores.f1),
            ("auc_pr", scores.auc_pr),
            ("precision_at_k", scores.precision_at_k),
            ("recall_at_1_percent", scores.recall_at_1_percent),
        ];
        for (figure, estimate) in figures.into_iter().filter_map(|(name, of)| Some((name, of?))) {
            let labels = [("expectation", of.name.as_str()), ("figure", figure)];
            ConstGauge::new(estimate.value).encode(metric.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

fn counts(
    page: &mut Page<'_>,
    name: &str,
    help: &str,
    label: &str,
    results: &[ExpectReport],
    of: impl Fn(&ExpectReport) -> Vec<(&'static str, u64)>,
) -> fmt::Result {
    let mut metric = page.open(name, help, None, MetricType::Gauge)?;
    for result in results {
        for (what, count) in of(result) {
            let labels = [("expectation", result.name.as_str()), (label, what)];
            ConstGauge::new(count).encode(metric.encode_family(&labels)?)?;
        }
    }
    Ok(())
}
