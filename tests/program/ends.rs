//! How the program ends where nobody can be told, or nothing can be kept: the verdict stands, whatever becomes of its words.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fs::{self, OpenOptions};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::shell::{Ran, Shell};
use loadgen::kafka::embedded::Embedded;
use serde_json::Value;

/// A run of a second that nothing is wrong with.
const RUN: [&str; 8] =
    ["synth", "-b", "nowhere", "--num-records", "50", "--no-progress", "--gate-off", "generator_healthy"];
/// A gate that it fails.
const FAILS: [&str; 2] = ["--gate", "scheduled < 5"];

/// Where nothing can be written, as on a disk that is full.
fn full() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").unwrap().into()
}

fn code_with(shell: &Shell, args: &[&str], stdout: Stdio, stderr: Stdio) -> i32 {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    command.args(args).current_dir(shell.path()).env_clear().stdout(stdout).stderr(stderr);
    command.status().unwrap().code().unwrap()
}

/// A pipe whose reader has gone.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

#[test]
fn a_stderr_that_cannot_be_written_changes_no_exit_code() {
    let shell = Shell::new();
    let fails = [&RUN[..], &FAILS].concat();
    for stderr in [full, closed] {
        for (args, code) in [
            (&["explain", "lost"][..], 0),
            (&["explain", "zebra"], 2),
            (&["synth", "--nope"], 2),
            (&["replay", "missing.csv"], 7),
            (&[&RUN[..], &["-vv"]].concat(), 0),
            (&fails, 99),
            (&[&fails[..], &["--quiet"]].concat(), 99),
        ] {
            assert_eq!(code_with(&shell, args, Stdio::null(), stderr()), code, "{args:?}");
        }
    }
}

#[test]
fn a_full_stdout_is_an_error_and_a_closed_one_is_none() {
    let shell = Shell::new();
    let fails = [&RUN[..], &FAILS].concat();
    for (args, when_full, when_closed) in [
        (&["explain", "gates"][..], 8, 0),
        (&["--help"], 8, 0),
        (&["synth", "--help"], 8, 0),
        (&["--version"], 8, 0),
        (&["dataset", "generate", "--rows", "5"], 8, 0),
        (&RUN, 8, 0),
        (&[&RUN[..], &["-o", "json"]].concat(), 8, 0),
        (&[&RUN[..], &["--quiet"]].concat(), 0, 0),
        (&fails, 99, 99),
    ] {
        assert_eq!(code_with(&shell, args, full(), Stdio::null()), when_full, "{args:?}");
        assert_eq!(code_with(&shell, args, closed(), Stdio::null()), when_closed, "{args:?}");
    }
    let told = Command::new(env!("CARGO_BIN_EXE_loadgen")).args(["explain", "lost"]).stdout(full()).output().unwrap();
    let told = String::from_utf8(told.stderr).unwrap();
    assert!(told.contains("stdout cannot be written") && told.contains("exit 8 (not_written)"), "{told}");
}

#[test]
fn only_a_verdict_is_called_one() {
    let shell = Shell::new();
    let verdict = "nothing was wrong";
    shell.run(&RUN).ends_with_code(0).complains(verdict);
    let bundle = only_bundle(&shell);
    let bundle = bundle.to_str().unwrap();
    for (args, ending) in [
        (&["explain", "lost"][..], "exit 0 (told)"),
        (&["synth", "-X", "dump"], "exit 0 (told)"),
        (&["synth", "--dry-run"], "exit 0 (told)"),
        (&["report", bundle], "exit 0 (told)"),
        (&["dataset", "generate", "--rows", "5", "--out", "five.csv"], "exit 0 (done)"),
        (&["dataset", "info", "five.csv"], "exit 0 (told)"),
        (&["gate", bundle, "--gate", "scheduled == 50"], "exit 0 (kept)"),
    ] {
        let ran = shell.run(args).ends_with_code(0).complains(ending);
        assert!(!ran.err.contains(verdict), "{args:?}: {}", ran.err);
    }
}

#[test]
fn an_export_that_fails_hides_no_gate_that_failed() {
    let shell = Shell::new();
    let export = ["--export", "html=/dev/full", "--export", "json=there.json"];
    shell.run(&[&RUN[..], &export].concat()).ends_with_code(8).says("PASS").complains("/dev/full");
    assert!(shell.path().join("there.json").exists(), "one that fails keeps none of the others from being written");
    shell.run(&[&RUN[..], &FAILS, &export].concat()).ends_with_code(99).says("FAIL").complains("/dev/full");
}

