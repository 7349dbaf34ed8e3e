//! Arguments of `loadgen synth`.

use clap::Args;

use super::pace;
use crate::input::BadRowPolicy;
use crate::settings::cluster::TargetOptions;
use crate::settings::events::EventOptions;
use crate::settings::outcome::OutcomeOptions;
use crate::settings::run::RunLimits;
use crate::settings::verification::VerifierOptions;

/// Publishes synthetic e-commerce events, keyed by user, and accounts for every one.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = "\
Examples:
  loadgen synth --rate 10000 --duration 60s
  loadgen synth -b localhost:9092 --rate 500/s --weights view=90,transaction=10 -d 5m
  loadgen synth --model sessions --rate 200/s --hot-key item=20% -d 5m
  loadgen synth --like datasets/retailrocket-sample.csv --rate 500/s -d 5m
  loadgen synth --shape ramp:100/s..5000/s --duration 2m
  loadgen synth -b localhost:9092 --rate unlimited --num-records 2000000 --no-verify")]
pub struct SynthArgs {
    /// What is drawn.
    #[command(flatten)]
    pub events: EventOptions,
    /// What to do with rows of the --like recording that cannot be used: fail, or skip, which counts them [default: fail]
    #[arg(long, value_name = "POLICY", help_heading = "Events")]
    pub bad_rows: Option<BadRowPolicy>,
    /// How fast.
    #[command(flatten)]
    pub pace: pace::SynthPace,
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
