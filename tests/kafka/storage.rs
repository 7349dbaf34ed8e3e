//! A group that stores topics in files, against what another client reads there.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use loadgen::capture::read::Reader;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError as ClientError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use serde_json::Value;

use crate::PATIENCE;
use crate::cluster::Cluster;
use crate::program::{Program, Run, Started};

/// Partition and offset with key and value.
type Records = BTreeMap<(i32, i64), (Vec<u8>, Vec<u8>)>;

/// Writes records whose values do not get shorter by compression.
struct Writer(BaseProducer);

impl Writer {
    fn new(cluster: &Cluster) -> Self {
        Self(ClientConfig::new().set("bootstrap.servers", cluster.address()).create().unwrap())
    }

    fn write(&self, topic: &str, partitions: i32, numbers: std::ops::Range<u64>) {
        for n in numbers {
            let value: Vec<u8> =
                (0..8_u64).flat_map(|at| (n * 31 + at).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).collect();
            let (key, partition) = (n.to_string(), i32::try_from(n % 97).unwrap() % partitions);
            let record = BaseRecord::to(topic).partition(partition).key(&key).payload(&value);
            self.0.send(record).map_err(|(error, _)| error).unwrap();
        }
        self.0.flush(PATIENCE).unwrap();
    }
}

fn read(cluster: &Cluster, topic: &str, partitions: i32) -> Records {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", cluster.address())
        .set("group.id", "independent")
        .set("enable.partition.eof", "true")
        .create()
        .unwrap();
    let mut assigned = TopicPartitionList::new();
    for partition in 0..partitions {
        assigned.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&assigned).unwrap();
    let (mut records, mut open) = (Records::new(), partitions);
    while open > 0 {
        match consumer.poll(PATIENCE) {
            Some(Ok(message)) => {
                let bytes = (message.key().unwrap().to_vec(), message.payload().unwrap().to_vec());
                records.insert((message.partition(), message.offset()), bytes);
            }
            Some(Err(ClientError::PartitionEOF(_))) => open -= 1,
            other => panic!("{other:?}"),
        }
    }
    records
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).map(|all| all.map(|entry| entry.unwrap().path()).collect()).unwrap_or_default();
    files.sort();
    files
}

/// What the files hold together, and how often an offset is there once more. None is twice in one of them.
fn stored(folder: &Path) -> (Records, usize) {
    let (mut records, mut again) = (Records::new(), 0);
    for file in files(folder) {
        let mut last = BTreeMap::new();
        let mut reader = Reader::open(File::open(&file).unwrap()).unwrap();
        while let Some(record) = reader.next().unwrap() {
            let before = last.insert(record.partition, record.offset);
            assert!(before < Some(record.offset), "{}: {before:?}, then {}", file.display(), record.offset);
            let bytes = (record.key.unwrap().to_vec(), record.value.unwrap().to_vec());
            let known = records.insert((record.partition, record.offset), bytes.clone());
            assert!(known.as_ref().is_none_or(|known| *known == bytes));
            again += usize::from(known.is_some());
        }
    }
    (records, again)
}

/// The files in the order of their names are one recording, with each partition in the order of its log.
fn assert_is_one(folder: &Path, all: &Records) {
    let one = folder.join("one.avro");
    let mut words: Vec<String> = files(folder).iter().map(|file| file.to_str().unwrap().to_owned()).collect();
    words.extend(["-o".to_owned(), one.to_str().unwrap().to_owned()]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let run = Program::new(Cluster::shared(), "").args(["dataset", "convert"]).args_of(&words).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let mut reader = Reader::open(File::open(&one).unwrap()).unwrap();
    let (mut last, mut count) = (BTreeMap::new(), 0);
    while let Some(record) = reader.next().unwrap() {
        let before = last.insert(record.partition, record.offset);
        assert!(before < Some(record.offset), "partition {}: {before:?}, then {}", record.partition, record.offset);
        count += 1;
    }
    assert_eq!(count, all.len());
}

fn committed(cluster: &Cluster, group: &str, topic: &str, partitions: i32) -> BTreeMap<i32, i64> {
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", cluster.address()).set("group.id", group).create().unwrap();
    let mut asked = TopicPartitionList::new();
    asked.add_partition_range(topic, 0, partitions - 1);
    let told = consumer.committed_offsets(asked, PATIENCE).unwrap();
    let told = told.elements();
    told.iter().filter_map(|of| Some((of.partition(), of.offset().to_raw().filter(|offset| *offset >= 0)?))).collect()
}

/// Whatever the group has committed is in files.
fn assert_commits_are_on_the_disk(cluster: &Cluster, group: &str, topic: &str, partitions: i32, folder: &Path) {
    let (records, _) = stored(folder);
    for (partition, offset) in committed(cluster, group, topic, partitions) {
        let there = records.range((partition, 0)..(partition, offset)).count();
        assert_eq!(i64::try_from(there).unwrap(), offset, "partition {partition} is committed to {offset}");
    }
}

/// A member that puts on the disk and commits several times a second.
fn member(program: Program, group: &str, folder: &Path, options: &[&str]) -> Program {
    program
        .args(["record", "--raw", "--output", "json", "--group", group, "-o", folder.to_str().unwrap()])
        .args(["--roll", "300ms", "-X", "session.timeout.ms=300000"])
        .args_of(options)
}

fn told(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stderr))
}

