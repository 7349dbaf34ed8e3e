//! Arguments of `loadgen gate`.

use std::path::PathBuf;

use clap::Args;

use crate::settings::choice;
use crate::settings::layer::layer;
use crate::settings::outcome::Output;

/// Evaluates gates on earlier runs; over several of them it shows how often and how narrowly each rule is kept.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(after_help = "\
Examples:
  loadgen gate results/20260101T000000Z-smoke --gate 'response_time.p99 < 250ms'
  loadgen gate results/* --gates gates.toml")]
pub struct GateArgs {
    /// Folders of runs, or their report.json
    #[arg(value_name = "BUNDLE", required = true)]
    pub bundles: Vec<PathBuf>,
    /// The options.
    #[command(flatten)]
    pub options: GateOptions,
}

layer! {
    /// The options of `loadgen gate`: one layer of settings.
    pub struct GateOptions {
        /// A rule, for example 'lost == 0'; repeatable
        #[arg(long, value_name = "RULE")]
        pub gate: Vec<String>,
        /// File with gate tables, for example a scenario [default: the gates of each run, unless --gate names others]
        #[arg(long, value_name = "FILE")]
        pub gates: Option<PathBuf>,
        /// Form of the result on stdout [default: text]
        #[arg(short, long, value_name = "FORMAT", value_parser = choice::of::<Output>())]
        pub output: Option<Output>,
    }
}
