//! What resolving does: precedence, displacement, conflicts, defaults.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::cli::{self, Command};
use crate::scenario::environment::{Environment, Variables};
use crate::scenario::pace::Pace;
use crate::scenario::plan::Isolation;
use crate::verdict::ExitCode;

/// The command line `loadgen <words>` under the variables of both levels.
fn resolved(words: &str, process: &[(&str, &str)], file: &[(&str, &str)]) -> Result<Resolved, ConfigError> {
    let cli = cli::parse(std::iter::once("loadgen").chain(words.split_whitespace())).unwrap();
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let environment = Environment {
        process: Variables::new(Level::Environment, process.iter().map(own)),
        file: Variables::new(Level::EnvFile, file.iter().map(own)),
    };
    let (wanted, options) = match cli.command {
        Command::Synth(args) => (Wanted::Synthetic, RunOptions::from(*args)),
        Command::Replay(args) => {
            let (file, options) = args.split();
            (Wanted::Recording(file), options)
        }
        Command::Run(args) => (Wanted::Scenario(args.scenario), args.options),
        other => panic!("{other:?}"),
    };
    resolve(&wanted, options, &environment)
}

fn plan(words: &str) -> Plan {
    resolved(words, &[], &[]).unwrap().plan
}

fn error(words: &str, process: &[(&str, &str)], file: &[(&str, &str)]) -> ConfigError {
    resolved(words, process, file).map(|resolved| resolved.plan).unwrap_err()
}

fn run_of(text: &str, words: &str, process: &[(&str, &str)]) -> Result<Resolved, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("steady.toml");
    std::fs::write(&path, text).unwrap();
    resolved(&format!("run {} {words}", path.display()), process, &[])
}

fn speed(factor: &str) -> Pace {
    Pace::Speed(factor.parse().unwrap())
}

fn rate_of(plan: &Plan) -> String {
    match &plan.pace {
        Pace::Phases(phases) => format!("{:?}", phases.iter().map(|phase| &phase.shape).collect::<Vec<_>>()),
        other => format!("{other:?}"),
    }
}

#[test]
fn defaults_are_those_of_the_help() {
    let plan = plan("synth");
    assert_eq!((plan.name.as_str(), plan.seed, plan.lanes), ("synth", 1, 1));
    assert_eq!(plan.kafka.bootstrap, None);
    assert_eq!(plan.kafka.topic, "raw-events");
    assert_eq!((plan.kafka.partitions, plan.kafka.replication_factor, plan.kafka.create_topics), (3, 1, false));
    let client: Vec<String> = plan.kafka.client.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(
        client,
        [
            "acks=all",
            "compression.type=snappy",
            "delivery.timeout.ms=30000",
            "enable.idempotence=true",
            "linger.ms=5",
            "partitioner=murmur2_random",
            "queue.buffering.max.messages=20000",
        ]
    );
    assert_eq!(plan.flush_deadline, Duration::from_secs(35));
    assert_eq!(plan.verify.unwrap().drain_deadline, Duration::from_secs(30));
    assert_eq!(plan.presentation.results_dir, Path::new("results"));
}