fn wait_for_files(member: &Started, folder: &Path, count: usize) {
    member.wait_for(&format!("{count} files"), || files(folder).len() >= count);
}

#[test]
fn a_member_that_is_killed_again_and_again_loses_nothing() {
    let (cluster, folder) = (Cluster::shared(), tempfile::tempdir().unwrap());
    cluster.create("hoarded", 3, &[]);
    let stop = AtomicBool::new(false);
    // As a static member it follows itself at once.
    let own = ["-X", "group.instance.id=one"];
    thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let (writer, mut n) = (Writer::new(cluster), 0);
            while !stop.load(Ordering::Relaxed) {
                writer.write("hoarded", 3, n..n + 50);
                n += 50;
            }
        });
        for life in 1..=3 {
            let member = member(Program::new(cluster, "hoarded"), "hoarders", folder.path(), &own).start();
            wait_for_files(&member, folder.path(), 3 * life);
            member.kill();
            assert_commits_are_on_the_disk(cluster, "hoarders", "hoarded", 3, folder.path());
        }
        stop.store(true, Ordering::Relaxed);
        writing.join().unwrap();
    });
    let all = read(cluster, "hoarded", 3);
    let count = all.len();
    let last = member(Program::new(cluster, "hoarded"), "hoarders", folder.path(), &own).start();
    last.wait_for("all records on the disk", || {
        committed(cluster, "hoarders", "hoarded", 3).values().sum::<i64>() == i64::try_from(count).unwrap()
    });
    last.interrupt();
    let run = last.finish();
    assert_eq!(run.code, 130, "{}", run.stderr);
    assert_eq!(stored(folder.path()).0, all);
    assert_is_one(folder.path(), &all);
}

