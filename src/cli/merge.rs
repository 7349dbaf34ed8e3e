//! Arguments of `loadgen merge`.

use std::path::PathBuf;

use clap::Args;

use crate::settings::choice;
use crate::settings::layer::layer;
use crate::settings::outcome::Output;

/// Adds up what the processes of one run left behind, as if one process had run it.
///
/// The processes share --run-id and have lanes of their own (--shard 1/3, 2/3, 3/3). Ledgers and histograms are added
/// exactly, quantiles are computed from the sums, seconds are put side by side by wall clock, and the gates of the run are
/// evaluated anew.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(after_help = "\
Examples:
  loadgen merge results/20260101T000000Z-peak-1 results/20260101T000000Z-peak-2
  loadgen merge a/peak b/peak c/peak --out results/peak")]
pub struct MergeArgs {
    /// Folders of the processes of one run, at least two
    #[arg(value_name = "BUNDLE", required = true, num_args = 2..)]
    pub bundles: Vec<PathBuf>,
    /// The options.
    #[command(flatten)]
    pub options: MergeOptions,
}

layer! {
    /// The options of `loadgen merge`: one layer of settings.
    pub struct MergeOptions {
        /// Folder to be made for the whole [default: results/START-NAME-merged]
        #[arg(long, value_name = "DIR")]
        pub out: Option<PathBuf>,
        /// Form of the result on stdout [default: text]
        #[arg(short, long, value_name = "FORMAT", value_parser = choice::of::<Output>())]
        pub output: Option<Output>,
    }
}
