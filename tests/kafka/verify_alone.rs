//! `loadgen verify` beside, before and after a producer in another process, on real Kafka brokers.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at the first surprise")]

use crate::PATIENCE;
use std::collections::BTreeSet;

use crate::at_work::wait_until;
use crate::cluster::{Cluster, Copied};
use crate::program::{Program, Run};
use loadgen::event::stamp::RunId;
use serde_json::Value;

const RUN_ID: &str = "a1b2c3d4e5f60718";
/// Valid, and of nobody that this program knows.
const FOREIGN: &str = r#"{"event_id":"order-1","event_type":"filter","timestamp":1,"user_id":"8","category":"c","filter_type":"t","filter_value":"v","session_id":"s"}"#;

/// Sends so many events without reading them back.
fn produce(cluster: &Cluster, topic: &str, events: &str, id: &str) -> Run {
    let run = Program::new(cluster, topic)
        .args(["synth", "--rate", "4000", "--num-records", events, "--no-verify", "--run-id", id])
        .args(["--gate-off", "generator_healthy"])
        .run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    run
}

/// The sequences of lane 0 that are in the log, as another consumer reads it.
fn sequences(records: &[Copied]) -> BTreeSet<u64> {
    let stamps =
        records.iter().filter_map(|record| loadgen::shop::catalogue().unwrap().decode(&record.body).ok()?.stamp);
    stamps.map(|stamp| stamp.sequence).collect()
}

fn reading(report: &Value) -> &Value {
    assert!(report["ledger"].is_null() && report["offered"].is_null(), "nothing is invented: {}", report["ledger"]);
    &report["reading"]
}

#[test]
fn before_beside_and_after_the_producer_it_sees_what_another_consumer_sees() {
    let cluster = Cluster::shared();
    cluster.create("watched", 3, &[]);
    let before = Program::new(cluster, "watched").args(["verify", "--run-id", RUN_ID]).start();
    before.wait_for_rows(1);
    let noise = [("7", "not json"), ("7", "[1]"), ("8", "{}"), ("8", FOREIGN), ("8", FOREIGN)];
    cluster.write("watched", &noise);
    let producer = Program::new(cluster, "watched")
        .args(["synth", "--rate", "2000", "--duration", "5s", "--no-verify", "--lanes", "2", "--run-id", RUN_ID])
        .args(["--gate-off", "generator_healthy"])
        .start();
    producer.wait_for_rows(1);
    let beside = Program::new(cluster, "watched").args(["verify", "--until-idle", "6s"]).start();
    assert_eq!(producer.finish().code, 0);
    let after = Program::new(cluster, "watched").args(["verify", "--until-idle", "1s", "--run-id", RUN_ID]).run();
    let beside = beside.finish();
    before.interrupt();
    let before = before.finish();
    let independent = cluster.read_all("watched", 3);
    assert_eq!(independent.len(), 10_005);
    for (name, run) in [("before", before), ("beside", beside), ("after", after)] {
        let report = run.report();
        assert_eq!(run.code, 0, "{name}: {} {}", run.stderr, run.stdout);
        assert_eq!(report["run"]["interrupted"], false, "{name}: a reading without an end is not cut short");
        let (read, findings) = (reading(&report), &report["findings"]);
        assert_eq!(read["records"], independent.len(), "{name}: {read}");
        assert_eq!((&read["events"], &read["missing"]), (&10_000.into(), &0.into()), "{name}: {read}");
        assert_eq!((&read["lag"], &read["lane_count"]), (&0.into(), &2.into()), "{name}: {read}");
        // The other producer has another partitioner.
        let misplaced = findings["misplaced"].as_u64().unwrap();
        assert_eq!(
            (&findings["invalid"], &findings["foreign"]),
            (&(3 + misplaced).into(), &2.into()),
            "{name}: {findings}"
        );
        assert_eq!(findings["invalid_by_reason"]["not_json"], 1, "{name}");
        for finding in ["duplicates", "reordered", "negative_latency"] {
            assert_eq!(findings[finding], 0, "{name}: {finding}");
        }
        let timed = report["latency_us"]["end_to_end"]["count"].as_u64().unwrap();
        assert_eq!(timed + read["untimed"].as_u64().unwrap(), 10_000, "{name}: {read}");
        assert_eq!(name == "before", timed == 10_000, "{name}: {timed} timed");
        println!("{name}: 10,000 events in 10,005 records, none missing, {timed} timed by the wall clocks");
    }
}

