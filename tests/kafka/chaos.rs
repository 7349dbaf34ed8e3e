//! The checker on clusters that go wrong: what it says is compared with what another client finds in the final log.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::collections::BTreeSet;

use crate::cluster::{Cluster, Copied};
use crate::program::Program;
use serde_json::Value;

/// A killed broker is missed after 3 s instead of 9.
const SHORT_SESSION: [&str; 2] = ["broker.session.timeout.ms=3000", "broker.heartbeat.interval.ms=500"];

fn assert_ledger(report: &Value, expected: &[(&str, u64)]) {
    let ledger = report["ledger"].as_object().unwrap();
    for (class, count) in ledger.iter().filter(|(class, _)| *class != "scheduled") {
        let expected = expected.iter().find(|(name, _)| name == class).map_or(0, |(_, count)| *count);
        assert_eq!(count.as_u64(), Some(expected), "{class}: {ledger:?}");
    }
}

fn scheduled(report: &Value) -> u64 {
    report["ledger"]["scheduled"].as_u64().unwrap()
}

/// The sequences of lane 0 that records carry.
fn sequences(records: &[Copied]) -> BTreeSet<u64> {
    let stamps =
        records.iter().filter_map(|record| loadgen::shop::catalogue().unwrap().decode(&record.body).ok()?.stamp);
    stamps.map(|stamp| stamp.sequence).collect()
}

/// The sequences of events of these classes.
fn of_class(unverified: &[Value], classes: &[&str]) -> BTreeSet<u64> {
    let of = unverified.iter().filter(|event| classes.contains(&event["class"].as_str().unwrap()));
    of.map(|event| event["sequence"].as_u64().unwrap()).collect()
}

/// Three leaders, one after the other, each by SIGKILL and started again, as a scenario says it.
const THREE_KILLS: &str = r#"
rate = "20000/s"
duration = "60s"
[source]
kind = "synthetic"
[kafka]
create_topics = true
partitions = 6
replication_factor = 3
[verify]
drain_deadline = "90s"
"#;

#[test]
fn leaders_killed_under_load_cost_no_event_no_copy_and_no_order() {
    let cluster = Cluster::of(3, &SHORT_SESSION);
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("three-kills.toml");
    let mut text = THREE_KILLS.to_owned();
    for (broker, at) in [(2, 5), (3, 22), (1, 39)] {
        let (kill, start) = (cluster.words(&["kill"], broker), cluster.words(&["start"], broker));
        let fault = format!("[[fault]]\nat = \"{at}s\"\nrun = \"{kill}\"\nundo = \"{start}\"\nafter = \"5s\"\n");
        text.push_str(&fault);
    }
    std::fs::write(&scenario, text).unwrap();
    let scenario = scenario.to_str().unwrap();
    let refused = Program::new(&cluster, "killed").args(["run", scenario]).run();
    assert_eq!(refused.code, 104, "a scenario alone runs no program: {}", refused.stderr);
    assert!(refused.stderr.contains("--allow-fault-commands"), "{}", refused.stderr);
    let run = Program::new(&cluster, "killed")
        .args(["run", scenario, "--allow-fault-commands"])
        .passing_on(["PATH", "HOME", "JAVA_HOME", "LOADGEN_KAFKA_CACHE"])
        .run();
    let report = run.report();
    assert_ledger(&report, &[("verified", 1_200_000)]);
    for finding in ["duplicates", "reordered", "invalid", "foreign", "seen_then_gone"] {
        assert_eq!(report["findings"][finding], 0, "{finding}: {}", report["findings"]);
    }
    let partitions = report["partitions"].as_array().unwrap();
    let in_the_log: i64 = partitions.iter().map(|p| p["log_end"].as_i64().unwrap()).sum();
    assert_eq!(in_the_log, 1_200_000, "by the logs' own ends each is there once");
    let faults = report["faults"].as_array().unwrap();
    assert_eq!(faults.len(), 3);
    for fault in faults {
        for command in ["command", "undo"] {
            assert_eq!(fault[command]["exit_code"], 0, "{fault}");
        }
    }
    let availability = &report["availability"];
    let stalls = availability["ack"]["stalls"].as_u64().unwrap();
    assert!(stalls > 0 && availability["leader_changes"].as_u64() > Some(0), "{availability}");
    let marks: String = report["timeline"].as_array().unwrap().iter().map(|row| row["marks"].to_string()).collect();
    assert!(marks.contains("fault: ") && marks.contains("undo: ") && marks.contains("no ack for up to"), "{marks}");
    let recovered: Vec<_> = faults.iter().map(|fault| fault["first_ack_after_s"].as_f64()).collect();
    println!(
        "killed three leaders at 20,000/s: 1,200,000 of 1,200,000 verified, none twice, none out of order; {stalls} stalls, \
         longest {} s; first acks in all stalled partitions {recovered:?} s after the kills",
        availability["ack"]["longest_s"]
    );
}

