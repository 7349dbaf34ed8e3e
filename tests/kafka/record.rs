//! Topics that another client wrote, recorded and replayed, as another client reads them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError as ClientError;
use rdkafka::message::{Header, Headers as _, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Message, Offset, TopicPartitionList};
use serde_json::Value;

use crate::PATIENCE;
use crate::at_work::wait_until;
use crate::cluster::Cluster;
use crate::program::{Program, Run};

const PARTITIONS: i32 = 3;

/// A record as it is compared: key, value, headers but for the stamp, CreateTime.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
    at_ms: i64,
}

/// Records with and without keys, values and headers; the times of a partition go back now and then.
fn write(cluster: &Cluster, topic: &str, count: i64) {
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", cluster.address()).create().unwrap();
    for n in 0..count {
        let (key, value) = (format!("key {}", n % 17), format!("value {n}\0\u{fe}"));
        let at_ms = 1_790_000_000_000 + n * 3 - if n % 29 == 0 { 40 } else { 0 };
        let mut record: BaseRecord<'_, str, [u8]> =
            BaseRecord::to(topic).partition(i32::try_from(n).unwrap() % PARTITIONS).timestamp(at_ms);
        if n % 5 != 0 {
            record = record.key(&key);
        }
        if n % 7 != 0 {
            record = record.payload(value.as_bytes());
        }
        if n % 3 == 0 {
            let missing = Header { key: "b", value: None::<&[u8]> };
            record = record
                .headers(OwnedHeaders::new().insert(Header { key: "a", value: Some(&[0, 255][..]) }).insert(missing));
        }
        producer.send(record).map_err(|(error, _)| error).unwrap();
        producer.poll(Duration::ZERO);
    }
    producer.flush(PATIENCE).unwrap();
}

fn read(cluster: &Cluster, topic: &str) -> BTreeMap<i32, Vec<Seen>> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", cluster.address())
        .set("group.id", "independent")
        .set("enable.partition.eof", "true")
        .create()
        .unwrap();
    let mut assigned = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        assigned.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&assigned).unwrap();
    let (mut records, mut open) = (BTreeMap::<i32, Vec<Seen>>::new(), PARTITIONS);
    while open > 0 {
        match consumer.poll(PATIENCE) {
            Some(Ok(message)) => {
                let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
                let headers = headers.map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)));
                records.entry(message.partition()).or_default().push(Seen {
                    key: message.key().map(<[u8]>::to_vec),
                    value: message.payload().map(<[u8]>::to_vec),
                    headers: headers.filter(|(name, _)| name != "loadgen-id").collect(),
                    at_ms: message.timestamp().to_millis().unwrap(),
                });
            }
            Some(Err(ClientError::PartitionEOF(_))) => open -= 1,
            other => panic!("{other:?}"),
        }
    }
    records
}

fn without_times(mut records: BTreeMap<i32, Vec<Seen>>) -> BTreeMap<i32, Vec<Seen>> {
    records.values_mut().flatten().for_each(|record| record.at_ms = 0);
    records
}

/// `record` into a file in `folder`, with its result as JSON.
fn record(cluster: &Cluster, topic: &str, folder: &Path, options: &[&str]) -> (PathBuf, Run, Value) {
    let file = folder.join(format!("{topic}.avro"));
    let run = Program::new(cluster, topic)
        .args(["record", "--raw", "--output", "json", "--force", "-o", file.to_str().unwrap()])
        .args_of(options)
        .run();
    let told = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stderr));
    (file, run, told)
}

