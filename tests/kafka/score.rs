//! `loadgen score` at work: killed, joined by another, paused, and held against what it should have done.

use std::collections::BTreeMap;
use std::path::Path;

use loadgen::clock::{Clock, Monotonic, Nanos};
use serde_json::Value;

use crate::PATIENCE;
use crate::at_work::wait_until;
use crate::cluster::Cluster;
use crate::program::{Program, Started};

const EVENTS: u64 = 12_000;

fn topics(cluster: &Cluster, name: &str) {
    for topic in ["events", "scores"] {
        cluster.create(&format!("{name}-{topic}"), 3, &[]);
    }
}

fn scorer(cluster: &Cluster, name: &str, to: &str, more: &[&str]) -> Started {
    let (topic, to) = (format!("{name}-events"), format!("{name}-{to}"));
    // Whoever is killed is missed soon.
    let soon = ["-X", "session.timeout.ms=6000"];
    Program::new(cluster, "").args_of(&["score", "-t", &topic, "--to", &to]).args_of(&soon).args_of(more).start()
}

/// The scores of events that are in a topic, each with how often it is there.
fn scores(cluster: &Cluster, topic: &str) -> BTreeMap<String, (f64, u64)> {
    let mut scores = BTreeMap::new();
    for (_, body) in cluster.read(topic, EVENTS) {
        let body: Value = serde_json::from_str(&body).unwrap();
        let (score, times) = scores.entry(body["event_id"].as_str().unwrap().to_owned()).or_insert((0.0, 0));
        (*score, *times) = (body["score"].as_f64().unwrap(), *times + 1);
    }
    scores
}

/// Records in a topic, those of transactions that are not committed among them.
fn written(cluster: &Cluster, topic: &str) -> u64 {
    cluster.ends(topic)
}

