//! report.html in a real browser: nothing is fetched, nothing fails, values show under the pointer and under the keys, and
//! zoom shows more. The pages of a comparison and of a capacity search are of the same style and hold to the same.
//!
//! The pages and their screenshots stay in `target/tmp/browser`, to be looked at.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]
#![allow(clippy::print_stdout, reason = "a test that is left out says so")]

pub(crate) mod browser;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::reports::fixture;
use crate::shell::Shell;
use browser::{Browser, Look};
use loadgen::output::html;
use loadgen::report::RunReport;

const WIDE: Look = Look { width: 1180, dark: false, paper: false };
const DARK: Look = Look { dark: true, ..WIDE };
const PHONE: Look = Look { width: 390, ..WIDE };
/// A4 without its margins, printed by someone whose screen is dark.
const PAPER: Look = Look { width: 703, dark: true, paper: true };
const RIGHT: char = '\u{e014}';
const END: char = '\u{e010}';
const ESCAPE: char = '\u{e00c}';

fn page(name: &str, report: &RunReport) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{name}.html"));
    html::write(std::fs::File::create(&path).unwrap(), report).unwrap();
    path
}

fn keep(page: &Path, suffix: &str, base64: &str) {
    let path = page.with_extension(suffix);
    let mut decode = Command::new("base64");
    let mut child = decode
        .arg("-d")
        .stdin(std::process::Stdio::piped())
        .stdout(std::fs::File::create(path).unwrap())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), base64.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn every_page_opens_offline_without_a_word_on_the_console() {
    let Some(browser) = Browser::start() else { return };
    for (name, report) in fixture::all() {
        let path = page(name, &report);
        browser.open(&path, WIDE);
        assert_eq!(browser.console(), Vec::<String>::new(), "{name}");
        assert_eq!(browser.requests(), [format!("file://{}", path.display())], "{name}: the page and nothing else");
        let charts = browser.script(
            "return Array.from(document.querySelectorAll('svg.chart'), svg => \
             [svg.getBoundingClientRect().height, svg.querySelectorAll('.line').length])",
        );
        let shown: Vec<_> =
            charts.as_array().unwrap().iter().filter(|chart| chart[0].as_f64().unwrap() > 100.0).collect();
        assert_eq!(shown.len(), 4, "{name}: four of the eight are shown");
        assert!(shown.iter().all(|chart| chart[1].as_u64().unwrap() > 0), "{name}: {shown:?} all have lines");
        keep(&path, "light.png", &browser.screenshot());
    }
}

