//! Which level of settings decides: precedence, displacement, conflicts.

use super::*;

#[test]
fn an_option_beats_the_environment_beats_the_file_beats_the_scenario() {
    const SCENARIO: &str = "seed = 4\n[source]\nkind = \"synthetic\"\n[kafka]\ntopic = \"scenario\"";
    let process = [("LOADGEN_SEED", "2"), ("LOADGEN_TOPIC", "environment")];
    let by_all = run_of(SCENARIO, "--seed 1 --topic option", &process).unwrap().plan;
    assert_eq!((by_all.run.seed, by_all.run.kafka.topic.as_str()), (1, "option"));
    let by_environment = run_of(SCENARIO, "", &process).unwrap().plan;
    assert_eq!((by_environment.run.seed, by_environment.run.kafka.topic.as_str()), (2, "environment"));
    let by_scenario = run_of(SCENARIO, "", &[]).unwrap().plan;
    assert_eq!((by_scenario.run.seed, by_scenario.run.kafka.topic.as_str()), (4, "scenario"));
    let by_file = resolved("synth", &[], &[("LOADGEN_SEED", "3")]).unwrap().plan;
    assert_eq!(by_file.run.seed, 3);
    let both = resolved("synth", &[("LOADGEN_SEED", "2")], &[("LOADGEN_SEED", "3")]).unwrap().plan;
    assert_eq!(both.run.seed, 2);
}

#[test]
fn a_higher_level_displaces_what_it_conflicts_with() {
    let file = [("PRODUCER_SPEED", "100")];
    let fit = |seconds| Pace::Fit(Duration::from_secs(seconds));
    assert_eq!(resolved("replay f.csv", &[], &file).unwrap().plan.pace, speed("100"));
    assert_eq!(resolved("replay f.csv --fit 60s", &[], &file).unwrap().plan.pace, fit(60));
    assert_eq!(resolved("replay f.csv", &[("LOADGEN_FIT", "9s")], &file).unwrap().plan.pace, fit(9));
    assert_eq!(resolved("replay f.csv --speed 2", &[("LOADGEN_FIT", "9s")], &file).unwrap().plan.pace, speed("2"));
    let unlimited = resolved("replay f.csv --rate unlimited", &[("LOADGEN_FIT", "9s")], &file).unwrap().plan;
    assert_eq!(unlimited.pace, Pace::Unlimited);
    assert_eq!(plan("replay f.csv").pace, speed("1"));
}

#[test]
fn two_of_one_level_are_a_usage_error() {
    let on_the_line = error("replay f.csv --speed 2 --fit 60s", &[], &[]);
    assert_eq!(on_the_line.to_string(), "--speed and --fit exclude each other, and the command line has both");
    assert_eq!(on_the_line.exit_code(), ExitCode::Usage);
    assert!(on_the_line.hint().unwrap().starts_with("keep one of them"));
    let in_the_file = error("replay f.csv", &[], &[("PRODUCER_SPEED", "2"), ("LOADGEN_RATE", "5/s")]);
    assert_eq!(
        in_the_file.to_string(),
        "PRODUCER_SPEED and LOADGEN_RATE exclude each other, and the .env file has both"
    );
    assert_eq!(in_the_file.exit_code(), ExitCode::Usage);
    let in_the_scenario =
        run_of("speed = 2\nfit = \"5s\"\n[source]\nkind = \"retail_rocket\"\npath = \"x\"", "", &[]).unwrap_err();
    assert_eq!(in_the_scenario.to_string(), "speed and fit exclude each other, and the scenario has both");
    assert_eq!(in_the_scenario.exit_code(), ExitCode::BadConfiguration);
    let speed_of_no_rate = error("synth --rate unlimited --speed 10", &[], &[]);
    assert_eq!(speed_of_no_rate.to_string(), "--rate and --speed exclude each other, and the command line has both");
    let unverified_group = error("synth --no-verify --group g", &[], &[]);
    assert_eq!(
        unverified_group.to_string(),
        "--no-verify and --group exclude each other, and the command line has both"
    );
}

#[test]
fn switches_can_be_taken_back_by_a_stronger_level() {
    let off = [("LOADGEN_NO_VERIFY", "1"), ("LOADGEN_QUIET", "yes")];
    let verified = |words: &str| resolved(words, &off, &[]).unwrap().plan.run.verify.is_some();
    assert!(!verified("synth"));
    assert!(verified("synth --no-verify=false"));
    assert!(verified("synth --group g"));
    assert!(resolved("synth", &off, &[]).unwrap().plan.presentation.quiet);
    assert!(!resolved("synth --quiet=false", &off, &[]).unwrap().plan.presentation.quiet);
}

