//! Record headers, as loadgen's client writes and reads them, judged by another client.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use loadgen::clock::{Clock, Monotonic, Nanos};
use loadgen::kafka::headers::{Header, Headers};
use loadgen::kafka::native::{Consumer, Message, Producer};
use loadgen::kafka::{Delivered, Settings};

use crate::PATIENCE;
use crate::cluster::Cluster;

const JUDGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/judge-formats");

/// The headers of each record, as lines of JSON: binary, empty and missing values, a name twice, and no headers at all.
const LINES: &str = r#"[["b", "00ff"], ["a", null], ["b", ""], ["\u00fc", "32"]]
[]
[["trace", "0102030405060708090a0b0c0d0e0f10"]]
"#;

type Told = Vec<(String, Option<String>)>;

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from_digit(digit.into(), 16).unwrap())
        .collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn told(headers: Headers<'_>) -> Told {
    headers.iter().map(|Header { name, value }| (String::from_utf8(name.to_vec()).unwrap(), value.map(hex))).collect()
}

#[test]
fn another_client_reads_the_headers_that_are_written_and_its_own_are_read() {
    let cluster = Cluster::shared();
    let judge = |command: &str, topic: &str| {
        let mut judge = Command::new(JUDGE);
        judge.args([command, cluster.address(), topic]);
        judge
    };
    for topic in ["headers-written", "headers-read"] {
        cluster.create(topic, 1, &[]);
    }
    let settings: Settings = [("bootstrap.servers", cluster.address()), ("group.id", "headers")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let lines: Vec<Told> = LINES.lines().map(|line| serde_json::from_str(line).unwrap()).collect();

    let mut producer = Producer::new(&settings, "headers-written").unwrap();
    let packed: Vec<Vec<u8>> = lines
        .iter()
        .map(|headers| {
            let mut packed = Vec::new();
            for (name, value) in headers {
                let value = value.as_deref().map(bytes);
                Header { name: name.as_bytes(), value: value.as_deref() }.pack(&mut packed);
            }
            packed
        })
        .collect();
    let messages = packed.iter().map(|packed| Message {
        topic: 0,
        partition: Some(0),
        key: Some(b"k"),
        body: Some(b"v"),
        headers: Headers::packed(packed),
        create_ms: None,
        ticket: 0,
    });
    assert_eq!(producer.produce(messages, |at, code| panic!("{at}: {code}")).done, lines.len());
    let mut acked = 0;
    while acked < lines.len() {
        producer.serve(Duration::from_millis(20), |_| acked += 1, |_| {});
    }
    let output = judge("headers", "headers-written:0").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), LINES, "{}", String::from_utf8_lossy(&output.stderr));

    let mut writer = judge("write-headers", "headers-read").stdin(Stdio::piped()).spawn().unwrap();
    writer.stdin.take().unwrap().write_all(LINES.as_bytes()).unwrap();
    assert!(writer.wait().unwrap().success());
    let mut consumer = Consumer::new(&settings).unwrap();
    consumer.assign("headers-read", [(0, 0)].into_iter()).unwrap();
    let (mut read, clock): (Vec<Told>, _) = (Vec::new(), Monotonic::start());
    while read.len() < lines.len() {
        assert!(clock.now() < Nanos::from(PATIENCE), "{read:?}");
        consumer.take(100, |delivered| {
            let Delivered::Record(record) = delivered else { return };
            read.push(told(record.headers));
        });
        consumer.wait(Duration::from_millis(20)).unwrap();
    }
    assert_eq!(read, lines);
}
