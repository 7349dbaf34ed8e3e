//! What a run leaves behind, and what the program makes of it: as a user, a CI job and other people's tools meet it.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fs;
use std::path::{Path, PathBuf};

use crate::shell::Shell;
use hdrhistogram::Histogram;
use loadgen::bundle;
use loadgen::gate::BuiltIn;
use loadgen::kafka::embedded::Embedded;
use loadgen::recording::LatencyKind;
use loadgen::report::GateOutcome;
use serde_json::Value;

#[test]
fn every_name_is_explained_and_an_unknown_one_answered_with_the_nearest() {
    let shell = Shell::new();
    shell.run(&["explain", "response_time"]).ends_with_code(0).says("From due to acked").says("clock: Monotonic");
    shell.run(&["explain", "99"]).ends_with_code(0).says("gate_failed (exit code), also 99");
    let path = shell.run(&["explain", "phase.peak.response_time.p99"]).ends_with_code(0);
    path.says("phase (part of a run)").says("response_time (latency)").says("quantile (number of a latency)");
    shell.run(&["explain", "gates"]).ends_with_code(0).says("timeline.COLUMN.max").says("abort = true");
    shell.run(&["explain"]).ends_with_code(0).says("classes of the ledger").says("lost,").says("exit codes");
    shell.run(&["explain", "lots"]).ends_with_code(2).complains("hint: the nearest name is \"lost\"");
    shell.run(&["explain", "zebra"]).ends_with_code(2).complains("loadgen explain lists every name");
}

/// The report that a run left in `results`.
fn report_in(shell: &Shell, results: &str) -> (PathBuf, Value) {
    let folder = only_folder(&shell.path().join(results));
    let text = fs::read(folder.join("report.json")).unwrap();
    (folder, serde_json::from_slice(&text).unwrap())
}

fn only_folder(results: &Path) -> PathBuf {
    let mut folders = fs::read_dir(results).unwrap().map(|entry| entry.unwrap().path());
    let folder = folders.next().unwrap();
    assert_eq!(folders.next(), None);
    folder
}

const WARM: &str = r#"
name = "warm"
[source]
kind = "synthetic"
users = 100
[[phase]]
name = "cold"
warm_up = true
rate = "2000/s"
duration = "1s"
[[phase]]
name = "steady"
rate = "500/s"
duration = "2s"
"#;

#[test]
fn a_warm_up_is_reported_and_counted_but_not_judged() {
    let shell = Shell::new();
    fs::write(shell.path().join("warm.toml"), WARM).unwrap();
    let ran = shell.run(&["run", "warm.toml", "--gate-off", "generator_healthy"]).ends_with_code(0);
    ran.says("first 1 s not judged (warm-up)").says("(warm-up)");
    let (folder, report) = report_in(&shell, "results");
    assert_eq!(report["run"]["warm_up_s"], 1.0);
    assert_eq!((&report["ledger"]["scheduled"], &report["ledger"]["verified"]), (&3000.into(), &3000.into()));
    assert_eq!((&report["phases"][0]["warm_up"], &report["phases"][1]["warm_up"]), (&true.into(), &Value::Null));
    assert_eq!(report["phases"][0]["ledger"]["verified"], 2000);
    assert_eq!(report["phases"][0]["latency_us"]["end_to_end"]["count"], 2000);
    for latency in ["slip", "lateness", "service_time", "response_time", "end_to_end"] {
        assert_eq!(report["latency_us"][latency]["count"], 1000, "{latency}");
    }
    let types = report["by_type"].as_object().unwrap().values();
    let samples: u64 = types.map(|of| of["latency_us"]["end_to_end"]["count"].as_u64().unwrap()).sum();
    assert_eq!(samples, 1000);
    let rate = report["offered"]["rate_per_s"].as_f64().unwrap();
    assert!((499.0..501.0).contains(&rate), "the warm-up's rate is not in it: {rate}");
    let log = bundle::read(&folder).unwrap().recording().unwrap();
    assert_eq!(log.whole(LatencyKind::ResponseTime).unwrap().unwrap().len(), 1000);
    assert_eq!(log.phases[0][&LatencyKind::ResponseTime].len(), 2000);

    let late = WARM.replace("name = \"steady\"", "name = \"steady\"\nwarm_up = true");
    fs::write(shell.path().join("late.toml"), late).unwrap();
    shell.run(&["run", "late.toml"]).ends_with_code(104).complains("nothing comes after it that would be judged");
}

