//! Why lines: up to three findings in words, drawn from the timeline and the totals.
//!
//! A rule says something only where the figures leave one reading; where several would do, it is silent. The order of
//! [`RULES`] is the order of importance: what makes the other figures worthless comes first.

mod evidence;
mod rules;

use self::evidence::Evidence;
use crate::report::RunReport;

/// Findings shown at most.
const MOST: usize = 3;

/// A rule: what it is about, and what it has to say of a run, if anything.
struct Rule {
    name: &'static str,
    says: fn(&Evidence) -> Option<String>,
}

/// All rules, the most important first.
const RULES: [Rule; 14] = [
    Rule { name: "not_running", says: rules::not_running },
    Rule { name: "generator_late", says: rules::generator_late },
    Rule { name: "client_errors", says: rules::client_errors },
    Rule { name: "read_throttling", says: rules::read_throttling },
    Rule { name: "stall", says: rules::stall },
    Rule { name: "partition_silent", says: rules::partition_silent },
    Rule { name: "latency_rose", says: rules::latency_rose },
    Rule { name: "capped", says: rules::capped },
    Rule { name: "queue_full", says: rules::queue_full },
    Rule { name: "reading_behind", says: rules::reading_behind },
    Rule { name: "censored_tail", says: rules::censored_tail },
    Rule { name: "partition_skew", says: rules::partition_skew },
    Rule { name: "flow_control", says: rules::flow_control },
    Rule { name: "linger", says: rules::linger },
];

/// Up to three findings, the most important first; none where nothing can be said with certainty.
#[must_use]
pub fn lines(report: &RunReport) -> Vec<String> {
    findings(report).into_iter().take(MOST).map(|(_, text)| text).collect()
}

/// What every rule has to say, by the rule's name.
#[must_use]
pub fn findings(report: &RunReport) -> Vec<(&'static str, String)> {
    let evidence = Evidence::of(report);
    RULES.iter().filter_map(|rule| (rule.says)(&evidence).map(|text| (rule.name, text))).collect()
}
