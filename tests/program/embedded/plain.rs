//! A plain run against the embedded broker: the configuration that tests begin from.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use loadgen::event::rollout::Rollout;
use loadgen::event::stamp::RunId;
use loadgen::kafka::Settings;
use loadgen::run::{Config, Downstream, KafkaConfig, Lanes};
use loadgen::settings::recording::EventTime;
use loadgen::settings::run::{Lateness, Pacing, Patience};
use loadgen::settings::verification::{ReadBack, Verification};
use loadgen::soak::timeline::Detail;
use loadgen::source::{Source, synthetic};

/// So many lanes that write to three partitions, and a verifier.
pub(crate) fn config(lanes: u16) -> Config {
    let client = [
        ("acks", "all"),
        ("enable.idempotence", "true"),
        ("compression.type", "snappy"),
        ("linger.ms", "5"),
        ("partitioner", "murmur2_random"),
        ("queue.buffering.max.messages", "20000"),
        ("delivery.timeout.ms", "30000"),
    ];
    Config {
        schemas: Vec::new(),
        rollout: Rollout::default(),
        name: "test".to_owned(),
        id: RunId(0x0123_4567_89ab_cdef),
        seed: 1,
        lanes: Lanes::only(lanes),
        start_at_unix_ns: None,
        pacing: Pacing::Sleep,
        event_time: EventTime::Now,
        late: loadgen::source::Late::default(),
        lateness: Lateness::default(),
        kafka: KafkaConfig {
            bootstrap: None,
            topic: "raw-events".to_owned(),
            topic_map: BTreeMap::new(),
            partitions: 3,
            replication_factor: 1,
            create_topics: false,
            client: client.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect::<Settings>(),
            connect_timeout: Duration::from_secs(20),
            headers: BTreeMap::new(),
            lag_group: None,
        },
        catalogue: std::sync::Arc::new(loadgen::shop::catalogue().unwrap()),
        verify: Some(Verification {
            group: None,
            back: ReadBack { drain_deadline: Duration::from_secs(30), ..ReadBack::default() },
        }),
        transactions: None,
        padding: None,
        patience: Patience::default(),
        answers: None,
        detail: Detail::default(),
        faults: Vec::new(),
        downstream: Downstream::default(),
    }
}

pub(crate) fn synthetic() -> Source {
    Source::Synthetic(Arc::new(synthetic::Synthetic::new(&synthetic::Config::default(), 7).unwrap()))
}
