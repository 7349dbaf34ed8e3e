//! The command line: what can be typed, as data. Nothing here acts; `scenario` turns options into a plan.
//!
//! Every option may also be given as a variable `LOADGEN_<NAME>`, in the environment or in a `.env` file. Variables are
//! read by `scenario::environment`, not by clap, so that each layer stays apart until they are merged.

#![expect(clippy::doc_markdown, reason = "these docs are also the help, which is plain text")]

pub mod capacity;
pub mod check;
pub mod collect;
pub mod compare;
pub mod dataset;
pub mod explain;
pub mod fleet;
pub mod gate;
pub mod inflow;
pub mod merge;
pub mod mirror;
pub mod pace;
pub mod record;
pub mod replay;
pub mod report;
pub mod run;
pub mod schema;
pub mod score;
pub mod selftest;
pub mod shell;
pub mod synth;
pub mod topics;
pub mod verify;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::LazyLock;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::settings::log::LogOptions;
use crate::settings::variables::variables_of;

/// Load tests and replays for Kafka event pipelines, with a ledger that accounts for every event.
///
/// Without --bootstrap-server an embedded broker is used: good for trying things out, but not Kafka, so its figures
/// are this client's only.
#[derive(Debug, Parser)]
#[command(name = "loadgen", version, max_term_width = 100, after_help = AFTER_HELP)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Logging, for every command.
    #[command(flatten)]
    pub log: LogOptions,
    /// File of NAME=value lines that are read like environment variables, but yield to them
    ///
    /// Without this option `.env` in the current folder is read, if there is one.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Logging and environment")]
    pub env_file: Option<PathBuf>,
}

const AFTER_HELP: &str = "\
Precedence: option, environment variable, .env file, scenario, default. A switch that a weaker level has on is \
taken back with =false: --no-verify=false.

Exit codes: 0 pass, 2 usage, 3 correctness violated, 4 gate unevaluated, 5 run invalid (the generator was \
the limit), 6 cluster (cannot connect, time-out, topic missing), 7 input data bad, 99 gate failed, \
104 configuration invalid, 130 interrupted.

Examples:
  loadgen synth --rate 1000 --duration 10s
  loadgen replay datasets/retailrocket-sample.csv --fit 20s
  loadgen run scenarios/smoke.toml -b localhost:9092 --create-topics
  loadgen verify -b localhost:9092 --topic raw-events --until-idle 10s";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Publish synthetic events at a rate, read them back, account for every one
    Synth(Box<synth::SynthArgs>),
    /// Publish a recorded CSV at its own pace, faster or slower, read it back, account for every event
    Replay(Box<replay::ReplayArgs>),
    /// Do what a scenario file says: either source, with phases and gates
    Run(Box<run::RunArgs>),
    /// Read what another process writes, and say what is missing, twice, out of order, damaged or invalid
    Verify(Box<verify::VerifyArgs>),
    /// Is this scenario usable, what does it plan, and can this machine plausibly do it?
    Check(Box<check::CheckArgs>),
    /// Find the highest rate that keeps the gates, as an interval with evidence
    Capacity(Box<capacity::CapacityArgs>),
    /// Take web events over HTTP and publish them, each answered when Kafka has it
    Collect(Box<collect::CollectArgs>),
    /// Create or describe the topics
    Topics(topics::TopicsArgs),
    /// Look at a recorded CSV, or make one of the same shape
    Dataset(dataset::DatasetArgs),
    /// Show, register or check the schemas of events
    Schema(schema::SchemaArgs),
    /// Record topics into a file, byte for byte, and account for every offset
    Record(Box<record::RecordArgs>),
    /// Read topics and send their records into others, faster or several times, and account for each
    Mirror(Box<mirror::MirrorArgs>),
    /// Score the events of a topic by a model: how likely each is part of a fraud
    Score(Box<score::ScoreArgs>),
    /// Print or convert the report of an earlier run
    Report(report::ReportArgs),
    /// Evaluate gates on earlier runs
    Gate(gate::GateArgs),
    /// Compare two runs, or two groups of runs, with confidence intervals
    Compare(Box<compare::CompareArgs>),
    /// Start the shards of one run on one machine or many, and watch them
    Fleet(fleet::FleetArgs),
    /// Add up what the processes of one run left behind
    Merge(merge::MergeArgs),
    /// Show that the checker finds what it claims to find
    Selftest(selftest::SelfTestArgs),
    /// Tell what a number, class, verdict, gate or exit code means
    Explain(explain::ExplainArgs),
    /// Print completions for a shell
    Completions(shell::CompletionsArgs),
    /// Print a manual page
    Man(shell::ManArgs),
}

