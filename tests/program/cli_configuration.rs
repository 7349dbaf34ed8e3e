//! Configuration as a user meets it: the repository's scenarios, and what is said about bad settings.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where something unexpected happens")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use loadgen::cli::{self, Command};
use loadgen::clock::Nanos;
use loadgen::scenario::environment::Environment;
use loadgen::scenario::pace::Pace;
use loadgen::scenario::source::SourceConfig;
use loadgen::scenario::{ConfigError, Resolved, RunRequest, resolve};
use loadgen::schedule::Schedule;
use loadgen::settings::run::RunOptions;
use loadgen::source::retail_rocket::Recording;
use loadgen::verdict::ExitCode;

/// Nothing but the given variables, whatever the machine has set.
fn environment(variables: &[(&str, &str)]) -> Environment {
    let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    Environment::new(variables, None, Path::new("/nonexistent/.env")).unwrap()
}

fn resolved(words: &[&str], variables: &[(&str, &str)]) -> Result<Resolved, ConfigError> {
    let (wanted, options) = match cli::parse([&["loadgen"], words].concat()).unwrap().command {
        Command::Synth(args) => (RunRequest::Synthetic, RunOptions::from(*args)),
        Command::Replay(args) => {
            let (files, options) = args.split();
            (RunRequest::Recording(files), options)
        }
        Command::Run(args) => (RunRequest::Scenario(args.scenario), args.options),
        other => panic!("{other:?}"),
    };
    resolve(&wanted, options, &environment(variables))
}

fn scenario(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name)
}

fn run(name: &str, variables: &[(&str, &str)]) -> Resolved {
    resolved(&["run", scenario(name).to_str().unwrap()], variables).unwrap()
}

/// What clap says, without the usage below it.
fn usage_error(words: &[&str]) -> String {
    let error = cli::parse([&["loadgen"], words].concat()).unwrap_err();
    assert_eq!(error.exit_code(), i32::from(ExitCode::Usage.code()));
    error.to_string().lines().next().unwrap().to_owned()
}