#[test]
fn gaps_and_copies_are_those_that_another_consumer_finds() {
    let cluster = Cluster::shared();
    cluster.create("whole", 3, &[]);
    produce(cluster, "whole", "6000", RUN_ID);
    let all = cluster.read_all("whole", 3);
    // A mirror that lost a stretch, and wrote a few records twice.
    cluster.create("holed", 3, &[]);
    cluster.write_again("holed", &all[..3_000]);
    cluster.write_again("holed", &all[3_700..]);
    cluster.write_again("holed", &all[1_000..1_040]);
    let present = sequences(&cluster.read_all("holed", 3));
    let (first, last) = (*present.first().unwrap(), *present.last().unwrap());
    let missing = last - first + 1 - present.len() as u64;
    assert!(missing > 500, "{missing}");

    let verify = |topic| Program::new(cluster, topic).args(["verify", "--until-idle", "2s"]);
    let known = ["--run-id", RUN_ID, "--gate", "reading.missing == 0"];
    let (unknown, known) = (verify("holed").start(), verify("holed").args(known).run());
    let unknown = unknown.finish();
    for (run, kind) in [(&unknown, "duplicates_undecided"), (&known, "duplicates_rewritten")] {
        let report = run.report();
        let (read, findings) = (reading(&report), &report["findings"]);
        assert_eq!((&read["missing"], &read["open"]), (&missing.into(), &0.into()), "{read}");
        assert_eq!(read["events"], present.len(), "{read}");
        let copies = findings["duplicates"].as_u64().unwrap();
        assert!(copies >= 1 && findings[kind] == copies, "{findings}");
        assert_eq!(findings["reordered"], 0, "{findings}");
        println!("{missing} missing and {copies} {kind}, as another consumer finds them");
    }
    assert_eq!(unknown.code, 4, "missing is not lost: {}", unknown.stderr);
    assert_eq!(known.code, 99, "a gate may still ask for none: {}", known.stderr);

    cluster.delete("whole", 1, 700);
    let left = sequences(&cluster.read_all("whole", 3));
    let run = verify("whole").run();
    let report = run.report();
    let below = 6_000 - left.len() as u64;
    let read = reading(&report);
    assert_eq!((&read["missing"], &read["below_start"]), (&0.into(), &below.into()), "what was not read: {read}");
    assert_eq!((&read["events"], run.code), (&left.len().into(), 0), "{read} {}", run.stderr);
}

#[test]
fn a_group_goes_on_through_a_broker_that_is_killed_and_through_a_restart_of_its_own() {
    let cluster = Cluster::start();
    cluster.create("served", 3, &[]);
    let service = ["verify", "--group=service", "--commit=manual", "--commit-interval=500ms", "--connect-timeout=60s"];
    let started = Program::new(&cluster, "served").args(service).start();
    produce(&cluster, "served", "3000", RUN_ID);
    started.wait_for_seen(3_000);
    cluster.command(&["kill", "1"]);
    cluster.command(&["start", "1"]);
    produce(&cluster, "served", "2000", "b1b2c3d4e5f60718");
    started.wait_for_seen(5_000);
    started.interrupt();
    let run = started.finish();
    let report = run.report();
    let read = reading(&report);
    assert_eq!((&read["records"], &read["missing"]), (&5_000.into(), &0.into()), "{read} {}", run.stderr);
    assert_eq!(read["lag"], 0, "{read}");
    assert_eq!(run.code, 0, "{}", run.stderr);
    produce(&cluster, "served", "1000", "c1b2c3d4e5f60718");
    let again = Program::new(&cluster, "served").args(service).args(["--num-records", "1000"]).run();
    let report = again.report();
    let read = reading(&report);
    assert_eq!((&read["from"], &read["records"]), (&"committed".into(), &1_000.into()), "{read}");
    assert_eq!((&read["events"], &read["missing"]), (&1_000.into(), &0.into()), "{read}");
    println!("5,000 of 5,000 through a killed broker, then 1,000 from where the group had committed");
}

