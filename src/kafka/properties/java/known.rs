//! Properties by name: those of the Java client that change nothing here, those that cannot be, and those that are loadgen's own.

/// Java-only properties that change nothing here, with why.
pub(super) const WITHOUT_EFFECT: [(&str, &str); 27] = [
    ("key.serializer", "keys are written as UTF-8"),
    ("value.serializer", "bodies are written as JSON"),
    ("key.deserializer", "keys are read as UTF-8"),
    ("value.deserializer", "bodies are read as JSON"),
    ("buffer.memory", "the counterpart is queue.buffering.max.kbytes"),
    ("max.block.ms", "a full queue never blocks; events become late, and that is measured"),
    ("max.poll.records", "the verifier reads in batches of its own"),
    ("default.api.timeout.ms", "the counterpart is --connect-timeout"),
    ("exclude.internal.topics", "nothing is subscribed by pattern"),
    ("interceptor.classes", "it names Java code"),
    ("metric.reporters", "it names Java code"),
    ("metrics.num.samples", "it is about the Java client's metrics"),
    ("metrics.recording.level", "it is about the Java client's metrics"),
    ("metrics.sample.window.ms", "it is about the Java client's metrics"),
    ("auto.include.jmx.reporter", "it is about the Java client's metrics"),
    ("enable.metrics.push", "it is about the Java client's metrics"),
    ("partitioner.adaptive.partitioning.enable", "every event has a key, which decides its partition"),
    ("partitioner.availability.timeout.ms", "every event has a key, which decides its partition"),
    ("ssl.protocol", "OpenSSL chooses the version"),
    ("ssl.enabled.protocols", "OpenSSL chooses the version"),
    ("ssl.provider", "it names Java code"),
    ("ssl.secure.random.implementation", "it names Java code"),
    ("ssl.keymanager.algorithm", "it names Java code"),
    ("ssl.trustmanager.algorithm", "it names Java code"),
    ("security.providers", "it names Java code"),
    ("schema.registry.url", "bodies are plain JSON"),
    ("basic.auth.credentials.source", "bodies are plain JSON"),
];

/// Beginnings of names that change nothing here.
pub(super) const FAMILIES_WITHOUT_EFFECT: [(&str, &str); 4] = [
    ("sasl.login.", "it is about the Java client's logins"),
    ("schema.registry.", "bodies are plain JSON"),
    ("confluent.monitoring.", "it names Java code"),
    ("basic.auth.user.info", "bodies are plain JSON"),
];

/// Java-only properties that would change what is done, with what to write instead.
pub(super) const REFUSED: [(&str, &str, &str); 6] = [
    ("sasl.client.callback.handler.class", "it names Java code", "use a SASL mechanism of PLAIN or SCRAM"),
    ("sasl.login.callback.handler.class", "it names Java code", "use a SASL mechanism of PLAIN or SCRAM"),
    ("sasl.login.class", "it names Java code", "use a SASL mechanism of PLAIN or SCRAM"),
    (
        "ssl.engine.factory.class",
        "it names Java code",
        "give PEM files as ssl.ca.location, ssl.certificate.location and ssl.key.location",
    ),
    ("config.providers", "it names Java code", "write the values themselves, or give them as variables"),
    ("proxy.protocol.client.address", "the client has no proxy protocol", "leave it out"),
];

/// Properties that loadgen sets by itself, with the option that does.
pub(super) const OWNED: [(&str, &str); 8] = [
    ("group.id", "--group joins a consumer group"),
    ("isolation.level", "--isolation sets it"),
    ("auto.offset.reset", "the verifier reads from where the run started, and never jumps"),
    ("enable.auto.commit", "the verifier commits nothing"),
    ("enable.auto.offset.store", "the verifier commits nothing"),
    ("enable.partition.eof", "the verifier needs it"),
    ("transactional.id", "events are sent outside of transactions"),
    ("enable.gapless.guarantee", "the ledger finds gaps"),
];
