//! Kafka clusters: one broker that tests share, and clusters of a test's own.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::OnceLock;

use loadgen::clock::{Clock, Monotonic, Nanos};
use loadgen::kafka::admin::{self, NewTopic};
use loadgen::kafka::{Code, KafkaError, PartitionState, Settings};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError as ClientError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Message, Offset, TopicPartitionList};

use crate::PATIENCE;
use crate::at_work::wait_until;

/// A record as another consumer read it.
pub(crate) struct Copied {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) key: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

/// Ends with the test, however that ends.
pub(crate) struct Cluster {
    folder: tempfile::TempDir,
    address: String,
}

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/kafka");

impl Cluster {
    /// One broker for all tests that leave it as it is and name topics and groups of their own. `scripts/kafka` ends and
    /// wipes it with this process.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// One broker.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// One broker with more settings.
    pub(crate) fn start_with(settings: &[&str]) -> Self {
        Self::of(1, settings)
    }

    /// So many brokers with more settings.
    pub(crate) fn of(brokers: u8, settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (owner, brokers) = (std::process::id().to_string(), brokers.to_string());
        let mut arguments = vec!["up", "--owner", &owner, "--brokers", &brokers];
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

    /// What belongs to it is in here.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `scripts/kafka` with these arguments.
    pub(crate) fn command(&self, arguments: &[&str]) {
        run(self.folder.path(), arguments);
    }

    /// The same as a command line for a shell, of one broker.
    pub(crate) fn words(&self, command: &[&str], broker: u8) -> String {
        format!("{SCRIPT} {} {broker} --dir {}", command.join(" "), self.folder.path().display())
    }

    /// One of Kafka's own tools, told where the cluster is.
    pub(crate) fn tool(&self, class: &str, arguments: &[&str]) {
        let mut all = vec!["run", class, "--bootstrap-server", &self.address];
        all.extend(arguments);
        let output = Command::new(SCRIPT).args(&all).output().unwrap();
        assert!(output.status.success(), "{all:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// How many records Kafka's own console consumer reads of a topic. It ends when it has been given nothing for a while, on a busy
    /// machine even before the first record: where it was given fewer than are `expected`, it begins anew and waits longer.
    pub(crate) fn console_consumer_counts(&self, topic: &str, isolation: &str, expected: u64) -> u64 {
        let from = ["--bootstrap-server", &self.address, "--topic", topic, "--from-beginning"];
        let class = "org.apache.kafka.tools.consumer.ConsoleConsumer";
        let mut count = 0;
        for timeout_ms in ["6000", "30000", "120000"] {
            let how = ["--isolation-level", isolation, "--timeout-ms", timeout_ms];
            let output = Command::new(SCRIPT).args(["run", class]).args(from).args(how).output().unwrap();
            count = String::from_utf8(output.stdout).unwrap().lines().count() as u64;
            if count >= expected {
                break;
            }
        }
        count
    }

    /// Keys and bodies of the first `count` records of a topic, each partition's in order, by another consumer.
    pub(crate) fn read(&self, topic: &str, count: u64) -> Vec<(String, String)> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.address)
            .set("group.id", format!("independent-of-{topic}"))
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

    /// Deletes what lies below an offset of a partition.
    pub(crate) fn delete(&self, topic: &str, partition: i32, below: i64) {
        let request = self.folder.path().join(format!("delete-{topic}.json"));
        let body = serde_json::json!({
            "partitions": [{ "topic": topic, "partition": partition, "offset": below }], "version": 1,
        });
        std::fs::write(&request, body.to_string()).unwrap();
        self.tool("org.apache.kafka.tools.DeleteRecordsCommand", &["--offset-json-file", request.to_str().unwrap()]);
    }

    /// All records of a topic's partitions as they are now, each partition's in order, by another consumer.
    pub(crate) fn read_all(&self, topic: &str, partitions: i32) -> Vec<Copied> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.address)
            .set("group.id", "independent")
            .set("enable.partition.eof", "true")
            .set("isolation.level", "read_uncommitted")
            .create()
            .unwrap();
        let mut assigned = TopicPartitionList::new();
        for partition in 0..partitions {
            assigned.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
        }
        consumer.assign(&assigned).unwrap();
        let mut ended = std::collections::BTreeSet::new();
        let mut records = Vec::new();
        let clock = Monotonic::start();
        while ended.len() < usize::try_from(partitions).unwrap() {
            assert!(clock.now() < Nanos::from(PATIENCE), "the ends of {ended:?} alone were reached");
            match consumer.poll(std::time::Duration::from_secs(1)) {
                Some(Ok(message)) => records.push(Copied {
                    partition: message.partition(),
                    offset: message.offset(),
                    key: message.key().unwrap_or_default().to_vec(),
                    body: message.payload().unwrap_or_default().to_vec(),
                }),
                Some(Err(ClientError::PartitionEOF(partition))) => drop(ended.insert(partition)),
                Some(Err(_)) | None => {}
            }
        }
        records
    }

    /// The same records again, each into its partition, by another producer.
    pub(crate) fn write_again(&self, topic: &str, records: &[Copied]) {
        let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", &self.address).create().unwrap();
        for Copied { partition, key, body, .. } in records {
            let record = BaseRecord::to(topic).partition(*partition).key(key).payload(body);
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(PATIENCE).unwrap();
    }

    /// The first record of partition 0 once more, with its `CreateTime`: as if its producer had sent it twice.
    pub(crate) fn double_first(&self, topic: &str) {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.address)
            .set("group.id", "independent")
            .create()
            .unwrap();
        let mut assigned = TopicPartitionList::new();
        assigned.add_partition_offset(topic, 0, Offset::Beginning).unwrap();
        consumer.assign(&assigned).unwrap();
        let mut first = None;
        wait_until("first record", PATIENCE, || {
            first = consumer.poll(std::time::Duration::from_secs(1)).map(|message| message.unwrap().detach());
            first.is_some()
        });
        let first = first.unwrap();
        let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", &self.address).create().unwrap();
        let record = BaseRecord::to(topic).partition(0).key(first.key().unwrap()).payload(first.payload().unwrap());
        let record = record.timestamp(first.timestamp().to_millis().unwrap());
        producer.send(record).map_err(|(error, _)| error).unwrap();
        producer.flush(PATIENCE).unwrap();
    }