#[test]
fn two_members_of_a_group_claim_nothing_of_what_the_other_read() {
    let cluster = Cluster::shared();
    cluster.create("divided", 4, &[]);
    let member =
        || Program::new(cluster, "divided").args(["verify", "--group", "pair", "--connect-timeout", "60s"]).start();
    let (one, other) = (member(), member());
    one.wait_for_rows(5);
    other.wait_for_rows(5);
    produce(cluster, "divided", "4000", RUN_ID);
    let rows = one.rows();
    one.wait_for_rows(rows + 2);
    let mut events = 0;
    for started in [&one, &other] {
        started.interrupt();
    }
    for run in [one.finish(), other.finish()] {
        let report = run.report();
        let read = reading(&report);
        assert!(
            read["missing"].is_null() && read["missing_unknown"].as_str().unwrap().contains("other members"),
            "{read}"
        );
        assert!(read["events"].as_u64() > Some(0), "{read}");
        events += read["events"].as_u64().unwrap();
    }
    assert_eq!(events, 4_000, "each event was read by one of them");
}

#[test]
fn what_keeps_it_from_reading_is_named_with_its_remedy() {
    let authorizer = "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer";
    let cluster = Cluster::start_with(&[authorizer, "allow.everyone.if.no.acl.found=true"]);
    cluster.create("unreadable", 1, &[]);
    let rights = ["--operation", "Describe", "--topic", "unreadable"];
    let allow = [&["--add", "--allow-principal", "User:ANONYMOUS"][..], &rights].concat();
    cluster.tool("org.apache.kafka.tools.AclCommand", &allow);
    let run = Program::new(&cluster, "unreadable").args(["verify", "--until-idle", "60s"]).run();
    assert_eq!(run.code, 6, "{}", run.stderr);
    assert!(run.stdout.contains("reading cannot go on"), "{}", run.stdout);

    let run = Program::new(&cluster, "nowhere").args(["verify"]).run();
    assert_eq!(run.code, 6, "{}", run.stderr);
    assert!(run.stderr.contains("topic \"nowhere\" does not exist on 127.0.0.1:"), "{}", run.stderr);
    assert!(run.bundle().is_none(), "a reading that did not begin leaves no folder");
}

/// Everything but these classes is zero, and the classes sum to the schedule.
fn assert_ledger(report: &Value, expected: &[(&str, u64)]) {
    let ledger = report["ledger"].as_object().unwrap_or_else(|| panic!("no ledger: {report}"));
    let sum: u64 = expected.iter().map(|(_, count)| count).sum();
    assert_eq!(ledger["scheduled"], sum, "{ledger:?}");
    for (class, count) in ledger.iter().filter(|(class, _)| *class != "scheduled") {
        let expected = expected.iter().find(|(name, _)| name == class).map_or(0, |(_, count)| *count);
        assert_eq!(count.as_u64(), Some(expected), "{class}: {ledger:?}");
    }
}

fn join(cluster: &Cluster, producer: &Run) -> Run {
    let folder = producer.bundle().unwrap();
    Program::new(cluster, "").args(["verify", "--producer-report", folder.to_str().unwrap()]).run()
}

