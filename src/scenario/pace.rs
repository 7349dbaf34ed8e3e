//! How fast a run goes: which of rate, speed, fit and phases applies, and whose.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::Scenario;
use super::error::ConfigError;
use super::source::SourceConfig;
use crate::schedule::config::PhaseConfig;
use crate::schedule::rate::RateError;
use crate::schedule::{Phase, Rate, Schedule, Speed};

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

/// When events are due.
#[derive(Clone, Debug, PartialEq)]
pub enum Pace {
    /// In phases, one after the other.
    Phases(Vec<Phase>),
    /// As recorded, this many times faster.
    Speed(Speed),
    /// As recorded, as fast as it takes to last this long.
    Fit(Duration),
    /// In recorded order, at this rate.
    Rate(Rate),
    /// In recorded order, as fast as the client takes them.
    Unlimited,
}

impl Pace {
    /// The pace of a scenario without open settings.
    ///
    /// # Errors
    /// Phases that make no schedule, and rates that leave their range when multiplied.
    pub fn new(scenario: &Scenario) -> Result<Self, ConfigError> {
        if let SourceConfig::RetailRocket(_) = scenario.source {
            return Ok(match (scenario.fit, scenario.rate) {
                (Some(wall), _) => Self::Fit(wall),
                (None, Some(PlannedRate::At(rate))) => Self::Rate(rate),
                (None, Some(PlannedRate::Unlimited)) => Self::Unlimited,
                (None, None) => Self::Speed(scenario.speed.unwrap_or(Speed::RECORDED)),
            });
        }
        let speed = scenario.speed.unwrap_or(Speed::RECORDED);
        let phases = scenario.phases.iter().map(|config| faster(config, speed)).collect::<Result<Vec<_>, _>>()?;
        Schedule::new(phases.clone(), scenario.num_records).map_err(|error| plan_error(error.to_string()))?;
        Ok(Self::Phases(phases))
    }
}

fn faster(config: &PhaseConfig, speed: Speed) -> Result<Phase, ConfigError> {
    let mut config = config.clone();
    if let Some(rate) = config.rate {
        let faster = rate.times(speed).ok_or_else(|| plan_error(format!("{rate} times {speed} is no rate")))?;
        config.rate = Some(faster);
    }
    Phase::try_from(config).map_err(|error| plan_error(error.to_string()))
}

fn plan_error(reason: String) -> ConfigError {
    ConfigError::Plan { reason, hint: None }
}
