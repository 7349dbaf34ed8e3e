//! Arguments of `loadgen replay`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{choice, cluster, limits, outcome, pace, values, verification};
use crate::scenario::plan::EventTime;
use crate::source::retail_rocket::{BadRowPolicy, Moment, Rounds, Share};

/// Publishes a recorded CSV in time order, keyed by user, and accounts for every event.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = "\
Examples:
  loadgen replay events.csv --fit 60s                     the whole recording in a minute
  loadgen replay events.csv --speed 100 --max-gap 1s      100 times faster, nights cut short
  loadgen replay events.csv --speed 1 --from 2015-06-01T18:00:00Z --until 2015-06-01T19:00:00Z
  loadgen replay events.csv --speed 100 --dry-run         what it would be, without sending")]
pub struct ReplayArgs {
    /// Recording: CSV with the header timestamp,visitorid,event,itemid,transactionid; also .gz and .zst; - reads stdin
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// What of it.
    #[command(flatten)]
    pub recording: RecordingOptions,
    /// How fast.
    #[command(flatten)]
    pub pace: pace::ReplayPace,
    /// How long.
    #[command(flatten)]
    pub limits: limits::RunLimits,
    /// Into what.
    #[command(flatten)]
    pub target: cluster::TargetOptions,
    /// Read back how.
    #[command(flatten)]
    pub verifier: verification::VerifierOptions,
    /// With what result.
    #[command(flatten)]
    pub outcome: outcome::OutcomeOptions,
}

/// Which part of a recording is replayed, and how it is read.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(next_help_heading = "Recording")]
pub struct RecordingOptions {
    /// Play idle gaps longer than this, in recorded time, as this long: 1s, 10m
    #[arg(long, value_name = "DURATION", value_parser = values::positive_duration)]
    pub max_gap: Option<Duration>,
    /// Leave out what was recorded before: RFC 3339, or ms since 1970
    #[arg(long, value_name = "TIME")]
    pub from: Option<Moment>,
    /// Leave out what was recorded at or after: RFC 3339, or ms since 1970
    #[arg(long, value_name = "TIME")]
    pub until: Option<Moment>,
    /// Take only the first N events of what is left
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Play it this often, each round after the last: a number or forever [default: 1]
    #[arg(long = "loop", value_name = "N")]
    pub rounds: Option<Rounds>,
    /// Leave out exact duplicates of a row, and count them
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub dedup: Option<bool>,
    /// Take this share of the users, each with all events: 1%, 0.125 [default: all]
    #[arg(long, value_name = "SHARE")]
    pub users_sample: Option<Share>,
    /// Turn each user into K users with slightly moved times [default: 1]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    pub amplify: Option<u32>,
    /// What to do with rows that cannot be used: fail, or skip, which counts them [default: fail]
    #[arg(long, value_name = "POLICY")]
    pub bad_rows: Option<BadRowPolicy>,
    /// The body's timestamp [default: recorded]
    #[arg(long, value_name = "WHICH", value_parser = choice::of::<EventTime>())]
    pub event_time: Option<EventTime>,
    /// Retail Rocket's category_tree.csv, whose leaves become the categories [default: categories are derived]
    #[arg(long, value_name = "FILE")]
    pub category_tree: Option<PathBuf>,
    /// Retail Rocket's item_properties files: an item's category, price and availability at the time of each event
    ///
    /// Changes of availability become events of type inventory on the topic inventory (--topic-map inventory=TOPIC names
    /// another one). May be repeated.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub item_properties: Vec<PathBuf>,
    /// Whether changes of availability become inventory events, with --item-properties [default: true]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub inventory: Option<bool>,
    /// Memory for sorting; a larger recording is sorted on disk: 64MiB, 2GiB [default: 1GiB]
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    pub sort_memory: Option<u64>,
    /// Folder for sorting on disk [default: the system's]
    #[arg(long, value_name = "DIR")]
    pub temp_dir: Option<PathBuf>,
}
