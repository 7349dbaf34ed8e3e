//! What the program itself says and ends with where its configuration is wrong. Nothing here reaches a broker.

#![expect(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

use std::path::Path;
use std::process::Stdio;

use assert_cmd::Command;
use tempfile::TempDir;

/// The program in an empty folder, with no variables.
fn loadgen(folder: &TempDir) -> Command {
    let mut command = Command::cargo_bin("loadgen").unwrap();
    command.current_dir(folder.path()).env_clear();
    command
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[track_caller]
fn ends_with(command: &mut Command, code: i32, stderr: &str) {
    let output = command.output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), stderr);
    assert_eq!(output.status.code(), Some(code));
    assert!(output.stdout.is_empty());
}

const CONFLICT: &str = "keep one of them; an option beats a variable, a variable the .env file, and that the scenario";
const USAGE: &str = "exit 2 (usage): the command line cannot be understood\n";
const CONFIGURATION: &str = "exit 104 (bad_configuration): the configuration is invalid\n";

#[test]
fn a_scenario_without_its_ending_or_its_folder_is_the_one_that_was_meant() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("scenarios")).unwrap();
    std::fs::write(folder.path().join("scenarios/smoke.toml"), "").unwrap();
    let told = |hint: &str| {
        format!("error: scenario smoke cannot be read: No such file or directory (os error 2)\n{hint}{CONFIGURATION}")
    };
    ends_with(loadgen(&folder).args(["run", "smoke"]), 104, &told("  hint: did you mean scenarios/smoke.toml?\n"));
    std::fs::remove_file(folder.path().join("scenarios/smoke.toml")).unwrap();
    ends_with(loadgen(&folder).args(["run", "smoke"]), 104, &told(""));
}

#[test]
fn conflicting_options_end_with_usage() {
    ends_with(
        loadgen(&folder()).args(["replay", "f.csv", "--speed", "2", "--fit", "5s"]),
        2,
        &format!(
            "error: --speed and --fit exclude each other, and the command line has both\n  hint: {CONFLICT}\n{USAGE}"
        ),
    );
}

#[test]
fn variables_are_read_from_the_environment_and_from_the_file_in_the_folder() {
    let folder = folder();
    std::fs::write(folder.path().join(".env"), "PRODUCER_SPEED=0\n").unwrap();
    ends_with(
        loadgen(&folder).args(["synth", "--dry-run"]),
        2,
        &format!(
            "error: PRODUCER_SPEED (the .env file): a speed must be a number above 0 and at most 1000000, such as 1, 10, 100 or 0.5; \"0\" is not\n{USAGE}"
        ),
    );
    ends_with(
        loadgen(&folder).args(["synth", "--dry-run"]).env("LOADGEN_LANES", "0"),
        2,
        &format!("error: LOADGEN_LANES (the environment): 0 is not in 1..=4096\n{USAGE}"),
    );
}

#[test]
fn an_option_beats_the_file_in_the_folder() {
    let folder = folder();
    std::fs::write(folder.path().join(".env"), "LOADGEN_COMMAND_PROPERTY=linger.ms=7\nLOADGEN_ACKS=1\n").unwrap();
    let output = loadgen(&folder).args(["synth", "-X", "dump", "-X", "linger.ms=9"]).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("linger.ms = 9  # --command-property\n"), "{stdout}");
    assert!(stdout.contains("acks = 1  # LOADGEN_ACKS\n"), "{stdout}");
    assert!(output.status.success());
    let topics = ["topics", "describe", "-b", "127.0.0.1:1", "-X", "dump"];
    let output = loadgen(&folder).args(topics).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("bootstrap.servers = 127.0.0.1:1  # --bootstrap-server\n"), "{stdout}");
    assert!(output.status.success());
}

