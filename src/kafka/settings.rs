//! Which settings which client knows. librdkafka warns about a setting of the other kind of client, or refuses it.

use super::Settings;

/// Settings that only a producer knows, all that librdkafka's CONFIGURATION.md marks with P; a consumer would warn about them.
const PRODUCER_ONLY: [&str; 30] = [
    "acks",
    "batch.num.messages",
    "batch.size",
    "compression.codec",
    "compression.level",
    "compression.type",
    "delivery.report.only.error",
    "delivery.timeout.ms",
    "dr_cb",
    "dr_msg_cb",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "linger.ms",
    "message.send.max.retries",
    "message.timeout.ms",
    "msg_order_cmp",
    "partitioner",
    "partitioner_cb",
    "produce.offset.report",
    "queue.buffering.backpressure.threshold",
    "queue.buffering.max.kbytes",
    "queue.buffering.max.messages",
    "queue.buffering.max.ms",
    "queuing.strategy",
    "request.required.acks",
    "request.timeout.ms",
    "retries",
    "sticky.partitioning.linger.ms",
    "transaction.timeout.ms",
    "transactional.id",
];

/// Settings that only a consumer knows, all that are marked with C.
const CONSUMER_ONLY: [&str; 34] = [
    "auto.commit.enable",
    "auto.commit.interval.ms",
    "auto.offset.reset",
    "check.crcs",
    "consume.callback.max.messages",
    "consume_cb",
    "coordinator.query.interval.ms",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.partition.eof",
    "fetch.error.backoff.ms",
    "fetch.max.bytes",
    "fetch.message.max.bytes",
    "fetch.min.bytes",
    "fetch.queue.backoff.ms",
    "fetch.wait.max.ms",
    "group.id",
    "group.instance.id",
    "group.protocol",
    "group.protocol.type",
    "group.remote.assignor",
    "heartbeat.interval.ms",
    "isolation.level",
    "max.partition.fetch.bytes",
    "max.poll.interval.ms",
    "offset.store.method",
    "offset.store.path",
    "offset.store.sync.interval.ms",
    "offset_commit_cb",
    "partition.assignment.strategy",
    "queued.max.messages.kbytes",
    "queued.min.messages",
    "rebalance_cb",
    "session.timeout.ms",
];

/// What a producer takes of settings meant for both.
#[must_use]
pub fn of_a_producer(settings: &Settings) -> Settings {
    without(settings, &CONSUMER_ONLY)
}

/// What a consumer takes of settings meant for both.
#[must_use]
pub fn of_a_consumer(settings: &Settings) -> Settings {
    without(settings, &PRODUCER_ONLY)
}

/// What a client takes that neither writes nor reads records: it is a producer to librdkafka, but only asks.
#[must_use]
pub fn of_an_admin(settings: &Settings) -> Settings {
    without(&without(settings, &PRODUCER_ONLY), &CONSUMER_ONLY)
}

fn without(settings: &Settings, unknown: &[&str]) -> Settings {
    let known = settings.iter().filter(|(key, _)| !unknown.contains(&key.as_str()));
    known.map(|(key, value)| (key.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::native::{Consumer, Producer};

    #[test]
    fn each_client_gets_what_it_knows() {
        let settings: Settings = [("acks", "all"), ("group.id", "g"), ("bootstrap.servers", "k:1")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        let keys = |settings: Settings| settings.into_keys().collect::<Vec<_>>();
        assert_eq!(keys(of_a_producer(&settings)), ["acks", "bootstrap.servers"]);
        assert_eq!(keys(of_a_consumer(&settings)), ["bootstrap.servers", "group.id"]);
        assert_eq!(keys(of_an_admin(&settings)), ["bootstrap.servers"]);
    }

    /// librdkafka checks settings against each other (max.poll.interval.ms must not be below session.timeout.ms), so a producer that
    /// were given some of a consumer's would refuse what is right.
    #[test]
    fn a_producer_takes_settings_that_only_a_consumer_knows_as_long_as_a_consumer_does() {
        let said = [
            ("bootstrap.servers", "127.0.0.1:1"),
            ("session.timeout.ms", "6000"),
            ("max.poll.interval.ms", "8000"),
            ("group.instance.id", "bench"),
            ("group.id", "g"),
            ("check.crcs", "true"),
            ("max.partition.fetch.bytes", "100000"),
            ("retry.backoff.ms", "50"),
            ("linger.ms", "1"),
        ];
        let settings: Settings = said.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        Producer::new(&of_a_producer(&settings), "t").unwrap();
        Consumer::new(&of_a_consumer(&settings)).unwrap();
    }
}
