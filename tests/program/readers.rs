//! Other people's tools read what a run leaves behind: HdrHistogram's own log processor, a JSON Schema validator, a JUnit
//! parser. And every way for a run to end has its exit code.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::collections::BTreeMap;
use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::Shell;
use junit_parser::TestStatus;
use loadgen::bundle;
use loadgen::recording::LatencyKind;
use serde_json::{Value, json};

/// Judged by the plan's own gates and by what became of the events, not by how busy the machine is.
const CALM: [&str; 2] = ["--gate-off", "generator_healthy"];

/// A short synthetic run with more arguments: how it ended, and its folder.
fn synth(shell: &Shell, name: &str, more: &[&str]) -> (i32, PathBuf) {
    let args = ["synth", "--name", name, "--results-dir", name, "--no-progress"];
    let ran = shell.run(&[&args[..], more].concat());
    let folder = only_folder(&shell.path().join(name));
    assert!(folder.join("report.json").is_file(), "{}\n{}", ran.out, ran.err);
    (ran.code, folder)
}

fn only_folder(results: &Path) -> PathBuf {
    let mut folders = fs::read_dir(results).unwrap().map(|entry| entry.unwrap().path());
    let folder = folders.next().unwrap();
    assert_eq!(folders.next(), None);
    folder
}

fn report(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("report.json")).unwrap()).unwrap()
}

/// The rows that `HistogramLogProcessor` makes of one tag: level, value in us, samples up to it.
fn processed(log: &Path, tag: &str) -> Vec<(String, u64, u64)> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/kafka");
    // The library is among Kafka's own.
    let class = ["run", "org.HdrHistogram.HistogramLogProcessor", "-csv", "-outputValueUnitRatio", "1"];
    // With 100 rows to each halving of the rest, 50, 90, 95 and 99 % each are the level of a row.
    let args = ["-percentilesOutputTicksPerHalf", "100", "-tag", tag, "-i", log.to_str().unwrap()];
    let output = Command::new(script).args(class).args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let row = |line: &str| {
        let [value, level, samples, _] = line.split(',').collect::<Vec<_>>().try_into().ok()?;
        let value = value.strip_suffix(".000")?.parse().ok()?;
        Some((level.to_owned(), value, samples.parse().ok()?))
    };
    text.lines().filter_map(row).collect()
}

#[test]
fn hdrhistograms_own_log_processor_finds_the_quantiles_of_the_report() {
    let shell = Shell::new();
    let (_, folder) = synth(&shell, "logged", &["--rate", "1500/s", "--duration", "2s"]);
    let stored = bundle::read(&folder).unwrap().report;
    let log = folder.join("latency.hlog");
    for kind in [LatencyKind::ResponseTime, LatencyKind::EndToEnd] {
        let summary = kind.of(&stored.latency_us).unwrap();
        for tag in [kind.to_string(), format!("phase.0.{kind}")] {
            let rows = processed(&log, &tag);
            let at = |level: &str| rows.iter().find(|row| row.0 == level).map(|row| row.1);
            assert_eq!(rows.last().map(|row| row.2), Some(summary.count), "{tag}");
            for (level, reported) in [
                ("0.500000000000", summary.p50),
                ("0.900000000000", summary.p90),
                ("0.950000000000", summary.p95),
                ("0.990000000000", summary.p99),
                ("1.000000000000", summary.max),
            ] {
                assert!(reported.is_some(), "3,000 samples are enough");
                assert_eq!(at(level), reported, "{tag} at {level}");
            }
        }
    }
}

fn schema() -> jsonschema::Validator {
    let text = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/report.schema.json")).unwrap();
    jsonschema::validator_for(&serde_json::from_slice(&text).unwrap()).unwrap()
}

