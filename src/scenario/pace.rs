//! How fast a run goes: which of rate, speed, fit and phases applies, and whose.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::ConfigError;
use super::source::SourceConfig;
use super::{Scenario, text};
use crate::schedule::config::{PhaseConfig, phases};
use crate::schedule::rate::{Level, RateError};
use crate::schedule::text::Levels;
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

impl Serialize for PlannedRate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PlannedRate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::read(deserializer)
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
        let mut configs = scenario.phases.clone();
        for config in &mut configs {
            multiply(config, speed)
                .ok_or_else(|| plan_error(format!("the rate of a phase times {speed} is no rate")))?;
        }
        let phases = phases(configs).map_err(|error| plan_error(error.to_string()))?;
        Schedule::seeded(phases.clone(), scenario.num_records, scenario.seed.unwrap_or_default())
            .map_err(|error| plan_error(error.to_string()))?;
        Ok(Self::Phases(phases))
    }
}

/// Multiplies every rate of a phase, where they stay rates.
fn multiply(config: &mut PhaseConfig, speed: Speed) -> Option<()> {
    let PhaseConfig {
        rate,
        from,
        to,
        rates,
        step,
        mean,
        amplitude,
        base,
        peak,
        points,
        name: _,
        schedule: _,
        duration: _,
        until: _,
        warm_up: _,
        speed: _,
        over: _,
        growth: _,
        each: _,
        period: _,
        at: _,
        rise: _,
        hold: _,
        fall: _,
        on: _,
        off: _,
        seed: _,
        file: _,
        repeat: _,
    } = config;
    for rate in [rate, step, mean, amplitude].into_iter().flatten() {
        *rate = rate.times(speed)?;
    }
    let listed = rates.iter_mut().flat_map(|Levels(levels)| levels);
    let on_curve = points.iter_mut().flatten().map(|(_, level)| level);
    for level in [from, to, base, peak].into_iter().flatten().chain(listed).chain(on_curve) {
        if let Level::At(rate) = level {
            *rate = rate.times(speed)?;
        }
    }
    Some(())
}

fn plan_error(reason: String) -> ConfigError {
    ConfigError::Plan { reason, hint: None }
}