#[test]
fn nothing_runs_over_on_a_phone_in_the_dark_or_on_paper() {
    let Some(browser) = Browser::start() else { return };
    let path = page("look", &fixture::violation());
    for (look, suffix) in [(DARK, "dark.png"), (PHONE, "phone.png"), (PAPER, "paper.png")] {
        browser.open(&path, look);
        let width = browser.script("return document.documentElement.scrollWidth");
        keep(&path, suffix, &browser.screenshot());
        let wide = browser.script(
            "return Array.from(document.querySelectorAll('body *')) \
             .filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth) \
             .map(one => one.outerHTML.slice(0, 120))",
        );
        assert_eq!(width.as_u64().unwrap(), u64::from(look.width), "{suffix}: what is wider than the screen: {wide:#}");
    }
    let colors = |look| {
        browser.open(&path, look);
        browser.script("const style = getComputedStyle(document.body); return [style.color, style.backgroundColor]")
    };
    assert_ne!(colors(WIDE), colors(DARK));
    assert_eq!(colors(WIDE), colors(PAPER), "paper is never dark");
    browser.open(&path, DARK);
    keep(&path, "pdf", &browser.print());
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn the_colors_of_text_stand_out_from_what_is_behind_them() {
    let Some(browser) = Browser::start() else { return };
    let path = page("contrast", &fixture::violation());
    for look in [WIDE, DARK] {
        browser.open(&path, look);
        browser.script("for (const folded of document.querySelectorAll('details')) folded.open = true");
        let poor = browser.script(include_str!("html_report/contrast.js"));
        assert_eq!(poor, serde_json::json!([]), "WCAG 2.2, 1.4.3: 4.5 to 1");
    }
}

#[test]
fn text_from_outside_does_nothing_in_a_browser() {
    const HOSTILE: &str =
        "</script></style>\"'><img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>";
    let Some(browser) = Browser::start() else { return };
    let mut report = fixture::violation();
    report.run.name = HOSTILE.to_owned();
    report.verdict.reasons = vec![HOSTILE.to_owned()];
    report.environment.client_config.insert(HOSTILE.to_owned(), HOSTILE.to_owned());
    report.timeline[3].marks = vec![HOSTILE.to_owned()];
    report.findings.examples.get_mut("lost").unwrap()[0].user_id = Some(HOSTILE.to_owned());
    browser.open(&page("hostile", &report), WIDE);
    let title = browser.script("return document.title");
    assert_eq!(title.as_str().unwrap(), format!("VIOLATION: synth \"{HOSTILE}\""));
    assert_eq!(browser.script("return [document.images.length, document.scripts.length]"), serde_json::json!([0, 2]));
    let heading = browser.script("return document.querySelector('h1').textContent");
    assert_eq!(heading.as_str().unwrap(), format!("VIOLATION {HOSTILE}"));
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn values_show_under_the_pointer_and_go_with_it() {
    let Some(browser) = Browser::start() else { return };
    let path = page("hover", &fixture::gate_fail());
    browser.open(&path, WIDE);
    let value = |figure: &str, series: &str| {
        let script =
            format!("return document.querySelector('[data-figure={figure}] output[data-series={series}]').textContent");
        browser.script(&script).as_str().unwrap().to_owned()
    };
    assert_eq!(value("rates", "acked"), "");
    // The chart's plane begins at 62 and ends at 978 of 1000; the stall is from 20 s to 23 s of 60 s.
    let at = |second: f64| (0.062 + 0.916 * second / 60.0, 0.5);
    browser.mouse("[data-figure=rates] svg.wide", &[at(21.5)], false);
    assert_eq!(value("rates", "acked"), "0/s");
    assert_eq!(value("rates", "sent"), "10,000/s");
    assert_eq!(value("latencies", "response_p99"), "-", "nothing was acked, so there is no quantile");
    assert_eq!(value("backlogs", "outstanding"), "20,000", "what is pointed at in one chart is shown in all");
    let time = browser.script("return document.querySelector('#cursor-time').textContent");
    assert_eq!(time.as_str().unwrap(), "00:00:21 … 00:00:22");
    browser.mouse("[data-figure=rates] svg.wide", &[at(23.5)], false);
    assert_eq!(value("rates", "acked"), "40,000/s");
    keep(&path, "png", &browser.screenshot());
    browser.mouse("h1", &[(0.1, 0.5)], false);
    assert_eq!(value("rates", "acked"), "", "nothing is pointed at");
    browser.mouse("[data-figure=percentiles] svg.wide", &[(0.95, 0.5)], false);
    assert_eq!(value("percentiles", "response_time"), "3.01 s");
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn arrow_keys_read_the_values_aloud() {
    let Some(browser) = Browser::start() else { return };
    browser.open(&page("keys", &fixture::gate_fail()), WIDE);
    browser.script("document.querySelector('[data-figure=rates] .plot').focus()");
    for _ in 0..22 {
        browser.press(RIGHT);
    }
    let said = || browser.script("return document.activeElement.getAttribute('aria-valuetext')");
    let said = |expected: &str| assert_eq!(said().as_str().unwrap(), expected);
    said("00:00:21 … 00:00:22: due 10,000/s, sent 10,000/s, acked 0/s, seen 0/s");
    browser.press(END);
    said("00:00:59 … 00:01:00: due 10,000/s, sent 10,000/s, acked 10,000/s, seen 10,000/s");
    let role = browser.script("const at = document.activeElement; return [at.role, at.ariaLabel, at.ariaValueMax]");
    assert_eq!(role[0], "slider");
    assert_eq!(role[1], "Events per second: due, sent, acked, seen; the highest is 40,000");
    assert_eq!(role[2], "59");
}

#[test]
fn a_stretch_that_is_dragged_over_is_zoomed_into_and_out_of() {
    let Some(browser) = Browser::start() else { return };
    let path = page("zoom", &fixture::hour());
    browser.open(&path, WIDE);
    let labels = || {
        let labels = browser.script(
            "return Array.from(document.querySelectorAll('[data-figure=latencies] svg.wide .xlabel'), \
             label => label.textContent.trim())",
        );
        labels.as_array().unwrap().iter().map(|label| label.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let points = || {
        let script = "return document.querySelector('[data-figure=rates] svg.wide .line.acked').points.length";
        browser.script(script).as_u64().unwrap()
    };
    let whole = labels();
    assert_eq!(whole.first().unwrap(), "00:00:00");
    let (before, drawn) = (points(), browser.script("return document.querySelector('svg.wide').innerHTML"));
    // From 19 to 21 minutes: the stall is from 20:00 to 20:06.
    let at = |minute: f64| (0.062 + 0.916 * minute / 60.0, 0.5);
    browser.mouse("[data-figure=rates] svg.wide", &[at(19.0), at(20.0), at(21.0)], true);
    let zoomed = labels();
    assert!(zoomed.iter().all(|label| label.starts_with("00:19:") || label.starts_with("00:2")), "{zoomed:?}");
    assert!(zoomed.contains(&"00:20:00".to_owned()), "{zoomed:?}");
    assert!(points() > 50, "each second of the two minutes is drawn: {} points, {before} before", points());
    keep(&path, "png", &browser.screenshot());
    browser.script("document.querySelector('[data-figure=rates] .plot').focus()");
    browser.press('+');
    assert!(labels().len() >= 2 && labels() != zoomed, "{:?}", labels());
    browser.press(ESCAPE);
    browser.mouse("h1", &[(0.1, 0.5)], false);
    assert_eq!(labels(), whole);
    assert_eq!(browser.script("return document.querySelector('svg.wide').innerHTML"), drawn, "all is as it was drawn");
    assert_eq!(browser.console(), Vec::<String>::new());
}

/// The pages of two short runs that are compared, and of a search.
fn other_pages(shell: &Shell) -> [PathBuf; 2] {
    let made = |folder: &str| {
        let there = std::fs::read_dir(shell.path().join(folder)).unwrap().next().unwrap().unwrap().path();
        there.strip_prefix(shell.path()).unwrap().to_str().unwrap().to_owned()
    };
    // Whether this machine is busy is not asked here.
    let off =
        ["generator_on_time", "generator_kept_rate", "generator_had_cpu"].map(|gate| ["--gate-off", gate]).concat();
    for side in ["base", "new"] {
        shell.run(&[&["synth", "--rate", "200", "--duration", "1s", "--results-dir", side][..], &off].concat());
    }
    let compare = ["compare", &made("base"), &made("new"), "-o", "html", "--allow", "outcome"];
    let compared = shell.run(&compare).ends_with_code(0).out;
    let compare = shell.path().join("compare.html");
    std::fs::write(&compare, compared).unwrap();
    let capacity = shell.path().join("capacity.html");
    std::fs::create_dir_all(shell.path().join("probes/01-1000")).unwrap();
    std::fs::write(shell.path().join("probes/01-1000/report.html"), "").unwrap();
    let first = |_, place: usize, _| (place == 1).then(|| "probes/01-1000".to_owned());
    std::fs::write(&capacity, loadgen::output::capacity::page::render(&searched(), &first).unwrap()).unwrap();
    [compare, capacity]
}

/// A search that ended between 2,000/s and 2,200/s.
fn searched() -> loadgen::capacity::record::Record {
    let end = |rate: u64, reasons: &[&str]| serde_json::json!({ "rate": rate, "probes": 2, "reasons": reasons });
    let gate = "response_time.p99 < 250ms";
    let probe = |rate: u64, verdict: &str, p99_us: u64| {
        let reasons = if verdict == "passed" { vec![] } else { vec![gate] };
        serde_json::json!({
            "rate": rate, "verdict": verdict, "reasons": reasons, "achieved_per_s": rate, "p50_us": p99_us / 3, "p99_us": p99_us,
            "outstanding": { "per_s": 0.4, "error_per_s": 1.2 }, "unread": null, "took_s": 35.5,
        })
    };
    let record = serde_json::json!({
        "schema_version": 1, "started_at": "2026-01-01T00:00:00.123456789Z", "target": "raw-events @ broker:9092",
        "embedded": false, "gates": [gate], "settle_s": 5.0, "probe_s": 30.0,
        "searches": [{
            "config": { "start": 1_000, "max": null, "precision": 0.1, "max_time_s": 600.0 },
            "answer": "system_limit", "low": end(2_000, &[]), "high": end(2_200, &[gate]), "contradictions": [],
            "knee": null, "took_s": 140.0,
            "probes": [
                probe(1_000, "passed", 8_000), probe(2_000, "passed", 40_000), probe(4_000, "failed", 900_000),
                probe(2_200, "failed", 300_000),
            ],
        }],
    });
    serde_json::from_value(record).unwrap()
}

#[test]
fn the_pages_of_compare_and_capacity_fit_a_phone_show_values_and_lead_to_the_runs() {
    let Some(browser) = Browser::start() else { return };
    let shell = Shell::new();
    for path in other_pages(&shell) {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
        std::fs::create_dir_all(&kept).unwrap();
        let kept = kept.join(name);
        browser.open(&path, WIDE);
        keep(&kept, "light.png", &browser.screenshot());
        browser.mouse("[data-figure] svg.wide", &[(0.5, 0.5)], false);
        let value = browser.script("return document.querySelector('[data-figure] output').textContent");
        assert!(value.as_str().unwrap().contains(" ms") || value.as_str().unwrap().contains(" us"), "{name}: {value}");
        let links =
            browser.script("return Array.from(document.querySelectorAll('a[href$=\"report.html\"]'), a => a.href)");
        assert!(!links.as_array().unwrap().is_empty(), "{name} leads to the runs");
        for link in links.as_array().unwrap() {
            assert!(Path::new(link.as_str().unwrap().strip_prefix("file://").unwrap()).is_file(), "{name}: {link}");
        }
        browser.open(&path, PHONE);
        keep(&kept, "phone.png", &browser.screenshot());
        assert_eq!(browser.script("return document.documentElement.scrollWidth").as_u64().unwrap(), 390, "{name}");
        let hidden = browser.script(
            "return Array.from(document.querySelectorAll('.cards .pill')) \
             .filter(one => one.getBoundingClientRect().right > 390).length",
        );
        assert_eq!(hidden, 0, "{name}: every verdict is in sight");
        let small = browser.script(
            "return Array.from(document.querySelectorAll('svg text'), one => one.getBoundingClientRect().height) \
             .filter(height => height > 0 && height < 11).length",
        );
        assert_eq!(small, 0, "{name}: text in charts can be read");
        for look in [WIDE, DARK] {
            browser.open(&path, look);
            let poor = browser.script(include_str!("html_report/contrast.js"));
            assert_eq!(poor, serde_json::json!([]), "{name}: WCAG 2.2, 1.4.3: 4.5 to 1");
        }
        assert_eq!(browser.console(), Vec::<String>::new(), "{name}");
    }
}
