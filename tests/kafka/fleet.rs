//! Fleets: shards that meet in a topic, on a real broker.

mod expectations;
mod many;
mod others;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use serde_json::Value;

use crate::PATIENCE;
use crate::at_work::wait_until;
use crate::cluster::Cluster;
use crate::program::{Program, Run, Started};

/// A shard of a run on a topic of its own, which makes the fleet's topic where it is not there.
pub(crate) fn shard(topic: &str, run: &str, shard: &str) -> Program {
    shard_of(Cluster::shared(), topic, run, shard).args(["--create-topics", "--partitions", "3"])
}

fn shard_of(cluster: &Cluster, topic: &str, run: &str, shard: &str) -> Program {
    let fleet = format!("{topic}-fleet");
    Program::new(cluster, topic).args(["synth", "--rate", "300/s", "--gate-off", "generator_healthy"]).args([
        "--run-id",
        run,
        "--shard",
        shard,
        "--fleet-topic",
        &fleet,
    ])
}

/// What a shard said in its fleet's topic, of that kind.
fn said(topic: &str, number: u16, what: &str) -> Vec<Value> {
    said_in(Cluster::shared(), topic, number, what)
}

pub(crate) fn said_in(cluster: &Cluster, topic: &str, number: u16, what: &str) -> Vec<Value> {
    let fleet = format!("{topic}-fleet");
    if !cluster.topics().contains(&fleet) {
        return Vec::new();
    }
    let all = cluster.read_all(&fleet, 1).into_iter();
    let records = all.filter_map(|record| serde_json::from_slice::<Value>(&record.body).ok());
    records.filter(|record| record["shard"] == number && record["said"] == what).collect()
}

fn wait_for(started: &Started, topic: &str, number: u16, what: &str) {
    started.wait_for(&format!("\"{what}\" of shard {number}"), || !said(topic, number, what).is_empty());
}

pub(crate) fn merge(bundles: &[&Path], out: &Path) -> Run {
    let bundles: Vec<&str> = bundles.iter().map(|bundle| bundle.to_str().unwrap()).collect();
    Program::new(Cluster::shared(), "").args(["merge", "--out", out.to_str().unwrap()]).args_of(&bundles).run()
}

#[test]
fn shards_start_together_when_the_last_of_them_stands_ready() {
    let topic = "fleet-together";
    let first = shard(topic, "a1", "1/3").args(["--duration", "3s"]).start();
    wait_for(&first, topic, 1, "ready");
    let others = ["2/3", "3/3"].map(|part| shard(topic, "a1", part).args(["--duration", "3s"]).start());
    let [second, third] = others.map(Started::finish);
    let runs = [first.finish(), second, third];
    let reports: Vec<Value> = runs.iter().map(Run::report).collect();
    for (run, report) in runs.iter().zip(&reports) {
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(report["fleet"]["started_at"], reports[0]["fleet"]["started_at"]);
        let shards = report["fleet"]["shards"].as_array().unwrap();
        assert!(shards.iter().all(|shard| shard["planned"] == 300), "{shards:?}");
        assert_eq!(report["findings"]["duplicates"], 0);
        // One machine has one clock: all of them started when the broker's showed the time agreed on, as well as that is known.
        let own = shards.iter().find(|shard| !shard["clock"].is_null()).unwrap();
        let of = |moment: &str, what: &str| own["clock"][moment][what].as_i64().unwrap();
        assert!(of("before", "offset_us").abs() <= of("before", "bound_us"), "{own}");
        assert!(of("after", "offset_us").abs() <= of("after", "bound_us"), "{own}");
    }
    let out = tempfile::tempdir().unwrap();
    let bundles = runs.each_ref().map(|run| run.bundle().unwrap());
    let whole = merge(&[&bundles[0], &bundles[1], &bundles[2]], &out.path().join("whole"));
    assert_eq!(whole.code, 0, "{}", whole.stderr);
}

