//! The fleet's topic: how its clients are set, and whether it is kept as a fleet needs it.

use std::time::Duration;

use crate::fleet::FleetError;
use crate::kafka::admin::{self, Cluster, NewTopic};
use crate::kafka::native::Consumer;
use crate::kafka::{KafkaError, Settings, settings};

/// A transaction that its producer left open is aborted by the cluster after this.
const TRANSACTION: Duration = Duration::from_secs(10);
/// Results wait here until somebody merges them, so that little is too short.
const SHORTEST_RETENTION: Duration = Duration::from_secs(3600);
/// How long a topic that is made here keeps what was said.
const RETENTION: Duration = Duration::from_secs(7 * 24 * 3600);
/// The topic, and how it is reached.
#[derive(Clone, Debug)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// The cluster.
    pub bootstrap: String,
    /// The run's client settings; what concerns its events is replaced.
    pub client: Settings,
    /// The longest wait for an answer.
    pub timeout: Duration,
    /// Copies of it, where it is to be made if it is not there.
    pub create: Option<i32>,
}

impl Topic {
    pub(super) fn of_a_producer(&self, id: &str) -> Settings {
        let mut own = settings::of_a_producer(&self.client);
        for alias in [
            "request.required.acks",
            "delivery.timeout.ms",
            "queue.buffering.max.ms",
            "retries",
            "message.send.max.retries",
            "enable.gapless.guarantee",
            "partitioner",
            "linger.ms",
        ] {
            own.remove(alias);
        }
        let milliseconds = TRANSACTION.as_millis().to_string();
        for (key, value) in [
            ("bootstrap.servers", self.bootstrap.as_str()),
            ("transactional.id", id),
            ("transaction.timeout.ms", &milliseconds),
            ("message.timeout.ms", &milliseconds),
            ("enable.idempotence", "true"),
            ("acks", "all"),
            ("linger.ms", "0"),
            ("statistics.interval.ms", "0"),
        ] {
            own.insert(key.to_owned(), value.to_owned());
        }
        own
    }

    pub(super) fn of_a_consumer(&self) -> Settings {
        let mut own = settings::of_a_consumer(&self.client);
        for (key, value) in [
            ("bootstrap.servers", self.bootstrap.as_str()),
            // No group is joined: the client only wants a name.
            ("group.id", "loadgen-fleet"),
            ("enable.auto.commit", "false"),
            ("enable.partition.eof", "true"),
            ("auto.offset.reset", "earliest"),
            ("isolation.level", "read_uncommitted"),
            ("fetch.wait.max.ms", "50"),
            ("statistics.interval.ms", "0"),
        ] {
            own.insert(key.to_owned(), value.to_owned());
        }
        own
    }

    /// Makes the topic, if that was asked for and it is not there, and looks whether it is kept as a fleet needs it.
    pub(super) fn ready(&self, consumer: &Consumer) -> Result<(), FleetError> {
        let mut client = settings::of_an_admin(&self.client);
        client.insert("bootstrap.servers".to_owned(), self.bootstrap.clone());
        match (consumer.metadata(&self.name, self.timeout), self.create) {
            (Err(KafkaError::TopicMissing { .. }), Some(copies)) => {
                let retention = RETENTION.as_millis().to_string();
                let config = [
                    ("cleanup.policy", "compact,delete"),
                    ("retention.ms", retention.as_str()),
                    ("message.timestamp.type", "LogAppendTime"),
                ];
                let config = config.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
                let new = NewTopic { name: self.name.clone(), partitions: 1, replication_factor: copies, config };
                admin::create_topic(&client, &new, self.timeout)?;
            }
            (answer, _) => drop(answer?),
        }
        let told = Cluster::new(&self.bootstrap, &self.client, self.timeout)?.settings(&self.name);
        match told {
            Ok(told) => self.check(&told),
            // Who may not ask finds out by the records' stamps.
            Err(error) => {
                tracing::debug!("how the fleet's topic is kept is not known: {error}");
                Ok(())
            }
        }
    }

    fn check(&self, told: &Settings) -> Result<(), FleetError> {
        let value = |setting: &str| told.get(setting).cloned().unwrap_or_default();
        let unfit = |setting: &'static str, needs: &'static str| {
            Err(FleetError::Unfit { topic: self.name.clone(), setting, value: value(setting), needs })
        };
        let policy = value("cleanup.policy");
        if !policy.split(',').any(|part| part.trim() == "compact") {
            return unfit("cleanup.policy", "compact, or compact,delete");
        }
        if value("message.timestamp.type") != "LogAppendTime" {
            return unfit("message.timestamp.type", "LogAppendTime: the broker's clock is the one that all share");
        }
        let kept = value("retention.ms").parse::<u128>().unwrap_or(u128::MAX);
        if policy.contains("delete") && kept < SHORTEST_RETENTION.as_millis() {
            return unfit("retention.ms", "an hour (3600000) or more");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::native::Producer;

    fn topic() -> Topic {
        Topic {
            name: "loadgen-fleet".to_owned(),
            bootstrap: "127.0.0.1:1".to_owned(),
            client: [("linger.ms", "5"), ("delivery.timeout.ms", "90000"), ("group.id", "g"), ("acks", "1")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            timeout: Duration::from_secs(1),
            create: None,
        }
    }

    #[test]
    fn what_a_run_sets_for_its_events_is_not_set_for_the_fleet() {
        let topic = topic();
        Producer::new(&topic.of_a_producer("loadgen-fleet/1/1"), &topic.name).unwrap();
        Consumer::new(&topic.of_a_consumer()).unwrap();
    }

    #[test]
    fn a_topic_that_is_kept_otherwise_is_refused_by_the_setting() {
        let fit = [
            ("cleanup.policy", "compact,delete"),
            ("message.timestamp.type", "LogAppendTime"),
            ("retention.ms", "3600000"),
        ];
        let with = |setting: &str, value: &str| {
            let mut told: Settings = fit.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
            told.insert(setting.to_owned(), value.to_owned());
            topic().check(&told)
        };
        assert!(with("cleanup.policy", "compact").is_ok() && with("retention.ms", "-1").is_ok());
        for (setting, value) in
            [("cleanup.policy", "delete"), ("message.timestamp.type", "CreateTime"), ("retention.ms", "60000")]
        {
            let told = with(setting, value).unwrap_err().to_string();
            assert!(told.contains(&format!("{setting}={value}")), "{told}");
        }
    }
}
