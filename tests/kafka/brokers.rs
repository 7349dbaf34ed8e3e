//! The whole program against real Kafka brokers, which each test starts through `scripts/kafka` and stops again.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod leftovers;
mod quota;
mod shapes;

use std::collections::{HashMap, HashSet};

use crate::cluster::Cluster;
use crate::program::Program;
use serde_json::Value;

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/datasets/retailrocket-sample.csv");

/// Everything but `verified` is zero, and the classes sum to the schedule.
fn assert_all_verified(report: &Value, events: u64) {
    let ledger = report["ledger"].as_object().unwrap();
    for (class, count) in ledger {
        let expected = if class == "scheduled" || class == "verified" { events } else { 0 };
        assert_eq!(count.as_u64(), Some(expected), "{class}: {ledger:?}");
    }
    for finding in ["duplicates", "reordered", "invalid", "misplaced", "foreign"] {
        assert_eq!(report["findings"][finding], 0, "{finding}");
    }
}

fn assert_sums(report: &Value) {
    let ledger = report["ledger"].as_object().unwrap();
    let sum: u64 = ledger.iter().filter(|(class, _)| *class != "scheduled").map(|(_, n)| n.as_u64().unwrap()).sum();
    assert_eq!(Some(sum), ledger["scheduled"].as_u64(), "{ledger:?}");
}

#[test]
fn a_replay_is_what_an_independent_consumer_reads() {
    let cluster = Cluster::shared();
    let run = Program::new(cluster, "replayed").args(["replay", SAMPLE, "--fit", "5s", "--create-topics"]).run();
    let report = run.report();
    let rows = report["replay"]["rows"].as_u64().unwrap();
    assert_all_verified(&report, rows);

    let records = cluster.read("replayed", rows);
    let mut ids = HashSet::new();
    let mut last_of_user: HashMap<String, i64> = HashMap::new();
    for (key, body) in &records {
        let event: Value = serde_json::from_str(body).unwrap();
        assert_eq!(event["user_id"], **key);
        ids.insert(event["event_id"].as_str().unwrap().to_owned());
        let at = event["timestamp"].as_i64().unwrap();
        let before = last_of_user.insert(key.clone(), at);
        assert!(before.is_none_or(|before| before <= at), "user {key} went back in time");
    }
    assert_eq!(ids.len() as u64, rows);
}

#[test]
fn several_lanes_keep_every_users_order() {
    let cluster = Cluster::shared();
    let options = ["synth", "--rate", "3000", "--num-records", "9000", "--lanes", "3", "--partitions", "7"];
    let run = Program::new(cluster, "lanes").args(options).args(["--create-topics"]).run();
    assert_all_verified(&run.report(), 9000);
}

#[test]
fn a_missing_topic_is_named_with_its_remedy() {
    let cluster = Cluster::shared();
    let run = Program::new(cluster, "nowhere").args(["synth", "--rate", "10", "--duration", "1s"]).run();
    assert_eq!(run.code, 6, "{}", run.stderr);
    assert!(run.stderr.contains("topic \"nowhere\" does not exist on 127.0.0.1:"), "{}", run.stderr);
    assert!(run.stderr.contains("--create-topics"), "{}", run.stderr);
    assert!(run.bundle().is_none(), "a run that did not begin leaves no folder");
}

#[test]
fn a_stalled_broker_costs_time_and_no_event() {
    let cluster = Cluster::start();
    let program = Program::new(&cluster, "stalled");
    let started = program.args(["synth", "--rate", "2000", "--duration", "9s", "--create-topics"]).start();
    started.wait_for_rows(2);
    cluster.command(&["pause", "1"]);
    started.wait_for_rows(5);
    cluster.command(&["resume", "1"]);
    let run = started.finish();
    let report = run.report();
    assert_all_verified(&report, 18_000);
    let response = report["latency_us"]["response_time"]["max"].as_u64().unwrap();
    assert!(response >= 1_500_000, "the stall must show in the response time: {response} us");
}

#[test]
fn a_broker_that_is_gone_ends_the_run_within_its_deadlines() {
    let cluster = Cluster::start();
    let timeouts = ["-X", "delivery.timeout.ms=3000", "-X", "socket.timeout.ms=2000", "-X", "request.timeout.ms=2000"];
    let started = Program::new(&cluster, "gone")
        .args(["synth", "--rate", "500", "--duration", "10m", "--create-topics", "--flush-deadline", "5s"])
        .args(timeouts)
        .args(["--drain-deadline", "3s"])
        .start();
    started.wait_for_rows(2);
    cluster.command(&["kill", "1"]);
    let run = started.finish();
    assert_eq!(run.code, 6, "{}", run.stderr);
    let report = run.report();
    assert_sums(&report);
    assert_eq!(report["ledger"]["lost"], 0, "nothing proves a loss: {}", report["ledger"]);
    assert!(report["ledger"]["unknown_unseen"].as_u64() > Some(0), "{}", report["ledger"]);
}

