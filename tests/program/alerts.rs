//! Alerts, through the real program: told while the run goes on and at its end, by a receiver that behaves or does not.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]
#![expect(clippy::print_stdout, reason = "a test that is left out says so")]

mod alertmanager;

use std::fs;

use serde_json::Value;

use crate::registry_stub::{Mood, Stub};
use crate::shell::{Ran, Shell};

/// Three slow seconds, then fast ones: the gate is broken at first and met from the fourth second on.
const WARMING_UP: &str = r#"
name = "warming-up"
gates_off = ["generator_healthy"]
[source]
kind = "synthetic"
[[phase]]
rate = "10/s"
duration = "3s"
[[phase]]
rate = "1000/s"
duration = "3s"
[[gate]]
name = "busy"
rule = "offered.achieved_rate > 100/s"
[[gate]]
rule = "lost == 0"
"#;

fn shell(alerts: &str) -> Shell {
    let shell = Shell::new();
    fs::write(shell.path().join("x.toml"), format!("{WARMING_UP}{alerts}")).unwrap();
    shell
}

fn run(shell: &Shell, more: &[&str], variables: &[(&str, &str)]) -> Ran {
    shell.run_with(&[&["run", "x.toml", "--no-progress"], more].concat(), variables)
}

/// The report of the one run in the shell's folder.
fn report(shell: &Shell) -> Value {
    let mut folders = fs::read_dir(shell.path().join("results")).unwrap();
    let folder = folders.next().unwrap().unwrap().path();
    serde_json::from_slice(&fs::read(folder.join("report.json")).unwrap()).unwrap()
}

#[test]
fn a_gate_that_is_broken_and_met_again_is_told_twice_and_no_secret_is_left_behind() {
    let stub = Stub::start();
    let webhook = format!(
        "[[alert]]\nname = \"Idle\"\ngate = \"busy\"\nto = \"webhook\"\nurl = \"{}/hook\"\nsecret_env = \"HOOK\"\n",
        stub.url_of("me:hunter2")
    );
    let shell = shell(&webhook);
    let ran = run(&shell, &[], &[("HOOK", "hunter2")]).ends_with_code(0);
    assert!(ran.out.contains("Idle: raised 1 time, a webhook at http://127.0.0.1:"), "{}", ran.out);
    let statuses: Vec<Value> = stub
        .asked()
        .iter()
        .map(|asked| serde_json::from_str::<Value>(&asked.body).unwrap()["status"].clone())
        .collect();
    assert_eq!(statuses, ["firing", "resolved"]);
    let alert = &report(&shell)["alerts"][0];
    assert_eq!(
        (&alert["raised"], &alert["sent"], &alert["resolved_sent"]),
        (&1.into(), &1.into(), &1.into()),
        "{alert}"
    );
    let folder = fs::read_dir(shell.path().join("results")).unwrap().next().unwrap().unwrap().path();
    for file in fs::read_dir(folder).unwrap() {
        let file = file.unwrap().path();
        assert!(!String::from_utf8_lossy(&fs::read(&file).unwrap()).contains("hunter2"), "{}", file.display());
    }
    assert!(!format!("{}{}", ran.out, ran.err).contains("hunter2"));
}

#[test]
fn the_option_alone_tells_an_alertmanager_of_each_gate_that_is_broken_at_the_end() {
    let stub = Stub::start();
    let shell = Shell::new();
    let args = ["synth", "--rate", "50", "--duration", "1s", "--no-progress", "--gate", "verified < 10"];
    shell.run_with(&args, &[("LOADGEN_ALERT", &stub.url())]).ends_with_code(99);
    let asked = stub.asked();
    let body: Value = serde_json::from_str(&asked[0].body).unwrap();
    assert_eq!((asked.len(), asked[0].path.as_str()), (1, "/api/v2/alerts"));
    assert_eq!(body[0]["labels"]["alertname"], "LoadgenGate");
    assert_eq!(body[0]["annotations"]["summary"], "verified < 10 is broken: measured 50");
}

#[test]
fn an_alertmanager_that_is_away_or_refuses_changes_nothing_of_the_run_but_what_it_says_of_alerts() {
    let stub = Stub::start();
    stub.set(Mood::Answers(400, "", "no such label".to_owned()));
    for (url, told) in [(Stub::nowhere(), "does not answer: "), (stub.url(), "answers with status 400: no such label")]
    {
        let shell = shell("[[alert]]\nname = \"Idle\"\ngate = \"busy\"\nresend = \"1s\"\ndeadline = \"500ms\"\n");
        let ran = run(&shell, &["--alert", &url], &[]).ends_with_code(0);
        assert_eq!(ran.err.matches(told).count(), 1, "told once: {}", ran.err);
        let report = report(&shell);
        let alert = &report["alerts"][0];
        assert_eq!((&alert["raised"], &alert["failed"], &alert["sent"]), (&1.into(), &1.into(), &0.into()), "{alert}");
        assert_eq!(report["verdict"]["code"], 0);
    }
}

#[test]
fn a_check_explains_each_alert_and_says_which_goes_nowhere() {
    let shell = shell("[[alert]]\nname = \"Idle\"\ngate = \"busy\"\nfor = \"10s\"\n");
    let ran = shell.run(&["check", "x.toml", "--alert", "http://me:hunter2@am:9093"]).ends_with_code(0);
    let told = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.contains(
            "alert Idle is told to the Alertmanager at http://am:9093 when this has been broken for 10s: busy;"
        ),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("hunter2"));
    let nowhere = shell.run(&["check", "x.toml"]).ends_with_code(0);
    assert!(nowhere.out.contains("alert Idle goes nowhere: --alert URL"), "{}", nowhere.out);
}

#[test]
fn an_alert_of_a_gate_that_is_not_there_ends_the_command_before_anything_is_sent() {
    let shell = shell("[[alert]]\nname = \"Idle\"\ngate = \"bussy\"\n");
    let ran = run(&shell, &[], &[]).ends_with_code(104);
    assert!(ran.err.contains("there is no gate \"bussy\"") && ran.err.contains("did you mean busy?"), "{}", ran.err);
    assert!(!shell.path().join("results").exists());
}
