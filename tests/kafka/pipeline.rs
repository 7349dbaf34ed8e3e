//! The Kafka Streams application that ships with the program, started through `scripts/pipeline`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::cluster::Cluster;
use crate::program::Program;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/pipeline");

/// Kafka Streams writes into its log what it commits.
const TELLS_COMMITS: &str =
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.streams.processor.internals.TaskExecutor=debug";

/// Ends with the test, however that ends.
pub(crate) struct Pipeline {
    folder: tempfile::TempDir,
    application: String,
}

impl Pipeline {
    /// One whose topics and application are named after `name`.
    pub(crate) fn start(cluster: &Cluster, name: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let owner = std::process::id().to_string();
        let topics = ["events", "metrics", "inventory", "recommendations", "fraud-scores"]
            .map(|topic| format!("pipeline.topic.{topic}={name}-{topic}"));
        let mut arguments = vec!["up", "-b", cluster.address(), "--application-id", name, "--owner", &owner];
        arguments.extend(topics.iter().flat_map(|topic| ["-c", topic.as_str()]));
        let output = run(folder.path(), &[&arguments[..], more].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self { application: String::from_utf8(output.stdout).unwrap().trim().to_owned(), folder }
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> String {
        let output = run(self.folder.path(), arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Pipeline {
    /// By partition of a topic, the offset that the first instance committed last, by its own log, which is the one before
    /// (`server.log.1`) once it has been started again.
    pub(crate) fn committed(&self, log: &str, topic: &str) -> BTreeMap<i64, i64> {
        let text = std::fs::read_to_string(self.folder.path().join("instance-1").join(log)).unwrap();
        let mut committed = BTreeMap::new();
        for part in text.split(&format!("{{{topic}-")).skip(1) {
            let told = part.split_once("=OffsetAndMetadata{offset=");
            let (partition, rest) = told.unwrap_or_else(|| panic!("no offset in {part}"));
            let offset = rest.split_once(',').unwrap().0;
            committed.insert(partition.parse().unwrap(), offset.parse().unwrap());
        }
        committed
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        drop(run(self.folder.path(), &["down", "--wipe"]));
    }
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let command = &mut Command::new(SCRIPT);
    command.env("LOADGEN_PIPELINE_JAVA_OPTS", TELLS_COMMITS).args(arguments).arg("--dir").arg(folder).output().unwrap()
}

#[test]
fn an_instance_killed_in_mid_run_neither_loses_nor_doubles_a_result() {
    const EVENTS: u64 = 4000;
    let cluster = Cluster::shared();
    for topic in ["killed-events", "killed-inventory", "killed-fraud-scores"] {
        cluster.create(topic, 3, &[]);
    }
    let pipeline = Pipeline::start(cluster, "killed", &["--parts", "stock,fraud"]);
    assert_eq!(pipeline.application, "killed");
    let synth = ["synth", "--rate", "500", "--num-records", "4000", "--lag-group", "killed"];
    let started = Program::new(cluster, "killed-events").args(synth).start();
    started.wait_for_seen(EVENTS / 2);
    pipeline.command(&["kill", "1"]);
    assert_eq!(run(pipeline.folder.path(), &["status"]).status.code(), Some(3), "it says that it is down");
    pipeline.command(&["start", "1"]);
    let report = started.finish().report();
    assert_eq!(report["ledger"]["verified"], EVENTS, "{}", report["ledger"]);

    // A score for each event is there, so all that the pipeline makes of them is on its way in the same transactions.
    let events: Vec<Value> = bodies(&cluster.read("killed-events", EVENTS));
    let sent: BTreeSet<&str> = events.iter().map(|event| event["event_id"].as_str().unwrap()).collect();
    let scores = bodies(&cluster.read("killed-fraud-scores", EVENTS));
    let with_score: BTreeSet<&str> = scores.iter().map(|score| score["event_id"].as_str().unwrap()).collect();
    assert_eq!(with_score, sent);

    let mut sold = BTreeMap::new();
    for event in events.iter().filter(|event| event["event_type"] == "transaction") {
        *sold.entry(event["item_id"].as_str().unwrap()).or_insert(0) += event["quantity"].as_i64().unwrap();
    }
    pipeline.command(&["down"]);
    let mut stock: BTreeMap<String, i64> = BTreeMap::new();
    for copied in cluster.read_all("killed-inventory", 3) {
        let line: Value = serde_json::from_slice(&copied.body).unwrap();
        stock.insert(line["item_id"].as_str().unwrap().to_owned(), line["sold"].as_i64().unwrap());
    }
    assert_eq!(stock, sold.into_iter().map(|(item, sold)| (item.to_owned(), sold)).collect());
    let committed = cluster.console_consumer_counts("killed-fraud-scores", "read_committed", EVENTS);
    assert_eq!(committed, EVENTS, "none is there twice");
}

fn bodies(records: &[(String, String)]) -> Vec<Value> {
    records.iter().map(|(_, body)| serde_json::from_str(body).unwrap()).collect()
}

#[test]
fn a_topic_that_is_missing_is_said_with_what_creates_it() {
    let cluster = Cluster::shared();
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["up", "-b", cluster.address(), "-c", "pipeline.topic.events=not-there"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("loadgen topics apply topics.toml"), "{stderr}");
    assert_eq!(run(folder.path(), &["status"]).status.code(), Some(3), "nothing is left running");
}