#[test]
fn losses_of_an_unclean_election_are_those_that_another_reader_misses() {
    let cluster = Cluster::of(3, &[SHORT_SESSION[0], SHORT_SESSION[1], "replica.lag.time.max.ms=2000"]);
    let unclean = ["--config", "min.insync.replicas=1", "--config", "unclean.leader.election.enable=true"];
    let create = ["--create", "--topic", "unclean", "--replica-assignment", "1:2:3"];
    cluster.tool("org.apache.kafka.tools.TopicCommand", &[&create[..], &unclean].concat());
    let started = Program::new(&cluster, "unclean")
        .args(["synth", "--rate", "1000", "--duration", "10m", "--acks", "1"])
        .args(["-X", "delivery.timeout.ms=20000", "-X", "socket.timeout.ms=4000", "--drain-deadline", "60s"])
        .start();
    started.wait_for_rows(2);
    for follower in ["2", "3"] {
        cluster.command(&["pause", follower]);
    }
    cluster.wait_until_in_sync("unclean", &[1]);
    let alone = started.rows();
    started.wait_for_rows(alone + 3);
    cluster.command(&["kill", "1"]);
    for follower in ["2", "3"] {
        cluster.command(&["resume", follower]);
    }
    started.wait_for_acks_after(alone + 4);
    started.interrupt();
    let run = started.finish();
    let report = run.report();
    let present = sequences(&cluster.read_all("unclean", 1));
    let missing: BTreeSet<u64> = (0..scheduled(&report)).filter(|sequence| !present.contains(sequence)).collect();
    let unverified = run.unverified();
    let lost = of_class(&unverified, &["lost"]);
    let unproven = of_class(&unverified, &["unknown_unseen", "not_attempted", "refused"]);
    assert!(!lost.is_empty(), "the election lost nothing: {}", report["ledger"]);
    assert_eq!(lost, missing.difference(&unproven).copied().collect(), "{}", report["ledger"]);
    assert_eq!(report["ledger"]["lost"], lost.len());
    assert!(report["findings"]["seen_then_gone"].as_u64() > Some(0), "{}", report["findings"]);
    for class in ["undelivered", "unread", "unattributed", "corrupt", "contradicted"] {
        assert_eq!(report["ledger"][class], 0, "{class}: {}", report["ledger"]);
    }
    let notes = report["verdict"]["notes"].to_string();
    assert!(notes.contains("lost") && notes.contains("acks=1"), "allowed, and still reported: {}", report["verdict"]);
    println!(
        "unclean election: {} lost, {} of them read before, the same that another reader misses",
        lost.len(),
        report["findings"]["seen_then_gone"]
    );
}

