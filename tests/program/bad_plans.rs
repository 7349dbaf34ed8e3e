//! Plans that cannot be: each ends before anything is connected to, with one sentence about what is wrong and where.

#![expect(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

use std::fmt::Write as _;

use assert_cmd::Command;
use tempfile::TempDir;

/// What `loadgen run --dry-run` says and ends with, for a scenario of these phases beside these files.
fn said(phases: &[&str], files: &[(&str, &str)]) -> (String, i32) {
    let folder = TempDir::new().unwrap();
    let mut scenario = "name = \"x\"\n[source]\nkind = \"synthetic\"\n".to_owned();
    for phase in phases {
        write!(scenario, "[[phase]]\n{phase}\n").unwrap();
    }
    std::fs::write(folder.path().join("s.toml"), scenario).unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let mut command = Command::cargo_bin("loadgen").unwrap();
    let output = command.args(["run", "s.toml", "--dry-run"]).current_dir(folder.path()).env_clear().output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    (stderr.lines().next().unwrap_or_default().to_owned(), output.status.code().unwrap())
}

#[track_caller]
fn refused(phases: &[&str], files: &[(&str, &str)], message: &str) {
    assert_eq!(said(phases, files), (format!("error: {message}"), 104));
}

#[test]
fn a_phase_that_would_run_into_the_next_one_is_refused() {
    let endless = "name = \"open\"\nschedule = \"constant\"\nrate = \"10/s\"";
    let next = "name = \"next\"\nschedule = \"constant\"\nrate = \"10/s\"\nduration = \"5s\"";
    refused(&[endless, next], &[], "phase \"open\" has no duration, but another phase follows it");
}

#[test]
fn a_phase_that_holds_nothing_is_refused() {
    let empty = "schedule = \"constant\"\nrate = \"10/s\"\nduration = \"0s\"";
    refused(&[empty], &[], "phase 1: `duration` must be longer than 0s");
    let flat = "name = \"flat\"\nschedule = \"ramp\"\nfrom = \"0/s\"\nto = \"0/s\"\nduration = \"5s\"";
    let (message, code) = said(&[flat], &[]);
    assert!(message.starts_with("error: ") && message.contains("flat"), "{message}");
    assert_eq!(code, 104);
}

#[test]
fn a_shape_that_reaches_past_its_phase_is_refused() {
    let past = |shape: &str, what: &str| {
        let phase = format!("name = \"peak\"\n{shape}\nduration = \"20s\"");
        let message = format!(
            "phase 1 (\"peak\"): {what} into the phase, which ends after 20s: give the phase a longer duration, or \
             until = \"20s\" to end it there on purpose"
        );
        refused(&[&phase], &[("day.csv", "0,10\n60,20\n")], &message);
        let (said, code) = said(&[&format!("{phase}\nuntil = \"20s\"")], &[("day.csv", "0,10\n20,15\n")]);
        assert_eq!((code, said.contains("error")), (0, false), "{said}");
    };
    past(
        "schedule = \"spike\"\nbase = 10\npeak = 20\nat = \"10s\"\nhold = \"15s\"",
        "the spike (`at` + `rise` + `hold` + `fall`) ends 25s",
    );
    past("schedule = \"steps\"\nrates = [10, 20, 30]\neach = \"10s\"", "the last step (`each`) ends 30s");
    past("schedule = \"ramp\"\nfrom = 10\nto = 20\nover = \"1m\"", "the ramp (`over`) ends 1m");
    past("schedule = \"bursts\"\nrate = 10\non = \"20s\"\noff = \"1s\"", "the first pause (after `on`) begins 20s");
    past("schedule = \"curve\"\nfile = \"day.csv\"", "the last point (`points`) lies 1m");
}

#[test]
fn rates_that_overflow_are_refused() {
    let fast = "schedule = \"constant\"\nrate = \"99999999999999/s\"\nduration = \"5s\"";
    refused(
        &[fast],
        &[],
        "s.toml line 6: a rate must be above 0 and at most 1000000000/s, \"99999999999999/s\" is not",
    );
    let long = |name: &str| {
        format!("name = \"{name}\"\nschedule = \"constant\"\nrate = \"1000000000/s\"\nduration = \"80000d\"")
    };
    let long = [long("a"), long("b"), long("c")];
    refused(
        &long.each_ref().map(String::as_str),
        &[],
        "phase \"c\" has more events than can be numbered (2^64): give it a shorter duration or a lower rate",
    );
}

#[test]
fn a_curve_that_goes_below_zero_or_back_in_time_is_refused_with_its_line() {
    let curve = "schedule = \"curve\"\nfile = \"curve.csv\"\nduration = \"20s\"";
    let of = |text: &'static str| [("curve.csv", text)];
    refused(
        &[curve],
        &of("seconds,rate\n0,10\n5,-3\n"),
        "curve.csv line 3: \"-3\" is no rate: write 10000, 10000/s, 0.5/s, 50/1s or 600/m",
    );
    refused(&[curve], &of("seconds,rate\n0,10\n9,20\n5,30\n"), "curve.csv line 4: 5s is earlier than 9s before it");
    refused(&[curve], &of(""), "phase 1: a curve needs at least two points");
}

#[test]
fn an_slo_that_fails_at_the_lowest_rate_leaves_no_interval() {
    let folder = TempDir::new().unwrap();
    let search = ["capacity", "--start", "600/s", "--probe", "2s", "--settle", "0s", "--no-progress"];
    let mut command = Command::cargo_bin("loadgen").unwrap();
    command.args(search).args(["--gate", "response_time.p99 < 1us", "--gate-off", "generator_healthy"]);
    let output = command.current_dir(folder.path()).env_clear().output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let first = out.lines().next().unwrap();
    assert_eq!(first, "CAPACITY  below the lowest rate tried; 600/s failed twice: response_time.p99 < 1us", "{err}");
    assert_eq!(output.status.code(), Some(99));
}
