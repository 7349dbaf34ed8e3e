//! Arguments of `loadgen fleet`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::event::stamp::RunId;
use crate::settings::choice;
use crate::settings::cluster::ClusterOptions;
use crate::settings::fleet::{Purpose, Starter};
use crate::settings::layer::layer;
use crate::settings::run::RunOptions;
use crate::settings::values;

/// A run as several processes, on one machine or on many: what starts them, and how they are.
#[derive(Clone, Debug, Args)]
pub struct FleetArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: FleetAction,
}

/// What `loadgen fleet` does.
#[derive(Clone, Debug, Subcommand)]
pub enum FleetAction {
    /// Write the files that start the shards of a scenario: for Kubernetes, for machines behind ssh, or for this one
    Render(Box<FleetRender>),
    /// Show how the shards of a run are, from what they say in their topic, until all have ended
    Watch(Box<FleetWatch>),
}

/// Arguments of `loadgen fleet render`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  loadgen fleet render scenarios/peak.toml --shards 4 -b localhost:9092 --create-topics --out fleet
  loadgen fleet render scenarios/peak.toml --shards 24 --as kubernetes -b kafka:9092 --results topic --out fleet
  loadgen fleet render scenarios/peak.toml --shards 4 --for capacity -b localhost:9092 --out search")]
pub struct FleetRender {
    /// The scenario, a TOML file
    #[arg(value_name = "SCENARIO.toml")]
    pub scenario: PathBuf,
    /// How many shards; rates and counts of the scenario are those of all of them together
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub shards: u16,
    /// What starts them
    #[arg(long = "as", value_name = "WHAT", value_parser = choice::of::<Starter>(), default_value = "local")]
    pub starter: Starter,
    /// What they are started for
    #[arg(long = "for", value_name = "WHAT", value_parser = choice::of::<Purpose>(), default_value = "run")]
    pub purpose: Purpose,
    /// The folder to be made for the files
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The container image, for Kubernetes [default: loadgen:VERSION]
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
    /// What beats the scenario.
    #[command(flatten)]
    pub options: RunOptions,
}

/// Arguments of `loadgen fleet watch`.
#[derive(Clone, Debug, PartialEq, Args)]
#[command(after_help = "\
Examples:
  loadgen fleet watch c0ffee -b localhost:9092")]
pub struct FleetWatch {
    /// The run's id
    #[arg(value_name = "RUN", value_parser = values::run_id)]
    pub run: RunId,
    /// The options.
    #[command(flatten)]
    pub options: FleetWatchOptions,
}

layer! {
    /// The options of `loadgen fleet watch`: one layer of settings.
    pub struct FleetWatchOptions {
        /// The topic in which the shards meet [default: loadgen-fleet]
        #[arg(long, value_name = "TOPIC")]
        pub fleet_topic: Option<String>,
        /// Where.
        #[command(flatten)]
        pub cluster: ClusterOptions,
    }
}
