//! report.html as text: what is in it, how large it is, and that text from outside stays text.

use loadgen::explain;
use loadgen::output::html;
use loadgen::report::{Client, LatencyParts, RunReport};

use crate::reports::fixture;

fn page(report: &RunReport) -> String {
    let mut page = Vec::new();
    html::write(&mut page, report).unwrap();
    String::from_utf8(page).unwrap()
}

/// Keeps the page for whoever wants to look at it.
fn keep(name: &str, page: &str) {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("report_html");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}.html")), page).unwrap();
}

#[test]
fn every_kind_of_report_can_be_laid_out() {
    for (name, report) in fixture::all() {
        let page = page(&report);
        keep(name, &page);
        assert!(page.starts_with("<!doctype html>"), "{name}");
        assert_eq!(page.matches("<svg ").count(), 8, "{name}: four charts, each wide and narrow");
        assert!(!page.contains("{{") && !page.contains("{%"), "{name}: nothing of the template is left");
    }
}

#[test]
fn a_report_of_nothing_can_be_laid_out() {
    let page = page(&RunReport::default());
    keep("nothing", &page);
    assert!(!page.contains("id=\"timeline\""));
}

#[test]
fn whose_part_of_the_mean_is_whose_is_told() {
    let parts = LatencyParts {
        slip: Some(500.0),
        client_queue: 5_000.0,
        network_and_broker: 1_250.0,
        ..LatencyParts::default()
    };
    let client = Client { parts_us: Some(parts), retries: 3, ..Client::default() };
    let page = page(&RunReport { client: Some(client), ..RunReport::default() });
    assert!(page.contains("slip 0.50 + client queue 5.00 + network and broker 1.25 = 6.75"), "the parts and their sum");
    assert!(page.contains("retries 3"), "what the client says of itself");
}

#[test]
fn an_hour_fits_into_600_kb() {
    let page = page(&fixture::hour());
    assert!(page.len() <= 600_000, "{} bytes", page.len());
}

#[test]
fn a_run_of_many_hours_is_no_larger_than_one_of_one() {
    let mut report = fixture::hour();
    let hour = report.timeline.clone();
    for n in 1..12 {
        report.timeline.extend(hour.iter().cloned().map(|mut row| {
            row.at_s += f64::from(n) * 3_600.0;
            row
        }));
    }
    let page = page(&report);
    assert!(page.len() <= 600_000, "{} bytes", page.len());
    assert!(page.contains("Each point is 12 s"));
}

#[test]
fn nothing_is_fetched() {
    for (name, report) in fixture::all() {
        let page = page(&report);
        for fetching in ["http://", "https://", "src=", "@import", "url(//", "<link", "<iframe", "<img"] {
            let found = page.replace("http://www.w3.org/2000/svg", "").contains(fetching);
            assert!(!found, "{name} contains {fetching}");
        }
    }
}

#[test]
fn text_from_outside_stays_text() {
    const HOSTILE: &str = "\"><script>alert('x')</script><img src=x onerror=alert(1)>&amp;{{ 7 * 7 }}</style>";
    let mut report = fixture::violation();
    let hostile = || HOSTILE.to_owned();
    report.run.name = hostile();
    report.run.id = hostile();
    report.run.schedule = hostile();
    report.verdict.reasons = vec![hostile(), hostile()];
    report.verdict.name = hostile();
    report.run.deadlines_reached = vec![hostile()];
    report.environment.os = hostile();
    report.environment.brokers = vec![hostile()];
    report.environment.topics[0].name = hostile();
    report.environment.client_config.insert(hostile(), hostile());
    report.environment.client_config.insert("linger.ms".to_owned(), hostile());
    report.findings.invalid_by_reason.insert(hostile(), 3);
    for example in report.findings.examples.get_mut("lost").unwrap() {
        (example.user_id, example.event_id, example.what) = (Some(hostile()), Some(hostile()), hostile());
        (example.topic, example.event_type) = (Some(hostile()), Some(hostile()));
    }
    let examples = report.findings.examples["lost"].clone();
    report.findings.examples.insert(hostile(), examples);
    report.partitions[0].topic = hostile();
    report.hot_keys[0].key = hostile();
    report.timeline[3].marks = vec![hostile()];
    report.gates[0].rule = hostile();
    report.gates[0].reason = Some(hostile());
    report.phases = fixture::hour().phases;
    report.phases[0].name = hostile();
    report.phases[0].schedule = hostile();
    let of = report.by_type.remove("view").unwrap();
    report.by_type.insert(hostile(), of);
    report.replay = fixture::replayed().replay;
    report.replay.as_mut().unwrap().file = hostile();
    report.replay.as_mut().unwrap().derived_fields = vec![hostile()];
    let page = page(&report);
    keep("hostile", &page);
    for harmful in ["<script>alert", "<img", "onerror=alert(1)>", "</script><", "{{ 7", "49"] {
        let harmful_only = page.replace("onerror=alert(1)&gt;", "").replace("{{ 7 * 7 }}", "");
        let found = match harmful {
            "{{ 7" | "49" => !page.contains("{{ 7 * 7 }}"),
            "</script><" => page.contains("alert('x')</script>"),
            harmful => harmful_only.contains(harmful),
        };
        assert!(!found, "{harmful}");
    }
    assert!(page.matches("&lt;script&gt;").count() > 20);
    assert_eq!(page.matches("<script").count(), 2, "its own two");
}

#[test]
fn a_word_with_a_definition_leads_to_the_glossary_and_one_without_does_not() {
    let mut report = fixture::pass();
    report.latency_us.commit_time = report.latency_us.end_to_end;
    let page = page(&report);
    let lost = explain::sentence("lost").unwrap();
    assert!(page.contains(&format!("href=\"#word-lost\" title=\"{lost}\"")));
    assert!(page.contains(r#"<div id="word-lost">"#));
    assert!(page.contains("due→committed") && !page.contains("word-commit_time"));
}

#[test]
fn the_verdict_and_the_broker_that_is_none_come_first() {
    let page = page(&fixture::embedded());
    let place = |text: &str| page.find(text).unwrap();
    assert!(place("<h1>") < place("embedded broker: not Kafka") && place("embedded broker: not Kafka") < place("<nav"));
}

#[test]
fn what_was_not_looked_for_is_not_called_none() {
    let page = page(&fixture::no_verify());
    assert!(page.contains("not looked for: nothing was read back"));
    assert!(!page.contains("data-series=\"seen\"") && !page.contains("data-series=\"unread\""));
    assert!(!page.contains("class=\"good\" style=\"flex-grow"), "what is not verified is not green");
    assert!(page.contains("Nothing was read back (--no-verify)"));
}
