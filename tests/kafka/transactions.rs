//! Transactions on three real brokers: what loadgen says of them is compared with what Kafka's own console consumer reads.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use crate::cluster::Cluster;
use crate::program::Program;
use serde_json::Value;

const SHORT_SESSION: [&str; 2] = ["broker.session.timeout.ms=3000", "broker.heartbeat.interval.ms=500"];

fn of(report: &Value, class: &str) -> u64 {
    report["ledger"][class].as_u64().unwrap()
}

/// 30 % of the transactions are aborted; `isolation` is the verifier's.
fn program(cluster: &Cluster, topic: &str, isolation: &str, duration: &str) -> Program {
    Program::new(cluster, topic)
        .args([
            "synth",
            "--rate",
            "1000",
            "--duration",
            duration,
            "--create-topics",
            "--partitions",
            "6",
            "--lanes",
            "2",
        ])
        .args(["--replication-factor", "3", "--transactional", "--txn-size", "50", "--txn-abort-rate", "0.3"])
        .args(["--isolation", isolation, "--drain-deadline", "60s"])
}

#[test]
fn aborted_events_are_hidden_from_readers_of_committed_records_and_from_no_others() {
    let cluster = Cluster::of(3, &SHORT_SESSION);
    for isolation in ["read_committed", "read_uncommitted"] {
        let run = program(&cluster, isolation, isolation, "6s").start().finish();
        let report = run.report();
        let (verified, aborted, aborted_seen) =
            (of(&report, "verified"), of(&report, "aborted"), of(&report, "aborted_seen"));
        let in_aborted = aborted + aborted_seen;
        assert_eq!(verified + in_aborted, 6_000, "{} {}", report["ledger"], run.stderr);
        assert!(in_aborted > 1_000 && in_aborted < 2_500, "about 30 %: {in_aborted}");
        let transactions = &report["transactions"];
        assert_eq!((&transactions["failed"], &transactions["unknown"]), (&0.into(), &0.into()), "{transactions}");
        for finding in ["duplicates", "reordered", "invalid", "foreign"] {
            assert_eq!(report["findings"][finding], 0, "{finding}: {}", report["findings"]);
        }
        assert_eq!(report["latency_us"]["commit_time"]["count"], verified, "{}", report["latency_us"]["commit_time"]);
        let committed = cluster.console_consumer_counts(isolation, "read_committed", verified);
        let all = cluster.console_consumer_counts(isolation, "read_uncommitted", 6_000);
        assert_eq!((committed, all), (verified, 6_000), "as Kafka's own consumer counts");
        let notes = report["verdict"]["notes"].to_string();
        if isolation == "read_committed" {
            assert_eq!(aborted_seen, 0, "{}", report["ledger"]);
            assert!(notes.contains("that is what aborting is for"), "{notes}");
        } else {
            assert_eq!(aborted, 0, "{}", report["ledger"]);
            assert!(notes.contains("allowed: isolation.level=read_uncommitted"), "{notes}");
        }
        assert!([0, 5].contains(&run.code), "{} {}", run.code, run.stderr);
        println!(
            "{isolation}: {verified} of 6,000 committed and verified, {aborted} aborted and hidden, {aborted_seen} aborted and \
             seen; the console consumer counts {committed} committed, {all} in all; commit call p50 {} us, commit_time p99 {} us",
            report["latency_us"]["commit_call"]["p50"], report["latency_us"]["commit_time"]["p99"],
        );
    }
}

#[test]
fn a_broker_killed_under_transactions_costs_no_committed_event_and_shows_no_aborted_one() {
    let cluster = Cluster::of(3, &SHORT_SESSION);
    let started = program(&cluster, "killed", "read_committed", "16s").start();
    started.wait_for_rows(3);
    cluster.command(&["kill", "2"]);
    cluster.command(&["start", "2"]);
    let run = started.finish();
    let report = run.report();
    let ledger = &report["ledger"];
    for class in ["lost", "aborted_seen", "corrupt", "undelivered", "contradicted", "unread", "unattributed", "refused"]
    {
        assert_eq!(of(&report, class), 0, "{class}: {ledger}");
    }
    let known = of(&report, "verified") + of(&report, "aborted");
    let unknown = of(&report, "unknown_seen") + of(&report, "unknown_unseen");
    assert_eq!(known + unknown + of(&report, "not_attempted"), of(&report, "scheduled"), "{ledger}");
    let seen = of(&report, "verified") + of(&report, "unknown_seen");
    let committed = cluster.console_consumer_counts("killed", "read_committed", seen);
    assert_eq!(committed, seen, "as Kafka's own consumer counts: {ledger}");
    println!(
        "a broker killed under transactions: {} verified, {} aborted, {unknown} of unknown transactions; {}",
        report["ledger"]["verified"], report["ledger"]["aborted"], report["transactions"],
    );
}

#[test]
fn joined_in_another_process_every_event_has_the_class_of_its_transaction() {
    let cluster = Cluster::shared();
    let producer = Program::new(cluster, "elsewhere")
        .args(["synth", "--rate", "2000", "--duration", "4s", "--create-topics", "--partitions", "3", "--lanes", "2"])
        .args(["--transactional", "--txn-size", "50", "--txn-abort-rate", "0.3", "--no-verify"])
        .args(["--gate-off", "generator_healthy"])
        .run();
    let before = producer.report();
    let (committed, aborted) = (of(&before, "unverified"), of(&before, "aborted"));
    assert_eq!(committed + aborted, 8_000, "{} {}", before["ledger"], producer.stderr);
    assert!(aborted > 1_500 && aborted < 3_300, "about 30 %: {aborted}");
    let folder = producer.bundle().unwrap();
    for (asked, isolation) in [(None, "read_committed"), (Some("read_uncommitted"), "read_uncommitted")] {
        let mut joining = Program::new(cluster, "").args(["verify", "--producer-report", folder.to_str().unwrap()]);
        if let Some(isolation) = asked {
            joining = joining.args(["--isolation", isolation]);
        }
        let run = joining.run();
        let report = run.report();
        assert_eq!(run.code, 0, "{isolation}: {} {}", run.stderr, run.stdout);
        assert_eq!(of(&report, "verified"), committed, "{}", report["ledger"]);
        assert_eq!(of(&report, "scheduled"), 8_000, "{}", report["ledger"]);
        let (hidden, seen) = if asked.is_none() { (aborted, 0) } else { (0, aborted) };
        assert_eq!((of(&report, "aborted"), of(&report, "aborted_seen")), (hidden, seen), "{}", report["ledger"]);
        let counted = cluster.console_consumer_counts("elsewhere", isolation, committed + seen);
        assert_eq!(counted, committed + seen, "as Kafka's own consumer counts under {isolation}");
        let allowed = report["verdict"]["notes"].to_string().contains("allowed: isolation.level=read_uncommitted");
        assert_eq!(allowed, asked.is_some(), "{}", report["verdict"]);
        println!(
            "{isolation}: {committed} verified, {hidden} aborted and hidden, {seen} aborted and seen, allowed: {allowed}"
        );
    }
}
