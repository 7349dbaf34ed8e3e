//! The commands as a user types them: the real program, its output and its exit code.
#![expect(
    clippy::unwrap_used,
    clippy::format_collect,
    reason = "a test ends at the first surprise, and small files are built from lines"
)]

use std::fs;
use std::path::Path;

use crate::shell::Shell;
use loadgen::kafka::embedded::Embedded;

#[test]
fn a_recording_goes_all_the_way_from_its_making_to_a_comparison() {
    let shell = Shell::new();
    shell.recording("sample.csv", 2_000);
    shell.run(&["dataset", "info", "sample.csv"]).ends_with_code(0).says("rows           2,000");
    let info = shell.run(&["dataset", "info", "sample.csv", "-o", "json"]).ends_with_code(0).json();
    assert_eq!(info["facts"]["rows"], 2_000);
    assert_eq!(info["at_recorded_speed"]["events"], 2_000);
    let dry = shell.run(&["replay", "sample.csv", "--fit", "2s", "--dry-run"]).ends_with_code(0);
    dry.says("plays          2,000 of 2,000 rows").says("takes          2 s").says("partitions     3: ");
    let json = shell.run(&["replay", "sample.csv", "--fit", "2s", "--dry-run", "-o", "json"]).ends_with_code(0).json();
    assert_eq!((&json["events"], &json["recording"]["rows"]), (&2_000.into(), &2_000.into()));
    assert!(!shell.path().join("results").exists(), "a dry run leaves nothing");

    let base = shell.replayed("sample.csv", "base", &["--fit", "2s", "--gate", "lost == 0"]);
    let new = shell.replayed("sample.csv", "new", &["--fit", "2s"]);
    let (base, new) = (base.to_str().unwrap(), new.to_str().unwrap());
    for file in ["report.json", "report.html", "junit.xml", "latency.hlog", "response_time.hgrm", "end_to_end.hgrm"] {
        assert!(Path::new(base).join(file).is_file(), "{file} is missing");
    }

    shell.run(&["report", "--results-dir", "new"]).ends_with_code(0).says("2,000 scheduled");
    shell.run(&["report", "latest", "--results-dir", "new"]).ends_with_code(0).says("2,000 scheduled");
    let quiet = shell.run(&["report", "-q", "--results-dir", "new", "--export", "junit=quiet.xml"]).ends_with_code(0);
    assert!(quiet.out.is_empty() && shell.path().join("quiet.xml").is_file(), "{}", quiet.out);
    shell.run(&["report", "--results-dir", "nothing"]).ends_with_code(7).complains("there is no run in nothing");
    report_in_every_form(&shell, base);
    gates_of_every_outcome(&shell, base, new);

    let compared = shell.run(&["compare", base, new]).ends_with_code(0).says("verdict");
    assert!(compared.out.contains("response_time.p50"), "latency.hlog is read back: {}", compared.out);
    // Runs of 2 s are shown, not judged: nothing proves that nothing is worse.
    shell.run(&["compare", base, new, "--fail-on", "worse"]).ends_with_code(4).says("UNEVALUATED");
    shell.run(&["compare", base, new, "--fail-on", "inconclusive"]).ends_with_code(99);
    let json = shell.run(&["compare", base, new, "--max-regression", "p99=10%", "-o", "json"]).ends_with_code(4).json();
    assert_eq!(json["gates"][0]["result"], "unevaluated");
    shell.run(&["compare", base, new, "-o", "markdown"]).ends_with_code(0).says("|---|");
    shell.run(&["compare", base, new, "-o", "html"]).ends_with_code(0).says("<polyline class=\"line new\"");
    shell.run(&["compare", base, base]).ends_with_code(104).complains("--allow same-run");
}