#[test]
fn joined_with_the_producers_answers_every_event_has_its_class() {
    let cluster = Cluster::shared();
    cluster.create("joined", 3, &[]);
    produce(cluster, "joined", "500", "0123456789abcdef");
    let gate = ["--gate", "service_time.count >= 1", "--lanes", "2", "--gate-off", "generator_healthy"];
    let producer = Program::new(cluster, "joined")
        .args(["synth", "--rate", "4000", "--num-records", "9000", "--no-verify", "--run-id", RUN_ID])
        .args(gate)
        .run();
    assert_eq!(producer.code, 0, "{}", producer.stderr);
    let run = join(cluster, &producer);
    let report = run.report();
    assert_eq!(run.code, 0, "{} {}", run.stderr, run.stdout);
    assert_ledger(&report, &[("verified", 9_000)]);
    assert_eq!((&report["reading"]["joined"], &report["reading"]["from"]), (&RUN_ID.into(), &"run".into()));
    assert!(report["gates"].to_string().contains("service_time.count"), "the producer's gates are judged too");
    assert_eq!(report["findings"]["foreign"], 0, "the reading begins where the run did: {}", report["findings"]);

    let elsewhere: Vec<Copied> = cluster.read_all("joined", 3).into_iter().filter(|r| r.partition != 2).collect();
    cluster.write_again("joined", &elsewhere[600..650]);
    let before: Vec<(i32, i64)> = cluster.read_all("joined", 3).iter().map(|r| (r.partition, r.offset)).collect();
    let first = before.iter().filter(|(partition, _)| *partition == 2).map(|(_, offset)| *offset).min().unwrap();
    cluster.delete("joined", 2, first + 900);
    let present = cluster.read_all("joined", 3);
    let tag = RUN_ID.parse::<RunId>().unwrap().tag();
    let of_run = |record: &&Copied| {
        loadgen::shop::catalogue()
            .unwrap()
            .decode(&record.body)
            .ok()
            .and_then(|event| event.stamp)
            .is_some_and(|s| s.tag == tag)
    };
    let ids: BTreeSet<String> = present
        .iter()
        .filter(of_run)
        .filter_map(|record| Some(loadgen::shop::catalogue().unwrap().decode(&record.body).ok()?.stamp?.to_string()))
        .collect();
    let expired = 9_000 - ids.len() as u64;
    assert!(expired > 100, "{expired}");
    let run = join(cluster, &producer);
    let report = run.report();
    assert_ledger(&report, &[("verified", 9_000 - expired), ("expired", expired)]);
    assert_eq!(run.unverified().len() as u64, expired);
    assert!(
        run.unverified().iter().all(|event| event["partition"] == 2 && event["offset"].as_i64() < Some(first + 900))
    );
    let copies = &report["findings"];
    assert_eq!(copies["duplicates"], copies["duplicates_rewritten"], "{copies}");
    assert_eq!(run.code, 0, "what aged out is no violation: {}", run.stderr);
    println!("9,000 verified; after DeleteRecords {expired} expired, as many as another consumer misses");
}

#[test]
fn a_run_that_still_goes_on_is_read_along_and_joined_when_it_is_over() {
    let cluster = Cluster::shared();
    cluster.create("along", 3, &[]);
    let producer = Program::new(cluster, "along")
        .args(["synth", "--rate", "1500", "--duration", "6s", "--no-verify", "--gate-off", "generator_healthy"])
        .start();
    producer.wait_for_rows(1);
    let folder = producer.bundle().unwrap();
    let reader = Program::new(cluster, "along").args(["verify", "--producer-report", folder.to_str().unwrap()]).start();
    let producer = producer.finish();
    let run = reader.finish();
    let report = run.report();
    assert_eq!((producer.code, run.code), (0, 0), "{} {}", producer.stderr, run.stderr);
    assert_ledger(&report, &[("verified", 9_000)]);
    assert!(report["latency_us"]["end_to_end"]["count"].as_u64() > Some(1_000), "{}", report["latency_us"]);
    println!("9,000 verified by a process that read along");
}