/// The program where no file can grow beyond `blocks` of 512 bytes, as on a disk that is full.
fn with_small_files(shell: &Shell, blocks: u32, args: &[&str]) -> Ran {
    let mut command = Command::new("sh");
    let limited = format!("ulimit -f {blocks}; exec \"$@\"");
    command.args(["-c", &limited, "sh", env!("CARGO_BIN_EXE_loadgen")]).args(args);
    let output = command.current_dir(shell.path()).env_clear().output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

fn only_bundle(shell: &Shell) -> PathBuf {
    let mut folders = fs::read_dir(shell.path().join("results")).unwrap().map(|entry| entry.unwrap().path());
    let folder = folders.next().unwrap();
    assert_eq!(folders.next(), None);
    folder
}

#[test]
fn results_that_cannot_be_written_take_nothing_of_the_summary_and_the_verdict() {
    let shell = Shell::new();
    let told = "the results could not be written";
    let ran = with_small_files(&shell, 16, &RUN).ends_with_code(8);
    let ran = ran.says("NOT WRITTEN").says(told).says("sum = scheduled").complains("goes on").complains("--recover");
    assert!(!ran.out.contains("report.html\n"), "no page is named that is not there: {}", ran.out);
    let folder = only_bundle(&shell);
    assert!(folder.join("PARTIAL").exists() && !folder.join("report.html").exists());
    let folder = folder.to_str().unwrap();
    // With room again, what is still known is made into a report.
    shell.run(&["report", folder, "--recover"]).says("50");
    assert!(only_bundle(&shell).join("report.html").exists());
    fs::remove_dir_all(folder).unwrap();

    let json = with_small_files(&shell, 16, &[&RUN[..], &FAILS, &["-o", "json"]].concat()).ends_with_code(99);
    let report: Value = json.json();
    assert_eq!(report["verdict"]["also"], serde_json::json!(["not_written"]));
    assert_eq!(report["ledger"]["unverified"], 50);
}

#[test]
fn a_reading_whose_results_cannot_be_written_tells_what_it_read() {
    let shell = Shell::new();
    let broker = Embedded::start("raw-events", 1).unwrap();
    let at = ["-b", broker.address(), "--no-progress"];
    let healthy = ["--gate-off", "generator_healthy"];
    let ran = shell.run(&[&["synth", "--num-records", "50"], &at[..], &healthy].concat());
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    fs::remove_dir_all(shell.path().join("results")).unwrap();

    let verify = [&["verify", "--num-records", "50"], &at[..]].concat();
    let ran = with_small_files(&shell, 4, &verify).ends_with_code(8);
    ran.says("NOT WRITTEN").says("the results could not be written").says("50").complains("the run goes on");
    assert!(only_bundle(&shell).join("PARTIAL").exists());
    let fails = [&verify[..], &["--gate", "reading.events < 5", "-o", "json"]].concat();
    let report: Value = with_small_files(&shell, 4, &fails).ends_with_code(99).json();
    assert_eq!(report["verdict"]["also"], serde_json::json!(["not_written"]));
    assert_eq!((&report["reading"]["events"], &report["reading"]["missing"]), (&50.into(), &0.into()));
}

#[test]
fn a_disk_that_fills_in_mid_run_takes_no_event_from_the_account_and_what_is_lost_passes_for_nothing() {
    let shell = Shell::new();
    let broker = Embedded::start("raw-events", 3).unwrap();
    let at = ["-b", broker.address(), "--no-progress"];
    let unread = ["synth", "--num-records", "30000", "--rate", "30000", "--no-verify"];
    let ran = with_small_files(&shell, 8, &[&unread[..], &at, &["--gate-off", "generator_healthy"]].concat());
    ran.ends_with_code(8).says("NOT WRITTEN").says("sum = scheduled").says("30,000 events acked").complains("goes on");
    let folder = only_bundle(&shell);
    let answers = fs::metadata(folder.join("answers.ndjson.zst")).unwrap().len();
    // A shell counts blocks of 512 or of 1,024 bytes.
    assert!([4_096, 8_192].contains(&answers), "the first answers found room, and then there was none: {answers}");

    let folder = folder.to_str().unwrap();
    let join = [&["verify", "--producer-report", folder], &at[..]].concat();
    shell.run(&join).ends_with_code(7).complains("this run has not been judged");
    shell.run(&["report", folder, "--recover"]).ends_with_code(4);
    shell.run(&join).ends_with_code(7).complains("is not known to the end");
}

#[test]
fn a_search_whose_results_cannot_be_written_tells_its_answer() {
    let shell = Shell::new();
    let search = ["capacity", "-b", "nowhere", "--start", "100/s", "--max", "200/s", "--probe", "1s", "--settle", "0s"];
    let search = [&search[..], &["--gate-off", "generator_healthy", "--no-progress"]].concat();
    let ran = with_small_files(&shell, 4, &search);
    assert!(matches!(ran.code, 5 | 8 | 99), "{}\n{}", ran.out, ran.err);
    ran.says("CAPACITY").says("took").complains("could not be written");
}

const IN_MID_RUN: &str = r#"
name = "mid"
[source]
kind = "synthetic"
[[phase]]
name = "flat"
rate = "200/s"
duration = "DURATION"
[[gate]]
rule = "RULE"
abort = true
"#;

fn in_mid_run(rule: &str, duration: &str) -> Ran {
    let shell = Shell::new();
    let text = IN_MID_RUN.replace("RULE", rule).replace("DURATION", duration);
    fs::write(shell.path().join("mid.toml"), text).unwrap();
    shell.run(&["run", "mid.toml", "-b", "nowhere", "--no-progress", "--gate-off", "generator_healthy"])
}

#[test]
fn a_gate_on_a_phase_ends_a_run_that_breaks_it() {
    for rule in ["phase.flat.response_time.p50 < 1us", "offered.achieved_rate < 1/s", "timeline.response_max.max < 1us"]
    {
        in_mid_run(rule, "1h").ends_with_code(99).says("ended early by the gate");
    }
}

#[test]
fn a_gate_that_holds_at_the_end_does_not_end_a_run_before() {
    for rule in ["offered.achieved_rate >= 10/s", "scheduled >= 400", "offered.bytes > 40KiB", "timeline.sent.max > 1"]
    {
        let ran = in_mid_run(rule, "2s").ends_with_code(0);
        assert!(!ran.out.contains("ended early"), "{rule}: {}", ran.out);
    }
}

#[test]
fn a_gate_that_a_plan_cannot_decide_is_told_before_it_is_run() {
    let shell = Shell::new();
    fs::write(shell.path().join("few.toml"), "name = \"few\"\nrate = \"100/s\"\nduration = \"6s\"\n[source]\nkind = \"synthetic\"\n\
         [[gate]]\nrule = \"response_time.p99 < 250ms\"\n[[gate]]\nrule = \"response_time.p95 < 250ms\"\n\
         [[gate]]\nrule = \"by_type.review.response_time.p90 < 1s\"\n[[gate]]\nrule = \"timeline.response_p99.max < 1s\"\n").unwrap();
    let told =
        "gate response_time.p99 < 250ms cannot be evaluated by this run: needs 1,000 samples, this run will have 600";
    let checked =
        shell.run(&["check", "few.toml"]).ends_with_code(0).says(told).says("by_type.review.response_time.p90");
    let checked = checked.says("timeline.response_p99.max < 1s cannot be evaluated");
    assert!(!checked.out.contains("p95 < 250ms cannot"), "{}", checked.out);
    shell.run(&["run", "few.toml", "--dry-run"]).ends_with_code(0).says(told);
    let args = ["synth", "-b", "nowhere", "--num-records", "50", "--no-progress", "--gate-off", "generator_healthy"];
    let ran =
        shell.run(&[&args[..], &["--gate", "response_time.p99 < 3600s", "--gate", "end_to_end.max < 3600s"]].concat());
    let ran = ran.ends_with_code(4).complains("needs 1,000 samples, this run will have 50");
    ran.complains("gate end_to_end.max < 3600s cannot be evaluated by this run");
    for scenario in ["scenarios/smoke.toml", "scenarios/ingestion.toml"] {
        let scenario = format!("{}/{scenario}", env!("CARGO_MANIFEST_DIR"));
        let ran = shell.run(&["run", &scenario, "--dry-run"]).ends_with_code(0);
        assert!(!ran.out.contains("cannot be evaluated"), "{scenario}: {}", ran.out);
    }
}
