//! A capacity that is known beforehand: a broker that lets a client write so many bytes a second.

use serde_json::Value;

use crate::cluster::Cluster;
use crate::program::Program;

/// What the client may write, in bytes a second.
const QUOTA: f64 = 1_000_000.0;

/// The broker measures the client's rate over quota.window.num samples of a second, 11 unless told, and holds answers back so
/// that the mean over that time comes down to the quota: before a window has passed, any rate looks sustained, and a probe must
/// be longer than a window. Two samples let a search end within a test's time.
#[test]
fn a_client_quota_is_found_as_the_limit() {
    let cluster = Cluster::start_with(&["quota.window.num=2", "quota.window.size.seconds=1"]);
    let quota = format!("producer_byte_rate={QUOTA}");
    let of_client = ["--entity-type", "clients", "--entity-name", "limited"];
    cluster.tool("kafka.admin.ConfigCommand", &[&["--alter", "--add-config", &quota][..], &of_client].concat());

    // No compression, and batches that make little of their headers: bytes a message are the same at every rate.
    let client = ["-X", "client.id=limited", "--compression", "none", "--linger", "20ms"];
    let search = ["capacity", "--start", "3000/s", "--max", "6000/s", "--precision", "4.8%", "--max-time", "500s"];
    let probes = ["--settle", "3s", "--probe", "8s", "--partitions", "1", "--create-topics", "-o", "json"];
    // Other tests share this machine: that its threads wake late has nothing to do with what the broker takes.
    let healthy = ["--gate-off", "generator_healthy", "--no-progress"];
    let run = Program::new(&cluster, "limited").args(search).args(client).args(healthy).args(probes).run();
    assert!(!run.stdout.is_empty(), "{}", run.stderr);
    let record: Value = serde_json::from_str(&run.stdout).unwrap();
    let found = &record["searches"][0];
    let probes = found["probes"].as_array().unwrap();
    for probe in probes {
        println!("{:>6}/s {} {}", probe["rate"], probe["verdict"], probe["reasons"]);
    }
    assert_eq!((run.code, &found["answer"]), (0, &"system_limit".into()), "{found:#}");

    let wire = Program::new(&cluster, "measured").args(["synth", "--rate", "3500/s", "--duration", "3s"]);
    let report = wire.args(client).args(["--partitions", "1", "--create-topics"]).run().report();
    let mean = |figure: &str| report["client"][figure]["mean"].as_f64().unwrap();
    let limit = QUOTA / (mean("batch_bytes") / mean("batch_messages"));
    let (low, high) = (found["low"]["rate"].as_f64().unwrap(), found["high"]["rate"].as_f64().unwrap());
    println!("quota {limit:.0}/s, found {low} … {high}/s with {} probes in {}", probes.len(), found["took_s"]);
    assert!(low <= limit && limit <= high, "{low} … {high} does not hold {limit}");
    assert!(high / low <= 1.1, "{low} … {high} is more than 10 % wide");
    let why = found["high"]["reasons"].to_string();
    assert!(why.contains("backlog_growing"), "what gave out first is told: {why}");
}