/// The two processes of a run against one broker, stopped when both have sent for a while, and what they left.
fn two_shards(shell: &Shell, broker: &Embedded) -> [PathBuf; 2] {
    let shards = ["1/2", "2/2"].map(|shard| {
        let results = format!("shard-{}", &shard[..1]);
        let args = ["synth", "--rate", "200/s", "--users", "50", "--lanes", "2", "-b", broker.address()];
        let more = ["--run-id", "c0ffee", "--shard", shard, "--results-dir", &results];
        let judged = ["--gate", "lost == 0", "--gate-off", "generator_healthy"];
        let running = shell.start(&[&args[..], &more[..], &judged[..]].concat());
        (running, shell.path().join(results))
    });
    for (running, results) in &shards {
        running.wait_for("two seconds of each process", || rows(results) >= 2);
    }
    for (running, _) in &shards {
        running.signal("INT");
    }
    shards.map(|(running, results)| {
        running.wait().ends_with_code(130);
        only_folder(&results)
    })
}

/// Changes a stored report: one of its verified events is lost.
fn lose_one(folder: &Path) {
    let path = folder.join("report.json");
    let mut report: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let change = |ledger: &mut Value| {
        ledger["verified"] = (ledger["verified"].as_u64().unwrap() - 1).into();
        ledger["lost"] = 1.into();
    };
    change(&mut report["ledger"]);
    change(&mut report["phases"][0]["ledger"]);
    fs::write(&path, report.to_string()).unwrap();
}

/// Rows of the timeline in the only folder in `results`.
fn rows(results: &Path) -> usize {
    let folder = fs::read_dir(results).ok().and_then(|mut folders| folders.next()?.ok());
    let timeline = folder.and_then(|folder| fs::read_to_string(folder.path().join("timeline.ndjson")).ok());
    timeline.map_or(0, |text| text.lines().count())
}

