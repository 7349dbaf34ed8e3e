//! Mirrors between clusters: a source that dies and comes back, a target that does, one that is slower than its source,
//! and an end in the middle of a backlog. What the mirror says is compared with what another client reads in the
//! target.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::cluster::Cluster;
use crate::program::{Program, Run, Started};

const PARTITIONS: i32 = 3;

/// So many records from that number on, the value a number, spread over keys.
fn write(cluster: &Cluster, topic: &str, numbers: std::ops::Range<u32>) {
    let records: Vec<(String, String)> = numbers.map(|n| (format!("k{}", n % 17), n.to_string())).collect();
    let records: Vec<(&str, &str)> = records.iter().map(|(key, body)| (key.as_str(), body.as_str())).collect();
    cluster.write(topic, &records);
}

/// What a topic holds: by partition, keys and values in their order.
type Held = BTreeMap<i32, Vec<(Vec<u8>, Vec<u8>)>>;

fn held(cluster: &Cluster, topic: &str) -> Held {
    let mut held = Held::new();
    for record in cluster.read_all(topic, PARTITIONS) {
        held.entry(record.partition).or_default().push((record.key, record.body));
    }
    held
}

fn mirror(from: &Cluster, to: &Cluster, topic: &str, options: &[&str]) -> Program {
    let program = Program::new(from, topic).args(["mirror", "--raw", "--create-topics", "--to", to.address()]);
    program.args(["--gate-off", "generator_healthy", "--verify"]).args_of(options)
}

fn count(report: &Value, name: &str) -> u64 {
    report["mirrored"][name].as_u64().unwrap_or_else(|| panic!("{name}: {}", report["mirrored"]))
}

/// Each event is in one class, and what is said to be in the target is there.
fn assert_adds_up(run: &Run, there: usize) {
    let report = run.report();
    let classes = ["mirrored", "refused", "unknown", "wrong", "not_sent"].map(|name| count(&report, name));
    assert_eq!(classes.iter().sum::<u64>(), count(&report, "events"), "{}", report["mirrored"]);
    assert_eq!(count(&report, "mirrored") + count(&report, "wrong"), there as u64, "{}", report["mirrored"]);
}

/// Waits until the target has so many records of the topic.
fn wait_for(mirror: &Started, to: &Cluster, topic: &str, records: u64) {
    mirror.wait_for(&format!("{records} records in the target"), || {
        to.topics().iter().any(|there| there == topic) && to.ends(topic) >= records
    });
}

#[test]
fn a_mirror_goes_on_where_its_source_or_its_target_was_killed_and_comes_back() {
    let (from, to) = (Cluster::start(), Cluster::start());
    from.create("live", PARTITIONS, &[]);
    write(&from, "live", 0..2_000);
    // Its own properties reach the target: without them nothing would be known of how its clients are called.
    let folder = tempfile::tempdir().unwrap();
    let properties = folder.path().join("target.properties");
    fs::write(&properties, "client.id=of-the-target\nlinger.ms=1\n").unwrap();
    let given = ["--to-config", properties.to_str().unwrap(), "-X", "delivery.timeout.ms=300000"];
    let options = [&["--speed", "1000", "--max-gap", "1s"], &given[..]].concat();
    let mirroring = mirror(&from, &to, "live", &options).start();
    wait_for(&mirroring, &to, "live", 2_000);
    for (cluster, numbers) in [(&from, 2_000..3_000), (&to, 3_000..4_000)] {
        cluster.command(&["kill", "1"]);
        if cluster.address() == to.address() {
            // They wait for the target.
            write(&from, "live", numbers.clone());
            to.command(&["start", "1"]);
        } else {
            from.command(&["start", "1"]);
            write(&from, "live", numbers.clone());
        }
        wait_for(&mirroring, &to, "live", numbers.end.into());
    }
    mirroring.interrupt();
    let run = mirroring.finish();
    let (original, copy) = (held(&from, "live"), held(&to, "live"));
    assert_eq!(copy, original, "{}", run.stdout);
    assert_adds_up(&run, copy.values().map(Vec::len).sum());
    let report = run.report();
    assert_eq!((count(&report, "read"), count(&report, "mirrored")), (4_000, 4_000), "{}", report["mirrored"]);
    assert_eq!(report["environment"]["client_config"]["client.id"], "of-the-target");
    // Nothing else ends it.
    assert_eq!(run.code, 0, "{}", run.stdout);
}

