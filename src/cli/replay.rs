//! Arguments of `loadgen replay`.

use std::path::PathBuf;

use clap::Args;

use super::pace;
use crate::settings::cluster::TargetOptions;
use crate::settings::outcome::OutcomeOptions;
use crate::settings::recording::RecordingOptions;
use crate::settings::run::RunLimits;
use crate::settings::verification::VerifierOptions;

/// Publishes a recorded CSV in time order, keyed by user, and accounts for every event.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = "\
Examples:
  loadgen replay events.csv --fit 60s                     the whole recording in a minute
  loadgen replay events.csv --speed 100 --max-gap 1s      100 times faster, nights cut short
  loadgen replay events.csv --speed 1 --from 2015-06-01T18:00:00Z --until 2015-06-01T19:00:00Z
  loadgen replay events.csv --speed 100 --dry-run         what it would be, without sending")]
pub struct ReplayArgs {
    /// Recording: CSV with the header timestamp,visitorid,event,itemid,transactionid; also .gz, .zst, .zip; - reads stdin
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
