//! Topics against the recordings that were played into them.

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, Headers as _, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use serde_json::Value;

use crate::PATIENCE;
use crate::cluster::Cluster;
use crate::program::{Program, Run};

const PARTITIONS: i32 = 3;

struct Writer(BaseProducer);

impl Writer {
    fn new(cluster: &Cluster) -> Self {
        Self(ClientConfig::new().set("bootstrap.servers", cluster.address()).create().unwrap())
    }

    /// The record of that number.
    fn write(&self, topic: &str, n: i32, value: &str) {
        let (key, number) = (format!("key {}", n % 40), n.to_string());
        let mut record = BaseRecord::to(topic).partition(n % PARTITIONS).key(&key);
        if n % 7 != 0 {
            record = record.payload(value);
        }
        if n % 3 == 0 {
            record = record.headers(OwnedHeaders::new().insert(Header { key: "n", value: Some(&number) }));
        }
        self.0.send(record).map_err(|(error, _)| error).unwrap();
    }

    fn end(self) {
        self.0.flush(PATIENCE).unwrap();
    }
}

/// How many of so many records have loadgen's header, as another client reads them.
fn stamped(cluster: &Cluster, topic: &str, count: usize) -> usize {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", cluster.address())
        .set("group.id", "independent")
        .create()
        .unwrap();
    let mut assigned = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        assigned.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&assigned).unwrap();
    let has_stamp = |_| {
        let message = consumer.poll(PATIENCE).unwrap().unwrap();
        message.headers().is_some_and(|headers| headers.iter().any(|header| header.key == "loadgen-id"))
    };
    (0..count).map(has_stamp).filter(|has_stamp| *has_stamp).count()
}

fn value(n: i32) -> String {
    format!("value {n}")
}

fn recorded(cluster: &Cluster, topic: &str, folder: &tempfile::TempDir) -> String {
    let file = folder.path().join("recorded.avro").to_str().unwrap().to_owned();
    let run = Program::new(cluster, topic).args(["record", "--raw", "--until", "end", "-o", &file]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    file
}

fn compare(cluster: &Cluster, file: &str, options: &[&str]) -> (Run, Value) {
    let run =
        Program::new(cluster, "").args(["verify", "--output", "json", "--recording", file]).args_of(options).run();
    let told = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stderr));
    (run, told)
}

fn counts(told: &Value) -> [u64; 6] {
    ["matched", "changed", "lost", "doubled", "foreign", "reordered"].map(|name| told[name].as_u64().unwrap())
}

#[test]
fn a_topic_that_a_recording_was_played_into_is_that_recording() {
    let (cluster, folder) = (Cluster::shared(), tempfile::tempdir().unwrap());
    cluster.create("recorded-original", PARTITIONS, &[]);
    let writer = Writer::new(cluster);
    for n in 0..600 {
        writer.write("recorded-original", n, &value(n));
    }
    writer.end();
    let file = recorded(cluster, "recorded-original", &folder);

    let replay = |options: &[&str]| {
        let program = Program::new(cluster, "").args(["replay", &file, "--rate", "unlimited", "--create-topics"]);
        program.args(["--gate-off", "generator_healthy"]).args_of(options).run()
    };
    let run = replay(&[]);
    assert_eq!(run.code, 104, "{}", run.stderr);
    assert!(run.stderr.contains("is the one that the recording was made of"), "{}", run.stderr);
    let (run, told) = compare(cluster, &file, &[]);
    assert_eq!((run.code, counts(&told)), (0, [600, 0, 0, 0, 0, 0]), "nothing was written: {}", run.stderr);

    let run = replay(&["--topic-map", "recorded-original=recorded-copy"]);
    assert_eq!(run.report()["ledger"]["verified"], 600, "{}", run.stderr);
    let (run, told) = compare(cluster, &file, &["--topic-map", "recorded-original=recorded-copy"]);
    assert_eq!((run.code, counts(&told)), (0, [600, 0, 0, 0, 0, 0]), "{}", run.stderr);
    let run = replay(&["--topic-map", "recorded-original=recorded-by-key", "--partition", "key"]);
    assert_eq!(run.report()["ledger"]["verified"], 600, "{}", run.stderr);
    let (run, told) = compare(cluster, &file, &["--topic", "recorded-by-key", "--partition", "key"]);
    assert_eq!((run.code, counts(&told)), (0, [600, 0, 0, 0, 0, 0]), "{}", run.stderr);

    let run = replay(&["--topic-map", "recorded-original=recorded-bare", "--stamp", "none"]);
    assert_eq!((run.code, &run.report()["ledger"]["verified"]), (0, &600.into()), "{}", run.stderr);
    assert_eq!(run.report()["findings"]["foreign"], 0, "{}", run.stderr);
    let notes = run.report()["verdict"]["notes"].to_string();
    assert!(notes.contains("records had no stamp"), "{notes}");
    assert_eq!((stamped(cluster, "recorded-copy", 600), stamped(cluster, "recorded-bare", 600)), (600, 0));
    let (run, told) = compare(cluster, &file, &["--topic", "recorded-bare"]);
    assert_eq!((run.code, counts(&told)), (0, [600, 0, 0, 0, 0, 0]), "{}", run.stderr);

    let run = replay(&["--topic-map", "recorded-original=recorded-original"]);
    assert_eq!(run.report()["ledger"]["verified"], 600, "{}", run.stderr);
    let (run, told) = compare(cluster, &file, &[]);
    assert_eq!((run.code, counts(&told)), (3, [600, 0, 0, 600, 0, 0]), "{}", run.stderr);
}

