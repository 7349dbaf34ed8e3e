//! `loadgen collect` before a real Kafka: what it answers is compared with what lies in the log.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use crate::PATIENCE;
use crate::at_work::wait_until;
use crate::browser::Browser;
use crate::cluster::Cluster;
use crate::page::page;
use crate::program::{Program, Started};
use serde_json::{Value, json};
use ureq::Agent;

/// A collector at work, and whom to ask.
struct Collector {
    program: Started,
    address: String,
    agent: Agent,
}

impl Collector {
    fn start(cluster: &Cluster, topic: &str, args: &[&str]) -> Self {
        Self::at(&free(), cluster, topic, args)
    }

    fn at(free: &str, cluster: &Cluster, topic: &str, args: &[&str]) -> Self {
        let program =
            Program::new(cluster, topic).args(["collect", "--create-topics", "--listen", free]).args_of(args).start();
        let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
        let collector = Self { program, address: format!("http://{free}"), agent };
        wait_until("begin of the run", PATIENCE, || {
            let asked = collector.agent.get(format!("{}/healthz", collector.address)).call();
            asked.is_ok_and(|answer| answer.status() == 200)
        });
        collector
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }
}

/// An address where nobody listens.
fn free() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn post(agent: &Agent, url: &str, body: &Value) -> u16 {
    let answer = agent.post(url).content_type("application/json").send(body.to_string());
    // A connection that broke is no answer.
    answer.map_or(0, |answer| answer.status().as_u16())
}

fn number(report: &Value, pointer: &str) -> u64 {
    report.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("{pointer}: {report}"))
}

#[test]
fn nothing_is_answered_200_that_is_not_in_the_log_though_the_broker_pauses() {
    nothing_is_answered_200_that_is_not_in_the_log("pause", "resume");
}

#[test]
fn nothing_is_answered_200_that_is_not_in_the_log_though_the_broker_is_killed() {
    nothing_is_answered_200_that_is_not_in_the_log("kill", "start");
}

/// Four clients send one event after the other, while the broker answers, is away, and answers again.
fn nothing_is_answered_200_that_is_not_in_the_log(away: &str, back: &str) {
    let cluster = Cluster::start();
    // However long a busy machine takes to bring the broker back, no event is given up meanwhile.
    let kept = ["-X", "delivery.timeout.ms=300000", "--pass-through", "--key-field", "id"];
    let patience = [&["--answer-deadline", "500ms", "--verify"], &kept[..]].concat();
    let collector = Collector::start(&cluster, "away", &patience);
    let (acked, refused) = (Mutex::new(BTreeSet::new()), AtomicU32::new(0));
    let (next, over) = (AtomicU32::new(0), AtomicBool::new(false));
    let (agent, url) = (&collector.agent, collector.url("/events"));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !over.load(Ordering::Acquire) {
                    let id = next.fetch_add(1, Ordering::AcqRel);
                    match post(agent, &url, &json!({ "id": id })) {
                        200 => drop(acked.lock().unwrap().insert(id.to_string())),
                        429 | 503 => drop(refused.fetch_add(1, Ordering::AcqRel)),
                        other => panic!("answered {other}"),
                    }
                }
            });
        }
        let acks = || acked.lock().unwrap().len();
        wait_until("acks", PATIENCE, || acks() > 200);
        cluster.command(&[away, "1"]);
        // What was on its way when it went may have been answered.
        wait_until("answers without the broker", PATIENCE, || refused.load(Ordering::Acquire) >= 8);
        let paused = acks();
        wait_until("more of them", PATIENCE, || refused.load(Ordering::Acquire) >= 200);
        assert_eq!(acks(), paused, "a broker that is away acks nothing");
        cluster.command(&[back, "1"]);
        wait_until("acks again", PATIENCE, || acks() > paused + 200);
        over.store(true, Ordering::Release);
    });
    collector.program.interrupt();
    let run = collector.program.finish();
    let report = run.report();
    let log: Vec<String> =
        cluster.read_all("away", 3).into_iter().map(|record| String::from_utf8(record.key).unwrap()).collect();
    let there: BTreeSet<&str> = log.iter().map(String::as_str).collect();
    let acked = acked.into_inner().unwrap();
    let missing: Vec<_> = acked.iter().filter(|id| !there.contains(id.as_str())).collect();
    assert!(missing.is_empty(), "answered 200 and not in the log: {missing:?}");
    assert_eq!(there.len(), log.len(), "each is there once");
    assert_eq!(number(&report, "/collected/events/told_acked"), acked.len() as u64);
    assert_eq!(number(&report, "/collected/events/taken"), number(&report, "/ledger/scheduled"));
    // Those that were answered 503 were acked later, for the broker came back before they were given up.
    assert_eq!(number(&report, "/ledger/verified"), log.len() as u64, "{}", report["ledger"]);
    assert_eq!(run.code, 0, "{}", run.stdout);
}

