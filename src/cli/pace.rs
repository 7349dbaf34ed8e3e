//! Options that say how fast events are sent.

use std::time::Duration;

use clap::Args;

use super::values;
use crate::scenario::pace::PlannedRate;
use crate::schedule::Speed;

/// The rate of a synthetic run.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(next_help_heading = "Pace")]
pub struct SynthPace {
    /// Events per second: 10000, 10000/s, 0.5/s, 600/m or unlimited [default: 1000/s]
    ///
    /// Event n is due at n/rate, whatever the cluster does: a slow broker makes events late, and their lateness is
    /// measured. `unlimited` has no due times, so it measures throughput, not latency under a load.
    #[arg(long, value_name = "N/s", value_parser = values::rate)]
    pub rate: Option<PlannedRate>,
    /// Multiplies the rate: 1, 10, 100, 0.5 [default: 1]
    #[arg(long, value_name = "FACTOR", value_parser = values::speed)]
    pub speed: Option<Speed>,
}

/// The pace of a replay: one of three.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(next_help_heading = "Pace")]
pub struct ReplayPace {
    /// Times faster than recorded: 1, 10, 100, 0.5 [default: 1]
    #[arg(long, value_name = "FACTOR", value_parser = values::speed)]
    pub speed: Option<Speed>,
    /// Choose the speed so that the replay takes this long: 60s, 10m
    #[arg(long, value_name = "DURATION", value_parser = values::positive_duration)]
    pub fit: Option<Duration>,
    /// Ignore the recorded times and send in their order at this rate: 500/s or unlimited
    #[arg(long, value_name = "N/s", value_parser = values::rate)]
    pub rate: Option<PlannedRate>,
}