#[test]
fn brokers_that_are_gone_for_good_end_the_run_within_its_deadlines() {
    let cluster = Cluster::of(3, &SHORT_SESSION);
    let started = Program::new(&cluster, "gone")
        .args(["synth", "--rate", "2000", "--duration", "10m", "--create-topics", "--partitions", "6"])
        .args(["--replication-factor", "3", "--flush-deadline", "8s", "--drain-deadline", "4s"])
        .args(["-X", "delivery.timeout.ms=5000", "-X", "socket.timeout.ms=3000", "-X", "request.timeout.ms=3000"])
        .start();
    started.wait_for_rows(3);
    for broker in ["1", "2", "3"] {
        cluster.command(&["kill", broker]);
    }
    let run = started.finish();
    let report = run.report();
    assert_eq!(run.code, 6, "{}", run.stderr);
    let ledger = report["ledger"].as_object().unwrap();
    let sum: u64 = ledger.iter().filter(|(class, _)| *class != "scheduled").map(|(_, n)| n.as_u64().unwrap()).sum();
    assert_eq!(sum, scheduled(&report), "{ledger:?}");
    assert!(
        report["ledger"]["unknown_unseen"].as_u64() > Some(0),
        "what was under way has an unknown fate: {ledger:?}"
    );
    for class in ["lost", "corrupt", "expired", "undelivered", "contradicted"] {
        assert_eq!(report["ledger"][class], 0, "nothing proves {class}: {ledger:?}");
    }
    println!("three brokers gone after 3 s: exit 6, {ledger:?}");
}

#[test]
fn noise_of_other_producers_changes_no_class() {
    let cluster = Cluster::shared();
    cluster.create("noisy", 3, &[]);
    let start = || Program::new(cluster, "noisy").args(["synth", "--rate", "1500", "--duration", "6s"]).start();
    let (one, other) = (start(), start());
    one.wait_for_rows(1);
    cluster.write("noisy", &[("7", "not json"), ("7", "[1]"), ("8", "{}"), ("9", "\u{0}")]);
    for started in [one, other] {
        let run = started.finish();
        let report = run.report();
        assert_ledger(&report, &[("verified", 9_000)]);
        assert_eq!(report["findings"]["duplicates"], 0);
        assert_eq!(report["findings"]["reordered"], 0);
        let foreign = report["findings"]["foreign"].as_u64().unwrap();
        assert!(foreign > 0, "two runs in one topic see each other: {}", report["findings"]);
    }
}

#[test]
fn records_that_another_client_copies_are_rewritten_duplicates() {
    let cluster = Cluster::shared();
    cluster.create("copied", 3, &[]);
    let started = Program::new(cluster, "copied").args(["synth", "--rate", "1000", "--duration", "300s"]).start();
    started.wait_for_rows(2);
    let records = cluster.read_all("copied", 3);
    cluster.write_again("copied", &records[..500]);
    // All copies are in the log now, and what is there at the stop is read.
    started.interrupt();
    let run = started.finish();
    let report = run.report();
    let of = |class: &str| report["ledger"][class].as_u64().unwrap();
    assert_ledger(&report, &[("verified", of("verified")), ("not_attempted", of("not_attempted"))]);
    assert!(of("verified") >= records.len() as u64, "what another client had read was verified: {}", report["ledger"]);
    let findings = &report["findings"];
    assert_eq!((&findings["duplicates"], &findings["duplicates_rewritten"]), (&500.into(), &500.into()), "{findings}");
    assert_eq!(findings["reordered"], 0, "a copy is no first sighting");
    assert!([5, 130].contains(&run.code), "no violation of this client: {} {}", run.code, run.stderr);
    let example = &findings["examples"]["duplicates"][0];
    let first = records.iter().find(|record| Some(record.offset) == example["other_offset"].as_i64()).unwrap();
    let id = example["event_id"].as_str().unwrap();
    let same = |record: &&Copied| String::from_utf8_lossy(&record.body).contains(id);
    assert!(
        records.iter().filter(same).any(|record| record.offset == first.offset),
        "both offsets are told: {example}"
    );
}
