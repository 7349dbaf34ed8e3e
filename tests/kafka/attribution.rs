//! What becomes of acked events that nobody saw: a reader that stops, or skips, and a log that changes behind its back.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod held;

use crate::PATIENCE;
use std::collections::BTreeSet;
use std::time::Duration;

use crate::at_work::wait_until;
use crate::cluster::{Cluster, Copied};
use held::{HELD, Held};
use loadgen::gate::{Allowances, Integrity};
use loadgen::ledger::Class;
use loadgen::report::{Ruling, RulingKind};
use loadgen::run::Outcome;
use loadgen::settings::membership::{Group, Membership};

/// The sequences of lane 0 that records carry.
fn sequences(records: &[Copied]) -> BTreeSet<u64> {
    let stamps =
        records.iter().filter_map(|record| loadgen::shop::catalogue().unwrap().decode(&record.body).ok()?.stamp);
    stamps.map(|stamp| stamp.sequence).collect()
}

/// The sequences of the events of a class.
fn of_class(outcome: &Outcome, class: Class) -> BTreeSet<u64> {
    outcome.unverified.iter().filter(|event| event.class == class).map(|event| event.sequence).collect()
}

/// How a class is judged.
fn ruling(outcome: &Outcome, class: &str) -> Ruling {
    let integrity = Integrity::of(&outcome.report, &Allowances::of(&outcome.report));
    let mut rulings = integrity.rulings();
    rulings.find(|ruling| ruling.finding == class).unwrap()
}

#[test]
fn deleted_records_that_nobody_had_read_are_expired_to_the_number() {
    let cluster = Cluster::shared();
    let eager = group("classic", "range");
    let cooperative = group("classic", "cooperative-sticky");
    let divided_by_the_cluster = group("consumer", "uniform");
    for (topic, group) in [
        ("assigned", None),
        ("eager", Some(eager)),
        ("cooperative", Some(cooperative)),
        ("divided-by-the-cluster", Some(divided_by_the_cluster)),
    ] {
        cluster.create(topic, 1, &[]);
        let (read, deleted) = (1_000, 3_500);
        let held = Held { topic, group, read, ..HELD };
        let outcome = held.run(cluster, || cluster.delete(topic, 0, deleted));
        let ledger = outcome.report.ledger;
        let expired = u64::try_from(deleted).unwrap() - read;
        assert_eq!(
            (ledger.scheduled, ledger.expired, ledger.verified),
            (6_000, expired, 6_000 - expired),
            "{topic}: {ledger:?}"
        );
        let offsets: BTreeSet<i64> = outcome.unverified.iter().map(|event| event.offset.unwrap()).collect();
        let unread = i64::try_from(read).unwrap()..deleted;
        assert!(offsets.iter().copied().eq(unread), "{topic}: {:?} .. {:?}", offsets.first(), offsets.last());
        println!("{topic}: deleted {deleted} records of which {read} had been read: {expired} expired");
    }
}

fn group(protocol: &str, assignor: &str) -> Group {
    Group {
        name: format!("held-{assignor}"),
        membership: Membership {
            group_protocol: protocol.parse().unwrap(),
            assignor: Some(assignor.to_owned()),
            commit_interval: Duration::from_secs(1),
            ..Membership::default()
        },
        chaos_rebalance: None,
    }
}

#[test]
fn what_a_topic_keeps_too_briefly_is_expired_and_its_setting_named() {
    let cluster = Cluster::start_with(&["log.retention.check.interval.ms=500", "log.initial.task.delay.ms=500"]);
    cluster.create("brief", 1, &[("retention.ms", "4000"), ("segment.ms", "1000")]);
    let held = Held { topic: "brief", read: 1_000, ..HELD };
    let outcome = held.run(&cluster, || cluster.wait_until_log_starts_at("brief", 6_000));
    let ledger = outcome.report.ledger;
    assert_eq!((ledger.scheduled, ledger.verified, ledger.expired), (6_000, 1_000, 5_000), "{ledger:?}");
    let ruling = ruling(&outcome, "expired");
    assert_eq!(ruling.ruling, RulingKind::Expected);
    assert!(ruling.rule.contains("retention.ms=4000"), "{}", ruling.rule);
    println!("retention of 4 s: 5,000 of 6,000 expired, {}", ruling.rule);
}

#[test]
fn what_the_cleaner_takes_away_before_it_is_read_is_compacted() {
    let cluster = Cluster::start_with(&["log.cleaner.backoff.ms=200", "log.initial.task.delay.ms=500"]);
    let often = [("min.cleanable.dirty.ratio", "0.01"), ("segment.ms", "200")];
    cluster.create("compacted", 1, &[&[("cleanup.policy", "compact")][..], &often].concat());
    let mut before = BTreeSet::new();
    let held = Held { topic: "compacted", read: 1_000, ..HELD };
    let outcome = held.run(&cluster, || {
        wait_until("cleaned log", PATIENCE, || {
            before = sequences(&cluster.read_all("compacted", 1));
            before.len() < 5_500
        });
    });
    let after = sequences(&cluster.read_all("compacted", 1));
    let unread = 1_000..6_000_u64;
    let missing = |present: &BTreeSet<u64>| -> BTreeSet<u64> {
        unread.clone().filter(|sequence| !present.contains(sequence)).collect()
    };
    let compacted = of_class(&outcome, Class::Compacted);
    // The cleaner goes on while the run reads on.
    assert!(missing(&before).is_subset(&compacted), "{:?}", outcome.report.ledger);
    assert!(compacted.is_subset(&missing(&after)), "{:?}", outcome.report.ledger);
    let ledger = outcome.report.ledger;
    assert_eq!(ledger.verified + ledger.compacted, ledger.scheduled, "{ledger:?}");
    assert_eq!(ruling(&outcome, "compacted").ruling, RulingKind::Expected);
    println!("compacted before they were read: {}, another reader misses {}", compacted.len(), missing(&after).len());
}