#[test]
fn a_second_process_of_a_shard_takes_the_place_of_the_first_which_stops() {
    let topic = "fleet-twice";
    let first = shard(topic, "a2", "1/2").args(["--duration", "2s"]).start();
    wait_for(&first, topic, 1, "ready");
    let second = shard(topic, "a2", "1/2").args(["--duration", "2s"]).start();
    let first = first.finish();
    assert_eq!(first.code, 5, "{}", first.stderr);
    assert!(first.stderr.contains("another process took the place of shard 1/2: process"), "{}", first.stderr);
    assert!(first.stderr.contains("attempt 2"), "{}", first.stderr);
    assert!(first.bundle().is_none(), "it sent nothing");
    let other = shard(topic, "a2", "2/2").args(["--duration", "2s"]).start();
    for run in [second.finish(), other.finish()] {
        let report = run.report();
        assert_eq!((run.code, &report["findings"]["duplicates"]), (0, &0.into()), "{}", run.stderr);
        assert_eq!(report["fleet"]["shards"][0]["attempt"], 2);
        assert_eq!(report["ledger"]["verified"], 300);
    }
    let late = shard(topic, "a2", "1/2").args(["--duration", "2s"]).run();
    assert_eq!(late.code, 5, "{}", late.stderr);
    assert!(late.stderr.contains("run 00000000000000a2 began at"), "{}", late.stderr);
}

#[test]
fn who_is_missing_at_the_deadline_is_named() {
    let topic = "fleet-missing";
    let only = shard(topic, "a3", "2/3").args(["--duration", "2s"]);
    let only = only.args(["--fleet-deadline", "1s"]).run();
    assert_eq!(only.code, 5, "{}", only.stderr);
    let told = "2 shards of 3 did not stand ready within 1s: shard 1 (nothing was heard of it), shard 3 (nothing was heard of it)";
    assert!(only.stderr.contains(told), "{}", only.stderr);
    assert!(only.bundle().is_none());
}

#[test]
fn shards_of_different_runs_under_one_id_are_refused_with_what_differs() {
    for (name, more, told) in [
        ("seed", ["--seed", "2"], "the seed is 1 in shard 1 and 2 in shard 2"),
        ("lanes", ["--lanes", "2"], "the number of lanes is 1 in shard 1 and 2 in shard 2"),
        (
            "scenario",
            ["--payload-bytes", "512"],
            "the scenario has `payload_bytes = 512` in shard 2 and not in shard 1",
        ),
    ] {
        let topic = format!("fleet-unlike-{name}");
        let one = shard(&topic, "a4", "1/2").args(["--duration", "2s"]).start();
        wait_for(&one, &topic, 1, "ready");
        let two = shard(&topic, "a4", "2/2").args(["--duration", "2s"]).args(more).run();
        for run in [two, one.finish()] {
            assert_eq!(run.code, 104, "{}", run.stderr);
            assert!(run.stderr.contains(told), "{}", run.stderr);
        }
    }
}

#[test]
fn a_shard_of_another_version_is_refused_and_named_however_little_of_it_is_understood() {
    let who = r#""run":"00000000000000ab","shard":2,"of":2,"attempt":1,"host":"other","pid":7"#;
    let version = env!("CARGO_PKG_VERSION");
    for (name, said, told) in [
        (
            "known",
            r#""said":"ready","version":"99.0.0","name":"synth","seed":1,"lanes":1,"scenario":"","planned":null"#,
            format!("the version of loadgen is {version} in shard 1 and 99.0.0 in shard 2"),
        ),
        (
            "unknown",
            r#""said":"standing_by","since":[1,2]"#,
            format!("shard 2 (process 7 on other, attempt 1) says what loadgen {version} does not know"),
        ),
    ] {
        let topic = format!("fleet-version-{name}");
        let one = shard(&topic, "ab", "1/2").args(["--duration", "2s"]).start();
        wait_for(&one, &topic, 1, "ready");
        let record = format!("{{{who},{said}}}");
        Cluster::shared().write(&format!("{topic}-fleet"), &[("00000000000000ab/2/ready/1", &record)]);
        let one = one.finish();
        assert_eq!(one.code, 104, "{}", one.stderr);
        assert!(one.stderr.contains(&told), "{}", one.stderr);
    }
}