#[test]
fn events_of_all_shapes_are_read_back_later_by_another_process_that_knows_the_run() {
    let cluster = Cluster::shared();
    let collector = Collector::start(cluster, "collected", &[]);
    let view = json!({
        "event_type": "view", "timestamp": 1_700_000_000_000_u64, "user_id": "7", "item_id": "3", "category": "c",
        "session_id": "s", "device_type": "mobile", "unknown": 1,
    });
    let call = json!({ "userId": "ü\u{1F600}", "event": "Bought", "properties": { "price": 1.10, "big": 12_345_678_901_234_567_890_u64 } });
    for (path, body) in [("/events", &view), ("/events", &json!([view, view])), ("/v1/track", &call)] {
        assert_eq!(post(&collector.agent, &collector.url(path), body), 200, "{path} {body}");
    }
    collector.program.interrupt();
    let run = collector.program.finish();
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let bundle = run.bundle().unwrap();
    let later = Program::new(cluster, "").args(["verify", "--producer-report", bundle.to_str().unwrap()]).run();
    let report = later.report();
    assert_eq!((later.code, number(&report, "/ledger/verified")), (0, 4), "{}{}", later.stdout, later.stderr);
    let bodies: Vec<Value> =
        cluster.read("collected", 4).iter().map(|(_, body)| serde_json::from_str(body).unwrap()).collect();
    let called: Vec<_> = bodies.iter().filter(|body| body["loadgen_type"] == "track").collect();
    assert_eq!(
        (called.len(), &called[0]["properties"], &called[0]["userId"]),
        (1, &call["properties"], &call["userId"])
    );
    let viewed = bodies.iter().filter(|body| body["event_type"] == "view" && body["unknown"].is_null()).count();
    assert_eq!(viewed, 3, "fields that a type does not have are left out");
}

/// Ctrl-C while the broker is paused and requests wait for it: each of them gets an answer, and each event is in the ledger as it is in
/// the log.
#[test]
fn requests_that_are_under_way_at_ctrl_c_are_answered_as_the_log_has_them() {
    let cluster = Cluster::start();
    let patience =
        ["--answer-deadline", "300s", "--flush-deadline", "300s", "--verify", "--pass-through", "--key-field", "id"];
    let collector = Collector::start(&cluster, "ending", &patience);
    let (agent, url) = (&collector.agent, collector.url("/events"));
    assert_eq!(post(agent, &url, &json!({ "id": "before" })), 200);
    cluster.command(&["pause", "1"]);
    let answers = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for id in 0..20 {
            let (answers, url) = (&answers, &url);
            scope.spawn(move || {
                let answer = post(agent, url, &json!({ "id": id }));
                answers.lock().unwrap().push(answer);
            });
        }
        let metrics = || agent.get(collector.url("/metrics")).call().unwrap().body_mut().read_to_string().unwrap();
        wait_until("requests under way", PATIENCE, || metrics().contains("loadgen_collect_waiting_events 20\n"));
        collector.program.interrupt();
        wait_until("end of the taking", PATIENCE, || {
            let asked = agent.get(collector.url("/healthz")).call();
            asked.is_ok_and(|answer| answer.status() == 503)
        });
        assert_eq!(post(agent, &url, &json!({ "id": "after" })), 503);
        cluster.command(&["resume", "1"]);
    });
    let run = collector.program.finish();
    let (report, answers) = (run.report(), answers.into_inner().unwrap());
    assert_eq!(answers, [200; 20], "{}", run.stderr);
    assert_eq!((number(&report, "/ledger/verified"), number(&report, "/ledger/scheduled")), (21, 21));
    assert_eq!(cluster.read_all("ending", 3).len(), 21);
    let page = std::fs::read_to_string(run.bundle().unwrap().join("report.html")).unwrap();
    assert!(page.contains("<section id=\"collected\"") && page.contains("<dt>answered when acked</dt><dd>21</dd>"));
}

#[test]
fn each_of_200_clicks_in_a_browser_is_in_the_log_once() {
    let Some(browser) = Browser::start() else { return };
    let (cluster, free) = (Cluster::shared(), free());
    let page = page(&format!("http://{free}/loadgen.js"));
    let collector = Collector::at(&free, cluster, "clicked", &["--verify", "--allow-origin", &page]);
    browser.visit(&page);
    browser.click("button", 200);
    let metrics = || {
        let asked = collector.agent.get(collector.url("/metrics")).call();
        asked.unwrap().body_mut().read_to_string().unwrap()
    };
    let acked = "loadgen_collect_events_total{told=\"acked\"} 201\n";
    wait_until("answer to each of them", PATIENCE, || metrics().contains(acked));
    // What was answered is in the log, though the collector goes on.
    let bodies: Vec<Value> =
        cluster.read("clicked", 201).iter().map(|(_, body)| serde_json::from_str(body).unwrap()).collect();
    let of = |kind: &str| bodies.iter().filter(|body| body["type"] == kind).collect::<Vec<_>>();
    let clicks = of("track");
    assert_eq!((clicks.len(), of("page").len()), (200, 1));
    assert!(clicks.iter().all(|click| click["event"] == "Lamp wanted"), "{}", clicks[0]);
    let ids: BTreeSet<&str> = clicks.iter().map(|click| click["messageId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 200);
    collector.program.interrupt();
    let run = collector.program.finish();
    assert_eq!((run.code, number(&run.report(), "/ledger/verified")), (0, 201), "{}", run.stderr);
}