/// Reads a command line, the program's name first.
///
/// # Errors
/// A command line that means nothing; also `--help` and `--version`, whose text is to be printed.
pub fn parse(words: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Cli, clap::Error> {
    let matches = command().try_get_matches_from(words)?;
    Cli::from_arg_matches(&matches)
}

/// The whole command line, with the variables named in the long help.
#[must_use]
pub fn command() -> clap::Command {
    static WHOLE: LazyLock<clap::Command> = LazyLock::new(|| refined(Cli::command()));
    WHOLE.clone()
}

fn refined(command: clap::Command) -> clap::Command {
    let options = command.get_arguments().filter(|arg| arg.get_long().is_some()).count();
    let command = command.mut_args(|arg| name_variables(values_of(spelt(arg)))).mut_subcommands(refined);
    let command = command.mut_args(|arg| if arg.is_global_set() { arg.hide_short_help(true) } else { arg });
    if options <= ONE_SCREEN {
        return command;
    }
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let short = format!("These are the options of every day: --help tells all {options}.\n\n{examples}");
    command
        .mut_args(|arg| if is_daily(&arg) { arg } else { arg.hide_short_help(true) })
        .after_help(short.trim_end().to_owned())
        .after_long_help(examples)
}

/// With so many options, `-h` shows all of them.
const ONE_SCREEN: usize = 25;

/// What `-h` shows where there are more: the options of every day. `--help` shows all.
const DAILY: [&str; 31] = [
    "shards",
    "as",
    "out",
    "rate",
    "speed",
    "fit",
    "duration",
    "num-records",
    "shape",
    "seed",
    "bootstrap-server",
    "topic",
    "create-topics",
    "command-property",
    "gate",
    "no-verify",
    "until-idle",
    "output",
    "results-dir",
    "tui",
    "dry-run",
    "run",
    "rounds",
    "fail-on",
    "max-regression",
    "allow",
    "to",
    "copies",
    "raw",
    "anonymise",
    "help",
];

fn is_daily(arg: &clap::Arg) -> bool {
    arg.get_long().is_none_or(|long| DAILY.contains(&long))
}

/// Other tools' spellings of an option.
const SPELLINGS: [(&str, &[&str]); 4] = [
    ("rate", &["rps", "throughput"]),
    ("bootstrap-server", &["bootstrap-servers", "brokers"]),
    ("num-records", &["messages", "count"]),
    ("command-property", &["producer-property"]),
];

fn spelt(arg: clap::Arg) -> clap::Arg {
    let others = arg.get_long().and_then(|long| SPELLINGS.iter().find(|(name, _)| *name == long));
    match others {
        Some((_, others)) => arg.aliases(others.iter().copied()),
        None => arg,
    }
}

/// How values are taken and shown. A negative number reaches the parser of its option, which says what is wrong with it;
/// clap would look for an option of that name. That a switch can be `=false` is said once, below.
fn values_of(arg: clap::Arg) -> clap::Arg {
    if !arg.get_action().takes_values() {
        return arg;
    }
    let names: Vec<String> = arg.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect();
    match names.as_slice() {
        [name] if name == "N/s" => arg.allow_hyphen_values(true),
        [name] if name == "BOOL" => arg.hide_possible_values(true),
        [_] => arg.allow_negative_numbers(true),
        _ => arg,
    }
}

/// Adds `[env: LOADGEN_X]` to an option's long help.
fn name_variables(arg: clap::Arg) -> clap::Arg {
    let Some(long) = arg.get_long().filter(|_| !arg.is_hide_env_set()) else { return arg };
    let names = variables_of(long);
    if names.is_empty() {
        return arg;
    }
    let text = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    arg.long_help(format!("{text}\n\n[env: {}]", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_option(command: &clap::Command, seen: &mut Vec<clap::Arg>) {
        seen.extend(command.get_arguments().filter(|arg| arg.get_long().is_some()).cloned());
        command.get_subcommands().for_each(|inner| every_option(inner, seen));
    }

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_option_names_its_variable_in_the_long_help() {
        let mut options = Vec::new();
        every_option(&command(), &mut options);
        assert!(options.len() > 50);
        for option in options {
            let long = option.get_long().unwrap();
            let help = option.get_long_help().unwrap().to_string();
            if option.is_hide_env_set() {
                assert!(help.contains("no variable"), "--{long}: {help}");
                continue;
            }
            let variable = format!("LOADGEN_{}", long.to_uppercase().replace('-', "_"));
            assert!(help.contains(&variable), "--{long}: {help}");
        }
    }

    #[test]
    fn the_short_help_of_each_command_is_a_screen_and_has_its_examples() {
        let mut all = command();
        all.build();
        for inner in all.get_subcommands_mut() {
            let (short, long) = (inner.render_help().to_string(), inner.render_long_help().to_string());
            let name = inner.get_name();
            assert!(short.lines().count() <= 60, "{name}: {} lines", short.lines().count());
            assert_eq!(short.contains("Examples:"), long.contains("Examples:"), "{name}");
        }
    }

    #[test]
    fn spellings_of_other_tools_are_understood() {
        let rate = |words: &[&str]| match parse([&["loadgen", "synth"], words].concat()).unwrap().command {
            Command::Synth(synth) => format!("{synth:?}"),
            other => unreachable!("{other:?}"),
        };
        assert_eq!(rate(&["--rps", "10k"]), rate(&["--rate", "10000/s"]));
        assert_eq!(
            rate(&["--throughput", "500", "--duration", "1min"]),
            rate(&["--rate", "500/s", "--duration", "60s"])
        );
        assert_eq!(rate(&["--bootstrap-servers", "a:1"]), rate(&["-b", "a:1"]));
    }

    #[test]
    fn every_option_is_explained_and_sorted_under_a_heading() {
        let mut options = Vec::new();
        every_option(&command(), &mut options);
        for option in options {
            let long = option.get_long().unwrap();
            assert!(option.get_help().is_some_and(|help| help.to_string().len() > 10), "--{long} has no help");
        }
    }
}