#[test]
fn a_topic_that_does_not_keep_what_a_fleet_says_is_refused() {
    let topic = "fleet-unfit";
    Cluster::shared().create("fleet-unfit-fleet", 1, &[]);
    let refused = shard(topic, "a5", "1/2").args(["--duration", "2s"]).run();
    assert_eq!(refused.code, 6, "{}", refused.stderr);
    assert!(refused.stderr.contains("cleanup.policy=delete, and a fleet needs compact"), "{}", refused.stderr);
    Cluster::shared().create("fleet-no-topic", 1, &[]);
    let missing = shard_of(Cluster::shared(), "fleet-no-topic", "a5", "1/2").args(["--duration", "2s"]).run();
    assert_eq!(missing.code, 6, "{}", missing.stderr);
    assert!(missing.stderr.contains("topic \"fleet-no-topic-fleet\" does not exist"), "{}", missing.stderr);
}

#[test]
fn a_shard_that_is_killed_is_lost_and_the_others_go_on_or_end_as_they_were_told() {
    let started = |topic: &str, run: &str, policy: &str| {
        ["1/2", "2/2"]
            .map(|part| shard(topic, run, part).args(["--duration", "10m", "--on-shard-loss", policy]).start())
    };
    let ([going, killed], [ending, killed_too]) =
        (started("fleet-lost", "a6", "continue"), started("fleet-abort", "a7", "abort"));
    for (other, topic) in [(&killed, "fleet-lost"), (&killed_too, "fleet-abort")] {
        wait_for(other, topic, 2, "beat");
        other.signal("KILL");
    }
    let ended = ending.finish();
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    let report = ended.report();
    assert!(
        report["verdict"]["reasons"].to_string().contains("shard 2 of 2 was lost: its last word was at"),
        "{report}"
    );
    assert_eq!(report["fleet"]["shards"][1]["state"], "lost");
    // It speaks once a second at most, and calls one lost of which nothing was heard for 30 of them.
    let beats = || said("fleet-lost", 1, "beat").len();
    let since = beats();
    wait_until("word of the loss", PATIENCE, || beats() >= since + 36);
    going.interrupt();
    let (going, killed) = (going.finish(), killed.bundle().unwrap());
    let report = going.report();
    assert_eq!(report["fleet"]["shards"][1]["state"], "lost");
    // What the killed one had written is partial, and set aside.
    let out = tempfile::tempdir().unwrap();
    let whole = merge(&[&going.bundle().unwrap(), &killed], &out.path().join("whole"));
    assert_eq!(whole.code, 5, "{}", whole.stderr);
    assert!(whole.stderr.contains("is left out: its shard was lost"), "{}", whole.stderr);
    assert!(report["verdict"]["notes"].to_string().contains("shard 2 of 2 was lost"), "{report}");
    assert_eq!(report["findings"]["duplicates"], 0);
}

/// The bundles of a run from its topic as one.
pub(crate) fn merge_from_topic(cluster: &Cluster, topic: &str, run: &str) -> Run {
    let fleet = format!("{topic}-fleet");
    let merge = ["merge", "--from-topic", run, "--fleet-topic", &fleet, "--deadline", "5m"];
    Program::new(cluster, "").args_of(&merge).args(["--out", "results/whole"]).run()
}

