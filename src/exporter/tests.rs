//! Scrapes over a real socket.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use super::*;
use crate::event::catalogue::{Catalogue, TypeIndex};
use crate::kafka::slots::Slots;
use crate::measure::{AnswerBatch, ClientSums, Shard};
use crate::report::{LatencySummary, LedgerCounts, TimelineRow, Verdict};
use crate::run;

const OPEN_METRICS: &str = "Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5\r\n";

/// Status line and headers, and the body.
fn get(address: SocketAddr, path: &str, headers: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

/// An exporter at the end of a run's `seconds`-th second, in each of which so many events were sent, acked and read.
fn exporter(seconds: u64, events: u64) -> Exporter {
    behind(seconds, events, Some(5))
}

fn catalogue() -> Catalogue {
    crate::shop::catalogue().unwrap()
}

fn types() -> Vec<String> {
    catalogue().names().map(str::to_owned).collect()
}

/// The same, of a reader that is so far behind.
fn behind(seconds: u64, events: u64, unread: Option<u64>) -> Exporter {
    let exporter = Exporter::start(Some("127.0.0.1:0"), None).unwrap();
    exporter.begin("a \"name\"", "raw-events", &types(), &[Kind::ResponseTime, Kind::EndToEnd]);
    let mut client = ClientSums::default();
    let slots = Slots::of_one("raw-events", 2);
    let mut total = Shard::new(1, 7, 2);
    for second in 1..=seconds {
        let mut interval = Shard::new(1, 7, 2);
        let mut batch = AnswerBatch::default();
        for _ in 0..events {
            interval.record_answer(&mut batch, 0, TypeIndex(0), Nanos::from_millis(3), Nanos::from_millis(7));
            interval.record_sight(0, TypeIndex(0), Nanos::from_millis(20));
        }
        interval.count(&batch);
        (interval.sent, interval.acked, interval.seen, interval.bytes) = (events, events, events, 200 * events);
        interval.kinds[0].sent = events;
        interval.partitions[1].acked = events;
        interval.found.reordered = 1;
        total.add(&interval);
        let row = TimelineRow { unread, outstanding: 3, ..TimelineRow::default() };
        client.note(
            0,
            r#"{"msg_cnt":4,"msg_size":800,"brokers":{"b":{"txretries":2,"rtt":{"cnt":2,"sum":3000,"max":2000,"p99":2000}}}}"#,
            true,
        );
        let stock = crate::report::ExpectReport {
            name: "stock".to_owned(),
            expected: 7,
            right: 5,
            open: 2,
            superseded: 40,
            latency_us: Some(LatencySummary { p50: Some(2_500_000), ..LatencySummary::default() }),
            ..crate::report::ExpectReport::default()
        };
        let (stage, now) = (run::Stage::Sending, Nanos::from_secs(second));
        let (interval, total, slots, client, scheduled) = (&interval, &total, &slots, &client, second * events);
        exporter.tick(
            &Tick {
                stage,
                row: &row,
                interval,
                total,
                client,
                slots,
                catalogue: &catalogue(),
                scheduled,
                now,
                judged: true,
                warm_up_ends: Nanos::ZERO,
                held: false,
                phases: &[],
                percent: 100,
                gaps: None,
                awaited: None,
                results: std::slice::from_ref(&stock),
            },
            Vec::new(),
        );
    }
    exporter
}

/// Every sample by name and labels; each must belong to the family declared last, in the form of its type.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let (mut family, mut kind) = (String::new(), String::new());
    let mut found = BTreeMap::new();
    for line in text.lines() {
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            let (name, of) = declared.split_once(' ').unwrap();
            (family, kind) = (name.to_owned(), of.to_owned());
        }
        if line.starts_with('#') {
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let suffix = series.split('{').next().unwrap().strip_prefix(&family).unwrap_or_else(|| panic!("{line}"));
        let suffixes: &[&str] = match kind.as_str() {
            "counter" if family.ends_with("_total") => &[""],
            "counter" => &["_total"],
            "gauge" => &[""],
            "histogram" => &["_bucket", "_sum", "_count"],
            other => panic!("{other}"),
        };
        assert!(suffixes.contains(&suffix), "{line} in a {kind}");
        assert!(found.insert(series.to_owned(), value.parse().unwrap()).is_none(), "{line} comes twice");
    }
    found
}

