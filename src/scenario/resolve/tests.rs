//! What resolving does; here its defaults, and what a plan refuses.

mod client;
mod laws;
mod levels;
mod pace;
mod schemas;

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::cli::{self, Command};
use crate::scenario::environment::{Environment, Variables};
use crate::scenario::pace::Pace;
use crate::settings::verification::Isolation;
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
        Command::Synth(args) => (RunRequest::Synthetic, RunOptions::from(*args)),
        Command::Replay(args) => {
            let (files, options) = args.split();
            (RunRequest::Recording(files), options)
        }
        Command::Run(args) => (RunRequest::Scenario(args.scenario), args.options),
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

#[test]
fn defaults_are_those_of_the_help() {
    let plan = plan("synth");
    assert_eq!((plan.run.name.as_str(), plan.run.seed, plan.run.lanes.count), ("synth", 1, 1));
    assert_eq!(plan.run.kafka.bootstrap, None);
    assert_eq!(plan.run.kafka.topic, "raw-events");
    assert_eq!(
        (plan.run.kafka.partitions, plan.run.kafka.replication_factor, plan.run.kafka.create_topics),
        (3, 1, false)
    );
    let client: Vec<String> = plan.run.kafka.client.iter().map(|(key, value)| format!("{key}={value}")).collect();
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
    assert_eq!(plan.run.patience.flush_deadline, Duration::from_secs(35));
    assert_eq!(plan.run.verify.unwrap().back.drain_deadline, Duration::from_secs(30));
    assert_eq!(plan.presentation.results_dir, Path::new("results"));
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
fn names_that_make_no_folder_are_refused() {
    for name in ["a/b", "..", ".hidden", "a:b"] {
        let error = error(&format!("synth --name {name}"), &[], &[]);
        assert_eq!(error.to_string(), format!("\"{name}\" cannot be part of a folder's name"));
    }
}