#[test]
fn a_reader_that_stops_leaves_events_unread_and_none_lost() {
    let cluster = Cluster::shared();
    cluster.create("stopped", 1, &[]);
    let drain_deadline = Duration::from_secs(3);
    let held = Held { topic: "stopped", read: 1_000, lets_go: false, drain_deadline, ..HELD };
    let outcome = held.run(cluster, || {});
    let ledger = outcome.report.ledger;
    assert_eq!((ledger.scheduled, ledger.verified, ledger.unread), (6_000, 1_000, 5_000), "{ledger:?}");
    assert_eq!(ruling(&outcome, "unread").ruling, RulingKind::Undecided);
}

#[test]
fn what_a_reader_skips_is_undelivered_however_much_it_is() {
    let cluster = Cluster::shared();
    cluster.create("skipped", 1, &[]);
    let held = Held { topic: "skipped", events: 30_000, read: 30_000, rate: 10_000, skips: 5_000..25_000, ..HELD };
    let outcome = held.run(cluster, || {});
    let ledger = outcome.report.ledger;
    assert_eq!((ledger.scheduled, ledger.verified, ledger.undelivered), (30_000, 10_000, 20_000), "{ledger:?}");
    assert_eq!(ruling(&outcome, "undelivered").ruling, RulingKind::Violation);
}

#[test]
fn what_a_leader_has_confirmed_alone_is_not_lost_while_its_followers_only_lag() {
    let cluster = Cluster::of(3, &[]);
    let class = "org.apache.kafka.tools.TopicCommand";
    cluster.tool(class, &["--create", "--topic", "lagging", "--replica-assignment", "1:2:3"]);
    let held = Held { topic: "lagging", read: 1_000, acks: "1", drain_deadline: Duration::from_secs(2), ..HELD };
    let outcome = held.run_with(
        &cluster,
        |acked| acked >= 1_000,
        || ["2", "3"].into_iter().for_each(|follower| cluster.command(&["pause", follower])),
    );
    let ledger = outcome.report.ledger;
    for follower in ["2", "3"] {
        cluster.command(&["resume", follower]);
    }
    assert_eq!((ledger.lost, ledger.corrupt, ledger.undelivered, ledger.unattributed), (0, 0, 0, 0), "{ledger:?}");
    assert_eq!(ledger.verified + ledger.unread, 6_000, "{ledger:?}");
    assert_eq!(outcome.report.findings.not_replicated, ledger.unread, "{:?}", outcome.report.findings);
    if ledger.unread > 0 {
        let ruling = ruling(&outcome, "unread");
        assert_eq!(ruling.ruling, RulingKind::Undecided);
        assert!(ruling.rule.starts_with("not replicated yet"), "{}", ruling.rule);
    }
    wait_until("log that is replicated", PATIENCE, || sequences(&cluster.read_all("lagging", 1)).len() == 6_000);
    println!("followers stopped: {} verified, {} not replicated yet, none lost", ledger.verified, ledger.unread);
}

#[test]
fn what_a_dead_leader_alone_had_is_lost_also_past_the_readers_position() {
    let settings =
        ["broker.session.timeout.ms=3000", "broker.heartbeat.interval.ms=500", "replica.lag.time.max.ms=2000"];
    let cluster = Cluster::of(3, &settings);
    let unclean = ["--config", "min.insync.replicas=1", "--config", "unclean.leader.election.enable=true"];
    let create = ["--create", "--topic", "alone", "--replica-assignment", "1:2:3"];
    cluster.tool("org.apache.kafka.tools.TopicCommand", &[&create[..], &unclean].concat());
    for follower in ["2", "3"] {
        cluster.command(&["pause", follower]);
    }
    cluster.wait_until_in_sync("alone", &[1]);
    let held = Held { topic: "alone", read: 1_000, acks: "1", drain_deadline: Duration::from_secs(120), ..HELD };
    let outcome = held.run(&cluster, || {
        cluster.command(&["kill", "1"]);
        for follower in ["2", "3"] {
            cluster.command(&["resume", follower]);
        }
        cluster.wait_until_led_by("alone", &[2, 3]);
    });
    let present = sequences(&cluster.read_all("alone", 1));
    let missing: BTreeSet<u64> = (0..6_000).filter(|sequence| !present.contains(sequence)).collect();
    assert_eq!(of_class(&outcome, Class::Lost), missing, "{:?}", outcome.report.ledger);
    assert_eq!(outcome.report.ledger.lost, 6_000, "the followers had nothing: {:?}", outcome.report.ledger);
    assert_eq!(outcome.report.findings.seen_then_gone, 1_000, "{:?}", outcome.report.findings);
    println!("lost with the leader: 6,000, 1,000 of them read before, 5,000 past the reader's position");
}
