//! Which settings which client knows. librdkafka warns about a setting of the other kind of client, or refuses it.

use super::Settings;

/// Settings that only a producer knows; a consumer would warn about them.
const PRODUCER_ONLY: [&str; 24] = [
    "acks",
    "request.required.acks",
    "enable.idempotence",
    "compression.type",
    "compression.codec",
    "compression.level",
    "linger.ms",
    "queue.buffering.max.ms",
    "partitioner",
    "queue.buffering.max.messages",
    "queue.buffering.max.kbytes",
    "queue.buffering.backpressure.threshold",
    "delivery.timeout.ms",
    "message.timeout.ms",
    "request.timeout.ms",
    "retries",
    "message.send.max.retries",
    "retry.backoff.ms",
    "batch.size",
    "batch.num.messages",
    "transactional.id",
    "transaction.timeout.ms",
    "sticky.partitioning.linger.ms",
    "enable.gapless.guarantee",
];

/// Settings that only a consumer knows.
const CONSUMER_ONLY: [&str; 16] = [
    "group.id",
    "group.protocol",
    "session.timeout.ms",
    "heartbeat.interval.ms",
    "auto.offset.reset",
    "enable.auto.commit",
    "auto.commit.interval.ms",
    "enable.auto.offset.store",
    "isolation.level",
    "fetch.wait.max.ms",
    "fetch.queue.backoff.ms",
    "fetch.min.bytes",
    "fetch.max.bytes",
    "queued.min.messages",
    "queued.max.messages.kbytes",
    "partition.assignment.strategy",
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
}
