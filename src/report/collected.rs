//! What a collector took in over HTTP, and what it answered.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figures;

/// Requests, and the events in them: `requests` = those `answered` + `abandoned`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Collected {
    /// Requests whose head was read.
    pub requests: u64,
    /// How they were answered, by status.
    pub answered: BTreeMap<String, u64>,
    /// Requests whose client had gone before they were answered.
    pub abandoned: u64,
    /// The events of their bodies.
    pub events: CollectedEvents,
    /// Connections that were made.
    pub connections: u64,
    /// The most of them at once.
    pub most_connections: u64,
    /// Connections that were turned away, since there were as many as there may be.
    pub connections_refused: u64,
    /// Connections that ended with something that is no HTTP, or too slowly.
    pub connections_broken: u64,
}

/// Events of requests: `taken` = `told_acked` + `told_taken` + `told_failed` + `untold` = the ledger's `scheduled` + `not_sent`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CollectedEvents {
    /// Taken to be published.
    pub taken: u64,
    /// Those that were answered with 200: the cluster had confirmed each of them.
    pub told_acked: u64,
    /// Those that were answered with 202, before anything was known.
    pub told_taken: u64,
    /// Those that were answered with 502 or 503: some of their request were refused, or had no answer in time.
    pub told_failed: u64,
    /// Those whose client had gone.
    pub untold: u64,
    /// Those that were let go unsent, since they came as the collector ended.
    pub not_sent: u64,
    /// Not taken, since they are no valid events, or came with one that is not.
    pub invalid: u64,
    /// Not taken, since there was no room, or the cluster did not answer.
    pub turned_away: u64,
}

impl Collected {
    /// What it says, for people.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let counted = |count: u64, what: &str| (count > 0).then(|| format!("{} {what}", figures::count(count)));
        let events = &self.events;
        let answers = self.answered.iter().map(|(status, count)| format!("{status}: {}", figures::count(*count)));
        let told = [
            format!("{} taken", figures::counted(events.taken, "event")),
            format!("{} answered when acked", figures::count(events.told_acked)),
        ];
        let rarer = [
            counted(events.told_taken, "answered before"),
            counted(events.told_failed, "answered as not acked"),
            counted(events.untold, "whose client had gone"),
            counted(events.not_sent, "let go unsent at the end"),
            counted(events.invalid, "not taken as invalid"),
            counted(events.turned_away, "not taken for want of room or cluster"),
            counted(self.connections_refused, "connections turned away"),
            counted(self.connections_broken, "connections broken or too slow"),
        ];
        let requests = figures::counted(self.requests, "request");
        let connections = figures::counted(self.connections, "connection");
        std::iter::once(format!("{requests} over {connections}, {} at most", figures::count(self.most_connections)))
            .chain(answers)
            .chain(counted(self.abandoned, "abandoned"))
            .chain(told)
            .chain(rarer.into_iter().flatten())
            .collect()
    }
}