#[test]
fn what_a_copy_lost_doubled_changed_and_reordered_is_told_without_its_writer() {
    let (cluster, folder) = (Cluster::shared(), tempfile::tempdir().unwrap());
    cluster.create("truth", PARTITIONS, &[]);
    cluster.create("bad-copy", PARTITIONS, &[]);
    let (truth, copy) = (Writer::new(cluster), Writer::new(cluster));
    for n in 0..300 {
        truth.write("truth", n, &value(n));
    }
    truth.end();
    // 4 is lost, 8 is another, 10 is there twice, 31 and 34 of one partition change places, and 999 is another producer's.
    for n in (0..300).filter(|n| *n != 4) {
        let n = match n {
            31 => 34,
            34 => 31,
            n => n,
        };
        copy.write("bad-copy", n, &if n == 8 { "another".to_owned() } else { value(n) });
        if n == 10 {
            copy.write("bad-copy", n, &value(n));
        }
    }
    copy.write("bad-copy", 1_000, "foreign");
    copy.end();
    let file = recorded(cluster, "truth", &folder);
    let (run, told) = compare(cluster, &file, &["--topic", "bad-copy"]);
    assert_eq!((run.code, counts(&told)), (3, [298, 1, 1, 1, 1, 1]), "{told}");
    let lost = &told["examples"]["lost"][0];
    assert_eq!((&lost["partition"], &lost["offset"]), (&1.into(), &1.into()), "of the recording: {told}");

    // What retention took may have been there.
    cluster.delete("bad-copy", 0, 5);
    let (run, told) = compare(cluster, &file, &["--topic", "bad-copy"]);
    assert_eq!((run.code, told["lost"].as_u64()), (3, Some(6)), "the others stay what they are: {told}");
    let whole = ["--topic", "truth"];
    cluster.delete("truth", 0, 5);
    let (run, told) = compare(cluster, &file, &whole);
    assert_eq!((run.code, counts(&told)), (4, [295, 0, 5, 0, 0, 0]), "{told}");
}

#[test]
fn a_mirror_sends_what_it_reads_and_accounts_for_each_record() {
    let (cluster, folder) = (Cluster::shared(), tempfile::tempdir().unwrap());
    cluster.create("mirror-original", PARTITIONS, &[]);
    let writer = Writer::new(cluster);
    for n in 0..600 {
        writer.write("mirror-original", n, &value(n));
    }
    writer.end();
    let file = recorded(cluster, "mirror-original", &folder);
    let mirror = |options: &[&str]| {
        let program = Program::new(cluster, "mirror-original").args(["mirror", "--raw", "--create-topics"]);
        program.args(["--gate-off", "generator_healthy", "--verify"]).args_of(options).run()
    };
    let counts_of = |run: &Run| {
        let report = run.report();
        let mirrored = &report["mirrored"];
        ["offsets", "read", "events", "mirrored", "not_sent"].map(|name| mirrored[name].as_u64().unwrap())
    };

    let run = mirror(&["--until", "end"]);
    assert_eq!(run.code, 104, "{}", run.stderr);
    assert!(run.stderr.contains("its records would go round for ever"), "{}", run.stderr);

    // Without a stamp it is what was read, and no more; known by its places and a hash.
    let bare = ["--topic-map", "mirror-original=mirror-bare", "--until", "end", "--stamp", "none"];
    let run = mirror(&bare);
    assert_eq!((run.code, counts_of(&run)), (0, [600, 600, 600, 600, 0]), "{}", run.stderr);
    assert_eq!(run.report()["ledger"]["verified"], 600, "{}", run.stderr);
    let (run, told) = compare(cluster, &file, &["--topic", "mirror-bare"]);
    assert_eq!((run.code, counts(&told)), (0, [600, 0, 0, 0, 0, 0]), "{}", run.stderr);

    // Copies have keys of their own, and go where these belong.
    let copies = ["--topic-map", "mirror-original=mirror-copies", "--num-records", "300", "--copies", "3"];
    let run = mirror(&[&copies[..], &["--partition", "key"]].concat());
    let [_, read, events, mirrored, not_sent] = counts_of(&run);
    assert_eq!((run.code, read, events, mirrored, not_sent), (0, 300, 900, 900, 0), "{}", run.stderr);
    assert_eq!(run.report()["ledger"]["verified"], 900, "{}", run.stderr);
    assert_eq!(run.report()["mirrored"]["ended_by"], "num_records");
}