#[test]
fn an_unknown_key_of_a_scenario_ends_with_its_line_and_the_nearest_name() {
    let folder = folder();
    let scenario = "name = \"steady\"\n\n[source]\nkind = \"synthetic\"\nwieghts = { view = 1 }\n";
    std::fs::write(folder.path().join("steady.toml"), scenario).unwrap();
    ends_with(
        loadgen(&folder).args(["run", "steady.toml"]),
        104,
        &format!("error: steady.toml line 5: unknown key \"wieghts\"\n  hint: did you mean weights?\n{CONFIGURATION}"),
    );
}

#[test]
fn a_missing_scenario_or_properties_file_ends_with_its_name() {
    let os_error = std::fs::read("/nonexistent").unwrap_err();
    ends_with(
        loadgen(&folder()).args(["run", "steady.toml"]),
        104,
        &format!("error: scenario steady.toml cannot be read: {os_error}\n{CONFIGURATION}"),
    );
    ends_with(
        loadgen(&folder()).args(["synth", "--command-config", "client.properties"]),
        104,
        &format!("error: properties file client.properties cannot be read: {os_error}\n{CONFIGURATION}"),
    );
}

#[test]
fn a_java_key_store_ends_with_the_way_out() {
    let folder = folder();
    let properties = "security.protocol=SSL\nssl.truststore.location=/etc/kafka/trust.jks\n";
    std::fs::write(folder.path().join("client.properties"), properties).unwrap();
    ends_with(
        loadgen(&folder).args(["synth", "-b", "k:1", "--command-config", "client.properties"]),
        104,
        &format!(
            "error: client property ssl.truststore.location (client.properties line 2): JKS trust stores cannot be read, only PEM\n  \
             hint: keytool -exportcert -rfc -keystore STORE -alias ALIAS -file ca.pem, then ssl.ca.location=ca.pem\n{CONFIGURATION}"
        ),
    );
}

#[test]
fn a_results_folder_that_cannot_be_written_is_found_before_the_first_event() {
    let folder = folder();
    std::fs::write(folder.path().join("results"), "in the way").unwrap();
    let in_the_way = std::fs::create_dir_all(folder.path().join("results")).unwrap_err();
    ends_with(
        loadgen(&folder).args(["synth", "--rate", "5", "--duration", "1s"]),
        104,
        &format!(
            "error: results folder results cannot be written: {in_the_way}\n  hint: --results-dir DIR names another folder\n{CONFIGURATION}"
        ),
    );
}

#[test]
fn a_gate_about_nothing_ends_before_the_first_event() {
    let folder = folder();
    let output = loadgen(&folder).args(["synth", "--gate", "respose_time.p99 < 5ms"]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("the nearest name is \"response_time.p99\""), "{stderr}");
    assert_eq!(output.status.code(), Some(104));
    assert!(!Path::new(&folder.path().join("results")).exists());
}

#[test]
fn a_dry_run_of_a_scenario_sends_nothing() {
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/smoke.toml");
    let folder = folder();
    let output = loadgen(&folder).arg("run").arg(scenario).args(["--dry-run", "-b", "127.0.0.1:1"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8(output.stdout).unwrap().contains("2,000"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_metrics_port_that_is_taken_ends_the_command_before_the_first_event() {
    let folder = folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    ends_with(
        loadgen(&folder).args(["synth", "--rate", "10", "-d", "1s", "--metrics-addr", &address]),
        104,
        &format!(
            "error: metrics cannot be served on {address}: Address already in use (os error 98)\n  hint: --metrics-addr \
             127.0.0.1:0 takes a port that is free\n{CONFIGURATION}"
        ),
    );
    assert_eq!(std::fs::read_dir(folder.path().join("results")).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn an_interrupt_is_heard_while_no_broker_answers() {
    let folder = folder();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let arguments = ["synth", "--rate", "10", "-d", "1s", "--connect-timeout", "30m", "-b", &address];
    let child = std::process::Command::new(assert_cmd::cargo::cargo_bin("loadgen"))
        .args(arguments)
        .current_dir(folder.path())
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let connected = silent.accept().unwrap();
    let interrupted = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    let output = child.wait_with_output().unwrap();
    drop(connected);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("interrupted before the first event was sent"), "{stderr}");
    assert_eq!(output.status.code(), Some(130), "{stderr}");
}