#[test]
fn a_scrape_has_the_counts_of_the_run_so_far() {
    let exporter = exporter(3, 100);
    let (head, body) = get(exporter.address().unwrap(), "/metrics", OPEN_METRICS);
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"), "{head}");
    assert!(body.ends_with("\n# EOF\n"), "{body}");
    let samples = samples(&body);
    for (series, value) in [
        ("loadgen_events_scheduled_total", 300.0),
        ("loadgen_events_sent_total", 300.0),
        ("loadgen_sent_bytes_total", 60_000.0),
        ("loadgen_events_consumed_total", 300.0),
        ("loadgen_events_reordered_total", 3.0),
        ("loadgen_events_outstanding", 3.0),
        ("loadgen_consumer_lag_records", 5.0),
        ("loadgen_client_queue_messages", 4.0),
        ("loadgen_client_queue_bytes", 800.0),
        ("loadgen_client_retries_total", 2.0),
        ("loadgen_client_round_trip_seconds_sum", 0.009),
        ("loadgen_client_round_trip_seconds_count", 6.0),
        ("loadgen_run_elapsed_seconds", 3.0),
        ("loadgen_type_events_sent_total{event_type=\"view\"}", 300.0),
        ("loadgen_partition_events_acked_total{topic=\"raw-events\",partition=\"1\"}", 300.0),
        ("loadgen_response_latency_seconds_bucket{le=\"0.005\"}", 0.0),
        ("loadgen_response_latency_seconds_bucket{le=\"0.01\"}", 300.0),
        ("loadgen_e2e_latency_seconds_bucket{le=\"+Inf\"}", 300.0),
        ("loadgen_e2e_latency_seconds_count", 300.0),
        ("loadgen_expect_results{expectation=\"stock\",class=\"right\"}", 5.0),
        ("loadgen_expect_results{expectation=\"stock\",class=\"open\"}", 2.0),
        ("loadgen_expect_beside{expectation=\"stock\",what=\"superseded\"}", 40.0),
        ("loadgen_expect_latency_seconds{expectation=\"stock\",point=\"p50\"}", 2.5),
        ("loadgen_run_info{name=\"a \\\"name\\\"\",topic=\"raw-events\"}", 1.0),
    ] {
        assert_eq!(samples.get(series), Some(&value), "{series}\n{body}");
    }
    assert!((samples["loadgen_e2e_latency_seconds_sum"] - 6.0).abs() < 0.01);
    assert!(samples["process_cpu_seconds_total"] > 0.0);
    assert!(!body.contains("loadgen_schedule_slip"), "a latency that the run does not have");
    assert!(!body.contains("loadgen_events_lost"), "known at the end alone");
}

#[test]
fn who_does_not_accept_open_metrics_gets_the_older_format() {
    let exporter = exporter(1, 10);
    let (head, body) = get(exporter.address().unwrap(), "/metrics", "Accept: */*\r\n");
    assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
    assert!(!body.contains("# EOF") && !body.contains("# UNIT"));
    assert!(body.contains("# HELP loadgen_events_sent_total Events handed to the Kafka client\n"), "{body}");
    assert!(body.contains("# TYPE loadgen_events_sent_total counter\n"));
    let (_, open) = get(exporter.address().unwrap(), "/metrics", OPEN_METRICS);
    let without_process = |text: &str| {
        let mut samples = samples(text);
        samples.retain(|series, _| !series.starts_with("process_"));
        samples
    };
    assert_eq!(without_process(&body), without_process(&open), "both hold the same samples");
}