#[test]
fn an_option_beats_the_environment_beats_the_file_beats_the_scenario() {
    const SCENARIO: &str = "seed = 4\n[source]\nkind = \"synthetic\"\n[kafka]\ntopic = \"scenario\"";
    let process = [("LOADGEN_SEED", "2"), ("LOADGEN_TOPIC", "environment")];
    let by_all = run_of(SCENARIO, "--seed 1 --topic option", &process).unwrap().plan;
    assert_eq!((by_all.seed, by_all.kafka.topic.as_str()), (1, "option"));
    let by_environment = run_of(SCENARIO, "", &process).unwrap().plan;
    assert_eq!((by_environment.seed, by_environment.kafka.topic.as_str()), (2, "environment"));
    let by_scenario = run_of(SCENARIO, "", &[]).unwrap().plan;
    assert_eq!((by_scenario.seed, by_scenario.kafka.topic.as_str()), (4, "scenario"));
    let by_file = resolved("synth", &[], &[("LOADGEN_SEED", "3")]).unwrap().plan;
    assert_eq!(by_file.seed, 3);
    let both = resolved("synth", &[("LOADGEN_SEED", "2")], &[("LOADGEN_SEED", "3")]).unwrap().plan;
    assert_eq!(both.seed, 2);
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
fn speed_multiplies_a_synthetic_rate_whoever_says_it() {
    assert_eq!(rate_of(&plan("synth --rate 10/s --speed 100")), rate_of(&plan("synth --rate 1000/s")));
    let by_variable = resolved("synth --rate 10/s", &[], &[("PRODUCER_SPEED", "100")]).unwrap().plan;
    assert_eq!(rate_of(&by_variable), rate_of(&plan("synth --rate 1000/s")));
    let too_fast = error("synth --rate 1000000/s --speed 1000000", &[], &[]);
    assert_eq!(too_fast.to_string(), "the rate of a phase times 1000000x is no rate");
}

#[test]
fn a_rate_over_a_scenario_replaces_its_phases_for_as_long() {
    const PHASES: &str = "[source]\nkind = \"synthetic\"\n[[phase]]\nname = \"a\"\nrate = \"5/s\"\nduration = \"10s\"\n\
                          [[phase]]\nname = \"b\"\nrate = \"50/s\"\nduration = \"20s\"";
    let kept = run_of(PHASES, "--speed 2", &[]).unwrap();
    let Pace::Phases(phases) = &kept.plan.pace else { panic!("{:?}", kept.plan.pace) };
    assert_eq!(phases.len(), 2);
    let replaced = run_of(PHASES, "--rate 7/s", &[]).unwrap();
    let Pace::Phases(phases) = &replaced.plan.pace else { panic!("{:?}", replaced.plan.pace) };
    assert_eq!(phases.len(), 1);
    assert_eq!(phases[0].duration, Some(crate::clock::Nanos::from_secs(30)));
    assert_eq!(replaced.warnings, ["--rate replaces the 2 phases of the scenario"]);
}

#[test]
fn a_duration_cuts_phases_and_never_stretches_several() {
    const PHASES: &str = "[source]\nkind = \"synthetic\"\n[[phase]]\nname = \"a\"\nrate = \"5/s\"\nduration = \"10s\"\n\
                          [[phase]]\nname = \"b\"\nrate = \"50/s\"\nduration = \"20s\"";
    let lengths = |words: &str| -> Vec<u64> {
        let Pace::Phases(phases) = run_of(PHASES, words, &[]).unwrap().plan.pace else { panic!() };
        phases.iter().map(|phase| phase.duration.unwrap().0 / 1_000_000_000).collect()
    };
    assert_eq!(lengths(""), [10, 20]);
    assert_eq!(lengths("--duration 25s"), [10, 15]);
    assert_eq!(lengths("--duration 10s"), [10]);
    assert_eq!(lengths("--duration 30s"), [10, 20]);
    let longer = run_of(PHASES, "--duration 1m", &[]).unwrap_err();
    assert_eq!(longer.to_string(), "--duration (the command line): the phases end 30s earlier");
    assert_eq!(longer.hint().as_deref(), Some("make the last phase longer, or leave the duration out"));
    let Pace::Phases(one) = plan("synth --duration 90s").pace else { panic!() };
    assert_eq!(one[0].duration, Some(crate::clock::Nanos::from_secs(90)));
}

#[test]
fn what_a_duration_cuts_off_is_told() {
    const THREE: &str = "[source]\nkind = \"synthetic\"\n[[phase]]\nrate = \"5/s\"\nduration = \"10s\"\n\
                         [[phase]]\nname = \"climb\"\nschedule = \"steps\"\nrates = [1, 2]\neach = \"10s\"\n\
                         [[phase]]\nname = \"last\"\nrate = \"5/s\"";
    let warnings = |words: &str| run_of(THREE, words, &[]).unwrap().warnings;
    assert_eq!(warnings("--duration 1m"), [""; 0]);
    assert_eq!(warnings("--duration 30s"), ["--duration cuts off phase 3 (\"last\")"]);
    assert_eq!(warnings("--duration 15s"), ["--duration cuts off phase 2 (\"climb\") after 5s, phase 3 (\"last\")"]);
    assert_eq!(
        warnings("--duration 4s"),
        ["--duration cuts off phase 1 (constant) after 4s, phase 2 (\"climb\"), phase 3 (\"last\")"]
    );
}

#[test]
fn a_stronger_level_may_cut_a_spike_that_its_own_level_may_not() {
    const SPIKE: &str = "[source]\nkind = \"synthetic\"\n[[phase]]\nschedule = \"spike\"\nbase = 10\npeak = 20\n\
                         at = \"30s\"\nhold = \"5s\"\n";
    let too_long = "the spike (`at` + `rise` + `hold` + `fall`) ends 35s into the phase, which ends after 20s";
    let cut = run_of(SPIKE, "--duration 20s", &[]).unwrap();
    assert_eq!(cut.warnings, ["--duration cuts off phase 1 (spike) after 20s"]);
    let Pace::Phases(phases) = &cut.plan.pace else { panic!() };
    assert_eq!(phases[0].duration, Some(crate::clock::Nanos::from_secs(20)));
    let again = run_of(&cut.scenario.to_toml().unwrap(), "", &[]).unwrap();
    assert_eq!((again.plan.pace, again.warnings.len()), (cut.plan.pace, 0), "the run can be repeated from its folder");
    for refused in [
        run_of(&format!("{SPIKE}duration = \"20s\""), "", &[]),
        run_of(&format!("duration = \"20s\"\n{SPIKE}"), "", &[]),
        resolved("synth --shape spike:base=10,peak=20,at=30s,hold=5s --duration 20s", &[], &[]),
        resolved("synth --shape spike:base=10,peak=20,at=30s,hold=5s", &[("LOADGEN_DURATION", "20s")], &[]),
    ] {
        let said = refused.unwrap_err().to_string();
        assert!(said.starts_with("phase 1") && said.contains(too_long), "{said}");
    }
}

#[test]
fn the_points_of_a_file_tell_how_long_its_phase_lasts() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("day.csv"), "0,1/s\n10,100/s\n").unwrap();
    let scenario = folder.path().join("day.toml");
    let text = "[source]\nkind = \"synthetic\"\n[[phase]]\nschedule = \"curve\"\nfile = \"day.csv\"\n\
                [[phase]]\nrate = 5\nduration = \"20s\"";
    std::fs::write(&scenario, text).unwrap();
    let run = |words: &str| resolved(&format!("run {} {words}", scenario.display()), &[], &[]).unwrap().plan;
    let Pace::Phases(phases) = run("--duration 25s").pace else { panic!() };
    let lengths: Vec<_> = phases.iter().map(|phase| phase.duration.unwrap().as_secs_f64()).collect();
    assert_eq!(lengths, [10.0, 15.0]);
    let Pace::Phases(phases) = run("--rate 7").pace else { panic!() };
    assert_eq!(phases[0].duration, Some(crate::clock::Nanos::from_secs(30)));
}

