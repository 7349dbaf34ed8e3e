//! The alerts that a run told others, and what became of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figures::{count, counted};

/// One alert of the plan. `sent`, `failed` and `dropped` sum to `raised`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AlertReport {
    /// Its name.
    pub name: String,
    /// `alertmanager` or `webhook`.
    pub to: String,
    /// Where that is, without a login.
    pub url: String,
    /// How often a gate raised it.
    pub raised: u64,
    /// Of these: told, and taken.
    pub sent: u64,
    /// Of these: tried, and never taken.
    pub failed: u64,
    /// Of these: never tried, for want of room or time.
    pub dropped: u64,
    /// How often it was to be told again while it lasted.
    pub repeated: u64,
    /// How many of them were over before the run was.
    pub resolved: u64,
    /// Of these: those whose end was told, and taken.
    pub resolved_sent: u64,
    /// What went wrong first; absent where nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Each one that was raised; the first 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<Incident>,
}

/// An alert that was raised.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    /// The name of the gate, or its rule.
    pub gate: String,
    /// When it was raised, in seconds since the start of the run.
    pub raised_s: f64,
    /// When it was over; absent where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_s: Option<f64>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of an alert that was raised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was told, and taken.
    Sent,
    /// It was tried, and never taken.
    Failed,
    /// It was never tried, for want of room or time.
    #[default]
    Dropped,
}

impl AlertReport {
    /// The count of an outcome.
    pub fn of_mut(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Sent => &mut self.sent,
            Outcome::Failed => &mut self.failed,
            Outcome::Dropped => &mut self.dropped,
        }
    }

    /// Whether anybody who was to hear of something did not.
    #[must_use]
    pub fn is_untold(&self) -> bool {
        self.failed + self.dropped > 0 || self.resolved_sent < self.resolved
    }

    /// What became of it, in one line.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self { name, to, url, raised, sent, failed, dropped, resolved, resolved_sent, .. } = self;
        let whom = if to == "webhook" { "a webhook" } else { "an Alertmanager" };
        if *raised == 0 {
            return format!("{name}: not raised ({whom} at {url})");
        }
        let mut told = vec![format!("{name}: raised {}, {whom} at {url}", counted(*raised, "time"))];
        let outcomes = [(sent, "sent"), (failed, "failed"), (dropped, "dropped")].into_iter();
        told.extend(outcomes.filter(|(times, _)| **times > 0).map(|(times, what)| format!("{what} {}", count(*times))));
        if *resolved > 0 {
            told.push(format!("{} over, {} told so", count(*resolved), count(*resolved_sent)));
        }
        told.extend(self.error.iter().map(|error| format!("it {error}")));
        told.join(" · ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_heard_of_is_told_with_its_reason() {
        let mut alert = AlertReport {
            name: "lost".to_owned(),
            to: "alertmanager".to_owned(),
            url: "http://am:9093".to_owned(),
            ..AlertReport::default()
        };
        assert_eq!(alert.sentence(), "lost: not raised (an Alertmanager at http://am:9093)");
        (alert.raised, alert.sent, alert.resolved, alert.resolved_sent) = (1, 1, 1, 1);
        assert!(!alert.is_untold());
        (alert.raised, alert.failed, alert.resolved) = (3, 2, 2);
        alert.error = Some("does not answer".to_owned());
        assert!(alert.is_untold());
        assert_eq!(
            alert.sentence(),
            "lost: raised 3 times, an Alertmanager at http://am:9093 · sent 1 · failed 2 · 2 over, 1 told so · it does not answer"
        );
    }
}
