//! Arguments of `loadgen synth`.

use clap::Args;

use super::{cluster, limits, outcome, pace, values, verification};
use crate::source::synthetic::{HotKey, MOST_MEMBERS, Weights};

/// Publishes synthetic e-commerce events, keyed by user, and accounts for every one.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = "\
Examples:
  loadgen synth --rate 10000 --duration 60s
  loadgen synth -b localhost:9092 --rate 500/s --weights view=90,transaction=10 -d 5m
  loadgen synth --shape ramp:100/s..5000/s --duration 2m
  loadgen synth -b localhost:9092 --rate unlimited --num-records 2000000 --no-verify")]
pub struct SynthArgs {
    /// What is drawn.
    #[command(flatten)]
    pub events: SynthOptions,
    /// How fast.
    #[command(flatten)]
    pub pace: pace::SynthPace,
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

/// What synthetic events look like.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(next_help_heading = "Events")]
pub struct SynthOptions {
    /// Share of each event type [default: view=50,addtocart=20,transaction=10,search=10,filter=7,review=3]
    ///
    /// A mix is named as a whole: types that are not named, or have weight 0, do not occur.
    #[arg(long, value_name = "TYPE=WEIGHT,...")]
    pub weights: Option<Weights>,
    /// Distinct users [default: 100000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST_MEMBERS))]
    pub users: Option<u64>,
    /// Distinct items [default: 50000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST_MEMBERS))]
    pub items: Option<u64>,
    /// How unevenly events fall on users: exponent of a Zipf distribution, 0 (evenly) to 5 [default: 0.7]
    #[arg(long, value_name = "S", value_parser = values::skew)]
    pub user_skew: Option<f64>,
    /// How unevenly events fall on items: exponent of a Zipf distribution, 0 (evenly) to 5 [default: 0.8]
    #[arg(long, value_name = "S", value_parser = values::skew)]
    pub item_skew: Option<f64>,
    /// One user gets this share of all events: 20% or 0.2
    #[arg(long, value_name = "SHARE", value_parser = values::hot_key)]
    pub hot_user: Option<HotKey>,
    /// One item gets this share of all events that have an item, as in a flash sale: 20% or 0.2
    #[arg(long, value_name = "SHARE", value_parser = values::hot_key)]
    pub hot_item: Option<HotKey>,
}
