//! Fraud woven in, scored by the rules of the pipeline, and judged: against the truth as somebody else reads it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use loadgen::event::stamp::Stamp;
use serde_json::Value;

use crate::cluster::Cluster;
use crate::pipeline::Pipeline;
use crate::program::{Program, Run};

const JUDGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/judge-scores");
const EVENTS: u64 = 12_000;

fn scenario(folder: &Path, name: &str, more: &str) -> String {
    let text = format!(
        r#"
        seed = 4
        lanes = 2
        num_records = {EVENTS}
        gates_off = ["generator_healthy"]
        [source]
        kind = "synthetic"
        users = 2_000
        [fraud]
        rate = "5%"
        spacing = 20
        topic = "{name}-truth"
        [[phase]]
        rate = "400/s"
        [kafka]
        topic = "{name}-events"
        [[expect]]
        name = "scores"
        kind = "scores"
        threshold = 0.7
        output = {{ topic = "{name}-fraud-scores" }}
        {more}
        "#
    );
    let file = folder.join("scenario.toml");
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

fn parsed(records: &[(String, String)]) -> Vec<Value> {
    records.iter().map(|(_, body)| serde_json::from_str(body).unwrap()).collect()
}

/// Lane and sequence of an event.
fn place(of: &Value) -> (u64, u64) {
    let id: uuid::Uuid = of["event_id"].as_str().unwrap().parse().unwrap();
    let stamp = Stamp::from_bits(id.as_u128()).unwrap();
    (stamp.lane.into(), stamp.sequence)
}

/// The truth in the bundle: the pattern of each fraudulent event.
fn truth(run: &Run) -> BTreeMap<(u64, u64), String> {
    let file = std::fs::File::open(run.bundle().unwrap().join("fraud-truth.ndjson.zst")).unwrap();
    let text = zstd::decode_all(file).unwrap();
    let rows = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let rows = rows.map(|line| serde_json::from_slice::<Value>(line).unwrap());
    rows.map(|row| {
        let place = (row["lane"].as_u64().unwrap(), row["sequence"].as_u64().unwrap());
        (place, row["pattern"].as_str().unwrap().to_owned())
    })
    .collect()
}

/// What scikit-learn says against the report.
fn judge(run: &Run, labels: &[(bool, Option<f64>)]) {
    let report = run.bundle().unwrap().join("report.json");
    let mut judge = Command::new(JUDGE).arg(report).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = judge.stdin.take().unwrap();
    for (is_fraud, score) in labels {
        let score = score.map_or_else(String::new, |score| score.to_string());
        writeln!(stdin, "{} {score}", u8::from(*is_fraud)).unwrap();
    }
    drop(stdin);
    let output = judge.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn scores_are_judged_as_scikit_learn_judges_them_by_the_truth_in_the_bundle() {
    let cluster = Cluster::shared();
    for topic in ["fraud-events", "fraud-fraud-scores", "fraud-truth"] {
        cluster.create(topic, 3, &[]);
    }
    let _pipeline = Pipeline::start(cluster, "fraud", &["--parts", "fraud"]);
    let folder = tempfile::tempdir().unwrap();
    let file = scenario(folder.path(), "fraud", "[verify]\nexpect_deadline = \"120s\"");
    let run = Program::new(cluster, "").args_of(&["run", &file]).run();
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let report = run.report();
    let (of, scores) = (&report["expectations"][0], &report["expectations"][0]["scores"]);
    assert_eq!((&of["expected"], &of["right"]), (&EVENTS.into(), &EVENTS.into()), "{of}");

    let truth = truth(&run);
    let events = parsed(&cluster.read("fraud-events", EVENTS));
    assert!(events.iter().all(|event| event.as_object().unwrap().keys().all(|key| !key.contains("fraud"))));
    let written: BTreeMap<_, f64> = parsed(&cluster.read("fraud-fraud-scores", EVENTS))
        .iter()
        .map(|score| (place(score), score["score"].as_f64().unwrap()))
        .collect();
    let labels: Vec<_> =
        events.iter().map(|event| (truth.contains_key(&place(event)), written.get(&place(event)).copied())).collect();
    judge(&run, &labels);
    let count = |of: fn(&(bool, Option<f64>)) -> bool| labels.iter().filter(|label| of(label)).count() as u64;
    assert_eq!(scores["detected"], count(|(is_fraud, score)| *is_fraud && *score >= Some(0.7)));
    assert_eq!(scores["false_alarm"], count(|(is_fraud, score)| !is_fraud && *score >= Some(0.7)));
    let classes =
        ["detected", "missed", "false_alarm", "quiet", "not_written"].map(|class| scores[class].as_u64().unwrap());
    assert_eq!(classes.iter().sum::<u64>(), EVENTS);
    assert!(scores["detection_us"]["count"] == scores["episodes"] && scores["recall"]["value"].as_f64() > Some(0.1));

    let woven: u64 =
        report["fraud"]["patterns"].as_array().unwrap().iter().map(|of| of["events"].as_u64().unwrap()).sum();
    assert_eq!((woven, woven), (truth.len() as u64, scores["fraudulent"].as_u64().unwrap()));
    let told = parsed(&cluster.read("fraud-truth", woven));
    for row in &told {
        let place = (row["lane"].as_u64().unwrap(), row["sequence"].as_u64().unwrap());
        assert_eq!(truth[&place], row["pattern"].as_str().unwrap());
    }

    // Read alone, with nothing but the run's folder to tell the truth by.
    let expect = folder.path().join("expect.toml");
    let text = format!(
        "[[expect]]\nname = \"again\"\nkind = \"scores\"\nthreshold = 0.7\ntruth = \"{}\"\noutput = {{ topic = \"fraud-fraud-scores\" }}\n",
        run.bundle().unwrap().display()
    );
    std::fs::write(&expect, text).unwrap();
    let id = report["run"]["id"].as_str().unwrap();
    let alone = Program::new(cluster, "fraud-events")
        .args_of(&["verify", "--run-id", id, "--until-idle", "2s", "--expect", expect.to_str().unwrap()])
        .run();
    assert_eq!(alone.code, 0, "{}{}", alone.stdout, alone.stderr);
    let again = &alone.report()["expectations"][0]["scores"];
    for figure in ["detected", "missed", "false_alarm", "quiet", "precision", "recall", "auc_pr", "recall_at_1_percent"]
    {
        assert_eq!(again[figure], scores[figure], "{figure}");
    }
}