#[test]
fn a_recording_is_replayed_as_the_topic_was_and_every_record_is_accounted_for() {
    let (cluster, folder) = (Cluster::shared(), tempfile::tempdir().unwrap());
    cluster.create("taken", PARTITIONS, &[]);
    write(cluster, "taken", 1_200);
    let (file, run, told) = record(cluster, "taken", folder.path(), &["--until", "end"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!((&told["records"], &told["there"]), (&1_200.into(), &1_200.into()));
    assert!(told["back"].as_u64() > Some(0), "times that go back are told: {told}");

    let run = Program::new(cluster, "")
        .args([
            "replay",
            file.to_str().unwrap(),
            "--speed",
            "2",
            "--topic-map",
            "taken=played-again",
            "--create-topics",
        ])
        .args(["--create-time", "recorded", "--gate-off", "generator_on_time"])
        .run();
    let report = run.report();
    assert_eq!(report["ledger"]["verified"], 1_200, "{}", run.stderr);
    for finding in ["duplicates", "reordered", "invalid", "misplaced", "foreign"] {
        assert_eq!(report["findings"][finding], 0, "{finding}");
    }
    assert_eq!(report["replay"]["fidelity"]["inversions"], 0);
    assert_eq!(read(cluster, "played-again"), read(cluster, "taken"));
}

#[test]
fn a_replay_by_key_lies_where_java_has_it_and_a_partition_that_is_missing_is_told() {
    let (cluster, folder) = (Cluster::shared(), tempfile::tempdir().unwrap());
    cluster.create("keyed", PARTITIONS, &[]);
    write(cluster, "keyed", 300);
    cluster.create("narrow", 2, &[]);
    let (file, ..) = record(cluster, "keyed", folder.path(), &["--until", "end"]);
    let replay = || {
        Program::new(cluster, "narrow")
            .args(["replay", file.to_str().unwrap(), "--rate", "unlimited"])
            .args(["--gate-off", "generator_on_time"])
    };
    let run = replay().run();
    assert_eq!(run.code, 6, "{}", run.stderr);
    assert!(run.stderr.contains("topic \"narrow\" has 2 partitions"), "{}", run.stderr);
    let run = replay().args(["--partition", "key"]).run();
    let report = run.report();
    assert_eq!(report["ledger"]["verified"], 300, "{}", run.stderr);
    assert_eq!(report["findings"]["misplaced"], 0);
}

#[test]
fn what_was_there_and_is_not_recorded_is_told_by_its_reason() {
    let (cluster, folder) = (Cluster::shared(), tempfile::tempdir().unwrap());
    cluster.create("torn", 1, &[]);
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", cluster.address())
        .set("transactional.id", "torn")
        .create()
        .unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    for committed in [true, false, true] {
        producer.begin_transaction().unwrap();
        for n in 0..10 {
            producer.send(BaseRecord::to("torn").key("k").payload(&n.to_string())).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(PATIENCE).unwrap();
        if committed { producer.commit_transaction(PATIENCE) } else { producer.abort_transaction(PATIENCE) }.unwrap();
    }
    // Ten records and a marker, three times.
    let (_, run, told) = record(cluster, "torn", folder.path(), &["--until", "end", "--isolation", "read_committed"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!((&told["records"], &told["there"]), (&20.into(), &33.into()), "{told}");
    assert_eq!((&told["missing"]["aborted"], &told["missing"]["control"]), (&10.into(), &3.into()), "{told}");
    let (_, _, told) = record(cluster, "torn", folder.path(), &["--until", "end"]);
    assert_eq!((&told["records"], &told["missing"]["control"]), (&30.into(), &3.into()), "{told}");
    let (_, _, told) = record(cluster, "torn", folder.path(), &["--num-records", "7"]);
    assert_eq!((&told["records"], &told["missing"]["unread"]), (&7.into(), &26.into()), "{told}");

    let open = cluster.open_transaction("torn");
    let committed = ["--until", "idle:1s", "--isolation", "read_committed"];
    let (_, _, told) = record(cluster, "torn", folder.path(), &committed);
    assert_eq!((&told["records"], &told["missing"]["open"]), (&20.into(), &1.into()), "{told}");
    open.abort_transaction(PATIENCE).unwrap();
}

#[test]
fn a_recording_that_is_killed_is_played_up_to_its_last_block() {
    let (cluster, folder) = (Cluster::shared(), tempfile::tempdir().unwrap());
    cluster.create("killed", PARTITIONS, &[]);
    write(cluster, "killed", 900);
    let (file, ..) = record(cluster, "killed", folder.path(), &["--until", "end"]);
    let whole = std::fs::read(&file).unwrap();
    let before = read(cluster, "killed");
    // Within its last block: what a kill leaves behind.
    std::fs::write(&file, &whole[..whole.len() - 100]).unwrap();
    let run = Program::new(cluster, "rest")
        .args(["replay", file.to_str().unwrap(), "--rate", "unlimited", "--create-topics"])
        .args(["--gate-off", "generator_on_time"])
        .run();
    assert!(run.stderr.contains("was cut off"), "{}", run.stderr);
    let rest = read(cluster, "rest");
    assert_eq!(rest.len(), 2, "each partition has one block here, and the last one is gone");
    for (partition, records) in without_times(rest) {
        assert_eq!(records, without_times(before.clone())[&partition]);
    }
    std::fs::write(&file, &whole[..20]).unwrap();
    let run = Program::new(cluster, "rest").args(["replay", file.to_str().unwrap()]).run();
    assert_eq!(run.code, 7, "{}", run.stderr);
    assert!(run.stderr.contains("cut off in its head"), "{}", run.stderr);
}

#[test]
fn a_recording_begins_and_ends_at_times() {
    let (cluster, folder) = (Cluster::shared(), tempfile::tempdir().unwrap());
    cluster.create("timed", 1, &[]);
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", cluster.address()).create().unwrap();
    for n in 0..100 {
        let value = n.to_string();
        let record: BaseRecord<'_, str, str> =
            BaseRecord::to("timed").payload(value.as_str()).timestamp(1_790_000_000_000 + n);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    let part = ["--from", "1790000000030", "--until", "2026-09-21T14:13:20.060Z"];
    let (file, run, told) = record(cluster, "timed", folder.path(), &part);
    assert_eq!((run.code, &told["records"], &told["there"]), (0, &30.into(), &30.into()), "{told}");
    assert_eq!((&told["first_ms"], &told["last_ms"]), (&1_790_000_000_030_i64.into(), &1_790_000_000_059_i64.into()));
    assert_eq!((&told["partitions"][0]["from"], &told["partitions"][0]["until"]), (&30.into(), &60.into()));
    assert!(file.exists());
    // Behind its last record it ends with the log.
    let (_, run, told) = record(cluster, "timed", folder.path(), &["--until", "1790000000500"]);
    assert_eq!((run.code, &told["records"], &told["ended_by"]), (0, &100.into(), &"end".into()), "{told}");
}

#[test]
fn what_compaction_took_away_is_told() {
    let (cluster, folder) = (Cluster::shared(), tempfile::tempdir().unwrap());
    let soon = [
        ("cleanup.policy", "compact"),
        ("min.cleanable.dirty.ratio", "0.01"),
        ("segment.ms", "100"),
        ("max.compaction.lag.ms", "100"),
    ];
    cluster.create("compacted-away", 1, &soon);
    let (mut written, mut last) = (0_u64, Value::Null);
    // Each round rolls a segment, and the cleaner takes its time.
    wait_until("compaction", PATIENCE, || {
        let records: Vec<(String, String)> = (0..50).map(|n| (format!("k{}", n % 5), n.to_string())).collect();
        let records: Vec<(&str, &str)> = records.iter().map(|(key, body)| (key.as_str(), body.as_str())).collect();
        cluster.write("compacted-away", &records);
        written += 50;
        let (_, run, told) = record(cluster, "compacted-away", folder.path(), &["--until", "end"]);
        assert_eq!((run.code, &told["there"]), (0, &written.into()), "{}", run.stderr);
        last = told;
        last["missing"]["compacted"].as_u64() > Some(0)
    });
    let count = |name: &Value| name.as_u64().unwrap();
    assert_eq!(count(&last["records"]) + count(&last["missing"]["compacted"]), written, "{last}");
    assert!(count(&last["records"]) >= 5, "the last record of each key stays: {last}");
}