#[track_caller]
fn is_valid(schema: &jsonschema::Validator, report: &Value) {
    let errors: Vec<String> =
        schema.iter_errors(report).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

/// A run stopped by a signal when it had sent for a second: how it ended, and its folder.
fn stopped(shell: &Shell, name: &str, signal: &str) -> (Option<i32>, PathBuf) {
    let running = shell.start(&[&["synth", "--rate", "300/s", "--results-dir", name], &CALM[..]].concat());
    let results = shell.path().join(name);
    running.wait_for("second of the run", || {
        let folder = fs::read_dir(&results).ok().and_then(|mut folders| folders.next()?.ok());
        let rows = folder.and_then(|folder| fs::read_to_string(folder.path().join("timeline.ndjson")).ok());
        rows.is_some_and(|rows| rows.contains('\n'))
    });
    running.signal(signal);
    (running.wait_for_the_end().code(), only_folder(&results))
}

#[test]
fn the_report_of_every_kind_of_run_is_valid_by_the_schema() {
    let shell = Shell::new();
    let schema = schema();
    shell.recording("sample.csv", 300);
    let short = ["--rate", "300/s", "--num-records", "300"];
    let synthetic = report(&synth(&shell, "synthetic", &[&short[..], &CALM].concat()).1);
    let unverified = report(&synth(&shell, "unverified", &[&short[..], &CALM, &["--no-verify"]].concat()).1);
    let unlimited = ["--rate", "unlimited", "--num-records", "300"];
    let unlimited = report(&synth(&shell, "unlimited", &[&unlimited[..], &CALM].concat()).1);
    let replayed = report(&shell.replayed("sample.csv", "replayed", &["--fit", "1s"]));
    let rated = report(&shell.replayed("sample.csv", "rated", &["--rate", "250/s"]));
    let failed = report(&synth(&shell, "failed", &[&short[..], &CALM, &["--gate", "verified == 1"]].concat()).1);
    let invalid = report(&synth(&shell, "invalid", &INVALID).1);
    let (code, folder) = stopped(&shell, "interrupted", "INT");
    assert_eq!(code, Some(130));
    let interrupted = report(&folder);
    let (code, folder) = stopped(&shell, "killed", "KILL");
    assert_eq!(code, None);
    shell.run(&["report", "--recover", folder.to_str().unwrap()]).ends_with_code(4);
    let killed = report(&folder);
    for (name, report, code) in [
        ("synth", &synthetic, 0),
        ("unverified", &unverified, 0),
        ("unlimited", &unlimited, 0),
        ("replay", &replayed, 0),
        ("replay at a rate", &rated, 0),
        ("failed", &failed, 99),
        ("invalid", &invalid, 5),
        ("interrupted", &interrupted, 130),
        ("killed", &killed, 4),
    ] {
        assert_eq!(report["verdict"]["code"], code, "{name}: {}", report["verdict"]);
        is_valid(&schema, report);
        if code == 0 {
            let rows = report["timeline"].as_array().unwrap();
            let told: u64 = rows.iter().map(|row| row["scheduled"].as_u64().unwrap()).sum();
            assert_eq!(
                Some(told),
                report["ledger"]["scheduled"].as_u64(),
                "{name}: no row tells of events that never were"
            );
        }
    }
    // The validator is one: what is wrong is told.
    let mut broken = synthetic;
    broken["ledger"]["lost"] = json!("none");
    broken["latency_us"].as_object_mut().unwrap().remove("service_time");
    assert_eq!(schema.iter_errors(&broken).count(), 2);
}

/// What holds events back on this side makes them late: the generator is the limit.
const INVALID: [&str; 6] = ["--rate", "100/s", "--duration", "1s", "--max-rate", "40/s"];

#[test]
fn every_exit_code_of_a_run_is_that_of_what_happened() {
    let shell = Shell::new();
    let short = ["--rate", "200/s", "--num-records", "200"];
    let gated = |name: &str, gates: &[&str]| {
        let gates: Vec<&str> = gates.iter().flat_map(|rule| ["--gate", *rule]).collect();
        let (code, folder) = synth(&shell, name, &[&short[..], &CALM, &gates].concat());
        assert_eq!(report(&folder)["verdict"]["code"], code, "{name}");
        (code, report(&folder))
    };
    let (unsampled, failed, kept) = ("response_time.p9999 < 1s", "verified < 200", "lost == 0");
    assert_eq!(gated("good", &[kept]).0, 0);
    let (code, report_4) = gated("unsampled", &[kept, unsampled]);
    assert_eq!(code, 4);
    assert_eq!(
        (&report_4["gates"][1]["result"], &report_4["gates"][1]["value"]),
        (&json!("unevaluated"), &Value::Null)
    );
    assert_eq!(gated("failed", &[failed, kept]).0, 99);
    assert_eq!(gated("both", &[unsampled, failed]).0, 99, "what failed outranks what is not known");
    assert_eq!(gated("unread", &["end_to_end.p50 < 1s", "timeline.seen.max < 1"]).0, 99);
    let (code, folder) = synth(&shell, "invalid", &[&INVALID[..], &["--gate", "response_time.p50 > 1us"]].concat());
    assert_eq!(code, 5);
    assert_eq!(report(&folder)["gates"][0]["result"], "unevaluated", "the figures of an invalid run pass nothing");
    shell.run(&["synth", "--gate", "lost = 0"]).ends_with_code(104);
    assert!(!shell.path().join("results").exists(), "a wrong rule is found before anything is sent");
    // Nothing was measured of the type that does not occur.
    let only_views = ["--weights", "view=1", "--gate", "by_type.review.response_time.max < 999s"];
    assert_eq!(synth(&shell, "absent", &[&short[..], &CALM, &only_views].concat()).0, 4);
    // Nothing was read back.
    let unread = ["--no-verify", "--gate", "lost == 0", "--gate", "end_to_end.max < 999s"];
    let (code, folder) = synth(&shell, "unverified", &[&short[..], &CALM, &unread].concat());
    assert_eq!(code, 4, "{}", report(&folder)["gates"]);
    assert!(report(&folder)["gates"].as_array().unwrap().iter().take(2).all(|gate| gate["result"] == "unevaluated"));
}

#[test]
fn a_stock_parser_reads_the_gates_as_test_cases() {
    let shell = Shell::new();
    let gates = ["--gate", "lost == 0", "--gate", "verified == 1", "--gate", "response_time.p9999 < 1s"];
    let (_, folder) =
        synth(&shell, "cases", &[&["--rate", "200/s", "--num-records", "200"], &CALM[..], &gates].concat());
    let file = BufReader::new(fs::File::open(folder.join("junit.xml")).unwrap());
    let suites = junit_parser::from_reader(file).unwrap();
    let cases: BTreeMap<&str, &TestStatus> = suites
        .suites
        .iter()
        .flat_map(|suite| &suite.cases)
        .map(|case| (case.original_name.as_str(), &case.status))
        .collect();
    assert!(matches!(cases["lost == 0"], TestStatus::Success), "{cases:?}");
    assert!(matches!(cases["verified == 1"], TestStatus::Failure(_)));
    assert!(matches!(cases["response_time.p9999 < 1s"], TestStatus::Error(_)), "unevaluated is never skipped");
    assert!(!cases.values().any(|status| matches!(status, TestStatus::Skipped(_))));
    let counted = |of: fn(&TestStatus) -> bool| cases.values().filter(|status| of(status)).count() as u64;
    assert_eq!(suites.tests, cases.len() as u64);
    assert_eq!(suites.failures, counted(|status| matches!(status, TestStatus::Failure(_))));
    assert_eq!(suites.errors, counted(|status| matches!(status, TestStatus::Error(_))));
}
