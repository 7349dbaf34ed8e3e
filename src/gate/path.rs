//! Paths: how a rule names a metric, and the nearest known name for one that is not.

use std::fmt;

use super::metric::table::metrics;
use super::metric::{Metric, Part};
use crate::report::RunReport;

/// The names that only a plan knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The names of the phases.
    pub phases: Vec<String>,
    /// The topics written to.
    pub topics: Vec<String>,
    /// The types of event that there are.
    pub types: Vec<String>,
    /// The names of what is expected downstream.
    pub expectations: Vec<String>,
}

impl Names {
    /// The names in a report.
    #[must_use]
    pub fn of(report: &RunReport) -> Self {
        Self {
            phases: report.phases.iter().map(|phase| phase.name.clone()).collect(),
            topics: report.environment.topics.iter().map(|topic| topic.name.clone()).collect(),
            types: report.environment.event_types.iter().chain(report.by_type.keys()).cloned().collect(),
            expectations: report.expectations.iter().map(|expectation| expectation.name.clone()).collect(),
        }
    }

    /// The names in any of several reports.
    #[must_use]
    pub fn of_all<'a>(reports: impl IntoIterator<Item = &'a RunReport>) -> Self {
        let mut all = Self::default();
        for report in reports {
            let names = Self::of(report);
            all.phases.extend(names.phases);
            all.topics.extend(names.topics);
            all.types.extend(names.types);
            all.expectations.extend(names.expectations);
        }
        for list in [&mut all.phases, &mut all.topics, &mut all.types, &mut all.expectations] {
            list.sort_unstable();
            list.dedup();
        }
        all
    }

    fn of_part(&self, part: Part) -> Vec<&str> {
        match part {
            Part::Run => Vec::new(),
            Part::Phase => self.phases.iter().map(String::as_str).collect(),
            Part::EventType => self.types.iter().map(String::as_str).collect(),
            Part::Topic => self.topics.iter().map(String::as_str).collect(),
            Part::Expectation => self.expectations.iter().map(String::as_str).collect(),
        }
    }
}

/// A path that names a metric.
#[derive(Clone, Debug)]
pub struct Path {
    /// Which phase, type or topic; `None` for the whole run.
    pub of: Option<String>,
    /// The metric.
    pub metric: &'static Metric,
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.of == other.of && self.metric.part == other.metric.part && self.metric.name == other.metric.name
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.of {
            None => f.write_str(&self.metric.name),
            Some(name) => write!(f, "{}.{name}.{}", self.metric.part.word(), self.metric.name),
        }
    }
}

/// The metric that `text` names.
///
/// # Errors
/// The nearest path, where one is near.
pub fn resolve(text: &str, names: &Names) -> Result<Path, Option<String>> {
    let text = canonical(text);
    if let Some(metric) = metrics().iter().find(|metric| metric.part == Part::Run && metric.name == text) {
        return Ok(Path { of: None, metric });
    }
    for metric in metrics().iter().filter(|metric| metric.part != Part::Run) {
        let Some(rest) = text.strip_prefix(metric.part.word()).and_then(|rest| rest.strip_prefix('.')) else {
            continue;
        };
        let Some(name) = rest.strip_suffix(&metric.name).and_then(|rest| rest.strip_suffix('.')) else { continue };
        if names.of_part(metric.part).contains(&name) {
            return Ok(Path { of: Some(name.to_owned()), metric });
        }
    }
    Err(nearest(&text, names))
}

/// `p99.9` and `p99.99` are read as the `p999` and `p9999` of reports.
fn canonical(text: &str) -> String {
    for (written, name) in [(".p99.99", ".p9999"), (".p99.9", ".p999")] {
        if let Some(start) = text.strip_suffix(written) {
            return format!("{start}{name}");
        }
    }
    text.to_owned()
}

/// The known path nearest to `text`, if it is near: at most a third of its letters differ.
fn nearest(text: &str, names: &Names) -> Option<String> {
    let paths = Part::ALL.into_iter().flat_map(|part| paths_of(part, names));
    let shortened = text.split_once('.').map(|(_, rest)| rest);
    let distance = |path: &str| {
        let whole = strsim::damerau_levenshtein(path, text);
        // Someone who copies a path out of report.json has a section's name before it: ledger.lost.
        let without_section = shortened.map_or(usize::MAX, |rest| 1 + strsim::damerau_levenshtein(path, rest));
        whole.min(without_section)
    };
    paths
        .map(|path| (distance(&path), path))
        .filter(|(distance, path)| *distance <= path.chars().count().max(3) / 3)
        .min()
        .map(|(_, path)| path)
}

fn paths_of(part: Part, names: &Names) -> Vec<String> {
    let metrics = metrics().iter().filter(|metric| metric.part == part);
    if part == Part::Run {
        return metrics.map(|metric| metric.name.clone()).collect();
    }
    let known = names.of_part(part);
    metrics.flat_map(|metric| known.iter().map(move |name| format!("{}.{name}.{}", part.word(), metric.name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names {
            phases: vec!["peak".into(), "cool.down".into()],
            topics: vec!["raw-events".into()],
            types: vec!["view".into()],
            expectations: vec!["by-type".into()],
        }
    }

    fn shown(text: &str) -> String {
        resolve(text, &names()).unwrap().to_string()
    }

    #[test]
    fn paths_of_the_run_its_phases_types_and_topics_are_found() {
        for path in [
            "lost",
            "scheduled",
            "duplicates",
            "offered.achieved",
            "response_time.p99",
            "lateness.max",
            "timeline.response_p99.max",
            "partitions.skew",
            "replay.bad_rows",
            "phase.peak.response_time.p99",
            "phase.cool.down.lost",
            "phase.peak.offered.achieved",
            "by_type.view.response_time.p99",
            "by_type.view.share",
            "topic.raw-events.partitions.skew",
            "expect.by-type.wrong",
            "expect.by-type.latency.p99",
        ] {
            assert_eq!(shown(path), path);
        }
    }

    #[test]
    fn a_quantile_may_be_written_with_its_point() {
        assert_eq!(shown("response_time.p99.9"), "response_time.p999");
        assert_eq!(shown("phase.peak.end_to_end.p99.99"), "phase.peak.end_to_end.p9999");
    }

    #[test]
    fn the_nearest_path_is_named_for_an_unknown_one() {
        for (text, near) in [
            ("respons_time.p99", "response_time.p99"),
            ("lots", "lost"),
            ("ledger.lost", "lost"),
            ("latency_us.response_time.p99", "response_time.p99"),
            ("phase.peek.lost", "phase.peak.lost"),
            ("by_type.views.response_time.p99", "by_type.view.response_time.p99"),
        ] {
            assert_eq!(resolve(text, &names()), Err(Some(near.to_owned())), "{text}");
        }
        assert_eq!(resolve("zebra_stripes_per_cm", &names()), Err(None));
    }

    #[test]
    fn what_is_not_kept_has_no_path() {
        for path in
            ["by_type.view.lateness.p99", "phase.peak.duplicates", "phase.NAME.lost", "topic.other.partitions.skew", ""]
        {
            assert!(resolve(path, &names()).is_err(), "{path}");
        }
    }

    #[test]
    fn no_two_metrics_share_a_path() {
        let mut paths: Vec<String> = metrics().iter().map(Metric::pattern).collect();
        let all = paths.len();
        paths.sort();
        paths.dedup();
        assert_eq!(paths.len(), all);
    }
}