#[test]
fn shapes_are_phases_on_the_command_line() {
    let by_hand = "[source]\nkind = \"synthetic\"\n[[phase]]\nschedule = \"ramp\"\nfrom = 10\nto = 100\nduration = \"10s\"\n\
                   [[phase]]\nschedule = \"poisson\"\nrate = 7\nduration = \"5s\"";
    let written = run_of(by_hand, "", &[]).unwrap().plan;
    let typed = plan("synth --shape ramp:10..100,duration=10s --shape poisson:7,duration=5s");
    assert_eq!(typed.pace, written.pace);
    let by_variable = resolved("synth", &[("LOADGEN_SHAPE", "ramp:10..100,duration=10s\npoisson:7,duration=5s")], &[]);
    assert_eq!(by_variable.unwrap().plan.pace, written.pace);
    let one = plan("synth --shape ramp:10..100 --duration 10s");
    assert_eq!(rate_of(&one), rate_of(&plan("synth --shape ramp:10..100,over=10s --duration 10s")));
    let both = error("synth --shape poisson:7 --rate 5", &[], &[]);
    assert_eq!(both.to_string(), "--rate and --shape exclude each other, and the command line has both");
    let by_level = resolved("synth --shape poisson:7", &[("LOADGEN_RATE", "5")], &[]).unwrap().plan;
    assert_eq!(by_level.pace, plan("synth --shape poisson:7").pace);
    let replayed = error("synth --shape replay:7", &[], &[]);
    assert_eq!(replayed.to_string(), "schedule \"replay\" is for recordings, and these events are synthetic");
}

