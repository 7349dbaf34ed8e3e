//! Scenarios that break something: what is undone when the run is interrupted, and who runs no command at all.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fs;

use loadgen::clock::{Clock, Monotonic, Nanos};
use serde_json::Value;

use crate::at_work::wait_until;
use crate::shell::{PATIENCE, Running, Shell};

/// A run of a minute in which a file tells what was done to a system that is not there.
fn scenario(shell: &Shell, rate: u32, fault: &str) {
    let text = format!(
        "name = \"broken\"\nrate = \"{rate}/s\"\nduration = \"60s\"\n[source]\nkind = \"synthetic\"\n[[fault]]\n{fault}\n\
         undo = \"echo mended >> log\"\n"
    );
    fs::write(shell.path().join("broken.toml"), text).unwrap();
}

fn log(shell: &Shell) -> String {
    fs::read_to_string(shell.path().join("log")).unwrap_or_default()
}

fn start(shell: &Shell) -> Running {
    shell.start(&["run", "broken.toml", "--allow-fault-commands", "--no-progress", "--gate-off", "generator_healthy"])
}

/// The report of the one run in the shell's folder.
fn report(shell: &Shell) -> Value {
    let mut folders = fs::read_dir(shell.path().join("results")).unwrap();
    let folder = folders.next().unwrap().unwrap().path();
    serde_json::from_slice(&fs::read(folder.join("report.json")).unwrap()).unwrap()
}

#[test]
fn what_was_broken_is_undone_when_the_run_is_interrupted() {
    let shell = Shell::new();
    scenario(&shell, 100, "at = \"500ms\"\nrun = \"echo broken >> log\"\nafter = \"50s\"");
    let running = start(&shell);
    running.wait_for("fault", || log(&shell) == "broken\n");
    running.signal("INT");
    let ran = running.wait().ends_with_code(130);
    assert_eq!(log(&shell), "broken\nmended\n", "{}", ran.err);
    let report = report(&shell);
    let fault = &report["faults"][0];
    assert_eq!((&fault["command"]["exit_code"], &fault["undo"]["exit_code"]), (&0.into(), &0.into()), "{fault}");
    assert_eq!(report["run"]["interrupted"], true);
    let after = fault["undo"]["started_s"].as_f64().unwrap() - fault["command"]["started_s"].as_f64().unwrap();
    println!("interrupted in mid-fault: undone {after:.2} s after it was injected, 50 s were planned");
}

#[test]
fn a_closed_terminal_is_an_interruption_unless_it_was_to_be_outlived() {
    let shell = Shell::new();
    scenario(&shell, 100, "at = \"500ms\"\nrun = \"echo broken >> log\"\nafter = \"50s\"");
    let mut command = std::process::Command::new("sh");
    // Under nohup the signal is ignored from the start.
    command.args(["-c", "trap '' HUP; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_loadgen")]);
    command.args(["run", "broken.toml", "--allow-fault-commands", "--no-progress", "--gate-off", "generator_healthy"]);
    command.current_dir(shell.path()).env_clear().env("PATH", "/usr/bin:/bin");
    let outlives =
        crate::at_work::AtWork::start(command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()));
    outlives.wait_for("fault", PATIENCE, || log(&shell) == "broken\n");
    outlives.signal("HUP");
    let rows = || {
        let mut folders = fs::read_dir(shell.path().join("results")).unwrap();
        let timeline = folders.next().unwrap().unwrap().path().join("timeline.ndjson");
        fs::read_to_string(timeline).unwrap_or_default().lines().count()
    };
    let before = rows();
    outlives.wait_for("two seconds more", PATIENCE, || rows() > before + 1);
    outlives.signal("INT");
    assert_eq!(outlives.finish(PATIENCE).status.code(), Some(130));
    assert_eq!(log(&shell), "broken\nmended\n");

    let status = fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap().trim();
    if u64::from_str_radix(ignored, 16).unwrap() & 1 == 1 {
        println!("these tests run under nohup, and so does what they start");
        return;
    }
    fs::remove_file(shell.path().join("log")).unwrap();
    fs::remove_dir_all(shell.path().join("results")).unwrap();
    let running = start(&shell);
    running.wait_for("fault", || log(&shell) == "broken\n");
    running.signal("HUP");
    let ran = running.wait().ends_with_code(130);
    assert_eq!(log(&shell), "broken\nmended\n", "{}", ran.err);
    assert_eq!(report(&shell)["run"]["interrupted"], true);
}

