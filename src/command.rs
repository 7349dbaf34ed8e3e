//! The commands: each wires the parts together and gives back what is to be printed. Nothing here prints.

mod anonymise;
mod capacity;
mod check;
mod cluster;
mod collect;
mod compare;
mod dataset;
mod dry_run;
mod explain;
mod export;
mod fleet;
mod formats;
mod gate;
mod interrupt;
mod like;
mod merge;
mod mirror;
mod planned_faults;
mod planned_gates;
mod planned_load;
mod record;
mod report;
mod run;
mod schema;
mod score;
mod selftest;
mod shell;
mod stored;
mod topics;
mod verify;

use std::io::{self, IsTerminal};
use std::path::Path;

use crate::cli::{Cli, Command};
use crate::output::console::{self, Style};
use crate::progress::terminal;
use crate::report::RunReport;
use crate::scenario::{ConfigError, Environment, RunRequest};
use crate::verdict::ExitCode;

/// What exit code 0 says where nothing was measured or judged.
const TOLD: &str = "exit 0 (told): nothing was judged";
/// The same where something was made or changed.
const DONE: &str = "exit 0 (done): what was asked for is done";

/// How a command ended well enough to have a result.
#[derive(Debug)]
pub struct Done {
    /// What goes to stdout.
    pub output: String,
    /// How the program ends.
    pub code: ExitCode,
    /// The last line of exit code 0 where it is no verdict on something that was measured.
    passes_as: Option<&'static str>,
}

impl Done {
    /// A verdict was given, on something that was measured.
    fn judged(output: impl Into<String>, code: ExitCode) -> Self {
        Self { output: output.into(), code, passes_as: None }
    }

    /// It ended so, and exit code 0 says no more than `passes_as`, the whole last line.
    fn ended(output: impl Into<String>, code: ExitCode, passes_as: &'static str) -> Self {
        Self { output: output.into(), code, passes_as: Some(passes_as) }
    }

    /// A text for another program, beside which nothing is said.
    fn text(output: String) -> Self {
        Self::ended(output, ExitCode::Pass, "")
    }

    /// What was asked for is told; nothing was measured or judged.
    fn told(output: impl Into<String>) -> Self {
        Self::ended(output, ExitCode::Pass, TOLD)
    }

    /// The last line on stderr. A text that another program reads, such as a shell at each of its starts, has none.
    #[must_use]
    pub fn ending(&self) -> Option<String> {
        match self.passes_as.filter(|_| self.code == ExitCode::Pass) {
            Some("") => None,
            Some(passes_as) => Some(passes_as.to_owned()),
            None => Some(self.code.to_string()),
        }
    }

    /// What came of it could not be told on stdout.
    #[must_use]
    pub fn not_written(self) -> Self {
        Self { code: self.code.outranking(ExitCode::NotWritten), ..self }
    }
}

/// The summary of a report as stdout takes it: coloured where it is a terminal that wants it. `bundle` is the folder the run left.
fn summary(report: &RunReport, bundle: Option<&Path>) -> String {
    let stdout = io::stdout();
    let style = Style::choose(stdout.is_terminal(), terminal::columns(&stdout), |name| std::env::var(name).ok());
    console::render(report, Style { bundle, ..style })
}

/// How a command ended without a result.
#[derive(Debug)]
pub struct Failure {
    /// How the program ends.
    pub code: ExitCode,
    /// What happened, in one sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Failure {
    fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self { code: error.exit_code(), message: error.to_string(), hint: error.hint() }
    }
}

/// Does what the command line says.
///
/// # Errors
/// What kept it from a result.
pub fn dispatch(cli: Cli, environment: &Environment) -> Result<Done, Failure> {
    if let Err(error) = interrupt::outlive_file_limits() {
        tracing::debug!("a limit of the size of files would end this process: {error}");
    }
    match cli.command {
        Command::Synth(args) => run::run(&RunRequest::Synthetic, (*args).into(), environment),
        Command::Replay(args) => {
            let (files, options) = args.split();
            run::run(&RunRequest::Recording(files), options, environment)
        }
        Command::Run(args) => run::run(&RunRequest::Scenario(args.scenario), args.options, environment),
        Command::Mirror(args) => mirror::mirror(*args, environment),
        Command::Collect(args) => collect::collect(*args, environment),
        Command::Verify(args) => verify::verify(*args, environment),
        Command::Check(args) => check::check(*args, environment),
        Command::Capacity(args) => capacity::capacity(*args, environment),
        Command::Topics(args) => topics::topics(args, environment),
        Command::Dataset(args) => dataset::dataset(args, environment),
        Command::Schema(args) => schema::schema(args, environment),
        Command::Record(args) => record::record(*args, environment),
        Command::Score(args) => score::score(*args, environment),
        Command::Report(args) => report::report(args, environment),
        Command::Gate(args) => gate::gate(args, environment),
        Command::Compare(args) => compare::compare(*args, environment),
        Command::Fleet(args) => fleet::fleet(args, environment),
        Command::Merge(args) => merge::merge(args, environment),
        Command::Selftest(args) => selftest::selftest(args, environment),
        Command::Explain(args) => explain::explain(&args),
        Command::Completions(args) => shell::completions(&args),
        Command::Man(args) => shell::man(&args),
    }
}
