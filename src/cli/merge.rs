//! Arguments of `loadgen merge`.

use std::path::PathBuf;

use clap::Args;

use super::choice;
use crate::scenario::plan::Output;

/// Adds up runs of several processes that ran at the same time with lanes of their own.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(after_help = "\
Example:
  loadgen merge results/shard-1 results/shard-2 --name both")]
pub struct MergeArgs {
    /// Folders of the runs, at least two
    #[arg(value_name = "BUNDLE", num_args = 2.., required = true)]
    pub bundles: Vec<PathBuf>,
    /// The options.
    #[command(flatten)]
    pub options: MergeOptions,
}

/// The options of `loadgen merge`: one layer of settings.
#[derive(Clone, Debug, Default, PartialEq, Args)]
pub struct MergeOptions {
    /// Name of the sum, part of its folder's name [default: merged]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Folder in which the sum gets a folder of its own [default: results]
    #[arg(long, value_name = "DIR")]
    pub results_dir: Option<PathBuf>,
    /// Form of the result on stdout [default: text]
    #[arg(short, long, value_name = "FORMAT", value_parser = choice::of::<Output>())]
    pub output: Option<Output>,
}