#[test]
fn four_shards_come_to_what_one_process_with_four_lanes_does() {
    let topic = "fleet-like-one";
    let shards = ["1/4", "2/4", "3/4", "4/4"];
    let shards =
        shards.map(|part| shard(topic, "a8", part).args(["--num-records", "2000", "--results", "topic"]).start());
    let shards = shards.map(Started::finish);
    assert!(shards.iter().all(|run| run.code == 0), "{}", shards[0].stderr);
    let whole = merge_from_topic(Cluster::shared(), topic, "a8");
    assert_eq!(whole.code, 0, "{}", whole.stderr);
    let one = Program::new(Cluster::shared(), "fleet-the-one")
        .args(["synth", "--rate", "300/s", "--create-topics", "--partitions", "3", "--gate-off", "generator_healthy"])
        .args(["--num-records", "2000", "--lanes", "4"])
        .run();
    adds_up_bucket_by_bucket(&shards.each_ref().map(|run| run.bundle().unwrap()), &whole.bundle().unwrap());
    let (whole, one) = (whole.report(), one.report());
    assert_eq!(whole["ledger"], one["ledger"]);
    let types = |report: &Value| {
        let types = report["by_type"].as_object().unwrap().iter();
        types.map(|(name, of)| (name.clone(), of["sent"].clone(), of["verified"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(types(&whole), types(&one));
    assert_eq!(whole["offered"]["scheduled"], one["offered"]["scheduled"]);
    // The bodies are the same but for their stamps.
    let drawn = |topic: &str| {
        let mut keys: Vec<String> = Cluster::shared().read(topic, 2_000).into_iter().map(|(key, _)| key).collect();
        keys.sort();
        keys
    };
    assert_eq!(drawn(topic), drawn("fleet-the-one"));
}

#[test]
fn shards_come_back_from_an_outage_at_their_end_that_is_longer_than_a_transaction_lasts() {
    let (cluster, topic) = (Cluster::start(), "fleet-outage");
    let shards = ["1/2", "2/2"].map(|part| {
        let length = ["--create-topics", "--partitions", "3", "--duration", "10s", "--results", "topic"];
        shard_of(&cluster, topic, "aa", part).args(length).start()
    });
    shards[0].wait_for_rows(8);
    cluster.command(&["pause", "1"]);
    // A transaction lasts 10 s, and is given up by the cluster, or by the client, while it is away.
    for shard in &shards {
        shard.wait_for_rows(8 + 15);
    }
    cluster.command(&["resume", "1"]);
    for run in shards.map(Started::finish) {
        assert_eq!(run.code, 0, "{}", run.stderr);
        let report = run.report();
        assert_eq!(report["ledger"]["verified"], 1_500, "{}", report["ledger"]);
        assert!(
            report["fleet"]["shards"].as_array().unwrap().iter().all(|shard| shard["state"] != "lost"),
            "{}",
            report["fleet"]
        );
    }
    let whole = merge_from_topic(&cluster, topic, "aa");
    assert_eq!((whole.code, &whole.report()["ledger"]["verified"]), (0, &3_000.into()), "{}", whole.stderr);
}

#[test]
fn a_shard_that_is_killed_too_late_to_be_missed_is_told_by_what_it_left() {
    let topic = "fleet-killed-late";
    let shards = ["1/2", "2/2"].map(|part| shard(topic, "ac", part).args(["--duration", "10s"]).start());
    shards[1].wait_for_rows(5);
    shards[1].signal("KILL");
    let [going, killed] = shards;
    let (going, partial) = (going.finish(), killed.bundle().unwrap());
    assert_eq!(going.code, 0, "{}", going.stderr);
    assert_ne!(going.report()["fleet"]["shards"][1]["state"], "ended", "{}", going.report()["fleet"]);
    let out = tempfile::tempdir().unwrap();
    let whole = merge(&[&going.bundle().unwrap(), &partial], &out.path().join("whole"));
    assert_eq!(whole.code, 5, "{}", whole.stderr);
    let report = fs::read(out.path().join("whole/report.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    let ledger = &report["ledger"];
    assert_eq!(
        (&ledger["scheduled"], &ledger["verified"], &ledger["unwitnessed"]),
        (&3_000.into(), &1_500.into(), &1_500.into())
    );
    let alone = merge(&[&going.bundle().unwrap()], &out.path().join("alone"));
    assert_eq!(alone.code, 104, "a bundle that is not there may be anywhere: {}", alone.stderr);
}

/// The histograms of the whole are the sums of the shards', in all buckets, as HdrHistogram's own library reads their logs.
fn adds_up_bucket_by_bucket(shards: &[PathBuf], whole: &Path) {
    let mut sums: BTreeMap<String, Histogram<u64>> = BTreeMap::new();
    for (name, histogram) in shards.iter().flat_map(|shard| logged(shard)) {
        sums.entry(name).or_insert_with(|| Histogram::new(3).unwrap()).add(histogram).unwrap();
    }
    let mut found: BTreeMap<String, Histogram<u64>> = BTreeMap::new();
    for (name, histogram) in logged(whole) {
        found.entry(name).or_insert_with(|| Histogram::new(3).unwrap()).add(histogram).unwrap();
    }
    assert_eq!(sums.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>());
    assert!(["response_time", "end_to_end", "slip"].iter().all(|name| sums[*name].len() == 2_000), "{:?}", sums.keys());
    for (name, sum) in &sums {
        let buckets = |of: &Histogram<u64>| {
            of.iter_recorded().map(|at| (at.value_iterated_to(), at.count_at_value())).collect::<Vec<_>>()
        };
        assert_eq!(buckets(sum), buckets(&found[name]), "{name}");
    }
    let report: Value = serde_json::from_slice(&fs::read(whole.join("report.json")).unwrap()).unwrap();
    for name in ["response_time", "end_to_end", "slip"] {
        for (quantile, at) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)] {
            assert_eq!(report["latency_us"][name][quantile], sums[name].value_at_quantile(at), "{name} {quantile}");
        }
    }
}

/// The intervals of a bundle's log, each with its tag.
fn logged(bundle: &Path) -> Vec<(String, Histogram<u64>)> {
    let log = fs::read(bundle.join("latency.hlog")).unwrap();
    let mut read = Deserializer::new();
    IntervalLogIterator::new(&log)
        .filter_map(|entry| match entry.unwrap() {
            LogEntry::Interval(interval) => Some(interval),
            LogEntry::StartTime(_) | LogEntry::BaseTime(_) => None,
        })
        .map(|interval| {
            let packed = BASE64.decode(interval.encoded_histogram()).unwrap();
            (interval.tag().unwrap().to_string(), read.deserialize(&mut packed.as_slice()).unwrap())
        })
        .collect()
}

#[test]
fn a_shard_that_is_killed_on_the_way_leaves_a_whole_that_adds_up() {
    let cluster = Cluster::of(3, &[]);
    let topic = "fleet-killed";
    let shards = ["1/4", "2/4", "3/4", "4/4"].map(|part| {
        let make = ["--create-topics", "--partitions", "6", "--replication-factor", "3"];
        let length = ["--duration", "60s", "--results", "topic", "--gate", "lost == 0"];
        shard_of(&cluster, topic, "a9", part).args(make).args(length).start()
    });
    shards[2].wait_for("some of the third shard's time", || {
        said_in(&cluster, topic, 3, "beat").iter().any(|beat| beat["at_s"].as_u64() >= Some(20))
    });
    shards[2].signal("KILL");
    let [first, second, third, fourth] = shards;
    let ended = [first, second, fourth].map(Started::finish);
    let left =
        [&ended[0].bundle(), &ended[1].bundle(), &third.bundle(), &ended[2].bundle()].map(|it| it.clone().unwrap());
    for run in &ended {
        let report = run.report();
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!((&report["findings"]["duplicates"], &report["findings"]["foreign"]), (&0.into(), &0.into()));
        assert_eq!(report["ledger"]["verified"], 4_500);
    }
    let merged = merge_from_topic(&cluster, topic, "a9");
    assert_eq!(merged.code, 5, "{}", merged.stderr);
    let whole = merged.report();
    let of_folders = merge(&[&left[0], &left[1], &left[2], &left[3]], &left[0].with_file_name("whole"));
    assert_eq!(of_folders.code, 5, "{}", of_folders.stderr);
    let found = fs::read(left[0].with_file_name("whole/report.json")).unwrap();
    let found: Value = serde_json::from_slice(&found).unwrap();
    assert_eq!(found["ledger"], whole["ledger"]);
    let ledger = whole["ledger"].as_object().unwrap();
    let classes: u64 =
        ledger.iter().filter(|(name, _)| *name != "scheduled").map(|(_, count)| count.as_u64().unwrap()).sum();
    assert_eq!((classes, ledger["scheduled"].as_u64()), (18_000, Some(18_000)));
    assert_eq!(
        (&ledger["unwitnessed"], &ledger["verified"], &ledger["lost"]),
        (&4_500.into(), &13_500.into(), &0.into())
    );
    let reasons = whole["verdict"]["reasons"].to_string();
    assert!(reasons.contains("shard 3 of 4") && reasons.contains("of 4,500 events were due"), "{reasons}");
    let gate = whole["gates"].as_array().unwrap().iter().find(|gate| gate["rule"] == "lost == 0").unwrap();
    assert_eq!(gate["result"], "unevaluated", "what nobody saw may be lost");
}
