//! How fast events are sent.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserializer;
use toml::Value;

use super::layer::{InScenario, settings};
use super::{text, values};
use crate::schedule::config::PhaseConfig;
use crate::schedule::rate::RateError;
use crate::schedule::{Rate, Speed};

/// A rate, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlannedRate {
    /// So many events per time.
    At(Rate),
    /// As fast as the client takes them.
    Unlimited,
}

impl FromStr for PlannedRate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        if text.trim() == "unlimited" { Ok(Self::Unlimited) } else { text.parse().map(Self::At) }
    }
}

impl fmt::Display for PlannedRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(rate) => rate.fmt(f),
            Self::Unlimited => f.write_str("unlimited"),
        }
    }
}

impl InScenario for PlannedRate {
    fn read<'de, D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        text::read(value)
    }

    fn write(&self) -> Result<Value, toml::ser::Error> {
        Ok(Value::String(self.to_string()))
    }
}

settings! {
    /// The pace of a scenario, of either source. `synth` and `replay` explain it each for its own source.
    #[command(next_help_heading = "Pace")]
    pub struct PaceOptions {
        /// Multiplies the rates of synthetic events; how many times faster than recorded a recording is replayed
        #[arg(long, value_name = "FACTOR", value_parser = values::speed)]
        speed: Option<Speed>,
        /// Events per second, instead of the scenario's phases or of the recorded times: 500/s or unlimited
        #[arg(short, long, value_name = "N/s", value_parser = values::rate)]
        rate: Option<PlannedRate>,
        /// A rate that changes, instead of the scenario's phases, as in `loadgen synth --help`; repeatable
        #[arg(long = "shape", value_name = "SHAPE")]
        phase: Vec<PhaseConfig>,
        /// Choose the speed of a replay so that it takes this long: 60s, 10m
        #[arg(long, value_name = "DURATION", value_parser = values::positive_duration)]
        fit: Option<Duration>,
    }
}
