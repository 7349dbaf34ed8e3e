//! Load shapes as Kafka keeps them: a consumer that knows nothing of loadgen counts the records of each second by `CreateTime`.

use std::f64::consts::TAU;
use std::time::Duration;

use loadgen::clock::{Clock, Monotonic, Nanos};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Message};

use crate::PATIENCE;
use crate::cluster::Cluster;
use crate::program::Program;

/// When each record was created, in ms since the Unix epoch. None was before the due time that its id says.
fn created(cluster: &Cluster, topic: &str, count: u64) -> Vec<i64> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", cluster.address())
        .set("group.id", format!("independent-of-{topic}"))
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    consumer.subscribe(&[topic]).unwrap();
    let clock = Monotonic::start();
    let mut times = Vec::new();
    while (times.len() as u64) < count {
        assert!(clock.now() < Nanos::from(PATIENCE), "only {} of {count} records", times.len());
        let Some(message) = consumer.poll(Duration::from_secs(1)) else { continue };
        let message = message.unwrap();
        let (created_ms, due_ms) = (message.timestamp().to_millis().unwrap(), due_ms(message.payload().unwrap()));
        assert!(created_ms >= due_ms, "{topic}: created {} ms before it was due", due_ms - created_ms);
        times.push(created_ms);
    }
    times
}

/// The time in the event's id, a UUID of version 7: its first 48 bits are Unix ms.
fn due_ms(body: &[u8]) -> i64 {
    let event: serde_json::Value = serde_json::from_slice(body).unwrap();
    let hexadecimal: String = event["event_id"].as_str().unwrap().chars().filter(|c| *c != '-').take(12).collect();
    i64::from_str_radix(&hexadecimal, 16).unwrap()
}

/// Runs a phase and holds each of its seconds against `due_before`, the integral of its rate.
#[expect(clippy::print_stdout, reason = "figures for who reads along")]
fn follows(cluster: &Cluster, name: &str, phase: &str, seconds: u32, due_before: impl Fn(f64) -> f64) {
    let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    let scenario =
        format!("name = \"{name}\"\n[source]\nkind = \"synthetic\"\n[[phase]]\nduration = \"{seconds}s\"\n{phase}\n");
    std::fs::write(file.path(), scenario).unwrap();
    let path = file.path().to_str().unwrap();
    // Judged is the shape: on a busy machine late events are no surprise, and their slip widens the bounds below.
    let run =
        Program::new(cluster, name).args(["run", path, "--create-topics", "--gate-off", "generator_healthy"]).run();
    let report = run.report();
    let scheduled = report["ledger"]["scheduled"].as_u64().unwrap();
    assert_eq!(report["ledger"]["verified"].as_u64(), Some(scheduled), "{}", report["ledger"]);
    assert!(report["latency_us"]["end_to_end"]["min"].as_u64() > Some(0), "{name}: {}", report["latency_us"]);
    let whole = due_before(seconds.into());
    assert!((as_f64(scheduled) - whole).abs() <= 2.0, "{name}: {scheduled} events, {whole} planned");

    let started: jiff::Timestamp = report["run"]["started_at"].as_str().unwrap().parse().unwrap();
    // Sent is due + slip; CreateTime counts whole ms, and so does the start.
    let slip_s = report["latency_us"]["slip"]["max"].as_f64().unwrap() / 1e6 + 0.002;
    let times = created(cluster, name, scheduled);
    let mut widest = 0.0_f64;
    for second in 0..seconds {
        let (from_s, to_s) = (f64::from(second), f64::from(second + 1));
        let start_ms = started.as_millisecond() + i64::from(second) * 1000;
        let measured = times.iter().filter(|time| (start_ms..start_ms + 1000).contains(*time)).count();
        let due = |s: f64| due_before(s.clamp(0.0, seconds.into()));
        let planned = due(to_s) - due(from_s);
        // What was due up to a slip before an edge may lie on its other side.
        let moved = (due(from_s) - due(from_s - slip_s)).max(due(to_s) - due(to_s - slip_s));
        let bound = planned * 0.01 + 2.0 + moved;
        let off = (as_f64(measured as u64) - planned).abs();
        widest = widest.max(off / planned);
        assert!(off <= bound, "{name}, second {second}: {measured} of {planned:.0}, bound {bound:.0}, slip {slip_s} s");
    }
    println!("{name}: {scheduled} events, no second more than {:.3} % off, slip at most {slip_s} s", widest * 100.0);
}

#[expect(clippy::cast_precision_loss, reason = "counts of a short run")]
fn as_f64(count: u64) -> f64 {
    count as f64
}

#[test]
fn kafka_holds_the_rate_of_each_second_as_the_shape_planned_it() {
    let cluster = Cluster::shared();
    let ramp = "schedule = \"ramp\"\nfrom = \"1000/s\"\nto = \"21000/s\"";
    follows(cluster, "ramp", ramp, 5, |t| 1_000.0 * t + 2_000.0 * t * t);
    let sine = "schedule = \"sine\"\nmean = \"10000/s\"\namplitude = \"8000/s\"\nperiod = \"4s\"";
    follows(cluster, "sine", sine, 6, |t| 10_000.0 * t + 8_000.0 * 4.0 / TAU * (1.0 - (TAU * t / 4.0).cos()));
    let steps = "schedule = \"steps\"\nrates = [\"5000/s\", \"20000/s\", \"50000/s\"]\neach = \"2s\"";
    follows(cluster, "steps", steps, 6, |t| {
        5_000.0 * t.min(2.0) + 20_000.0 * (t - 2.0).clamp(0.0, 2.0) + 50_000.0 * (t - 4.0).max(0.0)
    });
}
