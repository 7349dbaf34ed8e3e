//! What becomes of alerts, with a receiver that behaves or does not.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::*;
use crate::registry::stub::{Mood, Stub};
use crate::report::GateOutcome;
use crate::report::alerts::Outcome;

fn address(url: &str) -> Address {
    Address::new(url).unwrap()
}

fn alert(receiver: Receiver) -> Alert {
    Alert {
        name: "Slow".to_owned(),
        gate: None,
        receiver,
        labels: BTreeMap::from([("severity".to_owned(), "page".to_owned())]),
        annotations: BTreeMap::from([("runbook".to_owned(), "https://wiki/slow".to_owned())]),
        hold: Duration::ZERO,
        resend: Duration::from_secs(30),
        deadline: Duration::from_secs(20),
        on_unevaluated: false,
    }
}

fn to_alertmanager(url: &str) -> Alert {
    alert(Receiver::Alertmanager(address(url)))
}

fn to_webhook(url: &str) -> Alert {
    alert(Receiver::Webhook(address(&format!("{url}/hook")), Secret::new("hunter2")))
}

fn start(alert: &Alert) -> Alerts {
    let about = About { run: "steady".to_owned(), run_id: "00c0ffee00c0ffee".to_owned(), shard: None };
    Alerts::start(std::slice::from_ref(alert), &about)
}

fn gate(result: GateOutcome) -> GateResult {
    let rule = "response_time.p99 < 250ms".to_owned();
    GateResult { rule, value: Some(293_000.0), result, ..GateResult::default() }
}

const BROKEN: GateOutcome = GateOutcome::Fail;
const MET: GateOutcome = GateOutcome::Pass;

/// Seconds of a run, and its end.
fn told(alert: &Alert, seconds: &[GateOutcome], end: GateOutcome) -> AlertReport {
    let mut alerts = start(alert);
    for (second, outcome) in (1..).zip(seconds) {
        alerts.second(&[gate(*outcome)], Nanos::from_secs(second));
    }
    alerts.end(&[gate(end)], &|| false).remove(0)
}

fn bodies(stub: &Stub) -> Vec<Value> {
    stub.asked().iter().map(|asked| serde_json::from_str(&asked.body).unwrap()).collect()
}

fn sums(report: &AlertReport) -> bool {
    report.sent + report.failed + report.dropped == report.raised && report.resolved_sent <= report.resolved
}

