//! The Kafka clients of a run: how they are set, and a producer that stands ready.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::{Config, RunError, transactions};
use crate::clock::{Clock, Monotonic, Nanos};
use crate::kafka::native::Producer;
use crate::kafka::slots::Slots;
use crate::kafka::{Code, KafkaError, Notice, Settings, settings};
use crate::settings::choice::Choice;
use crate::settings::membership::{Group, GroupProtocol};
use crate::settings::verification::Verification;

/// Statistics are asked for this often, so that the producer id shows soon.
const STATISTICS_MS: &str = "100";
/// How often a consumer is asked how long brokers make it hold back, while others look on.
pub(super) const STATISTICS: (&str, &str) = ("statistics.interval.ms", "1000");
/// The longest wait for the producer id: without it the first events would wait instead.
const PRODUCER_ID: Duration = Duration::from_secs(10);

pub(super) fn producer_settings(settings: &Settings, config: &Config) -> Settings {
    let mut own = settings::of_a_producer(settings);
    if config.transactions.is_some() {
        own.insert("transactional.id".to_owned(), transactions::id_of(config));
    }
    own.entry("statistics.interval.ms".to_owned()).or_insert_with(|| STATISTICS_MS.to_owned());
    own
}

/// How a consumer differs that joins a group.
pub(super) fn member_settings(mut settings: Settings, group: &Group) -> Settings {
    let protocol = group.membership.group_protocol;
    let commit_ms = group.membership.commit_interval.as_millis().max(1).to_string();
    let assignor =
        if protocol == GroupProtocol::Consumer { "group.remote.assignor" } else { "partition.assignment.strategy" };
    for (key, value) in [
        ("group.id", Some(group.name.as_str())),
        ("group.protocol", Some(protocol.as_str())),
        (assignor, group.membership.assignor.as_deref()),
        ("enable.auto.commit", Some(if group.commits_itself() { "false" } else { "true" })),
        ("auto.commit.interval.ms", Some(commit_ms.as_str())),
        // What is given back is committed when it has been judged, not before: see Reader::judged.
        ("enable.auto.offset.store", Some("false")),
    ] {
        if let Some(value) = value {
            settings.insert(key.to_owned(), value.to_owned());
        }
    }
    if protocol == GroupProtocol::Consumer {
        // The coordinator decides these under KIP-848, and the client refuses them.
        for key in
            ["session.timeout.ms", "heartbeat.interval.ms", "group.protocol.type", "partition.assignment.strategy"]
        {
            settings.remove(key);
        }
    }
    settings
}

pub(super) fn consumer_settings(config: &Config, settings: &Settings, embedded: bool) -> Settings {
    let committed = config.verify.as_ref().is_some_and(Verification::reads_committed);
    reader_settings(&format!("loadgen-{}", config.id), committed, settings, embedded)
}

/// The same, for a consumer that reads while others look on: it tells how long brokers make it hold back. Its notices must be taken.
pub(super) fn live(mut settings: Settings) -> Settings {
    let (key, value) = STATISTICS;
    settings.insert(key.to_owned(), value.to_owned());
    settings
}

/// How a consumer is set that reads by assignment; `name` stands for the group that none of them joins.
pub(super) fn reader_settings(name: &str, committed: bool, settings: &Settings, embedded: bool) -> Settings {
    let mut own = settings::of_a_consumer(settings);
    for (key, value) in [
        // No group is joined: the client only wants a name.
        ("group.id", name),
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("enable.partition.eof", "true"),
        ("auto.offset.reset", "error"),
        ("isolation.level", if committed { "read_committed" } else { "read_uncommitted" }),
        ("statistics.interval.ms", "0"),
    ] {
        own.insert(key.to_owned(), value.to_owned());
    }
    // The default pauses a full queue for a second, and the mock cluster wakes an empty fetch only at its end.
    own.entry("fetch.queue.backoff.ms".to_owned()).or_insert_with(|| "2".to_owned());
    let fetch_wait = if embedded { "5" } else { "10" };
    own.entry("fetch.wait.max.ms".to_owned()).or_insert_with(|| fetch_wait.to_owned());
    own
}

/// A producer for each lane, all made ready at once: each waits for its id by itself, half a second where the client asks too
/// early.
pub(super) fn ready_producers(
    settings: &Settings,
    config: &Config,
    slots: &Arc<Slots>,
) -> Result<Vec<Producer>, RunError> {
    all_at_once(config.lanes.numbers(), |lane| {
        ready_producer(&transactions::of_lane(settings, lane), config, slots).map_err(RunError::Kafka)
    })
}

