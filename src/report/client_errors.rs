//! What the Kafka clients of a run said that went wrong.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RunReport;
use crate::figures::{self, counted, duration_s, span_s};

/// One kind of error that clients told, over all clients of their sort.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClientError {
    /// Who said it: `producer`, `consumer` or `group` (the members of a consumer group).
    pub client: String,
    /// The lanes whose producers said it; empty for others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lanes: Vec<u16>,
    /// The error's name in the Kafka protocol; librdkafka's own begin with `_`.
    pub code: String,
    /// What it is about: `client`, `idle connections closed`, `refused by the client`, `refused by the broker`,
    /// `no answer that proves anything`, `transaction`, `reading` or `group`.
    pub about: String,
    /// How often it was said.
    pub count: u64,
    /// When it was said first, in seconds since the start.
    pub first_at_s: f64,
    /// When it was said last.
    pub last_at_s: f64,
    /// The partitions concerned, by topic, as far as they were told.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub partitions: BTreeMap<String, Vec<i32>>,
    /// The first words.
    pub first: String,
    /// The last words.
    pub last: String,
    /// Whose limit or state it is, where the code and the settings leave one reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meaning: Option<String>,
    /// Whether nothing was wrong: a broker closes connections on which nothing goes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub harmless: bool,
}

impl ClientError {
    /// In one sentence: how often, what, whose, where and when.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self { client, lanes, code, about, count, first_at_s, last_at_s, partitions, first, meaning, .. } = self;
        let who = if lanes.is_empty() { client.clone() } else { format!("lanes {}", listed(lanes.iter())) };
        let places: Vec<String> =
            partitions.iter().map(|(topic, numbers)| format!("{topic} [{}]", listed(numbers.iter()))).collect();
        let places = if places.is_empty() { String::new() } else { format!(" in {}", places.join(", ")) };
        let when = if *count == 1 || last_at_s <= first_at_s {
            format!("at {}", span_s(*first_at_s))
        } else {
            format!("from {} to {}", span_s(*first_at_s), span_s(*last_at_s))
        };
        let words = meaning.as_ref().unwrap_or(first);
        format!("{} {code} ({about}, {who}){places}, {when}: {words}", figures::count(*count))
    }
}

/// How long brokers made the reading side hold back, which a quota makes them do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadThrottling {
    /// The mean time told with an answer, in ms.
    pub mean_ms: f64,
    /// The longest, in ms.
    pub longest_ms: u64,
    /// In how many percent of the reading's seconds one was told.
    pub seconds_percent: f64,
    /// When one was told first, in seconds since the start.
    pub first_at_s: f64,
    /// When one was told last.
    pub last_at_s: f64,
}

impl ReadThrottling {
    /// In one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!(
            "reads were throttled by a quota: up to {} an answer, in {} % of the seconds",
            duration_s(std::time::Duration::from_millis(self.longest_ms).as_secs_f64()),
            figures::percent(self.seconds_percent)
        )
    }
}

/// The first of them, and that there are more.
fn listed<T: std::fmt::Display>(numbers: impl ExactSizeIterator<Item = T>) -> String {
    const SHOWN: usize = 8;
    let more = if numbers.len() > SHOWN { ", …" } else { "" };
    let shown: Vec<String> = numbers.take(SHOWN).map(|number| number.to_string()).collect();
    format!("{}{more}", shown.join(", "))
}

/// The error that most events were refused for, in words; `None` where none was told.
#[must_use]
pub fn why_refused(report: &RunReport) -> Option<String> {
    let refusals = report.client_errors.iter().filter(|error| error.about.starts_with("refused by"));
    let most = refusals.max_by_key(|error| error.count)?;
    let meaning = most.meaning.as_ref().unwrap_or(&most.first);
    Some(format!("{} {}: {meaning}", most.code, most.about))
}

/// What is worth a finding of its own: the errors of most weight, in words.
#[must_use]
pub fn finding(report: &RunReport) -> Option<String> {
    if let Some(why) = why_refused(report) {
        return Some(format!("{} refused: {why}", counted(report.ledger.refused, "event")));
    }
    let told = report.client_errors.iter().filter(|error| !error.harmless && error.meaning.is_some());
    told.max_by_key(|error| error.count).map(ClientError::sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_with_whose_it_is_where_and_when() {
        let error = ClientError {
            client: "producer".to_owned(),
            lanes: vec![0, 1, 2],
            code: "MESSAGE_TOO_LARGE".to_owned(),
            about: "refused by the broker".to_owned(),
            count: 60,
            first_at_s: 0.1,
            last_at_s: 4.0,
            partitions: [("t16".to_owned(), vec![0, 1])].into(),
            first: "Broker: Message size too large".to_owned(),
            meaning: Some("larger than topic \"t16\" takes".to_owned()),
            ..ClientError::default()
        };
        let said = error.sentence();
        assert!(
            said.starts_with("60 MESSAGE_TOO_LARGE (refused by the broker, lanes 0, 1, 2) in t16 [0, 1], from "),
            "{said}"
        );
        assert!(said.ends_with(": larger than topic \"t16\" takes"), "{said}");
        let report = RunReport { client_errors: vec![error], ..RunReport::default() };
        assert_eq!(
            why_refused(&report).unwrap(),
            "MESSAGE_TOO_LARGE refused by the broker: larger than topic \"t16\" takes"
        );
    }
}
