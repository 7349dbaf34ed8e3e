//! Others than shards that meet them in their topic: readers on other machines, and a search that has them make its probes.

use serde_json::Value;

use super::{merge, shard, wait_for};
use crate::cluster::Cluster;
use crate::program::{Program, Run, Started};

#[test]
fn shards_that_read_nothing_back_and_a_group_that_reads_for_them_come_to_one_ledger() {
    let topic = "fleet-readers";
    let shards = ["1/2", "2/2"].map(|part| shard(topic, "b1", part).args(["--duration", "6s", "--no-verify"]).start());
    // Events come five seconds later, so that a reader which ends when nothing comes for ten does not end before.
    for (number, started) in (1..).zip(&shards) {
        wait_for(started, topic, number, "ready");
    }
    let read = ["verify", "--group", "fleet-readers", "--run-id", "b1", "--fleet-topic", "fleet-readers-fleet"];
    let readers = [0, 1].map(|_| {
        Program::new(Cluster::shared(), topic)
            .args_of(&read)
            .args(["--until-idle", "10s", "--connect-timeout", "60s"])
            .start()
    });
    let shards = shards.map(Started::finish);
    let readers = readers.map(Started::finish);
    assert!(shards.iter().all(|run| run.code == 0), "{}", shards[0].stderr);
    let told: Vec<Value> = readers.iter().map(Run::report).collect();
    for (run, report) in readers.iter().zip(&told) {
        assert_eq!(run.code, 4, "alone it has a part: {}", run.stderr);
        assert!(!run.stderr.contains("error"), "{}", run.stderr);
        assert_eq!(report["fleet"]["shards"].as_array().unwrap().len(), 2);
        let clocks =
            report["fleet"]["shards"].as_array().unwrap().iter().chain(report["fleet"]["readers"].as_array().unwrap());
        let clocks: Vec<&Value> = clocks.map(|one| if one["clock"].is_null() { one } else { &one["clock"] }).collect();
        assert!(clocks.iter().all(|clock| clock["before"]["bound_us"].as_u64() > Some(0)), "{clocks:?}");
    }
    let all = shards.iter().chain(&readers).map(|run| run.bundle().unwrap());
    let all: Vec<_> = all.collect();
    let out = tempfile::tempdir().unwrap();
    let paths: Vec<&std::path::Path> = all.iter().map(std::path::PathBuf::as_path).collect();
    let whole = merge(&paths, &out.path().join("whole"));
    assert_eq!(whole.code, 0, "{}{}", whole.stdout, whole.stderr);
    let report: Value = serde_json::from_slice(&std::fs::read(out.path().join("whole/report.json")).unwrap()).unwrap();
    assert_eq!((&report["ledger"]["scheduled"], &report["ledger"]["verified"]), (&1_800.into(), &1_800.into()));
    assert_eq!((&report["findings"]["duplicates"], &report["findings"]["foreign"]), (&0.into(), &0.into()));
    // One machine has one clock: what lies between two of its processes is known as well as both know the broker's.
    let seen = &report["latency_us"]["end_to_end"];
    let timed = seen["count"].as_u64().unwrap() + report["reading"]["untimed"].as_u64().unwrap();
    assert_eq!(timed, 1_800, "{seen}");
    assert!(seen["clock_bound_us"].as_u64() > Some(0) && report["findings"]["negative_latency"] == 0, "{seen}");
    let without = merge(&paths[..3], &out.path().join("without"));
    let report: Value =
        serde_json::from_slice(&std::fs::read(out.path().join("without/report.json")).unwrap()).unwrap();
    let undecided = report["ledger"]["unread"].as_u64().unwrap() + report["ledger"]["unattributed"].as_u64().unwrap();
    let other = told[1]["reading"]["events"].as_u64().unwrap();
    assert_eq!((undecided, without.code), (other, if other > 0 { 4 } else { 0 }), "what the other one read");
}

#[test]
fn shards_on_call_make_the_probes_of_a_search_together() {
    let topic = "fleet-search";
    let on_call = |part: &str| {
        let made = ["--create-topics", "--partitions", "3", "--gate-off", "generator_healthy"];
        let fleet = ["--run-id", "b2", "--fleet-topic", "fleet-search-fleet"];
        Program::new(Cluster::shared(), topic).args_of(&["capacity"]).args(made).args(fleet).args_of(&[part])
    };
    let shards = ["--shard=1/2", "--shard=2/2"].map(|part| on_call(part).start());
    // One probe: there is no time for another one.
    let search =
        on_call("--shards=2").args(["--start", "300/s", "--probe", "5s", "--settle", "0s", "--max-time", "1s"]);
    let search = search.run();
    for run in shards.map(Started::finish) {
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(run.stdout.contains("the search is over after 1 probe here"), "{}", run.stdout);
    }
    assert_eq!(search.code, 4, "{}{}", search.stdout, search.stderr);
    let folder = search.bundle().unwrap();
    let record: Value = serde_json::from_slice(&std::fs::read(folder.join("capacity.json")).unwrap()).unwrap();
    let probes = record["searches"][0]["probes"].as_array().unwrap();
    assert_eq!((probes.len(), &probes[0]["rate"]), (1, &300.into()));
    let report = std::fs::read(folder.join("probes/01-300/report.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    let ledger = &report["ledger"];
    assert_eq!((&ledger["scheduled"], &ledger["verified"]), (&1_500.into(), &1_500.into()), "{ledger}");
    assert_eq!(report["fleet"]["shards"].as_array().unwrap().len(), 2);
}
