//! `loadgen collect`, asked over HTTP as clients of all kinds do.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod clients;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::at_work::{AtWork, wait_until};
use loadgen::kafka::embedded::Embedded;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The longest wait for anything here.
const PATIENCE: Duration = Duration::from_secs(60);

/// A collector at work.
struct Collector {
    program: AtWork,
    address: String,
    folder: TempDir,
}

/// An answer: its status, its head, and its body.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Collector {
    /// One that listens, and may not have begun.
    fn listening(args: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let said = folder.path().join("stderr");
        let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
        command.args(["collect", "--output", "json"]).args(args);
        if !args.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        command.env_clear().current_dir(&folder).stdin(Stdio::null()).stdout(Stdio::piped());
        let program = AtWork::start(command.stderr(File::create(&said).unwrap()));
        let mut address = String::new();
        program.wait_for("address", PATIENCE, || {
            let said = fs::read_to_string(&said).unwrap();
            let told = said.split_once("://").and_then(|(_, rest)| rest.split_once(' '));
            address = told.map(|(address, _)| address.to_owned()).unwrap_or_default();
            !address.is_empty()
        });
        Self { program, address, folder }
    }

    fn start(args: &[&str]) -> Self {
        let collector = Self::listening(args);
        collector.program.wait_for("begin of the run", PATIENCE, || collector.get("/healthz").status == 200);
        collector
    }

    /// Sends these bytes, as far as they are taken.
    fn send(&self, request: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // Who is cut off cannot send the rest.
        drop(stream.write_all(request));
        stream
    }

    /// What comes back for these bytes, up to the end of the connection.
    fn raw(&self, request: &[u8]) -> String {
        read(self.send(request))
    }

    fn ask(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Answer {
        Answer::of(&self.raw(&self.request(method, path, headers, body)))
    }

    fn request(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
        let length = format!("Content-Length: {}\r\n\r\n", body.len());
        let headers: Vec<u8> = headers.iter().flat_map(|header| [header.as_bytes(), b"\r\n"].concat()).collect();
        let first = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        [first.as_bytes(), &headers, length.as_bytes(), body].concat()
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"")
    }

    fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Answer {
        self.ask("POST", path, &["Content-Type: application/json"], body.as_ref())
    }

    /// Ctrl-C, and the report.
    fn end(self) -> (i32, Value) {
        self.program.signal("INT");
        let said = self.folder.path().join("stderr");
        let ended = self.program.finish(PATIENCE);
        let report = serde_json::from_str(&ended.stdout);
        (ended.status.code().unwrap(), report.unwrap_or_else(|_| fs::read_to_string(said).unwrap().into()))
    }
}

/// What comes up to the end of a connection.
fn read(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // What was answered may be lost with a connection that is cut off.
    drop(stream.read_to_end(&mut answer));
    String::from_utf8(answer).unwrap()
}

