//! Arguments of `loadgen selftest`.

use std::time::Duration;

use clap::Args;

use crate::settings::choice;
use crate::settings::cluster::ClusterOptions;
use crate::settings::formats::{Format, KeyFormat};
use crate::settings::layer::layer;
use crate::settings::outcome::Output;
use crate::settings::values;

/// Shows that the checker finds what it claims to find.
///
/// Runs 6,000 events, and 1,500 in transactions, through the same lanes, verifier and ledger as every run, with a faulty
/// layer before the broker and one behind it: they drop, double, swap, damage, delay and misplace a known number of events,
/// drawn from a seed. The report must find exactly those, each as what it is. Exit code 3 where it does not: then no result of this program is to be
/// trusted.
///
/// On a cluster it uses a topic of its own with a random name, and removes it afterwards.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = "\
Examples:
  loadgen selftest                       on the embedded broker, about 7 seconds
  loadgen selftest --format avro         what can be wrong with Avro
  loadgen selftest --id-in-header        what can be wrong with a header
  loadgen selftest -b localhost:9092     on a cluster, in a topic of its own
  loadgen selftest --output json")]
pub struct SelfTestArgs {
    /// Use this topic, which exists, and leave it there. It gets damaged events: never name one that others read
    ///
    /// There is no variable for it, so that no topic of other commands is used by accident.
    #[arg(short, long, value_name = "TOPIC", hide_env = true)]
    pub topic: Option<String>,
    /// The format of the events, which has faults of its own [default: json]
    ///
    /// Schemas have ids that the self-test gives them: no registry is asked. There is no variable for it, since that of other commands is a
    /// list by topics.
    #[arg(long, value_name = "FORMAT", value_parser = choice::of::<Format>(), hide_env = true)]
    pub format: Option<Format>,
    /// The format of their keys [default: string]
    ///
    /// There is no variable for it, either.
    #[arg(long, value_name = "FORMAT", value_parser = choice::of::<KeyFormat>(), hide_env = true)]
    pub key_format: Option<KeyFormat>,
    /// Put the ids of events into a header of their records, which can be missing, there twice or damaged
    ///
    /// There is no variable for it.
    #[arg(long, hide_env = true)]
    pub id_in_header: bool,
    /// The options.
    #[command(flatten)]
    pub options: SelfTestOptions,
}

layer! {
    /// The options of `loadgen selftest`: one layer of settings.
    pub struct SelfTestOptions {
        /// Where the faults are drawn from [default: random, and told]
        #[arg(long, value_name = "N")]
        pub seed: Option<u64>,
        /// How long the verifier may take for the last events; some are withheld, so it always takes that long
        /// [default: 3s, on a cluster 6s]
        #[arg(long, value_name = "DURATION", value_parser = values::positive_duration)]
        pub drain_deadline: Option<Duration>,
        /// Form of the result on stdout [default: text]
        #[arg(short, long, value_name = "FORMAT", value_parser = choice::of::<Output>())]
        pub output: Option<Output>,
        /// Where.
        #[command(flatten)]
        pub cluster: ClusterOptions,
    }
}