#[test]
fn speed_multiplies_every_rate_of_a_shape() {
    let shapes = [
        ("ramp:10..100", "ramp:30..300"),
        ("steps:10,20,each=10s", "steps:30,60,each=10s"),
        ("steps:10..30,step=10,each=10s", "steps:30..90,step=30,each=10s"),
        ("sine:mean=10,amplitude=5,period=2s", "sine:mean=30,amplitude=15,period=2s"),
        ("spike:base=0,peak=50,at=1s,hold=1s", "spike:base=0,peak=150,at=1s,hold=1s"),
        ("poisson:10", "poisson:30"),
        ("bursts:10,on=1s,off=1s,base=1", "bursts:30,on=1s,off=1s,base=3"),
    ];
    for (shape, faster) in shapes {
        let multiplied = plan(&format!("synth --duration 30s --speed 3 --shape {shape}"));
        assert_eq!(multiplied.pace, plan(&format!("synth --duration 30s --shape {faster}")).pace, "{shape}");
    }
}

#[test]
fn a_cut_ramp_rises_as_it_would_have() {
    let two = "synth --shape constant:5,duration=10s --shape ramp:0..100,duration=10s";
    let Pace::Phases(phases) = plan(&format!("{two} --duration 15s")).pace else { panic!() };
    assert_eq!(phases[1].duration, Some(crate::clock::Nanos::from_secs(5)));
    let Pace::Phases(whole) = plan(two).pace else { panic!() };
    assert_eq!(phases[1].shape, whole[1].shape);
    let steps = "synth --shape constant:5,duration=10s --shape steps:1,2,duration=10s";
    let Pace::Phases(phases) = plan(&format!("{steps} --duration 15s")).pace else { panic!() };
    let Pace::Phases(whole) = plan(steps).pace else { panic!() };
    assert_eq!(phases[1].shape, whole[1].shape);
}

#[test]
fn a_curve_is_read_once_and_kept_with_the_results() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("day.csv"), "0,1/s\n10,100/s\n").unwrap();
    let scenario = folder.path().join("day.toml");
    std::fs::write(&scenario, "[source]\nkind = \"synthetic\"\n[[phase]]\nschedule = \"curve\"\nfile = \"day.csv\"")
        .unwrap();
    let resolved = resolved(&format!("run {}", scenario.display()), &[], &[]).unwrap();
    let Pace::Phases(phases) = &resolved.plan.pace else { panic!() };
    assert_eq!(phases[0].duration, Some(crate::clock::Nanos::from_secs(10)));
    assert!(resolved.scenario.phases[0].points.is_some() && resolved.scenario.phases[0].file.is_none());
    let missing = error(&format!("synth --shape curve:file={}/none.csv", folder.path().display()), &[], &[]);
    assert!(
        missing.to_string().starts_with(&format!("rate curve {}/none.csv cannot be read: ", folder.path().display()))
    );
    std::fs::write(folder.path().join("day.csv"), "0,1/s\n10,-5\n").unwrap();
    let negative = error(&format!("run {}", scenario.display()), &[], &[]).to_string();
    assert!(negative.contains("day.csv line 2: \"-5\" is no rate"), "{negative}");
}