#[test]
fn processes_share_a_run_and_merge_adds_up_what_they_left() {
    let shell = Shell::new();
    let broker = Embedded::start("raw-events", 3).unwrap();
    let [first, second] = two_shards(&shell, &broker);
    let reports: Vec<Value> = [&first, &second]
        .map(|folder| serde_json::from_slice(&fs::read(folder.join("report.json")).unwrap()).unwrap())
        .into();
    assert_eq!(reports[0]["run"]["lane_numbers"], serde_json::json!([0, 1]));
    assert_eq!(reports[1]["run"]["lane_numbers"], serde_json::json!([2, 3]));
    let count = |report: &Value, section: &str, name: &str| report[section][name].as_u64().unwrap();
    for (own, other) in [(0, 1), (1, 0)].map(|(own, other)| (&reports[own], &reports[other])) {
        assert_eq!(own["run"]["id"], "0000000000c0ffee");
        assert_eq!(count(own, "ledger", "verified"), count(own, "ledger", "scheduled"));
        assert_eq!(count(own, "findings", "foreign"), 0, "the other's events are no stranger's");
        assert!(count(own, "findings", "sibling") <= count(other, "ledger", "verified"));
    }
    assert!(reports.iter().map(|report| count(report, "findings", "sibling")).sum::<u64>() > 0);
    let sum = |section: &str, name: &str| reports.iter().map(|report| count(report, section, name)).sum::<u64>();
    let (first, second) = (first.to_str().unwrap(), second.to_str().unwrap());
    shell.run(&["merge", first, second, "--out", "whole"]).ends_with_code(130).says("sum = scheduled");
    let whole = bundle::read(&shell.path().join("whole")).unwrap();
    let report = &whole.report;
    let all = sum("ledger", "scheduled");
    assert_eq!((report.ledger.scheduled, report.ledger.verified, report.findings.sibling), (all, all, 0));
    assert_eq!((report.run.lanes, report.latency_us.response_time.count), (4, all));
    assert_eq!(report.timeline.iter().map(|row| row.sent).sum::<u64>(), all);
    let recording = whole.recording().unwrap();
    for latency in LatencyKind::ALL {
        let Some(summary) = latency.of(&report.latency_us) else {
            let needs_asking = [LatencyKind::Capped, LatencyKind::CommitTime, LatencyKind::CommitCall];
            assert!(needs_asking.contains(&latency), "{latency} was measured");
            continue;
        };
        let histogram = recording.whole(latency).unwrap().unwrap();
        let mut sum = Histogram::<u64>::new(3).unwrap();
        for part in [first, second] {
            let part = bundle::read(Path::new(part)).unwrap().recording().unwrap();
            sum.add(part.whole(latency).unwrap().unwrap()).unwrap();
        }
        assert_eq!(histogram, sum, "{latency}: exactly the sum");
        assert_eq!(summary.p95, Some(sum.value_at_quantile(0.95)), "{latency}");
    }
    for file in ["report.html", "junit.xml", "timeline.ndjson", "scenario.toml", "end_to_end.hgrm"] {
        assert!(shell.path().join("whole").join(file).is_file(), "{file}");
    }
    shell.run(&["report", "whole"]).ends_with_code(0).says("sum = scheduled");
    shell.run(&["gate", "whole"]).ends_with_code(0).says("PASS  1 of 1 rules kept");

    lose_one(Path::new(first));
    let lost = shell.run(&["merge", first, second, "--out", "lost"]).ends_with_code(3);
    lost.says("VIOLATION  1 event lost");
    let cases = fs::read_to_string(shell.path().join("lost/junit.xml")).unwrap();
    assert!(cases.contains("<failure"), "{cases}");

    shell.run(&["merge", first, second, "--out", "whole"]).ends_with_code(104).complains("--out DIR names another");
    shell.run(&["merge", first, first]).ends_with_code(104).complains("lane 0 is in");
    shell.run(&["merge", first]).ends_with_code(104).complains("merge needs the bundles of at least two");
    assert_eq!(shell.run(&["merge"]).code, 2);
    let ran = shell.run(&["synth", "--rate", "200/s", "--num-records", "200", "--results-dir", "alone"]);
    assert!(matches!(ran.code, 0 | 4 | 5), "{}", ran.err);
    let alone = only_folder(&shell.path().join("alone"));
    shell.run(&["merge", first, alone.to_str().unwrap()]).ends_with_code(104).complains("the run's id is");
}

#[test]
fn a_part_of_a_run_says_what_it_needs() {
    let shell = Shell::new();
    let part = ["synth", "--shard", "1/2"];
    shell.run(&part).ends_with_code(104).complains("give every part the same --run-id");
    let with_id = [&part[..], &["--run-id", "7"]].concat();
    shell.run(&with_id).ends_with_code(104).complains("--bootstrap-server");
    let lanes = [&with_id[..], &["-b", "127.0.0.1:1", "--lanes", "3000"]].concat();
    shell.run(&lanes).ends_with_code(104).complains("at most 2048 lanes");
    for (option, value) in [("--shard", "3/2"), ("--shard", "0/2"), ("--run-id", "xyz"), ("--start-at", "noon")] {
        let ran = shell.run(&["synth", option, value]);
        assert_eq!(ran.code, 2);
        ran.complains(option);
    }
    let too_late = ["synth", "--num-records", "1", "--start-at", "2020-01-01T00:00:00Z"];
    shell.run(&too_late).ends_with_code(104).complains("the time to start had passed");
    assert!(
        fs::read_dir(shell.path().join("results")).unwrap().next().is_none(),
        "a run that did not begin leaves nothing"
    );
}