#[test]
fn every_scenario_of_the_repository_makes_a_plan_that_can_be_repeated() {
    let mut seen = 0;
    for entry in std::fs::read_dir(scenario("")).unwrap() {
        let path = entry.unwrap().path();
        // Some want a cluster, one a registry, one an Alertmanager; none is asked.
        let elsewhere =
            ["-b", "localhost:9092", "--schema-registry", "http://localhost:8081", "--alert", "http://localhost:9093"];
        let allowed = [&["--allow-fault-commands"], &elsewhere[..]].concat();
        let first = resolved(&[&["run", path.to_str().unwrap()][..], &allowed].concat(), &[]).unwrap();
        assert!(first.warnings.is_empty(), "{}: {:?}", path.display(), first.warnings);
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("scenario.toml");
        std::fs::write(&kept, first.scenario.to_toml().unwrap()).unwrap();
        let mut again = resolved(&[&["run", kept.to_str().unwrap()][..], &allowed].concat(), &[]).unwrap();
        again.plan.bootstrap_said_by.clone_from(&first.plan.bootstrap_said_by);
        assert_eq!(again.plan, first.plan, "{}", path.display());
        assert_eq!(again.scenario, first.scenario, "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 3);
}

#[test]
fn the_scenario_of_the_manual_makes_a_plan() {
    let manual = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md")).unwrap();
    let (_, block) = manual.split_once("```toml\n").unwrap();
    let (example, _) = block.split_once("```").unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("client.properties"), "").unwrap();
    let path = folder.path().join("peak.toml");
    std::fs::write(&path, example).unwrap();
    let plan = resolved(&["run", path.to_str().unwrap()], &[]).unwrap().plan;
    let Pace::Phases(phases) = plan.pace else { panic!() };
    assert_eq!(phases.iter().map(|phase| phase.warm_up).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn the_smoke_scenario_takes_ten_seconds() {
    let Pace::Phases(phases) = run("smoke.toml", &[]).plan.pace else { panic!() };
    assert_eq!(phases.iter().map(|phase| phase.duration.unwrap().0).sum::<u64>(), Nanos::from_secs(10).0);
}

#[test]
fn the_ingestion_scenario_is_the_platform_s_own() {
    let resolved = run("ingestion.toml", &[("PRODUCER_SPEED", "100")]);
    let client = &resolved.plan.run.kafka.client;
    assert_eq!((client["acks"].as_str(), client["retries"].as_str()), ("all", "3"));
    assert_eq!(client["compression.type"], "snappy");
    assert_eq!(resolved.plan.run.kafka.lag_group.as_deref(), Some("ecommerce-consumer-group"));
    assert_eq!(resolved.plan.run.verify.unwrap().group, None);
    let Pace::Phases(phases) = resolved.plan.pace else { panic!() };
    let schedule = Schedule::new(phases, resolved.plan.limit).unwrap();
    assert_eq!(schedule.due_before(Nanos::from_secs(1)), Some(1_000));
}

#[test]
fn the_replayed_scenario_ends_within_two_minutes() {
    let plan = run("replay-100x.toml", &[]).plan;
    let Pace::Speed(speed) = plan.pace else { panic!("{:?}", plan.pace) };
    let SourceConfig::RetailRocket(config) = plan.source else { panic!() };
    let recording = Recording::load(&config).unwrap();
    assert_eq!(recording.len(), Some(10_000));
    let wall = Duration::from(speed.compress(recording.span()));
    assert!(wall < Duration::from_secs(120), "{wall:?}");
}

#[test]
fn bad_values_are_refused_with_what_would_be_right() {
    const RATE: &str = "a rate must be above 0 and at most 1000000000/s";
    for (words, message) in [
        (["synth", "--rate", "0"], format!("error: invalid value '0' for '--rate <N/s>': {RATE}, \"0\" is not")),
        (
            ["synth", "--rate", "-5/s"],
            "error: invalid value '-5/s' for '--rate <N/s>': \"-5/s\" is no rate: write 10000, 10000/s, 0.5/s, 50/1s or 600/m".to_owned(),
        ),
        (
            ["replay", "f.csv", "--speed=0"],
            "error: invalid value '0' for '--speed <FACTOR>': a speed must be a number above 0 and at most 1000000, such as 1, 10, 100 or 0.5; \"0\" is not".to_owned(),
        ),
        (
            ["synth", "--speed", "-1"],
            "error: invalid value '-1' for '--speed <FACTOR>': a speed must be a number above 0 and at most 1000000, such as 1, 10, 100 or 0.5; \"-1\" is not".to_owned(),
        ),
        (["synth", "--lanes", "0"], "error: invalid value '0' for '--lanes <N>': 0 is not in 1..=4096".to_owned()),
        (["synth", "--lanes", "4097"], "error: invalid value '4097' for '--lanes <N>': 4097 is not in 1..=4096".to_owned()),
        (
            ["synth", "--weights", "view=0"],
            "error: invalid value 'view=0' for '--weights <TYPE=WEIGHT,...>': every weight is 0: a type that is not named has weight 0, so name those that shall come, as in view=50,search=10".to_owned(),
        ),
        (
            ["synth", "--duration", "60"],
            "error: invalid value '60' for '--duration <DURATION>': \"60\" is no duration: write 250ms, 5s, 1m30s, 2h or 7d".to_owned(),
        ),
        (["synth", "--duration", "0s"], "error: invalid value '0s' for '--duration <DURATION>': it must be above 0".to_owned()),
        (["synth", "--user-skew", "9"], "error: invalid value '9' for '--user-skew <S>': a skew is a number from 0 (evenly) to 5".to_owned()),
        (["synth", "--hot-key", "item=100%"], "error: invalid value 'item=100%' for '--hot-key <user|item[:ID]=SHARE>': \"item=100%\" is no hot key: write user=20% or item:17=0.05, with a share above 0 and below 1".to_owned()),
        (["synth", "--topic-map", "view"], "error: invalid value 'view' for '--topic-map <TYPE=TOPIC,...>': write it as TYPE=TOPIC, for example view=clicks,transaction=orders".to_owned()),
        (["synth", "--payload-bytes", "0"], "error: invalid value '0' for '--payload-bytes <SIZE>': a payload has 1 byte to 16MiB".to_owned()),
        (["synth", "--compressibility", "2"], "error: invalid value '2' for '--compressibility <C>': it is a number from 0 to 1".to_owned()),
        (["synth", "--model", "story"], "error: invalid value 'story' for '--model <MODEL>': \"story\" is no model: independent or sessions".to_owned()),
        (["synth", "--funnel", "view=1"], "error: invalid value 'view=1' for '--funnel <ROW:TYPE=PROBABILITY,...>': \"view=1\" is no row of a funnel: the row and a colon are missing; write for example after_view:view=0.5,addtocart=0.02".to_owned()),
        (["synth", "--acks", "2"], "error: invalid value '2' for '--acks <ACKS>'".to_owned()),
        (["replay", "--speed", "2"], "error: the following required arguments were not provided:".to_owned()),
        (["synth", "--sped", "2"], "error: unexpected argument '--sped' found".to_owned()),
    ] {
        assert_eq!(usage_error(&words), message);
    }
}

#[test]
fn what_does_not_go_together_is_refused_before_anything_runs() {
    let refusal = |words: &[&str], variables: &[(&str, &str)]| {
        let error = resolved(words, variables).unwrap_err();
        (error.to_string(), error.exit_code())
    };
    // Not shown: it may be a secret.
    assert_eq!(
        refusal(&["synth", "-X", "sasl.password hunter2"], &[]),
        (
            "--command-property (the command line): one of them is no key=value; it is not shown, since it may be a secret".to_owned(),
            ExitCode::Usage
        )
    );
    assert_eq!(
        refusal(&["replay", "f.csv", "--speed", "2", "--rate", "5"], &[]),
        ("--speed and --rate exclude each other, and the command line has both".to_owned(), ExitCode::Usage)
    );
    assert_eq!(
        refusal(&["synth", "--users", "3", "--lanes", "4"], &[]),
        (
            "3 users cannot be divided among 4 lanes: each lane needs at least one of its own".to_owned(),
            ExitCode::BadConfiguration
        )
    );
    assert_eq!(
        refusal(&["synth", "--acks", "0", "-X", "enable.idempotence=true"], &[]),
        (
            "client property enable.idempotence (--command-property): idempotence needs acks=all, but acks=0 (--acks) is asked for too"
                .to_owned(),
            ExitCode::BadConfiguration
        )
    );
    assert_eq!(
        refusal(&["synth", "--rate", "1/h", "--duration", "1ms", "--shape", "poisson:1"], &[]).1,
        ExitCode::Usage
    );
    assert_eq!(
        refusal(&["synth", "--topic", "a b"], &[]),
        ("\"a b\" cannot be the name of a topic".to_owned(), ExitCode::BadConfiguration)
    );
}

#[test]
fn every_help_fits_the_page_and_shows_the_defaults_in_use() {
    fn page(command: &clap::Command, long: bool) -> String {
        let mut command = command.clone().term_width(100);
        let text = if long { command.render_long_help() } else { command.render_help() };
        text.to_string()
    }
    fn visit(command: &clap::Command) {
        for long in [false, true] {
            let text = page(command, long);
            let wide: Vec<&str> = text.lines().filter(|line| line.chars().count() > 100).collect();
            assert!(wide.is_empty(), "{}: {wide:#?}", command.get_name());
        }
        command.get_subcommands().for_each(visit);
    }
    let command = cli::command();
    visit(&command);
    let plan = resolved(&["synth"], &[]).unwrap().plan;
    let SourceConfig::Synthetic(source) = &plan.source else { panic!() };
    let synth = page(command.find_subcommand("synth").unwrap(), true).replace(char::is_whitespace, "");
    for default in [
        format!("exponentofaZipfdistribution,0(evenly)to5[default:{}]", source.user_skew),
        format!("exponentofaZipfdistribution,0(evenly)to5[default:{}]", source.item_skew),
        format!("Distinctusers[default:{}]", source.users),
        format!("Distinctitems[default:{}]", source.items),
        format!("[default:{}]", source.weights),
        format!("[default:{}]", plan.run.kafka.topic),
        format!("Partitionsofacreatedtopic[default:{}]", plan.run.kafka.partitions),
        format!("[default:{}ms]", plan.run.kafka.client["linger.ms"]),
        format!("Compressionofbatches[default:{}]", plan.run.kafka.client["compression.type"]),
    ] {
        assert!(synth.contains(&default), "{default} is not in {synth}");
    }
}

#[test]
fn a_missing_file_is_named_with_what_it_was_to_be() {
    let message = |words: &[&str]| resolved(words, &[]).unwrap_err().to_string();
    let properties = message(&["synth", "--command-config", "/nonexistent/client.properties"]);
    assert!(properties.starts_with("properties file /nonexistent/client.properties cannot be read: "), "{properties}");
    let scenario = message(&["run", "/nonexistent/steady.toml"]);
    assert!(scenario.starts_with("scenario /nonexistent/steady.toml cannot be read: "), "{scenario}");
}

#[test]
fn a_secret_is_in_no_text_that_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("client.properties");
    std::fs::write(
        &path,
        "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nssl.key.password=hunter2\nsasl.jaas.config=\\\n  \
         org.apache.kafka.common.security.plain.PlainLoginModule required username=\"me\" password=\"hunter2\";\n",
    )
    .unwrap();
    let words = ["synth", "-b", "k:1", "--command-config", path.to_str().unwrap()];
    let resolved = resolved(&words, &[("SASL_PASSWORD", "hunter2")]).unwrap();
    assert_eq!(resolved.plan.run.kafka.client["sasl.password"], "hunter2");
    let shown = [
        resolved.client.dump(),
        resolved.scenario.to_toml().unwrap(),
        format!("{:?}", resolved.plan.run.kafka.redacted_client()),
        resolved.warnings.join("\n"),
        format!("{resolved:?}"),
        format!("{:?}", environment(&[("SASL_PASSWORD", "hunter2")])),
        format!("{:?}", cli::parse(["loadgen", "synth", "-X", "sasl.password=hunter2"]).unwrap()),
    ];
    for text in shown {
        assert!(!text.contains("hunter2"), "{text}");
    }
    let kept = folder.path().join("scenario.toml");
    std::fs::write(&kept, resolved.scenario.to_toml().unwrap()).unwrap();
    let again = ["run", kept.to_str().unwrap()];
    let error = crate::cli_configuration::resolved(&again, &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "client property sasl.password (kafka.client.sasl.password): the secret was left out when this scenario was written"
    );
    assert_eq!(error.exit_code(), ExitCode::BadConfiguration);
    let given = [("SASL_PASSWORD", "hunter2"), ("SSL_KEY_PASSWORD", "hunter2")];
    let mut again = crate::cli_configuration::resolved(&again, &given).unwrap().plan;
    again.bootstrap_said_by.clone_from(&resolved.plan.bootstrap_said_by);
    assert_eq!(again, resolved.plan);
}
