//! Arguments of `loadgen compare`.

use std::path::PathBuf;

use clap::Args;

use crate::compare::Aspect;
use crate::settings::choice;
use crate::settings::cluster::TargetOptions;
use crate::settings::events::EventOptions;
use crate::settings::layer::layer;
use crate::settings::outcome::OutcomeOptions;
use crate::settings::pace::PaceOptions;
use crate::settings::recording::RecordingOptions;
use crate::settings::run::LengthOptions;
use crate::settings::run::RunLimits;
use crate::settings::run::RunOptions;
use crate::settings::values;
use crate::settings::verification::VerifierOptions;

/// Compares a new run with a base, with a confidence interval for every change.
///
/// With --run BASE and NEW are scenarios: both are run in turns first, so that what else the machine does meets both alike.
#[derive(Clone, Debug, PartialEq, Args)]
#[command(after_help = "\
Examples:
  loadgen compare results/base results/new
  loadgen compare results/base-1,results/base-2 results/new-1,results/new-2
  loadgen compare results/base results/new --max-regression p99=10% --fail-on worse
  loadgen compare results/base results/new -o html > compare.html
  loadgen compare --run scenarios/steady.toml new.toml --rounds 5 -d 90s -b localhost:9092")]
pub struct CompareArgs {
    /// Folder of the base run; several, with commas between them. With --run a scenario
    #[arg(value_name = "BASE", value_parser = values::bundles)]
    pub base: values::Bundles,
    /// Folder of the new run; several, with commas between them. With --run a scenario
    #[arg(value_name = "NEW", value_parser = values::bundles)]
    pub new: values::Bundles,
    /// The options.
    #[command(flatten)]
    pub options: CompareOptions,
    /// Both sides are run first.
    #[command(flatten)]
    pub rounds: RoundOptions,
    /// What every run of both sides has.
    #[command(flatten)]
    pub both: BothOptions,
}

layer! {
    /// The options of `loadgen compare`: one layer of settings.
    pub struct CompareOptions {
        /// End with exit code 99 when any metric is this [default: never]
        ///
        /// With `worse`, noise that leaves it open ends with exit code 4: it is not shown that nothing is worse.
        #[arg(long, value_name = "VERDICT", value_parser = choice::of::<values::FailOn>())]
        pub fail_on: Option<values::FailOn>,
        /// Largest change that is accepted, for example p99=10%; repeatable
        #[arg(long, value_name = "METRIC=PERCENT", value_parser = values::regression)]
        pub max_regression: Vec<values::Regression>,
        /// Compare although the runs differ in this, for example machine or outcome; repeatable
        #[arg(long, value_name = "ASPECT")]
        pub allow: Vec<Aspect>,
        /// Form of the result on stdout [default: text]
        #[arg(short, long, value_name = "FORMAT", value_parser = choice::of::<values::CompareOutput>())]
        pub output: Option<values::CompareOutput>,
    }
}

layer! {
    /// How both sides are run.
    #[command(next_help_heading = "Running both")]
    pub struct RoundOptions {
        /// Run both first: BASE and NEW are scenarios, whose runs take turns
        ///
        /// The rounds go BASE NEW, NEW BASE, BASE NEW, ... Each run is kept in the folder of the comparison. Ctrl-C ends it, and
        /// what is there is compared.
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        pub run: Option<bool>,
        /// Runs of each side [default: 3]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
        pub rounds: Option<u16>,
    }

    /// What every run of both sides has, over what their scenarios say.
    pub struct BothOptions {
        /// Folder in which the comparison gets a folder of its own, with all its runs [default: results]
        #[arg(long, value_name = "DIR", help_heading = "Running both")]
        pub results_dir: Option<PathBuf>,
        /// Do not show progress
        #[arg(
            long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
            help_heading = "Running both"
        )]
        pub no_progress: Option<bool>,
        /// Turn a built-in gate off by its name; repeatable
        #[arg(long, value_name = "NAME", help_heading = "Running both")]
        pub gate_off: Vec<String>,
        /// Run the commands of the scenarios' fault tables. Read them first: without this a scenario never runs a program
        #[arg(
            long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
            help_heading = "Running both"
        )]
        pub allow_fault_commands: Option<bool>,
        /// When each run ends.
        #[command(flatten)]
        pub length: LengthOptions,
        /// Into what.
        #[command(flatten)]
        pub target: TargetOptions,
    }
}

impl BothOptions {
    /// The options that every run has, as one layer.
    #[must_use]
    pub fn options(self) -> RunOptions {
        let Self { results_dir, no_progress, gate_off, allow_fault_commands, length, target } = self;
        RunOptions {
            pace: PaceOptions::default(),
            limits: RunLimits { length, allow_fault_commands, ..RunLimits::default() },
            target,
            verifier: VerifierOptions::default(),
            outcome: OutcomeOptions { gate_off, results_dir, no_progress, ..OutcomeOptions::default() },
            events: EventOptions::default(),
            recording: RecordingOptions::default(),
        }
    }
}