#[test]
fn gates_are_resolved_before_the_run() {
    let unknown = resolved("synth --gate response_time.p98<250ms", &[], &[]).unwrap_err();
    assert!(
        unknown
            .to_string()
            .starts_with("gate \"response_time.p98<250ms\": \"response_time.p98\" is nothing that is measured")
    );
    assert_eq!(unknown.exit_code(), ExitCode::BadConfiguration);
    assert!(resolved("synth --shape constant:5,name=peak --gate phase.peak.lost==0", &[], &[]).is_ok());
    assert!(resolved("synth --gate phase.peak.lost==0", &[], &[]).is_err());
    let off = plan("synth --gate-off nothing_refused").gates;
    assert!(!off.is_on(crate::gate::BuiltIn::NothingRefused));
    assert!(resolved("synth --gate-off nothing", &[], &[]).is_err());
}

#[test]
fn weak_acks_switch_idempotence_off_unless_both_are_asked_for() {
    let idempotence = |words: &str, process: &[(&str, &str)]| {
        let client = resolved(words, process, &[]).unwrap().plan.kafka.client;
        (client["acks"].clone(), client["enable.idempotence"].clone())
    };
    let pair = |acks: &str, idempotence: &str| (acks.to_owned(), idempotence.to_owned());
    assert_eq!(idempotence("synth", &[]), pair("all", "true"));
    assert_eq!(idempotence("synth --acks 1", &[]), pair("1", "false"));
    assert_eq!(idempotence("synth -X request.required.acks=0", &[]), pair("0", "false"));
    assert_eq!(idempotence("synth --acks 1 --idempotence=false", &[]), pair("1", "false"));
    assert_eq!(idempotence("synth -X acks=-1", &[]), pair("-1", "true"));
    assert_eq!(idempotence("synth --acks 1", &[("LOADGEN_IDEMPOTENCE", "yes")]), pair("1", "false"));
    assert_eq!(idempotence("synth --idempotence", &[("LOADGEN_ACKS", "1")]), pair("all", "true"));
    let both = error("synth --acks 1 --idempotence", &[], &[]);
    assert_eq!(
        both.to_string(),
        "client property enable.idempotence (--idempotence): idempotence needs acks=all, but acks=1 (--acks) is asked for too"
    );
    assert_eq!(
        both.hint().as_deref(),
        Some("leave one of them out: acks=0 and acks=1 switch idempotence off by themselves")
    );
    assert_eq!(both.exit_code(), ExitCode::BadConfiguration);
}

#[test]
fn properties_merge_by_name_and_level() {
    let process = [
        ("KAFKA_BROKERS", "k:1"),
        ("LOADGEN_COMMAND_PROPERTY", "client.id=env\nlinger.ms=7"),
        ("SASL_USERNAME", "me"),
        ("SECURITY_PROTOCOL", "sasl_ssl"),
    ];
    let resolved =
        resolved("synth -X client.id=option -X client.id=last", &process, &[("SASL_USERNAME", "you")]).unwrap();
    let client = &resolved.plan.kafka.client;
    assert_eq!(client["client.id"], "last");
    assert_eq!(client["linger.ms"], "7");
    assert_eq!(client["sasl.username"], "me");
    assert_eq!(resolved.plan.kafka.bootstrap.as_deref(), Some("k:1"));
    assert!(!client.contains_key("bootstrap.servers"));
    let dump = resolved.client.dump();
    assert!(
        dump.contains("client.id = last  # -X\n") || dump.contains("client.id = last  # --command-property\n"),
        "{dump}"
    );
    assert!(dump.contains("bootstrap.servers = k:1  # KAFKA_BROKERS\n"), "{dump}");
    assert!(dump.contains("acks = all  # the defaults\n"), "{dump}");
}

#[test]
fn an_option_and_a_property_of_one_level_may_not_contradict_each_other() {
    let contradiction = error("synth --acks all -X acks=1", &[], &[]);
    assert_eq!(
        contradiction.to_string(),
        "--acks acks=all and --command-property acks=1 exclude each other, and the command line has both"
    );
    assert_eq!(plan("synth --acks all -X acks=all").kafka.client["acks"], "all");
    let levels = resolved("synth -X acks=1", &[("LOADGEN_ACKS", "all")], &[]).unwrap();
    assert_eq!(levels.plan.kafka.client["acks"], "1");
}