#[test]
fn what_the_cleaner_takes_away_is_compacted_where_the_answers_tell_the_keys() {
    let cluster = Cluster::start_with(&["log.cleaner.backoff.ms=200", "log.initial.task.delay.ms=500"]);
    // The other one becomes compacted when the run is over: its answers tell no keys.
    for (topic, policy) in [("keyed", "compact"), ("keyless", "delete")] {
        let often = [("min.cleanable.dirty.ratio", "0.01"), ("segment.ms", "200")];
        cluster.create(topic, 1, &[&[("cleanup.policy", policy)][..], &often].concat());
    }
    let produced = ["keyed", "keyless"].map(|topic| (topic, produce(&cluster, topic, "6000", RUN_ID)));
    let alter = ["--alter", "--entity-type", "topics", "--entity-name", "keyless"];
    cluster.tool("kafka.admin.ConfigCommand", &[&alter[..], &["--add-config", "cleanup.policy=compact"]].concat());
    for (topic, producer) in produced {
        let mut before = BTreeSet::new();
        wait_until("cleaned log", PATIENCE, || {
            before = sequences(&cluster.read_all(topic, 1));
            before.len() < 5_500
        });
        let run = join(&cluster, &producer);
        let at_last = sequences(&cluster.read_all(topic, 1));
        let (report, missing) = (run.report(), |present: &BTreeSet<u64>| 6_000 - present.len() as u64);
        let (class, code) = if topic == "keyed" { ("compacted", 0) } else { ("unattributed", 4) };
        let count = report["ledger"][class].as_u64().unwrap();
        // The cleaner goes on while they are read.
        assert!((missing(&before)..=missing(&at_last)).contains(&count), "{topic}: {count} {}", report["ledger"]);
        assert_ledger(&report, &[("verified", 6_000 - count), (class, count)]);
        assert_eq!(run.code, code, "{topic}: {} {}", run.stderr, run.stdout);
        let rulings = report["verdict"]["rulings"].to_string();
        assert_eq!(rulings.contains("their keys are not known"), topic == "keyless", "{rulings}");
        println!("{topic}: {count} {class}, another consumer misses {} to {}", missing(&before), missing(&at_last));
    }
}

#[test]
fn what_somebodys_open_transaction_hides_is_neither_passed_over_nor_lost() {
    let cluster = Cluster::shared();
    cluster.create("hidden", 1, &[]);
    produce(cluster, "hidden", "500", "0123456789abcdef");
    let open = cluster.open_transaction("hidden");
    let producer = produce(cluster, "hidden", "2000", RUN_ID);
    let folder = producer.bundle().unwrap();
    let joined = ["verify", "--isolation", "read_committed", "--producer-report", folder.to_str().unwrap()];
    let joining = Program::new(cluster, "").args(joined).start();
    let reading_of = |isolation| {
        let verify = Program::new(cluster, "hidden").args(["verify", "--until-idle", "2s", "--isolation", isolation]);
        verify.args(["--gate", "reading.missing == 0"]).run()
    };
    let run = reading_of("read_committed");
    let report = run.report();
    let read = reading(&report);
    assert_eq!((&read["records"], &read["lag"]), (&500.into(), &2_001.into()), "{read}");
    assert_eq!(read["hidden"], 2_001, "{read}");
    assert_eq!(run.code, 4, "{} {}", run.stderr, run.stdout);
    let words = "2,001 offsets behind an open transaction (last stable offset 500 of high watermark 2,501";
    assert!(report["verdict"].to_string().contains(words), "{}", report["verdict"]);
    assert!(!run.stdout.contains("none missing"), "{}", run.stdout);

    let run = joining.finish();
    let report = run.report();
    assert_ledger(&report, &[("unread", 2_000)]);
    assert_eq!((run.code, &report["findings"]["behind_transaction"]), (4, &2_000.into()), "{}", run.stdout);
    assert!(
        report["verdict"].to_string().contains("(last stable offset 500 of high watermark 2,501"),
        "{}",
        report["verdict"]
    );
    assert!(!run.stdout.contains("--drain-deadline"), "verify has no such option: {}", run.stdout);
    assert!(run.unverified().iter().all(|event| event["reason"] == "behind an open transaction"));

    let run = Program::new(cluster, "").args(["topics", "describe", "hidden"]).run();
    assert!(run.stdout.contains("2,501 records"), "{}", run.stdout);
    assert!(run.stdout.contains("last stable offset 500 of high watermark 2501"), "{}", run.stdout);

    drop(open);
    let run = reading_of("read_uncommitted");
    let report = run.report();
    assert_eq!((&reading(&report)["hidden"], &reading(&report)["records"]), (&0.into(), &2_501.into()));
}