fn scenario(folder: &Path, name: &str, rate: u64, deadline: &str) -> String {
    let text = format!(
        r#"
        seed = 6
        num_records = {EVENTS}
        gates_off = ["generator_healthy"]
        [source]
        kind = "synthetic"
        users = 2_000
        [fraud]
        rate = "10%"
        spacing = 20
        [[phase]]
        rate = "{rate}/s"
        [kafka]
        topic = "{name}-events"
        [verify]
        expect_deadline = "{deadline}"
        [[expect]]
        name = "scores"
        kind = "scores"
        within = "2s"
        output = {{ topic = "{name}-scores" }}
        "#
    );
    let file = folder.join("scenario.toml");
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn a_scorer_that_is_killed_neither_loses_nor_doubles_a_score_and_remembers_the_last_minute() {
    let cluster = Cluster::shared();
    topics(cluster, "slain");
    cluster.create("slain-again", 3, &[]);
    let id = ["--transactional-id", "slain"];
    let first = scorer(cluster, "slain", "scores", &id);
    let producer = Program::new(cluster, "slain-events")
        .args_of(&["synth", "--rate", "600", "--num-records", &EVENTS.to_string(), "--gate-off", "generator_healthy"])
        .start();
    let mut killed = first;
    for share in 1..4 {
        wait_until("some scores", PATIENCE, || written(cluster, "slain-scores") > share * EVENTS / 5);
        killed.kill();
        killed = scorer(cluster, "slain", "scores", &id);
    }
    assert_eq!(producer.finish().report()["ledger"]["verified"], EVENTS);
    let once = scores(cluster, "slain-scores");
    killed.interrupt();
    assert_eq!(killed.finish().code, 0);
    assert_eq!(once.len() as u64, EVENTS);
    assert!(once.values().all(|(_, times)| *times == 1));
    assert_eq!(cluster.console_consumer_counts("slain-scores", "read_committed", EVENTS), EVENTS);

    // Who was never disturbed comes to the same scores: the others had read again what they had to know.
    let undisturbed = scorer(cluster, "slain", "again", &["--group", "undisturbed", "--until-idle", "5s"]).finish();
    assert_eq!(undisturbed.code, 0, "{}", undisturbed.stderr);
    assert_eq!(scores(cluster, "slain-again"), once);
}

#[test]
fn a_scorer_that_stands_still_for_longer_than_its_transaction_goes_on_and_neither_loses_nor_doubles_a_score() {
    stood_still("stalled", "45000");
}

#[test]
fn one_that_its_group_has_missed_meanwhile_goes_on_as_well() {
    stood_still("missed", "6000");
}

/// Of a transaction that its coordinator has aborted.
fn stood_still(name: &str, session: &str) {
    let cluster = Cluster::shared();
    topics(cluster, name);
    let (to, session) = (format!("{name}-scores"), format!("session.timeout.ms={session}"));
    let stalled = Program::new(cluster, "")
        .args_of(&["score", "-t", &format!("{name}-events"), "--to", &to, "--group", name])
        .args_of(&["--transactional-id", name, "-X", &session])
        .start();
    let producer = Program::new(cluster, &format!("{name}-events"))
        .args_of(&["synth", "--rate", "600", "--num-records", &EVENTS.to_string(), "--gate-off", "generator_healthy"])
        .start();
    wait_until("some scores", PATIENCE, || written(cluster, &to) > EVENTS / 6);
    let clock = Monotonic::start();
    loop {
        stalled.signal("STOP");
        let stopped = clock.now();
        wait_until("the end of a transaction", PATIENCE, || !cluster.has_open_transaction(&to));
        // One that its producer had just ended is over at once; any other its coordinator leaves 10 s.
        if clock.now() > stopped + Nanos::from_secs(5) {
            break;
        }
        stalled.signal("CONT");
    }
    stalled.signal("CONT");
    assert_eq!(producer.finish().report()["ledger"]["verified"], EVENTS);
    let all = scores(cluster, &to);
    stalled.interrupt();
    let stalled = stalled.finish();
    assert_eq!(stalled.code, 0, "{}", stalled.stderr);
    assert!(stalled.stderr.contains("a transaction was undone"), "{}", stalled.stderr);
    assert_eq!(all.len() as u64, EVENTS);
    assert!(all.values().all(|(_, times)| *times == 1));
}

#[test]
fn scorers_of_a_group_share_the_events_and_hand_them_over() {
    let cluster = Cluster::shared();
    topics(cluster, "shared");
    let first = scorer(cluster, "shared", "scores", &["--group", "sharing"]);
    let producer = Program::new(cluster, "shared-events")
        .args_of(&["synth", "--rate", "600", "--num-records", &EVENTS.to_string(), "--gate-off", "generator_healthy"])
        .start();
    wait_until("some scores", PATIENCE, || written(cluster, "shared-scores") > EVENTS / 6);
    let second = scorer(cluster, "shared", "scores", &["--group", "sharing"]);
    wait_until("more scores", PATIENCE, || written(cluster, "shared-scores") > EVENTS / 2);
    first.interrupt();
    let first = first.finish();
    assert_eq!(first.code, 0, "{}", first.stderr);
    assert_eq!(producer.finish().report()["ledger"]["verified"], EVENTS);
    let all = scores(cluster, "shared-scores");
    second.interrupt();
    assert_eq!(second.finish().code, 0);
    assert_eq!(all.len() as u64, EVENTS);
    assert!(all.values().all(|(_, times)| *times == 1));
}

#[test]
fn a_scorer_that_stands_still_shows_in_detection_and_in_what_is_found_in_time() {
    let cluster = Cluster::shared();
    topics(cluster, "still");
    let folder = tempfile::tempdir().unwrap();
    let paused = scorer(cluster, "still", "scores", &["--group", "standing-still"]);
    let run = Program::new(cluster, "").args_of(&["run", &scenario(folder.path(), "still", 300, "300s")]).start();
    wait_until("scores", PATIENCE, || written(cluster, "still-scores") > EVENTS / 6);
    paused.signal("STOP");
    let rows = run.rows();
    run.wait_for_rows(rows + 6);
    paused.signal("CONT");
    let run = run.finish();
    paused.interrupt();
    assert_eq!(paused.finish().code, 0);
    let report = run.report();
    let (of, scores) = (&report["expectations"][0], &report["expectations"][0]["scores"]);
    assert_eq!((&of["right"], &of["expected"]), (&EVENTS.into(), &EVENTS.into()), "{of}{}", run.stderr);
    assert!(scores["detection_us"]["max"].as_u64() > Some(4_900_000), "{scores}");
    let (recall, in_time) = (&scores["recall"]["value"], &scores["recall_within"]["value"]);
    assert!(recall.as_f64() > in_time.as_f64(), "{scores}");
}
