//! What a run's configuration allows: with `acks=1` a broker may lose what it acked, and that is no violation.

use std::collections::BTreeMap;

use crate::report::{RunReport, TopicReport};

/// Why acked events may be lost whatever the acks.
const UNCLEAN: &str =
    "unclean.leader.election.enable=true: a copy that lags may become the leader, and what it lacks is gone";

/// Why an idempotent client may send an event twice once deliveries have timed out: what its maintainers say in
/// <https://github.com/confluentinc/librdkafka/issues/4953>.
const NEW_EPOCH: &str = "deliveries timed out, after which the idempotent client begins a new epoch and sends again what was in \
                         flight (librdkafka#4953); transactions keep it from that";

/// For each anomaly that a configuration may allow, why it does; `None` where it must not happen.
///
/// The strictest is the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowances {
    /// Acked events may be lost.
    pub loss: Option<&'static str>,
    /// The client may send an event twice.
    pub resent: Option<&'static str>,
    /// Events of one lane and partition may change their order.
    pub reordering: Option<&'static str>,
    /// Events of aborted transactions may be seen.
    pub aborted_reads: Option<&'static str>,
}

impl Allowances {
    /// Those of the run that `report` is about.
    #[must_use]
    pub fn of(report: &RunReport) -> Self {
        let client = Self::of_client(&report.environment.client_config, report.run.embedded);
        let unclean = |topic: &TopicReport| {
            topic.settings.get("unclean.leader.election.enable").is_some_and(|on| on.eq_ignore_ascii_case("true"))
        };
        let unclean = report.environment.topics.iter().any(unclean).then_some(UNCLEAN);
        let resent = client.resent.or_else(|| sends_again_after_time_outs(report).then_some(NEW_EPOCH));
        Self { loss: client.loss.or(unclean), resent, ..client }
    }

    /// Those of a client with these settings (librdkafka's names; unset ones have librdkafka's defaults), writing to the
    /// embedded broker or to a real cluster.
    #[must_use]
    pub fn of_client(config: &BTreeMap<String, String>, embedded: bool) -> Self {
        let get =
            |names: &[&str]| names.iter().find_map(|name| config.get(*name)).map(|value| value.trim().to_lowercase());
        let idempotent = is_idempotent(config);
        let in_flight = get(&["max.in.flight", "max.in.flight.requests.per.connection"]);
        let one_in_flight = in_flight.as_deref() == Some("1");
        // Unset, librdkafka tries again without end.
        let sends_once = get(&["retries", "message.send.max.retries"]).as_deref() == Some("0");
        let acks = get(&["acks", "request.required.acks"]);
        Self {
            loss: match acks.as_deref() {
                _ if idempotent => None,
                Some("0") => Some("acks=0: nothing is confirmed"),
                Some("1") => Some("acks=1: the leader alone confirms, and may fail before the others have it"),
                _ => None,
            },
            resent: match (embedded, idempotent) {
                _ if sends_once => None,
                (true, _) => Some("the embedded broker does not recognise what was sent again"),
                (false, false) => Some("without idempotence a retry may write an event twice"),
                (false, true) => None,
            },
            reordering: match (embedded, idempotent) {
                _ if one_in_flight || sends_once => None,
                (true, _) => Some("the embedded broker does not check the order of requests in flight"),
                (false, false) => Some("without idempotence a retry may overtake another request in flight"),
                (false, true) => None,
            },
            aborted_reads: match get(&["isolation.level"]).as_deref() {
                Some("read_uncommitted") => Some("isolation.level=read_uncommitted"),
                _ => None,
            },
        }
    }
}

fn is_idempotent(config: &BTreeMap<String, String>) -> bool {
    let on = || config.get("enable.idempotence").map(|value| value.trim().to_lowercase());
    config.contains_key("transactional.id") || on().is_some_and(|on| matches!(on.as_str(), "true" | "t" | "1"))
}