#[test]
fn a_start_in_the_future_is_kept() {
    let shell = Shell::new();
    for ahead_s in [2, 4, 8, 16, 32] {
        let start = (jiff::Timestamp::now() + jiff::SignedDuration::from_secs(ahead_s)).round(jiff::Unit::Millisecond);
        let start = start.unwrap().to_string();
        let ran = shell.run(&["synth", "--num-records", "20", "--start-at", &start, "--gate-off", "generator_healthy"]);
        if ran.code == 104 {
            // A busy machine takes longer to stand ready.
            ran.complains("had passed");
            continue;
        }
        ran.ends_with_code(0);
        let (_, report) = report_in(&shell, "results");
        assert_eq!(report["run"]["started_at"], start);
        return;
    }
    panic!("it never stood ready in time");
}

/// Whether a results folder has come so far.
type Moment = fn(&Path) -> bool;

/// Kills a run at once when `when` holds of its results folder, and gives its bundle; `None` where it has not even begun.
fn killed(shell: &Shell, name: &str, when: Moment) -> Option<PathBuf> {
    let args = ["synth", "--rate", "300/s", "--results-dir", name, "--gate", "lost == 0", "--lanes", "2"];
    let running = shell.start(&args);
    let results = shell.path().join(name);
    running.wait_for("moment to kill the run at", || when(&results));
    running.signal("KILL");
    running.wait_for_the_end();
    let visible = |entry: &fs::DirEntry| !entry.file_name().to_str().unwrap().starts_with('.');
    let mut folders = fs::read_dir(results).unwrap().map(Result::unwrap).filter(visible);
    folders.next().map(|entry| entry.path())
}

#[test]
fn a_killed_run_leaves_a_bundle_that_is_marked_and_readable_and_never_passes() {
    let shell = Shell::new();
    let moments: [(&str, Moment); 4] = [
        ("started", |results| results.exists()),
        ("marked", |results| fs::read_dir(results).is_ok_and(|mut folders| folders.next().is_some())),
        ("running", |results| rows(results) >= 1),
        ("later", |results| rows(results) >= 3),
    ];
    for (name, moment) in moments {
        let Some(folder) = killed(&shell, name, moment) else { continue };
        assert!(folder.join("PARTIAL").is_file(), "{name}");
        assert!(!folder.join("report.json").exists(), "{name}");
        let bundle = folder.to_str().unwrap();
        shell.run(&["report", bundle]).ends_with_code(7).complains("--recover");
        let recovered = shell.run(&["report", bundle, "--recover"]).ends_with_code(4);
        let recovered = recovered.says("partial, never judged: the run was killed after");
        let recovered = recovered.says("not known: the run was never judged").says("invalid: not known either");
        for never_known in ["no broker", "duplicates 0", "as fast as it goes", "0 B handed over", "not_attempted"] {
            assert!(!recovered.out.contains(never_known), "{name}: {never_known} in:\n{}", recovered.out);
        }
        let stored = bundle::read(&folder).unwrap();
        assert!(stored.partial && stored.report.run.partial);
        assert_eq!(stored.report.verdict.code, 4);
        assert_eq!(stored.report.ledger.sum(), stored.report.ledger.scheduled);
        for file in ["report.html", "junit.xml"] {
            assert!(folder.join(file).is_file(), "{name}: {file}");
        }
        // What was recorded looks good, and passes nothing all the same.
        shell.run(&["gate", bundle, "--gate", "lost == 0", "--gate", "scheduled >= 0"]).ends_with_code(4);
        shell.run(&["gate", bundle, "--gate", "scheduled < 0"]).ends_with_code(4);
        shell.run(&["report", bundle]).complains("is partial: its run was killed and never judged");
        shell.run(&["merge", bundle, bundle]).ends_with_code(7).complains("is partial");
        shell.run(&["report", bundle, "--recover"]).ends_with_code(4);
    }
    let later = only_folder(&shell.path().join("later"));
    let report = bundle::read(&later).unwrap().report;
    assert!(report.timeline.len() >= 3 && report.ledger.scheduled > 500, "{:?}", report.ledger);
    assert!(report.latency_us.response_time.p50.is_some());
    assert_eq!(report.run.lanes, 2);
    assert_eq!(report.environment.topics[0].name, "raw-events");
    assert!(report.offered.rate_per_s.is_some() && report.environment.client_config.contains_key("acks"));
    assert_eq!(report.gates[0].rule, "lost == 0");
    assert_eq!(report.gates[0].result, GateOutcome::Unevaluated);
}

