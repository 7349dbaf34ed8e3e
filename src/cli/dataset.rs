//! Arguments of `loadgen dataset`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::dataset::generate::Generate;
use crate::input::BadRowPolicy;
use crate::settings::anonymise::AnonymiseOptions;
use crate::settings::choice;
use crate::settings::files::FileOptions;
use crate::settings::layer::layer;
use crate::settings::outcome::Output;
use crate::settings::values;

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
    /// Rows, span, rates, types, keys, order and clocks of a recording
    Info(DatasetInfo),
    /// Convert between CSV, NDJSON and recordings, and anonymise on the way
    Convert(DatasetConvert),
    /// Write a CSV with Retail Rocket's header and shape
    Generate(DatasetGenerate),
}

/// Arguments of `loadgen dataset info`.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(after_help = "\
Examples:
  loadgen dataset info events.csv
  loadgen dataset info 'logs/*.ndjson.gz' --time-field ts --key-field user.id --type-field event
  loadgen dataset info calls.ndjson --preset segment --clock created
  loadgen dataset info 'archive/storage-*.avro'")]
pub struct DatasetInfo {
    /// Retail Rocket's CSV, or files of events (NDJSON, CSV, or what --preset names); also .gz, .zst, .zip; - reads stdin; or recordings
    #[arg(value_name = "FILE", num_args = 1.., required = true)]
    pub files: Vec<PathBuf>,
    /// The options.
    #[command(flatten)]
    pub options: DatasetInfoOptions,
}

layer! {
    /// The options of `loadgen dataset info`: one layer of settings.
    pub struct DatasetInfoOptions {
        /// What to do with rows, or blocks of a recording, that cannot be used: fail, or skip, which counts them [default: fail]
        #[arg(long, value_name = "POLICY")]
        pub bad_rows: Option<BadRowPolicy>,
        /// Memory for sorting; a larger recording is sorted on disk: 64MiB, 2GiB [default: 1GiB]
        #[arg(long, value_name = "SIZE", value_parser = values::size)]
        pub sort_memory: Option<u64>,
        /// Folder for sorting on disk [default: the system's]
        #[arg(long, value_name = "DIR")]
        pub temp_dir: Option<PathBuf>,
        /// Form of the result on stdout [default: text]
        #[arg(short, long, value_name = "FORMAT", value_parser = choice::of::<Output>())]
        pub output: Option<Output>,
        /// How files of events are read.
        #[command(flatten)]
        pub rows: FileOptions,
    }
}

/// Arguments of `loadgen dataset convert`.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(after_help = "\
Examples:
  loadgen dataset convert calls.ndjson.gz --preset segment -o calls.avro
  loadgen dataset convert orders.avro -o orders.ndjson
  loadgen dataset convert calls.ndjson --preset segment -o safe.ndjson --anonymise userId=hmac,@key=hmac,context.ip=prefix/24 \\
    --key-file pseudonyms.key --create-key")]
pub struct DatasetConvert {
    /// Files of events, or recordings, which become one; also .gz, .zst, .zip; - reads stdin
    #[arg(value_name = "IN", num_args = 1.., required = true)]
    pub files: Vec<PathBuf>,
    /// The options.
    #[command(flatten)]
    pub options: DatasetConvertOptions,
}

layer! {
    /// The options of `loadgen dataset convert`: one layer of settings.
    pub struct DatasetConvertOptions {
        /// File to write; its name says what: .avro (a recording), .ndjson or .csv, these also with .gz or .zst; - is stdout
        #[arg(short, long, value_name = "OUT")]
        pub out: Option<PathBuf>,
        /// Replace the file if it is there
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        pub force: Option<bool>,
        /// Of a recording's records write the values alone, each on a line
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        pub values: Option<bool>,
        /// What to do with rows that cannot be used: fail, or skip, which counts them [default: fail]
        #[arg(long, value_name = "POLICY")]
        pub bad_rows: Option<BadRowPolicy>,
        /// Memory for sorting; a larger recording is sorted on disk: 64MiB, 2GiB [default: 1GiB]
        #[arg(long, value_name = "SIZE", value_parser = values::size)]
        pub sort_memory: Option<u64>,
        /// Folder for sorting on disk [default: the system's]
        #[arg(long, value_name = "DIR")]
        pub temp_dir: Option<PathBuf>,
        /// Form of the result on stdout, which is stderr where OUT is stdout [default: text]
        #[arg(long, value_name = "FORMAT", value_parser = choice::of::<Output>())]
        pub output: Option<Output>,
        /// How files of events are read.
        #[command(flatten)]
        pub rows: FileOptions,
        /// What is replaced.
        #[command(flatten)]
        pub anonymise: AnonymiseOptions,
    }
}

layer! {
    /// Arguments of `loadgen dataset generate`: one layer of settings.
    #[command(after_help = "\
Example:
  loadgen dataset generate --rows 10000 --days 7 --seed 1 --out sample.csv")]
    pub struct DatasetGenerate {
        /// File to write [default: stdout]
        #[arg(long, value_name = "FILE")]
        pub out: Option<PathBuf>,
        /// Replace the file if it is there
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        pub force: Option<bool>,
        /// Rows to write, duplicates among them [default: 10000]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        pub rows: Option<u64>,
        /// About how many visitors [default: one for each 1.96 rows, as published]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        pub users: Option<u64>,
        /// At most this many items [default: 235061, as published]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        pub items: Option<u64>,
        /// Days from the first to the last event [default: 138, as published]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        pub days: Option<u32>,
        /// Where the drawing starts; the same seed gives the same file [default: 1]
        #[arg(long, value_name = "N")]
        pub seed: Option<u64>,
        /// Days in the published order and random inside; false sorts by time [default: true]
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        pub disorder: Option<bool>,
        /// Rows that repeat another one [default: the published share, 1 in 6000]
        #[arg(long, value_name = "N")]
        pub duplicates: Option<u64>,
    }
}

impl DatasetGenerate {
    /// What to make, with the defaults for what is not given.
    #[must_use]
    pub fn generate(&self) -> Generate {
        let usual = Generate::default();
        Generate {
            rows: self.rows.unwrap_or(usual.rows),
            users: self.users.or(usual.users),
            items: self.items.unwrap_or(usual.items),
            days: self.days.unwrap_or(usual.days),
            seed: self.seed.unwrap_or(usual.seed),
            disorder: self.disorder.unwrap_or(usual.disorder),
            duplicates: self.duplicates.or(usual.duplicates),
        }
    }
}
