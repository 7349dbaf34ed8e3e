//! A thousand shards: what they hand in is made of what one real one left behind, and comes out of a real topic.

use std::fs;
use std::path::Path;

use loadgen::fleet::parcel::{CHUNK, Parcel, pack};
use loadgen::fleet::record::{Announcement, End, Progress, Ready, Record, Who};
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::{Value, json};

use crate::PATIENCE;
use crate::at_work::wait_until;
use crate::cluster::Cluster;
use crate::program::{Program, Run};

const SHARDS: u16 = 1_000;
const RUN: &str = "0000000000000b16";
const EVENTS: u64 = 200;

/// One part of so many, without a fleet, which leaves its bundle behind.
fn template(topic: &str) -> Run {
    Program::new(Cluster::shared(), topic)
        .args(["synth", "--create-topics", "--partitions", "3", "--gate-off", "generator_healthy"])
        .args(["--run-id", RUN, "--shard", "1/1000", "--num-records", "200000", "--rate", "10000/s"])
        .run()
}

fn who(shard: u16) -> Who {
    Who { run: RUN.to_owned(), shard, of: SHARDS, attempt: 1, host: format!("host-{shard}"), pid: 7 }
}

/// What a shard of that many tells of all of them, itself among them. Its number stands in for itself.
fn fleet() -> Value {
    let shards = (1..=SHARDS).map(|number| {
        json!({
            "number": number, "state": "ended", "host": format!("host-{number}"), "attempt": 1, "planned": EVENTS, "scheduled": EVENTS,
            "sent": EVENTS, "acked": EVENTS, "seen": EVENTS, "exit_code": 0, "deviations": [],
        })
    });
    json!({
        "topic": "fleet-many-fleet", "shard": "SHARD", "of": SHARDS, "started_at": "2026-01-01T00:00:00Z",
        "shards": shards.collect::<Vec<_>>(), "readers": [],
    })
}

/// Writes what the shards said and handed in, the one beside the other.
fn hand_in(topic: &str, bundle: &Path) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", Cluster::shared().address())
        .set("enable.idempotence", "true")
        .create()
        .unwrap();
    let say = |key: &str, body: &[u8]| {
        let mut record = BaseRecord::to(topic).key(key).payload(body);
        while let Err((error, again)) = producer.send(record) {
            assert_eq!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull));
            producer.poll(std::time::Duration::from_millis(100));
            record = again;
        }
    };
    let tell = |record: &Record| say(&record.key(), &serde_json::to_vec(record).unwrap());
    let folder = tempfile::tempdir().unwrap();
    for file in ["timeline.ndjson", "latency.hlog", "scenario.toml"] {
        fs::copy(bundle.join(file), folder.path().join(file)).unwrap();
    }
    let mut report: Value = serde_json::from_slice(&fs::read(bundle.join("report.json")).unwrap()).unwrap();
    (report["run"]["lane_numbers"], report["fleet"]) = (json!(["LANE"]), fleet());
    let report = report.to_string();
    for shard in 1..=SHARDS {
        let record = |said: Announcement| Record { who: who(shard), said };
        tell(&record(Announcement::Entered));
        tell(&record(Announcement::Ready(Ready { planned: Some(EVENTS), ..Ready::default() })));
    }
    for shard in 1..=SHARDS {
        let report =
            report.replacen("\"LANE\"", &(shard - 1).to_string(), 1).replacen("\"SHARD\"", &shard.to_string(), 1);
        fs::write(folder.path().join("report.json"), report).unwrap();
        let packed = pack(folder.path()).unwrap();
        let progress = Progress { scheduled: EVENTS, sent: EVENTS, acked: EVENTS, seen: EVENTS, ..Progress::default() };
        tell(&Record { who: who(shard), said: Announcement::Ended(End { progress, ..End::default() }) });
        for (index, chunk) in (0..).zip(packed.chunks(CHUNK)) {
            say(&Record::chunk_key(&who(shard), index), chunk);
        }
        tell(&Record { who: who(shard), said: Announcement::HandedIn(Parcel::of(&packed)) });
    }
    producer.flush(PATIENCE).unwrap();
}

/// The most memory that a process has had so far, in KiB.
fn peak_kib(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?.parse().ok()
}

#[test]
fn a_thousand_shards_come_out_of_their_topic_as_one_run_in_bounded_memory() {
    let topic = "fleet-many";
    let one = template(topic);
    assert_eq!(one.code, 0, "{}", one.stderr);
    let made: Value = one.report();
    assert_eq!(made["ledger"]["verified"], EVENTS, "{}", made["ledger"]);
    let kept = [("cleanup.policy", "compact,delete"), ("message.timestamp.type", "LogAppendTime")];
    Cluster::shared().create("fleet-many-fleet", 1, &kept);
    hand_in("fleet-many-fleet", &one.bundle().unwrap());
    let words = ["merge", "--from-topic", RUN, "--fleet-topic", "fleet-many-fleet", "--out", "results/whole"];
    let merge = Program::new(Cluster::shared(), "").args_of(&words).start();
    let mut most = 0;
    wait_until("end of the merge", PATIENCE, || {
        most = peak_kib(merge.id()).unwrap_or(most).max(most);
        merge.has_ended()
    });
    let merged = merge.finish();
    assert_eq!(merged.code, 0, "{}", merged.stderr);
    let whole = merged.report();
    let all = EVENTS * u64::from(SHARDS);
    assert_eq!((&whole["ledger"]["scheduled"], &whole["ledger"]["verified"]), (&all.into(), &all.into()));
    for kind in ["response_time", "end_to_end", "slip"] {
        let (of_one, of_all) = (&made["latency_us"][kind], &whole["latency_us"][kind]);
        assert_eq!(of_all["count"], all, "{kind}");
        assert_eq!((&of_all["max"], &of_all["p50"]), (&of_one["max"], &of_one["p50"]), "{kind}");
    }
    assert_eq!(whole["fleet"]["shards"].as_array().unwrap().len(), usize::from(SHARDS));
    assert!((10_000..200_000).contains(&most), "{most} KiB");
}
