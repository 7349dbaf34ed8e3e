//! What starts a fleet, and what is said of shards that cannot be: no broker is needed.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::shell::Shell;

const UUID: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

fn with_scenario() -> Shell {
    let shell = Shell::new();
    let text = "name = \"peak\"\nrate = \"100/s\"\nduration = \"5s\"\n[source]\nkind = \"synthetic\"\n";
    fs::write(shell.path().join("peak.toml"), text).unwrap();
    shell
}

/// All files below a folder, by their paths.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() {
            found.extend(files(&entry.path()).into_iter().map(|(path, text)| (format!("{name}/{path}"), text)));
        } else {
            found.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    found
}

#[test]
fn files_that_start_a_fleet_are_the_same_each_time_and_hold_no_secret() {
    let shell = with_scenario();
    for starter in ["local", "kubernetes", "ssh"] {
        let render = |out: &str| {
            let words =
                ["fleet", "render", "peak.toml", "--shards", "4", "--as", starter, "-b", "kafka:9092", "--out", out];
            shell.run_with(
                &words,
                &[
                    ("SASL_PASSWORD", "hunter2"),
                    ("SASL_USERNAME", "me"),
                    ("SECURITY_PROTOCOL", "sasl_ssl"),
                    ("SASL_MECHANISM", "PLAIN"),
                ],
            )
        };
        let (first, second) = (format!("{starter}-1"), format!("{starter}-2"));
        assert_eq!((render(&first).code, render(&second).code), (0, 0));
        let rendered = files(&shell.path().join(first));
        assert_eq!(rendered, files(&shell.path().join(second)));
        assert!(rendered.len() >= 2, "{:?}", rendered.keys());
        assert!(!rendered.values().any(|text| String::from_utf8_lossy(text).contains("hunter2")));
        render(&format!("{starter}-1")).ends_with_code(104).complains("there is something in it");
    }
    let script = shell.path().join("local-1/run.sh");
    let checked = Command::new("sh").arg("-n").arg(script).status().unwrap();
    assert!(checked.success(), "the script is none");
}

#[test]
fn a_fleet_that_cannot_be_is_not_rendered() {
    let shell = with_scenario();
    let render = |more: &[&str]| shell.run(&[&["fleet", "render", "peak.toml", "--out", "out"], more].concat());
    render(&["--shards", "4"]).ends_with_code(104).complains("--bootstrap-server");
    render(&["--shards", "5000", "-b", "kafka:9092"]).ends_with_code(104).complains("5000 parts of 1 lanes");
    render(&["--shards", "2", "-b", "kafka:9092", "--shard", "1/2"]).ends_with_code(104).complains("leave --shard");
    render(&["--shards", "2", "-b", "kafka:9092", "--fleet-topic", "a b"]).ends_with_code(104).complains("\"a b\"");
    assert!(!shell.path().join("out").exists());
}

#[test]
fn a_shard_may_take_its_number_from_an_indexed_job_and_its_run_from_a_uuid() {
    let shell = with_scenario();
    let words = ["run", "peak.toml", "-b", "127.0.0.1:1", "--run-id", UUID, "--shard", "env/4", "--dry-run"];
    let of = |index: &str| shell.run_with(&words, &[("JOB_COMPLETION_INDEX", index)]);
    let planned = of("3");
    assert_eq!(planned.code, 0, "{}", planned.err);
    assert_eq!(of("4").code, 2);
    of("4").complains("JOB_COMPLETION_INDEX is 4, which is no shard of 4");
    of("x").complains("it should be a number from 0");
    shell.run(&words).complains("JOB_COMPLETION_INDEX is not set");
}

#[test]
fn a_fleet_needs_a_cluster_that_outlives_its_shards() {
    let shell = with_scenario();
    let alone = ["run", "peak.toml", "--run-id", "7", "--shard", "1/2", "--fleet-topic", "fleet"];
    shell.run(&alone).ends_with_code(104).complains("--bootstrap-server");
    let both = [&alone[..], &["--start-at", "2030-01-01T00:00:00Z"]].concat();
    assert_eq!(shell.run(&both).code, 2);
    shell.run(&["merge", "--from-topic", "7"]).ends_with_code(104).complains("--bootstrap-server");
}