#[test]
fn promtool_finds_nothing_wrong() {
    let exporter = exporter(2, 10);
    exporter.end(&RunReport::default());
    let (_, body) = get(exporter.address().unwrap(), "/metrics", "");
    let spawned =
        Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut promtool = match spawned {
        Ok(promtool) => promtool,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("promtool (package prometheus) is not here: not checked with it");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    promtool.stdin.take().unwrap().write_all(body.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn the_end_adds_the_ledger_and_the_verdict() {
    let exporter = exporter(1, 10);
    let report = RunReport {
        ledger: LedgerCounts { scheduled: 10, verified: 9, lost: 1, ..LedgerCounts::default() },
        verdict: Verdict { code: 3, name: "correctness_violated".to_owned(), ..Verdict::default() },
        ..RunReport::default()
    };
    exporter.end(&report);
    let samples = samples(&get(exporter.address().unwrap(), "/metrics", OPEN_METRICS).1);
    assert_eq!(samples.get("loadgen_events_lost_total"), Some(&1.0));
    assert_eq!(samples.get("loadgen_ledger_events_total{class=\"verified\"}"), Some(&9.0));
    assert_eq!(samples.get("loadgen_run_exit_code{name=\"correctness_violated\"}"), Some(&3.0));
    let status: serde_json::Value = serde_json::from_str(&get(exporter.address().unwrap(), "/status", "").1).unwrap();
    assert_eq!((&status["stage"], &status["ledger"]["lost"]), (&"judged".into(), &1.into()));
    exporter.linger(Duration::from_secs(60), &Interrupts::default());
}

#[test]
fn status_and_health_are_told_and_other_paths_are_not_found() {
    let exporter = exporter(2, 10);
    let (head, body) = get(exporter.address().unwrap(), "/status", "");
    assert!(head.contains("content-type: application/json"), "{head}");
    let status: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&status["stage"], &status["sent"], &status["unread"]), (&"sending".into(), &20.into(), &5.into()));
    assert_eq!(get(exporter.address().unwrap(), "/healthz", "").1, "ok\n");
    assert!(get(exporter.address().unwrap(), "/other", "").0.starts_with("http/1.1 404"));
}

#[test]
fn a_lag_that_is_not_known_is_not_told_as_0() {
    let lag = "loadgen_consumer_lag_records";
    let of =
        |exporter: &Exporter| samples(&get(exporter.address().unwrap(), "/metrics", OPEN_METRICS).1).get(lag).copied();
    assert_eq!(of(&behind(1, 10, Some(0))), Some(0.0));
    let unknown = behind(1, 10, None);
    assert_eq!(of(&unknown), None);
    let status: serde_json::Value = serde_json::from_str(&get(unknown.address().unwrap(), "/status", "").1).unwrap();
    assert_eq!(status["unread"], serde_json::Value::Null);
}

#[test]
fn a_sample_that_is_overdue_is_no_health() {
    let exporter = exporter(1, 1);
    let at = exporter.shared.state.lock().unwrap().at;
    assert_eq!(exporter.shared.ailment(at + Nanos::from(STALE)), None);
    let late = at + Nanos::from_secs(6);
    assert_eq!(exporter.shared.ailment(late).as_deref(), Some("no sample for 6 s\n"));
    exporter.end(&RunReport::default());
    assert_eq!(exporter.shared.ailment(late + Nanos::from_secs(60)), None, "a run that has ended has no samples");
}

#[test]
fn a_port_that_is_taken_is_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = Exporter::start(Some(&address), None).unwrap_err();
    assert!(error.to_string().starts_with(&format!("metrics cannot be served on {address}: ")), "{error}");
    assert!(matches!(Exporter::start(Some("nowhere"), None), Err(ExporterError::Address { .. })));
}

#[test]
fn a_connection_that_says_nothing_does_not_hold_the_end_up() {
    let exporter = exporter(1, 1);
    let silent = TcpStream::connect(exporter.address().unwrap()).unwrap();
    drop(exporter);
    drop(silent);
}

#[test]
fn open_metrics_is_chosen_only_where_it_is_named() {
    use metrics::Format;
    for (accept, format) in [
        ("", Format::Text),
        ("*/*", Format::Text),
        ("text/plain;version=0.0.4", Format::Text),
        ("application/openmetrics-text;q=0", Format::Text),
        ("application/openmetrics-text; version=1.0.0; q=0.8, */*;q=0.1", Format::OpenMetrics),
    ] {
        assert_eq!(Format::asked_for(accept), format, "{accept}");
    }
}

#[test]
fn the_dashboard_names_only_metrics_that_are_served() {
    let dashboard = include_str!("../../docs/grafana/loadgen.json");
    let exporter = Exporter::start(Some("127.0.0.1:0"), None).unwrap();
    exporter.begin("a", "t", &types(), &Kind::ALL);
    let (mut client, total) = (ClientSums::default(), Shard::new(1, 7, 1));
    client.note(0, "{}", true);
    let (slots, row) = (Slots::of_one("t", 1), TimelineRow { unread: Some(0), ..TimelineRow::default() });
    let (stage, now) = (run::Stage::Sending, Nanos::from_secs(1));
    let (interval, total, slots, client) = (&total, &total, &slots, &client);
    exporter.tick(
        &Tick {
            stage,
            row: &row,
            interval,
            total,
            client,
            slots,
            catalogue: &catalogue(),
            scheduled: 0,
            now,
            judged: true,
            warm_up_ends: Nanos::ZERO,
            held: false,
            phases: &[],
            percent: 100,
            gaps: None,
            awaited: None,
            results: &[],
        },
        Vec::new(),
    );
    exporter.end(&RunReport::default());
    let served = samples(&get(exporter.address().unwrap(), "/metrics", OPEN_METRICS).1);
    let served: std::collections::BTreeSet<&str> =
        served.keys().filter_map(|series| series.split('{').next()).collect();
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let named = dashboard.split(|c| !is_part(c)).filter(|word| {
        let of_us = word.starts_with("loadgen_") || word.starts_with("process_");
        of_us && !word.ends_with('_')
    });
    let mut found = 0;
    for name in named {
        assert!(served.contains(name), "{name} is not among {served:?}");
        found += 1;
    }
    assert!(found > 30, "{found}");
}
