//! Arguments of `loadgen merge`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::event::stamp::RunId;
use crate::settings::choice;
use crate::settings::cluster::ClusterOptions;
use crate::settings::layer::layer;
use crate::settings::outcome::Output;
use crate::settings::values;

/// Adds up what the processes of one run left behind, as if one process had run it.
///
/// The processes share --run-id and have lanes of their own (--shard 1/3, 2/3, 3/3). Ledgers and histograms are added
/// exactly, quantiles are computed from the sums, seconds are put side by side by wall clock, and the gates of the run are
/// evaluated anew.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(after_help = "\
Examples:
  loadgen merge results/20260101T000000Z-peak-1 results/20260101T000000Z-peak-2
  loadgen merge a/peak b/peak c/peak --out results/peak
  loadgen merge --from-topic c0ffee -b kafka:9092 --out results/peak")]
pub struct MergeArgs {
    /// Folders of the processes of one run, at least two unless the others were lost
    #[arg(value_name = "BUNDLE", required_unless_present = "from_topic", conflicts_with = "from_topic")]
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
        /// Take the bundles of this run from the fleet's topic, where --results topic has put them
        ///
        /// Waits until each shard has handed its bundle in or is lost. Nothing is heard of a shard that is lost for 30 s.
        #[arg(long, value_name = "RUN", value_parser = values::run_id)]
        pub from_topic: Option<RunId>,
        /// The topic [default: loadgen-fleet]
        #[arg(long, value_name = "TOPIC")]
        pub fleet_topic: Option<String>,
        /// How long the bundles are waited for; what is not there then counts as lost [default: 10m]
        #[arg(long, value_name = "DURATION", value_parser = values::positive_duration)]
        pub deadline: Option<Duration>,
        /// Where that topic is.
        #[command(flatten)]
        pub cluster: ClusterOptions,
        /// Form of the result on stdout [default: text]
        #[arg(short, long, value_name = "FORMAT", value_parser = choice::of::<Output>())]
        pub output: Option<Output>,
    }
}
