//! Arguments of `loadgen topics`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::settings::choice;
use crate::settings::cluster::ClusterOptions;
use crate::settings::layer::layer;
use crate::settings::outcome::Output;

/// Creates or describes topics. Nothing is ever deleted.
#[derive(Clone, Debug, Args)]
pub struct TopicsArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: TopicsAction,
}

/// What `loadgen topics` does.
#[derive(Clone, Debug, Subcommand)]
pub enum TopicsAction {
    /// Show what would be created, grown or set otherwise, and with --yes do it
    Apply(TopicsApply),
    /// Partitions, leaders, in-sync copies, records and retention; exit code 6 where one is missing
    Describe(TopicsDescribe),
}

/// Arguments of `loadgen topics apply`.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(after_help = "\
Examples:
  loadgen topics apply -b localhost:9092                      shows the plan
  loadgen topics apply topics.toml -b localhost:9092 --yes    carries it out")]
pub struct TopicsApply {
    /// Topics with partitions, replication factor and settings, as TOML [default: the five topics of loadgen]
    #[arg(value_name = "FILE.toml")]
    pub file: Option<PathBuf>,
    /// The options.
    #[command(flatten)]
    pub options: TopicsApplyOptions,
}

layer! {
    /// The options of `loadgen topics apply`: one layer of settings.
    pub struct TopicsApplyOptions {
        /// Carry the plan out; without it nothing is changed
        #[arg(short, long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        pub yes: Option<bool>,
        /// Partitions of a topic that FILE does not say it of [default: 3]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
        pub partitions: Option<i32>,
        /// Copies of each partition of a topic that FILE does not say it of [default: 1]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=i64::from(i16::MAX)))]
        pub replication_factor: Option<i32>,
        /// Form of the result on stdout [default: text]
        #[arg(short, long, value_name = "FORMAT", value_parser = choice::of::<Output>())]
        pub output: Option<Output>,
        /// Where.
        #[command(flatten)]
        pub cluster: ClusterOptions,
    }
}

/// Arguments of `loadgen topics describe`.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(after_help = "\
Examples:
  loadgen topics describe -b localhost:9092
  loadgen topics describe raw-events -b localhost:9092 --group my-service -o json")]
pub struct TopicsDescribe {
    /// Topics to describe [default: the five topics of loadgen]
    #[arg(value_name = "TOPIC")]
    pub topics: Vec<String>,
    /// The options.
    #[command(flatten)]
    pub options: TopicsDescribeOptions,
}

layer! {
    /// The options of `loadgen topics describe`: one layer of settings.
    pub struct TopicsDescribeOptions {
        /// Also tell how far this consumer group is behind; it is never joined
        #[arg(long, value_name = "NAME")]
        pub group: Option<String>,
        /// Form of the result on stdout [default: text]
        #[arg(short, long, value_name = "FORMAT", value_parser = choice::of::<Output>())]
        pub output: Option<Output>,
        /// Where.
        #[command(flatten)]
        pub cluster: ClusterOptions,
    }
}