#[test]
fn what_is_whole_or_still_goes_on_is_not_recovered() {
    let shell = Shell::new();
    let running = shell.start(&["synth", "--rate", "100/s", "--gate-off", "generator_healthy"]);
    let results = shell.path().join("results");
    running.wait_for("second of the run", || rows(&results) >= 1);
    let folder = only_folder(&results);
    let bundle = folder.to_str().unwrap();
    shell.run(&["report", bundle, "--recover"]).ends_with_code(7).complains("still goes on");
    running.signal("INT");
    running.wait().ends_with_code(130);
    shell.run(&["report", bundle, "--recover"]).ends_with_code(7).complains("is not partial");
    // Killed between the report and the last step: what is there is the judged report.
    fs::write(folder.join("PARTIAL"), "").unwrap();
    shell.run(&["report", bundle]).ends_with_code(0).complains("--recover");
    shell.run(&["report", bundle, "--recover"]).ends_with_code(130).says("sum = scheduled");
    assert!(!folder.join("PARTIAL").exists());
}

#[test]
fn a_gate_may_end_a_run_early_once_it_has_gone_on_for_a_while() {
    let shell = Shell::new();
    let scenario = |gate: &str| {
        format!(
            "name = \"stop\"\ngates_off = [\"generator_healthy\"]\n[source]\nkind = \"synthetic\"\nusers = 50\n\
             [[phase]]\nrate = \"200/s\"\nduration = \"10m\"\n[[gate]]\n{gate}\n"
        )
    };
    let stop = "rule = \"response_time.max < 1us\"\nabort = true\nafter = \"2s\"";
    fs::write(shell.path().join("stop.toml"), scenario(stop)).unwrap();
    let ran = shell.run(&["run", "stop.toml"]).ends_with_code(99);
    ran.says("ended early by the gate response_time.max < 1us");
    let (_, report) = report_in(&shell, "results");
    let measured = report["run"]["measured_s"].as_f64().unwrap();
    assert!((1.9..300.0).contains(&measured), "not before 2 s, and not after 10 minutes: {measured}");
    assert_eq!(report["ledger"]["scheduled"], report["ledger"]["verified"], "what was due before the end was sent");
    for (gate, complaint) in [
        ("rule = \"lost == 0\"\nabort = true", "abort = true needs a figure that is known while the run goes on"),
        ("rule = \"response_time.max < 1s\"\nafter = \"2s\"", "after = … has a meaning only with abort = true"),
    ] {
        fs::write(shell.path().join("wrong.toml"), scenario(gate)).unwrap();
        shell.run(&["run", "wrong.toml"]).ends_with_code(104).complains(complaint);
    }
}