#[test]
fn partitions_added_in_mid_run_end_it_with_the_reason() {
    let cluster = Cluster::shared();
    let started =
        Program::new(cluster, "grown").args(["synth", "--rate", "200", "--duration", "10m", "--create-topics"]).start();
    started.wait_for_rows(1);
    cluster.tool("org.apache.kafka.tools.TopicCommand", &["--alter", "--topic", "grown", "--partitions", "6"]);
    let run = started.finish();
    assert_eq!(run.code, 6, "{}", run.stderr);
    assert_sums(&run.report());
    assert!(run.stdout.contains("3 partitions at the start and has 6 now"), "{}", run.stdout);
}

#[test]
fn a_deleted_topic_ends_the_run_with_the_reason() {
    let cluster = Cluster::shared();
    let started = Program::new(cluster, "deleted")
        .args(["synth", "--rate", "200", "--duration", "10m", "--create-topics", "--flush-deadline", "5s"])
        .args(["--drain-deadline", "3s", "-X", "delivery.timeout.ms=4000", "-X", "request.timeout.ms=3000"])
        .start();
    started.wait_for_rows(1);
    cluster.remove("deleted");
    let run = started.finish();
    // Events that were acked before went with the topic: the correctness code outranks the cluster's.
    assert!([3, 6].contains(&run.code), "{}: {}", run.code, run.stderr);
    assert_sums(&run.report());
}

#[test]
fn an_interrupted_run_drains_and_reports() {
    let cluster = Cluster::shared();
    let started = Program::new(cluster, "interrupted")
        .args(["synth", "--rate", "1000", "--duration", "10m", "--create-topics"])
        .start();
    started.wait_for_rows(2);
    started.interrupt();
    let run = started.finish();
    let report = run.report();
    assert_sums(&report);
    assert_eq!(report["run"]["interrupted"], true);
    assert_eq!(
        report["ledger"]["scheduled"], report["ledger"]["verified"],
        "what was due was sent: {}",
        report["ledger"]
    );
    // On a machine too busy to pace, "invalid" outranks "interrupted".
    assert!([130, 5].contains(&run.code), "{}: {}", run.code, run.stderr);
}

#[test]
fn a_second_interrupt_ends_a_run_that_waits_for_a_silent_broker() {
    let cluster = Cluster::start();
    let started = Program::new(&cluster, "silent")
        .args(["synth", "--rate", "500", "--duration", "10m", "--create-topics", "--drain-deadline", "10m"])
        .args(["--flush-deadline", "10m", "-X", "delivery.timeout.ms=600000", "-X", "request.timeout.ms=60000"])
        .start();
    started.wait_for_rows(2);
    cluster.command(&["pause", "1"]);
    started.interrupt();
    started.wait_for_rows(4);
    started.interrupt();
    let run = started.finish();
    cluster.command(&["resume", "1"]);
    let report = run.report();
    assert_sums(&report);
    assert_eq!(report["run"]["interrupted"], true);
    // What was under way when the broker fell silent has an unknown fate, and no more is claimed.
    assert!([4, 5, 6, 130].contains(&run.code), "{}: {}", run.code, run.stderr);
    assert_eq!(report["ledger"]["lost"], 0, "{}", report["ledger"]);
}

