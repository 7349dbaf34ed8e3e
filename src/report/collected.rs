//! What a collector took in over HTTP, and what it answered.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figures;
use crate::ledger::{Class, LedgerCounts};

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
    /// What does not sum, or was told and is not so, where something is.
    #[must_use]
    pub fn broken(&self, ledger: &LedgerCounts) -> Option<String> {
        let answered = self.answered.values().sum::<u64>() + self.abandoned;
        if answered != self.requests {
            return Some(format!("{} requests came, and {answered} are accounted for", self.requests));
        }
        let events = &self.events;
        let told = events.told_acked + events.told_taken + events.told_failed + events.untold;
        let sent = ledger.scheduled + events.not_sent;
        if told != events.taken || sent != events.taken {
            return Some(format!(
                "{} events were taken, their clients were told of {told}, and {sent} were sent or let go",
                events.taken
            ));
        }
        // Whatever became of them then, these were never acked.
        let unacked = [
            Class::NotAttempted,
            Class::Refused,
            Class::Contradicted,
            Class::UnknownSeen,
            Class::UnknownUnseen,
            Class::Aborted,
            Class::AbortedSeen,
        ];
        let unacked = unacked.into_iter().map(|class| ledger.of(class)).sum::<u64>() + events.not_sent;
        let told_otherwise = events.taken - events.told_acked;
        (unacked > told_otherwise).then(|| {
            format!(
                "{unacked} events were not acked, and clients of all but {told_otherwise} were told that theirs were"
            )
        })
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    fn right() -> (Collected, LedgerCounts) {
        let events =
            CollectedEvents { taken: 10, told_acked: 6, told_failed: 3, not_sent: 1, untold: 1, ..Default::default() };
        let answered = [("200".to_owned(), 4), ("503".to_owned(), 2)].into();
        let collected = Collected { requests: 7, answered, abandoned: 1, events, ..Collected::default() };
        let ledger = LedgerCounts { scheduled: 9, verified: 6, unknown_unseen: 2, lost: 1, ..LedgerCounts::default() };
        (collected, ledger)
    }

    #[test]
    fn whatever_does_not_sum_is_told() {
        let (collected, ledger) = right();
        assert_eq!(collected.broken(&ledger), None);
        let told = |change: fn(&mut Collected)| {
            let mut changed = collected.clone();
            change(&mut changed);
            changed.broken(&ledger).unwrap_or_default()
        };
        assert!(told(|it| it.requests += 1).contains("8 requests came"));
        assert!(told(|it| it.abandoned += 1).contains("8 are accounted for"));
        assert!(told(|it| it.events.untold += 1).contains("told of 11"));
        assert!(told(|it| it.events.not_sent += 1).contains("11 were sent"));
        assert!(told(|it| it.events.taken -= 1).contains("9 events were taken"));
    }

    #[test]
    fn an_event_that_was_told_as_acked_and_was_not_is_found() {
        let (mut collected, mut ledger) = right();
        // One more without an answer may be the one whose client had gone.
        (ledger.verified, ledger.unknown_unseen) = (5, 3);
        assert_eq!(collected.broken(&ledger), None);
        (collected.events.told_acked, collected.events.untold) = (7, 0);
        assert!(collected.broken(&ledger).is_some_and(|why| why.contains("4 events were not acked")), "{collected:?}");
    }
}