#[test]
fn a_mirror_whose_target_is_away_for_good_says_what_became_of_every_record() {
    let (from, to) = (Cluster::shared(), Cluster::start());
    from.create("mirror-no-target", PARTITIONS, &[]);
    write(from, "mirror-no-target", 0..3_000);
    let options = ["--speed", "1000", "-X", "delivery.timeout.ms=3000"];
    let mirroring = mirror(from, &to, "mirror-no-target", &options).start();
    wait_for(&mirroring, &to, "mirror-no-target", 3_000);
    to.command(&["kill", "1"]);
    write(from, "mirror-no-target", 3_000..3_500);
    let row = mirroring.rows();
    mirroring.wait_for_rows(row + 6);
    mirroring.interrupt();
    let run = mirroring.finish();
    let report = run.report();
    let [read, mirrored, unknown] = ["read", "mirrored", "unknown"].map(|name| count(&report, name));
    assert_eq!((read, mirrored), (3_500, 3_000), "{}", report["mirrored"]);
    assert_eq!(unknown + count(&report, "not_sent"), 500, "{}", report["mirrored"]);
    assert!(unknown > 0 && run.code != 0 && run.code != 5, "{}", run.stdout);
    to.command(&["start", "1"]);
    assert_adds_up(&run, held(&to, "mirror-no-target").values().map(Vec::len).sum());
}

#[test]
fn an_end_in_the_middle_of_a_backlog_lets_go_what_was_not_sent_and_counts_it() {
    let (from, to) = (Cluster::shared(), Cluster::start());
    from.create("mirror-backlog", PARTITIONS, &[]);
    write(from, "mirror-backlog", 0..500);
    // Most of an hour of recorded time lies before the last ones, so that they wait.
    let later = jiff::Timestamp::now().as_millisecond() + 3_000_000;
    let records: Vec<(String, String)> = (0..270).map(|n| (format!("k{}", n % 17), n.to_string())).collect();
    let records: Vec<(&str, &str)> = records.iter().map(|(key, body)| (key.as_str(), body.as_str())).collect();
    from.write_at("mirror-backlog", &records, Some(later));
    let mirroring = mirror(from, &to, "mirror-backlog", &["--speed", "10"]).start();
    wait_for(&mirroring, &to, "mirror-backlog", 500);
    mirroring.interrupt();
    let run = mirroring.finish();
    let report = run.report();
    let told = ["offsets", "read", "mirrored", "not_sent"].map(|name| count(&report, name));
    assert_eq!(told, [770, 770, 500, 270], "{}", report["mirrored"]);
    assert_eq!((report["ledger"]["scheduled"].as_u64(), run.code), (Some(500), 0), "{}", run.stdout);
    assert_adds_up(&run, held(&to, "mirror-backlog").values().map(Vec::len).sum());
}

#[test]
fn a_target_that_is_slower_than_its_source_is_waited_for_and_memory_has_its_bound() {
    const RECORDS: u32 = 200_000;
    let (from, to) = (Cluster::shared(), Cluster::start());
    from.create("mirror-slow", PARTITIONS, &[]);
    // 400 MB, and 64 MiB of it may wait.
    let body = "x".repeat(2_000);
    let records: Vec<(String, &str)> = (0..RECORDS).map(|n| (format!("k{}", n % 17), body.as_str())).collect();
    let records: Vec<(&str, &str)> = records.iter().map(|(key, body)| (key.as_str(), *body)).collect();
    for some in records.chunks(20_000) {
        from.write("mirror-slow", some);
    }
    let quota =
        ["--alter", "--entity-type", "clients", "--entity-default", "--add-config", "producer_byte_rate=20000000"];
    to.tool("kafka.admin.ConfigCommand", &quota);
    let mirroring =
        mirror(from, &to, "mirror-slow", &["--speed", "1000000", "--until", "end", "--linger", "5ms"]).start();
    wait_for(&mirroring, &to, "mirror-slow", u64::from(RECORDS / 3));
    let peak = mirroring.peak_memory();
    let run = mirroring.finish();
    let report = run.report();
    assert_eq!(count(&report, "mirrored"), u64::from(RECORDS), "{}", report["mirrored"]);
    assert_adds_up(&run, RECORDS as usize);
    // 64 MiB that wait, 16 MiB that the client has fetched, 20,000 records that are on their way, and what a run takes.
    assert!(peak < 256 << 20, "{peak} bytes");
}
