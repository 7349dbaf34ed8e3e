//! Arguments of `loadgen dataset`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::choice;
use crate::scenario::plan::Output;

/// Looks at a recorded CSV, or makes one of the same shape.
#[derive(Clone, Debug, Args)]
pub struct DatasetArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: DatasetAction,
}

/// What `loadgen dataset` does.
#[derive(Clone, Debug, Subcommand)]
pub enum DatasetAction {
    /// Rows, span, rates, types, users, order and duplicates of a recording
    Info(DatasetInfo),
    /// Write a CSV with Retail Rocket's header and shape
    Generate(DatasetGenerate),
}

/// Arguments of `loadgen dataset info`.
#[derive(Clone, Debug, Default, PartialEq, Args)]
pub struct DatasetInfo {
    /// Recording: CSV with the header timestamp,visitorid,event,itemid,transactionid; also .gz and .zst; - reads stdin
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The options.
    #[command(flatten)]
    pub options: DatasetInfoOptions,
}

/// The options of `loadgen dataset info`: one layer of settings.
#[derive(Clone, Debug, Default, PartialEq, Args)]
pub struct DatasetInfoOptions {
    /// What to do with rows that cannot be read [default: fail]
    #[arg(long, value_name = "POLICY")]
    pub bad_rows: Option<String>,
    /// Form of the result on stdout [default: text]
    #[arg(short, long, value_name = "FORMAT", value_parser = choice::of::<Output>())]
    pub output: Option<Output>,
}

/// Arguments of `loadgen dataset generate`.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(after_help = "\
Example:
  loadgen dataset generate --rows 10000 --seed 1 --out sample.csv")]
pub struct DatasetGenerate {
    /// Rows to write
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub rows: u64,
    /// Where the drawing starts; the same seed gives the same file
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// File to write; it must not exist; - writes to stdout
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}
