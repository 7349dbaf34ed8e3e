//! What comes out downstream of a run of several shards: one reader judges it, and speaks for all.

use std::fs;

use super::{merge, shard};
use crate::cluster::Cluster;
use crate::program::{Program, Started};

#[test]
fn shards_leave_their_results_to_one_reader_and_a_whole_without_it_is_not_evaluated() {
    let cluster = Cluster::shared();
    let (topic, out) = ("fleet-judged", "fleet-judged-out");
    cluster.create(out, 3, &[]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("expect.toml");
    let text = format!("[[expect]]\nname = \"passed-on\"\nmatch = \"event_id\"\noutput = {{ topic = \"{out}\" }}\n");
    fs::write(&file, text).unwrap();
    let expect = ["--expect", file.to_str().unwrap()];
    let of = |number| shard(topic, "a9", number).args(expect).args(["--duration", "2s"]).start();
    let shards = ["1/2", "2/2"].map(of).map(Started::finish);
    for run in &shards {
        assert_eq!((run.code, &run.report()["ledger"]["verified"]), (4, &300.into()), "{}", run.stderr);
        assert!(run.stdout.contains("this is a part of the run"), "{}", run.stdout);
    }
    for (key, body) in cluster.read(topic, 600) {
        cluster.write(out, &[(&key, &body)]);
    }
    let judge = Program::new(cluster, topic)
        .args(["verify", "--run-id", "a9", "--until-idle", "2s", "--gate", "expect.passed-on.right == 600"])
        .args(expect)
        .run();
    assert_eq!(judge.code, 0, "{}{}", judge.stdout, judge.stderr);
    let [one, two] = shards.each_ref().map(|run| run.bundle().unwrap());
    let judged = judge.bundle().unwrap();

    let unjudged = merge(&[&one, &two], &folder.path().join("unjudged"));
    assert_eq!(unjudged.code, 4, "{}{}", unjudged.stdout, unjudged.stderr);
    assert!(
        unjudged.stdout.contains("passed-on: what the rest of the input asks for is not known"),
        "{}",
        unjudged.stdout
    );
    let whole = folder.path().join("whole");
    let merged = merge(&[&one, &two, &judged], &whole);
    assert_eq!(merged.code, 0, "{}{}", merged.stdout, merged.stderr);
    let told: serde_json::Value = serde_json::from_slice(&fs::read(whole.join("report.json")).unwrap()).unwrap();
    assert_eq!((&told["expectations"][0]["right"], &told["ledger"]["verified"]), (&600.into(), &600.into()));
    let gates = told["gates"].as_array().unwrap();
    assert!(gates.iter().any(|gate| gate["rule"] == "expect.passed-on.right == 600"), "{gates:?}");
}
