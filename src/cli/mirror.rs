//! Arguments of `loadgen mirror`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::inflow::InflowArgs;
use super::record::ReadingOptions;
use crate::schedule::Speed;
use crate::settings::layer::layer;
use crate::settings::recording::RecordOptions;
use crate::settings::values;

/// Reads topics and sends their records into others at once, without a file: a backlog k times as fast as it was written, and what is
/// live as it comes, or k copies of it.
///
/// It reads by assignment, joins no group, and commits nothing. Order within a partition is never broken; between partitions times decide. Every
/// record that was read is accounted for. Ctrl-C ends it.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(after_help = "\
Examples:
  loadgen mirror -b live:9092 -t orders --to test:9092 --create-topics --raw --speed 10
  loadgen mirror -b live:9092 -t clicks,orders --to test:9092 --from latest --copies 3 --duration 10m \\
    --anonymise @key=hmac,user_id=hmac --key-file pseudonyms.key --create-key
  loadgen mirror -b localhost:9092 -t orders --topic-map orders=orders-copy --until end --raw --verify")]
#[command(mut_arg("topic", |arg| arg.value_name("TOPIC,...").help("Topics to read: one, or several with commas between them").long_help(None)))]
#[command(mut_arg("num_records", |arg| arg.help("Stop after this many records that were read").long_help(None)))]
pub struct MirrorArgs {
    /// How it is mirrored.
    #[command(flatten)]
    pub mirroring: MirrorOptions,
    /// How the run is made: of its topics, those that are read, and how these are written elsewhere.
    #[command(flatten)]
    pub run: InflowArgs,
}

layer! {
    /// How topics are mirrored.
    #[command(next_help_heading = "Mirroring")]
    pub struct MirrorOptions {
        /// Brokers of the cluster that records go to, host:port,host:port [default: the one that is read]
        #[arg(long, value_name = "HOST:PORT")]
        pub to: Option<String>,
        /// Client properties for that cluster, from a Java-style .properties file [default: --command-config]
        ///
        /// -X is for both.
        #[arg(long, value_name = "FILE")]
        pub to_config: Option<PathBuf>,
        /// How many times as fast as they were written records are sent, where there is a backlog: 1, 10, 0.5 [default: 1]
        #[arg(long, value_name = "FACTOR", value_parser = values::speed)]
        pub speed: Option<Speed>,
        /// Send each record so many times; the keys of the second and later ones end in -2, -3 and so on [default: 1]
        #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=1_000))]
        pub copies: Option<u32>,
        /// Play idle gaps longer than this, in the time of the records, as this long: 1s, 10m
        #[arg(long, value_name = "DURATION", value_parser = values::positive_duration)]
        pub max_gap: Option<Duration>,
        /// Read every event back
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        pub verify: Option<bool>,
        /// What becomes of records.
        #[command(flatten)]
        pub record: RecordOptions,
        /// From where to where, and what of it.
        #[command(flatten)]
        pub reading: ReadingOptions,
    }
}