#[test]
fn empty_variables_count_as_not_set() {
    let plan =
        resolved("synth", &[("KAFKA_BROKERS", ""), ("LOADGEN_SEED", "")], &[("KAFKA_BROKERS", "k:1")]).unwrap().plan;
    assert_eq!(plan.run.kafka.bootstrap.as_deref(), Some("k:1"));
    assert_eq!(plan.run.seed, 1);
}

#[test]
fn bad_variables_are_named_with_their_level() {
    let cases = [
        (
            "LOADGEN_RATE",
            "0",
            "LOADGEN_RATE (the environment): a rate must be above 0 and at most 1000000000/s, \"0\" is not",
        ),
        (
            "PRODUCER_SPEED",
            "0",
            "PRODUCER_SPEED (the environment): a speed must be a number above 0 and at most 1000000, such as 1, 10, 100 or 0.5; \"0\" is not",
        ),
        ("LOADGEN_LANES", "0", "LOADGEN_LANES (the environment): 0 is not in 1..=4096"),
        ("LOADGEN_ACKS", "2", "LOADGEN_ACKS (the environment): \"2\" is none of all, 1, 0"),
        (
            "LOADGEN_DURATION",
            "5",
            "LOADGEN_DURATION (the environment): \"5\" is no duration: write 250ms, 5s, 1m30s, 2h or 7d",
        ),
        ("LOADGEN_NO_VERIFY", "maybe", "LOADGEN_NO_VERIFY (the environment): \"maybe\" is none of true, false"),
    ];
    for (name, value, message) in cases {
        let error = error("synth", &[(name, value)], &[]);
        assert_eq!(error.to_string(), message);
        assert_eq!(error.exit_code(), ExitCode::Usage);
    }
}

#[test]
fn variables_of_the_other_source_are_no_error() {
    let variables = [("LOADGEN_MAX_GAP", "1s"), ("LOADGEN_USERS", "5"), ("LOADGEN_FIT", "5s")];
    assert!(resolved("synth", &variables, &[]).is_ok());
    assert!(resolved("replay f.csv", &variables, &[]).is_ok());
}

#[test]
fn options_of_the_other_source_are_refused() {
    let synthetic = run_of("[source]\nkind = \"synthetic\"", "--max-gap 1s", &[]).unwrap_err();
    assert_eq!(synthetic.to_string(), "--max-gap does not apply: the events are synthetic, nothing is replayed");
    assert_eq!(synthetic.exit_code(), ExitCode::Usage);
    let rounds = run_of("[source]\nkind = \"synthetic\"", "--loop 3", &[]).unwrap_err();
    assert!(rounds.to_string().starts_with("--loop does not apply"));
    let replayed = run_of("[source]\nkind = \"retail_rocket\"\npath = \"x\"", "--users 5", &[]).unwrap_err();
    assert_eq!(replayed.to_string(), "--users does not apply: the events are replayed, none is drawn");
}

#[test]
fn gates_of_all_levels_add_up() {
    let scenario = "[source]\nkind = \"synthetic\"\n[[gate]]\nrule = \"lost == 0\"";
    let plan =
        run_of(scenario, "--gate duplicates==0", &[("LOADGEN_GATE", "corrupt == 0\nreordered == 0")]).unwrap().plan;
    let rules: Vec<String> = plan.gates.gates.iter().map(|gate| gate.rule.to_string()).collect();
    assert_eq!(rules, ["lost == 0", "corrupt == 0", "reordered == 0", "duplicates == 0"]);
}

#[test]
fn misspelt_variables_are_noticed() {
    let environment = Environment::new(
        [(OsString::from("LOADGEN_RTAE"), OsString::from("5")), (OsString::from("HOME"), OsString::from("/"))],
        None,
        Path::new("/nonexistent/.env"),
    )
    .unwrap();
    assert_eq!(
        environment.unknown(&crate::cli::command()),
        ["LOADGEN_RTAE (the environment) is not a variable of loadgen and has no effect; did you mean LOADGEN_RATE?"]
    );
}

#[test]
fn a_misspelt_variable_is_a_warning_of_the_run() {
    let resolved = resolved("synth", &[], &[("LOADGEN_LANSE", "2")]).unwrap();
    assert_eq!(
        resolved.warnings,
        ["LOADGEN_LANSE (the .env file) is not a variable of loadgen and has no effect; did you mean LOADGEN_LANES?"]
    );
}