#[test]
fn brokers_that_cannot_be_are_refused() {
    for (servers, reason) in [
        ("localhost:abc", "\"localhost:abc\" has no port from 1 to 65535"),
        ("a:1,b:0", "\"b:0\" has no port from 1 to 65535"),
        ("[::1]:99999", "\"[::1]:99999\" has no port from 1 to 65535"),
        (",", "it names no broker"),
    ] {
        let refused = error(&format!("synth -b {servers}"), &[], &[]);
        assert_eq!(refused.to_string(), format!("client property bootstrap.servers (--bootstrap-server): {reason}"));
    }
    for servers in ["localhost", "a:1,b:2", "[::1]:9092", "[::1]", "PLAINTEXT://a:9092"] {
        assert_eq!(plan(&format!("synth -b {servers}")).kafka.bootstrap.as_deref(), Some(servers));
    }
}

#[test]
fn a_file_of_java_settings_gives_way_to_options_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("java.properties");
    std::fs::write(&path, "enable.idempotence=true\nsecurity.protocol=SSL\nssl.truststore.location=/t.jks\n").unwrap();
    let words = format!("synth -b k:1 --command-config {} --acks 1 -X ssl.ca.location=/ca.pem", path.display());
    let resolved = resolved(&words, &[], &[]).unwrap();
    let client = &resolved.plan.kafka.client;
    assert_eq!((client["acks"].as_str(), client["enable.idempotence"].as_str()), ("1", "false"));
    assert_eq!(client["ssl.ca.location"], "/ca.pem");
    assert_eq!(resolved.warnings.len(), 1, "{:?}", resolved.warnings);
}

#[test]
fn a_file_that_a_stronger_level_displaces_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("client.properties");
    std::fs::write(&path, "client.id=mine\n").unwrap();
    let words = format!("synth --command-config {}", path.display());
    let plan = resolved(&words, &[("LOADGEN_COMMAND_CONFIG", "/nonexistent")], &[]).unwrap().plan;
    assert_eq!(plan.kafka.client["client.id"], "mine");
    assert!(error("synth", &[("LOADGEN_COMMAND_CONFIG", "/nonexistent")], &[]).to_string().contains("/nonexistent"));
}

#[test]
fn a_properties_file_yields_to_options_and_variables_of_its_level() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("client.properties");
    std::fs::write(&path, "bootstrap.servers=file:1\nlinger.ms=9\nacks=1\ngroup.id=live\nkey.serializer=x\n").unwrap();
    let words = format!("synth --command-config {} -X linger.ms=0", path.display());
    let resolved = resolved(&words, &[("LOADGEN_ACKS", "all")], &[]).unwrap();
    assert_eq!(resolved.plan.kafka.bootstrap.as_deref(), Some("file:1"));
    assert_eq!(resolved.plan.kafka.client["linger.ms"], "0");
    assert_eq!(resolved.plan.kafka.client["acks"], "1", "an option's file beats a variable");
    assert_eq!(resolved.plan.verify.unwrap().group, None, "a file's group is never joined");
    assert_eq!(resolved.warnings.len(), 2, "{:?}", resolved.warnings);
}

#[test]
fn a_group_of_the_environment_is_watched_and_never_joined() {
    let plan = resolved("synth", &[("CONSUMER_GROUP_ID", "live")], &[]).unwrap().plan;
    assert_eq!(plan.kafka.lag_group.as_deref(), Some("live"));
    assert_eq!(plan.verify.unwrap().group, None);
}

#[test]
fn switches_can_be_taken_back_by_a_stronger_level() {
    let off = [("LOADGEN_NO_VERIFY", "1"), ("LOADGEN_QUIET", "yes")];
    let verified = |words: &str| resolved(words, &off, &[]).unwrap().plan.verify.is_some();
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
    assert_eq!(plan.kafka.bootstrap.as_deref(), Some("k:1"));
    assert_eq!(plan.seed, 1);
}