#[test]
fn shells_and_man_read_the_command_line() {
    let shell = Shell::new();
    let help = shell.run(&["help"]).says("completions  Print completions").out;
    assert_eq!(help, shell.run(&["--help"]).out);
    let script = shell.path().join("completions.bash");
    // A shell that reads them at its start says nothing.
    let silent = |args: &[&str]| {
        let ran = shell.run(args);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{args:?}");
        ran
    };
    fs::write(&script, silent(&["completions", "bash"]).out).unwrap();
    assert!(std::process::Command::new("bash").arg("-n").arg(&script).status().unwrap().success());
    silent(&["completions", "zsh"]).says("#compdef loadgen");
    silent(&["man"]).says(".TH loadgen 1");
    silent(&["man", "synth"]).says(".TH loadgen-synth 1").says("bootstrap");
    shell.run(&["man", "sing"]).ends_with_code(2).complains("there is no command \"sing\"");
}

#[test]
fn sessions_come_in_the_shares_that_the_report_names() {
    let shell = Shell::new();
    let words = [
        "synth",
        "--model",
        "sessions",
        "--rate",
        "2000/s",
        "-d",
        "2s",
        "--hot-key",
        "item=20%",
        "--funnel",
        "after_view:view=0.6,addtocart=0.1,search=0.1",
        "--think-time",
        "view=5s",
        "--concurrent-sessions",
        "50",
        "-o",
        "json",
    ];
    let ran = shell.run(&words);
    let report = ran.json();
    assert_eq!((&report["ledger"]["verified"], &report["synthetic"]["model"]), (&4_000.into(), &"sessions".into()));
    for of in report["by_type"].as_object().unwrap().values() {
        let (came, expected) = (of["share_percent"].as_f64().unwrap(), of["expected_share_percent"].as_f64().unwrap());
        assert!((came - expected).abs() < 5.0, "{came} instead of {expected}");
    }
    let dry =
        shell.run(&["synth", "--model", "sessions", "--rate", "2000/s", "-d", "2s", "--dry-run"]).ends_with_code(0);
    dry.says("sessions model: view 50.02 %").says("at 38.96/s their time is real time");
}