#[test]
fn a_foreign_producers_events_are_counted_and_not_judged() {
    let cluster = Cluster::shared();
    cluster.create("foreign", 3, &[]);
    let started = Program::new(cluster, "foreign").args(["synth", "--rate", "1000", "--duration", "6s"]).start();
    started.wait_for_rows(1);
    cluster.write("foreign", &[("7", "not json"), ("7", "[1]"), ("8", r#"{"event_type":"view"}"#)]);
    let run = started.finish();
    let report = run.report();
    assert_eq!(report["ledger"]["verified"], 6000, "{}", report["ledger"]);
    assert_eq!(report["findings"]["invalid"], 3, "{}", report["findings"]);
    assert_eq!(report["findings"]["invalid_by_reason"]["not_json"], 1);
    assert_eq!(report["findings"]["invalid_by_reason"]["not_an_object"], 1);
    assert_eq!(report["findings"]["invalid_by_reason"]["missing:event_id"], 1);
}

#[test]
fn what_the_client_may_not_do_is_named_with_the_rights_it_needs() {
    let authorizer = "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer";
    let cluster = Cluster::start_with(&[authorizer, "allow.everyone.if.no.acl.found=true"]);
    for (topic, rule) in [("read-only", "--allow-principal"), ("hidden", "--deny-principal")] {
        cluster.create(topic, 3, &[]);
        let rights = ["--operation", "Describe", "--operation", "Read", "--topic", topic];
        let rule = [&["--add", rule, "User:ANONYMOUS"][..], &rights].concat();
        cluster.tool("org.apache.kafka.tools.AclCommand", &rule);
    }
    let options = ["synth", "--rate", "100", "--duration", "10m", "--flush-deadline", "5s"];

    let run = Program::new(&cluster, "read-only").args(options).run();
    assert_eq!(run.code, 6, "{}", run.stderr);
    assert!(run.stdout.contains("writing to the topic is not allowed"), "{}", run.stdout);
    let report = run.report();
    assert_sums(&report);
    assert_eq!(report["ledger"]["verified"], 0, "{}", report["ledger"]);

    let run = Program::new(&cluster, "hidden").args(options).run();
    assert_eq!(run.code, 6, "{}", run.stderr);
    assert!(run.stderr.contains("needs the rights Describe, Write and Read on topic \"hidden\""), "{}", run.stderr);
    assert!(run.bundle().is_none(), "a run that did not begin leaves no folder");
}

#[test]
fn a_group_reads_everything_however_often_its_partitions_change_hands() {
    let cluster = Cluster::shared();
    let group = ["--group", "readers", "--consumers", "2", "--create-topics", "--partitions", "6"];
    let new_protocol = ["synth", "--rate", "500", "--duration", "3s", "--group-protocol", "consumer"];
    let run = Program::new(cluster, "consumer-protocol").args(new_protocol).args(group).run();
    let report = run.report();
    assert_all_verified(&report, 1500);
    assert_eq!(report["group"]["protocol"], "consumer", "{}", report["group"]);

    let disturbed = ["synth", "--rate", "500", "--duration", "12s", "--chaos-rebalance", "1s", "--commit", "manual"];
    let run = Program::new(cluster, "disturbed").args(disturbed).args(["--commit-interval", "500ms"]).args(group).run();
    let report = run.report();
    assert_sums(&report);
    assert_eq!(report["ledger"]["verified"], 6000, "{}", report["ledger"]);
    assert_eq!(report["findings"]["duplicates"], 0, "what is read twice was not written twice: {}", report["findings"]);
    assert!(report["group"]["rebalance_count"].as_u64() >= Some(2), "{}", report["group"]);
    // On a busy machine the first may be the coordinator's: it divided again because the second member was late.
    let rebalances = report["group"]["rebalances"].as_array().unwrap();
    let reasons: Vec<&str> = rebalances.iter().filter_map(|rebalance| rebalance["reason"].as_str()).collect();
    assert!(reasons.contains(&"a member joined (--chaos-rebalance)"), "{}", report["group"]);
    let rows = report["timeline"].as_array().unwrap();
    assert!(rows.iter().any(|row| row["marks"].to_string().contains("rebalance of")), "it is on the timeline");

    let looked_at = ["synth", "--rate", "1000", "--num-records", "1000", "--lag-group", "readers"];
    let report = Program::new(cluster, "disturbed").args(looked_at).run().report();
    assert_eq!(report["lag"]["at_end"], 1000, "the group has read all but the last run: {}", report["lag"]);

    let described = |group| Program::new(cluster, "-").args(["topics", "describe", "disturbed", "--group", group]);
    let run = described("readers").args(["-o", "json"]).run();
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    let topic = &told["topics"][0];
    let lags = topic["partitions"].as_array().unwrap().iter().filter_map(|partition| partition["lag"].as_i64());
    assert_eq!(
        (&told["group"], &topic["group_lag"], lags.sum::<i64>()),
        (&"readers".into(), &1000.into(), 1000),
        "{topic}"
    );
    let run = described("strangers").run();
    assert!(run.stdout.contains("group strangers: has committed nothing here"), "{}{}", run.stdout, run.stderr);
}

#[test]
fn the_self_test_holds_on_a_cluster_and_leaves_no_topic_behind() {
    let cluster = Cluster::shared();
    let run = Program::new(cluster, "another-commands-topic").args(["selftest", "--seed", "7"]).run();
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.starts_with("HONEST"), "{}", run.stdout);
    // Other tests share the broker: what a self-test makes begins so, and the topic of other commands is none of its business.
    let its_own = |topic: &String| topic.starts_with("loadgen-") || topic == "another-commands-topic";
    let left: Vec<String> = cluster.topics().into_iter().filter(its_own).collect();
    assert!(left.is_empty(), "{left:?}");
}
