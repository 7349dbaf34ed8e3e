//! Arguments of `loadgen replay`.

use std::path::PathBuf;

use clap::Args;

use super::pace;
use crate::settings::cluster::TargetOptions;
use crate::settings::events::DeclaredOptions;
use crate::settings::outcome::OutcomeOptions;
use crate::settings::recording::RecordingOptions;
use crate::settings::run::RunLimits;
use crate::settings::verification::VerifierOptions;

/// Publishes what was recorded in time order, with its own timing or k times as fast, and accounts for every event.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = "\
Examples:
  loadgen replay events.csv --fit 60s                     the whole recording in a minute
  loadgen replay events.csv --speed 100 --max-gap 1s      100 times faster, nights cut short
  loadgen replay events.csv --speed 100 --dry-run         what it would be, without sending
  loadgen replay orders.avro --speed 10                   a recording of topics
  loadgen replay 'logs/*.ndjson.gz' --time-field ts --key-field user.id --type-field event --max-gap 1s
  loadgen replay access.log --preset access-log --fit 60s
  loadgen replay views.csv --time-field at --schema view.avsc --map user_id=visitor --format avro --register")]
pub struct ReplayArgs {
    /// Retail Rocket's CSV, a recording of topics (.avro), or files of events (NDJSON, CSV, or what --preset names); also .gz,
    /// .zst, .zip; - reads stdin
    #[arg(value_name = "FILE", num_args = 1.., required = true)]
    pub files: Vec<PathBuf>,
    /// Of which types rows become events.
    #[command(flatten)]
    pub declared: DeclaredOptions,
    /// What of it.
    #[command(flatten)]
    pub recording: RecordingOptions,
    /// How fast.
    #[command(flatten)]
    pub pace: pace::ReplayPace,
    /// How long.
    #[command(flatten)]
    pub limits: RunLimits,
    /// Into what.
    #[command(flatten)]
    pub target: TargetOptions,
    /// Read back how.
    #[command(flatten)]
    pub verifier: VerifierOptions,
    /// With what result.
    #[command(flatten)]
    pub outcome: OutcomeOptions,
}