#[test]
fn each_built_in_gate_is_turned_off_by_its_name() {
    let shell = Shell::new();
    let all: Vec<&str> = BuiltIn::ALL.map(BuiltIn::as_str).into();
    let mut wanted = vec![(Vec::new(), all.clone()), (all.clone(), Vec::new())];
    for name in &all {
        wanted.push((vec![*name], all.iter().copied().filter(|other| other != name).collect()));
    }
    // Side by side.
    let running: Vec<_> = (wanted.into_iter().enumerate())
        .map(|(place, (off, rest))| {
            let results = format!("off-{place}");
            let off = off.iter().flat_map(|name| ["--gate-off", name]);
            let short = ["synth", "--rate", "200/s", "--num-records", "100", "--results-dir", &results];
            (shell.start(&short.into_iter().chain(off).collect::<Vec<_>>()), results, rest)
        })
        .collect();
    for (run, results, rest) in running {
        let ran = run.wait();
        assert!(matches!(ran.code, 0 | 4 | 5), "{}", ran.err);
        let (_, report) = report_in(&shell, &results);
        let gates = report["gates"].as_array().unwrap();
        let names: Vec<&str> = gates.iter().map(|gate| gate["name"].as_str().unwrap()).collect();
        // Two need seconds with many events to be about anything, one needs transactions, one results that are expected.
        let some = |name: &&str| {
            ["generator_had_cpu", "client_queue_had_room", "no_forced_aborts", "expectations_met"].contains(name)
        };
        assert!(names.iter().all(|name| rest.contains(name)), "{names:?}");
        assert!(rest.iter().all(|name| some(name) || names.contains(name)), "{names:?}");
    }
    shell.run(&["synth", "--gate-off", "nothing_refuse"]).ends_with_code(104).complains("\"nothing_refused\"");
}

#[test]
fn a_run_exports_what_it_is_asked_for() {
    let shell = Shell::new();
    let short = ["synth", "--rate", "300/s", "--num-records", "300", "--gate-off", "generator_healthy"];
    let kinds = ["csv=rows.csv", "github-benchmark=latency.json", "bencher=bencher.json", "hgrm:end_to_end=seen.hgrm"];
    let exports: Vec<&str> = kinds.iter().flat_map(|kind| ["--export", kind]).collect();
    shell.run(&[&short[..], &exports].concat()).ends_with_code(0);
    let text = |name: &str| fs::read_to_string(shell.path().join(name)).unwrap();
    let folder = only_folder(&shell.path().join("results"));
    assert_eq!(text("seen.hgrm"), fs::read_to_string(folder.join("end_to_end.hgrm")).unwrap());
    assert_eq!(text("rows.csv").lines().count(), 1 + rows(&shell.path().join("results")));
    let latency: Value = serde_json::from_str(&text("latency.json")).unwrap();
    assert!(latency.as_array().unwrap().iter().any(|entry| entry["name"] == "synth response_time p95"), "{latency}");
    let bencher: Value = serde_json::from_str(&text("bencher.json")).unwrap();
    assert!(bencher["synth response_time p95"]["latency"]["value"].as_f64().unwrap() > 0.0, "{bencher}");
    shell.run(&["synth", "--export", "pdf=x"]).ends_with_code(2).complains("is no form of a report");
    shell.run(&[&short[..], &["--export", "json=no/such/folder.json"]].concat()).ends_with_code(8);
}

#[test]
fn a_report_of_the_first_schema_version_is_read_in_every_form() {
    let shell = Shell::new();
    let first = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/program/reports/v1.json");
    shell.run(&["report", first]).ends_with_code(0).says("60 scheduled, every one verified");
    for kind in ["html", "junit", "markdown", "json", "csv", "ndjson", "github-benchmark", "bencher"] {
        shell.run(&["report", first, "--export", &format!("{kind}=export")]).ends_with_code(0);
        assert!(fs::metadata(shell.path().join("export")).unwrap().len() > 100, "{kind}");
    }
    shell.run(&["gate", first, "--gate", "lost == 0"]).ends_with_code(0);
}
