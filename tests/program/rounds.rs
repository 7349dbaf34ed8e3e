//! `compare --run`: both sides are run in turns, and then compared.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fs;
use std::path::{Path, PathBuf};

use crate::shell::Shell;
use serde_json::Value;

/// A busy machine makes a generator late, which is nothing that these tests are about.
const CALM: [&str; 4] = ["--gate-off", "generator_healthy", "--allow", "outcome"];

/// A shell with the scenarios `base.toml` and `new.toml`, which differ in their client's linger and in `rate`.
fn sides(rates: [&str; 2], phase: &str) -> Shell {
    let shell = Shell::new();
    for ((file, linger), rate) in [("base", "5ms"), ("new", "25ms")].into_iter().zip(rates) {
        let scenario = format!(
            "name = \"{file}\"\n[source]\nkind = \"synthetic\"\nusers = 100\n[[phase]]\nrate = \"{rate}\"\n{phase}\n[kafka]\nlinger = \"{linger}\"\n"
        );
        fs::write(shell.path().join(format!("{file}.toml")), scenario).unwrap();
    }
    shell
}

/// The only folder of a comparison.
fn compared(shell: &Shell) -> PathBuf {
    let folders: Vec<PathBuf> =
        fs::read_dir(shell.path().join("results")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(folders.len(), 1, "{folders:?}");
    assert!(folders[0].to_str().unwrap().ends_with("-compare"), "{folders:?}");
    folders[0].clone()
}

/// The names of its runs in the order in which they began.
fn begun(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut runs: Vec<(String, String)> = entries
        .filter_map(|run| {
            let report: Value = serde_json::from_slice(&fs::read(run.join("report.json")).ok()?).unwrap();
            let name = run.file_name().unwrap().to_str().unwrap().to_owned();
            Some((report["run"]["started_at"].as_str().unwrap().to_owned(), name))
        })
        .collect();
    runs.sort();
    runs.into_iter().map(|(_, name)| name).collect()
}

#[test]
fn both_sides_are_run_in_turns_and_compared() {
    let shell = sides(["200/s", "200/s"], "duration = \"1s\"");
    let run = ["compare", "--run", "base.toml", "new.toml", "--rounds", "2"];
    let ran = shell.run_with(&[&run[..], &CALM].concat(), &[("LOADGEN_RUN_ID", "7"), ("LOADGEN_TUI", "true")]);
    let ran = ran.ends_with_code(0).says("INCONCLUSIVE  runs of 1 s are too short to judge");
    let ran = ran.says("linger.ms 5 → 25").complains("NEW (new.toml): runs of 1 s are too short");
    let ran = ran.complains(" round  1 base  ").complains("  about ").complains("round 2 of 2, new: new → raw-events");
    let folder = compared(&shell);
    assert_eq!(begun(&folder), ["01-base-base", "01-new-new", "02-new-new", "02-base-base"]);
    let page = fs::read_to_string(folder.join("compare.html")).unwrap();
    assert!(page.contains("href=\".&#x2f;02-new-new&#x2f;report.html\""), "the page leads to its runs");
    assert!(ran.out.ends_with("-compare/compare.html\n"), "{}", ran.out);
}

#[test]
fn the_rules_of_a_comparison_hold_for_the_runs_it_makes() {
    let shell = sides(["200/s", "200/s"], "");
    let run = ["compare", "--run", "base.toml", "new.toml", "--rounds", "1", "-d", "1s", "--no-progress"];
    let more = ["--fail-on", "worse", "-o", "json"];
    let ran = shell.run(&[&run[..], &CALM, &more].concat()).ends_with_code(4);
    assert_eq!(
        (&ran.json()["gates"][0]["result"], &ran.json()["base"]["runs"][0]),
        (&"unevaluated".into(), &"01-base-base".into())
    );
    // The form of a comparison may come from a variable that a run would not take.
    let run = shell.run_with(&[&run[..], &CALM].concat(), &[("LOADGEN_OUTPUT", "markdown")]);
    run.ends_with_code(0).says("|---|");
}

#[test]
fn what_is_wrong_with_a_side_is_found_before_anything_is_run_and_says_whose_it_is() {
    let shell = sides(["200/s", "200/s"], "");
    let compare = |more: &[&str]| shell.run(&[&["compare"][..], more].concat());
    compare(&["--run", "base.toml", "gone.toml", "-d", "1s"])
        .ends_with_code(104)
        .complains("NEW (gone.toml): scenario");
    compare(&["--run", "base.toml", "new.toml"]).ends_with_code(104).complains("BASE (base.toml): it never ends");
    compare(&["--run", "base.toml,new.toml", "new.toml"]).ends_with_code(2).complains("BASE is several files");
    compare(&["--run", "base.toml", "new.toml", "-X", "dump"])
        .ends_with_code(2)
        .complains("loadgen run base.toml -X dump");
    compare(&["base.toml", "new.toml", "--rounds", "2"]).ends_with_code(2).complains("loadgen compare --run");
    compare(&["base.toml", "new.toml", "-X", "a=b"]).ends_with_code(2).complains("--command-property is for runs");
    assert!(!shell.path().join("results").exists());
}

#[test]
fn sides_that_cannot_be_compared_are_not_run_to_the_end() {
    let shell = sides(["200/s", "100/s"], "duration = \"1s\"");
    let run = ["compare", "--run", "base.toml", "new.toml", "--rounds", "20", "--no-progress"];
    let ran = shell.run(&[&run[..], &CALM].concat()).ends_with_code(104);
    ran.complains("rate: 200 → 100 events/s planned").complains("--allow").complains("the runs are in results/");
    assert_eq!(begun(&compared(&shell)).len(), 2);
}

#[test]
fn a_cluster_that_cannot_be_reached_is_told_with_side_and_round() {
    let shell = sides(["200/s", "200/s"], "duration = \"1s\"");
    let run = ["compare", "--run", "base.toml", "new.toml", "-b", "127.0.0.1:1", "--no-progress"];
    shell.run(&run).ends_with_code(6).complains("round 1 of 3, BASE (base.toml): ");
}

#[test]
fn an_interrupt_ends_the_rounds_and_what_is_there_is_compared() {
    let shell = sides(["200/s", "200/s"], "duration = \"1s\"");
    let run = ["compare", "--run", "base.toml", "new.toml", "--rounds", "500", "--no-progress"];
    let running = shell.start(&[&run[..], &CALM].concat());
    let results = shell.path().join("results");
    let third = || fs::read_dir(&results).ok()?.find_map(|folder| Some(folder.ok()?.path().join("02-new-new")));
    running.wait_for("the third run", || third().is_some_and(|run| run.join("PARTIAL").is_file()));
    running.signal("INT");
    let ran = running.wait().ends_with_code(130).says(" base   01-base-base").says("compare.html");
    ran.complains("stopped: ").complains("of base");
}

#[test]
fn an_interrupt_before_both_sides_had_a_run_compares_nothing() {
    let shell = sides(["200/s", "200/s"], "duration = \"10m\"");
    let run = ["compare", "--run", "base.toml", "new.toml", "--no-progress"];
    let running = shell.start(&[&run[..], &CALM].concat());
    let results = shell.path().join("results");
    let first = || fs::read_dir(&results).ok()?.find_map(|folder| Some(folder.ok()?.path().join("01-base-base")));
    let second_there =
        |run: PathBuf| fs::read_to_string(run.join("timeline.ndjson")).is_ok_and(|text| !text.is_empty());
    running.wait_for("the first second", || first().is_some_and(second_there));
    running.signal("INT");
    running.wait().ends_with_code(130).complains("there is nothing to compare");
}
