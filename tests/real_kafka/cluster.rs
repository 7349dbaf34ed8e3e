//! A Kafka cluster of a test's own.

use std::path::Path;
use std::process::{Command, Output};

use loadgen::clock::{Clock, Monotonic, Nanos};
use rdkafka::ClientConfig;
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::PATIENCE;

/// Ends with the test, however that ends.
pub(crate) struct Cluster {
    folder: tempfile::TempDir,
    address: String,
}

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/kafka");

impl Cluster {
    /// One broker.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// One broker with more settings.
    pub(crate) fn start_with(settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let owner = std::process::id().to_string();
        let mut arguments = vec!["up", "--owner", &owner];
        for setting in settings {
            arguments.extend(["-c", setting]);
        }
        let output = run(folder.path(), &arguments);
        let address = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        Self { folder, address }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// `scripts/kafka` with these arguments.
    pub(crate) fn command(&self, arguments: &[&str]) {
        run(self.folder.path(), arguments);
    }

    /// One of Kafka's own tools, told where the cluster is.
    pub(crate) fn tool(&self, class: &str, arguments: &[&str]) {
        let mut all = vec!["run", class, "--bootstrap-server", &self.address];
        all.extend(arguments);
        let output = Command::new(SCRIPT).args(&all).output().unwrap();
        assert!(output.status.success(), "{all:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Keys and bodies of the first `count` records of a topic, each partition's in order, by another consumer.
    pub(crate) fn read(&self, topic: &str, count: u64) -> Vec<(String, String)> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.address)
            .set("group.id", "independent")
            .set("auto.offset.reset", "earliest")
            .create()
            .unwrap();
        consumer.subscribe(&[topic]).unwrap();
        let mut records = Vec::new();
        let clock = Monotonic::start();
        while (records.len() as u64) < count {
            assert!(clock.now() < Nanos::from(PATIENCE), "only {} of {count} records", records.len());
            // Also returns empty-handed when something else than a record came.
            let Some(message) = consumer.poll(std::time::Duration::from_secs(1)) else { continue };
            let message = message.unwrap();
            let text = |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap().to_vec()).unwrap();
            records.push((text(message.key()), text(message.payload())));
        }
        records
    }

    /// Records of another producer.
    pub(crate) fn write(&self, topic: &str, records: &[(&str, &str)]) {
        let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", &self.address).create().unwrap();
        for (key, body) in records {
            producer.send(BaseRecord::to(topic).key(*key).payload(*body)).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(PATIENCE).unwrap();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let ended = Command::new(SCRIPT).args(["down", "--wipe", "--dir"]).arg(self.folder.path()).output();
        drop(ended);
    }
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let output = Command::new(SCRIPT).args(arguments).arg("--dir").arg(folder).output().unwrap();
    assert!(output.status.success(), "scripts/kafka {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}
