//! The pace of `synth` and of `replay`, each in the words of its source.

use std::time::Duration;

use clap::Args;

use crate::schedule::Speed;
use crate::schedule::config::PhaseConfig;
use crate::settings::pace::{PaceOptions, PlannedRate};
use crate::settings::values;

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
    /// A rate that changes: ramp, steps, sine, spike, poisson, bursts or curve; repeatable, one phase after the other
    ///
    /// For example ramp:100/s..10000/s, steps:1000,2000,5000,each=30s, sine:mean=5000/s,amplitude=2000/s,period=60s,
    /// spike:base=1000/s,peak=20000/s,at=30s,hold=5s, poisson:500/s, bursts:1000,on=1s,off=9s, curve:file=rates.csv.
    /// A single phase lasts --duration, of several each needs its own: ramp:100/s..1000/s,duration=30s. A shape that reaches
    /// past the end of its phase is refused; until=20s ends it there on purpose.
    /// As a variable: one shape per line.
    #[arg(long, value_name = "SHAPE")]
    pub shape: Vec<PhaseConfig>,
    /// Multiplies every rate: 1, 10, 100, 0.5 [default: 1]
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

impl From<SynthPace> for PaceOptions {
    fn from(SynthPace { rate, shape, speed }: SynthPace) -> Self {
        Self { speed, rate, phase: shape, fit: None }
    }
}

impl From<ReplayPace> for PaceOptions {
    fn from(ReplayPace { speed, fit, rate }: ReplayPace) -> Self {
        Self { speed, rate, fit, phase: Vec::new() }
    }
}