#[test]
fn one_verifier_reads_the_topics_of_all_types() {
    let shell = Shell::new();
    let words = [
        "synth",
        "--rate",
        "2000/s",
        "-d",
        "2s",
        "--lanes",
        "2",
        "--topic-map",
        "transaction=orders,review=opinions,search=orders",
        "-o",
        "json",
    ];
    let report = shell.run(&words).json();
    assert_eq!((&report["ledger"]["verified"], &report["findings"]["misplaced"]), (&4_000.into(), &0.into()));
    let topics = report["by_topic"].as_object().unwrap();
    assert_eq!(topics.keys().collect::<Vec<_>>(), ["opinions", "orders", "raw-events"]);
    assert_eq!(topics["orders"]["event_types"], serde_json::json!(["transaction", "search"]));
    let sum = |name: &str| topics.values().map(|of| of[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!(["sent", "acked", "seen", "verified"].map(sum), [4_000; 4]);
    for (name, of) in topics {
        let partitions = report["partitions"].as_array().unwrap().iter().filter(|part| part["topic"] == name.as_str());
        assert_eq!(partitions.map(|part| part["seen"].as_u64().unwrap()).sum::<u64>(), of["seen"].as_u64().unwrap());
    }
    shell.run(&["synth", "--topic-map", "view=a b"]).ends_with_code(104).complains("cannot be the name of a topic");
}

#[test]
fn availability_becomes_events_on_a_topic_of_its_own() {
    let shell = Shell::new();
    let rows: String =
        (0..300).map(|n| format!("{},{},view,{},\n", 1_433_000_000_000_u64 + n * 1_000, n % 40, n % 7)).collect();
    let changes: String =
        (0..70).map(|n| format!("{},{},available,{}\n", 1_433_000_001_500_u64 + n * 4_000, n % 7, n / 7 % 2)).collect();
    fs::write(shell.path().join("events.csv"), format!("timestamp,visitorid,event,itemid,transactionid\n{rows}"))
        .unwrap();
    fs::write(shell.path().join("properties.csv"), format!("timestamp,itemid,property,value\n{changes}")).unwrap();
    let words =
        ["replay", "events.csv", "--fit", "1s", "--lanes", "2", "--item-properties", "properties.csv", "-o", "json"];
    let report = shell.run(&words).json();
    assert_eq!((&report["ledger"]["verified"], &report["findings"]["invalid"]), (&370.into(), &0.into()));
    assert_eq!(report["by_type"]["inventory"]["verified"], 70);
    assert_eq!(report["by_topic"]["inventory"]["event_types"], serde_json::json!(["inventory"]));
    assert_eq!(
        (&report["by_topic"]["inventory"]["seen"], &report["by_topic"]["raw-events"]["seen"]),
        (&70.into(), &300.into())
    );
    let dry = ["replay", "events.csv", "--fit", "1s", "--item-properties", "properties.csv", "--dry-run"];
    shell.run(&dry).ends_with_code(0).says("70 of availability, 70 of them played").says("inventory 70 (18.92 %)");
}

#[test]
fn bodies_are_padded_to_the_size_and_the_compressibility_asked_for() {
    let shell = Shell::new();
    let ran = |compressibility: &str| {
        let words = [
            "synth",
            "--rate",
            "500/s",
            "-d",
            "1s",
            "--payload-bytes",
            "1KiB",
            "--compressibility",
            compressibility,
            "-o",
            "json",
        ];
        shell.run(&words).json()
    };
    let (loose, dense) = (ran("1"), ran("0"));
    for report in [&loose, &dense] {
        assert_eq!(
            (&report["ledger"]["verified"], &report["payload"]["padded_to_bytes"]),
            (&500.into(), &1_024.into())
        );
        let mean = report["payload"]["mean_bytes"].as_f64().unwrap();
        assert!((1_024.0..1_034.0).contains(&mean), "a body of 1,024 bytes and a key: {mean}");
    }
    let ratio = |report: &serde_json::Value| report["payload"]["compressed_ratio"].as_f64().unwrap();
    assert!(ratio(&loose) < 0.4 && ratio(&dense) > 0.6, "{} and {}", ratio(&loose), ratio(&dense));
    shell.run(&["synth", "--compressibility", "0.5"]).ends_with_code(104).complains("set payload_bytes too");
}

#[test]
fn events_like_a_recording_say_how_like_it_they_are() {
    let shell = Shell::new();
    shell.recording("sample.csv", 5_000);
    let report = shell.run(&["synth", "--like", "sample.csv", "--rate", "2000/s", "-d", "1s", "-o", "json"]).json();
    let like = &report["synthetic"]["like"];
    assert_eq!((&report["synthetic"]["model"], &like["rows"]), (&"sessions".into(), &5_000.into()));
    assert!(like["types"].as_f64().unwrap() < 0.02, "{like}");
    for marginal in ["ks_events_per_session", "ks_sessions_per_user", "ks_events_per_item"] {
        assert!(like[marginal].as_f64().unwrap() < 0.25, "{marginal}: {like}");
    }
    assert!(report["by_type"]["view"]["expected_share_percent"].as_f64().unwrap() > 90.0);
    shell
        .run(&["synth", "--like", "sample.csv", "-d", "1s", "--users", "7", "--dry-run"])
        .ends_with_code(0)
        .says("KS: events a session");
    shell.run(&["synth", "--like", "none.csv", "-d", "1s"]).ends_with_code(7).complains("none.csv does not exist");
}

fn report_in_every_form(shell: &Shell, bundle: &str) {
    shell.run(&["report", bundle]).ends_with_code(0).says("every one verified").says("report.html");
    let stored: serde_json::Value =
        serde_json::from_slice(&fs::read(Path::new(bundle).join("report.json")).unwrap()).unwrap();
    let fidelity = &stored["replay"]["fidelity"];
    assert_eq!((&fidelity["inversions"], &fidelity["events"]), (&0.into(), &2_000.into()));
    assert_eq!(shell.run(&["report", bundle, "-o", "json"]).ends_with_code(0).json(), stored);
    for (kind, start) in [
        ("html", "<!"),
        ("junit", "<?xml"),
        ("markdown", "###"),
        ("json", "{"),
        ("csv", "at_s,"),
        ("github-benchmark", "["),
        ("bencher", "{"),
        ("hgrm", "       Value"),
    ] {
        let export = format!("{kind}=export");
        let ran = shell.run(&["report", bundle, "--export", &export]);
        if ran.code == 5 {
            // A busy machine: the generator was the limit, and a benchmark of such a run is refused.
            assert!(matches!(kind, "github-benchmark" | "bencher"));
            continue;
        }
        ran.ends_with_code(0);
        let text = fs::read_to_string(shell.path().join("export")).unwrap();
        assert!(text.starts_with(start), "{kind}: {text}");
    }
    let whole = fs::read_to_string(Path::new(bundle).join("response_time.hgrm")).unwrap();
    assert_eq!(fs::read_to_string(shell.path().join("export")).unwrap(), whole, "seconds sum to the whole");
    shell.run(&["report", bundle, "--export", "pdf=x"]).ends_with_code(2).complains("hint: one of html, junit");
}

fn gates_of_every_outcome(shell: &Shell, base: &str, new: &str) {
    shell.run(&["gate", base]).ends_with_code(0).says("PASS  1 of 1 rules kept in 1 run");
    shell.run(&["gate", base, new, "--gate", "lost == 0"]).ends_with_code(0).says("2 of 2 pass");
    shell
        .run(&["gate", base, "--gate", "verified < 10"])
        .ends_with_code(99)
        .says("limit 10")
        .says("FAIL  1 of 1 rules broken");
    // 2,000 events cannot tell a quantile that needs 100,000.
    shell
        .run(&["gate", base, "--gate", "response_time.p9999 < 1s"])
        .ends_with_code(4)
        .says("UNEVALUATED  1 of 1 rules not evaluated");
    shell.run(&["gate", base, "--gate", "verified < 10", "--gate", "response_time.p9999 < 1s"]).ends_with_code(99);
    shell.run(&["gate", new]).ends_with_code(104).complains("there is nothing to evaluate");
    shell.run(&["gate", new, "--gate", "respnse_time.p99 < 1s"]).ends_with_code(104).complains("response_time.p99");
    fs::write(shell.path().join("gates.toml"), "name = \"x\"\n[[gate]]\nrule = \"verified == 2000\"\n").unwrap();
    let json = shell.run(&["gate", base, new, "--gates", "gates.toml", "-o", "json"]).ends_with_code(0).json();
    assert_eq!((&json["rules"][0]["pass"], &json["rules"][0]["pass_percent"]), (&2.into(), &100.0.into()));
    fs::write(shell.path().join("none.toml"), "name = \"x\"\n").unwrap();
    shell.run(&["gate", base, "--gates", "none.toml"]).ends_with_code(104).complains("has no [[gate]] table");
    shell.run(&["gate", base, "--gates", "gone.toml"]).ends_with_code(104).complains("gone.toml cannot be read");
}

#[test]
fn a_capacity_search_keeps_every_probe_and_can_go_on() {
    let shell = Shell::new();
    let search = ["--start", "50/s", "--max", "100/s", "--probe", "5s", "--settle", "1s", "--results-dir", "found"];
    // On a busy machine the generator is late; that says nothing of how a search goes on.
    let short = ["--max-time", "8s", "-o", "json", "--no-progress", "--gate-off", "generator_healthy"];
    let ran = shell.run(&[&["capacity"][..], &search, &short].concat()).ends_with_code(4);
    let record = ran.json();
    assert_eq!(record["searches"][0]["answer"], "out_of_time", "{record}");
    assert_eq!(record["searches"][0]["probes"].as_array().unwrap().len(), 1);
    let folder = fs::read_dir(shell.path().join("found")).unwrap().next().unwrap().unwrap().path();
    let folder = folder.to_str().unwrap();
    let probe = format!("{folder}/probes/01-50");
    shell.run(&["report", &probe]).says("embedded broker");

    let ran = shell.run(&["capacity", "--resume", folder, "--max-time", "5m", "-o", "json", "--no-progress"]);
    // On a machine too busy to pace the generator is the limit, or too little is known.
    assert!([0, 4, 5].contains(&ran.code), "{}: {}", ran.code, ran.err);
    let record = ran.json();
    assert_eq!(record["searches"][0]["probes"][0]["rate"], 50, "the first probe is not made again");
    assert!(record["searches"][0]["probes"].as_array().unwrap().len() >= 3, "{record}");
    assert!(fs::read_to_string(format!("{folder}/capacity.html")).unwrap().contains("<svg"));

    shell.run(&["capacity", "--resume", folder, "--start", "5/s"]).ends_with_code(2).complains("keeps the settings");
    shell.run(&["capacity", "--start", "9/s", "--max", "5/s"]).ends_with_code(104).complains("not below the highest");
    shell.run(&["capacity", "--resume", "found"]).ends_with_code(7).complains("capacity.json");
}

#[test]
fn a_search_with_no_broker_behind_it_finds_the_generators_limit() {
    let shell = Shell::new();
    let nowhere = ["-b", "nowhere", "--no-progress", "-o", "json"];
    let flat_out = [&["synth", "--rate", "unlimited", "--duration", "1s"][..], &nowhere].concat();
    let alone = shell.run(&flat_out).json();
    let per_s = alone["offered"]["achieved_rate_per_s"].as_f64().unwrap();
    assert_eq!(alone["environment"]["brokers"][0], "nowhere");
    assert_eq!(alone["ledger"]["scheduled"], alone["ledger"]["unverified"], "confirmed by nobody, and not read back");
    // Four times what this machine generates: its limit is below, whatever else the machine does meanwhile.
    let start = format!("{:.0}/s", per_s * 4.0);
    let search = ["capacity", "--start", &start, "--probe", "1s", "--settle", "0s"];
    let found = shell.run(&[&search[..], &nowhere].concat()).ends_with_code(5).json();
    let search = &found["searches"][0];
    assert_eq!(search["answer"], "generator_limit", "{search}");
    assert_eq!((&search["low"], &search["high"]["probes"]), (&serde_json::Value::Null, &2.into()), "{search}");
    assert!(found["target"].as_str().unwrap().ends_with("@ nowhere"), "{}", found["target"]);
    assert_eq!(search["probes"][0]["unread"], serde_json::Value::Null, "what nobody reads is no backlog");
    let text = shell.run(&["synth", "-b", "nowhere", "--rate", "100/s", "--num-records", "100"]).out;
    assert!(text.contains("nowhere: no broker at all, figures are this generator's only"), "{text}");
    println!("this generator alone: {per_s:.0} events/s; {start} was too much for it");
}

#[test]
fn a_varied_search_that_was_killed_goes_on_with_the_numbers_that_were_not_begun() {
    let shell = Shell::new();
    // A second is too short to judge a probe, and long enough to make one.
    let short = ["--start", "50/s", "--probe", "1s", "--settle", "0s", "--max-time", "1s", "--no-progress"];
    let more = ["--vary", "lanes=1,2,3", "-o", "json", "--results-dir", "found"];
    let record = shell.run(&[&["capacity"][..], &short, &more].concat()).ends_with_code(4).json();
    assert_eq!(record["numbers"], serde_json::json!([1, 2, 3]));
    let folder = fs::read_dir(shell.path().join("found")).unwrap().next().unwrap().unwrap().path();

    // What a kill during the first of three searches leaves behind.
    let mut killed = record.clone();
    killed["searches"].as_array_mut().unwrap().truncate(1);
    fs::write(folder.join("capacity.json"), killed.to_string()).unwrap();
    let folder = folder.to_str().unwrap();
    let resume = |more: &[&str]| shell.run(&[&["capacity", "--resume", folder, "--no-progress"], more].concat());
    resume(&["--vary", "lanes=1,2"]).ends_with_code(104).complains("was begun with --vary lanes=1,2,3");
    resume(&["--vary", "partitions=1,2,3"]).ends_with_code(104).complains("was begun with --vary lanes=1,2,3");

    let record = resume(&["--vary", "lanes=3,2,1", "-o", "json"]).ends_with_code(4).json();
    let numbers: Vec<_> = record["searches"].as_array().unwrap().iter().map(|search| &search["number"]).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert!(
        record["searches"].as_array().unwrap().iter().all(|search| search["probes"].as_array().unwrap().len() == 1)
    );
}

#[test]
fn a_generated_file_is_never_overwritten_unasked_and_depends_on_its_seed_alone() {
    let shell = Shell::new();
    let generate = |more: &[&str]| shell.run(&[&["dataset", "generate", "--rows", "300"], more].concat());
    generate(&["--out", "a.csv"]).ends_with_code(0).says("a.csv: 300 rows");
    let first = fs::read_to_string(shell.path().join("a.csv")).unwrap();
    generate(&["--out", "a.csv", "--seed", "2"]).ends_with_code(104).complains("--force replaces it");
    assert_eq!(fs::read_to_string(shell.path().join("a.csv")).unwrap(), first);
    assert_eq!(generate(&["--out", "-"]).ends_with_code(0).out, first, "the same seed gives the same file");
    generate(&["--out", "a.csv", "--seed", "2", "--force"]).ends_with_code(0);
    assert_ne!(fs::read_to_string(shell.path().join("a.csv")).unwrap(), first);

    let shaped = ["--users", "100", "--items", "50", "--days", "3", "--duplicates", "7", "--disorder=false"];
    generate(&[&["--out", "b.csv"], &shaped[..]].concat()).ends_with_code(0);
    let facts = shell.run(&["dataset", "info", "b.csv", "-o", "json"]).ends_with_code(0).json()["facts"].take();
    assert_eq!((&facts["descents"], &facts["duplicate_rows"]), (&0.into(), &7.into()));

    assert_eq!(generate(&[]).ends_with_code(0).out, first, "without a file it is stdout");
    generate(&["--out", "c.csv", "--users", "5000"]).ends_with_code(2).complains("users: must be from");
    generate(&["--out", "no/such/c.csv"]).ends_with_code(104).complains("cannot be written");
    let by_variables = [("LOADGEN_OUT", "d.csv"), ("LOADGEN_ROWS", "20")];
    shell.run_with(&["dataset", "generate"], &by_variables).ends_with_code(0).says("d.csv: 20 rows");
}

/// What a busy machine does to a run is not what these tests are about.
const WHATEVER_THE_MACHINE: [&str; 6] =
    ["--gate-off", "generator_on_time", "--gate-off", "generator_kept_rate", "--gate-off", "generator_had_cpu"];

#[test]
fn a_recording_in_rounds_without_end_is_played_at_its_own_times_for_as_long_as_asked() {
    let shell = Shell::new();
    let rows = "timestamp,visitorid,event,itemid,transactionid\n1433000000000,1,view,2,\n1433000000500,1,view,3,\n";
    fs::write(shell.path().join("two.csv"), rows).unwrap();
    let endless = ["replay", "two.csv", "--loop", "forever", "--speed", "10", "-d", "1s", "-b", "nowhere"];
    let ran = shell.run(&[&endless[..], &WHATEVER_THE_MACHINE].concat()).ends_with_code(0);
    ran.says("20 scheduled, every one acked").complains("@ nowhere    20 events, 1 s");
    let dry = shell.run(&["replay", "two.csv", "--loop", "forever", "--dry-run"]).ends_with_code(0);
    dry.says("takes          until it is stopped").says("rate           mean 2/s");
    let counted = shell.run(&["replay", "two.csv", "--loop", "4000000000", "-d", "2s", "--dry-run"]).ends_with_code(0);
    counted.says("4,000,000,000 rounds, 4 events").says("takes          1.5 s");
    shell
        .run(&["replay", "two.csv", "--amplify", "262145", "--dry-run"])
        .ends_with_code(104)
        .complains("at most 262144");
}

#[test]
fn a_type_that_bad_rows_take_away_is_told_at_every_pace_and_before_it() {
    let shell = Shell::new();
    let views: String = (0..200).map(|row| format!("{},{row},view,5,\n", 1_433_000_000_000_u64 + row)).collect();
    let orders: String = (0..20).map(|row| format!("1433000001000,{row},transaction,5,tx_{row}\n")).collect();
    fs::write(shell.path().join("f.csv"), format!("timestamp,visitorid,event,itemid,transactionid\n{views}{orders}"))
        .unwrap();
    let loss = "20 bad rows left out (transaction 20): 9.09 % of the rows, every transaction among them";
    for pace in [&["--rate", "2000/s"][..], &["--rate", "unlimited"], &["--fit", "1s"], &["--speed", "1"]] {
        let words = [&["replay", "f.csv", "--bad-rows", "skip", "-b", "nowhere"], pace, &WHATEVER_THE_MACHINE].concat();
        shell.run(&words).ends_with_code(0).says(&format!(" note       {loss}")).complains(loss);
        let report = shell.run(&[&words[..], &["-o", "json"]].concat()).json();
        assert_eq!(report["replay"]["bad_rows_by_type"], serde_json::json!({ "transaction": 20 }));
        assert_eq!(report["replay"]["rows_by_type"]["transaction"], 0);
        assert!(report["verdict"]["notes"].to_string().contains(loss), "{}", report["verdict"]);
    }
    let dry = shell.run(&["replay", "f.csv", "--bad-rows", "skip", "--dry-run"]).ends_with_code(0).complains(loss);
    dry.says("plays          200 of 220 rows").says("every transaction is among them");

    let like = ["synth", "--like", "f.csv", "--dry-run"];
    shell.run(&like).ends_with_code(7).complains("mend the file: 20 of the 220 rows looked at");
    let skipping = shell.run(&[&like[..], &["--bad-rows", "skip"]].concat()).ends_with_code(0);
    skipping.says("200 rows (20 bad rows left out)").complains(loss);
    shell.run_with(&like, &[("LOADGEN_BAD_ROWS", "skip")]).ends_with_code(0).says("20 bad rows left out");
}

#[test]
fn bad_data_ends_with_7_and_says_where() {
    let shell = Shell::new();
    shell.run(&["dataset", "info", "gone.csv"]).ends_with_code(7).complains("gone.csv");
    let rows = "timestamp,visitorid,event,itemid,transactionid\n1433221332117,1,view,2,\nnonsense,1,view,2,\n";
    fs::write(shell.path().join("bad.csv"), rows).unwrap();
    shell.run(&["dataset", "info", "bad.csv"]).ends_with_code(7).complains("mend the file: 1 of the 2 rows looked at");
    let skipped = shell.run(&["dataset", "info", "bad.csv", "--bad-rows", "skip"]).ends_with_code(0);
    skipped.says("bad rows       1").says("line 3");
    shell.run(&["dataset", "info", "bad.csv", "--bad-rows", "hide"]).complains("--bad-rows");

    for command in ["report", "gate", "compare"] {
        let mut args = vec![command, "gone"];
        args.extend((command == "compare").then_some("gone"));
        shell.run(&args).ends_with_code(7).complains("gone").complains("name the folder that a run left");
    }
    fs::write(shell.path().join("report.json"), "{}").unwrap();
    shell.run(&["report", "report.json"]).ends_with_code(7).complains("it is not a report of a run");
    let killed = shell.path().join("killed");
    fs::create_dir(&killed).unwrap();
    fs::write(killed.join("PARTIAL"), "").unwrap();
    shell.run(&["report", "killed"]).ends_with_code(7).complains("this run has not been judged");
}

#[test]
fn topics_are_described_and_planned_and_what_is_missing_is_told() {
    let shell = Shell::new();
    let broker = Embedded::start("raw-events", 3).unwrap();
    let at = ["-b", broker.address(), "--connect-timeout", "5s"];
    let run = |args: &[&str]| shell.run(&[args, &at[..]].concat());

    run(&["topics", "describe", "raw-events"]).ends_with_code(0).says("3 partitions, 1 copy, 0 records");
    let json = run(&["topics", "describe", "raw-events", "-o", "json"]).ends_with_code(0).json();
    assert_eq!((&json["topics"][0]["records"], &json["topics"][0]["partitions"][2]["leader"]), (&0.into(), &1.into()));
    run(&["topics", "describe", "gone"]).ends_with_code(6).says("does not exist");

    let plan = run(&["topics", "apply"]).ends_with_code(0);
    plan.says("leave    raw-events").says("create   inventory").says("--yes carries it out");
    run(&["topics", "apply", "--partitions", "2"])
        .ends_with_code(104)
        .says("REFUSED  raw-events")
        .says("never taken away");
    run(&["topics", "describe", "inventory"]).ends_with_code(6).says("does not exist");

    shell.run(&["topics", "describe"]).ends_with_code(104).complains("no cluster is named");
    let nowhere = ["topics", "apply", "-b", "127.0.0.1:1", "--connect-timeout", "300ms"];
    shell.run(&nowhere).ends_with_code(6).complains("no answer from 127.0.0.1:1");
}

#[test]
fn a_github_step_gets_a_summary_and_annotations() {
    let shell = Shell::new();
    shell.recording("sample.csv", 500);
    let summary = shell.path().join("summary.md");
    let variables = [("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap())];
    let args = ["replay", "sample.csv", "--fit", "1s", "--no-progress", "--gate", "verified == 1"];
    let ran = shell.run_with(&args, &variables);
    assert_ne!(ran.code, 0);
    ran.says("::error title=loadgen replay");
    assert!(fs::read_to_string(summary).unwrap().contains("verified == 1"));
}

#[test]
fn a_scenario_is_checked_without_being_run() {
    let shell = Shell::new();
    let scenario = "name = \"steady\"\n[source]\nkind = \"synthetic\"\n[[phase]]\nschedule = \"ramp\"\nfrom = \"100/s\"\nto = \"900/s\"\nduration = \"60s\"\n";
    fs::write(shell.path().join("good.toml"), scenario).unwrap();
    let checked = shell.run(&["check", "good.toml"]).ends_with_code(0);
    checked
        .says("VALID  scenario \"steady\"")
        .says("30,000 events")
        .says("at most 900/s")
        .says("this machine generates");
    let json = shell.run(&["check", "good.toml", "-o", "json"]).ends_with_code(0).json();
    assert_eq!((&json["events"], &json["peak_per_s"]), (&30_000.into(), &900.0.into()));
    assert!(json["calibration_per_s"].as_f64().unwrap() > 0.0);
    let impossible = scenario.replace("900/s", "90000000/s");
    fs::write(shell.path().join("impossible.toml"), impossible).unwrap();
    shell.run(&["check", "impossible.toml"]).ends_with_code(0).says("NOT PLAUSIBLE");
    fs::write(shell.path().join("bad.toml"), scenario.replace("duration", "duratoin")).unwrap();
    shell.run(&["check", "bad.toml"]).ends_with_code(104).complains("bad.toml line 8");
    assert!(!shell.path().join("results").exists(), "nothing is run");
}