#[test]
fn a_command_that_still_runs_is_ended_and_undone_when_the_run_is_aborted() {
    let shell = Shell::new();
    scenario(&shell, 100, "at = \"500ms\"\nrun = \"echo broken >> log; sleep 1000\"\ndeadline = \"50s\"");
    let running = start(&shell);
    running.wait_for("fault", || log(&shell) == "broken\n");
    wait_until("end", PATIENCE, || {
        // The second one aborts.
        running.signal("INT");
        running.ended().is_some()
    });
    let ran = running.wait();
    assert_eq!(ran.code, 130, "{}", ran.err);
    assert_eq!(log(&shell), "broken\nmended\n", "{}", ran.err);
    let report = report(&shell);
    let fault = &report["faults"][0];
    assert_eq!(fault["command"]["error"], "given up with the run", "{fault}");
    assert_eq!(fault["undo"]["exit_code"], 0, "{fault}");
}

#[test]
fn a_check_a_dry_run_and_a_search_tell_of_faults_and_run_none() {
    let shell = Shell::new();
    scenario(&shell, 100, "at = \"90s\"\nrun = \"echo broken >> log\"\nafter = \"5s\"");
    let fault = "at 90.0 s: echo broken >> log · undone 5.00 s later by echo mended >> log";
    let late = "the run is over by then: it will not be injected";
    let needed = "loadgen run needs --allow-fault-commands for these commands";
    shell.run(&["run", "broken.toml"]).ends_with_code(104).complains("which is not allowed");
    for command in [&["check", "broken.toml"][..], &["run", "broken.toml", "--dry-run"]] {
        shell.run(command).ends_with_code(0).says(fault).says(late).says(needed);
        let allowed = shell.run(&[command, &["--allow-fault-commands"]].concat()).ends_with_code(0).says(fault);
        assert!(!allowed.out.contains(needed), "{}", allowed.out);
    }
    let told = shell.run(&["check", "broken.toml", "-o", "json"]).ends_with_code(0).json();
    assert_eq!((&told["faults"][0]["at_s"], &told["faults"][0]["too_late"]), (&90.0.into(), &true.into()), "{told}");

    scenario(&shell, 100, "at = \"0s\"\nrun = \"echo broken >> log\"");
    let search = ["capacity", "broken.toml", "--start", "200/s", "--max", "400/s", "--probe", "1s", "--settle", "0s"];
    let allowed = [("LOADGEN_ALLOW_FAULT_COMMANDS", "true")];
    shell.run_with(&search, &allowed).complains("the scenario's faults are not injected").says("probes");
    assert_eq!(log(&shell), "", "nothing was broken");
}

#[test]
fn a_process_that_was_stopped_says_so_and_blames_no_partition_for_that_time() {
    let shell = Shell::new();
    let running = shell.start(&[
        "synth",
        "--rate",
        "500/s",
        "--duration",
        "10m",
        "--no-progress",
        "--gate-off",
        "generator_healthy",
        "--stall-threshold",
        "500ms",
    ]);
    let rows = || {
        let folder = fs::read_dir(shell.path().join("results")).ok()?.next()?.ok()?.path();
        Some(fs::read_to_string(folder.join("timeline.ndjson")).ok()?.lines().count())
    };
    running.wait_for("timeline", || rows() >= Some(2));
    running.signal("STOP");
    let clock = Monotonic::start();
    wait_until("two seconds", PATIENCE, || clock.now() >= Nanos::from_secs(2));
    let before = rows();
    running.signal("CONT");
    running.wait_for("seconds after it went on", || rows() > before.map(|rows| rows + 1));
    running.signal("INT");
    let ran = running.wait();
    let report = report(&shell);
    let process = &report["process"];
    let hiccups = process["hiccups_at"].as_array().unwrap();
    let ends = |time: &Value| {
        let from_s = time["from_s"].as_f64().unwrap();
        (from_s, from_s + time["length_s"].as_f64().unwrap())
    };
    let stopped = hiccups.iter().map(ends).find(|(from_s, until_s)| until_s - from_s > 1.5).unwrap();
    for stall in report["availability"]["stalls"].as_array().into_iter().flatten().map(ends) {
        let overlap = stall.1.min(stopped.1) - stall.0.max(stopped.0);
        assert!(overlap < 0.5, "{stall:?} lies in {stopped:?}: {process}");
    }
    assert!(ran.out.contains("this process did not run for"), "{}", ran.out);
    assert!(
        !ran.out.contains("look at its leader") && !ran.out.contains("the broker side is the cause;"),
        "{}",
        ran.out
    );
}