    /// A transaction of another producer that stays open, with one record in partition 0, until what is returned goes.
    pub(crate) fn open_transaction(&self, topic: &str) -> BaseProducer {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", &self.address)
            .set("transactional.id", "somebody")
            .set("transaction.timeout.ms", "600000")
            .create()
            .unwrap();
        producer.init_transactions(PATIENCE).unwrap();
        producer.begin_transaction().unwrap();
        let record = BaseRecord::to(topic).partition(0).key("somebody").payload("{}");
        producer.send(record).map_err(|(error, _)| error).unwrap();
        producer.flush(PATIENCE).unwrap();
        producer
    }

    /// Creates a topic with its settings.
    pub(crate) fn create(&self, topic: &str, partitions: i32, settings: &[(&str, &str)]) {
        let config = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let new = NewTopic { name: topic.to_owned(), partitions, replication_factor: 1, config };
        wait_until(&format!("end of the old topic {topic}"), PATIENCE, || match self.admin().create(&new) {
            Ok(()) => true,
            Err(KafkaError::Refused { code: Code::TopicAlreadyExists, .. }) => false,
            Err(error) => panic!("{error}"),
        });
        // The controller has made it; brokers hear of it, and of its leaders, a little later.
        wait_until(&format!("topic {topic} to be known"), PATIENCE, || {
            let topics = self.admin().topics().unwrap();
            topics.get(topic).is_some_and(|topic| topic.partitions.iter().all(|partition| partition.leader.is_some()))
        });
    }

    /// Deletes a topic.
    pub(crate) fn remove(&self, topic: &str) {
        self.admin().remove(topic).unwrap();
    }

    fn admin(&self) -> admin::Cluster {
        admin::Cluster::new(&self.address, &Settings::new(), PATIENCE).unwrap()
    }

    /// Waits until the copies of partition 0 that are complete are those on `brokers`.
    pub(crate) fn wait_until_in_sync(&self, topic: &str, brokers: &[i32]) {
        self.wait_until_told(topic, &format!("{brokers:?} in sync"), |partition| partition.in_sync == brokers);
    }

    /// Waits until one of `brokers` leads partition 0.
    pub(crate) fn wait_until_led_by(&self, topic: &str, brokers: &[i32]) {
        let leads = |partition: &PartitionState| partition.leader.is_some_and(|leader| brokers.contains(&leader));
        self.wait_until_told(topic, &format!("one of {brokers:?} as leader"), leads);
    }

    fn wait_until_told(&self, topic: &str, what: &str, holds: impl Fn(&PartitionState) -> bool) {
        let cluster = self.admin();
        wait_until(what, PATIENCE, || {
            let topics = cluster.topics().unwrap();
            holds(&topics[topic].partitions[0])
        });
    }

    /// Waits until the log of partition 0 starts at `offset` or later.
    pub(crate) fn wait_until_log_starts_at(&self, topic: &str, offset: i64) {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.address)
            .set("group.id", "independent")
            .create()
            .unwrap();
        wait_until(&format!("log that starts at {offset}"), PATIENCE, || {
            consumer.fetch_watermarks(topic, 0, PATIENCE).unwrap().0 >= offset
        });
    }

    /// Offsets in a topic, over all of its partitions.
    pub(crate) fn ends(&self, topic: &str) -> u64 {
        self.ends_by(topic, "read_uncommitted")
    }

    /// Whether a transaction is open in a topic, or was a moment ago.
    pub(crate) fn has_open_transaction(&self, topic: &str) -> bool {
        self.ends_by(topic, "read_committed") < self.ends(topic)
    }

    fn ends_by(&self, topic: &str, isolation: &str) -> u64 {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.address)
            .set("group.id", "independent")
            .set("isolation.level", isolation)
            .create()
            .unwrap();
        let partitions = self.admin().topics().unwrap()[topic].partitions.len();
        let end = |partition| {
            let mut end = 0;
            // On a busy machine a topic that was just made is led by nobody for a while.
            wait_until(&format!("end of {topic}/{partition}"), PATIENCE, || {
                let told = consumer.fetch_watermarks(topic, partition, PATIENCE);
                told.is_ok_and(|(_, high)| {
                    end = high;
                    true
                })
            });
            end
        };
        u64::try_from((0..i32::try_from(partitions).unwrap()).map(end).sum::<i64>()).unwrap()
    }

    /// The topics that users made.
    pub(crate) fn topics(&self) -> Vec<String> {
        let all = self.admin().topics().unwrap();
        all.into_keys().filter(|topic| !topic.starts_with("__")).collect()
    }

    /// Records of another producer.
    pub(crate) fn write(&self, topic: &str, records: &[(&str, &str)]) {
        self.write_at(topic, records, None);
    }

    /// The same, with that CreateTime.
    pub(crate) fn write_at(&self, topic: &str, records: &[(&str, &str)], create_ms: Option<i64>) {
        let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", &self.address).create().unwrap();
        for (key, body) in records {
            let record = BaseRecord::to(topic).key(*key).payload(*body);
            let record = create_ms.map_or(record, |ms| BaseRecord::to(topic).key(*key).payload(*body).timestamp(ms));
            producer.send(record).map_err(|(error, _)| error).unwrap();
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