/// Whether this is an idempotent producer whose deliveries timed out, so that there are events without an answer. One with
/// transactions aborts instead.
fn sends_again_after_time_outs(report: &RunReport) -> bool {
    let config = &report.environment.client_config;
    let transactional = report.transactions.is_some() || config.contains_key("transactional.id");
    let unanswered = report.ledger.unknown_seen + report.ledger.unknown_unseen;
    is_idempotent(config) && !transactional && unanswered > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(settings: &[(&str, &str)], embedded: bool) -> Allowances {
        let config = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Allowances::of_client(&config, embedded)
    }

    #[test]
    fn an_idempotent_producer_with_all_acks_allows_nothing_on_a_real_cluster() {
        assert_eq!(of(&[("enable.idempotence", "true"), ("acks", "all")], false), Allowances::default());
        assert_eq!(of(&[("transactional.id", "t"), ("acks", "1")], false), Allowances::default());
    }

    #[test]
    fn acks_of_the_leader_alone_allow_loss() {
        assert!(of(&[("acks", "1")], false).loss.is_some());
        assert!(of(&[("request.required.acks", "0")], false).loss.is_some());
        assert!(of(&[("acks", "-1")], false).loss.is_none());
        assert!(of(&[], false).loss.is_none());
    }

    #[test]
    fn an_unclean_election_may_lose_what_all_in_sync_copies_had() {
        let topic = |value: &str| TopicReport {
            id: None,
            made_anew: false,
            settings: [("unclean.leader.election.enable".to_owned(), value.to_owned())].into(),
            ..TopicReport::default()
        };
        let mut report = RunReport::default();
        report.environment.client_config.insert("enable.idempotence".to_owned(), "true".to_owned());
        report.environment.topics = vec![topic("false")];
        assert_eq!(Allowances::of(&report).loss, None);
        report.environment.topics.push(topic("true"));
        assert_eq!(Allowances::of(&report).loss, Some(UNCLEAN));
    }

    #[test]
    fn an_idempotent_client_sends_twice_only_after_time_outs_and_never_in_transactions() {
        let mut report = RunReport::default();
        report.environment.client_config.insert("enable.idempotence".to_owned(), "true".to_owned());
        assert_eq!(Allowances::of(&report).resent, None);
        for unknown in [(1, 0), (0, 1)] {
            (report.ledger.unknown_seen, report.ledger.unknown_unseen) = unknown;
            assert_eq!(Allowances::of(&report).resent, Some(NEW_EPOCH));
        }
        let mut transactional = report.clone();
        transactional.transactions = Some(crate::report::Transactions::default());
        assert_eq!(Allowances::of(&transactional).resent, None);
        report.environment.client_config.insert("transactional.id".to_owned(), "t".to_owned());
        assert_eq!(Allowances::of(&report).resent, None);
    }

    #[test]
    fn one_request_in_flight_keeps_the_order_even_without_idempotence() {
        assert!(of(&[], false).reordering.is_some());
        assert!(of(&[("max.in.flight", "1")], false).reordering.is_none());
        assert!(of(&[("max.in.flight", "1")], false).resent.is_some());
    }

    #[test]
    fn a_client_that_never_tries_again_sends_nothing_twice_and_out_of_order() {
        for name in ["retries", "message.send.max.retries"] {
            let allowed = of(&[(name, "0"), ("acks", "1")], false);
            assert!(allowed.resent.is_none() && allowed.reordering.is_none() && allowed.loss.is_some());
            assert!(of(&[(name, "3")], false).resent.is_some());
        }
    }

    #[test]
    fn the_embedded_broker_may_keep_what_is_sent_twice() {
        let embedded = of(&[("enable.idempotence", "true")], true);
        assert!(embedded.resent.is_some() && embedded.reordering.is_some() && embedded.loss.is_none());
    }

    #[test]
    fn reading_uncommitted_allows_to_see_what_was_aborted() {
        assert!(of(&[("isolation.level", "read_uncommitted")], false).aborted_reads.is_some());
        assert!(of(&[("isolation.level", "read_committed")], false).aborted_reads.is_none());
    }
}