impl Answer {
    fn of(answer: &str) -> Self {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        Self { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

fn view(user: u32) -> Value {
    json!({
        "event_type": "view", "timestamp": 1_700_000_000_000_u64, "user_id": user.to_string(), "item_id": "3",
        "category": "c", "session_id": "s", "device_type": "mobile",
    })
}

/// What is counted of the requests adds up, and with the ledger.
fn assert_adds_up(report: &Value) {
    let collected = &report["collected"];
    // Of nothing there is no ledger.
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let answered: u64 = collected["answered"].as_object().unwrap().values().map(number).sum();
    assert_eq!(number(&collected["requests"]), answered + number(&collected["abandoned"]), "{collected}");
    let events = |names: &[&str]| names.iter().map(|name| number(&collected["events"][name])).sum::<u64>();
    let taken = events(&["taken"]);
    assert_eq!(taken, events(&["told_acked", "told_taken", "told_failed", "untold"]), "{collected}");
    assert_eq!(taken, number(&report["ledger"]["scheduled"]) + events(&["not_sent"]), "{report}");
}

#[test]
fn events_of_every_shape_are_answered_when_acked_and_read_back() {
    let collector = Collector::start(&["--pass-through", "--verify"]);
    let cloud = json!({ "specversion": "1.0", "id": "1", "source": "/shop", "type": "view", "data": { "a": 1.10 } });
    let json_lines = "{\"userId\":\"1\"}\n{\"userId\":\"2\",\"n\":1.10}\n";
    let call = json!({ "userId": "u", "event": "Bought", "timestamp": "2026-01-01T00:00:00Z", "sentAt": "2026-01-01T00:00:01Z" });
    let batch =
        json!({ "batch": [{ "type": "page", "anonymousId": "a" }, { "type": "track", "userId": "u", "event": "x" }] });
    let is = |name: &'static str| format!("Content-Type: {name}");
    let binary =
        ["Content-Type: application/json", "ce-specversion: 1.0", "ce-id: 2", "ce-source: /shop", "ce-type: view"];
    for (path, headers, body, events) in [
        ("/events", vec![is("application/json")], r#"{"userId":"ü","x":"\"}"}"#.to_owned(), 1),
        ("/events", vec![is("text/plain;charset=UTF-8")], "[{\"a\":1},{\"b\":[{}]},{}]".to_owned(), 3),
        ("/events", vec![is("application/x-ndjson")], json_lines.to_owned(), 2),
        ("/events", vec![is("application/cloudevents+json")], cloud.to_string(), 1),
        ("/events", vec![is("application/cloudevents-batch+json")], json!([cloud, cloud]).to_string(), 2),
        ("/events", binary.map(str::to_owned).to_vec(), "{\"a\":1}".to_owned(), 1),
        ("/v1/track", vec![is("application/json")], call.to_string(), 1),
        ("/v1/page", vec![], json!({ "anonymousId": "a" }).to_string(), 1),
        ("/v1/identify", vec![is("text/plain")], json!({ "userId": "u", "traits": {} }).to_string(), 1),
        ("/v1/batch", vec![is("application/json")], batch.to_string(), 2),
    ] {
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let answer = collector.ask("POST", path, &headers, body.as_bytes());
        assert_eq!(
            (answer.status, answer.json()["acked"].as_u64()),
            (200, Some(events)),
            "{path} {body}: {}",
            answer.body
        );
    }
    let metrics = collector.get("/metrics").body;
    for line in ["loadgen_collect_requests_total{status=\"200\"} 1", "loadgen_collect_events_total{told=\"acked\"} 15"]
    {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    let (code, report) = collector.end();
    assert_adds_up(&report);
    assert_eq!((code, &report["ledger"]["verified"], &report["findings"]["re_encoded"]), (0, &json!(15), &json!(0)));
    assert_eq!(report["run"]["interrupted"], false, "it ends when it is told to");
    for (kind, sent) in [("event", 6), ("cloudevent", 4), ("track", 2), ("page", 2), ("identify", 1)] {
        assert_eq!(report["by_type"][kind]["sent"], sent, "{kind}: {}", report["by_type"]);
    }
}

#[test]
fn events_are_held_to_their_types_and_refused_with_a_reason_for_each() {
    let collector = Collector::start(&["-b", "nowhere"]);
    let mut cheap = json!({ "price": 1.234, "quantity": 1 });
    for (name, value) in view(7).as_object().unwrap() {
        cheap[name] = value.clone();
    }
    cheap["event_type"] = "transaction".into();
    let mut without = view(7);
    without.as_object_mut().unwrap().remove("item_id");
    let mut wrong = view(7);
    wrong["category"] = 5.into();
    let items = json!([view(1), without, wrong, cheap, { "event_type": "zebra" }, 5]);
    let answer = collector.post("/events", items.to_string());
    assert_eq!(answer.status, 400, "{}", answer.body);
    let told: Vec<_> = answer.json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["item"].as_u64().unwrap(), item["reason"].as_str().unwrap().to_owned()))
        .collect();
    let said = |index: usize| told[index].1.as_str();
    assert_eq!(told.iter().map(|(item, _)| *item).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!((said(0), said(4)), ("item_id is missing", "it is no object"));
    assert!(said(1).starts_with("category ") && said(2).starts_with("price "), "{told:?}");
    assert!(said(3).starts_with("it is of none of the types view, "), "{told:?}");
    for (path, body, why) in [
        ("/events", "", "no event"),
        ("/events", "[]", "no event"),
        ("/events", "{\"a\":", "not JSON"),
        ("/events", "{\"loadgen_id\":1} {", "not JSON"),
        ("/v1/track", "{\"event\":\"x\"}", "userId"),
        ("/v1/track", "{\"userId\":\"u\"}", "event is missing"),
        ("/v1/page", "{\"userId\":\"u\",\"type\":\"track\"}", "sent as page"),
        ("/v1/page", "{\"userId\":\"u\",\"loadgen_key\":1}", "loadgen_key"),
        ("/v1/batch", "{\"batch\":{}}", "no array"),
        ("/v1/batch", "{\"batch\":[{\"userId\":\"u\"}]}", "type is missing"),
    ] {
        let answer = collector.post(path, body);
        assert!(answer.status == 400 && answer.body.contains(why), "{path} {body}: {} {}", answer.status, answer.body);
    }
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    assert!(collector.post("/events", deep).body.contains("deep"), "deep JSON");
    assert!(collector.post("/events", b"{\"a\":\"\xff\"}").body.contains("UTF-8: byte 6"), "bad UTF-8");
    let cloud = ["Content-Type: application/cloudevents+json"];
    let event = json!({ "specversion": "1.0", "id": "1", "source": "/s", "type": "view", "data": view(1) });
    assert_eq!(collector.ask("POST", "/events", &cloud, event.to_string().as_bytes()).status, 200);
    let (code, report) = collector.end();
    assert_adds_up(&report);
    assert_eq!((code, &report["ledger"]["scheduled"]), (0, &json!(1)), "{report}");
    assert_eq!(report["collected"]["events"]["invalid"], json!(6 + 5), "{}", report["collected"]);
}

#[test]
fn what_is_asked_wrongly_is_answered_as_http_says() {
    let collector = Collector::start(&["-b", "nowhere", "--pass-through", "--allow-origin", "https://shop.example"]);
    let is = "Content-Type: application/json";
    for (method, path, header, status, told) in [
        ("GET", "/nowhere", is, 404, ""),
        ("POST", "/v1/zebra", is, 404, ""),
        ("GET", "/events", is, 405, "allow: post, options"),
        ("DELETE", "/metrics", is, 405, "allow: get, head"),
        ("POST", "/events", "Content-Type: application/x-www-form-urlencoded", 415, ""),
        ("POST", "/events", "Content-Encoding: br", 415, ""),
        ("POST", "/events", "Origin: https://stranger.example", 403, ""),
        ("OPTIONS", "/events", "Origin: https://stranger.example", 403, ""),
        (
            "OPTIONS",
            "/events",
            "Origin: https://shop.example",
            204,
            "access-control-allow-origin: https://shop.example",
        ),
        ("POST", "/events", "Origin: https://shop.example", 200, "access-control-allow-origin: https://shop.example"),
        ("GET", "/loadgen.js", is, 200, "text/javascript"),
    ] {
        let answer = collector.ask(method, path, &[header], b"{}");
        assert!(answer.status == status && answer.head.contains(told), "{method} {path} {header}: {}", answer.head);
    }
    let script = collector.get("/loadgen.js").body;
    assert!(script.len() < 2_000 && script.contains("keepalive"), "{} bytes", script.len());
    for garbage in
        [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n"[..], b"POST\r\n\r\n", b"\0\0\0\0\r\n\r\n"]
    {
        assert!(!collector.raw(garbage).contains(" 200 "), "{garbage:?}");
    }
    assert_eq!(collector.get("/healthz").body, "ok\n", "nothing of it matters to others");
    let taken = ["collect", "-b", "nowhere", "--listen", &collector.address];
    let other = Command::new(env!("CARGO_BIN_EXE_loadgen")).args(taken).env_clear().output().unwrap();
    let said = String::from_utf8(other.stderr).unwrap();
    assert!(other.status.code() == Some(104) && said.contains("nothing can be collected on"), "{said}");
    assert_adds_up(&collector.end().1);
}

#[test]
fn who_sends_too_much_too_slowly_or_holds_too_many_connections_is_cut_off() {
    let limits = ["--max-body", "10KiB", "--max-connections", "8", "--client-deadline", "1s"];
    let collector = Collector::start(&[&["-b", "nowhere", "--pass-through"], &limits[..]].concat());
    let head = |length: &str| {
        format!("POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{length}\r\n\r\n")
    };
    let said = Answer::of(&collector.raw(head("Content-Length: 1073741824").as_bytes()));
    assert!(said.status == 413 && said.head.contains("connection: close"), "{}", said.head);
    // In pieces nobody says beforehand how much there will be.
    let mut stream = TcpStream::connect(&collector.address).unwrap();
    stream.write_all(head("Transfer-Encoding: chunked").as_bytes()).unwrap();
    let piece = [format!("{:x}\r\n", 1 << 16).into_bytes(), vec![b' '; 1 << 16], b"\r\n".to_vec()].concat();
    let sent = (0..1 << 14).take_while(|_| stream.write_all(&piece).is_ok()).count();
    assert!(sent < 1 << 10, "{sent} pieces of 64 KiB were taken");

    let halves = ["POST /ev", &head("Content-Length: 100"), &head("Transfer-Encoding: chunked")];
    for half in halves {
        let answer = collector.raw(half.as_bytes());
        assert!(answer.is_empty() || answer.contains(" 408 "), "{half}: {answer}");
    }
    let idle: Vec<_> = (0..40).map(|_| TcpStream::connect(&collector.address).unwrap()).collect();
    wait_until("connection that is turned away", PATIENCE, || collector.get("/healthz").status == 503);
    wait_until("end of idle connections", PATIENCE, || collector.get("/healthz").status == 200);
    drop(idle);
    let (_, report) = collector.end();
    assert_adds_up(&report);
    let collected = &report["collected"];
    assert!(collected["connections_refused"].as_u64() > Some(0), "{collected}");
    assert!(collected["most_connections"].as_u64() <= Some(8), "{collected}");
}

#[test]
fn bodies_may_be_gzip_and_have_their_limit_when_they_are_unpacked() {
    let limits = ["-b", "nowhere", "--pass-through", "--max-body", "10KiB"];
    let collector = Collector::start(&limits);
    let packed = |text: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    };
    let ask = |body: &[u8]| collector.ask("POST", "/events", &["Content-Encoding: gzip"], body);
    let two = packed(b"[{\"userId\":\"u1\"},{\"userId\":\"u2\"}]");
    let answer = ask(&two);
    assert_eq!((answer.status, answer.json()["acked"].as_u64()), (200, Some(2)), "{}", answer.body);
    // A MiB of spaces in about a KiB.
    let bomb = packed(&vec![b' '; 1 << 20]);
    assert!(bomb.len() < 5_000);
    assert_eq!(ask(&bomb).status, 413);
    for broken in [&two[..two.len() - 9], &b"{}"[..]] {
        let answer = ask(broken);
        assert!(answer.status == 400 && answer.body.contains("no whole gzip"), "{}", answer.body);
    }
    let (_, report) = collector.end();
    assert_adds_up(&report);
    assert_eq!(report["ledger"]["scheduled"], 2);
}

#[test]
fn a_cluster_that_is_away_gives_503_and_a_full_queue_429_and_nothing_is_told_that_is_not_so() {
    let broker = Embedded::with([("raw-events", 1)]).unwrap();
    let patience =
        ["--answer-deadline", "2s", "--flush-deadline", "1s", "--max-waiting", "3", "-X", "delivery.timeout.ms=60000"];
    let collector = Collector::start(&[&["-b", broker.address(), "--pass-through"], &patience[..]].concat());
    assert_eq!(collector.post("/events", "[{},{}]").status, 200);
    let more = collector.post("/events", "[{},{},{},{}]");
    assert!(more.status == 413 && more.body.contains("may wait at once: 3"), "more than ever fits: {}", more.body);
    drop(broker);
    let first = collector.send(&collector.request("POST", "/events", &[], b"[{},{},{}]"));
    wait_until("full queue", PATIENCE, || {
        collector.get("/metrics").body.contains("loadgen_collect_waiting_events 3\n")
    });
    let full = collector.post("/events", "{}");
    assert!(matches!(full.status, 429 | 503) && full.head.contains("retry-after: 1"), "{}", full.head);
    let first = Answer::of(&read(first));
    assert_eq!((first.status, first.json()["unanswered"].as_u64()), (503, Some(3)), "{}", first.body);
    assert_eq!(collector.post("/events", "{}").status, 503, "nobody waits for a cluster that does not answer");
    assert_eq!(collector.get("/healthz").status, 503);
    let (code, report) = collector.end();
    assert_adds_up(&report);
    let events = &report["collected"]["events"];
    assert_eq!((&events["told_acked"], &events["told_failed"]), (&json!(2), &json!(3)), "{events}");
    assert_ne!(code, 0, "what became of three events is not known");
}

#[test]
fn answers_before_the_ack_say_so_and_a_count_ends_it() {
    let collector = Collector::start(&["-b", "nowhere", "--async", "--num-records", "3"]);
    let answer = collector.post("/events", json!([view(1), view(2)]).to_string());
    assert_eq!((answer.status, answer.body.trim()), (202, "{\"taken\":2}"));
    assert_eq!(collector.post("/events", json!([view(1), view(2)]).to_string()).status, 503, "one more is taken");
    assert_eq!(collector.post("/events", view(3).to_string()).status, 202);
    let ended = collector.program.finish(PATIENCE);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_adds_up(&report);
    assert_eq!((ended.status.code(), &report["ledger"]["scheduled"]), (Some(0), &json!(3)));
}

const SERVER: [&str; 2] = [
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/tls/server.pem"),
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/tls/server.key"),
];