#[test]
fn members_hand_partitions_over_without_a_gap_or_a_copy() {
    let (cluster, first, second) = (Cluster::shared(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (topic, strategy) in [("shared-out", "range"), ("shared-out-little", "cooperative-sticky")] {
        cluster.create(topic, 4, &[]);
        let strategy = format!("partition.assignment.strategy={strategy}");
        let start = |folder: &tempfile::TempDir| {
            member(Program::new(cluster, topic), topic, &folder.path().join(topic), &["-X", &strategy]).start()
        };
        let writer = Writer::new(cluster);
        writer.write(topic, 4, 0..2_000);
        let one = start(&first);
        wait_for_files(&one, &first.path().join(topic), 1);
        let two = start(&second);
        let mut n = 2_000;
        two.wait_for("a share of the second member", || {
            writer.write(topic, 4, n..n + 100);
            n += 100;
            files(&second.path().join(topic)).len() > 1
        });
        one.interrupt();
        let told_by_one = told(&one.finish());
        assert!(told_by_one["taken"].as_u64() > Some(0), "{told_by_one}");
        writer.write(topic, 4, n..n + 1_000);
        let all = read(cluster, topic, 4);
        let count = i64::try_from(all.len()).unwrap();
        two.wait_for("all that was written", || committed(cluster, topic, topic, 4).values().sum::<i64>() == count);
        two.interrupt();
        let told_by_two = told(&two.finish());
        assert_eq!((&told_by_one["lost"], &told_by_two["lost"]), (&0.into(), &0.into()));
        let together = tempfile::tempdir().unwrap();
        for (name, folder) in [("a", &first), ("b", &second)] {
            for file in files(&folder.path().join(topic)) {
                let name = format!("{}-{name}.avro", file.file_stem().unwrap().to_str().unwrap());
                fs::copy(&file, together.path().join(name)).unwrap();
            }
        }
        assert_eq!(stored(together.path()), (all.clone(), 0), "{told_by_one} {told_by_two}");
        assert_is_one(together.path(), &all);
    }
}

#[test]
fn a_full_disk_is_told_and_nothing_is_committed_that_is_not_on_it() {
    let (cluster, folder) = (Cluster::shared(), tempfile::tempdir().unwrap());
    cluster.create("too-much", 2, &[]);
    let writer = Writer::new(cluster);
    writer.write("too-much", 2, 0..200);
    // One file alone, which grows until it may not.
    let limited = ["--roll", "1GiB", "-X", "group.instance.id=one"];
    let program = Program::limited(64, cluster, "too-much");
    let full = program
        .args(["record", "--raw", "--group", "full", "-o", folder.path().to_str().unwrap()])
        .args_of(&limited)
        .start();
    full.wait_for("a first commit", || committed(cluster, "full", "too-much", 2).values().sum::<i64>() == 200);
    writer.write("too-much", 2, 200..4_000);
    let run = full.finish();
    assert_eq!(run.code, 8, "{}", run.stderr);
    assert!(run.stderr.contains("cannot be written any more"), "{}", run.stderr);
    assert_commits_are_on_the_disk(cluster, "full", "too-much", 2, folder.path());
    assert_eq!(committed(cluster, "full", "too-much", 2).values().sum::<i64>(), 200);

    let rest = ["-X", "group.instance.id=one", "--num-records", "3800"];
    let run = member(Program::new(cluster, "too-much"), "full", folder.path(), &rest).run();
    assert_eq!((run.code, &told(&run)["records"]), (0, &3_800.into()), "{}", run.stderr);
    assert_eq!(stored(folder.path()).0, read(cluster, "too-much", 2));
}

#[test]
fn what_expired_before_it_was_stored_is_told_and_new_partitions_are_stored() {
    let (cluster, folder) = (Cluster::shared(), tempfile::tempdir().unwrap());
    cluster.create("running-away", 1, &[]);
    let writer = Writer::new(cluster);
    writer.write("running-away", 1, 0..100);
    let ten = ["--num-records", "10"];
    let run = member(Program::new(cluster, "running-away"), "slow", folder.path(), &ten).run();
    assert_eq!((run.code, &told(&run)["records"]), (0, &10.into()), "{}", run.stderr);
    cluster.delete("running-away", 0, 60);
    let refresh = ["-X", "topic.metadata.refresh.interval.ms=500"];
    let rest = member(Program::new(cluster, "running-away"), "slow", folder.path(), &refresh).start();
    rest.wait_for("the rest", || committed(cluster, "slow", "running-away", 1).values().sum::<i64>() == 100);

    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", cluster.address()).create().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let more = [NewPartitions::new("running-away", 2)];
    runtime.block_on(admin.create_partitions(&more, &AdminOptions::new())).unwrap();
    rest.wait_for("the new partition to be led", || {
        let told = admin.inner().fetch_metadata(Some("running-away"), PATIENCE).unwrap();
        told.topics()[0].partitions().iter().filter(|partition| partition.leader() >= 0).count() == 2
    });
    Writer::new(cluster).write("running-away", 2, 100..300);
    let count = i64::try_from(read(cluster, "running-away", 2).len()).unwrap() + 60;
    rest.wait_for("the new partition", || committed(cluster, "slow", "running-away", 2).values().sum::<i64>() == count);
    rest.interrupt();
    let run = rest.finish();
    let told = told(&run);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert_eq!(
        (&told["partitions"][0]["expired"], &told["partitions"][1]["expired"]),
        (&50.into(), &0.into()),
        "{told}"
    );
    let (records, again) = stored(folder.path());
    let kept: Records = records.into_iter().filter(|(place, _)| place.0 > 0 || place.1 >= 60).collect();
    assert_eq!((kept, again), (read(cluster, "running-away", 2), 0));
}