/// What `ready` gives for each lane, in their order, each on a thread of its own.
fn all_at_once<T: Send>(
    lanes: impl Iterator<Item = u16>,
    ready: impl Fn(u16) -> Result<T, RunError> + Sync,
) -> Result<Vec<T>, RunError> {
    let ready = &ready;
    thread::scope(|scope| {
        let start = |lane| {
            thread::Builder::new()
                .name(format!("ready-{lane}"))
                .spawn_scoped(scope, move || ready(lane))
                .map_err(|error| RunError::Thread(format!("ready-{lane}: {error}")))
        };
        let waiting = lanes.map(start).collect::<Result<Vec<_>, _>>()?;
        let join = |thread: thread::ScopedJoinHandle<'_, Result<T, RunError>>| {
            thread.join().unwrap_or_else(|_| Err(RunError::Thread("ready: it panicked".to_owned())))
        };
        waiting.into_iter().map(join).collect()
    })
}

/// A producer whose id is assigned and whose connections to all leaders are open.
fn ready_producer(settings: &Settings, config: &Config, slots: &Arc<Slots>) -> Result<Producer, KafkaError> {
    let producer = Producer::of(settings, slots)?;
    for (topic, _) in slots.topics() {
        producer.metadata(topic, config.kafka.connect_timeout)?;
    }
    let clock = Monotonic::start();
    let places: Vec<(&str, i32)> = (0..slots.len()).filter_map(|slot| slots.place(slot)).collect();
    producer.first_ends(&places, config.kafka.connect_timeout)?;
    if config.transactions.is_some() {
        transactions::init(&producer, config)?;
    } else if settings.get("enable.idempotence").is_some_and(|value| value == "true") && statistics_come(settings) {
        wait_for_producer_id(&producer, &clock)?;
    }
    Ok(producer)
}

fn statistics_come(settings: &Settings) -> bool {
    settings.get("statistics.interval.ms").and_then(|value| value.parse::<u64>().ok()).is_some_and(|ms| ms > 0)
}

/// The statistics tell it (`eos.idemp_state`); there is no call for it.
fn wait_for_producer_id(producer: &Producer, clock: &Monotonic) -> Result<(), KafkaError> {
    let deadline = clock.now() + Nanos::from(PRODUCER_ID);
    let (mut assigned, mut fatal) = (false, None);
    while !assigned && clock.now() < deadline {
        producer.serve(
            Duration::from_millis(20),
            |_| {},
            |notice| match notice {
                Notice::Statistics(json) => assigned |= has_producer_id(&json),
                Notice::Error { code, text, fatal: true } => fatal = Some((code, text)),
                Notice::Error { .. } | Notice::Log { .. } => {}
            },
        );
        if let Some((code, text)) = fatal {
            return Err(KafkaError::Refused { what: format!("getting a producer id ({text})"), code });
        }
    }
    if assigned {
        Ok(())
    } else {
        Err(KafkaError::Refused { what: "getting a producer id".to_owned(), code: Code::OperationTimedOut })
    }
}

fn has_producer_id(statistics: &str) -> bool {
    serde_json::from_str::<rdkafka::Statistics>(statistics)
        .is_ok_and(|statistics| statistics.eos.is_some_and(|eos| eos.idemp_state == "Assigned"))
}

#[cfg(test)]
mod tests {
    use std::sync::{Condvar, Mutex};

    use super::*;

    #[test]
    fn all_lanes_are_made_ready_at_once() {
        let (begun, changed) = (Mutex::new(0), Condvar::new());
        // Each waits for all others to have begun, which one after the other would never be.
        let met = all_at_once(3..35, |lane| {
            *begun.lock().unwrap() += 1;
            changed.notify_all();
            let patience = Duration::from_secs(60);
            let (begun, _) = changed.wait_timeout_while(begun.lock().unwrap(), patience, |begun| *begun < 32).unwrap();
            Ok((lane, *begun))
        });
        assert_eq!(met.unwrap(), (3..35).map(|lane| (lane, 32)).collect::<Vec<_>>());
    }

    #[test]
    fn a_lane_that_cannot_be_made_ready_is_told() {
        let refused =
            || KafkaError::Refused { what: "getting a producer id".to_owned(), code: Code::OperationTimedOut };
        let ready = |lane| if lane == 2 { Err(RunError::Kafka(refused())) } else { Ok(lane) };
        assert_eq!(all_at_once(0..4, ready).unwrap_err().to_string(), RunError::Kafka(refused()).to_string());
        let panics = |lane: u16| if lane == 1 { panic!("no memory") } else { Ok(lane) };
        assert!(matches!(all_at_once(0..4, panics), Err(RunError::Thread(_))));
    }
}