#[test]
fn an_alertmanager_is_told_of_a_gate_that_is_broken_and_when_it_is_over() {
    let stub = Stub::start();
    let report = told(&to_alertmanager(&stub.url_of("me:hunter2")), &[MET, BROKEN, BROKEN, MET], MET);
    assert_eq!((report.raised, report.sent, report.resolved, report.resolved_sent, report.error), (1, 1, 1, 1, None));
    assert_eq!((report.incidents[0].raised_s, report.incidents[0].resolved_s), (2.0, Some(4.0)));
    let asked = stub.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!((asked[0].method.as_str(), asked[0].path.as_str()), ("POST", "/api/v2/alerts"));
    assert_eq!(asked[0].authorization.as_deref(), Some("Basic bWU6aHVudGVyMg=="));
    let bodies = bodies(&stub);
    let (raised, over) = (&bodies[0][0], &bodies[1][0]);
    let labels = serde_json::json!({
        "alertname": "Slow", "gate": "response_time.p99 < 250ms", "run": "steady", "run_id": "00c0ffee00c0ffee",
        "severity": "page",
    });
    assert_eq!((&raised["labels"], &over["labels"]), (&labels, &labels), "labels identify an alert");
    assert_eq!(raised["annotations"]["summary"], "response_time.p99 < 250ms is broken: measured 293 ms");
    assert_eq!(raised["annotations"]["runbook"], "https://wiki/slow");
    let time = |alert: &Value, name: &str| alert[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert_eq!(time(raised, "startsAt"), time(over, "startsAt"));
    let lasts = time(raised, "endsAt").duration_since(time(raised, "startsAt")).as_secs();
    assert_eq!(lasts, 120, "one that nobody tells again is over after four times its resend");
    assert!(time(over, "endsAt").duration_since(time(raised, "endsAt")).is_negative());
}

#[test]
fn a_webhook_is_signed_and_knows_by_its_id_what_it_has_had() {
    let stub = Stub::start();
    stub.set(Mood::AnswersFirst(1, 503, "later".to_owned()));
    let report = told(&to_webhook(&stub.url()), &[BROKEN], MET);
    assert_eq!((report.raised, report.sent, report.resolved_sent, report.error), (1, 1, 1, None));
    let asked = stub.asked();
    let ids: Vec<&str> = asked.iter().map(|asked| asked.headers["idempotency-key"].as_str()).collect();
    assert_eq!(ids, ["00c0ffee00c0ffee-0-0", "00c0ffee00c0ffee-0-0", "00c0ffee00c0ffee-0-1"]);
    for asked in &asked {
        assert_eq!(asked.headers["webhook-id"], asked.headers["idempotency-key"]);
        let unix_s: u64 = asked.headers["webhook-timestamp"].parse().unwrap();
        let signature = signature::signature(b"hunter2", &asked.headers["webhook-id"], unix_s, &asked.body);
        assert_eq!(asked.headers["webhook-signature"], signature);
        assert!(!format!("{asked:?}").contains("hunter2"));
    }
    let bodies = bodies(&stub);
    assert_eq!((&bodies[0]["version"], &bodies[0]["status"]), (&"4".into(), &"firing".into()));
    assert_eq!((&bodies[2]["status"], &bodies[2]["alerts"][0]["status"]), (&"resolved".into(), &"resolved".into()));
    assert_eq!(bodies[0]["alerts"][0]["endsAt"], "0001-01-01T00:00:00Z");
    assert_eq!(bodies[0]["alerts"][0]["fingerprint"], bodies[2]["alerts"][0]["fingerprint"]);
}

#[test]
fn a_refusal_is_not_tried_twice_and_its_words_are_told() {
    let stub = Stub::start();
    stub.set(Mood::Answers(400, "", "\"bad\u{7} label\"".to_owned()));
    let report = told(&to_alertmanager(&stub.url()), &[], BROKEN);
    assert_eq!((report.raised, report.failed, stub.asked().len()), (1, 1, 1));
    assert_eq!(report.error.unwrap(), "answers with status 400: \"bad  label\"");
    assert_eq!(report.incidents[0].outcome, Outcome::Failed);
}

#[test]
fn what_fails_at_first_and_is_taken_when_told_again_was_sent() {
    let stub = Stub::start();
    stub.set(Mood::AnswersFirst(1, 400, String::new()));
    let report = told(&to_alertmanager(&stub.url()), &[BROKEN], BROKEN);
    assert_eq!((report.raised, report.sent, report.repeated), (1, 1, 1));
    assert!(report.error.is_some() && sums(&report));
}

#[test]
fn an_alertmanager_that_is_away_is_tried_for_a_while_and_told_of_once() {
    for url in [Stub::nowhere(), "http://127.0.0.1:1".to_owned()] {
        let away = Alert { deadline: Duration::from_millis(300), ..to_alertmanager(&url) };
        let report = told(&away, &[BROKEN, MET, BROKEN], BROKEN);
        assert_eq!((report.raised, report.sent, report.resolved, report.resolved_sent), (2, 0, 1, 0));
        assert!(sums(&report) && report.error.unwrap().starts_with("does not answer: "));
    }
}

#[test]
fn one_that_hangs_holds_nobody_up_and_what_has_no_room_is_dropped_and_counted() {
    let stub = Stub::start();
    stub.set(Mood::Hangs);
    let flapping: Vec<GateOutcome> = (0..400).map(|second| if second % 2 == 0 { BROKEN } else { MET }).collect();
    let slow = Alert { deadline: Duration::from_millis(300), ..to_alertmanager(&stub.url()) };
    let report = told(&slow, &flapping, MET);
    assert_eq!((report.raised, report.sent, report.resolved), (200, 0, 200));
    assert!(sums(&report) && report.failed > 0 && report.dropped > 0, "{report:?}");
    assert_eq!((report.incidents.len(), report.incidents[199.min(TOLD - 1)].outcome), (TOLD, Outcome::Dropped));
}

#[test]
fn whoever_hurries_does_not_wait_for_the_last_alerts() {
    let stub = Stub::start();
    stub.set(Mood::Hangs);
    let patient = Alert { deadline: Duration::from_secs(3_600), ..to_alertmanager(&stub.url()) };
    let mut alerts = start(&patient);
    alerts.second(&[gate(BROKEN)], Nanos::from_secs(1));
    let report = alerts.end(&[gate(BROKEN)], &|| true).remove(0);
    assert!(sums(&report) && report.sent == 0);
    assert_eq!(report.error.unwrap(), "did not take the last of them before the end");
}

#[test]
fn an_alert_of_one_gate_is_about_that_one_by_its_name_or_its_rule() {
    let stub = Stub::start();
    let named = GateResult { name: Some("speed".to_owned()), ..gate(BROKEN) };
    for (wanted, raised) in [(None, 2), (Some("speed"), 1), (Some("lost == 0"), 1), (Some("other"), 0)] {
        let one = Alert { gate: wanted.map(str::to_owned), ..to_alertmanager(&stub.url()) };
        let lost = GateResult { rule: "lost == 0".to_owned(), result: BROKEN, ..GateResult::default() };
        let report = start(&one).end(&[named.clone(), lost], &|| false).remove(0);
        assert_eq!((report.raised, report.sent), (raised, raised), "{wanted:?}");
    }
}

#[test]
fn no_alert_is_shown_with_its_secret() {
    let alert = to_webhook("http://me:hunter2@host");
    assert!(!format!("{alert:?} {}", alert.sentence()).contains("hunter2"));
}