#[test]
fn the_embedded_broker_can_be_asked_for_over_a_variable() {
    let variables = [("KAFKA_BROKERS", "k:1"), ("SASL_USERNAME", "me")];
    let resolved = resolved("synth -b embedded", &variables, &[]).unwrap();
    assert_eq!(resolved.plan.kafka.bootstrap, None);
    assert!(!resolved.plan.kafka.client.contains_key("sasl.username"));
    assert_eq!(resolved.warnings, ["the embedded broker has no logins, so these have no effect: sasl.username"]);
}

#[test]
fn credentials_that_would_not_be_used_are_refused() {
    let error = error("synth -b k:1", &[("SASL_USERNAME", "me"), ("SASL_PASSWORD", "hunter2")], &[]);
    assert_eq!(
        error.to_string(),
        "client property sasl.username (SASL_USERNAME): without security.protocol there is no login, the connection is plain"
    );
    assert!(error.hint().unwrap().contains("SECURITY_PROTOCOL"));
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
        ("LOADGEN_LANES", "0", "LOADGEN_LANES (the environment): 0 is not in 1..=255"),
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
fn names_that_make_no_folder_are_refused() {
    for name in ["a/b", "..", ".hidden", "a:b"] {
        let error = error(&format!("synth --name {name}"), &[], &[]);
        assert_eq!(error.to_string(), format!("\"{name}\" cannot be part of a folder's name"));
    }
}

#[test]
fn transactions_need_what_they_promise() {
    let clustered = |words: &str| resolved(&format!("synth -b k:1 {words}"), &[], &[]);
    let plan = clustered("--transactional --txn-size 50 --txn-abort-rate 0.3").unwrap().plan;
    let transactions = plan.transactions.unwrap();
    assert_eq!((transactions.size, transactions.abort_rate.to_bits()), (50, 0.3_f64.to_bits()));
    assert_eq!(plan.verify.unwrap().isolation, Isolation::ReadCommitted, "on a cluster, unless told otherwise");
    let default = clustered("--transactional").unwrap();
    assert_eq!(default.plan.transactions.unwrap().size, 100);
    assert_eq!(clustered("").unwrap().plan.transactions, None);
    let uncommitted = clustered("--transactional --isolation read_uncommitted").unwrap().plan;
    assert_eq!(uncommitted.verify.unwrap().isolation, Isolation::ReadUncommitted);
    assert_eq!(plan_of_embedded().verify.unwrap().isolation, Isolation::ReadUncommitted);
    for (words, message) in [
        ("-b k:1 --transactional --acks 1", "transactions need acks=all, and acks=1 is asked for"),
        ("-b k:1 --transactional --idempotence=false", "transactions need idempotence, and it is switched off"),
        ("-b k:1 --transactional -X max.in.flight=6", "transactions allow 5 requests in flight, and 6 are asked for"),
        ("-b k:1 --txn-size 5", "--txn-size is for transactions, and there are none"),
        (
            "--transactional --txn-abort-rate 0.1 --isolation read_committed",
            "the embedded broker cannot hide aborted events from a reader: it writes no markers",
        ),
    ] {
        let refused = error(&format!("synth {words}"), &[], &[]);
        assert_eq!(refused.to_string(), message);
        assert_eq!(refused.exit_code(), ExitCode::BadConfiguration);
    }
    let again = Scenario::parse(&default.scenario.to_toml().unwrap(), Path::new("scenario.toml")).unwrap();
    assert_eq!(again.transactions, default.scenario.transactions);
}

fn plan_of_embedded() -> Plan {
    plan("synth --transactional --txn-abort-rate 0.1")
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

/// One setting at one level, as an option and as a variable.
#[derive(Clone, Debug)]
struct Given {
    option: &'static str,
    values: [Option<u32>; 3],
}

fn any_given() -> impl Strategy<Value = Vec<Given>> {
    let value = || proptest::option::of(1_u32..200);
    let one = |option: &'static str| {
        (value(), value(), value()).prop_map(move |(a, b, c)| Given { option, values: [a, b, c] })
    };
    let settings: Vec<_> = ["seed", "num-records", "lanes", "partitions", "replication-factor"].map(one).into();
    settings
}

fn variable(option: &str) -> String {
    format!("LOADGEN_{}", option.to_uppercase().replace('-', "_"))
}

proptest! {
    #[test]
    fn the_strongest_level_that_says_anything_decides(given in any_given()) {
        let level = |index: usize| given.iter().filter_map(move |one| Some((one.option, one.values[index]?)));
        let words: Vec<String> = level(0).map(|(option, value)| format!("--{option} {value}")).collect();
        let variables = |index| level(index).map(|(option, value)| (variable(option), value.to_string())).collect::<Vec<_>>();
        let (process, file) = (variables(1), variables(2));
        let process: Vec<(&str, &str)> = process.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let file: Vec<(&str, &str)> = file.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let plan = resolved(&format!("synth {}", words.join(" ")), &process, &file).unwrap().plan;
        for one in &given {
            let strongest = one.values.iter().flatten().next().copied();
            let (found, default) = match one.option {
                "seed" => (plan.seed, 1),
                "num-records" => (plan.limit.unwrap_or(0), 0),
                "lanes" => (u64::from(plan.lanes), 1),
                "partitions" => (u64::try_from(plan.kafka.partitions).unwrap(), 3),
                _ => (u64::try_from(plan.kafka.replication_factor).unwrap(), 1),
            };
            prop_assert_eq!(found, strongest.map_or(default, u64::from), "{}", one.option);
        }
    }

    #[test]
    fn the_strongest_level_decides_the_pace_alone(said in proptest::array::uniform3(proptest::option::of(0_usize..3))) {
        let options = ["--speed 7", "--fit 7s", "--rate 7/s"];
        let variables = [("PRODUCER_SPEED", "7"), ("LOADGEN_FIT", "7s"), ("LOADGEN_RATE", "7/s")];
        let paces = [speed("7"), Pace::Fit(Duration::from_secs(7)), Pace::Rate("7".parse().unwrap())];
        let level = |index: usize| said[index].map(|which| variables[which]).into_iter().collect::<Vec<_>>();
        let words = said[0].map_or("", |which| options[which]);
        let plan = resolved(&format!("replay f.csv {words}"), &level(1), &level(2)).unwrap().plan;
        let expected = said.iter().flatten().next().map_or(speed("1"), |which| paces[*which].clone());
        prop_assert_eq!(plan.pace, expected);
    }

    #[test]
    fn a_resolved_scenario_gives_the_same_plan_again(
        given in any_given(),
        pace in 0_usize..5,
        rate in 1_u32..10_000,
        period in 1_u32..5_000,
    ) {
        let words: Vec<String> =
            given.iter().filter_map(|one| Some(format!(" --{} {}", one.option, one.values[0]?))).collect();
        let words = words.concat();
        let words = match pace {
            0 => format!("synth --rate {rate}/{period}ms --speed 0.7 --duration 3h{words}"),
            1 => format!("synth --rate unlimited --duration 61s{words}"),
            2 => format!("replay /d/f.csv --speed 2.5 --max-gap 1m30s{words}"),
            3 => format!("replay /d/f.csv --fit {period}ms --no-verify{words}"),
            _ => format!("replay /d/f.csv --rate {rate}/{period}ms --acks 1 -X client.id=x{words}"),
        };
        let first = resolved(&words, &[], &[]).unwrap();
        let text = first.scenario.to_toml().unwrap();
        let again = Scenario::parse(&text, Path::new("scenario.toml")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scenario.toml");
        std::fs::write(&path, &text).unwrap();
        let second = resolved(&format!("run {}", path.display()), &[], &[]).unwrap();
        prop_assert_eq!(&again.source, &first.scenario.source);
        prop_assert_eq!(second.plan, first.plan, "{}", text);
    }
}