#[test]
fn a_topic_that_is_made_anew_ends_runs_and_readings_and_is_told_by_joins() {
    let cluster = Cluster::shared();
    cluster.create("remade", 1, &[]);
    produce(cluster, "remade", "3000", "0123456789abcdef");
    let committing = ["verify", "--group", "remade", "--commit", "manual", "--commit-interval", "500ms"];
    let service = Program::new(cluster, "remade").args(committing).start();
    let alone = Program::new(cluster, "remade").args(["verify", "--until-idle", "60s"]).start();
    for started in [&service, &alone] {
        started.wait_for_seen(3_000);
    }
    let producer = produce(cluster, "remade", "2000", RUN_ID);
    let sending = Program::new(cluster, "remade")
        .args(["synth", "--rate", "200", "--duration", "120s", "--no-verify", "--gate-off", "generator_healthy"])
        .start();
    sending.wait_for_rows(1);
    cluster.remove("remade");
    cluster.create("remade", 1, &[]);
    for started in [service, alone, sending] {
        let run = started.finish();
        assert_eq!(run.code, 6, "{} {}", run.stderr, run.stdout);
        assert!(run.stdout.contains("topic \"remade\" was deleted and made anew at about"), "{}", run.stdout);
        assert!(!run.stdout.contains("replication factor 1"), "{}", run.stdout);
        assert!(run.report()["environment"]["topics"][0]["made_anew"] == true, "{}", run.report()["environment"]);
    }
    let run = join(cluster, &producer);
    let report = run.report();
    assert_ledger(&report, &[("lost", 2_000)]);
    assert_eq!(run.code, 6, "{} {}", run.stderr, run.stdout);
    assert!(report["verdict"].to_string().contains("the log is younger than the run"), "{}", report["verdict"]);
    assert!(!run.stdout.contains("replication factor 1"), "{}", run.stdout);
}

#[test]
fn what_cannot_be_joined_says_why() {
    let cluster = Cluster::shared();
    cluster.create("odd", 1, &[]);
    let verified = Program::new(cluster, "odd").args(["synth", "--rate", "500", "--num-records", "100"]).run();
    let run = join(cluster, &verified);
    assert_eq!(run.code, 7, "{}", run.stderr);
    assert!(run.stderr.contains("has read its events back"), "{}", run.stderr);

    let producer = produce(cluster, "odd", "300", RUN_ID);
    let (folder, other) = (producer.bundle().unwrap(), produce(cluster, "odd", "300", "b1b2c3d4e5f60718"));
    let answers = |run: &Run| run.bundle().unwrap().join("answers.ndjson.zst");
    let kept = std::fs::read(answers(&producer)).unwrap();
    std::fs::copy(answers(&other), answers(&producer)).unwrap();
    let run = join(cluster, &producer);
    assert_eq!(run.code, 7, "{}", run.stderr);
    assert!(run.stderr.contains("holds the answers of run b1b2c3d4e5f60718"), "{}", run.stderr);
    std::fs::write(answers(&producer), &kept[..kept.len() / 2]).unwrap();
    let run = join(cluster, &producer);
    assert_eq!(run.code, 7, "{}", run.stderr);
    std::fs::remove_file(answers(&producer)).unwrap();
    let run = join(cluster, &producer);
    assert!(run.code == 7 && run.stderr.contains("has no answers.ndjson.zst"), "{}", run.stderr);
    std::fs::write(folder.join("report.json"), "{").unwrap();
    let run = join(cluster, &producer);
    assert!(run.code == 7 && run.stderr.contains("is not a report of a run"), "{}", run.stderr);
    let run = Program::new(cluster, "odd").args(["verify", "--producer-report", "nowhere"]).run();
    assert!(run.code == 7 && run.stderr.contains("nowhere is no folder of a run"), "{}", run.stderr);
}
