//! What clients said that went wrong, as the report has it: together over clients of a sort, with whose limit it was.

use crate::figures::as_f64;
use crate::kafka::Code;
use crate::kafka::errors::{About, ErrorKind, ErrorLog};
use crate::kafka::slots::Slots;
use crate::measure::ReadThrottle;
use crate::report::{ClientError, Environment, ReadThrottling};

/// Kinds kept in a report; of more only the most frequent are.
const MOST: usize = 200;

/// What the producers said, each with its lane, and the reading side, which may be a group.
pub(super) fn told<'a>(
    producers: impl Iterator<Item = (u16, &'a ErrorLog)>,
    reader: Option<(&'a ErrorLog, bool)>,
    slots: &Slots,
    environment: &Environment,
) -> Vec<ClientError> {
    let mut told: Vec<ClientError> = Vec::new();
    for (lane, log) in producers {
        for kind in log.kinds() {
            add(&mut told, "producer", Some(lane), kind, slots, environment);
        }
    }
    if let Some((log, is_group)) = reader {
        for kind in log.kinds() {
            add(&mut told, if is_group { "group" } else { "consumer" }, None, kind, slots, environment);
        }
    }
    told.sort_by_key(|one| std::cmp::Reverse(one.count));
    told.truncate(MOST);
    told
}

fn add(
    told: &mut Vec<ClientError>,
    client: &str,
    lane: Option<u16>,
    kind: &ErrorKind,
    slots: &Slots,
    environment: &Environment,
) {
    let (code, about) = (kind.code.name(), kind.about.as_str());
    let known = told.iter().position(|one| one.client == client && one.code == code && one.about == about);
    let place = known.unwrap_or(told.len());
    if known.is_none() {
        told.push(ClientError {
            client: client.to_owned(),
            code,
            about: about.to_owned(),
            first_at_s: f64::INFINITY,
            harmless: kind.about == About::Idle,
            ..ClientError::default()
        });
    }
    let one = &mut told[place];
    one.lanes.extend(lane);
    one.count += kind.count;
    if kind.first_at.as_secs_f64() < one.first_at_s {
        one.first_at_s = kind.first_at.as_secs_f64();
        one.first.clone_from(&kind.first);
    }
    if kind.last_at.as_secs_f64() >= one.last_at_s {
        one.last_at_s = kind.last_at.as_secs_f64();
        one.last.clone_from(&kind.last);
    }
    for (topic, partition) in kind.slots.iter().filter_map(|slot| slots.place(*slot)) {
        let partitions = one.partitions.entry(topic.to_owned()).or_default();
        if let Err(at) = partitions.binary_search(&partition) {
            partitions.insert(at, partition);
        }
    }
    if one.meaning.is_none() {
        one.meaning = meaning(kind.code, kind.about, one, environment);
    }
}

/// Whose limit or state it is.
fn meaning(code: Code, about: About, told: &ClientError, environment: &Environment) -> Option<String> {
    let client =
        |key: &str| environment.client_config.get(key).map(|value| format!(" ({key}={value})")).unwrap_or_default();
    // The setting of the topics concerned, or of all where none is named.
    let topics = |key: &str| {
        let concerned = environment
            .topics
            .iter()
            .filter(|topic| told.partitions.is_empty() || told.partitions.contains_key(&topic.name));
        let of = concerned.map(|topic| match topic.settings.get(key) {
            Some(value) => format!("\"{}\" ({key}={value})", topic.name),
            None => format!("\"{}\" ({key})", topic.name),
        });
        of.collect::<Vec<_>>().join(", ")
    };
    Some(match (code, about) {
        (_, About::Idle) => "brokers closed connections on which nothing went (connections.max.idle.ms): no error".to_owned(),
        (Code::MessageSizeTooLarge, About::RefusedByClient) => {
            format!("larger than this client sends{}: -X message.max.bytes raises it", client("message.max.bytes"))
        }
        (Code::MessageSizeTooLarge | Code::MessageBatchTooLarge, _) => format!(
            "a batch was larger than topic {} takes: a smaller -X batch.size{}, or a larger max.message.bytes",
            topics("max.message.bytes"),
            client("batch.size")
        ),
        (Code::NotEnoughReplicas | Code::NotEnoughReplicasAfterAppend, _) => {
            format!("fewer copies were in sync than topic {} asks for", topics("min.insync.replicas"))
        }
        (Code::InvalidTimestamp, _) => format!(
            "the broker does not take that CreateTime: is this machine's clock right? topic {} bounds it",
            topics("message.timestamp.after.max.ms")
        ),
        (Code::StorageError, _) => "a broker cannot write to its disk: it is full, or has failed".to_owned(),
        (Code::MessageTimedOut, _) => format!("not confirmed in time{}", client("delivery.timeout.ms")),
        (Code::TopicAuthorizationFailed, _) => {
            let right = if about == About::Reading { "Read" } else { "Write" };
            format!("the client's principal has no right {right} on the topic")
        }
        (Code::GroupAuthorizationFailed, _) => "the client's principal has no right Read on the group".to_owned(),
        (Code::TransactionalIdAuthorizationFailed, _) => {
            "the client's principal has no right Write on the transactional id".to_owned()
        }
        (Code::InvalidProducerIdMapping, _) => {
            "the coordinator has forgotten the transactional id: it was idle for longer than transactional.id.expiration.ms".to_owned()
        }
        (Code::FencedInstanceId, _) => "another member has taken over its group.instance.id".to_owned(),
        _ => return None,
    })
}

/// How long brokers made the reading side hold back, where they did.
pub(super) fn throttling(throttle: &ReadThrottle) -> Option<ReadThrottling> {
    let (first, last) = throttle.from_until?;
    Some(ReadThrottling {
        mean_ms: as_f64(throttle.sum_ms) / as_f64(throttle.answers.max(1)),
        longest_ms: throttle.longest_ms,
        seconds_percent: as_f64(throttle.throttled) / as_f64(throttle.windows.max(1)) * 100.0,
        first_at_s: first.as_secs_f64(),
        last_at_s: last.as_secs_f64(),
    })
}

/// In words, why an event was not acked.
pub(super) fn reason(code: Code, about: About) -> String {
    format!("{}, {}", code.name(), about.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Nanos;
    use crate::report::TopicReport;

    #[test]
    fn a_refusal_is_told_once_for_all_lanes_with_the_topics_own_limit() {
        let topic = TopicReport {
            name: "t".to_owned(),
            settings: [("max.message.bytes".to_owned(), "20000".to_owned())].into(),
            ..TopicReport::default()
        };
        let environment = Environment { topics: vec![topic], ..Environment::default() };
        let mut logs = [ErrorLog::default(), ErrorLog::default()];
        for (log, at) in logs.iter_mut().zip([2, 1]) {
            log.note(Code::MessageSizeTooLarge, About::RefusedByBroker, Nanos::from_secs(at), Some(0), "");
            log.note(Code::AllBrokersDown, About::Idle, Nanos::from_secs(9), None, "3/3 brokers are down");
        }
        logs[1].note(Code::MessageSizeTooLarge, About::RefusedByBroker, Nanos::from_secs(5), Some(2), "");
        let slots = Slots::of_one("t", 3);
        let told = told((0_u16..).zip(&logs), None, &slots, &environment);
        let [refused, idle] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!(
            (refused.count, refused.lanes.as_slice(), refused.code.as_str()),
            (3, [0, 1].as_slice(), "MESSAGE_TOO_LARGE")
        );
        assert_eq!((refused.first_at_s, refused.last_at_s), (1.0, 5.0));
        assert_eq!(refused.partitions["t"], [0, 2]);
        assert!(refused.meaning.as_ref().unwrap().contains("topic \"t\" (max.message.bytes=20000)"), "{refused:?}");
        assert!(idle.harmless && !refused.harmless);
    }

    #[test]
    fn the_client_s_own_limit_is_told_as_one() {
        let mut log = ErrorLog::default();
        log.note(Code::MessageSizeTooLarge, About::RefusedByClient, Nanos::ZERO, None, "");
        let environment = Environment {
            client_config: [("message.max.bytes".to_owned(), "1000".to_owned())].into(),
            ..Environment::default()
        };
        let told = told(std::iter::once((0, &log)), None, &Slots::of_one("t", 1), &environment);
        assert!(
            told[0].meaning.as_ref().unwrap().starts_with("larger than this client sends (message.max.bytes=1000)")
        );
    }

    #[test]
    fn a_reader_that_was_never_throttled_has_no_section() {
        assert_eq!(throttling(&ReadThrottle { windows: 9, answers: 40, ..ReadThrottle::default() }), None);
        let throttle = ReadThrottle {
            answers: 10,
            sum_ms: 500,
            longest_ms: 200,
            throttled: 3,
            windows: 12,
            from_until: Some((Nanos::from_secs(1), Nanos::from_secs(4))),
        };
        let told = throttling(&throttle).unwrap();
        assert_eq!((told.mean_ms, told.seconds_percent, told.first_at_s), (50.0, 25.0, 1.0));
    }
}
